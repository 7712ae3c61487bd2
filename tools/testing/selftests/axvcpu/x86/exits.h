/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exits of one x86 vCPU, as far as they are the same in 16-, 32- and 64-bit
 * mode: included by one program per mode, which defines BITS. The guest code is
 * the same text, assembled for the mode; R(di) is the mode's DI.
 *
 * ES:DI is GUEST_HOLE, where there is no memory, and DS:SI is DATA.
 */
#include "axv_harness.h"
#include "x86.h"

#define DATA		0x6000ul
#define DATA_END	0x7000ul

#if BITS == 16
#define R(reg)		"%" #reg
#define IRET		"iretw\n"
#define HOLE_DI		0ul
#define HOLE_MOFFS	"%es:0x10"
#define MOFFS		"mov"
#define GPR_MASK	0xffffull
#define x86_start	x86_start_real
#define x86_gate(vm, vector, ip)	x86_gate_real(vm, vector, ip)
#elif BITS == 32
#define R(reg)		"%e" #reg
#define IRET		"iretl\n"
#define HOLE_DI		GUEST_HOLE
#define HOLE_MOFFS	"0xd0010"
#define MOFFS		"mov"
#define GPR_MASK	0xffffffffull
#define x86_start	x86_start_prot
#define x86_gate(vm, vector, ip)	x86_gate_prot(vm, vector, ip, 0)
#else
#define R(reg)		"%r" #reg
#define IRET		"iretq\n"
#define HOLE_DI		GUEST_HOLE
#define HOLE_MOFFS	"0xd0010"
#define MOFFS		"movabs"
#define GPR_MASK	(~0ull)
#define x86_start	x86_start_long
#define x86_gate(vm, vector, ip)	x86_gate_long(vm, vector, ip, 0)
#endif

FIXTURE(exits) {
	struct axv_vm vm;
	struct axv_vcpu v;
};

FIXTURE_SETUP(exits)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
}

FIXTURE_TEARDOWN(exits)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

/* ES:DI becomes the hole; otherwise ES is DS. */
static void hole_in_es(struct axv_vcpu *v)
{
	if (BITS == 16) {
		v->run->regs.sregs.seg[AXV_X86_ES].selector = GUEST_HOLE >> 4;
		v->run->regs.sregs.seg[AXV_X86_ES].base = GUEST_HOLE;
	}
	*x86_gpr(v, AXV_X86_RDI) = HOLE_DI;
	*x86_gpr(v, AXV_X86_RSI) = DATA;
}

#define BEGIN(self, name) do {						\
	x86_load(&(self)->vm, name);					\
	x86_start(&(self)->v, GUEST_CODE_ADDR);				\
} while (0)

/* ---- hypercalls ---- */

GUEST_CODE(code_hypercall, BITS,
	HYPERCALL
	"mov %eax, %ebx\n"
	HYPERCALL
	"hlt\n");

TEST_F(exits, hypercall)
{
	struct axv_run *run = self->v.run;
	static const int regs[] = {
		AXV_X86_RBX, AXV_X86_RCX, AXV_X86_RDX, AXV_X86_RSI, AXV_X86_RDI, AXV_X86_RBP,
	};
	unsigned int i;

	BEGIN(self, code_hypercall);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x1234;
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		*x86_gpr(&self->v, regs[i]) = 0x100 + i;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x1234ull, run->exit.hypercall.nr);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		EXPECT_EQ(0x100ull + i, run->exit.hypercall.args[i]);
	/* The state is that of after. */
	EXPECT_EQ(3, run->insn_len);
	EXPECT_EQ(GUEST_CODE_ADDR + 3, run->ip);
	EXPECT_EQ(GUEST_CODE_ADDR + 3, run->regs.gprs.rip);
	/* The VMM's answer goes into RAX, as it likes. */
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x5678;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x5678ull, run->exit.hypercall.nr);
	EXPECT_EQ(0x5678ull, run->exit.hypercall.args[0]);
	ASSERT_EXIT(AXV_EXIT_HALT, &self->v);
}

/* ---- ports ---- */

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
		EXPECT_EQ(0, run->exit.io.string);
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
		EXPECT_EQ(0, run->exit.io.string);
		/* Nothing has happened yet. */
		EXPECT_EQ(rax, *x86_gpr(&self->v, AXV_X86_RAX));
		EXPECT_EQ(before + (i == 3 ? (BITS == 16 ? 3 : 4) : 0), run->regs.gprs.rip);
		EXPECT_EQ(run->regs.gprs.rip, run->ip);
		/* What does not fit into the access does not get there. */
		run->exit.io.data = data;
		rax = (t[i].width == 4 ? 0 : rax & ~mask) | (data & mask);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		EXPECT_EQ(rax, *x86_gpr(&self->v, AXV_X86_RAX)) TH_LOG("access %u", i);
	}
}

TEST_F(exits, io_read_given_up)
{
	struct axv_run *run = self->v.run;

	/* Another instruction at re-entry: the data is for none. */
	BEGIN(self, code_in);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x55;
	ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
	run->exit.io.data = 0xaa;
	run->regs.gprs.rip += 2;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x55ull, run->exit.hypercall.nr);
	/* Not even when it is an access of the same kind, elsewhere. */
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

