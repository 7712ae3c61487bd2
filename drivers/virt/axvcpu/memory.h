/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of guest memory share: regions.c, notifier.c, fault.c and
 * guestmem.c.
 */
#ifndef _AXVCPU_MEMORY_H
#define _AXVCPU_MEMORY_H

#include <linux/lockdep.h>

#include <axvcpu/vm.h>

struct axv_memslot *axv_find_slot(struct axv_vm *vm, u64 gpa);
void axv_free_regions(struct axv_memslot *regions, u32 nr);
bool axv_invalidating(struct axv_vm *vm, unsigned long hva);
bool axv_invalidation_ended(struct axv_vm *vm, unsigned long hva);

/* Guest physical address to user address; @gpa lies in @slot. */
static inline unsigned long axv_slot_hva(const struct axv_memslot *slot, u64 gpa)
{
	return slot->hva + (gpa - slot->gpa);
}

/**
 * axv_mark_dirty() - note a write to a page
 * @slot:	region of the page, in place under &axv_vm.mmu_lock
 * @gpa:	an address in it
 */
static inline void axv_mark_dirty(struct axv_memslot *slot, u64 gpa)
{
	if (slot->dirty)
		__set_bit((gpa - slot->gpa) >> PAGE_SHIFT, slot->dirty);
}

/**
 * axv_memory_unmap() - remove second-stage mappings
 * @vm:		VM whose &axv_vm.mmu_lock is held
 * @gpa:	where the range begins
 * @size:	its size in bytes
 * @tables:	gets tables that were cut off, for axv_s2_free() without the lock
 *
 * No CPU uses the mappings when this returns.
 */
static inline void axv_memory_unmap(struct axv_vm *vm, u64 gpa, u64 size,
				    struct list_head *tables)
{
	lockdep_assert_held(&vm->mmu_lock);
	if (!axv_s2_unmap(&vm->s2, gpa, size))
		return;
	vm->ops->flush_stage2(vm);
	axv_s2_detach(&vm->s2, tables);
}

#endif /* _AXVCPU_MEMORY_H */
