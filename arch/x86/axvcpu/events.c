// SPDX-License-Identifier: GPL-2.0
/*
 * Events on their way to the guest: injected by any thread, raised by
 * emulation, or cut short in their delivery; and which of them is next.
 *
 * Events have the form of the VMCB's EVENTINJ (AMD APM vol. 2, 15.20).
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "events.h"
#include "lapic.h"
#include "walk.h"
#include "x86.h"

/* Exceptions that push an error code (AMD APM vol. 2, table 8-1). */
#define WITH_ERROR_CODE		(BIT(X86_TRAP_DF) | BIT(X86_TRAP_TS) |	\
				 BIT(X86_TRAP_NP) | BIT(X86_TRAP_SS) |	\
				 BIT(X86_TRAP_GP) | BIT(X86_TRAP_PF) |	\
				 BIT(X86_TRAP_AC) | BIT(21) | BIT(29) |	\
				 BIT(30))

/* Exceptions two of which make a double fault (AMD APM vol. 2, 8.2.9). */
#define CONTRIBUTORY		(BIT(X86_TRAP_DE) | BIT(X86_TRAP_TS) |	\
				 BIT(X86_TRAP_NP) | BIT(X86_TRAP_SS) |	\
				 BIT(X86_TRAP_GP))

/*
 * Traps and aborts: they push RF as it is (Intel SDM vol. 3B, "Instruction-Breakpoint
 * Exception Condition"; AMD APM vol. 2, 3.1.6, 8.2).  #DB is one of them, except the
 * fault of a MOV DR with DR7.GD set.
 */
#define NO_FAULT		(BIT(X86_TRAP_DB) | BIT(X86_TRAP_BP) |	\
				 BIT(X86_TRAP_OF) | BIT(X86_TRAP_DF) |	\
				 BIT(X86_TRAP_MC))

/* What #DB may set in DR6. */
#define DR6_CAUSES		(DR_TRAP_BITS | BIT(13) | DR_STEP | BIT(15))

#define DR6_BD			BIT_ULL(13)
#define DR7_GD			BIT_ULL(13)

#define EVENT_RESERVED		GENMASK_ULL(30, 12)

static u64 make_event(u64 type, u8 vector, bool has_error, u32 error)
{
	u64 event = AXV_X86_EVENT_VALID | type | vector;

	if (has_error)
		event |= AXV_X86_EVENT_ERROR_VALID |
			 (u64)error << AXV_X86_EVENT_ERROR_SHIFT;
	return event;
}

/*
 * Vectors that are no exception of any processor: VMRUN refuses to inject them (AMD APM
 * vol. 2, 15.20 and table 8-1).
 */
#define NO_EXCEPTION		(BIT(X86_TRAP_NMI) | BIT(X86_TRAP_OLD_MF) | \
				 BIT(X86_TRAP_SPURIOUS) |		   \
				 BIT(X86_TRAP_VE) | GENMASK(27, 22) | BIT(31))

/**
 * axv_x86_has_error_code() - does an exception push an error code?
 * @vector:	below 32
 */
bool axv_x86_has_error_code(u8 vector)
{
	return WITH_ERROR_CODE & BIT(vector);
}

/* Is there such an exception, and is @has_error true exactly if its vector has an error code? */
static bool exception_valid(u32 vector, bool has_error)
{
	return vector < 32 && !(NO_EXCEPTION & BIT(vector)) &&
	       has_error == axv_x86_has_error_code(vector);
}

/**
 * axv_x86_event_valid() - may hardware be given this event?
 * @event:	in the form of AXV_X86_EVENT_*; 0, no event, is valid
 */
bool axv_x86_event_valid(u64 event)
{
	u8 vector = event & AXV_X86_EVENT_VECTOR;
	bool has_error = event & AXV_X86_EVENT_ERROR_VALID;

	if (!event)
		return true;
	if (!(event & AXV_X86_EVENT_VALID) || (event & EVENT_RESERVED))
		return false;
	if (!has_error && event >> AXV_X86_EVENT_ERROR_SHIFT)
		return false;
	switch (event & AXV_X86_EVENT_TYPE) {
	case AXV_X86_EVENT_TYPE_EXTINT:
	case AXV_X86_EVENT_TYPE_SOFT:
		return !has_error;
	case AXV_X86_EVENT_TYPE_NMI:
		return !has_error && vector == X86_TRAP_NMI;
	case AXV_X86_EVENT_TYPE_EXCEPTION:
		return exception_valid(vector, has_error);
	}
	return false;
}

