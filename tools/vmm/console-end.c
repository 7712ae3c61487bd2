// SPDX-License-Identifier: GPL-2.0
/* The host's end of a virtio console. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "console-end.h"
#include "log.h"

/* ---- making -------------------------------------------------------------- */

static int failed(const char *name, const char *what)
{
	int err = -errno;

	log_error("%s: %s: %s", name, what, strerror(-err));
	return err;
}

/*
 * The other side of the terminal is raw: otherwise it would echo the guest's output back to the
 * guest, as input.
 */
static int open_pty(struct console_end *end, const char *name)
{
	struct termios mode;
	char path[64];

	end->stream.fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (end->stream.fd < 0 || grantpt(end->stream.fd) || unlockpt(end->stream.fd) ||
	    ptsname_r(end->stream.fd, path, sizeof(path)))
		return failed(name, "cannot make a pseudo-terminal");
	end->slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (end->slave < 0 || tcgetattr(end->slave, &mode))
		return failed(name, path);
	cfmakeraw(&mode);
	if (tcsetattr(end->slave, TCSANOW, &mode))
		return failed(name, path);
	log_notice("%s is at %s", name, path);
	return 0;
}

/* Remove a socket on which nobody listens.  Returns 0 or a negative errno. */
static int remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN)
		err = -EADDRINUSE;
	else if (errno == ECONNREFUSED && unlink(address->sun_path))
		err = -errno;
	close(fd);
	return err;
}

static bool is_socket(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISSOCK(st.st_mode);
}

/* The socket is the user's alone; bind() gives the file the mode of the socket. */
static int open_socket(struct console_end *end, const char *path, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int err;

	if (strlen(path) >= sizeof(address.sun_path)) {
		log_error("%s: %s: a socket's path has at most %zu characters", name, path,
			  sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path));
	err = is_socket(path) ? remove_stale(&address) : 0;
	if (err) {
		errno = -err;
		return failed(name, path);
	}
	end->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (end->listener < 0 || fchmod(end->listener, 0600) ||
	    bind(end->listener, (const struct sockaddr *)&address, sizeof(address)))
		return failed(name, path);
	end->path = path;
	return listen(end->listener, 1) ? failed(name, path) : 0;
}

/* O_NONBLOCK: open() does not wait for the reader of a FIFO, and write() neither. */
static int open_file(struct console_end *end, const char *path, const char *name)
{
	end->stream.input = false;
	end->stream.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY |
			      O_CLOEXEC, 0600);
	return end->stream.fd < 0 ? failed(name, path) : 0;
}

int console_end_open(struct console_end *end, const struct console_config *config,
		     const char *name)
{
	*end = (struct console_end){
		.stream = { .fd = -1, .input = true }, .listener = -1, .slave = -1,
	};
	switch (config->kind) {
	case CONSOLE_PTY:
		return open_pty(end, name);
	case CONSOLE_SOCKET:
		return open_socket(end, config->path, name);
	case CONSOLE_FILE:
		return open_file(end, config->path, name);
	case CONSOLE_ATTACH:
		break;
	}
	return 0;
}

void console_end_accept(struct console_end *end)
{
	end->stream.fd = accept4(end->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	end->stream.stalled = false;
	if (end->stream.fd >= 0 || errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
		return;
	/* The socket stays readable; the thread would never wait again. */
	log_error("%s: the socket is closed: %s", end->path, strerror(errno));
	close(end->listener);
	end->listener = -1;
}

void console_stream_close(struct console_stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void console_end_close(struct console_end *end)
{
	console_stream_close(&end->stream);
	if (end->listener >= 0)
		close(end->listener);
	if (end->slave >= 0)
		close(end->slave);
	if (end->path)
		unlink(end->path);
	*end = (struct console_end){ .stream = { .fd = -1 }, .listener = -1, .slave = -1 };
}

/* ---- data ---------------------------------------------------------------- */

static unsigned int msec_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait until the reader has read.  Returns whether it has. */
static bool wait_for_reader(const struct console_stream *s, unsigned int *msec)
{
	struct pollfd fd = { .fd = s->fd, .events = POLLOUT };
	unsigned int before = msec_now(), passed;
	bool ready = poll(&fd, 1, *msec) > 0;

	passed = msec_now() - before;
	*msec -= passed < *msec ? passed : *msec;
	return ready;
}

void console_stream_write(struct console_stream *s, const void *data, size_t size,
			  unsigned int *msec)
{
	unsigned int none = 0;

	if (s->fd < 0 || (s->stalled && !wait_for_reader(s, &none)))
		return;
	s->stalled = false;
	while (size) {
		ssize_t n = write(s->fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		/* For other errors: when the other side has gone, a read tells. */
		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			data = (const u8 *)data + n;
			size -= n;
		} else if (!*msec || !wait_for_reader(s, msec)) {
			s->stalled = true;
			return;
		}
	}
}

int console_stream_read(struct console_stream *s, void *data, size_t size)
{
	ssize_t n = read(s->fd, data, size);

	if (n > 0)
		return n;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}
