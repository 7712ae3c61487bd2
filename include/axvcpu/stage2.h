/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Second-stage page tables: one walker for NPT, EPT and ARM stage 2, which
 * differ only in the bits of an entry.
 */
#ifndef _AXVCPU_STAGE2_H
#define _AXVCPU_STAGE2_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/types.h>

struct page;

#define AXV_S2_MAX_LEVELS	5
#define AXV_S2_MAX_ROOT_ORDER	4

/* Rights of a mapping. */
#define AXV_S2_READ	BIT(0)
#define AXV_S2_WRITE	BIT(1)
#define AXV_S2_EXEC	BIT(2)

/**
 * struct axv_s2_format - the bits of one page-table format
 * @levels:	levels of the walk; the leaf level is 1
 * @root_order:	log2 of the number of tables in a row with which the walk begins (ARM)
 * @ipa_bits:	width of the addresses that it translates
 * @max_leaf_level: largest level that may be a leaf: 1 (4K), 2 (2M), 3 (1G)
 * @break_before_make: a present entry is cleared and flushed before it is
 *		replaced by another present one (ARM)
 * @exec_on_fetch: memory may be executed once it was fetched from, since fetches
 *		need &axv_arch_ops.sync_memory (ARM)
 * @table:	bits of an entry that points to a table
 * @leaf:	bits of every leaf
 * @leaf_page:	further bits of a leaf at level 1
 * @leaf_block:	further bits of a leaf above level 1
 * @present_mask: an entry is present if any of these is set
 * @table_mask:	with @table_value tells a table from a leaf above level 1
 * @table_value: see @table_mask
 * @readable:	bits that grant reading
 * @writable:	bits that grant writing
 * @executable:	bits that grant fetching
 * @not_executable: bits that deny fetching
 * @accessed:	marks a leaf as used; set in each new leaf, and by hardware that does so; 0:
 *		no such bit
 * @dirty:	set by the hardware on a write; 0: no such bit
 * @addr_mask:	the address in an entry
 */
struct axv_s2_format {
	unsigned int levels;
	unsigned int root_order;
	unsigned int ipa_bits;
	unsigned int max_leaf_level;
	bool break_before_make;
	bool exec_on_fetch;
	u64 table;
	u64 leaf;
	u64 leaf_page;
	u64 leaf_block;
	u64 present_mask;
	u64 table_mask;
	u64 table_value;
	u64 readable;
	u64 writable;
	u64 executable;
	u64 not_executable;
	u64 accessed;
	u64 dirty;
	u64 addr_mask;
};

/**
 * struct axv_s2_cache - table pages set aside before a lock is taken
 * @pages:	the first @count are there
 * @count:	how many
 *
 * Zeroed it is empty.  Belongs to one thread at a time, a vCPU's to the holder of
 * the claim.
 */
struct axv_s2_cache {
	struct page *pages[AXV_S2_MAX_LEVELS - 1];
	unsigned int count;
};

/**
 * struct axv_stage2 - one second-stage table
 * @fmt:	its format.  Constant.
 * @root:	physical address of the top table, or of the first of several.  Constant.
 * @clean:	called with host memory that nothing maps any more; NULL: nothing is to be
 *		done.  Only for formats with break-before-make.  Constant after the
 *		creation.
 * @freed:	tables that were cut off and wait for the flush
 * @tables:	tables in use, with those cut off and the root, which counts once
 * @protections: counts calls of axv_s2_write_protect() that took a right away
 *
 * The owner's lock (&axv_vm.mmu_lock) is held in all calls, for writing unless it
 * is said otherwise; the hardware walks the table meanwhile.  While it is held for
 * reading an entry changes in three ways only: an empty one is filled, a present one
 * is given rights, and the hardware sets its accessed and dirty bits.
 */
struct axv_stage2 {
	const struct axv_s2_format *fmt;
	phys_addr_t root;
	void (*clean)(phys_addr_t pa, u64 size);

	/* Entries of vCPUs read the members above, so what is written is apart. */
	struct list_head freed ____cacheline_aligned_in_smp;
	atomic_long_t tables;
	unsigned long protections;
};

int axv_s2_init(struct axv_stage2 *s2, const struct axv_s2_format *fmt);
void axv_s2_destroy(struct axv_stage2 *s2);

int axv_s2_cache_fill(struct axv_s2_cache *cache, const struct axv_s2_format *fmt);
void axv_s2_cache_drain(struct axv_s2_cache *cache);

/* Called with the owner's lock held for reading, by any number of threads. */
int axv_s2_fill(struct axv_stage2 *s2, struct axv_s2_cache *cache, u64 ipa,
		phys_addr_t pa, unsigned int level, u32 rights, bool *regained);
bool axv_s2_fill_around(struct axv_stage2 *s2, u64 ipa, const u64 *pages,
			unsigned int nr);

/*
 * The calls below return true (axv_s2_map() sets *flush) where the caller has
 * to flush the hardware's translations before it lets go of its lock.  Tables
 * that were cut off are freed after that: axv_s2_detach() takes them away, and
 * axv_s2_free() frees them without the lock.
 */
int axv_s2_map(struct axv_stage2 *s2, struct axv_s2_cache *cache, u64 ipa,
	       phys_addr_t pa, unsigned int level, u32 rights, bool *flush);
bool axv_s2_unmap(struct axv_stage2 *s2, u64 ipa, u64 size);
u64 axv_s2_clean(struct axv_stage2 *s2, u64 ipa, u64 end);
bool axv_s2_write_protect(struct axv_stage2 *s2, u64 ipa, u64 size);
bool axv_s2_test_young(struct axv_stage2 *s2, u64 ipa, u64 size);
bool axv_s2_clear_young(struct axv_stage2 *s2, u64 ipa, u64 size, bool *young);
void axv_s2_detach(struct axv_stage2 *s2, struct list_head *tables);
void axv_s2_free(struct axv_stage2 *s2, struct list_head *tables, bool may_sleep);

/**
 * struct axv_s2_leaf - what a lookup found
 * @pa:		physical address that the ipa asked for maps to
 * @level:	1, 2 or 3; 0: nothing is mapped
 * @rights:	AXV_S2_*
 * @young:	used since axv_s2_clear_young(), or the format cannot tell
 */
struct axv_s2_leaf {
	phys_addr_t pa;
	unsigned int level;
	u32 rights;
	bool young;
};

struct axv_s2_leaf axv_s2_lookup(struct axv_stage2 *s2, u64 ipa);
u64 axv_s2_mapped(struct axv_stage2 *s2, u64 ipa, u64 size);
u64 axv_s2_table_bytes(struct axv_stage2 *s2);

static inline u64 axv_s2_level_size(unsigned int level)
{
	return 1ull << (12 + 9 * (level - 1));
}

#endif /* _AXVCPU_STAGE2_H */
