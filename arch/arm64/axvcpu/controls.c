// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest runs under: the registers of EL2 that say what traps, where the
 * second stage is and how time is shifted, whoever loads them.
 */
#include <linux/bits.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/percpu.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>

#include "arm64.h"

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

#define HCRX_TALLINT		BIT(6)

/**
 * axv_arm64_controls_init() - what a vCPU runs under wherever it is entered
 * @v:		vCPU that is created; its @ctl is all zero
 *
 * Fine-grained traps stay zero, which lets through what was there before and traps the
 * rest.  So does MDSCR_EL1, which each entry sets.
 */
void axv_arm64_controls_init(struct axv_arm64_vcpu *v)
{
	v->ctl[AXV_CTL_VTCR_EL2] = to_arm64_vm(v->base.vm)->vtcr;
	v->ctl[AXV_CTL_VMPIDR_EL2] = BIT(31) | v->base.hw_id;
	/* c15 of AArch32 at EL0 is implementation defined. */
	v->ctl[AXV_CTL_HSTR_EL2] = BIT(15);
	v->ctl[AXV_CTL_CPTR_EL2] = CPTR_TAM |
		(axv_arm64_host.vhe ? CPTR_E2H_FPEN | CPTR_E2H_TTA :
				      CPTR_NVHE_RES1 | CPTR_NVHE_TTA | CPTR_NVHE_TZ);
}

/**
 * axv_arm64_controls() - what a guest runs under on this CPU
 * @v:		vCPU that will be entered on it, whose claim the caller holds.  What is not
 *		there on this CPU is not used of its @ctl.
 * @host:	what the host runs under, by &enum axv_arm64_ctl
 *
 * Context: interrupts off until after the last of those entries.
 */
void axv_arm64_controls(struct axv_arm64_vcpu *v, const u64 *host)
{
	struct axv_arm64_vm *vm = to_arm64_vm(v->base.vm);
	u64 *guest = v->ctl;

	guest[AXV_CTL_VTTBR_EL2] = axv_arm64_vttbr(vm);
	guest[AXV_CTL_CNTVOFF_EL2] = READ_ONCE(vm->cntvoff);
	guest[AXV_CTL_CNTHCTL_EL2] = host[AXV_CTL_CNTHCTL_EL2] &
		~(axv_arm64_host.vhe ? CNTHCTL_E2H_PHYSICAL : CNTHCTL_NVHE_PHYSICAL);
	guest[AXV_CTL_MDCR_EL2] = MDCR_TRAPS | (host[AXV_CTL_MDCR_EL2] &
		~(MDCR_EL2_TDE | MDCR_BUFFERS));
	guest[AXV_CTL_HCRX_EL2] = __this_cpu_read(axv_arm64_optional) & BIT(AXV_OPTIONAL_NMI) ?
				  HCRX_TALLINT : 0;
	guest[AXV_CTL_VDISR_EL2] = v->sys[AXV_SYS_DISR_EL1];
	guest[AXV_CTL_ICC_SRE_EL2] = host[AXV_CTL_ICC_SRE_EL2] & ~(u64)ICC_SRE_EL2_ENABLE;
	guest[AXV_CTL_ICH_HCR_EL2] = v->ich.hcr;
}
