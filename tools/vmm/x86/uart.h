/* SPDX-License-Identifier: GPL-2.0 */
/* A 16550A serial port. */
#ifndef AXVMM_UART_H
#define AXVMM_UART_H

#include "bus.h"
#include "irq.h"
#include "serial.h"

#define UART_FIFO	16
#define UART_BREAK	0x100	/* in the receive FIFO: a break, not a byte */

/**
 * struct uart - a serial port; guarded by the machine's lock
 * @backend:	the other end
 * @irq:	interrupt line
 * @rx:		receive FIFO, a ring of bytes or UART_BREAK
 * @rx_head:	where the oldest entry is in @rx
 * @rx_count:	entries in @rx
 * @overrun:	a byte was lost
 * @thr_empty:	the transmitter takes a byte
 * @thr_irq:	the transmitter's interrupt is pending
 * @ier: @fcr: @lcr: @mcr: @scr: @dll: @dlm: registers as written
 * @msr_delta:	delta bits of the modem status
 * @msr_lines:	modem inputs at the last change; delta bits are changes since then
 */
struct uart {
	struct serial_backend backend;
	struct irq_line irq;
	u16 rx[UART_FIFO];
	u8 rx_head;
	u8 rx_count;
	bool overrun;
	bool thr_empty;
	bool thr_irq;
	u8 ier;
	u8 fcr;
	u8 lcr;
	u8 mcr;
	u8 scr;
	u8 dll;
	u8 dlm;
	u8 msr_delta;
	u8 msr_lines;
};

/**
 * uart_init() - initialize a serial port as after power-on, and put it on the bus
 * @uart:	the port
 * @bus:	the bus
 * @port:	first of its eight I/O ports
 * @irq:	its interrupt line
 * @backend:	the other end; copied
 *
 * Return: 0 or a negative errno.
 */
int uart_init(struct uart *uart, struct bus *bus, u16 port, struct irq_line irq,
	      const struct serial_backend *backend);

/**
 * uart_serial() - get what the other end of the wire may call
 *
 * The port listens when a driver has opened it.  Opening throws away bytes that arrived
 * before.
 */
struct serial_port uart_serial(struct uart *uart);

#endif /* AXVMM_UART_H */
