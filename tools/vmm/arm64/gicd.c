// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of the distributor (Arm IHI 0069, GICD_*).  The redistributors have the
 * fields of SGIs and PPIs, which are zero here.
 */
#include "gic-regs.h"

#define CTLR		0x0000
#define TYPER		0x0004
#define IIDR		0x0008
#define IROUTER		0x6000

#define CTLR_GROUP1	BIT(1)
#define CTLR_ARE	BIT(4)	/* affinity routing, always */
#define CTLR_DS		BIT(6)	/* one security state */

#define TYPER_LINES	(GIC_INTIDS / 32 - 1)
#define TYPER_ID_BITS	(15u << 19)	/* 16 bits, as the CPU interfaces have */
#define TYPER_A3V	BIT(24)		/* affinity 3 may be other than 0 */
#define TYPER_NO_1_OF_N	BIT(25)

/* The route that the GICD_IROUTER register at @offset, or its upper half, has; or NULL. */
static u64 *find_route(struct gic *gic, u32 offset, unsigned int *spi)
{
	unsigned int intid = (offset - IROUTER) / 8;

	if (intid < GIC_PRIVATE || intid >= GIC_INTIDS)
		return NULL;
	*spi = intid - GIC_PRIVATE;
	return &gic->routes[*spi];
}

static u32 read_route(struct gic *gic, u32 offset)
{
	unsigned int spi;
	const u64 *route = find_route(gic, offset, &spi);

	if (!route)
		return 0;
	return offset & 4 ? *route >> 32 : *route;
}

static void write_route(struct gic *gic, u32 offset, u32 value)
{
	unsigned int spi;
	const u64 *route = find_route(gic, offset, &spi);

	if (!route)
		return;
	if (offset & 4)
		gic_set_route(gic, spi, (u32)*route | (u64)value << 32);
	else
		gic_set_route(gic, spi, *route >> 32 << 32 | value);
}

static u32 gicd_read(void *dev, u32 offset, unsigned int width)
{
	struct gic *gic = dev;

	if (offset >= GIC_IGROUPR && offset < GIC_FIELDS_END)
		return gic_read_fields(gic, 0, GIC_PRIVATE, GIC_INTIDS, offset, width);
	if (width != 4)
		return 0;
	switch (offset) {
	case CTLR:
		return (gic->enabled ? CTLR_GROUP1 : 0) | CTLR_ARE | CTLR_DS;
	case TYPER:
		return TYPER_LINES | TYPER_ID_BITS | TYPER_A3V | TYPER_NO_1_OF_N;
	case IIDR:
		return GIC_IIDR_VALUE;
	case GIC_PIDR2:
		return GIC_PIDR2_VALUE;
	}
	return offset >= IROUTER ? read_route(gic, offset) : 0;
}

static void gicd_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct gic *gic = dev;

	if (offset >= GIC_IGROUPR && offset < GIC_FIELDS_END)
		gic_write_fields(gic, 0, GIC_PRIVATE, GIC_INTIDS, offset, width, value);
	else if (width == 4 && offset == CTLR)
		gic_enable(gic, value & CTLR_GROUP1);
	else if (width == 4 && offset >= IROUTER)
		write_route(gic, offset, value);
}

static const struct bus_ops gicd_ops = {
	.read = gicd_read,
	.write = gicd_write,
	.widths = 1 | 4,
};

int gicd_init(struct gic *gic, struct bus *bus, u64 addr)
{
	const struct bus_range range = {
		addr, GICD_SIZE, &gicd_ops, gic, "GIC distributor",
	};

	return bus_add(bus, &range);
}
