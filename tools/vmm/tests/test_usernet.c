// SPDX-License-Identifier: GPL-2.0
/* Tests of networks by passt.  The test is the driver, and passt. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "driver.h"
#include "sandbox.h"
#include "tap.h"
#include "usernet.h"

#define RX	USERNET_RX
#define TX	USERNET_TX
#define WRITE	VRING_DESC_F_WRITE
#define NEXT	VRING_DESC_F_NEXT
#define HEADER	sizeof(struct virtio_net_hdr_v1)
#define BROKEN	(15 | VIRTIO_CONFIG_S_NEEDS_RESET)

static struct usernet net;
static struct virtio_board board;
static int passt;

/* Make the device, whose passt this test is. */
static void create(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[] = "/tmp/test_usernet.XXXXXX";
	const struct usernet_config config = { .socket = address.sun_path };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(mkdtemp(path));
	strcpy(address.sun_path, path);
	strcat(address.sun_path, "/s");
	CHECK(!bind(listener, (struct sockaddr *)&address, sizeof(address)) &&
	      !listen(listener, 1));
	board = *driver_board();
	board.seccomp = true;
	memset(&net, 0, sizeof(net));
	CHECK_EQ(usernet_create(&net, 3, &config, &board, DRIVER_GSI), 0);
	passt = accept(listener, NULL, NULL);
	CHECK(passt >= 0);
	close(listener);
	unlink(address.sun_path);
	rmdir(path);
	driver_find(&net.t.virtio);
}

static void start(void)
{
	create();
	CHECK_EQ(usernet_start(&net), 0);
	driver_start(USERNET_QUEUES);
	CHECK(driver_status_becomes(15));
}

static void stop(void)
{
	usernet_release(&net, 1);
	CHECK(!net.t.running && net.socket < 0);
	close(passt);
}

static void fill(u8 *at, size_t size, u8 seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		at[i] = seed + i * 7 + i / 251;
}

static bool is_filled(const u8 *at, size_t size, u8 seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (at[i] != (u8)(seed + i * 7 + i / 251))
			return false;
	return true;
}

/* passt sends a packet, in two parts. */
static void passt_sends(u32 size, u8 seed)
{
	static u8 bytes[4 + USERNET_PACKET];
	const u32 half = size / 2;

	bytes[0] = size >> 24;
	bytes[1] = size >> 16;
	bytes[2] = size >> 8;
	bytes[3] = size;
	fill(bytes + 4, size, seed);
	CHECK_EQ(write(passt, bytes, half), half);
	CHECK_EQ(write(passt, bytes + half, 4 + size - half), 4 + size - half);
}

static bool read_all(u8 *at, size_t size)
{
	while (size) {
		struct pollfd fd = { .fd = passt, .events = POLLIN };
		ssize_t n = poll(&fd, 1, 5000) > 0 ? read(passt, at, size) : 0;

		if (n <= 0)
			return false;
		at += n;
		size -= n;
	}
	return true;
}

/* passt gets this packet. */
static bool passt_gets(u32 size, u8 seed)
{
	static u8 bytes[4 + USERNET_PACKET];

	return read_all(bytes, 4 + size) && !bytes[0] && bytes[1] == size >> 16 &&
	       bytes[2] == (u8)(size >> 8) && bytes[3] == (u8)size &&
	       is_filled(bytes + 4, size, seed);
}

/* The guest sends a packet. */
static void guest_sends(u32 size, u8 seed)
{
	const u64 at = DRIVER_BUFFERS + 0x20000;

	memset(driver_memory(at), 0xff, HEADER);
	fill((u8 *)driver_memory(at) + HEADER, size, seed);
	driver_send(TX, at, HEADER + size, 0);
}

static const struct virtio_net_hdr_v1 *header_at(u64 gpa)
{
	return driver_memory(gpa);
}

/* ---- tests --------------------------------------------------------------- */

