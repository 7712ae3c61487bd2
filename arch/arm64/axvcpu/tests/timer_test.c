// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual timer of a vCPU whose interrupt controller the VMM has: what ends a run,
 * and what ends a halt.
 */
#include "subject.h"

#define ENABLE		1
#define IMASK		2
#define ISTATUS		4

/* Set the timer's registers in memory; CNTV_CVAL_EL0 is in the past, or far away. */
static void set_timer(struct subject *s, u64 ctl, bool fired)
{
	s->v.sys[AXV_SYS_CNTV_CTL_EL0] = ctl;
	s->v.sys[AXV_SYS_CNTV_CVAL_EL0] = fired ? 0 : 1ull << 62;
}

/* The guest exits by a trap with @ctl in CNTV_CTL_EL0.  Has the VMM to be told of a rise? */
static bool rises(struct subject *s, u64 ctl)
{
	s->v.last.code = AXV_EL2_SYNC;
	s->v.sys[AXV_SYS_CNTV_CTL_EL0] = ctl;
	axv_arm64_gic_leave(&s->v);
	return s->v.timer.rose;
}

static void a_rise(struct kunit *test)
{
	struct subject *s = test->priv;

	set_timer(s, 0, true);
	KUNIT_EXPECT_FALSE(test, rises(s, ENABLE));
	KUNIT_EXPECT_FALSE(test, rises(s, ENABLE | IMASK | ISTATUS));
	KUNIT_EXPECT_TRUE(test, rises(s, ENABLE | ISTATUS));
	KUNIT_EXPECT_EQ(test, (u64)ENABLE, s->v.sys[AXV_SYS_CNTV_CTL_EL0]);
	/* The VMM knows already. */
	s->v.timer.told = true;
	KUNIT_EXPECT_FALSE(test, rises(s, ENABLE | ISTATUS));
}

static void a_rise_is_told_once(struct kunit *test)
{
	struct subject *s = test->priv;

	set_timer(s, ENABLE, true);
	s->v.timer.rose = true;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_arm64_timer_tell(&s->v));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_TIMER, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 0, s->run.insn_len);
	KUNIT_EXPECT_FALSE(test, s->v.timer.rose);

	/* Low again, since the counter was set */
	s->run.exit_reason = AXV_EXIT_NONE;
	set_timer(s, ENABLE, false);
	s->v.timer.rose = true;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_timer_tell(&s->v));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NONE, s->run.exit_reason);
	KUNIT_EXPECT_FALSE(test, s->v.timer.rose);
}

static bool ends_halt(struct subject *s)
{
	bool event;

	raw_spin_lock_irq(&s->v.base.lock);
	event = axv_arm64_has_event(&s->v.base);
	raw_spin_unlock_irq(&s->v.base.lock);
	return event;
}

static void halted(struct kunit *test)
{
	struct subject *s = test->priv;

	set_timer(s, 0, true);
	KUNIT_EXPECT_FALSE(test, ends_halt(s));
	KUNIT_EXPECT_FALSE(test, s->v.timer.armed);
	set_timer(s, ENABLE, false);
	KUNIT_EXPECT_FALSE(test, ends_halt(s));
	KUNIT_EXPECT_TRUE(test, s->v.timer.armed);
	KUNIT_EXPECT_FALSE(test, s->v.timer.rose);
	set_timer(s, ENABLE, true);
	KUNIT_EXPECT_TRUE(test, ends_halt(s));
	KUNIT_EXPECT_TRUE(test, s->v.timer.rose);
	set_timer(s, ENABLE | IMASK, true);
	KUNIT_EXPECT_FALSE(test, ends_halt(s));

	/*
	 * A level that the VMM knows does not end a halt: the VMM injects an interrupt,
	 * or has it disabled.
	 */
	s->v.timer.told = true;
	set_timer(s, ENABLE, true);
	s->v.timer.rose = false;
	KUNIT_EXPECT_FALSE(test, ends_halt(s));
	KUNIT_EXPECT_FALSE(test, s->v.timer.rose);
	axv_arm64_timer_stop(&s->v);
}

static void the_register_of_the_timer(struct kunit *test)
{
	struct subject *s = test->priv;
	u64 value;

	KUNIT_EXPECT_EQ(test, 0, axv_arm64_set_event(&s->v, AXV_ARM64_EVENT_TIMER, 1));
	KUNIT_EXPECT_TRUE(test, s->v.timer.told);
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_get_event(&s->v, AXV_ARM64_EVENT_TIMER, &value));
	KUNIT_EXPECT_EQ(test, value, 1ull);
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_arm64_set_event(&s->v, AXV_ARM64_EVENT_TIMER, 2));
	axv_arm64_reset(&s->v);
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_get_event(&s->v, AXV_ARM64_EVENT_TIMER, &value));
	KUNIT_EXPECT_EQ(test, value, 0ull);

	/* With an irqchip the VMM is not told, so the register is always 0. */
	s->v.has_gic = true;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_arm64_set_event(&s->v, AXV_ARM64_EVENT_TIMER, 1));
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_set_event(&s->v, AXV_ARM64_EVENT_TIMER, 0));
}

static struct kunit_case timer_cases[] = {
	KUNIT_CASE(a_rise),
	KUNIT_CASE(a_rise_is_told_once),
	KUNIT_CASE(halted),
	KUNIT_CASE(the_register_of_the_timer),
	{}
};

axv_test_suite("axvcpu_timer", timer_cases, .init = subject_init);
