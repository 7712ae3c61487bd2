/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a CPU's TLB holds of a VM, as each entry looks at it; tlb.c has the rest.
 */
#ifndef _AXVCPU_ARM64_TLB_H
#define _AXVCPU_ARM64_TLB_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/types.h>

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

/* Something of another generation, or of nobody knows whom, may be there. */
DECLARE_PER_CPU(bool, axv_arm64_all_stale);

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
	if (likely(tlb->serial == v->serial && tlb->tlb_gen == gen &&
		   !__this_cpu_read(axv_arm64_all_stale)))
		return AXV_TLB_NOTHING;
	return axv_arm64_tlb_note(v, tlb, gen);
}

#endif /* _AXVCPU_ARM64_TLB_H */
