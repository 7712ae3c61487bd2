/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Timers of the event loop, and the time.
 *
 * Locking: timers call back with the machine's lock held, and are set and
 * cancelled under it.  Thus nothing is called after timer_cancel() has returned.
 */
#ifndef DEVICES_TIMER_H
#define DEVICES_TIMER_H

#include "loop.h"

/**
 * struct timer - calls back once at a point in time
 * @source:	a timerfd
 * @expired:	called once the deadline has passed
 * @arg:	for @expired
 */
struct timer {
	struct loop_source source;
	void (*expired)(void *arg);
	void *arg;
};

/**
 * timer_init() - make a timer
 * @timer:	the timer
 * @loop:	the loop that calls back
 * @expired:	called at the deadline, once
 * @arg:	for @expired
 *
 * Context: before the loop runs, or with the machine's lock held.
 * Return: 0 or a negative errno.
 */
int timer_init(struct timer *timer, struct loop *loop,
	       void (*expired)(void *arg), void *arg);

/**
 * timer_set() - call back at @deadline, instead of at one set before
 * @timer:	the timer
 * @deadline:	in nanoseconds of clock_now(); if it has passed, the callback comes at once
 *
 * Context: any thread, with the machine's lock held.
 */
void timer_set(struct timer *timer, u64 deadline);

/**
 * timer_cancel() - do not call back
 *
 * Context: any thread, with the machine's lock held.
 */
void timer_cancel(struct timer *timer);

/** timer_free() - release what timer_init() has made; the loop runs no more */
void timer_free(struct timer *timer);

/** clock_now() - nanoseconds, monotonic */
u64 clock_now(void);

/** clock_wall() - nanoseconds since 1970, UTC */
u64 clock_wall(void);

#endif /* DEVICES_TIMER_H */
