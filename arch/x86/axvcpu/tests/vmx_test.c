// SPDX-License-Identifier: GPL-2.0
/*
 * The VMX back end without VMX: what exits mean, by recorded fields of the
 * VMCS, what the VMCS says of the guest's registers, events on their way
 * through it, and which flush an entry asks for.
 */
#include <axvcpu/current.h>

#include "../asid.h"
#include "../events.h"
#include "../msr.h"
#include "fake_vmcs.h"

#define RIP		0x1000ull

/* Events, in the form that the VMCS and AXV_X86_EVENT_* have in common. */
#define EXTINT(v)	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXTINT | (v))
#define NMI		(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_NMI | \
			 X86_TRAP_NMI)
#define EXCEPTION(v)	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | \
			 (v))
#define WITH_CODE(v, e)	(EXCEPTION(v) | AXV_X86_EVENT_ERROR_VALID | \
			 (u64)(e) << AXV_X86_EVENT_ERROR_SHIFT)
#define SOFT(v)		(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_SOFT | (v))

/* Types of events that only the hardware makes: of INT1, and of INT3 and INTO. */
#define INT1		(INTR_INFO_VALID_MASK | INTR_TYPE_PRIV_SW_EXCEPTION | \
			 X86_TRAP_DB)
#define INT3		(INTR_INFO_VALID_MASK | INTR_TYPE_SOFT_EXCEPTION | \
			 X86_TRAP_BP)

#define FAILED		VMX_EXIT_REASONS_FAILED_VMENTRY

#define ATTR_DATA	0xc93	/* present, writable, 32 bit */
#define ATTR_CODE	0xc9b	/* present, readable, 32 bit */
#define ATTR_TSS	0x08b	/* present, busy, 32 bit */
#define ATTR_LDT	0x082

/* MSRs of SYSCALL, as the host has them. */
#define HOST_STAR	0x0023001000000000ull
#define HOST_LSTAR	0xffffffff81a00080ull
#define HOST_SFMASK	0x47700ull

/* An exit that means nothing to the guest. */
static const struct fake_exit interrupt = {
	.reason = EXIT_REASON_EXTERNAL_INTERRUPT,
};

static u64 peek(struct vmx_fixture *f, unsigned long field)
{
	return *fake_field(f, field);
}

static void set_attr(struct axv_x86_vcpu *x, unsigned int seg, u16 attr)
{
	const struct axv_x86_segment value = {
		.limit = U32_MAX, .selector = 8, .attr = attr,
	};

	x->hw->set_segment(x, seg, &value);
}

/* 32-bit protected mode without paging, at an instruction. */
static void begin(struct vmx_fixture *f)
{
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int seg;

	memset(&f->run, 0, sizeof(f->run));
	memset(&x->events, 0, sizeof(x->events));
	memset(&x->regs, 0, sizeof(x->regs));
	x->regs.rip = RIP;
	x->regs.rflags = X86_EFLAGS_FIXED;
	x->injected = 0;
	x->irq_armed = false;
	x->irq_window = false;
	x->dr_live = false;
	x->xcr0 = XFEATURE_MASK_FP;
	f->host_nmis = 0;
	f->machine_checks = 0;
	f->faults = 0;

	axv_vmx_vmcs_reset(&f->vmx);
	x->hw->set_efer(x, 0);
	x->hw->set_cr(x, 0, X86_CR0_PE | X86_CR0_ET);
	x->hw->set_cr(x, 3, 0);
	x->hw->set_cr(x, 4, 0);
	x->hw->set_dr(x, 7, 0x400);
	for (seg = AXV_X86_ES; seg <= AXV_X86_GS; seg++)
		set_attr(x, seg, seg == AXV_X86_CS ? ATTR_CODE : ATTR_DATA);
	set_attr(x, AXV_X86_TR, ATTR_TSS);
	set_attr(x, AXV_X86_LDTR, ATTR_LDT);
	f->vmx.pdptes_stale = false;
}

static int vmx_test_init(struct kunit *test)
{
	struct vmx_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct axv_x86_vcpu *x;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->vmx.areas = kunit_kzalloc(test, sizeof(*f->vmx.areas), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->vmx.areas);
	KUNIT_ASSERT_EQ(test, 0, axv_vmx_msr_bitmap_create(&f->vm));

	f->saved = axv_vmx_caps;
	axv_vmx_caps = (struct axv_vmx_caps){
		.cpu = CPU_BASED_MOV_DR_EXITING | CPU_BASED_HLT_EXITING,
		.cpu2 = SECONDARY_EXEC_ENABLE_EPT,
		.entry = VM_ENTRY_LOAD_IA32_EFER,
		.cr0_fixed0 = X86_CR0_NE,
		.cr4_fixed0 = X86_CR4_VMXE,
		.ept_ad = true,
		.invept_single = true,
		.inject_len_0 = true,
	};
	mutex_init(&f->vm.x.base.lock);
	f->fmt.levels = 4;
	f->vm.x.base.s2.fmt = &f->fmt;
	f->vm.x.base.s2.root = 0x5000;

	x = &f->vmx.x;
	x->base.vm = &f->vm.x.base;
	x->base.run = &f->run;
	x->base.loaded_cpu = -1;
	x->hw = &axv_vmx_hw;
	x->asid.cpu = -1;
	x->caps.cr4 = X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_SMEP;
	x->caps.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	x->caps.xcr0 = XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM;
	x->caps.phys_bits = 40;
	raw_spin_lock_init(&x->base.lock);
	f->vmcs[0].pa = 0x1000;
	f->vmcs[1].pa = 0x2000;
	f->vmx.vmcs_pa = f->vmcs[0].pa;
	f->vmx.known = AXV_VMX_ALL_FIELDS;
	f->vmx.hw_rflags = X86_EFLAGS_FIXED;
	fake_cpu = f;
	f->star = HOST_STAR;
	f->lstar = HOST_LSTAR;
	f->sfmask = HOST_SFMASK;
	axv_vmx_syscall_init();
	begin(f);
	test->priv = f;
	return 0;
}

static void vmx_test_exit(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;

	if (!f)
		return;
	KUNIT_EXPECT_EQ(test, 0u, f->mistakes);
	axv_vmx_msr_bitmap_destroy(&f->vm);
	axv_vmx_caps = f->saved;
	fake_cpu = NULL;
}

/* take() loads a vCPU, and let_go() unloads it, as the core does; with interrupts off. */
static void take(struct axv_x86_vcpu *x, int cpu)
{
	axv_vmx_load(&x->base, cpu);
	__this_cpu_write(axv_loaded, &x->base);
	x->base.loaded_cpu = cpu;
}

static void let_go(struct axv_x86_vcpu *x)
{
	axv_vmx_unload(&x->base);
	if (__this_cpu_read(axv_loaded) == &x->base)
		__this_cpu_write(axv_loaded, NULL);
	x->base.loaded_cpu = -1;
}

/*
 * Once round the inner loop, on the CPU on which the test runs.  The CPU's VPIDs
 * are borrowed: they begin anew when VMX is switched on.
 */
static enum axv_next go_round(struct vmx_fixture *f,
			      const struct fake_exit *exit)
{
	struct axv_x86_vcpu *x = &f->vmx.x;
	enum axv_next next;
	unsigned long flags;
	int cpu;

	f->exit = *exit;
	local_irq_save(flags);
	cpu = smp_processor_id();
	take(x, cpu);
	next = axv_vmx_inject_events(x);
	if (next == AXV_RESUME) {
		prepare(x, cpu);
		enter(x);
		after_exit(x);
		next = axv_vmx_handle_fast(x);
	}
	let_go(x);
	local_irq_restore(flags);
	return next;
}

/* Once round the inner loop and, if the exit needs that, round the outer one. */
static enum axv_next go_far(struct vmx_fixture *f,
			    const struct fake_exit *exit)
{
	enum axv_next next = go_round(f, exit);

	return next == AXV_SLOW ? axv_vmx_handle_slow(&f->vmx.x) : next;
}

/**
 * struct recorded - an exit, and what comes of it
 * @what:	the instruction or event
 * @exit:	the exit
 * @rax:	the guest's RAX
 * @rcx:	the guest's RCX
 * @rdx:	the guest's RDX
 * @user:	at privilege level 3
 * @next:	what the inner loop does
 * @reason:	exit to the VMM, with AXV_EXIT
 * @past:	by how many bytes RIP moves
 * @exception:	exception that is queued, in the form of AXV_X86_EVENT_*
 * @address:	address that goes with @exception
 */
struct recorded {
	const char *what;
	struct fake_exit exit;
	u64 rax;
	u64 rcx;
	u64 rdx;
	bool user;
	enum axv_next next;
	u32 reason;
	unsigned int past;
	u64 exception;
	u64 address;
};

