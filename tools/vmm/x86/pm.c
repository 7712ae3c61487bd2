// SPDX-License-Identifier: GPL-2.0
/*
 * The fixed hardware of ACPI (ACPI specification 6.4, section 4.8): PM1 event
 * and control registers and the power management timer, 24 bits wide.
 *
 * The events are the timer's overflow and the power button; S5 is the only sleeping
 * state.
 */
#include <string.h>

#include "log.h"
#include "pm.h"

#define STATUS_TIMER	BIT(0)
#define STATUS_BUTTON	BIT(8)
#define ENABLE_TIMER	BIT(0)
#define ENABLE_BUTTON	BIT(8)
#define ENABLE_KEPT	0x0721	/* timer, global lock, buttons, RTC */

#define CONTROL_SCI_EN	BIT(0)
#define CONTROL_TYPE(v)	(((v) >> 10) & 7)
#define CONTROL_GO	BIT(13)
#define CONTROL_KEPT	0x1c07	/* SCI_EN, BM_RLD, GBL_RLS, SLP_TYP */

#define TIMER_MASK	0xffffff
#define HALF		BIT(23)	/* ticks between two changes of bit 23 */

static u64 ticks(const struct pm *pm)
{
	return (__uint128_t)(clock_now() - pm->start) * PM_TIMER_HZ /
	       NSEC_PER_SEC;
}

/* Note whether bit 23 of the PM timer has changed, drive the line, and set @timer. */
static void update(struct pm *pm)
{
	u64 halves = ticks(pm) / HALF;
	bool armed;

	if (halves != pm->halves)
		pm->status |= STATUS_TIMER;
	pm->halves = halves;

	irq_set(&pm->sci, pm->status & pm->enable);

	armed = (pm->enable & ENABLE_TIMER) && !(pm->status & STATUS_TIMER);
	if (armed)
		timer_set(&pm->timer, pm->start + 1 +
			  (__uint128_t)(halves + 1) * HALF *
			  NSEC_PER_SEC / PM_TIMER_HZ);
	else
		timer_cancel(&pm->timer);
}

bool pm_press_button(struct pm *pm)
{
	pm->status |= STATUS_BUTTON;
	update(pm);
	return pm->enable & ENABLE_BUTTON;
}

static void expired(void *arg)
{
	update(arg);
}

static u32 event_read(void *dev, u32 offset, unsigned int width)
{
	struct pm *pm = dev;
	u32 value;

	(void)width;
	update(pm);
	value = pm->status | (u32)pm->enable << 16;
	return value >> (8 * offset);
}

static void event_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pm *pm = dev;
	u32 mask = (width == 4 ? 0xffffffff : BIT(8 * width) - 1)
		   << (8 * offset);
	u16 enable_mask = mask >> 16;

	value <<= 8 * offset;
	update(pm);
	pm->status &= ~(value & mask);	/* ones clear */
	pm->enable = (pm->enable & ~enable_mask) |
		     (value >> 16 & enable_mask & ENABLE_KEPT);
	update(pm);
}

static u32 control_read(void *dev, u32 offset, unsigned int width)
{
	struct pm *pm = dev;

	(void)width;
	return pm->control >> (8 * offset);
}

static void control_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pm *pm = dev;
	u16 old = pm->control;

	if (width == 1)
		value = offset ? (old & 0xff) | value << 8 :
				 (old & 0xff00) | (value & 0xff);

	pm->control = (value & CONTROL_KEPT) | CONTROL_SCI_EN;
	if (!(value & CONTROL_GO))
		return;
	if (CONTROL_TYPE(value) == PM_S5_TYPE)
		pm->power.request(pm->power.arg, POWER_OFF);
	else
		log_guest("the guest asked for a sleeping state there is not: type %u",
			  CONTROL_TYPE(value));
}

static u32 timer_read(void *dev, u32 offset, unsigned int width)
{
	struct pm *pm = dev;

	(void)width;
	return (ticks(pm) & TIMER_MASK) >> (8 * offset);
}

static void timer_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	/* The PM timer is read-only. */
	(void)dev;
	(void)offset;
	(void)width;
	(void)value;
}

static const struct bus_ops event_ops = {
	.read = event_read,
	.write = event_write,
	.widths = 1 | 2 | 4,
};

static const struct bus_ops control_ops = {
	.read = control_read,
	.write = control_write,
	.widths = 1 | 2,
};

static const struct bus_ops timer_ops = {
	.read = timer_read,
	.write = timer_write,
	.widths = 1 | 2 | 4,
};

int pm_init(struct pm *pm, struct bus *bus, struct loop *loop,
	    struct irq_line sci, struct power_switch power)
{
	const struct bus_range ranges[] = {
		{ PM1_EVENT_PORT, 4, &event_ops, pm, "ACPI PM1 event" },
		{ PM1_CONTROL_PORT, 2, &control_ops, pm, "ACPI PM1 control" },
		{ PM_TIMER_PORT, 4, &timer_ops, pm, "ACPI PM timer" },
	};
	unsigned int i;
	int err;

	memset(pm, 0, sizeof(*pm));
	pm->power = power;
	pm->sci = sci;
	pm->control = CONTROL_SCI_EN;
	pm->start = clock_now();
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		err = bus_add(bus, &ranges[i]);
		if (err)
			return err;
	}
	return timer_init(&pm->timer, loop, expired, pm);
}
