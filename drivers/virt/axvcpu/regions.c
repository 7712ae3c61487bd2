// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of guest memory, and the log of what the guest wrote to them.
 *
 * The array of regions is never changed in place: a new one is built under
 * &axv_vm.lock, where everything that can fail happens, and put in the place of
 * the old one under &axv_vm.mmu_lock, together with the removal of what the
 * second stage maps of the old region.
 */
#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "memory.h"

#define AXV_REGION_FLAGS	(AXV_REGION_READONLY | AXV_REGION_LOG_DIRTY)

/* First region that ends above @gpa; nr_regions if there is none. */
static u32 axv_first_above(const struct axv_vm *vm, u64 gpa)
{
	u32 low = 0, high = vm->nr_regions;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (vm->regions[mid].gpa + vm->regions[mid].size > gpa)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/**
 * axv_find_slot() - the region of a guest physical address
 * @vm:		any VM
 * @gpa:	guest physical address
 *
 * Context: under &axv_vm.mmu_lock, which the answer does not outlive.
 * Return: the region, or NULL.
 */
struct axv_memslot *axv_find_slot(struct axv_vm *vm, u64 gpa)
{
	u32 i;

	lockdep_assert_held(&vm->mmu_lock);
	i = axv_first_above(vm, gpa);
	if (i == vm->nr_regions || vm->regions[i].gpa > gpa)
		return NULL;
	return &vm->regions[i];
}

/* The region that userspace calls @id, or NULL. */
static struct axv_memslot *axv_named_slot(struct axv_vm *vm, u32 id)
{
	u32 i;

	lockdep_assert_held(&vm->lock);
	for (i = 0; i < vm->nr_regions; i++)
		if (vm->regions[i].slot == id)
			return &vm->regions[i];
	return NULL;
}

/**
 * axv_free_regions() - free an array that was taken out of use
 * @regions:	the array, or NULL
 * @nr:		regions in it
 *
 * Context: may sleep.
 */
void axv_free_regions(struct axv_memslot *regions, u32 nr)
{
	while (nr--)
		kvfree(regions[nr].dirty);
	kfree(regions);
}

/* ---- the array ---------------------------------------------------------- */

static int axv_check_region(const struct axv_vm *vm,
			    const struct axv_region *region)
{
	if (region->slot >= AXV_MAX_REGIONS ||
	    region->flags & ~AXV_REGION_FLAGS || region->address_space ||
	    region->fd != -1 || region->fd_offset)
		return -EINVAL;
	if (!region->size)
		return 0;
	if (!PAGE_ALIGNED(region->gpa | region->size | region->hva))
		return -EINVAL;
	if (region->gpa + region->size < region->gpa ||
	    region->gpa + region->size > BIT_ULL(vm->ipa_bits))
		return -EINVAL;
	if (region->hva + region->size < region->hva ||
	    region->hva != (unsigned long)region->hva ||
	    region->hva != untagged_addr(region->hva) ||
	    !access_ok((void __user *)(unsigned long)region->hva, region->size))
		return -EINVAL;
	return 0;
}

/* A new array: that of @vm without @old, and with @new if that has a size. */
static struct axv_memslot *axv_build_regions(struct axv_vm *vm,
					     const struct axv_memslot *old,
					     const struct axv_memslot *new,
					     u32 *nr)
{
	bool pending = new->size;
	struct axv_memslot *regions;
	u32 i, n = 0;

	regions = kmalloc_array(vm->nr_regions + 1, sizeof(*regions),
				GFP_KERNEL_ACCOUNT);
	if (!regions)
		return ERR_PTR(-ENOMEM);

	for (i = 0; i < vm->nr_regions; i++) {
		const struct axv_memslot *slot = &vm->regions[i];

		if (slot == old)
			continue;
		if (pending && slot->gpa < new->gpa + new->size &&
		    new->gpa < slot->gpa + slot->size) {
			kfree(regions);
			return ERR_PTR(-EEXIST);
		}
		if (pending && new->gpa < slot->gpa) {
			regions[n++] = *new;
			pending = false;
		}
		regions[n++] = *slot;
	}
	if (pending)
		regions[n++] = *new;
	*nr = n;
	return regions;
}

/* One bit per page of a region that is logged, all of them clear. */
static int axv_alloc_dirty(struct axv_memslot *slot)
{
	u64 words = BITS_TO_LONGS(slot->size >> PAGE_SHIFT);

	if (words > INT_MAX / sizeof(long))
		return -ENOMEM;
	slot->dirty = kvcalloc(words, sizeof(long), GFP_KERNEL_ACCOUNT);
	return slot->dirty ? 0 : -ENOMEM;
}

/*
 * Put @regions in place, and remove what the second stage maps of @old.  Where
 * nothing of the old region was mapped there is nothing to flush: a fault on an
 * address without a region leaves no trace in the table.
 */
static int axv_commit_regions(struct axv_vm *vm, struct axv_memslot *regions,
			      u32 nr, const struct axv_memslot *old)
{
	LIST_HEAD(tables);

	spin_lock(&vm->mmu_lock);
	if (READ_ONCE(vm->dead)) {
		spin_unlock(&vm->mmu_lock);
		return -EIO;
	}
	vm->mmu_seq++;
	swap(vm->regions, regions);
	vm->nr_regions = nr;
	if (old)
		axv_memory_unmap(vm, old->gpa, old->size, &tables);
	spin_unlock(&vm->mmu_lock);

	axv_s2_free(&vm->s2, &tables, true);
	/* Holds @old, but not the bitmaps, which went along. */
	kfree(regions);
	return 0;
}

/**
 * axv_set_region() - add, move, change or delete a region
 * @vm:		VM of the calling thread
 * @region:	as userspace asks for it
 *
 * When it returns, no vCPU sees the old region.  The log of dirty pages goes
 * along when a region only moves or changes its flags.
 *
 * Context: may sleep; takes &axv_vm.lock.
 * Return: 0; -EINVAL: misaligned, out of bounds, or an unknown flag; -EEXIST:
 * it overlaps another region; -ENOENT: there is nothing to delete; -ENOMEM;
 * -EIO: the VM is dead.  An error changes nothing.
 */
int axv_set_region(struct axv_vm *vm, const struct axv_region *region)
{
	struct axv_memslot new = {
		.gpa = region->gpa,
		.size = region->size,
		.hva = region->hva,
		.flags = region->flags,
		.slot = region->slot,
	};
	unsigned long *dirty = NULL;
	struct axv_memslot *regions;
	struct axv_memslot *old;
	u32 nr;
	int err;

	err = axv_check_region(vm, region);
	if (err)
		return err;

	mutex_lock(&vm->lock);
	old = axv_named_slot(vm, region->slot);
	if (!old && !new.size) {
		err = -ENOENT;
		goto out;
	}
	if (old)
		dirty = old->dirty;
	if (new.size && new.flags & AXV_REGION_LOG_DIRTY) {
		if (dirty && old->size == new.size && old->hva == new.hva)
			new.dirty = dirty;
		else
			err = axv_alloc_dirty(&new);
		if (err)
			goto out;
	}
	regions = axv_build_regions(vm, old, &new, &nr);
	err = PTR_ERR_OR_ZERO(regions);
	if (!err) {
		err = axv_commit_regions(vm, regions, nr, old);
		if (err)
			kfree(regions);
	}
	/* Of the two bitmaps, the one that is not in use; none if they are one. */
	if (new.dirty != dirty)
		kvfree(err ? new.dirty : dirty);
out:
	mutex_unlock(&vm->lock);
	return err;
}

/* ---- the dirty log ------------------------------------------------------ */

static struct axv_memslot *axv_logged_slot(struct axv_vm *vm, u32 id,
					   u64 first_page, u64 nr_pages)
{
	struct axv_memslot *slot = axv_named_slot(vm, id);
	u64 pages;

	if (!slot)
		return ERR_PTR(-ENOENT);
	pages = slot->size >> PAGE_SHIFT;
	if (!slot->dirty || first_page % BITS_PER_LONG || first_page > pages ||
	    nr_pages > pages - first_page ||
	    (nr_pages % BITS_PER_LONG && nr_pages != pages - first_page))
		return ERR_PTR(-EINVAL);
	return slot;
}

/**
 * axv_get_dirty() - report and clear the log of dirty pages
 * @vm:		VM of the calling thread
 * @slot:	a region with AXV_REGION_LOG_DIRTY
 * @first_page:	first page of the region to report, a multiple of 64
 * @nr_pages:	how many: a multiple of 64, or up to the region's end
 * @bitmap:	buffer of as many bits, in whole words; bit 0 is @first_page
 *
 * Writes by the guest that it does not report are caught anew when it returns.
 * A caller that cannot hand the bitmap on gives it back to axv_put_dirty().
 *
 * Context: may sleep; takes &axv_vm.lock.
 * Return: 0; -ENOENT: no such region; -EINVAL: not logged, or out of bounds.
 */
int axv_get_dirty(struct axv_vm *vm, u32 slot, u64 first_page, u64 nr_pages,
		  unsigned long *bitmap)
{
	struct axv_memslot *region;
	unsigned long *dirty;
	bool flush = false;
	u64 i, gpa;
	int err;

	mutex_lock(&vm->lock);
	region = axv_logged_slot(vm, slot, first_page, nr_pages);
	err = PTR_ERR_OR_ZERO(region);
	if (err)
		goto out;
	dirty = region->dirty + first_page / BITS_PER_LONG;
	gpa = region->gpa + (first_page << PAGE_SHIFT);

	spin_lock(&vm->mmu_lock);
	for (i = 0; i < BITS_TO_LONGS(nr_pages); i++) {
		unsigned long bits = dirty[i];
		u64 first, last;

		bitmap[i] = bits;
		if (bits) {
			dirty[i] = 0;
			first = i * BITS_PER_LONG + __ffs(bits);
			last = i * BITS_PER_LONG + __fls(bits);
			flush |= axv_s2_write_protect(&vm->s2,
						      gpa + (first << PAGE_SHIFT),
						      (last - first + 1) << PAGE_SHIFT);
		}
		if (need_resched() || spin_needbreak(&vm->mmu_lock)) {
			if (flush)
				vm->ops->flush_stage2(vm);
			flush = false;
			/* &axv_vm.lock keeps the region where it is. */
			cond_resched_lock(&vm->mmu_lock);
		}
	}
	if (flush)
		vm->ops->flush_stage2(vm);
	spin_unlock(&vm->mmu_lock);
out:
	mutex_unlock(&vm->lock);
	return err;
}

/**
 * axv_put_dirty() - undo axv_get_dirty()
 * @vm:		VM of the calling thread
 * @slot:	as then
 * @first_page:	as then
 * @nr_pages:	as then
 * @bitmap:	what was reported
 *
 * Does nothing if the region was deleted or shrunk since.
 *
 * Context: may sleep; takes &axv_vm.lock.
 */
void axv_put_dirty(struct axv_vm *vm, u32 slot, u64 first_page, u64 nr_pages,
		   const unsigned long *bitmap)
{
	struct axv_memslot *region;
	unsigned long *dirty;
	u64 i;

	mutex_lock(&vm->lock);
	region = axv_logged_slot(vm, slot, first_page, nr_pages);
	if (!IS_ERR(region)) {
		dirty = region->dirty + first_page / BITS_PER_LONG;
		spin_lock(&vm->mmu_lock);
		for (i = 0; i < BITS_TO_LONGS(nr_pages); i++) {
			dirty[i] |= bitmap[i];
			cond_resched_lock(&vm->mmu_lock);
		}
		spin_unlock(&vm->mmu_lock);
	}
	mutex_unlock(&vm->lock);
}
