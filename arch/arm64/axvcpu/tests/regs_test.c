// SPDX-License-Identifier: GPL-2.0
/*
 * Registers by their ids, and the run page: which registers there are, and which values
 * each may have.
 */
#include "subject.h"

#define ID(op0, op1, crn, crm, op2)	\
	AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(op0, op1, crn, crm, op2))
#define PSTATE		AXV_REG_ARM64(GPR, AXV_ARM64_PSTATE)

static int get(struct subject *s, u64 id, u64 *value)
{
	return AXV_CLAIMED(&s->v.base, axv_arm64_get_reg(&s->v.base, id, value));
}

static int set(struct subject *s, u64 id, u64 value)
{
	return AXV_CLAIMED(&s->v.base, axv_arm64_set_reg(&s->v.base, id, value));
}

static int get_fpu(struct subject *s, void *data, size_t size)
{
	return AXV_CLAIMED(&s->v.base, axv_arm64_get_fpu(&s->v.base, data, size));
}

static int set_fpu(struct subject *s, const void *data, size_t size)
{
	return AXV_CLAIMED(&s->v.base, axv_arm64_set_fpu(&s->v.base, data, size));
}

static int prepare_run(struct subject *s)
{
	return AXV_CLAIMED(&s->v.base, axv_arm64_prepare_run(&s->v.base));
}

static void store_run(struct subject *s)
{
	axv_test_claim(&s->v.base);
	axv_arm64_store_run(&s->v.base);
	axv_test_unclaim(&s->v.base);
}

static int sync_gprs(struct subject *s, u32 dirty, u32 want)
{
	return AXV_CLAIMED(&s->v.base, axv_arm64_sync_gprs(&s->v.base, dirty, want));
}

/* Every register of the list can be read, and takes a value that it has had. */
static void regs_test_list(struct kunit *test)
{
	struct subject *s = test->priv;
	u32 count = 0, room, i, k;
	u64 *ids, value;

	KUNIT_EXPECT_EQ(test, -E2BIG, axv_arm64_reg_list(&s->v, NULL, &count));
	KUNIT_ASSERT_GT(test, count, 0);
	ids = kunit_kcalloc(test, count, sizeof(*ids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ids);
	room = count - 1;
	KUNIT_EXPECT_EQ(test, -E2BIG, axv_arm64_reg_list(&s->v, ids, &room));
	KUNIT_EXPECT_EQ(test, 0, ids[0]);
	room = count;
	KUNIT_ASSERT_EQ(test, 0, axv_arm64_reg_list(&s->v, ids, &room));
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_EQ_MSG(test, 0, get(s, ids[i], &value), "id %#llx", ids[i]);
		KUNIT_EXPECT_EQ_MSG(test, 0, set(s, ids[i], value), "id %#llx", ids[i]);
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_NE(test, ids[k], ids[i]);
	}
}

static void regs_test_unknown(struct kunit *test)
{
	static const u64 ids[] = {
		AXV_REG_ARM64(GPR, AXV_ARM64_GPRS),
		AXV_REG_ID(AXV_REG_ARCH_X86, 0, 3, 0),
		AXV_REG_ID(AXV_REG_ARCH_ARM64, 0, 2, 0),
		AXV_REG_ID(AXV_REG_ARCH_ARM64, 0x7f, 3, 0),
		ID(3, 0, 2, 1, 0),		/* APIAKEYLO_EL1 */
		ID(3, 0, 1, 2, 0),		/* ZCR_EL1 */
		ID(3, 4, 1, 1, 0),		/* HCR_EL2 */
		ID(3, 3, 9, 12, 0),		/* PMCR_EL0 */
		AXV_REG_ARM64(SYSREG, 0x10000 | AXV_SYSREG(3, 0, 1, 0, 0)),
	};
	struct subject *s = test->priv;
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -ENOENT, get(s, ids[i], &value), "id %#llx", ids[i]);
		KUNIT_EXPECT_EQ_MSG(test, -ENOENT, set(s, ids[i], 0), "id %#llx", ids[i]);
	}
}

