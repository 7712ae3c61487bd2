// SPDX-License-Identifier: GPL-2.0
/* Offsets that the assembly needs, turned into a header by the build. */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>

#include "arm64.h"
#include "nvhe.h"

#define SYS_PLACE(name, ...)	{ DEFINE(PLACE_##name, AXV_SYS_##name * sizeof(u64)); }
#define CTL_PLACE(name, ...)	{ DEFINE(PLACE_##name, AXV_CTL_##name * sizeof(u64)); }

static void __used axv_arm64_offsets(void)
{
	OFFSET(AXV_ARM64_X, axv_arm64_gprs, x);
	OFFSET(AXV_ARM64_SP, axv_arm64_gprs, sp_el0);
	OFFSET(AXV_ARM64_PC, axv_arm64_gprs, pc);
	DEFINE(AXV_ARM64_SYNC, AXV_EL2_SYNC);
	DEFINE(AXV_ARM64_IRQ, AXV_EL2_IRQ);
	DEFINE(AXV_ARM64_SERROR, AXV_EL2_SERROR);
	DEFINE(AXV_ARM64_FAULT, AXV_EL2_FAULT);
	DEFINE(AXV_ARM64_CLRBHB, AXV_HARDEN_CLRBHB);
	BLANK();
	DEFINE(TLB_STAGE1, AXV_TLB_STAGE1);
	DEFINE(TLB_VM, AXV_TLB_VM);
	BLANK();
	/* Members of struct axv_nvhe, in their order */
	OFFSET(NVHE_HOST_REGS, axv_nvhe, host_regs);
	OFFSET(NVHE_TTBR, axv_nvhe, ttbr);
	OFFSET(NVHE_MAIR, axv_nvhe, mair);
	OFFSET(NVHE_STUB, axv_nvhe, stub_sctlr);
	OFFSET(NVHE_SCRATCH, axv_nvhe, scratch);
	OFFSET(NVHE_ICH_VTR, axv_nvhe, ich_vtr);
	OFFSET(NVHE_OPTIONAL, axv_nvhe, optional);
	OFFSET(NVHE_HARDEN, axv_nvhe, harden);
	OFFSET(NVHE_STALE, axv_nvhe, stale);
	OFFSET(NVHE_VSESR, axv_nvhe, vsesr);
	OFFSET(NVHE_HCR, axv_nvhe, hcr);
	OFFSET(NVHE_HOST_HCR, axv_nvhe, host_hcr);
	OFFSET(NVHE_SYS, axv_nvhe, sys);
	OFFSET(NVHE_HOST_SYS, axv_nvhe, host_sys);
	OFFSET(NVHE_CTL, axv_nvhe, ctl);
	OFFSET(NVHE_HOST_CTL, axv_nvhe, host_ctl);
	OFFSET(NVHE_VMCR, axv_nvhe, ich.vmcr);
	OFFSET(NVHE_AP0R, axv_nvhe, ich.ap0r);
	OFFSET(NVHE_AP1R, axv_nvhe, ich.ap1r);
	OFFSET(NVHE_LR, axv_nvhe, ich.lr);
	OFFSET(NVHE_LRS, axv_nvhe, lrs);
	OFFSET(NVHE_APRS, axv_nvhe, aprs);
	OFFSET(NVHE_CODE, axv_nvhe, code);
	OFFSET(NVHE_ESR, axv_nvhe, esr);
	OFFSET(NVHE_FAR, axv_nvhe, far);
	OFFSET(NVHE_HPFAR, axv_nvhe, hpfar);
	OFFSET(NVHE_PAR, axv_nvhe, par);
	OFFSET(NVHE_PAR_BEFORE, axv_nvhe, par_before);
	OFFSET(NVHE_ELR, axv_nvhe, elr);
	BLANK();
	AXV_EL1_WALK_REGS(SYS_PLACE)
	AXV_EL1_REGS(SYS_PLACE)
	AXV_EL1_SHARED_REGS(SYS_PLACE)
	DEFINE(PLACE_CNTV_CVAL_EL0, AXV_SYS_CNTV_CVAL_EL0 * sizeof(u64));
	DEFINE(PLACE_CNTV_CTL_EL0, AXV_SYS_CNTV_CTL_EL0 * sizeof(u64));
	BLANK();
	AXV_CTL_REGS(CTL_PLACE)
	AXV_CTL_FGT_REGS(CTL_PLACE)
	AXV_CTL_FGT2_REGS(CTL_PLACE)
	AXV_CTL_HCX_REGS(CTL_PLACE)
	AXV_CTL_RAS_REGS(CTL_PLACE)
	AXV_CTL_GIC_REGS(CTL_PLACE)
}
