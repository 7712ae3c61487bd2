// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Injection on arm64: the interrupt inputs, exceptions to EL1, and SGIs.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "lib.h"

int axv_vcpu_set_input(struct axv_vcpu *vcpu, __u32 input, bool level)
{
	struct axv_inject event = {
		.type = AXV_INJECT_WIRED,
		.vector = input,
		.data = level,
	};

	return axv_vcpu_inject(vcpu, &event);
}

int axv_vcpu_inject_exception(struct axv_vcpu *vcpu, __u8 class, __u32 iss,
			      __u64 address)
{
	struct axv_inject event = {
		.type = AXV_INJECT_EXCEPTION,
		.vector = class,
		.error_code = iss,
		.address = address,
	};

	return axv_vcpu_inject(vcpu, &event);
}

int axv_vcpu_set_sgis(struct axv_vcpu *vcpu, const struct axv_sgis *sgis)
{
	if (!ioctl(vcpu->fd, AXV_VCPU_SET_SGIS, sgis))
		return 0;
	return axv_fail_call(errno == EOPNOTSUPP ? "the VM has no AXV_VM_SGI_IN_KERNEL" : NULL,
			     "set the SGIs of vCPU %u", vcpu->id);
}
