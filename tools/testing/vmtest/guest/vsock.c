// SPDX-License-Identifier: GPL-2.0
/*
 * AF_VSOCK for scripts:
 *	vsock echo PORT		send back what comes, connection by connection, for ever
 *	vsock send CID PORT	send the standard input, and print what comes back
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int echo(struct sockaddr_vm *address)
{
	int listener = socket(AF_VSOCK, SOCK_STREAM, 0), fd;
	char bytes[4096];
	ssize_t n;

	address->svm_cid = VMADDR_CID_ANY;
	if (listener < 0 || bind(listener, (struct sockaddr *)address, sizeof(*address)) ||
	    listen(listener, 1))
		return fail("listen");
	puts("listening");
	fflush(stdout);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			return fail("accept");
		while ((n = read(fd, bytes, sizeof(bytes))) > 0)
			if (send(fd, bytes, n, MSG_NOSIGNAL) != n)
				break;
		close(fd);
	}
}

/* Send and receive at once: if all was sent first, both sides could wait for room. */
static int send_all(const struct sockaddr_vm *address)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	size_t have = 0, sent = 0;
	bool more = true;
	char out[4096], in[4096];
	ssize_t n;

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return fail("connect");
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

		if (more && sent == have) {
			n = read(STDIN_FILENO, out, sizeof(out));
			if (n <= 0) {
				more = false;
				shutdown(fd, SHUT_WR);
			} else {
				have = n;
				sent = 0;
			}
		}
		if (more)
			poll_fd.events |= POLLOUT;
		if (poll(&poll_fd, 1, -1) < 0)
			return fail("poll");
		if (poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) {
			n = read(fd, in, sizeof(in));
			if (n <= 0)
				return n ? fail("read") : 0;
			if (write(STDOUT_FILENO, in, n) != n)
				return fail("write");
		}
		if (more && (poll_fd.revents & POLLOUT)) {
			n = send(fd, out + sent, have - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
			sent += n > 0 ? n : 0;
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK };

	if (argc == 3 && !strcmp(argv[1], "echo")) {
		address.svm_port = atoi(argv[2]);
		return echo(&address);
	}
	if (argc == 4 && !strcmp(argv[1], "send")) {
		address.svm_cid = atoi(argv[2]);
		address.svm_port = atoi(argv[3]);
		return send_all(&address);
	}
	fprintf(stderr, "usage: vsock echo PORT | vsock send CID PORT\n");
	return 2;
}
