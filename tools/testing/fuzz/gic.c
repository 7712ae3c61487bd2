// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of the GIC, its GICv2m frame, the serial port, the clock and the GPIOs of arm64's
 * board, and up to four CPUs whose queues and routes do what the kernel module's do.
 */
#include <errno.h>

#include "fake.h"
#include "fuzz.h"
#include "gic.h"
#include "gicv2m.h"
#include "inject.h"
#include "pl011.h"
#include "pl031.h"
#include "pl061.h"
#include "serial-steps.h"

#define CPUS	4
#define DIST	0x08000000ull
#define FRAME	0x08020000ull
#define REDIST	0x080a0000ull
#define UART	0x09000000ull
#define CLOCK	0x09010000ull
#define GPIO	0x09030000ull

static u64 queues[CPUS][GIC_QUEUE];
static struct axv_sgis sgis[CPUS];
static u32 sent[CPUS];
static bool attended[CPUS];
static struct fake_wire wire;
static struct gic gic;
static struct gicv2m v2m;

static u64 *entry(unsigned int cpu, u32 intid)
{
	unsigned int i;

	for (i = 0; i < GIC_QUEUE; i++) {
		if (queues[cpu][i] && (u32)queues[cpu][i] == intid)
			return &queues[cpu][i];
	}
	return NULL;
}

static void drop_idle(u64 *e)
{
	if (!(*e & (AXV_ARM64_IRQ_PENDING | AXV_ARM64_IRQ_LEVEL | AXV_ARM64_IRQ_ACTIVE)))
		*e = 0;
}

/* SGIs that are enabled come to the queue, others go back. */
static void take_sgis(unsigned int cpu)
{
	unsigned int i, intid;
	u64 *e;

	for (intid = 0; intid < GIC_SGIS; intid++) {
		e = entry(cpu, intid);
		if (e && *e & AXV_ARM64_IRQ_PENDING) {
			*e &= ~AXV_ARM64_IRQ_PENDING;
			drop_idle(e);
			sent[cpu] |= 1u << intid;
		}
		if (!(sent[cpu] & sgis[cpu].enabled & 1u << intid))
			continue;
		e = entry(cpu, intid);
		for (i = 0; !e && i < GIC_QUEUE; i++) {
			if (!queues[cpu][i])
				e = &queues[cpu][i];
		}
		if (!e)
			continue;
		sent[cpu] &= ~(1u << intid);
		*e = (*e & AXV_ARM64_IRQ_ACTIVE) | AXV_ARM64_IRQ_PENDING | intid;
	}
}

static void set_sgis(void *arg, unsigned int cpu, const struct axv_sgis *new)
{
	(void)arg;
	must(cpu < CPUS && !(new->enabled >> GIC_SGIS) && !new->pad);
	sgis[cpu] = *new;
	take_sgis(cpu);
}

static int inject_sgi(unsigned int cpu, u32 intid, bool retract)
{
	u64 *e = entry(cpu, intid);
	u32 bit = 1u << intid;
	bool was = sent[cpu] & bit || (e && *e & AXV_ARM64_IRQ_PENDING);

	if (!retract) {
		sent[cpu] |= bit;
		take_sgis(cpu);
		return 0;
	}
	sent[cpu] &= ~bit;
	if (e) {
		*e &= ~AXV_ARM64_IRQ_PENDING;
		drop_idle(e);
	}
	return was ? 0 : -ENOENT;
}

static int inject_now(void *arg, unsigned int cpu, const struct axv_inject *event)
{
	u64 *e;
	unsigned int i;

	(void)arg;
	must(cpu < CPUS);
	must(event->vector < GIC_INTIDS);
	if (event->vector < GIC_SGIS) {
		must(event->type == AXV_INJECT_EXTINT);
		return inject_sgi(cpu, event->vector, event->flags & AXV_INJECT_RETRACT);
	}
	e = entry(cpu, event->vector);
	if (event->flags & AXV_INJECT_RETRACT) {
		if (!e || !(*e & AXV_ARM64_IRQ_PENDING))
			return -ENOENT;
		*e &= ~AXV_ARM64_IRQ_PENDING;
		drop_idle(e);
		return 0;
	}
	for (i = 0; !e && i < GIC_QUEUE; i++) {
		if (!queues[cpu][i])
			e = &queues[cpu][i];
	}
	if (!e)
		return -EAGAIN;
	*e = (*e & ~AXV_ARM64_IRQ_PRIORITY) | event->vector | (u64)event->priority << 32;
	if (event->type == AXV_INJECT_EXTINT)
		*e |= AXV_ARM64_IRQ_PENDING;
	else if (event->data)
		*e |= AXV_ARM64_IRQ_LEVEL;
	else
		*e &= ~AXV_ARM64_IRQ_LEVEL;
	drop_idle(e);
	return 0;
}

/* ---- routes: from 0 on those of vectors, from GICV2M_VECTORS on the injector's ------- */

#define ROUTES	(GICV2M_VECTORS + 2 * INJECT_PLACES)

static struct {
	struct axv_route set;
	bool there;
	bool pending;
} routes[ROUTES];
static bool may_wait;	/* an interrupt has found a queue full */

