// SPDX-License-Identifier: GPL-2.0
/*
 * Only for processors that do not save the next RIP at an exit (APM 15.7.1): the
 * code is read once more, to find the length of the instruction.
 */
#include <asm/trapnr.h>

#include "../code.h"
#include "../debug.h"
#include "../events.h"
#include "../exit.h"
#include "svm.h"

/* Opcodes as axv_x86_insn_length() tells them (APM vol. 3, appendix A). */
#define OPCODE_INT3	0xcc
#define OPCODE_INT	0xcd
#define OPCODE_INTO	0xce
#define OPCODE_INT1	0xf1
#define OPCODE_HLT	0xf4
#define OPCODE_INVD	0x0f08
#define OPCODE_WBINVD	0x0f09
#define OPCODE_WRMSR	0x0f30
#define OPCODE_RDMSR	0x0f32
#define OPCODE_CPUID	0x0fa2
#define OPCODE_XSETBV	0x0f01d1
#define OPCODE_VMMCALL	0x0f01d9

/* Can this instruction have caused the last exit? (APM appendix C) */
static bool is_exit_of(const struct vmcb_control_area *control, u32 opcode)
{
	switch (control->exit_code) {
	case SVM_EXIT_HLT:
		return opcode == OPCODE_HLT;
	case SVM_EXIT_CPUID:
		return opcode == OPCODE_CPUID;
	case SVM_EXIT_VMMCALL:
		return opcode == OPCODE_VMMCALL;
	case SVM_EXIT_MSR:
		return opcode == (control->exit_info_1 ? OPCODE_WRMSR :
							 OPCODE_RDMSR);
	case SVM_EXIT_XSETBV:
		return opcode == OPCODE_XSETBV;
	case SVM_EXIT_WBINVD:	/* how one implementation reports INVD, too */
	case SVM_EXIT_INVD:
		return opcode == OPCODE_WBINVD || opcode == OPCODE_INVD;
	case SVM_EXIT_SWINT:	/* how it reports INT3 and INTO, too */
		return opcode == OPCODE_INT || opcode == OPCODE_INT3 ||
		       opcode == OPCODE_INTO;
	case SVM_EXIT_ICEBP:
		return opcode == OPCODE_INT1;
	case SVM_EXIT_EXCP_BASE + X86_TRAP_BP:
		return opcode == OPCODE_INT3;
	case SVM_EXIT_EXCP_BASE + X86_TRAP_OF:
		return opcode == OPCODE_INTO;
	default:
		return false;
	}
}

/*
 * Reads the instruction that exited once more; may sleep.  Return: its length;
 * 0 if it cannot be read, or is another one by now.
 */
static unsigned int read_insn(struct axv_svm_vcpu *svm, const u8 **bytes, u32 *opcode)
{
	struct axv_x86_code *code = axv_x86_get_code(&svm->x);
	unsigned int len = axv_x86_code_length(code, opcode);

	*bytes = code->bytes;
	return len && is_exit_of(&svm->vmcb->control, *opcode) ? len : 0;
}

/**
 * axv_svm_no_nrips_length() - length of the instruction that exited, by its bytes
 * @svm:	vCPU whose last exit waits
 *
 * Context: the claim is held; may sleep.
 * Return: bytes; 0 if they cannot be read, or are another instruction by now.
 */
unsigned int axv_svm_no_nrips_length(struct axv_svm_vcpu *svm)
{
	const u8 *bytes;
	u32 opcode;

	return read_insn(svm, &bytes, &opcode);
}

/**
 * axv_svm_no_nrips_known() - axv_svm_no_nrips_length() of an instruction in code.c's cache
 * @svm:	vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: bytes; 0 if axv_svm_no_nrips_length() has to find out.
 */
unsigned int axv_svm_no_nrips_known(struct axv_svm_vcpu *svm)
{
	const struct axv_x86_code *code = axv_x86_known_code(&svm->x);

	if (!code || !code->measured || !is_exit_of(&svm->vmcb->control, code->opcode))
		return 0;
	/* As axv_x86_handle_slow() does for an exit that was answered. */
	svm->x.again = 0;
	return code->length;
}

/**
 * axv_svm_no_nrips_int() - INT n was intercepted
 * @svm:	vCPU whose last exit waits
 *
 * A processor that reports INT3 as INT n instead of as #BP is no processor of AMD's,
 * but there is one in emulation, and it has no next-RIP saving either: see
 * axv_svm_update_exceptions().  While the guest is stepped, INT n exits on every processor.
 *
 * Context: the claim is held; may sleep.
 * Return: AXV_EXIT for an INT3 that the VMM asked for; AXV_RESUME, and an INT n is to
 * be delivered; AXV_AGAIN if the code is another by now.
 */
enum axv_next axv_svm_no_nrips_int(struct axv_svm_vcpu *svm)
{
	const u8 *bytes;
	unsigned int len;
	u32 opcode;

	len = read_insn(svm, &bytes, &opcode);
	if (!len)
		return AXV_AGAIN;
	if (opcode == OPCODE_INT3)
		return axv_x86_soft_exception(&svm->x, X86_TRAP_BP, len);
	if (opcode == OPCODE_INTO)
		return axv_x86_soft_exception(&svm->x, X86_TRAP_OF, len);

	axv_x86_skip(&svm->x, len);
	axv_x86_cut_short(&svm->x, AXV_X86_EVENT_VALID |
			  AXV_X86_EVENT_TYPE_SOFT | bytes[len - 1], 0);
	return AXV_RESUME;
}
