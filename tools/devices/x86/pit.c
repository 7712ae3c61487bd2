// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The 8254 interval timer of a PC (Intel 82C54 data sheet, order number
 * 231244), and port 0x61, through which channel 2 is gated and read.
 *
 * A counter is not stepped: its value is computed from the time since it
 * began.  All six modes are here.  One difference from the data sheet: a new
 * count takes effect at once, not at the end of the period or at the trigger.
 */
#include <string.h>

#include "pit.h"

#define PIT_PORT	0x40	/* channels 0 to 2, control */
#define PIT_CONTROL	3
#define SYSTEM_PORT	0x61

/* Control word. */
#define CONTROL_BCD	0x01
#define CONTROL_MODE(v)	(((v) >> 1) & 7)
#define CONTROL_ACCESS(v) (((v) >> 4) & 3)
#define CONTROL_CHANNEL(v) ((v) >> 6)
#define ACCESS_LATCH	0
#define ACCESS_LOW	1
#define ACCESS_HIGH	2
#define ACCESS_BOTH	3

/* Read-back command; the two bits mean "do not latch". */
#define READ_BACK	3
#define READ_BACK_NO_STATUS 0x10
#define READ_BACK_NO_COUNT 0x20

#define STATUS_OUT	0x80
#define STATUS_NULL	0x40

#define PORT61_GATE2	0x01
#define PORT61_SPEAKER	0x02
#define PORT61_REFRESH	0x10
#define PORT61_OUT2	0x20

/*
 * The shortest time between two expirations for channel 0.  Otherwise a guest with a very
 * short period would keep the event loop from all other work.
 */
#define MIN_PERIOD	100000	/* nanoseconds */

static u64 to_ticks(u64 nsec)
{
	return (__uint128_t)nsec * PIT_HZ / NSEC_PER_SEC;
}

/* Rounds up, so that to_ticks() of the result is @ticks again. */
static u64 to_nsec(u64 ticks)
{
	return ((__uint128_t)ticks * NSEC_PER_SEC + PIT_HZ - 1) / PIT_HZ;
}

static u16 to_bcd(u32 n)
{
	return n % 10 | n / 10 % 10 << 4 | n / 100 % 10 << 8 |
	       n / 1000 % 10 << 12;
}

static u32 from_bcd(u16 n)
{
	return (n & 15) + (n >> 4 & 15) * 10 + (n >> 8 & 15) * 100 +
	       (n >> 12) * 1000;
}

/* Ticks counted since the count was loaded. */
static u64 elapsed(const struct pit_channel *c)
{
	switch (c->state) {
	case PIT_COUNTING:
		return to_ticks(clock_now() - c->start);
	case PIT_STOPPED:
		return c->held;
	default:
		return 0;
	}
}

/* The current count, as the guest reads it. */
static u16 current_count(const struct pit_channel *c)
{
	u32 range = c->bcd ? 10000 : 0x10000;
	u64 ticks = elapsed(c);
	u32 value;

	if (c->state == PIT_IDLE)
		return 0;

	switch (c->mode) {
	case 2:
		value = c->count - ticks % c->count;
		break;
	case 3:
		value = c->count - 2 * ticks % c->count;
		break;
	default:
		/* At zero the counter wraps, and counts on. */
		value = (c->count + range - ticks % range) % range;
		break;
	}
	return c->bcd ? to_bcd(value) : value;
}

/* Level of the output pin. */
static bool output(const struct pit_channel *c)
{
	u64 ticks = elapsed(c);

	if (c->state == PIT_IDLE || c->state == PIT_WAITING)
		return c->mode != 0;

	switch (c->mode) {
	case 0:
	case 1:
		return ticks >= c->count;
	case 2:
		return c->state == PIT_STOPPED ||
		       ticks % c->count != c->count - 1;
	case 3:
		return c->state == PIT_STOPPED ||
		       ticks % c->count < (c->count + 1) / 2;
	default:
		return ticks != c->count;
	}
}

/* Ticks from the load of a count until the output first rises after a fall. */
static u64 first_rise(const struct pit_channel *c)
{
	return c->mode >= 4 ? c->count + 1 : c->count;
}

/* ---- channel 0: the interrupt ------------------------------------------- */

static void pulse(struct pit *pit)
{
	if (pit->silent)
		return;
	pit->waiting = true;
	irq_pulse(&pit->irq);
}

/*
 * Called after a control word or a count for channel 0.  In mode 0 the line follows
 * the output; in the other modes the output's pulses are short, and expired() makes
 * them.
 *
 * The deadline is reckoned from the counter's start, not from now: if this thread was
 * held up, the deadline may have passed, and the timer fires at once.
 */
