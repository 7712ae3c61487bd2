// SPDX-License-Identifier: GPL-2.0
/*
 * Decoding of the instructions that the kernel finishes itself: plain moves
 * to and from memory, IN and OUT, RDMSR; and the lengths of those that are
 * intercepted, for processors that do not tell (svm/no_nrips.c).
 *
 * An instruction that is not recognised here is not wrong: the caller leaves it
 * to the VMM, or looks at it by other means.
 *
 * Encodings: AMD APM vol. 3, chapter 1 and appendix A.
 */
#include <linux/types.h>

#include <linux/axvcpu.h>

#include "decode.h"

#define REX_W	0x08
#define REX_R	0x04
#define REX_X	0x02
#define REX_B	0x01

/**
 * struct stream - bytes on their way through the decoder
 * @bytes:	all of them
 * @size:	how many, at most AXV_X86_INSN_MAX
 * @pos:	index of the next byte
 * @over:	more bytes were asked for than there are
 */
struct stream {
	const u8 *bytes;
	unsigned int size;
	unsigned int pos;
	bool over;
};

static u64 take(struct stream *s, unsigned int size)
{
	u64 value = 0;
	unsigned int i;

	if (s->size - s->pos < size) {
		s->over = true;
		return 0;
	}
	for (i = 0; i < size; i++)
		value |= (u64)s->bytes[s->pos + i] << (8 * i);
	s->pos += size;
	return value;
}

static u64 take_signed(struct stream *s, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (u64)((s64)(take(s, size) << shift) >> shift);
}

/* Reads the prefixes and the first byte of the opcode. */
static u8 take_prefixes(struct stream *s, struct axv_x86_prefixes *p, unsigned int bits)
{
	bool addr_prefix = false;
	u8 byte;

	*p = (struct axv_x86_prefixes){ .bits = bits, .seg = AXV_X86_NO_REG };
	for (;;) {
		byte = take(s, 1);
		if (s->over)
			return 0;
		switch (byte) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			/* Ignored in 64-bit mode (vol. 3, 1.2.4). */
			if (bits != 64)
				p->seg = (byte >> 3) & 3;
			break;
		case 0x64:
		case 0x65:
			p->seg = byte == 0x64 ? AXV_X86_FS : AXV_X86_GS;
			break;
		case 0x66:
			p->size16 = true;
			break;
		case 0x67:
			addr_prefix = true;
			break;
		case 0xf0:
			p->lock = true;
			break;
		case 0xf2:
		case 0xf3:
			p->rep = byte;
			break;
		case 0x40 ... 0x4f:
			if (bits == 64) {
				p->rex = byte;
				continue;
			}
			fallthrough;
		default:
			goto opcode;
		}
		/* A REX that another prefix follows has no effect. */
		p->rex = 0;
	}
opcode:
	if (p->rex & REX_W)
		p->op_width = 8;
	else if (bits == 16)
		p->op_width = p->size16 ? 4 : 2;
	else
		p->op_width = p->size16 ? 2 : 4;

	if (bits == 64)
		p->addr_width = addr_prefix ? 4 : 8;
	else if (bits == 32)
		p->addr_width = addr_prefix ? 2 : 4;
	else
		p->addr_width = addr_prefix ? 4 : 2;
	return byte;
}

static void take_memory16(struct stream *s, struct axv_x86_insn *insn, u8 modrm)
{
	static const u8 base[8] = {
		AXV_X86_RBX, AXV_X86_RBX, AXV_X86_RBP, AXV_X86_RBP,
		AXV_X86_RSI, AXV_X86_RDI, AXV_X86_RBP, AXV_X86_RBX,
	};
	static const u8 index[8] = {
		AXV_X86_RSI, AXV_X86_RDI, AXV_X86_RSI, AXV_X86_RDI,
		AXV_X86_NO_REG, AXV_X86_NO_REG, AXV_X86_NO_REG, AXV_X86_NO_REG,
	};
	u8 mod = modrm >> 6, rm = modrm & 7;

	insn->index = index[rm];
	if (mod == 0 && rm == 6)
		insn->disp = take_signed(s, 2);
	else
		insn->base = base[rm];
	if (mod == 1)
		insn->disp = take_signed(s, 1);
	else if (mod == 2)
		insn->disp = take_signed(s, 2);
}