static void regs_test_readonly(struct kunit *test)
{
	struct subject *s = test->priv;
	u64 value;

	/* MPIDR_EL1: RES1, and what the vCPU was created with */
	KUNIT_EXPECT_EQ(test, 0, get(s, ID(3, 0, 0, 0, 5), &value));
	KUNIT_EXPECT_EQ(test, BIT(31) | 0x0300020001ull, value);
	KUNIT_EXPECT_EQ(test, -EPERM, set(s, ID(3, 0, 0, 0, 5), value));
	KUNIT_EXPECT_EQ(test, 0, get(s, ID(3, 0, 0, 4, 0), &value));
	KUNIT_EXPECT_EQ(test, -EPERM, set(s, ID(3, 0, 0, 4, 0), value));
}

/*
 * PSTATE may have a mode of EL0 or EL1 only: an exception return to any other would not
 * leave EL2.
 */
static void regs_test_pstate(struct kunit *test)
{
	struct subject *s = test->priv;
	unsigned int mode;
	u64 value;

	for (mode = 0; mode < 16; mode++) {
		int expected = mode == 0 || mode == 4 || mode == 5 ? 0 : -EINVAL;

		KUNIT_EXPECT_EQ_MSG(test, expected, set(s, PSTATE, mode), "mode %u", mode);
		/* The modes of AArch32: user alone, where there is one */
		expected = mode || !axv_arm64_host.el0_32 ? -EINVAL : 0;
		KUNIT_EXPECT_EQ_MSG(test, expected, set(s, PSTATE, 0x10 | mode),
				    "mode %u", 0x10 | mode);
	}
	KUNIT_EXPECT_EQ(test, 0, set(s, PSTATE, 0xf00003c5));
	KUNIT_EXPECT_EQ(test, -EINVAL, set(s, PSTATE, BIT_ULL(32) | 5));
	KUNIT_EXPECT_EQ(test, -EINVAL, set(s, PSTATE, BIT(27) | 5));
	KUNIT_EXPECT_EQ(test, 0, get(s, PSTATE, &value));
	KUNIT_EXPECT_EQ(test, 0xf00003c5, value);
}

static void regs_test_run_page(struct kunit *test)
{
	struct subject *s = test->priv;
	u64 old = s->v.regs.x[0];

	/* A set is loaded only if it is asked for, and if one is refused none is loaded. */
	s->run.regs.gprs.x[0] = 1;
	KUNIT_EXPECT_EQ(test, 0, prepare_run(s));
	KUNIT_EXPECT_EQ(test, old, s->v.regs.x[0]);
	s->run.regs.gprs.pstate = 8;
	s->run.regs.sregs.tpidr_el1 = 0x77;
	s->run.dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	KUNIT_EXPECT_EQ(test, -EINVAL, prepare_run(s));
	KUNIT_EXPECT_EQ(test, old, s->v.regs.x[0]);
	KUNIT_EXPECT_EQ(test, 0, s->v.sys[AXV_SYS_TPIDR_EL1]);
	s->run.dirty = BIT(2);
	KUNIT_EXPECT_EQ(test, -EINVAL, prepare_run(s));

	s->run.regs.gprs.pstate = PSR_MODE_EL0t;
	s->run.dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	KUNIT_EXPECT_EQ(test, 0, prepare_run(s));
	KUNIT_EXPECT_EQ(test, 0, s->run.dirty);
	KUNIT_EXPECT_EQ(test, 1, s->v.regs.x[0]);
	KUNIT_EXPECT_EQ(test, 0x77, s->v.sys[AXV_SYS_TPIDR_EL1]);

	memset(&s->run.regs, 0, sizeof(s->run.regs));
	s->run.want = AXV_RUN_SET_SREGS;
	store_run(s);
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_SREGS, s->run.valid);
	KUNIT_EXPECT_EQ(test, 0x77, s->run.regs.sregs.tpidr_el1);
	KUNIT_EXPECT_EQ(test, 0, s->run.regs.gprs.x[0]);
	s->run.want = AXV_RUN_SET_GPRS;
	store_run(s);
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, s->run.valid);
	KUNIT_EXPECT_EQ(test, 1, s->run.regs.gprs.x[0]);
}

