// SPDX-License-Identifier: GPL-2.0
/*
 * Vector state: the memory it lives in, and its way from and to the VMM.
 *
 * A struct fpu_guest of the kernel's holds it; axv_x86_run() exchanges that with the
 * thread's own state around a run.  PKRU is not in it: the kernel switches PKRU apart
 * from the other components, so the vCPU keeps it.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xstate.h>
#include <asm/processor.h>

#include <axvcpu/current.h>

#include "fpu.h"
#include "x86.h"

/* AMD APM vol. 2, table 14-1: the state after RESET. */
#define RESET_FCW	0x0040
#define RESET_FTW	0xff	/* abridged: no register is empty */
#define RESET_MXCSR	0x1f80

/**
 * axv_x86_fpu_init() - allocate memory for the vector state
 * @x:		vCPU
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int axv_x86_fpu_init(struct axv_x86_vcpu *x)
{
	return fpu_alloc_guest_fpstate(&x->fpu) ? 0 : -ENOMEM;
}

/**
 * axv_x86_fpu_destroy() - free the memory of the vector state
 * @x:		vCPU; axv_x86_fpu_init() may have failed on it
 *
 * Context: may sleep.
 */
void axv_x86_fpu_destroy(struct axv_x86_vcpu *x)
{
	if (x->fpu.fpstate)
		fpu_free_guest_fpstate(&x->fpu);
}

/**
 * axv_x86_fpu_reset() - put the vector state as it is after RESET
 * @x:		vCPU whose claim the caller holds
 *
 * Components whose bit in the XSAVE header is clear are in their initial
 * state, whatever their memory holds.
 */
void axv_x86_fpu_reset(struct axv_x86_vcpu *x)
{
	union fpregs_state *regs = &x->fpu.fpstate->regs;

	memset(&regs->fxsave, 0, sizeof(regs->fxsave));
	regs->fxsave.cwd = RESET_FCW;
	regs->fxsave.twd = RESET_FTW;
	regs->fxsave.mxcsr = RESET_MXCSR;
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		regs->xsave.header.xfeatures = XFEATURE_MASK_FP;
	x->pkru = 0;
}

/* Where PKRU is in an XSAVE area of the standard format. */
static u32 *pkru_in(void *area)
{
	u32 eax, ebx, ecx, edx;

	cpuid_count(0xd, XFEATURE_PKRU, &eax, &ebx, &ecx, &edx);
	return area + ebx;
}

/**
 * axv_x86_get_fpu() - read the vector state, in the standard XSAVE format
 * @vcpu:	vCPU whose claim the caller holds
 * @data:	filled completely
 * @size:	bytes at @data
 *
 * Return: 0, or -EINVAL if @size is not what AXV_QUERY_FPU_SIZE tells.
 */
int axv_x86_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	struct xregs_state *xsave = data;

	axv_assert_claimed(vcpu);
	if (size != axv_x86_host.fpu_size)
		return -EINVAL;
	memset(data, 0, size);
	fpu_copy_guest_fpstate_to_uabi(&x->fpu, data, size,
				       axv_x86_host.xcr0 & ~XFEATURE_MASK_PKRU,
				       0);
	memset(xsave->i387.sw_reserved, 0, sizeof(xsave->i387.sw_reserved));
	if (axv_x86_host.xcr0 & XFEATURE_MASK_PKRU) {
		xsave->header.xfeatures |= XFEATURE_MASK_PKRU;
		*pkru_in(data) = x->pkru;
	}
	return 0;
}

/**
 * axv_x86_set_fpu() - replace the vector state
 * @vcpu:	vCPU whose claim the caller holds
 * @data:	standard XSAVE format; kernel memory, aligned to 8 bytes
 * @size:	bytes at @data
 *
 * Components absent from the header take their initial state.
 *
 * Return: 0, or -EINVAL for a wrong @size or what XRSTOR would refuse:
 * components outside the host's set, a compacted area, reserved bits in the
 * header or in MXCSR.  Then nothing has changed.
 */
int axv_x86_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	u32 pkru = 0;
	int err;

	axv_assert_claimed(vcpu);
	if (size != axv_x86_host.fpu_size)
		return -EINVAL;
	err = fpu_copy_uabi_to_guest_fpstate(&x->fpu, data,
					     axv_x86_host.xcr0 |
					     XFEATURE_MASK_FPSSE, &pkru);
	if (err)
		return -EINVAL;
	x->pkru = pkru;
	return 0;
}
