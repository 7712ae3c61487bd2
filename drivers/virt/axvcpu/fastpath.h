/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Claim, current vCPU, publish: what every run does before and after the back
 * end, inline.  state.c and current.c make functions of it for everybody else;
 * there is no second way to do any of this.
 */
#ifndef _AXVCPU_FASTPATH_H
#define _AXVCPU_FASTPATH_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include <axvcpu/vcpu.h>

#include "trace.h"

/* state.c */
int axv_wrong_state(struct axv_vcpu *vcpu, u8 expected);
void axv_disown(struct axv_vcpu *vcpu);

/* current.c */
int axv_nested(struct axv_vcpu *vcpu);
extern struct preempt_ops axv_current_ops;

static __always_inline bool axv_owned_by_other(const struct axv_vcpu *vcpu)
{
	struct pid *owner = READ_ONCE(vcpu->owner);

	return unlikely(owner != task_pid(current)) && owner;
}

/* The claim, whoever the caller is. */
static __always_inline int axv_try_claim(struct axv_vcpu *vcpu)
{
	/* Pairs with axv_publish() or axv_unclaim() of the holder before. */
	if (unlikely(cmpxchg_acquire(&vcpu->claimed, false, true)))
		return -EBUSY;
	return 0;
}

static __always_inline void __axv_unclaim(struct axv_vcpu *vcpu)
{
	/* Pairs with axv_try_claim(). */
	smp_store_release(&vcpu->claimed, false);
}

/* The claim, for its owner or, if it has none, for anyone. */
static __always_inline int axv_try_claim_owned(struct axv_vcpu *vcpu)
{
	/* Nobody but the owner may make the owner busy. */
	if (axv_owned_by_other(vcpu))
		return READ_ONCE(vcpu->claimed) ? -EBUSY : -EPERM;
	if (unlikely(axv_try_claim(vcpu)))
		return -EBUSY;

	/* Now that nobody can change it. */
	if (axv_owned_by_other(vcpu)) {
		__axv_unclaim(vcpu);
		return -EPERM;
	}
	return 0;
}

/* axv_claim() */
static __always_inline int __axv_claim(struct axv_vcpu *vcpu, u8 from, u8 during)
{
	int err;

	err = axv_try_claim_owned(vcpu);
	if (unlikely(err))
		return err;
	if (unlikely(vcpu->state != from))
		return axv_wrong_state(vcpu, from);
	if (from != during) {
		trace_axv_transition(vcpu, from, during);
		WRITE_ONCE(vcpu->state, during);
	}
	return 0;
}

/* axv_publish() */
static __always_inline void __axv_publish(struct axv_vcpu *vcpu, u8 to)
{
	if (unlikely(to < AXV_STATE_READY))
		axv_disown(vcpu);
	if (trace_axv_transition_enabled())
		trace_axv_transition(vcpu, vcpu->state, to);
	WRITE_ONCE(vcpu->state, to);
	__axv_unclaim(vcpu);
}

static inline void axv_scope_init(struct axv_current_scope *scope,
				  struct axv_vcpu *vcpu)
{
	scope->vcpu = vcpu;
	preempt_notifier_init(&scope->notifier, &axv_current_ops);
}

/* axv_set_current_vcpu(), with a scope that was initialised. */
static __always_inline int
__axv_set_current_vcpu(struct axv_current_scope *scope, struct axv_vcpu *vcpu)
{
	preempt_disable();
	if (unlikely(__this_cpu_read(axv_current))) {
		preempt_enable();
		return axv_nested(vcpu);
	}
	preempt_notifier_register(&scope->notifier);
	__this_cpu_write(axv_current, vcpu);
	preempt_enable();
	return 0;
}

/* axv_clear_current_vcpu() */
static __always_inline void
__axv_clear_current_vcpu(struct axv_current_scope *scope)
{
	preempt_disable();
	__this_cpu_write(axv_current, NULL);
	preempt_notifier_unregister(&scope->notifier);
	preempt_enable();
}

#endif /* _AXVCPU_FASTPATH_H */
