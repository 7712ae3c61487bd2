// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the registers of a local APIC in the kernel: their values, which bits the guest can
 * write, how they are accessed in each mode, and that all can be saved and restored.
 */
#include "axv_harness.h"
#include "lapic.h"

#define ID		0x1234u		/* in xAPIC mode the id is the lower 8 bits */

FIXTURE(regs)
{
	struct axv_vm vm;
	struct lapic_cpu c;
};

FIXTURE_VARIANT(regs)
{
	bool x2apic;
};

FIXTURE_VARIANT_ADD(regs, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(regs, x2apic) { .x2apic = true };

FIXTURE_SETUP(regs)
{
	NEED_LAPIC();
	lapic_vm_new(&self->vm);
	lapic_begin(&self->vm, &self->c, 0, ID);
	if (variant->x2apic)
		lapic_to_x2apic(&self->c);
}

FIXTURE_TEARDOWN(regs)
{
	lapic_free(&self->c);
	vm_free(&self->vm);
}

/* The LVT's registers; VERSION tells how many of them exist. */
static const __u32 lvts[] = {
	APIC_LVT_TIMER, APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT_ERROR, APIC_LVT_PERF,
	APIC_LVT_THERMAL,
};

static unsigned int nr_lvts(struct lapic_cpu *c)
{
	unsigned int n = (lapic_read(c, APIC_VERSION) >> 16 & 0xff) + 1;

	return n < ARRAY_SIZE(lvts) ? n : ARRAY_SIZE(lvts);
}

TEST_F(regs, id_and_version)
{
	__u32 version = lapic_read(&self->c, APIC_VERSION);

	EXPECT_EQ(variant->x2apic ? ID : (ID & 0xff) << 24, lapic_read(&self->c, APIC_ID));
	/* An integrated APIC, with timer, LINT0, LINT1 and error; no directed EOI. */
	EXPECT_LE(0x10u, version & 0xff);
	EXPECT_GE(0x1fu, version & 0xff);
	EXPECT_LE(3u, version >> 16 & 0xff);
	EXPECT_EQ(0u, version >> 24);
	/* SDM, "Logical Destination Mode in x2APIC Mode": the LDR is derived from the id. */
	EXPECT_EQ(variant->x2apic ? ID >> 4 << 16 | 1u << (ID & 15) : 0,
		  lapic_read(&self->c, APIC_LDR));
}

/* SDM, "Local APIC State After Power-Up or Reset" */
TEST_F(regs, after_reset)
{
	struct lapic_cpu *c = &self->c;
	struct lapic_cpu ap;
	unsigned int i;
	__u64 base;

	lapic_write(c, APIC_TPR, 0x30);
	lapic_write(c, APIC_LVT_LINT0, 0x45);
	lapic_write(c, APIC_TIMER_DIVIDE, 0xb);
	lapic_send(c, 0, ICR_SELF | 0x51);
	lapic_reset(c);
	EXPECT_EQ(0xffull, lapic_reg(c, APIC_SVR));
	lapic_start(c);

	EXPECT_EQ((ID & 0xff) << 24, lapic_read(c, APIC_ID));
	EXPECT_EQ(0u, lapic_read(c, APIC_TPR));
	EXPECT_EQ(0u, lapic_read(c, APIC_PPR));
	EXPECT_EQ(0u, lapic_read(c, APIC_LDR));
	EXPECT_EQ(~0u, lapic_read(c, APIC_DFR));
	EXPECT_EQ(0u, lapic_read(c, APIC_ESR));
	EXPECT_EQ(0u, lapic_read(c, APIC_ICR));
	EXPECT_EQ(0u, lapic_read(c, APIC_ICR_HIGH));
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_INITIAL));
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_CURRENT));
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_DIVIDE));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
	EXPECT_EQ(0, lapic_only(c, APIC_ISR));
	EXPECT_EQ(0, lapic_only(c, APIC_TMR));
	for (i = 0; i < nr_lvts(c); i++)
		EXPECT_EQ(LVT_MASKED, lapic_read(c, lvts[i]));
	ASSERT_EQ(0, lapic_rdmsr(c, MSR_APIC_BASE, &base));
	EXPECT_EQ(APIC_PAGE | APIC_BASE_ENABLE | APIC_BASE_BSP, base);

	lapic_begin(&self->vm, &ap, 1, 1);
	ASSERT_EQ(0, lapic_rdmsr(&ap, MSR_APIC_BASE, &base));
	EXPECT_EQ(APIC_PAGE | APIC_BASE_ENABLE, base);
	lapic_free(&ap);
}

