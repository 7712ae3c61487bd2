// SPDX-License-Identifier: GPL-2.0
/*
 * Hosts whose kernel runs at EL2 (VHE): which system registers host and guest have, and
 * when these are switched.  nvhe.c does the same on other hosts.
 *
 * The host runs with HCR_EL2.TGE set, and so does not use the registers of EL1.  The
 * guest's registers and traps are therefore loaded once for a stretch of entries with
 * interrupts off, and for each entry only HCR_EL2 changes (and VBAR_EL2, in entry.S).
 * KVM may be in use on the same CPU in between: what it relies on is put back as it was
 * found, at the end of the stretch.
 */
#include <linux/percpu.h>
#include <asm/alternative.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>
#include <asm/tlbflush.h>

#include "arm64.h"
#include "controls.h"
#include "ich.h"
#include "switch.h"
#include "vhe.h"

/* Not named by every kernel's <asm/sysreg.h>. */
#define HW_VSESR_EL2	sys_reg(3, 4, 5, 2, 3)
#define HW_PMSCR_EL12	sys_reg(3, 5, 9, 9, 0)
#define HW_TRFCR_EL12	sys_reg(3, 5, 1, 2, 1)
#define HW_CNTV_CTL_EL02	sys_reg(3, 5, 14, 3, 1)
#define HW_CNTV_CVAL_EL02	sys_reg(3, 5, 14, 3, 2)

#define TRBLIMITR_E		BIT(0)

/* ---- registers of EL1 and EL0 -------------------------------------------- */

/* Two registers whose places are adjacent: one access of memory does for both. */
struct pair {
	u64 even;
	u64 odd;
};

static __always_inline struct pair load_pair(const u64 *place)
{
	struct pair p;

	asm("ldp	%0, %1, %2" : "=r" (p.even), "=r" (p.odd)
	    : "Ump" (*(const struct pair *)place));
	return p;
}

static __always_inline void store_pair(u64 *place, struct pair p)
{
	asm("stp	%1, %2, %0" : "=Ump" (*(struct pair *)place)
	    : "r" (p.even), "r" (p.odd));
}

/*
 * Load or save the register with this place.  A function does so in the order of places,
 * from 0 to before @end, and has a variable "pair" for the two of one access.
 */
#define LOAD_PLACE(from, place, end, reg)				\
{									\
	if ((place) % 2 == 0 && (place) + 1 < (end))			\
		pair = load_pair(&(from)[place]);			\
	else if ((place) % 2 == 0)					\
		pair.even = (from)[place];				\
	write_sysreg_s((place) % 2 ? pair.odd : pair.even, reg);	\
}

#define SAVE_PLACE(to, place, end, reg)					\
{									\
	if ((place) % 2) {						\
		pair.odd = read_sysreg_s(reg);				\
		store_pair(&(to)[(place) - 1], pair);			\
	} else {							\
		pair.even = read_sysreg_s(reg);				\
		if ((place) + 1 == (end))				\
			(to)[place] = pair.even;			\
	}								\
}

#define EL1_END		(AXV_SYS_TPIDRRO_EL0 + 1)

