// SPDX-License-Identifier: GPL-2.0
/*
 * Handlers of exits: WFI and WFE, and those that exit.h leaves to the outer loop.
 */
#include <asm/esr.h>

#include "arm64.h"

/* ISS.TI: WFI, WFE, or one with a time limit (FEAT_WFxT), which guests do not have. */
#define WFX_TI_MASK		3
#define WFX_TI_WFI		0

/**
 * axv_arm64_wfx() - handle a WFI or WFE that was trapped
 * @v:		vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_next axv_arm64_wfx(struct axv_arm64_vcpu *v)
{
	u8 len = axv_arm64_insn_len(v);

	if ((v->last.esr & WFX_TI_MASK) != WFX_TI_WFI)
		return AXV_SLOW;
	if (!axv_arm64_condition_holds(v)) {
		axv_arm64_skip(v);
		return AXV_RESUME;
	}
	axv_arm64_skip(v);
	if (v->base.vm->flags & AXV_VM_HALT_IN_KERNEL) {
		v->events.halted = true;
		return AXV_INTERRUPT;
	}
	axv_arm64_exit(v, AXV_EXIT_HALT, len);
	return AXV_EXIT;
}

/**
 * axv_arm64_handle_slow() - answer an exit that the inner loop could not answer
 * @v:		vCPU whose last exit waits, its system registers in memory
 *
 * An exit of any other class becomes an undefined-instruction exception in the guest.
 *
 * Context: process context, preemption on; sleeps for guest memory.
 * Return: AXV_RESUME or AXV_EXIT.
 */
enum axv_next axv_arm64_handle_slow(struct axv_arm64_vcpu *v)
{
	switch (ESR_ELx_EC(v->last.esr)) {
	case ESR_ELx_EC_DABT_LOW:
	case ESR_ELx_EC_IABT_LOW:
		return axv_arm64_abort(v);
	case ESR_ELx_EC_SYS64:
		return axv_arm64_sysreg_slow(v);
	}
	if (axv_arm64_condition_holds(v))
		axv_arm64_undefined(v);
	else
		axv_arm64_skip(v);
	return AXV_RESUME;
}
