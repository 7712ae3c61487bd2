// SPDX-License-Identifier: GPL-2.0
/* Tests of the real-time clock. */
#include <string.h>

#include "fake.h"
#include "rtc.h"
#include "tap.h"

/* Saturday, 2028-01-29 22:58:07 UTC. */
#define TODAY	1832799487ull

static struct bus bus;
static struct rtc rtc;
static struct fake_line irq;

static void start(void)
{
	bus_init(&bus, "port");
	fake_reset();
	fake_set_wall(TODAY);
	rtc_init(&rtc, &bus, NULL, fake_irq(&irq), 0xc0000000, 0x140000000);
}

static void set(u8 reg, u8 value)
{
	bus_write(&bus, 0x70, 1, reg);
	bus_write(&bus, 0x71, 1, value);
}

static u8 get(u8 reg)
{
	bus_write(&bus, 0x70, 1, reg | 0x80);	/* bit 7, which masks NMIs, is ignored */
	return bus_read(&bus, 0x71, 1);
}

static void check_time(u8 century, u8 year, u8 month, u8 day, u8 hour, u8 min,
		       u8 sec)
{
	CHECK_EQ(get(0x32), century);
	CHECK_EQ(get(9), year);
	CHECK_EQ(get(8), month);
	CHECK_EQ(get(7), day);
	CHECK_EQ(get(4), hour);
	CHECK_EQ(get(2), min);
	CHECK_EQ(get(0), sec);
}

static void shows_utc(void)
{
	start();
	check_time(0x20, 0x28, 0x01, 0x29, 0x22, 0x58, 0x07);
	CHECK_EQ(get(6), 7);
	CHECK_EQ(get(0xd), 0x80);
	fake_advance(62 * 60 * NSEC_PER_SEC);
	check_time(0x20, 0x28, 0x01, 0x30, 0x00, 0x00, 0x07);
	CHECK_EQ(get(6), 1);
}

static void formats(void)
{
	start();
	set(0xb, 0x06);				/* binary */
	check_time(20, 28, 1, 29, 22, 58, 7);
	set(0xb, 0x00);				/* BCD, 12 hours */
	CHECK_EQ(get(4), 0x90);			/* 10 pm */
	fake_advance(62 * 60 * NSEC_PER_SEC);
	CHECK_EQ(get(4), 0x12);			/* midnight */
	fake_advance(12 * 3600 * NSEC_PER_SEC);
	CHECK_EQ(get(4), 0x92);			/* noon */
}

/* Set the clock as Linux does; on the way the date is not valid (31 February). */
static void setting(void)
{
	start();
	fake_advance(2 * 86400 * NSEC_PER_SEC);
	check_time(0x20, 0x28, 0x01, 0x31, 0x22, 0x58, 0x07);
	set(0xb, get(0xb) | 0x80);
	set(9, 0x31);
	set(8, 0x02);
	set(7, 0x03);
	set(4, 0x01);
	set(2, 0x02);
	set(0, 0x03);
	set(0x32, 0x20);
	fake_advance(5 * NSEC_PER_SEC);
	check_time(0x20, 0x31, 0x02, 0x03, 0x01, 0x02, 0x03);
	set(0xb, get(0xb) & ~0x80);
	check_time(0x20, 0x31, 0x02, 0x03, 0x01, 0x02, 0x03);
	fake_advance(NSEC_PER_SEC);
	check_time(0x20, 0x31, 0x02, 0x03, 0x01, 0x02, 0x04);
}

static void update_in_progress(void)
{
	start();
	CHECK_EQ(get(0xa), 0x26);
	fake_advance(NSEC_PER_SEC - 100000);
	CHECK_EQ(get(0xa), 0xa6);
	CHECK_EQ(get(0), 0x07);
	fake_advance(100000);
	CHECK_EQ(get(0xa), 0x26);
	CHECK_EQ(get(0), 0x08);
}

static void update_interrupt(void)
{
	start();
	set(0xa, 0x20);				/* no periodic flag */
	fake_advance(NSEC_PER_SEC / 2);
	get(0xc);
	set(0xb, 0x12);
	CHECK(!irq.level);
	fake_advance(NSEC_PER_SEC / 2);
	CHECK(irq.level);
	CHECK_EQ(get(0xc), 0x90);
	CHECK(!irq.level);
	CHECK_EQ(get(0xc), 0);
	fake_advance(NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 2);
	set(0xb, 0x92);
	CHECK_EQ(get(0xb), 0x82);		/* SET clears UIE */
	set(0xb, 0x02);
	CHECK(!irq.level);
	/* The flag is set without the interrupt, too. */
	get(0xc);
	fake_advance(NSEC_PER_SEC);
	CHECK_EQ(get(0xc), 0x10);
	CHECK_EQ(irq.edges, 2);
}

