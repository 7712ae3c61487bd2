// SPDX-License-Identifier: GPL-2.0
/*
 * Routes: from a number that a device knows (gsi) to an interrupt of a vCPU.
 *
 * A route is found without a lock, under RCU.  A thread that delivers or changes a route
 * holds the route's own raw lock, so that {event, masked, pending} change as one: an event
 * is delivered by the old route or by the new one, not by half of each.
 *
 * An event that cannot be delivered now stays pending.  If the route is masked, the event
 * waits until the route is set anew.  If the queue of the vCPU is full, it waits until the
 * vCPU's thread looks for it, before it enters the guest or sleeps.  A wire also waits
 * while its vCPU is not there, or is Invalid.  Any other event that the vCPU refuses is
 * lost, since nothing would come that could deliver it.
 *
 * When a level route is delivered, it notes the vCPU and the vector.  axv_routes_ended()
 * acts on that note when the interrupt ends.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include <axvcpu/arch.h>
#include <axvcpu/current.h>
#include <axvcpu/route.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "resample.h"

/**
 * struct axv_gsi - a route, in &axv_vm.routes by its gsi
 * @lock:	guards what follows, but for @table and @rcu.  Raw: taken in any context in
 *		which an eventfd is signalled.  Outside &axv_vcpu.lock; no two are held at
 *		once.
 * @pending:	an event was not delivered yet
 * @in_flight:	of a level: it was delivered to @to_vcpu as @vector, and has not ended
 * @line:	bits of &enum axv_line: what holds the level up; of a route that is no
 *		level, what does so if it becomes one
 * @to_vcpu:	id of the vCPU to which a level was delivered last
 * @vector:	x86's vector, or arm64's INTID, as which a level was delivered last
 * @set:	what userspace asked for, without the flags that are state
 * @event:	what the vCPU gets
 * @table:	&axv_vm.route_table when it was set last; under &axv_vm.lock
 * @rcu:	frees it after look-ups that have found it
 */
struct axv_gsi {
	raw_spinlock_t lock;
	bool pending;
	bool in_flight;
	u8 line;
	u32 to_vcpu;
	u32 vector;
	struct axv_route set;
	struct axv_inject event;
	unsigned long table;
	struct rcu_head rcu;
};

#define STATE_FLAGS	(AXV_ROUTE_PENDING | AXV_ROUTE_IN_FLIGHT)
#define ROUTE_FLAGS	(AXV_ROUTE_MASKED | AXV_ROUTE_REMOVE | AXV_ROUTE_LEVEL | STATE_FLAGS)

/**
 * axv_vm_has_routes() - does its irqchip take events of routes?
 * @vm:		any VM
 */
bool axv_vm_has_routes(const struct axv_vm *vm)
{
	return vm->ops->route && vm->irqchip != AXV_IRQCHIP_NONE;
}

static bool is_level(const struct axv_gsi *route)
{
	return route->set.flags & AXV_ROUTE_LEVEL;
}

/* Is the route a level that has to fall (arm64)?  On x86 a level is a message, which ends. */
static bool is_wire(const struct axv_gsi *route)
{
	return is_level(route) && route->event.type == AXV_INJECT_WIRED;
}

static int give(struct axv_vm *vm, const struct axv_gsi *route)
{
	struct axv_inject event = route->event;
	struct axv_vcpu *vcpu;

	if (event.type == AXV_INJECT_MSI)
		return vm->ops->msi(vm, &event);
	if (is_wire(route))
		event.flags |= AXV_EVENT_ROUTED;
	vcpu = xa_load(&vm->vcpus, route->set.vcpu);
	return vcpu ? axv_vcpu_inject_routed(vcpu, &event) : -ENOENT;
}

/* Deliver a route's pending event, if that can be done now.  Under &axv_gsi.lock and RCU. */
static void deliver(struct axv_vm *vm, struct axv_gsi *route)
{
	int err;

	lockdep_assert_held(&route->lock);
	if (route->set.flags & AXV_ROUTE_MASKED || !route->pending)
		return;
	/* A level's message is not sent again before its interrupt has ended. */
	if (is_level(route) && !is_wire(route) && route->in_flight)
		return;
	err = give(vm, route);
	if (err == -EAGAIN)
		return;
	/*
	 * Without a vCPU that takes it, an event is lost, as on a bus; but a wire waits for
	 * one.
	 */
	route->pending = is_wire(route) && (err == -ENOENT || err == -EBADFD);
	if (!is_level(route))
		return;
	route->to_vcpu = route->set.vcpu;
	route->vector = route->event.vector;
	route->in_flight = !err;
}

