/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ports through which a PC is reset: the keyboard controller, port 0x92
 * and the reset control register.
 */
#ifndef AXVMM_RESET_H
#define AXVMM_RESET_H

#include "bus.h"
#include "power.h"

/*
 * The reset control register, a byte inside the PCI configuration address port, and the
 * value that the FADT tells the guest to write there.
 */
#define RESET_PORT	0xcf9
#define RESET_VALUE	0x06

/**
 * struct reset - the ports; guarded by the machine's lock
 * @power:	where to pass on the request
 * @output_port: the next byte to port 0x60 is for the controller's output port
 * @port92:	the value last written to port 0x92
 * @control:	the value last written to port 0xcf9
 */
struct reset {
	struct power_switch power;
	bool output_port;
	u8 port92;
	u8 control;
};

/**
 * reset_init() - put the ports on the bus, except 0xcf9, which pciports has
 * @reset:	the ports
 * @bus:	the bus
 * @power:	where to pass on the request
 *
 * Return: 0 or a negative errno.
 */
int reset_init(struct reset *reset, struct bus *bus, struct power_switch power);

/**
 * reset_control_read() - do the guest's read of port 0xcf9
 *
 * Context: with the machine's lock held.
 */
u8 reset_control_read(const struct reset *reset);

/**
 * reset_control_write() - do the guest's write of a byte to port 0xcf9
 *
 * Context: with the machine's lock held.
 */
void reset_control_write(struct reset *reset, u8 value);

#endif /* AXVMM_RESET_H */
