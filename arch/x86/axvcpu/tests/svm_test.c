// SPDX-License-Identifier: GPL-2.0
/*
 * The SVM back end without SVM: what exits mean, by VMCBs recorded from guests,
 * which flush an entry asks for, and events on their way through the VMCB.
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include <axvcpu/kunit.h>

#include "../asid.h"
#include "../debug.h"
#include "../events.h"
#include "../svm/exit.h"
#include "../svm/svm.h"

#define EVENT(type, vector)	\
	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_##type | (vector))

/**
 * struct svm_fixture - one vCPU that never runs
 * @vm:		its VM, with as much as the back end looks at
 * @svm:	the vCPU
 * @run:	its run page
 * @saved:	features of the host, put back afterwards
 * @saved_cpu:	ASID state of this CPU, put back afterwards
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
	f->svm.x.asid.cpu = -1;
	raw_spin_lock_init(&f->svm.x.base.lock);
	f->svm.x.regs.rflags = X86_EFLAGS_FIXED;
	axv_svm_nmi_init(&f->svm);
	f->saved = axv_svm;
	axv_svm.nrips = true;
	axv_svm.vnmi = false;
	test->priv = f;
	return 0;
}

static void svm_test_exit(struct kunit *test)
{
	struct svm_fixture *f = test->priv;

	axv_svm = f->saved;
	axv_svm_nmi_exit(&f->svm);
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
	enum axv_next next;
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
	  .rip = 0x1000, .next = AXV_EXIT, .reason = AXV_EXIT_IO_STRING,
	  .rip_after = 0x1000 },
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
	{ "#GP without its intercept", SVM_EXIT_EXCP_BASE + X86_TRAP_GP,
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
static enum axv_next handle_fast(struct svm_fixture *f)
{
	enum axv_next next;
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

/*
 * Where an event was injected, interrupts of the host are let in before the next entry,
 * unless the guest has come to an instruction.
 */
static void svm_test_instruction_after_event(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	static const u64 event = AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXTINT | 0x30;
	static const struct recorded cpuid = {
		.code = SVM_EXIT_CPUID, .rip = 0x1000, .next_rip = 0x1002,
	};
	static const struct recorded others[] = {
		{ .code = SVM_EXIT_VINTR, .rip = 0x1000 },
		{ .code = SVM_EXIT_NMI, .rip = 0x1000 },
		{ .code = SVM_EXIT_READ_DR0, .rip = 0x1000 },
	};
	unsigned int i;

	load_recorded(f, &cpuid);
	f->svm.x.injected = event;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
	KUNIT_EXPECT_EQ(test, 0ull, f->svm.x.injected);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		load_recorded(f, &others[i]);
		f->svm.x.injected = event;
		KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
		KUNIT_EXPECT_EQ(test, event, f->svm.x.injected);
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

/* Size of addresses and segment as far as the processor tells them. */
static void svm_test_port_string(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	const struct axv_exit_io_string *io = &f->run.exit.io_string;
	/* REP OUTSW with 32-bit addresses in FS; INSB with 64-bit ones; REP OUTSB of QEMU. */
	static const struct recorded outs = {
		.code = SVM_EXIT_IOIO, .info1 = 0x01f0112c, .info2 = 0x1004,
		.rip = 0x1000,
	};
	static const struct recorded ins = {
		.code = SVM_EXIT_IOIO, .info1 = 0x01f00a15, .info2 = 0x1001,
		.rip = 0x1000,
	};
	static const struct recorded qemu = {
		.code = SVM_EXIT_IOIO, .info1 = 0x01f0001c, .info2 = 0x1002,
		.rip = 0x1000,
	};

	axv_svm.decode_assists = true;
	f->svm.x.regs.gpr[AXV_X86_RCX] = 0x500000002;
	load_recorded(f, &outs);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, handle_fast(f));
	KUNIT_EXPECT_EQ(test, 4, f->run.insn_len);
	KUNIT_EXPECT_EQ(test, 0x1f0, io->port);
	KUNIT_EXPECT_EQ(test, 2, io->width);
	KUNIT_EXPECT_EQ(test, 0, io->in);
	KUNIT_EXPECT_EQ(test, 1, io->rep);
	KUNIT_EXPECT_EQ(test, 4, io->addr_width);
	KUNIT_EXPECT_EQ(test, AXV_X86_FS, io->seg);
	KUNIT_EXPECT_EQ(test, 2ull, io->count);

	load_recorded(f, &ins);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, handle_fast(f));
	KUNIT_EXPECT_EQ(test, 1, io->in);
	KUNIT_EXPECT_EQ(test, 0, io->rep);
	KUNIT_EXPECT_EQ(test, 8, io->addr_width);
	KUNIT_EXPECT_EQ(test, AXV_X86_ES, io->seg);
	KUNIT_EXPECT_EQ(test, 1ull, io->count);

	axv_svm.decode_assists = false;
	load_recorded(f, &outs);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, handle_fast(f));
	KUNIT_EXPECT_EQ(test, AXV_IO_STRING_UNTOLD, io->seg);
	load_recorded(f, &qemu);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, handle_fast(f));
	KUNIT_EXPECT_EQ(test, AXV_IO_STRING_UNTOLD, io->addr_width);
	KUNIT_EXPECT_EQ(test, 0x500000002ull, io->count);
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

