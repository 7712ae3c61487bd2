/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual CPU: the object, and the operations on it.
 *
 * Nothing here knows an architecture, a file or an ioctl number.  A back end
 * embeds struct axv_vcpu as the first member of its own vCPU type.
 */
#ifndef _AXVCPU_VCPU_H
#define _AXVCPU_VCPU_H

#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/swait.h>
#include <asm/barrier.h>

#include <linux/axvcpu.h>

#include <axvcpu/stage2.h>

struct axv_arch_ops;
struct axv_vm;
struct pid;

/**
 * struct axv_last_fault - the last fault of the second stage that was resolved
 * @gpa:	its page
 * @seq:	sum of &axv_vm.mmu_seq and &axv_stage2.protections when the fault was seen
 * @access:	AXV_ACCESS_*
 * @count:	how often the fault came although the page was mapped and nothing had
 *		changed
 */
struct axv_last_fault {
	u64 gpa;
	unsigned long seq;
	u32 access;
	u32 count;
};

/**
 * union axv_where - where a vCPU is, read as one word
 * @mode:	an &enum axv_mode
 * @loaded_cpu:	see &axv_vcpu.loaded_cpu
 * @word:	both
 */
union axv_where {
	struct {
		int mode;
		int loaded_cpu;
	};
	u64 word;
};

/**
 * struct axv_hole - addresses without a region, where a vCPU met a device before
 * @start:	first of them
 * @end:	one past the last of them; 0: none is known
 * @seq:	&axv_vm.mmu_seq when they were looked up; once that has changed, nothing is
 *		known
 */
struct axv_hole {
	u64 start;
	u64 end;
	unsigned long seq;
};

/**
 * struct axv_vcpu - one virtual CPU
 * @lock:	guards @state, @claim, @awaited, @operations and @owner, and the back
 *		end's queue of injected events.  Raw: taken with interrupts off, by
 *		injection from any context.  Never held while an operation runs.
 * @state:	an &enum axv_vcpu_state.  Written under @lock by the holder of the claim,
 *		which therefore reads it without @lock; other threads do so where a stale
 *		value does no harm.
 * @claim:	an &enum axv_claim: what acts on the vCPU.  Under @lock: it is given back
 *		and taken there, so the next holder sees all that the previous one did.
 * @awaited:	operations that wait for a read to end; no read begins meanwhile.
 *		Under @lock.
 * @operations:	operations begun so far; tells a read in several batches that one came
 *		in between.  Under @lock.
 * @owner:	thread that bound it, a reference is held; NULL unless the state
 *		is Ready, Running or Blocked.  Under @lock, and changed by the
 *		holder of the claim alone.
 * @read_lock:	held by a read, and so for one batch; an operation that finds a read
 *		takes it to wait for the end of the read.  Raw, taken with interrupts
 *		on and outside @lock.
 * @vm:		the VM; a reference is held.  Constant.
 * @ops:	the back end, as @vm's.  Constant.
 * @ref:	released by axv_vcpu_put()
 * @rcu:	frees it after walks of &axv_vm.vcpus under RCU
 * @id:		identity in the VM; 0 is the bootstrap processor.  Constant.
 * @favor_phys_cpu: host CPU it prefers, or -1; advice only.  Constant.
 * @hw_id:	number by which the guest knows it (APIC id).  Constant.
 * @phys_cpu_set: host CPUs it may run on, if @has_cpu_set.  Constant.
 * @has_cpu_set: false: it may run anywhere.  Constant.
 * @cpu:	host CPU it was bound on or last loaded on, -1 in Invalid, Created and Free;
 *		belongs to the holder of the claim, and is shown by debugfs and fdinfo
 * @requests:	bits by &enum axv_request; atomic
 * @mode:	an &enum axv_mode; the pairing of barriers is described in
 *		Documentation/axvcpu/locking.rst
 * @wait:	where the thread sleeps in state Blocked
 * @notify_resume: TIF_NOTIFY_RESUME of the thread was put off to the end of the
 *		run; belongs to the holder of the claim
 * @routes_wait: a route found the queue full, or the vCPU Invalid; written under @lock
 * @loaded_cpu:	host CPU whose hardware holds it, or -1.  Written only on that
 *		CPU with interrupts off; from -1 only by the holder of the claim.
 * @where:	@mode and @loaded_cpu, for other CPUs to read.  On a line of its own:
 *		each entry and exit writes it.
 * @held:	in &axv_held of that CPU; written with @loaded_cpu
 * @run:	the run page; shared with the VMM and therefore hostile
 * @notifier:	preempt notifier, which has &axv_current follow the thread that has the
 *		claim; belongs to that thread
 * @wants_cpu:	the thread would run and has no CPU: the scheduler has taken it away, or
 *		the thread was woken from a halt.  Cleared when the thread has a CPU.  A
 *		hint, which may be stale, without a lock
 * @yield_tick:	jiffies when it spun and no other vCPU took its CPU; belongs to the
 *		holder of the claim
 * @stats:	counters.  @stats.kicks is written under @lock, the rest by the
 *		holder of the claim, both by axv_count(); read without a lock.
 * @last_fault:	tells a fault that makes no progress; belongs to the holder of
 *		the claim
 * @hole:	addresses without a region, found at device exits; belongs to the holder of
 *		the claim
 * @tables:	table pages for the next fault; belong to the holder of the claim
 * @debugfs:	directory of the counters
 */
