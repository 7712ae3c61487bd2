// SPDX-License-Identifier: GPL-2.0
/*
 * PCI configuration access, mechanism 1 (PCI Local Bus Specification 3.0,
 * section 3.2.2.3.2), to a bus with nothing but a host bridge: without one, Linux
 * takes the mechanism for broken, and says so.
 */
#include "pci.h"

#define ADDRESS_PORT	0xcf8
#define DATA_PORT	0xcfc

#define ADDRESS_KEPT	0x80fffffc
#define ADDRESS_ENABLE	0x80000000
#define ADDRESS_FUNCTION 0x00ffff00
#define ADDRESS_REGISTER 0x000000fc

/*
 * The host bridge, function 0 of device 0 of bus 0: no registers but those that say
 * what it is.  These are the numbers of a bridge for virtual machines, of which no
 * driver expects more.
 */
#define BRIDGE_ID	0x00081b36	/* device, vendor: Red Hat */
#define BRIDGE_CLASS	0x06000000	/* host bridge, revision 0 */
#define REG_ID		0x00
#define REG_CLASS	0x08

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

static u32 config_read(u32 address)
{
	if (!(address & ADDRESS_ENABLE) || (address & ADDRESS_FUNCTION))
		return 0xffffffff;
	switch (address & ADDRESS_REGISTER) {
	case REG_ID:
		return BRIDGE_ID;
	case REG_CLASS:
		return BRIDGE_CLASS;
	default:
		return 0;
	}
}

static u32 data_read(void *dev, u32 offset, unsigned int width)
{
	const struct pci *pci = dev;

	(void)width;
	return config_read(pci->address) >> 8 * offset;
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
