// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Injection on x86: interrupts, NMIs and exceptions.
 */
#include "lib.h"

/* Exceptions that push an error code (AMD APM vol. 2, table 8-1). */
#define HAS_ERROR_CODE	(1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | \
			 1u << 14 | 1u << 17 | 1u << 21 | 1u << 29 | 1u << 30)

int axv_vcpu_inject_extint(struct axv_vcpu *vcpu, __u8 vector)
{
	struct axv_inject event = {
		.type = AXV_INJECT_EXTINT,
		.vector = vector,
	};

	return axv_vcpu_inject(vcpu, &event);
}

int axv_vcpu_inject_nmi(struct axv_vcpu *vcpu)
{
	struct axv_inject event = { .type = AXV_INJECT_NMI };

	return axv_vcpu_inject(vcpu, &event);
}

int axv_vcpu_inject_exception(struct axv_vcpu *vcpu, __u8 vector,
			      __u32 error_code, __u64 address)
{
	struct axv_inject event = {
		.type = AXV_INJECT_EXCEPTION,
		.vector = vector,
	};

	if (vector < 32 && (HAS_ERROR_CODE >> vector & 1)) {
		event.flags = AXV_INJECT_HAS_ERROR_CODE;
		event.error_code = error_code;
	}
	if (vector == 14)
		event.address = address;
	return axv_vcpu_inject(vcpu, &event);
}
