// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the GICv2m frame, with a GIC.  The test has the vCPUs' queues, of which it only knows
 * which edges are pending, and the routes.
 */
#include <errno.h>
#include <string.h>

#include "gicv2m.h"
#include "tap.h"

#define CPUS	3
#define DIST	0x08000000ull
#define FRAME	0x08020000ull
#define REDIST	0x080a0000ull
#define SETSPI	(FRAME + 0x40)

#define CTLR		(DIST + 0x0)
#define TYPER		(DIST + 0x4)
#define SET_ENABLE	(DIST + 0x100 + 8)	/* the register of INTIDs 64 to 95 */
#define CLEAR_ENABLE	(DIST + 0x180 + 8)
#define SET_PENDING	(DIST + 0x200 + 8)
#define CLEAR_PENDING	(DIST + 0x280 + 8)
#define SET_ACTIVE	(DIST + 0x300 + 8)
#define PRIORITY	(DIST + 0x400)
#define ROUTE(intid)	(DIST + 0x6000 + 8 * (intid))

#define SPI	70u
#define BIT_SPI	BIT(SPI % 32)
#define OTHER	71u
#define GSI	5u

static const u64 mpidrs[CPUS] = { 0, 1, 0x100 };

static struct bus bus;
static struct gic gic;
static struct gicv2m v2m;
static struct msi_ops msi;

/* ---- the kernel module ------------------------------------------------------ */

static bool queued[CPUS][GIC_INTIDS];
static u8 priorities[CPUS][GIC_INTIDS];
static struct axv_route routes[GICV2M_VECTORS];
static bool pending[GICV2M_VECTORS];
static unsigned int sets, fires;
static bool fails;
static bool late;	/* a device interrupts just before its route is set anew */

static int inject(void *arg, unsigned int cpu, const struct axv_inject *event)
{
	(void)arg;
	if (event->type != AXV_INJECT_EXTINT)
		return 0;
	if (event->flags & AXV_INJECT_RETRACT) {
		if (!queued[cpu][event->vector])
			return -ENOENT;
		queued[cpu][event->vector] = false;
		return 0;
	}
	queued[cpu][event->vector] = true;
	priorities[cpu][event->vector] = event->priority;
	return 0;
}

static void attend(void *arg, unsigned int cpu)
{
	(void)arg;
	(void)cpu;
}

static void set_sgis(void *arg, unsigned int cpu, const struct axv_sgis *sgis)
{
	(void)arg;
	(void)cpu;
	(void)sgis;
}

static int read_queue(void *arg, unsigned int cpu, u64 *entries, u32 *sent)
{
	unsigned int intid, n = 0;

	(void)arg;
	*sent = 0;
	memset(entries, 0, GIC_QUEUE * sizeof(*entries));
	for (intid = 0; intid < GIC_INTIDS; intid++)
		if (queued[cpu][intid])
			entries[n++] = AXV_ARM64_IRQ_PENDING | intid;
	return 0;
}

static int write_queue(void *arg, unsigned int cpu, unsigned int place, u64 value)
{
	(void)arg;
	(void)cpu;
	(void)place;
	(void)value;
	return 0;
}

static int set_timer(void *arg, unsigned int cpu, u64 value)
{
	(void)arg;
	(void)cpu;
	(void)value;
	return 0;
}

static void deliver(u32 gsi)
{
	const struct axv_route *route = &routes[gsi];

	if (route->flags & AXV_ROUTE_REMOVE)
		pending[gsi] = false;
	if (route->flags || !pending[gsi])
		return;
	pending[gsi] = false;
	queued[route->vcpu][route->vector] = true;
	priorities[route->vcpu][route->vector] = route->priority;
}

static int set(void *arg, const struct axv_route *route)
{
	CHECK(arg == routes && route->gsi < GICV2M_VECTORS);
	CHECK(!(route->flags & ~(AXV_ROUTE_MASKED | AXV_ROUTE_REMOVE)));
	if (!(route->flags & AXV_ROUTE_REMOVE))
		CHECK(route->vector >= 64 && route->vector < 128 && route->vcpu < CPUS);
	CHECK(!route->data && !route->address);
	sets++;
	if (fails)
		return -ENOMEM;
	if (late) {
		pending[route->gsi] = true;
		deliver(route->gsi);
	}
	routes[route->gsi] = *route;
	deliver(route->gsi);
	return 0;
}

