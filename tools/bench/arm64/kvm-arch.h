/* SPDX-License-Identifier: GPL-2.0 */
/* The arm64 part of a VM and a vCPU of KVM. */
#ifndef KVM_ARCH_H
#define KVM_ARCH_H

/**
 * struct kvm_arch_vm - arm64 part of a VM
 * @gic:	descriptor of its GIC
 */
struct kvm_arch_vm {
	int gic;
};

struct kvm_arch_vcpu {
};

#endif /* KVM_ARCH_H */
