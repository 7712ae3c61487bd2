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
 * sleeps.  So does a wire whose vCPU is not there, or is Invalid: until one is.  What the
 * vCPU refuses is lost: nothing would come that could deliver it.
 *
 * A level route notes, when it is delivered, to which vCPU and as what.  The end of that
 * interrupt acts on the note: axv_routes_ended().
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
 * @lock:	guards what follows, but @rcu and @table.  Raw: taken by whoever signals
 *		an eventfd.  Outside &axv_vcpu.lock; no two are held at once.
 * @pending:	an event was not delivered yet
 * @in_flight:	of a level: it was delivered to @to_vcpu as @vector, and has not ended
 * @line:	of a level: &enum axv_line of those who hold it up; otherwise of those who
 *		do if it becomes one
 * @to_vcpu:	id of a vCPU
 * @vector:	x86's vector, or arm64's INTID
 * @set:	what userspace asked for, without the flags that are state
 * @event:	what the vCPU gets
 * @table:	&axv_vm.route_table when it was set last; under &axv_vm.lock
 * @rcu:	frees it after those who found it
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

/* A level that has to fall, as on arm64.  On x86 it is a message that ends. */
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

/* Under &axv_gsi.lock and RCU. */
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
	/* What nobody is there to take is lost, as on a bus; but a wire waits for a vCPU. */
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
 * @wires:	0; 1; or more than 1, if they were not all the same
 * @vcpu:	of the last one, whose it was
 * @vector:	and which
 */
struct fall {
	unsigned int wires;
	u32 vcpu;
	u32 vector;
};

/*
 * The wire is low for the vCPU, as far as this route goes.  Under &axv_gsi.lock and RCU;
 * after_fall() has to follow without that lock.
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

/* Under RCU. */
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
 * Other routes may hold the same wires up.  Their locks are taken after the wires were
 * lowered: either a route has noted that its wire is high, and raises it again here, or it
 * notes that later, and raises the wire itself.  And there may be room in queues now.
 *
 * Once for all that a call has lowered: otherwise 4,096 routes of one wire are looked at
 * 4,096 times.
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

/* Nobody holds the level up any more. */
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
	/* Whoever holds it up is asked, and sends it again. */
	route->in_flight = false;
	route->pending = false;
}

static bool flies_as(const struct axv_gsi *route, const struct axv_vcpu *vcpu, u32 vector)
{
	return route->in_flight && route->vector == vector &&
	       (!is_wire(route) || route->to_vcpu == vcpu->id);
}

/* The next route from *@gsi on that ends, and who held it up until then. */
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
 * Each route ends once, also one that is raised again meanwhile.  A wire that is low until
 * all have been told is not missed: this thread is the one that enters the guest.
 *
 * Context: as axv_routes_ended().
 * Return: likewise.
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
 * axv_route_raise() - an event on a route
 * @vm:		any VM
 * @gsi:	number of the route
 * @line:	of a level route: who holds it up
 *
 * Of events that were not delivered yet, one is left.
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
		/* An irqfd waits for an end, even if the route is no level just now. */
		if (is_level(route) || line == AXV_LINE_IRQFD)
			route->line |= line;
		route->pending = true;
		deliver(vm, route);
		raw_spin_unlock_irqrestore(&route->lock, flags);
	}
	rcu_read_unlock();
	return route ? 0 : -ENOENT;
}

/* The VMM does not hold it up any more. */
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
 * axv_vm_inject() - an event for the VM as a whole
 * @vm:		any VM
 * @event:	WIRED: the level of a route's wire; MSI: a message
 *
 * Context: any but NMI.
 * Return: 0; -EINVAL: no such event; -EOPNOTSUPP: no irqchip has a use for it; -ENOENT:
 * no such route.
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
		if (READ_ONCE(route->set.vcpu) != vcpu->id)
			continue;
		/*
		 * Not without the lock: whoever holds it has either looked for the vCPU, found
		 * none and left it pending, or looks later, and finds this one.
		 */
		raw_spin_lock_irqsave(&route->lock, flags);
		deliver(vm, route);
		raw_spin_unlock_irqrestore(&route->lock, flags);
	}
	rcu_read_unlock();
}

/**
 * __axv_routes_closed() - axv_routes_closed() where there may be level routes
 * @vcpu:	as there
 *
 * Another vCPU may have the id already, and the wire: then it is told again.
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
 * Also without the lock, at the end.  after_fall() has to follow if other routes stay.
 * Return: false: there is none.
 */
static bool take_route(struct axv_vm *vm, u32 gsi, struct fall *fall)
{
	struct axv_gsi *route = xa_erase(&vm->routes, gsi);
	unsigned long flags;

	if (!route)
		return false;
	rcu_read_lock();
	/* Who has found it already delivers nothing after this. */
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

/* A route that delivers nothing before set_route(), and keeps what comes until then. */
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

/* Room for all of them: nothing that follows can fail. */
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

/* What is state of it, as far as it is a level; under &axv_gsi.lock. */
static void set_level(struct axv_gsi *route, u32 flags)
{
	if (!is_level(route)) {
		/* @line stays: whoever waits for an end gets one if this is a level again. */
		route->in_flight = false;
		return;
	}
	/* What flies already goes on as it was noted: its end is the one that comes. */
	if (flags & AXV_ROUTE_IN_FLIGHT && !route->in_flight) {
		route->in_flight = true;
		route->to_vcpu = route->set.vcpu;
		route->vector = route->event.vector;
	}
	/* Whoever it was, its end is told. */
	if (!route->line && (route->pending || flags & AXV_ROUTE_IN_FLIGHT))
		route->line = AXV_LINE_IRQFD;
	if (route->line && (is_wire(route) || !route->in_flight))
		route->pending = true;
}

/* The route is there, and @new was checked. */
static void set_route(struct axv_vm *vm, const struct axv_route *new, struct fall *fall)
{
	struct axv_gsi *route = xa_load(&vm->routes, new->gsi);
	struct axv_inject event = {};
	unsigned long flags;

	vm->ops->route(vm, new, &event);
	/* Before it can be delivered: __axv_routes_ended() looks at these only. */
	if (new->flags & AXV_ROUTE_LEVEL)
		xa_set_mark(&vm->routes, new->gsi, AXV_ROUTE_MARK_LEVEL);
	rcu_read_lock();
	raw_spin_lock_irqsave(&route->lock, flags);
	if (is_wire(route) && route->in_flight)
		lower(vm, route, fall);
	route->event = event;
	WRITE_ONCE(route->set.vcpu, new->vcpu);
	route->set = *new;
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
 * Who hears of the ends of a new level is asked: one that went up when there was no route,
 * or when the route was removed, was delivered to nobody, and has no end.  A level that an
 * irqfd holds up, or that was set with what waits on it, has one.
 *
 * After all else that the call does, since it may take long: there may be 4,096 of them, and
 * as many eventfds.
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
 * @all:	other routes than these are removed
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
 * axv_get_routes() - routes, with what waits on them
 * @vm:		VM whose &axv_vm.lock is held
 * @routes:	their gsis; gets the rest.  AXV_ROUTE_REMOVE: there is none
 * @count:	how many
 *
 * What axv_set_routes() makes of the result is as the routes are now.
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
	struct fall fall = {};
	struct axv_gsi *route;
	unsigned long gsi;

	/* No after_fall(): none is left that could raise a wire again, or wait for room. */
	xa_for_each(&vm->routes, gsi, route) {
		take_route(vm, gsi, &fall);
		cond_resched();
	}
	WRITE_ONCE(vm->nr_routes, 0);
}
