// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of an instruction that exits again and again, while its code, its page table, the
 * registers or the regions change between two exits.  The module remembers what it has
 * decoded, which must have no visible effect.
 */
#include <pthread.h>

#include "axv_harness.h"
#include "x86.h"

#define ROUNDS		100
#define RACE_ROUNDS	1000
#define DROPPED_MAX	100000		/* if so many in a row are dropped, none ever arrives */
#define PAGE_A		0x50000ul	/* where the instruction is */
#define PAGE_B		0x51000ul
#define REGION		0x400000ul	/* above the RAM */
#define PTE_ACCESSED	(1ull << 5)

FIXTURE(rewritten) {
	struct axv_vm vm;
	struct axv_vcpu v;
	volatile int stop;
	volatile int started;
};

/* Calls the IN in page A, sends by OUT what that has read, and flushes the TLB. */
GUEST_CODE(code_loop, 64,
	"1: call *%rbx\n"
	"out %al, $0x80\n"
	"mov %cr3, %rcx\n"
	"mov %rcx, %cr3\n"
	"jmp 1b\n");
GUEST_CODE(code_in_10, 64, "in $0x10, %al\n" "ret\n");
GUEST_CODE(code_in_20, 64, "in $0x20, %al\n" "ret\n");
GUEST_CODE(code_mmio, 64, "mov (%rdi), %al\n" "ret\n");
GUEST_CODE(code_cpuid, 64, "push %rbx\n" "cpuid\n" "nop\n" "pop %rbx\n" "ret\n");
GUEST_CODE(code_rex_cpuid, 64, "push %rbx\n" ".byte 0x48\n" "cpuid\n" "pop %rbx\n" "ret\n");

FIXTURE_SETUP(rewritten)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
	x86_load(&self->vm, code_loop);
	x86_load_at(&self->vm, PAGE_A, code_in_10, code_in_10_end);
	x86_load_at(&self->vm, PAGE_B, code_in_20, code_in_20_end);
	x86_start_long(&self->v, GUEST_CODE_ADDR);
	*x86_gpr(&self->v, AXV_X86_RBX) = PAGE_A;
	*x86_gpr(&self->v, AXV_X86_RDI) = GUEST_HOLE;
}

FIXTURE_TEARDOWN(rewritten)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

/* Answer the IN that has exited, and check that the answer arrives. */
#define EXPECT_ARRIVES(self, answer) do {				\
	(self)->v.run->exit.io.data = (answer);				\
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &(self)->v);			\
	ASSERT_EQ((__u64)(answer), (self)->v.run->exit.io.data);	\
} while (0)

TEST_F(rewritten, code)
{
	volatile __u8 *port = self->vm.ram + PAGE_A + 1;
	struct axv_run *run = self->v.run;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
		ASSERT_EQ(*port, run->exit.io.port);
		if (i % 3 == 2) {
			/* The port has changed, so the answer is dropped. */
			run->exit.io.data = 0xee;
			*port ^= 0x30;
			ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
			ASSERT_EQ(*port, run->exit.io.port);
		}
		EXPECT_ARRIVES(self, i);
		if (i % 5 == 4)
			*port ^= 0x30;
	}
}

TEST_F(rewritten, page_table)
{
	__u64 *pte = x86_pte(&self->vm, PAGE_A);
	struct axv_run *run = self->v.run;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
		ASSERT_EQ((*pte & PAGE_B) == PAGE_B ? 0x20 : 0x10, run->exit.io.port);
		EXPECT_ARRIVES(self, i);
		/* The guest flushes its TLB now. Change its entry, also when not accessed. */
		if (i % 3 == 2)
			*pte ^= PAGE_A ^ PAGE_B;
		if (i % 4 == 3)
			*pte &= ~PTE_ACCESSED;
	}
}

TEST_F(rewritten, regions)
{
	__u8 *mem[2] = { mem_new(PAGE), mem_new(PAGE) };
	struct axv_run *run = self->v.run;
	int i;

	memcpy(mem[0], code_in_10, code_in_10_end - code_in_10);
	memcpy(mem[1], code_in_20, code_in_20_end - code_in_20);
	*x86_pte(&self->vm, PAGE_A) = REGION | PTE_P | PTE_W;
	for (i = 0; i < ROUNDS; i++) {
		if (i % 4 == 0) {
			if (i)
				ASSERT_EQ(0, vm_region(&self->vm, 1, 0, REGION, 0, NULL));
			ASSERT_EQ(0, vm_region(&self->vm, 1, 0, REGION, PAGE, mem[i / 4 % 2]));
		}
		ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
		ASSERT_EQ(i / 4 % 2 ? 0x20 : 0x10, run->exit.io.port);
		EXPECT_ARRIVES(self, i);
	}
}