TEST_F(regs, tpr_is_cr8)
{
	struct lapic_cpu *c = &self->c;

	ASSERT_EQ(DONE, lapic_do(c, OP_set_cr8, 5, 0));
	EXPECT_EQ(5, c->v.run->cr8);
	EXPECT_EQ(0x50u, lapic_read(c, APIC_TPR));
	EXPECT_EQ(0x50u, lapic_read(c, APIC_PPR));
	lapic_write(c, APIC_TPR, 0x73);
	EXPECT_EQ(7, c->v.run->cr8);
	ASSERT_EQ(DONE, lapic_do(c, OP_get_cr8, 0, 0));
	EXPECT_EQ(7ull, lapic_result(c));
	EXPECT_EQ(0x73u, lapic_read(c, APIC_TPR));
	EXPECT_EQ(0x73u, lapic_read(c, APIC_PPR));
	/* The VMM can set TPR by CR8, ... */
	ASSERT_EQ(0, reg_set(&c->v, AXV_REG_X86(CR, 8), 9));
	EXPECT_EQ(0x90u, lapic_read(c, APIC_TPR));
	/* ... and by the APIC's register. */
	ASSERT_EQ(0, reg_set(&c->v, AXV_REG_X86(LAPIC, APIC_TPR), 0x21));
	ASSERT_EQ(DONE, lapic_do(c, OP_get_cr8, 0, 0));
	EXPECT_EQ(2ull, lapic_result(c));
	EXPECT_EQ(0x21u, lapic_read(c, APIC_TPR));
}

/* The bits of registers that the guest can write; in x2APIC mode others cause #GP. */
TEST_F(regs, writable_bits)
{
	static const struct {
		__u32 reg, bits;
	} regs[] = {
		{ APIC_TPR, 0xff },
		{ APIC_LVT_TIMER, LVT_MASKED | LVT_PERIODIC | 0xff },
		{ APIC_LVT_LINT0, 0x1a7ff },	/* all but delivery status and remote IRR */
		{ APIC_LVT_LINT1, 0x1a7ff },
		{ APIC_LVT_ERROR, LVT_MASKED | 0xff },
		{ APIC_LVT_PERF, LVT_MASKED | 0x7ff },
		{ APIC_LVT_THERMAL, LVT_MASKED | 0x7ff },
		{ APIC_TIMER_DIVIDE, 0xb },
		{ APIC_SVR, SVR_ENABLE | 0xff },
	};
	struct lapic_cpu *c = &self->c;
	unsigned int i, n = nr_lvts(c);

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		if ((n < 5 && regs[i].reg == APIC_LVT_PERF) ||
		    (n < 6 && regs[i].reg == APIC_LVT_THERMAL))
			continue;
		lapic_write(c, regs[i].reg, regs[i].bits);
		EXPECT_EQ(regs[i].bits, lapic_read(c, regs[i].reg)) TH_LOG("%#x", regs[i].reg);
		EXPECT_EQ(regs[i].bits, lapic_reg(c, regs[i].reg)) TH_LOG("%#x", regs[i].reg);
	}
}

