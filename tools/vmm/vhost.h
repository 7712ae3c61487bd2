/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio device whose rings another process works on, by vhost-user.
 *
 * The guest rings a doorbell, which is the back end's kick, and the back end's call is an
 * irqfd: axvmm takes no part in what a queue does.  A thread of the device's own talks to
 * the back end, since that may take seconds.
 */
#ifndef AXVMM_VHOST_H
#define AXVMM_VHOST_H

#include <pthread.h>

#include <axvcpu.h>

#include "daemon.h"
#include "log.h"
#include "memory.h"
#include "vhost-user.h"
#include "virtio.h"

#define VHOST_DEVICES	8

/**
 * struct vhost_config - a device, a disk, as the user wants it
 * @socket:	path of the back end's socket; NULL: a daemon is started
 * @disk:	what that one serves
 */
struct vhost_config {
	const char *socket;
	struct daemon_disk disk;
};

/**
 * struct vhost_board - what a device is wired to
 * @lock:	the machine's lock
 * @vm:		the VM
 * @mem:	guest memory, shared
 * @pci:	the root of PCI
 * @msi:	makes routes
 * @seccomp:	the threads filter their system calls
 */
struct vhost_board {
	pthread_mutex_t *lock;
	struct axv_vm *vm;
	const struct memory *mem;
	struct pci *pci;
	const struct msi_ops *msi;
	bool seccomp;
};

/**
 * struct vhost - a device; guarded by the machine's lock, but what is said to be constant
 * @virtio:	what the guest sees
 * @board:	what it is wired to; constant
 * @user:	the connection; accessed by @thread only, once that runs, but its path
 * @kicks:	eventfds of the queues, guest to back end; constant.  The back end can make them
 *		block, so only @thread writes them.
 * @calls:	back end to guest; constant
 * @gsis:	the route that each of @calls leads to, or VIRTIO_NO_GSI
 * @rings:	queues in use
 * @nr_rings:	how many
 * @wanted:	the back end is to work on them
 * @broken:	it works no more
 * @kicked:	a bit for each queue of which @thread is to notify the back end
 * @quit:	@thread is to end
 * @daemon:	the back end, if it was started here, or 0; accessed by @thread while that
 *		runs, by the main thread before and after
 * @output:	what that one says; accessed likewise
 * @said:	limits it: a guest can make a daemon say something
 * @running:	there is @thread; accessed by the main thread only
 * @wake:	eventfd that makes @thread look at the four; constant
 * @thread:	talks to the back end
 */
struct vhost {
	struct virtio virtio;
	struct vhost_board board;
	struct vhost_user user;
	int kicks[VIRTIO_QUEUES];
	int calls[VIRTIO_QUEUES];
	u32 gsis[VIRTIO_QUEUES];
	struct vhost_ring rings[VIRTIO_QUEUES];
	unsigned int nr_rings;
	bool wanted;
	bool broken;
	u32 kicked;
	bool quit;
	pid_t daemon;
	struct daemon_output output;
	struct log_limit said;
	bool running;
	int wake;
	pthread_t thread;
};

/**
 * vhost_create() - connect to a back end, and put its device on the bus
 * @dev:	the device, zeroed
 * @config:	what it is
 * @board:	what it is wired to; copied
 * @gsi:	the first of VIRTIO_QUEUES + 1 routes that are the device's own
 *
 * Context: before the guest starts.
 * Return: 0 or a negative errno; the error has been printed.
 */
int vhost_create(struct vhost *dev, const struct vhost_config *config,
		 const struct vhost_board *board, u32 gsi);

/**
 * vhost_start() - start the thread
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vhost_start(struct vhost *dev);

/**
 * vhost_release() - end the threads, if there are some, the connections, and the daemons
 * @devs:	the devices
 * @nr:		how many
 *
 * Context: without the machine's lock; no vCPU runs any more.
 */
void vhost_release(struct vhost *devs, unsigned int nr);

#endif /* AXVMM_VHOST_H */
