// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Moves between memory and the MMX, SSE, AVX and AVX-512 registers.  The first 16 bytes
 * of a register are in the legacy part of an XSAVE block (AMD APM vol. 2, 11.5), the
 * others, and registers 16 to 31, are at offsets that CPUID tells.
 */
#include <string.h>

#include "exec.h"

#define XSAVE_FSW	2
#define XSAVE_FTW	4
#define XSAVE_ST	32
#define XSAVE_XMM	160
#define XSAVE_XSTATE_BV	512
#define XSTATE_X87	(1ull << 0)
#define XSTATE_SSE	(1ull << 1)
#define XSTATE_YMM	(1ull << 2)
#define XSTATE_ZMM	(1ull << 6)
#define XSTATE_HI16	(1ull << 7)

#define BYTES_MAX	64
#define PARTS_MAX	3

enum move_kind { MOVE_WHOLE, MOVE_ALIGNED, MOVE_LOW, MOVE_HIGH };

static bool find_kind(const struct axv_exec *x, enum move_kind *kind)
{
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_MOVD:
	case ZYDIS_MNEMONIC_MOVQ:
	case ZYDIS_MNEMONIC_MOVSS:
	case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_MOVUPS:
	case ZYDIS_MNEMONIC_MOVUPD:
	case ZYDIS_MNEMONIC_MOVDQU:
	case ZYDIS_MNEMONIC_LDDQU:
	case ZYDIS_MNEMONIC_MOVNTQ:
	case ZYDIS_MNEMONIC_VMOVD:
	case ZYDIS_MNEMONIC_VMOVQ:
	case ZYDIS_MNEMONIC_VMOVSS:
	case ZYDIS_MNEMONIC_VMOVSD:
	case ZYDIS_MNEMONIC_VMOVUPS:
	case ZYDIS_MNEMONIC_VMOVUPD:
	case ZYDIS_MNEMONIC_VMOVDQU:
	case ZYDIS_MNEMONIC_VMOVDQU8:
	case ZYDIS_MNEMONIC_VMOVDQU16:
	case ZYDIS_MNEMONIC_VMOVDQU32:
	case ZYDIS_MNEMONIC_VMOVDQU64:
	case ZYDIS_MNEMONIC_VLDDQU:
		*kind = MOVE_WHOLE;
		return true;
	case ZYDIS_MNEMONIC_MOVAPS:
	case ZYDIS_MNEMONIC_MOVAPD:
	case ZYDIS_MNEMONIC_MOVDQA:
	case ZYDIS_MNEMONIC_MOVNTDQ:
	case ZYDIS_MNEMONIC_MOVNTDQA:
	case ZYDIS_MNEMONIC_MOVNTPS:
	case ZYDIS_MNEMONIC_MOVNTPD:
	case ZYDIS_MNEMONIC_VMOVAPS:
	case ZYDIS_MNEMONIC_VMOVAPD:
	case ZYDIS_MNEMONIC_VMOVDQA:
	case ZYDIS_MNEMONIC_VMOVDQA32:
	case ZYDIS_MNEMONIC_VMOVDQA64:
	case ZYDIS_MNEMONIC_VMOVNTDQ:
	case ZYDIS_MNEMONIC_VMOVNTDQA:
	case ZYDIS_MNEMONIC_VMOVNTPS:
	case ZYDIS_MNEMONIC_VMOVNTPD:
		*kind = MOVE_ALIGNED;
		return true;
	case ZYDIS_MNEMONIC_MOVLPS:
	case ZYDIS_MNEMONIC_MOVLPD:
	case ZYDIS_MNEMONIC_VMOVLPS:
	case ZYDIS_MNEMONIC_VMOVLPD:
		*kind = MOVE_LOW;
		return true;
	case ZYDIS_MNEMONIC_MOVHPS:
	case ZYDIS_MNEMONIC_MOVHPD:
	case ZYDIS_MNEMONIC_VMOVHPS:
	case ZYDIS_MNEMONIC_VMOVHPD:
		*kind = MOVE_HIGH;
		return true;
	default:
		return false;
	}
}

/**
 * struct part - some bytes of a register, in one component of an XSAVE block
 * @at:		offset of the bytes in the block
 * @size:	number of bytes
 * @component:	XSTATE_*
 * @start:	offset of the bytes of all registers of the component
 * @total:	number of bytes of all its registers
 */
struct part {
	unsigned int at;
	unsigned int size;
	__u64 component;
	unsigned int start;
	unsigned int total;
};

/* Register @n of @component, of which the block has @nr, each @size bytes. */
static struct part make_part(__u64 component, unsigned int start, unsigned int size,
			     unsigned int n, unsigned int nr)
{
	return (struct part){
		.at = start + n * size, .size = size, .component = component,
		.start = start, .total = nr * size,
	};
}

