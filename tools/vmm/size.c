// SPDX-License-Identifier: GPL-2.0
/* Numbers and sizes on the command line. */
#include "size.h"

const char *size_number(const char *text, u64 limit, u64 *n)
{
	const char *p = text;

	for (*n = 0; *p >= '0' && *p <= '9'; p++) {
		if (*n > (limit - (*p - '0')) / 10)
			return NULL;
		*n = *n * 10 + (*p - '0');
	}
	return p == text ? NULL : p;
}

u64 size_parse(const char *text)
{
	const char *unit;
	u64 n;

	unit = size_number(text, ~0ull >> 30, &n);
	if (!unit || (unit[0] && unit[1]))
		return 0;
	switch (*unit) {
	case 'G':
	case 'g':
		return n << 30;
	case 'M':
	case 'm':
	case '\0':
		return n << 20;
	}
	return 0;
}
