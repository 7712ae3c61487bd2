// SPDX-License-Identifier: GPL-2.0
/* axvmm console: this terminal, or standard input and output, at a console of a guest that runs. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "log.h"
#include "terminal.h"
#include "types.h"

#define KEY_ESCAPE	1	/* ^A */

/**
 * struct attachment - what is attached
 * @fd:		the guest's console
 * @tty:	standard input is a terminal: keys have meanings
 * @escape:	the last key was ^A
 * @detached:	the user has asked for the end
 * @ended:	standard input has ended
 * @keys:	input that the console has not taken yet
 * @nr_keys:	bytes of @keys
 */
struct attachment {
	int fd;
	bool tty;
	bool escape;
	bool detached;
	bool ended;
	u8 keys[256];
	unsigned int nr_keys;
};

static void show_help(void)
{
	log_notice("^A d  detach from the guest, which goes on");
	log_notice("^A ^A a ^A for the guest");
	log_notice("^A ?  this help");
}

/* If the guest does not read, a terminal's keys are dropped, as terminals do. */
static void queue(struct attachment *a, u8 byte)
{
	if (a->nr_keys < sizeof(a->keys))
		a->keys[a->nr_keys++] = byte;
}

static void key(struct attachment *a, u8 byte)
{
	if (!a->tty || (!a->escape && byte != KEY_ESCAPE)) {
		queue(a, byte);
		return;
	}
	if (!a->escape) {
		a->escape = true;
		return;
	}
	a->escape = false;
	switch (byte) {
	case 'd':
	case 'D':
		a->detached = true;
		break;
	case KEY_ESCAPE:
	case 'a':
		queue(a, KEY_ESCAPE);
		break;
	default:
		show_help();
		break;
	}
}

static void read_keys(struct attachment *a)
{
	u8 bytes[sizeof(a->keys)];
	ssize_t n, i;

	n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* Without a terminal there is nobody to detach; without input output goes on. */
	a->ended = n <= 0;
	a->detached = a->ended && a->tty;
	for (i = 0; i < n && !a->detached; i++)
		key(a, bytes[i]);
}

static void send_keys(struct attachment *a)
{
	ssize_t n = send(a->fd, a->keys, a->nr_keys, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n <= 0)
		return;
	a->nr_keys -= n;
	memmove(a->keys, a->keys + n, a->nr_keys);
}

/* Returns false if the output cannot be written. */
static bool write_output(const u8 *bytes, size_t count)
{
	while (count) {
		ssize_t n = write(STDOUT_FILENO, bytes, count);

		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ STDOUT_FILENO, POLLOUT, 0 }, 1, -1);
		else if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			bytes += n;
			count -= n;
		}
	}
	return true;
}

/* Returns false if the guest has ended, or the output cannot be written. */
static bool read_output(struct attachment *a)
{
	u8 bytes[4096];
	ssize_t n = recv(a->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	return n > 0 && write_output(bytes, n);
}

static void pass_on(struct attachment *a)
{
	bool more = true;

	while (more && !a->detached) {
		/* Input that is no terminal's waits until the guest has taken what came before. */
		const bool listen = !a->ended && (a->tty || !a->nr_keys);
		struct pollfd fds[] = {
			{ .fd = a->fd, .events = POLLIN | (a->nr_keys ? POLLOUT : 0) },
			{ .fd = listen ? STDIN_FILENO : -1, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[1].revents)
			read_keys(a);
		if (a->nr_keys)
			send_keys(a);
		if (fds[0].revents & ~POLLOUT)
			more = read_output(a);
	}
}

static void end_by(int sig)
{
	terminal_restore();
	/* SA_RESETHAND has restored the default action. */
	raise(sig);
}

/* The terminal gets its mode back if a signal ends this process. */
static void restore_on_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	const struct sigaction action = {
		.sa_handler = end_by, .sa_flags = SA_RESETHAND | SA_NODEFER,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

int console_command(int argc, char **argv)
{
	struct attachment a = { .fd = client_connect(argv[0], argc <= 3 ? argv[1] : NULL) };
	struct json_object *answer;

	if (a.fd < 0)
		return EXIT_FAILURE;
	answer = client_ask(a.fd, argv[1], "console", argc == 3 ? "console" : NULL,
			    argc == 3 ? json_object_new_string(argv[2]) : NULL);
	if (!answer)
		return EXIT_FAILURE;
	json_object_put(answer);

	restore_on_signals();
	a.tty = terminal_raw();
	if (a.tty)
		log_notice("^A d detaches, ^A ? helps");
	pass_on(&a);
	terminal_restore();
	log_notice(a.detached ? "%s goes on" : "%s: the console has ended", argv[1]);
	close(a.fd);
	return EXIT_SUCCESS;
}
