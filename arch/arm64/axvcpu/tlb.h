/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a CPU's TLB may hold of a VM: the part that each entry executes; tlb.c has the
 * rest.
 */
#ifndef _AXVCPU_ARM64_TLB_H
#define _AXVCPU_ARM64_TLB_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include <asm/kvm_arm.h>

#include "arm64.h"

/**
 * struct axv_arm64_tlb - the translations that a CPU's TLB may hold with one VMID
 * @vm_id:	id of the VM that they belong to; 0: not known
 * @serial:	&axv_arm64_vcpu.serial of the vCPU that was entered last; 0: not known
 * @tlb_gen:	&axv_vm.tlb_gen when they were last flushed
 *
 * Each CPU has its own, which it accesses with interrupts off.
 */
struct axv_arm64_tlb {
	u32 vm_id;
	u64 serial;
	u64 tlb_gen;
};

u64 axv_arm64_use_vmid(struct axv_arm64_vm *vm);
unsigned int axv_arm64_tlb_note(struct axv_arm64_vcpu *v, struct axv_arm64_tlb *tlb, u64 gen);

/**
 * axv_arm64_tlb_stale() - find out what this CPU has to forget before it enters @v
 * @v:		vCPU whose VTTBR_EL2 is loaded next
 *
 * If this does not see the new &axv_vm.tlb_gen of a removal, that removal sees the vCPU
 * in the guest and interrupts it.
 *
 * Context: interrupts off.
 * Return: AXV_TLB_*; it is noted as done, so the caller has to do it.
 */
static __always_inline unsigned int axv_arm64_tlb_stale(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_vm *vm = to_arm64_vm(v->base.vm);
	struct axv_arm64_tlb *tlb = this_cpu_ptr(vm->tlb);
	u64 gen = atomic64_read(&vm->base.tlb_gen);
	/* No other vCPU of any VM has the serial. */
	bool same = tlb->serial == v->serial, fresh = tlb->tlb_gen == gen;

	/* Both are tested by one branch. */
	if (likely(same & fresh))
		return AXV_TLB_NOTHING;
	return axv_arm64_tlb_note(v, tlb, gen);
}

/**
 * axv_arm64_vttbr() - VTTBR_EL2 for a stretch of entries on this CPU
 * @vm:		VM that is entered
 *
 * Context: interrupts off until after the last of these entries.
 */
static __always_inline u64 axv_arm64_vttbr(struct axv_arm64_vm *vm)
{
	u64 vmid = axv_arm64_host.vmid_bits ? axv_arm64_use_vmid(vm) : 0;

	return vm->base.s2.root | vmid << VTTBR_VMID_SHIFT;
}

#endif /* _AXVCPU_ARM64_TLB_H */
