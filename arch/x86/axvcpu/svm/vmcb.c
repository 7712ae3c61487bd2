// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual machine control block: how it starts, what it intercepts, and
 * the guest state that lives in it (APM appendix B).
 */
#include <linux/bitops.h>
#include <linux/mem_encrypt.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "../asid.h"
#include "../debug.h"
#include "svm.h"

/*
 * Default deny (APM 15.9): whatever touches the host, or a state that the hardware
 * does not switch, exits.  So do task switches, which the VMM does here as on VMX.
 * INVLPG, CR3 and CR2 do not exit, since the guest has an address space of its own.
 * For ports and MSRs the permission maps decide.
 */
static const u8 always_intercepted[] = {
	INTERCEPT_CR0_WRITE,
	INTERCEPT_CR4_WRITE,
	INTERCEPT_INTR,
	INTERCEPT_NMI,
	INTERCEPT_SMI,
	INTERCEPT_INIT,
	INTERCEPT_RDPMC,
	INTERCEPT_CPUID,
	INTERCEPT_RSM,
	INTERCEPT_INVD,
	INTERCEPT_HLT,
	INTERCEPT_INVLPGA,
	INTERCEPT_IOIO_PROT,
	INTERCEPT_MSR_PROT,
	INTERCEPT_SHUTDOWN,
	INTERCEPT_TASK_SWITCH,
	INTERCEPT_VMRUN,
	INTERCEPT_VMMCALL,
	INTERCEPT_VMLOAD,
	INTERCEPT_VMSAVE,
	INTERCEPT_STGI,
	INTERCEPT_CLGI,
	INTERCEPT_SKINIT,
	INTERCEPT_WBINVD,
	INTERCEPT_MONITOR,
	INTERCEPT_MWAIT,
	INTERCEPT_MWAIT_COND,
	INTERCEPT_XSETBV,
	INTERCEPT_RDPRU,
	INTERCEPT_INVLPGB,
	INTERCEPT_INVLPGB_ILLEGAL,
	INTERCEPT_MCOMMIT,
	INTERCEPT_TLBSYNC,
};

/*
 * Exceptions that always come to the host: #MC, whose handler is the host's;
 * #DB and #AC, which a guest can make recur during their own delivery without
 * ever reaching an interrupt boundary (CVE-2015-5307, CVE-2015-8104).
 */
#define ALWAYS_EXCEPTIONS	(BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | \
				 BIT(X86_TRAP_MC))

/*
 * A guest spins if it executes SPIN_PAUSES PAUSEs with at most SPIN_GAP cycles between two
 * of them (APM 15.14.4).  Most locks are free again long before.
 */
#define SPIN_PAUSES	3000
#define SPIN_GAP	128

/**
 * axv_svm_update_exceptions() - make the intercepts follow the VMM's exception mask
 * @svm:	vCPU whose claim the caller holds
 */
void axv_svm_update_exceptions(struct axv_svm_vcpu *svm)
{
	u32 mask = svm->x.events.exit_mask | ALWAYS_EXCEPTIONS;

	if (svm->x.debug.flags & AXV_DEBUG_SW_BREAK)
		mask |= BIT(X86_TRAP_BP);
	svm->vmcb->control.intercepts[INTERCEPT_EXCEPTION] = mask;
	axv_svm_dirty(svm, SVM_CLEAN_INTERCEPTS);

	/* Without next-RIP saving INT3 may exit as INT n: see axv_svm_no_nrips_int(). */
	if (!axv_svm.nrips && (mask & BIT(X86_TRAP_BP)))
		axv_svm_intercept(svm, INTERCEPT_INTn);
	else
		axv_svm_unintercept(svm, INTERCEPT_INTn);
}

/**
 * axv_svm_intercept_dr() - make debug registers exit, unless the guest has its own there
 * @x:		vCPU whose claim the caller holds
 */
