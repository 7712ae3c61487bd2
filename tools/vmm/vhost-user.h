/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The front end of vhost-user: messages over a Unix socket, by which a device's rings and
 * the guest's memory are given to another process, the back end.
 *
 * The back end is trusted with the guest's memory, but with nothing else: each function
 * returns, whatever the back end answers, and even if it does not answer.  A function that
 * fails prints the error; after that the connection is useless, and all functions fail
 * without a message.
 *
 * Context: one thread at a time, without the machine's lock.
 */
#ifndef AXVMM_VHOST_USER_H
#define AXVMM_VHOST_USER_H

#include "memory.h"
#include "vhost-ring.h"

#define VHOST_USER_RINGS	16	/* rings that are stopped together, at most */
#define VHOST_USER_SECONDS	5	/* limit of a message with its answer */
#define VHOST_USER_FIRST_SECONDS 30	/* limit of the first: the back end opens its disk */
#define VHOST_USER_DRAIN_SECONDS 30	/* limit of the time in which no request ends */

/**
 * struct vhost_user - a connection
 * @fd:		the socket; -1: there is none
 * @path:	path of the socket, or of the daemon's disk, for messages
 * @failed:	the connection is useless, after an error
 * @has_memory:	the back end has the guest's memory
 * @features:	features of virtio that the back end offers
 * @protocol:	features of the protocol that both sides have
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
 * vhost_user_connect() - connect to a back end, and call vhost_user_agree()
 * @u:		the connection
 * @path:	path of the back end's socket; not copied
 *
 * Return: 0 or a negative errno.
 */
int vhost_user_connect(struct vhost_user *u, const char *path);

/**
 * vhost_user_agree() - agree with a connected back end on features
 * @u:		the connection, whose @fd and @path are set
 *
 * The back end's first answer may take VHOST_USER_FIRST_SECONDS.  The wait ends with -EINTR if
 * vhost_user_ending() becomes true.
 *
 * Return: 0 or a negative errno.
 */
int vhost_user_agree(struct vhost_user *u);

/**
 * vhost_user_ending() - whether the user wants axvmm to end, before the event loop runs
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
 * @features:	features of virtio that the driver has accepted
 * @rings:	the queues
 * @nr:		how many
 *
 * Return: 0 or a negative errno.
 */
int vhost_user_start(struct vhost_user *u, const struct memory *mem, u64 features,
		     const struct vhost_ring *rings, unsigned int nr);

/**
 * vhost_user_stop() - make the back end stop working on queues
 * @u:		the connection
 * @rings:	the queues, as they were started
 * @nr:		how many
 *
 * A back end may wait for its requests before it answers, for any time; a caller that cannot
 * wait so long has another thread shut the socket down.
 * Then the function waits until the requests that the back end works on have ended; it fails
 * if none of them ends for VHOST_USER_DRAIN_SECONDS.
 *
 * Return: 0: the back end uses neither the queues nor their buffers any more; or a negative
 * errno.
 */
int vhost_user_stop(struct vhost_user *u, const struct vhost_ring *rings, unsigned int nr);

/**
 * vhost_user_lost() - fail: the socket is readable, though nothing was asked
 * @u:		the connection
 *
 * Return: a negative errno: the back end has gone, or has sent something unasked.
 */
int vhost_user_lost(struct vhost_user *u);

/**
 * vhost_user_give_up() - end the connection, for a reason of the caller
 * @u:		the connection
 * @why:	the reason, for a message
 *
 * Return: a negative errno.
 */
int vhost_user_give_up(struct vhost_user *u, const char *why);

/** vhost_user_close() - end the connection */
void vhost_user_close(struct vhost_user *u);

#endif /* AXVMM_VHOST_USER_H */
