// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of EL2 that control a guest: what traps, where the second stage is and how
 * time is shifted.  vhe.c or el2.S loads them.
 */
#include <linux/bits.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>

#include "arm64.h"

/* CPTR_EL2, with HCR_EL2.E2H set and clear: the guest has floating point, the rest traps. */
#define CPTR_TAM		BIT(30)
#define CPTR_E2H_FPEN		(BIT(20) | BIT(21))
#define CPTR_E2H_TTA		BIT(28)
#define CPTR_NVHE_TTA		BIT(20)
#define CPTR_NVHE_RES1		0x32ff		/* bit 12 is TSM, where there is SME */
#define CPTR_NVHE_TZ		BIT(8)

/**
 * axv_arm64_controls_init() - set the registers that control a vCPU on any CPU
 * @v:		vCPU that is created; its @ctl is all zero
 *
 * Registers of fine-grained traps stay zero: their bits for older features then do not
 * trap, and those for newer features do.  MDSCR_EL1 stays zero, too; each entry sets it.
 */
void axv_arm64_controls_init(struct axv_arm64_vcpu *v)
{
	v->ctl[AXV_CTL_VTCR_EL2] = to_arm64_vm(v->base.vm)->vtcr;
	v->ctl[AXV_CTL_VMPIDR_EL2] = BIT(31) | v->base.hw_id;
	/* Trap c15 of AArch32 at EL0, which is implementation defined. */
	v->ctl[AXV_CTL_HSTR_EL2] = BIT(15);
	v->ctl[AXV_CTL_CPTR_EL2] = CPTR_TAM |
		(axv_arm64_host.vhe ? CPTR_E2H_FPEN | CPTR_E2H_TTA :
				      CPTR_NVHE_RES1 | CPTR_NVHE_TTA | CPTR_NVHE_TZ);
}