void axv_svm_intercept_dr(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);

	svm->vmcb->control.intercepts[INTERCEPT_DR] =
		x->dr_live && !axv_x86_owns_dr(x) ? 0 : ~0u;
	axv_svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
}

/**
 * axv_svm_vmcb_init() - put the control area into its power-on state
 * @svm:	vCPU whose claim the caller holds; the save area is set through
 *		axv_svm_hw afterwards
 */
void axv_svm_vmcb_init(struct axv_svm_vcpu *svm)
{
	struct axv_svm_vm *vm = to_svm_vm(svm->x.base.vm);
	struct vmcb_control_area *control = &svm->vmcb->control;
	unsigned int i;

	memset(svm->vmcb, 0, sizeof(*svm->vmcb));
	for (i = 0; i < ARRAY_SIZE(always_intercepted); i++)
		axv_svm_intercept(svm, always_intercepted[i]);

	control->iopm_base_pa = axv_svm_iopm_pa();
	control->msrpm_base_pa = vm->msrpm_pa;
	control->int_ctl = V_INTR_MASKING_MASK;
	if (svm->x.base.vm->flags & AXV_VM_YIELD_ON_SPIN) {
		axv_svm_intercept(svm, INTERCEPT_PAUSE);
		control->pause_filter_count = SPIN_PAUSES;
		control->pause_filter_thresh = SPIN_GAP;
	}
	if (axv_svm.vnmi)
		control->int_ctl |= SVM_V_NMI_ENABLE;
	control->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	control->nested_cr3 = __sme_set(vm->x.base.s2.root);
	svm->vmcb->save.g_pat = AXV_X86_PAT_RESET;
	svm->vmcb->save.efer = EFER_SVME;

	svm->x.cr8_below = 0;
	svm->nmi_masked = false;
	svm->after_exit = 0;
	svm->step_open = 0;
	axv_svm_update_exceptions(svm);
	axv_svm_intercept_dr(&svm->x);
	control->clean = 0;
}

static struct vmcb_seg *vmcb_segment(struct axv_svm_vcpu *svm, unsigned int seg)
{
	struct vmcb_save_area *save = &svm->vmcb->save;

	switch (seg) {
	case AXV_X86_ES:
		return &save->es;
	case AXV_X86_CS:
		return &save->cs;
	case AXV_X86_SS:
		return &save->ss;
	case AXV_X86_DS:
		return &save->ds;
	case AXV_X86_FS:
		return &save->fs;
	case AXV_X86_GS:
		return &save->gs;
	case AXV_X86_TR:
		return &save->tr;
	case AXV_X86_LDTR:
		return &save->ldtr;
	case AXV_X86_GDTR:
		return &save->gdtr;
	default:
		return &save->idtr;
	}
}

static void svm_get_segment(struct axv_x86_vcpu *x, unsigned int seg,
			    struct axv_x86_segment *value)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	struct vmcb_seg *s = vmcb_segment(svm, seg);

	value->base = s->base;
	value->limit = s->limit;
	value->selector = s->selector;
	value->attr = s->attrib;

	/* SYSRET does not change SS.DPL: only the CPL field has the level then. */
	if (seg == AXV_X86_SS) {
		value->attr &= ~AXV_X86_ATTR_DPL;
		value->attr |= svm->vmcb->save.cpl << 5;
	}
}

static void svm_set_segment(struct axv_x86_vcpu *x, unsigned int seg,
			    const struct axv_x86_segment *value)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	struct vmcb_seg *s = vmcb_segment(svm, seg);

	s->base = value->base;
	s->limit = value->limit;
	s->selector = value->selector;
	s->attrib = value->attr & AXV_X86_ATTR_MASK;

	/* The VMCB has a field of its own for the privilege level, which is SS.DPL. */
	if (seg == AXV_X86_SS)
		svm->vmcb->save.cpl = (value->attr & AXV_X86_ATTR_DPL) >> 5;
	axv_svm_dirty(svm, SVM_CLEAN_SEG);
}

