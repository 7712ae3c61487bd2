// SPDX-License-Identifier: GPL-2.0
/*
 * Control registers that the guest writes and that exit: CR0, CR4 and XCR0.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "cr.h"
#include "events.h"
#include "regs.h"
#include "walk.h"
#include "x86.h"

/* What MOV to CR0 may change. */
#define CR0_WRITABLE	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | \
			 X86_CR0_CD | X86_CR0_PG)
#define LMSW_BITS	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS)

/* Check and set CR0, and EFER.LMA with it (AMD APM vol. 2, 3.1.1, 14.6.1). */
static bool guest_cr0(struct axv_x86_vcpu *x, u64 value)
{
	struct axv_x86_segment cs;

	if (!axv_x86_cr0_valid(x, value))
		return false;
	value = (value & CR0_WRITABLE) | X86_CR0_ET;

	if ((value ^ x->cr0) & X86_CR0_PG) {
		if (value & X86_CR0_PG) {
			x->hw->get_segment(x, AXV_X86_CS, &cs);
			if ((x->efer & EFER_LME) &&
			    (!(x->cr4 & X86_CR4_PAE) ||
			     (cs.attr & AXV_X86_ATTR_L)))
				return false;
			if (x->efer & EFER_LME)
				x->hw->set_efer(x, x->efer | EFER_LMA);
		} else {
			if (axv_x86_code_bits(x) == 64 ||
			    (x->cr4 & X86_CR4_PCIDE))
				return false;
			x->hw->set_efer(x, x->efer & ~(u64)EFER_LMA);
		}
	}
	x->hw->set_cr(x, 0, value);
	return true;
}

/* Check and set CR4 (AMD APM vol. 2, 3.1.3). */
static bool guest_cr4(struct axv_x86_vcpu *x, u64 value)
{
	u64 changed = value ^ x->cr4;

	if (!axv_x86_cr4_valid(x, value))
		return false;
	if (x->efer & EFER_LMA) {
		if (!(value & X86_CR4_PAE) || (changed & X86_CR4_LA57))
			return false;
	}
	if ((changed & value & X86_CR4_PCIDE) &&
	    (!(x->efer & EFER_LMA) || (x->hw->get_cr(x, 3) & 0xfff)))
		return false;
	x->hw->set_cr(x, 4, value);
	return true;
}

/**
 * axv_x86_write_cr() - execute the guest's MOV to CR0 or CR4
 * @x:		vCPU whose claim the caller holds
 * @cr:		0 or 4
 * @value:	the general register
 *
 * Return: false for #GP; then nothing has changed.
 */
bool axv_x86_write_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value)
{
	if (axv_x86_code_bits(x) != 64)
		value = (u32)value;
	return cr == 0 ? guest_cr0(x, value) : guest_cr4(x, value);
}

/**
 * axv_x86_lmsw() - execute LMSW, which sets PE but cannot clear it (APM vol. 3, LMSW)
 * @x:		vCPU whose claim the caller holds
 * @value:	its operand
 *
 * Return: false for #GP; then nothing has changed.
 */
bool axv_x86_lmsw(struct axv_x86_vcpu *x, u16 value)
{
	value |= x->cr0 & X86_CR0_PE;
	return guest_cr0(x, (x->cr0 & ~(u64)LMSW_BITS) | (value & LMSW_BITS));
}

/**
 * axv_x86_clts() - execute the guest's CLTS
 * @x:		vCPU whose claim the caller holds
 */
void axv_x86_clts(struct axv_x86_vcpu *x)
{
	x->hw->set_cr(x, 0, x->cr0 & ~(u64)X86_CR0_TS);
}

/**
 * axv_x86_xsetbv() - execute the guest's write of an extended control register
 * @x:		vCPU whose claim the caller holds
 * @len:	length of the instruction; 0: not known
 *
 * On SVM the intercept comes before the checks of privilege and value (AMD APM
 * vol. 2, 15.9), so they are made here (APM vol. 4, XSETBV).
 *
 * Return: AXV_RESUME; AXV_AGAIN without a length.
 */
enum axv_next axv_x86_xsetbv(struct axv_x86_vcpu *x, unsigned int len)
{
	const u64 *gpr = x->regs.gpr;
	u64 value = (u32)gpr[AXV_X86_RAX] | gpr[AXV_X86_RDX] << 32;

	if (x->hw->cpl(x) || (u32)gpr[AXV_X86_RCX] ||
	    !axv_x86_xcr0_valid(x, value)) {
		axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
		return AXV_RESUME;
	}
	if (!len)
		return AXV_AGAIN;
	x->xcr0 = value;
	axv_x86_advance(x, len);
	return AXV_RESUME;
}
