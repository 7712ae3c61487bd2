// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of guest memory: what is refused, what a change removes from the
 * second stage, and that an error leaves everything as it was.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "memory_vm.h"

#define HVA	0x400000000000ul	/* user space; nothing is mapped there */
#define TOP	BIT_ULL(48)
#define RWX	(AXV_S2_READ | AXV_S2_WRITE | AXV_S2_EXEC)

/* Pretend that a fault mapped a page of the guest. */
static void regions_touch(struct kunit *test, u64 gpa)
{
	struct memory_vm *m = test->priv;
	struct axv_s2_cache cache = AXV_S2_CACHE_INIT(cache);
	bool flush;

	KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&cache, m->vm.s2.fmt));
	spin_lock(&m->vm.mmu_lock);
	KUNIT_EXPECT_EQ(test, 0,
			axv_s2_map(&m->vm.s2, &cache, gpa, gpa, 1, RWX, &flush));
	spin_unlock(&m->vm.mmu_lock);
	axv_s2_cache_drain(&cache);
}

static void regions_expect(struct kunit *test, u64 gpa, bool there, u32 slot)
{
	struct memory_vm *m = test->priv;
	struct axv_memslot *found;

	spin_lock(&m->vm.mmu_lock);
	found = axv_find_slot(&m->vm, gpa);
	KUNIT_EXPECT_EQ(test, there, !!found);
	if (there && found)
		KUNIT_EXPECT_EQ(test, slot, found->slot);
	spin_unlock(&m->vm.mmu_lock);
}

/* What no call that fails may change. */
struct regions_snapshot {
	struct axv_memslot *regions;
	u32 nr;
	unsigned long seq;
	unsigned int flushes;
	struct axv_memslot copy[4];
};

static struct regions_snapshot regions_snapshot(struct memory_vm *m)
{
	struct regions_snapshot s = {
		.regions = m->vm.regions,
		.nr = m->vm.nr_regions,
		.seq = m->vm.mmu_seq,
		.flushes = m->flushes,
	};

	memcpy(s.copy, m->vm.regions,
	       min_t(size_t, s.nr, ARRAY_SIZE(s.copy)) * sizeof(s.copy[0]));
	return s;
}

static void regions_expect_same(struct kunit *test, struct regions_snapshot *s)
{
	struct memory_vm *m = test->priv;
	struct regions_snapshot now = regions_snapshot(m);

	KUNIT_EXPECT_PTR_EQ(test, s->regions, now.regions);
	KUNIT_EXPECT_EQ(test, s->nr, now.nr);
	KUNIT_EXPECT_EQ(test, s->seq, now.seq);
	KUNIT_EXPECT_EQ(test, s->flushes, now.flushes);
	KUNIT_EXPECT_EQ(test, 0, memcmp(s->copy, now.copy, sizeof(s->copy)));
}

