/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Eventfds, which a test in the kernel cannot create.
 */
#ifndef _AXVCPU_EVENTFD_H
#define _AXVCPU_EVENTFD_H

#include <linux/eventfd.h>

#include <axvcpu/compat.h>

/**
 * struct axv_eventfd_stub - what a test has in the place of eventfds
 * @get:	of a descriptor, a reference or an error pointer
 * @signal:	one more
 * @put:	give the reference back
 */
struct axv_eventfd_stub {
	struct eventfd_ctx *(*get)(int fd);
	void (*signal)(struct eventfd_ctx *eventfd);
	void (*put)(struct eventfd_ctx *eventfd);
};

#if IS_ENABLED(CONFIG_KUNIT)
/* During a test, otherwise NULL. */
extern const struct axv_eventfd_stub *axv_eventfd_stub;
#else
#define axv_eventfd_stub	((const struct axv_eventfd_stub *)NULL)
#endif

/**
 * axv_eventfd_get() - a reference to the eventfd of a descriptor
 * @fd:		descriptor of the calling thread
 *
 * Return: the eventfd, or an error pointer.
 */
static inline struct eventfd_ctx *axv_eventfd_get(int fd)
{
	return axv_eventfd_stub ? axv_eventfd_stub->get(fd) : eventfd_ctx_fdget(fd);
}

/**
 * axv_eventfd_ring() - signal an eventfd once
 * @eventfd:	a reference is held
 *
 * Context: process context, no lock held but &axv_vm.lock, which no callback of an eventfd
 * takes; with PREEMPT_RT preemption and interrupts on.
 */
static inline void axv_eventfd_ring(struct eventfd_ctx *eventfd)
{
	if (axv_eventfd_stub)
		axv_eventfd_stub->signal(eventfd);
	else
		axv_eventfd_signal(eventfd);
}

/**
 * axv_eventfd_put() - give the reference back
 * @eventfd:	may be gone afterwards
 */
static inline void axv_eventfd_put(struct eventfd_ctx *eventfd)
{
	if (axv_eventfd_stub)
		axv_eventfd_stub->put(eventfd);
	else
		eventfd_ctx_put(eventfd);
}

#endif /* _AXVCPU_EVENTFD_H */
