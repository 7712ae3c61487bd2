/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inline functions for an instruction that code.c remembers.
 */
#ifndef _AXVCPU_X86_KNOWN_H
#define _AXVCPU_X86_KNOWN_H

#include <linux/compiler.h>

#include <axvcpu/vm.h>

#include "decode.h"
#include "x86.h"

/**
 * axv_x86_code_is_same() - would a fetch find this instruction now?
 * @x:		vCPU whose claim the caller holds, and whose @code_state is up to date
 * @code:	one of its @codes
 *
 * Context: process context; does not sleep, interrupts may be off.
 */
static __always_inline bool axv_x86_code_is_same(const struct axv_x86_vcpu *x,
						 const struct axv_x86_code *code)
{
	const struct axv_x86_code_state *state = &x->code_state;

	return code->rip == x->regs.rip && code->state.cr3 == state->cr3 &&
	       code->state.attr == state->attr && code->state.cpl == state->cpl &&
	       code->cr0 == x->cr0 && code->cr4 == x->cr4 && code->efer == x->efer &&
	       axv_guest_words_same(x->base.vm, &code->words);
}

/**
 * axv_x86_take_in() - put what was read from a port into RAX
 * @x:		vCPU with a pending IN
 * @insn:	instruction at the instruction pointer
 * @data:	what was read
 *
 * Return: true; false: @insn is not the IN that waits for the data, nothing was done.
 */
static __always_inline bool axv_x86_take_in(struct axv_x86_vcpu *x,
					    const struct axv_x86_insn *insn, u64 data)
{
	unsigned int width = x->pending.width;
	u64 *rax = &x->regs.gpr[AXV_X86_RAX];
	u16 port;

	if (unlikely(insn->op != AXV_X86_OP_IN))
		return false;
	port = insn->port_imm ? insn->imm : x->regs.gpr[AXV_X86_RDX];
	/*
	 * With both REX.W and an operand-size prefix processors differ about
	 * the width: the width that the exit told counts.
	 */
	if (unlikely(port != x->pending.addr ||
		     (insn->width != width && (insn->width == 1 || width == 1))))
		return false;
	/* A write of 4 bytes clears the upper half, narrower ones keep the rest. */
	data = axv_x86_mask(data, width);
	if (width < 4)
		data |= *rax & ~axv_x86_mask(~0ull, width);
	*rax = data;
	return true;
}

/**
 * axv_x86_complete_known_in() - axv_x86_complete(), for an IN that code.c remembers
 * @x:		vCPU whose pending access is not AXV_PENDING_NONE
 * @code_state:	the back end's version of &axv_x86_hw.code_state; a constant
 * @advance:	the back end's version of axv_x86_advance(); a constant
 *
 * The fast path of a guest that polls a port.
 *
 * Context: as axv_x86_complete(), but does not sleep.
 * Return: true: the IN is finished; false: call axv_x86_complete().
 */
static __always_inline bool
axv_x86_complete_known_in(struct axv_x86_vcpu *x,
			  void (*code_state)(struct axv_x86_vcpu *x,
					     struct axv_x86_code_state *state),
			  void (*advance)(struct axv_x86_vcpu *x, unsigned int len))
{
	const struct axv_x86_code *code = x->code;

	if (x->pending.kind != AXV_PENDING_IO || x->pending.answered ||
	    x->pending.rip != x->regs.rip || unlikely(!code))
		return false;
	code_state(x, &x->code_state);
	if (unlikely(!axv_x86_code_is_same(x, code) || !code->decoded) ||
	    !axv_x86_take_in(x, &code->insn, READ_ONCE(x->base.run->exit.io.data)))
		return false;
	x->pending.kind = AXV_PENDING_NONE;
	advance(x, code->insn.len);
	return true;
}

#endif /* _AXVCPU_X86_KNOWN_H */
