// SPDX-License-Identifier: GPL-2.0
/*
 * The vCPU object and the operations on it.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/swait.h>

#include <axvcpu/arch.h>
#include <axvcpu/compat.h>
#include <axvcpu/current.h>
#include <axvcpu/request.h>
#include <axvcpu/route.h>
#include <axvcpu/state.h>
#include <axvcpu/trace.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>
#include <axvcpu/work.h>

#include "claim.h"
#include "debugfs.h"

static void vcpu_free(struct kref *ref)
{
	struct axv_vcpu *vcpu = container_of(ref, struct axv_vcpu, ref);
	struct axv_vm *vm = vcpu->vm;

	vcpu->ops->vcpu_destroy(vcpu);
	axv_s2_cache_drain(&vcpu->tables);
	put_pid(vcpu->owner);
	free_page((unsigned long)vcpu->run);
	free_cpumask_var(vcpu->phys_cpu_set);
	kvfree_rcu(vcpu, rcu);
	axv_vm_put(vm);
}

/**
 * axv_vcpu_put() - give a reference back
 * @vcpu:	vCPU; closed before the last reference goes
 *
 * Context: may sleep.
 */
void axv_vcpu_put(struct axv_vcpu *vcpu)
{
	kref_put(&vcpu->ref, vcpu_free);
}

static int check_config(struct axv_vm *vm, const struct axv_vcpu_config *config)
{
	if (config->id >= axv_max_vcpus(vm->ops) ||
	    config->hw_id > vm->ops->max_hw_id)
		return -EINVAL;
	if (config->favor_phys_cpu != -1 &&
	    (config->favor_phys_cpu < 0 ||
	     config->favor_phys_cpu >= nr_cpu_ids ||
	     !cpu_possible(config->favor_phys_cpu)))
		return -EINVAL;

	/* A set without a possible CPU is an error; only an empty one means "any CPU". */
	if (config->phys_cpu_set && !cpumask_empty(config->phys_cpu_set) &&
	    !cpumask_intersects(config->phys_cpu_set, cpu_possible_mask))
		return -EINVAL;
	return 0;
}

