// SPDX-License-Identifier: GPL-2.0
/* Tests of the PL061's inputs and outputs. */
#include "fake.h"
#include "pl061.h"
#include "tap.h"

#define ADDR	0x09030000ull
#define PIN	3
#define MASK	BIT(PIN)

static struct bus bus;
static struct pl061 gpio;
static struct fake_line irq;

static void out(u32 reg, u8 value)
{
	bus_write(&bus, ADDR + reg, 1, value);
}

static u32 in(u32 reg)
{
	return bus_read(&bus, ADDR + reg, 4);
}

static void start(void)
{
	bus_init(&bus, "address");
	pl061_init(&gpio, &bus, ADDR, fake_irq(&irq));
}

static void identification(void)
{
	static const u8 id[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int i;

	start();
	for (i = 0; i < sizeof(id); i++)
		CHECK_EQ(in(PL061_ID + 4 * i), id[i]);
}

static void data(void)
{
	start();
	pl061_set(&gpio, PIN, true);
	CHECK_EQ(in(PL061_DATA + (0xff << 2)), MASK);
	CHECK_EQ(in(PL061_DATA + (MASK << 2)), MASK);
	CHECK_EQ(in(PL061_DATA + (0x01 << 2)), 0);

	/* A write changes only outputs, and only those that the address selects. */
	out(PL061_DIR, 0xf0);
	out(PL061_DATA + (0x5f << 2), 0xff);
	CHECK_EQ(in(PL061_DATA + (0xff << 2)), 0x50 | MASK);
}

static void edges(void)
{
	start();
	CHECK(!pl061_watched(&gpio, PIN));
	out(PL061_IEV, MASK);
	out(PL061_IE, MASK);
	CHECK(pl061_watched(&gpio, PIN));
	pl061_set(&gpio, PIN, true);
	CHECK(irq.level);
	CHECK_EQ(in(PL061_MIS), MASK);
	out(PL061_IC, MASK);
	CHECK(!irq.level);
	pl061_set(&gpio, PIN, false);
	CHECK(!irq.level);
	out(PL061_IBE, MASK);
	pl061_set(&gpio, PIN, true);
	CHECK(irq.level);
	out(PL061_IC, MASK);
	pl061_set(&gpio, PIN, false);
	CHECK(irq.level);
	out(PL061_IE, 0);
	CHECK(!irq.level);
	CHECK_EQ(in(PL061_RIS), MASK);
}

static void level(void)
{
	start();
	out(PL061_IS, MASK);
	out(PL061_IEV, MASK);
	out(PL061_IE, MASK);
	pl061_set(&gpio, PIN, true);
	out(PL061_IC, MASK);
	CHECK(irq.level);
	pl061_set(&gpio, PIN, false);
	CHECK(!irq.level);
}

static const struct tap_case cases[] = {
	{ "identification registers", identification },
	{ "levels, inputs and outputs", data },
	{ "edges interrupt", edges },
	{ "a level interrupts", level },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