/* In xAPIC mode bits that cannot be written keep their values. */
TEST_F(regs, other_bits)
{
	static const struct {
		__u32 reg, writable, fixed;
	} regs[] = {
		{ APIC_VERSION, 0, 0 },
		{ APIC_PPR, 0, 0 },
		{ APIC_ISR, 0, 0 },
		{ APIC_TMR + 0x70, 0, 0 },
		{ APIC_IRR + 0x30, 0, 0 },
		{ APIC_TIMER_CURRENT, 0, 0 },
		{ APIC_TPR, 0xff, 0 },
		{ APIC_LDR, 0xff000000, 0 },
		{ APIC_DFR, 0xf0000000, 0x0fffffff },
		{ APIC_SVR, SVR_ENABLE | 0xff, 0 },
		{ APIC_LVT_LINT0, 0x1a7ff, 0 },
		{ APIC_LVT_ERROR, LVT_MASKED | 0xff, 0 },
		{ APIC_ICR_HIGH, 0xff000000, 0 },
		{ APIC_TIMER_DIVIDE, 0xb, 0 },
	};
	struct lapic_cpu *c = &self->c;
	unsigned int i;

	if (variant->x2apic)
		return;
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		__u32 kept = regs[i].writable ? regs[i].fixed : lapic_read(c, regs[i].reg);
		/* Processors with focus checking have one more bit in SVR. */
		__u32 seen = regs[i].reg == APIC_SVR ? ~(1u << 9) : ~0u;

		lapic_write(c, regs[i].reg, 0);
		EXPECT_EQ(kept, lapic_read(c, regs[i].reg) & seen) TH_LOG("%#x", regs[i].reg);
		lapic_write(c, regs[i].reg, ~0u);
		EXPECT_EQ(kept | regs[i].writable, lapic_read(c, regs[i].reg) & seen)
			TH_LOG("%#x", regs[i].reg);
	}
	EXPECT_EQ(0, lapic_only(c, APIC_ISR));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
}

/* SDM, "Local APIC State After It Has Been Software Disabled" */
TEST_F(regs, disabled_by_svr)
{
	struct lapic_cpu *c = &self->c;
	unsigned int i;

	for (i = 0; i < nr_lvts(c); i++)
		lapic_write(c, lvts[i], 0x40 + i);
	lapic_send(c, 0, ICR_SELF | 0x51);
	lapic_write(c, APIC_SVR, 0xff);
	for (i = 0; i < nr_lvts(c); i++) {
		EXPECT_EQ(LVT_MASKED | (0x40 + i), lapic_read(c, lvts[i]));
		lapic_write(c, lvts[i], 0x50 + i);
		EXPECT_EQ(LVT_MASKED | (0x50 + i), lapic_read(c, lvts[i]));
	}
	/* Interrupts accepted before stay pending; those that come now are lost, except NMIs. */
	EXPECT_EQ(0x51, lapic_only(c, APIC_IRR));
	lapic_send(c, 0, ICR_SELF | 0x52);
	EXPECT_EQ(0, lapic_msi(&self->vm, MSI_ADDRESS(variant->x2apic ? ID : ID & 0xff), 0x53));
	EXPECT_EQ(0x51, lapic_only(c, APIC_IRR));
	EXPECT_EQ(0ull, c->guest->taken);
	lapic_send(c, variant->x2apic ? ID : ID & 0xff, APIC_NMI | ICR_ASSERT);
	lapic_read(c, APIC_SVR);
	EXPECT_EQ(1ull, c->guest->taken);
	EXPECT_EQ(VEC_NMI, c->guest->log[0]);

	/* When the APIC is enabled again, the LVT stays masked until the guest unmasks it. */
	lapic_write(c, APIC_SVR, SVR_ENABLE | 0xff);
	for (i = 0; i < nr_lvts(c); i++) {
		EXPECT_EQ(LVT_MASKED | (0x50 + i), lapic_read(c, lvts[i]));
		lapic_write(c, lvts[i], 0x50 + i);
		EXPECT_EQ(0x50 + i, lapic_read(c, lvts[i]));
	}
	EXPECT_EQ(0x251ull, lapic_taken(c));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
}

