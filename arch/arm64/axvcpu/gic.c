// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupts of a vCPU: a queue of those that are pending or active, and the
 * choice of those that stand in list registers.
 *
 * The queue is the truth while the guest is out: axv_gic_fill() makes list
 * registers of it before the guest's registers are loaded, axv_gic_drain() takes
 * back what became of them.  In between other threads change the queue, never a
 * list register; a request brings the guest out to be filled anew.
 *
 * Nothing here touches hardware.  All functions run under &axv_vcpu.lock.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/string.h>
#include <asm/sysreg.h>

#include "arm64.h"

#define HCR_LRENPIE		BIT(2)
#define HCR_NPIE		BIT(3)
#define HCR_EOICOUNT(hcr)	(((hcr) >> 27) & 0x1f)

#define LR_EOI			BIT_ULL(41)
#define LR_GROUP1		BIT_ULL(60)
#define LR_HW			BIT_ULL(61)
#define LR_PENDING		BIT_ULL(62)
#define LR_ACTIVE		BIT_ULL(63)
#define LR_PINTID_SHIFT		32
#define LR_PRIORITY_SHIFT	48

#define VMCR_CBPR		BIT(4)
#define VMCR_BPR1(vmcr)		(((vmcr) >> 18) & 7)
#define VMCR_BPR0(vmcr)		(((vmcr) >> 21) & 7)
#define VMCR_PMR(vmcr)		(((vmcr) >> 24) & 0xff)

#define FIRST_PPI		16
#define FIRST_SPI		32
#define FIRST_SPECIAL		1020
#define FIRST_LPI		8192

#define ANY_PENDING		(AXV_GIC_PENDING | AXV_GIC_LEVEL)
#define OWN_STATE		(AXV_GIC_PENDING | AXV_GIC_LEVEL | AXV_GIC_ACTIVE)

/* Set by gic_vcpu.c; here, below all who go by it. */
struct axv_gic_host axv_gic_host __ro_after_init;

/* ---- the queue ---------------------------------------------------------------- */

static struct axv_gic_irq *find(struct axv_arm64_gic *gic, u32 intid)
{
	u64 left;

	for (left = gic->used; left; left &= left - 1)
		if (gic->irqs[__ffs64(left)].intid == intid)
			return &gic->irqs[__ffs64(left)];
	return NULL;
}

/* Is it the one that the virtual timer asserts? */
static bool is_timer(const struct axv_arm64_gic *gic, u32 intid)
{
	return axv_gic_timer_enabled(gic) && intid == axv_gic_timer_intid(gic);
}

/* There is always room for the timer's, so that it need not be refused. */
static bool has_room(struct axv_arm64_gic *gic, u32 intid)
{
	unsigned int others = hweight64(gic->used);

	if (is_timer(gic, intid))
		return true;
	if (axv_gic_timer_enabled(gic) && find(gic, axv_gic_timer_intid(gic)))
		others--;
	return others < AXV_GIC_DEPTH;
}

/* One that is there, or a new one. */
static struct axv_gic_irq *get(struct axv_arm64_gic *gic, u32 intid)
{
	struct axv_gic_irq *irq = find(gic, intid);
	unsigned int slot;

	if (irq || !has_room(gic, intid))
		return irq;
	slot = __ffs64(~gic->used);
	gic->irqs[slot] = (struct axv_gic_irq){ .intid = intid };
	WRITE_ONCE(gic->used, gic->used | BIT_ULL(slot));
	return &gic->irqs[slot];
}

/*
 * Neither pending nor active: forgotten, once no list register has it, and nobody is to be
 * told of its end.
 */
static void put(struct axv_arm64_gic *gic, struct axv_gic_irq *irq)
{
	u64 bit = BIT_ULL(irq - gic->irqs);

	if (!(irq->state & OWN_STATE) && !((gic->listed | gic->ended) & bit))
		WRITE_ONCE(gic->used, gic->used & ~bit);
}

/* It was acknowledged, and is not active any more. */
static void ended(struct axv_arm64_gic *gic, const struct axv_gic_irq *irq)
{
	if (irq->state & AXV_GIC_ROUTED)
		WRITE_ONCE(gic->ended, gic->ended | BIT_ULL(irq - gic->irqs));
}

