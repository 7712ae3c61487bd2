// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's processors have.
 *
 * The kernel's sanitised ID registers tell what all CPUs share.  For traps the ID
 * registers of each CPU are read as they are: a guest must not reach what a CPU has,
 * whether or not other CPUs have it and the kernel uses it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/arm-smccc.h>
#include <linux/cpu.h>
#include <linux/errno.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>
#include <asm/virt.h>

#include <axvcpu/compat.h>

#include "arm64.h"

struct axv_arm64_host axv_arm64_host __ro_after_init;
DEFINE_STATIC_KEY_FALSE(axv_arm64_vhe);
DEFINE_STATIC_KEY_FALSE(axv_arm64_dit_or_mte);

/* ID_AA64MMFR0_EL1.PARange */
static unsigned int phys_bits(void)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52 };
	u64 range = read_sanitised_ftr_reg(SYS_ID_AA64MMFR0_EL1) & 0xf;

	/* Wider addresses need another format of entries (FEAT_LPA2). */
	return min_t(unsigned int, bits[min_t(u64, range, ARRAY_SIZE(bits) - 1)], 48);
}

static unsigned int field(u64 reg, unsigned int shift)
{
	return (reg >> shift) & 0xf;
}

/*
 * Bits of HCR_EL2 for every guest.  Default deny (Arm ARM, HCR_EL2): registers that are
 * not switched, and instructions that would reach beyond the guest, are trapped; TLB and
 * barrier operations reach all CPUs, since a vCPU may move between them.
 *
 * The guest reads the registers that describe caches without an exit, and CSSELR_EL1 is
 * switched.  Only where CPUs differ in CTR_EL0 are these reads trapped, and the kernel
 * answers for all CPUs: otherwise a guest that moves maintains lines of a wrong length.
 */
static u64 guest_hcr(void)
{
	u64 hcr = HCR_VM | HCR_RW | HCR_SWIO | HCR_FB | HCR_BSU_IS |
		  HCR_FMO | HCR_IMO | HCR_AMO | HCR_TWI | HCR_TSC | HCR_TSW |
		  HCR_TID1 | HCR_TID3 | HCR_TIDCP | HCR_TACR | HCR_TLOR;

	if (cpus_have_cap(ARM64_MISMATCHED_CACHE_TYPE))
		hcr |= HCR_TID2;
	if (axv_arm64_host.trap_stage1)
		hcr |= HCR_TVM;

	if (axv_arm64_host.vhe)
		hcr |= HCR_E2H;
	if (axv_arm64_host.fwb)
		hcr |= HCR_FWB;
	return hcr;
}

/**
 * axv_arm64_cpu_traps() - bits of HCR_EL2 for features that a CPU has and others may lack
 * @pfr0:	its ID_AA64PFR0_EL1
 * @pfr1:	its ID_AA64PFR1_EL1
 *
 * An entry needs the bits of its own CPU: with those of another CPU, a guest could reach
 * the error records of the one it runs on.
 */
u64 axv_arm64_cpu_traps(u64 pfr0, u64 pfr1)
{
	u64 hcr = 0;

	if (field(pfr0, 28))
		hcr |= HCR_TEA | HCR_TERR;
	if (field(pfr1, 8) >= 2)
		hcr |= HCR_TID5;
	return hcr;
}

/**
 * axv_arm64_pa_size() - the encoding of &axv_arm64_host.phys_bits in TCR_EL2 and VTCR_EL2
 */
u64 axv_arm64_pa_size(void)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44 };
	u64 size = 0;

	while (size < ARRAY_SIZE(bits) && bits[size] < axv_arm64_host.phys_bits)
		size++;
	return size;
}

/**
 * axv_arm64_kvm_is_there() - can KVM have VMs?
 *
 * KVM makes VMs through a misc device with a number of its own, which it has since the
 * kernel was started, or never.  So KVM is on if nothing else can register that number.
 *
 * Context: may sleep.
 */
bool __init axv_arm64_kvm_is_there(void)
{
	static const struct file_operations none;
	struct miscdevice probe = {
		.minor = KVM_MINOR,
		.name = KBUILD_MODNAME "-probe",
		.fops = &none,
		.mode = 0400,
	};

	if (misc_register(&probe))
		return true;
	misc_deregister(&probe);
	return false;
}

static unsigned int __init vmid_bits(void)
{
	u64 mmfr1 = read_sanitised_ftr_reg(SYS_ID_AA64MMFR1_EL1);

	if (axv_arm64_host.vhe && axv_arm64_kvm_is_there())
		return 0;
	return field(mmfr1, 4) == 2 ? 16 : 8;
}

/*
 * Is the system register interface of a GICv3 on?  At EL1 ICC_SRE_EL1 says the same as
 * ICC_SRE_EL2.
 */
