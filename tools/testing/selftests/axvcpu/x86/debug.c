// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of breakpoints and single steps that belong to the VMM: they end runs where they
 * should, and the guest sees nothing of them.
 */
#include "axv_harness.h"
#include "x86.h"

#define HANDLERS	0x9a000ul
#define DATA		0x6000ul
#define VEC_INT		0x45
#define VEC_CALL	0x50	/* user mode's INT for a hypercall */
#define CALL_DONE	0x77
#define PORT		"0x20"

#define CAUSE_DR	(1ull << 13)
#define CAUSE_STEP	(1ull << 14)

GUEST_CODE(handlers, 64,
	"handlers_db:\n"
	"incl 0x6000\n"
	"iretq\n"
	"handlers_int:\n"
	"nop\n"
	"handlers_int_iret:\n"
	"iretq\n"
	"handlers_bp:\n"
	"iretq\n"
	"handlers_ud:\n"
	"addq $2, (%rsp)\n"
	"handlers_ud_iret:\n"
	"iretq\n"
	"handlers_gp:\n"
	"mov $13, %eax\n"
	"handlers_call:\n"
	HYPERCALL
	"1: jmp 1b\n"
	"handlers_syscall:\n"
	"mov %r11, %r10\n"
	"handlers_sysret:\n"
	"sysretq\n");
GUEST_LABEL(handlers_db);
GUEST_LABEL(handlers_int);
GUEST_LABEL(handlers_int_iret);
GUEST_LABEL(handlers_bp);
GUEST_LABEL(handlers_ud);
GUEST_LABEL(handlers_ud_iret);
GUEST_LABEL(handlers_gp);
GUEST_LABEL(handlers_call);
GUEST_LABEL(handlers_syscall);
GUEST_LABEL(handlers_sysret);

#define HANDLER(label)	(HANDLERS + ((label) - handlers))

FIXTURE_ONE_VCPU(debug)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
	x86_load_at(&self->vm, HANDLERS, handlers, handlers_end);
	x86_gate_long(&self->vm, VEC_DB, HANDLER(handlers_db), 0);
	x86_gate_long(&self->vm, VEC_BP, HANDLER(handlers_bp), 0);
	x86_gate_long(&self->vm, VEC_UD, HANDLER(handlers_ud), 0);
	x86_gate_long(&self->vm, VEC_GP, HANDLER(handlers_gp), 0);
	x86_gate_long(&self->vm, VEC_INT, HANDLER(handlers_int), 0);
	x86_gate_long(&self->vm, VEC_CALL, HANDLER(handlers_call), 3);
}

static int set_debug(struct axv_vcpu *v, __u32 flags)
{
	struct axv_debug debug = { .flags = flags };

	return axv_ioctl(v->fd, AXV_VCPU_SET_DEBUG, &debug);
}

/* A breakpoint in DR0.  @control: its kind and length, bits 16 to 19 of DR7. */
static int set_break(struct axv_vcpu *v, __u32 flags, __u64 addr, __u64 control)
{
	struct axv_debug debug = {
		.flags = flags | AXV_DEBUG_HW_BREAK,
		.control = control | 0x2,
		.addr = { addr },
	};

	return axv_ioctl(v->fd, AXV_VCPU_SET_DEBUG, &debug);
}

#define BREAK_CODE	0x00000ull
#define BREAK_WRITE	0xd0000ull	/* 4 bytes */
#define BREAK_ACCESS	0xf0000ull

/*
 * Run.  Not vcpu_run(), which may move the vCPU at an exit: what the VMM debugs is no state of
 * the guest's, so a vCPU that takes the state over debugs nothing.
 */
static int run(struct axv_vcpu *v)
{
	int ret;

	do {
		ret = vcpu_run_once(v);
	} while (ret == AXV_EXIT_NOTHING);
	return ret;
}

/* Run to the end of a step, past exits for the accesses of the instruction. */
static int step(struct axv_vcpu *v)
{
	int ret = run(v);

	while (ret == AXV_EXIT_IO_READ || ret == AXV_EXIT_IO_WRITE ||
	       ret == AXV_EXIT_MMIO_READ || ret == AXV_EXIT_MMIO_WRITE) {
		if (ret == AXV_EXIT_IO_READ)
			v->run->exit.io.data = 0x5a;
		if (ret == AXV_EXIT_MMIO_READ)
			v->run->exit.mmio.data = 0x5a5a;
		ret = run(v);
	}
	return ret;
}

