// SPDX-License-Identifier: GPL-2.0
/*
 * One instruction of the guest, by a single step: to find out where a pending NMI can be
 * taken, or for the VMM.  The guest sees no TF and no #DB of it.
 */
#include <linux/kernel.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../debug.h"
#include "../events.h"
#include "../exit.h"
#include "../walk.h"
#include "svm.h"

/* What #DB sets in DR6 (APM 13.1.1.3). */
#define DR6_CAUSES	(DR_TRAP_BITS | BIT_ULL(13) | DR_STEP | BIT_ULL(15))

/* The byte of RFLAGS that has TF. */
#define TF_BYTE		1
#define TF_IN_BYTE	(X86_EFLAGS_TF >> 8)

/*
 * While the guest is stepped, instructions that store RFLAGS or load TF exit, and so do
 * MOV DR and every exception; a task switch always exits.  Otherwise the guest sees a TF
 * that it did not set, or loses one that it did.  SYSCALL and SYSRET have no intercept:
 * EFER.SCE is cleared, which makes them undefined.
 */
static const u8 step_intercepts[] = {
	INTERCEPT_PUSHF,
	INTERCEPT_POPF,
	INTERCEPT_INTn,
	INTERCEPT_ICEBP,
};

/**
 * axv_svm_begin_step() - have the next entry execute one instruction
 * @svm:	vCPU that is about to be entered, without an event
 */
void axv_svm_begin_step(struct axv_svm_vcpu *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct vmcb_save_area *save = &svm->vmcb->save;
	unsigned int i;

	if (svm->step_open_rip != svm->x.regs.rip)
		svm->step_open = 0;
	for (i = 0; i < ARRAY_SIZE(step_intercepts); i++)
		if (step_intercepts[i] != svm->step_open)
			axv_svm_intercept(svm, step_intercepts[i]);
	if (!svm->nmi_iret && svm->step_open != INTERCEPT_IRET)
		axv_svm_intercept(svm, INTERCEPT_IRET);
	control->intercepts[INTERCEPT_EXCEPTION] = ~0u;
	control->intercepts[INTERCEPT_DR] = ~0u;

	svm->step_tf = svm->x.regs.rflags & X86_EFLAGS_TF;
	svm->step_dr6 = save->dr6;
	svm->step_rsp = svm->x.regs.gpr[AXV_X86_RSP];
	svm->x.regs.rflags |= X86_EFLAGS_TF;
	save->dr6 = DR6_RESERVED;
	save->efer &= ~(u64)EFER_SCE;
	axv_svm_dirty(svm, SVM_CLEAN_INTERCEPTS | SVM_CLEAN_CR | SVM_CLEAN_DR);
}

/*
 * @causes: causes of a #DB as the step left them, in DR6's bits.
 * @loaded: an IRET or POPF has loaded the flags, so TF is the guest's already.
 * Return: the causes of which the guest or the VMM has to be told.
 */
static u64 end_step(struct axv_svm_vcpu *svm, u64 causes, bool loaded)
{
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 *rflags = &svm->x.regs.rflags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(step_intercepts); i++)
		axv_svm_unintercept(svm, step_intercepts[i]);
	if (!svm->nmi_masked || svm->nmi_iret)
		axv_svm_unintercept(svm, INTERCEPT_IRET);
	axv_svm_update_exceptions(svm);
	axv_svm_intercept_dr(&svm->x);
	save->efer = svm->x.efer | EFER_SVME;

	if (!loaded)
		*rflags = (*rflags & ~(u64)X86_EFLAGS_TF) | svm->step_tf;
	if (!svm->step_tf && !svm->x.step)
		causes &= ~(u64)DR_STEP;
	save->dr6 = svm->step_dr6 | causes;
	axv_svm_dirty(svm, SVM_CLEAN_CR | SVM_CLEAN_DR);
	return causes;
}

static bool is_exception(u32 code)
{
	return code >= SVM_EXIT_EXCP_BASE && code <= SVM_EXIT_EXCP_BASE + 31;
}

/* Exits that end a step before the instruction is executed; a task switch exits again. */
static bool is_step_exit(u32 code)
{
	switch (code) {
	case SVM_EXIT_PUSHF:
	case SVM_EXIT_POPF:
	case SVM_EXIT_SWINT:
	case SVM_EXIT_ICEBP:
	case SVM_EXIT_IRET:
	case SVM_EXIT_TASK_SWITCH:
	case SVM_EXIT_READ_DR0 ... SVM_EXIT_WRITE_DR0 + 15:
		return true;
	}
	return is_exception(code) && code != SVM_EXIT_EXCP_BASE + X86_TRAP_DB &&
	       code != SVM_EXIT_EXCP_BASE + X86_TRAP_MC;
}

static void end_vnmi(struct axv_svm_vcpu *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (!(control->int_ctl & SVM_V_NMI_PENDING)) {
		axv_x86_nmi_taken(&svm->x);
		return;
	}
	control->int_ctl &= ~SVM_V_NMI_PENDING;
	axv_svm_dirty(svm, SVM_CLEAN_TPR);
}

/*
 * The next step at this place does execute the instruction, with TF set.  POPF and IRET load
 * TF, but do not store it; what PUSHF stores is mended by axv_svm_hide_tf().
 */
static void leave_open(struct axv_svm_vcpu *svm, u8 intercept)
{
	svm->step_open = intercept;
	svm->step_open_rip = svm->x.regs.rip;
}

/*
 * A step for the VMM has ended.  @iret: the IRET of an NMI handler was to be stepped, and has
 * not been done.
 *
 * Return: true if the exit is answered.
 */
