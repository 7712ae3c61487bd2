/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction that has exited, read from the guest's code once more: for exits whose
 * instruction the processor does not name.
 */
#ifndef _AXVCPU_SVM_OPCODE_H
#define _AXVCPU_SVM_OPCODE_H

#include "../decode.h"

struct axv_svm_vcpu;

/**
 * struct axv_svm_opcode - an opcode of two bytes, of which the first is 0F
 * @prefixes:	prefixes before the opcode
 * @second:	second byte of the opcode
 * @modrm:	byte behind the opcode, where @has_modrm
 * @has_modrm:	false: the code that can be read ends with the opcode
 * @len:	bytes of prefixes and opcode
 */
struct axv_svm_opcode {
	struct axv_x86_prefixes prefixes;
	u8 second;
	u8 modrm;
	bool has_modrm;
	u8 len;
};

bool axv_svm_read_opcode(struct axv_svm_vcpu *svm, struct axv_svm_opcode *op);

/* Field reg of ModRM, with REX.R: a control register or a debug register. */
static inline u8 axv_svm_opcode_reg(const struct axv_svm_opcode *op)
{
	return ((op->modrm >> 3) & 7) | (op->prefixes.rex & 4 ? 8 : 0);
}

/* Field r/m of ModRM, with REX.B: a general register. */
static inline u8 axv_svm_opcode_rm(const struct axv_svm_opcode *op)
{
	return (op->modrm & 7) | (op->prefixes.rex & 1 ? 8 : 0);
}

#endif
