// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what may be queued, what is next, what becomes of an exception that
 * the delivery of another event caused.
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../events.h"
#include "../exit.h"
#include "../regs.h"
#include "../run.h"
#include "fake_hw.h"

#define EXTINT(vector)		(AXV_X86_EVENT_VALID | (vector))
#define NMI			(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_NMI | 2)
#define EXCEPTION(vector)	(AXV_X86_EVENT_VALID |			\
				 AXV_X86_EVENT_TYPE_EXCEPTION | (vector))
#define EXCEPTION_ERROR(vector, error)					\
	(EXCEPTION(vector) | AXV_X86_EVENT_ERROR_VALID | (u64)(error) << 32)

#define REG(name)		AXV_REG_X86(EVENT, AXV_X86_EVENT_##name)

static int events_init(struct kunit *test)
{
	struct fake_vcpu *f = fake_vcpu_new(test);

	f->x.cr0 |= X86_CR0_PE;
	f->x.regs.rflags |= X86_EFLAGS_IF;
	test->priv = f;
	return 0;
}

static void events_exit(struct kunit *test)
{
	if (test->priv)
		fake_vcpu_free(test->priv);
}

/* The hardware is off while the tests run. */
static void events_test_hardware_is_off(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	const struct axv_run *run = f->x.base.run;
	enum axv_next next;
	unsigned long flags;

	local_irq_save(flags);
	next = axv_x86_hardware_is_off(&f->x);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, next);
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_FAIL_ENTRY, run->exit_reason);
	KUNIT_EXPECT_EQ(test, (u32)AXV_FAIL_OFF, run->exit.fail_entry.cause);
	KUNIT_EXPECT_EQ(test, 0ull, run->exit.fail_entry.hardware_reason);
}

static int inject(struct fake_vcpu *f, struct axv_inject event)
{
	int err;

	raw_spin_lock_irq(&f->x.base.lock);
	err = axv_x86_inject(&f->x.base, &event);
	raw_spin_unlock_irq(&f->x.base.lock);
	return err;
}

static int inject_extint(struct fake_vcpu *f, u32 vector)
{
	return inject(f, (struct axv_inject){ .type = AXV_INJECT_EXTINT,
					      .vector = vector });
}

static int inject_nmi(struct fake_vcpu *f)
{
	return inject(f, (struct axv_inject){ .type = AXV_INJECT_NMI });
}

static int inject_exception(struct fake_vcpu *f, u32 vector, bool has_error,
			    u32 error, u64 address)
{
	return inject(f, (struct axv_inject){
		.type = AXV_INJECT_EXCEPTION, .vector = vector,
		.flags = has_error ? AXV_INJECT_HAS_ERROR_CODE : 0,
		.error_code = error, .address = address });
}

static bool has_event(struct fake_vcpu *f)
{
	bool has;

	raw_spin_lock_irq(&f->x.base.lock);
	has = axv_x86_has_event(&f->x.base);
	raw_spin_unlock_irq(&f->x.base.lock);
	return has;
}

/* The next event; ~0 if the windows asked for are not @irq_window and @nmi_window. */
static u64 pick(struct fake_vcpu *f, bool irq_window, bool nmi_window)
{
	bool irq, nmi;
	u64 event;

	raw_spin_lock_irq(&f->x.base.lock);
	event = axv_x86_pick_event(&f->x, &irq, &nmi);
	raw_spin_unlock_irq(&f->x.base.lock);
	return irq == irq_window && nmi == nmi_window ? event : ~0ull;
}

static void events_test_extint_fifo(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	unsigned int round, i;

	KUNIT_EXPECT_FALSE(test, f->x.events.any);
	/* Twice, so that the ring wraps. */
	for (round = 0; round < 2; round++) {
		for (i = 0; i < AXV_EXTINT_DEPTH; i++)
			KUNIT_EXPECT_EQ(test, 0, inject_extint(f, 0x30 + i));
		KUNIT_EXPECT_EQ(test, -EAGAIN, inject_extint(f, 0x99));
		KUNIT_EXPECT_TRUE(test, f->x.events.any);
		for (i = 0; i < AXV_EXTINT_DEPTH; i++)
			KUNIT_EXPECT_EQ(test, EXTINT(0x30 + i),
					pick(f, i != AXV_EXTINT_DEPTH - 1,
					     false));
		KUNIT_EXPECT_EQ(test, 0, pick(f, false, false));
		KUNIT_EXPECT_FALSE(test, f->x.events.any);
	}
	KUNIT_EXPECT_EQ(test, 0, inject_extint(f, 0));
	KUNIT_EXPECT_EQ(test, 0, inject_extint(f, 255));
	KUNIT_EXPECT_EQ(test, -EINVAL, inject_extint(f, 256));
}

