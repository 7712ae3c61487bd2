/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch of SVM: everything that cannot be said in C.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>

#include "../gprs.S"
#include "axv-asm-offsets.h"

#define GPR(n)	(AXV_SVM_GPRS + 8 * (n))

/*
 * The running kernel decides which return-stack filling and return-thunk
 * untraining a #VMEXIT needs; its macros for that differ between kernel series.
 */
#ifdef UNTRAIN_RET_VM
#define AXV_RSB_FEATURE	X86_FEATURE_RSB_VMEXIT
.macro AXV_UNTRAIN_RET
	UNTRAIN_RET_VM
.endm
#else
#define AXV_RSB_FEATURE	X86_FEATURE_RETPOLINE
.macro AXV_UNTRAIN_RET
	UNTRAIN_RET
	ALTERNATIVE "", "call entry_ibpb", X86_FEATURE_IBPB_ON_VMEXIT
.endm
#endif

.section .noinstr.text, "ax"

/**
 * axv_svm_enter - run the guest until its next #VMEXIT
 * @svm:	%rdi, struct axv_svm_vcpu *
 * @host_save:	%rsi, physical address of the host's VMSAVE area
 *
 * GIF is clear, RFLAGS.IF is set: with V_INTR_MASKING, IF at VMRUN decides
 * whether a physical interrupt ends the guest (APM 15.21.1).  Returns with GIF
 * clear.  RAX, RSP, RIP and RFLAGS of the guest travel in the VMCB.
 */
SYM_FUNC_START(axv_svm_enter)
	AXV_PUSH_CALLEE_SAVED
	push	%rsi
	push	%rdi

	/*
	 * The guest's SPEC_CTRL, if it differs.  From here to VMRUN there must
	 * be neither a return nor an indirect branch, which would run under
	 * the guest's rules.
	 */
	ALTERNATIVE_2 "jmp .Lguest_spec_done", \
		"", X86_FEATURE_MSR_SPEC_CTRL, \
		"jmp .Lguest_spec_done", X86_FEATURE_V_SPEC_CTRL
	mov	AXV_SVM_SPEC_CTRL(%rdi), %eax
	cmp	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	je	.Lguest_spec_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lguest_spec_done:

	/* FS, GS, LDTR, TR and the system call MSRs (APM 15.5.2). */
	mov	AXV_SVM_VMCB_PA(%rdi), %rax
	vmload	%rax

	AXV_LOAD_GPRS AXV_SVM_GPRS

	/* Leaves nothing of the host in the processor's buffers; changes ZF. */
	VM_CLEAR_CPU_BUFFERS

	vmrun	%rax

	/* The exit restored RSP and RAX; all others are the guest's, so only RAX is free. */
	pop	%rax
	AXV_SAVE_GPRS AXV_SVM_GPRS, %rax
	mov	%rdi, GPR(7)(%rax)
	mov	%rax, %rdi

	mov	AXV_SVM_VMCB_PA(%rdi), %rax
	vmsave	%rax

	/* Loads the host's GS base, too: per-CPU variables work again. */
	pop	%rax
	vmload	%rax

	/* Before the first return, or the guest's return stack is used. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, AXV_RSB_FEATURE

	ALTERNATIVE_2 "jmp .Lhost_spec_done", \
		"", X86_FEATURE_MSR_SPEC_CTRL, \
		"jmp .Lhost_spec_done", X86_FEATURE_V_SPEC_CTRL
	mov	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	cmp	AXV_SVM_SPEC_CTRL(%rdi), %eax
	je	.Lhost_spec_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lhost_spec_done:

	AXV_UNTRAIN_RET

	AXV_CLEAR_GPRS
	xor	%edi, %edi

	AXV_POP_CALLEE_SAVED
	RET
SYM_FUNC_END(axv_svm_enter)
