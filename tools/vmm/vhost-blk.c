// SPDX-License-Identifier: GPL-2.0
/* A disk that another process serves by vhost-user; by default qemu-storage-daemon. */
#include <stddef.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "vhost-kinds.h"

/* Not CONFIG_WCE: axvmm reads the configuration once, and the driver cannot write it. */
#define BLK_FEATURES	(1ull << VIRTIO_BLK_F_SIZE_MAX | 1ull << VIRTIO_BLK_F_SEG_MAX |	\
			 1ull << VIRTIO_BLK_F_GEOMETRY | 1ull << VIRTIO_BLK_F_RO |	\
			 1ull << VIRTIO_BLK_F_BLK_SIZE | 1ull << VIRTIO_BLK_F_FLUSH |	\
			 1ull << VIRTIO_BLK_F_TOPOLOGY | 1ull << VIRTIO_BLK_F_MQ |	\
			 1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES)
/* The configuration's size: up to the last field that belongs to these features. */
#define BLK_CONFIG	offsetof(struct virtio_blk_config, max_secure_erase_sectors)
#define BLK_CLASS	0x01000000	/* a controller of disks */

_Static_assert(BLK_CONFIG <= VIRTIO_CONFIG, "a disk's configuration fits");

/*
 * Ask the back end about its disk.  The device has as many queues as the disk's configuration,
 * the back end and VIRTIO_QUEUES allow.
 */
static int ask_disk(struct vhost *d, struct virtio_id *id, struct virtio_blk_config *config)
{
	u64 most;
	int err;

	err = vhost_user_config(&d->user, config, BLK_CONFIG);
	if (!err)
		err = vhost_user_queues(&d->user, &most);
	if (err)
		return err;
	if (most > VIRTIO_QUEUES)
		most = VIRTIO_QUEUES;
	if (!(d->user.features & 1ull << VIRTIO_BLK_F_MQ) || !config->num_queues)
		config->num_queues = 1;
	if (config->num_queues > most)
		config->num_queues = most;

	*id = (struct virtio_id){
		.type = VIRTIO_ID_BLOCK,
		.class = BLK_CLASS,
		.features = d->user.features & (VHOST_FEATURES | BLK_FEATURES),
		.queues = config->num_queues,
		.config = config,
		.config_size = BLK_CONFIG,
	};
	return 0;
}

static int connect_disk(struct vhost *d, const struct vhost_config *config)
{
	if (config->socket) {
		d->name = config->socket;
		return vhost_user_connect(&d->user, config->socket);
	}
	d->name = config->disk.file;
	d->user.path = config->disk.file;
	d->user.fd = daemon_start_disk(&config->disk, &d->daemon, &d->output);
	if (d->user.fd >= 0)
		return vhost_user_agree(&d->user);
	d->daemon = 0;
	return d->user.fd;
}

int vhost_blk_connect(struct vhost *d, const struct vhost_config *config, struct virtio_id *id,
		      void *space)
{
	int err = connect_disk(d, config);

	return err ? err : ask_disk(d, id, space);
}
