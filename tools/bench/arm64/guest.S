/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's code: at EL1, without a stack, position independent, loaded to
 * GUEST_CODE.  Parameters are at GUEST_PARAMS.
 */
#include "arch.h"

	.section .rodata
	.globl guest_begin, guest_end
	.globl guest_stop, guest_mmio, guest_mmio_read, guest_hypercall
	.globl guest_answered, guest_touch, guest_doorbell_mmio
	.globl guest_ping, guest_peer
	.balign 16
guest_begin:

guest_stop:
guest_mmio:
/* Not the page's first word: there the module has to ask where the access began (access.c). */
	mov	x1, #0xc0000000
	add	x1, x1, #8
1:	str	w0, [x1]
	b	1b

/* If the answer did not arrive, there is another exit, which the benchmark notices. */
guest_mmio_read:
	mov	x1, #0xc0000000
	add	x1, x1, #8
1:	ldr	w0, [x1]
	cmp	w0, #0x5a
	b.eq	1b
	str	w0, [x1]
	b	1b

/* A number of a standard hypervisor service that does not exist. */
guest_hypercall:
	mov	w0, #0xff00
	movk	w0, #0xc500, lsl #16
	hvc	#0
	b	guest_hypercall

/* PSCI_VERSION */
guest_answered:
	mov	x9, #0x8000
	ldr	x10, [x9]
	cbz	x10, 2f
1:	mov	w0, #0x84000000
	hvc	#0
	subs	x10, x10, #1
	b.ne	1b
2:	mov	x1, #0xc0000000
	str	w0, [x1]
	b	guest_answered

guest_doorbell_mmio:
	mov	x9, #0x8000
	mov	x1, #0xc0000000
	ldr	x10, [x9]
	cbz	x10, 2f
1:	str	w0, [x1, #0x10]
	subs	x10, x10, #1
	b.ne	1b
2:	str	w0, [x1]
	b	guest_doorbell_mmio

guest_touch:
	mov	x9, #0x8000
	mov	x1, #0xc0000000
	ldp	x10, x11, [x9]
	ldr	x12, [x9, #16]
	cbz	x10, 2f
1:	strb	w9, [x11]
	add	x11, x11, x12
	subs	x10, x10, #1
	b.ne	1b
2:	str	w0, [x1]
	b	guest_touch

/* Interrupts stay masked, which still lets them end WFI; they are read from ICC_IAR1_EL1. */
	.macro	begin_interrupts
	mov	x0, #0xff
	msr	icc_pmr_el1, x0
	mov	x0, #1
	msr	icc_igrpen1_el1, x0
	isb
	.endm

/* Halts until there is an interrupt, and ends it; X0 is its INTID. */
	.macro	wait_for_interrupt
	.Lwait\@:
	wfi
	mrs	x0, icc_iar1_el1
	cmp	x0, #1020
	b.hs	.Lwait\@
	msr	icc_eoir1_el1, x0
	.endm

/* Interrupts the second vCPU, and halts until that has answered. */
guest_ping:
	begin_interrupts
	mov	x1, #0xc0000000
3:	mov	x9, #0x8000
	ldp	x10, x11, [x9]
	lsl	x11, x11, #24
	orr	x11, x11, #2
	cbz	x10, 2f
1:	msr	icc_sgi1r_el1, x11
	isb
	wait_for_interrupt
	subs	x10, x10, #1
	b.ne	1b
2:	str	w0, [x1]
	b	3b

/* The second vCPU: answers each interrupt. */
guest_peer:
	begin_interrupts
	mov	x1, #0xc0000000
	mov	x9, #0x8000
	mov	x11, #INT_TAKEN << 24
	orr	x11, x11, #1
	ldr	x0, [x9, #0x20]
	add	x0, x0, #1
	str	x0, [x9, #0x20]
1:	wait_for_interrupt
	msr	icc_sgi1r_el1, x11
	isb
	cmp	x0, #INT_STOP
	b.ne	1b
	str	w0, [x1]
	b	1b

guest_end:
	.section .note.GNU-stack, "", @progbits
