// SPDX-License-Identifier: GPL-2.0
/*
 * What a #VMEXIT means (APM appendix C).
 *
 * The fast handlers run inside the inner loop with interrupts off and never
 * sleep.  What needs guest memory, or the length of an instruction that the
 * processor did not tell, is left to the slow ones.
 */
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/mce.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/trapnr.h>

#include "../../../../drivers/virt/axvcpu/trace.h"
#include "../decode.h"
#include "svm.h"

/* EXITINFO1 of a nested page fault (APM 15.25.6). */
#define NPF_WRITE	BIT_ULL(1)
#define NPF_FETCH	BIT_ULL(4)
#define NPF_TABLE_WALK	BIT_ULL(33)

/* EXITINFO1 of a port access (APM 15.10.2). */
#define IOIO_IN		BIT(0)
#define IOIO_STRING	BIT(2)
#define IOIO_WIDTH(info)	(((info) >> 4) & 7)
#define IOIO_PORT(info)	((u16)((info) >> 16))

/* Exit codes that <asm/svm.h> does not name (APM appendix C). */
#define SVM_EXIT_INVLPGB		0x0a0
#define SVM_EXIT_INVLPGB_ILLEGAL	0x0a1
#define SVM_EXIT_MCOMMIT		0x0a3
#define SVM_EXIT_TLBSYNC		0x0a4

#define OPCODE_INT3	0xcc
#define OPCODE_INT	0xcd

static void raise_gp(struct axv_svm_vcpu *svm)
{
	axv_x86_raise(&svm->x, X86_TRAP_GP, true, 0, 0);
}

static void raise_ud(struct axv_svm_vcpu *svm)
{
	axv_x86_raise(&svm->x, X86_TRAP_UD, false, 0, 0);
}

static enum axv_svm_next to_svm_next(enum axv_x86_next next)
{
	return next == AXV_EXIT ? SVM_EXIT : SVM_RESUME;
}

/* Length by the next RIP the processor saved; 0: it did not. */
static unsigned int saved_length(const struct axv_svm_vcpu *svm)
{
	u64 len;

	if (!axv_svm.nrips)
		return 0;
	len = svm->vmcb->control.next_rip - svm->x.regs.rip;
	return len <= AXV_X86_INSN_MAX ? len : 0;
}

/* Length by the bytes of the instruction; may sleep. */
static unsigned int decoded_length(struct axv_svm_vcpu *svm)
{
	u8 bytes[AXV_X86_INSN_MAX];
	unsigned int len = saved_length(svm);
	int size;

	if (len)
		return len;
	size = axv_x86_fetch(&svm->x, bytes, sizeof(bytes));
	if (size <= 0)
		return 0;
	return axv_x86_insn_length(bytes, size, axv_x86_code_bits(&svm->x));
}

static enum axv_svm_next handle_cpuid(struct axv_svm_vcpu *svm,
				      unsigned int len)
{
	u64 *gpr = svm->x.regs.gpr;
	const struct axv_x86_answer *answer;
	u32 eax, ebx, ecx, edx;

	answer = axv_x86_cpuid_plain(&svm->x, gpr[AXV_X86_RAX]);
	if (likely(answer)) {
		eax = answer->eax;
		ebx = answer->ebx;
		ecx = answer->ecx;
		edx = answer->edx;
	} else {
		axv_x86_cpuid(&svm->x, gpr[AXV_X86_RAX], gpr[AXV_X86_RCX],
			      &eax, &ebx, &ecx, &edx);
	}
	gpr[AXV_X86_RAX] = eax;
	gpr[AXV_X86_RBX] = ebx;
	gpr[AXV_X86_RCX] = ecx;
	gpr[AXV_X86_RDX] = edx;
	axv_svm_advance(svm, len);
	return SVM_RESUME;
}

static enum axv_svm_next handle_hypercall(struct axv_svm_vcpu *svm,
					  unsigned int len)
{
	const u64 *gpr = svm->x.regs.gpr;
	struct axv_exit_hypercall *call;

	if (svm->vmcb->save.cpl) {
		raise_ud(svm);
		return SVM_RESUME;
	}
	axv_svm_advance(svm, len);
	call = &axv_x86_exit(&svm->x, AXV_EXIT_HYPERCALL, len)->exit.hypercall;
	call->nr = gpr[AXV_X86_RAX];
	call->args[0] = gpr[AXV_X86_RBX];
	call->args[1] = gpr[AXV_X86_RCX];
	call->args[2] = gpr[AXV_X86_RDX];
	call->args[3] = gpr[AXV_X86_RSI];
	call->args[4] = gpr[AXV_X86_RDI];
	call->args[5] = gpr[AXV_X86_RBP];
	return SVM_EXIT;
}

