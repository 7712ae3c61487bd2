/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio console: a device with one port, which Linux drives as hvc0, the next one as hvc1,
 * and so on.
 */
#ifndef AXVMM_VCONSOLE_H
#define AXVMM_VCONSOLE_H

#include "console-end.h"
#include "virtio-thread.h"

#define VCONSOLES	4

#define VCONSOLE_IN	4096	/* bytes of input that wait for the guest */
#define VCONSOLE_OUT	65536	/* bytes of one request, at most; more are lost */

enum { VCONSOLE_RX, VCONSOLE_TX, VCONSOLE_QUEUES };

/**
 * struct vconsole - a device; guarded by the machine's lock where nothing else is said
 * @t:		the device on the bus, and its thread
 * @name:	"hvc" and its number; constant
 * @attached:	a client of "axvmm console" is, or will be, attached
 * @arrived:	a client that the thread is to take; -1: none
 * @end:	the host's end; accessed by the thread while that runs
 * @client:	the client of "axvmm console"; accessed by the thread
 * @in:		input that waits for the guest; accessed by the thread
 * @in_count:	bytes of @in; accessed by the thread
 */
struct vconsole {
	struct virtio_thread t;
	char name[8];
	bool attached;
	int arrived;
	struct console_end end;
	struct console_stream client;
	u8 in[VCONSOLE_IN];
	unsigned int in_count;
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
