/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry and exit: the run path of x86.
 *
 * A run has two nested loops.  The outer one may sleep: it answers exits that
 * touch guest memory.  The inner one runs with preemption off and, but for the
 * moments in which the host takes its interrupts, with interrupts off; it goes
 * round for every exit that is answered on the spot.  Registers that guest and
 * host share have the guest's values inside the inner loop only: the host's are
 * back before it ends, so the outer loop may be preempted anywhere.
 *
 * Both back ends include this file and hand in their own steps as a constant
 * struct axv_x86_engine, so the compiler makes every call of a step a direct call.
 */
#ifndef _AXVCPU_X86_RUN_H
#define _AXVCPU_X86_RUN_H

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
#include <axvcpu/current.h>
#include <axvcpu/hardware.h>
#include <axvcpu/request.h>
#include <axvcpu/run.h>
#include <axvcpu/trace.h>
#include <axvcpu/work.h>

#include "access.h"
#include "debug.h"
#include "events.h"
#include "exit.h"
#include "known.h"
#include "lapic.h"
#include "regs.h"
#include "x86.h"

/**
 * struct axv_x86_engine - the steps of a run that a back end makes itself
 *
 * All but @begin_run and @handle_slow are called with interrupts off and do not sleep.
 *
 * @begin_run:	optional: what has to be done once in a run; may sleep.  AXV_RESUME, or
 *		AXV_EXIT if the run ends
 * @host_tsc_aux: TSC_AUX of the host on this CPU
 * @hold_host:	when the inner loop begins: save the host's state that the hardware does
 *		not switch
 * @refresh_host: after interrupts of the host: save again what they may have changed of
 *		that state
 * @release_host: when the inner loop ends: give the host its state back, before
 *		anything but an interrupt handler runs
 * @inject:	choose what the next entry delivers; AXV_RESUME or AXV_EXIT
 * @prepare:	set the TSC offset and flush the TLB; nothing stops the entry after this
 * @enter:	the world switch: hand &axv_x86_vcpu.regs to the hardware, run the guest
 *		until an exit, take them back
 * @after_exit:	for every exit: keep an event whose delivery was cut short, and do the
 *		host's work that cannot wait
 * @handle_fast: answer an exit on the spot, if that is possible
 * @handle_slow: answer an exit for which @handle_fast returned AXV_SLOW
 * @intercept_dr: make accesses to debug registers exit, unless
 *		&axv_x86_vcpu.dr_live is set and the VMM does not own them
 * @dr7:	read DR7 as the guest runs with it, which may be the VMM's
 * @load_dr6:	load the guest's DR6 into the register, if the entry does not do that
 * @save_dr6:	save the guest's DR6 from the register, if the exit does not do that
 * @reset_dr6:	give the register the host's DR6, if it has another value
 * @cr8:	read the guest's CR8
 * @shadow:	is there an interrupt shadow?
 * @code_state:	inline version of &axv_x86_hw.code_state for axv_x86_complete_known_in();
 *		NULL: axv_x86_complete() does that work alone
 * @advance:	inline version of axv_x86_advance() for the same; NULL if @code_state is
 * @exit_code:	the hardware's code for the last exit
 * @trace_exit:	call trace_axv_exit()
 */
struct axv_x86_engine {
	enum axv_next (*begin_run)(struct axv_x86_vcpu *x);
	u64 (*host_tsc_aux)(struct axv_x86_vcpu *x);
	void (*hold_host)(struct axv_x86_vcpu *x);
	void (*refresh_host)(struct axv_x86_vcpu *x);
	void (*release_host)(struct axv_x86_vcpu *x);
	enum axv_next (*inject)(struct axv_x86_vcpu *x);
	void (*prepare)(struct axv_x86_vcpu *x, int cpu);
	void (*enter)(struct axv_x86_vcpu *x);
	void (*after_exit)(struct axv_x86_vcpu *x);
	enum axv_next (*handle_fast)(struct axv_x86_vcpu *x);
	enum axv_next (*handle_slow)(struct axv_x86_vcpu *x);
	void (*intercept_dr)(struct axv_x86_vcpu *x);
	u64 (*dr7)(struct axv_x86_vcpu *x);
	void (*load_dr6)(struct axv_x86_vcpu *x);
	void (*save_dr6)(struct axv_x86_vcpu *x);
	void (*reset_dr6)(struct axv_x86_vcpu *x);
	unsigned int (*cr8)(struct axv_x86_vcpu *x);
	bool (*shadow)(struct axv_x86_vcpu *x);
	void (*code_state)(struct axv_x86_vcpu *x, struct axv_x86_code_state *state);
	void (*advance)(struct axv_x86_vcpu *x, unsigned int len);
	u64 (*exit_code)(struct axv_x86_vcpu *x);
	void (*trace_exit)(struct axv_x86_vcpu *x);
};

