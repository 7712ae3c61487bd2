// SPDX-License-Identifier: GPL-2.0
/*
 * The front end of vhost-user ("Vhost-user Protocol", of QEMU's documentation): a message
 * is a header of three words, a payload, and descriptors beside it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "log.h"
#include "timer.h"
#include "vhost-user.h"

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	GET_CONFIG = 24,
};

#define FLAGS_VERSION	0x1
#define FLAGS_REPLY	0x4
#define FLAGS_NEED_REPLY 0x8

/* Among the features of virtio: the back end has features of the protocol, too. */
#define F_PROTOCOL_FEATURES	(1ull << 30)
#define F_VERSION_1		(1ull << VIRTIO_F_VERSION_1)

#define PROTOCOL_MQ		(1ull << 0)
#define PROTOCOL_REPLY_ACK	(1ull << 3)
#define PROTOCOL_CONFIG		(1ull << 9)
#define PROTOCOL_WANTED		(PROTOCOL_MQ | PROTOCOL_REPLY_ACK | PROTOCOL_CONFIG)

#define REGIONS		8
#define CONFIG		256
#define FIRST_STEP_MSEC	100
#define DRAIN_STEP_MSEC	2
#define NO_DEADLINE	(~0ull)

struct header {
	u32 request;
	u32 flags;
	u32 size;
};

struct region {
	u64 gpa;
	u64 size;
	u64 address;
	u64 offset;
};

struct ring_state {
	u32 queue;
	u32 number;
};

struct message {
	struct header header;
	union {
		u64 number;
		struct ring_state state;
		struct {
			u32 queue;
			u32 flags;
			u64 descriptors;
			u64 used;
			u64 available;
			u64 log;
		} __attribute__((packed)) addresses;
		struct {
			u32 nr;
			u32 padding;
			struct region regions[REGIONS];
		} __attribute__((packed)) memory;
		struct {
			u32 offset;
			u32 size;
			u32 flags;
			u8 data[CONFIG];
		} __attribute__((packed)) config;
	};
} __attribute__((packed));

_Static_assert(REGIONS >= MEMORY_AREAS, "all areas in one message");

/* ---- bytes -------------------------------------------------------------- */

/*
 * End a connection, and print why; only the first error is printed.  The half of the socket
 * that axvmm reads stays open: it shows when the back end has gone.  Returns -@error.
 */
static int fail(struct vhost_user *u, int error, const char *what)
{
	if (!u->failed)
		log_error("%s: %s; the device behind this socket works no more", u->path, what);
	u->failed = true;
	if (u->fd >= 0)
		shutdown(u->fd, SHUT_WR);
	return -error;
}

static int fail_call(struct vhost_user *u)
{
	int error = errno;

	if (error == EPIPE || error == ECONNRESET)
		return fail(u, error, "the vhost-user back end has gone");
	return fail(u, error, strerror(error));
}

