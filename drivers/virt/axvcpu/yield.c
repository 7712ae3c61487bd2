// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU that spins gives its CPU to another vCPU of its VM, with AXV_VM_YIELD_ON_SPIN.
 *
 * A spinning vCPU most likely waits for another vCPU of the VM: for a lock that the other
 * one holds, or for an answer to an interrupt.  If the host's scheduler has taken the
 * CPU away from that other vCPU, the spinning one wastes its whole time slice.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "yield.h"

/*
 * After so many refusals the spinning vCPU goes on.  Each offer locks the run queue of
 * another CPU.
 */
#define MAX_OFFERS	4

/* Its thread, with a reference, if the vCPU would run and has no CPU. */
static struct task_struct *waiting_thread(struct axv_vcpu *vcpu)
{
	struct task_struct *task = NULL;
	unsigned long flags;

	if (!READ_ONCE(vcpu->wants_cpu))
		return NULL;
	raw_spin_lock_irqsave(&vcpu->lock, flags);
	/* A vCPU that was woken stays Blocked until its thread has a CPU. */
	if (vcpu->state == AXV_STATE_RUNNING || vcpu->state == AXV_STATE_BLOCKED)
		task = get_pid_task(vcpu->owner, PIDTYPE_PID);
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
	return task;
}

/**
 * axv_yield_find() - the next vCPU of a VM that would run if it had a CPU
 * @vcpu:	vCPU that spins; it is not found itself
 * @id:		id behind which the search begins; out: id of the vCPU that was found
 *
 * The ids are gone through in a circle, so the vCPU of @id itself is looked at last.
 *
 * Context: process context; takes &axv_vcpu.lock of other vCPUs.
 * Return: the thread of the vCPU that was found, with a reference; NULL if there is none.
 */
struct task_struct *axv_yield_find(struct axv_vcpu *vcpu, u32 *id)
{
	const unsigned long parts[][2] = { { *id + 1ul, ULONG_MAX }, { 0, *id } };
	struct task_struct *task = NULL;
	struct axv_vcpu *other;
	unsigned long at;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(parts) && !task; i++) {
		xa_for_each_range(&vcpu->vm->vcpus, at, other, parts[i][0], parts[i][1]) {
			if (other == vcpu)
				continue;
			task = waiting_thread(other);
			if (!task)
				continue;
			*id = at;
			break;
		}
	}
	rcu_read_unlock();
	return task;
}

/* Offer the CPU to one vCPU after the other.  False: none has taken it. */
static bool offer(struct axv_vcpu *vcpu)
{
	struct axv_vm *vm = vcpu->vm;
	u32 id = READ_ONCE(vm->yielded), refused = U32_MAX;
	unsigned int i;

	for (i = 0; i < MAX_OFFERS; i++) {
		struct task_struct *task = axv_yield_find(vcpu, &id);
		int yielded;

		if (!task)
			return false;
		/* All of them have been asked. */
		if (id == refused) {
			put_task_struct(task);
			return false;
		}
		/*
		 * Fails for a thread that runs meanwhile, that has another scheduling class,
		 * or whose group has used up its time.
		 */
		yielded = yield_to(task, true);
		put_task_struct(task);
		/* The next call begins behind a vCPU that has refused, too. */
		WRITE_ONCE(vm->yielded, id);
		if (yielded > 0)
			return true;
		if (refused == U32_MAX)
			refused = id;
	}
	return false;
}

/**
 * axv_vcpu_yield() - have a vCPU of the VM that waits for a CPU run instead of one that spins
 * @vcpu:	vCPU that spins; its claim is the caller's
 *
 * Each call begins behind the vCPU that was asked last, so that all of them have their
 * turn.  &axv_vm.yielded is no more than a hint: vCPUs that spin at the same time write it
 * in any order.  After a call in vain the vCPU asks no other one until the next tick:
 * otherwise a guest that spins for ever would lock other CPUs' run queues without end.
 *
 * Context: process context, preemption on; may schedule.
 */
void axv_vcpu_yield(struct axv_vcpu *vcpu)
{
	/* A kick or a signal ends the run now, not after another vCPU's time slice. */
	if (time_after_eq(vcpu->yield_tick, jiffies) || READ_ONCE(vcpu->requests) ||
	    signal_pending(current))
		return;
	if (offer(vcpu))
		axv_count(&vcpu->stats.yields, 1);
	else
		vcpu->yield_tick = jiffies;
}
