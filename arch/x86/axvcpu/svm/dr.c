// SPDX-License-Identifier: GPL-2.0
/*
 * MOV to and from debug registers, while the VMM owns them.
 *
 * With decode assists the processor names the general register (APM 15.8.1); otherwise the
 * code is read once more, and has to be a MOV of the debug register that the exit's code
 * names.
 */
#include "../debug.h"
#include "../decode.h"
#include "../walk.h"
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

/* Return: false if the bytes cannot be read, or are none of these. */
static bool decode(struct axv_svm_vcpu *svm, struct dr_insn *insn)
{
	unsigned int bits = axv_x86_code_bits(&svm->x);
	u8 bytes[AXV_X86_INSN_MAX], modrm;
	struct axv_x86_prefixes p;
	unsigned int i;
	int size;

	size = axv_x86_fetch(&svm->x, bytes, sizeof(bytes));
	if (size <= 0)
		return false;
	i = axv_x86_take_prefixes(&p, bytes, size, bits);
	if (i + 3 > size || bytes[i] != 0x0f || (bytes[i + 1] & ~2) != 0x21)
		return false;
	modrm = bytes[i + 2];
	insn->dr = ((modrm >> 3) & 7) | (p.rex & 4 ? 8 : 0);
	insn->gpr = (modrm & 7) | (p.rex & 1 ? 8 : 0);
	insn->len = i + 3;
	insn->write = bytes[i + 1] & 2;
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
