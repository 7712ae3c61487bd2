/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark on arm64.
 */
#ifndef ARCH_H
#define ARCH_H

/* SGIs of guest.S; the first vCPU takes INT_TAKEN, the second vCPU the others. */
#define INT_PING		1	/* answered by INT_TAKEN */
#define INT_STOP		2	/* answered by INT_TAKEN; ends the second vCPU's run */
#define INT_TAKEN		3	/* the answer */

#ifndef __ASSEMBLER__
#include <stdint.h>

#define ANSWERED_NAME		"exit_psci_version"
#define WITH_REGISTERS_NAME	"exit_mmio_with_registers"

/* The counter advances by one in so many instructions. */
#define TIMES			16

/* Nanoseconds; the emulator takes one for each instruction. */
static inline uint64_t ticks(void)
{
	uint64_t count, hz;

	asm volatile("isb; mrs %0, cntvct_el0; mrs %1, cntfrq_el0"
		     : "=r" (count), "=r" (hz) : : "memory");
	return count * (1000000000 / hz);
}

/* No compiler makes this instruction: it moves a constant to the zero register. */
#define MARK(what)	asm volatile("movz xzr, %0" : : "i" (what) : "memory")

/* QEMU has a plugin, so no debugger has to stop here. */
#define BREAK()		do { } while (0)

/* The exit with which guest code says that it is done: guest_stop. */
#define BENCH_STOP		BENCH_MMIO
#define PATH_STOP		PATH_EXIT_MMIO

#define HAS_PORTS		0
#define HAS_LAPIC		0

/* KVM answers all hypercalls itself, except those that stop the machine. */
#define KVM_HYPERCALL_EXITS	0

#define AXV_MODE		AXV_ARM64_MODE_EL1

#define AXV_KERNEL_IRQCHIP	AXV_IRQCHIP_GICV3
#define AXV_KERNEL_IRQCHIP_FLAGS (AXV_VM_HALT_IN_KERNEL | AXV_VM_SGI_IN_KERNEL)

#endif /* __ASSEMBLER__ */
#endif /* ARCH_H */
