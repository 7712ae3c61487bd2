// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupts of a GICv3: their state, and which of them are put into the vCPUs' queues.
 *
 * There are one security state, affinity routing and no LPIs.  All interrupts are in
 * group 1, since the kernel module knows no other.
 *
 * The INTIDs that may be in a queue are SGIs, PPIs that have a wire, and SPIs.
 *
 * The upper SPIs are those of messages (gicv2m.c).  A device's message comes by a route of the
 * kernel module, without axvmm, and so the routes follow what the guest sets here: they are
 * masked while the SPI is not to be delivered, and an interrupt that comes then waits in its
 * route.
 *
 * SGIs go from vCPU to vCPU without axvmm: the kernel module knows which are pending, and
 * axvmm tells it which are enabled, with their priorities.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gic-regs.h"
#include "log.h"

#define NOWHERE		(~0u)

#define ROUTE_AFFINITY	0xff00ffffffull
#define PRIORITY_BITS	0xf8	/* the priority bits that are implemented */

#define PPIS	(BIT(GIC_PPI_HYP_TIMER) | BIT(GIC_PPI_VIRT_TIMER) |	\
		 BIT(GIC_PPI_SECURE_TIMER) | BIT(GIC_PPI_PHYS_TIMER))

_Static_assert(GIC_INTIDS % 64 == 0, "struct gic_set has a bit for each INTID");

static bool has(const struct gic_set *set, unsigned int intid)
{
	return set->bits[intid / 64] >> intid % 64 & 1;
}

static void put(struct gic_set *set, unsigned int intid, bool in)
{
	u64 bit = 1ull << intid % 64;

	if (in)
		set->bits[intid / 64] |= bit;
	else
		set->bits[intid / 64] &= ~bit;
}

static bool is_empty(const struct gic_set *set)
{
	u64 any = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		any |= set->bits[i];
	return !any;
}

static bool exists(unsigned int intid)
{
	return intid < GIC_SGIS || intid >= GIC_PRIVATE || (PPIS & BIT(intid));
}

static struct gic_irq *find(struct gic *gic, unsigned int cpu, unsigned int intid)
{
	return intid < GIC_PRIVATE ? &gic->cpus[cpu].irqs[intid] :
				     &gic->spis[intid - GIC_PRIVATE];
}

static unsigned int cpu_of(const struct gic *gic, u64 mpidr)
{
	unsigned int i;

	for (i = 0; i < gic->nr_cpus; i++)
		if (gic->cpus[i].mpidr == mpidr)
			return i;
	return NOWHERE;
}

/* The vCPU whose queue an interrupt goes to; @cpu: the vCPU that a private one belongs to. */
static unsigned int target(const struct gic *gic, unsigned int cpu,
			   unsigned int intid)
{
	if (intid < GIC_PRIVATE)
		return cpu;
	return cpu_of(gic, gic->routes[intid - GIC_PRIVATE]);
}

/* ---- the queues --------------------------------------------------------- */

static int inject(struct gic *gic, unsigned int cpu, u32 type, u32 flags,
		  unsigned int intid, u8 priority, bool level)
{
	const struct axv_inject event = {
		.type = type,
		.flags = flags,
		.vector = intid,
		.data = level,
		.priority = priority,
	};
	int err = gic->ops.inject(gic->ops.arg, cpu, &event);

	if (err && !(flags & AXV_INJECT_RETRACT))
		log_guest("interrupt %u for vCPU %u: %s", intid, cpu,
			  strerror(-err));
	return err;
}

/*
 * Take a pending edge out of a queue.  Returns whether it was still there.  SGIs may be there
 * without @given: other vCPUs send them.
 */
static bool retract(struct gic *gic, unsigned int cpu, unsigned int intid,
		    struct gic_irq *irq)
{
	if (!irq->given && intid >= GIC_SGIS)
		return false;
	irq->given = false;
	return !inject(gic, cpu, AXV_INJECT_EXTINT, AXV_INJECT_RETRACT, intid, 0,
		       false);
}

/* The value that AXV_ARM64_GIC_VTIMER should have. */
static u64 timer_of(const struct gic *gic, unsigned int cpu)
{
	const struct gic_irq *irq = &gic->cpus[cpu].irqs[GIC_PPI_VIRT_TIMER];

	if (!gic->enabled || !irq->enabled)
		return 0;
	return AXV_ARM64_VTIMER(GIC_PPI_VIRT_TIMER, irq->priority);
}

