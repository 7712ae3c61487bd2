// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Messages for a person. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "debug.h"

void debug(const char *fmt, ...)
{
	int saved = errno;
	char line[512];
	va_list args;

	if (!getenv("AXV_KVM_DEBUG"))
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* One call per line, so that lines of several threads do not mix. */
	fprintf(stderr, "axv-kvm: %s\n", line);
	errno = saved;
}
