// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt messages: whom they are for, and how they get there (Intel SDM vol. 3A,
 * "Issuing Interprocessor Interrupts", "Message Signalled Interrupts").
 *
 * The sender reads nothing of a target but its ids and its mode, and takes no lock but
 * for an NMI.  What becomes of the message is decided by the target's own thread.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include <asm/apicdef.h>

#include <axvcpu/request.h>
#include <axvcpu/vm.h>

#include "events.h"
#include "lapic.h"

#define XAPIC_BROADCAST		0xffu
#define X2APIC_BROADCAST	0xffffffffu

/* MSI data and address (SDM, "Message Address Register Format" and the next). */
#define MSI_DATA_ASSERT		BIT(14)
#define MSI_DATA_LEVEL		BIT(15)
#define MSI_ADDRESS_TOP		0xfeeull
#define MSI_ADDRESS_LOGICAL	BIT(2)

/**
 * struct message - an interrupt on its way
 * @dest:	destination: an APIC id, or with @logical a logical id
 * @mode:	APIC_DM_*
 * @vector:	vector
 * @logical:	@dest is a logical id
 * @level:	level-triggered: routes or the VMM are told of its end
 * @routed:	with @level: a route sent it, and the core is told of its end; otherwise
 *		the VMM is
 * @x2apic:	an x2APIC sends it: @dest has the form of x2APIC mode
 */
struct message {
	u32 dest;
	u32 mode;
	u8 vector;
	bool logical;
	bool level;
	bool routed;
	bool x2apic;
};

/**
 * axv_lapic_logical_id() - value of LDR in x2APIC mode
 * @x:		vCPU with an APIC
 *
 * Derived from the id (SDM, "Deriving Logical x2APIC ID from the Local x2APIC ID").
 */
u32 axv_lapic_logical_id(const struct axv_x86_vcpu *x)
{
	u32 id = x->base.hw_id;

	return id >> 4 << 16 | BIT(id & 15);
}

/*
 * If an x2APIC sends, @dest is a 32-bit id for all APICs, also for those that have not been
 * switched to x2APIC mode yet.  Otherwise a vCPU with an id above 255 could never be
 * started, and the vCPU with id 255 only together with all others.
 */
static bool matches_physical(const struct axv_x86_vcpu *x, const struct message *msg)
{
	u32 id = x->base.hw_id, dest = msg->dest;

	if (msg->x2apic || axv_lapic_is_x2apic(x->lapic) || dest > XAPIC_BROADCAST)
		return dest == id || dest == X2APIC_BROADCAST;
	return dest == (u8)id || dest == XAPIC_BROADCAST;
}

/* See SDM, "Logical Destination Mode" and "Logical Destination Mode in x2APIC Mode". */
static bool matches_logical(const struct axv_x86_vcpu *x, u32 dest)
{
	struct axv_lapic *lapic = x->lapic;
	u32 ldr;

	if (axv_lapic_is_x2apic(lapic)) {
		ldr = axv_lapic_logical_id(x);
		return dest == X2APIC_BROADCAST ||
		       (dest >> 16 == ldr >> 16 && (u16)(dest & ldr));
	}
	if (dest > XAPIC_BROADCAST)
		return false;
	ldr = READ_ONCE(*axv_lapic_reg(lapic, APIC_LDR)) >> 24;
	if (dest == XAPIC_BROADCAST)
		return true;
	if (READ_ONCE(*axv_lapic_reg(lapic, APIC_DFR)) == APIC_DFR_FLAT)
		return dest & ldr;
	return dest >> 4 == ldr >> 4 && (dest & ldr & 0xf);
}

static bool matches(const struct axv_x86_vcpu *x, const struct message *msg)
{
	return msg->logical ? matches_logical(x, msg->dest) :
			      matches_physical(x, msg);
}

/* Latch the first SIPI and drop those behind it: they belong to the same start. */
static void latch_sipi(struct axv_lapic *lapic, u8 vector)
{
	u32 sipi = AXV_LATCHED_SIPI | (u32)vector << AXV_LATCHED_VECTOR;
	int old = atomic_read(&lapic->latched);

	do {
		if (old & AXV_LATCHED_SIPI)
			return;
	} while (!atomic_try_cmpxchg(&lapic->latched, &old, old | sipi));
}

