// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of events for the guest: when they are taken, in which order, and that each is
 * taken once.
 */
#include <linux/keyctl.h>

#include "axv_harness.h"
#include "x86.h"

/*
 * A stub for each vector from 0x40 to 0x4f, 16 bytes apart, and one for each
 * kind of exception.  Each makes a hypercall with the vector as its number, the
 * interrupted RIP as argument 0, and the error code as argument 1.
 */
#define STUBS	0x9a000ul

GUEST_CODE(stubs, 64,
	".set vector, 0x40\n"
	".rept 16\n"
	".balign 16\n"
	"mov $vector, %eax\n"
	"jmp stubs_common\n"
	".set vector, vector + 1\n"
	".endr\n"
	"stubs_common:\n"
	"mov (%rsp), %rbx\n"
	HYPERCALL
	"iretq\n"
	"stubs_nmi:\n"
	"mov $2, %eax\n"
	"mov (%rsp), %rbx\n"
	HYPERCALL
	"out %al, $0x10\n"
	"iretq\n"
	"stubs_exception:\n"
	"mov $6, %eax\n"
	"mov (%rsp), %rbx\n"
	HYPERCALL
	"iretq\n"
	"stubs_error:\n"
	"pop %rcx\n"
	"mov $13, %eax\n"
	"mov (%rsp), %rbx\n"
	HYPERCALL
	"iretq\n"
	"stubs_page_fault:\n"
	"pop %rcx\n"
	"mov %cr2, %rdx\n"
	"mov $14, %eax\n"
	"mov (%rsp), %rbx\n"
	HYPERCALL
	"iretq\n");
GUEST_LABEL(stubs_nmi);
GUEST_LABEL(stubs_exception);
GUEST_LABEL(stubs_error);
GUEST_LABEL(stubs_page_fault);

#define STUB(label)	(STUBS + ((label) - stubs))

static void set_gates(struct axv_vm *vm)
{
	int i;

	x86_load_at(vm, STUBS, stubs, stubs_end);
	for (i = 0; i < 16; i++)
		x86_gate_long(vm, 0x40 + i, STUBS + 16 * i, 0);
	x86_gate_long(vm, 0, STUB(stubs_exception), 0);
	x86_gate_long(vm, VEC_NMI, STUB(stubs_nmi), 0);
	x86_gate_long(vm, VEC_UD, STUB(stubs_exception), 0);
	x86_gate_long(vm, VEC_GP, STUB(stubs_error), 0);
	x86_gate_long(vm, VEC_PF, STUB(stubs_page_fault), 0);
}

FIXTURE_ONE_VCPU(inject)
{
	vm_new(&self->vm, 0);
	set_gates(&self->vm);
	vcpu_ready(&self->vm, &self->v, 0);
}

#define BEGIN(self, name, flags)	x86_begin_long(&(self)->v, name, flags)

/*
 * The stubs of external interrupts run with interrupts off, so no interrupt may be delivered
 * between the first and the last instruction of a stub.  QEMU sometimes does that;
 * vmt/report.py recognizes the line that is printed here, and says why.
 */
static void look_for_a_nested_call(struct axv_vcpu *v)
{
	__u64 vector = v->run->exit.hypercall.nr, rip = v->run->exit.hypercall.args[0];

	if (vector >= 0x40 && vector < 0x50 && rip >= STUBS && rip < STUB(stubs_nmi))
		fprintf(stderr,
			"# inject: vector %#llx interrupts %#llx, where interrupts are off\n",
			(unsigned long long)vector, (unsigned long long)rip);
}

#define ASSERT_CALL(number, v) do {					\
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);				\
	look_for_a_nested_call(v);					\
	ASSERT_EQ((__u64)(number), (v)->run->exit.hypercall.nr);	\
} while (0)

static __u64 event(struct axv_vcpu *v, int index)
{
	__u64 value;

	must(!reg_get(v, AXV_REG_X86(EVENT, index), &value));
	return value;
}

static int extint(struct axv_vcpu *v, int vector)
{
	return vcpu_inject(v, AXV_INJECT_EXTINT, vector);
}

static int nmi(struct axv_vcpu *v)
{
	return vcpu_inject(v, AXV_INJECT_NMI, 0);
}

static int exception(struct axv_vcpu *v, int vector)
{
	return vcpu_inject(v, AXV_INJECT_EXCEPTION, vector);
}

static int exception_error(struct axv_vcpu *v, int vector, __u32 error, __u64 address)
{
	struct axv_inject i = {
		.type = AXV_INJECT_EXCEPTION,
		.flags = AXV_INJECT_HAS_ERROR_CODE,
		.vector = vector,
		.error_code = error,
		.address = address,
	};

	return axv_ioctl(v->fd, AXV_INJECT, &i);
}

