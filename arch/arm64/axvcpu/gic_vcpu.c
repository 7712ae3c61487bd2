// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt controller of a vCPU with AXV_IRQCHIP_GICV3: what is done before and
 * after the guest runs, events, traps and registers.  gic.c has the queue.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>
#include <asm/sysreg.h>

#include <axvcpu/request.h>
#include <axvcpu/route.h>
#include <axvcpu/trace.h>

#include "arm64.h"
#include "ich.h"

/* ICH_VTR_EL2 */
#define VTR_LRS(vtr)		(((vtr) & 0x1f) + 1)
#define VTR_PREBITS(vtr)	((((vtr) >> 26) & 7) + 1)
#define VTR_PRIBITS(vtr)	((((vtr) >> 29) & 7) + 1)
#define VTR_TDS			BIT(19)
#define VTR_SEIS		BIT(22)
#define VTR_IDBITS(vtr)		(((vtr) >> 23) & 7 ? 24 : 16)

/* TC, TALL0 and TALL1: every access to the CPU interface traps, and the VMM answers it. */
#define HCR_TRAP_ALL		(BIT(10) | BIT(11) | BIT(12))
#define HCR_TDIR		BIT(14)

/* All bits of ICH_VMCR_EL2 */
#define VMCR_BITS		(GENMASK(31, 18) | BIT(9) | GENMASK(4, 0))
#define VMCR_EOIM		BIT(9)

#define FIRST_PPI		16
#define FIRST_SPECIAL		1020

#define CNTV_KEPT		GENMASK(1, 0)
#define CNTV_FIRED		(BIT(0) | BIT(2))

/*
 * Is the virtual CPU interface one that guests can do harm with, unless each access to it
 * is trapped, as the kernel's own KVM does?  There are three: a guest with group 0
 * corrupts state (Cavium 30115), reads of ICC_IAR1_EL1 get wrong interrupts (Cavium
 * 23154), and Apple's raise SErrors in the host (ICH_VTR_EL2.SEIS).
 */
static bool __init is_broken(u64 vtr)
{
	return cpus_have_cap(ARM64_WORKAROUND_CAVIUM_30115) ||
	       cpus_have_cap(ARM64_WORKAROUND_CAVIUM_23154) ||
	       (vtr & VTR_SEIS && read_cpuid_implementor() == ARM_CPU_IMP_APPLE);
}

/**
 * axv_arm64_gic_init() - fill in axv_gic_host
 * @vtr:	ICH_VTR_EL2
 * @timer_intid: what axv_arm64_ppi_init() returned
 *
 * Context: module load.
 * Return: true if there can be vCPUs with AXV_IRQCHIP_GICV3; there cannot without the
 * interrupts that make them exit.
 */
bool __init axv_arm64_gic_init(u64 vtr, u32 timer_intid)
{
	struct axv_gic_host *host = &axv_gic_host;
	unsigned int pre_bits = VTR_PREBITS(vtr);

	if (is_broken(vtr)) {
		pr_info("the GIC's virtual CPU interface has an erratum: no AXV_IRQCHIP_GICV3\n");
		return false;
	}
	host->nr_lrs = min_t(unsigned int, VTR_LRS(vtr), AXV_GIC_MAX_LRS);
	host->nr_aprs = pre_bits <= 5 ? 1 : 1 << (pre_bits - 5);
	host->pre_shift = 8 - pre_bits;
	host->pri_mask = ~0u << (8 - VTR_PRIBITS(vtr));
	host->intid_bits = VTR_IDBITS(vtr);
	host->trap_dir = vtr & VTR_TDS ? HCR_TDIR : 0;
	host->timer_intid = timer_intid;
	return timer_intid;
}

/**
 * axv_arm64_gic_reset() - reset a vCPU's interrupts: none is pending, none is enabled
 * @v:		vCPU whose claim the caller holds
 *
 * Context: under &axv_vcpu.lock.
 */
void axv_arm64_gic_reset(struct axv_arm64_vcpu *v)
{
	lockdep_assert_held(&v->base.lock);
	memset(&v->gic, 0, sizeof(v->gic));
	memset(&v->ich, 0, sizeof(v->ich));
	v->ich.hcr = axv_arm64_has_gic(v) ? ICH_HCR_EN : HCR_TRAP_ALL;
}

/* ---- before and after the guest ---------------------------------------------------- */

