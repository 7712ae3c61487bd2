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
#include <asm/trapnr.h>

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

/* Instructions that are answered once their length is known. */
static enum axv_x86_next handle_instruction(struct axv_svm_vcpu *svm,
					    unsigned int len)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	enum axv_x86_next next;

	switch (control->exit_code) {
	case SVM_EXIT_CPUID:
		axv_x86_answer_cpuid(&svm->x);
		axv_svm_advance(svm, len);
		return AXV_RESUME;
	case SVM_EXIT_VMMCALL:
		next = axv_x86_hypercall(&svm->x, svm->vmcb->save.cpl, len);
		if (next == AXV_EXIT)
			axv_svm_advance(svm, len);
		return next;
	default:
		return control->exit_info_1 ? axv_x86_wrmsr(&svm->x, len) :
					      axv_x86_rdmsr(&svm->x, len);
	}
}

/*
 * The processor tells port, width and next RIP of a port access
 * (APM 15.10.2); only string forms need more.
 */
static enum axv_x86_next handle_port(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u32 info = control->exit_info_1;
	u64 len = control->exit_info_2 - svm->x.regs.rip;

	if (info & IOIO_STRING)
		return AXV_SLOW;
	if (info & IOIO_IN)
		return axv_x86_io_in(&svm->x, IOIO_PORT(info),
				     IOIO_WIDTH(info), len);

	axv_x86_exit_io_out(&svm->x, IOIO_PORT(info), IOIO_WIDTH(info), len);
	axv_svm_advance(svm, len);
	return AXV_EXIT;
}

/* The IRET of an NMI handler; see open_nmi_window() in inject.c. */
static enum axv_x86_next handle_iret(struct axv_svm_vcpu *svm)
{
	axv_svm_unintercept(svm, INTERCEPT_IRET);
	svm->nmi_iret = true;
	svm->nmi_iret_rip = svm->x.regs.rip;
	return AXV_RESUME;
}

/**
 * axv_svm_handle_fast() - answer an exit on the spot, if that is possible
 * @x:		vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_x86_next axv_svm_handle_fast(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	unsigned int len;

	switch (svm->vmcb->control.exit_code) {
	case SVM_EXIT_INTR:
		return AXV_INTERRUPT;
	case SVM_EXIT_IOIO:
		return handle_port(svm);
	case SVM_EXIT_CPUID:
	case SVM_EXIT_VMMCALL:
	case SVM_EXIT_MSR:
		len = saved_length(svm);
		return len ? handle_instruction(svm, len) : AXV_SLOW;
	case SVM_EXIT_VINTR:
		axv_svm_disarm_irq_window(svm);
		return AXV_RESUME;
	case SVM_EXIT_IRET:
		return handle_iret(svm);
	case SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR0 + 15:
	case SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR0 + 15:
		/* The registers become the guest's; the instruction repeats. */
		x->dr_live = true;
		axv_svm_intercept_dr(x);
		return AXV_RESUME;
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		/* The host took it when GIF was set. */
		return AXV_RESUME;
	case SVM_EXIT_EXCP_BASE + X86_TRAP_MC:
		axv_x86_machine_check();
		return AXV_RESUME;
	case SVM_EXIT_ERR:
		/* Was the TLB flushed, if that was asked for?  Nobody says. */
		axv_x86_tags_reset(&this_cpu_ptr(&axv_svm_cpu)->asids);
		return AXV_SLOW;
	default:
		return AXV_SLOW;
	}
}

static enum axv_x86_next handle_nested_page_fault(struct axv_svm_vcpu *svm)
{
	u64 info = svm->vmcb->control.exit_info_1;
	u32 access;

	if (info & NPF_WRITE)
		access = AXV_ACCESS_WRITE;
	else if (info & NPF_FETCH)
		access = AXV_ACCESS_FETCH;
	else
		access = AXV_ACCESS_READ;
	if (info & NPF_TABLE_WALK)
		access |= AXV_ACCESS_PAGE_TABLE;
	return axv_x86_stage2_fault(&svm->x, svm->vmcb->control.exit_info_2,
				    access);
}

/* Nothing is known of what the hardware did to the VMCB and the TLB. */
static void distrust(struct axv_svm_vcpu *svm)
{
	svm->x.tag.cpu = -1;
	axv_svm_dirty(svm, SVM_CLEAN_ALL);
}

/* The guest left without a state (APM 15.14.3). */
static enum axv_x86_next handle_shutdown(struct axv_svm_vcpu *svm)
{
	distrust(svm);
	return axv_x86_shutdown(&svm->x);
}

/* VMRUN refused the state (APM 15.5.1), or ended in a way nobody asked for. */
static enum axv_x86_next handle_failed_entry(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;

	distrust(svm);
	return axv_x86_fail_entry(&svm->x, (u64)control->exit_code_hi << 32 |
					   control->exit_code);
}

/*
 * An intercepted exception.  Error code and CR2 are where the intercept put
 * them (APM 15.12), and DR6 is up to date in the VMCB.
 */
static enum axv_x86_next handle_exception(struct axv_svm_vcpu *svm, u8 vector)
{
	struct vmcb *vmcb = svm->vmcb;
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
	return axv_x86_exception(&svm->x, vector, vmcb->control.exit_info_1,
				 address);
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
		axv_x86_exit_exception(&svm->x, X86_TRAP_BP, false, 0, 0);
		return AXV_EXIT;
	}

	axv_x86_advance(&svm->x, len);
	axv_x86_cut_short(&svm->x, AXV_X86_EVENT_VALID |
			  AXV_X86_EVENT_TYPE_SOFT | bytes[len - 1], 0);
	return AXV_RESUME;
}

/**
 * axv_svm_handle_slow() - answer an exit that the inner loop could not
 * @x:		vCPU whose last exit waits
 *
 * Context: process context, preemption on; sleeps for guest memory.
 * Return: whether the run goes on.
 */
enum axv_x86_next axv_svm_handle_slow(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	u32 code = svm->vmcb->control.exit_code;
	unsigned int len;

	switch (code) {
	case SVM_EXIT_NPF:
		return handle_nested_page_fault(svm);
	case SVM_EXIT_HLT:
		len = decoded_length(svm);
		return len ? axv_x86_halt(x, len) : AXV_RESUME;
	case SVM_EXIT_CPUID:
	case SVM_EXIT_VMMCALL:
	case SVM_EXIT_MSR:
		len = decoded_length(svm);
		return len ? handle_instruction(svm, len) : AXV_RESUME;
	case SVM_EXIT_IOIO:
		return axv_x86_io_string(x, svm->vmcb->control.exit_info_1 &
					    IOIO_IN);
	case SVM_EXIT_READ_CR0:
	case SVM_EXIT_READ_CR4:
	case SVM_EXIT_WRITE_CR0:
	case SVM_EXIT_WRITE_CR4:
		return axv_svm_handle_cr(svm);
	case SVM_EXIT_XSETBV:
		return axv_x86_xsetbv(x, decoded_length(svm));
	case SVM_EXIT_WBINVD:
	case SVM_EXIT_INVD:
		/* The guest's memory is coherent whatever its caches hold. */
		axv_x86_advance(x, decoded_length(svm));
		return AXV_RESUME;
	case SVM_EXIT_RDPMC:
		axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
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
		axv_x86_raise(x, X86_TRAP_UD, false, 0, 0);
		return AXV_RESUME;
	default:
		return handle_failed_entry(svm);
	}
}
