// SPDX-License-Identifier: GPL-2.0
/*
 * SVM's part of the run path: loading a vCPU, and the world switch.
 */
#include <asm/cpufeature.h>
#include <asm/tlbflush.h>

#include "../asid.h"
#include "../run.h"
#include "../tsc.h"
#include "exit.h"
#include "svm.h"

/**
 * axv_svm_load() - this CPU takes the vCPU
 * @vcpu:	vCPU whose claim the caller holds
 * @cpu:	this CPU
 *
 * The branch predictors have been trained by another guest, hence the barrier,
 * unless the kernel has one at every #VMEXIT anyway.
 *
 * Context: preemption and interrupts off.
 */
void axv_svm_load(struct axv_vcpu *vcpu, int cpu)
{
	if (!cpu_feature_enabled(X86_FEATURE_IBPB_ON_VMEXIT))
		indirect_branch_prediction_barrier();

	/*
	 * If this CPU caches anything of the VMCB, it is out of date.  Other
	 * VMCBs that ran meanwhile do no harm (APM 15.15.2).
	 */
	if (vcpu->loaded_cpu != cpu)
		axv_svm_dirty(to_svm(vcpu), SVM_CLEAN_ALL);
}

/**
 * axv_svm_unload() - this CPU lets go of the vCPU
 * @vcpu:	vCPU that is loaded on this CPU
 *
 * Its state is in memory after every #VMEXIT; the ASID stays valid in case it
 * comes back.
 */
void axv_svm_unload(struct axv_vcpu *vcpu)
{
}

static __always_inline u64 host_tsc_aux(struct axv_x86_vcpu *x)
{
	return this_cpu_read(axv_svm_cpu.tsc_aux);
}

/*
 * Save the host's state that VMRUN does not switch.  Where virtualization was
 * switched off, by a reboot for example, VMSAVE is an undefined instruction;
 * axv_x86_before_entry() refuses the entry then.
 *
 * Nor does VMRUN switch DEBUGCTL without LBR virtualization (APM 15.23): a branch
 * step of the host's user mode, or its trap on bus locks, would raise #DB in the
 * guest.
 */
static __always_inline void save_host(struct axv_x86_vcpu *x)
{
	phys_addr_t host_save = this_cpu_read(axv_svm_cpu.host_save_pa);

	/* Not rdmsrl(), which is a call. */
	x86_to_svm(x)->host_debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	if (likely(axv_hardware_is_enabled()))
		asm volatile("vmsave %0" : : "a" (host_save) : "memory");
}

static __always_inline void release_host(struct axv_x86_vcpu *x)
{
}

/**
 * axv_svm_tlb_prepare() - give the next entry an ASID and a flush
 * @svm:	vCPU loaded on this CPU
 * @cpu:	this CPU
 *
 * Translations of both stages are cached under the ASID, so a fresh one needs
 * no flush (APM 15.16.1).  Not called while axv_x86_asid_is_good().
 *
 * Context: interrupts off.
 */
void axv_svm_tlb_prepare(struct axv_svm_vcpu *svm, int cpu)
{
	struct axv_x86_asids *asids = this_cpu_ptr(&axv_svm_cpu.asids);
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct axv_x86_vcpu *x = &svm->x;
	enum axv_x86_flush flush;

	control->tlb_ctl = TLB_CONTROL_DO_NOTHING;
	flush = axv_x86_asid_next(x, asids, cpu);
	if (flush == AXV_FLUSH_NONE)
		return;
	if (flush == AXV_FLUSH_STAGE2) {
		if (axv_svm.flush_by_asid) {
			control->tlb_ctl = TLB_CONTROL_FLUSH_ASID;
			axv_count(&x->base.stats.flushes, 1);
			return;
		}
		x->asid.stale = true;
		flush = axv_x86_asid_next(x, asids, cpu);
	}
	if (flush == AXV_FLUSH_ALL) {
		control->tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
		axv_count(&x->base.stats.flushes, 1);
	}
	control->asid = x->asid.value;
	axv_svm_dirty(svm, SVM_CLEAN_ASID);
}

static __always_inline void prepare(struct axv_x86_vcpu *x, int cpu)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	struct vmcb_control_area *control = &svm->vmcb->control;
	u64 tsc_offset = axv_x86_tsc_offset(x);

	if (unlikely(control->tsc_offset != tsc_offset)) {
		control->tsc_offset = tsc_offset;
		axv_svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
	}
	if (likely(axv_x86_asid_is_good(x, this_cpu_ptr(&axv_svm_cpu.asids), cpu)))
		control->tlb_ctl = TLB_CONTROL_DO_NOTHING;
	else
		axv_svm_tlb_prepare(svm, cpu);
}

/*
 * GIF is clear from before the guest's XCR0 is loaded until the host's is back,
 * so not even an NMI sees the guest's registers.  With V_INTR_MASKING, IF at
 * VMRUN decides whether a physical interrupt ends the guest (APM 15.21.1).
 */