/* The place of the @n-th external interrupt that waits. */
static u8 *extint_at(struct axv_x86_events *ev, unsigned int n)
{
	return &ev->extint[(ev->extint_head + n) % ARRAY_SIZE(ev->extint)];
}

static void push_extint(struct axv_x86_events *ev, u8 vector)
{
	*extint_at(ev, ev->extint_count) = vector;
	WRITE_ONCE(ev->extint_count, ev->extint_count + 1);
}

static u8 pop_extint(struct axv_x86_events *ev)
{
	u8 vector = ev->extint[ev->extint_head];

	ev->extint_head = (ev->extint_head + 1) % ARRAY_SIZE(ev->extint);
	ev->extint_count--;
	return vector;
}

/* An interrupt whose delivery was cut short becomes the first in the queue again. */
static void unpop_extint(struct axv_x86_events *ev, u8 vector)
{
	unsigned int size = ARRAY_SIZE(ev->extint);

	if (ev->extint_count == size)
		return;
	ev->extint_head = (ev->extint_head + size - 1) % size;
	ev->extint[ev->extint_head] = vector;
	ev->extint_count++;
}

static int inject_exception(struct axv_x86_events *ev,
			    const struct axv_inject *event)
{
	bool has_error = event->flags & AXV_INJECT_HAS_ERROR_CODE;

	if (!exception_valid(event->vector, has_error))
		return -EINVAL;
	if (!has_error && event->error_code)
		return -EINVAL;
	if (ev->exception)
		return -EAGAIN;
	WRITE_ONCE(ev->exception, make_event(AXV_X86_EVENT_TYPE_EXCEPTION, event->vector,
					     has_error, event->error_code));
	ev->exception_addr = event->address;
	ev->raised = event->flags & AXV_INJECT_RAISED;
	return 0;
}

/**
 * axv_x86_inject() - queue an event
 * @vcpu:	vCPU
 * @event:	from any thread of the VMM
 *
 * Context: &axv_vcpu.lock.
 * Return: 0, -EAGAIN if there is no room, -EINVAL for an event that no
 * processor has, -EOPNOTSUPP for a type that needs an interrupt controller.
 */
int axv_x86_inject(struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	struct axv_x86_events *ev = &to_x86(vcpu)->events;
	int err = 0;

	lockdep_assert_held(&vcpu->lock);
	if (event->flags & ~(AXV_INJECT_HAS_ERROR_CODE | AXV_INJECT_RAISED) ||
	    event->priority)
		return -EINVAL;
	if (event->type != AXV_INJECT_EXCEPTION && event->flags)
		return -EINVAL;

	switch (event->type) {
	case AXV_INJECT_EXTINT:
		if (event->vector > 255)
			return -EINVAL;
		if (ev->extint_count >= AXV_EXTINT_DEPTH)
			return -EAGAIN;
		push_extint(ev, event->vector);
		break;
	case AXV_INJECT_NMI:
		if (ev->nmi_pending >= AXV_NMI_MAX)
			return -EAGAIN;
		WRITE_ONCE(ev->nmi_pending, ev->nmi_pending + 1);
		break;
	case AXV_INJECT_EXCEPTION:
		err = inject_exception(ev, event);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (!err)
		WRITE_ONCE(ev->any, true);
	return err;
}

/* Could the guest take an external interrupt between two instructions? */
static bool extint_open(struct axv_x86_vcpu *x)
{
	return (x->regs.rflags & X86_EFLAGS_IF) && !x->hw->get_shadow(x);
}

static bool nmi_open(struct axv_x86_vcpu *x)
{
	return !x->hw->get_nmi_masked(x) && !x->hw->get_shadow(x);
}

/* Does an interrupt of a PIC wait, and does the local APIC let it through? */
static bool pic_waits(struct axv_x86_vcpu *x)
{
	return x->events.extint_count && axv_lapic_pic_open(x);
}

static bool waits_for_sipi(struct axv_x86_vcpu *x)
{
	return x->lapic && x->lapic->wait_sipi;
}

/* While a vCPU waits for a SIPI, its local APIC has no events but INIT and SIPI. */
static bool lapic_has_event(struct axv_x86_vcpu *x)
{
	int latched = atomic_read(&x->lapic->latched);

	return (latched & AXV_LATCHED_INIT) ||
	       ((latched & AXV_LATCHED_SIPI) && x->lapic->wait_sipi) ||
	       (axv_lapic_pending(x) >= 0 && extint_open(x));
}

/**
 * axv_x86_has_event() - is there an event that ends a halt?
 * @vcpu:	vCPU, parked by the caller or not in the guest
 *
 * Context: &axv_vcpu.lock.
 */
bool axv_x86_has_event(struct axv_vcpu *vcpu)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	struct axv_x86_events *ev = &x->events;

	lockdep_assert_held(&vcpu->lock);
	if (x->lapic && lapic_has_event(x))
		return true;
	if (!READ_ONCE(ev->any) || waits_for_sipi(x))
		return false;
	return ev->reinject || ev->exception ||
	       (ev->nmi_pending && nmi_open(x)) ||
	       (pic_waits(x) && extint_open(x));
}

