/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Taking the claim of a vCPU, writing its state, and giving the claim back.  What every run
 * does is inline; the rest is in state.c.
 */
#ifndef _AXVCPU_CLAIM_H
#define _AXVCPU_CLAIM_H

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include <axvcpu/current.h>
#include <axvcpu/state.h>
#include <axvcpu/trace.h>
#include <axvcpu/vcpu.h>

/**
 * enum axv_claimant - which thread may claim a vCPU that has an owner
 * @AXV_ANYBODY: any thread
 * @AXV_OWNER:	its owner
 * @AXV_SUCCESSOR: its owner, or any thread once the owner is dead
 */
enum axv_claimant {
	AXV_ANYBODY,
	AXV_OWNER,
	AXV_SUCCESSOR,
};

/**
 * enum axv_claim - what acts on a vCPU
 * @AXV_CLAIM_NONE: nothing
 * @AXV_CLAIM_OPERATION: an operation, which may take long and sleep
 * @AXV_CLAIM_READ: a read of registers and the like, which ends soon
 */
enum axv_claim {
	AXV_CLAIM_NONE,
	AXV_CLAIM_OPERATION,
	AXV_CLAIM_READ,
};

bool axv_pid_is_dead(struct pid *pid);
int axv_await_claim(struct axv_vcpu *vcpu, enum axv_claimant who);
int axv_wrong_state(struct axv_vcpu *vcpu, u8 expected);
void axv_end_disowned(struct axv_vcpu *vcpu, u8 to);
int axv_begin_bind(struct axv_vcpu *vcpu, bool adopt);
int axv_begin_reset(struct axv_vcpu *vcpu);
void axv_end_bind(struct axv_vcpu *vcpu, int cpu);

static __always_inline bool axv_owned_by_other(const struct axv_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->lock);
	return unlikely(vcpu->owner != task_pid(current)) && vcpu->owner;
}

/* Is the vCPU another thread's, and does @who keep this thread from claiming it? */
static __always_inline bool axv_not_for_this_thread(const struct axv_vcpu *vcpu,
						    enum axv_claimant who)
{
	return who != AXV_ANYBODY && axv_owned_by_other(vcpu) &&
	       (who == AXV_OWNER || !axv_pid_is_dead(vcpu->owner));
}

/**
 * axv_may_claim() - may this thread have the claim now?
 * @vcpu:	any vCPU
 * @who:	which threads may have it; a constant
 *
 * Context: under &axv_vcpu.lock, which is released meanwhile if a read has to end first.
 * Return: 0, -EBUSY or -EPERM, as axv_begin_transition(); -EDEADLK: this thread itself has
 * the claim, for a read.
 */
static __always_inline int axv_may_claim(struct axv_vcpu *vcpu, enum axv_claimant who)
{
	int err;

	lockdep_assert_held(&vcpu->lock);
	if (unlikely(vcpu->claim != AXV_CLAIM_NONE)) {
		err = axv_await_claim(vcpu, who);
		if (err)
			return err;
	}
	return axv_not_for_this_thread(vcpu, who) ? -EPERM : 0;
}

/**
 * axv_try_claim() - take the claim for an operation, if this thread may have it
 * @vcpu:	any vCPU; becomes the current one
 * @who:	which threads may have it; a constant
 *
 * Context: under &axv_vcpu.lock, which is released meanwhile if a read has to end first.
 * Return: 0, -EBUSY, -EPERM or -EDEADLK, as axv_begin_transition().
 */
static __always_inline int axv_try_claim(struct axv_vcpu *vcpu,
					 enum axv_claimant who)
{
	int err = axv_may_claim(vcpu, who);

	if (err)
		return err;
	err = axv_set_current_vcpu(vcpu);
	if (likely(!err)) {
		/* Pairs with axv_begin_read(), which looks without the lock first. */
		WRITE_ONCE(vcpu->claim, AXV_CLAIM_OPERATION);
		vcpu->operations++;
	}
	return err;
}

/**
 * axv_drop_claim() - give back the claim that axv_try_claim() or a read took
 * @vcpu:	vCPU whose claim the caller holds; no longer the current one
 *
 * Context: under &axv_vcpu.lock.
 */
static __always_inline void axv_drop_claim(struct axv_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->lock);
	axv_assert_claimed(vcpu);
	axv_clear_current_vcpu(vcpu);
	WRITE_ONCE(vcpu->claim, AXV_CLAIM_NONE);
}

/*
 * All transitions there are: for each state, the states that a vCPU may go to from there.
 * Every state may become Invalid: by a call in the wrong state, or by one that failed.
 */
static const u8 axv_transitions[] = {
	[AXV_STATE_INVALID] =
		AXV_STATE_BIT(AXV_STATE_INVALID) |
		AXV_STATE_BIT(AXV_STATE_CREATED),	/* reset */
	[AXV_STATE_CREATED] =
		AXV_STATE_BIT(AXV_STATE_INVALID) |
		AXV_STATE_BIT(AXV_STATE_CREATED) |	/* reset */
		AXV_STATE_BIT(AXV_STATE_FREE),		/* setup */
	[AXV_STATE_FREE] =
		AXV_STATE_BIT(AXV_STATE_INVALID) |
		AXV_STATE_BIT(AXV_STATE_CREATED) |	/* reset */
		AXV_STATE_BIT(AXV_STATE_READY),		/* bind */
	[AXV_STATE_READY] =
		AXV_STATE_BIT(AXV_STATE_INVALID) |
		AXV_STATE_BIT(AXV_STATE_CREATED) |	/* reset */
		AXV_STATE_BIT(AXV_STATE_FREE) |		/* unbind */
		AXV_STATE_BIT(AXV_STATE_READY) |	/* bind, to another thread */
		AXV_STATE_BIT(AXV_STATE_RUNNING),	/* run */
	[AXV_STATE_RUNNING] =
		AXV_STATE_BIT(AXV_STATE_INVALID) |
		AXV_STATE_BIT(AXV_STATE_READY) |	/* the run ends */
		AXV_STATE_BIT(AXV_STATE_BLOCKED),	/* the guest halts */
	[AXV_STATE_BLOCKED] =
		AXV_STATE_BIT(AXV_STATE_INVALID) |
		AXV_STATE_BIT(AXV_STATE_RUNNING),	/* an event, a kick, a signal */
};

