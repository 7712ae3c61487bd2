// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction that exited: how long it is, whether its condition holds, and what it
 * changes in PSTATE when the guest goes on after it.
 */
#include <asm/esr.h>
#include <asm/ptrace.h>

#include "arm64.h"

/* The If-Then state of AArch32 is in two parts of PSTATE. */
#define PSTATE_IT_LOW		GENMASK(26, 25)
#define PSTATE_IT_HIGH		GENMASK(15, 10)

/**
 * axv_arm64_advance_it() - advance PSTATE by one instruction of an IT block
 * @pstate:	PSTATE of AArch32
 *
 * Return: PSTATE after it (Arm ARM, AArch32.ITAdvance).
 */
u64 axv_arm64_advance_it(u64 pstate)
{
	u32 it = ((pstate & PSTATE_IT_LOW) >> 25) | ((pstate & PSTATE_IT_HIGH) >> 8);

	if (it & 7)
		it = (it & 0xe0) | ((it << 1) & 0x1f);
	else
		it = 0;
	pstate &= ~(PSTATE_IT_LOW | PSTATE_IT_HIGH);
	return pstate | (u64)(it & 3) << 25 | (u64)(it & ~3) << 8;
}

/**
 * axv_arm64_condition_holds() - would the instruction that exited be carried out?
 * @v:		vCPU whose claim the caller holds
 *
 * A conditional instruction of AArch32 may trap although its condition fails (Arm ARM,
 * ESR_ELx, "COND").  An odd condition is the negation of the even one before it.
 */
bool axv_arm64_condition_holds(const struct axv_arm64_vcpu *v)
{
	u64 esr = v->last.esr, pstate = v->regs.pstate;
	bool n = pstate & PSR_N_BIT, z = pstate & PSR_Z_BIT;
	bool c = pstate & PSR_C_BIT, o = pstate & PSR_V_BIT;
	unsigned int cond;
	bool holds;

	if (!axv_arm64_is_aarch32(v) || !(esr & ESR_ELx_CV))
		return true;
	cond = (esr & ESR_ELx_COND_MASK) >> ESR_ELx_COND_SHIFT;
	switch (cond >> 1) {
	case 0:
		holds = z;
		break;
	case 1:
		holds = c;
		break;
	case 2:
		holds = n;
		break;
	case 3:
		holds = o;
		break;
	case 4:
		holds = c && !z;
		break;
	case 5:
		holds = n == o;
		break;
	case 6:
		holds = n == o && !z;
		break;
	default:
		return true;
	}
	return holds != (cond & 1);
}