static void regions_test_refused(struct kunit *test)
{
	static const struct axv_region bad[] = {
		{ .slot = AXV_MAX_REGIONS, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .slot = U32_MAX, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .slot = 9, .flags = 4, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .slot = 9, .flags = 1u << 31, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .slot = 9, .address_space = 1, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .slot = 9, .size = SZ_4K, .hva = HVA, .fd = 0 },
		{ .slot = 9, .size = SZ_4K, .hva = HVA, .fd = -1, .fd_offset = 1 },
		/* alignment */
		{ .slot = 9, .size = SZ_4K, .hva = HVA, .gpa = 1, .fd = -1 },
		{ .slot = 9, .size = SZ_4K, .hva = HVA, .gpa = SZ_2K, .fd = -1 },
		{ .slot = 9, .size = SZ_4K - 1, .hva = HVA, .fd = -1 },
		{ .slot = 9, .size = 1, .hva = HVA, .fd = -1 },
		{ .slot = 9, .size = SZ_4K, .hva = HVA + 8, .fd = -1 },
		/* beyond 48 bits, by the begin and by the end, and around zero */
		{ .slot = 9, .size = SZ_4K, .hva = HVA, .gpa = TOP, .fd = -1 },
		{ .slot = 9, .size = SZ_8K, .hva = HVA, .gpa = TOP - SZ_4K, .fd = -1 },
		{ .slot = 9, .size = SZ_8K, .hva = HVA, .gpa = -(u64)SZ_4K, .fd = -1 },
		{ .slot = 9, .size = -(u64)SZ_4K, .hva = HVA, .gpa = SZ_8K, .fd = -1 },
		{ .slot = 9, .size = -(u64)SZ_4K, .hva = 0, .gpa = 0, .fd = -1 },
		/* not the user's */
		{ .slot = 9, .size = SZ_4K, .hva = 0xffff888000000000, .fd = -1 },
		{ .slot = 9, .size = SZ_4K, .hva = -(u64)SZ_4K, .fd = -1 },
		{ .slot = 9, .size = SZ_8K, .hva = -(u64)SZ_4K, .fd = -1 },
		{ .slot = 9, .size = SZ_4K, .hva = 1ull << 63, .fd = -1 },
	};
	struct memory_vm *m = test->priv;
	struct regions_snapshot before;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, SZ_1G, SZ_2M, HVA));
	regions_touch(test, SZ_1G);
	before = regions_snapshot(m);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, axv_set_region(&m->vm, &bad[i]),
				    "case %u", i);
		regions_expect_same(test, &before);
	}
	/* Deleting what is not there. */
	KUNIT_EXPECT_EQ(test, -ENOENT, memory_vm_set(test, 9, 0, 0, 0, 0));
	regions_expect_same(test, &before);
	/* A bitmap that is too large to be had, for a new slot and for this one. */
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			memory_vm_set(test, 1, AXV_REGION_LOG_DIRTY, 0,
				      TOP / 4, SZ_4K));
	regions_expect_same(test, &before);
	KUNIT_EXPECT_EQ(test, 1, memory_vm_leaf(m, SZ_1G).level);
}

/* The widest region there can be, without a log. */
static void regions_test_widest(struct kunit *test)
{
	u64 gpa = TOP - TOP / 4;

	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 1, 0, gpa, TOP / 4, SZ_4K));
	regions_expect(test, gpa - 1, false, 0);
	regions_expect(test, gpa, true, 1);
	regions_expect(test, TOP - 1, true, 1);
	regions_expect(test, TOP, false, 0);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 1, 0, 0, 0, 0));
	regions_expect(test, gpa, false, 0);
}

static void regions_test_overlap(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	struct regions_snapshot before;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, SZ_1M, SZ_64K, HVA));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 2, 0, SZ_2M, SZ_64K, HVA));
	before = regions_snapshot(m);

	/* Its first page, its last, inside, the same, around, and both. */
	KUNIT_EXPECT_EQ(test, -EEXIST,
			memory_vm_set(test, 3, 0, SZ_1M - SZ_4K, SZ_8K, HVA));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			memory_vm_set(test, 3, 0, SZ_1M + SZ_64K - SZ_4K, SZ_8K, HVA));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			memory_vm_set(test, 3, 0, SZ_1M + SZ_4K, SZ_4K, HVA));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			memory_vm_set(test, 3, 0, SZ_1M, SZ_64K, HVA));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			memory_vm_set(test, 3, 0, SZ_1M - SZ_4K, SZ_128K, HVA));
	KUNIT_EXPECT_EQ(test, -EEXIST, memory_vm_set(test, 3, 0, 0, SZ_1G, HVA));
	/* Moved or grown into the other one. */
	KUNIT_EXPECT_EQ(test, -EEXIST,
			memory_vm_set(test, 1, 0, SZ_2M + SZ_32K, SZ_64K, HVA));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			memory_vm_set(test, 1, AXV_REGION_LOG_DIRTY, SZ_1M,
				      SZ_1M + SZ_4K, HVA));
	regions_expect_same(test, &before);

	/* Side by side is not an overlap, nor is one with itself. */
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 3, 0, SZ_1M - SZ_4K, SZ_4K, HVA));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 4, 0, SZ_1M + SZ_64K, SZ_4K, HVA));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 2, 0, SZ_2M + SZ_32K, SZ_64K, HVA));
	regions_expect(test, SZ_1M - SZ_4K - 1, false, 0);
	regions_expect(test, SZ_1M - 1, true, 3);
	regions_expect(test, SZ_1M, true, 1);
	regions_expect(test, SZ_1M + SZ_64K - 1, true, 1);
	regions_expect(test, SZ_1M + SZ_64K, true, 4);
	regions_expect(test, SZ_1M + SZ_64K + SZ_4K, false, 0);
	regions_expect(test, SZ_2M, false, 0);
	regions_expect(test, SZ_2M + SZ_32K, true, 2);
}

