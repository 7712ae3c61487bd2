// SPDX-License-Identifier: GPL-2.0
/*
 * Breakpoints and single step that belong to the VMM: whose #DB it is, when a step is over,
 * and what the guest's MOV DR does.
 */
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include <axvcpu/kunit.h>

#include "../debug.h"
#include "../events.h"
#include "../exit.h"
#include "fake_hw.h"

#define DR6_BD		BIT(13)
#define DR7_GD		BIT(13)

static int debug_test_init(struct kunit *test)
{
	test->priv = fake_vcpu_new(test);
	return 0;
}

static void debug_test_exit(struct kunit *test)
{
	fake_vcpu_free(test->priv);
}

static int set_debug(struct fake_vcpu *f, u32 flags, u64 control)
{
	const struct axv_debug debug = {
		.flags = flags, .control = control, .addr = { control ? 0x1000 : 0 },
	};

	return AXV_CLAIMED(&f->x.base, axv_x86_set_debug(&f->x.base, &debug));
}

static void arguments(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	unsigned int changed = f->changed;

	f->pending_debug = 0x5001;
	KUNIT_EXPECT_EQ(test, -EINVAL, set_debug(f, AXV_DEBUG_STEP, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_debug(f, AXV_DEBUG_HW_BREAK, BIT(12)));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_debug(f, AXV_DEBUG_HW_BREAK, 0x20001));
	KUNIT_EXPECT_EQ(test, 0, set_debug(f, AXV_DEBUG_HW_BREAK, 0x200001));
	KUNIT_EXPECT_EQ(test, 0x200401, f->x.debug.dr7);
	KUNIT_EXPECT_EQ(test, 0x1000, f->x.debug.addr[0]);
	KUNIT_EXPECT_FALSE(test, f->x.step);
	/* There were none of the VMM's before, so the pending one is the guest's. */
	KUNIT_EXPECT_EQ(test, 0x5001, f->pending_debug);

	f->x.events.any = false;
	KUNIT_EXPECT_EQ(test, 0, set_debug(f, AXV_DEBUG_STEP, 0));
	KUNIT_EXPECT_TRUE(test, f->x.step);
	KUNIT_EXPECT_EQ(test, DR_STEP, f->pending_debug);
	KUNIT_EXPECT_TRUE(test, f->x.events.any);
	KUNIT_EXPECT_EQ(test, 0, set_debug(f, 0, 0));
	KUNIT_EXPECT_FALSE(test, f->x.step);
	/* Each call that succeeds updates the intercepts. */
	KUNIT_EXPECT_EQ(test, changed + 3, f->changed);
}

static void steps(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_vcpu *x = &f->x;

	set_debug(f, AXV_DEBUG_STEP, 0);
	x->regs.rip = 0x100;
	f->seg[AXV_X86_CS].base = 0x20000;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_begin_step(x));
	/* An interrupt of the host: nothing was executed. */
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_begin_step(x));
	/* INT n has moved RIP, and its event is yet to be delivered. */
	x->regs.rip = 0x102;
	x->events.reinject = AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_SOFT | 0x40;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_begin_step(x));
	x->events.reinject = 0;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_begin_step(x));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_DEBUG, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, X86_TRAP_DB, f->run.exit.debug.vector);
	KUNIT_EXPECT_EQ(test, DR_STEP, f->run.exit.debug.causes);
	KUNIT_EXPECT_EQ(test, 0x20102, f->run.exit.debug.linear);
	/* The next step begins here. */
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_begin_step(x));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_begin_step(x));
}

/**
 * struct trap - whose a #DB is
 * @flags:	AXV_DEBUG_*, with breakpoint 0 enabled if HW_BREAK is among them
 * @causes:	of the #DB
 * @by_tf:	a step by TF has begun
 * @guest_tf:	the guest had set TF
 * @ours:	what the VMM is told; 0: nothing
 * @guest:	the guest gets a #DB
 * @theirs:	with these causes
 */
struct trap {
	u32 flags;
	u64 causes;
	bool by_tf;
	bool guest_tf;
	u64 ours;
	bool guest;
	u64 theirs;
};

