// SPDX-License-Identifier: GPL-2.0
/*
 * VMX's part of the run path: loading a vCPU, and the world switch.
 */
#include <linux/sched/signal.h>
#include <asm/cpufeature.h>
#include <asm/nospec-branch.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>

#include "../asid.h"
#include "../run.h"
#include "../tsc.h"
#include "insn.h"
#include "vmx.h"

/* General detect: an access to a debug register is a #DB. */
#define DR7_GD	BIT_ULL(13)

DEFINE_PER_CPU(struct axv_x86_asids, axv_vmx_vpids);

/**
 * axv_vmx_load() - this CPU takes the vCPU, or goes back to it
 * @vcpu:	vCPU whose claim the caller holds; loaded nowhere, or here
 * @cpu:	this CPU
 *
 * The branch predictors have been trained by another guest, hence the barrier,
 * and the L1 data cache has that guest's data.
 *
 * Context: preemption and interrupts off.
 */
void axv_vmx_load(struct axv_vcpu *vcpu, int cpu)
{
	struct axv_vmx_vcpu *vmx = to_vmx(vcpu);

	indirect_branch_prediction_barrier();
	vmx->flush_l1d = true;
	if (!vmx->initialized)
		WARN_ON_ONCE(axv_vmclear(vmx->vmcs_pa));
	WARN_ON_ONCE(axv_vmptrld(vmx->vmcs_pa));
	if (vcpu->loaded_cpu == cpu)
		return;
	if (!vmx->initialized) {
		axv_vmx_write_constants(vmx);
		vmx->initialized = true;
	}
	axv_vmx_host_load(vmx, cpu);
}

/* Restore the host's DEBUGCTL, which an exit clears. */
static __always_inline void restore_debugctl(const struct axv_vmx_vcpu *vmx)
{
	if (unlikely(vmx->host.debugctl))
		wrmsrl(MSR_IA32_DEBUGCTLMSR, vmx->host.debugctl);
}

static __always_inline u64 host_tsc_aux(struct axv_x86_vcpu *x)
{
	return x86_to_vmx(x)->host.tsc_aux;
}

/*
 * Combined mappings are tagged by VPID and EPTP, guest-physical ones by EPTP alone
 * (SDM vol. 3C, "Caching Translation Information").  On a CPU where the vCPU has not
 * been before, or not lately, mappings of an older table with the same address may be
 * cached under that EPTP, so a fresh VPID is not enough.
 */
static noinline void flush(struct axv_vmx_vcpu *vmx, enum axv_x86_flush flush)
{
	if (flush == AXV_FLUSH_ALL)
		axv_invvpid(AXV_VMX_INV_ALL, 0);
	if (flush != AXV_FLUSH_NEW) {
		axv_invept(axv_vmx_caps.invept_single ? AXV_VMX_INV_SINGLE :
							AXV_VMX_INV_ALL,
			   axv_vmx_eptp(vmx->x.base.vm));
		axv_count(&vmx->x.base.stats.flushes, 1);
	}
	axv_vmx_set(vmx, AXV_VMX_VPID, vmx->x.asid.value);
}

static __always_inline void prepare(struct axv_x86_vcpu *x, int cpu)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	u64 tsc_offset = axv_x86_tsc_offset(x);
	struct axv_x86_asids *vpids = this_cpu_ptr(&axv_vmx_vpids);

	if (unlikely(vmx->field[AXV_VMX_TSC_OFFSET] != tsc_offset))
		axv_vmx_set(vmx, AXV_VMX_TSC_OFFSET, tsc_offset);
	if (unlikely(vmx->syscall_stale))
		axv_vmx_syscall_load(vmx);
	if (unlikely(!axv_x86_asid_is_good(x, vpids, cpu)))
		flush(vmx, axv_x86_asid_next(x, vpids, cpu));

	/* Early, since a PEBS record under way needs time; otherwise the guest gets it. */
	if (unlikely(vmx->host.pebs))
		wrmsrl(MSR_IA32_PEBS_ENABLE, 0);

	/*
	 * If the guest single-steps an instruction that has left a shadow, entry
	 * requires the trap to be pending (SDM, "Checks on Guest Non-Register State").
	 */
	if (unlikely(x->regs.rflags & X86_EFLAGS_TF) &&
	    (axv_vmx_interruptibility(vmx) & AXV_VMX_SHADOW))
		axv_vmx_set(vmx, AXV_VMX_PENDING_DEBUG,
			    axv_vmx_get(vmx, AXV_VMX_PENDING_DEBUG) | DR_STEP);
}