#define EXPECT_MMIO(self, address) do {					\
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &(self)->v);			\
	ASSERT_EQ((address), (self)->v.run->exit.mmio.addr);		\
} while (0)

#define EXPECT_READS(self, value) do {					\
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &(self)->v);			\
	ASSERT_EQ((__u64)(value), (self)->v.run->exit.io.data);		\
} while (0)

TEST_F(rewritten, operand_of_a_device_read)
{
	struct axv_run *run = self->v.run;
	__u8 *mem = mem_new(PAGE);
	int i;

	x86_load_at(&self->vm, PAGE_A, code_mmio, code_mmio_end);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_MMIO(self, GUEST_HOLE);
		run->exit.mmio.data = i;
		EXPECT_READS(self, i);
	}

	/* Another address, by a register: through the run page, and by AXV_VCPU_SET_REGS. */
	EXPECT_MMIO(self, GUEST_HOLE);
	run->exit.mmio.data = 0xee;
	*x86_gpr(&self->v, AXV_X86_RDI) += 8;
	x86_touch_gprs(&self->v);
	EXPECT_MMIO(self, GUEST_HOLE + 8);
	run->exit.mmio.data = 0xee;
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(GPR, AXV_X86_RDI), GUEST_HOLE));
	EXPECT_MMIO(self, GUEST_HOLE);
	run->exit.mmio.data = 0x11;
	EXPECT_READS(self, 0x11);

	/* There is memory at the address, and then no more. */
	EXPECT_MMIO(self, GUEST_HOLE);
	run->exit.mmio.data = 0xee;
	*mem = 0xcc;
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_HOLE, PAGE, mem));
	EXPECT_READS(self, 0xcc);
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_HOLE, 0, NULL));
	EXPECT_MMIO(self, GUEST_HOLE);
	run->exit.mmio.data = 0x22;
	EXPECT_READS(self, 0x22);
}

/* An exit that the kernel answers, whose instruction becomes longer and shorter. */
TEST_F(rewritten, length)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (i % 3 == 0)
			x86_load_at(&self->vm, PAGE_A, code_cpuid, code_cpuid_end);
		else if (i % 3 == 2)
			x86_load_at(&self->vm, PAGE_A, code_rex_cpuid, code_rex_cpuid_end);
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
		ASSERT_EQ((__u64)PAGE_A, *x86_gpr(&self->v, AXV_X86_RBX));
	}
}

typedef FIXTURE_DATA(rewritten) rewritten_fixture;

static void *rewrite_code(void *arg)
{
	rewritten_fixture *self = arg;
	volatile __u8 *port = self->vm.ram + PAGE_A + 1;

	self->started = 1;
	while (!self->stop)
		*port ^= 0x30;
	return NULL;
}

static void *rewrite_page_table(void *arg)
{
	rewritten_fixture *self = arg;
	volatile __u64 *pte = x86_pte(&self->vm, PAGE_A);

	self->started = 1;
	while (!self->stop)
		*pte = (*pte & ~PTE_ACCESSED) ^ PAGE_A ^ PAGE_B;
	return NULL;
}

/* While a thread changes things, the answer that arrives is that of the last IN that exited. */
static void race(struct __test_metadata *_metadata, rewritten_fixture *self,
		 void *(*thread)(void *))
{
	struct axv_run *run = self->v.run;
	int i, reason, dropped = 0, port = 0;
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, thread, self));
	while (!self->started)
		sched_yield();
	for (i = 0; i < RACE_ROUNDS; ) {
		reason = vcpu_run(&self->v);
		if (reason == AXV_EXIT_IO_READ) {
			port = run->exit.io.port;
			ASSERT_TRUE(port == 0x10 || port == 0x20);
			run->exit.io.data = port + i % 8;
			ASSERT_GT(DROPPED_MAX, ++dropped);
		} else {
			ASSERT_EQ(AXV_EXIT_IO_WRITE, reason);
			ASSERT_EQ((__u64)port + i % 8, run->exit.io.data);
			dropped = 0;
			i++;
		}
	}
	self->stop = 1;
	pthread_join(t, NULL);
}

TEST_F(rewritten, race_with_code)
{
	race(_metadata, self, rewrite_code);
}

TEST_F(rewritten, race_with_page_table)
{
	race(_metadata, self, rewrite_page_table);
}

TEST_HARNESS_MAIN
