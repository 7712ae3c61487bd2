// SPDX-License-Identifier: GPL-2.0
/* Stands in for log.c: formats messages, and drops them. */
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

static void forget(const char *fmt, va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, args);
}

bool log_enabled(enum log_topic topic)
{
	(void)topic;
	return true;
}

bool log_allowed(struct log_limit *limit)
{
	(void)limit;
	return true;
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	forget(fmt, args);
	va_end(args);
}

void log_notice(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	forget(fmt, args);
	va_end(args);
}

void log_trace(enum log_topic topic, const char *fmt, ...)
{
	va_list args;

	(void)topic;
	va_start(args, fmt);
	forget(fmt, args);
	va_end(args);
}
