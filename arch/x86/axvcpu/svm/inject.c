// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the VMCB at an entry, and back out of it where an exit cut their
 * delivery short (APM 15.20, 15.7.2).
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "svm.h"

/*
 * The interrupt window is found by a virtual interrupt of the highest
 * priority that is intercepted before it is taken (APM 15.21.4).
 */
static void arm_irq_window(struct axv_svm_vcpu *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (svm->x.irq_armed)
		return;
	svm->x.irq_armed = true;
	control->int_ctl &= ~V_INTR_PRIO_MASK;
	control->int_ctl |= V_IRQ_MASK | V_INTR_PRIO_MASK | V_IGN_TPR_MASK;
	control->int_vector = 0;
	axv_svm_dirty(svm, SVM_CLEAN_TPR);
	axv_svm_intercept(svm, INTERCEPT_VINTR);
}

/**
 * axv_svm_disarm_irq_window() - the window was found, or is not wanted any more
 * @svm:	vCPU whose claim the caller holds
 */
void axv_svm_disarm_irq_window(struct axv_svm_vcpu *svm)
{
	if (!svm->x.irq_armed)
		return;
	svm->x.irq_armed = false;
	svm->vmcb->control.int_ctl &= ~V_IRQ_INJECTION_BITS_MASK;
	axv_svm_dirty(svm, SVM_CLEAN_TPR);
	axv_svm_unintercept(svm, INTERCEPT_VINTR);
}

/*
 * NMIs stay masked until the handler's IRET is done.  The intercept comes
 * before the IRET, so the window opens one instruction later; with an NMI
 * waiting, a single step finds that point, and likewise the end of an interrupt
 * shadow.
 */
static void open_nmi_window(struct axv_svm_vcpu *svm)
{
	if (svm->nmi_step || (svm->nmi_masked && !svm->nmi_iret))
		return;
	svm->nmi_step = true;
	svm->guest_tf = svm->x.regs.rflags & X86_EFLAGS_TF;
}

/**
 * axv_svm_inject_events() - choose what the next entry delivers
 * @x:		vCPU about to enter
 *
 * Context: interrupts off; takes &axv_vcpu.lock.
 * Return: AXV_RESUME, or AXV_EXIT if the run ends instead.
 */
enum axv_x86_next axv_svm_inject_events(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	struct vmcb_control_area *control = &svm->vmcb->control;
	bool irq_window, nmi_window;
	u64 event;

	if (axv_x86_next_event(x, &event, &irq_window, &nmi_window) == AXV_EXIT)
		return AXV_EXIT;

	if (event) {
		control->event_inj = event;
		control->event_inj_err = event >> AXV_X86_EVENT_ERROR_SHIFT;
		/* Where INT n, INT3 and INTO return to (APM 15.20). */
		control->next_rip = x->regs.rip;
	}
	if (irq_window)
		arm_irq_window(svm);
	else
		axv_svm_disarm_irq_window(svm);
	/* TF would get into the flags that the event pushes. */
	if (nmi_window && !event)
		open_nmi_window(svm);
	return AXV_RESUME;
}

/**
 * axv_svm_save_interrupted_event() - keep an event that was being delivered
 * @svm:	vCPU that just left the guest
 *
 * A guest that was shut down by it is past its delivery.
 */
void axv_svm_save_interrupted_event(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u64 event = control->exit_int_info;
	u64 type = event & AXV_X86_EVENT_TYPE;
	u8 vector = event & AXV_X86_EVENT_VECTOR;
	bool soft = type == AXV_X86_EVENT_TYPE_SOFT ||
		    (type == AXV_X86_EVENT_TYPE_EXCEPTION &&
		     (vector == X86_TRAP_BP || vector == X86_TRAP_OF));

	if (control->exit_code == SVM_EXIT_SHUTDOWN)
		return;
	if (event & AXV_X86_EVENT_ERROR_VALID)
		event |= (u64)control->exit_int_info_err <<
			 AXV_X86_EVENT_ERROR_SHIFT;
	axv_x86_event_cut_short(&svm->x, event, soft);
}

/**
 * axv_svm_nmi_after_exit() - has the IRET of an NMI handler been executed?
 * @svm:	vCPU that just left the guest, with an IRET or a step under way
 */
void axv_svm_nmi_after_exit(struct axv_svm_vcpu *svm)
{
	struct axv_x86_vcpu *x = &svm->x;

	if (svm->nmi_step && !svm->guest_tf &&
	    svm->vmcb->control.exit_code != SVM_EXIT_EXCP_BASE + X86_TRAP_DB)
		x->regs.rflags &= ~(u64)X86_EFLAGS_TF;

	if (svm->nmi_iret && x->regs.rip != svm->nmi_iret_rip) {
		svm->nmi_iret = false;
		svm->nmi_masked = false;
	}
}
