// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of guest memory: what is refused, what a change removes from the
 * second stage, and that an error leaves everything as it was.
 */
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "memory_vm.h"

#define HVA	0x400000000000ul	/* user space; nothing is mapped there */
#define TOP	BIT_ULL(48)
#define RWX	(AXV_S2_READ | AXV_S2_WRITE | AXV_S2_EXEC)

/* Map a page of the guest as a fault would. */
static void regions_touch(struct kunit *test, u64 gpa)
{
	struct memory_vm *m = test->priv;
	struct axv_s2_cache cache = {};
	bool flush;

	KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&cache, m->vm.s2.fmt));
	write_lock(&m->vm.mmu_lock);
	KUNIT_EXPECT_EQ(test, 0,
			axv_s2_map(&m->vm.s2, &cache, gpa, gpa, 1, RWX, &flush));
	write_unlock(&m->vm.mmu_lock);
	axv_s2_cache_drain(&cache);
}

static void regions_expect(struct kunit *test, u64 gpa, bool there, u32 id)
{
	struct memory_vm *m = test->priv;
	struct axv_mem_region found;
	bool is_there = axv_find_region(&m->vm, gpa, &found);

	KUNIT_EXPECT_EQ(test, there, is_there);
	if (there && is_there)
		KUNIT_EXPECT_EQ(test, id, found.id);
}

/* What a call that fails must not change. */
struct regions_snapshot {
	struct axv_regions regions;
	unsigned long seq;
	unsigned int flushes;
	struct axv_region_node *node[4];
	struct axv_region_node copy[4];
};

static struct regions_snapshot regions_snapshot(struct memory_vm *m)
{
	struct regions_snapshot s = {
		.regions = m->vm.regions,
		.seq = m->vm.mmu_seq,
		.flushes = m->flushes,
	};
	struct axv_region_node *node;
	unsigned long id;
	unsigned int i = 0;

	xa_for_each(&m->vm.regions.by_id, id, node) {
		if (i == ARRAY_SIZE(s.node))
			break;
		s.node[i] = node;
		s.copy[i++] = *node;
	}
	return s;
}

static void regions_expect_same(struct kunit *test, struct regions_snapshot *s)
{
	struct memory_vm *m = test->priv;
	struct regions_snapshot now = regions_snapshot(m);
	unsigned int i;

	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_PTR_EQ(test, s->regions.by_gpa[i].rb_node,
				    now.regions.by_gpa[i].rb_node);
	KUNIT_EXPECT_PTR_EQ(test, s->regions.by_hva.rb_root.rb_node,
			    now.regions.by_hva.rb_root.rb_node);
	KUNIT_EXPECT_EQ(test, s->regions.nr, now.regions.nr);
	KUNIT_EXPECT_EQ(test, s->seq, now.seq);
	KUNIT_EXPECT_EQ(test, s->flushes, now.flushes);
	KUNIT_EXPECT_EQ(test, 0, memcmp(s->node, now.node, sizeof(s->node)));
	KUNIT_EXPECT_EQ(test, 0, memcmp(s->copy, now.copy, sizeof(s->copy)));
}

