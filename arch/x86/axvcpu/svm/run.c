// SPDX-License-Identifier: GPL-2.0
/*
 * Entry and exit: the run path of SVM.
 *
 * A run has two nested loops.  The outer one may sleep: it answers exits that
 * touch guest memory.  The inner one runs with preemption off and, but for the
 * moments in which the host takes its interrupts, with interrupts off; it goes
 * round for every exit that is answered on the spot.  What the guest has in
 * registers that the host uses is put there by the inner loop and gone before
 * it ends, so the outer loop can be preempted without a thought.
 */
#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/hardirq.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/vtime.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>

#include <axvcpu/compat.h>
#include <axvcpu/hardware.h>

#include "../../../../drivers/virt/axvcpu/trace.h"
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
	struct axv_svm_vcpu *svm = to_svm(vcpu);

	if (!cpu_feature_enabled(X86_FEATURE_IBPB_ON_VMEXIT))
		indirect_branch_prediction_barrier();

	/* What this CPU caches of the VMCB, if anything, is from another time. */
	svm->vmcb->control.clean = 0;
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

/*
 * The host's state that VMRUN does not switch.  Where virtualization was
 * switched off, by a reboot for example, VMSAVE is an undefined instruction;
 * before_entry() refuses the entry then.
 */
static __always_inline void save_host(struct axv_svm_cpu *sc)
{
	if (likely(axv_hardware_is_enabled()))
		asm volatile("vmsave %0" : : "a" (sc->host_save_pa) : "memory");
}

/*
 * XCR0, XSS and PKRU are the host's whenever kernel code may look at them, so
 * they change hands with GIF clear.  Whether they do is decided by our own copy
 * of CR4: that of the VMCB is undefined after a shutdown (APM 15.14.3).
 */
static __always_inline void load_guest_xstate(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;

	if (!(svm->cr4 & (X86_CR4_OSXSAVE | X86_CR4_PKE)))
		return;
	if (svm->cr4 & X86_CR4_OSXSAVE) {
		if (x->xcr0 != axv_svm.host_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, x->xcr0);
		if (axv_svm.host_xss)
			wrmsrl(MSR_IA32_XSS, 0);
	}
	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		x->host_pkru = rdpkru();
		if (x->pkru != x->host_pkru)
			wrpkru(x->pkru);
	}
}

static __always_inline void load_host_xstate(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;
	u64 xcr0;

	if (!(svm->cr4 & (X86_CR4_OSXSAVE | X86_CR4_PKE)))
		return;
	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		x->pkru = rdpkru();
		if (x->pkru != x->host_pkru)
			wrpkru(x->host_pkru);
	}
	if (!(svm->cr4 & X86_CR4_OSXSAVE))
		return;
	if (axv_svm.host_xss)
		wrmsrl(MSR_IA32_XSS, axv_svm.host_xss);

	/*
	 * XSETBV is intercepted, but not every implementation of SVM honours
	 * that: what counts is the register.
	 */
	xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (xcr0 != x->xcr0 && axv_x86_xcr0_valid(x, xcr0))
		x->xcr0 = xcr0;
	if (xcr0 != axv_svm.host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, axv_svm.host_xcr0);
}

/*
 * VMRUN switches DR6 and DR7 and leaves DR7 off; DR0 to DR3 are ours to
 * switch, once the guest has shown that it uses them (APM 15.6, 15.14.2).
 */
static void load_guest_debug(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;

	if (!svm->dr_live) {
		svm->dr_live = true;
		axv_svm_update_dr_intercepts(svm);
	}
	/* The host's breakpoints must not move to addresses of the guest's. */
	set_debugreg(0, 7);
	set_debugreg(x->dr[0], 0);
	set_debugreg(x->dr[1], 1);
	set_debugreg(x->dr[2], 2);
	set_debugreg(x->dr[3], 3);
	svm->dr_loaded = true;
}

static void save_guest_debug(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;
	unsigned long value;

	get_debugreg(value, 0);
	x->dr[0] = value;
	get_debugreg(value, 1);
	x->dr[1] = value;
	get_debugreg(value, 2);
	x->dr[2] = value;
	get_debugreg(value, 3);
	x->dr[3] = value;
	svm->dr_loaded = false;
}

