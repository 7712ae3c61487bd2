/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM behind libaxvcpu's functions: between the common part and an architecture's.
 */
#ifndef KVM_LIB_H
#define KVM_LIB_H

#include <pthread.h>

#include <linux/kvm.h>

#include <axvcpu.h>

#include "kvm-arch.h"

struct axv_host {
	int fd;
};

/**
 * struct axv_vm - a VM of KVM
 * @host:	descriptor of KVM
 * @fd:		its own
 * @arch:	what is the architecture's
 */
struct axv_vm {
	int host;
	int fd;
	struct kvm_arch_vm arch;
};

/**
 * struct axv_vcpu - a vCPU of KVM that looks like one of axvcpu
 * @vm:		its VM
 * @fd:		its descriptor
 * @id:		its number
 * @kvm:	KVM's shared page
 * @kvm_size:	bytes of it
 * @run:	what axvmm believes to be the run page
 * @arch:	what is the architecture's
 * @stats:	exits only
 * @kicked:	a kick that was not reported yet
 * @thread:	that runs it
 * @bound:	there is one
 */
struct axv_vcpu {
	struct axv_vm *vm;
	int fd;
	__u32 id;
	struct kvm_run *kvm;
	size_t kvm_size;
	struct axv_run run;
	struct kvm_arch_vcpu arch;
	struct axv_stats stats;
	int kicked;
	pthread_t thread;
	int bound;
};

/** kvm_fail() - note that @what failed, by errno; Return: the negative errno */
int kvm_fail(const char *what);

/** kvm_unsupported() - likewise; axvmm is not expected to ask for @what */
int kvm_unsupported(const char *what);

/** kvm_show() - end the run with an exit of axvcpu; Return: 0 */
int kvm_show(struct axv_vcpu *vcpu, __u32 reason);

/*
 * The architecture's: 0 or a negative errno.
 */

/** kvm_arch_vm_init() - what is to be done for a VM that has just been created */
int kvm_arch_vm_init(struct axv_vm *vm);

/** kvm_arch_vcpu_init() - what is to be done for a vCPU that has just been created */
int kvm_arch_vcpu_init(struct axv_vcpu *vcpu);

/** kvm_arch_more() - show the rest of the last exit; Return: whether there was any */
bool kvm_arch_more(struct axv_vcpu *vcpu);

/** kvm_arch_complete() - what axvmm answered goes to where KVM looks for it */
void kvm_arch_complete(struct axv_vcpu *vcpu);

/** kvm_arch_exit() - show an exit; Return: 1 to enter again, otherwise 0 */
int kvm_arch_exit(struct axv_vcpu *vcpu);

#endif /* KVM_LIB_H */
