/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists of the guest's EL1 and EL0 system registers, in the order of their places in a
 * vCPU, and of the registers of EL2 that control a guest.  C and assembly expand them to
 * declarations and code.
 */
#ifndef _AXVCPU_ARM64_SYSREGS_H
#define _AXVCPU_ARM64_SYSREGS_H

/*
 * X(name, CRn, CRm, op2), with op0 = 3.  op1 = 0 is the register itself.  At EL2 with VHE
 * that encoding names the host's own register, and op1 = 5 the guest's (Arm ARM,
 * "_EL12").  The registers of AXV_EL1_WALK_REGS turn walks of the guest's tables on.
 */
#define AXV_EL1_WALK_REGS(X)			\
	X(SCTLR_EL1, 1, 0, 0)			\
	X(TCR_EL1, 2, 0, 2)

#define AXV_EL1_REGS(X)				\
	X(CPACR_EL1, 1, 0, 2)			\
	X(TTBR0_EL1, 2, 0, 0)			\
	X(TTBR1_EL1, 2, 0, 1)			\
	X(SPSR_EL1, 4, 0, 0)			\
	X(ELR_EL1, 4, 0, 1)			\
	X(AFSR0_EL1, 5, 1, 0)			\
	X(AFSR1_EL1, 5, 1, 1)			\
	X(ESR_EL1, 5, 2, 0)			\
	X(FAR_EL1, 6, 0, 0)			\
	X(MAIR_EL1, 10, 2, 0)			\
	X(AMAIR_EL1, 10, 3, 0)			\
	X(VBAR_EL1, 12, 0, 0)			\
	X(CONTEXTIDR_EL1, 13, 0, 1)		\
	X(CNTKCTL_EL1, 14, 1, 0)

/* X(name, op1, CRn, CRm, op2), with op0 = 3: host and guest share the one register. */
#define AXV_EL1_SHARED_REGS(X)			\
	X(SP_EL1, 4, 4, 1, 0)			\
	X(CSSELR_EL1, 2, 0, 0, 0)		\
	X(PAR_EL1, 0, 7, 4, 0)			\
	X(TPIDR_EL1, 0, 13, 0, 4)		\
	X(TPIDR_EL0, 3, 13, 0, 2)		\
	X(TPIDRRO_EL0, 3, 13, 0, 3)

/*
 * X(name, op0, op1, CRn, CRm, op2): registers that control a guest, and are the host's
 * again afterwards.
 */
#define AXV_CTL_REGS(X)				\
	X(VTCR_EL2, 3, 4, 2, 1, 2)		\
	X(VTTBR_EL2, 3, 4, 2, 1, 0)		\
	X(VMPIDR_EL2, 3, 4, 0, 0, 5)		\
	X(CNTVOFF_EL2, 3, 4, 14, 0, 3)		\
	X(CNTHCTL_EL2, 3, 4, 14, 1, 0)		\
	X(HSTR_EL2, 3, 4, 1, 1, 3)		\
	X(MDCR_EL2, 3, 4, 1, 1, 1)		\
	X(CPTR_EL2, 3, 4, 1, 1, 2)		\
	X(MDSCR_EL1, 2, 0, 0, 2, 2)

/*
 * Bits of axv_arm64_optional, for registers and features that not all CPUs have.
 *
 * EL3 may trap a register that is newer than the firmware, and then an access stops the
 * machine.  So only registers are accessed that the firmware must not trap according to
 * the kernel's booting.rst.  MPAM2_EL2 is none of them: MPAM3_EL3.TRAPLOWER resets to 1.
 */
#define AXV_OPTIONAL_FGT	0
#define AXV_OPTIONAL_FGT2	1
#define AXV_OPTIONAL_HCX	2
#define AXV_OPTIONAL_GIC	3
#define AXV_OPTIONAL_RAS	4	/* and VSESR_EL2, which each entry writes */
#define AXV_OPTIONAL_SPE	5	/* profiling */
#define AXV_OPTIONAL_TRBE	6	/* trace in buffers; guests are not traced */
#define AXV_OPTIONAL_SPECRES	7	/* predictions can be restricted */
#define AXV_OPTIONAL_NMI	8	/* PSTATE.ALLINT, which guests do not have */

#define AXV_CTL_FGT_REGS(X)			\
	X(HFGRTR_EL2, 3, 4, 1, 1, 4)		\
	X(HFGWTR_EL2, 3, 4, 1, 1, 5)		\
	X(HFGITR_EL2, 3, 4, 1, 1, 6)		\
	X(HDFGRTR_EL2, 3, 4, 3, 1, 4)		\
	X(HDFGWTR_EL2, 3, 4, 3, 1, 5)

#define AXV_CTL_FGT2_REGS(X)			\
	X(HDFGRTR2_EL2, 3, 4, 3, 1, 0)		\
	X(HDFGWTR2_EL2, 3, 4, 3, 1, 1)		\
	X(HFGRTR2_EL2, 3, 4, 3, 1, 2)		\
	X(HFGWTR2_EL2, 3, 4, 3, 1, 3)		\
	X(HFGITR2_EL2, 3, 4, 3, 1, 7)

#define AXV_CTL_HCX_REGS(X)			\
	X(HCRX_EL2, 3, 4, 1, 2, 2)

/* The SError that an ESB of the guest defers */
#define AXV_CTL_RAS_REGS(X)			\
	X(VDISR_EL2, 3, 4, 12, 1, 1)

#define AXV_CTL_GIC_REGS(X)			\
	X(ICC_SRE_EL2, 3, 4, 12, 9, 5)		\
	X(ICH_HCR_EL2, 3, 4, 12, 11, 0)

#ifndef __ASSEMBLY__

#define AXV_SYS_PLACE(name, ...) AXV_SYS_##name,

/* Places in &axv_arm64_vcpu.sys; regs.c has the encoding of each. */
enum axv_arm64_sysreg {
	/* Switched with the guest */
	AXV_EL1_WALK_REGS(AXV_SYS_PLACE)
	AXV_EL1_REGS(AXV_SYS_PLACE)
	AXV_EL1_SHARED_REGS(AXV_SYS_PLACE)
	/* The virtual timer, which is off in the host */
	AXV_SYS_CNTV_CVAL_EL0,
	AXV_SYS_CNTV_CTL_EL0,
	/* The SError that the guest's ESB put off: VDISR_EL2 while it runs */
	AXV_SYS_DISR_EL1,
	/* Not switched: accesses are trapped, and the value is in memory only */
	AXV_SYS_SWITCHED,
	AXV_SYS_MDSCR_EL1 = AXV_SYS_SWITCHED,
	AXV_SYSREG_COUNT,
};

#define AXV_CTL_PLACE(name, ...) AXV_CTL_##name,

/* Places in &axv_arm64_vcpu.ctl. */
enum axv_arm64_ctl {
	AXV_CTL_REGS(AXV_CTL_PLACE)
	AXV_CTL_FGT_REGS(AXV_CTL_PLACE)
	AXV_CTL_FGT2_REGS(AXV_CTL_PLACE)
	AXV_CTL_HCX_REGS(AXV_CTL_PLACE)
	AXV_CTL_RAS_REGS(AXV_CTL_PLACE)
	AXV_CTL_GIC_REGS(AXV_CTL_PLACE)
	AXV_CTL_COUNT,
};

#endif /* __ASSEMBLY__ */
#endif /* _AXVCPU_ARM64_SYSREGS_H */