/* As many as there may be, in an order that is none. */
static void regions_test_many(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	u32 i, slot;

	for (i = 0; i < AXV_MAX_REGIONS; i++) {
		slot = i * 37 % AXV_MAX_REGIONS;
		KUNIT_ASSERT_EQ(test, 0,
				memory_vm_set(test, slot, 0, slot * SZ_8K, SZ_4K,
					      HVA));
	}
	KUNIT_EXPECT_EQ(test, AXV_MAX_REGIONS, m->vm.nr_regions);
	for (i = 1; i < m->vm.nr_regions; i++)
		KUNIT_EXPECT_GT(test, m->vm.regions[i].gpa,
				m->vm.regions[i - 1].gpa);
	for (i = 0; i < AXV_MAX_REGIONS; i++) {
		regions_expect(test, i * SZ_8K, true, i);
		regions_expect(test, i * SZ_8K + SZ_4K, false, 0);
	}
	for (i = 0; i < AXV_MAX_REGIONS; i += 2)
		KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, i, 0, 0, 0, 0));
	for (i = 0; i < AXV_MAX_REGIONS; i++)
		regions_expect(test, i * SZ_8K, i % 2, i);
}

/* Every change removes what was mapped, and only if something was. */
static void regions_test_change(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long seq;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, SZ_1M, SZ_64K, HVA));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 2, 0, SZ_2M, SZ_64K, HVA));
	KUNIT_EXPECT_EQ(test, 0, m->flushes);

	regions_touch(test, SZ_1M);
	regions_touch(test, SZ_2M);
	regions_touch(test, SZ_2M + SZ_64K - SZ_4K);

	/* moved */
	seq = m->vm.mmu_seq;
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 1, 0, SZ_4M, SZ_64K, HVA));
	KUNIT_EXPECT_EQ(test, 1, m->flushes);
	KUNIT_EXPECT_NE(test, seq, m->vm.mmu_seq);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, SZ_1M).level);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, SZ_4M).level);
	KUNIT_EXPECT_EQ(test, 1, memory_vm_leaf(m, SZ_2M).level);
	regions_expect(test, SZ_1M, false, 0);
	regions_expect(test, SZ_4M, true, 1);

	/* other flags */
	seq = m->vm.mmu_seq;
	KUNIT_EXPECT_EQ(test, 0,
			memory_vm_set(test, 2, AXV_REGION_READONLY, SZ_2M, SZ_64K, HVA));
	KUNIT_EXPECT_EQ(test, 2, m->flushes);
	KUNIT_EXPECT_NE(test, seq, m->vm.mmu_seq);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, SZ_2M).level);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, SZ_2M + SZ_64K - SZ_4K).level);
	KUNIT_EXPECT_FALSE(test, axv_gpa_is_ram(&m->vm, SZ_2M, true));
	KUNIT_EXPECT_TRUE(test, axv_gpa_is_ram(&m->vm, SZ_2M, false));

	/* other memory in the same place */
	regions_touch(test, SZ_4M);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 1, 0, SZ_4M, SZ_64K, HVA + SZ_4K));
	KUNIT_EXPECT_EQ(test, 3, m->flushes);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, SZ_4M).level);

	/* deleted */
	regions_touch(test, SZ_4M);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 1, 0, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, 4, m->flushes);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, SZ_4M).level);
	KUNIT_EXPECT_FALSE(test, axv_gpa_is_ram(&m->vm, SZ_4M, false));

	/* released with the VM's memory, once */
	regions_touch(test, SZ_2M);
	axv_memory_release(&m->vm);
	KUNIT_EXPECT_EQ(test, 5, m->flushes);
	KUNIT_EXPECT_EQ(test, 1, atomic_long_read(&m->vm.s2.tables));
	KUNIT_EXPECT_EQ(test, 0, m->vm.nr_regions);
	axv_memory_release(&m->vm);
	KUNIT_EXPECT_EQ(test, 5, m->flushes);
}

