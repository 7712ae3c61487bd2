// SPDX-License-Identifier: GPL-2.0
/* Tests of interrupts that find a vCPU's queue full.  The test has a queue and its routes. */
#include <errno.h>
#include <string.h>

#include "inject.h"
#include "tap.h"

#define CPU	2
#define SPI	40u
#define PPI	26u
#define ROUTES	8

/* ---- the kernel module ---------------------------------------------------- */

static struct {
	struct axv_route route;
	bool pending;
} routes[ROUTES];
static unsigned int nr_routes, injected, room, fired;
static bool edge, high;		/* of SPI, in the queue */
static bool late;		/* a route delivers while the next one is removed */

static int set(void *arg, const struct axv_route *route)
{
	unsigned int i;

	CHECK(arg == routes);
	for (i = 0; i < nr_routes && routes[i].route.gsi != route->gsi; i++)
		;
	if (!(route->flags & AXV_ROUTE_REMOVE)) {
		CHECK(i < ROUTES);
		routes[i].route = *route;
		nr_routes += i == nr_routes;
		return 0;
	}
	if (i == nr_routes)
		return 0;
	if (late && routes[i].pending)
		edge = true;
	if (routes[i].route.flags & AXV_ROUTE_LEVEL)
		high = false;
	routes[i] = routes[--nr_routes];
	routes[nr_routes].pending = false;
	return 0;
}

static unsigned int route_of(u32 gsi)
{
	unsigned int i;

	for (i = 0; i < nr_routes && routes[i].route.gsi != gsi; i++)
		;
	CHECK(i < nr_routes);
	return i < nr_routes ? i : 0;
}

static bool pending(void *arg, u32 gsi)
{
	(void)arg;
	return routes[route_of(gsi)].pending;
}

static void fire(void *arg, u32 gsi)
{
	(void)arg;
	fired++;
	routes[route_of(gsi)].pending = true;
}

static int inject(void *arg, unsigned int cpu, const struct axv_inject *event)
{
	bool *in = event->type == AXV_INJECT_WIRED ? &high : &edge;

	CHECK(arg == &room && cpu <= CPU);
	injected++;
	if (event->flags & AXV_INJECT_RETRACT) {
		if (!edge)
			return -ENOENT;
		edge = false;
		return 0;
	}
	if (event->type == AXV_INJECT_WIRED && !event->data) {
		high = false;
		return 0;
	}
	if (!room)
		return -EAGAIN;
	*in = true;
	return 0;
}

/* There is room, and the routes deliver what waits. */
static void make_room(void)
{
	unsigned int i;

	room = 1;
	for (i = 0; i < nr_routes; i++) {
		if (!routes[i].pending)
			continue;
		routes[i].pending = false;
		if (routes[i].route.flags & AXV_ROUTE_LEVEL)
			high = true;
		else
			edge = true;
	}
}

/* ---- the tests -------------------------------------------------------------- */

static struct injector injector;

static int give(u32 type, u32 flags, u32 intid, bool level)
{
	const struct axv_inject event = {
		.type = type, .flags = flags, .vector = intid, .data = level, .priority = 0x50,
	};

	return injector_inject(&injector, CPU, &event);
}

static int give_edge(u32 intid)
{
	return give(AXV_INJECT_EXTINT, 0, intid, false);
}

static int retract(u32 intid)
{
	return give(AXV_INJECT_EXTINT, AXV_INJECT_RETRACT, intid, false);
}

static int wire(bool level)
{
	return give(AXV_INJECT_WIRED, 0, SPI, level);
}

static void start(unsigned int places)
{
	memset(&injector, 0, sizeof(injector));
	memset(routes, 0, sizeof(routes));
	injector.routes = (struct route_ops){
		.set = set, .pending = pending, .fire = fire, .arg = routes,
	};
	injector.inject = inject;
	injector.arg = &room;
	nr_routes = 0;
	injected = 0;
	fired = 0;
	edge = false;
	high = false;
	late = false;
	room = places;
}

static void with_room(void)
{
	start(1);
	CHECK_EQ(give_edge(SPI), 0);
	CHECK(edge);
	CHECK_EQ(retract(SPI), 0);
	CHECK_EQ(retract(SPI), -ENOENT);
	CHECK_EQ(wire(true), 0);
	CHECK(high);
	CHECK_EQ(wire(false), 0);
	CHECK(!high);
	CHECK_EQ(nr_routes, 0);
	CHECK_EQ(injected, 5);
}

