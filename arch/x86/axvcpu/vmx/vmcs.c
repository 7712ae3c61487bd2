// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual machine control structure, and the copy of it in memory.
 *
 * Only the CPU that holds a VMCS can read and write it, and only while it is the
 * current one.  So what software sets goes to the copy and is written with the
 * next entry.  A field that software wants to know is read when it is asked for.
 * Before the CPU lets go of the VMCS, all fields are read: the state of a vCPU that
 * is loaded nowhere is in memory alone, like that of an SVM vCPU.
 *
 * A CPU may hold any number of VMCSs.  They stay active, and launched if they have
 * been launched (SDM vol. 3C, "Software Use of Virtual-Machine Control Structures").
 * The CPU executes VMCLEAR on one when it lets go of it.
 */
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/list.h>
#include <linux/smp.h>
#include <asm/processor-flags.h>

#include <axvcpu/current.h>

#include "insn.h"
#include "vmx.h"

/* What <asm/vmx.h> does not name (SDM vol. 3D, appendix B). */
#define ENCLV_EXITING_BITMAP	0x2036

/*
 * A guest spins if it executes PAUSE again and again, with at most SPIN_GAP cycles between
 * two of them, for more than SPIN_WINDOW cycles (SDM vol. 3C, "Instructions That Cause VM
 * Exits Conditionally", PAUSE).  Most locks are free again long before.
 */
#define SPIN_GAP	128
#define SPIN_WINDOW	4096