/* Instructions that are answered once their length is known. */
static enum axv_svm_next handle_instruction(struct axv_svm_vcpu *svm,
					    unsigned int len)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;

	switch (control->exit_code) {
	case SVM_EXIT_CPUID:
		return handle_cpuid(svm, len);
	case SVM_EXIT_VMMCALL:
		return handle_hypercall(svm, len);
	default:
		return to_svm_next(control->exit_info_1 ?
				   axv_x86_wrmsr(&svm->x, len) :
				   axv_x86_rdmsr(&svm->x, len));
	}
}

/*
 * The processor tells port, width and next RIP of a port access
 * (APM 15.10.2); only string forms need more.
 */
static enum axv_svm_next handle_port(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u32 info = control->exit_info_1;
	u64 len = control->exit_info_2 - svm->x.regs.rip;
	struct axv_exit_io *io;

	if (info & IOIO_STRING)
		return SVM_SLOW;
	if (info & IOIO_IN)
		return to_svm_next(axv_x86_io_in(&svm->x, IOIO_PORT(info),
						 IOIO_WIDTH(info), len));

	io = &axv_x86_exit(&svm->x, AXV_EXIT_IO_WRITE, len)->exit.io;
	io->port = IOIO_PORT(info);
	io->width = IOIO_WIDTH(info);
	io->string = 0;
	io->pad = 0;
	io->data = axv_x86_mask(svm->x.regs.gpr[AXV_X86_RAX], IOIO_WIDTH(info));
	axv_svm_advance(svm, len);
	return SVM_EXIT;
}

/* The IRET of an NMI handler; see open_nmi_window() in inject.c. */
static enum axv_svm_next handle_iret(struct axv_svm_vcpu *svm)
{
	axv_svm_unintercept(svm, INTERCEPT_IRET);
	svm->nmi_iret = true;
	svm->nmi_iret_rip = svm->x.regs.rip;
	return SVM_RESUME;
}

/*
 * The intercept swallowed the exception; its handler did not run.  The guest
 * is to the handler what user mode is: it can be given up, the kernel cannot.
 */
static void handle_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
#endif
}

/**
 * axv_svm_handle_fast() - answer an exit on the spot, if that is possible
 * @svm:	vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_svm_next axv_svm_handle_fast(struct axv_svm_vcpu *svm)
{
	unsigned int len;

	switch (svm->vmcb->control.exit_code) {
	case SVM_EXIT_INTR:
		return SVM_INTR;
	case SVM_EXIT_IOIO:
		return handle_port(svm);
	case SVM_EXIT_CPUID:
	case SVM_EXIT_VMMCALL:
	case SVM_EXIT_MSR:
		len = saved_length(svm);
		return len ? handle_instruction(svm, len) : SVM_SLOW;
	case SVM_EXIT_VINTR:
		axv_svm_disarm_irq_window(svm);
		return SVM_RESUME;
	case SVM_EXIT_IRET:
		return handle_iret(svm);
	case SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR0 + 15:
	case SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR0 + 15:
		/* The registers become the guest's; the instruction repeats. */
		svm->dr_live = true;
		axv_svm_update_dr_intercepts(svm);
		return SVM_RESUME;
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		/* The host took it when GIF was set. */
		return SVM_RESUME;
	case SVM_EXIT_EXCP_BASE + X86_TRAP_MC:
		handle_machine_check();
		return SVM_RESUME;
	case SVM_EXIT_ERR:
		/* Was the TLB flushed, if that was asked for?  Nobody says. */
		axv_svm_tlb_reset_cpu(this_cpu_ptr(&axv_svm_cpu));
		return SVM_SLOW;
	default:
		return SVM_SLOW;
	}
}

