/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual CPU: its identity, its state machine and its owner.
 *
 * Nothing here knows an architecture, a file or an ioctl number.  A back end
 * embeds struct axv_vcpu as the first member of its own vCPU type.
 */
#ifndef _AXVCPU_VCPU_H
#define _AXVCPU_VCPU_H

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/swait.h>

#include <linux/axvcpu.h>

struct axv_arch_ops;
struct axv_vm;
struct pid;

/**
 * enum axv_request - why a vCPU has to leave the guest, or may not enter it
 * @AXV_REQ_KICK:	a kick is pending; ends one run
 * @AXV_REQ_EVENT:	an event was queued; the back end looks at its queue
 * @AXV_REQ_DEAD:	the VM's memory is gone; no entry any more
 *
 * Bit numbers in &axv_vcpu.requests.
 */
enum axv_request {
	AXV_REQ_KICK,
	AXV_REQ_EVENT,
	AXV_REQ_DEAD,
};

/**
 * enum axv_mode - where the vCPU's thread is, for those who have to reach it
 * @AXV_OUTSIDE_GUEST:	in the host; looks at its requests before it enters
 * @AXV_IN_GUEST:	in the guest or about to enter with interrupts off; an
 *			interrupt to its CPU brings it out
 */
enum axv_mode {
	AXV_OUTSIDE_GUEST,
	AXV_IN_GUEST,
};

/**
 * struct axv_current_scope - lifetime of one axv_set_current_vcpu()
 * @notifier:	keeps &axv_current following the thread
 * @vcpu:	the vCPU
 */
struct axv_current_scope {
	struct preempt_notifier notifier;
	struct axv_vcpu *vcpu;
};

/**
 * struct axv_vcpu - one virtual CPU
 * @vm:		the VM; a reference is held.  Constant.
 * @ops:	the back end, as @vm's.  Constant.
 * @ref:	released by axv_vcpu_put()
 * @rcu:	frees it after those who walk &axv_vm.vcpus under RCU
 * @id:		identity in the VM; 0 is the bootstrap processor.  Constant.
 * @favor_phys_cpu: host CPU it prefers, or -1; advice only.  Constant.
 * @hw_id:	what the guest sees (APIC id).  Constant.
 * @phys_cpu_set: host CPUs it may run on, if @has_cpu_set.  Constant.
 * @has_cpu_set: false: it may run anywhere.  Constant.
 * @lock:	guards @owner against being freed, and the back end's queue of
 *		injected events.  Raw: taken with interrupts off, by injection
 *		from any context.  Never held while an operation runs.
 * @state:	an &enum axv_vcpu_state.  Written by the holder of the claim;
 *		read by others where a stale value does no harm.
 * @claimed:	an operation is acting on the vCPU.  Tried once, never waited for;
 *		taken with acquire and given back with release semantics, so
 *		its holder sees all that the operation before did.
 * @owner:	thread that bound it, a reference is held; NULL unless the state
 *		is Ready, Running or Blocked.  Written under @lock by the holder
 *		of the claim.
 * @cpu:	host CPU it was bound on or last loaded on, -1 in Created and
 *		Free; belongs to the holder of the claim
 * @requests:	bits by &enum axv_request; atomic
 * @mode:	an &enum axv_mode; the pairing of barriers is described in
 *		Documentation/axvcpu/locking.rst
 * @wait:	where the thread sleeps in state Blocked
 * @notify_resume: TIF_NOTIFY_RESUME of the thread was put off to the end of the
 *		run; belongs to the holder of the claim
 * @loaded_cpu:	host CPU whose hardware holds it, or -1.  Written only on that
 *		CPU with interrupts off; from -1 only by the holder of the claim.
 * @held:	in that CPU's list of those it holds; written with @loaded_cpu
 * @run:	the run page; shared with the VMM and therefore hostile
 * @scope:	of the run, which has the vCPU current; belongs to the holder of
 *		the claim
 * @stats:	counters.  @stats.kicks is written under @lock, the rest by the
 *		holder of the claim; read without a lock.
 * @debugfs:	directory of the counters
 */
struct axv_vcpu {
	struct axv_vm *vm;
	const struct axv_arch_ops *ops;
	struct kref ref;
	struct rcu_head rcu;
	u32 id;
	int favor_phys_cpu;
	u64 hw_id;
	cpumask_var_t phys_cpu_set;
	bool has_cpu_set;

