// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: what the host's table promises, how a VMM's table is bounded, and what the
 * guest is told.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/fpu/types.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include <asm/processor-flags.h>

#include "../cpuid.h"
#include "../cpuid_host.h"
#include "../regs.h"
#include "fake_hw.h"

#define SUB	AXV_X86_CPUID_SUBLEAF

static int cpuid_init(struct kunit *test)
{
	test->priv = fake_vcpu_new(test);
	return 0;
}

static void cpuid_exit(struct kunit *test)
{
	if (test->priv)
		fake_vcpu_free(test->priv);
}

static struct axv_x86_answer ask(struct fake_vcpu *f, u32 leaf, u32 subleaf)
{
	struct axv_x86_answer a;

	axv_x86_cpuid(&f->x, leaf, subleaf, &a.eax, &a.ebx, &a.ecx, &a.edx);
	return a;
}

static bool is_zero(struct axv_x86_answer a)
{
	return !(a.eax | a.ebx | a.ecx | a.edx);
}

/* Features the module never passes on, wherever they could be. */
static const struct {
	u32 leaf;
	u32 subleaf;
	struct axv_x86_answer never;
} forbidden[] = {
	{ 1, 0, { .ecx = F(MWAIT) | F(VMX) | F(SMX) | F(PDCM) |
			 F(DTES64) | F(OSXSAVE),
		  .edx = F(DS) | F(ACPI) } },
	{ 7, 0, { .ebx = F(SGX) | F(HLE) | F(RTM) | F(MPX) |
			 F(CQM) | F(RDT_A) | F(INTEL_PT),
		  .ecx = F(OSPKE) | F(WAITPKG) | F(BUS_LOCK_DETECT) | BIT(7),
		  .edx = F(AMX_TILE) | F(AMX_INT8) | F(AMX_BF16) |
			 F(FLUSH_L1D) | F(CORE_CAPABILITIES) | BIT(20) } },
	{ 7, 1, { .eax = BIT(26) | BIT(17), .ebx = ~0u, .ecx = ~0u,
		  .edx = ~0u } },
	{ 0xd, 1, { .eax = F(XSAVES) | BIT(4), .ecx = ~0u, .edx = ~0u } },
	{ 0x80000001, 0, { .ecx = F(SVM) | F(EXTAPIC) | F(IBS) | F(SKINIT) |
				  F(WDT) | F(LWP) | F(PERFCTR_CORE) |
				  F(PERFCTR_NB) | F(MWAITX) | F(OSVW) |
				  F(NODEID_MSR) | F(TCE) } },
	{ 0x80000007, 0, { ~0u, ~0u, ~0u, ~0x100u } },
	{ 0x80000008, 0, { .ebx = F(IRPERF) | F(RDPRU) | BIT(3) | BIT(8) |
				  F(VIRT_SSBD) | F(CPPC) } },
};

static void expect_nothing_forbidden(struct kunit *test, struct fake_vcpu *f)
{
	static const u32 hidden[] = {
		0x5, 0xa, 0xf, 0x10, 0x12, 0x14, 0x17, 0x18, 0x19, 0x1d,
		0x20, 0x8000000a, 0x8000001b, 0x8000001c, 0x8000001f,
		0x80000020, 0x80000022, 0xc0000001,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forbidden); i++) {
		struct axv_x86_answer a = ask(f, forbidden[i].leaf,
					      forbidden[i].subleaf);

		KUNIT_EXPECT_EQ_MSG(test, 0, a.eax & forbidden[i].never.eax,
				    "leaf %x EAX", forbidden[i].leaf);
		KUNIT_EXPECT_EQ_MSG(test, 0, a.ebx & forbidden[i].never.ebx,
				    "leaf %x EBX", forbidden[i].leaf);
		KUNIT_EXPECT_EQ_MSG(test, 0, a.ecx & forbidden[i].never.ecx,
				    "leaf %x ECX", forbidden[i].leaf);
		KUNIT_EXPECT_EQ_MSG(test, 0, a.edx & forbidden[i].never.edx,
				    "leaf %x EDX", forbidden[i].leaf);
	}
	for (i = 0; i < ARRAY_SIZE(hidden); i++)
		KUNIT_EXPECT_TRUE_MSG(test, is_zero(ask(f, hidden[i], 0)),
				      "leaf %x", hidden[i]);
}

