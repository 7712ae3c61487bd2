/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers that both world switches load, save and clear.
 *
 * RAX and RSP are not among the general registers here: each back end switches them in
 * its own way.  RDI holds the address of the vCPU, so it is loaded last and saved first.
 */
#ifndef _AXVCPU_X86_GPRS_S
#define _AXVCPU_X86_GPRS_S

/* Registers that a C function leaves as they were. */
.macro AXV_PUSH_CALLEE_SAVED
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
.endm

.macro AXV_POP_CALLEE_SAVED
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
.endm

/* @gprs: offset of the guest's registers from RDI */
.macro AXV_LOAD_GPRS gprs:req
	mov	\gprs + 8 * 1(%rdi), %rcx
	mov	\gprs + 8 * 2(%rdi), %rdx
	mov	\gprs + 8 * 3(%rdi), %rbx
	mov	\gprs + 8 * 5(%rdi), %rbp
	mov	\gprs + 8 * 6(%rdi), %rsi
	mov	\gprs + 8 * 8(%rdi), %r8
	mov	\gprs + 8 * 9(%rdi), %r9
	mov	\gprs + 8 * 10(%rdi), %r10
	mov	\gprs + 8 * 11(%rdi), %r11
	mov	\gprs + 8 * 12(%rdi), %r12
	mov	\gprs + 8 * 13(%rdi), %r13
	mov	\gprs + 8 * 14(%rdi), %r14
	mov	\gprs + 8 * 15(%rdi), %r15
	mov	\gprs + 8 * 7(%rdi), %rdi
.endm

/* @base: register with the vCPU's address; the guest's RDI is saved apart */
.macro AXV_SAVE_GPRS gprs:req base:req
	mov	%rcx, \gprs + 8 * 1(\base)
	mov	%rdx, \gprs + 8 * 2(\base)
	mov	%rbx, \gprs + 8 * 3(\base)
	mov	%rbp, \gprs + 8 * 5(\base)
	mov	%rsi, \gprs + 8 * 6(\base)
	mov	%r8, \gprs + 8 * 8(\base)
	mov	%r9, \gprs + 8 * 9(\base)
	mov	%r10, \gprs + 8 * 10(\base)
	mov	%r11, \gprs + 8 * 11(\base)
	mov	%r12, \gprs + 8 * 12(\base)
	mov	%r13, \gprs + 8 * 13(\base)
	mov	%r14, \gprs + 8 * 14(\base)
	mov	%r15, \gprs + 8 * 15(\base)
.endm

/*
 * Nothing of the guest stays in a register, not even in one that is about to be popped:
 * otherwise, while the load of the POP misses the cache, speculation may go on with the
 * guest's value.
 */
.macro AXV_CLEAR_GPRS
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
.endm

#endif /* _AXVCPU_X86_GPRS_S */
