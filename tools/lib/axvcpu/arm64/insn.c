// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Decoding loads and stores of A64 (Arm ARM, "Loads and Stores").
 */
#include <string.h>

#include "arm64/insn.h"

static unsigned int bits(__u32 word, unsigned int low, unsigned int count)
{
	return word >> low & ((1u << count) - 1);
}

static __s64 signed_bits(__u32 word, unsigned int low, unsigned int count)
{
	return (__s64)((__u64)word << (64 - low - count)) >> (64 - count);
}

/* Decode a "Load/store register pair": LDP, STP, LDPSW, LDNP, STNP. */
static bool decode_pair(__u32 word, struct axv_insn *insn)
{
	unsigned int opc = bits(word, 30, 2);
	unsigned int mode = bits(word, 23, 2);

	if (opc == 3)
		return false;
	insn->count = 2;
	insn->reg[0] = bits(word, 0, 5);
	insn->reg[1] = bits(word, 10, 5);
	insn->load = bits(word, 22, 1);
	if (insn->vector) {
		insn->bytes = 4 << opc;
	} else if (opc == 1) {
		/*
		 * LDPSW.  The store with this encoding is STGP, which stores memory tags as well.
		 */
		if (!insn->load || mode == 0)
			return false;
		insn->bytes = 4;
		insn->sign = true;
		insn->wide = true;
	} else {
		insn->bytes = opc ? 8 : 4;
		insn->wide = opc;
	}
	insn->offset = signed_bits(word, 15, 7) * insn->bytes;
	insn->post = mode == 1;
	insn->writeback = mode & 1;
	return true;
}

/* Decode width and direction of an access of one register, from "size" and "opc". */
static bool decode_single(__u32 word, struct axv_insn *insn)
{
	unsigned int size = bits(word, 30, 2);
	unsigned int opc = bits(word, 22, 2);

	insn->count = 1;
	insn->reg[0] = bits(word, 0, 5);
	insn->bytes = 1 << size;
	if (insn->vector) {
		insn->load = opc & 1;
		if (opc < 2)
			return true;
		insn->bytes = 16;
		return size == 0;
	}
	insn->load = opc;
	insn->sign = opc >= 2;
	insn->wide = opc == 2 || size == 3;
	/* Any other encoding is a prefetch, or not allocated. */
	return opc < 2 || size + opc < 5;
}

static bool decode_register(__u32 word, struct axv_insn *insn)
{
	unsigned int kind = bits(word, 10, 2);

	if (!decode_single(word, insn))
		return false;
	if (bits(word, 24, 1)) {
		insn->offset = (__s64)bits(word, 10, 12) * insn->bytes;
		return true;
	}
	if (bits(word, 21, 1)) {
		/* Only the register offset; the others are atomic or authenticated. */
		if (kind != 2 || !bits(word, 14, 1))
			return false;
		insn->index = bits(word, 16, 5);
		insn->extend = bits(word, 13, 3);
		insn->shift = bits(word, 12, 1) ? __builtin_ctz(insn->bytes) : 0;
		/* Index 31 is XZR: nothing is added. */
		return true;
	}
	/* Unscaled 0, post-indexed 1, unprivileged 2, pre-indexed 3 */
	if (kind == 2 && insn->vector)
		return false;
	insn->offset = signed_bits(word, 12, 9);
	insn->user = kind == 2;
	insn->post = kind == 1;
	insn->writeback = kind & 1;
	return true;
}

bool axv_insn_decode(__u32 word, struct axv_insn *insn)
{
	memset(insn, 0, sizeof(*insn));
	insn->vector = bits(word, 26, 1);
	insn->base = bits(word, 5, 5);
	insn->index = REG_NONE;
	switch (word & 0x3a000000) {
	case 0x28000000:
		return decode_pair(word, insn);
	case 0x38000000:
		return decode_register(word, insn);
	default:
		return false;
	}
}
