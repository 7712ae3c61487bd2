// SPDX-License-Identifier: GPL-2.0
/*
 * What a CPU's TLB has to forget before a guest is entered.
 *
 * KVM hands out every VMID but 0, so beside it all guests here have VMID 0.  When another
 * VM comes to a CPU, the TLB forgets the last VM, and so do the predictors, which tell
 * contexts apart by their VMID.  Where KVM is off each VM has a VMID of its own, and
 * finds on a CPU what it left there, until VMIDs begin anew: then a CPU forgets all
 * translations and predictions of guests once.
 *
 * Two vCPUs of a VM may use one ASID for different address spaces, so the TLB forgets
 * stage 1 when another vCPU of the same VM comes to a CPU, too.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <asm/barrier.h>
#include <asm/kvm_arm.h>

#include "arm64.h"
#include "tlb.h"
#include "vmid.h"

/* What a CPU's TLB may hold with VMID 0, where all guests share that */
static DEFINE_PER_CPU(struct axv_arm64_tlb, shared_tlb);

static struct axv_vmids vmids;
/* The CPU's TLB may hold translations of an older generation, or of unknown guests. */
static DEFINE_PER_CPU(bool, all_stale);

/**
 * axv_arm64_tlb_init() - prepare to hand out VMIDs, when axv_arm64_host is filled in
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM; -EOPNOTSUPP: there are more CPUs than VMIDs, and without VHE guests
 * cannot share VMID 0, which the host has.
 */
int __init axv_arm64_tlb_init(void)
{
	int err;

	if (!axv_arm64_host.vmid_bits)
		return 0;
	err = axv_vmids_init(&vmids, axv_arm64_host.vmid_bits);
	if (err == -ERANGE && axv_arm64_host.vhe) {
		axv_arm64_host.vmid_bits = 0;
		return 0;
	}
	return err == -ERANGE ? -EOPNOTSUPP : err;
}

/** axv_arm64_tlb_exit() - free what axv_arm64_tlb_init() made; there is no VM */
void axv_arm64_tlb_exit(void)
{
	if (axv_arm64_host.vmid_bits)
		axv_vmids_destroy(&vmids);
}

/**
 * axv_arm64_tlb_reset_cpu() - note that nothing is known of this CPU's TLB
 *
 * Context: interrupts off.
 */
void axv_arm64_tlb_reset_cpu(void)
{
	if (axv_arm64_host.vmid_bits)
		axv_vmids_forget_cpu(&vmids, smp_processor_id());
	else
		*this_cpu_ptr(&shared_tlb) = (struct axv_arm64_tlb){ 0 };
}

/**
 * axv_arm64_tlb_create() - prepare to note what TLBs hold of a VM
 * @vm:		the VM
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int axv_arm64_tlb_create(struct axv_arm64_vm *vm)
{
	if (!axv_arm64_host.vmid_bits) {
		vm->tlb = &shared_tlb;
		return 0;
	}
	vm->tlb = alloc_percpu(struct axv_arm64_tlb);
	return vm->tlb ? 0 : -ENOMEM;
}

/** axv_arm64_tlb_destroy() - free what axv_arm64_tlb_create() made */
void axv_arm64_tlb_destroy(struct axv_arm64_vm *vm)
{
	if (axv_arm64_host.vmid_bits)
		free_percpu(vm->tlb);
}

/**
 * axv_arm64_use_vmid() - the VMID of a VM for a stretch of entries on this CPU
 * @vm:		VM that is entered
 *
 * In a new generation of VMIDs the first entry on this CPU makes it forget all guests.
 * Until then the note of what the TLB holds of the VM is dropped; otherwise
 * axv_arm64_tlb_stale() would find the note good, and not look at all_stale.
 *
 * Context: interrupts off until after the last of these entries.
 */
u64 axv_arm64_use_vmid(struct axv_arm64_vm *vm)
{
	bool stale;
	u64 vmid = axv_vmid_use(&vmids, &vm->vmid, smp_processor_id(), &stale);

	if (unlikely(stale))
		__this_cpu_write(all_stale, true);
	if (unlikely(__this_cpu_read(all_stale)))
		this_cpu_ptr(vm->tlb)->serial = 0;
	return vmid;
}

/**
 * axv_arm64_tlb_note() - find out what this CPU has to forget before an entry
 * @v:		vCPU that is entered next
 * @tlb:	what the CPU holds of its VM
 * @gen:	&axv_vm.tlb_gen of the VM, read before
 *
 * Context: interrupts off.
 * Return: AXV_TLB_*; it is noted as done, so the caller has to do it.
 */
noinstr unsigned int axv_arm64_tlb_note(struct axv_arm64_vcpu *v, struct axv_arm64_tlb *tlb,
					u64 gen)
{
	struct axv_arm64_vm *vm = to_arm64_vm(v->base.vm);
	unsigned int stale;

	if (__this_cpu_read(all_stale))
		stale = AXV_TLB_ALL;
	else if (tlb->vm_id != vm->base.id && tlb == this_cpu_ptr(&shared_tlb))
		stale = AXV_TLB_OTHER;
	else if (tlb->vm_id == vm->base.id && tlb->tlb_gen == gen)
		stale = AXV_TLB_STAGE1;
	else
		stale = AXV_TLB_VM;
	__this_cpu_write(all_stale, false);
	tlb->vm_id = vm->base.id;
	tlb->serial = v->serial;
	tlb->tlb_gen = gen;
	axv_count(&v->base.stats.flushes, 1);
	return stale;
}

/**
 * axv_arm64_flush_stage2() - make sure that no CPU uses old translations after this
 * @vm:		VM whose second-stage mappings were removed or lost rights
 *
 * Context: interrupts on; waits for other CPUs, does not sleep.
 */
void axv_arm64_flush_stage2(struct axv_vm *vm)
{
	/* Table walkers see a store only after a DSB (Arm ARM, DSB). */
	dsb(ishst);
	axv_vm_flush_on_entry(vm);
}