static void events_test_extint_blocked(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, inject_extint(f, 0x20));
	f->x.regs.rflags &= ~(u64)X86_EFLAGS_IF;
	KUNIT_EXPECT_FALSE(test, has_event(f));
	KUNIT_EXPECT_EQ(test, 0, pick(f, true, false));
	KUNIT_EXPECT_TRUE(test, f->x.events.any);

	f->x.regs.rflags |= X86_EFLAGS_IF;
	f->shadow = true;
	KUNIT_EXPECT_FALSE(test, has_event(f));
	KUNIT_EXPECT_EQ(test, 0, pick(f, true, false));

	f->shadow = false;
	f->x.events.halted = true;
	KUNIT_EXPECT_TRUE(test, has_event(f));
	KUNIT_EXPECT_EQ(test, EXTINT(0x20), pick(f, false, false));
	KUNIT_EXPECT_FALSE(test, f->x.events.halted);
	KUNIT_EXPECT_FALSE(test, has_event(f));
}

static void events_test_nmi(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, inject_nmi(f));
	KUNIT_EXPECT_EQ(test, 0, inject_nmi(f));
	KUNIT_EXPECT_EQ(test, -EAGAIN, inject_nmi(f));
	/* IF does not hold NMIs back. */
	f->x.regs.rflags &= ~(u64)X86_EFLAGS_IF;
	KUNIT_EXPECT_TRUE(test, has_event(f));
	KUNIT_EXPECT_EQ(test, NMI, pick(f, false, true));
	KUNIT_EXPECT_TRUE(test, f->nmi_masked);
	KUNIT_EXPECT_FALSE(test, has_event(f));
	KUNIT_EXPECT_EQ(test, 0, pick(f, false, true));
	f->nmi_masked = false;
	f->shadow = true;
	KUNIT_EXPECT_EQ(test, 0, pick(f, false, true));
	f->shadow = false;
	KUNIT_EXPECT_EQ(test, NMI, pick(f, false, false));
}

static void events_test_order(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, inject_extint(f, 0x40));
	KUNIT_EXPECT_EQ(test, 0, inject_nmi(f));
	KUNIT_EXPECT_EQ(test, 0, inject_exception(f, X86_TRAP_UD, false, 0, 0));
	axv_x86_cut_short(&f->x, EXTINT(0x50), 0);

	KUNIT_EXPECT_EQ(test, EXTINT(0x50), pick(f, true, true));
	KUNIT_EXPECT_EQ(test, EXCEPTION(X86_TRAP_UD), pick(f, true, true));
	KUNIT_EXPECT_EQ(test, NMI, pick(f, true, false));
	KUNIT_EXPECT_EQ(test, EXTINT(0x40), pick(f, false, false));
}

static void events_test_exception_checks(struct kunit *test)
{
	static const u32 with_error = 0x60227d00;
	/* Vector 2 is that of NMI; AMD APM vol. 2, table 8-1 reserves the others. */
	static const u32 missing = 0x8fd08204;
	struct fake_vcpu *f = test->priv;
	unsigned int vector;

	for (vector = 0; vector < 34; vector++) {
		bool has = vector < 32 && (with_error >> vector & 1);
		bool there = vector < 32 && !(missing >> vector & 1);

		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    inject_exception(f, vector, !has, 0, 0),
				    "vector %u", vector);
		KUNIT_EXPECT_EQ_MSG(test, there ? 0 : -EINVAL,
				    inject_exception(f, vector, has, 0, 0),
				    "vector %u", vector);
		if (there)
			KUNIT_EXPECT_EQ(test, -EAGAIN,
					inject_exception(f, vector, has, 0, 0));
		axv_x86_events_reset(&f->x);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, inject_exception(f, 6, false, 1, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			inject(f, (struct axv_inject){ .priority = 1 }));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			inject(f, (struct axv_inject){ .flags = 2 }));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			inject(f, (struct axv_inject){
				.flags = AXV_INJECT_HAS_ERROR_CODE }));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			inject(f, (struct axv_inject){
				.type = AXV_INJECT_MSI }));
	KUNIT_EXPECT_FALSE(test, f->x.events.any);
}