static void post_interrupt(struct axv_lapic *lapic, const struct message *msg)
{
	if (msg->vector < AXV_LAPIC_LEGAL) {
		set_bit(AXV_ESR_RECEIVED, &lapic->errors);
		return;
	}
	if (msg->level)
		set_bit(msg->vector, lapic->level);
	else
		clear_bit(msg->vector, lapic->level);
	if (msg->level && !msg->routed)
		set_bit(msg->vector, lapic->direct);
	/* @level before @incoming; pairs with the xchg() of take_incoming(). */
	smp_mb__before_atomic();
	set_bit(msg->vector, lapic->incoming);
}

static void post_nmi(struct axv_x86_vcpu *x)
{
	struct axv_x86_events *ev = &x->events;
	unsigned long flags;

	raw_spin_lock_irqsave(&x->base.lock, flags);
	if (ev->nmi_pending < AXV_NMI_MAX)
		WRITE_ONCE(ev->nmi_pending, ev->nmi_pending + 1);
	WRITE_ONCE(ev->any, true);
	raw_spin_unlock_irqrestore(&x->base.lock, flags);
}

static void post(struct axv_x86_vcpu *x, const struct message *msg)
{
	struct axv_lapic *lapic = x->lapic;

	switch (msg->mode) {
	case APIC_DM_FIXED:
	case APIC_DM_LOWEST:
		post_interrupt(lapic, msg);
		break;
	case APIC_DM_NMI:
		post_nmi(x);
		break;
	case APIC_DM_INIT:
		/* An INIT cancels what was latched before. */
		atomic_set(&lapic->latched, AXV_LATCHED_INIT);
		break;
	case APIC_DM_STARTUP:
		latch_sipi(lapic, msg->vector);
		break;
	default:
		/* SMI is not offered; a PIC sends ExtINT by AXV_INJECT_EXTINT instead. */
		return;
	}
	axv_request(&x->base, AXV_REQ_EVENT);
}

/* The caller is in an RCU read-side section. */
static struct axv_x86_vcpu *find(struct axv_vm *vm, u32 id)
{
	struct axv_vcpu *vcpu = axv_vcpu_by_hw_id(vm, id);

	return vcpu ? to_x86(vcpu) : NULL;
}

static void search(struct axv_vm *vm, const struct message *msg)
{
	struct axv_vcpu *vcpu;
	unsigned long id;

	xa_for_each(&vm->vcpus, id, vcpu) {
		struct axv_x86_vcpu *x = to_x86(vcpu);

		if (!matches(x, msg))
			continue;
		/* Lowest priority: any APIC will do that accepts interrupts. */
		if (msg->mode == APIC_DM_LOWEST && !axv_lapic_is_enabled(x->lapic))
			continue;
		post(x, msg);
		if (msg->mode == APIC_DM_LOWEST)
			return;
	}
}

/* The logical id tells the ids of the targets, 16 at most: no search is needed. */
static void post_cluster(struct axv_vm *vm, const struct message *msg)
{
	unsigned long members = (u16)msg->dest;
	unsigned int bit;

	for_each_set_bit(bit, &members, 16) {
		struct axv_x86_vcpu *x = find(vm, (msg->dest >> 16 << 4) + bit);

		if (x && matches(x, msg))
			post(x, msg);
	}
}

/* Return: true: done; false: search() has to find the targets. */
static bool post_physical(struct axv_vm *vm, const struct message *msg)
{
	struct axv_x86_vcpu *x;

	if (msg->dest == X2APIC_BROADCAST || (msg->dest == XAPIC_BROADCAST && !msg->x2apic))
		return false;
	x = find(vm, msg->dest);
	if (x && matches_physical(x, msg)) {
		post(x, msg);
		return true;
	}
	/* A wide id is one vCPU's alone; a narrow one may be the low 8 bits of other ids. */
	return msg->x2apic || msg->dest > XAPIC_BROADCAST;
}

static void deliver(struct axv_vm *vm, const struct message *msg)
{
	rcu_read_lock();
	if (msg->logical && msg->x2apic && msg->mode != APIC_DM_LOWEST &&
	    msg->dest != X2APIC_BROADCAST)
		post_cluster(vm, msg);
	else if (msg->logical || !post_physical(vm, msg))
		search(vm, msg);
	rcu_read_unlock();
}

static void deliver_all(struct axv_vm *vm, const struct message *msg,
			const struct axv_x86_vcpu *but)
{
	struct axv_vcpu *vcpu;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu)
		if (to_x86(vcpu) != but)
			post(to_x86(vcpu), msg);
	rcu_read_unlock();
}

/**
 * axv_lapic_ipi_is_wide() - may an IPI of x2APIC mode be for all vCPUs?
 * @icr:	what the guest writes to ICR
 *
 * There may be 1,024 vCPUs: to send to all of them with interrupts off takes too long.
 */
