/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stand-ins for the clock, which only goes when the test says so; for timers, which fire
 * when the clock passes their deadlines; and for what is at the other end of a device's
 * wires.
 */
#ifndef AXVMM_TESTS_FAKE_H
#define AXVMM_TESTS_FAKE_H

#include "irq.h"
#include "serial.h"
#include "timer.h"

/** fake_reset() - begin a test: remove all timers, and set the clock back */
void fake_reset(void);

/**
 * fake_advance() - let time pass
 * @nsec:	how much
 *
 * Timers fire in the order of their deadlines, each at its deadline.
 */
void fake_advance(u64 nsec);

/** fake_skip() - set the clock forward by @nsec; timers that are due fire afterwards */
void fake_skip(u64 nsec);

/** fake_set_wall() - set the clock of the day, in seconds since 1970 */
void fake_set_wall(u64 seconds);

/**
 * struct fake_line - an interrupt line that counts its edges
 * @level:	its level
 * @disabled:	software has not enabled it
 * @edges:	how often it has risen
 */
struct fake_line {
	bool level;
	bool disabled;
	unsigned int edges;
};

/** fake_irq() - get the wire to a fake line */
struct irq_line fake_irq(struct fake_line *line);

/**
 * struct fake_wire - the other end of a serial line
 * @sent:	the first bytes that the port has sent
 * @nr_sent:	how many bytes the port has sent
 * @room_calls:	how often &serial_backend.room was called
 * @blocked:	the other end takes one byte, and then no more
 */
struct fake_wire {
	u8 sent[64];
	unsigned int nr_sent;
	unsigned int room_calls;
	bool blocked;
};

/** fake_serial() - get a backend that notes in @wire what the port sends */
struct serial_backend fake_serial(struct fake_wire *wire);

#endif /* AXVMM_TESTS_FAKE_H */
