/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What other threads ask of a vCPU, and bringing it out of the guest for that.  request.c
 */
#ifndef _AXVCPU_REQUEST_H
#define _AXVCPU_REQUEST_H

#include <linux/bitops.h>
#include <linux/types.h>
#include <asm/barrier.h>

#include <axvcpu/vcpu.h>

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
 * enum axv_mode - where the vCPU's thread is, for CPUs that have to reach it
 * @AXV_OUTSIDE_GUEST:	in the host; looks at its requests before it enters
 * @AXV_IN_GUEST:	in the guest or about to enter with interrupts off; an
 *			interrupt to its CPU brings it out
 */
enum axv_mode {
	AXV_OUTSIDE_GUEST,
	AXV_IN_GUEST,
};

void axv_kick_init(void);
void axv_kick_cpu(int cpu);
bool axv_kick_in_flight(int cpu);
void axv_kick_flush(void);
void axv_request(struct axv_vcpu *vcpu, enum axv_request request);

static inline bool axv_test_request(const struct axv_vcpu *vcpu,
				    enum axv_request request)
{
	return test_bit(request, &vcpu->requests);
}

/**
 * axv_take_request() - clear a request, and tell whether it was pending
 * @vcpu:	vCPU whose claim the caller holds
 * @request:	which one
 */
static inline bool axv_take_request(struct axv_vcpu *vcpu,
				    enum axv_request request)
{
	return test_bit(request, &vcpu->requests) &&
	       test_and_clear_bit(request, &vcpu->requests);
}

/**
 * axv_left_guest() - note that a vCPU has left the guest
 * @vcpu:	vCPU that this thread runs
 *
 * A CPU that reads the mode with acquire semantics sees all that the guest stored
 * (Arm ARM, "Load-Acquire, Store-Release"; on x86 stores keep their order).
 * Otherwise axv_vm_flush_on_entry() returns, the host gives a page away, and a store of the
 * guest still lands there.
 *
 * Context: interrupts off.
 */
static inline void axv_left_guest(struct axv_vcpu *vcpu)
{
	/* Pairs with axv_where(). */
	smp_store_release(&vcpu->mode, AXV_OUTSIDE_GUEST);
}

#endif /* _AXVCPU_REQUEST_H */