/* The enable bits and priorities of a vCPU's SGIs, for the kernel module. */
static struct axv_sgis sgis_of(const struct gic *gic, unsigned int cpu)
{
	const struct gic_irq *irqs = gic->cpus[cpu].irqs;
	struct axv_sgis sgis = { 0 };
	unsigned int intid;

	for (intid = 0; intid < GIC_SGIS; intid++) {
		if (gic->enabled && irqs[intid].enabled)
			sgis.enabled |= BIT(intid);
		sgis.priority[intid] = irqs[intid].priority;
	}
	return sgis;
}

static void update_sgi(struct gic *gic, unsigned int cpu, unsigned int intid)
{
	const struct axv_sgis sgis = sgis_of(gic, cpu);
	struct gic_cpu *c = &gic->cpus[cpu];

	if (memcmp(&sgis, &c->sgis, sizeof(sgis))) {
		c->sgis = sgis;
		gic->ops.set_sgis(gic->ops.arg, cpu, &sgis);
	}
	if (c->irqs[intid].pending) {
		c->irqs[intid].pending = false;
		inject(gic, cpu, AXV_INJECT_EXTINT, 0, intid, 0, false);
	}
}

/*
 * Let the routes of an SPI deliver it from now on, or not.  Does nothing for an interrupt without
 * routes.
 */
static void set_routed(struct gic *gic, unsigned int intid, bool routed)
{
	if (intid < GIC_MESSAGE || !gic->messages.follow)
		return;
	find(gic, 0, intid)->routed = routed;
	gic->messages.follow(gic->messages.arg, intid);
}

/* Put an interrupt into the queue if it should be there, and take it out if not. */
static void update(struct gic *gic, unsigned int cpu, unsigned int intid)
{
	struct gic_irq *irq = find(gic, cpu, intid);
	unsigned int to = target(gic, cpu, intid);
	bool on = gic->enabled && irq->enabled && to != NOWHERE;
	bool wire = on && !irq->edge && irq->level;

	if (intid < GIC_SGIS) {
		update_sgi(gic, cpu, intid);
		return;
	}
	if (wire != irq->wired && to != NOWHERE)
		inject(gic, to, AXV_INJECT_WIRED, 0, intid, irq->priority, wire);
	irq->wired = wire;

	/*
	 * Routes are masked before the edge is taken out of the queue: otherwise a route could
	 * put it back.
	 */
	set_routed(gic, intid, on);
	if (on && irq->pending) {
		inject(gic, to, AXV_INJECT_EXTINT, 0, intid, irq->priority, false);
		irq->pending = false;
		irq->given = true;
	} else if (!on && to != NOWHERE && retract(gic, to, intid, irq)) {
		irq->pending = true;
	}

	if (intid == GIC_PPI_VIRT_TIMER && timer_of(gic, cpu) != gic->cpus[cpu].timer)
		gic->ops.attend(gic->ops.arg, cpu);
}

/*
 * Take an interrupt, wire and edge, out of its queue, and mask its routes.  To be called before
 * its priority, route or trigger mode changes: the entry in the queue has the old ones.
 */
static void withdraw(struct gic *gic, unsigned int cpu, unsigned int intid)
{
	struct gic_irq *irq = find(gic, cpu, intid);
	unsigned int from = target(gic, cpu, intid);

	if (from == NOWHERE)
		return;
	if (irq->wired)
		inject(gic, from, AXV_INJECT_WIRED, 0, intid, 0, false);
	irq->wired = false;
	set_routed(gic, intid, false);
	if (retract(gic, from, intid, irq))
		irq->pending = true;
}

/* Call a function for each interrupt that goes to @cpu: private ones, and SPIs routed there. */
static void for_cpu(struct gic *gic, unsigned int cpu,
		    void (*call)(struct gic *gic, unsigned int cpu, unsigned int intid))
{
	unsigned int intid;

	for (intid = 0; intid < GIC_INTIDS; intid++)
		if (target(gic, cpu, intid) == cpu)
			call(gic, cpu, intid);
}

