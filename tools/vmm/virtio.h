/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio over PCI, modern only, with MSI-X: what the driver sees of any virtio device.
 *
 * Its rings are worked on by whom the device knows.  All of it is guarded by the
 * machine's lock.
 */
#ifndef AXVMM_VIRTIO_H
#define AXVMM_VIRTIO_H

#include "msix.h"
#include "pci.h"

#define VIRTIO_QUEUES		16
#define VIRTIO_QUEUE_SIZE	256	/* at most, and until the driver wants fewer */
#define VIRTIO_CONFIG		256	/* bytes of a device's configuration, at most */
#define VIRTIO_NO_GSI		(~0u)

/**
 * struct virtio_queue - a queue, as the driver has set it up; nothing of it is checked
 *			 but @size
 * @size:	descriptors: a power of two, at most VIRTIO_QUEUE_SIZE
 * @vector:	of MSI-X, or VIRTIO_MSI_NO_VECTOR
 * @enabled:	the device may use it
 * @descriptors: guest physical address of the descriptor table
 * @available:	of the ring of the driver
 * @used:	of the ring of the device
 */
struct virtio_queue {
	u16 size;
	u16 vector;
	bool enabled;
	u64 descriptors;
	u64 available;
	u64 used;
};

/**
 * struct virtio_ops - a device behind the transport
 * @start:	the driver is ready: features and queues stand
 * @stop:	use no queue any more, and call virtio_stopped() then; once after each @start
 * @notify:	there may be something in a queue
 * @vector:	the interrupt of a queue in use is another one
 * @bell:	a write to @at, of whatever width, notifies about a queue, or no longer does
 */
struct virtio_ops {
	void (*start)(void *dev);
	void (*stop)(void *dev);
	void (*notify)(void *dev, unsigned int queue);
	void (*vector)(void *dev, unsigned int queue);
	void (*bell)(void *dev, unsigned int queue, bool there, bool port, u64 at);
};

/**
 * struct virtio_id - what a device is
 * @type:	VIRTIO_ID_*
 * @class:	its class for PCI, with subclass and interface: the upper 24 bits
 * @features:	what it offers
 * @queues:	how many it has, 1 to VIRTIO_QUEUES
 * @config:	its configuration
 * @config_size: bytes of it, at most VIRTIO_CONFIG
 */
struct virtio_id {
	u16 type;
	u32 class;
	u64 features;
	unsigned int queues;
	const void *config;
	unsigned int config_size;
};

/**
 * struct virtio - a device on the bus
 * @f:		for PCI
 * @msix:	its interrupts: a vector for each queue, and one for the configuration
 * @ops:	what is behind it
 * @dev:	for @ops
 * @port:	notifications are writes of ports
 * @window:	where the capability is that shows BARs in configuration space
 * @features:	what is offered
 * @accepted:	what the driver wants of it
 * @feature_select: which half of @features is shown
 * @accepted_select: which half of @accepted
 * @status:	VIRTIO_CONFIG_S_*
 * @started:	between &virtio_ops.start and virtio_stopped()
 * @stopping:	between &virtio_ops.stop and virtio_stopped()
 * @resetting:	the driver has asked for a reset, which is under way
 * @dead:	it works no more, whatever the driver does
 * @isr:	VIRTIO_PCI_ISR_CONFIG, until it is read
 * @config_vector: of MSI-X, for changes of the configuration
 * @queue_select: which queue is shown
 * @queues:	the queues
 * @nr_queues:	how many
 * @config:	the device's configuration, zeroes behind it
 */
struct virtio {
	struct pci_function f;
	struct msix msix;
	const struct virtio_ops *ops;
	void *dev;
	bool port;
	unsigned int window;
	u64 features;
	u64 accepted;
	u32 feature_select;
	u32 accepted_select;
	u8 status;
	bool started;
	bool stopping;
	bool resetting;
	bool dead;
	u8 isr;
	u16 config_vector;
	u16 queue_select;
	struct virtio_queue queues[VIRTIO_QUEUES];
	unsigned int nr_queues;
	u8 config[VIRTIO_CONFIG];
};

/**
 * virtio_init() - make a device, and put it on the bus
 * @v:		the device
 * @pci:	the root
 * @id:		what it is
 * @msi:	makes routes
 * @gsi:	its first route; it needs one for each queue and one more
 * @ops:	what is behind it
 * @dev:	for @ops
 * @name:	for messages
 *
 * Context: before the guest starts.
 * Return: 0, -ENOSPC if there is no place for it.
 */
int virtio_init(struct virtio *v, struct pci *pci, const struct virtio_id *id,
		const struct msi_ops *msi, u32 gsi, const struct virtio_ops *ops, void *dev,
		const char *name);

/** virtio_gsi() - the route of a queue's interrupt, or VIRTIO_NO_GSI */
u32 virtio_gsi(const struct virtio *v, unsigned int queue);

/** virtio_stopped() - no queue is used any more, as &virtio_ops.stop asked for */
void virtio_stopped(struct virtio *v);

/** virtio_broken() - the device works no more, until the driver resets it */
void virtio_broken(struct virtio *v);

/** virtio_dead() - the device works no more, for this driver and for any other */
void virtio_dead(struct virtio *v);

#endif /* AXVMM_VIRTIO_H */
