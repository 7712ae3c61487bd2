/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Inside the execution core: an instruction under way, its memory operands,
 * and the families of instructions.
 */
#ifndef AXV_EXEC_H
#define AXV_EXEC_H

#include <Zydis/Zydis.h>

#include "emul.h"
#include "lib.h"

/* Another CPU has changed the operand meanwhile: the instruction has to start over. */
#define EXEC_RETRY	2
/* The instruction is not of this family. */
#define EXEC_UNKNOWN	3

/* Operands of an instruction that may be in memory; the rest are immediates or CL. */
#define AXV_OPERANDS	3

/**
 * struct axv_span - a memory operand, translated and checked
 * @nr: pages it touches, 1 or 2
 * @gpa: where its part in each page begins
 * @size: bytes of each part
 */
struct axv_span {
	unsigned int nr;
	__u64 gpa[2];
	unsigned int size[2];
};

/**
 * struct axv_exec - an instruction under way
 * @e: the CPU
 * @insn: the decoded instruction
 * @op: its operands
 * @span: memory of its first three operands, where they are in memory and were prepared
 */
struct axv_exec {
	struct axv_emul *e;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	struct axv_span span[AXV_OPERANDS];
};

/* access.c: segments, pages, RAM and devices */

/** axv_raise() - note an exception; returns AXV_EMUL_EXCEPTION */
int axv_raise(struct axv_emul *e, __u8 vector, __u32 error_code);

/**
 * axv_span_get() - check and translate an access of the guest
 * @e: the CPU
 * @seg: an &enum axv_x86_seg
 * @offset: offset in the segment, truncated to the address size
 * @size: bytes, at most 64
 * @access: AXV_ACCESS_*; a write includes the right to read
 * @span: where to store the result
 *
 * Return: 0, AXV_EMUL_EXCEPTION or a negative errno.
 */
int axv_span_get(struct axv_emul *e, unsigned int seg, __u64 offset,
		 unsigned int size, __u32 access, struct axv_span *span);

/** axv_span_read() - read the whole of a span; 0 or a negative errno */
int axv_span_read(struct axv_emul *e, const struct axv_span *span, void *data);

/** axv_span_write() - write the whole of a span; 0 or a negative errno */
int axv_span_write(struct axv_emul *e, const struct axv_span *span,
		   const void *data);

/**
 * axv_span_update() - write a value that was computed from the value read before
 * @e: the CPU
 * @span: the operand
 * @old: what was read
 * @new: what to write
 *
 * Atomic for aligned operands in RAM, as the guest's other CPUs may write it.
 *
 * Return: 0, EXEC_RETRY or a negative errno.
 */
int axv_span_update(struct axv_emul *e, const struct axv_span *span, __u64 old,
		    __u64 new);

/* operand.c: registers and operands by number */

/** axv_mask() - a mask with ones for an operand of @bytes bytes */
static inline __u64 axv_mask(unsigned int bytes)
{
	return bytes >= 8 ? ~0ull : (1ull << bytes * 8) - 1;
}

/** axv_sext() - sign-extend a value of @bytes bytes */
static inline __u64 axv_sext(__u64 value, unsigned int bytes)
{
	unsigned int shift = 64 - bytes * 8;

	return (__u64)((__s64)(value << shift) >> shift);
}

/** axv_size() - bytes of operand @n */
static inline unsigned int axv_size(const struct axv_exec *x, unsigned int n)
{
	return x->op[n].size / 8;
}

/** axv_is_mem() - is operand @n in memory? */
static inline bool axv_is_mem(const struct axv_exec *x, unsigned int n)
{
	return x->op[n].type == ZYDIS_OPERAND_TYPE_MEMORY;
}

/** axv_is_string() - is it a string instruction other than INS and OUTS? */
static inline bool axv_is_string(const struct axv_exec *x)
{
	return x->insn.meta.category == ZYDIS_CATEGORY_STRINGOP;
}

/** axv_repeat_prefix() - the last repeat prefix, which counts; 0: there is none */
unsigned int axv_repeat_prefix(const struct axv_exec *x);

/** axv_reg_known() - can axv_reg_read() read this register? */
bool axv_reg_known(ZydisRegister reg);

/** axv_reg_read() - read a general or segment register, zero-extended */
__u64 axv_reg_read(const struct axv_emul *e, ZydisRegister reg);

/** axv_reg_write() - write a general register, by the rules for its width */
void axv_reg_write(struct axv_emul *e, ZydisRegister reg, __u64 value);

/** axv_index_get() - read register @n truncated to @bytes, the address or stack size */
__u64 axv_index_get(const struct axv_emul *e, unsigned int n, unsigned int bytes);

