/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Second-stage page tables: one walker for NPT, EPT and ARM stage 2, which
 * differ only in the bits of an entry.
 */
#ifndef _AXVCPU_STAGE2_H
#define _AXVCPU_STAGE2_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

#define AXV_S2_MAX_LEVELS	5
#define AXV_S2_MAX_ROOT_ORDER	4

/* Rights of a mapping. */
#define AXV_S2_READ	BIT(0)
#define AXV_S2_WRITE	BIT(1)
#define AXV_S2_EXEC	BIT(2)

/**
 * struct axv_s2_format - the bits of one page-table format
 * @levels:	levels of the walk; the leaf level is 1
 * @root_order:	the walk begins with so many tables in a row, as a power of two
 *		(ARM)
 * @ipa_bits:	addresses it translates
 * @max_leaf_level: largest level that may be a leaf: 1 (4K), 2 (2M), 3 (1G)
 * @break_before_make: a present entry is cleared and flushed before it is
 *		replaced by another present one (ARM)
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
 * @accessed:	set by the hardware, or by the leaf if it does not; 0: no such bit
 * @dirty:	set by the hardware on a write; 0: no such bit
 * @addr_mask:	the address in an entry
 */
struct axv_s2_format {
	unsigned int levels;
	unsigned int root_order;
	unsigned int ipa_bits;
	unsigned int max_leaf_level;
	bool break_before_make;
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
 * @pages:	list of struct page, by their lru
 * @count:	how many
 */
struct axv_s2_cache {
	struct list_head pages;
	unsigned int count;
};

#define AXV_S2_CACHE_INIT(cache) \
	{ .pages = LIST_HEAD_INIT((cache).pages), .count = 0 }

/**
 * struct axv_stage2 - one second-stage table
 * @fmt:	its format.  Constant.
 * @root:	physical address of the top table, or of the first.  Constant.
 * @freed:	tables that were cut off and wait for the flush
 * @tables:	tables in use, with those cut off and the root, which counts once
 *
 * The owner serialises all calls (&axv_vm.mmu_lock); the hardware walks the
 * table meanwhile.
 */
struct axv_stage2 {
	const struct axv_s2_format *fmt;
	phys_addr_t root;
	struct list_head freed;
	atomic_long_t tables;
};

int axv_s2_init(struct axv_stage2 *s2, const struct axv_s2_format *fmt);
void axv_s2_destroy(struct axv_stage2 *s2);

int axv_s2_cache_fill(struct axv_s2_cache *cache, const struct axv_s2_format *fmt);
void axv_s2_cache_drain(struct axv_s2_cache *cache);

/*
 * The calls below return true (axv_s2_map() sets *flush) where the caller has
 * to flush the hardware's translations before it lets go of its lock.  Tables
 * that were cut off are freed after that: by axv_s2_reap(), or, if there may be
 * many, taken away by axv_s2_detach() and freed without the lock.
 */
int axv_s2_map(struct axv_stage2 *s2, struct axv_s2_cache *cache, u64 ipa,
	       phys_addr_t pa, unsigned int level, u32 rights, bool *flush);
bool axv_s2_unmap(struct axv_stage2 *s2, u64 ipa, u64 size);
bool axv_s2_write_protect(struct axv_stage2 *s2, u64 ipa, u64 size);
bool axv_s2_test_young(struct axv_stage2 *s2, u64 ipa, u64 size);
bool axv_s2_clear_young(struct axv_stage2 *s2, u64 ipa, u64 size, bool *young);
void axv_s2_reap(struct axv_stage2 *s2);
void axv_s2_detach(struct axv_stage2 *s2, struct list_head *tables);
void axv_s2_free(struct axv_stage2 *s2, struct list_head *tables, bool may_sleep);

/**
 * struct axv_s2_leaf - what a lookup found
 * @pa:		physical address that the ipa asked for maps to
 * @level:	1, 2 or 3; 0: nothing is mapped
 * @rights:	AXV_S2_*
 */
struct axv_s2_leaf {
	phys_addr_t pa;
	unsigned int level;
	u32 rights;
};

struct axv_s2_leaf axv_s2_lookup(struct axv_stage2 *s2, u64 ipa);

static inline u64 axv_s2_level_size(unsigned int level)
{
	return 1ull << (12 + 9 * (level - 1));
}

#endif /* _AXVCPU_STAGE2_H */
