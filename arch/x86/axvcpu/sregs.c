// SPDX-License-Identifier: GPL-2.0
/*
 * Which values of control and segment registers are legal, and the register
 * sets of the run page.
 *
 * A single register is checked by itself, so that a VMM may restore them in
 * any order; what does not go together is refused when a whole set is loaded,
 * and at the latest by the hardware (AMD APM vol. 2, 15.5.1).
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <asm/page.h>
#include <asm/fpu/types.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include <axvcpu/current.h>

#include "regs.h"
#include "x86.h"

#define CR0_KNOWN	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
			 X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
			 X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)

/**
 * axv_x86_canonical() - is a linear address canonical on the guest's processor?
 * @x:		vCPU
 * @address:	linear address
 */
bool axv_x86_canonical(const struct axv_x86_vcpu *x, u64 address)
{
	unsigned int unused = 64 - (x->caps.la57 ? 57 : 48);

	return (u64)((s64)(address << unused) >> unused) == address;
}

/**
 * axv_x86_cr0_valid() - may CR0 have this value?
 * @x:		vCPU
 * @cr0:	new value; reserved bits below 32 are ignored by processors
 *
 * AMD APM vol. 2, 3.1.1 and 15.5.1.
 */
bool axv_x86_cr0_valid(const struct axv_x86_vcpu *x, u64 cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	return !(cr0 & X86_CR0_NW) || (cr0 & X86_CR0_CD);
}

/**
 * axv_x86_cr4_valid() - does the guest's processor have these bits of CR4?
 * @x:		vCPU
 * @cr4:	new value
 */
bool axv_x86_cr4_valid(const struct axv_x86_vcpu *x, u64 cr4)
{
	return !(cr4 & ~x->caps.cr4);
}

/**
 * axv_x86_efer_valid() - does the guest's processor have these bits of EFER?
 * @x:		vCPU
 * @efer:	new value; LMA goes with LME
 */
bool axv_x86_efer_valid(const struct axv_x86_vcpu *x, u64 efer)
{
	if (efer & ~x->caps.efer)
		return false;
	return !(efer & EFER_LMA) || (efer & EFER_LME);
}

/**
 * axv_x86_xcr0_valid() - may XCR0 have this value?
 * @x:		vCPU
 * @xcr0:	new value
 *
 * AMD APM vol. 2, 11.5.2: x87 always, AVX with SSE, the three parts of AVX-512
 * together and with AVX.
 */
bool axv_x86_xcr0_valid(const struct axv_x86_vcpu *x, u64 xcr0)
{
	u64 avx512 = xcr0 & XFEATURE_MASK_AVX512;

	if (!(xcr0 & XFEATURE_MASK_FP))
		return false;
	if (xcr0 & ~(x->caps.xcr0 | XFEATURE_MASK_FP))
		return false;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return false;
	return !avx512 || (avx512 == XFEATURE_MASK_AVX512 &&
			   (xcr0 & XFEATURE_MASK_YMM));
}

static bool cr3_valid(const struct axv_x86_vcpu *x, u64 cr3)
{
	return !(cr3 >> x->caps.phys_bits);
}

/**
 * axv_x86_check_rflags() - may RFLAGS have this value?
 * @rflags:	new value; bit 1, which is fixed, may be left out
 *
 * Return: 0 or -EINVAL.
 */
int axv_x86_check_rflags(u64 rflags)
{
	return rflags & ~(u64)AXV_X86_RFLAGS_KNOWN ? -EINVAL : 0;
}

/**
 * axv_x86_check_segment() - would hardware take this segment register?
 * @x:		vCPU
 * @seg:	an &enum axv_x86_seg up to LDTR
 * @value:	its new contents
 *
 * ES, CS, SS and DS have bases of 32 bits; the other bases are canonical.
 *
 * Return: 0 or -EINVAL.
 */
int axv_x86_check_segment(const struct axv_x86_vcpu *x, unsigned int seg,
			  const struct axv_x86_segment *value)
{
	if (value->attr & ~AXV_X86_ATTR_MASK)
		return -EINVAL;
	if (seg <= AXV_X86_DS)
		return value->base >> 32 ? -EINVAL : 0;
	return axv_x86_canonical(x, value->base) ? 0 : -EINVAL;
}

/**
 * axv_x86_check_dtable() - would hardware take this GDTR or IDTR?
 * @x:		vCPU
 * @value:	its new contents
 *
 * Return: 0 or -EINVAL.
 */
int axv_x86_check_dtable(const struct axv_x86_vcpu *x,
			 const struct axv_x86_dtable *value)
{
	if (value->limit > 0xffff || value->pad)
		return -EINVAL;
	return axv_x86_canonical(x, value->base) ? 0 : -EINVAL;
}

