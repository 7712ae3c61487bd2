// SPDX-License-Identifier: GPL-2.0
/*
 * The state machine: claim, act, publish.
 *
 * A claim makes its holder the only thread that acts on the vCPU, and the vCPU
 * the current one of that thread.  While an operation runs, other calls return -EBUSY
 * instead of waiting.  Publishing writes the new state and gives the claim back.  Claim,
 * state and owner change under the vCPU's lock, which is not held while the operation
 * runs.  The operation stands between claiming and publishing as plain code:
 *
 *	err = axv_begin_transition(vcpu, from, from);
 *	if (err)
 *		return err;
 *	err = act(vcpu);
 *	axv_end_transition(vcpu, err ? AXV_STATE_INVALID : to);
 *
 * A read (registers, vector state, tables) has a claim of its own kind.  A read never
 * sleeps and is soon over, so an operation waits for it to end; otherwise any thread that
 * reads makes the owner busy.
 *
 * A call in the wrong state makes the vCPU Invalid.  A thread that is not the owner is
 * turned away before the state is looked at, and without ever holding the claim;
 * otherwise it could make the owner busy.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/string.h>

#include <axvcpu/current.h>
#include <axvcpu/request.h>
#include <axvcpu/state.h>
#include <axvcpu/trace.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "claim.h"

static const char * const state_names[] = {
	[AXV_STATE_INVALID] = "Invalid",
	[AXV_STATE_CREATED] = "Created",
	[AXV_STATE_FREE] = "Free",
	[AXV_STATE_READY] = "Ready",
	[AXV_STATE_RUNNING] = "Running",
	[AXV_STATE_BLOCKED] = "Blocked",
};

/**
 * axv_state_name() - a state in words
 * @state:	an &enum axv_vcpu_state
 */
const char *axv_state_name(u8 state)
{
	return state_names[state];
}

/**
 * axv_pid_is_dead() - has a thread begun to exit?
 * @pid:	the thread
 *
 * Such a thread makes no more calls: PF_EXITING is set before anybody can wait for it.
 *
 * Context: any.
 */
bool axv_pid_is_dead(struct pid *pid)
{
	struct task_struct *task;
	bool dead;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_PID);
	/* The thread itself writes its flags, by plain stores. */
	dead = !task || (data_race(READ_ONCE(task->flags)) & PF_EXITING);
	rcu_read_unlock();
	return dead;
}

/**
 * axv_await_claim() - wait for the read that an operation finds in its way
 * @vcpu:	vCPU that is claimed
 * @who:	as axv_try_claim()
 *
 * The thread that reads has preemption off.  So has the thread that waits here, until it
 * has looked at the claim again; otherwise reads are refused for as long as it is
 * preempted.  Reads that queue for &axv_vcpu.read_lock before this thread find
 * &axv_vcpu.awaited set, and give up; so this waits for one batch.
 *
 * Interrupts are on while this waits: the read may need an answer of this CPU.
 *
 * Context: under &axv_vcpu.lock, which is released meanwhile.
 * Return: 0: nothing acts on the vCPU now; -EBUSY: an operation does; -EPERM: a read does,
 * and the vCPU is another thread's; -EDEADLK: this thread acts on a vCPU already.
 */
int axv_await_claim(struct axv_vcpu *vcpu, enum axv_claimant who)
	__must_hold(&vcpu->lock)
{
	lockdep_assert_held(&vcpu->lock);
	if (vcpu->claim == AXV_CLAIM_OPERATION)
		return -EBUSY;
	if (axv_not_for_this_thread(vcpu, who))
		return -EPERM;
	/* The reader may be this thread, which would wait for itself. */
	if (__this_cpu_read(axv_current))
		return axv_nested(vcpu);

	preempt_disable();
	vcpu->awaited++;
	raw_spin_unlock_irq(&vcpu->lock);
	/* Held by each read until it ends. */
	raw_spin_lock(&vcpu->read_lock);
	raw_spin_lock_irq(&vcpu->lock);
	vcpu->awaited--;
	raw_spin_unlock(&vcpu->read_lock);
	preempt_enable();
	return vcpu->claim == AXV_CLAIM_OPERATION ? -EBUSY : 0;
}

/* Returns the previous owner, whose reference the caller puts once the lock is released. */
static struct pid *set_owner(struct axv_vcpu *vcpu, struct pid *owner)
{
	struct pid *old = vcpu->owner;

