/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's interrupts that make a guest exit: the check of each load of a guest; ppi.c
 * has the rest.
 */
#ifndef _AXVCPU_ARM64_PPI_H
#define _AXVCPU_ARM64_PPI_H

#include <linux/cpumask.h>
#include <linux/types.h>

struct irq_desc;

/**
 * struct axv_arm64_ppi - one of the two interrupts
 * @name:	for /proc/interrupts
 * @irq:	the kernel's number, 0: unknown
 * @desc:	the kernel's descriptor
 * @enabled:	the CPUs on which the kernel has it enabled; all CPUs if @irq is unknown
 * @ours:	this module has requested it, and not KVM
 */
struct axv_arm64_ppi {
	const char *name;
	unsigned int irq;
	struct irq_desc *desc;
	const struct cpumask *enabled;
	bool ours;
};

enum {
	AXV_ARM64_PPI_TIMER,
	AXV_ARM64_PPI_MAINTENANCE,
	AXV_ARM64_PPIS,
};

extern struct axv_arm64_ppi axv_arm64_ppis[AXV_ARM64_PPIS];

void axv_arm64_ppi_enable(void);

/**
 * axv_arm64_ppi_keep() - enable both interrupts on this CPU, if KVM has disabled them
 * @cpu:	this CPU
 *
 * Otherwise nothing but the host's tick interrupts a guest that computes, once a VM of
 * KVM's has come and gone.
 *
 * Context: interrupts off until after the next entry.
 */
static __always_inline void axv_arm64_ppi_keep(unsigned int cpu)
{
	const struct axv_arm64_ppi *ppis = axv_arm64_ppis;

	if (unlikely(!cpumask_test_cpu(cpu, ppis[AXV_ARM64_PPI_TIMER].enabled) ||
		     !cpumask_test_cpu(cpu, ppis[AXV_ARM64_PPI_MAINTENANCE].enabled)))
		axv_arm64_ppi_enable();
}

#endif /* _AXVCPU_ARM64_PPI_H */
