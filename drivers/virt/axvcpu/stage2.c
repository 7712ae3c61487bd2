// SPDX-License-Identifier: GPL-2.0
/*
 * Second-stage page tables.
 *
 * One walker serves every format, since a format is nothing but bits.  Levels
 * are counted from the bottom: the entries of a level-1 table map 4 KiB each.
 *
 * The hardware reads the table at any time, and sets accessed and dirty bits in it.
 * axv_s2_fill() fills empty entries and adds rights, in several threads at once: each step
 * is one compare and exchange, and a thread whose exchange fails looks again.  All other
 * changes are made with the caller's lock held exclusively.  So while a thread holds the
 * lock for reading, an entry that it found present stays present, and a table stays that
 * table.
 *
 * An entry is written whole; one that is present is only ever replaced by an atomic
 * operation, which keeps or returns the bits that the hardware set; and a table is
 * complete before it is linked.  A table that was cut off may still be walked until the flush: it
 * waits in &axv_stage2.freed, with its level in page_private().
 *
 * Where host memory has to be cleaned once nothing maps it any more
 * (&axv_stage2.clean), the entry of a leaf that is removed keeps its address, without
 * being present, until axv_s2_clean() comes after the flush; leaves of a table that
 * was cut off are cleaned when the table is freed.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include <axvcpu/stage2.h>

#define S2_ENTRIES	512
#define S2_RIGHTS	(AXV_S2_READ | AXV_S2_WRITE | AXV_S2_EXEC)

/* ---- entries ------------------------------------------------------------ */

static bool s2_is_present(const struct axv_s2_format *fmt, u64 entry)
{
	return entry & fmt->present_mask;
}

static bool s2_is_table(const struct axv_s2_format *fmt, u64 entry,
			unsigned int level)
{
	return level > 1 && s2_is_present(fmt, entry) &&
	       (entry & fmt->table_mask) == fmt->table_value;
}

/* Was the leaf removed, and is its memory still to be cleaned? */
static bool s2_is_gone(const struct axv_s2_format *fmt, u64 entry)
{
	return entry && !s2_is_present(fmt, entry);
}

static phys_addr_t s2_address(const struct axv_s2_format *fmt, u64 entry)
{
	return entry & fmt->addr_mask;
}

static struct page *s2_page(phys_addr_t pa)
{
	return pfn_to_page(PHYS_PFN(pa));
}

static u64 *s2_child(const struct axv_s2_format *fmt, u64 entry)
{
	return phys_to_virt(s2_address(fmt, entry));
}

static unsigned int s2_index(const struct axv_s2_format *fmt, u64 ipa,
			     unsigned int level)
{
	unsigned int index = ipa >> (12 + 9 * (level - 1));

	/* The root may be several tables in a row, which have one index. */
	return level == fmt->levels ? index : index % S2_ENTRIES;
}

/* First address after @ipa that another entry of this level maps. */
static u64 s2_next(u64 ipa, unsigned int level)
{
	u64 size = axv_s2_level_size(level);

	return (ipa & ~(size - 1)) + size;
}

static u64 s2_grant(const struct axv_s2_format *fmt, u64 entry, u32 rights)
{
	if (rights & AXV_S2_READ)
		entry |= fmt->readable;
	if (rights & AXV_S2_WRITE)
		entry |= fmt->writable;
	if (rights & AXV_S2_EXEC)
		entry = (entry | fmt->executable) & ~fmt->not_executable;
	return entry;
}

static u32 s2_rights(const struct axv_s2_format *fmt, u64 entry)
{
	u32 rights = 0;

	if ((entry & fmt->readable) == fmt->readable)
		rights |= AXV_S2_READ;
	if ((entry & fmt->writable) == fmt->writable)
		rights |= AXV_S2_WRITE;
	if ((entry & fmt->executable) == fmt->executable &&
	    !(entry & fmt->not_executable))
		rights |= AXV_S2_EXEC;
	return rights;
}

