// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells: a guest's write that signals an eventfd instead of ending the run.
 *
 * A vCPU looks doorbells up under RCU.  It takes a reference to the doorbell that it has
 * found, and leaves RCU before it signals, since that wakes waiters, and sleeps with
 * PREEMPT_RT.  The table holds a reference, too.  AXV_DOORBELL_REMOVE takes the doorbell
 * out of the table and waits for the last reference to go; no vCPU gets one after that.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <axvcpu/current.h>
#include <axvcpu/doorbell.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "eventfd.h"

#define BUCKET_BITS	9
#define BUCKETS		BIT(BUCKET_BITS)

#define MAX_PORT	0xffff
#define MAX_PORT_WIDTH	4

/**
 * struct axv_doorbell_node - a doorbell in a table
 * @node:	in a bucket of &axv_doorbells.table
 * @addr:	port or guest physical address.  Constant.
 * @data:	with @match: the value that has to be written; otherwise 0.  Constant.
 * @width:	bytes of the write; 0: any.  Constant.
 * @match:	only @data rings it.  Constant.
 * @eventfd:	what it signals; a reference is held.  Constant.
 * @ref:	the table's, and one for each vCPU that rings it
 * @idle:	completed with the last reference, or NULL; written before the table's
 *		reference goes
 * @rcu:	frees it after those who look doorbells up
 */
struct axv_doorbell_node {
	struct hlist_node node;
	u64 addr;
	u64 data;
	u8 width;
	bool match;
	struct eventfd_ctx *eventfd;
	refcount_t ref;
	struct completion *idle;
	struct rcu_head rcu;
};

#if IS_ENABLED(CONFIG_KUNIT)
const struct axv_eventfd_stub *axv_eventfd_stub;
#endif

/*
 * Many doorbells may have one address and differ in their data (a queue's number), so
 * the data is a part of the hash.
 */
static struct hlist_head *bell_bucket(struct hlist_head *table, u64 addr, bool match,
				      u64 data)
{
	return &table[hash_64(match ? addr ^ ~data : addr, BUCKET_BITS)];
}

static noinline void bell_free(struct axv_doorbell_node *bell)
{
	struct completion *idle = bell->idle;

	axv_eventfd_put(bell->eventfd);
	kfree_rcu(bell, rcu);
	if (idle)
		complete(idle);
}

static __always_inline void bell_put(struct axv_doorbell_node *bell)
{
	if (unlikely(refcount_dec_and_test(&bell->ref)))
		bell_free(bell);
}

/*
 * The doorbell of a write, with a reference, or NULL.  A doorbell that has no reference
 * left is on its way out of the table, and does not count.
 */
static __always_inline struct axv_doorbell_node *
bell_get(struct hlist_head *table, u64 addr, unsigned int width, bool match, u64 data)
{
	struct axv_doorbell_node *bell, *any = NULL;

	hlist_for_each_entry_rcu(bell, bell_bucket(table, addr, match, data), node) {
		if (bell->addr != addr || bell->match != match || bell->data != data)
			continue;
		if (!bell->width)
			any = bell;
		else if (bell->width == width && refcount_inc_not_zero(&bell->ref))
			return bell;
	}
	return any && refcount_inc_not_zero(&any->ref) ? any : NULL;
}

/**
 * __axv_ring_doorbell() - axv_ring_doorbell() where there may be one
 * @vcpu:	vCPU whose claim the caller holds, and whose guest wrote
 * @space:	where
 * @addr:	port, or guest physical address without a region
 * @width:	bytes
 * @data:	what was written
 *
 * Context: as axv_ring_doorbell().
 * Return: as axv_ring_doorbell().
 */
bool __axv_ring_doorbell(struct axv_vcpu *vcpu, enum axv_space space, u64 addr,
			 unsigned int width, u64 data)
{
	const struct axv_doorbells *bells = &vcpu->vm->doorbells;
	struct axv_doorbell_node *bell = NULL;
	struct hlist_head *table;

	axv_assert_claimed(vcpu);
	rcu_read_lock();
	table = rcu_dereference(bells->table[space]);
	if (READ_ONCE(bells->matching[space]))
		bell = bell_get(table, addr, width, true, data);
	if (!bell)
		bell = bell_get(table, addr, width, false, 0);
	rcu_read_unlock();
	if (!bell)
		return false;

	if (AXV_RINGING_SLEEPS)
		lockdep_assert_preemption_enabled();
	axv_eventfd_ring(bell->eventfd);
	axv_count(&vcpu->stats.doorbells, 1);
	bell_put(bell);
	return true;
}

/* ---- changes -------------------------------------------------------------- */

/**
 * axv_doorbell_flags() - the AXV_DOORBELL_* flags that are implemented
 * @ops:	the back end
 */