/* VMX does not switch CR2.  The host's need not be restored: the host does not use it. */
static __always_inline bool world_switch(struct axv_vmx_vcpu *vmx)
{
	bool failed;

	axv_x86_load_guest_xstate(&vmx->x);
	axv_x86_begin_guest();

	if (static_branch_unlikely(&axv_vmx_l1d_needed) &&
	    (vmx->flush_l1d || axv_vmx_l1d_always))
		axv_vmx_l1d_flush();
	vmx->flush_l1d = false;
	if (vmx->cr2 != native_read_cr2())
		native_write_cr2(vmx->cr2);
	failed = axv_vmx_enter(vmx);
	vmx->cr2 = native_read_cr2();

	axv_x86_end_guest();
	axv_x86_load_host_xstate(&vmx->x);
	return failed;
}

/*
 * Fields whose copy stays valid across an exit, if it was valid before.
 *
 * DR7 is among them as long as the guest cannot change it: its MOV to DR7 exits, and
 * so does every task switch (SDM, "Instructions That Cause VM Exits Conditionally",
 * "Unconditionally").  Delivery of #DB clears GD (SDM vol. 3B, "Debug Control Register
 * (DR7)"), and nothing else of DR7, so with GD set the field is read again.
 */
static __always_inline u64 kept_fields(const struct axv_vmx_vcpu *vmx)
{
	if (unlikely(vmx->x.dr_live || (vmx->field[AXV_VMX_DR7] & DR7_GD)))
		return AXV_VMX_OWN_FIELDS;
	return AXV_VMX_OWN_FIELDS | BIT_ULL(AXV_VMX_DR7);
}

static __always_inline void enter(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	struct axv_x86_gprs *regs = &x->regs;

	if (regs->rip != vmx->hw_rip)
		axv_vmwrite(GUEST_RIP, regs->rip);
	if (regs->gpr[AXV_X86_RSP] != vmx->hw_rsp)
		axv_vmwrite(GUEST_RSP, regs->gpr[AXV_X86_RSP]);
	if (regs->rflags != vmx->hw_rflags)
		axv_vmwrite(GUEST_RFLAGS, regs->rflags);
	if (unlikely(vmx->dirty))
		axv_vmx_write_dirty(vmx);

	if (unlikely(world_switch(vmx))) {
		vmx->exit.reason = AXV_VMX_VMFAIL |
				   axv_vmread(VM_INSTRUCTION_ERROR);
		vmx->exit.idt_info = 0;
		if (unlikely(vmx->host.pebs))
			wrmsrl(MSR_IA32_PEBS_ENABLE, vmx->host.pebs);
	} else {
		vmx->exit.reason = axv_vmread(VM_EXIT_REASON);
		vmx->exit.idt_info = axv_vmread(IDT_VECTORING_INFO_FIELD);
		vmx->known &= kept_fields(vmx);
		/* Always known: it is asked for under a lock, where the VMCS cannot be read. */
		vmx->field[AXV_VMX_INTERRUPTIBILITY] =
			axv_vmread(GUEST_INTERRUPTIBILITY_INFO);
		vmx->known |= BIT_ULL(AXV_VMX_INTERRUPTIBILITY);
		/* An entry that was refused does not launch the VMCS (SDM, VMLAUNCH). */
		if (likely(!(vmx->exit.reason & VMX_EXIT_REASONS_FAILED_VMENTRY)))
			vmx->launched = true;
	}
	vmx->hw_rip = axv_vmread(GUEST_RIP);
	vmx->hw_rsp = axv_vmread(GUEST_RSP);
	vmx->hw_rflags = axv_vmread(GUEST_RFLAGS);
	regs->rip = vmx->hw_rip;
	regs->gpr[AXV_X86_RSP] = vmx->hw_rsp;
	regs->rflags = vmx->hw_rflags;
}

/*
 * An IRET that faulted had unblocked NMIs already (SDM, "Information for VM
 * Exits Due to Vectored Events", "Exit Qualification for EPT Violations").
 */
static __always_inline bool nmi_unblocked(const struct axv_vmx_vcpu *vmx,
					  u64 info)
{
	return (info & INTR_INFO_UNBLOCK_NMI) &&
	       !(vmx->exit.idt_info & VECTORING_INFO_VALID_MASK);
}

/* An exception, or an NMI of the host's, which is handled before anything else. */
static void after_exception(struct axv_vmx_vcpu *vmx)
{
	u32 info = axv_vmread(VM_EXIT_INTR_INFO);

	vmx->exit.info = info;
	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR) {
		axv_vmx_host_nmi();
		return;
	}
	vmx->exit.error = 0;
	if (info & INTR_INFO_DELIVER_CODE_MASK)
		vmx->exit.error = axv_vmread(VM_EXIT_INTR_ERROR_CODE);
	if (unlikely(nmi_unblocked(vmx, info)) &&
	    (info & INTR_INFO_VECTOR_MASK) != X86_TRAP_DF)
		vmx->x.hw->set_nmi_masked(&vmx->x, true);
}

