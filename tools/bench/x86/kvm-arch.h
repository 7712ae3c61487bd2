/* SPDX-License-Identifier: GPL-2.0 */
/* What is x86's of a VM and a vCPU of KVM. */
#ifndef KVM_ARCH_H
#define KVM_ARCH_H

#include <axvcpu.h>

#define MAX_POLICIES	64

struct kvm_arch_vm {
	struct axv_x86_msr_policy policy[MAX_POLICIES];
	unsigned int policies;
};

/**
 * struct kvm_arch_vcpu - of a vCPU
 * @sregs:	as axvmm set them
 * @elements:	of a port access, not yet shown to axvmm
 * @data:	the next one of them, or the last one that was shown
 */
struct kvm_arch_vcpu {
	struct axv_x86_sregs sregs;
	unsigned int elements;
	char *data;
};

#endif /* KVM_ARCH_H */
