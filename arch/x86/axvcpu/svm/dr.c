// SPDX-License-Identifier: GPL-2.0
/*
 * MOV to and from debug registers, while the VMM owns them.
 *
 * With decode assists the processor names the general register (APM 15.8.1); otherwise the
 * code is read once more, and has to be a MOV of the debug register that the exit's code
 * names.
 */
#include "../debug.h"
#include "opcode.h"
#include "svm.h"

/* EXITINFO1 with decode assists (APM 15.8.1). */
#define DR_INFO_GPR(info)	((info) & 15)

/**
 * struct dr_insn - a MOV to or from a debug register
 * @dr:		number of the debug register
 * @gpr:	general register
 * @len:	bytes
 * @write:	to the debug register
 */
struct dr_insn {
	u8 dr;
	u8 gpr;
	u8 len;
	bool write;
};

/* Return: false if the code cannot be read, or is none of these. */
static bool decode(struct axv_svm_vcpu *svm, struct dr_insn *insn)
{
	struct axv_svm_opcode op;

	if (!axv_svm_read_opcode(svm, &op) || !op.has_modrm || (op.second & ~2) != 0x21)
		return false;
	insn->dr = axv_svm_opcode_reg(&op);
	insn->gpr = axv_svm_opcode_rm(&op);
	insn->len = op.len + 1;
	insn->write = op.second & 2;
	return true;
}

/**
 * axv_svm_handle_dr() - a debug register was read or written
 * @svm:	vCPU whose last exit says so, with axv_x86_owns_dr()
 *
 * Context: may sleep.
 * Return: as axv_x86_mov_dr(); AXV_AGAIN if the code is not that of the exit any more.
 */
enum axv_next axv_svm_handle_dr(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	struct dr_insn told = {
		.dr = (control->exit_code - SVM_EXIT_READ_DR0) & 15,
		.gpr = DR_INFO_GPR(control->exit_info_1),
		.len = axv_svm_saved_length(svm),
		.write = control->exit_code >= SVM_EXIT_WRITE_DR0,
	};
	struct dr_insn insn;

	if (!told.len || !axv_svm.decode_assists) {
		if (!decode(svm, &insn) || insn.dr != told.dr || insn.write != told.write)
			return AXV_AGAIN;
		told = insn;
	}
	return axv_x86_mov_dr(&svm->x, told.dr, told.write, told.gpr, told.len);
}
