// SPDX-License-Identifier: GPL-2.0
/*
 * The SVM back end without SVM: what exits mean, by VMCBs recorded from guests,
 * which flush an entry asks for, and events on their way through the VMCB.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/slab.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../svm/svm.h"

/**
 * struct svm_fixture - one vCPU that never runs
 * @vm:		its VM, with as much as the back end looks at
 * @svm:	the vCPU
 * @run:	its run page
 * @saved:	features of the host, put back afterwards
 * @saved_cpu:	ASID state of this CPU, likewise
 */
struct svm_fixture {
	struct axv_svm_vm vm;
	struct axv_svm_vcpu svm;
	struct axv_run run;
	struct axv_svm_features saved;
	struct axv_svm_cpu saved_cpu;
};

static bool intercepts(const struct axv_svm_vcpu *svm, unsigned int bit)
{
	return svm->vmcb->control.intercepts[bit / 32] & BIT(bit % 32);
}

static int svm_test_init(struct kunit *test)
{
	struct svm_fixture *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->svm.vmcb = (void *)get_zeroed_page(GFP_KERNEL);
	if (!f->svm.vmcb) {
		kfree(f);
		return -ENOMEM;
	}
	f->svm.x.base.vm = &f->vm.x.base;
	f->svm.x.base.run = &f->run;
	f->svm.x.hw = &axv_svm_hw;
	f->svm.x.tag.cpu = -1;
	raw_spin_lock_init(&f->svm.x.base.lock);
	f->svm.x.regs.rflags = X86_EFLAGS_FIXED;
	f->saved = axv_svm;
	axv_svm.nrips = true;
	test->priv = f;
	return 0;
}

static void svm_test_exit(struct kunit *test)
{
	struct svm_fixture *f = test->priv;

	axv_svm = f->saved;
	free_page((unsigned long)f->svm.vmcb);
	kfree(f);
}

/**
 * struct recorded - a VMCB after #VMEXIT, as far as it matters
 * @what:	the instruction or event
 * @code:	EXITCODE
 * @info1:	EXITINFO1
 * @info2:	EXITINFO2
 * @rip:	RIP
 * @next_rip:	next RIP, with next-RIP saving
 * @rax:	RAX
 * @cpl:	privilege level
 * @next:	what the inner loop does
 * @reason:	exit to the VMM, with AXV_EXIT
 * @rip_after:	where the guest continues
 */
struct recorded {
	const char *what;
	u32 code;
	u64 info1;
	u64 info2;
	u64 rip;
	u64 next_rip;
	u64 rax;
	u8 cpl;
	enum axv_x86_next next;
	u32 reason;
	u64 rip_after;
};