static const struct recorded fast_exits[] = {
	{ "interrupt of the host",
	  { EXIT_REASON_EXTERNAL_INTERRUPT }, .next = AXV_INTERRUPT },
	{ "NMI of the host",
	  { EXIT_REASON_EXCEPTION_NMI, .info = NMI }, .next = AXV_RESUME },

	{ "out %al, $0x10",
	  { EXIT_REASON_IO_INSTRUCTION, .qual = 0x00100040, .len = 2 },
	  .next = AXV_EXIT, .reason = AXV_EXIT_IO_WRITE, .past = 2 },
	{ "outl %eax, %dx",
	  { EXIT_REASON_IO_INSTRUCTION, .qual = 0x0cf80003, .len = 1 },
	  .next = AXV_EXIT, .reason = AXV_EXIT_IO_WRITE, .past = 1 },
	{ "in %dx, %al",
	  { EXIT_REASON_IO_INSTRUCTION, .qual = 0x00600008, .len = 1 },
	  .next = AXV_EXIT, .reason = AXV_EXIT_IO_READ },
	{ "rep outsb",
	  { EXIT_REASON_IO_INSTRUCTION, .qual = 0x00100030, .len = 2 },
	  .next = AXV_EXIT, .reason = AXV_EXIT_IO_STRING },

	{ "cpuid",
	  { EXIT_REASON_CPUID, .len = 2 }, .next = AXV_RESUME, .past = 2 },
	{ "vmcall",
	  { EXIT_REASON_VMCALL, .len = 3 }, .next = AXV_EXIT,
	  .reason = AXV_EXIT_HYPERCALL, .past = 3 },
	{ "vmcall at user level",
	  { EXIT_REASON_VMCALL, .len = 3 }, .user = true, .next = AXV_RESUME,
	  .exception = EXCEPTION(X86_TRAP_UD) },
	{ "hlt",
	  { EXIT_REASON_HLT, .len = 1 }, .next = AXV_EXIT,
	  .reason = AXV_EXIT_HALT, .past = 1 },

	{ "rdmsr",
	  { EXIT_REASON_MSR_READ, .len = 2 }, .rcx = MSR_KERNEL_GS_BASE,
	  .next = AXV_RESUME, .past = 2 },
	{ "rdmsr of none",
	  { EXIT_REASON_MSR_READ, .len = 2 }, .rcx = 0x12345678,
	  .next = AXV_RESUME, .exception = WITH_CODE(X86_TRAP_GP, 0) },
	{ "wrmsr",
	  { EXIT_REASON_MSR_WRITE, .len = 2 }, .rcx = MSR_KERNEL_GS_BASE,
	  .rax = 0x1000, .next = AXV_RESUME, .past = 2 },
	{ "wrmsr, not canonical",
	  { EXIT_REASON_MSR_WRITE, .len = 2 }, .rcx = MSR_KERNEL_GS_BASE,
	  .rdx = 0x8000, .next = AXV_RESUME,
	  .exception = WITH_CODE(X86_TRAP_GP, 0) },

	{ "#GP",
	  { EXIT_REASON_EXCEPTION_NMI, .code = 0x18, .qual = 0xbad,
	    .info = (u32)WITH_CODE(X86_TRAP_GP, 0) },
	  .next = AXV_RESUME, .exception = WITH_CODE(X86_TRAP_GP, 0x18) },
	{ "#UD",
	  { EXIT_REASON_EXCEPTION_NMI, .info = EXCEPTION(X86_TRAP_UD),
	    .code = 0xbad, .qual = 0xbad },
	  .next = AXV_RESUME, .exception = EXCEPTION(X86_TRAP_UD) },
	{ "#PF",
	  { EXIT_REASON_EXCEPTION_NMI, .code = 0x6, .qual = 0x7fff0000,
	    .info = (u32)WITH_CODE(X86_TRAP_PF, 0) },
	  .next = AXV_RESUME, .exception = WITH_CODE(X86_TRAP_PF, 0x6),
	  .address = 0x7fff0000 },
	{ "#DB of a breakpoint in a single step",
	  { EXIT_REASON_EXCEPTION_NMI, .info = EXCEPTION(X86_TRAP_DB),
	    .qual = 0x4002 },
	  .next = AXV_RESUME, .exception = EXCEPTION(X86_TRAP_DB),
	  .address = 0x4002 },
	{ "int1",
	  { EXIT_REASON_EXCEPTION_NMI, .info = INT1, .len = 1 },
	  .next = AXV_RESUME, .exception = EXCEPTION(X86_TRAP_DB), .past = 1 },
	{ "#MC",
	  { EXIT_REASON_EXCEPTION_NMI, .info = EXCEPTION(X86_TRAP_MC) },
	  .next = AXV_RESUME },

	{ "interrupt window", { EXIT_REASON_INTERRUPT_WINDOW },
	  .next = AXV_RESUME },
	{ "NMI window", { EXIT_REASON_NMI_WINDOW }, .next = AXV_RESUME },
	{ "mov %dr0, %eax", { EXIT_REASON_DR_ACCESS, .qual = 0x10, .len = 3 },
	  .next = AXV_RESUME },
	{ "triple fault",
	  { EXIT_REASON_TRIPLE_FAULT, .idt = WITH_CODE(X86_TRAP_DF, 0) },
	  .next = AXV_EXIT, .reason = AXV_EXIT_SHUTDOWN },

	{ "xsetbv",
	  { EXIT_REASON_XSETBV, .len = 3 }, .rax = 0x7, .next = AXV_RESUME,
	  .past = 3 },
	{ "xsetbv without x87",
	  { EXIT_REASON_XSETBV, .len = 3 }, .rax = 0x2, .next = AXV_RESUME,
	  .exception = WITH_CODE(X86_TRAP_GP, 0) },
	{ "xsetbv of XCR1",
	  { EXIT_REASON_XSETBV, .len = 3 }, .rax = 0x3, .rcx = 1,
	  .next = AXV_RESUME, .exception = WITH_CODE(X86_TRAP_GP, 0) },
	{ "wbinvd",
	  { EXIT_REASON_WBINVD, .len = 2 }, .next = AXV_RESUME, .past = 2 },
	{ "invd",
	  { EXIT_REASON_INVD, .len = 2 }, .next = AXV_RESUME, .past = 2 },
	{ "pause, too often",
	  { EXIT_REASON_PAUSE_INSTRUCTION, .len = 2 }, .next = AXV_SLOW, .past = 2 },
	{ "rdpmc",
	  { EXIT_REASON_RDPMC, .len = 2 }, .next = AXV_RESUME,
	  .exception = WITH_CODE(X86_TRAP_GP, 0) },

	{ "INIT", { EXIT_REASON_INIT_SIGNAL }, .next = AXV_RESUME },
	{ "SIPI", { EXIT_REASON_SIPI_SIGNAL }, .next = AXV_RESUME },
	{ "EPT violation",
	  { EXIT_REASON_EPT_VIOLATION, .qual = 0x182, .gpa = 0xc0000000 },
	  .next = AXV_SLOW },
	{ "mov %eax, %cr0",
	  { EXIT_REASON_CR_ACCESS, .len = 3 }, .next = AXV_SLOW },
	{ "ljmp to a task",
	  { EXIT_REASON_TASK_SWITCH, .qual = 0x80000018, .len = 7 },
	  .next = AXV_EXIT, .reason = AXV_EXIT_TASK_SWITCH },

	{ "refused for the guest's state",
	  { FAILED | EXIT_REASON_INVALID_STATE },
	  .next = AXV_EXIT, .reason = AXV_EXIT_FAIL_ENTRY },
	{ "refused for an MSR",
	  { FAILED | EXIT_REASON_MSR_LOAD_FAIL, .qual = 1 },
	  .next = AXV_EXIT, .reason = AXV_EXIT_FAIL_ENTRY },
	{ "VMRESUME failed",
	  { .error = 5 }, .next = AXV_EXIT, .reason = AXV_EXIT_FAIL_ENTRY },
	{ "an exit that is never enabled",
	  { EXIT_REASON_PREEMPTION_TIMER },
	  .next = AXV_EXIT, .reason = AXV_EXIT_FAIL_ENTRY },
	{ "a second stage that makes no sense",
	  { EXIT_REASON_EPT_MISCONFIG, .gpa = 0x1000 },
	  .next = AXV_EXIT, .reason = AXV_EXIT_FAIL_ENTRY },
};

static enum axv_next replay(struct vmx_fixture *f, const struct recorded *r)
{
	begin(f);
	f->vmx.x.regs.gpr[AXV_X86_RAX] = r->rax;
	f->vmx.x.regs.gpr[AXV_X86_RCX] = r->rcx;
	f->vmx.x.regs.gpr[AXV_X86_RDX] = r->rdx;
	if (r->user)
		set_attr(&f->vmx.x, AXV_X86_SS, ATTR_DATA | 0x60);
	return go_round(f, &r->exit);
}

static void vmx_test_fast_exits(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	const struct axv_x86_events *events = &f->vmx.x.events;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fast_exits); i++) {
		const struct recorded *r = &fast_exits[i];

		KUNIT_EXPECT_EQ_MSG(test, r->next, replay(f, r), "%s", r->what);
		KUNIT_EXPECT_EQ_MSG(test, r->reason, f->run.exit_reason, "%s",
				    r->what);
		KUNIT_EXPECT_EQ_MSG(test, RIP + r->past, f->vmx.x.regs.rip,
				    "%s", r->what);
		KUNIT_EXPECT_EQ_MSG(test, r->exception, events->exception, "%s",
				    r->what);
		KUNIT_EXPECT_EQ_MSG(test, r->address, events->exception_addr,
				    "%s", r->what);
		KUNIT_EXPECT_EQ_MSG(test, 0ull, events->reinject, "%s",
				    r->what);
		KUNIT_EXPECT_EQ_MSG(test, r->exit.info == NMI, f->host_nmis,
				    "%s", r->what);
		KUNIT_EXPECT_EQ_MSG(test,
				    r->exit.info == EXCEPTION(X86_TRAP_MC),
				    f->machine_checks, "%s", r->what);
		if (r->reason == AXV_EXIT_FAIL_ENTRY)
			KUNIT_EXPECT_EQ_MSG(test, r->exit.qual,
					    f->run.exit.fail_entry.qualification,
					    "%s", r->what);
	}
}

/* The guest has neither VMX nor SMX, SGX nor TDX, nor MONITOR. */
static void vmx_test_undefined(struct kunit *test)
{
	static const u32 reasons[] = {
		EXIT_REASON_VMCLEAR, EXIT_REASON_VMLAUNCH, EXIT_REASON_VMPTRLD,
		EXIT_REASON_VMPTRST, EXIT_REASON_VMREAD, EXIT_REASON_VMRESUME,
		EXIT_REASON_VMWRITE, EXIT_REASON_VMOFF, EXIT_REASON_VMON,
		EXIT_REASON_INVEPT, EXIT_REASON_INVVPID, EXIT_REASON_VMFUNC,
		EXIT_REASON_GETSEC, EXIT_REASON_MONITOR_INSTRUCTION,
		EXIT_REASON_MWAIT_INSTRUCTION, EXIT_REASON_ENCLS,
		EXIT_REASON_ENCLV, EXIT_REASON_SEAMCALL, EXIT_REASON_TDCALL,
	};
	struct vmx_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		const struct fake_exit exit = { reasons[i], .len = 3 };

		begin(f);
		KUNIT_EXPECT_EQ_MSG(test, AXV_RESUME, go_round(f, &exit),
				    "exit %u", reasons[i]);
		KUNIT_EXPECT_EQ_MSG(test, EXCEPTION(X86_TRAP_UD),
				    f->vmx.x.events.exception, "exit %u",
				    reasons[i]);
		KUNIT_EXPECT_EQ_MSG(test, RIP, f->vmx.x.regs.rip, "exit %u",
				    reasons[i]);
	}
}