GUEST_CODE(code_nops, 64,
	"nop\n"
	"nop\n"
	"nop\n"
	"out %al, $0x20\n"
	"1: jmp 1b\n");

/* ---- external interrupts ---- */

TEST_F(inject, extint_at_entry)
{
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, extint(&self->v, 0x41));
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_EXTINT_COUNT));
	EXPECT_EQ(0x41ull, event(&self->v, AXV_X86_EVENT_EXTINT_0));
	ASSERT_CALL(0x41, &self->v);
	/* The interrupt is taken before the first instruction, and only once. */
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_EXTINT_COUNT));
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_EXTINT_0));
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(1ull, vcpu_stats(&self->v).injections);
}

GUEST_CODE(code_sti, 64,
	"out %al, $0x20\n"
	"sti\n"
	"code_sti_shadow:\n"
	"nop\n"
	"code_sti_after:\n"
	"nop\n"
	"1: jmp 1b\n");
GUEST_LABEL(code_sti_shadow);
GUEST_LABEL(code_sti_after);

TEST_F(inject, extint_waits_for_if_and_shadow)
{
	const __u64 *taken_at = &self->v.run->exit.hypercall.args[0];
	int tries = x86_in_qemu() ? QEMU_SHADOW_TRIES : 1;

	do {
		BEGIN(self, code_sti, 0);
		ASSERT_EQ(0, extint(&self->v, 0x42));
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
		EXPECT_EQ(0, self->v.run->ready_for_interrupt);
		EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_EXTINT_COUNT));
		ASSERT_CALL(0x42, &self->v);
	} while (--tries && *taken_at == GUEST_ADDR(code_sti, code_sti_shadow));
	EXPECT_EQ(GUEST_ADDR(code_sti, code_sti_after), *taken_at);
}

TEST_F(inject, extint_after_a_shadow_that_was_set)
{
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_VCPU_SYNC, NULL));
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), 1));
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_SHADOW));
	ASSERT_EQ(0, extint(&self->v, 0x43));
	ASSERT_CALL(0x43, &self->v);
	/* QEMU's VMRUN does not load the shadow. */
	if (!x86_in_qemu() || self->v.run->exit.hypercall.args[0] != GUEST_CODE_ADDR)
		EXPECT_EQ(GUEST_CODE_ADDR + 1, self->v.run->exit.hypercall.args[0]);
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_SHADOW));
}

GUEST_CODE(code_sti_exit, 64,
	"sti\n"
	"out %al, $0x20\n"
	"code_sti_exit_after:\n"
	"nop\n"
	"1: jmp 1b\n");
GUEST_LABEL(code_sti_exit_after);

TEST_F(inject, shadow_ends_with_an_instruction_of_the_kernels)
{
	/* OUT is in the shadow of STI, and has been executed at its exit. */
	BEGIN(self, code_sti_exit, 0);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_SHADOW));
	EXPECT_EQ(1, self->v.run->ready_for_interrupt);
	ASSERT_EQ(0, extint(&self->v, 0x44));
	ASSERT_CALL(0x44, &self->v);
	EXPECT_EQ(GUEST_ADDR(code_sti_exit, code_sti_exit_after),
		  self->v.run->exit.hypercall.args[0]);
}

TEST_F(inject, first_in_first_out)
{
	static const __u8 order[] = { 0x45, 0x41, 0x4f, 0x41, 0x40 };
	unsigned int i;

	BEGIN(self, code_nops, FLAG_IF);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		ASSERT_EQ(0, extint(&self->v, order[i]));
	EXPECT_EQ(ARRAY_SIZE(order), event(&self->v, AXV_X86_EVENT_EXTINT_COUNT));
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		/* Each interrupt waits until the handler of the one before returns. */
		ASSERT_CALL(order[i], &self->v);
		EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
		EXPECT_EQ(0, self->v.run->ready_for_interrupt);
	}
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
}

TEST_F(inject, queue_full)
{
	__u64 depth = axv_query(self->vm.dev, AXV_QUERY_INJECT_DEPTH), i;

	ASSERT_LE(1ull, depth);
	BEGIN(self, code_nops, FLAG_IF);
	for (i = 0; i < depth; i++)
		ASSERT_EQ(0, extint(&self->v, 0x40 + i % 16));
	EXPECT_EQ(-EAGAIN, extint(&self->v, 0x4f));
	EXPECT_EQ(depth, event(&self->v, AXV_X86_EVENT_EXTINT_COUNT));
	for (i = 0; i < depth; i++) {
		ASSERT_CALL(0x40 + i % 16, &self->v);
		if (!i)
			ASSERT_EQ(0, extint(&self->v, 0x40 + depth % 16));
	}
	ASSERT_CALL(0x40 + depth % 16, &self->v);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
}