static void events_test_exception_side_effects(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, inject_exception(f, X86_TRAP_PF, true, 6,
						  0xdead000));
	KUNIT_EXPECT_EQ(test, 0, f->cr[2]);
	KUNIT_EXPECT_EQ(test, EXCEPTION_ERROR(X86_TRAP_PF, 6),
			pick(f, false, false));
	KUNIT_EXPECT_EQ(test, 0xdead000, f->cr[2]);

	/* #DB adds its causes to DR6 and switches DR7.GD off. */
	f->dr[7] |= 0x2000;
	f->dr[6] |= 1;
	axv_x86_raise(&f->x, X86_TRAP_DB, false, 0, ~0ull);
	KUNIT_EXPECT_EQ(test, EXCEPTION(X86_TRAP_DB), pick(f, false, false));
	KUNIT_EXPECT_EQ(test, 0xffffefff, f->dr[6]);
	KUNIT_EXPECT_EQ(test, 0x400, f->dr[7]);

	/* Real mode has no error codes. */
	f->x.cr0 &= ~(u64)X86_CR0_PE;
	axv_x86_raise(&f->x, X86_TRAP_GP, true, 0x18, 0);
	KUNIT_EXPECT_EQ(test, EXCEPTION(X86_TRAP_GP), pick(f, false, false));
}

/* What becomes of two exceptions: 0: the second alone, 8: #DF, ~0: a shutdown. */
static unsigned int combine(struct kunit *test, u8 first, u8 second)
{
	struct fake_vcpu *f = test->priv;
	u64 event;

	axv_x86_events_reset(&f->x);
	axv_x86_cut_short(&f->x, EXCEPTION(first), 0);
	axv_x86_raise(&f->x, second, false, 0, 0);
	if (f->x.events.shutdown) {
		KUNIT_EXPECT_TRUE(test, f->x.events.any);
		return ~0u;
	}
	event = pick(f, false, false);
	KUNIT_EXPECT_FALSE(test, f->x.events.any);
	if (event == EXCEPTION(second))
		return 0;
	return event == EXCEPTION_ERROR(X86_TRAP_DF, 0) ? 8 : 1;
}

static void events_test_double_fault(struct kunit *test)
{
	static const u32 contributory = 0x3c01;
	unsigned int first, second;

	for (first = 0; first < 20; first++) {
		for (second = 0; second < 20; second++) {
			bool c1 = contributory >> first & 1;
			bool c2 = contributory >> second & 1;
			bool pf2 = second == X86_TRAP_PF;
			unsigned int expected = 0;

			if (first == 2 || second == 2 || second == 8)
				continue;
			if (first == X86_TRAP_DF && (c2 || pf2))
				expected = ~0u;
			else if (first == X86_TRAP_PF && (c2 || pf2))
				expected = 8;
			else if (c1 && c2)
				expected = 8;
			KUNIT_EXPECT_EQ_MSG(test, expected,
					    combine(test, first, second),
					    "%u, then %u", first, second);
		}
	}
}

static void events_test_put_back(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	unsigned int i;

	/* An interrupt that is put back is the first again, even if the queue is full. */
	for (i = 0; i < AXV_EXTINT_DEPTH; i++)
		KUNIT_EXPECT_EQ(test, 0, inject_extint(f, 0x60 + i));
	axv_x86_cut_short(&f->x, EXTINT(0x50), 0);
	axv_x86_raise(&f->x, X86_TRAP_PF, true, 2, 0x1000);
	KUNIT_EXPECT_EQ(test, -EAGAIN, inject_extint(f, 0x99));
	KUNIT_EXPECT_EQ(test, EXCEPTION_ERROR(X86_TRAP_PF, 2),
			pick(f, true, false));
	KUNIT_EXPECT_EQ(test, EXTINT(0x50), pick(f, true, false));
	KUNIT_EXPECT_EQ(test, EXTINT(0x60), pick(f, true, false));
	axv_x86_events_reset(&f->x);

	KUNIT_EXPECT_EQ(test, 0, inject_nmi(f));
	KUNIT_EXPECT_EQ(test, NMI, pick(f, false, false));
	axv_x86_cut_short(&f->x, NMI, 0);
	axv_x86_raise(&f->x, X86_TRAP_UD, false, 0, 0);
	KUNIT_EXPECT_EQ(test, EXCEPTION(X86_TRAP_UD), pick(f, false, true));
	KUNIT_EXPECT_EQ(test, NMI, pick(f, false, false));
	axv_x86_events_reset(&f->x);

	/* The instruction of a software interrupt runs again. */
	axv_x86_cut_short(&f->x, AXV_X86_EVENT_VALID |
			  AXV_X86_EVENT_TYPE_SOFT | 0x80, 2);
	axv_x86_raise(&f->x, X86_TRAP_NP, true, 0x402, 0);
	KUNIT_EXPECT_EQ(test, EXCEPTION_ERROR(X86_TRAP_NP, 0x402),
			pick(f, false, false));
	KUNIT_EXPECT_EQ(test, 0, pick(f, false, false));
}