	raw_spinlock_t lock;
	u8 state;
	bool claimed;
	struct pid *owner;
	int cpu;

	unsigned long requests;
	int mode;
	struct swait_queue_head wait;
	bool notify_resume;
	int loaded_cpu;
	struct hlist_node held;

	struct axv_run *run;
	struct axv_current_scope scope;
	struct axv_stats stats;
	struct dentry *debugfs;
};

/*
 * state.c: claim, act, publish.
 */

/**
 * typedef axv_action_t - what with_state_transition runs between two states
 * @vcpu:	the claimed vCPU
 * @arg:	as handed to axv_with_state_transition()
 *
 * Return: 0, or a negative error, which makes the vCPU Invalid.
 */
typedef int (*axv_action_t)(struct axv_vcpu *vcpu, void *arg);

int axv_claim(struct axv_vcpu *vcpu, u8 from, u8 during);
void axv_publish(struct axv_vcpu *vcpu, u8 to);
int axv_claim_any(struct axv_vcpu *vcpu, u32 states);
int axv_claim_owned(struct axv_vcpu *vcpu, u32 states);
int axv_claim_bind(struct axv_vcpu *vcpu, bool adopt);
int axv_claim_reset(struct axv_vcpu *vcpu);
void axv_own(struct axv_vcpu *vcpu, int cpu);
void axv_unclaim(struct axv_vcpu *vcpu);
int axv_with_state_transition(struct axv_vcpu *vcpu, u8 from, u8 to,
			      axv_action_t action, void *arg);
int axv_with_current_cpu_set(struct axv_vcpu *vcpu, axv_action_t action,
			     void *arg);
int axv_manipulate_arch_vcpu(struct axv_vcpu *vcpu, u8 from, u8 to,
			     axv_action_t action, void *arg);
int axv_transition_state(struct axv_vcpu *vcpu, u8 from, u8 to);
#if IS_ENABLED(CONFIG_KUNIT)
void axv_set_state(struct axv_vcpu *vcpu, u8 state);
#endif

/* Sets of states for axv_claim_any() and axv_claim_owned(). */
#define AXV_STATE_BIT(state)	(1u << (state))
#define AXV_STATES_AT_REST	(AXV_STATE_BIT(AXV_STATE_INVALID) | \
				 AXV_STATE_BIT(AXV_STATE_CREATED) | \
				 AXV_STATE_BIT(AXV_STATE_FREE) | \
				 AXV_STATE_BIT(AXV_STATE_READY))
#define AXV_STATES_SET_UP	(AXV_STATE_BIT(AXV_STATE_FREE) | \
				 AXV_STATE_BIT(AXV_STATE_READY))
#define AXV_STATES_NOT_SET_UP	(AXV_STATE_BIT(AXV_STATE_CREATED) | \
				 AXV_STATE_BIT(AXV_STATE_FREE))

/**
 * axv_vcpu_state() - the state of a vCPU, at this moment
 * @vcpu:	any vCPU
 *
 * Context: any; takes no lock.
 * Return: an &enum axv_vcpu_state.
 */
static inline u8 axv_vcpu_state(const struct axv_vcpu *vcpu)
{
	return READ_ONCE(vcpu->state);
}

/*
 * vcpu.c: the object and its operations.
 */