static void vmx_test_port(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	const struct axv_exit_io_string *io = &f->run.exit.io_string;
	struct axv_x86_vcpu *x = &f->vmx.x;
	static const struct fake_exit out = {
		EXIT_REASON_IO_INSTRUCTION, .qual = 0x03f80001, .len = 2,
	};
	/* INSW; REP OUTSW, with 32-bit addresses in FS. */
	static const struct fake_exit ins = {
		EXIT_REASON_IO_INSTRUCTION, .qual = 0x01f00019, .len = 2,
		.insn_info = 2 << 7 | 7 << 15,
	};
	static const struct fake_exit outs = {
		EXIT_REASON_IO_INSTRUCTION, .qual = 0x01f00031, .len = 4,
		.insn_info = 1 << 7 | 4 << 15,
	};

	x->regs.gpr[AXV_X86_RAX] = 0x12345678;
	x->hw->set_shadow(x, true);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &out));
	KUNIT_EXPECT_EQ(test, 0x3f8, f->run.exit.io.port);
	KUNIT_EXPECT_EQ(test, 2, f->run.exit.io.width);
	KUNIT_EXPECT_EQ(test, 0x5678ull, f->run.exit.io.data);
	KUNIT_EXPECT_EQ(test, 2, f->run.insn_len);
	KUNIT_EXPECT_FALSE(test, x->hw->get_shadow(x));

	x->regs.gpr[AXV_X86_RCX] = 0x500000002;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &ins));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_IO_STRING, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 2, f->run.insn_len);
	KUNIT_EXPECT_EQ(test, 0x1f0, io->port);
	KUNIT_EXPECT_EQ(test, 2, io->width);
	KUNIT_EXPECT_EQ(test, 1, io->in);
	KUNIT_EXPECT_EQ(test, 0, io->rep);
	KUNIT_EXPECT_EQ(test, 1ull, io->count);
	KUNIT_EXPECT_EQ(test, AXV_X86_ES, io->seg);
	KUNIT_EXPECT_EQ(test, AXV_IO_STRING_UNTOLD, io->addr_width);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &outs));
	KUNIT_EXPECT_EQ(test, 4, f->run.insn_len);
	KUNIT_EXPECT_EQ(test, 0, io->in);
	KUNIT_EXPECT_EQ(test, 1, io->rep);
	KUNIT_EXPECT_EQ(test, 0x500000002ull, io->count);
	KUNIT_EXPECT_EQ(test, AXV_IO_STRING_UNTOLD, io->seg);

	axv_vmx_caps.string_info = true;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &ins));
	KUNIT_EXPECT_EQ(test, AXV_X86_ES, io->seg);
	KUNIT_EXPECT_EQ(test, 8, io->addr_width);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &outs));
	KUNIT_EXPECT_EQ(test, AXV_X86_FS, io->seg);
	KUNIT_EXPECT_EQ(test, 4, io->addr_width);
	KUNIT_EXPECT_EQ(test, 2ull, io->count);
}

static void vmx_test_answers(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	u64 *gpr = x->regs.gpr;
	static const struct fake_exit cpuid = { EXIT_REASON_CPUID, .len = 2 };
	static const struct fake_exit rdmsr = { EXIT_REASON_MSR_READ, .len = 2 };
	static const struct fake_exit wrmsr = { EXIT_REASON_MSR_WRITE, .len = 2 };
	static const struct fake_exit xsetbv = { EXIT_REASON_XSETBV, .len = 3 };
	static const struct fake_exit mov_dr = { EXIT_REASON_DR_ACCESS, .len = 3 };

	x->answers[1] = (struct axv_x86_answer){ 0xa, 0xb, 0xc, 0xd };
	gpr[AXV_X86_RAX] = 1;
	go_round(f, &cpuid);
	KUNIT_EXPECT_EQ(test, 0xaull, gpr[AXV_X86_RAX]);
	KUNIT_EXPECT_EQ(test, 0xbull, gpr[AXV_X86_RBX]);
	KUNIT_EXPECT_EQ(test, 0xcull, gpr[AXV_X86_RCX]);
	KUNIT_EXPECT_EQ(test, 0xdull, gpr[AXV_X86_RDX]);

	gpr[AXV_X86_RCX] = MSR_IA32_SYSENTER_ESP;
	gpr[AXV_X86_RAX] = 0x89abcdef;
	gpr[AXV_X86_RDX] = 0x4567;
	go_round(f, &wrmsr);
	gpr[AXV_X86_RAX] = 0;
	gpr[AXV_X86_RDX] = 0;
	go_round(f, &rdmsr);
	KUNIT_EXPECT_EQ(test, 0x456789abcdefull, peek(f, GUEST_SYSENTER_ESP));
	KUNIT_EXPECT_EQ(test, 0x89abcdefull, gpr[AXV_X86_RAX]);
	KUNIT_EXPECT_EQ(test, 0x4567ull, gpr[AXV_X86_RDX]);

	gpr[AXV_X86_RCX] = 0;
	gpr[AXV_X86_RAX] = 3;
	gpr[AXV_X86_RDX] = 0;
	go_round(f, &xsetbv);
	KUNIT_EXPECT_EQ(test, 3ull, x->xcr0);

	/* The debug registers become the guest's. */
	go_round(f, &interrupt);
	KUNIT_EXPECT_TRUE(test, f->entry.cpu & CPU_BASED_MOV_DR_EXITING);
	go_round(f, &mov_dr);
	KUNIT_EXPECT_TRUE(test, x->dr_live);
	go_round(f, &interrupt);
	KUNIT_EXPECT_FALSE(test, f->entry.cpu & CPU_BASED_MOV_DR_EXITING);
}

/* The guest does not get an exception that the VMM asked for. */
static void vmx_test_exception_for_vmm(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	static const struct fake_exit int3 = {
		EXIT_REASON_EXCEPTION_NMI, .info = INT3, .len = 1,
	};
	static const struct fake_exit fault = {
		EXIT_REASON_EXCEPTION_NMI, .code = 2, .qual = 0xdead000,
		.info = (u32)WITH_CODE(X86_TRAP_PF, 0),
	};

	x->events.exit_mask = BIT(X86_TRAP_BP) | BIT(X86_TRAP_PF);
	x->hw->cpuid_changed(x);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &int3));
	KUNIT_EXPECT_EQ(test, (u64)(BIT(X86_TRAP_BP) | BIT(X86_TRAP_PF) |
				    BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) |
				    BIT(X86_TRAP_MC)),
			peek(f, EXCEPTION_BITMAP));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_EXCEPTION, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, (u32)X86_TRAP_BP, f->run.exit.exception.vector);
	KUNIT_EXPECT_EQ(test, 0u, f->run.exit.exception.has_error_code);
	KUNIT_EXPECT_EQ(test, RIP, x->regs.rip);

	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &fault));
	KUNIT_EXPECT_EQ(test, (u32)X86_TRAP_PF, f->run.exit.exception.vector);
	KUNIT_EXPECT_EQ(test, 1u, f->run.exit.exception.has_error_code);
	KUNIT_EXPECT_EQ(test, 2u, f->run.exit.exception.error_code);
	KUNIT_EXPECT_EQ(test, 0xdead000ull, f->run.exit.exception.address);
	KUNIT_EXPECT_EQ(test, 0ull, x->events.exception);
}

static void set_debug(struct kunit *test, struct vmx_fixture *f, u32 flags, u64 control)
{
	const struct axv_debug debug = { .flags = flags, .control = control };

	KUNIT_EXPECT_EQ(test, 0, AXV_CLAIMED(&f->vmx.x.base,
					     axv_x86_set_debug(&f->vmx.x.base, &debug)));
}

/* What the VMM debugs: the monitor trap flag, which Bochs does not have, and breakpoints. */
static void vmx_test_debug(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	static const struct fake_exit trap = { EXIT_REASON_MONITOR_TRAP_FLAG };
	static const struct fake_exit int3 = {
		EXIT_REASON_EXCEPTION_NMI, .info = INT3, .len = 1,
	};

	set_debug(test, f, AXV_DEBUG_STEP, 0);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &trap));
	KUNIT_EXPECT_TRUE(test, f->entry.cpu & CPU_BASED_MONITOR_TRAP_FLAG);
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_DEBUG, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, (u32)X86_TRAP_DB, f->run.exit.debug.vector);
	KUNIT_EXPECT_EQ(test, (u64)DR_STEP, f->run.exit.debug.causes);
	KUNIT_EXPECT_FALSE(test, x->debug.stepping);

	set_debug(test, f, AXV_DEBUG_SW_BREAK, 0);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &int3));
	KUNIT_EXPECT_FALSE(test, f->entry.cpu & CPU_BASED_MONITOR_TRAP_FLAG);
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_DEBUG, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, (u32)X86_TRAP_BP, f->run.exit.debug.vector);
	KUNIT_EXPECT_EQ(test, 1, f->run.insn_len);

	/* No breakpoint is enabled: the test must not set debug registers of this CPU. */
	x->hw->set_dr(x, 7, 0x702);
	set_debug(test, f, AXV_DEBUG_HW_BREAK, 0xd0000);
	KUNIT_EXPECT_EQ(test, 0xd0400ull, axv_vmx_get(&f->vmx, AXV_VMX_DR7));
	KUNIT_EXPECT_EQ(test, 0x702ull, x->hw->get_dr(x, 7));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0xd0400ull, peek(f, GUEST_DR7));
	KUNIT_EXPECT_TRUE(test, f->entry.cpu & CPU_BASED_MOV_DR_EXITING);
	set_debug(test, f, 0, 0);
	KUNIT_EXPECT_EQ(test, 0x702ull, axv_vmx_get(&f->vmx, AXV_VMX_DR7));
}

/* An event that was to be delivered is kept, and taken back from the VMCS. */
static void vmx_test_failed_entry(struct kunit *test)
{
	static const struct {
		struct fake_exit exit;
		u64 reason;
	} failures[] = {
		{ { FAILED | EXIT_REASON_INVALID_STATE,
		    .idt = EXTINT(0x99) },
		  FAILED | EXIT_REASON_INVALID_STATE },
		{ { .error = 7 }, AXV_VMX_VMFAIL | 7 },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(failures); i++) {
		begin(f);
		x->events.reinject = WITH_CODE(X86_TRAP_GP, 0x18);
		KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &failures[i].exit));
		KUNIT_EXPECT_EQ(test, (u32)WITH_CODE(X86_TRAP_GP, 0),
				f->entry.info);
		KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_FAIL_ENTRY,
				f->run.exit_reason);
		KUNIT_EXPECT_EQ(test, failures[i].reason,
				f->run.exit.fail_entry.hardware_reason);
		KUNIT_EXPECT_EQ(test, WITH_CODE(X86_TRAP_GP, 0x18),
				x->events.reinject);
		KUNIT_EXPECT_TRUE(test, x->events.any);
		KUNIT_EXPECT_EQ(test, 0ull,
				peek(f, VM_ENTRY_INTR_INFO_FIELD));
		KUNIT_EXPECT_EQ(test, -1, x->asid.cpu);
		KUNIT_EXPECT_EQ(test, RIP, x->regs.rip);
	}

	/* For an INT n RIP is put back, too. */
	begin(f);
	axv_vmx_caps.inject_len_0 = false;
	x->events.reinject = SOFT(0x80);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &failures[0].exit));
	KUNIT_EXPECT_EQ(test, SOFT(0x80), x->events.reinject);
	KUNIT_EXPECT_EQ(test, RIP, x->regs.rip);

	/* A machine check during the entry is given to the host, too. */
	begin(f);
	f->exit = (struct fake_exit){ FAILED | EXIT_REASON_MCE_DURING_VMENTRY };
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &f->exit));
	KUNIT_EXPECT_EQ(test, 1u, f->machine_checks);
}

