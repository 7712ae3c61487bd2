// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the front end of vhost-user: with the back end of peer.c, over a pair of sockets;
 * and, if it is installed, with qemu-storage-daemon, whose disk is read and written through
 * a ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "fake.h"
#include "log.h"
#include "memory.h"
#include "peer.h"
#include "tap.h"
#include "vhost-user.h"

#define PROTOCOL	(1ull << 0 | 1ull << 3 | 1ull << 9)
#define BASE_FEATURES	(1ull << VIRTIO_F_VERSION_1)

static struct vhost_user user;

/* Start the back end, and connect the front end to it by a pair of sockets. */
static void start_peer(enum misdeed misdeed, u32 at)
{
	int pair[2];

	fake_reset();
	peer_reset(misdeed, at);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	peer.fd = pair[0];
	user = (struct vhost_user){ .fd = pair[1], .path = "/run/test.sock" };
	peer_start();
}

static void stop_peer(void)
{
	vhost_user_close(&user);
	peer_stop();
}

/* ---- over the pair ------------------------------------------------------ */

static struct memory mem;
static struct vhost_ring rings[2];
static struct vring_used used_ring;

static void make_memory(void)
{
	unsigned int i;

	memset(&mem, 0, sizeof(mem));
	used_ring.idx = 0;
	memory_add(&mem, 0, 0xa0000, 0);
	memory_add(&mem, 0xe0000, 0x100000, AXV_REGION_READONLY);
	memory_add(&mem, 0x100000, 0x200000, 0);
	for (i = 0; i < mem.nr; i++) {
		mem.areas[i].fd = memfd_create("test", MFD_CLOEXEC);
		mem.areas[i].hva = (void *)(0x10000000ul * (i + 1));
	}
	for (i = 0; i < ARRAY_SIZE(rings); i++)
		rings[i] = (struct vhost_ring){
			.queue = i, .size = 64,
			.descriptors = (void *)0x10001000ul,
			.available = (void *)0x10002000ul,
			.used = &used_ring,
			.kick = mem.areas[0].fd, .call = mem.areas[2].fd,
		};
}

static void drop_memory(void)
{
	unsigned int i;

	for (i = 0; i < mem.nr; i++)
		close(mem.areas[i].fd);
}

static void conversation(void)
{
	static const u32 expected[] = {
		1, 15, 16, 3, 17, 24,
		2, 5, 8, 10, 9, 13, 12, 18, 8, 10, 9, 13, 12, 18, 18, 11, 18, 11,
	};
	u8 config[60];
	u64 queues, word;
	unsigned int i;

	make_memory();
	start_peer(NONE, 0);
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(user.features, PEER_FEATURES);
	CHECK_EQ(user.protocol, PROTOCOL);
	CHECK_EQ(vhost_user_queues(&user, &queues), 0);
	CHECK_EQ(queues, 4);
	CHECK_EQ(vhost_user_config(&user, config, sizeof(config)), 0);
	CHECK_EQ(config[0], 0x5a);
	CHECK_EQ(config[59], 0x5a);
	CHECK_EQ(vhost_user_start(&user, &mem, BASE_FEATURES, rings, 2), 0);
	CHECK_EQ(vhost_user_stop(&user, rings, 2), 0);
	CHECK(!user.failed);
	stop_peer();

	CHECK_EQ(peer.nr, ARRAY_SIZE(expected));
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		CHECK_EQ(peer.requests[i], expected[i]);
	CHECK_EQ(peer.numbers[2], PROTOCOL);
	CHECK_EQ(peer.numbers[6], PEER_FEATURES);
	/* Descriptors: two areas of memory, and two eventfds for each queue. */
	CHECK_EQ(peer.fds, 6);
	CHECK_EQ(peer.memory[0], 2);
	memcpy(&word, peer.memory + 8 + 32, 8);
	CHECK_EQ(word, 0x100000);
	memcpy(&word, peer.memory + 8 + 32 + 16, 8);
	CHECK_EQ(word, 0x30000000);
	CHECK_EQ(peer.numbers[8], 64ull << 32);
	CHECK_EQ(peer.numbers[13], 1ull << 32);
	CHECK_EQ(peer.numbers[19], 1ull << 32 | 1);
	drop_memory();
}