static void svm_get_dtable(struct axv_x86_vcpu *x, unsigned int table,
			   struct axv_x86_dtable *value)
{
	struct vmcb_seg *s = vmcb_segment(x86_to_svm(x), table);

	value->base = s->base;
	value->limit = s->limit;
	value->pad = 0;
}

static void svm_set_dtable(struct axv_x86_vcpu *x, unsigned int table,
			   const struct axv_x86_dtable *value)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	struct vmcb_seg *s = vmcb_segment(svm, table);

	s->base = value->base;
	s->limit = value->limit;
	axv_svm_dirty(svm, SVM_CLEAN_DT);
}

/*
 * CD and NW would slow down or bypass caches that the host shares.  So they are
 * in the guest's view only, and reads of CR0 exit while that differs.
 */
static void set_cr0(struct axv_svm_vcpu *svm, u64 cr0)
{
	u64 real = cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW);

	svm->x.cr0 = cr0;
	svm->vmcb->save.cr0 = real;
	axv_svm_dirty(svm, SVM_CLEAN_CR);
	if (real == cr0)
		axv_svm_unintercept(svm, INTERCEPT_CR0_READ);
	else
		axv_svm_intercept(svm, INTERCEPT_CR0_READ);
}

/*
 * With MCE clear a machine check is a shutdown, which would pass for the guest's
 * own.  So the guest runs with the host's MCE, and reads of CR4 exit while the
 * guest's view differs.
 */
static void set_cr4(struct axv_svm_vcpu *svm, u64 cr4)
{
	u64 real = cr4 | (cr4_read_shadow() & X86_CR4_MCE);

	svm->x.cr4 = cr4;
	svm->vmcb->save.cr4 = real;
	axv_svm_dirty(svm, SVM_CLEAN_CR);
	if (real == cr4)
		axv_svm_unintercept(svm, INTERCEPT_CR4_READ);
	else
		axv_svm_intercept(svm, INTERCEPT_CR4_READ);
}

static u64 svm_get_cr(struct axv_x86_vcpu *x, unsigned int cr)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	struct vmcb *vmcb = svm->vmcb;

	switch (cr) {
	case 0:
		/*
		 * TS is read from the VMCB.  A processor exits before a task switch sets TS (APM
		 * 15.14.1), but QEMU lacks that intercept, and there TS changes without an exit.
		 */
		return (svm->x.cr0 & ~(u64)X86_CR0_TS) |
		       (vmcb->save.cr0 & X86_CR0_TS);
	case 2:
		return vmcb->save.cr2;
	case 3:
		return vmcb->save.cr3;
	case 4:
		return svm->x.cr4;
	default:
		return vmcb->control.int_ctl & V_TPR_MASK;
	}
}

static void svm_set_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	struct vmcb *vmcb = svm->vmcb;

	axv_x86_cr_changes(x, cr, value);
	switch (cr) {
	case 0:
		set_cr0(svm, value);
		break;
	case 2:
		vmcb->save.cr2 = value;
		axv_svm_dirty(svm, SVM_CLEAN_CR2);
		break;
	case 3:
		vmcb->save.cr3 = value;
		axv_svm_dirty(svm, SVM_CLEAN_CR);
		break;
	case 4:
		set_cr4(svm, value);
		break;
	default:
		vmcb->control.int_ctl &= ~V_TPR_MASK;
		vmcb->control.int_ctl |= value & V_TPR_MASK;
		axv_svm_dirty(svm, SVM_CLEAN_TPR);
		break;
	}
}

/*
 * While the VMM owns the debug registers, DR6 in the VMCB is for the causes of the next #DB
 * alone, and has none until then.
 */