static void cpuid_test_default(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_cpuid *entries;
	struct axv_x86_answer a;
	u32 count = 0, i, j;

	KUNIT_EXPECT_EQ(test, -E2BIG, axv_x86_supported_cpuid(NULL, &count));
	KUNIT_ASSERT_GT(test, count, 5);
	KUNIT_ASSERT_LE(test, count, AXV_CPUID_MAX);
	entries = kunit_kcalloc(test, count, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	KUNIT_EXPECT_EQ(test, 0, axv_x86_supported_cpuid(entries, &count));

	/* A vCPU accepts the host's table, without a change. */
	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, entries, count));
	KUNIT_EXPECT_EQ(test, count, f->x.nr_cpuid);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(&entries[i], &f->x.cpuid[i],
						    sizeof(*entries)),
				    "leaf %x.%x", entries[i].leaf,
				    entries[i].subleaf);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_FALSE(test,
					   entries[i].leaf == entries[j].leaf &&
					   entries[i].subleaf ==
					   entries[j].subleaf);
	}
	expect_nothing_forbidden(test, f);

	/* What any processor with SVM has. */
	a = ask(f, 1, 0);
	KUNIT_EXPECT_EQ(test, F(FPU) | F(TSC) | F(MSR) | F(PAE) | F(FXSR),
			a.edx & (F(FPU) | F(TSC) | F(MSR) | F(PAE) | F(FXSR)));
	KUNIT_EXPECT_TRUE(test, a.ecx & F(HYPERVISOR));
	/* What the module emulates, but not what the VMM would have to. */
	KUNIT_EXPECT_EQ(test, F(MCE) | F(MCA),
			a.edx & (F(MCE) | F(MCA) | F(APIC)));
	KUNIT_EXPECT_EQ(test, 0,
			a.ecx & (F(X2APIC) | F(TSC_DEADLINE_TIMER)));
	KUNIT_EXPECT_TRUE(test, ask(f, 7, 0).ebx & F(TSC_ADJUST));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 6, 0)));
	a = ask(f, 0x80000001, 0);
	KUNIT_EXPECT_EQ(test, F(LM) | F(NX) | F(SYSCALL),
			a.edx & (F(LM) | F(NX) | F(SYSCALL)));
	a = ask(f, 0, 0);
	KUNIT_EXPECT_EQ(test, cpuid_ebx(0), a.ebx);
	KUNIT_EXPECT_LE(test, a.eax, 0xd);
}

/* A VMM may offer what it emulates itself, whatever the host has. */
static void cpuid_test_of_the_vmm(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_cpuid table[] = {
		{ .leaf = 1, .ecx = F(X2APIC) | F(TSC_DEADLINE_TIMER),
		  .edx = F(APIC) | F(MCE) | F(MCA) },
		{ .leaf = 6, .eax = ~0u, .ebx = ~0u, .ecx = ~0u, .edx = ~0u },
		{ .leaf = 7, .ebx = F(TSC_ADJUST) },
	};
	struct axv_x86_answer a;

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, table,
						   ARRAY_SIZE(table)));
	a = ask(f, 1, 0);
	KUNIT_EXPECT_EQ(test, F(X2APIC) | F(TSC_DEADLINE_TIMER), a.ecx);
	KUNIT_EXPECT_EQ(test, F(APIC) | F(MCE) | F(MCA), a.edx);
	a = ask(f, 6, 0);
	KUNIT_EXPECT_EQ(test, F(ARAT), a.eax);
	KUNIT_EXPECT_EQ(test, 0, a.ebx | a.ecx | a.edx);
	KUNIT_EXPECT_EQ(test, F(TSC_ADJUST), ask(f, 7, 0).ebx);
	KUNIT_EXPECT_TRUE(test, f->x.caps.mce);
	KUNIT_EXPECT_TRUE(test, f->x.caps.mca);
	KUNIT_EXPECT_TRUE(test, f->x.caps.tsc_adjust);
	KUNIT_EXPECT_TRUE(test, f->x.caps.cr4 & X86_CR4_MCE);
	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, NULL, 0));
	KUNIT_EXPECT_FALSE(test, f->x.caps.cr4 & X86_CR4_MCE);
}