static void take_memory32(struct stream *s, const struct axv_x86_prefixes *p,
			  struct axv_x86_insn *insn, u8 modrm)
{
	u8 mod = modrm >> 6, rm = modrm & 7;
	bool no_base = mod == 0 && rm == 5;

	insn->base = rm | (p->rex & REX_B ? 8 : 0);
	if (rm == 4) {
		u8 sib = take(s, 1);
		u8 index = ((sib >> 3) & 7) | (p->rex & REX_X ? 8 : 0);

		/* 4 without REX.X means that there is no index: rSP cannot be one. */
		if (index != 4) {
			insn->index = index;
			insn->scale = sib >> 6;
		}
		insn->base = (sib & 7) | (p->rex & REX_B ? 8 : 0);
		if (mod == 0 && (sib & 7) == 5) {
			insn->base = AXV_X86_NO_REG;
			no_base = true;
		}
	} else if (no_base) {
		insn->base = p->bits == 64 ? AXV_X86_RIP : AXV_X86_NO_REG;
	}

	if (mod == 1)
		insn->disp = take_signed(s, 1);
	else if (mod == 2 || no_base)
		insn->disp = take_signed(s, 4);
}

/* The rest of a memory operand; false if the operand is a register. */
static bool take_memory(struct stream *s, const struct axv_x86_prefixes *p,
			struct axv_x86_insn *insn, u8 modrm)
{
	if (modrm >> 6 == 3)
		return false;

	if (p->addr_width == 2)
		take_memory16(s, insn, modrm);
	else
		take_memory32(s, p, insn, modrm);

	if (p->seg != AXV_X86_NO_REG)
		insn->seg = p->seg;
	else if (insn->base == AXV_X86_RSP || insn->base == AXV_X86_RBP)
		insn->seg = AXV_X86_SS;
	return true;
}

static void set_register(const struct axv_x86_prefixes *p, struct axv_x86_insn *insn,
			 u8 modrm, u8 width)
{
	insn->reg = ((modrm >> 3) & 7) | (p->rex & REX_R ? 8 : 0);
	insn->reg_width = width;
	if (width == 1 && !p->rex && insn->reg >= 4) {
		insn->reg -= 4;
		insn->high = true;
	}
}

/* A move between a register and a memory operand. */
static bool decode_move(struct stream *s, const struct axv_x86_prefixes *p,
			struct axv_x86_insn *insn, u8 op, u8 width,
			u8 reg_width)
{
	u8 modrm = take(s, 1);

	insn->op = op;
	insn->width = width;
	set_register(p, insn, modrm, reg_width);
	return take_memory(s, p, insn, modrm);
}

static bool decode_move_imm(struct stream *s, const struct axv_x86_prefixes *p,
			    struct axv_x86_insn *insn, u8 width)
{
	u8 modrm = take(s, 1);

	insn->op = AXV_X86_OP_STORE_IMM;
	insn->width = width;
	if (((modrm >> 3) & 7) != 0 || !take_memory(s, p, insn, modrm))
		return false;
	insn->imm = take_signed(s, width == 8 ? 4 : width);
	return true;
}

static bool decode_string(const struct axv_x86_prefixes *p, struct axv_x86_insn *insn,
			  u8 op, u8 width)
{
	insn->op = op;
	insn->width = width;
	/* REPNE repeats an instruction that compares nothing just as REP does. */
	insn->rep = p->rep;
	if (op == AXV_X86_OP_STOS || op == AXV_X86_OP_LODS) {
		insn->reg = AXV_X86_RAX;
		insn->reg_width = width;
	}
	if (op == AXV_X86_OP_STOS)
		insn->seg = AXV_X86_ES;
	else if (p->seg != AXV_X86_NO_REG)
		insn->seg = p->seg;
	return true;
}