static int can_step(struct axv_vcpu *v)
{
	return !!(axv_query(v->vm->dev, AXV_QUERY_DEBUG_FLAGS) & AXV_DEBUG_STEP);
}

#define NO_STEP			"no monitor trap flag"
/* As in exits_cpu.c: Bochs' #VMEXIT leaves a pending step to the host. */
#define STEP_HITS_THE_HOST	"a single step of the guest's would crash the host"
/* QEMU's VMRUN loads DR7, but sets no breakpoints by it. */
#define NO_BREAKS		"no breakpoints in a guest of this emulator"

/* Why the guest cannot be stepped here, or NULL. */
static const char *no_step(struct axv_vcpu *v)
{
	if (x86_in_bochs_svm())
		return STEP_HITS_THE_HOST;
	return can_step(v) ? NULL : NO_STEP;
}

TEST_F(debug, arguments)
{
	struct axv_vcpu *v = &self->v;
	struct axv_debug d = { 0 };
	unsigned int bit;
	__u64 flags;

	flags = axv_query(self->vm.dev, AXV_QUERY_DEBUG_FLAGS);
	EXPECT_EQ((__u64)(AXV_DEBUG_SW_BREAK | AXV_DEBUG_HW_BREAK | AXV_DEBUG_BLOCK_EVENTS),
		  flags & ~(__u64)AXV_DEBUG_STEP);
	for (bit = 0; bit < 32; bit++)
		EXPECT_EQ(flags >> bit & 1 ? 0 : -EINVAL, set_debug(v, 1u << bit));
	EXPECT_EQ(0, set_debug(v, flags));
	d.pad = 1;
	EXPECT_EQ(-EINVAL, axv_ioctl(v->fd, AXV_VCPU_SET_DEBUG, &d));
	/* Breakpoints without the flag. */
	d = (struct axv_debug){ .control = 1 };
	EXPECT_EQ(-EINVAL, axv_ioctl(v->fd, AXV_VCPU_SET_DEBUG, &d));
	d = (struct axv_debug){ .addr = { [3] = 1 } };
	EXPECT_EQ(-EINVAL, axv_ioctl(v->fd, AXV_VCPU_SET_DEBUG, &d));
	/* Bits of DR7 that are no breakpoint's. */
	for (bit = 0; bit < 64; bit++) {
		d = (struct axv_debug){ .flags = AXV_DEBUG_HW_BREAK, .control = 1ull << bit };
		EXPECT_EQ(bit <= 10 || bit == 13 || (bit >= 16 && bit < 32) ? 0 : -EINVAL,
			  axv_ioctl(v->fd, AXV_VCPU_SET_DEBUG, &d)) {
			TH_LOG("bit %u", bit);
		}
	}
	/* A port, enabled or not. */
	EXPECT_EQ(-EINVAL, set_break(v, 0, 0x20, 0x20000));
	EXPECT_EQ(0, set_break(v, 0, 0x20, 0x200000));

	EXPECT_EQ(0, set_debug(v, 0));
	/* Only the owner, and only a vCPU that is set up. */
	vcpu_new(&self->vm, v, 1);
	EXPECT_EQ(-EBADFD, set_debug(v, 0));
}

GUEST_CODE(code_bp, 64,
	"nop\n"
	"code_bp_at:\n"
	"int3\n"
	"nop\n"
	"mov $0x77, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_bp_at);

TEST_F(debug, software_breakpoint)
{
	struct axv_run *page = self->v.run;

	ASSERT_EQ(0, set_debug(&self->v, AXV_DEBUG_SW_BREAK));
	x86_begin_long(&self->v, code_bp, 0);
	ASSERT_EQ(AXV_EXIT_DEBUG, run(&self->v));
	EXPECT_EQ((__u32)VEC_BP, page->exit.debug.vector);
	EXPECT_EQ(0ull, page->exit.debug.causes);
	EXPECT_EQ(GUEST_ADDR(code_bp, code_bp_at), page->exit.debug.linear);
	EXPECT_EQ(GUEST_ADDR(code_bp, code_bp_at), page->ip);
	EXPECT_EQ(1, page->insn_len);
	/* The breakpoint hits again: the state is that before the instruction. */
	ASSERT_EQ(AXV_EXIT_DEBUG, run(&self->v));
	ASSERT_EQ(GUEST_ADDR(code_bp, code_bp_at), page->ip);
	/* If INT3 is the guest's own, the VMM injects #BP behind the instruction. */
	page->regs.gprs.rip = page->ip + page->insn_len;
	x86_touch_gprs(&self->v);
	ASSERT_EQ(0, vcpu_inject(&self->v, AXV_INJECT_EXCEPTION, VEC_BP));
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(&self->v));
	EXPECT_EQ((__u64)CALL_DONE, page->exit.hypercall.nr);

	/* A reset does not change what the VMM debugs. */
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	ASSERT_EQ(0, vcpu_reset(&self->v));
	ASSERT_EQ(0, vcpu_setup(&self->v, 0, 0));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	x86_begin_long(&self->v, code_bp, 0);
	ASSERT_EQ(AXV_EXIT_DEBUG, run(&self->v));

	/* Without the flag the guest has its INT3. */
	ASSERT_EQ(0, set_debug(&self->v, 0));
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(&self->v));
	EXPECT_EQ((__u64)CALL_DONE, page->exit.hypercall.nr);
}

