// SPDX-License-Identifier: GPL-2.0
/*
 * The page-table walker, with formats of every kind.  The tests look at entries, at
 * lookups, and at when a flush is asked for.
 */
#include <linux/completion.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <axvcpu/kunit.h>
#include <axvcpu/stage2.h>

#define RW	(AXV_S2_READ | AXV_S2_WRITE)
#define RX	(AXV_S2_READ | AXV_S2_EXEC)
#define RWX	(AXV_S2_READ | AXV_S2_WRITE | AXV_S2_EXEC)

/* ---- formats ------------------------------------------------------------ */

/* AMD: a long-mode page table, with the user bit always set. */
#define NPT						\
	.max_leaf_level = 3,				\
	.table = 0x27,					\
	.leaf = 0x5,					\
	.leaf_block = 0x80,				\
	.present_mask = 0x1,				\
	.table_mask = 0x80,				\
	.table_value = 0,				\
	.writable = 0x2,				\
	.not_executable = BIT_ULL(63),			\
	.accessed = 0x20,				\
	.dirty = 0x40,					\
	.addr_mask = GENMASK_ULL(51, 12)

/* Intel: the three bits of the rights, any of which makes an entry present; write-back. */
#define EPT						\
	.levels = 4,					\
	.ipa_bits = 48,					\
	.max_leaf_level = 3,				\
	.table = 0x7,					\
	.leaf = 6 << 3,					\
	.leaf_block = 0x80,				\
	.present_mask = 0x7,				\
	.table_mask = 0x80,				\
	.table_value = 0,				\
	.readable = 0x1,				\
	.writable = 0x2,				\
	.executable = 0x4,				\
	.addr_mask = GENMASK_ULL(51, 12)

/* ARM: a bit tells tables from blocks, and pages look like tables. */
#define ARM						\
	.break_before_make = true,			\
	.table = 0x3,					\
	.leaf = 0x1 | 0xf << 2 | 0x3 << 8,		\
	.leaf_page = 0x2,				\
	.present_mask = 0x1,				\
	.table_mask = 0x3,				\
	.table_value = 0x3,				\
	.readable = BIT_ULL(6),				\
	.writable = BIT_ULL(7),				\
	.not_executable = BIT_ULL(54),			\
	.accessed = BIT_ULL(10),			\
	.addr_mask = GENMASK_ULL(47, 12)

struct s2_param {
	const char *name;
	struct axv_s2_format fmt;
};

static const struct s2_param s2_params[] = {
	{ "npt, 4 levels", { NPT, .levels = 4, .ipa_bits = 48 } },
	{ "npt, 5 levels", { NPT, .levels = 5, .ipa_bits = 52 } },
	{ "ept", { EPT, .accessed = BIT_ULL(8), .dirty = BIT_ULL(9) } },
	{ "ept without accessed bits", { EPT } },
	{ "arm, 4 levels", { ARM, .levels = 4, .ipa_bits = 48, .max_leaf_level = 3 } },
	{ "arm, 3 levels", { ARM, .levels = 3, .ipa_bits = 39, .max_leaf_level = 2 } },
	{ "arm, 3 levels, 2 roots", { ARM, .levels = 3, .root_order = 1, .ipa_bits = 40,
				      .max_leaf_level = 2 } },
	{ "arm, 3 levels, 16 roots", { ARM, .levels = 3, .root_order = 4, .ipa_bits = 43,
				       .max_leaf_level = 2 } },
};

static void s2_describe(const struct s2_param *param, char *desc)
{
	strscpy(desc, param->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(s2, s2_params, s2_describe);

/* ---- a test's table ------------------------------------------------------ */

struct s2_test {
	struct axv_stage2 s2;
	struct axv_s2_cache cache;
	struct axv_s2_format fmt;
};

static int s2_test_init(struct kunit *test)
{
	const struct s2_param *param = test->param_value ?: &s2_params[0];
	struct s2_test *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t);
	t->fmt = param->fmt;
	KUNIT_ASSERT_EQ(test, 0, axv_s2_init(&t->s2, &t->fmt));
	test->priv = t;
	return 0;
}

static void s2_test_exit(struct kunit *test)
{
	struct s2_test *t = test->priv;

	if (!t)
		return;
	axv_s2_cache_drain(&t->cache);
	axv_s2_destroy(&t->s2);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&t->s2.tables));
}

/* Free tables that were cut off, as the module does after a flush. */
static void s2_free_cut_off(struct s2_test *t)
{
	LIST_HEAD(tables);

	axv_s2_detach(&t->s2, &tables);
	axv_s2_free(&t->s2, &tables, true);
}

/* Map as the fault path does; returns how often a flush was asked for. */
static int s2_map(struct kunit *test, u64 ipa, u64 pa, unsigned int level,
		  u32 rights)
{
	struct s2_test *t = test->priv;
	int err, flushes = 0;
	bool flush;

	KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&t->cache, &t->fmt));
	do {
		err = axv_s2_map(&t->s2, &t->cache, ipa, pa, level, rights, &flush);
		if (flush) {
			flushes++;
			s2_free_cut_off(t);
		} else {
			KUNIT_EXPECT_TRUE(test, list_empty(&t->s2.freed));
		}
		if (err == -EAGAIN)
			KUNIT_EXPECT_TRUE(test, flush && t->fmt.break_before_make);
	} while (err == -EAGAIN && flushes < 8);
	KUNIT_ASSERT_EQ(test, 0, err);
	return flushes;
}

