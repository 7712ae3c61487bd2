// SPDX-License-Identifier: GPL-2.0
/*
 * VMIDs, with a model of TLBs: a table of the VM whose translations a CPU has with a
 * VMID.
 */
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/minmax.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include <axvcpu/kunit.h>

#include "../vmid.h"

#define BITS		8	/* more than there are CPUs */
#define NR_VMIDS	BIT(BITS)
#define MAX_CPUS	8
#define NR_VMS		300

/**
 * struct vmid_test - VMIDs, and a model of the hardware
 * @ids:	VMIDs
 * @vm:		by VM: its VMID and generation
 * @tlb:	by CPU and VMID: a VM, counted from 1; 0: nothing
 * @now:	by CPU: the VMID it entered last; 0: none
 * @flushes:	how often a CPU forgot all
 */
struct vmid_test {
	struct axv_vmids ids;
	u64 vm[NR_VMS];
	unsigned int tlb[MAX_CPUS][NR_VMIDS];
	unsigned int now[MAX_CPUS];
	unsigned int flushes;
};

static unsigned int nr_cpus(void)
{
	return min_t(unsigned int, num_possible_cpus(), MAX_CPUS);
}

static int vmid_test_init(struct kunit *test)
{
	struct vmid_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_EQ(test, 0, axv_vmids_init(&t->ids, BITS));
	test->priv = t;
	return 0;
}

static void vmid_test_exit(struct kunit *test)
{
	struct vmid_test *t = test->priv;

	if (t)
		axv_vmids_destroy(&t->ids);
}

/*
 * Enter a VM.  The translations that the TLB has with its VMID must be its own.  Other
 * VMs that run must have other VMIDs; but a VM must have the same on all CPUs, since an
 * invalidation by one of its vCPUs goes to all CPUs.
 */
static unsigned int enter(struct kunit *test, unsigned int vm, unsigned int cpu)
{
	struct vmid_test *t = test->priv;
	unsigned int other, vmid;
	bool stale;

	local_irq_disable();
	vmid = axv_vmid_use(&t->ids, &t->vm[vm], cpu, &stale);
	local_irq_enable();
	KUNIT_ASSERT_TRUE(test, vmid && vmid < NR_VMIDS);
	if (stale) {
		memset(t->tlb[cpu], 0, sizeof(t->tlb[cpu]));
		t->flushes++;
	}
	if (t->tlb[cpu][vmid])
		KUNIT_EXPECT_EQ(test, t->tlb[cpu][vmid], vm + 1);
	t->tlb[cpu][vmid] = vm + 1;
	t->now[cpu] = vmid;

	for (other = 0; other < nr_cpus(); other++) {
		unsigned int its = t->now[other];

		if (its)
			KUNIT_EXPECT_EQ(test, its == vmid, t->tlb[other][its] == vm + 1);
	}
	return vmid;
}

static void vmid_test_generation(struct kunit *test)
{
	struct vmid_test *t = test->priv;
	unsigned int vm;

	for (vm = 0; vm < NR_VMIDS - 1; vm++)
		enter(test, vm, 0);
	/* All VMIDs are handed out, each once.  A VM that comes again still has its own. */
	enter(test, 0, 0);
	KUNIT_EXPECT_EQ(test, 0u, t->flushes);
	enter(test, vm, 0);
	KUNIT_EXPECT_EQ(test, 1u, t->flushes);
	enter(test, vm, 0);
	KUNIT_EXPECT_EQ(test, 1u, t->flushes);
}

static void vmid_test_running(struct kunit *test)
{
	struct vmid_test *t = test->priv;
	unsigned int vm, round, mine;

	KUNIT_ASSERT_GT(test, nr_cpus(), 1u);
	mine = enter(test, 0, 0);
	for (round = 0; round < 5; round++) {
		for (vm = 1; vm < NR_VMS; vm++)
			enter(test, vm, 1);
		/* VM 0 has run on CPU 0 all the while, so it keeps its VMID. */
		KUNIT_EXPECT_EQ(test, mine, enter(test, 0, round % 2));
		KUNIT_EXPECT_EQ(test, mine, enter(test, 0, 0));
	}
	KUNIT_EXPECT_GT(test, t->flushes, 5u);
}

static void vmid_test_forgotten(struct kunit *test)
{
	struct vmid_test *t = test->priv;

	enter(test, 0, 0);
	local_irq_disable();
	axv_vmids_forget_cpu(&t->ids, 0);
	local_irq_enable();
	enter(test, 0, 0);
	KUNIT_EXPECT_EQ(test, 1u, t->flushes);
	enter(test, 0, 0);
	KUNIT_EXPECT_EQ(test, 1u, t->flushes);
}

static void vmid_test_random(struct kunit *test)
{
	struct vmid_test *t = test->priv;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 20000; i++) {
		u32 r = prandom_u32_state(&rnd);

		/* Few VMs at times, so that some keep their VMIDs; many at other times. */
		enter(test, (r >> 8) % (i & 1024 ? NR_VMS : 6), (r >> 24) % nr_cpus());
	}
	KUNIT_EXPECT_GT(test, t->flushes, 20u);
}

static void vmid_test_too_many_cpus(struct kunit *test)
{
	struct axv_vmids ids = { };

	KUNIT_EXPECT_EQ(test, -ERANGE, axv_vmids_init(&ids, 1));
}

static struct kunit_case vmid_cases[] = {
	KUNIT_CASE(vmid_test_generation),
	KUNIT_CASE(vmid_test_running),
	KUNIT_CASE(vmid_test_forgotten),
	KUNIT_CASE(vmid_test_random),
	KUNIT_CASE(vmid_test_too_many_cpus),
	{}
};

axv_test_suite("axvcpu-arm64-vmid", vmid_cases,
	       .init = vmid_test_init, .exit = vmid_test_exit);
