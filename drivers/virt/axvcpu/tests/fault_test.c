// SPDX-License-Identifier: GPL-2.0
/*
 * Memory on demand, and the host's invalidations, on the memory of the process
 * that loads the module.  Signals, huge pages and what needs system calls of
 * the VMM are for the selftests.
 */
#include <linux/completion.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "memory_vm.h"

#define GPA	((u64)SZ_1G)
#define RX	(AXV_S2_READ | AXV_S2_EXEC)
#define RWX	(AXV_S2_READ | AXV_S2_WRITE | AXV_S2_EXEC)
#define PROT_RW	(PROT_READ | PROT_WRITE)

#define READ_FAULT	AXV_ACCESS_READ
#define WRITE_FAULT	AXV_ACCESS_WRITE

#define RACE_ROUNDS	100

static enum axv_fault_result fault(struct memory_vm *m, u64 gpa, u32 access)
{
	int error = 0;

	return axv_memory_fault(&m->vm, gpa, access, &error);
}

static int fault_error(struct memory_vm *m, u64 gpa, u32 access)
{
	int error = 0;

	if (axv_memory_fault(&m->vm, gpa, access, &error) != AXV_FAULT_FAILED)
		return 1;
	return error;
}

/* The word that the guest would find at @gpa. */
static u64 *fault_word(struct memory_vm *m, u64 gpa)
{
	struct axv_s2_leaf leaf = memory_vm_leaf(m, gpa);

	return leaf.level ? phys_to_virt(leaf.pa) : NULL;
}

static void fault_test_on_demand(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	u64 value = 0x1122334455667788, *word;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA + SZ_4K).level);

	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K + 0x123, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 1, memory_vm_leaf(m, GPA + SZ_4K).level);
	KUNIT_EXPECT_EQ(test, RWX, memory_vm_leaf(m, GPA + SZ_4K).rights);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA).level);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA + SZ_8K).level);
	KUNIT_EXPECT_EQ(test, 0, m->flushes);

	/* What the guest writes the VMM reads, and the other way round. */
	word = fault_word(m, GPA + SZ_4K + 8);
	KUNIT_ASSERT_NOT_NULL(test, word);
	*word = value;
	value = 0;
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(&value, (void __user *)(hva + SZ_4K + 8), 8));
	KUNIT_EXPECT_EQ(test, 0x1122334455667788ull, value);
	value = 5;
	KUNIT_EXPECT_EQ(test, 0, copy_to_user((void __user *)(hva + SZ_4K + 16), &value, 8));
	KUNIT_EXPECT_EQ(test, 5ull, word[1]);

	/* Spurious: nothing changes. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, READ_FAULT));
	KUNIT_EXPECT_PTR_EQ(test, word, fault_word(m, GPA + SZ_4K + 8));
	KUNIT_EXPECT_EQ(test, 0, m->flushes);
}

/* A page that is only read is the zero page until somebody writes to it. */
static void fault_test_read_first(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	u64 *zero;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, GPA).rights);
	zero = fault_word(m, GPA);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, RWX, memory_vm_leaf(m, GPA).rights);
	KUNIT_EXPECT_PTR_NE(test, zero, fault_word(m, GPA));
	/* The host took the zero page away first, and that was flushed. */
	KUNIT_EXPECT_EQ(test, 1, m->flushes);

	/* The VMM's own write does the same to a page the guest has read. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, READ_FAULT));
	KUNIT_EXPECT_EQ(test, 0, put_user(1, (u64 __user *)(hva + SZ_4K)));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA + SZ_4K).level);
	KUNIT_EXPECT_EQ(test, 2, m->flushes);
	/* And a read of what the VMM may write is mapped for writing at once. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, READ_FAULT));
	KUNIT_EXPECT_EQ(test, RWX, memory_vm_leaf(m, GPA + SZ_4K).rights);
}

static void fault_test_unresolved(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_READ);
	unsigned long none;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 1, AXV_REGION_READONLY, 0, SZ_64K, hva));

	/* no region */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, GPA - 1, READ_FAULT));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, GPA + SZ_64K, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, U64_MAX, WRITE_FAULT));
	/* a read-only one */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_PROTECTED, fault(m, 0, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, 0, READ_FAULT));
	KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, 0).rights);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_PROTECTED, fault(m, 0, WRITE_FAULT));
	/* memory that the VMM may not write, either */
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_error(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, GPA).rights);
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_error(m, GPA, WRITE_FAULT));

	/* PROT_NONE in its place, and then nothing at all */
	none = vm_mmap(NULL, hva, SZ_64K, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	KUNIT_ASSERT_EQ(test, hva, none);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA).level);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, 0).level);
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_error(m, GPA, READ_FAULT));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(hva, SZ_64K));
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_error(m, GPA, READ_FAULT));
	KUNIT_EXPECT_EQ(test, -EFAULT, fault_error(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA).level);
}

