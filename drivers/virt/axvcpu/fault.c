// SPDX-License-Identifier: GPL-2.0
/*
 * Second-stage faults: guest memory on demand.
 *
 * A fault looks its region up.  If the host's page tables have the page at hand, the fault
 * maps it under &axv_vm.mmu_lock, which keeps the host from taking the page away, so no
 * reference is needed.  Otherwise the fault asks the host for the page, without a lock, and
 * maps it if nothing has changed meanwhile.  The page is not pinned: notifier.c takes the
 * mapping away before the host takes the page.
 *
 * Faults exclude removals, not each other: they hold the lock for reading.  Only a fault
 * that has to replace a mapping takes it for writing.
 */
#include <linux/align.h>
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>

#include <axvcpu/compat.h>
#include <axvcpu/trace.h>
#include <axvcpu/vcpu.h>

#include "memory.h"

/* Pages that are mapped with the one that faulted, if the host has them at hand. */
#define AROUND		16

/*
 * Such a page in &axv_fault.around: its physical address as the host maps it, and in the
 * bits below that AXV_S2_*, which the guest gets if the fault was on another page, and
 * HOST_*, which tell what the host's entry allows and says.  0: the page is not at hand.
 */
#define HOST_READ	BIT(3)
#define HOST_WRITE	BIT(4)
#define HOST_DIRTY	BIT(5)
#define HOST_STALE	BIT(6)

/**
 * struct axv_fault - a fault on its way
 * @gpa:	page that faulted
 * @write:	it is to be written
 * @fetch:	it is to be executed
 * @region:	copy of its region
 * @seq:	&axv_vm.mmu_seq when the region was looked up
 * @calm:	no invalidation, of any address, was in progress then
 * @mapped:	the guest had the page then, and lacks a right; told only if the back end
 *		has &axv_arch_ops.sync_memory
 * @page:	the host's page, a reference is held
 * @level:	level by which the host maps it: 1, 2 or 3
 * @writable:	the host lets it be written
 * @nr:		number of pages in @around
 * @at:		which of them faulted
 * @around:	what the host has there: the page that faulted, and pages around it
 */
struct axv_fault {
	u64 gpa;
	bool write;
	bool fetch;
	struct axv_mem_region region;
	unsigned long seq;
	bool calm;
	bool mapped;
	struct page *page;
	unsigned int level;
	bool writable;
	unsigned int nr;
	unsigned int at;
	u64 around[AROUND];
};

/*
 * What an entry of the host's tables allows without asking the host.  A page around the one
 * that faulted gets the right to read only if the host's entry says that it was used, and
 * the right to write only if the entry is dirty, too.  Otherwise the host takes the page
 * for used or written because of a fault on another page.
 */
static u64 axv_host_allows(pte_t pte, u32 always)
{
	u64 allows = HOST_READ;

	if (!pte_present(pte) || pte_protnone(pte) || pte_special(pte) ||
	    pte_devmap(pte) || !pte_access_permitted(pte, false))
		return 0;
	if (pte_write(pte) && pte_access_permitted(pte, true))
		allows |= HOST_WRITE;
	if (pte_dirty(pte))
		allows |= HOST_DIRTY;
	if (pte_young(pte))
		allows |= AXV_S2_READ | always;
	if (pte_young(pte) && pte_dirty(pte) && allows & HOST_WRITE)
		allows |= AXV_S2_WRITE;
	return allows;
}

/*
 * Take a reference to the page that an entry was seen to map, as the kernel itself does it
 * without a lock.  Returns @page if the entry still maps it; 0 if there is no reference to
 * be had; otherwise a page with HOST_STALE, whose reference the caller puts when interrupts
 * are on, since that may free the page.
 */