/* The parts of vector register @n that the processor has, lowest first. */
static unsigned int find_parts(const struct axv_emul *e, unsigned int n, struct part *parts)
{
	unsigned int nr = 0;

	if (n >= 16) {
		parts[nr++] = make_part(XSTATE_HI16, e->xsave_hi16, 64, n - 16, 16);
		return nr;
	}
	parts[nr++] = make_part(XSTATE_SSE, XSAVE_XMM, 16, n, 16);
	if (e->xsave_ymm)
		parts[nr++] = make_part(XSTATE_YMM, e->xsave_ymm, 16, n, 16);
	if (e->xsave_zmm)
		parts[nr++] = make_part(XSTATE_ZMM, e->xsave_zmm, 32, n, 16);
	return nr;
}

static bool is_valid(const unsigned char *xsave, __u64 component)
{
	__u64 xstate_bv;

	memcpy(&xstate_bv, xsave + XSAVE_XSTATE_BV, sizeof(xstate_bv));
	return xstate_bv & component;
}

static void set_valid(unsigned char *xsave, __u64 component)
{
	__u64 xstate_bv;

	memcpy(&xstate_bv, xsave + XSAVE_XSTATE_BV, sizeof(xstate_bv));
	xstate_bv |= component;
	memcpy(xsave + XSAVE_XSTATE_BV, &xstate_bv, sizeof(xstate_bv));
}

/*
 * Make a component valid in the block.  One that is not valid is in its initial state:
 * all zero.
 */
static void make_valid(unsigned char *xsave, const struct part *part)
{
	if (is_valid(xsave, part->component))
		return;
	memset(xsave + part->start, 0, part->total);
	set_valid(xsave, part->component);
}

/* Read the first @bytes bytes of a vector register. */
static void read_register(const struct axv_emul *e, const unsigned char *xsave,
			  unsigned int n, unsigned char *data, unsigned int bytes)
{
	struct part parts[PARTS_MAX];
	unsigned int nr = find_parts(e, n, parts);
	unsigned int size;
	unsigned int i;

	for (i = 0; i < nr && bytes; i++, data += size, bytes -= size) {
		size = parts[i].size < bytes ? parts[i].size : bytes;
		if (is_valid(xsave, parts[i].component))
			memcpy(data, xsave + parts[i].at, size);
		else
			memset(data, 0, size);
	}
}

/*
 * Write the first @bytes bytes of a vector register.  The rest of its XMM register is
 * cleared, and, for an instruction with a VEX or EVEX prefix, all bytes above that.
 */
static void write_register(const struct axv_emul *e, unsigned char *xsave, unsigned int n,
			   const unsigned char *data, unsigned int bytes, bool vex)
{
	struct part parts[PARTS_MAX];
	unsigned int nr = find_parts(e, n, parts);
	unsigned int size;
	unsigned int i;

	for (i = 0; i < (vex ? nr : 1); i++, data += size, bytes -= size) {
		size = parts[i].size < bytes ? parts[i].size : bytes;
		if (size)
			make_valid(xsave, &parts[i]);
		if (is_valid(xsave, parts[i].component)) {
			memcpy(xsave + parts[i].at, data, size);
			memset(xsave + parts[i].at + size, 0, parts[i].size - size);
		}
	}
}

/* Do what any MMX instruction does: all x87 registers become valid, and the top of stack 0. */
static void enter_mmx(unsigned char *xsave)
{
	if (!is_valid(xsave, XSTATE_X87)) {
		memset(xsave, 0, 24);
		xsave[0] = 0x7f;	/* FCW 037fh, as FNINIT leaves it */
		xsave[1] = 0x03;
		memset(xsave + XSAVE_ST, 0, 8 * 16);
		set_valid(xsave, XSTATE_X87);
	}
	xsave[XSAVE_FTW] = 0xff;
	xsave[XSAVE_FSW + 1] &= ~0x38;
}

static bool is_vex(const struct axv_exec *x)
{
	return x->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ||
	       x->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX;
}

/* Move between an MMX register in the block and @data, the bytes in memory. */
static void move_mmx(unsigned char *xsave, unsigned int n, unsigned char *data,
		     unsigned int bytes, bool load)
{
	unsigned char *place = xsave + XSAVE_ST + n * 16;

	enter_mmx(xsave);
	if (!load) {
		memcpy(data, place, bytes);
		return;
	}
	memset(place, 0, 8);
	memcpy(place, data, bytes);
	place[8] = 0xff;	/* exponent and sign of the x87 register */
	place[9] = 0xff;
}

