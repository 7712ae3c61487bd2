// SPDX-License-Identifier: GPL-2.0
/*
 * What a #VMEXIT means (APM appendix C).
 *
 * The fast handlers run inside the inner loop with interrupts off and never
 * sleep.  What needs guest memory, or the length of an instruction that neither
 * the processor told nor code.c knows, is left to the slow ones.
 */
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "../access.h"
#include "../asid.h"
#include "../cr.h"
#include "../debug.h"
#include "../decode.h"
#include "../events.h"
#include "../exit.h"
#include "../msr.h"
#include "../walk.h"
#include "exit.h"
#include "svm.h"

/* EXITINFO1 of a nested page fault (APM 15.25.6). */
#define NPF_WRITE	BIT_ULL(1)
#define NPF_FETCH	BIT_ULL(4)
#define NPF_TABLE_WALK	BIT_ULL(33)

/* EXITINFO2 of a task switch (APM 15.14.1); EXITINFO1 has the selector. */
#define TASK_IRET	BIT_ULL(36)
#define TASK_JMP	BIT_ULL(38)
#define TASK_RF		BIT_ULL(48)

/* Exit codes that <asm/svm.h> does not name (APM appendix C). */
#define SVM_EXIT_INVLPGB		0x0a0
#define SVM_EXIT_INVLPGB_ILLEGAL	0x0a1
#define SVM_EXIT_MCOMMIT		0x0a3
#define SVM_EXIT_TLBSYNC		0x0a4

/*
 * Answer an instruction whose length is known.
 *
 * The guest executes it after the delivery of an event, not within: an interrupt of the host
 * that waited for the end of the delivery has come before the instruction (APM 15.20).  So
 * the guest cannot keep the host's interrupts out by such exits (CVE-2015-5307), and
 * @injected is cleared: the inner loop need not let them in.
 */
static enum axv_next handle_instruction(struct axv_svm_vcpu *svm,
					unsigned int len)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	enum axv_next next;

	svm->x.injected = 0;
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

/**
 * axv_svm_port_string() - the guest executed INS or OUTS
 * @svm:	vCPU that exited with it
 * @info:	EXITINFO1: it has the size of addresses in 2 bytes' units, 0 where an
 *		implementation does not tell; the segment comes with decode assists alone
 * @len:	length of the instruction
 *
 * Return: as axv_x86_io_string().
 */
enum axv_next axv_svm_port_string(struct axv_svm_vcpu *svm, u32 info, unsigned int len)
{
	struct axv_exit_io_string told = {
		.port = IOIO_PORT(info),
		.width = IOIO_WIDTH(info),
		.in = !!(info & IOIO_IN),
		.rep = !!(info & IOIO_REP),
		.addr_width = AXV_IO_STRING_UNTOLD,
		.seg = AXV_IO_STRING_UNTOLD,
	};

	if (IOIO_ADDRESS(info))
		told.addr_width = 2 * IOIO_ADDRESS(info);
	if (info & IOIO_IN)
		told.seg = AXV_X86_ES;
	else if (axv_svm.decode_assists && IOIO_SEGMENT(info) <= AXV_X86_GS)
		told.seg = IOIO_SEGMENT(info);
	return axv_x86_io_string(&svm->x, &told, len);
}

/**
 * axv_svm_out() - the guest executed OUT, in a VM that has doorbells
 * @svm:	vCPU that exited with it
 *
 * Context: as axv_ring_doorbell().
 * Return: as axv_x86_out().
 */
enum axv_next axv_svm_out(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u32 info = control->exit_info_1;
	u64 len = control->exit_info_2 - svm->x.regs.rip;
	enum axv_next next;

	next = axv_x86_out(&svm->x, IOIO_PORT(info), IOIO_WIDTH(info), len);
	axv_svm_advance(svm, len);
	return next;
}

/*
 * The intercept comes before the switch, but after the checks of the gate
 * (APM 15.14.1).  For an event the hardware tells RF as the old task's TSS gets it.
 */