static bool is_pending(void *arg, u32 gsi)
{
	(void)arg;
	return pending[gsi];
}

/* The device signals its eventfd, or axvmm fires. */
static void fire(void *arg, u32 gsi)
{
	(void)arg;
	fires++;
	pending[gsi] = true;
	deliver(gsi);
}

/* ---- the tests ---------------------------------------------------------------- */

static void out(u64 addr, u32 value)
{
	bus_write(&bus, addr, 4, value);
}

static u32 in(u64 addr)
{
	return bus_read(&bus, addr, 4);
}

static void use(u32 gsi, u64 address, u32 data, bool masked)
{
	const struct msi_message message = { .address = address, .data = data };

	msi.set(msi.arg, gsi, &message, masked);
}

static bool took(unsigned int cpu, u32 intid)
{
	bool was = queued[cpu][intid];

	queued[cpu][intid] = false;
	return was;
}

/* Begin a test: SPI is enabled, and goes to CPU 1; a vector's message leads there. */
static void start(void)
{
	static const struct gic_cpu_ops ops = {
		.inject = inject, .attend = attend, .set_sgis = set_sgis,
		.read_queue = read_queue, .write_queue = write_queue, .set_timer = set_timer,
	};
	static const struct route_ops route_ops = {
		.set = set, .pending = is_pending, .fire = fire, .arg = routes,
	};
	unsigned int i;

	memset(queued, 0, sizeof(queued));
	memset(routes, 0, sizeof(routes));
	memset(pending, 0, sizeof(pending));
	for (i = 0; i < GICV2M_VECTORS; i++)
		routes[i].flags = AXV_ROUTE_REMOVE;
	fails = false;
	late = false;
	bus_init(&bus, "address");
	CHECK(!gic_init(&gic, &bus, DIST, REDIST, mpidrs, CPUS, &ops));
	CHECK(!gicv2m_init(&v2m, &bus, FRAME, &gic, &route_ops));
	msi = gicv2m_msi(&v2m);
	out(CTLR, BIT(1));
	bus_write(&bus, PRIORITY + SPI, 1, 0xa0);
	bus_write(&bus, ROUTE(SPI), 8, 1);
	out(SET_ENABLE, BIT_SPI);
	use(GSI, SETSPI, SPI, false);
	sets = 0;
	fires = 0;
}

static void registers(void)
{
	start();
	CHECK_EQ(in(FRAME + 0x008), 64 << 16 | 64);
	CHECK_EQ(in(FRAME + 0xfcc), 0x43b);
	CHECK_EQ(in(FRAME), 0);
	CHECK_EQ(in(SETSPI), 0);
	CHECK_EQ(in(FRAME + 0xffc), 0);
	CHECK_EQ(in(FRAME + 0x1000), 0xffffffff);
	out(FRAME + 0x008, 0);
	CHECK_EQ(in(FRAME + 0x008), 64 << 16 | 64);
	/* 128 INTIDs; no LPIs, so that the guest looks for a frame. */
	CHECK_EQ(in(TYPER) & 0x1f, 3);
	CHECK_EQ(in(TYPER) & BIT(17), 0);
}

/* A CPU writes what a device would. */
static void by_cpu(void)
{
	static const u32 strangers[] = { 0, 15, 27, 33, 63, 128, 1020, 1023, 0xfffffc00 };
	unsigned int i, cpu, intid;

	start();
	out(SETSPI, SPI);
	CHECK(took(1, SPI));
	CHECK_EQ(priorities[1][SPI], 0xa0);
	bus_write(&bus, SETSPI, 2, SPI);
	CHECK(took(1, SPI));
	/* The upper bits are reserved. */
	out(SETSPI, 0xfffff400 | SPI);
	CHECK(took(1, SPI));
	for (i = 0; i < ARRAY_SIZE(strangers); i++)
		out(SETSPI, strangers[i]);
	bus_write(&bus, SETSPI, 1, SPI);
	bus_write(&bus, SETSPI + 2, 2, SPI);
	out(SETSPI + 4, SPI);
	for (cpu = 0; cpu < CPUS; cpu++)
		for (intid = 0; intid < GIC_INTIDS; intid++)
			CHECK(!queued[cpu][intid]);
	/* An SPI that is not enabled waits. */
	out(SETSPI, OTHER);
	CHECK_EQ(in(SET_PENDING), BIT(OTHER % 32));
	out(SET_ENABLE, BIT(OTHER % 32));
	CHECK(took(0, OTHER));
	CHECK_EQ(sets, 0);
}

