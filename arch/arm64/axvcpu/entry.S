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

#include "entry.inc"

#define FRAME_X18	96	/* and the host's SP_EL0 */
#define FRAME_REGS	112	/* and the host's VBAR_EL2 */
#define FRAME_VBAR	120
#define FRAME_SCRATCH	128
#define FRAME_HARDEN	144
#define FRAME_SIZE	160

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

	load_guest_gprs x0
	ldp	x0, x1, [x0, #X(0)]

	/* Synchronizes whatever was written to system registers so far. */
	eret
	sb
SYM_FUNC_END(axv_arm64_enter)

/* x0 and x1 are in FRAME_SCRATCH, and x0 says which vector it was. */
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

	clear_guest_gprs
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

	.align	11
SYM_CODE_START_LOCAL(axv_arm64_vectors)
	/* from EL2, with SP_EL0 */
	host_vector
	host_vector
	host_vector
	own_serror
	/* from EL2, with SP_EL2 */
	host_vector
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
SYM_CODE_END(axv_arm64_vectors)
