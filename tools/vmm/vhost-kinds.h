/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kinds of devices that vhost.c makes.  Each function connects a device to its back end, and
 * says what the device is.
 *
 * They are called with the device, of which only &vhost.board is set; with what the user wants;
 * with where to store what the device is; and with VIRTIO_CONFIG zeroed bytes that may serve as
 * the device's configuration.  They return 0 or a negative errno; the error has been printed.
 *
 * Context: the main thread, before the guest starts.
 */
#ifndef AXVMM_VHOST_KINDS_H
#define AXVMM_VHOST_KINDS_H

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "vhost.h"

/* Features that axvmm's transport has, and features of rings that back ends may offer. */
#define VHOST_FEATURES	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC | \
			 1ull << VIRTIO_RING_F_EVENT_IDX)

int vhost_blk_connect(struct vhost *dev, const struct vhost_config *config,
		      struct virtio_id *id, void *space);
int vhost_fs_connect(struct vhost *dev, const struct vhost_config *config, struct virtio_id *id,
		     void *space);
int vhost_net_connect(struct vhost *dev, const struct vhost_config *config,
		      struct virtio_id *id, void *space);
int vhost_vsock_connect(struct vhost *dev, const struct vhost_config *config,
			struct virtio_id *id, void *space);

#endif /* AXVMM_VHOST_KINDS_H */
