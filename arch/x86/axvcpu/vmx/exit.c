// SPDX-License-Identifier: GPL-2.0
/*
 * What a VM exit means (SDM vol. 3D, appendix C, "VMX Basic Exit Reasons").
 *
 * The fast handlers run inside the inner loop with interrupts off and never
 * sleep.  What needs guest memory is left to the slow ones; for these the fast
 * ones read the fields of the VMCS that they need.
 */
#include <linux/errno.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../access.h"
#include "../cr.h"
#include "../debug.h"
#include "../events.h"
#include "../exit.h"
#include "../msr.h"
#include "insn.h"
#include "vmx.h"

/* Exit reasons that <asm/vmx.h> does not name. */
#define EXIT_REASON_GETSEC	11
#define EXIT_REASON_ENCLV	70
#define EXIT_REASON_SEAMCALL	76
#define EXIT_REASON_TDCALL	77

/* Qualification of a port access (SDM, table "Exit Qualification for I/O Instructions"). */
#define IO_IN			BIT(3)
#define IO_STRING		BIT(4)
#define IO_REP			BIT(5)
#define IO_WIDTH(qual)		((unsigned int)((qual) & 7) + 1)
#define IO_PORT(qual)		((u16)((qual) >> 16))

/*
 * Instruction information of INS and OUTS (SDM, "Information for VM Exits Due to
 * Instruction Execution").
 */
#define STRING_ADDRESS(info)	(((info) >> 7) & 7)
#define STRING_SEGMENT(info)	(((info) >> 15) & 7)

/* Qualification of an access to a control register. */
#define CR_NUMBER(qual)		((unsigned int)((qual) & CONTROL_REG_ACCESS_NUM))
#define CR_TYPE(qual)		((unsigned int)((qual) & CONTROL_REG_ACCESS_TYPE) >> 4)
#define CR_GPR(qual)		((unsigned int)((qual) & CONTROL_REG_ACCESS_REG) >> 8)
#define CR_MOV_TO		0
#define CR_CLTS			2
#define CR_LMSW			3

/* Qualification of an access to a debug register. */
#define DR_NUMBER(qual)		((unsigned int)((qual) & DEBUG_REG_ACCESS_NUM))
#define DR_GPR(qual)		((unsigned int)DEBUG_REG_ACCESS_REG(qual))

#define TYPE_BUSY_TSS16		0x3

/* Qualification of an EPT violation. */
#define EPT_WRITE		BIT(1)
#define EPT_FETCH		BIT(2)
#define EPT_LINEAR_VALID	BIT(7)
#define EPT_TRANSLATED		BIT(8)
#define EPT_NMI_UNBLOCKED	BIT(12)

/* Qualification of a task switch. */
#define TASK_SELECTOR(qual)	((u16)(qual))
#define TASK_SOURCE(qual)	((unsigned int)((qual) >> 30) & 3)

static_assert(AXV_X86_TASK_CALL == 0 && AXV_X86_TASK_IRET == 1 &&
	      AXV_X86_TASK_JMP == 2 && AXV_X86_TASK_GATE == 3);

static unsigned int length(void)
{
	return axv_vmread(VM_EXIT_INSTRUCTION_LEN);
}

/*
 * axv_vmx_fetch() of a field that the exit left unknown, without the call: the VMCS is
 * current until the inner loop ends.
 */
static __always_inline u64 read_field_now(struct axv_vmx_vcpu *vmx, unsigned int field,
					  unsigned long encoding)
{
	vmx->field[field] = axv_vmread(encoding);
	vmx->known |= BIT_ULL(field);
	return vmx->field[field];
}

/* Read the fields for which axv_x86_get_code() is going to ask. */
static __always_inline void read_code_state(struct axv_vmx_vcpu *vmx)
{
	read_field_now(vmx, AXV_VMX_CR3, GUEST_CR3);
	read_field_now(vmx, AXV_VMX_SEG(AXV_X86_CS, AXV_X86_SEG_ATTR), GUEST_CS_AR_BYTES);
	read_field_now(vmx, AXV_VMX_SEG(AXV_X86_SS, AXV_X86_SEG_ATTR), GUEST_SS_AR_BYTES);
}

/* Read what the outer loop needs: by then the VMCS may be on its way to another CPU. */
static enum axv_next leave_to_slow(struct axv_vmx_vcpu *vmx)
{
	struct axv_vmx_exit *exit = &vmx->exit;

