// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped system registers: whether the kernel or the VMM answers for each, what the exit
 * to the VMM tells, and how a read is finished.
 */
#include "subject.h"

#define ISS_READ	1

#define MDSCR		AXV_ARM64_SYSREG_ISS(2, 0, 0, 2, 2)
#define OSLAR		AXV_ARM64_SYSREG_ISS(2, 0, 1, 0, 4)
#define OSLSR		AXV_ARM64_SYSREG_ISS(2, 0, 1, 1, 4)
#define DBGBVR0		AXV_ARM64_SYSREG_ISS(2, 0, 0, 0, 4)
#define MDCCSR_EL0	AXV_ARM64_SYSREG_ISS(2, 3, 0, 1, 0)
#define TRCPRGCTLR	AXV_ARM64_SYSREG_ISS(2, 1, 0, 1, 0)
#define ACTLR		AXV_ARM64_SYSREG_ISS(3, 0, 1, 0, 1)
#define CCSIDR		AXV_ARM64_SYSREG_ISS(3, 1, 0, 0, 0)
#define CSSELR		AXV_ARM64_SYSREG_ISS(3, 2, 0, 0, 0)
#define MIDR_REVIDR	AXV_ARM64_SYSREG_ISS(3, 0, 0, 0, 6)
#define SCTLR		AXV_ARM64_SYSREG_ISS(3, 0, 1, 0, 0)
#define TTBR0		AXV_ARM64_SYSREG_ISS(3, 0, 2, 0, 0)
#define PMCR_EL0	AXV_ARM64_SYSREG_ISS(3, 3, 9, 12, 0)
#define APIAKEYLO	AXV_ARM64_SYSREG_ISS(3, 0, 2, 1, 0)
#define ZCR		AXV_ARM64_SYSREG_ISS(3, 0, 1, 2, 0)
#define SMPRI		AXV_ARM64_SYSREG_ISS(3, 0, 1, 2, 4)
#define LORC		AXV_ARM64_SYSREG_ISS(3, 0, 10, 4, 3)
#define AMCR		AXV_ARM64_SYSREG_ISS(3, 3, 13, 2, 0)
#define ERRIDR		AXV_ARM64_SYSREG_ISS(3, 0, 5, 3, 0)
#define IMPDEF_15	AXV_ARM64_SYSREG_ISS(3, 0, 15, 2, 1)
#define IMPDEF_11	AXV_ARM64_SYSREG_ISS(3, 3, 11, 7, 5)
#define CNTP_CTL	AXV_ARM64_SYSREG_ISS(3, 3, 14, 2, 1)
#define ICC_SGI1R	AXV_ARM64_SYSREG_ISS(3, 0, 12, 11, 5)
#define DC_ISW		AXV_ARM64_SYSREG_ISS(1, 0, 7, 6, 2)
#define DC_CISW		AXV_ARM64_SYSREG_ISS(1, 0, 7, 14, 2)

static enum axv_next trap(struct subject *s, u64 iss)
{
	s->v.last.esr = ESR(SYS64, iss);
	return axv_arm64_sysreg(&s->v);
}

#define rd(s, name, reg)	trap(s, (name) | (reg) << 5 | ISS_READ)
#define wr(s, name, reg)	trap(s, (name) | (reg) << 5)

static void trap_test_debug(struct kunit *test)
{
	struct subject *s = test->priv;

	s->v.regs.x[3] = 0xabcd00002001ull;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, wr(s, MDSCR, 3));
	KUNIT_EXPECT_EQ(test, 0x2001, s->v.sys[AXV_SYS_MDSCR_EL1]);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, MDSCR, 4));
	KUNIT_EXPECT_EQ(test, 0x2001, s->v.regs.x[4]);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 8, s->v.regs.pc);

	/* The OS lock: OSLM says that it exists, OSLK that it is locked. */
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, OSLSR, 5));
	KUNIT_EXPECT_EQ(test, BIT(3) | BIT(1), s->v.regs.x[5]);
	s->v.regs.x[5] = 0;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, wr(s, OSLAR, 5));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, OSLSR, 5));
	KUNIT_EXPECT_EQ(test, BIT(3), s->v.regs.x[5]);

	/* Breakpoints are there and do nothing. */
	KUNIT_EXPECT_EQ(test, AXV_RESUME, wr(s, DBGBVR0, 6));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, DBGBVR0, 6));
	KUNIT_EXPECT_EQ(test, 0, s->v.regs.x[6]);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, MDCCSR_EL0, 6));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NONE, s->run.exit_reason);
}