/* A read-only region of memory that the VMM may write stays read-only. */
static void fault_test_readonly(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_4K, PROT_RW);

	KUNIT_ASSERT_EQ(test, 0, put_user(1, (u64 __user *)hva));
	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 0, AXV_REGION_READONLY, GPA, SZ_4K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, GPA).rights);
	/* The VMM writes, and the guest sees it without a fault. */
	KUNIT_EXPECT_EQ(test, 0, put_user(2, (u64 __user *)hva));
	KUNIT_ASSERT_EQ(test, 1, memory_vm_leaf(m, GPA).level);
	KUNIT_EXPECT_EQ(test, 2ull, *fault_word(m, GPA));
}

static void fault_test_unmap(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	u64 page;

	/* The same memory twice: both have to go. */
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, 0, SZ_32K, hva + SZ_32K));
	for (page = 0; page < SZ_64K; page += SZ_4K)
		KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + page, WRITE_FAULT));
	for (page = 0; page < SZ_32K; page += SZ_4K)
		KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED, fault(m, page, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 0, m->flushes);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(hva + SZ_32K, SZ_8K));
	KUNIT_EXPECT_EQ(test, 1, m->flushes);
	for (page = 0; page < SZ_64K; page += SZ_4K)
		KUNIT_EXPECT_EQ(test, page != SZ_32K && page != SZ_32K + SZ_4K,
				memory_vm_leaf(m, GPA + page).level);
	for (page = 0; page < SZ_32K; page += SZ_4K)
		KUNIT_EXPECT_EQ(test, page >= SZ_8K, memory_vm_leaf(m, page).level);

	/* Memory of the VMM that is not the guest's is none of our business. */
	page = vm_mmap(NULL, 0, SZ_4K, PROT_RW, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(page));
	KUNIT_EXPECT_EQ(test, 0, put_user(1, (u64 __user *)page));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(page, SZ_4K));
	KUNIT_EXPECT_EQ(test, 1, m->flushes);
}

static void fault_test_log(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, 65 * SZ_4K, PROT_RW);
	unsigned long bits[2];

	KUNIT_ASSERT_EQ(test, 0, put_user(1, (u64 __user *)hva));
	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 0, AXV_REGION_LOG_DIRTY, GPA, 65 * SZ_4K, hva));
	/* A read leaves no trace and no way to write unseen. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, GPA).rights);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 64 * SZ_4K, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 65, bits));
	KUNIT_EXPECT_EQ(test, 0ul, bits[0]);
	KUNIT_EXPECT_EQ(test, 1ul, bits[1]);

	KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, GPA + 64 * SZ_4K).rights);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 64 * SZ_4K, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, RWX, memory_vm_leaf(m, GPA + 64 * SZ_4K).rights);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 65, bits));
	KUNIT_EXPECT_EQ(test, 1ul, bits[0]);
	KUNIT_EXPECT_EQ(test, 1ul, bits[1]);

	/* The kernel's own writes are logged, too; its reads are not. */
	KUNIT_EXPECT_EQ(test, 0, axv_guest_write(&m->vm, GPA + 3 * SZ_4K - 1, "ab", 2));
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, GPA + 7 * SZ_4K, bits, 8));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 65, bits));
	KUNIT_EXPECT_EQ(test, BIT(2) | BIT(3), bits[0]);
	KUNIT_EXPECT_EQ(test, 0ul, bits[1]);
}

