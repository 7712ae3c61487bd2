// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the user.
 *
 * A line is formatted into one buffer and written by one write(), so lines of
 * different threads do not mix.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"

#define LINE	1024

/* Set before the threads start or by one thread; read by all. */
static atomic_uint topics;
static atomic_bool raw_terminal;

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

__attribute__((format(printf, 1, 0)))
static void line(const char *fmt, va_list args)
{
	bool raw = atomic_load(&raw_terminal);
	char buf[LINE];
	size_t len, done = 0;
	int n;

	len = snprintf(buf, sizeof(buf), "%saxvmm: ", raw ? "\r" : "");
	n = vsnprintf(buf + len, sizeof(buf) - len - 2, fmt, args);
	if (n < 0)
		return;
	len += n;
	if (len > sizeof(buf) - 3)
		len = sizeof(buf) - 3;
	if (raw)
		buf[len++] = '\r';
	buf[len++] = '\n';

	while (done < len) {
		ssize_t written = write(STDERR_FILENO, buf + done, len - done);

		if (written <= 0)
			return;
		done += written;
	}
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line(fmt, args);
	va_end(args);
}

void log_notice(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line(fmt, args);
	va_end(args);
}

void log_trace(enum log_topic topic, const char *fmt, ...)
{
	va_list args;

	if (!log_enabled(topic))
		return;
	va_start(args, fmt);
	line(fmt, args);
	va_end(args);
}