TEST_F(regs, errors)
{
	struct lapic_cpu *c = &self->c;

	EXPECT_EQ(0u, lapic_errors(c));
	lapic_send(c, 0, ICR_SELF | 5);
	/* ESR does not show the errors before it is written. */
	EXPECT_EQ(0u, lapic_read(c, APIC_ESR));
	EXPECT_EQ(ESR_SENT_ILLEGAL | ESR_RECEIVED_ILLEGAL, lapic_errors(c));
	EXPECT_EQ(0u, lapic_errors(c));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));

	/* The error interrupt. */
	lapic_write(c, APIC_LVT_ERROR, 0xe1);
	lapic_send(c, 0, ICR_SELF | 15);
	EXPECT_EQ(0xe1, lapic_only(c, APIC_IRR));
	EXPECT_EQ(0xe1ull, lapic_taken(c));
	EXPECT_EQ(ESR_SENT_ILLEGAL | ESR_RECEIVED_ILLEGAL, lapic_errors(c));
	lapic_write(c, APIC_LVT_ERROR, LVT_MASKED | 0xe1);
	lapic_send(c, 0, ICR_SELF | 0);
	EXPECT_EQ(0ull, lapic_taken(c));
	EXPECT_EQ(ESR_SENT_ILLEGAL | ESR_RECEIVED_ILLEGAL, lapic_errors(c));
	if (variant->x2apic)
		return;

	/* SDM, "Error Handling": an access of a register that does not exist, in xAPIC mode. */
	lapic_read(c, 0x040);
	EXPECT_EQ(ESR_ILLEGAL_REGISTER, lapic_errors(c));
	lapic_write(c, APIC_SELF_IPI, 0x44);
	EXPECT_EQ(ESR_ILLEGAL_REGISTER, lapic_errors(c));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
}

/* SDM, "x2APIC Register Address Space" and "Reserved Bit Checking" */
TEST_F(regs, msrs_that_fault)
{
	static const __u16 unreadable[] = {
		0x800, 0x801, 0x804, 0x807, 0x809, 0x80b, 0x80c, 0x80e, 0x829, 0x82e, 0x831,
		0x83a, 0x83d, 0x83f, 0x840, 0x8ff,
	};
	static const __u16 unwritable[] = {
		0x800, 0x801, 0x802, 0x803, 0x804, 0x807, 0x809, 0x80a, 0x80c, 0x80d, 0x80e,
		0x810, 0x817, 0x818, 0x81f, 0x820, 0x827, 0x829, 0x82e, 0x831, 0x839, 0x83a,
		0x83d, 0x840, 0x8ff,
	};
	static const struct {
		__u32 msr;
		__u64 value;
	} reserved[] = {
		{ 0x808, 0x100 }, { 0x808, 1ull << 32 }, { 0x80b, 1 }, { 0x80f, 1u << 31 },
		{ 0x80f, 1u << 13 }, { 0x828, 1 }, { 0x828, 1ull << 63 }, { 0x830, 1u << 31 },
		{ 0x830, 1u << 20 }, { 0x830, 1u << 17 }, { 0x830, 1u << 13 },
		{ 0x832, 1u << 31 }, { 0x832, 1u << 8 }, { 0x835, 1u << 31 }, { 0x835, 1u << 17 },
		{ 0x837, 1u << 31 }, { 0x837, 1u << 8 }, { 0x837, 1ull << 32 },
		{ 0x838, 1ull << 32 }, { 0x83e, 4 }, { 0x83e, 0x10 }, { 0x83f, 0x100 },
	};
	static const __u16 readable[] = {
		0x802, 0x803, 0x808, 0x80a, 0x80d, 0x80f, 0x810, 0x818, 0x820, 0x827, 0x828,
		0x830, 0x832, 0x835, 0x836, 0x837, 0x838, 0x839, 0x83e,
	};
	struct lapic_cpu *c = &self->c;
	unsigned int i;
	__u64 value;

	for (i = 0; i < ARRAY_SIZE(unreadable); i++)
		EXPECT_EQ(-1, lapic_rdmsr(c, unreadable[i], &value)) TH_LOG("%#x", unreadable[i]);
	for (i = 0; i < ARRAY_SIZE(unwritable); i++)
		EXPECT_EQ(-1, lapic_wrmsr(c, unwritable[i], 0)) TH_LOG("%#x", unwritable[i]);
	for (i = 0; i < ARRAY_SIZE(reserved); i++)
		EXPECT_EQ(-1, lapic_wrmsr(c, reserved[i].msr, reserved[i].value))
			TH_LOG("%#x, %#llx", reserved[i].msr,
			       (unsigned long long)reserved[i].value);
	/* In xAPIC mode all of these MSRs fault. */
	for (i = 0; i < ARRAY_SIZE(readable); i++)
		EXPECT_EQ(variant->x2apic ? 0 : -1, lapic_rdmsr(c, readable[i], &value))
			TH_LOG("%#x", readable[i]);
	EXPECT_EQ(variant->x2apic ? 0 : -1, lapic_wrmsr(c, 0x80b, 0));
	EXPECT_EQ(variant->x2apic ? 0 : -1, lapic_wrmsr(c, 0x828, 0));
	EXPECT_EQ(variant->x2apic ? 0 : -1, lapic_wrmsr(c, 0x808, 0xff));
	/* None of the writes that faulted changed anything. */
	EXPECT_EQ(variant->x2apic ? 0xffu : 0, lapic_read(c, APIC_TPR));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
	EXPECT_EQ(LVT_MASKED, lapic_read(c, APIC_LVT_TIMER));
	EXPECT_EQ(SVR_ENABLE | 0xff, lapic_read(c, APIC_SVR));
}