static u64 axv_host_hold(u64 page, pte_t pte, pte_t *ptep)
{
	struct page *head = compound_head(pfn_to_page(PHYS_PFN(page)));

	if (!get_page_unless_zero(head))
		return 0;
	if (pte_val(READ_ONCE(*ptep)) == pte_val(pte) &&
	    compound_head(pfn_to_page(PHYS_PFN(page))) == head)
		return page;
	return page_to_phys(head) | HOST_STALE;
}

/*
 * Note what @nr entries of one of the host's tables map.  Most have the same bits beside
 * the address, so these are looked at only if they differ from those of the entry before.
 *
 * Anonymous memory only: other pages may be such that not even the kernel may touch them
 * (secretmem), or have a file system that wants to know of writes.
 */
static void axv_host_pages(pte_t *ptep, u64 *pages, unsigned int nr, u32 always, bool hold)
{
	/* The bits of an empty entry, which allows nothing. */
	pteval_t bits = 0;
	unsigned long pfn;
	u64 allows = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pte_t pte = READ_ONCE(ptep[i]);

		if (pgprot_val(pte_pgprot(pte)) != bits) {
			bits = pgprot_val(pte_pgprot(pte));
			allows = axv_host_allows(pte, always);
		}
		pages[i] = 0;
		if (!allows)
			continue;
		pfn = pte_pfn(pte);
		/*
		 * A page that is mapped stays anonymous; the race is with a change of its owner
		 * only.
		 */
		if (!data_race(PageAnon(pfn_to_page(pfn))))
			continue;
		pages[i] = PFN_PHYS(pfn) | allows;
		if (hold)
			pages[i] = axv_host_hold(pages[i], pte, &ptep[i]);
	}
}

/*
 * Returns the level by which the host maps @hva: 1, 2 or 3.  If it maps small pages, @pages
 * gets @nr of them, from @hva on, which lie in one table; otherwise zeroes.  A page around
 * the one that faulted has @always, AXV_S2_*, whenever it has the right to read.  With
 * @hold, a reference is held to each page that is not 0 in @pages.
 *
 * With interrupts off the tables stay in place, as for every lockless walk.  Whether the
 * answer still holds is for the caller to know: it holds &axv_vm.mmu_lock, or compares
 * &axv_vm.mmu_seq later.  Each level is found from the place of the entry above, not from a
 * copy of that, since a kernel may decide to fold levels when it runs.
 */
static unsigned int axv_host_walk(struct mm_struct *mm, unsigned long hva,
				  u64 *pages, unsigned int nr, u32 always, bool hold)
{
	unsigned int i, level = 1;
	bool small = false;
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
	if (pmd_none(pmd) || !pmd_present(pmd))
		goto out;
	if (pmd_leaf(pmd)) {
		level = 2;
		goto out;
	}
	if (pmd_bad(pmd))
		goto out;
	axv_host_pages(pte_offset_kernel(&pmd, hva), pages, nr, always, hold);
	small = true;
out:
	local_irq_restore(flags);
	if (!small)
		memset(pages, 0, nr * sizeof(*pages));
	for (i = 0; hold && i < nr; i++) {
		if (pages[i] & HOST_STALE) {
			put_page(pfn_to_page(PHYS_PFN(pages[i])));
			pages[i] = 0;
		}
	}
	return level;
}

/*
 * Get the host's page.  In a region without flags, where writes are neither refused nor
 * logged, a read takes a writable page if the host has it at hand: that saves a second
 * fault.
 */
