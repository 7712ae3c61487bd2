/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Eventfds, and the routes and irqfds that make interrupts of them.
 */
#ifndef AXV_EVENT_H
#define AXV_EVENT_H

#include <sys/eventfd.h>

#include "axv_test.h"

/* Make a non-blocking eventfd whose counter is @count. */
int event_new(unsigned int count);
void signal_event(int fd);
/* Read the counter, that is how often the eventfd was signalled; it is 0 afterwards. */
__u64 count_of(int fd);

/* Set routes and irqfds; return 0, or the error. */
int set_routes(struct axv_vm *vm, const struct axv_route *routes, __u32 count, __u32 flags);
int set_irqfd(struct axv_vm *vm, int fd, __u32 gsi, __u32 flags);
int set_resampled(struct axv_vm *vm, int fd, __u32 gsi, int resample);

/* A thread that signals without end. */
struct signaller {
	pthread_t thread;
	atomic_int stop;
	int event;
};

void signaller_start(struct signaller *s, int event);
void signaller_stop(struct signaller *s);

#endif
