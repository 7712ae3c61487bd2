/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMX back end.  "SDM" is the Intel 64 and IA-32 Architectures Software
 * Developer's Manual; sections of its volume 3C are named by their titles,
 * since their numbers change.
 */
#ifndef _AXVCPU_VMX_H
#define _AXVCPU_VMX_H

#include <linux/bits.h>
#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <asm/hardirq.h>
#include <asm/msr-index.h>
#include <asm/vmx.h>

#include <axvcpu/next.h>

#include "../events.h"
#include "../x86.h"
#include "hardware.h"

/*
 * Fields of the VMCS that have a copy in memory.  Guest state the hardware may
 * change comes first; what follows is written by software only.
 *
 * The fields of a segment register are at AXV_VMX_SEG(), in the order of enum
 * axv_x86_seg and enum axv_x86_seg_field.
 */
#define AXV_VMX_SEG(seg, field)	((seg) * 4 + (field))

enum axv_vmx_field {
	AXV_VMX_GDTR_BASE = AXV_VMX_SEG(AXV_X86_SEGS, 0),
	AXV_VMX_GDTR_LIMIT,
	AXV_VMX_IDTR_BASE,
	AXV_VMX_IDTR_LIMIT,
	AXV_VMX_CR3,
	AXV_VMX_DR7,
	AXV_VMX_INTERRUPTIBILITY,
	AXV_VMX_PENDING_DEBUG,
	AXV_VMX_SYSENTER_CS,
	AXV_VMX_SYSENTER_ESP,
	AXV_VMX_SYSENTER_EIP,
	AXV_VMX_PDPTE0,
	AXV_VMX_PDPTE1,
	AXV_VMX_PDPTE2,
	AXV_VMX_PDPTE3,
	AXV_VMX_CHANGEABLE,	/* number of those above */

	AXV_VMX_CR0 = AXV_VMX_CHANGEABLE,
	AXV_VMX_CR0_SHADOW,
	AXV_VMX_CR4,
	AXV_VMX_CR4_SHADOW,
	AXV_VMX_EFER,
	AXV_VMX_PAT,
	AXV_VMX_EXCEPTIONS,
	AXV_VMX_CPU_CONTROLS,
	AXV_VMX_CPU2_CONTROLS,
	AXV_VMX_ENTRY_CONTROLS,
	AXV_VMX_TSC_OFFSET,
	AXV_VMX_TPR_THRESHOLD,
	AXV_VMX_VPID,
	AXV_VMX_FIELDS,
};

#define AXV_VMX_ALL_FIELDS	GENMASK_ULL(AXV_VMX_FIELDS - 1, 0)
#define AXV_VMX_OWN_FIELDS	GENMASK_ULL(AXV_VMX_FIELDS - 1, AXV_VMX_CHANGEABLE)

/* VMLAUNCH or VMRESUME failed (SDM, "VM Instruction Error Numbers"). */
#define AXV_VMX_VMFAIL		BIT_ULL(32)

/**
 * struct axv_vmx_exit - what the hardware says of an exit
 * @reason:	exit reason, with the bit of a failed entry; or AXV_VMX_VMFAIL and
 *		the number of the error
 * @qualification: exit qualification
 * @gpa:	guest physical address of an EPT violation
 * @info:	VM-exit interruption information
 * @error:	error code of the exception in @info
 * @idt_info:	IDT-vectoring information: an event that was being delivered
 * @idt_error:	error code of that event
 * @len:	length of the instruction
 *
 * @reason and @idt_info are read at every exit, the others when they are needed; all
 * before the inner loop ends, since the VMCS may leave the CPU then.
 */
struct axv_vmx_exit {
	u64 reason;
	u32 info;
	u32 error;
	u32 idt_info;
	u32 idt_error;
	u32 len;
	u64 qualification;
	u64 gpa;
};

/**
 * struct axv_vmx_host - the host's state that an exit loads, or that is restored by hand
 * @cr3:	HOST_CR3 in the VMCS
 * @cr4:	HOST_CR4 in the VMCS
 * @fs_base:	HOST_FS_BASE in the VMCS
 * @kernel_gs_base: the MSR, which VMX does not switch
 * @debugctl:	the MSR, which an exit clears
 * @tsc_aux:	the MSR
 * @ds:		selector of DS; an exit loads null selectors into this and the next four
 * @es:		selector of ES
 * @fs:		selector of FS
 * @gs:		selector of GS
 * @ldt:	selector of the LDT
 * @nr_perf:	how many MSRs perf named last
 * @nr_msrs:	how many of them entry and exit switch
 * @pebs:	PEBS_ENABLE, if it is among them, otherwise 0
 */