/*
 * Kernel code relies on the host's XCR0, XSS and PKRU, so these are the last to be
 * switched before an entry and the first after an exit.  Our own copy of CR4 decides
 * whether they are switched: CR4 in the hardware may be undefined after a shutdown
 * (AMD APM vol. 2, 15.14.3).
 */
static __always_inline void axv_x86_load_guest_xstate(struct axv_x86_vcpu *x)
{
	if (!(x->cr4 & (X86_CR4_OSXSAVE | X86_CR4_PKE)))
		return;
	if (x->cr4 & X86_CR4_OSXSAVE) {
		if (x->xcr0 != axv_x86_host.kernel_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, x->xcr0);
		if (axv_x86_host.kernel_xss)
			wrmsrl(MSR_IA32_XSS, 0);
	}
	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		x->host_pkru = rdpkru();
		if (x->pkru != x->host_pkru)
			wrpkru(x->pkru);
	}
}

static __always_inline void axv_x86_load_host_xstate(struct axv_x86_vcpu *x)
{
	u64 xcr0;

	if (!(x->cr4 & (X86_CR4_OSXSAVE | X86_CR4_PKE)))
		return;
	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		x->pkru = rdpkru();
		if (x->pkru != x->host_pkru)
			wrpkru(x->host_pkru);
	}
	if (!(x->cr4 & X86_CR4_OSXSAVE))
		return;
	if (axv_x86_host.kernel_xss)
		wrmsrl(MSR_IA32_XSS, axv_x86_host.kernel_xss);

	/*
	 * XSETBV exits, but not every implementation of SVM honours that intercept:
	 * so read what the register holds.
	 */
	xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (xcr0 != x->xcr0 && axv_x86_xcr0_valid(x, xcr0))
		x->xcr0 = xcr0;
	if (xcr0 != axv_x86_host.kernel_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, axv_x86_host.kernel_xcr0);
}

/* Lockdep and context tracking are told of the guest as they are of user mode. */
static __always_inline void axv_x86_begin_guest(void)
{
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);
}

static __always_inline void axv_x86_end_guest(void)
{
	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();
	trace_hardirqs_off_finish();
}

/*
 * The hardware switches DR7, and an exit leaves it off.  DR0 to DR3 are switched here,
 * from the guest's first use of them on (AMD APM vol. 2, 15.6); or the VMM's are loaded.
 */
static __always_inline void
axv_x86_load_guest_debug(struct axv_x86_vcpu *x,
			 const struct axv_x86_engine *engine)
{
	const u64 *dr = axv_x86_has_breaks(x) ? x->debug.addr : x->dr;

	if (!x->dr_live) {
		x->dr_live = true;
		engine->intercept_dr(x);
	}
	/* DR7 first: otherwise the host's breakpoints are at addresses of the guest's. */
	set_debugreg(0, 7);
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
	engine->load_dr6(x);
	x->dr_loaded = true;
}

static __always_inline void
axv_x86_save_guest_debug(struct axv_x86_vcpu *x,
			 const struct axv_x86_engine *engine)
{
	unsigned long value;

	if (!axv_x86_has_breaks(x)) {
		get_debugreg(value, 0);
		x->dr[0] = value;
		get_debugreg(value, 1);
		x->dr[1] = value;
		get_debugreg(value, 2);
		x->dr[2] = value;
		get_debugreg(value, 3);
		x->dr[3] = value;
	}
	engine->save_dr6(x);
	x->dr_loaded = false;
}

static __always_inline void
axv_x86_restore_breakpoints(struct axv_x86_vcpu *x,
			    const struct axv_x86_engine *engine)
{
	if (likely(!hw_breakpoint_active()))
		return;
	if (x->dr_loaded)
		axv_x86_save_guest_debug(x, engine);
	hw_breakpoint_restore();
}

