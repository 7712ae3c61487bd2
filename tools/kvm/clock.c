// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The clock of a VM, as KVM_GET_CLOCK has it: nanoseconds that go on with the host's.  The
 * guest does not see it, since there is no kvmclock; VMMs keep and set it nevertheless.
 */
#include <errno.h>
#include <time.h>

#include "vm.h"

#define NSEC_PER_SEC	1000000000ll

static int64_t host_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

void clock_init(struct vm *vm)
{
	vm->clock_offset = -host_clock();
}

int clock_get(struct vm *vm, struct kvm_clock_data *clock)
{
	__u64 now;

	/* The VMM's memory is not touched with the lock held: see memory_clear_dirty(). */
	pthread_mutex_lock(&vm->lock);
	now = host_clock() + vm->clock_offset;
	pthread_mutex_unlock(&vm->lock);
	*clock = (struct kvm_clock_data){ .clock = now };
	return 0;
}

int clock_set(struct vm *vm, const struct kvm_clock_data *clock)
{
	const __u64 wanted = clock->clock;

	/* KVM_CLOCK_REALTIME, which adds the real time that has passed since, is not offered. */
	if (clock->flags)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	vm->clock_offset = wanted - host_clock();
	pthread_mutex_unlock(&vm->lock);
	return 0;
}
