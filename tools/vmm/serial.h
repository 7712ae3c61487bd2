/* SPDX-License-Identifier: GPL-2.0 */
/* A serial port, as seen from the other end of its wire. */
#ifndef AXVMM_SERIAL_H
#define AXVMM_SERIAL_H

#include "types.h"

/**
 * struct serial_backend - the other end of the wire
 * @send:	takes one byte, and returns whether the other end can take another one;
 *		if not, the other end calls &serial_port.can_send() when it can
 * @room:	called when the receiver has room again, after &serial_port.room() was
 *		zero, or when &serial_port.listening() has become true
 * @arg:	for both
 *
 * Context: with the machine's lock held; must not wait.
 */
struct serial_backend {
	bool (*send)(void *arg, u8 byte);
	void (*room)(void *arg);
	void *arg;
};

/**
 * struct serial_port - what the other end may call of a port
 * @room:	bytes the receiver takes now
 * @listening:	whether the guest has switched the receiver's interrupt on
 * @receive:	a byte arrives; there has to be room
 * @receive_break: a break arrives (the wire is low for long); there has to be room
 * @can_send:	the other end takes bytes again
 * @dev:	the port
 *
 * Context: with the machine's lock held.
 */
struct serial_port {
	unsigned int (*room)(const void *dev);
	bool (*listening)(const void *dev);
	void (*receive)(void *dev, u8 byte);
	void (*receive_break)(void *dev);
	void (*can_send)(void *dev);
	void *dev;
};

#endif /* AXVMM_SERIAL_H */
