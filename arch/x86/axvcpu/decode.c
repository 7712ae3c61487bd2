// SPDX-License-Identifier: GPL-2.0
/*
 * Decoding of the instructions that the kernel finishes itself: plain moves
 * to and from memory, port accesses, RDMSR; and the lengths of the
 * instructions that are intercepted, for processors that do not tell.
 *
 * What is not recognised here is not wrong: it is for somebody else.
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
 * @pos:	next one
 * @over:	somebody asked for more than there are
 */
struct stream {
	const u8 *bytes;
	unsigned int size;
	unsigned int pos;
	bool over;
};

/**
 * struct prefixes - what stands before the opcode, and what follows from it
 * @bits:	16, 32 or 64: default sizes of the code segment
 * @rex:	REX prefix in effect, 0: none
 * @seg:	segment override in effect, AXV_X86_NO_REG: none
 * @rep:	REP or REPNE, the last one; 0: none
 * @lock:	LOCK
 * @size16:	an operand-size prefix
 * @op_width:	bytes of an operand that is not a byte
 * @addr_width:	bytes of an address
 */
struct prefixes {
	u8 bits;
	u8 rex;
	u8 seg;
	u8 rep;
	bool lock;
	bool size16;
	u8 op_width;
	u8 addr_width;
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
static u8 take_prefixes(struct stream *s, struct prefixes *p, unsigned int bits)
{
	bool addr_prefix = false;
	u8 byte;

	*p = (struct prefixes){ .bits = bits, .seg = AXV_X86_NO_REG };
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

static void take_memory32(struct stream *s, const struct prefixes *p,
			  struct axv_x86_insn *insn, u8 modrm)
{
	u8 mod = modrm >> 6, rm = modrm & 7;
	bool no_base = mod == 0 && rm == 5;

	insn->base = rm | (p->rex & REX_B ? 8 : 0);
	if (rm == 4) {
		u8 sib = take(s, 1);
		u8 index = ((sib >> 3) & 7) | (p->rex & REX_X ? 8 : 0);

		/* Without REX.X, 4 is no index rather than rSP. */
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
static bool take_memory(struct stream *s, const struct prefixes *p,
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

static void set_register(const struct prefixes *p, struct axv_x86_insn *insn,
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
static bool decode_move(struct stream *s, const struct prefixes *p,
			struct axv_x86_insn *insn, u8 op, u8 width,
			u8 reg_width)
{
	u8 modrm = take(s, 1);

	insn->op = op;
	insn->width = width;
	set_register(p, insn, modrm, reg_width);
	return take_memory(s, p, insn, modrm);
}

static bool decode_move_imm(struct stream *s, const struct prefixes *p,
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

static bool decode_string(const struct prefixes *p, struct axv_x86_insn *insn,
			  u8 op, u8 width)
{
	insn->op = op;
	insn->width = width;
	/* REPNE repeats those that compare nothing just as REP does. */
	insn->rep = p->rep;
	if (op == AXV_X86_OP_STOS || op == AXV_X86_OP_LODS) {
		insn->reg = AXV_X86_RAX;
		insn->reg_width = width;
	}
	if (op == AXV_X86_OP_STOS || op == AXV_X86_OP_INS)
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

static bool decode_0f(struct stream *s, const struct prefixes *p,
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

static bool decode_opcode(struct stream *s, const struct prefixes *p,
			  struct axv_x86_insn *insn, u8 opcode)
{
	/* Bit 0 of nearly all of these opcodes: not a byte. */
	u8 width = opcode & 1 ? p->op_width : 1;
	/* Ports are never wider than 4 bytes. */
	u8 port_width = width == 8 ? 4 : width;

	switch (opcode) {
	case 0x0f:
		return decode_0f(s, p, insn);
	case 0x63:
		/*
		 * MOVSXD; ARPL outside of 64-bit mode.  How wide its source is
		 * with a 16-bit destination depends on who made the processor.
		 */
		if (p->bits != 64 || p->op_width == 2)
			return false;
		insn->sign_extend = true;
		return decode_move(s, p, insn, AXV_X86_OP_LOAD, 4, p->op_width);
	case 0x6c:
	case 0x6d:
		return decode_string(p, insn, AXV_X86_OP_INS, port_width);
	case 0x6e:
	case 0x6f:
		return decode_string(p, insn, AXV_X86_OP_OUTS, port_width);
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
	struct prefixes p;
	u8 opcode;

	*insn = (struct axv_x86_insn){
		.reg = AXV_X86_NO_REG,
		.seg = AXV_X86_DS,
		.base = AXV_X86_NO_REG,
		.index = AXV_X86_NO_REG,
	};
	opcode = take_prefixes(&s, &p, bits);
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
 * axv_x86_operand_offset() - offset of a memory operand in its segment
 * @insn:	a decoded LOAD, STORE or STORE_IMM
 * @gpr:	the sixteen general registers
 * @rip:	of the instruction
 *
 * Context: any.
 */
u64 axv_x86_operand_offset(const struct axv_x86_insn *insn, const u64 *gpr,
			   u64 rip)
{
	u64 offset = insn->disp;

	if (insn->base == AXV_X86_RIP)
		offset += rip + insn->len;
	else if (insn->base != AXV_X86_NO_REG)
		offset += gpr[insn->base];
	if (insn->index != AXV_X86_NO_REG)
		offset += gpr[insn->index] << insn->scale;
	return axv_x86_mask(offset, insn->addr_width);
}

/* System instructions of group 7 (0F 01): those with and without memory. */
static bool length_0f01(struct stream *s, const struct prefixes *p)
{
	struct axv_x86_insn operand = {};
	u8 modrm = take(s, 1);

	switch (modrm) {
	case 0xc1:		/* VMCALL */
	case 0xc8 ... 0xc9:	/* MONITOR, MWAIT */
	case 0xd0 ... 0xd1:	/* XGETBV, XSETBV */
	case 0xd8 ... 0xdf:	/* VMRUN to INVLPGA, with VMMCALL */
	case 0xf9 ... 0xfb:	/* RDTSCP, MONITORX, MWAITX */
	case 0xfd:		/* RDPRU */
		return true;
	}

	switch ((modrm >> 3) & 7) {
	case 0 ... 3:		/* SGDT, SIDT, LGDT, LIDT */
	case 7:			/* INVLPG */
		return take_memory(s, p, &operand, modrm);
	case 4:			/* SMSW */
	case 6:			/* LMSW */
		return modrm >> 6 == 3 || take_memory(s, p, &operand, modrm);
	}
	return false;
}

static bool length_0f(struct stream *s, const struct prefixes *p)
{
	struct axv_x86_insn operand = {};
	u8 opcode = take(s, 1);
	u8 modrm;

	/* LOCK makes CR8 of CR0, for those without REX (AMD APM vol. 3). */
	if (p->lock && (opcode & ~2) != 0x20)
		return false;

	switch (opcode) {
	case 0x00:		/* SLDT, STR, LLDT, LTR */
		modrm = take(s, 1);
		if (((modrm >> 3) & 7) > 3)
			return false;
		return modrm >> 6 == 3 || take_memory(s, p, &operand, modrm);
	case 0x01:
		return length_0f01(s, p);
	case 0x06:		/* CLTS */
	case 0x08 ... 0x09:	/* INVD, WBINVD */
	case 0x30 ... 0x33:	/* WRMSR, RDTSC, RDMSR, RDPMC */
	case 0xa2:		/* CPUID */
	case 0xaa:		/* RSM */
		return true;
	case 0x20 ... 0x23:	/* MOV CR, DR: always between registers */
		take(s, 1);
		return true;
	case 0x38:		/* INVPCID */
		if (take(s, 1) != 0x82 || !p->size16)
			return false;
		return take_memory(s, p, &operand, take(s, 1));
	}
	return false;
}

static bool length_opcode(struct stream *s, const struct prefixes *p, u8 opcode)
{
	if (p->lock && opcode != 0x0f)
		return false;

	switch (opcode) {
	case 0x0f:
		return length_0f(s, p);
	case 0x90:		/* PAUSE; NOP is never intercepted */
		return p->rep == 0xf3;
	case 0x6c ... 0x6f:	/* INS, OUTS */
	case 0x9c ... 0x9d:	/* PUSHF, POPF */
	case 0xcc:		/* INT3 */
	case 0xcf:		/* IRET */
	case 0xec ... 0xef:	/* IN, OUT by DX */
	case 0xf1:		/* INT1 */
	case 0xf4:		/* HLT */
		return true;
	case 0xce:		/* INTO */
		return p->bits != 64;
	case 0xcd:		/* INT n */
	case 0xe4 ... 0xe7:	/* IN, OUT by number */
		take(s, 1);
		return true;
	}
	return false;
}

/**
 * axv_x86_insn_length() - length of an instruction that was intercepted
 * @bytes:	the instruction
 * @size:	how many bytes there are; more than AXV_X86_INSN_MAX are ignored
 * @bits:	16, 32 or 64, by the code segment
 *
 * For processors without next-RIP saving (AMD APM vol. 2, 15.7.1).  Knows the
 * instructions with an intercept of their own, and no others.
 *
 * Context: any.
 * Return: bytes, or 0 if it is none of these or too few bytes are there.
 */
unsigned int axv_x86_insn_length(const u8 *bytes, unsigned int size,
				 unsigned int bits)
{
	struct stream s = {
		.bytes = bytes,
		.size = size < AXV_X86_INSN_MAX ? size : AXV_X86_INSN_MAX,
	};
	struct prefixes p;
	u8 opcode;

	opcode = take_prefixes(&s, &p, bits);
	if (s.over || !length_opcode(&s, &p, opcode) || s.over)
		return 0;
	return s.pos;
}