/* Back ends without a feature that the front end needs. */
static void too_little(void)
{
	u64 config;

	start_peer(NONE, 0);
	peer.features = 1ull << 30;
	CHECK_EQ(-vhost_user_agree(&user), EPROTO);
	stop_peer();
	start_peer(NONE, 0);
	peer.features = BASE_FEATURES;
	CHECK_EQ(-vhost_user_agree(&user), EPROTO);
	stop_peer();
	start_peer(NONE, 0);
	peer.protocol = 1;
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(-vhost_user_config(&user, &config, sizeof(config)), EPROTO);
	stop_peer();
}

/* A back end with only the features that are needed: one queue, no acknowledgements. */
static void few_features(void)
{
	u64 queues;

	make_memory();
	start_peer(NONE, 0);
	peer.protocol = 1ull << 9;
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(vhost_user_queues(&user, &queues), 0);
	CHECK_EQ(queues, 1);
	CHECK_EQ(vhost_user_start(&user, &mem, BASE_FEATURES, rings, 1), 0);
	CHECK_EQ(vhost_user_stop(&user, rings, 1), 0);
	stop_peer();
	CHECK_EQ(peer.numbers[2], 1ull << 9);
	drop_memory();
}

static void odd_numbers(void)
{
	u8 config[60];
	u64 queues;

	start_peer(NONE, 0);
	peer.queues = 0;
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(-vhost_user_queues(&user, &queues), EPROTO);
	stop_peer();
	start_peer(NONE, 0);
	peer.config_size = 0x7fffffff;
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(-vhost_user_config(&user, config, sizeof(config)), EPROTO);
	stop_peer();
}

/* Each misdeed at each request ends the connection, but nothing else. */
static void misdeeds(void)
{
	static const struct {
		enum misdeed misdeed;
		int error;
	} cases[] = {
		{ WRONG_REQUEST, EPROTO }, { WRONG_FLAGS, EPROTO }, { WRONG_SIZE, EPROTO },
		{ HUGE_SIZE, EPROTO }, { SHORT, EPIPE }, { GONE, EPIPE },
	};
	static const u32 at[] = { 1, 15, 3, 2, 5, 12, 18, 11 };
	unsigned int i, j;
	int err;

	make_memory();
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		for (j = 0; j < ARRAY_SIZE(at); j++) {
			start_peer(cases[i].misdeed, at[j]);
			err = vhost_user_agree(&user);
			if (!err)
				err = vhost_user_start(&user, &mem, BASE_FEATURES, rings, 2);
			if (!err)
				err = vhost_user_stop(&user, rings, 2);
			/* ECONNRESET: the back end has closed its socket with bytes unread. */
			CHECK(-err == cases[i].error ||
			      (cases[i].error == EPIPE && -err == ECONNRESET));
			CHECK(user.failed);
			CHECK_EQ(-vhost_user_stop(&user, rings, 1), EPIPE);
			stop_peer();
		}
	drop_memory();
}

static void refuses(void)
{
	make_memory();
	start_peer(REFUSE, 5);
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(-vhost_user_start(&user, &mem, BASE_FEATURES, rings, 1), EIO);
	stop_peer();
	drop_memory();
}

/* The back end stops a queue while it still works on a request. */
static void stops_late(void)
{
	make_memory();
	start_peer(LATE, 11);
	peer.used = &used_ring.idx;
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(vhost_user_start(&user, &mem, BASE_FEATURES, rings, 1), 0);
	CHECK_EQ(vhost_user_stop(&user, rings, 1), 0);
	CHECK_EQ(__atomic_load_n(&used_ring.idx, __ATOMIC_ACQUIRE), 1);
	CHECK(!user.failed);
	stop_peer();
	drop_memory();

	make_memory();
	start_peer(NEVER, 11);
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(vhost_user_start(&user, &mem, BASE_FEATURES, rings, 1), 0);
	CHECK_EQ(-vhost_user_stop(&user, rings, 1), ETIMEDOUT);
	CHECK(user.failed);
	stop_peer();
	drop_memory();
}

