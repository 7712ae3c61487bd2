// SPDX-License-Identifier: GPL-2.0
/*
 * SMCCC and PSCI (Arm DEN 0028, DEN 0022): which calls are answered and with what,
 * and which are exits.
 */
#include <linux/arm-smccc.h>
#include <uapi/linux/psci.h>

#include "subject.h"

#define CALL_32(fn)	(0x84000000u + (fn))
#define CALL_64(fn)	(0xc4000000u + (fn))

#define CPU_SUSPEND	1
#define CPU_OFF		2
#define CPU_ON		3
#define AFFINITY_INFO	4
#define MIGRATE		5
#define MIGRATE_INFO_TYPE 6
#define SYSTEM_OFF	8
#define SYSTEM_RESET	9
#define FEATURES	10
#define SYSTEM_SUSPEND	14
#define SYSTEM_RESET2	18

static enum axv_next call(struct subject *s, u64 id)
{
	s->v.regs.x[0] = id;
	return axv_arm64_smccc(&s->v, 4);
}

static void psci_test_answers(struct kunit *test)
{
	static const struct {
		u32 id;
		u32 arg;
		s64 answer;
	} calls[] = {
		{ CALL_32(0), 0, 0x10001 },
		{ CALL_32(MIGRATE_INFO_TYPE), 0, 2 },
		{ 0x80000000, 0, 0x10001 },		/* SMCCC_VERSION */
		{ 0x80000001, 0x80000000, 0 },		/* SMCCC_ARCH_FEATURES */
		{ 0x80000001, 0x80000001, 0 },
		{ 0x80000001, 0x80007fff, -1 },
		{ 0x80000001, 0x80000002, -1 },		/* SOC_ID */
		{ CALL_32(FEATURES), CALL_32(0), 0 },
		{ CALL_32(FEATURES), CALL_32(CPU_SUSPEND), 0 },
		{ CALL_32(FEATURES), CALL_64(CPU_SUSPEND), 0 },
		{ CALL_32(FEATURES), CALL_32(CPU_OFF), 0 },
		{ CALL_32(FEATURES), CALL_32(CPU_ON), 0 },
		{ CALL_32(FEATURES), CALL_64(CPU_ON), 0 },
		{ CALL_32(FEATURES), CALL_64(AFFINITY_INFO), 0 },
		{ CALL_32(FEATURES), CALL_32(SYSTEM_OFF), 0 },
		{ CALL_32(FEATURES), CALL_32(SYSTEM_RESET), 0 },
		{ CALL_32(FEATURES), CALL_64(SYSTEM_RESET2), 0 },
		{ CALL_32(FEATURES), 0x80000000, 0 },
		{ CALL_32(FEATURES), CALL_32(MIGRATE), -1 },
		{ CALL_32(FEATURES), CALL_64(SYSTEM_SUSPEND), -1 },
		{ CALL_32(FEATURES), CALL_64(CPU_OFF), -1 },
		{ CALL_32(FEATURES), 0x12345678, -1 },
	};
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		/* The upper halves of the registers mean nothing (DEN 0028). */
		s->v.regs.x[1] = 0xdead00000000ull | calls[i].arg;
		KUNIT_EXPECT_EQ_MSG(test, AXV_RESUME,
				    call(s, 0xbeef00000000ull | calls[i].id),
				    "call %#x of %#x", calls[i].id, calls[i].arg);
		KUNIT_EXPECT_EQ_MSG(test, calls[i].answer, (s64)s->v.regs.x[0],
				    "call %#x of %#x", calls[i].id, calls[i].arg);
	}
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NONE, s->run.exit_reason);
}

static void psci_test_cpu_on(struct kunit *test)
{
	struct subject *s = test->priv;

	s->v.regs.x[1] = 0x0c00040506ull;
	s->v.regs.x[2] = 0x1234567800001000ull;
	s->v.regs.x[3] = 0xfedcba9876543210ull;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, call(s, CALL_64(CPU_ON)));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_CPU_UP, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 4, s->run.insn_len);
	KUNIT_EXPECT_EQ(test, 0x0c00040506ull, s->run.exit.cpu_up.target_cpu);
	KUNIT_EXPECT_EQ(test, 0x1234567800001000ull, s->run.exit.cpu_up.entry_point);
	KUNIT_EXPECT_EQ(test, 0xfedcba9876543210ull, s->run.exit.cpu_up.arg);
	KUNIT_EXPECT_EQ(test, 0, s->v.regs.x[0]);

	KUNIT_EXPECT_EQ(test, AXV_EXIT, call(s, CALL_32(CPU_ON)));
	KUNIT_EXPECT_EQ(test, 0x040506, s->run.exit.cpu_up.target_cpu);
	KUNIT_EXPECT_EQ(test, 0x1000, s->run.exit.cpu_up.entry_point);
	KUNIT_EXPECT_EQ(test, 0x76543210, s->run.exit.cpu_up.arg);
}