static void outs_test(struct __test_metadata *_metadata, struct axv_vcpu *v, int width, int down)
{
	struct axv_run *run = v->run;
	__u64 si = DATA + 0x100, ip = GUEST_CODE_ADDR + (BITS == 16 ? 3 : 4);
	__s64 step = down ? -width : width;
	int i;

	for (i = 0; i < 0x200; i++)
		v->vm->ram[DATA + i] = i * 3 + 1;
	*x86_gpr(v, AXV_X86_RSI) = si;
	*x86_gpr(v, AXV_X86_RCX) = 3;
	if (down)
		run->regs.gprs.rflags |= 1 << 10;
	for (i = 0; i < 3; i++, si += step) {
		__u64 want = 0;

		ASSERT_EXIT(AXV_EXIT_IO_WRITE, v);
		memcpy(&want, v->vm->ram + si, width);
		EXPECT_EQ(0x80, run->exit.io.port);
		EXPECT_EQ(width, run->exit.io.width);
		EXPECT_EQ(1, run->exit.io.string);
		EXPECT_EQ(want, run->exit.io.data);
		/* After this element: registers say what is left to do. */
		EXPECT_EQ(2ull - i, *x86_gpr(v, AXV_X86_RCX) & GPR_MASK);
		EXPECT_EQ(si + step, *x86_gpr(v, AXV_X86_RSI));
		if (i < 2)
			EXPECT_EQ(ip, run->regs.gprs.rip);
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
	EXPECT_EQ(si, run->exit.hypercall.args[3]);
	EXPECT_EQ(0ull, run->exit.hypercall.args[1]);
}

TEST_F(exits, io_string_write)
{
	BEGIN(self, code_outsb);
	outs_test(_metadata, &self->v, 1, 0);
	BEGIN(self, code_outsw);
	outs_test(_metadata, &self->v, 2, 0);
	BEGIN(self, code_outsl);
	outs_test(_metadata, &self->v, 4, 0);
	BEGIN(self, code_outsl);
	outs_test(_metadata, &self->v, 4, 1);
}

#define INS(suffix)							\
	"mov $0x80, %dx\n"						\
	"rep ins" suffix "\n"						\
	HYPERCALL

GUEST_CODE(code_insb, BITS, INS("b"));
GUEST_CODE(code_insw, BITS, INS("w"));
GUEST_CODE(code_insl, BITS, INS("l"));

static void ins_test(struct __test_metadata *_metadata, struct axv_vcpu *v, int width, int down)
{
	struct axv_run *run = v->run;
	__u64 di = DATA + 0x100, ip = GUEST_CODE_ADDR + (BITS == 16 ? 3 : 4);
	__s64 step = down ? -width : width;
	int i;

	memset(v->vm->ram + DATA, 0xee, 0x200);
	*x86_gpr(v, AXV_X86_RDI) = di;
	*x86_gpr(v, AXV_X86_RCX) = 3;
	if (down)
		run->regs.gprs.rflags |= 1 << 10;
	for (i = 0; i < 3; i++) {
		ASSERT_EXIT(AXV_EXIT_IO_READ, v);
		EXPECT_EQ(0x80, run->exit.io.port);
		EXPECT_EQ(width, run->exit.io.width);
		EXPECT_EQ(1, run->exit.io.string);
		/* Before this element. */
		EXPECT_EQ(3ull - i, *x86_gpr(v, AXV_X86_RCX));
		EXPECT_EQ(di + i * step, *x86_gpr(v, AXV_X86_RDI));
		EXPECT_EQ(ip, run->regs.gprs.rip);
		run->exit.io.data = 0x8070605040302010ull + i;
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
	EXPECT_EQ(di + 3 * step, run->exit.hypercall.args[4]);
	EXPECT_EQ(0ull, run->exit.hypercall.args[1]);
	for (i = 0; i < 3; i++) {
		__u64 data = 0x8070605040302010ull + i;

		EXPECT_EQ(0, memcmp(v->vm->ram + di + i * step, &data, width));
	}
	/* Not a byte too many. */
	EXPECT_EQ(0xee, v->vm->ram[down ? di + width : di - 1]);
	EXPECT_EQ(0xee, v->vm->ram[down ? di - 3 * width + width - 1 : di + 3 * width]);
}

TEST_F(exits, io_string_read)
{
	BEGIN(self, code_insb);
	ins_test(_metadata, &self->v, 1, 0);
	BEGIN(self, code_insw);
	ins_test(_metadata, &self->v, 2, 0);
	BEGIN(self, code_insl);
	ins_test(_metadata, &self->v, 4, 0);
	BEGIN(self, code_insw);
	ins_test(_metadata, &self->v, 2, 1);
}

GUEST_CODE(code_rep_nothing, BITS,
	"mov $0x80, %dx\n"
	"xor %ecx, %ecx\n"
	"rep insb\n"
	"rep outsb\n"
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

	BEGIN(self, code_ins_outs);
	*x86_gpr(&self->v, AXV_X86_RDI) = DATA;
	/* Through another segment, whose base counts. */
	run->regs.sregs.seg[AXV_X86_FS].base = 0x10;
	run->regs.sregs.seg[AXV_X86_FS].selector = BITS == 16 ? 1 : SEL_DATA;
	*x86_gpr(&self->v, AXV_X86_RSI) = DATA - 0x10;
	*x86_gpr(&self->v, AXV_X86_RCX) = 7;
	ASSERT_EXIT(AXV_EXIT_IO_READ, &self->v);
	run->exit.io.data = 0x77;
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(0x77ull, run->exit.io.data);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(7ull, run->exit.hypercall.args[1]);
	EXPECT_EQ(DATA - 0x10 + 1, run->exit.hypercall.args[3]);
	EXPECT_EQ(DATA + 1, run->exit.hypercall.args[4]);
}

/* ---- memory that is not there ---- */

#define ES_DI	"%es:(" R(di) ")"

GUEST_CODE(code_mmio_write, BITS,
	"mov %al, " ES_DI "\n"
	"mov %ah, %es:1(" R(di) ")\n"
	"mov %bx, %es:2(" R(di) ")\n"
	"mov %ecx, %es:4(" R(di) ")\n"
	"movb $0x5a, %es:0x123(" R(di) ")\n"
	"movw $0x1234, %es:0x124(" R(di) ")\n"
	"movl $0x12345678, %es:0x128(" R(di) ")\n"
	MOFFS " %al, " HOLE_MOFFS "\n"
	MOFFS " %ax, " HOLE_MOFFS "\n"
	MOFFS " %eax, " HOLE_MOFFS "\n"
	"mov %ds, " ES_DI "\n"
	"mov %dl, %es:3(" R(bp) "," R(di) ")\n"
	HYPERCALL);

TEST_F(exits, mmio_write)
{
	static const struct {
		__u16 offset;
		__u8 width;
		__u64 data;
	} t[] = {
		{ 0, 1, 0xdd }, { 1, 1, 0xcc }, { 2, 2, 0x2233 }, { 4, 4, 0x44556677 },
		{ 0x123, 1, 0x5a }, { 0x124, 2, 0x1234 }, { 0x128, 4, 0x12345678 },
		{ 0x10, 1, 0xdd }, { 0x10, 2, 0xccdd }, { 0x10, 4, 0xaabbccdd },
	};
	struct axv_run *run = self->v.run;
	unsigned int i;
	__u64 ip;

	BEGIN(self, code_mmio_write);
	hole_in_es(&self->v);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0xaabbccdd;
	*x86_gpr(&self->v, AXV_X86_RBX) = 0x112233;
	*x86_gpr(&self->v, AXV_X86_RCX) = 0x44556677;
	*x86_gpr(&self->v, AXV_X86_RDX) = 0x99;
	*x86_gpr(&self->v, AXV_X86_RBP) = 0x20;
	ip = GUEST_CODE_ADDR;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v) { TH_LOG("access %u", i); }
		EXPECT_EQ(GUEST_HOLE + t[i].offset, run->exit.mmio.addr);
		EXPECT_EQ(t[i].width, run->exit.mmio.width);
		EXPECT_EQ(t[i].data, run->exit.mmio.data);
		/* After: the instruction is done. */
		ip += run->insn_len;
		EXPECT_EQ(ip, run->ip);
		EXPECT_EQ(ip, run->regs.gprs.rip);
	}
	/* A move of a segment register need not be decoded, but must be told. */
	if (vcpu_run(&self->v) == AXV_EXIT_NESTED_PAGE_FAULT) {
		EXPECT_EQ(GUEST_HOLE, run->exit.fault.addr);
		EXPECT_EQ(ip, run->ip);
		run->regs.gprs.rip += 3;
		x86_touch_gprs(&self->v);
	} else {
		EXPECT_EQ(AXV_EXIT_MMIO_WRITE, run->exit_reason);
		EXPECT_EQ(2, run->exit.mmio.width);
	}
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE + 0x23, run->exit.mmio.addr);
	EXPECT_EQ(0x99ull, run->exit.mmio.data);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