/* Inject an exception of which the VMM says that the guest caused it. */
static int inject_raised(struct fake_vcpu *f, u8 vector, bool has_error)
{
	return inject(f, (struct axv_inject){
		.type = AXV_INJECT_EXCEPTION, .vector = vector,
		.flags = AXV_INJECT_RAISED |
			 (has_error ? AXV_INJECT_HAS_ERROR_CODE : 0),
	});
}

static void events_test_raised_by_vmm(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	bool irq_window, nmi_window;
	u64 event;

	/* The exception comes first, the interrupt after it. */
	axv_x86_cut_short(&f->x, EXTINT(0x50), 0);
	KUNIT_EXPECT_EQ(test, 0, inject_raised(f, X86_TRAP_TS, true));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_next_event(&f->x, &event, &irq_window,
							     &nmi_window));
	KUNIT_EXPECT_EQ(test, EXCEPTION_ERROR(X86_TRAP_TS, 0), event);
	KUNIT_EXPECT_TRUE(test, irq_window);
	KUNIT_EXPECT_EQ(test, EXTINT(0x50), pick(f, false, false));
	axv_x86_events_reset(&f->x);

	/* Two make a double fault, and three a shutdown. */
	axv_x86_cut_short(&f->x, EXCEPTION_ERROR(X86_TRAP_NP, 0x18), 0);
	KUNIT_EXPECT_EQ(test, 0, inject_raised(f, X86_TRAP_TS, true));
	axv_x86_next_event(&f->x, &event, &irq_window, &nmi_window);
	KUNIT_EXPECT_EQ(test, EXCEPTION_ERROR(X86_TRAP_DF, 0), event);
	axv_x86_cut_short(&f->x, event, 0);
	KUNIT_EXPECT_EQ(test, 0, inject_raised(f, X86_TRAP_TS, true));
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_next_event(&f->x, &event, &irq_window,
							   &nmi_window));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_SHUTDOWN, f->run.exit_reason);
	KUNIT_EXPECT_TRUE(test, f->x.events.shutdown);
	axv_x86_events_reset(&f->x);

	/* The VMM sees an exception that it asked for. */
	f->x.events.exit_mask = BIT(X86_TRAP_TS);
	KUNIT_EXPECT_EQ(test, 0, inject_raised(f, X86_TRAP_TS, true));
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_next_event(&f->x, &event, &irq_window,
							   &nmi_window));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_EXCEPTION, f->run.exit_reason);

	/* Without AXV_INJECT_RAISED an exception waits for the delivery of the other. */
	axv_x86_cut_short(&f->x, EXCEPTION_ERROR(X86_TRAP_NP, 0x18), 0);
	KUNIT_EXPECT_EQ(test, 0, inject_exception(f, X86_TRAP_TS, true, 0, 0));
	axv_x86_next_event(&f->x, &event, &irq_window, &nmi_window);
	KUNIT_EXPECT_EQ(test, EXCEPTION_ERROR(X86_TRAP_NP, 0x18), event);
}

/* An exception that the VMM injected is kept, and not the fault, which comes again anyway. */
static void events_test_injected_wins(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, inject_exception(f, X86_TRAP_PF, true, 4,
						  0x5000));
	axv_x86_raise(&f->x, X86_TRAP_GP, true, 0, 0);
	KUNIT_EXPECT_EQ(test, EXCEPTION_ERROR(X86_TRAP_PF, 4),
			pick(f, false, false));
	KUNIT_EXPECT_EQ(test, 0x5000, f->cr[2]);
	KUNIT_EXPECT_EQ(test, 0, pick(f, false, false));
}