static void vmx_test_ept_violation(struct kunit *test)
{
	static const struct {
		const char *what;
		u64 qual;
		u32 idt;
		u32 access;
		bool nmi_masked;
	} violations[] = {
		{ "read", 0x181, 0, AXV_ACCESS_READ },
		{ "write", 0x182, 0, AXV_ACCESS_WRITE },
		{ "read, modify, write", 0x183, 0, AXV_ACCESS_WRITE },
		{ "write to what may be read", 0x18a | BIT(5), 0,
		  AXV_ACCESS_WRITE },
		{ "fetch", 0x184, 0, AXV_ACCESS_FETCH },
		{ "read of a table", 0x081, 0,
		  AXV_ACCESS_READ | AXV_ACCESS_PAGE_TABLE },
		{ "accessed flag of a table", 0x083, 0,
		  AXV_ACCESS_WRITE | AXV_ACCESS_PAGE_TABLE },
		{ "read without a linear address", 0x001, 0, AXV_ACCESS_READ },
		{ "stack of IRET", 0x1181, 0, AXV_ACCESS_READ, true },
		{ "stack of an interrupt", 0x1182, EXTINT(0x30),
		  AXV_ACCESS_WRITE | AXV_ACCESS_EVENT, false },
		/* An instruction of the guest's own runs again: its event is not kept. */
		{ "table of INT n", 0x181, SOFT(0x80),
		  AXV_ACCESS_READ | AXV_ACCESS_EVENT, false },
		{ "table of INT3", 0x181, INT3,
		  AXV_ACCESS_READ | AXV_ACCESS_EVENT, false },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(violations); i++) {
		const struct fake_exit exit = {
			EXIT_REASON_EPT_VIOLATION, .qual = violations[i].qual,
			.gpa = 0xc0001234, .idt = violations[i].idt,
		};
		const char *what = violations[i].what;

		begin(f);
		KUNIT_EXPECT_EQ_MSG(test, AXV_RESUME, go_far(f, &exit), "%s",
				    what);
		KUNIT_EXPECT_EQ_MSG(test, 1u, f->faults, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, 0xc0001234ull, f->gpa, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, violations[i].access, f->access, "%s",
				    what);
		KUNIT_EXPECT_EQ_MSG(test, violations[i].nmi_masked,
				    x->hw->get_nmi_masked(x), "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, axv_vmx_is_soft(violations[i].idt) ?
				    0 : (u64)violations[i].idt,
				    x->events.reinject, "%s", what);
	}
}

/*
 * NMIs are blocked again after an IRET that faulted, but not for #DF, and not if an event
 * was on its way.
 */
static void vmx_test_faulting_iret(struct kunit *test)
{
	static const struct {
		u64 info;
		u64 idt;
		bool masked;
	} faults[] = {
		{ WITH_CODE(X86_TRAP_GP, 0) | INTR_INFO_UNBLOCK_NMI, 0, true },
		{ WITH_CODE(X86_TRAP_GP, 0), 0, false },
		{ WITH_CODE(X86_TRAP_GP, 0) | INTR_INFO_UNBLOCK_NMI,
		  EXTINT(0x30), false },
		{ WITH_CODE(X86_TRAP_DF, 0) | INTR_INFO_UNBLOCK_NMI, 0, false },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		const struct fake_exit exit = {
			EXIT_REASON_EXCEPTION_NMI, .info = (u32)faults[i].info,
			.idt = (u32)faults[i].idt,
		};

		begin(f);
		go_round(f, &exit);
		KUNIT_EXPECT_EQ_MSG(test, faults[i].masked,
				    x->hw->get_nmi_masked(x), "case %u", i);
	}
}

#define MOV_TO_CR(cr, gpr)	((cr) | (gpr) << 8)
#define CLTS			(2 << 4)
#define LMSW(value)		(3 << 4 | (value) << 16)

static enum axv_next cr_access(struct vmx_fixture *f, u64 qual)
{
	const struct fake_exit exit = {
		EXIT_REASON_CR_ACCESS, .qual = qual, .len = 3,
	};

	f->vmx.x.regs.rip = RIP;
	f->vmx.x.events.exception = 0;
	return go_far(f, &exit);
}

static void vmx_test_cr_access(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	u64 *gpr = x->regs.gpr;
	u64 base = X86_CR0_PE | X86_CR0_ET;

	gpr[AXV_X86_RBX] = X86_CR0_PE | X86_CR0_TS | X86_CR0_WP;
	KUNIT_EXPECT_EQ(test, AXV_RESUME,
			cr_access(f, MOV_TO_CR(0, AXV_X86_RBX)));
	KUNIT_EXPECT_EQ(test, base | X86_CR0_TS | X86_CR0_WP, x->cr0);
	KUNIT_EXPECT_EQ(test, RIP + 3, x->regs.rip);

	KUNIT_EXPECT_EQ(test, AXV_RESUME, cr_access(f, CLTS));
	KUNIT_EXPECT_EQ(test, base | X86_CR0_WP, x->cr0);
	KUNIT_EXPECT_EQ(test, RIP + 3, x->regs.rip);

	/* PE stays, and of the other bits only three are LMSW's. */
	KUNIT_EXPECT_EQ(test, AXV_RESUME,
			cr_access(f, LMSW(0xfffeull & ~X86_CR0_EM)));
	KUNIT_EXPECT_EQ(test, base | X86_CR0_WP | X86_CR0_MP | X86_CR0_TS,
			x->cr0);
	KUNIT_EXPECT_EQ(test, RIP + 3, x->regs.rip);

	/* PG without PE and NW without CD are refused. */
	gpr[AXV_X86_R15] = X86_CR0_PG;
	cr_access(f, MOV_TO_CR(0, AXV_X86_R15));
	KUNIT_EXPECT_EQ(test, WITH_CODE(X86_TRAP_GP, 0), x->events.exception);
	gpr[AXV_X86_R15] = X86_CR0_PE | X86_CR0_NW;
	cr_access(f, MOV_TO_CR(0, AXV_X86_R15));
	KUNIT_EXPECT_EQ(test, WITH_CODE(X86_TRAP_GP, 0), x->events.exception);
	KUNIT_EXPECT_EQ(test, base | X86_CR0_WP | X86_CR0_MP | X86_CR0_TS,
			x->cr0);
	KUNIT_EXPECT_EQ(test, RIP, x->regs.rip);

	gpr[AXV_X86_RSP] = X86_CR4_PSE;
	cr_access(f, MOV_TO_CR(4, AXV_X86_RSP));
	KUNIT_EXPECT_EQ(test, (u64)X86_CR4_PSE, x->cr4);
	KUNIT_EXPECT_EQ(test, 0ull, x->events.exception);
	gpr[AXV_X86_RSP] = X86_CR4_PSE | X86_CR4_VMXE;
	cr_access(f, MOV_TO_CR(4, AXV_X86_RSP));
	KUNIT_EXPECT_EQ(test, (u64)X86_CR4_PSE, x->cr4);
	KUNIT_EXPECT_EQ(test, WITH_CODE(X86_TRAP_GP, 0), x->events.exception);
	KUNIT_EXPECT_EQ(test, RIP, x->regs.rip);
}

/* Setting PG makes long mode active, by way of the entry control. */
static void vmx_test_long_mode(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	struct axv_x86_segment tr = { .limit = 0x67, .attr = 0x83 };
	u64 cr0 = x->cr0;

	x->hw->set_efer(x, EFER_LME);
	x->hw->set_cr(x, 4, X86_CR4_PAE);
	x->regs.gpr[AXV_X86_RAX] = X86_CR0_PE | X86_CR0_PG;

	/* With a 16-bit TSS that is refused with #GP: the entry would fail. */
	x->hw->set_segment(x, AXV_X86_TR, &tr);
	cr_access(f, MOV_TO_CR(0, AXV_X86_RAX));
	KUNIT_EXPECT_EQ(test, WITH_CODE(X86_TRAP_GP, 0), x->events.exception);
	KUNIT_EXPECT_EQ(test, RIP, x->regs.rip);
	KUNIT_EXPECT_EQ(test, cr0, x->cr0);
	KUNIT_EXPECT_EQ(test, (u64)EFER_LME, x->efer);
	x->events.exception = 0;
	tr.attr = 0x8b;
	x->hw->set_segment(x, AXV_X86_TR, &tr);

	cr_access(f, MOV_TO_CR(0, AXV_X86_RAX));
	KUNIT_EXPECT_EQ(test, 0ull, x->events.exception);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u64)(EFER_LME | EFER_LMA),
			peek(f, GUEST_IA32_EFER));
	KUNIT_EXPECT_EQ(test,
			(u64)(VM_ENTRY_LOAD_IA32_EFER | VM_ENTRY_IA32E_MODE),
			peek(f, VM_ENTRY_CONTROLS));

	x->regs.gpr[AXV_X86_RAX] = X86_CR0_PE;
	cr_access(f, MOV_TO_CR(0, AXV_X86_RAX));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u64)EFER_LME, peek(f, GUEST_IA32_EFER));
	KUNIT_EXPECT_EQ(test, (u64)VM_ENTRY_LOAD_IA32_EFER,
			peek(f, VM_ENTRY_CONTROLS));
}

static void begin_pae(struct vmx_fixture *f)
{
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	begin(f);
	x->hw->set_cr(x, 4, X86_CR4_PAE);
	x->hw->set_cr(x, 3, 0x12340020);
	f->pdpt = 0x12340020;
	for (i = 0; i < ARRAY_SIZE(f->pdpte); i++)
		f->pdpte[i] = 0x1001 + 0x1000 * i;
	x->regs.gpr[AXV_X86_RAX] = X86_CR0_PE | X86_CR0_PG;
	f->vmx.pdptes_stale = false;
}

/* MOV to CR0 and CR4 loads the PDPTEs, or does nothing at all. */
static void vmx_test_pdptes(struct kunit *test)
{
	static const struct {
		const char *what;
		unsigned int entry;
		u64 value;
		bool good;
	} tables[] = {
		{ "all present", 0, 0x1001, true },
		{ "one that is not, with anything in it", 2, ~1ull, true },
		{ "caching bits", 3, 0x1019, true },
		{ "bit 1", 0, 0x1003, false },
		{ "bit 5", 1, 0x1021, false },
		{ "an address that no processor has", 3, BIT_ULL(40) | 1,
		  false },
		{ "NX", 2, BIT_ULL(63) | 1, false },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		const char *what = tables[i].what;
		bool good = tables[i].good;

		begin_pae(f);
		f->pdpte[tables[i].entry] = tables[i].value;
		cr_access(f, MOV_TO_CR(0, AXV_X86_RAX));
		KUNIT_EXPECT_EQ_MSG(test, good, !x->events.exception, "%s",
				    what);
		KUNIT_EXPECT_EQ_MSG(test, good, !!(x->cr0 & X86_CR0_PG), "%s",
				    what);
		KUNIT_EXPECT_EQ_MSG(test, good ? RIP + 3 : RIP, x->regs.rip,
				    "%s", what);
		KUNIT_EXPECT_FALSE_MSG(test, f->vmx.pdptes_stale, "%s", what);

		x->events.exception = 0;
		go_round(f, &interrupt);
		if (good)
			KUNIT_EXPECT_EQ_MSG(test, tables[i].value,
					    peek(f, GUEST_PDPTR0 +
						    2 * tables[i].entry),
					    "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, good,
				    !!(peek(f, GUEST_CR0) & X86_CR0_PG), "%s",
				    what);
		KUNIT_EXPECT_EQ_MSG(test, good,
				    !!(peek(f, CR0_READ_SHADOW) & X86_CR0_PG),
				    "%s", what);
	}

	/* There is no memory where CR3 points. */
	begin_pae(f);
	f->pdpt = 0;
	cr_access(f, MOV_TO_CR(0, AXV_X86_RAX));
	KUNIT_EXPECT_EQ(test, WITH_CODE(X86_TRAP_GP, 0), x->events.exception);
	KUNIT_EXPECT_FALSE(test, x->cr0 & X86_CR0_PG);

	/* CR4.PAE is set with paging on; that is undone if the PDPTEs are not valid. */
	begin_pae(f);
	x->hw->set_cr(x, 4, 0);
	x->hw->set_cr(x, 0, X86_CR0_PE | X86_CR0_PG | X86_CR0_ET);
	f->vmx.pdptes_stale = false;
	f->pdpte[0] = 0x1003;
	x->regs.gpr[AXV_X86_RAX] = X86_CR4_PAE;
	cr_access(f, MOV_TO_CR(4, AXV_X86_RAX));
	KUNIT_EXPECT_EQ(test, WITH_CODE(X86_TRAP_GP, 0), x->events.exception);
	KUNIT_EXPECT_EQ(test, 0ull, x->cr4);
	f->pdpte[0] = 0x1001;
	cr_access(f, MOV_TO_CR(4, AXV_X86_RAX));
	KUNIT_EXPECT_EQ(test, 0ull, x->events.exception);
	KUNIT_EXPECT_EQ(test, (u64)X86_CR4_PAE, x->cr4);
}