/* Serve the requests of other threads. */
static __always_inline enum axv_next
axv_x86_requests(struct axv_x86_vcpu *x)
{
	enum axv_next next = axv_before_entry_requests(&x->base);

	/* Injecting an event sets @any, sending to an APIC does not: so @any is set here. */
	if (next != AXV_RESUME || !axv_take_request(&x->base, AXV_REQ_EVENT) || !x->lapic)
		return next;
	WRITE_ONCE(x->events.any, true);
	if (likely(!axv_lapic_latched(x)))
		return AXV_RESUME;
	/*
	 * The outer loop takes INIT and SIPI.  A pending signal ends the run instead: otherwise
	 * another vCPU that sends INITs without end keeps the signal out.
	 */
	if (!signal_pending(current))
		return AXV_INTERRUPT;
	axv_x86_exit(x, AXV_EXIT_NOTHING, 0);
	return AXV_EXIT;
}

/*
 * If the VMM injected an external interrupt now, would that be the next event?  An NMI that
 * waits for the end of an NMI handler does not come before it.
 */
static __always_inline bool axv_x86_pic_is_next(struct axv_x86_vcpu *x)
{
	const struct axv_x86_events *ev = &x->events;

	if (likely(!READ_ONCE(ev->any)))
		return axv_lapic_pic_open(x);
	/* Interrupts of the APIC do not count: they come after one of the VMM's. */
	return axv_lapic_pic_open(x) && !READ_ONCE(ev->extint_count) &&
	       (!READ_ONCE(ev->nmi_pending) || x->hw->get_nmi_masked(x)) &&
	       !READ_ONCE(ev->exception) && !ev->reinject;
}

/*
 * Does the VMM wait for the interrupt window, and is that open in the halted guest?  If an NMI
 * is next, that ends the halt.
 */
static __always_inline bool
axv_x86_window_is_open(struct axv_x86_vcpu *x,
		       const struct axv_x86_engine *engine)
{
	return x->irq_window && (x->regs.rflags & X86_EFLAGS_IF) &&
	       !engine->shadow(x) && axv_x86_pic_is_next(x);
}

/*
 * A halted guest is not entered.  AXV_INTERRUPT: the outer loop waits for the end of the
 * halt; AXV_EXIT: the VMM has to be told of the interrupt window first.
 */
static __always_inline enum axv_next
axv_x86_before_halt(struct axv_x86_vcpu *x,
		    const struct axv_x86_engine *engine)
{
	if (!axv_x86_window_is_open(x, engine))
		return AXV_INTERRUPT;
	axv_x86_exit(x, AXV_EXIT_IRQ_WINDOW, 0);
	return AXV_EXIT;
}

/*
 * Does anything keep the guest from being entered?  AXV_RESUME: nothing does;
 * AXV_INTERRUPT: the outer loop has to let the host do its work; AXV_EXIT: the run ends.
 */
static __always_inline enum axv_next
axv_x86_before_entry(struct axv_x86_vcpu *x,
		     const struct axv_x86_engine *engine)
{
	enum axv_next next;
	unsigned long flags;

	if (unlikely(READ_ONCE(x->base.requests))) {
		next = axv_x86_requests(x);
		if (next != AXV_RESUME)
			return next;
	}

	flags = read_thread_flags();
	if (unlikely(flags & (AXV_USER_WORK | AXV_NEED_RESCHED |
			      _TIF_NEED_FPU_LOAD))) {
		next = axv_before_entry_work(&x->base, flags);
		if (next != AXV_RESUME)
			return next;
		/* An interrupt used the vector registers: load the guest's again. */
		switch_fpu_return();
	}

	if (unlikely(!axv_hardware_is_enabled()))
		return axv_x86_hardware_is_off(x);

	if (unlikely(READ_ONCE(x->events.any_or_halted) | x->irq_or_step)) {
		if (unlikely(x->step) && axv_x86_begin_step(x) == AXV_EXIT)
			return AXV_EXIT;
		if (x->events.halted)
			return axv_x86_before_halt(x, engine);
		return engine->inject(x);
	}
	x->injected = 0;
	return AXV_RESUME;
}

/*
 * Let the host take its interrupts: after an exit that one of them caused, and after any
 * exit from an entry that injected an event.  An injected event is delivered before a
 * pending interrupt can end the guest, and so is what its delivery causes.  A guest can
 * make that recur for ever, and would keep the host's interrupts out (CVE-2015-5307,
 * CVE-2015-8104).  A back end clears @injected where the exit itself tells that the
 * delivery has ended.
 *
 * An interrupt handler may change the LDT of this CPU, set a breakpoint, or switch
 * virtualization off, hence refresh_host().  And a CPU that stays in the inner loop,
 * without a return to user mode, has to report a quiescent state to RCU.
 */
