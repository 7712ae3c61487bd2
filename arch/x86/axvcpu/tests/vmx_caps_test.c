// SPDX-License-Identifier: GPL-2.0
/*
 * Which VMX controls are chosen, and which processors are refused.
 */
#include <linux/bits.h>
#include <linux/string.h>

#include <axvcpu/kunit.h>

#include "../vmx/caps.h"

/* A Haswell's MSRs; of its TRUE ones, what is forced is "default1". */
static const struct axv_vmx_msrs haswell = {
	.basic = 0x00da040000000012,
	.pin = 0x0000007f00000016,
	.cpu = 0xfff9fffe04006172,
	.cpu2 = 0x00007cff00000000,
	.exit = 0x007fffff00036dfb,
	.entry = 0x0000ffff000011fb,
	.misc = 0x300481e5,
	.ept_vpid = 0x00000f0106334141,
	.cr0_fixed0 = 0x80000021,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = 0x2000,
	.cr4_fixed1 = 0x1767ff,
};

/**
 * struct named - a bit of a capability MSR and what it is called
 * @offset:	offset of the MSR in struct axv_vmx_msrs
 * @bit:	number of the control, or of the bit in another MSR
 * @name:	the name
 */
struct named {
	u8 offset;
	u8 bit;
	const char *name;
};

#define NAMED(msr, bit, name)	{ offsetof(struct axv_vmx_msrs, msr), bit, name }

/* Controls that have to be there. */
static const struct named required[] = {
	NAMED(pin, 0, "external-interrupt exiting"),
	NAMED(pin, 3, "NMI exiting"),
	NAMED(pin, 5, "virtual NMIs"),
	NAMED(cpu, 2, "interrupt-window exiting"),
	NAMED(cpu, 3, "use TSC offsetting"),
	NAMED(cpu, 7, "HLT exiting"),
	NAMED(cpu, 10, "MWAIT exiting"),
	NAMED(cpu, 11, "RDPMC exiting"),
	NAMED(cpu, 21, "use TPR shadow"),
	NAMED(cpu, 22, "NMI-window exiting"),
	NAMED(cpu, 23, "MOV-DR exiting"),
	NAMED(cpu, 24, "unconditional I/O exiting"),
	NAMED(cpu, 28, "use MSR bitmaps"),
	NAMED(cpu, 29, "MONITOR exiting"),
	NAMED(cpu, 31, "activate secondary controls"),
	NAMED(cpu2, 1, "enable EPT"),
	NAMED(cpu2, 5, "enable VPID"),
	NAMED(cpu2, 6, "WBINVD exiting"),
	NAMED(cpu2, 7, "unrestricted guest"),
	NAMED(exit, 2, "save debug controls"),
	NAMED(exit, 9, "host address-space size"),
	NAMED(exit, 18, "save IA32_PAT"),
	NAMED(exit, 19, "load IA32_PAT on VM exit"),
	NAMED(exit, 20, "save IA32_EFER"),
	NAMED(exit, 21, "load IA32_EFER on VM exit"),
	NAMED(entry, 2, "load debug controls"),
	NAMED(entry, 9, "IA-32e mode guest"),
	NAMED(entry, 14, "load IA32_PAT on VM entry"),
	NAMED(entry, 15, "load IA32_EFER on VM entry"),
};

