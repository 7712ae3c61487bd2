/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's console: between its serial port and standard input and output, and a client of
 * "axvmm console" if there is one.
 */
#ifndef AXVMM_CONSOLE_H
#define AXVMM_CONSOLE_H

#include <pthread.h>

#include "loop.h"
#include "serial.h"

#define CONSOLE_IN	4096
#define CONSOLE_OUT	65536
#define CONSOLE_BREAK	0x100	/* in the ring of input: a break, not a byte */

/**
 * struct console - the console
 * @port:	the guest's serial port
 * @loop:	waits for the input
 * @quit:	called, with the machine's lock, when the user asks for the end
 * @arg:	for @quit
 * @tty:	standard input is a terminal: keys have meanings
 * @escape:	the last key was ^A
 * @input:	standard input, non-blocking if axvmm could open it anew
 * @client:	the client's socket; enabled while there is one.  Its descriptor is guarded by both
 *		the machine's lock and @out_lock: either is enough to use it.
 * @in:		ring of bytes for the guest, or CONSOLE_BREAK; guarded, as @in_head and
 *		@in_count are, by the machine's lock
 * @in_head:	where the oldest byte is in @in
 * @in_count:	bytes in @in
 * @out_lock:	guards the fields that follow but @writer; taken inside the machine's
 *		lock, never around it
 * @out_changed: @out_count or @closing has changed
 * @out:	ring of bytes from the guest
 * @out_head:	where the oldest byte is in @out
 * @out_count:	bytes in @out
 * @full:	the serial port has been told to wait
 * @closing:	the writer is to end once the ring is empty
 * @writer:	thread that writes the ring to standard output
 */
struct console {
	struct serial_port port;
	struct loop *loop;
	void (*quit)(void *arg);
	void *arg;
	bool tty;
	bool escape;
	struct loop_source input;
	struct loop_source client;
	u16 in[CONSOLE_IN];
	unsigned int in_head;
	unsigned int in_count;
	pthread_mutex_t out_lock;
	pthread_cond_t out_changed;
	u8 out[CONSOLE_OUT];
	unsigned int out_head;
	unsigned int out_count;
	bool full;
	bool closing;
	pthread_t writer;
};

/**
 * console_init() - connect a serial port
 * @console:	the console
 * @loop:	the event loop
 * @port:	the serial port, initialized with console_backend(); copied
 * @quit:	called, with the machine's lock, when the user asks for the end
 * @arg:	for @quit
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int console_init(struct console *console, struct loop *loop,
		 const struct serial_port *port, void (*quit)(void *arg), void *arg);

/** console_backend() - get the functions that the serial port is to call */
struct serial_backend console_backend(struct console *console);

/**
 * console_start() - make the terminal raw and start the writer
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int console_start(struct console *console);

/** console_attached() - whether there is a client; with the machine's lock held */
static inline bool console_attached(const struct console *console)
{
	return console->client.enabled;
}

/**
 * console_attach() - let a client have the console, besides standard input and output
 * @console:	the console
 * @fd:		the client's socket; the console will close it
 *
 * Output that the client's socket has no room for is lost for the client, as the guest must not
 * wait for it.
 *
 * Context: with the machine's lock held; there is no client.
 */
void console_attach(struct console *console, int fd);

/**
 * console_stop() - write what is left, end the writer, restore the terminal
 *
 * Context: without locks; may wait some seconds for a terminal that is stopped.
 * A writer that is stuck goes on using @console.
 */
void console_stop(struct console *console);

#endif /* AXVMM_CONSOLE_H */