void gic_enable(struct gic *gic, bool enabled)
{
	unsigned int cpu;

	if (gic->enabled == enabled)
		return;
	gic->enabled = enabled;
	for (cpu = 0; cpu < gic->nr_cpus; cpu++)
		for_cpu(gic, cpu, update);
}

void gic_set_route(struct gic *gic, unsigned int spi, u64 route)
{
	unsigned int intid = GIC_PRIVATE + spi;

	withdraw(gic, 0, intid);
	gic->routes[spi] = route & ROUTE_AFFINITY;
	update(gic, 0, intid);
}

void gic_leave(struct gic *gic, unsigned int cpu)
{
	for_cpu(gic, cpu, withdraw);
}

void gic_reset_cpu(struct gic *gic, unsigned int cpu)
{
	gic->cpus[cpu].timer = 0;
	memset(&gic->cpus[cpu].sgis, 0, sizeof(gic->cpus[cpu].sgis));
	for_cpu(gic, cpu, update);
}

/* ---- what is pending and active in the queues --------------------------- */

/**
 * struct queued - what a queue holds
 * @pending:	not acknowledged yet
 * @active:	acknowledged, and not deactivated
 */
struct queued {
	struct gic_set pending;
	struct gic_set active;
};

static void add_queue(struct gic *gic, unsigned int cpu, struct queued *queued)
{
	u64 entries[GIC_QUEUE];
	unsigned int i;
	u32 sent;

	if (gic->ops.read_queue(gic->ops.arg, cpu, entries, &sent))
		return;
	queued->pending.bits[0] |= sent;
	for (i = 0; i < GIC_QUEUE; i++) {
		u64 intid = entries[i] & AXV_ARM64_IRQ_INTID;

		if (intid >= GIC_INTIDS)
			continue;
		if (entries[i] & (AXV_ARM64_IRQ_PENDING | AXV_ARM64_IRQ_LEVEL))
			put(&queued->pending, intid, true);
		if (entries[i] & AXV_ARM64_IRQ_ACTIVE)
			put(&queued->active, intid, true);
	}
}

/*
 * Read the queue of a private interrupt's vCPU; for an SPI, all queues: an active SPI stays in
 * the queue where it was acknowledged, even if its route has changed.
 */
static struct queued read_queues(struct gic *gic, unsigned int cpu,
				 unsigned int intid)
{
	struct queued queued = { 0 };
	unsigned int i;

	if (intid < GIC_PRIVATE)
		add_queue(gic, cpu, &queued);
	else
		for (i = 0; i < gic->nr_cpus; i++)
			add_queue(gic, i, &queued);
	return queued;
}

static void set_active(struct gic *gic, unsigned int cpu, unsigned int intid,
		       bool active)
{
	unsigned int to = target(gic, cpu, intid), i;

	for (i = 0; i < gic->nr_cpus; i++) {
		struct gic_cpu *c = &gic->cpus[i];

		if (intid < GIC_PRIVATE && i != cpu)
			continue;
		if (active && i != to)
			continue;
		put(&c->activate, intid, active);
		put(&c->deactivate, intid, !active);
		gic->ops.attend(gic->ops.arg, i);
	}
}

/* The place of an interrupt in the queue, or the first empty place. */
static unsigned int place_of(const u64 *entries, unsigned int intid)
{
	unsigned int i, empty = GIC_QUEUE;

	for (i = 0; i < GIC_QUEUE; i++) {
		if (entries[i] && (entries[i] & AXV_ARM64_IRQ_INTID) == intid)
			return i;
		if (!entries[i] && empty == GIC_QUEUE)
			empty = i;
	}
	return empty;
}

static int change_active(struct gic *gic, unsigned int cpu, u64 *entries,
			 unsigned int intid, bool active)
{
	unsigned int place = place_of(entries, intid);
	u64 entry;

	if (place == GIC_QUEUE)
		return 0;
	entry = entries[place];
	if (active)
		entry |= AXV_ARM64_IRQ_ACTIVE | intid |
			 (u64)find(gic, cpu, intid)->priority << 32;
	else
		entry &= ~AXV_ARM64_IRQ_ACTIVE;
	/* Neither pending nor active: the place is empty. */
	if (!(entry & (AXV_ARM64_IRQ_PENDING | AXV_ARM64_IRQ_LEVEL |
		       AXV_ARM64_IRQ_ACTIVE)))
		entry = 0;
	if (entry == entries[place])
		return 0;
	entries[place] = entry;
	return gic->ops.write_queue(gic->ops.arg, cpu, place, entry);
}