static bool told_by_cpuid(struct lapic_cpu *c)
{
	const __u64 *args = c->v.run->exit.hypercall.args;
	bool told, repeated, amd;

	must(lapic_do(c, OP_cpuid, 0, 0) == DONE);
	amd = !memcmp(&args[0], "Auth", 4);
	must(lapic_do(c, OP_cpuid, 0x80000001, 0) == DONE);
	repeated = args[2] & CPUID_APIC;
	must(lapic_do(c, OP_cpuid, 1, 0) == DONE);
	told = args[2] & CPUID_APIC;
	must(repeated == (amd && told));
	return told;
}

/* Whether accesses of the APIC's page are exits: in x2APIC mode, or with the APIC off. */
static bool page_is_a_hole(struct lapic_cpu *c)
{
	if (lapic_do(c, OP_read, APIC_PAGE + APIC_VERSION, 0) != EXIT(AXV_EXIT_MMIO_READ))
		return false;
	must(c->v.run->exit.mmio.addr == APIC_PAGE + APIC_VERSION);
	c->v.run->exit.mmio.data = 0x12345678;
	must(lapic_go(c) == DONE);
	must(lapic_result(c) == 0x12345678);
	must(lapic_do(c, OP_write, APIC_PAGE + APIC_TPR, 0x70) == EXIT(AXV_EXIT_MMIO_WRITE));
	return lapic_go(c) == DONE;
}

