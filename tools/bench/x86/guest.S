/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest does: 64-bit code without a stack, position independent, at
 * GUEST_CODE. Parameters are at GUEST_PARAMS.
 */
	.section .rodata
	.globl guest_begin, guest_end
	.globl guest_stop, guest_in, guest_mmio, guest_mmio_read
	.globl guest_hypercall, guest_vmmcall, guest_answered, guest_touch
	.globl guest_doorbell_port, guest_doorbell_mmio
	.balign 16
guest_begin:

guest_stop:
	out	%al, $0x10
	jmp	guest_stop

/* A read has another exit behind it if the answer did not arrive. */
guest_in:
	in	$0x10, %al
	cmp	$0x5a, %al
	je	guest_in
	out	%al, $0x10
	jmp	guest_in

guest_mmio:
	mov	$0xc0000000, %ebx
1:	mov	%eax, (%rbx)
	jmp	1b

guest_mmio_read:
	mov	$0xc0000000, %ebx
1:	mov	(%rbx), %eax
	cmp	$0x5a, %eax
	je	1b
	mov	%eax, (%rbx)
	jmp	1b

/* KVM_HC_MAP_GPA_RANGE, which KVM hands to userspace when told to. */
guest_hypercall:
	mov	$12, %eax
	mov	$0x1000, %ebx
	mov	$1, %ecx
	xor	%edx, %edx
guest_vmmcall:
	vmmcall
	jmp	guest_hypercall

guest_answered:
	mov	0x8000, %r12
	test	%r12, %r12
	jz	2f
1:	xor	%eax, %eax
	xor	%ecx, %ecx
	cpuid
	dec	%r12
	jnz	1b
2:	out	%al, $0x10
	jmp	guest_answered

guest_doorbell_port:
	mov	0x8000, %r12
	test	%r12, %r12
	jz	2f
1:	out	%al, $0x20
	dec	%r12
	jnz	1b
2:	out	%al, $0x10
	jmp	guest_doorbell_port

guest_doorbell_mmio:
	mov	0x8000, %r12
	mov	$0xc0000010, %ebx
	test	%r12, %r12
	jz	2f
1:	mov	%eax, (%rbx)
	dec	%r12
	jnz	1b
2:	out	%al, $0x10
	jmp	guest_doorbell_mmio

guest_touch:
	mov	0x8000, %r12
	mov	0x8008, %rdi
	mov	0x8010, %rsi
	test	%r12, %r12
	jz	2f
1:	movb	$1, (%rdi)
	add	%rsi, %rdi
	dec	%r12
	jnz	1b
2:	out	%al, $0x10
	jmp	guest_touch

guest_end:
	.section .note.GNU-stack, "", @progbits
