/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * The event loop: one thread that waits for descriptors, and calls the devices
 * when something has happened.
 *
 * Locking: the loop calls back with the machine's lock held, as the bus does,
 * so a device needs no lock of its own.  Descriptors are enabled and disabled
 * under that lock too.  Thus no callback runs once the call that disables its
 * descriptor has returned.
 */
#ifndef DEVICES_LOOP_H
#define DEVICES_LOOP_H

#include <pthread.h>

#include "types.h"

#define LOOP_SOURCES	32

/**
 * struct loop_source - a descriptor to wait for
 * @fd:		the descriptor, waited for to become readable
 * @enabled:	whether to wait for it
 * @ready:	called when it is readable
 * @arg:	for @ready
 */
struct loop_source {
	int fd;
	bool enabled;
	void (*ready)(void *arg);
	void *arg;
};

/**
 * struct loop - the event loop
 * @lock:	the machine's lock
 * @sources:	what to wait for; under @lock
 * @nr:		how many; under @lock
 * @wake_fd:	eventfd that makes the loop look at the sources anew
 * @stop:	leave loop_run(); under @lock
 */
struct loop {
	pthread_mutex_t *lock;
	struct loop_source *sources[LOOP_SOURCES];
	unsigned int nr;
	int wake_fd;
	bool stop;
};

/**
 * loop_init() - make a loop
 * @loop:	the loop
 * @lock:	the machine's lock
 *
 * Return: 0 or a negative errno.
 */
int loop_init(struct loop *loop, pthread_mutex_t *lock);

/**
 * loop_add() - add a descriptor to those that the loop waits for
 * @loop:	the loop
 * @source:	the descriptor; not copied, so it must live as long as the loop
 *
 * Context: before the loop runs, or with the machine's lock held.
 * Return: 0, -ENOSPC.
 */
int loop_add(struct loop *loop, struct loop_source *source);

/**
 * loop_enable() - begin or stop waiting for a descriptor
 *
 * Context: any thread, with the machine's lock held.
 */
void loop_enable(struct loop *loop, struct loop_source *source, bool enable);

/**
 * loop_run() - dispatch events until loop_stop()
 *
 * Context: one thread, without the machine's lock.
 * Return: 0 or a negative errno.
 */
int loop_run(struct loop *loop);

/**
 * loop_stop() - make loop_run() return
 *
 * Context: any thread, with the machine's lock held.
 */
void loop_stop(struct loop *loop);

/** loop_free() - release what loop_init() has made; loop_run() has returned, or was never called */
void loop_free(struct loop *loop);

#endif /* DEVICES_LOOP_H */