/*
 * Decode assists name the register, so no code is read, and there is none here.
 * QEMU and Bochs have no decode assists.
 */
static void svm_test_cr_assists(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->svm.x;
	static const struct recorded from_cr4 = {
		.code = SVM_EXIT_READ_CR4, .info1 = BIT_ULL(63) | 9,
		.rip = 0x1000, .next_rip = 0x1004,
	};
	struct recorded to_cr0 = {
		.code = SVM_EXIT_WRITE_CR0, .info1 = BIT_ULL(63) | 3,
		.rip = 0x1000, .next_rip = 0x1003,
	};

	axv_svm.decode_assists = true;
	x->cr0 = X86_CR0_PE | X86_CR0_ET;
	x->cr4 = X86_CR4_PAE;
	load_recorded(f, &from_cr4);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_svm_handle_slow(x));
	KUNIT_EXPECT_EQ(test, (u64)X86_CR4_PAE, x->regs.gpr[9]);
	KUNIT_EXPECT_EQ(test, 0x1004ull, x->regs.rip);

	load_recorded(f, &to_cr0);
	x->regs.gpr[3] = X86_CR0_PE | X86_CR0_WP;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_svm_handle_slow(x));
	KUNIT_EXPECT_EQ(test, (u64)(X86_CR0_PE | X86_CR0_WP | X86_CR0_ET),
			x->cr0);
	KUNIT_EXPECT_EQ(test, 0x1003ull, x->regs.rip);

	/* No processor makes this exit for user mode; if one did, CR0 would not change. */
	to_cr0.cpl = 3;
	load_recorded(f, &to_cr0);
	x->regs.gpr[3] = X86_CR0_PE;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_svm_handle_slow(x));
	KUNIT_EXPECT_EQ(test, (u64)(X86_CR0_PE | X86_CR0_WP | X86_CR0_ET),
			x->cr0);
	KUNIT_EXPECT_EQ(test, 0x1000ull, x->regs.rip);
	KUNIT_EXPECT_EQ(test, X86_TRAP_GP,
			(int)(x->events.exception & AXV_X86_EVENT_VECTOR));
}

static void svm_test_failed_entry(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	static const struct recorded refused = {
		.code = (u32)SVM_EXIT_ERR, .rip = 0x1000,
	};

	load_recorded(f, &refused);
	f->svm.x.injected = AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXTINT | 0x30;
	f->svm.x.asid.cpu = 0;
	f->svm.vmcb->control.clean = SVM_CLEAN_ALL;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_svm_handle_slow(&f->svm.x));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_FAIL_ENTRY, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, ~0ull, f->run.exit.fail_entry.hardware_reason);
	KUNIT_EXPECT_EQ(test, f->svm.x.injected, f->svm.x.events.reinject);
	KUNIT_EXPECT_EQ(test, -1, f->svm.x.asid.cpu);
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
 * The tests borrow the ASIDs of the CPU on which they run; nothing else hands
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
	axv_x86_asids_reset(&sc->asids);
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

	/* A mapping was removed: without flush-by-ASID, the vCPU gets a fresh ASID. */
	control->clean = SVM_CLEAN_ALL;
	atomic64_inc(&f->vm.x.base.tlb_gen);
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_DO_NOTHING, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 2u, control->asid);
	KUNIT_EXPECT_FALSE(test, control->clean & SVM_CLEAN_ASID);

	/* With flush-by-ASID that ASID is kept, and it alone is flushed. */
	axv_svm.flush_by_asid = true;
	atomic64_inc(&f->vm.x.base.tlb_gen);
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_FLUSH_ASID, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 2u, control->asid);
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_DO_NOTHING, control->tlb_ctl);

	/* A register was set from outside: the vCPU gets a fresh ASID, and only once. */
	f->svm.x.asid.stale = true;
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_DO_NOTHING, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 3u, control->asid);
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, 3u, control->asid);

	/* The vCPU comes from another CPU, whose ASIDs mean nothing here. */
	f->svm.x.asid.cpu = cpu + 1;
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, 4u, control->asid);

	/* No ASID is left: a new generation begins, and all ASIDs are flushed. */
	f->svm.x.asid.cpu = -1;
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, (u8)TLB_CONTROL_FLUSH_ALL_ASID, control->tlb_ctl);
	KUNIT_EXPECT_EQ(test, 1u, control->asid);
	KUNIT_EXPECT_EQ(test, generation + 2, sc->asids.generation);

	/* Another vCPU began a generation. */
	sc->asids.generation++;
	prepare(f, cpu);
	KUNIT_EXPECT_EQ(test, 2u, control->asid);

	*sc = f->saved_cpu;
	axv_x86_asids_reset(&sc->asids);
	preempt_enable();
}