/* Which changes load the PDPTEs (SDM vol. 3A, "PDPTE Registers"). */
static void vmx_test_pdptes_reloaded(struct kunit *test)
{
	static const struct {
		unsigned int cr;
		u64 bit;
		bool loads;
	} changes[] = {
		{ 0, X86_CR0_CD, true },
		{ 0, X86_CR0_CD | X86_CR0_NW, true },
		{ 0, X86_CR0_WP, false },
		{ 4, X86_CR4_PGE, true },
		{ 4, X86_CR4_PSE, true },
		{ 4, X86_CR4_SMEP, true },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		unsigned int cr = changes[i].cr;

		begin_pae(f);
		cr_access(f, MOV_TO_CR(0, AXV_X86_RAX));
		f->pdpte[1] = 0x9001;
		x->regs.gpr[AXV_X86_RAX] = (cr ? x->cr4 : x->cr0) |
					   changes[i].bit;
		cr_access(f, MOV_TO_CR(cr, AXV_X86_RAX));
		go_round(f, &interrupt);
		KUNIT_EXPECT_EQ_MSG(test, changes[i].loads ? 0x9001ull : 0x2001ull,
				    peek(f, GUEST_PDPTR1), "CR%u, %llx", cr,
				    changes[i].bit);
	}
}

/* The first PDPTE in the VMCS, if each of the others is @step above the one before; else ~0. */
static u64 peek_pdptes(struct vmx_fixture *f, u64 step)
{
	u64 first = peek(f, GUEST_PDPTR0);
	unsigned int i;

	for (i = 1; i < 4; i++)
		if (peek(f, GUEST_PDPTR0 + 2 * i) != first + i * step)
			return ~0ull;
	return first;
}

/* The VMM sets CR3: the guest is entered with the PDPTEs there, with none, or not at all. */
static void vmx_test_pdptes_of_vmm(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	begin_pae(f);
	x->hw->set_cr(x, 0, X86_CR0_PE | X86_CR0_PG | X86_CR0_ET);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, begin_run(x));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0x1001ull, peek_pdptes(f, 0x1000));
	KUNIT_EXPECT_FALSE(test, f->vmx.pdptes_stale);
	f->reads = 0;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, begin_run(x));
	KUNIT_EXPECT_EQ(test, 0u, f->reads);

	/* The host takes the table's page away, but not for long. */
	f->pdpt = 0x5000;
	for (i = 0; i < ARRAY_SIZE(f->pdpte); i++)
		f->pdpte[i] = 0xa001;
	x->hw->set_cr(x, 3, 0x5000);
	f->gone = 3;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, begin_run(x));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0xa001ull, peek_pdptes(f, 0));

	/* The page is away for ever: the run ends, and the next one tries again. */
	for (i = 0; i < ARRAY_SIZE(f->pdpte); i++)
		f->pdpte[i] = 0xb001;
	x->hw->set_cr(x, 3, 0x5000);
	f->gone = UINT_MAX;
	f->reads = 0;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, begin_run(x));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_NOTHING, f->run.exit_reason);
	KUNIT_EXPECT_LE(test, f->reads, 100u);
	f->gone = 0;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, begin_run(x));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0xb001ull, peek_pdptes(f, 0));

	/* Without a table, or with an invalid one, nothing is mapped. */
	f->pdpt = 0;
	x->hw->set_cr(x, 3, 0x6000);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, begin_run(x));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0ull, peek_pdptes(f, 0));
	f->pdpt = 0x6000;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, begin_run(x));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0xb001ull, peek_pdptes(f, 0));
	f->pdpte[2] = 0x1003;
	x->hw->set_cr(x, 3, 0x6000);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, begin_run(x));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0ull, peek_pdptes(f, 0));

	/* Long mode has no PDPTEs: nothing is read. */
	x->hw->set_efer(x, EFER_LME | EFER_LMA);
	x->hw->set_cr(x, 3, 0x7000);
	f->reads = 0;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, begin_run(x));
	KUNIT_EXPECT_EQ(test, 0u, f->reads);
}

#define TASK(source, selector)	((u64)(source) << 30 | (selector))

/*
 * An event that exits at its task gate is kept and delivered again; if an instruction
 * caused it, the instruction runs again instead.
 */
static void vmx_test_task_switch(struct kunit *test)
{
	static const struct {
		const char *what;
		enum axv_x86_task_source source;
		u32 idt;
		unsigned int len;
		u64 event;
		u64 again;
	} switches[] = {
		{ "call", AXV_X86_TASK_CALL, 0, 7, 0, 0 },
		{ "iret", AXV_X86_TASK_IRET, 0, 7, 0, 0 },
		{ "jmp", AXV_X86_TASK_JMP, 0, 7, 0, 0 },
		{ "interrupt", AXV_X86_TASK_GATE, EXTINT(0x30), 0, EXTINT(0x30),
		  EXTINT(0x30) },
		{ "NMI", AXV_X86_TASK_GATE, NMI, 0, NMI, NMI },
		{ "#DF", AXV_X86_TASK_GATE, (u32)WITH_CODE(X86_TRAP_DF, 0), 0,
		  WITH_CODE(X86_TRAP_DF, 9), WITH_CODE(X86_TRAP_DF, 9) },
		{ "int $0x80", AXV_X86_TASK_GATE, SOFT(0x80), 7, SOFT(0x80),
		  0 },
		{ "int3", AXV_X86_TASK_GATE, INT3, 7, EXCEPTION(X86_TRAP_BP),
		  0 },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	const struct axv_exit_task_switch *task = &f->run.exit.task_switch;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(switches); i++) {
		const struct fake_exit exit = {
			EXIT_REASON_TASK_SWITCH, .len = 7,
			.qual = TASK(switches[i].source, 0x18),
			.idt = switches[i].idt, .idt_code = 9,
		};
		const char *what = switches[i].what;
		u64 rip;

		begin(f);
		x->regs.rflags |= X86_EFLAGS_IF;
		rip = x->regs.rip;
		KUNIT_EXPECT_EQ_MSG(test, AXV_EXIT, go_round(f, &exit), "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, AXV_EXIT_TASK_SWITCH, f->run.exit_reason,
				    "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, 0x18, task->selector, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, switches[i].source, task->source, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, switches[i].len, f->run.insn_len, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, switches[i].event, task->event, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, !!switches[i].again, task->pending, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, switches[i].again, x->events.reinject, "%s",
				    what);
		KUNIT_EXPECT_EQ_MSG(test, rip, x->regs.rip, "%s", what);
		/* An instruction that runs again was perhaps behind an STI. */
		KUNIT_EXPECT_EQ_MSG(test, switches[i].event && !switches[i].again ?
				    AXV_X86_SHADOW_STI : AXV_X86_SHADOW_NONE,
				    x->hw->get_shadow(x), "%s", what);
	}
}

/* An INT n that was injected has been executed: only its event is kept. */
static void vmx_test_task_injected(struct kunit *test)
{
	static const struct fake_exit exit = {
		EXIT_REASON_TASK_SWITCH, .len = 1,
		.qual = TASK(AXV_X86_TASK_GATE, 0x18), .idt = SOFT(0x80),
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	u64 rip;

	begin(f);
	rip = x->regs.rip;
	axv_x86_cut_short(x, SOFT(0x80), 0);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &exit));
	KUNIT_EXPECT_EQ(test, (u32)SOFT(0x80), f->entry.info);
	KUNIT_EXPECT_EQ(test, SOFT(0x80), x->events.reinject);
	KUNIT_EXPECT_EQ(test, 1, f->run.exit.task_switch.pending);
	KUNIT_EXPECT_EQ(test, 0, f->run.insn_len);
	KUNIT_EXPECT_EQ(test, rip, x->regs.rip);
}

static void inject(struct vmx_fixture *f, u32 type, u32 vector)
{
	const struct axv_inject event = { .type = type, .vector = vector };

	raw_spin_lock_irq(&f->vmx.x.base.lock);
	axv_x86_inject(&f->vmx.x.base, &event);
	raw_spin_unlock_irq(&f->vmx.x.base.lock);
}

static void vmx_test_interrupt_window(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	static const struct fake_exit window = { EXIT_REASON_INTERRUPT_WINDOW };

	/* The interrupt is masked: interrupt-window exiting is on instead. */
	inject(f, AXV_INJECT_EXTINT, 0x30);
	go_round(f, &window);
	KUNIT_EXPECT_EQ(test, 0u, f->entry.info);
	KUNIT_EXPECT_TRUE(test, f->entry.cpu & CPU_BASED_INTR_WINDOW_EXITING);
	KUNIT_EXPECT_FALSE(test, x->irq_armed);
	KUNIT_EXPECT_FALSE(test, axv_vmx_get(&f->vmx, AXV_VMX_CPU_CONTROLS) &
				 CPU_BASED_INTR_WINDOW_EXITING);

	/* So it is in the shadow of an STI. */
	x->regs.rflags |= X86_EFLAGS_IF;
	x->hw->set_shadow(x, true);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0u, f->entry.info);
	KUNIT_EXPECT_TRUE(test, f->entry.cpu & CPU_BASED_INTR_WINDOW_EXITING);
	KUNIT_EXPECT_TRUE(test, x->irq_armed);

	/* Neither masks it any more: the interrupt is injected, and the exiting is off. */
	x->hw->set_shadow(x, false);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u32)EXTINT(0x30), f->entry.info);
	KUNIT_EXPECT_FALSE(test, f->entry.cpu & CPU_BASED_INTR_WINDOW_EXITING);
	KUNIT_EXPECT_FALSE(test, x->irq_armed);
	go_round(f, &interrupt);
	KUNIT_EXPECT_FALSE(test, f->entry.info & INTR_INFO_VALID_MASK);

	/* The VMM asked for the window, and it is open. */
	x->irq_window = true;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, go_round(f, &interrupt));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_IRQ_WINDOW, f->run.exit_reason);
}

