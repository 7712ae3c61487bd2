/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction at the instruction pointer.  code.c
 */
#ifndef _AXVCPU_X86_CODE_H
#define _AXVCPU_X86_CODE_H

#include "decode.h"
#include "x86.h"

struct axv_x86_code *axv_x86_get_code(struct axv_x86_vcpu *x);
const struct axv_x86_insn *axv_x86_code_insn(struct axv_x86_code *code);
unsigned int axv_x86_code_length(struct axv_x86_code *code, u32 *opcode);

#endif /* _AXVCPU_X86_CODE_H */