	lockdep_assert_held(&vcpu->lock);
	vcpu->owner = owner;
	return old;
}

/**
 * axv_wrong_state() - end a claim that was taken in the wrong state
 * @vcpu:	vCPU whose claim the caller holds; Invalid afterwards
 * @expected:	the state it should have been in
 *
 * Return: -EBADFD.
 */
int axv_wrong_state(struct axv_vcpu *vcpu, u8 expected)
{
	u8 found = vcpu->state;

	pr_debug_ratelimited("vm %u: vcpu %u is %s, not %s\n",
			     axv_vcpu_vm_id(vcpu), vcpu->id,
			     state_names[found], state_names[expected]);
	trace_axv_bad_state(vcpu, found, expected);
	axv_end_disowned(vcpu, AXV_STATE_INVALID);
	return -EBADFD;
}

/**
 * axv_begin_bind() - axv_begin_transition() from Free, or from another owner's Ready
 * @vcpu:	any vCPU
 * @adopt:	take it from a living owner, too; from a dead one any thread may take it
 *
 * Context: process context, interrupts on, while a VM exists.
 * Return: as axv_begin_transition().
 */
int axv_begin_bind(struct axv_vcpu *vcpu, bool adopt)
{
	int err;

	raw_spin_lock_irq(&vcpu->lock);
	err = axv_try_claim(vcpu, adopt ? AXV_ANYBODY : AXV_SUCCESSOR);
	if (!err && vcpu->state != (axv_owned_by_other(vcpu) ? AXV_STATE_READY :
							       AXV_STATE_FREE))
		err = -EBADFD;
	raw_spin_unlock_irq(&vcpu->lock);
	return err != -EBADFD ? err : axv_wrong_state(vcpu, AXV_STATE_FREE);
}

/**
 * axv_begin_reset() - axv_begin_transition() from any state but Running and Blocked
 * @vcpu:	any vCPU
 *
 * Once the owner is dead, any thread may reset the vCPU.
 *
 * Context: process context, interrupts on, while a VM exists.
 * Return: as axv_begin_transition().
 */
int axv_begin_reset(struct axv_vcpu *vcpu)
{
	int err;

	raw_spin_lock_irq(&vcpu->lock);
	err = axv_try_claim(vcpu, AXV_SUCCESSOR);
	if (!err && !axv_in_states(vcpu, AXV_STATES_AT_REST))
		err = -EBADFD;
	raw_spin_unlock_irq(&vcpu->lock);
	return err != -EBADFD ? err : axv_wrong_state(vcpu, AXV_STATE_CREATED);
}

/**
 * axv_transition_state() - write another state and keep the claim
 * @vcpu:	vCPU whose claim the caller holds
 * @to:		a state with an owner
 *
 * Context: process context, interrupts on.
 */
void axv_transition_state(struct axv_vcpu *vcpu, u8 to)
{
	raw_spin_lock_irq(&vcpu->lock);
	axv_set_state(vcpu, to);
	raw_spin_unlock_irq(&vcpu->lock);
}

/**
 * axv_end_disowned() - axv_end_transition() to a state without an owner
 * @vcpu:	vCPU whose claim the caller holds
 * @to:		Invalid, Created or Free
 *
 * Context: process context, interrupts on; may wait for another CPU.
 */
void axv_end_disowned(struct axv_vcpu *vcpu, u8 to)
{
	struct pid *old;

	/*
	 * Evicted first, so no thread ever sees one of these states in a vCPU that is
	 * loaded.
	 */
	axv_vcpu_evict(vcpu);
	WRITE_ONCE(vcpu->cpu, -1);

	raw_spin_lock_irq(&vcpu->lock);
	old = set_owner(vcpu, NULL);
	axv_set_state(vcpu, to);
	axv_drop_claim(vcpu);
	raw_spin_unlock_irq(&vcpu->lock);
	/* May free memory, so not under a raw lock. */
	put_pid(old);
}

/**
 * axv_end_bind() - axv_end_transition() to Ready, owned by this thread
 * @vcpu:	vCPU whose claim the caller holds
 * @cpu:	host CPU it is bound on
 *
 * Context: process context, interrupts on.
 */
