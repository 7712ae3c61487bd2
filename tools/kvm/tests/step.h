/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * A signal between any two instructions of a function.
 */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>

/**
 * step() - call a function, and send a signal to this thread in it
 * @function: the function
 * @instructions: how many it and the functions that it calls execute before the signal comes
 * @signal: a signal that is not blocked
 *
 * Return: false: the function ended first, so none was sent.
 */
bool step(void (*function)(void), unsigned int instructions, int signal);

#endif /* STEP_H */
