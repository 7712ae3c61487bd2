// SPDX-License-Identifier: GPL-2.0
/*
 * The two worlds: which system registers are whose, and when they change hands.
 *
 * With VHE the host runs at EL2 with TGE set: EL1 is nothing to it.  So the guest's
 * registers and traps are loaded once for a stretch of entries with interrupts
 * off, and for each entry only HCR_EL2 changes (and VBAR_EL2, in entry.S).  KVM
 * may be in use on the same CPU in between: what it relies on is put back as it
 * was found, at the end of the stretch.
 *
 * Without VHE the host lives in the same registers as the guest, and the code at
 * EL2 changes all of them at each entry and exit (nvhe.c).
 */
#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <asm/alternative.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/daifflags.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>
#include <asm/tlbflush.h>

#include "arm64.h"
#include "ich.h"
#include "nvhe.h"

/* Not named by every kernel's <asm/sysreg.h>. */
#define HW_VSESR_EL2	sys_reg(3, 4, 5, 2, 3)
#define HW_PMSCR_EL12	sys_reg(3, 5, 9, 9, 0)
#define HW_CNTV_CTL_EL02	sys_reg(3, 5, 14, 3, 1)
#define HW_CNTV_CVAL_EL02	sys_reg(3, 5, 14, 3, 2)
#define HW_DIT		sys_reg(3, 3, 4, 2, 5)
#define HW_TCO		sys_reg(3, 3, 4, 2, 7)

/* CPTR_EL2: floating point is the guest's, the rest traps.  With E2H, and without */
#define CPTR_TAM		BIT(30)
#define CPTR_E2H_FPEN		(BIT(20) | BIT(21))
#define CPTR_E2H_TTA		BIT(28)
#define CPTR_NVHE_TTA		BIT(20)
#define CPTR_NVHE_RES1		0x32ff		/* bit 12 is TSM, where there is SME */
#define CPTR_NVHE_TZ		BIT(8)

/* CNTHCTL_EL2: the physical counter and its timer.  With E2H, and without */
#define CNTHCTL_E2H_PHYSICAL	(BIT(10) | BIT(11))
#define CNTHCTL_NVHE_PHYSICAL	(BIT(0) | BIT(1))

/* Whose regime the buffers of profiling and trace use: nobody's. */
#define MDCR_BUFFERS		(GENMASK(13, 12) | GENMASK(25, 24))

#define MDCR_TRAPS		(MDCR_EL2_TPM | MDCR_EL2_TPMCR | MDCR_EL2_TDA | \
				 MDCR_EL2_TDOSA | MDCR_EL2_TDRA | \
				 MDCR_EL2_TPMS | MDCR_EL2_TTRF)

#define MPAM2_TRAP_EL1		(BIT_ULL(48) | BIT_ULL(49))

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

/* What reading PAR_EL1 needs on both sides (erratum 1508412) */
static __always_inline void par_barrier(void)
{
	asm volatile(ALTERNATIVE("nop", "dmb sy", ARM64_WORKAROUND_1508412) : : : "memory");
}

static __always_inline void save_el1(struct axv_arm64_vcpu *v)
{
	AXV_EL1_WALK_REGS(SAVE_EL12)
	AXV_EL1_REGS(SAVE_EL12)
	par_barrier();
	AXV_EL1_SHARED_REGS(SAVE_SHARED)
	par_barrier();
}

/* The guest's own; what its interrupt does in the host is ppi.c's business. */
static __always_inline void load_timer(struct axv_arm64_vcpu *v)
{
	write_sysreg_s(v->sys[AXV_SYS_CNTV_CVAL_EL0], HW_CNTV_CVAL_EL02);
	write_sysreg_s(v->sys[AXV_SYS_CNTV_CTL_EL0], HW_CNTV_CTL_EL02);
}

