// SPDX-License-Identifier: GPL-2.0
/*
 * What a CPU has to do with vCPUs: one that the running thread is acting on, and
 * those that the CPU's hardware holds, one of them in front.
 *
 * The first follows the thread through preemption, by preempt notifiers that
 * live no longer than one call into a back end.  The others stay behind: they are
 * what a sticky bind saves.  A vCPU that is loaded comes to the front and takes
 * nothing from those behind it; what makes a CPU let go is an interrupt from the
 * CPU that wants the vCPU, its end, or the hardware's being switched off.
 */
#include <linux/atomic.h>
#include <linux/irqflags.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include <axvcpu/arch.h>
#include <axvcpu/hardware.h>
#include <axvcpu/vcpu.h>

#include "fastpath.h"

DEFINE_PER_CPU(struct axv_vcpu *, axv_current);
DEFINE_PER_CPU(struct axv_vcpu *, axv_loaded);
DEFINE_PER_CPU(struct hlist_head, axv_held);

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct axv_current_scope *scope =
		container_of(notifier, struct axv_current_scope, notifier);

	__this_cpu_write(axv_current, scope->vcpu);
}

static void sched_out(struct preempt_notifier *notifier,
		      struct task_struct *next)
{
	__this_cpu_write(axv_current, NULL);
}

struct preempt_ops axv_current_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

static DEFINE_MUTEX(notifiers_lock);
static bool notifiers_on;

/**
 * axv_current_enable() - have the scheduler call preempt notifiers
 *
 * That patches the scheduler's code, for which every CPU is interrupted: the
 * first VM does it, and it lasts until the module goes.
 *
 * Context: may sleep.
 */
void axv_current_enable(void)
{
	mutex_lock(&notifiers_lock);
	if (!notifiers_on)
		preempt_notifier_inc();
	notifiers_on = true;
	mutex_unlock(&notifiers_lock);
}

/**
 * axv_current_disable() - no longer; nobody has a current vCPU any more
 *
 * Context: may sleep.
 */
void axv_current_disable(void)
{
	mutex_lock(&notifiers_lock);
	if (notifiers_on)
		preempt_notifier_dec();
	notifiers_on = false;
	mutex_unlock(&notifiers_lock);
}

#if IS_ENABLED(CONFIG_KUNIT)
/* How often a test is about to nest on purpose. */
unsigned int axv_nesting_expected;

static bool nesting_is_expected(void)
{
	if (!axv_nesting_expected)
		return false;
	axv_nesting_expected--;
	return true;
}
#else
static bool nesting_is_expected(void)
{
	return false;
}
#endif

/**
 * axv_nested() - somebody acts on a vCPU and begins to act on another
 * @vcpu:	the other
 *
 * Return: -EDEADLK, after a warning.
 */
int axv_nested(struct axv_vcpu *vcpu)
{
	WARN_ONCE(!nesting_is_expected(),
		  "axvcpu: nested operation on vCPU %u\n", vcpu->id);
	return -EDEADLK;
}

/**
 * axv_set_current_vcpu() - begin to act on a vCPU
 * @scope:	lives until axv_clear_current_vcpu()
 * @vcpu:	vCPU that becomes current
 *
 * Context: process context, while a VM exists; ended by the same thread.
 * Return: 0; -EDEADLK if the thread has a current vCPU: that is a bug.
 */
int axv_set_current_vcpu(struct axv_current_scope *scope,
			 struct axv_vcpu *vcpu)
{
	axv_scope_init(scope, vcpu);
	return __axv_set_current_vcpu(scope, vcpu);
}

/**
 * axv_clear_current_vcpu() - the end of what axv_set_current_vcpu() began
 * @scope:	the same
 *
 * Context: process context, the same thread.
 */
void axv_clear_current_vcpu(struct axv_current_scope *scope)
{
	__axv_clear_current_vcpu(scope);
}

/* On the CPU that holds the vCPU, interrupts off. */
static void unload(struct axv_vcpu *vcpu)
{
	vcpu->ops->unload(vcpu);
	if (__this_cpu_read(axv_loaded) == vcpu)
		__this_cpu_write(axv_loaded, NULL);
	hlist_del_init(&vcpu->held);

	/* Pairs with axv_vcpu_evict() of whoever wants to load or free it. */
	smp_store_release(&vcpu->loaded_cpu, -1);
}

