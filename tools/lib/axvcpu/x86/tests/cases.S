/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * The instructions that are compared with the real CPU, as a table of struct
 * insn_case.
 *
 * (%rdi) is one place in memory, (%rsi) another, either of them RAM or a
 * device; RBX is small, the other registers are anything.
 */
#include "cases.h"

/* One instruction: its bytes, its text, and their entry in the table. */
.macro CASE_WIDTH width, traits, text:vararg
	.pushsection .text
	.code\width
.Lstart\@:
	\text
.Lend\@:
	.code64
	.popsection
	.pushsection .rodata.cases, "a", @progbits
.Ltext\@:
	.string "\text"
	.popsection
	.pushsection insn_cases, "aw", @progbits
	.quad .Lstart\@, .Lend\@, .Ltext\@, \traits
	.popsection
.endm

.macro CASE traits, text:vararg
	CASE_WIDTH 64, \traits, \text
.endm

.macro CASE32 traits, text:vararg
	CASE_WIDTH 32, CASE_32|\traits, \text
.endm

/* Two-operand arithmetic in all widths, directions and immediates. */
.macro ARITHMETIC undef, op
	CASE \undef, \op\()b %al, (%rdi)
	CASE \undef, \op\()b %dh, (%rdi)
	CASE \undef, \op\()b %sil, (%rdi)
	CASE \undef, \op\()w %dx, (%rdi)
	CASE \undef, \op\()l %r8d, (%rdi)
	CASE \undef, \op\()q %r9, (%rdi)
	CASE \undef, \op\()b (%rdi), %cl
	CASE \undef, \op\()b (%rdi), %bh
	CASE \undef, \op\()w (%rdi), %r10w
	CASE \undef, \op\()l (%rdi), %ecx
	CASE \undef, \op\()q (%rdi), %r11
	CASE \undef, \op\()b $0x7f, (%rdi)
	CASE \undef, \op\()w $0x8000, (%rdi)
	CASE \undef, \op\()w $-3, (%rdi)
	CASE \undef, \op\()l $0x12345678, (%rdi)
	CASE \undef, \op\()l $-1, (%rdi)
	CASE \undef, \op\()q $-0x12345678, (%rdi)
	CASE \undef, \op\()q $1, (%rdi)
	CASE32 \undef, \op\()b %ah, (%edi)
	CASE32 \undef, \op\()w %cx, (%edi)
	CASE32 \undef, \op\()l %edx, (%edi)
	CASE32 \undef, \op\()l (%edi), %ecx
	CASE32 \undef, \op\()l $-5, (%edi)
.endm

.macro LOCKED undef, op
	CASE \undef, lock \op\()b %al, (%rdi)
	CASE \undef, lock \op\()w %dx, (%rdi)
	CASE \undef, lock \op\()l %r8d, (%rdi)
	CASE \undef, lock \op\()q %r9, (%rdi)
	CASE \undef, lock \op\()l $-1, (%rdi)
.endm

ARITHMETIC U_NONE, add
ARITHMETIC U_NONE, adc
ARITHMETIC U_NONE, sub
ARITHMETIC U_NONE, sbb
ARITHMETIC U_NONE, cmp
ARITHMETIC U_AF, and
ARITHMETIC U_AF, or
ARITHMETIC U_AF, xor
LOCKED U_NONE, add
LOCKED U_NONE, adc
LOCKED U_NONE, sub
LOCKED U_NONE, sbb
LOCKED U_AF, and
LOCKED U_AF, or
LOCKED U_AF, xor

CASE U_AF, testb %al, (%rdi)
CASE U_AF, testb $0x81, (%rdi)
CASE U_AF, testw %dx, (%rdi)
CASE U_AF, testl %r8d, (%rdi)
CASE U_AF, testl $0x80000001, (%rdi)
CASE U_AF, testq %r9, (%rdi)
CASE U_AF, testq $-0x10, (%rdi)
CASE32 U_AF, testl %ecx, (%edi)

