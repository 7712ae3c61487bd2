/* SPDX-License-Identifier: GPL-2.0 */
/* The port through which a guest's kernel tells that it has panicked. */
#ifndef AXVMM_PVPANIC_H
#define AXVMM_PVPANIC_H

#include "bus.h"
#include "power.h"

/* The DSDT tells the guest this port. */
#define PVPANIC_PORT	0x505

/**
 * pvpanic_init() - put the port on the bus
 * @power:	where to pass the panic on; not copied
 * @bus:	the bus
 *
 * Return: 0 or a negative errno.
 */
int pvpanic_init(struct power_switch *power, struct bus *bus);

#endif /* AXVMM_PVPANIC_H */
