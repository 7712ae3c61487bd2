// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs: which exist, which values are legal, whether the kernel or the VMM answers.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../events.h"
#include "../msr.h"
#include "../tsc.h"
#include "fake_hw.h"

#define GP_PENDING	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | \
			 AXV_X86_EVENT_ERROR_VALID | X86_TRAP_GP)

static int msr_init(struct kunit *test)
{
	struct fake_vcpu *f = fake_vcpu_new(test);

	f->x.cr0 |= X86_CR0_PE;
	test->priv = f;
	return 0;
}

static void msr_exit(struct kunit *test)
{
	if (test->priv)
		fake_vcpu_free(test->priv);
}

/* The guest reads.  True, with *@value; false: it gets #GP. */
static bool guest_reads(struct kunit *test, u32 msr, u64 *value)
{
	struct fake_vcpu *f = test->priv;
	u64 rip = f->x.regs.rip;

	f->x.regs.gpr[AXV_X86_RAX] = ~0ull;
	f->x.regs.gpr[AXV_X86_RDX] = ~0ull;
	f->x.regs.gpr[AXV_X86_RCX] = 0xffffffff00000000 | msr;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_rdmsr(&f->x, 2));
	if (f->x.events.exception) {
		KUNIT_EXPECT_EQ(test, GP_PENDING, f->x.events.exception);
		KUNIT_EXPECT_EQ(test, rip, f->x.regs.rip);
		KUNIT_EXPECT_EQ(test, ~0ull, f->x.regs.gpr[AXV_X86_RAX]);
		axv_x86_events_reset(&f->x);
		return false;
	}
	KUNIT_EXPECT_EQ(test, rip + 2, f->x.regs.rip);
	KUNIT_EXPECT_EQ(test, 0, f->x.regs.gpr[AXV_X86_RAX] >> 32);
	KUNIT_EXPECT_EQ(test, 0, f->x.regs.gpr[AXV_X86_RDX] >> 32);
	*value = f->x.regs.gpr[AXV_X86_RAX] |
		 f->x.regs.gpr[AXV_X86_RDX] << 32;
	return true;
}

static bool guest_writes(struct kunit *test, u32 msr, u64 value)
{
	struct fake_vcpu *f = test->priv;
	u64 rip = f->x.regs.rip;

	f->x.regs.gpr[AXV_X86_RAX] = 0xabcd000000000000 | (u32)value;
	f->x.regs.gpr[AXV_X86_RDX] = 0xabcd000000000000 | value >> 32;
	f->x.regs.gpr[AXV_X86_RCX] = msr;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_x86_wrmsr(&f->x, 2));
	if (f->x.events.exception) {
		KUNIT_EXPECT_EQ(test, GP_PENDING, f->x.events.exception);
		KUNIT_EXPECT_EQ(test, rip, f->x.regs.rip);
		axv_x86_events_reset(&f->x);
		return false;
	}
	KUNIT_EXPECT_EQ(test, rip + 2, f->x.regs.rip);
	return true;
}

/* Default deny: the guest has none of these MSRs of the host. */
static void msr_test_unknown(struct kunit *test)
{
	static const u32 unknown[] = {
		MSR_IA32_PLATFORM_ID, MSR_IA32_APICBASE,
		MSR_IA32_SMM_MONITOR_CTL, MSR_IA32_MCG_CTL, MSR_IA32_MC0_CTL,
		MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_FLUSH_CMD,
		MSR_IA32_PERFCTR0, MSR_IA32_TSC_DEADLINE, MSR_IA32_XSS,
		MSR_IA32_XFD, MSR_IA32_VMX_BASIC, 0x800, 0x40000000, 0x4b564d00,
		0x4b564d01, MSR_K7_EVNTSEL0, MSR_K8_TOP_MEM1, MSR_K8_TSEG_ADDR,
		MSR_VM_CR, MSR_VM_HSAVE_PA, MSR_AMD64_VIRT_SPEC_CTRL,
		MSR_AMD64_LS_CFG, MSR_AMD64_IBSCTL, MSR_AMD64_TSC_RATIO,
		MSR_AMD64_SEV, 0xffffffff,
	};
	u64 value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		KUNIT_EXPECT_FALSE_MSG(test, guest_reads(test, unknown[i], &value),
				       "MSR %x", unknown[i]);
		KUNIT_EXPECT_FALSE_MSG(test, guest_writes(test, unknown[i], 0),
				       "MSR %x", unknown[i]);
	}
}

