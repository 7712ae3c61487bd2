// SPDX-License-Identifier: GPL-2.0
/*
 * Exits that mean the same on all hardware: what the VMM and the guest get to see
 * of them.
 */
#include <linux/bits.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <asm/cpu.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/trapnr.h>

#include <axvcpu/hardware.h>
#include <axvcpu/trace.h>

#include "access.h"
#include "events.h"
#include "exit.h"
#include "lapic.h"
#include "x86.h"

/**
 * axv_x86_hypercall() - the guest executed VMCALL or VMMCALL
 * @x:		vCPU whose claim the caller holds
 * @cpl:	privilege level; user level gets #UD
 * @len:	length of the instruction
 *
 * Return: AXV_EXIT, and the caller moves RIP past the instruction; or AXV_RESUME.
 */
enum axv_next axv_x86_hypercall(struct axv_x86_vcpu *x, unsigned int cpl,
				unsigned int len)
{
	const u64 *gpr = x->regs.gpr;
	struct axv_exit_hypercall *call;

	if (cpl) {
		axv_x86_raise(x, X86_TRAP_UD, false, 0, 0);
		return AXV_RESUME;
	}
	call = &axv_x86_exit(x, AXV_EXIT_HYPERCALL, len)->exit.hypercall;
	call->nr = gpr[AXV_X86_RAX];
	call->args[0] = gpr[AXV_X86_RBX];
	call->args[1] = gpr[AXV_X86_RCX];
	call->args[2] = gpr[AXV_X86_RDX];
	call->args[3] = gpr[AXV_X86_RSI];
	call->args[4] = gpr[AXV_X86_RDI];
	call->args[5] = gpr[AXV_X86_RBP];
	return AXV_EXIT;
}

/**
 * axv_x86_io_string() - the guest executed INS or OUTS
 * @x:		vCPU whose claim the caller holds
 * @told:	what the hardware tells of it: all but the count
 * @len:	length of the instruction
 *
 * The hardware has checked that the guest may use the port, with this width.  The
 * VMM transfers the elements: it can read everything that this needs.
 *
 * Return: AXV_EXIT, with the state before the first element.
 */
enum axv_next axv_x86_io_string(struct axv_x86_vcpu *x,
				const struct axv_exit_io_string *told,
				unsigned int len)
{
	struct axv_exit_io_string *io = &axv_x86_exit(x, AXV_EXIT_IO_STRING,
						      len)->exit.io_string;
	u64 count = 1;

	if (told->rep)
		count = x->regs.gpr[AXV_X86_RCX];
	if (told->rep && told->addr_width != AXV_IO_STRING_UNTOLD)
		count = axv_x86_mask(count, told->addr_width);
	*io = *told;
	io->count = count;
	return AXV_EXIT;
}

/**
 * axv_x86_stage2_fault() - a nested page fault, or an EPT violation
 * @x:		vCPU whose claim the caller holds
 * @gpa:	guest physical address
 * @access:	AXV_ACCESS_*
 *
 * Context: may sleep.
 * Return: AXV_RESUME; AXV_EXIT if the VMM has to look at it; AXV_AGAIN as axv_x86_mmio().
 */
enum axv_next axv_x86_stage2_fault(struct axv_x86_vcpu *x, u64 gpa,
				   u32 access)
{
	enum axv_fault_result result;
	enum axv_next next;
	int error = 0;
	u32 cause;

	result = axv_vcpu_fault(&x->base, gpa, access, &error);
	switch (result) {
	case AXV_FAULT_RESOLVED:
	case AXV_FAULT_AGAIN:
		return AXV_RESUME;
	case AXV_FAULT_MMIO:
		cause = AXV_FAULT_NO_REGION;
		break;
	case AXV_FAULT_PROTECTED:
		cause = AXV_FAULT_READONLY;
		break;
	default:
		cause = AXV_FAULT_HOST;
		break;
	}

	next = axv_x86_mmio(x, gpa, access, cause);
	if (next == AXV_EXIT && cause == AXV_FAULT_HOST)
		x->base.run->exit.fault.status = error;
	return next;
}