/**
 * struct axv_vcpu_config - identity of a vCPU that is to be created
 * @id:		below AXV_MAX_VCPUS, not taken yet
 * @hw_id:	what the guest sees; the back end bounds it
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
void axv_vcpu_get(struct axv_vcpu *vcpu);
void axv_vcpu_put(struct axv_vcpu *vcpu);
void axv_vcpu_close(struct axv_vcpu *vcpu);
int axv_vcpu_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup);
int axv_vcpu_bind(struct axv_vcpu *vcpu, bool adopt);
int axv_vcpu_unbind(struct axv_vcpu *vcpu);
int axv_vcpu_run(struct axv_vcpu *vcpu);
int axv_vcpu_reset(struct axv_vcpu *vcpu);
void axv_vcpu_kick(struct axv_vcpu *vcpu);
int axv_vcpu_inject(struct axv_vcpu *vcpu, const struct axv_inject *event);
int axv_inject_interrupt(struct axv_vcpu *vcpu, u32 vector);
int axv_set_entry(struct axv_vcpu *vcpu, u64 entry);
int axv_set_gpr(struct axv_vcpu *vcpu, unsigned int reg, u64 value);
int axv_set_return_value(struct axv_vcpu *vcpu, u64 value);
int axv_get_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count);
int axv_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, u32 count);
int axv_vcpu_sync(struct axv_vcpu *vcpu);
int axv_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size);
int axv_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size);
int axv_vcpu_block(struct axv_vcpu *vcpu);
bool __axv_has_user_work(struct axv_vcpu *vcpu, unsigned long flags);
void axv_request(struct axv_vcpu *vcpu, enum axv_request request);
void axv_vcpu_get_state(struct axv_vcpu *vcpu, struct axv_state *state);

static inline u32 axv_vcpu_id(const struct axv_vcpu *vcpu)
{
	return vcpu->id;
}

u32 axv_vcpu_vm_id(const struct axv_vcpu *vcpu);

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

static inline bool axv_test_request(const struct axv_vcpu *vcpu,
				    enum axv_request request)
{
	return test_bit(request, &vcpu->requests);
}

/**
 * axv_take_request() - is it pending?  If so, no longer
 * @vcpu:	vCPU whose claim the caller holds
 * @request:	which one
 */
static inline bool axv_take_request(struct axv_vcpu *vcpu,
				    enum axv_request request)
{
	return test_bit(request, &vcpu->requests) &&
	       test_and_clear_bit(request, &vcpu->requests);
}

/* Work of the thread that only its way back to user mode does. */
#define AXV_USER_WORK	(_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL | \
			 _TIF_NOTIFY_RESUME)

/**
 * axv_has_user_work() - does it end the run?
 * @vcpu:	vCPU that this thread runs
 * @flags:	read_thread_flags()
 *
 * Context: process context, interrupts on or off.
 */
static inline bool axv_has_user_work(struct axv_vcpu *vcpu, unsigned long flags)
{
	return unlikely(flags & AXV_USER_WORK) &&
	       __axv_has_user_work(vcpu, flags);
}

/*
 * current.c: the current vCPU of this CPU, the ones its hardware holds, and the
 * one in front of them, loaded last.
 */
DECLARE_PER_CPU(struct axv_vcpu *, axv_current);
DECLARE_PER_CPU(struct axv_vcpu *, axv_loaded);
DECLARE_PER_CPU(struct hlist_head, axv_held);

/**
 * axv_get_current_vcpu() - the vCPU this thread is acting on
 *
 * It is set around every call into a back end and follows the thread when it
 * is preempted, so a back end may ask at any time.
 *
 * Context: any thread context; preemption may be on, since the answer belongs
 * to the thread.
 * Return: the vCPU, or NULL.
 */
static inline struct axv_vcpu *axv_get_current_vcpu(void)
{
	struct axv_vcpu *vcpu;

	preempt_disable();
	vcpu = __this_cpu_read(axv_current);
	preempt_enable();
	return vcpu;
}

#if IS_ENABLED(CONFIG_KUNIT)
extern unsigned int axv_nesting_expected;
#endif

void axv_current_enable(void);
void axv_current_disable(void);
int axv_set_current_vcpu(struct axv_current_scope *scope,
			 struct axv_vcpu *vcpu);
void axv_clear_current_vcpu(struct axv_current_scope *scope);

void __axv_vcpu_load(struct axv_vcpu *vcpu, int cpu);
void axv_vcpu_evict(struct axv_vcpu *vcpu);
void axv_evict_this_cpu(void);
void axv_kick_init(void);
void axv_kick_cpu(int cpu);
void axv_kick_flush(void);

/**
 * axv_vcpu_load() - make this CPU's hardware hold the vCPU, before all others
 * @vcpu:	vCPU whose claim the caller holds
 *
 * Nothing to do when it is already there: that is what a sticky bind buys.
 *
 * Where virtualization is off nothing is loaded; the entry finds that out by
 * axv_hardware_is_enabled().
 *
 * Context: preemption off, interrupts on.
 */
static inline void axv_vcpu_load(struct axv_vcpu *vcpu)
{
	int cpu = smp_processor_id();

	if (likely(__this_cpu_read(axv_loaded) == vcpu &&
		   READ_ONCE(vcpu->loaded_cpu) == cpu))
		return;
	__axv_vcpu_load(vcpu, cpu);
}

#endif /* _AXVCPU_VCPU_H */
