/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Work of the thread that runs a vCPU: what ends the run, and what can wait.
 * work.c
 */
#ifndef _AXVCPU_WORK_H
#define _AXVCPU_WORK_H

#include <linux/compiler.h>
#include <linux/thread_info.h>
#include <linux/types.h>

struct axv_vcpu;

bool __axv_has_user_work(unsigned long flags);
void axv_put_off_resume(struct axv_vcpu *vcpu);

/* Flags of work that a thread does only on its way back to user mode. */
#define AXV_USER_WORK	(_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | \
			 _TIF_NOTIFY_RESUME)

/**
 * axv_has_user_work() - does this thread have work that ends the run?
 * @flags:	read_thread_flags()
 *
 * Context: process context, interrupts on or off.
 */
static inline bool axv_has_user_work(unsigned long flags)
{
	return unlikely(flags & AXV_USER_WORK) && __axv_has_user_work(flags);
}

/**
 * axv_user_work_stops_entry() - axv_has_user_work(), right before an entry
 * @vcpu:	vCPU that this thread runs
 * @flags:	read_thread_flags()
 *
 * Work that can wait is put off to the end of the run, and its flag is cleared.
 *
 * Context: interrupts off.
 */
static inline bool axv_user_work_stops_entry(struct axv_vcpu *vcpu,
					     unsigned long flags)
{
	if (unlikely(flags & _TIF_NOTIFY_RESUME))
		axv_put_off_resume(vcpu);
	return axv_has_user_work(flags);
}

#endif /* _AXVCPU_WORK_H */
