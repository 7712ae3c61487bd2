// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the VMCB at an entry, and back out of it where an exit cut their
 * delivery short (APM 15.20, 15.7.2).
 */
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../events.h"
#include "../exit.h"
#include "svm.h"

/* What #DB sets in DR6 (APM 13.1.1.3). */
#define DR6_CAUSES	(DR_TRAP_BITS | BIT_ULL(13) | DR_STEP | BIT_ULL(15))

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

static void begin_step(struct axv_svm_vcpu *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct vmcb_save_area *save = &svm->vmcb->save;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(step_intercepts); i++)
		axv_svm_intercept(svm, step_intercepts[i]);
	if (!svm->nmi_iret)
		axv_svm_intercept(svm, INTERCEPT_IRET);
	control->intercepts[INTERCEPT_EXCEPTION] = ~0u;
	control->intercepts[INTERCEPT_DR] = ~0u;

	svm->step_tf = svm->x.regs.rflags & X86_EFLAGS_TF;
	svm->step_dr6 = save->dr6;
	svm->x.regs.rflags |= X86_EFLAGS_TF;
	save->dr6 = DR6_RESERVED;
	save->efer &= ~(u64)EFER_SCE;
	axv_svm_dirty(svm, SVM_CLEAN_CR | SVM_CLEAN_DR);
}

/*
 * @causes: causes of a #DB as the step left them, in DR6's bits.
 * @loaded: an IRET has loaded the flags, so TF is the guest's already.
 * Return: the causes of which the guest has to be told.
 */
static u64 end_step(struct axv_svm_vcpu *svm, u64 causes, bool loaded)
{
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 *rflags = &svm->x.regs.rflags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(step_intercepts); i++)
		axv_svm_unintercept(svm, step_intercepts[i]);
	axv_svm_unintercept(svm, INTERCEPT_IRET);
	axv_svm_update_exceptions(svm);
	axv_svm_intercept_dr(&svm->x);
	save->efer = svm->x.efer | EFER_SVME;

	if (!loaded)
		*rflags = (*rflags & ~(u64)X86_EFLAGS_TF) | svm->step_tf;
	if (!svm->step_tf)
		causes &= ~(u64)DR_STEP;
	save->dr6 = svm->step_dr6 | causes;
	axv_svm_dirty(svm, SVM_CLEAN_CR | SVM_CLEAN_DR);
	return causes;
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
	case SVM_EXIT_EXCP_BASE ... SVM_EXIT_EXCP_BASE + 31:
		return code != SVM_EXIT_EXCP_BASE + X86_TRAP_DB &&
		       code != SVM_EXIT_EXCP_BASE + X86_TRAP_MC;
	}
	return false;
}

/*
 * An NMI waits, and no event is injected before it: have the next entry find the
 * point where the guest can take the NMI.
 *
 * NMIs stay masked until the handler's IRET is done.  The intercept comes
 * before the IRET, so the window opens one instruction later; a single step
 * finds that point, and likewise the end of an interrupt shadow.  An IRET to
 * another task is not stepped: it exits, before it is done.
 */
static void open_nmi_window(struct axv_svm_vcpu *svm)
{
	if (svm->nmi_masked && !svm->nmi_iret)
		return;
	if (svm->nmi_iret && (svm->x.regs.rflags & X86_EFLAGS_NT))
		return;
	svm->nmi_armed = true;
	begin_step(svm);
}

/*
 * The processor takes the NMI as soon as it can (APM 15.21.10).  It stays in the
 * queue until axv_svm_nmi_after_exit() sees that it was taken.
 */
static void arm_vnmi(struct axv_svm_vcpu *svm)
{
	svm->nmi_armed = true;
	svm->vmcb->control.int_ctl |= SVM_V_NMI_PENDING;
	axv_svm_dirty(svm, SVM_CLEAN_TPR);
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
 * An NMI waits behind an event whose handler has to be entered first.  A
 * physical interrupt that is pending at VMRUN ends the guest between the event's
 * delivery and the handler's first instruction (APM 15.20).
 */
static void stop_behind_event(struct axv_svm_vcpu *svm)
{
	if (!svm->nmi_masked || svm->nmi_iret)
		irq_work_queue(&svm->nmi_poke);
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
	if (likely(!nmi_window))
		return AXV_RESUME;
	if (axv_svm.vnmi)
		arm_vnmi(svm);
	else if (event)
		stop_behind_event(svm);
	else
		open_nmi_window(svm);
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

/**
 * axv_svm_nmi_after_exit() - find out what became of a pending NMI or its handler's IRET
 * @svm:	vCPU that just left the guest, with @nmi_armed or @nmi_iret set
 *
 * A step ends with every exit, and axv_svm_inject_events() begins another if one
 * is still needed.  If the instruction behind STI or MOV SS is one that must not be
 * stepped, the shadow ends before it: such instructions use the stack as it is there,
 * so the guest can take an NMI there as well.
 *
 * Return: true if the exit is answered.
 */
bool axv_svm_nmi_after_exit(struct axv_svm_vcpu *svm)
{
	u64 causes = (svm->vmcb->save.dr6 ^ DR6_RESERVED) & DR6_CAUSES;
	u32 code = svm->vmcb->control.exit_code;
	struct axv_x86_vcpu *x = &svm->x;
	bool step = svm->nmi_armed, iret = svm->nmi_iret, debug, done;

	svm->nmi_armed = false;
	if (axv_svm.vnmi) {
		end_vnmi(svm);
		return false;
	}

	/* With no cause but an instruction breakpoint, the #DB comes before the IRET. */
	debug = step && code == SVM_EXIT_EXCP_BASE + X86_TRAP_DB;
	done = iret && (x->regs.rip != svm->nmi_iret_rip ||
			(debug && (!causes || (causes & DR_STEP))));
	if (step)
		causes = end_step(svm, causes, done);
	if (done) {
		svm->nmi_iret = false;
		svm->nmi_masked = false;
	}
	if (!step)
		return false;
	if (debug)
		return !causes;
	if (!is_step_exit(code))
		return false;
	if (!iret) {
		x->hw->set_shadow(x, AXV_X86_SHADOW_NONE);
		return true;
	}
	/* IRET faulted: the guest gets the exception. */
	if (code >= SVM_EXIT_EXCP_BASE && code <= SVM_EXIT_EXCP_BASE + 31)
		return false;
	/* Another vCPU overwrote the IRET: NMIs stay masked until the handler's next one. */
	x->hw->set_nmi_masked(x, true);
	return true;
}