/* A write that changes what translations mean must not keep the ASID. */
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
		x->asid.stale = false;
		f->svm.vmcb->control.clean = SVM_CLEAN_ALL;
		x->hw->set_cr(x, writes[i].cr, writes[i].value);
		KUNIT_EXPECT_TRUE_MSG(test, x->asid.stale, "CR%u = %llx",
				      writes[i].cr, writes[i].value);
		KUNIT_EXPECT_FALSE_MSG(test, f->svm.vmcb->control.clean &
				       SVM_CLEAN_CR, "CR%u", writes[i].cr);
	}
	x->asid.stale = false;
	x->hw->set_efer(x, EFER_NX);
	KUNIT_EXPECT_TRUE(test, x->asid.stale);
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

static enum axv_next enter(struct svm_fixture *f)
{
	enum axv_next next;
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

	/* The interrupt is masked: the window is armed instead. */
	inject(f, AXV_INJECT_EXTINT, 0x30);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, enter(f));
	KUNIT_EXPECT_EQ(test, 0u, control->event_inj);
	KUNIT_EXPECT_TRUE(test, control->int_ctl & V_IRQ_MASK);
	KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, INTERCEPT_VINTR));

	/* The interrupt can be taken: it is injected, and the window is not armed any more. */
	f->svm.x.regs.rflags |= X86_EFLAGS_IF;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, enter(f));
	KUNIT_EXPECT_EQ(test, (u32)SVM_EVTINJ_VALID | 0x30, control->event_inj);
	KUNIT_EXPECT_FALSE(test, control->int_ctl & V_IRQ_MASK);
	KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, INTERCEPT_VINTR));

	/* The VMM asked for the window, and it is open. */
	f->svm.x.irq_window = true;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, enter(f));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_IRQ_WINDOW, f->run.exit_reason);
}

static void svm_test_cut_short(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct vmcb_control_area *control = &f->svm.vmcb->control;

	/* The delivery exits at a page of the guest's stack: it is done again. */
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
	/* No interrupt comes before it: it may stand behind an STI. */
	KUNIT_EXPECT_EQ(test, (u32)SVM_INTERRUPT_SHADOW_MASK, control->int_state);
	control->int_state = 0;
	f->svm.x.regs.rflags &= ~(u64)X86_EFLAGS_IF;
	axv_svm_save_interrupted_event(&f->svm);
	KUNIT_EXPECT_EQ(test, 0u, control->int_state);

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

	/* The second waits: nothing is stepped before the handler's IRET exits. */
	control->event_inj = 0;
	enter(f);
	KUNIT_EXPECT_EQ(test, 0u, control->event_inj);
	KUNIT_EXPECT_FALSE(test, f->svm.nmi_armed);

	x->regs.rip = 0x2000;
	f->svm.vmcb->save.dr6 = 0xffff0ff0;
	control->exit_code = SVM_EXIT_IRET;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
	enter(f);
	KUNIT_EXPECT_EQ(test, 0u, control->event_inj);
	KUNIT_EXPECT_TRUE(test, f->svm.nmi_armed);
	KUNIT_EXPECT_TRUE(test, x->regs.rflags & X86_EFLAGS_TF);

	/* The IRET is done: the guest does not see the step, and the second NMI goes in. */
	x->regs.rip = 0x1000;
	x->regs.rflags = X86_EFLAGS_FIXED;
	control->exit_code = SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
	f->svm.vmcb->save.dr6 = 0xffff0ff0 | BIT(14);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
	KUNIT_EXPECT_FALSE(test, f->svm.nmi_armed);
	KUNIT_EXPECT_EQ(test, 0xffff0ff0ull, f->svm.vmcb->save.dr6);
	enter(f);
	KUNIT_EXPECT_EQ(test, (u32)(SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_NMI | 2),
			control->event_inj);
}