static void unload_if_here(void *info)
{
	struct axv_vcpu *vcpu = info;

	if (READ_ONCE(vcpu->loaded_cpu) == smp_processor_id())
		unload(vcpu);
}

/**
 * axv_vcpu_evict() - have whatever CPU holds the vCPU let go of it
 * @vcpu:	vCPU whose claim the caller holds, or that nobody can claim
 *
 * Context: interrupts on; waits for the other CPU, does not sleep.
 */
void axv_vcpu_evict(struct axv_vcpu *vcpu)
{
	int cpu;

	/* Pairs with unload(): who reads -1 sees the state that was saved. */
	cpu = smp_load_acquire(&vcpu->loaded_cpu);

	/* A CPU that is no longer there evicted it on its way out. */
	if (cpu >= 0)
		smp_call_function_single(cpu, unload_if_here, vcpu, 1);
}

/**
 * axv_evict_this_cpu() - let go of all vCPUs that this CPU holds
 *
 * Context: interrupts off.
 */
void axv_evict_this_cpu(void)
{
	struct hlist_head *held = this_cpu_ptr(&axv_held);

	while (!hlist_empty(held))
		unload(hlist_entry(held->first, struct axv_vcpu, held));
}

/**
 * __axv_vcpu_load() - make this CPU's hardware hold the vCPU, the long way
 * @vcpu:	vCPU whose claim the caller holds, and so the only one to load it
 * @cpu:	this CPU
 *
 * The emergency path of a back end reads the list from an NMI, hence the order.
 *
 * Context: preemption off, interrupts on; may wait for the CPU that holds it.
 */
void __axv_vcpu_load(struct axv_vcpu *vcpu, int cpu)
{
	unsigned long flags;

	if (READ_ONCE(vcpu->loaded_cpu) != cpu)
		axv_vcpu_evict(vcpu);

	local_irq_save(flags);
	if (likely(axv_hardware_is_enabled())) {
		if (vcpu->loaded_cpu != cpu) {
			hlist_add_head_rcu(&vcpu->held, this_cpu_ptr(&axv_held));
			vcpu->stats.loads++;
		}
		vcpu->ops->load(vcpu, cpu);
		vcpu->cpu = cpu;
		__this_cpu_write(axv_loaded, vcpu);
		WRITE_ONCE(vcpu->loaded_cpu, cpu);
	}
	local_irq_restore(flags);
}

/*
 * Kicking another CPU out of a guest.  All that matters is that an interrupt
 * arrives there after the request was written, so one in flight is enough for
 * any number of senders: @axv_kick_pending says that its handler has yet to
 * begin.
 */
static DEFINE_PER_CPU(call_single_data_t, axv_kick_csd);
static DEFINE_PER_CPU(atomic_t, axv_kick_pending);

static void kicked(void *info)
{
	/*
	 * The call data is free for the next sender by now.  A sender that
	 * found the flag set wrote its request before, and being interrupted
	 * is all it wanted of this CPU.
	 */
	atomic_set(this_cpu_ptr(&axv_kick_pending), 0);
}

/**
 * axv_kick_init() - before the first axv_kick_cpu()
 *
 * Not an initializer: a module's per-CPU data is not relocated, so it cannot
 * hold the address of a function.
 */
void axv_kick_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_CSD(per_cpu_ptr(&axv_kick_csd, cpu), kicked, NULL);
}

/**
 * axv_kick_cpu() - interrupt a CPU
 * @cpu:	host CPU
 *
 * Context: any but NMI; does not wait.
 */
void axv_kick_cpu(int cpu)
{
	atomic_t *pending = per_cpu_ptr(&axv_kick_pending, cpu);

	/* Full barrier: the caller's request is written before. */
	if (atomic_xchg(pending, 1))
		return;

	/* A CPU that has gone runs no guest. */
	if (smp_call_function_single_async(cpu, per_cpu_ptr(&axv_kick_csd, cpu)))
		atomic_set(pending, 0);
}

/**
 * axv_kick_flush() - wait until no interrupt of axv_kick_cpu() is in flight
 *
 * Context: may sleep; nobody kicks any more.
 */
void axv_kick_flush(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		while (atomic_read(per_cpu_ptr(&axv_kick_pending, cpu)))
			cond_resched();

	/* Handlers run with interrupts off: let the last ones return. */
	synchronize_rcu();
}