static void regions_test_dead(struct kunit *test)
{
	struct memory_vm *m = test->priv;

	WRITE_ONCE(m->vm.dead, true);
	axv_memory_release(&m->vm);
	KUNIT_EXPECT_EQ(test, -EIO, memory_vm_set(test, 1, 0, 0, SZ_4K, HVA));
	KUNIT_EXPECT_EQ(test, -EIO,
			memory_vm_set(test, 1, AXV_REGION_LOG_DIRTY, 0, SZ_4K, HVA));
	KUNIT_EXPECT_EQ(test, 0, m->vm.nr_regions);
}

/* ---- the dirty log ------------------------------------------------------ */

#define LOG_PAGES	150	/* two words and a bit */

static void regions_dirty(struct kunit *test, u64 page)
{
	struct memory_vm *m = test->priv;
	struct axv_memslot *slot;

	regions_touch(test, SZ_1G + page * SZ_4K);
	spin_lock(&m->vm.mmu_lock);
	slot = axv_find_slot(&m->vm, SZ_1G + page * SZ_4K);
	if (slot)
		axv_mark_dirty(slot, SZ_1G + page * SZ_4K);
	spin_unlock(&m->vm.mmu_lock);
}

static bool regions_writable(struct kunit *test, u64 page)
{
	return memory_vm_leaf(test->priv, SZ_1G + page * SZ_4K).rights & AXV_S2_WRITE;
}

static void regions_test_log(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long bits[3];

	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 7, AXV_REGION_LOG_DIRTY, SZ_1G,
				      LOG_PAGES * SZ_4K, HVA));
	regions_dirty(test, 0);
	regions_dirty(test, 64);
	regions_dirty(test, 130);
	regions_dirty(test, 149);
	regions_touch(test, SZ_1G + SZ_4K);

	/* A part: reported, cleared, and caught anew; the rest as it was. */
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 64, 64, bits));
	KUNIT_EXPECT_EQ(test, 1ul, bits[0]);
	KUNIT_EXPECT_EQ(test, 1, m->flushes);
	KUNIT_EXPECT_FALSE(test, regions_writable(test, 64));
	KUNIT_EXPECT_TRUE(test, regions_writable(test, 0));
	KUNIT_EXPECT_TRUE(test, regions_writable(test, 130));

	/* All; what was reported is clean. */
	memset(bits, 0xff, sizeof(bits));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits));
	KUNIT_EXPECT_EQ(test, BIT(0), bits[0]);
	KUNIT_EXPECT_EQ(test, 0ul, bits[1]);
	KUNIT_EXPECT_EQ(test, BIT(130 - 128) | BIT(149 - 128), bits[2]);
	KUNIT_EXPECT_EQ(test, 2, m->flushes);
	KUNIT_EXPECT_FALSE(test, regions_writable(test, 0));
	KUNIT_EXPECT_FALSE(test, regions_writable(test, 149));

	/* Nothing written, nothing flushed. */
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits));
	KUNIT_EXPECT_EQ(test, 0ul, bits[0] | bits[1] | bits[2]);
	KUNIT_EXPECT_EQ(test, 2, m->flushes);

	/* Given back, beside what was written meanwhile. */
	bits[1] = BIT(3);
	bits[2] = BIT(21);
	regions_dirty(test, 66);
	axv_put_dirty(&m->vm, 7, 0, LOG_PAGES, bits);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 64, LOG_PAGES - 64, bits));
	KUNIT_EXPECT_EQ(test, BIT(2) | BIT(3), bits[0]);
	KUNIT_EXPECT_EQ(test, BIT(21), bits[1]);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, 0, bits));
}