TEST_F(inject, queue_saved_and_restored)
{
	__u64 depth = axv_query(self->vm.dev, AXV_QUERY_INJECT_DEPTH), i;
	struct axv_vcpu to;

	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_VCPU_SYNC, NULL));
	for (i = 0; i < depth; i++)
		ASSERT_EQ(0, extint(&self->v, 0x40 + (i * 7) % 16));
	vcpu_new(&self->vm, &to, 1);
	ASSERT_EQ(0, guest_setup(&to));
	x86_regs_copy(&self->v, &to);
	ASSERT_EQ(0, vcpu_bind(&to));
	to.run->want = AXV_RUN_SET_GPRS;
	EXPECT_EQ(depth, event(&to, AXV_X86_EVENT_EXTINT_COUNT));
	/* The other vCPU takes them in the same order. */
	for (i = 0; i < depth; i++)
		ASSERT_CALL(0x40 + (i * 7) % 16, &to);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &to);
	vcpu_free(&to);
}

TEST_F(inject, reset_empties)
{
	ASSERT_EQ(0, extint(&self->v, 0x40));
	ASSERT_EQ(0, nmi(&self->v));
	ASSERT_EQ(0, exception(&self->v, VEC_UD));
	ASSERT_EQ(0, vcpu_reset(&self->v));
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_EXTINT_COUNT));
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_NMI_PENDING));
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_EXCEPTION) & AXV_X86_EVENT_VALID);
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
}

/* ---- NMIs ---- */

TEST_F(inject, nmi_with_interrupts_off)
{
	BEGIN(self, code_nops, 0);
	ASSERT_EQ(0, nmi(&self->v));
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_NMI_PENDING));
	ASSERT_CALL(VEC_NMI, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_NMI_PENDING));
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_NMI_MASKED));
}

TEST_F(inject, nmi_masked_until_iret)
{
	BEGIN(self, code_nops, 0);
	ASSERT_EQ(0, nmi(&self->v));
	ASSERT_CALL(VEC_NMI, &self->v);
	ASSERT_EQ(0, nmi(&self->v));
	/* The guest is still in the first handler. */
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(0x10, self->v.run->exit.io.port);
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_NMI_PENDING));
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_NMI_MASKED));
	/* After its IRET the second NMI is taken, before any other instruction. */
	ASSERT_CALL(VEC_NMI, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(0x10, self->v.run->exit.io.port);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(0x20, self->v.run->exit.io.port);
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_NMI_MASKED));
}

TEST_F(inject, nmis_are_two_at_most)
{
	int i, ret;

	/* As in hardware, one NMI is taken, and one more is remembered. */
	BEGIN(self, code_nops, 0);
	for (i = 0; i < 4; i++) {
		ret = nmi(&self->v);
		EXPECT_TRUE(!ret || (i >= 2 && ret == -EAGAIN));
	}
	EXPECT_EQ(2ull, event(&self->v, AXV_X86_EVENT_NMI_PENDING));
	for (i = 0; i < 2; i++) {
		ASSERT_CALL(VEC_NMI, &self->v);
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
		EXPECT_EQ(0x10, self->v.run->exit.io.port);
	}
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(0x20, self->v.run->exit.io.port);
}

TEST_F(inject, nmi_before_extint)
{
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, extint(&self->v, 0x40));
	ASSERT_EQ(0, nmi(&self->v));
	ASSERT_CALL(VEC_NMI, &self->v);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(0x10, self->v.run->exit.io.port);
	ASSERT_CALL(0x40, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
}

/* ---- exceptions ---- */

