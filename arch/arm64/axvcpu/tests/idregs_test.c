// SPDX-License-Identifier: GPL-2.0
/*
 * ID registers: whatever a host has, a guest does not see features whose registers are
 * not switched.
 */
#include <linux/init.h>
#include <asm/cpufeature.h>

#include "subject.h"

static u64 test_ftr(u32 id);

static struct axv_arm64_host test_host;

#define axv_arm64_host		test_host
#define read_sanitised_ftr_reg	test_ftr
#define axv_arm64_idregs_init	test_idregs_init
#define axv_arm64_id_reg	test_id_reg
#undef __init
#define __init
#undef __ro_after_init
#define __ro_after_init

static void test_idregs_init(void);
static bool test_id_reg(const struct axv_arm64_vcpu *v, u32 sysreg, u64 *value);

#include "../idregs.c"

/* The value of all ID registers of the host */
static u64 ftr_value;

static u64 test_ftr(u32 id)
{
	return ftr_value;
}

static void host_has(u64 value, bool el0_32)
{
	memset(id_values, 0, sizeof(id_values));
	ftr_value = value;
	test_host.el0_32 = el0_32;
	test_idregs_init();
}

static u64 id(struct kunit *test, unsigned int crm, unsigned int op2)
{
	struct subject *s = test->priv;
	u64 value = 0xbad;

	KUNIT_EXPECT_TRUE(test, test_id_reg(&s->v, AXV_SYSREG(3, 0, 0, crm, op2), &value));
	return value;
}

#define FIELD(reg, shift)	(((reg) >> (shift)) & 0xf)

static void idregs_test_hidden(struct kunit *test)
{
	static const struct {
		u8 crm, op2, shift;
		const char *name;
	} fields[] = {
		{ 4, 0, 8, "EL2" }, { 4, 0, 12, "EL3" }, { 4, 0, 24, "GIC" },
		{ 4, 0, 28, "RAS" }, { 4, 0, 32, "SVE" }, { 4, 0, 36, "SEL2" },
		{ 4, 0, 40, "MPAM" }, { 4, 0, 44, "AMU" }, { 4, 0, 52, "RME" },
		{ 4, 1, 8, "MTE" }, { 4, 1, 12, "RAS_frac" }, { 4, 1, 16, "MPAM_frac" },
		{ 4, 1, 24, "SME" }, { 4, 1, 28, "RNDR_trap" }, { 4, 1, 36, "NMI" },
		{ 4, 1, 40, "MTE_frac" }, { 4, 1, 44, "GCS" }, { 4, 1, 48, "THE" },
		{ 4, 4, 0, "SVEver" }, { 4, 5, 32, "SMEver" },
		{ 5, 0, 4, "TraceVer" }, { 5, 0, 8, "PMUVer" }, { 5, 0, 32, "PMSVer" },
		{ 5, 0, 40, "TraceFilt" }, { 5, 0, 44, "TraceBuffer" }, { 5, 0, 52, "BRBE" },
		{ 6, 0, 24, "TME" },
		{ 6, 1, 4, "APA" }, { 6, 1, 8, "API" }, { 6, 1, 24, "GPA" },
		{ 6, 1, 28, "GPI" }, { 6, 1, 56, "XS" }, { 6, 1, 60, "LS64" },
		{ 6, 2, 0, "WFxT" }, { 6, 2, 8, "GPA3" }, { 6, 2, 12, "APA3" },
		{ 6, 2, 16, "MOPS" },
		{ 7, 0, 56, "FGT" }, { 7, 0, 60, "ECV" },
		{ 7, 1, 4, "VMIDBits" }, { 7, 1, 8, "VH" }, { 7, 1, 16, "LO" },
		{ 7, 1, 40, "HCX" }, { 7, 1, 52, "TIDCP1" },
		{ 7, 2, 0, "CnP" }, { 7, 2, 24, "NV" }, { 7, 2, 40, "FWB" }, { 7, 2, 56, "EVT" },
		{ 7, 3, 16, "S1POE" }, { 7, 3, 8, "S1PIE" },
	};
	unsigned int i;

	host_has(~0ull, false);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    FIELD(id(test, fields[i].crm, fields[i].op2), fields[i].shift),
				    "%s", fields[i].name);
	/* ID registers that are not assigned yet read as zero. */
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_EQ(test, 0, id(test, 1, i));
		KUNIT_EXPECT_EQ(test, 0, id(test, 5, i) & (i ? ~0ull : 0));
		if (i > 1)
			KUNIT_EXPECT_EQ(test, 0, id(test, 4, i));
		if (i > 2)
			KUNIT_EXPECT_EQ(test, 0, id(test, 6, i) | id(test, 7, i));
	}
}

