// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio balloon (virtio 1.2, section 5.5), with free page reporting.
 *
 * The event loop does the work, with the machine's lock held, so each turn does a little:
 * otherwise a guest that reports much would hold its other CPUs up.  A turn that leaves work
 * signals the doorbell for the next one.
 *
 * The numbers of pages are the guest's: it may give back any of its pages at any time, and finds
 * zeroes there when it uses them again.  memory_discard() touches nothing else.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "balloon.h"
#include "doorbell.h"
#include "log.h"

#define BALLOON_CLASS	0x00ff0000	/* a device that fits into no class */
#define PAGE		(1ull << VIRTIO_BALLOON_PFN_SHIFT)

/* What a turn does at most. */
#define TURN_PAGES	256		/* numbers of pages that it reads */
#define TURN_BYTES	(4u << 20)	/* reported memory that it gives back */
#define TURN_REQUESTS	64		/* requests that it takes */

/* ---- a request ----------------------------------------------------------- */

/**
 * struct run - pages that follow each other, to be given back by one call
 * @start:	guest physical address
 * @end:	the first address behind them; @start: there are none
 */
struct run {
	u64 start;
	u64 end;
};

static void flush(const struct balloon *b, struct run *run)
{
	memory_discard(b->board.mem, run->start, run->end - run->start);
	run->start = 0;
	run->end = 0;
}

/* Linux allocates pages in either direction. */
static void add_page(const struct balloon *b, struct run *run, u64 gpa)
{
	if (run->start != run->end && gpa == run->end) {
		run->end += PAGE;
	} else if (run->start != run->end && gpa + PAGE == run->start) {
		run->start = gpa;
	} else {
		flush(b, run);
		run->start = gpa;
		run->end = gpa + PAGE;
	}
}

/* Give the pages back whose numbers are in the queue's buffers.  Takes what it does from @left. */
static void inflate(struct balloon_queue *q, unsigned int *left)
{
	struct run run = { 0, 0 };

	for (; q->buffer < q->request.nr; q->buffer++, q->offset = 0) {
		const struct ring_buffer *buffer = &q->request.buffers[q->buffer];
		u32 pfn;

		for (; buffer->size - q->offset >= sizeof(pfn); q->offset += sizeof(pfn)) {
			if (!*left) {
				flush(q->balloon, &run);
				return;
			}
			--*left;
			memcpy(&pfn, (const u8 *)buffer->data + q->offset, sizeof(pfn));
			add_page(q->balloon, &run, (u64)pfn << VIRTIO_BALLOON_PFN_SHIFT);
		}
	}
	flush(q->balloon, &run);
}

/* Give the queue's buffers back, which are free pages of the guest. */
static void report(struct balloon_queue *q, unsigned int *left)
{
	for (; q->buffer < q->request.nr; q->buffer++, q->offset = 0) {
		const struct ring_buffer *buffer = &q->request.buffers[q->buffer];

		while (q->offset < buffer->size) {
			u32 size = buffer->size - q->offset;

			if (!*left)
				return;
			size = size < *left ? size : *left;
			memory_discard(q->balloon->board.mem, buffer->gpa + q->offset, size);
			q->offset += size;
			*left -= size;
		}
	}
}

/* ---- a turn: by the event loop ------------------------------------------- */