GUEST_CODE(code_trace, 64,
	"nop\n"
	"t_pushf: pushfq\n"
	"t_pop: pop %r8\n"
	"t_push: push %r8\n"
	"t_popf: popfq\n"
	"t_cpuid: cpuid\n"
	"t_out: out %al, $" PORT "\n"
	"t_in: in $" PORT ", %al\n"
	"t_mmio: mov 0xd0000, %ebx\n"
	"t_from_dr: mov %dr7, %rdx\n"
	"t_to_dr: mov %rdx, %dr7\n"
	"t_int: int $0x45\n"
	"t_ud: ud2\n"
	"t_int3: int3\n"
	"t_rep_setup: mov $2, %ecx\n"
	"t_rep: rep stosb\n"
	"t_loop: jrcxz t_rcx\n"
	"t_rcx: lea t_user(%rip), %rcx\n"
	"t_r11: mov $0x2, %r11d\n"
	"t_sysret: sysretq\n"
	"t_user: pushfq\n"
	"t_user_pop: pop %r9\n"
	"t_syscall: syscall\n"
	"t_call: mov $0x77, %eax\n"
	"t_last: int $0x50\n");
GUEST_LABEL(t_pushf);
GUEST_LABEL(t_pop);
GUEST_LABEL(t_push);
GUEST_LABEL(t_popf);
GUEST_LABEL(t_cpuid);
GUEST_LABEL(t_out);
GUEST_LABEL(t_in);
GUEST_LABEL(t_mmio);
GUEST_LABEL(t_from_dr);
GUEST_LABEL(t_to_dr);
GUEST_LABEL(t_int);
GUEST_LABEL(t_ud);
GUEST_LABEL(t_int3);
GUEST_LABEL(t_rep_setup);
GUEST_LABEL(t_rep);
GUEST_LABEL(t_loop);
GUEST_LABEL(t_rcx);
GUEST_LABEL(t_r11);
GUEST_LABEL(t_sysret);
GUEST_LABEL(t_user);
GUEST_LABEL(t_user_pop);
GUEST_LABEL(t_syscall);
GUEST_LABEL(t_call);
GUEST_LABEL(t_last);

static const __u8 *const trace[] = {
	t_pushf, t_pop, t_push, t_popf, t_cpuid, t_out, t_in, t_mmio, t_from_dr, t_to_dr,
	t_int, handlers_int, handlers_int_iret,
	t_ud, handlers_ud, handlers_ud_iret,
	t_int3, handlers_bp,
	t_rep_setup, t_rep, t_rep, t_loop, t_rcx, t_r11, t_sysret, t_user, t_user_pop,
	t_syscall, handlers_syscall, handlers_sysret, t_call, t_last, handlers_call,
};

static __u64 trace_addr(const __u8 *label)
{
	return label >= handlers && label < handlers_end ? HANDLER(label) :
							   GUEST_ADDR(code_trace, label);
}

