/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the GIC share: gic.c (interrupts), gicd.c and gicr.c (registers). */
#ifndef AXVMM_GIC_REGS_H
#define AXVMM_GIC_REGS_H

#include "gic.h"

/* Registers with a field per interrupt, at the same offsets in GICD and GICR's second frame. */
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

/* Implementer and revision, which are not a real product's; architecture GICv3. */
#define GIC_IIDR_VALUE	0x43b
#define GIC_PIDR2_VALUE	0x3b

/**
 * gic_read_fields() - read a register with a field per interrupt
 * @gic:	the GIC
 * @cpu:	vCPU whose redistributor is read; ignored for INTIDs from GIC_PRIVATE on, which
 *		the distributor has
 * @first:	first INTID whose fields the caller has
 * @end:	first INTID behind them
 * @offset:	offset of the register, as defined above
 * @width:	1 or 4
 *
 * Return: the value; the fields of interrupts that do not exist are zero.
 */
u32 gic_read_fields(struct gic *gic, unsigned int cpu, unsigned int first,
		    unsigned int end, u32 offset, unsigned int width);

/** gic_write_fields() - write a register with a field per interrupt; see gic_read_fields() */
void gic_write_fields(struct gic *gic, unsigned int cpu, unsigned int first,
		      unsigned int end, u32 offset, unsigned int width, u32 value);

/** gic_enable() - switch the interrupts of group 1 on or off */
void gic_enable(struct gic *gic, bool enabled);

/** gic_set_route() - set where an SPI goes; @route as in GICD_IROUTER */
void gic_set_route(struct gic *gic, unsigned int spi, u64 route);

/** gicd_init() - put the distributor's registers on the bus */
int gicd_init(struct gic *gic, struct bus *bus, u64 addr);

/** gicr_init() - put the redistributors' registers on the bus */
int gicr_init(struct gic *gic, struct bus *bus, u64 addr);

#endif /* AXVMM_GIC_REGS_H */
