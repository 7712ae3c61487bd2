/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark on x86.
 */
#ifndef ARCH_H
#define ARCH_H

/* Vectors of guest.S; the second vCPU takes those up to INT_WAKE, the first vCPU the others. */
#define INT_PING		0x41	/* answered by INT_TAKEN */
#define INT_STOP		0x42	/* answered by INT_TAKEN; ends the second vCPU's run */
#define INT_RING		0x43	/* answered by the doorbell at PORT_DOORBELL */
#define INT_WAKE		0x44	/* counted */
#define INT_TAKEN		0x45	/* sets R8 */
#define INT_KEPT		0x50	/* stays in service, as does INT_KEPT + 16 and so on */

#ifndef __ASSEMBLER__
#include <stdint.h>

#define ANSWERED_NAME		"exit_cpuid"
#define WITH_REGISTERS_NAME	"exit_out_with_registers"

/* A tick is an instruction, so once is enough. */
#define TIMES			1

static inline uint64_t ticks(void)
{
	return __builtin_ia32_rdtsc();
}

#define SPIN_INSTRUCTIONS(count)	(2ull * (count))

static inline void spin(unsigned long count)
{
	asm volatile("1: dec %0; jnz 1b" : "+r" (count));
}

/* A long NOP; its displacement is the marker. */
#define MARKER_BASE	0xa5be0000u

#define MARK(what)						\
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long %c0"	\
		     : : "i" (MARKER_BASE | (what)) : "memory")

/* The emulator's debugger stops here; a traced round is between two such instructions. */
#define BREAK()		asm volatile("xchgw %%bx, %%bx" : : : "memory")

/* The exit with which guest code says that it is done: guest_stop. */
#define BENCH_STOP		BENCH_IO
#define PATH_STOP		PATH_EXIT_OUT

#define HAS_PORTS		1
#define HAS_LAPIC		1

/* KVM_HC_MAP_GPA_RANGE */
#define KVM_HYPERCALL_EXITS	1

#define AXV_MODE		AXV_X86_MODE_PROTECTED

#define AXV_KERNEL_IRQCHIP	AXV_IRQCHIP_LAPIC
#define AXV_KERNEL_IRQCHIP_FLAGS AXV_VM_HALT_IN_KERNEL

#endif /* __ASSEMBLER__ */
#endif /* ARCH_H */
