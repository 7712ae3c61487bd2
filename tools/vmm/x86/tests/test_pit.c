// SPDX-License-Identifier: GPL-2.0
/* Tests of the 8254 timer and port 0x61. */
#include <string.h>

#include "fake.h"
#include "pit.h"
#include "tap.h"

#define CONTROL		0x43
#define CHANNEL0	0x40
#define CHANNEL2	0x42
#define SYSTEM		0x61

static struct bus bus;
static struct pit pit;
static struct fake_line irq;

static void start(void)
{
	bus_init(&bus, "port");
	fake_reset();
	pit_init(&pit, &bus, NULL, fake_irq(&irq));
	pit_init_port61(&pit, &bus);
}

static void out(u16 port, u8 value)
{
	bus_write(&bus, port, 1, value);
}

static u8 in(u16 port)
{
	return bus_read(&bus, port, 1);
}

static void set_count(u16 port, u8 control, u16 count)
{
	out(CONTROL, control);
	out(port, count);
	out(port, count >> 8);
}

static u16 get_count(u16 port)
{
	u16 low = in(port);

	return low | in(port) << 8;
}

/* Advance by @ticks and a half, so that rounding does not matter. */
static void advance_ticks(u64 ticks)
{
	fake_advance((ticks * 2 + 1) * NSEC_PER_SEC / PIT_HZ / 2);
}

static void mode0_interrupt(void)
{
	start();
	set_count(CHANNEL0, 0x30, 1000);
	CHECK(!irq.level);
	advance_ticks(998);
	CHECK(!irq.level);
	fake_advance(3 * NSEC_PER_SEC / PIT_HZ);
	CHECK(irq.level);
	CHECK_EQ(irq.edges, 1);
	fake_advance(NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 1);

	/* A new count lowers the line, and starts the counter anew. */
	out(CHANNEL0, 100);
	CHECK(!irq.level);
	out(CHANNEL0, 0);
	advance_ticks(101);
	CHECK_EQ(irq.edges, 2);
}

static void mode2_periodic(void)
{
	start();
	set_count(CHANNEL0, 0x34, 11932);	/* 100 Hz */
	fake_advance(NSEC_PER_SEC + NSEC_PER_SEC / 200);
	CHECK_EQ(irq.edges, 100);
	CHECK(!irq.level);

	/* Count 65536 is the slowest. */
	set_count(CHANNEL0, 0x34, 0);
	irq.edges = 0;
	fake_advance(10 * NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 182);
}

static void mode3_square(void)
{
	start();
	set_count(CHANNEL0, 0x36, 11932);
	fake_advance(NSEC_PER_SEC + NSEC_PER_SEC / 200);
	CHECK_EQ(irq.edges, 100);

	/* Mode 3 counts by two; the output is high in the first half. */
	out(SYSTEM, 1);
	set_count(CHANNEL2, 0xb6, 1000);
	advance_ticks(100);
	CHECK_EQ(get_count(CHANNEL2), 800);
	CHECK(in(SYSTEM) & 0x20);
	advance_ticks(500);
	CHECK(!(in(SYSTEM) & 0x20));
	CHECK_EQ(get_count(CHANNEL2), 800);
}

static void mode4_strobe(void)
{
	start();
	set_count(CHANNEL0, 0x38, 1000);
	fake_advance(NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 1);
	CHECK(!irq.level);
	/* Linux programs the next shot so. */
	out(CHANNEL0, 0xe8);
	out(CHANNEL0, 3);
	fake_advance(NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 2);
}

/* If the thread is held up between a count's bytes, the interrupt comes at once. */
static void late(void)
{
	start();
	out(CONTROL, 0x38);
	out(CHANNEL0, 2);
	out(CHANNEL0, 0);
	fake_advance(1);
	CHECK_EQ(irq.edges, 0);
	fake_advance(3000);
	CHECK_EQ(irq.edges, 1);
}

static void partial_count(void)
{
	start();
	set_count(CHANNEL0, 0x34, 11932);
	fake_advance(NSEC_PER_SEC / 2);
	irq.edges = 0;
	/* In mode 2 the first byte of a count changes nothing. */
	out(CHANNEL0, 1);
	fake_advance(NSEC_PER_SEC / 2);
	CHECK_EQ(irq.edges, 50);
}

/* A guest that takes no interrupt for a while gets the missing ones later. */
static void backlog(void)
{
	unsigned int i;

	start();
	set_count(CHANNEL0, 0x34, 11932);
	fake_advance(NSEC_PER_SEC / 10 + NSEC_PER_SEC / 200);
	CHECK_EQ(pit.backlog, 9);
	irq.edges = 0;
	for (i = 0; i < 20; i++)
		pit_pic_ops.taken(&pit);
	CHECK_EQ(irq.edges, 9);

	/* The event loop is late by several periods. */
	set_count(CHANNEL0, 0x34, 11932);
	fake_skip(NSEC_PER_SEC / 10 + NSEC_PER_SEC / 200);
	CHECK_EQ(pit.backlog, 9);
	fake_advance(NSEC_PER_SEC / 100);
	CHECK_EQ(pit.backlog, 10);

	/* The backlog is limited, and a new count clears it. */
	fake_advance(60 * NSEC_PER_SEC);
	CHECK(pit.backlog <= 101);
	set_count(CHANNEL0, 0x34, 11932);
	irq.edges = 0;
	pit_pic_ops.taken(&pit);
	CHECK_EQ(irq.edges, 0);
}

