// SPDX-License-Identifier: GPL-2.0
/*
 * Memory on demand, and the host's invalidations, on the memory of the process
 * that loads the module.  Signals, huge pages and what needs system calls of
 * the VMM are for the selftests.
 */
#include <linux/completion.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <axvcpu/vcpu.h>

#include "memory_vm.h"

#define GPA	((u64)SZ_1G)
#define RX	(AXV_S2_READ | AXV_S2_EXEC)
#define RWX	(AXV_S2_READ | AXV_S2_WRITE | AXV_S2_EXEC)
#define PROT_RW	(PROT_READ | PROT_WRITE)

#define READ_FAULT	AXV_ACCESS_READ
#define WRITE_FAULT	AXV_ACCESS_WRITE

#define RACE_ROUNDS	100

/* A fault that does not count as a repetition of the one before. */
static enum axv_fault_result fault_by(struct axv_vcpu *vcpu, u64 gpa, u32 access,
				      int *error)
{
	vcpu->last_fault = (struct axv_last_fault){};
	return axv_vcpu_fault(vcpu, gpa, access, error);
}

static enum axv_fault_result fault(struct memory_vm *m, u64 gpa, u32 access)
{
	int error = 0;

	return fault_by(&m->vcpu, gpa, access, &error);
}

static int fault_error(struct memory_vm *m, u64 gpa, u32 access)
{
	int error = 0;

	if (fault_by(&m->vcpu, gpa, access, &error) != AXV_FAULT_FAILED)
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

	/* The VMM reads what the guest writes, and the other way round. */
	word = fault_word(m, GPA + SZ_4K + 8);
	KUNIT_ASSERT_NOT_NULL(test, word);
	*word = value;
	value = 0;
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(&value, (void __user *)(hva + SZ_4K + 8), 8));
	KUNIT_EXPECT_EQ(test, 0x1122334455667788ull, value);
	value = 5;
	KUNIT_EXPECT_EQ(test, 0, copy_to_user((void __user *)(hva + SZ_4K + 16), &value, 8));
	KUNIT_EXPECT_EQ(test, 5ull, word[1]);

	/* Faults on a page that is mapped already change nothing. */
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
	/* A page that the VMM has written is mapped for writing at once, for a read, too. */
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
	/* a read-only region */
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

	/* The same memory is in two regions: both mappings have to go. */
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

	/* Memory of the VMM that is in no region causes no flush. */
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
	/* A read is not logged, and does not let the guest write unseen. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, GPA).rights);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 64 * SZ_4K, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 65, bits, false));
	KUNIT_EXPECT_EQ(test, 0ul, bits[0]);
	KUNIT_EXPECT_EQ(test, 1ul, bits[1]);

	KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, GPA + 64 * SZ_4K).rights);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 64 * SZ_4K, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, RWX, memory_vm_leaf(m, GPA + 64 * SZ_4K).rights);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 65, bits, false));
	KUNIT_EXPECT_EQ(test, 1ul, bits[0]);
	KUNIT_EXPECT_EQ(test, 1ul, bits[1]);

	/* The kernel's own writes are logged, too; its reads are not. */
	KUNIT_EXPECT_EQ(test, 0, axv_guest_write(&m->vm, GPA + 3 * SZ_4K - 1, "ab", 2));
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, GPA + 7 * SZ_4K, bits, 8));
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 65, bits, false));
	KUNIT_EXPECT_EQ(test, BIT(2) | BIT(3), bits[0]);
	KUNIT_EXPECT_EQ(test, 0ul, bits[1]);
}

/* ---- pages around a fault -------------------------------------------------- */

/* Write to pages of the VMM, so that the host has them at hand. */
static void fault_write_pages(struct kunit *test, unsigned long hva, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, 0, put_user(i + 1, (u64 __user *)(hva + i * SZ_4K)));
}

/* Of @nr pages from @gpa on, exactly those in @mask have to be mapped, with @rights. */
static void fault_expect_pages(struct kunit *test, u64 gpa, unsigned int nr, u64 mask,
			       u32 rights)
{
	struct memory_vm *m = test->priv;
	struct axv_s2_leaf leaf;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		leaf = memory_vm_leaf(m, gpa + i * SZ_4K);
		KUNIT_EXPECT_EQ_MSG(test, mask >> i & 1, leaf.level, "page %u", i);
		if (leaf.level)
			KUNIT_EXPECT_EQ_MSG(test, rights, leaf.rights, "page %u", i);
	}
}

