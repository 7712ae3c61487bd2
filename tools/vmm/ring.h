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
 * @shown:	index of the first entry of @used that the driver has not been shown
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
	u16 shown;
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

/**
 * ring_add() - ring_put(), but the driver does not see it before ring_publish()
 *
 * A device that answers one request of its own by several of the driver's uses this.
 */
void ring_add(struct ring *ring, u16 head, u32 written);

/** ring_publish() - show the driver what ring_add() has given back */
void ring_publish(struct ring *ring);

/**
 * ring_undo() - take back what ring_add() has given back since the last ring_publish()
 *
 * The requests are on the ring again, as the next ones; none may have been got besides.
 */
void ring_undo(struct ring *ring);

/**
 * ring_write() - write to the buffers of a request
 * @request:	the request, of a ring whose buffers the device writes
 * @offset:	where in the buffers to begin
 * @data:	what to write
 * @size:	bytes
 *
 * Return: how many bytes there was room for.
 */
u32 ring_write(const struct ring_request *request, u32 offset, const void *data, u32 size);

/**
 * ring_read() - read the buffers of a request
 * @request:	the request, of a ring whose buffers the device reads
 * @offset:	where in the buffers to begin
 * @data:	where to store it
 * @size:	bytes, at most
 *
 * Return: how many bytes there are from @offset on, also if that is more than @size.
 */
u64 ring_read(const struct ring_request *request, u32 offset, void *data, u32 size);

/**
 * ring_listen() - say whether the driver has to notify the device of new requests
 * @ring:	the ring
 * @on:		it has to; otherwise it need not
 * @seen:	index of the first request that the device has not seen
 *
 * Return: whether there is a request after all of which the driver may not have notified: look
 * again, do not wait.
 */
bool ring_listen(struct ring *ring, bool on, u16 seen);

/** ring_interrupts() - whether the driver wants an interrupt after ring_put() */
bool ring_interrupts(const struct ring *ring);

#endif /* AXVMM_RING_H */
