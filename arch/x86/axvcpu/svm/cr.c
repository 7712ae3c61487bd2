// SPDX-License-Identifier: GPL-2.0
/*
 * The instructions behind exits of control registers.
 *
 * They are decoded here, on every processor alike: decode assists (APM 15.8.1)
 * would save it on some, for exits that are rare on all.
 */
#include <linux/string.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../decode.h"
#include "svm.h"

enum cr_op {
	CR_OP_NONE,
	CR_OP_READ,	/* MOV reg, CRn */
	CR_OP_WRITE,	/* MOV CRn, reg */
	CR_OP_CLTS,
	CR_OP_LMSW,
	CR_OP_SMSW,
};

/**
 * struct cr_insn - an instruction that reads or writes a control register
 * @op:		which
 * @cr:		CR number
 * @gpr:	general register, where @memory is false
 * @len:	bytes
 * @width:	bytes of the general register, of SMSW
 * @memory:	LMSW or SMSW with a memory operand
 * @linear:	its address
 */
struct cr_insn {
	enum cr_op op;
	u8 cr;
	u8 gpr;
	u8 len;
	u8 width;
	bool memory;
	u64 linear;
};

/* Prefixes that mean nothing here are skipped; REX counts if it is last. */
static unsigned int skip_prefixes(const u8 *bytes, unsigned int size,
				  unsigned int bits, u8 *rex, bool *lock,
				  bool *opsize)
{
	unsigned int i;

	*rex = 0;
	*lock = false;
	*opsize = false;
	for (i = 0; i < size; i++) {
		switch (bytes[i]) {
		case 0xf0:
			*lock = true;
			*rex = 0;
			break;
		case 0x66:
			*opsize = true;
			*rex = 0;
			break;
		case 0x67: case 0xf2: case 0xf3: case 0x26: case 0x2e:
		case 0x36: case 0x3e: case 0x64: case 0x65:
			*rex = 0;
			break;
		case 0x40 ... 0x4f:
			if (bits != 64)
				return i;
			*rex = bytes[i];
			break;
		default:
			return i;
		}
	}
	return i;
}

/*
 * The memory operand of LMSW and SMSW is that of a 16-bit load with the same
 * ModRM, which the common decoder knows: 0F 01 becomes 8B, one byte shorter.
 */
static bool decode_memory(struct axv_svm_vcpu *svm, struct cr_insn *insn,
			  const u8 *bytes, unsigned int size,
			  unsigned int opcode, unsigned int bits)
{
	struct axv_x86_vcpu *x = &svm->x;
	u8 load[AXV_X86_INSN_MAX];
	struct axv_x86_fault fault;
	struct axv_x86_insn move;
	u64 offset;

	memcpy(load, bytes, opcode);
	load[opcode] = 0x8b;
	memcpy(load + opcode + 1, bytes + opcode + 2, size - opcode - 2);
	if (!axv_x86_decode(&move, load, size - 1, bits))
		return false;
	insn->len = move.len + 1;
	offset = axv_x86_operand_offset(&move, x->regs.gpr,
					x->regs.rip + 1);
	if (axv_x86_linear(x, move.seg, offset, 2, insn->op == CR_OP_SMSW,
			   &insn->linear, &fault)) {
		axv_x86_raise(x, fault.vector, true, fault.error_code,
			      fault.address);
		insn->op = CR_OP_NONE;
	}
	return true;
}

/*
 * Return: false if the bytes cannot be read, or are none of these: another CPU
 * of the guest changed them after the exit.  The instruction is tried again.
 */
