/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* The fixed-width types of the kernel, for device registers. */
#ifndef DEVICES_TYPES_H
#define DEVICES_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1u << (n))

#define NSEC_PER_SEC	1000000000ull

#define KIB(n)		((u64)(n) << 10)
#define MIB(n)		((u64)(n) << 20)
#define GIB(n)		((u64)(n) << 30)
#define TIB(n)		((u64)(n) << 40)

/* Round down or up to a multiple of @to, a power of two. */
#define ALIGN_DOWN(x, to)	((x) & ~((__typeof__(x))(to) - 1))
#define ALIGN_UP(x, to)		ALIGN_DOWN((x) + (to) - 1, to)

#endif /* DEVICES_TYPES_H */