static void update_irq(struct pit *pit)
{
	const struct pit_channel *c = &pit->channel[0];

	pit->waiting = false;
	pit->backlog = 0;
	pit->edge = 1;
	irq_set(&pit->irq, !pit->silent && c->mode == 0 && output(c));
	if (c->state == PIT_COUNTING)
		timer_set(&pit->timer, c->start + to_nsec(first_rise(c)));
	else
		timer_cancel(&pit->timer);
}

/*
 * While the guest has not taken an edge yet, because the guest or the host is slow,
 * further edges would be lost, and a guest that counts them would lose time.  So they
 * are counted in @backlog, and raised later, one whenever the guest takes one.  At most
 * a second of them is kept.
 */
static void expired_periodic(struct pit *pit)
{
	const struct pit_channel *c = &pit->channel[0];
	u64 passed = elapsed(c) / c->count, next, earliest;
	u64 limit = PIT_HZ / c->count + 1;
	u64 late = passed - pit->edge + pit->waiting;

	if (pit->forgets)
		late = 0;
	pit->backlog = pit->backlog + late < limit ? pit->backlog + late : limit;
	pit->edge = passed + 1;
	pulse(pit);

	next = c->start + to_nsec(pit->edge * c->count);
	earliest = clock_now() + MIN_PERIOD;
	timer_set(&pit->timer, next > earliest ? next : earliest);
}

static void expired(void *arg)
{
	struct pit *pit = arg;
	const struct pit_channel *c = &pit->channel[0];

	if (c->mode == 0)
		irq_set(&pit->irq, !pit->silent);
	else if (c->mode == 2 || c->mode == 3)
		expired_periodic(pit);
	else
		pulse(pit);
}

void pit_changed(struct pit *pit)
{
	const struct pit_channel *c = &pit->channel[0];

	update_irq(pit);
	if (c->state != PIT_COUNTING)
		return;
	if (c->mode == 2 || c->mode == 3) {
		pit->edge = elapsed(c) / c->count + 1;
		timer_set(&pit->timer, c->start + to_nsec(pit->edge * c->count));
	} else if (elapsed(c) >= first_rise(c)) {
		timer_cancel(&pit->timer);
	}
}

static void taken(void *arg)
{
	struct pit *pit = arg;

	pit->waiting = false;
	if (pit->backlog) {
		pit->backlog--;
		pulse(pit);
	}
}

/*
 * Edges that came while the interrupt was masked are not made up for: in hardware,
 * they are one pending edge, too.
 */
static void restarted(void *arg, bool pending)
{
	struct pit *pit = arg;

	pit->waiting = pending;
	pit->backlog = 0;
}

const struct pic_timer_ops pit_pic_ops = {
	.taken = taken,
	.restarted = restarted,
};

/* ---- what programs do --------------------------------------------------- */

static void load(struct pit_channel *c, u16 value)
{
	c->count = c->bcd ? from_bcd(value) : value;
	if (!c->count)
		c->count = c->bcd ? 10000 : 0x10000;
	/* A period of one does not exist in modes 2 and 3. */
	if (c->count == 1 && (c->mode == 2 || c->mode == 3))
		c->count = 2;

	if (c->mode == 1 || c->mode == 5) {
		if (c->state == PIT_IDLE)
			c->state = PIT_WAITING;
		return;
	}
	c->state = c->gate ? PIT_COUNTING : PIT_STOPPED;
	c->start = clock_now();
	c->held = 0;
}

static void set_gate(struct pit_channel *c, bool gate)
{
	if (c->gate == gate)
		return;
	c->gate = gate;
	if (c->state == PIT_IDLE)
		return;

	switch (c->mode) {
	case 0:
	case 4:
		if (gate) {
			c->start = clock_now() - to_nsec(c->held);
			c->state = PIT_COUNTING;
		} else {
			c->held = elapsed(c);
			c->state = PIT_STOPPED;
		}
		break;
	case 2:
	case 3:
		c->held = gate ? 0 : elapsed(c);
		c->start = clock_now();
		c->state = gate ? PIT_COUNTING : PIT_STOPPED;
		break;
	default:
		if (gate) {
			c->start = clock_now();
			c->state = PIT_COUNTING;
		}
		break;
	}
}

/* Returns whether the counter was started or stopped. */
static bool write_count(struct pit_channel *c, u8 value)
{
	if (c->access == ACCESS_BOTH && !c->write_high) {
		c->low = value;
		c->write_high = true;
		/* In mode 0 the first byte stops the counter. */
		if (c->mode != 0)
			return false;
		c->state = PIT_IDLE;
		return true;
	}

	c->write_high = false;
	if (c->access == ACCESS_BOTH)
		load(c, value << 8 | c->low);
	else
		load(c, c->access == ACCESS_HIGH ? value << 8 : value);
	return true;
}

