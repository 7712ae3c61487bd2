/* SPDX-License-Identifier: GPL-2.0 */
/* qemu-storage-daemon, started for one disk: a file, or a block device. */
#ifndef AXVMM_DAEMON_H
#define AXVMM_DAEMON_H

#include <sys/types.h>

#include "types.h"

/**
 * struct daemon_disk - what it is to serve
 * @file:	path of the file
 * @format:	"raw" or "qcow2".  It is not looked for: a guest could write the
 *		beginning of another one to a raw file.
 * @readonly:	the guest cannot write
 */
struct daemon_disk {
	const char *file;
	const char *format;
	bool readonly;
};

#define DAEMON_LINE	256

/**
 * struct daemon_output - what a daemon says
 * @fd:		a pipe from it, which does not block either of the two; -1: it says no more
 * @line:	the beginning of a line whose end has not come
 * @length:	of that
 */
struct daemon_output {
	int fd;
	char line[DAEMON_LINE];
	unsigned int length;
};

/**
 * daemon_start() - start a daemon
 * @disk:	what it is to serve
 * @pid:	where to store its process
 * @output:	what it says
 *
 * It ends with axvmm's main thread, should daemon_stop() not be called.
 *
 * Context: the main thread, before other threads.
 * Return: a socket that is connected to it, or a negative errno; the error has been
 * printed.
 */
int daemon_start(const struct daemon_disk *disk, pid_t *pid, struct daemon_output *output);

/**
 * daemon_read() - read what a daemon has said, at most some lines of it
 * @output:	the pipe
 * @print:	is called for each line; what is too long is cut, what is no text is "?"
 * @arg:	for @print
 *
 * Return: whether there was something.
 */
bool daemon_read(struct daemon_output *output, void (*print)(void *arg, const char *line),
		 void *arg);

/** daemon_kill() - end it at once, and wait until it uses neither its file nor memory */
void daemon_kill(pid_t pid);

/**
 * daemon_stop() - end daemons, whose sockets are closed, and wait until their files are free
 * @pids:	the daemons; 0: none; all are 0 then
 * @nr:		how many
 *
 * What has not ended after 5 seconds, all together, is killed.
 */
void daemon_stop(pid_t *pids, unsigned int nr);

#endif /* AXVMM_DAEMON_H */
