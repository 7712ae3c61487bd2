// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Registers of a vCPU: lists of any length, single registers, and the vector state.  Each
 * architecture has its own file for the two sets of the run page.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib.h"

/* The most entries that one AXV_VCPU_GET_REGS or AXV_VCPU_SET_REGS takes */
#define REGS_MAX	1024u

static int fail_regs(struct axv_vcpu *vcpu, const char *what)
{
	const char *hint = NULL;

	if (errno == EBUSY)
		hint = "it is running: kick it first";
	else if (errno == EBADFD)
		hint = "they can be written in state Free or Ready only";
	else if (errno == EPERM)
		hint = "it is Ready and belongs to another thread";
	return axv_fail_call(hint, "%s of vCPU %u", what, vcpu->id);
}

static int regs_call(struct axv_vcpu *vcpu, unsigned long command,
		     struct axv_reg *regs, unsigned int count)
{
	struct axv_regs arg = {};
	int failed = 0;
	int ret;

	while (count) {
		arg.count = count < REGS_MAX ? count : REGS_MAX;
		arg.regs = (uintptr_t)regs;
		ret = ioctl(vcpu->fd, command, &arg);
		if (ret < 0)
			return fail_regs(vcpu, "registers");
		failed += ret;
		regs += arg.count;
		count -= arg.count;
	}
	return failed;
}

int axv_vcpu_sync(struct axv_vcpu *vcpu)
{
	if (!ioctl(vcpu->fd, AXV_VCPU_SYNC))
		return 0;
	if (errno == EINVAL)
		return axv_fail_call("a dirty register set has an illegal value",
				     "register sets of vCPU %u", vcpu->id);
	return fail_regs(vcpu, "register sets");
}

int axv_vcpu_get_regs(struct axv_vcpu *vcpu, struct axv_reg *regs,
		      unsigned int count)
{
	return regs_call(vcpu, AXV_VCPU_GET_REGS, regs, count);
}

int axv_vcpu_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs,
		      unsigned int count)
{
	return regs_call(vcpu, AXV_VCPU_SET_REGS, regs, count);
}

/* Make the first failed entry of a list the error of the call. */
static int first_failure(struct axv_vcpu *vcpu, const char *verb,
			 const struct axv_reg *regs, unsigned int count)
{
	char name[64];
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!regs[i].status)
			continue;
		errno = -regs[i].status;
		return axv_fail_call(NULL, "%s %s (value %#llx) of vCPU %u", verb,
				     axv_reg_name(regs[i].id, name, sizeof(name)),
				     (unsigned long long)regs[i].value, vcpu->id);
	}
	return 0;
}

int axv_get_all_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, unsigned int count)
{
	int ret = axv_vcpu_get_regs(vcpu, regs, count);

	return ret > 0 ? first_failure(vcpu, "read", regs, count) : ret;
}

int axv_set_all_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, unsigned int count)
{
	int ret = axv_vcpu_set_regs(vcpu, regs, count);

	return ret > 0 ? first_failure(vcpu, "write", regs, count) : ret;
}

int axv_vcpu_get_reg(struct axv_vcpu *vcpu, __u64 id, __u64 *value)
{
	struct axv_reg reg = { .id = id };
	int ret;

	ret = axv_get_all_regs(vcpu, &reg, 1);
	if (!ret)
		*value = reg.value;
	return ret;
}

int axv_vcpu_set_reg(struct axv_vcpu *vcpu, __u64 id, __u64 value)
{
	struct axv_reg reg = { .id = id, .value = value };

	return axv_set_all_regs(vcpu, &reg, 1);
}

int axv_vcpu_list_regs(struct axv_vcpu *vcpu, __u64 **ids)
{
	void *entries;
	int ret;

	ret = axv_get_table(vcpu->fd, AXV_TABLE_REGS, sizeof(**ids), &entries);
	if (ret >= 0)
		*ids = entries;
	return ret;
}

int axv_vcpu_get_fpu(struct axv_vcpu *vcpu, void *data)
{
	struct axv_fpu fpu = {
		.size = vcpu->fpu_size,
		.data = (uintptr_t)data,
	};

	if (ioctl(vcpu->fd, AXV_VCPU_GET_FPU, &fpu))
		return fail_regs(vcpu, "vector state");
	return 0;
}

int axv_vcpu_set_fpu(struct axv_vcpu *vcpu, const void *data)
{
	struct axv_fpu fpu = {
		.size = vcpu->fpu_size,
		.data = (uintptr_t)data,
	};

	if (ioctl(vcpu->fd, AXV_VCPU_SET_FPU, &fpu))
		return fail_regs(vcpu, "vector state");
	return 0;
}

int axv_vcpu_set_debug(struct axv_vcpu *vcpu, const struct axv_debug *debug)
{
	const char *hint = NULL;

	if (!ioctl(vcpu->fd, AXV_VCPU_SET_DEBUG, debug))
		return 0;
	if (errno == EOPNOTSUPP)
		hint = "not on this architecture";
	else if (errno == EINVAL)
		hint = "see AXV_QUERY_DEBUG_FLAGS and struct axv_debug";
	return axv_fail_call(hint, "debug vCPU %u", vcpu->id);
}
