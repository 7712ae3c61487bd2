/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One instruction on the real CPU, with all its registers given.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdbool.h>

#include <linux/axvcpu.h>

/**
 * struct native - registers before and after
 * @gprs:	in and out; RIP out only, RFLAGS without the system's bits
 * @fx:		in and out: the FXSAVE image
 */
struct native {
	struct axv_x86_gprs gprs;
	unsigned char fx[512] __attribute__((aligned(16)));
};

/** native_init() - map the code pages; returns false if the host refuses */
bool native_init(void);

/** native_landing() - where an instruction under test may branch to */
__u64 native_landing(bool code32);

/** native_code() - where the instruction under test is placed */
__u64 native_code(bool code32);

/**
 * native_run() - execute one instruction in 64-bit or 32-bit user code
 * @n: the registers
 * @insn: its bytes
 * @size: how many
 * @code32: in a 32-bit code segment; all addresses must be below 4 GiB
 */
void native_run(struct native *n, const void *insn, unsigned int size, bool code32);

#endif /* NATIVE_H */
