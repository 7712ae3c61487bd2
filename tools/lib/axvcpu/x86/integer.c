// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Moves, arithmetic, shifts and bit tests.
 */
#include <byteswap.h>

#include "exec.h"

/* mov, movnti, movzx, movsx, movsxd, movbe */
static int exec_mov(struct axv_exec *x)
{
	unsigned int bytes = axv_size(x, 0);
	__u64 value;
	int ret;

	ret = axv_op_prepare(x, 0, AXV_ACCESS_WRITE);
	if (!ret)
		ret = axv_op_get(x, 1, AXV_ACCESS_READ, &value);
	if (ret)
		return ret;
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_MOVSXD:
		value = axv_sext(value, axv_size(x, 1));
		break;
	case ZYDIS_MNEMONIC_MOVBE:
		value = bswap_64(value) >> (64 - bytes * 8);
		break;
	default:
		break;
	}
	return axv_op_write(x, 0, value);
}

static int exec_cmov(struct axv_exec *x)
{
	__u64 value;
	__u64 old;
	int ret;

	/* The source is read even if the condition does not hold. */
	ret = axv_op_get(x, 1, AXV_ACCESS_READ, &value);
	if (ret)
		return ret;
	if (!axv_condition(x->e, x->insn.opcode & 15)) {
		/* The upper half of a 32-bit register is cleared in this case, too. */
		axv_op_read(x, 0, &old);
		value = old;
	}
	return axv_op_write(x, 0, value);
}

static int exec_setcc(struct axv_exec *x)
{
	int ret = axv_op_prepare(x, 0, AXV_ACCESS_WRITE);

	if (ret)
		return ret;
	return axv_op_write(x, 0, axv_condition(x->e, x->insn.opcode & 15));
}

/* cmp, test: read two operands and write none */
static int exec_compare(struct axv_exec *x)
{
	unsigned int bytes = axv_size(x, 0);
	__u64 a;
	__u64 b;
	int ret;

	ret = axv_op_prepare(x, 0, AXV_ACCESS_READ);
	if (!ret)
		ret = axv_op_prepare(x, 1, AXV_ACCESS_READ);
	if (!ret)
		ret = axv_op_read(x, 0, &a);
	if (!ret)
		ret = axv_op_read(x, 1, &b);
	if (ret)
		return ret;
	if (x->insn.mnemonic == ZYDIS_MNEMONIC_TEST)
		axv_alu_logic(&x->e->gprs.rflags, bytes, a & b);
	else
		axv_alu_sub(&x->e->gprs.rflags, bytes, a, b, false);
	return 0;
}

static __u64 compute(ZydisMnemonic mnemonic, __u64 *flags, unsigned int bytes,
		     __u64 a, __u64 b)
{
	bool carry = *flags & FLAG_CF;
	__u64 kept = *flags;
	__u64 result;

	switch (mnemonic) {
	case ZYDIS_MNEMONIC_ADD:
		return axv_alu_add(flags, bytes, a, b, false);
	case ZYDIS_MNEMONIC_ADC:
		return axv_alu_add(flags, bytes, a, b, carry);
	case ZYDIS_MNEMONIC_SUB:
		return axv_alu_sub(flags, bytes, a, b, false);
	case ZYDIS_MNEMONIC_SBB:
		return axv_alu_sub(flags, bytes, a, b, carry);
	case ZYDIS_MNEMONIC_AND:
		return axv_alu_logic(flags, bytes, a & b);
	case ZYDIS_MNEMONIC_OR:
		return axv_alu_logic(flags, bytes, a | b);
	case ZYDIS_MNEMONIC_XOR:
		return axv_alu_logic(flags, bytes, a ^ b);
	case ZYDIS_MNEMONIC_NEG:
		return axv_alu_sub(flags, bytes, 0, a, false);
	case ZYDIS_MNEMONIC_NOT:
		return ~a & axv_mask(bytes);
	case ZYDIS_MNEMONIC_INC:
		result = axv_alu_add(flags, bytes, a, 1, false);
		break;
	default:	/* DEC */
		result = axv_alu_sub(flags, bytes, a, 1, false);
		break;
	}
	/* INC and DEC keep the carry. */
	*flags = (*flags & ~FLAG_CF) | (kept & FLAG_CF);
	return result;
}

/* Read, change and write the destination, with one source operand or none. */
static int exec_modify(struct axv_exec *x)
{
	bool binary = x->insn.operand_count_visible > 1;
	__u64 flags = x->e->gprs.rflags;
	__u64 result;
	__u64 a;
	__u64 b = 0;
	int ret;

	ret = axv_op_prepare(x, 0, AXV_ACCESS_WRITE);
	if (!ret && binary)
		ret = axv_op_prepare(x, 1, AXV_ACCESS_READ);
	if (!ret)
		ret = axv_op_read(x, 0, &a);
	if (!ret && binary)
		ret = axv_op_read(x, 1, &b);
	if (ret)
		return ret;
	result = compute(x->insn.mnemonic, &flags, axv_size(x, 0), a, b);
	ret = axv_op_update(x, 0, a, result);
	if (!ret)
		x->e->gprs.rflags = flags;
	return ret;
}

