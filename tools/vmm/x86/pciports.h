/* SPDX-License-Identifier: GPL-2.0 */
/* PCI configuration access, mechanism 1. */
#ifndef AXVMM_PCIPORTS_H
#define AXVMM_PCIPORTS_H

#include "bus.h"
#include "pci.h"
#include "reset.h"

/**
 * struct pciports - the configuration ports; guarded by the machine's lock
 * @address:	port 0xcf8 as written
 * @pci:	root of the devices whose configuration space the ports access
 * @reset:	the device that has port 0xcf9
 */
struct pciports {
	u32 address;
	struct pci *pci;
	struct reset *reset;
};

/**
 * pciports_init() - put the configuration ports on the bus
 * @ports:	the ports
 * @bus:	the bus
 * @pci:	root of the devices whose configuration space the ports access
 * @reset:	the device that has port 0xcf9, a byte inside the address port
 *
 * Return: 0 or a negative errno.
 */
int pciports_init(struct pciports *ports, struct bus *bus, struct pci *pci,
		  struct reset *reset);

#endif /* AXVMM_PCIPORTS_H */
