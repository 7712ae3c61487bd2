// SPDX-License-Identifier: GPL-2.0
/*
 * The state machine: claim, act, publish.
 *
 * A claim makes its holder the only one who may change the vCPU.  It is a flag
 * that is tried once: while an operation runs, everybody else is told -EBUSY
 * instead of waiting.  Publishing writes the new state and gives the claim
 * back.
 *
 * Who asks in the wrong state loses the vCPU: it becomes Invalid.  Who is not
 * its owner is turned away before the state is looked at, and without ever
 * holding the claim, so that he cannot make the owner busy.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pid.h>
#include <linux/printk.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "fastpath.h"
#include "trace.h"

static const char * const state_names[] = {
	[AXV_STATE_INVALID] = "Invalid",
	[AXV_STATE_CREATED] = "Created",
	[AXV_STATE_FREE] = "Free",
	[AXV_STATE_READY] = "Ready",
	[AXV_STATE_RUNNING] = "Running",
	[AXV_STATE_BLOCKED] = "Blocked",
};

static inline bool in_states(const struct axv_vcpu *vcpu, u32 states)
{
	return states & AXV_STATE_BIT(vcpu->state);
}

/*
 * A thread that has begun to exit makes no more calls; it is dead to us before
 * anyone can wait for it.
 */
static bool is_dead(struct pid *pid)
{
	struct task_struct *task;
	bool dead;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_PID);
	dead = !task || (READ_ONCE(task->flags) & PF_EXITING);
	rcu_read_unlock();
	return dead;
}

static void set_owner(struct axv_vcpu *vcpu, struct pid *owner)
{
	struct pid *old;

	raw_spin_lock_irq(&vcpu->lock);
	old = vcpu->owner;
	WRITE_ONCE(vcpu->owner, owner);
	raw_spin_unlock_irq(&vcpu->lock);

	/* May free memory, so not under a raw lock. */
	put_pid(old);
}

/**
 * axv_disown() - owner and hardware let go
 * @vcpu:	vCPU whose claim the caller holds
 *
 * Before a state without an owner is written: no vCPU is ever seen in one of
 * these and still loaded.
 */
void axv_disown(struct axv_vcpu *vcpu)
{
	axv_vcpu_evict(vcpu);
	vcpu->cpu = -1;
	if (vcpu->owner)
		set_owner(vcpu, NULL);
}

/**
 * axv_own() - make this thread the owner
 * @vcpu:	vCPU whose claim the caller holds
 * @cpu:	host CPU it is bound on
 */
void axv_own(struct axv_vcpu *vcpu, int cpu)
{
	vcpu->cpu = cpu;
	set_owner(vcpu, get_pid(task_pid(current)));
}

/**
 * axv_publish() - write the state an operation ends in, and end its claim
 * @vcpu:	vCPU whose claim the caller holds
 * @to:		the state; one without an owner lets go of owner and hardware
 *
 * Context: process context, interrupts on; may wait for another CPU if the
 * vCPU is loaded there and @to is Invalid, Created or Free.
 */
void axv_publish(struct axv_vcpu *vcpu, u8 to)
{
	__axv_publish(vcpu, to);
}

/**
 * axv_unclaim() - end a claim and leave the state as it is
 * @vcpu:	vCPU whose claim the caller holds
 */
void axv_unclaim(struct axv_vcpu *vcpu)
{
	__axv_unclaim(vcpu);
}

/**
 * axv_wrong_state() - the claim was won in the wrong state: its end
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
	axv_publish(vcpu, AXV_STATE_INVALID);
	return -EBADFD;
}

/* The claim, also for one who may succeed or depose the owner. */
static int try_claim_from(struct axv_vcpu *vcpu, bool depose)
{
	struct pid *owner;
	int err = 0;

	if (READ_ONCE(vcpu->claimed))
		return -EBUSY;
	raw_spin_lock_irq(&vcpu->lock);
	owner = get_pid(vcpu->owner);
	raw_spin_unlock_irq(&vcpu->lock);

	if (owner && owner != task_pid(current) && !depose && !is_dead(owner)) {
		err = -EPERM;
	} else if (axv_try_claim(vcpu)) {
		err = -EBUSY;
	} else if (vcpu->owner != owner) {
		/* Somebody else came first. */
		axv_unclaim(vcpu);
		err = -EBUSY;
	}
	put_pid(owner);
	return err;
}

/**
 * axv_claim() - begin a transition
 * @vcpu:	any vCPU
 * @from:	state it has to be in
 * @during:	state to show while the operation runs
 *
 * The caller ends the claim by axv_publish() or axv_unclaim().
 *
 * Context: process context, interrupts on.
 * Return: 0; -EBUSY: another call is acting on it; -EPERM: another thread owns
 * it; -EBADFD: it was in another state, and is Invalid now.
 */
int axv_claim(struct axv_vcpu *vcpu, u8 from, u8 during)
{
	return __axv_claim(vcpu, from, during);
}

/**
 * axv_claim_any() - begin something that is no transition
 * @vcpu:	any vCPU
 * @states:	states it may be in, AXV_STATES_*
 *
 * Any thread may have it, and the wrong state does no harm.
 *
 * Context: process context, interrupts on.
 * Return: 0; -EBUSY: another call is acting on it; -EBADFD: another state.
 */
