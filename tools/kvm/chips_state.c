// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The state of PIC, IOAPIC and PIT in KVM's structures.
 */
#include <errno.h>
#include <string.h>

#include "chips.h"

/* ---- PIC ---------------------------------------------------------------- */

/* The inputs that can be level triggered. */
static const __u8 elcr_masks[2] = { 0xf8, 0xde };

/* KVM counts what initialization expects next from 1 (ICW2) to 3 (ICW4); 0: nothing. */
#define INIT_STATES	3

static void get_pic(const struct pic *p, struct kvm_pic_state *state)
{
	*state = (struct kvm_pic_state){
		.last_irr = p->lines,
		.irr = p->irr,
		.imr = p->imr,
		.isr = p->isr,
		.priority_add = (p->lowest + 1) & 7,
		.irq_base = p->base,
		.read_reg_select = p->read_isr,
		.poll = p->poll,
		.special_mask = p->special_mask,
		.init_state = p->next_icw ? p->next_icw - 1 : 0,
		.auto_eoi = p->auto_eoi,
		.rotate_on_auto_eoi = p->rotate_aeoi,
		.special_fully_nested_mode = p->special_fully_nested,
		.init4 = p->icw4_expected,
		.elcr = p->elcr,
		.elcr_mask = elcr_masks[!p->master],
	};
}

static void set_pic(struct pic *p, const struct kvm_pic_state *state)
{
	p->lines = state->last_irr;
	p->irr = state->irr;
	p->imr = state->imr;
	p->isr = state->isr;
	p->lowest = (state->priority_add - 1) & 7;
	p->base = state->irq_base & 0xf8;
	p->read_isr = state->read_reg_select;
	p->poll = state->poll;
	p->special_mask = state->special_mask;
	p->next_icw = state->init_state && state->init_state <= INIT_STATES ?
		      state->init_state + 1 : 0;
	p->auto_eoi = state->auto_eoi;
	p->rotate_aeoi = state->rotate_on_auto_eoi;
	p->special_fully_nested = state->special_fully_nested_mode;
	p->icw4_expected = state->init4;
	p->elcr = state->elcr & elcr_masks[!p->master];
	/* KVM has neither of these modes. */
	p->single = false;
	p->level_all = false;
	pic_changed(p->pics);
}

/* ---- IOAPIC ------------------------------------------------------------- */

#define ID_SHIFT	24

static void get_ioapic(struct chips *c, struct kvm_ioapic_state *state)
{
	struct ioapic_state s;
	unsigned int i;

	ioapic_save(&c->ioapic, &s);
	memset(state, 0, sizeof(*state));
	state->base_address = IOAPIC_ADDRESS;
	state->ioregsel = s.select;
	state->id = s.id >> ID_SHIFT;
	state->irr = s.lines;
	for (i = 0; i < IOAPIC_PINS; i++)
		state->redirtbl[i].bits = s.entries[i];
}

static int set_ioapic(struct chips *c, const struct kvm_ioapic_state *state)
{
	struct ioapic_state s = {
		.select = state->ioregsel,
		.id = state->id << ID_SHIFT,
		.lines = state->irr,
	};
	unsigned int i;

	/*
	 * No VMM moves the IOAPIC.  On KVM the guest does not reach it any more after such a
	 * move.
	 */
	if (state->base_address != IOAPIC_ADDRESS)
		return -EINVAL;
	for (i = 0; i < IOAPIC_PINS; i++)
		s.entries[i] = state->redirtbl[i].bits;
	ioapic_restore(&c->ioapic, &s);
	return 0;
}

int chips_get_irqchip(struct vm *vm, struct kvm_irqchip *irqchip)
{
	struct chips *c = vm->chips;
	struct kvm_irqchip copy = { .chip_id = irqchip->chip_id };
	int err = 0;

	if (!c)
		return -ENXIO;
	pthread_mutex_lock(&c->lock);
	switch (copy.chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		get_pic(&c->pics.chip[copy.chip_id], &copy.chip.pic);
		break;
	case KVM_IRQCHIP_IOAPIC:
		get_ioapic(c, &copy.chip.ioapic);
		break;
	default:
		err = -EINVAL;
	}
	pthread_mutex_unlock(&c->lock);
	if (!err)
		irqchip->chip = copy.chip;
	return err;
}