/* Whatever a VMM asks for, it gets no more than the host's table has. */
static void cpuid_test_bounded(struct kunit *test)
{
	static const u32 with_subleaves[] = { 4, 7, 0xb, 0xd, 0x8000001d };
	struct fake_vcpu *f = test->priv;
	struct fake_vcpu *host = fake_vcpu_new(test);
	struct axv_x86_cpuid *t;
	u32 n = 0, leaf, i, j;

	t = kcalloc(AXV_CPUID_MAX, sizeof(*t), GFP_KERNEL);
	if (!t)
		fake_vcpu_free(host);
	KUNIT_ASSERT_NOT_NULL(test, t);
	for (leaf = 0; leaf < 0x30; leaf++)
		t[n++].leaf = leaf;
	for (leaf = 0x80000000; leaf < 0x80000030; leaf++)
		t[n++].leaf = leaf;
	t[n++].leaf = 0x20000000;
	t[n++].leaf = 0x8fffffff;
	t[n++].leaf = 0xc0000001;
	t[n++].leaf = ~0u;
	for (i = 0; i < ARRAY_SIZE(with_subleaves); i++) {
		for (j = 0; j < n; j++)
			if (t[j].leaf == with_subleaves[i])
				t[j].flags = SUB;
		for (j = 1; j < 20; j++, n++) {
			t[n].leaf = with_subleaves[i];
			t[n].subleaf = j;
			t[n].flags = SUB;
		}
	}
	for (i = 0; i < n; i++) {
		t[i].eax = ~0u;
		t[i].ebx = ~0u;
		t[i].ecx = ~0u;
		t[i].edx = ~0u;
	}
	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, t, n));
	expect_nothing_forbidden(test, f);
	for (i = 0; i < ARRAY_SIZE(forbidden); i++) {
		struct axv_x86_answer a = ask(f, forbidden[i].leaf,
					      forbidden[i].subleaf);
		struct axv_x86_answer b = ask(host, forbidden[i].leaf,
					      forbidden[i].subleaf);

		if (forbidden[i].leaf == 1) {
			a.edx &= ~(F(HT) | F(APIC));
			a.ecx &= ~(F(X2APIC) | F(TSC_DEADLINE_TIMER));
			a.ebx = b.ebx;
			a.eax = b.eax;
		}
		if (forbidden[i].leaf == 0x80000001) {
			a.ecx &= ~F(CMP_LEGACY);
			/* MCE, APIC, MCA: copies of leaf 1. */
			a.edx &= ~(BIT(7) | BIT(9) | BIT(14));
			b.edx &= ~(BIT(7) | BIT(9) | BIT(14));
			a.ebx = b.ebx;
			a.eax = b.eax;
		}
		if (forbidden[i].leaf == 0x80000008)
			a.ecx = b.ecx;
		KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(&a, &b, sizeof(a)),
				    "leaf %x.%x", forbidden[i].leaf,
				    forbidden[i].subleaf);
	}
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x20000000, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x8fffffff, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, ~0u, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 7, 2)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0xd, 17)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0xd, 18)));
	/* The VMM may offer these even if the host does not have them. */
	host->x.caps.x2apic = true;
	host->x.caps.tsc_deadline = true;
	KUNIT_EXPECT_EQ(test, 0, memcmp(&f->x.caps, &host->x.caps,
					sizeof(f->x.caps)));
	kfree(t);
	fake_vcpu_free(host);
}