int axv_claim_any(struct axv_vcpu *vcpu, u32 states)
{
	int err;

	err = axv_try_claim(vcpu);
	if (!err && !in_states(vcpu, states)) {
		axv_unclaim(vcpu);
		err = -EBADFD;
	}
	return err;
}

/**
 * axv_claim_owned() - likewise, but if it has an owner, only for that one
 * @vcpu:	any vCPU
 * @states:	states it may be in, AXV_STATES_*
 *
 * Context: process context, interrupts on.
 * Return: as axv_claim_any(); -EPERM: another thread owns it.
 */
int axv_claim_owned(struct axv_vcpu *vcpu, u32 states)
{
	int err;

	err = axv_try_claim_owned(vcpu);
	if (!err && !in_states(vcpu, states)) {
		axv_unclaim(vcpu);
		err = -EBADFD;
	}
	return err;
}

/**
 * axv_claim_bind() - begin a bind: from Free, or by taking over from Ready
 * @vcpu:	any vCPU
 * @adopt:	take it from a living owner, too
 *
 * An owner that is dead can be succeeded without being asked.
 *
 * Context: process context, interrupts on.
 * Return: as axv_claim().
 */
int axv_claim_bind(struct axv_vcpu *vcpu, bool adopt)
{
	int err;

	err = try_claim_from(vcpu, adopt);
	if (err)
		return err;
	if (vcpu->state != (axv_owned_by_other(vcpu) ? AXV_STATE_READY :
						    AXV_STATE_FREE))
		return axv_wrong_state(vcpu, AXV_STATE_FREE);
	return 0;
}

/**
 * axv_claim_reset() - begin a reset, from any state at rest
 * @vcpu:	any vCPU
 *
 * Nobody has to wait for a dead owner to clean up.
 *
 * Context: process context, interrupts on.
 * Return: as axv_claim().
 */
int axv_claim_reset(struct axv_vcpu *vcpu)
{
	int err;

	err = try_claim_from(vcpu, false);
	if (err)
		return err;
	if (!in_states(vcpu, AXV_STATES_AT_REST))
		return axv_wrong_state(vcpu, AXV_STATE_CREATED);
	return 0;
}

/**
 * axv_with_state_transition() - do something between two states
 * @vcpu:	any vCPU
 * @from:	state it has to be in
 * @to:		state it is in afterwards
 * @action:	what to do; its failure makes the vCPU Invalid
 * @arg:	for @action
 *
 * Context: process context, interrupts on.
 * Return: as axv_claim(), or what @action returned.
 */
int axv_with_state_transition(struct axv_vcpu *vcpu, u8 from, u8 to,
			      axv_action_t action, void *arg)
{
	int err;

	err = axv_claim(vcpu, from, from);
	if (err)
		return err;
	err = action(vcpu, arg);
	axv_publish(vcpu, err ? AXV_STATE_INVALID : to);
	return err;
}

/**
 * axv_with_current_cpu_set() - do something with the vCPU as the current one
 * @vcpu:	vCPU whose claim the caller holds
 * @action:	what to do
 * @arg:	for @action
 *
 * Context: process context, interrupts on.
 * Return: what @action returned; -EDEADLK if the thread has a current vCPU.
 */
int axv_with_current_cpu_set(struct axv_vcpu *vcpu, axv_action_t action,
			     void *arg)
{
	struct axv_current_scope scope;
	int err;

	err = axv_set_current_vcpu(&scope, vcpu);
	if (err)
		return err;
	err = action(vcpu, arg);
	axv_clear_current_vcpu(&scope);
	return err;
}

/**
 * axv_manipulate_arch_vcpu() - have the back end do something between two states
 * @vcpu:	any vCPU
 * @from:	state it has to be in
 * @to:		state it is in afterwards
 * @action:	calls the back end; its failure makes the vCPU Invalid
 * @arg:	for @action
 *
 * The current vCPU is set first, so that a refused nesting changes nothing.
 *
 * Context: process context, interrupts on.
 * Return: as axv_claim(); -EDEADLK if the thread has a current vCPU; or what
 * @action returned.
 */
int axv_manipulate_arch_vcpu(struct axv_vcpu *vcpu, u8 from, u8 to,
			     axv_action_t action, void *arg)
{
	struct axv_current_scope scope;
	int err;

	err = axv_set_current_vcpu(&scope, vcpu);
	if (err)
		return err;
	err = axv_with_state_transition(vcpu, from, to, action, arg);
	axv_clear_current_vcpu(&scope);
	return err;
}

static int do_nothing(struct axv_vcpu *vcpu, void *arg)
{
	return 0;
}

/**
 * axv_transition_state() - go from one state to another
 * @vcpu:	any vCPU
 * @from:	state it has to be in
 * @to:		state it is in afterwards
 *
 * Context: process context, interrupts on.
 * Return: as axv_claim().
 */
int axv_transition_state(struct axv_vcpu *vcpu, u8 from, u8 to)
{
	return axv_with_state_transition(vcpu, from, to, do_nothing, NULL);
}

#if IS_ENABLED(CONFIG_KUNIT)
/**
 * axv_set_state() - put a vCPU into a state, past the machine; tests only
 * @vcpu:	vCPU nobody else is using
 * @state:	an &enum axv_vcpu_state
 */
void axv_set_state(struct axv_vcpu *vcpu, u8 state)
{
	WRITE_ONCE(vcpu->state, state);
}
#endif