static void vmx_test_nmi(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	static const struct fake_exit window = { EXIT_REASON_NMI_WINDOW };

	/* Entry with an NMI blocks NMIs itself, and requires that they are not blocked yet. */
	inject(f, AXV_INJECT_NMI, 0);
	inject(f, AXV_INJECT_NMI, 0);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u32)NMI, f->entry.info);
	KUNIT_EXPECT_FALSE(test, f->entry.state & GUEST_INTR_STATE_NMI);
	KUNIT_EXPECT_TRUE(test, f->entry.cpu & CPU_BASED_NMI_WINDOW_EXITING);
	KUNIT_EXPECT_TRUE(test, x->hw->get_nmi_masked(x));

	/* The second waits for the IRET of the first. */
	go_round(f, &window);
	KUNIT_EXPECT_FALSE(test, f->entry.info & INTR_INFO_VALID_MASK);
	KUNIT_EXPECT_FALSE(test, axv_vmx_get(&f->vmx, AXV_VMX_CPU_CONTROLS) &
				 CPU_BASED_NMI_WINDOW_EXITING);
	x->hw->set_nmi_masked(x, false);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u32)NMI, f->entry.info);
	KUNIT_EXPECT_FALSE(test, f->entry.cpu & CPU_BASED_NMI_WINDOW_EXITING);

	/* Behind an STI only interrupt-window exiting is sure to exit. */
	begin(f);
	x->regs.rflags |= X86_EFLAGS_IF;
	x->hw->set_shadow(x, true);
	inject(f, AXV_INJECT_NMI, 0);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, CPU_BASED_INTR_WINDOW_EXITING,
			f->entry.cpu & (CPU_BASED_INTR_WINDOW_EXITING |
					CPU_BASED_NMI_WINDOW_EXITING));
	KUNIT_EXPECT_TRUE(test, x->irq_armed);
}

static void vmx_test_exception(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;

	axv_x86_raise(x, X86_TRAP_GP, true, 0x18, 0);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u32)WITH_CODE(X86_TRAP_GP, 0), f->entry.info);
	KUNIT_EXPECT_EQ(test, 0x18u, f->entry.code);

	axv_x86_raise(x, X86_TRAP_PF, true, 2, 0xdead000);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u32)WITH_CODE(X86_TRAP_PF, 0), f->entry.info);
	KUNIT_EXPECT_EQ(test, 2u, f->entry.code);
	KUNIT_EXPECT_EQ(test, 0xdead000ull, x->hw->get_cr(x, 2));

	/* Real mode has no error codes. */
	x->hw->set_cr(x, 0, X86_CR0_ET);
	axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u32)EXCEPTION(X86_TRAP_GP), f->entry.info);
}

/* An injected INT n returns to RIP plus its length, and the guest is there already. */
static void vmx_test_soft(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int len;

	for (len = 0; len < 2; len++) {
		const struct fake_exit cut = {
			EXIT_REASON_EPT_VIOLATION, .qual = 0x182, .len = len,
			.idt = SOFT(0x80),
		};

		begin(f);
		axv_vmx_caps.inject_len_0 = !len;
		x->events.reinject = SOFT(0x80);
		go_round(f, &cut);
		KUNIT_EXPECT_EQ(test, (u32)SOFT(0x80), f->entry.info);
		KUNIT_EXPECT_EQ(test, len, f->entry.len);
		KUNIT_EXPECT_EQ(test, RIP, f->entry.rip + f->entry.len);

		/* The delivery was cut short: the same event is injected again. */
		KUNIT_EXPECT_EQ(test, RIP, x->regs.rip);
		KUNIT_EXPECT_EQ(test, SOFT(0x80), x->events.reinject);
		go_round(f, &interrupt);
		KUNIT_EXPECT_EQ(test, (u32)SOFT(0x80), f->entry.info);
		KUNIT_EXPECT_EQ(test, RIP, f->entry.rip + f->entry.len);
	}
}

static void vmx_test_cut_short(struct kunit *test)
{
	static const struct {
		const char *what;
		u32 idt;
		u64 again;
		bool runs_again;
	} events[] = {
		{ "interrupt", EXTINT(0x30), EXTINT(0x30) },
		{ "NMI", NMI, NMI },
		{ "#DE", EXCEPTION(X86_TRAP_DE), EXCEPTION(X86_TRAP_DE) },
		{ "#PF", (u32)WITH_CODE(X86_TRAP_PF, 0),
		  WITH_CODE(X86_TRAP_PF, 7) },
		{ "int $0x80", SOFT(0x80), 0, true },
		{ "int1", INT1, 0, true },
		{ "int3", INT3, 0, true },
		{ "nothing", 0, 0 },
		{ "nothing that is valid", 0x30, 0 },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	struct fake_exit exit = {
		EXIT_REASON_EPT_VIOLATION, .qual = 0x182, .len = 2,
		.idt_code = 7,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		begin(f);
		exit.idt = events[i].idt;
		go_round(f, &exit);
		KUNIT_EXPECT_EQ_MSG(test, events[i].again, x->events.reinject,
				    "%s", events[i].what);
		KUNIT_EXPECT_EQ_MSG(test, RIP, x->regs.rip, "%s",
				    events[i].what);
		KUNIT_EXPECT_EQ_MSG(test, 0u, x->hw->get_shadow(x), "%s",
				    events[i].what);

		/* With IF set, no interrupt comes before what runs again. */
		begin(f);
		x->regs.rflags |= X86_EFLAGS_IF;
		go_round(f, &exit);
		KUNIT_EXPECT_EQ_MSG(test, events[i].runs_again ? AXV_X86_SHADOW_STI : 0,
				    x->hw->get_shadow(x), "%s", events[i].what);
	}

	/* An interrupt of the VMM's is counted when it has been delivered. */
	begin(f);
	x->base.stats.injections = 0;
	x->regs.rflags |= X86_EFLAGS_IF;
	inject(f, AXV_INJECT_EXTINT, 0x30);
	exit.idt = EXTINT(0x30);
	go_round(f, &exit);
	KUNIT_EXPECT_EQ(test, (u32)EXTINT(0x30), f->entry.info);
	KUNIT_EXPECT_EQ(test, 0ull, x->base.stats.injections);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u32)EXTINT(0x30), f->entry.info);
	KUNIT_EXPECT_EQ(test, 1ull, x->base.stats.injections);

	/* An NMI is injected again with NMIs unblocked. */
	begin(f);
	inject(f, AXV_INJECT_NMI, 0);
	exit.idt = NMI;
	go_round(f, &exit);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u32)NMI, f->entry.info);
	KUNIT_EXPECT_FALSE(test, f->entry.state & GUEST_INTR_STATE_NMI);

	/* An exception that the delivery of another one caused. */
	begin(f);
	exit = (struct fake_exit){
		EXIT_REASON_EXCEPTION_NMI,
		.info = (u32)WITH_CODE(X86_TRAP_PF, 0),
		.idt = (u32)WITH_CODE(X86_TRAP_PF, 0),
	};
	go_round(f, &exit);
	KUNIT_EXPECT_EQ(test, WITH_CODE(X86_TRAP_DF, 0), x->events.exception);
}

/* Access rights have the attributes' bits elsewhere, and one more. */
static void vmx_test_segments(struct kunit *test)
{
	static const struct {
		const char *what;
		unsigned int seg;
		u32 field;
		u16 attr;
		u32 access;
		u16 back;
	} segments[] = {
		{ "data", AXV_X86_DS,
		  GUEST_DS_AR_BYTES, 0xc93, 0xc093, 0xc93 },
		{ "64-bit code", AXV_X86_CS,
		  GUEST_CS_AR_BYTES, 0xa9b, 0xa09b, 0xa9b },
		{ "AVL", AXV_X86_ES,
		  GUEST_ES_AR_BYTES, 0xd93, 0xd093, 0xd93 },
		{ "data that was not accessed", AXV_X86_DS,
		  GUEST_DS_AR_BYTES, 0xc92, 0xc093, 0xc93 },
		{ "null", AXV_X86_FS,
		  GUEST_FS_AR_BYTES, 0, 0x10000, 0 },
		{ "not present", AXV_X86_GS,
		  GUEST_GS_AR_BYTES, 0xc13, 0x1c013, 0xc13 },
		{ "level 3", AXV_X86_SS,
		  GUEST_SS_AR_BYTES, 0xcf3, 0xc0f3, 0xcf3 },
		{ "LDT", AXV_X86_LDTR,
		  GUEST_LDTR_AR_BYTES, 0x082, 0x0082, 0x082 },
		{ "no LDT", AXV_X86_LDTR,
		  GUEST_LDTR_AR_BYTES, 0, 0x10000, 0 },
		{ "busy TSS", AXV_X86_TR,
		  GUEST_TR_AR_BYTES, 0x08b, 0x008b, 0x08b },
		{ "available TSS", AXV_X86_TR,
		  GUEST_TR_AR_BYTES, 0x089, 0x008b, 0x08b },
		{ "16-bit TSS", AXV_X86_TR,
		  GUEST_TR_AR_BYTES, 0x081, 0x0083, 0x083 },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	struct axv_x86_segment value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		unsigned int seg = segments[i].seg;
		const char *what = segments[i].what;

		value = (struct axv_x86_segment){
			.base = 0x12345000, .limit = 0xffff, .selector = 0x28,
			.attr = segments[i].attr,
		};
		x->hw->set_segment(x, seg, &value);
		go_round(f, &interrupt);
		KUNIT_EXPECT_EQ_MSG(test, (u64)segments[i].access,
				    peek(f, segments[i].field), "%s", what);
		memset(&value, 0, sizeof(value));
		x->hw->get_segment(x, seg, &value);
		KUNIT_EXPECT_EQ_MSG(test, segments[i].back, value.attr, "%s",
				    what);
		KUNIT_EXPECT_EQ_MSG(test, 0x12345000ull, value.base, "%s",
				    what);
		KUNIT_EXPECT_EQ_MSG(test, 0xffffu, value.limit, "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, 0x28, value.selector, "%s", what);
	}
	KUNIT_EXPECT_EQ(test, 3u, x->hw->cpl(x));

	/* Where the hardware says unusable, the rest means nothing. */
	KUNIT_EXPECT_EQ(test, 0xc13, ar_to_attr(0x1c093));
}

/* Bits that VMX fixes are not the guest's, and it does not see them. */
static void vmx_test_control_registers(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	u64 mce = cr4_read_shadow() & X86_CR4_MCE;

	x->hw->set_cr(x, 0, X86_CR0_CD | X86_CR0_NW | X86_CR0_ET);
	x->hw->set_cr(x, 4, X86_CR4_PAE);
	x->hw->set_cr(x, 8, 5);
	x->hw->set_efer(x, EFER_SCE | EFER_NX);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u64)(X86_CR0_ET | X86_CR0_NE),
			peek(f, GUEST_CR0));
	KUNIT_EXPECT_EQ(test, (u64)(X86_CR0_CD | X86_CR0_NW | X86_CR0_ET),
			peek(f, CR0_READ_SHADOW));
	KUNIT_EXPECT_EQ(test, X86_CR4_PAE | X86_CR4_VMXE | mce,
			peek(f, GUEST_CR4));
	KUNIT_EXPECT_EQ(test, (u64)X86_CR4_PAE, peek(f, CR4_READ_SHADOW));
	KUNIT_EXPECT_EQ(test, ~0ull, peek(f, CR0_GUEST_HOST_MASK));
	KUNIT_EXPECT_EQ(test, ~0ull, peek(f, CR4_GUEST_HOST_MASK));
	KUNIT_EXPECT_EQ(test, (u64)(EFER_SCE | EFER_NX),
			peek(f, GUEST_IA32_EFER));
	KUNIT_EXPECT_EQ(test, (u64)(X86_CR0_CD | X86_CR0_NW | X86_CR0_ET),
			x->hw->get_cr(x, 0));
	KUNIT_EXPECT_EQ(test, (u64)X86_CR4_PAE, x->hw->get_cr(x, 4));
	KUNIT_EXPECT_EQ(test, 0x50, f->vmx.areas->apic[AXV_VMX_APIC_TPR]);
	KUNIT_EXPECT_EQ(test, 5ull, x->hw->get_cr(x, 8));
}