.macro UNARY op
	CASE U_NONE, \op\()b (%rdi)
	CASE U_NONE, \op\()w (%rdi)
	CASE U_NONE, \op\()l (%rdi)
	CASE U_NONE, \op\()q (%rdi)
	CASE U_NONE, lock \op\()b (%rdi)
	CASE U_NONE, lock \op\()w (%rdi)
	CASE U_NONE, lock \op\()l (%rdi)
	CASE U_NONE, lock \op\()q (%rdi)
	CASE32 U_NONE, \op\()l (%edi)
.endm

UNARY inc
UNARY dec
UNARY not
UNARY neg

.macro SHIFT op
	CASE U_SHIFT, \op\()b $1, (%rdi)
	CASE U_SHIFT|CASE_OF1, \op\()b $5, (%rdi)
	CASE U_SHIFT|CASE_OF1, \op\()b %cl, (%rdi)
	CASE U_SHIFT, \op\()w $1, (%rdi)
	CASE U_SHIFT|CASE_OF1, \op\()w %cl, (%rdi)
	CASE U_SHIFT, \op\()l $1, (%rdi)
	CASE U_SHIFT|CASE_OF1, \op\()l $31, (%rdi)
	CASE U_SHIFT|CASE_OF1, \op\()l %cl, (%rdi)
	CASE U_SHIFT, \op\()q $1, (%rdi)
	CASE U_SHIFT|CASE_OF1, \op\()q $63, (%rdi)
	CASE U_SHIFT|CASE_OF1, \op\()q %cl, (%rdi)
.endm

SHIFT shl
SHIFT shr
SHIFT sar
SHIFT rol
SHIFT ror
SHIFT rcl
SHIFT rcr
CASE U_SHIFT|CASE_OF1, shldw $3, %dx, (%rdi)
CASE U_SHIFT|CASE_OF1, shldl %cl, %edx, (%rdi)
CASE U_SHIFT|CASE_OF1, shldq %cl, %rdx, (%rdi)
CASE U_SHIFT|CASE_OF1, shrdw $9, %dx, (%rdi)
CASE U_SHIFT|CASE_OF1, shrdl %cl, %edx, (%rdi)
CASE U_SHIFT|CASE_OF1, shrdq %cl, %rdx, (%rdi)

CASE U_NONE, xchgb %al, (%rdi)
CASE U_NONE, xchgb %ch, (%rdi)
CASE U_NONE, xchgw %dx, (%rdi)
CASE U_NONE, xchgl %r8d, (%rdi)
CASE U_NONE, xchgq %r9, (%rdi)
CASE U_NONE, lock xchgl %eax, (%rdi)
CASE32 U_NONE, xchgl %ecx, (%edi)
CASE U_NONE, xaddb %al, (%rdi)
CASE U_NONE, xaddw %dx, (%rdi)
CASE U_NONE, xaddl %r8d, (%rdi)
CASE U_NONE, lock xaddq %r9, (%rdi)
CASE U_NONE, lock xaddl %eax, (%rdi)
CASE32 U_NONE, lock xaddl %ecx, (%edi)
CASE U_NONE, cmpxchgb %dl, (%rdi)
CASE U_NONE, cmpxchgw %dx, (%rdi)
CASE U_NONE, cmpxchgl %r8d, (%rdi)
CASE U_NONE, cmpxchgq %r9, (%rdi)
CASE U_NONE, lock cmpxchgb %dl, (%rdi)
CASE U_NONE, lock cmpxchgl %ecx, (%rdi)
CASE U_NONE, lock cmpxchgq %rcx, (%rdi)
CASE32 U_NONE, lock cmpxchgl %ecx, (%edi)
CASE U_NONE, cmpxchgl %r8d, %r9d
CASE U_NONE, cmpxchg8b (%rdi)
CASE U_NONE, lock cmpxchg8b (%rdi)
CASE CASE_ALIGNED, cmpxchg16b (%rdi)
CASE CASE_ALIGNED, lock cmpxchg16b (%rdi)
CASE32 U_NONE, lock cmpxchg8b (%edi)

