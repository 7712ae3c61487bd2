// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of NMIs that cannot be taken at once: in an interrupt shadow, in the handler of
 * another NMI, during another event.  The guest gets the NMI, but must not see how the
 * module finds the point where it can be taken: no TF that the guest did not set, no #DB.
 */
#include "axv_harness.h"
#include "x86.h"

/*
 * Handlers.  Each makes a hypercall with its vector as the number, the interrupted RIP
 * as argument 0 and the interrupted flags as argument 1, and preserves the registers.
 */
#define HANDLERS	0x9a000ul

GUEST_CODE(handlers, 64,
	"handlers_db:\n"
	"andq $~0x100, 16(%rsp)\n"	/* one step is enough */
	"push $1\n"
	"jmp handlers_common\n"
	"handlers_nmi:\n"
	"push $2\n"
	"jmp handlers_common\n"
	"handlers_bp:\n"
	"push $3\n"
	"jmp handlers_common\n"
	"handlers_ud:\n"
	"addq $2, (%rsp)\n"		/* skip UD2 */
	"push $6\n"
	"jmp handlers_common\n"
	"handlers_int:\n"
	"push $0x45\n"
	"handlers_common:\n"
	"xchg %rax, (%rsp)\n"
	"push %rbx\n"
	"push %rcx\n"
	"mov 24(%rsp), %rbx\n"
	"mov 40(%rsp), %rcx\n"
	HYPERCALL
	"pop %rcx\n"
	"pop %rbx\n"
	"pop %rax\n"
	"iretq\n"
	/* Adds RSI to RIP: to skip RDMSR, or 0 to repeat the access. */
	"handlers_gp:\n"
	"add %rsi, 8(%rsp)\n"
	"movq $13, (%rsp)\n"
	"jmp handlers_common\n"
	"handlers_pf:\n"
	"movq $14, (%rsp)\n"
	"jmp handlers_common\n"
	/* For SYSCALL, which puts RIP and flags into RCX and R11. */
	"handlers_syscall:\n"
	"mov $0x78, %eax\n"
	"xchg %rcx, %r11\n"
	HYPERCALL
	"jmp *%r11\n"
	/* An NMI's handler whose IRET faults once, since CS is invalid. */
	"handlers_bad_iret:\n"
	"mov $2, %eax\n"
	"mov (%rsp), %rbx\n"
	"mov 16(%rsp), %rcx\n"
	HYPERCALL
	"xchg %rdi, 8(%rsp)\n"
	"handlers_bad_iret_insn:\n"
	"iretq\n"
	"handlers_bad_iret_gp:\n"
	"mov $13, %eax\n"
	"mov 8(%rsp), %rbx\n"
	"mov 24(%rsp), %rcx\n"
	HYPERCALL
	"add $8, %rsp\n"
	"mov 24(%rsp), %rbx\n"
	"mov %rdi, 8(%rbx)\n"
	"iretq\n");
GUEST_LABEL(handlers_nmi);
GUEST_LABEL(handlers_bp);
GUEST_LABEL(handlers_ud);
GUEST_LABEL(handlers_int);
GUEST_LABEL(handlers_gp);
GUEST_LABEL(handlers_pf);
GUEST_LABEL(handlers_syscall);
GUEST_LABEL(handlers_bad_iret);
GUEST_LABEL(handlers_bad_iret_insn);
GUEST_LABEL(handlers_bad_iret_gp);

#define HANDLER(label)	(HANDLERS + ((label) - handlers))

#define CALL_DONE	0x77
#define CALL_SYSCALL	0x78
#define VEC_INT		0x45
#define DEVICE		0xd0000ul
#define TOUCHED		0x80000ul
#define ABSENT		0x82000ul

/* The instruction behind STI; then the guest reads its own flags. */
#define IN_SHADOW(name, insn)						\
	GUEST_CODE(name, 64,						\
		insn "\n"						\
		"pushfq\n"						\
		"pop %rcx\n"						\
		"xor %ebx, %ebx\n"					\
		"mov $0x77, %eax\n"					\
		HYPERCALL						\
		"1: jmp 1b\n")

IN_SHADOW(shadow_nop, "nop");
IN_SHADOW(shadow_pushf, "pushfq; pop %rcx");
IN_SHADOW(shadow_popf, "popfq; push %rcx");
IN_SHADOW(shadow_popf_tf, "popfq; push %rcx");
IN_SHADOW(shadow_cpuid, "cpuid");
IN_SHADOW(shadow_hlt, "hlt");
IN_SHADOW(shadow_out, "out %al, $0x20");
IN_SHADOW(shadow_mmio, "mov 0xd0000, %ebx");
IN_SHADOW(shadow_int, "int $0x45");
IN_SHADOW(shadow_int3, "int3");
IN_SHADOW(shadow_touch, "mov 0x80000, %ebx");
IN_SHADOW(shadow_syscall, "syscall");
IN_SHADOW(shadow_ud, "ud2");
IN_SHADOW(shadow_pf, "mov 0x82000, %ebx");
IN_SHADOW(shadow_rdmsr, "rdmsr");
IN_SHADOW(shadow_iret, "iretq");

