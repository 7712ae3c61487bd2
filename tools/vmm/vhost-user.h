/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The front end of vhost-user: messages over a Unix socket, by which a device's rings and
 * the guest's memory are given to another process, the back end.
 *
 * The back end is trusted with the guest's memory, but with nothing else: whatever it
 * answers, or if it does not, a function ends in the end.  After one has failed, which
 * it has printed, the connection is of no use any more, and all others fail silently.
 *
 * Context: one thread at a time, without the machine's lock.
 */
#ifndef AXVMM_VHOST_USER_H
#define AXVMM_VHOST_USER_H

#include "memory.h"

#define VHOST_USER_RINGS	16	/* that are stopped together, at most */
#define VHOST_USER_SECONDS	5	/* for which a message and its answer may take */
#define VHOST_USER_FIRST_SECONDS 30	/* for which the first answer may: it opens its disk */
#define VHOST_USER_DRAIN_SECONDS 30	/* for which no request that it works on may end */

/**
 * struct vhost_user - a connection
 * @fd:		the socket; -1: there is none
 * @path:	where it is, or what is behind it, for messages
 * @failed:	it is of no use any more
 * @has_memory:	the back end has the guest's memory
 * @features:	of virtio, which the back end offers
 * @protocol:	features of the protocol, which both have
 */
struct vhost_user {
	int fd;
	const char *path;
	bool failed;
	bool has_memory;
	u64 features;
	u64 protocol;
};

/**
 * struct vhost_ring - a queue for the back end
 * @queue:	its number
 * @size:	descriptors
 * @descriptors: the descriptor table, in this process
 * @available:	the ring of the driver, likewise
 * @used:	the ring of the device, likewise
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

/**
 * vhost_user_connect() - connect to a back end, and agree with it
 * @u:		the connection
 * @path:	its socket; stays the caller's
 *
 * Return: 0 or a negative errno.
 */
int vhost_user_connect(struct vhost_user *u, const char *path);

/**
 * vhost_user_agree() - agree with a back end that is connected
 * @u:		the connection, whose @fd and @path are set
 *
 * Its first answer may take VHOST_USER_FIRST_SECONDS.  vhost_user_ending() ends that wait, with
 * -EINTR.
 *
 * Return: 0 or a negative errno.
 */
int vhost_user_agree(struct vhost_user *u);

/**
 * vhost_user_ending() - whether a signal has come that the event loop would take, if it ran
 *
 * Return: whether SIGHUP, SIGINT, SIGQUIT or SIGTERM is blocked, and pending.
 */
bool vhost_user_ending(void);

/**
 * vhost_user_queues() - ask how many queues the device has at most
 * @u:		the connection
 * @queues:	where to store it, at least 1
 *
 * Return: 0 or a negative errno.
 */
int vhost_user_queues(struct vhost_user *u, u64 *queues);

/**
 * vhost_user_config() - read the device's configuration
 * @u:		the connection
 * @config:	where to store it
 * @size:	bytes, at most 256
 *
 * Return: 0 or a negative errno.
 */
int vhost_user_config(struct vhost_user *u, void *config, unsigned int size);

/**
 * vhost_user_start() - have the back end work on queues
 * @u:		the connection
 * @mem:	guest memory: what is shared, and not read-only; the same for all of the
 *		connection
 * @features:	of virtio, which the driver has accepted
 * @rings:	the queues
 * @nr:		how many
 *
 * Return: 0 or a negative errno.
 */
int vhost_user_start(struct vhost_user *u, const struct memory *mem, u64 features,
		     const struct vhost_ring *rings, unsigned int nr);

/**
 * vhost_user_stop() - have it work on them no more
 * @u:		the connection
 * @rings:	the queues, as they were started
 * @nr:		how many
 *
 * A back end may wait for its requests before it answers, for any time: whoever cannot wait
 * shuts the socket down.
 * The function waits until the requests that the back end works on have ended, too: as long as
 * some do, and for VHOST_USER_DRAIN_SECONDS more.
 *
 * Return: 0: it touches neither them nor what they name any more; or a negative errno.
 */
int vhost_user_stop(struct vhost_user *u, const struct vhost_ring *rings, unsigned int nr);

/**
 * vhost_user_lost() - the socket is readable, and nothing was asked
 * @u:		the connection
 *
 * Return: a negative errno: the back end has gone, or speaks unasked.
 */
int vhost_user_lost(struct vhost_user *u);

/**
 * vhost_user_give_up() - the connection has failed, for a reason of its user's
 * @u:		the connection
 * @why:	the reason, for a message
 *
 * Return: a negative errno.
 */
int vhost_user_give_up(struct vhost_user *u, const char *why);

/** vhost_user_close() - end the connection */
void vhost_user_close(struct vhost_user *u);

#endif /* AXVMM_VHOST_USER_H */
