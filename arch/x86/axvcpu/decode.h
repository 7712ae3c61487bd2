/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decoding of the instructions that the kernel finishes itself.
 *
 * Pure functions over bytes: no guest, no memory, no locks.  So a table of
 * encodings, and a fuzzer outside the kernel, can test them.
 */
#ifndef _AXVCPU_X86_DECODE_H
#define _AXVCPU_X86_DECODE_H

#include <linux/types.h>

#include <linux/axvcpu.h>

#define AXV_X86_INSN_MAX	15	/* AMD APM vol. 3, 1.1 */
#define AXV_X86_NO_REG		0xff

/**
 * enum axv_x86_op - what a decoded instruction does
 * @AXV_X86_OP_NONE:	it is not one of these
 * @AXV_X86_OP_LOAD:	memory to register: MOV, MOVZX, MOVSX, MOVSXD
 * @AXV_X86_OP_STORE:	register to memory: MOV
 * @AXV_X86_OP_STORE_IMM: immediate to memory: MOV
 * @AXV_X86_OP_MOVS:	memory at rSI to memory at ES:rDI
 * @AXV_X86_OP_STOS:	rAX to memory at ES:rDI
 * @AXV_X86_OP_LODS:	memory at rSI to rAX
 * @AXV_X86_OP_IN:	port to rAX
 * @AXV_X86_OP_OUT:	rAX to port
 * @AXV_X86_OP_RDMSR:	MSR ECX to EDX:EAX
 */
enum axv_x86_op {
	AXV_X86_OP_NONE = 0,
	AXV_X86_OP_LOAD,
	AXV_X86_OP_STORE,
	AXV_X86_OP_STORE_IMM,
	AXV_X86_OP_MOVS,
	AXV_X86_OP_STOS,
	AXV_X86_OP_LODS,
	AXV_X86_OP_IN,
	AXV_X86_OP_OUT,
	AXV_X86_OP_RDMSR,
};

/**
 * struct axv_x86_insn - one decoded instruction
 * @op:		an &enum axv_x86_op
 * @len:	length in bytes
 * @bits:	16, 32 or 64: default sizes of its code segment; 0: not decoded
 * @width:	bytes that go to or come from memory or the port
 * @reg:	register by &enum axv_x86_gpr, or AXV_X86_NO_REG
 * @reg_width:	bytes of that register which are written or read
 * @high:	@reg's bits 8 to 15 are meant: AH, CH, DH or BH
 * @sign_extend: a load narrower than its register extends the sign
 * @rep:	a string instruction is repeated rCX times
 * @port_imm:	the port is @imm, not DX
 * @addr_width:	bytes of an address: 2, 4 or 8; of rSI, rDI and rCX too
 * @seg:	segment of the memory operand, by &enum axv_x86_seg.  Of a string
 *		instruction the segment of rSI, if it reads memory there; rDI always
 *		uses ES
 * @base:	register, AXV_X86_RIP or AXV_X86_NO_REG.  Not for string instructions.
 * @index:	register or AXV_X86_NO_REG.  Not for string instructions.
 * @scale:	@index is shifted left by so many bits
 * @disp:	displacement, sign-extended; of a MOV by offset the address
 * @imm:	immediate, sign-extended to 8 bytes; or the port
 */
struct axv_x86_insn {
	u8 op;
	u8 len;
	u8 bits;
	u8 width;
	u8 reg;
	u8 reg_width;
	bool high;
	bool sign_extend;
	bool rep;
	bool port_imm;
	u8 addr_width;
	u8 seg;
	u8 base;
	u8 index;
	u8 scale;
	u64 disp;
	u64 imm;
};

/**
 * struct axv_x86_prefixes - prefixes of an instruction, and the sizes they lead to
 * @bits:	16, 32 or 64: default sizes of the code segment
 * @rex:	REX prefix in effect, 0: none
 * @seg:	segment override in effect, AXV_X86_NO_REG: none
 * @rep:	the last REP or REPNE prefix; 0: none
 * @lock:	LOCK
 * @size16:	an operand-size prefix
 * @op_width:	bytes of an operand, unless the opcode has operands of one byte
 * @addr_width:	bytes of an address
 */
struct axv_x86_prefixes {
	u8 bits;
	u8 rex;
	u8 seg;
	u8 rep;
	bool lock;
	bool size16;
	u8 op_width;
	u8 addr_width;
};

bool axv_x86_decode(struct axv_x86_insn *insn, const u8 *bytes,
		    unsigned int size, unsigned int bits);
unsigned int axv_x86_take_prefixes(struct axv_x86_prefixes *p, const u8 *bytes,
				   unsigned int size, unsigned int bits);
unsigned int axv_x86_insn_length(const u8 *bytes, unsigned int size,
				 unsigned int bits, u32 *opcode);

/**
 * axv_x86_mask() - the low bytes of a value
 * @value:	any
 * @width:	how many: 1 to 8
 */
static inline u64 axv_x86_mask(u64 value, unsigned int width)
{
	return value & (~0ull >> (64 - 8 * width));
}

/**
 * axv_x86_operand_offset() - offset of a memory operand in its segment
 * @insn:	a decoded LOAD, STORE or STORE_IMM
 * @gpr:	the sixteen general registers
 * @rip:	address of the instruction
 *
 * Context: any.
 */
static inline u64 axv_x86_operand_offset(const struct axv_x86_insn *insn,
					 const u64 *gpr, u64 rip)
{
	u64 offset = insn->disp;

	/* Masks: speculation may take AXV_X86_NO_REG for the number of a register. */
	if (insn->base == AXV_X86_RIP)
		offset += rip + insn->len;
	else if (insn->base != AXV_X86_NO_REG)
		offset += gpr[insn->base & 15];
	if (insn->index != AXV_X86_NO_REG)
		offset += gpr[insn->index & 15] << insn->scale;
	return axv_x86_mask(offset, insn->addr_width);
}

#endif /* _AXVCPU_X86_DECODE_H */
