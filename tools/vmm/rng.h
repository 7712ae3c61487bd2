/* SPDX-License-Identifier: GPL-2.0 */
/* A virtio device that gives the guest random numbers, which are the host's (getrandom(2)). */
#ifndef AXVMM_RNG_H
#define AXVMM_RNG_H

#include "virtio.h"
#include "ring.h"

#define RNG_BYTES	256	/* of one request, at most */

/**
 * struct rng - the device; guarded by the machine's lock
 * @virtio:	what the guest sees
 * @mem:	guest memory; constant
 * @ring:	its queue
 * @running:	@ring is valid, and the driver uses it
 */
struct rng {
	struct virtio virtio;
	const struct memory *mem;
	struct ring ring;
	bool running;
};

/**
 * rng_create() - make the device, and put it on the bus
 * @rng:	the device, zeroed
 * @mem:	guest memory
 * @pci:	the root of PCI
 * @msi:	makes routes
 * @gsi:	the first of two routes that are for this device alone
 *
 * Context: before the guest starts.
 * Return: 0 or a negative errno; the error has been printed.
 */
int rng_create(struct rng *rng, const struct memory *mem, struct pci *pci,
	       const struct msi_ops *msi, u32 gsi);

#endif /* AXVMM_RNG_H */
