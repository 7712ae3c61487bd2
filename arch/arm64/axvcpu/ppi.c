// SPDX-License-Identifier: GPL-2.0
/*
 * Two interrupts of the host make a guest exit: the maintenance interrupt of the virtual
 * CPU interface, and that of the virtual timer.  Their handlers do nothing.  It is enough
 * that the interrupts are enabled: the guest exits, and its state tells what is to be
 * done.  With KVM in the kernel, KVM has requested both, and its handlers ignore an
 * interrupt that is for none of its own vCPUs.  KVM disables them on all CPUs when its
 * last VM goes, if it switches itself on and off with VMs (6.12 with
 * kvm.enable_virt_at_load=0): so each load checks that they are enabled.  Without KVM
 * this file requests them.
 *
 * The output of a guest's timer stays high until the guest writes to the timer.
 * Meanwhile its interrupt is held active in the host's GIC; otherwise each entry would
 * end with it at once.  Where the VMM has the interrupt controller, the interrupt is held
 * until the VMM has seen the output low again.
 */
#include <linux/acpi.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/stddef.h>

#include "arm64.h"
#include "ppi.h"

struct axv_arm64_ppi axv_arm64_ppis[AXV_ARM64_PPIS] = {
	[AXV_ARM64_PPI_TIMER] = { .name = "axvcpu timer" },
	[AXV_ARM64_PPI_MAINTENANCE] = { .name = "axvcpu GIC maintenance" },
};

#define timer		axv_arm64_ppis[AXV_ARM64_PPI_TIMER]
#define maintenance	axv_arm64_ppis[AXV_ARM64_PPI_MAINTENANCE]

/**
 * struct hold - the timer's interrupt in the GIC of this CPU
 * @active:	this file has left it active
 * @thread:	the thread that ran then.  If another thread has run on the CPU since, it
 *		may have been a vCPU of KVM's, which changes the interrupt
 * @switches:	how often @thread had been switched out by then
 */
struct hold {
	bool active;
	struct task_struct *thread;
	unsigned long switches;
};

static DEFINE_PER_CPU(struct hold, hold);

/* The device id that request_percpu_irq() needs */
static DEFINE_PER_CPU(int, cookie);

/* ---- finding them ---------------------------------------------------------------- */

static const struct of_device_id timer_ids[] __initconst = {
	{ .compatible = "arm,armv8-timer" },
	{ .compatible = "arm,armv7-timer" },
	{ }
};

/* Without names the timer's interrupts are: secure, non-secure, virtual, hypervisor. */
#define TIMER_VIRTUAL	2

static void __init find_by_tree(void)
{
	struct device_node *node = of_find_matching_node(NULL, timer_ids);
	int place, irq;

	if (node) {
		place = of_property_match_string(node, "interrupt-names", "virt");
		irq = of_irq_get(node, place < 0 ? TIMER_VIRTUAL : place);
		timer.irq = irq > 0 ? irq : 0;
		of_node_put(node);
	}
	node = of_find_compatible_node(NULL, NULL, "arm,gic-v3");
	if (node) {
		irq = of_irq_get(node, 0);
		maintenance.irq = irq > 0 ? irq : 0;
		of_node_put(node);
	}
}

#ifdef CONFIG_ACPI
static unsigned int __init gsi(u32 intid, bool edge, bool low)
{
	int irq = acpi_register_gsi(NULL, intid,
				    edge ? ACPI_EDGE_SENSITIVE : ACPI_LEVEL_SENSITIVE,
				    low ? ACPI_ACTIVE_LOW : ACPI_ACTIVE_HIGH);

	return irq > 0 ? irq : 0;
}

static void __init find_timer_by_acpi(void)
{
	struct acpi_table_header *table;
	struct acpi_table_gtdt *gtdt;
	u32 flags;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_GTDT, 0, &table)))
		return;
	gtdt = container_of(table, struct acpi_table_gtdt, header);
	flags = gtdt->virtual_timer_flags;
	if (gtdt->virtual_timer_interrupt)
		timer.irq = gsi(gtdt->virtual_timer_interrupt,
				flags & ACPI_GTDT_INTERRUPT_MODE,
				flags & ACPI_GTDT_INTERRUPT_POLARITY);
	acpi_put_table(table);
}

/*
 * The interrupt is known if the entries of all CPUs that are in use name the same one: one
 * Linux interrupt stands for it on all CPUs (ACPI 6.5, 5.2.12.14, GICC).
 */
static void __init find_maintenance_by_acpi(void)
{
	struct acpi_madt_generic_interrupt *cpu;
	struct acpi_subtable_header *entry;
	struct acpi_table_header *table;
	u32 intid = 0, mode = 0;
	bool found = false;
	void *end;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 0, &table)))
		return;
	end = (void *)table + table->length;
	for (entry = (void *)table + sizeof(struct acpi_table_madt);
	     (void *)(entry + 1) <= end && entry->length >= sizeof(*entry) &&
	     (void *)entry + entry->length <= end;
	     entry = (void *)entry + entry->length) {
		if (entry->type != ACPI_MADT_TYPE_GENERIC_INTERRUPT ||
		    entry->length < offsetofend(typeof(*cpu), vgic_interrupt))
			continue;
		cpu = container_of(entry, struct acpi_madt_generic_interrupt, header);
		if (!(cpu->flags & ACPI_MADT_ENABLED))
			continue;
		if (found && (cpu->vgic_interrupt != intid ||
			      (cpu->flags & ACPI_MADT_VGIC_IRQ_MODE) != mode)) {
			intid = 0;
			break;
		}
		found = true;
		intid = cpu->vgic_interrupt;
		mode = cpu->flags & ACPI_MADT_VGIC_IRQ_MODE;
	}
	acpi_put_table(table);
	if (intid)
		maintenance.irq = gsi(intid, mode, false);
}

