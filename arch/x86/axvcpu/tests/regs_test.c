// SPDX-License-Identifier: GPL-2.0
/*
 * Registers: reset and setup, every id in and out, legal values, the sets of
 * the run page, the vector state.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/fpu/types.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../fpu.h"
#include "../regs.h"
#include "fake_hw.h"

#define LONG_MODE_EFER	(EFER_LME | EFER_LMA | EFER_SCE)

static int regs_init(struct kunit *test)
{
	test->priv = fake_vcpu_new(test);
	return 0;
}

static void regs_exit(struct kunit *test)
{
	if (test->priv)
		fake_vcpu_free(test->priv);
}

/* AMD APM vol. 2, table 14-1. */
static void expect_reset(struct kunit *test, struct fake_vcpu *f)
{
	static const u64 expected[][2] = {
		{ AXV_REG_X86(GPR, AXV_X86_RAX), 0 },
		{ AXV_REG_X86(GPR, AXV_X86_RSP), 0 },
		{ AXV_REG_X86(GPR, AXV_X86_R15), 0 },
		{ AXV_REG_X86(GPR, AXV_X86_RIP), 0xfff0 },
		{ AXV_REG_X86(GPR, AXV_X86_RFLAGS), 2 },
		{ AXV_REG_X86(CR, 0), 0x60000010 },
		{ AXV_REG_X86(CR, 2), 0 },
		{ AXV_REG_X86(CR, 3), 0 },
		{ AXV_REG_X86(CR, 4), 0 },
		{ AXV_REG_X86(CR, 8), 0 },
		{ AXV_REG_X86(DR, 0), 0 },
		{ AXV_REG_X86(DR, 3), 0 },
		{ AXV_REG_X86(DR, 6), 0xffff0ff0 },
		{ AXV_REG_X86(DR, 7), 0x400 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_CS, 0)), 0xf000 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_CS, 1)), 0xffff0000 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_CS, 2)), 0xffff },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_CS, 3)), 0x9b },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_SS, 0)), 0 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_SS, 1)), 0 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_SS, 2)), 0xffff },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_SS, 3)), 0x93 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GS, 3)), 0x93 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_LDTR, 3)), 0x82 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_TR, 3)), 0x8b },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, 1)), 0 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, 2)), 0xffff },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_IDTR, 2)), 0xffff },
		{ AXV_REG_X86(MSR, MSR_EFER), 0 },
		{ AXV_REG_X86(MSR, MSR_IA32_CR_PAT), 0x0007040600070406 },
		{ AXV_REG_X86(XCR, 0), 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		KUNIT_EXPECT_EQ_MSG(test, expected[i][1],
				    fake_get_reg(test, f, expected[i][0]),
				    "register %llx", expected[i][0]);
}

static void regs_test_reset(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	expect_reset(test, f);
	memset(f->seg, 0x5a, sizeof(f->seg));
	memset(f->table, 0x5a, sizeof(f->table));
	memset(f->cr, 0x5a, sizeof(f->cr));
	memset(f->dr, 0x5a, sizeof(f->dr));
	memset(&f->x.regs, 0x5a, sizeof(f->x.regs));
	memset(f->value, 0x5a, sizeof(f->value));
	f->x.efer = EFER_NX;
	f->x.xcr0 = 3;
	f->x.tsc_aux = 1;
	f->x.mtrr_def_type = 6;
	f->x.mtrr_var[3] = 1;
	f->x.mtrr_fixed[10] = 1;
	f->x.pending.kind = AXV_PENDING_IO;
	f->shadow = true;
	f->nmi_masked = true;
	axv_x86_vcpu_reset(&f->x);
	expect_reset(test, f);
	KUNIT_EXPECT_FALSE(test, f->shadow);
	KUNIT_EXPECT_FALSE(test, f->nmi_masked);
	KUNIT_EXPECT_EQ(test, AXV_PENDING_NONE, f->x.pending.kind);
	KUNIT_EXPECT_EQ(test, 0, f->x.tsc_aux);
	KUNIT_EXPECT_EQ(test, 0, f->x.mtrr_def_type);
	KUNIT_EXPECT_EQ(test, 0, f->x.mtrr_var[3]);
	KUNIT_EXPECT_EQ(test, 0, f->x.mtrr_fixed[10]);
	/* EDX is CPUID's signature. */
	KUNIT_EXPECT_EQ(test, f->x.answers[1].eax,
			f->x.regs.gpr[AXV_X86_RDX]);
}