static bool s2_unmap(struct kunit *test, u64 ipa, u64 size)
{
	struct s2_test *t = test->priv;
	bool flush = axv_s2_unmap(&t->s2, ipa, size);

	if (!flush)
		KUNIT_EXPECT_TRUE(test, list_empty(&t->s2.freed));
	s2_free_cut_off(t);
	return flush;
}

static void s2_expect(struct kunit *test, u64 ipa, u64 pa, unsigned int level,
		      u32 rights)
{
	struct s2_test *t = test->priv;
	struct axv_s2_leaf leaf = axv_s2_lookup(&t->s2, ipa);

	KUNIT_EXPECT_EQ(test, level, leaf.level);
	if (!level)
		return;
	KUNIT_EXPECT_EQ(test, pa, (u64)leaf.pa);
	KUNIT_EXPECT_EQ(test, rights, leaf.rights);
}

/* The entry itself, found without the code under test; NULL if there is no table for it. */
static u64 *s2_raw(struct s2_test *t, u64 ipa, unsigned int level)
{
	u64 *table = phys_to_virt(t->s2.root);
	unsigned int at;

	for (at = t->fmt.levels; ; at--) {
		u64 *entry = &table[ipa >> (12 + 9 * (at - 1)) & 511];

		if (at == level)
			return entry;
		if ((*entry & t->fmt.table) != t->fmt.table)
			return NULL;
		table = phys_to_virt(*entry & t->fmt.addr_mask);
	}
}

/* ---- entries ------------------------------------------------------------ */

/* The bits of entries are those that the manuals have. */
static void s2_test_bits(struct kunit *test)
{
	static const struct {
		unsigned int param;
		unsigned int level;
		u32 rights;
		u64 entry;
	} expected[] = {
		{ 0, 1, RWX, 0x40000000 | 0x27 },
		{ 0, 1, RX, 0x40000000 | 0x25 },
		{ 0, 1, RW, 0x40000000 | 0x27 | BIT_ULL(63) },
		{ 0, 2, RWX, 0x40000000 | 0xa7 },
		{ 0, 3, RWX, 0x40000000 | 0xa7 },
		{ 2, 1, RWX, 0x40000000 | 0x137 },
		{ 2, 2, RX, 0x40000000 | 0x1b5 },
		{ 3, 1, AXV_S2_EXEC, 0x40000000 | 0x34 },
		{ 3, 3, RWX, 0x40000000 | 0xb7 },
		{ 4, 1, RWX, 0x40000000 | 0x7ff },
		{ 4, 2, RX, 0x40000000 | 0x77d },
		{ 4, 3, RW, 0x40000000 | 0x7fd | BIT_ULL(54) },
	};
	struct s2_test *t = test->priv;
	unsigned int i, level;

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		axv_s2_destroy(&t->s2);
		t->fmt = s2_params[expected[i].param].fmt;
		KUNIT_ASSERT_EQ(test, 0, axv_s2_init(&t->s2, &t->fmt));
		s2_map(test, SZ_1G, SZ_1G, expected[i].level, expected[i].rights);
		KUNIT_EXPECT_EQ(test, expected[i].entry,
				*s2_raw(t, SZ_1G, expected[i].level));
		for (level = t->fmt.levels; level > expected[i].level; level--)
			KUNIT_EXPECT_EQ(test, t->fmt.table,
					*s2_raw(t, SZ_1G, level) & ~t->fmt.addr_mask);
	}
}

static void s2_test_formats(struct kunit *test)
{
	struct axv_s2_format fmt = s2_params[0].fmt;
	struct axv_stage2 s2;

	fmt.levels = 6;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_s2_init(&s2, &fmt));
	fmt.levels = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_s2_init(&s2, &fmt));
	fmt.levels = 4;
	fmt.ipa_bits = 49;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_s2_init(&s2, &fmt));
	fmt.ipa_bits = 48;
	fmt.max_leaf_level = 4;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_s2_init(&s2, &fmt));
	fmt.max_leaf_level = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_s2_init(&s2, &fmt));
	fmt.max_leaf_level = 3;
	fmt.root_order = 1;
	fmt.ipa_bits = 50;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_s2_init(&s2, &fmt));
	fmt.root_order = AXV_S2_MAX_ROOT_ORDER + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_s2_init(&s2, &fmt));
}

static void s2_test_root(struct kunit *test)
{
	struct s2_test *t = test->priv;
	u64 slice = axv_s2_level_size(t->fmt.levels + 1);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, t->s2.root & ((PAGE_SIZE << t->fmt.root_order) - 1));
	/* Each table of the root translates other addresses. */
	for (i = 0; i < BIT(t->fmt.root_order); i++)
		s2_map(test, i * slice, (i + 1) * SZ_2M, 1, RWX);
	for (i = 0; i < BIT(t->fmt.root_order); i++) {
		s2_expect(test, i * slice, (i + 1) * SZ_2M, 1, RWX);
		KUNIT_EXPECT_TRUE(test, s2_unmap(test, i * slice, SZ_4K));
		s2_expect(test, i * slice, 0, 0, 0);
	}
}

