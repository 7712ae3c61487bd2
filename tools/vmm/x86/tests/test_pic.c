// SPDX-License-Identifier: GPL-2.0
/* Tests of the 8259 pair, as software sees it. */
#include <string.h>

#include "pic.h"
#include "tap.h"

#define MASTER		0x20
#define SLAVE		0xa0
#define EOI		0x20
#define SPECIFIC_EOI	0x60

static struct bus bus;
static struct pics pics;
static unsigned int notified;
static bool wire;

static void output(void *arg, bool level)
{
	(void)arg;
	wire = level;
	notified++;
}

static void out(u16 port, u8 value)
{
	bus_write(&bus, port, 1, value);
}

static u8 in(u16 port)
{
	return bus_read(&bus, port, 1);
}

static void line(unsigned int pin, bool level)
{
	struct irq_line l = pic_line(&pics, pin);

	irq_set(&l, level);
}

static void pulse(unsigned int pin)
{
	struct irq_line l = pic_line(&pics, pin);

	irq_pulse(&l);
}

/* Initialize the pair as Linux does: vectors 0x30 and 0x38, nothing masked. */
static void initialize(u8 icw4)
{
	out(MASTER, 0x11);
	out(MASTER + 1, 0x30);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, icw4);
	out(SLAVE, 0x11);
	out(SLAVE + 1, 0x38);
	out(SLAVE + 1, 0x02);
	out(SLAVE + 1, icw4 & ~0x10);
}

static void start_with(u8 icw4)
{
	bus_init(&bus, "port");
	notified = 0;
	wire = false;
	pic_init(&pics, &bus, output, NULL);
	initialize(icw4);
}

static void start(void)
{
	start_with(0x01);
}

static void power_on(void)
{
	bus_init(&bus, "port");
	pic_init(&pics, &bus, output, NULL);
	wire = false;
	pulse(0);
	CHECK(!wire);
	CHECK_EQ(in(MASTER + 1), 0xff);
}

static void one_interrupt(void)
{
	start();
	CHECK(!pic_pending(&pics));
	pulse(4);
	CHECK(wire);
	CHECK(pic_pending(&pics));
	CHECK_EQ(in(MASTER), 0x10);
	CHECK_EQ(pic_acknowledge(&pics), 0x34);
	CHECK(!wire);
	CHECK_EQ(in(MASTER), 0);
	out(MASTER, 0x0b);
	CHECK_EQ(in(MASTER), 0x10);

	/* In service: the same input waits for the end of interrupt. */
	pulse(4);
	CHECK(!wire);
	out(MASTER, EOI);
	CHECK(wire);
	CHECK_EQ(pic_acknowledge(&pics), 0x34);
}

static void edges(void)
{
	start();
	line(4, true);
	CHECK_EQ(pic_acknowledge(&pics), 0x34);
	out(MASTER, EOI);
	/* The line is still high: there is no new edge. */
	CHECK(!wire);
	line(4, true);
	CHECK(!wire);
	line(4, false);
	line(4, true);
	CHECK(wire);

	/* The line falls before the interrupt is acknowledged. */
	line(4, false);
	CHECK(!wire);
	CHECK_EQ(in(MASTER), 0);
	line(12, true);
	CHECK(wire);
	line(12, false);
	CHECK(!wire);
	CHECK_EQ(in(SLAVE), 0);
}

static void levels(void)
{
	start();
	out(0x4d1, 0x02);
	CHECK_EQ(in(0x4d1), 0x02);
	line(9, true);
	CHECK_EQ(pic_acknowledge(&pics), 0x39);
	out(SLAVE, EOI);
	out(MASTER, EOI);
	CHECK(wire);
	line(9, false);
	CHECK(!wire);

	/* Inputs that cannot be level triggered. */
	out(0x4d0, 0xff);
	out(0x4d1, 0xff);
	CHECK_EQ(in(0x4d0), 0xf8);
	CHECK_EQ(in(0x4d1), 0xde);
}

static void priorities(void)
{
	start();
	pulse(5);
	pulse(3);
	pulse(9);
	CHECK_EQ(pic_acknowledge(&pics), 0x39);	/* through input 2 */
	CHECK(!wire);
	pulse(1);
	CHECK(wire);				/* has higher priority */
	CHECK_EQ(pic_acknowledge(&pics), 0x31);
	out(MASTER, EOI);
	CHECK(!wire);
	out(SLAVE, EOI);
	out(MASTER, EOI);
	CHECK_EQ(pic_acknowledge(&pics), 0x33);
	out(MASTER, EOI);
	CHECK_EQ(pic_acknowledge(&pics), 0x35);
	out(MASTER, EOI);
	CHECK(!wire);
}

static void masking(void)
{
	start();
	out(MASTER + 1, 0x10);
	CHECK_EQ(in(MASTER + 1), 0x10);
	pulse(4);
	CHECK(!wire);
	out(MASTER + 1, 0);
	CHECK(wire);
	out(MASTER + 1, 0x10);
	CHECK(!wire);

	/* When a request of the slave is masked, the wire falls again. */
	pulse(8);
	CHECK(wire);
	out(SLAVE + 1, 0xff);
	CHECK(!wire);
}