/**
 * axv_gic_valid_intid() - is there such an interrupt?
 * @intid:	INTID
 * @host:	how many bits it may have
 *
 * SGIs, PPIs and SPIs, and LPIs; neither special nor extended ones (GIC, "INTIDs").
 */
bool axv_gic_valid_intid(u32 intid, const struct axv_gic_host *host)
{
	return intid < FIRST_SPECIAL ||
	       (intid >= FIRST_LPI && !(intid >> host->intid_bits));
}

/**
 * axv_gic_edge() - an interrupt becomes pending
 * @gic:	whose
 * @intid:	valid
 * @priority:	in bits that are implemented
 *
 * Return: 0, or -EAGAIN if the queue is full.
 */
int axv_gic_edge(struct axv_arm64_gic *gic, u32 intid, u8 priority)
{
	struct axv_gic_irq *irq = get(gic, intid);

	if (!irq)
		return -EAGAIN;
	irq->priority = priority;
	irq->state |= AXV_GIC_PENDING;
	return 0;
}

/**
 * axv_gic_retract() - an edge is taken back, unless it was acknowledged
 * @gic:	whose
 * @intid:	which
 *
 * One in a list register may be acknowledged until the guest is out.
 *
 * Return: 0, or -ENOENT if none waits.
 */
int axv_gic_retract(struct axv_arm64_gic *gic, u32 intid)
{
	struct axv_gic_irq *irq = find(gic, intid);
	bool waits;

	if (!irq)
		return -ENOENT;
	waits = irq->state & AXV_GIC_PENDING ||
		(irq->state & (AXV_GIC_LR_EDGE | AXV_GIC_RETRACT)) == AXV_GIC_LR_EDGE;
	if (!waits)
		return -ENOENT;
	irq->state &= ~AXV_GIC_PENDING;
	if (irq->state & AXV_GIC_LR_EDGE)
		irq->state |= AXV_GIC_RETRACT;
	put(gic, irq);
	return 0;
}

static int set_level(struct axv_arm64_gic *gic, u32 intid, u8 priority, bool level)
{
	struct axv_gic_irq *irq = level ? get(gic, intid) : find(gic, intid);

	if (!irq)
		return level ? -EAGAIN : 0;
	if (level) {
		irq->priority = priority;
		irq->state |= AXV_GIC_LEVEL;
	} else {
		irq->state &= ~AXV_GIC_LEVEL;
		put(gic, irq);
	}
	return 0;
}

/**
 * axv_gic_level() - the wire of an interrupt
 * @gic:	whose
 * @intid:	valid
 * @priority:	in bits that are implemented
 * @level:	high: pending until it is low
 *
 * Return: 0; -EAGAIN if the queue is full; -EINVAL for the virtual timer's own.
 */
int axv_gic_level(struct axv_arm64_gic *gic, u32 intid, u8 priority, bool level)
{
	if (is_timer(gic, intid))
		return -EINVAL;
	return set_level(gic, intid, priority, level);
}

/**
 * axv_gic_tell_end() - a level route waits for the end of an interrupt
 * @gic:	whose
 * @intid:	one whose wire is high
 */
void axv_gic_tell_end(struct axv_arm64_gic *gic, u32 intid)
{
	struct axv_gic_irq *irq = find(gic, intid);

	if (irq)
		irq->state |= AXV_GIC_ROUTED;
}

/**
 * axv_gic_take_ended() - the next interrupt of level routes that the guest has ended
 * @gic:	whose, with nothing in list registers
 *
 * Return: its INTID, or -ENOENT.
 */
int axv_gic_take_ended(struct axv_arm64_gic *gic)
{
	struct axv_gic_irq *irq;
	unsigned int slot;

	if (!gic->ended)
		return -ENOENT;
	slot = __ffs64(gic->ended);
	irq = &gic->irqs[slot];
	WRITE_ONCE(gic->ended, gic->ended & ~BIT_ULL(slot));
	irq->state &= ~AXV_GIC_ROUTED;
	put(gic, irq);
	return irq->intid;
}