TEST_F(inject, exceptions)
{
	BEGIN(self, code_nops, 0);
	ASSERT_EQ(0, exception(&self->v, VEC_UD));
	ASSERT_CALL(6, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);

	ASSERT_EQ(0, exception_error(&self->v, VEC_GP, 0x1238, 0));
	BEGIN(self, code_nops, 0);
	ASSERT_CALL(13, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
	EXPECT_EQ(0x1238ull, self->v.run->exit.hypercall.args[1]);

	BEGIN(self, code_nops, 0);
	ASSERT_EQ(0, exception_error(&self->v, VEC_PF, 6, 0xffff800012345678));
	ASSERT_CALL(14, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
	EXPECT_EQ(6ull, self->v.run->exit.hypercall.args[1]);
	EXPECT_EQ(0xffff800012345678ull, self->v.run->exit.hypercall.args[2]);

	BEGIN(self, code_nops, 0);
	ASSERT_EQ(0, exception(&self->v, 0));
	ASSERT_CALL(6, &self->v);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(4ull, vcpu_stats(&self->v).injections);
}

TEST_F(inject, exception_before_nmi_and_extint)
{
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, extint(&self->v, 0x40));
	ASSERT_EQ(0, exception(&self->v, VEC_UD));
	/* The exception's handler is entered first, with interrupts off. */
	ASSERT_CALL(6, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
	ASSERT_CALL(0x40, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
}

GUEST_CODE(code_cr8, 64,
	"mov $9, %eax\n"
	"mov %rax, %cr8\n"
	"mov $12, %eax\n"
	"mov %rax, %cr8\n"
	"out %al, $0x20\n"
	"mov $7, %eax\n"
	"mov %rax, %cr8\n"
	"mov $6, %eax\n"
	"mov %rax, %cr8\n"
	"code_cr8_below:\n"
	"mov %cr8, %rbx\n"
	"out %al, $0x21\n"
	"mov $16, %eax\n"
	"code_cr8_fault:\n"
	"mov %rax, %cr8\n"
	"1: jmp 1b\n");
GUEST_LABEL(code_cr8_below);
GUEST_LABEL(code_cr8_fault);

/* A VMM whose interrupt waits for a lower CR8 gets an exit when the guest lowers it. */
TEST_F(inject, cr8_lowered)
{
	BEGIN(self, code_cr8, 0);
	/* CR8 is 0, which is below 1 already. */
	self->v.run->cr8_below = 1;
	ASSERT_EXIT(AXV_EXIT_CR8, &self->v);
	EXPECT_EQ(0, self->v.run->cr8);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->ip);
	self->v.run->cr8_below = 0;
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(12, self->v.run->cr8);

	self->v.run->cr8_below = 7;
	ASSERT_EXIT(AXV_EXIT_CR8, &self->v);
	EXPECT_EQ(6, self->v.run->cr8);
	EXPECT_EQ(GUEST_ADDR(code_cr8, code_cr8_below), self->v.run->ip);
	/* CR8 is below still, so the exit comes again. */
	ASSERT_EXIT(AXV_EXIT_CR8, &self->v);
	self->v.run->cr8_below = 255;
	ASSERT_EXIT(AXV_EXIT_CR8, &self->v);
	self->v.run->cr8_below = 6;
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(6ull, *x86_gpr(&self->v, AXV_X86_RBX));
	/* 16 is no valid value of CR8. */
	ASSERT_CALL(13, &self->v);
	EXPECT_EQ(GUEST_ADDR(code_cr8, code_cr8_fault),
		  self->v.run->exit.hypercall.args[0]);
}

/* Stubs that make a hypercall with the flags in their frame as argument 0. */
GUEST_CODE(flags_stubs, 64,
	"flags_stubs_event:\n"
	"mov $0x48, %eax\n"
	"mov 16(%rsp), %rbx\n"
	HYPERCALL
	"flags_stubs_error:\n"
	"mov $0x49, %eax\n"
	"mov 24(%rsp), %rbx\n"
	HYPERCALL);
GUEST_LABEL(flags_stubs_error);

GUEST_CODE(code_rdmsr, 64, "mov $0x12345, %ecx; rdmsr");
GUEST_CODE(code_mov_cr0, 64, "mov $0x80000000, %eax; mov %rax, %cr0");
GUEST_CODE(code_wrmsr, 64, "mov $0x12345, %ecx; wrmsr");

/* A fault's frame has RF set, also if the VMM injects the fault. */
TEST_F(inject, rf_in_frames)
{
	static const struct {
		const __u8 *code, *end;
	} earned[] = {
		{ code_rdmsr, code_rdmsr_end },
		{ code_mov_cr0, code_mov_cr0_end },
		{ code_wrmsr, code_wrmsr_end },
	};
	unsigned int i;

	x86_load_at(&self->vm, STUBS + 0x400, flags_stubs, flags_stubs_end);
	x86_gate_long(&self->vm, 0x48, STUBS + 0x400, 0);
	x86_gate_long(&self->vm, VEC_UD, STUBS + 0x400, 0);
	x86_gate_long(&self->vm, VEC_GP, STUBS + 0x400 + (flags_stubs_error - flags_stubs), 0);
	for (i = 0; i < ARRAY_SIZE(earned); i++) {
		x86_load_at(&self->vm, GUEST_CODE_ADDR, earned[i].code, earned[i].end);
		x86_start_long(&self->v, GUEST_CODE_ADDR);
		ASSERT_CALL(0x49, &self->v);
		EXPECT_NE(0ull, self->v.run->exit.hypercall.args[0] & FLAG_RF)
			TH_LOG("case %u", i);
	}
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, exception(&self->v, VEC_UD));
	ASSERT_CALL(0x48, &self->v);
	EXPECT_NE(0ull, self->v.run->exit.hypercall.args[0] & FLAG_RF);
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, exception_error(&self->v, VEC_GP, 0, 0));
	ASSERT_CALL(0x49, &self->v);
	EXPECT_NE(0ull, self->v.run->exit.hypercall.args[0] & FLAG_RF);
	/* An interrupt's frame does not have RF set. */
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, extint(&self->v, 0x48));
	ASSERT_CALL(0x48, &self->v);
	EXPECT_EQ(0ull, self->v.run->exit.hypercall.args[0] & FLAG_RF);
}

