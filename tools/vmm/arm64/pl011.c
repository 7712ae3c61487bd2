// SPDX-License-Identifier: GPL-2.0
/*
 * A PL011 serial port (PrimeCell UART, Arm DDI 0183), revision 1.
 *
 * Bytes take no time on the wire.  The transmitter is full only while the other
 * end takes no byte, so the guest is slowed down to the speed of the terminal.
 */
#include <string.h>

#include "pl011.h"

#define ERRORS		(BIT(7) | BIT(8) | PL011_INT_BE | PL011_INT_OE)
#define MODEM		(BIT(0) | BIT(1) | BIT(2) | BIT(3))
#define INTERRUPTS	(MODEM | PL011_INT_RX | PL011_INT_TX | PL011_INT_RT | ERRORS)

#define CR_KEPT		0xff87
#define IFLS_RX(v)	(((v) >> 3) & 7)
#define IFLS_RESET	0x12	/* both FIFOs half full */

/* Peripheral and PrimeCell identification, a byte in each word. */
static const u8 identity[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* Trigger levels in sixteenths of the FIFO; the last three values are reserved. */
static const u8 trigger_level[] = { 2, 4, 8, 12, 14, 14, 14, 14 };

static unsigned int depth(const struct pl011 *u)
{
	return u->lcr_h & PL011_LCR_H_FEN ? PL011_FIFO : 1;
}

static unsigned int trigger(const struct pl011 *u)
{
	return u->lcr_h & PL011_LCR_H_FEN ? trigger_level[IFLS_RX(u->ifls)] : 1;
}

static bool enabled(const struct pl011 *u, u16 part)
{
	return (u->cr & PL011_CR_UARTEN) && (u->cr & part);
}

static void update_irq(struct pl011 *u)
{
	irq_set(&u->irq, u->pending & u->imsc);
}

/* ---- the other end ------------------------------------------------------ */

static unsigned int space(const struct pl011 *u)
{
	return u->rx_count < depth(u) ? depth(u) - u->rx_count : 0;
}

/* In loopback, or switched off, the receiver is not connected: let the other end wait. */
static unsigned int room(const void *dev)
{
	const struct pl011 *u = dev;

	return !enabled(u, PL011_CR_RXE) || (u->cr & PL011_CR_LBE) ? 0 : space(u);
}

static bool listening(const void *dev)
{
	const struct pl011 *u = dev;

	return enabled(u, PL011_CR_RXE) && !(u->cr & PL011_CR_LBE) &&
	       (u->polled || u->attended);
}

/* Put a byte with its error bits, from the wire or by loopback, into the receive FIFO. */
static void push(struct pl011 *u, u16 byte)
{
	if (!space(u)) {
		u->pending |= PL011_INT_OE;
		return;
	}
	u->rx[(u->rx_head + u->rx_count) % PL011_FIFO] = byte;
	u->rx_count++;
	if (u->rx_count >= trigger(u))
		u->pending |= PL011_INT_RX;
	/* The receive timeout comes at once, as no further byte is on the wire. */
	u->pending |= PL011_INT_RT;
}

static void arrive(void *dev, u8 byte)
{
	struct pl011 *u = dev;

	push(u, byte);
	update_irq(u);
}

static void arrive_break(void *dev)
{
	struct pl011 *u = dev;

	u->pending |= PL011_INT_BE;
	push(u, PL011_DR_BE);
	update_irq(u);
}

static void can_send(void *dev)
{
	struct pl011 *u = dev;

	if (!u->tx_full)
		return;
	u->tx_full = false;
	u->pending |= PL011_INT_TX;
	update_irq(u);
}

struct serial_port pl011_serial(struct pl011 *u)
{
	return (struct serial_port){
		.room = room,
		.listening = listening,
		.receive = arrive,
		.receive_break = arrive_break,
		.can_send = can_send,
		.dev = u,
	};
}

/* ---- registers ---------------------------------------------------------- */

static u16 receive(struct pl011 *u)
{
	bool full = !space(u);
	u16 byte;

	if (!u->rx_count)
		return 0;
	byte = u->rx[u->rx_head];
	u->rx_head = (u->rx_head + 1) % PL011_FIFO;
	u->rx_count--;
	if (u->rx_count < trigger(u))
		u->pending &= ~PL011_INT_RX;
	if (!u->rx_count)
		u->pending &= ~PL011_INT_RT;
	if (full)
		u->backend.room(u->backend.arg);
	return byte;
}

static void transmit(struct pl011 *u, u8 byte)
{
	if (!enabled(u, PL011_CR_TXE) || u->tx_full)
		return;
	if (u->cr & PL011_CR_LBE) {
		push(u, byte);
		u->pending |= PL011_INT_TX;
	} else if (u->backend.send(u->backend.arg, byte)) {
		/* The byte is sent at once, so the FIFO is below its trigger level again. */
		u->pending |= PL011_INT_TX;
	} else {
		u->tx_full = true;
		u->pending &= ~PL011_INT_TX;
	}
}

static u16 read_fr(const struct pl011 *u)
{
	u16 fr = PL011_FR_CTS | PL011_FR_DSR | PL011_FR_DCD;

	if (!u->rx_count)
		fr |= PL011_FR_RXFE;
	if (!space(u))
		fr |= PL011_FR_RXFF;
	fr |= u->tx_full ? PL011_FR_TXFF | PL011_FR_BUSY : PL011_FR_TXFE;
	return fr;
}

static u16 read_register(struct pl011 *u, u32 offset)
{
	switch (offset) {
	case PL011_DR:
		return receive(u);
	case PL011_FR:
		return read_fr(u);
	case PL011_ILPR:
		return u->ilpr;
	case PL011_IBRD:
		return u->ibrd;
	case PL011_FBRD:
		return u->fbrd;
	case PL011_LCR_H:
		return u->lcr_h;
	case PL011_CR:
		return u->cr;
	case PL011_IFLS:
		return u->ifls;
	case PL011_IMSC:
		return u->imsc;
	case PL011_RIS:
		return u->pending;
	case PL011_MIS:
		return u->pending & u->imsc;
	case PL011_DMACR:
		return u->dmacr;
	}
	if (offset >= PL011_ID)
		return identity[(offset - PL011_ID) / 4];
	return 0;
}

/* When software switches the FIFO on or off, the bytes in the FIFO are lost. */
static void write_lcr_h(struct pl011 *u, u16 value)
{
	if ((u->lcr_h ^ value) & PL011_LCR_H_FEN) {
		u->rx_count = 0;
		u->pending &= ~(PL011_INT_RX | PL011_INT_RT);
	}
	u->lcr_h = value & 0xff;
}

static void write_register(struct pl011 *u, u32 offset, u16 value)
{
	switch (offset) {
	case PL011_DR:
		transmit(u, value);
		break;
	case PL011_ILPR:
		u->ilpr = value & 0xff;
		break;
	case PL011_IBRD:
		u->ibrd = value;
		break;
	case PL011_FBRD:
		u->fbrd = value & 0x3f;
		break;
	case PL011_LCR_H:
		write_lcr_h(u, value);
		break;
	case PL011_CR:
		u->cr = value & CR_KEPT;
		break;
	case PL011_IFLS:
		u->ifls = value & 0x3f;
		break;
	case PL011_IMSC:
		u->imsc = value & INTERRUPTS;
		u->attended = (value & (PL011_INT_RX | PL011_INT_RT)) &&
			      irq_enabled(&u->irq);
		break;
	case PL011_ICR:
		u->pending &= ~value;
		break;
	case PL011_DMACR:
		u->dmacr = value & 7;
		break;
	}
}

static u32 pl011_read(void *dev, u32 offset, unsigned int width)
{
	struct pl011 *u = dev;
	u32 value = read_register(u, offset & ~3u);

	(void)width;
	update_irq(u);
	return value >> 8 * (offset & 3);
}

static void pl011_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pl011 *u = dev;
	bool listened = listening(u), took = room(u);

	(void)width;
	/* Software writes words, or the first byte of a word; writes of other bytes are lost. */
	if (!(offset & 3))
		write_register(u, offset, value);
	if ((!took && room(u)) || (!listened && listening(u)))
		u->backend.room(u->backend.arg);
	update_irq(u);
}

static const struct bus_ops pl011_ops = {
	.read = pl011_read,
	.write = pl011_write,
	.widths = 1 | 2 | 4,
};

int pl011_init(struct pl011 *u, struct bus *bus, u64 addr, struct irq_line irq,
	       const struct serial_backend *backend)
{
	const struct bus_range range = { addr, PL011_SIZE, &pl011_ops, u, "PL011" };

	memset(u, 0, sizeof(*u));
	u->backend = *backend;
	u->irq = irq;
	u->cr = PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE;
	u->ifls = IFLS_RESET;
	return bus_add(bus, &range);
}