static void regions_test_refused(struct kunit *test)
{
	static const struct axv_region bad[] = {
		{ .id = AXV_MAX_REGIONS, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .id = U32_MAX, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .id = 9, .flags = 4, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .id = 9, .flags = 1u << 31, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .id = 9, .address_space = 1, .size = SZ_4K, .hva = HVA, .fd = -1 },
		{ .id = 9, .size = SZ_4K, .hva = HVA, .fd = 0 },
		{ .id = 9, .size = SZ_4K, .hva = HVA, .fd = -1, .fd_offset = 1 },
		/* alignment */
		{ .id = 9, .size = SZ_4K, .hva = HVA, .gpa = 1, .fd = -1 },
		{ .id = 9, .size = SZ_4K, .hva = HVA, .gpa = SZ_2K, .fd = -1 },
		{ .id = 9, .size = SZ_4K - 1, .hva = HVA, .fd = -1 },
		{ .id = 9, .size = 1, .hva = HVA, .fd = -1 },
		{ .id = 9, .size = SZ_4K, .hva = HVA + 8, .fd = -1 },
		/* beyond 48 bits, by the begin and by the end, and around zero */
		{ .id = 9, .size = SZ_4K, .hva = HVA, .gpa = TOP, .fd = -1 },
		{ .id = 9, .size = SZ_8K, .hva = HVA, .gpa = TOP - SZ_4K, .fd = -1 },
		{ .id = 9, .size = SZ_8K, .hva = HVA, .gpa = -(u64)SZ_4K, .fd = -1 },
		{ .id = 9, .size = -(u64)SZ_4K, .hva = HVA, .gpa = SZ_8K, .fd = -1 },
		{ .id = 9, .size = -(u64)SZ_4K, .hva = 0, .gpa = 0, .fd = -1 },
		/* no user addresses */
		{ .id = 9, .size = SZ_4K, .hva = 0xffff888000000000, .fd = -1 },
		{ .id = 9, .size = SZ_4K, .hva = -(u64)SZ_4K, .fd = -1 },
		{ .id = 9, .size = SZ_8K, .hva = -(u64)SZ_4K, .fd = -1 },
		{ .id = 9, .size = SZ_4K, .hva = 1ull << 63, .fd = -1 },
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

	/* The first page of a region, its last, inside, the same, around, and both regions. */
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

/* How many nodes are there from the root to the deepest one, both counted? */
static unsigned int regions_height(const struct rb_root *root)
{
	unsigned int height = 0, depth;
	struct rb_node *node, *at;

	for (node = rb_first(root); node; node = rb_next(node)) {
		depth = 0;
		for (at = node; at; at = rb_parent(at))
			depth++;
		height = max(height, depth);
	}
	return height;
}

/* A lookup comes by @most nodes at most, in each of the trees. */
static void regions_expect_height(struct kunit *test, unsigned int most)
{
	struct memory_vm *m = test->priv;
	struct axv_regions *regions = &m->vm.regions;

	KUNIT_EXPECT_GE(test, most, regions_height(&regions->by_gpa[0]));
	KUNIT_EXPECT_GE(test, most, regions_height(&regions->by_gpa[1]));
	KUNIT_EXPECT_GE(test, most, regions_height(&regions->by_hva.rb_root));
}

/* All trees have the same @nr regions, each in its own order. */
static void regions_expect_order(struct kunit *test, u32 nr)
{
	struct memory_vm *m = test->priv;
	struct axv_regions *regions = &m->vm.regions;
	struct axv_region_node *node;
	struct rb_node *a, *b;
	unsigned long from = 0;
	u64 end = 0;
	u32 n = 0;

	KUNIT_EXPECT_EQ(test, nr, regions->nr);
	b = rb_first(&regions->by_gpa[1]);
	for (a = rb_first(&regions->by_gpa[0]); a; a = rb_next(a), b = rb_next(b)) {
		node = container_of(a, struct axv_region_node, by_gpa[0]);
		KUNIT_ASSERT_PTR_EQ(test, b, &node->by_gpa[1]);
		KUNIT_ASSERT_PTR_EQ(test, node, xa_load(&regions->by_id, node->region.id));
		KUNIT_ASSERT_LE(test, end, node->region.gpa);
		end = node->region.gpa + node->region.size;
		n++;
	}
	KUNIT_EXPECT_PTR_EQ(test, NULL, b);
	KUNIT_EXPECT_EQ(test, nr, n);
	for (n = 0, a = rb_first_cached(&regions->by_hva); a; a = rb_next(a), n++) {
		node = container_of(a, struct axv_region_node, by_hva.rb);
		KUNIT_ASSERT_LE(test, from, node->region.hva);
		from = node->region.hva;
	}
	KUNIT_EXPECT_EQ(test, nr, n);
}

/*
 * Set a region, and count how many other regions' nodes that has changed.
 */
static unsigned int regions_written(struct kunit *test, struct axv_region_node *before,
				    u32 id, u64 gpa, u64 size, unsigned long hva)
{
	struct memory_vm *m = test->priv;
	struct axv_region_node *node;
	unsigned int written = 0;
	unsigned long index;

	xa_for_each(&m->vm.regions.by_id, index, node)
		before[index] = *node;
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, id, 0, gpa, size, hva));
	xa_for_each(&m->vm.regions.by_id, index, node)
		written += index != id &&
			   memcmp(&before[index], node, offsetof(typeof(*node), rcu)) != 0;
	return written;
}

