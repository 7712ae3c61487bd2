// SPDX-License-Identifier: GPL-2.0
/*
 * Breakpoints and single step that belong to the VMM, and of which the guest sees nothing.
 *
 * With AXV_DEBUG_HW_BREAK the guest runs with the VMM's DR0 to DR3 and DR7.  Its own ones
 * are kept beside, and MOV DR exits and accesses those.
 *
 * A step begins at an entry.  It is over when the hardware reports so (RFLAGS.TF on SVM, the
 * monitor trap flag on VMX), or when RIP has moved, since not every instruction is
 * executed by the processor.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include <axvcpu/current.h>

#include "debug.h"
#include "events.h"
#include "exit.h"
#include "regs.h"
#include "walk.h"

#define DR6_BD		BIT_ULL(13)
#define DR7_GD		BIT_ULL(13)
#define DR7_FIXED	BIT_ULL(10)
#define DR7_ENABLES	GENMASK_ULL(7, 0)
#define DR7_KINDS	GENMASK_ULL(31, 16)
/* Local and global exact breakpoints, which processors ignore, and the bit that is 1. */
#define DR7_IGNORED	GENMASK_ULL(10, 8)

/* In the field of pending debug exceptions: breakpoints, and "one of them is enabled". */
#define PENDING_BREAKS	(DR_TRAP_BITS | BIT_ULL(12))

/* What RW0 to RW3 of DR7 tell (AMD APM vol. 2, 13.1.1.4). */
#define KIND_PORT	2

/* The breakpoints that a DR7 enables, as bits of DR6. */
static u64 enabled(u64 dr7)
{
	u64 breaks = 0;
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (dr7 >> (DR_ENABLE_SIZE * i) & 3)
			breaks |= BIT_ULL(i);
	return breaks;
}

/* Ports are refused: IN and OUT exit before a breakpoint could hit. */
static bool breaks_valid(const struct axv_debug *debug)
{
	u64 breaks = enabled(debug->control);
	unsigned int i;

	if (debug->control & ~(DR7_ENABLES | DR7_IGNORED | DR7_GD | DR7_KINDS))
		return false;
	for (i = 0; i < 4; i++) {
		unsigned int kind = debug->control >> (DR_CONTROL_SHIFT + DR_CONTROL_SIZE * i);

		if ((breaks & BIT_ULL(i)) && (kind & 3) == KIND_PORT)
			return false;
	}
	return true;
}

static bool no_breaks(const struct axv_debug *debug)
{
	return !debug->control && !memchr_inv(debug->addr, 0, sizeof(debug->addr));
}

/**
 * axv_x86_set_debug() - set what the VMM debugs
 * @vcpu:	vCPU whose claim the caller holds
 * @debug:	whose flags the back end has
 *
 * Context: process context; takes &axv_vcpu.lock.
 * Return: 0, or -EINVAL for breakpoints that are not possible, or that are there without
 * AXV_DEBUG_HW_BREAK; then nothing has changed.
 */
int axv_x86_set_debug(struct axv_vcpu *vcpu, const struct axv_debug *debug)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	bool had_breaks = axv_x86_has_breaks(x);
	u64 dr6, dr7;

	axv_assert_claimed(vcpu);
	if (debug->flags & AXV_DEBUG_HW_BREAK ? !breaks_valid(debug) : !no_breaks(debug))
		return -EINVAL;

	dr6 = x->hw->get_dr(x, 6);
	dr7 = x->hw->get_dr(x, 7);
	x->debug = (struct axv_x86_debug){
		.flags = debug->flags,
		.dr7 = (debug->control & ~DR7_GD) | DR7_FIXED,
		.watch_dr = debug->control & DR7_GD,
	};
	memcpy(x->debug.addr, debug->addr, sizeof(x->debug.addr));
	x->step = debug->flags & AXV_DEBUG_STEP;
	x->hw->cpuid_changed(x);
	x->hw->set_dr(x, 6, dr6);
	x->hw->set_dr(x, 7, dr7);

	/*
	 * Forget a breakpoint of the VMM's that has hit in a shadow: otherwise the guest gets a
	 * #DB.
	 */
	if (had_breaks)
		x->hw->set_pending_debug(x, x->hw->get_pending_debug(x) & ~PENDING_BREAKS);

	/* Have the next entry look for events that AXV_DEBUG_BLOCK_EVENTS has held back. */
	raw_spin_lock_irq(&vcpu->lock);
	WRITE_ONCE(x->events.any, true);
	raw_spin_unlock_irq(&vcpu->lock);
	return 0;
}

/* The linear address of the next instruction. */
static u64 linear_rip(struct axv_x86_vcpu *x)
{
	struct axv_x86_segment cs;

	if (axv_x86_code_bits(x) == 64)
		return x->regs.rip;
	x->hw->get_segment(x, AXV_X86_CS, &cs);
	return (u32)(cs.base + x->regs.rip);
}

/**
 * axv_x86_exit_debug() - describe an exit for what the VMM debugs
 * @x:		vCPU whose claim the caller holds; RIP is at the next instruction
 * @vector:	X86_TRAP_DB or X86_TRAP_BP
 * @causes:	for X86_TRAP_DB, bits of DR6
 * @len:	length of the instruction, for X86_TRAP_BP
 */
void axv_x86_exit_debug(struct axv_x86_vcpu *x, u8 vector, u64 causes, unsigned int len)
{
	struct axv_exit_debug *debug = &axv_x86_exit(x, AXV_EXIT_DEBUG, len)->exit.debug;

	debug->vector = vector;
	debug->pad = 0;
	debug->causes = causes;
	debug->linear = linear_rip(x);
	x->debug.stepping = false;
}