.macro BIT op
	CASE U_BT, \op\()w $17, (%rdi)
	CASE U_BT, \op\()l $31, (%rdi)
	CASE U_BT, \op\()q $63, (%rdi)
	CASE U_BT|CASE_BITS, \op\()w %r9w, (%rdi)
	CASE U_BT|CASE_BITS, \op\()l %r9d, (%rdi)
	CASE U_BT|CASE_BITS, \op\()q %rbx, (%rdi)
	CASE32 U_BT|CASE_BITS, \op\()l %ebx, (%edi)
.endm

BIT bt
BIT bts
BIT btr
BIT btc
CASE U_BT|CASE_BITS, lock btsl %r9d, (%rdi)
CASE U_BT|CASE_BITS, lock btrq %r9, (%rdi)
CASE U_BT, lock btcl $7, (%rdi)

/* Moves, with every form of address. */
CASE U_NONE, movb %al, (%rdi)
CASE U_NONE, movb %ah, 1(%rdi)
CASE U_NONE, movw %cx, -2(%rdi)
CASE U_NONE, movl %edx, 16(%rdi,%rbx,1)
CASE U_NONE, movq %r8, -8(%rdi,%rbx,8)
CASE U_NONE, movl %edx, (%edi)
CASE U_NONE, movl %edx, 4(%edi,%ebx,4)
/* SIB without a base (base field 5, REX.B set): mov load, mov store, add. */
CASE U_NONE, .byte 0x67, 0x41, 0x8b, 0x04, 0x3d, 0x10, 0, 0, 0
CASE U_NONE, .byte 0x67, 0x41, 0x89, 0x0c, 0x3d, 0xf0, 0xff, 0xff, 0xff
CASE U_NONE, .byte 0x67, 0x41, 0x01, 0x14, 0x3d, 0, 0, 0, 0
CASE U_NONE, movb $0x5a, (%rdi)
CASE U_NONE, movw $0x5aa5, (%rdi)
CASE U_NONE, movl $0x89abcdef, (%rdi)
CASE U_NONE, movq $-0x7654321, (%rdi)
CASE U_NONE, movb (%rdi), %r12b
CASE U_NONE, movb (%rdi), %bh
CASE U_NONE, movw (%rdi), %cx
CASE U_NONE, movl (%rdi), %eax
CASE U_NONE, movq (%rdi), %rdi
CASE U_NONE, movw %ds, (%rdi)
CASE U_NONE, movntil %eax, (%rdi)
CASE U_NONE, movntiq %rax, (%rdi)
CASE U_NONE, movzbw (%rdi), %ax
CASE U_NONE, movzbl (%rdi), %ecx
CASE U_NONE, movzbq (%rdi), %rcx
CASE U_NONE, movzwl (%rdi), %r13d
CASE U_NONE, movzwq (%rdi), %rdx
CASE U_NONE, movsbw (%rdi), %ax
CASE U_NONE, movsbl (%rdi), %ecx
CASE U_NONE, movsbq (%rdi), %rcx
CASE U_NONE, movswl (%rdi), %r13d
CASE U_NONE, movswq (%rdi), %rdx
CASE U_NONE, movslq (%rdi), %rdx
CASE U_NONE, movbew (%rdi), %ax
CASE U_NONE, movbel (%rdi), %ecx
CASE U_NONE, movbeq (%rdi), %rdx
CASE U_NONE, movbew %ax, (%rdi)
CASE U_NONE, movbel %ecx, (%rdi)
CASE U_NONE, movbeq %rdx, (%rdi)
CASE32 U_NONE, movl %eax, 8(%edi,%ebx,2)
CASE32 U_NONE, movw (%edi), %cx
CASE32 U_NONE, movb %ch, (%edi)
CASE32 U_NONE, movzbl (%edi), %edx