static u64 svm_get_dr(struct axv_x86_vcpu *x, unsigned int dr)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);

	if (dr == 6)
		return axv_x86_owns_dr(x) ? x->debug.guest_dr6 : svm->vmcb->save.dr6;
	if (dr == 7)
		return axv_x86_has_breaks(x) ? x->debug.guest_dr7 : svm->vmcb->save.dr7;
	return x->dr[dr];
}

static u64 swap_dr6(struct axv_x86_vcpu *x, u64 value)
{
	if (!axv_x86_owns_dr(x))
		return value;
	x->debug.guest_dr6 = value;
	return DR6_RESERVED;
}

static u64 swap_dr7(struct axv_x86_vcpu *x, u64 value)
{
	if (!axv_x86_has_breaks(x))
		return value;
	x->debug.guest_dr7 = value;
	return x->debug.dr7;
}

static void svm_set_dr(struct axv_x86_vcpu *x, unsigned int dr, u64 value)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);

	if (dr == 6)
		svm->vmcb->save.dr6 = swap_dr6(x, value);
	else if (dr == 7)
		svm->vmcb->save.dr7 = swap_dr7(x, value);
	else
		x->dr[dr] = value;
	axv_svm_dirty(svm, SVM_CLEAN_DR);
}

static void svm_set_efer(struct axv_x86_vcpu *x, u64 value)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);

	axv_x86_efer_changes(x, value);
	x->efer = value;
	/* VMRUN refuses a guest without SVME (APM 15.5.1). */
	svm->vmcb->save.efer = value | EFER_SVME;
	axv_svm_dirty(svm, SVM_CLEAN_CR);
}

static u64 *vmcb_msr(struct axv_svm_vcpu *svm, u32 msr)
{
	struct vmcb_save_area *save = &svm->vmcb->save;

	switch (msr) {
	case MSR_STAR:
		return &save->star;
	case MSR_LSTAR:
		return &save->lstar;
	case MSR_CSTAR:
		return &save->cstar;
	case MSR_SYSCALL_MASK:
		return &save->sfmask;
	case MSR_KERNEL_GS_BASE:
		return &save->kernel_gs_base;
	case MSR_FS_BASE:
		return &save->fs.base;
	case MSR_GS_BASE:
		return &save->gs.base;
	case MSR_IA32_SYSENTER_CS:
		return &save->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return &save->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return &save->sysenter_eip;
	case MSR_IA32_CR_PAT:
		return &save->g_pat;
	default:
		return NULL;
	}
}

static int svm_get_msr(struct axv_x86_vcpu *x, u32 msr, u64 *value)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	u64 *field = vmcb_msr(svm, msr);

	if (field)
		*value = *field;
	else if (msr == MSR_IA32_SPEC_CTRL)
		*value = svm->x.spec_ctrl;
	else
		return -ENOENT;
	return 0;
}

static int svm_set_msr(struct axv_x86_vcpu *x, u32 msr, u64 value)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	u64 *field = vmcb_msr(svm, msr);

	if (field) {
		*field = value;
		if (msr == MSR_IA32_CR_PAT)
			axv_svm_dirty(svm, SVM_CLEAN_NP);
	} else if (msr == MSR_IA32_SPEC_CTRL) {
		svm->x.spec_ctrl = value;
		if (axv_svm.v_spec_ctrl)
			svm->vmcb->save.spec_ctrl = value;
	} else {
		return -ENOENT;
	}
	return 0;
}

static void svm_code_state(struct axv_x86_vcpu *x,
			   struct axv_x86_code_state *state)
{
	axv_svm_code_state(x86_to_svm(x)->vmcb, state);
}

static unsigned int svm_cpl(struct axv_x86_vcpu *x)
{
	return x86_to_svm(x)->vmcb->save.cpl;
}

/* There is one bit for both shadows (APM 15.21.5). */
static unsigned int svm_get_shadow(struct axv_x86_vcpu *x)
{
	if (!(x86_to_svm(x)->vmcb->control.int_state &
	      SVM_INTERRUPT_SHADOW_MASK))
		return AXV_X86_SHADOW_NONE;
	return x->regs.rflags & X86_EFLAGS_IF ? AXV_X86_SHADOW_STI :
						AXV_X86_SHADOW_MOV_SS;
}