/**
 * axv_x86_halt() - the guest executed HLT
 * @x:		vCPU whose claim the caller holds
 * @len:	length of the instruction
 */
enum axv_next axv_x86_halt(struct axv_x86_vcpu *x, unsigned int len)
{
	axv_x86_advance(x, len);
	if (x->base.vm->flags & AXV_VM_HALT_IN_KERNEL) {
		x->events.halted = true;
		return AXV_RESUME;
	}
	axv_x86_exit(x, AXV_EXIT_HALT, len);
	return AXV_EXIT;
}

/**
 * axv_x86_shutdown() - a triple fault
 * @x:		vCPU whose claim the caller holds
 *
 * The vCPU is shut down until a reset.
 *
 * Return: AXV_EXIT.
 */
enum axv_next axv_x86_shutdown(struct axv_x86_vcpu *x)
{
	x->events.shutdown = true;
	WRITE_ONCE(x->events.any, true);
	axv_x86_exit(x, AXV_EXIT_SHUTDOWN, 0);
	return AXV_EXIT;
}

/**
 * axv_x86_exit_exception() - describe an exit for an exception the VMM asked for
 * @x:		vCPU whose claim the caller holds
 * @vector:	the exception
 * @has_error:	the exception has an error code
 * @error:	the error code
 * @address:	CR2 value (#PF) or DR6 (#DB)
 */
void axv_x86_exit_exception(struct axv_x86_vcpu *x, u8 vector, bool has_error,
			    u32 error, u64 address)
{
	struct axv_exit_exception *exception;

	exception = &axv_x86_exit(x, AXV_EXIT_EXCEPTION, 0)->exit.exception;
	exception->vector = vector;
	exception->has_error_code = has_error;
	exception->error_code = has_error ? error : 0;
	exception->pad = 0;
	exception->address = address;
}

/**
 * axv_x86_guest_exception() - an exception exited, and it is the guest's own
 * @x:		vCPU whose claim the caller holds
 * @vector:	0 to 31
 * @error:	error code, where the vector has one
 * @address:	CR2 value (#PF) or the causes in DR6 (#DB)
 *
 * If the VMM asked for this exception, the run ends with it; otherwise the guest gets it.
 */
enum axv_next axv_x86_guest_exception(struct axv_x86_vcpu *x, u8 vector,
				      u32 error, u64 address)
{
	bool has_error = axv_x86_has_error_code(vector);

	if (x->events.exit_mask & BIT(vector)) {
		axv_x86_exit_exception(x, vector, has_error, error, address);
		return AXV_EXIT;
	}
	axv_x86_raise(x, vector, has_error, error, address);
	return AXV_RESUME;
}

/**
 * axv_x86_is_split_lock() - did the host's detection of split locks cause this #AC?
 * @x:		vCPU whose claim the caller holds
 *
 * A host that detects split locks has the processor raise #AC for them, whatever
 * CR0.AM and RFLAGS.AC are (SDM vol. 3A, "Features to Disable Bus Locks").  A
 * guest is not offered that feature, and its kernel would crash at such an #AC.  So
 * only an #AC in user mode, with alignment checks on, goes to the guest.
 */
bool axv_x86_is_split_lock(struct axv_x86_vcpu *x)
{
	return x->hw->cpl(x) != 3 || !(x->cr0 & X86_CR0_AM) ||
	       !(x->regs.rflags & X86_EFLAGS_AC);
}

/**
 * axv_x86_task_switch() - the guest switches to another task
 * @x:		vCPU whose claim the caller holds.  An event whose delivery was cut short
 *		is in &axv_x86_events.reinject, unless an instruction of the guest caused it
 * @selector:	of the new task's TSS
 * @source:	what causes it
 * @event:	with AXV_X86_TASK_GATE: the event
 * @len:	length of the instruction, 0 if it is not known
 *
 * The VMM does the switch, for which registers and memory are enough.
 *
 * Return: AXV_EXIT.
 */
