// SPDX-License-Identifier: GPL-2.0
/*
 * Tags of translations: ASIDs (AMD APM vol. 2, 15.16) and VPIDs (Intel SDM
 * vol. 3C, "Virtual Processor Identifiers (VPIDs)"), and the flushes they need.
 *
 * An ASID belongs to a vCPU on one host CPU for one generation of that CPU.
 * When a CPU has handed out all of its ASIDs, the generation ends with a flush
 * of everything.  A vCPU whose translations are no longer valid takes a fresh
 * ASID; what the TLB holds under the old one is not used any more.
 */
#include <linux/atomic.h>

#include "asid.h"
#include "x86.h"

/**
 * axv_x86_asids_reset() - forget all ASIDs of a CPU
 * @asids:	this CPU's
 *
 * The next entry on this CPU, also of a vCPU which was here before, begins a new
 * generation, and so flushes everything.
 *
 * Context: on that CPU with interrupts off.
 */
void axv_x86_asids_reset(struct axv_x86_asids *asids)
{
	asids->generation++;
	asids->next = asids->count;
}

/* Hand out an ASID.  Return: whether a new generation begins. */
static bool take_asid(struct axv_x86_asid *asid, struct axv_x86_asids *asids, int cpu)
{
	bool first = asids->next >= asids->count;

	if (first) {
		asids->generation++;
		asids->next = 1;
	}
	asid->cpu = cpu;
	asid->generation = asids->generation;
	asid->value = asids->next++;
	asid->stale = false;
	return first;
}

/**
 * axv_x86_asid_next() - choose ASID and flush for the next entry
 * @x:		vCPU loaded on this CPU
 * @asids:	this CPU's
 * @cpu:	this CPU
 *
 * Context: interrupts off.
 */
enum axv_x86_flush axv_x86_asid_next(struct axv_x86_vcpu *x,
				     struct axv_x86_asids *asids, int cpu)
{
	struct axv_x86_asid *asid = &x->asid;
	u64 tlb_gen = atomic64_read(&x->base.vm->tlb_gen);
	bool arrived = asid->cpu != cpu || asid->generation != asids->generation;
	bool removed = asid->tlb_gen != tlb_gen;

	asid->tlb_gen = tlb_gen;
	if (!arrived && !asid->stale)
		return removed ? AXV_FLUSH_STAGE2 : AXV_FLUSH_NONE;
	if (take_asid(asid, asids, cpu))
		return AXV_FLUSH_ALL;
	return arrived || removed ? AXV_FLUSH_ARRIVED : AXV_FLUSH_NEW;
}