static void message(void)
{
	start();
	CHECK_EQ(routes[GSI].flags, 0);
	CHECK_EQ(routes[GSI].vcpu, 1);
	CHECK_EQ(routes[GSI].vector, SPI);
	CHECK_EQ(routes[GSI].priority, 0xa0);
	msi.fire(msi.arg, GSI);
	CHECK(took(1, SPI));
	msi.remove(msi.arg, GSI);
	CHECK_EQ(routes[GSI].flags, AXV_ROUTE_REMOVE);
	msi.fire(msi.arg, GSI);
	CHECK_EQ(fires, 1);
	/* A call that changes nothing does not call the kernel module. */
	sets = 0;
	msi.remove(msi.arg, GSI);
	out(CTLR, 0);
	out(CTLR, BIT(1));
	CHECK_EQ(sets, 0);
	use(GSI, SETSPI, SPI, false);
	CHECK_EQ(sets, 1);
	use(GSI, SETSPI, SPI, false);
	out(SET_ENABLE, BIT_SPI);
	CHECK_EQ(sets, 1);
}

/* The route follows what the guest sets of its SPI. */
static void follows(void)
{
	start();
	out(CLEAR_ENABLE, BIT_SPI);
	CHECK_EQ(routes[GSI].flags, AXV_ROUTE_MASKED);
	fire(NULL, GSI);
	CHECK(!queued[1][SPI]);
	CHECK_EQ(in(SET_PENDING), BIT_SPI);
	CHECK_EQ(in(SET_ACTIVE), 0);
	out(SET_ENABLE, BIT_SPI);
	CHECK(took(1, SPI));
	CHECK_EQ(in(SET_PENDING), 0);

	out(CTLR, 0);
	CHECK_EQ(routes[GSI].flags, AXV_ROUTE_MASKED);
	out(CTLR, BIT(1));
	CHECK_EQ(routes[GSI].flags, 0);

	/* An interrupt that is in the queue already gets the new priority, too. */
	fire(NULL, GSI);
	bus_write(&bus, PRIORITY + SPI, 1, 0x20);
	CHECK_EQ(routes[GSI].priority, 0x20);
	CHECK(queued[1][SPI]);
	CHECK_EQ(priorities[1][SPI], 0x20);
	bus_write(&bus, ROUTE(SPI), 8, 0x100);
	CHECK(!queued[1][SPI]);
	CHECK(took(2, SPI));
	CHECK_EQ(routes[GSI].vcpu, 2);

	/* An SPI that is routed to a CPU that does not exist. */
	bus_write(&bus, ROUTE(SPI), 8, 0x200);
	CHECK_EQ(routes[GSI].flags, AXV_ROUTE_MASKED);
	fire(NULL, GSI);
	bus_write(&bus, ROUTE(SPI), 8, 0);
	CHECK(took(0, SPI));
}

/* An interrupt in the queue is taken out when its SPI is disabled, and comes again. */
static void taken_out(void)
{
	start();
	fire(NULL, GSI);
	out(CLEAR_ENABLE, BIT_SPI);
	CHECK(!queued[1][SPI]);
	CHECK_EQ(in(SET_PENDING), BIT_SPI);
	out(SET_ENABLE, BIT_SPI);
	CHECK(took(1, SPI));
	out(CLEAR_ENABLE, BIT_SPI);
	out(SET_ENABLE, BIT_SPI);
	CHECK(!queued[1][SPI]);
	/* A device interrupts just before the route is masked. */
	late = true;
	out(CLEAR_ENABLE, BIT_SPI);
	late = false;
	CHECK(!queued[1][SPI]);
	out(SET_ENABLE, BIT_SPI);
	CHECK(took(1, SPI));
	late = true;
	bus_write(&bus, ROUTE(SPI), 4, 0);
	CHECK(!queued[1][SPI]);
	CHECK(took(0, SPI));
}