enum axv_next axv_x86_task_switch(struct axv_x86_vcpu *x, u16 selector,
				  enum axv_x86_task_source source, u64 event,
				  unsigned int len)
{
	bool gate = source == AXV_X86_TASK_GATE;
	bool pending = gate && x->events.reinject;
	struct axv_exit_task_switch *task;

	task = &axv_x86_exit(x, AXV_EXIT_TASK_SWITCH, pending ? 0 : len)->exit.task_switch;
	task->event = gate ? event : 0;
	task->selector = selector;
	task->source = source;
	task->pending = pending;
	task->pad = 0;
	return AXV_EXIT;
}

/**
 * axv_x86_split_lock() - the guest executed a split lock
 * @x:		vCPU
 *
 * By the host's setting (split_lock_detect=) the kernel warns, slows the thread
 * down and lets it go on, or sends it SIGBUS: then the run ends.
 *
 * Context: process context, the claim is held; may sleep.
 */
enum axv_next axv_x86_split_lock(struct axv_x86_vcpu *x)
{
	if (handle_guest_split_lock(x->regs.rip))
		return AXV_RESUME;
	axv_x86_exit(x, AXV_EXIT_NOTHING, 0);
	return AXV_EXIT;
}

/**
 * axv_x86_fail_entry() - the hardware refused to enter the guest
 * @x:		vCPU whose claim the caller holds
 * @reason:	the hardware's reason
 * @qualification: what the hardware tells besides, or 0
 *
 * The event that this entry was to deliver is kept for the next one.
 *
 * Return: AXV_EXIT.
 */
enum axv_next axv_x86_fail_entry(struct axv_x86_vcpu *x, u64 reason, u64 qualification)
{
	struct axv_exit_fail_entry *fail;

	if (x->injected)
		axv_x86_cut_short(x, x->injected, 0);
	fail = &axv_x86_exit(x, AXV_EXIT_FAIL_ENTRY, 0)->exit.fail_entry;
	fail->hardware_reason = reason;
	fail->cpu = x->base.loaded_cpu;
	fail->cause = AXV_FAIL_HARDWARE;
	fail->qualification = qualification;
	trace_axv_fail_entry(&x->base, reason, qualification);
	return AXV_EXIT;
}

/**
 * axv_x86_hardware_is_off() - no entry, since virtualization is off on this CPU
 * @x:		vCPU whose claim the caller holds
 *
 * Context: interrupts off.
 * Return: AXV_EXIT; AXV_INTERRUPT if the thread is about to be moved to another
 * CPU.
 */
enum axv_next axv_x86_hardware_is_off(struct axv_x86_vcpu *x)
{
	struct axv_exit_fail_entry *fail;

	if (!axv_hardware_is_lost())
		return AXV_INTERRUPT;
	fail = &axv_x86_exit(x, AXV_EXIT_FAIL_ENTRY, 0)->exit.fail_entry;
	fail->hardware_reason = 0;
	fail->cpu = smp_processor_id();
	fail->cause = AXV_FAIL_OFF;
	fail->qualification = 0;
	return AXV_EXIT;
}

/**
 * axv_x86_machine_check() - a machine check ended the guest
 *
 * The exception exited, so the host's handler did not run: call it.  It is told that
 * the machine check came from user mode, since a guest, like user mode and unlike the
 * kernel, can be given up.
 *
 * Context: the CPU it happened on, interrupts off.
 */
void axv_x86_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
#endif
}

/**
 * axv_x86_next_event() - choose what the next entry delivers
 * @x:		vCPU about to enter
 * @event:	out: the event, in the form of AXV_X86_EVENT_*; 0: none
 * @irq_window:	out: the hardware has to report the interrupt window
 * @nmi_window:	out: the same for an NMI
 *
 * Context: interrupts off; takes &axv_vcpu.lock.
 * Return: AXV_RESUME; AXV_EXIT if instead the run ends, because the guest is
 * shut down, caused an exception that the VMM wants to see, or can take an
 * interrupt and the VMM asked to be told.
 */