.macro CONDITION cc
	CASE U_NONE, set\cc (%rdi)
	CASE U_NONE, cmov\cc\()w (%rdi), %ax
	CASE U_NONE, cmov\cc\()l (%rdi), %ecx
	CASE U_NONE, cmov\cc\()q (%rdi), %rdx
.endm

CONDITION o
CONDITION no
CONDITION b
CONDITION ae
CONDITION e
CONDITION ne
CONDITION be
CONDITION a
CONDITION s
CONDITION ns
CONDITION p
CONDITION np
CONDITION l
CONDITION ge
CONDITION le
CONDITION g

.macro STRING prefix, suffix
	CASE CASE_REP, \prefix movs\suffix
	CASE CASE_REP, \prefix stos\suffix
	CASE CASE_REP, \prefix lods\suffix
.endm

STRING "", b
STRING "", w
STRING "", l
STRING "", q
STRING rep, b
STRING rep, w
STRING rep, l
STRING rep, q
CASE CASE_REP, scasb
CASE CASE_REP, scasq
CASE CASE_REP, repe scasb
CASE CASE_REP, repne scasb
CASE CASE_REP, repne scasl
CASE CASE_REP, cmpsb
CASE CASE_REP, cmpsl
CASE CASE_REP, repe cmpsb
CASE CASE_REP, repe cmpsq
CASE CASE_REP, repne cmpsw
CASE CASE_REP, addr32 rep movsb
CASE CASE_REP, addr32 rep stosl
CASE32 CASE_REP, rep movsl
CASE32 CASE_REP, rep stosb
CASE32 CASE_REP, repne scasb
CASE32 CASE_REP, movsb

CASE U_NONE, pushq (%rdi)
CASE U_NONE, pushw (%rdi)
CASE U_NONE, pushq %rax
CASE U_NONE, pushq %rsp
CASE U_NONE, pushq $-7
CASE U_NONE, pushw %cx
CASE U_NONE, pushq 8(%rsp)
CASE U_NONE, popq (%rdi)
CASE U_NONE, popw (%rdi)
CASE U_NONE, popq %rcx
CASE U_NONE, popq %rsp
CASE U_NONE, popq 16(%rsp)
CASE32 U_NONE, pushl (%edi)
CASE32 U_NONE, pushw (%edi)
CASE32 U_NONE, pushl %ecx
CASE32 U_NONE, pushl $-7
CASE32 U_NONE, popl (%edi)
CASE32 U_NONE, popl 4(%esp)
CASE32 U_NONE, popw %dx
CASE CASE_BRANCH, call *(%rdi)
CASE CASE_BRANCH, jmp *(%rdi)
CASE CASE_BRANCH, ret
CASE CASE_BRANCH, ret $16
CASE32 CASE_BRANCH, call *(%edi)
CASE32 CASE_BRANCH, jmp *(%edi)
CASE32 CASE_BRANCH, ret $8

.macro MULTIPLY undef, op
	CASE \undef, \op\()b (%rdi)
	CASE \undef, \op\()w (%rdi)
	CASE \undef, \op\()l (%rdi)
	CASE \undef, \op\()q (%rdi)
	CASE32 \undef, \op\()l (%edi)
.endm

MULTIPLY U_MUL, mul
MULTIPLY U_MUL, imul
MULTIPLY U_DIV|CASE_DIVIDE, div
MULTIPLY U_DIV|CASE_DIVIDE, idiv
MULTIPLY U_DIV, div
MULTIPLY U_DIV, idiv
CASE U_MUL, imulw (%rdi), %cx
CASE U_MUL, imull (%rdi), %r9d
CASE U_MUL, imulq (%rdi), %rdi
CASE U_MUL, imulw $-3, (%rdi), %cx
CASE U_MUL, imull $0x12345678, (%rdi), %ecx
CASE U_MUL, imulq $-0x1234567, (%rdi), %rcx
CASE U_MUL, imulq $7, (%rdi), %rcx
CASE32 U_MUL, imull $-1, (%edi), %edx

