// SPDX-License-Identifier: GPL-2.0
/* Tests of virtio consoles.  The test is the driver, and what is at the host's end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "driver.h"
#include "sandbox.h"
#include "tap.h"
#include "vconsole.h"

#define RX	VCONSOLE_RX
#define TX	VCONSOLE_TX
#define WRITE	VRING_DESC_F_WRITE
#define SECONDS	5

static char directory[64];
static char path[sizeof(directory) + 16];
static struct vconsole console;
static struct virtio_board board;

static int create(enum console_kind kind)
{
	const struct console_config config = { .kind = kind, .path = path };
	int err;

	board = *driver_board();
	board.seccomp = true;
	memset(&console, 0, sizeof(console));
	err = vconsole_create(&console, 0, &config, &board, DRIVER_GSI);
	if (!err)
		driver_find(&console.t.virtio);
	return err;
}

static void start(enum console_kind kind)
{
	CHECK_EQ(create(kind), 0);
	CHECK_EQ(vconsole_start(&console), 0);
	driver_start(VCONSOLE_QUEUES);
	CHECK(driver_status_becomes(15));
}

static void stop(void)
{
	vconsole_release(&console, 1);
	CHECK(!console.t.running);
}

/* Let the guest print, and wait until the device has taken it. */
static bool print(const char *text)
{
	const u16 before = driver_used(TX)->idx;

	memcpy(driver_memory(DRIVER_BUFFERS), text, strlen(text));
	driver_send(TX, DRIVER_BUFFERS, strlen(text), 0);
	return driver_has_used(TX, before + 1);
}

/* Whether these bytes, and no others, can be read. */
static bool reads(int fd, const char *text)
{
	size_t length = strlen(text), got = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buffer[256];

	while (got < length && poll(&p, 1, 1000 * SECONDS) > 0) {
		ssize_t n = read(fd, buffer + got, sizeof(buffer) - got);

		if (n <= 0)
			break;
		got += n;
	}
	return got == length && !memcmp(buffer, text, length);
}

/* Whether the guest gets this input. */
static bool gets(const char *text)
{
	const u16 before = driver_used(RX)->idx;

	driver_send(RX, DRIVER_BUFFERS + 0x1000, 64, WRITE);
	return driver_has_used(RX, before + 1) &&
	       driver_used(RX)->ring[before % DRIVER_SIZE].len == strlen(text) &&
	       !memcmp(driver_memory(DRIVER_BUFFERS + 0x1000), text, strlen(text));
}

