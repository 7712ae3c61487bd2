/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMIDs: numbers that mark the translations of a VM in the TLBs of all CPUs.
 */
#ifndef _AXVCPU_ARM64_VMID_H
#define _AXVCPU_ARM64_VMID_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * struct axv_vmid_cpu - one CPU's part
 * @active:	VMID and generation of the VM it last entered; 0: none since the
 *		generation began.  Taken away under &axv_vmids.lock.
 * @reserved:	what @active was then.  Under &axv_vmids.lock.
 * @stale:	it has not forgotten the generation before.  Likewise.
 */
struct axv_vmid_cpu {
	atomic64_t active;
	u64 reserved;
	bool stale;
};

/**
 * struct axv_vmids - all VMIDs
 * @lock:	guards the rest, and is taken with interrupts off
 * @count:	how many there are, with 0.  Constant.
 * @next:	where the search begins
 * @generation:	the current one, above the bits of a VMID
 * @used:	those of this generation
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
