/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The switch between host and guest, as far as hosts with VHE and without have it in
 * common.  It is inlined into vhe.c and nvhe.c: during the switch nothing may be called
 * that could be traced.
 */
#ifndef _AXVCPU_ARM64_SWITCH_H
#define _AXVCPU_ARM64_SWITCH_H

#include <linux/arm-smccc.h>
#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <asm/alternative.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/daifflags.h>
#include <asm/esr.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>

#include "arm64.h"
#include "tlb.h"

/* Not named by every kernel's <asm/sysreg.h>. */
#define HW_DIT		sys_reg(3, 3, 4, 2, 5)
#define HW_TCO		sys_reg(3, 3, 4, 2, 7)

#define AXV_PAR_F			BIT(0)
#define AXV_PAR_PA			GENMASK_ULL(47, 12)
#define AXV_PAR_NORMAL		GENMASK_ULL(63, 60)	/* zero: Device memory */

/*
 * A permission fault does not set HPFAR_EL2 (Arm ARM, HPFAR_EL2), so the guest physical
 * address comes from a walk of the guest's stage 1.  If that fails, the guest has changed
 * its tables since, and it will fault again.
 */
static __always_inline bool axv_arm64_par_to_ipa(u64 par, u64 *ipa)
{
	if (par & AXV_PAR_F)
		return false;
	*ipa = par & AXV_PAR_PA;
	return true;
}

static __always_inline bool axv_arm64_is_abort(u64 esr)
{
	return ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW ||
	       ESR_ELx_EC(esr) == ESR_ELx_EC_IABT_LOW;
}

/*
 * Does HPFAR_EL2 tell the guest physical address?  Not for a permission fault, unless it
 * was in a walk of the guest's tables, and not with erratum 834220.
 */
static __always_inline bool axv_arm64_has_hpfar(u64 esr)
{
	if (esr & ESR_ELx_S1PTW)
		return true;
	return (esr & ESR_ELx_FSC_TYPE) != ESR_ELx_FSC_PERM &&
	       !cpus_have_cap(ARM64_WORKAROUND_834220);
}

static __always_inline void axv_arm64_set_ipa(struct axv_arm64_vcpu *v, u64 hpfar)
{
	v->last.ipa = (hpfar & GENMASK_ULL(43, 4)) << 8;
	v->last.ipa_valid = true;
}

/*
 * May an access have begun before @far?  If it crosses into a page that faults, FAR_EL2
 * is the beginning of that page.  Where ISV describes an access of more than a byte, and
 * FAR_EL2 is the beginning of a page, it may be such an access.
 */
static __always_inline bool axv_arm64_may_begin_before(u64 esr, u64 far)
{
	return ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW && esr & ESR_ELx_ISV &&
	       esr & ESR_ELx_SAS && !(far & ~PAGE_MASK);
}

/*
 * As axv_arm64_par_to_ipa(), for Normal memory only: accesses to Device memory are
 * aligned, and so never cross a page (Arm ARM, "Device memory").
 */
static __always_inline bool axv_arm64_par_to_memory(u64 par, u64 *ipa)
{
	return par & AXV_PAR_NORMAL && axv_arm64_par_to_ipa(par, ipa);
}

static __always_inline bool axv_arm64_can_restrict_predictions(void)
{
	return __this_cpu_read(axv_arm64_optional) & BIT(AXV_OPTIONAL_SPECRES);
}

static __always_inline void axv_arm64_have_firmware_forget(void)
{
	u32 call = __this_cpu_read(axv_arm64_forget_call);

	if (call)
		arm_smccc_1_1_smc(call, NULL);
}

static __always_inline u64 axv_arm64_guest_hcr(struct axv_arm64_vcpu *v)
{
	u64 hcr = __this_cpu_read(axv_arm64_hcr);

	if (v->trap_caches)
		hcr |= HCR_TVM;
	/* Pairs with axv_arm64_set_line(): with HCR_VSE its syndrome is seen, too. */
	return hcr | smp_load_acquire(&v->events.lines);
}

/**
 * axv_arm64_switch() - enter the guest, and return when it exits
 * @v:		vCPU whose registers are loaded, or where EL2 finds them
 * @enter:	a function that the compiler inlines: enters the guest with *@hcr as
 *		HCR_EL2, and leaves there what became of that
 *
 * Nothing in the switch may be traced or probed: RCU does not watch, and an exception
 * would find the registers of EL2 half changed.
 *
 * Context: interrupts off; the caller is noinstr.
 */
static __always_inline void axv_arm64_switch(struct axv_arm64_vcpu *v,
					     void (*enter)(struct axv_arm64_vcpu *v,
							   u64 *hcr))
{
	u64 hcr;
	bool serror;

	local_daif_mask();
	pmr_sync();

	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);

	if (static_branch_unlikely(&axv_arm64_dit_or_mte)) {
		if (axv_arm64_host.dit)
			v->dit = read_sysreg_s(HW_DIT);
		if (axv_arm64_host.mte)
			v->tco = read_sysreg_s(HW_TCO);
	}

	hcr = axv_arm64_guest_hcr(v);
	serror = hcr & HCR_VSE;
	enter(v, &hcr);
	/* HCR_EL2.VSE is clear now: the guest took the virtual SError. */
	if (unlikely(serror) && !(hcr & HCR_VSE))
		v->last.code |= AXV_EL2_SERROR_TAKEN;

	/* Bits of PSTATE that the exception has not set are the guest's still. */
	asm volatile(ALTERNATIVE("nop", SET_PSTATE_PAN(1), ARM64_HAS_PAN));
	if (static_branch_unlikely(&axv_arm64_dit_or_mte)) {
		if (axv_arm64_host.dit)
			write_sysreg_s(v->dit, HW_DIT);
		if (axv_arm64_host.mte)
			write_sysreg_s(v->tco, HW_TCO);
	}

	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();
	trace_hardirqs_off_finish();

	local_daif_restore(DAIF_PROCCTX_NOIRQ);
}

#endif /* _AXVCPU_ARM64_SWITCH_H */
