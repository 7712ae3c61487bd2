// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing the registers of a vCPU.
 *
 * None of it is a transition, so a call in the wrong state fails and changes nothing.  Any
 * thread may read while the vCPU is at rest, which never makes the owner busy
 * (axv_begin_read()).  Writing needs a vCPU in Free or Ready, and only its owner may, if it
 * has one.
 */
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <axvcpu/arch.h>
#include <axvcpu/current.h>
#include <axvcpu/state.h>
#include <axvcpu/vcpu.h>

#include "claim.h"

static int read_batch(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count)
{
	struct axv_reg *reg;
	int failed = 0;

	for (reg = regs; reg < regs + count; reg++) {
		reg->value = 0;
		reg->status = vcpu->ops->get_reg(vcpu, reg->id, &reg->value);
		failed += reg->status != 0;
	}
	return failed;
}

/**
 * axv_get_regs() - read registers
 * @vcpu:	vCPU in any state but Running and Blocked
 * @regs:	entries; each gets its value and its status
 * @count:	how many
 *
 * A long list is read in several batches.  If an operation comes between two of them, the
 * values are not those of one moment, and the call fails.
 *
 * Context: process context, interrupts on.
 * Return: how many entries failed; -EBUSY: another call is acting on the vCPU, or
 * did so meanwhile.
 */
int axv_get_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count)
{
	unsigned long operations = 0;
	int failed = 0;
	u32 done = 0;
	int err;

	do {
		u32 batch = min_t(u32, count - done, AXV_READ_BATCH);

		err = axv_begin_read(vcpu);
		if (err)
			return err;
		if (!done)
			operations = vcpu->operations;
		if (vcpu->operations == operations)
			failed += read_batch(vcpu, regs + done, batch);
		else
			err = -EBUSY;
		axv_end_read(vcpu);
		if (err)
			return err;
		done += batch;
	} while (done < count);
	return failed;
}

/**
 * axv_set_regs() - write registers
 * @vcpu:	vCPU whose claim the caller holds, in state Free or Ready
 * @regs:	entries; each gets its status
 * @count:	how many
 *
 * Context: may sleep.
 * Return: how many entries failed.
 */
int axv_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count)
{
	struct axv_reg *reg;
	int failed = 0;

	for (reg = regs; reg < regs + count; reg++) {
		reg->status = vcpu->ops->set_reg(vcpu, reg->id, reg->value);
		failed += reg->status != 0;
	}
	return failed;
}

/* Sync sets that take long, or are unknown, with a claim as any other operation has. */
static noinline int sync_all(struct axv_vcpu *vcpu)
{
	int err = axv_claim_owned(vcpu, AXV_STATES_SET_UP);

	if (err)
		return err;
	/* Looking first costs less than an indirect call that has nothing to do. */
	if (READ_ONCE(vcpu->run->dirty))
		err = vcpu->ops->prepare_run(vcpu);
	if (!err)
		vcpu->ops->store_run(vcpu);
	axv_unclaim(vcpu);
	return err;
}

/*
 * &axv_vcpu.lock is held as long as the operation lasts and serves as its claim: no other
 * thread gets in between, and the thread cannot be preempted, so no notifier has to follow
 * it.
 */
static __always_inline int sync_gprs(struct axv_vcpu *vcpu, u32 dirty, u32 want)
{
	int err = axv_may_claim(vcpu, AXV_OWNER);

	if (unlikely(err))
		return err;
	if (unlikely(__this_cpu_read(axv_current)))
		return axv_nested(vcpu);
	if (unlikely(!axv_in_states(vcpu, AXV_STATES_SET_UP)))
		return -EBADFD;
	__this_cpu_write(axv_current, vcpu);
	vcpu->operations++;
	err = vcpu->ops->sync_gprs(vcpu, dirty, want);
	__this_cpu_write(axv_current, NULL);
	return err;
}

/**
 * axv_vcpu_sync() - load and store the register sets of the run page
 * @vcpu:	any vCPU
 *
 * What a run does at its beginning and at its end, without the run.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY, -EPERM or -EBADFD as axv_claim_owned(); -EINVAL: a value that the
 * hardware would refuse; the state is what it was.
 */
int axv_vcpu_sync(struct axv_vcpu *vcpu)
{
	/* Read once: the VMM may write new values after these have been checked. */
	u32 dirty = READ_ONCE(vcpu->run->dirty), want = READ_ONCE(vcpu->run->want);
	int err;

	if (unlikely((dirty | want) & ~AXV_RUN_SET_GPRS))
		return sync_all(vcpu);
	raw_spin_lock_irq(&vcpu->lock);
	err = sync_gprs(vcpu, dirty, want);
	raw_spin_unlock_irq(&vcpu->lock);
	return err;
}
