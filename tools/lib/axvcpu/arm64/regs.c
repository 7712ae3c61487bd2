// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Registers of an arm64 vCPU: their names, and the two sets of the run page.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib.h"

const char *axv_reg_name(__u64 id, char *name, size_t size)
{
	unsigned int index = AXV_REG_INDEX(id);

	if (AXV_REG_ARCH(id) == AXV_REG_ARCH_ARM64 &&
	    AXV_REG_CLASS(id) == AXV_ARM64_CLASS_GPR && index <= AXV_ARM64_X30)
		snprintf(name, size, "X%u", index);
	else if (AXV_REG_ARCH(id) == AXV_REG_ARCH_ARM64 &&
		 AXV_REG_CLASS(id) == AXV_ARM64_CLASS_SYSREG)
		snprintf(name, size, "system register S%u_%u_C%u_C%u_%u", index >> 14 & 3,
			 index >> 11 & 7, index >> 7 & 15, index >> 3 & 15, index & 7);
	else
		snprintf(name, size, "register %#llx", (unsigned long long)id);
	return name;
}

static void gprs_ids(struct axv_reg *regs)
{
	unsigned int i;

	for (i = 0; i < AXV_ARM64_GPRS; i++)
		regs[i].id = AXV_REG_ARM64(GPR, i);
}

int axv_vcpu_get_gprs(struct axv_vcpu *vcpu, struct axv_arm64_gprs *gprs)
{
	struct axv_reg regs[AXV_ARM64_GPRS] = {};
	unsigned int i;
	int ret;

	gprs_ids(regs);
	ret = axv_get_all_regs(vcpu, regs, AXV_ARM64_GPRS);
	if (ret)
		return ret;
	for (i = 0; i <= AXV_ARM64_X30; i++)
		gprs->x[i] = regs[i].value;
	gprs->sp_el0 = regs[AXV_ARM64_SP_EL0].value;
	gprs->pc = regs[AXV_ARM64_PC].value;
	gprs->pstate = regs[AXV_ARM64_PSTATE].value;
	return 0;
}

int axv_vcpu_set_gprs(struct axv_vcpu *vcpu, const struct axv_arm64_gprs *gprs)
{
	struct axv_reg regs[AXV_ARM64_GPRS] = {};
	unsigned int i;

	gprs_ids(regs);
	for (i = 0; i <= AXV_ARM64_X30; i++)
		regs[i].value = gprs->x[i];
	regs[AXV_ARM64_SP_EL0].value = gprs->sp_el0;
	regs[AXV_ARM64_PC].value = gprs->pc;
	regs[AXV_ARM64_PSTATE].value = gprs->pstate;
	return axv_set_all_regs(vcpu, regs, AXV_ARM64_GPRS);
}

#define SYSREG(op1, crn, crm, op2)					\
	AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(3, op1, crn, crm, op2))

/* SCTLR_EL1 is written last: it turns translation on. */
static const struct {
	__u64 id;
	size_t offset;
} sregs_map[] = {
	{ SYSREG(4, 4, 1, 0), offsetof(struct axv_arm64_sregs, sp_el1) },
	{ SYSREG(0, 4, 0, 1), offsetof(struct axv_arm64_sregs, elr_el1) },
	{ SYSREG(0, 4, 0, 0), offsetof(struct axv_arm64_sregs, spsr_el1) },
	{ SYSREG(0, 1, 0, 2), offsetof(struct axv_arm64_sregs, cpacr_el1) },
	{ SYSREG(0, 2, 0, 0), offsetof(struct axv_arm64_sregs, ttbr0_el1) },
	{ SYSREG(0, 2, 0, 1), offsetof(struct axv_arm64_sregs, ttbr1_el1) },
	{ SYSREG(0, 2, 0, 2), offsetof(struct axv_arm64_sregs, tcr_el1) },
	{ SYSREG(0, 10, 2, 0), offsetof(struct axv_arm64_sregs, mair_el1) },
	{ SYSREG(0, 12, 0, 0), offsetof(struct axv_arm64_sregs, vbar_el1) },
	{ SYSREG(0, 5, 2, 0), offsetof(struct axv_arm64_sregs, esr_el1) },
	{ SYSREG(0, 6, 0, 0), offsetof(struct axv_arm64_sregs, far_el1) },
	{ SYSREG(0, 13, 0, 4), offsetof(struct axv_arm64_sregs, tpidr_el1) },
	{ SYSREG(3, 13, 0, 2), offsetof(struct axv_arm64_sregs, tpidr_el0) },
	{ SYSREG(3, 13, 0, 3), offsetof(struct axv_arm64_sregs, tpidrro_el0) },
	{ SYSREG(0, 13, 0, 1), offsetof(struct axv_arm64_sregs, contextidr_el1) },
	{ SYSREG(0, 1, 0, 0), offsetof(struct axv_arm64_sregs, sctlr_el1) },
};

#define SREGS_COUNT	(sizeof(sregs_map) / sizeof(sregs_map[0]))

_Static_assert(SREGS_COUNT * sizeof(__u64) == sizeof(struct axv_arm64_sregs),
	       "every register of the set");

int axv_vcpu_get_sregs(struct axv_vcpu *vcpu, struct axv_arm64_sregs *sregs)
{
	struct axv_reg regs[SREGS_COUNT] = {};
	unsigned int i;
	int ret;

	for (i = 0; i < SREGS_COUNT; i++)
		regs[i].id = sregs_map[i].id;
	ret = axv_get_all_regs(vcpu, regs, SREGS_COUNT);
	if (ret)
		return ret;
	for (i = 0; i < SREGS_COUNT; i++)
		memcpy((char *)sregs + sregs_map[i].offset, &regs[i].value, sizeof(__u64));
	return 0;
}

int axv_vcpu_set_sregs(struct axv_vcpu *vcpu, const struct axv_arm64_sregs *sregs)
{
	struct axv_reg regs[SREGS_COUNT] = {};
	unsigned int i;

	for (i = 0; i < SREGS_COUNT; i++) {
		regs[i].id = sregs_map[i].id;
		memcpy(&regs[i].value, (const char *)sregs + sregs_map[i].offset, sizeof(__u64));
	}
	return axv_set_all_regs(vcpu, regs, SREGS_COUNT);
}
