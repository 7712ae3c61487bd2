// SPDX-License-Identifier: GPL-2.0
/*
 * What a CPU's TLB has to forget before a guest is entered.
 *
 * KVM hands out every VMID but 0, so beside it all guests here have that one, and
 * the TLB forgets the last one when another VM comes to the CPU, and so do the
 * predictors, which tell contexts apart by their VMID.  Where KVM is off a VM has a
 * VMID of its own, and finds on the CPU what it left, until VMIDs begin anew: then a
 * CPU forgets all translations and predictions of guests once.
 *
 * Address spaces of two vCPUs may have the same numbers, if only by that of their
 * VM's stage 1, so another vCPU of the same VM begins without translations, too.
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

/* Those with VMID 0, where that is everybody's */
static DEFINE_PER_CPU(struct axv_arm64_tlb, shared_tlb);

static struct axv_vmids vmids;
/* Something of another generation, or of nobody knows whom, may be there. */
static DEFINE_PER_CPU(bool, all_stale);

/**
 * axv_arm64_tlb_init() - once, when the host is known
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM; -EOPNOTSUPP: more CPUs than VMIDs, and 0 is the host's.
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

/** axv_arm64_tlb_exit() - the end; there is no VM */
void axv_arm64_tlb_exit(void)
{
	if (axv_arm64_host.vmid_bits)
		axv_vmids_destroy(&vmids);
}

/**
 * axv_arm64_tlb_reset_cpu() - nothing is known of this CPU's TLB
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
 * axv_arm64_tlb_create() - a VM's part
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

/** axv_arm64_tlb_destroy() - the end of what axv_arm64_tlb_create() made */
void axv_arm64_tlb_destroy(struct axv_arm64_vm *vm)
{
	if (axv_arm64_host.vmid_bits)
		free_percpu(vm->tlb);
}

/**
 * axv_arm64_use_vmid() - a VM's VMID for some entries on this CPU
 * @vm:		whose
 *
 * Of a new generation the first entry on this CPU makes it forget all guests.  Until then
 * what is noted of a VM that comes here is dropped; otherwise its entry finds the note good,
 * and looks no further.
 *
 * Context: interrupts off until after the last of them.
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
 * axv_arm64_tlb_note() - what this CPU has to forget, if anything
 * @v:		vCPU that is entered next
 * @tlb:	what the CPU holds of its VM
 * @gen:	&axv_vm.tlb_gen of the VM, read before
 *
 * Context: interrupts off.
 * Return: AXV_TLB_*; that it is done is noted.
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
	v->base.stats.flushes++;
	return stale;
}

/**
 * axv_arm64_flush_stage2() - no CPU uses old translations when this returns
 * @vm:		VM whose second-stage mappings were removed or lost rights
 *
 * Context: interrupts on; waits for other CPUs, does not sleep.
 */
void axv_arm64_flush_stage2(struct axv_vm *vm)
{
	/* What walks tables is no other observer's equal (Arm ARM, DSB). */
	dsb(ishst);
	axv_vm_flush_on_entry(vm);
}
