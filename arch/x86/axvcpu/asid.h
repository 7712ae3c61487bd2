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
 * @AXV_FLUSH_STAGE2:	the second stage, whose mappings were removed; the ASID is kept
 * @AXV_FLUSH_NEW:	nothing, since the ASID is a fresh one
 * @AXV_FLUSH_ARRIVED:	the ASID is a fresh one.  What this CPU caches of the second stage
 *			without an ASID may be out of date, from the vCPU's last time on
 *			this CPU or from another VM
 * @AXV_FLUSH_ALL:	everything under any ASID; the ASID is a fresh one
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
 * The caller has set &axv_vcpu.mode to AXV_IN_GUEST before this reads &axv_vm.tlb_gen.
 * So a thread that removes a mapping which this misses sees the vCPU in the guest, and
 * interrupts this CPU.
 *
 * Context: interrupts off.
 * Return: true, or false: call axv_x86_asid_next().
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
 * axv_x86_cr_changes() - software is about to set a control register
 * @x:		vCPU whose claim the caller holds
 * @cr:		which
 * @value:	the new value
 *
 * The TLB may hold translations made under the old value.  The guest's own MOV to CR
 * flushes them; after a write by software the next entry takes a fresh ASID instead (AMD
 * APM vol. 2, 5.5.3 and 15.16; Intel SDM vol. 3A, "Invalidation of TLBs and
 * Paging-Structure Caches").  CR0.WP, too, decides what a cached translation allows.
 */
static inline void axv_x86_cr_changes(struct axv_x86_vcpu *x, unsigned int cr,
				      u64 value)
{
	if (cr == 3 || cr == 4 ||
	    (cr == 0 && ((value ^ x->cr0) & (X86_CR0_PE | X86_CR0_WP |
					     X86_CR0_PG))))
		x->asid.stale = true;
}

/* axv_x86_cr_changes() for EFER: NXE and LMA change what a cached translation means. */
static inline void axv_x86_efer_changes(struct axv_x86_vcpu *x, u64 value)
{
	if (value != x->efer)
		x->asid.stale = true;
}

#endif /* _AXVCPU_X86_ASID_H */
