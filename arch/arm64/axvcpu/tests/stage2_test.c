// SPDX-License-Identifier: GPL-2.0
/*
 * The format of the second stage and VTCR_EL2, for hosts of every width of addresses; and
 * which changes of a guest's caches unmap its memory.
 */
#include <linux/init.h>
#include <linux/io.h>
#include <linux/sizes.h>

#include <axvcpu/stage2.h>

#include "subject.h"

static void test_forget(struct axv_vm *vm);
static u64 test_pa_size(void);

static struct axv_arm64_host test_host;

#define axv_arm64_host		test_host
#define axv_arm64_pa_size	test_pa_size
#define axv_memory_forget	test_forget
#define axv_arm64_s2_init	test_s2_init
#define axv_arm64_ipa_bits	test_ipa_bits
#define axv_arm64_s2_format	test_s2_format
#define axv_arm64_vtcr		test_vtcr
#define axv_arm64_clean		test_clean
#define axv_arm64_sync_memory	test_sync_memory
#define axv_arm64_clean_memory	test_clean_memory
#define axv_arm64_memory_reset	test_memory_reset
#define axv_arm64_caches_changed	test_caches_changed
#define axv_arm64_set_way	test_set_way
#define axv_arm64_watch_caches	test_watch_caches
#undef __init
#define __init
#undef __ro_after_init
#define __ro_after_init

static void test_s2_init(void);
static unsigned int test_ipa_bits(void);
static const struct axv_s2_format *test_s2_format(unsigned int ipa_bits);
static u64 test_vtcr(const struct axv_s2_format *fmt);
static void test_clean(const void *start, size_t size);
static void __maybe_unused test_sync_memory(const phys_addr_t *pa, unsigned int nr, u64 size,
					    u32 what);
static void __maybe_unused test_clean_memory(phys_addr_t pa, u64 size);
static void test_memory_reset(struct axv_vm *vm);
static void test_caches_changed(struct axv_arm64_vcpu *v, u64 old, u64 new);
static void test_set_way(struct axv_arm64_vcpu *v);
static void test_watch_caches(struct axv_arm64_vcpu *v, bool watch);

#include "../stage2.c"

#define RWX	(AXV_S2_READ | AXV_S2_WRITE | AXV_S2_EXEC)

static unsigned int forgotten;

static void test_forget(struct axv_vm *vm)
{
	forgotten++;
}

static u64 test_pa_size(void)
{
	return 5;
}

static void host_has(unsigned int phys_bits, bool fwb)
{
	const struct axv_s2_format fresh = { S2_FORMAT };
	unsigned int i;

	test_host.phys_bits = phys_bits;
	test_host.fwb = fwb;
	test_host.vmid_bits = 0;
	for (i = 0; i < ARRAY_SIZE(three_levels); i++)
		three_levels[i] = fresh;
	four_levels = fresh;
	test_s2_init();
	forgotten = 0;
}

