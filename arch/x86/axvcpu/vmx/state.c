// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's state: what registers mean in the VMCS (SDM vol. 3C, "Guest-State
 * Area"), and those that VMX does not switch.
 */
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "../asid.h"
#include "../debug.h"
#include "../host.h"
#include "vmx.h"

/*
 * Exceptions that always come to the host: #MC, whose handler is the host's;
 * #DB and #AC, which a guest can make recur during their own delivery without
 * ever reaching an interrupt boundary (CVE-2015-5307, CVE-2015-8104).
 */
#define ALWAYS_EXCEPTIONS	(BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) | \
				 BIT(X86_TRAP_MC))

/* Access rights have the bits of the attributes, the upper four of them 4 bits higher. */
static u16 ar_to_attr(u32 ar)
{
	u16 attr = (ar & 0xff) | (ar >> 4 & 0xf00);

	return ar & VMX_AR_UNUSABLE_MASK ? attr & ~AXV_X86_ATTR_P : attr;
}

/*
 * A segment that is not present becomes unusable.  Entry insists that a usable segment
 * has its accessed bit set, and that the TSS is busy (SDM, "Checks on Guest Segment
 * Registers"); a processor that loads them leaves them so.
 */
static u32 attr_to_ar(unsigned int seg, u16 attr)
{
	u32 ar = (attr & 0xff) | (u32)(attr & 0xf00) << 4;

	if (seg == AXV_X86_TR)
		return ar | 2;
	if (!(attr & AXV_X86_ATTR_P))
		return ar | VMX_AR_UNUSABLE_MASK;
	return attr & AXV_X86_ATTR_S ? ar | VMX_AR_TYPE_ACCESSES_MASK : ar;
}

static u64 get_seg(struct axv_x86_vcpu *x, unsigned int seg, unsigned int field)
{
	return axv_vmx_get(x86_to_vmx(x), AXV_VMX_SEG(seg, field));
}

static void vmx_get_segment(struct axv_x86_vcpu *x, unsigned int seg,
			    struct axv_x86_segment *value)
{
	value->base = get_seg(x, seg, AXV_X86_SEG_BASE);
	value->limit = get_seg(x, seg, AXV_X86_SEG_LIMIT);
	value->selector = get_seg(x, seg, AXV_X86_SEG_SELECTOR);
	value->attr = ar_to_attr(get_seg(x, seg, AXV_X86_SEG_ATTR));
}

static void vmx_set_segment(struct axv_x86_vcpu *x, unsigned int seg,
			    const struct axv_x86_segment *value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	axv_vmx_set(vmx, AXV_VMX_SEG(seg, AXV_X86_SEG_BASE), value->base);
	axv_vmx_set(vmx, AXV_VMX_SEG(seg, AXV_X86_SEG_LIMIT), value->limit);
	axv_vmx_set(vmx, AXV_VMX_SEG(seg, AXV_X86_SEG_SELECTOR),
		    value->selector);
	axv_vmx_set(vmx, AXV_VMX_SEG(seg, AXV_X86_SEG_ATTR),
		    attr_to_ar(seg, value->attr));
}

static void vmx_get_dtable(struct axv_x86_vcpu *x, unsigned int table,
			   struct axv_x86_dtable *value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	unsigned int field = table == AXV_X86_GDTR ? AXV_VMX_GDTR_BASE :
						     AXV_VMX_IDTR_BASE;

	value->base = axv_vmx_get(vmx, field);
	value->limit = axv_vmx_get(vmx, field + 1);
	value->pad = 0;
}

static void vmx_set_dtable(struct axv_x86_vcpu *x, unsigned int table,
			   const struct axv_x86_dtable *value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	unsigned int field = table == AXV_X86_GDTR ? AXV_VMX_GDTR_BASE :
						     AXV_VMX_IDTR_BASE;

	axv_vmx_set(vmx, field, value->base);
	axv_vmx_set(vmx, field + 1, value->limit);
}

/*
 * SDM, "Checks on Guest Page-Directory-Pointer-Table Entries".  The processor, which
 * loads them at the guest's MOV to CR3, knows nothing of the width in the guest's CPUID.
 */
static bool pdpte_valid(u64 pdpte)
{
	u64 reserved = GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5) |
		       GENMASK_ULL(63, axv_x86_host.phys_bits);

	return !(pdpte & 1) || !(pdpte & reserved);
}

