// SPDX-License-Identifier: GPL-2.0
/*
 * The MMU notifier: before the host takes a page of the VMM away, writes it back or moves
 * it, the mapping in the second stage is removed; and the second stage tells whether a page
 * is used.  That is why no page has to be pinned.
 *
 * Between the start and the end of an invalidation, new mappings of the range
 * have to be kept out.  A fault that looked its address up before the start
 * finds &axv_vm.mmu_seq changed and begins again; a fault that does so later sees
 * the invalidation in progress and waits for its end.
 */
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/mmu_notifier.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <axvcpu/current.h>
#include <axvcpu/doorbell.h>
#include <axvcpu/hardware.h>
#include <axvcpu/request.h>
#include <axvcpu/route.h>
#include <axvcpu/vcpu.h>

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
 * axv_invalidation_ended() - is the host not taking a page away any more?
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

	read_lock(&vm->mmu_lock);
	ended = !axv_invalidating(vm, hva);
	read_unlock(&vm->mmu_lock);
	return ended;
}

/* The part of a region at the VMM's addresses @start to @last, where some of it is. */
static void axv_overlap(const struct axv_mem_region *region, unsigned long start,
			unsigned long last, u64 *gpa, u64 *size)
{
	unsigned long from = max(start, region->hva);
	unsigned long to = min(last, region->hva + (unsigned long)region->size - 1);

	*gpa = region->gpa + (from - region->hva);
	*size = to - from + 1;
}

/* Clean memory that an invalidation has unmapped; false: let the lock go and call again. */
static bool axv_clean_overlaps(struct axv_vm *vm, unsigned long start, unsigned long end)
{
	struct axv_region_node *node;
	u64 gpa, size;

	lockdep_assert_held(&vm->mmu_lock);
	axv_for_each_region_at(node, vm, start, end - 1) {
		axv_overlap(&node->region, start, end - 1, &gpa, &size);
		if (axv_s2_clean(&vm->s2, gpa, gpa + size) < gpa + size)
			return false;
	}
	return true;
}

/*
 * Clean all memory that an invalidation has unmapped.  The invalidation goes on meanwhile, so
 * nothing is mapped there anew that would have to be cleaned as well.
 */
static void axv_clean_invalidated(struct axv_vm *vm, unsigned long start,
				  unsigned long end, bool may_sleep)
{
	bool done = false;

	while (!done) {
		write_lock(&vm->mmu_lock);
		done = axv_clean_overlaps(vm, start, end);
		write_unlock(&vm->mmu_lock);
		if (may_sleep)
			cond_resched();
	}
}

/* Waits, if it may sleep, for the memory that earlier removals are cleaning. */
static int axv_invalidate_range_start(struct mmu_notifier *mn,
				      const struct mmu_notifier_range *range)
{
	struct axv_vm *vm = axv_from_notifier(mn);
	bool blockable = mmu_notifier_range_blockable(range);
	bool overlap = false, flush = false;
	struct axv_region_node *node;
	struct axv_removal removal;
	u64 gpa, size, before;

	write_lock(&vm->mmu_lock);
	before = vm->removed;
	if (!vm->invalidating++) {
		vm->invalidate_start = range->start;
		vm->invalidate_end = range->end;
	} else {
		vm->invalidate_start = min(vm->invalidate_start, range->start);
		vm->invalidate_end = max(vm->invalidate_end, range->end);
	}
	axv_for_each_region_at(node, vm, range->start, range->end - 1) {
		axv_overlap(&node->region, range->start, range->end - 1, &gpa, &size);
		overlap = true;
		flush |= axv_s2_unmap(&vm->s2, gpa, size);
	}
	if (overlap)
		axv_memory_changed(vm);
	if (flush) {
		vm->ops->flush_stage2(vm);
		axv_removal_begin(vm, &removal);
		axv_s2_detach(&vm->s2, &removal.tables);
	}
	write_unlock(&vm->mmu_lock);

	if (flush) {
		axv_s2_free(&vm->s2, &removal.tables, blockable);
		if (vm->s2.clean)
			axv_clean_invalidated(vm, range->start, range->end,
					      blockable);
		axv_removal_end(vm, &removal);
	}
	/* The OOM reaper may not sleep; the contents of what it takes are not used again. */
	if (blockable)
		axv_removal_wait(vm, before);
	return 0;
}

