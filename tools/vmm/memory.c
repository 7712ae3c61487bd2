// SPDX-License-Identifier: GPL-2.0
/* Guest memory. */
#include <sys/mman.h>

#include "log.h"
#include "memory.h"

void memory_add(struct memory *mem, u64 start, u64 end, u32 flags)
{
	mem->areas[mem->nr++] = (struct memory_area){
		.gpa = start, .size = end - start, .flags = flags,
	};
}

int memory_create(struct memory *mem, struct axv_vm *vm)
{
	unsigned int i;
	int err;

	for (i = 0; i < mem->nr; i++) {
		struct memory_area *area = &mem->areas[i];

		err = axv_vm_add_ram(vm, i, area->flags, area->gpa, area->size,
				     &area->hva);
		if (err) {
			log_error("no memory for the guest: %s; try a smaller --mem",
				  axv_error());
			return err;
		}
		/* A guest's memory is large, and its secrets are the guest's. */
		madvise(area->hva, area->size, MADV_DONTDUMP);
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

u64 memory_end(const struct memory *mem)
{
	const struct memory_area *last = &mem->areas[mem->nr - 1];

	return last->gpa + last->size;
}