static void set_timer(struct axv_arm64_vcpu *v, bool line)
{
	struct axv_arm64_gic *gic = &v->gic;

	if (line && !gic->timer_level)
		trace_axv_inject(&v->base, AXV_INJECT_PPI, axv_gic_timer_intid(gic), 0);
	axv_gic_timer_level(gic, line);
}

static noinline void fill(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_gic *gic = &v->gic;

	raw_spin_lock(&v->base.lock);
	if (READ_ONCE(gic->check_timer)) {
		WRITE_ONCE(gic->check_timer, false);
		gic->line = axv_arm64_timer_line(v);
		if (axv_gic_timer_enabled(gic))
			set_timer(v, gic->line);
	}
	axv_gic_take_sgis(gic);
	axv_gic_fill(gic, &v->ich, &axv_gic_host);
	raw_spin_unlock(&v->base.lock);
}

/**
 * axv_arm64_gic_enter() - fill list registers, for a stretch of entries
 * @v:		vCPU with an interrupt controller, whose claim the caller holds
 *
 * Context: interrupts off, the guest's registers not loaded yet.
 */
void axv_arm64_gic_enter(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_gic *gic = &v->gic;

	/* Whatever is queued from here on comes with a new request. */
	axv_take_request(&v->base, AXV_REQ_EVENT);
	if (unlikely(READ_ONCE(gic->used) || READ_ONCE(gic->sgis.pending) ||
		     READ_ONCE(gic->check_timer)))
		fill(v);
	axv_arm64_ppi_hold(gic->hold);
}

static noinline void drain(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_gic *gic = &v->gic;

	raw_spin_lock(&v->base.lock);
	axv_gic_drain(gic, &v->ich);
	if (axv_gic_timer_enabled(gic))
		set_timer(v, gic->line);
	else
		gic->hold = gic->line;
	raw_spin_unlock(&v->base.lock);

	axv_count(&v->base.stats.injections, gic->taken);
	gic->taken = 0;
	if (gic->released)
		axv_arm64_ppi_released();
	gic->released = false;
}

/**
 * axv_arm64_gic_leave() - take back list registers and the level of the timer
 * @v:		vCPU of axv_arm64_gic_enter(), or one without interrupt controller whose
 *		timer has fired
 *
 * Context: interrupts off, the guest's registers in memory.
 */
void axv_arm64_gic_leave(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_gic *gic = &v->gic;
	u64 ctl = v->sys[AXV_SYS_CNTV_CTL_EL0];
	bool line = ctl == CNTV_FIRED;

	v->sys[AXV_SYS_CNTV_CTL_EL0] = ctl & CNTV_KEPT;
	/* If the timer's interrupt ended the guest, it cannot have been active. */
	if (unlikely(line) && AXV_EL2_VECTOR(v->last.code) == AXV_EL2_IRQ)
		axv_arm64_ppi_released();
	if (!axv_arm64_has_gic(v)) {
		v->timer.rose = line && !v->timer.told;
		return;
	}
	gic->hold = false;
	gic->line = line;
	if (unlikely(gic->nr || line || gic->timer_level))
		drain(v);
}

/* ---- events -------------------------------------------------------------------------- */

/* Does the interrupt have a wire?  SGIs and LPIs have none. */
static bool has_wire(u32 intid)
{
	return intid >= FIRST_PPI && intid < FIRST_SPECIAL;
}

/**
 * axv_arm64_gic_inject() - make an interrupt pending, retract it or set its level
 * @v:		any vCPU with an interrupt controller
 * @event:	EXTINT or WIRED
 *
 * Context: under &axv_vcpu.lock, interrupts off.
 * Return: 0; -EAGAIN: the queue is full; -ENOENT: there is none to retract; -EINVAL:
 * there is no such interrupt, or no such level.
 */
