/* SPDX-License-Identifier: GPL-2.0 */
/* The x86 part of a VM and a vCPU of KVM. */
#ifndef KVM_ARCH_H
#define KVM_ARCH_H

#include <axvcpu.h>

#define MAX_POLICIES	64

struct kvm_arch_vm {
	struct axv_x86_msr_policy policy[MAX_POLICIES];
	unsigned int policies;
};

/**
 * struct kvm_arch_vcpu - x86 part of a vCPU
 * @sregs:	system registers as axvmm set them
 * @elements:	how many elements of a port access have not been shown to axvmm yet
 * @data:	the next element, or the last one that was shown
 */
struct kvm_arch_vcpu {
	struct axv_x86_sregs sregs;
	unsigned int elements;
	char *data;
};

#endif /* KVM_ARCH_H */