/* ---- mapping ------------------------------------------------------------ */

static void s2_test_map(struct kunit *test)
{
	struct s2_test *t = test->priv;
	u64 top = BIT_ULL(t->fmt.ipa_bits);
	u64 pa = 5ull * SZ_1G;
	unsigned int level;
	u64 size;

	for (level = 1; level <= t->fmt.max_leaf_level; level++) {
		size = axv_s2_level_size(level);
		/* Map the first and the last place of this size, and nothing else. */
		KUNIT_EXPECT_EQ(test, 0, s2_map(test, 0, pa, level, RX));
		KUNIT_EXPECT_EQ(test, 0, s2_map(test, top - size, pa + size, level, RWX));
		s2_expect(test, 0, pa, level, RX);
		s2_expect(test, size - 1, pa + size - 1, level, RX);
		s2_expect(test, size, 0, 0, 0);
		s2_expect(test, top / 2, 0, 0, 0);
		s2_expect(test, top - size - 1, 0, 0, 0);
		s2_expect(test, top - size, pa + size, level, RWX);
		s2_expect(test, top - 1, pa + 2 * size - 1, level, RWX);
		s2_expect(test, top, 0, 0, 0);
		s2_expect(test, U64_MAX, 0, 0, 0);

		KUNIT_EXPECT_TRUE(test, s2_unmap(test, 0, top));
		KUNIT_EXPECT_EQ(test, 1, atomic_long_read(&t->s2.tables));
		KUNIT_EXPECT_FALSE(test, s2_unmap(test, 0, top));
	}
}

static void s2_test_refused(struct kunit *test)
{
	struct s2_test *t = test->priv;
	u64 top = BIT_ULL(t->fmt.ipa_bits);
	bool flush;
	struct {
		u64 ipa, pa;
		unsigned int level;
		u32 rights;
	} bad[] = {
		{ 0, 0, 0, RWX },
		{ 0, 0, t->fmt.max_leaf_level + 1, RWX },
		{ top, 0, 1, RWX },
		{ SZ_4K, 0, 2, RWX },
		{ 0, SZ_4K, 2, RWX },
		{ 1, 0, 1, RWX },
		{ 0, 1, 1, RWX },
		{ 0, BIT_ULL(52), 1, RWX },
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&t->cache, &t->fmt));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		flush = true;
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    axv_s2_map(&t->s2, &t->cache, bad[i].ipa,
					       bad[i].pa, bad[i].level,
					       bad[i].rights, &flush),
				    "case %u", i);
		KUNIT_EXPECT_FALSE(test, flush);
	}
	KUNIT_EXPECT_EQ(test, 1, atomic_long_read(&t->s2.tables));
	KUNIT_EXPECT_EQ(test, t->fmt.levels - 1, t->cache.count);
}

/* If the cache runs out, axv_s2_map() fails, and the next call goes on from there. */
static void s2_test_cache(struct kunit *test)
{
	struct s2_test *t = test->priv;
	struct axv_s2_cache one = {};
	unsigned int missing = t->fmt.levels - 1;
	bool flush;

	while (missing) {
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				axv_s2_map(&t->s2, &one, 0, 0, 1, RWX, &flush));
		KUNIT_EXPECT_FALSE(test, flush);
		KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&t->cache, &t->fmt));
		one.pages[one.count++] = t->cache.pages[--t->cache.count];
		missing--;
	}
	KUNIT_EXPECT_EQ(test, 0, axv_s2_map(&t->s2, &one, 0, 0, 1, RWX, &flush));
	KUNIT_EXPECT_EQ(test, 0, one.count);
	KUNIT_EXPECT_EQ(test, t->fmt.levels, atomic_long_read(&t->s2.tables));
	/* The next page needs no further table. */
	KUNIT_EXPECT_EQ(test, 0,
			axv_s2_map(&t->s2, &one, SZ_4K, 0, 1, RWX, &flush));
	axv_s2_cache_drain(&one);
}

/* Mapping a page that is mapped already; and mapping it with more rights. */
static void s2_test_again(struct kunit *test)
{
	struct s2_test *t = test->priv;
	int upgrade = t->fmt.break_before_make;
	u64 before;

	s2_map(test, SZ_2M, SZ_4M, 1, RX);
	before = *s2_raw(t, SZ_2M, 1);
	KUNIT_EXPECT_EQ(test, 0, s2_map(test, SZ_2M, SZ_4M, 1, RX));
	KUNIT_EXPECT_EQ(test, 0, s2_map(test, SZ_2M, SZ_4M, 1, AXV_S2_READ));
	KUNIT_EXPECT_EQ(test, before, *s2_raw(t, SZ_2M, 1));

	KUNIT_EXPECT_EQ(test, upgrade, s2_map(test, SZ_2M, SZ_4M, 1, RWX));
	s2_expect(test, SZ_2M, SZ_4M, 1, RWX);

	/* Mapping with fewer rights takes none away. */
	KUNIT_EXPECT_EQ(test, 0, s2_map(test, SZ_2M, SZ_4M, 1, RX));
	s2_expect(test, SZ_2M, SZ_4M, 1, RWX);

	/* A page within a large one that grants all its rights already. */
	s2_map(test, SZ_4M, 2 * SZ_4M, 2, RWX);
	KUNIT_EXPECT_EQ(test, 0,
			s2_map(test, SZ_4M + SZ_4K, 2 * SZ_4M + SZ_4K, 1, RWX));
	s2_expect(test, SZ_4M + SZ_4K, 2 * SZ_4M + SZ_4K, 2, RWX);

	/* Another host page at the same address. */
	KUNIT_EXPECT_EQ(test, 1, s2_map(test, SZ_2M, SZ_8M, 1, RX));
	s2_expect(test, SZ_2M, SZ_8M, 1, RX);
}