/* Controls that have to go off, now or later. */
static const struct named turned_off[] = {
	NAMED(pin, 6, "activate VMX-preemption timer"),
	NAMED(pin, 7, "process posted interrupts"),
	NAMED(cpu, 2, "interrupt-window exiting"),
	NAMED(cpu, 9, "INVLPG exiting"),
	NAMED(cpu, 12, "RDTSC exiting"),
	NAMED(cpu, 15, "CR3-load exiting"),
	NAMED(cpu, 16, "CR3-store exiting"),
	NAMED(cpu, 17, "activate tertiary controls"),
	NAMED(cpu, 19, "CR8-load exiting"),
	NAMED(cpu, 20, "CR8-store exiting"),
	NAMED(cpu, 22, "NMI-window exiting"),
	NAMED(cpu, 23, "MOV-DR exiting"),
	NAMED(cpu, 25, "use I/O bitmaps"),
	NAMED(cpu, 27, "monitor trap flag"),
	NAMED(cpu, 30, "PAUSE exiting"),
	NAMED(cpu2, 0, "virtualize APIC accesses"),
	NAMED(cpu2, 2, "descriptor-table exiting"),
	NAMED(cpu2, 3, "enable RDTSCP"),
	NAMED(cpu2, 4, "virtualize x2APIC mode"),
	NAMED(cpu2, 8, "APIC-register virtualization"),
	NAMED(cpu2, 9, "virtual-interrupt delivery"),
	NAMED(cpu2, 10, "PAUSE-loop exiting"),
	NAMED(cpu2, 11, "RDRAND exiting"),
	NAMED(cpu2, 12, "enable INVPCID"),
	NAMED(cpu2, 13, "enable VM functions"),
	NAMED(cpu2, 14, "VMCS shadowing"),
	NAMED(cpu2, 16, "RDSEED exiting"),
	NAMED(cpu2, 17, "enable PML"),
	NAMED(cpu2, 18, "EPT-violation #VE"),
	NAMED(cpu2, 19, "conceal VMX from PT"),
	NAMED(cpu2, 20, "enable XSAVES/XRSTORS"),
	NAMED(cpu2, 22, "mode-based execute control for EPT"),
	NAMED(cpu2, 23, "sub-page write permissions for EPT"),
	NAMED(cpu2, 24, "Intel PT uses guest physical addresses"),
	NAMED(cpu2, 25, "use TSC scaling"),
	NAMED(cpu2, 26, "enable user wait and pause"),
	NAMED(cpu2, 27, "enable PCONFIG"),
	NAMED(cpu2, 30, "VMM bus-lock detection"),
	NAMED(cpu2, 31, "instruction timeout"),
	NAMED(exit, 12, "load IA32_PERF_GLOBAL_CTRL on VM exit"),
	NAMED(exit, 15, "acknowledge interrupt on exit"),
	NAMED(exit, 22, "save VMX-preemption timer value"),
	NAMED(exit, 23, "clear IA32_BNDCFGS"),
	NAMED(exit, 24, "conceal VMX from PT on VM exit"),
	NAMED(exit, 25, "clear IA32_RTIT_CTL"),
	NAMED(exit, 26, "clear IA32_LBR_CTL"),
	NAMED(exit, 27, "clear UINV"),
	NAMED(exit, 28, "load CET state on VM exit"),
	NAMED(exit, 29, "load PKRS on VM exit"),
	NAMED(exit, 30, "save IA32_PERF_GLOBAL_CTL"),
	NAMED(exit, 31, "activate secondary controls for VM exits"),
	NAMED(entry, 9, "IA-32e mode guest"),
	NAMED(entry, 10, "entry to SMM"),
	NAMED(entry, 11, "deactivate dual-monitor treatment"),
	NAMED(entry, 13, "load IA32_PERF_GLOBAL_CTRL on VM entry"),
	NAMED(entry, 16, "load IA32_BNDCFGS"),
	NAMED(entry, 17, "conceal VMX from PT on VM entry"),
	NAMED(entry, 18, "load IA32_RTIT_CTL"),
	NAMED(entry, 19, "load UINV"),
	NAMED(entry, 20, "load CET state on VM entry"),
	NAMED(entry, 21, "load guest IA32_LBR_CTL"),
	NAMED(entry, 22, "load PKRS on VM entry"),
	NAMED(pin, 12, "an unknown pin-based control"),
	NAMED(cpu, 18, "an unknown processor-based control"),
	NAMED(cpu2, 29, "an unknown secondary processor-based control"),
	NAMED(entry, 23, "an unknown VM-entry control"),
};

/* Other things that have to be there. */
static const struct named properties[] = {
	NAMED(basic, 55, "TRUE capability MSRs"),
	NAMED(basic, 51, "write-back memory type for the VMCS"),
	NAMED(ept_vpid, 6, "EPT page-walk length 4"),
	NAMED(ept_vpid, 14, "write-back memory type for EPT structures"),
	NAMED(ept_vpid, 20, "INVEPT"),
	NAMED(ept_vpid, 26, "all-context INVEPT"),
	NAMED(ept_vpid, 32, "INVVPID"),
	NAMED(ept_vpid, 42, "all-context INVVPID"),
};

