/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The steps of a run that are the same on all architectures: what may keep a vCPU from the
 * guest, the exits that have nothing to do with the guest, and the outer loop, which may
 * sleep.
 *
 * The code is inlined into each back end, which passes functions for its own steps, so
 * every call of these is a direct call.
 */
#ifndef _AXVCPU_RUN_H
#define _AXVCPU_RUN_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include <linux/axvcpu.h>
#include <axvcpu/compat.h>
#include <axvcpu/current.h>
#include <axvcpu/next.h>
#include <axvcpu/request.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/work.h>

/**
 * axv_before_entry_requests() - look for requests of other threads
 * @vcpu:	vCPU about to be entered
 *
 * An AXV_REQ_EVENT is left for the architecture.
 *
 * Context: interrupts off.
 * Return: AXV_RESUME, or what the inner loop ends with.
 */
static __always_inline enum axv_next axv_before_entry_requests(struct axv_vcpu *vcpu)
{
	if (axv_test_request(vcpu, AXV_REQ_DEAD))
		return AXV_SLOW;
	if (axv_take_request(vcpu, AXV_REQ_KICK)) {
		axv_exit(vcpu, AXV_EXIT_KICKED, 0);
		return AXV_EXIT;
	}
	return AXV_RESUME;
}

/**
 * axv_before_entry_work() - look for work of this thread, or of this CPU
 * @vcpu:	vCPU about to be entered
 * @flags:	read_thread_flags(), with something of AXV_USER_WORK or AXV_NEED_RESCHED set
 *
 * Context: interrupts off.
 * Return: AXV_RESUME, or what the inner loop ends with.
 */
static __always_inline enum axv_next axv_before_entry_work(struct axv_vcpu *vcpu,
							   unsigned long flags)
{
	if (axv_user_work_stops_entry(vcpu, flags)) {
		axv_exit(vcpu, AXV_EXIT_NOTHING, 0);
		return AXV_EXIT;
	}
	return flags & AXV_NEED_RESCHED ? AXV_INTERRUPT : AXV_RESUME;
}

/**
 * axv_exit_interrupt() - end the run because the host had an interrupt
 * @vcpu:	vCPU whose claim the caller holds
 *
 * Return: AXV_EXIT.
 */
static __always_inline enum axv_next axv_exit_interrupt(struct axv_vcpu *vcpu)
{
	struct axv_run *run = axv_exit(vcpu, AXV_EXIT_EXTERNAL_INTERRUPT, 0);

	run->exit.interrupt.vector = 0;
	run->exit.interrupt.known = 0;
	return AXV_EXIT;
}

static __always_inline enum axv_next axv_exit_wrong_cpu(struct axv_vcpu *vcpu, int cpu)
{
	struct axv_run *run = axv_exit(vcpu, AXV_EXIT_WRONG_CPU, 0);

	run->exit.wrong_cpu.cpu = cpu;
	run->exit.wrong_cpu.pad = 0;
	return AXV_EXIT;
}

/**
 * axv_wait_for_event() - park the vCPU of a guest that has halted, AXV_VM_HALT_IN_KERNEL
 * @vcpu:	vCPU whose claim the caller holds
 * @halted:	the guest is halted; out: false if an event ended that
 *
 * A kick, a signal or other work of the thread ends the run, not the halt: the next
 * run parks the vCPU again.
 *
 * Context: sleeps.
 * Return: AXV_RESUME or AXV_EXIT.
 */
static __always_inline enum axv_next
axv_wait_for_event(struct axv_vcpu *vcpu, bool *halted)
{
	int reason = axv_vcpu_block(vcpu);

	if (reason < 0) {
		axv_exit(vcpu, AXV_EXIT_NOTHING, 0);
		return AXV_EXIT;
	}
	if (reason)
		*halted = false;
	return AXV_RESUME;
}

/*
 * axv_run_on_this_cpu() - run the inner loop, if the vCPU may run here
 *
 * A macro, as is axv_outer_loop(): the inner loop that a back end passes takes functions
 * itself, and the compiler makes direct calls of constant functions through one level only.
 */
#define axv_run_on_this_cpu(vcpu, inner_loop, ...)			\
({									\
	struct axv_vcpu *__v = (vcpu);					\
	enum axv_next __next;						\
	int __cpu;							\
									\
	preempt_disable();						\
	__cpu = smp_processor_id();					\
	if (likely(axv_vcpu_may_run_on(__v, __cpu))) {			\
		axv_vcpu_load(__v);					\
		__next = (inner_loop)(__v, __cpu, ##__VA_ARGS__);	\
	} else {							\
		__next = axv_exit_wrong_cpu(__v, __cpu);		\
	}								\
	preempt_enable();						\
	__next;								\
})

/*
 * axv_outer_loop() - enter the guest until something ends the run
 * @vcpu:	claimed vCPU in state Running, current on this thread
 * @prepare:	(vcpu, ...): before the inner loop; AXV_EXIT ends the run.  Preemption on
 * @inner_loop:	(vcpu, cpu, ...): enter the guest until an exit cannot be answered on the
 *		spot.  The vCPU is loaded on @cpu if virtualization is on.  Preemption off
 * @handle_slow: (vcpu, ...): answer an exit that may sleep; AXV_EXIT ends the run
 * @host_work:	(vcpu, interrupts): the inner loop ended with AXV_INTERRUPT: let the host
 *		do its work.  @interrupts is &axv_stats.interrupts of before the inner
 *		loop.  AXV_EXIT ends the run
 *
 * Further arguments are passed to all of these but @host_work.
 *
 * Context: process context; sleeps for guest memory and in state Blocked.
 * Value: 0 with the exit in the run page; -EIO if the VM is dead.
 */
#define axv_outer_loop(vcpu, prepare, inner_loop, handle_slow, host_work, ...)	\
({									\
	struct axv_vcpu *__vcpu = (vcpu);				\
	bool __again = true;						\
	u64 __interrupts;						\
	int __ret = 0;							\
									\
	while (__again && (prepare)(__vcpu, ##__VA_ARGS__) != AXV_EXIT) {	\
		__interrupts = __vcpu->stats.interrupts;		\
		switch (axv_run_on_this_cpu(__vcpu, inner_loop, ##__VA_ARGS__)) {	\
		case AXV_SLOW:						\
			if (axv_test_request(__vcpu, AXV_REQ_DEAD)) {	\
				__ret = -EIO;				\
				__again = false;			\
			} else {					\
				__again = (handle_slow)(__vcpu, ##__VA_ARGS__) != AXV_EXIT;	\
			}						\
			break;						\
		case AXV_EXIT:						\
			__again = false;				\
			break;						\
		default:						\
			__again = (host_work)(__vcpu, __interrupts) != AXV_EXIT;	\
			break;						\
		}							\
	}								\
	__ret;								\
})

#endif /* _AXVCPU_RUN_H */