#define CASE(what, ...)	{						\
	.name = #what, .code = shadow_##what, .end = shadow_##what##_end, __VA_ARGS__	\
}

/**
 * struct shadow_case - an instruction in an interrupt shadow
 * @name: name of the instruction
 * @code: the guest's code
 * @end: end of the code
 * @call: the hypercall that it causes once; 0: none
 * @exit: the exit that it causes once; 0: none
 * @stack: the value on top of its stack; 0: nothing
 * @db: how many #DB the guest itself causes
 */
static const struct shadow_case {
	const char *name;
	const __u8 *code, *end;
	__u64 call;
	int exit;
	__u64 stack;
	int db;
} shadow_cases[] = {
	CASE(nop),
	CASE(pushf),
	CASE(popf, .stack = FLAG_FIXED | FLAG_IF),
	CASE(popf_tf, .stack = FLAG_FIXED | FLAG_IF | FLAG_TF, .db = 1),
	CASE(cpuid),
	CASE(hlt, .exit = AXV_EXIT_HALT),
	CASE(out, .exit = AXV_EXIT_IO_WRITE),
	CASE(mmio, .exit = AXV_EXIT_MMIO_READ),
	CASE(int, .call = VEC_INT),
	CASE(int3, .call = VEC_BP),
	CASE(touch),
	CASE(syscall, .call = CALL_SYSCALL),
	CASE(ud, .call = VEC_UD),
	CASE(pf, .call = VEC_PF),
	CASE(rdmsr, .call = VEC_GP),
	CASE(iret),
};

FIXTURE_ONE_VCPU(nmi)
{
	struct axv_vm *vm = &self->vm;

	vm_new(vm, 0);
	x86_load_at(vm, HANDLERS, handlers, handlers_end);
	x86_gate_long(vm, VEC_DB, HANDLERS, 0);
	x86_gate_long(vm, VEC_NMI, HANDLER(handlers_nmi), 0);
	x86_gate_long(vm, VEC_BP, HANDLER(handlers_bp), 0);
	x86_gate_long(vm, VEC_UD, HANDLER(handlers_ud), 0);
	x86_gate_long(vm, VEC_INT, HANDLER(handlers_int), 0);
	x86_gate_long(vm, VEC_GP, HANDLER(handlers_gp), 0);
	x86_gate_long(vm, VEC_PF, HANDLER(handlers_pf), 0);
	*x86_pte(vm, ABSENT) = 0;
	vcpu_ready(vm, &self->v, 0);
}

static void start(struct axv_vcpu *v, __u64 ip)
{
	x86_start_long(v, ip);
	v->run->regs.gprs.rflags |= FLAG_IF;
	v->run->regs.sregs.efer |= EFER_SCE;
}

/* Make the guest access its code, stack and handlers, so that no fault ends the next run. */
static void warm_up(struct axv_vcpu *v)
{
	start(v, GUEST_CODE_ADDR);
	must(!vcpu_inject(v, AXV_INJECT_EXTINT, VEC_INT));
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	must(v->run->exit.hypercall.nr == VEC_INT);
}

/* Make the next run begin behind an STI. */
static void begin_in_shadow(struct axv_vm *vm, struct axv_vcpu *v, const struct shadow_case *c)
{
	__u64 *top = (__u64 *)(vm->ram + GUEST_STACK) - 1, rsp = GUEST_STACK;
	int i;

	must(!vcpu_reset(v));
	must(!guest_setup(v));
	must(!vcpu_bind(v));
	must(!reg_set(v, AXV_REG_X86(MSR, MSR_LSTAR), HANDLER(handlers_syscall)));
	must(!reg_set(v, AXV_REG_X86(MSR, MSR_STAR), (__u64)SEL_CODE64 << 32));

	x86_load_at(vm, GUEST_CODE_ADDR, c->code, c->end);
	warm_up(v);
	must(!madvise(vm->ram + TOUCHED, PAGE, MADV_DONTNEED));
	if (c->code == shadow_iret) {
		top -= 4;
		rsp -= 0x28;
		top[0] = GUEST_CODE_ADDR + 2;
		top[1] = SEL_CODE64;
		top[2] = FLAG_FIXED | FLAG_IF;
		top[3] = GUEST_STACK;
		top[4] = SEL_DATA;
	} else if (c->stack) {
		*top = c->stack;
		rsp -= 8;
	}
	start(v, GUEST_CODE_ADDR);
	for (i = 0; i < 16; i++)
		if (i != AXV_X86_RSP)
			*x86_gpr(v, i) = 0;
	*x86_gpr(v, AXV_X86_RSP) = rsp;
	*x86_gpr(v, AXV_X86_RCX) = c->code == shadow_rdmsr ? 0x12345 : 0;
	*x86_gpr(v, AXV_X86_RSI) = c->code == shadow_rdmsr ? 2 : 0;
	must(!axv_ioctl(v->fd, AXV_VCPU_SYNC, NULL));
	must(!reg_set(v, AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), AXV_X86_SHADOW_STI));
}

