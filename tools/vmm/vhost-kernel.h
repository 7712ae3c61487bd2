/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's vhost: a device's rings and the guest's memory are given to a driver of the
 * host's kernel, by ioctls of a file such as /dev/vhost-net.
 *
 * A function that fails prints the error, and closes the file; after that the kernel uses the
 * guest's memory no more, and all functions fail without a message.
 *
 * Context: one thread at a time, without the machine's lock.
 */
#ifndef AXVMM_VHOST_KERNEL_H
#define AXVMM_VHOST_KERNEL_H

#include "memory.h"
#include "vhost-ring.h"

/**
 * struct vhost_kernel - a device of the kernel's vhost
 * @fd:		the file; -1: it is closed
 * @name:	for messages
 * @features:	features of virtio that the kernel offers
 * @queues:	how many queues are the kernel's; no thread works on those behind them
 * @backend:	for @attach: the file that the queues lead to, closed with @fd; -1: none
 * @attach:	make the kernel work on rings, after it was given them, or (@on is false) stop
 *		it.  Returns 0 or a negative errno, without a message.
 */
struct vhost_kernel {
	int fd;
	const char *name;
	u64 features;
	unsigned int queues;
	int backend;
	int (*attach)(struct vhost_kernel *k, u64 features, const struct vhost_ring *rings,
		      unsigned int nr, bool on);
};

/**
 * vhost_kernel_open() - open the file of a driver, and ask it for its features
 * @k:		the device, whose @name and @backend are set
 * @path:	the file
 * @module:	the kernel's module that makes the file, for a message
 *
 * Return: 0 or a negative errno.
 */
int vhost_kernel_open(struct vhost_kernel *k, const char *path, const char *module);

/**
 * vhost_kernel_start() - have the kernel work on queues
 * @k:		the device
 * @mem:	guest memory; what is read-only is not given to the kernel
 * @features:	features of virtio that the driver has accepted
 * @rings:	the queues
 * @nr:		how many
 *
 * Return: 0 or a negative errno.
 */
int vhost_kernel_start(struct vhost_kernel *k, const struct memory *mem, u64 features,
		       const struct vhost_ring *rings, unsigned int nr);

/**
 * vhost_kernel_stop() - make the kernel stop working on queues
 * @k:		the device
 * @rings:	the queues, as they were started
 * @nr:		how many
 *
 * Return: 0 or a negative errno; in any case the kernel uses neither the queues nor their
 * buffers any more.
 */
int vhost_kernel_stop(struct vhost_kernel *k, const struct vhost_ring *rings, unsigned int nr);

/**
 * vhost_kernel_give_up() - end the device, for a reason of the caller
 * @k:		the device
 * @error:	positive errno
 * @why:	the reason, for a message
 *
 * Return: -@error.
 */
int vhost_kernel_give_up(struct vhost_kernel *k, int error, const char *why);

/** vhost_kernel_close() - close the files */
void vhost_kernel_close(struct vhost_kernel *k);

#endif /* AXVMM_VHOST_KERNEL_H */
