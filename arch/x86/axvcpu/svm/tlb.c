// SPDX-License-Identifier: GPL-2.0
/*
 * Address space identifiers, and the flushes a guest's TLB needs (APM 15.16).
 *
 * An ASID belongs to a vCPU on one host CPU for one generation of that CPU.
 * When a CPU has handed out all of its ASIDs, the generation ends with a flush
 * of everything.  A vCPU whose second-stage mappings were removed flushes its
 * own ASID where the hardware can, and takes a fresh one where it cannot.
 */
#include "svm.h"

/**
 * axv_svm_tlb_reset_cpu() - forget all ASIDs of a CPU
 * @sc:		this CPU's
 *
 * The next entry on this CPU begins a generation, and so flushes everything;
 * also that of a vCPU which was here before.
 *
 * Context: on that CPU with interrupts off.
 */
void axv_svm_tlb_reset_cpu(struct axv_svm_cpu *sc)
{
	sc->asid_generation++;
	sc->next_asid = axv_svm.asids;
}

static void axv_svm_new_asid(struct axv_svm_vcpu *svm, struct axv_svm_cpu *sc,
			     int cpu)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (sc->next_asid >= axv_svm.asids) {
		sc->asid_generation++;
		sc->next_asid = 1;
		control->tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
		svm->x.base.stats.flushes++;
	}
	svm->asid_cpu = cpu;
	svm->asid_generation = sc->asid_generation;
	control->asid = sc->next_asid++;
	axv_svm_dirty(svm, SVM_CLEAN_ASID);
}

/**
 * axv_svm_tlb_prepare() - ASID and flush for the entry that comes next
 * @svm:	vCPU loaded on this CPU
 * @cpu:	this CPU
 *
 * Reads &axv_vm.tlb_gen after axv_vcpu.mode says AXV_IN_GUEST: a removal that
 * this misses finds the vCPU in the guest and interrupts it.
 *
 * Context: interrupts off.
 */
void axv_svm_tlb_prepare(struct axv_svm_vcpu *svm, int cpu)
{
	struct axv_svm_cpu *sc = this_cpu_ptr(&axv_svm_cpu);
	struct vmcb_control_area *control = &svm->vmcb->control;
	u64 tlb_gen = atomic64_read(&svm->x.base.vm->tlb_gen);

	control->tlb_ctl = TLB_CONTROL_DO_NOTHING;
	if (unlikely(svm->asid_cpu != cpu ||
		     svm->asid_generation != sc->asid_generation)) {
		axv_svm_new_asid(svm, sc, cpu);
	} else if (unlikely(svm->tlb_gen != tlb_gen)) {
		if (axv_svm.flush_by_asid) {
			control->tlb_ctl = TLB_CONTROL_FLUSH_ASID;
			svm->x.base.stats.flushes++;
		} else {
			axv_svm_new_asid(svm, sc, cpu);
		}
	}
	svm->tlb_gen = tlb_gen;
}