static void move_vector(struct axv_exec *x, unsigned char *xsave, enum move_kind kind,
			unsigned int n, unsigned char *data, unsigned int bytes, bool load)
{
	bool half = kind == MOVE_LOW || kind == MOVE_HIGH;
	unsigned int at = kind == MOVE_HIGH ? 8 : 0;
	unsigned char whole[16];
	unsigned int other = n;

	if (!half && load) {
		write_register(x->e, xsave, n, data, bytes, is_vex(x));
	} else if (!half) {
		read_register(x->e, xsave, n, data, bytes);
	} else if (load) {
		/*
		 * The other half stays; with a VEX or EVEX prefix it comes from a third
		 * register.
		 */
		if (is_vex(x))
			other = ZydisRegisterGetId(x->op[1].reg.value);
		read_register(x->e, xsave, other, whole, 16);
		memcpy(whole + at, data, 8);
		write_register(x->e, xsave, n, whole, 16, is_vex(x));
	} else {
		read_register(x->e, xsave, n, whole, 16);
		memcpy(data, whole + at, 8);
	}
}

/* Move between register @reg and memory operand @mem; a load unless @mem is 0. */
static int transfer(struct axv_exec *x, enum move_kind kind, unsigned int mem,
		    ZydisRegister reg)
{
	bool mmx = ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_MMX;
	unsigned int n = ZydisRegisterGetId(reg);
	unsigned int bytes = axv_size(x, mem);
	struct axv_emul *e = x->e;
	unsigned char data[BYTES_MAX];
	unsigned char *xsave;
	bool load = mem != 0;
	int ret;

	ret = axv_op_prepare(x, mem, load ? AXV_ACCESS_READ : AXV_ACCESS_WRITE);
	if (!ret && kind == MOVE_ALIGNED && x->span[mem].gpa[0] % bytes)
		ret = axv_raise(e, VECTOR_GP, 0);
	if (!ret)
		ret = e->space->fpu(e->opaque, false, &xsave);
	if (!ret && load)
		ret = axv_span_read(e, &x->span[mem], data);
	if (ret)
		return ret;
	if (mmx)
		move_mmx(xsave, n, data, bytes, load);
	else
		move_vector(x, xsave, kind, n, data, bytes, load);
	if (!load)
		ret = axv_span_write(e, &x->span[mem], data);
	if (ret || (!load && !mmx))
		return ret;
	return e->space->fpu(e->opaque, true, &xsave);
}

/*
 * Has the instruction a VEX or EVEX prefix, and do processor and XSAVE block have all it
 * needs?
 */
static bool vex_known(const struct axv_exec *x)
{
	const struct axv_emul *e = x->e;

	if (x->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
		return e->xsave_ymm;
	/* EVEX needs all registers of AVX-512; with a mask it would be more than a move. */
	return x->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX && e->xsave_ymm &&
	       e->xsave_zmm && e->xsave_hi16 &&
	       (x->insn.avx.mask.reg == ZYDIS_REGISTER_NONE ||
		x->insn.avx.mask.reg == ZYDIS_REGISTER_K0);
}

int axv_exec_vector(struct axv_exec *x)
{
	unsigned int last = x->insn.operand_count_visible - 1;
	struct axv_emul *e = x->e;
	enum move_kind kind;
	ZydisRegisterClass class;
	unsigned int mem = 0;
	ZydisRegister reg;

	if (!find_kind(x, &kind) ||
	    (!vex_known(x) && x->insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY))
		return EXEC_UNKNOWN;
	/* One of the first and the last operand is the register, the other one the memory. */
	if (!axv_is_mem(x, 0))
		mem = last;
	if (!axv_is_mem(x, mem) || x->op[last - mem].type != ZYDIS_OPERAND_TYPE_REGISTER)
		return EXEC_UNKNOWN;
	reg = x->op[last - mem].reg.value;
	class = ZydisRegisterGetClass(reg);
	if (class != ZYDIS_REGCLASS_MMX && class != ZYDIS_REGCLASS_XMM &&
	    class != ZYDIS_REGCLASS_YMM && class != ZYDIS_REGCLASS_ZMM)
		return EXEC_UNKNOWN;

	if (is_vex(x)) {
		if (!(e->sregs.cr4 & CR4_OSXSAVE))
			return axv_raise(e, VECTOR_UD, 0);
	} else if ((e->sregs.cr0 & CR0_EM) ||
		   (class == ZYDIS_REGCLASS_XMM && !(e->sregs.cr4 & CR4_OSFXSR))) {
		return axv_raise(e, VECTOR_UD, 0);
	}
	if (e->sregs.cr0 & CR0_TS)
		return axv_raise(e, VECTOR_NM, 0);
	return transfer(x, kind, mem, reg);
}