/**
 * axv_vmx_load_pdptes() - load the PDPTEs, as MOV to CR does with PAE paging
 * @vmx:	vCPU whose claim the caller holds
 *
 * SDM vol. 3A, "PDPTE Registers".  The processor does it at the guest's own MOV to
 * CR3; this is for control registers that software has set.
 *
 * Context: may sleep.
 * Return: 0; -ENOENT or -EFAULT if there is no memory, -EINTR for a signal, -EINVAL for
 * reserved bits.  After an error nothing has changed.
 */
int axv_vmx_load_pdptes(struct axv_vmx_vcpu *vmx)
{
	u64 table = axv_vmx_get(vmx, AXV_VMX_CR3) & GENMASK_ULL(31, 5);
	u64 pdpte[4];
	unsigned int i;
	int err;

	err = axv_guest_read(vmx->x.base.vm, table, pdpte, sizeof(pdpte));
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(pdpte); i++) {
		if (!pdpte_valid(pdpte[i]))
			return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(pdpte); i++)
		axv_vmx_set(vmx, AXV_VMX_PDPTE0 + i, pdpte[i]);
	vmx->pdptes_stale = false;
	return 0;
}

/**
 * axv_vmx_clear_pdptes() - clear the PDPTEs, so that nothing is mapped
 * @vmx:	vCPU whose claim the caller holds and whose PDPTEs are stale
 *
 * They stay stale: the next run tries to load them again.
 */
void axv_vmx_clear_pdptes(struct axv_vmx_vcpu *vmx)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		axv_vmx_set(vmx, AXV_VMX_PDPTE0 + i, 0);
}

static u64 vmx_get_pdpte(struct axv_x86_vcpu *x, unsigned int index)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	if (index == AXV_X86_PDPTES_LOADED)
		return !vmx->pdptes_stale;
	return axv_vmx_get(vmx, AXV_VMX_PDPTE0 + index);
}

static int vmx_set_pdpte(struct axv_x86_vcpu *x, unsigned int index, u64 value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	if (index == AXV_X86_PDPTES_LOADED) {
		if (value > 1)
			return -EINVAL;
		vmx->pdptes_stale = !value;
		return 0;
	}
	if (!pdpte_valid(value))
		return -EINVAL;
	axv_vmx_set(vmx, AXV_VMX_PDPTE0 + index, value);
	return 0;
}

/* Changes of these bits load the PDPTEs (SDM vol. 3A, "PDPTE Registers"). */
#define CR0_PDPTES	(X86_CR0_CD | X86_CR0_NW | X86_CR0_PG)
#define CR4_PDPTES	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)

/*
 * CD and NW would slow down or bypass caches that the host shares, so they are in the
 * guest's view only.  NE has to be set in VMX operation, whatever the guest's view is.
 */
static void set_cr0(struct axv_vmx_vcpu *vmx, u64 cr0)
{
	if ((cr0 ^ vmx->x.cr0) & CR0_PDPTES)
		vmx->pdptes_stale = true;
	vmx->x.cr0 = cr0;
	axv_vmx_set(vmx, AXV_VMX_CR0_SHADOW, cr0);
	axv_vmx_set(vmx, AXV_VMX_CR0,
		    (cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW)) |
		    axv_vmx_caps.cr0_fixed0);
}

/*
 * With MCE clear a machine check is a shutdown, which would pass for the guest's own,
 * so the guest runs with the host's MCE.  VMXE has to be set in VMX operation.
 */
static void set_cr4(struct axv_vmx_vcpu *vmx, u64 cr4)
{
	if ((cr4 ^ vmx->x.cr4) & CR4_PDPTES)
		vmx->pdptes_stale = true;
	vmx->x.cr4 = cr4;
	axv_vmx_set(vmx, AXV_VMX_CR4_SHADOW, cr4);
	axv_vmx_set(vmx, AXV_VMX_CR4,
		    cr4 | axv_vmx_caps.cr4_fixed0 |
		    (cr4_read_shadow() & X86_CR4_MCE));
}

static u64 vmx_get_cr(struct axv_x86_vcpu *x, unsigned int cr)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	switch (cr) {
	case 0:
		return x->cr0;
	case 2:
		return vmx->cr2;
	case 3:
		return axv_vmx_get(vmx, AXV_VMX_CR3);
	case 4:
		return x->cr4;
	default:
		return vmx->areas->apic[AXV_VMX_APIC_TPR] >> 4;
	}
}

static void vmx_set_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	axv_x86_cr_changes(x, cr, value);
	switch (cr) {
	case 0:
		set_cr0(vmx, value);
		break;
	case 2:
		vmx->cr2 = value;
		break;
	case 3:
		axv_vmx_set(vmx, AXV_VMX_CR3, value);
		vmx->pdptes_stale = true;
		break;
	case 4:
		set_cr4(vmx, value);
		break;
	default:
		vmx->areas->apic[AXV_VMX_APIC_TPR] = value << 4;
		break;
	}
}

