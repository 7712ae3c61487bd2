// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupts of a vCPU: a queue of those that are pending or active, and the
 * choice of those that stand in list registers.
 *
 * The queue is authoritative while the guest is out: axv_gic_fill() fills list registers
 * from it before the guest's registers are loaded, and axv_gic_drain() takes back what
 * became of them.  In between other threads change the queue, never a list register;
 * their request makes the guest exit, so that list registers are filled anew.
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

/*
 * Set by gic_vcpu.c.  It is defined here, since sgi.c reads it and must not need
 * gic_vcpu.c.
 */
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

/* Is @intid the virtual timer's interrupt? */
static bool is_timer(const struct axv_arm64_gic *gic, u32 intid)
{
	return axv_gic_timer_enabled(gic) && intid == axv_gic_timer_intid(gic);
}

/*
 * Is there room for one more?  Always for the timer's interrupt, which need not be
 * refused then.
 */
static bool has_room(struct axv_arm64_gic *gic, u32 intid)
{
	unsigned int others = hweight64(gic->used);

	if (is_timer(gic, intid))
		return true;
	if (axv_gic_timer_enabled(gic) && find(gic, axv_gic_timer_intid(gic)))
		others--;
	return others < AXV_GIC_DEPTH;
}

/* The entry of @intid, a new one if there is none; NULL if the queue is full. */
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
 * Free an entry that is neither pending nor active, unless a list register has it or a
 * level route has yet to be told of its end.
 */
static void put(struct axv_arm64_gic *gic, struct axv_gic_irq *irq)
{
	u64 bit = BIT_ULL(irq - gic->irqs);

	if (!(irq->state & OWN_STATE) && !((gic->listed | gic->ended) & bit))
		WRITE_ONCE(gic->used, gic->used & ~bit);
}

/* The guest has ended an interrupt: note that for a level route that waits for it. */
static void ended(struct axv_arm64_gic *gic, const struct axv_gic_irq *irq)
{
	if (irq->state & AXV_GIC_ROUTED)
		WRITE_ONCE(gic->ended, gic->ended | BIT_ULL(irq - gic->irqs));
}

/**
 * axv_gic_valid_intid() - is this the INTID of an interrupt?
 * @intid:	INTID
 * @host:	gives the width of an INTID
 *
 * SGIs, PPIs and SPIs, and LPIs; neither special nor extended ones (GIC, "INTIDs").
 */
bool axv_gic_valid_intid(u32 intid, const struct axv_gic_host *host)
{
	return intid < FIRST_SPECIAL ||
	       (intid >= FIRST_LPI && !(intid >> host->intid_bits));
}

/**
 * axv_gic_edge() - make an interrupt pending
 * @gic:	queue of a vCPU
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
 * axv_gic_retract() - take back an edge that was not acknowledged
 * @gic:	queue of a vCPU
 * @intid:	valid
 *
 * An edge in a list register is taken back when the guest is out; until then the guest
 * may acknowledge it.
 *
 * Return: 0, or -ENOENT if no edge waits.
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
 * axv_gic_level() - set the level of an interrupt's wire
 * @gic:	queue of a vCPU
 * @intid:	valid
 * @priority:	in bits that are implemented
 * @level:	true: the interrupt is pending until this is false
 *
 * Return: 0; -EAGAIN if the queue is full; -EINVAL for the virtual timer's interrupt.
 */
int axv_gic_level(struct axv_arm64_gic *gic, u32 intid, u8 priority, bool level)
{
	if (is_timer(gic, intid))
		return -EINVAL;
	return set_level(gic, intid, priority, level);
}

/**
 * axv_gic_tell_end() - note that a level route waits for the end of an interrupt
 * @gic:	queue of a vCPU
 * @intid:	INTID of an interrupt whose wire is high
 */
void axv_gic_tell_end(struct axv_arm64_gic *gic, u32 intid)
{
	struct axv_gic_irq *irq = find(gic, intid);

	if (irq)
		irq->state |= AXV_GIC_ROUTED;
}

/**
 * axv_gic_take_ended() - take one interrupt whose end a level route has to be told
 * @gic:	queue of a vCPU, with nothing in list registers
 *
 * Return: its INTID, or -ENOENT if there is none.
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
 * axv_gic_timer_level() - set the level of the virtual timer's wire
 * @gic:	queue of a vCPU, with a timer that is enabled
 * @level:	its output
 */
void axv_gic_timer_level(struct axv_arm64_gic *gic, bool level)
{
	u8 priority = (gic->vtimer & AXV_ARM64_VTIMER_PRIORITY) >> 8;

	set_level(gic, axv_gic_timer_intid(gic), priority, level);
	gic->timer_level = level;
}