/* ---- levels ------------------------------------------------------------------ */

/**
 * struct fall - wires that a call has lowered
 * @wires:	0: none; 1: one wire, perhaps by several routes; more: different wires
 * @vcpu:	id of the vCPU of the last one
 * @vector:	vector of the last one
 */
struct fall {
	unsigned int wires;
	u32 vcpu;
	u32 vector;
};

/*
 * Lower a route's wire at the vCPU, even if other routes hold it up.  Under &axv_gsi.lock
 * and RCU; after_fall() has to follow without that lock.
 */
static void lower(struct axv_vm *vm, const struct axv_gsi *route, struct fall *fall)
{
	struct axv_vcpu *vcpu = xa_load(&vm->vcpus, route->to_vcpu);
	struct axv_inject low = route->event;

	lockdep_assert_held(&route->lock);
	low.vector = route->vector;
	low.data = 0;
	if (vcpu)
		axv_vcpu_inject(vcpu, &low);
	if (!fall->wires || fall->vcpu != route->to_vcpu || fall->vector != route->vector)
		fall->wires++;
	fall->vcpu = route->to_vcpu;
	fall->vector = route->vector;
}

/* Deliver what waits on a route, and its wire again if that was lowered.  Under RCU. */
static void raise_again(struct axv_vm *vm, struct axv_gsi *route, const struct fall *fall)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&route->lock, flags);
	if (is_wire(route) && route->line && route->in_flight &&
	    (fall->wires > 1 ||
	     (route->to_vcpu == fall->vcpu && route->vector == fall->vector)))
		route->pending = true;
	deliver(vm, route);
	raw_spin_unlock_irqrestore(&route->lock, flags);
}

/*
 * Raise the wires again that other routes hold up, and deliver events that waited for room
 * in a queue.  The locks of the other routes are taken after the wires were lowered: if a
 * route has noted that its wire is high, the wire is raised again here; if it notes that
 * later, it raises the wire itself.
 *
 * Called once for all wires that a call has lowered; otherwise 4,096 routes of one wire are
 * looked at 4,096 times.
 */
static void after_fall(struct axv_vm *vm, const struct fall *fall)
{
	struct axv_vcpu *vcpu;
	struct axv_gsi *route;
	unsigned long gsi;

	if (!fall->wires)
		return;
	rcu_read_lock();
	if (fall->wires > 1) {
		xa_for_each(&vm->routes, gsi, route)
			raise_again(vm, route, fall);
	} else {
		xa_for_each_marked(&vm->routes, gsi, route, AXV_ROUTE_MARK_LEVEL)
			raise_again(vm, route, fall);
		vcpu = xa_load(&vm->vcpus, fall->vcpu);
		if (vcpu)
			axv_routes_retry(vcpu);
	}
	rcu_read_unlock();
}

/* Nothing holds the route's level up any more: nothing is pending, and its wire is lowered. */
static void relax(struct axv_vm *vm, struct axv_gsi *route, struct fall *fall)
{
	route->pending = false;
	if (!is_wire(route) || !route->in_flight)
		return;
	lower(vm, route, fall);
	route->in_flight = false;
}

static void end_flight(struct axv_vm *vm, struct axv_gsi *route, struct fall *fall)
{
	route->line &= ~AXV_LINE_IRQFD;
	if (is_wire(route)) {
		if (!route->line)
			relax(vm, route, fall);
		return;
	}
	/* The end is told to whatever holds the level up, which then raises the route again. */
	route->in_flight = false;
	route->pending = false;
}

static bool flies_as(const struct axv_gsi *route, const struct axv_vcpu *vcpu, u32 vector)
{
	return route->in_flight && route->vector == vector &&
	       (!is_wire(route) || route->to_vcpu == vcpu->id);
}

/*
 * End the next route, from *@gsi on, that is in flight as @vector; *@line: what held it up
 * until then.  Returns false if there is none.
 */