static int set_one(struct fake_vcpu *f, struct axv_x86_cpuid e)
{
	return axv_x86_set_cpuid(&f->x, &e, 1);
}

static void cpuid_test_refused(struct kunit *test)
{
	static const struct axv_x86_cpuid bad[][2] = {
		{ { .leaf = 1 }, { .leaf = 1 } },
		{ { .leaf = 4, .flags = SUB }, { .leaf = 4 } },
		{ { .leaf = 4 }, { .leaf = 4, .flags = SUB, .subleaf = 1 } },
		{ { .leaf = 4, .flags = SUB, .subleaf = 3 },
		  { .leaf = 4, .flags = SUB, .subleaf = 3 } },
		{ { .leaf = 7 }, { .leaf = 7, .flags = SUB } },
		{ { .leaf = 1 }, { .leaf = 2, .flags = 2 } },
		{ { .leaf = 1, .pad = 1 }, { .leaf = 2 } },
		{ { .leaf = 1, .subleaf = 1 }, { .leaf = 2 } },
	};
	struct fake_vcpu *f = test->priv;
	struct axv_x86_cpuid *big;
	u32 count = f->x.nr_cpuid;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    axv_x86_set_cpuid(&f->x, bad[i], 2),
				    "table %u", i);
	big = kunit_kcalloc(test, AXV_CPUID_MAX + 1, sizeof(*big), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, big);
	for (i = 0; i <= AXV_CPUID_MAX; i++)
		big[i].leaf = 0x40000000 + i;
	KUNIT_EXPECT_EQ(test, -E2BIG,
			axv_x86_set_cpuid(&f->x, big, AXV_CPUID_MAX + 1));
	KUNIT_EXPECT_EQ(test, count, f->x.nr_cpuid);
	KUNIT_EXPECT_EQ(test, 0,
			axv_x86_set_cpuid(&f->x, big, AXV_CPUID_MAX));

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, NULL, 0));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0, 0)));
	KUNIT_EXPECT_EQ(test, 36, f->x.caps.phys_bits);
	KUNIT_EXPECT_EQ(test, 0, f->x.caps.efer);
}

/* A table is refused that takes away what the vCPU's registers use. */
static void cpuid_test_in_use(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u32 count = f->x.nr_cpuid;

	f->x.cr4 = X86_CR4_PAE;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_set_cpuid(&f->x, NULL, 0));
	f->x.cr4 = 0;
	f->x.efer = EFER_NX;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_set_cpuid(&f->x, NULL, 0));
	f->x.efer = 0;
	f->x.xcr0 = XFEATURE_MASK_FPSSE;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_set_cpuid(&f->x, NULL, 0));
	f->x.xcr0 = XFEATURE_MASK_FP;
	f->cr[3] = 1ull << 36;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_set_cpuid(&f->x, NULL, 0));
	f->cr[3] = 0;
	f->x.spec_ctrl = SPEC_CTRL_IBRS;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_set_cpuid(&f->x, NULL, 0));
	f->x.spec_ctrl = 0;
	f->x.tsc_aux = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_set_cpuid(&f->x, NULL, 0));
	KUNIT_EXPECT_EQ(test, 1, f->x.tsc_aux);
	f->x.tsc_aux = 0;
	KUNIT_EXPECT_EQ(test, count, f->x.nr_cpuid);
	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, NULL, 0));
}

