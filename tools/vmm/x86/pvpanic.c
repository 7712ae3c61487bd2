// SPDX-License-Identifier: GPL-2.0
/*
 * The pvpanic device (QEMU's docs/specs/pvpanic).  Its port reads as a mask of the events
 * that the device knows; the guest writes an event to it.
 */
#include "log.h"
#include "pvpanic.h"

#define PANICKED	BIT(0)
#define CRASH_LOADED	BIT(1)	/* the guest has panicked, and starts its crash kernel */

static u32 pvpanic_read(void *dev, u32 offset, unsigned int width)
{
	(void)dev;
	(void)offset;
	(void)width;
	return PANICKED | CRASH_LOADED;
}

static void pvpanic_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct power_switch *power = dev;

	(void)offset;
	(void)width;
	if (value & PANICKED)
		power->request(power->arg, POWER_PANIC);
	else if (value & CRASH_LOADED)
		log_guest("the guest's kernel panicked; its crash kernel goes on");
}

static const struct bus_ops pvpanic_ops = {
	.read = pvpanic_read,
	.write = pvpanic_write,
	.widths = 1,
};

int pvpanic_init(struct power_switch *power, struct bus *bus)
{
	const struct bus_range range = { PVPANIC_PORT, 1, &pvpanic_ops, power, "pvpanic" };

	return bus_add(bus, &range);
}