static enum axv_x86_next handle_nested_page_fault(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u64 info = control->exit_info_1;
	u64 gpa = control->exit_info_2;
	enum axv_fault_result result;
	enum axv_x86_next next;
	u32 access, cause;
	int error = 0;

	if (info & NPF_WRITE)
		access = AXV_ACCESS_WRITE;
	else if (info & NPF_FETCH)
		access = AXV_ACCESS_FETCH;
	else
		access = AXV_ACCESS_READ;

	if (info & NPF_TABLE_WALK)
		access |= AXV_ACCESS_PAGE_TABLE;
	result = axv_memory_fault(svm->x.base.vm, gpa, access, &error);
	trace_axv_fault(svm->x.base.vm, gpa, access, result);
	switch (result) {
	case AXV_FAULT_RESOLVED:
		svm->x.base.stats.faults++;
		return AXV_RESUME;
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

	next = axv_x86_mmio(&svm->x, gpa, access, cause);
	if (next == AXV_EXIT && cause == AXV_FAULT_HOST)
		svm->x.base.run->exit.fault.status = error;
	return next;
}

static enum axv_x86_next handle_halt(struct axv_svm_vcpu *svm)
{
	unsigned int len = decoded_length(svm);

	if (!len)
		return AXV_RESUME;
	axv_x86_advance(&svm->x, len);
	if (svm->x.base.vm->flags & AXV_VM_HALT_IN_KERNEL) {
		svm->x.events.halted = true;
		return AXV_RESUME;
	}
	axv_x86_exit(&svm->x, AXV_EXIT_HALT, len);
	return AXV_EXIT;
}

/*
 * The guest left without a state (APM 15.14.3): it is shut down until a reset
 * gives it a fresh one.
 */
static enum axv_x86_next handle_shutdown(struct axv_svm_vcpu *svm)
{
	svm->asid_cpu = -1;
	axv_svm_dirty(svm, SVM_CLEAN_ALL);
	svm->x.events.shutdown = true;
	WRITE_ONCE(svm->x.events.any, true);
	axv_x86_exit(&svm->x, AXV_EXIT_SHUTDOWN, 0);
	return AXV_EXIT;
}

/*
 * VMRUN refused the state (APM 15.5.1), or ended in a way nobody asked for.
 * The event it was to deliver is still to be delivered, and nothing is known
 * of what it did to the TLB.
 */
static enum axv_x86_next handle_failed_entry(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	struct axv_exit_fail_entry *fail;

	if (svm->injected)
		axv_x86_cut_short(&svm->x, svm->injected, 0);
	svm->asid_cpu = -1;
	axv_svm_dirty(svm, SVM_CLEAN_ALL);

	fail = &axv_x86_exit(&svm->x, AXV_EXIT_FAIL_ENTRY, 0)->exit.fail_entry;
	fail->hardware_reason = (u64)control->exit_code_hi << 32 |
				control->exit_code;
	fail->cpu = svm->x.base.loaded_cpu;
	fail->pad = 0;
	return AXV_EXIT;
}

/**
 * axv_svm_exit_exception() - the run ends with an exception the VMM asked for
 * @svm:	vCPU whose claim the caller holds
 * @vector:	the exception
 * @has_error:	it has an error code
 * @error:	which
 * @address:	CR2 value (#PF) or DR6 (#DB)
 */
void axv_svm_exit_exception(struct axv_svm_vcpu *svm, u8 vector, bool has_error,
			    u32 error, u64 address)
{
	struct axv_exit_exception *exception;

	exception = &axv_x86_exit(&svm->x, AXV_EXIT_EXCEPTION,
				  0)->exit.exception;
	exception->vector = vector;
	exception->has_error_code = has_error;
	exception->error_code = has_error ? error : 0;
	exception->pad = 0;
	exception->address = address;
}

/*
 * An intercepted exception: the VMM's, if it asked for it; the guest's
 * otherwise.  Error code and CR2 are where the intercept put them
 * (APM 15.12), and DR6 is up to date in the VMCB.
 */
static enum axv_x86_next handle_exception(struct axv_svm_vcpu *svm, u8 vector)
{
	static const u32 with_error = BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) |
				      BIT(X86_TRAP_NP) | BIT(X86_TRAP_SS) |
				      BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) |
				      BIT(X86_TRAP_AC) | BIT(X86_TRAP_CP) |
				      BIT(X86_TRAP_VC) | BIT(30);
	struct vmcb *vmcb = svm->vmcb;
	bool has_error = with_error & BIT(vector);
	u64 address = 0;

	if (vector == X86_TRAP_DB && svm->nmi_step &&
	    (vmcb->save.dr6 & DR_STEP)) {
		svm->nmi_step = false;
		if (!svm->guest_tf) {
			vmcb->save.dr6 &= ~(u64)DR_STEP;
			axv_svm_dirty(svm, SVM_CLEAN_DR);
			return AXV_RESUME;
		}
	}

	if (vector == X86_TRAP_PF)
		address = vmcb->control.exit_info_2;
	else if (vector == X86_TRAP_DB)
		address = vmcb->save.dr6 ^ DR6_RESERVED;

	if (svm->x.events.exit_mask & BIT(vector)) {
		axv_svm_exit_exception(svm, vector, has_error,
				       vmcb->control.exit_info_1, address);
		return AXV_EXIT;
	}
	axv_x86_raise(&svm->x, vector, has_error, vmcb->control.exit_info_1,
		      address);
	return AXV_RESUME;
}

