/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vector registers, which host and guest share.
 *
 * While a guest has them interrupts are off, and nothing of the kernel's uses them then
 * (may_use_simd(); the firmware's runtime services, called by a crash, save and restore
 * them for themselves).  So the host's can be put away as they are, and brought back as
 * they were: the kernel sees no difference, whether they belong to this thread, to
 * another thread that finds them here when it comes back, or to none.
 *
 * This holds for V0 to V31, FPSR and FPCR alone.  A write to one of V clears the rest of
 * the Z register that it is a part of (Arm ARM, "SVE registers").  With SVE they may
 * therefore be put away only where they belong to this thread and it is in a system call:
 * a system call keeps no more than V (the kernel's sve.rst, "System call behaviour"), the
 * kernel has cleared or given up the rest on the way in, and P and FFR cannot be changed
 * by a guest, which is trapped.  Otherwise, and with SME, whose modes only the kernel
 * handles, the kernel saves the thread's registers and brings them back on its way to
 * user mode.
 */
#ifndef _AXVCPU_ARM64_FPU_H
#define _AXVCPU_ARM64_FPU_H

#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/lockdep.h>
#include <linux/thread_info.h>
#include <asm/cpufeature.h>
#include <asm/fpsimd.h>
#include <asm/neon.h>
#include <asm/simd.h>

#include <linux/axvcpu.h>

static inline void axv_arm64_fpu_load(const struct axv_arm64_fpu *fpu)
{
	asm volatile(".arch_extension fp\n"
		     ".arch_extension simd\n"
		     "ldp	q0, q1, [%0, #0]\n"
		     "ldp	q2, q3, [%0, #32]\n"
		     "ldp	q4, q5, [%0, #64]\n"
		     "ldp	q6, q7, [%0, #96]\n"
		     "ldp	q8, q9, [%0, #128]\n"
		     "ldp	q10, q11, [%0, #160]\n"
		     "ldp	q12, q13, [%0, #192]\n"
		     "ldp	q14, q15, [%0, #224]\n"
		     "ldp	q16, q17, [%0, #256]\n"
		     "ldp	q18, q19, [%0, #288]\n"
		     "ldp	q20, q21, [%0, #320]\n"
		     "ldp	q22, q23, [%0, #352]\n"
		     "ldp	q24, q25, [%0, #384]\n"
		     "ldp	q26, q27, [%0, #416]\n"
		     "ldp	q28, q29, [%0, #448]\n"
		     "ldp	q30, q31, [%0, #480]\n"
		     "msr	fpsr, %1\n"
		     "msr	fpcr, %2\n"
		     : : "r" (fpu->v), "r" ((u64)fpu->fpsr), "r" ((u64)fpu->fpcr)
		     : "memory");
}

static inline void axv_arm64_fpu_save(struct axv_arm64_fpu *fpu)
{
	u64 fpsr, fpcr;

	asm volatile(".arch_extension fp\n"
		     ".arch_extension simd\n"
		     "stp	q0, q1, [%2, #0]\n"
		     "stp	q2, q3, [%2, #32]\n"
		     "stp	q4, q5, [%2, #64]\n"
		     "stp	q6, q7, [%2, #96]\n"
		     "stp	q8, q9, [%2, #128]\n"
		     "stp	q10, q11, [%2, #160]\n"
		     "stp	q12, q13, [%2, #192]\n"
		     "stp	q14, q15, [%2, #224]\n"
		     "stp	q16, q17, [%2, #256]\n"
		     "stp	q18, q19, [%2, #288]\n"
		     "stp	q20, q21, [%2, #320]\n"
		     "stp	q22, q23, [%2, #352]\n"
		     "stp	q24, q25, [%2, #384]\n"
		     "stp	q26, q27, [%2, #416]\n"
		     "stp	q28, q29, [%2, #448]\n"
		     "stp	q30, q31, [%2, #480]\n"
		     "mrs	%0, fpsr\n"
		     "mrs	%1, fpcr\n"
		     : "=&r" (fpsr), "=&r" (fpcr) : "r" (fpu->v) : "memory");
	fpu->fpsr = fpsr;
	fpu->fpcr = fpcr;
}

/*
 * Are V0 to V31, FPSR and FPCR all that the host has in its registers and may need again?
 * This is called in a system call with interrupts off.  A softirq that uses the registers
 * sets TIF_FOREIGN_FPSTATE, and so does a change of threads.
 */
static __always_inline bool axv_arm64_fpu_is_all(void)
{
	if (likely(!system_supports_sve() && !system_supports_sme()))
		return true;
	return !system_supports_sme() && !test_thread_flag(TIF_FOREIGN_FPSTATE);
}

/**
 * axv_arm64_fpu_begin() - put the host's vector registers away
 * @host:	gets the registers, unless the kernel saves them
 *
 * Context: interrupts off, and off until the host has the registers again; this function
 * may switch them on for a moment.
 * Return: true if the kernel has saved the registers: the caller has to call
 * kernel_neon_end(), with interrupts on.  false: the caller has to call
 * axv_arm64_fpu_load() with @host.
 */
static __always_inline bool axv_arm64_fpu_begin(struct axv_arm64_fpu *host)
{
	lockdep_assert_irqs_disabled();
	if (likely(axv_arm64_fpu_is_all())) {
		axv_arm64_fpu_save(host);
		return false;
	}
	local_irq_enable();
	kernel_neon_begin();
	local_irq_disable();
	return true;
}

#endif /* _AXVCPU_ARM64_FPU_H */
