// SPDX-License-Identifier: GPL-2.0
/* Guest memory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "memory.h"

/* An older <sys/mman.h> does not have it. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008u
#endif

void memory_add(struct memory *mem, u64 start, u64 end, u32 flags)
{
	mem->areas[mem->nr++] = (struct memory_area){
		.gpa = start, .size = end - start, .flags = flags, .fd = -1,
	};
}

/*
 * The seals keep a process that maps the memory from making it shorter; otherwise axvmm's
 * next access would end axvmm by SIGBUS.
 */
static int make_memfd(struct memory_area *area)
{
	int err;

	/*
	 * A host may refuse a memfd that could be executed (vm.memfd_noexec).  Linux before 6.3
	 * does not know MFD_NOEXEC_SEAL.
	 */
	area->fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (area->fd < 0 && errno == EINVAL)
		area->fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (area->fd >= 0 && !ftruncate(area->fd, area->size) &&
	    !fcntl(area->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return 0;
	err = -errno;
	log_error("no memory that the guest's devices can share: %s%s", strerror(-err),
		  err == -ENOMEM ? "; try a smaller --mem" : "");
	return err;
}

int memory_create(struct memory *mem, struct axv_vm *vm, bool shared)
{
	unsigned int i;
	int err;

	for (i = 0; i < mem->nr; i++) {
		struct memory_area *area = &mem->areas[i];

		if (shared) {
			err = make_memfd(area);
			if (err)
				return err;
			err = axv_vm_map_ram(vm, i, area->flags, area->gpa, area->size,
					     area->fd, 0, &area->hva);
		} else {
			err = axv_vm_add_ram(vm, i, area->flags, area->gpa, area->size,
					     &area->hva);
		}
		if (err) {
			log_error("no memory for the guest: %s; try a smaller --mem",
				  axv_error());
			return err;
		}
		/* Keep the guest's memory out of core dumps: it is large, and has secrets. */
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

/* A hole in the memfd takes the pages from the processes that share it, too. */
static void discard_in(const struct memory_area *area, u64 offset, u64 size)
{
	if (area->fd >= 0)
		fallocate(area->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
	else
		madvise((char *)area->hva + offset, size, MADV_DONTNEED);
}

void memory_discard(const struct memory *mem, u64 gpa, u64 size)
{
	const u64 page = sysconf(_SC_PAGESIZE);
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		const struct memory_area *area = &mem->areas[i];
		u64 start, end;

		if ((area->flags & AXV_REGION_READONLY) || gpa >= area->gpa + area->size ||
		    gpa + size <= area->gpa)
			continue;
		start = gpa > area->gpa ? gpa - area->gpa : 0;
		end = gpa + size < area->gpa + area->size ? gpa + size - area->gpa : area->size;
		start = (start + page - 1) / page * page;
		end = end / page * page;
		if (start < end)
			discard_in(area, start, end - start);
	}
}

u64 memory_end(const struct memory *mem)
{
	const struct memory_area *last = &mem->areas[mem->nr - 1];

	return last->gpa + last->size;
}
