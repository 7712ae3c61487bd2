// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * What the devices of tools/devices have to say.
 */
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
	/* An access without a device is the VMM's, and no device sees it. */
	(void)topic;
	(void)fmt;
}