/**
 * axv_gic_timer_level() - the wire of the virtual timer
 * @gic:	whose, with a timer that is enabled
 * @level:	its output
 */
void axv_gic_timer_level(struct axv_arm64_gic *gic, bool level)
{
	u8 priority = (gic->vtimer & AXV_ARM64_VTIMER_PRIORITY) >> 8;

	set_level(gic, axv_gic_timer_intid(gic), priority, level);
	gic->timer_level = level;
}

/**
 * axv_gic_set_vtimer() - how the virtual timer is delivered from now on
 * @gic:	whose
 * @value:	AXV_ARM64_VTIMER_*
 * @host:	priorities
 *
 * Return: 0; -EINVAL: no such value; -EAGAIN: the queue is full, and the place
 * kept free was another timer interrupt's.
 */
int axv_gic_set_vtimer(struct axv_arm64_gic *gic, u64 value,
		       const struct axv_gic_host *host)
{
	const u64 known = AXV_ARM64_VTIMER_INTID | AXV_ARM64_VTIMER_PRIORITY |
			  AXV_ARM64_VTIMER_ENABLED;
	u32 intid = value & AXV_ARM64_VTIMER_INTID;

	if (value & ~known || (value && (intid < FIRST_PPI || intid >= FIRST_SPI)))
		return -EINVAL;
	if (hweight64(gic->used) == AXV_GIC_IRQS && !find(gic, intid))
		return -EAGAIN;
	if (gic->timer_level)
		axv_gic_timer_level(gic, false);
	gic->vtimer = value & ~((u64)(u8)~host->pri_mask << 8);
	return 0;
}

/**
 * axv_gic_deactivate() - what ICC_DIR_EL1 does
 * @gic:	whose, with nothing in list registers
 * @intid:	anything
 */
void axv_gic_deactivate(struct axv_arm64_gic *gic, u32 intid)
{
	struct axv_gic_irq *irq = find(gic, intid);

	if (!irq)
		return;
	if (irq->state & AXV_GIC_ACTIVE)
		ended(gic, irq);
	irq->state &= ~AXV_GIC_ACTIVE;
	put(gic, irq);
}

/* One that is in the queue, by what is configured now; an active one keeps its priority. */
static void update_sgi(struct axv_arm64_gic *gic, struct axv_gic_irq *irq)
{
	struct axv_gic_sgis *sgis = &gic->sgis;

	if (irq->state & AXV_GIC_PENDING && !(sgis->enabled & BIT(irq->intid))) {
		irq->state &= ~AXV_GIC_PENDING;
		set_bit(irq->intid, &sgis->pending);
		put(gic, irq);
	} else if (!(irq->state & AXV_GIC_ACTIVE)) {
		irq->priority = sgis->priority[irq->intid];
	}
}

/**
 * axv_gic_take_sgis() - queue what other vCPUs have sent, if it is enabled
 * @gic:	whose, with nothing in list registers
 *
 * What is pending in the queue and is not enabled any more goes back.
 *
 * A bit is cleared after its SGI is in the queue.  One that is sent in between is the same
 * one: the guest has not been entered yet, and the entry's barrier has it see what the
 * sender stored before.
 *
 * Return: is there one that is enabled and finds no room?
 */
bool axv_gic_take_sgis(struct axv_arm64_gic *gic)
{
	struct axv_gic_sgis *sgis = &gic->sgis;
	unsigned long left;
	bool full = false;
	u64 used;

	if (sgis->changed) {
		sgis->changed = false;
		for (used = gic->used; used; used &= used - 1) {
			struct axv_gic_irq *irq = &gic->irqs[__ffs64(used)];

			if (irq->intid < AXV_GIC_SGIS)
				update_sgi(gic, irq);
		}
	}
	for (left = READ_ONCE(sgis->pending) & sgis->enabled; left; left &= left - 1) {
		unsigned int sgi = __ffs(left);

		if (axv_gic_edge(gic, sgi, sgis->priority[sgi]))
			full = true;
		else
			clear_bit(sgi, &sgis->pending);
	}
	return full;
}

/* ---- list registers ------------------------------------------------------------- */

