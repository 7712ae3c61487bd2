/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Jumps to the instruction under test with all registers loaded from native_state, and
 * stores them after it.  native.c checks the offsets.
 */

#define STATE(offset)	native_state+offset(%rip)

.macro native_load
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, STATE(144)
	movl STATE(168), %eax
	movl STATE(172), %edx
	testl %eax, %eax
	jz 1f
	xrstor64 STATE(192)
	jmp 2f
1:	fxrstor64 STATE(192)
2:	pushq STATE(128)
	popfq
	movq STATE(0), %rax
	movq STATE(8), %rcx
	movq STATE(16), %rdx
	movq STATE(24), %rbx
	movq STATE(32), %rsp
	movq STATE(40), %rbp
	movq STATE(48), %rsi
	movq STATE(56), %rdi
	movq STATE(64), %r8
	movq STATE(72), %r9
	movq STATE(80), %r10
	movq STATE(88), %r11
	movq STATE(96), %r12
	movq STATE(104), %r13
	movq STATE(112), %r14
	movq STATE(120), %r15
.endm
	.text
	.globl native_enter64, native_enter32, native_far32, native_back, native_back_landed
native_enter64:
	native_load
	jmp *STATE(152)
native_enter32:
	native_load
native_far32:
	ljmp *STATE(160)
native_back_landed:
	movb $1, STATE(136)
native_back:
	movq %rsp, STATE(32)
	movq STATE(144), %rsp
	pushfq
	popq STATE(128)
	cld
	movq %rax, STATE(0)
	movq %rcx, STATE(8)
	movq %rdx, STATE(16)
	movl STATE(168), %eax
	movl STATE(172), %edx
	testl %eax, %eax
	jz 1f
	xsave64 STATE(192)
	jmp 2f
1:	fxsave64 STATE(192)
2:	fninit
	movq %rbx, STATE(24)
	movq %rbp, STATE(40)
	movq %rsi, STATE(48)
	movq %rdi, STATE(56)
	movq %r8, STATE(64)
	movq %r9, STATE(72)
	movq %r10, STATE(80)
	movq %r11, STATE(88)
	movq %r12, STATE(96)
	movq %r13, STATE(104)
	movq %r14, STATE(112)
	movq %r15, STATE(120)
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.section .note.GNU-stack, "", @progbits