u32 axv_doorbell_flags(const struct axv_arch_ops *ops)
{
	return AXV_DOORBELL_DATA | AXV_DOORBELL_REMOVE |
	       (ops->has_ports ? AXV_DOORBELL_PORT : 0);
}

static enum axv_space space_of(const struct axv_doorbell *request)
{
	return request->flags & AXV_DOORBELL_PORT ? AXV_SPACE_PORTS : AXV_SPACE_MEMORY;
}

static int check_request(const struct axv_vm *vm, const struct axv_doorbell *request)
{
	bool port = request->flags & AXV_DOORBELL_PORT;
	u64 last = port ? MAX_PORT : BIT_ULL(vm->ipa_bits) - 1;
	unsigned int widest = port ? MAX_PORT_WIDTH : sizeof(u64);
	unsigned int width = request->width;

	if (request->flags & ~axv_doorbell_flags(vm->ops) || request->pad)
		return -EINVAL;
	if (width > widest || (width && !is_power_of_2(width)))
		return -EINVAL;
	if (request->addr > last || (width && last - request->addr < width - 1))
		return -EINVAL;
	if (!(request->flags & AXV_DOORBELL_DATA))
		return request->data ? -EINVAL : 0;
	width = width ?: widest;
	if (width < sizeof(u64) && request->data >> (8 * width))
		return -EINVAL;
	return 0;
}