#define SEGMENT(name)							\
	[AXV_VMX_SEG(AXV_X86_##name, AXV_X86_SEG_SELECTOR)] =		\
		GUEST_##name##_SELECTOR,				\
	[AXV_VMX_SEG(AXV_X86_##name, AXV_X86_SEG_BASE)] =		\
		GUEST_##name##_BASE,					\
	[AXV_VMX_SEG(AXV_X86_##name, AXV_X86_SEG_LIMIT)] =		\
		GUEST_##name##_LIMIT,					\
	[AXV_VMX_SEG(AXV_X86_##name, AXV_X86_SEG_ATTR)] =		\
		GUEST_##name##_AR_BYTES

static const u16 encoding[AXV_VMX_FIELDS] = {
	SEGMENT(ES),
	SEGMENT(CS),
	SEGMENT(SS),
	SEGMENT(DS),
	SEGMENT(FS),
	SEGMENT(GS),
	SEGMENT(TR),
	SEGMENT(LDTR),
	[AXV_VMX_GDTR_BASE] = GUEST_GDTR_BASE,
	[AXV_VMX_GDTR_LIMIT] = GUEST_GDTR_LIMIT,
	[AXV_VMX_IDTR_BASE] = GUEST_IDTR_BASE,
	[AXV_VMX_IDTR_LIMIT] = GUEST_IDTR_LIMIT,
	[AXV_VMX_CR3] = GUEST_CR3,
	[AXV_VMX_DR7] = GUEST_DR7,
	[AXV_VMX_INTERRUPTIBILITY] = GUEST_INTERRUPTIBILITY_INFO,
	[AXV_VMX_PENDING_DEBUG] = GUEST_PENDING_DBG_EXCEPTIONS,
	[AXV_VMX_SYSENTER_CS] = GUEST_SYSENTER_CS,
	[AXV_VMX_SYSENTER_ESP] = GUEST_SYSENTER_ESP,
	[AXV_VMX_SYSENTER_EIP] = GUEST_SYSENTER_EIP,
	[AXV_VMX_PDPTE0] = GUEST_PDPTR0,
	[AXV_VMX_PDPTE1] = GUEST_PDPTR1,
	[AXV_VMX_PDPTE2] = GUEST_PDPTR2,
	[AXV_VMX_PDPTE3] = GUEST_PDPTR3,
	[AXV_VMX_CR0] = GUEST_CR0,
	[AXV_VMX_CR0_SHADOW] = CR0_READ_SHADOW,
	[AXV_VMX_CR4] = GUEST_CR4,
	[AXV_VMX_CR4_SHADOW] = CR4_READ_SHADOW,
	[AXV_VMX_EFER] = GUEST_IA32_EFER,
	[AXV_VMX_PAT] = GUEST_IA32_PAT,
	[AXV_VMX_EXCEPTIONS] = EXCEPTION_BITMAP,
	[AXV_VMX_CPU_CONTROLS] = CPU_BASED_VM_EXEC_CONTROL,
	[AXV_VMX_CPU2_CONTROLS] = SECONDARY_VM_EXEC_CONTROL,
	[AXV_VMX_ENTRY_CONTROLS] = VM_ENTRY_CONTROLS,
	[AXV_VMX_TSC_OFFSET] = TSC_OFFSET,
	[AXV_VMX_TPR_THRESHOLD] = TPR_THRESHOLD,
	[AXV_VMX_VPID] = VIRTUAL_PROCESSOR_ID,
};

/* Read a field of the current VMCS into the copy. */
static void read_field(struct axv_vmx_vcpu *vmx, unsigned int field)
{
	vmx->field[field] = axv_vmread(encoding[field]);
	vmx->known |= BIT_ULL(field);
}

/*
 * Read fields of a VMCS that this CPU holds, current or not.  The VMCS that was
 * current is current afterwards.  Interrupts are off.
 */
static void read_fields(struct axv_vmx_vcpu *vmx, u64 fields)
{
	struct axv_vcpu *front = __this_cpu_read(axv_loaded);
	bool behind = front != &vmx->x.base;

	if (behind)
		WARN_ON_ONCE(axv_vmptrld(vmx->vmcs_pa));
	for (; fields; fields &= fields - 1)
		read_field(vmx, __ffs64(fields));
	if (behind && front)
		WARN_ON_ONCE(axv_vmptrld(to_vmx(front)->vmcs_pa));
}

/**
 * axv_vmx_fetch() - read a field that is not known
 * @vmx:	vCPU whose claim the caller holds
 * @field:	an enum axv_vmx_field
 *
 * The thread may have moved since the exit; then the CPU that holds the VMCS
 * has to let go of it, after which all fields are known.
 *
 * Context: see axv_vmx_get().
 */
void axv_vmx_fetch(struct axv_vmx_vcpu *vmx, unsigned int field)
{
	unsigned long flags;

	local_irq_save(flags);
	if (likely(__this_cpu_read(axv_loaded) == &vmx->x.base))
		read_field(vmx, field);
	else if (READ_ONCE(vmx->x.base.loaded_cpu) == smp_processor_id())
		read_fields(vmx, BIT_ULL(field));
	local_irq_restore(flags);
	if (vmx->known & BIT_ULL(field))
		return;
	axv_vcpu_evict(&vmx->x.base);
	WARN_ON_ONCE(!(vmx->known & BIT_ULL(field)));
}

/**
 * axv_vmx_write_dirty() - write the fields that have changed to the VMCS
 * @vmx:	vCPU that is loaded on this CPU
 *
 * Context: interrupts off.
 */
void axv_vmx_write_dirty(struct axv_vmx_vcpu *vmx)
{
	while (vmx->dirty) {
		unsigned int field = __ffs64(vmx->dirty);

		axv_vmwrite(encoding[field], vmx->field[field]);
		vmx->dirty &= vmx->dirty - 1;
	}
}

/**
 * axv_vmx_write_constants() - write the fields that never change
 * @vmx:	vCPU whose VMCS is current and was cleared
 *
 * SDM, "VM-Execution Control Fields" and following.  All other fields are dirty
 * afterwards.
 *
 * Context: interrupts off.
 */
void axv_vmx_write_constants(struct axv_vmx_vcpu *vmx)
{
	const struct axv_vmx_caps *caps = &axv_vmx_caps;
	struct axv_vmx_vm *vm = to_vmx_vm(vmx->x.base.vm);
	phys_addr_t areas = virt_to_phys(vmx->areas);

	axv_vmwrite(PIN_BASED_VM_EXEC_CONTROL, caps->pin);
	axv_vmwrite(VM_EXIT_CONTROLS, caps->exit);
	axv_vmwrite(EPT_POINTER, axv_vmx_eptp(&vm->x.base));
	axv_vmwrite(MSR_BITMAP, virt_to_phys(vm->msr_bitmap));
	axv_vmwrite(VIRTUAL_APIC_PAGE_ADDR,
		    areas + offsetof(struct axv_vmx_areas, apic));
	axv_vmwrite(VMCS_LINK_POINTER, ~0ull);
	axv_vmwrite(PAGE_FAULT_ERROR_CODE_MASK, 0);
	axv_vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	axv_vmwrite(CR3_TARGET_COUNT, 0);
	axv_vmwrite(VM_EXIT_MSR_STORE_COUNT, 0);
	axv_vmwrite(VM_EXIT_MSR_LOAD_COUNT, 0);
	axv_vmwrite(VM_EXIT_MSR_LOAD_ADDR,
		    areas + offsetof(struct axv_vmx_areas, exit_msrs));
	axv_vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 0);
	axv_vmwrite(VM_ENTRY_MSR_LOAD_ADDR,
		    areas + offsetof(struct axv_vmx_areas, entry_msrs));
	axv_vmwrite(VM_ENTRY_INTR_INFO_FIELD, 0);
	/* Every ENCLS and ENCLV leaf exits; the guest has no SGX. */
	if (caps->encls)
		axv_vmwrite(ENCLS_EXITING_BITMAP, ~0ull);
	if (caps->enclv)
		axv_vmwrite(ENCLV_EXITING_BITMAP, ~0ull);

	if (caps->pause_loop) {
		axv_vmwrite(PLE_GAP, SPIN_GAP);
		axv_vmwrite(PLE_WINDOW, SPIN_WINDOW);
	}

	/* The guest sees its own CR0 and CR4; writes of any bit exit. */
	axv_vmwrite(CR0_GUEST_HOST_MASK, ~0ull);
	axv_vmwrite(CR4_GUEST_HOST_MASK, ~0ull);
	axv_vmwrite(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	axv_vmwrite(GUEST_IA32_DEBUGCTL, 0);

	axv_vmwrite(GUEST_RIP, vmx->hw_rip);
	axv_vmwrite(GUEST_RSP, vmx->hw_rsp);
	axv_vmwrite(GUEST_RFLAGS, vmx->hw_rflags);
	vmx->dirty = AXV_VMX_ALL_FIELDS;
}

/**
 * axv_vmx_unload() - this CPU lets go of the vCPU
 * @vcpu:	vCPU that this CPU holds
 *
 * VMCLEAR leaves the CPU without a current VMCS only if it is this one (SDM
 * vol. 3C, "VMCLEAR").
 *
 * Context: interrupts off.
 */
void axv_vmx_unload(struct axv_vcpu *vcpu)
{
	struct axv_vmx_vcpu *vmx = to_vmx(vcpu);

	read_fields(vmx, AXV_VMX_ALL_FIELDS & ~vmx->known);
	WARN_ON_ONCE(axv_vmclear(vmx->vmcs_pa));
	vmx->launched = false;
}

/**
 * axv_vmx_clear_held() - write every VMCS that this CPU holds back to memory
 *
 * For the last moments of the kernel: otherwise the processor may write a VMCS that it
 * still holds to memory which the next kernel uses for something else.
 *
 * Context: NMI, in the middle of whatever this CPU does.
 */
void axv_vmx_clear_held(void)
{
	struct axv_vcpu *vcpu;

	hlist_for_each_entry(vcpu, this_cpu_ptr(&axv_held), held)
		axv_vmclear(to_vmx(vcpu)->vmcs_pa);
}

/**
 * axv_vmx_vmcs_reset() - put what is not guest state into its power-on state
 * @vmx:	vCPU whose claim the caller holds; the guest's state is set through
 *		axv_vmx_hw afterwards
 */
void axv_vmx_vmcs_reset(struct axv_vmx_vcpu *vmx)
{
	axv_vmx_set(vmx, AXV_VMX_CPU_CONTROLS, axv_vmx_caps.cpu);
	axv_vmx_set(vmx, AXV_VMX_ENTRY_CONTROLS, axv_vmx_caps.entry);
	axv_vmx_set(vmx, AXV_VMX_PENDING_DEBUG, 0);
	axv_vmx_set(vmx, AXV_VMX_INTERRUPTIBILITY, 0);
	vmx->pdptes_stale = false;
	axv_vmx_syscall_reset(vmx);
}
