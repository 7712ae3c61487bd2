/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry and exit with VHE: the switch of the general registers, and the vectors of EL2
 * while the guest runs.
 *
 * The kernel runs at EL2, and the vectors find the host's registers on its stack, so SP
 * does not move while these vectors are in place.  All of DAIF is masked from before
 * axv_arm64_enter() until after it returns.
 */
#include <linux/linkage.h>

#include <asm/alternative.h>
#include <asm/assembler.h>
#include <asm/sysreg.h>

#include <axv-asm-offsets.h>

#include "entry.inc"

#define FRAME_X18	96	/* and the host's SP_EL0 */
#define FRAME_REGS	112	/* and the host's VBAR_EL2 */
#define FRAME_VBAR	120
#define FRAME_SCRATCH	128
#define FRAME_HARDEN	144
#define FRAME_SIZE	160

.section .noinstr.text, "ax"

/*
 * u64 axv_arm64_enter(struct axv_arm64_gprs *regs, u64 harden)
 *
 * Returns which vector the guest left by (AXV_EL2_*), and above it DISR_EL1: an
 * SError that the guest caused and that had not been taken yet.
 */
SYM_FUNC_START(axv_arm64_enter)
	/* An SError that is pending now is the host's: return, so that the host takes it. */
alternative_if ARM64_HAS_RAS_EXTN
	dsb	nshst
	isb
alternative_else_nop_endif
	mrs	x2, isr_el1
	tbnz	x2, #8, .Lhosts_serror

	sub	sp, sp, #FRAME_SIZE
	stp	x29, x30, [sp]
	stp	x27, x28, [sp, #16]
	stp	x25, x26, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x21, x22, [sp, #64]
	stp	x19, x20, [sp, #80]
	str	x1, [sp, #FRAME_HARDEN]
	mrs	x1, sp_el0
	stp	x18, x1, [sp, #FRAME_X18]
	mrs	x1, vbar_el2
	stp	x0, x1, [sp, #FRAME_REGS]

	ldr	x1, [x0, #AXV_ARM64_SP]
	msr	sp_el0, x1
	adr_l	x1, axv_arm64_vectors
	msr	vbar_el2, x1

	load_guest_gprs x0
	ldp	x0, x1, [x0, #X(0)]

	/* Synchronizes whatever was written to system registers so far. */
	eret
	sb

.Lhosts_serror:
	mov	x0, #AXV_ARM64_IRQ
	ret
SYM_FUNC_END(axv_arm64_enter)

/* The guest's x0 and x1 are in FRAME_SCRATCH, and x0 says by which vector it left. */
SYM_CODE_START_LOCAL(axv_arm64_leave)
	ldr	x1, [sp, #FRAME_REGS]
	save_guest_gprs x1
	ldp	x2, x3, [sp, #FRAME_SCRATCH]
	stp	x2, x3, [x1, #X(0)]
	mrs	x2, sp_el0
	str	x2, [x1, #AXV_ARM64_SP]

	ldr	x2, [sp, #FRAME_HARDEN]
	harden_host
	take_guest_serror
	orr	x0, x0, x3, lsl #8

	/* SP_EL0 is the kernel's "current", without which no C code can run. */
	ldp	x18, x2, [sp, #FRAME_X18]
	msr	sp_el0, x2
	ldr	x2, [sp, #FRAME_VBAR]
	msr	vbar_el2, x2
	isb

	ldp	x29, x30, [sp]
	ldp	x27, x28, [sp, #16]
	ldp	x25, x26, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x21, x22, [sp, #64]
	ldp	x19, x20, [sp, #80]
	add	sp, sp, #FRAME_SIZE

	clear_guest_gprs
	ret
SYM_CODE_END(axv_arm64_leave)

/*
 * u64 axv_arm64_translate(u64 va)
 *
 * Returns PAR_EL1 of a walk for a read at EL1 of the guest that is loaded, with TGE
 * clear.  The guest's tables may be such that the walk ends in a synchronous abort, which
 * would stop the kernel: the vectors here take it, and PAR_EL1.F is returned.
 */
SYM_FUNC_START(axv_arm64_translate)
	sub	sp, sp, #FRAME_SIZE
	mrs	x1, vbar_el2
	str	x1, [sp, #FRAME_VBAR]
	adr_l	x2, axv_arm64_vectors
	msr	vbar_el2, x2
	isb
	dmb	sy			// erratum 1508412
	mrs	x3, par_el1
.Lwalk:
	at	s1e1r, x0
	isb
	mrs	x0, par_el1
.Lwalked:
	dmb	sy
	msr	par_el1, x3
	msr	vbar_el2, x1
	isb
	add	sp, sp, #FRAME_SIZE
	ret
SYM_FUNC_END(axv_arm64_translate)

	.macro	guest_vector code
	.align	7
	stp	x0, x1, [sp, #FRAME_SCRATCH]
	mov	x0, #\code
	b	axv_arm64_leave
	.endm

	/*
	 * The host itself faulted.  Bring its vectors back and return, so that the
	 * instruction faults once more and the host handles that.
	 */
	.macro	host_vector
	.align	7
	stp	x0, x1, [sp, #-16]!
	ldr	x0, [sp, #16 + FRAME_VBAR]
	msr	vbar_el2, x0
	isb
	ldp	x0, x1, [sp], #16
	eret
	sb
	.endm

	/* As host_vector, unless the walk of axv_arm64_translate() faulted. */
	.macro	host_sync_vector
	.align	7
	stp	x0, x1, [sp, #-16]!
	mrs	x0, elr_el2
	adr	x1, .Lwalk
	cmp	x0, x1
	b.eq	.Lwalk_failed
	ldr	x0, [sp, #16 + FRAME_VBAR]
	msr	vbar_el2, x0
	isb
	ldp	x0, x1, [sp], #16
	eret
	sb
	.endm

	.align	11
SYM_CODE_START_LOCAL(axv_arm64_vectors)
	/* from EL2, with SP_EL0 */
	host_vector
	host_vector
	host_vector
	own_serror
	/* from EL2, with SP_EL2 */
	host_sync_vector
	host_vector
	host_vector
	own_serror
	/* from the guest in AArch64 state */
	guest_vector AXV_ARM64_SYNC
	guest_vector AXV_ARM64_IRQ
	guest_vector AXV_ARM64_IRQ
	guest_vector AXV_ARM64_SERROR
	/* from the guest in AArch32 state */
	guest_vector AXV_ARM64_SYNC
	guest_vector AXV_ARM64_IRQ
	guest_vector AXV_ARM64_IRQ
	guest_vector AXV_ARM64_SERROR
	.align	7

.Lwalk_failed:
	adr	x0, .Lwalked
	msr	elr_el2, x0
	ldp	x0, x1, [sp], #16
	mov	x0, #SYS_PAR_EL1_F
	eret
	sb
SYM_CODE_END(axv_arm64_vectors)
