/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* The descriptor that a program opens as /dev/kvm. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdbool.h>

/**
 * system_open() - open /dev/kvm
 * @cloexec: close the descriptor on exec()
 *
 * Return: a descriptor, or a negative errno: -ENOENT (the module is not loaded), -EACCES.
 */
int system_open(bool cloexec);

#endif /* SYSTEM_H */