/* ---- filling -------------------------------------------------------------- */

/* axv_s2_fill() does what needs no flush, and refuses the rest without a change. */
static void s2_test_fill(struct kunit *test)
{
	struct s2_test *t = test->priv;
	bool regained, told = t->fmt.break_before_make;
	long tables;

	KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&t->cache, &t->fmt));
	KUNIT_EXPECT_EQ(test, 0, axv_s2_fill(&t->s2, &t->cache, SZ_2M, SZ_4M, 1, AXV_S2_READ,
					     &regained));
	KUNIT_EXPECT_FALSE(test, regained);
	s2_expect(test, SZ_2M, SZ_4M, 1, AXV_S2_READ);
	tables = atomic_long_read(&t->s2.tables);
	KUNIT_EXPECT_EQ(test, (long)t->fmt.levels, tables);
	/* Rights are added, once. */
	KUNIT_EXPECT_EQ(test, 0, axv_s2_fill(&t->s2, &t->cache, SZ_2M, SZ_4M, 1, RWX,
					     &regained));
	KUNIT_EXPECT_EQ(test, told, regained);
	KUNIT_EXPECT_EQ(test, 0, axv_s2_fill(&t->s2, &t->cache, SZ_2M, SZ_4M, 1, RX,
					     &regained));
	KUNIT_EXPECT_FALSE(test, regained);
	s2_expect(test, SZ_2M, SZ_4M, 1, RWX);

	/* Another page, a table where a large page is to be, a large page with fewer rights. */
	KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&t->cache, &t->fmt));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_s2_fill(&t->s2, &t->cache, SZ_2M, SZ_8M, 1, RX,
						  &regained));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_s2_fill(&t->s2, &t->cache, SZ_2M, SZ_4M, 2, RX,
						  &regained));
	KUNIT_EXPECT_EQ(test, 0, axv_s2_fill(&t->s2, &t->cache, SZ_4M, SZ_8M, 2, RX,
					     &regained));
	KUNIT_EXPECT_EQ(test, 0, axv_s2_fill(&t->s2, &t->cache, SZ_4M + SZ_4K, SZ_8M + SZ_4K,
					     1, RX, &regained));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_s2_fill(&t->s2, &t->cache, SZ_4M, SZ_8M, 1, RWX,
						  &regained));
	s2_expect(test, SZ_2M, SZ_4M, 1, RWX);
	s2_expect(test, SZ_4M, SZ_8M, 2, RX);
	KUNIT_EXPECT_EQ(test, tables, atomic_long_read(&t->s2.tables));
	KUNIT_EXPECT_TRUE(test, list_empty(&t->s2.freed));
}

/* Only empty entries and those of the same page are filled, and only where a table is. */
static void s2_test_fill_around(struct kunit *test)
{
	struct s2_test *t = test->priv;
	const u64 pages[] = {
		SZ_1G | RWX | BIT(11), SZ_2M | RWX, SZ_1G | AXV_S2_WRITE | BIT(3),
		(SZ_1G + SZ_4K) | AXV_S2_READ,
	};
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, axv_s2_fill_around(&t->s2, SZ_4M, pages,
						    ARRAY_SIZE(pages)));
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		s2_expect(test, SZ_4M + i * SZ_4K, 0, 0, 0);
	s2_map(test, SZ_4M + SZ_4K, SZ_8M, 1, RX);
	KUNIT_EXPECT_FALSE(test, axv_s2_fill_around(&t->s2, SZ_4M, pages,
						    ARRAY_SIZE(pages)));
	s2_expect(test, SZ_4M, SZ_1G, 1, RWX);
	s2_expect(test, SZ_4M + SZ_4K, SZ_8M, 1, RX);
	s2_expect(test, SZ_4M + SZ_8K, 0, 0, 0);
	s2_expect(test, SZ_4M + 3 * SZ_4K, SZ_1G + SZ_4K, 1, AXV_S2_READ);

	/* Rights are added. */
	axv_s2_write_protect(&t->s2, SZ_4M, SZ_16K);
	s2_expect(test, SZ_4M, SZ_1G, 1, RX);
	KUNIT_EXPECT_EQ(test, t->fmt.break_before_make,
			axv_s2_fill_around(&t->s2, SZ_4M, pages, ARRAY_SIZE(pages)));
	s2_expect(test, SZ_4M, SZ_1G, 1, RWX);
	s2_expect(test, SZ_4M + SZ_4K, SZ_8M, 1, RX);

	s2_map(test, 0, SZ_2M, 2, RX);
	axv_s2_fill_around(&t->s2, 0, pages, ARRAY_SIZE(pages));
	s2_expect(test, 0, SZ_2M, 2, RX);
}

