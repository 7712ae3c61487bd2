/* SPDX-License-Identifier: GPL-2.0 */
/* A back end of vhost-user: a thread that answers as it is told, and notes what came. */
#ifndef AXVMM_TESTS_PEER_H
#define AXVMM_TESTS_PEER_H

#include <pthread.h>

#include "types.h"

/* What it does instead of an answer. */
enum misdeed {
	NONE,
	WRONG_REQUEST,
	WRONG_FLAGS,
	WRONG_SIZE,
	HUGE_SIZE,
	SHORT,		/* half an answer, and the end */
	SILENT,
	GONE,
	REFUSE,		/* what is to be acknowledged */
	FLOOD,		/* more than was asked for */
	LATE,		/* a queue is stopped, and its request ends later */
	NEVER,		/* or never */
	SLOW,		/* an hour later the right answer */
	MUTE,		/* an hour later still none */
	TARDY,		/* more than five seconds later, and in pieces */
	OTHER_QUEUE,	/* a queue is stopped that nobody spoke of */
	FAR_BASE,	/* a queue is stopped where it has no place */
	GIFTS,		/* the right answer, and descriptors with it */
};

#define PEER_MESSAGES	64

/**
 * struct peer - the back end
 * @fd:		its socket
 * @listener:	where it waits for a front end first; -1: nowhere
 * @thread:	the thread
 * @misdeed:	what it does
 * @at:		at which request
 * @features:	of virtio
 * @protocol:	of the protocol
 * @queues:	how many queues it says that it has
 * @config_size: the size that its configuration says; 0: as it was asked for
 * @disk_queues: the queues that the configuration of a disk says
 * @requests:	what has come
 * @numbers:	the first eight bytes of each
 * @nr:		how many
 * @fds:	descriptors that came with them
 * @stays:	it keeps its socket, whatever has happened, until this is false
 * @used:	the index of a used ring, for LATE
 * @memory:	the table of memory
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

/* All that a front end can want, and more. */
#define PEER_PROTOCOL	(1ull << 0 | 1ull << 3 | 1ull << 5 | 1ull << 9)
#define PEER_FEATURES	(1ull << 32 | 1ull << 30)

/**
 * peer_reset() - a back end that does no misdeed, to be changed before it starts
 * @misdeed:	or one
 * @at:		at which request
 */
void peer_reset(enum misdeed misdeed, u32 at);

/** peer_start() - start the thread, over @peer.fd, or once @peer.listener has a front end */
void peer_start(void);

/** peer_stop() - wait for its end: the front end has closed its socket */
void peer_stop(void);

/** peer_saw() - wait until @count requests have come; returns whether they did */
bool peer_saw(unsigned int count);

#endif /* AXVMM_TESTS_PEER_H */