/* The target has affinities only: MPIDR's RES1, U and MT must be zero (DEN 0022, CPU_ON). */
static void psci_test_cpu_on_refused(struct kunit *test)
{
	static const u64 targets[] = { BIT(31), BIT(30), BIT(24), BIT_ULL(40) };
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		s->v.regs.x[1] = targets[i] | 1;
		KUNIT_EXPECT_EQ(test, AXV_RESUME, call(s, CALL_64(CPU_ON)));
		KUNIT_EXPECT_EQ(test, PSCI_RET_INVALID_PARAMS, (s64)s->v.regs.x[0]);
	}
}

static void psci_test_cpu_off(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_EXIT, call(s, CALL_32(CPU_OFF)));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_CPU_DOWN, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 0, s->run.exit.cpu_down.state);
	/* The call returns only if it was refused. */
	KUNIT_EXPECT_EQ(test, PSCI_RET_DENIED, (s64)s->v.regs.x[0]);
}

static void psci_test_cpu_suspend(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_EXIT, call(s, CALL_64(CPU_SUSPEND)));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HALT, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 0, s->v.regs.x[0]);

	s->vm.base.flags = AXV_VM_HALT_IN_KERNEL;
	KUNIT_EXPECT_EQ(test, AXV_INTERRUPT, call(s, CALL_32(CPU_SUSPEND)));
	KUNIT_EXPECT_TRUE(test, s->v.events.halted);
}

static void psci_test_system(struct kunit *test)
{
	static const struct {
		u32 id;
		u64 arg;
		u32 type;
	} calls[] = {
		{ CALL_32(SYSTEM_OFF), 0, AXV_SYSTEM_DOWN_OFF },
		{ CALL_32(SYSTEM_RESET), 0, AXV_SYSTEM_DOWN_RESET },
		{ CALL_32(SYSTEM_RESET2), 0, AXV_SYSTEM_DOWN_RESET },
		{ CALL_64(SYSTEM_RESET2), 0, AXV_SYSTEM_DOWN_RESET },
		{ CALL_32(SYSTEM_RESET2), 0x100000000ull, AXV_SYSTEM_DOWN_RESET },
	};
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		s->run.exit_reason = AXV_EXIT_NONE;
		s->run.exit.system_down.type = ~0;
		s->v.regs.x[1] = calls[i].arg;
		KUNIT_EXPECT_EQ(test, AXV_EXIT, call(s, calls[i].id));
		KUNIT_EXPECT_EQ(test, AXV_EXIT_SYSTEM_DOWN, s->run.exit_reason);
		KUNIT_EXPECT_EQ(test, calls[i].type, s->run.exit.system_down.type);
		KUNIT_EXPECT_EQ(test, PSCI_RET_INTERNAL_FAILURE, (s64)s->v.regs.x[0]);
	}
	/* There are no resets that a vendor defines. */
	s->v.regs.x[1] = BIT(31);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, call(s, CALL_32(SYSTEM_RESET2)));
	KUNIT_EXPECT_EQ(test, PSCI_RET_INVALID_PARAMS, (s64)s->v.regs.x[0]);
}

/* Only the VMM knows which CPUs are on, so it gets such calls, and unknown ones as well. */
static void psci_test_others(struct kunit *test)
{
	static const u32 ids[] = { CALL_32(AFFINITY_INFO), CALL_64(AFFINITY_INFO),
				   CALL_32(MIGRATE), CALL_32(31), 0xc6000000, 0 };
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		KUNIT_EXPECT_EQ(test, AXV_EXIT, call(s, ids[i]));
		KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, s->run.exit_reason);
		KUNIT_EXPECT_EQ(test, ids[i], s->run.exit.hypercall.nr);
		KUNIT_EXPECT_EQ(test, ~0ull, s->v.regs.x[0]);
	}
}

static struct kunit_case psci_cases[] = {
	KUNIT_CASE(psci_test_answers),
	KUNIT_CASE(psci_test_cpu_on),
	KUNIT_CASE(psci_test_cpu_on_refused),
	KUNIT_CASE(psci_test_cpu_off),
	KUNIT_CASE(psci_test_cpu_suspend),
	KUNIT_CASE(psci_test_system),
	KUNIT_CASE(psci_test_others),
	{}
};

axv_test_suite("axvcpu-arm64-psci", psci_cases, .init = subject_init);