static void fault_test_around(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_4M, PROT_RW);
	unsigned long border = ALIGN(hva + SZ_128K, SZ_2M);
	unsigned int i;

	/* The host has all pages but one of the first group. */
	fault_write_pages(test, hva, 4);
	fault_write_pages(test, hva + 5 * SZ_4K, 43);
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, 48 * SZ_4K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 9 * SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 48, 0xffef, RWX);
	for (i = 0; i < 16; i++)
		if (i != 4)
			KUNIT_EXPECT_EQ(test, i < 4 ? i + 1 : i - 4,
					*fault_word(m, GPA + i * SZ_4K));
	/* The next group is mapped by one fault, and nothing is flushed. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 31 * SZ_4K, WRITE_FAULT));
	fault_expect_pages(test, GPA, 48, 0xffffffef, RWX);
	KUNIT_EXPECT_EQ(test, 0, m->flushes);
	/* The host takes one page: the others stay, and a fault on another does not map it. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(hva + 9 * SZ_4K, SZ_4K));
	fault_expect_pages(test, GPA, 48, 0xfffffdef, RWX);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 10 * SZ_4K, WRITE_FAULT));
	fault_expect_pages(test, GPA, 48, 0xfffffdef, RWX);
	/* The host finds that the page was used. */
	KUNIT_EXPECT_TRUE(test, m->vm.notifier.ops->test_young(&m->vm.notifier, m->vm.mm,
							       hva));

	/* Only pages of the region are mapped: this one begins and ends within a group. */
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA + 14 * SZ_4K, 20 * SZ_4K,
					       hva + 14 * SZ_4K));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 15 * SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 48, 0xc000, RWX);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 33 * SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 48, 0x30000c000, RWX);

	/* Only pages of one of the host's tables are mapped. */
	fault_write_pages(test, border - SZ_32K, 16);
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, border - SZ_32K));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 8 * SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 16, 0xff00, RWX);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	fault_expect_pages(test, GPA, 16, 0xffff, RWX);
}

/* The host's entry of a page that was written; no huge page is there. */
static pte_t *fault_host_entry(struct memory_vm *m, unsigned long hva)
{
	pgd_t *pgd = pgd_offset(m->vm.mm, hva);
	pud_t *pud = pud_offset(p4d_offset(pgd, hva), hva);

	return pte_offset_kernel(pmd_offset(pud, hva), hva);
}

/* A page around a fault gets what its own entry allows, not what the entry before does. */
static void fault_test_around_bits(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	pte_t *host, were[16];

	fault_write_pages(test, hva, 16);
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	host = fault_host_entry(m, hva);
	memcpy(were, host, sizeof(were));
	WRITE_ONCE(host[1], pte_mkclean(were[1]));
	WRITE_ONCE(host[2], pte_mkold(were[2]));
	WRITE_ONCE(host[3], pte_wrprotect(were[3]));
	WRITE_ONCE(host[4], pte_mkold(pte_mkclean(were[4])));
	WRITE_ONCE(host[6], pte_mkclean(were[6]));
	WRITE_ONCE(host[7], pte_mkclean(were[7]));
	WRITE_ONCE(host[15], pte_mkspecial(were[15]));

	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 9 * SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 1, 1, RWX);
	fault_expect_pages(test, GPA + SZ_4K, 4, 0x5, RX);
	fault_expect_pages(test, GPA + 5 * SZ_4K, 1, 1, RWX);
	fault_expect_pages(test, GPA + 6 * SZ_4K, 2, 3, RX);
	fault_expect_pages(test, GPA + 8 * SZ_4K, 8, 0x7f, RWX);
	/*
	 * The page that faults gets what the host allows, whether it was used and written
	 * or not.
	 */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, READ_FAULT));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 4 * SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA + SZ_4K, 2, 1, RWX);
	fault_expect_pages(test, GPA + 4 * SZ_4K, 1, 1, RWX);

	memcpy(host, were, sizeof(were));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + 9 * SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 16, 0xffff, RWX);
}

/* In a region with flags, and during an invalidation, only the page that faults is mapped. */
static void fault_test_around_none(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW), bits;
	struct mmu_notifier *mn = &m->vm.notifier;
	struct mmu_notifier_range range = {
		.mm = m->vm.mm,
		.start = hva,
		.end = hva + SZ_4K,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};

	fault_write_pages(test, hva, 16);
	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 0, AXV_REGION_READONLY, GPA, SZ_64K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 16, 0x2, RX);

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, 0, 0, 0));
	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 0, AXV_REGION_LOG_DIRTY, GPA, SZ_64K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 16, 0x2, RX);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, WRITE_FAULT));
	fault_expect_pages(test, GPA, 16, 0x2, RWX);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 16, &bits, false));
	KUNIT_EXPECT_EQ(test, 0x2ul, bits);

	/* The host is taking one of the pages. */
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, 0, 0, 0));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_ASSERT_EQ(test, 0, mn->ops->invalidate_range_start(mn, &range));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, READ_FAULT));
	fault_expect_pages(test, GPA, 16, 0x2, RWX);
	mn->ops->invalidate_range_end(mn, &range);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	fault_expect_pages(test, GPA, 16, 0xffff, RWX);
}

/* What the calls of sync_memory() were about, and whether &axv_vm.mmu_lock was held. */
static struct {
	struct axv_vm *vm;
	unsigned int pages;
	unsigned int fetches;
	unsigned int calls;
	phys_addr_t fetched;
	bool locked;
} synced;

static void fault_sync_memory(const phys_addr_t *pa, unsigned int nr, u64 size, u32 what)
{
	unsigned int i;

	synced.calls++;
	if (what & AXV_SYNC_NEW)
		synced.pages += nr * size / SZ_4K;
	if (what & AXV_SYNC_FETCH)
		synced.fetches += nr * size / SZ_4K;
	for (i = 0; what & AXV_SYNC_FETCH && i < nr; i++)
		synced.fetched = pa[i];
	if (lockdep_is_held(&synced.vm->mmu_lock))
		synced.locked = true;
}