/* A feature that needs no switching is there if the host has it. */
static void idregs_test_shown(struct kunit *test)
{
	host_has(~0ull, false);
	KUNIT_EXPECT_EQ(test, 0xf, FIELD(id(test, 4, 0), 16));	/* FP */
	KUNIT_EXPECT_EQ(test, 0xf, FIELD(id(test, 4, 0), 20));	/* AdvSIMD */
	KUNIT_EXPECT_EQ(test, 0xf, FIELD(id(test, 6, 0), 20));	/* Atomic */
	KUNIT_EXPECT_EQ(test, 0xf, FIELD(id(test, 6, 0), 4));	/* AES */
	KUNIT_EXPECT_EQ(test, 0xf, FIELD(id(test, 6, 1), 20));	/* LRCPC */
	KUNIT_EXPECT_EQ(test, 0xf, FIELD(id(test, 7, 1), 20));	/* PAN */
	/* CSV2, HAFDBS and VARange, up to where they promise more registers */
	KUNIT_EXPECT_EQ(test, 1, FIELD(id(test, 4, 0), 56));
	KUNIT_EXPECT_EQ(test, 2, FIELD(id(test, 7, 1), 0));
	KUNIT_EXPECT_EQ(test, 1, FIELD(id(test, 7, 2), 16));
	/* EL1 is AArch64 whatever the host's is; debug is Armv8.0's. */
	KUNIT_EXPECT_EQ(test, 1, FIELD(id(test, 4, 0), 4));
	KUNIT_EXPECT_EQ(test, 6, FIELD(id(test, 5, 0), 0));

	host_has(0, false);
	KUNIT_EXPECT_EQ(test, 1 << 4, id(test, 4, 0));
	/* A count of 0 in DFR0 means one; 0xf: no DoubleLock. */
	KUNIT_EXPECT_EQ(test, 6 | 1 << 12 | 1 << 20 | 0xfull << 36, id(test, 5, 0));
	KUNIT_EXPECT_EQ(test, 0, id(test, 4, 1) | id(test, 6, 0) | id(test, 6, 1) |
				 id(test, 6, 2) | id(test, 7, 0) | id(test, 7, 1) |
				 id(test, 7, 2));
}

static void idregs_test_aarch32(struct kunit *test)
{
	host_has(0x1234, true);
	KUNIT_EXPECT_EQ(test, 0x1234, id(test, 1, 0));
	KUNIT_EXPECT_EQ(test, 0x1234, id(test, 2, 7));
	/* No debug nor PMU of AArch32 */
	KUNIT_EXPECT_EQ(test, 0, id(test, 1, 2));
	host_has(0x1234, false);
	KUNIT_EXPECT_EQ(test, 0, id(test, 1, 0));
}

/* PARange: as wide as the VM's addresses, and not wider than the host's. */
static void idregs_test_pa_range(struct kunit *test)
{
	static const struct {
		u8 host, ipa_bits, range;
	} cases[] = {
		{ 5, 32, 0 }, { 5, 33, 1 }, { 5, 36, 1 }, { 5, 39, 2 }, { 5, 40, 2 },
		{ 5, 42, 3 }, { 5, 44, 4 }, { 5, 48, 5 }, { 6, 48, 5 }, { 2, 48, 2 },
		{ 0, 48, 0 },
	};
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		host_has(cases[i].host, false);
		s->vm.base.ipa_bits = cases[i].ipa_bits;
		KUNIT_EXPECT_EQ_MSG(test, cases[i].range, id(test, 7, 0) & 0xf,
				    "host %u, %u bits", cases[i].host, cases[i].ipa_bits);
	}
}

static void idregs_test_others(struct kunit *test)
{
	struct subject *s = test->priv;
	u64 value;

	/*
	 * MIDR, MPIDR and REVIDR, and registers with CRn 1, are not trapped by
	 * HCR_EL2.TID3.
	 */
	KUNIT_EXPECT_FALSE(test, test_id_reg(&s->v, AXV_SYSREG(3, 0, 0, 0, 0), &value));
	KUNIT_EXPECT_FALSE(test, test_id_reg(&s->v, AXV_SYSREG(3, 0, 0, 0, 6), &value));
	KUNIT_EXPECT_FALSE(test, test_id_reg(&s->v, AXV_SYSREG(3, 0, 0, 8, 0), &value));
	KUNIT_EXPECT_FALSE(test, test_id_reg(&s->v, AXV_SYSREG(3, 0, 1, 0, 0), &value));
	KUNIT_EXPECT_FALSE(test, test_id_reg(&s->v, AXV_SYSREG(3, 1, 0, 0, 1), &value));
	KUNIT_EXPECT_FALSE(test, test_id_reg(&s->v, 0, &value));
}

static struct kunit_case idregs_cases[] = {
	KUNIT_CASE(idregs_test_hidden),
	KUNIT_CASE(idregs_test_shown),
	KUNIT_CASE(idregs_test_aarch32),
	KUNIT_CASE(idregs_test_pa_range),
	KUNIT_CASE(idregs_test_others),
	{}
};

axv_test_suite("axvcpu-arm64-idregs", idregs_cases, .init = subject_init);