GUEST_CODE(code_mmio_read, BITS,
	"mov " ES_DI ", %al\n" HYPERCALL
	"mov " ES_DI ", %ah\n" HYPERCALL
	"mov " ES_DI ", %ax\n" HYPERCALL
	"mov " ES_DI ", %eax\n" HYPERCALL
	"movzbw " ES_DI ", %ax\n" HYPERCALL
	"movzbl " ES_DI ", %eax\n" HYPERCALL
	"movzwl " ES_DI ", %eax\n" HYPERCALL
	"movsbw " ES_DI ", %ax\n" HYPERCALL
	"movsbl " ES_DI ", %eax\n" HYPERCALL
	"movswl " ES_DI ", %eax\n" HYPERCALL
	MOFFS " " HOLE_MOFFS ", %al\n" HYPERCALL
	MOFFS " " HOLE_MOFFS ", %ax\n" HYPERCALL
	MOFFS " " HOLE_MOFFS ", %eax\n" HYPERCALL);

TEST_F(exits, mmio_read)
{
	static const struct {
		__u8 width, reg_width, is_signed, shift;
	} t[] = {
		{ 1, 1, 0, 0 }, { 1, 1, 0, 8 }, { 2, 2, 0, 0 }, { 4, 4, 0, 0 },
		{ 1, 2, 0, 0 }, { 1, 4, 0, 0 }, { 2, 4, 0, 0 },
		{ 1, 2, 1, 0 }, { 1, 4, 1, 0 }, { 2, 4, 1, 0 },
		{ 1, 1, 0, 0 }, { 2, 2, 0, 0 }, { 4, 4, 0, 0 },
	};
	struct axv_run *run = self->v.run;
	__u64 rax = 0x11223344;
	unsigned int i;

	BEGIN(self, code_mmio_read);
	hole_in_es(&self->v);
	*x86_gpr(&self->v, AXV_X86_RAX) = rax;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		__u64 data = 0xf1e2d3c4b5a69788ull + 0x10101010 * (i & 1);
		__u64 mask = ~0ull >> (64 - 8 * t[i].reg_width);
		__u64 value = data & (~0ull >> (64 - 8 * t[i].width));
		__u64 before = run->regs.gprs.rip;

		ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v) { TH_LOG("access %u", i); }
		EXPECT_EQ(GUEST_HOLE + (i >= 10 ? 0x10 : 0), run->exit.mmio.addr);
		EXPECT_EQ(t[i].width, run->exit.mmio.width);
		EXPECT_EQ(t[i].is_signed, run->exit.mmio.signed_ext);
		EXPECT_EQ(t[i].reg_width, run->exit.mmio.reg_width);
		if (!t[i].shift)
			EXPECT_EQ(AXV_X86_RAX, run->exit.mmio.reg);
		EXPECT_EQ(before, run->regs.gprs.rip);
		EXPECT_EQ(before, run->ip);
		EXPECT_EQ(rax, *x86_gpr(&self->v, AXV_X86_RAX));

		/* More than fits, where a careless kernel would take it all. */
		run->exit.mmio.data = data;
		if (t[i].is_signed && value >> (8 * t[i].width - 1))
			value |= ~0ull << (8 * t[i].width);
		value &= mask;
		if (t[i].reg_width == 4)
			rax = value;
		else
			rax = (rax & ~(mask << t[i].shift)) | value << t[i].shift;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		EXPECT_EQ(rax, *x86_gpr(&self->v, AXV_X86_RAX)) TH_LOG("access %u", i);
	}
}

