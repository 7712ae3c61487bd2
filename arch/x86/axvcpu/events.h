/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queue of events, and exceptions raised by emulation.  events.c
 */
#ifndef _AXVCPU_X86_EVENTS_H
#define _AXVCPU_X86_EVENTS_H

#include "x86.h"

int axv_x86_inject(struct axv_vcpu *vcpu, const struct axv_inject *event);
bool axv_x86_has_event(struct axv_vcpu *vcpu);
bool axv_x86_event_valid(u64 event);
bool axv_x86_has_error_code(u8 vector);
void axv_x86_combine_events(struct axv_x86_vcpu *x);
u64 axv_x86_take_intercepted(struct axv_x86_vcpu *x, u64 *address);
u64 axv_x86_pick_event(struct axv_x86_vcpu *x, bool *irq_window,
		       bool *nmi_window);
void axv_x86_nmi_taken(struct axv_x86_vcpu *x);
void axv_x86_events_reset(struct axv_x86_vcpu *x);
int axv_x86_get_event_reg(struct axv_x86_vcpu *x, u64 index, u64 *value);
int axv_x86_set_event_reg(struct axv_x86_vcpu *x, u64 index, u64 value);
void axv_x86_raise(struct axv_x86_vcpu *x, u8 vector, bool has_error, u32 error,
		   u64 address);

/**
 * axv_x86_cut_short() - keep an event whose delivery an exit cut short
 * @x:		vCPU whose claim the caller holds
 * @event:	the event, in the form of AXV_X86_EVENT_*
 * @len:	instruction length of a software event
 *
 * axv_x86_pick_event() returns it before any other event.
 */
static inline void axv_x86_cut_short(struct axv_x86_vcpu *x, u64 event, u8 len)
{
	x->events.reinject = event;
	x->events.reinject_len = len;
	WRITE_ONCE(x->events.any, true);
}

/**
 * axv_x86_skip() - move the instruction pointer past INT n, whose event is delivered next
 * @x:		vCPU
 * @len:	length of INT n
 *
 * Unlike axv_x86_advance() this makes no single-step trap and leaves RF: the delivery
 * pushes TF and RF as they are, and clears them.
 */
void axv_x86_skip(struct axv_x86_vcpu *x, unsigned int len);

/**
 * axv_x86_advance() - move the instruction pointer past an instruction that was executed
 * @x:		vCPU
 * @len:	length of the instruction
 *
 * The next instruction begins without an interrupt shadow, and a set TF makes
 * a single-step trap of it (AMD APM vol. 2, 13.1.4).
 */
void axv_x86_advance(struct axv_x86_vcpu *x, unsigned int len);

#endif /* _AXVCPU_X86_EVENTS_H */
