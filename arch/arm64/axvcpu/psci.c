// SPDX-License-Identifier: GPL-2.0
/*
 * Calls by HVC and SMC: the SMC Calling Convention (Arm DEN 0028) and PSCI (Arm
 * DEN 0022).
 *
 * A call that needs no knowledge of the machine is answered here.  A call that changes
 * which CPUs run, or whether the machine does, becomes an exit of its own, and any other
 * call an exit for a hypercall.  In both cases X0 already holds what the caller gets if
 * the VMM changes nothing.
 */
#include <linux/arm-smccc.h>
#include <linux/cpu.h>
#include <linux/psci.h>
#include <linux/smp.h>
#include <uapi/linux/psci.h>

#include "arm64.h"

#define SMCCC_1_1	0x10001
#define PSCI_1_1	0x10001

#define SMCCC_64	BIT(30)

#define ID_AA64PFR1	AXV_SYSREG(3, 0, 0, 4, 1)
#define PFR1_SSBS	GENMASK(7, 4)

/* CPU_ON takes an MPIDR whose other bits are zero (DEN 0022, CPU_ON). */
#define MPIDR_AFFINITY	0xff00ffffffull

/*
 * The firmware's workarounds for speculation, as it answers for them.  A guest that calls
 * one of them exits, and that exit does all there is to do.
 */
static struct {
	u32 id;
	s32 answer;
} workarounds[] __ro_after_init = {
	{ ARM_SMCCC_ARCH_WORKAROUND_1, SMCCC_RET_NOT_SUPPORTED },
	{ ARM_SMCCC_ARCH_WORKAROUND_2, SMCCC_RET_NOT_SUPPORTED },
	{ ARM_SMCCC_ARCH_WORKAROUND_3, SMCCC_RET_NOT_SUPPORTED },
};

/* If one CPU needs a workaround, guests are told to use it: a vCPU may come to that CPU. */
static void __init ask_firmware(void *unused)
{
	struct arm_smccc_res res;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(workarounds); i++) {
		s32 *answer = &workarounds[i].answer;

		arm_smccc_1_1_invoke(ARM_SMCCC_ARCH_FEATURES_FUNC_ID,
				     workarounds[i].id, &res);
		if ((s32)res.a0 == SMCCC_RET_SUCCESS)
			*answer = SMCCC_RET_SUCCESS;
		else if ((s32)res.a0 > 0 && *answer < 0)
			*answer = res.a0;
	}
}

/** axv_arm64_smccc_init() - ask the firmware of each CPU once */
void __init axv_arm64_smccc_init(void)
{
	int cpu;

	if (arm_smccc_1_1_get_conduit() == SMCCC_CONDUIT_NONE)
		return;
	cpus_read_lock();
	for_each_online_cpu(cpu)
		smp_call_function_single(cpu, ask_firmware, NULL, 1);
	cpus_read_unlock();
}

/*
 * The answer for the mitigation against loads that overtake stores (SSBD).  The kernel
 * keeps the firmware's mitigation on while it runs, and so for guests, which need not ask
 * for it.  A guest that has PSTATE.SSBS uses that.
 */
static s64 ssbd(const struct axv_arm64_vcpu *v, s32 answer)
{
	u64 pfr1 = 0;

	axv_arm64_id_reg(v, ID_AA64PFR1, &pfr1);
	if (answer < 0 || pfr1 & PFR1_SSBS || cpu_mitigations_off())
		return SMCCC_RET_NOT_SUPPORTED;
	return SMCCC_ARCH_WORKAROUND_RET_UNAFFECTED;
}

static noinline s64 smccc_features(const struct axv_arm64_vcpu *v, u32 id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(workarounds); i++)
		if (workarounds[i].id == id)
			return id == ARM_SMCCC_ARCH_WORKAROUND_2 ?
			       ssbd(v, workarounds[i].answer) : workarounds[i].answer;
	switch (id) {
	case ARM_SMCCC_VERSION_FUNC_ID:
	case ARM_SMCCC_ARCH_FEATURES_FUNC_ID:
		return SMCCC_RET_SUCCESS;
	}
	return SMCCC_RET_NOT_SUPPORTED;
}

static s64 psci_features(u32 id)
{
	switch (id) {
	case PSCI_0_2_FN_PSCI_VERSION:
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
	case PSCI_0_2_FN_CPU_OFF:
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
	case PSCI_0_2_FN_SYSTEM_OFF:
	case PSCI_0_2_FN_SYSTEM_RESET:
	case PSCI_1_0_FN_PSCI_FEATURES:
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
	case ARM_SMCCC_VERSION_FUNC_ID:
		return PSCI_RET_SUCCESS;
	}
	return PSCI_RET_NOT_SUPPORTED;
}