static bool decode_port(struct stream *s, struct axv_x86_insn *insn, u8 opcode,
			u8 width)
{
	insn->op = opcode & 2 ? AXV_X86_OP_OUT : AXV_X86_OP_IN;
	insn->width = width;
	insn->reg = AXV_X86_RAX;
	insn->reg_width = width;
	if (opcode < 0xe8) {
		insn->port_imm = true;
		insn->imm = take(s, 1);
	}
	return true;
}

static bool decode_0f(struct stream *s, const struct axv_x86_prefixes *p,
		      struct axv_x86_insn *insn)
{
	u8 opcode = take(s, 1);

	switch (opcode) {
	case 0x32:
		insn->op = AXV_X86_OP_RDMSR;
		return true;
	case 0xbe:
	case 0xbf:
		insn->sign_extend = true;
		fallthrough;
	case 0xb6:
	case 0xb7:
		return decode_move(s, p, insn, AXV_X86_OP_LOAD,
				   opcode & 1 ? 2 : 1, p->op_width);
	}
	return false;
}

static bool decode_opcode(struct stream *s, const struct axv_x86_prefixes *p,
			  struct axv_x86_insn *insn, u8 opcode)
{
	/* In nearly all of these opcodes bit 0 is clear if the operand is a byte. */
	u8 width = opcode & 1 ? p->op_width : 1;
	/* Ports are never wider than 4 bytes. */
	u8 port_width = width == 8 ? 4 : width;

	switch (opcode) {
	case 0x0f:
		return decode_0f(s, p, insn);
	case 0x63:
		/*
		 * MOVSXD; ARPL outside of 64-bit mode.  With a 16-bit destination
		 * the width of its source differs between vendors.
		 */
		if (p->bits != 64 || p->op_width == 2)
			return false;
		insn->sign_extend = true;
		return decode_move(s, p, insn, AXV_X86_OP_LOAD, 4, p->op_width);
	case 0x88:
	case 0x89:
		return decode_move(s, p, insn, AXV_X86_OP_STORE, width, width);
	case 0x8a:
	case 0x8b:
		return decode_move(s, p, insn, AXV_X86_OP_LOAD, width, width);
	case 0xa0 ... 0xa3:
		insn->op = opcode & 2 ? AXV_X86_OP_STORE : AXV_X86_OP_LOAD;
		insn->width = width;
		insn->reg = AXV_X86_RAX;
		insn->reg_width = width;
		insn->disp = take(s, p->addr_width);
		if (p->seg != AXV_X86_NO_REG)
			insn->seg = p->seg;
		return true;
	case 0xa4:
	case 0xa5:
		return decode_string(p, insn, AXV_X86_OP_MOVS, width);
	case 0xaa:
	case 0xab:
		return decode_string(p, insn, AXV_X86_OP_STOS, width);
	case 0xac:
	case 0xad:
		return decode_string(p, insn, AXV_X86_OP_LODS, width);
	case 0xc6:
	case 0xc7:
		return decode_move_imm(s, p, insn, width);
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
		return decode_port(s, insn, opcode, port_width);
	}
	return false;
}

/**
 * axv_x86_decode() - decode a plain move, a port access or RDMSR
 * @insn:	result
 * @bytes:	the instruction
 * @size:	how many bytes there are; more than AXV_X86_INSN_MAX are ignored
 * @bits:	16, 32 or 64, by the code segment
 *
 * Context: any.
 * Return: false if the bytes are another instruction, none at all, or too few;
 * @insn's op is AXV_X86_OP_NONE then.
 */
