/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Executes one instruction on the real CPU, with all registers given.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdbool.h>

#include <linux/axvcpu.h>

#define NATIVE_XSAVE	2816u		/* up to AVX-512, standard format */

/**
 * struct native - registers before and after
 * @gprs:	in and out; RIP out only, RFLAGS without the system's bits
 * @xsave:	in and out: the XSAVE block; on a processor without AVX an FXSAVE image
 * @fault:	out: the vector of the exception that it raised; -1: none
 * @error:	out: the exception's error code
 * @address:	out: CR2, if it was a page fault
 */
struct native {
	struct axv_x86_gprs gprs;
	unsigned char xsave[NATIVE_XSAVE] __attribute__((aligned(64)));
	int fault;
	__u32 error;
	__u64 address;
};

/** native_has_code32() - can 32-bit code run here?  Only valid after native_init() */
bool native_has_code32(void);

/** native_has_avx() - is @xsave of &struct native more than an FXSAVE image? */
bool native_has_avx(void);

/**
 * native_has_avx512() - has @xsave of &struct native the components of AVX-512?
 * @zmm: out: offset of the upper halves of the first 16 registers
 * @hi16: out: offset of registers 16 to 31
 */
bool native_has_avx512(unsigned int *zmm, unsigned int *hi16);

/**
 * native_init() - map the code pages, take the signals of exceptions
 *
 * Return: false if the host refuses.
 */
bool native_init(void);

/** native_landing() - where an instruction under test may branch to */
__u64 native_landing(bool code32);

/** native_code() - where the instruction under test is placed */
__u64 native_code(bool code32);

/**
 * native_run() - execute one instruction in 64-bit or 32-bit user code
 * @n: the registers
 * @insn: bytes of the instruction
 * @size: number of bytes
 * @code32: in a 32-bit code segment; all addresses must be below 4 GiB
 */
void native_run(struct native *n, const void *insn, unsigned int size, bool code32);

#endif /* NATIVE_H */
