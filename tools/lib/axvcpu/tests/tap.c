// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * TAP output.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tap.h"

static unsigned int tests;
static unsigned int failures;

bool tap(bool good, const char *fmt, ...)
{
	va_list args;

	if (!tests)
		printf("TAP version 13\n");
	tests++;
	failures += !good;
	printf("%sok %u - ", good ? "" : "not ", tests);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	return good;
}

void tap_note(const char *fmt, ...)
{
	va_list args;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

int tap_done(void)
{
	printf("1..%u\n# %u passed, %u failed\n", tests, tests - failures, failures);
	return failures || !tests;
}
