// SPDX-License-Identifier: GPL-2.0
/*
 * The two worlds: which system registers are whose, and when they change hands.
 *
 * The host runs at EL2 with TGE set (VHE): EL1 is nothing to it.  So the guest's
 * registers and traps are loaded once for a stretch of entries with interrupts
 * off, and for each entry only HCR_EL2 changes (and VBAR_EL2, in entry.S).  KVM
 * may be in use on the same CPU in between: what it relies on is put back as it
 * was found, at the end of the stretch.
 */
#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <asm/alternative.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/daifflags.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>
#include <asm/tlbflush.h>

#include "arm64.h"

/* Not named by every kernel's <asm/sysreg.h>. */
#define HW_HCRX_EL2	sys_reg(3, 4, 1, 2, 2)
#define HW_MPAM2_EL2	sys_reg(3, 4, 10, 5, 0)
#define HW_VSESR_EL2	sys_reg(3, 4, 5, 2, 3)
#define HW_CNTV_CTL_EL02	sys_reg(3, 5, 14, 3, 1)
#define HW_CNTV_CVAL_EL02	sys_reg(3, 5, 14, 3, 2)
#define HW_DIT		sys_reg(3, 3, 4, 2, 5)
#define HW_TCO		sys_reg(3, 3, 4, 2, 7)

/* CPTR_EL2 as it is with E2H: floating point is the guest's, the rest traps. */
#define CPTR_FPEN		(BIT(20) | BIT(21))
#define CPTR_TTA		BIT(28)
#define CPTR_TAM		BIT(30)

/* CNTHCTL_EL2 as it is with E2H: the physical counter and its timer */
#define CNTHCTL_E2H_PCTEN	BIT(10)
#define CNTHCTL_E2H_PTEN	BIT(11)

#define MDCR_TRAPS		(MDCR_EL2_TPM | MDCR_EL2_TPMCR | MDCR_EL2_TDA | \
				 MDCR_EL2_TDOSA | MDCR_EL2_TDRA | \
				 MDCR_EL2_TPMS | MDCR_EL2_TTRF)

/* MDSCR_EL1: single steps work, breakpoint registers are not the guest's. */
#define MDSCR_SS		BIT(0)
#define MDSCR_KDE		BIT(13)

#define ICH_HCR_TDIR_BIT	BIT(14)
#define MPAM2_TRAP_EL1		(BIT_ULL(48) | BIT_ULL(49))

#define CNTV_ENABLE		BIT(0)
#define CNTV_IMASK		BIT(1)

#define PAR_F			BIT(0)
#define PAR_PA			GENMASK_ULL(47, 12)

/* ---- registers of EL1 and EL0 -------------------------------------------- */

