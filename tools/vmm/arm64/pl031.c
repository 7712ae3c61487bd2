// SPDX-License-Identifier: GPL-2.0
/*
 * A PL031 real-time clock (PrimeCell RTC, Arm DDI 0224): a counter of seconds, 32 bits
 * wide, and an alarm when the counter comes to the match register's value.
 *
 * The time is not stored but computed from the host's; a guest that sets it changes
 * @offset.
 */
#include <string.h>

#include "pl031.h"

/* Peripheral and PrimeCell identification, a byte in each word. */
static const u8 identity[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static u32 now(const struct pl031 *rtc)
{
	return clock_wall() / NSEC_PER_SEC + rtc->offset;
}

static void update_irq(struct pl031 *rtc)
{
	irq_set(&rtc->irq, rtc->pending && rtc->enabled);
}

/*
 * Compare the match register with every second since the last look: this look may be late,
 * and the host's clock may have been set forward.  If it was set back, it shows seconds again
 * that have been compared already.
 */
static void look(struct pl031 *rtc)
{
	u32 second = now(rtc), passed = second - rtc->seen;

	if (passed < BIT(31) && rtc->match - rtc->seen - 1 < passed)
		rtc->pending = true;
	rtc->seen = second;

	/* The counter comes to the match register in 1 to 2^32 seconds. */
	timer_set(&rtc->alarm, clock_now() +
		  ((u64)(u32)(rtc->match - second - 1) + 1) * NSEC_PER_SEC -
		  clock_wall() % NSEC_PER_SEC);
}

/* The match register or the clock has been set; they may be equal now. */
static void look_anew(struct pl031 *rtc)
{
	rtc->seen = now(rtc) - 1;
	look(rtc);
}

static void expired(void *arg)
{
	struct pl031 *rtc = arg;

	look(rtc);
	update_irq(rtc);
}

static u32 pl031_read(void *dev, u32 offset, unsigned int width)
{
	struct pl031 *rtc = dev;

	(void)width;
	look(rtc);
	update_irq(rtc);
	switch (offset) {
	case PL031_DR:
		return now(rtc);
	case PL031_MR:
		return rtc->match;
	case PL031_LR:
		return rtc->load;
	case PL031_CR:
		return 1;
	case PL031_IMSC:
		return rtc->enabled;
	case PL031_RIS:
		return rtc->pending;
	case PL031_MIS:
		return rtc->pending && rtc->enabled;
	}
	if (offset >= PL031_ID)
		return identity[(offset - PL031_ID) / 4];
	return 0;
}

static void pl031_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pl031 *rtc = dev;

	(void)width;
	look(rtc);
	switch (offset) {
	case PL031_MR:
		rtc->match = value;
		look_anew(rtc);
		break;
	case PL031_LR:
		rtc->load = value;
		rtc->offset += value - now(rtc);
		look_anew(rtc);
		break;
	case PL031_IMSC:
		rtc->enabled = value & 1;
		break;
	case PL031_ICR:
		if (value & 1)
			rtc->pending = false;
		break;
	}
	update_irq(rtc);
}

static const struct bus_ops pl031_ops = {
	.read = pl031_read,
	.write = pl031_write,
	.widths = 4,
};

int pl031_init(struct pl031 *rtc, struct bus *bus, u64 addr, struct loop *loop,
	       struct irq_line irq)
{
	const struct bus_range range = { addr, PL031_SIZE, &pl031_ops, rtc, "PL031" };
	int err;

	memset(rtc, 0, sizeof(*rtc));
	rtc->irq = irq;
	rtc->seen = now(rtc);
	err = bus_add(bus, &range);
	if (err)
		return err;
	return timer_init(&rtc->alarm, loop, expired, rtc);
}
