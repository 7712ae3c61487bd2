/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's EL1 and EL0 system registers, by where a vCPU keeps them.
 */
#ifndef _AXVCPU_ARM64_SYSREGS_H
#define _AXVCPU_ARM64_SYSREGS_H

/* Places in &axv_arm64_vcpu.sys; regs.c has the encoding of each. */
enum axv_arm64_sysreg {
	/* The host at EL2 has one of its own: switched by switch.c */
	AXV_SYS_SCTLR_EL1,
	AXV_SYS_CPACR_EL1,
	AXV_SYS_TTBR0_EL1,
	AXV_SYS_TTBR1_EL1,
	AXV_SYS_TCR_EL1,
	AXV_SYS_SPSR_EL1,
	AXV_SYS_ELR_EL1,
	AXV_SYS_AFSR0_EL1,
	AXV_SYS_AFSR1_EL1,
	AXV_SYS_ESR_EL1,
	AXV_SYS_FAR_EL1,
	AXV_SYS_MAIR_EL1,
	AXV_SYS_AMAIR_EL1,
	AXV_SYS_VBAR_EL1,
	AXV_SYS_CONTEXTIDR_EL1,
	AXV_SYS_CNTKCTL_EL1,
	/* Switched likewise, for everybody */
	AXV_SYS_SP_EL1,
	AXV_SYS_PAR_EL1,
	AXV_SYS_TPIDR_EL1,
	AXV_SYS_TPIDR_EL0,
	AXV_SYS_TPIDRRO_EL0,
	/* The virtual timer, which is off in the host */
	AXV_SYS_CNTV_CVAL_EL0,
	AXV_SYS_CNTV_CTL_EL0,
	/* Accesses are trapped: in memory alone */
	AXV_SYS_CSSELR_EL1,
	AXV_SYS_MDSCR_EL1,
	AXV_SYSREG_COUNT,
};

#endif /* _AXVCPU_ARM64_SYSREGS_H */