static enum axv_next handle_task_switch(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u64 info = control->exit_info_2, event = control->exit_int_info;
	enum axv_x86_task_source source = AXV_X86_TASK_CALL;
	struct axv_x86_vcpu *x = &svm->x;

	if (event & SVM_EXITINTINFO_VALID)
		source = AXV_X86_TASK_GATE;
	else if (info & TASK_IRET)
		source = AXV_X86_TASK_IRET;
	else if (info & TASK_JMP)
		source = AXV_X86_TASK_JMP;

	if (event & AXV_X86_EVENT_ERROR_VALID)
		event |= (u64)control->exit_int_info_err << AXV_X86_EVENT_ERROR_SHIFT;
	if (x->events.reinject && (info & TASK_RF))
		x->regs.rflags |= X86_EFLAGS_RF;
	return axv_x86_task_switch(x, control->exit_info_1, source, event,
				   axv_svm_saved_length(svm));
}

/* The IRET of an NMI handler; see open_nmi_window() in inject.c. */
static enum axv_next handle_iret(struct axv_svm_vcpu *svm)
{
	axv_svm_unintercept(svm, INTERCEPT_IRET);
	svm->nmi_iret = true;
	svm->nmi_iret_rip = svm->x.regs.rip;
	return AXV_RESUME;
}

/**
 * axv_svm_handle_other() - axv_svm_handle_fast() of an exit that is not answered in line
 * @x:		vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_next axv_svm_handle_other(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	u32 code = svm->vmcb->control.exit_code;
	unsigned int len;

	switch (code) {
	case SVM_EXIT_INTR:
		return AXV_INTERRUPT;
	case SVM_EXIT_CPUID:
	case SVM_EXIT_VMMCALL:
	case SVM_EXIT_MSR:
		len = axv_svm_saved_length(svm) ?: axv_svm_no_nrips_known(svm);
		return len ? handle_instruction(svm, len) : AXV_SLOW;
	case SVM_EXIT_TASK_SWITCH:
		return handle_task_switch(svm);
	case SVM_EXIT_VINTR:
		axv_svm_disarm_irq_window(svm);
		return AXV_RESUME;
	case SVM_EXIT_IRET:
		return handle_iret(svm);
	case SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR0 + 15:
	case SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR0 + 15:
		if (axv_x86_owns_dr(x))
			return AXV_SLOW;
		/* The registers become the guest's, which executes the instruction again. */
		x->dr_live = true;
		axv_svm_intercept_dr(x);
		return AXV_RESUME;
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		/* The host took the NMI, SMI or INIT when GIF was set. */
		return AXV_RESUME;
	case SVM_EXIT_EXCP_BASE + X86_TRAP_MC:
		axv_x86_machine_check();
		return AXV_RESUME;
	case SVM_EXIT_ERR:
		/* Nothing tells whether a flush that was asked for was done. */
		axv_x86_asids_reset(&this_cpu_ptr(&axv_svm_cpu)->asids);
		return AXV_SLOW;
	default:
		return AXV_SLOW;
	}
}

static enum axv_next handle_nested_page_fault(struct axv_svm_vcpu *svm)
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
	if (svm->vmcb->control.exit_int_info & SVM_EXITINTINFO_VALID)
		access |= AXV_ACCESS_EVENT;
	return axv_x86_stage2_fault(&svm->x, svm->vmcb->control.exit_info_2,
				    access);
}

/* Nothing is known of what the hardware did to the VMCB and the TLB. */
static void distrust(struct axv_svm_vcpu *svm)
{
	svm->x.asid.cpu = -1;
	axv_svm_dirty(svm, SVM_CLEAN_ALL);
}

/* A shutdown leaves the state in the VMCB undefined (APM 15.14.3). */
static enum axv_next handle_shutdown(struct axv_svm_vcpu *svm)
{
	distrust(svm);
	return axv_x86_shutdown(&svm->x);
}

/* VMRUN refused the state (APM 15.5.1), or ended by an exit that was not asked for. */
static enum axv_next handle_failed_entry(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;

	distrust(svm);
	return axv_x86_fail_entry(&svm->x, (u64)control->exit_code_hi << 32 |
					   control->exit_code, 0);
}

