/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * TAP output: one line per test, the plan at the end, and an exit status.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>

/**
 * tap() - report one test
 * @good: it passed
 * @fmt: its name, as for printf
 *
 * Return: @good
 */
bool tap(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** tap_note() - print a comment line, for what a failed test found */
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** tap_done() - print the plan; returns the exit status for main() */
int tap_done(void);

#endif /* TAP_H */