#define FILL_ROUNDS	1000
#define FILL_PAGES	4

/* A thread beside that of the test, which fills the same pages. */
struct s2_filler {
	struct s2_test *t;
	struct axv_s2_cache cache;
	atomic_t round;		/* the last round that it may begin */
	atomic_t done;		/* the last round that it has done */
	struct completion end;
	int err;
};

/* In two tables of level 1, and apart, so that the threads race for each level of tables. */
static u64 filler_ipa(unsigned int i)
{
	return SZ_1G + (u64)i * SZ_2M / 2;
}

static int filler_fill(struct s2_test *t, struct axv_s2_cache *cache, u32 rights)
{
	const u64 around[] = { 0, (SZ_8M + SZ_4K) | RX };
	bool regained;
	unsigned int i;
	int err = 0;

	for (i = 0; i < FILL_PAGES && !err; i++) {
		err = axv_s2_cache_fill(cache, &t->fmt) ?:
		      axv_s2_fill(&t->s2, cache, filler_ipa(i), SZ_8M, 1, rights, &regained);
		axv_s2_fill_around(&t->s2, filler_ipa(i), around, ARRAY_SIZE(around));
	}
	return err;
}

static int s2_filler(void *arg)
{
	struct s2_filler *f = arg;
	int round;

	for (round = 1; round <= FILL_ROUNDS; round++) {
		while (atomic_read(&f->round) < round)
			cond_resched();
		f->err = f->err ?: filler_fill(f->t, &f->cache, AXV_S2_READ | AXV_S2_WRITE);
		atomic_set_release(&f->done, round);
	}
	kthread_complete_and_exit(&f->end, 0);
}

/*
 * Two threads fill the same empty table, each with a right of its own: no table is lost or
 * linked twice, and no right is lost.
 */
static void s2_test_fill_race(struct kunit *test)
{
	struct s2_test *t = test->priv;
	struct s2_filler *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	/* The pages need two tables of level 1, and one of each level above. */
	long tables = t->fmt.levels + 1;
	struct task_struct *task;
	unsigned int i;
	int round, err;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->t = t;
	init_completion(&f->end);
	task = kthread_run(s2_filler, f, "axv-filler");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (round = 1; round <= FILL_ROUNDS; round++) {
		atomic_set(&f->round, round);
		err = filler_fill(t, &t->cache, RX);
		while (atomic_read_acquire(&f->done) < round)
			cond_resched();
		KUNIT_EXPECT_EQ(test, 0, err);
		KUNIT_EXPECT_EQ(test, 0, f->err);
		KUNIT_EXPECT_EQ(test, tables, atomic_long_read(&t->s2.tables));
		for (i = 0; i < FILL_PAGES; i++) {
			s2_expect(test, filler_ipa(i), SZ_8M, 1, RWX);
			s2_expect(test, filler_ipa(i) + SZ_4K, SZ_8M + SZ_4K, 1, RX);
		}
		KUNIT_EXPECT_TRUE(test, s2_unmap(test, 0, BIT_ULL(t->fmt.ipa_bits)));
		KUNIT_EXPECT_EQ(test, 1, atomic_long_read(&t->s2.tables));
	}
	wait_for_completion(&f->end);
	axv_s2_cache_drain(&f->cache);
}

/* Accessed and dirty bits that the hardware has set stay when rights are added or taken. */
static void s2_test_marks(struct kunit *test)
{
	struct s2_test *t = test->priv;
	u64 marks = t->fmt.accessed | t->fmt.dirty;

	s2_map(test, 0, SZ_2M, 2, RX);
	*s2_raw(t, 0, 2) |= marks;
	s2_map(test, 0, SZ_2M, 2, RWX);
	KUNIT_EXPECT_EQ(test, marks, *s2_raw(t, 0, 2) & marks);
	axv_s2_write_protect(&t->s2, 0, SZ_4K);
	KUNIT_EXPECT_EQ(test, marks, *s2_raw(t, 0, 2) & marks);
	s2_expect(test, 0, SZ_2M, 2, RX);

	if (t->fmt.break_before_make)
		return;
	s2_map(test, SZ_4K, SZ_2M + SZ_4K, 1, RWX);
	KUNIT_EXPECT_EQ(test, marks, *s2_raw(t, 0, 1) & marks);
	KUNIT_EXPECT_EQ(test, marks, *s2_raw(t, SZ_2M - SZ_4K, 1) & marks);
}

/* ---- sizes that meet ---------------------------------------------------- */

static void s2_test_split(struct kunit *test)
{
	struct s2_test *t = test->priv;
	unsigned int rest = t->fmt.break_before_make ? 0 : 1;
	unsigned int level, at;
	u64 ipa, size, pa = 9ull * SZ_1G;

	for (level = 2; level <= t->fmt.max_leaf_level; level++) {
		size = axv_s2_level_size(level);
		s2_map(test, 0, pa, level, RX);
		KUNIT_EXPECT_EQ(test, 1, s2_map(test, SZ_8K, pa + SZ_8K, 1, RWX));
		s2_expect(test, SZ_8K, pa + SZ_8K, 1, RWX);
		/*
		 * The pages around it are mapped as before, or, with break-before-make, not
		 * at all.
		 */
		s2_expect(test, 0, pa, rest, RX);
		s2_expect(test, SZ_8K - 1, pa + SZ_8K - 1, rest, RX);
		s2_expect(test, SZ_8K + SZ_4K, pa + SZ_8K + SZ_4K, rest, RX);
		for (at = 2; at <= level; at++) {
			ipa = axv_s2_level_size(at) - 1;
			s2_expect(test, ipa, pa + ipa, rest * (at - 1), RX);
		}
		s2_expect(test, size, 0, 0, 0);
		s2_unmap(test, 0, size);
	}
}