static bool after_vmm_step(struct axv_svm_vcpu *svm, u32 code, bool iret)
{
	/* Another vCPU overwrote the IRET: NMIs stay masked until the handler's next one. */
	if (iret && is_step_exit(code) && !is_exception(code) && code != SVM_EXIT_TASK_SWITCH) {
		svm->x.hw->set_nmi_masked(&svm->x, true);
		return true;
	}
	switch (code) {
	case SVM_EXIT_PUSHF:
		leave_open(svm, INTERCEPT_PUSHF);
		return true;
	case SVM_EXIT_POPF:
		leave_open(svm, INTERCEPT_POPF);
		return true;
	case SVM_EXIT_IRET:
		if (svm->nmi_masked)
			return false;
		leave_open(svm, INTERCEPT_IRET);
		return true;
	}
	return false;
}

/**
 * axv_svm_after_step() - find out what became of a step, of a pending NMI or its handler's IRET
 * @svm:	vCPU that just left the guest, with &axv_svm_vcpu.after_exit
 *
 * A step ends with every exit, and axv_svm_inject_events() begins another if one
 * is still needed.  If an NMI is pending, and the instruction behind STI or MOV SS is one
 * that must not be stepped, the shadow ends before it: such instructions use the stack as
 * it is there, so the guest can take an NMI there as well.
 *
 * Return: true if the exit is answered.
 */
bool axv_svm_after_step(struct axv_svm_vcpu *svm)
{
	u64 causes = (svm->vmcb->save.dr6 ^ DR6_RESERVED) & DR6_CAUSES;
	u32 code = svm->vmcb->control.exit_code;
	struct axv_x86_vcpu *x = &svm->x;
	bool for_vmm = svm->stepping, iret = svm->nmi_iret;
	bool step = svm->nmi_armed || for_vmm;
	bool debug, stepped, done, loaded;

	svm->nmi_armed = false;
	svm->stepping = false;
	if (axv_svm.vnmi && !for_vmm) {
		end_vnmi(svm);
		return false;
	}

	/* With no cause but an instruction breakpoint, the #DB comes before the instruction. */
	debug = step && code == SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
	stepped = debug && (!causes || (causes & DR_STEP));
	done = iret && (x->regs.rip != svm->nmi_iret_rip || stepped);
	loaded = done || (stepped && (svm->step_open == INTERCEPT_POPF ||
				      svm->step_open == INTERCEPT_IRET));
	if (step)
		causes = end_step(svm, causes, loaded);
	if (done) {
		svm->nmi_iret = false;
		svm->nmi_masked = false;
	}
	if (!step)
		return false;
	if (stepped) {
		svm->step_pushed = svm->step_open == INTERCEPT_PUSHF && !svm->step_tf;
		svm->step_open = 0;
	}
	if (for_vmm)
		return after_vmm_step(svm, code, iret && !done);
	if (debug)
		return !causes;
	if (!is_step_exit(code))
		return false;
	if (!iret) {
		x->hw->set_shadow(x, AXV_X86_SHADOW_NONE);
		return true;
	}
	/* IRET faulted: the guest gets the exception. */
	if (is_exception(code))
		return false;
	/* Another vCPU overwrote the IRET: NMIs stay masked until the handler's next one. */
	x->hw->set_nmi_masked(x, true);
	return true;
}

/* The linear address of the byte with TF that PUSHF has stored.  Return: 0 or -EFAULT. */
static int pushed_tf(struct axv_svm_vcpu *svm, u64 *linear)
{
	struct axv_x86_vcpu *x = &svm->x;
	u64 rsp = x->regs.gpr[AXV_X86_RSP];
	struct axv_x86_segment ss;
	struct axv_x86_fault fault;
	unsigned int width = 8;

	if (axv_x86_code_bits(x) != 64) {
		x->hw->get_segment(x, AXV_X86_SS, &ss);
		width = ss.attr & AXV_X86_ATTR_DB ? 4 : 2;
	}
	/* Another vCPU may have overwritten the PUSHF: nothing else moves RSP so. */
	switch (axv_x86_mask(svm->step_rsp - rsp, width)) {
	case 2:
	case 4:
	case 8:
		return axv_x86_linear(x, AXV_X86_SS, axv_x86_mask(rsp + TF_BYTE, width), 1, true,
				      linear, &fault);
	}
	return -EFAULT;
}

/**
 * axv_svm_hide_tf() - clear the TF that a stepped PUSHF has stored
 * @svm:	vCPU whose last exit is #DB
 *
 * If the guest's tables have changed since, it stays.  Another vCPU may see it for a moment.
 *
 * Context: process context; may sleep.
 */
void axv_svm_hide_tf(struct axv_svm_vcpu *svm)
{
	struct axv_x86_fault fault;
	u64 linear;
	u8 byte;

	if (!svm->step_pushed)
		return;
	svm->step_pushed = false;
	if (pushed_tf(svm, &linear) ||
	    axv_x86_read_linear(&svm->x, linear, &byte, sizeof(byte), &fault))
		return;
	byte &= ~TF_IN_BYTE;
	axv_x86_write_linear(&svm->x, linear, &byte, sizeof(byte), &fault);
}

/**
 * axv_svm_step_int1() - INT1 exited, because the guest is stepped
 * @svm:	vCPU whose last exit waits
 *
 * Its #DB has no cause in DR6, and comes behind it (APM vol. 3, INT1).
 *
 * Context: may sleep.
 * Return: as axv_x86_guest_exception(); AXV_AGAIN if the code is another by now.
 */
enum axv_next axv_svm_step_int1(struct axv_svm_vcpu *svm)
{
	unsigned int len = axv_svm_length(svm);

	if (!len)
		return AXV_AGAIN;
	axv_x86_skip(&svm->x, len);
	return axv_x86_guest_exception(&svm->x, X86_TRAP_DB, 0, 0);
}
