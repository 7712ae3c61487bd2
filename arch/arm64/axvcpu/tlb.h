/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a CPU's TLB holds of a VM, as each entry looks at it; tlb.c has the rest.
 */
#ifndef _AXVCPU_ARM64_TLB_H
#define _AXVCPU_ARM64_TLB_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include <asm/kvm_arm.h>

#include "arm64.h"

/**
 * struct axv_arm64_tlb - whose translations with one VMID a CPU's TLB may hold
 * @vm_id:	VM, 0: none that is known
 * @serial:	vCPU, 0 likewise
 * @tlb_gen:	&axv_vm.tlb_gen when they were last flushed
 *
 * Interrupts are off on the CPU.
 */
struct axv_arm64_tlb {
	u32 vm_id;
	u64 serial;
	u64 tlb_gen;
};

u64 axv_arm64_use_vmid(struct axv_arm64_vm *vm);
unsigned int axv_arm64_tlb_note(struct axv_arm64_vcpu *v, struct axv_arm64_tlb *tlb, u64 gen);

/**
 * axv_arm64_tlb_stale() - what this CPU has to forget before it enters @v
 * @v:		vCPU whose VTTBR_EL2 is loaded next
 *
 * A removal that this misses finds the vCPU in the guest and interrupts it.
 *
 * Context: interrupts off.
 * Return: AXV_TLB_*; that it is done is noted.
 */
static __always_inline unsigned int axv_arm64_tlb_stale(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_vm *vm = to_arm64_vm(v->base.vm);
	struct axv_arm64_tlb *tlb = this_cpu_ptr(vm->tlb);
	u64 gen = atomic64_read(&vm->base.tlb_gen);
	/* No other vCPU, of whichever VM, has the serial. */
	bool same = tlb->serial == v->serial, fresh = tlb->tlb_gen == gen;

	/* Both at once, by one branch */
	if (likely(same & fresh))
		return AXV_TLB_NOTHING;
	return axv_arm64_tlb_note(v, tlb, gen);
}

/**
 * axv_arm64_vttbr() - VTTBR_EL2 for some entries on this CPU
 * @vm:		whose
 *
 * Context: interrupts off until after the last of them.
 */
static __always_inline u64 axv_arm64_vttbr(struct axv_arm64_vm *vm)
{
	u64 vmid = axv_arm64_host.vmid_bits ? axv_arm64_use_vmid(vm) : 0;

	return vm->base.s2.root | vmid << VTTBR_VMID_SHIFT;
}

#endif /* _AXVCPU_ARM64_TLB_H */
