// SPDX-License-Identifier: GPL-2.0
/* Tests of the balloon, and of giving memory back.  The test is the driver. */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>

#include "balloon.h"
#include "driver.h"
#include "tap.h"

#define INFLATE	BALLOON_INFLATE
#define DEFLATE	BALLOON_DEFLATE
#define REPORT	BALLOON_REPORT
#define WRITE	VRING_DESC_F_WRITE
#define PAGE	4096u
#define FILL	0xa5

/* The test's pages; the rings and the arrays of page numbers are below. */
#define PAGES	(DRIVER_RAM + DRIVER_RAM_SIZE / 2)
#define NUMBERS	(PAGES - 0x10000)

static struct loop loop;
static struct balloon balloon;
static pthread_t thread;
static const struct virtio_board *board;

static void *loop_thread(void *arg)
{
	(void)arg;
	loop_run(&loop);
	return NULL;
}

/* Make a device whose event loop stands still, and start it. */
static void make(void)
{
	board = driver_board();
	memset(&balloon, 0, sizeof(balloon));
	CHECK_EQ(loop_init(&loop, board->lock), 0);
	CHECK_EQ(balloon_create(&balloon, board, &loop, DRIVER_GSI), 0);
	driver_find(&balloon.virtio);
	driver_start(BALLOON_QUEUES);
	CHECK(driver_status_becomes(15));
	memset(driver_memory(PAGES), FILL, DRIVER_RAM_SIZE / 2);
}

static void start(void)
{
	make();
	CHECK(!pthread_create(&thread, NULL, loop_thread, NULL));
}

static void release(void)
{
	unsigned int i;

	for (i = 0; i < BALLOON_QUEUES; i++)
		close(balloon.queues[i].source.fd);
	loop_free(&loop);
}

static void stop(void)
{
	pthread_mutex_lock(board->lock);
	loop_stop(&loop);
	pthread_mutex_unlock(board->lock);
	pthread_join(thread, NULL);
	release();
}

/* Whether the page has been given back, and not the byte before it, or the one behind. */
static bool is_back(unsigned int page)
{
	const u8 *at = driver_memory(PAGES + page * PAGE);

	return !at[0] && !at[PAGE - 1];
}

static bool is_kept(unsigned int page)
{
	const u8 *at = driver_memory(PAGES + page * PAGE);

	return at[0] == FILL && at[PAGE - 1] == FILL;
}

/* Send page numbers. */
static bool send(unsigned int queue, const u32 *numbers, unsigned int nr)
{
	const u16 before = driver_used(queue)->idx;

	memcpy(driver_memory(NUMBERS), numbers, nr * sizeof(*numbers));
	driver_send(queue, NUMBERS, nr * sizeof(*numbers), 0);
	return driver_has_used(queue, before + 1);
}

/* ---- tests --------------------------------------------------------------- */

static void inflates(void)
{
	const u32 first = PAGES / PAGE;
	const u32 numbers[] = {
		first + 1, first + 2, first + 3,	/* upwards */
		first + 9, first + 8,			/* downwards */
		first + 20,
	};
	unsigned int i;

	start();
	CHECK(send(INFLATE, numbers, ARRAY_SIZE(numbers)));
	for (i = 0; i < 24; i++)
		if ((i >= 1 && i <= 3) || i == 8 || i == 9 || i == 20)
			CHECK(is_back(i));
		else
			CHECK(is_kept(i));
	CHECK_EQ(driver_used(INFLATE)->ring[0].len, 0);
	CHECK_EQ(driver_fired(INFLATE), 1);
	/* Taking pages back needs nothing but an answer; the guest can use them before. */
	memset(driver_memory(PAGES + PAGE), FILL, PAGE);
	CHECK(send(DEFLATE, numbers, ARRAY_SIZE(numbers)));
	CHECK(is_kept(1) && is_back(2));
	stop();
}