static void svm_set_shadow(struct axv_x86_vcpu *x, unsigned int shadow)
{
	struct vmcb_control_area *control = &x86_to_svm(x)->vmcb->control;

	if (shadow)
		control->int_state |= SVM_INTERRUPT_SHADOW_MASK;
	else
		control->int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
}

static bool svm_get_nmi_masked(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);

	if (axv_svm.vnmi)
		return svm->vmcb->control.int_ctl & SVM_V_NMI_MASK;
	return svm->nmi_masked;
}

static void svm_set_nmi_masked(struct axv_x86_vcpu *x, bool masked)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);

	if (axv_svm.vnmi) {
		svm->vmcb->control.int_ctl &= ~SVM_V_NMI_MASK;
		if (masked)
			svm->vmcb->control.int_ctl |= SVM_V_NMI_MASK;
		axv_svm_dirty(svm, SVM_CLEAN_TPR);
		return;
	}
	svm->nmi_masked = masked;
	svm->nmi_iret = false;
	if (masked)
		axv_svm_intercept(svm, INTERCEPT_IRET);
	else
		axv_svm_unintercept(svm, INTERCEPT_IRET);
}

/*
 * The VMCB has no field for pending debug exceptions (APM appendix B), so a save and
 * restore at an exit loses nothing beyond what the exit itself loses.  A single step needs
 * none: the #DB of an instruction that the module finishes is in
 * &axv_x86_events.exception, and TF in RFLAGS makes the processor's own, behind a shadow
 * as well.  A data breakpoint of MOV SS, which the shadow holds back, is lost if the
 * next instruction exits; VMX keeps it.
 */
static u64 svm_get_pending_debug(struct axv_x86_vcpu *x)
{
	return 0;
}

static int svm_set_pending_debug(struct axv_x86_vcpu *x, u64 value)
{
	return value ? -EINVAL : 0;
}

static void svm_cpuid_changed(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);

	axv_svm_update_exceptions(svm);
	axv_svm_intercept_dr(x);

	/* Without TSC_AUX in its CPUID, RDTSCP is an undefined instruction. */
	if (x->caps.tsc_aux)
		axv_svm_unintercept(svm, INTERCEPT_RDTSCP);
	else
		axv_svm_intercept(svm, INTERCEPT_RDTSCP);
}

/* CR8 exits only while the VMM or the APIC waits for it: guests write CR8 often. */
static void svm_watch_cr8(struct axv_x86_vcpu *x)
{
	if (x->cr8_below)
		axv_svm_intercept(x86_to_svm(x), INTERCEPT_CR8_WRITE);
	else
		axv_svm_unintercept(x86_to_svm(x), INTERCEPT_CR8_WRITE);
}

const struct axv_x86_hw axv_svm_hw = {
	.get_segment = svm_get_segment,
	.set_segment = svm_set_segment,
	.get_dtable = svm_get_dtable,
	.set_dtable = svm_set_dtable,
	.get_cr = svm_get_cr,
	.set_cr = svm_set_cr,
	.get_dr = svm_get_dr,
	.set_dr = svm_set_dr,
	.set_efer = svm_set_efer,
	.get_msr = svm_get_msr,
	.set_msr = svm_set_msr,
	.code_state = svm_code_state,
	.cpl = svm_cpl,
	.get_shadow = svm_get_shadow,
	.set_shadow = svm_set_shadow,
	.get_nmi_masked = svm_get_nmi_masked,
	.set_nmi_masked = svm_set_nmi_masked,
	.get_pending_debug = svm_get_pending_debug,
	.set_pending_debug = svm_set_pending_debug,
	.cpuid_changed = svm_cpuid_changed,
	.watch_cr8 = svm_watch_cr8,
};
