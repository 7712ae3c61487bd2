/* SPDX-License-Identifier: GPL-2.0 */
/* The real-time clock of a PC (MC146818) and its CMOS memory. */
#ifndef AXVMM_RTC_H
#define AXVMM_RTC_H

#include <time.h>

#include "bus.h"
#include "irq.h"
#include "timer.h"

#define RTC_BYTES	128
#define RTC_CENTURY	0x32	/* the register of the century; the FADT tells the guest */

/**
 * struct rtc - the clock; guarded by the machine's lock
 * @index:	register that port 0x71 accesses
 * @cmos:	the registers; those of the time are not stored
 * @offset:	seconds that the guest's clock is ahead of UTC
 * @frozen:	the time that the registers show while the guest sets the clock (register
 *		B, SET); between two writes it may be no valid date
 * @second:	last second whose update is in register C
 * @period_start: when the periodic interrupt began, in clock_now() time
 * @periods:	periods since @period_start that are in register C
 * @irq:	interrupt line
 * @timer:	fires at the next event whose interrupt is enabled
 */
struct rtc {
	u8 index;
	u8 cmos[RTC_BYTES];
	s64 offset;
	struct tm frozen;
	s64 second;
	u64 period_start;
	u64 periods;
	struct irq_line irq;
	struct timer timer;
};

/**
 * rtc_init() - initialize a clock that shows UTC, and put it on the bus
 * @rtc:	the clock
 * @bus:	the bus
 * @loop:	the event loop, for the interrupts
 * @irq:	its interrupt line
 * @low_mem:	bytes of guest memory below 4 GiB
 * @high_mem:	bytes of guest memory from 4 GiB on
 *
 * Return: 0 or a negative errno.
 */
int rtc_init(struct rtc *rtc, struct bus *bus, struct loop *loop,
	     struct irq_line irq, u64 low_mem, u64 high_mem);

#endif /* AXVMM_RTC_H */
