// SPDX-License-Identifier: GPL-2.0
/*
 * PCI configuration access, mechanism 1 (PCI Local Bus Specification 3.0,
 * section 3.2.2.3.2).
 */
#include "pciports.h"

#define ADDRESS_PORT	0xcf8
#define DATA_PORT	0xcfc

#define ADDRESS_KEPT	0x80fffffc
#define ADDRESS_ENABLE	0x80000000
#define ADDRESS_BUS	0x00ff0000
#define ADDRESS_DEVFN	0x0000ff00
#define ADDRESS_REGISTER 0x000000fc

/*
 * Only an access of four bytes accesses the address register.  A byte at
 * port 0xcf9 is the reset control register.
 */
#define RESET_OFFSET	(RESET_PORT - ADDRESS_PORT)

static u32 address_read(void *dev, u32 offset, unsigned int width)
{
	struct pciports *ports = dev;

	if (width == 4)
		return ports->address;
	return offset == RESET_OFFSET ? reset_control_read(ports->reset) : 0xff;
}

static void address_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pciports *ports = dev;

	if (width == 4)
		ports->address = value & ADDRESS_KEPT;
	else if (offset == RESET_OFFSET)
		reset_control_write(ports->reset, value);
}

/* Whether the address register selects a device of bus 0. */
static bool selected(const struct pciports *ports)
{
	return (ports->address & ADDRESS_ENABLE) && !(ports->address & ADDRESS_BUS);
}

static unsigned int devfn(const struct pciports *ports)
{
	return (ports->address & ADDRESS_DEVFN) >> 8;
}

static u32 data_read(void *dev, u32 offset, unsigned int width)
{
	struct pciports *ports = dev;

	if (!selected(ports))
		return 0xffffffff;
	return pci_config_read(ports->pci, devfn(ports),
			       (ports->address & ADDRESS_REGISTER) + offset, width);
}

static void data_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pciports *ports = dev;

	if (selected(ports))
		pci_config_write(ports->pci, devfn(ports),
				 (ports->address & ADDRESS_REGISTER) + offset, width, value);
}

static const struct bus_ops address_ops = {
	.read = address_read,
	.write = address_write,
	.widths = 1 | 4,
};

static const struct bus_ops data_ops = {
	.read = data_read,
	.write = data_write,
	.widths = 1 | 2 | 4,
};

int pciports_init(struct pciports *ports, struct bus *bus, struct pci *pci,
		  struct reset *reset)
{
	const struct bus_range address = {
		ADDRESS_PORT, 4, &address_ops, ports, "PCI address",
	};
	const struct bus_range data = {
		DATA_PORT, 4, &data_ops, ports, "PCI data",
	};
	int err;

	ports->address = 0;
	ports->pci = pci;
	ports->reset = reset;
	err = bus_add(bus, &address);
	if (err)
		return err;
	return bus_add(bus, &data);
}
