/* SPDX-License-Identifier: GPL-2.0 */
/* Between the parts of the GIC: its interrupts, and the two kinds of registers. */
#ifndef AXVMM_GIC_REGS_H
#define AXVMM_GIC_REGS_H

#include "gic.h"

/* Registers with a field per interrupt: at the same offsets in both. */
#define GIC_IGROUPR	0x080
#define GIC_ISENABLER	0x100
#define GIC_ICENABLER	0x180
#define GIC_ISPENDR	0x200
#define GIC_ICPENDR	0x280
#define GIC_ISACTIVER	0x300
#define GIC_ICACTIVER	0x380
#define GIC_IPRIORITYR	0x400
#define GIC_ICFGR	0xc00
#define GIC_FIELDS_END	0xd00

#define GIC_PIDR2	0xffe8

/* Implementer and revision, of no product; architecture GICv3. */
#define GIC_IIDR_VALUE	0x43b
#define GIC_PIDR2_VALUE	0x3b

/**
 * gic_read_fields() - read a register with a field per interrupt
 * @gic:	the GIC
 * @cpu:	whose redistributor; the distributor's are those beyond GIC_PRIVATE
 * @first:	first INTID the caller has
 * @end:	the first that it has not
 * @offset:	as above
 * @width:	1 or 4
 *
 * Return: the value; zero where there is no interrupt.
 */
u32 gic_read_fields(struct gic *gic, unsigned int cpu, unsigned int first,
		    unsigned int end, u32 offset, unsigned int width);

/** gic_write_fields() - write one; as gic_read_fields() */
void gic_write_fields(struct gic *gic, unsigned int cpu, unsigned int first,
		      unsigned int end, u32 offset, unsigned int width, u32 value);

/** gic_enable() - switch group 1 on or off */
void gic_enable(struct gic *gic, bool enabled);

/** gic_set_route() - program where an SPI goes; as in GICD_IROUTER */
void gic_set_route(struct gic *gic, unsigned int spi, u64 route);

/** gicd_init() - put the distributor's registers on the bus */
int gicd_init(struct gic *gic, struct bus *bus, u64 addr);

/** gicr_init() - put the redistributors' registers on the bus */
int gicr_init(struct gic *gic, struct bus *bus, u64 addr);

#endif /* AXVMM_GIC_REGS_H */