static void both_ways(void)
{
	const struct virtio_net_hdr_v1 *header;
	struct virtio_net_config space;

	start();
	header = header_at(DRIVER_BUFFERS);
	memcpy(&space, net.t.virtio.config, sizeof(space));
	CHECK_EQ(space.mtu, USERNET_MTU);
	CHECK(space.mac[0] == 2 && space.mac[5] == 3);

	driver_send(RX, DRIVER_BUFFERS, 2000, WRITE);
	passt_sends(60, 1);
	CHECK(driver_has_used(RX, 1));
	CHECK_EQ(driver_used(RX)->ring[0].len, HEADER + 60);
	CHECK_EQ(header->num_buffers, 1);
	CHECK(!header->flags && !header->gso_type && !header->hdr_len);
	CHECK(is_filled((const u8 *)header + HEADER, 60, 1));
	CHECK(driver_fired(RX) >= 1);

	guest_sends(1514, 2);
	CHECK(passt_gets(1514, 2));
	CHECK(driver_has_used(TX, 1));
	CHECK_EQ(driver_used(TX)->ring[0].len, 0);
	guest_sends(USERNET_PACKET, 3);
	CHECK(passt_gets(USERNET_PACKET, 3));
	stop();
}

/* A packet lies in as many buffers as it takes, and waits until there are enough. */
static void merged(void)
{
	const struct vring_used *used;
	u8 packet[3000];

	start();
	used = driver_used(RX);
	driver_send(RX, DRIVER_BUFFERS, 1024, WRITE);
	driver_send(RX, DRIVER_BUFFERS + 0x1000, 1024, WRITE);
	passt_sends(3000, 1);
	passt_sends(60, 2);
	/* A packet of the other direction shows that the device has had the time to do it. */
	guest_sends(60, 3);
	CHECK(passt_gets(60, 3));
	CHECK_EQ(used->idx, 0);
	driver_send(RX, DRIVER_BUFFERS + 0x2000, 1024, WRITE);
	CHECK(driver_has_used(RX, 3));
	CHECK_EQ(header_at(DRIVER_BUFFERS)->num_buffers, 3);
	CHECK(used->ring[0].len == 1024 && used->ring[1].len == 1024);
	CHECK_EQ(used->ring[2].len, 3000 + HEADER - 2048);
	memcpy(packet, (u8 *)driver_memory(DRIVER_BUFFERS) + HEADER, 1024 - HEADER);
	memcpy(packet + 1024 - HEADER, driver_memory(DRIVER_BUFFERS + 0x1000), 1024);
	memcpy(packet + 2048 - HEADER, driver_memory(DRIVER_BUFFERS + 0x2000),
	       3000 + HEADER - 2048);
	CHECK(is_filled(packet, 3000, 1));
	/* The next packet did not overtake it. */
	driver_send(RX, DRIVER_BUFFERS + 0x3000, 1024, WRITE);
	CHECK(driver_has_used(RX, 4));
	CHECK(is_filled((u8 *)driver_memory(DRIVER_BUFFERS + 0x3000) + HEADER, 60, 2));
	stop();
}

/* A header may be in a buffer of its own, and end in the middle of one. */
static void odd_buffers(void)
{
	struct vring_desc *table;

	start();
	table = driver_table(RX);
	table[0] = (struct vring_desc){ DRIVER_BUFFERS, 5, WRITE | NEXT, 1 };
	table[1] = (struct vring_desc){ DRIVER_BUFFERS + 5, 9, WRITE | NEXT, 2 };
	table[2] = (struct vring_desc){ DRIVER_BUFFERS + 14, 100, WRITE, 0 };
	driver_add(RX, 0);
	passt_sends(60, 1);
	CHECK(driver_has_used(RX, 1));
	CHECK_EQ(header_at(DRIVER_BUFFERS)->num_buffers, 1);
	CHECK(is_filled((u8 *)driver_memory(DRIVER_BUFFERS) + HEADER, 60, 1));

	fill(driver_memory(DRIVER_BUFFERS + HEADER), 60, 2);
	table = driver_table(TX);
	table[0] = (struct vring_desc){ DRIVER_BUFFERS, 5, NEXT, 1 };
	table[1] = (struct vring_desc){ DRIVER_BUFFERS + 5, 9, NEXT, 2 };
	table[2] = (struct vring_desc){ DRIVER_BUFFERS + 14, 58, 0, 0 };
	driver_add(TX, 0);
	CHECK(passt_gets(60, 2));
	stop();
}