static void spurious(void)
{
	start();
	CHECK_EQ(pic_acknowledge(&pics), 0x37);
	out(MASTER, 0x0b);
	CHECK_EQ(in(MASTER), 0);
}

static void specific_eoi(void)
{
	start();
	pulse(4);
	pic_acknowledge(&pics);
	pulse(3);
	pic_acknowledge(&pics);
	out(MASTER, SPECIFIC_EOI | 4);
	out(MASTER, 0x0b);
	CHECK_EQ(in(MASTER), 0x08);
	out(MASTER, 0x0a);
	CHECK_EQ(in(MASTER), 0);
}

static void automatic_eoi(void)
{
	start_with(0x03);
	pulse(4);
	CHECK_EQ(pic_acknowledge(&pics), 0x34);
	out(MASTER, 0x0b);
	CHECK_EQ(in(MASTER), 0);
	pulse(4);
	CHECK(wire);

	/* The slave's next request is an edge for the master. */
	start_with(0x03);
	pulse(8);
	pulse(10);
	CHECK_EQ(pic_acknowledge(&pics), 0x38);
	CHECK(wire);
	CHECK_EQ(pic_acknowledge(&pics), 0x3a);
	CHECK(!wire);
}

static void rotation(void)
{
	start();
	pulse(4);
	pic_acknowledge(&pics);
	out(MASTER, 0xa0);		/* rotate on EOI: 4 is lowest now */
	pulse(4);
	pulse(6);
	CHECK_EQ(pic_acknowledge(&pics), 0x36);
	out(MASTER, 0xe6);		/* specific EOI, 6 is lowest */
	pulse(7);
	CHECK_EQ(pic_acknowledge(&pics), 0x37);
	out(MASTER, EOI);
	out(MASTER, 0xc3);		/* 3 is lowest */
	CHECK_EQ(pic_acknowledge(&pics), 0x34);
	out(MASTER, EOI);

	start_with(0x03);
	out(MASTER, 0x80);		/* rotate on automatic EOI */
	pulse(0);
	pic_acknowledge(&pics);
	pulse(0);
	pulse(1);
	CHECK_EQ(pic_acknowledge(&pics), 0x31);
	CHECK_EQ(pic_acknowledge(&pics), 0x30);
}

static void special_mask(void)
{
	start();
	pulse(3);
	pic_acknowledge(&pics);
	pulse(6);
	CHECK(!wire);
	out(MASTER + 1, 0x08);
	out(MASTER, 0x68);		/* special mask on */
	CHECK(wire);
	CHECK_EQ(pic_acknowledge(&pics), 0x36);
	out(MASTER, EOI);		/* ends 6: 3 is masked, and stays in service */
	out(MASTER, 0x0b);
	CHECK_EQ(in(MASTER), 0x08);
	out(MASTER, 0x48);		/* off */
	pulse(6);
	CHECK(!wire);
}

static void special_fully_nested(void)
{
	start_with(0x11);
	pulse(12);
	CHECK_EQ(pic_acknowledge(&pics), 0x3c);
	pulse(13);
	CHECK(!wire);
	pulse(9);
	CHECK(wire);
	CHECK_EQ(pic_acknowledge(&pics), 0x39);
}

static void polling(void)
{
	start();
	out(MASTER, 0x0c);
	CHECK_EQ(in(MASTER), 0);
	pulse(5);
	out(MASTER, 0x0c);
	CHECK_EQ(in(MASTER), 0x85);
	CHECK(!wire);
	out(MASTER, 0x0b);
	CHECK_EQ(in(MASTER), 0x20);
	out(MASTER, EOI);

	/* Once the slave has been polled, its request is gone. */
	pulse(14);
	CHECK(wire);
	out(SLAVE, 0x0c);
	CHECK_EQ(in(SLAVE), 0x86);
	CHECK(!wire);
}

static void initialization(void)
{
	start();
	pulse(4);
	CHECK(wire);
	out(MASTER, 0x11);
	CHECK(!wire);			/* the edge is forgotten */
	pulse(4);
	CHECK(!wire);			/* the initialization is not complete */
	out(MASTER + 1, 0x50);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, 0x01);
	CHECK(wire);
	CHECK_EQ(in(MASTER + 1), 0);
	CHECK_EQ(pic_acknowledge(&pics), 0x54);

	/* Without ICW4, and without ICW3. */
	out(MASTER, 0x12);
	out(MASTER + 1, 0x60);
	pulse(1);
	CHECK_EQ(pic_acknowledge(&pics), 0x61);
}

static unsigned int timer_taken, timer_restarted;
static bool timer_pending;

static void taken(void *arg)
{
	(void)arg;
	timer_taken++;
}

static void restarted(void *arg, bool pending)
{
	(void)arg;
	timer_restarted++;
	timer_pending = pending;
}