/* Shifts and rotates: the count is an immediate or CL. */
static int exec_shift(struct axv_exec *x)
{
	bool twice = x->insn.mnemonic == ZYDIS_MNEMONIC_SHLD ||
		     x->insn.mnemonic == ZYDIS_MNEMONIC_SHRD;
	__u64 flags = x->e->gprs.rflags;
	unsigned int bytes = axv_size(x, 0);
	__u64 result;
	__u64 count;
	__u64 a;
	__u64 b = 0;
	int ret;

	ret = axv_op_get(x, 0, AXV_ACCESS_WRITE, &a);
	if (!ret && twice)
		ret = axv_op_read(x, 1, &b);
	if (!ret)
		ret = axv_op_read(x, twice ? 2 : 1, &count);
	if (ret)
		return ret;
	if (twice)
		result = axv_alu_double_shift(&flags, bytes,
					      x->insn.mnemonic == ZYDIS_MNEMONIC_SHLD,
					      a, b, count & 0xff);
	else
		result = axv_alu_shift(&flags, bytes, x->insn.mnemonic, a,
				       count & 0xff);
	ret = axv_op_update(x, 0, a, result);
	if (!ret)
		x->e->gprs.rflags = flags;
	return ret;
}

/*
 * Translate the operand that has bit @bit.  A bit number in a register may be beyond the
 * operand in memory: it is signed, and moves the address by whole operands.
 */
static int prepare_bit_string(struct axv_exec *x, __u64 bit, __u32 access)
{
	unsigned int bytes = axv_size(x, 0);
	__s64 index = (__s64)axv_sext(bit, bytes) >> (bytes == 2 ? 4 : bytes == 4 ? 5 : 6);
	__u64 offset = axv_op_offset(x, 0) + index * bytes;

	return axv_span_get(x->e, axv_op_segment(x, 0),
			    offset & axv_mask(x->insn.address_width / 8), bytes,
			    access, &x->span[0]);
}

static int exec_bit(struct axv_exec *x)
{
	bool keep = x->insn.mnemonic == ZYDIS_MNEMONIC_BT;
	__u32 access = keep ? AXV_ACCESS_READ : AXV_ACCESS_WRITE;
	unsigned int bytes = axv_size(x, 0);
	__u64 *flags = &x->e->gprs.rflags;
	__u64 bit;
	__u64 mask;
	__u64 a;
	int ret;

	axv_op_read(x, 1, &bit);
	if (axv_is_mem(x, 0) && x->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
		ret = prepare_bit_string(x, bit, access);
	else
		ret = axv_op_prepare(x, 0, access);
	if (!ret)
		ret = axv_op_read(x, 0, &a);
	if (ret)
		return ret;
	mask = 1ull << (bit & (bytes * 8 - 1));
	if (x->insn.mnemonic == ZYDIS_MNEMONIC_BTS)
		ret = axv_op_update(x, 0, a, a | mask);
	else if (x->insn.mnemonic == ZYDIS_MNEMONIC_BTR)
		ret = axv_op_update(x, 0, a, a & ~mask);
	else if (!keep)
		ret = axv_op_update(x, 0, a, a ^ mask);
	if (!ret)
		*flags = a & mask ? *flags | FLAG_CF : *flags & ~FLAG_CF;
	return ret;
}

/*
 * bsf, bsr, tzcnt, lzcnt, popcnt.  The first two leave the destination alone if
 * there is no bit; flags that the manual leaves undefined are kept.
 */
static int exec_scan(struct axv_exec *x)
{
	unsigned int bits = axv_size(x, 0) * 8;
	__u64 *flags = &x->e->gprs.rflags;
	__u64 defined = FLAG_ZF | FLAG_CF;
	__u64 result = bits;
	__u64 value;
	int ret;

	ret = axv_op_get(x, 1, AXV_ACCESS_READ, &value);
	if (ret)
		return ret;
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_BSF:
	case ZYDIS_MNEMONIC_BSR:
		*flags = value ? *flags & ~FLAG_ZF : *flags | FLAG_ZF;
		if (!value)
			return 0;
		return axv_op_write(x, 0, x->insn.mnemonic == ZYDIS_MNEMONIC_BSF ?
				    __builtin_ctzll(value) :
				    63 - __builtin_clzll(value));
	case ZYDIS_MNEMONIC_TZCNT:
		if (value)
			result = __builtin_ctzll(value);
		break;
	case ZYDIS_MNEMONIC_LZCNT:
		if (value)
			result = __builtin_clzll(value) - (64 - bits);
		break;
	default:	/* POPCNT */
		result = __builtin_popcountll(value);
		defined = FLAGS_STATUS;
		break;
	}
	*flags &= ~defined;
	if (!result)
		*flags |= FLAG_ZF;
	if (!value && x->insn.mnemonic != ZYDIS_MNEMONIC_POPCNT)
		*flags |= FLAG_CF;
	return axv_op_write(x, 0, result);
}

