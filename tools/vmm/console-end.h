/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's end of a virtio console: where the guest's output goes, and its input comes from.
 *
 * A reader of the output that does not read holds the guest up for a moment only; from then on
 * its output is lost, until the reader has read.  Nothing here keeps output.
 */
#ifndef AXVMM_CONSOLE_END_H
#define AXVMM_CONSOLE_END_H

#include "types.h"

/* How long a reader may hold up the output of one request. */
#define CONSOLE_END_MSEC	100

/**
 * enum console_kind - the kinds of ends
 * @CONSOLE_PTY:	a pseudo-terminal
 * @CONSOLE_SOCKET:	a Unix socket, for one client at a time
 * @CONSOLE_FILE:	a file, to which output is appended; there is no input
 * @CONSOLE_ATTACH:	nothing, but for "axvmm console"
 */
enum console_kind {
	CONSOLE_PTY,
	CONSOLE_SOCKET,
	CONSOLE_FILE,
	CONSOLE_ATTACH,
};

/**
 * struct console_config - an end, as the user wants it
 * @kind:	its kind
 * @path:	of the socket or file
 */
struct console_config {
	enum console_kind kind;
	const char *path;
};

/**
 * struct console_stream - a descriptor that output goes to, and input comes from
 * @fd:		it does not block; -1: there is none
 * @input:	input comes from it
 * @stalled:	its reader has not read in time
 */
struct console_stream {
	int fd;
	bool input;
	bool stalled;
};

/**
 * struct console_end - an end
 * @stream:	the descriptor
 * @listener:	the socket that clients connect to, or -1
 * @slave:	the other side of the pseudo-terminal, or -1: without it, each read fails until
 *		a program has opened it
 * @path:	of the socket, to be removed; or NULL
 */
struct console_end {
	struct console_stream stream;
	int listener;
	int slave;
	const char *path;
};

/**
 * console_end_open() - make an end
 * @end:	the end
 * @config:	what the user wants
 * @name:	of the console, for messages
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int console_end_open(struct console_end *end, const struct console_config *config,
		     const char *name);

/** console_end_accept() - take the next client of the socket, or close it if that cannot be */
void console_end_accept(struct console_end *end);

/** console_end_close() - close what console_end_open() has made, and remove the socket */
void console_end_close(struct console_end *end);

/** console_stream_close() - close a descriptor, if there is one */
void console_stream_close(struct console_stream *stream);

/**
 * console_stream_write() - write output
 * @stream:	where to
 * @data:	the output, which the guest may change meanwhile
 * @size:	bytes
 * @msec:	how long to wait for the reader; the time that has passed is taken from it
 *
 * What the reader does not take is lost.
 *
 * Context: without locks.
 */
void console_stream_write(struct console_stream *stream, const void *data, size_t size,
			  unsigned int *msec);

/**
 * console_stream_read() - read input
 * @stream:	where from
 * @data:	where to store it
 * @size:	bytes, at most
 *
 * Return: bytes; 0: there are none now; -1: the other side has closed its end.
 */
int console_stream_read(struct console_stream *stream, void *data, size_t size);

#endif /* AXVMM_CONSOLE_END_H */
