/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VM: memory, time and the vCPUs that share them.
 */
#ifndef _AXVCPU_VM_H
#define _AXVCPU_VM_H

#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/minmax.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include <axvcpu/arch.h>
#include <axvcpu/stage2.h>

#define AXV_MAX_REGIONS		512
#define AXV_MAX_VCPUS		1024

/**
 * struct axv_memslot - one region of guest memory
 * @gpa:	guest physical address
 * @size:	bytes; 0: the slot is empty
 * @hva:	address in the VMM
 * @flags:	AXV_REGION_*
 * @slot:	the number userspace gave it
 * @dirty:	one bit per page, with AXV_REGION_LOG_DIRTY
 */
struct axv_memslot {
	u64 gpa;
	u64 size;
	unsigned long hva;
	u32 flags;
	u32 slot;
	unsigned long *dirty;
};

/**
 * struct axv_vm - one virtual machine
 * @ref:	vCPUs and the front end hold references
 * @ops:	the back end.  Constant.
 * @id:		unique while the module is loaded.  Constant.
 * @irqchip:	an &enum axv_irqchip.  Constant.
 * @ipa_bits:	width of guest physical addresses.  Constant.
 * @flags:	AXV_VM_*.  Constant.
 * @mm:		memory of the VMM; the structure is held (mmgrab), its contents
 *		are not.  Constant.
 * @lock:	serialises creation of vCPUs, changes of regions and tables.
 *		Sleeps; the outermost lock of the core.
 * @vcpus:	by id; written under @lock, walked under RCU or @lock.  A vCPU
 *		is here from its creation to its axv_vcpu_close().
 * @notifier:	follows @mm
 * @mmu_lock:	guards @regions, @nr_regions, @mmu_seq, the invalidations, @s2
 *		and the dirty bitmaps.  Inside mmap_lock and the page-table
 *		locks of @mm, never around them.
 * @regions:	sorted by gpa; replaced under @lock and @mmu_lock, so either is
 *		enough for reading
 * @nr_regions:	how many
 * @mmu_seq:	changes whenever a translation that was looked up before may no
 *		longer hold: a region changed or the host takes pages away
 * @invalidating: invalidations of the host in progress
 * @invalidate_start: lowest hva of those in progress
 * @invalidate_end: end of the highest
 * @invalidate_wait: where faults wait for their end
 * @s2:		the second-stage table
 * @tlb_gen:	counts removals from @s2; a vCPU whose last flush is older
 *		flushes before it enters
 * @flush_cpus:	of a flush, the CPUs to be interrupted; under @mmu_lock
 * @dead:	the VMM's memory is gone; set once
 * @has_hardware: a reference on the hardware is held; taken away by xchg(),
 *		since the death of @mm and the last reference may race
 * @debugfs:	directory of the VM
 */
struct axv_vm {
	struct kref ref;
	const struct axv_arch_ops *ops;
	u32 id;
	u32 irqchip;
	u32 ipa_bits;
	u32 flags;
	struct mm_struct *mm;
	struct mutex lock;	/* vCPUs, changes of regions and tables */
	struct xarray vcpus;

	struct mmu_notifier notifier;
	spinlock_t mmu_lock;	/* memory */
	struct axv_memslot *regions;
	u32 nr_regions;
	unsigned long mmu_seq;
	unsigned long invalidating;
	unsigned long invalidate_start;
	unsigned long invalidate_end;
	wait_queue_head_t invalidate_wait;
	struct axv_stage2 s2;
	atomic64_t tlb_gen;
	cpumask_var_t flush_cpus;

	bool dead;
	bool has_hardware;
	struct dentry *debugfs;
};

/**
 * axv_max_vcpus() - how many vCPUs a VM may have; ids are below
 * @ops:	the back end
 *
 * Every vCPU has a hw_id of its own, so there are no more than those.
 */
static inline u32 axv_max_vcpus(const struct axv_arch_ops *ops)
{
	return min_t(u64, AXV_MAX_VCPUS, ops->max_hw_id + 1);
}

/* vm.c: the object */
struct axv_vm *axv_vm_new(const struct axv_arch_ops *ops,
			  const struct axv_create_vm *config);
void axv_vm_get(struct axv_vm *vm);
void axv_vm_put(struct axv_vm *vm);
void axv_vm_die(struct axv_vm *vm);
int axv_vm_inject(struct axv_vm *vm, const struct axv_inject *event);
int axv_query(const struct axv_arch_ops *ops, u32 id, u64 *value);