static int insert(struct axv_vm *vm, struct axv_vcpu *vcpu)
{
	int err;

	lockdep_assert_held(&vm->lock);
	if (xa_load(&vm->by_hw_id, vcpu->hw_id))
		return -EEXIST;
	/*
	 * Reserve first, so that the last store cannot fail: a vCPU is in both arrays or in
	 * none.
	 */
	err = xa_reserve(&vm->by_hw_id, vcpu->hw_id, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	err = xa_insert(&vm->vcpus, vcpu->id, vcpu, GFP_KERNEL_ACCOUNT);
	if (err) {
		xa_release(&vm->by_hw_id, vcpu->hw_id);
		return err == -EBUSY ? -EEXIST : err;
	}
	xa_store(&vm->by_hw_id, vcpu->hw_id, vcpu, GFP_KERNEL_ACCOUNT);
	return 0;
}

/**
 * axv_vcpu_new() - create a vCPU, in state Created
 * @vm:		its VM; the vCPU takes a reference
 * @config:	its identity
 *
 * Context: may sleep; takes &axv_vm.lock.
 * Return: the vCPU with one reference, ended by axv_vcpu_close(); or an error
 * pointer: -EINVAL: no such id or CPU; -EEXIST: @config's id or hw_id is taken;
 * -ENOMEM; -EINTR: a fatal signal; or what the back end says.
 */
struct axv_vcpu *axv_vcpu_new(struct axv_vm *vm,
			      const struct axv_vcpu_config *config)
{
	const struct axv_arch_ops *ops = vm->ops;
	struct axv_vcpu *vcpu;
	int err;

	err = check_config(vm, config);
	if (err)
		return ERR_PTR(err);

	vcpu = kvzalloc(ops->vcpu_size, GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->ops = ops;
	kref_init(&vcpu->ref);
	vcpu->id = config->id;
	vcpu->hw_id = config->hw_id;
	vcpu->favor_phys_cpu = config->favor_phys_cpu;
	raw_spin_lock_init(&vcpu->lock);
	raw_spin_lock_init(&vcpu->read_lock);
	init_swait_queue_head(&vcpu->wait);
	axv_current_init(vcpu);
	vcpu->state = AXV_STATE_CREATED;
	vcpu->cpu = -1;
	vcpu->loaded_cpu = -1;
	/* Routes may have events for this id, which a vCPU that had it before did not take. */
	vcpu->routes_wait = true;
	INIT_HLIST_NODE(&vcpu->held);

	err = -ENOMEM;
	if (!zalloc_cpumask_var(&vcpu->phys_cpu_set, GFP_KERNEL_ACCOUNT))
		goto err_free;
	if (config->phys_cpu_set && !cpumask_empty(config->phys_cpu_set)) {
		cpumask_copy(vcpu->phys_cpu_set, config->phys_cpu_set);
		vcpu->has_cpu_set = true;
	}

	BUILD_BUG_ON(sizeof(struct axv_run) > PAGE_SIZE);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run)
		goto err_mask;
	vcpu->run->state = AXV_STATE_CREATED;

	err = ops->vcpu_create(vcpu);
	if (err)
		goto err_run;

	err = mutex_lock_killable(&vm->lock);
	if (err)
		goto err_destroy;
	err = insert(vm, vcpu);
	if (!err)
		axv_vm_get(vm);
	mutex_unlock(&vm->lock);
	if (err)
		goto err_destroy;
	axv_debugfs_add_vcpu(vcpu);
	return vcpu;

err_destroy:
	ops->vcpu_destroy(vcpu);
err_run:
	free_page((unsigned long)vcpu->run);
err_mask:
	free_cpumask_var(vcpu->phys_cpu_set);
err_free:
	/* No grace period is needed: the vCPU was never among the VM's vCPUs. */
	kvfree(vcpu);
	return ERR_PTR(err);
}

/**
 * axv_vcpu_close() - undo axv_vcpu_new(): take a vCPU out of its VM
 * @vcpu:	vCPU that no thread has claimed or will claim
 *
 * The hardware lets go of the vCPU, and its id is free again.  The caller's reference is
 * given back; the vCPU is freed with the last one.
 *
 * The file may be closed by a kernel thread, and all other files that this thread has to
 * close wait meanwhile.  So this takes no lock that a system call can hold for long: not
 * &axv_vm.lock.  debugfs_remove() waits for opens of the vCPU's files there, not for reads.
 *
 * Context: may sleep.
 */
void axv_vcpu_close(struct axv_vcpu *vcpu)
{
	axv_vcpu_evict(vcpu);
	debugfs_remove(vcpu->debugfs);
	xa_erase(&vcpu->vm->vcpus, vcpu->id);
	xa_erase(&vcpu->vm->by_hw_id, vcpu->hw_id);
	axv_routes_closed(vcpu);
	axv_vcpu_put(vcpu);
}

/**
 * axv_vcpu_setup() - Created to Free: entry, second-stage root, registers
 * @vcpu:	any vCPU
 * @setup:	where it begins
 *
 * Context: may sleep.
 * Return: as axv_begin_transition(); before that, and without a change, -EINVAL or what
 * &axv_arch_ops.check_setup says if @setup is wrong.
 */
int axv_vcpu_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	int err;

	if (setup->flags)
		return -EINVAL;
	err = vcpu->ops->check_setup(vcpu, setup);
	if (err)
		return err;
	err = axv_begin_transition(vcpu, AXV_STATE_CREATED, AXV_STATE_CREATED);
	if (err)
		return err;
	err = vcpu->ops->vcpu_setup(vcpu, setup);
	axv_end_transition(vcpu, err ? AXV_STATE_INVALID : AXV_STATE_FREE);
	return err;
}

