// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets between the host and the guest (AF_VSOCK), by the kernel's vhost-vsock.
 *
 * The kernel serves the first two queues.  By the third one the device would tell the driver that
 * the guest was moved to another host, which does not happen.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>

#include "log.h"
#include "vhost-kinds.h"

#define VSOCK_CLASS	0x07800000	/* a controller of communication, of another kind */
#define VSOCK_QUEUES	3
#define KERNEL_QUEUES	2

static int attach(struct vhost_kernel *k, u64 features, const struct vhost_ring *rings,
		  unsigned int nr, bool on)
{
	int running = on;

	(void)features;
	(void)rings;
	(void)nr;
	return ioctl(k->fd, VHOST_VSOCK_SET_RUNNING, &running) ? -errno : 0;
}

int vhost_vsock_connect(struct vhost *d, const struct vhost_config *config,
			struct virtio_id *id, void *space)
{
	struct virtio_vsock_config *vsock = space;
	struct vhost_kernel *k = &d->kernel;
	__u64 cid = config->cid;
	int err;

	d->name = "vsock";
	/* The kernel starts both queues at once, so the driver has to enable both. */
	d->needed = KERNEL_QUEUES;
	*k = (struct vhost_kernel){
		.fd = -1, .name = d->name, .queues = KERNEL_QUEUES, .backend = -1,
		.attach = attach,
	};
	err = vhost_kernel_open(k, "/dev/vhost-vsock", "vhost_vsock");
	if (err)
		return err;
	if (ioctl(k->fd, VHOST_VSOCK_SET_GUEST_CID, &cid)) {
		err = -errno;
		log_error("--vsock %llu: %s", cid, err == -EADDRINUSE ?
			  "another guest has this number; give another one" : strerror(-err));
		return err;
	}
	*vsock = (struct virtio_vsock_config){ .guest_cid = cid };

	*id = (struct virtio_id){
		.type = VIRTIO_ID_VSOCK,
		.class = VSOCK_CLASS,
		.features = k->features & (VHOST_FEATURES | 1ull << VIRTIO_VSOCK_F_SEQPACKET),
		.queues = VSOCK_QUEUES,
		.config = vsock,
		.config_size = sizeof(*vsock),
	};
	return 0;
}
