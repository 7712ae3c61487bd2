// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio device that gives the guest random numbers (virtio 1.2, section 5.4).
 *
 * Requests are rare and short, so they are done at once, by the vCPU's thread that the guest's
 * notification makes exit.
 */
#include <sys/random.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "log.h"
#include "rng.h"

#define RNG_CLASS	0x00ff0000	/* a device that fits into no class */

/* Fill a request's buffers, up to RNG_BYTES.  Returns how many bytes were written. */
static u32 fill(const struct ring_request *request)
{
	u32 written = 0;
	unsigned int i;

	for (i = 0; i < request->nr && written < RNG_BYTES; i++) {
		const struct ring_buffer *buffer = &request->buffers[i];
		u32 size = buffer->size < RNG_BYTES - written ? buffer->size :
								RNG_BYTES - written;
		/* Up to 256 bytes getrandom() neither blocks nor returns less (random(7)). */
		ssize_t n = getrandom(buffer->data, size, 0);

		if (n > 0)
			written += n;
	}
	return written;
}

/*
 * Do the requests that are there, at most as many as the ring has room for: otherwise a driver
 * that adds more all the time would keep this thread here, with the machine's lock, for ever.
 * The driver's next notification makes axvmm do the requests that are left.
 */
static void work(struct rng *rng)
{
	struct ring_request request;
	unsigned int i;
	int found = 0;

	for (i = 0; i < rng->ring.size; i++) {
		found = ring_get(&rng->ring, &request);
		if (found <= 0)
			break;
		ring_put(&rng->ring, request.head, fill(&request));
	}
	if (i && ring_interrupts(&rng->ring))
		msix_fire(&rng->virtio.msix, rng->virtio.queues[0].vector);
	if (found < 0) {
		log_guest("rng: the guest's driver has a request that is not valid");
		rng->running = false;
		virtio_broken(&rng->virtio);
	}
}

static void driver_ready(void *dev)
{
	struct rng *rng = dev;
	const struct virtio_queue *queue = &rng->virtio.queues[0];

	if (!queue->enabled)
		return;
	rng->running = ring_start(&rng->ring, rng->mem, queue, true);
	if (!rng->running) {
		log_guest("rng: the guest's driver has a ring where there is no memory");
		virtio_broken(&rng->virtio);
		return;
	}
	work(rng);
}

static void driver_resets(void *dev)
{
	struct rng *rng = dev;

	rng->running = false;
	virtio_stopped(&rng->virtio);
}

static void driver_notifies(void *dev, unsigned int queue)
{
	struct rng *rng = dev;

	(void)queue;
	if (rng->running)
		work(rng);
}

/* Nothing to do: work() reads the vector at each interrupt. */
static void vector_changed(void *dev, unsigned int queue)
{
	(void)dev;
	(void)queue;
}

/* There is no doorbell: each notification is an exit. */
static void move_bell(void *dev, unsigned int queue, bool there, bool port, u64 at)
{
	(void)dev;
	(void)queue;
	(void)there;
	(void)port;
	(void)at;
}

static const struct virtio_ops ops = {
	.start = driver_ready,
	.stop = driver_resets,
	.notify = driver_notifies,
	.vector = vector_changed,
	.bell = move_bell,
};

int rng_create(struct rng *rng, const struct memory *mem, struct pci *pci,
	       const struct msi_ops *msi, u32 gsi)
{
	static const struct virtio_id id = {
		.type = VIRTIO_ID_RNG,
		.class = RNG_CLASS,
		.features = 1ull << VIRTIO_F_VERSION_1,
		.queues = 1,
		.config = "",
	};
	int err;

	rng->mem = mem;
	err = virtio_init(&rng->virtio, pci, &id, msi, gsi, &ops, rng, "rng");
	if (err)
		log_error("rng: no place on the bus for one more device");
	return err;
}