/**
 * struct msr_case - a value the guest writes
 * @msr:	number
 * @value:	value
 * @good:	it is taken, and reads back
 */
struct msr_case {
	u32 msr;
	u64 value;
	bool good;
};

static const struct msr_case msr_values[] = {
	{ MSR_FS_BASE, 0x7fffffffffff, true },
	{ MSR_FS_BASE, 1ull << 62, false },
	{ MSR_GS_BASE, 0xffff800000000000, true },
	{ MSR_GS_BASE, 1ull << 62, false },
	{ MSR_KERNEL_GS_BASE, 1ull << 62, false },
	{ MSR_LSTAR, 0xffffffff81000000, true },
	{ MSR_LSTAR, 1ull << 62, false },
	{ MSR_CSTAR, 1ull << 62, false },
	{ MSR_STAR, ~0ull, true },
	{ MSR_SYSCALL_MASK, 0xffffffff, true },
	{ MSR_SYSCALL_MASK, 1ull << 32, false },
	{ MSR_IA32_SYSENTER_CS, 0x10, true },
	{ MSR_IA32_SYSENTER_ESP, 1ull << 62, false },
	{ MSR_IA32_SYSENTER_EIP, 1ull << 62, false },
	{ MSR_IA32_CR_PAT, 0x0407050600070106, true },
	{ MSR_IA32_CR_PAT, 2, false },
	{ MSR_IA32_CR_PAT, 3ull << 56, false },
	{ MSR_IA32_CR_PAT, 8, false },
	{ MSR_IA32_CR_PAT, 0x80, false },
	{ MSR_MTRRdefType, 0xc06, true },
	{ MSR_MTRRdefType, 2, false },
	{ MSR_MTRRdefType, 8, false },
	{ MSR_MTRRdefType, 1ull << 12, false },
	{ MSR_MTRRfix64K_00000, 0x0606060606060606, true },
	{ MSR_MTRRfix4K_F8000, 0x0706060606060606, false },
	{ 0x200, 0x80000006, true },
	{ 0x200, 0x80000002, false },
	{ 0x200, 0x80000106, false },
	{ 0x201, 0xfff80000800, true },
	{ 0x20f, 0x400, false },
	{ 0x20e, 1ull << 63, false },
	{ 0x210, 0, false },
	{ 0xfe, 0x508, false },
	{ MSR_IA32_MISC_ENABLE, 0x1801, true },
	{ MSR_IA32_MISC_ENABLE, 1ull << 18, false },
	{ MSR_IA32_DEBUGCTLMSR, 0, true },
	{ MSR_IA32_DEBUGCTLMSR, 1, false },
	{ MSR_IA32_DEBUGCTLMSR, 2, false },
	{ MSR_EFER, EFER_SVME, false },
	{ MSR_EFER, 1ull << 63, false },
	{ MSR_EFER, 1ull << 1, false },
	{ MSR_IA32_PRED_CMD, 2, false },
	{ MSR_IA32_SPEC_CTRL, 1ull << 63, false },
	{ MSR_AMD64_SYSCFG, 0, true },
	{ MSR_AMD64_SYSCFG, 1ull << 23, false },
	{ MSR_K7_HWCR, 1ull << 24, true },
	{ MSR_K7_HWCR, 1ull << 0, false },
	{ MSR_AMD64_NB_CFG, 1, false },
	{ 0xc0010055, 1, false },
	{ MSR_AMD64_PATCH_LEVEL, 1, false },
};

static void msr_test_values(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	unsigned int i;
	u64 value;

	/* A processor with 44 bits, whatever the host has. */
	f->x.caps.phys_bits = 44;
	for (i = 0; i < ARRAY_SIZE(msr_values); i++) {
		const struct msr_case *c = &msr_values[i];

		KUNIT_EXPECT_EQ_MSG(test, c->good,
				    guest_writes(test, c->msr, c->value),
				    "MSR %x = %llx", c->msr, c->value);
		if (!c->good)
			continue;
		KUNIT_EXPECT_TRUE(test, guest_reads(test, c->msr, &value));
		KUNIT_EXPECT_EQ_MSG(test, c->value, value, "MSR %x", c->msr);
	}
}

