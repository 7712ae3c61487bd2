/* SPDX-License-Identifier: GPL-2.0 */
/* What happens at the other end of a serial line. */
#ifndef FUZZ_SERIAL_STEPS_H
#define FUZZ_SERIAL_STEPS_H

#include "fake.h"
#include "fuzz.h"
#include "serial.h"

/** serial_receive() - a break, or a byte if there is room */
static inline void serial_receive(const struct serial_port *port, bool is_break,
				  struct input *in)
{
	if (is_break)
		port->receive_break(port->dev);
	else if (port->room(port->dev))
		port->receive(port->dev, take(in, 1));
}

/** serial_block() - the other end takes no more bytes, or takes them again */
static inline void serial_block(const struct serial_port *port, struct fake_wire *wire,
				bool blocked)
{
	wire->blocked = blocked;
	if (!blocked)
		port->can_send(port->dev);
}

#endif /* FUZZ_SERIAL_STEPS_H */
