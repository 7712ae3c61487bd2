// SPDX-License-Identifier: GPL-2.0
/*
 * Following the host: when it takes a page of the VMM away, writes it back,
 * moves it or wants to know whether it is used, the second stage hears of it
 * first.  That is why no page has to be pinned.
 *
 * Between the start and the end of an invalidation, new mappings of the range
 * have to be kept out.  A fault that looked its address up before the start
 * finds &axv_vm.mmu_seq changed and begins again; one that does so later sees
 * the invalidation in progress and waits for its end.
 */
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>

#include "memory.h"

static struct axv_vm *axv_from_notifier(struct mmu_notifier *mn)
{
	return container_of(mn, struct axv_vm, notifier);
}

/**
 * axv_invalidating() - is the host taking a page away right now?
 * @vm:		any VM
 * @hva:	address of the page in the VMM
 *
 * Context: under &axv_vm.mmu_lock.
 * Return: true if new mappings of the page have to wait.
 */
bool axv_invalidating(struct axv_vm *vm, unsigned long hva)
{
	lockdep_assert_held(&vm->mmu_lock);
	return vm->invalidating && hva >= vm->invalidate_start &&
	       hva < vm->invalidate_end;
}

/**
 * axv_invalidation_ended() - axv_invalidating() no more?
 * @vm:		any VM
 * @hva:	address of the page in the VMM
 *
 * The condition to wait for on &axv_vm.invalidate_wait.
 *
 * Context: takes &axv_vm.mmu_lock.
 */
bool axv_invalidation_ended(struct axv_vm *vm, unsigned long hva)
{
	bool ended;

	spin_lock(&vm->mmu_lock);
	ended = !axv_invalidating(vm, hva);
	spin_unlock(&vm->mmu_lock);
	return ended;
}

/* The part of @slot that the host maps at @start to @end, if there is one. */
static bool axv_overlap(const struct axv_memslot *slot, unsigned long start,
			unsigned long end, u64 *gpa, u64 *size)
{
	/* Its last byte: the end may be one past the largest number. */
	unsigned long from = max(start, slot->hva);
	unsigned long last = min(end - 1, slot->hva + (unsigned long)slot->size - 1);

	if (start >= end || from > last)
		return false;
	*gpa = slot->gpa + (from - slot->hva);
	*size = last - from + 1;
	return true;
}

/* Neither takes long nor sleeps: it does not matter whether it may. */
static int axv_invalidate_range_start(struct mmu_notifier *mn,
				      const struct mmu_notifier_range *range)
{
	struct axv_vm *vm = axv_from_notifier(mn);
	bool overlap = false, flush = false;
	LIST_HEAD(tables);
	u64 gpa, size;
	u32 i;

	spin_lock(&vm->mmu_lock);
	if (!vm->invalidating++) {
		vm->invalidate_start = range->start;
		vm->invalidate_end = range->end;
	} else {
		vm->invalidate_start = min(vm->invalidate_start, range->start);
		vm->invalidate_end = max(vm->invalidate_end, range->end);
	}
	for (i = 0; i < vm->nr_regions; i++) {
		if (!axv_overlap(&vm->regions[i], range->start, range->end,
				 &gpa, &size))
			continue;
		overlap = true;
		flush |= axv_s2_unmap(&vm->s2, gpa, size);
	}
	if (overlap)
		vm->mmu_seq++;
	if (flush) {
		vm->ops->flush_stage2(vm);
		axv_s2_detach(&vm->s2, &tables);
	}
	spin_unlock(&vm->mmu_lock);

	axv_s2_free(&vm->s2, &tables, mmu_notifier_range_blockable(range));
	return 0;
}

static void axv_invalidate_range_end(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct axv_vm *vm = axv_from_notifier(mn);
	bool wake;

	spin_lock(&vm->mmu_lock);
	wake = !--vm->invalidating;
	spin_unlock(&vm->mmu_lock);

	if (wake)
		wake_up_all(&vm->invalidate_wait);
}