static void cpuid_test_caps(struct kunit *test)
{
	struct axv_x86_cpuid t[] = {
		{ .leaf = 1, .edx = F(PAE) | F(FXSR), .ecx = F(XSAVE) },
		{ .leaf = 0xd, .flags = SUB, .eax = XFEATURE_MASK_FPSSE },
		{ .leaf = 0x80000001, .edx = F(NX) | F(LM) },
		{ .leaf = 0x80000008, .eax = 34 | 48 << 8 },
	};
	struct fake_vcpu *f = test->priv;
	unsigned int changed = f->changed;

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, t, ARRAY_SIZE(t)));
	KUNIT_EXPECT_GT(test, f->changed, changed);
	KUNIT_EXPECT_EQ(test, EFER_NX | EFER_LME | EFER_LMA, f->x.caps.efer);
	KUNIT_EXPECT_EQ(test, 34, f->x.caps.phys_bits);
	KUNIT_EXPECT_FALSE(test, f->x.caps.la57);
	KUNIT_EXPECT_FALSE(test, f->x.caps.tsc_aux);
	KUNIT_EXPECT_FALSE(test, f->x.caps.mtrr);
	if (axv_x86_host.xcr0) {
		KUNIT_EXPECT_EQ(test, X86_CR4_PAE | X86_CR4_OSFXSR |
				X86_CR4_OSXSAVE | X86_CR4_PCE, f->x.caps.cr4);
		KUNIT_EXPECT_EQ(test, XFEATURE_MASK_FPSSE, f->x.caps.xcr0);
		KUNIT_EXPECT_TRUE(test, axv_x86_xcr0_valid(&f->x, 3));
	}
	KUNIT_EXPECT_FALSE(test, axv_x86_xcr0_valid(&f->x, 7));
	KUNIT_EXPECT_FALSE(test, axv_x86_cr4_valid(&f->x, X86_CR4_PGE));
	KUNIT_EXPECT_FALSE(test, axv_x86_efer_valid(&f->x, EFER_SCE));

	/* Addresses are no wider than the host's, whatever is asked for. */
	t[3].eax = 0xffff;
	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, t, ARRAY_SIZE(t)));
	KUNIT_EXPECT_EQ(test, axv_x86_host.phys_bits, f->x.caps.phys_bits);
	KUNIT_EXPECT_EQ(test, axv_x86_host.phys_bits,
			ask(f, 0x80000008, 0).eax & 0xff);
}

/* Each vendor has bits of its own for SPEC_CTRL and PRED_CMD. */
static void cpuid_test_speculation(struct kunit *test)
{
	struct axv_x86_cpuid amd = { .leaf = 0x80000008 };
	struct axv_x86_cpuid intel = { .leaf = 7, .flags = SUB };
	struct axv_x86_caps caps;

	axv_x86_cpuid_derive(&intel, 1, &caps);
	KUNIT_EXPECT_EQ(test, 0, caps.spec_ctrl);
	KUNIT_EXPECT_FALSE(test, caps.ibpb);
	KUNIT_EXPECT_FALSE(test, caps.arch_caps);

	intel.edx = F(SPEC_CTRL);
	axv_x86_cpuid_derive(&intel, 1, &caps);
	KUNIT_EXPECT_EQ(test, SPEC_CTRL_IBRS, caps.spec_ctrl);
	KUNIT_EXPECT_TRUE(test, caps.ibpb);
	intel.edx = F(INTEL_STIBP) | F(SPEC_CTRL_SSBD) | F(ARCH_CAPABILITIES);
	axv_x86_cpuid_derive(&intel, 1, &caps);
	KUNIT_EXPECT_EQ(test, SPEC_CTRL_STIBP | SPEC_CTRL_SSBD, caps.spec_ctrl);
	KUNIT_EXPECT_FALSE(test, caps.ibpb);
	KUNIT_EXPECT_TRUE(test, caps.arch_caps);

	amd.ebx = F(AMD_IBRS) | F(AMD_STIBP) | F(AMD_SSBD);
	axv_x86_cpuid_derive(&amd, 1, &caps);
	KUNIT_EXPECT_EQ(test, SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD,
			caps.spec_ctrl);
	KUNIT_EXPECT_FALSE(test, caps.ibpb);
	amd.ebx = F(AMD_IBPB);
	axv_x86_cpuid_derive(&amd, 1, &caps);
	KUNIT_EXPECT_EQ(test, 0, caps.spec_ctrl);
	KUNIT_EXPECT_TRUE(test, caps.ibpb);
}