static void begin_trace(struct axv_vcpu *v)
{
	x86_begin_long(v, code_trace, 0);
	*x86_gpr(v, AXV_X86_RDI) = DATA;
	v->run->regs.sregs.efer |= EFER_SCE;
	/* QEMU wants a TSS that is not busy. */
	v->run->regs.sregs.seg[AXV_X86_TR].attr = 0x89;
	must(!reg_set(v, AXV_REG_X86(MSR, MSR_STAR), 0x23ull << 48 | (__u64)SEL_CODE64 << 32));
	must(!reg_set(v, AXV_REG_X86(MSR, MSR_LSTAR), HANDLER(handlers_syscall)));
	must(!reg_set(v, AXV_REG_X86(MSR, MSR_SFMASK), FLAG_TF | FLAG_IF));
}

/* Every instruction is a step, whoever executes it, and none leaves TF to the guest. */
TEST_F(debug, steps)
{
	struct axv_run *page = self->v.run;
	unsigned int i;

	if (no_step(&self->v))
		SKIP(return, "%s", no_step(&self->v));
	ASSERT_EQ(0, set_debug(&self->v, AXV_DEBUG_STEP));
	begin_trace(&self->v);
	for (i = 0; i < ARRAY_SIZE(trace); i++) {
		ASSERT_EQ(AXV_EXIT_DEBUG, step(&self->v)) {
			vcpu_dump(&self->v);
			TH_LOG("step %u", i);
		}
		EXPECT_EQ((__u32)VEC_DB, page->exit.debug.vector);
		EXPECT_EQ(CAUSE_STEP, page->exit.debug.causes);
		ASSERT_EQ(trace_addr(trace[i]), page->ip) {
			TH_LOG("step %u", i);
		}
		EXPECT_EQ(page->ip, page->exit.debug.linear);
		EXPECT_EQ(0ull, page->regs.gprs.rflags & FLAG_TF) {
			TH_LOG("step %u", i);
		}
	}
	ASSERT_EQ(AXV_EXIT_HYPERCALL, step(&self->v));
	EXPECT_EQ((__u64)CALL_DONE, page->exit.hypercall.nr);
	/* What PUSHF stored, in ring 0 and 3, and SYSCALL. */
	EXPECT_EQ(FLAG_FIXED, *x86_gpr(&self->v, AXV_X86_R8) & (FLAG_FIXED | FLAG_TF));
	EXPECT_EQ(FLAG_FIXED, *x86_gpr(&self->v, AXV_X86_R9) & (FLAG_FIXED | FLAG_TF));
	EXPECT_EQ(FLAG_FIXED, *x86_gpr(&self->v, AXV_X86_R10) & (FLAG_FIXED | FLAG_TF));
	EXPECT_EQ(0x400ull, *x86_gpr(&self->v, AXV_X86_RDX));
}

/* Stepped or not, the guest ends with the same registers and the same memory. */
TEST_F(debug, steps_leave_no_trace)
{
	struct axv_x86_gprs *gprs = &self->v.run->regs.gprs, plain;
	__u8 *ram = mem_new(GUEST_RAM_SIZE);
	unsigned int i;

	if (no_step(&self->v))
		SKIP(return, "%s", no_step(&self->v));
	begin_trace(&self->v);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, step(&self->v));
	plain = *gprs;
	memcpy(ram, self->vm.ram, GUEST_RAM_SIZE);
	memset(self->vm.ram + DATA, 0, PAGE);

	begin_trace(&self->v);
	ASSERT_EQ(0, set_debug(&self->v, AXV_DEBUG_STEP));
	for (i = 0; i < ARRAY_SIZE(trace); i++)
		ASSERT_EQ(AXV_EXIT_DEBUG, step(&self->v));
	ASSERT_EQ(AXV_EXIT_HYPERCALL, step(&self->v));
	EXPECT_EQ(0, memcmp(&plain, gprs, sizeof(plain)));
	EXPECT_EQ(0, memcmp(ram, self->vm.ram, GUEST_RAM_SIZE));
}

/* The guest steps itself: its #DB comes as without the VMM's step. */
GUEST_CODE(code_own_tf, 64,
	"pushfq\n"
	"orl $0x100, (%rsp)\n"
	"popfq\n"
	"nop\n"
	"pushfq\n"
	"pop %r8\n"
	"push %r8\n"
	"andl $~0x100, (%rsp)\n"
	"popfq\n"
	"nop\n"
	"mov $0x77, %eax\n"
	HYPERCALL);

