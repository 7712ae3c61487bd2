// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Pushes, pops and near branches through memory.
 */
#include "exec.h"

#define ALL_GPRS	8	/* for PUSHA and POPA, which 64-bit code does not have */

static unsigned int stack_bytes(const struct axv_exec *x)
{
	if (axv_emul_long64(x->e))
		return 8;
	return x->e->sregs.seg[AXV_X86_SS].attr & AXV_X86_ATTR_DB ? 4 : 2;
}

/* Translate the slot that a push of @bytes fills; @sp becomes the stack pointer after it. */
static int prepare_push(struct axv_exec *x, unsigned int bytes, __u64 *sp,
			struct axv_span *slot)
{
	unsigned int width = stack_bytes(x);

	*sp = (axv_index_get(x->e, AXV_X86_RSP, width) - bytes) & axv_mask(width);
	return axv_span_get(x->e, AXV_X86_SS, *sp, bytes, AXV_ACCESS_WRITE, slot);
}

static int prepare_pop(struct axv_exec *x, unsigned int bytes, __u64 *sp,
		       struct axv_span *slot)
{
	unsigned int width = stack_bytes(x);
	__u64 old = axv_index_get(x->e, AXV_X86_RSP, width);

	*sp = (old + bytes) & axv_mask(width);
	return axv_span_get(x->e, AXV_X86_SS, old, bytes, AXV_ACCESS_READ, slot);
}

static void set_sp(struct axv_exec *x, __u64 sp)
{
	axv_index_set(x->e, AXV_X86_RSP, stack_bytes(x), sp);
}

static int exec_push(struct axv_exec *x)
{
	struct axv_span slot;
	__u64 value;
	__u64 sp;
	int ret;

	ret = axv_op_prepare(x, 0, AXV_ACCESS_READ);
	if (!ret)
		ret = prepare_push(x, x->insn.operand_width / 8, &sp, &slot);
	if (!ret)
		ret = axv_op_read(x, 0, &value);
	if (!ret)
		ret = axv_span_write(x->e, &slot, &value);
	if (!ret)
		set_sp(x, sp);
	return ret;
}

static int exec_pop(struct axv_exec *x)
{
	struct axv_span slot;
	__u64 value = 0;
	__u64 sp;
	int ret;

	ret = prepare_pop(x, x->insn.operand_width / 8, &sp, &slot);
	if (ret)
		return ret;
	/* A destination that is addressed by the stack pointer uses its new value. */
	set_sp(x, sp);
	ret = axv_op_prepare(x, 0, AXV_ACCESS_WRITE);
	if (!ret)
		ret = axv_span_read(x->e, &slot, &value);
	if (!ret)
		ret = axv_op_write(x, 0, value);
	return ret;
}

/*
 * Translate the slots of PUSHA or POPA, in the order of the registers' numbers.  All are
 * translated before the first is accessed: each register has a push of its own, which may
 * wrap or fault.
 */
static int prepare_all(struct axv_exec *x, bool push, __u64 *sp, struct axv_span *slots)
{
	unsigned int bytes = x->insn.operand_width / 8;
	__u64 rsp = x->e->gprs.gpr[AXV_X86_RSP];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ALL_GPRS && !ret; i++) {
		ret = push ? prepare_push(x, bytes, sp, &slots[i]) :
			     prepare_pop(x, bytes, sp, &slots[ALL_GPRS - 1 - i]);
		set_sp(x, *sp);
	}
	x->e->gprs.gpr[AXV_X86_RSP] = rsp;
	return ret;
}

static int exec_pusha(struct axv_exec *x)
{
	struct axv_span slots[ALL_GPRS];
	unsigned int i;
	__u64 sp = 0;
	int ret;

	ret = prepare_all(x, true, &sp, slots);
	/* The stack pointer is pushed as it was before the instruction. */
	for (i = 0; i < ALL_GPRS && !ret; i++)
		ret = axv_span_write(x->e, &slots[i], &x->e->gprs.gpr[i]);
	if (!ret)
		set_sp(x, sp);
	return ret;
}