/* Instructions that CPUID does not tell of are undefined. */
static void vmx_test_cpuid_changed(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	u64 both = SECONDARY_EXEC_ENABLE_RDTSCP | SECONDARY_EXEC_ENABLE_INVPCID;

	axv_vmx_caps.rdtscp = true;
	axv_vmx_caps.invpcid = true;
	x->hw->cpuid_changed(x);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u64)SECONDARY_EXEC_ENABLE_EPT,
			peek(f, SECONDARY_VM_EXEC_CONTROL));

	x->caps.tsc_aux = true;
	x->caps.invpcid = true;
	x->hw->cpuid_changed(x);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, SECONDARY_EXEC_ENABLE_EPT | both,
			peek(f, SECONDARY_VM_EXEC_CONTROL));

	/* No matter of CPUID, but in the same field */
	f->vm.x.base.flags = AXV_VM_YIELD_ON_SPIN;
	x->hw->cpuid_changed(x);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_PAUSE_LOOP_EXITING | both,
			peek(f, SECONDARY_VM_EXEC_CONTROL));
}

/*
 * What the guest changed is in memory when no CPU holds the VMCS; what software sets
 * then is in the VMCS at the next entry.
 */
static void vmx_test_moves(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	const struct fake_exit exit = {
		EXIT_REASON_EXTERNAL_INTERRUPT, .cr3 = 0x7000,
	};

	go_round(f, &exit);
	KUNIT_EXPECT_EQ(test, AXV_VMX_ALL_FIELDS, f->vmx.known);
	KUNIT_EXPECT_EQ(test, 0x7000ull, x->hw->get_cr(x, 3));
	KUNIT_EXPECT_TRUE(test, !f->current_vmcs);

	x->hw->set_cr(x, 3, 0x8000);
	KUNIT_EXPECT_EQ(test, 0x7000ull, peek(f, GUEST_CR3));
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0x8000ull, peek(f, GUEST_CR3));
	KUNIT_EXPECT_EQ(test, 0x8000ull, x->hw->get_cr(x, 3));
	KUNIT_EXPECT_EQ(test, axv_vmx_eptp(x->base.vm), peek(f, EPT_POINTER));
	KUNIT_EXPECT_EQ(test, virt_to_phys(f->vm.msr_bitmap),
			peek(f, MSR_BITMAP));
}

static void enter_once(struct vmx_fixture *f, struct axv_x86_vcpu *x, int cpu,
		       u64 cr3)
{
	f->exit = (struct fake_exit){
		EXIT_REASON_EXTERNAL_INTERRUPT, .cr3 = cr3,
	};
	take(x, cpu);
	prepare(x, cpu);
	enter(x);
	after_exit(x);
}

/*
 * Two vCPUs take turns on a CPU: the CPU holds both VMCSs, launched, and fields of
 * either can be read.
 */
static void vmx_test_takes_turns(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *a = &f->vmx.x, *b;
	struct axv_vmx_vcpu *other;
	unsigned long flags;
	int cpu, i;

	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	*other = f->vmx;
	other->vmcs_pa = f->vmcs[1].pa;
	b = &other->x;
	raw_spin_lock_init(&b->base.lock);
	b->asid.cpu = -1;

	local_irq_save(flags);
	cpu = smp_processor_id();
	for (i = 0; i < 3; i++) {
		enter_once(f, a, cpu, 0x7000 + i * 0x10000);
		enter_once(f, b, cpu, 0x8000 + i * 0x10000);
	}
	/* VMCLEAR once for each, since it is not known what is in the memory of a new VMCS. */
	KUNIT_EXPECT_EQ(test, 2u, f->vmclears);
	KUNIT_EXPECT_EQ(test, 2u, f->host_loads);
	KUNIT_EXPECT_TRUE(test, f->vmcs[0].launched);
	KUNIT_EXPECT_TRUE(test, f->vmcs[1].launched);

	KUNIT_EXPECT_EQ(test, 0x27000ull, a->hw->get_cr(a, 3));
	KUNIT_EXPECT_PTR_EQ(test, &f->vmcs[1], f->current_vmcs);
	KUNIT_EXPECT_EQ(test, 0x28000ull, b->hw->get_cr(b, 3));

	/* The CPU lets go of the VMCS that is not current: the current one stays so. */
	let_go(a);
	KUNIT_EXPECT_EQ(test, AXV_VMX_ALL_FIELDS, f->vmx.known);
	KUNIT_EXPECT_FALSE(test, f->vmcs[0].launched);
	KUNIT_EXPECT_PTR_EQ(test, &f->vmcs[1], f->current_vmcs);
	enter_once(f, b, cpu, 0x9000);
	let_go(b);
	KUNIT_EXPECT_TRUE(test, !f->current_vmcs);
	KUNIT_EXPECT_EQ(test, 4u, f->vmclears);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, 0x9000ull, b->hw->get_cr(b, 3));
}

/* When the kernel stops, every VMCS that a CPU holds is written back. */
static void vmx_test_clears_held(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct hlist_head *held;
	struct axv_vcpu *vcpu = &f->vmx.x.base;
	struct axv_vmx_vcpu *other;
	unsigned long flags;

	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	other->vmcs_pa = f->vmcs[1].pa;

	local_irq_save(flags);
	held = this_cpu_ptr(&axv_held);
	f->vmcs[0].launched = true;
	f->vmcs[1].launched = true;
	hlist_add_head(&vcpu->held, held);
	hlist_add_head(&other->x.base.held, held);
	axv_vmx_clear_held();
	hlist_del(&other->x.base.held);
	hlist_del(&vcpu->held);
	local_irq_restore(flags);
	KUNIT_EXPECT_FALSE(test, f->vmcs[0].launched);
	KUNIT_EXPECT_FALSE(test, f->vmcs[1].launched);
}

/* A single step of an instruction that leaves a shadow: its trap is pending at the entry. */
static void vmx_test_step_into_shadow(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;

	x->regs.rflags |= X86_EFLAGS_TF;
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, 0ull, f->entry.debug);
	x->hw->set_shadow(x, true);
	go_round(f, &interrupt);
	KUNIT_EXPECT_EQ(test, (u64)DR_STEP, f->entry.debug);
}

static bool exits(struct vmx_fixture *f, u32 msr, bool write)
{
	unsigned int byte = (msr >= 0xc0000000 ? 1024 : 0) + (write ? 2048 : 0);

	return test_bit((msr & 0x1fff) + byte * 8, f->vm.msr_bitmap);
}

static void set_policy(struct kunit *test,
		       const struct axv_x86_msr_policy *policy, u32 count)
{
	struct vmx_fixture *f = test->priv;
	struct mutex *lock = &f->vm.x.base.lock;

	mutex_lock(lock);
	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_policy(&f->vm.x, policy, count));
	axv_vmx_msr_bitmap_update(&f->vm);
	mutex_unlock(lock);
}

static void vmx_test_msr_bitmap(struct kunit *test)
{
	static const u32 open[] = {
		MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP,
		MSR_IA32_SYSENTER_EIP, MSR_FS_BASE, MSR_GS_BASE,
		MSR_KERNEL_GS_BASE,
	};
	static const struct axv_x86_msr_policy policy = {
		.first = MSR_GS_BASE, .last = MSR_KERNEL_GS_BASE,
		.read = AXV_X86_MSR_EXIT, .write = AXV_X86_MSR_EXIT,
	};
	struct vmx_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(open); i++) {
		KUNIT_EXPECT_FALSE_MSG(test, exits(f, open[i], false), "%x",
				       open[i]);
		KUNIT_EXPECT_FALSE_MSG(test, exits(f, open[i], true), "%x",
				       open[i]);
	}
	KUNIT_EXPECT_EQ(test, 8 * PAGE_SIZE - 2 * ARRAY_SIZE(open),
			bitmap_weight(f->vm.msr_bitmap, 8 * PAGE_SIZE));

	set_policy(test, &policy, 1);
	KUNIT_EXPECT_FALSE(test, exits(f, MSR_FS_BASE, false));
	KUNIT_EXPECT_TRUE(test, exits(f, MSR_GS_BASE, false));
	KUNIT_EXPECT_TRUE(test, exits(f, MSR_GS_BASE, true));
	KUNIT_EXPECT_TRUE(test, exits(f, MSR_KERNEL_GS_BASE, false));
	KUNIT_EXPECT_TRUE(test, exits(f, MSR_KERNEL_GS_BASE, true));

	set_policy(test, NULL, 0);
	KUNIT_EXPECT_FALSE(test, exits(f, MSR_GS_BASE, true));
	KUNIT_EXPECT_EQ(test, 8 * PAGE_SIZE - 2 * ARRAY_SIZE(open),
			bitmap_weight(f->vm.msr_bitmap, 8 * PAGE_SIZE));
}

/* What the processor has in the MSRs of SYSCALL, after so many WRMSRs. */
static void expect_syscall(struct kunit *test, int line, u64 star, u64 lstar, u64 sfmask,
			   unsigned int wrmsrs)
{
	struct vmx_fixture *f = test->priv;

	KUNIT_EXPECT_EQ_MSG(test, star, f->star, "line %d", line);
	KUNIT_EXPECT_EQ_MSG(test, lstar, f->lstar, "line %d", line);
	KUNIT_EXPECT_EQ_MSG(test, sfmask, f->sfmask, "line %d", line);
	KUNIT_EXPECT_EQ_MSG(test, wrmsrs, f->wrmsrs, "line %d", line);
	f->wrmsrs = 0;
}