static bool is_pending(const struct axv_gic_irq *irq)
{
	return irq->state & ANY_PENDING && !(irq->state & AXV_GIC_ACTIVE);
}

/* The most urgent of some that can be acknowledged; -1: none can. */
static int most_urgent(const struct axv_arm64_gic *gic, u64 slots)
{
	int best = -1;

	for (; slots; slots &= slots - 1) {
		int slot = __ffs64(slots);

		if (is_pending(&gic->irqs[slot]) &&
		    (best < 0 || gic->irqs[slot].priority < gic->irqs[best].priority))
			best = slot;
	}
	return best;
}

/* Of some that are active, the one with the highest priority; -1: none is. */
static int innermost(const struct axv_arm64_gic *gic, u64 slots)
{
	int best = -1;

	for (; slots; slots &= slots - 1) {
		int slot = __ffs64(slots);

		if (gic->irqs[slot].state & AXV_GIC_ACTIVE &&
		    (best < 0 || gic->irqs[slot].priority < gic->irqs[best].priority))
			best = slot;
	}
	return best;
}

/*
 * More than there are list registers: the most urgent one has to be there, so
 * that the guest gets it; then those that are active, the innermost first, since
 * these are deactivated next; then what else is pending.
 */
static u64 choose(const struct axv_arm64_gic *gic, unsigned int nr_lrs)
{
	u64 left = gic->used, chosen = 0;
	int slot = most_urgent(gic, left);

	for (; nr_lrs; nr_lrs--) {
		if (slot < 0)
			slot = innermost(gic, left);
		if (slot < 0)
			slot = most_urgent(gic, left);
		chosen |= BIT_ULL(slot);
		left &= ~BIT_ULL(slot);
		slot = -1;
	}
	return chosen;
}

/*
 * The timer's interrupt is the host's, too: when the guest deactivates it, so is
 * the physical one, and the next time the timer fires is noticed (GIC, ICH_LR<n>_EL2.HW).
 * Active and pending at once is nothing such a list register can hold.
 *
 * Any other that is deactivated while its wire is high, or whose end a route waits for,
 * brings the guest out.  The wire of a route may fall then, so until then the interrupt is
 * not pending again.
 */
static u64 list_register(const struct axv_arm64_gic *gic,
			 const struct axv_gic_irq *irq,
			 const struct axv_gic_host *host)
{
	u64 lr = irq->intid | LR_GROUP1 | (u64)irq->priority << LR_PRIORITY_SHIFT;
	bool active = irq->state & AXV_GIC_ACTIVE;
	u8 pending = active && irq->state & AXV_GIC_ROUTED ? AXV_GIC_PENDING : ANY_PENDING;

	if (active)
		lr |= LR_ACTIVE;
	if (is_timer(gic, irq->intid) && !(irq->state & AXV_GIC_PENDING)) {
		lr |= LR_HW | (u64)host->timer_intid << LR_PINTID_SHIFT;
		if (!active)
			lr |= LR_PENDING;
		return lr;
	}
	if (irq->state & pending)
		lr |= LR_PENDING;
	if (irq->state & (AXV_GIC_LEVEL | AXV_GIC_ROUTED))
		lr |= LR_EOI;
	return lr;
}

/*
 * Who does not fit: the guest has to come out when it has taken all that could be
 * taken, and when it deactivates what no list register has.
 */
static u64 notice(const struct axv_arm64_gic *gic, const struct axv_gic_host *host)
{
	u64 left = gic->used & ~gic->listed;
	u64 hcr = 0;

	if (most_urgent(gic, left) >= 0)
		hcr |= HCR_NPIE;
	if (innermost(gic, left) >= 0)
		hcr |= HCR_LRENPIE | host->trap_dir;
	return hcr;
}

/**
 * axv_gic_fill() - make list registers of the queue
 * @gic:	whose, with nothing in list registers
 * @ich:	its @lr and @hcr are written
 * @host:	how many there are
 */