static int exec_xlat(struct axv_exec *x)
{
	__u64 offset = axv_op_offset(x, 0) + axv_reg_read(x->e, ZYDIS_REGISTER_AL);
	__u64 value;
	int ret;

	ret = axv_span_get(x->e, axv_op_segment(x, 0),
			   offset & axv_mask(x->insn.address_width / 8), 1,
			   AXV_ACCESS_READ, &x->span[0]);
	if (!ret)
		ret = axv_op_read(x, 0, &value);
	if (!ret)
		axv_reg_write(x->e, ZYDIS_REGISTER_AL, value);
	return ret;
}

/* Two signed limits in memory, the lower one first (AMD APM vol. 3, BOUND). */
static int exec_bound(struct axv_exec *x)
{
	unsigned int bytes = axv_size(x, 0);
	__s64 index, lower, upper;
	__u64 limits;
	__u64 value;
	int ret;

	ret = axv_op_get(x, 1, AXV_ACCESS_READ, &limits);
	if (ret)
		return ret;
	axv_op_read(x, 0, &value);
	index = axv_sext(value, bytes);
	lower = axv_sext(limits, bytes);
	upper = axv_sext(limits >> bytes * 8, bytes);
	return index < lower || index > upper ? axv_raise(x->e, VECTOR_BR, 0) : 0;
}

/* A device has no cache lines, so only the right to read is checked. */
static int exec_flush(struct axv_exec *x)
{
	return axv_span_get(x->e, axv_op_segment(x, 0), axv_op_offset(x, 0), 1,
			    AXV_ACCESS_READ, &x->span[0]);
}

int axv_exec_integer(struct axv_exec *x)
{
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVNTI:
	case ZYDIS_MNEMONIC_MOVZX:
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_MOVSXD:
	case ZYDIS_MNEMONIC_MOVBE:
		/* Loading a segment register is not a plain move. */
		if (x->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(x->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT)
			return EXEC_UNKNOWN;
		return exec_mov(x);
	case ZYDIS_MNEMONIC_ADD:
	case ZYDIS_MNEMONIC_ADC:
	case ZYDIS_MNEMONIC_SUB:
	case ZYDIS_MNEMONIC_SBB:
	case ZYDIS_MNEMONIC_AND:
	case ZYDIS_MNEMONIC_OR:
	case ZYDIS_MNEMONIC_XOR:
	case ZYDIS_MNEMONIC_NEG:
	case ZYDIS_MNEMONIC_NOT:
	case ZYDIS_MNEMONIC_INC:
	case ZYDIS_MNEMONIC_DEC:
		return exec_modify(x);
	case ZYDIS_MNEMONIC_CMP:
	case ZYDIS_MNEMONIC_TEST:
		return exec_compare(x);
	case ZYDIS_MNEMONIC_SHL:
	case ZYDIS_MNEMONIC_SHR:
	case ZYDIS_MNEMONIC_SAR:
	case ZYDIS_MNEMONIC_ROL:
	case ZYDIS_MNEMONIC_ROR:
	case ZYDIS_MNEMONIC_RCL:
	case ZYDIS_MNEMONIC_RCR:
	case ZYDIS_MNEMONIC_SHLD:
	case ZYDIS_MNEMONIC_SHRD:
		return exec_shift(x);
	case ZYDIS_MNEMONIC_BT:
	case ZYDIS_MNEMONIC_BTS:
	case ZYDIS_MNEMONIC_BTR:
	case ZYDIS_MNEMONIC_BTC:
		return exec_bit(x);
	case ZYDIS_MNEMONIC_BSF:
	case ZYDIS_MNEMONIC_BSR:
	case ZYDIS_MNEMONIC_TZCNT:
	case ZYDIS_MNEMONIC_LZCNT:
	case ZYDIS_MNEMONIC_POPCNT:
		return exec_scan(x);
	case ZYDIS_MNEMONIC_XLAT:
		return exec_xlat(x);
	case ZYDIS_MNEMONIC_BOUND:
		return exec_bound(x);
	case ZYDIS_MNEMONIC_CLFLUSH:
	case ZYDIS_MNEMONIC_CLFLUSHOPT:
	case ZYDIS_MNEMONIC_CLWB:
		return exec_flush(x);
	case ZYDIS_MNEMONIC_PREFETCH:
	case ZYDIS_MNEMONIC_PREFETCHW:
	case ZYDIS_MNEMONIC_PREFETCHNTA:
	case ZYDIS_MNEMONIC_PREFETCHT0:
	case ZYDIS_MNEMONIC_PREFETCHT1:
	case ZYDIS_MNEMONIC_PREFETCHT2:
		return 0;
	default:
		break;
	}
	/* CMOVcc (0F 40 to 4F) and SETcc (0F 90 to 9F), with all names of conditions */
	if (x->insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
	    x->insn.opcode_map != ZYDIS_OPCODE_MAP_0F)
		return EXEC_UNKNOWN;
	if ((x->insn.opcode & 0xf0) == 0x40)
		return exec_cmov(x);
	if ((x->insn.opcode & 0xf0) == 0x90)
		return exec_setcc(x);
	return EXEC_UNKNOWN;
}
