// SPDX-License-Identifier: GPL-2.0
/*
 * Entry and exit: the run path.
 *
 * A run has two nested loops.  The outer one may sleep: it answers exits that touch guest
 * memory or the guest's EL1 registers, which are in memory then.  The inner one runs with
 * interrupts off and the guest's registers loaded; it goes round for every exit that is
 * answered on the spot, and ends when the host has anything to do, above all an
 * interrupt.
 */
#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/jump_label.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/vtime.h>
#include <asm/barrier.h>

#include <axvcpu/compat.h>
#include <axvcpu/current.h>
#include <axvcpu/hardware.h>
#include <axvcpu/request.h>
#include <axvcpu/route.h>
#include <axvcpu/run.h>
#include <axvcpu/trace.h>
#include <axvcpu/work.h>

#include "arm64.h"
#include "exit.h"
#include "fpu.h"
#include "nvhe.h"
#include "ppi.h"
#include "vhe.h"

#define CNTV_CTL_ISTATUS	BIT(2)

/* ---- the inner loop ------------------------------------------------------------ */

/* Act on requests of other threads; interrupts are off. */
static enum axv_next handle_requests(struct axv_arm64_vcpu *v)
{
	enum axv_next next = axv_before_entry_requests(&v->base);

	/*
	 * An event: list registers have to be filled anew; other events have flags of
	 * their own.
	 */
	if (next != AXV_RESUME || !axv_take_request(&v->base, AXV_REQ_EVENT) ||
	    !axv_arm64_has_gic(v))
		return next;
	/*
	 * Such requests may come one after the other without end, and a signal has to get
	 * through.
	 */
	if (!signal_pending(current))
		return AXV_INTERRUPT;
	axv_arm64_exit(v, AXV_EXIT_NOTHING, 0);
	return AXV_EXIT;
}

static enum axv_next fail_entry(struct axv_arm64_vcpu *v, u32 cause, u64 reason)
{
	struct axv_exit_fail_entry *fail;

	fail = &axv_arm64_exit(v, AXV_EXIT_FAIL_ENTRY, 0)->exit.fail_entry;
	fail->hardware_reason = reason;
	fail->cpu = smp_processor_id();
	fail->cause = cause;
	fail->qualification = 0;
	return AXV_EXIT;
}

/* AXV_INTERRUPT: the CPU goes offline, and the thread is about to be moved to another CPU. */
static noinline enum axv_next hardware_is_off(struct axv_arm64_vcpu *v)
{
	return axv_hardware_is_lost() ? fail_entry(v, AXV_FAIL_OFF, 0) : AXV_INTERRUPT;
}

/*
 * Where only some CPUs have AArch32, the guest itself may have changed to AArch32 state
 * on one of them.  On another CPU the entry would be an illegal exception return, which
 * stays at EL2.
 */
static bool pstate_is_bad(const struct axv_arm64_vcpu *v)
{
	return axv_arm64_is_aarch32(v) && !axv_arm64_host.el0_32;
}

/*
 * Look for anything that keeps the guest from being entered.  AXV_RESUME: there is
 * nothing.  AXV_INTERRUPT: the outer loop is to do something first.
 */
static __always_inline enum axv_next before_entry(struct axv_arm64_vcpu *v)
{
	enum axv_next next;
	unsigned long flags;

	if (unlikely(READ_ONCE(v->base.requests))) {
		next = handle_requests(v);
		if (next != AXV_RESUME)
			return next;
	}

	flags = read_thread_flags();
	if (unlikely(flags & (AXV_USER_WORK | AXV_NEED_RESCHED))) {
		next = axv_before_entry_work(&v->base, flags);
		if (next != AXV_RESUME)
			return next;
	}
	if (unlikely(!axv_hardware_is_enabled()))
		return hardware_is_off(v);
	if (unlikely(READ_ONCE(v->events.not_yet)))
		return AXV_INTERRUPT;
	if (unlikely(pstate_is_bad(v)))
		return fail_entry(v, AXV_FAIL_HARDWARE, v->regs.pstate);
	return AXV_RESUME;
}

