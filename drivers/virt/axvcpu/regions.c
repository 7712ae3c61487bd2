// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of guest memory.
 *
 * A region is never changed in place: a new one is made under &axv_vm.lock, where
 * everything that can fail happens, and put in the place of the old one under
 * &axv_vm.mmu_lock, together with the removal of what the second stage maps of the
 * old region.  A change does not wait for threads that look regions up (region_tree.c):
 * what they have found is thrown away when they see that &axv_vm.mmu_seq has changed.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "memory.h"

#define AXV_REGION_FLAGS	(AXV_REGION_READONLY | AXV_REGION_LOG_DIRTY)

static int axv_check_region(const struct axv_vm *vm,
			    const struct axv_region *region)
{
	if (region->id >= AXV_MAX_REGIONS ||
	    region->flags & ~AXV_REGION_FLAGS || region->address_space ||
	    region->fd != -1 || region->fd_offset)
		return -EINVAL;
	if (!region->size)
		return 0;
	if (!PAGE_ALIGNED(region->gpa | region->size | region->hva))
		return -EINVAL;
	if (region->gpa + region->size < region->gpa ||
	    region->gpa + region->size > BIT_ULL(vm->ipa_bits))
		return -EINVAL;
	if (region->hva + region->size < region->hva ||
	    region->hva != (unsigned long)region->hva ||
	    region->hva != untagged_addr(region->hva) ||
	    !access_ok((void __user *)(unsigned long)region->hva, region->size))
		return -EINVAL;
	return 0;
}

/*
 * The log of a region that is set: that of @old, if it only moves or changes its
 * flags, or a new one.
 */
static struct axv_log *axv_region_log(const struct axv_mem_region *old,
				      const struct axv_mem_region *new)
{
	if (!(new->flags & AXV_REGION_LOG_DIRTY))
		return NULL;
	if (old && old->log && old->size == new->size && old->hva == new->hva)
		return old->log;
	return axv_log_new() ?: ERR_PTR(-ENOMEM);
}

/* A region as userspace asks for it, in none of the trees; or an error pointer. */
static struct axv_region_node *axv_region_new(const struct axv_region *region,
					      const struct axv_region_node *old)
{
	struct axv_region_node *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	struct axv_log *log;

	if (!new)
		return ERR_PTR(-ENOMEM);
	new->region = (struct axv_mem_region){
		.gpa = region->gpa,
		.size = region->size,
		.hva = region->hva,
		.flags = region->flags,
		.id = region->id,
	};
	log = axv_region_log(old ? &old->region : NULL, &new->region);
	if (IS_ERR(log)) {
		kfree(new);
		return ERR_CAST(log);
	}
	new->region.log = log;
	return new;
}

/* Is it the same memory at the same addresses? */
static bool axv_region_stays(const struct axv_mem_region *old,
			     const struct axv_mem_region *new)
{
	return old->gpa == new->gpa && old->size == new->size && old->hva == new->hva;
}

/*
 * Put @new in the place of @old, and remove what the second stage maps of @old; where only
 * the flags change, at most the right to write is taken, and given back by faults.
 * Where nothing of the old region was mapped there is nothing to flush: a fault on
 * an address without a region leaves no trace in the table.
 */
static int axv_commit_region(struct axv_vm *vm, struct axv_region_node *old,
			     struct axv_region_node *new)
{
	bool stays = old && new && axv_region_stays(&old->region, &new->region);
	struct axv_removal removal;

	write_lock(&vm->mmu_lock);
	if (READ_ONCE(vm->dead)) {
		write_unlock(&vm->mmu_lock);
		return -EIO;
	}
	axv_region_replace(vm, old, new);
	if (old && !stays)
		axv_memory_unmap(vm, old->region.gpa, old->region.size, &removal);
	write_unlock(&vm->mmu_lock);

	if (!old)
		return 0;
	if (!stays)
		axv_memory_clean(vm, &removal, old->region.gpa, old->region.size);
	else if (new->region.flags & ~old->region.flags)
		axv_memory_protect(vm, old->region.gpa, old->region.size);
	return 0;
}