static u64 s2_leaf(const struct axv_s2_format *fmt, phys_addr_t pa,
		   unsigned int level, u32 rights)
{
	u64 entry = fmt->leaf | fmt->not_executable | pa;

	entry |= level == 1 ? fmt->leaf_page : fmt->leaf_block;
	return s2_grant(fmt, entry, rights);
}

/* ---- table pages -------------------------------------------------------- */

static struct page *s2_alloc_pages(unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_COMP,
					order);

	if (page)
		mod_lruvec_page_state(page, NR_SECONDARY_PAGETABLE, 1 << order);
	return page;
}

static void s2_free_pages(struct page *page, unsigned int order)
{
	mod_lruvec_page_state(page, NR_SECONDARY_PAGETABLE, -(1 << order));
	__free_pages(page, order);
}

/* Free a table that nothing walks any more, and the tables below it. */
static void s2_free_tree(struct axv_stage2 *s2, struct page *page,
			 unsigned int level, bool may_sleep)
{
	unsigned int order = level == s2->fmt->levels ? s2->fmt->root_order : 0;
	const u64 *table = page_address(page);
	unsigned int i;

	/* A table of level 1 holds leaves only. */
	for (i = 0; (level > 1 || s2->clean) && i < S2_ENTRIES << order; i++) {
		if (s2_is_table(s2->fmt, table[i], level))
			s2_free_tree(s2, s2_page(s2_address(s2->fmt, table[i])),
				     level - 1, may_sleep);
		else if (s2->clean && table[i])
			s2->clean(s2_address(s2->fmt, table[i]),
				  axv_s2_level_size(level));
	}
	s2_free_pages(page, order);
	atomic_long_dec(&s2->tables);
	if (may_sleep)
		cond_resched();
}

/* Have a table freed after the flush.  @entry, its only link, was in a table of @level. */
static void s2_cut(struct axv_stage2 *s2, u64 entry, unsigned int level)
{
	struct page *page = s2_page(s2_address(s2->fmt, entry));

	set_page_private(page, level - 1);
	list_add_tail(&page->lru, &s2->freed);
}

/* Remove an entry, which hardware may be walking through.  Returns what it was. */
static u64 s2_remove(struct axv_stage2 *s2, u64 *slot, unsigned int level)
{
	u64 entry = READ_ONCE(*slot), kept = 0;

	if (s2->clean && !s2_is_table(s2->fmt, entry, level))
		kept = entry & ~s2->fmt->present_mask;
	entry = xchg(slot, kept);
	if (s2_is_table(s2->fmt, entry, level))
		s2_cut(s2, entry, level);
	return entry;
}

static struct page *s2_take(struct axv_stage2 *s2, struct axv_s2_cache *cache)
{
	if (!cache->count)
		return NULL;
	atomic_long_inc(&s2->tables);
	return cache->pages[--cache->count];
}

/* Put a table page back that was not linked, and so is still empty. */
static void s2_give_back(struct axv_stage2 *s2, struct axv_s2_cache *cache,
			 struct page *page)
{
	atomic_long_dec(&s2->tables);
	cache->pages[cache->count++] = page;
}

/**
 * axv_s2_cache_fill() - set aside what one axv_s2_map() needs at most
 * @cache:	filled up
 * @fmt:	format of the table it is for
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM, with what could be had in the cache.
 */
int axv_s2_cache_fill(struct axv_s2_cache *cache, const struct axv_s2_format *fmt)
{
	while (cache->count < fmt->levels - 1) {
		struct page *page = s2_alloc_pages(0);

		if (!page)
			return -ENOMEM;
		cache->pages[cache->count++] = page;
	}
	return 0;
}

/**
 * axv_s2_cache_drain() - free what was set aside and not used
 * @cache:	the cache; empty afterwards
 *
 * Context: any but hard interrupts.
 */
void axv_s2_cache_drain(struct axv_s2_cache *cache)
{
	while (cache->count)
		s2_free_pages(cache->pages[--cache->count], 0);
}