/* Through the callbacks, as the host's reclaim asks them. */
static void fault_test_young(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_8K, PROT_RW);
	const struct mmu_notifier_ops *ops = m->vm.notifier.ops;
	struct mmu_notifier *mn = &m->vm.notifier;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_8K, hva));
	KUNIT_EXPECT_FALSE(test, ops->test_young(mn, m->vm.mm, hva));
	KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_TRUE(test, ops->test_young(mn, m->vm.mm, hva));
	KUNIT_EXPECT_FALSE(test, ops->test_young(mn, m->vm.mm, hva + SZ_4K));

	KUNIT_EXPECT_TRUE(test, ops->clear_young(mn, m->vm.mm, hva, hva + SZ_8K));
	KUNIT_EXPECT_EQ(test, 0, m->flushes);
	KUNIT_EXPECT_FALSE(test, ops->test_young(mn, m->vm.mm, hva));
	KUNIT_EXPECT_FALSE(test, ops->clear_flush_young(mn, m->vm.mm, hva, hva + SZ_4K));
	KUNIT_EXPECT_EQ(test, 0, m->flushes);

	KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_TRUE(test, ops->clear_flush_young(mn, m->vm.mm, hva, hva + SZ_4K));
	KUNIT_EXPECT_EQ(test, 1, m->flushes);
	KUNIT_EXPECT_EQ(test, 1, memory_vm_leaf(m, GPA).level);
}

/* ---- invalidations and faults at the same time --------------------------- */

struct fault_thread {
	struct memory_vm *m;
	struct completion done;
	enum axv_fault_result result;
	unsigned int rounds;
	bool stop;
};

static int fault_thread_once(void *arg)
{
	struct fault_thread *t = arg;

	memory_vm_enter();
	t->result = fault(t->m, GPA, WRITE_FAULT);
	memory_vm_leave();
	kthread_complete_and_exit(&t->done, 0);
}

static void fault_test_waits(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_16K, PROT_RW);
	struct mmu_notifier *mn = &m->vm.notifier;
	const struct mmu_notifier_ops *ops = mn->ops;
	struct mmu_notifier_range range = {
		.mm = m->vm.mm,
		.start = hva,
		.end = hva + SZ_4K,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
	struct mmu_notifier_range other = range;
	struct fault_thread t = { .m = m };
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_16K, hva));
	KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));

	/* Two at a time; the second may not sleep. */
	KUNIT_EXPECT_EQ(test, 0, ops->invalidate_range_start(mn, &range));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA).level);
	KUNIT_EXPECT_EQ(test, 1, m->flushes);
	other.start = hva + SZ_8K;
	other.end = hva + SZ_8K + SZ_4K;
	other.flags = 0;
	KUNIT_EXPECT_EQ(test, 0, ops->invalidate_range_start(mn, &other));
	KUNIT_EXPECT_EQ(test, 1, m->flushes);

	/* Beside them, faults go on; in them, they wait for both to end. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_8K + SZ_4K, WRITE_FAULT));
	init_completion(&t.done);
	task = kthread_run(fault_thread_once, &t, "axv-fault");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	/* It stays there once it is there: nothing wakes it before both ended. */
	while (!waitqueue_active(&m->vm.invalidate_wait) &&
	       !completion_done(&t.done))
		schedule_timeout_uninterruptible(1);
	ops->invalidate_range_end(mn, &range);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA).level);
	KUNIT_EXPECT_FALSE(test, completion_done(&t.done));
	ops->invalidate_range_end(mn, &other);
	wait_for_completion(&t.done);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, t.result);
	KUNIT_EXPECT_EQ(test, 1, memory_vm_leaf(m, GPA).level);
}

/* A vCPU that faults without end. */
static int fault_thread_storm(void *arg)
{
	struct fault_thread *t = arg;

	memory_vm_enter();
	while (!READ_ONCE(t->stop)) {
		t->result = fault(t->m, GPA, t->rounds & 1 ? READ_FAULT : WRITE_FAULT);
		if (t->result == AXV_FAULT_AGAIN || t->result == AXV_FAULT_FAILED)
			break;
		WRITE_ONCE(t->rounds, t->rounds + 1);
		cond_resched();
	}
	memory_vm_leave();
	kthread_complete_and_exit(&t->done, 0);
}

/*
 * With the lock held the host cannot take a page away, so what the second stage
 * maps has to be what the host maps at this moment.
 */
