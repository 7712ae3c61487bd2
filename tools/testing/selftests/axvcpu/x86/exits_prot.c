// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of exits that are different in 32-bit protected mode, or exist only there.
 */
#define BITS	32
#include "modes.h"

#include <sys/time.h>

/*
 * Goes to user mode, at the EIP that the code before has pushed.  LTR loads the TSS for the way
 * back: QEMU cannot use one that is set from outside as busy, as it has to be.
 */
#define TO_USER								\
	"mov $0x40, %eax\n"						\
	"ltr %ax\n"							\
	"pushl $0x2b\n"							\
	"pushl $0x9000\n"						\
	"pushl $2\n"							\
	"pushl $0x3b\n"

GUEST_CODE(code_user_call, 32,
	TO_USER
	"pushl $(code_user_call_user - code_user_call + " GUEST_CODE_TEXT ")\n"
	"iretl\n"
	"code_user_call_user:\n"
	HYPERCALL
	"1: jmp 1b\n"
	"code_user_call_ud:\n"
	"mov $6, %eax\n"
	"mov (%esp), %ebx\n"
	HYPERCALL);
GUEST_LABEL(code_user_call_user);
GUEST_LABEL(code_user_call_ud);

TEST_F(exits, hypercall_from_user_level)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_user_call);
	x86_gate(&self->vm, VEC_UD, GUEST_ADDR(code_user_call, code_user_call_ud));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(6ull, run->exit.hypercall.nr);
	EXPECT_EQ(GUEST_ADDR(code_user_call, code_user_call_user), run->exit.hypercall.args[0]);
}

GUEST_CODE(code_user_out, 32,
	TO_USER
	"pushl $(code_user_out_user - code_user_out + " GUEST_CODE_TEXT ")\n"
	"iretl\n"
	"code_user_out_user:\n"
	"out %al, $0x80\n"
	"1: jmp 1b\n"
	"code_user_out_gp:\n"
	"mov $13, %eax\n"
	"pop %ebx\n"
	HYPERCALL);
GUEST_LABEL(code_user_out_user);
GUEST_LABEL(code_user_out_gp);

TEST_F(exits, port_from_user_level)
{
	/* Without IOPL and I/O bitmap, OUT in user mode is the guest's own #GP, and no exit. */
	BEGIN(self, code_user_out);
	x86_gate(&self->vm, VEC_GP, GUEST_ADDR(code_user_out, code_user_out_gp));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(13ull, self->v.run->exit.hypercall.nr);
	EXPECT_EQ(0ull, self->v.run->exit.hypercall.args[0]);
}

GUEST_CODE(code_gp, 32,
	"mov $0x1230, %eax\n"
	"code_gp_insn:\n"
	"mov %eax, %ds\n"
	HYPERCALL);
GUEST_LABEL(code_gp_insn);

TEST_F(exits, exception_with_an_error_code)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_gp);
	ASSERT_EQ(0, exit_on(&self->v, 1u << VEC_GP));
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v);
	EXPECT_EQ((__u32)VEC_GP, run->exit.exception.vector);
	EXPECT_NE(0u, run->exit.exception.has_error_code);
	EXPECT_EQ(0x1230u, run->exit.exception.error_code);
	EXPECT_EQ(GUEST_ADDR(code_gp, code_gp_insn), run->ip);
}

/*
 * With paging by 4 MiB pages, the hole's linear address differs from its physical one.
 */
GUEST_CODE(code_paged, 32,
	"mov %cr4, %eax\n"
	"or $0x10, %eax\n"
	"mov %eax, %cr4\n"
	"mov $0x90000, %eax\n"
	"mov %eax, %cr3\n"
	"mov %cr0, %eax\n"
	"or $0x80000000, %eax\n"
	"mov %eax, %cr0\n"
	"mov %ebx, 0x8d0004\n"
	"mov 0x8d0008, %eax\n"
	HYPERCALL
	"incl 0x8d000c\n"
	"mov 0xc00000, %eax\n"
	HYPERCALL);

