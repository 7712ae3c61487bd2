// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Memory: a slot of KVM's is a region of the module's, of the same number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "debug.h"
#include "vm.h"

#define PAGE_SHIFT	12
#define PAGE_MASK	((1ull << PAGE_SHIFT) - 1)

/* A word of a bitmap of pages. */
#define WORD_PAGES	64
#define WORD_MASK	(WORD_PAGES - 1ull)

#define SLOT_FLAGS	(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

/**
 * struct memory - the slots
 * @count: slots at @slot
 * @slot: as the VMM has set them; memory_size is 0 where there is none
 */
struct memory {
	unsigned int count;
	struct kvm_userspace_memory_region slot[];
};

static __u32 region_flags(__u32 flags)
{
	return (flags & KVM_MEM_READONLY ? AXV_REGION_READONLY : 0) |
	       (flags & KVM_MEM_LOG_DIRTY_PAGES ? AXV_REGION_LOG_DIRTY : 0);
}

static int set_region(struct axv_vm *axv, const struct kvm_userspace_memory_region *slot)
{
	int err = axv_vm_set_region(axv, slot->slot, region_flags(slot->flags),
				    slot->guest_phys_addr, slot->memory_size,
				    (void *)(uintptr_t)slot->userspace_addr);

	if (err)
		debug("%s", axv_error());
	return err;
}

/* Room for slot @id; NULL: no memory, or no such number. */
static struct kvm_userspace_memory_region *find_slot(struct vm *vm, __u32 id)
{
	struct memory *memory = vm->memory;
	unsigned int count = memory ? memory->count : 0;
	__u64 max;

	if (id < count)
		return &memory->slot[id];
	if (axv_query(vm->host, AXV_QUERY_MAX_REGIONS, &max) || id >= max)
		return NULL;
	memory = realloc(memory, sizeof(*memory) + (id + 1) * sizeof(memory->slot[0]));
	if (!memory)
		return NULL;
	memset(&memory->slot[count], 0, (id + 1 - count) * sizeof(memory->slot[0]));
	memory->count = id + 1;
	vm->memory = memory;
	return &memory->slot[id];
}

/* A slot may move or switch its log; for other changes KVM wants it deleted first. */
static bool may_change(const struct kvm_userspace_memory_region *old,
		       const struct kvm_userspace_memory_region *new)
{
	return old->memory_size == new->memory_size &&
	       old->userspace_addr == new->userspace_addr &&
	       !((old->flags ^ new->flags) & KVM_MEM_READONLY);
}

static int set_slot(struct vm *vm, const struct kvm_userspace_memory_region *new)
{
	struct kvm_userspace_memory_region *slot;
	int err;

	/*
	 * The upper 16 bits of the number are an address space.  Without SMM there is only number
	 * 0.
	 */
	slot = find_slot(vm, new->slot);
	if (!slot || new->flags & ~SLOT_FLAGS ||
	    (new->memory_size | new->guest_phys_addr | new->userspace_addr) & PAGE_MASK)
		return -EINVAL;
	if (!new->memory_size && !slot->memory_size)
		return -EINVAL;
	if (new->memory_size && slot->memory_size && !may_change(slot, new))
		return -EINVAL;
	err = set_region(vm->axv, new);
	if (!err)
		*slot = *new;
	return err;
}

int memory_set(struct vm *vm, const struct kvm_userspace_memory_region *region)
{
	/* Another thread of the VMM may change what has been checked. */
	const struct kvm_userspace_memory_region copy = *region;
	int err;

	pthread_mutex_lock(&vm->lock);
	err = set_slot(vm, &copy);
	pthread_mutex_unlock(&vm->lock);
	return err;
}

int memory_repeat(struct vm *vm, struct axv_vm *axv)
{
	const struct memory *memory = vm->memory;
	unsigned int i;
	int err = 0;

	for (i = 0; memory && i < memory->count && !err; i++) {
		if (memory->slot[i].memory_size)
			err = set_region(axv, &memory->slot[i]);
	}
	return err;
}

