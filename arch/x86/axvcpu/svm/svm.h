/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SVM back end.  "APM" is the AMD64 Architecture Programmer's Manual,
 * volume 2.
 */
#ifndef _AXVCPU_SVM_H
#define _AXVCPU_SVM_H

#include <linux/irq_work.h>
#include <linux/percpu.h>
#include <asm/processor-flags.h>
#include <asm/svm.h>

#include <axvcpu/next.h>

#include "../events.h"
#include "../x86.h"

/*
 * Bits of VMCB.clean (APM 15.15.3): a set bit lets the processor use what it
 * cached of the VMCB at an earlier VMRUN on the same CPU.
 */
#define SVM_CLEAN_INTERCEPTS	BIT(0)	/* intercepts, TSC offset */
#define SVM_CLEAN_PERM_MAPS	BIT(1)	/* IOPM and MSRPM bases */
#define SVM_CLEAN_ASID		BIT(2)
#define SVM_CLEAN_TPR		BIT(3)	/* V_TPR, V_IRQ and company */
#define SVM_CLEAN_NP		BIT(4)	/* nested CR3, guest PAT */
#define SVM_CLEAN_CR		BIT(5)	/* CR0, CR3, CR4, EFER */
#define SVM_CLEAN_DR		BIT(6)	/* DR6, DR7 */
#define SVM_CLEAN_DT		BIT(7)	/* GDT, IDT */
#define SVM_CLEAN_SEG		BIT(8)	/* CS, DS, SS, ES, CPL */
#define SVM_CLEAN_CR2		BIT(9)
#define SVM_CLEAN_LBR		BIT(10)
#define SVM_CLEAN_ALL		GENMASK(10, 0)

/* NMI virtualization, in int_ctl (APM 15.21.10); Linux 6.1 does not name them. */
#define SVM_V_NMI_PENDING	BIT(11)
#define SVM_V_NMI_MASK		BIT(12)
#define SVM_V_NMI_ENABLE	BIT(26)

/**
 * struct axv_svm_features - what this host's SVM has
 * @asids:	number of ASIDs, with ASID 0, which is the host's
 * @nrips:	next RIP is stored at an exit
 * @decode_assists: an exit names the general register of MOV CR, and the segment
 *		of OUTS
 * @flush_by_asid: TLB_CONTROL can flush one ASID
 * @v_spec_ctrl: SPEC_CTRL is switched through the VMCB
 * @pause_filter: a guest that spins can be told from one that executes PAUSE now and then:
 *		a count of PAUSEs, and a longest time between two
 * @vnmi:	the processor masks NMIs and delivers a pending one by itself
 *
 * Constant once the module is loaded.
 */
struct axv_svm_features {
	u32 asids;
	bool nrips;
	bool decode_assists;
	bool flush_by_asid;
	bool v_spec_ctrl;
	bool pause_filter;
	bool vnmi;
};

extern struct axv_svm_features axv_svm;

/**
 * struct axv_svm_cpu - what SVM needs on each host CPU
 * @hsave:	page of VM_HSAVE_PA, where VMRUN keeps the host's state
 * @host_save:	page for VMSAVE of the state that VMRUN does not switch
 * @host_save_pa: its physical address
 * @tsc_aux:	TSC_AUX of the host on this CPU
 * @asids:	ASIDs to hand out
 */
struct axv_svm_cpu {
	void *hsave;
	void *host_save;
	phys_addr_t host_save_pa;
	u64 tsc_aux;
	struct axv_x86_asids asids;
};

DECLARE_PER_CPU(struct axv_svm_cpu, axv_svm_cpu);

/**
 * struct axv_svm_vm - a VM under SVM
 * @x:		what x86 VMs have in common
 * @msrpm:	MSR permission map, two pages (APM 15.11)
 * @msrpm_pa:	its physical address
 */
struct axv_svm_vm {
	struct axv_x86_vm x;
	void *msrpm;
	phys_addr_t msrpm_pa;
};

