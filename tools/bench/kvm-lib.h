/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libaxvcpu's functions on KVM: what the common part and an architecture's share.
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
 * @fd:		descriptor of the VM
 * @arch:	the architecture's part
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
 * @kvm_size:	bytes of @kvm
 * @run:	what axvmm uses as the run page
 * @arch:	the architecture's part
 * @stats:	counters; only exits are counted
 * @kicked:	there was a kick that has not been reported yet
 * @thread:	the thread that runs the vCPU
 * @bound:	@thread is valid
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

/** kvm_unsupported() - fail, since axvmm should not ask for @what; Return: a negative errno */
int kvm_unsupported(const char *what);

/** kvm_show() - end the run with an exit as axvcpu has it; Return: 0 */
int kvm_show(struct axv_vcpu *vcpu, __u32 reason);

/*
 * The functions of an architecture.  They return 0 or a negative errno, if nothing else is
 * said.
 */

/** kvm_arch_vm_init() - initialize a VM that has just been created */
int kvm_arch_vm_init(struct axv_vm *vm);

/** kvm_arch_vcpu_init() - initialize a vCPU that has just been created */
int kvm_arch_vcpu_init(struct axv_vcpu *vcpu);

/** kvm_arch_more() - show what is left of KVM's last exit; Return: whether there was any */
bool kvm_arch_more(struct axv_vcpu *vcpu);

/** kvm_arch_complete() - pass axvmm's answer to the last exit on to KVM */
void kvm_arch_complete(struct axv_vcpu *vcpu);

/** kvm_arch_exit() - show an exit; Return: 1 to enter again, otherwise 0 */
int kvm_arch_exit(struct axv_vcpu *vcpu);

#endif /* KVM_LIB_H */
