/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of guest memory share: regions.c, region_tree.c, dirty.c,
 * notifier.c, fault.c, unmap.c and guestmem.c.
 */
#ifndef _AXVCPU_MEMORY_H
#define _AXVCPU_MEMORY_H

#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>

#include <axvcpu/vm.h>

/*
 * Tries to get a page that the host takes away again each time.  After that the run loop
 * has its turn, which looks for kicks and signals, and the guest makes the access again.
 */
#define AXV_MEMORY_TRIES	64

/**
 * struct axv_region_node - a region in the trees
 * @region:	the region.  Constant.
 * @by_gpa:	in &axv_regions.by_gpa
 * @by_hva:	in &axv_regions.by_hva
 * @rcu:	frees it after look-ups that may stand on it
 */
struct axv_region_node {
	struct axv_mem_region region;
	struct rb_node by_gpa[2];
	struct interval_tree_node by_hva;
	struct rcu_head rcu;
};

void axv_region_init(struct axv_regions *regions);
bool axv_region_above(struct axv_vm *vm, u64 gpa, struct axv_mem_region *region);
bool axv_region_overlaps(struct axv_vm *vm, const struct axv_mem_region *new,
			 const struct axv_region_node *except);
void axv_region_replace(struct axv_vm *vm, struct axv_region_node *old,
			struct axv_region_node *new);
struct rb_root axv_region_detach(struct axv_vm *vm);
void axv_region_free(struct rb_root detached);

struct axv_log *axv_log_new(void);
void axv_log_put(struct axv_log *log);
struct axv_log *axv_log_lacking(struct axv_vm *vm, const struct axv_mem_region *region,
				u64 gpa);
int axv_log_extend(struct axv_log *log, u64 page);
void axv_log_mark(struct axv_log *log, u64 page);

/**
 * struct axv_removal - mappings that are removed, until their memory is clean
 * @tables:	tables that were cut off
 * @node:	in &axv_vm.removals
 * @number:	its number; 0: nothing has to be cleaned, and it is not in the list
 *
 * On the stack of the thread that removes them.
 */
struct axv_removal {
	struct list_head tables;
	struct list_head node;
	u64 number;
};

void axv_removal_begin(struct axv_vm *vm, struct axv_removal *removal);
void axv_removal_end(struct axv_vm *vm, struct axv_removal *removal);
void axv_removal_wait(struct axv_vm *vm, u64 number);
void axv_memory_clean(struct axv_vm *vm, struct axv_removal *removal, u64 gpa, u64 size);
void axv_memory_protect(struct axv_vm *vm, u64 gpa, u64 size);

bool axv_invalidating(struct axv_vm *vm, unsigned long hva);
bool axv_invalidation_ended(struct axv_vm *vm, unsigned long hva);

/**
 * axv_memory_changed() - tell that what was looked up before may no longer hold
 * @vm:		VM whose &axv_vm.mmu_lock is held exclusively, and has been since
 *		before the change
 */
static inline void axv_memory_changed(struct axv_vm *vm)
{
	lockdep_assert_held_write(&vm->mmu_lock);
	/* Written after the change.  Pairs with axv_memory_seq(). */
	smp_store_release(&vm->mmu_seq, vm->mmu_seq + 1);
}

/**
 * axv_find_region() - the region of a guest physical address
 * @vm:		any VM
 * @gpa:	guest physical address
 * @region:	a copy of it; changed also if there is none
 *
 * Context: as axv_region_above().
 * Return: false: there is none.
 */
static inline bool axv_find_region(struct axv_vm *vm, u64 gpa,
				   struct axv_mem_region *region)
{
	return axv_region_above(vm, gpa, region) && gpa >= region->gpa;
}

/**
 * axv_named_region() - the region that userspace gave an id
 * @vm:		any VM
 * @id:		the id
 *
 * Context: under &axv_vm.lock; the region may be freed once that is released.
 * Return: the region, or NULL.
 */
static inline struct axv_region_node *axv_named_region(struct axv_vm *vm, u32 id)
{
	lockdep_assert_held(&vm->lock);
	return xa_load(&vm->regions.by_id, id);
}

static inline struct axv_region_node *
axv_region_of_hva(struct interval_tree_node *node)
{
	return node ? container_of(node, struct axv_region_node, by_hva) : NULL;
}

/**
 * axv_for_each_region_at() - the regions of a range of the VMM's addresses
 * @at:		&struct axv_region_node, one after the other
 * @vm:		VM whose &axv_vm.mmu_lock is held
 * @start:	where the range begins
 * @last:	its last byte, since its end may be one past the largest number; below
 *		@start: the range is empty
 */
#define axv_for_each_region_at(at, vm, start, last)				\
	for ((at) = axv_region_of_hva((start) > (last) ? NULL :			\
		interval_tree_iter_first(&(vm)->regions.by_hva, start, last));	\
	     at;								\
	     (at) = axv_region_of_hva(interval_tree_iter_next(&(at)->by_hva,	\
							      start, last)))

/*
 * Offset of an address in its region.  The guest chooses the address, so the offset is
 * masked: it is one in @region also while the processor only speculates that it is.
 */
static inline u64 axv_region_offset(const struct axv_mem_region *region, u64 gpa)
{
	u64 offset = gpa - region->gpa;

	return array_index_nospec(offset, region->size);
}

/* Guest physical address to user address; @gpa lies in @region. */
static inline unsigned long axv_region_hva(const struct axv_mem_region *region,
					   u64 gpa)
{
	return region->hva + axv_region_offset(region, gpa);
}

/* Number of a page in its region. */
static inline u64 axv_region_page(const struct axv_mem_region *region, u64 gpa)
{
	return axv_region_offset(region, gpa) >> PAGE_SHIFT;
}

/**
 * axv_mark_dirty() - note a write to a page
 * @vm:		VM whose &axv_vm.mmu_lock is held
 * @region:	region of the page, which still is what it was when it was copied
 * @gpa:	an address in it, for which axv_log_lacking() has returned NULL
 */
static inline void axv_mark_dirty(struct axv_vm *vm,
				  const struct axv_mem_region *region, u64 gpa)
{
	lockdep_assert_held(&vm->mmu_lock);
	if (region->log)
		axv_log_mark(region->log, axv_region_page(region, gpa));
}

/**
 * axv_memory_unmap() - remove second-stage mappings
 * @vm:		VM whose &axv_vm.mmu_lock is held
 * @gpa:	where the range begins
 * @size:	its size in bytes
 * @removal:	begun here; axv_memory_clean(), without the lock, ends it
 *
 * No CPU uses the mappings when this returns.
 */
static inline void axv_memory_unmap(struct axv_vm *vm, u64 gpa, u64 size,
				    struct axv_removal *removal)
{
	lockdep_assert_held_write(&vm->mmu_lock);
	axv_removal_begin(vm, removal);
	if (!axv_s2_unmap(&vm->s2, gpa, size))
		return;
	vm->ops->flush_stage2(vm);
	axv_s2_detach(&vm->s2, &removal->tables);
}

#endif /* _AXVCPU_MEMORY_H */