#define MANY(i)		((i) * 18503u % AXV_MAX_REGIONS)	/* all ids, out of order */
#define MANY_GPA(i)	((u64)(i) * SZ_8K)
#define MANY_HVA(i)	(HVA + (u64)MANY(i) * SZ_4K)
#define MANY_HEIGHT	(2 * 16)	/* of a red-black tree of 2^16 - 1 nodes */

/* With as many regions as there may be, a lookup or a change still looks at few nodes. */
static void regions_test_many(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	struct axv_region_node *before;
	u32 i, id;

	for (i = 0; i < AXV_MAX_REGIONS; i++) {
		id = MANY(i);
		KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, id, 0, MANY_GPA(id), SZ_4K,
						       MANY_HVA(id)));
		if (i % 512 == 0)
			cond_resched();
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, memory_vm_set(test, AXV_MAX_REGIONS, 0, TOP - SZ_4K,
						     SZ_4K, HVA));
	regions_expect_order(test, AXV_MAX_REGIONS);
	regions_expect_height(test, MANY_HEIGHT);
	for (i = 0; i < AXV_MAX_REGIONS; i += 7) {
		regions_expect(test, MANY_GPA(i), true, i);
		regions_expect(test, MANY_GPA(i) + SZ_4K, false, 0);
	}

	before = kvcalloc(AXV_MAX_REGIONS, sizeof(*before), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	/* A region is moved in the guest and in the VMM, deleted, and added. */
	for (i = 1; i < 3; i++) {
		id = MANY(i * 9973);
		KUNIT_EXPECT_GE(test, 4u * MANY_HEIGHT,
				regions_written(test, before, id, MANY_GPA(id) + SZ_4K,
						SZ_4K, MANY_HVA(id + 1)));
		KUNIT_EXPECT_GE(test, 4u * MANY_HEIGHT,
				regions_written(test, before, id, 0, 0, 0));
		KUNIT_EXPECT_GE(test, 4u * MANY_HEIGHT,
				regions_written(test, before, id, MANY_GPA(id), SZ_4K,
						MANY_HVA(id)));
	}
	kvfree(before);

	/* Some regions move by one page, others are deleted. */
	for (i = 0; i < AXV_MAX_REGIONS; i += 8) {
		KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, i, 0, MANY_GPA(i) + SZ_4K, SZ_4K,
						       MANY_HVA(i)));
		KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, i + 1, 0, 0, 0, 0));
	}
	regions_expect_order(test, AXV_MAX_REGIONS - AXV_MAX_REGIONS / 8);
	regions_expect_height(test, MANY_HEIGHT);
	for (i = 0; i < AXV_MAX_REGIONS; i += 56) {
		regions_expect(test, MANY_GPA(i), false, 0);
		regions_expect(test, MANY_GPA(i) + SZ_4K, true, i);
		regions_expect(test, MANY_GPA(i + 1), false, 0);
		regions_expect(test, MANY_GPA(i + 2), true, i + 2);
	}
	KUNIT_EXPECT_EQ(test, 0, m->flushes);
}