/* LMA follows LME and PG (AMD APM vol. 2, 14.6.1). */
static u64 with_lma(u64 efer, u64 cr0)
{
	if ((efer & EFER_LME) && (cr0 & X86_CR0_PG))
		return efer | EFER_LMA;
	return efer & ~(u64)EFER_LMA;
}

/**
 * axv_x86_set_cr() - the VMM sets one control register
 * @x:		vCPU whose claim the caller holds
 * @cr:		0, 2, 3, 4 or 8
 * @value:	new value
 *
 * EFER.LMA follows CR0.PG.
 *
 * Return: 0, -EINVAL or -ENOENT.
 */
int axv_x86_set_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value)
{
	switch (cr) {
	case 0:
		if (!axv_x86_cr0_valid(x, value))
			return -EINVAL;
		value = (value & CR0_KNOWN) | X86_CR0_ET;
		x->hw->set_cr(x, 0, value);
		x->hw->set_efer(x, with_lma(x->efer, value));
		return 0;
	case 2:
		break;
	case 3:
		if (!cr3_valid(x, value))
			return -EINVAL;
		break;
	case 4:
		if (!axv_x86_cr4_valid(x, value))
			return -EINVAL;
		break;
	case 8:
		if (value > 0xf)
			return -EINVAL;
		break;
	default:
		return -ENOENT;
	}
	x->hw->set_cr(x, cr, value);
	return 0;
}

/**
 * axv_x86_set_efer() - the VMM sets EFER
 * @x:		vCPU whose claim the caller holds
 * @efer:	new value; LMA follows LME and CR0.PG
 *
 * Return: 0 or -EINVAL.
 */
int axv_x86_set_efer(struct axv_x86_vcpu *x, u64 efer)
{
	if (!axv_x86_efer_valid(x, efer))
		return -EINVAL;
	x->hw->set_efer(x, with_lma(efer, x->hw->get_cr(x, 0)));
	return 0;
}

/* Each register by itself, then what does not go together. */
static int check_sregs(struct axv_x86_vcpu *x, const struct axv_x86_sregs *s)
{
	const u16 cs = s->seg[AXV_X86_CS].attr;
	bool paging = s->cr0 & X86_CR0_PG;
	bool long_mode = paging && (s->efer & EFER_LME);
	unsigned int i;

	for (i = 0; i < AXV_X86_SEGS; i++) {
		if (axv_x86_check_segment(x, i, &s->seg[i]))
			return -EINVAL;
	}
	if (axv_x86_check_dtable(x, &s->gdtr) ||
	    axv_x86_check_dtable(x, &s->idtr))
		return -EINVAL;
	if (!axv_x86_cr0_valid(x, s->cr0) || !cr3_valid(x, s->cr3) ||
	    !axv_x86_cr4_valid(x, s->cr4) || s->cr8 > 0xf ||
	    !axv_x86_efer_valid(x, s->efer))
		return -EINVAL;

	if (!!(s->efer & EFER_LMA) != long_mode)
		return -EINVAL;
	if (long_mode && !(s->cr4 & X86_CR4_PAE))
		return -EINVAL;
	if (long_mode && (cs & AXV_X86_ATTR_L) && (cs & AXV_X86_ATTR_DB))
		return -EINVAL;
	if (!long_mode && (s->cr4 & X86_CR4_PCIDE))
		return -EINVAL;
	return 0;
}

static void load_sregs(struct axv_x86_vcpu *x, const struct axv_x86_sregs *s)
{
	unsigned int i;

	x->hw->set_efer(x, s->efer);
	x->hw->set_cr(x, 0, (s->cr0 & CR0_KNOWN) | X86_CR0_ET);
	x->hw->set_cr(x, 2, s->cr2);
	x->hw->set_cr(x, 3, s->cr3);
	x->hw->set_cr(x, 4, s->cr4);
	x->hw->set_cr(x, 8, s->cr8);
	for (i = 0; i < AXV_X86_SEGS; i++)
		x->hw->set_segment(x, i, &s->seg[i]);
	x->hw->set_dtable(x, AXV_X86_GDTR, &s->gdtr);
	x->hw->set_dtable(x, AXV_X86_IDTR, &s->idtr);
}

/**
 * axv_x86_get_sregs() - segments and control registers, as one set
 * @x:		vCPU whose claim the caller holds
 * @sregs:	filled completely
 */
void axv_x86_get_sregs(struct axv_x86_vcpu *x, struct axv_x86_sregs *sregs)
{
	unsigned int i;

	memset(sregs, 0, sizeof(*sregs));
	for (i = 0; i < AXV_X86_SEGS; i++)
		x->hw->get_segment(x, i, &sregs->seg[i]);
	x->hw->get_dtable(x, AXV_X86_GDTR, &sregs->gdtr);
	x->hw->get_dtable(x, AXV_X86_IDTR, &sregs->idtr);
	sregs->cr0 = x->hw->get_cr(x, 0);
	sregs->cr2 = x->hw->get_cr(x, 2);
	sregs->cr3 = x->hw->get_cr(x, 3);
	sregs->cr4 = x->hw->get_cr(x, 4);
	sregs->cr8 = x->hw->get_cr(x, 8);
	sregs->efer = x->efer;
}