/* The back end stops a queue only after its slow request has ended. */
static void stops_slowly(void)
{
	make_memory();
	start_peer(SLOW, 11);
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(vhost_user_start(&user, &mem, BASE_FEATURES, rings, 1), 0);
	CHECK_EQ(vhost_user_stop(&user, rings, 1), 0);
	stop_peer();
	drop_memory();
}

/* The back end gets the memory once: a new table would unmap what requests use. */
static void memory_once(void)
{
	unsigned int i, tables = 0;

	make_memory();
	start_peer(NONE, 0);
	CHECK_EQ(vhost_user_agree(&user), 0);
	for (i = 0; i < 2; i++) {
		CHECK_EQ(vhost_user_start(&user, &mem, BASE_FEATURES, rings, 1), 0);
		CHECK_EQ(vhost_user_stop(&user, rings, 1), 0);
	}
	stop_peer();
	for (i = 0; i < peer.nr; i++)
		tables += peer.requests[i] == 5;
	CHECK_EQ(tables, 1);
	drop_memory();
}

/*
 * A back end that does not answer.  The fake clock stands still, so the time-out is poll()'s own.
 */
static void is_silent(void)
{
	start_peer(SILENT, 15);
	CHECK_EQ(-vhost_user_agree(&user), ETIMEDOUT);
	CHECK(user.failed);
	stop_peer();
}

/* The first answer may be late: the daemon opens its disk. */
static void agree_late(const void *arg)
{
	(void)arg;
	start_peer(TARDY, 1);
	if (vhost_user_agree(&user))
		_exit(1);
	stop_peer();
	_exit(0);
}

static void first_answer(void)
{
	char said[1024];
	sigset_t set;

	CHECK_EQ(tap_child(agree_late, NULL, said, sizeof(said)), 0);
	CHECK(strstr(said, "/run/test.sock: the vhost-user back end has not answered yet"));

	/* A signal ends the wait for the first answer. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start_peer(SILENT, 1);
	CHECK(!kill(getpid(), SIGTERM));
	CHECK_EQ(-vhost_user_agree(&user), EINTR);
	CHECK(user.failed);
	stop_peer();
	CHECK_EQ(sigwaitinfo(&set, NULL), SIGTERM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);

	/* The first answer never comes. */
	start_peer(MUTE, 1);
	CHECK_EQ(-vhost_user_agree(&user), ETIMEDOUT);
	stop_peer();
}