struct axv_vmx_host {
	u64 cr3;
	u64 cr4;
	u64 fs_base;
	u64 kernel_gs_base;
	u64 debugctl;
	u64 tsc_aux;
	u16 ds;
	u16 es;
	u16 fs;
	u16 gs;
	u16 ldt;
	u16 nr_msrs;
	int nr_perf;
	u64 pebs;
};

/**
 * struct axv_vmx_msr - an entry of an MSR-load area (SDM, "VM-Exit Controls for
 * MSRs")
 * @index:	number of the MSR
 * @reserved:	0
 * @value:	what it is loaded with
 */
struct axv_vmx_msr {
	u32 index;
	u32 reserved;
	u64 value;
};

#define AXV_VMX_MSRS	16

/**
 * struct axv_vmx_areas - memory of a vCPU that the hardware knows by address
 * @apic:	virtual-APIC page: its TPR is the guest's CR8
 * @entry_msrs:	VM-entry MSR-load area: the guest's values
 * @exit_msrs:	VM-exit MSR-load area: the host's values
 */
struct axv_vmx_areas {
	u8 apic[PAGE_SIZE];
	struct axv_vmx_msr entry_msrs[AXV_VMX_MSRS];
	struct axv_vmx_msr exit_msrs[AXV_VMX_MSRS];
};

/* Offset of the TPR (SDM vol. 3A, "Local APIC Register Address Map"). */
#define AXV_VMX_APIC_TPR	0x80

/**
 * struct axv_vmx_vm - a VM under VMX
 * @x:		what x86 VMs have in common
 * @msr_bitmap:	one page (SDM, "MSR-Bitmap Address")
 */
struct axv_vmx_vm {
	struct axv_x86_vm x;
	void *msr_bitmap;
};

/* MSRs of SYSCALL: registers of the host's that the inner loop switches. */
enum axv_vmx_syscall_msr {
	AXV_VMX_STAR,
	AXV_VMX_LSTAR,
	AXV_VMX_SFMASK,
	AXV_VMX_SYSCALL_MSRS,
};

/**
 * struct axv_vmx_vcpu - a vCPU under VMX
 * @x:		what x86 vCPUs have in common
 * @vmcs:	its VMCS, one page
 * @vmcs_pa:	physical address of @vmcs
 * @areas:	memory that the hardware knows by address
 * @host_rsp:	HOST_RSP in the VMCS; used by entry.S
 * @launched:	enter by VMRESUME instead of VMLAUNCH; used by entry.S
 * @initialized: the constant part of the VMCS has been written
 * @pdptes_stale: PDPTEs have to be read from guest memory before the next entry
 * @flush_l1d:	the host did more than answer an exit since the last entry
 * @switches:	context switches of the thread when axv_vmx_l1d_note() last looked
 * @hw_rip:	RIP in the VMCS
 * @hw_rsp:	RSP in the VMCS
 * @hw_rflags:	RFLAGS in the VMCS
 * @known:	bit n: @field[n] is what the VMCS has, or will have
 * @dirty:	bit n: @field[n] has to be written to the VMCS
 * @field:	by enum axv_vmx_field; all known while no CPU holds the vCPU
 * @cr2:	the guest's CR2
 * @dr6:	the guest's DR6, while @x.dr_loaded is false
 * @cstar:	the guest's CSTAR, which no processor with VMX uses
 * @kernel_gs_base: the guest's KERNEL_GS_BASE; the register has it while @host_held
 * @syscall:	the guest's MSRs of SYSCALL, by enum axv_vmx_syscall_msr
 * @live:	what the registers of these MSRs hold
 * @syscall_stale: the next entry has to check whether @live is what it should be
 * @syscall_loaded: @live differs from the host's values
 * @host_held:	between axv_vmx_hold_host() and axv_vmx_release_host()
 * @exit:	the last exit
 * @host:	the host's state
 *
 * All guarded by the claim.
 */
struct axv_vmx_vcpu {
	struct axv_x86_vcpu x;
	void *vmcs;
	phys_addr_t vmcs_pa;
	struct axv_vmx_areas *areas;
	unsigned long host_rsp;
	bool launched;
	bool initialized;
	bool pdptes_stale;
	bool flush_l1d;
	unsigned long switches;
	u64 hw_rip;
	u64 hw_rsp;
	u64 hw_rflags;
	u64 known;
	u64 dirty;
	u64 field[AXV_VMX_FIELDS];
	u64 cr2;
	u64 dr6;
	u64 cstar;
	u64 kernel_gs_base;
	u64 syscall[AXV_VMX_SYSCALL_MSRS];
	u64 live[AXV_VMX_SYSCALL_MSRS];
	bool syscall_stale;
	bool syscall_loaded;
	bool host_held;
	struct axv_vmx_exit exit;
	struct axv_vmx_host host;
};

