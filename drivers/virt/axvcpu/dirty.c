// SPDX-License-Identifier: GPL-2.0
/*
 * The log of the pages that a guest wrote.
 *
 * A log is a sparse bitmap: a chunk of it, one page, exists where something was
 * written.  Otherwise one ioctl on an empty region costs GiBs.  A chunk is allocated before
 * the write, without a lock, and stays until the log goes, so that axv_log_mark() finds a
 * place for the bit under &axv_vm.mmu_lock, where nothing can be allocated.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "memory.h"

#define CHUNK_WORDS	(PAGE_SIZE / sizeof(long))
#define CHUNK_PAGES	(PAGE_SIZE * BITS_PER_BYTE)

/**
 * axv_log_new() - create an empty log
 *
 * Context: may sleep.
 * Return: the log with one reference, or NULL.
 */
struct axv_log *axv_log_new(void)
{
	struct axv_log *log = kzalloc(sizeof(*log), GFP_KERNEL_ACCOUNT);

	if (!log)
		return NULL;
	kref_init(&log->ref);
	xa_init_flags(&log->chunks, XA_FLAGS_ACCOUNT);
	return log;
}

static void log_free(struct kref *ref)
{
	struct axv_log *log = container_of(ref, struct axv_log, ref);
	unsigned long index;
	void *chunk;

	xa_for_each(&log->chunks, index, chunk) {
		free_page((unsigned long)chunk);
		cond_resched();
	}
	xa_destroy(&log->chunks);
	kfree(log);
}

/**
 * axv_log_put() - give a reference back
 * @log:	the log, or NULL
 *
 * Context: may sleep.
 */
void axv_log_put(struct axv_log *log)
{
	if (log)
		kref_put(&log->ref, log_free);
}

/**
 * axv_log_lacking() - can a write to a page be logged?
 * @vm:		VM whose &axv_vm.mmu_lock is held
 * @region:	region of the page, which still is what it was when it was copied
 * @gpa:	an address in it
 *
 * Return: NULL: axv_mark_dirty() may be called; otherwise the log, with a
 * reference for axv_log_extend(), after which the region is looked up anew.
 */
struct axv_log *axv_log_lacking(struct axv_vm *vm, const struct axv_mem_region *region,
				u64 gpa)
{
	struct axv_log *log = region->log;

	lockdep_assert_held(&vm->mmu_lock);
	if (likely(!log) ||
	    xa_load(&log->chunks, axv_region_page(region, gpa) / CHUNK_PAGES))
		return NULL;
	kref_get(&log->ref);
	return log;
}

/**
 * axv_log_extend() - make room in a log for a page
 * @log:	by axv_log_lacking(); its reference is given back
 * @page:	number of the page in its region
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int axv_log_extend(struct axv_log *log, u64 page)
{
	void *chunk = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (chunk)
		err = xa_insert(&log->chunks, page / CHUNK_PAGES, chunk,
				GFP_KERNEL_ACCOUNT);
	if (err)
		free_page((unsigned long)chunk);
	axv_log_put(log);
	/* -EBUSY: another thread was faster. */
	return err == -EBUSY ? 0 : err;
}

/**
 * axv_log_mark() - note a write
 * @log:	a log that has room for it, see axv_log_lacking()
 * @page:	number of the page in its region
 *
 * Context: under &axv_vm.mmu_lock.
 */
void axv_log_mark(struct axv_log *log, u64 page)
{
	unsigned long *chunk = xa_load(&log->chunks, page / CHUNK_PAGES);

	if (!WARN_ON_ONCE(!chunk))
		set_bit(page % CHUNK_PAGES, chunk);
}

/* ---- reading it --------------------------------------------------------- */

static struct axv_mem_region *logged_region(struct axv_vm *vm, u32 id,
					    u64 first_page, u64 nr_pages)
{
	struct axv_region_node *node = axv_named_region(vm, id);
	u64 pages;

	if (!node)
		return ERR_PTR(-ENOENT);
	pages = node->region.size >> PAGE_SHIFT;
	if (!node->region.log || first_page % BITS_PER_LONG || first_page > pages ||
	    nr_pages > pages - first_page ||
	    (nr_pages % BITS_PER_LONG && nr_pages != pages - first_page))
		return ERR_PTR(-EINVAL);
	return &node->region;
}

/* How many words, from @word on and @nr at most, lie in one chunk? */
static u64 in_chunk(u64 word, u64 nr)
{
	return min_t(u64, nr, CHUNK_WORDS - word % CHUNK_WORDS);
}

