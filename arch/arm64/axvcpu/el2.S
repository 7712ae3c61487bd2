/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The code at EL2 on hosts whose kernel runs at EL1.  What is between axv_nvhe_code and
 * axv_nvhe_code_end is copied to memory of its own.
 *
 * It runs at its physical address.  EL2's own map has nothing in it but this code and a
 * page for each CPU, struct axv_nvhe.  SP points to the CPU's page and never moves.  All
 * of DAIF is masked.
 *
 * There are two tables of vectors.  The first is used while the host runs, and answers
 * calls to the kernel's stub as the stub would; the second is used while a guest runs.
 */
#include <linux/linkage.h>
#include <linux/sizes.h>

#include <asm/alternative.h>
#include <asm/assembler.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>
#include <asm/virt.h>

#include <axv-asm-offsets.h>

#include "entry.inc"
#include "nvhe.h"
#include "sysregs.h"

#define HOST_X(n)	(NVHE_HOST_REGS + 8 * ((n) - 18))
#define HOST_PC		(NVHE_HOST_REGS + 104)	/* and its PSTATE */
#define HOST_SP		(NVHE_HOST_REGS + 120)

#define ESR_EC_SHIFT	26
#define ESR_IL		(1 << 25)
#define EC_HVC64	0x16
#define EC_IABT_LOW	0x20
#define EC_DABT_LOW	0x24
#define ESR_S1PTW_BIT	7
#define ESR_SAS_MASK	(3 << 22)
#define ESR_ISV_BIT	24
#define FSC_PERMISSION	3	/* without the level */
#define PAR_F		1
#define ISR_A_BIT	8

#define HCR_E2H_BIT	34
#define ICH_VTR_LIST_REGS 0x1f	/* number of list registers less one */

/* Offsets in the kernel's vectors, for an exception that it gets from here */
#define VECTOR_EL1H	0x200
#define VECTOR_EL0	0x400

/*
 * Save a register to its place in the CPU's page, or load it from there; changes x1.
 * @set is the part of the page with the host's or the guest's values.
 */
#define SAVE(set, name, reg)	mrs_s x1, reg; str x1, [sp, set + PLACE_##name];
#define LOAD(set, name, reg)	ldr x1, [sp, set + PLACE_##name]; msr_s reg, x1;

#define SAVE_HOST(n, crn, crm, op2)	SAVE(NVHE_HOST_SYS, n, sys_reg(3, 0, crn, crm, op2))
#define LOAD_HOST(n, crn, crm, op2)	LOAD(NVHE_HOST_SYS, n, sys_reg(3, 0, crn, crm, op2))
#define SAVE_GUEST(n, crn, crm, op2)	SAVE(NVHE_SYS, n, sys_reg(3, 0, crn, crm, op2))
#define LOAD_GUEST(n, crn, crm, op2)	LOAD(NVHE_SYS, n, sys_reg(3, 0, crn, crm, op2))

#define SAVE_HOST_SHARED(n, ...)	SAVE(NVHE_HOST_SYS, n, sys_reg(3, __VA_ARGS__))
#define LOAD_HOST_SHARED(n, ...)	LOAD(NVHE_HOST_SYS, n, sys_reg(3, __VA_ARGS__))
#define SAVE_GUEST_SHARED(n, ...)	SAVE(NVHE_SYS, n, sys_reg(3, __VA_ARGS__))
#define LOAD_GUEST_SHARED(n, ...)	LOAD(NVHE_SYS, n, sys_reg(3, __VA_ARGS__))

#define SAVE_HOST_CTL(n, ...)		SAVE(NVHE_HOST_CTL, n, sys_reg(__VA_ARGS__))
#define LOAD_HOST_CTL(n, ...)		LOAD(NVHE_HOST_CTL, n, sys_reg(__VA_ARGS__))
#define LOAD_GUEST_CTL(n, ...)		LOAD(NVHE_CTL, n, sys_reg(__VA_ARGS__))

