// SPDX-License-Identifier: GPL-2.0
/*
 * Work of the thread that runs a vCPU.
 */
#include <linux/bitops.h>
#include <linux/sched.h>
#include <linux/thread_info.h>

#include <axvcpu/compat.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/work.h>

/*
 * The slow half of axv_has_user_work(): a flag of AXV_USER_WORK is set.  With
 * TIF_NOTIFY_RESUME alone it depends on what the flag was set for.
 *
 * A thread that uses restartable sequences (rseq; every thread does with newer C libraries)
 * gets the flag when it is preempted, so that the kernel checks its sequence before it is
 * in user mode again.  The thread is not in user mode here, so that check can wait for the
 * end of the run.  Otherwise every halt in the kernel would end the run, since each sleep
 * is a preemption.  Work that was queued for the thread, and its throttling, use the same
 * flag and cannot wait.
 */
bool __axv_has_user_work(unsigned long flags)
{
	return flags & AXV_USER_WORK & ~_TIF_NOTIFY_RESUME ||
	       !axv_resume_is_rseq();
}

/**
 * axv_put_off_resume() - put TIF_NOTIFY_RESUME off to the end of the run
 * @vcpu:	vCPU that this thread runs, about to be entered
 *
 * The kernel interrupts a guest for new work only if it finds the flag clear
 * (set_notify_resume()), so the flag is clear in the guest.
 *
 * Context: interrupts off; the caller asks axv_has_user_work() afterwards, with the flags
 * that it read before this call, since work that was queued meanwhile sent no interrupt.
 */
void axv_put_off_resume(struct axv_vcpu *vcpu)
{
	clear_thread_flag(TIF_NOTIFY_RESUME);
	vcpu->notify_resume = true;
	/* Pairs with task_work_add(), which queues first and then sets the flag. */
	smp_mb__after_atomic();
}