static int setup(struct fake_vcpu *f, u32 mode, u64 entry, u32 flags)
{
	struct axv_setup s = { .entry = entry, .mode = mode, .flags = flags };
	int err = axv_x86_check_setup(&f->x.base, &s);

	return err ? err : claimed_setup(&f->x.base, &s);
}

static void regs_test_setup_real(struct kunit *test)
{
	static const u64 cases[][4] = {
		/* entry, selector, base, ip */
		{ 0, 0, 0, 0 },
		{ 0x7c00, 0, 0, 0x7c00 },
		{ 0x12345, 0x1000, 0x10000, 0x2345 },
		{ 0xffff0, 0xf000, 0xf0000, 0xfff0 },
		{ 0xfffffff0, 0xf000, 0xffff0000, 0xfff0 },
	};
	struct fake_vcpu *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct axv_x86_segment *cs = &f->seg[AXV_X86_CS];

		axv_x86_vcpu_reset(&f->x);
		KUNIT_EXPECT_EQ(test, 0, setup(f, AXV_X86_MODE_REAL,
					       cases[i][0], 0));
		KUNIT_EXPECT_EQ(test, cases[i][1], cs->selector);
		KUNIT_EXPECT_EQ(test, cases[i][2], cs->base);
		KUNIT_EXPECT_EQ(test, cases[i][3], f->x.regs.rip);
	}
	expect_reset(test, f);
}

static void regs_test_setup_protected(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, setup(f, AXV_X86_MODE_PROTECTED, 0x100000, 0));
	KUNIT_EXPECT_EQ(test, 0x11, f->x.cr0);
	KUNIT_EXPECT_EQ(test, 0x100000, f->x.regs.rip);
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++) {
		KUNIT_EXPECT_EQ(test, 0, f->seg[i].base);
		KUNIT_EXPECT_EQ(test, 0xffffffff, f->seg[i].limit);
		KUNIT_EXPECT_EQ(test, i == AXV_X86_CS ? 0xc9b : 0xc93,
				f->seg[i].attr);
	}
}