TEST_F(exits, mmio_read_given_up)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_mmio_read);
	hole_in_es(&self->v);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x55;
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	run->exit.mmio.data = 0xaa;
	/* The same instruction, but at another address. */
	*x86_gpr(&self->v, AXV_X86_RDI) += 8;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	EXPECT_EQ(GUEST_HOLE + 8, run->exit.mmio.addr);
	run->exit.mmio.data = 0xbb;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0xbbull, run->exit.hypercall.nr);
}

TEST_F(exits, mmio_read_becomes_memory)
{
	__u8 *mem = mem_new(PAGE);

	/* A region comes there before the read is answered: it has the answer. */
	BEGIN(self, code_mmio_read);
	hole_in_es(&self->v);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0;
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	self->v.run->exit.mmio.data = 0xaa;
	*mem = 0xcc;
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_HOLE, PAGE, mem));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0xccull, self->v.run->exit.hypercall.nr);
}

#define STOS(suffix)	"rep stos" suffix "\n" HYPERCALL

GUEST_CODE(code_stosb, BITS, STOS("b"));
GUEST_CODE(code_stosw, BITS, STOS("w"));
GUEST_CODE(code_stosl, BITS, STOS("l"));

static void stos_test(struct __test_metadata *_metadata, struct axv_vcpu *v, int width, int down)
{
	struct axv_run *run = v->run;
	__s64 step = down ? -width : width;
	int i;

	hole_in_es(v);
	*x86_gpr(v, AXV_X86_RDI) += 0x40;
	*x86_gpr(v, AXV_X86_RAX) = 0xaabbccdd;
	*x86_gpr(v, AXV_X86_RCX) = 3;
	if (down)
		run->regs.gprs.rflags |= 1 << 10;
	for (i = 0; i < 3; i++) {
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, v);
		EXPECT_EQ(GUEST_HOLE + 0x40 + i * step, run->exit.mmio.addr);
		EXPECT_EQ(width, run->exit.mmio.width);
		EXPECT_EQ(0xaabbccdd & (~0ull >> (64 - 8 * width)), run->exit.mmio.data);
		EXPECT_EQ(2ull - i, *x86_gpr(v, AXV_X86_RCX) & GPR_MASK);
		EXPECT_EQ(HOLE_DI + 0x40 + (i + 1) * step, *x86_gpr(v, AXV_X86_RDI));
		if (i < 2)
			EXPECT_EQ(GUEST_CODE_ADDR, run->regs.gprs.rip);
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
	EXPECT_EQ(0ull, run->exit.hypercall.args[1]);
}

TEST_F(exits, mmio_stos)
{
	BEGIN(self, code_stosb);
	stos_test(_metadata, &self->v, 1, 0);
	BEGIN(self, code_stosw);
	stos_test(_metadata, &self->v, 2, 0);
	BEGIN(self, code_stosl);
	stos_test(_metadata, &self->v, 4, 0);
	BEGIN(self, code_stosl);
	stos_test(_metadata, &self->v, 4, 1);
}

GUEST_CODE(code_movs_out, BITS,
	"rep movsw\n"
	HYPERCALL);

TEST_F(exits, mmio_movs_to_a_device)
{
	static const __u16 data[] = { 0x1122, 0x3344, 0x5566 };
	struct axv_run *run = self->v.run;
	unsigned int i;

	BEGIN(self, code_movs_out);
	hole_in_es(&self->v);
	memcpy(self->vm.ram + DATA, data, sizeof(data));
	*x86_gpr(&self->v, AXV_X86_RCX) = ARRAY_SIZE(data);
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
		EXPECT_EQ(GUEST_HOLE + 2 * i, run->exit.mmio.addr);
		EXPECT_EQ(2, run->exit.mmio.width);
		EXPECT_EQ(data[i], run->exit.mmio.data);
		EXPECT_EQ(2ull - i, *x86_gpr(&self->v, AXV_X86_RCX) & GPR_MASK);
		EXPECT_EQ(DATA + 2 * (i + 1), *x86_gpr(&self->v, AXV_X86_RSI));
		EXPECT_EQ(HOLE_DI + 2 * (i + 1), *x86_gpr(&self->v, AXV_X86_RDI));
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0ull, run->exit.hypercall.args[1]);
}

GUEST_CODE(code_movs_in, BITS,
	"rep movsl %es:(" R(si) "), %es:(" R(di) ")\n"
	HYPERCALL);

