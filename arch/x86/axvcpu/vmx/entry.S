/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch of VMX: everything that cannot be said in C.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/segment.h>

#include "../gprs.S"
#include "axv-asm-offsets.h"

#define GPR(n)	(AXV_VMX_GPRS + 8 * (n))

/* HOST_RSP (SDM vol. 3D, appendix B) */
#define FIELD_HOST_RSP	0x6c14

/* How a VMM hands an NMI of the host's to the kernel. */
#ifdef AXV_HAVE_NMI_KVM_VMX
#define AXV_NMI_ENTRY	asm_exc_nmi_kvm_vmx
#else
#define AXV_NMI_ENTRY	asm_exc_nmi_noist
#endif

.section .noinstr.text, "ax"

/**
 * axv_vmx_enter - run the guest until its next VM exit
 * @vmx:	%rdi, struct axv_vmx_vcpu *
 *
 * RIP, RSP and RFLAGS of the guest travel in the VMCS.  Interrupts are off.
 *
 * Return: 0 after a VM exit; 1 if VMLAUNCH or VMRESUME failed.
 */
SYM_FUNC_START(axv_vmx_enter)
	AXV_PUSH_CALLEE_SAVED
	push	%rdi

	/* An exit comes back to this stack. */
	cmp	%rsp, AXV_VMX_HOST_RSP(%rdi)
	je	.Lhost_rsp_done
	mov	%rsp, AXV_VMX_HOST_RSP(%rdi)
	mov	$FIELD_HOST_RSP, %eax
	vmwrite	%rsp, %rax
.Lhost_rsp_done:

	/*
	 * The guest's SPEC_CTRL, if it differs.  From here to the entry there
	 * must be neither a return nor an indirect branch, which would run
	 * under the guest's rules.
	 */
	ALTERNATIVE "jmp .Lguest_spec_done", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	AXV_VMX_SPEC_CTRL(%rdi), %eax
	cmp	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	je	.Lguest_spec_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lguest_spec_done:

	/* CF: not launched yet.  Nothing below changes it before it is used. */
	cmpb	$1, AXV_VMX_LAUNCHED(%rdi)

	mov	GPR(0)(%rdi), %rax
	AXV_LOAD_GPRS AXV_VMX_GPRS

	/* Leaves nothing of the host in the processor's buffers; changes ZF. */
	CLEAR_CPU_BUFFERS

	jc	.Llaunch

	/* After an exit the stack is what it is here. */
	UNWIND_HINT_SAVE

	vmresume
	jmp	.Lfailed
.Llaunch:
	vmlaunch
	jmp	.Lfailed

SYM_INNER_LABEL(axv_vmx_exit_point, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR

	/* The guest's RDI goes where the vCPU's address was. */
	xchg	%rdi, (%rsp)
	mov	%rax, GPR(0)(%rdi)
	AXV_SAVE_GPRS AXV_VMX_GPRS, %rdi
	pop	GPR(7)(%rdi)
	xor	%eax, %eax

.Lleave:
	AXV_CLEAR_GPRS

	/* Before the first return, or the guest's return stack is used. */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT,\
			   X86_FEATURE_RSB_VMEXIT_LITE

	/*
	 * The host's SPEC_CTRL.  Where the kernel uses IBRS of the old kind, it is
	 * the write that makes the guest's branch targets harmless, so SPEC_CTRL is
	 * written even if its value is the same.
	 */
	ALTERNATIVE "jmp .Lhost_spec_done", "", X86_FEATURE_MSR_SPEC_CTRL
	mov	%eax, %ebx
	mov	PER_CPU_VAR(x86_spec_ctrl_current), %eax
	ALTERNATIVE "", "jmp .Lwrite_host_spec", X86_FEATURE_KERNEL_IBRS
	cmp	AXV_VMX_SPEC_CTRL(%rdi), %eax
	je	.Lhost_spec_same
.Lwrite_host_spec:
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lhost_spec_same:
	/* Speculation must not go past here by either way around the write. */
	lfence
	mov	%ebx, %eax
.Lhost_spec_done:

	CLEAR_BRANCH_HISTORY_VMEXIT

	AXV_POP_CALLEE_SAVED
	RET

.Lfailed:
	pop	%rdi
	mov	$1, %eax
	jmp	.Lleave
SYM_FUNC_END(axv_vmx_enter)

/**
 * axv_vmx_host_nmi - the kernel's handler for an NMI that ended the guest
 *
 * The handler runs as if the NMI came here: NMIs are blocked from the exit until the
 * handler's IRET.  It runs on this stack, not on the IST stack of NMIs.
 */
SYM_FUNC_START(axv_vmx_host_nmi)
	push	%rbp
	mov	%rsp, %rbp

	/* A frame for IRET, aligned as the processor aligns it. */
	and	$-16, %rsp
	push	$__KERNEL_DS
	push	%rbp
	pushf
	push	$__KERNEL_CS
	call	AXV_NMI_ENTRY

	mov	%rbp, %rsp
	pop	%rbp
	RET
SYM_FUNC_END(axv_vmx_host_nmi)
