/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A GICv2m frame: a device interrupts by a write of an SPI's INTID to a register of the frame
 * (Arm DEN 0029, appendix "GICv2m Architecture").  Beside a GICv3 without LPIs it takes the
 * place of an ITS.
 *
 * Here devices do not write: each of their vectors is a route (gsi) of the kernel module,
 * which leads to the SPI that the vector's message names.
 */
#ifndef AXVMM_GICV2M_H
#define AXVMM_GICV2M_H

#include "bus.h"
#include "gic.h"
#include "msix.h"
#include "routes.h"

#define GICV2M_SIZE	0x1000
#define GICV2M_VECTORS	576

/**
 * struct gicv2m_vector - a vector of a device
 * @there:	the device uses the vector
 * @masked:	the device has masked the vector
 * @intid:	the SPI that its message makes pending; 0: none
 * @route:	its route, as the kernel module has it
 */
struct gicv2m_vector {
	bool there;
	bool masked;
	u32 intid;
	struct axv_route route;
};

/**
 * struct gicv2m - a frame; guarded by the machine's lock
 * @gic:	the GIC that has the SPIs
 * @routes:	makes and uses routes
 * @address:	the address that messages are written to
 * @vectors:	the vectors of devices, by their gsi
 * @nr:		the first gsi behind those that devices have used
 */
struct gicv2m {
	struct gic *gic;
	struct route_ops routes;
	u64 address;
	struct gicv2m_vector vectors[GICV2M_VECTORS];
	unsigned int nr;
};

/**
 * gicv2m_init() - initialize a frame, which has all SPIs of messages, and put it on the bus
 * @v2m:	the frame
 * @bus:	the bus
 * @addr:	first address of the frame
 * @gic:	the GIC that has the SPIs
 * @routes:	makes and uses routes; copied
 *
 * Return: 0 or a negative errno.
 */
int gicv2m_init(struct gicv2m *v2m, struct bus *bus, u64 addr, struct gic *gic,
		const struct route_ops *routes);

/** gicv2m_msi() - get the operations for devices, whose gsis are below GICV2M_VECTORS */
struct msi_ops gicv2m_msi(struct gicv2m *v2m);

#endif /* AXVMM_GICV2M_H */