#define LOAD_EL12(name, crn, crm, op2)					\
	LOAD_PLACE(v->sys, AXV_SYS_##name, EL1_END, sys_reg(3, 5, crn, crm, op2))
#define LOAD_SHARED(name, op1, crn, crm, op2)				\
	LOAD_PLACE(v->sys, AXV_SYS_##name, EL1_END, sys_reg(3, op1, crn, crm, op2))

static __always_inline void load_el1(struct axv_arm64_vcpu *v)
{
	struct pair pair __uninitialized;

	AXV_EL1_WALK_REGS(LOAD_EL12)
	AXV_EL1_REGS(LOAD_EL12)
	AXV_EL1_SHARED_REGS(LOAD_SHARED)
}

#define SAVE_EL12(name, crn, crm, op2)					\
	SAVE_PLACE(v->sys, AXV_SYS_##name, EL1_END, sys_reg(3, 5, crn, crm, op2))
#define SAVE_SHARED(name, op1, crn, crm, op2)				\
	SAVE_PLACE(v->sys, AXV_SYS_##name, EL1_END, sys_reg(3, op1, crn, crm, op2))

/* Reading PAR_EL1 needs a barrier before and after it (erratum 1508412). */
static __always_inline void par_barrier(void)
{
	asm volatile(ALTERNATIVE("nop", "dmb sy", ARM64_WORKAROUND_1508412) : : : "memory");
}

static __always_inline void save_el1(struct axv_arm64_vcpu *v)
{
	struct pair pair __uninitialized;

	AXV_EL1_WALK_REGS(SAVE_EL12)
	AXV_EL1_REGS(SAVE_EL12)
	par_barrier();
	AXV_EL1_SHARED_REGS(SAVE_SHARED)
	par_barrier();
}

/* The timer is the guest's own; ppi.c handles the interrupt that it raises in the host. */
static __always_inline void load_timer(struct axv_arm64_vcpu *v)
{
	write_sysreg_s(v->sys[AXV_SYS_CNTV_CVAL_EL0], HW_CNTV_CVAL_EL02);
	write_sysreg_s(v->sys[AXV_SYS_CNTV_CTL_EL0], HW_CNTV_CTL_EL02);
}

static __always_inline void save_timer(struct axv_arm64_vcpu *v)
{
	/* ISTATUS, the timer's output, is for axv_arm64_gic_leave(). */
	v->sys[AXV_SYS_CNTV_CTL_EL0] = read_sysreg_s(HW_CNTV_CTL_EL02);
	v->sys[AXV_SYS_CNTV_CVAL_EL0] = read_sysreg_s(HW_CNTV_CVAL_EL02);
	/* A timer that fires in the host would interrupt it forever. */
	write_sysreg_s(0, HW_CNTV_CTL_EL02);
}

/* ---- registers of EL2 ----------------------------------------------------- */

#define CTL_END		(AXV_CTL_MDSCR_EL1 + 1)

#define SAVE_CTL(name, op0, op1, crn, crm, op2)				\
	SAVE_PLACE(ctl, AXV_CTL_##name, CTL_END, sys_reg(op0, op1, crn, crm, op2))
#define LOAD_CTL(name, op0, op1, crn, crm, op2)				\
	LOAD_PLACE(ctl, AXV_CTL_##name, CTL_END, sys_reg(op0, op1, crn, crm, op2))
#define SAVE_OPTIONAL(name, op0, op1, crn, crm, op2)			\
	{ ctl[AXV_CTL_##name] = read_sysreg_s(sys_reg(op0, op1, crn, crm, op2)); }
#define LOAD_OPTIONAL(name, op0, op1, crn, crm, op2)			\
	{ write_sysreg_s(ctl[AXV_CTL_##name], sys_reg(op0, op1, crn, crm, op2)); }

/* Do @op for the registers that this CPU has and others may lack. */
#define EACH_OPTIONAL(op, there)					\
{									\
	if ((there) & BIT(AXV_OPTIONAL_FGT)) {				\
		AXV_CTL_FGT_REGS(op)					\
	}								\
	if ((there) & BIT(AXV_OPTIONAL_FGT2)) {				\
		AXV_CTL_FGT2_REGS(op)					\
	}								\
	if ((there) & BIT(AXV_OPTIONAL_HCX))				\
		AXV_CTL_HCX_REGS(op)					\
	if ((there) & BIT(AXV_OPTIONAL_RAS))				\
		AXV_CTL_RAS_REGS(op)					\
	if ((there) & BIT(AXV_OPTIONAL_GIC)) {				\
		AXV_CTL_GIC_REGS(op)					\
	}								\
}

static __always_inline void save_controls(u64 *ctl, u64 optional)
{
	struct pair pair __uninitialized;

	AXV_CTL_REGS(SAVE_CTL)
	EACH_OPTIONAL(SAVE_OPTIONAL, optional)
}

static __always_inline void load_controls(const u64 *ctl, u64 optional)
{
	struct pair pair __uninitialized;

	AXV_CTL_REGS(LOAD_CTL)
	EACH_OPTIONAL(LOAD_OPTIONAL, optional)
}

/**
 * axv_vhe_load() - load the guest's registers and traps, for a stretch of entries
 * @v:		vCPU whose claim the caller holds
 *
 * Context: interrupts off until axv_vhe_put().
 */
void axv_vhe_load(struct axv_arm64_vcpu *v)
{
	u64 optional = __this_cpu_read(axv_arm64_optional);
	struct axv_vhe_host *host = &v->host;

	host->tpidr_el0 = read_sysreg(tpidr_el0);
	host->tpidrro_el0 = read_sysreg(tpidrro_el0);
	save_controls(host->ctl, optional);
	axv_arm64_controls(v, host->ctl, optional);
	/* Otherwise the compiler keeps each test of it in a register until the next use. */
	OPTIMIZER_HIDE_VAR(optional);

	load_el1(v);
	/* Before ICH_HCR_EL2, whose bits act on list registers that are empty. */
	if (axv_arm64_has_gic(v))
		axv_ich_load(&v->ich, v->gic.nr, axv_gic_host.nr_aprs);
	load_controls(v->ctl, optional);
	/* PMSCR_EL12 enables profiling of EL1 and EL0; it may have any value after reset. */
	if (optional & BIT(AXV_OPTIONAL_SPE))
		write_sysreg_s(0, HW_PMSCR_EL12);
	/*
	 * TRFCR_EL12 enables trace.  EL3 may trap it, but not where the host's driver
	 * traces.
	 */
	if (optional & BIT(AXV_OPTIONAL_TRBE) &&
	    read_sysreg_s(SYS_TRBLIMITR_EL1) & TRBLIMITR_E)
		write_sysreg_s(0, HW_TRFCR_EL12);
	load_timer(v);
	/*
	 * All of the guest's translation is in place before TGE is cleared, so
	 * that no speculative walk mixes it with something else (errata 1165522
	 * and 1530923).
	 */
	isb();
}

/**
 * axv_vhe_put() - save the guest's registers, and load the host's
 * @v:		vCPU of axv_vhe_load()
 */
void axv_vhe_put(struct axv_arm64_vcpu *v)
{
	u64 optional = __this_cpu_read(axv_arm64_optional);
	const struct axv_vhe_host *host = &v->host;

	save_timer(v);
	save_el1(v);
	if (optional & BIT(AXV_OPTIONAL_RAS))
		v->sys[AXV_SYS_DISR_EL1] = read_sysreg_s(SYS_VDISR_EL2) & AXV_DISR_BITS;
	if (axv_arm64_has_gic(v))
		axv_ich_save(&v->ich, v->gic.nr, axv_gic_host.nr_aprs);
	load_controls(host->ctl, optional);
	write_sysreg(host->tpidrro_el0, tpidrro_el0);
	write_sysreg(host->tpidr_el0, tpidr_el0);
	isb();
}

/* ---- entry and exit ----------------------------------------------------------- */

static __always_inline void read_syndrome(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_syndrome *s = &v->last;

	s->esr = read_sysreg(esr_el2);
	if (!axv_arm64_is_abort(s->esr))
		return;
	s->ipa_valid = false;
	s->before_valid = false;
	s->far = read_sysreg(far_el2);
	if (axv_arm64_has_hpfar(s->esr))
		axv_arm64_set_ipa(v, read_sysreg(hpfar_el2));
	else
		s->ipa_valid = axv_arm64_par_to_ipa(axv_arm64_translate(s->far), &s->ipa);
	if (unlikely(axv_arm64_may_begin_before(s->esr, s->far)))
		s->before_valid = axv_arm64_par_to_memory(axv_arm64_translate(s->far - 1),
							  &s->before);
}

/*
 * Branches, values and prefetches that one VM has trained are predicted for another if
 * both have the same VMID: FEAT_CSV2 keeps only contexts with different VMIDs apart.  Two
 * VMs have the same VMID where all share one, and where VMIDs begin anew (vmid.c).  If
 * the CPU has no instructions that restrict predictions (Arm ARM, CFP RCTX), a call of
 * the firmware is all there is, where it has one; each exit may have made it already.
 */
#define RCTX_ALL_ASIDS		BIT_ULL(16)
#define RCTX_EL1		BIT_ULL(24)
#define RCTX_ALL_VMIDS		BIT_ULL(48)

static __always_inline void restrict_predictions(u64 context)
{
	asm volatile("sys #3, c7, c3, #4, %0\n"		/* cfp rctx */
		     "sys #3, c7, c3, #5, %0\n"		/* dvp rctx */
		     "sys #3, c7, c3, #7, %0\n"		/* cpp rctx */
		     : : "r" (context));
}

static __always_inline void forget_predictions(void)
{
	if (axv_arm64_can_restrict_predictions()) {
		restrict_predictions(RCTX_ALL_ASIDS | RCTX_ALL_VMIDS);
		restrict_predictions(RCTX_ALL_ASIDS | RCTX_ALL_VMIDS | RCTX_EL1);
		dsb(sy);
		isb();
	} else {
		axv_arm64_have_firmware_forget();
	}
}

/*
 * With the VM's VTTBR_EL2 loaded and TGE clear, TLBI is about the VM's translations (Arm
 * ARM, TLBI).
 */
static __always_inline void flush(unsigned int stale)
{
	isb();
	dsb(nshst);
	switch (stale) {
	case AXV_TLB_STAGE1:
		__tlbi(vmalle1);
		break;
	case AXV_TLB_OTHER:
		forget_predictions();
		fallthrough;
	case AXV_TLB_VM:
		__tlbi(vmalls12e1);
		break;
	default:
		forget_predictions();
		__tlbi(alle1);
		break;
	}
	dsb(nsh);
	/*
	 * With its MMU off a guest may fetch past the point of unification, and what one
	 * vCPU leaves in the instruction cache then must not be seen by another vCPU of
	 * the VM (Arm ARM, "instruction caches").
	 */
	asm volatile(ALTERNATIVE("ic iallu", "nop", ARM64_HAS_CACHE_DIC) : : : "memory");
	dsb(nsh);
	isb();
}

static __always_inline void enter(struct axv_arm64_vcpu *v, u64 *hcr)
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

	/*
	 * MDSCR_EL1 is not written earlier: while PSTATE.D is clear the kernel itself would step.
	 */
	if (unlikely(mdscr))
		write_sysreg(mdscr, mdscr_el1);
	write_sysreg(v->regs.pc, elr_el2);
	write_sysreg(v->regs.pstate, spsr_el2);
	v->last.code = axv_arm64_enter(&v->regs,
				       __this_cpu_read(axv_arm64_harden));
	v->regs.pc = read_sysreg(elr_el2);
	v->regs.pstate = axv_arm64_known_pstate(read_sysreg(spsr_el2));

	if (likely(AXV_EL2_VECTOR(v->last.code) != AXV_EL2_IRQ))
		read_syndrome(v);
	else
		v->last.esr = 0;
	/* Nothing else in HCR_EL2 changes. */
	if (unlikely(*hcr & HCR_VSE))
		*hcr = read_sysreg(hcr_el2);
	if (unlikely(mdscr))
		write_sysreg(0, mdscr_el1);

	write_sysreg(host_hcr, hcr_el2);
	/* The host's translation is not used before TGE is set (errata of axv_vhe_load()). */
	isb();
}

/**
 * axv_vhe_switch() - enter the guest, and return when it exits
 * @v:		vCPU that is loaded by axv_vhe_load()
 *
 * Context: interrupts off.
 */
noinstr void axv_vhe_switch(struct axv_arm64_vcpu *v)
{
	axv_arm64_switch(v, enter);
}