static __always_inline void
axv_x86_take_interrupts(struct axv_x86_vcpu *x,
			const struct axv_x86_engine *engine)
{
	if (unlikely(x->dr_loaded))
		axv_x86_save_guest_debug(x, engine);
	local_irq_enable();
	nop();
	local_irq_disable();
	if (!context_tracking_enabled_this_cpu())
		rcu_note_context_switch(false);
	engine->refresh_host(x);
}

/*
 * The inner loop.  AXV_EXIT: the run ends; AXV_SLOW: the exit waits for
 * &axv_x86_engine.handle_slow; AXV_INTERRUPT: enter again once the outer loop has let
 * the host do its work.
 */
static __always_inline enum axv_next
axv_x86_inner_loop(struct axv_x86_vcpu *x, int cpu,
		   const struct axv_x86_engine *engine)
{
	struct axv_vcpu *vcpu = &x->base;
	u64 host_tsc_aux = engine->host_tsc_aux(x);
	u64 tsc_aux = host_tsc_aux;
	enum axv_next next;

	local_irq_disable();
	vtime_account_guest_enter();
	engine->hold_host(x);

	for (;;) {
		/*
		 * Write the mode, full barrier, then read the requests.
		 * axv_request() and a flush write what they want, issue a full
		 * barrier, then read the mode.  So either this thread sees the
		 * request, or the other one sees AXV_IN_GUEST and interrupts
		 * this CPU.
		 */
		smp_store_mb(vcpu->mode, AXV_IN_GUEST);
		next = axv_x86_before_entry(x, engine);
		if (unlikely(next != AXV_RESUME)) {
			axv_left_guest(vcpu);
			break;
		}

		/*
		 * Also for a guest without TSC_AUX, whose value is 0: SVM cannot
		 * intercept RDPID, which would read the host's TSC_AUX, and that
		 * tells CPU and node.
		 */
		if (unlikely(x->tsc_aux != tsc_aux)) {
			tsc_aux = x->tsc_aux;
			wrmsrl(MSR_TSC_AUX, tsc_aux);
		}
		if (unlikely(!x->dr_loaded &&
			     (x->dr_live ||
			      (engine->dr7(x) & (DR_GLOBAL_ENABLE_MASK |
						 DR_LOCAL_ENABLE_MASK)))))
			axv_x86_load_guest_debug(x, engine);
		engine->prepare(x, cpu);

		trace_axv_entry(vcpu, x->regs.rip);
		axv_count(&vcpu->stats.entries, 1);
		engine->enter(x);
		axv_count(&vcpu->stats.hw_exits, 1);
		axv_left_guest(vcpu);
		if (trace_axv_exit_enabled())
			engine->trace_exit(x);

		axv_x86_restore_breakpoints(x, engine);
		engine->after_exit(x);

		next = engine->handle_fast(x);
		if (next == AXV_RESUME) {
			if (unlikely(x->injected))
				axv_x86_take_interrupts(x, engine);
			continue;
		}
		if (next != AXV_INTERRUPT)
			break;

		axv_count(&vcpu->stats.interrupts, 1);
		axv_x86_take_interrupts(x, engine);
		if (unlikely(vcpu->vm->flags & AXV_VM_EXIT_ON_EXTINT)) {
			next = axv_exit_interrupt(vcpu);
			break;
		}
	}

	if (unlikely(tsc_aux != host_tsc_aux))
		wrmsrl(MSR_TSC_AUX, host_tsc_aux);
	if (unlikely(x->dr_live)) {
		if (x->dr_loaded)
			axv_x86_save_guest_debug(x, engine);
		x->dr_live = false;
		engine->intercept_dr(x);
	}
	engine->reset_dr6(x);
	engine->release_host(x);
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
	vtime_account_guest_exit();
	local_irq_enable();
	return next;
}

/*
 * Take INIT and SIPI, which is not done in the inner loop, since they change registers;
 * and move the APIC's timer to this CPU.
 */
static __always_inline void axv_x86_prepare_lapic(struct axv_x86_vcpu *x)
{
	if (unlikely(axv_lapic_latched(x)))
		axv_x86_take_latched(x);
	/* The VMM may have cleared AXV_X86_EVENT_HALTED. */
	if (unlikely(x->lapic->wait_sipi))
		x->events.halted = true;
	axv_lapic_timer_move(x->lapic);
}

