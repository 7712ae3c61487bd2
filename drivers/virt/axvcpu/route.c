// SPDX-License-Identifier: GPL-2.0
/*
 * Routes: from a number that a device knows (gsi) to an interrupt of a vCPU.
 *
 * A route is found without a lock, under RCU.  Delivering and changing hold its own raw
 * lock, so that {event, masked, pending} change as one: an event is delivered by the old
 * route or by the new one, not by half of each.
 *
 * What cannot be delivered stays pending: while the route is masked, until it is set
 * anew; while the queue of the vCPU is full, until the vCPU takes it, before it enters or
 * sleeps.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include <axvcpu/arch.h>
#include <axvcpu/route.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

/**
 * struct axv_gsi - a route, in &axv_vm.routes by its gsi
 * @lock:	guards what follows, but @rcu and @table.  Raw: taken by whoever signals
 *		an eventfd.  Outside &axv_vcpu.lock.
 * @masked:	nothing is delivered
 * @pending:	an event was not delivered yet
 * @vcpu:	id of the vCPU that gets it, which may not be there
 * @event:	what the vCPU gets
 * @table:	&axv_vm.route_table when it was set last; under &axv_vm.lock
 * @rcu:	frees it after those who found it
 */
struct axv_gsi {
	raw_spinlock_t lock;
	bool masked;
	bool pending;
	u32 vcpu;
	struct axv_inject event;
	unsigned long table;
	struct rcu_head rcu;
};

/**
 * axv_vm_has_routes() - does its irqchip take events of routes?
 * @vm:		any VM
 */
bool axv_vm_has_routes(const struct axv_vm *vm)
{
	return vm->ops->route && vm->irqchip != AXV_IRQCHIP_NONE;
}

/* Under &axv_gsi.lock and RCU. */
static void deliver(struct axv_vm *vm, struct axv_gsi *gsi)
{
	struct axv_vcpu *vcpu;

	lockdep_assert_held(&gsi->lock);
	if (gsi->masked || !gsi->pending)
		return;
	/* What nobody is there to take is lost, as on a bus. */
	vcpu = xa_load(&vm->vcpus, gsi->vcpu);
	if (!vcpu || axv_vcpu_inject_routed(vcpu, &gsi->event) != -EAGAIN)
		WRITE_ONCE(gsi->pending, false);
}

/**
 * axv_route_raise() - an event on a route
 * @vm:		any VM
 * @gsi:	number of the route
 *
 * Of events that were not delivered yet, one is left.
 *
 * Context: any but NMI.
 * Return: 0, or -ENOENT if there is no route.
 */
int axv_route_raise(struct axv_vm *vm, u32 gsi)
{
	struct axv_gsi *route;
	unsigned long flags;

	rcu_read_lock();
	route = xa_load(&vm->routes, gsi);
	if (route) {
		raw_spin_lock_irqsave(&route->lock, flags);
		WRITE_ONCE(route->pending, true);
		deliver(vm, route);
		raw_spin_unlock_irqrestore(&route->lock, flags);
	}
	rcu_read_unlock();
	return route ? 0 : -ENOENT;
}

/**
 * axv_vm_inject() - an event for the VM as a whole
 * @vm:		any VM
 * @event:	WIRED: a route's event, when the wire rises
 *
 * Context: any but NMI.
 * Return: 0; -EINVAL: no such event; -EOPNOTSUPP: no irqchip has a use for it; -ENOENT:
 * no such route.
 */
int axv_vm_inject(struct axv_vm *vm, const struct axv_inject *event)
{
	if (event->type > AXV_INJECT_PPI || event->flags || event->priority)
		return -EINVAL;
	if (event->type != AXV_INJECT_WIRED || !axv_vm_has_routes(vm))
		return -EOPNOTSUPP;
	if (event->data > 1)
		return -EINVAL;
	return event->data ? axv_route_raise(vm, event->vector) : 0;
}

/**
 * __axv_routes_retry() - deliver what found the queue of a vCPU full
 * @vcpu:	any vCPU
 *
 * Who finds the queue full again after the flag was cleared sets it anew, under the
 * same lock.
 *
 * Context: any but NMI.
 */
void __axv_routes_retry(struct axv_vcpu *vcpu)
{
	struct axv_vm *vm = vcpu->vm;
	struct axv_gsi *route;
	unsigned long flags, gsi;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	WRITE_ONCE(vcpu->routes_wait, false);
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);

	rcu_read_lock();
	xa_for_each(&vm->routes, gsi, route) {
		if (!READ_ONCE(route->pending) || READ_ONCE(route->vcpu) != vcpu->id)
			continue;
		raw_spin_lock_irqsave(&route->lock, flags);
		deliver(vm, route);
		raw_spin_unlock_irqrestore(&route->lock, flags);
	}
	rcu_read_unlock();
}

/* ---- changes; under &axv_vm.lock --------------------------------------------- */

/* Also without the lock, at the end.  false: there is none. */
static bool take_route(struct axv_vm *vm, u32 gsi)
{
	struct axv_gsi *route = xa_erase(&vm->routes, gsi);
	unsigned long flags;

	if (!route)
		return false;
	/* Who has found it already delivers nothing after this. */
	raw_spin_lock_irqsave(&route->lock, flags);
	route->masked = true;
	raw_spin_unlock_irqrestore(&route->lock, flags);
	kfree_rcu(route, rcu);
	return true;
}