GUEST_CODE(code_int_tf, 64, "int $0x48; nop; nop; nop");

/* INT n pushes TF and clears it: no step is trapped before its handler. */
TEST_F(inject, int_n_in_single_steps)
{
	/* Only in QEMU is INT n an exit while #BP is intercepted. */
	if (!x86_in_qemu())
		return;
	x86_load_at(&self->vm, STUBS + 0x400, flags_stubs, flags_stubs_end);
	x86_gate_long(&self->vm, 0x48, STUBS + 0x400, 0);
	x86_gate_long(&self->vm, VEC_DB, STUB(stubs_exception), 0);
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(EVENT, AXV_X86_EVENT_EXIT_MASK), 1 << VEC_BP));
	BEGIN(self, code_int_tf, FLAG_TF);
	ASSERT_CALL(0x48, &self->v);
	EXPECT_NE(0ull, self->v.run->exit.hypercall.args[0] & FLAG_TF);
}

/* ---- other modes ---- */

GUEST_CODE(code_real, 16,
	"nop\n"
	"1: jmp 1b\n"
	"code_real_irq:\n"
	"mov $0x40, %ax\n"
	HYPERCALL
	"iretw\n"
	"code_real_gp:\n"
	"mov $13, %ax\n"
	"mov %sp, %bp\n"
	"mov (%bp), %bx\n"
	HYPERCALL
	"iretw\n");
GUEST_LABEL(code_real_irq);
GUEST_LABEL(code_real_gp);

TEST_F(inject, real_mode)
{
	x86_load(&self->vm, code_real);
	x86_start_real(&self->v, GUEST_CODE_ADDR);
	x86_gate_real(&self->vm, 0x40, GUEST_ADDR(code_real, code_real_irq));
	x86_gate_real(&self->vm, VEC_NMI, GUEST_ADDR(code_real, code_real_irq));
	x86_gate_real(&self->vm, VEC_GP, GUEST_ADDR(code_real, code_real_gp));
	self->v.run->regs.gprs.rflags |= FLAG_IF;
	ASSERT_EQ(0, extint(&self->v, 0x40));
	ASSERT_CALL(0x40, &self->v);
	ASSERT_EQ(0, nmi(&self->v));
	ASSERT_CALL(0x40, &self->v);
	/* When the handler returns, interrupts are on again. */
	ASSERT_EQ(0, extint(&self->v, 0x40));
	ASSERT_CALL(0x40, &self->v);
	/* In real mode no error code is pushed: IP is on top of the stack. */
	x86_start_real(&self->v, GUEST_CODE_ADDR);
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_NMI_MASKED));
	ASSERT_EQ(0, exception_error(&self->v, VEC_GP, 0x55, 0));
	ASSERT_CALL(13, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
}

GUEST_CODE(code_prot, 32,
	"nop\n"
	"1: jmp 1b\n"
	"code_prot_irq:\n"
	"mov $0x40, %eax\n"
	"mov (%esp), %ebx\n"
	HYPERCALL
	"iretl\n"
	"code_prot_gp:\n"
	"mov $13, %eax\n"
	"pop %ecx\n"
	HYPERCALL
	"iretl\n");
GUEST_LABEL(code_prot_irq);
GUEST_LABEL(code_prot_gp);

TEST_F(inject, protected_mode)
{
	x86_load(&self->vm, code_prot);
	x86_start_prot(&self->v, GUEST_CODE_ADDR);
	x86_gate_prot(&self->vm, 0x40, GUEST_ADDR(code_prot, code_prot_irq), 0);
	x86_gate_prot(&self->vm, VEC_GP, GUEST_ADDR(code_prot, code_prot_gp), 0);
	self->v.run->regs.gprs.rflags |= FLAG_IF;
	ASSERT_EQ(0, extint(&self->v, 0x40));
	ASSERT_CALL(0x40, &self->v);
	EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->exit.hypercall.args[0]);
	ASSERT_EQ(0, exception_error(&self->v, VEC_GP, 0x18, 0));
	ASSERT_CALL(13, &self->v);
	EXPECT_EQ(0x18ull, self->v.run->exit.hypercall.args[1]);
}

/* ---- deliveries that an exit interrupts ---- */

/* Take a page of guest memory away: region 0 ends before it, region 1 begins behind it. */
static void take_out(struct axv_vm *vm, __u64 page)
{
	must(!vm_region(vm, 0, 0, 0, page, vm->ram));
	must(!vm_region(vm, 1, 0, page + PAGE, GUEST_RAM_SIZE - page - PAGE,
			vm->ram + page + PAGE));
}

static int put_back(struct axv_vm *vm, __u64 page)
{
	return vm_region(vm, 2, 0, page, PAGE, vm->ram + page);
}

