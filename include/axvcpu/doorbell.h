/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Doorbells: a guest's write that signals an eventfd instead of ending the run.
 */
#ifndef _AXVCPU_DOORBELL_H
#define _AXVCPU_DOORBELL_H

#include <linux/compiler.h>
#include <linux/kconfig.h>
#include <linux/rcupdate.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

/* With PREEMPT_RT an eventfd's lock is one that sleeps. */
#define AXV_RINGING_SLEEPS	IS_ENABLED(CONFIG_PREEMPT_RT)

/*
 * An inner loop looks doorbells up only if the VM has no more than these.  A VMM can choose
 * addresses and values that share one bucket of the hash, and interrupts are off while that
 * is walked.
 */
#define AXV_DOORBELLS_INNER	64

bool __axv_ring_doorbell(struct axv_vcpu *vcpu, enum axv_space space, u64 addr,
			 unsigned int width, u64 data);

/**
 * axv_has_doorbells() - may a space have a doorbell?
 * @vm:		any VM
 * @space:	the space
 */
static __always_inline bool axv_has_doorbells(const struct axv_vm *vm,
					      enum axv_space space)
{
	return unlikely(rcu_access_pointer(vm->doorbells.table[space]));
}

/**
 * axv_ringing_is_slow() - do doorbells have to be looked up in the outer loop?
 * @vm:		any VM
 */
static __always_inline bool axv_ringing_is_slow(const struct axv_vm *vm)
{
	return AXV_RINGING_SLEEPS || READ_ONCE(vm->doorbells.nr) > AXV_DOORBELLS_INNER;
}

/**
 * axv_ring_doorbell() - signal the eventfd that a guest's write is for
 * @vcpu:	vCPU whose claim the caller holds, and whose guest wrote
 * @space:	where
 * @addr:	port, or guest physical address without a region
 * @width:	bytes: 1, 2, 4 or 8
 * @data:	what was written; no bits above @width
 *
 * Context: the thread that runs the vCPU, no lock held; the inner loop as well, unless
 * axv_ringing_is_slow().
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
