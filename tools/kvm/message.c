// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* The messages of the devices in tools/devices. */
#include <stdarg.h>
#include <stdio.h>

#include "debug.h"
#include "message.h"

void log_error(const char *fmt, ...)
{
	char line[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	debug("%s", line);
}

void log_trace(enum log_topic topic, const char *fmt, ...)
{
	/*
	 * The devices trace only accesses that no device has.  Here the VMM gets these, so
	 * nothing is printed.
	 */
	(void)topic;
	(void)fmt;
}
