// SPDX-License-Identifier: GPL-2.0
/* Injects interrupts into the vCPUs' queues, or gives them to routes while these are full. */
#include <errno.h>

#include "inject.h"

static unsigned int place_of(unsigned int cpu, u32 intid)
{
	return intid < GIC_PRIVATE ? cpu * GIC_PRIVATE + intid :
				     INJECT_CPUS * GIC_PRIVATE + intid - GIC_PRIVATE;
}

static u32 gsi_of(unsigned int place, bool level)
{
	return INJECT_GSI + 2 * place + level;
}

/* Raise an interrupt by a route of its own, which keeps it until the queue has room. */
static int raise(struct injector *inj, unsigned int cpu, const struct axv_inject *event,
		 bool level)
{
	unsigned int place = place_of(cpu, event->vector);
	const struct axv_route route = {
		.gsi = gsi_of(place, level),
		.flags = level ? AXV_ROUTE_LEVEL : 0,
		.vcpu = cpu,
		.vector = event->vector,
		.priority = event->priority,
	};
	int err = inj->routes.set(inj->routes.arg, &route);

	if (err)
		return err;
	(level ? inj->levels : inj->edges)[place] = true;
	inj->routes.fire(inj->routes.arg, route.gsi);
	return 0;
}

/* Remove a route; a wire that it holds up falls. */
static void remove_route(struct injector *inj, unsigned int place, bool level)
{
	const struct axv_route route = {
		.gsi = gsi_of(place, level), .flags = AXV_ROUTE_REMOVE,
	};

	inj->routes.set(inj->routes.arg, &route);
	(level ? inj->levels : inj->edges)[place] = false;
}

/*
 * Take an edge back.  The route is removed first: otherwise it could put the edge into the queue
 * after this function has looked there.
 */
static int retract(struct injector *inj, unsigned int cpu, const struct axv_inject *event)
{
	unsigned int place = place_of(cpu, event->vector);
	bool waited = false;
	int err;

	if (inj->edges[place]) {
		waited = inj->routes.pending(inj->routes.arg, gsi_of(place, false));
		remove_route(inj, place, false);
	}
	err = inj->inject(inj->arg, cpu, event);
	return waited ? 0 : err;
}

int injector_inject(struct injector *inj, unsigned int cpu, const struct axv_inject *event)
{
	bool level = event->type == AXV_INJECT_WIRED;
	unsigned int place;
	int err = -EAGAIN;

	/* The kernel module keeps SGIs beside the queue. */
	if (event->vector < GIC_SGIS)
		return inj->inject(inj->arg, cpu, event);
	if (event->flags & AXV_INJECT_RETRACT)
		return retract(inj, cpu, event);
	place = place_of(cpu, event->vector);
	if (level && !event->data && inj->levels[place]) {
		remove_route(inj, place, true);
		return 0;
	}
	/* While an edge waits in its route another one is the same interrupt. */
	if (level || !inj->edges[place])
		err = inj->inject(inj->arg, cpu, event);
	return err == -EAGAIN ? raise(inj, cpu, event, level) : err;
}