static int axv_fault_get_page(struct axv_fault *fault)
{
	unsigned long hva = axv_region_hva(&fault->region, fault->gpa);
	unsigned int flags = FOLL_HWPOISON | AXV_FOLL_FAULT;
	long got;

	fault->writable = fault->write || !fault->region.flags;
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
 * The guest's writes do not set the dirty bit in the host's entry, so mark the page dirty
 * before it is mapped.  What cleans a page that is mapped for writing, write-back or
 * MADV_FREE, invalidates the mapping first.
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
	const struct axv_mem_region *region = &fault->region;
	unsigned int level = min(fault->level, vm->s2.fmt->max_leaf_level);

	/*
	 * The log is kept by small pages.  And during an invalidation the host may be
	 * taking away another part of a large page.
	 */
	if (region->flags & AXV_REGION_LOG_DIRTY || !fault->calm)
		return 1;
	for (; level > 1; level--) {
		u64 size = axv_s2_level_size(level);
		u64 start = ALIGN_DOWN(fault->gpa, size);

		/*
		 * The reference has to be to a page of that size, since axv_fault_sync()
		 * works on all of it before the lock is taken.
		 */
		if (start >= region->gpa &&
		    start + size <= region->gpa + region->size &&
		    !((fault->gpa ^ page_to_phys(fault->page)) & (size - 1)) &&
		    page_size(compound_head(fault->page)) >= size)
			break;
	}
	return level;
}

static u32 axv_fault_grants(const struct axv_vm *vm, bool writable, bool fetch)
{
	u32 rights = AXV_S2_READ;

	if (writable)
		rights |= AXV_S2_WRITE;
	if (fetch || !vm->s2.fmt->exec_on_fetch)
		rights |= AXV_S2_EXEC;
	return rights;
}

/*
 * Have the back end do to memory what it needs before the guest can access or execute it:
 * @nr places of @size bytes.  That takes long, so it comes before any lock, and the caller
 * holds references to the memory.  The memory counts as new although some of it may have
 * been mapped before: most faults are on what was not.
 */
static void axv_fault_sync(struct axv_vm *vm, const phys_addr_t *pa, unsigned int nr,
			   u64 size, u32 rights)
{
	u32 what = AXV_SYNC_NEW;

	if (rights & AXV_S2_EXEC)
		what |= AXV_SYNC_FETCH;
	if (vm->ops->sync_memory && nr)
		vm->ops->sync_memory(pa, nr, size, what);
}

/*
 * Fill an entry, or add rights; &axv_vm.mmu_lock is held for reading, and the region is as
 * in its copy, with its log.  The entry comes first, then the mark in the log.  A thread
 * that reads and clears the log holds the lock exclusively, so it sees both or neither.
 */
static int axv_fault_fill(struct axv_vm *vm, const struct axv_fault *fault,
			  struct axv_s2_cache *cache, u64 gpa, phys_addr_t pa,
			  unsigned int level, u32 rights)
{
	bool regained;
	int err;

	lockdep_assert_held_read(&vm->mmu_lock);
	err = axv_s2_fill(&vm->s2, cache, gpa, pa, level, rights, &regained);
	if (err)
		return err;
	/*
	 * This vCPU finds the new generation when it enters, and so does another one
	 * that faults on its older translation of the page.  None has to leave the guest.
	 */
	if (regained)
		atomic64_inc(&vm->tlb_gen);
	if (rights & AXV_S2_WRITE)
		axv_mark_dirty(vm, &fault->region, fault->gpa);
	return 0;
}

/* Clean memory whose leaves were removed, before the entries that still name it are reused. */
static void axv_fault_clean(struct axv_vm *vm, u64 gpa, u64 end)
{
	while (vm->s2.clean && gpa < end)
		gpa = axv_s2_clean(&vm->s2, gpa, end);
}

/* Map where another mapping is in the way: under the lock for writing, it is replaced. */
static int axv_fault_replace(struct axv_vm *vm, const struct axv_fault *fault,
			     struct axv_s2_cache *cache, u64 gpa, phys_addr_t pa,
			     unsigned int level, u32 rights)
{
	struct axv_removal removal;
	LIST_HEAD(tables);
	bool flush, cut;
	int err;

	write_lock(&vm->mmu_lock);
	if (vm->mmu_seq != fault->seq) {
		err = -EAGAIN;
		goto out;
	}
	do {
		axv_fault_clean(vm, gpa, gpa + axv_s2_level_size(level));
		err = axv_s2_map(&vm->s2, cache, gpa, pa, level, rights, &flush);
		if (flush) {
			vm->ops->flush_stage2(vm);
			axv_s2_detach(&vm->s2, &tables);
		}
	} while (err == -EAGAIN);
	if (!err && rights & AXV_S2_WRITE)
		axv_mark_dirty(vm, &fault->region, fault->gpa);
out:
	cut = !list_empty(&tables);
	if (cut) {
		axv_removal_begin(vm, &removal);
		list_splice(&tables, &removal.tables);
	}
	write_unlock(&vm->mmu_lock);
	if (cut)
		axv_memory_clean(vm, &removal, 0, 0);
	return err;
}