static unsigned int open_files(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

static void gifts(void)
{
	unsigned int before;

	start_peer(GIFTS, 1);
	before = open_files();
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(open_files(), before);
	stop_peer();
}

/* The back end stops another queue, or a queue at an index that it cannot have. */
static void stops_elsewhere(void)
{
	static const enum misdeed cases[] = { OTHER_QUEUE, FAR_BASE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make_memory();
		start_peer(cases[i], 11);
		CHECK_EQ(vhost_user_agree(&user), 0);
		CHECK_EQ(vhost_user_start(&user, &mem, BASE_FEATURES, rings, 1), 0);
		CHECK_EQ(-vhost_user_stop(&user, rings, 1), EPROTO);
		CHECK(user.failed);
		stop_peer();
		drop_memory();
	}
	/* More queues than VHOST_USER_RINGS. */
	CHECK_EQ(-vhost_user_stop(&user, rings, VHOST_USER_RINGS + 1), E2BIG);
}

static void speaks_unasked(void)
{
	struct pollfd fd;

	start_peer(FLOOD, 3);
	CHECK_EQ(vhost_user_agree(&user), 0);
	fd = (struct pollfd){ .fd = user.fd, .events = POLLIN };
	CHECK_EQ(poll(&fd, 1, 5000), 1);
	CHECK_EQ(-vhost_user_lost(&user), EPROTO);
	stop_peer();
	start_peer(GONE, 24);
	CHECK_EQ(vhost_user_agree(&user), 0);
	shutdown(peer.fd, SHUT_RDWR);
	CHECK_EQ(-vhost_user_lost(&user), EPIPE);
	stop_peer();
}

static void cannot_connect(void)
{
	char path[200];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	CHECK_EQ(-vhost_user_connect(&user, path), ENAMETOOLONG);
	CHECK_EQ(-vhost_user_connect(&user, "/nonexistent/socket"), ENOENT);
	CHECK_EQ(-vhost_user_connect(&user, "/dev/null"), ECONNREFUSED);
	CHECK_EQ(user.fd, -1);
	CHECK(vhost_user_stop(&user, rings, 1) < 0);
}

/* ---- with qemu-storage-daemon ------------------------------------------- */

#define DAEMON		"/usr/bin/qemu-storage-daemon"
#define SECTORS		64
#define GUEST_SIZE	0x10000u

/* Offsets in the guest's memory; RING is the number of descriptors. */
#define RING		16u
#define DESCRIPTORS	0x1000u
#define AVAILABLE	0x2000u
#define USED		0x3000u
#define HEADER		0x4000u
#define DATA		0x5000u
#define STATUS		0x6000u

#define TEMPLATE	"/tmp/axvmm-test-disk-XXXXXX"

static char dir[sizeof(TEMPLATE)];
static char image[64], socket_path[64];
static pid_t daemon_pid;

static bool start_daemon(void)
{
	char blockdev[128], export[192];
	struct stat st;
	int fd, tries;

	if (access(DAEMON, X_OK) || !mkdtemp(strcpy(dir, TEMPLATE)))
		return false;
	snprintf(image, sizeof(image), "%s/disk", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir);
	fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && !ftruncate(fd, 512 * SECTORS) && pwrite(fd, "sector 5", 8, 2560) == 8);
	close(fd);
	snprintf(blockdev, sizeof(blockdev), "driver=file,node-name=d,filename=%s", image);
	snprintf(export, sizeof(export),
		 "type=vhost-user-blk,id=e,node-name=d,writable=on,addr.type=unix,addr.path=%s",
		 socket_path);
	daemon_pid = fork();
	if (!daemon_pid) {
		execl(DAEMON, DAEMON, "--blockdev", blockdev, "--export", export, NULL);
		_exit(127);
	}
	for (tries = 0; tries < 1000 && stat(socket_path, &st); tries++)
		usleep(10000);
	return true;
}

static void stop_daemon(void)
{
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	unlink(socket_path);
	unlink(image);
	rmdir(dir);
}

static u8 *guest;
static int kick, call;

/* Put a request for one sector into the ring, and wait for it; returns its status. */
static u8 transfer(u32 type, u64 sector, u16 index)
{
	struct virtio_blk_outhdr *header = (void *)(guest + HEADER);
	struct vring_desc *d = (void *)(guest + DESCRIPTORS);
	struct vring_avail *available = (void *)(guest + AVAILABLE);
	struct vring_used *used = (void *)(guest + USED);
	struct pollfd fd = { .fd = call, .events = POLLIN };
	u64 one = 1;

	*header = (struct virtio_blk_outhdr){ .type = type, .sector = sector };
	d[0] = (struct vring_desc){ HEADER, sizeof(*header), VRING_DESC_F_NEXT, 1 };
	d[1] = (struct vring_desc){
		DATA, 512,
		VRING_DESC_F_NEXT | (type == VIRTIO_BLK_T_IN ? VRING_DESC_F_WRITE : 0), 2,
	};
	d[2] = (struct vring_desc){ STATUS, 1, VRING_DESC_F_WRITE, 0 };
	guest[STATUS] = 0xff;
	available->ring[index % RING] = 0;
	__atomic_store_n(&available->idx, index + 1, __ATOMIC_RELEASE);
	CHECK(write(kick, &one, sizeof(one)) == sizeof(one));
	/* The daemon also calls without a reason, when it begins. */
	while (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) != (u16)(index + 1)) {
		CHECK_EQ(poll(&fd, 1, 10000), 1);
		if (!fd.revents)
			break;
		CHECK(read(call, &one, sizeof(one)) == sizeof(one));
	}
	return guest[STATUS];
}