static bool decode(struct axv_svm_vcpu *svm, struct cr_insn *insn)
{
	unsigned int bits = axv_x86_code_bits(&svm->x);
	u8 bytes[AXV_X86_INSN_MAX], rex, modrm;
	bool lock, opsize;
	unsigned int i;
	int size;

	size = axv_x86_fetch(&svm->x, bytes, sizeof(bytes));
	if (size <= 0)
		return false;
	i = skip_prefixes(bytes, size, bits, &rex, &lock, &opsize);
	if (i + 2 > size || bytes[i] != 0x0f)
		return false;
	memset(insn, 0, sizeof(*insn));

	if (bytes[i + 1] == 0x06) {
		insn->op = CR_OP_CLTS;
		insn->len = i + 2;
		return true;
	}
	if (i + 3 > size)
		return false;
	modrm = bytes[i + 2];
	insn->gpr = (modrm & 7) | (rex & 1 ? 8 : 0);
	insn->len = i + 3;

	switch (bytes[i + 1]) {
	case 0x20:
	case 0x22:
		/* LOCK makes CR8 of CR0 (APM vol. 3, MOV CRn). */
		insn->op = bytes[i + 1] == 0x20 ? CR_OP_READ : CR_OP_WRITE;
		insn->cr = ((modrm >> 3) & 7) | (rex & 4 || lock ? 8 : 0);
		return true;
	case 0x01:
		if (((modrm >> 3) & 7) == 6)
			insn->op = CR_OP_LMSW;
		else if (((modrm >> 3) & 7) == 4)
			insn->op = CR_OP_SMSW;
		else
			return false;
		insn->width = rex & 8 ? 8 : opsize == (bits != 16) ? 2 : 4;
		insn->memory = modrm < 0xc0;
		return !insn->memory ||
		       decode_memory(svm, insn, bytes, size, i, bits);
	default:
		return false;
	}
}

static void write_gpr(struct axv_svm_vcpu *svm, u8 gpr, u8 width, u64 value)
{
	u64 *reg = &svm->x.regs.gpr[gpr];

	if (width == 2)
		*reg = (*reg & ~0xffffull) | (u16)value;
	else
		*reg = width == 4 ? (u32)value : value;
}

static void earned(struct axv_svm_vcpu *svm, const struct axv_x86_fault *fault)
{
	if (fault->vector)
		axv_x86_raise(&svm->x, fault->vector, true, fault->error_code,
			      fault->address);
}

/* Past the instruction, or #GP. */
static void finish(struct axv_svm_vcpu *svm, const struct cr_insn *insn,
		   bool good)
{
	if (good)
		axv_x86_advance(&svm->x, insn->len);
	else
		axv_x86_raise(&svm->x, X86_TRAP_GP, true, 0, 0);
}

static void load_msw(struct axv_svm_vcpu *svm, const struct cr_insn *insn)
{
	u16 value = svm->x.regs.gpr[insn->gpr];
	struct axv_x86_fault fault;

	if (insn->memory &&
	    axv_x86_read_linear(&svm->x, insn->linear, &value, sizeof(value),
				&fault)) {
		earned(svm, &fault);
		return;
	}
	finish(svm, insn, axv_x86_lmsw(&svm->x, value));
}

static void store_msw(struct axv_svm_vcpu *svm, const struct cr_insn *insn)
{
	struct axv_x86_fault fault;
	u16 value = svm->x.cr0;

	if (!insn->memory) {
		write_gpr(svm, insn->gpr, insn->width, svm->x.cr0);
	} else if (axv_x86_write_linear(&svm->x, insn->linear, &value,
					sizeof(value), &fault)) {
		earned(svm, &fault);
		return;
	}
	finish(svm, insn, true);
}

/**
 * axv_svm_handle_cr() - a control register was read or written
 * @svm:	vCPU whose last exit says so
 *
 * Context: may sleep.
 * Return: AXV_RESUME.
 */
enum axv_x86_next axv_svm_handle_cr(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;
	struct cr_insn insn;

	if (!decode(svm, &insn))
		return AXV_RESUME;

	switch (insn.op) {
	case CR_OP_READ:
		if (insn.cr != 0 && insn.cr != 4)
			break;
		write_gpr(svm, insn.gpr, axv_x86_code_bits(x) == 64 ? 8 : 4,
			  insn.cr ? x->cr4 : x->cr0);
		finish(svm, &insn, true);
		break;
	case CR_OP_WRITE:
		if (insn.cr != 0 && insn.cr != 4)
			break;
		finish(svm, &insn,
		       axv_x86_write_cr(x, insn.cr, x->regs.gpr[insn.gpr]));
		break;
	case CR_OP_CLTS:
		axv_x86_clts(x);
		finish(svm, &insn, true);
		break;
	case CR_OP_LMSW:
		load_msw(svm, &insn);
		break;
	case CR_OP_SMSW:
		store_msw(svm, &insn);
		break;
	case CR_OP_NONE:
		break;
	}
	return AXV_RESUME;
}
