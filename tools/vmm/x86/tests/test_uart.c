// SPDX-License-Identifier: GPL-2.0
/* Tests of the 16550A serial port. */
#include <string.h>

#include <linux/serial_reg.h>

#include "fake.h"
#include "tap.h"
#include "uart.h"

#define PORT	0x3f8

static struct bus bus;
static struct uart uart;
static struct serial_port port;
static struct fake_line irq;
static struct fake_wire wire;

static void out(u16 reg, u8 value)
{
	bus_write(&bus, PORT + reg, 1, value);
}

static u8 in(u16 reg)
{
	return bus_read(&bus, PORT + reg, 1);
}

static void start(void)
{
	const struct serial_backend backend = fake_serial(&wire);

	bus_init(&bus, "port");
	wire = (struct fake_wire){};
	uart_init(&uart, &bus, PORT, fake_irq(&irq), &backend);
	port = uart_serial(&uart);
	out(UART_MCR, UART_MCR_OUT2 | UART_MCR_RTS | UART_MCR_DTR);
}

static void identification(void)
{
	start();
	out(UART_SCR, 0x5a);
	CHECK_EQ(in(UART_SCR), 0x5a);
	out(UART_IER, 0xff);
	CHECK_EQ(in(UART_IER), 0x0f);
	out(UART_IER, 0);
	CHECK_EQ(in(UART_IIR), 0x01);
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	CHECK_EQ(in(UART_IIR), 0xc1);
	out(UART_FCR, 0);
	CHECK_EQ(in(UART_IIR), 0x01);
	CHECK_EQ(in(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	CHECK_EQ(in(UART_MSR), UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD);
}

static void divisor(void)
{
	start();
	out(UART_LCR, UART_LCR_DLAB | 3);
	out(UART_DLL, 1);
	out(UART_DLM, 2);
	CHECK_EQ(in(UART_DLL), 1);
	CHECK_EQ(in(UART_DLM), 2);
	out(UART_LCR, 3);
	CHECK_EQ(in(UART_IER), 0);
	CHECK_EQ(wire.nr_sent, 0);
}

static void transmitting(void)
{
	start();
	out(UART_TX, 'a');
	out(UART_TX, 'b');
	CHECK_EQ(wire.nr_sent, 2);
	CHECK(!memcmp(wire.sent, "ab", 2));
	CHECK(in(UART_LSR) & UART_LSR_THRE);
	CHECK(!irq.level);

	/* Enabled while the transmitter is empty, the interrupt comes at once. */
	out(UART_IER, UART_IER_THRI);
	CHECK(irq.level);
	CHECK_EQ(in(UART_IIR), UART_IIR_THRI);
	CHECK(!irq.level);
	CHECK_EQ(in(UART_IIR), UART_IIR_NO_INT);
	out(UART_TX, 'c');
	CHECK(irq.level);
	CHECK_EQ(irq.edges, 2);
	out(UART_IER, 0);
	CHECK(!irq.level);
}

static void flow_control(void)
{
	start();
	out(UART_IER, UART_IER_THRI);
	in(UART_IIR);
	wire.blocked = true;
	out(UART_TX, 'a');
	CHECK_EQ(wire.nr_sent, 1);
	CHECK(!irq.level);
	CHECK_EQ(in(UART_LSR), 0);
	out(UART_TX, 'b');
	CHECK_EQ(wire.nr_sent, 1);
	wire.blocked = false;
	port.can_send(&uart);
	CHECK(irq.level);
	CHECK(in(UART_LSR) & UART_LSR_THRE);
	out(UART_TX, 'c');
	CHECK_EQ(wire.sent[1], 'c');
}

static void receiving(void)
{
	unsigned int i;

	start();
	CHECK_EQ(port.room(&uart), 1);
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	CHECK_EQ(port.room(&uart), UART_FIFO);
	wire.room_calls = 0;
	CHECK(!port.listening(&uart));
	out(UART_IER, UART_IER_RDI | UART_IER_RLSI);
	CHECK(port.listening(&uart));
	CHECK_EQ(wire.room_calls, 1);
	out(UART_MCR, 0);
	CHECK(!port.listening(&uart));
	out(UART_MCR, UART_MCR_OUT2);
	CHECK_EQ(wire.room_calls, 2);
	port.receive(&uart, 'x');
	CHECK(irq.level);
	CHECK_EQ(in(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	CHECK(in(UART_LSR) & UART_LSR_DR);
	for (i = 1; i < UART_FIFO; i++)
		port.receive(&uart, 'x' + i);
	CHECK_EQ(in(UART_IIR), 0xc0 | UART_IIR_RDI);
	CHECK_EQ(port.room(&uart), 0);
	CHECK(!(in(UART_LSR) & UART_LSR_OE));

	port.receive(&uart, '!');
	CHECK_EQ(in(UART_IIR), 0xc0 | UART_IIR_RLSI);
	CHECK(in(UART_LSR) & UART_LSR_OE);
	CHECK(!(in(UART_LSR) & UART_LSR_OE));

	wire.room_calls = 0;
	for (i = 0; i < UART_FIFO; i++)
		CHECK_EQ(in(UART_RX), (u8)('x' + i));
	CHECK_EQ(wire.room_calls, 1);
	CHECK(!irq.level);
	CHECK(!(in(UART_LSR) & UART_LSR_DR));
	CHECK_EQ(in(UART_RX), 0);
}

static void clearing(void)
{
	start();
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	port.receive(&uart, 'a');
	wire.room_calls = 0;
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	CHECK(!(in(UART_LSR) & UART_LSR_DR));
	CHECK_EQ(wire.room_calls, 1);

	port.receive(&uart, 'b');
	out(UART_FCR, 0);
	CHECK(!(in(UART_LSR) & UART_LSR_DR));
	port.receive(&uart, 'c');
	wire.room_calls = 0;
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	CHECK_EQ(in(UART_RX), 'c');
	CHECK_EQ(wire.room_calls, 1);
}

static void interrupt_switch(void)
{
	start();
	out(UART_MCR, 0);
	out(UART_IER, UART_IER_THRI);
	CHECK(!irq.level);
	out(UART_MCR, UART_MCR_OUT2);
	CHECK(irq.level);
}

/* What Linux does to probe a port. */
static void loopback(void)
{
	start();
	in(UART_MSR);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	CHECK_EQ(in(UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1 | UART_MCR_DTR);
	CHECK_EQ(in(UART_MSR) & 0xf0, UART_MSR_RI | UART_MSR_DSR);
	out(UART_TX, 'l');
	CHECK_EQ(wire.nr_sent, 0);
	CHECK_EQ(in(UART_RX), 'l');
	CHECK_EQ(port.room(&uart), 0);
	wire.room_calls = 0;
	out(UART_MCR, UART_MCR_OUT2);
	CHECK_EQ(wire.room_calls, 1);
	CHECK_EQ(port.room(&uart), 1);
}

static void modem_interrupt(void)
{
	start();
	in(UART_MSR);
	out(UART_IER, UART_IER_MSI);
	CHECK(!irq.level);
	out(UART_MCR, UART_MCR_LOOP);
	CHECK_EQ(in(UART_IIR), UART_IIR_MSI);
	CHECK_EQ(in(UART_MSR), UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);
	CHECK_EQ(in(UART_IIR), UART_IIR_NO_INT);
}

static void breaks(void)
{
	start();
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_IER, UART_IER_RLSI);
	port.receive(port.dev, 'a');
	port.receive_break(port.dev);
	port.receive(port.dev, 'b');
	CHECK(!irq.level);
	CHECK_EQ(in(UART_LSR) & (UART_LSR_DR | UART_LSR_BI), UART_LSR_DR);
	CHECK_EQ(in(UART_RX), 'a');

	/* BI is read once, with the zero byte that the break is. */
	CHECK(irq.level);
	CHECK_EQ(in(UART_IIR) & 0x0f, UART_IIR_RLSI);
	CHECK_EQ(in(UART_LSR) & (UART_LSR_DR | UART_LSR_BI), UART_LSR_DR | UART_LSR_BI);
	CHECK(!irq.level);
	CHECK_EQ(in(UART_LSR) & UART_LSR_BI, 0);
	CHECK_EQ(in(UART_RX), 0);
	CHECK_EQ(in(UART_RX), 'b');
	CHECK_EQ(in(UART_LSR) & UART_LSR_DR, 0);
}

static const struct tap_case cases[] = {
	{ "a break", breaks },
	{ "how drivers recognize a 16550A", identification },
	{ "divisor latch", divisor },
	{ "transmitter and its interrupt", transmitting },
	{ "the transmitter waits for the other end", flow_control },
	{ "receive FIFO, its interrupts, overrun", receiving },
	{ "clearing the receive FIFO", clearing },
	{ "OUT2 switches the interrupt", interrupt_switch },
	{ "loopback", loopback },
	{ "modem status interrupt", modem_interrupt },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
