// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the second stage on arm64: every width of guest physical addresses, page tables of
 * the guest that are not mapped in the second stage yet, and more VMs than VMIDs.
 */
#include "axv_harness.h"

#include "arm64.h"

#define GIB		(1ul << 30)
#define TCR_IPS_48	(5ul << 32)

/* A block entry of stage 1, as in guest_prepare() */
#define BLOCK		0x701ul

/* ---- widths ---------------------------------------------------------------------- */

/* Stage 2 begins with one table for 39 bits, and with sixteen for 43: all widths are tested. */
static const __u32 narrowest = 32;

static void vm_of_bits(struct axv_vm *vm, __u32 bits)
{
	struct axv_create_vm c = { .ipa_bits = bits };

	vm->dev = dev_open();
	vm->fd = axv_ioctl(vm->dev, AXV_CREATE_VM, &c);
	must(vm->fd >= 0);
	vm->ram = mem_new(GUEST_RAM_SIZE);
	must(!vm_region(vm, 0, 0, 0, GUEST_RAM_SIZE, vm->ram));
	guest_prepare(vm);
}

/* Run a program of guest.h with wide addresses; returns its result. */
static __u64 run_program(struct axv_vcpu *v, enum guest_program program, __u64 addr,
			 __u64 value)
{
	guest_start(v, program, addr, 1, value);
	v->run->regs.sregs.tcr_el1 |= TCR_IPS_48;
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	must(v->run->exit.hypercall.nr == 0);
	return v->run->exit.hypercall.args[0];
}

/*
 * Use a page at the end of the address space, one at the end of its lower half, of the lower
 * half of that, and so on: if a bit of an address were lost, two pages would be the same.
 */
static void check_width(struct __test_metadata *_metadata, __u32 bits)
{
	const int pages = bits - narrowest + 1;
	struct axv_vm vm;
	struct axv_vcpu v;
	__u64 *table, *mem;
	int i;

	vm_of_bits(&vm, bits);
	vcpu_ready(&vm, &v, 0);
	mem = mem_new(pages * PAGE);
	table = (__u64 *)(vm.ram + GUEST_TABLE);
	for (i = 0; i < pages; i++) {
		__u64 end = 1ul << (narrowest + i);

		table[i + 1] = (end - GIB) | BLOCK;
		ASSERT_EQ(0, vm_region(&vm, i + 1, 0, end - PAGE, PAGE,
				       (void *)mem + i * PAGE));
	}
	for (i = 0; i < pages; i++)
		run_program(&v, GUEST_WRITE, (i + 2) * GIB - PAGE, i + 1);
	for (i = 0; i < pages; i++) {
		EXPECT_EQ(i + 1, run_program(&v, GUEST_READ, (i + 2) * GIB - PAGE, 0));
		EXPECT_EQ(i + 1, mem[i * PAGE / sizeof(*mem)]);
	}
	must(!munmap(mem, pages * PAGE));
	vcpu_free(&v);
	vm_free(&vm);
}

TEST(every_width_of_addresses)
{
	int dev = dev_open();
	__u32 bits, widest = axv_query(dev, AXV_QUERY_IPA_BITS);

	ASSERT_GE(widest, narrowest);
	for (bits = narrowest; bits <= widest; bits++) {
		TH_LOG("%u bits", bits);
		check_width(_metadata, bits);
	}
	must(!close(dev));
}

/* ---- page tables of the guest ---------------------------------------------------- */

#define TABLE		3ul
#define TCR_T0SZ	0x3ful
#define TCR_DS		(1ul << 59)

/* The tables are farther apart than the pages that one fault maps. */
#define TABLE_ADDR(n)	(GUEST_MEM + (n) * 64 * PAGE)

GUEST_CODE(tell_mmfr0,
	"mov	x0, #0\n"
	"mrs	x1, id_aa64mmfr0_el1\n"
	"hvc	#0\n");

/* ID_AA64MMFR0_EL1.TGran4: pages of 4 KiB with addresses of 52 bits */
static int has_lpa2(struct axv_vcpu *v)
{
	__u64 tgran4;

	arm64_load(v->vm, tell_mmfr0);
	arm64_start(v, GUEST_CODE_ADDR);
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	tgran4 = v->run->exit.hypercall.args[0] >> 28 & 0xf;
	return tgran4 >= 1 && tgran4 < 8;
}

/*
 * Test a walk of @levels tables, none of which the guest has accessed, so that the walk itself
 * faults on each: for a load, and again, after a reset has removed all mappings, for the first
 * fetch.
 */
static void check_walk(struct __test_metadata *_metadata, int levels)
{
	const int wide = levels == 5;
	const __u64 bits = wide ? 52 : 12 + 9 * levels;
	const int tables = levels - 2;	/* the last entry is a block of 1 GiB */
	struct axv_vm vm;
	struct axv_vcpu v;
	__u8 *mem;
	int i;

	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	mem = mem_new(tables * 64 * PAGE);
	must(!mem_small_pages(mem, tables * 64 * PAGE));
	ASSERT_EQ(0, vm_region(&vm, 1, 0, TABLE_ADDR(0), tables * 64 * PAGE, mem));
	for (i = 0; i < tables; i++)
		*(__u64 *)(mem + i * 64 * PAGE) = i == tables - 1 ?
			/* With TCR_DS an entry has address bits instead of shareability. */
			BLOCK & ~(wide ? 0x300ul : 0) : TABLE_ADDR(i + 1) | TABLE;

	*(__u64 *)(vm.ram + GUEST_DATA) = levels;
	for (i = 0; i < 2; i++) {
		guest_start(&v, GUEST_READ, GUEST_DATA, 1, 0);
		v.run->regs.sregs.ttbr0_el1 = TABLE_ADDR(0);
		v.run->regs.sregs.tcr_el1 &= ~TCR_T0SZ;
		v.run->regs.sregs.tcr_el1 |= (64 - bits) | (wide ? TCR_DS : 0);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
		EXPECT_EQ(0, v.run->exit.hypercall.nr);
		EXPECT_EQ(levels, v.run->exit.hypercall.args[0]);
		ASSERT_EQ(0, vcpu_unbind(&v));
		ASSERT_EQ(0, vcpu_reset(&v));
		ASSERT_EQ(0, guest_setup(&v));
		ASSERT_EQ(0, vcpu_bind(&v));
	}
	must(!munmap(mem, tables * 64 * PAGE));
	vcpu_free(&v);
	vm_free(&vm);
}

