// SPDX-License-Identifier: GPL-2.0
/* TAP output. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tap.h"

static bool failed;

void tap_fail(const char *file, int line, const char *fmt, ...)
{
	const char *name = strrchr(file, '/');
	va_list args;

	failed = true;
	printf("# %s:%d: ", name ? name + 1 : file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

int tap_run(const struct tap_case *cases, unsigned int count)
{
	unsigned int i, failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", count);
	for (i = 0; i < count; i++) {
		failed = false;
		cases[i].run();
		failures += failed;
		printf("%sok %u %s\n", failed ? "not " : "", i + 1,
		       cases[i].name);
	}
	return failures ? 1 : 0;
}
