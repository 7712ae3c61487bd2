// SPDX-License-Identifier: GPL-2.0
/* Files that are loaded into a guest. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"

int file_open(struct file *file, const char *what, const char *path)
{
	struct stat st;
	int err;

	file->path = path;
	/* Without O_NONBLOCK, opening a FIFO waits for its writer. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0) {
		err = -errno;
		log_error("%s: cannot open the %s: %s", path, what,
			  strerror(errno));
		return err;
	}
	if (fstat(file->fd, &st) || !S_ISREG(st.st_mode)) {
		log_error("%s: the %s has to be a plain file", path, what);
		close(file->fd);
		return -EINVAL;
	}
	if (!st.st_size) {
		log_error("%s: the %s is empty", path, what);
		close(file->fd);
		return -EINVAL;
	}
	file->size = st.st_size;
	return 0;
}

int file_read(const struct file *file, u64 offset, void *buf, u64 size)
{
	char *at = buf;

	while (size) {
		ssize_t n = pread(file->fd, at, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_error("%s: cannot read: %s", file->path,
				  n ? strerror(errno) : "the file ends too early");
			return n ? -errno : -EIO;
		}
		at += n;
		offset += n;
		size -= n;
	}
	return 0;
}
