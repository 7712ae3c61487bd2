/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio balloon: memory that the guest does not use is the host's again, because the user asks
 * for it (axvmm balloon), or because the guest reports free pages.
 *
 * All fields are guarded by the machine's lock.
 */
#ifndef AXVMM_BALLOON_H
#define AXVMM_BALLOON_H

#include "loop.h"
#include "ring.h"
#include "virtio.h"
#include "virtio-board.h"

/* Without the queues of features that are not offered, reporting has the third one. */
enum { BALLOON_INFLATE, BALLOON_DEFLATE, BALLOON_REPORT, BALLOON_QUEUES };

/**
 * struct balloon_queue - a queue, on which the event loop works a little at a time
 * @source:	its doorbell
 * @balloon:	the device
 * @ring:	its ring
 * @request:	the request that is worked on, if @busy
 * @buffer:	the buffer of @request that is next
 * @offset:	bytes of that buffer that are done
 * @busy:	there is a request that has not been given back
 */
struct balloon_queue {
	struct loop_source source;
	struct balloon *balloon;
	struct ring ring;
	struct ring_request request;
	unsigned int buffer;
	u32 offset;
	bool busy;
};

/**
 * struct balloon - the device
 * @virtio:	what the guest sees
 * @board:	what it is wired to; constant
 * @loop:	the event loop; constant
 * @queues:	its queues
 * @running:	the driver uses the queues that are enabled
 */
struct balloon {
	struct virtio virtio;
	struct virtio_board board;
	struct loop *loop;
	struct balloon_queue queues[BALLOON_QUEUES];
	bool running;
};

/**
 * balloon_create() - make the device, and put it on the bus
 * @balloon:	the device, zeroed
 * @board:	what the device is wired to; copied
 * @loop:	the event loop
 * @gsi:	the first of BALLOON_QUEUES + 1 routes that are for this device alone
 *
 * Context: before the guest starts.
 * Return: 0 or a negative errno; the error has been printed.
 */
int balloon_create(struct balloon *balloon, const struct virtio_board *board, struct loop *loop,
		   u32 gsi);

/** balloon_set() - ask the guest to give back so many bytes, a multiple of 4 KiB, in all */
void balloon_set(struct balloon *balloon, u64 bytes);

/** balloon_wanted() - bytes that the guest was asked to give back */
u64 balloon_wanted(const struct balloon *balloon);

/** balloon_given() - bytes that the guest says it has given back; it may lie */
u64 balloon_given(const struct balloon *balloon);

#endif /* AXVMM_BALLOON_H */
