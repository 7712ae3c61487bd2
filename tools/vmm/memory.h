/* SPDX-License-Identifier: GPL-2.0 */
/* Guest memory: the map of physical addresses. */
#ifndef AXVMM_MEMORY_H
#define AXVMM_MEMORY_H

#include <axvcpu.h>

#include "types.h"

#define MEMORY_AREAS	3

#define MEMORY_MIN	MIB(32)

/* Below the hole of the VGA adapter. */
#define BASE_END	0xa0000ull
/* What lies between it and 1 MiB; the upper half is for the firmware's tables. */
#define FIRMWARE_START	0xe0000ull
#define FIRMWARE_END	0x100000ull
/* Memory ends here and goes on at 4 GiB. */
#define LOW_LIMIT	GIB(3)
#define HIGH_START	GIB(4)

/**
 * struct memory_area - memory that is contiguous for the guest and for us
 * @gpa:	guest physical address
 * @size:	bytes
 * @hva:	where it is in this process
 */
struct memory_area {
	u64 gpa;
	u64 size;
	void *hva;
};

/**
 * struct memory - the memory of a guest; constant once made
 * @low_end:	end of what is below 4 GiB
 * @high_size:	bytes from 4 GiB on
 * @areas:	all of it
 * @nr:		how many areas
 */
struct memory {
	u64 low_end;
	u64 high_size;
	struct memory_area areas[MEMORY_AREAS];
	unsigned int nr;
};

/**
 * memory_layout() - decide what goes where
 * @mem:	the memory; the areas get no @hva yet
 * @size:	bytes, a multiple of 1 MiB
 */
void memory_layout(struct memory *mem, u64 size);

/**
 * memory_create() - allocate the areas and give them to a VM
 * @mem:	the memory, laid out
 * @vm:		the VM, which will free them
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int memory_create(struct memory *mem, struct axv_vm *vm);

/**
 * memory_at() - where guest memory is in this process
 * @mem:	the memory
 * @gpa:	guest physical address
 * @size:	bytes
 *
 * Return: the address; NULL if [@gpa, @gpa + @size) is not in one area.
 */
void *memory_at(const struct memory *mem, u64 gpa, u64 size);

#endif /* AXVMM_MEMORY_H */