/*
 * The register has the guest's DR6 as long as DR0 to DR3 are loaded, also with the VMM's
 * breakpoints: an exit for #DB does not change DR6 (SDM, "Architectural State Before a VM
 * Exit").
 */
static u64 vmx_get_dr(struct axv_x86_vcpu *x, unsigned int dr)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	unsigned long dr6;

	if (dr == 7)
		return axv_x86_has_breaks(x) ? x->debug.guest_dr7 :
					       axv_vmx_get(vmx, AXV_VMX_DR7);
	if (dr != 6)
		return x->dr[dr];
	if (!x->dr_loaded)
		return vmx->dr6;
	get_debugreg(dr6, 6);
	return dr6;
}

static void vmx_set_dr(struct axv_x86_vcpu *x, unsigned int dr, u64 value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	if (dr == 7 && axv_x86_has_breaks(x)) {
		x->debug.guest_dr7 = value;
		axv_vmx_set(vmx, AXV_VMX_DR7, x->debug.dr7);
	} else if (dr == 7) {
		axv_vmx_set(vmx, AXV_VMX_DR7, value);
	} else if (dr != 6) {
		x->dr[dr] = value;
	} else {
		vmx->dr6 = value;
		if (x->dr_loaded)
			set_debugreg(value, 6);
	}
}

/**
 * axv_vmx_intercept_dr() - make debug registers exit, unless the guest has its own there
 * @x:		vCPU whose claim the caller holds
 */
void axv_vmx_intercept_dr(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	u64 controls = axv_vmx_get(vmx, AXV_VMX_CPU_CONTROLS);

	if (x->dr_live && !axv_x86_owns_dr(x))
		controls &= ~(u64)CPU_BASED_MOV_DR_EXITING;
	else
		controls |= CPU_BASED_MOV_DR_EXITING;
	axv_vmx_set(vmx, AXV_VMX_CPU_CONTROLS, controls);
}

/*
 * "IA-32e mode guest" has to be the same as LMA (SDM, "Checks on Guest Control
 * Registers").
 */
static void vmx_set_efer(struct axv_x86_vcpu *x, u64 value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	u64 controls = axv_vmx_get(vmx, AXV_VMX_ENTRY_CONTROLS);

	axv_x86_efer_changes(x, value);
	if ((value ^ x->efer) & EFER_LMA)
		vmx->pdptes_stale = true;
	x->efer = value;
	vmx->syscall_stale = true;
	axv_vmx_set(vmx, AXV_VMX_EFER, value);
	if (value & EFER_LMA)
		controls |= VM_ENTRY_IA32E_MODE;
	else
		controls &= ~(u64)VM_ENTRY_IA32E_MODE;
	axv_vmx_set(vmx, AXV_VMX_ENTRY_CONTROLS, controls);
}

static int msr_field(u32 msr)
{
	switch (msr) {
	case MSR_FS_BASE:
		return AXV_VMX_SEG(AXV_X86_FS, AXV_X86_SEG_BASE);
	case MSR_GS_BASE:
		return AXV_VMX_SEG(AXV_X86_GS, AXV_X86_SEG_BASE);
	case MSR_IA32_SYSENTER_CS:
		return AXV_VMX_SYSENTER_CS;
	case MSR_IA32_SYSENTER_ESP:
		return AXV_VMX_SYSENTER_ESP;
	case MSR_IA32_SYSENTER_EIP:
		return AXV_VMX_SYSENTER_EIP;
	case MSR_IA32_CR_PAT:
		return AXV_VMX_PAT;
	default:
		return -1;
	}
}

static u64 *msr_in_memory(struct axv_vmx_vcpu *vmx, u32 msr)
{
	switch (msr) {
	case MSR_STAR:
		return &vmx->syscall[AXV_VMX_STAR];
	case MSR_LSTAR:
		return &vmx->syscall[AXV_VMX_LSTAR];
	case MSR_SYSCALL_MASK:
		return &vmx->syscall[AXV_VMX_SFMASK];
	case MSR_CSTAR:
		return &vmx->cstar;
	case MSR_KERNEL_GS_BASE:
		return &vmx->kernel_gs_base;
	case MSR_IA32_SPEC_CTRL:
		return &vmx->x.spec_ctrl;
	default:
		return NULL;
	}
}

