/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest does: code at EL1 without a stack, position independent, at
 * GUEST_CODE. Parameters are at GUEST_PARAMS.
 */
	.section .rodata
	.globl guest_begin, guest_end
	.globl guest_stop, guest_mmio, guest_mmio_read, guest_hypercall
	.globl guest_answered, guest_touch, guest_doorbell_mmio
	.balign 16
guest_begin:

guest_stop:
guest_mmio:
/* Not the first word: there the module asks where the access began (see access.c). */
	mov	x1, #0xc0000000
	add	x1, x1, #8
1:	str	w0, [x1]
	b	1b

/* It has another exit behind it if the answer did not arrive. */
guest_mmio_read:
	mov	x1, #0xc0000000
	add	x1, x1, #8
1:	ldr	w0, [x1]
	cmp	w0, #0x5a
	b.eq	1b
	str	w0, [x1]
	b	1b

/* A service of the standard hypervisor's that nobody has. */
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

guest_end:
	.section .note.GNU-stack, "", @progbits
