// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the VMCB at an entry, and back out of it where an exit cut their
 * delivery short (APM 15.20, 15.7.2).
 */
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../events.h"
#include "../exit.h"
#include "svm.h"

/*
 * The interrupt window is found by a virtual interrupt of the highest
 * priority that is intercepted before it is taken (APM 15.13.5, 15.21.4).
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
 * An NMI waits, and no event is injected before it: have the next entry find the
 * point where the guest can take the NMI.
 *
 * NMIs stay masked until the handler's IRET is done.  The intercept comes before the IRET, so the
 * window opens one instruction later; a single step finds that point.  A single step also finds
 * the end of an interrupt shadow.  An IRET to another task is not stepped: it exits, before it is
 * done.
 */
static void open_nmi_window(struct axv_svm_vcpu *svm)
{
	if (svm->nmi_masked && !svm->nmi_iret)
		return;
	if (svm->nmi_iret && (svm->x.regs.rflags & X86_EFLAGS_NT))
		return;
	svm->nmi_armed = true;
	axv_svm_begin_step(svm);
}

/*
 * The processor takes the NMI as soon as it can (APM 15.21.10).  It stays in the
 * queue until axv_svm_after_step() sees that it was taken.
 */
static void arm_vnmi(struct axv_svm_vcpu *svm)
{
	svm->nmi_armed = true;
	svm->vmcb->control.int_ctl |= SVM_V_NMI_PENDING;
	axv_svm_dirty(svm, SVM_CLEAN_TPR);
}

/*
 * A physical interrupt that is pending at VMRUN ends the guest between the event's
 * delivery and the handler's first instruction (APM 15.20).
 */
static void stop_behind_event(struct axv_svm_vcpu *svm)
{
	irq_work_queue(&svm->nmi_poke);
}

/* The VMM steps the guest: the delivery of an event is a step. */
static void step(struct axv_svm_vcpu *svm, u64 event)
{
	svm->x.debug.by_tf = false;
	if (event) {
		stop_behind_event(svm);
		return;
	}
	svm->stepping = true;
	axv_svm_begin_step(svm);
	svm->x.debug.by_tf = true;
	svm->x.debug.guest_tf = svm->step_tf;
}

/*
 * An NMI waits behind an injected event.  Does the guest have to exit when the event's handler is
 * entered?  Yes, unless NMIs are masked and no IRET is about to unmask them.
 */
static bool stops_for_nmi(const struct axv_svm_vcpu *svm)
{
	return !svm->nmi_masked || svm->nmi_iret;
}

static void nothing(struct irq_work *work)
{
}

/**
 * axv_svm_nmi_init() - initialize @nmi_poke of a new vCPU
 * @svm:	the vCPU
 */
void axv_svm_nmi_init(struct axv_svm_vcpu *svm)
{
	svm->nmi_poke = IRQ_WORK_INIT_HARD(nothing);
}

/**
 * axv_svm_nmi_exit() - wait until nothing refers to the vCPU any more
 * @svm:	vCPU that is being destroyed
 *
 * Context: may sleep.
 */
void axv_svm_nmi_exit(struct axv_svm_vcpu *svm)
{
	irq_work_sync(&svm->nmi_poke);
}

/**
 * axv_svm_inject_events() - choose what the next entry delivers
 * @x:		vCPU about to enter
 *
 * Context: interrupts off; takes &axv_vcpu.lock.
 * Return: AXV_RESUME, or AXV_EXIT if the run ends instead.
 */
enum axv_next axv_svm_inject_events(struct axv_x86_vcpu *x)
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
		/* The handler begins without a shadow, which VMRUN need not clear. */
		control->int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
	}
	if (irq_window)
		arm_irq_window(svm);
	else
		axv_svm_disarm_irq_window(svm);
	/* Each step ends at a point where an NMI can be taken, if the guest can take one. */
	if (unlikely(x->step)) {
		step(svm, event);
		return AXV_RESUME;
	}
	if (likely(!nmi_window))
		return AXV_RESUME;
	if (axv_svm.vnmi)
		arm_vnmi(svm);
	else if (!event)
		open_nmi_window(svm);
	else if (stops_for_nmi(svm))
		stop_behind_event(svm);
	return AXV_RESUME;
}

/**
 * axv_svm_save_interrupted_event() - keep an event that was being delivered
 * @svm:	vCPU that just left the guest
 *
 * If the delivery shut the guest down, nothing is kept.
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
