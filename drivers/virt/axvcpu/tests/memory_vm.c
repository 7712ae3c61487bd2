// SPDX-License-Identifier: GPL-2.0
/*
 * A VM of guest memory and nothing else.
 *
 * KUnit runs its cases in kernel threads, which have no user memory.  The suites borrow the
 * address space of the process that loads the module: a suite's init runs in that process,
 * and holds a reference to its address space until the suite ends.
 */
#include <linux/align.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>

#include "memory_vm.h"

static struct mm_struct *memory_vm_mm;

static const struct axv_s2_format memory_vm_format = {
	.levels = 4,
	.ipa_bits = 48,
	.max_leaf_level = 3,
	.table = 0x27,
	.leaf = 0x5,
	.leaf_block = 0x80,
	.present_mask = 0x1,
	.table_mask = 0x80,
	.writable = 0x2,
	.not_executable = BIT_ULL(63),
	.accessed = 0x20,
	.dirty = 0x40,
	.addr_mask = GENMASK_ULL(51, 12),
};

static const struct axv_s2_format *memory_vm_s2_format(unsigned int ipa_bits)
{
	return ipa_bits == memory_vm_format.ipa_bits ? &memory_vm_format : NULL;
}

static void memory_vm_flush(struct axv_vm *vm)
{
	struct memory_vm *m = container_of(vm, struct memory_vm, vm);

	lockdep_assert_held(&vm->mmu_lock);
	m->flushes++;
	if (m->on_flush)
		m->on_flush(m);
}

/* Called in the process that loads the module. */
int memory_vm_suite_init(struct kunit_suite *suite)
{
	if (!current->mm)
		return -ESRCH;
	mmget(current->mm);
	memory_vm_mm = current->mm;
	return 0;
}

void memory_vm_suite_exit(struct kunit_suite *suite)
{
	if (memory_vm_mm)
		mmput(memory_vm_mm);
	memory_vm_mm = NULL;
}

/* Give this thread the VMM's address space.  For each thread that touches guest memory. */
void memory_vm_enter(void)
{
	kthread_use_mm(memory_vm_mm);
}

void memory_vm_leave(void)
{
	kthread_unuse_mm(memory_vm_mm);
}

int memory_vm_init(struct kunit *test)
{
	struct memory_vm *m;

	m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m);
	m->ops.name = "memory_vm";
	m->ops.s2_format = memory_vm_s2_format;
	m->ops.flush_stage2 = memory_vm_flush;
	m->vm.ops = &m->ops;
	m->vm.mm = memory_vm_mm;
	m->vcpu.vm = &m->vm;
	m->vm.ipa_bits = memory_vm_format.ipa_bits;
	mutex_init(&m->vm.lock);
	KUNIT_ASSERT_EQ(test, 0, axv_memory_init(&m->vm));
	test->priv = m;
	return 0;
}

void memory_vm_exit(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	unsigned int i;

	if (!m)
		return;
	m->on_flush = NULL;
	axv_s2_cache_drain(&m->vcpu.tables);
	for (i = 0; i < m->nr_vcpus; i++)
		axv_s2_cache_drain(&m->vcpus[i].tables);
	axv_memory_destroy(&m->vm);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&m->vm.s2.tables));
	KUNIT_EXPECT_EQ(test, 0, m->vm.invalidating);
	if (m->area) {
		/*
		 * A case that failed did not come to its end, and may have left the address
		 * space.
		 */
		if (!current->mm)
			memory_vm_enter();
		vm_munmap(m->area, m->area_size);
	}
	if (current->mm == memory_vm_mm && current->flags & PF_KTHREAD)
		memory_vm_leave();
}

/*
 * Map private anonymous memory in the VMM, whose address space is entered until the end.
 *
 * It begins in the middle of what one of the host's page tables maps.  Otherwise a test of
 * few pages, whose address the kernel chooses at random, has them in two tables now and then.
 */
unsigned long memory_vm_map(struct kunit *test, unsigned long size,
			    unsigned long prot)
{
	struct memory_vm *m = test->priv;
	unsigned long room;

	memory_vm_enter();
	room = vm_mmap(NULL, 0, size + PMD_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(room));
	m->area = ALIGN(room + PMD_SIZE / 2, PMD_SIZE) - PMD_SIZE / 2;
	m->area_size = size;
	if (m->area > room)
		vm_munmap(room, m->area - room);
	if (m->area < room + PMD_SIZE)
		vm_munmap(m->area + size, room + PMD_SIZE - m->area);
	return m->area;
}

int memory_vm_set(struct kunit *test, u32 id, u32 flags, u64 gpa, u64 size,
		  u64 hva)
{
	struct memory_vm *m = test->priv;
	struct axv_region region = {
		.id = id,
		.flags = flags,
		.fd = -1,
		.gpa = gpa,
		.size = size,
		.hva = hva,
	};

	return axv_set_region(&m->vm, &region);
}

/* A vCPU with no more in it than faults need. */
struct axv_vcpu *memory_vm_vcpu(struct kunit *test)
{
	struct memory_vm *m = test->priv;
	struct axv_vcpu *vcpu = &m->vcpus[m->nr_vcpus];

	KUNIT_ASSERT_LT(test, m->nr_vcpus++, (unsigned int)ARRAY_SIZE(m->vcpus));
	vcpu->vm = &m->vm;
	return vcpu;
}

struct axv_s2_leaf memory_vm_leaf(struct memory_vm *m, u64 gpa)
{
	struct axv_s2_leaf leaf;

	read_lock(&m->vm.mmu_lock);
	leaf = axv_s2_lookup(&m->vm.s2, gpa);
	read_unlock(&m->vm.mmu_lock);
	return leaf;
}