int chips_set_irqchip(struct vm *vm, const struct kvm_irqchip *irqchip)
{
	struct chips *c = vm->chips;
	const struct kvm_irqchip copy = *irqchip;
	int err = 0;

	if (!c)
		return -ENXIO;
	pthread_mutex_lock(&c->lock);
	switch (copy.chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		set_pic(&c->pics.chip[copy.chip_id], &copy.chip.pic);
		break;
	case KVM_IRQCHIP_IOAPIC:
		err = set_ioapic(c, &copy.chip.ioapic);
		break;
	default:
		err = -EINVAL;
	}
	pthread_mutex_unlock(&c->lock);
	return err;
}

/* ---- PIT ---------------------------------------------------------------- */

/* What a read or a write of a count is about. */
enum {
	BYTE_LOW = 1,
	BYTE_HIGH = 2,
	WORD_LOW = 3,	/* both bytes, the low one is next */
	WORD_HIGH = 4,
};

#define COUNT_MAX	0x10000u
#define COUNT_MAX_BCD	10000u
#define CHANNELS	3

static __u8 rw_state(const struct pit_channel *c, bool high)
{
	return c->access == WORD_LOW && high ? WORD_HIGH : c->access;
}

/* The bytes of a latched count that are to be read: both, or the high one after the low one. */
static __u8 latched(const struct pit_channel *c)
{
	if (!c->latched)
		return 0;
	return c->access == WORD_LOW && c->read_high ? BYTE_HIGH : c->access;
}

static u64 ticks_to_nsec(u64 ticks)
{
	return (__uint128_t)ticks * NSEC_PER_SEC / PIT_HZ;
}

/*
 * When the count was loaded, in KVM's structure, where a counter always counts.  A counter that
 * waits for a count is shown as one that has just begun: its output is low in mode 0.  A counter
 * that waits for its gate is shown as one that has passed its end.
 */
static u64 load_time(const struct pit_channel *c)
{
	u64 now = clock_now();

	switch (c->state) {
	case PIT_COUNTING:
		return c->start;
	case PIT_STOPPED:
		return now - ticks_to_nsec(c->held);
	case PIT_WAITING:
		return now - ticks_to_nsec(c->count + 2);
	default:
		return now;
	}
}

static void get_channel(const struct pit_channel *c, struct kvm_pit_channel_state *state)
{
	*state = (struct kvm_pit_channel_state){
		/* VMMs divide by the count, so 0 is shown as 65536. */
		.count = c->count ? c->count : COUNT_MAX,
		.latched_count = c->latch,
		.count_latched = latched(c),
		.status_latched = c->status_latched,
		.status = c->status,
		.read_state = rw_state(c, c->read_high),
		.write_state = rw_state(c, c->write_high),
		.write_latch = c->low,
		.rw_mode = c->access,
		.mode = c->mode,
		.bcd = c->bcd,
		.gate = c->gate,
		.count_load_time = load_time(c),
	};
}

static u32 valid_count(const struct kvm_pit_channel_state *state)
{
	u32 max = state->bcd ? COUNT_MAX_BCD : COUNT_MAX;
	u32 min = state->mode == 2 || state->mode == 3 ? 2 : 1;
	u32 count = state->count;

	if (!count || count > max)
		return max;
	return count < min ? min : count;
}

/* Whether @state has the count and the mode that the VMM would read of the channel now. */
static bool is_same_count(const struct pit_channel *c, const struct kvm_pit_channel_state *state)
{
	struct kvm_pit_channel_state now;

	get_channel(c, &now);
	return now.count == state->count && now.mode == state->mode && now.bcd == state->bcd &&
	       now.rw_mode == state->rw_mode;
}

static void start(struct pit_channel *c, const struct kvm_pit_channel_state *state)
{
	u64 now = clock_now(), loaded = state->count_load_time;

	if (loaded > now)
		loaded = now;
	c->count = valid_count(state);
	c->mode = state->mode;
	c->bcd = state->bcd;
	c->start = loaded;
	c->held = (__uint128_t)(now - loaded) * PIT_HZ / NSEC_PER_SEC;
	/* In modes 1 and 5 a low gate does not stop the counter. */
	c->state = c->gate || c->mode == 1 || c->mode == 5 ? PIT_COUNTING : PIT_STOPPED;
}

