/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exits by ports: IN, OUT, INS and OUTS. Part of exits.h, which see.
 */

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
