// SPDX-License-Identifier: GPL-2.0
/*
 * The trees in which regions of guest memory are looked for.
 *
 * By guest physical address there are two trees with the same regions, so that a
 * lookup takes no lock: a change goes into one of them while lookups use the other.
 * The latch says which, and a lookup that finds the latch changed at its end starts anew.
 * A region is freed after a grace period, since a lookup that has to start anew may still
 * stand on it.
 */
#include <linux/interval_tree.h>
#include <linux/lockdep.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/seqlock.h>
#include <linux/slab.h>

#include "memory.h"

/* The region of a node in tree @copy. */
static struct axv_region_node *by_gpa_entry(struct rb_node *node, unsigned int copy)
{
	return container_of(node - copy, struct axv_region_node, by_gpa[0]);
}

/* First region of one tree that ends above @gpa, or NULL. */
static struct axv_region_node *first_above(const struct axv_regions *regions,
					   unsigned int copy, u64 gpa)
{
	struct rb_node *node = rcu_dereference_raw(regions->by_gpa[copy].rb_node);
	struct axv_region_node *found = NULL;

	while (node) {
		struct axv_region_node *at = by_gpa_entry(node, copy);

		if (gpa < at->region.gpa + at->region.size) {
			found = at;
			if (gpa >= at->region.gpa)
				break;
			node = rcu_dereference_raw(node->rb_left);
		} else {
			node = rcu_dereference_raw(node->rb_right);
		}
	}
	return found;
}

/**
 * axv_region_above() - the first region that ends above an address
 * @vm:		any VM
 * @gpa:	guest physical address
 * @region:	a copy of it
 *
 * The region may have changed by the time this returns.  The caller finds that out if it
 * has read &axv_vm.mmu_seq before, by axv_memory_seq().
 *
 * Context: any but NMI; takes no lock.
 * Return: false: there is none.
 */
bool axv_region_above(struct axv_vm *vm, u64 gpa, struct axv_mem_region *region)
{
	const struct axv_regions *regions = &vm->regions;
	struct axv_region_node *found;
	unsigned int seq;

	rcu_read_lock();
	do {
		seq = read_seqcount_latch(&regions->latch);
		found = first_above(regions, seq & 1, gpa);
		if (found)
			*region = found->region;
	} while (read_seqcount_latch_retry(&regions->latch, seq));
	rcu_read_unlock();
	return found;
}

/**
 * axv_region_overlaps() - is there a region in a range already?
 * @vm:		VM whose &axv_vm.lock is held: no thread changes the trees
 * @new:	the range
 * @except:	a region that does not count, or NULL
 */
bool axv_region_overlaps(struct axv_vm *vm, const struct axv_mem_region *new,
			 const struct axv_region_node *except)
{
	struct axv_region_node *at;
	struct rb_node *next;

	lockdep_assert_held(&vm->lock);
	at = first_above(&vm->regions, 0, new->gpa);
	if (at && at == except) {
		next = rb_next(&at->by_gpa[0]);
		at = next ? by_gpa_entry(next, 0) : NULL;
	}
	return at && at->region.gpa < new->gpa + new->size;
}

static void insert_by_gpa(struct axv_regions *regions, unsigned int copy,
			  struct axv_region_node *new)
{
	struct rb_node **link = &regions->by_gpa[copy].rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (new->region.gpa < by_gpa_entry(parent, copy)->region.gpa)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node_rcu(&new->by_gpa[copy], parent, link);
	rb_insert_color(&new->by_gpa[copy], &regions->by_gpa[copy]);
}

static void change_by_gpa(struct axv_regions *regions, unsigned int copy,
			  struct axv_region_node *old, struct axv_region_node *new)
{
	if (old)
		rb_erase(&old->by_gpa[copy], &regions->by_gpa[copy]);
	if (new)
		insert_by_gpa(regions, copy, new);
}

/**
 * axv_region_replace() - put a region into the trees, in the place of another
 * @vm:		VM whose &axv_vm.lock and, exclusively, &axv_vm.mmu_lock are held
 * @old:	the other, which the caller frees by kfree_rcu() afterwards; or NULL
 * @new:	the region, which overlaps none but @old; or NULL
 *
 * To a lookup by gpa the change is one step: an address that is in both regions is in one
 * of them all the time.
 */
void axv_region_replace(struct axv_vm *vm, struct axv_region_node *old,
			struct axv_region_node *new)
{
	struct axv_regions *regions = &vm->regions;

	lockdep_assert_held_write(&vm->mmu_lock);
	write_seqcount_latch_begin(&regions->latch);
	change_by_gpa(regions, 0, old, new);
	write_seqcount_latch(&regions->latch);
	change_by_gpa(regions, 1, old, new);
	write_seqcount_latch_end(&regions->latch);

	if (old)
		interval_tree_remove(&old->by_hva, &regions->by_hva);
	if (new) {
		new->by_hva.start = new->region.hva;
		new->by_hva.last = new->region.hva + new->region.size - 1;
		interval_tree_insert(&new->by_hva, &regions->by_hva);
	}
	regions->nr += !!new - !!old;
	axv_memory_changed(vm);
}

/**
 * axv_region_detach() - take all regions out of the trees
 * @vm:		VM whose &axv_vm.mmu_lock is held exclusively
 *
 * Return: the regions, for axv_region_free() without the lock.
 */
struct rb_root axv_region_detach(struct axv_vm *vm)
{
	struct axv_regions *regions = &vm->regions;
	struct rb_root detached = regions->by_hva.rb_root;

	lockdep_assert_held_write(&vm->mmu_lock);
	write_seqcount_latch_begin(&regions->latch);
	WRITE_ONCE(regions->by_gpa[0].rb_node, NULL);
	write_seqcount_latch(&regions->latch);
	WRITE_ONCE(regions->by_gpa[1].rb_node, NULL);
	write_seqcount_latch_end(&regions->latch);
	regions->by_hva = RB_ROOT_CACHED;
	regions->nr = 0;
	axv_memory_changed(vm);
	return detached;
}

/**
 * axv_region_free() - free regions that were taken out of the trees
 * @detached:	by axv_region_detach()
 *
 * Context: may sleep.
 */
void axv_region_free(struct rb_root detached)
{
	struct axv_region_node *at, *next;

	rbtree_postorder_for_each_entry_safe(at, next, &detached, by_hva.rb) {
		axv_log_put(at->region.log);
		kfree_rcu(at, rcu);
		cond_resched();
	}
}

/**
 * axv_region_init() - make the trees empty
 * @regions:	of a new VM
 */
void axv_region_init(struct axv_regions *regions)
{
	seqcount_latch_init(&regions->latch);
	regions->by_gpa[0] = RB_ROOT;
	regions->by_gpa[1] = RB_ROOT;
	regions->by_hva = RB_ROOT_CACHED;
	xa_init_flags(&regions->by_id, XA_FLAGS_ACCOUNT);
	regions->nr = 0;
}