TEST_F(exits, mmio_movs_from_a_device)
{
	struct axv_run *run = self->v.run;
	__u32 *to = (__u32 *)(self->vm.ram + (BITS == 16 ? 0xbfff0 : DATA));
	__u64 di = BITS == 16 ? 0 : DATA;
	unsigned int i;

	/*
	 * In real mode, ES is where both are: the last bytes of memory and the
	 * hole behind it are apart, so the base is put in between.
	 */
	BEGIN(self, code_movs_in);
	if (BITS == 16) {
		run->regs.sregs.seg[AXV_X86_ES].selector = 0xbfff;
		run->regs.sregs.seg[AXV_X86_ES].base = 0xbfff0;
	}
	*x86_gpr(&self->v, AXV_X86_RDI) = di;
	*x86_gpr(&self->v, AXV_X86_RSI) = BITS == 16 ? 0x1010 : GUEST_HOLE;
	*x86_gpr(&self->v, AXV_X86_RCX) = 3;
	for (i = 0; i < 3; i++) {
		ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
		EXPECT_EQ((BITS == 16 ? 0xc1000 : GUEST_HOLE) + 4 * i, run->exit.mmio.addr);
		EXPECT_EQ(4, run->exit.mmio.width);
		/* It goes into no register. */
		EXPECT_EQ(0xff, run->exit.mmio.reg);
		EXPECT_EQ(3ull - i, *x86_gpr(&self->v, AXV_X86_RCX));
		EXPECT_EQ(di + 4 * i, *x86_gpr(&self->v, AXV_X86_RDI));
		run->exit.mmio.data = 0xffffffff00000000ull + 0x1000 * (i + 1);
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0ull, run->exit.hypercall.args[1]);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0x1000u * (i + 1), to[i]);
	EXPECT_EQ(0u, to[3]);
}

GUEST_CODE(code_undecoded, BITS,
	"incl " ES_DI "\n"
	HYPERCALL);
GUEST_CODE(code_undecoded2, BITS,
	"xchg %eax, " ES_DI "\n"
	HYPERCALL);
GUEST_CODE(code_undecoded3, BITS,
	"lock orb $1, " ES_DI "\n"
	HYPERCALL);
GUEST_CODE(code_undecoded4, BITS,
	"cmp %al, " ES_DI "\n"
	HYPERCALL);

static void undecoded(struct __test_metadata *_metadata, struct axv_vcpu *v, int writes)
{
	struct axv_run *run = v->run;
	const struct axv_exit_fault *f = &run->exit.fault;

	hole_in_es(v);
	*x86_gpr(v, AXV_X86_RAX) = 0x4711;
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, v);
	EXPECT_EQ(GUEST_HOLE, f->addr);
	EXPECT_EQ((__u32)AXV_FAULT_NO_REGION, f->cause);
	/* A read-modify-write is told by its read or its write, or both. */
	EXPECT_NE(0u, f->access & (AXV_ACCESS_READ | AXV_ACCESS_WRITE));
	if (!writes)
		EXPECT_EQ(0u, f->access & AXV_ACCESS_WRITE);
	EXPECT_EQ(0u, f->access & (AXV_ACCESS_FETCH | AXV_ACCESS_PAGE_TABLE));
	EXPECT_LE(3u, f->insn_bytes);
	EXPECT_GE((__u32)AXV_INSN_MAX, f->insn_bytes);
	EXPECT_EQ(0, memcmp(v->vm->ram + GUEST_CODE_ADDR, f->insn, f->insn_bytes));
	/* Nothing has happened. */
	EXPECT_EQ(GUEST_CODE_ADDR, run->ip);
	EXPECT_EQ(GUEST_CODE_ADDR, run->regs.gprs.rip);
	EXPECT_EQ(0x4711ull, *x86_gpr(v, AXV_X86_RAX));
	/* And nothing will, unless the VMM does it. */
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, v);
	EXPECT_EQ(GUEST_CODE_ADDR, run->ip);
}

TEST_F(exits, undecoded)
{
	BEGIN(self, code_undecoded);
	undecoded(_metadata, &self->v, 1);
	BEGIN(self, code_undecoded2);
	undecoded(_metadata, &self->v, 1);
	BEGIN(self, code_undecoded3);
	undecoded(_metadata, &self->v, 1);
	BEGIN(self, code_undecoded4);
	undecoded(_metadata, &self->v, 0);
}

#if BITS == 16
GUEST_CODE(code_fetch, 16, "ljmp $0xd000, $0\n");
#else
GUEST_CODE(code_fetch, BITS, "mov $0xd0000, %eax\n" "jmp *" R(ax) "\n");
#endif

TEST_F(exits, fetch_from_nowhere)
{
	const struct axv_exit_fault *f = &self->v.run->exit.fault;

	BEGIN(self, code_fetch);
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(GUEST_HOLE, f->addr);
	EXPECT_EQ((__u32)AXV_FAULT_NO_REGION, f->cause);
	EXPECT_EQ((__u32)AXV_ACCESS_FETCH, f->access & (AXV_ACCESS_FETCH | AXV_ACCESS_WRITE));
	EXPECT_EQ(0u, f->insn_bytes);
}

GUEST_CODE(code_write_low, BITS,
	"mov %al, (" R(si) ")\n"
	"incb (" R(si) ")\n"
	HYPERCALL);

TEST_F(exits, write_to_a_readonly_region)
{
	struct axv_run *run = self->v.run;
	__u8 *mem = mem_new(PAGE);

	ASSERT_EQ(0, vm_region(&self->vm, 0, 0, 0, DATA, self->vm.ram));
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, DATA_END, GUEST_RAM_SIZE - DATA_END,
			       self->vm.ram + DATA_END));
	ASSERT_EQ(0, vm_region(&self->vm, 2, AXV_REGION_READONLY, DATA, PAGE, mem));
	BEGIN(self, code_write_low);
	*x86_gpr(&self->v, AXV_X86_RSI) = DATA;
	*x86_gpr(&self->v, AXV_X86_RAX) = 1;
	/* A plain move is a device's write like any other. */
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(DATA, run->exit.mmio.addr);
	EXPECT_EQ(1ull, run->exit.mmio.data);
	EXPECT_EQ(GUEST_CODE_ADDR + 2, run->ip);
	/* Anything else is told with its bytes, before it has begun. */
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(DATA, run->exit.fault.addr);
	EXPECT_EQ((__u32)AXV_FAULT_READONLY, run->exit.fault.cause);
	EXPECT_NE(0u, run->exit.fault.access & AXV_ACCESS_WRITE);
	EXPECT_LE(2u, run->exit.fault.insn_bytes);
	EXPECT_EQ(0, memcmp(self->vm.ram + GUEST_CODE_ADDR + 2, run->exit.fault.insn,
			    run->exit.fault.insn_bytes));
	EXPECT_EQ(GUEST_CODE_ADDR + 2, run->ip);
	/* As a ROM would do: drop the write, go on. */
	run->regs.gprs.rip += 2;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0, *mem);
}

