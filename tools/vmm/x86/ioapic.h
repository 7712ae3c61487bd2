/* SPDX-License-Identifier: GPL-2.0 */
/* The I/O APIC of a PC (82093AA). */
#ifndef AXVMM_IOAPIC_H
#define AXVMM_IOAPIC_H

#include <pthread.h>

#include "bus.h"
#include "irq.h"

#define IOAPIC_PINS	24

/* What the MADT tells the guest. */
#define IOAPIC_ADDRESS	0xfec00000u
#define IOAPIC_PIT_PIN	2	/* where the timer's wire, IRQ 0, leads */

/**
 * struct ioapic - the I/O APIC
 * @lock:	guards what follows it.  A lock of its own, since every interrupt of a
 *		device passes here, from whichever thread
 * @send:	sends an interrupt message, as a write of @data to @address: see
 *		AXV_INJECT_MSI.  Returns whether somebody has taken it.  Called with
 *		@lock held, so it must not call back.
 * @arg:	for @send
 * @select:	register that the window shows
 * @id:		as programmed, bits 27:24
 * @lines:	inputs that are active, a bit each
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
 * ioapic_init() - an I/O APIC as after power-on, on the bus
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
 * All that follows, and the registers: from any thread.  No other lock is needed, and
 * any but @lock may be held.
 */

/**
 * ioapic_line() - the wire to an input
 * @ioapic:	the I/O APIC
 * @pin:	0 to 23
 */
struct irq_line ioapic_line(struct ioapic *ioapic, unsigned int pin);

/**
 * ioapic_eoi() - a local APIC tells the end of a level-triggered interrupt
 * @ioapic:	the I/O APIC
 * @vector:	the interrupt's vector
 */
void ioapic_eoi(struct ioapic *ioapic, u8 vector);

#endif /* AXVMM_IOAPIC_H */