/* SDM, "x2APIC State Transitions": from each mode to each. */
TEST_F(regs, modes)
{
	const __u64 off = APIC_PAGE | APIC_BASE_BSP;
	const __u64 xapic = off | APIC_BASE_ENABLE, x2apic = xapic | APIC_BASE_X2APIC;
	const __u64 never[] = {
		off | APIC_BASE_X2APIC, xapic | 1, xapic | 1 << 9, xapic | 1ull << 62,
		xapic + PAGE, xapic - APIC_PAGE, off + PAGE,
	};
	struct lapic_cpu *c = &self->c;
	unsigned int i, round;
	__u64 base;

	if (variant->x2apic)
		return;
	lapic_write(c, APIC_TPR, 0x20);
	lapic_write(c, APIC_LVT_LINT1, 0x45);
	lapic_write(c, APIC_LDR, 0x22000000);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(never); i++)
			EXPECT_EQ(-1, lapic_wrmsr(c, MSR_APIC_BASE, never[i])) TH_LOG("%d", i);
		EXPECT_EQ(0, lapic_wrmsr(c, MSR_APIC_BASE, xapic));
		EXPECT_EQ((ID & 0xff) << 24, lapic_read(c, APIC_ID));
		EXPECT_TRUE(told_by_cpuid(c));

		lapic_to_x2apic(c);
		ASSERT_EQ(0, lapic_rdmsr(c, MSR_APIC_BASE, &base));
		EXPECT_EQ(x2apic, base);
		EXPECT_EQ((__u16)x2apic, c->v.run->apic_base);
		if (!round) {
			/* The registers keep their values, except the LDR. */
			EXPECT_EQ(0x20u, lapic_read(c, APIC_TPR));
			EXPECT_EQ(0x45u, lapic_read(c, APIC_LVT_LINT1));
			EXPECT_EQ(SVR_ENABLE | 0xff, lapic_read(c, APIC_SVR));
		}
		EXPECT_EQ(ID, lapic_read(c, APIC_ID));
		EXPECT_EQ(ID >> 4 << 16 | 1u << (ID & 15), lapic_read(c, APIC_LDR));
		EXPECT_TRUE(told_by_cpuid(c));
		EXPECT_TRUE(page_is_a_hole(c));
		for (i = 0; i < ARRAY_SIZE(never); i++)
			EXPECT_EQ(-1, lapic_wrmsr(c, MSR_APIC_BASE, never[i])) TH_LOG("%d", i);
		EXPECT_EQ(-1, lapic_wrmsr(c, MSR_APIC_BASE, xapic));
		EXPECT_EQ(0, lapic_wrmsr(c, MSR_APIC_BASE, x2apic));
		EXPECT_EQ(ID, lapic_read(c, APIC_ID));

		ASSERT_EQ(0, lapic_wrmsr(c, MSR_APIC_BASE, off));
		lapic_mode_is(c, false);
		ASSERT_EQ(0, lapic_rdmsr(c, MSR_APIC_BASE, &base));
		EXPECT_EQ(off, base);
		EXPECT_EQ((__u16)off, c->v.run->apic_base);
		EXPECT_FALSE(told_by_cpuid(c));
		EXPECT_TRUE(page_is_a_hole(c));
		EXPECT_EQ(-1, lapic_rdmsr(c, 0x802, &base));
		EXPECT_EQ(-1, lapic_wrmsr(c, 0x808, 0));
		EXPECT_EQ(-1, lapic_wrmsr(c, MSR_APIC_BASE, x2apic));
		for (i = 0; i < ARRAY_SIZE(never); i++)
			EXPECT_EQ(-1, lapic_wrmsr(c, MSR_APIC_BASE, never[i])) TH_LOG("%d", i);
		EXPECT_EQ(0, lapic_wrmsr(c, MSR_APIC_BASE, off));
		/* While the APIC is off, interrupts to it are lost, but CR8 works. */
		EXPECT_EQ(0, lapic_msi(&self->vm, MSI_ADDRESS(ID & 0xff), 0x53));
		ASSERT_EQ(DONE, lapic_do(c, OP_set_cr8, 3, 0));
		ASSERT_EQ(DONE, lapic_do(c, OP_get_cr8, 0, 0));
		EXPECT_EQ(3ull, lapic_result(c));
		ASSERT_EQ(DONE, lapic_do(c, OP_set_cr8, 0, 0));
		EXPECT_EQ(0ull, lapic_taken(c));

		ASSERT_EQ(0, lapic_wrmsr(c, MSR_APIC_BASE, xapic));
		EXPECT_EQ((ID & 0xff) << 24, lapic_read(c, APIC_ID));
		EXPECT_TRUE(told_by_cpuid(c));
		EXPECT_EQ(0, lapic_only(c, APIC_IRR));
	}
	lapic_write(c, APIC_SVR, SVR_ENABLE | 0xff);
	lapic_send(c, 0, ICR_SELF | 0x51);
	EXPECT_EQ(0x51ull, lapic_taken(c));
}