/* Memory is made ready without the lock, and the references to it are given back. */
static void fault_test_sync(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	struct axv_s2_format *fmt = kunit_kmalloc(test, sizeof(*fmt), GFP_KERNEL);
	struct page *page;
	int count;

	KUNIT_ASSERT_NOT_NULL(test, fmt);
	*fmt = *m->vm.s2.fmt;
	fmt->exec_on_fetch = true;
	m->vm.s2.fmt = fmt;
	m->ops.sync_memory = fault_sync_memory;
	memset(&synced, 0, sizeof(synced));
	synced.vm = &m->vm;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 1, synced.pages);
	fault_write_pages(test, hva, 12);
	KUNIT_EXPECT_EQ(test, 1, get_user_pages_fast_only(hva + SZ_4K, 1, 0, &page));
	count = page_count(page);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED,
			fault(m, GPA + SZ_4K, AXV_ACCESS_FETCH));
	KUNIT_EXPECT_EQ(test, count, page_count(page));
	put_page(page);
	KUNIT_EXPECT_EQ(test, 13, synced.pages);
	KUNIT_EXPECT_EQ(test, 1, synced.fetches);
	KUNIT_EXPECT_EQ(test, memory_vm_leaf(m, GPA + SZ_4K).pa, synced.fetched);
	/* One call for one page; then one for eleven, and one for the page that is executed. */
	KUNIT_EXPECT_EQ(test, 3, synced.calls);
	KUNIT_EXPECT_FALSE(test, synced.locked);
	/* Only what was fetched from may be executed. */
	fault_expect_pages(test, GPA, 1, 1, AXV_S2_READ | AXV_S2_WRITE);
	fault_expect_pages(test, GPA + SZ_4K, 1, 1, RWX);
	fault_expect_pages(test, GPA + SZ_8K, 14, 0x3ff, AXV_S2_READ | AXV_S2_WRITE);
	/* Pages around that the guest has already are not made ready once more. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_8K, AXV_ACCESS_FETCH));
	fault_expect_pages(test, GPA + SZ_8K, 1, 1, RWX);
	KUNIT_EXPECT_EQ(test, 14, synced.pages);
	KUNIT_EXPECT_EQ(test, 2, synced.fetches);
}

/* ---- holes ------------------------------------------------------------------ */

/* A hole between regions is remembered at an exit at a device, until regions change. */
static void fault_test_hole(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	struct axv_hole *hole = &m->vcpu.hole;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, GPA - SZ_4K + 8, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, GPA - SZ_4K + 8, hole->start);
	KUNIT_EXPECT_EQ(test, GPA, hole->end);
	/* The hole grows downwards if the region at its end is the same. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, SZ_4K, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, (u64)SZ_4K, hole->start);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, GPA - 1, READ_FAULT));
	KUNIT_EXPECT_EQ(test, (u64)SZ_4K, hole->start);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	/* Above the last region. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, GPA + SZ_64K, READ_FAULT));
	KUNIT_EXPECT_EQ(test, GPA + SZ_64K, hole->start);
	KUNIT_EXPECT_EQ(test, U64_MAX, hole->end);

	/* A region is added in the hole, and another one deleted. */
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, GPA + SZ_64K, SZ_4K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_64K, READ_FAULT));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, SZ_4K, READ_FAULT));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_MMIO, fault(m, GPA, READ_FAULT));
	KUNIT_EXPECT_EQ(test, GPA, hole->start);
	KUNIT_EXPECT_EQ(test, GPA + SZ_64K, hole->end);
}

/* ---- what is flushed ------------------------------------------------------- */

/* Flushes while the page was mapped, and flushes while it was not. */
static struct {
	unsigned int mapped;
	unsigned int empty;
} at_flush;

static void fault_on_flush(struct memory_vm *m)
{
	if (axv_s2_lookup(&m->vm.s2, GPA).level)
		at_flush.mapped++;
	else
		at_flush.empty++;
}

/* Map another page than the host has there, as if a change of the host's had been missed. */
static void fault_map_wrong(struct kunit *test, unsigned int level)
{
	struct memory_vm *m = test->priv;
	bool flush;
	int err;

	KUNIT_ASSERT_EQ(test, 0, axv_s2_cache_fill(&m->vcpu.tables, m->vm.s2.fmt));
	write_lock(&m->vm.mmu_lock);
	err = axv_s2_map(&m->vm.s2, &m->vcpu.tables, GPA, SZ_1G, level, RX, &flush);
	write_unlock(&m->vm.mmu_lock);
	KUNIT_EXPECT_EQ(test, 0, err);
	KUNIT_EXPECT_FALSE(test, flush);
}