static void cpuid_test_lookup(struct kunit *test)
{
	static const struct axv_x86_cpuid t[] = {
		{ .leaf = 0, .eax = 7, .ebx = 1, .ecx = 2, .edx = 3 },
		{ .leaf = 4, .flags = SUB, .subleaf = 0, .eax = 40 },
		{ .leaf = 4, .flags = SUB, .subleaf = 3, .eax = 43 },
		{ .leaf = 0x1f, .flags = SUB, .subleaf = 1, .eax = 0x1f1 },
		{ .leaf = 0x40000000, .eax = 0x40000001, .ebx = 0x61626364 },
		{ .leaf = 0x40000001, .flags = SUB, .subleaf = ~0u, .ecx = 9 },
		{ .leaf = 0x80000000, .eax = 0x80000008 },
		{ .leaf = 0x80000026, .flags = SUB, .subleaf = 1, .ebx = 26 },
	};
	struct fake_vcpu *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_cpuid(&f->x, t, ARRAY_SIZE(t)));
	/* A leaf without subleaves does not look at ECX. */
	KUNIT_EXPECT_EQ(test, 7, ask(f, 0, 12345).eax);
	KUNIT_EXPECT_EQ(test, 1, ask(f, 0, 0).ebx);
	KUNIT_EXPECT_EQ(test, 2, ask(f, 0, 0).ecx);
	KUNIT_EXPECT_EQ(test, 3, ask(f, 0, 0).edx);
	KUNIT_EXPECT_EQ(test, 40, ask(f, 4, 0).eax);
	KUNIT_EXPECT_EQ(test, 43, ask(f, 4, 3).eax);
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 4, 1)));
	KUNIT_EXPECT_EQ(test, 0x1f1, ask(f, 0x1f, 1).eax);
	KUNIT_EXPECT_EQ(test, 0x61626364, ask(f, 0x40000000, 7).ebx);
	KUNIT_EXPECT_EQ(test, 9, ask(f, 0x40000001, ~0u).ecx);
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x40000001, 0)));
	KUNIT_EXPECT_EQ(test, 0x80000008, ask(f, 0x80000000, 0).eax);
	KUNIT_EXPECT_EQ(test, 26, ask(f, 0x80000026, 1).ebx);
	/* Not in the table, or out of every range. */
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 2, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x17, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x18, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x7fffffff, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x80000027, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x80000028, 0)));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, ~0u, ~0u)));
}

