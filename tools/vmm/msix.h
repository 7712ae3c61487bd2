/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MSI-X of a PCI device: its vectors are routes of the VM, which devices use without
 * axvmm.  A vector that is masked masks its route, which keeps what comes meanwhile.
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
 * @address:	where
 * @data:	what
 */
struct msi_message {
	u64 address;
	u32 data;
};

/**
 * struct msi_ops - routes, as the board makes them
 * @set:	what comes to @gsi is @message from now on; @masked: it is kept instead
 * @remove:	nothing is delivered, and nothing kept
 * @pending:	whether something is kept
 * @fire:	an event comes
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
 * struct msix - MSI-X
 * @f:		the device
 * @capability:	where its capability is
 * @ops:	makes routes
 * @gsi:	the route of vector 0; those of the others follow
 * @nr:		vectors
 * @enabled:	the guest has switched it on
 * @masked:	all vectors are masked, since the guest says so or the device is no bus master
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
 * msix_init() - add the capability
 * @msix:	MSI-X
 * @f:		the device
 * @ops:	makes routes
 * @gsi:	the route of the first vector
 * @nr:		vectors, at most MSIX_VECTORS
 * @bar:	where table and pending bits are
 * @table:	offset of the table there, a multiple of 8
 * @pba:	offset of the pending bits, likewise
 */
void msix_init(struct msix *msix, struct pci_function *f, const struct msi_ops *ops,
	       u32 gsi, unsigned int nr, unsigned int bar, u32 table, u32 pba);

/** msix_written() - the guest has written configuration space */
void msix_written(struct msix *msix, unsigned int reg, unsigned int width);

/*
 * Accesses of the table and of the pending bits.  All registers are of 4 bytes; a write of
 * another width, or not aligned, is lost.
 */
u32 msix_read_table(const struct msix *msix, u32 offset);
void msix_write_table(struct msix *msix, u32 offset, unsigned int width, u32 value);
u32 msix_read_pba(const struct msix *msix, u32 offset);

/** msix_fire() - interrupt by a vector; one that is none interrupts nobody */
void msix_fire(const struct msix *msix, unsigned int vector);

#endif /* AXVMM_MSIX_H */
