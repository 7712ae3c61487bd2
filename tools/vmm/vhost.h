/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio device whose back end is another process, reached by vhost-user, or the kernel's
 * vhost.
 *
 * The guest notifies the back end by a doorbell (the kick of vhost), and the back end
 * interrupts the guest by an irqfd (the call), so axvmm has no part in a queue's work.  Each
 * device has a thread that talks to the back end, since that may take seconds.
 */
#ifndef AXVMM_VHOST_H
#define AXVMM_VHOST_H

#include <pthread.h>

#include "daemon.h"
#include "log.h"
#include "vhost-kernel.h"
#include "vhost-user.h"
#include "virtio.h"
#include "virtio-board.h"

#define VHOST_DEVICES	8

#define VHOST_MAC	6	/* bytes of a network device's address */
#define VHOST_TAG	36	/* bytes of a shared directory's tag, at most */

/**
 * enum vhost_type - the kinds of devices
 * @VHOST_BLK:	a disk, by vhost-user
 * @VHOST_FS:	a shared directory, by vhost-user
 * @VHOST_NET:	a network device, by the kernel's vhost-net
 * @VHOST_VSOCK: sockets between the host and the guest, by the kernel's vhost-vsock
 */
enum vhost_type {
	VHOST_BLK,
	VHOST_FS,
	VHOST_NET,
	VHOST_VSOCK,
};

/**
 * struct vhost_tap - an interface of the host that a network device is connected to
 * @name:	its name
 * @has_mac:	@mac is set; otherwise axvmm makes one
 * @mac:	address of the device
 */
struct vhost_tap {
	const char *name;
	bool has_mac;
	u8 mac[VHOST_MAC];
};

/**
 * struct vhost_config - a device, as the user wants it
 * @type:	its kind
 * @socket:	path of the back end's socket; NULL: axvmm starts a daemon
 * @disk:	what the daemon serves; or
 * @share:	what it serves; with @socket only the tag counts
 * @tap:	where packets go
 * @cid:	the guest's number among those that have sockets
 */
struct vhost_config {
	enum vhost_type type;
	const char *socket;
	struct daemon_disk disk;
	struct daemon_share share;
	struct vhost_tap tap;
	u32 cid;
};

/**
 * struct vhost - a device; guarded by the machine's lock where nothing else is said
 * @virtio:	what the guest sees
 * @board:	what it is wired to; constant
 * @name:	for messages; constant
 * @needed:	how many queues, the first ones, a driver has to enable; constant
 * @user:	the connection; its fd is -1 if the back end is the kernel.  While @thread runs,
 *		only @thread accesses @user and @kernel.
 * @kernel:	the kernel's vhost; its fd is -1 if the back end is a process
 * @kicks:	eventfds by which the guest notifies the back end, one for each queue; constant.
 *		A process can make them block, so only @thread writes them.
 * @calls:	eventfds by which the back end interrupts the guest; constant
 * @gsis:	the route that each of @calls leads to, or VIRTIO_NO_GSI
 * @rings:	the queues that the driver uses
 * @nr_rings:	entries of @rings
 * @wanted:	the back end is to work on @rings
 * @broken:	the back end has failed; the device works no more
 * @kicked:	a bit for each queue of which @thread is to notify the back end
 * @quit:	@thread is to end
 * @daemon:	process id of the back end, if axvmm has started it, or 0; accessed by @thread
 *		while that runs, by the main thread before and after
 * @output:	what the daemon prints; accessed as @daemon
 * @ends_silently: what the daemon prints after its socket is closed is of no use; constant
 * @said:	limits the messages of the daemon: a guest can cause them
 * @running:	@thread exists; accessed by the main thread only
 * @wake:	eventfd that makes @thread look at @wanted, @kicked and @quit; constant
 * @thread:	the thread that talks to the back end
 */
struct vhost {
	struct virtio virtio;
	struct virtio_board board;
	const char *name;
	unsigned int needed;
	struct vhost_user user;
	struct vhost_kernel kernel;
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
	bool ends_silently;
	struct log_limit said;
	bool running;
	int wake;
	pthread_t thread;
};

/** vhost_in_kernel() - whether the back end is the kernel */
static inline bool vhost_in_kernel(const struct vhost *dev)
{
	return dev->kernel.attach;
}

/** vhost_shares_memory() - whether the back end needs memory that processes can share */
bool vhost_shares_memory(const struct vhost_config *config);

/**
 * vhost_create() - connect to a back end, and put its device on the bus
 * @dev:	the device, zeroed
 * @config:	what the user wants
 * @board:	what the device is wired to; copied
 * @gsi:	the first of VIRTIO_QUEUES + 1 routes that are for this device alone
 *
 * Context: before the guest starts.
 * Return: 0 or a negative errno; the error has been printed.
 */
int vhost_create(struct vhost *dev, const struct vhost_config *config,
		 const struct virtio_board *board, u32 gsi);

/**
 * vhost_start() - start the device's thread
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vhost_start(struct vhost *dev);

/**
 * vhost_release() - end the threads that run, the connections and the daemons
 * @devs:	the devices
 * @nr:		how many
 *
 * Context: without the machine's lock; no vCPU runs any more.
 */
void vhost_release(struct vhost *devs, unsigned int nr);

#endif /* AXVMM_VHOST_H */
