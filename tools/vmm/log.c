// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the user.
 *
 * A line is formatted into one buffer and is written, or put into the ring, as a
 * whole, so lines of different threads do not mix.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "timer.h"

#define LINE	1024
#define RING	65536
/* Traces fill the ring only this far; the rest is for errors and notices. */
#define RING_TRACES	(RING / 2)
#define FLUSH_SECONDS	3

/* Set before the threads start or by one thread; read by all. */
static atomic_uint topics;
static atomic_bool raw_terminal;

/*
 * The ring.  @lock is a leaf: nothing is called and nothing is waited for with it
 * held, so a thread that holds another lock can always print a message quickly.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool started;
	char bytes[RING];
	unsigned int head;
	unsigned int count;
	unsigned long dropped;
} ring = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

void log_set_raw(bool raw)
{
	atomic_store(&raw_terminal, raw);
}

void log_enable(unsigned int add)
{
	atomic_fetch_or(&topics, add);
}

bool log_enabled(enum log_topic topic)
{
	return atomic_load(&topics) & topic;
}

/* Write @text; if there is an error, the rest of it is lost. */
static void write_all(const char *text, size_t len)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	while (len) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n >= 0) {
			text += n;
			len -= n;
		} else if (errno == EAGAIN) {
			/* Another process that shares the open file has made it non-blocking. */
			poll(&fd, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

/* With ring.lock held. */
static void enqueue(const char *text, unsigned int len)
{
	unsigned int tail = (ring.head + ring.count) % RING;
	unsigned int first = len < RING - tail ? len : RING - tail;

	memcpy(ring.bytes + tail, text, first);
	memcpy(ring.bytes, text + first, len - first);
	ring.count += len;
	pthread_cond_broadcast(&ring.changed);
}

static unsigned int format(char *buf, const char *prefix, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

static unsigned int format(char *buf, const char *prefix, const char *fmt, va_list args)
{
	bool raw = atomic_load(&raw_terminal);
	unsigned int len;
	int n;

	len = snprintf(buf, LINE, "%s%s", raw ? "\r" : "", prefix);
	n = vsnprintf(buf + len, LINE - len - 2, fmt, args);
	if (n > 0)
		len += n;
	if (len > LINE - 3)
		len = LINE - 3;
	if (raw)
		buf[len++] = '\r';
	buf[len++] = '\n';
	return len;
}

/* Say how many messages have been dropped, once there is room for that line. */
static void tell_dropped(void)
{
	const char *raw = atomic_load(&raw_terminal) ? "\r" : "";
	char buf[LINE];
	int len;

	if (!ring.dropped || ring.count > RING_TRACES)
		return;
	len = snprintf(buf, sizeof(buf),
		       "%saxvmm: %lu messages dropped: they came faster than they were read%s\n",
		       raw, ring.dropped, raw);
	ring.dropped = 0;
	enqueue(buf, len);
}

/*
 * The thread that writes the ring.  It holds no lock of the machine, so it may wait for the
 * stream's reader for ever.
 */
static void *write_ring(void *arg)
{
	pthread_mutex_lock(&ring.lock);
	for (;;) {
		unsigned int head = ring.head, count = ring.count;

		if (!count) {
			pthread_cond_wait(&ring.changed, &ring.lock);
			continue;
		}
		if (count > RING - head)
			count = RING - head;
		pthread_mutex_unlock(&ring.lock);

		/* Bytes in the ring stay where they are until taken out. */
		write_all(ring.bytes + head, count);

		pthread_mutex_lock(&ring.lock);
		ring.head = (head + count) % RING;
		ring.count -= count;
		tell_dropped();
		if (!ring.count)
			pthread_cond_broadcast(&ring.changed);
	}
	return arg;
}

static void emit(const char *text, unsigned int len, unsigned int space)
{
	pthread_mutex_lock(&ring.lock);
	if (!ring.started)
		write_all(text, len);
	else if (ring.count + len > space)
		ring.dropped++;
	else
		enqueue(text, len);
	pthread_mutex_unlock(&ring.lock);
}

int log_start(void)
{
	pthread_t thread;
	int err;

	err = pthread_create(&thread, NULL, write_ring, NULL);
	if (err) {
		log_error("cannot create a thread: %s", strerror(err));
		return -err;
	}
	pthread_setname_np(thread, "log");
	pthread_detach(thread);
	ring.started = true;
	return 0;
}

void log_flush(void)
{
	struct timespec deadline;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += FLUSH_SECONDS;
	pthread_mutex_lock(&ring.lock);
	while (ring.count && !err)
		err = pthread_cond_timedwait(&ring.changed, &ring.lock, &deadline);
	pthread_mutex_unlock(&ring.lock);
}

void log_error(const char *fmt, ...)
{
	char buf[LINE];
	va_list args;

	va_start(args, fmt);
	emit(buf, format(buf, "axvmm: ", fmt, args), RING);
	va_end(args);
}

void log_notice(const char *fmt, ...)
{
	char buf[LINE];
	va_list args;

	va_start(args, fmt);
	emit(buf, format(buf, "axvmm: ", fmt, args), RING);
	va_end(args);
}

void log_trace(enum log_topic topic, const char *fmt, ...)
{
	char buf[LINE];
	va_list args;

	if (!log_enabled(topic))
		return;
	va_start(args, fmt);
	emit(buf, format(buf, "axvmm: ", fmt, args), RING_TRACES);
	va_end(args);
}

void log_plain(const char *fmt, ...)
{
	char buf[LINE];
	va_list args;

	va_start(args, fmt);
	emit(buf, format(buf, "", fmt, args), RING);
	va_end(args);
}

bool log_allowed(struct log_limit *limit)
{
	u64 now = clock_now();

	if (!limit->start || now - limit->start >= LOG_LIMIT_SECONDS * NSEC_PER_SEC) {
		if (limit->count > LOG_LIMIT_COUNT)
			log_notice("%u more messages like the next one were not printed",
				   limit->count - LOG_LIMIT_COUNT);
		limit->start = now;
		limit->count = 0;
	}
	return limit->count++ < LOG_LIMIT_COUNT;
}
