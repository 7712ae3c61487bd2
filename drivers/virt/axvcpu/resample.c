// SPDX-License-Identifier: GPL-2.0
/*
 * Resample eventfds: they hear that a level interrupt has ended, and whoever holds the
 * level up looks at the device again.
 *
 * A vCPU that ends an interrupt, and a call that adds level routes, walk the VM's list under
 * SRCU, since signalling sleeps on a realtime kernel.  Whoever takes resamplers off the list
 * waits for such walks, so nothing is signalled by them any more: once for all of them, since
 * a grace period takes milliseconds and a VM may have 4,096.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/xarray.h>

#include <axvcpu/route.h>
#include <axvcpu/vm.h>

#include "eventfd.h"
#include "resample.h"

/* One for all VMs: a walk waits for nothing that a user can stop. */
static struct srcu_struct walks;

/**
 * struct axv_resampler - an eventfd that hears of the end of a route's interrupts
 * @node:	in &axv_vm.resamplers
 * @gsi:	the route, which need not be there.  Constant.
 * @eventfd:	what is signalled; a reference is held.  Constant.
 */
struct axv_resampler {
	struct list_head node;
	u32 gsi;
	struct eventfd_ctx *eventfd;
};

/**
 * axv_resampler_add() - an eventfd hears of the end of a route's interrupts
 * @vm:		any VM
 * @gsi:	number of the route
 * @fd:		descriptor of the eventfd
 *
 * Context: may sleep.
 * Return: what axv_resampler_end() takes, or an error pointer: -ENOMEM, or what
 * eventfd_ctx_fdget() says.
 */
struct axv_resampler *axv_resampler_add(struct axv_vm *vm, u32 gsi, int fd)
{
	struct axv_resampler *resampler = kzalloc(sizeof(*resampler), GFP_KERNEL_ACCOUNT);
	struct eventfd_ctx *eventfd;

	if (!resampler)
		return ERR_PTR(-ENOMEM);
	eventfd = axv_eventfd_get(fd);
	if (IS_ERR(eventfd)) {
		kfree(resampler);
		return ERR_CAST(eventfd);
	}
	resampler->gsi = gsi;
	resampler->eventfd = eventfd;
	spin_lock(&vm->resampler_lock);
	list_add_tail_rcu(&resampler->node, &vm->resamplers);
	spin_unlock(&vm->resampler_lock);
	return resampler;
}

/**
 * axv_resampler_remove() - no walk finds the resampler any more
 * @vm:		VM of axv_resampler_add()
 * @resampler:	what that returned.  axv_resampler_free() has to follow, after
 *		axv_resample_wait().
 *
 * Context: process context.
 */
void axv_resampler_remove(struct axv_vm *vm, struct axv_resampler *resampler)
{
	spin_lock(&vm->resampler_lock);
	list_del_rcu(&resampler->node);
	spin_unlock(&vm->resampler_lock);
}

/**
 * axv_resample_wait() - nothing is signalled any more by what was removed before
 *
 * Context: sleeps.
 */
void axv_resample_wait(void)
{
	synchronize_srcu(&walks);
}

/**
 * axv_resampler_free() - the end of axv_resampler_add()
 * @resampler:	what that returned, removed and waited for
 *
 * Context: process context.
 */
void axv_resampler_free(struct axv_resampler *resampler)
{
	axv_eventfd_put(resampler->eventfd);
	kfree(resampler);
}

/**
 * axv_resampler_end() - remove one, wait, and free it
 * @vm:		VM of axv_resampler_add()
 * @resampler:	what that returned; nothing is signalled by it any more
 *
 * Context: sleeps.
 */
void axv_resampler_end(struct axv_vm *vm, struct axv_resampler *resampler)
{
	axv_resampler_remove(vm, resampler);
	axv_resample_wait();
	axv_resampler_free(resampler);
}

/**
 * axv_resample() - signal all who hear of the end of a route's interrupts
 * @vm:		VM whose file, or a vCPU's, is open
 * @gsi:	number of the route
 *
 * Context: preemption and interrupts on, no lock held: on a realtime kernel signalling
 * sleeps.
 * Return: false: there is nobody.
 */
bool axv_resample(struct axv_vm *vm, u32 gsi)
{
	struct axv_resampler *resampler;
	bool heard = false;
	int idx;

	lockdep_assert_preemption_enabled();
	idx = srcu_read_lock(&walks);
	list_for_each_entry_srcu(resampler, &vm->resamplers, node,
				 srcu_read_lock_held(&walks)) {
		if (resampler->gsi != gsi)
			continue;
		axv_eventfd_ring(resampler->eventfd);
		heard = true;
		cond_resched();
	}
	srcu_read_unlock(&walks, idx);
	return heard;
}

/**
 * axv_resample_new() - signal all who hear of the end of a new route's interrupts
 * @vm:		VM whose &axv_vm.lock is held: the routes that have AXV_ROUTE_MARK_NEW keep it,
 *		and nobody else is added to those who hear
 *
 * Under the lock the walk waits for the locks of eventfds alone, under which nobody waits
 * for a walk or for &axv_vm.lock.
 *
 * Context: process context, preemption and interrupts on, no other lock held.
 */
void axv_resample_new(struct axv_vm *vm)
{
	struct axv_resampler *resampler;
	int idx;

	lockdep_assert_held(&vm->lock);
	idx = srcu_read_lock(&walks);
	list_for_each_entry_srcu(resampler, &vm->resamplers, node,
				 srcu_read_lock_held(&walks)) {
		if (xa_get_mark(&vm->routes, resampler->gsi, AXV_ROUTE_MARK_NEW))
			axv_eventfd_ring(resampler->eventfd);
		cond_resched();
	}
	srcu_read_unlock(&walks, idx);
}

/** axv_resample_init() - before the first VM */
int axv_resample_init(void)
{
	return init_srcu_struct(&walks);
}

/** axv_resample_exit() - after the last VM */
void axv_resample_exit(void)
{
	cleanup_srcu_struct(&walks);
}
