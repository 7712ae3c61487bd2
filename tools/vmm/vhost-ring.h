/* SPDX-License-Identifier: GPL-2.0 */
/* A queue of a virtio device, as it is given to a back end. */
#ifndef AXVMM_VHOST_RING_H
#define AXVMM_VHOST_RING_H

#include "types.h"

/**
 * struct vhost_ring - a queue for the back end
 * @queue:	its number
 * @size:	descriptors
 * @descriptors: the descriptor table, in this process
 * @available:	the ring that the driver writes, in this process
 * @used:	the ring that the device writes, in this process
 * @kick:	eventfd by which the guest notifies the back end
 * @call:	eventfd by which the back end interrupts the guest
 */
struct vhost_ring {
	unsigned int queue;
	u16 size;
	const void *descriptors;
	const void *available;
	const void *used;
	int kick;
	int call;
};

#endif /* AXVMM_VHOST_RING_H */