static int vmx_get_msr(struct axv_x86_vcpu *x, u32 msr, u64 *value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	const u64 *memory = msr_in_memory(vmx, msr);
	int field = msr_field(msr);

	if (msr == MSR_KERNEL_GS_BASE && vmx->host_held)
		rdmsrl(MSR_KERNEL_GS_BASE, *value);
	else if (memory)
		*value = *memory;
	else if (field >= 0)
		*value = axv_vmx_get(vmx, field);
	else
		return -ENOENT;
	return 0;
}

/*
 * During the inner loop, which answers RDMSR and WRMSR of the guest, the registers may
 * have the guest's KERNEL_GS_BASE and MSRs of SYSCALL.
 */
static int vmx_set_msr(struct axv_x86_vcpu *x, u32 msr, u64 value)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	u64 *memory = msr_in_memory(vmx, msr);
	int field = msr_field(msr);

	if (msr == MSR_KERNEL_GS_BASE && vmx->host_held)
		wrmsrl(MSR_KERNEL_GS_BASE, value);
	else if (memory)
		*memory = value;
	else if (field >= 0)
		axv_vmx_set(vmx, field, value);
	else
		return -ENOENT;
	vmx->syscall_stale = true;
	return 0;
}

/* The privilege level of the guest is SS.DPL (SDM, "Guest Register State"). */
static unsigned int vmx_cpl(struct axv_x86_vcpu *x)
{
	return VMX_AR_DPL(get_seg(x, AXV_X86_SS, AXV_X86_SEG_ATTR));
}

static void vmx_code_state(struct axv_x86_vcpu *x,
			   struct axv_x86_code_state *state)
{
	state->cr3 = axv_vmx_get(x86_to_vmx(x), AXV_VMX_CR3);
	state->attr = ar_to_attr(get_seg(x, AXV_X86_CS, AXV_X86_SEG_ATTR));
	state->cpl = vmx_cpl(x);
}

static u64 interruptibility(struct axv_x86_vcpu *x)
{
	return axv_vmx_interruptibility(x86_to_vmx(x));
}

static_assert(AXV_X86_SHADOW_STI == GUEST_INTR_STATE_STI);
static_assert(AXV_X86_SHADOW_MOV_SS == GUEST_INTR_STATE_MOV_SS);

static unsigned int vmx_get_shadow(struct axv_x86_vcpu *x)
{
	return interruptibility(x) & AXV_VMX_SHADOW;
}

/*
 * Without a shadow no single step stays pending: if software ends the shadow because it
 * emulated an instruction, it raises the #DB of the single step itself.
 */
static noinline void change_shadow(struct axv_x86_vcpu *x, unsigned int shadow)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);

	axv_vmx_set(vmx, AXV_VMX_INTERRUPTIBILITY,
		    (interruptibility(x) & ~(u64)AXV_VMX_SHADOW) | shadow);
	if (!shadow)
		axv_vmx_set(vmx, AXV_VMX_PENDING_DEBUG,
			    axv_vmx_get(vmx, AXV_VMX_PENDING_DEBUG) &
			    ~(u64)DR_STEP);
}

/*
 * Mostly there was no shadow, and there is to be none.  Then there is nothing to change,
 * since the exit has saved no single step as pending (SDM, "Saving Non-Register State").
 * There may be one only if software has set it, and the field is known then; or if TF is
 * set, since not every implementation keeps to the SDM there.
 */
static void vmx_set_shadow(struct axv_x86_vcpu *x, unsigned int shadow)
{
	if (unlikely((interruptibility(x) & AXV_VMX_SHADOW) || shadow ||
		     (x->regs.rflags & X86_EFLAGS_TF) ||
		     (x86_to_vmx(x)->known & BIT_ULL(AXV_VMX_PENDING_DEBUG))))
		change_shadow(x, shadow);
}

/* B0 to B3, "enabled breakpoint", BS (SDM, "Guest Non-Register State"). */
#define PENDING_DEBUG	(DR_TRAP_BITS | BIT_ULL(12) | DR_STEP)

static u64 vmx_get_pending_debug(struct axv_x86_vcpu *x)
{
	return axv_vmx_get(x86_to_vmx(x), AXV_VMX_PENDING_DEBUG) & PENDING_DEBUG;
}

static int vmx_set_pending_debug(struct axv_x86_vcpu *x, u64 value)
{
	if (value & ~(u64)PENDING_DEBUG)
		return -EINVAL;
	axv_vmx_set(x86_to_vmx(x), AXV_VMX_PENDING_DEBUG, value);
	return 0;
}

/**
 * axv_vmx_fit_shadow() - change an interrupt shadow that software set to what entry accepts
 * @vmx:	vCPU with an interrupt shadow
 *
 * SDM, "Checks on Guest Non-Register State": with IF clear the shadow must not be that of
 * STI; and in a shadow a single step has to be pending if TF is set, and only then.
 */
