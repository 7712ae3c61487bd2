// SPDX-License-Identifier: GPL-2.0
/*
 * irqfds: an eventfd's signal becomes an event on a route.
 *
 * A signal calls signalled(), under the eventfd's own lock and perhaps in a hard interrupt.
 * That takes the eventfd's count and raises the route, which takes raw locks only.
 *
 * An irqfd ends in one of four ways: the VMM removes it, the VM's file is closed, the VMM's
 * address space goes, or the last file of the eventfd is closed.  The thread that takes the
 * irqfd off the VM's list ends it.  In the last case the callback runs under the eventfd's
 * lock, which the end needs, so a worker ends the irqfd; closing the VM's file waits for
 * that worker.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <axvcpu/route.h>
#include <axvcpu/vm.h>

#include "eventfd.h"
#include "resample.h"

static struct workqueue_struct *ends;

/**
 * struct axv_irqfd - an eventfd and its route
 * @vm:		VM; it stays as long as the eventfd calls back
 * @gsi:	the route, which need not be there
 * @resampler:	signalled when its interrupts end, or NULL
 * @ctx:	the eventfd; a reference is held
 * @queue:	the eventfd's, which stays as long as @ctx
 * @wait:	in @queue, until the end
 * @poll:	puts @wait into @queue, by join()
 * @node:	in &axv_vm.irqfds, under &axv_vm.irqfd_lock; empty: a thread is ending it
 * @ending:	in a list of irqfds that one thread ends
 */
struct axv_irqfd {
	struct axv_vm *vm;
	u32 gsi;
	struct axv_resampler *resampler;
	struct eventfd_ctx *ctx;
	wait_queue_head_t *queue;
	wait_queue_entry_t wait;
	poll_table poll;
	struct list_head node;
	struct llist_node ending;
};

/* When this returns the eventfd does not call signalled() any more. */
static void detach(struct axv_irqfd *irqfd)
{
	axv_eventfd_leave(irqfd->ctx, irqfd->queue, &irqfd->wait);
	axv_eventfd_put(irqfd->ctx);
	if (irqfd->resampler)
		axv_resampler_remove(irqfd->vm, irqfd->resampler);
}

/*
 * End the irqfds of a list.  When this returns, none of their eventfds calls signalled()
 * any more, and no resample eventfd is signalled.  It waits once for all of them:
 * axv_vm_die() comes here from the release notifier, and notifiers of all other processes
 * wait for that.
 */
static void end(struct llist_node *irqfds)
{
	struct axv_irqfd *irqfd, *next;
	bool resampled = false;

	llist_for_each_entry(irqfd, irqfds, ending) {
		detach(irqfd);
		if (irqfd->resampler)
			resampled = true;
		cond_resched();
	}
	if (resampled)
		axv_resample_wait();
	llist_for_each_entry_safe(irqfd, next, irqfds, ending) {
		if (irqfd->resampler)
			axv_resampler_free(irqfd->resampler);
		kfree(irqfd);
		cond_resched();
	}
}

/* Irqfds of all VMs whose eventfds were closed, for a worker to end. */
static LLIST_HEAD(orphans);

static void end_orphans(struct work_struct *work)
{
	end(llist_del_all(&orphans));
}

static DECLARE_WORK(orphans_work, end_orphans);

/* Take an irqfd off the VM's list; the caller sees to its end. */
static void take_off(struct axv_vm *vm, struct axv_irqfd *irqfd)
{
	lockdep_assert_held(&vm->irqfd_lock);
	list_del_init(&irqfd->node);
	vm->nr_irqfds--;
}

static enum axv_line line_of(const struct axv_irqfd *irqfd)
{
	return irqfd->resampler ? AXV_LINE_IRQFD : AXV_LINE_VMM;
}

/* The eventfd's last file is closed: its lock is held. */
static void closed(struct axv_irqfd *irqfd)
{
	struct axv_vm *vm = irqfd->vm;
	unsigned long flags;

	spin_lock_irqsave(&vm->irqfd_lock, flags);
	if (!list_empty(&irqfd->node)) {
		take_off(vm, irqfd);
		/*
		 * Add the irqfd before queueing the work: work that is queued already has yet to
		 * look at the list, and finds it.
		 */
		llist_add(&irqfd->ending, &orphans);
		queue_work(ends, &orphans_work);
	}
	spin_unlock_irqrestore(&vm->irqfd_lock, flags);
}