static int connect_to(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
	if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/* Attach a client, as the control socket does; returns its end. */
static int attach(void)
{
	int ends[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	CHECK(!fcntl(ends[0], F_SETFL, O_NONBLOCK));
	pthread_mutex_lock(board.lock);
	CHECK(!console.attached);
	vconsole_attach(&console, ends[0]);
	pthread_mutex_unlock(board.lock);
	return ends[1];
}

static bool is_free(void)
{
	unsigned int tries;
	bool attached = true;

	for (tries = 0; attached && tries < 1000 * SECONDS; tries++) {
		if (tries)
			usleep(1000);
		pthread_mutex_lock(board.lock);
		attached = console.attached;
		pthread_mutex_unlock(board.lock);
	}
	return !attached;
}

static u64 msec_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* ---- tests --------------------------------------------------------------- */

static void to_file(void)
{
	struct stat st;
	int fd;

	start(CONSOLE_FILE);
	CHECK(print("to a file\n") && print("and more\n"));
	CHECK_EQ(driver_used(TX)->ring[0].len, 0);
	CHECK(driver_fired(TX) >= 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(reads(fd, "to a file\nand more\n"));
	CHECK(!fstat(fd, &st) && (st.st_mode & 0777) == 0600);
	/* Without an interrupt, if the driver wants none. */
	driver_available(TX)->flags = VRING_AVAIL_F_NO_INTERRUPT;
	CHECK(driver_reset());
	driver_start(VCONSOLE_QUEUES);
	/* What was there before is kept. */
	CHECK(print("again\n"));
	CHECK(reads(fd, "again\n"));
	close(fd);
	stop();
	unlink(path);
}

static void unix_socket(void)
{
	struct stat st;
	int one, other;

	start(CONSOLE_SOCKET);
	CHECK(!lstat(path, &st) && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0600);
	CHECK(print("nobody is there"));
	one = connect_to(path);
	CHECK(one >= 0 && write(one, "input", 5) == 5);
	CHECK(gets("input"));
	CHECK(print("output"));
	CHECK(reads(one, "output"));
	/* The next client waits until the first one has gone. */
	other = connect_to(path);
	CHECK(other >= 0 && write(other, "next", 4) == 4);
	CHECK(print("for the first"));
	CHECK(reads(one, "for the first"));
	close(one);
	CHECK(gets("next"));
	close(other);
	/* Another guest cannot have the socket; one that was left behind is replaced. */
	CHECK_EQ(console_end_open(&(struct console_end){ 0 },
				  &(struct console_config){ CONSOLE_SOCKET, path }, "test"),
		 -EADDRINUSE);
	stop();
	CHECK(lstat(path, &st) && errno == ENOENT);
}

static void leftovers(void)
{
	struct console_end end;
	const struct console_config config = { CONSOLE_SOCKET, path };
	int fd;

	CHECK_EQ(console_end_open(&end, &config, "test"), 0);
	close(end.listener);
	CHECK_EQ(console_end_open(&end, &config, "test"), 0);
	console_end_close(&end);
	/* A file that is no socket is not removed. */
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CHECK_EQ(console_end_open(&end, &config, "test"), -EADDRINUSE);
	CHECK(!access(path, F_OK));
	console_end_close(&end);
	CHECK(!access(path, F_OK));
	close(fd);
	unlink(path);
}

static void pty(void)
{
	char terminal[64];
	int fd;

	start(CONSOLE_PTY);
	CHECK(!ptsname_r(console.end.stream.fd, terminal, sizeof(terminal)));
	fd = open(terminal, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(fd >= 0 && print("a\n"));
	/* Nothing is echoed, or changed. */
	CHECK(reads(fd, "a\n"));
	CHECK(write(fd, "\003b\r", 3) == 3 && gets("\003b\r"));
	/* The terminal outlives the program that has opened it. */
	close(fd);
	CHECK(print("c\n"));
	fd = open(terminal, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(reads(fd, "c\n"));
	close(fd);
	stop();
}

/* Without a descriptor for a client, nobody can connect any more; the guest goes on. */
static void no_descriptors(void)
{
	struct rlimit limit, none;
	int fd, other;
	char byte;

	start(CONSOLE_SOCKET);
	/* One descriptor is left, for the client's end. */
	CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	fd = dup(0);
	none.rlim_cur = fd + 1;
	close(fd);
	CHECK(!setrlimit(RLIMIT_NOFILE, &none));
	other = connect_to(path);
	CHECK(other >= 0);
	CHECK_EQ(read(other, &byte, 1), -1);
	CHECK(errno == ECONNRESET);
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	CHECK(connect_to(path) < 0);
	CHECK(print("goes on"));
	close(other);
	stop();
}

/* The reader does not read: the guest waits a moment, once, and gets its requests back. */
static void stalled(void)
{
	static char much[0x4001];
	unsigned int i;
	u64 before;
	int fd;

	memset(much, 'x', sizeof(much) - 1);
	start(CONSOLE_SOCKET);
	fd = connect_to(path);
	/* Wait until the device has the connection. */
	CHECK(write(fd, "1", 1) == 1 && gets("1"));
	before = msec_now();
	for (i = 0; i < 100; i++)
		CHECK(print(much));
	CHECK(msec_now() - before < 2000);
	/* Once the reader reads, output goes on. */
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
	while (read(fd, much, sizeof(much)) > 0)
		;
	CHECK(errno == EAGAIN);
	CHECK(print("new"));
	CHECK(reads(fd, "new"));
	close(fd);
	stop();
}

/* The guest does not read: its input stays with the sender, and nothing turns. */
static void unread(void)
{
	static char much[0x100000];
	unsigned int i;
	char first;
	size_t sent = 0;
	ssize_t n;
	int fd;

	start(CONSOLE_SOCKET);
	fd = connect_to(path);
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
	while ((n = write(fd, much, sizeof(much))) > 0)
		sent += n;
	CHECK(errno == EAGAIN && sent < 16 * sizeof(much));
	/* A client that goes makes place for the next even now. */
	close(fd);
	fd = connect_to(path);
	for (i = 0; i < 100 * SECONDS && poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 10) <= 0; i++)
		CHECK(print("here"));
	CHECK(reads(fd, "here"));
	/* The guest gets what fits into its buffers, in order. */
	driver_send(RX, DRIVER_BUFFERS, 1000, WRITE);
	driver_send(RX, DRIVER_BUFFERS + 0x1000, 0x2000, WRITE);
	CHECK(driver_has_used(RX, 2));
	CHECK_EQ(driver_used(RX)->ring[0].len, 1000);
	CHECK_EQ(driver_used(RX)->ring[1].len, VCONSOLE_IN - 1000);
	first = 'z';
	CHECK(write(fd, &first, 1) == 1 && gets("z"));
	close(fd);
	stop();
}

/* A client of axvmm console has what the end has; without it, the console is free again. */
static void attached(void)
{
	int fd, end;

	start(CONSOLE_ATTACH);
	CHECK(print("nobody"));
	fd = attach();
	CHECK(write(fd, "hello", 5) == 5 && gets("hello"));
	CHECK(print("world"));
	CHECK(reads(fd, "world"));
	close(fd);
	CHECK(is_free());
	fd = attach();
	CHECK(write(fd, "again", 5) == 5 && gets("again"));
	/* It has sent more than the guest reads, and goes. */
	CHECK(write(fd, driver_memory(DRIVER_BUFFERS), VCONSOLE_IN + 1) == VCONSOLE_IN + 1);
	close(fd);
	CHECK(is_free());
	stop();

	start(CONSOLE_SOCKET);
	end = connect_to(path);
	fd = attach();
	CHECK(write(end, "1", 1) == 1 && gets("1"));
	CHECK(write(fd, "2", 1) == 1 && gets("2"));
	CHECK(print("both"));
	CHECK(reads(end, "both") && reads(fd, "both"));
	/* The device ends with a client. */
	stop();
	CHECK_EQ(read(fd, driver_memory(DRIVER_BUFFERS), 1), 0);
	close(end);
	close(fd);
}

/* A driver's requests that are not valid break the device until its reset. */
static void bad_requests(void)
{
	static const struct {
		unsigned int queue;
		struct vring_desc d;
	} wrong[] = {
		{ TX, { DRIVER_RAM - 1, 1, 0, 0 } },
		{ TX, { DRIVER_RAM + DRIVER_RAM_SIZE - 1, 2, 0, 0 } },
		{ TX, { ~0ull, 1, 0, 0 } },
		{ TX, { DRIVER_BUFFERS, 1, VRING_DESC_F_NEXT, 0 } },
		{ TX, { DRIVER_BUFFERS, 16, VRING_DESC_F_INDIRECT, 0 } },
		{ RX, { DRIVER_ROM, 1, WRITE, 0 } },
		{ RX, { DRIVER_RAM - 1, 1, WRITE, 0 } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		int fd;

		start(CONSOLE_ATTACH);
		fd = attach();
		CHECK(write(fd, "x", 1) == 1);
		driver_table(wrong[i].queue)[0] = wrong[i].d;
		driver_add(wrong[i].queue, 0);
		CHECK(driver_status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
		CHECK_EQ(driver_used(wrong[i].queue)->idx, 0);
		driver_start(VCONSOLE_QUEUES);
		CHECK(gets("x"));
		CHECK(print("y"));
		CHECK(reads(fd, "y"));
		close(fd);
		stop();
	}
	/* Without a queue that it needs. */
	start(CONSOLE_ATTACH);
	driver_start(1);
	CHECK(driver_status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
	CHECK(driver_reset());
	stop();
}

/* A request has VCONSOLE_OUT bytes at most. */
static void long_output(void)
{
	struct stat st;
	unsigned int i;

	start(CONSOLE_FILE);
	for (i = 0; i < DRIVER_SIZE; i++)
		driver_table(TX)[i] = (struct vring_desc){
			DRIVER_RAM, DRIVER_RAM_SIZE, i < DRIVER_SIZE - 1 ? VRING_DESC_F_NEXT : 0,
			i + 1,
		};
	driver_add(TX, 0);
	CHECK(driver_has_used(TX, 1));
	CHECK(!stat(path, &st));
	CHECK_EQ(st.st_size, VCONSOLE_OUT);
	stop();
	unlink(path);
}

/*
 * Rings full of random bytes, valid ones among them, and changed while the device works on them.
 * AddressSanitizer, if the test is built with it, sees no access outside of guest memory.
 */
static void random_rings(void)
{
	char bytes[4096];
	unsigned int i;
	int fd;

	srandom(1);
	start(CONSOLE_ATTACH);
	fd = attach();
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
	for (i = 0; i < 3000; i++) {
		ssize_t n = write(fd, bytes, 64);

		(void)n;
		driver_start(VCONSOLE_QUEUES);
		driver_fill_random(RX);
		driver_notify(RX);
		driver_fill_random(TX);
		driver_notify(TX);
		driver_fill_random(TX);
		while (read(fd, bytes, sizeof(bytes)) > 0)
			;
	}
	driver_start(VCONSOLE_QUEUES);
	close(fd);
	CHECK(is_free());
	stop();
}

static const struct tap_case cases[] = {
	{ "a file", to_file },
	{ "a socket", unix_socket },
	{ "sockets that were left behind", leftovers },
	{ "a pseudo-terminal", pty },
	{ "no descriptor for a client", no_descriptors },
	{ "a reader that does not read", stalled },
	{ "a guest that does not read", unread },
	{ "a client of axvmm console", attached },
	{ "requests that are not valid", bad_requests },
	{ "a request that is too long", long_output },
	{ "random rings", random_rings },
};

int main(void)
{
	int ret;

	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sandbox_prepare();
	strcpy(directory, "/tmp/test_vconsole.XXXXXX");
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/console", directory);
	ret = tap_run(cases, ARRAY_SIZE(cases));
	rmdir(directory);
	return ret;
}