/* Queue an NMI behind an STI. */
static void nmi_behind_sti(struct svm_fixture *f, u64 tf)
{
	struct axv_x86_vcpu *x = &f->svm.x;

	f->svm.vmcb->control.event_inj = 0;
	f->svm.vmcb->save.dr6 = 0xffff0ff0 | BIT(1);
	x->hw->set_efer(x, EFER_SCE);
	x->hw->set_nmi_masked(x, false);
	x->hw->set_shadow(x, AXV_X86_SHADOW_STI);
	x->regs.rip = 0x1000;
	x->regs.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF | tf;
	x->events.nmi_pending = 0;
	inject(f, AXV_INJECT_NMI, 0);
}

/* Queue an NMI behind an STI, and enter: the guest is stepped. */
static void step_shadow(struct svm_fixture *f, u64 tf)
{
	nmi_behind_sti(f, tf);
	enter(f);
}

/* What stores flags exits during a step, and the NMI is taken before it. */
static void svm_test_nmi_step(struct kunit *test)
{
	static const u32 codes[] = {
		SVM_EXIT_PUSHF, SVM_EXIT_POPF, SVM_EXIT_SWINT, SVM_EXIT_ICEBP,
		SVM_EXIT_IRET, SVM_EXIT_TASK_SWITCH, SVM_EXIT_WRITE_DR7,
		SVM_EXIT_EXCP_BASE + X86_TRAP_UD,
		SVM_EXIT_EXCP_BASE + X86_TRAP_PF,
	};
	struct svm_fixture *f = test->priv;
	struct vmcb *vmcb = f->svm.vmcb;
	struct axv_x86_vcpu *x = &f->svm.x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		step_shadow(f, 0);
		KUNIT_EXPECT_EQ(test, 0u, vmcb->control.event_inj);
		KUNIT_EXPECT_TRUE(test, x->regs.rflags & X86_EFLAGS_TF);
		KUNIT_EXPECT_EQ(test, (u64)EFER_SVME, vmcb->save.efer);
		KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, INTERCEPT_PUSHF));

		vmcb->control.exit_code = codes[i];
		KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
		KUNIT_EXPECT_EQ(test, (u64)X86_EFLAGS_FIXED | X86_EFLAGS_IF,
				x->regs.rflags);
		KUNIT_EXPECT_EQ(test, (u64)EFER_SVME | EFER_SCE,
				vmcb->save.efer);
		KUNIT_EXPECT_EQ(test, 0xffff0ff0ull | BIT(1), vmcb->save.dr6);
		KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, INTERCEPT_PUSHF));
		KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, INTERCEPT_IRET));
		enter(f);
		KUNIT_EXPECT_EQ(test,
				(u32)(SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_NMI | 2),
				vmcb->control.event_inj);
	}

	/* The instruction is done: the step leaves no trace. */
	step_shadow(f, 0);
	vmcb->control.exit_code = SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
	vmcb->save.dr6 |= BIT(14);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
	KUNIT_EXPECT_FALSE(test, x->regs.rflags & X86_EFLAGS_TF);
	KUNIT_EXPECT_EQ(test, 0xffff0ff0ull | BIT(1), vmcb->save.dr6);

	/* The guest steps, too; and it hits a breakpoint. */
	step_shadow(f, X86_EFLAGS_TF);
	vmcb->save.dr6 |= BIT(14);
	KUNIT_EXPECT_EQ(test, AXV_SLOW, handle_fast(f));
	KUNIT_EXPECT_TRUE(test, x->regs.rflags & X86_EFLAGS_TF);
	KUNIT_EXPECT_EQ(test, 0xffff0ff0ull | BIT(1) | BIT(14), vmcb->save.dr6);
	step_shadow(f, 0);
	vmcb->save.dr6 |= BIT(14) | BIT(0);
	KUNIT_EXPECT_EQ(test, AXV_SLOW, handle_fast(f));
	KUNIT_EXPECT_EQ(test, 0xffff0ff0ull | BIT(1) | BIT(0), vmcb->save.dr6);

	/* The instruction exits by itself: the exit is handled, and TF is not seen. */
	step_shadow(f, 0);
	vmcb->control.exit_code = SVM_EXIT_NPF;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, handle_fast(f));
	KUNIT_EXPECT_FALSE(test, x->regs.rflags & X86_EFLAGS_TF);
}

