// SPDX-License-Identifier: GPL-2.0
/*
 * Events into the VMCS at an entry, and back out of it where an exit cut their
 * delivery short (SDM vol. 3C, "VM-Entry Controls for Event Injection" and
 * "Information for VM Exits That Occur During Event Delivery").
 *
 * Both fields have the form of the lower half of AXV_X86_EVENT_*.
 */
#include <linux/build_bug.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../exit.h"
#include "insn.h"
#include "vmx.h"

static_assert(AXV_X86_EVENT_VECTOR == INTR_INFO_VECTOR_MASK);
static_assert(AXV_X86_EVENT_TYPE == INTR_INFO_INTR_TYPE_MASK);
static_assert(AXV_X86_EVENT_TYPE_EXTINT == INTR_TYPE_EXT_INTR);
static_assert(AXV_X86_EVENT_TYPE_NMI == INTR_TYPE_NMI_INTR);
static_assert(AXV_X86_EVENT_TYPE_EXCEPTION == INTR_TYPE_HARD_EXCEPTION);
static_assert(AXV_X86_EVENT_TYPE_SOFT == INTR_TYPE_SOFT_INTR);
static_assert(AXV_X86_EVENT_ERROR_VALID == INTR_INFO_DELIVER_CODE_MASK);
static_assert(AXV_X86_EVENT_VALID == INTR_INFO_VALID_MASK);

#define EVENT_BITS	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE | \
			 AXV_X86_EVENT_ERROR_VALID | AXV_X86_EVENT_VECTOR)

/* Instruction length for an injected INT n: 0, or 1 where 0 is not allowed. */
static unsigned int soft_len(void)
{
	return axv_vmx_caps.inject_len_0 ? 0 : 1;
}

static void set_window(struct axv_vmx_vcpu *vmx, u32 control, bool open)
{
	u64 controls = axv_vmx_get(vmx, AXV_VMX_CPU_CONTROLS);

	if (open)
		controls |= control;
	else
		controls &= ~(u64)control;
	axv_vmx_set(vmx, AXV_VMX_CPU_CONTROLS, controls);
}

/**
 * axv_vmx_close_irq_window() - the interrupt window has opened: do not exit for it again
 * @vmx:	vCPU whose claim the caller holds
 */
void axv_vmx_close_irq_window(struct axv_vmx_vcpu *vmx)
{
	vmx->x.irq_armed = false;
	set_window(vmx, CPU_BASED_INTR_WINDOW_EXITING, false);
}

/**
 * axv_vmx_close_nmi_window() - the NMI window has opened: do not exit for it again
 * @vmx:	vCPU whose claim the caller holds
 */
void axv_vmx_close_nmi_window(struct axv_vmx_vcpu *vmx)
{
	set_window(vmx, CPU_BASED_NMI_WINDOW_EXITING, false);
}

/*
 * Entry refuses to inject an NMI while NMIs are blocked, and blocks NMIs itself when it
 * injects one (SDM, "Checks on Guest Non-Register State", "Effects on ... Virtual-NMI
 * Blocking").
 */
static void write_event(struct axv_vmx_vcpu *vmx, u64 event)
{
	u64 type = event & AXV_X86_EVENT_TYPE;

	if (type == AXV_X86_EVENT_TYPE_NMI) {
		vmx->x.hw->set_nmi_masked(&vmx->x, false);
	} else if (type == AXV_X86_EVENT_TYPE_SOFT) {
		/* The handler returns to RIP plus the length. */
		vmx->x.regs.rip -= soft_len();
		axv_vmwrite(VM_ENTRY_INSTRUCTION_LEN, soft_len());
	}
	if (event & AXV_X86_EVENT_ERROR_VALID)
		axv_vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE,
			    event >> AXV_X86_EVENT_ERROR_SHIFT);
	axv_vmwrite(VM_ENTRY_INTR_INFO_FIELD, event & EVENT_BITS);
}

/**
 * axv_vmx_inject_events() - choose what the next entry delivers
 * @x:		vCPU about to enter
 *
 * In the shadow of an STI the processor may or may not exit for an open NMI window (SDM,
 * "Other Causes of VM Exits").  So the interrupt window is asked for instead: it opens
 * right behind the shadow.
 *
 * Context: interrupts off; takes &axv_vcpu.lock.
 * Return: AXV_RESUME, or AXV_EXIT if the run ends instead.
 */
