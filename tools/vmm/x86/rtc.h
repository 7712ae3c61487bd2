/* SPDX-License-Identifier: GPL-2.0 */
/* The real-time clock of a PC (MC146818) and its CMOS memory. */
#ifndef AXVMM_RTC_H
#define AXVMM_RTC_H

#include <time.h>

#include "bus.h"
#include "irq.h"
#include "timer.h"

#define RTC_BYTES	128
#define RTC_CENTURY	0x32	/* its register; the FADT tells it */

/**
 * struct rtc - the clock; guarded by the machine's lock
 * @index:	register that port 0x71 accesses
 * @cmos:	registers, those of the time aside
 * @offset:	seconds that the guest's clock is ahead of UTC
 * @frozen:	while it is being set (register B, SET): what it shows, be it
 *		a date or, between two writes, none
 * @second:	last second whose update has been noted in register C
 * @period_start: when the periodic interrupt began, in clock_now() time
 * @periods:	periods since then that have been noted in register C
 * @irq:	interrupt line
 * @timer:	next event whose interrupt is enabled
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
 * rtc_init() - a clock that shows UTC, on the bus
 * @rtc:	the clock
 * @bus:	the bus
 * @loop:	the loop, for the interrupts
 * @irq:	its interrupt line
 * @low_mem:	bytes of guest memory below 4 GiB
 * @high_mem:	bytes of guest memory above
 *
 * Return: 0 or a negative errno.
 */
int rtc_init(struct rtc *rtc, struct bus *bus, struct loop *loop,
	     struct irq_line irq, u64 low_mem, u64 high_mem);

#endif /* AXVMM_RTC_H */
