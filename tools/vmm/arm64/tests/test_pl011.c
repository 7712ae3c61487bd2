// SPDX-License-Identifier: GPL-2.0
/* Tests of the PL011 serial port. */
#include <string.h>

#include "fake.h"
#include "pl011.h"
#include "tap.h"

#define ADDR	0x09000000ull

static struct bus bus;
static struct pl011 uart;
static struct serial_port port;
static struct fake_line irq;
static struct fake_wire wire;

static void out(u32 reg, u32 value)
{
	bus_write(&bus, ADDR + reg, 4, value);
}

static u32 in(u32 reg)
{
	return bus_read(&bus, ADDR + reg, 4);
}

static void start(void)
{
	const struct serial_backend backend = fake_serial(&wire);

	bus_init(&bus, "address");
	wire.nr_sent = 0;
	wire.blocked = false;
	pl011_init(&uart, &bus, ADDR, fake_irq(&irq), &backend);
	port = pl011_serial(&uart);
	wire.room_calls = 0;
}

static void fifos(void)
{
	start();
	out(PL011_LCR_H, PL011_LCR_H_FEN | 0x60);
	wire.room_calls = 0;
}

static void identification(void)
{
	static const u8 id[] = { 0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int i;

	start();
	for (i = 0; i < sizeof(id); i++)
		CHECK_EQ(in(PL011_ID + 4 * i), id[i]);
	CHECK_EQ(in(PL011_FR), PL011_FR_TXFE | PL011_FR_RXFE | PL011_FR_CTS |
		 PL011_FR_DSR | PL011_FR_DCD);
	CHECK_EQ(in(PL011_CR), 0x301);
	CHECK_EQ(in(PL011_IFLS), 0x12);
	out(PL011_IBRD, 0x12345);
	out(PL011_FBRD, 0xff);
	CHECK_EQ(in(PL011_IBRD), 0x2345);
	CHECK_EQ(in(PL011_FBRD), 0x3f);
	/* Linux accesses it by bytes and halves, too. */
	CHECK_EQ(bus_read(&bus, ADDR + PL011_FR, 1), in(PL011_FR) & 0xff);
	bus_write(&bus, ADDR + PL011_DR, 1, 'b');
	bus_write(&bus, ADDR + PL011_DR, 2, 'h');
	CHECK_EQ(wire.nr_sent, 2);
}

static void transmitting(void)
{
	start();
	/* The interrupt comes when the FIFO falls to its trigger level, which it has not yet. */
	out(PL011_IMSC, PL011_INT_TX);
	CHECK(!irq.level);
	out(PL011_DR, 'a');
	CHECK_EQ(wire.nr_sent, 1);
	CHECK_EQ(wire.sent[0], 'a');
	CHECK(irq.level);
	CHECK_EQ(in(PL011_MIS), PL011_INT_TX);
	out(PL011_ICR, PL011_INT_TX);
	CHECK(!irq.level);
	out(PL011_DR, 'b');
	CHECK(irq.level);
	out(PL011_IMSC, 0);
	CHECK(!irq.level);
	CHECK_EQ(in(PL011_RIS), PL011_INT_TX);
}

static void flow_control(void)
{
	start();
	out(PL011_IMSC, PL011_INT_TX);
	wire.blocked = true;
	out(PL011_DR, 'a');
	CHECK_EQ(wire.nr_sent, 1);
	CHECK(!irq.level);
	CHECK(in(PL011_FR) & PL011_FR_TXFF);
	CHECK(in(PL011_FR) & PL011_FR_BUSY);
	out(PL011_DR, 'b');
	CHECK_EQ(wire.nr_sent, 1);
	wire.blocked = false;
	port.can_send(port.dev);
	CHECK(irq.level);
	CHECK(!(in(PL011_FR) & PL011_FR_TXFF));
	out(PL011_DR, 'c');
	CHECK_EQ(wire.sent[1], 'c');
}

static void receiving(void)
{
	unsigned int i;

	fifos();
	CHECK_EQ(port.room(port.dev), PL011_FIFO);
	/* Linux opens the port so: it enables the interrupt first without a handler. */
	irq.disabled = true;
	out(PL011_IMSC, PL011_INT_RX | PL011_INT_RT);
	irq.disabled = false;
	CHECK(!port.listening(port.dev));
	CHECK_EQ(wire.room_calls, 0);
	out(PL011_IMSC, PL011_INT_RX | PL011_INT_RT);
	CHECK(port.listening(port.dev));
	CHECK_EQ(wire.room_calls, 1);
	port.receive(port.dev, 'x');
	CHECK(irq.level);
	CHECK_EQ(in(PL011_MIS), PL011_INT_RT);
	CHECK(!(in(PL011_FR) & PL011_FR_RXFE));
	for (i = 1; i < PL011_FIFO; i++)
		port.receive(port.dev, 'x' + i);
	CHECK_EQ(in(PL011_MIS), PL011_INT_RT | PL011_INT_RX);
	CHECK(in(PL011_FR) & PL011_FR_RXFF);
	CHECK_EQ(port.room(port.dev), 0);

	port.receive(port.dev, '!');
	CHECK(in(PL011_RIS) & PL011_INT_OE);
	out(PL011_ICR, PL011_INT_OE);
	CHECK(!(in(PL011_RIS) & PL011_INT_OE));

	wire.room_calls = 0;
	for (i = 0; i < 8; i++)
		CHECK_EQ(in(PL011_DR), (u8)('x' + i));
	CHECK_EQ(wire.room_calls, 1);
	CHECK_EQ(in(PL011_RIS) & PL011_INT_RX, PL011_INT_RX);
	for (; i < PL011_FIFO; i++) {
		CHECK(irq.level);
		CHECK_EQ(in(PL011_DR), (u8)('x' + i));
	}
	CHECK(!irq.level);
	CHECK(in(PL011_FR) & PL011_FR_RXFE);
	CHECK_EQ(in(PL011_DR), 0);
}

static void trigger(void)
{
	unsigned int i;

	fifos();
	out(PL011_IFLS, 0);		/* an eighth of the FIFO */
	port.receive(port.dev, 'a');
	CHECK_EQ(in(PL011_RIS), PL011_INT_RT);
	port.receive(port.dev, 'b');
	CHECK_EQ(in(PL011_RIS), PL011_INT_RT | PL011_INT_RX);
	in(PL011_DR);
	CHECK_EQ(in(PL011_RIS), PL011_INT_RT);

	fifos();
	out(PL011_IFLS, 4 << 3);	/* seven eighths */
	for (i = 0; i < 13; i++)
		port.receive(port.dev, i);
	CHECK_EQ(in(PL011_RIS), PL011_INT_RT);
	port.receive(port.dev, i);
	CHECK_EQ(in(PL011_RIS), PL011_INT_RT | PL011_INT_RX);

	start();
	CHECK_EQ(port.room(port.dev), 1);
	port.receive(port.dev, 'a');
	CHECK_EQ(in(PL011_RIS), PL011_INT_RT | PL011_INT_RX);
	CHECK_EQ(port.room(port.dev), 0);
	/* A driver begins so: it clears the interrupts, and reads the byte. */
	out(PL011_ICR, 0x7ff);
	CHECK_EQ(in(PL011_RIS), 0);
	CHECK_EQ(in(PL011_DR), 'a');
}

static void switched_off(void)
{
	start();
	out(PL011_CR, 0);
	out(PL011_DR, 'a');
	CHECK_EQ(wire.nr_sent, 0);
	CHECK_EQ(port.room(port.dev), 0);
	wire.room_calls = 0;
	out(PL011_CR, PL011_CR_UARTEN | PL011_CR_RXE);
	CHECK_EQ(wire.room_calls, 1);
	CHECK_EQ(port.room(port.dev), 1);
	out(PL011_DR, 'a');
	CHECK_EQ(wire.nr_sent, 0);
}

static void loopback(void)
{
	start();
	out(PL011_CR, PL011_CR_UARTEN | PL011_CR_RXE | PL011_CR_TXE | PL011_CR_LBE);
	out(PL011_DR, 'l');
	CHECK_EQ(wire.nr_sent, 0);
	CHECK_EQ(port.room(port.dev), 0);
	CHECK_EQ(in(PL011_DR), 'l');
}

static void polled(void)
{
	start();
	uart.polled = true;
	CHECK(port.listening(port.dev));
	out(PL011_CR, 0);
	CHECK(!port.listening(port.dev));
	wire.room_calls = 0;
	out(PL011_CR, PL011_CR_UARTEN | PL011_CR_RXE | PL011_CR_TXE);
	CHECK_EQ(wire.room_calls, 1);
}

static void breaks(void)
{
	fifos();
	out(PL011_IMSC, PL011_INT_BE);
	port.receive(port.dev, 'a');
	CHECK(!irq.level);
	port.receive_break(port.dev);
	CHECK(irq.level);
	out(PL011_ICR, PL011_INT_BE);
	CHECK(!irq.level);
	CHECK_EQ(in(PL011_DR), 'a');
	CHECK_EQ(in(PL011_DR), PL011_DR_BE);
	CHECK(in(PL011_FR) & PL011_FR_RXFE);
}

static const struct tap_case cases[] = {
	{ "a break", breaks },
	{ "identification registers", identification },
	{ "transmitter and its interrupt", transmitting },
	{ "the transmitter waits for the other end", flow_control },
	{ "receive FIFO, its interrupts, overrun", receiving },
	{ "trigger levels", trigger },
	{ "switched off", switched_off },
	{ "loopback", loopback },
	{ "software that polls", polled },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
