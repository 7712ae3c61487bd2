// SPDX-License-Identifier: GPL-2.0
/*
 * A GICv2m frame (Arm DEN 0029, appendix "GICv2m Architecture"; Arm IHI 0069, GICM_*), and the
 * routes of the vectors whose messages are written there.
 *
 * A route is masked while its vector is masked, and while its SPI is not delivered.  An interrupt
 * that comes meanwhile waits in the route.  So an interrupt that came while its SPI was not
 * delivered is also held back by a vector that is masked afterwards.
 */
#include <string.h>

#include "gic-regs.h"
#include "gicv2m.h"

#define TYPER		0x008
#define SETSPI_NS	0x040
#define IIDR		0xfcc

#define TYPER_BASE_SHIFT	16
#define SETSPI_INTID		0x3ff	/* the other bits are reserved */

_Static_assert(GIC_INTIDS - 1 <= SETSPI_INTID, "a message can name each SPI");

/* The SPI that a message with @data makes pending; 0: none. */
static u32 spi_of(u32 data)
{
	u32 intid = data & SETSPI_INTID;

	return intid >= GIC_MESSAGE && intid < GIC_INTIDS ? intid : 0;
}

/* ---- routes -------------------------------------------------------------- */

static void set_route(struct gicv2m *v2m, struct gicv2m_vector *v, const struct axv_route *route)
{
	if (!memcmp(&v->route, route, sizeof(*route)))
		return;
	if (!v2m->routes.set(v2m->routes.arg, route))
		v->route = *route;
}

static void remove_route(struct gicv2m *v2m, struct gicv2m_vector *v)
{
	const struct axv_route route = {
		.gsi = v - v2m->vectors, .flags = AXV_ROUTE_REMOVE,
	};

	set_route(v2m, v, &route);
}

/*
 * Make a vector's route what it should be.  A vector whose message names no SPI delivers nothing.
 * But while such a vector is masked, its interrupts wait, since the message can still change.
 */
static void update(struct gicv2m *v2m, struct gicv2m_vector *v)
{
	struct axv_route route = {
		.gsi = v - v2m->vectors, .vector = v->intid ?: GIC_MESSAGE,
	};

	if (!v->there || (!v->masked && !v->intid)) {
		remove_route(v2m, v);
		return;
	}
	if (v->masked || !gic_delivery(v2m->gic, v->intid, &route.vcpu, &route.priority))
		route.flags = AXV_ROUTE_MASKED;
	set_route(v2m, v, &route);
}

/* ---- what the GIC calls --------------------------------------------------- */

/* Whether a vector interrupts by an SPI, or would if that were delivered. */
static bool leads_to(const struct gicv2m_vector *v, unsigned int intid)
{
	return v->there && !v->masked && v->intid == intid;
}

static void follow(void *arg, unsigned int intid)
{
	struct gicv2m *v2m = arg;
	unsigned int i;

	for (i = 0; i < v2m->nr; i++)
		if (leads_to(&v2m->vectors[i], intid))
			update(v2m, &v2m->vectors[i]);
}

static bool waits(void *arg, unsigned int intid)
{
	const struct gicv2m *v2m = arg;
	unsigned int i;

	for (i = 0; i < v2m->nr; i++)
		if (leads_to(&v2m->vectors[i], intid) && v2m->routes.pending(v2m->routes.arg, i))
			return true;
	return false;
}

static void forget(void *arg, unsigned int intid)
{
	struct gicv2m *v2m = arg;
	unsigned int i;

	for (i = 0; i < v2m->nr; i++) {
		struct gicv2m_vector *v = &v2m->vectors[i];

		if (!leads_to(v, intid))
			continue;
		remove_route(v2m, v);
		update(v2m, v);
	}
}

/* ---- what devices call ----------------------------------------------------- */

static void msi_set(void *arg, u32 gsi, const struct msi_message *message, bool masked)
{
	struct gicv2m *v2m = arg;
	struct gicv2m_vector *v = &v2m->vectors[gsi];

	if (v2m->nr <= gsi)
		v2m->nr = gsi + 1;
	v->there = true;
	v->masked = masked;
	v->intid = message->address == v2m->address ? spi_of(message->data) : 0;
	update(v2m, v);
}

static void msi_remove(void *arg, u32 gsi)
{
	struct gicv2m *v2m = arg;

	v2m->vectors[gsi].there = false;
	update(v2m, &v2m->vectors[gsi]);
}

static bool msi_pending(void *arg, u32 gsi)
{
	const struct gicv2m *v2m = arg;

	return v2m->routes.pending(v2m->routes.arg, gsi);
}

/*
 * A vector without a route interrupts nothing: its message is not for the frame, or names no SPI
 * of it.
 */
static void msi_fire(void *arg, u32 gsi)
{
	const struct gicv2m *v2m = arg;

	if (!(v2m->vectors[gsi].route.flags & AXV_ROUTE_REMOVE))
		v2m->routes.fire(v2m->routes.arg, gsi);
}

struct msi_ops gicv2m_msi(struct gicv2m *v2m)
{
	return (struct msi_ops){
		.set = msi_set,
		.remove = msi_remove,
		.pending = msi_pending,
		.fire = msi_fire,
		.arg = v2m,
	};
}

/* ---- the frame ------------------------------------------------------------- */

static u32 frame_read(void *dev, u32 offset, unsigned int width)
{
	(void)dev;
	if (width != 4)
		return 0;
	switch (offset) {
	case TYPER:
		return GIC_MESSAGE << TYPER_BASE_SHIFT | GIC_MESSAGES;
	case IIDR:
		return GIC_IIDR_VALUE;
	}
	return 0;
}

/* A write by a CPU; it may have 16 bits, too. */
static void frame_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct gicv2m *v2m = dev;

	(void)width;
	if (offset == SETSPI_NS && spi_of(value))
		gic_message(v2m->gic, spi_of(value));
}

static const struct bus_ops frame_ops = {
	.read = frame_read,
	.write = frame_write,
	.widths = 2 | 4,
};

int gicv2m_init(struct gicv2m *v2m, struct bus *bus, u64 addr, struct gic *gic,
		const struct route_ops *routes)
{
	const struct gic_message_ops ops = {
		.follow = follow, .waits = waits, .forget = forget, .arg = v2m,
	};
	const struct bus_range range = { addr, GICV2M_SIZE, &frame_ops, v2m, "GICv2m frame" };
	unsigned int i;

	memset(v2m, 0, sizeof(*v2m));
	v2m->gic = gic;
	v2m->routes = *routes;
	v2m->address = addr + SETSPI_NS;
	for (i = 0; i < GICV2M_VECTORS; i++)
		v2m->vectors[i].route = (struct axv_route){ .gsi = i, .flags = AXV_ROUTE_REMOVE };
	gic_set_messages(gic, &ops);
	return bus_add(bus, &range);
}
