/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The directory of the control sockets: $XDG_RUNTIME_DIR/axvmm, or /run/axvmm where that
 * variable is not set.  It belongs to the user alone.  The socket of a guest is NAME.sock.
 */
#ifndef AXVMM_RUNDIR_H
#define AXVMM_RUNDIR_H

#include "types.h"

#define RUNDIR_NAME_MAX	64	/* characters of a guest's name */
#define RUNDIR_SUFFIX	".sock"
#define RUNDIR_SECONDS	2	/* that a connection may take */

/** rundir_name_valid() - whether a guest may have this name: letters, digits, - _ and . */
bool rundir_name_valid(const char *name);

/**
 * rundir_open() - open the directory
 * @create:	make it if it is not there
 *
 * Return: a descriptor, or a negative errno, without a message: -EPERM if the directory is not
 * the user's alone.
 */
int rundir_open(bool create);

/** rundir_path() - the name of the directory, for messages; in a static buffer */
const char *rundir_path(void);

/**
 * rundir_connect() - connect to a guest
 * @dir:	the directory
 * @name:	the guest's name, a valid one
 *
 * Return: a socket, or a negative errno, without a message: -ECONNREFUSED if the socket is
 * stale, -ENOENT if there is none, -EAGAIN if the guest's axvmm does not accept: it is stopped.
 */
int rundir_connect(int dir, const char *name);

/**
 * rundir_listen() - make a guest's socket
 * @dir:	the directory
 * @name:	the guest's name, a valid one
 *
 * A socket on which no process listens any more is replaced.
 *
 * Return: a socket that does not block, or a negative errno, without a message: -EADDRINUSE if a
 * guest has this name, -EAGAIN if another process keeps the lock on the directory.
 */
int rundir_listen(int dir, const char *name);

/** rundir_remove() - remove a guest's socket */
void rundir_remove(int dir, const char *name);

/** rundir_remove_stale() - remove a guest's socket if no process listens on it */
void rundir_remove_stale(int dir, const char *name);

#endif /* AXVMM_RUNDIR_H */
