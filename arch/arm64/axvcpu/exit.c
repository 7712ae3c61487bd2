// SPDX-License-Identifier: GPL-2.0
/*
 * What an exit means, by its exception class (Arm ARM D19.2, ESR_EL2).
 *
 * The fast handlers run inside the inner loop with interrupts off, while the
 * guest's EL1 registers are loaded; they see general registers, PC and PSTATE.
 * What needs guest memory or EL1 registers is left to the slow ones.
 */
#include <asm/esr.h>
#include <asm/ptrace.h>

#include "arm64.h"

/* The If-Then state of AArch32 is in two parts of PSTATE. */
#define PSTATE_IT_LOW		GENMASK(26, 25)
#define PSTATE_IT_HIGH		GENMASK(15, 10)

/* WFI, WFE, and those with a time limit (FEAT_WFxT), which the guest has not. */
#define WFX_TI_MASK		3
#define WFX_TI_WFI		0

static u8 insn_len(const struct axv_arm64_vcpu *v)
{
	return v->last.esr & ESR_ELx_IL ? 4 : 2;
}

/* One instruction of an IT block less (Arm ARM, AArch32.ITAdvance). */
static u64 advance_it(u64 pstate)
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
 * axv_arm64_skip() - the guest is past the instruction that exited
 * @v:		vCPU whose claim the caller holds
 */
void axv_arm64_skip(struct axv_arm64_vcpu *v)
{
	v->regs.pc += insn_len(v);
	if (axv_arm64_is_aarch32(v)) {
		if (v->regs.pstate & PSR_AA32_T_BIT)
			v->regs.pstate = advance_it(v->regs.pstate);
	} else {
		v->regs.pstate &= ~(u64)PSR_BTYPE_MASK;
	}
	/* The step of a debugger inside the guest is done. */
	v->regs.pstate &= ~(u64)DBG_SPSR_SS;
}

/*
 * A conditional instruction of AArch32 may trap although its condition fails
 * (Arm ARM, ESR_ELx, "COND").  Of the conditions only the odd ones negate.
 */
static bool condition_holds(const struct axv_arm64_vcpu *v)
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

static enum axv_arm64_next handle_wfx(struct axv_arm64_vcpu *v)
{
	u8 len = insn_len(v);

	if ((v->last.esr & WFX_TI_MASK) != WFX_TI_WFI)
		return AXV_SLOW;
	if (!condition_holds(v)) {
		axv_arm64_skip(v);
		return AXV_RESUME;
	}
	axv_arm64_skip(v);
	if (v->base.vm->flags & AXV_VM_HALT_IN_KERNEL) {
		v->events.halted = true;
		return AXV_INTR;
	}
	axv_arm64_exit(v, AXV_EXIT_HALT, len);
	return AXV_EXIT;
}

/**
 * axv_arm64_handle_fast() - answer an exit on the spot, if that is possible
 * @v:		vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_arm64_next axv_arm64_handle_fast(struct axv_arm64_vcpu *v)
{
	switch (ESR_ELx_EC(v->last.esr)) {
	case ESR_ELx_EC_HVC64:
		/* PC is behind the instruction already. */
		return axv_arm64_smccc(v, 4);
	case ESR_ELx_EC_SMC64:
		axv_arm64_skip(v);
		return axv_arm64_smccc(v, 4);
	case ESR_ELx_EC_SYS64:
		return axv_arm64_sysreg(v);
	case ESR_ELx_EC_WFx:
		return handle_wfx(v);
	default:
		return AXV_SLOW;
	}
}

/**
 * axv_arm64_handle_slow() - answer an exit that the inner loop could not
 * @v:		vCPU whose last exit waits, its system registers in memory
 *
 * Whatever is not known here does not exist for the guest.
 *
 * Context: process context, preemption on; sleeps for guest memory.
 * Return: AXV_RESUME or AXV_EXIT.
 */
enum axv_arm64_next axv_arm64_handle_slow(struct axv_arm64_vcpu *v)
{
	switch (ESR_ELx_EC(v->last.esr)) {
	case ESR_ELx_EC_DABT_LOW:
	case ESR_ELx_EC_IABT_LOW:
		return axv_arm64_abort(v);
	case ESR_ELx_EC_SYS64:
		return axv_arm64_sysreg_slow(v);
	}
	if (condition_holds(v))
		axv_arm64_undefined(v);
	else
		axv_arm64_skip(v);
	return AXV_RESUME;
}
