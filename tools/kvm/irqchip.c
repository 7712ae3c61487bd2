// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The irqchip: local APICs of the module, routes and messages.  PIC, IOAPIC and PIT are in
 * chips.c, or with a split irqchip in the VMM.
 */
#include <errno.h>
#include <stdlib.h>

#include "chips.h"
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

/*
 * A VM of the module's gets its local APICs when it is created: create another one.
 *
 * @chips: PIC, IOAPIC and PIT; NULL: they are the VMM's
 */
static int have_lapics(struct vm *vm, struct chips *chips)
{
	const struct axv_vm_config config = {
		.irqchip = AXV_IRQCHIP_LAPIC,
		.flags = AXV_VM_HALT_IN_KERNEL | irqchip_yield(vm->host),
	};
	struct axv_vm *axv;
	int err;

	err = axv_vm_create(vm->host, &config, &axv);
	if (err) {
		debug("%s", axv_error());
		return err;
	}
	err = memory_repeat(vm, axv);
	if (!err)
		err = eventfd_repeat(vm, axv);
	if (err) {
		axv_vm_destroy(axv);
		return err;
	}
	axv_vm_destroy(vm->axv);
	vm->axv = axv;
	/*
	 * chips before lapic: otherwise a call of another thread takes the irqchip for a split
	 * one.
	 */
	vm->chips = chips;
	vm->lapic = true;
	return 0;
}

int irqchip_split(struct vm *vm, uint64_t pins)
{
	int err;

	if (pins > PINS_MAX)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	err = vm->lapic || vm->nr_vcpus ? -EEXIST : have_lapics(vm, NULL);
	pthread_mutex_unlock(&vm->lock);
	return err;
}

static int create(struct vm *vm)
{
	struct chips *chips;
	int err;

	/* Both checks in KVM's order, so that a VMM gets the same error. */
	if (vm->lapic)
		return -EEXIST;
	if (vm->nr_vcpus)
		return -EINVAL;
	err = chips_create(vm, &chips);
	if (err)
		return err;
	err = have_lapics(vm, chips);
	if (err)
		chips_free(chips);
	return err;
}

int irqchip_create(struct vm *vm)
{
	int err;

	pthread_mutex_lock(&vm->lock);
	err = create(vm);
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

/*
 * An entry of a VM with PIC and IOAPIC.  As in KVM a gsi leads to one input of each controller
 * at most, or is one message.
 *
 * @gsis: in: of the entries before this one
 * @routes: where the module's route goes, if the entry has one
 * @nr_routes: how many there are
 */
static int add_gsi(const struct kvm_irq_routing_entry *entry, struct gsi *gsis,
		   struct axv_route *routes, unsigned int *nr_routes)
{
	__u32 pin = entry->u.irqchip.pin;
	struct gsi *g = &gsis[entry->gsi];
	__u8 *place;
	int err;

	if (entry->type == KVM_IRQ_ROUTING_MSI) {
		if (g->message || g->pic != NO_PIN || g->ioapic != NO_PIN)
			return -EINVAL;
		err = irqchip_route(entry, &routes[*nr_routes]);
		if (err)
			return err;
		g->message = true;
		g->address = routes[*nr_routes].address;
		g->data = routes[*nr_routes].data;
		(*nr_routes)++;
		return 0;
	}
	if (entry->type != KVM_IRQ_ROUTING_IRQCHIP || entry->flags || g->message)
		return -EINVAL;
	switch (entry->u.irqchip.irqchip) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		if (pin >= PIC_INPUTS / 2)
			return -EINVAL;
		place = &g->pic;
		if (entry->u.irqchip.irqchip == KVM_IRQCHIP_PIC_SLAVE)
			pin += PIC_INPUTS / 2;
		break;
	case KVM_IRQCHIP_IOAPIC:
		if (pin >= IOAPIC_PINS)
			return -EINVAL;
		place = &g->ioapic;
		break;
	default:
		return -EINVAL;
	}
	if (*place != NO_PIN)
		return -EINVAL;
	*place = pin;
	return 0;
}

static int set_routing_with_chips(struct vm *vm, const struct kvm_irq_routing_entry *entries,
				  unsigned int count, unsigned int max)
{
	struct axv_route *routes = calloc(count + 1, sizeof(*routes));
	struct gsi *gsis = calloc(max, sizeof(*gsis));
	struct kvm_irq_routing_entry entry;
	unsigned int i, nr_routes = 0;
	int err = routes && gsis ? 0 : -ENOMEM;

	for (i = 0; !err && i < max; i++)
		gsis[i] = (struct gsi){ .pic = NO_PIN, .ioapic = NO_PIN };
	for (i = 0; !err && i < count; i++) {
		/* Another thread of the VMM may change what has been checked. */
		entry = *(const volatile struct kvm_irq_routing_entry *)&entries[i];
		err = entry.gsi < max ? add_gsi(&entry, gsis, routes, &nr_routes) : -EINVAL;
	}
	if (err)
		goto out;
	pthread_mutex_lock(&vm->lock);
	/*
	 * Before the module gets the routes: it would take a signal for a gsi without a route,
	 * and drop it.
	 */
	irqfd_leave(vm->chips, gsis, max);
	err = axv_vm_set_routes(vm->axv, routes, nr_routes, AXV_ROUTES_ALL);
	if (!err) {
		chips_set_routes(vm->chips, gsis, max);
		gsis = NULL;
	}
	irqfd_join(vm->chips);
	pthread_mutex_unlock(&vm->lock);
out:
	free(routes);
	free(gsis);
	return err;
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
	if (err || count > max || !vm->lapic)
		return -EINVAL;
	if (vm->chips) {
		err = set_routing_with_chips(vm, routing->entries, count, max);
		if (err)
			debug("%u routes: error %d", count, -err);
		return err;
	}
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
 * With a split irqchip, each call with level 1 sends the message, also where the last level was
 * 1; a call with level 0 does nothing.  The library sends the message itself instead of the
 * module's route, so that its end is an exit for the VMM's IOAPIC (KVM_EXIT_IOAPIC_EOI), which
 * the end of a route's interrupt need not be.
 *
 * As in KVM, a call for a gsi without a route, or whose message reaches no vCPU, is no error.
 */
int irqchip_line(struct vm *vm, const struct kvm_irq_level *line, __s32 *status)
{
	struct axv_route route = {};
	struct chips *c;

	if (!vm->lapic)
		return -ENXIO;
	c = vm->chips;
	if (c) {
		pthread_mutex_lock(&c->lock);
		*status = chips_set_gsi(c, line->irq, SOURCE_VMM, line->level);
		pthread_mutex_unlock(&c->lock);
		return 0;
	}
	*status = line->level && find_route(vm, line->irq, &route) &&
		  !axv_vm_inject_msi(vm->axv, route.address, route.data) ? 1 : -1;
	return 0;
}

void irqchip_free(struct vm *vm)
{
	free(vm->routes);
}

int irqchip_signal_msi(struct vm *vm, const struct kvm_msi *msi)
{
	int err;

	if (!vm->lapic || msi->flags)
		return -EINVAL;
	err = axv_vm_inject_msi(vm->axv, msi->address_lo | (__u64)msi->address_hi << 32,
				message_data(msi->data));
	/* The address is not that of a message: no vCPU gets it, and KVM returns 0. */
	if (err == -EINVAL)
		return 0;
	return err ? err : 1;
}
