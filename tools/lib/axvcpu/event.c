// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Injection: events for a guest.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "lib.h"

int axv_vcpu_inject(struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	const char *hint = NULL;

	if (!ioctl(vcpu->fd, AXV_INJECT, event))
		return 0;
	if (errno == EAGAIN)
		hint = "the queue is full: wait for AXV_EXIT_IRQ_WINDOW";
	else if (errno == EBADFD)
		hint = "the vCPU is Invalid: reset it";
	else if (errno == EOPNOTSUPP)
		hint = "not with this interrupt controller: see AXV_QUERY_INJECT_TYPES";
	return axv_fail_call(hint, "inject into vCPU %u", vcpu->id);
}
