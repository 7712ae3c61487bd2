// SPDX-License-Identifier: GPL-2.0
/*
 * SVM on the host's CPUs: find out what it can do, switch it on and off.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>

#include "../asid.h"
#include "svm.h"

/* CPUID 8000000A, EDX (APM vol. 3, E.4.9). */
#define SVM_CPUID_NP		BIT(0)
#define SVM_CPUID_NRIPS		BIT(3)
#define SVM_CPUID_FLUSH_ASID	BIT(6)
#define SVM_CPUID_DECODE	BIT(7)
#define SVM_CPUID_PAUSE_FILTER	(BIT(10) | BIT(12))	/* count and threshold */
#define SVM_CPUID_VNMI		BIT(25)

/* SYSCFG: SEV-SNP is on (APM 15.36.2). */
#define SYSCFG_SNP_EN		BIT_ULL(24)

/* VM_CR (APM 15.30.1). */
#define SVM_VM_CR_SVMDIS	BIT_ULL(4)

struct axv_svm_features axv_svm __ro_after_init;

DEFINE_PER_CPU(struct axv_svm_cpu, axv_svm_cpu);

static void axv_svm_free_pages(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct axv_svm_cpu *sc = per_cpu_ptr(&axv_svm_cpu, cpu);

		free_page((unsigned long)sc->hsave);
		free_page((unsigned long)sc->host_save);
		sc->hsave = NULL;
		sc->host_save = NULL;
	}
}

static int axv_svm_alloc_pages(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct axv_svm_cpu *sc = per_cpu_ptr(&axv_svm_cpu, cpu);

		sc->hsave = (void *)get_zeroed_page(GFP_KERNEL);
		sc->host_save = (void *)get_zeroed_page(GFP_KERNEL);
		if (!sc->hsave || !sc->host_save) {
			axv_svm_free_pages();
			return -ENOMEM;
		}
		sc->host_save_pa = __sme_pa(sc->host_save);
	}
	return 0;
}

/**
 * axv_svm_unusable() - is this a host that SVM may not be used on?
 * @c:		its processor
 * @syscfg:	SYSCFG, 0 if it has none
 *
 * On family 10h a guest can make a TLB multi-match, which is a machine check of
 * the host (Revision Guide for AMD Family 10h Processors, erratum 383).
 *
 * With SEV-SNP on, VMRUN takes a VMCB for one in use, and faults, if its page is
 * at the start of 2 MiB that the RMP has as one page, and every page that a guest
 * writes is checked against the RMP (APM 15.36.10); this module does not allocate
 * its pages for that.
 *
 * Return: what is wrong, for a message; or NULL.
 */
const char *axv_svm_unusable(const struct cpuinfo_x86 *c, u64 syscfg)
{
	if (c->x86_vendor == X86_VENDOR_AMD && c->x86 == 0x10)
		return "a guest can crash processors of family 10h (erratum 383)";
	if (syscfg & SYSCFG_SNP_EN)
		return "SEV-SNP is on, which is not supported; boot with sev=nosnp";
	return NULL;
}

/**
 * axv_svm_hardware_init() - look for SVM and note what it can do
 *
 * A kernel that uses FRED is no obstacle, as it is to VMX: an NMI or an interrupt that
 * ended the guest is held until STGI (APM 15.17) and then delivered by the processor
 * itself, so nothing here calls an entry of the IDT.  The guest gets no CR4.FRED, and
 * its accesses to FRED's MSRs exit like all that are not let through: they stay the
 * host's.
 *
 * Context: module load; may sleep.
 * Return: 0; -EOPNOTSUPP without nested paging, where the firmware switched SVM
 * off, or where axv_svm_unusable() says so; -ENOMEM.
 */