static unsigned int index_of(u32 gsi)
{
	unsigned int i = gsi < INJECT_GSI ? gsi : gsi - INJECT_GSI + GICV2M_VECTORS;

	must(gsi < GICV2M_VECTORS || (gsi >= INJECT_GSI && i < ROUTES));
	return i;
}

static void deliver(unsigned int i, bool level)
{
	const struct axv_route *set = &routes[i].set;
	const struct axv_inject event = {
		.type = set->flags & AXV_ROUTE_LEVEL ? AXV_INJECT_WIRED : AXV_INJECT_EXTINT,
		.vector = set->vector, .priority = set->priority, .data = level,
	};

	if (!routes[i].there || set->flags & AXV_ROUTE_MASKED)
		return;
	if (level && !routes[i].pending)
		return;
	if (inject_now(NULL, set->vcpu, &event))
		may_wait = true;
	else
		routes[i].pending = false;
}

static void retry(void)
{
	unsigned int i;

	for (i = 0; may_wait && i < ROUTES; i++) {
		if (routes[i].pending)
			deliver(i, true);
	}
}

static int route_set(void *arg, const struct axv_route *route)
{
	unsigned int i = index_of(route->gsi);

	(void)arg;
	if (routes[i].there && (routes[i].set.flags & AXV_ROUTE_LEVEL))
		deliver(i, false);
	routes[i].there = !(route->flags & AXV_ROUTE_REMOVE);
	routes[i].set = *route;
	if (!routes[i].there) {
		routes[i].pending = false;
		return 0;
	}
	must(route->vcpu < CPUS && route->vector >= GIC_SGIS && route->vector < GIC_INTIDS);
	must(i >= GICV2M_VECTORS || route->vector >= GIC_MESSAGE);
	deliver(i, true);
	return 0;
}

static bool route_pending(void *arg, u32 gsi)
{
	(void)arg;
	return routes[index_of(gsi)].pending;
}

static void route_fire(void *arg, u32 gsi)
{
	unsigned int i = index_of(gsi);

	(void)arg;
	must(routes[i].there);
	routes[i].pending = true;
	deliver(i, true);
}

/* A vector's route that is not masked leads where its SPI goes, and the SPI is enabled. */
static void check_routes(void)
{
	const struct gic_irq *irq;
	unsigned int i;

	for (i = 0; i < v2m.nr; i++) {
		if (!routes[i].there || routes[i].set.flags)
			continue;
		irq = &gic.spis[routes[i].set.vector - GIC_PRIVATE];
		must(gic.enabled && irq->enabled && irq->priority == routes[i].set.priority);
		must(gic.routes[irq - gic.spis] == gic.cpus[routes[i].set.vcpu].mpidr);
	}
}

static const struct route_ops route_ops = {
	.set = route_set, .pending = route_pending, .fire = route_fire,
};

static struct injector injector;

static int inject(void *arg, unsigned int cpu, const struct axv_inject *event)
{
	(void)arg;
	return injector_inject(&injector, cpu, event);
}

/* ---- the rest of what the GIC calls -------------------------------------------------- */

static void attend(void *arg, unsigned int cpu)
{
	(void)arg;
	must(cpu < CPUS);
	attended[cpu] = true;
}

static int read_queue(void *arg, unsigned int cpu, u64 *entries, u32 *pending)
{
	(void)arg;
	must(cpu < CPUS);
	*pending = sent[cpu];
	memcpy(entries, queues[cpu], sizeof(queues[cpu]));
	return 0;
}

static int write_queue(void *arg, unsigned int cpu, unsigned int place, u64 value)
{
	(void)arg;
	must(cpu < CPUS && place < GIC_QUEUE);
	queues[cpu][place] = value;
	return 0;
}

static int set_timer(void *arg, unsigned int cpu, u64 value)
{
	(void)arg;
	(void)value;
	must(cpu < CPUS);
	return 0;
}

static struct bus bus;
static struct pl011 uart;
static struct pl031 rtc;
static struct pl061 gpio;

static u64 take_address(struct input *in)
{
	u8 what = take(in, 1);
	u64 offset = take(in, 2);

	switch (what & 7) {
	case 0:
		if (what & 0x80)
			return FRAME + (offset & 0xfff);
		if (what & 0x40)
			return FRAME + 0x40;
		return DIST + offset;
	case 1:
		return DIST + offset;
	case 2:
		return UART + (offset & 0xfff);
	case 3:
		if (!(what & 8))
			return CLOCK + (offset & 0xfff);
		/* GPIODATA has an address for each mask: more than all other registers together. */
		return GPIO + (offset & 0x1000 ? PL061_DIR + (offset & 0x3f) : offset & 0xfff);
	default:	/* RD_base and SGI_base of each */
		return REDIST + (what >> 3) % CPUS * GICR_SIZE + (what >> 7) * 0x10000 + offset;
	}
}

