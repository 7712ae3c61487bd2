/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* The I/O APIC of a PC (82093AA). */
#ifndef DEVICES_IOAPIC_H
#define DEVICES_IOAPIC_H

#include <pthread.h>

#include "bus.h"
#include "irq.h"

#define IOAPIC_PINS	24

/* The MADT tells the guest these. */
#define IOAPIC_ADDRESS	0xfec00000u
#define IOAPIC_PIT_PIN	2	/* where the timer's wire, IRQ 0, leads */

/**
 * struct ioapic - the I/O APIC
 * @lock:	guards the fields that follow.  It is not the machine's lock, since every
 *		interrupt of a device, and its end, comes here from any thread
 * @send:	sends an interrupt message, as a write of @data to @address: see
 * AXV_INJECT_MSI.  Returns whether a local APIC has taken it.  Called with
 * @lock held, so it must not call functions of the I/O APIC.
 * @arg:	for @send
 * @select:	register that the guest accesses through the window
 * @id:		the id as programmed, in bits 27:24
 * @lines:	a bit for each input, set if the input is active
 * @entries:	redirection table
 */
struct ioapic {
	pthread_mutex_t lock;
	bool (*send)(void *arg, u64 address, u32 data);
	void *arg;
	u8 select;
	u32 id;
	u32 lines;
	u64 entries[IOAPIC_PINS];
};

/**
 * ioapic_init() - initialize an I/O APIC as after power-on, and put it on the bus
 * @ioapic:	the I/O APIC
 * @bus:	the bus
 * @address:	first address of its registers
 * @send:	sends an interrupt message; see &struct ioapic
 * @arg:	for @send
 *
 * Return: 0 or a negative errno.
 */
int ioapic_init(struct ioapic *ioapic, struct bus *bus, u64 address,
		bool (*send)(void *arg, u64 address, u32 data), void *arg);

/*
 * The functions below, and the registers, may be used from any thread.  They take @lock; the
 * caller may hold any other lock, and needs none.
 */

/**
 * ioapic_line() - get the wire to an input
 * @ioapic:	the I/O APIC
 * @pin:	0 to 23
 */
struct irq_line ioapic_line(struct ioapic *ioapic, unsigned int pin);

/**
 * ioapic_eoi() - end a level-triggered interrupt, as a local APIC asks
 * @ioapic:	the I/O APIC
 * @vector:	the interrupt's vector
 */
void ioapic_eoi(struct ioapic *ioapic, u8 vector);

/**
 * ioapic_in_service() - which level-triggered interrupts have not ended yet
 * @ioapic:	the I/O APIC
 * @vector:	their vector
 *
 * Return: a bit for each input.
 */
u32 ioapic_in_service(struct ioapic *ioapic, u8 vector);

/**
 * struct ioapic_state - the state of an I/O APIC that is saved and restored
 * @select:	as in &struct ioapic
 * @id:		as in &struct ioapic
 * @lines:	a bit for each input that is active and has not been sent as an edge
 * @entries:	redirection table, as the guest reads it
 */
struct ioapic_state {
	u8 select;
	u32 id;
	u32 lines;
	u64 entries[IOAPIC_PINS];
};

/** ioapic_save() - read the state */
void ioapic_save(struct ioapic *ioapic, struct ioapic_state *state);

/**
 * ioapic_restore() - set the state
 * @ioapic:	the I/O APIC
 * @state:	in any form: bits that an entry does not have are left out
 *
 * Interrupts of active inputs are sent, as far as their entries allow.
 */
void ioapic_restore(struct ioapic *ioapic, const struct ioapic_state *state);

#endif /* DEVICES_IOAPIC_H */
