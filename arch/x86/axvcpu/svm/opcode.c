// SPDX-License-Identifier: GPL-2.0
/*
 * Opcodes of two bytes: MOV of control and debug registers, CLTS, LMSW and SMSW.
 */
#include "../walk.h"
#include "opcode.h"
#include "svm.h"

/**
 * axv_svm_read_opcode() - read the opcode at the instruction pointer
 * @svm:	vCPU
 * @op:		filled, where the result is true
 *
 * Context: may sleep.
 * Return: false if the code cannot be read, or has no opcode of two bytes there.
 */
bool axv_svm_read_opcode(struct axv_svm_vcpu *svm, struct axv_svm_opcode *op)
{
	u8 bytes[AXV_X86_INSN_MAX];
	unsigned int i;
	int size;

	size = axv_x86_fetch(&svm->x, bytes, sizeof(bytes));
	if (size <= 0)
		return false;
	i = axv_x86_take_prefixes(&op->prefixes, bytes, size, axv_x86_code_bits(&svm->x));
	if (i + 2 > size || bytes[i] != 0x0f)
		return false;
	op->second = bytes[i + 1];
	op->len = i + 2;
	op->has_modrm = op->len < size;
	op->modrm = op->has_modrm ? bytes[op->len] : 0;
	return true;
}
