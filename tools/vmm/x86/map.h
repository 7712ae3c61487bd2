/* SPDX-License-Identifier: GPL-2.0 */
/* Where a PC has its memory. */
#ifndef AXVMM_MAP_H
#define AXVMM_MAP_H

#include "memory.h"

/* Below the hole of the VGA adapter. */
#define BASE_END	0xa0000ull
/* What lies between it and 1 MiB; the upper half is for the firmware's tables. */
#define FIRMWARE_START	0xe0000ull
#define FIRMWARE_END	0x100000ull
/* Memory ends here and goes on at 4 GiB. */
#define LOW_LIMIT	GIB(3)
#define HIGH_START	GIB(4)
/* Between: memory of PCI devices, and their configuration space. */
#define MAP_PCI_MEMORY	0xc0000000u
#define MAP_PCI_SIZE	0x20000000u
#define MAP_ECAM	0xe0000000u
/* Ports of PCI devices: above those that a PC has. */
#define MAP_PCI_PORTS	0xc000u
#define MAP_PCI_PORTS_SIZE 0x4000u

/**
 * map_memory() - decide what goes where
 * @mem:	the memory; the areas get no @hva yet
 * @size:	bytes, a multiple of 1 MiB
 */
void map_memory(struct memory *mem, u64 size);

/** map_low_end() - end of what is below 4 GiB */
u64 map_low_end(const struct memory *mem);

/** map_high_size() - bytes from 4 GiB on */
u64 map_high_size(const struct memory *mem);

#endif /* AXVMM_MAP_H */