TEST_F(exits, host_fault)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_write_low);
	*x86_gpr(&self->v, AXV_X86_RSI) = DATA;
	ASSERT_EQ(0, mprotect(self->vm.ram + DATA, PAGE, PROT_NONE));
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(DATA, run->exit.fault.addr);
	EXPECT_EQ((__u32)AXV_FAULT_HOST, run->exit.fault.cause);
	EXPECT_GT(0, run->exit.fault.status);
	EXPECT_EQ(GUEST_CODE_ADDR, run->ip);
	ASSERT_EQ(0, mprotect(self->vm.ram + DATA, PAGE, PROT_READ | PROT_WRITE));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1, self->vm.ram[DATA]);
}

/* ---- MSRs ---- */

#define MSR_FIRST	0x4b564d00u
#define MSR_LAST	0x4b564d0fu

static int msr_policy(struct axv_vm *vm, __u32 read, __u32 write)
{
	struct axv_x86_msr_policy p = {
		.first = MSR_FIRST, .last = MSR_LAST, .read = read, .write = write,
	};
	struct axv_table t = {
		.kind = AXV_TABLE_X86_MSR_POLICY,
		.count = 1,
		.entry_size = sizeof(p),
		.entries = (unsigned long)&p,
	};

	return axv_ioctl(vm->fd, AXV_SET_TABLE, &t);
}

/* The handler of #GP says so by a hypercall with number 13. */
GUEST_CODE(code_msr, BITS,
	"mov $0x4b564d01, %ecx\n"
	"rdmsr\n"
	HYPERCALL
	"mov $0x4b564d02, %ecx\n"
	"mov $0x11223344, %eax\n"
	"mov $0x55667788, %edx\n"
	"wrmsr\n"
	"mov $1, %eax\n"
	HYPERCALL
	"code_msr_gp:\n"
	"mov $13, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_msr_gp);

#define MSR_INSN	(GUEST_CODE_ADDR + (BITS == 16 ? 6 : 5))

TEST_F(exits, sysreg)
{
	struct axv_run *run = self->v.run;
	__u64 after;

	ASSERT_EQ(0, msr_policy(&self->vm, AXV_X86_MSR_EXIT, AXV_X86_MSR_EXIT));
	BEGIN(self, code_msr);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x77;
	ASSERT_EXIT(AXV_EXIT_SYSREG_READ, &self->v);
	EXPECT_EQ(0x4b564d01ull, run->exit.sysreg.addr);
	EXPECT_EQ(0u, run->exit.sysreg.reg);
	EXPECT_EQ(0x77ull, *x86_gpr(&self->v, AXV_X86_RAX));
	EXPECT_EQ(MSR_INSN, run->ip);
	run->exit.sysreg.value = 0x1234567890abcdefull;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x90abcdefull, run->exit.hypercall.nr);
	EXPECT_EQ(0x12345678ull, run->exit.hypercall.args[2]);
	ASSERT_EXIT(AXV_EXIT_SYSREG_WRITE, &self->v);
	EXPECT_EQ(0x4b564d02ull, run->exit.sysreg.addr);
	EXPECT_EQ(0x5566778811223344ull, run->exit.sysreg.value);
	EXPECT_EQ(2, run->insn_len);
	after = run->ip;
	EXPECT_EQ(0x0f, self->vm.ram[after - 2]);
	EXPECT_EQ(0x30, self->vm.ram[after - 1]);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, run->exit.hypercall.nr);
}

TEST_F(exits, sysreg_read_fails)
{
	struct axv_run *run = self->v.run;

	ASSERT_EQ(0, msr_policy(&self->vm, AXV_X86_MSR_EXIT, AXV_X86_MSR_EXIT));
	BEGIN(self, code_msr);
	x86_gate(&self->vm, VEC_GP, GUEST_ADDR(code_msr, code_msr_gp));
	ASSERT_EXIT(AXV_EXIT_SYSREG_READ, &self->v);
	run->exit.sysreg.value = 5;
	run->exit.sysreg.fail = 1;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(13ull, run->exit.hypercall.nr);
}

TEST_F(exits, sysreg_policy_fault)
{
	ASSERT_EQ(0, msr_policy(&self->vm, AXV_X86_MSR_FAULT, AXV_X86_MSR_EXIT));
	BEGIN(self, code_msr);
	x86_gate(&self->vm, VEC_GP, GUEST_ADDR(code_msr, code_msr_gp));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(13ull, self->v.run->exit.hypercall.nr);
}

/* ---- halting, waiting, ending ---- */

GUEST_CODE(code_halt, BITS,
	"hlt\n"
	HYPERCALL
	"sti\n"
	"hlt\n"
	HYPERCALL
	"cli\n"
	"1: jmp 1b\n");

TEST_F(exits, halt)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_halt);
	ASSERT_EXIT(AXV_EXIT_HALT, &self->v);
	EXPECT_EQ(1, run->insn_len);
	EXPECT_EQ(GUEST_CODE_ADDR + 1, run->ip);
	EXPECT_EQ(AXV_STATE_READY, run->state);
	EXPECT_EQ(0, run->ready_for_interrupt);
	/* The VMM's affair: it may go on as it likes. */
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EXIT(AXV_EXIT_HALT, &self->v);
	EXPECT_EQ(1, run->ready_for_interrupt);
	EXPECT_NE(0ull, run->regs.gprs.rflags & FLAG_IF);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

