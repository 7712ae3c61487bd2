/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* The pair of 8259 interrupt controllers of a PC. */
#ifndef DEVICES_PIC_H
#define DEVICES_PIC_H

#include "bus.h"
#include "irq.h"

#define PIC_INPUTS	16

struct pics;

/**
 * struct pic_timer_ops - what the controller tells the timer at input 0
 * @taken:	the timer's interrupt has been acknowledged
 * @restarted:	input 0 has been unmasked, or the controller initialized; @pending:
 *		an edge of input 0 still waits to be acknowledged
 *
 * Context: with the machine's lock held; may raise input 0.
 */
struct pic_timer_ops {
	void (*taken)(void *arg);
	void (*restarted)(void *arg, bool pending);
};

/**
 * struct pic - one 8259A; guarded by the machine's lock
 * @pics:	the pair it belongs to
 * @master:	it is the first of the pair
 * @lines:	level of each input
 * @irr:	interrupt request register
 * @isr:	in-service register
 * @imr:	interrupt mask register
 * @elcr:	inputs that are level triggered
 * @base:	vector of input 0 (ICW2)
 * @lowest:	input with the lowest priority (rotation)
 * @next_icw:	which ICW the next write to the data port is; 0: it is OCW1
 * @icw4_expected: ICW1 has announced an ICW4
 * @single:	ICW1: there is no slave, so no ICW3
 * @level_all:	ICW1: all inputs are level triggered
 * @auto_eoi:	ICW4
 * @rotate_aeoi: OCW2: rotate at each automatic EOI
 * @special_fully_nested: ICW4
 * @special_mask: OCW3
 * @poll:	OCW3: the next read is a poll
 * @read_isr:	OCW3: a read of the command port is ISR, not IRR
 */
struct pic {
	struct pics *pics;
	bool master;
	u8 lines;
	u8 irr;
	u8 isr;
	u8 imr;
	u8 elcr;
	u8 base;
	u8 lowest;
	u8 next_icw;
	bool icw4_expected;
	bool single;
	bool level_all;
	bool auto_eoi;
	bool rotate_aeoi;
	bool special_fully_nested;
	bool special_mask;
	bool poll;
	bool read_isr;
};

/**
 * struct pics - the pair; guarded by the machine's lock
 * @chip:	master and slave
 * @intr:	level of the INTR pin of the CPU
 * @output:	called when @intr changes
 * @arg:	for @output
 * @timer:	functions that tell the timer of input 0; may be NULL
 * @timer_arg:	for @timer
 * @keep_edges:	an edge stays a request if the input falls before it is acknowledged, as in
 *		KVM: otherwise a caller that raises an input and lets it fall at once loses it.  And
 *		ICW1 forgets that an edge triggered input is high, so that the next caller that
 *		sets the input high makes an edge.  The "all inputs are level triggered" of
 *		ICW1 is ignored: a pulse is no level, so otherwise the timer and irqfds would
 *		be dropped
 * @ended:	a bit for each input whose interrupt has ended since @tell_ended was called
 * @tell_ended:	called when an interrupt has ended; may be NULL
 * @ended_arg:	for @tell_ended
 */
struct pics {
	struct pic chip[2];
	bool intr;
	void (*output)(void *arg, bool level);
	void *arg;
	const struct pic_timer_ops *timer;
	void *timer_arg;
	bool keep_edges;
	u16 ended;
	void (*tell_ended)(void *arg, unsigned int pin);
	void *ended_arg;
};

/**
 * pic_init() - initialize both controllers as after power-on, and put them on the bus
 * @pics:	the pair
 * @bus:	the bus
 * @output:	called with the level of the CPU's INTR pin when it changes
 * @arg:	for @output
 *
 * Return: 0 or a negative errno.
 */
int pic_init(struct pics *pics, struct bus *bus,
	     void (*output)(void *arg, bool level), void *arg);

/**
 * pic_line() - get the wire to an input
 * @pics:	the pair
 * @pin:	0 to 15, but not 2, where the slave is
 */
struct irq_line pic_line(struct pics *pics, unsigned int pin);

/**
 * pic_watch_timer() - let the timer be told when input 0 is acknowledged or unmasked
 * @pics:	the pair
 * @ops:	the functions to call; not copied
 * @arg:	for @ops
 */
void pic_watch_timer(struct pics *pics, const struct pic_timer_ops *ops, void *arg);

/**
 * pic_watch_ends() - be told when the CPU has ended an interrupt
 * @pics:	the pair
 * @tell_ended:	the function to call, with the input; it may set inputs
 * @arg:	for @tell_ended
 */
void pic_watch_ends(struct pics *pics, void (*tell_ended)(void *arg, unsigned int pin), void *arg);

/**
 * pic_changed() - pass on what follows from a state that the caller has set
 * @pics:	the pair, whose chips have other fields than before
 *
 * Context: with the machine's lock held.
 */
void pic_changed(struct pics *pics);

/**
 * pic_pending() - whether the INTR pin is active
 *
 * Context: with the machine's lock held.
 */
bool pic_pending(const struct pics *pics);

/**
 * pic_acknowledge() - do the CPU's interrupt acknowledge cycle
 * @pics:	the pair
 *
 * Context: with the machine's lock held.
 * Return: the vector.  If no request is pending any more, it is that of input 7, as in
 * hardware (of the slave's input 7, if the master's input 2 is pending).
 */
u8 pic_acknowledge(struct pics *pics);

#endif /* DEVICES_PIC_H */
