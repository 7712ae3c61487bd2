/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * axvcpu on arm64: registers and the register sets of the run page.  Included by
 * <linux/axvcpu.h>.
 */
#ifndef _UAPI_ASM_ARM64_AXVCPU_H
#define _UAPI_ASM_ARM64_AXVCPU_H

#include <linux/types.h>

/*
 * Modes of AXV_VCPU_SETUP.  EL1 with its own stack pointer, MMU and caches off,
 * DAIF masked: what PSCI gives a CPU.
 */
#define AXV_ARM64_MODE_EL1	0

/* Register classes; each register is 8 bytes wide, log2 = 3. */
#define AXV_ARM64_CLASS_GPR	0	/* enum axv_arm64_gpr */
#define AXV_ARM64_CLASS_SYSREG	1	/* AXV_ARM64_SYSREG_INDEX() */
#define AXV_ARM64_CLASS_EVENT	2	/* enum axv_arm64_event_reg */
#define AXV_ARM64_CLASS_GIC	3	/* enum axv_arm64_gic_reg; with GICV3 alone */

enum axv_arm64_gpr {
	AXV_ARM64_X0 = 0,		/* X0 to X30 by their number */
	AXV_ARM64_X30 = 30,
	AXV_ARM64_SP_EL0,
	AXV_ARM64_PC,
	AXV_ARM64_PSTATE,		/* as in SPSR_EL2 */
	AXV_ARM64_GPRS,			/* number of them */
};

/* A system register by its encoding in MRS and MSR. */
#define AXV_ARM64_SYSREG_INDEX(op0, op1, crn, crm, op2)			\
	(((__u64)(op0) << 14) | ((__u64)(op1) << 11) |			\
	 ((__u64)(crn) << 7) | ((__u64)(crm) << 3) | (__u64)(op2))

/**
 * enum axv_arm64_event_reg - what is under way between two instructions
 * @AXV_ARM64_EVENT_IRQ:	1: the IRQ input is asserted
 * @AXV_ARM64_EVENT_FIQ:	1: the FIQ input is asserted
 * @AXV_ARM64_EVENT_SERROR:	1: an SError interrupt is pending
 * @AXV_ARM64_EVENT_SERROR_ISS:	the ISS it will have, if the host has FEAT_RAS
 * @AXV_ARM64_EVENT_EXCEPTION:	pending synchronous exception, in the form of
 *				ESR_EL1; 0: none, since EC 0 without IL is not used
 * @AXV_ARM64_EVENT_EXCEPTION_ADDR: FAR_EL1 that goes with it
 * @AXV_ARM64_EVENT_HALTED:	1: waits for an interrupt (WFI)
 * @AXV_ARM64_EVENT_CACHE_WATCH: 1: the guest's caches are off, or were maintained by
 *				set and way since they are on: the kernel waits for
 *				the guest to switch them.  Belongs behind SCTLR_EL1
 * @AXV_ARM64_EVENT_TIMER:	1: &axv_run.timer_level was 1 at the last exit, so the timer's
 *				output does not end a run before an exit has shown 0; without
 *				irqchip, otherwise 0
 * @AXV_ARM64_EVENT_REGS:	number of them
 */
enum axv_arm64_event_reg {
	AXV_ARM64_EVENT_IRQ = 0,
	AXV_ARM64_EVENT_FIQ,
	AXV_ARM64_EVENT_SERROR,
	AXV_ARM64_EVENT_SERROR_ISS,
	AXV_ARM64_EVENT_EXCEPTION,
	AXV_ARM64_EVENT_EXCEPTION_ADDR,
	AXV_ARM64_EVENT_HALTED,
	AXV_ARM64_EVENT_CACHE_WATCH,
	AXV_ARM64_EVENT_TIMER,
	AXV_ARM64_EVENT_REGS,
};

/**
 * enum axv_arm64_gic_reg - the CPU interface of a vCPU with AXV_IRQCHIP_GICV3
 * @AXV_ARM64_GIC_VTIMER: what the virtual timer asserts, AXV_ARM64_VTIMER_*
 * @AXV_ARM64_GIC_VMCR:	ICH_VMCR_EL2: ICC_PMR_EL1, ICC_CTLR_EL1 and the like
 * @AXV_ARM64_GIC_SGI_ENABLED: bit n: SGI n is enabled.  This and the other registers of
 *			SGIs only with AXV_VM_SGI_IN_KERNEL
 * @AXV_ARM64_GIC_SGI_PENDING: bit n: SGI n was sent, and is not yet among the interrupts
 *			from IRQ0 on: it is not enabled, for example
 * @AXV_ARM64_GIC_SGI_PRIORITY0: priorities of SGIs 0 to 7, a byte each, SGI 0 in the
 *			lowest one
 * @AXV_ARM64_GIC_SGI_PRIORITY1: priorities of SGIs 8 to 15
 * @AXV_ARM64_GIC_AP0R0: active priorities, group 0: ICH_AP0R<n>_EL2
 * @AXV_ARM64_GIC_AP1R0: group 1: ICH_AP1R<n>_EL2.  One to four of each, as many as
 *			the host has.
 * @AXV_ARM64_GIC_IRQ0:	the interrupts that are pending or active, AXV_ARM64_IRQ_*;
 *			0: this place is empty.  No INTID is in two places.
 * @AXV_ARM64_GIC_REGS:	end of the range
 */