/* Make the table of a space, if there is none yet.  Zeroes are empty buckets. */
static int make_table(struct axv_doorbells *bells, enum axv_space space)
{
	struct hlist_head *table;

	if (rcu_access_pointer(bells->table[space]))
		return 0;
	table = kvcalloc(BUCKETS, sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	spin_lock(&bells->lock);
	/* Another thread may have been faster. */
	if (!rcu_access_pointer(bells->table[space])) {
		rcu_assign_pointer(bells->table[space], table);
		table = NULL;
	}
	spin_unlock(&bells->lock);
	kvfree(table);
	return 0;
}

static struct hlist_head *locked_table(struct axv_doorbells *bells, enum axv_space space)
{
	return rcu_dereference_protected(bells->table[space], lockdep_is_held(&bells->lock));
}

/* The doorbell of the same address, width and data, whichever eventfd it has; or NULL. */
static struct axv_doorbell_node *find_same(struct axv_doorbells *bells,
					   const struct axv_doorbell *request)
{
	struct hlist_head *table = locked_table(bells, space_of(request));
	bool match = request->flags & AXV_DOORBELL_DATA;
	struct axv_doorbell_node *bell;

	lockdep_assert_held(&bells->lock);
	if (!table)
		return NULL;
	hlist_for_each_entry(bell, bell_bucket(table, request->addr, match, request->data),
			     node)
		if (bell->addr == request->addr && bell->width == request->width &&
		    bell->match == match && bell->data == request->data)
			return bell;
	return NULL;
}

static void count_matching(struct axv_doorbells *bells, enum axv_space space,
			   const struct axv_doorbell_node *bell, int n)
{
	lockdep_assert_held(&bells->lock);
	if (bell->match)
		WRITE_ONCE(bells->matching[space], bells->matching[space] + n);
}

static int bell_insert(struct axv_doorbells *bells, const struct axv_doorbell *request,
		       struct axv_doorbell_node *bell)
{
	enum axv_space space = space_of(request);
	struct hlist_head *table;
	int err = 0;

	spin_lock(&bells->lock);
	if (find_same(bells, request)) {
		err = -EEXIST;
	} else if (bells->nr == AXV_MAX_DOORBELLS) {
		err = -ENOSPC;
	} else {
		table = locked_table(bells, space);
		count_matching(bells, space, bell, 1);
		hlist_add_head_rcu(&bell->node, bell_bucket(table, bell->addr, bell->match,
							    bell->data));
		WRITE_ONCE(bells->nr, bells->nr + 1);
	}
	spin_unlock(&bells->lock);
	return err;
}

/* Take a doorbell out of its table.  The table's reference is the caller's now. */
static void bell_unlink(struct axv_doorbells *bells, enum axv_space space,
			struct axv_doorbell_node *bell)
{
	lockdep_assert_held(&bells->lock);
	hlist_del_rcu(&bell->node);
	count_matching(bells, space, bell, -1);
	WRITE_ONCE(bells->nr, bells->nr - 1);
}

static int bell_add(struct axv_doorbells *bells, const struct axv_doorbell *request)
{
	struct axv_doorbell_node *bell = kzalloc(sizeof(*bell), GFP_KERNEL_ACCOUNT);
	int err;

	if (!bell)
		return -ENOMEM;
	bell->addr = request->addr;
	bell->data = request->data;
	bell->width = request->width;
	bell->match = request->flags & AXV_DOORBELL_DATA;
	refcount_set(&bell->ref, 1);
	bell->eventfd = axv_eventfd_get(request->fd);
	if (IS_ERR(bell->eventfd)) {
		err = PTR_ERR(bell->eventfd);
		goto err_free;
	}
	err = make_table(bells, space_of(request));
	if (!err)
		err = bell_insert(bells, request, bell);
	if (!err)
		return 0;
	axv_eventfd_put(bell->eventfd);
err_free:
	kfree(bell);
	return err;
}

/*
 * Take the doorbell of a request out of its table, if it has @eventfd; NULL: any eventfd.
 */
static struct axv_doorbell_node *bell_take(struct axv_doorbells *bells,
					   const struct axv_doorbell *request,
					   const struct eventfd_ctx *eventfd)
{
	struct axv_doorbell_node *bell;

	spin_lock(&bells->lock);
	bell = find_same(bells, request);
	if (bell && eventfd && bell->eventfd != eventfd)
		bell = NULL;
	if (bell)
		bell_unlink(bells, space_of(request), bell);
	spin_unlock(&bells->lock);
	return bell;
}

/*
 * Remove a doorbell, and wait for vCPUs that ring it just now: threads of the same VMM,
 * between two entries of the guest.
 */
static int bell_remove(struct axv_doorbells *bells, const struct axv_doorbell *request)
{
	DECLARE_COMPLETION_ONSTACK(idle);
	struct eventfd_ctx *eventfd = NULL;
	struct axv_doorbell_node *bell;

	if (request->fd != -1) {
		eventfd = axv_eventfd_get(request->fd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
	}
	bell = bell_take(bells, request, eventfd);
	if (eventfd)
		axv_eventfd_put(eventfd);
	if (!bell)
		return -ENOENT;
	bell->idle = &idle;
	bell_put(bell);
	wait_for_completion(&idle);
	return 0;
}

/**
 * axv_set_doorbell() - add or remove a doorbell
 * @vm:		VM of the calling thread
 * @request:	as userspace asks for it
 *
 * A doorbell that is removed signals no more when this returns.
 *
 * Context: may sleep; takes &axv_doorbells.lock.
 * Return: 0; -EINVAL: no such doorbell can be; -EEXIST: it is there; -ENOENT: there is
 * none to remove; -ENOSPC: there are AXV_MAX_DOORBELLS; -ENOMEM; or what
 * eventfd_ctx_fdget() says.  An error changes nothing.
 */
int axv_set_doorbell(struct axv_vm *vm, const struct axv_doorbell *request)
{
	int err;

	err = check_request(vm, request);
	if (err)
		return err;
	if (request->flags & AXV_DOORBELL_REMOVE)
		return bell_remove(&vm->doorbells, request);
	return bell_add(&vm->doorbells, request);
}

/* ---- the VM's life -------------------------------------------------------- */

/**
 * axv_doorbells_init() - prepare a VM to have doorbells
 * @vm:		a new VM, zeroed
 */
void axv_doorbells_init(struct axv_vm *vm)
{
	spin_lock_init(&vm->doorbells.lock);
}

static struct axv_doorbell_node *bell_pop(struct axv_doorbells *bells,
					  enum axv_space space,
					  struct hlist_head *bucket)
{
	struct axv_doorbell_node *bell;

	spin_lock(&bells->lock);
	bell = hlist_entry_safe(bucket->first, struct axv_doorbell_node, node);
	if (bell)
		bell_unlink(bells, space, bell);
	spin_unlock(&bells->lock);
	return bell;
}

/**
 * axv_doorbells_close() - remove all doorbells
 * @vm:		VM whose doorbells no call changes any more: its descriptor is closed, or
 *		its address space is gone
 *
 * Does not wait for vCPUs that ring one just now, since the descriptor may be closed by a
 * kernel thread, which must not be held up; such a vCPU frees the doorbell.  May be called
 * more than once, and by two threads.
 *
 * Context: process context.
 */
void axv_doorbells_close(struct axv_vm *vm)
{
	struct axv_doorbells *bells = &vm->doorbells;
	struct axv_doorbell_node *bell;
	struct hlist_head *table;
	unsigned int space, i;

	for (space = 0; space < AXV_SPACES; space++) {
		/* A table stays as long as the VM. */
		table = rcu_dereference_protected(bells->table[space], true);
		for (i = 0; table && i < BUCKETS; i++)
			while ((bell = bell_pop(bells, space, &table[i]))) {
				bell_put(bell);
				cond_resched();
			}
	}
}

/**
 * axv_doorbells_destroy() - remove all doorbells, and free the tables
 * @vm:		VM to which no reference is left
 *
 * Context: may sleep.
 */
void axv_doorbells_destroy(struct axv_vm *vm)
{
	unsigned int space;

	axv_doorbells_close(vm);
	for (space = 0; space < AXV_SPACES; space++)
		kvfree(rcu_dereference_protected(vm->doorbells.table[space], true));
}