int axv_arm64_gic_inject(struct axv_arm64_vcpu *v, const struct axv_inject *event)
{
	u8 priority = event->priority & axv_gic_host.pri_mask;
	struct axv_arm64_gic *gic = &v->gic;
	u32 intid = event->vector;
	int err;

	lockdep_assert_held(&v->base.lock);
	if (!axv_gic_valid_intid(intid, &axv_gic_host))
		return -EINVAL;
	if (event->type == AXV_INJECT_EXTINT && intid < AXV_GIC_SGIS && axv_arm64_has_sgis(v)) {
		if (event->flags & AXV_INJECT_RETRACT)
			return axv_arm64_retract_sgi(v, intid);
		axv_arm64_send_sgi(v, intid);
		return 0;
	}
	if (event->type == AXV_INJECT_EXTINT)
		return event->flags & AXV_INJECT_RETRACT ?
		       axv_gic_retract(gic, intid) :
		       axv_gic_edge(gic, intid, priority);
	if (event->data > 1 || !has_wire(intid))
		return -EINVAL;
	err = axv_gic_level(gic, intid, priority, event->data);
	if (!err && event->data && event->flags & AXV_EVENT_ROUTED)
		axv_gic_tell_end(gic, intid);
	return err;
}

/**
 * axv_arm64_route() - make the event of a route: an edge, or a wire that is high
 * @vm:		any VM with an interrupt controller
 * @route:	INTID and priority, and for which vCPU
 * @event:	out: what the vCPU gets
 *
 * Return: 0 or -EINVAL.
 */
int axv_arm64_route(const struct axv_vm *vm, const struct axv_route *route,
		    struct axv_inject *event)
{
	if (route->address || route->data || route->priority > U8_MAX ||
	    !axv_gic_valid_intid(route->vector, &axv_gic_host))
		return -EINVAL;
	event->type = AXV_INJECT_EXTINT;
	event->vector = route->vector;
	event->priority = route->priority;
	if (!(route->flags & AXV_ROUTE_LEVEL))
		return 0;
	event->type = AXV_INJECT_WIRED;
	event->data = 1;
	return has_wire(route->vector) ? 0 : -EINVAL;
}

/**
 * __axv_arm64_gic_ended() - tell level routes of the interrupts that the guest has ended
 * @v:		vCPU whose claim the caller holds
 *
 * Context: as axv_routes_ended().
 */
void __axv_arm64_gic_ended(struct axv_arm64_vcpu *v)
{
	int intid;

	for (;;) {
		raw_spin_lock_irq(&v->base.lock);
		intid = axv_gic_take_ended(&v->gic);
		raw_spin_unlock_irq(&v->base.lock);
		if (intid < 0)
			break;
		/* A wire that the VMM sets itself has no route, so the VMM is not told. */
		axv_routes_ended(&v->base, intid);
	}
}

/**
 * axv_arm64_gic_has_event() - is an interrupt signalled to a halted vCPU?
 * @v:		vCPU with an interrupt controller, whose claim the caller holds
 *
 * If not, the vCPU is woken when its timer fires.
 *
 * Context: under &axv_vcpu.lock.
 */
bool axv_arm64_gic_has_event(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_gic *gic = &v->gic;
	bool line, full = axv_gic_take_sgis(gic);

	if (axv_gic_timer_enabled(gic)) {
		line = axv_arm64_timer_line(v);
		set_timer(v, line);
		if (!line)
			axv_arm64_timer_wait(v);
	}
	/* An SGI that finds no room may be more urgent than all interrupts in the queue. */
	return full || axv_gic_signals(gic, &v->ich, &axv_gic_host);
}

/**
 * axv_arm64_gic_dir() - do a write to ICC_DIR_EL1 that was trapped
 * @v:		vCPU with an interrupt controller, whose claim the caller holds
 * @value:	what was written
 *
 * It is trapped while an interrupt is active that no list register has.  It does nothing
 * if writes to ICC_EOIR1_EL1 deactivate interrupts (GIC, ICC_DIR_EL1).
 *
 * Context: process context.
 */
void axv_arm64_gic_dir(struct axv_arm64_vcpu *v, u64 value)
{
	if (!(v->ich.vmcr & VMCR_EOIM))
		return;
	raw_spin_lock_irq(&v->base.lock);
	axv_gic_deactivate(&v->gic, value & GENMASK(23, 0));
	raw_spin_unlock_irq(&v->base.lock);
}

/* ---- registers ------------------------------------------------------------------------ */

/*
 * Where a register of class GIC is kept that may have any value of 32 bits; NULL: it is
 * none.
 */