#define STACK_PAGE	(GUEST_STACK - PAGE)

enum cut { CUT_EXTINT, CUT_NMI, CUT_EXCEPTION, CUT_SOFT, CUT_UD, CUTS };

GUEST_CODE(code_cut, 64,
	"nop\n"
	"code_cut_int:\n"
	"int $0x47\n"
	"out %al, $0x20\n"
	"code_cut_ud:\n"
	"ud2\n"
	"out %al, $0x20\n");
GUEST_LABEL(code_cut_int);
GUEST_LABEL(code_cut_ud);

static void cut_short(struct __test_metadata *_metadata, struct axv_vm *vm, struct axv_vcpu *v,
		      enum cut kind, __u64 page, struct axv_vcpu *heir)
{
	__u64 from = GUEST_CODE_ADDR, back = GUEST_CODE_ADDR, call = 6;

	take_out(vm, page);
	x86_load(vm, code_cut);
	switch (kind) {
	case CUT_EXTINT:
		ASSERT_EQ(0, extint(v, 0x41));
		call = 0x41;
		break;
	case CUT_NMI:
		ASSERT_EQ(0, nmi(v));
		call = VEC_NMI;
		break;
	case CUT_EXCEPTION:
		ASSERT_EQ(0, exception_error(v, VEC_PF, 2, 0x1234000));
		call = 14;
		break;
	case CUT_SOFT:
		from = GUEST_ADDR(code_cut, code_cut_int);
		back = from + 2;
		call = 0x47;
		break;
	default:
		from = GUEST_ADDR(code_cut, code_cut_ud);
		back = from;
	}
	x86_start_long(v, from);
	v->run->regs.gprs.rflags |= FLAG_IF;
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, v) {
		TH_LOG("kind %d, page %#llx", kind, (unsigned long long)page);
	}
	EXPECT_EQ(page, v->run->exit.fault.addr & -PAGE);
	EXPECT_EQ((__u32)AXV_FAULT_NO_REGION, v->run->exit.fault.cause);
	/* The access is the event's, not an instruction's, even for the guest's own INT n. */
	EXPECT_NE(0u, v->run->exit.fault.access & AXV_ACCESS_EVENT) TH_LOG("kind %d", kind);
	EXPECT_EQ(0u, v->run->exit.fault.insn_bytes) TH_LOG("kind %d", kind);
	EXPECT_EQ(from, v->run->ip);
	/* The exit comes again as long as the page is missing. */
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, v);
	EXPECT_EQ(from, v->run->ip);
	if (heir) {
		x86_regs_copy(v, heir);
		ASSERT_EQ(0, vcpu_bind(heir));
		v = heir;
		v->run->want = AXV_RUN_SET_GPRS;
	}
	ASSERT_EQ(0, put_back(vm, page));
	ASSERT_CALL(call, v);
	EXPECT_EQ(back, v->run->exit.hypercall.args[0]);
	if (kind == CUT_EXCEPTION) {
		EXPECT_EQ(2ull, v->run->exit.hypercall.args[1]);
		EXPECT_EQ(0x1234000ull, v->run->exit.hypercall.args[2]);
	}
	EXPECT_EQ(kind == CUT_NMI, event(v, AXV_X86_EVENT_NMI_MASKED));
	EXPECT_EQ(0ull, event(v, AXV_X86_EVENT_REINJECT) & AXV_X86_EVENT_VALID);
	/* The event is delivered once. */
	if (kind == CUT_UD) {
		ASSERT_CALL(6, v);	/* the instruction itself, again */
	} else if (kind == CUT_NMI) {
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, v);
		EXPECT_EQ(0x10, v->run->exit.io.port);
		ASSERT_CALL(0x47, v);
	} else if (kind == CUT_SOFT) {
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, v);
		EXPECT_EQ(0x20, v->run->exit.io.port);
	} else {
		ASSERT_CALL(0x47, v);
	}
}

TEST_F(inject, cut_short_at_the_idt)
{
	int kind;

	for (kind = 0; kind < CUTS; kind++) {
		ASSERT_EQ(0, vcpu_reset(&self->v));
		ASSERT_EQ(0, guest_setup(&self->v));
		ASSERT_EQ(0, vcpu_bind(&self->v));
		vm_region(&self->vm, 2, 0, 0, 0, NULL);
		cut_short(_metadata, &self->vm, &self->v, kind, GUEST_IDT, NULL);
	}
}

TEST_F(inject, cut_short_at_the_stack)
{
	int kind;

	for (kind = 0; kind < CUTS; kind++) {
		ASSERT_EQ(0, vcpu_reset(&self->v));
		ASSERT_EQ(0, guest_setup(&self->v));
		ASSERT_EQ(0, vcpu_bind(&self->v));
		vm_region(&self->vm, 2, 0, 0, 0, NULL);
		cut_short(_metadata, &self->vm, &self->v, kind, STACK_PAGE, NULL);
	}
}