static __always_inline void save_timer(struct axv_arm64_vcpu *v)
{
	/* Its output, ISTATUS, is for axv_arm64_gic_leave(). */
	v->sys[AXV_SYS_CNTV_CTL_EL0] = read_sysreg_s(HW_CNTV_CTL_EL02);
	v->sys[AXV_SYS_CNTV_CVAL_EL0] = read_sysreg_s(HW_CNTV_CVAL_EL02);
	/* A timer that fires in the host would interrupt it forever. */
	write_sysreg_s(0, HW_CNTV_CTL_EL02);
}

/* ---- registers of EL2 ----------------------------------------------------- */

#define SAVE_CTL(name, op0, op1, crn, crm, op2)				\
	{ ctl[AXV_CTL_##name] = read_sysreg_s(sys_reg(op0, op1, crn, crm, op2)); }
#define LOAD_CTL(name, op0, op1, crn, crm, op2)				\
	{ write_sysreg_s(ctl[AXV_CTL_##name], sys_reg(op0, op1, crn, crm, op2)); }

/* @op for all that there are on this CPU */
#define EACH_CTL(op, there)						\
{									\
	AXV_CTL_REGS(op)						\
	if ((there) & BIT(AXV_OPTIONAL_FGT)) {				\
		AXV_CTL_FGT_REGS(op)					\
	}								\
	if ((there) & BIT(AXV_OPTIONAL_FGT2)) {				\
		AXV_CTL_FGT2_REGS(op)					\
	}								\
	if ((there) & BIT(AXV_OPTIONAL_HCX))				\
		AXV_CTL_HCX_REGS(op)					\
	if ((there) & BIT(AXV_OPTIONAL_MPAM))				\
		AXV_CTL_MPAM_REGS(op)					\
	if ((there) & BIT(AXV_OPTIONAL_RAS))				\
		AXV_CTL_RAS_REGS(op)					\
	if ((there) & BIT(AXV_OPTIONAL_GIC)) {				\
		AXV_CTL_GIC_REGS(op)					\
	}								\
}

static void save_controls(u64 *ctl)
{
	u64 optional = __this_cpu_read(axv_arm64_optional);

	EACH_CTL(SAVE_CTL, optional)
}

static void load_controls(const u64 *ctl)
{
	u64 optional = __this_cpu_read(axv_arm64_optional);

	EACH_CTL(LOAD_CTL, optional)
}

/**
 * axv_arm64_controls() - what a guest runs under
 * @v:		vCPU that will be entered on this CPU
 * @host:	what the host runs under, by &enum axv_arm64_ctl
 * @guest:	out: the guest.  What is not there on this CPU is not used, and
 *		MDSCR_EL1 is set by each entry.
 *
 * Context: interrupts off until after the last of those entries.
 */
void axv_arm64_controls(struct axv_arm64_vcpu *v, const u64 *host, u64 *guest)
{
	struct axv_arm64_vm *vm = to_arm64_vm(v->base.vm);
	bool vhe = axv_arm64_host.vhe;

	/* Fine-grained: zero lets through what was there before, and traps the rest. */
	memset(guest, 0, AXV_CTL_COUNT * sizeof(*guest));
	guest[AXV_CTL_VTCR_EL2] = vm->vtcr;
	guest[AXV_CTL_VTTBR_EL2] = axv_arm64_vttbr(vm);
	guest[AXV_CTL_VMPIDR_EL2] = BIT(31) | v->base.hw_id;
	guest[AXV_CTL_CNTVOFF_EL2] = READ_ONCE(vm->cntvoff);
	guest[AXV_CTL_CNTHCTL_EL2] = host[AXV_CTL_CNTHCTL_EL2] &
		~(vhe ? CNTHCTL_E2H_PHYSICAL : CNTHCTL_NVHE_PHYSICAL);
	/* c15 of AArch32 at EL0 is implementation defined. */
	guest[AXV_CTL_HSTR_EL2] = BIT(15);
	guest[AXV_CTL_MDCR_EL2] = MDCR_TRAPS | (host[AXV_CTL_MDCR_EL2] &
		~(MDCR_EL2_TDE | MDCR_BUFFERS));
	guest[AXV_CTL_CPTR_EL2] = CPTR_TAM |
		(vhe ? CPTR_E2H_FPEN | CPTR_E2H_TTA :
		       CPTR_NVHE_RES1 | CPTR_NVHE_TTA | CPTR_NVHE_TZ);
	guest[AXV_CTL_MPAM2_EL2] = host[AXV_CTL_MPAM2_EL2] | MPAM2_TRAP_EL1;
	guest[AXV_CTL_ICC_SRE_EL2] = host[AXV_CTL_ICC_SRE_EL2] & ~(u64)ICC_SRE_EL2_ENABLE;
	guest[AXV_CTL_ICH_HCR_EL2] = v->ich.hcr;
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
	u64 guest[AXV_CTL_COUNT] __uninitialized;

	if (!axv_arm64_host.vhe) {
		axv_nvhe_load(v);
		return;
	}
	host->tpidr_el0 = read_sysreg(tpidr_el0);
	host->tpidrro_el0 = read_sysreg(tpidrro_el0);
	save_controls(host->ctl);
	axv_arm64_controls(v, host->ctl, guest);

	load_el1(v);
	/* Before ICH_HCR_EL2, which notices list registers that are not there. */
	if (axv_arm64_has_gic(v))
		axv_ich_load(&v->ich, v->gic.nr, axv_gic_host.nr_aprs);
	load_controls(guest);
	/* Whether the host profiles EL1 and EL0; it resets to anything. */
	if (__this_cpu_read(axv_arm64_optional) & BIT(AXV_OPTIONAL_SPE))
		write_sysreg_s(0, HW_PMSCR_EL12);
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
	if (!axv_arm64_host.vhe) {
		axv_nvhe_put(v);
		return;
	}
	save_timer(v);
	save_el1(v);
	if (axv_arm64_has_gic(v))
		axv_ich_save(&v->ich, v->gic.nr, axv_gic_host.nr_aprs);
	load_controls(host->ctl);
	write_sysreg(host->tpidrro_el0, tpidrro_el0);
	write_sysreg(host->tpidr_el0, tpidr_el0);
	isb();
}

/* ---- entry and exit ----------------------------------------------------------- */

/*
 * Permission faults do not say where they are in the second stage's terms
 * (Arm ARM, HPFAR_EL2): the guest's own translation does.  If that fails, it
 * has been changed since, and the guest will fault again.
 */
static __always_inline bool par_to_ipa(u64 par, u64 *ipa)
{
	if (par & PAR_F)
		return false;
	*ipa = par & PAR_PA;
	return true;
}

static __always_inline bool is_abort(u64 esr)
{
	return ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW ||
	       ESR_ELx_EC(esr) == ESR_ELx_EC_IABT_LOW;
}

/* Does HPFAR_EL2 say where the access was?  Not if an erratum (834220) says so. */
static __always_inline bool has_hpfar(u64 esr)
{
	if (esr & ESR_ELx_S1PTW)
		return true;
	return (esr & ESR_ELx_FSC_TYPE) != ESR_ELx_FSC_PERM &&
	       !cpus_have_cap(ARM64_WORKAROUND_834220);
}

static __always_inline void set_ipa(struct axv_arm64_vcpu *v, u64 hpfar)
{
	v->last.ipa = (hpfar & GENMASK_ULL(43, 4)) << 8;
	v->last.ipa_valid = true;
}

static __always_inline void read_syndrome(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_syndrome *s = &v->last;

	s->esr = read_sysreg(esr_el2);
	s->ipa_valid = false;
	if (!is_abort(s->esr))
		return;
	s->far = read_sysreg(far_el2);
	if (has_hpfar(s->esr))
		set_ipa(v, read_sysreg(hpfar_el2));
	else
		s->ipa_valid = par_to_ipa(axv_arm64_translate(s->far), &s->ipa);
}

/* With the VM's VTTBR_EL2 loaded and TGE clear: its translations (Arm ARM D8.13) */
static __always_inline void flush(unsigned int stale)
{
	isb();
	dsb(nshst);
	switch (stale) {
	case AXV_TLB_STAGE1:
		__tlbi(vmalle1);
		break;
	case AXV_TLB_VM:
		__tlbi(vmalls12e1);
		break;
	default:
		__tlbi(alle1);
		break;
	}
	dsb(nsh);
	isb();
}

static __always_inline u64 guest_hcr(struct axv_arm64_vcpu *v)
{
	u64 hcr = axv_arm64_host.hcr;

	if (axv_arm64_traps_stage1(v))
		hcr |= HCR_TVM;
	if (READ_ONCE(v->events.irq))
		hcr |= HCR_VI;
	if (READ_ONCE(v->events.fiq))
		hcr |= HCR_VF;
	/* Pairs with axv_arm64_inject(): the syndrome is there. */
	if (unlikely(smp_load_acquire(&v->events.serror)))
		hcr |= HCR_VSE;
	return hcr;
}

static __always_inline void enter_vhe(struct axv_arm64_vcpu *v, u64 *hcr)
{
	u64 host_hcr = read_sysreg(hcr_el2), mdscr = axv_arm64_mdscr(v);
	unsigned int stale;

	if (unlikely(*hcr & HCR_VSE) &&
	    __this_cpu_read(axv_arm64_optional) & BIT(AXV_OPTIONAL_RAS))
		write_sysreg_s(v->events.serror_iss, HW_VSESR_EL2);
	write_sysreg(*hcr, hcr_el2);
	stale = axv_arm64_tlb_stale(v);
	if (unlikely(stale))
		flush(stale);

	/* Not earlier: the kernel could step, too, where PSTATE.D is clear. */
	if (unlikely(mdscr))
		write_sysreg(mdscr, mdscr_el1);
	write_sysreg(v->regs.pc, elr_el2);
	write_sysreg(v->regs.pstate, spsr_el2);
	v->last.code = axv_arm64_enter(&v->regs,
				       __this_cpu_read(axv_arm64_harden));
	v->regs.pc = read_sysreg(elr_el2);
	v->regs.pstate = read_sysreg(spsr_el2);

	if (likely(AXV_EL2_VECTOR(v->last.code) != AXV_EL2_IRQ))
		read_syndrome(v);
	*hcr = read_sysreg(hcr_el2);
	if (unlikely(mdscr))
		write_sysreg(0, mdscr_el1);

	write_sysreg(host_hcr, hcr_el2);
	/* Nothing of the host's regime before TGE is set (errata as above). */
	isb();
}

static __always_inline void enter_nvhe(struct axv_arm64_vcpu *v, u64 *hcr)
{
	struct axv_arm64_syndrome *s = &v->last;
	const struct axv_nvhe *page;

	page = axv_nvhe_enter(v, hcr, axv_arm64_tlb_stale(v));
	s->code = page->code;
	s->esr = page->esr;
	s->far = page->far;
	s->ipa_valid = false;
	if (!is_abort(s->esr))
		return;
	if (has_hpfar(s->esr))
		set_ipa(v, page->hpfar);
	else
		s->ipa_valid = par_to_ipa(page->par, &s->ipa);
}

static __always_inline void enter(struct axv_arm64_vcpu *v)
{
	u64 hcr = guest_hcr(v);
	bool serror = hcr & HCR_VSE;

	if (axv_arm64_host.vhe)
		enter_vhe(v, &hcr);
	else
		enter_nvhe(v, &hcr);
	v->regs.pstate = axv_arm64_known_pstate(v->regs.pstate);
	/* A virtual SError that was delivered is one no longer. */
	v->last.serror_taken = unlikely(serror) && !(hcr & HCR_VSE);
}

/**
 * axv_arm64_world_switch() - into the guest, and back for whatever reason
 * @v:		vCPU that is loaded by axv_arm64_load_guest()
 *
 * What runs between the two worlds is neither traced nor probed: RCU does not watch,
 * and exceptions would find the registers of EL2 half changed.
 *
 * Context: interrupts off.
 */
noinstr void axv_arm64_world_switch(struct axv_arm64_vcpu *v)
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