/* Map the page.  -EAGAIN: something has changed since it was looked up. */
static int axv_fault_map(struct axv_vm *vm, const struct axv_fault *fault,
			 struct axv_s2_cache *cache)
{
	unsigned int level = axv_fault_level(vm, fault);
	u64 size = axv_s2_level_size(level);
	u64 gpa = ALIGN_DOWN(fault->gpa, size);
	phys_addr_t pa = ALIGN_DOWN(page_to_phys(fault->page), size);
	u32 rights = axv_fault_grants(vm, fault->writable, fault->fetch);
	int err;

	axv_fault_sync(vm, &pa, 1, size, rights);
	read_lock(&vm->mmu_lock);
	err = vm->mmu_seq == fault->seq ?
	      axv_fault_fill(vm, fault, cache, gpa, pa, level, rights) : -EAGAIN;
	read_unlock(&vm->mmu_lock);
	if (err == -EBUSY)
		err = axv_fault_replace(vm, fault, cache, gpa, pa, level, rights);
	return err;
}

/* ---- what the host has at hand ------------------------------------------- */

/*
 * Choose pages around the one that faulted, all in one table of the second stage and in one
 * of the host's, and note what the host has there.  Returns whether the host has the page
 * that faulted at hand.
 *
 * Only the page that faulted is looked at in a region with flags, where rights are given
 * page by page; and where the guest has the page already: it was given those around it
 * then, and making them ready once more costs more than the fault.
 */
static bool axv_fault_look_around(struct axv_vm *vm, struct axv_fault *fault, bool hold)
{
	const struct axv_mem_region *region = &fault->region;
	unsigned long hva = axv_region_hva(region, fault->gpa);
	u64 before = 0, after = 1;

	if (!region->flags && !fault->mapped) {
		/*
		 * Count pages before the one that faulted, and from it on: those of its group ...
		 */
		before = (fault->gpa >> PAGE_SHIFT) % AROUND;
		after = AROUND - before;
		/* ... that are in the region ... */
		before = min(before, (fault->gpa - region->gpa) >> PAGE_SHIFT);
		after = min(after, (region->gpa + region->size - fault->gpa) >> PAGE_SHIFT);
		/* ... and in the same table of the host. */
		before = min_t(u64, before, pte_index(hva));
		after = min_t(u64, after, PTRS_PER_PTE - pte_index(hva));
	}
	fault->at = before;
	fault->nr = before + after;
	fault->level = axv_host_walk(vm->mm, hva - (before << PAGE_SHIFT), fault->around,
				     fault->nr, axv_fault_grants(vm, false, false), hold);
	return fault->around[fault->at] & (fault->write ? HOST_WRITE : HOST_READ);
}

/*
 * Map the pages that axv_fault_look_around() has found; &axv_vm.mmu_lock is held for
 * reading, and the host still maps them so.  Pages around the one that faulted get only
 * rights that do not make the host believe that they are written.
 */
static int axv_fault_fill_around(struct axv_vm *vm, struct axv_fault *fault,
				 struct axv_s2_cache *cache)
{
	u64 page = fault->around[fault->at];
	bool writable = page & HOST_WRITE && (fault->write || !fault->region.flags);
	int err;