/* Clear the marks of use, or (@clear false) only look at them. */
static int axv_age(struct axv_vm *vm, unsigned long start, unsigned long end,
		   bool clear, bool flush)
{
	bool young = false, cleared = false, one;
	u64 gpa, size;
	u32 i;

	spin_lock(&vm->mmu_lock);
	for (i = 0; i < vm->nr_regions; i++) {
		if (!axv_overlap(&vm->regions[i], start, end, &gpa, &size))
			continue;
		if (clear) {
			cleared |= axv_s2_clear_young(&vm->s2, gpa, size, &one);
			young |= one;
		} else {
			young |= axv_s2_test_young(&vm->s2, gpa, size);
		}
	}
	/* Without accessed bits mappings are removed, and that has to be seen. */
	if (cleared && (flush || !vm->s2.fmt->accessed))
		vm->ops->flush_stage2(vm);
	spin_unlock(&vm->mmu_lock);
	return young;
}

static int axv_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				 unsigned long start, unsigned long end)
{
	return axv_age(axv_from_notifier(mn), start, end, true, true);
}

/* A translation that stays in the TLB only makes the page look older. */
static int axv_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
			   unsigned long start, unsigned long end)
{
	return axv_age(axv_from_notifier(mn), start, end, true, false);
}

static int axv_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
			  unsigned long address)
{
	return axv_age(axv_from_notifier(mn), address, address + PAGE_SIZE,
		       false, false);
}

/*
 * The VMM's memory goes away, or axv_memory_destroy() took the notifier back;
 * the latter has declared the VM dead before.
 */
static void axv_mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct axv_vm *vm = axv_from_notifier(mn);

	if (!READ_ONCE(vm->dead))
		axv_vm_die(vm);
	axv_memory_release(vm);
}

static const struct mmu_notifier_ops axv_notifier_ops = {
	.release = axv_mm_release,
	.clear_flush_young = axv_clear_flush_young,
	.clear_young = axv_clear_young,
	.test_young = axv_test_young,
	.invalidate_range_start = axv_invalidate_range_start,
	.invalidate_range_end = axv_invalidate_range_end,
};

/**
 * axv_memory_init() - give a new VM its second stage and follow its memory
 * @vm:		a VM with ops, mm and ipa_bits set, and no regions
 *
 * Context: may sleep; takes mmap_lock of &axv_vm.mm, which is the caller's.
 * Return: 0, or what the table or the notifier failed with.
 */
int axv_memory_init(struct axv_vm *vm)
{
	const struct axv_s2_format *fmt = vm->ops->s2_format(vm->ipa_bits);
	int err;

	if (!fmt || fmt->ipa_bits < vm->ipa_bits)
		return -EINVAL;
	spin_lock_init(&vm->mmu_lock);
	init_waitqueue_head(&vm->invalidate_wait);
	err = axv_s2_init(&vm->s2, fmt);
	if (err)
		return err;
	vm->notifier.ops = &axv_notifier_ops;
	err = mmu_notifier_register(&vm->notifier, vm->mm);
	if (err)
		axv_s2_destroy(&vm->s2);
	return err;
}

/**
 * axv_memory_release() - let go of all guest memory
 * @vm:		a VM that no vCPU enters any more: &axv_vm.dead is set
 *
 * The top table stays, empty, until axv_memory_destroy().  May be called more
 * than once.
 *
 * Context: may sleep.  Takes &axv_vm.mmu_lock only: the VM's memory is gone or
 * nobody refers to it any more, so no change of the regions is under way.
 */
void axv_memory_release(struct axv_vm *vm)
{
	struct axv_memslot *regions;
	LIST_HEAD(tables);
	u32 nr;

	spin_lock(&vm->mmu_lock);
	vm->mmu_seq++;
	regions = vm->regions;
	nr = vm->nr_regions;
	vm->regions = NULL;
	vm->nr_regions = 0;
	axv_memory_unmap(vm, 0, BIT_ULL(vm->s2.fmt->ipa_bits), &tables);
	spin_unlock(&vm->mmu_lock);

	axv_s2_free(&vm->s2, &tables, true);
	axv_free_regions(regions, nr);
}

/**
 * axv_memory_destroy() - undo axv_memory_init()
 * @vm:		a VM that nobody refers to any more and no hardware uses
 *
 * Waits for invalidations in progress, so the notifier's code and the VM may
 * go when it returns.
 *
 * Context: may sleep; not under mmap_lock, and not from a notifier.
 */
void axv_memory_destroy(struct axv_vm *vm)
{
	WRITE_ONCE(vm->dead, true);
	mmu_notifier_unregister(&vm->notifier, vm->mm);
	axv_memory_release(vm);
	axv_s2_destroy(&vm->s2);
}
