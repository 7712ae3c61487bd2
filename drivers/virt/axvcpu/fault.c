// SPDX-License-Identifier: GPL-2.0
/*
 * Second-stage faults: guest memory on demand.
 *
 * A fault looks its region up, gets the host's page without a lock, and maps it
 * if nothing has changed meanwhile.  The page is not pinned: notifier.c takes
 * the mapping away before the host takes the page.
 */
#include <linux/align.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>

#include <axvcpu/compat.h>

#include "memory.h"

/**
 * struct axv_fault - a fault on its way
 * @gpa:	page that faulted
 * @write:	it is to be written
 * @slot:	copy of its region
 * @seq:	&axv_vm.mmu_seq when the region was looked up
 * @page:	the host's page, a reference is held
 * @level:	how large the host maps it
 * @writable:	the host lets it be written
 */
struct axv_fault {
	u64 gpa;
	bool write;
	struct axv_memslot slot;
	unsigned long seq;
	struct page *page;
	unsigned int level;
	bool writable;
};

/*
 * How large does the host map @hva?  Interrupts off keep the tables in place,
 * as for every lockless walk; whether the answer still holds is for
 * &axv_vm.mmu_seq to tell.  Each level is found from the place of the one above,
 * not from its copy, since a kernel may fold levels only when it runs.
 */
static unsigned int axv_host_level(struct mm_struct *mm, unsigned long hva)
{
	unsigned int level = 1;
	unsigned long flags;
	pgd_t *pgdp = pgd_offset(mm, hva), pgd;
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t pmd;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgdp);
	if (pgd_none(pgd))
		goto out;
	p4dp = p4d_offset_lockless(pgdp, pgd, hva);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pudp = pud_offset_lockless(p4dp, p4d, hva);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud) || !pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		level = 3;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset_lockless(pudp, pud, hva));
	if (!pmd_none(pmd) && pmd_present(pmd) && pmd_leaf(pmd))
		level = 2;
out:
	local_irq_restore(flags);
	return level;
}

/*
 * Get the host's page.  Where it may become writable without anybody looking,
 * a read asks for that too: it saves a second fault, if it costs nothing.
 */
static int axv_fault_get_page(struct axv_fault *fault)
{
	unsigned long hva = axv_slot_hva(&fault->slot, fault->gpa);
	unsigned int flags = FOLL_HWPOISON | AXV_FOLL_FAULT;
	long got;

	fault->writable = fault->write || !fault->slot.flags;
	if (fault->writable &&
	    get_user_pages_fast_only(hva, 1, FOLL_WRITE, &fault->page) == 1)
		return 0;

	fault->writable = fault->write;
	if (fault->write)
		flags |= FOLL_WRITE;
	else if (get_user_pages_fast_only(hva, 1, 0, &fault->page) == 1)
		return 0;

	got = get_user_pages_unlocked(hva, 1, &fault->page, flags);
	if (got < 0)
		return got;
	return got ? 0 : -EFAULT;
}

/*
 * The guest may write from now on, and nobody will tell the host's page: mark
 * it before it is mapped.  What cleans a page that is mapped for writing,
 * write-back or MADV_FREE, invalidates the mapping first.
 */
static void axv_fault_mark_page(struct page *page)
{
	if (PageDirty(page))
		return;
	if (PageAnon(page))
		SetPageDirty(page);
	else
		set_page_dirty_lock(page);
}

/* The largest level that host, region, alignment and format agree on. */
static unsigned int axv_fault_level(const struct axv_vm *vm,
				    const struct axv_fault *fault)
{
	const struct axv_memslot *slot = &fault->slot;
	unsigned int level = min(fault->level, vm->s2.fmt->max_leaf_level);

	if (slot->flags & AXV_REGION_LOG_DIRTY)
		return 1;
	for (; level > 1; level--) {
		u64 size = axv_s2_level_size(level);
		u64 start = ALIGN_DOWN(fault->gpa, size);

		if (start >= slot->gpa &&
		    start + size <= slot->gpa + slot->size &&
		    !((fault->gpa ^ page_to_phys(fault->page)) & (size - 1)))
			break;
	}
	return level;
}

/* Memory that the guest does not have yet, as far as the host has to see to it. */
static void axv_fault_sync(struct axv_vm *vm, const struct axv_fault *fault,
			   unsigned int level)
{
	u64 size = axv_s2_level_size(level);

	if (vm->ops->sync_memory &&
	    axv_s2_lookup(&vm->s2, fault->gpa).level < level)
		vm->ops->sync_memory(page_to_phys(fault->page) & ~(size - 1), size);
}

/*
 * Map the page, unless something changed since it was looked up: -EAGAIN.
 * -ENOMEM: the cache was short, and this may be called again once it is full.
 */
static int axv_fault_map(struct axv_vm *vm, struct axv_fault *fault,
			 struct axv_s2_cache *cache)
{
	unsigned int level = axv_fault_level(vm, fault);
	u64 mask = axv_s2_level_size(level) - 1;
	u32 rights = AXV_S2_READ | AXV_S2_EXEC;
	LIST_HEAD(tables);
	bool flush;
	int err;

