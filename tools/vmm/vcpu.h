/* SPDX-License-Identifier: GPL-2.0 */
/* One virtual CPU: its thread, and how its exits are answered. */
#ifndef AXVMM_VCPU_H
#define AXVMM_VCPU_H

#include <pthread.h>

#include <axvcpu.h>

#include "types.h"

struct machine;

/**
 * struct vcpu - a virtual CPU
 * @machine:	the machine that the vCPU belongs to; constant
 * @axv:	the vCPU of libaxvcpu; constant
 * @run:	the vCPU's run page; accessed by @thread only
 * @thread:	the vCPU's thread; only the main thread accesses this field
 * @changed:	condition: @on, @holds, @running or the machine's end has changed; waited
 *		for with the machine's lock
 *
 * Guarded by the machine's lock:
 *
 * @on:		the vCPU is to be on; @thread is to make @up the same
 * @up:		@thread has switched the vCPU on
 * @entry:	where the vCPU begins, as vcpu_switch_on() was told
 * @arg:	the vCPU's argument at @entry
 * @running:	@thread is in the kernel, or has looked for work for the last time and is on
 *		its way there
 * @holds:	how many threads keep the vCPU from running
 */
struct vcpu {
	struct machine *machine;
	struct axv_vcpu *axv;
	struct axv_run *run;
	pthread_t thread;
	pthread_cond_t changed;
	bool on;
	bool up;
	u64 entry;
	u64 arg;
	bool running;
	unsigned int holds;
};

/**
 * vcpu_create() - create a vCPU, switched off
 * @vcpu:	the vCPU
 * @machine:	its machine, whose VM exists
 * @id:		its id
 * @cpu_set:	host CPUs that the vCPU may run on; NULL: any
 * @cpu_set_size: bytes at @cpu_set
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vcpu_create(struct vcpu *vcpu, struct machine *machine, u32 id,
		const void *cpu_set, size_t cpu_set_size);

/**
 * vcpu_start() - start the vCPU's thread, which runs the guest until the machine stops
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vcpu_start(struct vcpu *vcpu);

/**
 * vcpu_switch_on() - switch a vCPU on
 * @vcpu:	the vCPU, off
 * @entry:	where the vCPU begins
 * @arg:	the vCPU's argument at @entry
 *
 * Context: any thread, with the machine's lock held.
 */
void vcpu_switch_on(struct vcpu *vcpu, u64 entry, u64 arg);

/**
 * vcpu_notify() - make the vCPU's thread look for work to do before the next run, and
 *		whether the machine has ended
 *
 * Context: any thread, with the machine's lock held.
 */
void vcpu_notify(struct vcpu *vcpu);

/**
 * vcpu_hold() - wait until a vCPU does not run, and keep it from running
 * @vcpu:	the vCPU, not the calling thread's own unless it is at an exit
 *
 * The lock is released while waiting, so what it guards may change.  Two vCPUs at an exit
 * may hold each other: neither of them runs.
 *
 * Context: any thread, with the machine's lock held.
 */
void vcpu_hold(struct vcpu *vcpu);

/** vcpu_release() - let a vCPU run again that vcpu_hold() has stopped */
void vcpu_release(struct vcpu *vcpu);

#endif /* AXVMM_VCPU_H */