/**
 * axv_s2_init() - make an empty table
 * @s2:		to be initialised
 * @fmt:	its format, which outlives it
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM; -EINVAL if the format makes no sense.
 */
int axv_s2_init(struct axv_stage2 *s2, const struct axv_s2_format *fmt)
{
	struct page *page;

	if (fmt->levels < 2 || fmt->levels > AXV_S2_MAX_LEVELS ||
	    fmt->max_leaf_level < 1 || fmt->max_leaf_level > 3 ||
	    fmt->max_leaf_level >= fmt->levels ||
	    fmt->root_order > AXV_S2_MAX_ROOT_ORDER ||
	    fmt->ipa_bits > 12 + 9 * fmt->levels + fmt->root_order)
		return -EINVAL;

	/* Aligned to its size, as the hardware wants it. */
	page = s2_alloc_pages(fmt->root_order);
	if (!page)
		return -ENOMEM;
	s2->fmt = fmt;
	s2->root = page_to_phys(page);
	s2->clean = NULL;
	s2->protections = 0;
	INIT_LIST_HEAD(&s2->freed);
	atomic_long_set(&s2->tables, 1);
	return 0;
}

/**
 * axv_s2_destroy() - free a table that no hardware uses any more
 * @s2:		the table; unusable afterwards
 *
 * Context: may sleep.
 */
void axv_s2_destroy(struct axv_stage2 *s2)
{
	axv_s2_free(s2, &s2->freed, true);
	s2_free_tree(s2, s2_page(s2->root), s2->fmt->levels, true);
	WARN_ON_ONCE(atomic_long_read(&s2->tables));
}

/**
 * axv_s2_detach() - take away the tables that were cut off
 * @s2:		the table, flushed since they were
 * @tables:	list they are added to, for axv_s2_free()
 */
void axv_s2_detach(struct axv_stage2 *s2, struct list_head *tables)
{
	list_splice_tail_init(&s2->freed, tables);
}

/**
 * axv_s2_free() - free detached tables and all below them
 * @s2:		where they come from
 * @tables:	list by axv_s2_detach(); empty afterwards
 * @may_sleep:	may reschedule on the way
 *
 * Context: no lock is needed.
 */
void axv_s2_free(struct axv_stage2 *s2, struct list_head *tables, bool may_sleep)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, tables, lru) {
		list_del(&page->lru);
		s2_free_tree(s2, page, page_private(page), may_sleep);
	}
}

/* ---- mapping ------------------------------------------------------------ */

/*
 * Add rights and the accessed bit to a present leaf that maps the right page.
 *
 * Hardware that needs break-before-make may keep a translation it faulted on, so @regained
 * tells that rights were added; other hardware walks the table again.
 */
static void s2_upgrade(const struct axv_s2_format *fmt, u64 *slot, u64 entry,
		       u32 rights, bool *regained)
{
	u64 new;

	do {
		new = s2_grant(fmt, entry, rights) | fmt->accessed;
		if (new == entry)
			return;
	} while (!try_cmpxchg64(slot, &entry, new));

	if (fmt->break_before_make && s2_rights(fmt, entry) != s2_rights(fmt, new))
		*regained = true;
}

/*
 * Replace what a present entry maps.  With break-before-make that takes two
 * calls: this one clears the entry, and after the flush the caller comes back.
 */
static int s2_replace(struct axv_stage2 *s2, u64 *slot, unsigned int level,
		      u64 new)
{
	u64 old;

	if (s2->fmt->break_before_make) {
		s2_remove(s2, slot, level);
		return -EAGAIN;
	}
	old = xchg(slot, new);
	if (s2_is_table(s2->fmt, old, level))
		s2_cut(s2, old, level);
	return 0;
}