static bool end_next(struct axv_vcpu *vcpu, u32 vector, unsigned long *gsi, u8 *line,
		     struct fall *fall)
{
	struct axv_vm *vm = vcpu->vm;
	struct axv_gsi *route;
	unsigned long flags;
	bool found = false;

	rcu_read_lock();
	while (!found && (route = xa_find(&vm->routes, gsi, ULONG_MAX,
					  AXV_ROUTE_MARK_LEVEL))) {
		raw_spin_lock_irqsave(&route->lock, flags);
		found = flies_as(route, vcpu, vector);
		if (found) {
			*line = route->line;
			end_flight(vm, route, fall);
		}
		raw_spin_unlock_irqrestore(&route->lock, flags);
		*gsi += !found;
	}
	rcu_read_unlock();
	return found;
}

/**
 * __axv_routes_ended() - axv_routes_ended() where there may be level routes
 * @vcpu:	vCPU whose claim the caller holds
 * @vector:	what has ended
 *
 * Each route ends once, even if it is raised again meanwhile.  A wire that several routes
 * share is low until after_fall() has raised it again.  The guest does not see that, since
 * this thread is the one that enters it.
 *
 * Context: as axv_routes_ended().
 * Return: as axv_routes_ended().
 */
bool __axv_routes_ended(struct axv_vcpu *vcpu, u32 vector)
{
	bool found = false, tell = false;
	struct fall fall = {};
	unsigned long gsi;
	u8 line;

	axv_assert_claimed(vcpu);
	for (gsi = 0; end_next(vcpu, vector, &gsi, &line, &fall); gsi++) {
		found = true;
		if (line != AXV_LINE_IRQFD)
			tell = true;
		if (line & AXV_LINE_IRQFD && !axv_resample(vcpu->vm, gsi))
			tell = true;
		cond_resched();
	}
	after_fall(vcpu->vm, &fall);
	return tell || !found;
}

/* ---- events ------------------------------------------------------------------ */

/**
 * axv_route_raise() - deliver an event of a route, or keep it pending
 * @vm:		any VM
 * @gsi:	number of the route
 * @line:	of a level route: what holds it up
 *
 * Several events that were not delivered yet are one event.
 *
 * Context: any but NMI.
 * Return: 0, or -ENOENT if there is no route.
 */
int axv_route_raise(struct axv_vm *vm, u32 gsi, enum axv_line line)
{
	struct axv_gsi *route;
	unsigned long flags;

	rcu_read_lock();
	route = xa_load(&vm->routes, gsi);
	if (route) {
		raw_spin_lock_irqsave(&route->lock, flags);
		/*
		 * AXV_LINE_IRQFD is noted also while the route is no level: the irqfd waits for
		 * an end.
		 */
		if (is_level(route) || line == AXV_LINE_IRQFD)
			route->line |= line;
		route->pending = true;
		deliver(vm, route);
		raw_spin_unlock_irqrestore(&route->lock, flags);
	}
	rcu_read_unlock();
	return route ? 0 : -ENOENT;
}

/* The VMM does not hold the level of a route up any more. */
static int route_fall(struct axv_vm *vm, u32 gsi)
{
	struct fall fall = {};
	struct axv_gsi *route;
	unsigned long flags;

	rcu_read_lock();
	route = xa_load(&vm->routes, gsi);
	if (route) {
		raw_spin_lock_irqsave(&route->lock, flags);
		route->line &= ~AXV_LINE_VMM;
		if (is_level(route) && !route->line)
			relax(vm, route, &fall);
		raw_spin_unlock_irqrestore(&route->lock, flags);
	}
	rcu_read_unlock();
	after_fall(vm, &fall);
	return route ? 0 : -ENOENT;
}

/**
 * axv_vm_inject() - deliver an event that is for the VM as a whole
 * @vm:		any VM
 * @event:	WIRED: the level of a route's wire; MSI: a message
 *
 * Context: any but NMI.
 * Return: 0; -EINVAL: no such event; -EOPNOTSUPP: the VM's irqchip takes none of its type;
 * -ENOENT: no such route.
 */