static void trap_test_answered(struct kunit *test)
{
	struct subject *s = test->priv;
	u64 value;

	/* Register 31 ignores what is read into it; as a source it is zero. */
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, ACTLR, 31));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, ACTLR, 0));
	KUNIT_EXPECT_EQ(test, 0, s->v.regs.x[0]);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, wr(s, ACTLR, 1));

	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, MIDR_REVIDR, 2));

	/*
	 * All of the space of ID registers is answered; a register that does not exist
	 * reads as 0.
	 */
	KUNIT_EXPECT_TRUE(test, axv_arm64_id_reg(&s->v, AXV_SYSREG(3, 0, 0, 4, 0), &value));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, AXV_ARM64_SYSREG_ISS(3, 0, 0, 4, 0), 9));
	KUNIT_EXPECT_EQ(test, value, s->v.regs.x[9]);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, rd(s, AXV_ARM64_SYSREG_ISS(3, 0, 0, 7, 7), 9));
	KUNIT_EXPECT_EQ(test, 0, s->v.regs.x[9]);
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NONE, s->run.exit_reason);
}

/* CSSELR_EL1 is switched, so the kernel answers when the register is in memory. */
static void trap_test_caches(struct kunit *test)
{
	struct subject *s = test->priv;

	s->v.regs.x[1] = 0xff2;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, wr(s, CSSELR, 1));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	KUNIT_EXPECT_EQ(test, 2, s->v.sys[AXV_SYS_CSSELR_EL1]);
	KUNIT_EXPECT_EQ(test, AXV_SLOW, rd(s, CSSELR, 2));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	KUNIT_EXPECT_EQ(test, 2, s->v.regs.x[2]);

	/* There is no level 7, so the hardware is not asked. */
	s->v.sys[AXV_SYS_CSSELR_EL1] = 14;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, rd(s, CCSIDR, 3));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	KUNIT_EXPECT_EQ(test, 0, s->v.regs.x[3]);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 12, s->v.regs.pc);
}

static void trap_test_read_by_vmm(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_EXIT, rd(s, IMPDEF_15, 9));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_SYSREG_READ, s->run.exit_reason);
	/* Neither the register nor the direction is a part of the name. */
	KUNIT_EXPECT_EQ(test, (u64)IMPDEF_15, s->run.exit.sysreg.addr);
	KUNIT_EXPECT_EQ(test, 9, s->run.exit.sysreg.reg);
	KUNIT_EXPECT_EQ(test, 0, s->run.exit.sysreg.fail);
	KUNIT_EXPECT_EQ(test, 4, s->run.insn_len);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);

	s->run.exit.sysreg.value = 0xfedcba9876543210ull;
	s->run.exit.sysreg.reg = 10;
	axv_arm64_complete(&s->v);
	KUNIT_EXPECT_EQ(test, 0xfedcba9876543210ull, s->v.regs.x[9]);
	KUNIT_EXPECT_EQ(test, 0x112233445566770aull, s->v.regs.x[10]);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
}

static void trap_test_read_refused(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_EXIT, rd(s, CNTP_CTL, 9));
	s->run.exit.sysreg.fail = 1;
	axv_arm64_complete(&s->v);
	EXPECT_UNDEFINED(test, s);
	KUNIT_EXPECT_EQ(test, 0x1122334455667709ull, s->v.regs.x[9]);
}

static void trap_test_write_by_vmm(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_EXIT, wr(s, IMPDEF_11, 30));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_SYSREG_WRITE, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, (u64)IMPDEF_11, s->run.exit.sysreg.addr);
	KUNIT_EXPECT_EQ(test, 0x112233445566771eull, s->run.exit.sysreg.value);
	KUNIT_EXPECT_EQ(test, 30, s->run.exit.sysreg.reg);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
	KUNIT_EXPECT_EQ(test, AXV_PENDING_NONE, s->v.pending.kind);

	KUNIT_EXPECT_EQ(test, AXV_EXIT, wr(s, CNTP_CTL, 31));
	KUNIT_EXPECT_EQ(test, 0, s->run.exit.sysreg.value);
}