static void edge_waits(void)
{
	start(0);
	CHECK_EQ(give_edge(SPI), 0);
	CHECK(!edge);
	CHECK_EQ(nr_routes, 1);
	CHECK_EQ(routes[0].route.vcpu, CPU);
	CHECK_EQ(routes[0].route.vector, SPI);
	CHECK_EQ(routes[0].route.priority, 0x50);
	CHECK_EQ(routes[0].route.flags, 0);
	CHECK(routes[0].route.gsi >= INJECT_GSI);
	make_room();
	CHECK(edge);
	/* Once an interrupt has a route its edges go there, until the interrupt is taken back. */
	edge = false;
	CHECK_EQ(give_edge(SPI), 0);
	CHECK_EQ(fired, 2);
	CHECK_EQ(nr_routes, 1);
	make_room();
	CHECK_EQ(retract(SPI), 0);
	CHECK(!edge);
	CHECK_EQ(nr_routes, 0);
}

static void edge_taken_back(void)
{
	start(0);
	CHECK_EQ(give_edge(SPI), 0);
	CHECK_EQ(retract(SPI), 0);
	CHECK_EQ(nr_routes, 0);
	CHECK_EQ(retract(SPI), -ENOENT);
	make_room();
	CHECK(!edge);
	/*
	 * The route delivers the edge just before it is removed; then the edge is taken out of
	 * the queue.
	 */
	start(0);
	CHECK_EQ(give_edge(SPI), 0);
	late = true;
	CHECK_EQ(retract(SPI), 0);
	CHECK(!edge);
}

static void wire_waits(void)
{
	start(0);
	CHECK_EQ(wire(true), 0);
	CHECK(!high);
	CHECK_EQ(nr_routes, 1);
	CHECK_EQ(routes[0].route.flags, AXV_ROUTE_LEVEL);
	CHECK_EQ(wire(false), 0);
	CHECK_EQ(nr_routes, 0);
	CHECK_EQ(wire(true), 0);
	make_room();
	CHECK(high);
	CHECK_EQ(wire(false), 0);
	CHECK(!high);
	/* An edge and a level of one interrupt wait separately. */
	room = 0;
	CHECK_EQ(wire(true), 0);
	CHECK_EQ(give_edge(SPI), 0);
	CHECK_EQ(nr_routes, 2);
	CHECK_EQ(wire(false), 0);
	CHECK_EQ(nr_routes, 1);
	CHECK_EQ(retract(SPI), 0);
	CHECK_EQ(nr_routes, 0);
}

/* A private interrupt of one vCPU has another route than the same of another vCPU, or an SPI. */
static void separate(void)
{
	static const u32 intids[] = { PPI, PPI + 1, GIC_PRIVATE + PPI, SPI, GIC_INTIDS - 1 };
	const struct axv_inject other = { .type = AXV_INJECT_EXTINT, .vector = PPI };
	unsigned int i, j;

	start(0);
	for (i = 0; i < ARRAY_SIZE(intids); i++)
		CHECK_EQ(give_edge(intids[i]), 0);
	CHECK_EQ(injector_inject(&injector, 1, &other), 0);
	CHECK_EQ(injector_inject(&injector, 0, &other), 0);
	CHECK_EQ(nr_routes, ARRAY_SIZE(intids) + 2);
	for (i = 0; i < nr_routes; i++)
		for (j = 0; j < i; j++)
			CHECK(routes[i].route.gsi != routes[j].route.gsi);
	for (i = 0; i < ARRAY_SIZE(intids); i++)
		CHECK_EQ(retract(intids[i]), 0);
	CHECK_EQ(nr_routes, 2);
}

static void sgi(void)
{
	start(0);
	CHECK_EQ(give_edge(3), -EAGAIN);
	CHECK_EQ(nr_routes, 0);
}

static const struct tap_case cases[] = {
	{ "a queue that has room", with_room },
	{ "an edge waits", edge_waits },
	{ "an edge that waits is taken back", edge_taken_back },
	{ "a level waits", wire_waits },
	{ "each interrupt has a route of its own", separate },
	{ "an SGI is left to the kernel module", sgi },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
