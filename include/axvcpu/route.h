/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Routes: from a number (gsi) to an interrupt of a vCPU.  route.c; and the eventfds
 * that use them, irqfd.c
 */
#ifndef _AXVCPU_ROUTE_H
#define _AXVCPU_ROUTE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include <axvcpu/vcpu.h>

struct axv_route;
struct axv_set_irqfd;
struct axv_vm;

#define AXV_MAX_ROUTES	4096
#define AXV_MAX_IRQFDS	4096

bool axv_vm_has_routes(const struct axv_vm *vm);
int axv_set_routes(struct axv_vm *vm, const struct axv_route *routes, u32 count,
		   bool all);
void axv_end_routes(struct axv_vm *vm);
int axv_route_raise(struct axv_vm *vm, u32 gsi);
int axv_vm_inject(struct axv_vm *vm, const struct axv_inject *event);
void __axv_routes_retry(struct axv_vcpu *vcpu);

/**
 * axv_routes_retry() - take what routes could not deliver
 * @vcpu:	any vCPU
 *
 * Before a vCPU enters or sleeps, and when something has left its queue.
 *
 * Context: any but NMI.
 */
static inline void axv_routes_retry(struct axv_vcpu *vcpu)
{
	if (unlikely(READ_ONCE(vcpu->routes_wait)))
		__axv_routes_retry(vcpu);
}

int axv_irqfd_init(void);
void axv_irqfd_exit(void);
int axv_set_irqfd(struct axv_vm *vm, const struct axv_set_irqfd *config);
void axv_irqfds_close(struct axv_vm *vm);
void axv_irqfd_end_all(struct axv_vm *vm);

#endif /* _AXVCPU_ROUTE_H */
