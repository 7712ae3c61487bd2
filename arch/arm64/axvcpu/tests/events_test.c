// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what may be injected, and what the guest finds at its vector.
 */
#include "subject.h"

#define SCTLR_SPAN	BIT_ULL(23)
#define SCTLR_DSSBS	BIT_ULL(44)
#define DAIF		(PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)
#define FLAGS		(PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | PSR_V_BIT)

#define EVENT(name)	AXV_ARM64_EVENT_##name

static int inject(struct subject *s, struct axv_inject event)
{
	int err;

	raw_spin_lock_irq(&s->v.base.lock);
	err = axv_arm64_inject(&s->v.base, &event);
	raw_spin_unlock_irq(&s->v.base.lock);
	return err;
}

static int inject_exception(struct subject *s, u32 class, u32 iss, u64 address)
{
	return inject(s, (struct axv_inject){ .type = AXV_INJECT_EXCEPTION,
					      .vector = class, .error_code = iss,
					      .address = address });
}

static int inject_level(struct subject *s, u32 input, u32 level)
{
	return inject(s, (struct axv_inject){ .type = AXV_INJECT_WIRED,
					      .vector = input, .data = level });
}

static bool has_event(struct subject *s)
{
	bool has;

	raw_spin_lock_irq(&s->v.base.lock);
	has = axv_arm64_has_event(&s->v.base);
	raw_spin_unlock_irq(&s->v.base.lock);
	return has;
}

/* Flags and priorities that do not go with the event are refused. */
static void events_test_nonsense(struct kunit *test)
{
	static const struct axv_inject events[] = {
		{ .type = AXV_INJECT_WIRED, .flags = AXV_INJECT_HAS_ERROR_CODE },
		{ .type = AXV_INJECT_WIRED, .flags = AXV_INJECT_RETRACT },
		{ .type = AXV_INJECT_WIRED, .priority = 1 },
		{ .type = AXV_INJECT_EXCEPTION, .flags = AXV_INJECT_RETRACT },
		{ .type = AXV_INJECT_EXCEPTION, .flags = 4 },
		{ .type = AXV_INJECT_EXCEPTION, .priority = 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(events); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, inject(test->priv, events[i]),
				    "event %u", i);
}

static void events_test_inputs(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_FALSE(test, has_event(s));
	KUNIT_EXPECT_EQ(test, 0, inject_level(s, AXV_ARM64_INPUT_IRQ, 1));
	KUNIT_EXPECT_EQ(test, 0, inject_level(s, AXV_ARM64_INPUT_IRQ, 1));
	KUNIT_EXPECT_EQ(test, HCR_VI, s->v.events.lines);
	KUNIT_EXPECT_TRUE(test, has_event(s));
	KUNIT_EXPECT_EQ(test, 0, inject_level(s, AXV_ARM64_INPUT_IRQ, 0));
	KUNIT_EXPECT_FALSE(test, has_event(s));
	KUNIT_EXPECT_EQ(test, 0, inject_level(s, AXV_ARM64_INPUT_FIQ, 1));
	KUNIT_EXPECT_EQ(test, HCR_VF, s->v.events.lines);
	KUNIT_EXPECT_TRUE(test, has_event(s));
	/* An input ends the halt even if PSTATE masks it (Arm ARM, WFI). */
	s->v.regs.pstate |= DAIF;
	KUNIT_EXPECT_TRUE(test, has_event(s));

	KUNIT_EXPECT_EQ(test, -EINVAL, inject_level(s, 2, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, inject_level(s, 0, 2));
}

static void events_test_injected(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, -EINVAL, inject_exception(s, 64, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, inject_exception(s, 0, BIT(25), 0));
	KUNIT_EXPECT_FALSE(test, s->v.events.any);

	KUNIT_EXPECT_EQ(test, 0, inject_exception(s, ESR_ELx_EC_SVC64, 0x1ffffff, 0));
	KUNIT_EXPECT_TRUE(test, s->v.events.any);
	KUNIT_EXPECT_TRUE(test, s->v.events.not_yet);
	KUNIT_EXPECT_TRUE(test, has_event(s));
	KUNIT_EXPECT_EQ(test, -EAGAIN, inject_exception(s, ESR_ELx_EC_UNKNOWN, 0, 0));
	axv_arm64_deliver(&s->v);
	KUNIT_EXPECT_FALSE(test, s->v.events.any);
	KUNIT_EXPECT_FALSE(test, s->v.events.not_yet);
	KUNIT_EXPECT_FALSE(test, has_event(s));
	EXPECT_RAISED(test, s, ESR(SVC64, 0x1ffffff), 0x200);
	KUNIT_EXPECT_EQ(test, 1, s->v.base.stats.injections);

	/* Nothing is delivered twice. */
	axv_arm64_deliver(&s->v);
	KUNIT_EXPECT_EQ(test, SUBJECT_VBAR + 0x200, s->v.regs.pc);
	KUNIT_EXPECT_EQ(test, 0, inject_exception(s, ESR_ELx_EC_UNKNOWN, 0, 0));
}

static void events_test_serror(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, 0, inject_exception(s, AXV_ARM64_EC_SERROR, 0x1abcdef, 0));
	KUNIT_EXPECT_EQ(test, -EAGAIN, inject_exception(s, AXV_ARM64_EC_SERROR, 1, 0));
	KUNIT_EXPECT_EQ(test, HCR_VSE, s->v.events.lines);
	KUNIT_EXPECT_EQ(test, 0x1abcdef, s->v.events.serror_iss);
	KUNIT_EXPECT_TRUE(test, has_event(s));
	/* The hardware delivers it, not axv_arm64_deliver(). */
	KUNIT_EXPECT_FALSE(test, s->v.events.any);
	/* A synchronous exception may wait beside it. */
	KUNIT_EXPECT_EQ(test, 0, inject_exception(s, ESR_ELx_EC_UNKNOWN, 0, 0));

	s->v.events.lines = 0;
	local_irq_disable();
	axv_arm64_serror(&s->v, 0xffffffffffffffffull);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, HCR_VSE, s->v.events.lines);
	KUNIT_EXPECT_EQ(test, 0x1ffffff, s->v.events.serror_iss);
}

