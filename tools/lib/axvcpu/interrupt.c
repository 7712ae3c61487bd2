// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Interrupts of a VM: routes, the eventfds that use them, and events.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "lib.h"

#define NO_ROUTES	"no routes with this interrupt controller: see AXV_QUERY_MAX_ROUTES"

static const char *routes_hint(void)
{
	switch (errno) {
	case EOPNOTSUPP:
		return NO_ROUTES;
	case EINVAL:
	case ENOSPC:
		return "see AXV_QUERY_MAX_ROUTES, and struct axv_route for this architecture";
	default:
		return NULL;
	}
}

int axv_vm_set_routes(struct axv_vm *vm, const struct axv_route *routes,
		      unsigned int count, __u32 flags)
{
	const struct axv_set_routes set = {
		.count = count,
		.flags = flags,
		.routes = (uintptr_t)routes,
	};

	if (!ioctl(vm->fd, AXV_VM_SET_ROUTES, &set))
		return 0;
	if (count == 1)
		return axv_fail_call(routes_hint(), "set the route of gsi %u", routes->gsi);
	return axv_fail_call(routes_hint(), "set %u routes", count);
}

int axv_vm_get_routes(struct axv_vm *vm, struct axv_route *routes, unsigned int count)
{
	const struct axv_set_routes get = {
		.count = count,
		.routes = (uintptr_t)routes,
	};

	if (!ioctl(vm->fd, AXV_VM_GET_ROUTES, &get))
		return 0;
	return axv_fail_call(routes_hint(), "get %u routes", count);
}

static int set_irqfd(struct axv_vm *vm, const struct axv_set_irqfd *irqfd, const char *what)
{
	const char *hint = NULL;

	if (!ioctl(vm->fd, AXV_VM_SET_IRQFD, irqfd))
		return 0;
	switch (errno) {
	case EOPNOTSUPP:
		hint = NO_ROUTES;
		break;
	case EINVAL:
		hint = "the descriptor, or the resample descriptor, is no eventfd";
		break;
	case EEXIST:
		hint = "it is an irqfd of this VM already";
		break;
	case ENOENT:
		hint = "it is none of this gsi";
		break;
	case ENOSPC:
		hint = "the VM has as many irqfds as it can have";
		break;
	}
	return axv_fail_call(hint, "%s descriptor %d as irqfd of gsi %u", what, irqfd->fd,
			     irqfd->gsi);
}

int axv_vm_add_irqfd(struct axv_vm *vm, __u32 gsi, int fd, int resample_fd)
{
	const struct axv_set_irqfd irqfd = {
		.fd = fd,
		.gsi = gsi,
		.flags = resample_fd >= 0 ? AXV_IRQFD_RESAMPLE : 0,
		.resample_fd = resample_fd >= 0 ? resample_fd : 0,
	};

	return set_irqfd(vm, &irqfd, "add");
}

int axv_vm_remove_irqfd(struct axv_vm *vm, __u32 gsi, int fd)
{
	const struct axv_set_irqfd irqfd = {
		.fd = fd,
		.gsi = gsi,
		.flags = AXV_IRQFD_REMOVE,
	};

	return set_irqfd(vm, &irqfd, "remove");
}

int axv_vm_inject_gsi(struct axv_vm *vm, __u32 gsi, bool level)
{
	const struct axv_inject event = {
		.type = AXV_INJECT_WIRED,
		.vector = gsi,
		.data = level,
	};
	const char *hint = NULL;

	if (!ioctl(vm->fd, AXV_INJECT, &event))
		return 0;
	if (errno == ENOENT)
		hint = "there is no such route";
	else if (errno == EOPNOTSUPP)
		hint = NO_ROUTES;
	return axv_fail_call(hint, "set the wire of gsi %u", gsi);
}

int axv_vm_inject_msi(struct axv_vm *vm, __u64 address, __u32 data)
{
	const struct axv_inject event = {
		.type = AXV_INJECT_MSI,
		.address = address,
		.data = data,
	};
	const char *hint = NULL;

	if (!ioctl(vm->fd, AXV_INJECT, &event))
		return 0;
	if (errno == EINVAL)
		hint = "no interrupt controller is at this address";
	else if (errno == EOPNOTSUPP)
		hint = "no messages with this interrupt controller";
	return axv_fail_call(hint, "send message %#x to %#llx", data,
			     (unsigned long long)address);
}