/* Put a table in the place of a leaf of @level that maps the same. */
static int s2_split(struct axv_stage2 *s2, struct axv_s2_cache *cache,
		    u64 *slot, u64 entry, unsigned int level)
{
	const struct axv_s2_format *fmt = s2->fmt;
	u64 size = axv_s2_level_size(level - 1);
	struct page *page;
	u64 *table, new;
	unsigned int i;

	if (fmt->break_before_make)
		return s2_replace(s2, slot, level, 0);

	page = s2_take(s2, cache);
	if (!page)
		return -ENOMEM;
	table = page_address(page);
	new = fmt->table | page_to_phys(page);

	/* Done once more if the hardware has set a bit of the leaf meanwhile. */
	do {
		u64 kept = entry & (fmt->accessed | fmt->dirty);

		for (i = 0; i < S2_ENTRIES; i++)
			table[i] = kept | s2_leaf(fmt,
						  s2_address(fmt, entry) + i * size,
						  level - 1,
						  s2_rights(fmt, entry));
	} while (!try_cmpxchg64(slot, &entry, new));
	return 0;
}

/*
 * Make @entry, found at @slot of @level, point to a table.  Returns 0 also if another
 * thread has filled @slot meanwhile: the caller looks again.
 */
static int s2_make_table(struct axv_stage2 *s2, struct axv_s2_cache *cache,
			 u64 *slot, u64 entry, unsigned int level, bool shared,
			 bool *flush)
{
	struct page *page;

	if (shared && entry)
		return -EBUSY;
	if (s2_is_present(s2->fmt, entry)) {
		int err = s2_split(s2, cache, slot, entry, level);

		if (err != -ENOMEM)
			*flush = true;
		return err;
	}

	page = s2_take(s2, cache);
	if (!page)
		return -ENOMEM;
	/* This is a full barrier, so hardware that finds the table finds it empty. */
	if (!try_cmpxchg64(slot, &entry, s2->fmt->table | page_to_phys(page)))
		s2_give_back(s2, cache, page);
	return 0;
}

static int s2_map(struct axv_stage2 *s2, struct axv_s2_cache *cache, u64 ipa,
		  phys_addr_t pa, unsigned int level, u32 rights, bool shared,
		  bool *flush)
{
	const struct axv_s2_format *fmt = s2->fmt;
	u64 *slot, *table = phys_to_virt(s2->root);
	unsigned int at;
	u64 entry, size, new;
	int err;

	*flush = false;
	if (level < 1 || level > fmt->max_leaf_level)
		return -EINVAL;
	size = axv_s2_level_size(level);
	new = s2_leaf(fmt, pa, level, rights) | fmt->accessed;
	if ((ipa | pa) & (size - 1) || ipa >> fmt->ipa_bits ||
	    pa & ~fmt->addr_mask || !s2_is_present(fmt, new))
		return -EINVAL;

	for (at = fmt->levels; at > level; at--) {
		slot = &table[s2_index(fmt, ipa, at)];
		/* Runs twice at most, since an entry that was filled stays filled. */
		while (!s2_is_table(fmt, entry = READ_ONCE(*slot), at)) {
			u64 offset = ipa & (axv_s2_level_size(at) - 1);

			if (s2_is_present(fmt, entry) &&
			    s2_address(fmt, entry) + offset == pa &&
			    !(rights & ~s2_rights(fmt, entry))) {
				s2_upgrade(fmt, slot, entry, 0, flush);
				return 0;
			}
			err = s2_make_table(s2, cache, slot, entry, at, shared, flush);
			if (err)
				return err;
		}
		table = s2_child(fmt, entry);
	}

	slot = &table[s2_index(fmt, ipa, level)];
	entry = READ_ONCE(*slot);
	if (!s2_is_present(fmt, entry)) {
		if (shared && entry)
			return -EBUSY;
		if (try_cmpxchg64(slot, &entry, new))
			return 0;
		/* Another thread was faster; @entry is what it put there. */
	}
	if (!s2_is_table(fmt, entry, level) && s2_address(fmt, entry) == pa) {
		s2_upgrade(fmt, slot, entry, rights, flush);
		return 0;
	}
	if (shared)
		return -EBUSY;
	*flush = true;
	return s2_replace(s2, slot, level, new);
}