/* Do @op for the registers that this CPU has, by x2: axv_nvhe.optional. */
#define OPTIONAL_CTL(op)						\
	tbz	x2, #AXV_OPTIONAL_FGT, 1f;				\
	AXV_CTL_FGT_REGS(op)						\
1:	tbz	x2, #AXV_OPTIONAL_FGT2, 2f;				\
	AXV_CTL_FGT2_REGS(op)						\
2:	tbz	x2, #AXV_OPTIONAL_HCX, 3f;				\
	AXV_CTL_HCX_REGS(op)						\
3:	tbz	x2, #AXV_OPTIONAL_RAS, 4f;				\
	AXV_CTL_RAS_REGS(op)						\
4:	tbz	x2, #AXV_OPTIONAL_GIC, 5f;				\
	AXV_CTL_GIC_REGS(op)						\
5:

#define ICH_LR(n)	sys_reg(3, 4, 12, 12 + ((n) >> 3), (n) & 7)
#define ICH_AP0R(n)	sys_reg(3, 4, 12, 8, n)
#define ICH_AP1R(n)	sys_reg(3, 4, 12, 9, n)

	/*
	 * Do \op for registers of the virtual CPU interface.  x2 says for how many of the
	 * kind; changes x1.
	 */
	.macro	each_lr op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	cmp	x2, #\n
	b.ls	.Llrs_done\@
	\op	\n
	.endr
.Llrs_done\@:
	.endm

	.macro	each_apr op
	.irp	n, 0, 1, 2, 3
	cmp	x2, #\n
	b.ls	.Laprs_done\@
	\op	\n
	.endr
