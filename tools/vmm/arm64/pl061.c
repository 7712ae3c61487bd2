// SPDX-License-Identifier: GPL-2.0
/* A PL061 (PrimeCell General Purpose Input/Output, Arm DDI 0190). */
#include <string.h>

#include "pl061.h"

/* Peripheral and PrimeCell identification, a byte in each word. */
static const u8 identity[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static u8 levels(const struct pl061 *g)
{
	return (g->inputs & ~g->dir) | (g->outputs & g->dir);
}

/* A level-triggered line is pending as long as it has the level that @iev selects. */
static u8 raw(const struct pl061 *g)
{
	return (g->is & ~(levels(g) ^ g->iev)) | (~g->is & g->edges);
}

static void update_irq(struct pl061 *g)
{
	irq_set(&g->irq, raw(g) & g->ie);
}

/* Note the edges between the levels @before and those now. */
static void note_edges(struct pl061 *g, u8 before)
{
	u8 now = levels(g), changed = before ^ now;

	g->edges |= changed & ~g->is & (g->ibe | ~(now ^ g->iev));
}

void pl061_set(struct pl061 *g, unsigned int pin, bool level)
{
	u8 before = levels(g);

	g->inputs = level ? g->inputs | BIT(pin) : g->inputs & ~BIT(pin);
	note_edges(g, before);
	update_irq(g);
}

bool pl061_watched(const struct pl061 *g, unsigned int pin)
{
	return g->ie & BIT(pin);
}

static u32 pl061_read(void *dev, u32 offset, unsigned int width)
{
	const struct pl061 *g = dev;

	(void)width;
	if (offset < PL061_DATA_END)
		return levels(g) & (offset >> 2);
	switch (offset) {
	case PL061_DIR:
		return g->dir;
	case PL061_IS:
		return g->is;
	case PL061_IBE:
		return g->ibe;
	case PL061_IEV:
		return g->iev;
	case PL061_IE:
		return g->ie;
	case PL061_RIS:
		return raw(g);
	case PL061_MIS:
		return raw(g) & g->ie;
	case PL061_AFSEL:
		return g->afsel;
	}
	if (offset >= PL061_ID)
		return identity[(offset - PL061_ID) / 4];
	return 0;
}

static void pl061_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pl061 *g = dev;
	u8 before = levels(g), mask = offset >> 2;

	(void)width;
	if (offset < PL061_DATA_END)
		g->outputs = (g->outputs & ~mask) | (value & mask);
	switch (offset) {
	case PL061_DIR:
		g->dir = value;
		break;
	case PL061_IS:
		g->is = value;
		break;
	case PL061_IBE:
		g->ibe = value;
		break;
	case PL061_IEV:
		g->iev = value;
		break;
	case PL061_IE:
		g->ie = value;
		break;
	case PL061_IC:
		g->edges &= ~value;
		break;
	case PL061_AFSEL:
		g->afsel = value;
		break;
	}
	note_edges(g, before);
	update_irq(g);
}

/* Linux reads and writes bytes, at the addresses of words. */
static const struct bus_ops pl061_ops = {
	.read = pl061_read,
	.write = pl061_write,
	.widths = 1 | 4,
};

int pl061_init(struct pl061 *g, struct bus *bus, u64 addr, struct irq_line irq)
{
	const struct bus_range range = { addr, PL061_SIZE, &pl061_ops, g, "PL061" };

	memset(g, 0, sizeof(*g));
	g->irq = irq;
	return bus_add(bus, &range);
}