static const struct recorded fast_exits[] = {
	{ "interrupt of the host", SVM_EXIT_INTR, .rip = 0x1000,
	  .next = AXV_INTERRUPT, .rip_after = 0x1000 },
	{ "NMI of the host", SVM_EXIT_NMI, .rip = 0x1000,
	  .next = AXV_RESUME, .rip_after = 0x1000 },
	{ "out %al, $0x10", SVM_EXIT_IOIO, .info1 = 0x00100010, .info2 = 0x1002,
	  .rip = 0x1000, .rax = 0x1234, .next = AXV_EXIT,
	  .reason = AXV_EXIT_IO_WRITE, .rip_after = 0x1002 },
	{ "out %ax, %dx", SVM_EXIT_IOIO, .info1 = 0x03f80020, .info2 = 0x1002,
	  .rip = 0x1000, .rax = 0x12345678, .next = AXV_EXIT,
	  .reason = AXV_EXIT_IO_WRITE, .rip_after = 0x1002 },
	{ "outl with a prefix in 64-bit code", SVM_EXIT_IOIO,
	  .info1 = 0x0cf80040, .info2 = 0xffffffff81000003,
	  .rip = 0xffffffff81000000, .rax = ~0ull, .next = AXV_EXIT,
	  .reason = AXV_EXIT_IO_WRITE, .rip_after = 0xffffffff81000003 },
	{ "in %dx, %al", SVM_EXIT_IOIO, .info1 = 0x00600011, .info2 = 0x1001,
	  .rip = 0x1000, .next = AXV_EXIT, .reason = AXV_EXIT_IO_READ,
	  .rip_after = 0x1000 },
	{ "rep outsb", SVM_EXIT_IOIO, .info1 = 0x0010001c, .info2 = 0x1002,
	  .rip = 0x1000, .next = AXV_SLOW, .rip_after = 0x1000 },
	{ "vmmcall", SVM_EXIT_VMMCALL, .rip = 0x1000, .next_rip = 0x1003,
	  .rax = 7, .next = AXV_EXIT, .reason = AXV_EXIT_HYPERCALL,
	  .rip_after = 0x1003 },
	{ "vmmcall at user level", SVM_EXIT_VMMCALL, .rip = 0x1000,
	  .next_rip = 0x1003, .cpl = 3, .next = AXV_RESUME,
	  .rip_after = 0x1000 },
	{ "vmmcall without next RIP", SVM_EXIT_VMMCALL, .rip = 0x1000,
	  .next = AXV_SLOW, .rip_after = 0x1000 },
	{ "vmmcall with an absurd next RIP", SVM_EXIT_VMMCALL, .rip = 0x1000,
	  .next_rip = 0x2000, .next = AXV_SLOW, .rip_after = 0x1000 },
	{ "mov %dr0, %rax", SVM_EXIT_READ_DR0, .rip = 0x1000,
	  .next = AXV_RESUME, .rip_after = 0x1000 },
	{ "nested page fault", SVM_EXIT_NPF, .info1 = 0x100000004,
	  .info2 = 0xc0000000, .rip = 0x1000, .next = AXV_SLOW,
	  .rip_after = 0x1000 },
	{ "hlt", SVM_EXIT_HLT, .rip = 0x1000, .next_rip = 0x1001,
	  .next = AXV_SLOW, .rip_after = 0x1000 },
	{ "shutdown", SVM_EXIT_SHUTDOWN, .rip = 0x1000, .next = AXV_SLOW,
	  .rip_after = 0x1000 },
	{ "refused by VMRUN", (u32)SVM_EXIT_ERR, .rip = 0x1000,
	  .next = AXV_SLOW, .rip_after = 0x1000 },
	{ "#GP nobody intercepts", SVM_EXIT_EXCP_BASE + X86_TRAP_GP,
	  .rip = 0x1000, .next = AXV_SLOW, .rip_after = 0x1000 },
};

static void load_recorded(struct svm_fixture *f, const struct recorded *r)
{
	struct vmcb *vmcb = f->svm.vmcb;

	memset(vmcb, 0, sizeof(*vmcb));
	memset(&f->run, 0, sizeof(f->run));
	memset(&f->svm.x.events, 0, sizeof(f->svm.x.events));
	f->svm.x.regs.rip = r->rip;
	f->svm.x.regs.gpr[AXV_X86_RAX] = r->rax;
	vmcb->save.cpl = r->cpl;
	vmcb->save.efer = EFER_SVME;
	vmcb->control.exit_code = r->code;
	vmcb->control.exit_code_hi = (s32)r->code < 0 ? ~0u : 0;
	vmcb->control.exit_info_1 = r->info1;
	vmcb->control.exit_info_2 = r->info2;
	vmcb->control.next_rip = r->next_rip;
}

/* As in the inner loop: on one CPU, with interrupts off. */
static enum axv_x86_next handle_fast(struct svm_fixture *f)
{
	enum axv_x86_next next;
	unsigned long flags;

	local_irq_save(flags);
	next = axv_svm_handle_fast(&f->svm.x);
	local_irq_restore(flags);
	return next;
}

static void svm_test_fast_exits(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fast_exits); i++) {
		const struct recorded *r = &fast_exits[i];

		load_recorded(f, r);
		KUNIT_EXPECT_EQ_MSG(test, r->next, handle_fast(f),
				    "%s", r->what);
		KUNIT_EXPECT_EQ_MSG(test, r->reason, f->run.exit_reason, "%s",
				    r->what);
		KUNIT_EXPECT_EQ_MSG(test, r->rip_after, f->svm.x.regs.rip, "%s",
				    r->what);
	}
}

static void svm_test_port_write(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	static const struct recorded out = {
		.code = SVM_EXIT_IOIO, .info1 = 0x03f80020, .info2 = 0x1001,
		.rip = 0x1000, .rax = 0x12345678,
	};

	load_recorded(f, &out);
	f->svm.vmcb->control.int_state = SVM_INTERRUPT_SHADOW_MASK;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, handle_fast(f));
	KUNIT_EXPECT_EQ(test, 0x3f8, f->run.exit.io.port);
	KUNIT_EXPECT_EQ(test, 2, f->run.exit.io.width);
	KUNIT_EXPECT_EQ(test, 0x5678ull, f->run.exit.io.data);
	KUNIT_EXPECT_EQ(test, 1, f->run.insn_len);
	KUNIT_EXPECT_EQ(test, 0u, f->svm.vmcb->control.int_state);
}