/* Each change flushes as often as it has to, with the entry as it has to be at the flush. */
static void fault_test_flushes(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	struct axv_s2_format *fmt = kunit_kmalloc(test, sizeof(*fmt), GFP_KERNEL);
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW), bits;
	unsigned int i, level, bbm;
	u64 gen;

	KUNIT_ASSERT_NOT_NULL(test, fmt);
	*fmt = *m->vm.s2.fmt;
	m->vm.s2.fmt = fmt;
	m->on_flush = fault_on_flush;
	fault_write_pages(test, hva, 16);

	for (i = 0; i < 4; i++) {
		bbm = i & 1;
		level = i & 2 ? 2 : 1;
		fmt->break_before_make = bbm;
		memset(&at_flush, 0, sizeof(at_flush));
		KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, AXV_REGION_LOG_DIRTY, GPA,
						       SZ_64K, hva));
		/*
		 * Another mapping is replaced: cleared, flushed and made, or replaced at
		 * once.
		 */
		fault_map_wrong(test, level);
		KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
		KUNIT_EXPECT_EQ(test, 1, at_flush.mapped + at_flush.empty);
		KUNIT_EXPECT_EQ(test, bbm, at_flush.empty);
		KUNIT_EXPECT_EQ(test, 1, memory_vm_leaf(m, GPA).level);

		/*
		 * Rights are added: no CPU is flushed, and with break-before-make the next
		 * entry is.
		 */
		gen = atomic64_read(&m->vm.tlb_gen);
		memset(&at_flush, 0, sizeof(at_flush));
		KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
		KUNIT_EXPECT_EQ(test, 0, at_flush.mapped + at_flush.empty);
		KUNIT_EXPECT_EQ(test, gen + bbm, (u64)atomic64_read(&m->vm.tlb_gen));
		KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
		KUNIT_EXPECT_EQ(test, gen + bbm, (u64)atomic64_read(&m->vm.tlb_gen));

		/* The right to write is taken. */
		KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 16, &bits, false));
		KUNIT_EXPECT_EQ(test, 1ul, bits);
		KUNIT_EXPECT_EQ(test, 1, at_flush.mapped);
		/* A mapping without the right to write is flushed, too, when it is removed. */
		KUNIT_EXPECT_EQ(test, RX, memory_vm_leaf(m, GPA).rights);
		KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, 0, 0, 0));
		KUNIT_EXPECT_EQ(test, 1, at_flush.empty);
		/* Remove the rest of the wrong mapping, and all tables. */
		axv_memory_forget(&m->vm);
	}
}

/* Switching the log on takes only the right to write; switching it off takes nothing. */
static void fault_test_flags(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW), bits;

	fault_write_pages(test, hva, 16);
	m->on_flush = fault_on_flush;
	memset(&at_flush, 0, sizeof(at_flush));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, READ_FAULT));
	fault_expect_pages(test, GPA, 16, 0xffff, RWX);

	KUNIT_ASSERT_EQ(test, 0,
			memory_vm_set(test, 0, AXV_REGION_LOG_DIRTY, GPA, SZ_64K, hva));
	fault_expect_pages(test, GPA, 16, 0xffff, RX);
	KUNIT_EXPECT_EQ(test, 1, at_flush.mapped);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_4K, WRITE_FAULT));
	fault_expect_pages(test, GPA + SZ_8K, 14, 0x3fff, RX);
	fault_expect_pages(test, GPA + SZ_4K, 1, 1, RWX);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 16, &bits, true));
	KUNIT_EXPECT_EQ(test, 2ul, bits);

	/* Other flags while the log is on: the log stays. */
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, AXV_REGION_LOG_DIRTY |
					       AXV_REGION_READONLY, GPA, SZ_64K, hva));
	fault_expect_pages(test, GPA, 16, 0xffff, RX);
	KUNIT_EXPECT_EQ(test, 2, at_flush.mapped);
	KUNIT_EXPECT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 16, &bits, true));
	KUNIT_EXPECT_EQ(test, 2ul, bits);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_PROTECTED, fault(m, GPA, WRITE_FAULT));

	/* One fault gives the right back to all pages around. */
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	fault_expect_pages(test, GPA, 16, 0xffff, RX);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	fault_expect_pages(test, GPA, 16, 0xffff, RWX);
	KUNIT_EXPECT_EQ(test, 2, m->flushes);
}

/* The callbacks by which the host's reclaim asks whether a page is used. */
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
	struct axv_vcpu *vcpu;
	struct completion done;
	enum axv_fault_result result;
	unsigned int rounds;
	bool stop;
};

static int fault_thread_once(void *arg)
{
	struct fault_thread *t = arg;
	int error = 0;

	memory_vm_enter();
	t->result = fault_by(t->vcpu, GPA, WRITE_FAULT, &error);
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
	struct fault_thread t = { .m = m, .vcpu = memory_vm_vcpu(test) };
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_16K, hva));
	KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));

	/* Two invalidations are in progress; the second one may not sleep. */
	KUNIT_EXPECT_EQ(test, 0, ops->invalidate_range_start(mn, &range));
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA).level);
	KUNIT_EXPECT_EQ(test, 1, m->flushes);
	other.start = hva + SZ_8K;
	other.end = hva + SZ_8K + SZ_4K;
	other.flags = 0;
	KUNIT_EXPECT_EQ(test, 0, ops->invalidate_range_start(mn, &other));
	KUNIT_EXPECT_EQ(test, 1, m->flushes);

	/* Faults outside both ranges go on; a fault within one waits for both to end. */
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA + SZ_8K + SZ_4K, WRITE_FAULT));
	init_completion(&t.done);
	task = kthread_run(fault_thread_once, &t, "axv-fault");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	/*
	 * Once the thread waits, it goes on waiting: nothing wakes it before both have
	 * ended.
	 */
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