/* Load the vCPU on this CPU.  Returns the CPU, or -EXDEV if it is not in the vCPU's set. */
static int load_here(struct axv_vcpu *vcpu)
{
	int cpu = get_cpu();

	if (axv_vcpu_may_run_on(vcpu, cpu))
		axv_vcpu_load(vcpu);
	else
		cpu = -EXDEV;
	put_cpu();
	return cpu;
}

/**
 * axv_vcpu_bind() - Free to Ready: owned by this thread, on this CPU
 * @vcpu:	any vCPU
 * @adopt:	a Ready vCPU of another, living thread becomes this thread's
 *
 * Context: process context, interrupts on.
 * Return: as axv_begin_transition(); -EXDEV: this CPU is not in the vCPU's set.
 */
int axv_vcpu_bind(struct axv_vcpu *vcpu, bool adopt)
{
	int cpu;
	int err;

	/* Found before the claim, a wrong CPU makes no vCPU Invalid, whatever its state is. */
	if (!axv_vcpu_may_run_on(vcpu, raw_smp_processor_id()))
		return -EXDEV;
	err = axv_begin_bind(vcpu, adopt);
	if (err)
		return err;
	cpu = load_here(vcpu);
	if (cpu < 0) {
		axv_unclaim(vcpu);
		return cpu;
	}
	axv_end_bind(vcpu, cpu);
	return 0;
}

/**
 * axv_vcpu_unbind() - Ready to Free: hardware and owner let go
 * @vcpu:	any vCPU
 *
 * Context: process context, interrupts on.
 * Return: as axv_begin_transition().
 */
int axv_vcpu_unbind(struct axv_vcpu *vcpu)
{
	int err;

	err = axv_begin_transition(vcpu, AXV_STATE_READY, AXV_STATE_READY);
	if (!err)
		axv_end_transition(vcpu, AXV_STATE_FREE);
	return err;
}

/* At the end of the run: set the flag that axv_put_off_resume() has cleared. */
static noinline void resume_notification(struct axv_vcpu *vcpu)
{
	vcpu->notify_resume = false;
	set_thread_flag(TIF_NOTIFY_RESUME);
}

/* Begin a run that loads register sets of the run page: checked while the vCPU is Ready. */
static noinline int begin_dirty_run(struct axv_vcpu *vcpu)
{
	int err;

	err = axv_begin_transition(vcpu, AXV_STATE_READY, AXV_STATE_READY);
	if (err)
		return err;
	err = vcpu->ops->prepare_run(vcpu);
	if (err)
		axv_unclaim(vcpu);
	else
		axv_transition_state(vcpu, AXV_STATE_RUNNING);
	return err;
}

/**
 * axv_vcpu_run() - Ready to Running to Ready: into the guest, until an exit
 * @vcpu:	any vCPU
 *
 * The claim lasts from Ready to Ready.  Register sets of the run page that cannot be loaded
 * are found while the vCPU is still Ready.
 *
 * Context: may sleep.
 * Return: 0, and the exit is in the run page; as axv_begin_transition(); -EINVAL: the
 * run page holds a register value the hardware would refuse; or another error of
 * the back end, which has made the vCPU Invalid.
 */
int axv_vcpu_run(struct axv_vcpu *vcpu)
{
	int err;

	if (unlikely(READ_ONCE(vcpu->run->dirty)))
		err = begin_dirty_run(vcpu);
	else
		err = axv_begin_transition(vcpu, AXV_STATE_READY, AXV_STATE_RUNNING);
	if (unlikely(err))
		return err;

	err = vcpu->ops->run(vcpu);
	if (unlikely(vcpu->notify_resume))
		resume_notification(vcpu);

	if (unlikely(err)) {
		vcpu->run->state = AXV_STATE_INVALID;
		axv_end_transition(vcpu, AXV_STATE_INVALID);
		return err;
	}
	vcpu->run->state = AXV_STATE_READY;
	axv_end_transition(vcpu, AXV_STATE_READY);
	return 0;
}