static bool is_exception(u64 event)
{
	return (event & AXV_X86_EVENT_VALID) &&
	       (event & AXV_X86_EVENT_TYPE) == AXV_X86_EVENT_TYPE_EXCEPTION;
}

/* Does @second, caused by the delivery of @first, make a double fault? */
static bool doubles(u8 first, u8 second)
{
	u32 bit = BIT(second);

	if (first == X86_TRAP_PF)
		return bit & (CONTRIBUTORY | BIT(X86_TRAP_PF));
	return (BIT(first) & CONTRIBUTORY) && (bit & CONTRIBUTORY);
}

/* The delivery of an interrupt caused an exception: the interrupt is queued again. */
static void put_back(struct axv_x86_vcpu *x, u64 event)
{
	struct axv_x86_events *ev = &x->events;

	switch (event & AXV_X86_EVENT_TYPE) {
	case AXV_X86_EVENT_TYPE_EXTINT:
		if (!axv_lapic_put_back(x, event & AXV_X86_EVENT_VECTOR))
			unpop_extint(ev, event & AXV_X86_EVENT_VECTOR);
		break;
	case AXV_X86_EVENT_TYPE_NMI:
		x->hw->set_nmi_masked(x, false);
		if (ev->nmi_pending < AXV_NMI_MAX)
			ev->nmi_pending++;
		break;
	}
}

/*
 * The guest caused the exception @event.  If the delivery of another event was under
 * way, that one is dropped, put back, or makes a double fault (then *@address is 0) or a
 * shutdown.  Return: the exception to deliver; 0: none, the guest is shut down.
 */
static u64 combine(struct axv_x86_vcpu *x, u64 event, u64 *address)
{
	struct axv_x86_events *ev = &x->events;
	u64 first = ev->reinject;
	u8 first_vector = first & AXV_X86_EVENT_VECTOR;
	u8 vector = event & AXV_X86_EVENT_VECTOR;

	ev->reinject = 0;
	if (!is_exception(first)) {
		if (first)
			put_back(x, first);
		return event;
	}
	if (first_vector == X86_TRAP_DF &&
	    (BIT(vector) & (CONTRIBUTORY | BIT(X86_TRAP_PF)))) {
		ev->shutdown = true;
		return 0;
	}
	if (!doubles(first_vector, vector))
		return event;
	*address = 0;
	return make_event(AXV_X86_EVENT_TYPE_EXCEPTION, X86_TRAP_DF, true, 0);
}

/**
 * axv_x86_raise() - queue an exception that the guest caused
 * @x:		vCPU whose claim the caller holds
 * @vector:	0 to 31, not 2
 * @has_error:	the exception pushes an error code
 * @error:	the error code
 * @address:	CR2 for #PF, DR6 bits for #DB
 *
 * An exception caused by the delivery of another one makes a double fault, or a
 * shutdown (&axv_x86_events.shutdown), where AMD APM vol. 2, 8.2.9 says so; otherwise
 * it is handled first, and the instruction that caused the other will cause it again.
 * If an exception that the VMM injected waits, the new one is dropped: it comes again
 * when the instruction is tried again.
 *
 * Context: takes &axv_vcpu.lock.
 */