static __always_inline void restore_host_breakpoints(struct axv_svm_vcpu *svm)
{
	if (likely(!hw_breakpoint_active()))
		return;
	if (svm->dr_loaded)
		save_guest_debug(svm);
	hw_breakpoint_restore();
}

/*
 * The world switch.  GIF is clear from before the guest's XCR0 is loaded until
 * the host's is back, so not even an NMI sees the guest's registers.
 */
static __always_inline void world_switch(struct axv_svm_vcpu *svm,
					 struct axv_svm_cpu *sc)
{
	asm volatile("clgi");
	load_guest_xstate(svm);

	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);

	raw_local_irq_enable();
	amd_clear_divider();
	axv_svm_enter(svm, sc->host_save_pa);
	raw_local_irq_disable();

	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();
	trace_hardirqs_off_finish();

	load_host_xstate(svm);
	asm volatile("stgi");
}

static __always_inline void enter_guest(struct axv_svm_vcpu *svm,
					struct axv_svm_cpu *sc)
{
	struct axv_x86_gprs *regs = &svm->x.regs;
	struct vmcb *vmcb = svm->vmcb;

	vmcb->save.rax = regs->gpr[AXV_X86_RAX];
	vmcb->save.rsp = regs->gpr[AXV_X86_RSP];
	vmcb->save.rip = regs->rip;
	vmcb->save.rflags = regs->rflags;
	if (unlikely(svm->nmi_step))
		vmcb->save.rflags |= X86_EFLAGS_TF;

	world_switch(svm, sc);

	regs->gpr[AXV_X86_RAX] = vmcb->save.rax;
	regs->gpr[AXV_X86_RSP] = vmcb->save.rsp;
	regs->rip = vmcb->save.rip;
	regs->rflags = vmcb->save.rflags;

	vmcb->control.event_inj = 0;
	vmcb->control.clean = SVM_CLEAN_ALL;
}

/* Requests of other threads; interrupts are off. */
static enum axv_svm_next handle_requests(struct axv_svm_vcpu *svm)
{
	struct axv_vcpu *vcpu = &svm->x.base;

	if (axv_test_request(vcpu, AXV_REQ_DEAD))
		return SVM_SLOW;
	if (axv_take_request(vcpu, AXV_REQ_KICK)) {
		axv_x86_exit(&svm->x, AXV_EXIT_KICKED, 0);
		return SVM_EXIT;
	}

	/* The events themselves are found by their own flag. */
	axv_take_request(vcpu, AXV_REQ_EVENT);
	return SVM_RESUME;
}

/* The VMM waits for the interrupt window, and a halted guest has it open. */
static bool window_is_open(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;

	return svm->irq_window && (x->regs.rflags & X86_EFLAGS_IF) &&
	       !x->hw->get_shadow(x) && !READ_ONCE(x->events.extint_count);
}

/* A halt goes on in the outer loop; the VMM may have to hear of it first. */
static noinline enum axv_svm_next before_halt(struct axv_svm_vcpu *svm)
{
	if (!window_is_open(svm))
		return SVM_INTR;
	axv_x86_exit(&svm->x, AXV_EXIT_IRQ_WINDOW, 0);
	return SVM_EXIT;
}

/*
 * What may keep the guest from being entered.  SVM_RESUME: nothing.
 * SVM_INTR: the outer loop is to let the host do its work.
 */
static __always_inline enum axv_svm_next before_entry(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;
	unsigned long flags;

	if (unlikely(READ_ONCE(x->base.requests))) {
		enum axv_svm_next next = handle_requests(svm);

		if (next != SVM_RESUME)
			return next;
	}

	flags = read_thread_flags();
	if (unlikely(flags & (AXV_USER_WORK | AXV_NEED_RESCHED |
			      _TIF_NEED_FPU_LOAD))) {
		if (axv_has_user_work(&x->base, flags)) {
			axv_x86_exit(x, AXV_EXIT_NOTHING, 0);
			return SVM_EXIT;
		}
		if (flags & AXV_NEED_RESCHED)
			return SVM_INTR;
		/* An interrupt used the vector registers: the guest's go back. */
		switch_fpu_return();
	}

	if (unlikely(!axv_hardware_is_enabled()))
		return SVM_INTR;

	if (unlikely(READ_ONCE(x->events.any) || x->events.halted ||
		     svm->irq_window || svm->irq_armed)) {
		if (x->events.halted)
			return before_halt(svm);
		return axv_svm_inject_events(svm);
	}
	svm->injected = 0;
	return SVM_RESUME;
}

