// SPDX-License-Identifier: GPL-2.0
/* qemu-storage-daemon, started for one disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

#define PROGRAM		"qemu-storage-daemon"
#define PACKAGE		"qemu-system-common"

/*
 * Check that the disk can be opened.  The daemon would tell the same errors later, and in
 * words that are not axvmm's.
 */
static int check_file(const struct daemon_disk *disk)
{
	int fd = open(disk->file, (disk->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int err = -errno;

	if (fd < 0) {
		log_error("%s: cannot open the disk: %s%s", disk->file, strerror(-err),
			  err == -EACCES || err == -EROFS ? "; with ,ro it is only read" : "");
		return err;
	}
	err = fstat(fd, &st) ? -errno : 0;
	close(fd);
	if (err || !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))) {
		log_error("%s: a disk has to be a plain file or a block device", disk->file);
		return -EINVAL;
	}
	return 0;
}

/* Append a file's name to an argument, each comma of it twice.  Returns whether it fits. */
static bool append_name(char *at, size_t size, const char *name)
{
	for (; *name; name++) {
		if (size < 3)
			return false;
		*at++ = *name;
		size--;
		if (*name == ',') {
			*at++ = ',';
			size--;
		}
	}
	*at = '\0';
	return true;
}

static int make_arguments(const void *arg, int listener, struct daemon_arguments *a)
{
	const struct daemon_disk *disk = arg;
	const char *readonly = disk->readonly ? "on" : "off";
	char *protocol = a->text[0], *format = a->text[1], *export = a->text[2];
	struct stat st;
	int n;

	n = snprintf(protocol, DAEMON_TEXT, "driver=%s,node-name=file,read-only=%s,filename=",
		     !stat(disk->file, &st) && S_ISBLK(st.st_mode) ? "host_device" : "file",
		     readonly);
	if (!append_name(protocol + n, DAEMON_TEXT - n, disk->file)) {
		log_error("%s: the path of a disk is too long", disk->file);
		return -ENAMETOOLONG;
	}
	snprintf(format, DAEMON_TEXT, "driver=%s,node-name=disk,file=file,read-only=%s",
		 disk->format, readonly);
	snprintf(export, DAEMON_TEXT,
		 "type=vhost-user-blk,id=disk,node-name=disk,writable=%s,addr.type=fd,addr.str=%d",
		 disk->readonly ? "off" : "on", listener);
	a->argv[1] = "--blockdev";
	a->argv[2] = protocol;
	a->argv[3] = "--blockdev";
	a->argv[4] = format;
	a->argv[5] = "--export";
	a->argv[6] = export;
	return 0;
}

int daemon_start_disk(const struct daemon_disk *disk, pid_t *pid, struct daemon_output *output)
{
	const struct daemon_service service = {
		.file = disk->file, .program = PROGRAM, .package = PACKAGE,
		.arguments = make_arguments, .arg = disk,
	};
	int err = check_file(disk);

	*output = (struct daemon_output){ .fd = -1 };
	return err ? err : daemon_start(&service, pid, output);
}
