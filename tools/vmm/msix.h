/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MSI-X of a PCI device.  Each vector is a route (GSI) of the VM, by which a device's back end
 * interrupts the guest without axvmm.  While a vector is masked, so is its route, and the
 * kernel module remembers an interrupt that comes meanwhile.
 */
#ifndef AXVMM_MSIX_H
#define AXVMM_MSIX_H

#include "pci.h"

#define MSIX_VECTORS	32
#define MSIX_ENTRY_SIZE	16

/* Bytes that the table and the pending bits need in a BAR. */
#define MSIX_TABLE_SIZE	(MSIX_VECTORS * MSIX_ENTRY_SIZE)
#define MSIX_PBA_SIZE	8

/**
 * struct msi_message - what a device writes to interrupt a CPU
 * @address:	address of the write
 * @data:	what is written
 */
struct msi_message {
	u64 address;
	u32 data;
};

/**
 * struct msi_ops - how the board makes and uses routes
 * @set:	make an interrupt of @gsi send @message from now on; @masked: remember the
 *		interrupt instead
 * @remove:	make interrupts of @gsi get lost, and forget one that was remembered
 * @pending:	whether an interrupt of @gsi is remembered
 * @fire:	interrupt by @gsi
 * @arg:	for all of them
 *
 * Context: with the machine's lock held.
 */
struct msi_ops {
	void (*set)(void *arg, u32 gsi, const struct msi_message *message, bool masked);
	void (*remove)(void *arg, u32 gsi);
	bool (*pending)(void *arg, u32 gsi);
	void (*fire)(void *arg, u32 gsi);
	void *arg;
};

/**
 * struct msix - MSI-X of a device
 * @f:		the device
 * @capability:	offset of the MSI-X capability in configuration space
 * @ops:	makes routes
 * @gsi:	the route of vector 0; vector n has route @gsi + n
 * @nr:		vectors
 * @enabled:	the guest has enabled MSI-X
 * @masked:	all vectors are masked: the guest says so, or the device is no bus master
 * @table:	four words each: address, its upper half, data, control
 */
struct msix {
	struct pci_function *f;
	unsigned int capability;
	const struct msi_ops *ops;
	u32 gsi;
	unsigned int nr;
	bool enabled;
	bool masked;
	u32 table[MSIX_VECTORS][4];
};

/**
 * msix_init() - initialize MSI-X, and add its capability to the device
 * @msix:	MSI-X
 * @f:		the device
 * @ops:	makes routes
 * @gsi:	the route of the first vector
 * @nr:		vectors, at most MSIX_VECTORS
 * @bar:	number of the BAR that has the table and the pending bits
 * @table:	offset of the table in the BAR, a multiple of 8
 * @pba:	offset of the pending bits in the BAR, a multiple of 8
 */
void msix_init(struct msix *msix, struct pci_function *f, const struct msi_ops *ops,
	       u32 gsi, unsigned int nr, unsigned int bar, u32 table, u32 pba);

/** msix_written() - to be called after the guest has written configuration space */
void msix_written(struct msix *msix, unsigned int reg, unsigned int width);

/*
 * Accesses of the table and of the pending bits.  All registers are of 4 bytes; a write of
 * another width, or not aligned, is lost.
 */
u32 msix_read_table(const struct msix *msix, u32 offset);
void msix_write_table(struct msix *msix, u32 offset, unsigned int width, u32 value);
u32 msix_read_pba(const struct msix *msix, u32 offset);

/** msix_fire() - interrupt by a vector; does nothing if there is no such vector */
void msix_fire(const struct msix *msix, unsigned int vector);

#endif /* AXVMM_MSIX_H */
