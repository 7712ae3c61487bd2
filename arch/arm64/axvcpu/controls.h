/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers of EL2 that control a guest, as they have to be on the CPU it is entered on;
 * controls.c has those that are the same on all CPUs.
 */
#ifndef _AXVCPU_ARM64_CONTROLS_H
#define _AXVCPU_ARM64_CONTROLS_H

#include <linux/bits.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/jump_label.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>

#include "arm64.h"
#include "tlb.h"

/* CNTHCTL_EL2, with HCR_EL2.E2H set and clear: EL1 has the physical counter and its timer. */
#define CNTHCTL_E2H_PHYSICAL	(BIT(10) | BIT(11))
#define CNTHCTL_NVHE_PHYSICAL	(BIT(0) | BIT(1))

/* MDCR_EL2.E2PB and E2TB: EL1's regime has the buffers of profiling and trace. */
#define MDCR_BUFFERS		(GENMASK(13, 12) | GENMASK(25, 24))

#define MDCR_TRAPS		(MDCR_EL2_TPM | MDCR_EL2_TPMCR | MDCR_EL2_TDA | \
				 MDCR_EL2_TDOSA | MDCR_EL2_TDRA | \
				 MDCR_EL2_TPMS | MDCR_EL2_TTRF)

#define HCRX_TALLINT		BIT(6)

/**
 * axv_arm64_controls() - set the registers that control a guest on this CPU
 * @v:		vCPU that will be entered on it, whose claim the caller holds.  Of its
 *		@ctl, only registers that this CPU has are used.
 * @host:	the host's values of these registers, by &enum axv_arm64_ctl
 * @optional:	bits AXV_OPTIONAL_* of this CPU
 *
 * Context: interrupts off until after the last entry with these registers.
 */
static __always_inline void axv_arm64_controls(struct axv_arm64_vcpu *v, const u64 *host,
					       u64 optional)
{
	struct axv_arm64_vm *vm = to_arm64_vm(v->base.vm);
	bool vhe = static_branch_likely(&axv_arm64_vhe);
	u64 *guest = v->ctl;

	guest[AXV_CTL_VTTBR_EL2] = axv_arm64_vttbr(vm);
	guest[AXV_CTL_CNTVOFF_EL2] = READ_ONCE(vm->cntvoff);
	guest[AXV_CTL_CNTHCTL_EL2] = host[AXV_CTL_CNTHCTL_EL2] &
		~(vhe ? CNTHCTL_E2H_PHYSICAL : CNTHCTL_NVHE_PHYSICAL);
	guest[AXV_CTL_MDCR_EL2] = MDCR_TRAPS | (host[AXV_CTL_MDCR_EL2] &
		~(MDCR_EL2_TDE | MDCR_BUFFERS));
	guest[AXV_CTL_HCRX_EL2] = optional & BIT(AXV_OPTIONAL_NMI) ? HCRX_TALLINT : 0;
	guest[AXV_CTL_VDISR_EL2] = v->sys[AXV_SYS_DISR_EL1];
	guest[AXV_CTL_ICC_SRE_EL2] = host[AXV_CTL_ICC_SRE_EL2] & ~(u64)ICC_SRE_EL2_ENABLE;
	guest[AXV_CTL_ICH_HCR_EL2] = v->ich.hcr;
}

#endif /* _AXVCPU_ARM64_CONTROLS_H */
