// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of exits by accesses of addresses without memory, and by writes of read-only memory.
 * Compiled for each mode, see modes.h.
 */
#include "modes.h"

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
		/* The guest's state is that after the instruction. */
		ip += run->insn_len;
		EXPECT_EQ(ip, run->ip);
		EXPECT_EQ(ip, run->regs.gprs.rip);
	}
	/* A move from a segment register need not be decoded, but must be an exit. */
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

		/* The answer has more bits than fit, which the kernel must ignore. */
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

	/* A region is set there before the read is answered: its memory is read instead. */
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
#if BITS == 64
GUEST_CODE(code_stosq, 64, STOS("q"));
#endif

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
#if BITS == 64
	BEGIN(self, code_stosq);
	stos_test(_metadata, &self->v, 8, 0);
#endif
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
	 * In real mode both addresses have to be within ES.  The last bytes of memory
	 * and the hole are apart, so the base of ES is put between.
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
		/* The answer does not go into a register. */
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
	/* A read-modify-write may be reported as read, as write, or as both. */
	EXPECT_NE(0u, f->access & (AXV_ACCESS_READ | AXV_ACCESS_WRITE));
	if (!writes)
		EXPECT_EQ(0u, f->access & AXV_ACCESS_WRITE);
	EXPECT_EQ(0u, f->access & (AXV_ACCESS_FETCH | AXV_ACCESS_PAGE_TABLE));
	EXPECT_LE(3u, f->insn_bytes);
	EXPECT_GE((__u32)AXV_INSN_MAX, f->insn_bytes);
	EXPECT_EQ(0, memcmp(v->vm->ram + GUEST_CODE_ADDR, f->insn, f->insn_bytes));
	/* The instruction has not been executed. */
	EXPECT_EQ(GUEST_CODE_ADDR, run->ip);
	EXPECT_EQ(GUEST_CODE_ADDR, run->regs.gprs.rip);
	EXPECT_EQ(0x4711ull, *x86_gpr(v, AXV_X86_RAX));
	/* The guest does not get further unless the VMM does the access. */
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
	/* A plain move is an exit as a write of a device. */
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(DATA, run->exit.mmio.addr);
	EXPECT_EQ(1ull, run->exit.mmio.data);
	EXPECT_EQ(GUEST_CODE_ADDR + 2, run->ip);
	/* Any other instruction is an exit with its bytes, before it is executed. */
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(DATA, run->exit.fault.addr);
	EXPECT_EQ((__u32)AXV_FAULT_READONLY, run->exit.fault.cause);
	EXPECT_NE(0u, run->exit.fault.access & AXV_ACCESS_WRITE);
	EXPECT_LE(2u, run->exit.fault.insn_bytes);
	EXPECT_EQ(0, memcmp(self->vm.ram + GUEST_CODE_ADDR + 2, run->exit.fault.insn,
			    run->exit.fault.insn_bytes));
	EXPECT_EQ(GUEST_CODE_ADDR + 2, run->ip);
	/* Do what a ROM does: drop the write, and go on. */
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

TEST_HARNESS_MAIN