static void __init find_by_acpi(void)
{
	find_timer_by_acpi();
	find_maintenance_by_acpi();
}
#else
static void __init find_by_acpi(void)
{
}
#endif

static void __init describe(struct axv_arm64_ppi *ppi)
{
	struct irq_data *data = irq_get_irq_data(ppi->irq);

	ppi->enabled = cpu_possible_mask;
	if (data && irq_data_to_desc(data)->percpu_enabled) {
		ppi->desc = irq_data_to_desc(data);
		ppi->enabled = ppi->desc->percpu_enabled;
	} else {
		ppi->irq = 0;
	}
}

/**
 * axv_arm64_ppi_init() - find out which interrupts the two are
 *
 * Context: module load.
 * Return: the physical INTID of the virtual timer, or 0 if one of the two is not known.
 */
u32 __init axv_arm64_ppi_init(void)
{
	if (acpi_disabled)
		find_by_tree();
	else
		find_by_acpi();
	describe(&timer);
	describe(&maintenance);
	return timer.irq && maintenance.irq ?
	       irqd_to_hwirq(irq_desc_get_irq_data(timer.desc)) : 0;
}

/* ---- requesting and enabling them -------------------------------------------------- */

static irqreturn_t handler(int irq, void *dev_id)
{
	return IRQ_HANDLED;
}

/**
 * axv_arm64_ppi_prepare() - request those that KVM has not requested
 *
 * Context: may sleep.
 * Return: 0 or a negative error.
 */
int axv_arm64_ppi_prepare(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(axv_arm64_ppis); i++) {
		struct axv_arm64_ppi *ppi = &axv_arm64_ppis[i];

		if (!ppi->irq || irq_has_action(ppi->irq))
			continue;
		err = request_percpu_irq(ppi->irq, handler, ppi->name, &cookie);
		if (err) {
			axv_arm64_ppi_unprepare();
			return err;
		}
		ppi->ours = true;
	}
	return 0;
}

/**
 * axv_arm64_ppi_unprepare() - free those that were requested
 *
 * Context: may sleep.
 */
void axv_arm64_ppi_unprepare(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(axv_arm64_ppis); i++) {
		if (axv_arm64_ppis[i].ours)
			free_percpu_irq(axv_arm64_ppis[i].irq, &cookie);
		axv_arm64_ppis[i].ours = false;
	}
}

static void enable(const struct axv_arm64_ppi *ppi)
{
	if (ppi->irq)
		enable_percpu_irq(ppi->irq, IRQ_TYPE_NONE);
}

/** axv_arm64_ppi_enable() - enable both on this CPU; interrupts are off */
void axv_arm64_ppi_enable(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(axv_arm64_ppis); i++)
		enable(&axv_arm64_ppis[i]);
}

/**
 * axv_arm64_ppi_enable_cpu() - begin to use both interrupts on this CPU
 *
 * KVM may have disabled them, since it has no VM.
 *
 * Both are enabled without a look at what the kernel has recorded.  The state of the GIC
 * is lost when a CPU goes offline (gic_cpu_init() disables all when it comes back), but
 * those of KVM's that were enabled here, while KVM had no VM, are still recorded as
 * enabled.  Otherwise nothing but the host's tick would interrupt guests on that CPU.
 *
 * Context: interrupts off.
 */
void axv_arm64_ppi_enable_cpu(void)
{
	axv_arm64_ppi_enable();
	/* It may still be active, from its last use here or by other code. */
	if (timer.ours)
		irq_set_irqchip_state(timer.irq, IRQCHIP_STATE_ACTIVE, false);
	*this_cpu_ptr(&hold) = (struct hold){ .active = false };
}

/**
 * axv_arm64_ppi_disable_cpu() - stop using both interrupts on this CPU
 *
 * Those that KVM has requested stay enabled: KVM may need them by now.
 *
 * Context: interrupts off.
 */
void axv_arm64_ppi_disable_cpu(void)
{
	unsigned int i;

	/* An interrupt that stays active is never signalled to its next user. */
	if (timer.ours)
		axv_arm64_ppi_hold(false);
	for (i = 0; i < ARRAY_SIZE(axv_arm64_ppis); i++)
		if (axv_arm64_ppis[i].ours)
			disable_percpu_irq(axv_arm64_ppis[i].irq);
}

/* ---- the timer's interrupt, while it is asserted ----------------------------------- */

/**
 * axv_arm64_ppi_hold() - make the timer's interrupt active or inactive in the host's GIC
 * @active:	active: it does not interrupt the guest
 *
 * Does nothing if it is so already, and no vCPU of KVM's can have changed it since.
 *
 * Context: interrupts off.
 */
void axv_arm64_ppi_hold(bool active)
{
	struct hold *h = this_cpu_ptr(&hold);
	unsigned long switches = current->nvcsw + current->nivcsw;

	if (likely(h->active == active &&
		   (timer.ours || (h->thread == current && h->switches == switches))))
		return;
	if (timer.irq)
		irq_set_irqchip_state(timer.irq, IRQCHIP_STATE_ACTIVE, active);
	h->active = active;
	h->thread = current;
	h->switches = switches;
}

/**
 * axv_arm64_ppi_released() - note that the timer's interrupt is not active any more
 *
 * The guest has deactivated it together with a list register, or has exited because of
 * it.
 *
 * Context: interrupts off.
 */
void axv_arm64_ppi_released(void)
{
	this_cpu_ptr(&hold)->active = false;
}