/* More numbers than a turn takes, in several buffers, of which one ends within a number. */
static void many_pages(void)
{
	const u32 first = PAGES / PAGE, last = DRIVER_RAM_SIZE / 2 / PAGE - 1;
	u32 *numbers = driver_memory(NUMBERS);
	unsigned int i;

	start();
	for (i = 0; i < 1024; i++)
		numbers[i] = first;
	for (; i < 1024 + last / 2; i++)
		numbers[i] = first + 2 * (i - 1024);
	driver_table(INFLATE)[0] = (struct vring_desc){ NUMBERS, 4 * 1024 + 2, 1, 1 };
	driver_table(INFLATE)[1] = (struct vring_desc){ NUMBERS + 4 * 1024, 2 * last, 0, 0 };
	driver_add(INFLATE, 0);
	CHECK(driver_has_used(INFLATE, 1));
	for (i = 0; i + 2 < last; i += 2)
		CHECK(is_back(i) && is_kept(i + 1));
	stop();
}

/* Numbers of pages that are not the guest's, or that it may not write, do nothing. */
static void foreign_pages(void)
{
	const u32 numbers[] = {
		0, DRIVER_RAM / PAGE - 1, DRIVER_ROM / PAGE, DRIVER_ROM / PAGE + 1, ~0u, ~0u - 1,
		1u << 31, DRIVER_ROM / PAGE - 1, DRIVER_ROM / PAGE,
	};

	start();
	CHECK(send(INFLATE, numbers, ARRAY_SIZE(numbers)));
	/* The last page of the RAM is the guest's, though what follows it is not. */
	CHECK(is_back(DRIVER_RAM_SIZE / 2 / PAGE - 1));
	CHECK(is_kept(DRIVER_RAM_SIZE / 2 / PAGE - 2));
	CHECK_EQ(*(u8 *)driver_memory(DRIVER_ROM), DRIVER_ROM_BYTE);
	stop();
}

