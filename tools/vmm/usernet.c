// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio network device (virtio 1.2, section 5.1) whose packets passt takes and gives.
 *
 * passt gets the guest's packets whole: nothing of their headers is left for the device to do,
 * so it offers no checksums and no segmentation.  Packets are large instead (USERNET_MTU).
 *
 * A packet that does not fit waits at the side where it is: the thread reads the socket no
 * further while the guest has no buffer, and takes no request while passt does not read.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "sandbox.h"
#include "usernet.h"

#define NET_CLASS	0x02000000	/* a controller of Ethernet */
#define NET_CONFIG	offsetof(struct virtio_net_config, speed)
#define NET_FEATURES	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_NET_F_MAC |	\
			 1ull << VIRTIO_NET_F_STATUS | 1ull << VIRTIO_NET_F_MTU |	\
			 1ull << VIRTIO_NET_F_MRG_RXBUF)

#define HEADER		sizeof(struct virtio_net_hdr_v1)
#define LENGTH		4		/* bytes before a packet on the socket */
#define SHORTEST	14		/* bytes of Ethernet's header */
#define END_SECONDS	3		/* how long usernet_release() waits for the threads */

/* ---- the stream ---------------------------------------------------------- */

static unsigned int stream_bytes(const struct usernet_stream *s)
{
	return s->end - s->start;
}

/* Make room behind what is there. */
static void stream_pack(struct usernet_stream *s)
{
	memmove(s->data, s->data + s->start, stream_bytes(s));
	s->end -= s->start;
	s->start = 0;
}

static void stream_take(struct usernet_stream *s, unsigned int size)
{
	s->start += size;
	if (s->start == s->end) {
		s->start = 0;
		s->end = 0;
	}
}

