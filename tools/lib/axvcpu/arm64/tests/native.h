/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Executes one instruction by the CPU.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <linux/types.h>

/**
 * struct native - registers before and after; native_enter.S knows the layout
 * @v: V0 to V7
 * @x: X0 to X15
 */
struct native {
	__u64 v[8][2];
	__u64 x[16];
};

/** native_open() - make a page of code; false if that fails */
bool native_open(void);

/** native_run() - execute an instruction that uses no other registers than these */
void native_run(struct native *n, __u32 word);

#endif /* NATIVE_H */