/**
 * axv_s2_fill() - map one page where nothing is, or add rights to it
 * @s2:		the table
 * @cache:	pages for tables that are missing
 * @ipa:	guest physical address, aligned to the size
 * @pa:		host physical address, aligned to the size
 * @level:	size: 1 (4K) up to the format's max_leaf_level
 * @rights:	AXV_S2_*; added to those of a leaf that maps @ipa to @pa already
 * @regained:	out: a leaf was given rights, and a CPU may keep a translation without
 *		them, which faults once more, until the CPU is flushed (only with
 *		break-before-make)
 *
 * Replaces no mapping, so there is nothing to flush before the caller lets go of its lock.
 *
 * Context: the caller's lock, held for reading at least; does not sleep.
 * Return: 0; -ENOMEM: the cache is short, fill it and call again; -EBUSY: another mapping
 * is in the way, which axv_s2_map() can replace; -EINVAL.
 */
int axv_s2_fill(struct axv_stage2 *s2, struct axv_s2_cache *cache, u64 ipa,
		phys_addr_t pa, unsigned int level, u32 rights, bool *regained)
{
	return s2_map(s2, cache, ipa, pa, level, rights, true, regained);
}

/**
 * axv_s2_fill_around() - map small pages where no table is missing
 * @s2:		the table
 * @ipa:	guest physical address of the first
 * @pages:	host physical address of each, with AXV_S2_* in its low bits; the other low
 *		bits are ignored.  A page without AXV_S2_READ is left out
 * @nr:		how many; their entries are in one table
 *
 * Replaces no mapping.  The pages count as used.
 *
 * Context: the caller's lock, held for reading at least; does not sleep.
 * Return: true: as @regained of axv_s2_fill(), for one of the pages.
 */
bool axv_s2_fill_around(struct axv_stage2 *s2, u64 ipa, const u64 *pages,
			unsigned int nr)
{
	const struct axv_s2_format *fmt = s2->fmt;
	u64 entry, *table = phys_to_virt(s2->root);
	bool regained = false;
	unsigned int at, i;
	u32 rights = 0;
	u64 leaf = 0;

	for (at = fmt->levels; at > 1; at--) {
		entry = READ_ONCE(table[s2_index(fmt, ipa, at)]);
		if (!s2_is_table(fmt, entry, at))
			return false;
		table = s2_child(fmt, entry);
	}
	table += s2_index(fmt, ipa, 1);
	for (i = 0; i < nr; i++) {
		phys_addr_t pa = pages[i] & PAGE_MASK;

		if (!(pages[i] & AXV_S2_READ))
			continue;
		/*
		 * Most pages have the rights of the one before: make the bits anew only for
		 * others.
		 */
		if ((pages[i] & S2_RIGHTS) != rights) {
			rights = pages[i] & S2_RIGHTS;
			leaf = s2_leaf(fmt, 0, 1, rights) | fmt->accessed;
		}
		entry = READ_ONCE(table[i]);
		if (!entry && try_cmpxchg64(&table[i], &entry, leaf | pa))
			continue;
		if (s2_is_present(fmt, entry) && s2_address(fmt, entry) == pa)
			s2_upgrade(fmt, &table[i], entry, rights, &regained);
	}
	return regained;
}

/**
 * axv_s2_map() - map one page, of any size, whatever is there
 * @s2:		the table
 * @cache:	pages for tables that are missing
 * @ipa:	guest physical address, aligned to the size
 * @pa:		host physical address, aligned to the size
 * @level:	size: 1 (4K) up to the format's max_leaf_level
 * @rights:	AXV_S2_*; added to those of a leaf that maps @ipa to @pa already
 * @flush:	out: the hardware has to be flushed, also after an error
 *
 * Mappings in the way are removed: smaller ones as a whole.  Of a larger one the rest
 * stays, unless the format needs break-before-make.
 * With &axv_stage2.clean, axv_s2_clean() comes before each call, for the same range.
 *
 * Context: the caller's lock; does not sleep.
 * Return: 0; -ENOMEM: the cache is short, fill it and call again; -EAGAIN:
 * flush and call again (only with break-before-make); -EINVAL.
 */
