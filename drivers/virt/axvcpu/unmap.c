// SPDX-License-Identifier: GPL-2.0
/*
 * Removing mappings of the second stage, and cleaning the memory that they mapped.
 *
 * Cleaning takes long, and so is done without &axv_vm.mmu_lock, or for a part of the range at a
 * time.  Meanwhile nothing maps the pages, so an invalidation finds no mapping of them.  If it
 * did not wait, the host would write stale data to its disk, and the pages would be cleaned when
 * another user has them, perhaps no longer in the kernel's own map.  So an invalidation waits for
 * the removals that began before it.  It does not wait for later ones: otherwise a guest that has
 * its memory forgotten again and again keeps the host waiting.
 */
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "memory.h"

/**
 * axv_removal_begin() - note that mappings are removed whose memory is not clean yet
 * @vm:		any VM
 * @removal:	gets no tables yet
 *
 * Until axv_removal_end() the thread waits for no other thread and allocates nothing, since
 * threads that reclaim memory may be waiting for that.
 *
 * Context: under &axv_vm.mmu_lock, held since the removal or until after it.
 */
void axv_removal_begin(struct axv_vm *vm, struct axv_removal *removal)
{
	lockdep_assert_held_write(&vm->mmu_lock);
	INIT_LIST_HEAD(&removal->tables);
	removal->number = 0;
	if (!vm->s2.clean)
		return;
	removal->number = ++vm->removed;
	list_add_tail(&removal->node, &vm->removals);
}

/**
 * axv_removal_end() - note that the memory of a removal is clean
 * @vm:		any VM
 * @removal:	by axv_removal_begin(), its tables freed
 *
 * Context: takes &axv_vm.mmu_lock.
 */
void axv_removal_end(struct axv_vm *vm, struct axv_removal *removal)
{
	bool wake;

	if (!removal->number)
		return;
	write_lock(&vm->mmu_lock);
	wake = list_is_first(&removal->node, &vm->removals);
	list_del(&removal->node);
	write_unlock(&vm->mmu_lock);
	if (wake)
		wake_up_all(&vm->invalidate_wait);
}

/* Have all removals up to @number ended? */
static bool removals_ended(struct axv_vm *vm, u64 number)
{
	struct axv_removal *first;
	bool ended;

	read_lock(&vm->mmu_lock);
	first = list_first_entry_or_null(&vm->removals, struct axv_removal, node);
	ended = !first || first->number > number;
	read_unlock(&vm->mmu_lock);
	return ended;
}

/**
 * axv_removal_wait() - wait for removals to end before the host takes the pages
 * @vm:		any VM
 * @number:	&axv_vm.removed when nothing mapped them any more
 *
 * Context: may sleep; takes &axv_vm.mmu_lock.
 */
void axv_removal_wait(struct axv_vm *vm, u64 number)
{
	if (number)
		wait_event(vm->invalidate_wait, removals_ended(vm, number));
}

/**
 * axv_memory_clean() - free tables and clean memory of a removal, which ends
 * @vm:		any VM
 * @removal:	begun by axv_memory_unmap()
 * @gpa:	where the range begins
 * @size:	its size in bytes; 0: all of the table was removed, whose top has no leaves,
 *		so freeing the tables below it cleans all memory
 *
 * Context: may sleep; takes &axv_vm.mmu_lock, for a part of the range at a time.
 */
void axv_memory_clean(struct axv_vm *vm, struct axv_removal *removal, u64 gpa, u64 size)
{
	u64 end = gpa + size;

	axv_s2_free(&vm->s2, &removal->tables, true);
	while (vm->s2.clean && gpa < end) {
		write_lock(&vm->mmu_lock);
		gpa = axv_s2_clean(&vm->s2, gpa, end);
		write_unlock(&vm->mmu_lock);
		cond_resched();
	}
	axv_removal_end(vm, removal);
}

/* Bytes that are protected before other threads may have the lock. */
#define PROTECT_STEP	((u64)SZ_256M)

/**
 * axv_memory_protect() - take the right to write from a region
 * @vm:		any VM; its vCPUs may run
 * @gpa:	where the region begins
 * @size:	its size in bytes
 *
 * Faults do not give the right back unseen, since the region's flags have changed.  The
 * lock is let go in between, and CPUs may write until this returns: the memory is the
 * guest's all the time, and what takes it away flushes in any case.
 *
 * Context: may sleep; &axv_vm.lock keeps the region what it is.
 */
void axv_memory_protect(struct axv_vm *vm, u64 gpa, u64 size)
{
	u64 next, end = gpa + size;
	bool flush = false;

	lockdep_assert_held(&vm->lock);
	for (; gpa < end; gpa = next) {
		next = min(gpa + PROTECT_STEP, end);
		write_lock(&vm->mmu_lock);
		flush |= axv_s2_write_protect(&vm->s2, gpa, next - gpa);
		write_unlock(&vm->mmu_lock);
		cond_resched();
	}
	if (!flush)
		return;
	write_lock(&vm->mmu_lock);
	vm->ops->flush_stage2(vm);
	write_unlock(&vm->mmu_lock);
}

/**
 * axv_memory_forget() - unmap all of the guest's memory; faults map it again
 * @vm:		any VM; its vCPUs may run
 *
 * Context: may sleep.
 */
void axv_memory_forget(struct axv_vm *vm)
{
	struct axv_removal removal;

	write_lock(&vm->mmu_lock);
	axv_memory_changed(vm);
	axv_memory_unmap(vm, 0, BIT_ULL(vm->s2.fmt->ipa_bits), &removal);
	write_unlock(&vm->mmu_lock);
	axv_memory_clean(vm, &removal, 0, 0);
}
