/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The GICv3 CPU interface of a vCPU: what its list registers hold, and the queue
 * behind them.  "GIC" is the GICv3 architecture specification, IHI 0069.
 */
#ifndef _AXVCPU_ARM64_GIC_H
#define _AXVCPU_ARM64_GIC_H

#include <linux/bits.h>
#include <linux/types.h>

/* ICH_VMCR_EL2.VENG1: the guest has group 1 enabled. */
#define AXV_VMCR_ENG1		BIT(1)

#define AXV_GIC_MAX_LRS		16
#define AXV_GIC_MAX_APRS	4
#define AXV_GIC_IRQS		64
/* One place is kept for the virtual timer, so that its interrupt is never refused. */
#define AXV_GIC_DEPTH		(AXV_GIC_IRQS - 1)
#define AXV_GIC_SGIS		16
#define AXV_GIC_SGI_MASK	GENMASK(AXV_GIC_SGIS - 1, 0)

/* &axv_gic_irq.state */
#define AXV_GIC_PENDING		BIT(0)	/* an edge waits */
#define AXV_GIC_LEVEL		BIT(1)	/* the wire is high */
#define AXV_GIC_ACTIVE		BIT(2)	/* acknowledged, not deactivated */
#define AXV_GIC_LR_EDGE		BIT(3)	/* the edge waits in the list register */
#define AXV_GIC_RETRACT		BIT(4)	/* that edge is taken back when the guest is out */
#define AXV_GIC_ROUTED		BIT(5)	/* a level route waits for the end of the interrupt */

/**
 * struct axv_gic_irq - an interrupt that is pending or active
 * @intid:	its INTID
 * @priority:	as the virtual CPU interface implements it
 * @state:	AXV_GIC_*
 */
struct axv_gic_irq {
	u32 intid;
	u8 priority;
	u8 state;
};

/**
 * struct axv_arm64_ich - the registers by which EL2 controls the virtual CPU interface
 * @hcr:	ICH_HCR_EL2; without irqchip it does nothing but trap all accesses
 * @vmcr:	ICH_VMCR_EL2
 * @ap0r:	ICH_AP0R<n>_EL2
 * @ap1r:	ICH_AP1R<n>_EL2
 * @lr:		ICH_LR<n>_EL2
 *
 * Belongs to the holder of the claim; authoritative whenever the guest's registers are
 * not loaded.
 */
struct axv_arm64_ich {
	u64 hcr;
	u64 vmcr;
	u64 ap0r[AXV_GIC_MAX_APRS];
	u64 ap1r[AXV_GIC_MAX_APRS];
	u64 lr[AXV_GIC_MAX_LRS];
};

/**
 * struct axv_gic_sgis - the SGIs of a vCPU, with AXV_VM_SGI_IN_KERNEL; zero without
 * @pending:	bit n: SGI n was sent and is not in the queue.  Set by any sender, without a
 *		lock; a request follows.  Cleared under &axv_vcpu.lock.
 * @enabled:	bit n: SGI n may be in the queue
 * @changed:	@enabled or @priority has changed, and the SGIs in the queue do not show
 *		it yet
 * @priority:	priority of each SGI, in bits that are implemented
 *
 * All but @pending under &axv_vcpu.lock.
 */
struct axv_gic_sgis {
	unsigned long pending;
	u16 enabled;
	bool changed;
	u8 priority[AXV_GIC_SGIS];
};