static void reports(void)
{
	start();
	CHECK(driver_read_config(offsetof(struct virtio_balloon_config, num_pages)) == 0);
	/* Only whole pages are given back. */
	driver_send(REPORT, PAGES + 100, 3 * PAGE, WRITE);
	CHECK(driver_has_used(REPORT, 1));
	CHECK(is_kept(3) && is_back(1) && is_back(2));
	CHECK(*(u8 *)driver_memory(PAGES + 100) == FILL);
	/* Several buffers. */
	driver_table(REPORT)[1] = (struct vring_desc){ PAGES + 8 * PAGE, PAGE, WRITE | 1, 2 };
	driver_table(REPORT)[2] = (struct vring_desc){ PAGES + 16 * PAGE, 2 * PAGE, WRITE, 0 };
	driver_add(REPORT, 1);
	CHECK(driver_has_used(REPORT, 2));
	CHECK(is_back(8) && is_kept(9) && is_back(16) && is_back(17) && is_kept(18));
	CHECK_EQ(driver_fired(REPORT), 2);
	/* What is not the guest's breaks the device, as each ring of its does. */
	driver_send(REPORT, DRIVER_ROM, PAGE, WRITE);
	CHECK(driver_status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
	driver_start(BALLOON_QUEUES);
	driver_send(REPORT, PAGES, PAGE, WRITE);
	CHECK(driver_has_used(REPORT, 1));
	stop();
}

/* One turn of a queue, while the event loop stands still. */
static void turn(unsigned int queue)
{
	pthread_mutex_lock(board->lock);
	balloon.queues[queue].source.ready(balloon.queues[queue].source.arg);
	pthread_mutex_unlock(board->lock);
}

/* A request that needs several turns is forgotten by a reset.  The rings are given back, too. */
static void reset_meanwhile(void)
{
	unsigned int i;

	make();
	for (i = 0; i < DRIVER_SIZE; i++)
		driver_table(REPORT)[i] = (struct vring_desc){
			DRIVER_RAM, DRIVER_RAM_SIZE, WRITE | (i < DRIVER_SIZE - 1), i + 1,
		};
	driver_add(REPORT, 0);
	turn(REPORT);
	CHECK(balloon.queues[REPORT].busy);
	CHECK(is_back(0));
	driver_start(BALLOON_QUEUES);
	memset(driver_memory(PAGES), FILL, DRIVER_RAM_SIZE / 2);
	driver_send(REPORT, PAGES, PAGE, WRITE);
	turn(REPORT);
	CHECK_EQ(driver_used(REPORT)->idx, 1);
	CHECK(is_back(0) && is_kept(1));
	release();
}

static void the_user_asks(void)
{
	start();
	pthread_mutex_lock(board->lock);
	balloon_set(&balloon, 16 * PAGE);
	CHECK_EQ(balloon_wanted(&balloon), 16 * PAGE);
	CHECK_EQ(balloon_given(&balloon), 0);
	pthread_mutex_unlock(board->lock);
	CHECK_EQ(driver_config_fired(), 1);
	CHECK_EQ(driver_read_config(offsetof(struct virtio_balloon_config, num_pages)), 16);
	/* The driver can write only what is its own. */
	driver_write_config(offsetof(struct virtio_balloon_config, num_pages), 5);
	driver_write_config(offsetof(struct virtio_balloon_config, actual), 7);
	driver_write_config(offsetof(struct virtio_balloon_config, actual) + 4, 9);
	pthread_mutex_lock(board->lock);
	CHECK_EQ(balloon_wanted(&balloon), 16 * PAGE);
	CHECK_EQ(balloon_given(&balloon), 7 * PAGE);
	pthread_mutex_unlock(board->lock);
	CHECK_EQ(driver_read_config(offsetof(struct virtio_balloon_config, actual)), 7);
	/* Another driver has to give the pages back anew. */
	driver_start(BALLOON_QUEUES);
	CHECK_EQ(driver_read_config(offsetof(struct virtio_balloon_config, num_pages)), 16);
	CHECK_EQ(driver_read_config(offsetof(struct virtio_balloon_config, actual)), 0);
	/* A driver that does not report has two queues. */
	driver_start(2);
	CHECK(driver_status_becomes(15));
	driver_notify(REPORT);
	CHECK(send(INFLATE, (u32 []){ PAGES / PAGE }, 1));
	CHECK(is_back(0));
	stop();
}

/* In memory that is shared, the pages are taken from other processes as well. */
static void shared(void)
{
	struct memory mem = { 0 };
	u8 *other;

	memory_add(&mem, 0x10000, 0x14000, 0);
	mem.areas[0].fd = memfd_create("guest", MFD_CLOEXEC);
	CHECK(mem.areas[0].fd >= 0 && !ftruncate(mem.areas[0].fd, 0x4000));
	mem.areas[0].hva = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED,
				mem.areas[0].fd, 0);
	other = mmap(NULL, 0x4000, PROT_READ, MAP_SHARED, mem.areas[0].fd, 0);
	memset(mem.areas[0].hva, FILL, 0x4000);
	memory_discard(&mem, 0x11000, 0x1fff);
	CHECK(other[0xfff] == FILL && !other[0x1000] && !other[0x1fff] && other[0x2000] == FILL);
	CHECK_EQ(*(u8 *)memory_at(&mem, 0x11000, 1), 0);
	munmap(other, 0x4000);
	munmap(mem.areas[0].hva, 0x4000);
	close(mem.areas[0].fd);
}

/* Rings full of random bytes, valid ones among them. */
static void random_rings(void)
{
	unsigned int i, q;

	srandom(1);
	start();
	for (i = 0; i < 3000; i++) {
		driver_start(BALLOON_QUEUES);
		for (q = 0; q < BALLOON_QUEUES; q++) {
			driver_fill_random(q);
			driver_notify(q);
		}
	}
	driver_start(BALLOON_QUEUES);
	CHECK(send(INFLATE, (u32 []){ PAGES / PAGE }, 1));
	stop();
}

static const struct tap_case cases[] = {
	{ "pages are given back", inflates },
	{ "many pages", many_pages },
	{ "pages that are not the guest's", foreign_pages },
	{ "free pages are reported", reports },
	{ "a reset meanwhile", reset_meanwhile },
	{ "what the user asks for", the_user_asks },
	{ "memory that is shared", shared },
	{ "random rings", random_rings },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