void axv_end_bind(struct axv_vcpu *vcpu, int cpu)
{
	struct pid *old;

	WRITE_ONCE(vcpu->cpu, cpu);
	raw_spin_lock_irq(&vcpu->lock);
	old = set_owner(vcpu, get_pid(task_pid(current)));
	axv_set_state(vcpu, AXV_STATE_READY);
	axv_drop_claim(vcpu);
	raw_spin_unlock_irq(&vcpu->lock);
	/* May free memory, so not under a raw lock. */
	put_pid(old);
}

/**
 * axv_begin_read() - claim a vCPU for a read, for any thread
 * @vcpu:	any vCPU; the current one of this thread when this succeeds
 *
 * The caller reads AXV_READ_BATCH registers at most, the vector state or a table, does not
 * sleep, touches no user memory, and ends the claim by axv_end_read().  Reads of several
 * threads wait for each other.
 *
 * Context: process context, interrupts on, while a VM exists; returns with preemption
 * off if it succeeds.
 * Return: 0; -EBUSY: an operation is acting on the vCPU, or about to; -EDEADLK: this
 * thread has a current vCPU already, which is a bug; -EBADFD: it is not at rest.
 */
int axv_begin_read(struct axv_vcpu *vcpu)
{
	int err;

	/* No lock is needed to refuse: an operation acts on the vCPU at this moment. */
	if (READ_ONCE(vcpu->claim) == AXV_CLAIM_OPERATION)
		return -EBUSY;
	/* Refuse before taking read_lock: a thread that reads already would wait for itself. */
	if (unlikely(axv_get_current_vcpu()))
		return axv_nested(vcpu);
	raw_spin_lock(&vcpu->read_lock);
	raw_spin_lock_irq(&vcpu->lock);
	if (vcpu->claim != AXV_CLAIM_NONE || vcpu->awaited)
		err = -EBUSY;
	else if (!axv_in_states(vcpu, AXV_STATES_AT_REST))
		err = -EBADFD;
	else
		err = axv_set_current_vcpu(vcpu);
	if (!err)
		WRITE_ONCE(vcpu->claim, AXV_CLAIM_READ);
	raw_spin_unlock_irq(&vcpu->lock);
	if (err)
		raw_spin_unlock(&vcpu->read_lock);
	else
		__release(&vcpu->read_lock);	/* for sparse: held until the end */
	return err;
}

/**
 * axv_end_read() - end a read that axv_begin_read() began
 * @vcpu:	the same; no longer the current one
 *
 * Context: preemption off, as axv_begin_read() left it.
 */
void axv_end_read(struct axv_vcpu *vcpu)
{
	__acquire(&vcpu->read_lock);
	raw_spin_lock_irq(&vcpu->lock);
	axv_drop_claim(vcpu);
	raw_spin_unlock_irq(&vcpu->lock);
	raw_spin_unlock(&vcpu->read_lock);
}

/**
 * axv_vcpu_get_state() - the state, identity, owner and CPU of a vCPU at this moment
 * @vcpu:	any vCPU
 * @state:	filled in
 *
 * Context: process context; never waits for an operation.
 */
void axv_vcpu_get_state(struct axv_vcpu *vcpu, struct axv_state *state)
{
	memset(state, 0, sizeof(*state));
	state->vcpu_id = axv_vcpu_id(vcpu);
	state->vm_id = axv_vcpu_vm_id(vcpu);
	state->favor_phys_cpu = axv_vcpu_favor_phys_cpu(vcpu);
	state->hw_id = vcpu->hw_id;
	if (axv_vcpu_is_bsp(vcpu))
		state->flags |= AXV_STATE_BSP;
	if (axv_vcpu_phys_cpu_set(vcpu))
		state->flags |= AXV_STATE_CPU_SET;
	if (axv_test_request(vcpu, AXV_REQ_KICK))
		state->flags |= AXV_STATE_KICKED;

	raw_spin_lock_irq(&vcpu->lock);
	state->state = axv_vcpu_state(vcpu);
	/* The number of a dead thread may be another thread's by now. */
	if (vcpu->owner && !axv_pid_is_dead(vcpu->owner))
		state->owner = pid_vnr(vcpu->owner);
	state->cpu = READ_ONCE(vcpu->loaded_cpu);
	raw_spin_unlock_irq(&vcpu->lock);
}
