// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The tables of x86: CPUID, and the MSR policy.
 */
#include "lib.h"

int axv_supported_cpuid(struct axv_host *host, struct axv_x86_cpuid **leaves)
{
	void *entries;
	int ret;

	ret = axv_get_table(host->fd, AXV_TABLE_X86_CPUID,
			    sizeof(**leaves), &entries);
	if (ret >= 0)
		*leaves = entries;
	return ret;
}

int axv_vcpu_set_cpuid(struct axv_vcpu *vcpu, struct axv_x86_cpuid *leaves,
		       unsigned int count)
{
	return axv_set_table(vcpu->fd, AXV_TABLE_X86_CPUID, sizeof(*leaves),
			     leaves, count);
}

int axv_vcpu_get_cpuid(struct axv_vcpu *vcpu, struct axv_x86_cpuid **leaves)
{
	void *entries;
	int ret;

	ret = axv_get_table(vcpu->fd, AXV_TABLE_X86_CPUID, sizeof(**leaves),
			    &entries);
	if (ret >= 0)
		*leaves = entries;
	return ret;
}

int axv_vm_set_msr_policy(struct axv_vm *vm,
			  struct axv_x86_msr_policy *ranges,
			  unsigned int count)
{
	return axv_set_table(vm->fd, AXV_TABLE_X86_MSR_POLICY, sizeof(*ranges),
			     ranges, count);
}

int axv_vm_get_msr_policy(struct axv_vm *vm, struct axv_x86_msr_policy **ranges)
{
	void *entries;
	int ret;

	ret = axv_get_table(vm->fd, AXV_TABLE_X86_MSR_POLICY, sizeof(**ranges),
			    &entries);
	if (ret >= 0)
		*ranges = entries;
	return ret;
}