TEST_F(inject, cut_short_and_moved)
{
	struct axv_vcpu heir;
	int kind;

	for (kind = 0; kind < CUTS; kind++) {
		ASSERT_EQ(0, vcpu_reset(&self->v));
		ASSERT_EQ(0, guest_setup(&self->v));
		ASSERT_EQ(0, vcpu_bind(&self->v));
		vm_region(&self->vm, 2, 0, 0, 0, NULL);
		vcpu_new(&self->vm, &heir, 1);
		ASSERT_EQ(0, guest_setup(&heir));
		cut_short(_metadata, &self->vm, &self->v, kind, GUEST_IDT, &heir);
		vcpu_free(&heir);
	}
}

TEST_F(inject, cut_short_by_a_readonly_stack)
{
	take_out(&self->vm, STACK_PAGE);
	ASSERT_EQ(0, vm_region(&self->vm, 2, AXV_REGION_READONLY, STACK_PAGE, PAGE,
			       self->vm.ram + STACK_PAGE));
	BEGIN(self, code_nops, FLAG_IF);
	ASSERT_EQ(0, extint(&self->v, 0x41));
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ((__u32)AXV_FAULT_READONLY, self->v.run->exit.fault.cause);
	ASSERT_EQ(0, put_back(&self->vm, STACK_PAGE));
	ASSERT_CALL(0x41, &self->v);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
}

TEST_F(inject, cut_short_by_first_touch)
{
	unsigned long n = scaled(50), i;

	/* Faults that the kernel handles itself; neither guest nor VMM must notice them. */
	BEGIN(self, code_nops, FLAG_IF);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, madvise(self->vm.ram + STACK_PAGE, PAGE, MADV_DONTNEED));
		x86_start_long(&self->v, GUEST_CODE_ADDR);
		self->v.run->regs.gprs.rflags |= FLAG_IF;
		ASSERT_EQ(0, extint(&self->v, 0x40 + i % 16));
		ASSERT_CALL(0x40 + i % 16, &self->v);
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
		EXPECT_EQ(0x20, self->v.run->exit.io.port);
	}
	EXPECT_EQ(n, vcpu_stats(&self->v).injections);
}

GUEST_CODE(code_sti_int, 64,
	"out %al, $0x20\n"
	"sti\n"
	"int $0x45\n"
	"code_sti_int_after:\n"
	"nop\n"
	"1: jmp 1b\n");
GUEST_LABEL(code_sti_int_after);

TEST_F(inject, extint_waits_for_an_int_n_that_runs_again)
{
	BEGIN(self, code_sti_int, 0);
	ASSERT_EQ(0, extint(&self->v, 0x42));
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	/* A fault that the kernel handles itself interrupts the delivery of INT n. */
	ASSERT_EQ(0, madvise(self->vm.ram + STACK_PAGE, PAGE, MADV_DONTNEED));
	/* QEMU's VMRUN does not load the shadow. */
	if (!x86_in_qemu()) {
		ASSERT_CALL(0x45, &self->v);
		EXPECT_EQ(GUEST_ADDR(code_sti_int, code_sti_int_after),
			  self->v.run->exit.hypercall.args[0]);
	}
	ASSERT_CALL(0x42, &self->v);
}

/* ---- from other threads ---- */

TEST_F(inject, into_a_running_guest)
{
	unsigned long n = scaled(500), i;
	struct axv_runner r;

	BEGIN(self, code_sti, 0);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, for_ever, NULL);
	for (i = 1; i <= n; i++) {
		ASSERT_EQ(0, extint(&self->v, 0x40 + i % 16));
		runner_await(&r, AXV_EXIT_HYPERCALL, i);
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(n, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(n, vcpu_stats(&self->v).injections);
}

FIXTURE_ONE_VCPU(blocked)
{
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
	set_gates(&self->vm);
	vcpu_ready(&self->vm, &self->v, 0);
}

GUEST_CODE(code_idle, 64,
	"1: sti\n"
	"hlt\n"
	"cli\n"
	"jmp 1b\n");

TEST_F(blocked, woken_every_time)
{
	unsigned long n = scaled(1000), i;
	struct axv_runner r;

	/* Inject at once, wherever on its way to sleep the thread is: no wake-up may be lost. */
	BEGIN(self, code_idle, 0);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, for_ever, NULL);
	for (i = 1; i <= n; i++) {
		ASSERT_EQ(0, extint(&self->v, 0x40 + i % 16));
		runner_await(&r, AXV_EXIT_HYPERCALL, i);
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(n, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_HALT]);
}

