// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of exits that are caused neither by ports nor by memory: hypercalls, MSRs, halts,
 * kicks, exceptions, single steps.  Compiled for each mode, see modes.h.
 */
#include "modes.h"

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
	/* The guest's state is that after the instruction. */
	EXPECT_EQ(3, run->insn_len);
	EXPECT_EQ(GUEST_CODE_ADDR + 3, run->ip);
	EXPECT_EQ(GUEST_CODE_ADDR + 3, run->regs.gprs.rip);
	/* The VMM may put an answer into RAX. */
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x5678;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x5678ull, run->exit.hypercall.nr);
	EXPECT_EQ(0x5678ull, run->exit.hypercall.args[0]);
	ASSERT_EXIT(AXV_EXIT_HALT, &self->v);
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

/* The handler of #GP makes a hypercall with number 13. */
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
	/* The VMM decides what a halt means: here it goes on. */
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EXIT(AXV_EXIT_HALT, &self->v);
	EXPECT_EQ(1, run->ready_for_interrupt);
	EXPECT_NE(0ull, run->regs.gprs.rflags & FLAG_IF);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

GUEST_CODE(code_pause, BITS,
	"mov $10000, %ecx\n"
	"1: pause\n"
	"loop 1b\n"
	HYPERCALL);

/* PAUSE causes no exit: the host's scheduler preempts a vCPU that spins. */
TEST_F(exits, spinning_is_no_exit)
{
	__u64 before = vcpu_stats(&self->v).hw_exits;

	BEGIN(self, code_pause);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	/* There are only exits by the host's interrupts. */
	EXPECT_GT(5000ull, vcpu_stats(&self->v).hw_exits - before);
}

static atomic_int handled;

static void handler(int sig)
{
	handled = sig;
}

/* Runs end with AXV_EXIT_NOTHING at any time; the thread goes on until @handled is set. */
static int until_handled(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason != AXV_EXIT_NOTHING || handled;
}

GUEST_CODE(code_spin, BITS,
	"1: jmp 1b\n");

/* Let the guest begin with interrupts on; prog_spin in guest.c says why. */
static void with_interrupts(struct axv_vcpu *v)
{
	v->run->regs.gprs.rflags |= FLAG_IF;
}

static void spin_thread(struct axv_vcpu *v, struct axv_runner *r)
{
	must(!vcpu_unbind(v));
	runner_start(r, v, until_handled, NULL);
	vcpu_await_state(v, AXV_STATE_RUNNING);
}

TEST_F(exits, kicked)
{
	struct axv_runner r;

	BEGIN(self, code_spin);
	with_interrupts(&self->v);
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
	with_interrupts(&self->v);
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

	/* The host's timer, or another interrupt, ends the run. */
	vm_new(&vm, AXV_VM_EXIT_ON_EXTINT);
	vcpu_ready(&vm, &v, 0);
	x86_load(&vm, code_spin);
	x86_start(&v, GUEST_CODE_ADDR);
	with_interrupts(&v);
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
	/* After a reset the vCPU is as good as a new one. */
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
	/* The exception was not delivered, so it comes again. */
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v);
	/* If the VMM injects the exception, the guest takes it. */
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &again));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(6ull, run->exit.hypercall.nr);
	/* If the VMM does not ask for the exit, the guest takes the exception. */
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

/*
 * A step is pending when the instruction begins.  If the instruction exits, Bochs'
 * #VMEXIT leaves the step to the host, whose #DB handler then runs with the guest's GS.
 */
#define STEP_HITS_THE_HOST	"a single step of the guest's would crash the host"

TEST_F(exits, single_step)
{
	static const __u8 stops[] = { 1, 2, 4, 5 };
	struct axv_run *run = self->v.run;
	unsigned int i;

	if (x86_in_bochs_svm())
		SKIP(return, STEP_HITS_THE_HOST);
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

	if (x86_in_bochs_svm())
		SKIP(return, STEP_HITS_THE_HOST);
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
	"code_window_shadow:\n"
	"nop\n"
	"code_window_open:\n"
	"2: jmp 2b\n"
	"code_window_handler:\n"
	HYPERCALL);
GUEST_LABEL(code_window_shadow);
GUEST_LABEL(code_window_open);
GUEST_LABEL(code_window_handler);

TEST_F(exits, irq_window)
{
	struct axv_run *run = self->v.run;
	int tries = x86_in_qemu() ? QEMU_SHADOW_TRIES : 1;

	do {
		BEGIN(self, code_window);
		x86_gate(&self->vm, GUEST_VECTOR, GUEST_ADDR(code_window, code_window_handler));
		run->irq_window = 1;
		ASSERT_EXIT(AXV_EXIT_IRQ_WINDOW, &self->v);
	} while (--tries && run->ip == GUEST_ADDR(code_window, code_window_shadow));
	EXPECT_EQ(1, run->ready_for_interrupt);
	EXPECT_NE(0ull, run->regs.gprs.rflags & FLAG_IF);
	EXPECT_EQ(GUEST_ADDR(code_window, code_window_open), run->ip);
	/* The window is open already, so the run ends before the guest begins. */
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
			/* The other vCPU makes the same exit, as it was not answered. */
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

TEST_HARNESS_MAIN