/**
 * axv_vm_is_mine() - may this thread use the VM?
 * @vm:		any VM
 *
 * A VM belongs to one address space, while that lives.
 */
static inline bool axv_vm_is_mine(const struct axv_vm *vm)
{
	return likely(current->mm == vm->mm && !READ_ONCE(vm->dead));
}

void axv_vm_flush_on_entry(struct axv_vm *vm);

/* notifier.c: the host's memory, followed */
int axv_memory_init(struct axv_vm *vm);
void axv_memory_release(struct axv_vm *vm);
void axv_memory_destroy(struct axv_vm *vm);

/* regions.c: what guest memory there is, and which of it was written */
int axv_set_region(struct axv_vm *vm, const struct axv_region *region);
int axv_get_dirty(struct axv_vm *vm, u32 slot, u64 first_page, u64 nr_pages,
		  unsigned long *bitmap);
void axv_put_dirty(struct axv_vm *vm, u32 slot, u64 first_page, u64 nr_pages,
		   const unsigned long *bitmap);

/* fault.c: memory on demand */

/**
 * enum axv_fault_result - what became of a second-stage fault
 * @AXV_FAULT_RESOLVED:	mapped; enter again
 * @AXV_FAULT_MMIO:	no region there
 * @AXV_FAULT_PROTECTED: a write to a read-only region
 * @AXV_FAULT_FAILED:	the host's mapping refuses; an error goes with it
 * @AXV_FAULT_AGAIN:	a signal is pending; nothing was done
 */
enum axv_fault_result {
	AXV_FAULT_RESOLVED,
	AXV_FAULT_MMIO,
	AXV_FAULT_PROTECTED,
	AXV_FAULT_FAILED,
	AXV_FAULT_AGAIN,
};

enum axv_fault_result axv_memory_fault(struct axv_vm *vm, u64 gpa, u32 access,
				       int *error);
void axv_memory_forget(struct axv_vm *vm);

/* guestmem.c: guest memory as the kernel itself touches it */

/**
 * struct axv_guest_peek - words of guest memory, read without waiting for any
 * @vm:		whose memory
 * @gpa:	region in which the last one was found
 * @size:	its size, 0: none yet
 * @hva:	its address in the VMM
 * @held:	it goes on: &axv_vm.mmu_lock is held
 */
struct axv_guest_peek {
	struct axv_vm *vm;
	u64 gpa;
	u64 size;
	unsigned long hva;
	bool held;
};

void axv_guest_peek_begin(struct axv_guest_peek *peek, struct axv_vm *vm);
void axv_guest_peek_end(struct axv_guest_peek *peek);
bool axv_guest_peek_find(struct axv_guest_peek *peek, u64 gpa);

/**
 * axv_guest_peek() - read a word
 * @peek:	begun
 * @gpa:	guest physical address; all of the word is in one page
 * @size:	4 or 8 bytes
 * @value:	result; a single access if it is aligned
 *
 * Context: see axv_guest_peek_begin().
 * Return: false: it has ended, there is no memory, or the host does not have
 * the page at hand.  axv_guest_read() tells, after the end.
 */
static inline bool axv_guest_peek(struct axv_guest_peek *peek, u64 gpa,
				  unsigned int size, u64 *value)
{
	const void __user *user;
	u32 half;

	if (unlikely(!peek->held))
		return false;
	if (unlikely(gpa - peek->gpa >= peek->size) &&
	    !axv_guest_peek_find(peek, gpa))
		return false;

	user = (const void __user *)(peek->hva + (gpa - peek->gpa));
	if (likely(size == sizeof(*value)))
		return !get_user(*value, (const u64 __user *)user);
	if (get_user(half, (const u32 __user *)user))
		return false;
	*value = half;
	return true;
}

int axv_guest_read(struct axv_vm *vm, u64 gpa, void *data, size_t size);
int axv_guest_write(struct axv_vm *vm, u64 gpa, const void *data, size_t size);
int axv_guest_cmpxchg64(struct axv_vm *vm, u64 gpa, u64 *old, u64 new,
			unsigned int size);
bool axv_gpa_is_ram(struct axv_vm *vm, u64 gpa, bool write);

#endif /* _AXVCPU_VM_H */
