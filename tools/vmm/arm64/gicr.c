// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of the redistributors (Arm IHI 0069, GICR_*).  Each has a frame about the
 * CPU, and one about its SGIs and PPIs.  The CPU interface is always awake, whatever is
 * written to GICR_WAKER, which reads as zero.
 */
#include "gic-regs.h"

#define FRAME		0x10000
#define IIDR		0x0004
#define TYPER		0x0008
#define TYPER_HIGH	0x000c

#define TYPER_LAST	BIT(4)
#define TYPER_NUMBER(n)	((n) << 8)

/* The four affinity fields in one word, as GICR_TYPER has them. */
static u32 affinity(u64 mpidr)
{
	return (mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff);
}

static u32 read_cpu(const struct gic *gic, unsigned int cpu, u32 offset)
{
	switch (offset) {
	case IIDR:
		return GIC_IIDR_VALUE;
	case TYPER:
		return TYPER_NUMBER(cpu) |
		       (cpu == gic->nr_cpus - 1 ? TYPER_LAST : 0);
	case TYPER_HIGH:
		return affinity(gic->cpus[cpu].mpidr);
	case GIC_PIDR2:
		return GIC_PIDR2_VALUE;
	}
	return 0;
}

static u32 gicr_read(void *dev, u32 offset, unsigned int width)
{
	struct gic *gic = dev;
	unsigned int cpu = offset / GICR_SIZE;

	offset %= GICR_SIZE;
	if (offset < FRAME)
		return width == 4 ? read_cpu(gic, cpu, offset) : 0;
	offset -= FRAME;
	if (offset < GIC_IGROUPR || offset >= GIC_FIELDS_END)
		return 0;
	return gic_read_fields(gic, cpu, 0, GIC_PRIVATE, offset, width);
}

static void gicr_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct gic *gic = dev;
	unsigned int cpu = offset / GICR_SIZE;

	offset %= GICR_SIZE;
	if (offset >= FRAME + GIC_IGROUPR && offset < FRAME + GIC_FIELDS_END)
		gic_write_fields(gic, cpu, 0, GIC_PRIVATE, offset - FRAME, width,
				 value);
}

static const struct bus_ops gicr_ops = {
	.read = gicr_read,
	.write = gicr_write,
	.widths = 1 | 4,
};

int gicr_init(struct gic *gic, struct bus *bus, u64 addr)
{
	const struct bus_range range = {
		addr, gic->nr_cpus * GICR_SIZE, &gicr_ops, gic,
		"GIC redistributors",
	};

	return bus_add(bus, &range);
}
