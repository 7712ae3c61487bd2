// SPDX-License-Identifier: GPL-2.0
/*
 * Resample eventfds: they hear that a level interrupt has ended, and whoever holds the
 * level up looks at the device again.
 *
 * A vCPU that ends an interrupt, and a call that adds level routes, walk the list of a gsi
 * under SRCU, since signalling sleeps on a realtime kernel.  Whoever takes resamplers off a
 * list waits for such walks, so nothing is signalled by them any more: once for all of them,
 * since a grace period takes milliseconds and a VM may have 4,096.
 *
 * Each gsi has a list of its own: 4,096 routes may end at once, and one list of 4,096 would
 * be walked for each of them.
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

/* One for all VMs: a walk waits for nothing that a user can stop. */
static struct srcu_struct walks;

/**
 * struct hearers - who hears of the end of a route's interrupts, in &axv_vm.resamplers
 * @list:	of &axv_resampler.node, empty for a moment at most; under the xarray's lock
 */
struct hearers {
	struct list_head list;
};

/**
 * struct axv_resampler - an eventfd that hears of the end of a route's interrupts
 * @node:	in @hearers
 * @hearers:	of @gsi.  Constant.
 * @last:	no other was left when this one was removed: @hearers goes with it
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
 * axv_resampler_remove() - no walk finds the resampler any more
 * @vm:		VM of axv_resampler_add()
 * @resampler:	what that returned.  axv_resampler_free() has to follow, after
 *		axv_resample_wait().
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
 * axv_resample_wait() - nothing is signalled any more by what was removed before
 *
 * Context: sleeps.
 */
void axv_resample_wait(void)
{
	synchronize_srcu(&walks);
}

#if IS_ENABLED(CONFIG_KUNIT)
/* More after each wait: how many grace periods there were. */
unsigned long axv_resample_cookie(void)
{
	return get_state_synchronize_srcu(&walks);
}
#endif

/**
 * axv_resampler_free() - the end of axv_resampler_add()
 * @resampler:	what that returned, removed and waited for
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
 * Under &axv_vm.lock the walk waits for the locks of eventfds alone, under which nobody waits
 * for a walk or for &axv_vm.lock.
 *
 * Context: preemption and interrupts on, no lock held but &axv_vm.lock: on a realtime kernel
 * signalling sleeps.
 * Return: false: there is nobody.
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
