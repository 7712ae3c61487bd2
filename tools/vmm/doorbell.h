/* SPDX-License-Identifier: GPL-2.0 */
/* The doorbells of a virtio device: a guest's notification signals an eventfd. */
#ifndef AXVMM_DOORBELL_H
#define AXVMM_DOORBELL_H

#include <axvcpu.h>

#include "types.h"

/**
 * doorbell_move() - put a doorbell where notifications are now, or take it from there
 * @vm:		the VM
 * @there:	a write to @at notifies from now on; otherwise it no longer does
 * @port:	@at is a port, not an address
 * @at:		where the guest writes, with any width
 * @kick:	the eventfd that is signalled
 *
 * If there can be no doorbell, each notification is an exit, and &virtio_ops.notify is called.
 *
 * Context: with the machine's lock held.
 */
void doorbell_move(struct axv_vm *vm, bool there, bool port, u64 at, int kick);

#endif /* AXVMM_DOORBELL_H */
