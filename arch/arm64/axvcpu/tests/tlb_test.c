// SPDX-License-Identifier: GPL-2.0
/*
 * What a CPU's TLB has to forget at an entry: on this CPU, with VMIDs of the test's own.
 */
#include <linux/irqflags.h>

#include "subject.h"

static struct axv_arm64_host test_host;

#define axv_arm64_host		test_host
#define axv_arm64_tlb_init	test_tlb_init
#define axv_arm64_tlb_exit	test_tlb_exit
#define axv_arm64_tlb_reset_cpu	test_reset_cpu
#define axv_arm64_tlb_create	test_create
#define axv_arm64_tlb_destroy	test_destroy
#define axv_arm64_use_vmid	test_use_vmid
#define axv_arm64_tlb_note	test_note
#define axv_arm64_flush_stage2	test_flush_stage2
#undef __init
#define __init

static int test_tlb_init(void);
static void test_tlb_exit(void);
static void test_reset_cpu(void);
static int test_create(struct axv_arm64_vm *vm);
static void test_destroy(struct axv_arm64_vm *vm);
static void __maybe_unused test_flush_stage2(struct axv_vm *vm);

#include "../tlb.c"

#define NR_VMS		2
#define NR_VCPUS	2	/* of each */

/**
 * struct tlb_test - VMs and their vCPUs
 * @vm:		the id of each is its index plus 1
 * @v:		the serial of each is its index among all vCPUs plus 1
 */
struct tlb_test {
	struct axv_arm64_vm vm[NR_VMS];
	struct axv_arm64_vcpu v[NR_VMS][NR_VCPUS];
};

/* Begin with a CPU of whose TLB nothing is known, as when it is switched on. */
static void begin(struct kunit *test, u32 vmid_bits)
{
	struct tlb_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	test_host.vmid_bits = vmid_bits;
	test_host.vhe = false;
	KUNIT_ASSERT_EQ(test, 0, test_tlb_init());
	for (i = 0; i < NR_VMS; i++) {
		t->vm[i].base.id = i + 1;
		KUNIT_ASSERT_EQ(test, 0, test_create(&t->vm[i]));
		for (j = 0; j < NR_VCPUS; j++) {
			t->v[i][j].base.vm = &t->vm[i].base;
			t->v[i][j].serial = 1 + i * NR_VCPUS + j;
		}
	}
	/* The test stays on one CPU, since the notes are about that CPU. */
	migrate_disable();
	local_irq_disable();
	test_reset_cpu();
	local_irq_enable();
}

static void finish(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	unsigned int i;

	migrate_enable();
	for (i = 0; i < NR_VMS; i++)
		test_destroy(&t->vm[i]);
	test_tlb_exit();
}

/* Load the guest's registers, without an entry. */
static void load(struct tlb_test *t, unsigned int vm)
{
	local_irq_disable();
	axv_arm64_vttbr(&t->vm[vm]);
	local_irq_enable();
}

/* Load the guest's registers and enter it.  Returns what the TLB has to forget. */
static unsigned int enter(struct tlb_test *t, unsigned int vm, unsigned int vcpu)
{
	unsigned int stale;

	local_irq_disable();
	axv_arm64_vttbr(&t->vm[vm]);
	stale = axv_arm64_tlb_stale(&t->v[vm][vcpu]);
	local_irq_enable();
	return stale;
}

static void tlb_test_own_vmids(struct kunit *test)
{
	struct tlb_test *t;

	begin(test, 8);
	t = test->priv;
	KUNIT_EXPECT_EQ(test, AXV_TLB_ALL, enter(t, 0, 0));
	KUNIT_EXPECT_EQ(test, AXV_TLB_NOTHING, enter(t, 0, 0));
	/* Another VM has another VMID, and leaves the first one's alone. */
	KUNIT_EXPECT_EQ(test, AXV_TLB_VM, enter(t, 1, 0));
	KUNIT_EXPECT_EQ(test, AXV_TLB_NOTHING, enter(t, 0, 0));
	KUNIT_EXPECT_EQ(test, AXV_TLB_NOTHING, enter(t, 1, 0));
	/* Another vCPU has other tables of its own. */
	KUNIT_EXPECT_EQ(test, AXV_TLB_STAGE1, enter(t, 0, 1));
	KUNIT_EXPECT_EQ(test, AXV_TLB_STAGE1, enter(t, 0, 0));
	/* The VM's mappings have changed; the same vCPU, and another one at once. */
	atomic64_inc(&t->vm[0].base.tlb_gen);
	KUNIT_EXPECT_EQ(test, AXV_TLB_VM, enter(t, 0, 0));
	atomic64_inc(&t->vm[0].base.tlb_gen);
	KUNIT_EXPECT_EQ(test, AXV_TLB_VM, enter(t, 0, 1));
	KUNIT_EXPECT_EQ(test, AXV_TLB_NOTHING, enter(t, 1, 0));
	KUNIT_EXPECT_EQ(test, 6, t->v[0][0].base.stats.flushes +
				 t->v[0][1].base.stats.flushes +
				 t->v[1][0].base.stats.flushes);
	finish(test);
}

/* A CPU that has to forget all does so even if the vCPU seems to be known there. */
static void tlb_test_all_before_any(struct kunit *test)
{
	struct tlb_test *t;

	begin(test, 8);
	t = test->priv;
	enter(t, 0, 0);
	enter(t, 1, 0);
	local_irq_disable();
	test_reset_cpu();
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, AXV_TLB_ALL, enter(t, 0, 0));
	KUNIT_EXPECT_EQ(test, AXV_TLB_NOTHING, enter(t, 0, 0));
	/* The TLB has forgotten this VM, too, so its note may still be good. */
	KUNIT_EXPECT_EQ(test, AXV_TLB_NOTHING, enter(t, 1, 0));

	/* The VM that is loaded first need not be entered first. */
	local_irq_disable();
	test_reset_cpu();
	local_irq_enable();
	load(t, 0);
	KUNIT_EXPECT_EQ(test, AXV_TLB_ALL, enter(t, 1, 0));
	KUNIT_EXPECT_EQ(test, AXV_TLB_NOTHING, enter(t, 1, 0));
	load(t, 0);
	KUNIT_EXPECT_NE(test, AXV_TLB_ALL, enter(t, 0, 0));
	finish(test);
}

static void tlb_test_shared_vmid(struct kunit *test)
{
	struct tlb_test *t;

	begin(test, 0);
	t = test->priv;
	KUNIT_EXPECT_EQ(test, AXV_TLB_OTHER, enter(t, 0, 0));
	KUNIT_EXPECT_EQ(test, AXV_TLB_NOTHING, enter(t, 0, 0));
	KUNIT_EXPECT_EQ(test, AXV_TLB_STAGE1, enter(t, 0, 1));
	KUNIT_EXPECT_EQ(test, AXV_TLB_OTHER, enter(t, 1, 0));
	KUNIT_EXPECT_EQ(test, AXV_TLB_OTHER, enter(t, 0, 1));
	atomic64_inc(&t->vm[0].base.tlb_gen);
	KUNIT_EXPECT_EQ(test, AXV_TLB_VM, enter(t, 0, 1));
	finish(test);
}

static struct kunit_case tlb_cases[] = {
	KUNIT_CASE(tlb_test_own_vmids),
	KUNIT_CASE(tlb_test_all_before_any),
	KUNIT_CASE(tlb_test_shared_vmid),
	{}
};

axv_test_suite("axvcpu-arm64-tlb", tlb_cases);
