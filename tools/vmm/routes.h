/* SPDX-License-Identifier: GPL-2.0 */
/* Routes of the VM: from a number (gsi) to an interrupt.  The kernel module has them. */
#ifndef AXVMM_ROUTES_H
#define AXVMM_ROUTES_H

#include <axvcpu.h>

#include "types.h"

/**
 * struct route_ops - how a device reaches the routes
 * @set:	set a route, or remove it (AXV_ROUTE_REMOVE); 0 or a negative errno
 * @pending:	whether an interrupt waits in a route
 * @fire:	interrupt by a route, which is there
 * @arg:	for all of them
 *
 * Context: with the machine's lock held.  An error has been printed.
 */
struct route_ops {
	int (*set)(void *arg, const struct axv_route *route);
	bool (*pending)(void *arg, u32 gsi);
	void (*fire)(void *arg, u32 gsi);
	void *arg;
};

/** routes_of() - get the operations for the routes of a VM */
struct route_ops routes_of(struct axv_vm *vm);

#endif /* AXVMM_ROUTES_H */
