// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC's timer (Intel SDM vol. 3A, "APIC Timer"): one-shot, periodic, and TSC
 * deadline.
 *
 * An hrtimer stands in for it.  Its callback sets one bit and asks for AXV_REQ_EVENT; the
 * holder of the claim makes an interrupt of it, and starts the next period.  So a guest
 * has one tick under way at most, whatever period it asks for.
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

/* The count goes down once in a nanosecond, times the divisor: the bus has 1 GHz. */
#define PERIOD_MIN	(100 * NSEC_PER_USEC)

#define MODE		(APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE)

#define START_MODE	HRTIMER_MODE_ABS_PINNED_HARD

static u32 mode(struct axv_lapic *lapic)
{
	return *axv_lapic_reg(lapic, APIC_LVTT) & MODE;
}

/* SDM, "Divide Configuration Register": by 2 with 0, up to 128 with 0b1010; 1 with 0b1011. */
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
 * axv_lapic_timer_init() - part of a new APIC
 * @lapic:	zeroed but for @lapic->x
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
	timer->cpu = raw_smp_processor_id();
	hrtimer_start(&timer->hrtimer, expiry, START_MODE);
}

/* Of a time far away only that counts; otherwise the product overflows. */
static u64 tsc_to_ns(u64 ticks)
{
	/* A host that does not know its TSC's rate has none that counts. */
	u64 khz = tsc_khz ?: 1;

	return mul_u64_u64_div_u64(min(ticks, khz << 40), NSEC_PER_MSEC, khz);
}

/* Under &axv_lapic_timer.lock, so that the clock it was computed by is that of now. */
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

/* One-shot and periodic. */
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
 * axv_lapic_timer_stop() - it does not run any more
 * @lapic:	APIC of a vCPU whose claim the caller holds, or that nobody uses
 *
 * Context: waits for the callback, which waits for nothing.  No lock is held.
 */
void axv_lapic_timer_stop(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;

	/* First, so that no change of the clock starts it again. */
	write_deadline(lapic, 0);
	timer->period = 0;
	hrtimer_cancel(&timer->hrtimer);
	WRITE_ONCE(timer->tick, false);
}

static u64 period(struct axv_lapic *lapic, u32 count)
{
	u64 ns = (u64)count << shift(lapic);

	/* Otherwise the host does nothing but end the guest for its next tick. */
	if (mode(lapic) == APIC_LVT_TIMER_PERIODIC)
		ns = max_t(u64, ns, PERIOD_MIN);
	return ns;
}

static void next_period(struct axv_lapic *lapic, ktime_t now)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	ktime_t next = ktime_add_ns(timer->expiry, timer->period);

	/* Those that were missed are one. */
	if (next <= now)
		next = ktime_add_ns(next, (div64_u64(now - next, timer->period) + 1) *
					  timer->period);
	/*
	 * The shortest period begins when the tick is taken.  Otherwise a host that takes as
	 * long for a tick does nothing else, and the guest never runs.
	 */
	if (timer->period <= PERIOD_MIN)
		next = ktime_add_ns(now, PERIOD_MIN);
	start_count(lapic, next);
}

/* Not while it counts anew: then the tick is that of the count before. */
static bool is_over(const struct axv_lapic_timer *timer, ktime_t now)
{
	return timer->period && timer->expiry <= now;
}

/**
 * axv_lapic_timer_ticked() - AXV_X86_LAPIC_TICK
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * True also for a count that has ended while its callback has yet to run.  Of a deadline
 * AXV_X86_LAPIC_DEADLINE tells all there is: it stays until its interrupt is pending.
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
		/* Stopped, or taken, since it expired. */
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
 * axv_lapic_timer_take() - make an interrupt of a tick
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * A deadline that the clock, set back meanwhile, has not reached after all is waited
 * for once more.
 *
 * Context: interrupts may be off.
 */
void axv_lapic_timer_take(struct axv_lapic *lapic)
{
	if (unlikely(READ_ONCE(lapic->timer.tick)))
		take_at(lapic, ktime_get());
}

/**
 * axv_lapic_timer_settle() - the guest is about to see or to change the timer
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * What has expired is an interrupt, also if the callback has yet to run, which is late on
 * a busy host.  Otherwise the guest sees the count end without its interrupt, or its write
 * takes that away.
 *
 * The clock is read after the tick.  Otherwise a count could end in between: it ticks, and
 * is not over, so that nobody starts its next period.
 *
 * Context: interrupts may be off.
 * Return: the time until which it is settled.
 */
