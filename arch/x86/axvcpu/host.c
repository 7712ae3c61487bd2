// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's processor and its kernel offer to guests, found out once.
 */
#include <linux/bits.h>
#include <linux/minmax.h>

#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/xstate.h>
#include <asm/msr.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

#include "host.h"
#include "x86.h"

struct axv_x86_host axv_x86_host;

/*
 * Components a guest may use: AMX needs a permission of its own, and what XSS
 * controls is not offered.
 */
#define XCR0_OFFERED	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM |	\
			 XFEATURE_MASK_AVX512 | XFEATURE_MASK_PKRU)

static u64 offered_xcr0(void)
{
	u64 xcr0;

	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return 0;
	xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK) & XCR0_OFFERED;
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		xcr0 &= ~XFEATURE_MASK_PKRU;
	if ((xcr0 & XFEATURE_MASK_AVX512) != XFEATURE_MASK_AVX512)
		xcr0 &= ~XFEATURE_MASK_AVX512;
	return xcr0;
}

/*
 * Bits of ARCH_CAPABILITIES that a guest may see: faults that the processor does not
 * have, and what its VERW and its return predictor do.  Not among them are bits that
 * promise an MSR, or that tell of the host's BIOS or of SMM.
 */
#define ARCH_CAPS_OF_GUEST						\
	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA |		\
	 ARCH_CAP_SKIP_VMENTRY_L1DFLUSH | ARCH_CAP_SSB_NO |		\
	 ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO |	\
	 ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO |	\
	 ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA | ARCH_CAP_BHI_NO |		\
	 ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | ARCH_CAP_RFDS_NO |	\
	 ARCH_CAP_RFDS_CLEAR | ARCH_CAP_ITS_NO)

/*
 * ARCH_CAPABILITIES as a guest may see it; 0 on a processor without the MSR.  Two bits
 * are always set, because the host does what is needed for its guests: against machine
 * checks by pages that change their size, and the flush of the L1 cache before an entry.
 */
static u64 offered_arch_caps(void)
{
	u64 value = 0;

	if (!boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		return 0;
	rdmsrl(MSR_IA32_ARCH_CAPABILITIES, value);
	return (value & ARCH_CAPS_OF_GUEST) | ARCH_CAP_PSCHANGE_MC_NO |
	       ARCH_CAP_SKIP_VMENTRY_L1DFLUSH;
}

/**
 * axv_x86_fpu_size() - bytes of a standard-format XSAVE area
 * @xcr0:	the components in it
 *
 * Components that the processor does not know add nothing (AMD APM vol. 3,
 * function 0000_000D).
 */
u32 axv_x86_fpu_size(u64 xcr0)
{
	u32 size = FXSAVE_SIZE + XSAVE_HDR_SIZE;
	u32 eax, ebx, ecx, edx;
	unsigned int i;

	for (i = XFEATURE_YMM; i < 63; i++) {
		if (!(xcr0 & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx);
		size = max(size, eax + ebx);
	}
	return size;
}

/**
 * axv_x86_host_init() - find out what the host can do
 *
 * The back end may take something away afterwards; axv_x86_cpuid_init() comes last.
 *
 * Context: module load.
 */
void axv_x86_host_init(void)
{
	axv_x86_host.phys_bits = boot_cpu_data.x86_phys_bits;
	axv_x86_host.xcr0 = offered_xcr0();
	axv_x86_host.fpu_size = axv_x86_fpu_size(axv_x86_host.xcr0);
	axv_x86_host.tsc_aux = boot_cpu_has(X86_FEATURE_RDTSCP) ||
			       boot_cpu_has(X86_FEATURE_RDPID);
	axv_x86_host.invpcid = boot_cpu_has(X86_FEATURE_INVPCID);
	axv_x86_host.arch_caps = offered_arch_caps();
	if (boot_cpu_has(X86_FEATURE_OSXSAVE))
		axv_x86_host.kernel_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, axv_x86_host.kernel_xss);
}