static void regions_test_log_refused(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long bits[3] = {};
	static const struct {
		u64 first, nr;
	} bad[] = {
		{ 1, 64 }, { 63, 64 }, { 0, 1 }, { 0, 65 }, { 0, 149 }, { 0, 151 },
		{ 64, 87 }, { 128, 64 }, { 192, 0 }, { 192, 64 }, { 0, U64_MAX },
		{ 64, -(u64)64 }, { -(u64)64, 64 },
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 7, AXV_REGION_LOG_DIRTY, SZ_1G,
				      LOG_PAGES * SZ_4K, HVA));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 8, 0, SZ_4M, SZ_2M, HVA));
	regions_dirty(test, 5);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    axv_get_dirty(&m->vm, 7, bad[i].first,
						  bad[i].nr, bits),
				    "case %u", i);
		axv_put_dirty(&m->vm, 7, bad[i].first, bad[i].nr, bits);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_get_dirty(&m->vm, 8, 0, 64, bits));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_get_dirty(&m->vm, 9, 0, 64, bits));
	axv_put_dirty(&m->vm, 8, 0, 64, bits);
	axv_put_dirty(&m->vm, 9, 0, 64, bits);

	KUNIT_EXPECT_EQ(test, 0, m->flushes);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, 64, bits));
	KUNIT_EXPECT_EQ(test, BIT(5), bits[0]);
}

/* What was not reported yet survives a move and a change of flags. */
static void regions_test_log_kept(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long bits[3];
	u32 log = AXV_REGION_LOG_DIRTY;
	u64 size = LOG_PAGES * SZ_4K;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 7, log, SZ_1G, size, HVA));
	regions_dirty(test, 70);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, log, SZ_2M, size, HVA));
	KUNIT_EXPECT_EQ(test, 0,
			memory_vm_set(test, 7, log | AXV_REGION_READONLY, SZ_2M,
				      size, HVA));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits));
	KUNIT_EXPECT_EQ(test, BIT(70 - 64), bits[1]);

	/* Other memory begins clean, and so does a log that was off. */
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, log, SZ_1G, size, HVA));
	regions_dirty(test, 70);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, log, SZ_1G, size, HVA + SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits));
	KUNIT_EXPECT_EQ(test, 0ul, bits[0] | bits[1] | bits[2]);
	regions_dirty(test, 71);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, 0, SZ_1G, size, HVA + SZ_4K));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, log, SZ_1G, size, HVA + SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits));
	KUNIT_EXPECT_EQ(test, 0ul, bits[0] | bits[1] | bits[2]);
}

static struct kunit_case regions_cases[] = {
	KUNIT_CASE(regions_test_refused),
	KUNIT_CASE(regions_test_widest),
	KUNIT_CASE(regions_test_overlap),
	KUNIT_CASE(regions_test_many),
	KUNIT_CASE(regions_test_change),
	KUNIT_CASE(regions_test_dead),
	KUNIT_CASE(regions_test_log),
	KUNIT_CASE(regions_test_log_refused),
	KUNIT_CASE(regions_test_log_kept),
	{}
};

static struct kunit_suite regions_suite = {
	.name = "axvcpu-regions",
	.suite_init = memory_vm_suite_init,
	.suite_exit = memory_vm_suite_exit,
	.init = memory_vm_init,
	.exit = memory_vm_exit,
	.test_cases = regions_cases,
};

kunit_test_suite(regions_suite);
