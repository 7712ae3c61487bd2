// SPDX-License-Identifier: GPL-2.0
/*
 * Control registers that the guest reads or writes with an exit.
 *
 * With decode assists the processor names the general register of a MOV (APM
 * 15.8.1).  Everything else, CLTS, LMSW and SMSW on all processors, is read from
 * the code once more; the exit's code and the privilege level decide whether it is
 * the instruction that exited.  The VMM deals with an operand in memory.
 */
#include <linux/string.h>
#include <asm/trapnr.h>

#include "../cr.h"
#include "../events.h"
#include "../exit.h"
#include "../walk.h"
#include "opcode.h"
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
 * @op:		which instruction
 * @cr:		CR number
 * @gpr:	general register, where @memory is false
 * @len:	bytes
 * @width:	bytes of the general register, of SMSW
 * @memory:	LMSW or SMSW with a memory operand; no @len
 */
struct cr_insn {
	enum cr_op op;
	u8 cr;
	u8 gpr;
	u8 len;
	u8 width;
	bool memory;
};

/* EXITINFO1 with decode assists: a MOV, with its general register (APM 15.8.1). */
#define CR_INFO_MOV		BIT_ULL(63)
#define CR_INFO_GPR(info)	((info) & 15)

/* Return: false if the code cannot be read, or is none of these. */
static bool decode(struct axv_svm_vcpu *svm, struct cr_insn *insn)
{
	struct axv_svm_opcode op;

	if (!axv_svm_read_opcode(svm, &op))
		return false;
	if (op.second == 0x06) {
		insn->op = CR_OP_CLTS;
		insn->len = op.len;
		return true;
	}
	if (!op.has_modrm)
		return false;
	insn->gpr = axv_svm_opcode_rm(&op);
	insn->len = op.len + 1;

	switch (op.second) {
	case 0x20:
	case 0x22:
		/* LOCK makes CR8 of CR0 (APM vol. 3, MOV CRn). */
		insn->op = op.second == 0x20 ? CR_OP_READ : CR_OP_WRITE;
		insn->cr = axv_svm_opcode_reg(&op) | (op.prefixes.lock ? 8 : 0);
		return true;
	case 0x01:
		if (((op.modrm >> 3) & 7) == 6)
			insn->op = CR_OP_LMSW;
		else if (((op.modrm >> 3) & 7) == 4)
			insn->op = CR_OP_SMSW;
		else
			return false;
		insn->width = op.prefixes.op_width;
		insn->memory = op.modrm < 0xc0;
		return true;
	default:
		return false;
	}
}

/* Is it an instruction that exits with this code? (APM 15.9, appendix C) */
static bool exits_with(const struct cr_insn *insn, u32 code)
{
	switch (insn->op) {
	case CR_OP_READ:
		return code == SVM_EXIT_READ_CR0 + insn->cr;
	case CR_OP_SMSW:
		return code == SVM_EXIT_READ_CR0;
	case CR_OP_WRITE:
		return code == SVM_EXIT_WRITE_CR0 + insn->cr;
	case CR_OP_CLTS:
	case CR_OP_LMSW:
		return code == SVM_EXIT_WRITE_CR0;
	default:
		return false;
	}
}

/*
 * Return: false if the code is another instruction by now, because another CPU
 * of the guest has written to it.
 */
static bool identify(struct axv_svm_vcpu *svm, struct cr_insn *insn)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u32 code = control->exit_code;

	memset(insn, 0, sizeof(*insn));
	insn->len = axv_svm_saved_length(svm);
	if (insn->len && axv_svm.decode_assists &&
	    (control->exit_info_1 & CR_INFO_MOV)) {
		insn->op = code < SVM_EXIT_WRITE_CR0 ? CR_OP_READ : CR_OP_WRITE;
		insn->cr = code & 15;
		insn->gpr = CR_INFO_GPR(control->exit_info_1);
		return true;
	}
	return decode(svm, insn) && exits_with(insn, code);
}

static void write_gpr(struct axv_svm_vcpu *svm, u8 gpr, u8 width, u64 value)
{
	u64 *reg = &svm->x.regs.gpr[gpr];

	if (width == 2)
		*reg = (*reg & ~0xffffull) | (u16)value;
	else
		*reg = width == 4 ? (u32)value : value;
}

/* Move RIP past the instruction, or raise #GP. */
static enum axv_next finish(struct axv_svm_vcpu *svm,
			    const struct cr_insn *insn, bool good)
{
	if (good)
		axv_x86_advance(&svm->x, insn->len);
	else
		axv_x86_raise(&svm->x, X86_TRAP_GP, true, 0, 0);
	return AXV_RESUME;
}

/* Reserved bits are #GP (APM vol. 3, MOV CRn). */
static enum axv_next write_cr8(struct axv_svm_vcpu *svm,
			       const struct cr_insn *insn)
{
	struct axv_x86_vcpu *x = &svm->x;
	u64 value = x->regs.gpr[insn->gpr];

	if (axv_x86_code_bits(x) != 64)
		value = (u32)value;
	if (value > 15)
		return finish(svm, insn, false);
	x->hw->set_cr(x, 8, value);
	finish(svm, insn, true);
	if (value >= x->cr8_below)
		return AXV_RESUME;
	if (x->lapic) {
		WRITE_ONCE(x->events.any, true);
		return AXV_RESUME;
	}
	axv_x86_exit(x, AXV_EXIT_CR8, insn->len);
	return AXV_EXIT;
}

/* The operand is in memory: left to the VMM. */
static enum axv_next exit_msw(struct axv_svm_vcpu *svm, bool write)
{
	struct axv_exit_msw *msw = &axv_x86_exit(&svm->x, AXV_EXIT_MSW,
						 0)->exit.msw;

	msw->load = write;
	msw->pad = 0;
	return AXV_EXIT;
}

/**
 * axv_svm_handle_cr() - a control register was read or written
 * @svm:	vCPU whose last exit says so
 *
 * Context: may sleep.
 * Return: AXV_RESUME; AXV_AGAIN if the code is not that of the exit any more;
 * AXV_EXIT if the VMM has to be told of CR8, or has to deal with an operand in memory.
 */
enum axv_next axv_svm_handle_cr(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;
	struct cr_insn insn;

	if (!identify(svm, &insn))
		return AXV_AGAIN;

	/* The processor checks this before the exit (APM 15.9, table 15-7). */
	if (insn.op != CR_OP_SMSW && svm->vmcb->save.cpl)
		return finish(svm, &insn, false);

	if (insn.memory)
		return exit_msw(svm, insn.op == CR_OP_LMSW);

	switch (insn.op) {
	case CR_OP_READ:
		write_gpr(svm, insn.gpr, axv_x86_code_bits(x) == 64 ? 8 : 4,
			  x->hw->get_cr(x, insn.cr));
		break;
	case CR_OP_WRITE:
		if (insn.cr == 8)
			return write_cr8(svm, &insn);
		return finish(svm, &insn,
			      axv_x86_write_cr(x, insn.cr,
					       x->regs.gpr[insn.gpr]));
	case CR_OP_LMSW:
		return finish(svm, &insn,
			      axv_x86_lmsw(x, x->regs.gpr[insn.gpr]));
	case CR_OP_SMSW:
		write_gpr(svm, insn.gpr, insn.width, x->hw->get_cr(x, 0));
		break;
	default:
		axv_x86_clts(x);
		break;
	}
	return finish(svm, &insn, true);
}
