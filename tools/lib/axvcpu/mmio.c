// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Exits that are memory accesses: those that the kernel has decoded go to the VMM's
 * devices, the others to the code of the architecture.
 */
#include <errno.h>

#include "lib.h"

int axv_device_read(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
		    void *opaque, __u64 gpa, unsigned int width, __u64 *data)
{
	int ret = ops->read(opaque, gpa, width, data);

	if (ret < 0)
		return axv_fail(-ret, "vCPU %u: device read of %u bytes at %#llx failed",
				vcpu->id, width, (unsigned long long)gpa);
	if (width < 8)
		*data &= (1ull << width * 8) - 1;
	return 0;
}

int axv_device_write(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
		     void *opaque, __u64 gpa, unsigned int width, __u64 data)
{
	int ret = ops->write(opaque, gpa, width, data);

	if (ret < 0)
		return axv_fail(-ret, "vCPU %u: device write of %u bytes at %#llx failed",
				vcpu->id, width, (unsigned long long)gpa);
	return 0;
}

int axv_fail_fetch(struct axv_vcpu *vcpu, const struct axv_exit_fault *fault)
{
	if (fault->cause == AXV_FAULT_CODE)
		return axv_fail(EOPNOTSUPP,
				"vCPU %u executes an instruction at linear %#llx that its page tables do not lead to: the guest has changed them without flushing the TLB",
				vcpu->id, (unsigned long long)fault->linear);
	return axv_fail(EOPNOTSUPP,
			"vCPU %u executes at guest physical %#llx, where it has no memory (instruction pointer %#llx)",
			vcpu->id, (unsigned long long)fault->addr,
			(unsigned long long)vcpu->run->ip);
}

int axv_vcpu_finish(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
		    void *opaque)
{
	const struct axv_run *run = vcpu->run;
	struct axv_exit_fault fault = run->exit.fault;
	int ret;

	if (run->exit_reason != AXV_EXIT_NESTED_PAGE_FAULT) {
		ret = axv_arch_finish_exit(vcpu, ops, opaque);
		if (ret == -ENOENT)
			return axv_fail(EINVAL, "vCPU %u: exit %s cannot be finished",
					vcpu->id, axv_exit_name(run->exit_reason));
		return ret;
	}
	if (fault.cause == AXV_FAULT_HOST) {
		errno = fault.status < 0 ? -fault.status : EFAULT;
		axv_fail_call("the memory of that region is not accessible in this process",
			      "vCPU %u: guest physical %#llx", vcpu->id,
			      (unsigned long long)fault.addr);
		return -EFAULT;
	}
	return axv_arch_finish(vcpu, &fault, ops, opaque);
}

int axv_vcpu_handle_mmio(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
			 void *opaque)
{
	struct axv_run *run = vcpu->run;
	struct axv_exit_mmio mmio = run->exit.mmio;
	int ret;

	switch (run->exit_reason) {
	case AXV_EXIT_MMIO_READ:
		mmio.data = 0;
		ret = axv_device_read(vcpu, ops, opaque, mmio.addr, mmio.width, &mmio.data);
		if (!ret)
			run->exit.mmio.data = mmio.data;
		return ret;
	case AXV_EXIT_MMIO_WRITE:
		return axv_device_write(vcpu, ops, opaque, mmio.addr, mmio.width, mmio.data);
	case AXV_EXIT_NESTED_PAGE_FAULT:
	case AXV_EXIT_IO_STRING:
	case AXV_EXIT_MSW:
		return axv_vcpu_finish(vcpu, ops, opaque);
	default:
		return axv_fail(EINVAL, "vCPU %u: exit %s is no memory access",
				vcpu->id, axv_exit_name(run->exit_reason));
	}
}