int axv_vm_inject(struct axv_vm *vm, const struct axv_inject *event)
{
	int err;

	if (event->type > AXV_INJECT_PPI || event->flags || event->priority)
		return -EINVAL;
	if (!axv_vm_has_routes(vm))
		return -EOPNOTSUPP;
	switch (event->type) {
	case AXV_INJECT_MSI:
		if (!vm->ops->msi)
			return -EOPNOTSUPP;
		rcu_read_lock();
		err = vm->ops->msi(vm, event);
		rcu_read_unlock();
		return err;
	case AXV_INJECT_WIRED:
		if (event->data > 1)
			return -EINVAL;
		return event->data ? axv_route_raise(vm, event->vector, AXV_LINE_VMM) :
				     route_fall(vm, event->vector);
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * __axv_routes_retry() - deliver what found the queue of a vCPU full
 * @vcpu:	any vCPU
 *
 * A delivery that finds the queue full after the flag was cleared sets it again, under the
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
		if (READ_ONCE(route->set.vcpu) != vcpu->id)
			continue;
		/*
		 * @pending is not looked at without the lock: a thread that holds the lock has
		 * either found no vCPU and left the event pending, or looks for the vCPU
		 * later, and finds this one.
		 */
		raw_spin_lock_irqsave(&route->lock, flags);
		deliver(vm, route);
		raw_spin_unlock_irqrestore(&route->lock, flags);
	}
	rcu_read_unlock();
}

/**
 * __axv_routes_closed() - axv_routes_closed() where there may be level routes
 * @vcpu:	vCPU that no thread finds by its id any more
 *
 * Another vCPU may have the id already: the wire is delivered to that one, perhaps for the
 * second time.
 *
 * Context: as axv_routes_closed().
 */
void __axv_routes_closed(struct axv_vcpu *vcpu)
{
	struct axv_vm *vm = vcpu->vm;
	unsigned long flags, gsi;
	struct axv_gsi *route;

	rcu_read_lock();
	xa_for_each_marked(&vm->routes, gsi, route, AXV_ROUTE_MARK_LEVEL) {
		raw_spin_lock_irqsave(&route->lock, flags);
		if (is_wire(route) && route->in_flight && route->to_vcpu == vcpu->id) {
			route->in_flight = false;
			route->pending = route->line;
			deliver(vm, route);
		}
		raw_spin_unlock_irqrestore(&route->lock, flags);
	}
	rcu_read_unlock();
}

/* ---- changes; under &axv_vm.lock --------------------------------------------- */

/*
 * Take a route out of the VM and lower its wire.  At the end of the VM also without
 * &axv_vm.lock.  If other routes stay, after_fall() has to follow.  Returns false if there
 * is no route.
 */
static bool take_route(struct axv_vm *vm, u32 gsi, struct fall *fall)
{
	struct axv_gsi *route = xa_erase(&vm->routes, gsi);
	unsigned long flags;

	if (!route)
		return false;
	rcu_read_lock();
	/* A thread that has found the route already delivers nothing after this. */
	raw_spin_lock_irqsave(&route->lock, flags);
	relax(vm, route, fall);
	route->set.flags = AXV_ROUTE_MASKED;
	raw_spin_unlock_irqrestore(&route->lock, flags);
	rcu_read_unlock();
	kfree_rcu(route, rcu);
	return true;
}

static void remove_route(struct axv_vm *vm, u32 gsi, struct fall *fall)
{
	lockdep_assert_held(&vm->lock);
	if (take_route(vm, gsi, fall))
		vm->nr_routes--;
}

/* Add a route that is masked until set_route(): an event that comes before stays pending. */
static int add_blank(struct axv_vm *vm, u32 gsi)
{
	struct axv_gsi *route = kzalloc(sizeof(*route), GFP_KERNEL_ACCOUNT);
	int err;

	if (!route)
		return -ENOMEM;
	raw_spin_lock_init(&route->lock);
	route->set.flags = AXV_ROUTE_MASKED;
	err = xa_err(xa_store(&vm->routes, gsi, route, GFP_KERNEL_ACCOUNT));
	if (err) {
		kfree(route);
		return err;
	}
	xa_set_mark(&vm->routes, gsi, AXV_ROUTE_MARK_NEW);
	vm->nr_routes++;
	return 0;
}

