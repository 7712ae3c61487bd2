// SPDX-License-Identifier: GPL-2.0
/*
 * Resample eventfds: signalled when a level interrupt has ended, so that their owner looks
 * whether the device still holds the level up.
 *
 * A vCPU that ends an interrupt, and a call that adds level routes, walk the list of a gsi
 * under SRCU, since signalling sleeps on a realtime kernel.  A thread that takes resamplers
 * off their lists waits for such walks to end, after which they signal nothing any more.
 * It waits once for all of them, since a grace period takes milliseconds and a VM may have
 * 4,096.
 *
 * Each gsi has a list of its own.  With a single list, all 4,096 resamplers would be walked
 * for each of the 4,096 routes that may end at once.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/xarray.h>

#include <axvcpu/route.h>
#include <axvcpu/vm.h>

#include "eventfd.h"
#include "resample.h"

/* One for all VMs is enough: no walk waits for something that a user can delay. */
static struct srcu_struct walks;

/**
 * struct hearers - the resamplers of a gsi, in &axv_vm.resamplers
 * @list:	of &axv_resampler.node; changed under the xarray's lock.  Once the list is empty,
 *		the structure is taken out of the array under the same lock
 */
struct hearers {
	struct list_head list;
};

/**
 * struct axv_resampler - an eventfd that is signalled when a route's interrupts end
 * @node:	in the list of @hearers
 * @hearers:	those of @gsi.  Constant.
 * @last:	no other was left in @hearers when this one was removed: free @hearers with
 *		it
 * @gsi:	the route, which need not be there.  Constant.
 * @eventfd:	what is signalled; a reference is held.  Constant.
 */
struct axv_resampler {
	struct list_head node;
	struct hearers *hearers;
	bool last;
	u32 gsi;
	struct eventfd_ctx *eventfd;
};

static int put_on(struct axv_vm *vm, struct axv_resampler *resampler)
{
	struct hearers *blank = kzalloc(sizeof(*blank), GFP_KERNEL_ACCOUNT);
	XA_STATE(xas, &vm->resamplers, resampler->gsi);
	struct hearers *hearers;

	if (!blank)
		return -ENOMEM;
	INIT_LIST_HEAD(&blank->list);
	do {
		xas_lock(&xas);
		hearers = xas_load(&xas);
		if (!hearers) {
			hearers = blank;
			xas_store(&xas, hearers);
		}
		if (!xas_error(&xas)) {
			resampler->hearers = hearers;
			list_add_tail_rcu(&resampler->node, &hearers->list);
		}
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL_ACCOUNT));
	if (resampler->hearers != blank)
		kfree(blank);
	return xas_error(&xas);
}

/**
 * axv_resampler_add() - have an eventfd signalled when a route's interrupts end
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
	int err;

	if (!resampler)
		return ERR_PTR(-ENOMEM);
	resampler->gsi = gsi;
	resampler->eventfd = axv_eventfd_get(fd);
	if (IS_ERR(resampler->eventfd)) {
		err = PTR_ERR(resampler->eventfd);
		goto err_free;
	}
	err = put_on(vm, resampler);
	if (!err)
		return resampler;
	axv_eventfd_put(resampler->eventfd);
err_free:
	kfree(resampler);
	return ERR_PTR(err);
}

/**
 * axv_resampler_remove() - take a resampler off its list, so that no later walk finds it
 * @vm:		VM of axv_resampler_add()
 * @resampler:	what axv_resampler_add() returned.  axv_resample_wait() and then
 *		axv_resampler_free() have to follow
 *
 * Context: process context.
 */
void axv_resampler_remove(struct axv_vm *vm, struct axv_resampler *resampler)
{
	xa_lock(&vm->resamplers);
	list_del_rcu(&resampler->node);
	resampler->last = list_empty(&resampler->hearers->list);
	if (resampler->last)
		__xa_erase(&vm->resamplers, resampler->gsi);
	xa_unlock(&vm->resamplers);
}

/**
 * axv_resample_wait() - wait until resamplers that were removed before signal nothing more
 *
 * Context: sleeps.
 */
void axv_resample_wait(void)
{
	synchronize_srcu(&walks);
}

#if IS_ENABLED(CONFIG_KUNIT)
/* For tests: a number that changes with each grace period that was waited for. */
unsigned long axv_resample_cookie(void)
{
	return get_state_synchronize_srcu(&walks);
}
#endif

/**
 * axv_resampler_free() - free a resampler
 * @resampler:	what axv_resampler_add() returned, removed, and axv_resample_wait() called
 *		since
 *
 * Context: process context.
 */
void axv_resampler_free(struct axv_resampler *resampler)
{
	axv_eventfd_put(resampler->eventfd);
	if (resampler->last)
		kfree(resampler->hearers);
	kfree(resampler);
}

/**
 * axv_resampler_end() - remove a resampler, wait until it signals nothing, and free it
 * @vm:		VM of axv_resampler_add()
 * @resampler:	what axv_resampler_add() returned
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
 * axv_resample() - signal the resample eventfds of a route
 * @vm:		VM whose file, or a vCPU's, is open
 * @gsi:	number of the route
 *
 * The caller may hold &axv_vm.lock: the walk waits for locks of eventfds only, and no
 * holder of such a lock waits for a walk or for &axv_vm.lock.
 *
 * Context: preemption and interrupts on, no lock held but &axv_vm.lock: on a realtime kernel
 * signalling sleeps.
 * Return: false: the route has none.
 */
bool axv_resample(struct axv_vm *vm, u32 gsi)
{
	struct axv_resampler *resampler;
	struct hearers *hearers;
	bool heard = false;
	int idx;

	lockdep_assert_preemption_enabled();
	idx = srcu_read_lock(&walks);
	hearers = xa_load(&vm->resamplers, gsi);
	if (!hearers)
		goto out;
	list_for_each_entry_srcu(resampler, &hearers->list, node,
				 srcu_read_lock_held(&walks)) {
		axv_eventfd_ring(resampler->eventfd);
		heard = true;
		cond_resched();
	}
out:
	srcu_read_unlock(&walks, idx);
	return heard;
}

/** axv_resample_init() - prepare for walks; before the first VM */
int axv_resample_init(void)
{
	return init_srcu_struct(&walks);
}

/** axv_resample_exit() - undo axv_resample_init(); after the last VM */
void axv_resample_exit(void)
{
	cleanup_srcu_struct(&walks);
}
