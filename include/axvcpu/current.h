/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The current vCPU of a CPU, the vCPUs that its hardware holds, and the loaded one of
 * these, which is the one that was loaded last.  current.c
 */
#ifndef _AXVCPU_CURRENT_H
#define _AXVCPU_CURRENT_H

#include <linux/bug.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/smp.h>

#include <axvcpu/vcpu.h>

DECLARE_PER_CPU(struct axv_vcpu *, axv_current);
DECLARE_PER_CPU(struct axv_vcpu *, axv_loaded);
DECLARE_PER_CPU(struct hlist_head, axv_held);

/**
 * axv_get_current_vcpu() - the vCPU this thread is acting on
 *
 * A claim makes a vCPU the current one, and the answer follows the thread when it is
 * preempted, so a back end may ask at any time.
 *
 * Context: any thread context; preemption may be on, since the answer belongs
 * to the thread.
 * Return: the vCPU, or NULL.
 */
static inline struct axv_vcpu *axv_get_current_vcpu(void)
{
	struct axv_vcpu *vcpu;

	preempt_disable();
	vcpu = __this_cpu_read(axv_current);
	preempt_enable();
	return vcpu;
}

/**
 * axv_assert_claimed() - warn unless this thread has the claim of a vCPU
 * @vcpu:	the vCPU
 *
 * A claim makes a vCPU the current one of its thread, and nothing else does.  Without
 * CONFIG_PROVE_LOCKING this does nothing, as lockdep_assert_held().
 *
 * Context: process context.
 */
static inline void axv_assert_claimed(const struct axv_vcpu *vcpu)
{
	if (IS_ENABLED(CONFIG_PROVE_LOCKING))
		WARN_ON_ONCE(axv_get_current_vcpu() != vcpu);
}

#if IS_ENABLED(CONFIG_KUNIT)
extern unsigned int axv_nesting_expected;
#endif

void axv_current_enable(void);
void axv_current_disable(void);
void axv_current_init(struct axv_vcpu *vcpu);
int axv_nested(struct axv_vcpu *vcpu);

/**
 * axv_set_current_vcpu() - begin to act on a vCPU
 * @vcpu:	vCPU that becomes current; its claim is the caller's alone
 *
 * Context: process context, preemption off, while a VM exists; ended by the same thread.
 * Return: 0; -EDEADLK, after a warning, if the thread acts on a vCPU already: that is
 * a bug.
 */
static __always_inline int axv_set_current_vcpu(struct axv_vcpu *vcpu)
{
	if (unlikely(__this_cpu_read(axv_current)))
		return axv_nested(vcpu);
	preempt_notifier_register(&vcpu->notifier);
	__this_cpu_write(axv_current, vcpu);
	return 0;
}

/**
 * axv_clear_current_vcpu() - stop acting on a vCPU
 * @vcpu:	that of axv_set_current_vcpu()
 *
 * Context: process context, preemption off; the same thread, which still has the claim.
 */
static __always_inline void axv_clear_current_vcpu(struct axv_vcpu *vcpu)
{
	__this_cpu_write(axv_current, NULL);
	preempt_notifier_unregister(&vcpu->notifier);
}

void __axv_vcpu_load(struct axv_vcpu *vcpu, int cpu);
void axv_vcpu_evict(struct axv_vcpu *vcpu);
void axv_evict_this_cpu(void);

/**
 * axv_vcpu_load() - make the vCPU the loaded one of this CPU
 * @vcpu:	vCPU whose claim the caller holds
 *
 * Nothing is to be done if it is the loaded one already: that is what a vCPU gains by
 * staying on a CPU.
 *
 * Where virtualization is off nothing is loaded; the entry finds that out by
 * axv_hardware_is_enabled().
 *
 * Context: preemption off, interrupts on.
 */
static inline void axv_vcpu_load(struct axv_vcpu *vcpu)
{
	/* The loaded vCPU of a CPU is always one that the CPU holds; see unload(). */
	if (unlikely(__this_cpu_read(axv_loaded) != vcpu))
		__axv_vcpu_load(vcpu, smp_processor_id());
}

#endif /* _AXVCPU_CURRENT_H */