static u64 *msr_of(struct axv_vmx_msrs *msrs, const struct named *n)
{
	return (void *)msrs + n->offset;
}

static void refused(struct kunit *test, const struct axv_vmx_msrs *msrs,
		    const char *name)
{
	const char *missing = NULL;
	struct axv_vmx_caps caps;

	KUNIT_EXPECT_EQ_MSG(test, axv_vmx_choose(msrs, &caps, &missing),
			    -EOPNOTSUPP, "%s", name);
	KUNIT_EXPECT_STREQ(test, missing ?: "", name);
}

static struct axv_vmx_caps chosen(struct kunit *test,
				  const struct axv_vmx_msrs *msrs)
{
	const char *missing = NULL;
	struct axv_vmx_caps caps;

	KUNIT_EXPECT_EQ_MSG(test, axv_vmx_choose(msrs, &caps, &missing), 0,
			    "%s", missing);
	return caps;
}

static void haswell_test(struct kunit *test)
{
	struct axv_vmx_caps caps = chosen(test, &haswell);

	KUNIT_EXPECT_EQ(test, caps.revision, 0x12u);
	KUNIT_EXPECT_EQ(test, caps.pin, 0x0000003fu);
	KUNIT_EXPECT_EQ(test, caps.cpu, 0xb5a06dfau);
	KUNIT_EXPECT_EQ(test, caps.cpu2, 0x000000e2u);
	KUNIT_EXPECT_EQ(test, caps.exit, 0x003f6fffu);
	KUNIT_EXPECT_EQ(test, caps.entry, 0x0000d1ffu);
	/* NE alone: unrestricted guest may clear PE and PG. */
	KUNIT_EXPECT_EQ(test, caps.cr0_fixed0, 0x20ull);
	KUNIT_EXPECT_EQ(test, caps.cr0_fixed1, 0xffffffffull);
	KUNIT_EXPECT_EQ(test, caps.cr4_fixed0, 0x2000ull);
	KUNIT_EXPECT_EQ(test, caps.cr4_fixed1, 0x1767ffull);
	KUNIT_EXPECT_TRUE(test, caps.rdtscp);
	KUNIT_EXPECT_TRUE(test, caps.invpcid);
	KUNIT_EXPECT_TRUE(test, caps.pause_loop);
	KUNIT_EXPECT_TRUE(test, caps.trap_flag);
	KUNIT_EXPECT_FALSE(test, caps.encls);
	KUNIT_EXPECT_FALSE(test, caps.enclv);
	KUNIT_EXPECT_FALSE(test, caps.ept_5levels);
	KUNIT_EXPECT_TRUE(test, caps.ept_ad);
	KUNIT_EXPECT_TRUE(test, caps.ept_exec_only);
	KUNIT_EXPECT_TRUE(test, caps.ept_2m);
	KUNIT_EXPECT_TRUE(test, caps.ept_1g);
	KUNIT_EXPECT_TRUE(test, caps.invept_single);
	KUNIT_EXPECT_TRUE(test, caps.invvpid_single);
	KUNIT_EXPECT_FALSE(test, caps.inject_len_0);
}

/* A processor that has nothing but what is required. */
static void least_test(struct kunit *test)
{
	struct axv_vmx_msrs msrs = {
		.basic = BIT_ULL(55) | 6ull << 50 | 0x80000001,
		.pin = 0x29ull << 32,
		.cpu = 0xb1e00c8cull << 32,
		.cpu2 = 0xe2ull << 32,
		.exit = 0x003c0204ull << 32,
		.entry = 0x0000c204ull << 32,
		.ept_vpid = BIT_ULL(6) | BIT_ULL(14) | BIT_ULL(20) |
			    BIT_ULL(26) | BIT_ULL(32) | BIT_ULL(42),
	};
	struct axv_vmx_caps caps = chosen(test, &msrs);

	/* Bit 31 is not the revision's. */
	KUNIT_EXPECT_EQ(test, caps.revision, 1u);
	KUNIT_EXPECT_EQ(test, caps.pin, 0x29u);
	KUNIT_EXPECT_EQ(test, caps.cpu, 0xb1a00c88u);
	KUNIT_EXPECT_EQ(test, caps.cpu2, 0xe2u);
	KUNIT_EXPECT_EQ(test, caps.exit, 0x003c0204u);
	KUNIT_EXPECT_EQ(test, caps.entry, 0x0000c004u);
	KUNIT_EXPECT_FALSE(test, caps.rdtscp);
	KUNIT_EXPECT_FALSE(test, caps.invpcid);
	KUNIT_EXPECT_FALSE(test, caps.pause_loop);
	KUNIT_EXPECT_FALSE(test, caps.trap_flag);
	KUNIT_EXPECT_FALSE(test, caps.ept_ad);
	KUNIT_EXPECT_FALSE(test, caps.ept_exec_only);
	KUNIT_EXPECT_FALSE(test, caps.ept_2m);
	KUNIT_EXPECT_FALSE(test, caps.ept_1g);
	KUNIT_EXPECT_FALSE(test, caps.invept_single);
	KUNIT_EXPECT_FALSE(test, caps.invvpid_single);
}