static bool __init gicv3_is_on(void)
{
	if (!field(read_sysreg_s(SYS_ID_AA64PFR0_EL1), 24))
		return false;
	return axv_arm64_host.vhe ? read_sysreg_s(SYS_ICC_SRE_EL2) & ICC_SRE_EL2_SRE :
				    read_sysreg_s(SYS_ICC_SRE_EL1) & ICC_SRE_EL1_SRE;
}

#define PMBIDR_P	BIT(4)
#define TRBIDR_P	BIT(4)

DEFINE_PER_CPU(u64, axv_arm64_optional);
DEFINE_PER_CPU(u64, axv_arm64_hcr);

/**
 * axv_arm64_look_at_cpu() - find out what this CPU has and others may lack
 *
 * Context: interrupts off.
 */
void axv_arm64_look_at_cpu(void)
{
	u64 isar1 = read_sysreg_s(SYS_ID_AA64ISAR1_EL1);
	u64 pfr0 = read_sysreg_s(SYS_ID_AA64PFR0_EL1);
	u64 pfr1 = read_sysreg_s(SYS_ID_AA64PFR1_EL1);
	u64 mmfr0 = read_sysreg_s(SYS_ID_AA64MMFR0_EL1);
	u64 mmfr1 = read_sysreg_s(SYS_ID_AA64MMFR1_EL1);
	u64 dfr0 = read_sysreg_s(SYS_ID_AA64DFR0_EL1);
	u64 optional = 0;

	if (field(mmfr0, 56))
		optional |= BIT(AXV_OPTIONAL_FGT);
	if (AXV_FGT2_IS_PROMISED_BY(LINUX_VERSION_CODE) && field(mmfr0, 56) >= 2)
		optional |= BIT(AXV_OPTIONAL_FGT2);
	if (field(mmfr1, 40))
		optional |= BIT(AXV_OPTIONAL_HCX);
	if (axv_arm64_host.gicv3)
		optional |= BIT(AXV_OPTIONAL_GIC);
	if (field(pfr0, 28))
		optional |= BIT(AXV_OPTIONAL_RAS);
	/* P: a higher exception level keeps the buffer of profiling or trace to itself. */
	if (field(dfr0, 32) && !(read_sysreg_s(SYS_PMBIDR_EL1) & PMBIDR_P))
		optional |= BIT(AXV_OPTIONAL_SPE);
	if (field(dfr0, 44) && !(read_sysreg_s(SYS_TRBIDR_EL1) & TRBIDR_P))
		optional |= BIT(AXV_OPTIONAL_TRBE);
	if (field(isar1, 40))
		optional |= BIT(AXV_OPTIONAL_SPECRES);
	if (field(pfr1, 36))
		optional |= BIT(AXV_OPTIONAL_NMI);
	__this_cpu_write(axv_arm64_optional, optional);
	__this_cpu_write(axv_arm64_hcr, axv_arm64_host.hcr | axv_arm64_cpu_traps(pfr0, pfr1));
}

/**
 * axv_arm64_host_init() - fill in axv_arm64_host
 *
 * Context: module load.
 * Return: 0, or -EOPNOTSUPP if the kernel's pages are not of 4 KiB.
 */
int __init axv_arm64_host_init(void)
{
	struct axv_arm64_host *host = &axv_arm64_host;
	u64 pfr0 = read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1);
	u64 pfr1 = read_sanitised_ftr_reg(SYS_ID_AA64PFR1_EL1);

	if (PAGE_SIZE != SZ_4K) {
		pr_err("only kernels with pages of 4 KiB are supported\n");
		return -EOPNOTSUPP;
	}
	if (cpus_have_cap(ARM64_WORKAROUND_DEVICE_LOAD_ACQUIRE) ||
	    cpus_have_cap(ARM64_WORKAROUND_1508412))
		pr_warn("guests can stop this processor (erratum 832075 or 1508412): trust them\n");

	host->vhe = is_kernel_in_hyp_mode();
	if (host->vhe)
		static_branch_enable(&axv_arm64_vhe);
	host->phys_bits = phys_bits();
	host->vmid_bits = vmid_bits();
	host->el0_32 = field(pfr0, 0) == 2;
	host->ras = field(pfr0, 28);
	host->dit = field(pfr0, 48);
	host->mte = field(pfr1, 8) >= 2;
	if (host->dit || host->mte)
		static_branch_enable(&axv_arm64_dit_or_mte);
	host->fwb = field(read_sanitised_ftr_reg(SYS_ID_AA64MMFR2_EL1), 40);
	host->gicv3 = gicv3_is_on();
	host->trap_stage1 = cpus_have_cap(ARM64_WORKAROUND_CAVIUM_TX2_219_TVM);
	host->hcr = guest_hcr();
	if (!host->vmid_bits)
		pr_info("KVM has the VMIDs, all guests share one; kvm-arm.mode=none gives each VM its own\n");
	return 0;
}

