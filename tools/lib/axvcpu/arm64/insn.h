/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Loads and stores of A64 (Arm ARM, "Loads and Stores"), and addresses of stage 1.  "Arm ARM" is
 * the Arm Architecture Reference Manual for A-profile, DDI 0487.
 */
#ifndef AXV_ARM64_INSN_H
#define AXV_ARM64_INSN_H

#include <stdbool.h>

#include <axvcpu.h>

#define REG_NONE	31	/* the zero register; as a base: the stack pointer */

#define PSTATE_SS	(1ull << 21)
#define PSTATE_PAN	(1ull << 22)
#define PSTATE_UAO	(1ull << 23)	/* LDTR and STTR are as other accesses */
#define PSTATE_BTYPE	(3ull << 10)
#define PSTATE_AARCH32	(1ull << 4)
#define PSTATE_MODE	0xfull
#define PSTATE_EL0T	0x0ull
#define PSTATE_SP	(1ull << 0)	/* at EL1: SP_EL1 */

#define SCTLR_M		(1ull << 0)
#define SCTLR_WXN	(1ull << 19)
#define SCTLR_E0E	(1ull << 24)
#define SCTLR_EE	(1ull << 25)

/**
 * struct axv_insn - a load or store
 * @load:	it is a load; otherwise a store
 * @vector:	its registers are vector registers
 * @sign:	load: fill the register with copies of the uppermost bit
 * @wide:	load: fill all of a general register; otherwise its lower half, and the
 *		upper half with zeroes
 * @count:	number of registers: 1 or 2
 * @reg:	their numbers
 * @bytes:	bytes of each: 1 to 16
 * @base:	register that has the address
 * @index:	register that is added to it, shifted and extended; REG_NONE: @offset is added
 * @extend:	as in the instruction: 2 UXTW, 3 LSL, 6 SXTW, 7 SXTX
 * @shift:	by how much @index is shifted
 * @offset:	added to @base
 * @user:	made as if at EL0, also at EL1 (LDTR, STTR)
 * @writeback:	@base + @offset goes back to the base
 * @post:	the address is @base alone
 */
struct axv_insn {
	bool load;
	bool vector;
	bool sign;
	bool wide;
	unsigned int count;
	unsigned int reg[2];
	unsigned int bytes;
	unsigned int base;
	unsigned int index;
	unsigned int extend;
	unsigned int shift;
	__s64 offset;
	bool user;
	bool writeback;
	bool post;
};

/**
 * axv_insn_decode() - decode an instruction
 * @word: the instruction
 * @insn: where to store it
 *
 * Return: true if it is a load or store of one or two registers.  false for those with an
 * order (exclusive, acquire, release, atomic), which must not access a device in parts.
 */
bool axv_insn_decode(__u32 word, struct axv_insn *insn);

/* Results of a walk of stage 1 */
#define AXV_WALK_FOUND	0
#define AXV_WALK_FAULT	1	/* not mapped, or not for this access */

/**
 * axv_arm64_walk() - translate a linear to a guest physical address by stage 1
 * @vcpu: the vCPU
 * @regs: its registers
 * @linear: the address
 * @access: AXV_ACCESS_READ, _WRITE or _FETCH, at the exception level of PSTATE; 0:
 *	permissions do not matter
 * @gpa: where to store the physical address
 *
 * Return: AXV_WALK_*; -EOPNOTSUPP with the text set, if a table is not in memory.
 */
int axv_arm64_walk(struct axv_vcpu *vcpu, const struct axv_run_regs *regs, __u64 linear,
		   __u32 access, __u64 *gpa);

#endif /* AXV_ARM64_INSN_H */
