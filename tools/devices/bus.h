/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* A bus: which device answers at which address, or at which I/O port. */
#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H

#include "types.h"

#define BUS_RANGES	96

/**
 * struct bus_ops - how a device is accessed
 * @read:	returns the value at @offset, from the start of the range; bits
 *		beyond @width bytes are ignored
 * @write:	stores @value at @offset
 * @widths:	access widths the device knows, a bit mask of 1, 2 and 4; an
 *		access of another width is split into halves, the lower one first;
 *		an access of one byte, if the device does not know it, is ignored
 *
 * Context: with the machine's lock held; must not wait for anything.
 */
struct bus_ops {
	u32 (*read)(void *dev, u32 offset, unsigned int width);
	void (*write)(void *dev, u32 offset, unsigned int width, u32 value);
	unsigned int widths;
};

/**
 * struct bus_range - addresses of one device
 * @first:	first address
 * @count:	how many
 * @ops:	how to access it
 * @dev:	what @ops are called with
 * @name:	for messages
 */
struct bus_range {
	u64 first;
	u32 count;
	const struct bus_ops *ops;
	void *dev;
	const char *name;
};

/**
 * struct bus - which device has which addresses
 * @what:	what its addresses are called
 * @ranges:	the devices' ranges, in ascending order, without overlaps; a guest that
 *		moves a PCI device changes them
 * @nr:		how many
 */
struct bus {
	const char *what;
	struct bus_range ranges[BUS_RANGES];
	unsigned int nr;
};

/**
 * bus_init() - make a bus without devices
 * @bus:	the bus
 * @what:	what its addresses are called, in messages
 */
void bus_init(struct bus *bus, const char *what);

/**
 * bus_add() - put a device on the bus
 * @bus:	the bus
 * @range:	its addresses; copied
 *
 * Context: before the guest starts.
 * Return: 0, -EEXIST if an address is taken, -ENOSPC if the table is full.
 */
int bus_add(struct bus *bus, const struct bus_range *range);

/**
 * bus_map() - bus_add() for a guest, which may choose addresses that are taken
 * @bus:	the bus
 * @range:	its addresses; copied
 *
 * Context: with the machine's lock held.
 * Return: 0, -EEXIST, -ENOSPC; nothing has been printed.
 */
int bus_map(struct bus *bus, const struct bus_range *range);

/**
 * bus_unmap() - remove a device that bus_map() has added
 * @bus:	the bus
 * @first:	the device's first address
 *
 * Context: with the machine's lock held.
 */
void bus_unmap(struct bus *bus, u64 first);

/**
 * bus_has() - whether a whole access is in the range of one device
 * @bus:	the bus
 * @addr:	first address
 * @width:	how many
 *
 * Context: with the machine's lock held.
 */
bool bus_has(struct bus *bus, u64 addr, unsigned int width);

/**
 * bus_read() - do a read by the guest
 * @bus:	the bus
 * @addr:	first address
 * @width:	1, 2, 4 or 8 bytes
 *
 * Context: with the machine's lock held.
 * Return: the value; ones where there is no device.
 */
u64 bus_read(struct bus *bus, u64 addr, unsigned int width);

/**
 * bus_write() - do a write by the guest, which is lost where there is no device
 * @bus:	the bus
 * @addr:	first address
 * @width:	1, 2, 4 or 8 bytes
 * @value:	the value
 *
 * Context: with the machine's lock held.
 */
void bus_write(struct bus *bus, u64 addr, unsigned int width, u64 value);

#endif /* DEVICES_BUS_H */
