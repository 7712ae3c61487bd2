// SPDX-License-Identifier: GPL-2.0
/*
 * Where a PC has its memory: 640 KiB, the hole where a VGA adapter would be,
 * memory up to 3 GiB at most, the hole where devices would be, and the rest from
 * 4 GiB on.
 */
#include <string.h>

#include "map.h"

#define VGA_END		0xc0000ull

enum { BASE, LOW, HIGH };	/* the areas */

void map_memory(struct memory *mem, u64 size)
{
	u64 low_end = size < LOW_LIMIT ? size : LOW_LIMIT;

	memset(mem, 0, sizeof(*mem));
	memory_add(mem, 0, BASE_END, 0);
	memory_add(mem, VGA_END, low_end, 0);
	if (size > low_end)
		memory_add(mem, HIGH_START, HIGH_START + size - low_end, 0);
}

u64 map_low_end(const struct memory *mem)
{
	return mem->areas[LOW].gpa + mem->areas[LOW].size;
}

u64 map_high_size(const struct memory *mem)
{
	return mem->nr > HIGH ? mem->areas[HIGH].size : 0;
}
