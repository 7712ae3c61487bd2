/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The distributor and the redistributors of a GICv3 (Arm IHI 0069).
 *
 * The kernel module has the CPU interfaces.  For each vCPU it has a queue of the interrupts
 * that are pending or active there.  The GIC here decides which interrupts are put into the
 * queues: those that are pending, enabled, and in an enabled group.
 */
#ifndef AXVMM_GIC_H
#define AXVMM_GIC_H

#include <axvcpu.h>

#include "bus.h"
#include "irq.h"

#define GIC_PRIVATE	32	/* INTIDs below are private to a CPU: SGIs and PPIs */
#define GIC_SGIS	16
#define GIC_WIRES	32	/* SPIs that have a wire */
#define GIC_MESSAGES	64	/* SPIs behind those, which messages make pending */
#define GIC_SPIS	(GIC_WIRES + GIC_MESSAGES)
#define GIC_INTIDS	(GIC_PRIVATE + GIC_SPIS)
#define GIC_MESSAGE	(GIC_PRIVATE + GIC_WIRES)	/* the first INTID of a message */

/* PPIs that have a wire: the timers. */
#define GIC_PPI_HYP_TIMER	26
#define GIC_PPI_VIRT_TIMER	27
#define GIC_PPI_SECURE_TIMER	29
#define GIC_PPI_PHYS_TIMER	30

/* Entries of the queue (AXV_ARM64_GIC_IRQ0). */
#define GIC_QUEUE	64

#define GICD_SIZE	0x10000
#define GICR_SIZE	0x20000	/* for each CPU */

/**
 * struct gic_cpu_ops - how the GIC reaches the vCPUs
 * @inject:	inject an event; 0 or a negative errno
 * @attend:	make a vCPU's thread call gic_enter() before the vCPU runs again
 * @set_sgis:	AXV_VCPU_SET_SGIS; logs an error
 * @read_queue:	stop a vCPU for a moment and read its queue, GIC_QUEUE entries, and a
 *		mask of the SGIs that are pending but not in the queue; may release the
 *		machine's lock meanwhile
 * @write_queue: write one entry of the queue; in the vCPU's thread
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
 * struct gic_message_ops - how the GIC reaches the routes that lead to the SPIs of messages
 * @follow:	set the routes of an SPI as gic_delivery() says now
 * @waits:	whether an interrupt waits in a route of an SPI
 * @forget:	make interrupts that wait in routes of an SPI get lost
 * @arg:	for all of them
 *
 * Context: with the machine's lock held.
 */
struct gic_message_ops {
	void (*follow)(void *arg, unsigned int intid);
	bool (*waits)(void *arg, unsigned int intid);
	void (*forget)(void *arg, unsigned int intid);
	void *arg;
};

/**
 * struct gic_set - a set of INTIDs
 * @bits:	a bit for each
 */
struct gic_set {
	u64 bits[GIC_INTIDS / 64];
};

/**
 * struct gic_irq - an interrupt
 * @enabled:	the guest has enabled it
 * @edge:	the guest has set it to edge-triggered; SGIs always are
 * @priority:	the priority that the guest has set
 * @level:	level of its wire
 * @pending:	an edge, or a write to a register, has made it pending, and it is not in a
 *		queue.  SGIs: only while their vCPU is being switched off
 * @given:	a pending edge has been put into a queue, or a route may have done so, and it may
 *		still be pending there.  SGIs: unused
 * @wired:	its queue has been told that its wire is high
 * @routed:	SPIs of messages: routes deliver it
 */
struct gic_irq {
	bool enabled;
	bool edge;
	u8 priority;
	bool level;
	bool pending;
	bool given;
	bool wired;
	bool routed;
};

/**
 * struct gic_cpu - a redistributor
 * @mpidr:	affinity of its vCPU
 * @irqs:	SGIs and PPIs
 * @timer:	the value that AXV_ARM64_GIC_VTIMER has been set to
 * @sgis:	the value that &gic_cpu_ops.set_sgis has been called with
 * @activate:	INTIDs that the vCPU's thread is to make active
 * @deactivate:	INTIDs that the vCPU's thread is to make inactive
 */
struct gic_cpu {
	u64 mpidr;
	struct gic_irq irqs[GIC_PRIVATE];
	u64 timer;
	struct axv_sgis sgis;
	struct gic_set activate;
	struct gic_set deactivate;
};

/**
 * struct gic - a GIC; guarded by the machine's lock
 * @ops:	how to reach the vCPUs
 * @messages:	how to reach the routes of messages; NULLs: there are none
 * @enabled:	the guest has enabled group 1
 * @spis:	the SPIs
 * @routes:	affinities of the CPUs that the SPIs go to, as the guest has set them
 * @cpus:	the redistributors
 * @nr_cpus:	how many there are
 */
struct gic {
	struct gic_cpu_ops ops;
	struct gic_message_ops messages;
	bool enabled;
	struct gic_irq spis[GIC_SPIS];
	u64 routes[GIC_SPIS];
	struct gic_cpu *cpus;
	unsigned int nr_cpus;
};

/**
 * gic_init() - initialize a GIC as after reset, and put it on the bus
 * @gic:	the GIC
 * @bus:	the bus
 * @dist:	first address of the distributor
 * @redist:	first address of the redistributors
 * @mpidrs:	affinities of the vCPUs; vCPU n has @mpidrs[n]
 * @nr_cpus:	how many vCPUs there are
 * @ops:	how to reach the vCPUs; copied
 *
 * Return: 0 or a negative errno.
 */
int gic_init(struct gic *gic, struct bus *bus, u64 dist, u64 redist,
	     const u64 *mpidrs, unsigned int nr_cpus,
	     const struct gic_cpu_ops *ops);

/** gic_spi() - get the wire to an SPI, below GIC_WIRES; the first one, INTID 32, is 0 */
struct irq_line gic_spi(struct gic *gic, unsigned int spi);

/** gic_set_messages() - set how the GIC reaches the routes of messages; @ops is copied */
void gic_set_messages(struct gic *gic, const struct gic_message_ops *ops);

/*
 * The functions below are called with the machine's lock held.
 */

/** gic_message() - make an SPI pending by a message; @intid: GIC_MESSAGE to GIC_INTIDS - 1 */
void gic_message(struct gic *gic, unsigned int intid);

/**
 * gic_delivery() - tell where the routes of an SPI are to lead
 * @gic:	the GIC
 * @intid:	GIC_MESSAGE to GIC_INTIDS - 1
 * @cpu:	where to store the vCPU
 * @priority:	where to store the priority
 *
 * Return: false: the SPI is not delivered now, so its routes are to be masked.
 */
bool gic_delivery(struct gic *gic, unsigned int intid, u32 *cpu, u32 *priority);

/**
 * gic_enter() - do what a vCPU's thread has to do for the GIC before each run
 *
 * Sets the vCPU's timer, and makes interrupts in its queue active or inactive, if the guest
 * has asked for that.
 *
 * Return: 0 or the error of an operation of &struct gic_cpu_ops.
 */
int gic_enter(struct gic *gic, unsigned int cpu);

/** gic_leave() - take interrupts out of the queue of a vCPU that is being switched off */
void gic_leave(struct gic *gic, unsigned int cpu);

/** gic_reset_cpu() - after gic_leave(), when the kernel module has emptied the vCPU's queue */
void gic_reset_cpu(struct gic *gic, unsigned int cpu);

#endif /* AXVMM_GIC_H */