static int check(struct axv_vm *vm, const struct axv_route *new)
{
	struct axv_inject event = {};

	if (new->flags & ~ROUTE_FLAGS)
		return -EINVAL;
	if (new->flags & AXV_ROUTE_REMOVE)
		return 0;
	if (new->flags & AXV_ROUTE_IN_FLIGHT && !(new->flags & AXV_ROUTE_LEVEL))
		return -EINVAL;
	return vm->ops->route(vm, new, &event);
}

/* Take back what make_room() has added for a table that is not set after all. */
static void remove_blanks(struct axv_vm *vm)
{
	struct fall none = {};
	struct axv_gsi *route;
	unsigned long gsi;

	xa_for_each_marked(&vm->routes, gsi, route, AXV_ROUTE_MARK_NEW) {
		remove_route(vm, gsi, &none);
		cond_resched();
	}
}

/* Add a blank for each route that is not there yet, so that nothing that follows can fail. */
static int make_room(struct axv_vm *vm, const struct axv_route *routes, u32 count,
		     u32 limit)
{
	int err = 0;
	u32 i;

	for (i = 0; i < count && !err; i++, cond_resched()) {
		if (routes[i].flags & AXV_ROUTE_REMOVE || xa_load(&vm->routes, routes[i].gsi))
			continue;
		err = vm->nr_routes < limit ? add_blank(vm, routes[i].gsi) : -ENOSPC;
	}
	if (err)
		remove_blanks(vm);
	return err;
}

/* Set the state of a route that is, or no longer is, a level.  Under &axv_gsi.lock. */
static void set_level(struct axv_gsi *route, u32 flags)
{
	if (!is_level(route)) {
		/*
		 * @line stays: an irqfd that waits for an end gets one if this is a level
		 * again.
		 */
		route->in_flight = false;
		return;
	}
	/*
	 * If it is in flight already, the note stays: that interrupt is the one that will
	 * end.
	 */
	if (flags & AXV_ROUTE_IN_FLIGHT && !route->in_flight) {
		route->in_flight = true;
		route->to_vcpu = route->set.vcpu;
		route->vector = route->event.vector;
	}
	/*
	 * It is not known here what holds the level up; with AXV_LINE_IRQFD its end is told in
	 * any case.
	 */
	if (!route->line && (route->pending || flags & AXV_ROUTE_IN_FLIGHT))
		route->line = AXV_LINE_IRQFD;
	if (route->line && (is_wire(route) || !route->in_flight))
		route->pending = true;
}

/* Set a route that is there.  @new was checked. */
static void set_route(struct axv_vm *vm, const struct axv_route *new, struct fall *fall)
{
	struct axv_gsi *route = xa_load(&vm->routes, new->gsi);
	struct axv_inject event = {};
	unsigned long flags;

	vm->ops->route(vm, new, &event);
	/* Marked before it can be delivered: __axv_routes_ended() looks at marked ones only. */
	if (new->flags & AXV_ROUTE_LEVEL)
		xa_set_mark(&vm->routes, new->gsi, AXV_ROUTE_MARK_LEVEL);
	rcu_read_lock();
	raw_spin_lock_irqsave(&route->lock, flags);
	if (is_wire(route) && route->in_flight)
		lower(vm, route, fall);
	route->event = event;
	WRITE_ONCE(route->set.vcpu, new->vcpu);
	/* __axv_routes_retry() reads @vcpu without the lock; the copy writes the same again. */
	data_race(route->set = *new);
	route->set.flags &= ~STATE_FLAGS;
	if (new->flags & AXV_ROUTE_PENDING)
		route->pending = true;
	set_level(route, new->flags);
	deliver(vm, route);
	raw_spin_unlock_irqrestore(&route->lock, flags);
	rcu_read_unlock();
	if (!(new->flags & AXV_ROUTE_LEVEL))
		xa_clear_mark(&vm->routes, new->gsi, AXV_ROUTE_MARK_LEVEL);
	route->table = vm->route_table;
}

/*
 * Signal the resample eventfds of each new level route.  A level that went up while there was no
 * route was delivered to no vCPU, so it would never end, and its device would wait for ever.  A
 * level that an irqfd holds up, or that was set as pending or in flight, will end.
 *
 * This comes after all else that the call does, since it may take long: there may be 4,096
 * routes, and as many eventfds.
 */