static void optional_test(struct kunit *test)
{
	struct axv_vmx_msrs msrs = haswell;
	struct axv_vmx_caps caps;

	msrs.cpu2 |= (BIT_ULL(15) | BIT_ULL(28)) << 32;
	msrs.misc |= BIT_ULL(30);
	msrs.ept_vpid |= BIT_ULL(7);
	caps = chosen(test, &msrs);
	KUNIT_EXPECT_EQ(test, caps.cpu2, 0x100080e2u);
	KUNIT_EXPECT_TRUE(test, caps.encls);
	KUNIT_EXPECT_TRUE(test, caps.enclv);
	KUNIT_EXPECT_TRUE(test, caps.inject_len_0);
	KUNIT_EXPECT_TRUE(test, caps.ept_5levels);

	/* They may be forced on, too. */
	msrs.cpu2 |= BIT_ULL(15) | BIT_ULL(28);
	caps = chosen(test, &msrs);
	KUNIT_EXPECT_EQ(test, caps.cpu2, 0x100080e2u);
}

static void missing_control_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(required); i++) {
		struct axv_vmx_msrs msrs = haswell;

		*msr_of(&msrs, &required[i]) &= ~BIT_ULL(32 + required[i].bit);
		refused(test, &msrs, required[i].name);
	}
}

static void forced_control_test(struct kunit *test)
{
	char name[80];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(turned_off); i++) {
		struct axv_vmx_msrs msrs = haswell;

		*msr_of(&msrs, &turned_off[i]) |= BIT_ULL(turned_off[i].bit) |
						  BIT_ULL(32 + turned_off[i].bit);
		snprintf(name, sizeof(name), "a way to turn off %s",
			 turned_off[i].name);
		refused(test, &msrs, name);
	}
}

static void missing_property_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(properties); i++) {
		struct axv_vmx_msrs msrs = haswell;

		*msr_of(&msrs, &properties[i]) &= ~BIT_ULL(properties[i].bit);
		refused(test, &msrs, properties[i].name);
	}
}

/* Required controls may be always on, except those that are toggled. */
static void always_on_test(struct kunit *test)
{
	struct axv_vmx_msrs msrs = haswell;
	struct axv_vmx_caps caps = chosen(test, &haswell), forced;

	msrs.pin |= caps.pin;
	msrs.cpu |= caps.cpu & ~BIT(23);
	msrs.cpu2 |= caps.cpu2;
	msrs.exit |= caps.exit;
	msrs.entry |= caps.entry;
	forced = chosen(test, &msrs);
	KUNIT_EXPECT_EQ(test, memcmp(&caps, &forced, sizeof(caps)), 0);
}

static void no_msrs_test(struct kunit *test)
{
	struct axv_vmx_msrs msrs = {};

	refused(test, &msrs, "TRUE capability MSRs");
}

static struct kunit_case cases[] = {
	KUNIT_CASE(haswell_test),
	KUNIT_CASE(least_test),
	KUNIT_CASE(optional_test),
	KUNIT_CASE(missing_control_test),
	KUNIT_CASE(forced_control_test),
	KUNIT_CASE(missing_property_test),
	KUNIT_CASE(always_on_test),
	KUNIT_CASE(no_msrs_test),
	{}
};

axv_test_suite("axvcpu-vmx-caps", cases);