void axv_x86_raise(struct axv_x86_vcpu *x, u8 vector, bool has_error, u32 error,
		   u64 address)
{
	struct axv_x86_events *ev = &x->events;
	unsigned long flags;
	u64 event;

	raw_spin_lock_irqsave(&x->base.lock, flags);
	event = combine(x, make_event(AXV_X86_EVENT_TYPE_EXCEPTION, vector,
				      has_error, error), &address);
	if (event && !ev->exception) {
		ev->exception = event;
		ev->exception_addr = address;
		ev->raised = true;
	}
	WRITE_ONCE(ev->any, true);
	raw_spin_unlock_irqrestore(&x->base.lock, flags);
}

/**
 * axv_x86_combine_events() - combine an exception of the VMM's with an interrupted event
 * @x:		vCPU whose claim the caller holds, about to enter
 *
 * AXV_INJECT_RAISED says that the guest caused the exception.  If the delivery of another
 * event was under way, this does what axv_x86_raise() does for the module's exceptions.
 *
 * Context: &axv_vcpu.lock.
 */
void axv_x86_combine_events(struct axv_x86_vcpu *x)
{
	struct axv_x86_events *ev = &x->events;

	lockdep_assert_held(&x->base.lock);
	if (unlikely(ev->reinject && ev->exception && ev->raised))
		ev->exception = combine(x, ev->exception, &ev->exception_addr);
}

/*
 * The processor pushes the flags of a fault with RF set; otherwise a breakpoint on
 * the instruction hits again when the handler returns to the instruction, for ever.
 * An injected event pushes RF as the guest's RFLAGS have it.
 */
static void set_rf(struct axv_x86_vcpu *x, u64 event, u64 address)
{
	u8 vector = event & AXV_X86_EVENT_VECTOR;

	if (is_exception(event) &&
	    (!(NO_FAULT & BIT(vector)) ||
	     (vector == X86_TRAP_DB && (address & DR6_BD))))
		x->regs.rflags |= X86_EFLAGS_RF;
}

/*
 * Take the pending exception, and do what the processor does besides pushing a frame
 * (RF, CR2, DR6, DR7): it does not do that for an injected event (AMD APM vol. 2, 15.20,
 * "EVENTINJ").
 */
static u64 take_exception(struct axv_x86_vcpu *x)
{
	struct axv_x86_events *ev = &x->events;
	u64 event = ev->exception;
	u64 address = ev->exception_addr;

	ev->exception = 0;
	ev->exception_addr = 0;
	set_rf(x, event, address);
	switch (event & AXV_X86_EVENT_VECTOR) {
	case X86_TRAP_PF:
		x->hw->set_cr(x, 2, address);
		break;
	case X86_TRAP_DB:
		x->hw->set_dr(x, 6, x->hw->get_dr(x, 6) |
				    (address & DR6_CAUSES));
		x->hw->set_dr(x, 7, x->hw->get_dr(x, 7) & ~DR7_GD);
		break;
	}
	/* In real mode an exception pushes no error code (AMD APM vol. 2, 8.6). */
	if (!(x->hw->get_cr(x, 0) & X86_CR0_PE))
		event = (u32)event & ~AXV_X86_EVENT_ERROR_VALID;
	return event;
}

static u64 take_reinject(struct axv_x86_vcpu *x)
{
	u64 event = x->events.reinject;

	x->events.reinject = 0;
	set_rf(x, event, 0);
	return event;
}

/**
 * axv_x86_take_intercepted() - unqueue an exception that the VMM wants to see
 * @x:		vCPU whose claim the caller holds
 * @address:	out: CR2 value or DR6 bits that go with it
 *
 * That is one which emulation raised and &axv_x86_events.exit_mask names: it becomes
 * AXV_EXIT_EXCEPTION, as if the hardware had intercepted it.
 *
 * Context: &axv_vcpu.lock.
 * Return: the exception, in the form of AXV_X86_EVENT_*, or 0.
 */
