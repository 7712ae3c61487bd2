// SPDX-License-Identifier: GPL-2.0
/*
 * PCI configuration access, mechanism 1 (PCI Local Bus Specification 3.0,
 * section 3.2.2.3.2), to a bus without devices: the address register works, so
 * that software finds the mechanism, and all of the data reads as ones.
 */
#include "pci.h"

#define ADDRESS_PORT	0xcf8
#define DATA_PORT	0xcfc

#define ADDRESS_KEPT	0x80fffffc

/*
 * Only an access of four bytes is one to the address register.  A byte at
 * port 0xcf9 is the reset control register.
 */
#define RESET_OFFSET	(RESET_PORT - ADDRESS_PORT)

static u32 address_read(void *dev, u32 offset, unsigned int width)
{
	struct pci *pci = dev;

	if (width == 4)
		return pci->address;
	return offset == RESET_OFFSET ? reset_control_read(pci->reset) : 0xff;
}

static void address_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pci *pci = dev;

	if (width == 4)
		pci->address = value & ADDRESS_KEPT;
	else if (offset == RESET_OFFSET)
		reset_control_write(pci->reset, value);
}

static u32 data_read(void *dev, u32 offset, unsigned int width)
{
	(void)dev;
	(void)offset;
	(void)width;
	return 0xffffffff;
}

static void data_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	(void)dev;
	(void)offset;
	(void)width;
	(void)value;
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

int pci_init(struct pci *pci, struct bus *bus, struct reset *reset)
{
	const struct bus_range address = {
		ADDRESS_PORT, 4, &address_ops, pci, "PCI address",
	};
	const struct bus_range data = {
		DATA_PORT, 4, &data_ops, pci, "PCI data",
	};
	int err;

	pci->address = 0;
	pci->reset = reset;
	err = bus_add(bus, &address);
	if (err)
		return err;
	return bus_add(bus, &data);
}
