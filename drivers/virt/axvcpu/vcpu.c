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
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "debugfs.h"
#include "fastpath.h"
#include "trace.h"

static void vcpu_free(struct kref *ref)
{
	struct axv_vcpu *vcpu = container_of(ref, struct axv_vcpu, ref);
	struct axv_vm *vm = vcpu->vm;

	vcpu->ops->vcpu_destroy(vcpu);
	put_pid(vcpu->owner);
	free_page((unsigned long)vcpu->run);
	free_cpumask_var(vcpu->phys_cpu_set);
	kvfree_rcu(vcpu, rcu);
	axv_vm_put(vm);
}

/**
 * axv_vcpu_get() - take a reference
 * @vcpu:	vCPU the caller has a reference to
 */
void axv_vcpu_get(struct axv_vcpu *vcpu)
{
	kref_get(&vcpu->ref);
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

/**
 * axv_vcpu_vm_id() - identity of the VM
 * @vcpu:	any vCPU
 */
u32 axv_vcpu_vm_id(const struct axv_vcpu *vcpu)
{
	return vcpu->vm->id;
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

	/* Nowhere is not anywhere. */
	if (config->phys_cpu_set && !cpumask_empty(config->phys_cpu_set) &&
	    !cpumask_intersects(config->phys_cpu_set, cpu_possible_mask))
		return -EINVAL;
	return 0;
}

static int insert(struct axv_vm *vm, struct axv_vcpu *vcpu)
{
	struct axv_vcpu *other;
	unsigned long id;
	int err;

	lockdep_assert_held(&vm->lock);
	xa_for_each(&vm->vcpus, id, other)
		if (other->hw_id == vcpu->hw_id)
			return -EEXIST;
	err = xa_insert(&vm->vcpus, vcpu->id, vcpu, GFP_KERNEL_ACCOUNT);
	return err == -EBUSY ? -EEXIST : err;
}

/**
 * axv_vcpu_new() - create a vCPU, in state Created
 * @vm:		its VM; the vCPU takes a reference
 * @config:	its identity
 *
 * Context: may sleep; takes &axv_vm.lock.
 * Return: the vCPU with one reference, ended by axv_vcpu_close(); or an error
 * pointer: -EINVAL: no such id or CPU; -EEXIST: @config's id or hw_id is taken;
 * -ENOMEM; or what the back end says.
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
	init_swait_queue_head(&vcpu->wait);
	axv_scope_init(&vcpu->scope, vcpu);
	vcpu->state = AXV_STATE_CREATED;
	vcpu->cpu = -1;
	vcpu->loaded_cpu = -1;
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

	mutex_lock(&vm->lock);
	err = insert(vm, vcpu);
	if (!err) {
		axv_vm_get(vm);
		axv_debugfs_add_vcpu(vcpu);
	}
	mutex_unlock(&vm->lock);
	if (err)
		goto err_destroy;
	return vcpu;

err_destroy:
	ops->vcpu_destroy(vcpu);
err_run:
	free_page((unsigned long)vcpu->run);
err_mask:
	free_cpumask_var(vcpu->phys_cpu_set);
err_free:
	/* Those who walk the VM's vCPUs under RCU never saw it. */
	kvfree(vcpu);
	return ERR_PTR(err);
}

/**
 * axv_vcpu_close() - the end of axv_vcpu_new(): no operation any more
 * @vcpu:	vCPU that nobody has claimed or will claim
 *
 * The hardware lets go of it and its id is free again; what is left belongs to
 * the holders of references.
 *
 * Context: may sleep; takes &axv_vm.lock.
 */
void axv_vcpu_close(struct axv_vcpu *vcpu)
{
	struct axv_vm *vm = vcpu->vm;

	axv_vcpu_evict(vcpu);
	debugfs_remove(vcpu->debugfs);
	mutex_lock(&vm->lock);
	xa_erase(&vm->vcpus, vcpu->id);
	mutex_unlock(&vm->lock);
	axv_vcpu_put(vcpu);
}

static int setup_action(struct axv_vcpu *vcpu, void *arg)
{
	return vcpu->ops->vcpu_setup(vcpu, arg);
}

/**
 * axv_vcpu_setup() - Created to Free: entry, second-stage root, registers
 * @vcpu:	any vCPU
 * @setup:	where it begins
 *
 * Context: may sleep.
 * Return: as axv_claim(), but whatever is wrong with @setup is found before.
 */
