// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Explaining why an entry failed on arm64.
 */
#include <stdio.h>

#include "lib.h"

int axv_arch_explain(struct axv_vcpu *vcpu, const struct axv_exit_fail_entry *fail,
		     char *text, size_t size)
{
	(void)vcpu;
	snprintf(text, size,
		 "host CPU %u refused the entry: %#llx is a PSTATE that it cannot have, or what EL2 answered",
		 fail->cpu, (unsigned long long)fail->hardware_reason);
	return 0;
}
