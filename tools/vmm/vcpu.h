/* SPDX-License-Identifier: GPL-2.0 */
/* One virtual CPU: its thread, and what is done about its exits. */
#ifndef AXVMM_VCPU_H
#define AXVMM_VCPU_H

#include <pthread.h>

#include <axvcpu.h>

#include "linux.h"

struct machine;

/**
 * struct vcpu - a virtual CPU
 * @machine:	what it belongs to
 * @axv:	the vCPU of libaxvcpu
 * @run:	its run page; accessed by its thread only
 * @thread:	its thread
 * @running:	its thread is in the kernel, or on the way there after its last
 *		look at the interrupt controller; guarded by the machine's lock
 */
struct vcpu {
	struct machine *machine;
	struct axv_vcpu *axv;
	struct axv_run *run;
	pthread_t thread;
	bool running;
};

/**
 * vcpu_init() - create a vCPU and its CPUID table
 * @vcpu:	the vCPU
 * @machine:	its machine, whose VM exists
 * @id:		its id
 * @cpu_set:	host CPUs it may run on; NULL: any
 * @cpu_set_size: bytes at @cpu_set
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vcpu_init(struct vcpu *vcpu, struct machine *machine, u32 id,
	      const void *cpu_set, size_t cpu_set_size);

/**
 * vcpu_boot() - set up the boot processor as a boot loader leaves it
 * @vcpu:	the vCPU, as created
 * @entry:	what linux_load() told
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vcpu_boot(struct vcpu *vcpu, const struct linux_entry *entry);

/**
 * vcpu_start() - start the thread, which runs the guest until the machine stops
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vcpu_start(struct vcpu *vcpu);

/**
 * vcpu_notify() - make the thread look at the interrupt controller and at the
 *		   machine's end
 *
 * Context: any thread, with the machine's lock held.
 */
void vcpu_notify(struct vcpu *vcpu);

#endif /* AXVMM_VCPU_H */