static void s2_test_collapse(struct kunit *test)
{
	struct s2_test *t = test->priv;
	unsigned int level;
	u64 pa = 8ull * SZ_1G;
	long tables;

	for (level = 2; level <= t->fmt.max_leaf_level; level++) {
		tables = t->fmt.levels - level + 1;
		s2_map(test, 0, pa, 1, RX);
		s2_map(test, SZ_4K, pa + SZ_4K, 1, RX);
		KUNIT_EXPECT_EQ(test, (long)t->fmt.levels,
				atomic_long_read(&t->s2.tables));
		KUNIT_EXPECT_EQ(test, 1, s2_map(test, 0, pa, level, RWX));
		s2_expect(test, SZ_4K, pa + SZ_4K, level, RWX);
		KUNIT_EXPECT_EQ(test, tables, atomic_long_read(&t->s2.tables));
		s2_unmap(test, 0, SZ_1G);
	}
}

/* Tables that were cut off stay whole until they are freed. */
static void s2_test_cut(struct kunit *test)
{
	struct s2_test *t = test->priv;
	u64 *entry, value;
	LIST_HEAD(tables);

	s2_map(test, 0, SZ_4M, 1, RWX);
	s2_map(test, SZ_2M, SZ_2M, 1, RWX);
	entry = s2_raw(t, SZ_2M, 1);
	value = *entry;

	KUNIT_EXPECT_TRUE(test, axv_s2_unmap(&t->s2, 0, SZ_1G));
	s2_expect(test, SZ_2M, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, value, READ_ONCE(*entry));
	KUNIT_EXPECT_FALSE(test, list_empty(&t->s2.freed));

	axv_s2_detach(&t->s2, &tables);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->s2.freed));
	KUNIT_EXPECT_GT(test, atomic_long_read(&t->s2.tables), 3L);
	axv_s2_free(&t->s2, &tables, true);
	KUNIT_EXPECT_TRUE(test, list_empty(&tables));
	/* The tables above the range are still there. */
	KUNIT_EXPECT_EQ(test, (long)t->fmt.levels - 2,
			atomic_long_read(&t->s2.tables));
}

/* ---- ranges ------------------------------------------------------------- */

static void s2_test_unmap(struct kunit *test)
{
	struct s2_test *t = test->priv;
	u64 ipa;

	for (ipa = SZ_2M - SZ_16K; ipa < SZ_2M + SZ_16K; ipa += SZ_4K)
		s2_map(test, ipa, ipa, 1, RWX);
	/* Ranges next to the mapped pages, and an empty one. */
	KUNIT_EXPECT_FALSE(test, s2_unmap(test, 0, SZ_2M - SZ_16K));
	KUNIT_EXPECT_FALSE(test, s2_unmap(test, SZ_2M + SZ_16K, SZ_1G));
	KUNIT_EXPECT_FALSE(test, s2_unmap(test, SZ_2M, 0));
	/* A range across the border of two tables. */
	KUNIT_EXPECT_TRUE(test, s2_unmap(test, SZ_2M - SZ_4K, SZ_8K));
	for (ipa = SZ_2M - SZ_16K; ipa < SZ_2M + SZ_16K; ipa += SZ_4K)
		s2_expect(test, ipa, ipa,
			  ipa != SZ_2M - SZ_4K && ipa != SZ_2M, RWX);

	/* Unmapping a part of a large page removes all of it. */
	s2_map(test, SZ_4M, SZ_4M, 2, RWX);
	KUNIT_EXPECT_TRUE(test, s2_unmap(test, SZ_4M + SZ_1M, SZ_4K));
	s2_expect(test, SZ_4M, 0, 0, 0);

	/* A range that reaches beyond the last address. */
	KUNIT_EXPECT_TRUE(test, s2_unmap(test, SZ_4K, U64_MAX));
	/* An empty table was left, which the hardware may have cached, so it needs a flush. */
	KUNIT_EXPECT_TRUE(test, s2_unmap(test, 0, U64_MAX));
	KUNIT_EXPECT_FALSE(test, s2_unmap(test, 0, U64_MAX));
	KUNIT_EXPECT_FALSE(test, s2_unmap(test, BIT_ULL(t->fmt.ipa_bits), U64_MAX));
	KUNIT_EXPECT_FALSE(test, s2_unmap(test, U64_MAX, U64_MAX));
}