TEST_F(debug, the_guests_own_steps)
{
	__u32 *count = (__u32 *)(self->vm.ram + DATA), plain;
	int ret, i;

	if (no_step(&self->v))
		SKIP(return, "%s", no_step(&self->v));
	x86_begin_long(&self->v, code_own_tf, 0);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(&self->v));
	plain = *count;
	EXPECT_NE(0u, plain);
	*count = 0;

	ASSERT_EQ(0, set_debug(&self->v, AXV_DEBUG_STEP));
	x86_begin_long(&self->v, code_own_tf, 0);
	for (i = 0; i < 100; i++) {
		ret = step(&self->v);
		if (ret != AXV_EXIT_DEBUG)
			break;
	}
	ASSERT_EQ(AXV_EXIT_HYPERCALL, ret);
	EXPECT_EQ(plain, *count);
	EXPECT_EQ(FLAG_TF, *x86_gpr(&self->v, AXV_X86_R8) & FLAG_TF);
}

GUEST_CODE(code_irq, 64,
	"nop\n"
	"i_nop: nop\n"
	"i_after: nop\n"
	"i_next: nop\n"
	"i_last: nop\n");
GUEST_LABEL(i_nop);
GUEST_LABEL(i_after);
GUEST_LABEL(i_next);

/* An interrupt's delivery is a step; or the interrupt waits. */
TEST_F(debug, interrupts)
{
	struct axv_vcpu *v = &self->v;
	struct axv_run *page = v->run;

	if (no_step(&self->v))
		SKIP(return, "%s", no_step(&self->v));
	ASSERT_EQ(0, set_debug(v, AXV_DEBUG_STEP | AXV_DEBUG_BLOCK_EVENTS));
	x86_begin_long(v, code_irq, FLAG_IF);
	ASSERT_EQ(0, vcpu_inject(v, AXV_INJECT_EXTINT, VEC_INT));
	ASSERT_EQ(0, vcpu_inject(v, AXV_INJECT_NMI, 0));
	ASSERT_EQ(AXV_EXIT_DEBUG, step(v));
	ASSERT_EQ(GUEST_ADDR(code_irq, i_nop), page->ip);
	ASSERT_EQ(AXV_EXIT_DEBUG, step(v));
	ASSERT_EQ(GUEST_ADDR(code_irq, i_after), page->ip);
	ASSERT_EQ(AXV_EXIT_DEBUG, step(v));
	ASSERT_EQ(GUEST_ADDR(code_irq, i_next), page->ip);

	x86_gate_long(&self->vm, VEC_NMI, HANDLER(handlers_bp), 0);
	ASSERT_EQ(0, set_debug(v, AXV_DEBUG_STEP));
	ASSERT_EQ(AXV_EXIT_DEBUG, step(v));
	ASSERT_EQ(HANDLER(handlers_bp), page->ip);
	/* The frame has no TF. */
	EXPECT_EQ(0ull, *(__u64 *)(self->vm.ram + *x86_gpr(v, AXV_X86_RSP) + 16) & FLAG_TF);
	ASSERT_EQ(AXV_EXIT_DEBUG, step(v));
	ASSERT_EQ(GUEST_ADDR(code_irq, i_next), page->ip);
	ASSERT_EQ(AXV_EXIT_DEBUG, step(v));
	ASSERT_EQ(HANDLER(handlers_int), page->ip);
	EXPECT_EQ(0ull, *(__u64 *)(self->vm.ram + *x86_gpr(v, AXV_X86_RSP) + 16) & FLAG_TF);
	ASSERT_EQ(AXV_EXIT_DEBUG, step(v));
	ASSERT_EQ(AXV_EXIT_DEBUG, step(v));
	ASSERT_EQ(GUEST_ADDR(code_irq, i_next), page->ip);
}

GUEST_CODE(code_halt, 64,
	"hlt\n"
	"h_after: nop\n"
	HYPERCALL);
GUEST_LABEL(h_after);

/* A step over HLT is reported before the halt; the interrupt that ends it is a step. */
TEST_F(debug, halt_in_the_kernel)
{
	struct axv_vm vm;
	struct axv_vcpu v;

	if (no_step(&self->v))
		SKIP(return, "%s", no_step(&self->v));
	vm_new(&vm, AXV_VM_HALT_IN_KERNEL);
	vcpu_ready(&vm, &v, 0);
	x86_load_at(&vm, HANDLERS, handlers, handlers_end);
	x86_gate_long(&vm, VEC_INT, HANDLER(handlers_int), 0);
	ASSERT_EQ(0, set_debug(&v, AXV_DEBUG_STEP));
	x86_begin_long(&v, code_halt, FLAG_IF);
	ASSERT_EQ(AXV_EXIT_DEBUG, step(&v));
	ASSERT_EQ(GUEST_ADDR(code_halt, h_after), v.run->ip);
	ASSERT_EQ(0, vcpu_inject(&v, AXV_INJECT_EXTINT, VEC_INT));
	ASSERT_EQ(AXV_EXIT_DEBUG, step(&v));
	ASSERT_EQ(HANDLER(handlers_int), v.run->ip);
	vcpu_free(&v);
	vm_free(&vm);
}