	/*
	 * If the host's entry is dirty, what the guest writes is not lost when that entry
	 * goes, and what makes the entry clean invalidates first.  Otherwise mark the page
	 * itself, which stays as long as the host maps it.
	 */
	if (writable && !(page & HOST_DIRTY))
		SetPageDirty(pfn_to_page(PHYS_PFN(page)));
	err = axv_fault_fill(vm, fault, cache, fault->gpa, page & PAGE_MASK, 1,
			     axv_fault_grants(vm, writable, fault->fetch));
	if (err || fault->nr == 1)
		return err;

	/* The page that faulted is mapped now. */
	fault->around[fault->at] &= ~AXV_S2_READ;
	if (axv_s2_fill_around(&vm->s2, fault->gpa - ((u64)fault->at << PAGE_SHIFT),
			       fault->around, fault->nr))
		atomic64_inc(&vm->tlb_gen);
	return 0;
}

/*
 * Have the back end make the pages ready that are about to be mapped: all at once, but for
 * the one that is to be executed.
 */
static void axv_fault_sync_pages(struct axv_vm *vm, const struct axv_fault *fault)
{
	u32 fetch = axv_fault_grants(vm, false, fault->fetch);
	u32 others = axv_fault_grants(vm, false, false);
	phys_addr_t pa[AROUND] __uninitialized;
	unsigned int i, nr = 0;

	for (i = 0; i < fault->nr; i++) {
		u64 page = fault->around[i];

		if (i == fault->at ? fetch == others : page & AXV_S2_READ)
			pa[nr++] = page & PAGE_MASK;
	}
	axv_fault_sync(vm, pa, nr, PAGE_SIZE, others);
	if (fetch != others) {
		pa[0] = fault->around[fault->at] & PAGE_MASK;
		axv_fault_sync(vm, pa, 1, PAGE_SIZE, fetch);
	}
}

/* Make the pages ready, with references and without the lock; then map them under the lock. */
static int axv_fault_sync_around(struct axv_vm *vm, struct axv_fault *fault,
				 struct axv_s2_cache *cache)
{
	int err = -ENXIO;
	unsigned int i;

	if (axv_fault_look_around(vm, fault, true)) {
		axv_fault_sync_pages(vm, fault);
		read_lock(&vm->mmu_lock);
		err = vm->mmu_seq == fault->seq ?
		      axv_fault_fill_around(vm, fault, cache) : -EAGAIN;
		read_unlock(&vm->mmu_lock);
	}
	for (i = 0; i < fault->nr; i++)
		if (fault->around[i])
			put_page(pfn_to_page(PHYS_PFN(fault->around[i])));
	return err;
}

/* ---- a try ---------------------------------------------------------------- */

/*
 * Find the region, and map the page if the host has it at hand; wait while the host takes
 * it away.  0: done; -ENXIO: the host is to be asked for the page; -ENOENT: no region;
 * -EACCES: a write to a read-only one; -ERESTARTSYS: a signal; -ENOMEM: the dirty log
 * cannot grow; -EBUSY: something is in the way; -EAGAIN: look again.
 */
static int axv_fault_look_up(struct axv_vm *vm, struct axv_fault *fault,
			     struct axv_s2_cache *cache)
{
	struct axv_log *lacking = NULL;
	bool wait = false;
	unsigned long hva;
	int err = -ENXIO;

	read_lock(&vm->mmu_lock);
	if (!axv_find_region(vm, fault->gpa, &fault->region)) {
		err = -ENOENT;
	} else if (fault->write && fault->region.flags & AXV_REGION_READONLY) {
		err = -EACCES;
	} else {
		fault->seq = vm->mmu_seq;
		fault->calm = !vm->invalidating;
		fault->mapped = vm->ops->sync_memory &&
				axv_s2_lookup(&vm->s2, fault->gpa).level;
		hva = axv_region_hva(&fault->region, fault->gpa);
		if (fault->write)
			lacking = axv_log_lacking(vm, &fault->region, fault->gpa);
		wait = axv_invalidating(vm, hva);
		if (!vm->ops->sync_memory && !lacking && fault->calm &&
		    axv_fault_look_around(vm, fault, false))
			err = axv_fault_fill_around(vm, fault, cache);
	}
	read_unlock(&vm->mmu_lock);

