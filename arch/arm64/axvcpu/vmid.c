// SPDX-License-Identifier: GPL-2.0
/*
 * VMIDs of this module, where KVM does not use them.
 *
 * A VM has the same VMID on all CPUs, since the invalidations of a guest act on other
 * CPUs by VMID.  When all VMIDs have been handed out a generation ends: VMs that CPUs are
 * running keep theirs, each other VM gets a new one, and each CPU forgets all guests
 * before it enters one of the new generation.
 *
 * 0 is not handed out: without VHE the host's own translations have it.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "vmid.h"

/* The bits above a VMID are its generation. */
#define VMID_BITS	16
#define VMID_MASK	GENMASK_ULL(VMID_BITS - 1, 0)
#define FIRST_GENERATION	BIT_ULL(VMID_BITS)

/**
 * axv_vmids_init() - prepare to hand out VMIDs
 * @ids:	zeroed
 * @bits:	how wide they are
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM; -ERANGE: CPUs could hold all of them.
 */
int axv_vmids_init(struct axv_vmids *ids, unsigned int bits)
{
	/* 0 is not handed out, and one VMID has to be left when each CPU keeps its own. */
	if (num_possible_cpus() > BIT(bits) - 2)
		return -ERANGE;
	raw_spin_lock_init(&ids->lock);
	ids->count = BIT(bits);
	ids->next = 1;
	ids->generation = FIRST_GENERATION;
	ids->used = bitmap_zalloc(ids->count, GFP_KERNEL);
	ids->cpus = alloc_percpu(struct axv_vmid_cpu);
	if (ids->used && ids->cpus)
		return 0;
	axv_vmids_destroy(ids);
	return -ENOMEM;
}

/** axv_vmids_destroy() - free what axv_vmids_init() made */
void axv_vmids_destroy(struct axv_vmids *ids)
{
	free_percpu(ids->cpus);
	bitmap_free(ids->used);
}

static void next_generation(struct axv_vmids *ids)
{
	int cpu;

	ids->generation += FIRST_GENERATION;
	ids->next = 1;
	bitmap_zero(ids->used, ids->count);
	for_each_possible_cpu(cpu) {
		struct axv_vmid_cpu *c = per_cpu_ptr(ids->cpus, cpu);
		u64 active = atomic64_xchg(&c->active, 0);

		/* A CPU that has entered no VM in this generation keeps what it had. */
		if (active)
			c->reserved = active;
		__set_bit(c->reserved & VMID_MASK, ids->used);
		c->stale = true;
	}
}

/* A VMID of an older generation that some CPU still uses stays as it is. */
static bool keep_reserved(struct axv_vmids *ids, u64 old, u64 new)
{
	bool found = false;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct axv_vmid_cpu *c = per_cpu_ptr(ids->cpus, cpu);

		if (c->reserved != old)
			continue;
		c->reserved = new;
		found = true;
	}
	return found;
}

static u64 new_vmid(struct axv_vmids *ids, u64 old)
{
	u64 kept = ids->generation | (old & VMID_MASK);
	unsigned long vmid;

	if (old && keep_reserved(ids, old, kept))
		return kept;
	vmid = find_next_zero_bit(ids->used, ids->count, ids->next);
	if (vmid >= ids->count) {
		next_generation(ids);
		kept = ids->generation | (old & VMID_MASK);
		if (old && keep_reserved(ids, old, kept))
			return kept;
		vmid = find_next_zero_bit(ids->used, ids->count, ids->next);
	}
	__set_bit(vmid, ids->used);
	ids->next = vmid + 1;
	return ids->generation | vmid;
}

/**
 * axv_vmid_use() - the VMID of a VM that @cpu is about to enter
 * @ids:	all of them
 * @id:		&axv_arm64_vm.vmid, 0 at first; written under &axv_vmids.lock
 * @cpu:	this CPU
 * @stale:	out: the CPU has to forget all guests first
 *
 * The VM keeps the VMID until another VM comes to this CPU.
 *
 * Context: interrupts off.
 * Return: the VMID.
 */
u16 axv_vmid_use(struct axv_vmids *ids, u64 *id, int cpu, bool *stale)
{
	struct axv_vmid_cpu *c = per_cpu_ptr(ids->cpus, cpu);
	u64 mine = READ_ONCE(*id);

	*stale = false;
	/*
	 * If the generation ends right now, next_generation() finds this VMID active, and
	 * keeps it.
	 */
	if (likely(mine && atomic64_read(&c->active) == mine))
		return mine & VMID_MASK;

	raw_spin_lock(&ids->lock);
	mine = *id;
	if ((mine & ~VMID_MASK) != ids->generation) {
		mine = new_vmid(ids, mine);
		WRITE_ONCE(*id, mine);
	}
	atomic64_set(&c->active, mine);
	*stale = c->stale;
	c->stale = false;
	raw_spin_unlock(&ids->lock);
	return mine & VMID_MASK;
}

/**
 * axv_vmids_forget_cpu() - note that nothing is known of a CPU's TLB
 * @ids:	all of them
 * @cpu:	the CPU
 *
 * Context: interrupts off.
 */
void axv_vmids_forget_cpu(struct axv_vmids *ids, int cpu)
{
	struct axv_vmid_cpu *c = per_cpu_ptr(ids->cpus, cpu);

	raw_spin_lock(&ids->lock);
	c->stale = true;
	atomic64_set(&c->active, 0);
	raw_spin_unlock(&ids->lock);
}