/* T0SZ, SL0 and the levels of the walk have to agree (Arm ARM, VTCR_EL2). */
static void stage2_test_vtcr(struct kunit *test)
{
	static const u8 hosts[] = { 36, 40, 42, 44, 48 };
	unsigned int i, bits;

	for (i = 0; i < ARRAY_SIZE(hosts); i++) {
		host_has(hosts[i], false);
		KUNIT_EXPECT_EQ(test, hosts[i], test_ipa_bits());
		for (bits = 32; bits <= test_ipa_bits(); bits++) {
			const struct axv_s2_format *fmt = test_s2_format(bits);
			u64 vtcr = test_vtcr(fmt);

			KUNIT_EXPECT_GE(test, fmt->ipa_bits, bits);
			KUNIT_EXPECT_LE(test, fmt->ipa_bits, hosts[i]);
			KUNIT_EXPECT_EQ(test, 64 - fmt->ipa_bits, vtcr & 0x3f);
			KUNIT_EXPECT_EQ(test, fmt->levels - 2, vtcr >> 6 & 3);
			/*
			 * For more than one table translates, a walk begins with up to 16
			 * adjacent tables.
			 */
			KUNIT_EXPECT_LE(test, fmt->ipa_bits,
					12 + 9 * fmt->levels + fmt->root_order);
			KUNIT_EXPECT_LE(test, fmt->root_order, 4);
			/* Level 0 takes 44 bits of physical addresses. */
			if (fmt->levels == 4)
				KUNIT_EXPECT_GE(test, hosts[i], 44);
			KUNIT_EXPECT_EQ(test, 0, vtcr >> 14 & 3);	/* TG0: 4K */
			KUNIT_EXPECT_EQ(test, 1, vtcr >> 8 & 3);	/* IRGN0 */
			KUNIT_EXPECT_EQ(test, 1, vtcr >> 10 & 3);	/* ORGN0 */
			KUNIT_EXPECT_EQ(test, 3, vtcr >> 12 & 3);	/* SH0 */
			KUNIT_EXPECT_EQ(test, 5, vtcr >> 16 & 7);	/* PS */
			KUNIT_EXPECT_EQ(test, 1, vtcr >> 31 & 1);	/* RES1 */
			/*
			 * HA, HD: the hardware sets no accessed and dirty flags, which
			 * nothing would read.
			 */
			KUNIT_EXPECT_EQ(test, 0, vtcr >> 21 & 3);
		}
	}

	host_has(48, false);
	test_host.vmid_bits = 8;
	KUNIT_EXPECT_EQ(test, 0, test_vtcr(test_s2_format(48)) & BIT(19));
	test_host.vmid_bits = 16;
	KUNIT_EXPECT_EQ(test, BIT(19), test_vtcr(test_s2_format(48)) & BIT(19));
}

/* ---- descriptors ---------------------------------------------------------- */

struct table {
	struct axv_stage2 s2;
	struct axv_s2_cache cache;
};

static void table_init(struct kunit *test, struct table *t)
{
	host_has(48, false);
	t->cache = (struct axv_s2_cache){};
	KUNIT_ASSERT_EQ(test, 0, axv_s2_init(&t->s2, test_s2_format(39)));
}

static void table_exit(struct table *t)
{
	axv_s2_cache_drain(&t->cache);
	axv_s2_destroy(&t->s2);
}

/* Free tables that were cut off, as the module does after a flush. */
static void free_cut_off(struct table *t)
{
	LIST_HEAD(tables);

	axv_s2_detach(&t->s2, &tables);
	axv_s2_free(&t->s2, &tables, true);
}

/* Map memory.  Returns true if axv_s2_map() asked for a flush. */
static bool map(struct kunit *test, struct table *t, u64 ipa, u64 pa,
		unsigned int level, u32 rights)
{
	bool flush, any = false;
	int err;

	do {
		KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&t->cache, t->s2.fmt));
		err = axv_s2_map(&t->s2, &t->cache, ipa, pa, level, rights, &flush);
		any |= flush;
		free_cut_off(t);
	} while (err == -EAGAIN);
	KUNIT_EXPECT_EQ(test, 0, err);
	return any;
}

/* The entry at a level, found as by the processor's walk; 0 if the walk ends before. */
static u64 entry_at(struct table *t, u64 ipa, unsigned int level)
{
	u64 *table = phys_to_virt(t->s2.root);
	unsigned int at = t->s2.fmt->levels;

	for (;; at--) {
		u64 entry = table[ipa >> (12 + 9 * (at - 1)) & 511];

		if (at == level || (entry & 3) != 3)
			return at == level ? entry : 0;
		table = phys_to_virt(entry & GENMASK_ULL(47, 12));
	}
}

/*
 * Leaves of stage 2 (VMSAv8-64) are inner shareable, accessed and write-back; S2AP and XN
 * are as the rights.
 */
