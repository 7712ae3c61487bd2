/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What decode.c takes from the kernel, for a program.  Included before it by
 * the compiler's -include.
 */
#ifndef _DECODE_FUZZ_KERNEL_H
#define _DECODE_FUZZ_KERNEL_H

#include <stdbool.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#define fallthrough	__attribute__((__fallthrough__))

#endif /* _DECODE_FUZZ_KERNEL_H */