/* A range of the VMM's addresses is found in all regions that have some of it. */
static void regions_test_by_hva(struct kunit *test)
{
	static const struct {
		unsigned long start, last;
		u32 ids;	/* bit n: region n has some of it */
	} cases[] = {
		{ 0, HVA - 1, 0 },
		{ 0, HVA, BIT(0) | BIT(4) },
		{ HVA + SZ_4K - 1, HVA + SZ_4K - 1, BIT(0) | BIT(4) },
		{ HVA + SZ_4K, HVA + SZ_4K, BIT(1) | BIT(4) },
		{ HVA + SZ_8K - 1, HVA + SZ_8K, BIT(1) | BIT(4) },
		{ HVA + SZ_8K, HVA + SZ_16K - 1, BIT(4) },
		{ HVA + SZ_16K, HVA + SZ_1M - 1, 0 },
		{ HVA + SZ_16K - 1, HVA + SZ_1M, BIT(2) | BIT(3) | BIT(4) },
		{ HVA + SZ_1M, HVA + SZ_1M, BIT(2) | BIT(3) },
		{ 0, ULONG_MAX, BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(4) },
		{ HVA + 1, HVA, 0 },
	};
	static const unsigned long at[][2] = {
		{ HVA, SZ_4K }, { HVA + SZ_4K, SZ_4K }, { HVA + SZ_1M, SZ_8K },
		{ HVA + SZ_1M, SZ_8K }, { HVA, SZ_16K },
	};
	struct memory_vm *m = test->priv;
	struct axv_region_node *node;
	unsigned int i;
	u32 ids;

	for (i = 0; i < ARRAY_SIZE(at); i++)
		KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, i, 0, i * SZ_1M, at[i][1],
						       at[i][0]));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ids = 0;
		write_lock(&m->vm.mmu_lock);
		axv_for_each_region_at(node, &m->vm, cases[i].start, cases[i].last)
			ids |= BIT(node->region.id);
		write_unlock(&m->vm.mmu_lock);
		KUNIT_EXPECT_EQ_MSG(test, cases[i].ids, ids, "case %u", i);
	}
}

/* One thread changes regions while another one looks them up. */
#define RACE_CHANGES	3000

static int regions_changer(void *data)
{
	struct kunit *test = data;
	unsigned int i;
	int err = 0;

	for (i = 1; i <= RACE_CHANGES && !err; i++) {
		/* Region 1 moves by half of its size, among neighbours that come and go. */
		err = memory_vm_set(test, 1, 0, SZ_1M + i % 2 * SZ_4K, SZ_8K,
				    HVA + i * SZ_4K) ?:
		      memory_vm_set(test, 2 + i % 16, 0, SZ_2M + i % 16 * SZ_4K,
				    i / 16 % 2 ? 0 : SZ_4K, HVA);
		cond_resched();
	}
	return err;
}

/* Is this region 1 as it is after @changes changes, or after more? */
static bool regions_is_moved(const struct axv_mem_region *region, unsigned long changes)
{
	unsigned long i = (region->hva - HVA) / SZ_4K;

	return region->id == 1 && region->size == SZ_8K && i >= (changes + 1) / 2 &&
	       i <= RACE_CHANGES && region->gpa == SZ_1M + i % 2 * SZ_4K;
}

static void regions_test_race(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long first, seq, lost = 0, wrong = 0;
	struct axv_mem_region found;
	struct task_struct *changer;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, 0, SZ_4K, HVA));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, SZ_1M, SZ_8K, HVA));
	/* The first neighbours to go. */
	for (i = 0; i < 16; i++)
		KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 2 + i, 0, SZ_2M + i * SZ_4K,
						       SZ_4K, HVA));
	first = axv_memory_seq(&m->vm);
	changer = kthread_run(regions_changer, test, "axv-regions");
	KUNIT_ASSERT_FALSE(test, IS_ERR(changer));
	get_task_struct(changer);
	while (!READ_ONCE(changer->exit_state)) {
		/*
		 * Look for the page that region 1 always has, and for a region that never
		 * moves.
		 */
		seq = axv_memory_seq(&m->vm);
		if (!axv_find_region(&m->vm, SZ_1M + SZ_4K, &found))
			lost++;
		else if (!regions_is_moved(&found, seq - first))
			wrong++;
		if (!axv_find_region(&m->vm, 0, &found) || found.id)
			lost++;
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, 0, kthread_stop(changer));
	put_task_struct(changer);
	KUNIT_EXPECT_EQ(test, 0, lost);
	KUNIT_EXPECT_EQ(test, 0, wrong);
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

	/* other flags: what is mapped stays, to be read */
	seq = m->vm.mmu_seq;
	KUNIT_EXPECT_EQ(test, 0,
			memory_vm_set(test, 2, AXV_REGION_READONLY, SZ_2M, SZ_64K, HVA));
	KUNIT_EXPECT_EQ(test, 2, m->flushes);
	KUNIT_EXPECT_NE(test, seq, m->vm.mmu_seq);
	KUNIT_EXPECT_EQ(test, 1, memory_vm_leaf(m, SZ_2M).level);
	KUNIT_EXPECT_EQ(test, RWX & ~AXV_S2_WRITE, memory_vm_leaf(m, SZ_2M).rights);
	KUNIT_EXPECT_EQ(test, RWX & ~AXV_S2_WRITE,
			memory_vm_leaf(m, SZ_2M + SZ_64K - SZ_4K).rights);
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
	KUNIT_EXPECT_EQ(test, 0, m->vm.regions.nr);
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
	KUNIT_EXPECT_EQ(test, 0, m->vm.regions.nr);
}

