/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Doorbells: a guest's write that signals an eventfd instead of ending the run.
 */
#ifndef _AXVCPU_DOORBELL_H
#define _AXVCPU_DOORBELL_H

#include <linux/compiler.h>
#include <linux/rcupdate.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

bool __axv_ring_doorbell(struct axv_vcpu *vcpu, enum axv_space space, u64 addr,
			 unsigned int width, u64 data);

/**
 * axv_has_doorbells() - may there be a doorbell?
 * @vm:		any VM
 * @space:	where
 */
static __always_inline bool axv_has_doorbells(const struct axv_vm *vm,
					      enum axv_space space)
{
	return unlikely(rcu_access_pointer(vm->doorbells.table[space]));
}

/**
 * axv_ring_doorbell() - signal the eventfd that a guest's write is for
 * @vcpu:	vCPU whose claim the caller holds, and whose guest wrote
 * @space:	where
 * @addr:	port, or guest physical address without a region
 * @width:	bytes: 1, 2, 4 or 8
 * @data:	what was written; no bits above @width
 *
 * Context: the outer loop, preemption and interrupts on, no lock held: on a realtime
 * kernel signalling sleeps.
 * Return: true: done, the guest goes on behind the write; false: there is no doorbell.
 */
static __always_inline bool axv_ring_doorbell(struct axv_vcpu *vcpu,
					      enum axv_space space, u64 addr,
					      unsigned int width, u64 data)
{
	return axv_has_doorbells(vcpu->vm, space) &&
	       __axv_ring_doorbell(vcpu, space, addr, width, data);
}

int axv_set_doorbell(struct axv_vm *vm, const struct axv_doorbell *request);
u32 axv_doorbell_flags(const struct axv_arch_ops *ops);
void axv_doorbells_init(struct axv_vm *vm);
void axv_doorbells_close(struct axv_vm *vm);
void axv_doorbells_destroy(struct axv_vm *vm);

#endif /* _AXVCPU_DOORBELL_H */