static void masked_vector(void)
{
	start();
	use(GSI, SETSPI, SPI, true);
	CHECK_EQ(routes[GSI].flags, AXV_ROUTE_MASKED);
	fire(NULL, GSI);
	CHECK(msi.pending(msi.arg, GSI));
	/* No message was written: the SPI is not pending. */
	CHECK_EQ(in(SET_PENDING), 0);
	out(CLEAR_PENDING, BIT_SPI);
	CHECK(msi.pending(msi.arg, GSI));
	use(GSI, SETSPI, SPI, false);
	CHECK(!msi.pending(msi.arg, GSI));
	CHECK(took(1, SPI));
}

static void wrong_message(void)
{
	static const struct msi_message wrong[] = {
		{ 0, 0 },
		{ SETSPI + 4, SPI },
		{ SETSPI | 1ull << 32, SPI },
		{ SETSPI, 33 },
		{ SETSPI, 128 },
		{ SETSPI, 0x3ff },
		{ 0xfee00000, SPI },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		start();
		use(GSI, wrong[i].address, wrong[i].data, true);
		CHECK_EQ(routes[GSI].flags, AXV_ROUTE_MASKED);
		fire(NULL, GSI);
		use(GSI, wrong[i].address, wrong[i].data, false);
		CHECK_EQ(routes[GSI].flags, AXV_ROUTE_REMOVE);
		fires = 0;
		msi.fire(msi.arg, GSI);
		CHECK_EQ(fires, 0);
		use(GSI, SETSPI, SPI, false);
		CHECK(!queued[1][SPI]);
	}
}

static void forgets(void)
{
	start();
	out(CLEAR_ENABLE, BIT_SPI);
	fire(NULL, GSI);
	out(CLEAR_PENDING, BIT_SPI);
	CHECK_EQ(in(SET_PENDING), 0);
	CHECK_EQ(routes[GSI].flags, AXV_ROUTE_MASKED);
	out(SET_ENABLE, BIT_SPI);
	CHECK(!queued[1][SPI]);
	fire(NULL, GSI);
	out(CLEAR_PENDING, BIT_SPI);
	CHECK(!queued[1][SPI]);
	fire(NULL, GSI);
	CHECK(took(1, SPI));
}

static void shared(void)
{
	start();
	use(GSI + 1, SETSPI, SPI, false);
	use(GICV2M_VECTORS - 1, SETSPI, OTHER, false);
	CHECK_EQ(routes[GICV2M_VECTORS - 1].flags, AXV_ROUTE_MASKED);
	out(CLEAR_ENABLE, BIT_SPI);
	CHECK_EQ(routes[GSI].flags & routes[GSI + 1].flags, AXV_ROUTE_MASKED);
	fire(NULL, GSI + 1);
	CHECK_EQ(in(SET_PENDING), BIT_SPI);
	out(SET_ENABLE, BIT_SPI | BIT(OTHER % 32));
	CHECK(took(1, SPI));
	fire(NULL, GICV2M_VECTORS - 1);
	CHECK(took(0, OTHER));
}

/* A CPU is switched off, which resets its queue, and on again. */
static void cpu_off(void)
{
	start();
	fire(NULL, GSI);
	gic_leave(&gic, 1);
	CHECK(!queued[1][SPI]);
	CHECK_EQ(routes[GSI].flags, AXV_ROUTE_MASKED);
	gic_reset_cpu(&gic, 1);
	CHECK(took(1, SPI));
	CHECK_EQ(routes[GSI].flags, 0);
	fire(NULL, GSI);
	CHECK(took(1, SPI));
}

/* A route that could not be set is set the next time. */
static void no_memory(void)
{
	start();
	fails = true;
	out(CLEAR_ENABLE, BIT_SPI);
	fails = false;
	CHECK_EQ(routes[GSI].flags, 0);
	out(CLEAR_ENABLE, BIT_SPI);
	CHECK_EQ(routes[GSI].flags, AXV_ROUTE_MASKED);
}

static const struct tap_case cases[] = {
	{ "the frame's registers", registers },
	{ "a message by a CPU", by_cpu },
	{ "a device's message becomes a route", message },
	{ "the route follows the SPI", follows },
	{ "an interrupt in the queue, disabled and enabled", taken_out },
	{ "a vector that is masked", masked_vector },
	{ "messages that lead nowhere", wrong_message },
	{ "an interrupt is forgotten", forgets },
	{ "two vectors of one SPI", shared },
	{ "a CPU is switched off and on", cpu_off },
	{ "a route cannot be set", no_memory },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