TEST_F(regs, ids_of_cpuid)
{
	ASSERT_EQ(DONE, lapic_do(&self->c, OP_cpuid, 1, 0));
	EXPECT_EQ(ID & 0xffull, self->c.v.run->exit.hypercall.args[0] >> 24);
	/* CPUID has x2APIC and the TSC deadline. */
	EXPECT_NE(0ull, self->c.v.run->exit.hypercall.args[1] & CPUID_X2APIC);
	EXPECT_NE(0ull, self->c.v.run->exit.hypercall.args[1] & CPUID_TSC_DEADLINE);
}

/*
 * The state of a busy APIC goes to another vCPU, twice, and all interrupts end there: 0x61 is
 * in service, with 0x91 in its handler; 0x42, and 0x71, which is a level, are pending.
 */
TEST_F(regs, saved_and_restored)
{
	struct lapic_cpu *c = &self->c;
	__u32 ldr, id;

	c->guest->flags = (c->guest->flags | GUEST_CALLS) & ~GUEST_EOI;
	lapic_write(c, APIC_LVT_TIMER, LVT_PERIODIC | LVT_MASKED | 0xd1);
	lapic_write(c, APIC_TIMER_DIVIDE, 0x9);
	lapic_write(c, APIC_LVT_LINT0, LVT_EXTINT);
	lapic_write(c, APIC_LVT_LINT1, LVT_NMI);
	lapic_write(c, APIC_LVT_ERROR, 0xe1);
	if (!variant->x2apic) {
		lapic_write(c, APIC_DFR, 0x0fffffff);
		lapic_write(c, APIC_LDR, 0x34000000);
		lapic_write(c, APIC_ICR_HIGH, 0x56000000);
	}
	ldr = lapic_read(c, APIC_LDR);
	id = lapic_read(c, APIC_ID);
	lapic_send(c, 0, ICR_SELF | 0x61);
	ASSERT_EQ(TAKEN(0x61), lapic_do(c, OP_open, 0, 0));
	lapic_send(c, 0, ICR_SELF | 0x91);
	ASSERT_EQ(TAKEN(0x91), lapic_do(c, OP_open, 0, 0));
	lapic_send(c, 0, ICR_SELF | 0x42);
	ASSERT_EQ(0, lapic_msi(&self->vm, MSI_ADDRESS(variant->x2apic ? ID : ID & 0xff),
			       0x71 | MSI_LEVEL));
	lapic_write(c, APIC_TPR, 0x15);
	EXPECT_EQ(0x90u, lapic_read(c, APIC_PPR));

	vcpu_move(&c->v);
	EXPECT_EQ(id, lapic_read(c, APIC_ID));
	EXPECT_EQ(ldr, lapic_read(c, APIC_LDR));
	EXPECT_EQ(0x90u, lapic_read(c, APIC_PPR));
	EXPECT_EQ(0x15u, lapic_read(c, APIC_TPR));
	EXPECT_EQ(0x9u, lapic_read(c, APIC_TIMER_DIVIDE));
	EXPECT_EQ(LVT_PERIODIC | LVT_MASKED | 0xd1, lapic_read(c, APIC_LVT_TIMER));
	EXPECT_EQ(LVT_EXTINT, lapic_read(c, APIC_LVT_LINT0));
	EXPECT_EQ(0xe1u, lapic_read(c, APIC_LVT_ERROR));
	EXPECT_TRUE(lapic_bit(c, APIC_ISR, 0x61) && lapic_bit(c, APIC_ISR, 0x91));
	EXPECT_TRUE(lapic_bit(c, APIC_IRR, 0x42) && lapic_bit(c, APIC_IRR, 0x71));
	EXPECT_EQ(0x71, lapic_only(c, APIC_TMR));

	/* Interrupt 0x91 ends, then 0x61; then the pending ones are taken, 0x71 first. */
	lapic_write(c, APIC_EOI, 0);
	EXPECT_EQ(0x61, lapic_only(c, APIC_ISR));
	EXPECT_EQ(0x60u, lapic_read(c, APIC_PPR));
	ASSERT_EQ(TAKEN(0x71), lapic_do(c, OP_open, 0, 0));
	vcpu_move(&c->v);
	ASSERT_EQ(EXIT(AXV_EXIT_EOI), variant->x2apic ? lapic_do(c, OP_wrmsr, 0x80b, 0) :
		  lapic_do(c, OP_write, APIC_PAGE + APIC_EOI, 0));
	EXPECT_EQ(0x71u, c->v.run->exit.eoi.vector);
	vcpu_move(&c->v);
	ASSERT_EQ(DONE, lapic_go(c));
	lapic_write(c, APIC_EOI, 0);
	ASSERT_EQ(TAKEN(0x42), lapic_do(c, OP_open, 0, 0));
	lapic_write(c, APIC_EOI, 0);
	EXPECT_EQ(0, lapic_only(c, APIC_ISR));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
	EXPECT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(DONE, lapic_leave(c));
}