void axv_gic_fill(struct axv_arm64_gic *gic, struct axv_arm64_ich *ich,
		  const struct axv_gic_host *host)
{
	u64 left = gic->used;

	if (hweight64(left) > host->nr_lrs)
		left = choose(gic, host->nr_lrs);
	gic->listed = left;
	gic->hold = !axv_gic_timer_enabled(gic) && gic->line;
	gic->nr = 0;
	for (; left; left &= left - 1) {
		u8 slot = __ffs64(left);
		struct axv_gic_irq *irq = &gic->irqs[slot];

		ich->lr[gic->nr] = list_register(gic, irq, host);
		gic->slots[gic->nr++] = slot;
		/* Another edge may come while this one is on its way. */
		if (irq->state & AXV_GIC_PENDING)
			irq->state ^= AXV_GIC_PENDING | AXV_GIC_LR_EDGE;
	}
	ich->hcr = ICH_HCR_EN | notice(gic, host);
	if (axv_gic_timer_enabled(gic)) {
		const struct axv_gic_irq *irq = find(gic, axv_gic_timer_intid(gic));

		gic->hold = irq && irq->state & (AXV_GIC_LEVEL | AXV_GIC_ACTIVE);
	}
}

/* What became of one in a list register; those that were not active were pending. */
static void take_back(struct axv_arm64_gic *gic, struct axv_gic_irq *irq, u64 lr)
{
	bool edge = irq->state & AXV_GIC_LR_EDGE;

	if (!(lr & (LR_PENDING | LR_ACTIVE)))
		ended(gic, irq);
	if (!(lr & LR_PENDING) && (edge || !(irq->state & AXV_GIC_ACTIVE)))
		gic->taken++;
	if (lr & LR_PENDING && edge && !(irq->state & AXV_GIC_RETRACT))
		irq->state |= AXV_GIC_PENDING;
	irq->state &= ~(AXV_GIC_ACTIVE | AXV_GIC_LR_EDGE | AXV_GIC_RETRACT);
	if (lr & LR_ACTIVE)
		irq->state |= AXV_GIC_ACTIVE;
}

/**
 * axv_gic_drain() - the end of what axv_gic_fill() began
 * @gic:	whose
 * @ich:	@lr and @hcr are as the guest left them; no list register is in use
 *		afterwards
 *
 * ICH_HCR_EL2.EOIcount tells how often the guest deactivated what no list
 * register has, not which: the innermost, as it has to (GIC, ICH_HCR_EL2).
 */
void axv_gic_drain(struct axv_arm64_gic *gic, struct axv_arm64_ich *ich)
{
	unsigned int i, eois = HCR_EOICOUNT(ich->hcr);
	int slot;

	for (; eois; eois--) {
		slot = innermost(gic, gic->used & ~gic->listed);
		if (slot < 0)
			break;
		ended(gic, &gic->irqs[slot]);
		gic->irqs[slot].state &= ~AXV_GIC_ACTIVE;
		put(gic, &gic->irqs[slot]);
	}
	for (i = 0; i < gic->nr; i++) {
		take_back(gic, &gic->irqs[gic->slots[i]], ich->lr[i]);
		if (ich->lr[i] & LR_HW && !(ich->lr[i] & (LR_PENDING | LR_ACTIVE)))
			gic->released = true;
		ich->lr[i] = 0;
	}
	gic->listed = 0;
	for (i = 0; i < gic->nr; i++)
		put(gic, &gic->irqs[gic->slots[i]]);
	gic->nr = 0;
	ich->hcr = ICH_HCR_EN;
}

/* ---- what the guest would notice --------------------------------------------------- */

/*
 * Group priority of group 1 (GIC, "Priority grouping"); the virtual BPR1 counts as a
 * non-secure one.
 */
static u8 group_priority(u64 vmcr, u8 priority)
{
	unsigned int bits = vmcr & VMCR_CBPR ? VMCR_BPR0(vmcr) + 1 : VMCR_BPR1(vmcr);

	return priority & ~0u << bits;
}

/* The running priority, 256: none */
static unsigned int running(const struct axv_arm64_ich *ich,
			    const struct axv_gic_host *host)
{
	unsigned int i;

	for (i = 0; i < host->nr_aprs; i++) {
		u32 active = ich->ap0r[i] | ich->ap1r[i];

		if (active)
			return (i * 32 + __ffs(active)) << host->pre_shift;
	}
	return 256;
}

