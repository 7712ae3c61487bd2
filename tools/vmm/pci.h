/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI: the root, with one bus of devices, each with one function.
 *
 * All of it is guarded by the machine's lock.
 */
#ifndef AXVMM_PCI_H
#define AXVMM_PCI_H

#include "bus.h"

#define PCI_DEVICES	32
#define PCI_BARS	6
#define PCI_CONFIG	256	/* bytes of configuration space; ECAM's rest reads as zero */
#define PCI_ECAM_SIZE	0x100000u	/* one bus */

/**
 * struct pci_function_ops - what a device is told about its configuration space
 * @reads:	the guest is about to read registers; NULL: the device need not know
 * @written:	the guest has written registers, and the BARs have moved
 * @moved:	a BAR has been put on the bus at @at (@there), or taken from it; NULL: the
 *		device need not know
 */
struct pci_function_ops {
	void (*reads)(void *dev, unsigned int reg, unsigned int width);
	void (*written)(void *dev, unsigned int reg, unsigned int width);
	void (*moved)(void *dev, unsigned int bar, bool there, u64 at);
};

/**
 * struct pci_bar - addresses that the guest places
 * @ops:	how the device is accessed there
 * @size:	bytes, a power of two; 0: there is no such BAR
 * @port:	the addresses are I/O ports, not memory
 * @there:	the BAR is on the bus, at @at
 * @at:		first address
 */
struct pci_bar {
	const struct bus_ops *ops;
	u32 size;
	bool port;
	bool there;
	u64 at;
};

/**
 * struct pci_function - a device
 * @config:	its configuration space
 * @writable:	the bits of @config that the guest can write
 * @end:	offset of the first byte behind the capabilities
 * @last:	offset of the last capability; 0: there is none
 * @bars:	the device's BARs
 * @ops:	what the device is told; NULL: nothing
 * @dev:	what @ops and &pci_bar.ops are called with
 * @name:	for messages
 */
struct pci_function {
	u8 config[PCI_CONFIG];
	u8 writable[PCI_CONFIG];
	unsigned int end;
	unsigned int last;
	struct pci_bar bars[PCI_BARS];
	const struct pci_function_ops *ops;
	void *dev;
	const char *name;
};

/**
 * struct pci_window - addresses that BARs may have
 * @first:	the first one
 * @size:	how many
 */
struct pci_window {
	u64 first;
	u64 size;
};

/**
 * struct pci - the root
 * @memory:	the bus that memory BARs are put on
 * @ports:	the bus that I/O BARs are put on; NULL: there is none
 * @window:	the addresses that BARs may have: [false] of memory, [true] of ports
 * @next:	first free address of each window
 * @bridge:	device 0
 * @functions:	the devices; NULL: there is none
 */
struct pci {
	struct bus *memory;
	struct bus *ports;
	struct pci_window window[2];
	u64 next[2];
	struct pci_function bridge;
	struct pci_function *functions[PCI_DEVICES];
};

/**
 * pci_init() - initialize a root that has only its host bridge, and put ECAM on the bus
 * @pci:	the root
 * @memory:	the bus of memory
 * @ports:	the bus of I/O ports; NULL: there is none
 * @ecam:	first address of ECAM, PCI_ECAM_SIZE bytes; 0: there is no ECAM
 *
 * Return: 0 or a negative errno.
 */
int pci_init(struct pci *pci, struct bus *memory, struct bus *ports, u64 ecam);

/**
 * pci_set_window() - set where BARs may be; without a window they may be nowhere
 * @pci:	the root
 * @port:	I/O ports, not memory
 * @first:	first address
 * @size:	how many
 */
void pci_set_window(struct pci *pci, bool port, u64 first, u64 size);

/**
 * struct pci_id - the ids in a device's configuration space
 * @vendor:	vendor id
 * @device:	device id
 * @subsystem:	subsystem id; the subsystem's vendor is @vendor, too
 * @class:	class, subclass, interface and revision, as the register has them
 */
struct pci_id {
	u16 vendor;
	u16 device;
	u16 subsystem;
	u32 class;
};

/**
 * pci_function_init() - initialize a device, without BARs and capabilities
 * @f:		the device
 * @id:		its ids
 * @ops:	what the device is told; NULL: nothing
 * @dev:	what @ops and the operations of its BARs are called with
 * @name:	for messages
 */
void pci_function_init(struct pci_function *f, const struct pci_id *id,
		       const struct pci_function_ops *ops, void *dev, const char *name);

/**
 * pci_set_bar() - give a device a BAR, before pci_add()
 * @f:		the device
 * @nr:		its number
 * @port:	I/O ports, not memory of 32 bits
 * @size:	bytes, a power of two, at least 16
 * @ops:	how the device is accessed; offsets are from the BAR's start
 */
void pci_set_bar(struct pci_function *f, unsigned int nr, bool port, u32 size,
		 const struct bus_ops *ops);

/**
 * pci_add_capability() - add a capability to those of a device
 * @f:		the device
 * @body:	what follows its id and the link to the next one
 * @id:		its id
 * @size:	bytes of @body
 *
 * Return: offset of the capability.
 */
unsigned int pci_add_capability(struct pci_function *f, u8 id, const void *body,
				unsigned int size);

/**
 * pci_add() - put a device on the bus, its BARs in the windows, switched off
 * @pci:	the root
 * @f:		the device, which has all BARs and capabilities
 *
 * Context: before the guest starts.
 * Return: 0, -ENOSPC if the bus or a window is full.
 */
int pci_add(struct pci *pci, struct pci_function *f);

/**
 * pci_config_read() - do the guest's read of configuration space
 * @pci:	the root
 * @devfn:	device, in bits 7:3, and function of bus 0
 * @reg:	the register
 * @width:	1, 2 or 4 bytes
 *
 * Context: with the machine's lock held.
 * Return: the value; ones where there is no device.
 */
u32 pci_config_read(struct pci *pci, unsigned int devfn, unsigned int reg,
		    unsigned int width);

/** pci_config_write() - do the guest's write; the parameters are those of pci_config_read() */
void pci_config_write(struct pci *pci, unsigned int devfn, unsigned int reg,
		      unsigned int width, u32 value);

/* Read or write a number in configuration space, which is little endian. */
u32 pci_get(const struct pci_function *f, unsigned int reg, unsigned int width);
void pci_put(struct pci_function *f, unsigned int reg, unsigned int width, u32 value);

/** pci_master() - whether a device may access memory, and write messages */
bool pci_master(const struct pci_function *f);

#endif /* AXVMM_PCI_H */