static void fault_check_page(struct kunit *test, unsigned long hva)
{
	struct memory_vm *m = test->priv;
	struct page *page = NULL;
	struct axv_s2_leaf leaf;
	bool invalidating, zero;

	spin_lock(&m->vm.mmu_lock);
	leaf = axv_s2_lookup(&m->vm.s2, GPA);
	invalidating = axv_invalidating(&m->vm, hva);
	/* The lockless walk does not give the zero page away. */
	zero = leaf.level && leaf.pa == page_to_phys(ZERO_PAGE(hva));
	if (leaf.level && !zero)
		get_user_pages_fast_only(hva, 1, leaf.rights & AXV_S2_WRITE ?
					 FOLL_WRITE : 0, &page);
	spin_unlock(&m->vm.mmu_lock);

	if (!leaf.level)
		return;
	KUNIT_EXPECT_FALSE(test, invalidating);
	if (zero) {
		KUNIT_EXPECT_EQ(test, RX, leaf.rights);
		return;
	}
	KUNIT_EXPECT_NOT_NULL(test, page);
	if (page) {
		KUNIT_EXPECT_EQ(test, (u64)leaf.pa, (u64)page_to_phys(page));
		put_page(page);
	}
}

static void fault_test_race(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_8K, PROT_RW);
	struct fault_thread t = { .m = m, .result = AXV_FAULT_RESOLVED };
	struct task_struct *task;
	unsigned long at = hva;
	unsigned int i, before;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_4K, hva));
	init_completion(&t.done);
	task = kthread_run(fault_thread_storm, &t, "axv-fault");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));

	for (i = 0; i < RACE_ROUNDS && !completion_done(&t.done); i++) {
		/* New memory in the same place; the region stays a region. */
		if (vm_mmap(NULL, at, SZ_4K, PROT_RW,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0) != at)
			break;
		fault_check_page(test, at);
		/* Now and then the region is of other memory. */
		if (i % 4 == 0) {
			at = at == hva ? hva + SZ_4K : hva;
			memory_vm_set(test, 0, 0, GPA, SZ_4K, at);
			fault_check_page(test, at);
		}
		before = READ_ONCE(t.rounds);
		while (READ_ONCE(t.rounds) == before && !completion_done(&t.done))
			cond_resched();
		fault_check_page(test, at);
	}
	KUNIT_EXPECT_EQ(test, RACE_ROUNDS, i);
	WRITE_ONCE(t.stop, true);
	wait_for_completion(&t.done);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, t.result);
	KUNIT_EXPECT_GT(test, m->flushes, 0);
}

/* ---- the kernel's own accesses ------------------------------------------- */