/* Wait until the socket is ready for @events.  Returns 0 or a negative errno. */
static int wait_for(struct vhost_user *u, short events, u64 deadline)
{
	struct pollfd fd = { .fd = u->fd, .events = events };
	u64 now;
	int n, msec;

	do {
		now = clock_now();
		/* Poll even after the deadline: what has arrived by then is still taken. */
		msec = now >= deadline ? 0 : (deadline - now) / (NSEC_PER_SEC / 1000) + 1;
		n = poll(&fd, 1, deadline == NO_DEADLINE ? -1 : msec);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_call(u);
	return n ? 0 : fail(u, ETIMEDOUT, "the vhost-user back end does not answer");
}

static int send_bytes(struct vhost_user *u, const void *data, size_t size, const int *fds,
		      unsigned int nr_fds, u64 deadline)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(REGIONS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;
	int err;

	if (nr_fds) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, nr_fds * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
	}
	while (iov.iov_len) {
		err = wait_for(u, POLLOUT, deadline);
		if (err)
			return err;
		n = sendmsg(u->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return fail_call(u);
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= n;
		/* The descriptors went with the first byte. */
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return 0;
}

/* Receive @size bytes.  The kernel closes descriptors that come with them. */
static int receive_bytes(struct vhost_user *u, void *data, size_t size, u64 deadline)
{
	char *at = data;
	ssize_t n;
	int err;

	while (size) {
		err = wait_for(u, POLLIN, deadline);
		if (err)
			return err;
		n = recv(u->fd, at, size, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return fail_call(u);
		if (!n)
			return fail(u, EPIPE, "the vhost-user back end has gone");
		at += n;
		size -= n;
	}
	return 0;
}

/* ---- messages ----------------------------------------------------------- */

static u64 new_deadline(void)
{
	return clock_now() + VHOST_USER_SECONDS * NSEC_PER_SEC;
}

/* Send a message with @size bytes of payload. */
static int send_message(struct vhost_user *u, struct message *m, enum request kind,
			u32 flags, u32 size, const int *fds, unsigned int nr_fds, u64 deadline)
{
	if (u->failed)
		return -EPIPE;
	m->header = (struct header){
		.request = kind, .flags = FLAGS_VERSION | flags, .size = size,
	};
	return send_bytes(u, m, sizeof(m->header) + size, fds, nr_fds, deadline);
}

/* Receive the answer to @kind, which has @size bytes of payload. */
static int receive_reply(struct vhost_user *u, struct message *m, enum request kind,
			 u32 size, u64 deadline)
{
	int err = receive_bytes(u, &m->header, sizeof(m->header), deadline);

	if (err)
		return err;
	if (m->header.request != kind || m->header.flags != (FLAGS_VERSION | FLAGS_REPLY) ||
	    m->header.size != size)
		return fail(u, EPROTO, "the vhost-user back end answers another request");
	return receive_bytes(u, &m->number, size, deadline);
}

/* Ask a question, whose answer has a payload of the same size, and comes before @until. */
static int ask(struct vhost_user *u, struct message *m, enum request kind, u32 size, u64 until)
{
	u64 deadline = new_deadline();
	int err = send_message(u, m, kind, 0, size, NULL, 0, deadline);

	return err ? err : receive_reply(u, m, kind, size, until);
}

bool vhost_user_ending(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	sigset_t pending;
	unsigned int i;

	if (sigpending(&pending))
		return false;
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigismember(&pending, signals[i]) == 1)
			return true;
	return false;
}

/*
 * Wait until the first answer begins to arrive.  At @patience, tell the user what axvmm waits
 * for: until then the guest does not start.
 */
static int wait_for_first(struct vhost_user *u, u64 patience, u64 deadline)
{
	struct pollfd fd = { .fd = u->fd, .events = POLLIN };

	while (clock_now() < deadline && poll(&fd, 1, FIRST_STEP_MSEC) <= 0) {
		if (vhost_user_ending())
			return fail(u, EINTR, "a signal ends the wait for the vhost-user back end");
		if (clock_now() < patience)
			continue;
		log_notice("%s: the vhost-user back end has not answered yet; it has %u seconds",
			   u->path, VHOST_USER_FIRST_SECONDS);
		patience = NO_DEADLINE;
	}
	return 0;
}

static int ask_number(struct vhost_user *u, enum request kind, u64 *number)
{
	u64 deadline = new_deadline();
	struct message m;
	int err = send_message(u, &m, kind, 0, 0, NULL, 0, deadline);

	if (!err && kind == GET_FEATURES) {
		const u64 patience = deadline;

		deadline += (VHOST_USER_FIRST_SECONDS - VHOST_USER_SECONDS) * NSEC_PER_SEC;
		err = wait_for_first(u, patience, deadline);
	}
	if (!err)
		err = receive_reply(u, &m, kind, sizeof(m.number), deadline);
	if (!err)
		*number = m.number;
	return err;
}

/* Give an order, and wait for its answer if both sides know REPLY_ACK. */
static int order(struct vhost_user *u, struct message *m, enum request kind, u32 size,
		 const int *fds, unsigned int nr_fds)
{
	const bool ack = u->protocol & PROTOCOL_REPLY_ACK;
	u64 deadline = new_deadline();
	int err = send_message(u, m, kind, ack ? FLAGS_NEED_REPLY : 0, size, fds, nr_fds,
			       deadline);

	if (err || !ack)
		return err;
	err = receive_reply(u, m, kind, sizeof(m->number), deadline);
	if (!err && m->number)
		return fail(u, EIO, "the vhost-user back end refuses what the guest needs");
	return err;
}

static int order_number(struct vhost_user *u, enum request kind, u64 number)
{
	struct message m = { .number = number };

	return order(u, &m, kind, sizeof(m.number), NULL, 0);
}

static int order_state(struct vhost_user *u, enum request kind, u32 queue, u32 number)
{
	struct message m = { .state = { queue, number } };

	return order(u, &m, kind, sizeof(m.state), NULL, 0);
}

static int order_eventfd(struct vhost_user *u, enum request kind, u32 queue, int fd)
{
	struct message m = { .number = queue };

	return order(u, &m, kind, sizeof(m.number), &fd, 1);
}

/* ---- what is done with them --------------------------------------------- */

int vhost_user_agree(struct vhost_user *u)
{
	struct message m;
	u64 protocol;
	int err;

	u->failed = false;
	u->has_memory = false;
	u->protocol = 0;
	err = ask_number(u, GET_FEATURES, &u->features);
	if (!err && !(u->features & F_VERSION_1))
		err = fail(u, EPROTO, "this vhost-user back end does not know virtio 1");
	if (!err && !(u->features & F_PROTOCOL_FEATURES))
		err = fail(u, EPROTO, "this vhost-user back end has no protocol features");
	if (!err)
		err = ask_number(u, GET_PROTOCOL_FEATURES, &protocol);
	if (!err)
		err = order_number(u, SET_PROTOCOL_FEATURES, protocol & PROTOCOL_WANTED);
	if (err)
		return err;
	u->protocol = protocol & PROTOCOL_WANTED;
	return order(u, &m, SET_OWNER, 0, NULL, 0);
}

int vhost_user_connect(struct vhost_user *u, const char *path)
{
	const struct timeval patience = { .tv_sec = VHOST_USER_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int err;

	*u = (struct vhost_user){ .fd = -1, .path = path };
	if (strlen(path) >= sizeof(address.sun_path)) {
		log_error("%s: the path of a socket has at most %zu characters", path,
			  sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	u->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Without SO_SNDTIMEO, connect() waits for ever for a back end that does not accept. */
	if (u->fd < 0 ||
	    setsockopt(u->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(u->fd, (struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		log_error("%s: cannot connect to the vhost-user back end: %s; start it first",
			  path, strerror(errno));
		vhost_user_close(u);
		return err;
	}
	err = vhost_user_agree(u);
	if (err)
		vhost_user_close(u);
	return err;
}

int vhost_user_queues(struct vhost_user *u, u64 *queues)
{
	int err;

	*queues = 1;
	if (!(u->protocol & PROTOCOL_MQ))
		return 0;
	err = ask_number(u, GET_QUEUE_NUM, queues);
	if (!err && !*queues)
		err = fail(u, EPROTO, "the vhost-user back end has no queue");
	return err;
}

int vhost_user_config(struct vhost_user *u, void *config, unsigned int size)
{
	struct message m = { .config.size = size };
	int err;

	if (!u->failed && !(u->protocol & PROTOCOL_CONFIG))
		return fail(u, EPROTO, "this vhost-user back end has no configuration");
	err = ask(u, &m, GET_CONFIG, offsetof(struct message, config.data) -
				     offsetof(struct message, config) + size, new_deadline());
	if (!err && (m.config.offset || m.config.size != size))
		err = fail(u, EPROTO, "the vhost-user back end has another configuration");
	if (!err)
		memcpy(config, m.config.data, size);
	return err;
}

/*
 * Give the back end the guest's memory, once for each connection: for another table the
 * back end would unmap this one, which requests of another queue may still use.
 */
static int set_memory(struct vhost_user *u, const struct memory *mem)
{
	struct message m = { 0 };
	unsigned int i, nr = 0;
	int fds[REGIONS];
	int err;

	if (u->has_memory)
		return 0;

	for (i = 0; i < mem->nr; i++) {
		const struct memory_area *area = &mem->areas[i];

		if (area->fd < 0 || (area->flags & AXV_REGION_READONLY))
			continue;
		m.memory.regions[nr] = (struct region){
			.gpa = area->gpa,
			.size = area->size,
			.address = (uintptr_t)area->hva,
		};
		fds[nr++] = area->fd;
	}
	m.memory.nr = nr;
	err = order(u, &m, SET_MEM_TABLE, 2 * sizeof(u32) + nr * sizeof(struct region),
		    fds, nr);
	u->has_memory = !err;
	return err;
}

static int start_ring(struct vhost_user *u, const struct vhost_ring *ring)
{
	struct message m = {
		.addresses = {
			.queue = ring->queue,
			.descriptors = (uintptr_t)ring->descriptors,
			.used = (uintptr_t)ring->used,
			.available = (uintptr_t)ring->available,
		},
	};
	int err;

	err = order_state(u, SET_VRING_NUM, ring->queue, ring->size);
	if (!err)
		err = order_state(u, SET_VRING_BASE, ring->queue, 0);
	if (!err)
		err = order(u, &m, SET_VRING_ADDR, sizeof(m.addresses), NULL, 0);
	if (!err)
		err = order_eventfd(u, SET_VRING_CALL, ring->queue, ring->call);
	if (!err)
		err = order_eventfd(u, SET_VRING_KICK, ring->queue, ring->kick);
	if (!err)
		err = order_state(u, SET_VRING_ENABLE, ring->queue, 1);
	return err;
}

int vhost_user_start(struct vhost_user *u, const struct memory *mem, u64 features,
		     const struct vhost_ring *rings, unsigned int nr)
{
	unsigned int i;
	int err;

	err = order_number(u, SET_FEATURES, features | F_PROTOCOL_FEATURES);
	if (!err)
		err = set_memory(u, mem);
	for (i = 0; !err && i < nr; i++)
		err = start_ring(u, &rings[i]);
	return err;
}

/*
 * Wait until the requests that the back end has taken have ended: until the used ring's index
 * has come to @base, the index up to which it has taken requests; both begin at 0.
 * qemu-storage-daemon answers GET_VRING_BASE while requests are under way, whose data would
 * then be written over what the next driver has there.  A request that is malformed is taken
 * and never put into the used ring, hence the deadline.
 */
static int drain(struct vhost_user *u, const struct vhost_ring *ring, u16 base)
{
	const struct vring_used *used = ring->used;
	struct pollfd fd = { .fd = u->fd, .events = POLLIN };
	u16 last = __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE), now = last;
	u64 deadline = clock_now() + VHOST_USER_DRAIN_SECONDS * NSEC_PER_SEC;

	while (now != base) {
		if (poll(&fd, 1, DRAIN_STEP_MSEC) > 0)
			return vhost_user_lost(u);
		now = __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
		if (now != last)
			deadline = clock_now() + VHOST_USER_DRAIN_SECONDS * NSEC_PER_SEC;
		else if (clock_now() >= deadline)
			return fail(u, ETIMEDOUT, "a request of the guest does not end");
		last = now;
	}
	return 0;
}

int vhost_user_stop(struct vhost_user *u, const struct vhost_ring *rings, unsigned int nr)
{
	u16 bases[VHOST_USER_RINGS];
	unsigned int i;
	int err = 0;

	if (nr > VHOST_USER_RINGS)
		return -E2BIG;

	for (i = 0; !err && i < nr; i++) {
		struct message m = { .state.queue = rings[i].queue };

		err = order_state(u, SET_VRING_ENABLE, rings[i].queue, 0);
		/*
		 * GET_VRING_BASE stops the queue.  Its answer is needed for drain() only: the
		 * next driver begins at 0.  The back end may answer when its requests have
		 * ended, so there is no deadline: the answer comes, or the socket is closed.
		 */
		if (!err)
			err = ask(u, &m, GET_VRING_BASE, sizeof(m.state), NO_DEADLINE);
		if (!err && (m.state.queue != rings[i].queue || m.state.number > 0xffff))
			err = fail(u, EPROTO, "the vhost-user back end stops another queue");
		bases[i] = m.state.number;
	}
	for (i = 0; !err && i < nr; i++)
		err = drain(u, &rings[i], bases[i]);
	return err;
}

int vhost_user_lost(struct vhost_user *u)
{
	char byte;

	if (recv(u->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		return fail(u, EPROTO, "the vhost-user back end sends a message unasked");
	return fail(u, EPIPE, "the vhost-user back end has gone");
}

int vhost_user_give_up(struct vhost_user *u, const char *why)
{
	return fail(u, ECANCELED, why);
}

void vhost_user_close(struct vhost_user *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
	u->failed = true;
}
