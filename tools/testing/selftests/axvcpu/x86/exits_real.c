// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of exits that are different in 16-bit real mode, or exist only there.
 */
#define BITS	16
#include "modes.h"

TEST_F(exits, entry_above_64k)
{
	static const __u8 hypercall_code[] = { 0x0f, 0x01, 0xd9 };

	/* CS.base + IP = entry, CS.base = entry & ~0xffff. */
	x86_load_at(&self->vm, 0x51234, hypercall_code,
		    hypercall_code + sizeof(hypercall_code));
	ASSERT_EQ(0, vcpu_reset(&self->v));
	ASSERT_EQ(0, vcpu_setup(&self->v, 0x51234, AXV_X86_MODE_REAL));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	self->v.run->dirty = 0;
	self->v.run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x1237ull, self->v.run->ip);
	EXPECT_EQ(0x50000ull, self->v.run->regs.sregs.seg[AXV_X86_CS].base);
	EXPECT_EQ(0x5000, self->v.run->regs.sregs.seg[AXV_X86_CS].selector);
	EXPECT_EQ(0ull, self->v.run->regs.sregs.cr0 & (CR0_PE | CR0_PG));
}

GUEST_CODE(code_int, 16,
	"int $0x40\n"
	HYPERCALL
	"code_int_handler:\n"
	"mov $0x40, %ax\n"
	"iretw\n");
GUEST_LABEL(code_int_handler);

TEST_F(exits, software_interrupt_is_no_exit)
{
	BEGIN(self, code_int);
	x86_gate(&self->vm, 0x40, GUEST_ADDR(code_int, code_int_handler));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x40ull, self->v.run->exit.hypercall.nr);
}

GUEST_CODE(code_wide, 16,
	"addr32 mov %al, %es:(%edi)\n"
	"addr32 movl $0x11223344, %es:4(%edi,%ecx,2)\n"
	"mov %cl, %es:(%bx,%si)\n"
	HYPERCALL);

TEST_F(exits, mmio_with_32_bit_addressing)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_wide);
	hole_in_es(&self->v);
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x12;
	*x86_gpr(&self->v, AXV_X86_RCX) = 0x10;
	*x86_gpr(&self->v, AXV_X86_RSI) = 0x200;
	*x86_gpr(&self->v, AXV_X86_RBX) = 0xfff8;	/* wraps at 64 KiB */
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE, run->exit.mmio.addr);
	EXPECT_EQ(1, run->exit.mmio.width);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE + 0x24, run->exit.mmio.addr);
	EXPECT_EQ(0x11223344ull, run->exit.mmio.data);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE + 0x1f8, run->exit.mmio.addr);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

TEST_HARNESS_MAIN
