/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers and sizes on the command line. */
#ifndef AXVMM_SIZE_H
#define AXVMM_SIZE_H

#include "types.h"

/**
 * size_number() - parse a number that consists of decimal digits
 * @text:	the text that begins with it
 * @limit:	the largest number
 * @n:		where to store it
 *
 * Return: what follows it, or NULL.
 */
const char *size_number(const char *text, u64 limit, u64 *n);

/** size_parse() - parse a size such as 512M, 2G or 512 (MiB): bytes, or 0 if it is no size */
u64 size_parse(const char *text);

#endif /* AXVMM_SIZE_H */