static void regs_test_setup_refused(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	KUNIT_EXPECT_EQ(test, -EINVAL, setup(f, 2, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, setup(f, ~0u, 0, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, setup(f, 0, 0, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, setup(f, 0, 1ull << 32, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, setup(f, 1, ~0ull, 0));
	f->vm.base.ipa_bits = 31;
	KUNIT_EXPECT_EQ(test, -EINVAL, setup(f, 0, 0xfffffff0, 0));
	KUNIT_EXPECT_EQ(test, 0, setup(f, 0, 0x7ffffff0, 0));
}

/* Every id in the list can be read, and what was read be written. */
static void regs_test_list(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	u32 count = 0, room, i, j;
	u64 *ids, value;

	KUNIT_EXPECT_EQ(test, -E2BIG, axv_x86_reg_list(&f->x, NULL, &count));
	KUNIT_ASSERT_GT(test, count, 100);
	KUNIT_ASSERT_LE(test, count, 1024);
	ids = kunit_kcalloc(test, count, sizeof(*ids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ids);
	room = count - 1;
	KUNIT_EXPECT_EQ(test, -E2BIG, axv_x86_reg_list(&f->x, ids, &room));
	KUNIT_EXPECT_EQ(test, count, room);
	KUNIT_EXPECT_EQ(test, 0, ids[count - 1]);
	KUNIT_EXPECT_EQ(test, 0, axv_x86_reg_list(&f->x, ids, &count));
	KUNIT_EXPECT_EQ(test, room, count);

	for (i = 0; i < count; i++) {
		value = fake_get_reg(test, f, ids[i]);
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    claimed_set_reg(&f->x.base, ids[i], value),
				    "register %llx = %llx", ids[i], value);
		KUNIT_EXPECT_EQ_MSG(test, value, fake_get_reg(test, f, ids[i]),
				    "register %llx", ids[i]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, ids[j], ids[i]);
	}
	expect_reset(test, f);
}

static void regs_test_unknown(struct kunit *test)
{
	static const u64 unknown[] = {
		0, ~0ull,
		AXV_REG_X86(GPR, AXV_X86_GPRS),
		AXV_REG_X86(GPR, 1ull << 32),
		AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, 0)),
		AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_IDTR, 3)),
		AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_IDTR + 1, 0)),
		AXV_REG_X86(SEG, (1ull << 32) | 4),
		AXV_REG_X86(CR, 1), AXV_REG_X86(CR, 5), AXV_REG_X86(CR, 9),
		AXV_REG_X86(CR, 1ull << 32),
		AXV_REG_X86(DR, 4), AXV_REG_X86(DR, 5), AXV_REG_X86(DR, 8),
		AXV_REG_X86(MSR, 0x12345678),
		AXV_REG_X86(MSR, (1ull << 32) | MSR_EFER),
		AXV_REG_X86(XCR, 1),
		AXV_REG_X86(EVENT, AXV_X86_EVENT_REGS),
		AXV_REG_ID(AXV_REG_ARCH_X86, 8, 3, 0),
		AXV_REG_ID(AXV_REG_ARCH_X86, AXV_X86_CLASS_GPR, 2, 0),
		AXV_REG_ID(AXV_REG_ARCH_ARM64, AXV_X86_CLASS_GPR, 3, 0),
	};
	struct fake_vcpu *f = test->priv;
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -ENOENT,
				    claimed_get_reg(&f->x.base, unknown[i], &value),
				    "register %llx", unknown[i]);
		KUNIT_EXPECT_EQ_MSG(test, -ENOENT,
				    claimed_set_reg(&f->x.base, unknown[i], 0),
				    "register %llx", unknown[i]);
	}
}

static void regs_test_illegal(struct kunit *test)
{
	static const u64 illegal[][2] = {
		{ AXV_REG_X86(GPR, AXV_X86_RFLAGS), 1ull << 3 },
		{ AXV_REG_X86(GPR, AXV_X86_RFLAGS), 1ull << 15 },
		{ AXV_REG_X86(GPR, AXV_X86_RFLAGS), 1ull << 22 },
		{ AXV_REG_X86(GPR, AXV_X86_RFLAGS), 1ull << 63 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, 0)), 0x10000 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, 1)), 1ull << 32 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, 2)), 1ull << 32 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, 3)), 0x1000 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_FS, 1)), 1ull << 62 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_TR, 1)), 1ull << 62 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, 1)), 1ull << 62 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, 2)), 0x10000 },
		{ AXV_REG_X86(CR, 0), 1ull << 32 },
		{ AXV_REG_X86(CR, 0), X86_CR0_PG },
		{ AXV_REG_X86(CR, 0), X86_CR0_NW },
		{ AXV_REG_X86(CR, 3), 1ull << 52 },
		{ AXV_REG_X86(CR, 4), X86_CR4_VMXE },
		{ AXV_REG_X86(CR, 4), 1ull << 32 },
		{ AXV_REG_X86(CR, 8), 16 },
		{ AXV_REG_X86(DR, 6), 1ull << 32 },
		{ AXV_REG_X86(DR, 7), 1ull << 32 },
		{ AXV_REG_X86(XCR, 0), 0 },
		{ AXV_REG_X86(XCR, 0), 2 },
		{ AXV_REG_X86(XCR, 0), 1 | XFEATURE_MASK_YMM },
		{ AXV_REG_X86(XCR, 0), 7 | XFEATURE_MASK_OPMASK },
		{ AXV_REG_X86(XCR, 0), 1ull << 63 | 7 },
		{ AXV_REG_X86(XCR, 0), 7 | 3ull << 17 },
		{ AXV_REG_X86(MSR, MSR_EFER), EFER_SVME },
		{ AXV_REG_X86(MSR, MSR_EFER), EFER_LMA },
		{ AXV_REG_X86(MSR, MSR_EFER), 1ull << 63 },
	};
	struct fake_vcpu *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(illegal); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    claimed_set_reg(&f->x.base, illegal[i][0],
						    illegal[i][1]),
				    "register %llx = %llx", illegal[i][0],
				    illegal[i][1]);
	expect_reset(test, f);
}

