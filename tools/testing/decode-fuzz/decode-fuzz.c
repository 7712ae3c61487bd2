// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's decoder against Zydis, on random instructions.
 *
 * usage: decode-fuzz [rounds [seed]]
 *
 * Every round makes bytes that are likely to be something both decoders know,
 * has both decode them, and compares all that the kernel would act on.  Zydis
 * is the judge in both directions: what the kernel decodes has to be that, and
 * what Zydis says is a plain move the kernel has to decode.
 *
 * Prints TAP.  The same seed gives the same rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include <linux/axvcpu.h>

#include "decode.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX_REPORTS	20

static u64 random_state;

/* xorshift64* */
static u64 rnd(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static unsigned int below(unsigned int n)
{
	return (rnd() >> 32) % n;
}

static const u8 prefixes[] = {
	0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3, 0x66, 0x67,
	0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x48, 0x49, 0x4c, 0x4f, 0xf0,
};

static const u8 one_byte[] = {
	0x63, 0x6c, 0x6d, 0x6e, 0x6f, 0x88, 0x89, 0x8a, 0x8b, 0x90, 0x9c, 0x9d,
	0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad, 0xc6, 0xc7,
	0xcc, 0xcd, 0xce, 0xcf, 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef,
	0xf1, 0xf4,
};

static const u8 two_byte[] = {
	0x01, 0x01, 0x06, 0x08, 0x09, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32,
	0x33, 0x38, 0xa2, 0xaa, 0xb6, 0xb7, 0xbe, 0xbf,
};

/* AXV_X86_INSN_MAX bytes, sometimes pure noise. */
static void make_bytes(u8 *bytes)
{
	unsigned int n = 0, count, i;

	for (i = 0; i < AXV_X86_INSN_MAX; i++)
		bytes[i] = rnd() >> 56;
	if (!below(16))
		return;

	count = below(32) ? below(4) : below(15);
	while (n < count)
		bytes[n++] = prefixes[below(ARRAY_SIZE(prefixes))];
	if (n < 13 && below(3)) {
		bytes[n++] = one_byte[below(ARRAY_SIZE(one_byte))];
	} else if (n < 12) {
		bytes[n++] = 0x0f;
		bytes[n] = two_byte[below(ARRAY_SIZE(two_byte))];
		if (bytes[n++] == 0x38)
			bytes[n++] = 0x82;
	}
	/* C6 and C7 are MOV with 0 in the middle only. */
	if ((bytes[n - 1] & 0xfe) == 0xc6 && below(8))
		bytes[n] &= 0xc7;
	/* SIB bytes with 4 and 5 are where the exceptions are. */
	if (!below(4))
		bytes[n] = (bytes[n] & 0xf8) | 4;
	if (!below(4))
		bytes[n + 1] = (bytes[n + 1] & 0xf8) | 5;
	if (!below(4))
		bytes[n + 1] = (bytes[n + 1] & 0xc7) | 0x20;
}

/**
 * struct sample - bytes, and what Zydis makes of them
 * @bytes:	the instruction and what follows
 * @bits:	16, 32 or 64
 * @known:	Zydis decodes it
 * @insn:	result
 * @ops: operands of @insn
 */
struct sample {
	u8 bytes[AXV_X86_INSN_MAX];
	unsigned int bits;
	bool known;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
};

static void decode_zydis(struct sample *s)
{
	ZydisDecoder decoder;

	if (s->bits == 64)
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
				 ZYDIS_STACK_WIDTH_64);
	else if (s->bits == 32)
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32,
				 ZYDIS_STACK_WIDTH_32);
	else
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16,
				 ZYDIS_STACK_WIDTH_16);
	s->known = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, s->bytes,
						       sizeof(s->bytes),
						       &s->insn, s->ops));
}

static bool has_prefix(const struct sample *s, u8 prefix)
{
	unsigned int i;

	for (i = 0; i < s->insn.raw.prefix_count; i++)
		if (s->insn.raw.prefixes[i].value == prefix)
			return true;
	return false;
}

static u8 to_gpr(ZydisRegister reg, bool *high)
{
	if (reg == ZYDIS_REGISTER_NONE)
		return AXV_X86_NO_REG;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return AXV_X86_RIP;
	if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
		*high = true;
		return reg - ZYDIS_REGISTER_AH;
	}
	/* SPL to DIL have the numbers 4 to 7, behind BL. */
	if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B)
		return reg - ZYDIS_REGISTER_SPL + 4;
	return ZydisRegisterGetId(reg);
}