static u8 read_count(struct pit_channel *c)
{
	bool high = c->access == ACCESS_HIGH;
	u16 value;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}

	if (c->access == ACCESS_BOTH) {
		high = c->read_high;
		c->read_high = !c->read_high;
	}
	if (c->latched) {
		value = c->latch;
		c->latched--;
	} else {
		value = current_count(c);
	}
	return high ? value >> 8 : value;
}

static void latch_count(struct pit_channel *c)
{
	/* A second latch command before the count has been read is ignored. */
	if (c->latched)
		return;
	c->latch = current_count(c);
	c->latched = c->access == ACCESS_BOTH ? 2 : 1;
}

static void latch_status(struct pit_channel *c)
{
	if (c->status_latched)
		return;
	c->status = c->access << 4 | c->mode << 1 | c->bcd;
	if (output(c))
		c->status |= STATUS_OUT;
	if (c->state == PIT_IDLE)
		c->status |= STATUS_NULL;
	c->status_latched = true;
}

static void write_control(struct pit *pit, u8 value)
{
	unsigned int channel = CONTROL_CHANNEL(value), i;
	struct pit_channel *c;

	if (channel == READ_BACK) {
		for (i = 0; i < 3; i++) {
			if (!(value & (2 << i)))
				continue;
			if (!(value & READ_BACK_NO_COUNT))
				latch_count(&pit->channel[i]);
			if (!(value & READ_BACK_NO_STATUS))
				latch_status(&pit->channel[i]);
		}
		return;
	}

	c = &pit->channel[channel];
	if (CONTROL_ACCESS(value) == ACCESS_LATCH) {
		latch_count(c);
		return;
	}

	c->access = CONTROL_ACCESS(value);
	c->mode = CONTROL_MODE(value);
	if (c->mode > 5)
		c->mode -= 4;	/* 6 and 7 are 2 and 3 */
	c->bcd = value & CONTROL_BCD;
	c->state = PIT_IDLE;
	c->write_high = false;
	c->read_high = false;
	c->latched = 0;
	c->status_latched = false;
	if (channel == 0)
		update_irq(pit);
}

static u32 pit_read(void *dev, u32 offset, unsigned int width)
{
	struct pit *pit = dev;

	(void)width;
	if (offset == PIT_CONTROL)
		return 0xff;
	return read_count(&pit->channel[offset]);
}

static void pit_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pit *pit = dev;

	(void)width;
	if (offset == PIT_CONTROL) {
		write_control(pit, value);
		return;
	}
	if (write_count(&pit->channel[offset], value) && offset == 0)
		update_irq(pit);
}

static u32 system_read(void *dev, u32 offset, unsigned int width)
{
	struct pit *pit = dev;
	u32 value = 0;

	(void)offset;
	(void)width;
	if (pit->channel[2].gate)
		value |= PORT61_GATE2;
	if (pit->speaker)
		value |= PORT61_SPEAKER;
	/* Software waits for the refresh bit to toggle; here it toggles at each read. */
	pit->refresh = !pit->refresh;
	if (pit->refresh)
		value |= PORT61_REFRESH;
	if (output(&pit->channel[2]))
		value |= PORT61_OUT2;
	return value;
}

static void system_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pit *pit = dev;

	(void)offset;
	(void)width;
	pit->speaker = value & PORT61_SPEAKER;
	set_gate(&pit->channel[2], value & PORT61_GATE2);
}

static const struct bus_ops pit_ops = {
	.read = pit_read,
	.write = pit_write,
	.widths = 1,
};

static const struct bus_ops system_ops = {
	.read = system_read,
	.write = system_write,
	.widths = 1,
};

int pit_init(struct pit *pit, struct bus *bus, struct loop *loop,
	     struct irq_line irq)
{
	const struct bus_range ports = {
		PIT_PORT, 4, &pit_ops, pit, "8254",
	};
	unsigned int i;
	int err;

	memset(pit, 0, sizeof(*pit));
	pit->irq = irq;
	for (i = 0; i < 3; i++) {
		pit->channel[i].access = ACCESS_BOTH;
		pit->channel[i].gate = i != 2;
	}

	err = timer_init(&pit->timer, loop, expired, pit);
	return err ? err : bus_add(bus, &ports);
}

void pit_free(struct pit *pit)
{
	timer_free(&pit->timer);
}

int pit_init_port61(struct pit *pit, struct bus *bus)
{
	const struct bus_range port = {
		SYSTEM_PORT, 1, &system_ops, pit, "port 0x61",
	};

	return bus_add(bus, &port);
}
