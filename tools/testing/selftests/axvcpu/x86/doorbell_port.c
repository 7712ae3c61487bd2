// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of doorbells at I/O ports, and of doorbells in guest memory for stores of x86.
 */
#include "axv_harness.h"
#include "bell.h"
#include "x86.h"

#define PORT	0xc050
#define ADDR	(GUEST_HOLE + 8)

FIXTURE(doorbell_port) {
	struct axv_vm vm;
	struct axv_vcpu v;
	int fd;
};

FIXTURE_SETUP(doorbell_port)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
	self->fd = event_new(0);
}

FIXTURE_TEARDOWN(doorbell_port)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
	close(self->fd);
}

/* OUT of 1, 2 and 4 bytes; RBX counts the instructions behind them. */
GUEST_CODE(outs, 64,
	"1:	out %al, %dx\n"
	"inc %rbx\n"
	"out %ax, %dx\n"
	"inc %rbx\n"
	"out %eax, %dx\n"
	"inc %rbx\n"
	HYPERCALL
	"jmp 1b\n");

static void begin_outs(struct axv_vcpu *v, __u64 port, __u64 data)
{
	x86_begin_long(v, outs, 0);
	*x86_gpr(v, AXV_X86_RAX) = data;
	*x86_gpr(v, AXV_X86_RDX) = port;
}

/* Run them.  Returns a mask of the widths that rang. */
static unsigned int widths_that_ring(struct axv_vcpu *v, int fd, __u64 data)
{
	unsigned int rang = 7;
	__u64 rings, mask;
	int reason;

	begin_outs(v, PORT, data);
	while ((reason = vcpu_run(v)) == AXV_EXIT_IO_WRITE) {
		mask = ~0ull >> (64 - 8 * v->run->exit.io.width);
		must(v->run->exit.io.port == PORT);
		must(v->run->exit.io.data == (data & mask));
		/* The guest's state is that after the instruction. */
		must(*x86_gpr(v, AXV_X86_RBX) == v->run->exit.io.width / 2);
		rang &= ~v->run->exit.io.width;
	}
	must(reason == AXV_EXIT_HYPERCALL);
	must(*x86_gpr(v, AXV_X86_RBX) == 3);
	rings = (rang & 1) + (rang >> 1 & 1) + (rang >> 2);
	must(count_of(fd) == rings);
	return rang;
}

TEST_F(doorbell_port, width)
{
	struct axv_stats s;
	__u32 width;

	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, 0x12345678));
	for (width = 1; width <= 4; width *= 2) {
		ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, PORT, width, 0, self->fd));
		EXPECT_EQ(width, widths_that_ring(&self->v, self->fd, 0x12345678));
		ASSERT_EQ(0, bell_remove(&self->vm, AXV_DOORBELL_PORT, PORT, width, 0, self->fd));
	}
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, PORT, 0, 0, self->fd));
	EXPECT_EQ(7u, widths_that_ring(&self->v, self->fd, 0x12345678));
	s = vcpu_stats(&self->v);
	EXPECT_EQ(6ull, s.doorbells);
	EXPECT_EQ(9ull, s.exits[AXV_EXIT_IO_WRITE]);
	ASSERT_EQ(0, bell_remove(&self->vm, AXV_DOORBELL_PORT, PORT, 0, 0, self->fd));
	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, 0x12345678));
}

TEST_F(doorbell_port, written_data)
{
	const __u32 flags = AXV_DOORBELL_PORT | AXV_DOORBELL_DATA;

	ASSERT_EQ(0, bell_set(&self->vm, flags, PORT, 2, 0x8001, self->fd));
	EXPECT_EQ(2u, widths_that_ring(&self->v, self->fd, 0xffffffff00008001));
	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, 0x8000));
	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, 0x1));
	ASSERT_EQ(0, bell_set(&self->vm, flags, PORT, 0, 0x56, self->fd));
	EXPECT_EQ(1u, widths_that_ring(&self->v, self->fd, 0x123456));
	EXPECT_EQ(7u, widths_that_ring(&self->v, self->fd, 0xabcd000000000056));
}

TEST_F(doorbell_port, port)
{
	/* A memory address with the same number is something else. */
	ASSERT_EQ(0, bell_set(&self->vm, 0, PORT, 0, 0, self->fd));
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, PORT - 1, 0, 0, self->fd));
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, PORT + 1, 0, 0, self->fd));
	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, 0));
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, ADDR & 0xffff, 0, 0, self->fd));
	guest_start(&self->v, GUEST_WRITE, ADDR, 1, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(0ull, count_of(self->fd));

	/* The last port. */
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, 0xffff, 1, 0, self->fd));
	begin_outs(&self->v, 0xffff, 0);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(2, self->v.run->exit.io.width);
	EXPECT_EQ(1ull, count_of(self->fd));
}

TEST_F(doorbell_port, hostile_arguments)
{
	static const struct {
		__u64 addr;
		__u32 width;
		__u64 data;
	} bad[] = {
		{ PORT, 8, 0 }, { PORT, 3, 0 }, { 0xffff, 2, 0 }, { 0xfffd, 4, 0 },
		{ 0x10000, 1, 0 }, { 0x10000, 0, 0 }, { ~0ull, 1, 0 }, { 1ull << 32 | PORT, 1, 0 },
		{ PORT, 0, 1ull << 32 }, { PORT, 4, 1ull << 32 }, { PORT, 1, 256 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, bell_set(&self->vm, AXV_DOORBELL_PORT |
					    (bad[i].data ? AXV_DOORBELL_DATA : 0), bad[i].addr,
					    bad[i].width, bad[i].data, self->fd)) {
			TH_LOG("case %u", i);
		}
	}
	EXPECT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, 0xfffc, 4, 0, self->fd));
	EXPECT_EQ(-EEXIST, bell_set(&self->vm, AXV_DOORBELL_PORT, 0xfffc, 4, 0, self->fd));
}