/* Returns not zero if no other waiter need be woken, since the count was taken. */
static int signalled(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct axv_irqfd *irqfd = container_of(wait, struct axv_irqfd, wait);
	__poll_t events = key_to_poll(key);
	int taken = 0;

	if (events & EPOLLIN) {
		axv_eventfd_take(irqfd->ctx);
		axv_route_raise(irqfd->vm, irqfd->gsi, line_of(irqfd));
		taken = 1;
	}
	if (events & EPOLLHUP)
		closed(irqfd);
	return taken;
}

/*
 * Enter the eventfd's queue before other waiters, which otherwise see the count.  What was
 * counted before that is an event, too: the count is taken, and writers that had to wait
 * for room in it are woken.
 */
static void join(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	struct axv_irqfd *irqfd = container_of(poll, struct axv_irqfd, poll);

	irqfd->queue = queue;
	add_wait_queue_priority(queue, &irqfd->wait);
	spin_lock_irq(&queue->lock);
	if (axv_eventfd_take(irqfd->ctx)) {
		axv_route_raise(irqfd->vm, irqfd->gsi, line_of(irqfd));
		axv_eventfd_wake_writers(queue);
	}
	spin_unlock_irq(&queue->lock);
}

/* The VM's irqfd of an eventfd; &axv_vm.irqfd_lock is held. */
static struct axv_irqfd *find(struct axv_vm *vm, const struct eventfd_ctx *ctx)
{
	struct axv_irqfd *irqfd;

	lockdep_assert_held(&vm->irqfd_lock);
	list_for_each_entry(irqfd, &vm->irqfds, node)
		if (irqfd->ctx == ctx)
			return irqfd;
	return NULL;
}

static int put_on(struct axv_vm *vm, struct axv_irqfd *irqfd)
{
	int err = 0;

	spin_lock_irq(&vm->irqfd_lock);
	if (find(vm, irqfd->ctx)) {
		err = -EEXIST;
	} else if (vm->nr_irqfds == AXV_MAX_IRQFDS) {
		err = -ENOSPC;
	} else {
		list_add(&irqfd->node, &vm->irqfds);
		vm->nr_irqfds++;
	}
	spin_unlock_irq(&vm->irqfd_lock);
	return err;
}

static int add(struct axv_vm *vm, struct file *file, struct eventfd_ctx *ctx,
	       const struct axv_set_irqfd *config)
{
	struct axv_irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	struct axv_resampler *resampler;
	int err;

	if (!irqfd)
		return -ENOMEM;
	irqfd->vm = vm;
	irqfd->gsi = config->gsi;
	irqfd->ctx = ctx;
	init_waitqueue_func_entry(&irqfd->wait, signalled);
	init_poll_funcptr(&irqfd->poll, join);
	if (config->flags & AXV_IRQFD_RESAMPLE) {
		resampler = axv_resampler_add(vm, config->gsi, config->resample_fd);
		if (IS_ERR(resampler)) {
			kfree(irqfd);
			return PTR_ERR(resampler);
		}
		irqfd->resampler = resampler;
	}

	err = put_on(vm, irqfd);
	if (err) {
		if (irqfd->resampler)
			axv_resampler_end(vm, irqfd->resampler);
		kfree(irqfd);
		return err;
	}
	/* vfs_poll() calls join(). */
	vfs_poll(file, &irqfd->poll);
	return 0;
}

static int take_back(struct axv_vm *vm, struct eventfd_ctx *ctx, u32 gsi)
{
	struct axv_irqfd *irqfd;
	LLIST_HEAD(taken);

	spin_lock_irq(&vm->irqfd_lock);
	irqfd = find(vm, ctx);
	if (irqfd && irqfd->gsi == gsi) {
		take_off(vm, irqfd);
		llist_add(&irqfd->ending, &taken);
	}
	spin_unlock_irq(&vm->irqfd_lock);
	if (llist_empty(&taken))
		return -ENOENT;
	end(taken.first);
	return 0;
}

