/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The distributor and the redistributors of a GICv3 (Arm IHI 0069).
 *
 * The CPU interfaces, with what is pending and active in them, are the kernel
 * module's, which calls that a queue.  What is here decides what gets there: an
 * interrupt that is pending, enabled, and in an enabled group.
 */
#ifndef AXVMM_GIC_H
#define AXVMM_GIC_H

#include <axvcpu.h>

#include "bus.h"
#include "irq.h"

#define GIC_PRIVATE	32	/* INTIDs below are a CPU's own: SGIs and PPIs */
#define GIC_SGIS	16
#define GIC_SPIS	32
#define GIC_INTIDS	(GIC_PRIVATE + GIC_SPIS)

/* PPIs that have a wire: the timers. */
#define GIC_PPI_HYP_TIMER	26
#define GIC_PPI_VIRT_TIMER	27
#define GIC_PPI_SECURE_TIMER	29
#define GIC_PPI_PHYS_TIMER	30

/* Entries of the queue (AXV_ARM64_GIC_IRQ0). */
#define GIC_QUEUE	64

#define GICD_SIZE	0x10000
#define GICR_SIZE	0x20000	/* of each CPU */

/**
 * struct gic_cpu_ops - what the vCPUs do
 * @inject:	inject an event; 0 or a negative errno
 * @attend:	make a vCPU's thread call gic_enter() before the vCPU runs again
 * @set_sgis:	AXV_VCPU_SET_SGIS; logs an error
 * @read_queue:	read a vCPU's queue, GIC_QUEUE entries, and which SGIs are pending and
 *		not there, a bit each, while it does not run; may let the machine's
 *		lock go meanwhile
 * @write_queue: write one entry; in the vCPU's thread
 * @set_timer:	set AXV_ARM64_GIC_VTIMER; in the vCPU's thread
 * @arg:	for all of them
 *
 * Context: with the machine's lock held.
 */
struct gic_cpu_ops {
	int (*inject)(void *arg, unsigned int cpu, const struct axv_inject *event);
	void (*attend)(void *arg, unsigned int cpu);
	void (*set_sgis)(void *arg, unsigned int cpu, const struct axv_sgis *sgis);
	int (*read_queue)(void *arg, unsigned int cpu, u64 *entries, u32 *sent);
	int (*write_queue)(void *arg, unsigned int cpu, unsigned int place,
			   u64 entry);
	int (*set_timer)(void *arg, unsigned int cpu, u64 value);
	void *arg;
};

/**
 * struct gic_irq - an interrupt
 * @enabled:	as programmed
 * @edge:	edge-triggered, as programmed; SGIs always are
 * @priority:	as programmed
 * @level:	of its wire
 * @pending:	an edge, or a write to a register, has made it pending, and it is
 *		not in a queue.  Of an SGI: only while its vCPU is being switched off
 * @given:	it has been put into a queue since, and may be pending there.  No SGI
 * @wired:	its queue has been told that its wire is high
 */
struct gic_irq {
	bool enabled;
	bool edge;
	u8 priority;
	bool level;
	bool pending;
	bool given;
	bool wired;
};

/**
 * struct gic_cpu - a redistributor
 * @mpidr:	affinity of its vCPU
 * @irqs:	SGIs and PPIs
 * @timer:	what AXV_ARM64_GIC_VTIMER has been set to
 * @sgis:	what the SGIs have been set to
 * @activate:	INTIDs that its vCPU's thread is to make active
 * @deactivate:	INTIDs that it is to make inactive
 */
struct gic_cpu {
	u64 mpidr;
	struct gic_irq irqs[GIC_PRIVATE];
	u64 timer;
	struct axv_sgis sgis;
	u64 activate;
	u64 deactivate;
};

/**
 * struct gic - all of it; guarded by the machine's lock
 * @ops:	the vCPUs
 * @enabled:	group 1 is, as programmed
 * @spis:	SPIs
 * @routes:	where they are to go, as programmed
 * @cpus:	redistributors
 * @nr_cpus:	how many
 */
struct gic {
	struct gic_cpu_ops ops;
	bool enabled;
	struct gic_irq spis[GIC_SPIS];
	u64 routes[GIC_SPIS];
	struct gic_cpu *cpus;
	unsigned int nr_cpus;
};

/**
 * gic_init() - a GIC as after reset, on the bus
 * @gic:	the GIC
 * @bus:	the bus
 * @dist:	first address of the distributor
 * @redist:	first address of the redistributors
 * @mpidrs:	affinities of the vCPUs; vCPU n has the nth
 * @nr_cpus:	how many
 * @ops:	the vCPUs; copied
 *
 * Return: 0 or a negative errno.
 */
int gic_init(struct gic *gic, struct bus *bus, u64 dist, u64 redist,
	     const u64 *mpidrs, unsigned int nr_cpus,
	     const struct gic_cpu_ops *ops);

/** gic_spi() - the wire to an SPI, counted from 0 */
struct irq_line gic_spi(struct gic *gic, unsigned int spi);

/*
 * All that follows: with the machine's lock held.
 */

/**
 * gic_enter() - what a vCPU's thread has to do before each run
 *
 * Return: 0 or the error of an operation of &struct gic_cpu_ops.
 */
int gic_enter(struct gic *gic, unsigned int cpu);

/** gic_leave() - take back what a vCPU's queue holds; it is switched off */
void gic_leave(struct gic *gic, unsigned int cpu);

/** gic_reset_cpu() - its queue has been reset after that: it is empty */
void gic_reset_cpu(struct gic *gic, unsigned int cpu);

#endif /* AXVMM_GIC_H */
