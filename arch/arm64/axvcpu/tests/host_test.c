// SPDX-License-Identifier: GPL-2.0
/*
 * How an exit protects the host from branches that a guest has trained, and which traps a
 * CPU needs for the features it has.
 */
#include <linux/arm-smccc.h>
#include <linux/version.h>
#include <asm/cputype.h>
#include <asm/kvm_arm.h>

#include <axvcpu/compat.h>

#include "subject.h"

/* The choice is in the kernel's order of preference (spectre_bhb_enable_mitigation()). */
static void host_test_hardening(struct kunit *test)
{
	static const struct {
		struct axv_arm64_speculation cpu;
		u64 harden;
	} cpus[] = {
		/*
		 * Against targets: the firmware's call, the one that handles the history,
		 * too, if it is there
		 */
		{ { .model = MIDR_CORTEX_A72, .call1 = true, .call3 = true },
		  ARM_SMCCC_ARCH_WORKAROUND_3 },
		{ { .model = MIDR_CORTEX_A72, .call1 = true }, ARM_SMCCC_ARCH_WORKAROUND_1 },
		{ { .model = MIDR_CORTEX_A72 }, 8 },
		/* Against the history alone: the firmware's call comes last */
		{ { .model = MIDR_NEOVERSE_N1, .csv2 = 1, .call3 = true }, 24 },
		{ { .model = MIDR_NEOVERSE_N1, .csv2 = 1, .clrbhb = true, .call3 = true },
		  AXV_HARDEN_CLRBHB },
		{ { .csv2 = 1, .call1 = true, .call3 = true }, ARM_SMCCC_ARCH_WORKAROUND_3 },
		{ { .csv2 = 1, .call1 = true }, AXV_HARDEN_NOTHING },
		{ { .csv2 = 3, .clrbhb = true, .call3 = true }, AXV_HARDEN_NOTHING },
		{ { .csv2 = 1, .ecbhb = true, .clrbhb = true, .call3 = true },
		  AXV_HARDEN_NOTHING },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpus); i++)
		KUNIT_EXPECT_EQ_MSG(test, cpus[i].harden,
				    axv_arm64_choose_hardening(&cpus[i].cpu), "CPU %u", i);
}

/* The traps follow the CPU that is entered, not the one that loaded the module. */
static void host_test_traps_of_a_cpu(struct kunit *test)
{
	const u64 ras = 1ull << 28, mte = 1ull << 8;

	KUNIT_EXPECT_EQ(test, 0, axv_arm64_cpu_traps(~(0xfull << 28), ~(0xfull << 8)));
	KUNIT_EXPECT_EQ(test, HCR_TEA | HCR_TERR, axv_arm64_cpu_traps(ras, mte));
	KUNIT_EXPECT_EQ(test, HCR_TEA | HCR_TERR | HCR_TID5,
			axv_arm64_cpu_traps(2 * ras, 2 * mte));
	KUNIT_EXPECT_EQ(test, HCR_TID5, axv_arm64_cpu_traps(0, 3 * mte));
}

/*
 * True for kernels whose booting.rst promises FGT2.  Stable series got that text later,
 * when 6.13 had ended.
 */
static void host_test_fgt2_is_promised(struct kunit *test)
{
	static const struct {
		u32 version;
		bool promised;
	} kernels[] = {
		{ KERNEL_VERSION(6, 1, 255), false },	{ KERNEL_VERSION(6, 12, 24), false },
		{ KERNEL_VERSION(6, 12, 25), true },	{ KERNEL_VERSION(6, 12, 255), true },
		{ KERNEL_VERSION(6, 13, 0), false },	{ KERNEL_VERSION(6, 13, 12), false },
		{ KERNEL_VERSION(6, 14, 0), false },	{ KERNEL_VERSION(6, 14, 3), false },
		{ KERNEL_VERSION(6, 14, 4), true },	{ KERNEL_VERSION(6, 15, 0), true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kernels); i++)
		KUNIT_EXPECT_EQ_MSG(test, kernels[i].promised,
				    AXV_FGT2_IS_PROMISED_BY(kernels[i].version),
				    "kernel %#x", kernels[i].version);
}

static struct kunit_case host_cases[] = {
	KUNIT_CASE(host_test_hardening),
	KUNIT_CASE(host_test_traps_of_a_cpu),
	KUNIT_CASE(host_test_fgt2_is_promised),
	{}
};

axv_test_suite("axvcpu-arm64-host", host_cases);