ktime_t axv_lapic_timer_settle(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	bool over, ticked = READ_ONCE(timer->tick);
	ktime_t now;

	/* The callback set it when the clock had reached the expiry. */
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
 * axv_lapic_timer_set_mode() - a write of the timer's LVT
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @lvtt:	its new value
 *
 * To TSC deadline or from it, the timer stops (SDM, "TSC-Deadline Mode").
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

/* The first tick is @ns from now; 0: there is none.  Further ones by the initial count. */
static void start_left(struct axv_lapic *lapic, u64 ns)
{
	axv_lapic_timer_stop(lapic);
	if (!ns)
		return;
	lapic->timer.period = period(lapic, *axv_lapic_reg(lapic, APIC_TMICT));
	start_count(lapic, ktime_add_ns(ktime_get(), ns));
}

/**
 * axv_lapic_timer_go_on() - the timer has so much left of its count
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @count:	0: it does not run
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
 * axv_lapic_timer_set_count() - a write of the initial count
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @count:	new value; 0 stops it
 *
 * Not in TSC-deadline mode, where the write is ignored.
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
	/* Rounded up: 0 is a timer that does not run. */
	left = (left + BIT_ULL(shift(lapic)) - 1) >> shift(lapic);
	return min_t(u64, left, U32_MAX);
}

/**
 * axv_lapic_timer_count() - the current count, to save it
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
 * The guest that reads 0, or a new period, finds the interrupt pending.
 *
 * Context: interrupts may be off.
 */
u32 axv_lapic_timer_read_count(struct axv_lapic *lapic)
{
	return count_at(lapic, axv_lapic_timer_settle(lapic));
}

/**
 * axv_lapic_timer_set_divide() - a write of the divide configuration
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
 * axv_lapic_timer_deadline() - IA32_TSC_DEADLINE
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * Return: the deadline; 0: there is none, or none any more.
 */
u64 axv_lapic_timer_deadline(struct axv_lapic *lapic)
{
	return lapic->timer.deadline;
}

/**
 * axv_lapic_timer_set_deadline() - a write of IA32_TSC_DEADLINE
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
 * axv_lapic_timer_put_deadline() - AXV_X86_LAPIC_DEADLINE
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @deadline:	in the guest's TSC; 0: there is none
 *
 * Unlike a guest's write it loses a tick that was not taken yet.
 */
void axv_lapic_timer_put_deadline(struct axv_lapic *lapic, u64 deadline)
{
	if (mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		return;
	axv_lapic_timer_stop(lapic);
	write_deadline(lapic, deadline);
}

/**
 * axv_lapic_timer_put_tick() - AXV_X86_LAPIC_TICK
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @ticked:	the new value
 *
 * False leaves the tick of a count or deadline that was put back before and has expired
 * since.  Otherwise it would never come.  True ends a one-shot count: its tick has come
 * between two reads of the VMM that saved both.  Otherwise it would come twice, as that of
 * a period does, which nobody can tell from the one before.
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
 * axv_lapic_timer_move() - the vCPU's thread runs on another CPU
 * @lapic:	APIC of a vCPU whose claim the caller holds
 *
 * The timer goes with it; otherwise each tick costs an interrupt between two CPUs.
 *
 * Context: process context.
 */
void axv_lapic_timer_move(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	unsigned long flags;

	if (likely(timer->cpu == raw_smp_processor_id() || timer->cpu < 0))
		return;
	raw_spin_lock_irqsave(&timer->lock, flags);
	timer->cpu = -1;
	if (hrtimer_try_to_cancel(&timer->hrtimer) > 0)
		start(timer, hrtimer_get_expires(&timer->hrtimer));
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/**
 * axv_lapic_timer_clock_changed() - the guest's TSC is another one
 * @lapic:	any APIC
 *
 * Context: any thread; interrupts may be off.
 */
void axv_lapic_timer_clock_changed(struct axv_lapic *lapic)
{
	struct axv_lapic_timer *timer = &lapic->timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	/* One that has expired meanwhile is looked at by who takes the tick. */
	if (timer->deadline && hrtimer_try_to_cancel(&timer->hrtimer) > 0)
		start_deadline(lapic);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/**
 * axv_lapic_set_counter() - axv_x86_set_counter(), also for local APICs
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