static atomic_int handled;

static void handler(int sig)
{
	handled = sig;
}

/* The host may have something to do at any time; it is over when we say so. */
static int until_told(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason != AXV_EXIT_NOTHING || handled;
}

GUEST_CODE(code_spin, BITS,
	"1: jmp 1b\n");

static void spin_thread(struct axv_vcpu *v, struct axv_runner *r)
{
	must(!vcpu_unbind(v));
	runner_start(r, v, until_told, NULL);
	vcpu_await_state(v, AXV_STATE_RUNNING);
}

TEST_F(exits, kicked)
{
	struct axv_runner r;

	BEGIN(self, code_spin);
	spin_thread(&self->v, &r);
	ASSERT_EQ(0, vcpu_kick(&self->v));
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(AXV_EXIT_KICKED, self->v.run->exit_reason);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->ip);
	EXPECT_EQ(AXV_STATE_READY, self->v.run->state);
}

TEST_F(exits, nothing_by_a_signal)
{
	struct sigaction sa = { .sa_handler = handler };
	struct axv_runner r;

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	BEGIN(self, code_spin);
	spin_thread(&self->v, &r);
	ASSERT_EQ(0, pthread_kill(r.thread, SIGUSR1));
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(SIGUSR1, handled);
	EXPECT_EQ(AXV_EXIT_NOTHING, self->v.run->exit_reason);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->ip);
	EXPECT_EQ(AXV_STATE_READY, self->v.run->state);
}

TEST_F(exits, external_interrupt)
{
	struct axv_vm vm;
	struct axv_vcpu v;
	int i;

	/* The host's timer, or whatever comes first. */
	vm_new(&vm, AXV_VM_EXIT_ON_EXTINT);
	vcpu_ready(&vm, &v, 0);
	x86_load(&vm, code_spin);
	x86_start(&v, GUEST_CODE_ADDR);
	for (i = 0; i < 3; i++) {
		ASSERT_EXIT(AXV_EXIT_EXTERNAL_INTERRUPT, &v);
		EXPECT_EQ(GUEST_CODE_ADDR, v.run->ip);
		if (v.run->exit.interrupt.known)
			EXPECT_LE(32u, v.run->exit.interrupt.vector);
	}
	vcpu_free(&v);
	vm_free(&vm);
}

GUEST_CODE(code_ud, BITS,
	"nop\n"
	"ud2\n"
	"nop\n"
	HYPERCALL
	"code_ud_handler:\n"
	"mov $6, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_ud_handler);

TEST_F(exits, shutdown_by_triple_fault)
{
	BEGIN(self, code_ud);
	self->v.run->regs.sregs.idtr.limit = 0;
	ASSERT_EXIT(AXV_EXIT_SHUTDOWN, &self->v);
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	/* Not the end of the vCPU, which is as good as new after a reset. */
	ASSERT_EQ(0, vcpu_reset(&self->v));
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	BEGIN(self, code_halt);
	ASSERT_EXIT(AXV_EXIT_HALT, &self->v);
}

TEST_F(exits, exception_delivered)
{
	BEGIN(self, code_ud);
	x86_gate(&self->vm, VEC_UD, GUEST_ADDR(code_ud, code_ud_handler));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(6ull, self->v.run->exit.hypercall.nr);
}

static int exit_on(struct axv_vcpu *v, __u64 mask)
{
	return reg_set(v, AXV_REG_X86(EVENT, AXV_X86_EVENT_EXIT_MASK), mask);
}

TEST_F(exits, exception)
{
	struct axv_inject again = { .type = AXV_INJECT_EXCEPTION, .vector = VEC_UD };
	struct axv_run *run = self->v.run;

	BEGIN(self, code_ud);
	x86_gate(&self->vm, VEC_UD, GUEST_ADDR(code_ud, code_ud_handler));
	ASSERT_EQ(0, exit_on(&self->v, 1u << VEC_UD));
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v);
	EXPECT_EQ((__u32)VEC_UD, run->exit.exception.vector);
	EXPECT_EQ(0u, run->exit.exception.has_error_code);
	EXPECT_EQ(GUEST_CODE_ADDR + 1, run->ip);
	/* Not delivered: it comes again. */
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v);
	/* The VMM may deliver it... */
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &again));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(6ull, run->exit.hypercall.nr);
	/* ... or let it be. */
	BEGIN(self, code_ud);
	ASSERT_EQ(0, exit_on(&self->v, 0));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(6ull, run->exit.hypercall.nr);
}

GUEST_CODE(code_div, BITS,
	"xor %ecx, %ecx\n"
	"code_div_insn:\n"
	"div %cl\n"
	HYPERCALL);
GUEST_LABEL(code_div_insn);

TEST_F(exits, exception_divide)
{
	BEGIN(self, code_div);
	ASSERT_EQ(0, exit_on(&self->v, 1u << 0));
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v);
	EXPECT_EQ(0u, self->v.run->exit.exception.vector);
	EXPECT_EQ(GUEST_ADDR(code_div, code_div_insn), self->v.run->ip);
}

GUEST_CODE(code_bp, BITS,
	"int3\n"
	HYPERCALL);

TEST_F(exits, exception_breakpoint)
{
	BEGIN(self, code_bp);
	ASSERT_EQ(0, exit_on(&self->v, 1u << VEC_BP));
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v);
	EXPECT_EQ((__u32)VEC_BP, self->v.run->exit.exception.vector);
}

