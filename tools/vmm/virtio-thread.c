// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio device whose rings a thread of its own works on.
 *
 * The driver starts and resets the device; the thread works on the rings as @wanted says.  A
 * driver that has asked for a reset cannot start the device again until the thread has ended
 * the reset, so the thread misses no change of @wanted.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "doorbell.h"
#include "log.h"
#include "virtio-thread.h"

static void signal_eventfd(int fd)
{
	u64 one = 1;

	/* EAGAIN: the counter is full, so the eventfd is readable anyway. */
	if (write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("cannot write an eventfd: %s", strerror(errno));
}

void virtio_thread_clear(int eventfd)
{
	u64 count;

	if (read(eventfd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("cannot read an eventfd: %s", strerror(errno));
}

/* ---- the driver's requests, with the machine's lock ----------------------- */

static void driver_ready(void *dev)
{
	struct virtio_thread *t = dev;
	const struct virtio_queue *queues = t->virtio.queues;
	unsigned int i;

	for (i = 0; i < t->nr; i++) {
		if (queues[i].enabled && ring_start(&t->rings[i], t->board.mem, &queues[i],
						    t->writes & BIT(i)))
			continue;
		log_guest("%s: the guest's driver starts the device without its %u rings",
			  t->name, t->nr);
		virtio_broken(&t->virtio);
		return;
	}
	t->features = t->virtio.accepted;
	t->wanted = true;
	signal_eventfd(t->wake);
}

static void driver_resets(void *dev)
{
	struct virtio_thread *t = dev;

	if (!t->wanted) {
		virtio_stopped(&t->virtio);
		return;
	}
	t->wanted = false;
	signal_eventfd(t->wake);
}

static void driver_notifies(void *dev, unsigned int queue)
{
	struct virtio_thread *t = dev;

	signal_eventfd(t->kicks[queue]);
}

/* virtio_thread_interrupt() looks the vector up each time. */
static void vector_changed(void *dev, unsigned int queue)
{
	(void)dev;
	(void)queue;
}

static void move_bell(void *dev, unsigned int queue, bool there, bool port, u64 at)
{
	struct virtio_thread *t = dev;

	doorbell_move(t->board.vm, there, port, at, t->kicks[queue]);
}

static const struct virtio_ops ops = {
	.start = driver_ready,
	.stop = driver_resets,
	.notify = driver_notifies,
	.vector = vector_changed,
	.bell = move_bell,
};

/* ---- for the thread ------------------------------------------------------ */

bool virtio_thread_obey(struct virtio_thread *t, bool *active)
{
	bool quit;

	pthread_mutex_lock(t->board.lock);
	if (!t->wanted)
		virtio_stopped(&t->virtio);
	*active = t->wanted && !(t->virtio.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	quit = t->quit;
	pthread_mutex_unlock(t->board.lock);
	return !quit;
}

void virtio_thread_interrupt(struct virtio_thread *t, unsigned int queue)
{
	if (!ring_interrupts(&t->rings[queue]))
		return;
	pthread_mutex_lock(t->board.lock);
	if (t->wanted)
		msix_fire(&t->virtio.msix, t->virtio.queues[queue].vector);
	pthread_mutex_unlock(t->board.lock);
}

void virtio_thread_broken(struct virtio_thread *t)
{
	pthread_mutex_lock(t->board.lock);
	log_guest("%s: the guest's driver has a request that is not valid", t->name);
	/* A reset that has been asked for ends when the thread sees that @wanted is not set. */
	if (t->wanted)
		virtio_broken(&t->virtio);
	pthread_mutex_unlock(t->board.lock);
}

void virtio_thread_dead(struct virtio_thread *t)
{
	pthread_mutex_lock(t->board.lock);
	virtio_dead(&t->virtio);
	pthread_mutex_unlock(t->board.lock);
}

/* ---- making and ending ---------------------------------------------------- */

static int make_eventfds(struct virtio_thread *t)
{
	unsigned int i;

	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (i = 0; t->wake >= 0 && i < t->nr; i++) {
		t->kicks[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (t->kicks[i] < 0)
			break;
	}
	if (t->wake >= 0 && i == t->nr)
		return 0;
	log_error("cannot create an eventfd: %s", strerror(errno));
	return -errno;
}

int virtio_thread_create(struct virtio_thread *t, const struct virtio_id *id, u32 writes,
			 const struct virtio_board *board, u32 gsi, const char *name)
{
	int err;

	t->board = *board;
	t->name = name;
	t->nr = id->queues;
	t->writes = writes;
	err = make_eventfds(t);
	if (err)
		return err;
	err = virtio_init(&t->virtio, board->pci, id, board->msi, gsi, &ops, t, name);
	if (err)
		log_error("%s: no place on the bus for one more device", name);
	return err;
}

int virtio_thread_start(struct virtio_thread *t, void *(*run)(void *arg), void *arg)
{
	int err = pthread_create(&t->thread, NULL, run, arg);

	if (err) {
		log_error("cannot create a thread: %s", strerror(err));
		return -err;
	}
	t->running = true;
	pthread_setname_np(t->thread, t->name);
	return 0;
}

void virtio_thread_wake(struct virtio_thread *t)
{
	signal_eventfd(t->wake);
}

void virtio_thread_quit(struct virtio_thread *t)
{
	if (!t->running)
		return;
	pthread_mutex_lock(t->board.lock);
	t->quit = true;
	signal_eventfd(t->wake);
	pthread_mutex_unlock(t->board.lock);
}

bool virtio_thread_join(struct virtio_thread *t, const struct timespec *deadline)
{
	if (t->running && pthread_timedjoin_np(t->thread, NULL, deadline))
		return false;
	t->running = false;
	return true;
}