static void alarm_interrupt(void)
{
	start();
	set(1, 0x00);
	set(3, 0x59);
	set(5, 0x22);
	get(0xc);
	set(0xb, 0x22);
	fake_advance(52 * NSEC_PER_SEC);
	CHECK(!irq.level);
	fake_advance(NSEC_PER_SEC);
	CHECK(irq.level);
	CHECK_EQ(get(0xc) & 0xa0, 0xa0);

	/* An alarm every minute. */
	set(3, 0xff);
	set(5, 0xff);
	fake_advance(59 * NSEC_PER_SEC);
	CHECK(!irq.level);
	fake_advance(NSEC_PER_SEC);
	CHECK(irq.level);
}

/* An alarm that is due while the host sleeps. */
static void alarm_late(void)
{
	start();
	set(1, 0x00);
	set(3, 0x59);
	set(5, 0x22);
	get(0xc);
	set(0xb, 0x22);
	fake_skip(7 * 3600 * NSEC_PER_SEC);
	CHECK(irq.level);
	CHECK_EQ(get(0xc) & 0xa0, 0xa0);
}

static void set_year(unsigned int century, unsigned int year)
{
	set(0xb, 0x86);				/* SET, binary */
	set(0x32, century);
	set(9, year);
	set(0xb, 0x06);
}

static void years(void)
{
	static const u8 all[][2] = { { 0, 0 }, { 18, 26 }, { 19, 99 }, { 20, 0 }, { 99, 99 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		start();
		set_year(all[i][0], all[i][1]);
		CHECK_EQ(get(0x32), all[i][0]);
		CHECK_EQ(get(9), all[i][1]);
	}

	/* Each write adds twenty years. */
	start();
	set(0xb, 0x06);
	for (i = 0; i < 100000; i++)
		set(8, 255);
	CHECK_EQ(get(0x32), 99);
	CHECK_EQ(get(9), 99);
	for (i = 0; i < 1000; i++) {
		set(0xb, 0x86);
		set(8, 255);
		set(0xb, 0x06);
	}
	CHECK_EQ(get(0x32), 99);
}

static void periodic_interrupt(void)
{
	unsigned int i;

	start();
	set(0xa, 0x2b);				/* 32 Hz */
	get(0xc);
	set(0xb, 0x42);
	for (i = 1; i <= 32; i++) {
		fake_advance(NSEC_PER_SEC / 32);
		CHECK_EQ(irq.edges, i);
		CHECK_EQ(get(0xc) & 0xc0, 0xc0);
	}
	set(0xa, 0x20);				/* none */
	fake_advance(NSEC_PER_SEC);
	CHECK_EQ(irq.edges, 32);
}

static void memory_size(void)
{
	start();
	CHECK_EQ(get(0x15) | get(0x16) << 8, 640);
	CHECK_EQ(get(0x17) | get(0x18) << 8, 63 * 1024);
	CHECK_EQ(get(0x34) | get(0x35) << 8, (0xc0000000 - 0x1000000) >> 16);
	CHECK_EQ(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16,
		 0x140000000 >> 16);
}

static void cmos_memory(void)
{
	start();
	set(0x40, 0xa5);
	CHECK_EQ(get(0x40), 0xa5);
	set(0x7f, 0x5a);
	CHECK_EQ(get(0x7f), 0x5a);
	set(0xc, 0xff);
	set(0xd, 0);
	CHECK_EQ(get(0xc), 0);
	CHECK_EQ(get(0xd), 0x80);
}

static const struct tap_case cases[] = {
	{ "shows UTC", shows_utc },
	{ "BCD and binary, 12 and 24 hours", formats },
	{ "is set register by register", setting },
	{ "update in progress", update_in_progress },
	{ "update interrupt", update_interrupt },
	{ "alarm interrupt", alarm_interrupt },
	{ "an alarm that the host slept through", alarm_late },
	{ "the years 0 to 9999", years },
	{ "periodic interrupt", periodic_interrupt },
	{ "size of memory", memory_size },
	{ "memory", cmos_memory },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