static void cpuid_test_dynamic(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u64 host = axv_x86_host.xcr0;
	struct axv_x86_cpuid *e, *now;
	u32 count = AXV_CPUID_MAX;

	KUNIT_EXPECT_EQ(test, 0, ask(f, 1, 0).ecx & F(OSXSAVE));
	f->x.cr4 = X86_CR4_OSXSAVE | X86_CR4_PKE;
	KUNIT_EXPECT_TRUE(test, ask(f, 1, 0).ecx & F(OSXSAVE));
	if (f->x.nr_cpuid && ask(f, 0, 0).eax >= 7) {
		KUNIT_EXPECT_TRUE(test, ask(f, 7, 0).ecx & F(OSPKE));
		KUNIT_EXPECT_EQ(test, 0, ask(f, 7, 1).ecx & F(OSPKE));
	}
	if (!host)
		kunit_skip(test, "needs XSAVE");

	f->x.xcr0 = XFEATURE_MASK_FP;
	KUNIT_EXPECT_EQ(test, 576, ask(f, 0xd, 0).ebx);
	e = axv_x86_cpuid_find(f->x.cpuid, f->x.nr_cpuid, 0xd, 1);
	KUNIT_ASSERT_NOT_NULL(test, e);
	e->eax &= ~(F(XSAVEC) | F(XSAVES));
	KUNIT_EXPECT_EQ(test, 0, ask(f, 0xd, 1).ebx);
	e->eax |= F(XSAVEC);
	KUNIT_EXPECT_EQ(test, 576, ask(f, 0xd, 1).ebx);
	KUNIT_EXPECT_EQ(test, axv_x86_host.fpu_size, ask(f, 0xd, 0).ecx);
	KUNIT_EXPECT_EQ(test, host, ask(f, 0xd, 0).eax |
				    (u64)ask(f, 0xd, 0).edx << 32);
	f->x.xcr0 = host;
	KUNIT_EXPECT_EQ(test, axv_x86_host.fpu_size, ask(f, 0xd, 0).ebx);
	if (host & XFEATURE_MASK_YMM) {
		f->x.xcr0 = 7;
		KUNIT_EXPECT_EQ(test, 832, ask(f, 0xd, 0).ebx);
		KUNIT_EXPECT_EQ(test, 832, ask(f, 0xd, 1).ebx);
		KUNIT_EXPECT_EQ(test, 256, ask(f, 0xd, 2).eax);
		KUNIT_EXPECT_EQ(test, 576, ask(f, 0xd, 2).ebx);
	}
	if (host & XFEATURE_MASK_PKRU) {
		/* In the compacted format there is no gap before PKRU. */
		f->x.xcr0 = 3 | XFEATURE_MASK_PKRU;
		KUNIT_EXPECT_EQ(test, 584, ask(f, 0xd, 1).ebx);
		KUNIT_EXPECT_GT(test, ask(f, 0xd, 0).ebx, 584);
	}

	/* The table that the VMM reads says the same. */
	now = kunit_kcalloc(test, count, sizeof(*now), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, now);
	KUNIT_ASSERT_EQ(test, 0, axv_x86_get_cpuid(&f->x, now, &count));
	e = axv_x86_cpuid_find(now, count, 0xd, 1);
	KUNIT_EXPECT_EQ(test, ask(f, 0xd, 1).ebx, e->ebx);
	e = axv_x86_cpuid_find(now, count, 0xd, 0);
	KUNIT_EXPECT_EQ(test, ask(f, 0xd, 0).ebx, e->ebx);
	e = axv_x86_cpuid_find(now, count, 1, 0);
	KUNIT_EXPECT_TRUE(test, e->ecx & F(OSXSAVE));
}

static void cpuid_test_hypervisor_leaf(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_cpuid e = { .leaf = 0x4fffffff, .eax = ~0u, .ebx = ~0u,
				   .ecx = ~0u, .edx = ~0u };

	KUNIT_EXPECT_EQ(test, 0, set_one(f, e));
	KUNIT_EXPECT_EQ(test, ~0u, ask(f, 0x4fffffff, 0).edx);
	e.leaf = 0x50000000;
	KUNIT_EXPECT_EQ(test, 0, set_one(f, e));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x50000000, 0)));
	e.leaf = 0x3fffffff;
	KUNIT_EXPECT_EQ(test, 0, set_one(f, e));
	KUNIT_EXPECT_TRUE(test, is_zero(ask(f, 0x3fffffff, 0)));
}

static struct kunit_case cpuid_cases[] = {
	KUNIT_CASE(cpuid_test_default),
	KUNIT_CASE(cpuid_test_of_the_vmm),
	KUNIT_CASE(cpuid_test_bounded),
	KUNIT_CASE(cpuid_test_refused),
	KUNIT_CASE(cpuid_test_in_use),
	KUNIT_CASE(cpuid_test_caps),
	KUNIT_CASE(cpuid_test_speculation),
	KUNIT_CASE(cpuid_test_lookup),
	KUNIT_CASE(cpuid_test_dynamic),
	KUNIT_CASE(cpuid_test_hypervisor_leaf),
	{}
};

axv_test_suite("axvcpu-x86-cpuid", cpuid_cases, .init = cpuid_init, .exit = cpuid_exit);