/* ---- the dirty log ------------------------------------------------------ */

#define LOG_PAGES	150	/* two words and a bit */

static void regions_dirty(struct kunit *test, u64 page)
{
	struct memory_vm *m = test->priv;
	u64 gpa = SZ_1G + page * SZ_4K;
	struct axv_mem_region region;
	struct axv_log *lacking;

	regions_touch(test, gpa);
	KUNIT_ASSERT_TRUE(test, axv_find_region(&m->vm, gpa, &region));
	write_lock(&m->vm.mmu_lock);
	lacking = axv_log_lacking(&m->vm, &region, gpa);
	if (lacking) {
		write_unlock(&m->vm.mmu_lock);
		KUNIT_ASSERT_EQ(test, 0, axv_log_extend(lacking, page));
		write_lock(&m->vm.mmu_lock);
	}
	axv_mark_dirty(&m->vm, &region, gpa);
	write_unlock(&m->vm.mmu_lock);
}

static unsigned int regions_log_chunks(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	struct axv_mem_region region;
	unsigned int chunks = 0;
	unsigned long index;
	void *chunk;

	KUNIT_ASSERT_TRUE(test, axv_find_region(&m->vm, SZ_1G, &region));
	xa_for_each(&region.log->chunks, index, chunk)
		chunks++;
	return chunks;
}

static bool regions_writable(struct kunit *test, u64 page)
{
	return memory_vm_leaf(test->priv, SZ_1G + page * SZ_4K).rights & AXV_S2_WRITE;
}

static void regions_test_log(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long bits[3];
	unsigned int flushes;

	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 7, AXV_REGION_LOG_DIRTY, SZ_1G,
				      LOG_PAGES * SZ_4K, HVA));
	regions_dirty(test, 0);
	regions_dirty(test, 64);
	regions_dirty(test, 130);
	regions_dirty(test, 149);
	regions_touch(test, SZ_1G + SZ_4K);

	/* A part is reported, cleared, and caught anew; the rest is as it was. */
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 64, 64, bits, false));
	KUNIT_EXPECT_EQ(test, 1ul, bits[0]);
	/* There is one more flush for each time that the lock was let go for a reschedule. */
	flushes = m->flushes;
	KUNIT_EXPECT_LE(test, 1u, flushes);
	KUNIT_EXPECT_FALSE(test, regions_writable(test, 64));
	KUNIT_EXPECT_TRUE(test, regions_writable(test, 0));
	KUNIT_EXPECT_TRUE(test, regions_writable(test, 130));

	/* All of it is read; what was reported before is clean. */
	memset(bits, 0xff, sizeof(bits));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(0), bits[0]);
	KUNIT_EXPECT_EQ(test, 0ul, bits[1]);
	KUNIT_EXPECT_EQ(test, BIT(130 - 128) | BIT(149 - 128), bits[2]);
	KUNIT_EXPECT_LT(test, flushes, m->flushes);
	flushes = m->flushes;
	KUNIT_EXPECT_FALSE(test, regions_writable(test, 0));
	KUNIT_EXPECT_FALSE(test, regions_writable(test, 149));

	/* If nothing was written, nothing is flushed. */
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits, false));
	KUNIT_EXPECT_EQ(test, 0ul, bits[0] | bits[1] | bits[2]);
	KUNIT_EXPECT_EQ(test, flushes, m->flushes);

	/* Bits are given back, and others were written meanwhile: both are reported. */
	bits[1] = BIT(3);
	bits[2] = BIT(21);
	regions_dirty(test, 66);
	axv_put_dirty(&m->vm, 7, 0, LOG_PAGES, bits);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 64, LOG_PAGES - 64, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(2) | BIT(3), bits[0]);
	KUNIT_EXPECT_EQ(test, BIT(21), bits[1]);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, 0, bits, false));
}

