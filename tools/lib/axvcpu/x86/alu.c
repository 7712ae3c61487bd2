// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Results and flags of arithmetic (AMD APM vol. 3).  Flags that the manual leaves
 * undefined are kept or cleared, whichever is simpler.
 */
#include "exec.h"

static void set_flag(__u64 *flags, __u64 flag, bool on)
{
	*flags = on ? *flags | flag : *flags & ~flag;
}

static bool top_bit(__u64 value, unsigned int bytes)
{
	return value >> (bytes * 8 - 1) & 1;
}

/* Set the flags of a result: zero, sign, and parity of the low byte. */
static void result_flags(__u64 *flags, unsigned int bytes, __u64 result)
{
	set_flag(flags, FLAG_ZF, !result);
	set_flag(flags, FLAG_SF, top_bit(result, bytes));
	set_flag(flags, FLAG_PF, !__builtin_parity(result & 0xff));
}

/*
 * Set carry, auxiliary carry and overflow; @carries has the carry or borrow out of every
 * bit.
 */
static void carry_flags(__u64 *flags, unsigned int bytes, __u64 carries)
{
	bool out = top_bit(carries, bytes);

	set_flag(flags, FLAG_CF, out);
	set_flag(flags, FLAG_AF, carries >> 3 & 1);
	set_flag(flags, FLAG_OF, out != top_bit(carries << 1, bytes));
}

__u64 axv_alu_add(__u64 *flags, unsigned int bytes, __u64 a, __u64 b, bool carry)
{
	__u64 result = (a + b + carry) & axv_mask(bytes);

	carry_flags(flags, bytes, (a & b) | ((a | b) & ~result));
	result_flags(flags, bytes, result);
	return result;
}

__u64 axv_alu_sub(__u64 *flags, unsigned int bytes, __u64 a, __u64 b, bool borrow)
{
	__u64 result = (a - b - borrow) & axv_mask(bytes);

	carry_flags(flags, bytes, (~a & b) | ((~a | b) & result));
	result_flags(flags, bytes, result);
	return result;
}

__u64 axv_alu_logic(__u64 *flags, unsigned int bytes, __u64 result)
{
	result &= axv_mask(bytes);
	*flags &= ~(FLAG_CF | FLAG_OF | FLAG_AF);
	result_flags(flags, bytes, result);
	return result;
}

/* Rotate through carry, with the carry flag as one more bit. */
static __u64 rotate_carry(__u64 *flags, unsigned int bytes, bool left, __u64 a,
			  unsigned int count)
{
	unsigned int n = count % (bytes * 8 + 1);
	bool carry = *flags & FLAG_CF;
	bool out;

	if (!n)
		return a;
	while (n--) {
		if (left) {
			out = top_bit(a, bytes);
			a = (a << 1 | carry) & axv_mask(bytes);
		} else {
			out = a & 1;
			a = a >> 1 | (__u64)carry << (bytes * 8 - 1);
		}
		carry = out;
	}
	set_flag(flags, FLAG_CF, carry);
	if (left)
		set_flag(flags, FLAG_OF, top_bit(a, bytes) != carry);
	else
		set_flag(flags, FLAG_OF, top_bit(a, bytes) != top_bit(a << 1, bytes));
	return a;
}

static __u64 rotate(__u64 *flags, unsigned int bytes, bool left, __u64 a,
		    unsigned int count)
{
	unsigned int width = bytes * 8;
	unsigned int n = count % width;

	if (!left)
		n = (width - n) % width;
	if (n)
		a = (a << n | a >> (width - n)) & axv_mask(bytes);
	if (left) {
		set_flag(flags, FLAG_CF, a & 1);
		set_flag(flags, FLAG_OF, top_bit(a, bytes) != (a & 1));
	} else {
		set_flag(flags, FLAG_CF, top_bit(a, bytes));
		set_flag(flags, FLAG_OF, top_bit(a, bytes) != top_bit(a << 1, bytes));
	}
	return a;
}

static __u64 shift_left(__u64 *flags, unsigned int bytes, __u64 a, unsigned int n)
{
	unsigned int width = bytes * 8;
	__u64 result = n < width ? a << n & axv_mask(bytes) : 0;
	bool carry = n <= width && (a >> (width - n) & 1);

	set_flag(flags, FLAG_CF, carry);
	set_flag(flags, FLAG_OF, top_bit(result, bytes) != carry);
	result_flags(flags, bytes, result);
	return result;
}

static __u64 shift_right(__u64 *flags, unsigned int bytes, bool arithmetic,
			 __u64 a, unsigned int n)
{
	__u64 wide = arithmetic ? axv_sext(a, bytes) : a;
	__s64 before = wide;
	__u64 result;

	/* n is at most 63, and for narrow operands the sign fills @wide. */
	if (arithmetic) {
		set_flag(flags, FLAG_CF, before >> (n - 1) & 1);
		set_flag(flags, FLAG_OF, false);
		result = (__u64)(before >> n) & axv_mask(bytes);
	} else {
		set_flag(flags, FLAG_CF, wide >> (n - 1) & 1);
		set_flag(flags, FLAG_OF, top_bit(a, bytes));
		result = wide >> n;
	}
	result_flags(flags, bytes, result);
	return result;
}

__u64 axv_alu_shift(__u64 *flags, unsigned int bytes, ZydisMnemonic mnemonic,
		    __u64 a, unsigned int count)
{
	count &= bytes == 8 ? 63 : 31;
	if (!count)
		return a;
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_ROL:
	case ZYDIS_MNEMONIC_ROR:
		return rotate(flags, bytes, mnemonic == ZYDIS_MNEMONIC_ROL, a, count);
	case ZYDIS_MNEMONIC_RCL:
	case ZYDIS_MNEMONIC_RCR:
		return rotate_carry(flags, bytes, mnemonic == ZYDIS_MNEMONIC_RCL, a,
				    count);
	case ZYDIS_MNEMONIC_SHL:
		return shift_left(flags, bytes, a, count);
	default:
		return shift_right(flags, bytes, mnemonic == ZYDIS_MNEMONIC_SAR, a,
				   count);
	}
}

__u64 axv_alu_double_shift(__u64 *flags, unsigned int bytes, bool left, __u64 a,
			   __u64 b, unsigned int count)
{
	unsigned int width = bytes * 8;
	__u64 result;
	bool carry;

	count &= bytes == 8 ? 63 : 31;
	/* Beyond the width, result and flags are undefined: do nothing. */
	if (!count || count > width)
		return a;
	if (left) {
		carry = a >> (width - count) & 1;
		result = count < width ? a << count : 0;
		result |= b >> (width - count);
	} else {
		carry = a >> (count - 1) & 1;
		result = count < width ? a >> count : 0;
		result |= b << (width - count);
	}
	result &= axv_mask(bytes);
	set_flag(flags, FLAG_CF, carry);
	set_flag(flags, FLAG_OF, top_bit(a, bytes) != top_bit(result, bytes));
	result_flags(flags, bytes, result);
	return result;
}