enum axv_arm64_gic_reg {
	AXV_ARM64_GIC_VTIMER = 0,
	AXV_ARM64_GIC_VMCR = 1,
	AXV_ARM64_GIC_SGI_ENABLED = 2,
	AXV_ARM64_GIC_SGI_PENDING = 3,
	AXV_ARM64_GIC_AP0R0 = 4,
	AXV_ARM64_GIC_AP1R0 = 8,
	AXV_ARM64_GIC_SGI_PRIORITY0 = 12,
	AXV_ARM64_GIC_SGI_PRIORITY1 = 13,
	AXV_ARM64_GIC_IRQ0 = 64,
	AXV_ARM64_GIC_REGS = 128,
};

/* AXV_ARM64_GIC_VTIMER: a private interrupt (16 to 31), its priority, and if it is used */
#define AXV_ARM64_VTIMER(intid, priority)				\
	((1ull << 31) | ((__u64)(priority) << 8) | (__u64)(intid))
#define AXV_ARM64_VTIMER_INTID		0xffull
#define AXV_ARM64_VTIMER_PRIORITY	0xff00ull
#define AXV_ARM64_VTIMER_ENABLED	(1ull << 31)

/* AXV_ARM64_GIC_IRQ0 and those that follow it */
#define AXV_ARM64_IRQ_INTID		0xffffffffull
#define AXV_ARM64_IRQ_PRIORITY		(0xffull << 32)
#define AXV_ARM64_IRQ_PENDING		(1ull << 40)	/* an edge, not acknowledged yet */
#define AXV_ARM64_IRQ_LEVEL		(1ull << 41)	/* its wire is high */
#define AXV_ARM64_IRQ_ACTIVE		(1ull << 42)	/* acknowledged, not deactivated */

#define AXV_REG_ARM64(class, index)	\
	AXV_REG_ID(AXV_REG_ARCH_ARM64, AXV_ARM64_CLASS_##class, 3, index)

/*
 * AXV_INJECT_WIRED on a vCPU without irqchip: &axv_inject.vector is the input.
 *
 * With AXV_IRQCHIP_GICV3 it is an INTID, 16 to 1019; AXV_INJECT_EXTINT takes 0 to
 * 1019 and LPIs, from 8192 on.  The VMM's distributor injects what is enabled.
 */
#define AXV_ARM64_INPUT_IRQ	0
#define AXV_ARM64_INPUT_FIQ	1

/*
 * AXV_INJECT_EXCEPTION: &axv_inject.vector is the exception class (ESR_EL1.EC),
 * &axv_inject.error_code the ISS, &axv_inject.address FAR_EL1.  This class is not
 * a synchronous exception, but an SError interrupt:
 */
#define AXV_ARM64_EC_SERROR	0x2f

/*
 * &axv_exit_sysreg.addr: the ISS of a trapped MRS or MSR without the register and
 * the direction (Arm ARM, ESR_ELx, EC 0x18).
 */
#define AXV_ARM64_SYSREG_ISS(op0, op1, crn, crm, op2)			\
	(((op0) << 20) | ((op2) << 17) | ((op1) << 14) | ((crn) << 10) | ((crm) << 1))

/* The vector state of AXV_VCPU_GET_FPU: V0 to V31, then FPSR and FPCR. */
struct axv_arm64_fpu {
	__u64 v[32][2];		/* the lower half first */
	__u32 fpsr;
	__u32 fpcr;
	__u64 pad;
};

/* AXV_RUN_SET_GPRS */
struct axv_arm64_gprs {
	__u64 x[31];
	__u64 sp_el0;
	__u64 pc;
	__u64 pstate;
};

/* AXV_RUN_SET_SREGS */
struct axv_arm64_sregs {
	__u64 sp_el1;
	__u64 elr_el1;
	__u64 spsr_el1;
	__u64 sctlr_el1;
	__u64 cpacr_el1;
	__u64 ttbr0_el1;
	__u64 ttbr1_el1;
	__u64 tcr_el1;
	__u64 mair_el1;
	__u64 vbar_el1;
	__u64 esr_el1;
	__u64 far_el1;
	__u64 tpidr_el1;
	__u64 tpidr_el0;
	__u64 tpidrro_el0;
	__u64 contextidr_el1;
};

struct axv_run_regs {
	struct axv_arm64_gprs gprs;
	struct axv_arm64_sregs sregs;
};

#endif /* _UAPI_ASM_ARM64_AXVCPU_H */