/* A state is the same in whatever order its registers are set. */
static void regs_test_order(struct kunit *test)
{
	static const u64 values[][2] = {
		{ AXV_REG_X86(CR, 0), X86_CR0_PE | X86_CR0_PG | X86_CR0_ET },
		{ AXV_REG_X86(MSR, MSR_EFER), LONG_MODE_EFER },
		{ AXV_REG_X86(CR, 4), X86_CR4_PAE },
		{ AXV_REG_X86(CR, 3), 0x1000 },
		{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_CS, 3)), 0xa9b },
	};
	struct fake_vcpu *f = test->priv;
	unsigned int n = ARRAY_SIZE(values), start, i;

	if (!(axv_x86_host.efer & EFER_LME))
		kunit_skip(test, "needs a 64-bit processor");
	for (start = 0; start < 2 * n; start++) {
		axv_x86_vcpu_reset(&f->x);
		for (i = 0; i < n; i++) {
			const u64 *v = values[start < n ? (start + i) % n :
					      (2 * n + start - i) % n];

			KUNIT_EXPECT_EQ(test, 0,
					claimed_set_reg(&f->x.base, v[0], v[1]));
		}
		for (i = 0; i < n; i++)
			KUNIT_EXPECT_EQ_MSG(test, values[i][1],
					    fake_get_reg(test, f, values[i][0]),
					    "register %llx", values[i][0]);
	}
	/* Without paging there is no long mode. */
	KUNIT_EXPECT_EQ(test, 0, claimed_set_reg(&f->x.base, AXV_REG_X86(CR, 0),
						 X86_CR0_PE));
	KUNIT_EXPECT_EQ(test, EFER_LME | EFER_SCE, f->x.efer);
}

static void regs_test_normalised(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_vcpu *vcpu = &f->x.base;

	KUNIT_EXPECT_EQ(test, 0, claimed_set_reg(vcpu, AXV_REG_X86(DR, 6), 0));
	KUNIT_EXPECT_EQ(test, 0xffff0ff0, f->dr[6]);
	KUNIT_EXPECT_EQ(test, 0, claimed_set_reg(vcpu, AXV_REG_X86(DR, 6), ~0u));
	KUNIT_EXPECT_EQ(test, 0xffffefff, f->dr[6]);
	KUNIT_EXPECT_EQ(test, 0, claimed_set_reg(vcpu, AXV_REG_X86(DR, 7), 0));
	KUNIT_EXPECT_EQ(test, 0x400, f->dr[7]);
	KUNIT_EXPECT_EQ(test, 0, claimed_set_reg(vcpu, AXV_REG_X86(DR, 7), ~0u));
	KUNIT_EXPECT_EQ(test, 0xffff27ff, f->dr[7]);
	KUNIT_EXPECT_EQ(test, 0, claimed_set_reg(vcpu, AXV_REG_X86(CR, 0), 0));
	KUNIT_EXPECT_EQ(test, X86_CR0_ET, f->x.cr0);
	KUNIT_EXPECT_EQ(test, 0,
			claimed_set_reg(vcpu, AXV_REG_X86(GPR, AXV_X86_RFLAGS),
					0));
	KUNIT_EXPECT_EQ(test, 2, f->x.regs.rflags);
}

