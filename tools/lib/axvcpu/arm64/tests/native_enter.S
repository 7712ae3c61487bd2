/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * void enter(struct native *n): load the registers, execute one instruction, store
 * them.  Uses only registers that a call may change.
 */
	.section .rodata
	.global native_enter
	.global native_insn
	.global native_end
	.balign	4
native_enter:
	str	x0, [sp, #-16]!
	mov	x16, x0
	ldp	q0, q1, [x16], #32
	ldp	q2, q3, [x16], #32
	ldp	q4, q5, [x16], #32
	ldp	q6, q7, [x16], #32
	ldp	x0, x1, [x16], #16
	ldp	x2, x3, [x16], #16
	ldp	x4, x5, [x16], #16
	ldp	x6, x7, [x16], #16
	ldp	x8, x9, [x16], #16
	ldp	x10, x11, [x16], #16
	ldp	x12, x13, [x16], #16
	ldp	x14, x15, [x16]
native_insn:
	nop
	ldr	x16, [sp], #16
	stp	q0, q1, [x16], #32
	stp	q2, q3, [x16], #32
	stp	q4, q5, [x16], #32
	stp	q6, q7, [x16], #32
	stp	x0, x1, [x16], #16
	stp	x2, x3, [x16], #16
	stp	x4, x5, [x16], #16
	stp	x6, x7, [x16], #16
	stp	x8, x9, [x16], #16
	stp	x10, x11, [x16], #16
	stp	x12, x13, [x16], #16
	stp	x14, x15, [x16]
	ret
native_end:
	.section .note.GNU-stack, "", %progbits