static const struct trap traps[] = {
	/* TF on SVM */
	{ AXV_DEBUG_STEP, DR_STEP, true, false, DR_STEP, false, 0 },
	{ AXV_DEBUG_STEP, DR_STEP, true, true, DR_STEP, true, DR_STEP },
	{ AXV_DEBUG_STEP, DR_STEP | 2, true, false, DR_STEP, true, 2 },
	{ AXV_DEBUG_STEP, 2, true, false, 0, true, 2 },
	/* the monitor trap flag on VMX: BS is the guest's */
	{ AXV_DEBUG_STEP, DR_STEP, false, false, 0, true, DR_STEP },
	{ AXV_DEBUG_HW_BREAK, 1, false, false, 1, false, 0 },
	/* a breakpoint that matches, but is not enabled */
	{ AXV_DEBUG_HW_BREAK, 3, false, false, 1, false, 0 },
	{ AXV_DEBUG_HW_BREAK, DR_STEP | 1, false, false, 1, true, DR_STEP },
	{ AXV_DEBUG_HW_BREAK, DR_STEP, false, false, 0, true, DR_STEP },
	{ AXV_DEBUG_HW_BREAK, DR6_BD, false, false, 0, true, DR6_BD },
	/* INT1 */
	{ AXV_DEBUG_HW_BREAK, 0, false, false, 0, true, 0 },
	{ AXV_DEBUG_HW_BREAK | AXV_DEBUG_STEP, DR_STEP | 1, true, true,
	  DR_STEP | 1, true, DR_STEP },
};

static void whose_trap(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_vcpu *x = &f->x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(traps); i++) {
		const struct trap *t = &traps[i];
		bool breaks = t->flags & AXV_DEBUG_HW_BREAK;

		KUNIT_ASSERT_EQ(test, 0, set_debug(f, t->flags, breaks ? 2 : 0));
		x->events.exception = 0;
		x->debug.stepping = t->by_tf;
		x->debug.by_tf = t->by_tf;
		x->debug.guest_tf = t->guest_tf;
		KUNIT_EXPECT_EQ_MSG(test, t->ours ? AXV_EXIT : AXV_RESUME,
				    axv_x86_exception(x, X86_TRAP_DB, 0, t->causes), "%u", i);
		if (t->ours) {
			KUNIT_EXPECT_EQ(test, AXV_EXIT_DEBUG, f->run.exit_reason);
			KUNIT_EXPECT_EQ_MSG(test, t->ours, f->run.exit.debug.causes, "%u", i);
		}
		KUNIT_EXPECT_EQ_MSG(test, t->guest, !!x->events.exception, "%u", i);
		if (t->guest)
			KUNIT_EXPECT_EQ_MSG(test, t->theirs, x->events.exception_addr, "%u", i);
	}
}

static void soft_exceptions(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_vcpu *x = &f->x;

	x->regs.rip = 0x100;
	set_debug(f, AXV_DEBUG_SW_BREAK, 0);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_soft_exception(x, X86_TRAP_BP, 2));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_DEBUG, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, X86_TRAP_BP, f->run.exit.debug.vector);
	KUNIT_EXPECT_EQ(test, 2, f->run.insn_len);
	KUNIT_EXPECT_EQ(test, 0x100, x->regs.rip);

	/* INTO is the guest's, and returns behind itself. */
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_soft_exception(x, X86_TRAP_OF, 1));
	KUNIT_EXPECT_EQ(test, 0x101, x->regs.rip);
	KUNIT_EXPECT_EQ(test, AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | X86_TRAP_OF,
			x->events.reinject);

	set_debug(f, 0, 0);
	x->events.exit_mask = BIT(X86_TRAP_BP);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_soft_exception(x, X86_TRAP_BP, 1));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_EXCEPTION, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 0x101, x->regs.rip);
}

static bool raised(struct axv_x86_vcpu *x, u8 vector)
{
	bool yes = (x->events.exception & (AXV_X86_EVENT_VALID | AXV_X86_EVENT_VECTOR)) ==
		   (AXV_X86_EVENT_VALID | vector);

	x->events.exception = 0;
	return yes;
}

