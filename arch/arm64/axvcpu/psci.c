// SPDX-License-Identifier: GPL-2.0
/*
 * Calls by HVC and SMC: the SMC Calling Convention (Arm DEN 0028) and PSCI (Arm
 * DEN 0022).
 *
 * What needs no knowledge of the machine is answered here.  What changes which
 * CPUs or whether the machine runs becomes an exit of its own, and the rest one
 * for a hypercall.  In both cases X0 already holds what the caller gets if the
 * VMM changes nothing.
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

/* CPU_ON takes an MPIDR whose other bits are zero (DEN 0022, 5.6). */
#define MPIDR_AFFINITY	0xff00ffffffull

/*
 * What the firmware does about speculation, as it answered: the guest's calls
 * of the workarounds themselves are done by leaving the guest.
 */
static struct {
	u32 id;
	s32 answer;
} workarounds[] __ro_after_init = {
	{ ARM_SMCCC_ARCH_WORKAROUND_1, SMCCC_RET_NOT_SUPPORTED },
	{ ARM_SMCCC_ARCH_WORKAROUND_3, SMCCC_RET_NOT_SUPPORTED },
};

/* One CPU that needs a workaround stands for all: a vCPU may come there. */
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

static s64 smccc_features(u32 id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(workarounds); i++)
		if (workarounds[i].id == id)
			return workarounds[i].answer;
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

/* Calls that are answered at once; false: it is none of these. */
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
		x[0] = smccc_features(arg);
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

static enum axv_arm64_next cpu_on(struct axv_arm64_vcpu *v, u8 len, const u64 *args)
{
	struct axv_exit_cpu_up *up;

	if (args[0] & ~MPIDR_AFFINITY) {
		v->regs.x[0] = PSCI_RET_INVALID_PARAMS;
		return AXV_RESUME;
	}
	up = &axv_arm64_exit(v, AXV_EXIT_CPU_UP, len)->exit.cpu_up;
	up->target_cpu = args[0];
	up->entry_point = args[1];
	up->arg = args[2];
	v->regs.x[0] = PSCI_RET_SUCCESS;
	return AXV_EXIT;
}

static enum axv_arm64_next system_down(struct axv_arm64_vcpu *v, u8 len, u32 type)
{
	struct axv_exit_system_down *down;

	down = &axv_arm64_exit(v, AXV_EXIT_SYSTEM_DOWN, len)->exit.system_down;
	down->type = type;
	down->pad = 0;
	v->regs.x[0] = PSCI_RET_INTERNAL_FAILURE;
	return AXV_EXIT;
}

/* A CPU may always come back from a suspension as from a standby. */
static enum axv_arm64_next cpu_suspend(struct axv_arm64_vcpu *v, u8 len)
{
	v->regs.x[0] = PSCI_RET_SUCCESS;
	if (v->base.vm->flags & AXV_VM_HALT_IN_KERNEL) {
		v->events.halted = true;
		return AXV_INTR;
	}
	axv_arm64_exit(v, AXV_EXIT_HALT, len);
	return AXV_EXIT;
}

static enum axv_arm64_next hypercall(struct axv_arm64_vcpu *v, u8 len)
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

/**
 * axv_arm64_smccc() - HVC or SMC
 * @v:		vCPU that just left the guest, past the instruction
 * @len:	length of the instruction
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_arm64_next axv_arm64_smccc(struct axv_arm64_vcpu *v, u8 len)
{
	u32 id = v->regs.x[0];
	u64 args[3];
	unsigned int i;

	if (answer(v, id, v->regs.x[1]))
		return AXV_RESUME;

	for (i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = id & SMCCC_64 ? v->regs.x[1 + i] : (u32)v->regs.x[1 + i];
	switch (id) {
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
		return cpu_on(v, len, args);
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
		if (!args[0])
			return system_down(v, len, AXV_SYSTEM_DOWN_RESET);
		v->regs.x[0] = PSCI_RET_INVALID_PARAMS;
		return AXV_RESUME;
	}
	return hypercall(v, len);
}