/* A driver that cannot merge buffers loses packets that are too large for one. */
static void unmerged(void)
{
	create();
	net.t.virtio.features &= ~(1ull << VIRTIO_NET_F_MRG_RXBUF);
	CHECK_EQ(usernet_start(&net), 0);
	driver_start(USERNET_QUEUES);
	driver_send(RX, DRIVER_BUFFERS, HEADER + 1514, WRITE);
	passt_sends(1515, 1);
	passt_sends(1514, 2);
	CHECK(driver_has_used(RX, 1));
	CHECK(is_filled((u8 *)driver_memory(DRIVER_BUFFERS) + HEADER, 1514, 2));
	CHECK_EQ(header_at(DRIVER_BUFFERS)->num_buffers, 1);
	stop();
}

/* If all the ring's buffers together are too small, the packet does not block the next one. */
static void tiny_buffers(void)
{
	unsigned int i;

	start();
	for (i = 0; i < DRIVER_SIZE; i++)
		driver_send(RX, DRIVER_BUFFERS + i * 0x100, 100, WRITE);
	passt_sends(1514, 1);
	passt_sends(60, 2);
	CHECK(driver_has_used(RX, 1));
	CHECK(is_filled((u8 *)driver_memory(DRIVER_BUFFERS) + HEADER, 60, 2));
	stop();
}

/* What is too short or too long for a packet is given back, and goes nowhere. */
static void no_packets(void)
{
	unsigned int i;

	start();
	driver_send(TX, DRIVER_BUFFERS, HEADER + 13, 0);
	driver_send(TX, DRIVER_BUFFERS, HEADER - 1, 0);
	driver_send(TX, DRIVER_BUFFERS, HEADER + USERNET_PACKET + 1, 0);
	driver_send(TX, DRIVER_BUFFERS, HEADER, 0);
	CHECK(driver_has_used(TX, 4));
	for (i = 0; i < DRIVER_SIZE; i++)
		driver_table(TX)[i] = (struct vring_desc){
			DRIVER_RAM, DRIVER_RAM_SIZE, i < DRIVER_SIZE - 1 ? NEXT : 0, i + 1,
		};
	driver_add(TX, 0);
	CHECK(driver_has_used(TX, 5));
	guest_sends(14, 1);
	CHECK(passt_gets(14, 1));
	stop();
}

/* passt does not read: the guest's packets wait in the ring, and none is lost. */
static void passt_is_slow(void)
{
	const struct vring_used *used;
	unsigned int sent = 0, i;

	start();
	used = driver_used(TX);
	while ((u16)(driver_available(TX)->idx - __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE)) <
	       DRIVER_SIZE && sent < 200) {
		const u64 at = DRIVER_BUFFERS + sent % DRIVER_SIZE * 0x8000u;

		fill((u8 *)driver_memory(at) + HEADER, 0x7000, sent);
		driver_send(TX, at, HEADER + 0x7000, 0);
		sent++;
		/* Wait until the device has taken it, but not if it cannot. */
		for (i = 0; i < 50 && __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) !=
				      driver_available(TX)->idx; i++)
			usleep(1000);
	}
	CHECK(sent < 200);
	for (i = 0; i < sent; i++)
		CHECK(passt_gets(0x7000, i));
	CHECK(driver_has_used(TX, sent));
	stop();
}

/* The guest asks for no notifications where the device can do nothing with one. */
static void notifications(void)
{
	start();
	guest_sends(60, 1);
	CHECK(passt_gets(60, 1));
	/* By then the thread waits again, or is about to. */
	while (!(__atomic_load_n(&driver_used(RX)->flags, __ATOMIC_RELAXED) &
		 VRING_USED_F_NO_NOTIFY))
		usleep(1000);
	passt_sends(60, 2);
	while (__atomic_load_n(&driver_used(RX)->flags, __ATOMIC_RELAXED) &
	       VRING_USED_F_NO_NOTIFY)
		usleep(1000);
	driver_send(RX, DRIVER_BUFFERS, 2000, WRITE);
	CHECK(driver_has_used(RX, 1));
	stop();
}