static u32 length_at(const u8 *at)
{
	return (u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static void lost(struct usernet *net, const char *why)
{
	close(net->socket);
	net->socket = -1;
	log_notice("%s: %s; the guest has this network no longer", net->name, why);
	virtio_thread_dead(&net->t);
}

static void send_stream(struct usernet *net)
{
	struct usernet_stream *out = &net->out;
	struct iovec bytes = {
		.iov_base = out->data + out->start, .iov_len = stream_bytes(out),
	};
	const struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	ssize_t n;

	if (net->socket < 0 || !stream_bytes(out))
		return;
	/* The thread's filter of system calls allows sendmsg() alone of its kind. */
	n = sendmsg(net->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		stream_take(out, n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		lost(net, "passt has ended");
}

static void receive_stream(struct usernet *net)
{
	struct usernet_stream *in = &net->in;
	ssize_t n;

	stream_pack(in);
	n = recv(net->socket, in->data + in->end, USERNET_BUFFER - in->end, MSG_DONTWAIT);
	if (n > 0)
		in->end += n;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		lost(net, "passt has ended");
}

/* Get the first packet that is there as a whole.  Returns its size, or 0: there is none. */
static u32 first_packet(struct usernet *net, const u8 **packet)
{
	struct usernet_stream *in = &net->in;
	u32 size;

	if (net->socket < 0 || stream_bytes(in) < LENGTH)
		return 0;
	size = length_at(in->data + in->start);
	if (size < SHORTEST || size > USERNET_PACKET) {
		lost(net, "passt has sent a packet that is none");
		return 0;
	}
	*packet = in->data + in->start + LENGTH;
	return stream_bytes(in) - LENGTH >= size ? size : 0;
}

/* ---- the rings ----------------------------------------------------------- */

/*
 * Give the guest a packet, in as many of its buffers as it takes; the header, which tells how
 * many these are, is written last.  The guest sees nothing of it before ring_publish().
 * Returns 1: it has been given, or is larger than the guest can take; 0: the guest has no room
 * now; -EPROTO.
 */
static int give(struct usernet *net, const u8 *packet, u32 size)
{
	struct ring *ring = &net->t.rings[USERNET_RX];
	const bool mergeable = net->t.features & 1ull << VIRTIO_NET_F_MRG_RXBUF;
	struct virtio_net_hdr_v1 header = { 0 };
	struct ring_request first, more;
	u32 done = 0, n;
	int found;

	found = ring_get(ring, &first);
	while (found > 0) {
		struct ring_request *request = header.num_buffers ? &more : &first;
		u32 skip = header.num_buffers ? 0 : HEADER;

		n = ring_write(request, skip, packet + done, size - done);
		done += n;
		ring_add(ring, request->head, skip + n);
		header.num_buffers++;
		if (done == size || !mergeable || header.num_buffers == ring->size)
			break;
		found = ring_get(ring, &more);
	}
	if (found <= 0) {
		net->missing = ring->next;
		ring_undo(ring);
		return found;
	}
	if (done < size) {
		ring_undo(ring);
		return 1;
	}
	if (ring_write(&first, 0, &header, HEADER) < HEADER)
		return -EPROTO;
	ring_publish(ring);
	return 1;
}

/* Give the guest packets, as far as there are some, and room.  Returns 0 or -EPROTO. */
static int give_packets(struct usernet *net)
{
	unsigned int given = 0;
	const u8 *packet;
	int found = 1;
	u32 size;

	while (found > 0 && (size = first_packet(net, &packet))) {
		found = give(net, packet, size);
		if (found > 0) {
			stream_take(&net->in, LENGTH + size);
			given++;
		}
	}
	if (given)
		virtio_thread_interrupt(&net->t, USERNET_RX);
	return found < 0 ? found : 0;
}

/* While no driver works with the device, packets get lost. */
static void drop_packets(struct usernet *net)
{
	const u8 *packet;
	u32 size;

	while ((size = first_packet(net, &packet)))
		stream_take(&net->in, LENGTH + size);
}

/* Append a request's packet to the stream; one that cannot be a packet is left out. */
static void append(struct usernet *net, const struct ring_request *request)
{
	struct usernet_stream *out = &net->out;
	u8 *at = out->data + out->end;
	u64 size = ring_read(request, HEADER, at + LENGTH, USERNET_PACKET);

	if (size < SHORTEST || size > USERNET_PACKET)
		return;
	at[0] = size >> 24;
	at[1] = size >> 16;
	at[2] = size >> 8;
	at[3] = size;
	out->end += LENGTH + size;
}

/* Whether the stream to passt has room for one more packet. */
static bool has_room(const struct usernet *net)
{
	return USERNET_BUFFER - net->out.end >= LENGTH + USERNET_PACKET;
}

/* Take packets that the guest sends, as far as there is room.  Returns 0 or -EPROTO. */
static int take_packets(struct usernet *net)
{
	struct ring *ring = &net->t.rings[USERNET_TX];
	struct ring_request request;
	unsigned int taken = 0;
	int found = 0;

	while (has_room(net) && taken < ring->size) {
		found = ring_get(ring, &request);
		if (found <= 0)
			break;
		append(net, &request);
		ring_put(ring, request.head, 0);
		taken++;
	}
	if (taken)
		virtio_thread_interrupt(&net->t, USERNET_TX);
	return found < 0 ? found : 0;
}

/* ---- the thread ---------------------------------------------------------- */

static void print_output(void *arg, const char *line)
{
	struct usernet *net = arg;

	pthread_mutex_lock(net->t.board.lock);
	if (log_allowed(&net->said))
		log_notice("%s: passt: %s", net->name, line);
	pthread_mutex_unlock(net->t.board.lock);
}

/*
 * Have the guest notify about what it could not give or take so far.  Returns whether it has
 * added something meanwhile, about which it may not notify.
 */
static bool listen_to_guest(struct usernet *net, bool waits)
{
	struct ring *rx = &net->t.rings[USERNET_RX], *tx = &net->t.rings[USERNET_TX];
	bool more = ring_listen(rx, waits, net->missing);

	return ring_listen(tx, has_room(net), tx->next) || more;
}

/* Wait for something to do. */
static void wait_for_work(struct usernet *net, bool active)
{
	const u8 *packet;
	const bool waits = active && first_packet(net, &packet);
	const bool more = active && listen_to_guest(net, waits);
	struct pollfd fds[] = {
		{ .fd = net->t.wake, .events = POLLIN },
		{ .fd = net->t.kicks[USERNET_RX], .events = POLLIN },
		{ .fd = net->t.kicks[USERNET_TX], .events = POLLIN },
		{ .fd = net->socket, .events = (waits ? 0 : POLLIN) |
					       (stream_bytes(&net->out) ? POLLOUT : 0) },
		{ .fd = net->output.fd, .events = POLLIN },
	};
	unsigned int i;

	if (poll(fds, ARRAY_SIZE(fds), more ? 0 : -1) <= 0)
		return;
	for (i = 0; i < 3; i++)
		if (fds[i].revents)
			virtio_thread_clear(fds[i].fd);
	/* The reason why it has ended comes before the message that it has. */
	if (fds[4].revents)
		daemon_read(&net->output, print_output, net);
	if (fds[3].revents & POLLIN)
		receive_stream(net);
	else if (fds[3].revents & (POLLHUP | POLLERR))
		lost(net, "passt has ended");
}

static void *usernet_thread(void *arg)
{
	struct usernet *net = arg;
	bool active, go_on;

	if (net->t.board.seccomp && sandbox_enter_vhost(0))
		lost(net, "its thread has no filter");
	do {
		go_on = virtio_thread_obey(&net->t, &active);
		if (!active)
			drop_packets(net);
		else if (take_packets(net) < 0 || give_packets(net) < 0)
			virtio_thread_broken(&net->t);
		send_stream(net);
		if (go_on)
			wait_for_work(net, active);
	} while (go_on);
	return NULL;
}

int usernet_start(struct usernet *net)
{
	return virtio_thread_start(&net->t, usernet_thread, net);
}

/* ---- making and ending ---------------------------------------------------- */

void usernet_release(struct usernet *nets, unsigned int nr)
{
	pid_t daemons[USERNETS] = { 0 };
	struct timespec deadline;
	unsigned int i;

	for (i = 0; i < nr; i++)
		virtio_thread_quit(&nets[i].t);
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += END_SECONDS;
	for (i = 0; i < nr; i++) {
		struct usernet *net = &nets[i];

		daemons[i] = net->daemon;
		if (!virtio_thread_join(&net->t, &deadline))
			continue;
		if (net->socket >= 0)
			close(net->socket);
		if (net->output.fd >= 0)
			close(net->output.fd);
		net->socket = -1;
		net->output.fd = -1;
	}
	daemon_stop(daemons, nr);
}

static int connect_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path)) {
		log_error("--net: %s: a socket's path has at most %zu characters", path,
			  sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = -errno;
	log_error("--net: %s: cannot connect: %s", path, strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * The address of a device without one of the user's.  passt and the guest are alone on their
 * network, so it may be the same for every guest.
 */
static const u8 default_mac[USERNET_MAC] = { 0x02, 'a', 'x', 'v', 'm', 0 };

int usernet_create(struct usernet *net, unsigned int nr, const struct usernet_config *config,
		   const struct virtio_board *board, u32 gsi)
{
	struct virtio_net_config space = { .status = VIRTIO_NET_S_LINK_UP, .mtu = USERNET_MTU };
	const struct virtio_id id = {
		.type = VIRTIO_ID_NET,
		.class = NET_CLASS,
		.features = NET_FEATURES,
		.queues = USERNET_QUEUES,
		.config = &space,
		.config_size = NET_CONFIG,
	};

	snprintf(net->name, sizeof(net->name), "net%u", nr);
	net->output.fd = -1;
	net->socket = config->socket ? connect_socket(config->socket) :
		      daemon_start_net(&config->forward, &net->daemon, &net->output);
	if (net->socket < 0)
		return net->socket;
	memcpy(space.mac, config->has_mac ? config->mac : default_mac, USERNET_MAC);
	if (!config->has_mac)
		space.mac[USERNET_MAC - 1] = nr;
	return virtio_thread_create(&net->t, &id, BIT(USERNET_RX), board, gsi, net->name);
}