/* Any value that a VMM sets is refused or not; then the vCPU can still run. */
TEST_F(regs, hostile_values)
{
	static const __u64 values[] = {
		~0ull, 0, 1, 0x8000000080000000, 0xffffffff, 0x5555555555555555,
	};
	static __u64 ids[1024];
	struct axv_table table = {
		.kind = AXV_TABLE_REGS,
		.count = 1024,
		.entry_size = sizeof(__u64),
		.entries = (unsigned long)ids,
	};
	struct lapic_cpu *c = &self->c;
	unsigned int i, j, n = 0;
	int ret;

	ASSERT_EQ(0, axv_ioctl(c->v.fd, AXV_GET_TABLE, &table));
	for (j = 0; j < ARRAY_SIZE(values); j++) {
		for (i = 0; i < table.count; i++) {
			if (AXV_REG_CLASS(ids[i]) != AXV_X86_CLASS_LAPIC &&
			    ids[i] != AXV_REG_X86(MSR, MSR_APIC_BASE) &&
			    ids[i] != AXV_REG_X86(MSR, MSR_TSC_DEADLINE))
				continue;
			n++;
			ret = reg_set(&c->v, ids[i], values[j]);
			EXPECT_TRUE(!ret || ret == -EINVAL || ret == -EPERM)
				TH_LOG("%#llx: %d", (unsigned long long)ids[i], ret);
		}
		/* The guest may get interrupts without end, or do nothing: any exit will do. */
		lapic_order(c, OP_open, 0, 0);
		EXPECT_LE(0, vcpu_run(&c->v));
		EXPECT_EQ(AXV_STATE_READY, vcpu_state(&c->v));
	}
	EXPECT_LT(100u, n);
	EXPECT_EQ(-ENOENT, reg_set(&c->v, AXV_REG_X86(LAPIC, 0x40), 0));
	EXPECT_EQ(-ENOENT, reg_set(&c->v, AXV_REG_X86(LAPIC, 0x82), 0));
	EXPECT_EQ(-ENOENT, reg_set(&c->v, AXV_REG_X86(LAPIC, 0x1000), 0));

	lapic_reset(c);
	lapic_start(c);
	lapic_send(c, 0, ICR_SELF | 0x51);
	EXPECT_EQ(0x51ull, lapic_taken(c));
}

TEST(needs_halts_in_the_kernel)
{
	struct axv_create_vm c = { .irqchip = AXV_IRQCHIP_LAPIC };
	int dev = dev_open();

	NEED_LAPIC();
	EXPECT_EQ(-EINVAL, axv_ioctl(dev, AXV_CREATE_VM, &c));
	close(dev);
}

/* Without an APIC in the kernel, the VMM finds no registers of one. */
TEST(no_registers_without_it)
{
	struct axv_vm vm;
	struct axv_vcpu v;
	__u64 value;

	NEED_LAPIC();
	vm_new(&vm, 0);
	vcpu_new(&vm, &v, 0);
	ASSERT_EQ(0, guest_setup(&v));
	EXPECT_EQ(-ENOENT, reg_get(&v, AXV_REG_X86(LAPIC, APIC_TPR), &value));
	EXPECT_EQ(-ENOENT, reg_set(&v, AXV_REG_X86(LAPIC, APIC_TPR), 0));
	vcpu_free(&v);
	vm_free(&vm);
}

TEST_HARNESS_MAIN
