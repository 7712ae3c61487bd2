// SPDX-License-Identifier: GPL-2.0
/* Tests of the PL031 real-time clock. */
#include "fake.h"
#include "pl031.h"
#include "tap.h"

#define ADDR	0x09010000ull
#define NOW	1790000000u

static struct bus bus;
static struct pl031 rtc;
static struct fake_line irq;

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
	bus_init(&bus, "address");
	fake_reset();
	fake_set_wall(NOW);
	pl031_init(&rtc, &bus, ADDR, NULL, fake_irq(&irq));
}

static void identification(void)
{
	static const u8 id[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int i;

	start();
	for (i = 0; i < sizeof(id); i++)
		CHECK_EQ(in(PL031_ID + 4 * i), id[i]);
	CHECK_EQ(in(PL031_CR), 1);
}

static void counting(void)
{
	start();
	CHECK_EQ(in(PL031_DR), NOW);
	fake_advance(5 * NSEC_PER_SEC);
	CHECK_EQ(in(PL031_DR), NOW + 5);
	out(PL031_LR, 1000);
	CHECK_EQ(in(PL031_DR), 1000);
	CHECK_EQ(in(PL031_LR), 1000);
	fake_advance(7 * NSEC_PER_SEC);
	CHECK_EQ(in(PL031_DR), 1007);
}

static void match(void)
{
	start();
	out(PL031_IMSC, 1);
	out(PL031_MR, NOW + 10);
	fake_advance(10 * NSEC_PER_SEC - 1);
	CHECK(!irq.level);
	fake_advance(1);
	CHECK(irq.level);
	CHECK_EQ(in(PL031_MIS), 1);
	out(PL031_ICR, 1);
	CHECK(!irq.level);
	CHECK_EQ(in(PL031_RIS), 0);
	fake_advance(100 * NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 1);
}

static void alarm_masked(void)
{
	start();
	out(PL031_MR, NOW + 1);
	fake_advance(NSEC_PER_SEC);
	CHECK(!irq.level);
	CHECK_EQ(in(PL031_RIS), 1);
	CHECK_EQ(in(PL031_MIS), 0);
	out(PL031_IMSC, 1);
	CHECK(irq.level);
}

/* Setting the clock moves the alarm, or sets it off. */
static void alarm_and_clock(void)
{
	start();
	out(PL031_IMSC, 1);
	out(PL031_MR, NOW + 100);
	out(PL031_LR, NOW + 95);
	fake_advance(4 * NSEC_PER_SEC);
	CHECK(!irq.level);
	fake_advance(NSEC_PER_SEC);
	CHECK(irq.level);
	out(PL031_ICR, 1);
	out(PL031_LR, NOW + 100);
	CHECK(irq.level);
}

/* The timer fires late, as after the host has slept. */
static void alarm_late(void)
{
	start();
	out(PL031_IMSC, 1);
	out(PL031_MR, NOW + 10);
	fake_skip(12 * NSEC_PER_SEC);
	CHECK(irq.level);
	out(PL031_ICR, 1);
	fake_advance(3600 * NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 1);
}

/* The host's clock is set forward or back. */
static void host_clock(void)
{
	start();
	out(PL031_IMSC, 1);
	out(PL031_MR, NOW + 10);
	fake_set_wall(NOW + 15);
	fake_advance(10 * NSEC_PER_SEC);
	CHECK(irq.level);

	/* A read of the register shows an alarm that is due, even if no timer has fired. */
	start();
	out(PL031_MR, NOW + 10);
	fake_set_wall(NOW + 15);
	CHECK_EQ(in(PL031_RIS), 1);

	/* If the host's clock is set back, the alarm comes that much later. */
	start();
	out(PL031_IMSC, 1);
	out(PL031_MR, NOW + 10);
	fake_set_wall(NOW - 100);
	fake_advance(109 * NSEC_PER_SEC);
	CHECK(!irq.level);
	fake_advance(NSEC_PER_SEC);
	CHECK(irq.level);
}

static const struct tap_case cases[] = {
	{ "identification registers", identification },
	{ "the clock", counting },
	{ "the alarm", match },
	{ "the alarm without its interrupt", alarm_masked },
	{ "the alarm when the clock is set", alarm_and_clock },
	{ "the alarm when its timer is late", alarm_late },
	{ "the alarm when the host's clock is set", host_clock },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
