// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Timers of the event loop, and the time.
 *
 * Each timer is a timerfd.  A vCPU's thread sets one whenever the guest programs
 * its next tick; this way that costs one system call, and does not wake the loop.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "timer.h"

static void timer_ready(void *arg)
{
	struct timer *timer = arg;
	uint64_t count;

	/*
	 * Setting a timerfd clears its expirations.  So if the timer has been
	 * set again or cancelled since poll() returned, there is nothing to
	 * read, and an old deadline is never taken for the new one.
	 */
	if (read(timer->source.fd, &count, sizeof(count)) == sizeof(count))
		timer->expired(timer->arg);
}

int timer_init(struct timer *timer, struct loop *loop,
	       void (*expired)(void *arg), void *arg)
{
	timer->expired = expired;
	timer->arg = arg;
	timer->source.fd = timerfd_create(CLOCK_MONOTONIC,
					  TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->source.fd < 0) {
		log_error("cannot create a timer: %s", strerror(errno));
		return -errno;
	}
	timer->source.enabled = true;
	timer->source.ready = timer_ready;
	timer->source.arg = timer;
	return loop_add(loop, &timer->source);
}

void timer_set(struct timer *timer, u64 deadline)
{
	struct itimerspec its = {
		.it_value = {
			.tv_sec = deadline / NSEC_PER_SEC,
			.tv_nsec = deadline % NSEC_PER_SEC,
		},
	};

	if (!deadline)
		its.it_value.tv_nsec = 1;	/* zero would disarm it */
	if (timerfd_settime(timer->source.fd, TFD_TIMER_ABSTIME, &its, NULL))
		log_error("cannot set a timer: %s", strerror(errno));
}

void timer_cancel(struct timer *timer)
{
	static const struct itimerspec never;

	if (timerfd_settime(timer->source.fd, 0, &never, NULL))
		log_error("cannot cancel a timer: %s", strerror(errno));
}

void timer_free(struct timer *timer)
{
	close(timer->source.fd);
}

static u64 read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

u64 clock_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

u64 clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}