/* Packets that come while no driver is there are lost; later ones are not. */
static void reset(void)
{
	start();
	CHECK(driver_reset());
	passt_sends(60, 1);
	passt_sends(USERNET_PACKET, 2);
	passt_sends(USERNET_PACKET, 3);
	passt_sends(USERNET_PACKET, 4);
	driver_start(USERNET_QUEUES);
	guest_sends(60, 5);
	CHECK(passt_gets(60, 5));
	driver_send(RX, DRIVER_BUFFERS, 2000, WRITE);
	passt_sends(61, 6);
	CHECK(driver_has_used(RX, 1));
	stop();
}

static void bad_requests(void)
{
	static const struct {
		unsigned int queue;
		struct vring_desc d;
	} wrong[] = {
		{ TX, { DRIVER_RAM - 1, 1, 0, 0 } },
		{ TX, { DRIVER_RAM + DRIVER_RAM_SIZE - 1, 2, 0, 0 } },
		{ TX, { DRIVER_BUFFERS, 16, VRING_DESC_F_INDIRECT, 0 } },
		{ RX, { DRIVER_ROM, 100, WRITE, 0 } },
		{ RX, { DRIVER_RAM - 1, 1, WRITE, 0 } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		start();
		passt_sends(60, 1);
		driver_table(wrong[i].queue)[0] = wrong[i].d;
		driver_add(wrong[i].queue, 0);
		CHECK(driver_status_becomes(BROKEN));
		CHECK_EQ(driver_used(wrong[i].queue)->idx, 0);
		driver_start(USERNET_QUEUES);
		guest_sends(60, 2);
		CHECK(passt_gets(60, 2));
		stop();
	}
}

/* passt ends, or says what is no packet: the device works no more, and nothing turns. */
static void passt_fails(void)
{
	static const u8 wrong[][4] = {
		{ 0, 0, 0, 13 }, { 0, 1, 0, 0 }, { 0xff, 0xff, 0xff, 0xff }, { 0 },
	};
	unsigned int i;

	start();
	close(passt);
	CHECK(driver_status_becomes(BROKEN));
	CHECK(driver_reset());
	stop();
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		start();
		CHECK_EQ(write(passt, wrong[i], 4), 4);
		CHECK(driver_status_becomes(BROKEN));
		stop();
	}
	/* It ends while a packet waits for the guest. */
	start();
	passt_sends(60, 1);
	close(passt);
	CHECK(driver_status_becomes(BROKEN));
	stop();
}

/* Rings full of random bytes, changed while the device works on them. */
static void random_rings(void)
{
	static u8 bytes[4096];
	unsigned int i;

	srandom(1);
	start();
	CHECK(!fcntl(passt, F_SETFL, O_NONBLOCK));
	for (i = 0; i < 3000; i++) {
		const u8 packet[4 + 60] = { 0, 0, 0, 60 };

		/* A part of a packet would be no packet's beginning. */
		if (i % 2 && write(passt, packet, sizeof(packet)) < 0)
			while (read(passt, bytes, sizeof(bytes)) > 0)
				;
		driver_fill_random(i % 2 ? RX : TX);
		driver_notify(i % 2 ? RX : TX);
		if (i % 64 == 0)
			driver_start(USERNET_QUEUES);
	}
	driver_start(USERNET_QUEUES);
	CHECK(driver_status_becomes(15));
	stop();
}

static void refused(void)
{
	struct usernet_config config = { .socket = "/nonexistent/socket" };
	char much[200];

	CHECK_EQ(usernet_create(&net, 0, &config, driver_board(), DRIVER_GSI), -ENOENT);
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	config.socket = much;
	CHECK_EQ(usernet_create(&net, 0, &config, driver_board(), DRIVER_GSI), -ENAMETOOLONG);
}

static const struct tap_case cases[] = {
	{ "packets both ways", both_ways },
	{ "a packet in several buffers", merged },
	{ "buffers of odd sizes", odd_buffers },
	{ "a driver that cannot merge buffers", unmerged },
	{ "a ring that is too small for a packet", tiny_buffers },
	{ "requests that are no packets", no_packets },
	{ "passt does not read", passt_is_slow },
	{ "notifications only where they help", notifications },
	{ "a reset under load", reset },
	{ "requests that are not valid", bad_requests },
	{ "passt fails", passt_fails },
	{ "random rings", random_rings },
	{ "sockets that cannot be", refused },
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sandbox_prepare();
	return tap_run(cases, ARRAY_SIZE(cases));
}