/* ICC_SGI1R_EL1 (GICv3, 12.2.19): all of its fields */
static void trap_test_send_ipi(struct kunit *test)
{
	struct subject *s = test->priv;

	s->v.regs.x[2] = 0x8001ull | 0x12ull << 16 | 0x0bull << 24 | 0x34ull << 32 |
			 5ull << 44 | 0x56ull << 48;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, wr(s, ICC_SGI1R, 2));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_SEND_IPI, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 0x5600341250ull, s->run.exit.send_ipi.target_cpu);
	KUNIT_EXPECT_EQ(test, 0x8001, s->run.exit.send_ipi.target_cpu_aux);
	KUNIT_EXPECT_EQ(test, 11, s->run.exit.send_ipi.vector);
	KUNIT_EXPECT_EQ(test, 0, s->run.exit.send_ipi.send_to_all);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);

	s->v.regs.x[2] = BIT_ULL(40);
	KUNIT_EXPECT_EQ(test, AXV_EXIT, wr(s, ICC_SGI1R, 2));
	KUNIT_EXPECT_EQ(test, 1, s->run.exit.send_ipi.send_to_all);
	KUNIT_EXPECT_EQ(test, 0, s->run.exit.send_ipi.vector);
}

/* A register of a feature that the guest does not have is undefined. */
static void trap_test_hidden(struct kunit *test)
{
	static const u32 hidden[] = {
		PMCR_EL0, APIAKEYLO, ZCR, SMPRI, LORC,
		AMCR, ERRIDR, TRCPRGCTLR,
	};
	unsigned int i, read;

	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		for (read = 0; read < 2; read++) {
			struct subject *s = subject_new(test);

			s->v.trap_caches = false;
			KUNIT_EXPECT_EQ_MSG(test, AXV_SLOW, trap(s, hidden[i] | read),
					    "%#x", hidden[i]);
			KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
			EXPECT_UNDEFINED(test, s);
		}
	}
}

/*
 * Writes to registers of stage 1 are done while the caches are watched; otherwise such a
 * trap is undefined.
 */
static void trap_test_stage1(struct kunit *test)
{
	struct subject *s = test->priv;

	s->v.trap_caches = true;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, wr(s, TTBR0, 8));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	KUNIT_EXPECT_EQ(test, 0x1122334455667708ull, s->v.sys[AXV_SYS_TTBR0_EL1]);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);

	/* The MMU stays off, so no memory is unmapped. */
	s->v.regs.x[8] = s->v.sys[AXV_SYS_SCTLR_EL1] | BIT(1);
	KUNIT_EXPECT_EQ(test, AXV_SLOW, wr(s, SCTLR, 8));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	KUNIT_EXPECT_EQ(test, s->v.regs.x[8], s->v.sys[AXV_SYS_SCTLR_EL1]);
	KUNIT_EXPECT_TRUE(test, s->v.trap_caches);

	s->v.regs.pc = SUBJECT_PC;
	s->v.trap_caches = false;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, wr(s, TTBR0, 8));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	EXPECT_UNDEFINED(test, s);
}

/* Maintenance by set and way does nothing while the caches are watched already. */
static void trap_test_set_way(struct kunit *test)
{
	struct subject *s = test->priv;

	s->v.trap_caches = true;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, wr(s, DC_ISW, 1));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	KUNIT_EXPECT_EQ(test, AXV_SLOW, wr(s, DC_CISW, 1));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(&s->v));
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 8, s->v.regs.pc);
}

static struct kunit_case trap_cases[] = {
	KUNIT_CASE(trap_test_debug),
	KUNIT_CASE(trap_test_answered),
	KUNIT_CASE(trap_test_caches),
	KUNIT_CASE(trap_test_read_by_vmm),
	KUNIT_CASE(trap_test_read_refused),
	KUNIT_CASE(trap_test_write_by_vmm),
	KUNIT_CASE(trap_test_send_ipi),
	KUNIT_CASE(trap_test_hidden),
	KUNIT_CASE(trap_test_stage1),
	KUNIT_CASE(trap_test_set_way),
	{}
};

axv_test_suite("axvcpu-arm64-trap", trap_cases, .init = subject_init);
