/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* The 8254 interval timer of a PC, with port 0x61. */
#ifndef DEVICES_PIT_H
#define DEVICES_PIT_H

#include "bus.h"
#include "irq.h"
#include "pic.h"
#include "timer.h"

#define PIT_HZ		1193182

/**
 * enum pit_state - whether a counter counts
 * @PIT_IDLE:	no count has been written since the control word
 * @PIT_WAITING: modes 1 and 5: a count was written, the gate has not risen
 * @PIT_COUNTING: it counts
 * @PIT_STOPPED: modes 0, 2, 3 and 4: the gate is low
 */
enum pit_state {
	PIT_IDLE,
	PIT_WAITING,
	PIT_COUNTING,
	PIT_STOPPED,
};

/**
 * struct pit_channel - one counter; guarded by the machine's lock
 * @state:	whether it counts
 * @mode:	0 to 5
 * @bcd:	counts in BCD
 * @access:	1: low byte, 2: high byte, 3: low, then high
 * @count:	initial count, 1 to 65536 (BCD: 10000)
 * @start:	in PIT_COUNTING: when it began, in clock_now() time
 * @held:	in PIT_STOPPED: ticks it had counted when the gate fell
 * @gate:	level of the gate input
 * @write_high:	the next write is the high byte
 * @low:	the low byte, once written, of a count whose high byte is to come
 * @read_high:	the next read is the high byte
 * @latched:	bytes of the latched count that are still to be read
 * @latch:	the latched count
 * @status_latched: the next read is the status
 * @status:	the latched status
 */
struct pit_channel {
	enum pit_state state;
	u8 mode;
	bool bcd;
	u8 access;
	u32 count;
	u64 start;
	u64 held;
	bool gate;
	bool write_high;
	u8 low;
	bool read_high;
	u8 latched;
	u16 latch;
	bool status_latched;
	u8 status;
};

/**
 * struct pit - the timer; guarded by the machine's lock
 * @channel:	0: interrupt, 1: refresh, 2: speaker
 * @speaker:	bit 1 of port 0x61
 * @refresh:	bit 4 of port 0x61
 * @irq:	output of channel 0
 * @timer:	fires at the next rising edge of channel 0
 * @edge:	number of the rising edge at which @timer fires, counted from the start
 * @waiting:	an edge has been raised and not been acknowledged
 * @backlog:	edges that came while one was waiting
 * @forgets:	edges that come while one is waiting are lost, as in hardware
 * @silent:	channel 0 counts without interrupts
 */
struct pit {
	struct pit_channel channel[3];
	bool speaker;
	bool refresh;
	struct irq_line irq;
	struct timer timer;
	u64 edge;
	bool waiting;
	unsigned int backlog;
	bool forgets;
	bool silent;
};

/**
 * pit_init() - initialize the timer as after power-on, and put it on the bus
 * @pit:	the timer
 * @bus:	the bus
 * @loop:	the event loop, for the interrupt
 * @irq:	output of channel 0
 *
 * Return: 0 or a negative errno.
 */
int pit_init(struct pit *pit, struct bus *bus, struct loop *loop,
	     struct irq_line irq);

/** pit_free() - release what pit_init() has made; the loop runs no more */
void pit_free(struct pit *pit);

/**
 * pit_init_port61() - put port 0x61 on the bus as well
 * @pit:	the timer, after pit_init()
 * @bus:	the bus
 *
 * Return: 0 or a negative errno.
 */
int pit_init_port61(struct pit *pit, struct bus *bus);

/**
 * pit_changed() - go on from a state of channel 0, or of @silent, that the caller has set
 * @pit:	the timer
 *
 * An edge that lies in the past is not raised.
 *
 * Context: with the machine's lock held.
 */
void pit_changed(struct pit *pit);

/* The @ops for pic_watch_timer(), whose @arg is the &struct pit. */
extern const struct pic_timer_ops pit_pic_ops;

#endif /* DEVICES_PIT_H */
