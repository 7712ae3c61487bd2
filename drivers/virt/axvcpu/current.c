// SPDX-License-Identifier: GPL-2.0
/*
 * The vCPUs of a CPU: the current one, on which the running thread acts, and those that the
 * CPU's hardware holds.  Of these, the loaded one is the one that was loaded last.
 *
 * The current vCPU follows its thread through preemption, by a preempt notifier that lives
 * as long as the claim.  The vCPUs that the hardware holds stay on the CPU when the thread
 * leaves it, so that a thread which comes back finds its vCPU there.  Loading a vCPU takes
 * nothing from the others that the CPU holds.  A CPU lets go of a vCPU when another CPU
 * wants to load it, when the vCPU loses its owner or is closed, and when virtualization is
 * switched off.
 */
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include <axvcpu/arch.h>
#include <axvcpu/current.h>
#include <axvcpu/hardware.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct axv_vcpu *vcpu = container_of(notifier, struct axv_vcpu, notifier);

	__this_cpu_write(axv_current, vcpu);
	WRITE_ONCE(vcpu->wants_cpu, false);
}

static void sched_out(struct preempt_notifier *notifier,
		      struct task_struct *next)
{
	struct axv_vcpu *vcpu = container_of(notifier, struct axv_vcpu, notifier);

	__this_cpu_write(axv_current, NULL);
	WRITE_ONCE(vcpu->wants_cpu, task_is_running(current));
}

static struct preempt_ops current_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

static DEFINE_MUTEX(notifiers_lock);
static bool notifiers_on;

/**
 * axv_current_enable() - have the scheduler call preempt notifiers
 *
 * That patches the scheduler's code, for which every CPU is interrupted.  So the first VM
 * does it, and it lasts until the module is unloaded.
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
 * axv_current_disable() - undo axv_current_enable(); no thread has a current vCPU
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
/* Calls of axv_nested() that a test is about to cause on purpose: no warning for these. */
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
 * axv_current_init() - prepare a vCPU for axv_set_current_vcpu()
 * @vcpu:	a new vCPU
 */
void axv_current_init(struct axv_vcpu *vcpu)
{
	preempt_notifier_init(&vcpu->notifier, &current_ops);
}

/**
 * axv_nested() - warn of a thread that acts on a vCPU and begins to act on another
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

/*
 * hold() and hold_no_more() count the vCPUs of a VM that this CPU holds, with interrupts
 * off.  A removal of mappings looks at the CPUs of &axv_vm.held_cpus only, see
 * axv_vm_flush_on_entry().
 */
static void hold(struct axv_vm *vm, int cpu)
{
	if (__this_cpu_inc_return(*vm->held) == 1)
		cpumask_set_cpu(cpu, vm->held_cpus);
}

static void hold_no_more(struct axv_vm *vm, int cpu)
{
	if (__this_cpu_dec_return(*vm->held))
		return;
	/*
	 * The guest's stores become visible before the bit is cleared.  Pairs with
	 * axv_vm_flush_on_entry().
	 */
	smp_mb__before_atomic();
	cpumask_clear_cpu(cpu, vm->held_cpus);
}

/* Note the vCPU that this CPU has loaded last, or NULL. */
static void set_loaded(struct axv_vcpu *vcpu)
{
	/*
	 * Pairs with runs_on(): a removal that finds the new value sees what the guest of
	 * the vCPU loaded before has stored.
	 */
	smp_store_release(this_cpu_ptr(&axv_loaded), vcpu);
}

/* Runs on the CPU that holds the vCPU, interrupts off. */
static void unload(struct axv_vcpu *vcpu)
{
	vcpu->ops->unload(vcpu);
	if (__this_cpu_read(axv_loaded) == vcpu)
		set_loaded(NULL);
	hlist_del_init(&vcpu->held);
	hold_no_more(vcpu->vm, smp_processor_id());

	/*
	 * Pairs with axv_vcpu_evict(), by which another thread takes the vCPU to load or free it.
	 */
	smp_store_release(&vcpu->loaded_cpu, -1);
}

static void unload_if_here(void *info)
{
	struct axv_vcpu *vcpu = info;

	if (READ_ONCE(vcpu->loaded_cpu) == smp_processor_id())
		unload(vcpu);
}

/**
 * axv_vcpu_evict() - have the CPU that holds a vCPU, if any, let go of it
 * @vcpu:	vCPU whose claim the caller holds, or that no thread can claim
 *
 * Context: interrupts on; waits for the other CPU, does not sleep.
 */
void axv_vcpu_evict(struct axv_vcpu *vcpu)
{
	int cpu;

	/* Pairs with unload(): a thread that reads -1 sees the state that was saved. */
	cpu = smp_load_acquire(&vcpu->loaded_cpu);

	/*
	 * The call fails if that CPU is offline: the CPU let go of the vCPU when it went offline.
	 */
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
 * __axv_vcpu_load() - axv_vcpu_load() of a vCPU that this CPU has not loaded last
 * @vcpu:	vCPU whose claim the caller holds, so no other thread loads it
 * @cpu:	this CPU
 *
 * The emergency path of a back end reads the list of held vCPUs from an NMI, so a vCPU is
 * in the list before the hardware holds it.
 *
 * Context: preemption off, interrupts on; may wait for the CPU that holds it.
 */
void __axv_vcpu_load(struct axv_vcpu *vcpu, int cpu)
{
	unsigned long flags;

	axv_assert_claimed(vcpu);
	if (READ_ONCE(vcpu->loaded_cpu) != cpu)
		axv_vcpu_evict(vcpu);

	local_irq_save(flags);
	if (likely(axv_hardware_is_enabled())) {
		if (vcpu->loaded_cpu != cpu) {
			hlist_add_head_rcu(&vcpu->held, this_cpu_ptr(&axv_held));
			hold(vcpu->vm, cpu);
			axv_count(&vcpu->stats.loads, 1);
		}
		vcpu->ops->load(vcpu, cpu);
		WRITE_ONCE(vcpu->cpu, cpu);
		set_loaded(vcpu);
		WRITE_ONCE(vcpu->loaded_cpu, cpu);
	}
	local_irq_restore(flags);
}