int gic_enter(struct gic *gic, unsigned int cpu)
{
	struct gic_cpu *c = &gic->cpus[cpu];
	u64 timer = timer_of(gic, cpu), entries[GIC_QUEUE];
	unsigned int intid;
	int err = 0;
	u32 sent;

	if (timer != c->timer) {
		err = gic->ops.set_timer(gic->ops.arg, cpu, timer);
		c->timer = timer;
	}
	if (err || (is_empty(&c->activate) && is_empty(&c->deactivate)))
		return err;

	err = gic->ops.read_queue(gic->ops.arg, cpu, entries, &sent);
	for (intid = 0; !err && intid < GIC_INTIDS; intid++)
		if (has(&c->activate, intid) || has(&c->deactivate, intid))
			err = change_active(gic, cpu, entries, intid,
					    has(&c->activate, intid));
	memset(&c->activate, 0, sizeof(c->activate));
	memset(&c->deactivate, 0, sizeof(c->deactivate));
	return err;
}

/* ---- registers with a field per interrupt ------------------------------- */

/* Whether an interrupt waits in a route. */
static bool waits(const struct gic *gic, unsigned int intid)
{
	return intid >= GIC_MESSAGE && gic->messages.waits &&
	       gic->messages.waits(gic->messages.arg, intid);
}

static bool get_bit(struct gic *gic, unsigned int cpu, unsigned int intid,
		    u32 reg, const struct queued *queued)
{
	const struct gic_irq *irq = find(gic, cpu, intid);

	switch (reg) {
	case GIC_IGROUPR:
		return true;
	case GIC_ISENABLER:
	case GIC_ICENABLER:
		return irq->enabled;
	case GIC_ISPENDR:
	case GIC_ICPENDR:
		return irq->pending || (!irq->edge && irq->level) ||
		       has(&queued->pending, intid) || waits(gic, intid);
	default:
		return has(&queued->active, intid);
	}
}

/* The guest has written a one to an interrupt's bit. */
static void write_one(struct gic *gic, unsigned int cpu, unsigned int intid,
		      u32 reg)
{
	struct gic_irq *irq = find(gic, cpu, intid);

	switch (reg) {
	case GIC_ISENABLER:
	case GIC_ICENABLER:
		irq->enabled = reg == GIC_ISENABLER;
		break;
	case GIC_ISPENDR:
		irq->pending = true;
		break;
	case GIC_ICPENDR:
		withdraw(gic, cpu, intid);
		irq->pending = false;
		if (intid >= GIC_MESSAGE && gic->messages.forget)
			gic->messages.forget(gic->messages.arg, intid);
		break;
	case GIC_ISACTIVER:
	case GIC_ICACTIVER:
		set_active(gic, cpu, intid, reg == GIC_ISACTIVER);
		return;
	default:		/* IGROUPR: all interrupts stay in group 1 */
		return;
	}
	update(gic, cpu, intid);
}

static void set_priority(struct gic *gic, unsigned int cpu, unsigned int intid,
			 u8 priority)
{
	struct gic_irq *irq = find(gic, cpu, intid);

	priority &= PRIORITY_BITS;
	if (irq->priority == priority)
		return;
	if (intid >= GIC_SGIS)
		withdraw(gic, cpu, intid);
	irq->priority = priority;
	update(gic, cpu, intid);
}

static void set_edge(struct gic *gic, unsigned int cpu, unsigned int intid,
		     bool edge)
{
	struct gic_irq *irq = find(gic, cpu, intid);

	if (irq->edge == edge || intid < GIC_SGIS)
		return;
	withdraw(gic, cpu, intid);
	irq->edge = edge;
	update(gic, cpu, intid);
}

/* How many bits each field of a register has; @intid: the INTID of its first field. */
static unsigned int fields(u32 offset, unsigned int *intid)
{
	if (offset < GIC_IPRIORITYR) {
		*intid = (offset & 0x7f) * 8;
		return 1;
	}
	if (offset < GIC_ICFGR) {
		*intid = offset - GIC_IPRIORITYR;
		return 8;
	}
	*intid = (offset - GIC_ICFGR) * 4;
	return 2;
}