static void events_test_advance(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	f->shadow = true;
	f->x.regs.rip = 0x1000;
	f->x.regs.rflags |= X86_EFLAGS_RF;
	axv_x86_advance(&f->x, 2);
	KUNIT_EXPECT_EQ(test, 0x1002, f->x.regs.rip);
	KUNIT_EXPECT_FALSE(test, f->shadow);
	KUNIT_EXPECT_EQ(test, 0, f->x.regs.rflags & X86_EFLAGS_RF);
	KUNIT_EXPECT_FALSE(test, f->x.events.any);

	f->x.regs.rip = 0xffffffff;
	axv_x86_advance(&f->x, 2);
	KUNIT_EXPECT_EQ(test, 1, f->x.regs.rip);

	f->x.regs.rflags |= X86_EFLAGS_TF;
	axv_x86_advance(&f->x, 1);
	KUNIT_EXPECT_EQ(test, EXCEPTION(X86_TRAP_DB), pick(f, false, false));
	KUNIT_EXPECT_EQ(test, 0xffff4ff0, f->dr[6]);
}

static const u64 bad_events[] = {
	1,					/* no valid bit */
	EXTINT(0x20) | 1 << 12,			/* reserved */
	EXTINT(0x20) | 1 << 30,
	EXTINT(0x20) | 1ull << 32,		/* error code, but none valid */
	EXTINT(0x20) | AXV_X86_EVENT_ERROR_VALID,
	AXV_X86_EVENT_VALID | 1ull << 8,	/* reserved types */
	AXV_X86_EVENT_VALID | 5ull << 8,
	AXV_X86_EVENT_VALID | 7ull << 8,
	AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_NMI | 3,
	NMI | AXV_X86_EVENT_ERROR_VALID,
	EXCEPTION(2), EXCEPTION(32), EXCEPTION(255),
	EXCEPTION(X86_TRAP_GP),			/* has an error code */
	EXCEPTION_ERROR(X86_TRAP_UD, 0),	/* has none */
};

static void events_test_registers(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_vcpu *vcpu = &f->x.base;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_events); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    claimed_set_reg(vcpu, REG(REINJECT),
						    bad_events[i]),
				    "event %llx", bad_events[i]);
		KUNIT_EXPECT_EQ(test, -EINVAL,
				claimed_set_reg(vcpu, REG(EXCEPTION),
						bad_events[i]));
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_reg(vcpu, REG(EXCEPTION), NMI));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			claimed_set_reg(vcpu, REG(EXTINT_COUNT), AXV_EXTINT_DEPTH + 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_reg(vcpu, REG(EXTINT_2), 0x100));
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_reg(vcpu, REG(SHADOW), 3));
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_reg(vcpu, REG(NMI_MASKED), 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_reg(vcpu, REG(NMI_PENDING), 3));
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_reg(vcpu, REG(HALTED), 2));
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_reg(vcpu, REG(EXIT_MASK), 4));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			claimed_set_reg(vcpu, REG(EXIT_MASK), 1ull << 32));
	KUNIT_EXPECT_EQ(test, -ENOENT, claimed_set_reg(vcpu, REG(REGS), 0));
}