/* INT n, where INT3 is reported as one; see axv_svm_update_exceptions(). */
static enum axv_x86_next handle_software_interrupt(struct axv_svm_vcpu *svm)
{
	u8 bytes[AXV_X86_INSN_MAX];
	int size = axv_x86_fetch(&svm->x, bytes, sizeof(bytes));
	unsigned int len;

	if (size <= 0)
		return AXV_RESUME;
	len = axv_x86_insn_length(bytes, size, axv_x86_code_bits(&svm->x));
	if (!len)
		return AXV_RESUME;
	/* INT 0xcc ends in the same byte. */
	if (bytes[len - 1] == OPCODE_INT3 &&
	    (len == 1 || bytes[len - 2] != OPCODE_INT)) {
		axv_svm_exit_exception(svm, X86_TRAP_BP, false, 0, 0);
		return AXV_EXIT;
	}

	axv_x86_advance(&svm->x, len);
	axv_x86_cut_short(&svm->x, AXV_X86_EVENT_VALID |
			  AXV_X86_EVENT_TYPE_SOFT | bytes[len - 1], 0);
	return AXV_RESUME;
}

/**
 * axv_svm_handle_slow() - answer an exit that the inner loop could not
 * @svm:	vCPU whose last exit waits
 *
 * Context: process context, preemption on; sleeps for guest memory.
 * Return: whether the run goes on.
 */
enum axv_x86_next axv_svm_handle_slow(struct axv_svm_vcpu *svm)
{
	u32 code = svm->vmcb->control.exit_code;
	unsigned int len;

	switch (code) {
	case SVM_EXIT_NPF:
		return handle_nested_page_fault(svm);
	case SVM_EXIT_HLT:
		return handle_halt(svm);
	case SVM_EXIT_CPUID:
	case SVM_EXIT_VMMCALL:
	case SVM_EXIT_MSR:
		len = decoded_length(svm);
		if (!len)
			return AXV_RESUME;
		return handle_instruction(svm, len) == SVM_EXIT ? AXV_EXIT :
								  AXV_RESUME;
	case SVM_EXIT_IOIO:
		return axv_x86_io_string(&svm->x,
					 svm->vmcb->control.exit_info_1 &
					 IOIO_IN);
	case SVM_EXIT_READ_CR0:
	case SVM_EXIT_READ_CR4:
	case SVM_EXIT_WRITE_CR0:
	case SVM_EXIT_WRITE_CR4:
		return axv_svm_handle_cr(svm);
	case SVM_EXIT_XSETBV:
		return axv_svm_handle_xsetbv(svm);
	case SVM_EXIT_WBINVD:
	case SVM_EXIT_INVD:
		/* The guest's memory is coherent whatever its caches hold. */
		axv_x86_advance(&svm->x, decoded_length(svm));
		return AXV_RESUME;
	case SVM_EXIT_RDPMC:
		raise_gp(svm);
		return AXV_RESUME;
	case SVM_EXIT_SHUTDOWN:
		return handle_shutdown(svm);
	case SVM_EXIT_SWINT:
		return handle_software_interrupt(svm);
	case SVM_EXIT_EXCP_BASE ... SVM_EXIT_EXCP_BASE + 31:
		return handle_exception(svm, code - SVM_EXIT_EXCP_BASE);
	case SVM_EXIT_RSM:
	case SVM_EXIT_INVLPGA:
	case SVM_EXIT_VMRUN:
	case SVM_EXIT_VMLOAD:
	case SVM_EXIT_VMSAVE:
	case SVM_EXIT_STGI:
	case SVM_EXIT_CLGI:
	case SVM_EXIT_SKINIT:
	case SVM_EXIT_RDTSC:	/* how one implementation reports RDTSCP */
	case SVM_EXIT_RDTSCP:
	case SVM_EXIT_MONITOR:
	case SVM_EXIT_MWAIT:
	case SVM_EXIT_MWAIT_COND:
	case SVM_EXIT_RDPRU:
	case SVM_EXIT_INVLPGB:
	case SVM_EXIT_INVLPGB_ILLEGAL:
	case SVM_EXIT_MCOMMIT:
	case SVM_EXIT_TLBSYNC:
		raise_ud(svm);
		return AXV_RESUME;
	default:
		return handle_failed_entry(svm);
	}
}