/**
 * axv_x86_set_sregs() - replace segments and control registers as a whole
 * @x:		vCPU whose claim the caller holds
 * @sregs:	kernel memory
 *
 * Return: 0, or -EINVAL for a value or a combination that the hardware would
 * refuse (AMD APM vol. 2, 15.5.1); then nothing has changed.
 */
int axv_x86_set_sregs(struct axv_x86_vcpu *x, const struct axv_x86_sregs *sregs)
{
	int err = check_sregs(x, sregs);

	if (!err)
		load_sregs(x, sregs);
	return err;
}

/* @rflags: as checked; it is not read again, since the VMM may write to the run page. */
static __always_inline void load_gprs(struct axv_x86_vcpu *x, u64 rflags)
{
	x->regs = x->base.run->regs.gprs;
	x->regs.rflags = rflags | X86_EFLAGS_FIXED;
}

/* What is checked is copied first, since the VMM may write to the run page meanwhile. */
static noinline int load_sets(struct axv_x86_vcpu *x, u32 dirty)
{
	struct axv_run *run = x->base.run;
	/* Filled by memcpy() before it is read; to clear it first would only take time. */
	struct axv_x86_sregs sregs __uninitialized;
	u64 rflags = 0;
	int err;

	if (dirty & ~(AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS))
		return -EINVAL;
	if (dirty & AXV_RUN_SET_GPRS) {
		rflags = READ_ONCE(run->regs.gprs.rflags);
		err = axv_x86_check_rflags(rflags);
		if (err)
			return err;
	}
	if (dirty & AXV_RUN_SET_SREGS) {
		memcpy(&sregs, &run->regs.sregs, sizeof(sregs));
		barrier_data(&sregs);
		err = axv_x86_set_sregs(x, &sregs);
		if (err)
			return err;
	}
	if (dirty & AXV_RUN_SET_GPRS)
		load_gprs(x, rflags);
	WRITE_ONCE(run->dirty, 0);
	return 0;
}

/**
 * axv_x86_prepare_run() - load the register sets that are dirty in the run page
 * @vcpu:	vCPU whose claim the caller holds
 *
 * Return: 0, or -EINVAL if a set is unknown or the hardware would refuse a
 * value in it; then nothing has changed.
 */
int axv_x86_prepare_run(struct axv_vcpu *vcpu)
{
	u32 dirty = READ_ONCE(vcpu->run->dirty);

	axv_assert_claimed(vcpu);
	if (likely(!dirty))
		return 0;
	return load_sets(to_x86(vcpu), dirty);
}

/**
 * axv_x86_store_run() - store the register sets that the run page wants
 * @vcpu:	vCPU whose claim the caller holds
 */
void axv_x86_store_run(struct axv_vcpu *vcpu)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	struct axv_run *run = vcpu->run;
	u32 want = READ_ONCE(run->want);
	u32 valid = 0;

	axv_assert_claimed(vcpu);
	if (want & AXV_RUN_SET_GPRS) {
		run->regs.gprs = x->regs;
		valid |= AXV_RUN_SET_GPRS;
	}
	if (want & AXV_RUN_SET_SREGS) {
		axv_x86_get_sregs(x, &run->regs.sregs);
		valid |= AXV_RUN_SET_SREGS;
	}
	run->valid = valid;
}

/**
 * axv_x86_sync_gprs() - load and store the general registers only
 * @vcpu:	vCPU whose claim the caller holds
 * @dirty:	AXV_RUN_SET_GPRS: load them
 * @want:	AXV_RUN_SET_GPRS: store them
 *
 * Context: under &axv_vcpu.lock.
 * Return: 0, or -EINVAL for impossible RFLAGS; then nothing has changed.
 */
int axv_x86_sync_gprs(struct axv_vcpu *vcpu, u32 dirty, u32 want)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	struct axv_run *run = vcpu->run;
	u64 rflags;

	axv_assert_claimed(vcpu);
	if (dirty & AXV_RUN_SET_GPRS) {
		rflags = READ_ONCE(run->regs.gprs.rflags);
		if (axv_x86_check_rflags(rflags))
			return -EINVAL;
		load_gprs(x, rflags);
		WRITE_ONCE(run->dirty, 0);
	}
	if (want & AXV_RUN_SET_GPRS)
		run->regs.gprs = x->regs;
	run->valid = want & AXV_RUN_SET_GPRS;
	return 0;
}
