/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arm64 guests: code blobs, and the state that guests are started in: EL1 with the MMU
 * and the caches on, the first GiB mapped one to one as ordinary memory.  (With caches
 * off, a guest would not see what the VMM writes.)
 *
 * A test's guest code is next to the test: GUEST_CODE() puts it into the program's
 * read-only data, and arm64_load() copies it to GUEST_CODE_ADDR.
 */
#ifndef AXV_ARM64_H
#define AXV_ARM64_H

#include "guest.h"

#define GUEST_CODE_ADDR		0x1000ul
#define GUEST_STACK		0x8000ul	/* top of the stack */
#define GUEST_TABLE		0x90000ul	/* stage 1, one page of level 1 */
#define GUEST_VECTORS		0x91000ul	/* VBAR_EL1 */
#define GUEST_PROGRAMS_ADDR	0x98000ul	/* the programs of guest.h */

/* PSTATE: EL1 with SP_EL1; all exceptions but SError and IRQ are masked. */
#define PSTATE_EL1H	0x5ul
#define PSTATE_F	(1ul << 6)
#define PSTATE_I	(1ul << 7)
#define PSTATE_A	(1ul << 8)
#define PSTATE_D	(1ul << 9)
#define GUEST_PSTATE	(PSTATE_EL1H | PSTATE_D | PSTATE_F)

/* Offsets in the vector table, for exceptions taken from EL1 with SP_EL1. */
#define VECTOR_SYNC	0x200
#define VECTOR_IRQ	0x280
#define VECTOR_SERROR	0x380

/**
 * GUEST_CODE() - guest code as a blob
 * @name: symbol of its beginning; name_end is that of its end
 * @text: assembly
 */
#define GUEST_CODE(name, text)						\
	asm(".pushsection .rodata\n\t.balign 4\n"			\
	    "\t.globl " #name ", " #name "_end\n"			\
	    #name ":\n\t" text "\n" #name "_end:\n\t.popsection");	\
	extern const __u8 name[], name##_end[]

#define arm64_load(vm, name)						\
	arm64_load_at(vm, GUEST_CODE_ADDR, name, name##_end)

/* Load the handler of the guest's interrupts. */
#define arm64_load_handler(vm, name)					\
	arm64_load_at(vm, GUEST_VECTORS + VECTOR_IRQ, name, name##_end)

#define NEED_GICV3() do {							\
	if (!irqchip_offered(AXV_IRQCHIP_GICV3))				\
		SKIP(_exit(255), "the host has no GICv3");			\
} while (0)

void arm64_load_at(struct axv_vm *vm, __u64 gpa, const __u8 *start, const __u8 *end);

/* Make the next run begin at @pc. */
void arm64_start(struct axv_vcpu *v, __u64 pc);

/* A general register in the run page: as the last exit stored it, or for the next run. */
static inline __u64 *arm64_x(struct axv_vcpu *v, int n)
{
	return &v->run->regs.gprs.x[n];
}

#endif