int axv_svm_hardware_init(void)
{
	u32 eax, ebx, ecx, edx;
	const char *unusable;
	u64 vm_cr, syscfg;

	if (!rdmsrl_safe(MSR_VM_CR, &vm_cr) && (vm_cr & SVM_VM_CR_SVMDIS)) {
		pr_err("SVM is switched off by the firmware; enable it in the setup\n");
		return -EOPNOTSUPP;
	}

	if (rdmsrl_safe(MSR_AMD64_SYSCFG, &syscfg))
		syscfg = 0;
	unusable = axv_svm_unusable(&boot_cpu_data, syscfg);
	if (unusable) {
		pr_err("%s\n", unusable);
		return -EOPNOTSUPP;
	}

	cpuid(0x8000000a, &eax, &ebx, &ecx, &edx);
	if (!(edx & SVM_CPUID_NP)) {
		pr_err("this processor's SVM has no nested paging, which is required\n");
		return -EOPNOTSUPP;
	}
	if (ebx < 2) {
		pr_err("this processor's SVM has no ASID for a guest\n");
		return -EOPNOTSUPP;
	}

	axv_svm.asids = ebx;
	axv_svm.nrips = edx & SVM_CPUID_NRIPS;
	axv_svm.decode_assists = edx & SVM_CPUID_DECODE;
	axv_svm.flush_by_asid = edx & SVM_CPUID_FLUSH_ASID;
	/* Without next RIP the guest would not get past the PAUSE. */
	axv_svm.pause_filter = axv_svm.nrips &&
			       (edx & SVM_CPUID_PAUSE_FILTER) == SVM_CPUID_PAUSE_FILTER;
	axv_svm.vnmi = edx & SVM_CPUID_VNMI;
	axv_svm.v_spec_ctrl = boot_cpu_has(X86_FEATURE_V_SPEC_CTRL);

	return axv_svm_alloc_pages();
}

void axv_svm_hardware_exit(void)
{
	axv_svm_free_pages();
}

/*
 * Some processors need nothing but this bit against SRSO, while there are guests;
 * kernels that know the bit leave it to the hypervisor.
 */
static void reduce_speculation(bool on)
{
#ifdef X86_FEATURE_SRSO_BP_SPEC_REDUCE
	if (!cpu_feature_enabled(X86_FEATURE_SRSO_BP_SPEC_REDUCE))
		return;
	if (on)
		msr_set_bit(MSR_ZEN4_BP_CFG, MSR_ZEN4_BP_CFG_BP_SPEC_REDUCE_BIT);
	else
		msr_clear_bit(MSR_ZEN4_BP_CFG,
			      MSR_ZEN4_BP_CFG_BP_SPEC_REDUCE_BIT);
#endif
}

/**
 * axv_svm_hardware_enable() - switch SVM on, on this CPU
 *
 * Context: interrupts off.
 * Return: 0, or -EBUSY if another module (KVM) has SVM on.
 */
int axv_svm_hardware_enable(void)
{
	struct axv_svm_cpu *sc = this_cpu_ptr(&axv_svm_cpu);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;

	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, __sme_pa(sc->hsave));
	if (boot_cpu_has(X86_FEATURE_TSCRATEMSR))
		wrmsrl(MSR_AMD64_TSC_RATIO, SVM_TSC_RATIO_DEFAULT);
	reduce_speculation(true);
	/* perf may use its host-only counters while SVM is on, and at no other time. */
	amd_pmu_enable_virt();
	if (axv_x86_host.tsc_aux)
		rdmsrl(MSR_TSC_AUX, sc->tsc_aux);

	/* Another user of SVM may have left translations under any ASID. */
	sc->asids.count = axv_svm.asids;
	axv_x86_asids_reset(&sc->asids);
	return 0;
}

/**
 * axv_svm_hardware_disable() - switch SVM off, on this CPU
 *
 * No callback of the kernel's emergency path does this when the host crashes:
 * SVM does not hold back INIT as VMX root operation does, and a kernel that is
 * started next only finds SVME set.  It would find GIF clear, too, if the crash
 * was between CLGI and STGI of the world switch, but not otherwise.
 *
 * Context: interrupts off.
 */
void axv_svm_hardware_disable(void)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (!(efer & EFER_SVME))
		return;
	amd_pmu_disable_virt();
	reduce_speculation(false);
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}