/* Reading the log with keep changes nothing, and only the named pages are cleared. */
static void regions_test_log_clear(struct kunit *test)
{
	static const u8 written[] = { 0, 1, 2, 63, 64, 130, 131, 149 };
	struct memory_vm *m = test->priv;
	unsigned long bits[3], clear[3];
	unsigned int i, flushes;

	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 7, AXV_REGION_LOG_DIRTY, SZ_1G,
				      LOG_PAGES * SZ_4K, HVA));
	for (i = 0; i < ARRAY_SIZE(written); i++)
		regions_dirty(test, written[i]);

	for (i = 0; i < 2; i++) {
		memset(bits, 0xff, sizeof(bits));
		KUNIT_EXPECT_EQ(test, 0,
				axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits, true));
		KUNIT_EXPECT_EQ(test, BIT(0) | BIT(1) | BIT(2) | BIT(63), bits[0]);
		KUNIT_EXPECT_EQ(test, BIT(0), bits[1]);
		KUNIT_EXPECT_EQ(test, BIT(2) | BIT(3) | BIT(149 - 128), bits[2]);
	}
	KUNIT_EXPECT_EQ(test, 0, m->flushes);
	KUNIT_EXPECT_TRUE(test, regions_writable(test, 1));

	/*
	 * Clear pages around one that stays dirty, a page that is clean already, and one
	 * more.
	 */
	clear[0] = BIT(0) | BIT(2) | BIT(63);
	clear[1] = BIT(7);
	clear[2] = BIT(3);
	KUNIT_EXPECT_EQ(test, 0, axv_clear_dirty(&m->vm, 7, 0, LOG_PAGES, clear));
	flushes = m->flushes;
	KUNIT_EXPECT_LE(test, 1u, flushes);
	KUNIT_EXPECT_EQ(test, BIT(0) | BIT(2) | BIT(63), clear[0]);
	for (i = 0; i < ARRAY_SIZE(written); i++) {
		bool cleared = clear[written[i] / 64] & BIT(written[i] % 64);

		KUNIT_EXPECT_EQ_MSG(test, !cleared, regions_writable(test, written[i]),
				    "page %u", written[i]);
	}

	/* Clearing a page that is clean already flushes nothing. */
	memset(clear, 0, sizeof(clear));
	clear[0] = BIT(0) | BIT(5);
	KUNIT_EXPECT_EQ(test, 0, axv_clear_dirty(&m->vm, 7, 0, LOG_PAGES, clear));
	KUNIT_EXPECT_EQ(test, flushes, m->flushes);

	/* Clear a part of the region: bit 0 is the first page of the part. */
	clear[0] = ~0ul;
	KUNIT_EXPECT_EQ(test, 0, axv_clear_dirty(&m->vm, 7, 64, 64, clear));
	KUNIT_EXPECT_FALSE(test, regions_writable(test, 64));
	/* A bit of a page beyond the region: nothing is cleared. */
	clear[0] = BIT(130 - 128) | BIT(LOG_PAGES - 128);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			axv_clear_dirty(&m->vm, 7, 128, LOG_PAGES - 128, clear));

	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(1), bits[0]);
	KUNIT_EXPECT_EQ(test, 0ul, bits[1]);
	KUNIT_EXPECT_EQ(test, BIT(2) | BIT(149 - 128), bits[2]);
}

