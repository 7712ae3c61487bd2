/* SPDX-License-Identifier: GPL-2.0 */
/* PCI configuration access, mechanism 1, to a bus with nothing but a host bridge. */
#ifndef AXVMM_PCI_H
#define AXVMM_PCI_H

#include "bus.h"
#include "reset.h"

/**
 * struct pci - the configuration ports; guarded by the machine's lock
 * @address:	port 0xcf8 as written
 * @reset:	who has port 0xcf9
 */
struct pci {
	u32 address;
	struct reset *reset;
};

/**
 * pci_init() - put the configuration ports on the bus
 * @pci:	the ports
 * @bus:	the bus
 * @reset:	who has port 0xcf9, a byte inside of the address port
 *
 * Return: 0 or a negative errno.
 */
int pci_init(struct pci *pci, struct bus *bus, struct reset *reset);

#endif /* AXVMM_PCI_H */
