// SPDX-License-Identifier: GPL-2.0
/* A back end of vhost-user that a test controls. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "peer.h"
#include "tap.h"

struct header {
	u32 request;
	u32 flags;
	u32 size;
};

/* The test reads it when the thread has ended; only @nr before, which is written last. */
struct peer peer;

static void reply(u32 request, u32 flags, const void *data, u32 size)
{
	const struct header h = { request, flags, size };
	u8 bytes[sizeof(h) + 512];

	memcpy(bytes, &h, sizeof(h));
	memcpy(bytes + sizeof(h), data, size > 512 ? 0 : size);
	if (send(peer.fd, bytes, sizeof(h) + (size > 512 ? 0 : size), MSG_NOSIGNAL) < 0)
		return;
}

/* The answer to GET_FEATURES with descriptors, as many as fit. */
static void reply_gifts(u32 request)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(16 * sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(16 * sizeof(int)),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	} };
	struct {
		struct header h;
		u64 number;
	} __attribute__((packed)) bytes = { { request, 5, 8 }, peer.features };
	struct iovec iov = { &bytes, sizeof(bytes) };
	const struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	unsigned int i;

	for (i = 0; i < 16; i++)
		memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &peer.fd, sizeof(int));
	if (sendmsg(peer.fd, &msg, MSG_NOSIGNAL) < 0)
		return;
}

static void reply_late(u32 request)
{
	const struct header h = { request, 5, 8 };

	fake_skip(6 * NSEC_PER_SEC);
	/* The front end looks at the clock ten times a second: let it see the new time. */
	usleep(2000000);
	if (send(peer.fd, &h, 6, MSG_NOSIGNAL) < 0)
		return;
	usleep(50000);
	if (send(peer.fd, (const char *)&h + 6, sizeof(h) - 6, MSG_NOSIGNAL) < 0 ||
	    send(peer.fd, &peer.features, 8, MSG_NOSIGNAL) < 0)
		return;
}

/* Do the misdeed.  Returns whether the connection stays open. */
static bool misbehave(const struct header *h, const u8 *data)
{
	static const u8 zeroes[512];

	switch (peer.misdeed) {
	case WRONG_REQUEST:
		reply(h->request + 1, 5, data, 8);
		return true;
	case WRONG_FLAGS:
		reply(h->request, 1, data, 8);
		return true;
	case WRONG_SIZE:
		reply(h->request, 5, data, 4);
		return true;
	case HUGE_SIZE:
		reply(h->request, 5, data, 0xfffffff0);
		return true;
	case SHORT:
		if (send(peer.fd, h, 8, MSG_NOSIGNAL) < 0)
			return false;
		return false;
	case SILENT:
		return true;
	case REFUSE:
		reply(h->request, 5, "\1\0\0\0\0\0\0", 8);
		return true;
	case FLOOD:
		reply(h->request, 5, zeroes, 8);
		reply(h->request, 5, zeroes, 500);
		return true;
	case LATE:
		/* The queue has stopped after one request, which ends later. */
		reply(h->request, 5, "\0\0\0\0\1\0\0", 8);
		usleep(50000);
		__atomic_store_n(peer.used, 1, __ATOMIC_RELEASE);
		return true;
	case NEVER:
		reply(h->request, 5, "\0\0\0\0\1\0\0", 8);
		usleep(50000);
		fake_skip(3600 * NSEC_PER_SEC);
		return true;
	case SLOW:
		fake_skip(3600 * NSEC_PER_SEC);
		reply(h->request, 5, zeroes, 8);
		return true;
	case MUTE:
		fake_skip(3600 * NSEC_PER_SEC);
		return true;
	case TARDY:
		reply_late(h->request);
		return true;
	case OTHER_QUEUE:
		reply(h->request, 5, "\1\0\0\0\0\0\0", 8);
		return true;
	case FAR_BASE:
		reply(h->request, 5, "\0\0\0\0\0\0\1", 8);
		return true;
	case GIFTS:
		reply_gifts(h->request);
		return true;
	default:
		return false;
	}
}

static void answer(const struct header *h, u8 *data)
{
	u64 number = 0;

	switch (h->request) {
	case 1:
		number = peer.features;
		break;
	case 15:
		number = peer.protocol;
		break;
	case 17:
		number = peer.queues;
		break;
	case 11:
		reply(11, 5, data, 8);
		return;
	case 24:
		if (peer.config_size)
			memcpy(data + 4, &peer.config_size, 4);
		memset(data + 12, 0x5a, h->size - 12);
		/* virtio_blk_config.num_queues */
		memcpy(data + 12 + 34, &peer.disk_queues, 2);
		reply(24, 5, data, h->size);
		return;
	default:
		if (!(h->flags & 8))
			return;
		break;
	}
	reply(h->request, 5, &number, sizeof(number));
}

/* Receive @size bytes; descriptors are counted, and closed.  Returns whether they came. */
static bool receive(void *data, size_t size)
{
	char control[CMSG_SPACE(16 * sizeof(int))];
	struct iovec iov = { data, size };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	unsigned int i;

	while (iov.iov_len) {
		ssize_t n = recvmsg(peer.fd, &msg, 0);

		if (n <= 0)
			return false;
		c = CMSG_FIRSTHDR(&msg);
		for (i = 0; c && i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			peer.fds++;
			close(((int *)CMSG_DATA(c))[i]);
		}
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= n;
		msg.msg_controllen = 0;
	}
	return true;
}

static void note(u32 request, const u8 *data)
{
	unsigned int nr = peer.nr;

	if (nr == PEER_MESSAGES)
		return;
	memcpy(&peer.numbers[nr], data, 8);
	peer.requests[nr] = request;
	__atomic_store_n(&peer.nr, nr + 1, __ATOMIC_RELEASE);
}

static void *peer_thread(void *arg)
{
	struct header h;
	u8 data[512] = { 0 };

	(void)arg;
	if (peer.listener >= 0)
		peer.fd = accept4(peer.listener, NULL, NULL, SOCK_CLOEXEC);
	while (receive(&h, sizeof(h)) && h.size <= sizeof(data) && receive(data, h.size)) {
		if (h.request == 5)
			memcpy(peer.memory, data, sizeof(data));
		note(h.request, data);
		if (peer.misdeed && h.request == peer.at) {
			if (!misbehave(&h, data))
				break;
			continue;
		}
		answer(&h, data);
	}
	while (__atomic_load_n(&peer.stays, __ATOMIC_ACQUIRE))
		usleep(1000);
	shutdown(peer.fd, SHUT_RDWR);
	return NULL;
}

void peer_reset(enum misdeed misdeed, u32 at)
{
	memset(&peer, 0, sizeof(peer));
	peer.listener = -1;
	peer.misdeed = misdeed;
	peer.at = at;
	peer.features = PEER_FEATURES;
	peer.protocol = PEER_PROTOCOL;
	peer.queues = 4;
	peer.disk_queues = 1;
}

void peer_start(void)
{
	CHECK(!pthread_create(&peer.thread, NULL, peer_thread, NULL));
}

void peer_stop(void)
{
	pthread_join(peer.thread, NULL);
	close(peer.fd);
}

bool peer_saw(unsigned int count)
{
	unsigned int tries;

	for (tries = 0; tries < 5000; tries++) {
		if (__atomic_load_n(&peer.nr, __ATOMIC_ACQUIRE) >= count)
			return true;
		usleep(1000);
	}
	return false;
}
