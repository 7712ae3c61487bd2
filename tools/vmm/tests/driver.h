/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver of one virtio device, for tests: it sets the device's queues up, puts requests into
 * them, and waits for its interrupts.  The kernel module is replaced, too.
 */
#ifndef AXVMM_TESTS_DRIVER_H
#define AXVMM_TESTS_DRIVER_H

#include <linux/virtio_ring.h>

#include "virtio.h"
#include "virtio-board.h"

#define DRIVER_RAM	0x100000u
#define DRIVER_RAM_SIZE	0x100000u
#define DRIVER_ROM	(DRIVER_RAM + DRIVER_RAM_SIZE)	/* one page, behind the RAM */
#define DRIVER_ROM_BYTE	0x5a			/* is all over it */
#define DRIVER_BUFFERS	(DRIVER_RAM + 0x80000u)		/* the rings are below */
#define DRIVER_GSI	64
#define DRIVER_SIZE	8				/* descriptors of a queue */

/** driver_board() - make guest memory and the buses, all empty */
const struct virtio_board *driver_board(void);

/** driver_find() - enable the device, which is the only one on the bus */
void driver_find(struct virtio *v);

/** driver_start() - empty the rings of so many queues, reset the device, and start it */
void driver_start(unsigned int queues);

/** driver_reset() - reset the device; returns whether the reset has ended within 5 seconds */
bool driver_reset(void);

/** driver_status_becomes() - wait until the device has this status, at most 5 seconds */
bool driver_status_becomes(u8 wanted);

/** driver_fired() - how often the queue has interrupted since driver_start() */
unsigned int driver_fired(unsigned int queue);

struct vring_desc *driver_table(unsigned int queue);
struct vring_avail *driver_available(unsigned int queue);
struct vring_used *driver_used(unsigned int queue);

/** driver_memory() - get guest memory */
void *driver_memory(u64 gpa);

/** driver_add() - make the request that begins with this descriptor available, and notify */
void driver_add(unsigned int queue, u16 head);

/** driver_send() - driver_add() of one buffer */
void driver_send(unsigned int queue, u64 gpa, u32 size, u16 flags);

/** driver_read_config(), driver_write_config() - access four bytes of the configuration */
u32 driver_read_config(unsigned int offset);
void driver_write_config(unsigned int offset, u32 value);

/** driver_config_fired() - how often the device has told that its configuration changed */
unsigned int driver_config_fired(void);

/** driver_notify() - notify, as if there were no doorbell */
void driver_notify(unsigned int queue);

/** driver_has_used() - wait until so many requests have been given back, at most 5 seconds */
bool driver_has_used(unsigned int queue, u16 idx);

/** driver_fill_random() - fill the ring of a queue with random values, valid ones among them */
void driver_fill_random(unsigned int queue);

#endif /* AXVMM_TESTS_DRIVER_H */