#define EXPECT_SYSCALL(star, lstar, sfmask, wrmsrs)	\
	expect_syscall(test, __LINE__, star, lstar, sfmask, wrmsrs)

/* Restore the host's MSRs, as axv_vmx_release_host() does. */
static void end_syscall(struct vmx_fixture *f)
{
	if (f->vmx.syscall_loaded)
		axv_vmx_syscall_unload(&f->vmx);
}

/*
 * With SYSCALL on, the guest runs with its own values, zeros among them: with the
 * host's LSTAR it would go on at an address of the host's.
 */
static void vmx_test_syscall(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	static const struct fake_exit wrmsr = { EXIT_REASON_MSR_WRITE, .len = 2 };

	/* SYSCALL is off: the registers keep the host's values. */
	go_round(f, &interrupt);
	EXPECT_SYSCALL(HOST_STAR, HOST_LSTAR, HOST_SFMASK, 0);
	end_syscall(f);
	EXPECT_SYSCALL(HOST_STAR, HOST_LSTAR, HOST_SFMASK, 0);

	/* SYSCALL is on, and the guest never wrote any of the MSRs. */
	x->hw->set_efer(x, EFER_SCE);
	go_round(f, &interrupt);
	EXPECT_SYSCALL(0, 0, 0, 3);
	go_round(f, &interrupt);
	EXPECT_SYSCALL(0, 0, 0, 0);
	end_syscall(f);
	EXPECT_SYSCALL(HOST_STAR, HOST_LSTAR, HOST_SFMASK, 3);
	end_syscall(f);
	EXPECT_SYSCALL(HOST_STAR, HOST_LSTAR, HOST_SFMASK, 0);
	go_round(f, &interrupt);
	EXPECT_SYSCALL(0, 0, 0, 3);
	end_syscall(f);
	EXPECT_SYSCALL(HOST_STAR, HOST_LSTAR, HOST_SFMASK, 3);

	/* Only LSTAR differs from the host's, and it changes in the inner loop. */
	x->hw->set_msr(x, MSR_STAR, HOST_STAR);
	x->hw->set_msr(x, MSR_LSTAR, 0x1234);
	x->hw->set_msr(x, MSR_SYSCALL_MASK, HOST_SFMASK);
	x->regs.gpr[AXV_X86_RCX] = MSR_LSTAR;
	x->regs.gpr[AXV_X86_RAX] = 0x5678;
	go_round(f, &wrmsr);
	EXPECT_SYSCALL(HOST_STAR, 0x1234, HOST_SFMASK, 1);
	go_round(f, &interrupt);
	EXPECT_SYSCALL(HOST_STAR, 0x5678, HOST_SFMASK, 1);

	/* SYSCALL is switched off in the inner loop. */
	x->hw->set_efer(x, 0);
	go_round(f, &interrupt);
	EXPECT_SYSCALL(HOST_STAR, HOST_LSTAR, HOST_SFMASK, 1);
	end_syscall(f);
	EXPECT_SYSCALL(HOST_STAR, HOST_LSTAR, HOST_SFMASK, 0);

	/* A guest with the host's values, as one with the same kernel may have. */
	x->hw->set_efer(x, EFER_SCE);
	x->hw->set_msr(x, MSR_LSTAR, HOST_LSTAR);
	go_round(f, &interrupt);
	end_syscall(f);
	EXPECT_SYSCALL(HOST_STAR, HOST_LSTAR, HOST_SFMASK, 0);
}

/*
 * DR7 is read again only if the guest may have changed it: it has the debug
 * registers, or GD may have been cleared.
 */
static void vmx_test_dr7(struct kunit *test)
{
	static const struct {
		const char *what;
		u64 dr7;
		bool live;
		bool read;
	} cases[] = {
		{ "accesses exit", 0x402, false, false },
		{ "GD", 0x2402, false, true },
		{ "accesses do not exit", 0x402, true, true },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *what = cases[i].what;
		u64 known = cases[i].dr7;

		if (cases[i].read)
			known = 0x400;
		begin(f);
		x->hw->set_dr(x, 7, cases[i].dr7);
		x->dr_live = cases[i].live;
		f->exit = (struct fake_exit){ EXIT_REASON_EXTERNAL_INTERRUPT, .dr7 = 0x400 };
		go_round(f, &f->exit);
		KUNIT_EXPECT_EQ_MSG(test, known, x->hw->get_dr(x, 7), "%s", what);

		/* What software sets goes in at the next entry in any case. */
		x->hw->set_dr(x, 7, 0x401);
		go_round(f, &interrupt);
		KUNIT_EXPECT_EQ_MSG(test, 0x401ull, peek(f, GUEST_DR7), "%s", what);
		KUNIT_EXPECT_EQ_MSG(test, 0x401ull, x->hw->get_dr(x, 7), "%s", what);
	}
}

/* What an entry invalidates, and with which VPID it is made. */
static void expect_flush(struct kunit *test, int line, unsigned int invvpids,
			 unsigned int invepts, u64 vpid)
{
	struct vmx_fixture *f = test->priv;
	unsigned long flags;

	f->invvpids = 0;
	f->invepts = 0;
	local_irq_save(flags);
	prepare(&f->vmx.x, smp_processor_id());
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ_MSG(test, invvpids, f->invvpids, "line %d", line);
	KUNIT_EXPECT_EQ_MSG(test, invepts, f->invepts, "line %d", line);
	KUNIT_EXPECT_EQ_MSG(test, vpid, f->vmx.field[AXV_VMX_VPID], "line %d",
			    line);
}

#define EXPECT_FLUSH(invvpids, invepts, vpid)	\
	expect_flush(test, __LINE__, invvpids, invepts, vpid)

static void vmx_test_flushes(struct kunit *test)
{
	struct vmx_fixture *f = test->priv;
	struct axv_x86_asid *asid = &f->vmx.x.asid;
	atomic64_t *tlb_gen = &f->vm.x.base.tlb_gen;
	struct axv_x86_asids *vpids;

	migrate_disable();
	vpids = this_cpu_ptr(&axv_vmx_vpids);
	vpids->count = 5;
	axv_x86_asids_reset(vpids);
	asid->stale = false;

	/* The first entry after VMX was switched on. */
	EXPECT_FLUSH(1, 1, 1);
	KUNIT_EXPECT_EQ(test, 0x5000ull | 6 | 3 << 3 | BIT(6), f->eptp);
	KUNIT_EXPECT_TRUE(test, f->vmx.dirty & BIT_ULL(AXV_VMX_VPID));

	/* Nothing happened; then a removal from the second stage. */
	EXPECT_FLUSH(0, 0, 1);
	atomic64_inc(tlb_gen);
	EXPECT_FLUSH(0, 1, 1);
	EXPECT_FLUSH(0, 0, 1);

	/* A register was set: only linear addresses mean something else. */
	asid->stale = true;
	EXPECT_FLUSH(0, 0, 2);
	EXPECT_FLUSH(0, 0, 2);

	/* A register was set and a mapping removed. */
	asid->stale = true;
	atomic64_inc(tlb_gen);
	EXPECT_FLUSH(0, 1, 3);

	/* The vCPU comes from another CPU. */
	asid->cpu++;
	EXPECT_FLUSH(0, 1, 4);

	/* There are no VPIDs left: a new generation, and everything goes. */
	asid->stale = true;
	EXPECT_FLUSH(1, 1, 1);

	/* Another vCPU began a generation. */
	vpids->generation++;
	EXPECT_FLUSH(0, 1, 2);
	migrate_enable();
}

/* A write that changes what translations mean must not keep the VPID. */
static void vmx_test_register_writes_flush(struct kunit *test)
{
	static const struct {
		unsigned int cr;
		u64 value;
		bool stale;
	} writes[] = {
		{ 0, X86_CR0_ET | X86_CR0_PE | X86_CR0_TS, false },
		{ 0, X86_CR0_ET | X86_CR0_PE | X86_CR0_WP, true },
		{ 0, X86_CR0_ET | X86_CR0_PE | X86_CR0_PG, true },
		{ 2, 0x1000, false },
		{ 3, 0, true },
		{ 4, 0, true },
		{ 8, 1, false },
	};
	struct vmx_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->vmx.x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		begin(f);
		x->asid.stale = false;
		x->hw->set_cr(x, writes[i].cr, writes[i].value);
		KUNIT_EXPECT_EQ_MSG(test, writes[i].stale, x->asid.stale,
				    "CR%u = %llx", writes[i].cr,
				    writes[i].value);
	}
	x->asid.stale = false;
	x->hw->set_efer(x, EFER_NX);
	KUNIT_EXPECT_TRUE(test, x->asid.stale);
}

static struct kunit_case vmx_cases[] = {
	KUNIT_CASE(vmx_test_fast_exits),
	KUNIT_CASE(vmx_test_undefined),
	KUNIT_CASE(vmx_test_port),
	KUNIT_CASE(vmx_test_answers),
	KUNIT_CASE(vmx_test_exception_for_vmm),
	KUNIT_CASE(vmx_test_debug),
	KUNIT_CASE(vmx_test_failed_entry),
	KUNIT_CASE(vmx_test_ept_violation),
	KUNIT_CASE(vmx_test_faulting_iret),
	KUNIT_CASE(vmx_test_cr_access),
	KUNIT_CASE(vmx_test_long_mode),
	KUNIT_CASE(vmx_test_pdptes),
	KUNIT_CASE(vmx_test_pdptes_reloaded),
	KUNIT_CASE(vmx_test_pdptes_of_vmm),
	KUNIT_CASE(vmx_test_task_switch),
	KUNIT_CASE(vmx_test_task_injected),
	KUNIT_CASE(vmx_test_interrupt_window),
	KUNIT_CASE(vmx_test_nmi),
	KUNIT_CASE(vmx_test_exception),
	KUNIT_CASE(vmx_test_soft),
	KUNIT_CASE(vmx_test_cut_short),
	KUNIT_CASE(vmx_test_segments),
	KUNIT_CASE(vmx_test_control_registers),
	KUNIT_CASE(vmx_test_cpuid_changed),
	KUNIT_CASE(vmx_test_moves),
	KUNIT_CASE(vmx_test_takes_turns),
	KUNIT_CASE(vmx_test_clears_held),
	KUNIT_CASE(vmx_test_step_into_shadow),
	KUNIT_CASE(vmx_test_msr_bitmap),
	KUNIT_CASE(vmx_test_syscall),
	KUNIT_CASE(vmx_test_dr7),
	KUNIT_CASE(vmx_test_flushes),
	KUNIT_CASE(vmx_test_register_writes_flush),
	{}
};

axv_test_suite("axvcpu-vmx", vmx_cases, .init = vmx_test_init, .exit = vmx_test_exit);
