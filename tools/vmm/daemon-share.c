// SPDX-License-Identifier: GPL-2.0
/*
 * virtiofsd, started for one directory.
 *
 * virtiofsd makes a mount namespace, a process namespace and a network namespace for itself, in
 * which there is the directory only.  That needs root's capabilities.  For another user axvmm
 * starts virtiofsd in a user namespace, where that user is root and no other user exists.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

#define PROGRAM		"/usr/lib/qemu/virtiofsd"
#define PACKAGE		"qemu-system-common"

static int check_directory(const struct daemon_share *share)
{
	int fd = open(share->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = -errno;

	if (fd < 0) {
		log_error("%s: cannot open the directory to share: %s", share->directory,
			  strerror(-err));
		return err;
	}
	close(fd);
	return 0;
}

/* Append a path to a list of options, where commas and backslashes need a backslash. */
static bool append_path(char *at, size_t size, const char *path)
{
	for (; *path; path++) {
		if (size < 3)
			return false;
		if (*path == ',' || *path == '\\') {
			*at++ = '\\';
			size--;
		}
		*at++ = *path;
		size--;
	}
	*at = '\0';
	return true;
}

static int make_arguments(const void *arg, int listener, struct daemon_arguments *a)
{
	const struct daemon_share *share = arg;
	char *options = a->text[0], *fd = a->text[1];
	int n;

	n = snprintf(options, DAEMON_TEXT, "sandbox=namespace,log_level=warn,source=");
	if (!append_path(options + n, DAEMON_TEXT - n, share->directory)) {
		log_error("%s: the path of a shared directory is too long", share->directory);
		return -ENAMETOOLONG;
	}
	snprintf(fd, DAEMON_TEXT, "--fd=%d", listener);
	/*
	 * virtiofsd must not raise the limit of open files: prepare() has done that, as far as
	 * allowed.
	 */
	a->argv[1] = "-f";
	a->argv[2] = fd;
	a->argv[3] = "--rlimit-nofile=0";
	a->argv[4] = "-o";
	a->argv[5] = options;
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return -1;
	failed = write(fd, text, strlen(text)) < 0;
	return close(fd) || failed ? -1 : 0;
}

/* Become root of the user namespace, in which no other user exists. */
static int become_root(uid_t user, gid_t group)
{
	char users[32], groups[32];

	snprintf(users, sizeof(users), "0 %u 1", user);
	snprintf(groups, sizeof(groups), "0 %u 1", group);
	return write_file("/proc/self/uid_map", users) ||
	       write_file("/proc/self/setgroups", "deny") ||
	       write_file("/proc/self/gid_map", groups) ? -1 : 0;
}

/* Raise the limit of open files: virtiofsd has each file open that the guest's kernel knows. */
static int prepare(const struct daemon_service *service)
{
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return service->user ? become_root(service->user, service->group) : 0;
}

int daemon_start_share(const struct daemon_share *share, pid_t *pid,
		       struct daemon_output *output)
{
	const struct daemon_service service = {
		.file = share->directory, .program = PROGRAM, .package = PACKAGE,
		.ends_itself = true, .arguments = make_arguments, .arg = share,
		.prepare = prepare, .user = geteuid(), .group = getegid(),
	};
	int err = check_directory(share);

	*output = (struct daemon_output){ .fd = -1 };
	/*
	 * virtiofsd ends if it cannot drop supplementary groups, and in this user namespace it
	 * cannot.
	 */
	if (!err && geteuid() && getgroups(0, NULL) > 0) {
		log_error("%s: this user has supplementary groups, which virtiofsd cannot drop; "
			  "run axvmm as root, or use --vhost-user fs", share->directory);
		return -EPERM;
	}
	return err ? err : daemon_start(&service, pid, output);
}
