// SPDX-License-Identifier: GPL-2.0
/*
 * The ports through which a PC is reset.
 *
 * There is no keyboard.  Of the keyboard controller only the commands that reset the
 * machine exist: other commands get no answer, from which a driver concludes that there
 * is no controller.  The status says that both buffers are empty, so software never waits
 * before it writes a command.
 */
#include <string.h>

#include "reset.h"

#define I8042_DATA_PORT	0x60
#define I8042_COMMAND_PORT 0x64
#define FAST_PORT	0x92

#define I8042_WRITE_OUTPUT 0xd1	/* command: the next byte is the output port */
#define I8042_PULSE	0xf0	/* commands 0xf0 to 0xff: lines that are 0 */
#define OUTPUT_RUN	0x01	/* line 0: low resets */

#define FAST_RESET	0x01
#define FAST_A20	0x02	/* address line 20 is always on */

/* Port 0xcf9 (Intel ICH9 data sheet, 13.7.5). */
#define CONTROL_SYSTEM	0x02
#define CONTROL_GO	0x04
#define CONTROL_FULL	0x08

static void request(struct reset *r)
{
	r->power.request(r->power.arg, POWER_RESET);
}

static u32 i8042_read(void *dev, u32 offset, unsigned int width)
{
	(void)dev;
	(void)offset;
	(void)width;
	return 0;
}

static void data_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct reset *r = dev;

	(void)offset;
	(void)width;
	if (r->output_port && !(value & OUTPUT_RUN))
		request(r);
	r->output_port = false;
}

static void command_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct reset *r = dev;

	(void)offset;
	(void)width;
	r->output_port = value == I8042_WRITE_OUTPUT;
	if ((value & I8042_PULSE) == I8042_PULSE && !(value & OUTPUT_RUN))
		request(r);
}

static u32 fast_read(void *dev, u32 offset, unsigned int width)
{
	struct reset *r = dev;

	(void)offset;
	(void)width;
	return r->port92;
}

static void fast_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct reset *r = dev;
	bool rises = value & ~r->port92 & FAST_RESET;

	(void)offset;
	(void)width;
	r->port92 = value | FAST_A20;
	if (rises)
		request(r);
}

u8 reset_control_read(const struct reset *r)
{
	return r->control;
}

void reset_control_write(struct reset *r, u8 value)
{
	bool rises = value & ~r->control & CONTROL_GO;

	r->control = value & (CONTROL_SYSTEM | CONTROL_GO | CONTROL_FULL);
	if (rises)
		request(r);
}

static const struct bus_ops data_ops = {
	.read = i8042_read,
	.write = data_write,
	.widths = 1,
};

static const struct bus_ops command_ops = {
	.read = i8042_read,
	.write = command_write,
	.widths = 1,
};

static const struct bus_ops fast_ops = {
	.read = fast_read,
	.write = fast_write,
	.widths = 1,
};

int reset_init(struct reset *r, struct bus *bus, struct power_switch power)
{
	const struct bus_range ranges[] = {
		{ I8042_DATA_PORT, 1, &data_ops, r, "8042 data" },
		{ I8042_COMMAND_PORT, 1, &command_ops, r, "8042 command" },
		{ FAST_PORT, 1, &fast_ops, r, "port 0x92" },
	};
	unsigned int i;
	int err = 0;

	memset(r, 0, sizeof(*r));
	r->power = power;
	r->port92 = FAST_A20;
	for (i = 0; i < ARRAY_SIZE(ranges) && !err; i++)
		err = bus_add(bus, &ranges[i]);
	return err;
}