TEST_F(exits, mmio_under_paging)
{
	__u32 *pd = (__u32 *)(self->vm.ram + GUEST_PML4);
	struct axv_run *run = self->v.run;

	BEGIN(self, code_paged);
	memset(pd, 0, PAGE);
	pd[0] = PTE_PS | PTE_P | PTE_W;
	pd[2] = PTE_PS | PTE_P | PTE_W;
	*x86_gpr(&self->v, AXV_X86_RBX) = 0x1234;
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE + 4, run->exit.mmio.addr);
	EXPECT_EQ(0x1234ull, run->exit.mmio.data);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	EXPECT_EQ(GUEST_HOLE + 8, run->exit.mmio.addr);
	run->exit.mmio.data = 0x77;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x77ull, run->exit.hypercall.nr);
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(GUEST_HOLE + 0xc, run->exit.fault.addr);
	if (run->exit.fault.linear_valid)
		EXPECT_EQ(0x8d000cull, run->exit.fault.linear);
	/* The VMM does the instruction's work, and skips the instruction. */
	run->regs.gprs.rip += 6;
	x86_touch_gprs(&self->v);
	/* Not mapped in the guest: the guest's own page fault, which is an exit if asked for. */
	ASSERT_EQ(0, exit_on(&self->v, 1u << VEC_PF));
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v);
	EXPECT_EQ((__u32)VEC_PF, run->exit.exception.vector);
	EXPECT_EQ(0xc00000ull, run->exit.exception.address);
	EXPECT_NE(0u, run->exit.exception.has_error_code);
	EXPECT_EQ(0u, run->exit.exception.error_code);
}

/* In user mode with a misaligned stack, on which the handler of #AC runs, too. */
GUEST_CODE(code_misaligned, 32,
	"push %eax\n"
	"code_misaligned_end_of_it:\n"
	"1: jmp 1b\n");
GUEST_LABEL(code_misaligned_end_of_it);

TEST_F(exits, a_fault_that_recurs_in_its_own_delivery)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 50000 } };
	struct axv_run *run = self->v.run;
	struct axv_x86_sregs *s = &run->regs.sregs;
	__u64 *gate = (void *)(self->vm.ram + GUEST_IDT + VEC_AC * 8);
	int i, ret;

	/*
	 * The guest raises #AC without end (CVE-2015-5307).  The host must still get
	 * its interrupts; otherwise its timer does not expire.
	 */
	kick_on_signal(SIGALRM, &self->v);
	BEGIN(self, code_misaligned);
	x86_gate_prot(&self->vm, VEC_AC,
		      GUEST_ADDR(code_misaligned, code_misaligned_end_of_it), 0);
	*gate = (*gate & ~(0xffffull << 16)) | (SEL_USER_CODE32 << 16);
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++) {
		s->seg[i].selector = i == AXV_X86_CS ? SEL_USER_CODE32 : SEL_USER_DATA;
		s->seg[i].attr |= 0x60;
	}
	s->cr0 |= CR0_AM;
	run->regs.gprs.rflags |= FLAG_AC;
	*x86_gpr(&self->v, AXV_X86_RSP) = GUEST_STACK + 1;
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &soon, NULL));
	do {
		ret = vcpu_run_once(&self->v);
		ASSERT_TRUE(ret == AXV_EXIT_NOTHING || ret == AXV_EXIT_KICKED);
	} while (ret != AXV_EXIT_KICKED);
}

TEST_F(exits, as_set_up)
{
	static const __u8 hypercall_code[] = { 0x0f, 0x01, 0xd9 };
	struct axv_x86_sregs *s = &self->v.run->regs.sregs;
	int i;

	/* AXV_VCPU_SETUP sets up protected mode with 32 bits, flat segments and no paging. */
	x86_load_at(&self->vm, 0x51234, hypercall_code,
		    hypercall_code + sizeof(hypercall_code));
	ASSERT_EQ(0, vcpu_reset(&self->v));
	ASSERT_EQ(0, vcpu_setup(&self->v, 0x51234, AXV_X86_MODE_PROTECTED));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	self->v.run->dirty = 0;
	self->v.run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x51237ull, self->v.run->ip);
	EXPECT_EQ(CR0_PE, s->cr0 & (CR0_PE | CR0_PG));
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++) {
		EXPECT_EQ(0ull, s->seg[i].base);
		EXPECT_EQ(0xffffffffu, s->seg[i].limit);
	}
	EXPECT_NE(0, s->seg[AXV_X86_CS].attr & AXV_X86_ATTR_DB);
}

TEST_HARNESS_MAIN