static void set_reg(struct axv_x86_insn *want, const ZydisDecodedOperand *op)
{
	want->reg = to_gpr(op->reg.value, &want->high);
	want->reg_width = op->size / 8;
}

static void set_mem(const struct sample *s, struct axv_x86_insn *want,
		    const ZydisDecodedOperand *op)
{
	bool high;

	want->width = op->size / 8;
	want->seg = op->mem.segment - ZYDIS_REGISTER_ES;
	want->base = to_gpr(op->mem.base, &high);
	want->index = to_gpr(op->mem.index, &high);
	want->scale = op->mem.index ? __builtin_ctz(op->mem.scale) : 0;
	want->disp = op->mem.disp.value;
	/*
	 * Zydis 4.0 makes R13D of base 5 with REX.B and 32-bit addresses; it
	 * is a displacement without a base (AMD APM vol. 3, 1.4.2).
	 */
	if (op->mem.base == ZYDIS_REGISTER_R13D && s->insn.raw.modrm.mod == 0) {
		want->base = AXV_X86_NO_REG;
		want->disp = s->insn.raw.disp.value;
	}
}

static bool is_gpr(const ZydisDecodedOperand *op)
{
	ZydisRegisterClass class;

	if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	class = ZydisRegisterGetClass(op->reg.value);
	return class >= ZYDIS_REGCLASS_GPR8 && class <= ZYDIS_REGCLASS_GPR64;
}

static bool expect_move(const struct sample *s, struct axv_x86_insn *want)
{
	const ZydisDecodedOperand *to = &s->ops[0], *from = &s->ops[1];

	if (is_gpr(to) && from->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		want->op = AXV_X86_OP_LOAD;
		set_reg(want, to);
		set_mem(s, want, from);
		return true;
	}
	if (to->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return false;
	if (is_gpr(from)) {
		want->op = AXV_X86_OP_STORE;
		set_reg(want, from);
		set_mem(s, want, to);
		return true;
	}
	if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		want->op = AXV_X86_OP_STORE_IMM;
		want->imm = from->imm.value.u;
		set_mem(s, want, to);
		return true;
	}
	return false;
}