/* Without next-RIP saving nothing that needs a length is fast. */
static void svm_test_without_nrips(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	static const struct recorded cpuid = {
		.code = SVM_EXIT_CPUID, .rip = 0x1000, .next_rip = 0x1002,
	};

	axv_svm.nrips = false;
	load_recorded(f, &cpuid);
	KUNIT_EXPECT_EQ(test, AXV_SLOW, handle_fast(f));
	KUNIT_EXPECT_EQ(test, 0x1000ull, f->svm.x.regs.rip);
}

static void svm_test_failed_entry(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	static const struct recorded refused = {
		.code = (u32)SVM_EXIT_ERR, .rip = 0x1000,
	};

	load_recorded(f, &refused);
	f->svm.x.injected = AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXTINT | 0x30;
	f->svm.x.tag.cpu = 0;
	f->svm.vmcb->control.clean = SVM_CLEAN_ALL;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_svm_handle_slow(&f->svm.x));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_FAIL_ENTRY, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, ~0ull, f->run.exit.fail_entry.hardware_reason);
	KUNIT_EXPECT_EQ(test, f->svm.x.injected, f->svm.x.events.reinject);
	KUNIT_EXPECT_EQ(test, -1, f->svm.x.tag.cpu);
	KUNIT_EXPECT_EQ(test, 0u, f->svm.vmcb->control.clean);
}

static void prepare(struct svm_fixture *f, int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	axv_svm_tlb_prepare(&f->svm, cpu);
	local_irq_restore(flags);
}

/*
 * The tests borrow the ASIDs of whatever CPU they run on; nobody else hands
 * them out, since no VM of the real back end exists yet.
 */
static void svm_test_asids(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct vmcb_control_area *control = &f->svm.vmcb->control;
	struct axv_svm_cpu *sc;
	u64 generation;
	int cpu;

	preempt_disable();
	cpu = smp_processor_id();
	sc = this_cpu_ptr(&axv_svm_cpu);
	f->saved_cpu = *sc;
		axv_svm.flush_by_asid = false;
	sc->asids.count = 5;
	axv_x86_tags_reset(&sc->asids);
	generation = sc->asids.generation;

	/* The first entry after SVM was switched on flushes everything. */
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_FLUSH_ALL_ASID, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 1u, control->asid);
	KUNIT_EXPECT_EQ(test, generation + 1, sc->asids.generation);

	/* Nothing happened: nothing is flushed. */
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_DO_NOTHING, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 1u, control->asid);

	/* A removal: without flush-by-ASID, a fresh one. */
	control->clean = SVM_CLEAN_ALL;
	atomic64_inc(&f->vm.x.base.tlb_gen);
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_DO_NOTHING, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 2u, control->asid);
	KUNIT_EXPECT_FALSE(test, control->clean & SVM_CLEAN_ASID);

	/* With it, that one alone. */
	axv_svm.flush_by_asid = true;
	atomic64_inc(&f->vm.x.base.tlb_gen);
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_FLUSH_ASID, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 2u, control->asid);
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_DO_NOTHING, control->tlb_ctl);

	/* A register was set from outside: a fresh one, and only once. */
	f->svm.x.tag.stale = true;
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_DO_NOTHING, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 3u, control->asid);
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, 3u, control->asid);

	/* Another CPU: its ASIDs mean nothing here. */
	f->svm.x.tag.cpu = cpu + 1;
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, 4u, control->asid);

	/* The last ASID is gone: a new generation, flushed. */
	f->svm.x.tag.cpu = -1;
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_FLUSH_ALL_ASID, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 1u, control->asid);
	KUNIT_EXPECT_EQ(test, generation + 2, sc->asids.generation);

	/* Somebody else began a generation. */
	sc->asids.generation++;
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, 2u, control->asid);

	*sc = f->saved_cpu;
	axv_x86_tags_reset(&sc->asids);
	preempt_enable();
}

