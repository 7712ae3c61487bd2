/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module does with eventfds.  A KUnit test, which cannot create one, puts a stub
 * in their place.
 */
#ifndef _AXVCPU_EVENTFD_H
#define _AXVCPU_EVENTFD_H

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include <axvcpu/compat.h>

/**
 * struct axv_eventfd_stub - what a test has in the place of eventfds
 * @get:	takes a descriptor; returns a reference to its eventfd, or an error pointer
 * @signal:	signals the eventfd once
 * @put:	gives a reference back
 * @file:	takes a descriptor; returns a reference to its file, whose poll() joins the
 *		queue, or NULL.  This and what follows are for irqfds alone
 * @of_file:	takes a file; returns a reference to its eventfd, or an error pointer
 * @take:	returns the count, which is zero afterwards; under the queue's lock
 */
struct axv_eventfd_stub {
	struct eventfd_ctx *(*get)(int fd);
	void (*signal)(struct eventfd_ctx *eventfd);
	void (*put)(struct eventfd_ctx *eventfd);
	struct file *(*file)(int fd);
	struct eventfd_ctx *(*of_file)(struct file *file);
	u64 (*take)(struct eventfd_ctx *eventfd);
};

#if IS_ENABLED(CONFIG_KUNIT)
/* Set during a test, otherwise NULL. */
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

/**
 * axv_eventfd_file() - a reference to the file of a descriptor
 * @fd:		descriptor of the calling thread
 *
 * Return: the file, which need not be an eventfd's, or NULL.
 */
static inline struct file *axv_eventfd_file(int fd)
{
	return axv_eventfd_stub ? axv_eventfd_stub->file(fd) : fget(fd);
}

/**
 * axv_eventfd_of_file() - a reference to the eventfd of a file
 * @file:	any file
 *
 * Return: the eventfd, or an error pointer.
 */
static inline struct eventfd_ctx *axv_eventfd_of_file(struct file *file)
{
	return axv_eventfd_stub ? axv_eventfd_stub->of_file(file) : eventfd_ctx_fileget(file);
}

/**
 * axv_eventfd_take() - take the count of an eventfd back
 * @eventfd:	eventfd whose queue the caller has locked
 *
 * With EFD_SEMAPHORE, 1 is taken from the count, and the rest stays.
 *
 * Return: what was taken.
 */
static inline u64 axv_eventfd_take(struct eventfd_ctx *eventfd)
{
	u64 count;

	if (axv_eventfd_stub)
		return axv_eventfd_stub->take(eventfd);
	eventfd_ctx_do_read(eventfd, &count);
	return count;
}

/**
 * axv_eventfd_wake_writers() - wake those that wait for room in the count
 * @queue:	locked; its eventfd's count was taken
 *
 * A waiter may be a request (aio, io_uring) whose end signals the same eventfd.  With
 * @in_eventfd set it does so later; otherwise it waits for the lock that this thread holds.
 *
 * Interrupt handlers signal eventfds as well (VFIO's), and would signal nothing if they
 * found this thread's @in_eventfd set: so interrupts are off.  With PREEMPT_RT handlers are
 * threads.
 */
static inline void axv_eventfd_wake_writers(wait_queue_head_t *queue)
{
	lockdep_assert_held(&queue->lock);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		lockdep_assert_irqs_disabled();
	current->in_eventfd = 1;
	wake_up_locked_poll(queue, EPOLLOUT);
	current->in_eventfd = 0;
}

/**
 * axv_eventfd_leave() - leave an eventfd's queue, so that it does not call back any more
 * @eventfd:	a reference is held
 * @queue:	its queue
 * @wait:	in @queue
 *
 * What is left of an EFD_SEMAPHORE's count is taken, so writers are woken as above.
 *
 * Context: the queue's lock is not held.
 */
static inline void axv_eventfd_leave(struct eventfd_ctx *eventfd, wait_queue_head_t *queue,
				     wait_queue_entry_t *wait)
{
	spin_lock_irq(&queue->lock);
	__remove_wait_queue(queue, wait);
	if (axv_eventfd_take(eventfd))
		axv_eventfd_wake_writers(queue);
	spin_unlock_irq(&queue->lock);
}

#endif /* _AXVCPU_EVENTFD_H */
