/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that add and remove doorbells.
 */
#ifndef AXV_BELL_H
#define AXV_BELL_H

#include "event.h"

static inline int bell_set(struct axv_vm *vm, __u32 flags, __u64 addr, __u32 width,
			   __u64 data, int fd)
{
	struct axv_doorbell bell = {
		.flags = flags,
		.width = width,
		.addr = addr,
		.data = data,
		.fd = fd,
	};

	return axv_ioctl(vm->fd, AXV_VM_SET_DOORBELL, &bell);
}

static inline int bell_remove(struct axv_vm *vm, __u32 flags, __u64 addr, __u32 width,
			      __u64 data, int fd)
{
	return bell_set(vm, flags | AXV_DOORBELL_REMOVE, addr, width, data, fd);
}

#endif
