/* SPDX-License-Identifier: GPL-2.0 */
/* Daemons that axvmm starts, each for one device: a disk, a shared directory, or a network. */
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

/**
 * struct daemon_share - the directory that a daemon serves
 * @directory:	its path
 * @tag:	the name by which the guest mounts it
 */
struct daemon_share {
	const char *directory;
	const char *tag;
};

#define DAEMON_PORTS	8

/**
 * struct daemon_net - what of the host a daemon leads to the guest
 * @options:	"-t" or "-u", for a port of TCP or UDP
 * @ports:	ADDRESS/PORT:GUEST_PORT
 * @nr:		entries of both
 */
struct daemon_net {
	const char *options[DAEMON_PORTS];
	const char *ports[DAEMON_PORTS];
	unsigned int nr;
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

#define DAEMON_ARGS	32
#define DAEMON_TEXT	8192

/**
 * struct daemon_arguments - a daemon's command line
 * @argv:	the words; the first one, the program, is there, and NULL is behind them
 * @text:	room for words that have to be made
 */
struct daemon_arguments {
	const char *argv[DAEMON_ARGS];
	char text[3][DAEMON_TEXT];
};

/**
 * struct daemon_service - a daemon to start
 * @file:	what the daemon serves, for messages
 * @program:	its program; searched for in PATH if there is no slash in it
 * @package:	Debian's package that has the program, for messages
 * @ends_itself: the daemon ends when its socket is closed, and its children have to end before
 *		it; so it gets no signal, unless the daemon takes too long, or axvmm dies
 * @connected:	the daemon gets a socket that is connected already
 * @arguments:	make the command line; the daemon inherits the socket @fd, on which it has to
 *		accept a connection, unless @connected is set.  Returns 0 or a negative errno;
 *		the error has been printed.
 * @arg:	for @arguments
 * @prepare:	in the new process: change what the program finds; NULL: nothing.  Returns 0,
 *		or sets errno.
 * @user:	axvmm's user, if @ends_itself; for another one than root the daemon starts in a new
 *		user namespace, where @prepare cannot ask for the user
 * @group:	axvmm's group, if @ends_itself
 */
struct daemon_service {
	const char *file;
	const char *program;
	const char *package;
	bool ends_itself;
	bool connected;
	int (*arguments)(const void *arg, int fd, struct daemon_arguments *a);
	const void *arg;
	int (*prepare)(const struct daemon_service *service);
	uid_t user;
	gid_t group;
};

/**
 * daemon_start() - start a daemon
 * @service:	the daemon
 * @pid:	where to store the daemon's process id
 * @output:	where to store the pipe for what the daemon prints
 *
 * Should daemon_stop() not be called, a signal ends the daemon when axvmm's main thread ends.
 *
 * Context: the main thread, before other threads.
 * Return: a socket that is connected to the daemon, or a negative errno; the error has been
 * printed.
 */
int daemon_start(const struct daemon_service *service, pid_t *pid,
		 struct daemon_output *output);

/** daemon_start_disk() - daemon_start() for a disk, by qemu-storage-daemon */
int daemon_start_disk(const struct daemon_disk *disk, pid_t *pid, struct daemon_output *output);

/** daemon_start_share() - daemon_start() for a shared directory, by virtiofsd */
int daemon_start_share(const struct daemon_share *share, pid_t *pid,
		       struct daemon_output *output);

/** daemon_start_net() - daemon_start() for a network, by passt */
int daemon_start_net(const struct daemon_net *net, pid_t *pid, struct daemon_output *output);

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
 * daemon_kill() - end a daemon and its children at once, and wait for the daemon
 *
 * A daemon without children then uses neither its file nor the guest's memory any more.
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