static void set_channel(struct pit_channel *c, const struct kvm_pit_channel_state *state)
{
	struct kvm_pit_channel_state valid = *state;
	bool keep;

	/* KVM has other modes than these, 255 for one, for a channel without a control word. */
	if (valid.rw_mode < BYTE_LOW || valid.rw_mode > WORD_LOW)
		valid.rw_mode = WORD_LOW;
	/*
	 * The structure does not tell that no count was written since the control word.  If the
	 * VMM sets what it got, with another gate for instance, no count is written by that.
	 */
	keep = c->state == PIT_IDLE && is_same_count(c, &valid);
	c->gate = valid.gate;
	c->access = valid.rw_mode;
	c->low = valid.write_latch;
	c->write_high = valid.write_state == WORD_HIGH;
	c->latch = valid.latched_count;
	c->latched = !valid.count_latched ? 0 : valid.count_latched == WORD_LOW ? 2 : 1;
	c->read_high = valid.count_latched ? valid.count_latched == BYTE_HIGH :
					     valid.read_state == WORD_HIGH;
	c->status_latched = valid.status_latched;
	c->status = valid.status;
	if (keep)
		return;
	if (valid.mode <= 5) {
		start(c, &valid);
	} else {
		c->state = PIT_IDLE;
		c->mode = 0;
		c->bcd = false;
		c->count = valid_count(&valid);
	}
}

static struct chips *lock_pit(struct vm *vm)
{
	struct chips *c = vm->chips;

	if (!c)
		return NULL;
	pthread_mutex_lock(&c->lock);
	if (c->has_pit)
		return c;
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void get_channels(struct chips *c, struct kvm_pit_channel_state *channels)
{
	unsigned int i;

	for (i = 0; i < CHANNELS; i++)
		get_channel(&c->pit.channel[i], &channels[i]);
}

static void set_channels(struct chips *c, const struct kvm_pit_channel_state *channels)
{
	unsigned int i;

	for (i = 0; i < CHANNELS; i++)
		set_channel(&c->pit.channel[i], &channels[i]);
	pit_changed(&c->pit);
}

int chips_get_pit(struct vm *vm, struct kvm_pit_state *state)
{
	struct chips *c = lock_pit(vm);
	struct kvm_pit_state copy;

	if (!c)
		return -ENXIO;
	get_channels(c, copy.channels);
	pthread_mutex_unlock(&c->lock);
	*state = copy;
	return 0;
}

int chips_set_pit(struct vm *vm, const struct kvm_pit_state *state)
{
	const struct kvm_pit_state copy = *state;
	struct chips *c = lock_pit(vm);

	if (!c)
		return -ENXIO;
	set_channels(c, copy.channels);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

int chips_get_pit2(struct vm *vm, struct kvm_pit_state2 *state)
{
	struct chips *c = lock_pit(vm);
	struct kvm_pit_state2 copy = {};

	if (!c)
		return -ENXIO;
	get_channels(c, copy.channels);
	copy.flags = c->pit_flags;
	pthread_mutex_unlock(&c->lock);
	*state = copy;
	return 0;
}

int chips_set_pit2(struct vm *vm, const struct kvm_pit_state2 *state)
{
	const struct kvm_pit_state2 copy = *state;
	struct chips *c = lock_pit(vm);

	if (!c)
		return -ENXIO;
	/* KVM keeps all flags, and one of them has an effect: the HPET has the PIT's line. */
	c->pit_flags = copy.flags;
	c->pit.silent = copy.flags & KVM_PIT_FLAGS_HPET_LEGACY;
	set_channels(c, copy.channels);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

int chips_reinject(struct vm *vm, const struct kvm_reinject_control *control)
{
	bool reinject = control->pit_reinject;
	struct chips *c = lock_pit(vm);

	if (!c)
		return -ENXIO;
	c->pit.forgets = !reinject;
	if (!reinject)
		c->pit.backlog = 0;
	pthread_mutex_unlock(&c->lock);
	return 0;
}