/**
 * struct axv_arm64_gic - the interrupts of a vCPU
 *
 * Under &axv_vcpu.lock:
 * @irqs:	the queue, in no order; no INTID is in it twice
 * @used:	bit n: @irqs[n] is in use.  Read without the lock to see whether any is: a
 *		thread that adds an interrupt makes a request after that.
 * @listed:	bit n: @irqs[n] is in a list register
 * @ended:	bit n: @irqs[n] was deactivated, and no level route has been told yet.
 *		Read without the lock by the holder of the claim; no other thread sets
 *		bits.
 * @vtimer:	AXV_ARM64_GIC_VTIMER
 * @timer_level: level of the virtual timer's wire, as @irqs has it
 * @sgis:	SGIs that vCPUs have sent
 *
 * Only the holder of the claim touches these:
 * @slots:	for each list register in use, the index of its interrupt in @irqs
 * @nr:		list registers in use
 * @line:	the virtual timer's output, as it was when the guest left
 * @hold:	the timer's interrupt is to be active in the host's GIC
 * @released:	the guest has deactivated the timer's interrupt in the host's GIC
 * @check_timer: the timer may have changed while the guest was out.  Set by any thread,
 *		together with a request.
 * @taken:	number of interrupts that were acknowledged and are not in the statistics
 *		yet
 */
struct axv_arm64_gic {
	struct axv_gic_irq irqs[AXV_GIC_IRQS];
	u64 used;
	u64 listed;
	u64 ended;
	u64 vtimer;
	bool timer_level;
	struct axv_gic_sgis sgis;

	u8 slots[AXV_GIC_MAX_LRS];
	u8 nr;
	bool line;
	bool hold;
	bool released;
	bool check_timer;
	u8 taken;
};

/**
 * struct axv_gic_host - what the host's virtual CPU interface has
 * @nr_lrs:	list registers
 * @nr_aprs:	registers of active priorities, for each group
 * @pri_mask:	priority bits that are implemented
 * @pre_shift:	a bit's number in the registers of active priorities, shifted left by
 *		this, is its priority
 * @intid_bits:	width of an INTID
 * @trap_dir:	ICH_HCR_EL2.TDIR; 0 where there is no such trap (ICH_VTR_EL2.TDS)
 * @timer_intid: the physical INTID of the virtual timer
 */
struct axv_gic_host {
	u8 nr_lrs;
	u8 nr_aprs;
	u8 pri_mask;
	u8 pre_shift;
	u8 intid_bits;
	u32 trap_dir;
	u32 timer_intid;
};

extern struct axv_gic_host axv_gic_host;

/* gic.c: the queue and the list registers; knows no hardware */
int axv_gic_edge(struct axv_arm64_gic *gic, u32 intid, u8 priority);
int axv_gic_retract(struct axv_arm64_gic *gic, u32 intid);
int axv_gic_level(struct axv_arm64_gic *gic, u32 intid, u8 priority, bool level);
void axv_gic_tell_end(struct axv_arm64_gic *gic, u32 intid);
int axv_gic_take_ended(struct axv_arm64_gic *gic);
bool axv_gic_take_sgis(struct axv_arm64_gic *gic);
void axv_gic_timer_level(struct axv_arm64_gic *gic, bool level);
int axv_gic_set_vtimer(struct axv_arm64_gic *gic, u64 value,
		       const struct axv_gic_host *host);
void axv_gic_fill(struct axv_arm64_gic *gic, struct axv_arm64_ich *ich,
		  const struct axv_gic_host *host);
void axv_gic_drain(struct axv_arm64_gic *gic, struct axv_arm64_ich *ich);
void axv_gic_deactivate(struct axv_arm64_gic *gic, u32 intid);
bool axv_gic_signals(const struct axv_arm64_gic *gic,
		     const struct axv_arm64_ich *ich,
		     const struct axv_gic_host *host);
u64 axv_gic_get_irq(const struct axv_arm64_gic *gic, unsigned int place);
int axv_gic_set_irq(struct axv_arm64_gic *gic, unsigned int place, u64 value,
		    const struct axv_gic_host *host);
bool axv_gic_valid_intid(u32 intid, const struct axv_gic_host *host);

static inline bool axv_gic_timer_enabled(const struct axv_arm64_gic *gic)
{
	return gic->vtimer & AXV_ARM64_VTIMER_ENABLED;
}

static inline u32 axv_gic_timer_intid(const struct axv_arm64_gic *gic)
{
	return gic->vtimer & AXV_ARM64_VTIMER_INTID;
}

#endif /* _AXVCPU_ARM64_GIC_H */
