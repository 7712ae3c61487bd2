// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* A bus: finds the device for an address, and splits accesses that it does not know. */
#include <errno.h>
#include <string.h>

#include "bus.h"
#include "message.h"

void bus_init(struct bus *bus, const char *what)
{
	memset(bus, 0, sizeof(*bus));
	bus->what = what;
}

/* The range that @addr is in, or NULL. */
static struct bus_range *find(struct bus *bus, u64 addr)
{
	unsigned int low = 0, high = bus->nr;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		struct bus_range *r = &bus->ranges[mid];

		if (addr < r->first)
			high = mid;
		else if (addr - r->first >= r->count)
			low = mid + 1;
		else
			return r;
	}
	return NULL;
}

/* The first range that does not end below @first. */
static unsigned int place(const struct bus *bus, u64 first)
{
	unsigned int i = 0;

	while (i < bus->nr && bus->ranges[i].first + bus->ranges[i].count <= first)
		i++;
	return i;
}

/* The range that a new one would overlap, or NULL. */
static const struct bus_range *taken(const struct bus *bus, const struct bus_range *range)
{
	unsigned int i = place(bus, range->first);

	return i < bus->nr && bus->ranges[i].first < range->first + range->count ?
	       &bus->ranges[i] : NULL;
}

int bus_map(struct bus *bus, const struct bus_range *range)
{
	unsigned int i = place(bus, range->first);

	if (taken(bus, range))
		return -EEXIST;
	if (bus->nr == BUS_RANGES)
		return -ENOSPC;
	memmove(&bus->ranges[i + 1], &bus->ranges[i],
		(bus->nr - i) * sizeof(bus->ranges[0]));
	bus->ranges[i] = *range;
	bus->nr++;
	return 0;
}

int bus_add(struct bus *bus, const struct bus_range *range)
{
	const struct bus_range *r = taken(bus, range);

	if (r)
		log_error("internal error: %s ranges of %s and %s overlap",
			  bus->what, r->name, range->name);
	return bus_map(bus, range);
}

void bus_unmap(struct bus *bus, u64 first)
{
	struct bus_range *r = find(bus, first);

	if (!r)
		return;
	bus->nr--;
	memmove(r, r + 1, (&bus->ranges[bus->nr] - r) * sizeof(*r));
}

bool bus_has(struct bus *bus, u64 addr, unsigned int width)
{
	const struct bus_range *r = find(bus, addr);

	return r && addr - r->first + width <= r->count;
}

/* Whether one access of @width bytes at @addr goes to @r as a whole. */
static bool whole(const struct bus_range *r, u64 addr, unsigned int width)
{
	return r && (r->ops->widths & width) &&
	       addr - r->first + width <= r->count;
}

static u64 low_bytes(u64 value, unsigned int width)
{
	return width < 8 ? value & ((1ull << 8 * width) - 1) : value;
}

u64 bus_read(struct bus *bus, u64 addr, unsigned int width)
{
	struct bus_range *r = find(bus, addr);
	unsigned int half = width / 2;

	if (whole(r, addr, width))
		return low_bytes(r->ops->read(r->dev, addr - r->first, width),
				 width);

	if (width == 1) {
		log_trace(LOG_IO, "read of %s %#llx: no device", bus->what, addr);
		return 0xff;
	}
	return bus_read(bus, addr, half) |
	       bus_read(bus, addr + half, half) << 8 * half;
}

void bus_write(struct bus *bus, u64 addr, unsigned int width, u64 value)
{
	struct bus_range *r = find(bus, addr);
	unsigned int half = width / 2;

	value = low_bytes(value, width);
	if (whole(r, addr, width)) {
		r->ops->write(r->dev, addr - r->first, width, value);
		return;
	}
	if (width == 1) {
		log_trace(LOG_IO, "write of %#llx to %s %#llx: no device",
			  value, bus->what, addr);
		return;
	}
	bus_write(bus, addr, half, value);
	bus_write(bus, addr + half, half, value >> 8 * half);
}
