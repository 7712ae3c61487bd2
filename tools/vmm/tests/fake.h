/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands in for the timers and the time: a clock that goes when the
 * test says so, and timers that fire when it passes them.  What is at the other
 * end of a device's wires.
 */
#ifndef AXVMM_TESTS_FAKE_H
#define AXVMM_TESTS_FAKE_H

#include "irq.h"
#include "serial.h"
#include "timer.h"

/** fake_reset() - begin a test: no timers, the clock at its beginning */
void fake_reset(void);

/**
 * fake_advance() - let time pass
 * @nsec:	how much
 *
 * Timers fire in the order of their deadlines, each at its deadline.
 */
void fake_advance(u64 nsec);

/** fake_skip() - let time pass at once; timers that are due fire after it */
void fake_skip(u64 nsec);

/** fake_set_wall() - set the clock of the day, in seconds since 1970 */
void fake_set_wall(u64 seconds);

/**
 * struct fake_line - an interrupt line that counts
 * @level:	its level
 * @disabled:	software has not enabled it
 * @edges:	how often it has risen
 */
struct fake_line {
	bool level;
	bool disabled;
	unsigned int edges;
};

/** fake_irq() - the wire to such a line */
struct irq_line fake_irq(struct fake_line *line);

/**
 * struct fake_wire - the other end of a serial line
 * @sent:	the first bytes that came
 * @nr_sent:	how many came
 * @room_calls:	how often it was told that there is room
 * @blocked:	it takes one byte only
 */
struct fake_wire {
	u8 sent[64];
	unsigned int nr_sent;
	unsigned int room_calls;
	bool blocked;
};

/** fake_serial() - the backend that notes what comes in @wire */
struct serial_backend fake_serial(struct fake_wire *wire);

#endif /* AXVMM_TESTS_FAKE_H */