/* A long-mode set that is legal if the guest has long mode. */
static void long_mode_set(struct axv_x86_sregs *s)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < AXV_X86_SEGS; i++)
		s->seg[i] = (struct axv_x86_segment){
			.limit = 0xffffffff, .attr = 0xc93 };
	s->seg[AXV_X86_CS].attr = 0xa9b;
	s->seg[AXV_X86_FS].base = 0xffff800000000000;
	s->gdtr.limit = 0xffff;
	s->idtr.limit = 0xfff;
	s->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET;
	s->cr2 = 0x123;
	s->cr3 = 0x1000;
	s->cr4 = X86_CR4_PAE;
	s->cr8 = 3;
	s->efer = LONG_MODE_EFER;
}

#define BREAK(field, value)						\
	do {								\
		long_mode_set(&s);					\
		s.field = (value);					\
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,			\
				    axv_x86_set_sregs(&f->x, &s),	\
				    #field " = " #value);		\
	} while (0)

static void regs_test_sregs(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_x86_sregs s, got;

	if (!(axv_x86_host.efer & EFER_LME))
		kunit_skip(test, "needs a 64-bit processor");
	BREAK(seg[AXV_X86_DS].base, 1ull << 32);
	BREAK(seg[AXV_X86_GS].base, 1ull << 62);
	BREAK(seg[AXV_X86_LDTR].base, 1ull << 62);
	BREAK(seg[AXV_X86_CS].attr, 0x1a9b);
	BREAK(seg[AXV_X86_CS].attr, 0xe9b);	/* L and D */
	BREAK(gdtr.limit, 0x10000);
	BREAK(gdtr.pad, 1);
	BREAK(idtr.base, 1ull << 62);
	BREAK(cr0, 1ull << 32 | X86_CR0_PE | X86_CR0_PG);
	BREAK(cr0, X86_CR0_PG);
	BREAK(cr0, X86_CR0_PE | X86_CR0_PG | X86_CR0_NW);
	BREAK(cr0, X86_CR0_PE);			/* LMA without paging */
	BREAK(cr3, 1ull << 52);
	BREAK(cr4, 0);				/* long mode without PAE */
	BREAK(cr4, X86_CR4_PAE | X86_CR4_VMXE);
	BREAK(cr8, 16);
	BREAK(efer, EFER_LME);			/* paging, but no LMA */
	BREAK(efer, EFER_LMA);
	BREAK(efer, LONG_MODE_EFER | EFER_SVME);
	expect_reset(test, f);

	long_mode_set(&s);
	KUNIT_EXPECT_EQ(test, 0, axv_x86_set_sregs(&f->x, &s));
	axv_x86_get_sregs(&f->x, &got);
	KUNIT_EXPECT_EQ(test, 0, memcmp(&s, &got, sizeof(s)));
}

static void regs_test_prepare_run(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_vcpu *vcpu = &f->x.base;
	struct axv_run *run = &f->run;

	KUNIT_EXPECT_EQ(test, 0, claimed_prepare_run(vcpu));
	expect_reset(test, f);

	run->dirty = 1u << 2;
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_prepare_run(vcpu));
	KUNIT_EXPECT_EQ(test, 1u << 2, run->dirty);

	/* One bad set, and neither is loaded. */
	axv_x86_get_sregs(&f->x, &run->regs.sregs);
	run->regs.sregs.cr2 = 0x77;
	run->regs.gprs.rflags = 1ull << 3;
	run->dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_prepare_run(vcpu));
	expect_reset(test, f);

	run->regs.gprs.rflags = 0;
	run->regs.gprs.rip = 0x1234;
	run->regs.sregs.cr8 = 16;
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_prepare_run(vcpu));
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS, run->dirty);
	expect_reset(test, f);

	run->regs.sregs.cr8 = 2;
	run->regs.gprs.gpr[AXV_X86_R9] = 9;
	KUNIT_EXPECT_EQ(test, 0, claimed_prepare_run(vcpu));
	KUNIT_EXPECT_EQ(test, 0, run->dirty);
	KUNIT_EXPECT_EQ(test, 0x77, f->cr[2]);
	KUNIT_EXPECT_EQ(test, 2, f->cr[8]);
	KUNIT_EXPECT_EQ(test, 0x1234, f->x.regs.rip);
	KUNIT_EXPECT_EQ(test, 9, f->x.regs.gpr[AXV_X86_R9]);
	KUNIT_EXPECT_EQ(test, 2, f->x.regs.rflags);

	/* Only what is dirty is read. */
	run->regs.gprs.rip = 0x5678;
	run->regs.sregs.cr8 = 16;
	run->dirty = AXV_RUN_SET_GPRS;
	KUNIT_EXPECT_EQ(test, 0, claimed_prepare_run(vcpu));
	KUNIT_EXPECT_EQ(test, 0x5678, f->x.regs.rip);
	KUNIT_EXPECT_EQ(test, 2, f->cr[8]);
}

