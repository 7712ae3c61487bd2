// SPDX-License-Identifier: GPL-2.0
/*
 * Handlers of exits, by values of ESR_EL2: what is answered at once, what ends the run,
 * and what the guest gets.
 */
#include "subject.h"
#include "../exit.h"

#define WFX_WFE		1
#define WFX_WFIT	2

#define PSTATE_T	BIT(5)
#define PSTATE_Z	BIT(30)
#define PSTATE_USR_32	(PSR_MODE32_BIT | PSR_MODE_EL0t)

static enum axv_next fast(struct subject *s, u64 esr)
{
	s->v.last.esr = esr;
	return axv_arm64_handle_fast(&s->v);
}

static void exit_test_hypercall(struct kunit *test)
{
	struct subject *s = test->priv;
	unsigned int i;

	s->v.regs.x[0] = 0x1234567890ull;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, fast(s, ESR(HVC64, 0)));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 4, s->run.insn_len);
	/* After an HVC the PC is past the instruction; after an SMC that traps it is not. */
	KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);
	KUNIT_EXPECT_EQ(test, 0x1234567890ull, s->run.exit.hypercall.nr);
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, 0x1122334455667701ull + i,
				s->run.exit.hypercall.args[i]);
	/* What the guest gets if the VMM does not answer: SMCCC NOT_SUPPORTED */
	KUNIT_EXPECT_EQ(test, ~0ull, s->v.regs.x[0]);
	KUNIT_EXPECT_EQ(test, 1, s->v.base.stats.exits[AXV_EXIT_HYPERCALL]);

	KUNIT_EXPECT_EQ(test, AXV_EXIT, fast(s, ESR(SMC64, 0)));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
}

static void exit_test_wfi(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_EXIT, fast(s, ESR(WFx, 0)));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HALT, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 4, s->run.insn_len);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
	KUNIT_EXPECT_FALSE(test, s->v.events.halted);

	s->vm.base.flags = AXV_VM_HALT_IN_KERNEL;
	KUNIT_EXPECT_EQ(test, AXV_INTERRUPT, fast(s, ESR(WFx, 0)));
	KUNIT_EXPECT_TRUE(test, s->v.events.halted);
	KUNIT_EXPECT_TRUE(test, s->v.events.not_yet);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 8, s->v.regs.pc);
	KUNIT_EXPECT_EQ(test, 1, s->v.base.stats.exits[AXV_EXIT_HALT]);
}

/*
 * WFE does not trap, and WFIT is of a feature that the guest does not have: both are
 * undefined if they come.
 */
static void exit_test_other_waits(struct kunit *test)
{
	static const u64 kinds[] = { WFX_WFE, WFX_WFIT, WFX_WFIT | WFX_WFE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct subject *s = subject_new(test);

		KUNIT_EXPECT_EQ(test, AXV_SLOW, fast(s, ESR(WFx, kinds[i])));
		KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);
		KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
		EXPECT_UNDEFINED(test, s);
	}
}

/* Skipping an instruction completes a debugger's step and clears BTYPE. */
static void exit_test_skip(struct kunit *test)
{
	struct subject *s = test->priv;

	s->v.regs.pstate |= DBG_SPSR_SS | PSR_BTYPE_MASK | PSTATE_Z;
	fast(s, ESR(WFx, 0));
	KUNIT_EXPECT_EQ(test, PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT |
			      PSR_F_BIT | PSTATE_Z, s->v.regs.pstate);
}

/* An IT block of Thumb, instruction after instruction (Arm ARM, ITAdvance). */
static void exit_test_it_block(struct kunit *test)
{
	/* ITSTATE after each instruction.  Bits 1:0 are in PSTATE 26:25, bits 7:2 in 15:10. */
	static const u8 states[] = { 0x1b, 0x16, 0x0c, 0x18, 0x00, 0x00 };
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i + 1 < ARRAY_SIZE(states); i++) {
		u64 now = states[i], next = states[i + 1];

		s->v.regs.pstate = PSTATE_USR_32 | PSTATE_T |
				   (now & 3) << 25 | (now >> 2) << 10;
		s->v.last.esr = (u64)ESR_ELx_EC_WFx << ESR_ELx_EC_SHIFT;
		axv_arm64_skip(&s->v);
		KUNIT_EXPECT_EQ_MSG(test, PSTATE_USR_32 | PSTATE_T |
				    (next & 3) << 25 | (next >> 2) << 10,
				    s->v.regs.pstate, "after %#llx", now);
	}
	/* The instructions are of 2 bytes, since IL was clear. */
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 2 * i, s->v.regs.pc);
}

