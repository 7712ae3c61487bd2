// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio console (virtio 1.2, section 5.3), without the feature for several ports: then there
 * are two queues, and no messages to control ports.
 *
 * Linux waits in a loop, with interrupts off, until a console's output has been taken.  So each
 * request is given back soon, whether a reader has read it or not.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "log.h"
#include "sandbox.h"
#include "vconsole.h"

#define CONSOLE_CLASS	0x07800000	/* another communication controller */
#define END_SECONDS	3		/* how long vconsole_release() waits for a thread */

void vconsole_attach(struct vconsole *c, int fd)
{
	c->attached = true;
	c->arrived = fd;
	virtio_thread_wake(&c->t);
}

/* ---- the rings: by the thread -------------------------------------------- */

/* Write a request's output to all who read it.  Returns whether a reader was waited for. */
static bool write_output(struct vconsole *c, const struct ring_request *request)
{
	struct console_stream *streams[] = { &c->end.stream, &c->client };
	unsigned int msec = CONSOLE_END_MSEC;
	u32 left = VCONSOLE_OUT;
	unsigned int i, j;

	for (i = 0; i < request->nr && left; i++) {
		const struct ring_buffer *buffer = &request->buffers[i];
		u32 size = buffer->size < left ? buffer->size : left;

		for (j = 0; j < ARRAY_SIZE(streams); j++)
			console_stream_write(streams[j], buffer->data, size, &msec);
		left -= size;
	}
	return msec < CONSOLE_END_MSEC;
}

/*
 * Take output.  Returns 1 if there may be more: the thread looks at @wanted in between, when
 * it has waited, or after as many requests as the ring has room for.  0: there is none;
 * -EPROTO.
 */
static int take_output(struct vconsole *c)
{
	struct ring *ring = &c->t.rings[VCONSOLE_TX];
	struct ring_request request;
	unsigned int taken = 0;
	bool waited = false;
	int found = 1;

	while (!waited && taken < ring->size) {
		found = ring_get(ring, &request);
		if (found <= 0)
			break;
		waited = write_output(c, &request);
		ring_put(ring, request.head, 0);
		taken++;
	}
	if (taken)
		virtio_thread_interrupt(&c->t, VCONSOLE_TX);
	return found;
}

static u32 fill(struct vconsole *c, const struct ring_request *request)
{
	unsigned int i, done = 0;

	for (i = 0; i < request->nr && done < c->in_count; i++) {
		const struct ring_buffer *buffer = &request->buffers[i];
		u32 left = c->in_count - done;
		u32 size = buffer->size < left ? buffer->size : left;

		memcpy(buffer->data, c->in + done, size);
		done += size;
	}
	c->in_count -= done;
	memmove(c->in, c->in + done, c->in_count);
	return done;
}

/* Give the guest its input, as far as it has room.  Returns 0 or -EPROTO. */
static int give_input(struct vconsole *c)
{
	struct ring *ring = &c->t.rings[VCONSOLE_RX];
	struct ring_request request;
	unsigned int given = 0;
	int found = 0;

	/* A request may have room for nothing. */
	while (c->in_count && given < ring->size) {
		found = ring_get(ring, &request);
		if (found <= 0)
			break;
		ring_put(ring, request.head, fill(c, &request));
		given++;
	}
	if (given)
		virtio_thread_interrupt(&c->t, VCONSOLE_RX);
	return found < 0 ? found : 0;
}

/* ---- the thread ---------------------------------------------------------- */

static void detach(struct vconsole *c)
{
	console_stream_close(&c->client);
	pthread_mutex_lock(c->t.board.lock);
	c->attached = false;
	pthread_mutex_unlock(c->t.board.lock);
}