static void mov_dr(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_vcpu *x = &f->x;
	u64 *rcx = &x->regs.gpr[AXV_X86_RCX];

	set_debug(f, AXV_DEBUG_STEP, 0);
	x->regs.rip = 0x100;
	*rcx = 0xffffffff00001234;
	axv_x86_mov_dr(x, 0, true, AXV_X86_RCX, 3);
	KUNIT_EXPECT_EQ(test, 0x1234, f->dr[0]);
	KUNIT_EXPECT_EQ(test, 0x103, x->regs.rip);
	axv_x86_mov_dr(x, 0, false, AXV_X86_RDX, 3);
	KUNIT_EXPECT_EQ(test, 0x1234, x->regs.gpr[AXV_X86_RDX]);
	KUNIT_EXPECT_EQ(test, 0x106, x->regs.rip);

	/* DR5 is DR7, unless CR4.DE is set. */
	axv_x86_mov_dr(x, 5, false, AXV_X86_RDX, 3);
	KUNIT_EXPECT_EQ(test, 0x400, x->regs.gpr[AXV_X86_RDX]);
	x->cr4 |= X86_CR4_DE;
	axv_x86_mov_dr(x, 5, false, AXV_X86_RDX, 3);
	KUNIT_EXPECT_TRUE(test, raised(x, X86_TRAP_UD));
	axv_x86_mov_dr(x, 8, false, AXV_X86_RDX, 3);
	KUNIT_EXPECT_TRUE(test, raised(x, X86_TRAP_UD));

	/* In 64-bit mode the upper half of DR6 and DR7 has to be 0. */
	x->efer |= EFER_LMA;
	f->seg[AXV_X86_CS].attr |= AXV_X86_ATTR_L;
	axv_x86_mov_dr(x, 7, true, AXV_X86_RCX, 3);
	KUNIT_EXPECT_TRUE(test, raised(x, X86_TRAP_GP));
	axv_x86_mov_dr(x, 3, true, AXV_X86_RCX, 3);
	KUNIT_EXPECT_EQ(test, 0xffffffff00001234, f->dr[3]);

	f->dr[7] |= DR7_GD;
	axv_x86_mov_dr(x, 3, false, AXV_X86_RCX, 3);
	KUNIT_EXPECT_EQ(test, DR6_BD, x->events.exception_addr);
	KUNIT_EXPECT_TRUE(test, raised(x, X86_TRAP_DB));

	/* The VMM's DR7.GD is not the guest's. */
	set_debug(f, AXV_DEBUG_HW_BREAK, DR7_GD);
	KUNIT_EXPECT_EQ(test, 0x400, x->debug.dr7);
	x->regs.rip = 0x100;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_mov_dr(x, 3, true, AXV_X86_RCX, 3));
	KUNIT_EXPECT_EQ(test, DR6_BD, f->run.exit.debug.causes);
	KUNIT_EXPECT_EQ(test, 0x100, x->regs.rip);
	KUNIT_EXPECT_EQ(test, 0, x->events.exception);
	f->seg[AXV_X86_SS].attr |= AXV_X86_ATTR_DPL;
	axv_x86_mov_dr(x, 3, false, AXV_X86_RCX, 3);
	KUNIT_EXPECT_TRUE(test, raised(x, X86_TRAP_GP));
}

static void blocked_events(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_vcpu *x = &f->x;
	bool irq_window, nmi_window;
	u64 event;

	x->events.nmi_pending = 1;
	set_debug(f, AXV_DEBUG_BLOCK_EVENTS, 0);
	raw_spin_lock_irq(&x->base.lock);
	event = axv_x86_pick_event(x, &irq_window, &nmi_window);
	raw_spin_unlock_irq(&x->base.lock);
	KUNIT_EXPECT_EQ(test, 0, event);
	KUNIT_EXPECT_FALSE(test, nmi_window);
	/* It ends a halt, though. */
	KUNIT_EXPECT_TRUE(test, x->events.any);

	set_debug(f, 0, 0);
	raw_spin_lock_irq(&x->base.lock);
	event = axv_x86_pick_event(x, &irq_window, &nmi_window);
	raw_spin_unlock_irq(&x->base.lock);
	KUNIT_EXPECT_EQ(test, AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_NMI | X86_TRAP_NMI, event);
}

static struct kunit_case debug_cases[] = {
	KUNIT_CASE(arguments),
	KUNIT_CASE(steps),
	KUNIT_CASE(whose_trap),
	KUNIT_CASE(soft_exceptions),
	KUNIT_CASE(mov_dr),
	KUNIT_CASE(blocked_events),
	{}
};

axv_test_suite("axvcpu-x86-debug", debug_cases,
	       .init = debug_test_init, .exit = debug_test_exit);
