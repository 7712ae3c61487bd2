/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction at the instruction pointer.  code.c
 */
#ifndef _AXVCPU_X86_CODE_H
#define _AXVCPU_X86_CODE_H

#include "decode.h"
#include "x86.h"

struct axv_x86_code *axv_x86_get_code(struct axv_x86_vcpu *x);
struct axv_x86_code *axv_x86_known_code(struct axv_x86_vcpu *x);
int axv_x86_code_operand(struct axv_x86_vcpu *x, struct axv_x86_code *code, u64 linear);
unsigned int axv_x86_code_length(struct axv_x86_code *code, u32 *opcode);
void __axv_x86_code_insn(struct axv_x86_code *code);

/**
 * axv_x86_code_insn() - the decoded instruction; decodes it, if that is yet to be done
 * @code:	what axv_x86_get_code() returned
 *
 * Return: the instruction; its op is AXV_X86_OP_NONE if axv_x86_decode() does not know it.
 */
static inline const struct axv_x86_insn *axv_x86_code_insn(struct axv_x86_code *code)
{
	if (unlikely(!code->decoded))
		__axv_x86_code_insn(code);
	return &code->insn;
}

#endif /* _AXVCPU_X86_CODE_H */
