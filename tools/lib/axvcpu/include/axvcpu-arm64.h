/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * libaxvcpu on arm64.  Included by <axvcpu.h>, whose conventions hold here.
 */
#ifndef AXVCPU_ARM64_H
#define AXVCPU_ARM64_H

#pragma GCC visibility push(default)

/* ---- registers ---------------------------------------------------------- */

/** axv_vcpu_get_gprs() - read the general registers, PC and PSTATE */
int axv_vcpu_get_gprs(struct axv_vcpu *vcpu, struct axv_arm64_gprs *gprs);

/** axv_vcpu_set_gprs() - write the general registers, PC and PSTATE */
int axv_vcpu_set_gprs(struct axv_vcpu *vcpu, const struct axv_arm64_gprs *gprs);

/** axv_vcpu_get_sregs() - read the system registers of the run page's set */
int axv_vcpu_get_sregs(struct axv_vcpu *vcpu, struct axv_arm64_sregs *sregs);

/** axv_vcpu_set_sregs() - write the system registers of the run page's set */
int axv_vcpu_set_sregs(struct axv_vcpu *vcpu, const struct axv_arm64_sregs *sregs);

/* ---- events ------------------------------------------------------------- */

/**
 * axv_vcpu_set_input() - set the level of an interrupt input of a vCPU without irqchip
 * @vcpu: the vCPU
 * @input: AXV_ARM64_INPUT_IRQ or AXV_ARM64_INPUT_FIQ
 * @level: true: asserted, until it is set to false
 */
int axv_vcpu_set_input(struct axv_vcpu *vcpu, __u32 input, bool level);

/**
 * axv_vcpu_inject_exception() - raise an exception at the program counter
 * @vcpu: the vCPU
 * @class: class of the exception as in ESR_EL1.EC, or AXV_ARM64_EC_SERROR
 * @iss: syndrome as in ESR_EL1.ISS
 * @address: FAR_EL1, where the class has one
 */
int axv_vcpu_inject_exception(struct axv_vcpu *vcpu, __u8 class, __u32 iss,
			      __u64 address);

/**
 * axv_vcpu_set_sgis() - set which SGIs a vCPU takes, from any thread
 * @vcpu: the vCPU, of a VM with AXV_VM_SGI_IN_KERNEL
 * @sgis: which are enabled, and how urgent each is
 *
 * Return: 0; -EOPNOTSUPP (not with this VM), -EINVAL.
 */
int axv_vcpu_set_sgis(struct axv_vcpu *vcpu, const struct axv_sgis *sgis);

#pragma GCC visibility pop

#endif /* AXVCPU_ARM64_H */