/* A thread whose vCPU faults again and again until it is stopped. */
static int fault_thread_storm(void *arg)
{
	struct fault_thread *t = arg;
	int error = 0;

	memory_vm_enter();
	while (!READ_ONCE(t->stop)) {
		t->result = fault_by(t->vcpu, GPA,
				     t->rounds & 1 ? READ_FAULT : WRITE_FAULT, &error);
		if (t->result == AXV_FAULT_AGAIN || t->result == AXV_FAULT_FAILED)
			break;
		WRITE_ONCE(t->rounds, t->rounds + 1);
		cond_resched();
	}
	memory_vm_leave();
	kthread_complete_and_exit(&t->done, 0);
}

/*
 * What the second stage maps has to be what the host maps, at a moment when the host cannot
 * take a page away, since the lock is held.
 */
static void fault_check_page(struct kunit *test, unsigned long hva)
{
	struct memory_vm *m = test->priv;
	struct page *page = NULL;
	struct axv_s2_leaf leaf;
	bool invalidating, zero;

	write_lock(&m->vm.mmu_lock);
	leaf = axv_s2_lookup(&m->vm.s2, GPA);
	invalidating = axv_invalidating(&m->vm, hva);
	/* The lockless walk does not give the zero page away. */
	zero = leaf.level && leaf.pa == page_to_phys(ZERO_PAGE(hva));
	if (leaf.level && !zero)
		get_user_pages_fast_only(hva, 1, leaf.rights & AXV_S2_WRITE ?
					 FOLL_WRITE : 0, &page);
	write_unlock(&m->vm.mmu_lock);

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
	struct fault_thread t = {
		.m = m,
		.vcpu = memory_vm_vcpu(test),
		.result = AXV_FAULT_RESOLVED,
	};
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

/* ---- faults that repeat ---------------------------------------------------- */

/* If the hardware goes on to refuse a page that is mapped, the VMM is told. */
static void fault_test_stuck(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_8K, PROT_RW);
	enum axv_fault_result result;
	struct axv_vcpu *vcpu = memory_vm_vcpu(test);
	unsigned int i, round;
	int error = 0;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_8K, hva));

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 1000; i++) {
			result = axv_vcpu_fault(vcpu, GPA + i % 8, WRITE_FAULT, &error);
			if (result != AXV_FAULT_RESOLVED)
				break;
		}
		KUNIT_EXPECT_EQ(test, AXV_FAULT_FAILED, result);
		KUNIT_EXPECT_EQ(test, -ELOOP, error);
		KUNIT_EXPECT_LT(test, 100, i);
	}
	KUNIT_EXPECT_LT(test, 200ull, vcpu->stats.faults);

	/* Another page, a change of the mapping, an accessed bit to set: these are progress. */
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED,
				axv_vcpu_fault(vcpu, GPA + i % 2 * SZ_4K, WRITE_FAULT,
					       &error));
	for (i = 0; i < 1000; i++) {
		KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED,
				axv_vcpu_fault(vcpu, GPA, WRITE_FAULT, &error));
		axv_memory_forget(&m->vm);
	}
	for (i = 0; i < 1000; i++) {
		KUNIT_ASSERT_EQ(test, AXV_FAULT_RESOLVED,
				axv_vcpu_fault(vcpu, GPA, WRITE_FAULT, &error));
		m->vm.notifier.ops->clear_young(&m->vm.notifier, m->vm.mm, hva,
						hva + SZ_4K);
	}
}

/* Two vCPUs write a page whose log is read all the time; one always comes second. */
static void fault_test_second(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_4K, PROT_RW), bits;
	struct axv_vcpu *vcpus[] = { memory_vm_vcpu(test), memory_vm_vcpu(test) };
	unsigned int i;
	int error = 0;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, AXV_REGION_LOG_DIRTY, GPA,
					       SZ_4K, hva));
	for (i = 0; i < 2000; i++) {
		KUNIT_ASSERT_EQ_MSG(test, AXV_FAULT_RESOLVED,
				    axv_vcpu_fault(vcpus[i % 2], GPA, WRITE_FAULT,
						   &error), "%u", i);
		if (i % 2) {
			KUNIT_ASSERT_EQ(test, 0, axv_get_dirty(&m->vm, 0, 0, 1, &bits, false));
			KUNIT_ASSERT_EQ(test, 1ul, bits);
		}
	}
}

/* ---- the kernel's own accesses ------------------------------------------- */

