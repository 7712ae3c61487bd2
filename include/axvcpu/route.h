/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Routes: from a number (gsi) to an interrupt of a vCPU.  route.c; and the eventfds
 * that use them, irqfd.c
 */
#ifndef _AXVCPU_ROUTE_H
#define _AXVCPU_ROUTE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

struct axv_route;
struct axv_set_irqfd;

#define AXV_MAX_ROUTES	4096
#define AXV_MAX_IRQFDS	4096

/* A mark in &axv_vm.routes: the route has AXV_ROUTE_LEVEL. */
#define AXV_ROUTE_MARK_LEVEL	XA_MARK_0
/* Another mark: the call under way has added the route.  Changed under &axv_vm.lock. */
#define AXV_ROUTE_MARK_NEW	XA_MARK_1

/**
 * enum axv_line - what holds the level of a route up, as bits
 * @AXV_LINE_VMM:	AXV_INJECT, or an irqfd without a resample eventfd; until AXV_INJECT
 *			lets it fall
 * @AXV_LINE_IRQFD:	an irqfd with a resample eventfd; until the interrupt ends
 */
enum axv_line {
	AXV_LINE_VMM = 1,
	AXV_LINE_IRQFD = 2,
};

bool axv_vm_has_routes(const struct axv_vm *vm);
int axv_set_routes(struct axv_vm *vm, const struct axv_route *routes, u32 count,
		   bool all);
int axv_get_routes(struct axv_vm *vm, struct axv_route *routes, u32 count);
void axv_end_routes(struct axv_vm *vm);
int axv_route_raise(struct axv_vm *vm, u32 gsi, enum axv_line line);
int axv_vm_inject(struct axv_vm *vm, const struct axv_inject *event);
void __axv_routes_retry(struct axv_vcpu *vcpu);
void __axv_routes_closed(struct axv_vcpu *vcpu);
bool __axv_routes_ended(struct axv_vcpu *vcpu, u32 vector);

/**
 * axv_routes_retry() - deliver to a vCPU what waits on its routes
 * @vcpu:	any vCPU
 *
 * Called before a vCPU enters or sleeps, and when something has left its queue.
 *
 * Context: any but NMI.
 */
static inline void axv_routes_retry(struct axv_vcpu *vcpu)
{
	if (unlikely(READ_ONCE(vcpu->routes_wait)))
		__axv_routes_retry(vcpu);
}

/* May there be level routes? */
static inline bool axv_has_levels(const struct axv_vm *vm)
{
	/* A plain load, without the lock of the array. */
	return data_race(xa_marked(&vm->routes, AXV_ROUTE_MARK_LEVEL));
}

/**
 * axv_routes_closed() - note that a vCPU is gone, and its wires with it
 * @vcpu:	vCPU that no thread finds by its id any more
 *
 * A route that holds one of these wires up waits until it is set anew, or until another
 * vCPU has that id.
 *
 * Context: process context, no lock held.
 */
static inline void axv_routes_closed(struct axv_vcpu *vcpu)
{
	if (unlikely(axv_has_levels(vcpu->vm)))
		__axv_routes_closed(vcpu);
}

/**
 * axv_routes_ended() - the guest has ended a level interrupt
 * @vcpu:	vCPU whose claim the caller holds
 * @vector:	as &axv_arch_ops.route put it in the event: x86's vector, arm64's INTID
 *
 * A back end calls this once for each end of an interrupt that a level route may have
 * delivered: on x86 at an EOI whose TMR bit is set, on arm64 when a level is
 * deactivated.  The level routes that are in flight with @vector end: those with a WIRED
 * event if they went to this vCPU, those with an MSI whichever vCPU took it.  Their
 * resample eventfds are signalled, which may raise the same routes at once.
 *
 * A wire whose level nothing holds up any more is lowered by an event with data 0; if other
 * routes hold up the same INTID, an event with data 1 follows.
 *
 * An end too many does no harm: the device raises its route again if it has reason to.  A
 * missed end does harm: the eventfd's owner waits for it.  So if a back end forgets a
 * message in flight, as it does at an INIT, the route stays in flight, as an IOAPIC's
 * remote IRR does, until the VMM sets the route without AXV_ROUTE_LEVEL.
 *
 * An event that a back end got other than by a route (AXV_INJECT of an MSI) is unknown
 * here: if it shares a vector with routes, the back end has to tell the VMM whatever this
 * returns.
 *
 * Context: the outer loop, preemption and interrupts on, no lock held: on a realtime kernel
 * signalling sleeps.
 * Return: true: the VMM has to be told (AXV_EXIT_EOI on x86): the interrupt came by no route, or
 * something without a resample eventfd holds one of the levels up, or did so when the level was
 * delivered; false: all that wait for the end have been told.
 */
static inline bool axv_routes_ended(struct axv_vcpu *vcpu, u32 vector)
{
	return !axv_has_levels(vcpu->vm) || __axv_routes_ended(vcpu, vector);
}

int axv_irqfd_init(void);
void axv_irqfd_exit(void);
int axv_set_irqfd(struct axv_vm *vm, const struct axv_set_irqfd *config);
void axv_irqfds_close(struct axv_vm *vm);
void axv_irqfd_end_all(struct axv_vm *vm);

#endif /* _AXVCPU_ROUTE_H */
