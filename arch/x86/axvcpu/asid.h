/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ASIDs (VMX: VPIDs), and what an entry has to flush.  asid.c
 */
#ifndef _AXVCPU_X86_ASID_H
#define _AXVCPU_X86_ASID_H

#include <linux/atomic.h>

#include "x86.h"

/**
 * enum axv_x86_flush - what an entry has to flush
 * @AXV_FLUSH_NONE:	nothing
 * @AXV_FLUSH_STAGE2:	second-stage mappings were removed; the ASID is kept
 * @AXV_FLUSH_NEW:	nothing, but the ASID is a new one
 * @AXV_FLUSH_ARRIVED:	likewise, and what this CPU knows of the second stage may
 *			be from the vCPU's last visit, or another VM's
 * @AXV_FLUSH_ALL:	everything under any ASID; and the ASID is a new one
 */
enum axv_x86_flush {
	AXV_FLUSH_NONE,
	AXV_FLUSH_STAGE2,
	AXV_FLUSH_NEW,
	AXV_FLUSH_ARRIVED,
	AXV_FLUSH_ALL,
};

void axv_x86_asids_reset(struct axv_x86_asids *asids);
enum axv_x86_flush axv_x86_asid_next(struct axv_x86_vcpu *x,
				     struct axv_x86_asids *asids, int cpu);

/**
 * axv_x86_asid_is_good() - may the guest be entered with its ASID, unflushed?
 * @x:		vCPU loaded on this CPU
 * @asids:	this CPU's
 * @cpu:	this CPU
 *
 * Reads &axv_vm.tlb_gen after &axv_vcpu.mode says AXV_IN_GUEST: a removal that
 * this misses finds the vCPU in the guest and interrupts it.
 *
 * Context: interrupts off.
 * Return: false: ask axv_x86_asid_next().
 */
static __always_inline bool axv_x86_asid_is_good(const struct axv_x86_vcpu *x,
						 const struct axv_x86_asids *asids,
						 int cpu)
{
	const struct axv_x86_asid *asid = &x->asid;

	return asid->cpu == cpu && asid->generation == asids->generation &&
	       !asid->stale &&
	       asid->tlb_gen == atomic64_read(&x->base.vm->tlb_gen);
}

/**
 * axv_x86_cr_changes() - a control register is about to be set, not by hardware
 * @x:		vCPU whose claim the caller holds
 * @cr:		which
 * @value:	the new value
 *
 * The TLB may hold translations made under the old one: the guest's own MOV to
 * CR flushes them, a value set from outside has to (AMD APM vol. 2, 5.5.3 and
 * 15.16; Intel SDM vol. 3A, "Invalidation of TLBs and Paging-Structure
 * Caches").  WP, too, decides what a cached translation allows.
 */
static inline void axv_x86_cr_changes(struct axv_x86_vcpu *x, unsigned int cr,
				      u64 value)
{
	if (cr == 3 || cr == 4 ||
	    (cr == 0 && ((value ^ x->cr0) & (X86_CR0_PE | X86_CR0_WP |
					     X86_CR0_PG))))
		x->asid.stale = true;
}

/* The same for EFER: NXE and LMA change what a cached translation means. */
static inline void axv_x86_efer_changes(struct axv_x86_vcpu *x, u64 value)
{
	if (value != x->efer)
		x->asid.stale = true;
}

#endif /* _AXVCPU_X86_ASID_H */
