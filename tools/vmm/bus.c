// SPDX-License-Identifier: GPL-2.0
/* The bus of I/O ports. */
#include <errno.h>
#include <string.h>

#include "bus.h"
#include "log.h"

/* The range that @port is in, or NULL. */
static struct bus_range *find(struct bus *bus, u16 port)
{
	unsigned int low = 0, high = bus->nr;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		struct bus_range *r = &bus->ranges[mid];

		if (port < r->first)
			high = mid;
		else if (port - r->first >= r->count)
			low = mid + 1;
		else
			return r;
	}
	return NULL;
}

int bus_add(struct bus *bus, const struct bus_range *range)
{
	u32 first = range->first, end = first + range->count;
	unsigned int i;

	if (bus->nr == BUS_RANGES)
		return -ENOSPC;

	for (i = 0; i < bus->nr; i++) {
		const struct bus_range *r = &bus->ranges[i];

		if (first < (u32)r->first + r->count && r->first < end) {
			log_error("internal error: ports of %s and %s overlap",
				  r->name, range->name);
			return -EEXIST;
		}
		if (r->first > first)
			break;
	}

	memmove(&bus->ranges[i + 1], &bus->ranges[i],
		(bus->nr - i) * sizeof(bus->ranges[0]));
	bus->ranges[i] = *range;
	bus->nr++;
	return 0;
}

/* Whether one access of @width bytes at @port goes to @r as a whole. */
static bool whole(const struct bus_range *r, u16 port, unsigned int width)
{
	return r && (r->ops->widths & width) &&
	       port - r->first + width <= r->count;
}

static u32 low_bytes(u32 value, unsigned int width)
{
	return width < 4 ? value & (BIT(8 * width) - 1) : value;
}

u32 bus_read(struct bus *bus, u16 port, unsigned int width)
{
	struct bus_range *r = find(bus, port);
	unsigned int i;
	u32 value = 0;

	if (whole(r, port, width))
		return low_bytes(r->ops->read(r->dev, port - r->first, width),
				 width);

	if (width == 1) {
		log_trace(LOG_IO, "read of port %#x: no device", port);
		return 0xff;
	}
	for (i = 0; i < width; i++)
		value |= bus_read(bus, port + i, 1) << (8 * i);
	return value;
}

void bus_write(struct bus *bus, u16 port, unsigned int width, u32 value)
{
	struct bus_range *r = find(bus, port);
	unsigned int i;

	value = low_bytes(value, width);
	if (whole(r, port, width)) {
		r->ops->write(r->dev, port - r->first, width, value);
		return;
	}
	if (width == 1) {
		log_trace(LOG_IO, "write of %#x to port %#x: no device",
			  value, port);
		return;
	}
	for (i = 0; i < width; i++)
		bus_write(bus, port + i, 1, value >> (8 * i));
}