static void ask_new(struct axv_vm *vm)
{
	struct axv_gsi *route;
	unsigned long gsi;
	bool ask;

	xa_for_each_marked(&vm->routes, gsi, route, AXV_ROUTE_MARK_NEW) {
		xa_clear_mark(&vm->routes, gsi, AXV_ROUTE_MARK_NEW);
		raw_spin_lock_irq(&route->lock);
		ask = is_level(route) && !(route->line & AXV_LINE_IRQFD);
		raw_spin_unlock_irq(&route->lock);
		if (ask)
			axv_resample(vm, gsi);
		cond_resched();
	}
}

/**
 * axv_set_routes() - add, change and remove routes
 * @vm:		VM whose &axv_vm.lock is held
 * @routes:	what userspace asks for; of several for one gsi the last counts, but if
 *		one of them removes it, it is removed
 * @count:	how many, at most AXV_MAX_ROUTES
 * @all:	remove all routes that are not in @routes
 *
 * After it has returned nothing is delivered by an old route.  An error changes
 * nothing.  The resample eventfds of a level route that was not there before are signalled.
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP: the irqchip has no routes; -EINVAL: an unknown flag, or an event
 * that the back end does not know; -ENOSPC: more than AXV_MAX_ROUTES; -ENOMEM.
 */
int axv_set_routes(struct axv_vm *vm, const struct axv_route *routes, u32 count,
		   bool all)
{
	u32 limit = all ? 2 * AXV_MAX_ROUTES : AXV_MAX_ROUTES;
	struct fall fall = {};
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
	vm->route_table++;
	err = make_room(vm, routes, count, limit);
	if (err)
		return err;
	for (i = 0; i < count; i++, cond_resched())
		if (!(routes[i].flags & AXV_ROUTE_REMOVE))
			set_route(vm, &routes[i], &fall);
	for (i = 0; i < count; i++, cond_resched())
		if (routes[i].flags & AXV_ROUTE_REMOVE)
			remove_route(vm, routes[i].gsi, &fall);
	if (all) {
		xa_for_each(&vm->routes, gsi, route) {
			if (route->table != vm->route_table)
				remove_route(vm, gsi, &fall);
			cond_resched();
		}
	}
	after_fall(vm, &fall);
	ask_new(vm);
	return 0;
}

/**
 * axv_get_routes() - read routes, and whether they are pending or in flight
 * @vm:		VM whose &axv_vm.lock is held
 * @routes:	in: their gsis; out: the rest.  AXV_ROUTE_REMOVE: there is no such route
 * @count:	how many
 *
 * axv_set_routes() with the result makes the routes what they are now.
 *
 * Context: process context.
 * Return: 0; -EOPNOTSUPP: the irqchip has no routes.
 */
int axv_get_routes(struct axv_vm *vm, struct axv_route *routes, u32 count)
{
	struct axv_gsi *route;
	u32 i;

	lockdep_assert_held(&vm->lock);
	if (!axv_vm_has_routes(vm))
		return -EOPNOTSUPP;
	for (i = 0; i < count; i++, cond_resched()) {
		route = xa_load(&vm->routes, routes[i].gsi);
		if (!route) {
			routes[i] = (struct axv_route){
				.gsi = routes[i].gsi, .flags = AXV_ROUTE_REMOVE,
			};
			continue;
		}
		raw_spin_lock_irq(&route->lock);
		routes[i] = route->set;
		if (route->pending)
			routes[i].flags |= AXV_ROUTE_PENDING;
		if (route->in_flight)
			routes[i].flags |= AXV_ROUTE_IN_FLIGHT;
		raw_spin_unlock_irq(&route->lock);
	}
	return 0;
}

/**
 * axv_end_routes() - remove all routes, so that nothing is delivered any more
 * @vm:		VM whose routes no call changes any more: its file is closed, or its address
 *		space is gone
 *
 * May be called more than once, and by two threads.
 *
 * Context: process context.
 */
void axv_end_routes(struct axv_vm *vm)
{
	struct fall fall = {};
	struct axv_gsi *route;
	unsigned long gsi;

	/* No after_fall(): no route is left that could raise a wire again, or wait for room. */
	xa_for_each(&vm->routes, gsi, route) {
		take_route(vm, gsi, &fall);
		cond_resched();
	}
	WRITE_ONCE(vm->nr_routes, 0);
}
