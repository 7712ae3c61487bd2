// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction at the instruction pointer, and a cache of the last ones.
 *
 * A guest that polls a device executes the same instruction over and over.  What
 * fetching and decoding it give depends on registers and on words of guest memory
 * alone: the entries of the page tables and the code.  So the registers are compared
 * and the words are read again and compared; if all is equal, the result is that of
 * last time.  Nothing is assumed: a guest, or a VMM, that changes its tables or its
 * code is seen at once, as by a new walk.
 *
 * Only the frequent case is remembered: 64-bit mode, an instruction within a page, and
 * tables whose accessed bits are set already, so that a walk would write nothing.
 */
#include <linux/hash.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "code.h"
#include "known.h"
#include "walk.h"

/* Choose the place for the instruction at RIP; mostly that is the one of last time. */
static noinline struct axv_x86_code *choose(struct axv_x86_vcpu *x)
{
	x->code = &x->codes[hash_64(x->regs.rip, AXV_X86_CODES_SHIFT)];
	return x->code;
}

static __always_inline struct axv_x86_code *entry(struct axv_x86_vcpu *x)
{
	struct axv_x86_code *code = x->code;

	return likely(code && code->rip == x->regs.rip) ? code : choose(x);
}

static noinline struct axv_x86_code *fetch(struct axv_x86_vcpu *x, struct axv_x86_code *code)
{
	code->rip = x->regs.rip;
	code->state = x->code_state;
	code->cr0 = x->cr0;
	code->cr4 = x->cr4;
	code->efer = x->efer;

	code->bits = axv_x86_code_bits(x);
	code->decoded = false;
	code->measured = false;
	code->words.count = 0;
	code->operand = &x->operands[(code - x->codes) % AXV_X86_OPERANDS];
	code->operand->words.count = 0;
	memset(code->bytes, 0, sizeof(code->bytes));
	code->count = axv_x86_fetch_code(x, code->bytes, AXV_X86_INSN_MAX, code->bits,
					 code->bits == 64 ? &code->words : NULL);
	return code;
}

/**
 * axv_x86_get_code() - the bytes at the instruction pointer
 * @x:		vCPU whose claim the caller holds
 *
 * Context: may sleep.
 * Return: the instruction, with as many bytes as axv_x86_fetch_code() found; valid until
 * the next call.
 */
struct axv_x86_code *axv_x86_get_code(struct axv_x86_vcpu *x)
{
	struct axv_x86_code *code;

	x->hw->code_state(x, &x->code_state);
	code = entry(x);
	return likely(axv_x86_code_is_same(x, code)) ? code : fetch(x, code);
}

/**
 * axv_x86_known_code() - axv_x86_get_code(), if the instruction is remembered
 * @x:		vCPU whose claim the caller holds
 *
 * Context: process context; does not sleep, interrupts may be off.
 * Return: as axv_x86_get_code(); NULL: the instruction has to be fetched.
 */
struct axv_x86_code *axv_x86_known_code(struct axv_x86_vcpu *x)
{
	struct axv_x86_code *code;

	x->hw->code_state(x, &x->code_state);
	code = entry(x);
	return likely(axv_x86_code_is_same(x, code)) ? code : NULL;
}

static noinline int translate_operand(struct axv_x86_vcpu *x, struct axv_x86_code *code,
				      u64 linear)
{
	struct axv_x86_operand *operand = code->operand;
	struct axv_x86_fault fault;

	operand->code = code;
	operand->linear = linear;
	operand->pkru = x->pkru;
	operand->ac = x->regs.rflags & X86_EFLAGS_AC;
	operand->words.count = 0;
	return axv_x86_translate_noting(x, linear, AXV_ACCESS_READ, &operand->gpa, &fault,
					code->bits == 64 ? &operand->words : NULL);
}

/**
 * axv_x86_code_operand() - translate the address that an instruction reads
 * @x:		vCPU whose claim the caller holds
 * @code:	as axv_x86_get_code() just returned it
 * @linear:	the address
 *
 * Context: may sleep.
 * Return: 0, with the result in @code->operand->gpa; or an error of axv_x86_translate().
 */
int axv_x86_code_operand(struct axv_x86_vcpu *x, struct axv_x86_code *code, u64 linear)
{
	const struct axv_x86_operand *operand = code->operand;

	/* The caller has found that the rest, such as the paging mode, is the same. */
	if (likely(operand->code == code && operand->linear == linear &&
		   operand->pkru == x->pkru &&
		   operand->ac == !!(x->regs.rflags & X86_EFLAGS_AC) &&
		   axv_guest_words_same(x->base.vm, &operand->words)))
		return 0;
	return translate_operand(x, code, linear);
}

/**
 * __axv_x86_code_insn() - decode an instruction, for axv_x86_code_insn()
 * @code:	what axv_x86_get_code() returned
 */
void __axv_x86_code_insn(struct axv_x86_code *code)
{
	axv_x86_decode(&code->insn, code->bytes, code->count, code->bits);
	code->decoded = true;
}

/**
 * axv_x86_code_length() - length of an instruction; it is found out once
 * @code:	what axv_x86_get_code() returned
 * @opcode:	out: the opcode, as axv_x86_insn_length() tells it
 *
 * Return: bytes; 0 if axv_x86_insn_length() does not know the instruction.
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