struct axv_vcpu {
	raw_spinlock_t lock;
	u8 state;
	u8 claim;
	u16 awaited;
	unsigned long operations;
	struct pid *owner;
	raw_spinlock_t read_lock;

	struct axv_vm *vm;
	const struct axv_arch_ops *ops;
	struct kref ref;
	struct rcu_head rcu;
	u32 id;
	int favor_phys_cpu;
	u64 hw_id;
	cpumask_var_t phys_cpu_set;
	bool has_cpu_set;

	int cpu;
	unsigned long requests;
	bool notify_resume;
	bool routes_wait;
	struct hlist_node held;

	union {
		struct {
			int mode;
			int loaded_cpu;
		};
		union axv_where where;
	} ____cacheline_aligned_in_smp;

	struct swait_queue_head wait ____cacheline_aligned_in_smp;

	struct axv_run *run;
	struct preempt_notifier notifier;
	bool wants_cpu;
	unsigned long yield_tick;
	struct axv_stats stats;
	struct axv_last_fault last_fault;
	struct axv_hole hole;
	struct axv_s2_cache tables;
	struct dentry *debugfs;
};

/**
 * axv_where() - where a vCPU is
 * @vcpu:	any vCPU
 *
 * If the vCPU is found outside the guest, the caller sees all that the guest has stored,
 * see axv_left_guest().
 */
static inline union axv_where axv_where(const struct axv_vcpu *vcpu)
{
	union axv_where where;

	/* Pairs with axv_left_guest(). */
	where.word = smp_load_acquire(&vcpu->where.word);
	return where;
}

/**
 * axv_count() - count in &axv_vcpu.stats
 * @counter:	one of them; no other thread writes it now
 * @n:		how many more
 */
static __always_inline void axv_count(u64 *counter, s64 n)
{
	/*
	 * A thread that reads the counter meanwhile gets the old number or the new one; both are
	 * good.  With WRITE_ONCE() instead the compiler could not add by one instruction.
	 */
	data_race(*counter += n);
}

static_assert(offsetof(struct axv_vcpu, where) % SMP_CACHE_BYTES == 0);
static_assert(offsetof(struct axv_vcpu, wait) - offsetof(struct axv_vcpu, where) >=
	      SMP_CACHE_BYTES);

/*
 * vcpu.c: the object and its operations.
 */

/**
 * struct axv_vcpu_config - identity of a vCPU that is to be created
 * @id:		below axv_max_vcpus(), not taken yet
 * @hw_id:	number by which the guest knows it; the back end bounds it
 * @favor_phys_cpu: host CPU or -1
 * @phys_cpu_set: host CPUs, or NULL: anywhere
 */
struct axv_vcpu_config {
	u32 id;
	u64 hw_id;
	int favor_phys_cpu;
	const struct cpumask *phys_cpu_set;
};

struct axv_vcpu *axv_vcpu_new(struct axv_vm *vm,
			      const struct axv_vcpu_config *config);
void axv_vcpu_put(struct axv_vcpu *vcpu);
void axv_vcpu_close(struct axv_vcpu *vcpu);
int axv_vcpu_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup);
int axv_vcpu_bind(struct axv_vcpu *vcpu, bool adopt);
int axv_vcpu_unbind(struct axv_vcpu *vcpu);
int axv_vcpu_run(struct axv_vcpu *vcpu);
int axv_vcpu_reset(struct axv_vcpu *vcpu);
void axv_vcpu_kick(struct axv_vcpu *vcpu);
int axv_vcpu_inject(struct axv_vcpu *vcpu, const struct axv_inject *event);
int axv_vcpu_inject_routed(struct axv_vcpu *vcpu, const struct axv_inject *event);
int axv_get_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count);
int axv_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count);
int axv_vcpu_sync(struct axv_vcpu *vcpu);
int axv_vcpu_block(struct axv_vcpu *vcpu);
void axv_vcpu_yield(struct axv_vcpu *vcpu);

static inline u32 axv_vcpu_id(const struct axv_vcpu *vcpu)
{
	return vcpu->id;
}

static inline int axv_vcpu_favor_phys_cpu(const struct axv_vcpu *vcpu)
{
	return vcpu->favor_phys_cpu;
}

/**
 * axv_vcpu_phys_cpu_set() - host CPUs the vCPU may run on
 * @vcpu:	any vCPU
 *
 * Return: the set, or NULL: anywhere.
 */
static inline const struct cpumask *
axv_vcpu_phys_cpu_set(const struct axv_vcpu *vcpu)
{
	return vcpu->has_cpu_set ? vcpu->phys_cpu_set : NULL;
}

static inline bool axv_vcpu_is_bsp(const struct axv_vcpu *vcpu)
{
	return vcpu->id == 0;
}

/**
 * axv_vcpu_may_run_on() - is a host CPU in the vCPU's set?
 * @vcpu:	any vCPU
 * @cpu:	a host CPU
 */
static inline bool axv_vcpu_may_run_on(const struct axv_vcpu *vcpu, int cpu)
{
	return !vcpu->has_cpu_set || cpumask_test_cpu(cpu, vcpu->phys_cpu_set);
}

#endif /* _AXVCPU_VCPU_H */