static noinline void serror_was_taken(struct axv_arm64_vcpu *v)
{
	raw_spin_lock(&v->base.lock);
	axv_arm64_set_line(&v->events, HCR_VSE, false);
	raw_spin_unlock(&v->base.lock);
	axv_count(&v->base.stats.injections, 1);
}

/* Without VHE only: EL2 was lost, or has faulted. */
static enum axv_next not_entered(struct axv_arm64_vcpu *v)
{
	axv_nvhe_report();
	return fail_entry(v, AXV_FAIL_HARDWARE, v->last.esr);
}

static __always_inline enum axv_next after_exit(struct axv_arm64_vcpu *v)
{
	u64 code = v->last.code;
	u64 disr = AXV_EL2_DISR(code);

	if (likely(code == AXV_EL2_SYNC))
		goto sync;
	if (unlikely(code & AXV_EL2_SERROR_TAKEN))
		serror_was_taken(v);
	if (unlikely(disr & AXV_DISR_A))
		axv_arm64_serror(v, disr);
	switch (AXV_EL2_VECTOR(code)) {
	case AXV_EL2_SYNC:
		goto sync;
	case AXV_EL2_SERROR:
		axv_arm64_serror(v, v->last.esr);
		return AXV_RESUME;
	case AXV_EL2_FAULT:
		return not_entered(v);
	default:
		axv_count(&v->base.stats.interrupts, 1);
		return AXV_INTERRUPT;
	}
sync:
	return axv_arm64_handle_fast(v);
}

/*
 * Load the guest's registers and traps for a stretch of entries; interrupts are off until
 * load_host().
 */
static __always_inline void load_guest(struct axv_arm64_vcpu *v)
{
	if (static_branch_likely(&axv_arm64_vhe))
		axv_vhe_load(v);
	else
		axv_nvhe_load(v);
}

static __always_inline void world_switch(struct axv_arm64_vcpu *v)
{
	if (static_branch_likely(&axv_arm64_vhe))
		axv_vhe_switch(v);
	else
		axv_nvhe_switch(v);
}

static __always_inline void load_host(struct axv_arm64_vcpu *v)
{
	if (static_branch_likely(&axv_arm64_vhe))
		axv_vhe_put(v);
	else
		axv_nvhe_put(v);
}

/*
 * Enter the guest until an exit needs the outer loop.  AXV_SLOW: the exit waits for
 * axv_arm64_handle_slow(); AXV_INTERRUPT: enter again after the host has taken its
 * interrupts or done other work; AXV_EXIT: the run ends.
 *
 * Interrupts are off, and the vector registers are the guest's.
 */
static __always_inline enum axv_next run_guest(struct axv_arm64_vcpu *v, int cpu)
{
	struct axv_vcpu *vcpu = &v->base;
	enum axv_next next;

	axv_arm64_ppi_keep(cpu);
	if (axv_arm64_has_gic(v))
		axv_arm64_gic_enter(v);
	else
		axv_arm64_ppi_hold(v->timer.told);
	load_guest(v);
	for (;;) {
		/*
		 * This CPU writes the mode, issues a full barrier and then reads requests
		 * and &axv_vm.tlb_gen; axv_request() and the flush write these, issue a
		 * full barrier and then read the mode.  So at least one side sees what
		 * the other wrote.
		 */
		smp_store_mb(vcpu->mode, AXV_IN_GUEST);
		next = before_entry(v);
		if (unlikely(next != AXV_RESUME))
			break;

		trace_axv_entry(vcpu, v->regs.pc);
		axv_count(&vcpu->stats.entries, 1);
		world_switch(v);
		axv_count(&vcpu->stats.hw_exits, 1);
		axv_left_guest(vcpu);
		trace_axv_exit(vcpu, v->regs.pc, v->last.esr, v->last.code,
			       v->last.far);

		next = after_exit(v);
		if (next != AXV_RESUME)
			break;
	}
	axv_left_guest(vcpu);
	load_host(v);
	if (axv_arm64_has_gic(v) || v->sys[AXV_SYS_CNTV_CTL_EL0] & CNTV_CTL_ISTATUS)
		axv_arm64_gic_leave(v);
	return next;
}

