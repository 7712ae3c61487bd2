// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual timer of a vCPU.
 *
 * CNTV_CTL_EL0 and CNTV_CVAL_EL0 are the guest's own, in hardware while it runs.  When
 * the timer fires the guest exits (ppi.c), and CNTV_CTL_EL0 then tells the level of the
 * timer's interrupt.  While a halted vCPU is Blocked, an hrtimer stands in for the
 * hardware.  The hrtimer stays armed when something else ends the halt, since the next
 * halt often waits for the same moment.
 *
 * Without an irqchip the VMM has the interrupt controller, and the level of the timer
 * stands in the run page.  A rise ends the run.  Until an exit has shown the VMM that the
 * level is low again, the timer's interrupt does not make the guest exit, so that the
 * guest can run with the timer asserted.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/rcupdate.h>
#include <linux/time64.h>
#include <linux/xarray.h>
#include <asm/arch_timer.h>

#include <axvcpu/request.h>

#include "arm64.h"

/* CNTV_CTL_EL0 */
#define ENABLE		BIT(0)
#define IMASK		BIT(1)
#define ISTATUS		BIT(2)

/* The longest wait, since nanoseconds cannot tell every number of ticks. */
#define FAR_SECONDS	(365ull * 24 * 3600)

static bool is_on(const struct axv_arm64_vcpu *v)
{
	return (v->sys[AXV_SYS_CNTV_CTL_EL0] & (ENABLE | IMASK)) == ENABLE;
}

/* Counter ticks from now; 0: it has fired (Arm ARM, CNTV_CTL_EL0). */
static u64 ticks_left(u64 cval, u64 offset)
{
	u64 now = arch_timer_read_counter() - offset;

	return cval > now ? cval - now : 0;
}

static ktime_t after(u64 ticks)
{
	u64 rate = arch_timer_get_cntfrq();

	ticks = min(ticks, rate * FAR_SECONDS);
	return ktime_add_ns(ktime_get(),
			    mul_u64_u64_div_u64(ticks, NSEC_PER_SEC, rate) + 1);
}

/*
 * The hrtimer may fire too early, since the kernel's clock and the counter are two
 * clocks.  The vCPU looks at the counter when it is woken, and then waits again.
 */
static enum hrtimer_restart fired(struct hrtimer *timer)
{
	struct axv_arm64_timer *t = container_of(timer, struct axv_arm64_timer, hrtimer);

	WRITE_ONCE(t->armed, false);
	axv_request(&container_of(t, struct axv_arm64_vcpu, timer)->base, AXV_REQ_EVENT);
	return HRTIMER_NORESTART;
}

/**
 * axv_arm64_timer_init() - prepare the timer of a new vCPU
 * @v:		vCPU
 */
void axv_arm64_timer_init(struct axv_arm64_vcpu *v)
{
	hrtimer_init(&v->timer.hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	v->timer.hrtimer.function = fired;
}

/**
 * axv_arm64_timer_stop() - stop waiting for a vCPU's timer
 * @v:		vCPU whose claim the caller holds
 *
 * Context: may sleep.
 */
void axv_arm64_timer_stop(struct axv_arm64_vcpu *v)
{
	hrtimer_cancel(&v->timer.hrtimer);
	v->timer.armed = false;
}

/**
 * axv_arm64_timer_line() - is the timer's output high, by its registers in memory?
 * @v:		vCPU whose claim the caller holds
 */
bool axv_arm64_timer_line(const struct axv_arm64_vcpu *v)
{
	return is_on(v) && !ticks_left(v->sys[AXV_SYS_CNTV_CVAL_EL0],
				       READ_ONCE(to_arm64_vm(v->base.vm)->cntvoff));
}

/**
 * axv_arm64_timer_wait() - have the vCPU woken when its timer fires
 * @v:		halted vCPU, its timer's output low
 *
 * Context: interrupts off.
 */
void axv_arm64_timer_wait(struct axv_arm64_vcpu *v)
{
	u64 offset = READ_ONCE(to_arm64_vm(v->base.vm)->cntvoff);
	u64 cval = v->sys[AXV_SYS_CNTV_CVAL_EL0];
	struct axv_arm64_timer *t = &v->timer;

	if (!is_on(v) || (READ_ONCE(t->armed) && t->cval == cval && t->offset == offset))
		return;
	t->cval = cval;
	t->offset = offset;
	WRITE_ONCE(t->armed, true);
	hrtimer_start(&t->hrtimer, after(ticks_left(cval, offset)),
		      HRTIMER_MODE_ABS_PINNED_HARD);
}

/**
 * axv_arm64_timer_rises() - does the timer end the halt of a vCPU without irqchip?
 * @v:		halted vCPU whose claim the caller holds
 *
 * It does if its output is high and the VMM does not know.  If the output is low, the
 * vCPU is woken when the timer fires.
 *
 * Context: under &axv_vcpu.lock.
 */
bool axv_arm64_timer_rises(struct axv_arm64_vcpu *v)
{
	if (v->timer.told)
		return false;
	v->timer.rose = axv_arm64_timer_line(v);
	if (!v->timer.rose)
		axv_arm64_timer_wait(v);
	return v->timer.rose;
}

/**
 * axv_arm64_timer_tell() - end the run for a rise of the timer, unless it is low again
 * @v:		vCPU without irqchip whose claim the caller holds
 *
 * It may be low again if the VM's counter was set meanwhile.
 *
 * Return: AXV_EXIT or AXV_RESUME.
 */
enum axv_next axv_arm64_timer_tell(struct axv_arm64_vcpu *v)
{
	v->timer.rose = false;
	if (!axv_arm64_timer_line(v))
		return AXV_RESUME;
	axv_arm64_exit(v, AXV_EXIT_TIMER, 0);
	return AXV_EXIT;
}

/**
 * axv_arm64_timers_changed() - have all vCPUs look at their timers after the VM's counter
 * was set
 * @vm:		VM
 *
 * Otherwise a Blocked vCPU would wait for a moment of the old counter.
 *
 * Context: any but NMI.
 */
void axv_arm64_timers_changed(struct axv_vm *vm)
{
	struct axv_vcpu *vcpu;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu) {
		WRITE_ONCE(to_arm64(vcpu)->gic.check_timer, true);
		axv_request(vcpu, AXV_REQ_EVENT);
	}
	rcu_read_unlock();
}