u32 gic_read_fields(struct gic *gic, unsigned int cpu, unsigned int first,
		    unsigned int end, u32 offset, unsigned int width)
{
	struct queued queued = { 0 };
	unsigned int intid, bits = fields(offset, &intid), shift;
	u32 reg = offset & ~0x7fu, value = 0, field;

	if (intid < first || intid >= end || (width == 1 && bits != 8))
		return 0;
	if (bits == 1 && reg >= GIC_ISPENDR)
		queued = read_queues(gic, cpu, intid);
	for (shift = 0; shift < 8 * width && intid < end; shift += bits, intid++) {
		if (!exists(intid))
			continue;
		if (bits == 8)
			field = find(gic, cpu, intid)->priority;
		else if (bits == 2)
			field = find(gic, cpu, intid)->edge << 1;
		else
			field = get_bit(gic, cpu, intid, reg, &queued);
		value |= field << shift;
	}
	return value;
}

void gic_write_fields(struct gic *gic, unsigned int cpu, unsigned int first,
		      unsigned int end, u32 offset, unsigned int width, u32 value)
{
	unsigned int intid, bits = fields(offset, &intid), shift;
	u32 reg = offset & ~0x7fu, field;

	if (intid < first || intid >= end || (width == 1 && bits != 8))
		return;
	for (shift = 0; shift < 8 * width && intid < end; shift += bits, intid++) {
		if (!exists(intid))
			continue;
		field = value >> shift & (BIT(bits) - 1);
		if (bits == 8)
			set_priority(gic, cpu, intid, field);
		else if (bits == 2)
			set_edge(gic, cpu, intid, field >> 1);
		else if (field)
			write_one(gic, cpu, intid, reg);
	}
}

/* ---- wires --------------------------------------------------------------- */

static void set_wire(void *chip, unsigned int pin, bool level)
{
	struct gic *gic = chip;
	struct gic_irq *irq = &gic->spis[pin];

	if (irq->level == level)
		return;
	irq->level = level;
	if (irq->edge && level)
		irq->pending = true;
	update(gic, 0, GIC_PRIVATE + pin);
}

static bool wire_enabled(void *chip, unsigned int pin)
{
	const struct gic *gic = chip;

	return gic->spis[pin].enabled;
}

struct irq_line gic_spi(struct gic *gic, unsigned int spi)
{
	return (struct irq_line){
		.set = set_wire, .enabled = wire_enabled, .chip = gic, .pin = spi,
	};
}

/* ---- messages ------------------------------------------------------------ */

void gic_set_messages(struct gic *gic, const struct gic_message_ops *ops)
{
	gic->messages = *ops;
}

void gic_message(struct gic *gic, unsigned int intid)
{
	find(gic, 0, intid)->pending = true;
	update(gic, 0, intid);
}

bool gic_delivery(struct gic *gic, unsigned int intid, u32 *cpu, u32 *priority)
{
	struct gic_irq *irq = find(gic, 0, intid);

	if (!irq->routed)
		return false;
	irq->given = true;
	*cpu = target(gic, 0, intid);
	*priority = irq->priority;
	return true;
}

int gic_init(struct gic *gic, struct bus *bus, u64 dist, u64 redist,
	     const u64 *mpidrs, unsigned int nr_cpus,
	     const struct gic_cpu_ops *ops)
{
	unsigned int i, intid;
	int err;

	memset(gic, 0, sizeof(*gic));
	gic->ops = *ops;
	gic->cpus = calloc(nr_cpus, sizeof(*gic->cpus));
	if (!gic->cpus) {
		log_error("out of memory");
		return -ENOMEM;
	}
	gic->nr_cpus = nr_cpus;
	for (i = 0; i < nr_cpus; i++) {
		gic->cpus[i].mpidr = mpidrs[i];
		for (intid = 0; intid < GIC_SGIS; intid++)
			gic->cpus[i].irqs[intid].edge = true;
	}
	err = gicd_init(gic, bus, dist);
	if (!err)
		err = gicr_init(gic, bus, redist);
	return err;
}