static void msr_test_efer(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	f->x.caps.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_EFER, EFER_LME | EFER_NX));
	KUNIT_EXPECT_EQ(test, EFER_LME | EFER_NX, f->x.efer);
	/* The guest cannot write LMA. */
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_EFER, EFER_LME | EFER_LMA));
	KUNIT_EXPECT_EQ(test, EFER_LME, f->x.efer);

	f->x.cr0 |= X86_CR0_PG;
	f->x.efer = EFER_LME | EFER_LMA;
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_EFER, 0));
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_EFER, EFER_LME | EFER_SCE));
	KUNIT_EXPECT_EQ(test, EFER_LME | EFER_LMA | EFER_SCE, f->x.efer);

	/* A bit that the guest's CPUID table does not allow is refused. */
	f->x.caps.efer = EFER_LME | EFER_LMA;
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_EFER, EFER_LME | EFER_NX));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_STAR, 0));
}

/* MSRs come and go with the CPUID bits that promise them. */
static void msr_test_caps(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u64 value;

	f->x.caps = (struct axv_x86_caps){ .phys_bits = 40 };
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_TSC_AUX, &value));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_TSC_AUX, 0));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_LSTAR, &value));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_FS_BASE, &value));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_MTRRcap, &value));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_MTRRdefType, &value));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_IA32_SPEC_CTRL, &value));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_IA32_PRED_CMD, 0));

	f->x.caps.tsc_aux = true;
	f->x.caps.mtrr = true;
	f->x.caps.ibpb = true;
	f->x.caps.spec_ctrl = SPEC_CTRL_IBRS;
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_TSC_AUX, 0xffffffff));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_TSC_AUX, 1ull << 32));
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_TSC_AUX, &value));
	KUNIT_EXPECT_EQ(test, 0xffffffff, value);
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_MTRRcap, &value));
	KUNIT_EXPECT_EQ(test, 0x508, value);
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_IA32_SPEC_CTRL, 1));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_IA32_SPEC_CTRL, 2));
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_IA32_PRED_CMD, 0));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_IA32_PRED_CMD, &value));
}

static void msr_test_arch_caps(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u64 host = axv_x86_host.arch_caps, value;

	axv_x86_host.arch_caps = ARCH_CAP_MDS_NO | ARCH_CAP_GDS_NO;
	f->x.caps.arch_caps = true;
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_ARCH_CAPABILITIES,
					    &value));
	KUNIT_EXPECT_EQ(test, ARCH_CAP_MDS_NO | ARCH_CAP_GDS_NO, value);
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_IA32_ARCH_CAPABILITIES,
					      value));
	axv_x86_host.arch_caps = host;
}

static void msr_test_tsc(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u64 first, second;

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_msr(&f->x, MSR_IA32_TSC,
						 1ull << 40, true));
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_TSC, &first));
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_TSC, &second));
	KUNIT_EXPECT_GE(test, first, 1ull << 40);
	KUNIT_EXPECT_LT(test, first, 1ull << 41);
	KUNIT_EXPECT_GE(test, second, first);
	KUNIT_EXPECT_GE(test, axv_x86_get_counter(&f->vm.base), second);
}