/* The guest writes its debug registers, reads them back, and uses DR7.GD. */
GUEST_CODE(code_dr, 64,
	"mov $0x1234, %eax\n"
	"dr_first: mov %rax, %dr0\n"
	"mov $0x5678, %eax\n"
	"mov %rax, %dr3\n"
	"mov $0xffff0ff1, %eax\n"
	"mov %rax, %dr6\n"
	"mov $0x701, %eax\n"
	"mov %rax, %dr7\n"
	"mov %dr0, %r8\n"
	"mov %dr3, %r9\n"
	"mov %dr6, %r10\n"
	"mov %dr7, %r11\n"
	"mov $0x2400, %eax\n"
	"mov %rax, %dr7\n"
	"dr_gd: mov %dr0, %r12\n"	/* #DB, whose delivery clears GD */
	"mov %dr6, %r13\n"
	"mov %dr7, %r14\n"
	"mov $0x77, %eax\n"
	HYPERCALL
	"mov $1, %rax\n"
	"shl $32, %rax\n"
	"mov %rax, %dr7\n"		/* #GP */
	"1: jmp 1b\n");

GUEST_LABEL(dr_first);

static void check_dr(struct __test_metadata *_metadata, struct axv_vcpu *v)
{
	__u64 value;

	EXPECT_EQ(0x1234ull, *x86_gpr(v, AXV_X86_R8));
	EXPECT_EQ(0x5678ull, *x86_gpr(v, AXV_X86_R9));
	EXPECT_EQ(0xffff0ff1ull, *x86_gpr(v, AXV_X86_R10));
	EXPECT_EQ(0x701ull, *x86_gpr(v, AXV_X86_R11));
	EXPECT_EQ(0x1234ull, *x86_gpr(v, AXV_X86_R12));
	EXPECT_EQ(0xffff2ff1ull, *x86_gpr(v, AXV_X86_R13));
	EXPECT_EQ(0x400ull, *x86_gpr(v, AXV_X86_R14));
	/* The VMM reads the guest's debug registers, not its own breakpoints. */
	EXPECT_EQ(0, reg_get(v, AXV_REG_X86(DR, 0), &value));
	EXPECT_EQ(0x1234ull, value);
	EXPECT_EQ(0, reg_get(v, AXV_REG_X86(DR, 6), &value));
	EXPECT_EQ(0xffff2ff1ull, value);
	EXPECT_EQ(0, reg_get(v, AXV_REG_X86(DR, 7), &value));
	EXPECT_EQ(0x400ull, value);
}

TEST_F(debug, the_guests_debug_registers)
{
	struct axv_vcpu *v = &self->v;
	__u64 value;
	int ret;

	ASSERT_EQ(0, set_break(v, 0, DATA + 0x100, BREAK_ACCESS));
	x86_begin_long(v, code_dr, 0);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(v)) {
		vcpu_dump(v);
	}
	check_dr(_metadata, v);
	/* The guest keeps its debug registers when the VMM's breakpoints are gone. */
	ASSERT_EQ(0, set_debug(v, 0));
	check_dr(_metadata, v);
	ASSERT_EQ(0, set_break(v, 0, DATA + 0x100, BREAK_ACCESS));
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(v));
	EXPECT_EQ(13ull, self->v.run->exit.hypercall.nr);

	/* The VMM is told of accesses. */
	ASSERT_EQ(0, set_break(v, 0, DATA + 0x100, BREAK_ACCESS | 1 << 13));
	x86_begin_long(v, code_dr, 0);
	ASSERT_EQ(AXV_EXIT_DEBUG, run(v));
	EXPECT_EQ(CAUSE_DR, v->run->exit.debug.causes);
	EXPECT_EQ(GUEST_ADDR(code_dr, dr_first), v->run->ip);

	if (no_step(v))
		return;
	ASSERT_EQ(0, set_debug(v, AXV_DEBUG_STEP));
	for (value = 0; value < 4; value++)
		ASSERT_EQ(0, reg_set(v, AXV_REG_X86(DR, value), 0));
	ASSERT_EQ(0, reg_set(v, AXV_REG_X86(DR, 6), 0xffff0ff0));
	ASSERT_EQ(0, reg_set(v, AXV_REG_X86(DR, 7), 0x400));
	x86_begin_long(v, code_dr, 0);
	do {
		ret = run(v);
	} while (ret == AXV_EXIT_DEBUG);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, ret);
	check_dr(_metadata, v);
}