static void too_fast(void)
{
	start();
	set_count(CHANNEL0, 0x34, 2);
	fake_advance(NSEC_PER_SEC / 100);
	CHECK(irq.edges > 10);
	CHECK(irq.edges <= 101);
	/* A count of one does not exist. */
	set_count(CHANNEL0, 0x36, 1);
	fake_advance(NSEC_PER_SEC / 100);
}

static void stop(void)
{
	start();
	set_count(CHANNEL0, 0x34, 11932);
	out(CONTROL, 0x30);
	fake_advance(NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 0);
}

static void reading(void)
{
	start();
	set_count(CHANNEL0, 0x34, 50000);
	advance_ticks(1234);
	CHECK_EQ(get_count(CHANNEL0), 50000 - 1234);

	/* A latched count stands still until it has been read. */
	out(CONTROL, 0x00);
	advance_ticks(99);
	out(CONTROL, 0x00);
	CHECK_EQ(get_count(CHANNEL0), 50000 - 1234);
	CHECK_EQ(get_count(CHANNEL0), 50000 - 1234 - 99);

	/* Access of the low byte only. */
	out(CONTROL, 0x14);
	out(CHANNEL0, 200);
	advance_ticks(10);
	CHECK_EQ(in(CHANNEL0), 190);
	CHECK_EQ(in(CHANNEL0), 190);
	out(CONTROL, 0x24);
	out(CHANNEL0, 2);
	advance_ticks(10);
	CHECK_EQ(in(CHANNEL0), 1);
}

static void read_back(void)
{
	start();
	out(CONTROL, 0x34);
	out(CONTROL, 0xe2);			/* status of channel 0 */
	CHECK_EQ(in(CHANNEL0), 0xf4);		/* high, no count yet, mode 2 */
	set_count(CHANNEL0, 0x34, 1000);
	advance_ticks(10);
	out(CONTROL, 0xc2);			/* status and count */
	advance_ticks(10);
	CHECK_EQ(in(CHANNEL0), 0xb4);
	CHECK_EQ(get_count(CHANNEL0), 990);

	set_count(CHANNEL2, 0xb1, 0x100);	/* BCD, mode 0, no gate */
	out(CONTROL, 0xe8);
	CHECK_EQ(in(CHANNEL2), 0x31);
}

static void bcd(void)
{
	start();
	set_count(CHANNEL0, 0x35, 0x1000);
	advance_ticks(1);
	CHECK_EQ(get_count(CHANNEL0), 0x0999);
	set_count(CHANNEL0, 0x35, 0);
	advance_ticks(1);
	CHECK_EQ(get_count(CHANNEL0), 0x9999);
}

static void nothing(void *arg, bool level)
{
	(void)arg;
	(void)level;
}

/* With the interrupt controller: acknowledge all interrupts, and count them. */
static unsigned int acknowledge_all(struct pics *pics)
{
	unsigned int n = 0;

	while (pic_pending(pics) && n < 1000) {
		pic_acknowledge(pics);
		out(0x20, 0x20);
		n++;
	}
	return n;
}

static void masked(void)
{
	struct pics pics;

	start();
	bus_init(&bus, "port");
	pic_init(&pics, &bus, nothing, NULL);
	fake_reset();
	pit_init(&pit, &bus, NULL, pic_line(&pics, 0));
	pic_watch_timer(&pics, &pit_pic_ops, &pit);
	out(0x20, 0x11);
	out(0x21, 0x30);
	out(0x21, 0x04);
	out(0x21, 0x01);
	set_count(CHANNEL0, 0x34, 11932);

	/* While the input is not masked, no edge is lost. */
	fake_advance(NSEC_PER_SEC / 10 + NSEC_PER_SEC / 1000);
	CHECK_EQ(acknowledge_all(&pics), 10);

	/* After the input was masked, one edge is pending. */
	out(0x21, 0x01);
	fake_advance(30 * NSEC_PER_SEC);
	CHECK_EQ(acknowledge_all(&pics), 0);
	out(0x21, 0x00);
	CHECK_EQ(acknowledge_all(&pics), 1);

	/* Initializing the controller clears the backlog. */
	fake_advance(NSEC_PER_SEC);
	out(0x20, 0x11);
	out(0x21, 0x30);
	out(0x21, 0x04);
	out(0x21, 0x01);
	CHECK_EQ(acknowledge_all(&pics), 0);
	fake_advance(NSEC_PER_SEC / 100);
	CHECK_EQ(acknowledge_all(&pics), 1);
}