/**
 * axv_gic_signals() - is an interrupt signalled to the vCPU?
 * @gic:	whose, with nothing in list registers
 * @ich:	its CPU interface
 * @host:	its priorities
 *
 * Enabled, more urgent than the mask, and than what is active (GIC, "Interrupt prioritization").
 */
bool axv_gic_signals(const struct axv_arm64_gic *gic,
		     const struct axv_arm64_ich *ich,
		     const struct axv_gic_host *host)
{
	int slot = most_urgent(gic, gic->used);
	u8 priority;

	if (slot < 0 || !(ich->vmcr & AXV_VMCR_ENG1))
		return false;
	priority = gic->irqs[slot].priority;
	return priority < VMCR_PMR(ich->vmcr) &&
	       group_priority(ich->vmcr, priority) < running(ich, host);
}

/* ---- saving and restoring ---------------------------------------------------------- */

/**
 * axv_gic_get_irq() - one place of the queue, as a register
 * @gic:	whose, with nothing in list registers
 * @place:	below AXV_GIC_IRQS
 *
 * Return: AXV_ARM64_IRQ_*, 0 if it is empty.
 */
u64 axv_gic_get_irq(const struct axv_arm64_gic *gic, unsigned int place)
{
	const struct axv_gic_irq *irq = &gic->irqs[place];
	u64 value;

	if (!(gic->used & BIT_ULL(place)))
		return 0;
	value = irq->intid | (u64)irq->priority << 32;
	if (irq->state & AXV_GIC_PENDING)
		value |= AXV_ARM64_IRQ_PENDING;
	if (irq->state & AXV_GIC_LEVEL)
		value |= AXV_ARM64_IRQ_LEVEL;
	if (irq->state & AXV_GIC_ACTIVE)
		value |= AXV_ARM64_IRQ_ACTIVE;
	return value;
}

/**
 * axv_gic_set_irq() - replace one place of the queue
 * @gic:	whose, with nothing in list registers
 * @place:	below AXV_GIC_IRQS
 * @value:	AXV_ARM64_IRQ_*
 * @host:	what there may be
 *
 * Return: 0; -EINVAL: no such interrupt, no state, or it has another place;
 * -EAGAIN: one more than AXV_GIC_DEPTH beside the timer's.
 */
int axv_gic_set_irq(struct axv_arm64_gic *gic, unsigned int place, u64 value,
		    const struct axv_gic_host *host)
{
	const u64 known = AXV_ARM64_IRQ_INTID | AXV_ARM64_IRQ_PRIORITY |
			  AXV_ARM64_IRQ_PENDING | AXV_ARM64_IRQ_LEVEL |
			  AXV_ARM64_IRQ_ACTIVE;
	struct axv_gic_irq *irq = &gic->irqs[place];
	u32 intid = value & AXV_ARM64_IRQ_INTID;
	struct axv_gic_irq *other;

	if (!value) {
		gic->used &= ~BIT_ULL(place);
		return 0;
	}
	other = find(gic, intid);
	if (value & ~known || !(value >> 40) || !axv_gic_valid_intid(intid, host) ||
	    (other && other != irq))
		return -EINVAL;
	if (!(gic->used & BIT_ULL(place)) && !has_room(gic, intid))
		return -EAGAIN;

	/*
	 * That a route waits for its end is no part of the value: it stays if the value is
	 * written back, also after the place was emptied.  Otherwise the end is missed.
	 */
	irq->state = irq->intid == intid ? irq->state & AXV_GIC_ROUTED : 0;
	irq->intid = intid;
	irq->priority = (value & AXV_ARM64_IRQ_PRIORITY) >> 32 & host->pri_mask;
	if (value & AXV_ARM64_IRQ_PENDING)
		irq->state |= AXV_GIC_PENDING;
	if (value & AXV_ARM64_IRQ_LEVEL)
		irq->state |= AXV_GIC_LEVEL;
	if (value & AXV_ARM64_IRQ_ACTIVE)
		irq->state |= AXV_GIC_ACTIVE;
	gic->used |= BIT_ULL(place);
	return 0;
}
