// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The split irqchip: local APICs of the module, routes and messages.  PIC, IOAPIC and PIT
 * are the VMM's.
 */
#include <errno.h>
#include <stdlib.h>

#include "debug.h"
#include "vm.h"

/* KVM's limit of pins, KVM_MAX_IRQ_ROUTES of its kernel. */
#define PINS_MAX	4096

/* MSI data (Intel SDM vol. 3A, "Message Data Register Format"). */
#define MSI_ASSERT	(1u << 14)
#define MSI_LEVEL	(1u << 15)

__u32 irqchip_yield(struct axv_host *host)
{
	__u64 offered;

	return axv_query(host, AXV_QUERY_VM_FLAGS, &offered) ? 0 : offered & AXV_VM_YIELD_ON_SPIN;
}

int irqchip_split(struct vm *vm, uint64_t pins)
{
	const struct axv_vm_config config = {
		.irqchip = AXV_IRQCHIP_LAPIC,
		.flags = AXV_VM_HALT_IN_KERNEL | irqchip_yield(vm->host),
	};
	struct axv_vm *axv;
	int err;

	if (pins > PINS_MAX)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	err = -EEXIST;
	if (vm->split || vm->nr_vcpus)
		goto out;
	/* A VM of the module's gets its irqchip when it is created: create another one. */
	err = axv_vm_create(vm->host, &config, &axv);
	if (err) {
		debug("%s", axv_error());
		goto out;
	}
	err = memory_repeat(vm, axv);
	if (!err)
		err = eventfd_repeat(vm, axv);
	if (err) {
		axv_vm_destroy(axv);
		goto out;
	}
	axv_vm_destroy(vm->axv);
	vm->axv = axv;
	vm->split = true;
out:
	pthread_mutex_unlock(&vm->lock);
	return err;
}

/*
 * The module takes a level-triggered message without the assert bit for a level that falls.
 * KVM does not look at the bit: every message asserts.
 */
static __u32 message_data(__u32 data)
{
	return data & MSI_LEVEL ? data | MSI_ASSERT : data;
}

int irqchip_route(const struct kvm_irq_routing_entry *entry, struct axv_route *route)
{
	if (entry->type != KVM_IRQ_ROUTING_MSI || entry->flags)
		return -EINVAL;
	*route = (struct axv_route){
		.gsi = entry->gsi,
		.address = entry->u.msi.address_lo | (__u64)entry->u.msi.address_hi << 32,
		.data = message_data(entry->u.msi.data),
	};
	return 0;
}

static int set_routes(struct vm *vm, struct axv_route *routes, unsigned int count)
{
	int err;

	pthread_mutex_lock(&vm->lock);
	err = axv_vm_set_routes(vm->axv, routes, count, AXV_ROUTES_ALL);
	if (!err) {
		free(vm->routes);
		vm->routes = routes;
		vm->nr_routes = count;
	}
	pthread_mutex_unlock(&vm->lock);
	return err;
}

int irqchip_set_routing(struct vm *vm, const struct kvm_irq_routing *routing)
{
	const __u32 count = routing->nr;
	struct axv_route *routes;
	unsigned int i;
	__u64 max;
	int err;

	if (routing->flags)
		return -EINVAL;
	err = axv_query(vm->host, AXV_QUERY_MAX_ROUTES, &max);
	if (err || count > max || !vm->split)
		return -EINVAL;
	routes = calloc(count + 1, sizeof(*routes));
	if (!routes)
		return -ENOMEM;
	for (i = 0; i < count && !err; i++)
		err = irqchip_route(&routing->entries[i], &routes[i]);
	if (!err)
		err = set_routes(vm, routes, count);
	if (err) {
		debug("%u routes: error %d", count, -err);
		free(routes);
	}
	return err;
}

static bool find_route(struct vm *vm, __u32 gsi, struct axv_route *route)
{
	unsigned int i;
	bool found = false;

	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < vm->nr_routes && !found; i++) {
		found = vm->routes[i].gsi == gsi;
		if (found)
			*route = vm->routes[i];
	}
	pthread_mutex_unlock(&vm->lock);
	return found;
}

/*
 * Each call with level 1 sends the message, also where the last level was 1; a call with level
 * 0 does nothing.  The message is one of the VMM's own, not of the module's route, so that its
 * end is an exit for the VMM's IOAPIC (KVM_EXIT_IOAPIC_EOI), also where the end of the route's
 * interrupts is not.
 *
 * As in KVM, a call for a gsi without a route, or whose message reaches nobody, is no error.
 */
int irqchip_line(struct vm *vm, const struct kvm_irq_level *line)
{
	struct axv_route route;

	if (!vm->split)
		return -ENXIO;
	if (line->level && find_route(vm, line->irq, &route))
		axv_vm_inject_msi(vm->axv, route.address, route.data);
	return 0;
}

void irqchip_free(struct vm *vm)
{
	free(vm->routes);
}

int irqchip_signal_msi(struct vm *vm, const struct kvm_msi *msi)
{
	int err;

	if (!vm->split || msi->flags)
		return -EINVAL;
	err = axv_vm_inject_msi(vm->axv, msi->address_lo | (__u64)msi->address_hi << 32,
				message_data(msi->data));
	/* Not the address of a message: no vCPU gets it, and KVM returns 0. */
	if (err == -EINVAL)
		return 0;
	return err ? err : 1;
}
