// SPDX-License-Identifier: GPL-2.0
/*
 * Entry and exit: the run path.
 *
 * A run has two nested loops.  The outer one may sleep: it answers exits that
 * touch guest memory or the guest's EL1 registers, which are in memory then.
 * The inner one runs with interrupts off and the guest's registers loaded; it
 * goes round for every exit that is answered on the spot, and ends when the host
 * has anything to do, its interrupts before all.
 */
#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/vtime.h>
#include <asm/barrier.h>
#include <asm/neon.h>
#include <asm/simd.h>

#include <axvcpu/compat.h>
#include <axvcpu/hardware.h>

#include "../../../drivers/virt/axvcpu/trace.h"
#include "arm64.h"
#include "nvhe.h"

#define CNTV_CTL_ISTATUS	BIT(2)

/* ---- vector state ----------------------------------------------------------- */

/*
 * Between kernel_neon_begin() and kernel_neon_end() the registers are this
 * code's: the kernel has saved the thread's and brings them back on its way to
 * user mode.
 */
static void load_fpu(const struct axv_arm64_fpu *fpu)
{
	asm volatile(".arch_extension fp\n"
		     ".arch_extension simd\n"
		     "ldp	q0, q1, [%0, #0]\n"
		     "ldp	q2, q3, [%0, #32]\n"
		     "ldp	q4, q5, [%0, #64]\n"
		     "ldp	q6, q7, [%0, #96]\n"
		     "ldp	q8, q9, [%0, #128]\n"
		     "ldp	q10, q11, [%0, #160]\n"
		     "ldp	q12, q13, [%0, #192]\n"
		     "ldp	q14, q15, [%0, #224]\n"
		     "ldp	q16, q17, [%0, #256]\n"
		     "ldp	q18, q19, [%0, #288]\n"
		     "ldp	q20, q21, [%0, #320]\n"
		     "ldp	q22, q23, [%0, #352]\n"
		     "ldp	q24, q25, [%0, #384]\n"
		     "ldp	q26, q27, [%0, #416]\n"
		     "ldp	q28, q29, [%0, #448]\n"
		     "ldp	q30, q31, [%0, #480]\n"
		     "msr	fpsr, %1\n"
		     "msr	fpcr, %2\n"
		     : : "r" (fpu->v), "r" ((u64)fpu->fpsr), "r" ((u64)fpu->fpcr)
		     : "memory");
}

static void save_fpu(struct axv_arm64_fpu *fpu)
{
	u64 fpsr, fpcr;

	asm volatile(".arch_extension fp\n"
		     ".arch_extension simd\n"
		     "stp	q0, q1, [%2, #0]\n"
		     "stp	q2, q3, [%2, #32]\n"
		     "stp	q4, q5, [%2, #64]\n"
		     "stp	q6, q7, [%2, #96]\n"
		     "stp	q8, q9, [%2, #128]\n"
		     "stp	q10, q11, [%2, #160]\n"
		     "stp	q12, q13, [%2, #192]\n"
		     "stp	q14, q15, [%2, #224]\n"
		     "stp	q16, q17, [%2, #256]\n"
		     "stp	q18, q19, [%2, #288]\n"
		     "stp	q20, q21, [%2, #320]\n"
		     "stp	q22, q23, [%2, #352]\n"
		     "stp	q24, q25, [%2, #384]\n"
		     "stp	q26, q27, [%2, #416]\n"
		     "stp	q28, q29, [%2, #448]\n"
		     "stp	q30, q31, [%2, #480]\n"
		     "mrs	%0, fpsr\n"
		     "mrs	%1, fpcr\n"
		     : "=&r" (fpsr), "=&r" (fpcr) : "r" (fpu->v) : "memory");
	fpu->fpsr = fpsr;
	fpu->fpcr = fpcr;
}

/* ---- the inner loop ------------------------------------------------------------ */

/* Requests of other threads; interrupts are off. */
static enum axv_arm64_next handle_requests(struct axv_arm64_vcpu *v)
{
	struct axv_vcpu *vcpu = &v->base;

	if (axv_test_request(vcpu, AXV_REQ_DEAD))
		return AXV_SLOW;
	if (axv_take_request(vcpu, AXV_REQ_KICK)) {
		axv_arm64_exit(v, AXV_EXIT_KICKED, 0);
		return AXV_EXIT;
	}

	/* Interrupts have to be queued anew; other events are found where they are. */
	if (axv_take_request(vcpu, AXV_REQ_EVENT) && axv_arm64_has_gic(v))
		return AXV_INTR;
	return AXV_RESUME;
}