static int check(const struct axv_set_irqfd *config)
{
	bool resample = config->flags & AXV_IRQFD_RESAMPLE;

	if (config->flags & ~(AXV_IRQFD_REMOVE | AXV_IRQFD_RESAMPLE))
		return -EINVAL;
	if (resample && config->flags & AXV_IRQFD_REMOVE)
		return -EINVAL;
	return !resample && config->resample_fd ? -EINVAL : 0;
}

/**
 * axv_set_irqfd() - AXV_VM_SET_IRQFD
 * @vm:		VM whose &axv_vm.lock is held: one call at a time
 * @config:	what userspace wants
 *
 * A reference to the file is held meanwhile, so the file is not closed before the irqfd is
 * in the eventfd's queue.
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP: the irqchip has no routes; -EINVAL: flags that cannot be, or no
 * eventfd; -EBADF; -EEXIST: the eventfd is an irqfd of this VM already; -ENOENT: it is
 * none of this route; -ENOSPC: there are AXV_MAX_IRQFDS; -ENOMEM.
 */
int axv_set_irqfd(struct axv_vm *vm, const struct axv_set_irqfd *config)
{
	struct eventfd_ctx *ctx;
	struct file *file;
	int err;

	lockdep_assert_held(&vm->lock);
	if (!axv_vm_has_routes(vm))
		return -EOPNOTSUPP;
	err = check(config);
	if (err)
		return err;
	file = axv_eventfd_file(config->fd);
	if (!file)
		return -EBADF;
	ctx = axv_eventfd_of_file(file);
	if (IS_ERR(ctx)) {
		err = PTR_ERR(ctx);
		goto out;
	}
	if (config->flags & AXV_IRQFD_REMOVE)
		err = take_back(vm, ctx, config->gsi);
	else
		err = add(vm, file, ctx, config);
	/* Otherwise the irqfd keeps the reference. */
	if (err || config->flags & AXV_IRQFD_REMOVE)
		axv_eventfd_put(ctx);
out:
	fput(file);
	return err;
}

/**
 * axv_irqfds_close() - end all irqfds
 * @vm:		VM whose irqfds no call changes any more: its file is closed, or its address
 *		space is gone
 *
 * Irqfds whose eventfds were closed meanwhile are ended by a worker.  May be called more
 * than once, and by two threads.
 *
 * Context: sleeps.
 */
void axv_irqfds_close(struct axv_vm *vm)
{
	struct axv_irqfd *irqfd;
	LLIST_HEAD(taken);

	do {
		spin_lock_irq(&vm->irqfd_lock);
		irqfd = list_first_entry_or_null(&vm->irqfds, struct axv_irqfd, node);
		if (irqfd) {
			take_off(vm, irqfd);
			llist_add(&irqfd->ending, &taken);
		}
		spin_unlock_irq(&vm->irqfd_lock);
		cond_resched();
	} while (irqfd);
	end(taken.first);
}

/**
 * axv_irqfd_end_all() - end all irqfds, and wait for those that a worker ends
 * @vm:		VM whose file is closed
 *
 * No eventfd uses the VM any more when this returns, but for those that axv_vm_die() is
 * ending in another thread: axv_memory_destroy() waits for that.
 *
 * Context: sleeps.
 */
void axv_irqfd_end_all(struct axv_vm *vm)
{
	axv_irqfds_close(vm);
	/* Irqfds whose eventfds were closed use the VM until the worker has ended them. */
	flush_workqueue(ends);
}

/** axv_irqfd_init() - create the workqueue and prepare resamplers; before the first VM */
int axv_irqfd_init(void)
{
	int err = axv_resample_init();

	if (err)
		return err;
	ends = alloc_workqueue("axvcpu-irqfd", 0, 0);
	if (ends)
		return 0;
	axv_resample_exit();
	return -ENOMEM;
}

/** axv_irqfd_exit() - undo axv_irqfd_init(); after the last VM */
void axv_irqfd_exit(void)
{
	destroy_workqueue(ends);
	axv_resample_exit();
}