static void fault_test_guest_access(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	char in[8] = "1234567", out[8] = {};
	u64 word;

	/* Two regions side by side in the guest, but apart in the VMM; behind them is none. */
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

	KUNIT_EXPECT_EQ(test, -ENOENT, axv_guest_read(&m->vm, GPA + SZ_8K - 1, out, 2));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_guest_write(&m->vm, GPA + SZ_8K, out, 1));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_guest_read(&m->vm, U64_MAX, out, 2));
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
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_guest_cmpxchg64(&m->vm, GPA - 8, &word, 0, 8));
	KUNIT_EXPECT_EQ(test, -EACCES,
			axv_guest_cmpxchg64(&m->vm, GPA + SZ_64K, &word, 0, 8));

	/* The VMM's mapping is gone. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(hva, SZ_64K));
	word = 0;
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_read(&m->vm, GPA, out, 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_write(&m->vm, GPA, out, 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, axv_guest_cmpxchg64(&m->vm, GPA, &word, 0, 8));
}

/* A signal ends a wait for memory; a page at hand is accessed nevertheless. */
static void fault_test_guest_signal(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_16K, PROT_RW);
	struct mmu_notifier *mn = &m->vm.notifier;
	struct mmu_notifier_range range = {
		.mm = m->vm.mm,
		.start = hva,
		.end = hva + SZ_16K,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
	u64 word = 1, value = 0;
	int read, write, swap, hand;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_16K, hva));
	KUNIT_ASSERT_EQ(test, 0, axv_guest_write(&m->vm, GPA, &word, 8));
	KUNIT_ASSERT_EQ(test, 0, mn->ops->invalidate_range_start(mn, &range));

	set_tsk_thread_flag(current, TIF_SIGPENDING);
	hand = axv_guest_read(&m->vm, GPA, &value, 8);
	read = axv_guest_read(&m->vm, GPA + SZ_4K, &word, 8);
	write = axv_guest_write(&m->vm, GPA + SZ_4K, &word, 8);
	swap = axv_guest_cmpxchg64(&m->vm, GPA, &value, 2, 8);
	clear_tsk_thread_flag(current, TIF_SIGPENDING);

	mn->ops->invalidate_range_end(mn, &range);
	KUNIT_EXPECT_EQ(test, 0, hand);
	KUNIT_EXPECT_EQ(test, -EINTR, read);
	KUNIT_EXPECT_EQ(test, -EINTR, write);
	KUNIT_EXPECT_EQ(test, -EINTR, swap);
	KUNIT_EXPECT_EQ(test, 0, axv_guest_cmpxchg64(&m->vm, GPA, &value, 2, 8));
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, GPA + SZ_4K, &word, 8));
	KUNIT_EXPECT_EQ(test, 0ull, word);
}

/* A peek reads words that are at hand, and refuses others. */
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

	/* Once the page is there, the peek reads it. */
	KUNIT_EXPECT_EQ(test, 0, axv_guest_read(&m->vm, GPA + SZ_4K, &value, 8));
	axv_guest_peek_begin(&peek, &m->vm);
	KUNIT_EXPECT_TRUE(test, axv_guest_peek(&peek, GPA + SZ_4K, 8, &value));
	axv_guest_peek_end(&peek);
	KUNIT_EXPECT_EQ(test, 0ull, value);
}

/* Note @count words of 8 bytes from @gpa on; with @half only 4 bytes of the second one. */
static void note_words(struct memory_vm *m, u64 gpa, unsigned int count, bool half,
		       struct axv_guest_words *words)
{
	struct axv_guest_peek peek;
	unsigned int i;
	u64 value;

	axv_guest_peek_begin(&peek, &m->vm);
	axv_guest_words_begin(&peek, words);
	for (i = 0; i < count; i++)
		axv_guest_peek(&peek, gpa + 8 * i, half && i == 1 ? 4 : 8, &value);
	axv_guest_words_end(&peek);
	axv_guest_peek(&peek, gpa, 8, &value);
	axv_guest_peek_end(&peek);
}

/* axv_guest_words_same() finds each change of the words that were noted, and no other. */
static void fault_test_guest_words(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_16K, PROT_RW);
	u64 word[AXV_GUEST_WORDS] = { 1, 2, 3, 4, 5, 6, 7 };
	struct axv_guest_words words = {};
	unsigned int i, count;

	KUNIT_EXPECT_FALSE(test, axv_guest_words_same(&m->vm, &words));
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_16K, hva));
	KUNIT_ASSERT_EQ(test, 0, axv_guest_write(&m->vm, GPA, word, sizeof(word)));

	for (count = 1; count <= AXV_GUEST_WORDS; count++) {
		note_words(m, GPA, count, false, &words);
		KUNIT_EXPECT_EQ(test, count, words.count);
		KUNIT_EXPECT_TRUE(test, axv_guest_words_same(&m->vm, &words));
		for (i = 0; i < AXV_GUEST_WORDS; i++) {
			u64 other = word[i] ^ BIT_ULL(63);

			KUNIT_EXPECT_EQ(test, 0, axv_guest_write(&m->vm, GPA + 8 * i, &other, 8));
			KUNIT_EXPECT_EQ_MSG(test, i >= count,
					    axv_guest_words_same(&m->vm, &words),
					    "word %u of %u", i, count);
			KUNIT_EXPECT_EQ(test, 0, axv_guest_write(&m->vm, GPA + 8 * i, &word[i], 8));
			KUNIT_EXPECT_TRUE(test, axv_guest_words_same(&m->vm, &words));
		}
	}

	/* The same words, but perhaps not the guest's any more. */
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 1, 0, GPA + SZ_1G, SZ_4K, hva));
	KUNIT_EXPECT_FALSE(test, axv_guest_words_same(&m->vm, &words));

	/* Too many words, a word of another size, and then a page that is not at hand. */
	note_words(m, GPA, AXV_GUEST_WORDS + 1, false, &words);
	KUNIT_EXPECT_EQ(test, 0u, words.count);
	note_words(m, GPA, 3, true, &words);
	KUNIT_EXPECT_EQ(test, 0u, words.count);
	note_words(m, GPA, 3, false, &words);
	KUNIT_EXPECT_EQ(test, 3u, words.count);
	KUNIT_EXPECT_TRUE(test, axv_guest_words_same(&m->vm, &words));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(hva, SZ_4K));
	KUNIT_EXPECT_FALSE(test, axv_guest_words_same(&m->vm, &words));
}