	read_code_state(vmx);
	exit->qualification = axv_vmread(EXIT_QUALIFICATION);
	exit->len = length();
	exit->gpa = axv_vmread(GUEST_PHYSICAL_ADDRESS);
	if (exit->idt_info & VECTORING_INFO_VALID_MASK)
		exit->idt_error = axv_vmread(IDT_VECTORING_ERROR_CODE);
	return AXV_SLOW;
}

/* INS or OUTS.  The segment is undefined for INS, which always uses ES. */
static noinline enum axv_next handle_port_string(struct axv_vmx_vcpu *vmx, u64 qual,
						 unsigned int len)
{
	struct axv_exit_io_string told = {
		.port = IO_PORT(qual),
		.width = IO_WIDTH(qual),
		.in = !!(qual & IO_IN),
		.rep = !!(qual & IO_REP),
		.addr_width = AXV_IO_STRING_UNTOLD,
		.seg = qual & IO_IN ? AXV_X86_ES : AXV_IO_STRING_UNTOLD,
	};
	u32 info;

	if (axv_vmx_caps.string_info) {
		info = axv_vmread(VMX_INSTRUCTION_INFO);
		if (STRING_ADDRESS(info) <= 2)
			told.addr_width = 2 << STRING_ADDRESS(info);
		if (!(qual & IO_IN) && STRING_SEGMENT(info) <= AXV_X86_GS)
			told.seg = STRING_SEGMENT(info);
	}
	return axv_x86_io_string(&vmx->x, &told, len);
}

/* An OUT that may ring a doorbell; RIP is past it already. */
static noinline enum axv_next handle_out(struct axv_vmx_vcpu *vmx)
{
	u64 qual = vmx->exit.qualification;

	/* Waking a thread that waits for the eventfd brings data of others into the cache. */
	vmx->flush_l1d = true;
	return axv_x86_out(&vmx->x, IO_PORT(qual), IO_WIDTH(qual), vmx->exit.len);
}

static enum axv_next handle_port(struct axv_vmx_vcpu *vmx)
{
	u64 qual = axv_vmread(EXIT_QUALIFICATION);
	unsigned int len = length();

	if (qual & IO_STRING)
		return handle_port_string(vmx, qual, len);
	if (qual & IO_IN) {
		/* The next run looks at the instruction, to finish it. */
		read_code_state(vmx);
		return axv_x86_io_in(&vmx->x, IO_PORT(qual), IO_WIDTH(qual),
				     len);
	}
	if (axv_has_doorbells(vmx->x.base.vm, AXV_SPACE_PORTS)) {
		vmx->exit.qualification = qual;
		vmx->exit.len = len;
		axv_vmx_advance(vmx, len);
		return axv_ringing_is_slow(vmx->x.base.vm) ? AXV_SLOW : handle_out(vmx);
	}
	axv_x86_exit_io_out(&vmx->x, IO_PORT(qual), IO_WIDTH(qual), len);
	axv_vmx_advance(vmx, len);
	return AXV_EXIT;
}

/*
 * The causes of #DB and the address of #PF are in the exit qualification, and not in
 * DR6 or CR2 yet.  The #DB of INT1 is a trap: RIP has to be moved past INT1.
 */
static enum axv_next handle_exception(struct axv_vmx_vcpu *vmx)
{
	u32 info = vmx->exit.info;
	u8 vector = info & INTR_INFO_VECTOR_MASK;
	u64 address = 0;

	switch (info & INTR_INFO_INTR_TYPE_MASK) {
	case INTR_TYPE_NMI_INTR:
		return AXV_RESUME;
	case INTR_TYPE_PRIV_SW_EXCEPTION:
		vmx->x.regs.rip += length();
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
		return axv_x86_soft_exception(&vmx->x, vector, length());
	}
	switch (vector) {
	case X86_TRAP_MC:
		axv_x86_machine_check();
		return AXV_RESUME;
	case X86_TRAP_AC:
		if (boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) &&
		    axv_x86_is_split_lock(&vmx->x))
			return leave_to_slow(vmx);
		break;
	case X86_TRAP_DB:
	case X86_TRAP_PF:
		address = axv_vmread(EXIT_QUALIFICATION);
		break;
	}
	return axv_x86_exception(&vmx->x, vector, vmx->exit.error, address);
}

/* VMLAUNCH or VMRESUME failed, or the guest's state was refused. */
static enum axv_next handle_failed_entry(struct axv_vmx_vcpu *vmx)
{
	u64 qualification = 0;

