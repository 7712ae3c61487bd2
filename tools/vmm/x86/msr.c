// SPDX-License-Identifier: GPL-2.0
/*
 * MSRs that the kernel module does not emulate.
 *
 * When a guest accesses an MSR that is not architectural, it is nearly always prepared
 * for a #GP, so the kernel module's #GP is the right answer.  The table has the MSRs
 * that kernels access without being prepared, or complain about: they read as zero, or
 * as a value that says "nothing there", and writes to them are ignored.
 */
#include <errno.h>

#include "log.h"
#include "msr.h"

#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLED		BIT(11)
#define MTRR_WRITE_BACK		6

/**
 * struct msr - a range of MSRs that axvmm answers
 * @first:	first MSR
 * @last:	last MSR, included
 * @value:	what the MSRs read as
 * @name:	for messages
 */
struct msr {
	u32 first;
	u32 last;
	u64 value;
	const char *name;
};

static const struct msr msrs[] = {
	{ 0x17, 0x17, 0, "IA32_PLATFORM_ID" },
	{ 0x2a, 0x2a, 0, "EBL_CR_POWERON" },
	{ 0x34, 0x34, 0, "SMI_COUNT" },
	{ 0xce, 0xce, 0, "PLATFORM_INFO" },
	{ 0x179, 0x17b, 0, "MCG_CAP, no banks" },
	{ 0x198, 0x199, 0, "IA32_PERF" },
	{ 0x19a, 0x19c, 0, "IA32_THERM" },
	{ 0x1ad, 0x1ad, 0, "TURBO_RATIO_LIMIT" },
	{ 0x606, 0x606, 0, "RAPL_POWER_UNIT" },
	{ 0x611, 0x611, 0, "PKG_ENERGY_STATUS" },
	{ 0x639, 0x639, 0, "PP0_ENERGY_STATUS" },
	{ 0xc001001a, 0xc001001a, 0, "TOP_MEM" },
	{ 0xc001001d, 0xc001001d, 0, "TOP_MEM2" },
	{ 0xc0010058, 0xc0010058, 0, "MMIO_CFG_BASE" },
	{ 0xc0010061, 0xc0010063, 0, "PSTATE" },
	{ 0xc0010111, 0xc0010113, 0, "SMM" },
	{ 0xc0010114, 0xc0010114, BIT(3) | BIT(4), "VM_CR, SVM locked off" },
	{ 0xc0010140, 0xc0010141, 0, "OSVW" },
	{ 0xc0011020, 0xc0011028, 0, "LS_CFG to NB_CFG2" },
	{ 0xc001102a, 0xc001102f, 0, "BU_CFG2 to CU_CFG3" },
};

int msr_setup(struct axv_vm *vm)
{
	struct axv_x86_msr_policy policy[ARRAY_SIZE(msrs)];
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		policy[i] = (struct axv_x86_msr_policy){
			.first = msrs[i].first,
			.last = msrs[i].last,
			.read = AXV_X86_MSR_EXIT,
			.write = AXV_X86_MSR_EXIT,
		};
	err = axv_vm_set_msr_policy(vm, policy, ARRAY_SIZE(policy));
	if (err)
		log_error("%s", axv_error());
	return err;
}

int msr_init_vcpu(struct axv_vcpu *vcpu)
{
	struct axv_reg reg = {
		.id = AXV_REG_X86(MSR, MSR_MTRR_DEF_TYPE),
		.value = MTRR_ENABLED | MTRR_WRITE_BACK,
	};
	int failed;

	/*
	 * Make all memory write-back by default, as firmware does.  If the MTRRs
	 * were off, Linux would not use the PAT either.
	 */
	failed = axv_vcpu_set_regs(vcpu, &reg, 1);
	if (failed < 0) {
		log_error("%s", axv_error());
		return failed;
	}
	if (failed && reg.status != -ENOENT) {
		log_error("cannot set the MTRR default type: error %d",
			  -reg.status);
		return reg.status;
	}
	return 0;
}

static const struct msr *find(u64 number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (number >= msrs[i].first && number <= msrs[i].last)
			return &msrs[i];
	return NULL;
}

void msr_read(struct axv_exit_sysreg *exit)
{
	const struct msr *msr = find(exit->addr);

	exit->fail = !msr;
	exit->value = msr ? msr->value : 0;
	log_trace(LOG_SYSREG, "rdmsr %#llx (%s): %#llx", exit->addr,
		  msr ? msr->name : "unknown, #GP", exit->value);
}

void msr_write(const struct axv_exit_sysreg *exit)
{
	const struct msr *msr = find(exit->addr);

	log_trace(LOG_SYSREG, "wrmsr %#llx (%s): %#llx ignored", exit->addr,
		  msr ? msr->name : "unknown", exit->value);
}