/* If the peek has ended before the notes, the words that were noted do not count. */
static void fault_test_guest_words_ended(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_4K, PROT_RW);
	struct axv_guest_words words;
	struct axv_guest_peek peek;
	u64 value;

	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_4K, hva));
	KUNIT_ASSERT_EQ(test, 0, axv_guest_read(&m->vm, GPA, &value, 8));
	axv_guest_peek_begin(&peek, &m->vm);
	axv_guest_words_begin(&peek, &words);
	KUNIT_EXPECT_TRUE(test, axv_guest_peek(&peek, GPA, 8, &value));
	axv_guest_peek_end(&peek);
	axv_guest_words_end(&peek);
	KUNIT_EXPECT_EQ(test, 0u, words.count);
	KUNIT_EXPECT_FALSE(test, axv_guest_words_same(&m->vm, &words));
}

/* What the calls of clean_memory() were about. */
static struct {
	struct memory_vm *m;
	unsigned int count;
	u64 bytes;
	phys_addr_t last;
	unsigned int flushes;
	void (*hook)(void);
	struct task_struct *thread;	/* whose calls have the hook */
} cleaned;

static void fault_clean(phys_addr_t pa, u64 size)
{
	if (cleaned.hook && current == cleaned.thread)
		cleaned.hook();
	cleaned.count++;
	cleaned.bytes += size;
	cleaned.last = pa;
	cleaned.flushes = cleaned.m->flushes;
}

/* Use a format that has clean_memory(): with break-before-make, and of small pages. */
static void clean_begin(struct kunit *test, struct memory_vm *m)
{
	struct axv_s2_format *fmt = kunit_kmalloc(test, sizeof(*fmt), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fmt);
	*fmt = *m->vm.s2.fmt;
	fmt->break_before_make = true;
	fmt->max_leaf_level = 1;
	m->vm.s2.fmt = fmt;
	m->vm.s2.clean = fault_clean;
	memset(&cleaned, 0, sizeof(cleaned));
	cleaned.m = m;
}

/* Memory that is taken away is cleaned: once, when no translation of it is left. */
static void fault_test_clean(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_4M, PROT_RW);
	phys_addr_t pa;
	u32 i;

	clean_begin(test, m);
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_4M, hva));
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED,
				fault(m, GPA + i * SZ_4K, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 0, cleaned.count);

	/* The host takes one page. */
	pa = memory_vm_leaf(m, GPA + SZ_4K).pa;
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(hva + SZ_4K, SZ_4K));
	KUNIT_EXPECT_EQ(test, 1, cleaned.count);
	KUNIT_EXPECT_EQ(test, SZ_4K, cleaned.bytes);
	KUNIT_EXPECT_EQ(test, pa, cleaned.last);
	KUNIT_EXPECT_EQ(test, 1, cleaned.flushes);
	KUNIT_EXPECT_EQ(test, 0, memory_vm_leaf(m, GPA + SZ_4K).level);

	/* All mappings are removed, and faults bring them back; nothing is cleaned twice. */
	axv_memory_forget(&m->vm);
	KUNIT_EXPECT_EQ(test, 4, cleaned.count);
	KUNIT_EXPECT_EQ(test, 2, cleaned.flushes);
	axv_memory_forget(&m->vm);
	KUNIT_EXPECT_EQ(test, 4, cleaned.count);

	/*
	 * The region is deleted, with more in it than is cleaned while the lock is held
	 * once.
	 */
	for (i = 0; i < SZ_4M / SZ_4K; i++)
		if (i != 1)
			fault(m, GPA + i * SZ_4K, WRITE_FAULT);
	KUNIT_EXPECT_EQ(test, 4, cleaned.count);
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, 4 + SZ_4M / SZ_4K - 1, cleaned.count);
	KUNIT_EXPECT_EQ(test, (4 + SZ_4M / SZ_4K - 1) * (u64)SZ_4K, cleaned.bytes);
}

/* A page that is not clean yet is cleaned before another one is mapped in its place. */
static void fault_test_clean_first(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, SZ_64K, PROT_RW);
	phys_addr_t pa;

	clean_begin(test, m);
	KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_64K, hva));
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	pa = memory_vm_leaf(m, GPA).pa;
	write_lock(&m->vm.mmu_lock);
	KUNIT_EXPECT_TRUE(test, axv_s2_unmap(&m->vm.s2, GPA, SZ_4K));
	m->vm.ops->flush_stage2(&m->vm);
	write_unlock(&m->vm.mmu_lock);
	KUNIT_EXPECT_EQ(test, 0, cleaned.count);
	KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
	KUNIT_EXPECT_EQ(test, 1, cleaned.count);
	KUNIT_EXPECT_EQ(test, pa, cleaned.last);
	KUNIT_EXPECT_EQ(test, 1, memory_vm_leaf(m, GPA).level);
}