GUEST_CODE(code_breaks, 64,
	"nop\n"
	"b_code: nop\n"
	"movl $1, 0x6004\n"
	"b_not: movl $1, 0x6000\n"
	"b_write: mov 0x6000, %ebx\n"
	"b_read: nop\n"
	"mov $0x77, %eax\n"
	HYPERCALL);
GUEST_LABEL(b_code);
GUEST_LABEL(b_write);
GUEST_LABEL(b_read);

TEST_F(debug, hardware_breakpoints)
{
	struct axv_vcpu *v = &self->v;
	struct axv_run *page = v->run;
	__u64 value;

	if (x86_in_qemu() || x86_in_bochs_svm())
		SKIP(return, NO_BREAKS);
	/* A breakpoint on an instruction hits before the instruction, and again until RF is set. */
	ASSERT_EQ(0, set_break(v, 0, GUEST_ADDR(code_breaks, b_code), BREAK_CODE));
	x86_begin_long(v, code_breaks, 0);
	ASSERT_EQ(AXV_EXIT_DEBUG, run(v));
	EXPECT_EQ((__u32)VEC_DB, page->exit.debug.vector);
	EXPECT_EQ(1ull, page->exit.debug.causes);
	EXPECT_EQ(GUEST_ADDR(code_breaks, b_code), page->ip);
	ASSERT_EQ(AXV_EXIT_DEBUG, run(v));
	EXPECT_EQ(GUEST_ADDR(code_breaks, b_code), page->ip);
	page->regs.gprs.rflags |= FLAG_RF;
	x86_touch_gprs(v);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(v));

	/* A breakpoint on a write hits behind the instruction. */
	ASSERT_EQ(0, set_break(v, 0, DATA, BREAK_WRITE));
	x86_begin_long(v, code_breaks, 0);
	ASSERT_EQ(AXV_EXIT_DEBUG, run(v));
	EXPECT_EQ(1ull, page->exit.debug.causes);
	EXPECT_EQ(GUEST_ADDR(code_breaks, b_write), page->ip);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(v));

	/* A breakpoint on an access hits behind a load and a store. */
	ASSERT_EQ(0, set_break(v, 0, DATA, BREAK_ACCESS));
	x86_begin_long(v, code_breaks, 0);
	ASSERT_EQ(AXV_EXIT_DEBUG, run(v));
	EXPECT_EQ(GUEST_ADDR(code_breaks, b_write), page->ip);
	ASSERT_EQ(AXV_EXIT_DEBUG, run(v));
	EXPECT_EQ(GUEST_ADDR(code_breaks, b_read), page->ip);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(v));

	/* The guest has seen no #DB, and has no cause of one in DR6. */
	EXPECT_EQ(0, reg_get(v, AXV_REG_X86(DR, 6), &value));
	EXPECT_EQ(0xffff0ff0ull, value);
	EXPECT_EQ(1u, *(__u32 *)(self->vm.ram + DATA));
	/* No breakpoint is left. */
	ASSERT_EQ(0, set_debug(v, 0));
	x86_begin_long(v, code_breaks, 0);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(v));
}

/* While the VMM has breakpoints, the #DB of the guest's own step goes to the guest. */
TEST_F(debug, the_guests_step_with_breakpoints)
{
	struct axv_vcpu *v = &self->v;

	if (x86_in_bochs_svm())
		SKIP(return, STEP_HITS_THE_HOST);
	ASSERT_EQ(0, set_break(v, 0, DATA + 0x100, BREAK_WRITE));
	x86_begin_long(v, code_own_tf, 0);
	ASSERT_EQ(AXV_EXIT_HYPERCALL, run(v));
	EXPECT_NE(0u, *(__u32 *)(self->vm.ram + DATA));
}

TEST_HARNESS_MAIN