/**
 * axv_x86_begin_step() - begin a step with this entry, unless one is over
 * @x:		vCPU that is about to be entered, with &axv_x86_vcpu.step
 *
 * Context: interrupts off.
 * Return: AXV_RESUME; AXV_EXIT: a step is over.
 */
enum axv_next axv_x86_begin_step(struct axv_x86_vcpu *x)
{
	if (axv_x86_step_is_done(x)) {
		axv_x86_exit_debug(x, X86_TRAP_DB, DR_STEP, 0);
		return AXV_EXIT;
	}
	if (!x->debug.stepping) {
		x->debug.stepping = true;
		x->debug.rip = x->regs.rip;
	}
	return AXV_RESUME;
}

/*
 * A #DB exited, and what the VMM debugs may have caused it; @causes: as bits of DR6.
 *
 * What is not the VMM's is the guest's: a TF that it has set itself, breakpoints of its own,
 * general detect, INT1.  If a #DB has causes of both, the guest gets its own with the
 * next entry.
 *
 * Return: AXV_EXIT; AXV_RESUME: nothing of it was the VMM's.
 */
static enum axv_next debug_trap(struct axv_x86_vcpu *x, u64 causes)
{
	const struct axv_x86_debug *debug = &x->debug;
	u64 ours = 0, theirs = causes;

	if (axv_x86_has_breaks(x)) {
		ours = causes & enabled(debug->dr7);
		theirs &= ~(u64)DR_TRAP_BITS;
	}
	if (debug->stepping && debug->by_tf) {
		ours |= causes & DR_STEP;
		if (!debug->guest_tf)
			theirs &= ~(u64)DR_STEP;
	}
	if (!ours)
		return axv_x86_guest_exception(x, X86_TRAP_DB, 0, theirs);
	if (theirs)
		axv_x86_raise(x, X86_TRAP_DB, false, 0, theirs);
	axv_x86_exit_debug(x, X86_TRAP_DB, ours, 0);
	return AXV_EXIT;
}

/**
 * axv_x86_exception() - an exception exited
 * @x:		vCPU whose claim the caller holds
 * @vector:	0 to 31, and not one that axv_x86_soft_exception() is for
 * @error:	error code, where the vector has one
 * @address:	CR2 value (#PF) or the causes in DR6 (#DB)
 */
enum axv_next axv_x86_exception(struct axv_x86_vcpu *x, u8 vector, u32 error, u64 address)
{
	if (vector == X86_TRAP_DB && axv_x86_owns_dr(x))
		return debug_trap(x, address);
	return axv_x86_guest_exception(x, vector, error, address);
}

/**
 * axv_x86_soft_exception() - the exception of an INT3 or INTO exited
 * @x:		vCPU whose claim the caller holds; RIP is at the instruction
 * @vector:	X86_TRAP_BP or X86_TRAP_OF
 * @len:	length of the instruction
 *
 * The run ends if the VMM asked for it; otherwise the guest's handler returns behind the
 * instruction.
 */
enum axv_next axv_x86_soft_exception(struct axv_x86_vcpu *x, u8 vector, unsigned int len)
{
	if (vector == X86_TRAP_BP && (x->debug.flags & AXV_DEBUG_SW_BREAK)) {
		axv_x86_exit_debug(x, vector, 0, len);
		return AXV_EXIT;
	}
	if (x->events.exit_mask & BIT(vector)) {
		axv_x86_exit_exception(x, vector, false, 0, 0);
		return AXV_EXIT;
	}
	axv_x86_skip(x, len);
	axv_x86_cut_short(x, AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | vector, 0);
	return AXV_RESUME;
}

/**
 * axv_x86_mov_dr() - execute the guest's MOV to or from a debug register
 * @x:		vCPU whose claim the caller holds, with axv_x86_owns_dr()
 * @dr:		number of the debug register, 0 to 15
 * @write:	MOV to it
 * @gpr:	general register, 0 to 15
 * @len:	length of the instruction
 *
 * AMD APM vol. 3, MOV DRn; vol. 2, 13.1.1.  The hardware has made some of these checks, and
 * not the same ones on all processors.
 *
 * Return: AXV_RESUME; AXV_EXIT: the VMM wants to see it, and nothing was done.
 */
enum axv_next axv_x86_mov_dr(struct axv_x86_vcpu *x, unsigned int dr, bool write,
			     unsigned int gpr, unsigned int len)
{
	bool wide = axv_x86_code_bits(x) == 64;
	u64 *reg = &x->regs.gpr[gpr & 15];

	/* Without CR4.DE, DR4 and DR5 are other names of DR6 and DR7. */
	if (dr == 4 || dr == 5)
		dr = x->cr4 & X86_CR4_DE ? 8 : dr + 2;
	if (dr > 7) {
		axv_x86_raise(x, X86_TRAP_UD, false, 0, 0);
	} else if (x->hw->cpl(x)) {
		axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
	} else if (x->debug.watch_dr) {
		axv_x86_exit_debug(x, X86_TRAP_DB, DR6_BD, 0);
		return AXV_EXIT;
	} else if (x->hw->get_dr(x, 7) & DR7_GD) {
		axv_x86_raise(x, X86_TRAP_DB, false, 0, DR6_BD);
	} else if (!write) {
		*reg = wide ? x->hw->get_dr(x, dr) : (u32)x->hw->get_dr(x, dr);
		axv_x86_advance(x, len);
	} else if (axv_x86_set_dr(x, dr, wide ? *reg : (u32)*reg)) {
		axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
	} else {
		axv_x86_advance(x, len);
	}
	return AXV_RESUME;
}