	if (fault->writable)
		rights |= AXV_S2_WRITE;

	spin_lock(&vm->mmu_lock);
	if (vm->mmu_seq != fault->seq) {
		err = -EAGAIN;
		goto out;
	}
	axv_fault_sync(vm, fault, level);
	do {
		err = axv_s2_map(&vm->s2, cache, fault->gpa & ~mask,
				 page_to_phys(fault->page) & ~mask, level,
				 rights, &flush);
		if (flush) {
			vm->ops->flush_stage2(vm);
			axv_s2_detach(&vm->s2, &tables);
		}
	} while (err == -EAGAIN);
	/* An unchanged sequence means that the copy's bitmap is the region's. */
	if (!err && fault->writable)
		axv_mark_dirty(&fault->slot, fault->gpa);
out:
	spin_unlock(&vm->mmu_lock);
	axv_s2_free(&vm->s2, &tables, true);
	return err;
}

/*
 * Find the region, and wait while the host takes the page away.  0; -ENOENT: no
 * region; -EACCES: a write to a read-only one; -ERESTARTSYS: a signal.
 */
static int axv_fault_look_up(struct axv_vm *vm, struct axv_fault *fault)
{
	struct axv_memslot *slot;
	unsigned long hva;
	bool wait;
	int err;

	for (;;) {
		spin_lock(&vm->mmu_lock);
		slot = axv_find_slot(vm, fault->gpa);
		if (!slot) {
			spin_unlock(&vm->mmu_lock);
			return -ENOENT;
		}
		fault->slot = *slot;
		fault->seq = vm->mmu_seq;
		hva = axv_slot_hva(slot, fault->gpa);
		wait = axv_invalidating(vm, hva);
		spin_unlock(&vm->mmu_lock);

		if (fault->write && fault->slot.flags & AXV_REGION_READONLY)
			return -EACCES;
		if (!wait)
			return 0;
		/* Sleeping, not spinning: who invalidates may be less urgent. */
		err = wait_event_interruptible(vm->invalidate_wait,
					       axv_invalidation_ended(vm, hva));
		if (err)
			return err;
	}
}

/* One try: 0; -EAGAIN: try again; or what the fault failed with. */
static int axv_fault_try(struct axv_vm *vm, struct axv_fault *fault,
			 struct axv_s2_cache *cache)
{
	int err;

	err = axv_fault_get_page(fault);
	if (err)
		return err == -EAGAIN ? -EINTR : err;
	fault->level = axv_host_level(vm->mm,
				      axv_slot_hva(&fault->slot, fault->gpa));
	if (fault->writable)
		axv_fault_mark_page(fault->page);

	/* Most faults need no new table, so none is set aside at first. */
	err = axv_fault_map(vm, fault, cache);
	if (err == -ENOMEM) {
		err = axv_s2_cache_fill(cache, vm->s2.fmt);
		if (!err)
			err = axv_fault_map(vm, fault, cache);
	}
	put_page(fault->page);
	return err;
}

/**
 * axv_memory_fault() - resolve a fault of the second stage
 * @vm:		VM of the calling thread
 * @gpa:	guest physical address that faulted
 * @access:	AXV_ACCESS_*
 * @error:	out, with AXV_FAULT_FAILED: the host's negative error
 *
 * On 6.1 only a fatal signal interrupts the wait for a page that the VMM itself
 * supplies (userfaultfd); the host has no way to ask for more.
 *
 * Context: may sleep.
 * Return: an &enum axv_fault_result.
 */
enum axv_fault_result axv_memory_fault(struct axv_vm *vm, u64 gpa, u32 access,
				       int *error)
{
	struct axv_fault fault = {
		.gpa = gpa & PAGE_MASK,
		.write = access & AXV_ACCESS_WRITE,
	};
	struct axv_s2_cache cache = AXV_S2_CACHE_INIT(cache);
	int err;

	for (;;) {
		err = axv_fault_look_up(vm, &fault);
		if (err)
			break;
		err = axv_fault_try(vm, &fault, &cache);
		if (err != -EAGAIN)
			break;
		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		cond_resched();
	}
	axv_s2_cache_drain(&cache);

	switch (err) {
	case 0:
		return AXV_FAULT_RESOLVED;
	case -ENOENT:
		return AXV_FAULT_MMIO;
	case -EACCES:
		return AXV_FAULT_PROTECTED;
	case -EINTR:
	case -ERESTARTSYS:
		return AXV_FAULT_AGAIN;
	default:
		*error = err;
		return AXV_FAULT_FAILED;
	}
}

/**
 * axv_memory_forget() - unmap all of the guest's memory, to come back by demand
 * @vm:		any VM; its vCPUs may run
 *
 * Context: may sleep.
 */
void axv_memory_forget(struct axv_vm *vm)
{
	LIST_HEAD(tables);

	spin_lock(&vm->mmu_lock);
	vm->mmu_seq++;
	axv_memory_unmap(vm, 0, BIT_ULL(vm->s2.fmt->ipa_bits), &tables);
	spin_unlock(&vm->mmu_lock);
	axv_s2_free(&vm->s2, &tables, true);
}