/*
 * A stepped IRET: if it faults, the guest gets the exception; if it is done, the guest keeps the
 * TF that it has loaded.
 */
static void svm_test_nmi_iret(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct vmcb *vmcb = f->svm.vmcb;
	struct axv_x86_vcpu *x = &f->svm.x;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		nmi_behind_sti(f, 0);
		x->hw->set_shadow(x, AXV_X86_SHADOW_NONE);
		x->hw->set_nmi_masked(x, true);
		enter(f);
		KUNIT_EXPECT_FALSE(test, f->svm.nmi_armed);
		vmcb->control.exit_code = SVM_EXIT_IRET;
		KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
		x->regs.rflags |= i == 3 ? X86_EFLAGS_NT : 0;
		enter(f);
		KUNIT_EXPECT_EQ(test, i != 3, f->svm.nmi_armed);
		switch (i) {
		case 0:		/* #GP */
			vmcb->control.exit_code = SVM_EXIT_EXCP_BASE + X86_TRAP_GP;
			KUNIT_EXPECT_EQ(test, AXV_SLOW, handle_fast(f));
			KUNIT_EXPECT_FALSE(test, x->regs.rflags & X86_EFLAGS_TF);
			KUNIT_EXPECT_TRUE(test, x->hw->get_nmi_masked(x));
			break;
		case 1:		/* to an instruction with TF set */
			vmcb->control.exit_code = SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
			vmcb->save.dr6 |= BIT(14);
			x->regs.rip = 0x3000;
			KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
			KUNIT_EXPECT_TRUE(test, x->regs.rflags & X86_EFLAGS_TF);
			KUNIT_EXPECT_FALSE(test, x->hw->get_nmi_masked(x));
			break;
		case 2:		/* another vCPU wrote PUSHF over it */
			vmcb->control.exit_code = SVM_EXIT_PUSHF;
			KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
			KUNIT_EXPECT_FALSE(test, x->regs.rflags & X86_EFLAGS_TF);
			KUNIT_EXPECT_TRUE(test, x->hw->get_nmi_masked(x));
			KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, INTERCEPT_IRET));
			break;
		}
	}
}

static void set_debug(struct kunit *test, struct svm_fixture *f, u32 flags, u64 control)
{
	const struct axv_debug debug = { .flags = flags, .control = control };

	KUNIT_EXPECT_EQ(test, 0, AXV_CLAIMED(&f->svm.x.base,
					     axv_x86_set_debug(&f->svm.x.base, &debug)));
}

/* The VMCB has the VMM's debug registers, and the guest's are beside it. */
static void svm_test_debug_registers(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct vmcb_save_area *save = &f->svm.vmcb->save;
	struct axv_x86_vcpu *x = &f->svm.x;

	x->hw->set_dr(x, 6, 0xffff0ff1);
	x->hw->set_dr(x, 7, 0x702);
	set_debug(test, f, AXV_DEBUG_HW_BREAK | AXV_DEBUG_SW_BREAK, 0xd0002);
	KUNIT_EXPECT_EQ(test, 0xd0402ull, save->dr7);
	KUNIT_EXPECT_EQ(test, 0xffff0ff0ull, save->dr6);
	KUNIT_EXPECT_EQ(test, 0x702ull, x->hw->get_dr(x, 7));
	KUNIT_EXPECT_EQ(test, 0xffff0ff1ull, x->hw->get_dr(x, 6));
	KUNIT_EXPECT_TRUE(test, f->svm.vmcb->control.intercepts[INTERCEPT_EXCEPTION] &
				BIT(X86_TRAP_BP));
	x->dr_live = true;
	axv_svm_intercept_dr(x);
	KUNIT_EXPECT_EQ(test, ~0u, f->svm.vmcb->control.intercepts[INTERCEPT_DR]);
	x->dr_live = false;

	/* A #DB leaves nothing of its causes. */
	f->svm.vmcb->control.exit_code = SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
	save->dr6 = 0xffff0ff1;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_svm_handle_slow(x));
	KUNIT_EXPECT_EQ(test, 1ull, f->run.exit.debug.causes);
	KUNIT_EXPECT_EQ(test, 0xffff0ff0ull, save->dr6);

	set_debug(test, f, 0, 0);
	KUNIT_EXPECT_EQ(test, 0x702ull, save->dr7);
	KUNIT_EXPECT_EQ(test, 0xffff0ff1ull, save->dr6);
}