static u64 *plain(struct axv_arm64_vcpu *v, u64 index)
{
	unsigned int nr = axv_gic_host.nr_aprs;
	u64 n;

	n = index - AXV_ARM64_GIC_AP0R0;
	if (n < nr)
		return &v->ich.ap0r[array_index_nospec(n, AXV_GIC_MAX_APRS)];
	n = index - AXV_ARM64_GIC_AP1R0;
	if (n < nr)
		return &v->ich.ap1r[array_index_nospec(n, AXV_GIC_MAX_APRS)];
	return NULL;
}

/* The place in the queue that a register of class GIC shows; AXV_GIC_IRQS: it shows none. */
static unsigned int place_of(u64 index)
{
	u64 place = index - AXV_ARM64_GIC_IRQ0;

	return place < AXV_GIC_IRQS ? array_index_nospec(place, AXV_GIC_IRQS) : AXV_GIC_IRQS;
}

/**
 * axv_arm64_get_gic() - read a register of class GIC
 * @v:		vCPU whose claim the caller holds
 * @index:	an &enum axv_arm64_gic_reg
 * @value:	its value
 *
 * Return: 0 or -ENOENT.
 */
int axv_arm64_get_gic(struct axv_arm64_vcpu *v, u64 index, u64 *value)
{
	u64 *reg = plain(v, index);
	int err = 0;

	if (!axv_arm64_has_gic(v))
		return -ENOENT;
	raw_spin_lock_irq(&v->base.lock);
	if (reg)
		*value = *reg;
	else if (index == AXV_ARM64_GIC_VTIMER)
		*value = v->gic.vtimer;
	else if (index == AXV_ARM64_GIC_VMCR)
		*value = v->ich.vmcr;
	else if (place_of(index) < AXV_GIC_IRQS)
		*value = axv_gic_get_irq(&v->gic, place_of(index));
	else
		err = axv_arm64_get_sgi_reg(v, index, value);
	raw_spin_unlock_irq(&v->base.lock);
	return err;
}

static int set_reg(struct axv_arm64_vcpu *v, u64 index, u64 value)
{
	u64 *reg = plain(v, index);

	if (reg) {
		if (value >> 32)
			return -EINVAL;
		*reg = value;
		return 0;
	}
	if (index == AXV_ARM64_GIC_VTIMER) {
		v->gic.check_timer = true;
		return axv_gic_set_vtimer(&v->gic, value, &axv_gic_host);
	}
	if (index == AXV_ARM64_GIC_VMCR) {
		if (value & ~(u64)VMCR_BITS)
			return -EINVAL;
		v->ich.vmcr = value;
		return 0;
	}
	if (place_of(index) < AXV_GIC_IRQS) {
		v->gic.check_timer = true;
		v->gic.sgis.changed = axv_arm64_has_sgis(v);
		return axv_gic_set_irq(&v->gic, place_of(index), value, &axv_gic_host);
	}
	return axv_arm64_set_sgi_reg(v, index, value);
}

/**
 * axv_arm64_set_gic() - write a register of class GIC
 * @v:		vCPU whose claim the caller holds
 * @index:	an &enum axv_arm64_gic_reg
 * @value:	its new value
 *
 * Return: 0; -ENOENT; -EINVAL for a value it cannot have; -EAGAIN: no room.
 */
int axv_arm64_set_gic(struct axv_arm64_vcpu *v, u64 index, u64 value)
{
	int err;

	if (!axv_arm64_has_gic(v))
		return -ENOENT;
	raw_spin_lock_irq(&v->base.lock);
	err = set_reg(v, index, value);
	raw_spin_unlock_irq(&v->base.lock);
	return err;
}

/**
 * axv_arm64_gic_list() - the ids of a vCPU's registers of class GIC
 * @v:		vCPU
 * @ids:	room for all of them, or NULL to count them
 *
 * Return: how many there are.
 */
unsigned int axv_arm64_gic_list(const struct axv_arm64_vcpu *v, u64 *ids)
{
	unsigned int i, n = 0;
	u64 value;

	if (!axv_arm64_has_gic(v))
		return 0;
	for (i = 0; i < AXV_ARM64_GIC_REGS; i++) {
		if (i != AXV_ARM64_GIC_VTIMER && i != AXV_ARM64_GIC_VMCR &&
		    i < AXV_ARM64_GIC_IRQ0 && !plain((struct axv_arm64_vcpu *)v, i) &&
		    axv_arm64_get_sgi_reg(v, i, &value))
			continue;
		if (ids)
			ids[n] = AXV_REG_ARM64(GIC, i);
		n++;
	}
	return n;
}