/* Read input that is there, or close a connection whose other side has gone. */
static void serve(struct vconsole *c, struct console_stream *s, short events)
{
	int n = 0;

	if (!events)
		return;
	if ((events & POLLIN) && c->in_count < VCONSOLE_IN)
		n = console_stream_read(s, c->in + c->in_count, VCONSOLE_IN - c->in_count);
	else if (events & (POLLHUP | POLLERR))
		n = -1;
	if (n > 0)
		c->in_count += n;
	else if (n < 0 && s == &c->client)
		detach(c);
	else if (n < 0)
		console_stream_close(s);
}

/* Wait for something to do; with @more, only look. */
static void wait_for_work(struct vconsole *c, bool more)
{
	const short in = c->in_count < VCONSOLE_IN ? POLLIN : 0;
	struct console_stream *end = &c->end.stream;
	struct pollfd fds[] = {
		{ .fd = c->t.wake, .events = POLLIN },
		{ .fd = c->t.kicks[VCONSOLE_RX], .events = POLLIN },
		{ .fd = c->t.kicks[VCONSOLE_TX], .events = POLLIN },
		{ .fd = end->fd < 0 ? c->end.listener : -1, .events = POLLIN },
		{ .fd = end->input ? end->fd : -1, .events = in },
		{ .fd = c->client.fd, .events = in },
	};
	unsigned int i;

	if (poll(fds, ARRAY_SIZE(fds), more ? 0 : -1) <= 0)
		return;
	for (i = 0; i < 3; i++)
		if (fds[i].revents)
			virtio_thread_clear(fds[i].fd);
	serve(c, end, fds[4].revents);
	serve(c, &c->client, fds[5].revents);
	if (fds[3].revents)
		console_end_accept(&c->end);
}

/* Do what other threads have asked for.  Returns whether to go on. */
static bool obey(struct vconsole *c, bool *active)
{
	pthread_mutex_lock(c->t.board.lock);
	if (c->arrived >= 0) {
		c->client = (struct console_stream){ .fd = c->arrived, .input = true };
		c->arrived = -1;
	}
	pthread_mutex_unlock(c->t.board.lock);
	return virtio_thread_obey(&c->t, active);
}

static void *vconsole_thread(void *arg)
{
	struct vconsole *c = arg;
	bool active, go_on;
	int found;

	if (c->t.board.seccomp && sandbox_enter_console())
		virtio_thread_dead(&c->t);
	do {
		go_on = obey(c, &active);
		found = active ? take_output(c) : 0;
		if (active && (found < 0 || give_input(c) < 0))
			virtio_thread_broken(&c->t);
		if (go_on)
			wait_for_work(c, found > 0);
	} while (go_on);
	return NULL;
}

int vconsole_start(struct vconsole *c)
{
	return virtio_thread_start(&c->t, vconsole_thread, c);
}

/* ---- making and ending ---------------------------------------------------- */

void vconsole_release(struct vconsole *consoles, unsigned int nr)
{
	struct timespec deadline;
	unsigned int i;

	for (i = 0; i < nr; i++)
		virtio_thread_quit(&consoles[i].t);
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += END_SECONDS;
	for (i = 0; i < nr; i++) {
		struct vconsole *c = &consoles[i];

		if (!virtio_thread_join(&c->t, &deadline)) {
			log_notice("%s: the last output could not be written", c->name);
			continue;
		}
		console_stream_close(&c->client);
		console_end_close(&c->end);
	}
}

int vconsole_create(struct vconsole *c, unsigned int nr, const struct console_config *config,
		    const struct virtio_board *board, u32 gsi)
{
	static const struct virtio_id id = {
		.type = VIRTIO_ID_CONSOLE,
		.class = CONSOLE_CLASS,
		.features = 1ull << VIRTIO_F_VERSION_1,
		.queues = VCONSOLE_QUEUES,
		.config = "",
	};
	int err;

	c->client.fd = -1;
	c->arrived = -1;
	snprintf(c->name, sizeof(c->name), "hvc%u", nr);
	err = console_end_open(&c->end, config, c->name);
	if (err)
		return err;
	return virtio_thread_create(&c->t, &id, BIT(VCONSOLE_RX), board, gsi, c->name);
}