static void use_disk(struct vhost_ring *ring)
{
	memset(guest, 0, GUEST_SIZE);
	CHECK_EQ(vhost_user_start(&user, &mem, BASE_FEATURES, ring, 1), 0);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, 5, 0), 0);
	CHECK(!memcmp(guest + DATA, "sector 5", 8));
	memcpy(guest + DATA, "sector 7", 8);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 7, 1), 0);
	memset(guest + DATA, 0, 512);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, 7, 2), 0);
	CHECK(!memcmp(guest + DATA, "sector 7", 8));
	/* A sector behind the end of the disk. */
	CHECK(transfer(VIRTIO_BLK_T_IN, SECTORS, 3) != 0);
	CHECK_EQ(vhost_user_stop(&user, ring, 1), 0);
}

static void real_disk(void)
{
	struct virtio_blk_config config = { 0 };
	struct vhost_ring ring = { .size = RING };
	u64 queues;

	if (!start_daemon())
		return;
	memset(&mem, 0, sizeof(mem));
	memory_add(&mem, 0, GUEST_SIZE, 0);
	mem.areas[0].fd = memfd_create("guest", MFD_CLOEXEC);
	CHECK(!ftruncate(mem.areas[0].fd, GUEST_SIZE));
	guest = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, mem.areas[0].fd, 0);
	mem.areas[0].hva = guest;
	kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ring.kick = kick;
	ring.call = call;
	ring.descriptors = guest + DESCRIPTORS;
	ring.available = guest + AVAILABLE;
	ring.used = guest + USED;

	CHECK_EQ(vhost_user_connect(&user, socket_path), 0);
	CHECK_EQ(vhost_user_config(&user, &config,
				   offsetof(struct virtio_blk_config, max_secure_erase_sectors)),
		 0);
	CHECK_EQ(config.capacity, SECTORS);
	CHECK_EQ(vhost_user_queues(&user, &queues), 0);
	CHECK(queues >= 1);
	/* A driver uses the disk, and after a reset another one. */
	use_disk(&ring);
	use_disk(&ring);
	vhost_user_close(&user);
	/* The next machine connects. */
	CHECK_EQ(vhost_user_connect(&user, socket_path), 0);
	use_disk(&ring);
	/* The daemon dies. */
	kill(daemon_pid, SIGKILL);
	CHECK(vhost_user_start(&user, &mem, BASE_FEATURES, &ring, 1) < 0);
	vhost_user_close(&user);
	stop_daemon();
	munmap(guest, GUEST_SIZE);
	close(mem.areas[0].fd);
	close(kick);
	close(call);
}

static const struct tap_case cases[] = {
	{ "a back end is asked, started and stopped", conversation },
	{ "a back end that lacks what it needs", too_little },
	{ "a back end without queues and acknowledgements", few_features },
	{ "numbers that make no sense", odd_numbers },
	{ "wrong answers end the connection", misdeeds },
	{ "a back end that refuses", refuses },
	{ "a request that ends after its queue has stopped", stops_late },
	{ "a queue that stops slowly", stops_slowly },
	{ "the back end is given the memory once", memory_once },
	{ "a back end that does not answer", is_silent },
	{ "a back end whose first answer takes time", first_answer },
	{ "a back end that gives descriptors away", gifts },
	{ "a back end that stops another queue, or at a wrong index", stops_elsewhere },
	{ "a back end that sends a message unasked, or goes", speaks_unasked },
	{ "no back end to connect to", cannot_connect },
	{ "a disk of qemu-storage-daemon, if there is one", real_disk },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