static void stage2_test_descriptors(struct kunit *test)
{
	static const struct {
		unsigned int level;
		u32 rights;
		u64 bits;
	} leaves[] = {
		{ 1, RWX, 0x3 | 3 << 6 },
		{ 1, AXV_S2_READ | AXV_S2_EXEC, 0x3 | 1 << 6 },
		{ 1, AXV_S2_READ | AXV_S2_WRITE, 0x3 | 3 << 6 | 2ull << 53 },
		{ 2, RWX, 0x1 | 3 << 6 },
		{ 2, AXV_S2_READ, 0x1 | 1 << 6 | 2ull << 53 },
	};
	struct table *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i, fwb;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (fwb = 0; fwb < 2; fwb++) {
		/* MemAttr: write-back; with FEAT_S2FWB, in its own encoding */
		u64 common = BIT(10) | 3 << 8 | (fwb ? 6 << 2 : 15 << 2);

		for (i = 0; i < ARRAY_SIZE(leaves); i++) {
			table_init(test, t);
			axv_s2_destroy(&t->s2);
			host_has(48, fwb);
			KUNIT_ASSERT_EQ(test, 0, axv_s2_init(&t->s2, test_s2_format(39)));
			map(test, t, SZ_1G, SZ_1G, leaves[i].level, leaves[i].rights);
			KUNIT_EXPECT_EQ_MSG(test, SZ_1G | common | leaves[i].bits,
					    entry_at(t, SZ_1G, leaves[i].level),
					    "leaf %u, fwb %u", i, fwb);
			table_exit(t);
		}
	}
}

/* Each change tells whether a TLB may still hold the translation from before. */
static void stage2_test_flushes(struct kunit *test)
{
	struct table *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	bool young;

	KUNIT_ASSERT_NOT_NULL(test, t);
	table_init(test, t);
	KUNIT_EXPECT_TRUE(test, t->s2.fmt->break_before_make);
	/* No TLB holds an entry that was not there. */
	KUNIT_EXPECT_FALSE(test, map(test, t, 0, SZ_1G, 1, AXV_S2_READ));
	/* Another page in the same place: the entry is removed in between. */
	KUNIT_EXPECT_TRUE(test, map(test, t, 0, SZ_2G, 1, AXV_S2_READ));
	/* The same page once more: nothing changes. */
	KUNIT_EXPECT_FALSE(test, map(test, t, 0, SZ_2G, 1, AXV_S2_READ));
	/* A table of pages becomes a block, and a block a table of pages. */
	KUNIT_EXPECT_TRUE(test, map(test, t, 0, SZ_1G, 2, RWX));
	KUNIT_EXPECT_TRUE(test, map(test, t, 0, SZ_2G, 1, AXV_S2_READ));

	KUNIT_EXPECT_FALSE(test, map(test, t, SZ_1G, SZ_1G, 1, RWX));
	KUNIT_EXPECT_TRUE(test, axv_s2_write_protect(&t->s2, SZ_1G, SZ_4K));
	KUNIT_EXPECT_EQ(test, 1 << 6, entry_at(t, SZ_1G, 1) & 3 << 6);
	KUNIT_EXPECT_FALSE(test, axv_s2_write_protect(&t->s2, SZ_1G, SZ_4K));

	/* A TLB may hold an entry with the accessed flag, but none without. */
	KUNIT_EXPECT_TRUE(test, axv_s2_clear_young(&t->s2, SZ_1G, SZ_4K, &young));
	KUNIT_EXPECT_TRUE(test, young);
	KUNIT_EXPECT_EQ(test, 0, entry_at(t, SZ_1G, 1) & BIT(10));
	KUNIT_EXPECT_FALSE(test, map(test, t, SZ_1G, SZ_1G, 1, AXV_S2_READ | AXV_S2_EXEC));
	KUNIT_EXPECT_EQ(test, BIT(10), entry_at(t, SZ_1G, 1) & BIT(10));

	KUNIT_EXPECT_TRUE(test, axv_s2_unmap(&t->s2, SZ_1G, SZ_4K));
	KUNIT_EXPECT_FALSE(test, axv_s2_unmap(&t->s2, SZ_1G, SZ_4K));
	free_cut_off(t);
	table_exit(t);
}