u64 axv_x86_take_intercepted(struct axv_x86_vcpu *x, u64 *address)
{
	struct axv_x86_events *ev = &x->events;
	u64 event = ev->exception;

	lockdep_assert_held(&x->base.lock);
	if (!event || !ev->raised || ev->reinject ||
	    !(ev->exit_mask & BIT(event & AXV_X86_EVENT_VECTOR)))
		return 0;
	*address = ev->exception_addr;
	ev->exception = 0;
	ev->exception_addr = 0;
	return event;
}

/* Choose an NMI or an external interrupt; *@vector: the first of the local APIC's, or -1. */
static u64 pick_interrupt(struct axv_x86_vcpu *x, int *vector)
{
	struct axv_x86_events *ev = &x->events;
	u64 event;

	if (ev->nmi_pending && nmi_open(x)) {
		ev->nmi_pending--;
		x->hw->set_nmi_masked(x, true);
		return make_event(AXV_X86_EVENT_TYPE_NMI, X86_TRAP_NMI, false, 0);
	}
	if (!extint_open(x))
		return 0;
	if (pic_waits(x))
		return make_event(AXV_X86_EVENT_TYPE_EXTINT, pop_extint(ev), false, 0);
	if (*vector < 0)
		return 0;
	axv_lapic_take(x, *vector);
	event = make_event(AXV_X86_EVENT_TYPE_EXTINT, *vector, false, 0);
	*vector = axv_lapic_pending(x);
	return event;
}

/**
 * axv_x86_pick_event() - choose the event to deliver with the next entry
 * @x:		vCPU whose claim the caller holds
 * @irq_window:	out: an external interrupt still waits, so the back end has to find out
 *		when the guest can take it
 * @nmi_window:	out: the same for an NMI
 *
 * One event per entry: first the one whose delivery was cut short, then an
 * exception, NMI and external interrupt (AMD APM vol. 2, 8.5); the latter two not with
 * AXV_DEBUG_BLOCK_EVENTS, and then no window is asked for.  The event is
 * off the queue; if its delivery is cut short, the back end hands it back with
 * axv_x86_cut_short().  Its instruction length, if it is a software event, is
 * in &axv_x86_events.reinject_len.  What an exception changes besides the stack
 * (RF, CR2, DR6, DR7) is done here, and NMIs are masked if one is taken.
 *
 * Need not be called while &axv_x86_events.any is false, unless the interrupt
 * window is asked for or armed.
 *
 * Context: &axv_vcpu.lock.
 * Return: the event, in the form of AXV_X86_EVENT_*, or 0.
 */
u64 axv_x86_pick_event(struct axv_x86_vcpu *x, bool *irq_window,
		       bool *nmi_window)
{
	struct axv_x86_events *ev = &x->events;
	int vector = x->lapic ? axv_lapic_pending(x) : -1;
	bool blocked = x->debug.flags & AXV_DEBUG_BLOCK_EVENTS;
	u64 event = 0;

	lockdep_assert_held(&x->base.lock);
	if (ev->reinject)
		event = take_reinject(x);
	else if (ev->exception)
		event = take_exception(x);
	else if (!blocked)
		event = pick_interrupt(x, &vector);
	*irq_window = pic_waits(x) || vector >= 0;
	*nmi_window = ev->nmi_pending;
	WRITE_ONCE(ev->any, ev->exception || *irq_window || *nmi_window ||
		   ev->shutdown);
	if (unlikely(blocked)) {
		*irq_window = false;
		*nmi_window = false;
	}
	if (event)
		ev->halted = false;
	return event;
}

/**
 * axv_x86_nmi_taken() - the processor took a pending NMI by itself
 * @x:		vCPU that just left the guest
 *
 * If its delivery was cut short, the NMI waits to be injected, and is counted
 * then instead of here.
 *
 * Context: interrupts off; takes &axv_vcpu.lock.
 */
void axv_x86_nmi_taken(struct axv_x86_vcpu *x)
{
	struct axv_x86_events *ev = &x->events;

	raw_spin_lock(&x->base.lock);
	if (ev->nmi_pending)
		ev->nmi_pending--;
	raw_spin_unlock(&x->base.lock);
	if (!ev->reinject)
		axv_count(&x->base.stats.injections, 1);
}