DECLARE_PER_CPU(struct axv_x86_asids, axv_vmx_vpids);

/**
 * axv_vmx_eptp() - the EPT pointer of a VM
 * @vm:		VM that has a vCPU
 *
 * SDM, "Extended-Page-Table Pointer (EPTP)": the tables are in write-back memory.
 */
static inline u64 axv_vmx_eptp(const struct axv_vm *vm)
{
	return vm->s2.root | VMX_EPTP_MT_WB | (vm->s2.fmt->levels - 1) << 3 |
	       (axv_vmx_caps.ept_ad ? VMX_EPTP_AD_ENABLE_BIT : 0);
}

static inline struct axv_vmx_vcpu *to_vmx(struct axv_vcpu *vcpu)
{
	return container_of(vcpu, struct axv_vmx_vcpu, x.base);
}

static inline struct axv_vmx_vcpu *x86_to_vmx(struct axv_x86_vcpu *x)
{
	return container_of(x, struct axv_vmx_vcpu, x);
}

static inline struct axv_vmx_vm *to_vmx_vm(struct axv_vm *vm)
{
	return container_of(vm, struct axv_vmx_vm, x.base);
}

/* vmcs.c: the VMCS, and the copy of it in memory */
void axv_vmx_fetch(struct axv_vmx_vcpu *vmx, unsigned int field);
void axv_vmx_write_dirty(struct axv_vmx_vcpu *vmx);
void axv_vmx_write_constants(struct axv_vmx_vcpu *vmx);
void axv_vmx_unload(struct axv_vcpu *vcpu);
void axv_vmx_clear_held(void);
void axv_vmx_vmcs_reset(struct axv_vmx_vcpu *vmx);

/**
 * axv_vmx_get() - read a field of the VMCS
 * @vmx:	vCPU whose claim the caller holds
 * @field:	an enum axv_vmx_field
 *
 * If the field is not known and another CPU holds the vCPU, this waits for that CPU.
 *
 * Context: interrupts on, or the vCPU is loaded on this CPU, or the field is known.
 */
static __always_inline u64 axv_vmx_get(struct axv_vmx_vcpu *vmx,
				       unsigned int field)
{
	if (!(vmx->known & BIT_ULL(field)))
		axv_vmx_fetch(vmx, field);
	return vmx->field[field];
}

/**
 * axv_vmx_set() - change a field of the VMCS
 * @vmx:	vCPU whose claim the caller holds
 * @field:	an enum axv_vmx_field
 * @value:	its value from the next entry on
 *
 * Reads the field first, since only a known field may be changed in the copy: the
 * CPU that holds the vCPU may let go of it at any moment, and then reads into the
 * copy the fields that are not known.
 *
 * Context: as axv_vmx_get().
 */
static __always_inline void axv_vmx_set(struct axv_vmx_vcpu *vmx,
					unsigned int field, u64 value)
{
	if (axv_vmx_get(vmx, field) == value)
		return;
	vmx->field[field] = value;
	vmx->dirty |= BIT_ULL(field);
}

#define AXV_VMX_SHADOW	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/**
 * axv_vmx_interruptibility() - the guest's interruptibility state
 * @vmx:	vCPU whose claim the caller holds
 *
 * This field is always known: enter() in run.c reads it after every exit, since nearly
 * every exit needs it.
 *
 * Context: any; interrupts may be off on a CPU that does not hold the vCPU.
 */
static __always_inline u64 axv_vmx_interruptibility(const struct axv_vmx_vcpu *vmx)
{
	return vmx->field[AXV_VMX_INTERRUPTIBILITY];
}

/**
 * axv_vmx_advance() - axv_x86_advance() for the hot paths
 * @vmx:	vCPU that has just left the guest
 * @len:	length of the instruction
 *
 * Nearly always nothing traps and RIP stays within its 4 GiB.
 */
static inline void axv_vmx_advance(struct axv_vmx_vcpu *vmx, unsigned int len)
{
	struct axv_x86_gprs *regs = &vmx->x.regs;
	u64 rip = regs->rip + len;
	u64 state;

	if (unlikely((rip ^ regs->rip) >> 32 ||
		     (regs->rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF)))) {
		axv_x86_advance(&vmx->x, len);
		return;
	}
	regs->rip = rip;
	state = axv_vmx_interruptibility(vmx);
	if (unlikely(state & AXV_VMX_SHADOW))
		axv_vmx_set(vmx, AXV_VMX_INTERRUPTIBILITY,
			    state & ~(u64)AXV_VMX_SHADOW);
}