/* ---- caches ----------------------------------------------------------------- */

#define M	BIT(0)
#define C	BIT(2)

static void stage2_test_caches(struct kunit *test)
{
	static const struct {
		u64 old, new;
		bool forgets, trap_after;
	} changes[] = {
		{ 0, 0, false, true },
		{ 0, M, false, true },
		{ 0, C, false, true },
		{ C, M, false, true },
		{ 0, M | C, true, false },
		{ M, M | C, true, false },
		{ M | C, M | C | BIT(12), false, false },
		{ M | C, M, true, true },
		{ M | C, 0, true, true },
	};
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		host_has(40, false);
		s->v.trap_caches = true;
		test_caches_changed(&s->v, changes[i].old, changes[i].new);
		KUNIT_EXPECT_EQ_MSG(test, changes[i].forgets, forgotten, "change %u", i);
		KUNIT_EXPECT_EQ(test, changes[i].trap_after, s->v.trap_caches);
	}
}

/* A reset unmaps memory where the guest might not see what the VMM writes next. */
static void stage2_test_reset(struct kunit *test)
{
	struct subject *s = test->priv;
	unsigned int fwb, care;

	for (fwb = 0; fwb < 2; fwb++) {
		for (care = 0; care < 2; care++) {
			host_has(40, fwb);
			icache_care = care;
			test_memory_reset(&s->vm.base);
			KUNIT_EXPECT_EQ(test, !fwb || care, forgotten);
		}
	}
}

static void stage2_test_set_way(struct kunit *test)
{
	struct subject *s = test->priv;

	host_has(40, false);
	s->v.trap_caches = false;
	test_set_way(&s->v);
	KUNIT_EXPECT_EQ(test, 1, forgotten);
	KUNIT_EXPECT_TRUE(test, s->v.trap_caches);
	/* Further operations belong to the same loop of the guest. */
	test_set_way(&s->v);
	KUNIT_EXPECT_EQ(test, 1, forgotten);
	test_caches_changed(&s->v, 0, M | C);
	test_set_way(&s->v);
	KUNIT_EXPECT_EQ(test, 3, forgotten);

	/* With FEAT_S2FWB, which forces write-back, nothing has to be done. */
	host_has(40, true);
	s->v.trap_caches = false;
	test_set_way(&s->v);
	KUNIT_EXPECT_EQ(test, 0, forgotten);
	KUNIT_EXPECT_FALSE(test, s->v.trap_caches);
}

/*
 * A vCPU may be saved on a host with FEAT_S2FWB and restored on one without, or the
 * reverse.
 */
static void stage2_test_watch(struct kunit *test)
{
	static const struct {
		bool fwb, on, watch, trap_after;
	} restores[] = {
		{ false, false, false, true },
		{ false, false, true, true },
		{ false, true, false, false },
		{ false, true, true, true },
		{ true, false, true, false },
		{ true, true, true, false },
	};
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(restores); i++) {
		host_has(40, restores[i].fwb);
		s->v.sys[AXV_SYS_SCTLR_EL1] = restores[i].on ? M | C : 0;
		test_watch_caches(&s->v, restores[i].watch);
		KUNIT_EXPECT_EQ_MSG(test, restores[i].trap_after, s->v.trap_caches,
				    "restore %u", i);
	}
}

static struct kunit_case stage2_cases[] = {
	KUNIT_CASE(stage2_test_vtcr),
	KUNIT_CASE(stage2_test_descriptors),
	KUNIT_CASE(stage2_test_flushes),
	KUNIT_CASE(stage2_test_caches),
	KUNIT_CASE(stage2_test_reset),
	KUNIT_CASE(stage2_test_set_way),
	KUNIT_CASE(stage2_test_watch),
	{}
};

axv_test_suite("axvcpu-arm64-stage2", stage2_cases, .init = subject_init);