static void s2_test_write_protect(struct kunit *test)
{
	struct s2_test *t = test->priv;

	s2_map(test, 0, SZ_4M, 1, RWX);
	s2_map(test, SZ_4K, SZ_4M + SZ_4K, 1, RWX);
	s2_map(test, SZ_8K, SZ_4M + SZ_8K, 1, RX);
	s2_map(test, SZ_2M, SZ_2M, 2, RWX);

	KUNIT_EXPECT_FALSE(test, axv_s2_write_protect(&t->s2, SZ_8K, SZ_4K));
	KUNIT_EXPECT_FALSE(test, axv_s2_write_protect(&t->s2, SZ_16K, SZ_4K));
	KUNIT_EXPECT_TRUE(test, axv_s2_write_protect(&t->s2, SZ_4K, SZ_8K));
	KUNIT_EXPECT_FALSE(test, axv_s2_write_protect(&t->s2, SZ_4K, SZ_8K));
	s2_expect(test, 0, SZ_4M, 1, RWX);
	s2_expect(test, SZ_4K, SZ_4M + SZ_4K, 1, RX);
	s2_expect(test, SZ_8K, SZ_4M + SZ_8K, 1, RX);
	KUNIT_EXPECT_TRUE(test, axv_s2_write_protect(&t->s2, SZ_2M + SZ_1M, SZ_4K));
	s2_expect(test, SZ_2M, SZ_2M, 2, RX);
	s2_expect(test, 0, SZ_4M, 1, RWX);
}

static void s2_test_young(struct kunit *test)
{
	struct s2_test *t = test->priv;
	u32 left = t->fmt.accessed ? 1 : 0;
	bool young = true;

	KUNIT_EXPECT_FALSE(test, axv_s2_test_young(&t->s2, 0, SZ_2M));
	KUNIT_EXPECT_FALSE(test, axv_s2_clear_young(&t->s2, 0, SZ_2M, &young));
	KUNIT_EXPECT_FALSE(test, young);

	/* A page that is mapped counts as used. */
	s2_map(test, 0, SZ_4M, 1, RWX);
	KUNIT_EXPECT_TRUE(test, axv_s2_test_young(&t->s2, 0, SZ_4K));
	KUNIT_EXPECT_TRUE(test, axv_s2_test_young(&t->s2, 0, SZ_4K));
	KUNIT_EXPECT_FALSE(test, axv_s2_test_young(&t->s2, SZ_4K, SZ_4K));
	KUNIT_EXPECT_TRUE(test, axv_s2_clear_young(&t->s2, 0, SZ_4K, &young));
	KUNIT_EXPECT_TRUE(test, young);
	KUNIT_EXPECT_FALSE(test, axv_s2_test_young(&t->s2, 0, SZ_4K));
	KUNIT_EXPECT_FALSE(test, axv_s2_clear_young(&t->s2, 0, SZ_4K, &young));
	KUNIT_EXPECT_FALSE(test, young);
	s2_expect(test, 0, SZ_4M, left, RWX);

	/* Without accessed bits, the next fault is what tells of a use. */
	KUNIT_EXPECT_EQ(test, 0, s2_map(test, 0, SZ_4M, 1, RX));
	KUNIT_EXPECT_TRUE(test, axv_s2_test_young(&t->s2, 0, SZ_4K));
}

/* ---- against a model ---------------------------------------------------- */

#define MODEL_BASE	(SZ_1G - SZ_4M)	/* below two entries of level 3 */
#define MODEL_PAGES	2560		/* of 4K: five of 2M */
#define MODEL_STEPS	2000

/* What a page maps to, according to the table or to a TLB. */
struct model_page {
	u64 pa;
	u32 rights;
	u8 level;
};

struct model {
	struct model_page pages[MODEL_PAGES];
	struct model_page tlb[MODEL_PAGES];
	struct rnd_state rnd;
};

static u32 model_random(struct model *m, u32 below)
{
	return prandom_u32_state(&m->rnd) % below;
}

static u64 model_ipa(u32 page)
{
	return MODEL_BASE + ((u64)page << PAGE_SHIFT);
}

/* Unmap the pages from @first to before @end in the model; large pages go as a whole. */
static bool model_unmap(struct model *m, u32 first, u32 end)
{
	bool any = false;
	u32 i, j;

	for (i = first; i < end; i++) {
		if (!m->pages[i].level)
			continue;
		any = true;
		if (m->pages[i].level == 1)
			m->pages[i].level = 0;
		for (j = round_down(i, 512); j < round_down(i, 512) + 512; j++)
			if (m->pages[j].level == 2)
				m->pages[j].level = 0;
	}
	return any;
}

