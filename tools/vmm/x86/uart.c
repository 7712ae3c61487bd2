// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550A serial port (National Semiconductor PC16550D data sheet).
 *
 * Bytes take no time on the wire.  The transmitter is busy only while the other
 * end takes no byte, so the guest is slowed down to the speed of the terminal.
 */
#include <string.h>

#include <linux/serial_reg.h>

#include "uart.h"

#define PORTS		8
#define IIR_FIFOS	0xc0
#define FCR_TRIGGER(v)	((v) >> 6)

/* Modem inputs: the other end is there, switched on and ready. */
#define LINES_ON	(UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD)

static const u8 trigger_level[] = { 1, 4, 8, 14 };

static bool fifo_on(const struct uart *u)
{
	return u->fcr & UART_FCR_ENABLE_FIFO;
}

/* The modem inputs; in loopback they are connected to the modem outputs. */
static u8 modem_lines(const struct uart *u)
{
	u8 lines = 0;

	if (!(u->mcr & UART_MCR_LOOP))
		return LINES_ON;
	if (u->mcr & UART_MCR_RTS)
		lines |= UART_MSR_CTS;
	if (u->mcr & UART_MCR_DTR)
		lines |= UART_MSR_DSR;
	if (u->mcr & UART_MCR_OUT1)
		lines |= UART_MSR_RI;
	if (u->mcr & UART_MCR_OUT2)
		lines |= UART_MSR_DCD;
	return lines;
}

static void update_modem(struct uart *u)
{
	u8 lines = modem_lines(u), changed = lines ^ u->msr_lines;

	if (changed & UART_MSR_CTS)
		u->msr_delta |= UART_MSR_DCTS;
	if (changed & UART_MSR_DSR)
		u->msr_delta |= UART_MSR_DDSR;
	if (changed & UART_MSR_DCD)
		u->msr_delta |= UART_MSR_DDCD;
	if (changed & ~lines & UART_MSR_RI)	/* only the trailing edge of RI */
		u->msr_delta |= UART_MSR_TERI;
	u->msr_lines = lines;
}

/* Whether the oldest entry of the receive FIFO is a break. */
static bool break_next(const struct uart *u)
{
	return u->rx_count && u->rx[u->rx_head] == UART_BREAK;
}

