// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer (Intel SDM vol. 3A, "APIC Timer"): one-shot, periodic, and TSC
 * deadline.
 *
 * An hrtimer stands in for it.  Its callback sets one bit and asks for AXV_REQ_EVENT; the
 * holder of the claim turns that into an interrupt, and starts the next period.  So a
 * guest has one tick under way at most, whatever period it asks for.
 */
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/smp.h>
#include <linux/xarray.h>
#include <asm/tsc.h>

#include <axvcpu/compat.h>
#include <axvcpu/request.h>
#include <axvcpu/vm.h>

#include "events.h"
#include "lapic.h"
#include "tsc.h"

/*
 * The bus clock is 1 GHz: the count goes down by one in as many nanoseconds as the divisor says.
 * A periodic timer has a period of PERIOD_MIN nanoseconds at least.
 */
#define PERIOD_MIN	(100 * NSEC_PER_USEC)

#define MODE		(APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE)

#define START_MODE	HRTIMER_MODE_ABS_PINNED_HARD

static u32 mode(struct axv_lapic *lapic)
{
	return *axv_lapic_reg(lapic, APIC_LVTT) & MODE;
}

/* SDM, "Divide Configuration Register": 0 divides by 2, 0b1010 by 128, 0b1011 by 1. */
static unsigned int divide_shift(u32 tdcr)
{
	return ((tdcr & 3) + ((tdcr & 8) >> 1) + 1) & 7;
}

static unsigned int shift(struct axv_lapic *lapic)
{
	return divide_shift(*axv_lapic_reg(lapic, APIC_TDCR));
}

static enum hrtimer_restart expired(struct hrtimer *hrtimer)
{
	struct axv_lapic *lapic = container_of(hrtimer, struct axv_lapic, timer.hrtimer);

	WRITE_ONCE(lapic->timer.tick, true);
	axv_request(&lapic->x->base, AXV_REQ_EVENT);
	return HRTIMER_NORESTART;
}

/**
 * axv_lapic_timer_init() - initialize the timer of a new APIC
 * @lapic:	zeroed except @lapic->x
 */
void axv_lapic_timer_init(struct axv_lapic *lapic)
{
	raw_spin_lock_init(&lapic->timer.lock);
	hrtimer_init(&lapic->timer.hrtimer, CLOCK_MONOTONIC, START_MODE);
	lapic->timer.hrtimer.function = expired;
	lapic->timer.cpu = -1;
}

static void start(struct axv_lapic_timer *timer, ktime_t expiry)
{
	lockdep_assert_held(&timer->lock);
	WRITE_ONCE(timer->cpu, raw_smp_processor_id());
	hrtimer_start(&timer->hrtimer, expiry, START_MODE);
}

/* Times beyond 2^40 ms are cut to that; otherwise the product overflows. */
static u64 tsc_to_ns(u64 ticks)
{
	/*
	 * tsc_khz is 0 if the host does not know the rate of its TSC.  Deadlines are of no use
	 * then, but the division below must not fault.
	 */
	u64 khz = tsc_khz ?: 1;

	return mul_u64_u64_div_u64(min(ticks, khz << 40), NSEC_PER_MSEC, khz);
}

/*
 * Called under &axv_lapic_timer.lock: otherwise the VM's clock may change before the timer
 * starts.
 */
static void start_deadline(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	u64 now = axv_x86_guest_tsc(lapic->x), left = 0;

	if (timer->deadline > now)
		left = tsc_to_ns(timer->deadline - now);
	start(timer, ktime_add_ns(ktime_get(), left));
}

static void write_deadline(struct axv_lapic *lapic, u64 deadline)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	timer->deadline = deadline;
	if (deadline)
		start_deadline(lapic);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/* Start the timer in one-shot or periodic mode. */
static void start_count(struct axv_lapic *lapic, ktime_t expiry)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	timer->expiry = expiry;
	start(timer, expiry);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/**
 * axv_lapic_timer_stop() - stop the timer, in any mode
 * @lapic:	APIC of a vCPU whose claim the caller holds, or that no thread uses
 *
 * Context: waits for the callback, which waits for nothing.  No lock is held.
 */
