/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMIDs: numbers by which the TLBs of all CPUs tell the translations of VMs apart.
 */
#ifndef _AXVCPU_ARM64_VMID_H
#define _AXVCPU_ARM64_VMID_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * struct axv_vmid_cpu - one CPU's part
 * @active:	VMID and generation of the VM that the CPU last entered; 0: it has entered
 *		none in this generation.  Set to 0 under &axv_vmids.lock.
 * @reserved:	what @active was at the end of a generation, the last time it was not 0.
 *		Under &axv_vmids.lock.
 * @stale:	the CPU has not yet forgotten the guests of older generations.  Under
 *		&axv_vmids.lock.
 */
struct axv_vmid_cpu {
	atomic64_t active;
	u64 reserved;
	bool stale;
};

/**
 * struct axv_vmids - all VMIDs
 * @lock:	guards the rest, and is taken with interrupts off
 * @count:	number of VMIDs, including 0.  Constant.
 * @next:	where the search for a free VMID begins
 * @generation:	the current generation, in the bits above those of a VMID
 * @used:	bitmap of the VMIDs that are taken in this generation
 * @cpus:	one for each CPU
 */
struct axv_vmids {
	raw_spinlock_t lock;
	unsigned long count;
	unsigned long next;
	u64 generation;
	unsigned long *used;
	struct axv_vmid_cpu __percpu *cpus;
};

int axv_vmids_init(struct axv_vmids *ids, unsigned int bits);
void axv_vmids_destroy(struct axv_vmids *ids);
u16 axv_vmid_use(struct axv_vmids *ids, u64 *id, int cpu, bool *stale);
void axv_vmids_forget_cpu(struct axv_vmids *ids, int cpu);

#endif /* _AXVCPU_ARM64_VMID_H */
