// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of exits by ports: IN, OUT, INS and OUTS.  Compiled for each mode, see modes.h.
 */
#include "modes.h"

GUEST_CODE(code_out, BITS,
	"out %al, $0x70\n"
	"out %ax, $0x72\n"
	"out %eax, $0x74\n"
	"mov $0x3f8, %dx\n"
	"out %al, %dx\n"
	"out %ax, %dx\n"
	"out %eax, %dx\n"
	HYPERCALL);

TEST_F(exits, io_write)
{
	static const struct {
		__u16 port;
		__u8 width, len;
	} t[] = {
		{ 0x70, 1, 2 }, { 0x72, 2, BITS == 16 ? 2 : 3 }, { 0x74, 4, BITS == 16 ? 3 : 2 },
		{ 0x3f8, 1, 1 }, { 0x3f8, 2, BITS == 16 ? 1 : 2 }, { 0x3f8, 4, BITS == 16 ? 2 : 1 },
	};
	struct axv_run *run = self->v.run;
	__u64 ip = GUEST_CODE_ADDR;
	unsigned int i;

	BEGIN(self, code_out);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0xaabbccdd;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
		EXPECT_EQ(t[i].port, run->exit.io.port);
		EXPECT_EQ(t[i].width, run->exit.io.width);
		EXPECT_EQ(0xaabbccdd & (~0ull >> (64 - 8 * t[i].width)), run->exit.io.data);
		EXPECT_EQ(t[i].len, run->insn_len);
		if (i == 3)
			ip += BITS == 16 ? 3 : 4;	/* the mov */
		ip += t[i].len;
		EXPECT_EQ(ip, run->ip);
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0xaabbccddull, run->exit.hypercall.nr & 0xffffffff);
}

GUEST_CODE(code_in, BITS,
	"in $0x70, %al\n"
	HYPERCALL
	"in $0x72, %ax\n"
	HYPERCALL
	"in $0x74, %eax\n"
	HYPERCALL
	"mov $0x3f8, %dx\n"
	"in %dx, %al\n"
	HYPERCALL
	"in %dx, %ax\n"
	HYPERCALL
	"in %dx, %eax\n"
	HYPERCALL);

TEST_F(exits, io_read)
{
	static const struct {
		__u16 port;
		__u8 width;
	} t[] = { { 0x70, 1 }, { 0x72, 2 }, { 0x74, 4 }, { 0x3f8, 1 }, { 0x3f8, 2 }, { 0x3f8, 4 } };
	struct axv_run *run = self->v.run;
	__u64 rax = 0xa5a5a5a5;
	unsigned int i;

	BEGIN(self, code_in);
	*x86_gpr(&self->v, AXV_X86_RAX) = rax;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		__u64 mask = ~0ull >> (64 - 8 * t[i].width);
		__u64 data = 0x0123456789abcdefull * (i + 1);
		__u64 before = run->regs.gprs.rip;

		ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
		EXPECT_EQ(t[i].port, run->exit.io.port);
		EXPECT_EQ(t[i].width, run->exit.io.width);
		/* The instruction has not been executed yet. */
		EXPECT_EQ(rax, *x86_gpr(&self->v, AXV_X86_RAX));
		EXPECT_EQ(before + (i == 3 ? (BITS == 16 ? 3 : 4) : 0), run->regs.gprs.rip);
		EXPECT_EQ(run->regs.gprs.rip, run->ip);
		/* Bits of the answer beyond the width are ignored. */
		run->exit.io.data = data;
		rax = (t[i].width == 4 ? 0 : rax & ~mask) | (data & mask);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		EXPECT_EQ(rax, *x86_gpr(&self->v, AXV_X86_RAX)) TH_LOG("access %u", i);
	}
}

TEST_F(exits, io_read_given_up)
{
	struct axv_run *run = self->v.run;

	/* If the guest goes on at another instruction, the answer is dropped. */
	BEGIN(self, code_in);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x55;
	ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
	run->exit.io.data = 0xaa;
	run->regs.gprs.rip += 2;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x55ull, run->exit.hypercall.nr);
	/* It is also dropped if that is an access of the same kind, at another address. */
	BEGIN(self, code_in);
	ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
	run->exit.io.data = 0xaa;
	self->vm.ram[GUEST_CODE_ADDR + 1] = 0x71;
	ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
	EXPECT_EQ(0x71, run->exit.io.port);
	run->exit.io.data = 0xbb;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0xbbull, run->exit.hypercall.nr & 0xff);
}

#define OUTS(suffix)							\
	"mov $0x80, %dx\n"						\
	"rep outs" suffix "\n"						\
	HYPERCALL

GUEST_CODE(code_outsb, BITS, OUTS("b"));
GUEST_CODE(code_outsw, BITS, OUTS("w"));
GUEST_CODE(code_outsl, BITS, OUTS("l"));