#define LOAD_EL12(name, crn, crm, op2)					\
	{ write_sysreg_s(v->sys[AXV_SYS_##name], sys_reg(3, 5, crn, crm, op2)); }
#define LOAD_SHARED(name, op1, crn, crm, op2)				\
	{ write_sysreg_s(v->sys[AXV_SYS_##name], sys_reg(3, op1, crn, crm, op2)); }

static __always_inline void load_el1(struct axv_arm64_vcpu *v)
{
	AXV_EL1_WALK_REGS(LOAD_EL12)
	AXV_EL1_REGS(LOAD_EL12)
	AXV_EL1_SHARED_REGS(LOAD_SHARED)
}

#define SAVE_EL12(name, crn, crm, op2)					\
	{ v->sys[AXV_SYS_##name] = read_sysreg_s(sys_reg(3, 5, crn, crm, op2)); }
#define SAVE_SHARED(name, op1, crn, crm, op2)				\
	{ v->sys[AXV_SYS_##name] = read_sysreg_s(sys_reg(3, op1, crn, crm, op2)); }

static __always_inline void save_el1(struct axv_arm64_vcpu *v)
{
	AXV_EL1_WALK_REGS(SAVE_EL12)
	AXV_EL1_REGS(SAVE_EL12)
	AXV_EL1_SHARED_REGS(SAVE_SHARED)
}

/*
 * The timer's interrupt is wired to nothing, since there is no interrupt
 * controller: it stays masked, which the guest sees.  Whether it fired is for
 * the guest to look at.
 */
static __always_inline void load_timer(struct axv_arm64_vcpu *v)
{
	write_sysreg_s(v->sys[AXV_SYS_CNTV_CVAL_EL0], HW_CNTV_CVAL_EL02);
	write_sysreg_s((v->sys[AXV_SYS_CNTV_CTL_EL0] & CNTV_ENABLE) | CNTV_IMASK,
		       HW_CNTV_CTL_EL02);
}

static __always_inline void save_timer(struct axv_arm64_vcpu *v)
{
	v->sys[AXV_SYS_CNTV_CTL_EL0] = read_sysreg_s(HW_CNTV_CTL_EL02) &
				       (CNTV_ENABLE | CNTV_IMASK);
	v->sys[AXV_SYS_CNTV_CVAL_EL0] = read_sysreg_s(HW_CNTV_CVAL_EL02);
	/* A timer that fires in the host would interrupt it forever. */
	write_sysreg_s(0, HW_CNTV_CTL_EL02);
}

/* ---- registers of EL2 ----------------------------------------------------- */

/* Zero lets through what was there before the traps, and traps what is newer. */
#define HW_HFGRTR_EL2		sys_reg(3, 4, 1, 1, 4)
#define HW_HFGWTR_EL2		sys_reg(3, 4, 1, 1, 5)
#define HW_HFGITR_EL2		sys_reg(3, 4, 1, 1, 6)
#define HW_HDFGRTR_EL2		sys_reg(3, 4, 3, 1, 4)
#define HW_HDFGWTR_EL2		sys_reg(3, 4, 3, 1, 5)
#define HW_HDFGRTR2_EL2	sys_reg(3, 4, 3, 1, 0)
#define HW_HDFGWTR2_EL2	sys_reg(3, 4, 3, 1, 1)
#define HW_HFGRTR2_EL2		sys_reg(3, 4, 3, 1, 2)
#define HW_HFGWTR2_EL2		sys_reg(3, 4, 3, 1, 3)
#define HW_HFGITR2_EL2		sys_reg(3, 4, 3, 1, 7)

#define CLEAR(reg)				\
({						\
	u64 old_ = read_sysreg_s(reg);		\
						\
	write_sysreg_s(0, reg);			\
	old_;					\
})

static void clear_fgt(struct axv_arm64_saved *host)
{
	host->fgt[0] = CLEAR(HW_HFGRTR_EL2);
	host->fgt[1] = CLEAR(HW_HFGWTR_EL2);
	host->fgt[2] = CLEAR(HW_HFGITR_EL2);
	host->fgt[3] = CLEAR(HW_HDFGRTR_EL2);
	host->fgt[4] = CLEAR(HW_HDFGWTR_EL2);
	if (!axv_arm64_host.fgt2)
		return;
	host->fgt[5] = CLEAR(HW_HDFGRTR2_EL2);
	host->fgt[6] = CLEAR(HW_HDFGWTR2_EL2);
	host->fgt[7] = CLEAR(HW_HFGRTR2_EL2);
	host->fgt[8] = CLEAR(HW_HFGWTR2_EL2);
	host->fgt[9] = CLEAR(HW_HFGITR2_EL2);
}

static void restore_fgt(const struct axv_arm64_saved *host)
{
	write_sysreg_s(host->fgt[0], HW_HFGRTR_EL2);
	write_sysreg_s(host->fgt[1], HW_HFGWTR_EL2);
	write_sysreg_s(host->fgt[2], HW_HFGITR_EL2);
	write_sysreg_s(host->fgt[3], HW_HDFGRTR_EL2);
	write_sysreg_s(host->fgt[4], HW_HDFGWTR_EL2);
	if (!axv_arm64_host.fgt2)
		return;
	write_sysreg_s(host->fgt[5], HW_HDFGRTR2_EL2);
	write_sysreg_s(host->fgt[6], HW_HDFGWTR2_EL2);
	write_sysreg_s(host->fgt[7], HW_HFGRTR2_EL2);
	write_sysreg_s(host->fgt[8], HW_HFGWTR2_EL2);
	write_sysreg_s(host->fgt[9], HW_HFGITR2_EL2);
}

/* Traps of features that not every processor has. */
static void load_optional_traps(struct axv_arm64_saved *host)
{
	if (axv_arm64_host.fgt)
		clear_fgt(host);
	if (axv_arm64_host.hcx)
		host->hcrx = CLEAR(HW_HCRX_EL2);
	if (axv_arm64_host.mpam) {
		host->mpam2 = read_sysreg_s(HW_MPAM2_EL2);
		write_sysreg_s(host->mpam2 | MPAM2_TRAP_EL1, HW_MPAM2_EL2);
	}
	if (axv_arm64_host.gicv3) {
		host->icc_sre = read_sysreg_s(SYS_ICC_SRE_EL2);
		write_sysreg_s(host->icc_sre & ~(u64)ICC_SRE_EL2_ENABLE,
			       SYS_ICC_SRE_EL2);
		host->ich_hcr = read_sysreg_s(SYS_ICH_HCR_EL2);
		write_sysreg_s(ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1 |
			       ICH_HCR_TDIR_BIT, SYS_ICH_HCR_EL2);
	}
}

static void restore_optional_traps(struct axv_arm64_saved *host)
{
	if (axv_arm64_host.gicv3) {
		write_sysreg_s(host->ich_hcr, SYS_ICH_HCR_EL2);
		write_sysreg_s(host->icc_sre, SYS_ICC_SRE_EL2);
	}
	if (axv_arm64_host.mpam)
		write_sysreg_s(host->mpam2, HW_MPAM2_EL2);
	if (axv_arm64_host.hcx)
		write_sysreg_s(host->hcrx, HW_HCRX_EL2);
	if (axv_arm64_host.fgt)
		restore_fgt(host);
}

/**
 * axv_arm64_load_guest() - the guest's registers and traps, for some entries
 * @v:		vCPU whose claim the caller holds
 * @host:	gets what they replace
 *
 * Context: interrupts off until axv_arm64_load_host().
 */
void axv_arm64_load_guest(struct axv_arm64_vcpu *v, struct axv_arm64_saved *host)
{
	struct axv_arm64_vm *vm = to_arm64_vm(v->base.vm);

	host->tpidr_el0 = read_sysreg(tpidr_el0);
	host->tpidrro_el0 = read_sysreg(tpidrro_el0);
	host->mdscr = read_sysreg(mdscr_el1);
	host->vtcr = read_sysreg(vtcr_el2);
	host->vttbr = read_sysreg(vttbr_el2);
	host->vmpidr = read_sysreg(vmpidr_el2);
	host->cntvoff = read_sysreg(cntvoff_el2);
	host->cnthctl = read_sysreg(cnthctl_el2);
	host->hstr = read_sysreg(hstr_el2);
	host->mdcr = read_sysreg(mdcr_el2);
	host->cptr = read_sysreg(cptr_el2);

	load_el1(v);
	write_sysreg(vm->vtcr, vtcr_el2);
	/* VMID 0, which KVM gives to none of its guests. */
	write_sysreg(v->base.vm->s2.root, vttbr_el2);
	write_sysreg(BIT(31) | v->base.hw_id, vmpidr_el2);
	write_sysreg(READ_ONCE(vm->cntvoff), cntvoff_el2);
	write_sysreg(host->cnthctl & ~(CNTHCTL_E2H_PCTEN | CNTHCTL_E2H_PTEN),
		     cnthctl_el2);
	/* c15 of AArch32 at EL0 is implementation defined. */
	write_sysreg(BIT(15), hstr_el2);
	write_sysreg((host->mdcr & ~(u64)MDCR_EL2_TDE) | MDCR_TRAPS, mdcr_el2);
	write_sysreg(v->sys[AXV_SYS_MDSCR_EL1] & (MDSCR_SS | MDSCR_KDE), mdscr_el1);
	write_sysreg(CPTR_FPEN | CPTR_TTA | CPTR_TAM, cptr_el2);
	load_optional_traps(host);
	load_timer(v);
	/*
	 * All of the guest's translation is in place before TGE is cleared, so
	 * that no speculative walk mixes it with something else (errata 1165522
	 * and 1530923).
	 */
	isb();
}

/**
 * axv_arm64_load_host() - the end of what axv_arm64_load_guest() began
 * @v:		the same
 * @host:	the same
 */
void axv_arm64_load_host(struct axv_arm64_vcpu *v, struct axv_arm64_saved *host)
{
	save_timer(v);
	save_el1(v);
	restore_optional_traps(host);
	write_sysreg(host->cptr, cptr_el2);
	write_sysreg(host->mdscr, mdscr_el1);
	write_sysreg(host->mdcr, mdcr_el2);
	write_sysreg(host->hstr, hstr_el2);
	write_sysreg(host->cnthctl, cnthctl_el2);
	write_sysreg(host->cntvoff, cntvoff_el2);
	write_sysreg(host->vmpidr, vmpidr_el2);
	write_sysreg(host->vttbr, vttbr_el2);
	write_sysreg(host->vtcr, vtcr_el2);
	write_sysreg(host->tpidrro_el0, tpidrro_el0);
	write_sysreg(host->tpidr_el0, tpidr_el0);
	isb();
}

/* ---- TLB -------------------------------------------------------------------- */

/**
 * struct guest_tlb - whose translations this CPU's TLB may hold
 * @vm_id:	VM, 0: none that is known
 * @serial:	vCPU
 * @tlb_gen:	&axv_vm.tlb_gen when they were last flushed
 *
 * All guests share VMID 0, so the next one begins with a flush.  So does another
 * vCPU of the same VM, whose address spaces may have the same numbers, if only
 * by that of its VM's stage 1.
 */
struct guest_tlb {
	u32 vm_id;
	u64 serial;
	u64 tlb_gen;
};

static DEFINE_PER_CPU(struct guest_tlb, guest_tlb);

/**
 * axv_arm64_tlb_reset_cpu() - nothing is known of this CPU's TLB
 *
 * Context: interrupts off.
 */
void axv_arm64_tlb_reset_cpu(void)
{
	this_cpu_ptr(&guest_tlb)->vm_id = 0;
}

/*
 * With the VM's VTTBR_EL2 loaded and TGE clear, which is what makes the
 * operations apply to its translations (Arm ARM D8.13).  A removal that this
 * misses finds the vCPU in the guest and interrupts it.
 */
static __always_inline void flush_stale(struct axv_arm64_vcpu *v)
{
	struct guest_tlb *tlb = this_cpu_ptr(&guest_tlb);
	u64 gen = atomic64_read(&v->base.vm->tlb_gen);

	if (likely(tlb->serial == v->serial && tlb->tlb_gen == gen &&
		   tlb->vm_id == v->base.vm->id))
		return;
	isb();
	if (tlb->vm_id == v->base.vm->id && tlb->tlb_gen == gen)
		__tlbi(vmalle1);
	else
		__tlbi(vmalls12e1);
	dsb(nsh);
	isb();
	tlb->vm_id = v->base.vm->id;
	tlb->serial = v->serial;
	tlb->tlb_gen = gen;
	v->base.stats.flushes++;
}

/* ---- entry and exit ----------------------------------------------------------- */

/*
 * Permission faults do not say where they are in the second stage's terms
 * (Arm ARM, HPFAR_EL2): the guest's own translation does.  If that fails, it
 * has been changed since, and the guest will fault again.
 */
static bool translate_far(u64 far, u64 *ipa)
{
	u64 par, saved = read_sysreg_par();

	asm volatile("at s1e1r, %0" : : "r" (far));
	isb();
	par = read_sysreg_par();
	write_sysreg(saved, par_el1);
	if (par & PAR_F)
		return false;
	*ipa = par & PAR_PA;
	return true;
}

static __always_inline void read_syndrome(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_syndrome *s = &v->last;
	u64 fsc;

	s->esr = read_sysreg(esr_el2);
	s->ipa_valid = false;
	if (ESR_ELx_EC(s->esr) != ESR_ELx_EC_DABT_LOW &&
	    ESR_ELx_EC(s->esr) != ESR_ELx_EC_IABT_LOW)
		return;

	s->far = read_sysreg(far_el2);
	fsc = s->esr & ESR_ELx_FSC_TYPE;
	if (fsc == ESR_ELx_FSC_PERM && !(s->esr & ESR_ELx_S1PTW)) {
		s->ipa_valid = translate_far(s->far, &s->ipa);
	} else {
		s->ipa = (read_sysreg(hpfar_el2) & GENMASK_ULL(43, 4)) << 8;
		s->ipa_valid = true;
	}
}

static __always_inline void enter(struct axv_arm64_vcpu *v)
{
	u64 host_hcr = read_sysreg(hcr_el2);
	u64 hcr = axv_arm64_host.hcr;

	if (v->trap_caches)
		hcr |= HCR_TVM;
	if (READ_ONCE(v->events.irq))
		hcr |= HCR_VI;
	if (READ_ONCE(v->events.fiq))
		hcr |= HCR_VF;
	if (unlikely(READ_ONCE(v->events.serror))) {
		hcr |= HCR_VSE;
		if (axv_arm64_host.ras)
			write_sysreg_s(v->events.serror_iss, HW_VSESR_EL2);
	}
	write_sysreg(hcr, hcr_el2);
	flush_stale(v);

	write_sysreg(v->regs.pc, elr_el2);
	write_sysreg(v->regs.pstate, spsr_el2);
	v->last.code = axv_arm64_enter(&v->regs,
				       __this_cpu_read(axv_arm64_harden));
	v->regs.pc = read_sysreg(elr_el2);
	v->regs.pstate = read_sysreg(spsr_el2);

	if (likely(AXV_EL2_VECTOR(v->last.code) != AXV_EL2_IRQ))
		read_syndrome(v);
	/* A virtual SError that was delivered is one no longer. */
	v->last.serror_taken = unlikely(hcr & HCR_VSE) &&
			       !(read_sysreg(hcr_el2) & HCR_VSE);

	write_sysreg(host_hcr, hcr_el2);
	/* Nothing of the host's regime before TGE is set (errata as above). */
	isb();
}

/**
 * axv_arm64_world_switch() - into the guest, and back for whatever reason
 * @v:		vCPU that is loaded by axv_arm64_load_guest()
 *
 * Context: interrupts off.
 */
void axv_arm64_world_switch(struct axv_arm64_vcpu *v)
{
	u64 dit = 0, tco = 0;

	local_daif_mask();
	pmr_sync();

	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);

	if (axv_arm64_host.dit)
		dit = read_sysreg_s(HW_DIT);
	if (axv_arm64_host.mte)
		tco = read_sysreg_s(HW_TCO);

	enter(v);

	/* What an exception does not set in PSTATE is the guest's still. */
	asm volatile(ALTERNATIVE("nop", SET_PSTATE_PAN(1), ARM64_HAS_PAN));
	if (axv_arm64_host.dit)
		write_sysreg_s(dit, HW_DIT);
	if (axv_arm64_host.mte)
		write_sysreg_s(tco, HW_TCO);

	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();
	trace_hardirqs_off_finish();

	local_daif_restore(DAIF_PROCCTX_NOIRQ);
}