int axv_vcpu_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	int err;

	if (setup->flags)
		return -EINVAL;
	err = vcpu->ops->check_setup(vcpu, setup);
	if (err)
		return err;
	return axv_manipulate_arch_vcpu(vcpu, AXV_STATE_CREATED, AXV_STATE_FREE,
					setup_action, (void *)setup);
}

/* On a CPU of its set, or not at all. */
static int load_here(struct axv_vcpu *vcpu, void *arg)
{
	int *cpu = arg;
	int err = 0;

	preempt_disable();
	*cpu = smp_processor_id();
	if (axv_vcpu_may_run_on(vcpu, *cpu))
		axv_vcpu_load(vcpu);
	else
		err = -EXDEV;
	preempt_enable();
	return err;
}

/**
 * axv_vcpu_bind() - Free to Ready: owned by this thread, on this CPU
 * @vcpu:	any vCPU
 * @adopt:	a Ready vCPU of another, living thread becomes this thread's
 *
 * Context: process context, interrupts on.
 * Return: as axv_claim(); -EXDEV: this CPU is not in the vCPU's set.
 */
int axv_vcpu_bind(struct axv_vcpu *vcpu, bool adopt)
{
	int cpu = raw_smp_processor_id();
	int err;

	/* What can be told before the claim poisons nothing. */
	if (!axv_vcpu_may_run_on(vcpu, cpu))
		return -EXDEV;
	err = axv_claim_bind(vcpu, adopt);
	if (err)
		return err;
	err = axv_with_current_cpu_set(vcpu, load_here, &cpu);
	if (err) {
		axv_unclaim(vcpu);
		return err;
	}
	axv_own(vcpu, cpu);
	axv_publish(vcpu, AXV_STATE_READY);
	return 0;
}

static int evict_action(struct axv_vcpu *vcpu, void *arg)
{
	axv_vcpu_evict(vcpu);
	return 0;
}

/**
 * axv_vcpu_unbind() - Ready to Free: hardware and owner let go
 * @vcpu:	any vCPU
 *
 * Context: process context, interrupts on.
 * Return: as axv_claim().
 */
int axv_vcpu_unbind(struct axv_vcpu *vcpu)
{
	return axv_manipulate_arch_vcpu(vcpu, AXV_STATE_READY, AXV_STATE_FREE,
					evict_action, NULL);
}

/*
 * A preemption of a thread that uses restartable sequences (every one of newer
 * C libraries does) has it notified before it is in user mode again.  No user
 * mode, no sequence: that can wait for the end of the run, or else there would
 * be no halt in the kernel, which is a preemption each time.  What comes by the
 * same flag and cannot wait is work queued for the thread, and its throttling.
 *
 * The flag is cleared, since whoever sets it interrupts the guest only then.
 */
bool __axv_has_user_work(struct axv_vcpu *vcpu, unsigned long flags)
{
	if (flags & AXV_USER_WORK & ~_TIF_NOTIFY_RESUME)
		return true;
	clear_thread_flag(TIF_NOTIFY_RESUME);
	vcpu->notify_resume = true;
	/* Pairs with task_work_add(): the work first, then the flag. */
	smp_mb__after_atomic();
	return !axv_resume_is_rseq();
}

/* The run ends: what was put off is due. */
static noinline void resume_notification(struct axv_vcpu *vcpu)
{
	vcpu->notify_resume = false;
	set_thread_flag(TIF_NOTIFY_RESUME);
}

/**
 * axv_vcpu_run() - Ready to Running to Ready: into the guest, until an exit
 * @vcpu:	any vCPU
 *
 * The claim lasts from Ready to Ready.  A run page that cannot be loaded is
 * found while the vCPU is still Ready.
 *
 * Context: may sleep.
 * Return: 0, and the exit is in the run page; as axv_claim(); -EINVAL: the run
 * page holds a register value the hardware would refuse; or another error of
 * the back end, which has made the vCPU Invalid.
 */
