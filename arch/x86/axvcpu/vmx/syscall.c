// SPDX-License-Identifier: GPL-2.0
/*
 * The MSRs of SYSCALL, which VMX does not switch (SDM vol. 3C, "Loading MSRs"): the
 * host's registers hold the guest's values from an entry to the end of the inner loop,
 * if the guest has SYSCALL switched on.
 *
 * A register is written only if it does not hold the wanted value already.  What it holds
 * is in @live, so it need not be read: outside that time it is the host's value.
 */
#include <linux/string.h>
#include <asm/msr.h>

#include "vmx.h"

static const u32 syscall_msr[AXV_VMX_SYSCALL_MSRS] = {
	[AXV_VMX_STAR] = MSR_STAR,
	[AXV_VMX_LSTAR] = MSR_LSTAR,
	[AXV_VMX_SFMASK] = MSR_SYSCALL_MASK,
};

/* Values of the host's kernel: the same on every CPU, and not changed after boot. */
static u64 host_syscall[AXV_VMX_SYSCALL_MSRS] __ro_after_init;

/** axv_vmx_syscall_init() - note the host's values */
void axv_vmx_syscall_init(void)
{
	unsigned int i;

	for (i = 0; i < AXV_VMX_SYSCALL_MSRS; i++)
		host_syscall[i] = native_read_msr(syscall_msr[i]);
}

/**
 * axv_vmx_syscall_reset() - note that the registers hold the host's values
 * @vmx:	vCPU whose claim the caller holds, outside the inner loop
 */
void axv_vmx_syscall_reset(struct axv_vmx_vcpu *vmx)
{
	memcpy(vmx->live, host_syscall, sizeof(vmx->live));
	vmx->syscall_loaded = false;
	vmx->syscall_stale = true;
}

static void load(struct axv_vmx_vcpu *vmx, const u64 *want)
{
	unsigned int i;

	for (i = 0; i < AXV_VMX_SYSCALL_MSRS; i++) {
		if (vmx->live[i] == want[i])
			continue;
		native_write_msr(syscall_msr[i], (u32)want[i], want[i] >> 32);
		vmx->live[i] = want[i];
	}
}

/**
 * axv_vmx_syscall_load() - load the guest's values, if it has SYSCALL switched on
 * @vmx:	vCPU in the inner loop whose @syscall_stale is set
 *
 * Context: interrupts off.
 */
void axv_vmx_syscall_load(struct axv_vmx_vcpu *vmx)
{
	load(vmx, vmx->x.efer & EFER_SCE ? vmx->syscall : host_syscall);
	vmx->syscall_loaded = memcmp(vmx->live, host_syscall, sizeof(vmx->live));
	vmx->syscall_stale = false;
}

/**
 * axv_vmx_syscall_unload() - load the host's values again
 * @vmx:	vCPU at the end of the inner loop whose @syscall_loaded is set
 *
 * Context: interrupts off.
 */
void axv_vmx_syscall_unload(struct axv_vmx_vcpu *vmx)
{
	load(vmx, host_syscall);
	vmx->syscall_loaded = false;
	/* The next entry loads the guest's again. */
	vmx->syscall_stale = true;
}