enum axv_next axv_x86_next_event(struct axv_x86_vcpu *x, u64 *event,
				 bool *irq_window, bool *nmi_window)
{
	u64 intercepted, address = 0;

	*event = 0;
	*irq_window = false;
	*nmi_window = false;
	raw_spin_lock(&x->base.lock);
	axv_x86_combine_events(x);
	intercepted = x->events.shutdown ? 0 : axv_x86_take_intercepted(x, &address);
	if (!intercepted && !x->events.shutdown)
		*event = axv_x86_pick_event(x, irq_window, nmi_window);
	raw_spin_unlock(&x->base.lock);

	if (unlikely(x->events.shutdown)) {
		axv_x86_exit(x, AXV_EXIT_SHUTDOWN, 0);
		return AXV_EXIT;
	}

	if (unlikely(intercepted)) {
		axv_x86_exit_exception(x, intercepted & AXV_X86_EVENT_VECTOR,
				       intercepted & AXV_X86_EVENT_ERROR_VALID,
				       intercepted >> AXV_X86_EVENT_ERROR_SHIFT,
				       address);
		return AXV_EXIT;
	}

	if (x->irq_window && !(x->debug.flags & AXV_DEBUG_BLOCK_EVENTS)) {
		if (!*event && !*irq_window && axv_lapic_pic_open(x) &&
		    (x->regs.rflags & X86_EFLAGS_IF) &&
		    !x->hw->get_shadow(x)) {
			axv_x86_exit(x, AXV_EXIT_IRQ_WINDOW, 0);
			return AXV_EXIT;
		}
		/* With LINT0 closed there is no window to find; opening it comes here again. */
		*irq_window |= axv_lapic_pic_open(x);
	}
	if (*event)
		axv_count(&x->base.stats.injections, 1);
	x->injected = *event;
	return AXV_RESUME;
}

/**
 * axv_x86_repeat_soft() - the guest's own INT n, INT1, INT3 or INTO will run again
 * @x:		vCPU that just left the guest during the delivery of that event
 *
 * Such an exit leaves no blocking by STI (SDM vol. 3C, "Architectural State Before a VM
 * Exit"; the APM does not say): an external interrupt could come between an STI and the
 * instruction behind it, which no processor allows.  Whether there was an STI is
 * not known, so the instruction gets an interrupt shadow in any case.  That does no harm:
 * the guest had begun the instruction, and an interrupt that is only taken after it might
 * as well have come a moment later.
 *
 * With TF set there is no shadow: VMX requires a pending single step to go with one.
 */
void axv_x86_repeat_soft(struct axv_x86_vcpu *x)
{
	if ((x->regs.rflags & (X86_EFLAGS_IF | X86_EFLAGS_TF)) == X86_EFLAGS_IF)
		x->hw->set_shadow(x, AXV_X86_SHADOW_STI);
}

/**
 * axv_x86_event_cut_short() - an exit came while an event was being delivered
 * @x:		vCPU that just left the guest
 * @event:	the event, in the form of AXV_X86_EVENT_*
 * @soft:	an instruction of the guest's may have caused it: INT n, INT3, INTO
 *
 * If an instruction of the guest's caused the event, RIP is still at that instruction,
 * which runs again.  All other events are kept and delivered again.
 */
void axv_x86_event_cut_short(struct axv_x86_vcpu *x, u64 event, bool soft)
{
	bool injected = !((event ^ x->injected) & AXV_X86_EVENT_IDENTITY);

	if (soft && !injected) {
		axv_x86_repeat_soft(x);
		return;
	}
	if (injected)
		axv_count(&x->base.stats.injections, -1);
	axv_x86_cut_short(x, event, 0);
}
