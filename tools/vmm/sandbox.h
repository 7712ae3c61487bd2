/* SPDX-License-Identifier: GPL-2.0 */
/* The system calls that a thread of a vCPU, or of a virtio device, may make. */
#ifndef AXVMM_SANDBOX_H
#define AXVMM_SANDBOX_H

#include <sys/types.h>

/**
 * sandbox_prepare() - make the C library do now what it does once, as sandboxed threads cannot
 *
 * Context: before other threads.
 */
void sandbox_prepare(void);

/**
 * sandbox_enter() - restrict this thread to the system calls that a vCPU's thread needs
 *
 * Any other system call ends the process, with a message that names the call.
 *
 * Context: after sandbox_prepare() and terminal_raw(), with NO_NEW_PRIVS set.
 * Return: 0 or a negative errno; the error has been printed.
 */
int sandbox_enter(void);

/**
 * sandbox_enter_vhost() - sandbox_enter() for a thread that talks to a back end
 * @daemon:	the one process group that the thread may signal, by SIGKILL; 0: none
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int sandbox_enter_vhost(pid_t daemon);

/**
 * sandbox_enter_console() - sandbox_enter() for the thread of a virtio console
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int sandbox_enter_console(void);

#endif /* AXVMM_SANDBOX_H */
