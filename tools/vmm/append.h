/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's command line. */
#ifndef AXVMM_APPEND_H
#define AXVMM_APPEND_H

/**
 * append_terminal() - add the size of the terminal to a command line
 * @append:	the command line, as the user gave it
 *
 * A serial line has no way to tell it.  What Linux does not know becomes the
 * environment of its first process, or systemd gives it to its services.
 *
 * Return: the command line, to be freed; the same words if standard input is no
 * terminal, or the user gave the size; NULL: out of memory.
 */
char *append_terminal(const char *append);

#endif /* AXVMM_APPEND_H */