/* state.c: the guest's state by struct axv_x86_hw */
extern const struct axv_x86_hw axv_vmx_hw;
void axv_vmx_intercept_dr(struct axv_x86_vcpu *x);
int axv_vmx_load_pdptes(struct axv_vmx_vcpu *vmx);
void axv_vmx_clear_pdptes(struct axv_vmx_vcpu *vmx);
void axv_vmx_fit_shadow(struct axv_vmx_vcpu *vmx);

/**
 * axv_vmx_pae_paging() - does the guest use the PDPTEs in the VMCS?
 * @vmx:	vCPU whose claim the caller holds
 *
 * EFER.LMA is looked at first, since it decides most often.  In long mode @pdptes_stale
 * stays set.
 */
static inline bool axv_vmx_pae_paging(const struct axv_vmx_vcpu *vmx)
{
	return !(vmx->x.efer & EFER_LMA) && (vmx->x.cr0 & X86_CR0_PG) &&
	       (vmx->x.cr4 & X86_CR4_PAE);
}

/* permissions.c: the MSR bitmap */
int axv_vmx_msr_bitmap_create(struct axv_vmx_vm *vm);
void axv_vmx_msr_bitmap_destroy(struct axv_vmx_vm *vm);
void axv_vmx_msr_bitmap_update(struct axv_vmx_vm *vm);

/* host.c: what an exit does not give back to the host */
void axv_vmx_host_init(void);
void axv_vmx_host_load(struct axv_vmx_vcpu *vmx, int cpu);
void axv_vmx_hold_host(struct axv_x86_vcpu *x);
void axv_vmx_refresh_host(struct axv_x86_vcpu *x);
void axv_vmx_release_host(struct axv_x86_vcpu *x);

/* syscall.c: the MSRs of SYSCALL */
void axv_vmx_syscall_init(void);
void axv_vmx_syscall_reset(struct axv_vmx_vcpu *vmx);
void axv_vmx_syscall_load(struct axv_vmx_vcpu *vmx);
void axv_vmx_syscall_unload(struct axv_vmx_vcpu *vmx);

/* l1d.c: against L1TF */
int axv_vmx_l1d_init(void);
void axv_vmx_l1d_exit(void);
void axv_vmx_l1d_flush(void);
DECLARE_STATIC_KEY_FALSE(axv_vmx_l1d_needed);
extern bool axv_vmx_l1d_always;

/**
 * axv_vmx_l1d_note() - note whether the host did more than answer an exit
 * @vmx:	vCPU in the inner loop
 *
 * The kernel sets a per-CPU flag at every interrupt, and the thread counts how often it
 * was switched away.
 */
static __always_inline void axv_vmx_l1d_note(struct axv_vmx_vcpu *vmx)
{
	unsigned long switches;

	if (!static_branch_unlikely(&axv_vmx_l1d_needed))
		return;
	switches = current->nvcsw + current->nivcsw;
	if (kvm_get_cpu_l1tf_flush_l1d() || vmx->switches != switches)
		vmx->flush_l1d = true;
	kvm_clear_cpu_l1tf_flush_l1d();
	vmx->switches = switches;
}

/* run.c: entry and exit */
void axv_vmx_load(struct axv_vcpu *vcpu, int cpu);
int axv_vmx_run(struct axv_vcpu *vcpu);

/* exit.c: what an exit means */
enum axv_next axv_vmx_handle_fast(struct axv_x86_vcpu *x);
enum axv_next axv_vmx_handle_slow(struct axv_x86_vcpu *x);

/* inject.c: events into and out of the VMCS */
enum axv_next axv_vmx_inject_events(struct axv_x86_vcpu *x);
void axv_vmx_take_back_event(struct axv_vmx_vcpu *vmx);
bool axv_vmx_is_soft(u32 info);
u64 axv_vmx_event(u32 info, u32 error);
void axv_vmx_save_interrupted_event(struct axv_vmx_vcpu *vmx);
void axv_vmx_close_irq_window(struct axv_vmx_vcpu *vmx);
void axv_vmx_close_nmi_window(struct axv_vmx_vcpu *vmx);

/* entry.S */
asmlinkage int axv_vmx_enter(struct axv_vmx_vcpu *vmx);
asmlinkage void axv_vmx_exit_point(void);
asmlinkage void axv_vmx_host_nmi(void);

#endif /* _AXVCPU_VMX_H */