	axv_vmx_take_back_event(vmx);
	vmx->x.asid.cpu = -1;
	if ((u16)vmx->exit.reason == EXIT_REASON_MCE_DURING_VMENTRY)
		axv_x86_machine_check();
	if (!(vmx->exit.reason & AXV_VMX_VMFAIL))
		qualification = axv_vmread(EXIT_QUALIFICATION);
	return axv_x86_fail_entry(&vmx->x, vmx->exit.reason, qualification);
}

static noinline enum axv_next handle_hypercall(struct axv_vmx_vcpu *vmx)
{
	unsigned int len = length();
	enum axv_next next;
	u32 ss;

	/* The privilege level of the guest is SS.DPL (SDM, "Guest Register State"). */
	ss = read_field_now(vmx, AXV_VMX_SEG(AXV_X86_SS, AXV_X86_SEG_ATTR),
			    GUEST_SS_AR_BYTES);
	next = axv_x86_hypercall(&vmx->x, VMX_AR_DPL(ss), len);
	if (next == AXV_EXIT)
		axv_vmx_advance(vmx, len);
	return next;
}

/*
 * Every task switch exits (SDM, "Instructions That Cause VM Exits Unconditionally").
 * The length is that of the instruction, also of one whose event leads through a task
 * gate (SDM, "Information for VM Exits Due to Instruction Execution").
 */
static enum axv_next handle_task_switch(struct axv_vmx_vcpu *vmx)
{
	u64 qual = axv_vmread(EXIT_QUALIFICATION);
	u32 info = vmx->exit.idt_info;
	bool gate = TASK_SOURCE(qual) == AXV_X86_TASK_GATE;
	u64 event = 0;

	if (gate)
		event = axv_vmx_event(info, axv_vmread(IDT_VECTORING_ERROR_CODE));
	return axv_x86_task_switch(&vmx->x, TASK_SELECTOR(qual), TASK_SOURCE(qual), event,
				   gate && !axv_vmx_is_soft(info) ? 0 : length());
}

static noinline enum axv_next search_cpuid(struct axv_vmx_vcpu *vmx)
{
	axv_x86_answer_cpuid(&vmx->x);
	axv_vmx_advance(vmx, length());
	return AXV_RESUME;
}

static noinline enum axv_next handle_cpuid(struct axv_vmx_vcpu *vmx)
{
	u64 *gpr = vmx->x.regs.gpr;
	const struct axv_x86_answer *answer = axv_x86_cpuid_plain(&vmx->x, gpr[AXV_X86_RAX]);

	if (unlikely(!answer))
		return search_cpuid(vmx);
	gpr[AXV_X86_RAX] = answer->eax;
	gpr[AXV_X86_RBX] = answer->ebx;
	gpr[AXV_X86_RCX] = answer->ecx;
	gpr[AXV_X86_RDX] = answer->edx;
	axv_vmx_advance(vmx, length());
	return AXV_RESUME;
}