/**
 * struct dirty_range - words of a log and of a bitmap that belong together
 * @vm:		VM whose &axv_vm.lock is held: the region stays what it is
 * @gpa:	address of the first page
 * @words:	words of the log, in one chunk
 * @bitmap:	words of the copy of userspace's bitmap
 * @nr:		how many of each
 * @flush:	pages lost their write permission since the last flush
 */
struct dirty_range {
	struct axv_vm *vm;
	u64 gpa;
	unsigned long *words;
	unsigned long *bitmap;
	u64 nr;
	bool flush;
};

static void dirty_flush(struct dirty_range *range)
{
	if (range->flush)
		range->vm->ops->flush_stage2(range->vm);
	range->flush = false;
}

/* Let other threads have &axv_vm.mmu_lock, if they wait for it. */
static void dirty_relax(struct dirty_range *range)
{
	if (need_resched() || rwlock_needbreak(&range->vm->mmu_lock)) {
		dirty_flush(range);
		cond_resched_rwlock_write(&range->vm->mmu_lock);
	}
}

/* Catch writes anew, to the pages from @first to @last, counted from @gpa. */
static void dirty_protect(struct dirty_range *range, u64 gpa, unsigned long first,
			  unsigned long last)
{
	range->flush |= axv_s2_write_protect(&range->vm->s2, gpa + (first << PAGE_SHIFT),
					     (u64)(last - first + 1) << PAGE_SHIFT);
}

/*
 * Clear @bits of word @i, and catch writes to their pages anew.  Returns those that were
 * set.
 *
 * Pages are protected as one range, from the first to the last: clean pages in between are
 * protected already.  If there are pages in between that stay dirty, the others are
 * protected one by one; otherwise the guest faults on the dirty ones for nothing.
 */
static unsigned long dirty_clear(struct dirty_range *range, u64 i, unsigned long bits)
{
	u64 gpa = range->gpa + ((i * BITS_PER_LONG) << PAGE_SHIFT);
	atomic_long_t *word = (atomic_long_t *)&range->words[i];
	unsigned long all, done, first, last;

	all = atomic_long_fetch_andnot(bits, word);
	bits &= all;
	for (done = bits; done; done &= ~GENMASK(last, first)) {
		first = __ffs(done);
		last = __fls(done);
		if (all & ~bits & GENMASK(last, first))
			last = first;
		dirty_protect(range, gpa, first, last);
	}
	if (bits)
		dirty_relax(range);
	return bits;
}

static void dirty_get(struct dirty_range *range)
{
	u64 i;

	for (i = 0; i < range->nr; i++)
		if (READ_ONCE(range->words[i]))
			range->bitmap[i] = dirty_clear(range, i, ~0ul);
}

static void dirty_clear_given(struct dirty_range *range)
{
	u64 i;

	for (i = 0; i < range->nr; i++)
		if (range->bitmap[i])
			dirty_clear(range, i, range->bitmap[i]);
}

static void dirty_put(struct dirty_range *range)
{
	u64 i;

	for (i = 0; i < range->nr; i++)
		if (range->bitmap[i])
			atomic_long_or(range->bitmap[i],
				       (atomic_long_t *)&range->words[i]);
	dirty_relax(range);
}

/*
 * Call @fn for each chunk that the log has, under &axv_vm.mmu_lock.  With @killable a fatal
 * signal ends the walk with -EINTR; @fn was called for a part of the range then.
 */
static int dirty_walk(struct axv_vm *vm, const struct axv_mem_region *region,
		      u64 first_page, u64 nr_pages, unsigned long *bitmap,
		      void (*fn)(struct dirty_range *range), bool killable)
{
	u64 word, n, end = BITS_TO_LONGS(nr_pages);
	struct dirty_range range = { .vm = vm };
	unsigned long *chunk;
	int err = 0;

	write_lock(&vm->mmu_lock);
	for (n = 0; n < end && !err; n += range.nr) {
		word = first_page / BITS_PER_LONG + n;
		range.nr = in_chunk(word, end - n);
		range.gpa = region->gpa + ((word * BITS_PER_LONG) << PAGE_SHIFT);
		range.bitmap = bitmap + n;
		chunk = xa_load(&region->log->chunks, word / CHUNK_WORDS);
		if (chunk) {
			range.words = chunk + word % CHUNK_WORDS;
			fn(&range);
		}
		if (killable && fatal_signal_pending(current))
			err = -EINTR;
	}
	dirty_flush(&range);
	write_unlock(&vm->mmu_lock);
	return err;
}

