// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to vCPUs, and the interrupts that make a CPU look at them.
 */
#include <linux/atomic.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/swait.h>

#include <axvcpu/request.h>
#include <axvcpu/vcpu.h>

/*
 * Kicking another CPU out of a guest.  All that matters is that an interrupt arrives there
 * after the request was written, so one in flight is enough for any number of senders:
 * @axv_kick_pending says that its handler has yet to begin.  A sender has interrupts off
 * from setting the flag until the interrupt is queued: other senders rely on that
 * interrupt, and otherwise wait until the sender that set the flag gets its own CPU back.
 */
static DEFINE_PER_CPU(call_single_data_t, axv_kick_csd);
static DEFINE_PER_CPU(atomic_t, axv_kick_pending);

static void kicked(void *info)
{
	/*
	 * The call data is free for the next sender by now.  A sender that found the flag
	 * set had written its request before; all it wanted is that this CPU is
	 * interrupted.
	 */
	atomic_set(this_cpu_ptr(&axv_kick_pending), 0);
}

/**
 * axv_kick_init() - prepare each CPU's call data for axv_kick_cpu()
 *
 * Not an initializer: a module's per-CPU data is not relocated, so it cannot
 * hold the address of a function.
 */
void axv_kick_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_CSD(per_cpu_ptr(&axv_kick_csd, cpu), kicked, NULL);
}

/**
 * axv_kick_cpu() - interrupt a CPU
 * @cpu:	host CPU
 *
 * Context: any but NMI; does not wait.
 */
void axv_kick_cpu(int cpu)
{
	atomic_t *pending = per_cpu_ptr(&axv_kick_pending, cpu);
	unsigned long flags;

	local_irq_save(flags);
	/*
	 * atomic_xchg() is a full barrier, so the caller's request is written before.
	 * Nothing can be sent to a CPU that is offline, which runs no guest either.
	 */
	if (!atomic_xchg(pending, 1) &&
	    smp_call_function_single_async(cpu, per_cpu_ptr(&axv_kick_csd, cpu)))
		atomic_set(pending, 0);
	local_irq_restore(flags);
}

/**
 * axv_request() - make a request of a vCPU, and bring it out of the guest or its sleep
 * @vcpu:	any vCPU
 * @request:	what
 *
 * When this returns, the vCPU will see the request before it enters the guest
 * again, and before it sleeps again.  What the caller has written before is seen by
 * the vCPU that takes the request.
 *
 * Context: any but NMI; does not wait.
 */
void axv_request(struct axv_vcpu *vcpu, enum axv_request request)
{
	union axv_where where;

	/*
	 * Pairs with axv_take_request(), which is a full barrier if it takes a request.
	 * That the caller released a lock before is not enough: the vCPU could see the bit
	 * first, take the request, and miss what the bit was set for.
	 */
	smp_mb__before_atomic();
	set_bit(request, &vcpu->requests);

	/*
	 * Pairs with the barrier of an entry, between writing the mode and
	 * reading the requests, and with the one in prepare_to_swait().
	 */
	smp_mb__after_atomic();
	where = axv_where(vcpu);
	/* The local CPU needs no interrupt: it runs this code, not a guest. */
	if (where.mode == AXV_IN_GUEST && where.loaded_cpu >= 0 &&
	    where.loaded_cpu != raw_smp_processor_id())
		axv_kick_cpu(where.loaded_cpu);
	if (swait_active(&vcpu->wait)) {
		/*
		 * Set before the thread is woken: the flag is cleared when the thread gets a CPU.
		 */
		WRITE_ONCE(vcpu->wants_cpu, true);
		swake_up_one(&vcpu->wait);
	}
}

/**
 * axv_kick_in_flight() - is an interrupt on its way to a CPU?
 * @cpu:	host CPU
 *
 * Context: any.
 */
bool axv_kick_in_flight(int cpu)
{
	return atomic_read(per_cpu_ptr(&axv_kick_pending, cpu));
}

/**
 * axv_kick_flush() - wait until no interrupt of axv_kick_cpu() is in flight
 *
 * Context: may sleep; axv_kick_cpu() is not called any more.
 */
void axv_kick_flush(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		while (axv_kick_in_flight(cpu))
			cond_resched();

	/* Handlers run with interrupts off: let the last ones return. */
	synchronize_rcu();
}