/* Exits that are not the most frequent ones. */
static noinline enum axv_next handle_other(struct axv_vmx_vcpu *vmx)
{
	struct axv_x86_vcpu *x = &vmx->x;
	enum axv_next next;

	switch (vmx->exit.reason) {
	case EXIT_REASON_MSR_READ:
		return axv_x86_rdmsr(x, length());
	case EXIT_REASON_MSR_WRITE:
		next = axv_x86_wrmsr(x, length());
		return next == AXV_SLOW ? leave_to_slow(vmx) : next;
	case EXIT_REASON_HLT:
		return axv_x86_halt(x, length());
	case EXIT_REASON_EXCEPTION_NMI:
		return handle_exception(vmx);
	case EXIT_REASON_TPR_BELOW_THRESHOLD:
		if (x->lapic) {
			WRITE_ONCE(x->events.any, true);
			return AXV_RESUME;
		}
		axv_x86_exit(x, AXV_EXIT_CR8, 0);
		return AXV_EXIT;
	case EXIT_REASON_PAUSE_INSTRUCTION:
		axv_vmx_advance(vmx, length());
		return AXV_SLOW;
	case EXIT_REASON_INTERRUPT_WINDOW:
		axv_vmx_close_irq_window(vmx);
		return AXV_RESUME;
	case EXIT_REASON_NMI_WINDOW:
		axv_vmx_close_nmi_window(vmx);
		return AXV_RESUME;
	case EXIT_REASON_MONITOR_TRAP_FLAG:
		axv_x86_exit_debug(x, X86_TRAP_DB, DR_STEP, 0);
		return AXV_EXIT;
	case EXIT_REASON_DR_ACCESS:
		if (axv_x86_owns_dr(x))
			return leave_to_slow(vmx);
		/* The registers become the guest's, which executes the instruction again. */
		x->dr_live = true;
		axv_vmx_intercept_dr(x);
		return AXV_RESUME;
	case EXIT_REASON_TASK_SWITCH:
		return handle_task_switch(vmx);
	case EXIT_REASON_TRIPLE_FAULT:
		return axv_x86_shutdown(x);
	case EXIT_REASON_XSETBV:
		return axv_x86_xsetbv(x, length());
	case EXIT_REASON_WBINVD:
	case EXIT_REASON_INVD:
		/* The guest's memory is coherent whatever its caches hold. */
		axv_vmx_advance(vmx, length());
		return AXV_RESUME;
	case EXIT_REASON_RDPMC:
		axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
		return AXV_RESUME;
	case EXIT_REASON_VMCLEAR:
	case EXIT_REASON_VMLAUNCH:
	case EXIT_REASON_VMPTRLD:
	case EXIT_REASON_VMPTRST:
	case EXIT_REASON_VMREAD:
	case EXIT_REASON_VMRESUME:
	case EXIT_REASON_VMWRITE:
	case EXIT_REASON_VMOFF:
	case EXIT_REASON_VMON:
	case EXIT_REASON_INVEPT:
	case EXIT_REASON_INVVPID:
	case EXIT_REASON_VMFUNC:
	case EXIT_REASON_GETSEC:
	case EXIT_REASON_MONITOR_INSTRUCTION:
	case EXIT_REASON_MWAIT_INSTRUCTION:
	case EXIT_REASON_ENCLS:
	case EXIT_REASON_ENCLV:
	case EXIT_REASON_SEAMCALL:
	case EXIT_REASON_TDCALL:
		axv_x86_raise(x, X86_TRAP_UD, false, 0, 0);
		return AXV_RESUME;
	case EXIT_REASON_INIT_SIGNAL:
	case EXIT_REASON_SIPI_SIGNAL:
		/* No host CPU sends INIT or SIPI to a CPU that is up. */
		return AXV_RESUME;
	case EXIT_REASON_CR_ACCESS:
		return leave_to_slow(vmx);
	default:
		return handle_failed_entry(vmx);
	}
}

/**
 * axv_vmx_handle_fast() - answer an exit on the spot, if that is possible
 * @x:		vCPU that just left the guest
 *
 * With retpolines a switch is a tree of comparisons, and a frame on the stack that one
 * case needs is made for all.  So the frequent exits come first, one by one, and what
 * is rare in them is a call.
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_next axv_vmx_handle_fast(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	u64 reason = vmx->exit.reason;

	if (reason == EXIT_REASON_IO_INSTRUCTION)
		return handle_port(vmx);
	if (reason == EXIT_REASON_EPT_VIOLATION)
		return leave_to_slow(vmx);
	if (reason == EXIT_REASON_EXTERNAL_INTERRUPT)
		return AXV_INTERRUPT;
	if (reason == EXIT_REASON_CPUID)
		return handle_cpuid(vmx);
	if (reason == EXIT_REASON_VMCALL)
		return handle_hypercall(vmx);
	return handle_other(vmx);
}

static enum axv_next handle_ept_violation(struct axv_vmx_vcpu *vmx)
{
	const struct axv_vmx_exit *exit = &vmx->exit;
	u64 faults = vmx->x.base.stats.faults;
	u64 qual = exit->qualification;
	enum axv_next next;
	u32 access;

	/* An IRET that could not read its stack had unblocked NMIs already. */
	if ((qual & EPT_NMI_UNBLOCKED) &&
	    !(exit->idt_info & VECTORING_INFO_VALID_MASK))
		vmx->x.hw->set_nmi_masked(&vmx->x, true);

	if (qual & EPT_WRITE)
		access = AXV_ACCESS_WRITE;
	else if (qual & EPT_FETCH)
		access = AXV_ACCESS_FETCH;
	else
		access = AXV_ACCESS_READ;
	if ((qual & EPT_LINEAR_VALID) && !(qual & EPT_TRANSLATED))
		access |= AXV_ACCESS_PAGE_TABLE;
	if (exit->idt_info & VECTORING_INFO_VALID_MASK)
		access |= AXV_ACCESS_EVENT;
	next = axv_x86_stage2_fault(&vmx->x, exit->gpa, access);

	/* Mapping a page brings no data of others into the cache; other answers may. */
	if (vmx->x.base.stats.faults == faults)
		vmx->flush_l1d = true;
	return next;
}

