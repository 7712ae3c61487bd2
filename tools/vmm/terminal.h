/* SPDX-License-Identifier: GPL-2.0 */
/* The mode of the user's terminal. */
#ifndef AXVMM_TERMINAL_H
#define AXVMM_TERMINAL_H

#include "types.h"

/**
 * terminal_raw() - hand every key to the guest
 *
 * Does nothing if standard input is no terminal.  From the first call on the
 * terminal gets its mode back when the process exits or crashes.  Call it
 * again when another process may have changed the mode.
 *
 * Return: whether standard input is a terminal, and now raw.
 */
bool terminal_raw(void);

/** terminal_restore() - give the terminal its mode back */
void terminal_restore(void);

#endif /* AXVMM_TERMINAL_H */