int axv_s2_map(struct axv_stage2 *s2, struct axv_s2_cache *cache, u64 ipa,
	       phys_addr_t pa, unsigned int level, u32 rights, bool *flush)
{
	return s2_map(s2, cache, ipa, pa, level, rights, false, flush);
}

/* ---- ranges ------------------------------------------------------------- */

static bool s2_unmap_in(struct axv_stage2 *s2, u64 *table, unsigned int level,
			u64 ipa, u64 end)
{
	bool removed = false;
	u64 entry, next;
	u64 *slot;

	for (; ipa < end; ipa = next) {
		next = min(s2_next(ipa, level), end);
		slot = &table[s2_index(s2->fmt, ipa, level)];
		entry = READ_ONCE(*slot);
		if (!s2_is_present(s2->fmt, entry))
			continue;
		if (s2_is_table(s2->fmt, entry, level) &&
		    next - ipa < axv_s2_level_size(level)) {
			removed |= s2_unmap_in(s2, s2_child(s2->fmt, entry),
					       level - 1, ipa, next);
			continue;
		}
		s2_remove(s2, slot, level);
		removed = true;
	}
	return removed;
}

/* The part of a range that the table can translate. */
static u64 s2_end(struct axv_stage2 *s2, u64 ipa, u64 size)
{
	u64 limit = BIT_ULL(s2->fmt->ipa_bits);

	return ipa >= limit ? ipa : ipa + min(size, limit - ipa);
}

/**
 * axv_s2_unmap() - remove all mappings of a range
 * @s2:		the table
 * @ipa:	where it begins
 * @size:	its size in bytes; a leaf that reaches beyond is removed as a whole, and
 *		faults bring the rest back
 *
 * Tables that lie in the range are cut off without a look at their entries, so the work is
 * bounded by twice the number of entries of one table per level, whatever the size.
 *
 * Context: the caller's lock; does not sleep.
 * Return: true if there was a mapping: the caller flushes, then frees what was cut off.
 */
bool axv_s2_unmap(struct axv_stage2 *s2, u64 ipa, u64 size)
{
	return s2_unmap_in(s2, phys_to_virt(s2->root), s2->fmt->levels, ipa,
			   s2_end(s2, ipa, size));
}

/* Bytes that one axv_s2_clean() cleans, before other threads may have the lock. */
#define S2_CLEAN_BYTES	(2ull << 20)

static u64 s2_clean_in(struct axv_stage2 *s2, u64 *table, unsigned int level,
		       u64 ipa, u64 end, u64 *left)
{
	u64 entry, next, size = axv_s2_level_size(level);
	u64 *slot;

	while (ipa < end && *left) {
		next = min(s2_next(ipa, level), end);
		slot = &table[s2_index(s2->fmt, ipa, level)];
		entry = READ_ONCE(*slot);
		if (s2_is_table(s2->fmt, entry, level)) {
			ipa = s2_clean_in(s2, s2_child(s2->fmt, entry), level - 1,
					  ipa, next, left);
			continue;
		}
		if (s2_is_gone(s2->fmt, entry)) {
			WRITE_ONCE(*slot, 0);
			s2->clean(s2_address(s2->fmt, entry), size);
			*left -= min(*left, size);
		}
		ipa = next;
	}
	return ipa;
}

/**
 * axv_s2_clean() - clean memory whose mappings were removed
 * @s2:		the table, which has &axv_stage2.clean, and was flushed since the removal
 * @ipa:	where the range begins
 * @end:	where it ends
 *
 * Context: the caller's lock; does not sleep.
 * Return: where the next call has to go on; not below @end: nothing is left.
 */
u64 axv_s2_clean(struct axv_stage2 *s2, u64 ipa, u64 end)
{
	u64 left = S2_CLEAN_BYTES;

	end = min(end, BIT_ULL(s2->fmt->ipa_bits));
	if (ipa >= end)
		return U64_MAX;
	ipa = s2_clean_in(s2, phys_to_virt(s2->root), s2->fmt->levels, ipa, end, &left);
	return ipa < end ? ipa : U64_MAX;
}