/* ---- speculation ------------------------------------------------------------- */

/**
 * struct predictor - a processor whose branch history a guest could train
 * @model:	MIDR_EL1 without variant and revision
 * @loops:	branches that replace all of the history (Arm: Spectre-BHB)
 */
struct predictor {
	u32 model;
	u8 loops;
};

static const struct predictor predictors[] = {
	{ MIDR_CORTEX_A57, 8 },		{ MIDR_CORTEX_A72, 8 },
	{ MIDR_AMPERE1, 11 },		{ MIDR_CORTEX_A76, 24 },
	{ MIDR_CORTEX_A76AE, 24 },	{ MIDR_CORTEX_A77, 24 },
	{ MIDR_NEOVERSE_N1, 24 },	{ MIDR_QCOM_KRYO_4XX_GOLD, 24 },
	{ MIDR_HISI_HIP09, 24 },	{ MIDR_CORTEX_A78, 32 },
	{ MIDR_CORTEX_A78AE, 32 },	{ MIDR_CORTEX_A78C, 32 },
	{ MIDR_CORTEX_X1, 32 },		{ MIDR_CORTEX_X1C, 32 },
	{ MIDR_CORTEX_A710, 32 },	{ MIDR_CORTEX_X2, 32 },
	{ MIDR_NEOVERSE_N2, 32 },	{ MIDR_NEOVERSE_V1, 32 },
	{ MIDR_HISI_TSV110, 32 },	{ MIDR_CORTEX_A715, 38 },
	{ MIDR_CORTEX_A720, 38 },	{ MIDR_CORTEX_X3, 132 },
	{ MIDR_NEOVERSE_V2, 132 },
};

static bool firmware_has(u32 workaround)
{
	struct arm_smccc_res res;

	if (arm_smccc_1_1_get_conduit() != SMCCC_CONDUIT_SMC)
		return false;
	arm_smccc_1_1_smc(ARM_SMCCC_ARCH_FEATURES_FUNC_ID, workaround, &res);
	return res.a0 == SMCCC_RET_SUCCESS;
}

/**
 * axv_arm64_choose_hardening() - choose what an exit does about branch prediction
 * @s:		what the CPU has
 *
 * In the kernel's order of preference: if targets have to be forgotten, the firmware is
 * called; against the history the cheapest way is taken, the firmware's call last.
 *
 * Return: AXV_HARDEN_*, or a function of the firmware.
 */
u64 axv_arm64_choose_hardening(const struct axv_arm64_speculation *s)
{
	unsigned int i;

	if (!s->csv2 && s->call3)
		return ARM_SMCCC_ARCH_WORKAROUND_3;
	if (!s->csv2 && s->call1)
		return ARM_SMCCC_ARCH_WORKAROUND_1;
	if (s->csv2 >= 3 || s->ecbhb)
		return AXV_HARDEN_NOTHING;
	if (s->clrbhb)
		return AXV_HARDEN_CLRBHB;
	for (i = 0; i < ARRAY_SIZE(predictors); i++)
		if (predictors[i].model == s->model)
			return predictors[i].loops;
	return s->call3 ? ARM_SMCCC_ARCH_WORKAROUND_3 : AXV_HARDEN_NOTHING;
}

DEFINE_PER_CPU(u64, axv_arm64_harden);
/* The firmware's function that makes this CPU forget its predictions; 0: there is none. */
DEFINE_PER_CPU(u32, axv_arm64_forget_call);

/**
 * axv_arm64_harden_cpu() - choose how exits keep the host from predictions of a guest
 *
 * The same choice as the kernel's for its own boundary: each exit calls the
 * firmware, or clears the branch history, or needs nothing.
 *
 * Context: interrupts off.
 */
void axv_arm64_harden_cpu(void)
{
	const struct axv_arm64_speculation s = {
		.model = read_cpuid_id() & MIDR_CPU_MODEL_MASK,
		.csv2 = field(read_sysreg_s(SYS_ID_AA64PFR0_EL1), 56),
		.ecbhb = field(read_sysreg_s(SYS_ID_AA64MMFR1_EL1), 60),
		.clrbhb = field(read_sysreg_s(SYS_ID_AA64ISAR2_EL1), 28),
		.call1 = firmware_has(ARM_SMCCC_ARCH_WORKAROUND_1),
		.call3 = firmware_has(ARM_SMCCC_ARCH_WORKAROUND_3),
	};

	if (cpu_mitigations_off())
		return;
	__this_cpu_write(axv_arm64_harden, axv_arm64_choose_hardening(&s));
	if (s.call3)
		__this_cpu_write(axv_arm64_forget_call, ARM_SMCCC_ARCH_WORKAROUND_3);
	else if (s.call1)
		__this_cpu_write(axv_arm64_forget_call, ARM_SMCCC_ARCH_WORKAROUND_1);
}
