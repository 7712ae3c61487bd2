/* SPDX-License-Identifier: GPL-2.0 */
/* A PL031 real-time clock. */
#ifndef AXVMM_PL031_H
#define AXVMM_PL031_H

#include "bus.h"
#include "irq.h"
#include "timer.h"

#define PL031_SIZE	0x1000

/* Registers. */
#define PL031_DR	0x00	/* seconds */
#define PL031_MR	0x04	/* when the alarm goes off */
#define PL031_LR	0x08	/* sets the clock */
#define PL031_CR	0x0c	/* 1: the clock goes */
#define PL031_IMSC	0x10	/* 1: the alarm interrupts */
#define PL031_RIS	0x14
#define PL031_MIS	0x18
#define PL031_ICR	0x1c
#define PL031_ID	0xfe0

/**
 * struct pl031 - the clock; guarded by the machine's lock
 * @irq:	interrupt line
 * @offset:	seconds that the guest's clock is ahead of UTC
 * @load:	what was last written to set the clock
 * @match:	when the alarm goes off
 * @enabled:	the alarm interrupts
 * @pending:	the alarm has gone off
 * @seen:	the last second that was compared with @match
 * @alarm:	timer that fires when the alarm is to go off
 */
struct pl031 {
	struct irq_line irq;
	u32 offset;
	u32 load;
	u32 match;
	bool enabled;
	bool pending;
	u32 seen;
	struct timer alarm;
};

/**
 * pl031_init() - initialize a clock that shows UTC, and put it on the bus
 * @rtc:	the clock
 * @bus:	the bus
 * @addr:	first address
 * @loop:	the event loop, for the alarm
 * @irq:	its interrupt line
 *
 * Return: 0 or a negative errno.
 */
int pl031_init(struct pl031 *rtc, struct bus *bus, u64 addr, struct loop *loop,
	       struct irq_line irq);

#endif /* AXVMM_PL031_H */