/**
 * struct axv_svm_vcpu - a vCPU under SVM
 * @x:		what x86 vCPUs have in common
 * @vmcb:	the vCPU's control block
 * @vmcb_pa:	physical address of @vmcb; read by entry.S
 * @nmi_masked:	an NMI handler runs; not used with NMI virtualization
 * @nmi_iret:	the handler's IRET was intercepted at @nmi_iret_rip and is not done yet
 * @nmi_armed:	the last entry had to find where a pending NMI can be taken: by
 *		NMI virtualization, otherwise by a single step
 * @stepping:	the last entry made a single step for the VMM
 * @after_exit:	@nmi_iret, @nmi_armed and @stepping as one word: one read tells whether
 *		axv_svm_after_step() has to look at the exit
 * @host_debugctl: DEBUGCTL of the host, during the inner loop
 * @step_open:	intercept that a step for the VMM leaves out at @step_open_rip: the
 *		instruction there is stepped although it stores or loads TF; 0: none
 * @step_pushed: the step has stored TF: axv_svm_hide_tf() has yet to clear it
 * @step_tf:	the guest's own TF before the step
 * @step_dr6:	the guest's DR6 before the step
 * @step_rsp:	RSP before the step
 * @step_open_rip: see @step_open
 * @nmi_iret_rip: see @nmi_iret
 * @nmi_poke:	makes an interrupt of the host that ends the guest between the delivery of
 *		an event and the event's handler
 */
struct axv_svm_vcpu {
	struct axv_x86_vcpu x;
	struct vmcb *vmcb;
	phys_addr_t vmcb_pa;
	bool nmi_masked;
	union {
		struct {
			bool nmi_iret;
			bool nmi_armed;
			bool stepping;
		};
		u32 after_exit;
	};
	u64 host_debugctl;
	u8 step_open;
	bool step_pushed;
	u64 step_tf;
	u64 step_dr6;
	u64 step_rsp;
	u64 step_open_rip;
	u64 nmi_iret_rip;
	struct irq_work nmi_poke;
};

static inline struct axv_svm_vcpu *to_svm(struct axv_vcpu *vcpu)
{
	return container_of(vcpu, struct axv_svm_vcpu, x.base);
}

static inline struct axv_svm_vcpu *x86_to_svm(struct axv_x86_vcpu *x)
{
	return container_of(x, struct axv_svm_vcpu, x);
}

static inline struct axv_svm_vm *to_svm_vm(struct axv_vm *vm)
{
	return container_of(vm, struct axv_svm_vm, x.base);
}

/**
 * axv_svm_dirty() - tell the processor which parts of the VMCB changed
 * @svm:	vCPU whose claim the caller holds
 * @bits:	SVM_CLEAN_*
 */
static inline void axv_svm_dirty(struct axv_svm_vcpu *svm, u32 bits)
{
	svm->vmcb->control.clean &= ~bits;
}

static inline void axv_svm_intercept(struct axv_svm_vcpu *svm, unsigned int bit)
{
	svm->vmcb->control.intercepts[bit / 32] |= BIT(bit % 32);
	axv_svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
}

static inline void axv_svm_unintercept(struct axv_svm_vcpu *svm,
				       unsigned int bit)
{
	svm->vmcb->control.intercepts[bit / 32] &= ~BIT(bit % 32);
	axv_svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
}

/**
 * axv_svm_saved_length() - length of an instruction by the next RIP that was saved
 * @svm:	vCPU that exited with an intercepted instruction
 *
 * Return: bytes; 0: the processor does not tell.
 */
static inline unsigned int axv_svm_saved_length(const struct axv_svm_vcpu *svm)
{
	u64 len;

	if (!axv_svm.nrips)
		return 0;
	len = svm->vmcb->control.next_rip - svm->x.regs.rip;
	return len <= AXV_X86_INSN_MAX ? len : 0;
}

/**
 * axv_svm_advance() - axv_x86_advance() for the hot paths
 * @svm:	vCPU whose claim the caller holds
 * @len:	length of the instruction
 *
 * Nearly always nothing traps and RIP stays within its 4 GiB.
 */
static inline void axv_svm_advance(struct axv_svm_vcpu *svm, unsigned int len)
{
	struct axv_x86_gprs *regs = &svm->x.regs;
	u64 rip = regs->rip + len;

	if (unlikely((rip ^ regs->rip) >> 32 ||
		     (regs->rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF)))) {
		axv_x86_advance(&svm->x, len);
		return;
	}
	regs->rip = rip;
	svm->vmcb->control.int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
}