/* See SDM vol. 3B, "IA32_TSC_ADJUST Register Support". */
static void msr_test_tsc_adjust(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u64 clock, first, value;

	axv_x86_set_counter(&f->vm.base, 1ull << 40);
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_IA32_TSC, 1ull << 50));
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_TSC, &first));
	KUNIT_EXPECT_GE(test, first, 1ull << 50);
	KUNIT_EXPECT_LT(test, first, 1ull << 51);
	/* The other vCPUs' time is as it was. */
	clock = axv_x86_get_counter(&f->vm.base);
	KUNIT_EXPECT_GE(test, clock, 1ull << 40);
	KUNIT_EXPECT_LT(test, clock, 1ull << 41);

	f->x.caps.tsc_adjust = true;
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_TSC_ADJUST, &value));
	KUNIT_EXPECT_EQ(test, f->x.tsc_adjust, value);
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_IA32_TSC_ADJUST, 0));
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_TSC, &value));
	KUNIT_EXPECT_LT(test, value, 1ull << 41);
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_IA32_TSC_ADJUST, -1ull << 39));
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_TSC, &value));
	KUNIT_EXPECT_GE(test, value, 1ull << 39);
	KUNIT_EXPECT_LT(test, value, 1ull << 40);

	/* What the VMM sets is what this vCPU reads. */
	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_msr(&f->x, MSR_IA32_TSC, 1ull << 52,
						 true));
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_TSC, &value));
	KUNIT_EXPECT_GE(test, value, 1ull << 52);
	KUNIT_EXPECT_LT(test, value, 1ull << 53);

	/* Without TSC_ADJUST in CPUID the guest does not have it, but the VMM does. */
	f->x.caps.tsc_adjust = false;
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_IA32_TSC_ADJUST, &value));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_IA32_TSC_ADJUST, 0));
	KUNIT_EXPECT_EQ(test, 0, axv_x86_get_msr(&f->x, MSR_IA32_TSC_ADJUST,
						 &value));
	KUNIT_EXPECT_EQ(test, -1ull << 39, value);
	axv_x86_vcpu_reset(&f->x);
	KUNIT_EXPECT_EQ(test, 0, f->x.tsc_adjust);
}

static void msr_test_machine_check(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u64 value;

	f->x.caps.mce = false;
	f->x.caps.mca = false;
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_IA32_MCG_CAP, &value));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_IA32_MCG_STATUS, &value));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_IA32_MCG_STATUS, 0));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_IA32_P5_MC_TYPE, &value));

	f->x.caps.mce = true;
	f->x.caps.mca = true;
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_MCG_CAP, &value));
	KUNIT_EXPECT_EQ(test, 0, value);
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_IA32_MCG_CAP, 0));
	KUNIT_EXPECT_TRUE(test, guest_writes(test, MSR_IA32_MCG_STATUS, 7));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, MSR_IA32_MCG_STATUS, 8));
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_MCG_STATUS, &value));
	KUNIT_EXPECT_EQ(test, 7, value);
	KUNIT_EXPECT_TRUE(test, guest_reads(test, MSR_IA32_P5_MC_ADDR, &value));
	KUNIT_EXPECT_EQ(test, 0, value);
	/* There are no banks. */
	KUNIT_EXPECT_FALSE(test, guest_reads(test, MSR_IA32_MC0_STATUS, &value));
}

/* The host's TSC starts again after a suspend; the guests' go on. */
static void msr_test_tsc_after_suspend(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u64 lost = axv_x86_tsc_lost, before, offset;

	axv_x86_set_counter(&f->vm.base, 1ull << 40);
	offset = axv_x86_tsc_offset(&f->x);
	before = axv_x86_get_counter(&f->vm.base);

	axv_x86_tsc_resumed(1ull << 50, 1000);
	KUNIT_EXPECT_EQ(test, offset + (1ull << 50) - 1000,
			axv_x86_tsc_offset(&f->x));
	KUNIT_EXPECT_GE(test, axv_x86_get_counter(&f->vm.base),
			before + (1ull << 50) - 1000);
	/* A counter that is set after that reads what was set. */
	axv_x86_set_counter(&f->vm.base, 5);
	KUNIT_EXPECT_LT(test, axv_x86_get_counter(&f->vm.base), 1ull << 40);

	/* A TSC that kept counting lost nothing. */
	offset = axv_x86_tsc_offset(&f->x);
	axv_x86_tsc_resumed(1000, 2000);
	KUNIT_EXPECT_EQ(test, offset, axv_x86_tsc_offset(&f->x));
	axv_x86_tsc_lost = lost;
}