/**
 * axv_vcpu_reset() - any state but Running and Blocked to Created
 * @vcpu:	any vCPU
 *
 * Identity, tables and counters stay; registers, injected events, a pending
 * access and a pending kick go.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: another call is acting on it; -EPERM: another, living
 * thread owns it.
 */
int axv_vcpu_reset(struct axv_vcpu *vcpu)
{
	int err;

	err = axv_begin_reset(vcpu);
	if (err)
		return err;

	/* Nothing of the old state may be written back over the new one. */
	axv_vcpu_evict(vcpu);
	vcpu->ops->vcpu_reset(vcpu);
	clear_bit(AXV_REQ_KICK, &vcpu->requests);
	clear_bit(AXV_REQ_EVENT, &vcpu->requests);
	axv_end_transition(vcpu, AXV_STATE_CREATED);
	return 0;
}

/**
 * axv_vcpu_kick() - end the current or the next run, once
 * @vcpu:	any vCPU, in any state
 *
 * Context: any but NMI.
 */
void axv_vcpu_kick(struct axv_vcpu *vcpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	axv_count(&vcpu->stats.kicks, 1);
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
	axv_request(vcpu, AXV_REQ_KICK);
}

/*
 * Is there an event that ends a halt?  A route's event that found no room in the queue
 * counts: it may be more urgent than all events in the queue, and only a guest that runs
 * makes room.
 */
static bool has_event(struct axv_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->lock);
	return vcpu->routes_wait || vcpu->ops->has_event(vcpu);
}

/*
 * Look for a reason not to sleep, and write the state: Blocked if there is none, otherwise
 * Running.  Requests stay set, for the caller of axv_vcpu_block().  Returns what that
 * returns; -EAGAIN: no reason.
 *
 * The state is written under the same lock that looking at the events needs.
 */
static int look(struct axv_vcpu *vcpu)
{
	bool slept = vcpu->state == AXV_STATE_BLOCKED;
	int reason = -EAGAIN;
	bool sleeps;

	raw_spin_lock_irq(&vcpu->lock);
	if (has_event(vcpu))
		reason = 1;
	else if (axv_test_request(vcpu, AXV_REQ_KICK) || axv_test_request(vcpu, AXV_REQ_DEAD))
		reason = 0;
	else if (axv_has_user_work(read_thread_flags()))
		reason = -EINTR;

	sleeps = reason == -EAGAIN;
	if (sleeps != slept) {
		axv_count(&vcpu->stats.blocks, sleeps);
		axv_set_state(vcpu, sleeps ? AXV_STATE_BLOCKED : AXV_STATE_RUNNING);
	}
	raw_spin_unlock_irq(&vcpu->lock);
	return reason;
}

/**
 * axv_vcpu_block() - Running to Blocked to Running: sleep until there is a reason to go on
 * @vcpu:	vCPU whose claim the caller holds, in state Running
 *
 * Ends on an event that ends a halt, a route that finds no room in the queue, a kick,
 * the death of the VM, a signal or other work of the thread.  With a reason at hand it
 * does not sleep, and the state stays Running.
 *
 * Context: sleeps.
 * Return: 1: an event or a route ends the halt; 0: there is none, but a kick, or the VM is
 * dead; -EINTR: the thread has work to do, for which the run has to end.
 */
int axv_vcpu_block(struct axv_vcpu *vcpu)
{
	DECLARE_SWAITQUEUE(wait);
	int reason;

	/* Otherwise @routes_wait keeps the vCPU awake although no route waits any more. */
	axv_routes_retry(vcpu);
	for (;;) {
		/*
		 * Enter the wait queue first and look for reasons then: a CPU that writes a
		 * reason after that look finds the queue not empty, and wakes this thread.
		 */
		prepare_to_swait_exclusive(&vcpu->wait, &wait,
					   TASK_INTERRUPTIBLE);
		reason = look(vcpu);
		if (reason != -EAGAIN)
			break;
		schedule();
	}
	finish_swait(&vcpu->wait, &wait);
	return reason;
}