static void remove_route(struct axv_vm *vm, u32 gsi)
{
	lockdep_assert_held(&vm->lock);
	if (take_route(vm, gsi))
		vm->nr_routes--;
}

/* A route that delivers nothing before set_route(), and keeps what comes until then. */
static int add_blank(struct axv_vm *vm, u32 gsi)
{
	struct axv_gsi *route = kzalloc(sizeof(*route), GFP_KERNEL_ACCOUNT);
	int err;

	if (!route)
		return -ENOMEM;
	raw_spin_lock_init(&route->lock);
	route->masked = true;
	/* Odd: no table has set it.  remove_blanks() finds it by that. */
	route->table = vm->route_table - 1;
	err = xa_err(xa_store(&vm->routes, gsi, route, GFP_KERNEL_ACCOUNT));
	if (err) {
		kfree(route);
		return err;
	}
	vm->nr_routes++;
	return 0;
}

static int check(struct axv_vm *vm, const struct axv_route *new)
{
	struct axv_inject event = {};

	if (new->flags & ~(AXV_ROUTE_MASKED | AXV_ROUTE_REMOVE))
		return -EINVAL;
	return new->flags & AXV_ROUTE_REMOVE ? 0 : vm->ops->route(vm, new, &event);
}

/* Take back what make_room() has added for a table that is not set after all. */
static void remove_blanks(struct axv_vm *vm)
{
	struct axv_gsi *route;
	unsigned long gsi;

	xa_for_each(&vm->routes, gsi, route)
		if (route->table == vm->route_table - 1)
			remove_route(vm, gsi);
}

/* Room for all of them: nothing that follows can fail. */
static int make_room(struct axv_vm *vm, const struct axv_route *routes, u32 count,
		     u32 limit)
{
	int err = 0;
	u32 i;

	for (i = 0; i < count && !err; i++) {
		if (routes[i].flags & AXV_ROUTE_REMOVE || xa_load(&vm->routes, routes[i].gsi))
			continue;
		err = vm->nr_routes < limit ? add_blank(vm, routes[i].gsi) : -ENOSPC;
	}
	if (err)
		remove_blanks(vm);
	return err;
}

/* The route is there, and @new was checked. */
static void set_route(struct axv_vm *vm, const struct axv_route *new)
{
	struct axv_gsi *route = xa_load(&vm->routes, new->gsi);
	struct axv_inject event = {};
	unsigned long flags;

	vm->ops->route(vm, new, &event);
	rcu_read_lock();
	raw_spin_lock_irqsave(&route->lock, flags);
	route->event = event;
	WRITE_ONCE(route->vcpu, new->vcpu);
	route->masked = new->flags & AXV_ROUTE_MASKED;
	deliver(vm, route);
	raw_spin_unlock_irqrestore(&route->lock, flags);
	rcu_read_unlock();
	route->table = vm->route_table;
}

/**
 * axv_set_routes() - add, change and remove routes
 * @vm:		VM whose &axv_vm.lock is held
 * @routes:	what userspace asks for; of several for one gsi the last counts, but if
 *		one of them removes it, it is removed
 * @count:	how many, at most AXV_MAX_ROUTES
 * @all:	other routes than these are removed
 *
 * After it has returned nothing is delivered by an old route.  An error changes
 * nothing.
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP: the irqchip has no routes; -EINVAL: an unknown flag, or an event
 * that the back end does not know; -ENOSPC: more than AXV_MAX_ROUTES; -ENOMEM.
 */
int axv_set_routes(struct axv_vm *vm, const struct axv_route *routes, u32 count,
		   bool all)
{
	u32 limit = all ? 2 * AXV_MAX_ROUTES : AXV_MAX_ROUTES;
	struct axv_gsi *route;
	unsigned long gsi;
	int err;
	u32 i;

	lockdep_assert_held(&vm->lock);
	if (!axv_vm_has_routes(vm))
		return -EOPNOTSUPP;
	for (i = 0; i < count; i++) {
		err = check(vm, &routes[i]);
		if (err)
			return err;
	}
	vm->route_table += 2;
	err = make_room(vm, routes, count, limit);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		if (!(routes[i].flags & AXV_ROUTE_REMOVE))
			set_route(vm, &routes[i]);
	for (i = 0; i < count; i++)
		if (routes[i].flags & AXV_ROUTE_REMOVE)
			remove_route(vm, routes[i].gsi);
	if (!all)
		return 0;
	xa_for_each(&vm->routes, gsi, route)
		if (route->table != vm->route_table)
			remove_route(vm, gsi);
	return 0;
}

/**
 * axv_end_routes() - remove all routes: nothing is delivered any more
 * @vm:		VM whose routes no call changes any more: its file is closed, or its address
 *		space is gone
 *
 * May be called more than once, and by two threads.
 *
 * Context: process context.
 */
void axv_end_routes(struct axv_vm *vm)
{
	struct axv_gsi *route;
	unsigned long gsi;

	xa_for_each(&vm->routes, gsi, route)
		take_route(vm, gsi);
	WRITE_ONCE(vm->nr_routes, 0);
}