/* Everything under way survives a save and a restore. */
static void events_test_save_restore(struct kunit *test)
{
	struct fake_vcpu *f = test->priv, *g;
	u64 saved[AXV_X86_EVENT_REGS];
	unsigned int i, changed;

	/* Every place of the ring is in use, and the first interrupt is not at index 0. */
	for (i = 0; i < AXV_EXTINT_DEPTH; i++)
		KUNIT_EXPECT_EQ(test, 0, inject_extint(f, 0x30 + i));
	axv_x86_cut_short(&f->x, EXTINT(0x2f), 0);
	axv_x86_raise(&f->x, X86_TRAP_UD, false, 0, 0);
	KUNIT_EXPECT_EQ(test, EXCEPTION(X86_TRAP_UD), pick(f, true, false));
	KUNIT_EXPECT_EQ(test, 0, inject_nmi(f));
	KUNIT_EXPECT_EQ(test, 0, inject_exception(f, X86_TRAP_PF, true, 2,
						  0x7000));
	axv_x86_cut_short(&f->x, EXCEPTION(X86_TRAP_DE), 0);
	f->shadow = AXV_X86_SHADOW_MOV_SS;
	f->nmi_masked = true;
	f->pending_debug = 0x4001;
	f->x.events.halted = true;
	f->x.events.exit_mask = 8;
	f->x.events.raised = true;
	f->x.events.shutdown = true;
	for (i = 0; i < AXV_X86_EVENT_REGS; i++)
		saved[i] = fake_get_reg(test, f, AXV_REG_X86(EVENT, i));
	KUNIT_EXPECT_FALSE(test, f->irqs_off);
	KUNIT_EXPECT_EQ(test, AXV_EXTINT_DEPTH + 1, saved[AXV_X86_EVENT_EXTINT_COUNT]);
	KUNIT_EXPECT_EQ(test, 0x363534333231302full, saved[AXV_X86_EVENT_EXTINT_0]);
	KUNIT_EXPECT_EQ(test, 0x3e3d3c3b3a393837ull, saved[AXV_X86_EVENT_EXTINT_1]);
	KUNIT_EXPECT_EQ(test, 0x3full, saved[AXV_X86_EVENT_EXTINT_2]);

	g = fake_vcpu_new(test);
	changed = g->changed;
	/* In any order: backwards here. */
	for (i = AXV_X86_EVENT_REGS; i-- > 0;)
		KUNIT_EXPECT_EQ(test, 0,
				claimed_set_reg(&g->x.base,
						AXV_REG_X86(EVENT, i),
						saved[i]));
	KUNIT_EXPECT_GT(test, g->changed, changed);
	for (i = 0; i < AXV_X86_EVENT_REGS; i++)
		KUNIT_EXPECT_EQ_MSG(test, saved[i],
				    fake_get_reg(test, g, AXV_REG_X86(EVENT, i)),
				    "register %u", i);
	g->shadow = false;
	g->nmi_masked = false;
	g->x.cr0 |= X86_CR0_PE;
	g->x.regs.rflags |= X86_EFLAGS_IF;
	KUNIT_EXPECT_EQ(test, EXCEPTION(X86_TRAP_DE), pick(g, true, true));
	KUNIT_EXPECT_EQ(test, EXCEPTION_ERROR(X86_TRAP_PF, 2),
			pick(g, true, true));
	KUNIT_EXPECT_EQ(test, 0x7000, g->cr[2]);
	KUNIT_EXPECT_EQ(test, NMI, pick(g, true, false));
	for (i = 0; i <= AXV_EXTINT_DEPTH; i++)
		KUNIT_EXPECT_EQ(test, EXTINT(0x2f + i),
				pick(g, i != AXV_EXTINT_DEPTH, false));
	fake_vcpu_free(g);

	/* Vectors beyond the count read as 0. */
	KUNIT_EXPECT_EQ(test, 0, claimed_set_reg(&f->x.base, REG(EXTINT_COUNT), 1));
	KUNIT_EXPECT_EQ(test, 0x2full, fake_get_reg(test, f, REG(EXTINT_0)));
	KUNIT_EXPECT_EQ(test, 0, fake_get_reg(test, f, REG(EXTINT_1)));
	KUNIT_EXPECT_EQ(test, 0, fake_get_reg(test, f, REG(EXTINT_2)));
	axv_x86_vcpu_reset(&f->x);
	for (i = 0; i < AXV_X86_EVENT_REGS; i++)
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    fake_get_reg(test, f, AXV_REG_X86(EVENT, i)),
				    "register %u after reset", i);
}

/* An #AC is the guest's own if it asked for it, and is in user mode. */
static void events_test_split_lock(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_vcpu *x = &f->x;

	x->cr0 |= X86_CR0_AM;
	x->regs.rflags |= X86_EFLAGS_AC;
	f->seg[AXV_X86_SS].attr |= AXV_X86_ATTR_DPL;
	KUNIT_EXPECT_FALSE(test, axv_x86_is_split_lock(x));
	f->seg[AXV_X86_SS].attr &= ~AXV_X86_ATTR_DPL;
	KUNIT_EXPECT_TRUE(test, axv_x86_is_split_lock(x));
	f->seg[AXV_X86_SS].attr |= AXV_X86_ATTR_DPL;
	x->cr0 &= ~(u64)X86_CR0_AM;
	KUNIT_EXPECT_TRUE(test, axv_x86_is_split_lock(x));
	x->cr0 |= X86_CR0_AM;
	x->regs.rflags &= ~(u64)X86_EFLAGS_AC;
	KUNIT_EXPECT_TRUE(test, axv_x86_is_split_lock(x));
}