/* The interrupt that IIR names: of those pending and enabled, the one of highest priority. */
static u8 pending(const struct uart *u)
{
	if ((u->ier & UART_IER_RLSI) && (u->overrun || break_next(u)))
		return UART_IIR_RLSI;
	if ((u->ier & UART_IER_RDI) && u->rx_count) {
		if (!fifo_on(u) ||
		    u->rx_count >= trigger_level[FCR_TRIGGER(u->fcr)])
			return UART_IIR_RDI;
		/* Below the trigger level: a timeout, as no further byte is on the wire. */
		return UART_IIR_RX_TIMEOUT;
	}
	if ((u->ier & UART_IER_THRI) && u->thr_irq)
		return UART_IIR_THRI;
	if ((u->ier & UART_IER_MSI) && u->msr_delta)
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

/* Whether the interrupt is connected: in a PC OUT2 does that; in loopback it does not. */
static bool connected(const struct uart *u)
{
	return (u->mcr & UART_MCR_OUT2) && !(u->mcr & UART_MCR_LOOP);
}

static void update_irq(struct uart *u)
{
	irq_set(&u->irq, connected(u) && pending(u) != UART_IIR_NO_INT);
}

static unsigned int space(const struct uart *u)
{
	return (fifo_on(u) ? UART_FIFO : 1) - u->rx_count;
}

/* In loopback the receiver is not connected to the wire: let the other end wait. */
static unsigned int room(const void *dev)
{
	const struct uart *u = dev;

	return u->mcr & UART_MCR_LOOP ? 0 : space(u);
}

/* OUT2 counts, too: a driver that only probes the port enables the interrupt without OUT2. */
static bool listening(const void *dev)
{
	const struct uart *u = dev;

	return (u->ier & UART_IER_RDI) && connected(u);
}

/* Put a byte or UART_BREAK, from the wire or by loopback, into the receive FIFO. */
static void push(struct uart *u, u16 byte)
{
	if (!space(u)) {
		u->overrun = true;
		return;
	}
	u->rx[(u->rx_head + u->rx_count) % UART_FIFO] = byte;
	u->rx_count++;
}

static void arrive(void *dev, u8 byte)
{
	struct uart *u = dev;

	push(u, byte);
	update_irq(u);
}

static void arrive_break(void *dev)
{
	struct uart *u = dev;

	push(u, UART_BREAK);
	update_irq(u);
}

static u8 receive(struct uart *u)
{
	bool full = !space(u);
	u8 byte;

	if (!u->rx_count)
		return 0;
	byte = u->rx[u->rx_head];
	u->rx_head = (u->rx_head + 1) % UART_FIFO;
	u->rx_count--;
	if (full)
		u->backend.room(u->backend.arg);
	return byte;
}

static void transmit(struct uart *u, u8 byte)
{
	u->thr_irq = false;
	/* If software does not check that the transmitter is empty, the byte is lost. */
	if (!u->thr_empty)
		return;
	if (u->mcr & UART_MCR_LOOP) {
		push(u, byte);
		u->thr_irq = true;
	} else if (u->backend.send(u->backend.arg, byte)) {
		u->thr_irq = true;
	} else {
		u->thr_empty = false;
	}
}

static void can_send(void *dev)
{
	struct uart *u = dev;

	if (u->thr_empty)
		return;
	u->thr_empty = true;
	u->thr_irq = true;
	update_irq(u);
}

static void write_ier(struct uart *u, u8 value)
{
	u8 enabled = value & ~u->ier;

	u->ier = value & 0x0f;
	/* If the transmitter is empty when its interrupt is enabled, that comes at once. */
	if ((enabled & UART_IER_THRI) && u->thr_empty)
		u->thr_irq = true;
}

static void write_fcr(struct uart *u, u8 value)
{
	bool clear = value & UART_FCR_CLEAR_RCVR;

	/*
	 * In hardware, switching the FIFOs off or on empties them.  Here a received
	 * byte survives when they are switched on: Linux does that just after it has
	 * begun to listen, and would lose the byte.
	 */
	if (u->fcr & ~value & UART_FCR_ENABLE_FIFO)
		clear = true;
	u->fcr = value & (UART_FCR_ENABLE_FIFO | UART_FCR_DMA_SELECT |
			  UART_FCR_TRIGGER_MASK);
	if (!fifo_on(u))
		u->fcr = 0;
	if (clear)
		u->rx_count = 0;
	u->backend.room(u->backend.arg);
}

static u8 read_iir(struct uart *u)
{
	u8 iir = pending(u);

	/* A read of IIR that names the transmitter's interrupt clears that interrupt. */
	if (iir == UART_IIR_THRI)
		u->thr_irq = false;
	if (fifo_on(u))
		iir |= IIR_FIFOS;
	return iir;
}

static u8 read_lsr(struct uart *u)
{
	u8 lsr = 0;

	if (u->rx_count)
		lsr |= UART_LSR_DR;
	if (u->overrun)
		lsr |= UART_LSR_OE;
	/* A break is a zero byte; BI tells it from a byte, and is read only once. */
	if (break_next(u)) {
		lsr |= UART_LSR_BI;
		u->rx[u->rx_head] = 0;
	}
	if (u->thr_empty)
		lsr |= UART_LSR_THRE | UART_LSR_TEMT;
	u->overrun = false;
	return lsr;
}

static u8 read_msr(struct uart *u)
{
	u8 msr = u->msr_lines | u->msr_delta;

	u->msr_delta = 0;
	return msr;
}

static u32 uart_read(void *dev, u32 offset, unsigned int width)
{
	struct uart *u = dev;
	bool dlab = u->lcr & UART_LCR_DLAB;
	u8 value = 0xff;

	(void)width;
	switch (offset) {
	case UART_RX:
		value = dlab ? u->dll : receive(u);
		break;
	case UART_IER:
		value = dlab ? u->dlm : u->ier;
		break;
	case UART_IIR:
		value = read_iir(u);
		break;
	case UART_LCR:
		value = u->lcr;
		break;
	case UART_MCR:
		value = u->mcr;
		break;
	case UART_LSR:
		value = read_lsr(u);
		break;
	case UART_MSR:
		value = read_msr(u);
		break;
	case UART_SCR:
		value = u->scr;
		break;
	}
	update_irq(u);
	return value;
}

static void uart_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct uart *u = dev;
	bool dlab = u->lcr & UART_LCR_DLAB;
	bool in_loop = u->mcr & UART_MCR_LOOP, listened = listening(u);

	(void)width;
	switch (offset) {
	case UART_TX:
		if (dlab)
			u->dll = value;
		else
			transmit(u, value);
		break;
	case UART_IER:
		if (dlab)
			u->dlm = value;
		else
			write_ier(u, value);
		break;
	case UART_FCR:
		write_fcr(u, value);
		break;
	case UART_LCR:
		u->lcr = value;
		break;
	case UART_MCR:
		u->mcr = value & 0x1f;
		update_modem(u);
		break;
	case UART_SCR:
		u->scr = value;
		break;
	default:		/* LSR and MSR are written in factory tests only */
		break;
	}
	if ((in_loop && !(u->mcr & UART_MCR_LOOP)) ||
	    (!listened && listening(u)))
		u->backend.room(u->backend.arg);
	update_irq(u);
}

static const struct bus_ops uart_ops = {
	.read = uart_read,
	.write = uart_write,
	.widths = 1,
};

struct serial_port uart_serial(struct uart *u)
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

int uart_init(struct uart *u, struct bus *bus, u16 port, struct irq_line irq,
	      const struct serial_backend *backend)
{
	const struct bus_range range = { port, PORTS, &uart_ops, u, "16550" };

	memset(u, 0, sizeof(*u));
	u->backend = *backend;
	u->irq = irq;
	u->thr_empty = true;
	u->dll = 12;		/* 9600 baud, as firmware leaves it */
	u->msr_lines = modem_lines(u);
	return bus_add(bus, &range);
}
