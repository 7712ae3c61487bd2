/* SPDX-License-Identifier: GPL-2.0 */
/* Additions to the guest kernel's command line. */
#ifndef AXVMM_APPEND_H
#define AXVMM_APPEND_H

/**
 * append_terminal() - add the size of the terminal to a command line
 * @append:	the command line, as the user gave it
 *
 * A serial line cannot tell the guest how large the terminal is, so LINES= and COLUMNS=
 * are put on the command line.  Linux puts words that it does not know into the
 * environment of its first process; systemd.setenv= makes systemd give them to services.
 *
 * Return: the new command line, to be freed by the caller; a plain copy of @append if
 * standard input is no terminal or @append has a size already; NULL: out of memory.
 */
char *append_terminal(const char *append);

#endif /* AXVMM_APPEND_H */
