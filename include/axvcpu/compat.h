/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels this module is built for: 6.1 and 6.12.
 */
#ifndef _AXVCPU_COMPAT_H
#define _AXVCPU_COMPAT_H

#include <linux/cleanup.h>
#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/syscore_ops.h>
#include <linux/task_work.h>
#include <linux/thread_info.h>
#include <linux/version.h>

/* __free(axv_kvfree): 6.1 has __free(kfree) only. */
DEFINE_FREE(axv_kvfree, void *, kvfree(_T))

/* Flags of a mapping are changed by a function since 6.3. */
static inline void axv_vm_flags_set(struct vm_area_struct *vma,
				    unsigned long flags)
{
#if KERNEL_VERSION(6, 3, 0) <= LINUX_VERSION_CODE
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void axv_vm_flags_clear(struct vm_area_struct *vma,
				      unsigned long flags)
{
#if KERNEL_VERSION(6, 3, 0) <= LINUX_VERSION_CODE
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

/* Add one to an eventfd's count.  Since 6.8 the kernel's function takes no number. */
static inline void axv_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if KERNEL_VERSION(6, 8, 0) <= LINUX_VERSION_CODE
	eventfd_signal(eventfd);
#else
	eventfd_signal(eventfd, 1);
#endif
}

/*
 * Callbacks around suspend.  Newer kernels, and stable ones with the change
 * (Kbuild looks), register an object that hands its data to the callbacks.
 */
#if defined(AXV_HAVE_REGISTER_SYSCORE)

#define AXV_DEFINE_SYSCORE(name, suspend_fn, resume_fn)			\
static int name##_suspend(void *data)					\
{									\
	return suspend_fn();						\
}									\
static void name##_resume(void *data)					\
{									\
	resume_fn();							\
}									\
static const struct syscore_ops name##_ops = {				\
	.suspend = name##_suspend,					\
	.resume = name##_resume,					\
};									\
static struct syscore name = { .ops = &name##_ops }

#define axv_register_syscore(syscore)	register_syscore(syscore)
#define axv_unregister_syscore(syscore)	unregister_syscore(syscore)

#else

#define AXV_DEFINE_SYSCORE(name, suspend_fn, resume_fn)			\
static struct syscore_ops name = {					\
	.suspend = suspend_fn,						\
	.resume = resume_fn,						\
}

#define axv_register_syscore(ops)	register_syscore_ops(ops)
#define axv_unregister_syscore(ops)	unregister_syscore_ops(ops)

#endif

/*
 * FOLL_* flags for getting guest memory that may have to be waited for: since 6.2 a signal
 * interrupts the wait, before that only a fatal one.
 */
#if KERNEL_VERSION(6, 2, 0) <= LINUX_VERSION_CODE
#define AXV_FOLL_WAIT	FOLL_INTERRUPTIBLE
#else
#define AXV_FOLL_WAIT	0
#endif

/*
 * FOLL_* flags for a guest's fault: the same, and the host's NUMA balancing is told of it,
 * which was so without a flag before 6.6.
 */
#if KERNEL_VERSION(6, 6, 0) <= LINUX_VERSION_CODE
#define AXV_FOLL_FAULT	(AXV_FOLL_WAIT | FOLL_HONOR_NUMA_FAULT)
#else
#define AXV_FOLL_FAULT	AXV_FOLL_WAIT
#endif

/*
 * Realtime kernels have a second, lazy request to reschedule, which a thread serves on its
 * way to user mode.  A thread that stays in the kernel for long, as in a run, has to look
 * for it.
 */
#ifdef TIF_NEED_RESCHED_LAZY
#define AXV_NEED_RESCHED	(_TIF_NEED_RESCHED | _TIF_NEED_RESCHED_LAZY)
#else
#define AXV_NEED_RESCHED	_TIF_NEED_RESCHED
#endif

/*
 * The kernel's emergency path has one hook for virtualization.  KVM uses it while VMX is
 * switched on, since 6.12; before that, while its module is loaded.
 */
#define AXV_KVM_HOOKED_WHILE_LOADED	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0))

/*
 * Does a kernel's booting.rst require the firmware to let EL2 use the registers of
 * FEAT_FGT2?  Since 6.15 ("arm64/boot: Enable EL2 requirements for FEAT_PMUv3p9"), and in
 * the stable series since 6.12.25 and 6.14.4; in no 6.13.
 */
#define AXV_FGT2_IS_PROMISED_BY(version)				\
	((version) >= KERNEL_VERSION(6, 14, 4) ||			\
	 ((version) >= KERNEL_VERSION(6, 12, 25) && (version) < KERNEL_VERSION(6, 13, 0)))

#if KERNEL_VERSION(6, 3, 0) <= LINUX_VERSION_CODE
#define axv_throttled()	(current->throttle_disk)
#else
#define axv_throttled()	(current->throttle_queue)
#endif

/*
 * Was TIF_NOTIFY_RESUME set for restartable sequences alone?  The flag's other users are
 * those that resume_user_mode_work() serves; each one is looked at here.
 */
static inline bool axv_resume_is_rseq(void)
{
#ifdef CONFIG_RSEQ
	if (!current->rseq || task_work_pending(current))
		return false;
#ifdef CONFIG_KEYS_REQUEST_CACHE
	if (current->cached_requested_key)
		return false;
#endif
#ifdef CONFIG_MEMCG
	if (current->memcg_nr_pages_over_high)
		return false;
#endif
#ifdef CONFIG_BLK_CGROUP
	if (axv_throttled())
		return false;
#endif
	return true;
#else
	return false;
#endif
}

#endif /* _AXVCPU_COMPAT_H */