/**
 * axv_x86_events_reset() - forget all events
 * @x:		vCPU whose claim the caller holds
 *
 * Context: takes &axv_vcpu.lock.
 */
void axv_x86_events_reset(struct axv_x86_vcpu *x)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&x->base.lock, flags);
	memset(&x->events, 0, sizeof(x->events));
	raw_spin_unlock_irqrestore(&x->base.lock, flags);
}

/* Eight vectors of the queue in one value, beginning with the one at position @first. */
static u64 get_extints(struct axv_x86_events *ev, unsigned int first)
{
	unsigned int i;
	u64 value = 0;

	for (i = 0; i < 8 && first + i < ev->extint_count; i++)
		value |= (u64)*extint_at(ev, first + i) << 8 * i;
	return value;
}

static int set_extints(struct axv_x86_events *ev, unsigned int first, u64 value)
{
	unsigned int room = ARRAY_SIZE(ev->extint) - first, i;

	if (room < 8 && value >> 8 * room)
		return -EINVAL;
	for (i = 0; i < min(8u, room); i++)
		*extint_at(ev, first + i) = value >> 8 * i;
	return 0;
}

/**
 * axv_x86_get_event_reg() - read a register of class EVENT
 * @x:		vCPU whose claim the caller holds
 * @index:	an &enum axv_x86_event_reg
 * @value:	its value
 *
 * Context: interrupts on; takes &axv_vcpu.lock.
 * Return: 0 or -ENOENT.
 */
int axv_x86_get_event_reg(struct axv_x86_vcpu *x, u64 index, u64 *value)
{
	struct axv_x86_events *ev = &x->events;
	unsigned long flags;
	int err = 0;

	/* VMX may have to ask another CPU, which is not possible with interrupts off. */
	if (index == AXV_X86_EVENT_PENDING_DEBUG) {
		*value = x->hw->get_pending_debug(x);
		return 0;
	}
	raw_spin_lock_irqsave(&x->base.lock, flags);
	switch (index) {
	case AXV_X86_EVENT_SHADOW:
		*value = x->hw->get_shadow(x);
		break;
	case AXV_X86_EVENT_NMI_MASKED:
		*value = x->hw->get_nmi_masked(x);
		break;
	case AXV_X86_EVENT_NMI_PENDING:
		*value = ev->nmi_pending;
		break;
	case AXV_X86_EVENT_EXCEPTION:
		*value = ev->exception;
		break;
	case AXV_X86_EVENT_EXCEPTION_ADDR:
		*value = ev->exception_addr;
		break;
	case AXV_X86_EVENT_REINJECT:
		*value = ev->reinject;
		break;
	case AXV_X86_EVENT_HALTED:
		*value = ev->halted;
		break;
	case AXV_X86_EVENT_EXIT_MASK:
		*value = ev->exit_mask;
		break;
	case AXV_X86_EVENT_EXTINT_COUNT:
		*value = ev->extint_count;
		break;
	case AXV_X86_EVENT_EXTINT_0 ... AXV_X86_EVENT_EXTINT_2:
		*value = get_extints(ev, 8 * (index - AXV_X86_EVENT_EXTINT_0));
		break;
	case AXV_X86_EVENT_EXCEPTION_RAISED:
		*value = ev->raised;
		break;
	case AXV_X86_EVENT_SHUTDOWN:
		*value = ev->shutdown;
		break;
	case AXV_X86_EVENT_WAIT_SIPI:
	case AXV_X86_EVENT_INIT:
	case AXV_X86_EVENT_SIPI:
		*value = axv_lapic_get_event_reg(x, index);
		break;
	default:
		err = -ENOENT;
	}
	raw_spin_unlock_irqrestore(&x->base.lock, flags);
	return err;
}

static bool is_type(u64 event, u64 type)
{
	return !event || (event & AXV_X86_EVENT_TYPE) == type;
}