/* What Linux does to measure the TSC. */
static void calibration(void)
{
	start();
	out(SYSTEM, (in(SYSTEM) & ~2) | 1);
	set_count(CHANNEL2, 0xb0, PIT_HZ / 100);
	CHECK(!(in(SYSTEM) & 0x20));
	fake_advance(NSEC_PER_SEC / 100 - 2000);
	CHECK(!(in(SYSTEM) & 0x20));
	fake_advance(4000);
	CHECK(in(SYSTEM) & 0x20);
	CHECK_EQ(irq.edges, 0);
}

static void gate(void)
{
	start();
	set_count(CHANNEL2, 0xb0, 1000);
	advance_ticks(100);
	CHECK_EQ(get_count(CHANNEL2), 1000);
	out(SYSTEM, 1);
	advance_ticks(100);
	CHECK_EQ(get_count(CHANNEL2), 900);
	out(SYSTEM, 0);
	advance_ticks(100);
	CHECK_EQ(get_count(CHANNEL2), 900);
	out(SYSTEM, 1);
	advance_ticks(50);
	CHECK_EQ(get_count(CHANNEL2), 850);

	/* In mode 1 each rising edge of the gate starts the counter anew. */
	out(SYSTEM, 0);
	set_count(CHANNEL2, 0xb2, 1000);
	CHECK(in(SYSTEM) & 0x20);
	out(SYSTEM, 1);
	CHECK(!(in(SYSTEM) & 0x20));
	advance_ticks(500);
	out(SYSTEM, 0);
	out(SYSTEM, 1);
	advance_ticks(700);
	CHECK(!(in(SYSTEM) & 0x20));
	advance_ticks(400);
	CHECK(in(SYSTEM) & 0x20);
}

static void refresh(void)
{
	u8 first;

	start();
	first = in(SYSTEM) & 0x10;
	CHECK((in(SYSTEM) & 0x10) != first);
	out(SYSTEM, 2);
	CHECK_EQ(in(SYSTEM) & 3, 2);
}

static void forgetful(void)
{
	unsigned int i;

	start();
	pit.forgets = true;
	set_count(CHANNEL0, 0x34, 1000);
	for (i = 0; i < 5; i++)
		advance_ticks(1000);
	CHECK_EQ(irq.edges, 5);
	pit_pic_ops.taken(&pit);
	CHECK_EQ(irq.edges, 5);
}

static void silent(void)
{
	start();
	pit.silent = true;
	set_count(CHANNEL0, 0x34, 1000);
	advance_ticks(5000);
	set_count(CHANNEL0, 0x30, 1000);
	advance_ticks(2000);
	CHECK_EQ(irq.edges, 0);
	CHECK(!irq.level);
	pit.silent = false;
	pit_changed(&pit);
	CHECK(irq.level);
}

/* Channel 0 as if it had begun @ago ticks ago. */
static void restore(u8 mode, u32 count, u64 ago)
{
	start();
	advance_ticks(ago);
	pit.channel[0].mode = mode;
	pit.channel[0].count = count;
	pit.channel[0].state = PIT_COUNTING;
	pit.channel[0].start = clock_now() - ago * NSEC_PER_SEC / PIT_HZ;
	pit_changed(&pit);
}

static void restored(void)
{
	restore(2, 1000, 2500);
	CHECK_EQ(irq.edges, 0);
	advance_ticks(490);
	CHECK_EQ(irq.edges, 0);
	advance_ticks(20);
	CHECK_EQ(irq.edges, 1);
	restore(4, 1000, 500);
	advance_ticks(510);
	CHECK_EQ(irq.edges, 1);
	restore(4, 1000, 1500);
	advance_ticks(5000);
	CHECK_EQ(irq.edges, 0);
	restore(0, 1000, 1500);
	CHECK(irq.level);
}

static const struct tap_case cases[] = {
	{ "mode 0 interrupts once", mode0_interrupt },
	{ "mode 2 interrupts periodically", mode2_periodic },
	{ "mode 3 interrupts periodically", mode3_square },
	{ "mode 4 interrupts once", mode4_strobe },
	{ "a deadline in the past", late },
	{ "a count of which only one byte is written", partial_count },
	{ "interrupts that the guest takes late", backlog },
	{ "interrupts that come while they are masked", masked },
	{ "periods that are too short", too_fast },
	{ "a control word stops the interrupts", stop },
	{ "reading and latching the count", reading },
	{ "read-back command", read_back },
	{ "BCD", bcd },
	{ "channel 2 measures 10 ms", calibration },
	{ "the gate of channel 2", gate },
	{ "port 0x61", refresh },
	{ "a forgetful timer does not repeat edges that were missed", forgetful },
	{ "a silent timer does not interrupt", silent },
	{ "a state that is set goes on", restored },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
