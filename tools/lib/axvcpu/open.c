// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The device: opening and closing it, and queries about the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib.h"

static const char *open_hint(int err)
{
	switch (err) {
	case ENOENT:
		return "load the module: modprobe axvcpu (or insmod axvcpu.ko)";
	case EACCES:
	case EPERM:
		return "run as root, or add this user to the device's group (adduser USER axvcpu)";
	case ENXIO:
	case ENODEV:
		return "the kernel could not load the module; modprobe axvcpu tells why";
	default:
		return NULL;
	}
}

int axv_open(const char *path, struct axv_host **host)
{
	struct axv_host *h;
	__u64 version = 0;
	int ret;

	if (!path)
		path = "/dev/axvcpu";
	h = calloc(1, sizeof(*h));
	if (!h)
		return axv_fail(ENOMEM, "open %s: out of memory", path);
	h->fd = open(path, O_RDWR | O_CLOEXEC);
	if (h->fd < 0) {
		ret = axv_fail_call(open_hint(errno), "open %s", path);
		goto err_free;
	}
	ret = axv_query(h, AXV_QUERY_ABI_VERSION, &version);
	if (ret == -ENOTTY)
		ret = axv_fail(ENOTTY, "%s is not an axvcpu device", path);
	if (ret)
		goto err_close;
	if (version != AXV_ABI_VERSION) {
		ret = axv_fail(EPROTO,
			       "%s: the module speaks ABI version %llu, this library version %d; install both from one release",
			       path, (unsigned long long)version, AXV_ABI_VERSION);
		goto err_close;
	}
	*host = h;
	return 0;

err_close:
	close(h->fd);
err_free:
	free(h);
	return ret;
}

void axv_close(struct axv_host *host)
{
	if (!host)
		return;
	close(host->fd);
	free(host);
}

int axv_host_fd(const struct axv_host *host)
{
	return host->fd;
}

int axv_query(struct axv_host *host, enum axv_query_id id, __u64 *value)
{
	struct axv_query query = { .id = id };

	if (ioctl(host->fd, AXV_QUERY, &query))
		return axv_fail_call(errno == EINVAL ?
				     "this module does not know the question" : NULL,
				     "query %u", id);
	*value = query.value;
	return 0;
}
