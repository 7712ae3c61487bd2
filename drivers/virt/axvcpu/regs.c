// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing what a vCPU holds: registers and the vector state.
 *
 * None of it is a transition, so the wrong moment is an error without
 * consequences.  Reading is open to every thread while the vCPU is at rest;
 * writing takes one that is set up, and its owner if it has one.
 */
#include <linux/types.h>

#include <axvcpu/arch.h>
#include <axvcpu/vcpu.h>

/**
 * struct regs_call - arguments of register actions
 * @regs:	entries
 * @count:	how many
 * @failed:	how many of them failed
 */
struct regs_call {
	struct axv_reg *regs;
	u32 count;
	int failed;
};

struct fpu_call {
	void *data;
	const void *new;
	size_t size;
};

struct gpr_call {
	unsigned int reg;
	u64 value;
};

/* Claimed by the caller; the claim ends here. */
static int act(struct axv_vcpu *vcpu, axv_action_t action, void *arg)
{
	int err = axv_with_current_cpu_set(vcpu, action, arg);

	axv_unclaim(vcpu);
	return err;
}

static int change(struct axv_vcpu *vcpu, axv_action_t action, void *arg)
{
	int err = axv_claim_owned(vcpu, AXV_STATES_SET_UP);

	return err ?: act(vcpu, action, arg);
}

static int look(struct axv_vcpu *vcpu, axv_action_t action, void *arg)
{
	int err = axv_claim_any(vcpu, AXV_STATES_AT_REST);

	return err ?: act(vcpu, action, arg);
}

static int set_entry_action(struct axv_vcpu *vcpu, void *arg)
{
	u64 *entry = arg;

	return vcpu->ops->set_entry(vcpu, *entry);
}

/**
 * axv_set_entry() - where the next run begins
 * @vcpu:	vCPU in state Free or Ready
 * @entry:	guest physical address of an instruction
 *
 * Context: may sleep.
 * Return: 0, -EBUSY, -EPERM, -EBADFD, or what the back end says; the state is
 * what it was.
 */
int axv_set_entry(struct axv_vcpu *vcpu, u64 entry)
{
	return change(vcpu, set_entry_action, &entry);
}

static int set_gpr_action(struct axv_vcpu *vcpu, void *arg)
{
	struct gpr_call *call = arg;

	return vcpu->ops->set_gpr(vcpu, call->reg, call->value);
}

/**
 * axv_set_gpr() - set a general register
 * @vcpu:	vCPU in state Free or Ready
 * @reg:	its number
 * @value:	what it will hold
 *
 * Context: may sleep.
 * Return: as axv_set_entry().
 */
int axv_set_gpr(struct axv_vcpu *vcpu, unsigned int reg, u64 value)
{
	struct gpr_call call = { .reg = reg, .value = value };

	return change(vcpu, set_gpr_action, &call);
}

static int set_return_value_action(struct axv_vcpu *vcpu, void *arg)
{
	u64 *value = arg;

	vcpu->ops->set_return_value(vcpu, *value);
	return 0;
}

/**
 * axv_set_return_value() - what the guest's hypercall returns
 * @vcpu:	vCPU in state Free or Ready
 * @value:	the value
 *
 * Context: may sleep.
 * Return: as axv_set_entry().
 */
int axv_set_return_value(struct axv_vcpu *vcpu, u64 value)
{
	return change(vcpu, set_return_value_action, &value);
}

static int get_regs_action(struct axv_vcpu *vcpu, void *arg)
{
	struct regs_call *call = arg;
	u32 i;

	for (i = 0; i < call->count; i++) {
		struct axv_reg *reg = &call->regs[i];

		reg->value = 0;
		reg->status = vcpu->ops->get_reg(vcpu, reg->id, &reg->value);
		call->failed += reg->status != 0;
	}
	return 0;
}

/**
 * axv_get_regs() - read registers
 * @vcpu:	vCPU in any state but Running and Blocked
 * @regs:	entries; each gets its value and its status
 * @count:	how many
 *
 * Context: may sleep.
 * Return: how many entries failed; -EBUSY: another call is acting on the vCPU.
 */
int axv_get_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count)
{
	struct regs_call call = { .regs = regs, .count = count };

	return look(vcpu, get_regs_action, &call) ?: call.failed;
}

static int set_regs_action(struct axv_vcpu *vcpu, void *arg)
{
	struct regs_call *call = arg;
	u32 i;

	for (i = 0; i < call->count; i++) {
		struct axv_reg *reg = &call->regs[i];

		reg->status = vcpu->ops->set_reg(vcpu, reg->id, reg->value);
		call->failed += reg->status != 0;
	}
	return 0;
}

/**
 * axv_set_regs() - write registers
 * @vcpu:	vCPU in state Free or Ready
 * @regs:	entries; each gets its status
 * @count:	how many
 *
 * Context: may sleep.
 * Return: how many entries failed; -EBUSY, -EPERM or -EBADFD: none was tried.
 */
int axv_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count)
{
	struct regs_call call = { .regs = regs, .count = count };

	return change(vcpu, set_regs_action, &call) ?: call.failed;
}

static int sync_action(struct axv_vcpu *vcpu, void *arg)
{
	int err = vcpu->ops->prepare_run(vcpu);

	if (!err)
		vcpu->ops->store_run(vcpu);
	return err;
}

/**
 * axv_vcpu_sync() - load and store the register sets of the run page
 * @vcpu:	vCPU in state Free or Ready
 *
 * What a run does at its beginning and at its end, without the run.
 *
 * Context: may sleep.
 * Return: as axv_set_entry(); -EINVAL: a value that the hardware would refuse.
 */
int axv_vcpu_sync(struct axv_vcpu *vcpu)
{
	return change(vcpu, sync_action, NULL);
}

static int get_fpu_action(struct axv_vcpu *vcpu, void *arg)
{
	struct fpu_call *call = arg;

	return vcpu->ops->get_fpu(vcpu, call->data, call->size);
}

/**
 * axv_get_fpu() - read the vector state
 * @vcpu:	vCPU in any state but Running and Blocked
 * @data:	where to
 * @size:	bytes, as AXV_QUERY_FPU_SIZE told
 *
 * Context: may sleep.
 * Return: 0, -EBUSY, or what the back end says.
 */
int axv_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size)
{
	struct fpu_call call = { .data = data, .size = size };

	return look(vcpu, get_fpu_action, &call);
}

static int set_fpu_action(struct axv_vcpu *vcpu, void *arg)
{
	struct fpu_call *call = arg;

	return vcpu->ops->set_fpu(vcpu, call->new, call->size);
}

/**
 * axv_set_fpu() - write the vector state
 * @vcpu:	vCPU in state Free or Ready
 * @data:	where from
 * @size:	bytes, as AXV_QUERY_FPU_SIZE told
 *
 * Context: may sleep.
 * Return: 0, -EBUSY, -EPERM, -EBADFD, or what the back end says.
 */
int axv_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size)
{
	struct fpu_call call = { .new = data, .size = size };

	return change(vcpu, set_fpu_action, &call);
}
