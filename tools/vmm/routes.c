// SPDX-License-Identifier: GPL-2.0
/* The routes of a VM, by libaxvcpu. */
#include "log.h"
#include "routes.h"

static int set(void *vm, const struct axv_route *route)
{
	int err = axv_vm_set_routes(vm, route, 1, 0);

	if (err)
		log_guest("%s", axv_error());
	return err;
}

static bool pending(void *vm, u32 gsi)
{
	struct axv_route route = { .gsi = gsi };

	return !axv_vm_get_routes(vm, &route, 1) && (route.flags & AXV_ROUTE_PENDING);
}

static void fire(void *vm, u32 gsi)
{
	if (axv_vm_inject_gsi(vm, gsi, true))
		log_guest("%s", axv_error());
}

struct route_ops routes_of(struct axv_vm *vm)
{
	return (struct route_ops){ .set = set, .pending = pending, .fire = fire, .arg = vm };
}
