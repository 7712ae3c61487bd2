/* SPDX-License-Identifier: GPL-2.0 */
/* A PL011 serial port. */
#ifndef AXVMM_PL011_H
#define AXVMM_PL011_H

#include "bus.h"
#include "irq.h"
#include "serial.h"

#define PL011_SIZE	0x1000
#define PL011_FIFO	16

/* Registers. */
#define PL011_DR	0x00
#define PL011_RSR	0x04
#define PL011_FR	0x18
#define PL011_ILPR	0x20
#define PL011_IBRD	0x24
#define PL011_FBRD	0x28
#define PL011_LCR_H	0x2c
#define PL011_CR	0x30
#define PL011_IFLS	0x34
#define PL011_IMSC	0x38
#define PL011_RIS	0x3c
#define PL011_MIS	0x40
#define PL011_ICR	0x44
#define PL011_DMACR	0x48
#define PL011_ID	0xfe0

#define PL011_DR_BE	BIT(10)	/* a break */

#define PL011_FR_CTS	BIT(0)
#define PL011_FR_DSR	BIT(1)
#define PL011_FR_DCD	BIT(2)
#define PL011_FR_BUSY	BIT(3)
#define PL011_FR_RXFE	BIT(4)
#define PL011_FR_TXFF	BIT(5)
#define PL011_FR_RXFF	BIT(6)
#define PL011_FR_TXFE	BIT(7)

#define PL011_LCR_H_FEN	BIT(4)

#define PL011_CR_UARTEN	BIT(0)
#define PL011_CR_LBE	BIT(7)
#define PL011_CR_TXE	BIT(8)
#define PL011_CR_RXE	BIT(9)

/* Interrupts: in IMSC, RIS, MIS and ICR. */
#define PL011_INT_RX	BIT(4)
#define PL011_INT_TX	BIT(5)
#define PL011_INT_RT	BIT(6)	/* receive timeout: there are bytes, and no more come */
#define PL011_INT_BE	BIT(9)
#define PL011_INT_OE	BIT(10)

/**
 * struct pl011 - a serial port; guarded by the machine's lock
 * @backend:	the other end
 * @irq:	interrupt line
 * @polled:	software may poll the port, so bytes may arrive before it enables the
 *		interrupt
 * @attended:	software has enabled the receiver's interrupt after it has enabled the
 *		line in the GIC.  Before that Linux also enables the receiver's
 *		interrupt for a moment, and then throws away what has arrived.
 * @rx:		receive FIFO, a ring of values that PL011_DR reads as
 * @rx_head:	where the oldest entry is in @rx
 * @rx_count:	entries in @rx
 * @tx_full:	the other end takes no byte now
 * @pending:	raw interrupts
 * @ilpr: @ibrd: @fbrd: @lcr_h: @cr: @ifls: @imsc: @dmacr: registers as written
 */
struct pl011 {
	struct serial_backend backend;
	struct irq_line irq;
	bool polled;
	bool attended;
	u16 rx[PL011_FIFO];
	u8 rx_head;
	u8 rx_count;
	bool tx_full;
	u16 pending;
	u16 ilpr;
	u16 ibrd;
	u16 fbrd;
	u16 lcr_h;
	u16 cr;
	u16 ifls;
	u16 imsc;
	u16 dmacr;
};

/**
 * pl011_init() - initialize a serial port, switched on as firmware leaves it, and put it on
 * the bus
 * @uart:	the port
 * @bus:	the bus
 * @addr:	first address
 * @irq:	its interrupt line
 * @backend:	the other end; copied
 *
 * Return: 0 or a negative errno.
 */
int pl011_init(struct pl011 *uart, struct bus *bus, u64 addr, struct irq_line irq,
	       const struct serial_backend *backend);

/** pl011_serial() - get what the other end of the wire may call */
struct serial_port pl011_serial(struct pl011 *uart);

#endif /* AXVMM_PL011_H */