	if (lacking)
		return axv_log_extend(lacking, axv_region_page(&fault->region, fault->gpa)) ?:
		       -EAGAIN;
	/* Sleep, instead of trying again: the invalidating thread may have a lower priority. */
	if (wait)
		return wait_event_interruptible(vm->invalidate_wait,
						axv_invalidation_ended(vm, hva)) ?:
		       -EAGAIN;
	return err;
}

/* One try: 0; -EAGAIN: try again; or what the fault failed with. */
static int axv_fault_try(struct axv_vm *vm, struct axv_fault *fault,
			 struct axv_s2_cache *cache)
{
	int err;

	err = axv_s2_cache_fill(cache, vm->s2.fmt);
	if (err)
		return err;
	err = axv_fault_look_up(vm, fault, cache);
	if (err == -ENXIO && vm->ops->sync_memory && fault->calm)
		err = axv_fault_sync_around(vm, fault, cache);
	if (err != -ENXIO && err != -EBUSY)
		return err;

	err = axv_fault_get_page(fault);
	if (err)
		return err == -EAGAIN ? -EINTR : err;
	fault->level = axv_host_walk(vm->mm, axv_region_hva(&fault->region, fault->gpa),
				     fault->around, 0, 0, false);
	if (fault->writable)
		axv_fault_mark_page(fault->page);
	err = axv_fault_map(vm, fault, cache);
	put_page(fault->page);
	return err;
}

static enum axv_fault_result axv_fault_resolve(struct axv_vcpu *vcpu, u64 gpa,
					       u32 access, int *error)
{
	/* Not cleared, since it is large: each member is written before it is read. */
	struct axv_fault fault __uninitialized;
	unsigned int i;
	int err;

	fault.gpa = gpa & PAGE_MASK;
	fault.write = access & AXV_ACCESS_WRITE;
	fault.fetch = access & AXV_ACCESS_FETCH;
	for (i = 0; i < AXV_MEMORY_TRIES; i++) {
		err = axv_fault_try(vcpu->vm, &fault, &vcpu->tables);
		if (err != -EAGAIN)
			break;
		if (signal_pending(current)) {
			err = -EINTR;
			break;
		}
		cond_resched();
	}

	switch (err) {
	case 0:
		return AXV_FAULT_RESOLVED;
	case -ENOENT:
		return AXV_FAULT_MMIO;
	case -EACCES:
		return AXV_FAULT_PROTECTED;
	case -EAGAIN:
	case -EINTR:
	case -ERESTARTSYS:
		return AXV_FAULT_AGAIN;
	default:
		*error = err;
		return AXV_FAULT_FAILED;
	}
}

/*
 * A vCPU may fault once or twice on a page that is mapped with the rights it needs: another
 * vCPU has resolved the same fault, or a translation in the TLB is older.  If it goes on
 * without a change of the mapping, the hardware refuses the page for good.
 */
#define MAX_SPURIOUS	256

static u32 axv_fault_rights(u32 access)
{
	u32 rights = 0;

	if (access & (AXV_ACCESS_READ | AXV_ACCESS_PAGE_TABLE))
		rights |= AXV_S2_READ;
	if (access & AXV_ACCESS_WRITE)
		rights |= AXV_S2_WRITE;
	if (access & AXV_ACCESS_FETCH)
		rights |= AXV_S2_EXEC;
	return rights;
}

/*
 * Remember a fault that was resolved, for axv_fault_is_stuck().  Faults at a device's
 * address are never resolved, so they are not noted.
 */
