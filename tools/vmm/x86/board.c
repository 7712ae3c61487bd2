// SPDX-License-Identifier: GPL-2.0
/* The board of a PC: its devices, and how they are wired. */
#include <errno.h>

#include "board.h"
#include "log.h"
#include "map.h"
#include "msr.h"

#define PIT_PIN		0
#define UART_PIN	4
#define UART_PORT	0x3f8
#define RTC_PIN		8

/* Without local APICs the guest can have only one CPU, and only the 8259 pair. */
int board_irqchip(struct machine *m, const struct machine_config *config, __u32 *irqchip)
{
	struct board *b = &m->board;
	__u64 offered;
	int err;

	err = axv_query(m->host, AXV_QUERY_IRQCHIPS, &offered);
	if (err) {
		log_error("%s", axv_error());
		return err;
	}
	if (offered >> AXV_IRQCHIP_LAPIC & 1) {
		b->apics = config->cpus;
		*irqchip = AXV_IRQCHIP_LAPIC;
		return 0;
	}
	if (config->cpus > 1) {
		log_error("--cpus %u: this kernel module has no local APIC; load a newer one",
			  config->cpus);
		return -EOPNOTSUPP;
	}
	*irqchip = AXV_IRQCHIP_NONE;
	return 0;
}

void board_memory(struct memory *mem, const struct machine_config *config)
{
	map_memory(mem, config->memory);
}

/* ---- interrupts --------------------------------------------------------- */

/*
 * The 8259's wire to the boot processor (LINT0 of its local APIC) has changed.  Called with
 * the machine's lock held.
 */
static void interrupt(void *arg, bool level)
{
	struct machine *m = arg;

	/*
	 * The vCPU's thread need not know that the wire falls: it looks at the wire before it
	 * acknowledges.
	 */
	if (level)
		vcpu_notify(&m->vcpus[0]);
}

/* Called with the I/O APIC's lock held, which therefore guards the message's log_limit. */
static bool send_message(void *arg, u64 address, u32 data)
{
	struct machine *m = arg;
	int err = axv_vm_inject_msi(m->vm, address, data);

	if (err)
		log_guest("an interrupt message to %#llx, data %#x: %s", address, data,
			  axv_error());
	return !err;
}

/*
 * A device's wire leads to both controllers, of which software uses one.  IRQ n leads to
 * input n, except that the timer's leads to input IOAPIC_PIT_PIN of the I/O APIC.
 */
static struct irq_line ioapic_irq(struct board *b, unsigned int irq)
{
	return ioapic_line(&b->ioapic, irq == PIT_PIN ? IOAPIC_PIT_PIN : irq);
}

static void isa_set(void *board, unsigned int irq, bool level)
{
	struct board *b = board;
	struct irq_line line = pic_line(&b->pics, irq);

	irq_set(&line, level);
	if (!b->apics)
		return;
	line = ioapic_irq(b, irq);
	irq_set(&line, level);
}

static void isa_pulse(void *board, unsigned int irq)
{
	struct board *b = board;
	struct irq_line line = pic_line(&b->pics, irq);

	irq_pulse(&line);
	if (!b->apics)
		return;
	line = ioapic_irq(b, irq);
	irq_pulse(&line);
}

static struct irq_line isa_line(struct board *b, unsigned int irq)
{
	return (struct irq_line){
		.set = isa_set, .pulse = isa_pulse, .chip = b, .pin = irq,
	};
}

/* ---- messages of PCI devices: with the machine's lock -------------------- */

static void msi_set(void *arg, u32 gsi, const struct msi_message *message, bool masked)
{
	const struct route_ops *routes = arg;
	const struct axv_route route = {
		.gsi = gsi,
		.flags = masked ? AXV_ROUTE_MASKED : 0,
		.data = message->data,
		.address = message->address,
	};

	routes->set(routes->arg, &route);
}

static void msi_remove(void *arg, u32 gsi)
{
	const struct axv_route route = { .gsi = gsi, .flags = AXV_ROUTE_REMOVE };
	const struct route_ops *routes = arg;

	routes->set(routes->arg, &route);
}