/* All conditions, with all flags: an instruction whose condition fails is skipped. */
static void exit_test_conditions(struct kunit *test)
{
	unsigned int cond, flags;

	for (cond = 0; cond < 16; cond++) {
		for (flags = 0; flags < 16; flags++) {
			struct subject *s = test->priv;
			bool n = flags & 8, z = flags & 4, c = flags & 2, o = flags & 1;
			const bool holds[] = { z, !z, c, !c, n, !n, o, !o, c && !z,
					       !c || z, n == o, n != o, !z && n == o,
					       z || n != o, true, true };
			enum axv_next next;

			s->v.regs.pc = SUBJECT_PC;
			s->v.regs.pstate = PSTATE_USR_32 | (u64)flags << 28;
			next = fast(s, ESR(WFx, ESR_ELx_CV | cond << ESR_ELx_COND_SHIFT));
			KUNIT_EXPECT_EQ_MSG(test, holds[cond] ? AXV_EXIT : AXV_RESUME, next,
					    "condition %u, flags %u", cond, flags);
			KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
		}
	}
}

/* An exit of any class that has no handler becomes an undefined instruction. */
static void exit_test_unknown(struct kunit *test)
{
	unsigned int class;

	for (class = 0; class <= ESR_ELx_EC_MAX; class++) {
		u64 esr = (u64)class << ESR_ELx_EC_SHIFT | ESR_ELx_IL;
		struct subject *s;

		switch (class) {
		case ESR_ELx_EC_WFx:
		case ESR_ELx_EC_HVC64:
		case ESR_ELx_EC_SMC64:
		case ESR_ELx_EC_SYS64:
		case ESR_ELx_EC_IABT_LOW:
		case ESR_ELx_EC_DABT_LOW:
			continue;
		}
		s = subject_new(test);
		KUNIT_EXPECT_EQ_MSG(test, AXV_SLOW, fast(s, esr), "class %#x", class);
		KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
		EXPECT_UNDEFINED(test, s);
		KUNIT_EXPECT_EQ(test, AXV_EXIT_NONE, s->run.exit_reason);
	}
}

/* An instruction of 2 bytes in AArch32 at EL0: undefined unless its condition fails. */
static void exit_test_undefined_32(struct kunit *test)
{
	struct subject *s = test->priv;

	s->v.regs.pstate = PSTATE_USR_32 | PSTATE_T | PSTATE_Z;
	s->v.last.esr = (u64)ESR_ELx_EC_CP15_32 << ESR_ELx_EC_SHIFT | ESR_ELx_CV |
			1 << ESR_ELx_COND_SHIFT;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 2, s->v.regs.pc);

	s->v.regs.pc = SUBJECT_PC;
	s->v.last.esr = (u64)ESR_ELx_EC_CP15_32 << ESR_ELx_EC_SHIFT | ESR_ELx_CV;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	EXPECT_RAISED(test, s, 0, 0x600);
	KUNIT_EXPECT_EQ(test, PSTATE_USR_32 | PSTATE_T | PSTATE_Z,
			s->v.sys[AXV_SYS_SPSR_EL1]);
}

static struct kunit_case exit_cases[] = {
	KUNIT_CASE(exit_test_hypercall),
	KUNIT_CASE(exit_test_wfi),
	KUNIT_CASE(exit_test_other_waits),
	KUNIT_CASE(exit_test_skip),
	KUNIT_CASE(exit_test_it_block),
	KUNIT_CASE(exit_test_conditions),
	KUNIT_CASE(exit_test_unknown),
	KUNIT_CASE(exit_test_undefined_32),
	{}
};

axv_test_suite("axvcpu-arm64-exit", exit_cases, .init = subject_init);