void axv_lapic_timer_stop(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;

	/* The deadline first: otherwise a change of the VM's clock may start it again. */
	write_deadline(lapic, 0);
	timer->period = 0;
	hrtimer_cancel(&timer->hrtimer);
	WRITE_ONCE(timer->tick, false);
}

static u64 period(struct axv_lapic *lapic, u32 count)
{
	u64 ns = (u64)count << shift(lapic);

	/* With a shorter period the host would only interrupt the guest for its next tick. */
	if (mode(lapic) == APIC_LVT_TIMER_PERIODIC)
		ns = max_t(u64, ns, PERIOD_MIN);
	return ns;
}

static void next_period(struct axv_lapic *lapic, ktime_t now)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	ktime_t next = ktime_add_ns(timer->expiry, timer->period);

	/* All periods that were missed together make one tick. */
	if (next <= now)
		next = ktime_add_ns(next, (div64_u64(now - next, timer->period) + 1) *
					  timer->period);
	/*
	 * The shortest period begins when the tick is taken.  Otherwise a host that needs as
	 * long for a tick does nothing else, and the guest never runs.
	 */
	if (timer->period <= PERIOD_MIN)
		next = ktime_add_ns(now, PERIOD_MIN);
	start_count(lapic, next);
}

/* Has the present count ended?  If not, a tick is that of an earlier count. */
static bool is_over(const struct axv_lapic_timer *timer, ktime_t now)
{
	return timer->period && timer->expiry <= now;
}

/**
 * axv_lapic_timer_ticked() - read AXV_X86_LAPIC_TICK
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * True also for a count that has ended while its callback has yet to run.  Always false in
 * TSC-deadline mode, where AXV_X86_LAPIC_DEADLINE is enough: the deadline stays until its
 * interrupt is pending.
 */
bool axv_lapic_timer_ticked(struct axv_lapic *lapic)
{
	if (mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE)
		return false;
	return READ_ONCE(lapic->timer.tick) || is_over(&lapic->timer, ktime_get());
}

static void take_at(struct axv_lapic *lapic, ktime_t now)
{
	struct axv_lapic_timer *timer = &lapic->timer;

	WRITE_ONCE(timer->tick, false);
	if (mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE) {
		/* The timer was stopped, or its tick taken, since it expired. */
		if (!timer->deadline)
			return;
		if (axv_x86_guest_tsc(lapic->x) < timer->deadline) {
			write_deadline(lapic, timer->deadline);
			return;
		}
		write_deadline(lapic, 0);
	} else if (is_over(timer, now)) {
		if (mode(lapic) == APIC_LVT_TIMER_PERIODIC)
			next_period(lapic, now);
		else
			timer->period = 0;
	}
	axv_lapic_local(lapic, APIC_LVTT);
}

/**
 * axv_lapic_timer_take() - turn a tick that has come into an interrupt
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * If the VM's clock was set back meanwhile and has not reached the deadline after all,
 * the timer is started again.
 *
 * Context: interrupts may be off.
 */
void axv_lapic_timer_take(struct axv_lapic *lapic)
{
	if (unlikely(READ_ONCE(lapic->timer.tick)))
		take_at(lapic, ktime_get());
}

/**
 * axv_lapic_timer_settle() - bring the timer up to date before the guest uses it
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * The guest is about to read or to write the timer.  If the timer has expired, its interrupt
 * is raised now, even if the callback has yet to run, which is late on a busy host.  Otherwise
 * the guest sees the count end without its interrupt, or its write takes the interrupt away.
 *
 * @tick is read first, then the clock.  Otherwise a count that ends between the two reads has
 * ticked but does not seem to be over, so that no thread starts its next period.
 *
 * Context: interrupts may be off.
 * Return: the time that it took from the clock.
 */
ktime_t axv_lapic_timer_settle(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	bool over, ticked = READ_ONCE(timer->tick);
	ktime_t now;

	/* The callback sets @tick when the clock has reached the expiry. */
	smp_rmb();
	now = ktime_get();

	if (mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE)
		over = timer->deadline && timer->deadline <= axv_x86_guest_tsc(lapic->x);
	else
		over = is_over(timer, now);
	if (over)
		hrtimer_cancel(&timer->hrtimer);
	if (over || ticked)
		take_at(lapic, now);
	return now;
}

