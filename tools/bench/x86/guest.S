/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's code: 64-bit, position independent, loaded to GUEST_CODE.  It has a stack
 * only if it takes interrupts.  Parameters are at GUEST_PARAMS.
 */
#include "apic.h"
#include "arch.h"

	.section .rodata
	.globl guest_begin, guest_end
	.globl guest_stop, guest_in, guest_mmio, guest_mmio_read
	.globl guest_hypercall, guest_vmmcall, guest_answered, guest_touch
	.globl guest_doorbell_port, guest_doorbell_mmio
	.globl guest_self, guest_eoi, guest_eoi_xapic, guest_tick, guest_deadline
	.globl guest_ping, guest_peer
	.globl handle_ping, handle_stop, handle_ring, handle_wake, handle_taken, handle_kept
	.balign 16
guest_begin:

guest_stop:
	out	%al, $0x10
	jmp	guest_stop

/* If a read's answer did not arrive, there is another exit, which the benchmark notices. */
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

/*
 * Code that takes interrupts.  Handlers change RAX, RCX, RDX and R8; the code that they
 * interrupt does not rely on these.
 */
	.balign	16
gdtr:	.word	0x1f
	.quad	0x9000
idtr:	.word	0xfff
	.quad	0xa000

	.macro	begin_interrupts stack
	mov	$\stack, %esp
	lgdt	gdtr(%rip)
	lidt	idtr(%rip)
	.endm

/* Writes an MSR of the x2APIC; EAX is the lower half of the value, the upper half is 0. */
	.macro	write_x2apic register
	mov	$MSR_X2APIC + \register / 16, %ecx
	xor	%edx, %edx
	wrmsr
	.endm

	.macro	end_of_interrupt
	xor	%eax, %eax
	write_x2apic APIC_EOI
	.endm

/* Switches the APIC to x2APIC mode, if it is not in it already, and enables it. */
	.macro	begin_x2apic
	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	or	$0xc00, %eax
	wrmsr
	mov	$0x1ff, %eax
	write_x2apic APIC_SVR
	.endm

/* Sends an IPI; EDX is the target's APIC id, EAX the vector. */
	.macro	send_ipi
	mov	$0x830, %ecx
	wrmsr
	.endm

guest_self:
	begin_interrupts 0xd000
	begin_x2apic
	sti
3:	mov	0x8000, %r12
	test	%r12, %r12
	jz	2f
1:	mov	$INT_TAKEN, %eax
	write_x2apic APIC_SELF_IPI
	dec	%r12
	jnz	1b
2:	out	%al, $0x10
	jmp	3b

/*
 * Sends itself as many interrupts as it is to end, each of a higher priority than the one
 * before, so that all are in service; exits; ends them all, which is measured; and exits again.
 */
guest_eoi:
	begin_interrupts 0xd000
	begin_x2apic
	sti
5:	mov	0x8000, %r12
	mov	%r12, %r13
	mov	$INT_KEPT, %r14d
	test	%r12, %r12
	jz	2f
1:	mov	%r14d, %eax
	write_x2apic APIC_SELF_IPI
	add	$16, %r14d
	dec	%r13
	jnz	1b
2:	out	%al, $0x10
	test	%r12, %r12
	jz	4f
3:	end_of_interrupt
	dec	%r12
	jnz	3b
4:	out	%al, $0x10
	jmp	5b

guest_eoi_xapic:
	begin_interrupts 0xd000
	mov	$0xfee00000, %ebx
	movl	$0x1ff, APIC_SVR(%rbx)
	sti
5:	mov	0x8000, %r12
	mov	%r12, %r13
	mov	$INT_KEPT + 0x44000, %r14d
	test	%r12, %r12
	jz	2f
1:	mov	%r14d, 0x300(%rbx)
	add	$16, %r14d
	dec	%r13
	jnz	1b
2:	out	%al, $0x10
	xor	%r14d, %r14d
	test	%r12, %r12
	jz	4f
3:	mov	%r14d, APIC_EOI(%rbx)
	dec	%r12
	jnz	3b
4:	out	%al, $0x10
	jmp	5b

/* Waits in a loop of three instructions until an interrupt is taken; R9 counts them. */
	.macro	wait_for_interrupt
	.Lwait\@:
	add	$3, %r9
	test	%r8d, %r8d
	jz	.Lwait\@
	.endm

/* The APIC's timer, one-shot; a tick is a nanosecond. */
guest_tick:
	begin_interrupts 0xd000
	begin_x2apic
	mov	$0xb, %eax
	write_x2apic APIC_TIMER_DIVIDE
	mov	$INT_TAKEN, %eax
	write_x2apic APIC_LVT_TIMER
	sti
3:	mov	0x8000, %r12
	xor	%r9d, %r9d
	test	%r12, %r12
	jz	2f
1:	xor	%r8d, %r8d
	mov	0x8008, %eax
	write_x2apic APIC_TIMER_INITIAL
	wait_for_interrupt
	dec	%r12
	jnz	1b
2:	mov	%r9, 0x8018
	out	%al, $0x10
	jmp	3b

guest_deadline:
	begin_interrupts 0xd000
	begin_x2apic
	mov	$INT_TAKEN + 0x40000, %eax
	write_x2apic APIC_LVT_TIMER
	sti
3:	mov	0x8000, %r12
	xor	%r9d, %r9d
	test	%r12, %r12
	jz	2f
1:	xor	%r8d, %r8d
	rdtsc
	add	0x8008, %eax
	adc	$0, %edx
	mov	$0x6e0, %ecx
	wrmsr
	wait_for_interrupt
	dec	%r12
	jnz	1b
2:	mov	%r9, 0x8018
	out	%al, $0x10
	jmp	3b

/* Interrupts the second vCPU, and halts until that has answered. */
guest_ping:
	begin_interrupts 0xd000
	begin_x2apic
4:	mov	0x8000, %r12
	test	%r12, %r12
	jz	2f
1:	xor	%r8d, %r8d
	mov	$1, %edx
	mov	0x8008, %eax
	send_ipi
3:	sti
	hlt
	cli
	test	%r8d, %r8d
	jz	3b
	dec	%r12
	jnz	1b
2:	out	%al, $0x10
	jmp	4b

/* The second vCPU: does all its work in the handlers below. */
guest_peer:
	begin_interrupts 0xe000
	begin_x2apic
	incq	0x8020
	sti
1:	hlt
	jmp	1b

	.macro	answer
	xor	%edx, %edx
	mov	$INT_TAKEN, %eax
	send_ipi
	.endm

handle_ping:
	end_of_interrupt
	answer
	iretq

handle_stop:
	end_of_interrupt
	answer
	out	%al, $0x10
	iretq

handle_ring:
	end_of_interrupt
	out	%al, $0x20
	iretq

handle_wake:
	end_of_interrupt
	incq	0x8020
	iretq

handle_taken:
	end_of_interrupt
	mov	$1, %r8d
	iretq

handle_kept:
	iretq

guest_end:
	.section .note.GNU-stack, "", @progbits