/* Steps for the VMM: what stores or loads TF is stepped at the second attempt. */
static void svm_test_debug_step(struct kunit *test)
{
	static const struct {
		u32 exit;
		unsigned int intercept;
		bool loads;
	} insns[] = {
		{ SVM_EXIT_PUSHF, INTERCEPT_PUSHF, false },
		{ SVM_EXIT_POPF, INTERCEPT_POPF, true },
		{ SVM_EXIT_IRET, INTERCEPT_IRET, true },
	};
	struct svm_fixture *f = test->priv;
	struct vmcb *vmcb = f->svm.vmcb;
	struct axv_x86_vcpu *x = &f->svm.x;
	unsigned int i;

	set_debug(test, f, AXV_DEBUG_STEP, 0);
	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		x->debug.stepping = true;
		x->regs.rip = 0x1000;
		x->regs.rflags = X86_EFLAGS_FIXED;
		enter(f);
		KUNIT_EXPECT_TRUE(test, x->regs.rflags & X86_EFLAGS_TF);
		KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, insns[i].intercept));
		vmcb->control.exit_code = insns[i].exit;
		KUNIT_EXPECT_EQ(test, AXV_RESUME, handle_fast(f));
		KUNIT_EXPECT_FALSE(test, x->regs.rflags & X86_EFLAGS_TF);

		enter(f);
		KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, insns[i].intercept));
		/* It is done, and has loaded a TF of the guest's. */
		x->regs.rip = 0x2000;
		vmcb->control.exit_code = SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
		vmcb->save.dr6 = 0xffff0ff0 | BIT(14);
		KUNIT_EXPECT_EQ(test, AXV_SLOW, handle_fast(f));
		KUNIT_EXPECT_EQ(test, insns[i].loads, !!(x->regs.rflags & X86_EFLAGS_TF));
		KUNIT_EXPECT_EQ(test, !insns[i].loads, f->svm.step_pushed);
		f->svm.step_pushed = false;
		KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_svm_handle_slow(x));
		KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_DEBUG, f->run.exit_reason);
		KUNIT_EXPECT_EQ(test, (u64)BIT(14), f->run.exit.debug.causes);
		KUNIT_EXPECT_EQ(test, 0ull, x->events.exception);
		KUNIT_EXPECT_EQ(test, 0xffff0ff0ull, vmcb->save.dr6);
	}

	/* INT1, which QEMU does not have. */
	x->regs.rip = 0x1000;
	x->regs.rflags = X86_EFLAGS_FIXED;
	enter(f);
	vmcb->control.exit_code = SVM_EXIT_ICEBP;
	vmcb->control.next_rip = 0x1001;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, handle_fast(f));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_svm_handle_slow(x));
	KUNIT_EXPECT_EQ(test, 0x1001ull, x->regs.rip);
	KUNIT_EXPECT_EQ(test, EVENT(EXCEPTION, X86_TRAP_DB), x->events.exception);
	KUNIT_EXPECT_EQ(test, 0ull, x->events.exception_addr);
}