static void regs_test_sync_gprs(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	struct axv_vcpu *vcpu = &f->x.base;
	struct axv_run *run = &f->run;

	run->regs.gprs.rip = 0x1234;
	run->regs.gprs.rflags = 1ull << 3;
	run->dirty = AXV_RUN_SET_GPRS;
	run->valid = AXV_RUN_SET_SREGS;
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_sync_gprs(vcpu, AXV_RUN_SET_GPRS,
							 AXV_RUN_SET_GPRS));
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, run->dirty);
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_SREGS, run->valid);
	KUNIT_EXPECT_EQ(test, 0x1234, run->regs.gprs.rip);
	expect_reset(test, f);

	/* The arguments decide, not what the VMM writes to the run page meanwhile. */
	run->regs.gprs.rflags = 0;
	KUNIT_EXPECT_EQ(test, 0, claimed_sync_gprs(vcpu, 0, 0));
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, run->dirty);
	KUNIT_EXPECT_EQ(test, 0, run->valid);
	expect_reset(test, f);

	KUNIT_EXPECT_EQ(test, 0, claimed_sync_gprs(vcpu, AXV_RUN_SET_GPRS, 0));
	KUNIT_EXPECT_EQ(test, 0, run->dirty);
	KUNIT_EXPECT_EQ(test, 0, run->valid);
	KUNIT_EXPECT_EQ(test, 0x1234, f->x.regs.rip);
	KUNIT_EXPECT_EQ(test, 2, f->x.regs.rflags);

	f->x.regs.gpr[AXV_X86_R15] = 15;
	KUNIT_EXPECT_EQ(test, 0, claimed_sync_gprs(vcpu, 0, AXV_RUN_SET_GPRS));
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, run->valid);
	KUNIT_EXPECT_EQ(test, 0, memcmp(&run->regs.gprs, &f->x.regs,
					sizeof(run->regs.gprs)));
}

static void regs_test_canonical(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;

	f->x.caps.la57 = false;
	KUNIT_EXPECT_TRUE(test, axv_x86_canonical(&f->x, 0x7fffffffffff));
	KUNIT_EXPECT_FALSE(test, axv_x86_canonical(&f->x, 0x800000000000));
	KUNIT_EXPECT_TRUE(test, axv_x86_canonical(&f->x, 0xffff800000000000));
	KUNIT_EXPECT_FALSE(test, axv_x86_canonical(&f->x, 0xffff7fffffffffff));
	f->x.caps.la57 = true;
	KUNIT_EXPECT_TRUE(test, axv_x86_canonical(&f->x, 0xffffffffffffff));
	KUNIT_EXPECT_FALSE(test, axv_x86_canonical(&f->x, 0x100000000000000));
	KUNIT_EXPECT_TRUE(test, axv_x86_canonical(&f->x, 0xff00000000000000));
}

