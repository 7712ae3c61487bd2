/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio device whose rings a thread of its own works on.
 *
 * The guest notifies by doorbells.  The thread alone accesses the rings while the driver uses
 * them, and may wait for what is at the host's end.  The driver starts and resets the device by
 * exits; the thread learns of that by virtio_thread_obey().
 */
#ifndef AXVMM_VIRTIO_THREAD_H
#define AXVMM_VIRTIO_THREAD_H

#include <pthread.h>
#include <time.h>

#include "ring.h"
#include "virtio.h"
#include "virtio-board.h"

#define VIRTIO_THREAD_QUEUES	4

/**
 * struct virtio_thread - a device; guarded by the machine's lock where nothing else is said
 * @virtio:	what the guest sees
 * @board:	what it is wired to; constant
 * @name:	for messages; constant
 * @nr:		how many queues, all of which the driver has to enable; constant
 * @writes:	a bit for each queue whose buffers the device writes; constant
 * @kicks:	eventfds by which the guest notifies; constant
 * @wake:	eventfd that makes the thread call virtio_thread_obey(); constant
 * @rings:	accessed by the thread only while @wanted is set or virtio_stopped() is due
 * @features:	features that the driver has accepted; as @rings
 * @wanted:	the thread is to work on @rings
 * @quit:	the thread is to end
 * @running:	the thread exists; accessed by the main thread only
 * @thread:	the thread
 */
struct virtio_thread {
	struct virtio virtio;
	struct virtio_board board;
	const char *name;
	unsigned int nr;
	u32 writes;
	int kicks[VIRTIO_THREAD_QUEUES];
	int wake;
	struct ring rings[VIRTIO_THREAD_QUEUES];
	u64 features;
	bool wanted;
	bool quit;
	bool running;
	pthread_t thread;
};

/**
 * virtio_thread_create() - put a device on the bus
 * @t:		the device, zeroed
 * @id:		what it is; with at most VIRTIO_THREAD_QUEUES queues
 * @writes:	a bit for each queue whose buffers the device writes
 * @board:	what the device is wired to; copied
 * @gsi:	the first of VIRTIO_THREAD_QUEUES + 1 routes that are for this device alone
 * @name:	for messages
 *
 * Context: before the guest starts.
 * Return: 0 or a negative errno; the error has been printed.
 */
int virtio_thread_create(struct virtio_thread *t, const struct virtio_id *id, u32 writes,
			 const struct virtio_board *board, u32 gsi, const char *name);

/**
 * virtio_thread_start() - start the thread
 * @t:		the device
 * @run:	what the thread does; it returns when virtio_thread_obey() says so
 * @arg:	for @run
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int virtio_thread_start(struct virtio_thread *t, void *(*run)(void *arg), void *arg);

/**
 * virtio_thread_obey() - do what the driver and the main thread have asked for
 * @t:		the device
 * @active:	where to store whether the thread may work on the rings, until the next call
 *
 * Context: the thread, without the machine's lock.
 * Return: whether the thread is to go on.
 */
bool virtio_thread_obey(struct virtio_thread *t, bool *active);

/** virtio_thread_interrupt() - requests were given back: interrupt, if the driver wants that */
void virtio_thread_interrupt(struct virtio_thread *t, unsigned int queue);

/** virtio_thread_broken() - a ring is not valid: work no more, until the driver resets it */
void virtio_thread_broken(struct virtio_thread *t);

/** virtio_thread_dead() - the host's end has failed: never work again */
void virtio_thread_dead(struct virtio_thread *t);

/** virtio_thread_clear() - read an eventfd, so that it can be waited for again */
void virtio_thread_clear(int eventfd);

/** virtio_thread_wake() - make the thread call virtio_thread_obey() */
void virtio_thread_wake(struct virtio_thread *t);

/** virtio_thread_quit() - make the thread end */
void virtio_thread_quit(struct virtio_thread *t);

/**
 * virtio_thread_join() - wait until the thread has ended, if there is one
 * @t:		the device
 * @deadline:	when to wait no longer, in CLOCK_REALTIME
 *
 * Return: whether it has ended.
 */
bool virtio_thread_join(struct virtio_thread *t, const struct timespec *deadline);

#endif /* AXVMM_VIRTIO_THREAD_H */
