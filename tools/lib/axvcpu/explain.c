// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Explaining why the guest could not be entered.
 */
#include <errno.h>
#include <stdio.h>

#include "lib.h"

int axv_vcpu_explain(struct axv_vcpu *vcpu, char *text, size_t size)
{
	const struct axv_exit_fail_entry fail = vcpu->run->exit.fail_entry;

	if (vcpu->run->exit_reason != AXV_EXIT_FAIL_ENTRY)
		return axv_fail(EINVAL, "vCPU %u: exit %s is no failed entry", vcpu->id,
				axv_exit_name(vcpu->run->exit_reason));
	if (fail.cause == AXV_FAIL_OFF) {
		snprintf(text, size, "virtualization is off on host CPU %u", fail.cpu);
		return 0;
	}
	return axv_arch_explain(vcpu, &fail, text, size);
}
