// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Operands of an instruction: registers, memory and immediates.
 */
#include <string.h>

#include "exec.h"

/* A general register: its number, its width in bytes, and whether it is one of AH to BH */
struct gpr {
	unsigned int n;
	unsigned int bytes;
	bool high;
};

static bool find_gpr(ZydisRegister reg, struct gpr *gpr)
{
	gpr->high = false;
	if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_R15B) {
		/* AL CL DL BL AH CH DH BH SPL BPL SIL DIL R8B ... */
		gpr->n = reg - ZYDIS_REGISTER_AL;
		gpr->bytes = 1;
		if (gpr->n >= 4) {
			gpr->high = gpr->n < 8;
			gpr->n -= 4;
		}
	} else if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_R15W) {
		gpr->n = reg - ZYDIS_REGISTER_AX;
		gpr->bytes = 2;
	} else if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15D) {
		gpr->n = reg - ZYDIS_REGISTER_EAX;
		gpr->bytes = 4;
	} else if (reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15) {
		gpr->n = reg - ZYDIS_REGISTER_RAX;
		gpr->bytes = 8;
	} else {
		return false;
	}
	return true;
}

static bool is_segment(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS;
}

bool axv_reg_known(ZydisRegister reg)
{
	struct gpr gpr;

	return find_gpr(reg, &gpr) || is_segment(reg);
}

__u64 axv_reg_read(const struct axv_emul *e, ZydisRegister reg)
{
	struct gpr gpr;

	if (is_segment(reg))
		return e->sregs.seg[reg - ZYDIS_REGISTER_ES].selector;
	if (!find_gpr(reg, &gpr))
		return 0;
	return (e->gprs.gpr[gpr.n] >> (gpr.high ? 8 : 0)) & axv_mask(gpr.bytes);
}

void axv_reg_write(struct axv_emul *e, ZydisRegister reg, __u64 value)
{
	unsigned int shift;
	struct gpr gpr;
	__u64 mask;
	__u64 *p;

	if (!find_gpr(reg, &gpr))
		return;
	p = &e->gprs.gpr[gpr.n];
	if (gpr.bytes == 4) {	/* a write clears the upper half */
		*p = (__u32)value;
		return;
	}
	shift = gpr.high ? 8 : 0;
	mask = axv_mask(gpr.bytes) << shift;
	*p = (*p & ~mask) | ((value << shift) & mask);
}

__u64 axv_index_get(const struct axv_emul *e, unsigned int n, unsigned int bytes)
{
	return e->gprs.gpr[n] & axv_mask(bytes);
}

void axv_index_set(struct axv_emul *e, unsigned int n, unsigned int bytes,
		   __u64 value)
{
	if (bytes == 2)
		e->gprs.gpr[n] = (e->gprs.gpr[n] & ~0xffffull) | (__u16)value;
	else
		e->gprs.gpr[n] = value & axv_mask(bytes);
}

unsigned int axv_op_segment(const struct axv_exec *x, unsigned int n)
{
	return x->op[n].mem.segment - ZYDIS_REGISTER_ES;
}

__u64 axv_op_offset(const struct axv_exec *x, unsigned int n)
{
	const ZydisDecodedOperandMem *mem = &x->op[n].mem;
	__u64 offset = mem->disp.value;

	if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
		offset += x->e->gprs.rip + x->insn.length;
	else if (mem->base != ZYDIS_REGISTER_NONE)
		offset += axv_reg_read(x->e, mem->base);
	if (mem->index != ZYDIS_REGISTER_NONE)
		offset += axv_reg_read(x->e, mem->index) * mem->scale;
	return offset & axv_mask(x->insn.address_width / 8);
}

int axv_op_prepare(struct axv_exec *x, unsigned int n, __u32 access)
{
	if (!axv_is_mem(x, n))
		return 0;
	return axv_span_get(x->e, axv_op_segment(x, n), axv_op_offset(x, n),
			    axv_size(x, n), access, &x->span[n]);
}

int axv_op_read(struct axv_exec *x, unsigned int n, __u64 *value)
{
	const ZydisDecodedOperand *op = &x->op[n];

	*value = 0;
	switch (op->type) {
	case ZYDIS_OPERAND_TYPE_MEMORY:
		return axv_span_read(x->e, &x->span[n], value);
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		*value = op->imm.value.u;
		return 0;
	default:
		*value = axv_reg_read(x->e, op->reg.value);
		return 0;
	}
}

int axv_op_get(struct axv_exec *x, unsigned int n, __u32 access, __u64 *value)
{
	int ret = axv_op_prepare(x, n, access);

	return ret ? ret : axv_op_read(x, n, value);
}

int axv_op_write(struct axv_exec *x, unsigned int n, __u64 value)
{
	if (axv_is_mem(x, n))
		return axv_span_write(x->e, &x->span[n], &value);
	axv_reg_write(x->e, x->op[n].reg.value, value);
	return 0;
}

int axv_op_update(struct axv_exec *x, unsigned int n, __u64 old, __u64 new)
{
	if (axv_is_mem(x, n))
		return axv_span_update(x->e, &x->span[n], old, new);
	axv_reg_write(x->e, x->op[n].reg.value, new);
	return 0;
}

bool axv_condition(const struct axv_emul *e, unsigned int cc)
{
	__u64 flags = e->gprs.rflags;
	bool less = !(flags & FLAG_SF) != !(flags & FLAG_OF);
	bool holds;

	switch ((cc >> 1) & 7) {
	case 0:
		holds = flags & FLAG_OF;
		break;
	case 1:
		holds = flags & FLAG_CF;
		break;
	case 2:
		holds = flags & FLAG_ZF;
		break;
	case 3:
		holds = flags & (FLAG_CF | FLAG_ZF);
		break;
	case 4:
		holds = flags & FLAG_SF;
		break;
	case 5:
		holds = flags & FLAG_PF;
		break;
	case 6:
		holds = less;
		break;
	default:
		holds = less || (flags & FLAG_ZF);
		break;
	}
	return holds != (cc & 1);
}