/* A log costs memory only where something was written. */
static void regions_test_log_sparse(struct kunit *test)
{
	const u64 pages = BIT_ULL(46 - PAGE_SHIFT), chunk = PAGE_SIZE * 8;
	struct memory_vm *m = test->priv;
	unsigned long bits[2];

	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 7, AXV_REGION_LOG_DIRTY, SZ_1G,
				      pages * SZ_4K, SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, regions_log_chunks(test));
	regions_dirty(test, chunk - 1);
	KUNIT_EXPECT_EQ(test, 1, regions_log_chunks(test));
	regions_dirty(test, chunk);
	regions_dirty(test, chunk + 1);
	regions_dirty(test, pages - 1);
	KUNIT_EXPECT_EQ(test, 3, regions_log_chunks(test));

	/* A report may reach from one chunk into the next, and allocates nothing. */
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, chunk - 64, 128, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(63), bits[0]);
	KUNIT_EXPECT_EQ(test, BIT(0) | BIT(1), bits[1]);
	axv_put_dirty(&m->vm, 7, chunk - 64, 128, bits);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, chunk, 64, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(0) | BIT(1), bits[0]);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, pages - 64, 64, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(63), bits[0]);
	KUNIT_EXPECT_EQ(test, 3, regions_log_chunks(test));
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
						  bad[i].nr, bits, false),
				    "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    axv_get_dirty(&m->vm, 7, bad[i].first,
						  bad[i].nr, bits, true),
				    "case %u", i);
		axv_put_dirty(&m->vm, 7, bad[i].first, bad[i].nr, bits);
		/* axv_clear_dirty() reads as much of the bitmap as its caller has checked. */
		if (bad[i].nr <= LOG_PAGES + 64)
			KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
					    axv_clear_dirty(&m->vm, 7, bad[i].first,
							    bad[i].nr, bits),
					    "case %u", i);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_get_dirty(&m->vm, 8, 0, 64, bits, false));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_get_dirty(&m->vm, 9, 0, 64, bits, false));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_clear_dirty(&m->vm, 8, 0, 64, bits));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_clear_dirty(&m->vm, 9, 0, 64, bits));
	axv_put_dirty(&m->vm, 8, 0, 64, bits);
	axv_put_dirty(&m->vm, 9, 0, 64, bits);

	KUNIT_EXPECT_EQ(test, 0, m->flushes);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, 64, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(5), bits[0]);
}

/* Dirty pages that were not reported yet survive a move and a change of flags. */
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
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(70 - 64), bits[1]);

	/* With other memory the log begins clean, and so does a log that was off. */
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, log, SZ_1G, size, HVA));
	regions_dirty(test, 70);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, log, SZ_1G, size, HVA + SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits, false));
	KUNIT_EXPECT_EQ(test, 0ul, bits[0] | bits[1] | bits[2]);
	regions_dirty(test, 71);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, 0, SZ_1G, size, HVA + SZ_4K));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits, false));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 7, log, SZ_1G, size, HVA + SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 7, 0, LOG_PAGES, bits, false));
	KUNIT_EXPECT_EQ(test, 0ul, bits[0] | bits[1] | bits[2]);
}

static struct kunit_case regions_cases[] = {
	KUNIT_CASE(regions_test_refused),
	KUNIT_CASE(regions_test_widest),
	KUNIT_CASE(regions_test_overlap),
	KUNIT_CASE(regions_test_many),
	KUNIT_CASE(regions_test_by_hva),
	KUNIT_CASE(regions_test_race),
	KUNIT_CASE(regions_test_change),
	KUNIT_CASE(regions_test_dead),
	KUNIT_CASE(regions_test_log),
	KUNIT_CASE(regions_test_log_clear),
	KUNIT_CASE(regions_test_log_sparse),
	KUNIT_CASE(regions_test_log_refused),
	KUNIT_CASE(regions_test_log_kept),
	{}
};

axv_test_suite("axvcpu-regions", regions_cases, MEMORY_VM_FRAME);