int axv_vcpu_run(struct axv_vcpu *vcpu)
{
	int err;

	err = __axv_claim(vcpu, AXV_STATE_READY, AXV_STATE_READY);
	if (unlikely(err))
		return err;
	err = __axv_set_current_vcpu(&vcpu->scope, vcpu);
	if (unlikely(err))
		goto unclaim;
	if (READ_ONCE(vcpu->run->dirty)) {
		err = vcpu->ops->prepare_run(vcpu);
		if (unlikely(err)) {
			__axv_clear_current_vcpu(&vcpu->scope);
			goto unclaim;
		}
	}

	trace_axv_transition(vcpu, AXV_STATE_READY, AXV_STATE_RUNNING);
	WRITE_ONCE(vcpu->state, AXV_STATE_RUNNING);
	err = vcpu->ops->run(vcpu);
	__axv_clear_current_vcpu(&vcpu->scope);
	if (unlikely(vcpu->notify_resume))
		resume_notification(vcpu);

	if (unlikely(err)) {
		vcpu->run->state = AXV_STATE_INVALID;
		__axv_publish(vcpu, AXV_STATE_INVALID);
		return err;
	}
	vcpu->run->state = AXV_STATE_READY;
	__axv_publish(vcpu, AXV_STATE_READY);
	return 0;

unclaim:
	axv_unclaim(vcpu);
	return err;
}

static int reset_action(struct axv_vcpu *vcpu, void *arg)
{
	/* Nothing of the old state may be written back over the new one. */
	axv_vcpu_evict(vcpu);
	vcpu->ops->vcpu_reset(vcpu);
	clear_bit(AXV_REQ_KICK, &vcpu->requests);
	clear_bit(AXV_REQ_EVENT, &vcpu->requests);
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

	err = axv_claim_reset(vcpu);
	if (err)
		return err;
	err = axv_with_current_cpu_set(vcpu, reset_action, NULL);
	if (err)
		axv_unclaim(vcpu);
	else
		axv_publish(vcpu, AXV_STATE_CREATED);
	return err;
}

/**
 * axv_request() - ask something of a vCPU, wherever it is
 * @vcpu:	any vCPU
 * @request:	what
 *
 * When this returns, the vCPU will see the request before it enters the guest
 * again, and before it sleeps again.
 *
 * Context: any but NMI; does not wait.
 */
void axv_request(struct axv_vcpu *vcpu, enum axv_request request)
{
	set_bit(request, &vcpu->requests);

	/*
	 * Pairs with the barrier of an entry, between writing the mode and
	 * reading the requests, and with the one in prepare_to_swait().
	 */
	smp_mb__after_atomic();
	if (READ_ONCE(vcpu->mode) == AXV_IN_GUEST) {
		int cpu = READ_ONCE(vcpu->loaded_cpu);

		/* On this CPU, whatever runs here has interrupted the guest. */
		if (cpu >= 0 && cpu != raw_smp_processor_id())
			axv_kick_cpu(cpu);
	}
	if (swait_active(&vcpu->wait))
		swake_up_one(&vcpu->wait);
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
	vcpu->stats.kicks++;
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
	axv_request(vcpu, AXV_REQ_KICK);
}

/* The flags that go with an event, and whether it has a priority */
static u32 event_flags(u32 irqchip, u32 type)
{
	if (type == AXV_INJECT_EXCEPTION)
		return AXV_INJECT_HAS_ERROR_CODE;
	if (type == AXV_INJECT_EXTINT && irqchip == AXV_IRQCHIP_GICV3)
		return AXV_INJECT_RETRACT;
	return 0;
}

static u32 max_priority(u32 irqchip, u32 type)
{
	if (irqchip != AXV_IRQCHIP_GICV3 || type == AXV_INJECT_EXCEPTION)
		return 0;
	return 255;
}

/* Is this an event that the back end may be asked to queue? */
static int check_event(const struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	u32 irqchip = vcpu->vm->irqchip;

	if (event->type > AXV_INJECT_PPI ||
	    event->flags & ~event_flags(irqchip, event->type) ||
	    event->priority > max_priority(irqchip, event->type))
		return -EINVAL;
	if (!(vcpu->ops->inject_types[irqchip] & BIT(event->type)))
		return -EOPNOTSUPP;
	return 0;
}

/**
 * axv_vcpu_inject() - queue an event for the guest
 * @vcpu:	any vCPU, in any state but Invalid
 * @event:	the event
 *
 * Context: any but NMI.
 * Return: 0; -EINVAL or -EOPNOTSUPP: no such event; -EAGAIN: no room for it;
 * -EBADFD: the vCPU is Invalid.
 */