/*
 * Does the guest's MOV to CR0 or CR4 fault because of the mode that it activates?  Long
 * mode requires a TSS of 32 bits (SDM vol. 3A, "Initializing IA-32e Mode"); with another
 * one entry refuses the guest.  With PAE paging, MOV CR itself loads the PDPTEs.
 *
 * Return: 0: no; -EINVAL, -ENOENT or -EFAULT: yes; -EINTR: a signal, it is not known.
 */
static int check_mode(struct axv_vmx_vcpu *vmx, u64 old_efer)
{
	struct axv_x86_vcpu *x = &vmx->x;
	struct axv_x86_segment tr;

	if (x->efer & ~old_efer & EFER_LMA) {
		x->hw->get_segment(x, AXV_X86_TR, &tr);
		if ((tr.attr & AXV_X86_ATTR_TYPE) == TYPE_BUSY_TSS16)
			return -EINVAL;
	}
	if (!vmx->pdptes_stale || !axv_vmx_pae_paging(vmx))
		return 0;
	return axv_vmx_load_pdptes(vmx);
}

/*
 * MOV to CR0 and CR4, LMSW.  Return: 0; -EINTR as check_mode(), another error for
 * #GP: then nothing has changed.
 */
static int write_cr(struct axv_vmx_vcpu *vmx)
{
	struct axv_x86_vcpu *x = &vmx->x;
	u64 qual = vmx->exit.qualification;
	u64 cr0 = x->cr0, cr4 = x->cr4, efer = x->efer;
	bool good;
	int err;

	if (CR_TYPE(qual) == CR_LMSW)
		good = axv_x86_lmsw(x, qual >> LMSW_SOURCE_DATA_SHIFT);
	else
		good = axv_x86_write_cr(x, CR_NUMBER(qual),
					x->regs.gpr[CR_GPR(qual)]);
	if (!good)
		return -EINVAL;

	err = check_mode(vmx, efer);
	if (err) {
		x->hw->set_efer(x, efer);
		x->hw->set_cr(x, 0, cr0);
		x->hw->set_cr(x, 4, cr4);
		vmx->pdptes_stale = false;
	}
	return err;
}

static enum axv_next handle_cr(struct axv_vmx_vcpu *vmx)
{
	struct axv_x86_vcpu *x = &vmx->x;
	int err = 0;

	if (CR_TYPE(vmx->exit.qualification) == CR_CLTS)
		axv_x86_clts(x);
	else
		err = write_cr(vmx);
	if (err == -EINTR)
		return AXV_AGAIN;
	if (!err)
		axv_x86_advance(x, vmx->exit.len);
	else
		axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
	return AXV_RESUME;
}

/**
 * axv_vmx_handle_slow() - answer an exit that the inner loop could not
 * @x:		vCPU whose last exit waits
 *
 * Context: process context, preemption on; sleeps for guest memory.
 * Return: whether the run goes on.
 */
enum axv_next axv_vmx_handle_slow(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	switch (vmx->exit.reason) {
	case EXIT_REASON_EPT_VIOLATION:
		return handle_ept_violation(vmx);
	case EXIT_REASON_IO_INSTRUCTION:
		return handle_out(vmx);
	case EXIT_REASON_CR_ACCESS:
		return handle_cr(vmx);
	case EXIT_REASON_DR_ACCESS:
		return axv_x86_mov_dr(x, DR_NUMBER(vmx->exit.qualification),
				      !(vmx->exit.qualification & TYPE_MOV_FROM_DR),
				      DR_GPR(vmx->exit.qualification), vmx->exit.len);
	case EXIT_REASON_MSR_WRITE:
		return axv_x86_wrmsr(x, vmx->exit.len);
	case EXIT_REASON_EXCEPTION_NMI:
		return axv_x86_split_lock(x);
	case EXIT_REASON_PAUSE_INSTRUCTION:
		axv_vcpu_yield(&x->base);
		return AXV_RESUME;
	default:
		return AXV_RESUME;
	}
}
