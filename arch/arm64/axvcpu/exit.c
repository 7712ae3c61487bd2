// SPDX-License-Identifier: GPL-2.0
/*
 * What an exit means, if that is not told on the spot (exit.h).
 */
#include <asm/esr.h>

#include "arm64.h"

/* WFI, WFE, and those with a time limit (FEAT_WFxT), which the guest has not. */
#define WFX_TI_MASK		3
#define WFX_TI_WFI		0

/**
 * axv_arm64_wfx() - WFI or WFE
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
 * axv_arm64_handle_slow() - answer an exit that the inner loop could not
 * @v:		vCPU whose last exit waits, its system registers in memory
 *
 * Whatever is not known here does not exist for the guest.
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