/* Free a region that is in no tree any more, or never was; its log unless it is @log. */
static void axv_region_drop(struct axv_region_node *node, const struct axv_log *log)
{
	if (!node)
		return;
	if (node->region.log != log)
		axv_log_put(node->region.log);
	kfree_rcu(node, rcu);
}

/* Under &axv_vm.lock; @new is NULL for a region that is deleted. */
static int axv_change_region(struct axv_vm *vm, u32 id, struct axv_region_node *old,
			     struct axv_region_node *new)
{
	struct xarray *by_id = &vm->regions.by_id;
	int err = 0;

	if (new && axv_region_overlaps(vm, &new->region, old))
		return -EEXIST;
	/*
	 * To store over an entry needs no memory, so the store that puts @old back cannot
	 * fail.
	 */
	if (new)
		err = xa_err(xa_store(by_id, id, new, GFP_KERNEL_ACCOUNT));
	if (err)
		return err;
	err = axv_commit_region(vm, old, new);
	if (err ? !old : !new)
		xa_erase(by_id, id);
	else if (err)
		xa_store(by_id, id, old, GFP_KERNEL_ACCOUNT);
	return err;
}

/**
 * axv_set_region() - add, move, change or delete a region
 * @vm:		VM of the calling thread
 * @region:	as userspace asks for it
 *
 * When it returns, no vCPU sees the old region.  The log of dirty pages goes
 * along when a region only moves or changes its flags.
 *
 * Context: may sleep; takes &axv_vm.lock.
 * Return: 0; -EINVAL: misaligned, out of bounds, or an unknown flag; -EEXIST:
 * it overlaps another region; -ENOENT: there is nothing to delete; -ENOMEM;
 * -EIO: the VM is dead; -EINTR: a fatal signal.  An error changes nothing.
 */
int axv_set_region(struct axv_vm *vm, const struct axv_region *region)
{
	struct axv_region_node *old, *new = NULL;
	int err;

	err = axv_check_region(vm, region);
	if (err)
		return err;

	err = mutex_lock_killable(&vm->lock);
	if (err)
		return err;
	old = axv_named_region(vm, region->id);
	if (region->size) {
		new = axv_region_new(region, old);
		err = PTR_ERR_OR_ZERO(new);
	} else if (!old) {
		err = -ENOENT;
	}
	if (!err) {
		err = axv_change_region(vm, region->id, old, new);
		/*
		 * Frees the old log, or after an error the new one; none if both are the
		 * same.
		 */
		if (err)
			axv_region_drop(new, old ? old->region.log : NULL);
		else
			axv_region_drop(old, new ? new->region.log : NULL);
	}
	mutex_unlock(&vm->lock);
	return err;
}

/* Bytes of a region that are looked at before other threads may have the lock. */
#define USAGE_STEP	((u64)SZ_1G)

/**
 * axv_memory_usage() - what guest memory there is, and what it costs
 * @vm:		any VM
 * @usage:	result; a region that changes meanwhile may be counted in part
 *
 * Context: may sleep; a fatal signal ends the count.
 */
void axv_memory_usage(struct axv_vm *vm, struct axv_memory_usage *usage)
{
	struct axv_mem_region region;
	u64 gpa = 0, size;

	*usage = (struct axv_memory_usage){};
	read_lock(&vm->mmu_lock);
	usage->regions = vm->regions.nr;
	usage->tables = axv_s2_table_bytes(&vm->s2);
	while (axv_region_above(vm, gpa, &region) && !fatal_signal_pending(current)) {
		gpa = max(gpa, region.gpa);
		size = min(region.gpa + region.size - gpa, USAGE_STEP);
		usage->size += size;
		usage->mapped += axv_s2_mapped(&vm->s2, gpa, size);
		gpa += size;
		cond_resched_rwlock_read(&vm->mmu_lock);
	}
	read_unlock(&vm->mmu_lock);
}