/* Find a slot that has a log. */
static int find_log(struct vm *vm, __u32 id, __u64 *pages)
{
	__u64 max;

	/* KVM tells a number that no slot has from a slot without a log. */
	if (axv_query(vm->host, AXV_QUERY_MAX_REGIONS, &max) || id >= max)
		return -EINVAL;
	if (!vm->memory || id >= vm->memory->count)
		return -ENOENT;
	*pages = vm->memory->slot[id].memory_size >> PAGE_SHIFT;
	return *pages && vm->memory->slot[id].flags & KVM_MEM_LOG_DIRTY_PAGES ? 0 : -ENOENT;
}

/* How many pages one call of the module's takes, in whole words; 0: none. */
static __u64 pages_of_call(struct vm *vm)
{
	__u64 max;

	return axv_query(vm->host, AXV_QUERY_MAX_DIRTY_PAGES, &max) ? 0 : max & ~WORD_MASK;
}

static int get_dirty(struct vm *vm, const struct kvm_dirty_log *log)
{
	const __u64 max = pages_of_call(vm);
	__u64 pages, at, *bitmap = log->dirty_bitmap;
	int err = find_log(vm, log->slot, &pages);

	if (!err && !max)
		err = -EINVAL;
	for (at = 0; !err && at < pages; at += max)
		err = axv_vm_get_dirty(vm->axv, log->slot,
				       vm->manual_dirty_log ? AXV_DIRTY_KEEP : 0, at,
				       pages - at < max ? pages - at : max,
				       bitmap + at / WORD_PAGES);
	return err;
}

int memory_get_dirty(struct vm *vm, const struct kvm_dirty_log *log)
{
	/* Another thread of the VMM may change what has been checked. */
	const struct kvm_dirty_log copy = *log;
	int err;

	pthread_mutex_lock(&vm->lock);
	err = get_dirty(vm, &copy);
	pthread_mutex_unlock(&vm->lock);
	return err;
}

/* Check a part of a slot's log.  It may end within a word only where the slot ends. */
static int check_part(struct vm *vm, const struct kvm_clear_dirty_log *log)
{
	const __u64 rest = log->num_pages & WORD_MASK;
	__u64 pages;
	int err = find_log(vm, log->slot, &pages);

	if (err)
		return err;
	if (!pages_of_call(vm) || log->first_page & WORD_MASK || log->first_page > pages ||
	    log->num_pages > pages - log->first_page ||
	    (rest && log->num_pages < pages - log->first_page))
		return -EINVAL;
	return 0;
}

/* @last: the word of the bitmap that is used in part only. */
static int clear_dirty(struct vm *vm, const struct kvm_clear_dirty_log *log, __u64 last)
{
	const __u64 max = pages_of_call(vm), whole = log->num_pages & ~WORD_MASK;
	const __u64 rest = log->num_pages & WORD_MASK;
	const __u64 *bitmap = log->dirty_bitmap;
	int err = check_part(vm, log);
	__u64 at;

	for (at = 0; !err && at < whole; at += max)
		err = axv_vm_clear_dirty(vm->axv, log->slot, log->first_page + at,
					 whole - at < max ? whole - at : max,
					 bitmap + at / WORD_PAGES);
	if (err || !rest)
		return err;
	/* KVM ignores bits behind the end of the slot; the module does not. */
	last &= (1ull << rest) - 1;
	return axv_vm_clear_dirty(vm->axv, log->slot, log->first_page + whole, rest, &last);
}

int memory_clear_dirty(struct vm *vm, const struct kvm_clear_dirty_log *log)
{
	/* Another thread of the VMM may change what has been checked. */
	const struct kvm_clear_dirty_log copy = *log;
	const __u64 *bitmap = copy.dirty_bitmap;
	__u64 last = 0;
	int err;

	pthread_mutex_lock(&vm->lock);
	err = check_part(vm, &copy);
	pthread_mutex_unlock(&vm->lock);
	if (err)
		return err;
	/*
	 * Without the lock: a handler of the VMM's for a fault here may leave by longjmp(), and
	 * the lock would stay held.
	 */
	if (copy.num_pages & WORD_MASK)
		last = bitmap[copy.num_pages / WORD_PAGES];
	pthread_mutex_lock(&vm->lock);
	err = clear_dirty(vm, &copy, last);
	pthread_mutex_unlock(&vm->lock);
	return err;
}

int memory_set_manual(struct vm *vm, __u64 options)
{
	if (options & ~(__u64)MEMORY_MANUAL_OPTIONS)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	vm->manual_dirty_log = options;
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

void memory_free(struct vm *vm)
{
	free(vm->memory);
}
