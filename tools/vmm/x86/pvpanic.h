/* SPDX-License-Identifier: GPL-2.0 */
/* The port through which a guest's kernel tells that it has panicked. */
#ifndef AXVMM_PVPANIC_H
#define AXVMM_PVPANIC_H

#include "bus.h"
#include "power.h"

/* What the DSDT tells the guest. */
#define PVPANIC_PORT	0x505

/**
 * pvpanic_init() - put the port on the bus
 * @power:	where the news goes; stays the caller's
 * @bus:	the bus
 *
 * Return: 0 or a negative errno.
 */
int pvpanic_init(struct power_switch *power, struct bus *bus);

#endif /* AXVMM_PVPANIC_H */