static void axv_invalidate_range_end(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct axv_vm *vm = axv_from_notifier(mn);
	bool wake;

	write_lock(&vm->mmu_lock);
	wake = !--vm->invalidating;
	write_unlock(&vm->mmu_lock);

	if (wake)
		wake_up_all(&vm->invalidate_wait);
}

/* Was a range used?  With @clear, also begin to watch it anew. */
static int axv_age(struct axv_vm *vm, unsigned long start, unsigned long end,
		   bool clear, bool flush)
{
	bool young = false, cleared = false, one;
	struct axv_region_node *node;
	u64 gpa, size;

	write_lock(&vm->mmu_lock);
	axv_for_each_region_at(node, vm, start, end - 1) {
		axv_overlap(&node->region, start, end - 1, &gpa, &size);
		if (clear) {
			cleared |= axv_s2_clear_young(&vm->s2, gpa, size, &one);
			young |= one;
		} else {
			young |= axv_s2_test_young(&vm->s2, gpa, size);
		}
	}
	/* Without accessed bits mappings were removed, so CPUs have to be flushed. */
	if (cleared && (flush || !vm->s2.fmt->accessed))
		vm->ops->flush_stage2(vm);
	write_unlock(&vm->mmu_lock);
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

/**
 * axv_vm_put_hardware() - the VM needs virtualization no longer
 * @vm:		a VM; only the first call has an effect
 *
 * Context: may sleep.
 */
void axv_vm_put_hardware(struct axv_vm *vm)
{
	if (xchg(&vm->has_hardware, false))
		axv_hardware_put();
}

/* Evict all vCPUs; AXV_REQ_DEAD keeps each from being entered again. */
static void stop_vcpus(struct axv_vm *vm)
{
	struct axv_vcpu *vcpu;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu) {
		axv_request(vcpu, AXV_REQ_DEAD);
		axv_vcpu_evict(vcpu);
	}
	rcu_read_unlock();
}

/**
 * axv_vm_die() - give everything back, since the VMM's address space is going
 * @vm:		VM, possibly without a reference left
 *
 * Called by the release notifier of the address space, from exit_mmap() or
 * from the end of the VM, whichever comes first.  At exit_mmap() no thread of
 * the address space is left, and others are refused: no vCPU is claimed, and
 * none will be loaded again.
 *
 * It takes none of the VM's sleeping locks and not the CPU hotplug lock, since
 * mmput() may be called under locks that nest the other way round.
 *
 * Context: may sleep.
 */
void axv_vm_die(struct axv_vm *vm)
{
	if (xchg(&vm->dead, true))
		return;
	stop_vcpus(vm);
	axv_doorbells_close(vm);
	axv_memory_release(vm);
	axv_vm_put_hardware(vm);
	/* Last, since it may take long; memory and hardware are free before that. */
	axv_irqfds_close(vm);
	axv_end_routes(vm);
}

/*
 * Called when the VMM's memory goes away, or when axv_memory_destroy() unregisters the
 * notifier, which has set @dead before.
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
	rwlock_init(&vm->mmu_lock);
	init_waitqueue_head(&vm->invalidate_wait);
	INIT_LIST_HEAD(&vm->removals);
	axv_region_init(&vm->regions);
	err = axv_s2_init(&vm->s2, fmt);
	if (err)
		return err;
	vm->s2.clean = vm->ops->clean_memory;
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
 * Context: may sleep.  Takes &axv_vm.mmu_lock only: the VM's memory is gone, or no reference to
 * the VM is left, so no change of the regions is under way.
 */
void axv_memory_release(struct axv_vm *vm)
{
	struct axv_removal removal;
	struct rb_root detached;
	u64 before;

	write_lock(&vm->mmu_lock);
	before = vm->removed;
	detached = axv_region_detach(vm);
	axv_memory_unmap(vm, 0, BIT_ULL(vm->s2.fmt->ipa_bits), &removal);
	write_unlock(&vm->mmu_lock);

	axv_memory_clean(vm, &removal, 0, 0);
	axv_region_free(detached);
	xa_destroy(&vm->regions.by_id);
	/* Wait for other threads' removals, too: the host frees the memory next. */
	axv_removal_wait(vm, before);
}

/**
 * axv_memory_destroy() - undo axv_memory_init()
 * @vm:		a VM to which no reference is left, and which no hardware uses
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