/**
 * axv_set_state() - write the state
 * @vcpu:	vCPU whose claim the caller holds
 * @to:		an &enum axv_vcpu_state
 *
 * Context: under &axv_vcpu.lock.
 */
static __always_inline void axv_set_state(struct axv_vcpu *vcpu, u8 to)
{
	lockdep_assert_held(&vcpu->lock);
	axv_assert_claimed(vcpu);
	WARN_ONCE(!(axv_transitions[vcpu->state] & AXV_STATE_BIT(to)),
		  "axvcpu: vCPU %u goes from state %u to %u\n", vcpu->id, vcpu->state, to);
	if (trace_axv_transition_enabled())
		trace_axv_transition(vcpu, vcpu->state, to);
	/* Pairs with axv_vcpu_state(), which takes no lock. */
	WRITE_ONCE(vcpu->state, to);
}

/**
 * axv_begin_transition() - claim a vCPU for an operation that changes its state
 * @vcpu:	any vCPU; the current one of this thread when this succeeds
 * @from:	state it has to be in
 * @during:	state to show while the operation runs
 *
 * The caller ends the claim by axv_end_transition(), or by axv_unclaim() if it has
 * changed nothing.
 *
 * Context: process context, interrupts on, while a VM exists.
 * Return: 0; -EBUSY: another call is acting on it; -EPERM: another thread owns
 * it; -EDEADLK: this thread has a current vCPU already, which is a bug; -EBADFD: it
 * was in another state, and is Invalid now.
 */
static __always_inline int axv_begin_transition(struct axv_vcpu *vcpu, u8 from, u8 during)
{
	bool wrong = false;
	int err;

	raw_spin_lock_irq(&vcpu->lock);
	err = axv_try_claim(vcpu, AXV_OWNER);
	if (likely(!err)) {
		wrong = vcpu->state != from;
		if (likely(!wrong) && from != during)
			axv_set_state(vcpu, during);
	}
	raw_spin_unlock_irq(&vcpu->lock);
	return unlikely(wrong) ? axv_wrong_state(vcpu, from) : err;
}

/**
 * axv_end_transition() - write the state an operation ends in, and end its claim
 * @vcpu:	vCPU whose claim the caller holds
 * @to:		the state.  In Invalid, Created and Free it has no owner, and no
 *		hardware holds it
 *
 * Context: process context, interrupts on; may wait for another CPU if the
 * vCPU is loaded there and @to is Invalid, Created or Free.
 */
static __always_inline void axv_end_transition(struct axv_vcpu *vcpu, u8 to)
{
	if (unlikely(to < AXV_STATE_READY)) {
		axv_end_disowned(vcpu, to);
		return;
	}
	raw_spin_lock_irq(&vcpu->lock);
	axv_set_state(vcpu, to);
	axv_drop_claim(vcpu);
	raw_spin_unlock_irq(&vcpu->lock);
}

static __always_inline bool axv_in_states(const struct axv_vcpu *vcpu, u32 states)
{
	return states & AXV_STATE_BIT(vcpu->state);
}

/**
 * axv_claim_owned() - claim a vCPU, for its owner, or for any thread if it has none
 * @vcpu:	any vCPU; the current one of this thread when this succeeds
 * @states:	states it may be in, AXV_STATES_*; in another one the call fails and changes
 *		nothing
 *
 * For an operation that is no transition.  The caller ends the claim by axv_unclaim().
 *
 * Context: process context, interrupts on, while a VM exists.
 * Return: 0; -EBUSY: another call is acting on it; -EPERM: another thread owns it;
 * -EDEADLK: this thread has a current vCPU already, which is a bug; -EBADFD: it is in a
 * state that @states lacks.
 */
static __always_inline int axv_claim_owned(struct axv_vcpu *vcpu, u32 states)
{
	int err;

	raw_spin_lock_irq(&vcpu->lock);
	err = axv_try_claim(vcpu, AXV_OWNER);
	if (likely(!err) && unlikely(!axv_in_states(vcpu, states))) {
		axv_drop_claim(vcpu);
		err = -EBADFD;
	}
	raw_spin_unlock_irq(&vcpu->lock);
	return err;
}

/**
 * axv_unclaim() - end a claim and leave the state as it is
 * @vcpu:	vCPU whose claim the caller holds; no longer the current one
 *
 * Context: process context, interrupts on.
 */
static __always_inline void axv_unclaim(struct axv_vcpu *vcpu)
{
	raw_spin_lock_irq(&vcpu->lock);
	axv_drop_claim(vcpu);
	raw_spin_unlock_irq(&vcpu->lock);
}

#endif /* _AXVCPU_CLAIM_H */