static __always_inline void world_switch(struct axv_svm_vcpu *svm)
{
	phys_addr_t host_save = this_cpu_read(axv_svm_cpu.host_save_pa);

	asm volatile("clgi");
	axv_x86_load_guest_xstate(&svm->x);
	axv_x86_begin_guest();

	if (unlikely(svm->host_debugctl))
		wrmsrl(MSR_IA32_DEBUGCTLMSR, 0);
	raw_local_irq_enable();
	/* On 6.1 this is a call even where there is nothing to clear. */
	if (static_cpu_has_bug(X86_BUG_DIV0))
		amd_clear_divider();
	axv_svm_enter(svm, host_save);
	raw_local_irq_disable();
	if (unlikely(svm->host_debugctl))
		wrmsrl(MSR_IA32_DEBUGCTLMSR, svm->host_debugctl);

	axv_x86_end_guest();
	axv_x86_load_host_xstate(&svm->x);
	asm volatile("stgi");
}

static __always_inline void enter(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	struct axv_x86_gprs *regs = &x->regs;
	struct vmcb *vmcb = svm->vmcb;

	vmcb->save.rax = regs->gpr[AXV_X86_RAX];
	vmcb->save.rsp = regs->gpr[AXV_X86_RSP];
	vmcb->save.rip = regs->rip;
	vmcb->save.rflags = regs->rflags;

	world_switch(svm);

	regs->gpr[AXV_X86_RAX] = vmcb->save.rax;
	regs->gpr[AXV_X86_RSP] = vmcb->save.rsp;
	regs->rip = vmcb->save.rip;
	regs->rflags = vmcb->save.rflags;

	vmcb->control.event_inj = 0;
	vmcb->control.clean = SVM_CLEAN_ALL;
}

static __always_inline void after_exit(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);

	if (unlikely(svm->vmcb->control.exit_int_info & SVM_EXITINTINFO_VALID))
		axv_svm_save_interrupted_event(svm);
}

static __always_inline u64 dr7(struct axv_x86_vcpu *x)
{
	return x86_to_svm(x)->vmcb->save.dr7;
}

/* VMRUN loads DR6 and #VMEXIT stores it.  The guest's stays in the register: reset_dr6(). */
static __always_inline void leave_dr6(struct axv_x86_vcpu *x)
{
}

static __always_inline void reset_dr6(struct axv_x86_vcpu *x)
{
	if (unlikely(x86_to_svm(x)->vmcb->save.dr6 != DR6_RESERVED))
		set_debugreg(DR6_RESERVED, 6);
}

static __always_inline unsigned int cr8(struct axv_x86_vcpu *x)
{
	return x86_to_svm(x)->vmcb->control.int_ctl & V_TPR_MASK;
}

static __always_inline bool shadow(struct axv_x86_vcpu *x)
{
	return x86_to_svm(x)->vmcb->control.int_state &
	       SVM_INTERRUPT_SHADOW_MASK;
}

static __always_inline void code_state(struct axv_x86_vcpu *x,
				       struct axv_x86_code_state *state)
{
	axv_svm_code_state(x86_to_svm(x)->vmcb, state);
}

static __always_inline void advance(struct axv_x86_vcpu *x, unsigned int len)
{
	axv_svm_advance(x86_to_svm(x), len);
}

static __always_inline u64 exit_code(struct axv_x86_vcpu *x)
{
	return x86_to_svm(x)->vmcb->control.exit_code;
}

static void trace_exit(struct axv_x86_vcpu *x)
{
	const struct vmcb_control_area *control = &x86_to_svm(x)->vmcb->control;

	trace_axv_exit(&x->base, x->regs.rip, control->exit_code,
		       control->exit_info_1, control->exit_info_2);
}

static const struct axv_x86_engine svm_engine = {
	.host_tsc_aux = host_tsc_aux,
	.hold_host = save_host,
	.refresh_host = save_host,
	.release_host = release_host,
	.inject = axv_svm_inject_events,
	.prepare = prepare,
	.enter = enter,
	.after_exit = after_exit,
	.handle_fast = axv_svm_handle_fast,
	.handle_slow = axv_svm_handle_slow,
	.intercept_dr = axv_svm_intercept_dr,
	.dr7 = dr7,
	.load_dr6 = leave_dr6,
	.save_dr6 = leave_dr6,
	.reset_dr6 = reset_dr6,
	.cr8 = cr8,
	.shadow = shadow,
	.code_state = code_state,
	.advance = advance,
	.exit_code = exit_code,
	.trace_exit = trace_exit,
};

/**
 * axv_svm_run() - enter the guest until something ends the run
 * @vcpu:	claimed vCPU in state Running, current on this thread
 *
 * Context: process context; sleeps for guest memory and in state Blocked.
 * Return: 0 with the exit in the run page; -EIO if the VM is dead.
 */
int axv_svm_run(struct axv_vcpu *vcpu)
{
	return axv_x86_run(to_x86(vcpu), &svm_engine);
}