/** axv_index_set() - write register @n, where @bytes is the address or stack size */
void axv_index_set(struct axv_emul *e, unsigned int n, unsigned int bytes,
		   __u64 value);

/** axv_op_offset() - offset in its segment of memory operand @n */
__u64 axv_op_offset(const struct axv_exec *x, unsigned int n);

/** axv_op_segment() - segment of memory operand @n */
unsigned int axv_op_segment(const struct axv_exec *x, unsigned int n);

/**
 * axv_op_prepare() - check and translate operand @n, if it is memory
 * @x: the instruction
 * @n: the operand, less than AXV_OPERANDS
 * @access: AXV_ACCESS_*
 *
 * All operands are prepared before the first is read: reading a device has
 * effects that a later exception could not undo.
 *
 * Return: 0, AXV_EMUL_EXCEPTION or a negative errno.
 */
int axv_op_prepare(struct axv_exec *x, unsigned int n, __u32 access);

/** axv_op_read() - read operand @n, zero-extended; at most 8 bytes */
int axv_op_read(struct axv_exec *x, unsigned int n, __u64 *value);

/** axv_op_get() - prepare operand @n, the last one that needs it, and read it */
int axv_op_get(struct axv_exec *x, unsigned int n, __u32 access, __u64 *value);

/** axv_op_write() - write operand @n, whatever it holds */
int axv_op_write(struct axv_exec *x, unsigned int n, __u64 value);

/** axv_op_update() - write operand @n, with a value computed from @old */
int axv_op_update(struct axv_exec *x, unsigned int n, __u64 old, __u64 new);

/** axv_condition() - does condition code @cc (as encoded) hold? */
bool axv_condition(const struct axv_emul *e, unsigned int cc);

/* alu.c: results and flags of arithmetic; operands are cut to @bytes */

__u64 axv_alu_add(__u64 *flags, unsigned int bytes, __u64 a, __u64 b, bool carry);
__u64 axv_alu_sub(__u64 *flags, unsigned int bytes, __u64 a, __u64 b, bool borrow);
__u64 axv_alu_logic(__u64 *flags, unsigned int bytes, __u64 result);

/**
 * axv_alu_shift() - shift or rotate
 * @flags: the flags, in and out
 * @bytes: operand size
 * @mnemonic: ZYDIS_MNEMONIC_SHL, SHR, SAR, ROL, ROR, RCL or RCR
 * @a: the operand
 * @count: as in the instruction; masked here
 */
__u64 axv_alu_shift(__u64 *flags, unsigned int bytes, ZydisMnemonic mnemonic,
		    __u64 a, unsigned int count);

/**
 * axv_alu_double_shift() - shift as SHLD or SHRD does
 * @flags: the flags, in and out
 * @bytes: operand size, 2, 4 or 8
 * @left: true for SHLD
 * @a: the operand
 * @b: operand from which bits are shifted in
 * @count: as in the instruction; masked here
 */
__u64 axv_alu_double_shift(__u64 *flags, unsigned int bytes, bool left, __u64 a,
			   __u64 b, unsigned int count);

/* emul.c */

/**
 * axv_exec_decode() - fetch and decode the instruction at the instruction pointer
 * @x: the instruction; @e is filled in
 *
 * Return: 0, AXV_EMUL_EXCEPTION, or -EOPNOTSUPP.
 */
int axv_exec_decode(struct axv_exec *x);

/**
 * axv_emul_end() - update RIP and flags after an instruction, or after some of its
 * elements
 * @e: the CPU
 * @length: length of the instruction; 0: there are more elements
 */
void axv_emul_end(struct axv_emul *e, unsigned int length);

/**
 * axv_finish_task() - finish an exit that is a task switch
 * @vcpu: the vCPU
 * @e: its registers
 *
 * Return: AXV_FINISH_*, AXV_EMUL_CHANGED or a negative errno.
 */
int axv_finish_task(struct axv_vcpu *vcpu, struct axv_emul *e);

/*
 * Families of instructions.  Each function returns EXEC_UNKNOWN for an instruction that
 * is not of its family, otherwise what axv_emul_step() returns, or EXEC_RETRY.  The
 * caller moves the instruction pointer, but for branches axv_exec_stack() does.
 */
int axv_exec_integer(struct axv_exec *x);
int axv_exec_multiply(struct axv_exec *x);
int axv_exec_exchange(struct axv_exec *x);
int axv_exec_string(struct axv_exec *x, bool *again);
int axv_exec_stack(struct axv_exec *x, bool *branched);
int axv_exec_vector(struct axv_exec *x);

#endif /* AXV_EXEC_H */