/**
 * axv_lapic_timer_set_mode() - write the timer's entry in the LVT
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @lvtt:	its new value
 *
 * A change to or from TSC-deadline mode stops the timer (SDM, "TSC-Deadline Mode").
 *
 * Context: interrupts may be off.
 */
void axv_lapic_timer_set_mode(struct axv_lapic *lapic, u32 lvtt)
{
	axv_lapic_timer_settle(lapic);
	if (((mode(lapic) ^ lvtt) & MODE) &&
	    ((mode(lapic) | lvtt) & APIC_LVT_TIMER_TSCDEADLINE)) {
		axv_lapic_timer_stop(lapic);
		*axv_lapic_reg(lapic, APIC_TMICT) = 0;
	}
	*axv_lapic_reg(lapic, APIC_LVTT) = lvtt;
	if (lapic->timer.period)
		lapic->timer.period = period(lapic, *axv_lapic_reg(lapic, APIC_TMICT));
}

/* The first tick comes in @ns; 0: none does.  Further ones follow the initial count. */
static void start_left(struct axv_lapic *lapic, u64 ns)
{
	axv_lapic_timer_stop(lapic);
	if (!ns)
		return;
	lapic->timer.period = period(lapic, *axv_lapic_reg(lapic, APIC_TMICT));
	start_count(lapic, ktime_add_ns(ktime_get(), ns));
}

/**
 * axv_lapic_timer_go_on() - start the timer with a current count
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @count:	what is left of the count; 0 stops the timer
 *
 * A tick that was not taken yet is lost.
 *
 * Context: interrupts may be off.
 */
