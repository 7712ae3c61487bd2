// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* The state between two instructions: events that wait, and whether the processor runs. */
#include <errno.h>
#include <string.h>

#include "debug.h"
#include "vcpu.h"

#define VECTORS		256
#define SIPI_VALID	(1u << 8)	/* AXV_X86_EVENT_SIPI: there is one */
#define VECTOR_DB	1
#define VECTOR_NMI	2
#define VECTOR_PF	14
#define EXCEPTIONS	32
#define NMIS		2	/* that can wait */

#define RFLAGS_IF	(1u << 9)
#define CR0_PE		1u
/* What #DB sets in DR6, and what it clears in DR7 (Intel SDM vol. 3B, 18.2). */
#define DR6_CAUSES	0xe00fu
#define DR7_GD		(1u << 13)

/* The registers that KVM's structure is made of, in the order in which they are set. */
enum {
	EXCEPTION,
	REINJECT,
	EXTINT_0,
	EXTINT_COUNT,
	NMI_PENDING,
	NMI_MASKED,
	SHADOW,
	NR_REGS,
	/* only read with the others: set_latched() and the MP state set INIT and SIPI */
	INIT = NR_REGS,
	SIPI,
	EXCEPTION_ADDR,
	CR0,
	NR_READ,
};

static const __u64 ids[NR_READ] = {
	[EXCEPTION] = AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION),
	[REINJECT] = AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT),
	[EXTINT_COUNT] = AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_COUNT),
	[NMI_PENDING] = AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_PENDING),
	[NMI_MASKED] = AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_MASKED),
	[SHADOW] = AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW),
	[EXTINT_0] = AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_0),
	[INIT] = AXV_REG_X86(EVENT, AXV_X86_EVENT_INIT),
	[SIPI] = AXV_REG_X86(EVENT, AXV_X86_EVENT_SIPI),
	[EXCEPTION_ADDR] = AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION_ADDR),
	[CR0] = AXV_REG_X86(CR, 0),
};

static void show_exception(struct kvm_vcpu_events *events, __u64 event)
{
	events->exception.injected = 1;
	events->exception.nr = event & AXV_X86_EVENT_VECTOR;
	events->exception.has_error_code = !!(event & AXV_X86_EVENT_ERROR_VALID);
	events->exception.error_code = event >> AXV_X86_EVENT_ERROR_SHIFT;
}

static void show_reinject(struct kvm_vcpu_events *events, __u64 event)
{
	switch (event & AXV_X86_EVENT_TYPE) {
	case AXV_X86_EVENT_TYPE_EXCEPTION:
		show_exception(events, event);
		break;
	case AXV_X86_EVENT_TYPE_NMI:
		events->nmi.injected = 1;
		break;
	default:
		events->interrupt.injected = 1;
		events->interrupt.nr = event & AXV_X86_EVENT_VECTOR;
		events->interrupt.soft = (event & AXV_X86_EVENT_TYPE) == AXV_X86_EVENT_TYPE_SOFT;
		break;
	}
}

/*
 * Set CR2, or DR6 and DR7, as the delivery of a pending exception does.  Without the payload
 * KVM's structure has no room for the address, so CR2 or DR6 is set when the VMM gets the events,
 * as KVM does.  The module keeps the address and sets the register once more at the delivery if
 * the VMM does not set the events: otherwise CR2 would become 0.
 */
static int do_payload(struct vcpu *v, __u64 event, __u64 address)
{
	struct axv_reg r[] = {
		{ .id = AXV_REG_X86(DR, 6) },
		{ .id = AXV_REG_X86(DR, 7) },
	};

	switch (event & AXV_X86_EVENT_VECTOR) {
	case VECTOR_PF:
		return axv_vcpu_set_reg(v->axv, AXV_REG_X86(CR, 2), address);
	case VECTOR_DB:
		if (axv_vcpu_get_regs(v->axv, r, 2))
			return -EIO;
		r[0].value |= address & DR6_CAUSES;
		r[1].value &= ~(__u64)DR7_GD;
		return axv_vcpu_set_regs(v->axv, r, 2);
	}
	return 0;
}

/* Read the first @n registers of ids[].  False: the module fails. */
static bool read_regs(struct vcpu *v, struct axv_reg *r, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		r[i].id = ids[i];
	return !axv_vcpu_get_regs(v->axv, r, n);
}

