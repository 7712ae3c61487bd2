/* SPDX-License-Identifier: GPL-2.0 */
/* qemu-storage-daemon, started for one disk: a file, or a block device. */
#ifndef AXVMM_DAEMON_H
#define AXVMM_DAEMON_H

#include <sys/types.h>

#include "types.h"

/**
 * struct daemon_disk - the disk that a daemon serves
 * @file:	path of the file
 * @format:	"raw" or "qcow2".  It is not read from the file: a guest could write
 *		the beginning of a qcow2 file to a raw one.
 * @readonly:	the guest cannot write
 */
struct daemon_disk {
	const char *file;
	const char *format;
	bool readonly;
};

#define DAEMON_LINE	256

/**
 * struct daemon_output - what a daemon prints
 * @fd:		a pipe from the daemon, non-blocking at both ends; -1: it is closed
 * @line:	the beginning of a line whose end has not been read yet
 * @length:	bytes in @line
 */
struct daemon_output {
	int fd;
	char line[DAEMON_LINE];
	unsigned int length;
};

/**
 * daemon_start() - start a daemon
 * @disk:	what the daemon is to serve
 * @pid:	where to store the daemon's process id
 * @output:	where to store the pipe for what the daemon prints
 *
 * The daemon ends with axvmm's main thread, should daemon_stop() not be called.
 *
 * Context: the main thread, before other threads.
 * Return: a socket that is connected to the daemon, or a negative errno; the error has been
 * printed.
 */
int daemon_start(const struct daemon_disk *disk, pid_t *pid, struct daemon_output *output);

/**
 * daemon_read() - read what a daemon has printed, at most some lines of it
 * @output:	the pipe
 * @print:	is called for each line; a line that is too long is cut, and a byte that is
 *		not printable ASCII is "?"
 * @arg:	for @print
 *
 * Return: whether something was read.
 */
bool daemon_read(struct daemon_output *output, void (*print)(void *arg, const char *line),
		 void *arg);

/**
 * daemon_kill() - end a daemon at once, and wait until it uses neither its file nor the
 * guest's memory
 */
void daemon_kill(pid_t pid);

/**
 * daemon_stop() - end daemons, and wait until they have closed their files
 * @pids:	the daemons, whose sockets are closed; 0: none; all are set to 0
 * @nr:		how many
 *
 * All daemons together have 5 seconds; those that have not ended by then are killed.
 */
void daemon_stop(pid_t *pids, unsigned int nr);

#endif /* AXVMM_DAEMON_H */