/* The list has what can be saved and restored, once, and no more. */
static void msr_test_list(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u32 i, j, msr, other, with;
	u64 value;

	for (i = 0; !axv_x86_msr_list(&f->x, i, &msr); i++) {
		KUNIT_ASSERT_LT(test, i, 100);
		KUNIT_EXPECT_NE(test, MSR_IA32_TSC, msr);
		KUNIT_EXPECT_EQ_MSG(test, 0, axv_x86_get_msr(&f->x, msr, &value),
				    "MSR %x", msr);
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    axv_x86_set_msr(&f->x, msr, value, true),
				    "MSR %x", msr);
		for (j = 0; j < i; j++) {
			KUNIT_EXPECT_EQ(test, 0,
					axv_x86_msr_list(&f->x, j, &other));
			KUNIT_EXPECT_NE(test, other, msr);
		}
	}
	with = i;
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_x86_msr_list(&f->x, ~0u, &msr));

	f->x.caps.mtrr = true;
	f->x.caps.tsc_aux = true;
	for (i = 0; !axv_x86_msr_list(&f->x, i, &msr); i++)
		;
	KUNIT_EXPECT_GE(test, i, with);
	with = i;
	f->x.caps.mtrr = false;
	f->x.caps.tsc_aux = false;
	for (i = 0; !axv_x86_msr_list(&f->x, i, &msr); i++)
		;
	/* Default type, 11 fixed, 8 pairs; and TSC_AUX. */
	KUNIT_EXPECT_EQ(test, with - (1 + 11 + 16) - 1, i);
}

static const struct axv_x86_msr_policy unsorted[] = {
	{ 0xc0000000, 0xc0000fff, AXV_X86_MSR_EXIT, AXV_X86_MSR_KERNEL },
	{ 0x10, 0x10, AXV_X86_MSR_FAULT, AXV_X86_MSR_EXIT },
	{ 0xfffffff0, 0xffffffff, AXV_X86_MSR_KERNEL, AXV_X86_MSR_FAULT },
	{ 0, 0xf, AXV_X86_MSR_EXIT, AXV_X86_MSR_FAULT },
};

static void msr_test_policy(struct kunit *test)
{
	static const struct {
		u32 msr;
		u32 read;
		u32 write;
	} expected[] = {
		{ 0, AXV_X86_MSR_EXIT, AXV_X86_MSR_FAULT },
		{ 0xf, AXV_X86_MSR_EXIT, AXV_X86_MSR_FAULT },
		{ 0x10, AXV_X86_MSR_FAULT, AXV_X86_MSR_EXIT },
		{ 0x11, AXV_X86_MSR_KERNEL, AXV_X86_MSR_KERNEL },
		{ 0xbfffffff, AXV_X86_MSR_KERNEL, AXV_X86_MSR_KERNEL },
		{ 0xc0000000, AXV_X86_MSR_EXIT, AXV_X86_MSR_KERNEL },
		{ 0xc0000fff, AXV_X86_MSR_EXIT, AXV_X86_MSR_KERNEL },
		{ 0xc0001000, AXV_X86_MSR_KERNEL, AXV_X86_MSR_KERNEL },
		{ 0xffffffff, AXV_X86_MSR_KERNEL, AXV_X86_MSR_FAULT },
	};
	struct fake_vcpu *f = test->priv;
	struct axv_x86_msr_policy got[4];
	u32 count = 3;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_policy(&f->vm, unsorted, 4));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		KUNIT_EXPECT_EQ(test, expected[i].read,
				axv_x86_msr_action(&f->vm, expected[i].msr,
						   false));
		KUNIT_EXPECT_EQ(test, expected[i].write,
				axv_x86_msr_action(&f->vm, expected[i].msr,
						   true));
	}
	KUNIT_EXPECT_EQ(test, -E2BIG, axv_x86_get_policy(&f->vm, got, &count));
	KUNIT_EXPECT_EQ(test, 4, count);
	KUNIT_EXPECT_EQ(test, 0, axv_x86_get_policy(&f->vm, got, &count));
	KUNIT_EXPECT_EQ(test, 0, got[0].first);
	KUNIT_EXPECT_EQ(test, 0xfffffff0, got[3].first);

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_policy(&f->vm, NULL, 0));
	KUNIT_EXPECT_EQ(test, AXV_X86_MSR_KERNEL,
			axv_x86_msr_action(&f->vm, 0x10, false));
	count = 0;
	KUNIT_EXPECT_EQ(test, 0, axv_x86_get_policy(&f->vm, NULL, &count));
	KUNIT_EXPECT_EQ(test, 0, count);
}