/* Check the exit of INS or OUTS, before the instruction has done anything. */
static void expect_string(struct __test_metadata *_metadata, struct axv_vcpu *v, int in,
			  int width, int seg, __u64 rest)
{
	const struct axv_exit_io_string *io = &v->run->exit.io_string;
	__u64 rcx = *x86_gpr(v, AXV_X86_RCX);

	ASSERT_EXIT(AXV_EXIT_IO_STRING, v);
	EXPECT_EQ(0x80, io->port);
	EXPECT_EQ(width, io->width);
	EXPECT_EQ(in, io->in);
	EXPECT_EQ(1, io->rep);
	EXPECT_EQ(rest, io->count);
	if (io->addr_width != AXV_IO_STRING_UNTOLD)
		EXPECT_EQ(BITS / 8, io->addr_width);
	if (in || io->seg != AXV_IO_STRING_UNTOLD)
		EXPECT_EQ(seg, io->seg);
	EXPECT_EQ(width == 1 || (width == 2) == (BITS == 16) ? 2 : 3, v->run->insn_len);
	EXPECT_EQ((__u64)GUEST_CODE_ADDR + (BITS == 16 ? 3 : 4), v->run->ip);
	EXPECT_EQ(rcx, *x86_gpr(v, AXV_X86_RCX));
}

/* As a VMM does for @n elements: change @reg and rCX; the last one ends the instruction. */
static void move_on(struct axv_vcpu *v, int reg, int width, int n)
{
	*x86_gpr(v, reg) += n * width;
	*x86_gpr(v, AXV_X86_RCX) -= n;
	if (!*x86_gpr(v, AXV_X86_RCX))
		v->run->regs.gprs.rip += v->run->insn_len;
	x86_touch_gprs(v);
}

static void outs_test(struct __test_metadata *_metadata, struct axv_vcpu *v, int width)
{
	struct axv_run *run = v->run;

	*x86_gpr(v, AXV_X86_RSI) = DATA + 0x100;
	*x86_gpr(v, AXV_X86_RCX) = 3;
	expect_string(_metadata, v, 0, width, AXV_X86_DS, 3);
	EXPECT_EQ(DATA + 0x100, *x86_gpr(v, AXV_X86_RSI));
	/* The same exit comes again if the VMM does nothing; then one for the rest. */
	expect_string(_metadata, v, 0, width, AXV_X86_DS, 3);
	move_on(v, AXV_X86_RSI, width, 1);
	expect_string(_metadata, v, 0, width, AXV_X86_DS, 2);
	move_on(v, AXV_X86_RSI, width, 2);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
	EXPECT_EQ(DATA + 0x100 + 3 * width, run->exit.hypercall.args[3]);
	EXPECT_EQ(0ull, run->exit.hypercall.args[1]);
}

TEST_F(exits, io_string_write)
{
	BEGIN(self, code_outsb);
	outs_test(_metadata, &self->v, 1);
	BEGIN(self, code_outsw);
	outs_test(_metadata, &self->v, 2);
	BEGIN(self, code_outsl);
	outs_test(_metadata, &self->v, 4);
}

#define INS(suffix)							\
	"mov $0x80, %dx\n"						\
	"rep ins" suffix "\n"						\
	HYPERCALL

GUEST_CODE(code_insb, BITS, INS("b"));
GUEST_CODE(code_insw, BITS, INS("w"));
GUEST_CODE(code_insl, BITS, INS("l"));

static void ins_test(struct __test_metadata *_metadata, struct axv_vcpu *v, int width)
{
	*x86_gpr(v, AXV_X86_RDI) = DATA + 0x100;
	*x86_gpr(v, AXV_X86_RCX) = 3;
	expect_string(_metadata, v, 1, width, AXV_X86_ES, 3);
	EXPECT_EQ(DATA + 0x100, *x86_gpr(v, AXV_X86_RDI));
	move_on(v, AXV_X86_RDI, width, 3);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
	EXPECT_EQ(DATA + 0x100 + 3 * width, v->run->exit.hypercall.args[4]);
	EXPECT_EQ(0ull, v->run->exit.hypercall.args[1]);
}

TEST_F(exits, io_string_read)
{
	BEGIN(self, code_insb);
	ins_test(_metadata, &self->v, 1);
	BEGIN(self, code_insw);
	ins_test(_metadata, &self->v, 2);
	BEGIN(self, code_insl);
	ins_test(_metadata, &self->v, 4);
}

GUEST_CODE(code_rep_nothing, BITS,
	"xor %ecx, %ecx\n"
	"rep stosb\n"
	HYPERCALL);

TEST_F(exits, rep_of_nothing)
{
	BEGIN(self, code_rep_nothing);
	hole_in_es(&self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

GUEST_CODE(code_ins_outs, BITS,
	"mov $0x80, %dx\n"
	"insb\n"
	"outsb %fs:(" R(si) "), %dx\n"
	HYPERCALL);

TEST_F(exits, io_string_of_one)
{
	struct axv_run *run = self->v.run;
	const struct axv_exit_io_string *io = &run->exit.io_string;

	BEGIN(self, code_ins_outs);
	*x86_gpr(&self->v, AXV_X86_RCX) = 7;
	ASSERT_EXIT(AXV_EXIT_IO_STRING, &self->v);
	EXPECT_EQ(1, io->in);
	EXPECT_EQ(0, io->rep);
	EXPECT_EQ(1ull, io->count);
	EXPECT_EQ(1, run->insn_len);
	run->regs.gprs.rip += run->insn_len;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_IO_STRING, &self->v);
	EXPECT_EQ(0, io->in);
	EXPECT_EQ(1ull, io->count);
	EXPECT_EQ(2, run->insn_len);
	if (io->seg != AXV_IO_STRING_UNTOLD)
		EXPECT_EQ(AXV_X86_FS, io->seg);
	run->regs.gprs.rip += run->insn_len;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(7ull, run->exit.hypercall.args[1]);
}

TEST_HARNESS_MAIN
