// SPDX-License-Identifier: GPL-2.0
/*
 * Queueing events for a vCPU's guest, from any thread and from interrupts.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/spinlock.h>

#include <axvcpu/arch.h>
#include <axvcpu/request.h>
#include <axvcpu/state.h>
#include <axvcpu/trace.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

/* Is this an event that the back end may be asked to queue? */
static int check_event(const struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	if (event->type > AXV_INJECT_PPI)
		return -EINVAL;
	if (!(vcpu->ops->inject_types[vcpu->vm->irqchip] & BIT(event->type)))
		return -EOPNOTSUPP;
	return 0;
}

static int inject(struct axv_vcpu *vcpu, const struct axv_inject *event, bool routed)
{
	unsigned long flags;
	int err;

	err = check_event(vcpu, event);
	if (err)
		return err;
	if (!routed && event->flags & AXV_EVENT_ROUTED)
		return -EINVAL;

	raw_spin_lock_irqsave(&vcpu->lock, flags);
	if (axv_vcpu_state(vcpu) == AXV_STATE_INVALID)
		err = -EBADFD;
	else
		err = vcpu->ops->inject(vcpu, event);
	/* An Invalid vCPU takes the wires that wait for it once AXV_VCPU_RESET was called. */
	if (routed && (err == -EAGAIN || err == -EBADFD))
		WRITE_ONCE(vcpu->routes_wait, true);
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);

	trace_axv_inject(vcpu, event->type, event->vector, err);
	/*
	 * The request is made also if a route waits for room.  A vCPU in the guest makes room
	 * when it leaves.  A vCPU that sleeps entered its wait queue first and then found
	 * @routes_wait false, so it is in the wait queue now; axv_request() looks there after a
	 * full barrier, and wakes the vCPU.
	 */
	if (!err || (routed && err == -EAGAIN))
		axv_request(vcpu, AXV_REQ_EVENT);
	return err;
}

/**
 * axv_vcpu_inject() - queue an event for the guest
 * @vcpu:	any vCPU, in any state but Invalid
 * @event:	the event
 *
 * Context: any but NMI.
 * Return: 0; -EINVAL or -EOPNOTSUPP: no such event; -EAGAIN: no room for it;
 * -EBADFD: the vCPU is Invalid.
 */
int axv_vcpu_inject(struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	return inject(vcpu, event, false);
}

/**
 * axv_vcpu_inject_routed() - axv_vcpu_inject() of a route's event, which may wait for room
 * @vcpu:	any vCPU
 * @event:	the event
 *
 * After -EAGAIN and -EBADFD, axv_routes_retry() delivers what waits.  After -EAGAIN the
 * vCPU leaves the guest or its sleep, so that its thread calls that.
 *
 * Context: any but NMI.
 * Return: as axv_vcpu_inject().
 */
int axv_vcpu_inject_routed(struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	return inject(vcpu, event, true);
}