static int exec_popa(struct axv_exec *x)
{
	unsigned int bytes = x->insn.operand_width / 8;
	struct axv_span slots[ALL_GPRS];
	__u64 value;
	unsigned int i;
	__u64 sp = 0;
	int ret;

	ret = prepare_all(x, false, &sp, slots);
	for (i = ALL_GPRS; i-- > 0 && !ret;) {
		if (i == AXV_X86_RSP)	/* POPA ignores the value of its slot */
			continue;
		value = 0;
		ret = axv_span_read(x->e, &slots[i], &value);
		axv_index_set(x->e, i, bytes, value);
	}
	if (!ret)
		set_sp(x, sp);
	return ret;
}

static int exec_leave(struct axv_exec *x)
{
	unsigned int bytes = x->insn.operand_width / 8;
	unsigned int width = stack_bytes(x);
	__u64 frame = axv_index_get(x->e, AXV_X86_RBP, width);
	struct axv_span slot;
	__u64 value = 0;
	int ret;

	ret = axv_span_get(x->e, AXV_X86_SS, frame, bytes, AXV_ACCESS_READ, &slot);
	if (!ret)
		ret = axv_span_read(x->e, &slot, &value);
	if (ret)
		return ret;
	axv_index_set(x->e, AXV_X86_RBP, bytes, value);
	set_sp(x, (frame + bytes) & axv_mask(width));
	return 0;
}

/* Check a branch target and go there. */
static int branch(struct axv_exec *x, __u64 target)
{
	struct axv_emul *e = x->e;
	unsigned int shift = e->sregs.cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

	target &= axv_mask(x->insn.operand_width / 8);
	if (axv_emul_long64(e)) {
		if ((__u64)((__s64)(target << shift) >> shift) != target)
			return axv_raise(e, VECTOR_GP, 0);
	} else if (target > e->sregs.seg[AXV_X86_CS].limit) {
		return axv_raise(e, VECTOR_GP, 0);
	}
	e->gprs.rip = target;
	return 0;
}

static int exec_jmp(struct axv_exec *x)
{
	__u64 target;
	int ret;

	ret = axv_op_get(x, 0, AXV_ACCESS_READ, &target);
	return ret ? ret : branch(x, target);
}

static int exec_call(struct axv_exec *x)
{
	__u64 back = x->e->gprs.rip + x->insn.length;
	struct axv_span slot;
	__u64 target;
	__u64 sp;
	int ret;

	ret = axv_op_prepare(x, 0, AXV_ACCESS_READ);
	if (!ret)
		ret = prepare_push(x, x->insn.operand_width / 8, &sp, &slot);
	if (!ret)
		ret = axv_op_read(x, 0, &target);
	if (!ret && x->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		target += back;		/* a relative CALL: only its push is in memory */
	if (!ret)
		ret = branch(x, target);
	if (!ret)
		ret = axv_span_write(x->e, &slot, &back);
	if (!ret)
		set_sp(x, sp);
	return ret;
}

static int exec_ret(struct axv_exec *x)
{
	struct axv_span slot;
	__u64 target = 0;
	__u64 extra = 0;
	__u64 sp;
	int ret;

	if (x->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		extra = (__u16)x->op[0].imm.value.u;
	ret = prepare_pop(x, x->insn.operand_width / 8, &sp, &slot);
	if (!ret)
		ret = axv_span_read(x->e, &slot, &target);
	if (!ret)
		ret = branch(x, target);
	if (!ret)
		set_sp(x, sp + extra);
	return ret;
}

int axv_exec_stack(struct axv_exec *x, bool *branched)
{
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		return exec_push(x);
	case ZYDIS_MNEMONIC_POP:
		if (!axv_is_mem(x, 0) &&
		    ZydisRegisterGetClass(x->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT)
			return EXEC_UNKNOWN;
		return exec_pop(x);
	case ZYDIS_MNEMONIC_PUSHA:
	case ZYDIS_MNEMONIC_PUSHAD:
		return exec_pusha(x);
	case ZYDIS_MNEMONIC_POPA:
	case ZYDIS_MNEMONIC_POPAD:
		return exec_popa(x);
	case ZYDIS_MNEMONIC_LEAVE:
		return exec_leave(x);
	default:
		break;
	}
	if (x->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return EXEC_UNKNOWN;
	*branched = true;
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_JMP:
		if (axv_is_mem(x, 0))
			return exec_jmp(x);
		*branched = false;
		return EXEC_UNKNOWN;
	case ZYDIS_MNEMONIC_CALL:
		return exec_call(x);
	case ZYDIS_MNEMONIC_RET:
		return exec_ret(x);
	default:
		*branched = false;
		return EXEC_UNKNOWN;
	}
}