static void signal_eventfd(int fd)
{
	u64 one = 1;

	/* EAGAIN: the counter is full, so the eventfd is readable anyway. */
	if (write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("cannot write an eventfd: %s", strerror(errno));
}

/* Take a request if none is busy.  Returns as ring_get(). */
static int next_request(struct balloon_queue *q)
{
	int found;

	if (q->busy)
		return 1;
	found = ring_get(&q->ring, &q->request);
	q->busy = found > 0;
	q->buffer = 0;
	q->offset = 0;
	return found;
}

static void work(struct balloon_queue *q)
{
	struct balloon *b = q->balloon;
	const unsigned int nr = q - b->queues;
	unsigned int left = nr == BALLOON_REPORT ? TURN_BYTES : TURN_PAGES;
	unsigned int taken = 0;
	int found = 1;

	while (left && taken < TURN_REQUESTS) {
		found = next_request(q);
		if (found <= 0)
			break;
		if (nr == BALLOON_INFLATE)
			inflate(q, &left);
		else if (nr == BALLOON_REPORT)
			report(q, &left);
		/* A page that the guest takes back is there when the guest touches it. */
		if (nr != BALLOON_DEFLATE && q->buffer < q->request.nr)
			break;
		ring_put(&q->ring, q->request.head, 0);
		q->busy = false;
		taken++;
	}
	if (taken && ring_interrupts(&q->ring))
		msix_fire(&b->virtio.msix, b->virtio.queues[nr].vector);
	if (found > 0)
		signal_eventfd(q->source.fd);
	if (found < 0) {
		log_guest("balloon: the guest's driver has a request that is not valid");
		b->running = false;
		virtio_broken(&b->virtio);
	}
}

static void bell_rings(void *arg)
{
	struct balloon_queue *q = arg;
	u64 count;

	if (read(q->source.fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("cannot read an eventfd: %s", strerror(errno));
	if (q->balloon->running && q->balloon->virtio.queues[q - q->balloon->queues].enabled)
		work(q);
}

/* ---- what the driver does ------------------------------------------------- */

static void driver_ready(void *dev)
{
	struct balloon *b = dev;
	unsigned int i;

	for (i = 0; i < BALLOON_QUEUES; i++) {
		const struct virtio_queue *queue = &b->virtio.queues[i];

		b->queues[i].busy = false;
		/* A driver that does not report has no queue for that. */
		if (!queue->enabled)
			continue;
		if (!ring_start(&b->queues[i].ring, b->board.mem, queue, i == BALLOON_REPORT)) {
			log_guest("balloon: the guest's driver has a ring outside of memory");
			virtio_broken(&b->virtio);
			return;
		}
		/* For requests that are there already. */
		signal_eventfd(b->queues[i].source.fd);
	}
	b->running = true;
}

static void driver_resets(void *dev)
{
	struct balloon *b = dev;
	const u32 nothing = 0;

	b->running = false;
	memcpy(b->virtio.config + offsetof(struct virtio_balloon_config, actual), &nothing,
	       sizeof(nothing));
	virtio_stopped(&b->virtio);
}

static void driver_notifies(void *dev, unsigned int queue)
{
	struct balloon *b = dev;

	signal_eventfd(b->queues[queue].source.fd);
}

/* work() looks the vector up each time. */
static void vector_changed(void *dev, unsigned int queue)
{
	(void)dev;
	(void)queue;
}

static void move_bell(void *dev, unsigned int queue, bool there, bool port, u64 at)
{
	struct balloon *b = dev;

	doorbell_move(b->board.vm, there, port, at, b->queues[queue].source.fd);
}

/* The driver tells how many pages it has given back. */
static void config_written(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct balloon *b = dev;

	if (offset == offsetof(struct virtio_balloon_config, actual) && width == sizeof(value))
		memcpy(b->virtio.config + offset, &value, sizeof(value));
}

static const struct virtio_ops ops = {
	.start = driver_ready,
	.stop = driver_resets,
	.notify = driver_notifies,
	.vector = vector_changed,
	.bell = move_bell,
	.config = config_written,
};

/* ---- what the user does --------------------------------------------------- */

void balloon_set(struct balloon *b, u64 bytes)
{
	const u32 pages = bytes / PAGE;

	memcpy(b->virtio.config + offsetof(struct virtio_balloon_config, num_pages), &pages,
	       sizeof(pages));
	virtio_config_changed(&b->virtio);
}

static u64 bytes_at(const struct balloon *b, size_t offset)
{
	u32 pages;

	memcpy(&pages, b->virtio.config + offset, sizeof(pages));
	return pages * PAGE;
}

u64 balloon_wanted(const struct balloon *b)
{
	return bytes_at(b, offsetof(struct virtio_balloon_config, num_pages));
}

u64 balloon_given(const struct balloon *b)
{
	return bytes_at(b, offsetof(struct virtio_balloon_config, actual));
}

/* ---- making --------------------------------------------------------------- */

static int make_queues(struct balloon *b)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < BALLOON_QUEUES; i++) {
		struct balloon_queue *q = &b->queues[i];

		q->balloon = b;
		q->source.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->source.fd < 0) {
			err = -errno;
			log_error("cannot create an eventfd: %s", strerror(errno));
			return err;
		}
		q->source.ready = bell_rings;
		q->source.arg = q;
		q->source.enabled = true;
		err = loop_add(b->loop, &q->source);
	}
	return err;
}

int balloon_create(struct balloon *b, const struct virtio_board *board, struct loop *loop, u32 gsi)
{
	static const struct virtio_balloon_config config;
	static const struct virtio_id id = {
		.type = VIRTIO_ID_BALLOON,
		.class = BALLOON_CLASS,
		.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_BALLOON_F_REPORTING |
			    1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM,
		.queues = BALLOON_QUEUES,
		.config = &config,
		.config_size = sizeof(config),
	};
	int err;

	b->board = *board;
	b->loop = loop;
	err = make_queues(b);
	if (err)
		return err;
	err = virtio_init(&b->virtio, board->pci, &id, board->msi, gsi, &ops, b, "balloon");
	if (err)
		log_error("balloon: no place on the bus for one more device");
	return err;
}