typedef bool (*s2_leaf_fn)(const struct axv_s2_format *fmt, u64 *slot);

/* Call @fn for every present leaf of a range; true if one of the calls returned true. */
static bool s2_for_leaves(struct axv_stage2 *s2, u64 *table, unsigned int level,
			  u64 ipa, u64 end, s2_leaf_fn fn)
{
	bool any = false;
	u64 entry, next;
	u64 *slot;

	for (; ipa < end; ipa = next) {
		next = min(s2_next(ipa, level), end);
		slot = &table[s2_index(s2->fmt, ipa, level)];
		entry = READ_ONCE(*slot);
		if (s2_is_table(s2->fmt, entry, level))
			any |= s2_for_leaves(s2, s2_child(s2->fmt, entry),
					     level - 1, ipa, next, fn);
		else if (s2_is_present(s2->fmt, entry))
			any |= fn(s2->fmt, slot);
	}
	return any;
}

static bool s2_range(struct axv_stage2 *s2, u64 ipa, u64 size, s2_leaf_fn fn)
{
	return s2_for_leaves(s2, phys_to_virt(s2->root), s2->fmt->levels, ipa,
			     s2_end(s2, ipa, size), fn);
}

/* Clear bits of a leaf, of which the hardware may set other bits meanwhile. */
static bool s2_clear_bits(u64 *slot, u64 bits)
{
	u64 entry = READ_ONCE(*slot);

	do {
		if (!(entry & bits))
			return false;
	} while (!try_cmpxchg64(slot, &entry, entry & ~bits));
	return true;
}

static bool s2_leaf_test_young(const struct axv_s2_format *fmt, u64 *slot)
{
	return !fmt->accessed || (READ_ONCE(*slot) & fmt->accessed);
}

static bool s2_leaf_clear_young(const struct axv_s2_format *fmt, u64 *slot)
{
	if (fmt->accessed)
		return s2_clear_bits(slot, fmt->accessed);
	/*
	 * Without an accessed bit, only a fault tells of the next access: so remove the
	 * leaf.
	 */
	return xchg(slot, 0) != 0;
}

/* Does not use s2_for_leaves(): a call for each of very many leaves costs more. */
static bool s2_write_protect_in(struct axv_stage2 *s2, u64 *table, unsigned int level,
				u64 ipa, u64 end)
{
	const struct axv_s2_format *fmt = s2->fmt;
	bool any = false;
	u64 entry, next;
	u64 *slot;

	for (; ipa < end; ipa = next) {
		next = min(s2_next(ipa, level), end);
		slot = &table[s2_index(fmt, ipa, level)];
		entry = READ_ONCE(*slot);
		if (!s2_is_present(fmt, entry))
			continue;
		if (s2_is_table(fmt, entry, level))
			any |= s2_write_protect_in(s2, s2_child(fmt, entry), level - 1,
						   ipa, next);
		else if (entry & fmt->writable)
			any |= s2_clear_bits(slot, fmt->writable);
	}
	return any;
}

/**
 * axv_s2_write_protect() - remove the right to write from a range
 * @s2:		the table
 * @ipa:	where it begins
 * @size:	its size in bytes; a leaf that reaches beyond is protected as a
 *		whole
 *
 * Context: the caller's lock; does not sleep.  The time grows with the mappings in the
 * range: call it for a part of a long range at a time.
 * Return: true if a mapping lost the right: the caller flushes.
 */
bool axv_s2_write_protect(struct axv_stage2 *s2, u64 ipa, u64 size)
{
	bool any = s2_write_protect_in(s2, phys_to_virt(s2->root), s2->fmt->levels, ipa,
				       s2_end(s2, ipa, size));

	if (any)
		s2->protections++;
	return any;
}