/**
 * axv_gic_set_vtimer() - set how the virtual timer's interrupt is delivered
 * @gic:	queue of a vCPU
 * @value:	AXV_ARM64_VTIMER_*
 * @host:	gives the priority bits that are implemented
 *
 * Return: 0; -EINVAL: there is no such value; -EAGAIN: the queue is full, since the
 * timer's former interrupt has the place that is kept for it.
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
 * axv_gic_deactivate() - deactivate an interrupt, as ICC_DIR_EL1 does
 * @gic:	queue of a vCPU, with nothing in list registers
 * @intid:	any value
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

/*
 * Adapt an SGI in the queue to what is configured now.  If it is pending and not enabled,
 * it leaves the queue and is a bit of @pending again; if it is active, it keeps its
 * priority.
 */
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
 * axv_gic_take_sgis() - queue the SGIs that were sent and are enabled
 * @gic:	queue of a vCPU, with nothing in list registers
 *
 * An SGI that is pending in the queue but not enabled any more goes back to
 * &axv_gic_sgis.pending.
 *
 * A bit of &axv_gic_sgis.pending is cleared after its SGI is in the queue.  If the SGI is
 * sent again in between, that makes no second one: the guest has not been entered yet,
 * and by the entry's barrier it sees what the sender stored before.
 *
 * Return: true if an SGI that is enabled found no room in the queue.
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

/* Of the entries @slots, the most urgent that can be acknowledged; -1: none can. */
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

/* Of the entries @slots, the active one with the highest priority; -1: none is active. */
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
 * Choose among more interrupts than there are list registers: first the most urgent one
 * that is pending, since the guest has to get it; then those that are active, the
 * innermost first, since the guest deactivates these next; then others that are pending.
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
 * The list register of the timer's interrupt names the host's interrupt, too: when the
 * guest deactivates the one, the GIC deactivates the other, and so the next rise of the
 * timer makes the guest exit (GIC, ICH_LR<n>_EL2.HW).  Such a list register cannot be
 * active and pending at once.
 *
 * Any other interrupt makes the guest exit when it is deactivated, if its wire is high or
 * a route waits for its end.  The wire of a route may fall at that exit, so the interrupt
 * is not pending again before.
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
 * Bits of ICH_HCR_EL2 for interrupts that have no list register: the guest has to exit
 * when no list register is pending any more, and when it deactivates an interrupt that no
 * list register has.
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
 * axv_gic_fill() - fill list registers from the queue
 * @gic:	queue of a vCPU, with nothing in list registers
 * @ich:	its @lr and @hcr are written
 * @host:	gives the number of list registers
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
		/* Another edge may come while this one is in the list register. */
		if (irq->state & AXV_GIC_PENDING)
			irq->state ^= AXV_GIC_PENDING | AXV_GIC_LR_EDGE;
	}
	ich->hcr = ICH_HCR_EN | notice(gic, host);
	if (axv_gic_timer_enabled(gic)) {
		const struct axv_gic_irq *irq = find(gic, axv_gic_timer_intid(gic));

		gic->hold = irq && irq->state & (AXV_GIC_LEVEL | AXV_GIC_ACTIVE);
	}
}

/*
 * Take back what became of an interrupt in a list register.  If it was not active, it was
 * pending when the list register was filled; not pending any more, it was acknowledged.
 */
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
 * axv_gic_drain() - take back what became of the list registers
 * @gic:	queue of a vCPU
 * @ich:	@lr and @hcr are as the guest left them; no list register is in use
 *		afterwards
 *
 * ICH_HCR_EL2.EOIcount tells how often the guest deactivated an interrupt that no list
 * register has, but not which.  Each time it was the innermost, since the guest has to
 * keep that order (GIC, ICH_HCR_EL2).
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
 * Group priority of group 1 (GIC, "Priority grouping"); the virtual BPR1 works as a
 * Non-secure one does.
 */
static u8 group_priority(u64 vmcr, u8 priority)
{
	unsigned int bits = vmcr & VMCR_CBPR ? VMCR_BPR0(vmcr) + 1 : VMCR_BPR1(vmcr);

	return priority & ~0u << bits;
}

/* The running priority; 256: no interrupt is active */
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
 * @gic:	queue of a vCPU, with nothing in list registers
 * @ich:	the vCPU's CPU interface
 * @host:	gives the format of active priorities
 *
 * It has to be enabled, and more urgent than the mask and than what is active (GIC,
 * "Interrupt prioritization").
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
 * axv_gic_get_irq() - read one place of the queue as a register
 * @gic:	queue of a vCPU, with nothing in list registers
 * @place:	below AXV_GIC_IRQS
 *
 * Return: AXV_ARM64_IRQ_*, 0 if the place is empty.
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
 * @gic:	queue of a vCPU, with nothing in list registers
 * @place:	below AXV_GIC_IRQS
 * @value:	AXV_ARM64_IRQ_*
 * @host:	gives the INTIDs and priorities that there are
 *
 * Return: 0; -EINVAL: there is no such interrupt, @value has no state, or the interrupt
 * has another place; -EAGAIN: there are AXV_GIC_DEPTH interrupts beside the timer's
 * already.
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
	 * AXV_GIC_ROUTED is no part of the value.  It stays if the same interrupt is
	 * written back, also after the place was emptied; otherwise the route would miss
	 * its end.
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