GUEST_CODE(code_step, BITS,
	"nop\n"			/* +0 */
	"nop\n"			/* +1 */
	"cpuid\n"		/* +2: the kernel's own work is one step, too */
	"nop\n"			/* +4 */
	"nop\n"			/* +5 */
	HYPERCALL
	"code_step_handler:\n"
	"incl 0x6000\n"
	IRET);
GUEST_LABEL(code_step_handler);

TEST_F(exits, single_step)
{
	static const __u8 stops[] = { 1, 2, 4, 5 };
	struct axv_run *run = self->v.run;
	unsigned int i;

	BEGIN(self, code_step);
	run->regs.gprs.rflags |= FLAG_TF;
	ASSERT_EQ(0, exit_on(&self->v, 1u << VEC_DB));
	for (i = 0; i < ARRAY_SIZE(stops); i++) {
		ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v) { TH_LOG("step %u", i); }
		EXPECT_EQ((__u32)VEC_DB, run->exit.exception.vector);
		EXPECT_NE(0ull, run->exit.exception.address & 1 << 14) TH_LOG("DR6.BS");
		ASSERT_EQ(GUEST_CODE_ADDR + stops[i], run->ip);
	}
	run->regs.gprs.rflags &= ~FLAG_TF;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

TEST_F(exits, single_step_delivered)
{
	__u32 *steps = (__u32 *)(self->vm.ram + DATA);

	BEGIN(self, code_step);
	x86_gate(&self->vm, VEC_DB, GUEST_ADDR(code_step, code_step_handler));
	self->v.run->regs.gprs.rflags |= FLAG_TF;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(5u, *steps);
}

GUEST_CODE(code_window, BITS,
	"cli\n"
	"mov $1000, %ecx\n"
	"1: dec %ecx\n"
	"jnz 1b\n"
	"sti\n"
	"nop\n"
	"code_window_open:\n"
	"2: jmp 2b\n"
	"code_window_handler:\n"
	HYPERCALL);
GUEST_LABEL(code_window_open);
GUEST_LABEL(code_window_handler);

TEST_F(exits, irq_window)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_window);
	x86_gate(&self->vm, GUEST_VECTOR, GUEST_ADDR(code_window, code_window_handler));
	run->irq_window = 1;
	ASSERT_EXIT(AXV_EXIT_IRQ_WINDOW, &self->v);
	EXPECT_EQ(1, run->ready_for_interrupt);
	EXPECT_NE(0ull, run->regs.gprs.rflags & FLAG_IF);
	EXPECT_EQ(GUEST_ADDR(code_window, code_window_open), run->ip);
	/* Open already: it ends before it begins. */
	ASSERT_EXIT(AXV_EXIT_IRQ_WINDOW, &self->v);
	EXPECT_EQ(GUEST_ADDR(code_window, code_window_open), run->ip);
	run->irq_window = 0;
	ASSERT_EQ(0, vcpu_inject(&self->v, AXV_INJECT_EXTINT, GUEST_VECTOR));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(GUEST_ADDR(code_window, code_window_handler) + 3, run->ip);
	EXPECT_EQ(0, run->ready_for_interrupt);
}

/* ---- saved and restored at every exit ---- */

GUEST_CODE(code_tour, BITS,
	"out %al, $0x10\n"
	"in $0x11, %al\n"
	"mov %al, " ES_DI "\n"
	"mov " ES_DI ", %al\n"
	HYPERCALL
	"hlt\n"
	"mov $2, %ecx\n"
	"rep stosb\n"
	"mov %ax, %cx\n"
	HYPERCALL);

TEST_F(exits, a_vcpu_moves_at_every_exit)
{
	static const __u8 tour[] = {
		AXV_EXIT_IO_WRITE, AXV_EXIT_IO_READ, AXV_EXIT_MMIO_WRITE, AXV_EXIT_MMIO_READ,
		AXV_EXIT_HYPERCALL, AXV_EXIT_HALT, AXV_EXIT_MMIO_WRITE, AXV_EXIT_MMIO_WRITE,
		AXV_EXIT_HYPERCALL,
	};
	struct axv_vcpu v[ARRAY_SIZE(tour) + 1];
	unsigned int i;

	BEGIN(self, code_tour);
	hole_in_es(&self->v);
	*x86_gpr(&self->v, AXV_X86_RAX) = 1;
	v[0] = self->v;
	for (i = 0; i < ARRAY_SIZE(tour); i++) {
		struct axv_run *run = v[i].run;
		int again = tour[i] == AXV_EXIT_IO_READ || tour[i] == AXV_EXIT_MMIO_READ;

		ASSERT_EXIT(tour[i], &v[i]) { TH_LOG("stop %u", i); }
		vcpu_new(&self->vm, &v[i + 1], i + 1);
		ASSERT_EQ(0, guest_setup(&v[i + 1]));
		x86_regs_copy(&v[i], &v[i + 1]);
		ASSERT_EQ(0, vcpu_bind(&v[i + 1]));
		if (again) {
			/* The other one asks, because nothing was answered. */
			ASSERT_EXIT(tour[i], &v[i + 1]);
			run = v[i + 1].run;
			if (tour[i] == AXV_EXIT_IO_READ)
				run->exit.io.data = 0x41;
			else
				run->exit.mmio.data = 0x42;
		}
		if (tour[i] == AXV_EXIT_MMIO_WRITE && i == 2)
			EXPECT_EQ(0x41ull, run->exit.mmio.data);
		v[i + 1].run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	}
	EXPECT_EQ(0x42ull, v[i - 1].run->exit.hypercall.args[1] & 0xff);
	for (i = 1; i <= ARRAY_SIZE(tour); i++)
		vcpu_free(&v[i]);
}