/* The guest takes the first interrupt that is pending, or ends the first that is active. */
static void take_interrupt(unsigned int cpu, bool end)
{
	u64 wanted = end ? AXV_ARM64_IRQ_ACTIVE : AXV_ARM64_IRQ_PENDING | AXV_ARM64_IRQ_LEVEL;
	unsigned int i;

	for (i = 0; i < GIC_QUEUE; i++) {
		u64 *e = &queues[cpu][i];

		if (!(*e & wanted))
			continue;
		*e &= end ? ~AXV_ARM64_IRQ_ACTIVE : ~AXV_ARM64_IRQ_PENDING;
		if (!end)
			*e |= AXV_ARM64_IRQ_ACTIVE;
		drop_idle(e);
		return;
	}
}

/* A device sets, removes or uses one of its vectors. */
static void use_vector(struct input *in, u8 what)
{
	const struct msi_ops msi = gicv2m_msi(&v2m);
	u8 how = take(in, 1);
	u32 gsi = how & 0x80 ? GICV2M_VECTORS - 1 : how >> 4;
	struct msi_message message = { .address = FRAME + 0x40 };
	unsigned int i;

	switch (how & 7) {
	case 0:
	case 1:
	case 2:
		message.data = take(in, what & 0x20 ? 2 : 1);
		if (what & 0x10)
			message.address = take(in, 5);
		msi.set(msi.arg, gsi, &message, how & 8);
		break;
	case 3:
		msi.remove(msi.arg, gsi);
		break;
	case 4:
		msi.pending(msi.arg, gsi);
		break;
	case 5:
		msi.fire(msi.arg, gsi);
		break;
	default:	/* by its eventfd */
		i = index_of(gsi);
		if (routes[i].there)
			route_fire(NULL, gsi);
		break;
	}
}

static void step(struct input *in, unsigned int cpus)
{
	const struct serial_port port = pl011_serial(&uart);
	u8 what = take(in, 1);
	unsigned int width = 1u << (what >> 4 & 3);
	unsigned int cpu = what >> 6;
	struct irq_line line;
	u64 addr;

	cpu %= cpus;
	switch (what & 15) {
	case 0:
	case 1:
	case 2:
		addr = take_address(in);
		bus_write(&bus, addr, width, take(in, width));
		break;
	case 3:
		bus_read(&bus, take_address(in), width);
		break;
	case 4:
		line = gic_spi(&gic, take(in, 1) % GIC_WIRES);
		irq_set(&line, what & 0x10);
		break;
	case 5:
		sent[cpu] |= 1u << take(in, 1) % GIC_SGIS;
		take_sgis(cpu);
		break;
	case 6:
		gic_enter(&gic, cpu);
		break;
	case 7:
		gic_leave(&gic, cpu);
		memset(queues[cpu], 0, sizeof(queues[cpu]));
		memset(&sgis[cpu], 0, sizeof(sgis[cpu]));
		sent[cpu] = 0;
		gic_reset_cpu(&gic, cpu);
		break;
	case 8:
	case 9:
		take_interrupt(cpu, what & 1);
		retry();
		break;
	case 10:
		fake_advance(take(in, 5));
		break;
	case 11:
		fake_set_wall(take(in, 5));
		break;
	case 12:
		serial_block(&port, &wire, what & 0x10);
		break;
	case 13:
		pl061_set(&gpio, take(in, 1) % 8, what & 0x10);
		break;
	case 14:
		use_vector(in, what);
		break;
	default:
		serial_receive(&port, what & 0x10, in);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u64 mpidrs[CPUS] = { 0, 1, 0x100, 0x0100000002 };
	static const struct gic_cpu_ops ops = {
		.inject = inject, .attend = attend, .set_sgis = set_sgis,
		.read_queue = read_queue, .write_queue = write_queue, .set_timer = set_timer,
	};
	const struct serial_backend backend = fake_serial(&wire);
	struct input in = { data, size };
	unsigned int cpus = 1 + take(&in, 1) % CPUS;

	memset(queues, 0, sizeof(queues));
	memset(sgis, 0, sizeof(sgis));
	memset(sent, 0, sizeof(sent));
	memset(routes, 0, sizeof(routes));
	may_wait = false;
	memset(&injector, 0, sizeof(injector));
	injector.routes = route_ops;
	injector.inject = inject_now;
	memset(&gic, 0, sizeof(gic));
	memset(&uart, 0, sizeof(uart));
	memset(&rtc, 0, sizeof(rtc));
	memset(&gpio, 0, sizeof(gpio));
	wire.blocked = false;
	fake_reset();
	bus_init(&bus, "memory");
	must(!gic_init(&gic, &bus, DIST, REDIST, mpidrs, cpus, &ops));
	must(!gicv2m_init(&v2m, &bus, FRAME, &gic, &route_ops));
	must(!pl011_init(&uart, &bus, UART, gic_spi(&gic, 1), &backend));
	must(!pl031_init(&rtc, &bus, CLOCK, NULL, gic_spi(&gic, 2)));
	must(!pl061_init(&gpio, &bus, GPIO, gic_spi(&gic, 7)));
	while (in.size) {
		step(&in, cpus);
		check_routes();
	}
	free(gic.cpus);
	return 0;
}