int events_get(struct vcpu *v, struct kvm_vcpu_events *events)
{
	struct axv_reg r[NR_READ] = {};

	if (!read_regs(v, r, NR_READ))
		return -EIO;
	memset(events, 0, sizeof(*events));
	/* KVM counts an interrupt that the VMM has acknowledged as being delivered. */
	if (r[EXTINT_COUNT].value) {
		events->interrupt.injected = 1;
		events->interrupt.nr = r[EXTINT_0].value & 0xff;
	}
	/* An event whose delivery has begun takes its place: KVM's structure has room for one. */
	if (r[REINJECT].value & AXV_X86_EVENT_VALID)
		show_reinject(events, r[REINJECT].value);
	/*
	 * Without KVM_CAP_EXCEPTION_PAYLOAD KVM shows a pending exception as being delivered,
	 * too.
	 */
	if (r[EXCEPTION].value & AXV_X86_EVENT_VALID) {
		if (do_payload(v, r[EXCEPTION].value, r[EXCEPTION_ADDR].value))
			return -EIO;
		/* In real mode an exception pushes no error code. */
		if (!(r[CR0].value & CR0_PE))
			r[EXCEPTION].value &= ~AXV_X86_EVENT_ERROR_VALID & 0xffffffff;
		show_exception(events, r[EXCEPTION].value);
	}
	/* The number of NMIs that wait, as in KVM since 6.4; older ones tell 1 at most. */
	events->nmi.pending = r[NMI_PENDING].value;
	events->nmi.masked = r[NMI_MASKED].value;
	if (r[SHADOW].value)
		events->interrupt.shadow = r[SHADOW].value == AXV_X86_SHADOW_STI ?
					   KVM_X86_SHADOW_INT_STI : KVM_X86_SHADOW_INT_MOV_SS;
	events->smi.latched_init = r[INIT].value;
	events->sipi_vector = r[SIPI].value & 0xff;
	events->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	/*
	 * The flag makes the VMM set the vector again, with the MP state: otherwise it would
	 * become 0.
	 */
	if (r[SIPI].value)
		events->flags |= KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	return 0;
}

/* The event to be delivered first, in the module's form; 0: none. */
static __u64 reinject(const struct kvm_vcpu_events *events)
{
	if (events->exception.injected) {
		__u64 event = AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION |
			      events->exception.nr;

		if (events->exception.has_error_code)
			event |= AXV_X86_EVENT_ERROR_VALID |
				 (__u64)events->exception.error_code << AXV_X86_EVENT_ERROR_SHIFT;
		return event;
	}
	if (events->nmi.injected)
		return AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_NMI | VECTOR_NMI;
	if (events->interrupt.injected)
		return AXV_X86_EVENT_VALID | events->interrupt.nr |
		       (events->interrupt.soft ? AXV_X86_EVENT_TYPE_SOFT :
						 AXV_X86_EVENT_TYPE_EXTINT);
	return 0;
}

static __u64 shadow(const struct kvm_vcpu_events *events)
{
	if (events->interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS)
		return AXV_X86_SHADOW_MOV_SS;
	return events->interrupt.shadow & KVM_X86_SHADOW_INT_STI ? AXV_X86_SHADOW_STI :
								   AXV_X86_SHADOW_NONE;
}

/*
 * Set the INIT and the SIPI that the local APIC has latched.  The structure has the vector of
 * a SIPI; the MP state says whether there is a SIPI.
 */
static int set_latched(struct vcpu *v, const struct kvm_vcpu_events *events)
{
	__u64 sipi;

	if (!v->vm->lapic)
		return 0;
	if (events->flags & KVM_VCPUEVENT_VALID_SMM &&
	    axv_vcpu_set_reg(v->axv, ids[INIT], !!events->smi.latched_init))
		return -EINVAL;
	if (!(events->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR))
		return 0;
	v->sipi_vector = events->sipi_vector;
	if (axv_vcpu_get_reg(v->axv, ids[SIPI], &sipi))
		return -EINVAL;
	return sipi && axv_vcpu_set_reg(v->axv, ids[SIPI], SIPI_VALID | v->sipi_vector) ?
	       -EINVAL : 0;
}

static bool is_interrupt(__u64 event)
{
	__u64 type = event & AXV_X86_EVENT_TYPE;

	return event & AXV_X86_EVENT_VALID &&
	       (type == AXV_X86_EVENT_TYPE_EXTINT || type == AXV_X86_EVENT_TYPE_SOFT);
}

/* EXTINT_0 has a byte for each vector that waits, the next one lowest; there are never eight. */
static void push_front(struct axv_reg *r, __u8 vector)
{
	r[EXTINT_0].value = r[EXTINT_0].value << 8 | vector;
	r[EXTINT_COUNT].value++;
}

