/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The handlers of exits, by exception class (Arm ARM, ESR_EL2).
 *
 * The fast handlers run inside the inner loop with interrupts off, while the
 * guest's EL1 registers are loaded; they see general registers, PC and PSTATE.
 * What needs guest memory or EL1 registers is left to the slow ones.
 */
#ifndef _AXVCPU_ARM64_EXIT_H
#define _AXVCPU_ARM64_EXIT_H

#include <asm/esr.h>

#include <axvcpu/doorbell.h>

#include "arm64.h"

/**
 * axv_arm64_handle_fast() - answer an exit on the spot, if that is possible
 * @v:		vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
static __always_inline enum axv_next axv_arm64_handle_fast(struct axv_arm64_vcpu *v)
{
	switch (ESR_ELx_EC(v->last.esr)) {
	case ESR_ELx_EC_HVC64:
		/* PC is past the instruction already. */
		return axv_arm64_smccc(v, 4);
	case ESR_ELx_EC_SMC64:
		axv_arm64_skip(v);
		return axv_arm64_smccc(v, 4);
	case ESR_ELx_EC_SYS64:
		return axv_arm64_sysreg(v);
	case ESR_ELx_EC_WFx:
		return axv_arm64_wfx(v);
	case ESR_ELx_EC_DABT_LOW:
		return axv_has_doorbells(v->base.vm, AXV_SPACE_MEMORY) ? axv_arm64_ring(v) :
									 AXV_SLOW;
	default:
		return AXV_SLOW;
	}
}

#endif /* _AXVCPU_ARM64_EXIT_H */