static enum axv_arm64_next fail_entry(struct axv_arm64_vcpu *v, u64 reason)
{
	struct axv_exit_fail_entry *fail;

	fail = &axv_arm64_exit(v, AXV_EXIT_FAIL_ENTRY, 0)->exit.fail_entry;
	fail->hardware_reason = reason;
	fail->cpu = smp_processor_id();
	fail->pad = 0;
	return AXV_EXIT;
}

/*
 * Where only some CPUs have AArch32 the guest itself may have gone there on one of
 * them.  On another the entry would be an illegal exception return: into EL2.
 */
static bool pstate_is_bad(const struct axv_arm64_vcpu *v)
{
	return axv_arm64_is_aarch32(v) && !axv_arm64_host.el0_32;
}

/*
 * What may keep the guest from being entered.  AXV_RESUME: nothing.
 * AXV_INTR: the outer loop is to do something first.
 */
static __always_inline enum axv_arm64_next before_entry(struct axv_arm64_vcpu *v)
{
	unsigned long flags;

	if (unlikely(READ_ONCE(v->base.requests))) {
		enum axv_arm64_next next = handle_requests(v);

		if (next != AXV_RESUME)
			return next;
	}

	flags = read_thread_flags();
	if (unlikely(flags & (AXV_USER_WORK | AXV_NEED_RESCHED))) {
		if (axv_has_user_work(&v->base, flags)) {
			axv_arm64_exit(v, AXV_EXIT_NOTHING, 0);
			return AXV_EXIT;
		}
		if (flags & AXV_NEED_RESCHED)
			return AXV_INTR;
	}
	if (unlikely(!axv_hardware_is_enabled() || v->events.halted ||
		     READ_ONCE(v->events.any)))
		return AXV_INTR;
	if (unlikely(pstate_is_bad(v)))
		return fail_entry(v, v->regs.pstate);
	return AXV_RESUME;
}

static void serror_was_taken(struct axv_arm64_vcpu *v)
{
	raw_spin_lock(&v->base.lock);
	v->events.serror = false;
	raw_spin_unlock(&v->base.lock);
	v->base.stats.injections++;
}

/* Without VHE, and only if EL2 was lost. */
static enum axv_arm64_next not_entered(struct axv_arm64_vcpu *v)
{
	axv_nvhe_report();
	return fail_entry(v, v->last.esr);
}

static enum axv_arm64_next after_exit(struct axv_arm64_vcpu *v)
{
	u64 disr = AXV_EL2_DISR(v->last.code);

	if (unlikely(v->last.serror_taken))
		serror_was_taken(v);
	if (unlikely(disr & AXV_DISR_A))
		axv_arm64_serror(v, disr);
	switch (AXV_EL2_VECTOR(v->last.code)) {
	case AXV_EL2_SYNC:
		return axv_arm64_handle_fast(v);
	case AXV_EL2_SERROR:
		axv_arm64_serror(v, v->last.esr);
		return AXV_RESUME;
	case AXV_EL2_FAULT:
		return not_entered(v);
	default:
		v->base.stats.interrupts++;
		return AXV_INTR;
	}
}

/*
 * AXV_SLOW: the exit waits for axv_arm64_handle_slow(); AXV_INTR: enter again
 * once the host had its way; AXV_EXIT: the run ends.
 */
static enum axv_arm64_next run_guest(struct axv_arm64_vcpu *v)
{
	struct axv_vcpu *vcpu = &v->base;
	/* Kernels may be built to clear what is on the stack: this is much. */
	struct axv_arm64_saved host __uninitialized;
	enum axv_arm64_next next;

	local_irq_disable();
	vtime_account_guest_enter();
	if (axv_arm64_has_gic(v))
		axv_arm64_gic_enter(v);
	axv_arm64_load_guest(v, &host);
	for (;;) {
		/*
		 * Says who has to be interrupted, before it looks whether
		 * somebody wants that; axv_request() and the flush do it the
		 * other way round.
		 */
		smp_store_mb(vcpu->mode, AXV_IN_GUEST);
		next = before_entry(v);
		if (unlikely(next != AXV_RESUME))
			break;

		trace_axv_entry(vcpu, v->regs.pc);
		vcpu->stats.entries++;
		axv_arm64_world_switch(v);
		vcpu->stats.hw_exits++;
		WRITE_ONCE(vcpu->mode, AXV_OUTSIDE_GUEST);
		trace_axv_exit(vcpu, v->regs.pc, v->last.esr, v->last.code,
			       v->last.far);

		next = after_exit(v);
		if (next != AXV_RESUME)
			break;
	}
	WRITE_ONCE(vcpu->mode, AXV_OUTSIDE_GUEST);
	axv_arm64_load_host(v, &host);
	if (axv_arm64_has_gic(v) || v->sys[AXV_SYS_CNTV_CTL_EL0] & CNTV_CTL_ISTATUS)
		axv_arm64_gic_leave(v);
	/*
	 * Taken here, a tick finds that the time was the guest's; but not where
	 * kernel_neon_begin() switches softirqs off (before 6.8), whose time it
	 * seems to be then.
	 */
	if (next == AXV_INTR) {
		local_irq_enable();
		isb();
		local_irq_disable();
	}
	vtime_account_guest_exit();
	local_irq_enable();
	return next;
}