static bool msi_pending(void *arg, u32 gsi)
{
	const struct route_ops *routes = arg;

	return routes->pending(routes->arg, gsi);
}

static void msi_fire(void *arg, u32 gsi)
{
	const struct route_ops *routes = arg;

	routes->fire(routes->arg, gsi);
}

/* Without local APICs no CPU takes messages, and the ACPI tables have no PCI. */
struct pci *board_pci(struct machine *m, const struct msi_ops **msi)
{
	struct board *b = &m->board;

	b->routes = routes_of(m->vm);
	b->msi = (struct msi_ops){
		.set = msi_set,
		.remove = msi_remove,
		.pending = msi_pending,
		.fire = msi_fire,
		.arg = &b->routes,
	};
	*msi = &b->msi;
	return b->apics ? &b->pci : NULL;
}

static int create_pci(struct machine *m)
{
	struct board *b = &m->board;
	int err = pci_init(&b->pci, &m->bus, &b->ports, b->apics ? MAP_ECAM : 0);

	pci_set_window(&b->pci, false, MAP_PCI_MEMORY, MAP_PCI_SIZE);
	pci_set_window(&b->pci, true, MAP_PCI_PORTS, MAP_PCI_PORTS_SIZE);
	return err;
}

/* ---- the board ---------------------------------------------------------- */

static void power_requested(void *arg, enum power_request request)
{
	if (request == POWER_PANIC)
		machine_panicked(arg);
	else
		machine_stop(arg, request == POWER_OFF ? MACHINE_OFF : MACHINE_RESET);
}

int board_create(struct machine *m, const struct machine_config *config)
{
	const struct serial_backend backend = console_backend(&m->console);
	struct board *b = &m->board;
	struct bus *bus = &b->ports;
	struct serial_port port = uart_serial(&b->uart);
	struct loop *loop = &m->loop;
	int err;

	(void)config;
	b->power = (struct power_switch){ .request = power_requested, .arg = m };
	bus_init(bus, "port");
	err = pic_init(&b->pics, bus, interrupt, m);
	if (!err && b->apics)
		err = ioapic_init(&b->ioapic, &m->bus, IOAPIC_ADDRESS, send_message, m);
	if (!err)
		err = pit_init(&b->pit, bus, loop, isa_line(b, PIT_PIN));
	if (!err)
		err = pit_init_port61(&b->pit, bus);
	if (!err)
		pic_watch_timer(&b->pics, &pit_pic_ops, &b->pit);
	if (!err)
		err = rtc_init(&b->rtc, bus, loop, isa_line(b, RTC_PIN),
			       map_low_end(&m->mem), map_high_size(&m->mem));
	if (!err)
		err = pm_init(&b->pm, bus, loop, isa_line(b, PM_SCI_PIN), b->power);
	if (!err)
		err = reset_init(&b->reset, bus, b->power);
	if (!err)
		err = pvpanic_init(&b->power, bus);
	if (!err)
		err = create_pci(m);
	if (!err)
		err = pciports_init(&b->pciports, bus, &b->pci, &b->reset);
	if (!err)
		err = uart_init(&b->uart, bus, UART_PORT,
				isa_line(b, UART_PIN), &backend);
	if (!err)
		err = console_init(&m->console, loop, &port, machine_quit, m);
	if (!err)
		err = msr_setup(m->vm);
	return err;
}

int board_load(struct machine *m, const struct machine_config *config)
{
	unsigned int i;
	__u64 khz;
	int err;

	err = axv_query(m->host, AXV_QUERY_COUNTER_KHZ, &khz);
	if (err) {
		log_error("%s", axv_error());
		return err;
	}
	err = linux_load(&m->mem, &config->boot, khz, m->board.apics,
			 &m->board.entry);
	/* All vCPUs but the first wait, in the kernel module, for INIT and SIPI. */
	for (i = 0; !err && i < config->cpus; i++)
		vcpu_switch_on(&m->vcpus[i], m->board.entry.ip, 0);
	return err;
}

bool board_press_button(struct machine *m)
{
	return pm_press_button(&m->board.pm);
}
