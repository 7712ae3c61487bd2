// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Multiplication and division (AMD APM vol. 3).  The forms with one operand work on a
 * pair of registers: AX for bytes, otherwise xDX (upper half) and xAX.
 */
#include "exec.h"

typedef unsigned __int128 u128;

static u128 get_pair(const struct axv_exec *x, unsigned int bytes)
{
	u128 high;

	if (bytes == 1)
		return axv_index_get(x->e, AXV_X86_RAX, 2);
	high = axv_index_get(x->e, AXV_X86_RDX, bytes);
	return high << bytes * 8 | axv_index_get(x->e, AXV_X86_RAX, bytes);
}

static void set_pair(struct axv_exec *x, unsigned int bytes, __u64 high, __u64 low)
{
	if (bytes == 1) {
		axv_index_set(x->e, AXV_X86_RAX, 2, (high & 0xff) << 8 | (low & 0xff));
		return;
	}
	axv_index_set(x->e, AXV_X86_RAX, bytes, low);
	axv_index_set(x->e, AXV_X86_RDX, bytes, high);
}

/* Sign-extend a number of @bits bits, at most 128. */
static __int128 sext(u128 value, unsigned int bits)
{
	return (__int128)(value << (128 - bits)) >> (128 - bits);
}

static u128 magnitude(__int128 value)
{
	return value < 0 ? -(u128)value : (u128)value;
}

/* The other flags are undefined and stay as they are. */
static void set_overflow(struct axv_exec *x, bool on)
{
	x->e->gprs.rflags &= ~(FLAG_CF | FLAG_OF);
	if (on)
		x->e->gprs.rflags |= FLAG_CF | FLAG_OF;
}

/* mul, and imul with one operand */
static int exec_mul(struct axv_exec *x, bool is_signed)
{
	unsigned int bytes = axv_size(x, 0);
	unsigned int bits = bytes * 8;
	__u64 a = axv_index_get(x->e, AXV_X86_RAX, bytes);
	u128 product;
	__u64 b;
	int ret;

	ret = axv_op_get(x, 0, AXV_ACCESS_READ, &b);
	if (ret)
		return ret;
	if (is_signed) {
		product = (u128)((__int128)(__s64)axv_sext(a, bytes) *
				 (__s64)axv_sext(b, bytes));
		set_overflow(x, sext(product, bits) != (__int128)product);
	} else {
		product = (u128)a * b;
		set_overflow(x, product >> bits);
	}
	set_pair(x, bytes, product >> bits, product);
	return 0;
}

/* imul with two or three operands: the last two are multiplied */
static int exec_imul(struct axv_exec *x)
{
	unsigned int first = x->insn.operand_count_visible - 2;
	unsigned int bytes = axv_size(x, 0);
	__int128 product;
	__u64 a;
	__u64 b;
	int ret;

	ret = axv_op_prepare(x, 1, AXV_ACCESS_READ);
	if (!ret)
		ret = axv_op_read(x, first, &a);
	if (!ret)
		ret = axv_op_read(x, first + 1, &b);
	if (ret)
		return ret;
	product = (__int128)(__s64)axv_sext(a, bytes) * (__s64)axv_sext(b, bytes);
	set_overflow(x, sext(product, bytes * 8) != product);
	return axv_op_write(x, 0, product & axv_mask(bytes));
}

/*
 * div and idiv.  For signed numbers the magnitudes are divided: so the quotient is
 * truncated towards zero, and the remainder has the dividend's sign.
 */
static int exec_div(struct axv_exec *x, bool is_signed)
{
	unsigned int bytes = axv_size(x, 0);
	u128 dividend = get_pair(x, bytes);
	bool negative_quotient = false;
	bool negative = false;
	u128 quotient;
	u128 remainder;
	u128 divisor;
	u128 limit;
	__u64 b;
	int ret;

	ret = axv_op_get(x, 0, AXV_ACCESS_READ, &b);
	if (ret)
		return ret;
	divisor = b;
	limit = axv_mask(bytes);
	if (is_signed) {
		negative = sext(dividend, bytes * 16) < 0;
		negative_quotient = negative != ((__s64)axv_sext(b, bytes) < 0);
		dividend = magnitude(sext(dividend, bytes * 16));
		divisor = magnitude((__s64)axv_sext(b, bytes));
		limit = (limit >> 1) + negative_quotient;
	}
	if (!divisor || dividend / divisor > limit)
		return axv_raise(x->e, VECTOR_DE, 0);
	quotient = dividend / divisor;
	remainder = dividend % divisor;
	set_pair(x, bytes, negative ? -remainder : remainder,
		 negative_quotient ? -quotient : quotient);
	return 0;
}

int axv_exec_multiply(struct axv_exec *x)
{
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_MUL:
		return exec_mul(x, false);
	case ZYDIS_MNEMONIC_IMUL:
		return x->insn.operand_count_visible == 1 ? exec_mul(x, true) :
							    exec_imul(x);
	case ZYDIS_MNEMONIC_DIV:
		return exec_div(x, false);
	case ZYDIS_MNEMONIC_IDIV:
		return exec_div(x, true);
	default:
		return EXEC_UNKNOWN;
	}
}
