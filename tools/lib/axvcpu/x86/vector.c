// SPDX-License-Identifier: GPL-2.0
/*
 * Moves between memory and the MMX and SSE registers.  The registers are in the
 * legacy part of an XSAVE block (AMD APM vol. 2, 11.5): 16 bytes each.
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
		*kind = MOVE_WHOLE;
		return true;
	case ZYDIS_MNEMONIC_MOVAPS:
	case ZYDIS_MNEMONIC_MOVAPD:
	case ZYDIS_MNEMONIC_MOVDQA:
	case ZYDIS_MNEMONIC_MOVNTDQ:
	case ZYDIS_MNEMONIC_MOVNTDQA:
	case ZYDIS_MNEMONIC_MOVNTPS:
	case ZYDIS_MNEMONIC_MOVNTPD:
		*kind = MOVE_ALIGNED;
		return true;
	case ZYDIS_MNEMONIC_MOVLPS:
	case ZYDIS_MNEMONIC_MOVLPD:
		*kind = MOVE_LOW;
		return true;
	case ZYDIS_MNEMONIC_MOVHPS:
	case ZYDIS_MNEMONIC_MOVHPD:
		*kind = MOVE_HIGH;
		return true;
	default:
		return false;
	}
}

/* A component that is in its initial state is not in the block: all zero. */
static void make_valid(unsigned char *xsave, __u64 component)
{
	__u64 xstate_bv;

	memcpy(&xstate_bv, xsave + XSAVE_XSTATE_BV, sizeof(xstate_bv));
	if (xstate_bv & component)
		return;
	if (component == XSTATE_SSE) {
		memset(xsave + XSAVE_XMM, 0, 16 * 16);
	} else {
		memset(xsave, 0, 24);
		xsave[0] = 0x7f;	/* FCW 037fh, as FNINIT leaves it */
		xsave[1] = 0x03;
		memset(xsave + XSAVE_ST, 0, 8 * 16);
	}
	xstate_bv |= component;
	memcpy(xsave + XSAVE_XSTATE_BV, &xstate_bv, sizeof(xstate_bv));
}

/* What any MMX instruction does: all registers valid, top of stack 0. */
static void enter_mmx(unsigned char *xsave)
{
	xsave[XSAVE_FTW] = 0xff;
	xsave[XSAVE_FSW + 1] &= ~0x38;
}

static int transfer(struct axv_exec *x, enum move_kind kind, bool load,
		    ZydisRegister reg)
{
	bool mmx = ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_MMX;
	unsigned int n = ZydisRegisterGetId(reg);
	unsigned int mem = load ? 1 : 0;
	unsigned int bytes = axv_size(x, mem);
	struct axv_emul *e = x->e;
	unsigned char data[16];
	unsigned char *xsave;
	unsigned char *place;
	int ret;

	ret = axv_op_prepare(x, mem, load ? AXV_ACCESS_READ : AXV_ACCESS_WRITE);
	if (!ret && kind == MOVE_ALIGNED && x->span[mem].gpa[0] % 16)
		ret = axv_raise(e, VECTOR_GP, 0);
	if (!ret)
		ret = e->space->fpu(e->opaque, false, &xsave);
	if (!ret && load)
		ret = axv_span_read(e, &x->span[mem], data);
	if (ret)
		return ret;

	make_valid(xsave, mmx ? XSTATE_X87 : XSTATE_SSE);
	place = xsave + (mmx ? XSAVE_ST : XSAVE_XMM) + n * 16;
	if (kind == MOVE_HIGH)
		place += 8;
	if (!load) {
		memcpy(data, place, bytes);
		ret = axv_span_write(e, &x->span[mem], data);
		if (ret || !mmx)
			return ret;
	} else {
		if (kind == MOVE_WHOLE || kind == MOVE_ALIGNED)
			memset(place, 0, mmx ? 8 : 16);
		memcpy(place, data, bytes);
	}
	if (mmx) {
		enter_mmx(xsave);
		if (load) {	/* exponent and sign of the x87 register */
			place[8] = 0xff;
			place[9] = 0xff;
		}
	}
	return e->space->fpu(e->opaque, true, &xsave);
}

int axv_exec_vector(struct axv_exec *x)
{
	struct axv_emul *e = x->e;
	enum move_kind kind;
	ZydisRegisterClass class;
	ZydisRegister reg;
	bool load;

	if (!find_kind(x, &kind))
		return EXEC_UNKNOWN;
	load = axv_is_mem(x, 1);
	if (load == axv_is_mem(x, 0) ||
	    x->op[load ? 0 : 1].type != ZYDIS_OPERAND_TYPE_REGISTER)
		return EXEC_UNKNOWN;
	reg = x->op[load ? 0 : 1].reg.value;
	class = ZydisRegisterGetClass(reg);
	if (class != ZYDIS_REGCLASS_MMX && class != ZYDIS_REGCLASS_XMM)
		return EXEC_UNKNOWN;

	if ((e->sregs.cr0 & CR0_EM) ||
	    (class == ZYDIS_REGCLASS_XMM && !(e->sregs.cr4 & CR4_OSFXSR)))
		return axv_raise(e, VECTOR_UD, 0);
	if (e->sregs.cr0 & CR0_TS)
		return axv_raise(e, VECTOR_NM, 0);
	return transfer(x, kind, load, reg);
}