static void regs_test_fpu(struct kunit *test)
{
	struct fake_vcpu *f = test->priv;
	size_t size = axv_x86_host.fpu_size;
	struct axv_vcpu *vcpu = &f->x.base;
	struct xregs_state *a, *b;

	KUNIT_ASSERT_GE(test, size, 576);
	a = kunit_kzalloc(test, size, GFP_KERNEL);
	b = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);

	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_get_fpu(vcpu, a, size - 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_fpu(vcpu, a, size - 1));
	KUNIT_EXPECT_EQ(test, 0, claimed_get_fpu(vcpu, a, size));
	KUNIT_EXPECT_EQ(test, 0x40, a->i387.cwd);
	KUNIT_EXPECT_EQ(test, 0xff, a->i387.twd);
	KUNIT_EXPECT_EQ(test, 0x1f80, a->i387.mxcsr);

	a->header.xfeatures |= XFEATURE_MASK_FPSSE;
	a->i387.cwd = 0x27f;
	a->i387.mxcsr = 0x1fc0;
	a->i387.xmm_space[5] = 0x12345678;
	KUNIT_EXPECT_EQ(test, 0, claimed_set_fpu(vcpu, a, size));
	KUNIT_EXPECT_EQ(test, 0, claimed_get_fpu(vcpu, b, size));
	KUNIT_EXPECT_EQ(test, 0x27f, b->i387.cwd);
	KUNIT_EXPECT_EQ(test, 0x1fc0, b->i387.mxcsr);
	KUNIT_EXPECT_EQ(test, 0x12345678, b->i387.xmm_space[5]);

	/* What XRSTOR refuses changes nothing. */
	a->i387.cwd = 0x37f;
	a->i387.mxcsr = 1u << 31;
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_fpu(vcpu, a, size));
	a->i387.mxcsr = 0x1f80;
	a->header.xfeatures |= 1ull << 62;
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_fpu(vcpu, a, size));
	a->header.xfeatures = XFEATURE_MASK_FPSSE | XFEATURE_MASK_XTILE_DATA;
	KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_fpu(vcpu, a, size));
	if (axv_x86_host.xcr0) {
		a->header.xfeatures = XFEATURE_MASK_FPSSE;
		a->header.xcomp_bv = 1ull << 63;
		KUNIT_EXPECT_EQ(test, -EINVAL, claimed_set_fpu(vcpu, a, size));
	}
	memset(b, 0, size);
	KUNIT_EXPECT_EQ(test, 0, claimed_get_fpu(vcpu, b, size));
	KUNIT_EXPECT_EQ(test, 0x27f, b->i387.cwd);

	if (axv_x86_host.xcr0 & XFEATURE_MASK_PKRU) {
		f->x.pkru = 0x55;
		KUNIT_EXPECT_EQ(test, 0, claimed_get_fpu(vcpu, b, size));
		f->x.pkru = 0;
		KUNIT_EXPECT_EQ(test, 0, claimed_set_fpu(vcpu, b, size));
		KUNIT_EXPECT_EQ(test, 0x55, f->x.pkru);
		b->header.xfeatures &= ~XFEATURE_MASK_PKRU;
		KUNIT_EXPECT_EQ(test, 0, claimed_set_fpu(vcpu, b, size));
		KUNIT_EXPECT_EQ(test, 0, f->x.pkru);
	}
	axv_x86_vcpu_reset(&f->x);
	KUNIT_EXPECT_EQ(test, 0, claimed_get_fpu(vcpu, b, size));
	KUNIT_EXPECT_EQ(test, 0x40, b->i387.cwd);
	KUNIT_EXPECT_EQ(test, 0, b->i387.xmm_space[5]);
}

static struct kunit_case regs_cases[] = {
	KUNIT_CASE(regs_test_reset),
	KUNIT_CASE(regs_test_setup_real),
	KUNIT_CASE(regs_test_setup_protected),
	KUNIT_CASE(regs_test_setup_refused),
	KUNIT_CASE(regs_test_list),
	KUNIT_CASE(regs_test_unknown),
	KUNIT_CASE(regs_test_illegal),
	KUNIT_CASE(regs_test_order),
	KUNIT_CASE(regs_test_normalised),
	KUNIT_CASE(regs_test_sregs),
	KUNIT_CASE(regs_test_prepare_run),
	KUNIT_CASE(regs_test_sync_gprs),
	KUNIT_CASE(regs_test_canonical),
	KUNIT_CASE(regs_test_fpu),
	{}
};

axv_test_suite("axvcpu-x86-regs", regs_cases, .init = regs_init, .exit = regs_exit);