.Laprs_done\@:
	.endm

	.macro	clear_lr n
	msr_s	ICH_LR(\n), xzr
	.endm

	.macro	load_lr n
	ldr	x1, [sp, #NVHE_LR + 8 * \n]
	msr_s	ICH_LR(\n), x1
	.endm

	/* List registers that are not in use are always zero. */
	.macro	save_lr n
	mrs_s	x1, ICH_LR(\n)
	str	x1, [sp, #NVHE_LR + 8 * \n]
	msr_s	ICH_LR(\n), xzr
	.endm

	.macro	load_aprs n
	ldr	x1, [sp, #NVHE_AP0R + 8 * \n]
	msr_s	ICH_AP0R(\n), x1
	ldr	x1, [sp, #NVHE_AP1R + 8 * \n]
	msr_s	ICH_AP1R(\n), x1
	.endm

	.macro	save_aprs n
	mrs_s	x1, ICH_AP0R(\n)
	str	x1, [sp, #NVHE_AP0R + 8 * \n]
	mrs_s	x1, ICH_AP1R(\n)
	str	x1, [sp, #NVHE_AP1R + 8 * \n]
	.endm

	/* cfp, dvp, cpp rctx */
	.macro	restrict_predictions context
	sys	#3, c7, c3, #4, \context
	sys	#3, c7, c3, #5, \context
	sys	#3, c7, c3, #7, \context
	.endm

	.macro	host_vector to
	.align	7
	b	\to
	.endm

	.macro	guest_vector code
	.align	7
	stp	x0, x1, [sp, #X(0)]
	mov	x0, #\code
	b	leave_guest
	.endm

	.text
	.align	11
SYM_CODE_START(axv_nvhe_code)
host_vectors:
	/* from EL2: none is expected */
	.rept	8
	host_vector fault
	.endr
	/* from the host: only calls are expected */
	host_vector host_call
	.rept	7
	host_vector not_a_call
	.endr

	.align	11
guest_vectors:
	/* from EL2, with SP_EL0, and with SP_EL2 */
	.rept	2
	host_vector fault
	host_vector fault
	host_vector fault
	own_serror
	.endr
	/* from the guest in AArch64 state, and in AArch32 state */
	.rept	2
	guest_vector AXV_ARM64_SYNC
	guest_vector AXV_ARM64_IRQ
	guest_vector AXV_ARM64_IRQ
	guest_vector AXV_ARM64_SERROR
	.endr
	.align	7

/* ---- calls of the host ----------------------------------------------------- */

/* As the SMCCC has it, x1 to x17 may change. */
host_call:
	str	x5, [sp, #NVHE_SCRATCH]
	mrs	x5, esr_el2
	lsr	x5, x5, #ESR_EC_SHIFT
	cmp	x5, #EC_HVC64
	b.ne	not_a_call_x5
	cmp	x0, #AXV_NVHE_ENTER
	b.eq	enter_guest
	cmp	x0, #HVC_SET_VECTORS
	b.eq	set_vectors
	cmp	x0, #HVC_SOFT_RESTART
	b.eq	soft_restart
	cmp	x0, #HVC_RESET_VECTORS
	b.eq	reset_vectors
	mov_q	x0, HVC_STUB_ERR
	eret
	sb

/* Make EL2 again what the kernel's stub left.  Changes x5 and x6. */
	.macro	give_back
	ldp	x5, x6, [sp, #NVHE_STUB]
	dsb	sy
	isb
	msr	sctlr_el2, x5
	isb
	tlbi	alle2
	dsb	nsh
	msr	vbar_el2, x6
	isb
	.endm

set_vectors:
	give_back
	msr	vbar_el2, x1
	mov	x0, xzr
	eret
	sb

reset_vectors:
	give_back
	mov	x0, xzr
	eret
	sb

/* Goes on at EL2 at the address in x1, with x2 to x4 as arguments. */
soft_restart:
	give_back
	mov	x5, x1
	mov	x0, x2
	mov	x1, x3
	mov	x2, x4
	br	x5
	sb

/*
 * The host came to EL2 by a trap that is not armed for it.  Its kernel gets an
 * undefined-instruction exception, and reports where that was.
 */
not_a_call:
	str	x5, [sp, #NVHE_SCRATCH]
not_a_call_x5:
	mrs	x5, elr_el2
	msr	elr_el1, x5
	mov	x5, #ESR_IL
	msr	esr_el1, x5
	mrs	x5, spsr_el2
	msr	spsr_el1, x5
	tst	x5, #PSR_MODE_MASK
	mrs	x5, vbar_el1
	add	x5, x5, #VECTOR_EL1H
	b.ne	1f
	add	x5, x5, #(VECTOR_EL0 - VECTOR_EL1H)
1:	msr	elr_el2, x5
	mov	x5, #(PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)
	msr	spsr_el2, x5
	ldr	x5, [sp, #NVHE_SCRATCH]
	eret
	sb

/* ---- into the guest -------------------------------------------------------- */

enter_guest:
	stp	x18, x19, [sp, #HOST_X(18)]
	stp	x20, x21, [sp, #HOST_X(20)]
	stp	x22, x23, [sp, #HOST_X(22)]
	stp	x24, x25, [sp, #HOST_X(24)]
	stp	x26, x27, [sp, #HOST_X(26)]
	stp	x28, x29, [sp, #HOST_X(28)]
	str	x30, [sp, #HOST_X(30)]
	mrs	x1, elr_el2
	mrs	x2, spsr_el2
	stp	x1, x2, [sp, #HOST_PC]
	mrs	x1, sp_el0
	str	x1, [sp, #HOST_SP]
	AXV_EL1_WALK_REGS(SAVE_HOST)
	AXV_EL1_REGS(SAVE_HOST)
	AXV_EL1_SHARED_REGS(SAVE_HOST_SHARED)
	SAVE_HOST_CTL(MDSCR_EL1, 2, 0, 0, 2, 2)
	/* From here on the host is restored after a fault. */
	mov	x1, #1
	msr	tpidr_el2, x1

	/*
	 * EPD0 and EPD1: nothing walks the guest's tables until its second stage is there
	 * (errata 1319367 and 1319537); the host's SCTLR_EL1.M is set.
	 */
	ldr	x1, [sp, #NVHE_SYS + PLACE_TCR_EL1]
	orr	x1, x1, #(1 << 7)
	orr	x1, x1, #(1 << 23)
	msr	tcr_el1, x1
	isb
	AXV_EL1_REGS(LOAD_GUEST)
	AXV_EL1_SHARED_REGS(LOAD_GUEST_SHARED)
	/* Before ICH_HCR_EL2, which notices list registers that are not there. */
	ldr	x2, [sp, #NVHE_APRS]
	cbz	x2, .Lno_ich
	each_apr load_aprs
	ldr	x1, [sp, #NVHE_VMCR]
	msr_s	SYS_ICH_VMCR_EL2, x1
	ldr	x2, [sp, #NVHE_LRS]
	each_lr	load_lr
.Lno_ich:
	AXV_CTL_REGS(LOAD_GUEST_CTL)
	ldr	x2, [sp, #NVHE_OPTIONAL]
	OPTIONAL_CTL(LOAD_GUEST_CTL)
	tbz	x2, #AXV_OPTIONAL_RAS, .Lno_vsesr
	ldr	x1, [sp, #NVHE_VSESR]
	msr_s	SYS_VSESR_EL2, x1
.Lno_vsesr:
	ldr	x1, [sp, #NVHE_SYS + PLACE_CNTV_CVAL_EL0]
	msr	cntv_cval_el0, x1
	ldr	x1, [sp, #NVHE_SYS + PLACE_CNTV_CTL_EL0]
	msr	cntv_ctl_el0, x1
	ldr	x1, [sp, #NVHE_HCR]
	msr	hcr_el2, x1
	dsb	nshst
	isb

	/*
	 * Forget translations of guests, as axv_nvhe.stale says.  Each TLBI is done
	 * twice, which errata 1286807 and 2441009 ask for.
	 */
	ldr	x2, [sp, #NVHE_STALE]
	cbz	x2, .Lflushed
	cmp	x2, #TLB_VM
	b.eq	.Lflush_vm
	b.hi	.Lflush_all
	tlbi	vmalle1
	dsb	nsh
	tlbi	vmalle1
	b	.Lflush_done
.Lflush_vm:
	tlbi	vmalls12e1
	dsb	nsh
	tlbi	vmalls12e1
	b	.Lflush_done
.Lflush_all:
	ldr	x2, [sp, #NVHE_OPTIONAL]
	tbz	x2, #AXV_OPTIONAL_SPECRES, 1f
	/* As forget_predictions(): all VMIDs and ASIDs, of EL0 and then of EL1 */
	mov	x1, #(1 << 16)
	movk	x1, #1, lsl #48
	restrict_predictions x1
	orr	x1, x1, #(1 << 24)
	restrict_predictions x1
	dsb	sy
1:	tlbi	alle1
	dsb	nsh
	tlbi	alle1
.Lflush_done:
	dsb	nsh
alternative_if_not ARM64_HAS_CACHE_DIC
	ic	iallu			// as in flush()
alternative_else_nop_endif
	dsb	nsh
	isb
.Lflushed:

	/* An SError that is here already is the host's. */
	mrs	x1, isr_el1
	tbnz	x1, #ISR_A_BIT, .Lhost_first

	ldr	x1, [sp, #NVHE_SYS + PLACE_SCTLR_EL1]
	msr	sctlr_el1, x1
	isb
	ldr	x1, [sp, #NVHE_SYS + PLACE_TCR_EL1]
	msr	tcr_el1, x1

	adr	x1, guest_vectors
	msr	vbar_el2, x1
	ldp	x1, x2, [sp, #AXV_ARM64_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldr	x1, [sp, #AXV_ARM64_SP]
	msr	sp_el0, x1
	load_guest_gprs sp
	ldp	x0, x1, [sp, #X(0)]
	eret
	sb

.Lhost_first:
	msr	cntv_ctl_el0, xzr
	mov	x0, #AXV_ARM64_IRQ
	str	x0, [sp, #NVHE_CODE]
	str	xzr, [sp, #NVHE_ESR]
	b	save_ich

/* ---- and out of it ----------------------------------------------------------- */

/* x2 = PAR_EL1 of a walk of the guest's stage 1 for the address x7, for a read at EL1. */
translate:
	at	s1e1r, x7
	isb
	dmb	sy
	mrs	x2, par_el1
	ret
not_translated:
	mov	x2, #PAR_F
	ret

/* x0 says by which vector the guest left; its own x0 and x1 are saved. */
leave_guest:
	save_guest_gprs sp
	ldr	x2, [sp, #NVHE_HARDEN]
	harden_host
	mrs	x1, sp_el0
	str	x1, [sp, #AXV_ARM64_SP]
	mrs	x1, elr_el2
	mrs	x2, spsr_el2
	stp	x1, x2, [sp, #AXV_ARM64_PC]
	mrs	x4, esr_el2
	/* An interrupt has no syndrome: ESR_EL2 is an earlier exception's. */
	cmp	x0, #AXV_ARM64_IRQ
	csel	x4, xzr, x4, eq
	mrs	x5, far_el2
	mrs	x1, hpfar_el2
	str	x4, [sp, #NVHE_ESR]
	str	x5, [sp, #NVHE_FAR]
	str	x1, [sp, #NVHE_HPFAR]
	take_guest_serror
	orr	x0, x0, x3, lsl #8
	str	x0, [sp, #NVHE_CODE]

	lsr	x1, x4, #ESR_EC_SHIFT
	and	x1, x1, #~(EC_IABT_LOW ^ EC_DABT_LOW)
	cmp	x1, #EC_IABT_LOW
	b.ne	.Lno_abort
	dmb	sy			// erratum 1508412
	mrs	x6, par_el1
	/* Walk stage 1 for the access, if HPFAR_EL2 does not tell where it was. */
	tbnz	x4, #ESR_S1PTW_BIT, .Lhas_hpfar
	ubfx	x1, x4, #2, #4
	cmp	x1, #FSC_PERMISSION
alternative_if_not ARM64_WORKAROUND_834220
	b.ne	.Lhas_hpfar
alternative_else_nop_endif
	mov	x7, x5
	bl	translate
	str	x2, [sp, #NVHE_PAR]
.Lhas_hpfar:
	/*
	 * Walk stage 1 for the byte before as well, where axv_arm64_may_begin_before() may be
	 * true.
	 */
	tbz	x4, #ESR_ISV_BIT, .Lbegins_here
	tst	x4, #ESR_SAS_MASK
	b.eq	.Lbegins_here
	tst	x5, #(SZ_4K - 1)
	b.ne	.Lbegins_here
	sub	x7, x5, #1
	bl	translate
	str	x2, [sp, #NVHE_PAR_BEFORE]
.Lbegins_here:
	msr	par_el1, x6
.Lno_abort:

	mrs	x1, hcr_el2
	str	x1, [sp, #NVHE_HCR]
	mrs	x1, cntv_ctl_el0
	str	x1, [sp, #NVHE_SYS + PLACE_CNTV_CTL_EL0]
	mrs	x1, cntv_cval_el0
	str	x1, [sp, #NVHE_SYS + PLACE_CNTV_CVAL_EL0]
	msr	cntv_ctl_el0, xzr
	AXV_EL1_WALK_REGS(SAVE_GUEST)
	AXV_EL1_REGS(SAVE_GUEST)
	dmb	sy			// erratum 1508412
	AXV_EL1_SHARED_REGS(SAVE_GUEST_SHARED)
	dmb	sy
	/* Save VDISR_EL2, which the next entry loads again. */
	ldr	x2, [sp, #NVHE_OPTIONAL]
	tbz	x2, #AXV_OPTIONAL_RAS, save_ich
	mrs_s	x1, SYS_VDISR_EL2
	str	x1, [sp, #NVHE_CTL + PLACE_VDISR_EL2]

save_ich:
	ldr	x2, [sp, #NVHE_APRS]
	cbz	x2, load_host
	each_apr save_aprs
	mrs_s	x1, SYS_ICH_VMCR_EL2
	str	x1, [sp, #NVHE_VMCR]
	/* Save ICH_HCR_EL2: the next entry loads it again, and EOIcount counts on. */
	mrs_s	x1, SYS_ICH_HCR_EL2
	str	x1, [sp, #NVHE_CTL + PLACE_ICH_HCR_EL2]
	ldr	x2, [sp, #NVHE_LRS]
	each_lr	save_lr

load_host:
	/*
	 * The reverse of the way in: stop walks of the guest's tables, and only then take
	 * away its second stage.
	 */
	mrs	x1, tcr_el1
	orr	x1, x1, #(1 << 7)
	orr	x1, x1, #(1 << 23)
	msr	tcr_el1, x1
	isb
	mrs	x1, sctlr_el1
	orr	x1, x1, #SCTLR_ELx_M
	msr	sctlr_el1, x1
	isb
	AXV_CTL_REGS(LOAD_HOST_CTL)
	ldr	x2, [sp, #NVHE_OPTIONAL]
	OPTIONAL_CTL(LOAD_HOST_CTL)
	ldr	x1, [sp, #NVHE_HOST_HCR]
	msr	hcr_el2, x1
	AXV_EL1_REGS(LOAD_HOST)
	AXV_EL1_SHARED_REGS(LOAD_HOST_SHARED)
	isb
	ldr	x1, [sp, #NVHE_HOST_SYS + PLACE_SCTLR_EL1]
	msr	sctlr_el1, x1
	isb
	ldr	x1, [sp, #NVHE_HOST_SYS + PLACE_TCR_EL1]
	msr	tcr_el1, x1

	adr	x1, host_vectors
	msr	vbar_el2, x1
	msr	tpidr_el2, xzr
	ldp	x1, x2, [sp, #HOST_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldr	x1, [sp, #HOST_SP]
	msr	sp_el0, x1
	ldp	x18, x19, [sp, #HOST_X(18)]
	ldp	x20, x21, [sp, #HOST_X(20)]
	ldp	x22, x23, [sp, #HOST_X(22)]
	ldp	x24, x25, [sp, #HOST_X(24)]
	ldp	x26, x27, [sp, #HOST_X(26)]
	ldp	x28, x29, [sp, #HOST_X(28)]
	ldr	x30, [sp, #HOST_X(30)]
	ldr	x0, [sp, #NVHE_CODE]
	cmp	x0, #AXV_ARM64_FAULT
	b.eq	.Llost
	clear_guest_gprs
	mov	x0, xzr
	eret
	sb
.Llost:
	give_back
	clear_guest_gprs
	mov	x0, xzr
	eret
	sb

/*
 * EL2 itself faulted, on the way into a guest or out of it.  The host gets its state
 * back, and the stub gets EL2, so that nothing comes here again.  A second fault
 * meanwhile cannot be reported: this CPU loops here for ever.
 */
fault:
	/*
	 * A fault of AT in translate is no error: the guest's tables may be where there
	 * is no memory.
	 */
	mrs	x0, elr_el2
	adr	x2, translate
	cmp	x0, x2
	b.ne	1f
	adr	x2, not_translated
	msr	elr_el2, x2
	eret
	sb
1:	mrs	x0, tpidr_el2
2:	cbz	x0, 2b
	msr	tpidr_el2, xzr
	mrs	x0, esr_el2
	str	x0, [sp, #NVHE_ESR]
	mrs	x0, far_el2
	str	x0, [sp, #NVHE_FAR]
	mrs	x0, elr_el2
	str	x0, [sp, #NVHE_ELR]
	mov	x0, #AXV_ARM64_FAULT
	str	x0, [sp, #NVHE_CODE]
	msr	cntv_ctl_el0, xzr
	b	load_host

/* ---- taking EL2 -------------------------------------------------------------------- */

/*
 * The stub's HVC_SOFT_RESTART jumps here, with MMU and caches off.  x0 is the address of
 * the CPU's page, clean to the point of coherency; ELR_EL2 is still the return address of
 * the call.  Returns 0, or -1 if HCR_EL2.E2H is set, which cannot be clear on some
 * processors.
 */
SYM_INNER_LABEL(axv_nvhe_install, SYM_L_GLOBAL)
	mrs	x1, hcr_el2
	tbnz	x1, #HCR_E2H_BIT, .Lrefuse
	ldp	x1, x2, [x0, #NVHE_TTBR]
	ldr	x3, [x0, #NVHE_MAIR]
	msr	ttbr0_el2, x1
	msr	tcr_el2, x2
	msr	mair_el2, x3
	isb
	/* Forget translations and code of what had EL2 before. */
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	mrs	x2, sctlr_el2
	mov_q	x1, (SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_SA | SCTLR_ELx_I | SCTLR_ELx_WXN)
	orr	x1, x1, x2
	msr	sctlr_el2, x1
	isb

	mov	sp, x0
	mrs	x3, vbar_el2
	stp	x2, x3, [sp, #NVHE_STUB]
	mrs	x1, hcr_el2
	str	x1, [sp, #NVHE_HOST_HCR]
	AXV_CTL_REGS(SAVE_HOST_CTL)
	ldr	x2, [sp, #NVHE_OPTIONAL]
	OPTIONAL_CTL(SAVE_HOST_CTL)
	tbz	x2, #AXV_OPTIONAL_GIC, .Lno_gic
	mrs_s	x1, SYS_ICH_VTR_EL2
	str	x1, [sp, #NVHE_ICH_VTR]
	and	x2, x1, #ICH_VTR_LIST_REGS
	add	x2, x2, #1
	each_lr	clear_lr
.Lno_gic:
	msr	tpidr_el2, xzr
	adr	x1, host_vectors
	msr	vbar_el2, x1
	isb
	mov	x0, xzr
	eret
	sb
.Lrefuse:
	mov	x0, #-1
	eret
	sb
	.align	3
SYM_CODE_END(axv_nvhe_code)
SYM_INNER_LABEL(axv_nvhe_code_end, SYM_L_GLOBAL)

/* ---- finding out what has EL2 ------------------------------------------------------ */

/*
 * u64 axv_nvhe_ask(u64 call)
 *
 * Makes a call by HVC, and returns its answer; 0 if there is no EL2.  Runs at EL1, where
 * it is linked.
 *
 * Without EL2, HVC is undefined.  For that this function is also the table of vectors:
 * its code stands where the vectors of exceptions with SP_EL0 would, which do not occur,
 * and the vector at VECTOR_EL1H returns 0.  All of DAIF is masked by the caller.
 */
	.align	11
SYM_FUNC_START(axv_nvhe_ask)
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x19, [sp, #16]
	mrs	x19, vbar_el1
	adr	x1, axv_nvhe_ask
	msr	vbar_el1, x1
	isb
	hvc	#0
.Lanswered:
	msr	vbar_el1, x19
	isb
	ldr	x19, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret

	.org	axv_nvhe_ask + VECTOR_EL1H
	adr	x0, .Lanswered
	msr	elr_el1, x0
	mov	x0, xzr
	eret
	sb
SYM_FUNC_END(axv_nvhe_ask)
