/* SPDX-License-Identifier: GPL-2.0 */
/* The bus of I/O ports: which device answers at which port. */
#ifndef AXVMM_BUS_H
#define AXVMM_BUS_H

#include "types.h"

#define BUS_RANGES	32

/**
 * struct bus_ops - how a device is accessed
 * @read:	returns the value at @offset, from the first port of the range;
 *		bits beyond @width bytes are ignored
 * @write:	stores @value at @offset
 * @widths:	access widths the device knows, a bit mask of 1, 2 and 4; an
 *		access of another width reaches it byte by byte, as on ISA, so
 *		1 has to be among them
 *
 * Context: with the machine's lock held; must not wait for anything.
 */
struct bus_ops {
	u32 (*read)(void *dev, u16 offset, unsigned int width);
	void (*write)(void *dev, u16 offset, unsigned int width, u32 value);
	unsigned int widths;
};

/**
 * struct bus_range - ports of one device
 * @first:	first port
 * @count:	how many
 * @ops:	how to access it
 * @dev:	what @ops are called with
 * @name:	for messages
 */
struct bus_range {
	u16 first;
	u16 count;
	const struct bus_ops *ops;
	void *dev;
	const char *name;
};

/**
 * struct bus - ranges, in ascending order, without overlaps
 * @ranges:	filled before the guest starts, constant afterwards
 * @nr:		how many
 */
struct bus {
	struct bus_range ranges[BUS_RANGES];
	unsigned int nr;
};

/**
 * bus_add() - put a device on the bus
 * @bus:	the bus
 * @range:	its ports; copied
 *
 * Context: before the guest starts.
 * Return: 0, -EEXIST if a port is taken, -ENOSPC if the table is full.
 */
int bus_add(struct bus *bus, const struct bus_range *range);

/**
 * bus_read() - a read by the guest
 * @bus:	the bus
 * @port:	first port
 * @width:	1, 2 or 4 bytes
 *
 * Context: with the machine's lock held.
 * Return: the value; ones where there is no device.
 */
u32 bus_read(struct bus *bus, u16 port, unsigned int width);

/**
 * bus_write() - a write by the guest; lost where there is no device
 * @bus:	the bus
 * @port:	first port
 * @width:	1, 2 or 4 bytes
 * @value:	the value
 *
 * Context: with the machine's lock held.
 */
void bus_write(struct bus *bus, u16 port, unsigned int width, u32 value);

#endif /* AXVMM_BUS_H */