TEST_F(nmi, behind_a_shadow_leaves_no_trace)
{
	const struct axv_exit_hypercall *call = &self->v.run->exit.hypercall;
	unsigned int n;

	if (x86_in_bochs_svm())
		SKIP(return, "a single step of an instruction that exits would crash the host");
	for (n = 0; n < ARRAY_SIZE(shadow_cases); n++) {
		const struct shadow_case *c = &shadow_cases[n];
		int nmis = 0, calls = 0, exits = 0, db = 0, runs, reason;
		__u64 tf = 0;

		begin_in_shadow(&self->vm, &self->v, c);
		ASSERT_EQ(0, vcpu_inject(&self->v, AXV_INJECT_NMI, 0));
		for (runs = 0; runs < 10; runs++) {
			reason = vcpu_run(&self->v);
			if (c->exit && reason == c->exit) {
				exits++;
				continue;
			}
			ASSERT_EQ(AXV_EXIT_HYPERCALL, reason) {
				TH_LOG("%s", c->name);
				vcpu_dump(&self->v);
			}
			nmis += call->nr == VEC_NMI;
			db += call->nr == VEC_DB;
			calls += c->call && call->nr == c->call;
			if (call->nr == VEC_PF)
				*x86_pte(&self->vm, ABSENT) = ABSENT | PTE_P | PTE_W;
			/* An NMI may come behind the POPF that sets TF. */
			if (!c->db || call->nr == CALL_DONE)
				tf |= call->args[1] & FLAG_TF;
			if (call->nr == CALL_DONE)
				break;
		}
		*x86_pte(&self->vm, ABSENT) = 0;

		EXPECT_GT(10, runs) TH_LOG("%s", c->name);
		EXPECT_EQ(1, nmis) TH_LOG("%s", c->name);
		EXPECT_EQ(c->db, db) TH_LOG("%s", c->name);
		EXPECT_EQ(0ull, tf) TH_LOG("%s", c->name);
		EXPECT_EQ(!!c->call, calls) TH_LOG("%s", c->name);
		EXPECT_EQ(!!c->exit, exits) TH_LOG("%s", c->name);
	}
}

/* The second NMI waits for an IRET that faults and is repeated. */
TEST_F(nmi, behind_an_iret_that_faults)
{
	const struct axv_exit_hypercall *call = &self->v.run->exit.hypercall;
	int i, nmis = 0, gps = 0;
	__u64 tf = 0;

	x86_gate_long(&self->vm, VEC_NMI, HANDLER(handlers_bad_iret), 0);
	x86_gate_long(&self->vm, VEC_GP, HANDLER(handlers_bad_iret_gp), 0);
	x86_load(&self->vm, shadow_nop);
	start(&self->v, GUEST_CODE_ADDR);
	ASSERT_EQ(0, vcpu_inject(&self->v, AXV_INJECT_NMI, 0));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ((__u64)VEC_NMI, call->nr);
	ASSERT_EQ(0, vcpu_inject(&self->v, AXV_INJECT_NMI, 0));
	x86_gate_long(&self->vm, VEC_NMI, HANDLER(handlers_nmi), 0);
	for (i = 0; i < 10 && call->nr != CALL_DONE; i++) {
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		tf |= call->args[1] & FLAG_TF;
		nmis += call->nr == VEC_NMI;
		gps += call->nr == VEC_GP;
		if (call->nr == VEC_GP)
			EXPECT_EQ(HANDLER(handlers_bad_iret_insn), call->args[0]);
	}
	EXPECT_EQ((__u64)CALL_DONE, call->nr);
	EXPECT_EQ(1, nmis);
	EXPECT_EQ(1, gps);
	EXPECT_EQ(0ull, tf);
}

/* The NMI is taken before the first instruction of the exception's handler. */
TEST_F(nmi, behind_an_exception)
{
	const struct axv_exit_hypercall *call = &self->v.run->exit.hypercall;

	x86_load(&self->vm, shadow_nop);
	warm_up(&self->v);
	start(&self->v, GUEST_CODE_ADDR);
	ASSERT_EQ(0, vcpu_inject(&self->v, AXV_INJECT_EXCEPTION, VEC_UD));
	ASSERT_EQ(0, vcpu_inject(&self->v, AXV_INJECT_NMI, 0));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ((__u64)VEC_NMI, call->nr);
	EXPECT_EQ(HANDLER(handlers_ud), call->args[0]);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ((__u64)VEC_UD, call->nr);
}

TEST_HARNESS_MAIN