static void fault_test_guest_access(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	char in[8] = "1234567", out[8] = {};
	u64 word;

	/* Neighbours for the guest, apart for the VMM; then a hole. */
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_4K, hva + SZ_32K));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, GPA + SZ_4K, SZ_4K, hva));
	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 2, AXV_REGION_READONLY, GPA + SZ_64K,
				      SZ_4K, hva));

	KUNIT_EXPECT_EQ(test, 0, axv_guest_write(&m->vm, GPA + SZ_4K - 3, in, 8));
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, GPA + SZ_4K - 3, out, 8));
	KUNIT_EXPECT_EQ(test, 0, memcmp(in, out, 8));
	memset(out, 0, 8);
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(out, (void __user *)hva, 5));
	KUNIT_EXPECT_EQ(test, 0, memcmp(in + 3, out, 5));
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, GPA + SZ_64K, out, 5));
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, 0, out, 0));

	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_read(&m->vm, GPA + SZ_8K - 1, out, 2));
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_write(&m->vm, GPA + SZ_8K, out, 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_read(&m->vm, U64_MAX, out, 2));
	KUNIT_EXPECT_EQ(test, -EACCES, axv_guest_write(&m->vm, GPA + SZ_64K, out, 1));

	KUNIT_EXPECT_TRUE(test, axv_gpa_is_ram(&m->vm, GPA + SZ_8K - 1, true));
	KUNIT_EXPECT_FALSE(test, axv_gpa_is_ram(&m->vm, GPA + SZ_8K, false));
	KUNIT_EXPECT_FALSE(test, axv_gpa_is_ram(&m->vm, GPA + SZ_64K, true));
	KUNIT_EXPECT_TRUE(test, axv_gpa_is_ram(&m->vm, GPA + SZ_64K, false));

	/* Compare and exchange, of both sizes. */
	word = 0x1111111122222222;
	KUNIT_ASSERT_EQ(test, 0, axv_guest_write(&m->vm, GPA, &word, 8));
	word = 0x22222222;
	KUNIT_EXPECT_EQ(test, 0, axv_guest_cmpxchg64(&m->vm, GPA, &word, 0x33333333, 4));
	KUNIT_EXPECT_EQ(test, -EAGAIN, axv_guest_cmpxchg64(&m->vm, GPA, &word, 0, 4));
	KUNIT_EXPECT_EQ(test, 0x33333333ull, word);
	KUNIT_EXPECT_EQ(test, -EAGAIN, axv_guest_cmpxchg64(&m->vm, GPA, &word, 0, 8));
	KUNIT_EXPECT_EQ(test, 0x1111111133333333ull, word);
	KUNIT_EXPECT_EQ(test, 0, axv_guest_cmpxchg64(&m->vm, GPA, &word, U64_MAX, 8));
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, GPA, &word, 8));
	KUNIT_EXPECT_EQ(test, U64_MAX, word);
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_guest_cmpxchg64(&m->vm, GPA + 4, &word, 0, 8));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_guest_cmpxchg64(&m->vm, GPA, &word, 0, 2));
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_cmpxchg64(&m->vm, GPA - 8, &word, 0, 8));
	KUNIT_EXPECT_EQ(test, -EACCES,
			axv_guest_cmpxchg64(&m->vm, GPA + SZ_64K, &word, 0, 8));

	/* The VMM's mapping is gone. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(hva, SZ_64K));
	word = 0;
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_read(&m->vm, GPA, out, 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_write(&m->vm, GPA, out, 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_cmpxchg64(&m->vm, GPA, &word, 0, 8));
}

/* Words that are at hand, and those that are not. */
static void fault_test_guest_peek(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_16K, PROT_RW);
	u64 word = 0x1111111122222222, value = 0;
	struct axv_guest_peek peek;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_8K, hva + SZ_8K));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, GPA + SZ_8K, SZ_4K, hva));
	KUNIT_ASSERT_EQ(test, 0, axv_guest_write(&m->vm, GPA + SZ_4K - 8, &word, 8));
	KUNIT_ASSERT_EQ(test, 0, axv_guest_write(&m->vm, GPA + SZ_8K, &word, 8));

	axv_guest_peek_begin(&peek, &m->vm);
	KUNIT_EXPECT_TRUE(test, axv_guest_peek(&peek, GPA + SZ_4K - 8, 8, &value));
	KUNIT_EXPECT_EQ(test, word, value);
	KUNIT_EXPECT_TRUE(test, axv_guest_peek(&peek, GPA + SZ_4K - 4, 4, &value));
	KUNIT_EXPECT_EQ(test, word >> 32, value);
	/* Another region; no region; a page that nobody has touched. */
	KUNIT_EXPECT_TRUE(test, axv_guest_peek(&peek, GPA + SZ_8K + 2, 4, &value));
	KUNIT_EXPECT_EQ(test, 0x11112222ull, value);
	KUNIT_EXPECT_FALSE(test, axv_guest_peek(&peek, GPA - 8, 8, &value));
	KUNIT_EXPECT_FALSE(test, axv_guest_peek(&peek, GPA + SZ_8K + SZ_4K, 8, &value));
	KUNIT_EXPECT_FALSE(test, axv_guest_peek(&peek, GPA + SZ_4K, 8, &value));
	KUNIT_EXPECT_TRUE(test, axv_guest_peek(&peek, GPA + SZ_8K, 8, &value));
	axv_guest_peek_end(&peek);
	KUNIT_EXPECT_FALSE(test, axv_guest_peek(&peek, GPA + SZ_8K, 8, &value));
	axv_guest_peek_end(&peek);

	/* Now it is there. */
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, GPA + SZ_4K, &value, 8));
	axv_guest_peek_begin(&peek, &m->vm);
	KUNIT_EXPECT_TRUE(test, axv_guest_peek(&peek, GPA + SZ_4K, 8, &value));
	axv_guest_peek_end(&peek);
	KUNIT_EXPECT_EQ(test, 0ull, value);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(fault_test_on_demand),
	KUNIT_CASE(fault_test_read_first),
	KUNIT_CASE(fault_test_unresolved),
	KUNIT_CASE(fault_test_readonly),
	KUNIT_CASE(fault_test_unmap),
	KUNIT_CASE(fault_test_log),
	KUNIT_CASE(fault_test_young),
	KUNIT_CASE(fault_test_waits),
	KUNIT_CASE(fault_test_race),
	KUNIT_CASE(fault_test_guest_access),
	KUNIT_CASE(fault_test_guest_peek),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "axvcpu-fault",
	.suite_init = memory_vm_suite_init,
	.suite_exit = memory_vm_suite_exit,
	.init = memory_vm_init,
	.exit = memory_vm_exit,
	.test_cases = fault_cases,
};

kunit_test_suite(fault_suite);