static void regs_test_sync_gprs(struct kunit *test)
{
	struct subject *s = test->priv;
	struct axv_arm64_gprs *gprs = &s->run.regs.gprs;
	struct axv_arm64_gprs old = s->v.regs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gprs->x); i++)
		gprs->x[i] = 100 + i;
	gprs->sp_el0 = 200;
	gprs->pc = 201;
	gprs->pstate = 8;
	s->run.dirty = AXV_RUN_SET_GPRS;
	s->run.valid = AXV_RUN_SET_SREGS;
	KUNIT_EXPECT_EQ(test, -EINVAL, sync_gprs(s, AXV_RUN_SET_GPRS, AXV_RUN_SET_GPRS));
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, s->run.dirty);
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_SREGS, s->run.valid);
	KUNIT_EXPECT_EQ(test, 201, gprs->pc);
	KUNIT_EXPECT_EQ(test, 0, memcmp(&old, &s->v.regs, sizeof(old)));

	/* The caller's @dirty decides, not the page's, which the VMM may change meanwhile. */
	gprs->pstate = PSR_MODE_EL0t;
	KUNIT_EXPECT_EQ(test, 0, sync_gprs(s, 0, 0));
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, s->run.dirty);
	KUNIT_EXPECT_EQ(test, 0, s->run.valid);
	KUNIT_EXPECT_EQ(test, 0, memcmp(&old, &s->v.regs, sizeof(old)));

	/* Every register is copied, up to the last. */
	KUNIT_EXPECT_EQ(test, 0, sync_gprs(s, AXV_RUN_SET_GPRS, 0));
	KUNIT_EXPECT_EQ(test, 0, s->run.dirty);
	KUNIT_EXPECT_EQ(test, 0, memcmp(gprs, &s->v.regs, sizeof(*gprs)));
	memset(gprs, 0, sizeof(*gprs));
	KUNIT_EXPECT_EQ(test, 0, sync_gprs(s, 0, AXV_RUN_SET_GPRS));
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, s->run.valid);
	KUNIT_EXPECT_EQ(test, 0, memcmp(gprs, &s->v.regs, sizeof(*gprs)));
	KUNIT_EXPECT_EQ(test, 130, gprs->x[30]);
}

static void regs_test_fpu(struct kunit *test)
{
	struct subject *s = test->priv;
	struct axv_arm64_fpu *fpu = kunit_kzalloc(test, 2 * sizeof(*fpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fpu);
	memset(fpu, 0x5a, sizeof(*fpu));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_fpu(s, fpu, sizeof(*fpu)));
	fpu->pad = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, set_fpu(s, fpu, sizeof(*fpu) - 8));
	KUNIT_EXPECT_EQ(test, 0, set_fpu(s, fpu, sizeof(*fpu)));
	KUNIT_EXPECT_EQ(test, -EINVAL, get_fpu(s, fpu + 1, 8));
	KUNIT_EXPECT_EQ(test, 0, get_fpu(s, fpu + 1, sizeof(*fpu)));
	KUNIT_EXPECT_EQ(test, 0, memcmp(fpu, fpu + 1, sizeof(*fpu)));
}

static struct kunit_case regs_cases[] = {
	KUNIT_CASE(regs_test_list),
	KUNIT_CASE(regs_test_unknown),
	KUNIT_CASE(regs_test_readonly),
	KUNIT_CASE(regs_test_pstate),
	KUNIT_CASE(regs_test_run_page),
	KUNIT_CASE(regs_test_sync_gprs),
	KUNIT_CASE(regs_test_fpu),
	{}
};

axv_test_suite("axvcpu-arm64-regs", regs_cases, .init = subject_init);