int axv_vcpu_inject(struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	unsigned long flags;
	int err;

	err = check_event(vcpu, event);
	if (err)
		return err;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	if (axv_vcpu_state(vcpu) == AXV_STATE_INVALID)
		err = -EBADFD;
	else
		err = vcpu->ops->inject(vcpu, event);
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);

	trace_axv_inject(vcpu, event->type, event->vector, err);
	if (!err)
		axv_request(vcpu, AXV_REQ_EVENT);
	return err;
}

/**
 * axv_inject_interrupt() - queue an acknowledged external interrupt
 * @vcpu:	any vCPU, in any state but Invalid
 * @vector:	its vector
 *
 * Context: any but NMI.
 * Return: as axv_vcpu_inject().
 */
int axv_inject_interrupt(struct axv_vcpu *vcpu, u32 vector)
{
	const struct axv_inject event = {
		.type = AXV_INJECT_EXTINT,
		.vector = vector,
	};

	return axv_vcpu_inject(vcpu, &event);
}

static bool has_event(struct axv_vcpu *vcpu)
{
	bool event;

	raw_spin_lock_irq(&vcpu->lock);
	event = vcpu->ops->has_event(vcpu);
	raw_spin_unlock_irq(&vcpu->lock);
	return event;
}

/**
 * axv_vcpu_block() - Running to Blocked to Running: sleep until there is a reason
 * @vcpu:	vCPU whose claim the caller holds, in state Running
 *
 * Ends on an event that ends a halt, a kick, the death of the VM, a signal or
 * other work of the thread.  Requests are left for the caller to look at.
 *
 * Context: sleeps.
 * Return: 0, or -EINTR if the thread has work to do.
 */
int axv_vcpu_block(struct axv_vcpu *vcpu)
{
	DECLARE_SWAITQUEUE(wait);
	int err = 0;

	vcpu->stats.blocks++;
	trace_axv_transition(vcpu, AXV_STATE_RUNNING, AXV_STATE_BLOCKED);
	WRITE_ONCE(vcpu->state, AXV_STATE_BLOCKED);
	for (;;) {
		/*
		 * In the queue first, and only then a look at the reasons: who
		 * writes one after that look finds the queue not empty.
		 */
		prepare_to_swait_exclusive(&vcpu->wait, &wait,
					   TASK_INTERRUPTIBLE);
		if (axv_test_request(vcpu, AXV_REQ_KICK) ||
		    axv_test_request(vcpu, AXV_REQ_DEAD) || has_event(vcpu))
			break;
		if (axv_has_user_work(vcpu, read_thread_flags())) {
			err = -EINTR;
			break;
		}
		schedule();
	}
	finish_swait(&vcpu->wait, &wait);
	trace_axv_transition(vcpu, AXV_STATE_BLOCKED, AXV_STATE_RUNNING);
	WRITE_ONCE(vcpu->state, AXV_STATE_RUNNING);
	return err;
}

/**
 * axv_vcpu_get_state() - what can be told about a vCPU at this moment
 * @vcpu:	any vCPU
 * @state:	filled in
 *
 * Context: process context; never waits for an operation.
 */
void axv_vcpu_get_state(struct axv_vcpu *vcpu, struct axv_state *state)
{
	memset(state, 0, sizeof(*state));
	state->vcpu_id = vcpu->id;
	state->vm_id = axv_vcpu_vm_id(vcpu);
	state->favor_phys_cpu = vcpu->favor_phys_cpu;
	state->hw_id = vcpu->hw_id;
	if (axv_vcpu_is_bsp(vcpu))
		state->flags |= AXV_STATE_BSP;
	if (vcpu->has_cpu_set)
		state->flags |= AXV_STATE_CPU_SET;
	if (axv_test_request(vcpu, AXV_REQ_KICK))
		state->flags |= AXV_STATE_KICKED;

	raw_spin_lock_irq(&vcpu->lock);
	state->state = axv_vcpu_state(vcpu);
	state->owner = pid_vnr(vcpu->owner);
	state->cpu = READ_ONCE(vcpu->loaded_cpu);
	raw_spin_unlock_irq(&vcpu->lock);
}