/* RF is in the frame of a fault, and of nothing else. */
static void events_test_rf(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_vcpu *x = &f->x;
	u64 *rflags = &x->regs.rflags;
	static const struct {
		u64 event;
		u64 address;
		bool rf;
	} cases[] = {
		{ EXCEPTION(X86_TRAP_UD), 0, true },
		{ EXCEPTION_ERROR(X86_TRAP_GP, 0x18), 0, true },
		{ EXCEPTION_ERROR(X86_TRAP_PF, 2), 0x1000, true },
		{ EXCEPTION(X86_TRAP_DB), BIT(13), true },
		{ EXCEPTION(X86_TRAP_DB), BIT(14), false },
		{ EXCEPTION(X86_TRAP_DB), BIT(0), false },
		{ EXCEPTION(X86_TRAP_BP), 0, false },
		{ EXCEPTION(X86_TRAP_OF), 0, false },
		{ EXCEPTION_ERROR(X86_TRAP_DF, 0), 0, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		*rflags = X86_EFLAGS_FIXED;
		x->events.exception = cases[i].event;
		x->events.exception_addr = cases[i].address;
		KUNIT_EXPECT_EQ(test, cases[i].event, pick(f, false, false));
		KUNIT_EXPECT_EQ(test, cases[i].rf, !!(*rflags & X86_EFLAGS_RF));
	}

	/* A fault whose delivery was cut short; SVM leaves RF as it was. */
	*rflags = X86_EFLAGS_FIXED;
	axv_x86_cut_short(x, EXCEPTION_ERROR(X86_TRAP_NP, 0x18), 0);
	pick(f, false, false);
	KUNIT_EXPECT_TRUE(test, *rflags & X86_EFLAGS_RF);

	*rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	axv_x86_cut_short(x, AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_SOFT | 6, 0);
	pick(f, false, false);
	inject_extint(f, 6);
	KUNIT_EXPECT_EQ(test, EXTINT(6), pick(f, false, false));
	inject_nmi(f);
	KUNIT_EXPECT_EQ(test, NMI, pick(f, false, false));
	KUNIT_EXPECT_FALSE(test, *rflags & X86_EFLAGS_RF);
}

/* A run that ends with the interrupt window tells that an interrupt would be taken. */
static void events_test_window(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	bool irq_window, nmi_window;
	u64 event;

	/* In an NMI handler that has set IF, with one more NMI. */
	KUNIT_EXPECT_EQ(test, 0, inject_nmi(f));
	f->nmi_masked = true;
	f->x.irq_window = true;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_next_event(&f->x, &event, &irq_window,
							   &nmi_window));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_IRQ_WINDOW, f->run.exit_reason);
	KUNIT_EXPECT_TRUE(test, axv_x86_pic_is_next(&f->x));

	/* The NMI can be delivered: it comes first. */
	f->nmi_masked = false;
	KUNIT_EXPECT_FALSE(test, axv_x86_pic_is_next(&f->x));
	KUNIT_EXPECT_EQ(test, NMI, pick(f, false, false));
	KUNIT_EXPECT_TRUE(test, axv_x86_pic_is_next(&f->x));
	KUNIT_EXPECT_EQ(test, 0, inject_extint(f, 0x30));
	KUNIT_EXPECT_FALSE(test, axv_x86_pic_is_next(&f->x));
}

static struct kunit_case events_cases[] = {
	KUNIT_CASE(events_test_hardware_is_off),
	KUNIT_CASE(events_test_extint_fifo),
	KUNIT_CASE(events_test_extint_blocked),
	KUNIT_CASE(events_test_nmi),
	KUNIT_CASE(events_test_order),
	KUNIT_CASE(events_test_exception_checks),
	KUNIT_CASE(events_test_exception_side_effects),
	KUNIT_CASE(events_test_double_fault),
	KUNIT_CASE(events_test_put_back),
	KUNIT_CASE(events_test_raised_by_vmm),
	KUNIT_CASE(events_test_injected_wins),
	KUNIT_CASE(events_test_split_lock),
	KUNIT_CASE(events_test_advance),
	KUNIT_CASE(events_test_registers),
	KUNIT_CASE(events_test_save_restore),
	KUNIT_CASE(events_test_rf),
	KUNIT_CASE(events_test_window),
	{}
};

axv_test_suite("axvcpu-x86-events", events_cases,
	       .init = events_init, .exit = events_exit);