static enum axv_arm64_next run_on_this_cpu(struct axv_arm64_vcpu *v)
{
	struct axv_vcpu *vcpu = &v->base;
	enum axv_arm64_next next;
	struct axv_run *run;
	int cpu;

	preempt_disable();
	cpu = smp_processor_id();
	if (likely(axv_vcpu_may_run_on(vcpu, cpu))) {
		axv_vcpu_load(vcpu);
		kernel_neon_begin();
		load_fpu(&v->fpu);
		next = run_guest(v);
		save_fpu(&v->fpu);
		kernel_neon_end();
	} else {
		run = axv_arm64_exit(v, AXV_EXIT_WRONG_CPU, 0);
		run->exit.wrong_cpu.cpu = cpu;
		run->exit.wrong_cpu.pad = 0;
		next = AXV_EXIT;
	}
	preempt_enable();
	return next;
}

/* ---- the outer loop ------------------------------------------------------------- */

/*
 * WFI with AXV_VM_HALT_IN_KERNEL.  A kick or a signal ends the run, not the
 * halt: the next run parks the vCPU again.
 */
static void wait_for_event(struct axv_arm64_vcpu *v)
{
	axv_vcpu_block(&v->base);
	raw_spin_lock_irq(&v->base.lock);
	if (axv_arm64_has_event(&v->base))
		v->events.halted = false;
	raw_spin_unlock_irq(&v->base.lock);
}

static bool was_interrupted(struct axv_arm64_vcpu *v, u64 interrupts)
{
	return v->base.stats.interrupts != interrupts &&
	       (v->base.vm->flags & AXV_VM_EXIT_ON_EXTINT);
}

/* The host took an interrupt, and may want the CPU. */
static void let_host_work(void)
{
	/* Not cond_resched() alone, which knows no lazy request. */
	if (read_thread_flags() & AXV_NEED_RESCHED)
		schedule();
	else
		cond_resched();
}

static int run_loop(struct axv_arm64_vcpu *v)
{
	struct axv_run *run;
	u64 interrupts;

	for (;;) {
		if (unlikely(v->events.halted))
			wait_for_event(v);
		if (unlikely(READ_ONCE(v->events.any)))
			axv_arm64_deliver(v);
		interrupts = v->base.stats.interrupts;
		switch (run_on_this_cpu(v)) {
		case AXV_SLOW:
			if (axv_test_request(&v->base, AXV_REQ_DEAD))
				return -EIO;
			if (axv_arm64_handle_slow(v) == AXV_EXIT)
				return 0;
			break;
		case AXV_EXIT:
			return 0;
		default:
			let_host_work();
			if (!was_interrupted(v, interrupts))
				break;
			run = axv_arm64_exit(v, AXV_EXIT_EXTERNAL_INTERRUPT, 0);
			run->exit.interrupt.vector = 0;
			run->exit.interrupt.known = 0;
			return 0;
		}
	}
}

/**
 * axv_arm64_run() - enter the guest until something ends the run
 * @vcpu:	claimed vCPU in state Running, current on this thread
 *
 * Context: process context; sleeps for guest memory and in state Blocked.
 * Return: 0 with the exit in the run page; -EIO if the VM is dead.
 */
int axv_arm64_run(struct axv_vcpu *vcpu)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	struct axv_run *run = vcpu->run;
	int ret = 0;

	if (v->pending.kind != AXV_PENDING_NONE)
		axv_arm64_complete(v);
	/* The data of a read is consumed by now, so the kick loses nothing. */
	if (unlikely(axv_take_request(vcpu, AXV_REQ_KICK)))
		axv_arm64_exit(v, AXV_EXIT_KICKED, 0);
	else
		ret = run_loop(v);

	run->ip = v->regs.pc;
	run->hw_reason = v->last.esr;
	run->ready_for_interrupt = !(v->regs.pstate & PSR_I_BIT) &&
				   (!axv_arm64_has_gic(v) || v->ich.vmcr & AXV_VMCR_ENG1);
	axv_arm64_store_run(vcpu);
	return ret;
}