/* Report without clearing.  &axv_vm.lock keeps the region, so the log and its chunks stay. */
static void dirty_peek(const struct axv_mem_region *region, u64 first_page,
		       u64 nr_pages, unsigned long *bitmap)
{
	u64 word, nr, n, i, end = BITS_TO_LONGS(nr_pages);
	unsigned long *chunk;

	for (n = 0; n < end; n += nr) {
		word = first_page / BITS_PER_LONG + n;
		nr = in_chunk(word, end - n);
		chunk = xa_load(&region->log->chunks, word / CHUNK_WORDS);
		for (i = 0; chunk && i < nr; i++)
			bitmap[n + i] = READ_ONCE(chunk[word % CHUNK_WORDS + i]);
		cond_resched();
	}
}

/**
 * axv_get_dirty() - report the log of dirty pages, and clear it
 * @vm:		VM of the calling thread
 * @id:		number of a region with AXV_REGION_LOG_DIRTY
 * @first_page:	first page of the region to report, a multiple of 64
 * @nr_pages:	how many: a multiple of 64, or up to the region's end
 * @bitmap:	buffer of as many bits, in whole words; bit 0 is @first_page
 * @keep:	do not clear it
 *
 * A write of the guest that is too late for this report is caught, and is in the next one;
 * with @keep that is so for pages that this report does not have.  A caller that cannot
 * hand on what was cleared gives it back to axv_put_dirty(); so does one that gets -EINTR.
 *
 * Context: may sleep; takes &axv_vm.lock.
 * Return: 0; -ENOENT: no such region; -EINVAL: not logged, or out of bounds;
 * -EINTR: a fatal signal.
 */
int axv_get_dirty(struct axv_vm *vm, u32 id, u64 first_page, u64 nr_pages,
		  unsigned long *bitmap, bool keep)
{
	const struct axv_mem_region *region;
	int err;

	err = mutex_lock_killable(&vm->lock);
	if (err)
		return err;
	region = logged_region(vm, id, first_page, nr_pages);
	err = PTR_ERR_OR_ZERO(region);
	if (!err) {
		memset(bitmap, 0, BITS_TO_LONGS(nr_pages) * sizeof(*bitmap));
		if (keep)
			dirty_peek(region, first_page, nr_pages, bitmap);
		else
			err = dirty_walk(vm, region, first_page, nr_pages, bitmap,
					 dirty_get, true);
	}
	mutex_unlock(&vm->lock);
	return err;
}

/**
 * axv_clear_dirty() - clear some of the log of dirty pages
 * @vm:		VM of the calling thread
 * @id:		number of a region with AXV_REGION_LOG_DIRTY
 * @first_page:	first page of the region that @bitmap names, a multiple of 64
 * @nr_pages:	how many: a multiple of 64, or up to the region's end
 * @bitmap:	the pages to clear, bit 0 is @first_page; a page that was not written
 *		since stays clean
 *
 * When it returns, writes to these pages are caught anew.  Other pages are left alone.
 *
 * Context: may sleep; takes &axv_vm.lock.
 * Return: as axv_get_dirty(); -EINVAL: a bit beyond @nr_pages is set, too.  After
 * -EINTR some of them may be clear.
 */
int axv_clear_dirty(struct axv_vm *vm, u32 id, u64 first_page, u64 nr_pages,
		    unsigned long *bitmap)
{
	const struct axv_mem_region *region;
	int err;

	if (nr_pages % BITS_PER_LONG &&
	    bitmap[nr_pages / BITS_PER_LONG] & ~BITMAP_LAST_WORD_MASK(nr_pages))
		return -EINVAL;
	err = mutex_lock_killable(&vm->lock);
	if (err)
		return err;
	region = logged_region(vm, id, first_page, nr_pages);
	err = PTR_ERR_OR_ZERO(region);
	if (!err)
		err = dirty_walk(vm, region, first_page, nr_pages, bitmap,
				 dirty_clear_given, true);
	mutex_unlock(&vm->lock);
	return err;
}

/**
 * axv_put_dirty() - mark pages again that axv_get_dirty() has reported and cleared
 * @vm:		VM of the calling thread
 * @id:		as for axv_get_dirty()
 * @first_page:	as for axv_get_dirty()
 * @nr_pages:	as for axv_get_dirty()
 * @bitmap:	what was reported
 *
 * Does nothing if the region was deleted or shrunk since.  If it has another log by now, pages
 * that were not written may be reported, which does no harm.
 *
 * Context: may sleep; takes &axv_vm.lock.
 */
void axv_put_dirty(struct axv_vm *vm, u32 id, u64 first_page, u64 nr_pages,
		   unsigned long *bitmap)
{
	const struct axv_mem_region *region;

	mutex_lock(&vm->lock);
	region = logged_region(vm, id, first_page, nr_pages);
	if (!IS_ERR(region))
		dirty_walk(vm, region, first_page, nr_pages, bitmap, dirty_put, false);
	mutex_unlock(&vm->lock);
}