TEST_F(blocked, woken_from_sleep)
{
	unsigned long n = scaled(200), i;
	struct axv_runner r;

	BEGIN(self, code_idle, 0);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, for_ever, NULL);
	for (i = 1; i <= n; i++) {
		vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
		ASSERT_EQ(0, i % 2 ? extint(&self->v, 0x40) : nmi(&self->v));
		runner_await(&r, AXV_EXIT_HYPERCALL, i);
	}
	/* Let the handler of the last NMI return: otherwise Bochs masks the next vCPU's NMIs. */
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	runner_stop(&r);
	EXPECT_EQ(n, r.exits[AXV_EXIT_HYPERCALL]);
}

GUEST_CODE(code_dead, 64,
	"1: cli\n"
	"hlt\n"
	"out %al, $0x30\n"
	"jmp 1b\n");

TEST_F(blocked, interrupts_off)
{
	struct axv_runner r;
	int i;

	/* An interrupt that cannot be taken does not end the halt; an NMI does. */
	BEGIN(self, code_dead, 0);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, for_ever, NULL);
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	ASSERT_EQ(0, extint(&self->v, 0x40));
	for (i = 0; i < 50; i++)
		sched_yield();
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_IO_WRITE]);
	ASSERT_EQ(0, nmi(&self->v));
	runner_await(&r, AXV_EXIT_HYPERCALL, 1);
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	runner_stop(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_HYPERCALL]);
	/* One OUT of the handler, and one behind the halt. */
	EXPECT_EQ(2ul, r.exits[AXV_EXIT_IO_WRITE]);
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_EXTINT_COUNT));
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_HALTED));
}

TEST_F(blocked, window_at_the_halt)
{
	/*
	 * The window opens at the HLT behind STI.  A VMM that waits for it, since it
	 * has an interrupt, must get the exit before the vCPU's thread sleeps.
	 */
	BEGIN(self, code_idle, 0);
	self->v.run->irq_window = 1;
	ASSERT_EXIT(AXV_EXIT_IRQ_WINDOW, &self->v);
	EXPECT_EQ(1, self->v.run->ready_for_interrupt);
	self->v.run->irq_window = 0;
	ASSERT_EQ(0, extint(&self->v, 0x46));
	ASSERT_CALL(0x46, &self->v);
}

TEST_F(blocked, pending_at_the_halt)
{
	/* No other thread could end the halt. */
	BEGIN(self, code_idle, 0);
	ASSERT_EQ(0, extint(&self->v, 0x44));
	ASSERT_CALL(0x44, &self->v);
}

static atomic_int handled;

static void handler(int sig)
{
	handled = sig;
}

static int until_handled(struct axv_runner *r)
{
	(void)r;
	return handled;
}

TEST_F(blocked, a_signal_ends_it)
{
	struct sigaction sa = { .sa_handler = handler };
	struct axv_runner r;

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	BEGIN(self, code_idle, 0);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, until_handled, NULL);
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	ASSERT_EQ(0, pthread_kill(r.thread, SIGUSR1));
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(AXV_EXIT_NOTHING, self->v.run->exit_reason);
	EXPECT_EQ(r.runs, r.exits[AXV_EXIT_NOTHING]);
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_HALTED));
	/* The vCPU is still halted, and the interrupt ends that. */
	ASSERT_EQ(0, vcpu_bind(&self->v));
	ASSERT_EQ(0, extint(&self->v, 0x45));
	ASSERT_CALL(0x45, &self->v);
	EXPECT_EQ(0ull, event(&self->v, AXV_X86_EVENT_HALTED));
}

static long session_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
}

/* Runs in a child process that shares its parent's memory. */
static int give_session_to_parent(void *arg)
{
	struct axv_vcpu *v = arg;

	vcpu_await_state(v, AXV_STATE_BLOCKED);
	must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) > 0);
	/* This queues work for the parent (TWA_RESUME), but does not wake it. */
	must(!syscall(SYS_keyctl, KEYCTL_SESSION_TO_PARENT));
	/* The interrupt wakes the parent, but does not end the halt, since interrupts are off. */
	must(!extint(v, 0x40));
	return 0;
}

TEST_F(blocked, task_work_ends_it)
{
	const size_t size = 64 * 1024;
	__u8 *stack = mem_new(size);
	long before;
	pid_t pid;

	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno == ENOSYS)
		SKIP(return, "no keys in this kernel");
	before = session_keyring();
	ASSERT_LT(0, before);
	BEGIN(self, code_dead, 0);
	pid = clone(give_session_to_parent, stack + size, CLONE_VM | SIGCHLD, &self->v);
	ASSERT_LT(0, pid);
	/* The kernel does the work when a run returns. */
	while (session_keyring() == before)
		ASSERT_EQ(AXV_EXIT_NOTHING, vcpu_run_once(&self->v));
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_HALTED));
	munmap(stack, size);
}

TEST_HARNESS_MAIN