bool axv_lapic_ipi_is_wide(u64 icr)
{
	/* All, and all but the sender. */
	if (icr & APIC_DEST_ALLINC)
		return true;
	return icr >> 32 == X2APIC_BROADCAST ||
	       ((icr & APIC_DEST_LOGICAL) && (icr & APIC_MODE_MASK) == APIC_DM_LOWEST);
}

/**
 * axv_lapic_ipi() - the guest wrote ICR
 * @x:		vCPU whose claim the caller holds
 * @icr:	the lower half
 * @dest:	the destination, in the form of the APIC's mode
 *
 * Combinations that no processor has (SDM, "Valid Combinations for the Pentium 4 and
 * Intel Xeon Processors' Local xAPIC Interrupt Command Register") send nothing.  IPIs are
 * edge-triggered, whatever their trigger mode says.  An INIT level de-assert sends
 * nothing, either.
 *
 * Context: any but NMI; no lock is held.
 */
void axv_lapic_ipi(struct axv_x86_vcpu *x, u32 icr, u32 dest)
{
	struct message msg = {
		.dest = dest,
		.mode = icr & APIC_MODE_MASK,
		.vector = icr & APIC_VECTOR_MASK,
		.logical = icr & APIC_DEST_LOGICAL,
		.x2apic = axv_lapic_is_x2apic(x->lapic),
	};
	bool fixed = msg.mode == APIC_DM_FIXED;
	struct axv_vm *vm = x->base.vm;

	/* The IPI is sent all the same; the receiver drops it and notes an error, too. */
	if ((fixed || msg.mode == APIC_DM_LOWEST) && msg.vector < AXV_LAPIC_LEGAL)
		axv_lapic_error(x->lapic, AXV_ESR_SENT);
	if ((icr & APIC_INT_LEVELTRIG) && !(icr & APIC_INT_ASSERT) &&
	    msg.mode == APIC_DM_INIT)
		return;
	switch (icr & APIC_DEST_ALLBUT) {
	case APIC_DEST_SELF:
		if (fixed)
			post(x, &msg);
		break;
	case APIC_DEST_ALLINC:
		if (fixed)
			deliver_all(vm, &msg, NULL);
		break;
	case APIC_DEST_ALLBUT:
		deliver_all(vm, &msg, x);
		break;
	default:
		deliver(vm, &msg);
		break;
	}
}

static bool is_msi(u64 address)
{
	return (u32)address >> 20 == MSI_ADDRESS_TOP && !(address >> 32 & 0xff);
}

/**
 * axv_x86_msi() - a device writes an MSI
 * @vm:		VM with irqchip LAPIC
 * @event:	its address and data; bits 63 to 40 of the address are bits 31 to 8 of the
 *		destination
 *
 * Context: any but NMI, and no lock inside &axv_vcpu.lock.
 * Return: 0, also if no APIC takes it; -EINVAL: the address is not that of an MSI.
 */
int axv_x86_msi(struct axv_vm *vm, const struct axv_inject *event)
{
	u64 address = event->address;
	struct message msg = {
		.dest = (address >> 12 & 0xff) | (address >> 32 & ~0xffull),
		.mode = event->data & APIC_MODE_MASK,
		.vector = event->data & APIC_VECTOR_MASK,
		.logical = address & MSI_ADDRESS_LOGICAL,
		.level = event->data & MSI_DATA_LEVEL,
		.routed = event->flags & AXV_EVENT_ROUTED,
	};

	if (!is_msi(address))
		return -EINVAL;
	if (!msg.level || (event->data & MSI_DATA_ASSERT))
		deliver(vm, &msg);
	return 0;
}

/**
 * axv_x86_route() - turn a route into the MSI that it sends
 * @vm:		VM with irqchip LAPIC
 * @route:	the route, as userspace set it
 * @event:	out: the MSI.  If its address is not that of an MSI, no APIC gets it
 *
 * Return: 0, or -EINVAL.
 */
int axv_x86_route(const struct axv_vm *vm, const struct axv_route *route,
		  struct axv_inject *event)
{
	if (route->vcpu || route->vector || route->priority)
		return -EINVAL;
	event->type = AXV_INJECT_MSI;
	event->flags = AXV_EVENT_ROUTED;
	event->address = route->address;
	event->data = route->data;
	event->vector = route->data & APIC_VECTOR_MASK;
	if (route->flags & AXV_ROUTE_LEVEL)
		event->data |= MSI_DATA_LEVEL | MSI_DATA_ASSERT;
	return 0;
}
