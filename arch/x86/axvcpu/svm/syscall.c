// SPDX-License-Identifier: GPL-2.0
/*
 * SYSCALL and SYSRET while the VMM steps the guest.
 *
 * They store and load RFLAGS in R11 and have no intercept, and SYSCALL may clear TF, which
 * would end the step.  So EFER.SCE is clear in the VMCB during a step: the two are #UD, and
 * are executed here (APM vol. 3, SYSCALL and SYSRET).  They access no memory.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../code.h"
#include "../decode.h"
#include "../events.h"
#include "../regs.h"
#include "svm.h"

#define STAR_EIP(star)		((u32)(star))
#define STAR_SYSCALL(star)	((u16)((star) >> 32) & 0xfffc)
#define STAR_SYSRET(star)	((u16)((star) >> 48) & 0xfffc)

/* Attributes of the segments that the two load. */
#define CODE64		(AXV_X86_ATTR_G | AXV_X86_ATTR_L | AXV_X86_ATTR_P | AXV_X86_ATTR_S | 0xb)
#define CODE32		(AXV_X86_ATTR_G | AXV_X86_ATTR_DB | AXV_X86_ATTR_P | AXV_X86_ATTR_S | 0xb)
#define DATA		(AXV_X86_ATTR_G | AXV_X86_ATTR_DB | AXV_X86_ATTR_P | AXV_X86_ATTR_S | 0x3)

static void load_flat(struct axv_x86_vcpu *x, unsigned int seg, u16 selector, u16 attr)
{
	const struct axv_x86_segment segment = {
		.limit = U32_MAX, .selector = selector, .attr = attr,
	};

	x->hw->set_segment(x, seg, &segment);
}

static void syscall(struct axv_svm_vcpu *svm, unsigned int bits, u64 next)
{
	const struct vmcb_save_area *save = &svm->vmcb->save;
	struct axv_x86_gprs *regs = &svm->x.regs;
	bool long_mode = svm->x.efer & EFER_LMA;

	regs->gpr[AXV_X86_RCX] = next;
	if (long_mode) {
		regs->gpr[AXV_X86_R11] = regs->rflags & ~(u64)X86_EFLAGS_RF;
		regs->rip = bits == 64 ? save->lstar : save->cstar;
		regs->rflags &= ~save->sfmask;
	} else {
		regs->rip = STAR_EIP(save->star);
		regs->rflags &= ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_IF);
	}
	regs->rflags = (regs->rflags & ~(u64)X86_EFLAGS_RF) | X86_EFLAGS_FIXED;
	load_flat(&svm->x, AXV_X86_CS, STAR_SYSCALL(save->star), long_mode ? CODE64 : CODE32);
	load_flat(&svm->x, AXV_X86_SS, STAR_SYSCALL(save->star) + 8, DATA);
}

/* SYSRET changes of SS no more than the selector; but CPL is kept with SS. */
static void sysret(struct axv_svm_vcpu *svm, unsigned int bits, bool wide)
{
	u16 selector = STAR_SYSRET(svm->vmcb->save.star) | 3;
	struct axv_x86_gprs *regs = &svm->x.regs;
	struct axv_x86_segment ss;

	if (bits == 64)
		regs->rflags = (regs->gpr[AXV_X86_R11] & AXV_X86_RFLAGS_KNOWN &
				~(u64)(X86_EFLAGS_RF | X86_EFLAGS_VM)) | X86_EFLAGS_FIXED;
	else
		regs->rflags |= X86_EFLAGS_IF;
	regs->rip = wide ? regs->gpr[AXV_X86_RCX] : (u32)regs->gpr[AXV_X86_RCX];
	if (wide)
		load_flat(&svm->x, AXV_X86_CS, selector + 16, CODE64 | AXV_X86_ATTR_DPL);
	else
		load_flat(&svm->x, AXV_X86_CS, selector, CODE32 | AXV_X86_ATTR_DPL);
	svm->x.hw->get_segment(&svm->x, AXV_X86_SS, &ss);
	ss.selector = selector + 8;
	ss.attr |= AXV_X86_ATTR_DPL;
	svm->x.hw->set_segment(&svm->x, AXV_X86_SS, &ss);
}

/**
 * axv_svm_step_syscall() - execute a SYSCALL or SYSRET that was undefined because of a step
 * @svm:	vCPU whose last exit is #UD
 *
 * Context: may sleep.
 * Return: false: it is another instruction, and the #UD is the guest's; or it is undefined
 * for the guest, too.
 */
bool axv_svm_step_syscall(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;
	struct axv_x86_code *code;
	struct axv_x86_prefixes p;
	unsigned int i;
	u64 next;

	if (!(x->efer & EFER_SCE) || !(x->cr0 & X86_CR0_PE))
		return false;
	code = axv_x86_get_code(x);
	i = axv_x86_take_prefixes(&p, code->bytes, code->count, code->bits);
	if (i + 2 > code->count || code->bytes[i] != 0x0f || p.lock)
		return false;

	next = x->regs.rip + i + 2;
	switch (code->bytes[i + 1]) {
	case 0x05:
		syscall(svm, code->bits, code->bits == 64 ? next : (u32)next);
		break;
	case 0x07:
		if (x->hw->cpl(x)) {
			axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
			return true;
		}
		sysret(svm, code->bits, p.op_width == 8);
		break;
	default:
		return false;
	}
	x->hw->set_shadow(x, AXV_X86_SHADOW_NONE);
	return true;
}