/*
 * Compute the ExtINTs that wait once the VMM has set @events. If @events has the interrupt that
 * events_get() tells now, the ExtINTs behind it stay; the interrupt itself stays in front of them
 * if another event of @events is delivered first. If @events has another interrupt or none, the
 * state is another vCPU's, or of another time, and no ExtINT stays.
 *
 * @r: in: what there is; out: EXTINT_0 and EXTINT_COUNT as they are to be
 */
static void set_queue(const struct kvm_vcpu_events *events, struct axv_reg *r)
{
	struct kvm_vcpu_events now = {};
	bool pop = false;

	if (is_interrupt(r[REINJECT].value)) {
		show_reinject(&now, r[REINJECT].value);
	} else if (r[EXTINT_COUNT].value) {
		now.interrupt.injected = 1;
		now.interrupt.nr = r[EXTINT_0].value & 0xff;
		pop = true;
	}
	if (!events->interrupt.injected || !now.interrupt.injected ||
	    events->interrupt.nr != now.interrupt.nr ||
	    !events->interrupt.soft != !now.interrupt.soft) {
		r[EXTINT_0].value = 0;
		r[EXTINT_COUNT].value = 0;
	} else if (pop) {
		r[EXTINT_0].value >>= 8;
		r[EXTINT_COUNT].value--;
	}
	if (events->interrupt.injected && !events->interrupt.soft &&
	    (events->exception.injected || events->nmi.injected))
		push_front(r, events->interrupt.nr);
}

int events_set(struct vcpu *v, const struct kvm_vcpu_events *events)
{
	const __u32 known = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			    KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM;
	struct axv_reg r[NR_REGS] = {};
	unsigned int i, n;
	bool placed;
	__u64 nmis;
	int failed;

	if (events->flags & ~known ||
	    (events->exception.injected &&
	     (events->exception.nr >= EXCEPTIONS || events->exception.nr == VECTOR_NMI)))
		return -EINVAL;
	/* There is no SMM; a VMM may say that the processor is not in it. */
	if (events->flags & KVM_VCPUEVENT_VALID_SMM && (events->smi.smm || events->smi.pending))
		return -EINVAL;
	if (events->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR && events->sipi_vector >= VECTORS)
		return -EINVAL;
	if (!read_regs(v, r, NR_REGS))
		return -EIO;
	set_queue(events, r);
	r[EXCEPTION].value = 0;
	r[REINJECT].value = reinject(events);
	nmis = r[NMI_PENDING].value;
	r[NMI_PENDING].value = events->nmi.pending < NMIS ? events->nmi.pending : NMIS;
	r[NMI_MASKED].value = !!events->nmi.masked;
	r[SHADOW].value = shadow(events);
	/*
	 * Without the flag the shadow stays as it is: it is the last of the list, and is left
	 * off.
	 */
	n = events->flags & KVM_VCPUEVENT_VALID_SHADOW ? NR_REGS : SHADOW;
	if (events->exception.injected && events->nmi.injected) {
		/* An NMI beside an exception waits: its handler does not mask NMIs yet. */
		if (!(events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING))
			r[NMI_PENDING].value = nmis;
		if (r[NMI_PENDING].value < NMIS)
			r[NMI_PENDING].value++;
		r[NMI_MASKED].value = 0;
	} else if (!(events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)) {
		r[NMI_PENDING] = r[NMI_MASKED];
	}
	placed = is_interrupt(r[REINJECT].value);
	failed = axv_vcpu_set_regs(v->axv, r, n);
	for (i = 0; failed && i < n; i++) {
		if (r[i].status)
			debug("events: register %#llx cannot be %#llx", r[i].id, r[i].value);
	}
	if (failed)
		return -EINVAL;
	v->placed_interrupt = placed;
	return set_latched(v, events);
}

int events_next_interrupt(struct vcpu *v)
{
	struct axv_reg r[] = {
		{ .id = ids[REINJECT] },
		{ .id = ids[EXTINT_COUNT] },
		{ .id = ids[EXTINT_0] },
	};

	if (axv_vcpu_get_regs(v->axv, r, 3))
		return -EIO;
	if (r[0].value & AXV_X86_EVENT_VALID &&
	    (r[0].value & AXV_X86_EVENT_TYPE) == AXV_X86_EVENT_TYPE_EXTINT)
		return r[0].value & AXV_X86_EVENT_VECTOR;
	return r[1].value ? (int)(r[2].value & 0xff) : -ENOENT;
}

