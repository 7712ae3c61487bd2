// SPDX-License-Identifier: GPL-2.0
/* The doorbells of a virtio device. */
#include "doorbell.h"
#include "log.h"

void doorbell_move(struct axv_vm *vm, bool there, bool port, u64 at, int kick)
{
	u32 flags = port ? AXV_DOORBELL_PORT : 0;
	int err = there ? axv_vm_add_doorbell(vm, flags, at, 0, 0, kick) :
			  axv_vm_remove_doorbell(vm, flags, at, 0, 0, kick);

	if (err)
		log_guest("%s", axv_error());
}