/**
 * axv_s2_test_young() - was anything in a range used?
 * @s2:		the table
 * @ipa:	where it begins
 * @size:	its size in bytes
 *
 * Context: the caller's lock; does not sleep.
 * Return: true if a mapping was used since axv_s2_clear_young(), or, where the
 * format cannot tell, if there is one.
 */
bool axv_s2_test_young(struct axv_stage2 *s2, u64 ipa, u64 size)
{
	return s2_range(s2, ipa, size, s2_leaf_test_young);
}

/**
 * axv_s2_clear_young() - begin to watch the use of a range
 * @s2:		the table
 * @ipa:	where it begins
 * @size:	its size in bytes
 * @young:	out: something in it was used
 *
 * If the format has no accessed bit, the mappings of the range are removed.
 *
 * Context: the caller's lock; does not sleep.
 * Return: true if the hardware has to be flushed before the next use shows.
 */
bool axv_s2_clear_young(struct axv_stage2 *s2, u64 ipa, u64 size, bool *young)
{
	*young = s2_range(s2, ipa, size, s2_leaf_clear_young);
	return *young;
}

/**
 * axv_s2_lookup() - what does an address map to?
 * @s2:		the table
 * @ipa:	guest physical address
 *
 * Context: the caller's lock, held for reading at least; does not sleep.
 * Return: the leaf, of level 0 if there is none.
 */
struct axv_s2_leaf axv_s2_lookup(struct axv_stage2 *s2, u64 ipa)
{
	const struct axv_s2_format *fmt = s2->fmt;
	u64 entry, *table = phys_to_virt(s2->root);
	struct axv_s2_leaf leaf = {};
	unsigned int level;

	if (ipa >> fmt->ipa_bits)
		return leaf;

	for (level = fmt->levels; level; level--) {
		entry = READ_ONCE(table[s2_index(s2->fmt, ipa, level)]);
		if (!s2_is_present(fmt, entry))
			break;
		if (!s2_is_table(fmt, entry, level)) {
			leaf.pa = s2_address(fmt, entry) +
				  (ipa & (axv_s2_level_size(level) - 1));
			leaf.level = level;
			leaf.rights = s2_rights(fmt, entry);
			leaf.young = !fmt->accessed || entry & fmt->accessed;
			break;
		}
		table = s2_child(fmt, entry);
	}
	return leaf;
}

static u64 s2_mapped_in(struct axv_stage2 *s2, u64 *table, unsigned int level,
			u64 ipa, u64 end)
{
	u64 entry, next, bytes = 0;

	for (; ipa < end; ipa = next) {
		next = min(s2_next(ipa, level), end);
		entry = READ_ONCE(table[s2_index(s2->fmt, ipa, level)]);
		if (s2_is_table(s2->fmt, entry, level))
			bytes += s2_mapped_in(s2, s2_child(s2->fmt, entry),
					      level - 1, ipa, next);
		else if (s2_is_present(s2->fmt, entry))
			bytes += next - ipa;
	}
	return bytes;
}

/**
 * axv_s2_mapped() - how much of a range is mapped?
 * @s2:		the table
 * @ipa:	where it begins
 * @size:	its size in bytes
 *
 * Context: the caller's lock, held for reading at least; does not sleep.  The time grows
 * with the mappings in the range: call it for a part of a long range at a time.
 * Return: bytes.
 */
u64 axv_s2_mapped(struct axv_stage2 *s2, u64 ipa, u64 size)
{
	return s2_mapped_in(s2, phys_to_virt(s2->root), s2->fmt->levels, ipa,
			    s2_end(s2, ipa, size));
}

/**
 * axv_s2_table_bytes() - memory that the tables themselves take
 * @s2:		the table
 *
 * Context: any.
 * Return: bytes, with those of tables that wait for the flush.
 */
u64 axv_s2_table_bytes(struct axv_stage2 *s2)
{
	u64 root = PAGE_SIZE << s2->fmt->root_order;

	return root + (atomic_long_read(&s2->tables) - 1) * PAGE_SIZE;
}
