/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Compares the core with the processor: both execute one instruction with the same
 * registers and memory.  The core works on this process's own addresses: paging is off
 * for it, and guest physical addresses are host virtual ones.
 */
#ifndef BESIDE_H
#define BESIDE_H

#include "native.h"
#include "x86/emul.h"

#define AREA		0x2000u		/* two pages each */
#define AREAS		3
#define STATUS		0x8d5ull	/* status flags */

/* The areas, one after the other */
extern unsigned char *beside_memory;

/* Areas that are devices for the core, one bit each; the others are RAM. */
extern unsigned int beside_devices;

/** beside_init() - allocate the memory, and call native_init() */
bool beside_init(void);

/**
 * beside_cpu() - fill in the core's CPU from the processor's registers
 * @e: the CPU
 * @insn: the instruction
 * @size: bytes of the instruction
 * @code32: it is 32-bit code
 * @n: the registers
 */
void beside_cpu(struct axv_emul *e, const void *insn, unsigned int size, bool code32,
		const struct native *n);

/**
 * beside_same() - compare the results, and say what differs
 * @n: registers of the processor
 * @e: registers of the core
 * @expected: memory of the processor; the core's is @beside_memory
 * @code32: it was 32-bit code
 * @undefined: flags that do not count
 */
bool beside_same(const struct native *n, const struct axv_emul *e,
		 const unsigned char *expected, bool code32, __u64 undefined);

#endif /* BESIDE_H */
