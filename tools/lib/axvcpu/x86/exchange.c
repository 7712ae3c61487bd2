// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Exchanges: xchg, xadd, cmpxchg and its double forms.
 */
#include <string.h>

#include "exec.h"

static int exec_xchg(struct axv_exec *x)
{
	__u64 a;
	__u64 b;
	int ret;

	ret = axv_op_prepare(x, 0, AXV_ACCESS_WRITE);
	if (!ret)
		ret = axv_op_prepare(x, 1, AXV_ACCESS_WRITE);
	if (!ret)
		ret = axv_op_read(x, 0, &a);
	if (!ret)
		ret = axv_op_read(x, 1, &b);
	if (ret)
		return ret;
	/* Either operand may be the one in memory, which is written first. */
	if (axv_is_mem(x, 0)) {
		ret = axv_op_update(x, 0, a, b);
		if (!ret)
			ret = axv_op_write(x, 1, a);
	} else {
		ret = axv_op_update(x, 1, b, a);
		if (!ret)
			ret = axv_op_write(x, 0, b);
	}
	return ret;
}

static int exec_xadd(struct axv_exec *x)
{
	__u64 flags = x->e->gprs.rflags;
	__u64 sum;
	__u64 a;
	__u64 b;
	int ret;

	ret = axv_op_get(x, 0, AXV_ACCESS_WRITE, &a);
	if (!ret)
		ret = axv_op_read(x, 1, &b);
	if (ret)
		return ret;
	sum = axv_alu_add(&flags, axv_size(x, 0), a, b, false);
	if (axv_is_mem(x, 0)) {
		ret = axv_op_update(x, 0, a, sum);
		if (ret)
			return ret;
		axv_op_write(x, 1, a);
	} else {	/* if both are one register, it gets the sum */
		axv_op_write(x, 1, a);
		axv_op_write(x, 0, sum);
	}
	x->e->gprs.rflags = flags;
	return 0;
}

static int exec_cmpxchg(struct axv_exec *x)
{
	static const ZydisRegister accumulators[] = {
		[1] = ZYDIS_REGISTER_AL, [2] = ZYDIS_REGISTER_AX,
		[4] = ZYDIS_REGISTER_EAX, [8] = ZYDIS_REGISTER_RAX,
	};
	unsigned int bytes = axv_size(x, 0);
	__u64 flags = x->e->gprs.rflags;
	ZydisRegister accumulator = accumulators[bytes];
	__u64 expected = axv_reg_read(x->e, accumulator);
	__u64 new;
	__u64 old;
	int ret;

	ret = axv_op_get(x, 0, AXV_ACCESS_WRITE, &old);
	if (!ret)
		ret = axv_op_read(x, 1, &new);
	if (ret)
		return ret;
	axv_alu_sub(&flags, bytes, expected, old, false);
	/*
	 * Memory is always written.  A register is not written if the values differ: a
	 * 32-bit one then keeps its upper half.
	 */
	if ((flags & FLAG_ZF) || axv_is_mem(x, 0))
		ret = axv_op_update(x, 0, old, flags & FLAG_ZF ? new : old);
	if (ret)
		return ret;
	if (!(flags & FLAG_ZF))
		axv_reg_write(x->e, accumulator, old);
	x->e->gprs.rflags = flags;
	return 0;
}

/* cmpxchg8b and cmpxchg16b: compare DX:AX with memory, and replace that by CX:BX */
static int exec_cmpxchg_double(struct axv_exec *x)
{
	unsigned int half = axv_size(x, 0) / 2;
	__u64 *gpr = x->e->gprs.gpr;
	unsigned char data[16] = {};
	__u64 high = 0;
	__u64 low = 0;
	bool same;
	int ret;

	ret = axv_op_prepare(x, 0, AXV_ACCESS_WRITE);
	if (!ret && half == 8 && x->span[0].gpa[0] % 16)
		ret = axv_raise(x->e, VECTOR_GP, 0);
	if (!ret)
		ret = axv_span_read(x->e, &x->span[0], data);
	if (ret)
		return ret;
	memcpy(&low, data, half);
	memcpy(&high, data + half, half);
	same = low == axv_index_get(x->e, AXV_X86_RAX, half) &&
	       high == axv_index_get(x->e, AXV_X86_RDX, half);
	if (half == 4) {
		__u64 old = high << 32 | low;
		__u64 new = old;

		if (same)
			new = gpr[AXV_X86_RCX] << 32 | (__u32)gpr[AXV_X86_RBX];
		ret = axv_span_update(x->e, &x->span[0], old, new);
	} else {
		if (same) {
			memcpy(data, &gpr[AXV_X86_RBX], 8);
			memcpy(data + 8, &gpr[AXV_X86_RCX], 8);
		}
		ret = axv_span_write(x->e, &x->span[0], data);
	}
	if (ret)
		return ret;
	if (same) {
		x->e->gprs.rflags |= FLAG_ZF;
	} else {
		x->e->gprs.rflags &= ~FLAG_ZF;
		axv_index_set(x->e, AXV_X86_RAX, half, low);
		axv_index_set(x->e, AXV_X86_RDX, half, high);
	}
	return 0;
}

int axv_exec_exchange(struct axv_exec *x)
{
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_XCHG:
		return exec_xchg(x);
	case ZYDIS_MNEMONIC_XADD:
		return exec_xadd(x);
	case ZYDIS_MNEMONIC_CMPXCHG:
		return exec_cmpxchg(x);
	case ZYDIS_MNEMONIC_CMPXCHG8B:
	case ZYDIS_MNEMONIC_CMPXCHG16B:
		return exec_cmpxchg_double(x);
	default:
		return EXEC_UNKNOWN;
	}
}
