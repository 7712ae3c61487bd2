// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * String instructions, with and without a repeat prefix.  Source and destination may be
 * RAM or a device.
 */
#include "exec.h"

/*
 * Elements executed in one call: enough to make the call's cost small, few
 * enough that the guest takes its interrupts in time.
 */
#define ELEMENTS_MAX	1024

enum string_kind {
	STRING_MOVS, STRING_STOS, STRING_LODS, STRING_SCAS, STRING_CMPS,
};

/* Move SI or DI to the next element. */
static void advance(struct axv_exec *x, unsigned int n, unsigned int bytes)
{
	unsigned int width = x->insn.address_width / 8;
	__u64 value = axv_index_get(x->e, n, width);

	if (x->e->gprs.rflags & FLAG_DF)
		value -= bytes;
	else
		value += bytes;
	axv_index_set(x->e, n, width, value);
}

/* Compare or move one element. */
static int move(struct axv_exec *x, enum string_kind kind)
{
	bool compare = kind == STRING_SCAS || kind == STRING_CMPS;
	unsigned int bytes = axv_size(x, 0);
	__u64 a;
	__u64 b;
	int ret;

	ret = axv_op_prepare(x, 0, compare ? AXV_ACCESS_READ : AXV_ACCESS_WRITE);
	if (!ret)
		ret = axv_op_prepare(x, 1, AXV_ACCESS_READ);
	if (!ret && compare)
		ret = axv_op_read(x, 0, &a);
	if (!ret)
		ret = axv_op_read(x, 1, &b);
	if (ret)
		return ret;
	if (!compare)
		return axv_op_write(x, 0, b);
	axv_alu_sub(&x->e->gprs.rflags, bytes, a, b, false);
	return 0;
}

/* Execute one element; registers change only if nothing fails. */
static int element(struct axv_exec *x, enum string_kind kind)
{
	unsigned int bytes = axv_size(x, 0);
	int ret;

	ret = move(x, kind);
	if (ret)
		return ret;
	if (kind != STRING_STOS && kind != STRING_SCAS)
		advance(x, AXV_X86_RSI, bytes);
	if (kind != STRING_LODS)
		advance(x, AXV_X86_RDI, bytes);
	return 0;
}

unsigned int axv_repeat_prefix(const struct axv_exec *x)
{
	unsigned int prefix = 0;
	unsigned int i;

	for (i = 0; i < x->insn.raw.prefix_count; i++) {
		if (x->insn.raw.prefixes[i].value == 0xf2 ||
		    x->insn.raw.prefixes[i].value == 0xf3)
			prefix = x->insn.raw.prefixes[i].value;
	}
	return prefix;
}

static int repeat(struct axv_exec *x, enum string_kind kind,
		  unsigned int prefix, bool *again)
{
	unsigned int width = x->insn.address_width / 8;
	unsigned int left = x->e->gprs.rflags & FLAG_TF ? 1 : ELEMENTS_MAX;
	__u64 *flags = &x->e->gprs.rflags;
	__u64 count;
	int ret;

	for (;;) {
		count = axv_index_get(x->e, AXV_X86_RCX, width);
		if (!count)
			return 0;
		if (!left--) {
			*again = true;
			return 0;
		}
		ret = element(x, kind);
		if (ret)
			return ret;
		axv_index_set(x->e, AXV_X86_RCX, width, count - 1);
		if (kind != STRING_SCAS && kind != STRING_CMPS)
			continue;
		/* 0xf3 repeats while elements are equal, 0xf2 while they differ. */
		if (!!(*flags & FLAG_ZF) != (prefix & 1))
			return 0;
	}
}

int axv_exec_string(struct axv_exec *x, bool *again)
{
	enum string_kind kind;
	unsigned int prefix;

	if (!axv_is_string(x))
		return EXEC_UNKNOWN;
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_MOVSB:
	case ZYDIS_MNEMONIC_MOVSW:
	case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_MOVSQ:
		kind = STRING_MOVS;
		break;
	case ZYDIS_MNEMONIC_STOSB:
	case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD:
	case ZYDIS_MNEMONIC_STOSQ:
		kind = STRING_STOS;
		break;
	case ZYDIS_MNEMONIC_LODSB:
	case ZYDIS_MNEMONIC_LODSW:
	case ZYDIS_MNEMONIC_LODSD:
	case ZYDIS_MNEMONIC_LODSQ:
		kind = STRING_LODS;
		break;
	case ZYDIS_MNEMONIC_SCASB:
	case ZYDIS_MNEMONIC_SCASW:
	case ZYDIS_MNEMONIC_SCASD:
	case ZYDIS_MNEMONIC_SCASQ:
		kind = STRING_SCAS;
		break;
	case ZYDIS_MNEMONIC_CMPSB:
	case ZYDIS_MNEMONIC_CMPSW:
	case ZYDIS_MNEMONIC_CMPSD:
	case ZYDIS_MNEMONIC_CMPSQ:
		kind = STRING_CMPS;
		break;
	default:
		return EXEC_UNKNOWN;
	}
	prefix = axv_repeat_prefix(x);
	return prefix ? repeat(x, kind, prefix, again) : element(x, kind);
}