void axv_lapic_timer_go_on(struct axv_lapic *lapic, u32 count)
{
	if (mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	start_left(lapic, (u64)count << shift(lapic));
}

/**
 * axv_lapic_timer_set_count() - write the initial count
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @count:	new value; 0 stops it
 *
 * In TSC-deadline mode the write is ignored.
 *
 * Context: interrupts may be off.
 */
void axv_lapic_timer_set_count(struct axv_lapic *lapic, u32 count)
{
	if (mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	axv_lapic_timer_settle(lapic);
	*axv_lapic_reg(lapic, APIC_TMICT) = count;
	start_left(lapic, count ? period(lapic, count) : 0);
}

static u32 count_at(struct axv_lapic *lapic, ktime_t now)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	u64 left, late;

	if (!timer->period)
		return 0;
	if (timer->expiry > now) {
		left = timer->expiry - now;
	} else if (mode(lapic) == APIC_LVT_TIMER_PERIODIC) {
		div64_u64_rem(now - timer->expiry, timer->period, &late);
		left = timer->period - late;
	} else {
		return 0;
	}
	/* Rounded up, since a count of 0 says that the timer does not run. */
	left = (left + BIT_ULL(shift(lapic)) - 1) >> shift(lapic);
	return min_t(u64, left, U32_MAX);
}

/**
 * axv_lapic_timer_count() - read the current count, for a VMM that saves it
 * @lapic:	APIC of a vCPU whose claim the caller holds
 */
u32 axv_lapic_timer_count(struct axv_lapic *lapic)
{
	return count_at(lapic, ktime_get());
}

/**
 * axv_lapic_timer_read_count() - the guest reads the current count
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * A guest that reads 0, or the count of a new period, finds the interrupt pending.
 *
 * Context: interrupts may be off.
 */
u32 axv_lapic_timer_read_count(struct axv_lapic *lapic)
{
	return count_at(lapic, axv_lapic_timer_settle(lapic));
}

/**
 * axv_lapic_timer_set_divide() - write the divide configuration
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @tdcr:	new value
 *
 * What is left of the count is counted at the new rate.
 *
 * Context: interrupts may be off.
 */
void axv_lapic_timer_set_divide(struct axv_lapic *lapic, u32 tdcr)
{
	u32 left = count_at(lapic, axv_lapic_timer_settle(lapic));

	*axv_lapic_reg(lapic, APIC_TDCR) = tdcr;
	if (left)
		axv_lapic_timer_go_on(lapic, left);
}

/**
 * axv_lapic_timer_deadline() - read IA32_TSC_DEADLINE
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * Return: the deadline; 0: there is none, or none any more.
 */
u64 axv_lapic_timer_deadline(struct axv_lapic *lapic)
{
	return lapic->timer.deadline;
}

/**
 * axv_lapic_timer_set_deadline() - write IA32_TSC_DEADLINE
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @deadline:	in the guest's TSC; 0 stops it
 *
 * In another mode the write is ignored (SDM, "TSC-Deadline Mode").
 *
 * Context: interrupts may be off.
 */
void axv_lapic_timer_set_deadline(struct axv_lapic *lapic, u64 deadline)
{
	if (mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		return;
	axv_lapic_timer_settle(lapic);
	if (deadline)
		write_deadline(lapic, deadline);
	else
		axv_lapic_timer_stop(lapic);
}

/**
 * axv_lapic_timer_put_deadline() - write AXV_X86_LAPIC_DEADLINE
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @deadline:	in the guest's TSC; 0: there is none
 *
 * Unlike a guest's write this drops a tick that was not taken yet.
 */
void axv_lapic_timer_put_deadline(struct axv_lapic *lapic, u64 deadline)
{
	if (mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		return;
	axv_lapic_timer_stop(lapic);
	write_deadline(lapic, deadline);
}

/**
 * axv_lapic_timer_put_tick() - write AXV_X86_LAPIC_TICK
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @ticked:	the new value
 *
 * False: if a count or deadline that the VMM restored before has expired since, its tick
 * stays.  Otherwise it would never come.
 *
 * True: the count ended between the VMM's reads of the count and of this register, so a
 * count of one-shot mode is stopped.  Otherwise its tick would come twice.  In periodic mode
 * the tick does come twice: the two cannot be told apart.
 */
void axv_lapic_timer_put_tick(struct axv_lapic *lapic, bool ticked)
{
	struct axv_lapic_timer *timer = &lapic->timer;

	if (ticked && mode(lapic) != APIC_LVT_TIMER_PERIODIC && !timer->deadline)
		axv_lapic_timer_stop(lapic);
	if (ticked || !(timer->period || timer->deadline))
		WRITE_ONCE(timer->tick, ticked);
}

/**
 * axv_lapic_timer_move() - move the timer to the CPU on which the vCPU's thread runs
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * Otherwise each tick costs an interrupt from one CPU to another.
 *
 * Context: process context.
 */
void axv_lapic_timer_move(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	int cpu = READ_ONCE(timer->cpu);
	unsigned long flags;

	if (likely(cpu == raw_smp_processor_id() || cpu < 0))
		return;
	raw_spin_lock_irqsave(&timer->lock, flags);
	WRITE_ONCE(timer->cpu, -1);
	if (hrtimer_try_to_cancel(&timer->hrtimer) > 0)
		start(timer, hrtimer_get_expires(&timer->hrtimer));
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/**
 * axv_lapic_timer_clock_changed() - the guest's TSC was set: start the deadline anew
 * @lapic:	any APIC
 *
 * Context: any thread; interrupts may be off.
 */
void axv_lapic_timer_clock_changed(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	/* If it has expired already, axv_lapic_timer_take() looks at the deadline. */
	if (timer->deadline && hrtimer_try_to_cancel(&timer->hrtimer) > 0)
		start_deadline(lapic);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/**
 * axv_lapic_set_counter() - axv_x86_set_counter(), and tell the timers of local APICs
 * @vm:		any VM
 * @value:	the value
 *
 * Context: any thread.
 */
void axv_lapic_set_counter(struct axv_vm *vm, u64 value)
{
	struct axv_vcpu *vcpu;
	unsigned long id;

	axv_x86_set_counter(vm, value);
	if (vm->irqchip != AXV_IRQCHIP_LAPIC)
		return;
	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu)
		axv_lapic_timer_clock_changed(to_x86(vcpu)->lapic);
	rcu_read_unlock();
}