/* Arm ARM, table D1-5 and AArch64.TakeException(). */
static void events_test_vectors(struct kunit *test)
{
	static const struct {
		u64 from, offset, kept;
	} modes[] = {
		{ PSR_MODE_EL0t, 0x400, FLAGS },
		{ PSR_MODE_EL1t, 0x000, FLAGS },
		{ PSR_MODE_EL1h, 0x200, FLAGS },
		{ PSR_MODE_EL1h | DAIF, 0x200, FLAGS },
		{ PSR_MODE_EL0t | PSR_DIT_BIT, 0x400, FLAGS | PSR_DIT_BIT },
		{ PSR_MODE_EL1h | PSR_PAN_BIT, 0x200, FLAGS | PSR_PAN_BIT },
		/* These are not kept. */
		{ PSR_MODE_EL1h | PSR_UAO_BIT | PSR_BTYPE_MASK | DBG_SPSR_SS |
		  PSR_IL_BIT | PSR_SSBS_BIT, 0x200, FLAGS },
		{ PSR_MODE32_BIT | BIT(5) | BIT(27) | PSR_AA32_PAN_BIT, 0x600,
		  FLAGS | PSR_PAN_BIT },
	};
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		s->v.regs.pc = SUBJECT_PC;
		s->v.regs.pstate = modes[i].from | FLAGS;
		s->v.sys[AXV_SYS_SCTLR_EL1] = SCTLR_SPAN;
		axv_arm64_raise(&s->v, ESR(UNKNOWN, 0), 0);
		EXPECT_RAISED(test, s, ESR(UNKNOWN, 0), modes[i].offset);
		KUNIT_EXPECT_EQ(test, modes[i].from | FLAGS, s->v.sys[AXV_SYS_SPSR_EL1]);
		KUNIT_EXPECT_EQ_MSG(test, PSR_MODE_EL1h | DAIF | modes[i].kept,
				    s->v.regs.pstate, "from %#llx", modes[i].from);
	}

	s->v.regs.pstate = PSR_MODE_EL0t;
	s->v.sys[AXV_SYS_SCTLR_EL1] = SCTLR_DSSBS;
	axv_arm64_raise(&s->v, ESR(UNKNOWN, 0), 0);
	KUNIT_EXPECT_EQ(test, PSR_MODE_EL1h | DAIF | PSR_PAN_BIT | PSR_SSBS_BIT,
			s->v.regs.pstate);
}

/* Exceptions of a class that has an address write FAR_EL1. */
static void events_test_far(struct kunit *test)
{
	unsigned int class;

	for (class = 0; class <= ESR_ELx_EC_MAX; class++) {
		struct subject *s = test->priv;
		bool has_far = class == 0x20 || class == 0x21 || class == 0x22 ||
			       class == 0x24 || class == 0x25 || class == 0x34 ||
			       class == 0x35;

		s->v.sys[AXV_SYS_FAR_EL1] = 1;
		axv_arm64_raise(&s->v, (u64)class << ESR_ELx_EC_SHIFT, 0x5000);
		KUNIT_EXPECT_EQ_MSG(test, has_far ? 0x5000 : 1, s->v.sys[AXV_SYS_FAR_EL1],
				    "class %#x", class);
	}
}

