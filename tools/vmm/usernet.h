/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio network device whose packets passt takes and gives: it makes connections of the
 * host's of them, as any program of a user may.
 *
 * passt is a process, reached by a stream socket.  Each packet on it is preceded by its length,
 * four bytes, the most significant one first.
 */
#ifndef AXVMM_USERNET_H
#define AXVMM_USERNET_H

#include "daemon.h"
#include "log.h"
#include "virtio-thread.h"

#define USERNETS	4

#define USERNET_MAC	6		/* bytes of a device's address */
#define USERNET_MTU	65520		/* bytes that a packet carries; passt's own limit */
#define USERNET_PACKET	(14 + USERNET_MTU)	/* bytes of a packet, with its header */
#define USERNET_BUFFER	(2 * (4 + USERNET_PACKET))

enum { USERNET_RX, USERNET_TX, USERNET_QUEUES };

/**
 * struct usernet_config - a device, as the user wants it
 * @socket:	path of passt's socket; NULL: axvmm starts passt
 * @forward:	what of the host passt leads to the guest, if axvmm starts it
 * @has_mac:	@mac is set
 * @mac:	address of the device
 */
struct usernet_config {
	const char *socket;
	struct daemon_net forward;
	bool has_mac;
	u8 mac[USERNET_MAC];
};

/**
 * struct usernet_stream - packets on their way from or to passt
 * @data:	the bytes
 * @start:	where the first one is that has not been taken
 * @end:	where the last one ends
 */
struct usernet_stream {
	u8 data[USERNET_BUFFER];
	unsigned int start;
	unsigned int end;
};

/**
 * struct usernet - a device; the thread accesses it while that runs
 * @t:		the device on the bus, and its thread
 * @name:	for messages
 * @socket:	the connection to passt, which does not block; -1: it is closed
 * @daemon:	process id of passt, if axvmm has started it, or 0
 * @output:	what passt prints
 * @said:	limits the messages of passt: a guest can cause them; guarded by the machine's lock
 * @in:		from passt
 * @out:	to passt
 * @missing:	index of the buffer that the guest has to add before a packet can be given
 */
struct usernet {
	struct virtio_thread t;
	char name[8];
	int socket;
	pid_t daemon;
	struct daemon_output output;
	struct log_limit said;
	struct usernet_stream in;
	struct usernet_stream out;
	u16 missing;
};

/**
 * usernet_create() - connect to passt, and put the device on the bus
 * @net:	the device, zeroed
 * @nr:		its number among these devices
 * @config:	what the user wants
 * @board:	what the device is wired to; copied
 * @gsi:	the first of USERNET_QUEUES + 1 routes that are for this device alone
 *
 * Context: the main thread, before other threads.
 * Return: 0 or a negative errno; the error has been printed.
 */
int usernet_create(struct usernet *net, unsigned int nr, const struct usernet_config *config,
		   const struct virtio_board *board, u32 gsi);

/**
 * usernet_start() - start the device's thread
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int usernet_start(struct usernet *net);

/**
 * usernet_release() - end the threads that run, and passt
 * @nets:	the devices
 * @nr:		how many
 *
 * Context: without the machine's lock; no vCPU runs any more.
 */
void usernet_release(struct usernet *nets, unsigned int nr);

#endif /* AXVMM_USERNET_H */
