/* SPDX-License-Identifier: GPL-2.0 */
/* Where a PC has its memory. */
#ifndef AXVMM_MAP_H
#define AXVMM_MAP_H

#include "memory.h"

/* Base memory ends here; the hole of the VGA adapter follows. */
#define BASE_END	0xa0000ull
/* The firmware's tables have the upper half of what lies between that hole and 1 MiB. */
#define FIRMWARE_START	0xe0000ull
#define FIRMWARE_END	0x100000ull
/* Memory ends here and goes on at 4 GiB. */
#define LOW_LIMIT	GIB(3)
#define HIGH_START	GIB(4)
/* The hole between: memory BARs of PCI devices, and ECAM. */
#define MAP_PCI_MEMORY	0xc0000000u
#define MAP_PCI_SIZE	0x20000000u
#define MAP_ECAM	0xe0000000u
/* I/O BARs of PCI devices, above the ports that a PC has. */
#define MAP_PCI_PORTS	0xc000u
#define MAP_PCI_PORTS_SIZE 0x4000u

/**
 * map_memory() - decide where the guest's memory is
 * @mem:	the memory; memory_create() will allocate the areas
 * @size:	bytes, a multiple of 1 MiB
 */
void map_memory(struct memory *mem, u64 size);

/** map_low_end() - get the end of the memory below 4 GiB */
u64 map_low_end(const struct memory *mem);

/** map_high_size() - get the bytes of memory from 4 GiB on */
u64 map_high_size(const struct memory *mem);

#endif /* AXVMM_MAP_H */