TEST(walks_of_three_and_four_levels)
{
	check_walk(_metadata, 3);
	check_walk(_metadata, 4);
}

/* The first table is of level -1. */
TEST(walk_of_five_levels)
{
	struct axv_vm vm;
	struct axv_vcpu v;
	int there;

	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	there = has_lpa2(&v);
	vcpu_free(&v);
	vm_free(&vm);
	if (!there)
		SKIP(return, "no FEAT_LPA2");
	check_walk(_metadata, 5);
}

/* ---- reset ----------------------------------------------------------------------- */

#define PAGES	16
#define WHERE	0x40000ul

/*
 * After a reset the guest's caches are off, while the VMM writes new contents with its
 * caches on.  So all memory has to be mapped anew by faults, which clean the caches.  (Not
 * if stage 2 forces write-back and the instruction cache needs no maintenance; no emulator
 * is such a host.)  Emulators have no caches, either: the test only sees the faults.
 */
TEST(memory_after_a_reset)
{
	struct axv_vcpu v;
	struct axv_vm vm;
	__u64 before, i;

	vm_new(&vm, 0);
	mem_small_pages(vm.ram, GUEST_RAM_SIZE);
	/* Write the pages, so that the host has no reason to replace them when the VMM does. */
	memset(vm.ram + WHERE, 1, PAGES * PAGE);
	vcpu_ready(&vm, &v, 0);
	guest_start(&v, GUEST_READ, WHERE, PAGES, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	before = vcpu_stats(&v).faults;
	guest_start(&v, GUEST_READ, WHERE, PAGES, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	EXPECT_EQ(before, vcpu_stats(&v).faults);

	ASSERT_EQ(0, vcpu_unbind(&v));
	ASSERT_EQ(0, vcpu_reset(&v));
	for (i = 0; i < PAGES; i++)
		*(__u64 *)(vm.ram + WHERE + i * PAGE) = 3;
	ASSERT_EQ(0, guest_setup(&v));
	ASSERT_EQ(0, vcpu_bind(&v));
	guest_start(&v, GUEST_READ, WHERE, PAGES, 0);
	v.run->regs.sregs.sctlr_el1 &= ~0x1005ul;	/* M, C and I */
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	EXPECT_EQ(3 * PAGES, v.run->exit.hypercall.args[0]);
	/* One fault maps up to 16 pages. */
	EXPECT_LE(before + PAGES / 16, vcpu_stats(&v).faults);
	vcpu_free(&v);
	vm_free(&vm);
}

/* ---- VMIDs ------------------------------------------------------------------------ */

#define MANY	280	/* more than the 255 VMIDs of eight bits */
#define ROUNDS		3

struct tenant {
	struct axv_vm vm;
	struct axv_vcpu v;
};

static void tenant_new(struct tenant *t, __u64 mark)
{
	vm_new(&t->vm, 0);
	vcpu_new(&t->vm, &t->v, 0);
	must(!guest_setup(&t->v));
	*(__u64 *)(t->vm.ram + GUEST_DATA) = mark;
}

static void tenant_free(struct tenant *t)
{
	vcpu_free(&t->v);
	vm_free(&t->vm);
}

static __u64 tenant_reads(struct tenant *t)
{
	guest_start(&t->v, GUEST_READ, GUEST_DATA, 1, 0);
	must(vcpu_run(&t->v) == AXV_EXIT_HYPERCALL);
	return t->v.run->exit.hypercall.args[0];
}

/* A vCPU reads its own memory again and again while others use all VMIDs up. */
static int reads_its_own(struct axv_runner *r)
{
	must(r->vcpu->run->exit_reason == AXV_EXIT_KICKED ||
	     r->vcpu->run->exit.hypercall.args[0] == MANY + 1);
	return 0;
}

/*
 * All VMs use the same guest address.  (An emulator that drops all translations when the
 * VMID changes only shows that using all VMIDs up does no harm; KUnit tests their rules.)
 */
TEST(more_vms_than_vmids)
{
	static struct tenant t[MANY], other;
	struct axv_runner r;
	int i, round;

	tenant_new(&other, MANY + 1);
	guest_start(&other.v, GUEST_READ, GUEST_DATA, 1, 0);
	runner_start(&r, &other.v, reads_its_own, NULL);
	runner_await(&r, AXV_EXIT_HYPERCALL, 1);

	for (i = 0; i < MANY; i++) {
		tenant_new(&t[i], i);
		must(!vcpu_bind(&t[i].v));
	}
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < MANY; i++)
			ASSERT_EQ(i, tenant_reads(&t[i]));
	/* Change between two VMs, for which no translation has to be dropped. */
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, tenant_reads(&t[0]));
		ASSERT_EQ(1, tenant_reads(&t[1]));
	}

	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_LT(0, r.exits[AXV_EXIT_HYPERCALL]);
	for (i = 0; i < MANY; i++)
		tenant_free(&t[i]);
	tenant_free(&other);
}

TEST_HARNESS_MAIN
