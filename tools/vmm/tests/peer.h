/* SPDX-License-Identifier: GPL-2.0 */
/* A back end of vhost-user: a thread that answers as the test says, and notes the requests. */
#ifndef AXVMM_TESTS_PEER_H
#define AXVMM_TESTS_PEER_H

#include <pthread.h>

#include "types.h"

/* What the back end does instead of answering properly. */
enum misdeed {
	NONE,
	WRONG_REQUEST,
	WRONG_FLAGS,
	WRONG_SIZE,
	HUGE_SIZE,
	SHORT,		/* sends half an answer, and closes the socket */
	SILENT,
	GONE,
	REFUSE,		/* answers an order with an error */
	FLOOD,		/* sends more than was asked for */
	LATE,		/* stops a queue, whose request ends later */
	NEVER,		/* stops a queue, whose request never ends */
	SLOW,		/* answers properly, an hour later */
	MUTE,		/* does not answer, and an hour passes */
	TARDY,		/* answers more than five seconds later, and in pieces */
	OTHER_QUEUE,	/* says that it has stopped another queue */
	FAR_BASE,	/* says that it has stopped a queue at an index above 0xffff */
	GIFTS,		/* answers properly, and sends descriptors with the answer */
};

#define PEER_MESSAGES	64

/**
 * struct peer - the back end
 * @fd:		its socket
 * @listener:	socket on which it waits for a front end first; -1: none, @fd is connected
 * @thread:	the thread
 * @misdeed:	what it does wrong
 * @at:		at which request it does that
 * @features:	features of virtio that it offers
 * @protocol:	features of the protocol that it offers
 * @queues:	its answer to GET_QUEUE_NUM
 * @config_size: size in its answer to GET_CONFIG; 0: the size that was asked for
 * @disk_queues: number of queues in the configuration of its disk
 * @requests:	requests that have come
 * @numbers:	first eight bytes of the payload of each
 * @nr:		how many requests have come
 * @fds:	how many descriptors came with them
 * @stays:	it keeps its socket open, whatever has happened, until this is false
 * @used:	index of the used ring, for LATE
 * @memory:	the table of memory that it was given
 */
struct peer {
	int fd;
	int listener;
	pthread_t thread;
	enum misdeed misdeed;
	u32 at;
	u64 features;
	u64 protocol;
	u64 queues;
	u32 config_size;
	u16 disk_queues;
	u32 requests[PEER_MESSAGES];
	u64 numbers[PEER_MESSAGES];
	unsigned int nr;
	unsigned int fds;
	bool stays;
	u16 *used;
	u8 memory[512];
};

extern struct peer peer;

/* All features that axvmm's front end wants, and more. */
#define PEER_PROTOCOL	(1ull << 0 | 1ull << 3 | 1ull << 5 | 1ull << 9)
#define PEER_FEATURES	(1ull << 32 | 1ull << 30)

/**
 * peer_reset() - initialize @peer; the test may change it before peer_start()
 * @misdeed:	what the back end does wrong, or NONE
 * @at:		at which request it does that
 */
void peer_reset(enum misdeed misdeed, u32 at);

/** peer_start() - start the thread, which uses @peer.fd, or accepts from @peer.listener */
void peer_start(void);

/** peer_stop() - wait until the thread ends, which it does when the front end has gone */
void peer_stop(void);

/** peer_saw() - wait until @count requests have come; returns whether they did */
bool peer_saw(unsigned int count);

#endif /* AXVMM_TESTS_PEER_H */