int events_place_interrupt(struct vcpu *v, __u8 vector)
{
	struct axv_reg r[NR_REGS] = {};

	if (!read_regs(v, r, NR_REGS))
		return -EIO;
	r[EXTINT_0].value = 0;
	r[EXTINT_COUNT].value = 0;
	/* An exception or an NMI whose delivery has begun comes first. */
	if (r[REINJECT].value & AXV_X86_EVENT_VALID && !is_interrupt(r[REINJECT].value)) {
		push_front(r, vector);
	} else {
		r[REINJECT].value = AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXTINT | vector;
		v->placed_interrupt = true;
	}
	return axv_vcpu_set_regs(v->axv, &r[REINJECT], EXTINT_COUNT - REINJECT + 1) ? -EINVAL : 0;
}

int events_check_interrupt(struct vcpu *v)
{
	struct axv_reg r[NR_REGS] = {};
	struct kvm_regs regs;

	if (regs_get(v, &regs) || !read_regs(v, r, NR_REGS))
		return -EIO;
	v->placed_interrupt = false;
	if ((r[REINJECT].value & ~(__u64)AXV_X86_EVENT_VECTOR) !=
	    (AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXTINT) ||
	    (regs.rflags & RFLAGS_IF && !r[SHADOW].value))
		return 0;
	push_front(r, r[REINJECT].value & AXV_X86_EVENT_VECTOR);
	r[REINJECT].value = 0;
	return axv_vcpu_set_regs(v->axv, &r[REINJECT], EXTINT_COUNT - REINJECT + 1) ? -EIO : 0;
}

int events_interrupt(struct vcpu *v, const struct kvm_interrupt *irq)
{
	__u64 waiting;
	int err;

	if (irq->irq >= VECTORS)
		return -EINVAL;
	/* KVM_INTERRUPT is for a PIC in the VMM, and this VM has its PIC in the library. */
	if (v->vm->chips)
		return -ENXIO;
	if (axv_vcpu_get_reg(v->axv, ids[EXTINT_COUNT], &waiting))
		return -EIO;
	/*
	 * KVM's documentation has this error.  KVM itself, without an irqchip, replaces the first
	 * interrupt by the second: the first is lost, though the VMM's PIC counts it as taken.
	 */
	if (waiting)
		return -EEXIST;
	err = axv_vcpu_inject_extint(v->axv, irq->irq);
	if (err)
		debug("%s", axv_error());
	return err;
}

int events_nmi(struct vcpu *v)
{
	int err = axv_vcpu_inject_nmi(v->axv);

	/* Two NMIs wait already.  KVM drops a third one and tells no error. */
	return err == -EAGAIN ? 0 : err;
}

/* ---- whether it runs ---------------------------------------------------- */

int events_get_mp_state(struct vcpu *v, struct kvm_mp_state *state)
{
	struct axv_reg r[] = {
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_WAIT_SIPI) },
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_HALTED) },
		{ .id = ids[SIPI] },
	};

	if (axv_vcpu_get_regs(v->axv, r, 3))
		return -EIO;
	/*
	 * The module has one state for before and after INIT.  KVM takes a SIPI in
	 * INIT_RECEIVED, whether an INIT comes first or not.
	 */
	if (r[2].value)
		v->sipi_vector = r[2].value & 0xff;
	if (r[0].value)
		state->mp_state = r[2].value ? KVM_MP_STATE_SIPI_RECEIVED :
					       KVM_MP_STATE_INIT_RECEIVED;
	else
		state->mp_state = r[1].value ? KVM_MP_STATE_HALTED : KVM_MP_STATE_RUNNABLE;
	return 0;
}

int events_set_mp_state(struct vcpu *v, const struct kvm_mp_state *state)
{
	struct axv_reg r[] = {
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_WAIT_SIPI) },
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_HALTED) },
		{ .id = ids[SIPI], .value = SIPI_VALID | v->sipi_vector },
	};
	unsigned int n = 2;

	switch (state->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		if (!v->vm->lapic)
			return -EINVAL;
		r[0].value = 1;
		r[1].value = 1;
		if (state->mp_state == KVM_MP_STATE_SIPI_RECEIVED)
			n = 3;
		break;
	case KVM_MP_STATE_HALTED:
		r[1].value = 1;
		break;
	default:
		return -EINVAL;
	}
	return axv_vcpu_set_regs(v->axv, r, n) ? -EINVAL : 0;
}