static int model_map(struct kunit *test, struct model *m)
{
	struct s2_test *t = test->priv;
	unsigned int level = 1 + model_random(m, 2);
	u32 pages = level == 1 ? 1 : 512;
	u32 first = model_random(m, MODEL_PAGES / pages) * pages;
	/* Mostly the same page, so that rights are added; sometimes another one. */
	u64 pa = model_ipa(first) + (model_random(m, 4) ? 0 : SZ_1G);
	u32 rights = AXV_S2_READ | model_random(m, 8);
	struct model_page *at = &m->pages[first];
	bool same = at->level && at->pa == pa;
	u64 *entry = s2_raw(t, model_ipa(first), 2);
	int done, flushes = 0;
	u32 asked = rights;
	u32 i;

	if (same && at->level > level && !(rights & ~at->rights)) {
		/* The large page grants the rights already. */
	} else if (same && at->level == level) {
		flushes = t->fmt.break_before_make && (rights & ~at->rights);
		for (i = 0; i < pages; i++)
			at[i].rights |= rights;
	} else {
		for (i = 0; i < pages; i++)
			flushes |= !!at[i].level;
		/*
		 * A table stays when its last page is unmapped, and is in the way of a
		 * large one.
		 */
		if (level == 2 && !at->level)
			flushes = entry && *entry;
		if (at->level == 2 && level == 1) {
			u32 block = round_down(first, 512);

			for (i = block; i < block + 512; i++)
				m->pages[i].level = !t->fmt.break_before_make;
		}
		/* A page that is split off a large one begins with the large one's rights. */
		if (same && level == 1 && !t->fmt.break_before_make)
			rights |= at->rights;
		for (i = 0; i < pages; i++)
			at[i] = (struct model_page){
				.pa = pa + ((u64)i << PAGE_SHIFT),
				.rights = rights,
				.level = level,
			};
	}
	done = s2_map(test, model_ipa(first), pa, level, asked);
	KUNIT_EXPECT_EQ(test, !!flushes, !!done);
	return done;
}

/* The TLB may hold less than the table has, never more. */
static void model_check_tlb(struct kunit *test, struct model *m)
{
	u32 i;

	for (i = 0; i < MODEL_PAGES; i++) {
		if (!m->tlb[i].level)
			continue;
		KUNIT_ASSERT_NE(test, 0, m->pages[i].level);
		KUNIT_ASSERT_EQ(test, m->pages[i].pa, m->tlb[i].pa);
		KUNIT_ASSERT_EQ(test, 0, m->tlb[i].rights & ~m->pages[i].rights);
	}
}

static void model_check_table(struct kunit *test, struct model *m)
{
	struct s2_test *t = test->priv;
	struct axv_s2_leaf leaf;
	u32 i;

	for (i = 0; i < MODEL_PAGES; i++) {
		leaf = axv_s2_lookup(&t->s2, model_ipa(i));
		KUNIT_ASSERT_EQ(test, m->pages[i].level, leaf.level);
		if (!leaf.level)
			continue;
		KUNIT_ASSERT_EQ(test, m->pages[i].pa, (u64)leaf.pa);
		KUNIT_ASSERT_EQ(test, m->pages[i].rights, leaf.rights);
	}
}

static bool model_change(struct kunit *test, struct model *m)
{
	struct s2_test *t = test->priv;
	u32 first = model_random(m, MODEL_PAGES);
	u32 end = first + 1 + model_random(m, min_t(u32, MODEL_PAGES - first,
						    model_random(m, 16) ? 8 : 600));
	u64 ipa = model_ipa(first);
	u64 size = model_ipa(end) - ipa;
	bool expected = false, young, flush;
	u32 i, j;

	switch (model_random(m, 8)) {
	case 0:
		expected = model_unmap(m, first, end);
		flush = s2_unmap(test, ipa, size);
		/* Cutting an empty table off asks for a flush, too. */
		if (!expected && flush && size >= SZ_2M)
			expected = true;
		break;
	case 1:
		for (i = first; i < end; i++) {
			if (!m->pages[i].level || !(m->pages[i].rights & AXV_S2_WRITE))
				continue;
			expected = true;
			m->pages[i].rights &= ~AXV_S2_WRITE;
			if (m->pages[i].level == 1)
				continue;
			for (j = round_down(i, 512); j < round_down(i, 512) + 512; j++)
				m->pages[j].rights &= ~AXV_S2_WRITE;
		}
		flush = axv_s2_write_protect(&t->s2, ipa, size);
		break;
	case 2:
		flush = axv_s2_clear_young(&t->s2, ipa, size, &young);
		expected = flush;
		if (!t->fmt.accessed)
			expected = model_unmap(m, first, end);
		break;
	default:
		return model_map(test, m);
	}
	KUNIT_EXPECT_EQ(test, expected, flush);
	return flush;
}

/*
 * Random changes with a fixed seed.  An array says what has to be mapped; a model of a TLB
 * keeps what it has seen until a flush is asked for.
 */
static void s2_test_model(struct kunit *test)
{
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	u32 step, i, page;

	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&m->rnd, 20261123);
	for (step = 0; step < MODEL_STEPS; step++) {
		for (i = 0; i < 16; i++) {
			page = model_random(m, MODEL_PAGES);
			m->tlb[page] = m->pages[page];
		}
		if (model_change(test, m))
			memset(m->tlb, 0, sizeof(m->tlb));
		if (step % 32)
			continue;
		model_check_tlb(test, m);
		model_check_table(test, m);
	}
}

static struct kunit_case s2_cases[] = {
	KUNIT_CASE(s2_test_bits),
	KUNIT_CASE(s2_test_formats),
	KUNIT_CASE_PARAM(s2_test_root, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_map, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_refused, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_cache, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_again, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_fill, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_fill_around, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_fill_race, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_marks, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_split, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_collapse, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_cut, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_unmap, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_write_protect, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_young, s2_gen_params),
	KUNIT_CASE_PARAM(s2_test_model, s2_gen_params),
	{}
};

axv_test_suite("axvcpu-stage2", s2_cases, .init = s2_test_init, .exit = s2_test_exit);
