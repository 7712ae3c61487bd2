/* SPDX-License-Identifier: GPL-2.0 */
/* What the targets share: taking an input apart. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct input - what is left of an input
 * @data: the bytes
 * @size: how many; zeroes follow
 */
struct input {
	const uint8_t *data;
	size_t size;
};

/** take() - the next @bytes bytes, at most 8, as a number */
static inline uint64_t take(struct input *in, unsigned int bytes)
{
	size_t n = bytes < in->size ? bytes : in->size;
	uint64_t value = 0;

	memcpy(&value, in->data, n);
	in->data += n;
	in->size -= n;
	return value;
}

/* Called by libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** must() - end with a report if something does not hold */
#define must(what) do {							\
	if (!(what)) {							\
		fprintf(stderr, "fuzz: %s:%d: %s\n", __FILE__, __LINE__, #what); \
		abort();						\
	}								\
} while (0)

#endif /* FUZZ_H */
