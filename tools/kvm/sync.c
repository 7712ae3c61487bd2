// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Registers in struct kvm_run (KVM_CAP_SYNC_REGS): KVM_RUN sets those that the VMM names in
 * kvm_dirty_regs, and tells those that it names in kvm_valid_regs.
 */
#include <errno.h>

#include "vcpu.h"

#define ALL	((__u64)KVM_SYNC_X86_VALID_FIELDS)

/* Each bit is cleared when its registers are set, as KVM does. */
static int set_dirty(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	struct kvm_vcpu_events events;

	if (run->kvm_dirty_regs & KVM_SYNC_X86_REGS) {
		if (regs_set(v, &run->s.regs.regs))
			return -EINVAL;
		run->kvm_dirty_regs &= ~(__u64)KVM_SYNC_X86_REGS;
	}
	if (run->kvm_dirty_regs & KVM_SYNC_X86_SREGS) {
		if (regs_set_sregs(v, &run->s.regs.sregs))
			return -EINVAL;
		run->kvm_dirty_regs &= ~(__u64)KVM_SYNC_X86_SREGS;
	}
	if (run->kvm_dirty_regs & KVM_SYNC_X86_EVENTS) {
		/* Another thread of the VMM may change what has been checked. */
		events = run->s.regs.events;
		if (events_set(v, &events))
			return -EINVAL;
		run->kvm_dirty_regs &= ~(__u64)KVM_SYNC_X86_EVENTS;
	}
	return 0;
}

int sync_take(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	if ((run->kvm_valid_regs | run->kvm_dirty_regs) & ~ALL)
		return -EINVAL;
	if (!run->kvm_dirty_regs)
		return 0;
	/* The VMM may set the interrupt flag, or the local APIC. */
	v->ready = false;
	return set_dirty(v);
}

int sync_store(struct vcpu *v)
{
	struct kvm_sync_regs *regs = &v->run->s.regs;
	__u64 valid = v->run->kvm_valid_regs;
	int err = 0;

	if (valid & KVM_SYNC_X86_REGS)
		err = regs_get(v, &regs->regs);
	if (!err && valid & KVM_SYNC_X86_SREGS)
		err = regs_get_sregs(v, &regs->sregs);
	if (!err && valid & KVM_SYNC_X86_EVENTS)
		err = events_get(v, &regs->events);
	return err;
}