/* NMI virtualization (APM 15.21.10), which no emulator has. */
static void svm_test_vnmi(struct kunit *test)
{
	struct svm_fixture *f = test->priv;
	struct vmcb_control_area *control = &f->svm.vmcb->control;
	struct axv_x86_vcpu *x = &f->svm.x;
	u64 pending;

	axv_svm.vnmi = true;
	axv_svm_vmcb_init(&f->svm);
	KUNIT_EXPECT_TRUE(test, control->int_ctl & SVM_V_NMI_ENABLE);
	step_shadow(f, 0);

	/* Pending in the processor, and still in the queue. */
	KUNIT_EXPECT_EQ(test, 0u, control->event_inj);
	KUNIT_EXPECT_TRUE(test, control->int_ctl & SVM_V_NMI_PENDING);
	KUNIT_EXPECT_FALSE(test, x->regs.rflags & X86_EFLAGS_TF);
	KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, INTERCEPT_IRET));
	control->exit_code = SVM_EXIT_INTR;
	KUNIT_EXPECT_EQ(test, AXV_INTERRUPT, handle_fast(f));
	KUNIT_EXPECT_FALSE(test, control->int_ctl & SVM_V_NMI_PENDING);
	axv_x86_get_event_reg(x, AXV_X86_EVENT_NMI_PENDING, &pending);
	KUNIT_EXPECT_EQ(test, 1ull, pending);

	/* Taken: the handler runs, and a second one waits for its IRET. */
	enter(f);
	KUNIT_EXPECT_TRUE(test, control->int_ctl & SVM_V_NMI_PENDING);
	control->int_ctl &= ~SVM_V_NMI_PENDING;
	control->int_ctl |= SVM_V_NMI_MASK;
	x->hw->set_shadow(x, AXV_X86_SHADOW_NONE);
	KUNIT_EXPECT_EQ(test, AXV_INTERRUPT, handle_fast(f));
	axv_x86_get_event_reg(x, AXV_X86_EVENT_NMI_PENDING, &pending);
	KUNIT_EXPECT_EQ(test, 0ull, pending);
	KUNIT_EXPECT_EQ(test, 1ull, x->base.stats.injections);
	KUNIT_EXPECT_TRUE(test, x->hw->get_nmi_masked(x));
	inject(f, AXV_INJECT_NMI, 0);
	enter(f);
	KUNIT_EXPECT_EQ(test, 0u, control->event_inj);
	KUNIT_EXPECT_TRUE(test, control->int_ctl & SVM_V_NMI_PENDING);
	KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, INTERCEPT_IRET));

	/* An NMI that can be taken at once is injected. */
	control->int_ctl &= ~SVM_V_NMI_MASK;
	KUNIT_EXPECT_EQ(test, AXV_INTERRUPT, handle_fast(f));
	enter(f);
	KUNIT_EXPECT_EQ(test, (u32)(SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_NMI | 2),
			control->event_inj);
	KUNIT_EXPECT_TRUE(test, x->hw->get_nmi_masked(x));
	KUNIT_EXPECT_FALSE(test, control->int_ctl & SVM_V_NMI_PENDING);
}

/* The hardware tells what leads to another task in three places (APM 15.14.1). */
static void svm_test_task_switch(struct kunit *test)
{
	static const u64 rf = BIT_ULL(48);
	static const struct {
		u64 info;
		u64 event;
		bool again;
		enum axv_x86_task_source source;
	} switches[] = {
		{ rf, 0, false, AXV_X86_TASK_CALL },
		{ BIT_ULL(36), 0, false, AXV_X86_TASK_IRET },
		{ BIT_ULL(38), 0, false, AXV_X86_TASK_JMP },
		{ 0, EVENT(EXTINT, 0x30), true, AXV_X86_TASK_GATE },
		{ BIT_ULL(44) | 9 | rf, EVENT(EXCEPTION, X86_TRAP_GP) |
		  AXV_X86_EVENT_ERROR_VALID | 9ull << 32, true, AXV_X86_TASK_GATE },
		{ rf, EVENT(SOFT, 0x80), false, AXV_X86_TASK_GATE },
		{ rf, EVENT(EXCEPTION, X86_TRAP_BP), false, AXV_X86_TASK_GATE },
	};
	struct svm_fixture *f = test->priv;
	struct vmcb_control_area *control = &f->svm.vmcb->control;
	const struct axv_exit_task_switch *task = &f->run.exit.task_switch;
	struct axv_x86_vcpu *x = &f->svm.x;
	unsigned int i;

	axv_svm_vmcb_init(&f->svm);
	KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, INTERCEPT_TASK_SWITCH));
	axv_svm.nrips = true;
	for (i = 0; i < ARRAY_SIZE(switches); i++) {
		x->events.reinject = 0;
		x->regs.rip = 0x1000;
		x->regs.rflags = X86_EFLAGS_FIXED;
		control->exit_code = SVM_EXIT_TASK_SWITCH;
		control->exit_info_1 = 0x18;
		control->exit_info_2 = switches[i].info;
		control->exit_int_info = switches[i].event;
		control->exit_int_info_err = switches[i].event >> 32;
		control->next_rip = 0x1007;
		if (switches[i].event)
			axv_svm_save_interrupted_event(&f->svm);
		KUNIT_EXPECT_EQ(test, AXV_EXIT, handle_fast(f));
		KUNIT_EXPECT_EQ(test, AXV_EXIT_TASK_SWITCH, f->run.exit_reason);
		KUNIT_EXPECT_EQ(test, switches[i].source, task->source);
		KUNIT_EXPECT_EQ(test, 0x18, task->selector);
		KUNIT_EXPECT_EQ(test, switches[i].event, task->event);
		KUNIT_EXPECT_EQ(test, switches[i].again, task->pending);
		KUNIT_EXPECT_EQ(test, switches[i].again ? switches[i].event : 0,
				x->events.reinject);
		KUNIT_EXPECT_EQ(test, switches[i].again ? 0 : 7, f->run.insn_len);
		KUNIT_EXPECT_EQ(test, 0x1000ull, x->regs.rip);
		KUNIT_EXPECT_EQ(test, switches[i].again && (switches[i].info & rf),
				!!(x->regs.rflags & X86_EFLAGS_RF));
	}

	/* If the hardware does not tell the length, the exit has none. */
	control->exit_int_info = 0;
	control->next_rip = 0;
	x->events.reinject = 0;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, handle_fast(f));
	KUNIT_EXPECT_EQ(test, 0, f->run.insn_len);
}