/* What replaces a translation's meaning must not keep the ASID. */
static void svm_test_register_writes_flush(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->svm.x;
	static const struct {
		unsigned int cr;
		u64 value;
	} writes[] = {
		{ 0, X86_CR0_ET | X86_CR0_WP },
		{ 0, X86_CR0_ET | X86_CR0_PE },
		{ 0, X86_CR0_ET | X86_CR0_PE | X86_CR0_PG },
		{ 3, 0 },
		{ 4, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		x->tag.stale = false;
		f->svm.vmcb->control.clean = SVM_CLEAN_ALL;
		x->hw->set_cr(x, writes[i].cr, writes[i].value);
		KUNIT_EXPECT_TRUE_MSG(test, x->tag.stale, "CR%u = %llx",
				      writes[i].cr, writes[i].value);
		KUNIT_EXPECT_FALSE_MSG(test, f->svm.vmcb->control.clean &
				       SVM_CLEAN_CR, "CR%u", writes[i].cr);
	}
	x->tag.stale = false;
	x->hw->set_efer(x, EFER_NX);
	KUNIT_EXPECT_TRUE(test, x->tag.stale);
	KUNIT_EXPECT_EQ(test, (u64)(EFER_NX | EFER_SVME),
			f->svm.vmcb->save.efer);
}

/* Every setter tells the processor which cached part it changed. */
static void svm_test_clean_bits(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->svm.x;
	struct vmcb_control_area *control = &f->svm.vmcb->control;
	static const struct axv_x86_segment segment;
	static const struct axv_x86_dtable table;

	control->clean = SVM_CLEAN_ALL;
	x->hw->set_segment(x, AXV_X86_CS, &segment);
	KUNIT_EXPECT_EQ(test, SVM_CLEAN_ALL & ~SVM_CLEAN_SEG, control->clean);
	control->clean = SVM_CLEAN_ALL;
	x->hw->set_dtable(x, AXV_X86_IDTR, &table);
	KUNIT_EXPECT_EQ(test, SVM_CLEAN_ALL & ~SVM_CLEAN_DT, control->clean);
	control->clean = SVM_CLEAN_ALL;
	x->hw->set_cr(x, 2, 0);
	KUNIT_EXPECT_EQ(test, SVM_CLEAN_ALL & ~SVM_CLEAN_CR2, control->clean);
	control->clean = SVM_CLEAN_ALL;
	x->hw->set_cr(x, 8, 5);
	KUNIT_EXPECT_EQ(test, SVM_CLEAN_ALL & ~SVM_CLEAN_TPR, control->clean);
	control->clean = SVM_CLEAN_ALL;
	x->hw->set_dr(x, 7, 0x400);
	KUNIT_EXPECT_EQ(test, SVM_CLEAN_ALL & ~SVM_CLEAN_DR, control->clean);
	control->clean = SVM_CLEAN_ALL;
	x->hw->set_msr(x, MSR_IA32_CR_PAT, 0);
	KUNIT_EXPECT_EQ(test, SVM_CLEAN_ALL & ~SVM_CLEAN_NP, control->clean);
}

static void inject(struct svm_fixture *f, u32 type, u32 vector)
{
	const struct axv_inject event = { .type = type, .vector = vector };

	raw_spin_lock_irq(&f->svm.x.base.lock);
	axv_x86_inject(&f->svm.x.base, &event);
	raw_spin_unlock_irq(&f->svm.x.base.lock);
}

static enum axv_x86_next enter(struct svm_fixture *f)
{
	enum axv_x86_next next;
	unsigned long flags;

	local_irq_save(flags);
	next = axv_svm_inject_events(&f->svm.x);
	local_irq_restore(flags);
	return next;
}

static void svm_test_interrupt_window(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct vmcb_control_area *control = &f->svm.vmcb->control;

	/* Masked: the window is armed instead. */
	inject(f, AXV_INJECT_EXTINT, 0x30);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, enter(f));
	KUNIT_EXPECT_EQ(test, 0u, control->event_inj);
	KUNIT_EXPECT_TRUE(test, control->int_ctl & V_IRQ_MASK);
	KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, INTERCEPT_VINTR));

	/* Open: the interrupt goes in, and the window is put away. */
	f->svm.x.regs.rflags |= X86_EFLAGS_IF;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, enter(f));
	KUNIT_EXPECT_EQ(test, (u32)SVM_EVTINJ_VALID | 0x30, control->event_inj);
	KUNIT_EXPECT_FALSE(test, control->int_ctl & V_IRQ_MASK);
	KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, INTERCEPT_VINTR));

	/* The VMM wants to know, and nothing is in the way. */
	f->svm.x.irq_window = true;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, enter(f));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_IRQ_WINDOW, f->run.exit_reason);
}