static int set_queue_reg(struct axv_x86_events *ev, u64 index, u64 value)
{
	int err = 0;

	switch (index) {
	case AXV_X86_EVENT_NMI_PENDING:
		if (value > AXV_NMI_MAX)
			return -EINVAL;
		ev->nmi_pending = value;
		break;
	case AXV_X86_EVENT_EXCEPTION:
		if (!axv_x86_event_valid(value) ||
		    !is_type(value, AXV_X86_EVENT_TYPE_EXCEPTION))
			return -EINVAL;
		ev->exception = value;
		break;
	case AXV_X86_EVENT_EXCEPTION_ADDR:
		ev->exception_addr = value;
		break;
	case AXV_X86_EVENT_REINJECT:
		if (!axv_x86_event_valid(value))
			return -EINVAL;
		ev->reinject = value;
		ev->reinject_len = 0;
		break;
	case AXV_X86_EVENT_EXTINT_COUNT:
		if (value > ARRAY_SIZE(ev->extint))
			return -EINVAL;
		ev->extint_count = value;
		break;
	case AXV_X86_EVENT_EXTINT_0 ... AXV_X86_EVENT_EXTINT_2:
		err = set_extints(ev, 8 * (index - AXV_X86_EVENT_EXTINT_0), value);
		break;
	case AXV_X86_EVENT_EXCEPTION_RAISED:
		if (value > 1)
			return -EINVAL;
		ev->raised = value;
		break;
	case AXV_X86_EVENT_SHUTDOWN:
		if (value > 1)
			return -EINVAL;
		ev->shutdown = value;
		break;
	default:
		return -ENOENT;
	}
	WRITE_ONCE(ev->any, true);
	return err;
}

/**
 * axv_x86_set_event_reg() - write a register of class EVENT
 * @x:		vCPU whose claim the caller holds
 * @index:	an &enum axv_x86_event_reg
 * @value:	its value
 *
 * Context: takes &axv_vcpu.lock.
 * Return: 0, -ENOENT, or -EINVAL for a value no processor has.
 */
int axv_x86_set_event_reg(struct axv_x86_vcpu *x, u64 index, u64 value)
{
	unsigned long flags;
	int err;

	switch (index) {
	case AXV_X86_EVENT_SHADOW:
		if (value > AXV_X86_SHADOW_MOV_SS)
			return -EINVAL;
		x->hw->set_shadow(x, value);
		return 0;
	case AXV_X86_EVENT_NMI_MASKED:
		if (value > 1)
			return -EINVAL;
		x->hw->set_nmi_masked(x, value);
		return 0;
	case AXV_X86_EVENT_PENDING_DEBUG:
		return x->hw->set_pending_debug(x, value);
	case AXV_X86_EVENT_HALTED:
		if (value > 1)
			return -EINVAL;
		x->events.halted = value;
		return 0;
	case AXV_X86_EVENT_EXIT_MASK:
		if (value & ~(u64)(u32)~BIT(X86_TRAP_NMI))
			return -EINVAL;
		x->events.exit_mask = value;
		x->hw->cpuid_changed(x);
		return 0;
	case AXV_X86_EVENT_WAIT_SIPI:
	case AXV_X86_EVENT_INIT:
	case AXV_X86_EVENT_SIPI:
		return axv_lapic_set_event_reg(x, index, value);
	}
	raw_spin_lock_irqsave(&x->base.lock, flags);
	err = set_queue_reg(&x->events, index, value);
	raw_spin_unlock_irqrestore(&x->base.lock, flags);
	return err;
}

void axv_x86_skip(struct axv_x86_vcpu *x, unsigned int len)
{
	u64 rip = x->regs.rip + len;

	/* Outside 64-bit mode the instruction pointer has 32 bits. */
	if (unlikely((rip ^ x->regs.rip) >> 32) && axv_x86_code_bits(x) != 64)
		rip = (u32)rip;
	x->regs.rip = rip;
	x->hw->set_shadow(x, AXV_X86_SHADOW_NONE);
}

void axv_x86_advance(struct axv_x86_vcpu *x, unsigned int len)
{
	axv_x86_skip(x, len);
	if (unlikely(x->regs.rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF))) {
		x->regs.rflags &= ~(u64)X86_EFLAGS_RF;
		if (x->regs.rflags & X86_EFLAGS_TF)
			axv_x86_raise(x, X86_TRAP_DB, false, 0, DR_STEP);
	}
}
