// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Injection on arm64: the interrupt inputs, and exceptions to EL1.
 */
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