GUEST_CODE(string_outs, 64,
	"mov $" GUEST_CODE_TEXT ", %esi\n"
	"mov $2, %ecx\n"
	"cld\n"
	"rep outsb\n"
	HYPERCALL);

/* OUTS always goes to the VMM as a whole, even if a doorbell takes OUT at this port. */
TEST_F(doorbell_port, strings_are_the_vmms)
{
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, PORT, 0, 0, self->fd));
	x86_begin_long(&self->v, string_outs, 0);
	*x86_gpr(&self->v, AXV_X86_RDX) = PORT;
	ASSERT_EXIT(AXV_EXIT_IO_STRING, &self->v);
	EXPECT_EQ(PORT, self->v.run->exit.io_string.port);
	EXPECT_EQ(2ull, self->v.run->exit.io_string.count);
	EXPECT_EQ(0ull, count_of(self->fd));
}

/* IN is no write, so it does not ring. */
GUEST_CODE(in, 64, "in %dx, %al\n" HYPERCALL);

TEST_F(doorbell_port, reads_are_the_vmms)
{
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, PORT, 0, 0, self->fd));
	x86_begin_long(&self->v, in, 0);
	*x86_gpr(&self->v, AXV_X86_RDX) = PORT;
	ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
	EXPECT_EQ(0ull, count_of(self->fd));
}

/* Sends 1, 2, 3, ... by OUT. */
GUEST_CODE(count_out, 64,
	"sti\n"
	"xor %eax, %eax\n"
	"1:	inc %eax\n"
	"out %eax, %dx\n"
	"jmp 1b\n");

static int until_out(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason == AXV_EXIT_IO_WRITE;
}

TEST_F(doorbell_port, removed_while_it_rings)
{
	unsigned long n = scaled(300), i;
	struct axv_runner r;
	__u64 rings;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, PORT, 4, 0, self->fd));
		x86_begin_long(&self->v, count_out, 0);
		*x86_gpr(&self->v, AXV_X86_RDX) = PORT;
		runner_start(&r, &self->v, until_out, NULL);
		while (!(rings = count_of(self->fd)))
			sched_yield();
		ASSERT_EQ(0, bell_remove(&self->vm, AXV_DOORBELL_PORT, PORT, 4, 0, self->fd));
		rings += count_of(self->fd);
		runner_join(&r);
		ASSERT_EQ(0, r.error);
		ASSERT_EQ(rings + 1, self->v.run->exit.io.data);
		ASSERT_EQ(0ull, count_of(self->fd));
	}
}

/* After an OUT that rang, a single step traps as after any other instruction. */
GUEST_CODE(step, 64,
	"push %rax\n"
	"popf\n"
	"out %al, %dx\n"
	"nop\n"
	HYPERCALL);
GUEST_CODE(trap, 64, "pop %rbx\n" HYPERCALL);

TEST_F(doorbell_port, single_step)
{
	if (x86_in_bochs_svm())
		SKIP(return, "a single step of the guest's would crash the host");
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_PORT, PORT, 0, 0, self->fd));
	x86_load_at(&self->vm, 0x3000, trap, trap_end);
	x86_begin_long(&self->v, step, 0);
	x86_gate_long(&self->vm, VEC_DB, 0x3000, 0);
	*x86_gpr(&self->v, AXV_X86_RAX) = FLAG_FIXED | FLAG_TF;
	*x86_gpr(&self->v, AXV_X86_RDX) = PORT;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	/* The trap comes after OUT, at the NOP: PUSH and POPF have one byte each, as OUT. */
	EXPECT_EQ(GUEST_CODE_ADDR + 3, *x86_gpr(&self->v, AXV_X86_RBX));
	EXPECT_EQ(1ull, count_of(self->fd));
}

/* For STOS, each element is a store. */
GUEST_CODE(stos, 64,
	"mov %rsi, %rdi\n"
	"mov $3, %ecx\n"
	"cld\n"
	"rep stosl\n"
	HYPERCALL);

TEST_F(doorbell_port, elements_in_memory)
{
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_DATA, ADDR + 4, 4, 0x55, self->fd));
	x86_begin_long(&self->v, stos, 0);
	*x86_gpr(&self->v, AXV_X86_RSI) = ADDR;
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x55;
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(ADDR, self->v.run->exit.mmio.addr);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(ADDR + 8, self->v.run->exit.mmio.addr);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0ull, *x86_gpr(&self->v, AXV_X86_RCX));
	EXPECT_EQ(1ull, count_of(self->fd));
}

/* An instruction that the kernel does not decode goes to the VMM. */
GUEST_CODE(xchg, 64, "xchg %rax, (%rsi)\n" HYPERCALL);

TEST_F(doorbell_port, not_decoded)
{
	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 0, 0, self->fd));
	x86_begin_long(&self->v, xchg, 0);
	*x86_gpr(&self->v, AXV_X86_RSI) = ADDR;
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(ADDR, self->v.run->exit.fault.addr);
	EXPECT_EQ(0ull, count_of(self->fd));
}

TEST_HARNESS_MAIN
