// SPDX-License-Identifier: GPL-2.0
/* The kernel's vhost (include/uapi/linux/vhost.h), for any of its drivers. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vhost.h>
#include <linux/virtio_config.h>

#include "log.h"
#include "vhost-kernel.h"

void vhost_kernel_close(struct vhost_kernel *k)
{
	if (k->fd >= 0)
		close(k->fd);
	if (k->backend >= 0)
		close(k->backend);
	k->fd = -1;
	k->backend = -1;
}

int vhost_kernel_give_up(struct vhost_kernel *k, int error, const char *why)
{
	if (k->fd >= 0)
		log_error("%s: %s; this device works no more", k->name, why);
	vhost_kernel_close(k);
	return -error;
}

static int refused(struct vhost_kernel *k, const char *what)
{
	int error = errno;

	if (k->fd >= 0)
		log_error("%s: the kernel's vhost refuses %s: %s", k->name, what,
			  strerror(error));
	return vhost_kernel_give_up(k, error, "its back end has failed");
}

int vhost_kernel_open(struct vhost_kernel *k, const char *path, const char *module)
{
	__u64 features;
	int err;

	k->fd = open(path, O_RDWR | O_CLOEXEC);
	if (k->fd < 0) {
		err = -errno;
		if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
			log_error("%s: cannot open %s: %s; load the module: modprobe %s", k->name,
				  path, strerror(-err), module);
		else
			log_error("%s: cannot open %s: %s", k->name, path, strerror(-err));
		return err;
	}
	if (ioctl(k->fd, VHOST_SET_OWNER))
		return refused(k, "a new owner");
	if (ioctl(k->fd, VHOST_GET_FEATURES, &features))
		return refused(k, "to tell its features");
	k->features = features;
	if (!(features & 1ull << VIRTIO_F_VERSION_1))
		return vhost_kernel_give_up(k, EPROTO, "the kernel's vhost does not know virtio 1");
	return 0;
}

static int set_memory(struct vhost_kernel *k, const struct memory *mem)
{
	union {
		struct vhost_memory table;
		char space[sizeof(struct vhost_memory) +
			   MEMORY_AREAS * sizeof(struct vhost_memory_region)];
	} m = { .table = { 0 } };
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		const struct memory_area *area = &mem->areas[i];

		if (area->flags & AXV_REGION_READONLY)
			continue;
		m.table.regions[m.table.nregions++] = (struct vhost_memory_region){
			.guest_phys_addr = area->gpa,
			.memory_size = area->size,
			.userspace_addr = (uintptr_t)area->hva,
		};
	}
	return ioctl(k->fd, VHOST_SET_MEM_TABLE, &m) ? refused(k, "the guest's memory") : 0;
}

static int start_ring(struct vhost_kernel *k, const struct vhost_ring *ring)
{
	const struct vhost_vring_state size = { ring->queue, ring->size };
	const struct vhost_vring_state base = { ring->queue, 0 };
	const struct vhost_vring_file kick = { ring->queue, ring->kick };
	const struct vhost_vring_file call = { ring->queue, ring->call };
	const struct vhost_vring_addr addresses = {
		.index = ring->queue,
		.desc_user_addr = (uintptr_t)ring->descriptors,
		.used_user_addr = (uintptr_t)ring->used,
		.avail_user_addr = (uintptr_t)ring->available,
	};

	if (ioctl(k->fd, VHOST_SET_VRING_NUM, &size) ||
	    ioctl(k->fd, VHOST_SET_VRING_BASE, &base) ||
	    ioctl(k->fd, VHOST_SET_VRING_ADDR, &addresses) ||
	    ioctl(k->fd, VHOST_SET_VRING_CALL, &call) ||
	    ioctl(k->fd, VHOST_SET_VRING_KICK, &kick))
		return refused(k, "a queue");
	return 0;
}

/* The rings are in the order of their queues.  Returns how many of them are the kernel's. */
static unsigned int kernels(const struct vhost_kernel *k, const struct vhost_ring *rings,
			    unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && rings[i].queue < k->queues; i++)
		;
	return i;
}

int vhost_kernel_start(struct vhost_kernel *k, const struct memory *mem, u64 features,
		       const struct vhost_ring *rings, unsigned int nr)
{
	__u64 accepted = features & k->features;
	unsigned int i;
	int err;

	if (k->fd < 0)
		return -ENODEV;
	nr = kernels(k, rings, nr);
	if (ioctl(k->fd, VHOST_SET_FEATURES, &accepted))
		return refused(k, "the driver's features");
	err = set_memory(k, mem);
	for (i = 0; !err && i < nr; i++)
		err = start_ring(k, &rings[i]);
	if (err)
		return err;
	err = k->attach(k, features, rings, nr, true);
	if (err) {
		errno = -err;
		return refused(k, "to work on the queues");
	}
	return 0;
}

int vhost_kernel_stop(struct vhost_kernel *k, const struct vhost_ring *rings, unsigned int nr)
{
	int err;

	if (k->fd < 0)
		return -ENODEV;
	err = k->attach(k, 0, rings, kernels(k, rings, nr), false);
	if (err) {
		errno = -err;
		return refused(k, "to stop");
	}
	return 0;
}
