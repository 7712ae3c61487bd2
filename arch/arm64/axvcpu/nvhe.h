/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The code at EL2 on hosts whose kernel runs at EL1, and what it and the kernel share.
 */
#ifndef _AXVCPU_ARM64_NVHE_H
#define _AXVCPU_ARM64_NVHE_H

/* The call, by HVC, that enters a guest; those of the kernel's stub are below 16. */
#define AXV_NVHE_ENTER		0xa58
/* A call that nothing at EL2 knows: the answer tells what is there. */
#define AXV_NVHE_WHO		0xfff0

#ifndef __ASSEMBLY__

#include "arm64.h"

/**
 * struct axv_nvhe - a CPU's page: all that its EL2 reads and writes
 * @regs:	the guest's general registers, PC and PSTATE
 * @host_regs:	x18 to x30 of the host, its PC, PSTATE and SP_EL0
 * @ttbr:	TTBR0_EL2 of EL2's own map.  EL2 reads it with caches off, and the next
 *		two as well.
 * @tcr:	TCR_EL2 of EL2's own map
 * @mair:	MAIR_EL2 of EL2's own map
 * @stub_sctlr:	SCTLR_EL2 as the kernel's stub had it
 * @stub_vbar:	VBAR_EL2 as the kernel's stub had it
 * @scratch:	a register of the host, while EL2 handles its call
 * @ich_vtr:	ICH_VTR_EL2, with a GICv3
 * @optional:	bits AXV_OPTIONAL_*
 * @harden:	AXV_HARDEN_*
 * @stale:	AXV_TLB_*: what the TLB has to forget before the entry
 * @vsesr:	VSESR_EL2, with the RAS extension
 * @hcr:	HCR_EL2 of the guest; after the exit, what has become of it
 * @host_hcr:	HCR_EL2 of the host
 * @sys:	the guest's registers, up to AXV_SYS_SWITCHED
 * @host_sys:	the host's values of these
 * @ctl:	registers that control the guest, by &enum axv_arm64_ctl
 * @host_ctl:	the host's values of these
 * @ich:	the virtual CPU interface; its ICH_HCR_EL2 is in @ctl
 * @lrs:	list registers in use
 * @aprs:	registers of active priorities, for each group; 0: @ich is not used
 * @code:	AXV_EL2_* of the exit, and DISR_EL1 above it
 * @esr:	ESR_EL2
 * @far:	FAR_EL2
 * @hpfar:	HPFAR_EL2
 * @par:	after an abort, PAR_EL1 of a walk of the guest's stage 1 for @far
 * @par_before:	PAR_EL1 of a walk for the byte before @far, if the access may have begun
 *		there
 * @elr:	with AXV_EL2_FAULT, the address of the fault at EL2; 0: something else has
 *		EL2, and @esr is its answer
 * @pmscr:	PMSCR_EL1 of the host, if it takes samples; otherwise 0
 * @trfcr:	TRFCR_EL1 of the host, if it traces; otherwise 0
 *
 * It has a page of its own.  Only its CPU accesses it, with interrupts off.
 */
struct axv_nvhe {
	struct axv_arm64_gprs regs;
	u64 host_regs[16];
	u64 ttbr;
	u64 tcr;
	u64 mair;
	u64 stub_sctlr;
	u64 stub_vbar;
	u64 scratch;
	u64 ich_vtr;
	u64 optional;
	u64 harden;
	u64 stale;
	u64 vsesr;
	u64 hcr;
	u64 host_hcr;
	u64 sys[AXV_SYS_SWITCHED];
	u64 host_sys[AXV_SYS_SWITCHED];
	u64 ctl[AXV_CTL_COUNT];
	u64 host_ctl[AXV_CTL_COUNT];
	struct axv_arm64_ich ich;
	u64 lrs;
	u64 aprs;
	u64 code;
	u64 esr;
	u64 far;
	u64 hpfar;
	u64 par;
	u64 par_before;
	u64 elr;
	u64 pmscr;
	u64 trfcr;
};

/* el2.S: code that is copied, and runs at EL2 */
extern const char axv_nvhe_code[], axv_nvhe_code_end[];
extern const char axv_nvhe_install[];
/* el2.S: code that is not copied, and runs at EL1 */
asmlinkage u64 axv_nvhe_ask(u64 call);

/* nvhe.c */
int axv_nvhe_init(void);
void axv_nvhe_exit(void);
u64 axv_nvhe_ich_vtr(void);
int axv_nvhe_enable(void);
void axv_nvhe_disable(void);
void axv_nvhe_load(struct axv_arm64_vcpu *v);
void axv_nvhe_put(struct axv_arm64_vcpu *v);
void axv_nvhe_switch(struct axv_arm64_vcpu *v);
void axv_nvhe_report(void);

#endif /* __ASSEMBLY__ */
#endif /* _AXVCPU_ARM64_NVHE_H */