bool axv_x86_decode(struct axv_x86_insn *insn, const u8 *bytes,
		    unsigned int size, unsigned int bits)
{
	struct stream s = {
		.bytes = bytes,
		.size = size < AXV_X86_INSN_MAX ? size : AXV_X86_INSN_MAX,
	};
	struct axv_x86_prefixes p;
	u8 opcode;

	*insn = (struct axv_x86_insn){
		.reg = AXV_X86_NO_REG,
		.seg = AXV_X86_DS,
		.base = AXV_X86_NO_REG,
		.index = AXV_X86_NO_REG,
	};
	opcode = take_prefixes(&s, &p, bits);
	insn->bits = bits;
	insn->addr_width = p.addr_width;
	/* None of these may be locked. */
	if (s.over || p.lock || !decode_opcode(&s, &p, insn, opcode) ||
	    s.over) {
		insn->op = AXV_X86_OP_NONE;
		return false;
	}
	insn->len = s.pos;
	return true;
}

/**
 * axv_x86_take_prefixes() - read the prefixes of an instruction
 * @p:		result
 * @bytes:	the instruction
 * @size:	how many bytes there are
 * @bits:	16, 32 or 64, by the code segment
 *
 * Context: any.
 * Return: index of the opcode in @bytes; @size: there is none.
 */
unsigned int axv_x86_take_prefixes(struct axv_x86_prefixes *p, const u8 *bytes,
				   unsigned int size, unsigned int bits)
{
	struct stream s = { .bytes = bytes, .size = size };

	take_prefixes(&s, p, bits);
	return s.over ? size : s.pos - 1;
}

/* Length of an opcode with its operand; 0: it is none of these opcodes. */
static unsigned int opcode_length(const u8 *bytes, unsigned int size, unsigned int bits)
{
	switch (bytes[0]) {
	case 0xce:		/* INTO, undefined in 64-bit code */
		return bits == 64 ? 0 : 1;
	case 0xcc:		/* INT3 */
	case 0xf1:		/* INT1 */
	case 0xf4:		/* HLT */
		return 1;
	case 0xcd:		/* INT n */
		return 2;
	case 0x0f:
		break;
	default:
		return 0;
	}
	switch (size > 1 ? bytes[1] : 0) {
	case 0x01:
		/* XSETBV, VMMCALL */
		return size > 2 && (bytes[2] == 0xd1 || bytes[2] == 0xd9) ? 3 : 0;
	case 0x08:		/* INVD */
	case 0x09:		/* WBINVD */
	case 0x30:		/* WRMSR */
	case 0x32:		/* RDMSR */
	case 0xa2:		/* CPUID */
		return 2;
	}
	return 0;
}

/**
 * axv_x86_insn_length() - length of an instruction that was intercepted
 * @bytes:	the instruction
 * @size:	how many bytes there are; more than AXV_X86_INSN_MAX are ignored
 * @bits:	16, 32 or 64, by the code segment
 * @opcode:	out: which instruction: 1, 2 or, of 0F 01, 3 bytes, the first one
 *		highest
 *
 * Knows the instructions whose exits need a length, and no others.
 *
 * Context: any.
 * Return: bytes, or 0 if it is none of these or too few bytes are there.
 */
unsigned int axv_x86_insn_length(const u8 *bytes, unsigned int size,
				 unsigned int bits, u32 *opcode)
{
	struct axv_x86_prefixes p;
	unsigned int i, len;

	if (size > AXV_X86_INSN_MAX)
		size = AXV_X86_INSN_MAX;
	i = axv_x86_take_prefixes(&p, bytes, size, bits);
	if (i == size || p.lock)
		return 0;
	bytes += i;
	len = opcode_length(bytes, size - i, bits);
	if (!len || len > size - i)
		return 0;
	*opcode = bytes[0];
	if (len > 1 && bytes[0] == 0x0f)
		*opcode = bytes[0] << 8 | bytes[1];
	if (len > 2)
		*opcode = *opcode << 8 | bytes[2];
	return i + len;
}
