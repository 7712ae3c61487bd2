/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio console: a device with one port, which Linux drives as hvc0, the next one as hvc1,
 * and so on.
 *
 * The guest notifies by doorbells.  Each device has a thread, which alone works on the rings
 * while the driver uses them, and which may wait for the host's end.
 */
#ifndef AXVMM_VCONSOLE_H
#define AXVMM_VCONSOLE_H

#include <pthread.h>

#include "console-end.h"
#include "ring.h"
#include "virtio.h"
#include "virtio-board.h"

#define VCONSOLES	4

#define VCONSOLE_IN	4096	/* bytes of input that wait for the guest */
#define VCONSOLE_OUT	65536	/* bytes of one request, at most; more are lost */

enum { VCONSOLE_RX, VCONSOLE_TX, VCONSOLE_QUEUES };

/**
 * struct vconsole - a device; guarded by the machine's lock where nothing else is said
 * @virtio:	what the guest sees
 * @board:	what it is wired to; constant
 * @name:	"hvc" and its number; constant
 * @kicks:	eventfds by which the guest notifies; constant
 * @wake:	eventfd that makes @thread look at @wanted, @arrived and @quit; constant
 * @rings:	accessed by @thread only while @wanted is set or virtio_stopped() is due
 * @wanted:	@thread is to work on @rings
 * @attached:	a client of "axvmm console" is, or will be, attached
 * @arrived:	a client that @thread is to take; -1: none
 * @quit:	@thread is to end
 * @end:	the host's end; accessed by @thread while that runs
 * @client:	the client of "axvmm console"; accessed by @thread
 * @in:		input that waits for the guest; accessed by @thread
 * @in_count:	bytes of @in; accessed by @thread
 * @running:	@thread exists; accessed by the main thread only
 * @thread:	the thread
 */
struct vconsole {
	struct virtio virtio;
	struct virtio_board board;
	char name[8];
	int kicks[VCONSOLE_QUEUES];
	int wake;
	struct ring rings[VCONSOLE_QUEUES];
	bool wanted;
	bool attached;
	int arrived;
	bool quit;
	struct console_end end;
	struct console_stream client;
	u8 in[VCONSOLE_IN];
	unsigned int in_count;
	bool running;
	pthread_t thread;
};

/**
 * vconsole_create() - make the host's end, and put the device on the bus
 * @console:	the device, zeroed
 * @nr:		its number among the consoles
 * @config:	the end
 * @board:	what the device is wired to; copied
 * @gsi:	the first of VCONSOLE_QUEUES + 1 routes that are for this device alone
 *
 * Context: before the guest starts.
 * Return: 0 or a negative errno; the error has been printed.
 */
int vconsole_create(struct vconsole *console, unsigned int nr,
		    const struct console_config *config, const struct virtio_board *board,
		    u32 gsi);

/**
 * vconsole_start() - start the device's thread
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int vconsole_start(struct vconsole *console);

/**
 * vconsole_attach() - let a client have the console, besides the host's end
 * @console:	the console
 * @fd:		the client's socket, non-blocking; the console will close it
 *
 * Context: with the machine's lock held; @attached is not set.
 */
void vconsole_attach(struct vconsole *console, int fd);

/**
 * vconsole_release() - end the threads that run, and close the ends
 * @consoles:	the devices
 * @nr:		how many
 *
 * A thread that waits for a file's disk for long goes on.
 *
 * Context: without the machine's lock; no vCPU runs any more.
 */
void vconsole_release(struct vconsole *consoles, unsigned int nr);

#endif /* AXVMM_VCONSOLE_H */
