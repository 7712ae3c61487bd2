/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Breakpoints and single step that belong to the VMM, and exceptions that exit.  debug.c
 */
#ifndef _AXVCPU_X86_DEBUG_H
#define _AXVCPU_X86_DEBUG_H

#include <axvcpu/next.h>

#include "x86.h"

/* What a VMM can debug on all processors. */
#define AXV_X86_DEBUG_FLAGS	(AXV_DEBUG_SW_BREAK | AXV_DEBUG_HW_BREAK | AXV_DEBUG_BLOCK_EVENTS)

int axv_x86_set_debug(struct axv_vcpu *vcpu, const struct axv_debug *debug);
void axv_x86_exit_debug(struct axv_x86_vcpu *x, u8 vector, u64 causes, unsigned int len);
enum axv_next axv_x86_begin_step(struct axv_x86_vcpu *x);
enum axv_next axv_x86_exception(struct axv_x86_vcpu *x, u8 vector, u32 error, u64 address);
enum axv_next axv_x86_soft_exception(struct axv_x86_vcpu *x, u8 vector, unsigned int len);
enum axv_next axv_x86_mov_dr(struct axv_x86_vcpu *x, unsigned int dr, bool write,
			     unsigned int gpr, unsigned int len);

/**
 * axv_x86_has_breaks() - are DR0 to DR3 and DR7 in the guest the VMM's?
 * @x:		vCPU whose claim the caller holds
 */
static inline bool axv_x86_has_breaks(const struct axv_x86_vcpu *x)
{
	return x->debug.flags & AXV_DEBUG_HW_BREAK;
}

/**
 * axv_x86_owns_dr() - does every MOV DR of the guest exit, because DR6 or DR7 in the guest are
 * the VMM's?
 * @x:		vCPU whose claim the caller holds
 */
static inline bool axv_x86_owns_dr(const struct axv_x86_vcpu *x)
{
	return x->debug.flags & (AXV_DEBUG_STEP | AXV_DEBUG_HW_BREAK);
}

/**
 * axv_x86_step_is_done() - has the instruction pointer moved since the step began?
 * @x:		vCPU whose claim the caller holds
 *
 * That is so if the module or the VMM has finished an instruction, or an event was
 * delivered.  While the event of an INT n is yet to be delivered, RIP is behind the INT n,
 * and the step goes on.
 */
static inline bool axv_x86_step_is_done(const struct axv_x86_vcpu *x)
{
	return x->debug.stepping && x->regs.rip != x->debug.rip && !x->events.reinject;
}

#endif /* _AXVCPU_X86_DEBUG_H */
