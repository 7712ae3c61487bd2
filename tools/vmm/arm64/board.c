// SPDX-License-Identifier: GPL-2.0
/* The board: its devices, how they are wired, and what it boots. */
#include <errno.h>
#include <string.h>

#include "board.h"
#include "cpu.h"
#include "devicetree.h"
#include "linux.h"
#include "log.h"
#include "map.h"

/* How long the power button is held; a shorter time could be taken for a bounce. */
#define BUTTON_NSEC	(NSEC_PER_SEC / 5)

int board_irqchip(struct machine *m, const struct machine_config *config, __u32 *irqchip)
{
	(void)m;
	(void)config;
	*irqchip = AXV_IRQCHIP_GICV3;
	return 0;
}

void board_memory(struct memory *mem, const struct machine_config *config)
{
	if (config->boot.firmware)
		memory_add(mem, MAP_FLASH, MAP_FLASH + MAP_FLASH_SIZE,
			   AXV_REGION_READONLY);
	memory_add(mem, MAP_RAM, MAP_RAM + config->memory, 0);
}

bool board_press_button(struct machine *m)
{
	struct board *b = &m->board;

	pl061_set(&b->gpio, MAP_POWER_BUTTON, true);
	timer_set(&b->button, clock_now() + BUTTON_NSEC);
	return pl061_watched(&b->gpio, MAP_POWER_BUTTON);
}

static void button_up(void *arg)
{
	struct board *b = arg;

	pl061_set(&b->gpio, MAP_POWER_BUTTON, false);
}

_Static_assert(INJECT_CPUS == ARCH_CPUS_MAX, "the injector knows all vCPUs");
_Static_assert(MACHINE_DEVICES * MSIX_VECTORS <= GICV2M_VECTORS, "the frame knows all vectors");
_Static_assert(GICV2M_VECTORS <= INJECT_GSI, "devices and the injector have different routes");

/* The root of PCI, which has no I/O ports, and the frame that its devices' messages go to. */
static int create_pci(struct machine *m)
{
	const struct route_ops routes = routes_of(m->vm);
	struct board *b = &m->board;
	int err = gicv2m_init(&b->v2m, &m->bus, MAP_GICV2M, &b->gic, &routes);

	if (!err)
		err = pci_init(&b->pci, &m->bus, NULL, MAP_ECAM);
	pci_set_window(&b->pci, false, MAP_PCI_MEMORY, MAP_PCI_SIZE);
	return err;
}

int board_create(struct machine *m, const struct machine_config *config)
{
	const struct serial_backend backend = console_backend(&m->console);
	const struct gic_cpu_ops ops = cpu_gic_ops(m);
	struct board *b = &m->board;
	struct serial_port port = pl011_serial(&b->uart);
	unsigned int i;
	int err;

	for (i = 0; i < config->cpus; i++)
		b->mpidrs[i] = board_hw_id(i);
	err = gic_init(&b->gic, &m->bus, MAP_GICD, MAP_GICR, b->mpidrs,
		       config->cpus, &ops);
	if (!err)
		err = pl011_init(&b->uart, &m->bus, MAP_UART,
				 gic_spi(&b->gic, MAP_UART_SPI), &backend);
	if (!err)
		err = pl031_init(&b->rtc, &m->bus, MAP_RTC, &m->loop,
				 gic_spi(&b->gic, MAP_RTC_SPI));
	if (!err)
		err = pl061_init(&b->gpio, &m->bus, MAP_GPIO,
				 gic_spi(&b->gic, MAP_GPIO_SPI));
	if (!err)
		err = create_pci(m);
	if (!err)
		err = timer_init(&b->button, &m->loop, button_up, b);
	if (!err)
		err = console_init(&m->console, &m->loop, &port, machine_quit, m);
	/* A boot loader in the firmware polls the port without enabling its interrupt. */
	b->uart.polled = config->boot.firmware;
	return err;
}

struct pci *board_pci(struct machine *m, const struct msi_ops **msi)
{
	struct board *b = &m->board;

	b->msi = gicv2m_msi(&b->v2m);
	*msi = &b->msi;
	return &b->pci;
}

/* A kernel gets the device tree's address in x0; a firmware knows where it is. */
int board_load(struct machine *m, const struct machine_config *config)
{
	const struct boot_config *boot = &config->boot;
	struct linux_image image = { .entry = MAP_FLASH };
	struct devicetree_config fdt;
	int err;

	if (boot->firmware)
		err = firmware_load(&m->mem, boot->firmware);
	else
		err = linux_load(&m->mem, boot, &image);
	if (err)
		return err;
	fdt = (struct devicetree_config){
		.memory = config->memory,
		.mpidrs = m->board.mpidrs,
		.nr_cpus = config->cpus,
		.append = boot->firmware ? NULL : boot->append,
		.initrd = image.initrd,
		.initrd_size = image.initrd_size,
	};
	err = devicetree_build(&fdt, memory_at(&m->mem, MAP_FDT, MAP_FDT_SIZE), MAP_FDT_SIZE);
	if (!err)
		vcpu_switch_on(&m->vcpus[0], image.entry, MAP_FDT);
	return err;
}