static __always_inline void after_exit(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	u32 reason = vmx->exit.reason;

	restore_debugctl(vmx);
	if (reason == EXIT_REASON_EXCEPTION_NMI)
		after_exception(vmx);
	if (unlikely(vmx->exit.idt_info & VECTORING_INFO_VALID_MASK) &&
	    reason != EXIT_REASON_TRIPLE_FAULT &&
	    !(reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		axv_vmx_save_interrupted_event(vmx);
}

static __always_inline u64 dr7(struct axv_x86_vcpu *x)
{
	return axv_vmx_get(x86_to_vmx(x), AXV_VMX_DR7);
}

static __always_inline void load_dr6(struct axv_x86_vcpu *x)
{
	set_debugreg(x86_to_vmx(x)->dr6, 6);
}

static __always_inline void save_dr6(struct axv_x86_vcpu *x)
{
	unsigned long value;

	get_debugreg(value, 6);
	x86_to_vmx(x)->dr6 = value;
	set_debugreg(DR6_RESERVED, 6);
}

/* save_dr6() leaves nothing of the guest's in DR6. */
static __always_inline void reset_dr6(struct axv_x86_vcpu *x)
{
}

static __always_inline unsigned int cr8(struct axv_x86_vcpu *x)
{
	return x86_to_vmx(x)->areas->apic[AXV_VMX_APIC_TPR] >> 4;
}

static __always_inline bool shadow(struct axv_x86_vcpu *x)
{
	return axv_vmx_interruptibility(x86_to_vmx(x)) & AXV_VMX_SHADOW;
}

static __always_inline u64 exit_code(struct axv_x86_vcpu *x)
{
	return x86_to_vmx(x)->exit.reason;
}

static void trace_exit(struct axv_x86_vcpu *x)
{
	trace_axv_exit(&x->base, x->regs.rip, x86_to_vmx(x)->exit.reason,
		       axv_vmread(EXIT_QUALIFICATION),
		       axv_vmread(VM_EXIT_INTR_INFO));
}

/* How often axv_guest_read() may find the page gone before the run ends. */
#define PDPTES_TRIES	16

/*
 * Load the PDPTEs that belong to control registers which the VMM set.  If the table
 * cannot be read or its entries are not valid, all PDPTEs are cleared, and the guest
 * faults.  If the host takes the page away again and again, or a signal comes, the run
 * ends, and the next one loads them.  The guest is never entered with PDPTEs of an
 * earlier CR3.
 */
static noinline enum axv_next load_stale_pdptes(struct axv_vmx_vcpu *vmx)
{
	unsigned int i;
	int err;

	for (i = 0; i < PDPTES_TRIES; i++) {
		err = axv_vmx_load_pdptes(vmx);
		if (!err)
			return AXV_RESUME;
		if (err != -EINTR) {
			axv_vmx_clear_pdptes(vmx);
			return AXV_RESUME;
		}
		if (signal_pending(current))
			break;
	}
	axv_x86_exit(&vmx->x, AXV_EXIT_NOTHING, 0);
	return AXV_EXIT;
}

static __always_inline enum axv_next begin_run(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	if (likely(!axv_vmx_pae_paging(vmx) || !vmx->pdptes_stale))
		return AXV_RESUME;
	return load_stale_pdptes(vmx);
}

static const struct axv_x86_engine vmx_engine = {
	.begin_run = begin_run,
	.host_tsc_aux = host_tsc_aux,
	.hold_host = axv_vmx_hold_host,
	.refresh_host = axv_vmx_refresh_host,
	.release_host = axv_vmx_release_host,
	.inject = axv_vmx_inject_events,
	.prepare = prepare,
	.enter = enter,
	.after_exit = after_exit,
	.handle_fast = axv_vmx_handle_fast,
	.handle_slow = axv_vmx_handle_slow,
	.intercept_dr = axv_vmx_intercept_dr,
	.dr7 = dr7,
	.load_dr6 = load_dr6,
	.save_dr6 = save_dr6,
	.reset_dr6 = reset_dr6,
	.cr8 = cr8,
	.shadow = shadow,
	.exit_code = exit_code,
	.trace_exit = trace_exit,
};

/**
 * axv_vmx_run() - enter the guest until something ends the run
 * @vcpu:	claimed vCPU in state Running, current on this thread
 *
 * Context: process context; sleeps for guest memory and in state Blocked.
 * Return: 0 with the exit in the run page; -EIO if the VM is dead.
 */
int axv_vmx_run(struct axv_vcpu *vcpu)
{
	struct axv_vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->flush_l1d = true;
	if (unlikely(axv_vmx_interruptibility(vmx) & AXV_VMX_SHADOW))
		axv_vmx_fit_shadow(vmx);
	return axv_x86_run(&vmx->x, &vmx_engine);
}
