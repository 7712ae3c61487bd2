// SPDX-License-Identifier: GPL-2.0
/*
 * The directory of the control sockets.
 *
 * A socket whose guest has been killed stays.  A process that replaces or removes such a socket
 * holds a lock on the directory: otherwise the process could remove a socket that another one has
 * just put in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "rundir.h"

#define BACKLOG		16

/* How often and how long to try for the lock: 2 seconds.  Its owner never waits. */
#define LOCK_TRIES	200
#define LOCK_STEP_NSEC	10000000

bool rundir_name_valid(const char *name)
{
	const char *p;

	for (p = name; *p; p++) {
		const char letter = *p | 0x20;

		if ((letter < 'a' || letter > 'z') && (*p < '0' || *p > '9') &&
		    (p == name || !strchr("-_.", *p)))
			return false;
	}
	return p > name && p - name <= RUNDIR_NAME_MAX;
}

const char *rundir_path(void)
{
	static char path[4096];
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (!runtime || runtime[0] != '/')
		runtime = "/run";
	snprintf(path, sizeof(path), "%s/axvmm", runtime);
	return path;
}

int rundir_open(bool create)
{
	const char *path = rundir_path();
	struct stat st;
	int fd;

	if (create && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 0077)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/*
 * The address of a socket.  By way of the descriptor the path is short enough for an address,
 * however long the directory's name is.
 */
static struct sockaddr_un address_of(int dir, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path),
		 "/proc/self/fd/%d/%.64s" RUNDIR_SUFFIX, dir, name);
	return address;
}

static void file_of(char *file, size_t size, const char *name)
{
	snprintf(file, size, "%.64s" RUNDIR_SUFFIX, name);
}

/* Connect; with SOCK_NONBLOCK in @flags, -EAGAIN if the guest's axvmm does not accept. */
static int connect_by(int dir, const char *name, int flags)
{
	/* Without SO_SNDTIMEO, connect() waits for ever for an axvmm that is stopped. */
	const struct timeval patience = { .tv_sec = RUNDIR_SECONDS };
	const struct sockaddr_un address = address_of(dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) &&
	    !connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int rundir_connect(int dir, const char *name)
{
	return connect_by(dir, name, 0);
}

void rundir_remove(int dir, const char *name)
{
	char file[RUNDIR_NAME_MAX + sizeof(RUNDIR_SUFFIX)];

	file_of(file, sizeof(file), name);
	unlinkat(dir, file, 0);
}

/* Returns 0 or a negative errno: -EAGAIN if another process keeps the lock. */
static int lock(int dir)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_NSEC };
	unsigned int tries;

	for (tries = 0; flock(dir, LOCK_EX | LOCK_NB); tries++) {
		if (errno != EWOULDBLOCK || tries == LOCK_TRIES)
			return -errno;
		nanosleep(&step, NULL);
	}
	return 0;
}

/* Called with the lock on the directory, so the function must not wait for a guest. */
static void remove_stale(int dir, const char *name)
{
	int fd = connect_by(dir, name, SOCK_NONBLOCK);

	if (fd >= 0)
		close(fd);
	else if (fd == -ECONNREFUSED)
		rundir_remove(dir, name);
}

void rundir_remove_stale(int dir, const char *name)
{
	if (lock(dir))
		return;
	remove_stale(dir, name);
	flock(dir, LOCK_UN);
}

/* With the lock on the directory.  Returns 0 or a negative errno. */
static int bind_socket(int fd, int dir, const char *name)
{
	const struct sockaddr_un address = address_of(dir, name);

	remove_stale(dir, name);
	/* bind() gives the socket's file the mode that the socket has. */
	if (fchmod(fd, 0600) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return -errno;
	if (!listen(fd, BACKLOG))
		return 0;
	rundir_remove(dir, name);
	return -EIO;
}

int rundir_listen(int dir, const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = lock(dir);
	if (!err) {
		err = bind_socket(fd, dir, name);
		flock(dir, LOCK_UN);
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}