.macro SCAN undef, op
	CASE \undef, \op\()w (%rdi), %cx
	CASE \undef, \op\()l (%rdi), %r9d
	CASE \undef, \op\()q (%rdi), %rdx
	CASE32 \undef, \op\()l (%edi), %edx
.endm

SCAN U_SCAN, bsf
SCAN U_SCAN, bsr
SCAN U_COUNT, tzcnt
SCAN U_COUNT, lzcnt
SCAN U_NONE, popcnt

CASE U_NONE, xlatb
CASE32 U_NONE, xlatb
CASE U_NONE, leave
CASE U_NONE, leavew
CASE32 U_NONE, leave
CASE32 U_NONE, pushal
CASE32 U_NONE, pushaw
CASE32 U_NONE, popal
CASE32 U_NONE, popaw
CASE32 U_NONE, boundl %ecx, (%edi)
CASE32 U_NONE, boundw %cx, (%edi)
CASE U_NONE, clflush (%rdi)
CASE U_NONE, clflushopt (%rdi)
CASE U_NONE, clwb 64(%rdi)
CASE U_NONE, prefetcht0 (%rdi)
CASE U_NONE, prefetchw (%rdi)

/* Vector moves. */
CASE U_NONE, movd (%rdi), %xmm0
CASE U_NONE, movd %xmm1, (%rdi)
CASE U_NONE, movq (%rdi), %xmm9
CASE U_NONE, movq %xmm15, (%rdi)
CASE U_NONE, movups (%rdi), %xmm2
CASE U_NONE, movups %xmm3, (%rdi)
CASE U_NONE, movupd (%rdi), %xmm2
CASE U_NONE, movupd %xmm3, (%rdi)
CASE U_NONE, movdqu (%rdi), %xmm10
CASE U_NONE, movdqu %xmm11, (%rdi)
CASE U_NONE, lddqu (%rdi), %xmm4
CASE CASE_ALIGNED, movaps (%rdi), %xmm5
CASE CASE_ALIGNED, movaps %xmm6, (%rdi)
CASE CASE_ALIGNED, movapd (%rdi), %xmm5
CASE CASE_ALIGNED, movapd %xmm6, (%rdi)
CASE CASE_ALIGNED, movdqa (%rdi), %xmm7
CASE CASE_ALIGNED, movdqa %xmm8, (%rdi)
CASE CASE_ALIGNED, movntdq %xmm8, (%rdi)
CASE CASE_ALIGNED, movntps %xmm8, (%rdi)
CASE CASE_ALIGNED, movntpd %xmm8, (%rdi)
CASE CASE_ALIGNED, movntdqa (%rdi), %xmm8
CASE U_NONE, movss (%rdi), %xmm1
CASE U_NONE, movss %xmm1, (%rdi)
CASE U_NONE, movsd (%rdi), %xmm2
CASE U_NONE, movsd %xmm2, (%rdi)
CASE U_NONE, movlps (%rdi), %xmm3
CASE U_NONE, movlps %xmm3, (%rdi)
CASE U_NONE, movhps (%rdi), %xmm4
CASE U_NONE, movhps %xmm4, (%rdi)
CASE U_NONE, movlpd (%rdi), %xmm5
CASE U_NONE, movlpd %xmm5, (%rdi)
CASE U_NONE, movhpd (%rdi), %xmm6
CASE U_NONE, movhpd %xmm6, (%rdi)
CASE U_NONE, movd (%rdi), %mm1
CASE U_NONE, movd %mm2, (%rdi)
CASE U_NONE, movq (%rdi), %mm3
CASE U_NONE, movq %mm4, (%rdi)
CASE U_NONE, movntq %mm5, (%rdi)
.macro VEX traits, op, registers:vararg
	.irp r, \registers
	CASE CASE_AVX|\traits, \op (%rdi), %\r
	CASE CASE_AVX|\traits, \op %\r, (%rdi)
	.endr
.endm