static void msr_test_policy_refused(struct kunit *test)
{
	static const struct axv_x86_msr_policy bad[][2] = {
		{ { 2, 1, 0, 0 }, { 5, 5, 0, 0 } },
		{ { 1, 1, 3, 0 }, { 5, 5, 0, 0 } },
		{ { 1, 1, 0, 3 }, { 5, 5, 0, 0 } },
		{ { 1, 5, 0, 0 }, { 5, 6, 0, 0 } },
		{ { 5, 6, 0, 0 }, { 1, 5, 0, 0 } },
		{ { 1, 9, 0, 0 }, { 2, 3, 0, 0 } },
		{ { 1, 1, 0, 0 }, { 1, 1, 0, 0 } },
	};
	struct fake_vcpu *f = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_policy(&f->vm, unsorted, 4));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    axv_x86_set_policy(&f->vm, bad[i], 2),
				    "policy %u", i);
	KUNIT_EXPECT_EQ(test, -E2BIG,
			axv_x86_set_policy(&f->vm, unsorted,
					   AXV_MSR_POLICY_MAX + 1));
	/* The old policy is still there. */
	KUNIT_EXPECT_EQ(test, AXV_X86_MSR_FAULT,
			axv_x86_msr_action(&f->vm, 0x10, false));
}

static void msr_test_exits(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_exit_sysreg *sysreg = &f->run.exit.sysreg;
	struct axv_x86_gprs *regs = &f->x.regs;
	u64 rip = regs->rip, value;

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_policy(&f->vm, unsorted, 4));
	KUNIT_EXPECT_FALSE(test, guest_reads(test, 0x10, &value));
	KUNIT_EXPECT_FALSE(test, guest_writes(test, 5, 0));
	/* AXV_X86_MSR_KERNEL gives the guest no MSR that the kernel does not emulate. */
	KUNIT_EXPECT_FALSE(test, guest_reads(test, 0xffffffff, &value));

	/* A read shows the state before, a write the one after. */
	sysreg->fail = 1;
	regs->gpr[AXV_X86_RCX] = 3;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_rdmsr(&f->x, 2));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_SYSREG_READ, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 2, f->run.insn_len);
	KUNIT_EXPECT_EQ(test, 3, sysreg->addr);
	KUNIT_EXPECT_EQ(test, 0, sysreg->fail);
	KUNIT_EXPECT_EQ(test, rip, regs->rip);
	KUNIT_EXPECT_EQ(test, AXV_PENDING_SYSREG, f->x.pending.kind);
	KUNIT_EXPECT_EQ(test, 3, f->x.pending.addr);
	KUNIT_EXPECT_EQ(test, rip, f->x.pending.rip);
	f->x.pending.kind = AXV_PENDING_NONE;

	regs->gpr[AXV_X86_RCX] = 0x10;
	regs->gpr[AXV_X86_RAX] = 0xffffffff89abcdef;
	regs->gpr[AXV_X86_RDX] = 0xffffffff01234567;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_x86_wrmsr(&f->x, 2));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_SYSREG_WRITE, f->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 0x10, sysreg->addr);
	KUNIT_EXPECT_EQ(test, 0x0123456789abcdef, sysreg->value);
	KUNIT_EXPECT_EQ(test, rip + 2, regs->rip);
	KUNIT_EXPECT_EQ(test, AXV_PENDING_NONE, f->x.pending.kind);
	KUNIT_EXPECT_EQ(test, 1,
			f->x.base.stats.exits[AXV_EXIT_SYSREG_WRITE]);
}

static struct kunit_case msr_cases[] = {
	KUNIT_CASE(msr_test_unknown),
	KUNIT_CASE(msr_test_values),
	KUNIT_CASE(msr_test_efer),
	KUNIT_CASE(msr_test_caps),
	KUNIT_CASE(msr_test_arch_caps),
	KUNIT_CASE(msr_test_tsc),
	KUNIT_CASE(msr_test_tsc_adjust),
	KUNIT_CASE(msr_test_machine_check),
	KUNIT_CASE(msr_test_tsc_after_suspend),
	KUNIT_CASE(msr_test_list),
	KUNIT_CASE(msr_test_policy),
	KUNIT_CASE(msr_test_policy_refused),
	KUNIT_CASE(msr_test_exits),
	{}
};

axv_test_suite("axvcpu-x86-msr", msr_cases, .init = msr_init, .exit = msr_exit);