static void fill_external_interrupt(struct axv_svm_vcpu *svm)
{
	struct axv_run *run = axv_x86_exit(&svm->x, AXV_EXIT_EXTERNAL_INTERRUPT, 0);

	run->exit.interrupt.vector = 0;
	run->exit.interrupt.known = 0;
}

/*
 * The inner loop.  SVM_SLOW: the exit waits for axv_svm_handle_slow();
 * SVM_INTR: enter again once the host had its way; SVM_EXIT: the run ends.
 */
static enum axv_svm_next run_guest(struct axv_svm_vcpu *svm, int cpu)
{
	struct axv_svm_cpu *sc = this_cpu_ptr(&axv_svm_cpu);
	struct axv_vcpu *vcpu = &svm->x.base;
	struct axv_svm_vm *vm = to_svm_vm(vcpu->vm);
	struct vmcb_control_area *control = &svm->vmcb->control;
	u64 tsc_aux = sc->tsc_aux;
	enum axv_svm_next next;

	local_irq_disable();
	vtime_account_guest_enter();
	save_host(sc);

	for (;;) {
		/*
		 * Says who has to be interrupted, before it looks whether
		 * somebody wants that; axv_request() and the flush do it the
		 * other way round.
		 */
		smp_store_mb(vcpu->mode, AXV_IN_GUEST);
		next = before_entry(svm);
		if (unlikely(next != SVM_RESUME))
			break;

		if (unlikely(control->tsc_offset !=
			     READ_ONCE(vm->x.tsc_offset))) {
			control->tsc_offset = READ_ONCE(vm->x.tsc_offset);
			axv_svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
		}
		if (unlikely(svm->x.caps.tsc_aux && svm->x.tsc_aux != tsc_aux)) {
			tsc_aux = svm->x.tsc_aux;
			wrmsrl(MSR_TSC_AUX, tsc_aux);
		}
		if (unlikely(!svm->dr_loaded &&
			     (svm->dr_live ||
			      (svm->vmcb->save.dr7 & (DR_GLOBAL_ENABLE_MASK |
						      DR_LOCAL_ENABLE_MASK)))))
			load_guest_debug(svm);
		axv_svm_tlb_prepare(svm, cpu);

		trace_axv_entry(vcpu, svm->x.regs.rip);
		vcpu->stats.entries++;
		enter_guest(svm, sc);
		vcpu->stats.hw_exits++;
		WRITE_ONCE(vcpu->mode, AXV_OUTSIDE_GUEST);
		trace_axv_exit(vcpu, svm->x.regs.rip, control->exit_code,
			       control->exit_info_1, control->exit_info_2);

		restore_host_breakpoints(svm);
		if (unlikely(svm->nmi_iret || svm->nmi_step))
			axv_svm_nmi_after_exit(svm);
		if (unlikely(control->exit_int_info & SVM_EXITINTINFO_VALID))
			axv_svm_save_interrupted_event(svm);

		next = axv_svm_handle_fast(svm);
		if (next == SVM_RESUME)
			continue;
		if (next != SVM_INTR)
			break;

		/*
		 * The interrupt is taken here.  Its handler may change the
		 * LDT of this CPU, set a breakpoint, or switch virtualization
		 * off; and a CPU that never leaves this loop for user mode
		 * owes RCU a quiescent state.
		 */
		vcpu->stats.interrupts++;
		if (unlikely(svm->dr_loaded))
			save_guest_debug(svm);
		local_irq_enable();
		nop();
		local_irq_disable();
		if (!context_tracking_enabled_this_cpu())
			rcu_note_context_switch(false);
		save_host(sc);
		if (unlikely(vcpu->vm->flags & AXV_VM_EXIT_ON_EXTINT)) {
			fill_external_interrupt(svm);
			next = SVM_EXIT;
			break;
		}
	}