static __always_inline enum axv_next
axv_x86_prepare(struct axv_vcpu *vcpu, const struct axv_x86_engine *engine)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	enum axv_next next;

	if (unlikely(x->lapic))
		axv_x86_prepare_lapic(x);
	/* The VMM is told of a step over HLT before the halt. */
	if (likely(!x->events.halted) || axv_x86_window_is_open(x, engine) ||
	    axv_x86_step_is_done(x))
		return AXV_RESUME;
	next = axv_wait_for_event(vcpu, &x->events.halted);
	/* An INIT or a SIPI may have ended the wait; an INIT may halt the vCPU again. */
	if (unlikely(x->lapic) && next == AXV_RESUME)
		axv_x86_prepare_lapic(x);
	return next;
}

static __always_inline enum axv_next
axv_x86_enter(struct axv_vcpu *vcpu, int cpu, const struct axv_x86_engine *engine)
{
	return axv_x86_inner_loop(to_x86(vcpu), cpu, engine);
}

static __always_inline enum axv_next
axv_x86_handle_slow(struct axv_vcpu *vcpu, const struct axv_x86_engine *engine)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	enum axv_next next = engine->handle_slow(x);

	if (unlikely(next == AXV_AGAIN))
		return axv_x86_again(x);
	x->again = 0;
	return next;
}

/* The host's work after the inner loop, which has taken the interrupts already. */
static __always_inline enum axv_next axv_x86_host_work(struct axv_vcpu *vcpu,
						       u64 interrupts)
{
	/* Not cond_resched(), which ignores a lazy request to reschedule. */
	if (read_thread_flags() & AXV_NEED_RESCHED)
		schedule();
	return AXV_RESUME;
}

/**
 * axv_x86_run() - enter the guest until something ends the run
 * @x:		claimed vCPU in state Running, current on this thread
 * @engine:	the back end's; a constant
 *
 * Context: process context; sleeps for guest memory and in state Blocked.
 * Return: 0 with the exit in the run page; -EIO if the VM is dead.
 */
static __always_inline int
axv_x86_run(struct axv_x86_vcpu *x,
	    const struct axv_x86_engine *engine)
{
	struct axv_run *run = x->base.run;
	u8 cr8_below = READ_ONCE(run->cr8_below);
	int ret = 0;

	axv_assert_claimed(&x->base);
	x->irq_window = READ_ONCE(run->irq_window);
	if (unlikely(cr8_below != x->cr8_below) && !x->lapic) {
		x->cr8_below = cr8_below;
		x->hw->watch_cr8(x);
	}
	if (x->pending.kind != AXV_PENDING_NONE &&
	    !(engine->code_state &&
	      axv_x86_complete_known_in(x, engine->code_state, engine->advance)) &&
	    axv_x86_complete(x) == AXV_EXIT)
		goto out;
	/* The data of a read is consumed by now, so the kick loses nothing. */
	if (unlikely(READ_ONCE(x->base.requests)) &&
	    axv_take_request(&x->base, AXV_REQ_KICK)) {
		axv_x86_exit(x, AXV_EXIT_KICKED, 0);
		goto out;
	}

	/*
	 * The hardware reports a CR8 that falls below @cr8_below in the guest.  One that is
	 * below already is noticed here: with it VMX refuses the entry.
	 */
	if (unlikely(x->cr8_below) && engine->cr8(x) < x->cr8_below) {
		if (!x->lapic) {
			axv_x86_exit(x, AXV_EXIT_CR8, 0);
			goto out;
		}
		WRITE_ONCE(x->events.any, true);
	}
	if (engine->begin_run && unlikely(engine->begin_run(x) == AXV_EXIT))
		goto out;

	fpu_swap_kvm_fpstate(&x->fpu, true);
	ret = axv_outer_loop(&x->base, axv_x86_prepare, axv_x86_enter,
			     axv_x86_handle_slow, axv_x86_host_work, engine);
	fpu_swap_kvm_fpstate(&x->fpu, false);
out:
	/* Fields of the run page that every exit fills in. */
	run->ip = x->regs.rip;
	run->cr8 = engine->cr8(x);
	run->hw_reason = engine->exit_code(x);
	run->apic_base = x->lapic ? x->lapic->base : 0;
	run->ready_for_interrupt = (x->regs.rflags & X86_EFLAGS_IF) &&
				   !engine->shadow(x) && axv_x86_pic_is_next(x);
	if (unlikely(READ_ONCE(run->want)))
		axv_x86_store_run(&x->base);
	else
		run->valid = 0;
	return ret;
}

#endif /* _AXVCPU_X86_RUN_H */