void axv_vmx_fit_shadow(struct axv_vmx_vcpu *vmx)
{
	u64 pending = axv_vmx_get(vmx, AXV_VMX_PENDING_DEBUG);

	if (!(vmx->x.regs.rflags & X86_EFLAGS_IF))
		change_shadow(&vmx->x, AXV_X86_SHADOW_MOV_SS);
	if (vmx->x.regs.rflags & X86_EFLAGS_TF)
		pending |= DR_STEP;
	else
		pending &= ~(u64)DR_STEP;
	axv_vmx_set(vmx, AXV_VMX_PENDING_DEBUG, pending);
}

static bool vmx_get_nmi_masked(struct axv_x86_vcpu *x)
{
	return interruptibility(x) & GUEST_INTR_STATE_NMI;
}

static void vmx_set_nmi_masked(struct axv_x86_vcpu *x, bool masked)
{
	u64 state = interruptibility(x);

	if (masked)
		state |= GUEST_INTR_STATE_NMI;
	else
		state &= ~(u64)GUEST_INTR_STATE_NMI;
	axv_vmx_set(x86_to_vmx(x), AXV_VMX_INTERRUPTIBILITY, state);
}

/*
 * The monitor trap flag makes each instruction, and each delivery of an event, exit behind
 * it, and the guest sees nothing of it (SDM, "Monitor Trap Flag").
 */
static void debug_changed(struct axv_vmx_vcpu *vmx)
{
	u32 exceptions = vmx->x.events.exit_mask | ALWAYS_EXCEPTIONS;
	u64 controls = axv_vmx_get(vmx, AXV_VMX_CPU_CONTROLS);

	if (vmx->x.debug.flags & AXV_DEBUG_SW_BREAK)
		exceptions |= BIT(X86_TRAP_BP);
	if (vmx->x.step)
		controls |= CPU_BASED_MONITOR_TRAP_FLAG;
	else
		controls &= ~(u64)CPU_BASED_MONITOR_TRAP_FLAG;
	axv_vmx_set(vmx, AXV_VMX_EXCEPTIONS, exceptions);
	axv_vmx_set(vmx, AXV_VMX_CPU_CONTROLS, controls);
	axv_vmx_intercept_dr(&vmx->x);
}

/*
 * RDTSCP and INVPCID are undefined unless a control allows them.  A VM may have
 * AXV_VM_YIELD_ON_SPIN only where there is PAUSE-loop exiting.
 */
static void vmx_cpuid_changed(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	u64 controls = axv_vmx_caps.cpu2;

	if (axv_vmx_caps.rdtscp && x->caps.tsc_aux)
		controls |= SECONDARY_EXEC_ENABLE_RDTSCP;
	if (axv_vmx_caps.invpcid && x->caps.invpcid)
		controls |= SECONDARY_EXEC_ENABLE_INVPCID;
	if (x->base.vm->flags & AXV_VM_YIELD_ON_SPIN)
		controls |= SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	axv_vmx_set(vmx, AXV_VMX_CPU2_CONTROLS, controls);
	debug_changed(vmx);
}

/* Entry refuses a threshold above the guest's CR8 (SDM, "VM-Execution Control Fields"). */
static void vmx_watch_cr8(struct axv_x86_vcpu *x)
{
	axv_vmx_set(x86_to_vmx(x), AXV_VMX_TPR_THRESHOLD,
		    min_t(u8, x->cr8_below, 15));
}

const struct axv_x86_hw axv_vmx_hw = {
	.get_segment = vmx_get_segment,
	.set_segment = vmx_set_segment,
	.get_dtable = vmx_get_dtable,
	.set_dtable = vmx_set_dtable,
	.get_cr = vmx_get_cr,
	.set_cr = vmx_set_cr,
	.get_dr = vmx_get_dr,
	.set_dr = vmx_set_dr,
	.set_efer = vmx_set_efer,
	.get_msr = vmx_get_msr,
	.set_msr = vmx_set_msr,
	.code_state = vmx_code_state,
	.cpl = vmx_cpl,
	.get_shadow = vmx_get_shadow,
	.set_shadow = vmx_set_shadow,
	.get_nmi_masked = vmx_get_nmi_masked,
	.set_nmi_masked = vmx_set_nmi_masked,
	.get_pending_debug = vmx_get_pending_debug,
	.set_pending_debug = vmx_set_pending_debug,
	.get_pdpte = vmx_get_pdpte,
	.set_pdpte = vmx_set_pdpte,
	.cpuid_changed = vmx_cpuid_changed,
	.watch_cr8 = vmx_watch_cr8,
};