/* An abort that is injected gets the class for the level the guest is at. */
static void events_test_level_of_abort(struct kunit *test)
{
	static const struct {
		u64 pstate;
		u8 class, expected;
	} aborts[] = {
		{ PSR_MODE_EL1h, ESR_ELx_EC_DABT_LOW, ESR_ELx_EC_DABT_CUR },
		{ PSR_MODE_EL1t, ESR_ELx_EC_DABT_CUR, ESR_ELx_EC_DABT_CUR },
		{ PSR_MODE_EL0t, ESR_ELx_EC_DABT_CUR, ESR_ELx_EC_DABT_LOW },
		{ PSR_MODE_EL0t, ESR_ELx_EC_DABT_LOW, ESR_ELx_EC_DABT_LOW },
		{ PSR_MODE_EL1h, ESR_ELx_EC_IABT_LOW, ESR_ELx_EC_IABT_CUR },
		{ PSR_MODE_EL0t, ESR_ELx_EC_IABT_CUR, ESR_ELx_EC_IABT_LOW },
		{ PSR_MODE32_BIT, ESR_ELx_EC_IABT_CUR, ESR_ELx_EC_IABT_LOW },
		{ PSR_MODE_EL1h, ESR_ELx_EC_SVC64, ESR_ELx_EC_SVC64 },
	};
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(aborts); i++) {
		s->v.regs.pstate = aborts[i].pstate;
		KUNIT_EXPECT_EQ(test, 0, inject_exception(s, aborts[i].class, 7, 0x5000 + i));
		axv_arm64_deliver(&s->v);
		KUNIT_EXPECT_EQ(test, (u64)aborts[i].expected << ESR_ELx_EC_SHIFT |
				      ESR_ELx_IL | 7, s->v.sys[AXV_SYS_ESR_EL1]);
	}
}

static void events_test_registers(struct kunit *test)
{
	static const struct {
		u64 index, good, bad;
	} regs[] = {
		{ EVENT(IRQ), 1, 2 }, { EVENT(FIQ), 1, 2 }, { EVENT(SERROR), 1, 2 },
		{ EVENT(SERROR_ISS), 0x1ffffff, BIT(25) },
		{ EVENT(EXCEPTION), ESR(SVC64, 3), BIT_ULL(32) },
		{ EVENT(HALTED), 1, 2 },
	};
	struct subject *s = test->priv;
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		KUNIT_EXPECT_EQ(test, -EINVAL,
				axv_arm64_set_event(&s->v, regs[i].index, regs[i].bad));
		KUNIT_EXPECT_EQ(test, 0, axv_arm64_get_event(&s->v, regs[i].index, &value));
		KUNIT_EXPECT_EQ(test, 0, value);
		KUNIT_EXPECT_EQ(test, 0,
				axv_arm64_set_event(&s->v, regs[i].index, regs[i].good));
		KUNIT_EXPECT_EQ(test, 0, axv_arm64_get_event(&s->v, regs[i].index, &value));
		KUNIT_EXPECT_EQ(test, regs[i].good, value);
	}
	/* An SError is no synchronous exception. */
	KUNIT_EXPECT_EQ(test, -EINVAL,
			axv_arm64_set_event(&s->v, EVENT(EXCEPTION), ESR(SERROR, 0)));
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_set_event(&s->v, EVENT(EXCEPTION_ADDR), ~0ull));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			axv_arm64_set_event(&s->v, AXV_ARM64_EVENT_REGS, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			axv_arm64_get_event(&s->v, AXV_ARM64_EVENT_REGS, &value));

	/* What was restored is delivered. */
	KUNIT_EXPECT_TRUE(test, s->v.events.any);
	axv_arm64_deliver(&s->v);
	EXPECT_RAISED(test, s, ESR(SVC64, 3), 0x200);
	/* A reset clears all events. */
	axv_arm64_reset(&s->v);
	KUNIT_EXPECT_FALSE(test, has_event(s));
	KUNIT_EXPECT_FALSE(test, s->v.events.halted);
}

static struct kunit_case events_cases[] = {
	KUNIT_CASE(events_test_nonsense),
	KUNIT_CASE(events_test_inputs),
	KUNIT_CASE(events_test_injected),
	KUNIT_CASE(events_test_serror),
	KUNIT_CASE(events_test_vectors),
	KUNIT_CASE(events_test_far),
	KUNIT_CASE(events_test_level_of_abort),
	KUNIT_CASE(events_test_registers),
	{}
};

axv_test_suite("axvcpu-arm64-events", events_cases, .init = subject_init);