/* ---- the outer loop ------------------------------------------------------------- */

static __always_inline enum axv_next prepare(struct axv_vcpu *vcpu)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);

	axv_arm64_gic_ended(v);
	axv_routes_retry(vcpu);
	if (unlikely(v->events.halted) &&
	    axv_wait_for_event(vcpu, &v->events.halted) == AXV_EXIT)
		return AXV_EXIT;
	if (unlikely(v->timer.rose) && axv_arm64_timer_tell(v) == AXV_EXIT)
		return AXV_EXIT;
	if (unlikely(READ_ONCE(v->events.any)))
		axv_arm64_deliver(v);
	return AXV_RESUME;
}

static __always_inline enum axv_next inner_loop(struct axv_vcpu *vcpu, int cpu)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	enum axv_next next;
	bool by_kernel;

	local_irq_disable();
	by_kernel = axv_arm64_fpu_begin(&v->host_fpu);
	vtime_account_guest_enter();
	axv_arm64_fpu_load(&v->fpu);
	next = run_guest(v, cpu);
	axv_arm64_fpu_save(&v->fpu);
	if (likely(!by_kernel))
		axv_arm64_fpu_load(&v->host_fpu);
	/*
	 * Take the host's interrupts here: then a tick counts the time as the guest's.
	 * But where kernel_neon_begin() has switched softirqs off (before 6.8), it counts
	 * as time of softirqs.
	 */
	if (next == AXV_INTERRUPT) {
		local_irq_enable();
		isb();
		local_irq_disable();
	}
	vtime_account_guest_exit();
	local_irq_enable();
	if (unlikely(by_kernel))
		kernel_neon_end();
	return next;
}

static __always_inline enum axv_next handle_slow(struct axv_vcpu *vcpu)
{
	return axv_arm64_handle_slow(to_arm64(vcpu));
}

/* Give up the CPU if the host wants it, after the host took an interrupt. */
static __always_inline enum axv_next host_work(struct axv_vcpu *vcpu, u64 interrupts)
{
	/* cond_resched() alone would not do, since it does not see a lazy request. */
	if (read_thread_flags() & AXV_NEED_RESCHED)
		schedule();
	else
		cond_resched();
	if (vcpu->stats.interrupts != interrupts &&
	    (vcpu->vm->flags & AXV_VM_EXIT_ON_EXTINT))
		return axv_exit_interrupt(vcpu);
	return AXV_RESUME;
}

/*
 * Show the VMM the level of the timer at each exit; without irqchip nothing else looks at
 * it.
 */
static __always_inline void show_timer(struct axv_arm64_vcpu *v)
{
	if (!axv_arm64_has_gic(v))
		v->timer.told = unlikely(v->sys[AXV_SYS_CNTV_CTL_EL0]) &&
				axv_arm64_timer_line(v);
	v->timer.rose = false;
	v->base.run->timer_level = v->timer.told;
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

	axv_assert_claimed(vcpu);
	if (v->pending.kind != AXV_PENDING_NONE)
		axv_arm64_complete(v);
	/* The data of a read is consumed by now, so the exit for a kick loses nothing. */
	if (unlikely(axv_take_request(vcpu, AXV_REQ_KICK)))
		axv_arm64_exit(v, AXV_EXIT_KICKED, 0);
	else
		ret = axv_outer_loop(vcpu, prepare, inner_loop, handle_slow, host_work);
	axv_arm64_gic_ended(v);

	run->ip = v->regs.pc;
	run->hw_reason = v->last.esr;
	show_timer(v);
	run->ready_for_interrupt = !(v->regs.pstate & PSR_I_BIT) &&
				   (!axv_arm64_has_gic(v) || v->ich.vmcr & AXV_VMCR_ENG1);
	if (unlikely(READ_ONCE(run->want)))
		axv_arm64_store_run(vcpu);
	else
		run->valid = 0;
	return ret;
}
