// SPDX-License-Identifier: GPL-2.0
/* A directory that another process shares by vhost-user; by default virtiofsd. */
#include <string.h>

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>

#include "vhost-kinds.h"

#define FS_CLASS	0x01800000	/* a controller of mass storage, of another kind */
#define FS_QUEUES	2		/* one for urgent requests, one for the others */

_Static_assert(sizeof(((struct virtio_fs_config *)0)->tag) == VHOST_TAG, "a tag fits");

static int connect_share(struct vhost *d, const struct vhost_config *config)
{
	if (config->socket) {
		d->name = config->socket;
		return vhost_user_connect(&d->user, config->socket);
	}
	d->name = config->share.directory;
	d->user.path = config->share.directory;
	d->user.fd = daemon_start_share(&config->share, &d->daemon, &d->output);
	d->ends_silently = true;
	if (d->user.fd >= 0)
		return vhost_user_agree(&d->user);
	d->daemon = 0;
	return d->user.fd;
}

int vhost_fs_connect(struct vhost *d, const struct vhost_config *config, struct virtio_id *id,
		     void *space)
{
	struct virtio_fs_config *fs = space;
	u64 queues;
	int err;

	err = connect_share(d, config);
	if (!err)
		err = vhost_user_queues(&d->user, &queues);
	if (err)
		return err;
	if (queues < FS_QUEUES)
		return vhost_user_give_up(&d->user, "the vhost-user back end has too few queues");
	/* A tag that is as long as it may be is not terminated. */
	memcpy(fs->tag, config->share.tag, strnlen(config->share.tag, sizeof(fs->tag)));
	fs->num_request_queues = FS_QUEUES - 1;

	*id = (struct virtio_id){
		.type = VIRTIO_ID_FS,
		.class = FS_CLASS,
		.features = d->user.features & VHOST_FEATURES,
		.queues = FS_QUEUES,
		.config = fs,
		.config_size = sizeof(*fs),
	};
	return 0;
}
