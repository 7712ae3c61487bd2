/* SPDX-License-Identifier: GPL-2.0 */
/* The device tree: what the guest is told about the board. */
#ifndef AXVMM_DEVICETREE_H
#define AXVMM_DEVICETREE_H

#include "types.h"

/**
 * struct devicetree_config - what differs between machines
 * @memory:	bytes of memory, from MAP_RAM on
 * @mpidrs:	affinities of the CPUs
 * @nr_cpus:	how many
 * @append:	kernel command line; NULL: none
 * @initrd:	address of the initial RAM disk
 * @initrd_size: its bytes; 0: there is none
 */
struct devicetree_config {
	u64 memory;
	const u64 *mpidrs;
	unsigned int nr_cpus;
	const char *append;
	u64 initrd;
	u64 initrd_size;
};

/**
 * devicetree_build() - make the device tree
 * @config:	what differs between machines
 * @buf:	where to store the tree
 * @size:	bytes at @buf
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int devicetree_build(const struct devicetree_config *config, void *buf, unsigned int size);

#endif /* AXVMM_DEVICETREE_H */