static void timer(void)
{
	static const struct pic_timer_ops ops = { taken, restarted };

	start();
	pic_watch_timer(&pics, &ops, NULL);
	timer_taken = 0;
	timer_restarted = 0;
	pulse(0);
	pic_acknowledge(&pics);
	out(MASTER, EOI);
	CHECK_EQ(timer_taken, 1);
	pulse(0);
	out(MASTER, 0x0c);
	CHECK_EQ(in(MASTER), 0x80);
	out(MASTER, EOI);
	CHECK_EQ(timer_taken, 2);

	out(MASTER + 1, 0x01);
	pulse(0);
	CHECK_EQ(timer_restarted, 0);
	out(MASTER + 1, 0x00);
	CHECK_EQ(timer_restarted, 1);
	CHECK(timer_pending);
	out(MASTER + 1, 0x02);
	CHECK_EQ(timer_restarted, 1);
	out(MASTER, 0x11);
	CHECK_EQ(timer_restarted, 2);
	CHECK(!timer_pending);
}

static void notifications(void)
{
	start();
	notified = 0;
	pulse(4);
	pulse(3);
	CHECK_EQ(notified, 1);		/* a change of the wire only */
	pic_acknowledge(&pics);
	CHECK_EQ(notified, 2);
}

/*
 * With @keep_edges an edge stays although its input falls at once: KVM's callers pulse inputs so.
 */
static void kept_edges(void)
{
	start();
	pics.keep_edges = true;
	line(3, true);
	line(3, false);
	CHECK(wire);
	line(10, true);
	line(10, false);
	CHECK_EQ(pic_acknowledge(&pics), 0x3a);
	out(SLAVE, EOI);
	out(MASTER, EOI);
	CHECK_EQ(pic_acknowledge(&pics), 0x33);
	out(MASTER, EOI);
	/* A request of the slave that is masked is none of the master's. */
	line(10, true);
	out(SLAVE + 1, 0x04);
	CHECK(!wire);

	/* An input that was high before ICW1 can rise again. */
	start();
	pics.keep_edges = true;
	line(3, true);
	initialize(0x01);
	CHECK(!wire);
	line(3, true);
	CHECK(wire);

	/* ICW1 with LTIM: a pulse is an edge all the same. */
	out(MASTER, 0x19);
	out(MASTER + 1, 0x30);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, 0x01);
	CHECK(!wire);
	pulse(0);
	CHECK(wire);
}

static unsigned int ends, last_end;

static void ended(void *arg, unsigned int pin)
{
	CHECK(arg == &ends);
	ends++;
	last_end = pin;
	/* Lower the input at once, as a device does that has been waiting for the end. */
	line(pin, false);
}

static void watched_ends(void)
{
	start();
	out(0x4d1, 0x08);
	ends = 0;
	pic_watch_ends(&pics, ended, &ends);
	line(11, true);
	CHECK_EQ(pic_acknowledge(&pics), 0x3b);
	out(SLAVE, SPECIFIC_EOI | 2);	/* another one, not in service */
	CHECK_EQ(ends, 0);
	out(SLAVE, EOI);
	CHECK_EQ(ends, 1);
	CHECK_EQ(last_end, 11);
	out(MASTER, EOI);
	CHECK_EQ(ends, 2);
	CHECK_EQ(last_end, 2);
	CHECK(!wire);

	start_with(0x03);	/* automatic EOI */
	ends = 0;
	pic_watch_ends(&pics, ended, &ends);
	line(4, true);
	CHECK_EQ(pic_acknowledge(&pics), 0x34);
	CHECK_EQ(ends, 1);
	CHECK_EQ(last_end, 4);

	/* ICW1 ends what is in service, and forgets edges. */
	start();
	ends = 0;
	pic_watch_ends(&pics, ended, &ends);
	line(4, true);
	pic_acknowledge(&pics);
	line(5, true);
	out(MASTER, 0x11);
	CHECK_EQ(ends, 2);
	CHECK_EQ(last_end, 5);
}

static void changed(void)
{
	start();
	pics.chip[1].irr = 0x02;
	CHECK(!wire);
	pic_changed(&pics);
	CHECK(wire);
	CHECK_EQ(pic_acknowledge(&pics), 0x39);
}

static const struct tap_case cases[] = {
	{ "everything is masked until initialized", power_on },
	{ "request, acknowledge, end of interrupt", one_interrupt },
	{ "edge triggered inputs", edges },
	{ "level triggered inputs and ELCR", levels },
	{ "priorities and nesting", priorities },
	{ "interrupt mask", masking },
	{ "spurious interrupt", spurious },
	{ "specific end of interrupt", specific_eoi },
	{ "automatic end of interrupt", automatic_eoi },
	{ "rotating priorities", rotation },
	{ "special mask mode", special_mask },
	{ "special fully nested mode", special_fully_nested },
	{ "poll command", polling },
	{ "initialization words", initialization },
	{ "the timer is told when its interrupt is acknowledged", timer },
	{ "the wire is reported when it changes", notifications },
	{ "an edge that is kept", kept_edges },
	{ "ends of interrupts are told", watched_ends },
	{ "a state that is set", changed },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