/* Answer a call at once; false: it cannot be answered at once. */
static bool answer(struct axv_arm64_vcpu *v, u32 id, u32 arg)
{
	u64 *x = v->regs.x;
	unsigned int i;

	switch (id) {
	case PSCI_0_2_FN_PSCI_VERSION:
		x[0] = PSCI_1_1;
		return true;
	case PSCI_1_0_FN_PSCI_FEATURES:
		x[0] = psci_features(arg);
		return true;
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
		x[0] = PSCI_0_2_TOS_MP;
		return true;
	case ARM_SMCCC_VERSION_FUNC_ID:
		x[0] = SMCCC_1_1;
		return true;
	case ARM_SMCCC_ARCH_FEATURES_FUNC_ID:
		x[0] = smccc_features(v, arg);
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(workarounds); i++) {
		if (workarounds[i].id != id || workarounds[i].answer < 0)
			continue;
		x[0] = SMCCC_RET_SUCCESS;
		return true;
	}
	return false;
}

/* An argument of a call is as wide as the call. */
static u64 arg(const struct axv_arm64_vcpu *v, unsigned int n)
{
	u64 value = v->regs.x[n];

	return v->regs.x[0] & SMCCC_64 ? value : (u32)value;
}

static enum axv_next cpu_on(struct axv_arm64_vcpu *v, u8 len)
{
	struct axv_exit_cpu_up *up;

	if (arg(v, 1) & ~MPIDR_AFFINITY) {
		v->regs.x[0] = PSCI_RET_INVALID_PARAMS;
		return AXV_RESUME;
	}
	up = &axv_arm64_exit(v, AXV_EXIT_CPU_UP, len)->exit.cpu_up;
	up->target_cpu = arg(v, 1);
	up->entry_point = arg(v, 2);
	up->arg = arg(v, 3);
	v->regs.x[0] = PSCI_RET_SUCCESS;
	return AXV_EXIT;
}

static enum axv_next system_down(struct axv_arm64_vcpu *v, u8 len, u32 type)
{
	struct axv_exit_system_down *down;

	down = &axv_arm64_exit(v, AXV_EXIT_SYSTEM_DOWN, len)->exit.system_down;
	down->type = type;
	down->pad = 0;
	v->regs.x[0] = PSCI_RET_INTERNAL_FAILURE;
	return AXV_EXIT;
}

/* PSCI lets a CPU come back from any suspension as from a standby, so a halt will do. */
static enum axv_next cpu_suspend(struct axv_arm64_vcpu *v, u8 len)
{
	v->regs.x[0] = PSCI_RET_SUCCESS;
	if (v->base.vm->flags & AXV_VM_HALT_IN_KERNEL) {
		v->events.halted = true;
		return AXV_INTERRUPT;
	}
	axv_arm64_exit(v, AXV_EXIT_HALT, len);
	return AXV_EXIT;
}

static enum axv_next hypercall(struct axv_arm64_vcpu *v, u8 len)
{
	struct axv_exit_hypercall *call;
	unsigned int i;

	call = &axv_arm64_exit(v, AXV_EXIT_HYPERCALL, len)->exit.hypercall;
	call->nr = v->regs.x[0];
	for (i = 0; i < ARRAY_SIZE(call->args); i++)
		call->args[i] = v->regs.x[1 + i];
	v->regs.x[0] = SMCCC_RET_NOT_SUPPORTED;
	return AXV_EXIT;
}

/* Make an exit of a call; only wrong arguments are answered at once. */
static noinline enum axv_next ask_vmm(struct axv_arm64_vcpu *v, u8 len)
{
	switch ((u32)v->regs.x[0]) {
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
		return cpu_on(v, len);
	case PSCI_0_2_FN_CPU_OFF:
		axv_arm64_exit(v, AXV_EXIT_CPU_DOWN, len)->exit.cpu_down.state = 0;
		v->regs.x[0] = PSCI_RET_DENIED;
		return AXV_EXIT;
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
		return cpu_suspend(v, len);
	case PSCI_0_2_FN_SYSTEM_OFF:
		return system_down(v, len, AXV_SYSTEM_DOWN_OFF);
	case PSCI_0_2_FN_SYSTEM_RESET:
		return system_down(v, len, AXV_SYSTEM_DOWN_RESET);
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		if (!arg(v, 1))
			return system_down(v, len, AXV_SYSTEM_DOWN_RESET);
		v->regs.x[0] = PSCI_RET_INVALID_PARAMS;
		return AXV_RESUME;
	}
	return hypercall(v, len);
}

/**
 * axv_arm64_smccc() - handle a call by HVC or SMC
 * @v:		vCPU that just left the guest, past the instruction
 * @len:	length of the instruction
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_next axv_arm64_smccc(struct axv_arm64_vcpu *v, u8 len)
{
	if (answer(v, v->regs.x[0], v->regs.x[1]))
		return AXV_RESUME;
	return ask_vmm(v, len);
}