	WRITE_ONCE(vcpu->mode, AXV_OUTSIDE_GUEST);
	if (unlikely(tsc_aux != sc->tsc_aux))
		wrmsrl(MSR_TSC_AUX, sc->tsc_aux);
	if (unlikely(svm->dr_live)) {
		if (svm->dr_loaded)
			save_guest_debug(svm);
		svm->dr_live = false;
		axv_svm_update_dr_intercepts(svm);
	}
	if (unlikely(svm->vmcb->save.dr6 != DR6_RESERVED))
		set_debugreg(DR6_RESERVED, 6);
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
	vtime_account_guest_exit();
	local_irq_enable();
	return next;
}

static enum axv_svm_next run_on_this_cpu(struct axv_svm_vcpu *svm)
{
	struct axv_vcpu *vcpu = &svm->x.base;
	enum axv_svm_next next;
	struct axv_run *run;
	int cpu;

	preempt_disable();
	cpu = smp_processor_id();
	if (likely(axv_vcpu_may_run_on(vcpu, cpu))) {
		axv_vcpu_load(vcpu);
		next = run_guest(svm, cpu);
	} else {
		run = axv_x86_exit(&svm->x, AXV_EXIT_WRONG_CPU, 0);
		run->exit.wrong_cpu.cpu = cpu;
		run->exit.wrong_cpu.pad = 0;
		next = SVM_EXIT;
	}
	preempt_enable();
	return next;
}

/*
 * HLT with AXV_VM_HALT_IN_KERNEL.  A kick or a signal ends the run, not the
 * halt: the next run parks the vCPU again.
 */
static void wait_for_event(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;

	axv_vcpu_block(&x->base);
	raw_spin_lock_irq(&x->base.lock);
	if (axv_x86_has_event(&x->base))
		x->events.halted = false;
	raw_spin_unlock_irq(&x->base.lock);
}

static int run_loop(struct axv_svm_vcpu *svm)
{
	for (;;) {
		if (unlikely(svm->x.events.halted) && !window_is_open(svm))
			wait_for_event(svm);
		switch (run_on_this_cpu(svm)) {
		case SVM_SLOW:
			if (axv_test_request(&svm->x.base, AXV_REQ_DEAD))
				return -EIO;
			if (axv_svm_handle_slow(svm) == AXV_EXIT)
				return 0;
			break;
		case SVM_EXIT:
			return 0;
		default:
			/* Not cond_resched(), which knows no lazy request. */
			if (read_thread_flags() & AXV_NEED_RESCHED)
				schedule();
			break;
		}
	}
}

/* Fill in what every exit has. */
static void finish_run(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;
	struct axv_run *run = x->base.run;

	run->ip = x->regs.rip;
	run->hw_reason = svm->vmcb->control.exit_code;
	run->ready_for_interrupt = (x->regs.rflags & X86_EFLAGS_IF) &&
				   !x->hw->get_shadow(x) &&
				   !READ_ONCE(x->events.any);
	axv_x86_store_run(&x->base);
}

/**
 * axv_svm_run() - enter the guest until something ends the run
 * @vcpu:	claimed vCPU in state Running, current on this thread
 *
 * Context: process context; sleeps for guest memory and in state Blocked.
 * Return: 0 with the exit in the run page; -EIO if the VM is dead.
 */
int axv_svm_run(struct axv_vcpu *vcpu)
{
	struct axv_svm_vcpu *svm = to_svm(vcpu);
	struct axv_x86_vcpu *x = &svm->x;
	int ret = 0;

	svm->irq_window = READ_ONCE(vcpu->run->irq_window);
	if (unlikely(x->pending.kind != AXV_PENDING_NONE) &&
	    axv_x86_complete(x) == AXV_EXIT)
		goto out;
	/* The data of a read is consumed by now, so the kick loses nothing. */
	if (unlikely(axv_take_request(vcpu, AXV_REQ_KICK))) {
		axv_x86_exit(x, AXV_EXIT_KICKED, 0);
		goto out;
	}

	fpu_swap_kvm_fpstate(&x->fpu, true);
	ret = run_loop(svm);
	fpu_swap_kvm_fpstate(&x->fpu, false);
out:
	finish_run(svm);
	return ret;
}