static void svm_test_cut_short(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct vmcb_control_area *control = &f->svm.vmcb->control;

	/* Its own page fault in the guest's stack: delivered again. */
	f->svm.x.regs.rflags |= X86_EFLAGS_IF;
	inject(f, AXV_INJECT_EXTINT, 0x30);
	enter(f);
	control->exit_int_info = control->event_inj;
	control->event_inj = 0;
	axv_svm_save_interrupted_event(&f->svm);
	KUNIT_EXPECT_EQ(test, 0ull, f->svm.x.base.stats.injections);
	enter(f);
	KUNIT_EXPECT_EQ(test, (u32)SVM_EVTINJ_VALID | 0x30, control->event_inj);
	KUNIT_EXPECT_EQ(test, 1ull, f->svm.x.base.stats.injections);

	/* INT 0x80 of the guest's own: RIP is still at it. */
	f->svm.x.injected = 0;
	f->svm.x.events.reinject = 0;
	control->exit_int_info = SVM_EXITINTINFO_VALID |
				 SVM_EXITINTINFO_TYPE_SOFT | 0x80;
	axv_svm_save_interrupted_event(&f->svm);
	KUNIT_EXPECT_EQ(test, 0ull, f->svm.x.events.reinject);

	/* #GP with its error code. */
	control->exit_int_info = SVM_EXITINTINFO_VALID |
				 SVM_EXITINTINFO_TYPE_EXEPT |
				 SVM_EXITINTINFO_VALID_ERR | X86_TRAP_GP;
	control->exit_int_info_err = 0x18;
	axv_svm_save_interrupted_event(&f->svm);
	KUNIT_EXPECT_EQ(test, 0x18ull << AXV_X86_EVENT_ERROR_SHIFT |
			control->exit_int_info, f->svm.x.events.reinject);
}

static void svm_test_nmi(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct vmcb_control_area *control = &f->svm.vmcb->control;
	struct axv_x86_vcpu *x = &f->svm.x;

	inject(f, AXV_INJECT_NMI, 0);
	inject(f, AXV_INJECT_NMI, 0);
	enter(f);
	KUNIT_EXPECT_EQ(test, (u32)(SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_NMI | 2),
			control->event_inj);
	KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, INTERCEPT_IRET));

	/* The second waits: nothing is stepped before the IRET is there. */
	control->event_inj = 0;
	enter(f);
	KUNIT_EXPECT_EQ(test, 0u, control->event_inj);
	KUNIT_EXPECT_FALSE(test, f->svm.nmi_step);

	x->regs.rip = 0x2000;
	control->exit_code = SVM_EXIT_IRET;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
	enter(f);
	KUNIT_EXPECT_EQ(test, 0u, control->event_inj);
	KUNIT_EXPECT_TRUE(test, f->svm.nmi_step);

	/* Done: the step is swallowed, and the second NMI goes in. */
	x->regs.rip = 0x1000;
	control->exit_code = SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
	f->svm.vmcb->save.dr6 = 0xffff0ff0 | BIT(14);
	axv_svm_nmi_after_exit(&f->svm);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_svm_handle_slow(&f->svm.x));
	KUNIT_EXPECT_FALSE(test, f->svm.nmi_step);
	KUNIT_EXPECT_EQ(test, 0xffff0ff0ull, f->svm.vmcb->save.dr6);
	enter(f);
	KUNIT_EXPECT_EQ(test, (u32)(SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_NMI | 2),
			control->event_inj);
}

/* CD and NW are the guest's business, the caches the host's. */
static void svm_test_cr0_cache_bits(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->svm.x;
	u64 cr0 = X86_CR0_CD | X86_CR0_NW | X86_CR0_ET;

	x->hw->set_cr(x, 0, cr0);
	KUNIT_EXPECT_EQ(test, cr0, x->hw->get_cr(x, 0));
	KUNIT_EXPECT_EQ(test, (u64)X86_CR0_ET, f->svm.vmcb->save.cr0);
	KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, INTERCEPT_CR0_READ));
	x->hw->set_cr(x, 0, X86_CR0_ET);
	KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, INTERCEPT_CR0_READ));
}

static struct kunit_case svm_cases[] = {
	KUNIT_CASE(svm_test_fast_exits),
	KUNIT_CASE(svm_test_port_write),
	KUNIT_CASE(svm_test_without_nrips),
	KUNIT_CASE(svm_test_failed_entry),
	KUNIT_CASE(svm_test_asids),
	KUNIT_CASE(svm_test_register_writes_flush),
	KUNIT_CASE(svm_test_clean_bits),
	KUNIT_CASE(svm_test_interrupt_window),
	KUNIT_CASE(svm_test_cut_short),
	KUNIT_CASE(svm_test_nmi),
	KUNIT_CASE(svm_test_cr0_cache_bits),
	{}
};

static struct kunit_suite svm_suite = {
	.name = "axvcpu-svm",
	.init = svm_test_init,
	.exit = svm_test_exit,
	.test_cases = svm_cases,
};

kunit_test_suite(svm_suite);
