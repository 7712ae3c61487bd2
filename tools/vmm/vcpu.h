/* SPDX-License-Identifier: GPL-2.0 */
/* One virtual CPU: its thread, and what is done about its exits. */
#ifndef AXVMM_VCPU_H
#define AXVMM_VCPU_H

#include <pthread.h>

#include <axvcpu.h>

#include "types.h"

struct machine;

/**
 * struct vcpu - a virtual CPU
 * @machine:	what it belongs to; constant
 * @axv:	the vCPU of libaxvcpu; constant
 * @run:	its run page; accessed by its thread only
 * @thread:	its thread; the main thread's
 * @changed:	@on, @holds, @running or the machine's end has changed; goes with
 *		the machine's lock
 *
 * Guarded by the machine's lock:
 *
 * @on:		it is switched on, or its thread is about to do so
 * @up:		its thread has done so
 * @entry:	where it begins, if it was switched on by another one
 * @arg:	its argument there
 * @running:	its thread is in the kernel, or on the way there after its last
 *		look at what it has to do before
 * @holds:	threads that want it not to run
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
 * @cpu_set:	host CPUs it may run on; NULL: any
 * @cpu_set_size: bytes at @cpu_set
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vcpu_create(struct vcpu *vcpu, struct machine *machine, u32 id,
		const void *cpu_set, size_t cpu_set_size);

/**
 * vcpu_start() - start the thread, which runs the guest until the machine stops
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vcpu_start(struct vcpu *vcpu);

/**
 * vcpu_switch_on() - switch a vCPU on
 * @vcpu:	the vCPU, off
 * @entry:	where it begins
 * @arg:	its argument there
 *
 * Context: any thread, with the machine's lock held.
 */
void vcpu_switch_on(struct vcpu *vcpu, u64 entry, u64 arg);

/**
 * vcpu_notify() - make the thread look at what it has to do before a run, and at
 *		   the machine's end
 *
 * Context: any thread, with the machine's lock held.
 */
void vcpu_notify(struct vcpu *vcpu);

/**
 * vcpu_hold() - wait until a vCPU does not run, and keep it from running
 * @vcpu:	the vCPU, not the calling thread's own unless it is at an exit
 *
 * What the lock guards may change meanwhile.  Two vCPUs at an exit may hold each
 * other: neither of them runs.
 *
 * Context: any thread, with the machine's lock held, which is let go while
 * waiting.
 */
void vcpu_hold(struct vcpu *vcpu);

/** vcpu_release() - the end of vcpu_hold() */
void vcpu_release(struct vcpu *vcpu);

#endif /* AXVMM_VCPU_H */