enum axv_next axv_vmx_inject_events(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	bool irq_window, nmi_window;
	u64 event;

	if (axv_x86_next_event(x, &event, &irq_window, &nmi_window) == AXV_EXIT)
		return AXV_EXIT;

	if (event)
		write_event(vmx, event);
	if (nmi_window &&
	    (axv_vmx_interruptibility(vmx) & GUEST_INTR_STATE_STI)) {
		irq_window = true;
		nmi_window = false;
	}
	x->irq_armed = irq_window;
	set_window(vmx, CPU_BASED_INTR_WINDOW_EXITING, irq_window);
	set_window(vmx, CPU_BASED_NMI_WINDOW_EXITING, nmi_window);
	return AXV_RESUME;
}

/**
 * axv_vmx_take_back_event() - the entry failed: undo axv_vmx_inject_events()
 * @vmx:	vCPU on this CPU
 */
void axv_vmx_take_back_event(struct axv_vmx_vcpu *vmx)
{
	if ((vmx->x.injected & AXV_X86_EVENT_VALID) &&
	    (vmx->x.injected & AXV_X86_EVENT_TYPE) == AXV_X86_EVENT_TYPE_SOFT)
		vmx->x.regs.rip += soft_len();
	axv_vmwrite(VM_ENTRY_INTR_INFO_FIELD, 0);
}

/**
 * axv_vmx_is_soft() - did an instruction cause this event?
 * @info:	IDT-vectoring information
 *
 * That is INT n, INT1, INT3 or INTO; the instruction pointer is still at it.
 */
bool axv_vmx_is_soft(u32 info)
{
	switch (info & VECTORING_INFO_TYPE_MASK) {
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
	case INTR_TYPE_SOFT_EXCEPTION:
		return true;
	}
	return false;
}

/**
 * axv_vmx_event() - convert an event to the form of AXV_X86_EVENT_*
 * @info:	IDT-vectoring information
 * @error:	IDT-vectoring error code
 */
u64 axv_vmx_event(u32 info, u32 error)
{
	u64 event = info & EVENT_BITS;

	/* Only VMX has types of their own for INT1, and for INT3 and INTO. */
	if (axv_vmx_is_soft(info) &&
	    (info & VECTORING_INFO_TYPE_MASK) != INTR_TYPE_SOFT_INTR)
		event = (event & ~AXV_X86_EVENT_TYPE) |
			AXV_X86_EVENT_TYPE_EXCEPTION;
	if (event & AXV_X86_EVENT_ERROR_VALID)
		event |= (u64)error << AXV_X86_EVENT_ERROR_SHIFT;
	return event;
}

/**
 * axv_vmx_save_interrupted_event() - keep an event that was being delivered
 * @vmx:	vCPU that just left the guest; &axv_vmx_exit.idt_info is valid
 */
void axv_vmx_save_interrupted_event(struct axv_vmx_vcpu *vmx)
{
	u32 info = vmx->exit.idt_info;
	bool soft = axv_vmx_is_soft(info);
	u32 error = 0;
	u64 event;

	if (info & VECTORING_INFO_DELIVER_CODE_MASK)
		error = axv_vmread(IDT_VECTORING_ERROR_CODE);
	event = axv_vmx_event(info, error);

	/* An injected INT n: write_event() has moved RIP back. */
	if (soft && !((event ^ vmx->x.injected) & AXV_X86_EVENT_IDENTITY) &&
	    (event & AXV_X86_EVENT_TYPE) == AXV_X86_EVENT_TYPE_SOFT)
		vmx->x.regs.rip += soft_len();

	/* INT1, INT3 and INTO are the guest's own: none is injected with these types. */
	if (soft && (event & AXV_X86_EVENT_TYPE) != AXV_X86_EVENT_TYPE_SOFT) {
		axv_x86_repeat_soft(&vmx->x);
		return;
	}
	axv_x86_event_cut_short(&vmx->x, event, soft);
}
