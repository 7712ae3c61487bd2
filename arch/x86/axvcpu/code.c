// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction at the instruction pointer, and a memory of the last ones.
 *
 * A guest that polls a device executes the same instruction over and over.  What
 * fetching and decoding it give depends on registers and on words of guest memory
 * alone: the entries of the page tables and the code.  So the registers are compared
 * and the words are read again and compared; if all is equal, the result is that of
 * last time.  Nothing is assumed: a guest, or a VMM, that changes its tables or its
 * code is seen at once, as by a new walk.
 *
 * Remembered is what is frequent: 64-bit mode, an instruction within a page, and
 * tables whose accessed bits are set already, so that a walk would write nothing.
 */
#include <linux/hash.h>
#include <linux/string.h>

#include "code.h"
#include "walk.h"

static bool is_same(const struct axv_x86_vcpu *x,
		    const struct axv_x86_code_state *state,
		    const struct axv_x86_code *code)
{
	return code->rip == x->regs.rip && code->state.cr3 == state->cr3 &&
	       code->state.attr == state->attr && code->state.cpl == state->cpl &&
	       code->cr0 == x->cr0 && code->cr4 == x->cr4 && code->efer == x->efer &&
	       axv_guest_words_same(x->base.vm, &code->words);
}

static noinline void fetch(struct axv_x86_vcpu *x,
			   const struct axv_x86_code_state *state,
			   struct axv_x86_code *code)
{
	code->rip = x->regs.rip;
	code->state = *state;
	code->cr0 = x->cr0;
	code->cr4 = x->cr4;
	code->efer = x->efer;

	code->bits = axv_x86_code_bits(x);
	code->decoded = false;
	code->measured = false;
	code->words.count = 0;
	memset(code->bytes, 0, sizeof(code->bytes));
	code->count = axv_x86_fetch_code(x, code->bytes, AXV_X86_INSN_MAX, code->bits,
					 code->bits == 64 ? &code->words : NULL);
}

/**
 * axv_x86_get_code() - the bytes at the instruction pointer
 * @x:		vCPU whose claim the caller holds
 *
 * Context: may sleep.
 * Return: as many bytes as axv_x86_fetch_code() finds; valid until the next call.
 */
struct axv_x86_code *axv_x86_get_code(struct axv_x86_vcpu *x)
{
	struct axv_x86_code *code = &x->codes[hash_64(x->regs.rip, AXV_X86_CODES_SHIFT)];
	struct axv_x86_code_state state;

	x->hw->code_state(x, &state);
	if (unlikely(!is_same(x, &state, code)))
		fetch(x, &state, code);
	return code;
}

/**
 * axv_x86_code_insn() - decode it, if that has not been done yet
 * @code:	of axv_x86_get_code()
 *
 * Return: the instruction, or NULL if it is none that axv_x86_decode() knows.
 */
const struct axv_x86_insn *axv_x86_code_insn(struct axv_x86_code *code)
{
	if (unlikely(!code->decoded)) {
		axv_x86_decode(&code->insn, code->bytes, code->count, code->bits);
		code->decoded = true;
	}
	return code->insn.op == AXV_X86_OP_NONE ? NULL : &code->insn;
}

/**
 * axv_x86_code_length() - how long it is, if that has not been found out yet
 * @code:	of axv_x86_get_code()
 * @opcode:	as of axv_x86_insn_length()
 *
 * Return: bytes; 0 if it is none that axv_x86_insn_length() knows.
 */
unsigned int axv_x86_code_length(struct axv_x86_code *code, u32 *opcode)
{
	if (unlikely(!code->measured)) {
		code->length = axv_x86_insn_length(code->bytes, code->count, code->bits,
						   &code->opcode);
		code->measured = true;
	}
	*opcode = code->opcode;
	return code->length;
}