/* A thread that invalidates, as the host does, a page that another thread is cleaning. */
static struct {
	struct memory_vm *m;
	unsigned long hva;
	struct completion begin;
	struct completion done;
	struct axv_removal later;
	bool early;
} taker;

static void fault_take(unsigned long hva, unsigned long size)
{
	struct mmu_notifier *mn = &taker.m->vm.notifier;
	struct mmu_notifier_range range = {
		.mm = taker.m->vm.mm,
		.start = hva,
		.end = hva + size,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};

	mn->ops->invalidate_range_start(mn, &range);
	mn->ops->invalidate_range_end(mn, &range);
}

static int fault_taker(void *arg)
{
	wait_for_completion(&taker.begin);
	fault_take(taker.hva, SZ_4K);
	kthread_complete_and_exit(&taker.done, 0);
}

/* The first page is being cleaned: the other thread waits, or has the page already. */
static void fault_taken(void)
{
	cleaned.hook = NULL;
	complete(&taker.begin);
	/* Once the thread waits, it goes on waiting: nothing wakes it before all is clean. */
	while (!waitqueue_active(&taker.m->vm.invalidate_wait) &&
	       !completion_done(&taker.done))
		schedule_timeout_uninterruptible(1);
	taker.early = completion_done(&taker.done);
	/*
	 * Another removal begins, as a guest may cause for ever: the thread does not wait
	 * for it.
	 */
	write_lock(&taker.m->vm.mmu_lock);
	axv_removal_begin(&taker.m->vm, &taker.later);
	write_unlock(&taker.m->vm.mmu_lock);
}

static void fault_forget(struct kunit *test, unsigned long hva)
{
	axv_memory_forget(&taker.m->vm);
}

static void fault_delete(struct kunit *test, unsigned long hva)
{
	KUNIT_EXPECT_EQ(test, 0, memory_vm_set(test, 0, 0, 0, 0, 0));
}

static void fault_invalidate(struct kunit *test, unsigned long hva)
{
	fault_take(hva, SZ_4M);
}

/* The host gets a page only when it is clean, whichever call has removed its mapping. */
static void fault_test_clean_wait(struct kunit *test)
{
	static void (*const removals[])(struct kunit *test, unsigned long hva) = {
		fault_forget, fault_delete, fault_invalidate,
	};
	struct memory_vm *m = test->priv;
	unsigned long hva = memory_vm_map(test, ARRAY_SIZE(removals) * SZ_4M, PROT_RW);
	struct task_struct *task;
	unsigned int i;
	bool in_time;

	clean_begin(test, m);
	for (i = 0; i < ARRAY_SIZE(removals); i++, hva += SZ_4M) {
		KUNIT_ASSERT_EQ(test, 0, memory_vm_set(test, 0, 0, GPA, SZ_4M, hva));
		KUNIT_EXPECT_EQ(test, AXV_FAULT_RESOLVED, fault(m, GPA, WRITE_FAULT));
		taker.m = m;
		taker.hva = hva;
		taker.early = true;
		init_completion(&taker.begin);
		init_completion(&taker.done);
		task = kthread_run(fault_taker, NULL, "axv-taker");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
		cleaned.count = 0;
		cleaned.thread = current;
		cleaned.hook = fault_taken;
		removals[i](test, hva);
		KUNIT_EXPECT_EQ(test, 1, cleaned.count);
		if (cleaned.hook)
			fault_taken();
		in_time = wait_for_completion_timeout(&taker.done, 60 * HZ);
		axv_removal_end(&m->vm, &taker.later);
		if (!in_time)
			wait_for_completion(&taker.done);
		KUNIT_EXPECT_TRUE(test, in_time);
		KUNIT_EXPECT_FALSE_MSG(test, taker.early, "removal %u", i);
	}
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(fault_test_on_demand),
	KUNIT_CASE(fault_test_read_first),
	KUNIT_CASE(fault_test_unresolved),
	KUNIT_CASE(fault_test_readonly),
	KUNIT_CASE(fault_test_unmap),
	KUNIT_CASE(fault_test_log),
	KUNIT_CASE(fault_test_around),
	KUNIT_CASE(fault_test_around_bits),
	KUNIT_CASE(fault_test_around_none),
	KUNIT_CASE(fault_test_sync),
	KUNIT_CASE(fault_test_hole),
	KUNIT_CASE(fault_test_flushes),
	KUNIT_CASE(fault_test_flags),
	KUNIT_CASE(fault_test_young),
	KUNIT_CASE(fault_test_waits),
	KUNIT_CASE(fault_test_race),
	KUNIT_CASE(fault_test_stuck),
	KUNIT_CASE(fault_test_second),
	KUNIT_CASE(fault_test_clean),
	KUNIT_CASE(fault_test_clean_first),
	KUNIT_CASE(fault_test_clean_wait),
	KUNIT_CASE(fault_test_guest_access),
	KUNIT_CASE(fault_test_guest_signal),
	KUNIT_CASE(fault_test_guest_peek),
	KUNIT_CASE(fault_test_guest_words),
	KUNIT_CASE(fault_test_guest_words_ended),
	{}
};

axv_test_suite("axvcpu-fault", fault_cases, MEMORY_VM_FRAME);
