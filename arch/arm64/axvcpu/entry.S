/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Into the guest and out of it: general registers, and the vectors of EL2 in
 * between.
 *
 * The kernel runs at EL2, so its stack is where the exit finds its way back
 * from, and SP does not move while these vectors are in place.  All of DAIF is
 * masked from before axv_arm64_enter() until after it returns.
 */
#include <linux/linkage.h>

#include <asm/alternative.h>
#include <asm/assembler.h>
#include <asm/sysreg.h>

#include <axv-asm-offsets.h>

#define FRAME_X18	96	/* and the host's SP_EL0 */
#define FRAME_REGS	112	/* and the host's VBAR_EL2 */
#define FRAME_VBAR	120
#define FRAME_SCRATCH	128
#define FRAME_HARDEN	144
#define FRAME_SIZE	160

#define X(n)	(AXV_ARM64_X + 8 * (n))

	.text

/*
 * u64 axv_arm64_enter(struct axv_arm64_gprs *regs, u64 harden)
 *
 * Returns which vector the guest left by (AXV_EL2_*), and above it DISR_EL1: an
 * SError that the guest caused and that had not been taken yet.
 */
SYM_FUNC_START(axv_arm64_enter)
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

	ldp	x2, x3, [x0, #X(2)]
	ldp	x4, x5, [x0, #X(4)]
	ldp	x6, x7, [x0, #X(6)]
	ldp	x8, x9, [x0, #X(8)]
	ldp	x10, x11, [x0, #X(10)]
	ldp	x12, x13, [x0, #X(12)]
	ldp	x14, x15, [x0, #X(14)]
	ldp	x16, x17, [x0, #X(16)]
	ldp	x18, x19, [x0, #X(18)]
	ldp	x20, x21, [x0, #X(20)]
	ldp	x22, x23, [x0, #X(22)]
	ldp	x24, x25, [x0, #X(24)]
	ldp	x26, x27, [x0, #X(26)]
	ldp	x28, x29, [x0, #X(28)]
	ldr	x30, [x0, #X(30)]
	ldp	x0, x1, [x0, #X(0)]

	/* Synchronizes whatever was written to system registers so far. */
	eret
	sb
SYM_FUNC_END(axv_arm64_enter)

/* x0 and x1 are in FRAME_SCRATCH, and x0 says which vector it was. */
SYM_CODE_START_LOCAL(axv_arm64_leave)
	ldr	x1, [sp, #FRAME_REGS]
	stp	x2, x3, [x1, #X(2)]
	stp	x4, x5, [x1, #X(4)]
	stp	x6, x7, [x1, #X(6)]
	stp	x8, x9, [x1, #X(8)]
	stp	x10, x11, [x1, #X(10)]
	stp	x12, x13, [x1, #X(12)]
	stp	x14, x15, [x1, #X(14)]
	stp	x16, x17, [x1, #X(16)]
	stp	x18, x19, [x1, #X(18)]
	stp	x20, x21, [x1, #X(20)]
	stp	x22, x23, [x1, #X(22)]
	stp	x24, x25, [x1, #X(24)]
	stp	x26, x27, [x1, #X(26)]
	stp	x28, x29, [x1, #X(28)]
	str	x30, [x1, #X(30)]
	ldp	x2, x3, [sp, #FRAME_SCRATCH]
	stp	x2, x3, [x1, #X(0)]
	mrs	x2, sp_el0
	str	x2, [x1, #AXV_ARM64_SP]

	/*
	 * Before any branch that could be predicted: what the guest trained is
	 * of no use any more.  The firmware may change X0 to X3 (SMCCC).
	 */
	ldr	x2, [sp, #FRAME_HARDEN]
	cbz	x2, .Lhardened
	cmp	x2, #AXV_ARM64_CLRBHB
	b.hi	.Lfirmware
	b.eq	.Lclear
.Lhistory:
	b	. + 4
	subs	x2, x2, #1
	b.ne	.Lhistory
	sb
	b	.Lhardened
.Lfirmware:
	mov	x19, x0
	mov	w0, w2
	smc	#0
	mov	x0, x19
	b	.Lhardened
.Lclear:
	hint	#22			// clrbhb
	isb
.Lhardened:

	/*
	 * An SError that the guest caused must not be taken for the host's:
	 * have it now, while it is known whose it is (Arm ARM D1.14, and the
	 * ESB instruction of the RAS extension).
	 */
alternative_if_not ARM64_HAS_RAS_EXTN
	b	.Lwithout_ras
alternative_else_nop_endif
	hint	#16			// esb
	mrs_s	x3, SYS_DISR_EL1
	msr_s	SYS_DISR_EL1, xzr
	b	.Lserror_known
.Lwithout_ras:
	mov	x3, xzr
	dsb	sy
	isb
	mrs	x2, isr_el1
	tbz	x2, #8, .Lserror_known
	msr	daifclr, #4
	isb
	msr	daifset, #4
.Lserror_known:
	orr	x0, x0, x3, lsl #8

	/* SP_EL0 is the kernel's "current": no C code without it. */
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

	/* Nothing of the guest stays in a register. */
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	mov	x4, xzr
	mov	x5, xzr
	mov	x6, xzr
	mov	x7, xzr
	mov	x8, xzr
	mov	x9, xzr
	mov	x10, xzr
	mov	x11, xzr
	mov	x12, xzr
	mov	x13, xzr
	mov	x14, xzr
	mov	x15, xzr
	mov	x16, xzr
	mov	x17, xzr
	ret
SYM_CODE_END(axv_arm64_leave)

	.macro	guest_vector code
	.align	7
	stp	x0, x1, [sp, #FRAME_SCRATCH]
	mov	x0, #\code
	b	axv_arm64_leave
	.endm

	/*
	 * The host itself faulted.  That is its own business: its vectors come
	 * back, and the instruction faults once more.
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

	/* The SError that axv_arm64_leave() lets in; it has no syndrome. */
	.macro	host_serror
	.align	7
	mov	x3, #(1 << 31)
	eret
	sb
	.endm

	.align	11
SYM_CODE_START_LOCAL(axv_arm64_vectors)
	/* from EL2, with SP_EL0 */
	host_vector
	host_vector
	host_vector
	host_serror
	/* from EL2, with SP_EL2 */
	host_vector
	host_vector
	host_vector
	host_serror
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
SYM_CODE_END(axv_arm64_vectors)