/* CD and NW are in the guest's view only, since the caches are the host's. */
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

static void svm_test_pause(struct kunit *test)
{
	static const struct recorded pause = {
		.code = SVM_EXIT_PAUSE, .rip = 0x1000, .next_rip = 0x1002,
	};
	struct svm_fixture *f = test->priv;
	struct axv_x86_vcpu *x = &f->svm.x;

	axv_svm_vmcb_init(&f->svm);
	KUNIT_EXPECT_FALSE(test, intercepts(&f->svm, INTERCEPT_PAUSE));

	f->vm.x.base.flags = AXV_VM_YIELD_ON_SPIN;
	axv_svm_vmcb_init(&f->svm);
	KUNIT_EXPECT_TRUE(test, intercepts(&f->svm, INTERCEPT_PAUSE));
	/* A count of 0 would exit at each PAUSE (APM 15.14.4). */
	KUNIT_EXPECT_NE(test, 0, f->svm.vmcb->control.pause_filter_count);
	KUNIT_EXPECT_NE(test, 0, f->svm.vmcb->control.pause_filter_thresh);

	load_recorded(f, &pause);
	KUNIT_EXPECT_EQ(test, AXV_SLOW, axv_svm_handle_fast(x));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_svm_handle_slow(x));
	KUNIT_EXPECT_EQ(test, 0x1002ull, x->regs.rip);
	KUNIT_EXPECT_EQ(test, 0ull, x->base.stats.yields);
}

static void svm_test_unusable(struct kunit *test)
{
	struct cpuinfo_x86 c = { .x86_vendor = X86_VENDOR_AMD, .x86 = 0x10 };

	KUNIT_EXPECT_NOT_NULL(test, axv_svm_unusable(&c, 0));
	c.x86 = 0x0f;
	KUNIT_EXPECT_NULL(test, axv_svm_unusable(&c, 0));
	c.x86 = 0x19;
	KUNIT_EXPECT_NULL(test, axv_svm_unusable(&c, ~BIT_ULL(24)));
	KUNIT_EXPECT_NOT_NULL(test, axv_svm_unusable(&c, BIT_ULL(24)));
	c.x86_vendor = X86_VENDOR_HYGON;
	c.x86 = 0x18;
	KUNIT_EXPECT_NULL(test, axv_svm_unusable(&c, 0));
}

static struct kunit_case svm_cases[] = {
	KUNIT_CASE(svm_test_fast_exits),
	KUNIT_CASE(svm_test_instruction_after_event),
	KUNIT_CASE(svm_test_port_write),
	KUNIT_CASE(svm_test_port_string),
	KUNIT_CASE(svm_test_without_nrips),
	KUNIT_CASE(svm_test_cr_assists),
	KUNIT_CASE(svm_test_failed_entry),
	KUNIT_CASE(svm_test_asids),
	KUNIT_CASE(svm_test_register_writes_flush),
	KUNIT_CASE(svm_test_clean_bits),
	KUNIT_CASE(svm_test_interrupt_window),
	KUNIT_CASE(svm_test_cut_short),
	KUNIT_CASE(svm_test_nmi),
	KUNIT_CASE(svm_test_nmi_step),
	KUNIT_CASE(svm_test_nmi_iret),
	KUNIT_CASE(svm_test_debug_registers),
	KUNIT_CASE(svm_test_debug_step),
	KUNIT_CASE(svm_test_vnmi),
	KUNIT_CASE(svm_test_task_switch),
	KUNIT_CASE(svm_test_cr0_cache_bits),
	KUNIT_CASE(svm_test_pause),
	KUNIT_CASE(svm_test_unusable),
	{}
};

axv_test_suite("axvcpu-svm", svm_cases, .init = svm_test_init, .exit = svm_test_exit);
