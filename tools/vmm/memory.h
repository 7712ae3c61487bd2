/* SPDX-License-Identifier: GPL-2.0 */
/* Guest memory: the map of physical addresses. */
#ifndef AXVMM_MEMORY_H
#define AXVMM_MEMORY_H

#include <axvcpu.h>

#include "types.h"

#define MEMORY_AREAS	4

/**
 * struct memory_area - memory that is contiguous for the guest and in this process
 * @gpa:	guest physical address
 * @size:	bytes
 * @flags:	AXV_REGION_*
 * @fd:		memfd that other processes can map; the area is the whole of it; -1: the
 *		area is private
 * @hva:	address of the area in this process
 */
struct memory_area {
	u64 gpa;
	u64 size;
	u32 flags;
	int fd;
	void *hva;
};

/**
 * struct memory - the memory of a guest; constant once made
 * @areas:	all of it, in ascending order
 * @nr:		how many areas
 */
struct memory {
	struct memory_area areas[MEMORY_AREAS];
	unsigned int nr;
};

/**
 * memory_add() - add an area above the others; memory_create() will allocate it
 * @mem:	the memory
 * @start:	guest physical address
 * @end:	the first address behind it
 * @flags:	AXV_REGION_*
 */
void memory_add(struct memory *mem, u64 start, u64 end, u32 flags);

/**
 * memory_create() - allocate the areas and give them to a VM
 * @mem:	the memory, laid out
 * @vm:		the VM, which will unmap them
 * @shared:	make memfds of the areas, so that other processes can map them
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int memory_create(struct memory *mem, struct axv_vm *vm, bool shared);

/**
 * memory_at() - get the address of guest memory in this process
 * @mem:	the memory
 * @gpa:	guest physical address
 * @size:	bytes
 *
 * Return: the address; NULL if [@gpa, @gpa + @size) is not in one area.
 */
void *memory_at(const struct memory *mem, u64 gpa, u64 size);

/**
 * memory_discard() - give guest memory back to the host; the guest finds zeroes there
 * @mem:	the memory
 * @gpa:	guest physical address
 * @size:	bytes
 *
 * What is not memory that the guest may write, or no whole page of the host, is left as it is.
 */
void memory_discard(const struct memory *mem, u64 gpa, u64 size);

/** memory_end() - get the first guest physical address behind all memory */
u64 memory_end(const struct memory *mem);

#endif /* AXVMM_MEMORY_H */