/* Return: the causes of a #DB that exited; DR6 is up to date in the VMCB (APM 15.12.2). */
static u64 take_causes(struct axv_svm_vcpu *svm)
{
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 causes = save->dr6 ^ DR6_RESERVED;

	if (axv_x86_owns_dr(&svm->x)) {
		save->dr6 = DR6_RESERVED;
		axv_svm_dirty(svm, SVM_CLEAN_DR);
		axv_svm_hide_tf(svm);
	}
	return causes;
}

/*
 * An intercepted exception.  Error code and CR2 are where the intercept put
 * them (APM 15.12).
 */
static enum axv_next handle_exception(struct axv_svm_vcpu *svm, u8 vector)
{
	struct vmcb *vmcb = svm->vmcb;
	unsigned int len;
	u64 address = 0;

	switch (vector) {
	case X86_TRAP_DB:
		address = take_causes(svm);
		break;
	case X86_TRAP_BP:
	case X86_TRAP_OF:
		len = axv_svm_length(svm);
		return len ? axv_x86_soft_exception(&svm->x, vector, len) : AXV_AGAIN;
	case X86_TRAP_UD:
		if (svm->x.step && axv_svm_step_syscall(svm))
			return AXV_RESUME;
		break;
	case X86_TRAP_PF:
		address = vmcb->control.exit_info_2;
		break;
	}
	return axv_x86_exception(&svm->x, vector, vmcb->control.exit_info_1,
				 address);
}

/**
 * axv_svm_handle_slow() - answer an exit that the inner loop could not
 * @x:		vCPU whose last exit waits
 *
 * Context: process context, preemption on; sleeps for guest memory.
 * Return: whether the run goes on.
 */
enum axv_next axv_svm_handle_slow(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	u32 code = svm->vmcb->control.exit_code;
	unsigned int len;

	/* The most frequent one, before the others are told apart. */
	if (likely(code == SVM_EXIT_NPF))
		return handle_nested_page_fault(svm);
	switch (code) {
	case SVM_EXIT_IOIO:
		return axv_svm_out(svm);
	case SVM_EXIT_HLT:
		len = axv_svm_length(svm);
		return len ? axv_x86_halt(x, len) : AXV_AGAIN;
	case SVM_EXIT_CPUID:
	case SVM_EXIT_VMMCALL:
	case SVM_EXIT_MSR:
		len = axv_svm_length(svm);
		return len ? handle_instruction(svm, len) : AXV_AGAIN;
	case SVM_EXIT_READ_CR0:
	case SVM_EXIT_READ_CR4:
	case SVM_EXIT_WRITE_CR0:
	case SVM_EXIT_WRITE_CR4:
	case SVM_EXIT_WRITE_CR8:
		return axv_svm_handle_cr(svm);
	case SVM_EXIT_XSETBV:
		return axv_x86_xsetbv(x, axv_svm_length(svm));
	case SVM_EXIT_WBINVD:
	case SVM_EXIT_INVD:
		/* The guest's memory is coherent whatever its caches hold. */
		len = axv_svm_length(svm);
		if (!len)
			return AXV_AGAIN;
		axv_x86_advance(x, len);
		return AXV_RESUME;
	case SVM_EXIT_PAUSE:
		/* Without a length the guest executes this PAUSE again. */
		len = axv_svm_length(svm);
		if (len)
			axv_x86_advance(x, len);
		axv_vcpu_yield(&x->base);
		return AXV_RESUME;
	case SVM_EXIT_RDPMC:
		axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
		return AXV_RESUME;
	case SVM_EXIT_SHUTDOWN:
		return handle_shutdown(svm);
	case SVM_EXIT_SWINT:
		return axv_svm_no_nrips_int(svm);
	case SVM_EXIT_ICEBP:
		return axv_svm_step_int1(svm);
	case SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR0 + 15:
	case SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR0 + 15:
		return axv_svm_handle_dr(svm);
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
