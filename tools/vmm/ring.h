/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio ring (virtio 1.2, section 2.7, split, without indirect descriptors and event indices)
 * on which axvmm works itself.
 *
 * The driver may write all of the ring at any time, so each field is read once, and checked.
 * A ring is used by one thread at a time.
 */
#ifndef AXVMM_RING_H
#define AXVMM_RING_H

#include "memory.h"
#include "virtio.h"

/**
 * struct ring - a ring
 * @mem:	guest memory
 * @size:	descriptors
 * @writes:	the device writes the buffers of this ring; otherwise it reads them
 * @descriptors: the descriptor table
 * @available:	the ring that the driver writes
 * @used:	the ring that the device writes
 * @next:	index of the next request in @available
 * @put:	index of the next entry of @used
 */
struct ring {
	const struct memory *mem;
	u16 size;
	bool writes;
	const struct vring_desc *descriptors;
	const struct vring_avail *available;
	struct vring_used *used;
	u16 next;
	u16 put;
};

/**
 * struct ring_buffer - a part of a request
 * @gpa:	guest physical address
 * @data:	its address in this process
 * @size:	bytes
 */
struct ring_buffer {
	u64 gpa;
	void *data;
	u32 size;
};

/**
 * struct ring_request - a request
 * @head:	number of its first descriptor
 * @buffers:	what the device may read, or write, in order
 * @nr:		entries of @buffers
 */
struct ring_request {
	u16 head;
	struct ring_buffer buffers[VIRTIO_QUEUE_SIZE];
	unsigned int nr;
};

/**
 * ring_start() - begin to work on a queue
 * @ring:	the ring
 * @mem:	guest memory
 * @queue:	the queue, as the driver has set it up
 * @writes:	the device writes the buffers of this ring; otherwise it reads them
 *
 * Return: false: the queue is not in memory that the device may write, or not aligned.
 */
bool ring_start(struct ring *ring, const struct memory *mem, const struct virtio_queue *queue,
		bool writes);

/**
 * ring_get() - take a request off the ring
 * @ring:	the ring
 * @request:	where to store it; buffers of the other direction are left out
 *
 * Return: 1: there was one; 0: there is none; -EPROTO: the ring is not valid.
 */
int ring_get(struct ring *ring, struct ring_request *request);

/**
 * ring_put() - give a request back to the driver
 * @ring:	the ring
 * @head:	the request's first descriptor
 * @written:	bytes that the device has written to its buffers
 */
void ring_put(struct ring *ring, u16 head, u32 written);

/** ring_interrupts() - whether the driver wants an interrupt after ring_put() */
bool ring_interrupts(const struct ring *ring);

#endif /* AXVMM_RING_H */
