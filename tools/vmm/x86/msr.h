/* SPDX-License-Identifier: GPL-2.0 */
/* MSRs that the kernel module does not emulate. */
#ifndef AXVMM_MSR_H
#define AXVMM_MSR_H

#include <axvcpu.h>

#include "types.h"

/**
 * msr_setup() - set the VM's MSR policy: which MSRs cause an exit, for axvmm to answer
 * @vm:		the VM
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int msr_setup(struct axv_vm *vm);

/**
 * msr_init_vcpu() - set MSRs to the values that firmware leaves
 * @vcpu:	the vCPU, Free
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int msr_init_vcpu(struct axv_vcpu *vcpu);

/** msr_read() - answer AXV_EXIT_SYSREG_READ */
void msr_read(struct axv_exit_sysreg *exit);

/** msr_write() - answer AXV_EXIT_SYSREG_WRITE */
void msr_write(const struct axv_exit_sysreg *exit);

#endif /* AXVMM_MSR_H */
