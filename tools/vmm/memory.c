// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory.
 *
 * As in a PC: 640 KiB, the hole where a VGA adapter would be, memory up to
 * 3 GiB at most, the hole where devices would be, and the rest from 4 GiB on.
 */
#include <string.h>

#include "log.h"
#include "memory.h"

#define VGA_END		0xc0000ull

static void add(struct memory *mem, u64 start, u64 end)
{
	mem->areas[mem->nr++] = (struct memory_area){
		.gpa = start, .size = end - start,
	};
}

void memory_layout(struct memory *mem, u64 size)
{
	memset(mem, 0, sizeof(*mem));
	mem->low_end = size < LOW_LIMIT ? size : LOW_LIMIT;
	mem->high_size = size - mem->low_end;

	add(mem, 0, BASE_END);
	add(mem, VGA_END, mem->low_end);
	if (mem->high_size)
		add(mem, HIGH_START, HIGH_START + mem->high_size);
}

int memory_create(struct memory *mem, struct axv_vm *vm)
{
	unsigned int i;
	int err;

	for (i = 0; i < mem->nr; i++) {
		struct memory_area *area = &mem->areas[i];

		err = axv_vm_add_ram(vm, i, 0, area->gpa, area->size,
				     &area->hva);
		if (err) {
			log_error("no memory for the guest: %s; try a smaller --mem",
				  axv_error());
			return err;
		}
		log_trace(LOG_INFO, "memory %#llx-%#llx", area->gpa,
			  area->gpa + area->size - 1);
	}
	return 0;
}

void *memory_at(const struct memory *mem, u64 gpa, u64 size)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		const struct memory_area *area = &mem->areas[i];

		if (gpa >= area->gpa && gpa - area->gpa < area->size &&
		    size <= area->size - (gpa - area->gpa))
			return (char *)area->hva + (gpa - area->gpa);
	}
	return NULL;
}