static void axv_fault_note(struct axv_vcpu *vcpu, u64 gpa, u32 access)
{
	struct axv_last_fault *last = &vcpu->last_fault;

	gpa &= PAGE_MASK;
	if (last->gpa == gpa && last->access == access)
		return;
	last->gpa = gpa;
	last->access = access;
	last->count = 0;
}

/* Does the hardware refuse again and again what the second stage allows? */
static bool axv_fault_is_stuck(struct axv_vcpu *vcpu, u64 gpa, u32 access)
{
	struct axv_last_fault *last = &vcpu->last_fault;
	u32 rights = axv_fault_rights(access);
	struct axv_vm *vm = vcpu->vm;
	struct axv_s2_leaf leaf;
	unsigned long seq;

	if (last->gpa != (gpa & PAGE_MASK) || last->access != access)
		return false;

	read_lock(&vm->mmu_lock);
	leaf = axv_s2_lookup(&vm->s2, last->gpa);
	/* A right that was taken away and given back, to another vCPU, is a change. */
	seq = vm->mmu_seq + vm->s2.protections;
	read_unlock(&vm->mmu_lock);
	if (seq != last->seq || !leaf.level || !leaf.young || rights & ~leaf.rights) {
		last->seq = seq;
		last->count = 0;
		return false;
	}
	if (++last->count < MAX_SPURIOUS)
		return false;
	/* If the VMM runs the vCPU again, it has as many tries once more. */
	last->count = 0;
	return true;
}

/*
 * Remember that there is no region from @gpa up to the next one, so that the next exit at a
 * device there looks for no region and takes no lock.  If the hole that is known ends at
 * the same region, and no region has changed since, its lower start is kept.
 */
static void axv_fault_note_hole(struct axv_vcpu *vcpu, u64 gpa)
{
	unsigned long seq = axv_memory_seq(vcpu->vm);
	struct axv_hole *hole = &vcpu->hole;
	struct axv_mem_region region;
	u64 end = U64_MAX;

	if (axv_region_above(vcpu->vm, gpa, &region)) {
		if (region.gpa <= gpa)
			return;
		end = region.gpa;
	}
	if (!axv_memory_is_same(vcpu->vm, seq))
		return;
	if (hole->seq != seq || hole->end != end || gpa < hole->start)
		hole->start = gpa;
	hole->end = end;
	hole->seq = seq;
}

/**
 * axv_vcpu_fault() - resolve a fault of the second stage that a vCPU ran into
 * @vcpu:	vCPU whose claim the caller holds
 * @gpa:	guest physical address that faulted
 * @access:	AXV_ACCESS_*
 * @error:	out, with AXV_FAULT_FAILED: the host's negative error; -ELOOP: the
 *		hardware refuses a page that is mapped, again and again
 *
 * Context: may sleep.
 * Return: an &enum axv_fault_result.
 */
enum axv_fault_result axv_vcpu_fault(struct axv_vcpu *vcpu, u64 gpa, u32 access,
				     int *error)
{
	enum axv_fault_result result;

	if (axv_is_known_hole(vcpu, gpa)) {
		vcpu->last_fault.count = 0;
		trace_axv_fault(vcpu->vm, gpa, access, AXV_FAULT_MMIO);
		return AXV_FAULT_MMIO;
	}
	if (unlikely(axv_fault_is_stuck(vcpu, gpa, access))) {
		*error = -ELOOP;
		result = AXV_FAULT_FAILED;
	} else {
		result = axv_fault_resolve(vcpu, gpa, access, error);
	}
	if (result == AXV_FAULT_RESOLVED) {
		axv_count(&vcpu->stats.faults, 1);
		axv_fault_note(vcpu, gpa, access);
	} else {
		vcpu->last_fault.count = 0;
		if (result == AXV_FAULT_MMIO)
			axv_fault_note_hole(vcpu, gpa);
	}
	trace_axv_fault(vcpu->vm, gpa, access, result);
	return result;
}
