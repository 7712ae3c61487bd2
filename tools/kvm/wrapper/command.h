/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* Whether the dynamic linker puts a library of LD_PRELOAD before a program's own. */
#ifndef COMMAND_H
#define COMMAND_H

/**
 * command_unsuitable() - why the library cannot come before the libraries of a program
 * @path: of the program
 *
 * Nothing is known of a script: its interpreter is the program.
 *
 * Return: the reason, for a person; NULL: there is none that is known.
 */
const char *command_unsuitable(const char *path);

#endif /* COMMAND_H */