/**
 * axv_svm_code_state() - &axv_x86_hw.code_state, from a VMCB
 * @vmcb:	of a vCPU whose claim the caller holds
 * @state:	result
 */
static __always_inline void axv_svm_code_state(const struct vmcb *vmcb,
					       struct axv_x86_code_state *state)
{
	state->cr3 = vmcb->save.cr3;
	state->attr = vmcb->save.cs.attrib;
	state->cpl = vmcb->save.cpl;
}

/* hardware.c: SVM on a host CPU */
const char *axv_svm_unusable(const struct cpuinfo_x86 *c, u64 syscfg);
int axv_svm_hardware_init(void);
void axv_svm_hardware_exit(void);
int axv_svm_hardware_enable(void);
void axv_svm_hardware_disable(void);

/* permissions.c: the permission maps of ports and MSRs */
int axv_svm_iopm_init(void);
void axv_svm_iopm_exit(void);
phys_addr_t axv_svm_iopm_pa(void);
int axv_svm_msrpm_create(struct axv_svm_vm *vm);
void axv_svm_msrpm_destroy(struct axv_svm_vm *vm);
void axv_svm_msrpm_update(struct axv_svm_vm *vm);

/* vmcb.c: the control block, and the state in it */
extern const struct axv_x86_hw axv_svm_hw;
void axv_svm_vmcb_init(struct axv_svm_vcpu *svm);
void axv_svm_update_exceptions(struct axv_svm_vcpu *svm);
void axv_svm_intercept_dr(struct axv_x86_vcpu *x);

/* run.c: entry and exit */
void axv_svm_tlb_prepare(struct axv_svm_vcpu *svm, int cpu);
void axv_svm_load(struct axv_vcpu *vcpu, int cpu);
void axv_svm_unload(struct axv_vcpu *vcpu);
int axv_svm_run(struct axv_vcpu *vcpu);

/* no_nrips.c: processors without next-RIP saving */
unsigned int axv_svm_no_nrips_length(struct axv_svm_vcpu *svm);
unsigned int axv_svm_no_nrips_known(struct axv_svm_vcpu *svm);
enum axv_next axv_svm_no_nrips_int(struct axv_svm_vcpu *svm);

/**
 * axv_svm_length() - length of the instruction that exited
 * @svm:	vCPU whose last exit waits
 *
 * Context: the claim is held; may sleep.
 * Return: bytes; 0 if the processor does not tell, and the code cannot be read or is
 * another by now.
 */
static inline unsigned int axv_svm_length(struct axv_svm_vcpu *svm)
{
	return axv_svm_saved_length(svm) ?: axv_svm_no_nrips_length(svm);
}

/* cr.c: control registers */
enum axv_next axv_svm_handle_cr(struct axv_svm_vcpu *svm);

/* dr.c: debug registers */
enum axv_next axv_svm_handle_dr(struct axv_svm_vcpu *svm);

/* inject.c: events into and out of the VMCB */
enum axv_next axv_svm_inject_events(struct axv_x86_vcpu *x);
void axv_svm_save_interrupted_event(struct axv_svm_vcpu *svm);
void axv_svm_disarm_irq_window(struct axv_svm_vcpu *svm);
void axv_svm_nmi_init(struct axv_svm_vcpu *svm);
void axv_svm_nmi_exit(struct axv_svm_vcpu *svm);

/* step.c: one instruction of the guest */
void axv_svm_begin_step(struct axv_svm_vcpu *svm);
bool axv_svm_after_step(struct axv_svm_vcpu *svm);
void axv_svm_hide_tf(struct axv_svm_vcpu *svm);
enum axv_next axv_svm_step_int1(struct axv_svm_vcpu *svm);

/* syscall.c: SYSCALL and SYSRET while the guest is stepped */
bool axv_svm_step_syscall(struct axv_svm_vcpu *svm);

/* entry.S */
asmlinkage void axv_svm_enter(struct axv_svm_vcpu *svm, phys_addr_t host_save);

#endif /* _AXVCPU_SVM_H */