static bool expect_string(const struct sample *s, struct axv_x86_insn *want,
			  u8 op)
{
	unsigned int i;

	want->op = op;
	want->rep = has_prefix(s, 0xf2) || has_prefix(s, 0xf3);
	for (i = 0; i < s->insn.operand_count; i++) {
		const ZydisDecodedOperand *o = &s->ops[i];
		bool high;

		if (o->type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		want->width = o->size / 8;
		if (to_gpr(o->mem.base, &high) == AXV_X86_RSI ||
		    op == AXV_X86_OP_STOS)
			want->seg = o->mem.segment - ZYDIS_REGISTER_ES;
	}
	if (op == AXV_X86_OP_STOS || op == AXV_X86_OP_LODS) {
		want->reg = AXV_X86_RAX;
		want->reg_width = want->width;
	}
	return true;
}

static bool expect_port(const struct sample *s, struct axv_x86_insn *want,
			bool in)
{
	const ZydisDecodedOperand *data = &s->ops[in ? 0 : 1];
	const ZydisDecodedOperand *port = &s->ops[in ? 1 : 0];

	want->op = in ? AXV_X86_OP_IN : AXV_X86_OP_OUT;
	set_reg(want, data);
	want->width = want->reg_width;
	want->port_imm = port->type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
	if (want->port_imm)
		want->imm = port->imm.value.u;
	return true;
}

/* What the kernel has to make of it, according to Zydis. */
static bool expect(const struct sample *s, struct axv_x86_insn *want)
{
	memset(want, 0, sizeof(*want));
	want->reg = AXV_X86_NO_REG;
	want->base = AXV_X86_NO_REG;
	want->index = AXV_X86_NO_REG;
	want->seg = AXV_X86_DS;
	want->len = s->insn.length;
	want->addr_width = s->insn.address_width / 8;

	switch (s->insn.mnemonic) {
	case ZYDIS_MNEMONIC_MOVSX:
		want->sign_extend = true;
		return expect_move(s, want);
	case ZYDIS_MNEMONIC_MOVSXD:
		want->sign_extend = true;
		/* The kernel leaves an operand of 16 bits to Zydis in the library. */
		return s->insn.operand_width != 16 && expect_move(s, want);
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVZX:
		return expect_move(s, want);
	case ZYDIS_MNEMONIC_MOVSD:
		if (s->insn.meta.category != ZYDIS_CATEGORY_STRINGOP)
			return false;
		return expect_string(s, want, AXV_X86_OP_MOVS);
	case ZYDIS_MNEMONIC_MOVSB:
	case ZYDIS_MNEMONIC_MOVSW:
	case ZYDIS_MNEMONIC_MOVSQ:
		return expect_string(s, want, AXV_X86_OP_MOVS);
	case ZYDIS_MNEMONIC_STOSB:
	case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD:
	case ZYDIS_MNEMONIC_STOSQ:
		return expect_string(s, want, AXV_X86_OP_STOS);
	case ZYDIS_MNEMONIC_LODSB:
	case ZYDIS_MNEMONIC_LODSW:
	case ZYDIS_MNEMONIC_LODSD:
	case ZYDIS_MNEMONIC_LODSQ:
		return expect_string(s, want, AXV_X86_OP_LODS);
	case ZYDIS_MNEMONIC_IN:
		return expect_port(s, want, true);
	case ZYDIS_MNEMONIC_OUT:
		return expect_port(s, want, false);
	case ZYDIS_MNEMONIC_RDMSR:
		want->op = AXV_X86_OP_RDMSR;
		return true;
	default:
		return false;
	}
}

/* Instructions whose exits need a length, and which the processor may not tell. */
static bool has_length(const struct sample *s)
{
	switch (s->insn.mnemonic) {
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_RDMSR:
	case ZYDIS_MNEMONIC_WRMSR:
	case ZYDIS_MNEMONIC_INVD:
	case ZYDIS_MNEMONIC_WBINVD:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_INT1:
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_INTO:
	case ZYDIS_MNEMONIC_VMMCALL:
	case ZYDIS_MNEMONIC_XSETBV:
		return true;
	default:
		return false;
	}
}

static void show(const struct sample *s, const char *what)
{
	unsigned int i;

	printf("# %u-bit", s->bits);
	for (i = 0; i < sizeof(s->bytes); i++)
		printf(" %02x", s->bytes[i]);
	printf(": %s; Zydis: %s, %u bytes\n", what,
	       s->known ? ZydisMnemonicGetString(s->insn.mnemonic) : "nothing",
	       s->known ? s->insn.length : 0);
}

static const char *compare(const struct axv_x86_insn *got,
			   const struct axv_x86_insn *want)
{
	unsigned int aw = want->addr_width;

	if (got->op != want->op)
		return "operation";
	if (got->len != want->len)
		return "length";
	if (got->width != want->width)
		return "width";
	if (got->reg != want->reg || got->high != want->high || got->reg_width != want->reg_width)
		return "register";
	if (got->sign_extend != want->sign_extend)
		return "sign";
	if (got->rep != want->rep)
		return "repetition";
	if (got->op == AXV_X86_OP_RDMSR)
		return NULL;
	if (got->op == AXV_X86_OP_IN || got->op == AXV_X86_OP_OUT)
		return got->port_imm == want->port_imm &&
		       got->imm == want->imm ? NULL : "port";
	if (got->addr_width != want->addr_width)
		return "address width";
	if (got->seg != want->seg)
		return "segment";
	if (got->base != want->base || got->index != want->index || got->scale != want->scale ||
	    axv_x86_mask(got->disp, aw) != axv_x86_mask(want->disp, aw))
		return "address";
	if (got->op == AXV_X86_OP_STORE_IMM &&
	    axv_x86_mask(got->imm, got->width) !=
	    axv_x86_mask(want->imm, got->width))
		return "immediate";
	return NULL;
}

static const char *check_decode(const struct sample *s, unsigned int *op)
{
	struct axv_x86_insn got, want;
	bool ok = axv_x86_decode(&got, s->bytes, sizeof(s->bytes), s->bits);
	bool wanted = s->known && expect(s, &want);

	*op = got.op;
	if (ok != wanted)
		return ok ? "decoded" : "not decoded";
	return ok ? compare(&got, &want) : NULL;
}

/* Decode again without the prefixes that Zydis may take for mandatory ones. */
static void strip(struct sample *s, bool size_too)
{
	unsigned int n = 0, i;
	bool opcode = false;
	u8 byte;

	for (i = 0; i < sizeof(s->bytes); i++) {
		byte = s->bytes[i];
		if (!opcode && (byte == 0xf2 || byte == 0xf3 ||
				(size_too && byte == 0x66)))
			continue;
		if (!memchr(prefixes, byte, sizeof(prefixes)) &&
		    !(s->bits == 64 && (byte & 0xf0) == 0x40))
			opcode = true;
		s->bytes[n++] = byte;
	}
	decode_zydis(s);
	if (s->known)
		s->insn.length += sizeof(s->bytes) - n;
}

static bool is_length(const struct sample *s, unsigned int len)
{
	return s->known && has_length(s) && s->insn.length == len;
}

static const char *check_length(const struct sample *s)
{
	u32 opcode;
	unsigned int len = axv_x86_insn_length(s->bytes, sizeof(s->bytes),
					       s->bits, &opcode);
	struct sample other = *s;

	if (is_length(s, len) || (!len && !(s->known && has_length(s))))
		return NULL;
	/*
	 * Zydis sees #UD where a prefix does not fit; a processor may ignore the prefix.  Where
	 * the processor raises #UD, no exit asks for the length.
	 */
	if (!s->known && len) {
		strip(&other, false);
		if (is_length(&other, len))
			return NULL;
		other = *s;
		strip(&other, true);
		if (is_length(&other, len))
			return NULL;
	}
	return "length of an intercepted instruction";
}

/* Bytes that end in the middle: no decoder may look behind their end. */
static const char *check_truncated(const struct sample *s)
{
	unsigned int size = below(AXV_X86_INSN_MAX), len;
	u8 *bytes = malloc(size ?: 1);
	struct axv_x86_insn insn;
	const char *error = NULL;
	u32 opcode;

	if (!bytes)
		abort();
	memcpy(bytes, s->bytes, size);
	len = axv_x86_insn_length(bytes, size, s->bits, &opcode);
	if (len > size)
		error = "longer than there are bytes";
	if (axv_x86_decode(&insn, bytes, size, s->bits) && insn.len > size)
		error = "longer than there are bytes";
	free(bytes);
	return error;
}

int main(int argc, char **argv)
{
	static const unsigned int modes[] = { 16, 32, 64 };
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	unsigned long seen[AXV_X86_OP_RDMSR + 1][3] = {};
	unsigned long bad_decode = 0, bad_length = 0, bad_end = 0, i;
	unsigned int op, mode, missing = 0;

	random_state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	printf("TAP version 13\n1..4\n# %lu rounds, seed %lu, Zydis %u.%u\n",
	       rounds, seed,
	       (unsigned int)ZYDIS_VERSION_MAJOR(ZydisGetVersion()),
	       (unsigned int)ZYDIS_VERSION_MINOR(ZydisGetVersion()));

	for (i = 0; i < rounds; i++) {
		struct sample s;
		const char *error;

		make_bytes(s.bytes);
		mode = below(ARRAY_SIZE(modes));
		s.bits = modes[mode];
		decode_zydis(&s);

		error = check_decode(&s, &op);
		seen[op][mode]++;
		if (error && bad_decode++ < MAX_REPORTS)
			show(&s, error);
		error = check_length(&s);
		if (error && bad_length++ < MAX_REPORTS)
			show(&s, error);
		error = check_truncated(&s);
		if (error && bad_end++ < MAX_REPORTS)
			show(&s, error);
	}

	/* An operation that was never compared is not tested. */
	for (op = AXV_X86_OP_LOAD; op <= AXV_X86_OP_RDMSR; op++) {
		for (mode = 0; mode < ARRAY_SIZE(modes); mode++) {
			if (seen[op][mode] >= rounds / 10000)
				continue;
			printf("# operation %u in %u bits: %lu times only\n",
			       op, modes[mode], seen[op][mode]);
			missing++;
		}
	}

	printf("%sok 1 decoded as Zydis does\n", bad_decode ? "not " : "");
	printf("%sok 2 lengths as Zydis has them\n", bad_length ? "not " : "");
	printf("%sok 3 nothing behind the end\n", bad_end ? "not " : "");
	printf("%sok 4 every operation in every mode\n", missing ? "not " : "");
	return bad_decode || bad_length || bad_end || missing;
}
