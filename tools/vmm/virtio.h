/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio over PCI, modern only, with MSI-X: what the driver sees of any virtio device.
 *
 * The device behind it works on the rings.  All fields are guarded by the machine's lock.
 */
#ifndef AXVMM_VIRTIO_H
#define AXVMM_VIRTIO_H

#include "msix.h"
#include "pci.h"

#define VIRTIO_QUEUES		16
#define VIRTIO_QUEUE_SIZE	256	/* the maximum, and the size that the driver finds */
#define VIRTIO_CONFIG		256	/* bytes of a device's configuration, at most */
#define VIRTIO_NO_GSI		(~0u)

/**
 * struct virtio_queue - a queue as the driver has set it up; only @size has been checked
 * @size:	descriptors: a power of two, at most VIRTIO_QUEUE_SIZE
 * @vector:	its MSI-X vector, or VIRTIO_MSI_NO_VECTOR
 * @enabled:	the device may use it
 * @descriptors: guest physical address of the descriptor table
 * @available:	guest physical address of the ring that the driver writes
 * @used:	guest physical address of the ring that the device writes
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
 * struct virtio_ops - what the device behind the transport is told
 * @start:	the driver is ready; features and queues change no more
 * @stop:	stop using the queues, then call virtio_stopped(); once after each @start
 * @notify:	the driver may have put requests into a queue
 * @vector:	the vector of a queue in use has changed; see virtio_gsi()
 * @bell:	a write to @at, of any width, notifies about a queue from now on (@there),
 *		or no longer does
 * @config:	the driver has written the configuration; NULL: it cannot
 */
struct virtio_ops {
	void (*start)(void *dev);
	void (*stop)(void *dev);
	void (*notify)(void *dev, unsigned int queue);
	void (*vector)(void *dev, unsigned int queue);
	void (*bell)(void *dev, unsigned int queue, bool there, bool port, u64 at);
	void (*config)(void *dev, u32 offset, unsigned int width, u32 value);
};

/**
 * struct virtio_id - what a device is
 * @type:	VIRTIO_ID_*
 * @class:	PCI class, subclass and interface, in the upper 24 bits
 * @features:	features that the device offers
 * @queues:	how many queues it has, 1 to VIRTIO_QUEUES
 * @config:	its configuration
 * @config_size: bytes of @config, at most VIRTIO_CONFIG
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
 * @f:		the PCI function
 * @msix:	its interrupts: a vector for each queue, and one for the configuration
 * @ops:	the device behind the transport
 * @dev:	for @ops
 * @port:	notifications are writes of ports
 * @window:	offset of the capability by which the driver accesses BARs through
 *		configuration space
 * @features:	features that the device offers
 * @accepted:	features that the driver has accepted
 * @feature_select: which half of @features the registers show
 * @accepted_select: which half of @accepted the registers show
 * @status:	VIRTIO_CONFIG_S_*
 * @started:	between &virtio_ops.start and virtio_stopped()
 * @stopping:	between &virtio_ops.stop and virtio_stopped()
 * @resetting:	the driver has asked for a reset, which is under way
 * @dead:	the device works no more, whatever the driver does
 * @isr:	VIRTIO_PCI_ISR_CONFIG, until it is read
 * @generation:	changes with @config
 * @config_vector: MSI-X vector for changes of the configuration
 * @queue_select: which queue the registers show
 * @queues:	the queues
 * @nr_queues:	how many queues there are
 * @config:	the device's configuration, followed by zeroes
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
	u8 generation;
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
 * @ops:	the device behind the transport
 * @dev:	for @ops
 * @name:	for messages
 *
 * Context: before the guest starts.
 * Return: 0, -ENOSPC if there is no place for it.
 */
int virtio_init(struct virtio *v, struct pci *pci, const struct virtio_id *id,
		const struct msi_ops *msi, u32 gsi, const struct virtio_ops *ops, void *dev,
		const char *name);

/** virtio_gsi() - get the route of a queue's interrupt, or VIRTIO_NO_GSI */
u32 virtio_gsi(const struct virtio *v, unsigned int queue);

/** virtio_stopped() - tell that no queue is used any more, as &virtio_ops.stop asked for */
void virtio_stopped(struct virtio *v);

/** virtio_config_changed() - tell the driver that the configuration is another one */
void virtio_config_changed(struct virtio *v);

/** virtio_broken() - tell the driver that the device works no more, until it is reset */
void virtio_broken(struct virtio *v);

/** virtio_dead() - virtio_broken(), and no reset makes the device work again */
void virtio_dead(struct virtio *v);

#endif /* AXVMM_VIRTIO_H */