VEX U_NONE, vmovd, xmm1, xmm9
VEX U_NONE, vmovq, xmm2
VEX U_NONE, vmovss, xmm3
VEX U_NONE, vmovsd, xmm12
VEX U_NONE, vmovups, xmm4, ymm5, ymm15
VEX U_NONE, vmovupd, xmm4, ymm5
VEX U_NONE, vmovdqu, xmm4, ymm5, ymm10
VEX CASE_ALIGNED, vmovaps, xmm4, ymm5
VEX CASE_ALIGNED, vmovapd, xmm4, ymm5
VEX CASE_ALIGNED, vmovdqa, xmm4, ymm5
.irp op, vmovlps, vmovlpd, vmovhps, vmovhpd
CASE CASE_AVX, \op (%rdi), %xmm2, %xmm11
CASE CASE_AVX, \op (%rdi), %xmm3, %xmm3
CASE CASE_AVX, \op %xmm4, (%rdi)
CASE32 CASE_AVX, \op (%edi), %xmm7, %xmm1
.endr
CASE CASE_AVX, vlddqu (%rdi), %ymm6
CASE CASE_AVX|CASE_ALIGNED, vmovntdq %ymm6, (%rdi)
CASE CASE_AVX|CASE_ALIGNED, vmovntps %xmm6, (%rdi)
CASE CASE_AVX|CASE_ALIGNED, vmovntpd %ymm6, (%rdi)
CASE CASE_AVX|CASE_ALIGNED, vmovntdqa (%rdi), %xmm6

.macro EVEX traits, op, registers:vararg
	.irp r, \registers
	CASE CASE_AVX512|\traits, {evex} \op (%rdi), %\r
	CASE CASE_AVX512|\traits, {evex} \op %\r, (%rdi)
	.endr
.endm

EVEX U_NONE, vmovdqu8, xmm1, ymm20, zmm3
EVEX U_NONE, vmovdqu16, xmm17, ymm2, zmm30
EVEX U_NONE, vmovdqu32, xmm31, ymm9, zmm15
EVEX U_NONE, vmovdqu64, xmm16, ymm16, zmm0, zmm31
EVEX U_NONE, vmovups, xmm5, ymm19, zmm21
EVEX U_NONE, vmovupd, xmm25, ymm7, zmm8
EVEX CASE_ALIGNED, vmovdqa32, xmm4, ymm22, zmm6
EVEX CASE_ALIGNED, vmovdqa64, xmm23, ymm5, zmm24
EVEX CASE_ALIGNED, vmovaps, xmm18, ymm4, zmm5
EVEX CASE_ALIGNED, vmovapd, xmm6, ymm26, zmm27
EVEX U_NONE, vmovd, xmm1, xmm28
EVEX U_NONE, vmovq, xmm2, xmm29
EVEX U_NONE, vmovss, xmm3, xmm16
EVEX U_NONE, vmovsd, xmm4, xmm17
CASE CASE_AVX512, vmovdqu64 0x40(%rdi), %zmm18
CASE CASE_AVX512, vmovlps (%rdi), %xmm20, %xmm3
CASE CASE_AVX512, vmovhpd (%rdi), %xmm2, %xmm21
CASE CASE_AVX512, vmovhps %xmm22, (%rdi)
CASE CASE_AVX512|CASE_ALIGNED, vmovntdq %zmm19, (%rdi)
CASE CASE_AVX512|CASE_ALIGNED, vmovntps %ymm20, (%rdi)
CASE CASE_AVX512|CASE_ALIGNED, vmovntdqa (%rdi), %zmm21
CASE32 CASE_AVX512, vmovdqu64 (%edi), %zmm1
CASE32 CASE_AVX512, vmovdqu64 %zmm2, (%edi)
CASE32 CASE_AVX, vmovdqu (%edi), %ymm1
CASE32 CASE_AVX, vmovdqu %ymm2, (%edi)
CASE32 U_NONE, movdqu (%edi), %xmm1
CASE32 U_NONE, movdqu %xmm2, (%edi)

	.section .note.GNU-stack, "", @progbits
