/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Injects interrupts into the vCPUs' queues.  There are more interrupts than a queue has places:
 * one that finds the queue full is given to a route, and the kernel module delivers it when
 * there is room.
 */
#ifndef AXVMM_INJECT_H
#define AXVMM_INJECT_H

#include <axvcpu.h>

#include "gic.h"
#include "routes.h"

#define INJECT_CPUS	64		/* vCPUs at most */
#define INJECT_GSI	0x10000u	/* the first gsi used here */

/* An interrupt of each vCPU that is private to it, and the SPIs, which all share. */
#define INJECT_PLACES	(INJECT_CPUS * GIC_PRIVATE + GIC_SPIS)

/**
 * struct injector - what injects; guarded by the machine's lock
 * @routes:	makes and uses routes
 * @inject:	AXV_INJECT on a vCPU; 0 or a negative errno
 * @arg:	for @inject
 * @edges:	the interrupt has a route, to which an edge was given
 * @levels:	its level was given to a route
 */
struct injector {
	struct route_ops routes;
	int (*inject)(void *arg, unsigned int cpu, const struct axv_inject *event);
	void *arg;
	bool edges[INJECT_PLACES];
	bool levels[INJECT_PLACES];
};

/**
 * injector_inject() - inject an interrupt, set the level of its wire, or take it back
 * @injector:	what injects
 * @cpu:	the vCPU
 * @event:	AXV_INJECT_EXTINT or AXV_INJECT_WIRED.  The caller takes the interrupt out of
 *		the queue, and lowers its wire, before its vCPU or its priority changes.
 *
 * Return: 0; -ENOENT: there is nothing to take back; or another negative errno.
 */
int injector_inject(struct injector *injector, unsigned int cpu, const struct axv_inject *event);

#endif /* AXVMM_INJECT_H */
