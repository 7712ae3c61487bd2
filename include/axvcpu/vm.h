/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VM: memory, time and the vCPUs that share them.
 */
#ifndef _AXVCPU_VM_H
#define _AXVCPU_VM_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/minmax.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <linux/rbtree.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <asm/barrier.h>

#include <axvcpu/arch.h>
#include <axvcpu/stage2.h>
#include <axvcpu/vcpu.h>

struct pid;

#define AXV_MAX_REGIONS		32768
#define AXV_MAX_VCPUS		1024
#define AXV_MAX_DOORBELLS	4096

/**
 * struct axv_log - which pages of a region were written
 * @ref:	references: the region's, and that of a fault while it adds a chunk
 * @chunks:	pieces of a bitmap, one page each; pages of a chunk that is not there are
 *		clean.  Chunks are added without a lock; their bits are set atomically with
 *		&axv_vm.mmu_lock held, and cleared with it held for writing
 */
struct axv_log {
	struct kref ref;
	struct xarray chunks;
};

/**
 * struct axv_mem_region - one region of guest memory
 * @gpa:	guest physical address
 * @size:	bytes, not 0
 * @hva:	address in the VMM
 * @flags:	AXV_REGION_*
 * @id:		the number userspace gave it
 * @log:	with AXV_REGION_LOG_DIRTY: what was written, otherwise NULL.  A copy of the region
 *		has the same pointer; it may be used only under &axv_vm.mmu_lock, if
 *		&axv_vm.mmu_seq is what it was when the copy was made
 */
struct axv_mem_region {
	u64 gpa;
	u64 size;
	unsigned long hva;
	u32 flags;
	u32 id;
	struct axv_log *log;
};

/**
 * struct axv_regions - the regions of a VM, region_tree.c
 * @latch:	tells which tree of @by_gpa is not being changed
 * @by_gpa:	two trees with the same regions, by guest physical address; looked at under
 *		RCU
 * @by_hva:	the same regions, by address in the VMM; under &axv_vm.mmu_lock
 * @by_id:	the same regions, by number; under &axv_vm.lock
 * @nr:		how many
 *
 * All but @by_id is changed under &axv_vm.lock, with &axv_vm.mmu_lock held for writing.
 */
struct axv_regions {
	seqcount_latch_t latch;
	struct rb_root by_gpa[2];
	struct rb_root_cached by_hva;
	struct xarray by_id;
	u32 nr;
};

/**
 * enum axv_space - the kinds of addresses that a guest uses
 * @AXV_SPACE_MEMORY: guest physical memory
 * @AXV_SPACE_PORTS: x86: ports
 * @AXV_SPACES:	number of them
 */
enum axv_space {
	AXV_SPACE_MEMORY,
	AXV_SPACE_PORTS,
	AXV_SPACES,
};

/**
 * struct axv_doorbells - the doorbells of a VM, doorbell.c
 * @table:	hash table of the doorbells of each space; NULL until there is one.  Looked
 *		at under RCU; changed under @lock.  A table stays to the end of the VM.
 * @matching:	how many doorbells of each space have AXV_DOORBELL_DATA; read without @lock.
 *		A doorbell is counted before it is in the table.
 * @lock:	guards the tables, @matching and @nr.  Nothing else is locked under it.
 * @nr:		how many, in both spaces
 */
struct axv_doorbells {
	struct hlist_head __rcu *table[AXV_SPACES];
	u32 matching[AXV_SPACES];
	spinlock_t lock;	/* changes */
	u32 nr;
};

/**
 * struct axv_vm - one virtual machine
 * @ops:	the back end.  Constant.
 * @id:		unique while the module is loaded.  Constant.
 * @irqchip:	an &enum axv_irqchip.  Constant.
 * @ipa_bits:	width of guest physical addresses.  Constant.
 * @flags:	AXV_VM_*.  Constant.
 * @dead:	the VMM's memory is gone; set once
 * @has_hardware: a reference on the hardware is held; cleared by xchg(), since the end of
 *		@mm and that of the last reference may race
 * @pid:	process that created it, shown by debugfs and fdinfo; a reference is held.
 *		Constant.
 * @mm:		memory of the VMM; the structure is held (mmgrab), its contents
 *		are not.  Constant.
 * @debugfs:	directory of the VM
 * @held_cpus:	CPUs that hold a vCPU of the VM; each bit is written on its CPU, with
 *		interrupts off
 * @held:	how many vCPUs of the VM each CPU holds; read and written on that CPU only,
 *		with interrupts off
 * @flush_cpus:	the CPUs that axv_vm_flush_on_entry() interrupts; under @mmu_lock
 * @regions:	guest memory; looked up without a lock
 * @doorbells:	addresses whose writes signal an eventfd; looked up without a lock
 * @ref:	vCPUs and the front end hold references
 * @lock:	serialises creation of vCPUs, changes of regions and tables.
 *		Sleeps; the outermost lock of the core.  User memory is never
 *		touched under it.
 * @vcpus:	the vCPUs by id; entries are added under @lock, taken out at any moment, and
 *		walked under RCU.  A vCPU is here from its creation to its axv_vcpu_close().
 * @by_hw_id:	the same vCPUs by &axv_vcpu.hw_id, in the same way
 * @routes:	routes by gsi; changed under @lock, looked up under RCU
 * @nr_routes:	how many; under @lock
 * @route_table: counts calls of axv_set_routes(); under @lock
 * @irqfd_lock:	guards @irqfds and @nr_irqfds.  Taken inside the lock of an eventfd; no
 *		other lock is taken under it.
 * @irqfds:	irqfds that no thread has begun to end
 * @nr_irqfds:	how many
 * @resamplers:	eventfds that are signalled when level interrupts end, by gsi, resample.c;
 *		walked under SRCU
 * @notifier:	MMU notifier of @mm
 * @mmu_lock:	guards changes of @regions, @mmu_seq, the invalidations, @removals,
 *		@removed, @s2 and the bits of the dirty logs, which are set atomically.
 *		Held for reading by threads that fill entries of @s2, store to guest memory
 *		or set bits of a log; for writing by threads that change anything else.
 *		Inside mmap_lock and the page-table locks of @mm, never around them.
 * @removals:	removals from @s2 whose memory is not all clean yet, in order, see unmap.c
 * @removed:	number of the last removal
 * @invalidate_wait: where faults wait for the end of invalidations, and the host for
 *		that of @removals
 * @yielded:	id of the vCPU that a spinning one has offered its CPU last; a hint, without a
 *		lock
 * @mmu_seq:	changes whenever a translation that was looked up before may no
 *		longer hold: a region changed or the host takes pages away.  Read
 *		without a lock by axv_memory_seq().
 * @invalidating: invalidations of the host in progress
 * @invalidate_start: lowest hva of those in progress
 * @invalidate_end: end of the highest
 * @tlb_gen:	counts changes of @s2 that need a flush; a vCPU that has not flushed since
 *		the last one does so before it enters
 * @s2:		the second-stage table
 *
 * Members are grouped by what writes them: what a running vCPU reads shares no cache line
 * with what another running vCPU writes.
 */
struct axv_vm {
	/* Written when the VM comes and goes, and when regions or doorbells change. */
	const struct axv_arch_ops *ops;
	u32 id;
	u32 irqchip;
	u32 ipa_bits;
	u32 flags;
	bool dead;
	bool has_hardware;
	struct pid *pid;
	struct mm_struct *mm;
	struct dentry *debugfs;
	cpumask_var_t held_cpus;
	unsigned int __percpu *held;
	cpumask_var_t flush_cpus;
	struct axv_regions regions;
	struct axv_doorbells doorbells;

	/* Written by calls that are no part of a run. */
	struct kref ref ____cacheline_aligned_in_smp;
	struct mutex lock;	/* vCPUs, changes of regions and tables */
	struct xarray vcpus;
	struct xarray by_hw_id;
	struct xarray routes;
	u32 nr_routes;
	unsigned long route_table;
	spinlock_t irqfd_lock;	/* irqfds */
	struct list_head irqfds;
	u32 nr_irqfds;
	struct xarray resamplers;
	struct mmu_notifier notifier;

	/* Written when memory is mapped, stored to or removed. */
	rwlock_t mmu_lock ____cacheline_aligned_in_smp;	/* memory */
	struct list_head removals;
	u64 removed;
	wait_queue_head_t invalidate_wait;
	u32 yielded;

	/* Written when the host or the VMM takes memory away. */
	unsigned long mmu_seq ____cacheline_aligned_in_smp;
	unsigned long invalidating;
	unsigned long invalidate_start;
	unsigned long invalidate_end;
	atomic64_t tlb_gen;

	struct axv_stage2 s2 ____cacheline_aligned_in_smp;
};

/* No two parts of struct axv_vm share a cache line. */
#define AXV_VM_LINE(member)	(offsetof(struct axv_vm, member) / SMP_CACHE_BYTES)
#define AXV_VM_END(member)	((offsetofend(struct axv_vm, member) - 1) / SMP_CACHE_BYTES)
static_assert(AXV_VM_END(doorbells) < AXV_VM_LINE(ref));
static_assert(AXV_VM_END(notifier) < AXV_VM_LINE(mmu_lock));
static_assert(AXV_VM_END(yielded) < AXV_VM_LINE(mmu_seq));
static_assert(AXV_VM_LINE(mmu_seq) == AXV_VM_END(tlb_gen));
static_assert(AXV_VM_END(tlb_gen) < AXV_VM_LINE(s2));
static_assert(AXV_VM_END(s2.root) < AXV_VM_LINE(s2.freed));

/**
 * axv_max_vcpus() - how many vCPUs a VM may have; ids are below that
 * @ops:	the back end
 *
 * Every vCPU has a hw_id of its own, so there are no more vCPUs than hw_ids.
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
int axv_query(const struct axv_arch_ops *ops, u32 id, u64 *value);

/**
 * axv_vm_is_mine() - may this thread use the VM?
 * @vm:		any VM
 *
 * A VM belongs to one address space, and is dead once that has gone.
 */
static inline bool axv_vm_is_mine(const struct axv_vm *vm)
{
	return likely(current->mm == vm->mm && !READ_ONCE(vm->dead));
}

/**
 * axv_vcpu_vm_id() - identity of the VM
 * @vcpu:	any vCPU
 */
static inline u32 axv_vcpu_vm_id(const struct axv_vcpu *vcpu)
{
	return vcpu->vm->id;
}

/**
 * axv_vcpu_by_hw_id() - the vCPU that the guest knows by a number
 * @vm:		any VM
 * @hw_id:	the number
 *
 * Context: under RCU; takes no lock.
 * Return: the vCPU or NULL.
 */
static inline struct axv_vcpu *axv_vcpu_by_hw_id(struct axv_vm *vm, u64 hw_id)
{
	return xa_load(&vm->by_hw_id, hw_id);
}

void axv_vm_flush_on_entry(struct axv_vm *vm);

/* notifier.c: the MMU notifier, and the death of a VM */
void axv_vm_put_hardware(struct axv_vm *vm);
void axv_vm_die(struct axv_vm *vm);
int axv_memory_init(struct axv_vm *vm);
void axv_memory_release(struct axv_vm *vm);
void axv_memory_destroy(struct axv_vm *vm);

/* regions.c: changes of guest memory */
int axv_set_region(struct axv_vm *vm, const struct axv_region *region);

/**
 * struct axv_memory_usage - what guest memory there is, and what it costs
 * @regions:	how many regions
 * @size:	bytes in all of them
 * @mapped:	bytes that the second stage maps
 * @tables:	bytes of the second stage's tables
 */
struct axv_memory_usage {
	u32 regions;
	u64 size;
	u64 mapped;
	u64 tables;
};

void axv_memory_usage(struct axv_vm *vm, struct axv_memory_usage *usage);

/* dirty.c: the log of the pages that a guest wrote */
#define AXV_MAX_DIRTY_PAGES	BIT_ULL(25)
int axv_get_dirty(struct axv_vm *vm, u32 id, u64 first_page, u64 nr_pages,
		  unsigned long *bitmap, bool keep);
int axv_clear_dirty(struct axv_vm *vm, u32 id, u64 first_page, u64 nr_pages,
		    unsigned long *bitmap);
void axv_put_dirty(struct axv_vm *vm, u32 id, u64 first_page, u64 nr_pages,
		   unsigned long *bitmap);

/* fault.c: guest memory on demand */

/**
 * enum axv_fault_result - what became of a second-stage fault
 * @AXV_FAULT_RESOLVED:	mapped; enter again
 * @AXV_FAULT_MMIO:	no region there
 * @AXV_FAULT_PROTECTED: a write to a read-only region
 * @AXV_FAULT_FAILED:	the host's mapping refuses; an error goes with it
 * @AXV_FAULT_AGAIN:	a signal is pending, or the host takes the page away again
 *			and again; nothing was done
 */
enum axv_fault_result {
	AXV_FAULT_RESOLVED,
	AXV_FAULT_MMIO,
	AXV_FAULT_PROTECTED,
	AXV_FAULT_FAILED,
	AXV_FAULT_AGAIN,
};

enum axv_fault_result axv_vcpu_fault(struct axv_vcpu *vcpu, u64 gpa, u32 access,
				     int *error);
void axv_memory_forget(struct axv_vm *vm);

/**
 * axv_memory_seq() - the number of changes so far
 * @vm:		any VM
 *
 * Read before a look-up.  If axv_memory_is_same() later, nothing has changed until then, so
 * what was read in between was right.  With &axv_vm.mmu_lock held for reading, it also
 * stays so until the lock is released.
 */
static inline unsigned long axv_memory_seq(const struct axv_vm *vm)
{
	/* Pairs with axv_memory_changed(): after the new number, the new regions are seen. */
	return smp_load_acquire(&vm->mmu_seq);
}

/**
 * axv_memory_is_same() - was there no change since axv_memory_seq()?
 * @vm:		any VM
 * @seq:	what it returned
 */
static inline bool axv_memory_is_same(const struct axv_vm *vm, unsigned long seq)
{
	/* What was read since axv_memory_seq() is read before the number. */
	smp_rmb();
	return READ_ONCE(vm->mmu_seq) == seq;
}

/**
 * axv_is_known_hole() - is it known that an address has no region, without looking for one?
 * @vcpu:	vCPU whose claim the caller holds
 * @gpa:	guest physical address
 *
 * Return: true: there was no region when this vCPU last met a device there, and no
 * region has changed since.
 */
static inline bool axv_is_known_hole(const struct axv_vcpu *vcpu, u64 gpa)
{
	const struct axv_hole *hole = &vcpu->hole;

	return gpa >= hole->start && gpa < hole->end &&
	       hole->seq == axv_memory_seq(vcpu->vm);
}

/* guestmem.c: guest memory as the kernel itself touches it */

/**
 * struct axv_guest_word - a word of guest memory
 * @at:		its address in the VMM
 * @value:	what was read there
 */
struct axv_guest_word {
	const u64 __user *at;
	u64 value;
};

/* The most words that are noted: five levels of tables and two words of code. */
#define AXV_GUEST_WORDS	7
/* Usually there are no more than these: four levels of tables and two words of code. */
#define AXV_GUEST_WORDS_PADDED	6

/**
 * struct axv_guest_words - words of guest memory, and what was in them
 * @seq:	&axv_vm.mmu_seq when they were read
 * @count:	how many; 0: nothing is known
 * @word:	in the order in which they were read; places up to AXV_GUEST_WORDS_PADDED
 *		that are left have the last word again
 */
struct axv_guest_words {
	unsigned long seq;
	unsigned int count;
	struct axv_guest_word word[AXV_GUEST_WORDS];
};

/**
 * struct axv_guest_peek - a time in which words of guest memory are read without a wait
 * @vm:		VM whose memory is read
 * @seq:	&axv_vm.mmu_seq at the beginning
 * @gpa:	guest physical address of the region that was looked up last
 * @size:	size of that region, 0: none yet
 * @hva:	address of that region in the VMM
 * @held:	the peek has not ended: page faults are off
 * @words:	where words of 8 bytes are noted, or NULL; see axv_guest_words_begin()
 */
struct axv_guest_peek {
	struct axv_vm *vm;
	unsigned long seq;
	u64 gpa;
	u64 size;
	unsigned long hva;
	bool held;
	struct axv_guest_words *words;
};

void axv_guest_peek_begin(struct axv_guest_peek *peek, struct axv_vm *vm);
void axv_guest_peek_end(struct axv_guest_peek *peek);
bool axv_guest_peek_find(struct axv_guest_peek *peek, u64 gpa);

/**
 * axv_guest_words_begin() - note what a peek reads from now on
 * @peek:	begun, and nothing read yet
 * @words:	filled in; valid after axv_guest_words_end()
 */
static inline void axv_guest_words_begin(struct axv_guest_peek *peek,
					 struct axv_guest_words *words)
{
	words->seq = peek->seq;
	words->count = 0;
	peek->words = words;
}

/* After a word for which there is no room, or of another size, no words are kept. */
static inline void axv_guest_words_note(struct axv_guest_words *words,
					const void __user *at, unsigned int size,
					u64 value)
{
	if (size == sizeof(value) && words->count < AXV_GUEST_WORDS)
		words->word[words->count++] = (struct axv_guest_word){ at, value };
	else
		words->count = AXV_GUEST_WORDS + 1;
}

/**
 * axv_guest_words_end() - stop noting, and keep the words if they are all that was read
 * @peek:	as of axv_guest_words_begin()
 *
 * If the peek has ended, what was read afterwards was not noted, so no words are kept.
 */
static inline void axv_guest_words_end(struct axv_guest_peek *peek)
{
	struct axv_guest_words *words = peek->words;
	unsigned int i;

	peek->words = NULL;
	if (!peek->held || words->count > AXV_GUEST_WORDS)
		words->count = 0;
	if (!words->count)
		return;
	for (i = words->count; i < AXV_GUEST_WORDS_PADDED; i++)
		words->word[i] = words->word[i - 1];
}

/**
 * axv_guest_words_same() - do words have their old values, and are they still the guest's?
 * @vm:		their VM, of the calling thread
 * @words:	noted before, or zeros
 *
 * The guest and the VMM may write the words meanwhile.  They are read in the same order as
 * the first time, and each but the last one once, so a walk that had read them now would
 * have got the same values.  No lock is needed: if &axv_vm.mmu_seq is what it was then,
 * both before and after, the words were read from the same regions.
 *
 * Context: process context; does not sleep, interrupts may be off.
 * Return: false also if the host does not have the memory at hand.
 */
static __always_inline bool axv_guest_words_same(const struct axv_vm *vm,
						 const struct axv_guest_words *words)
{
	const struct axv_guest_word *word = words->word;
	unsigned int i;
	u64 value;

	if (!words->count || axv_memory_seq(vm) != words->seq)
		return false;

	pagefault_disable();
	/* Checking one address is enough: get_user() has read the others before. */
	if (unlikely(!user_read_access_begin(word->at, sizeof(value))))
		goto out;
	/* Unrolled, since the loop takes twice as long. */
#pragma GCC unroll 6
	for (i = 0; i < AXV_GUEST_WORDS_PADDED; i++) {
		unsafe_get_user(value, word[i].at, differs);
		if (value != word[i].value)
			goto differs;
	}
	if (unlikely(words->count > AXV_GUEST_WORDS_PADDED)) {
		for (; i < words->count; i++) {
			unsafe_get_user(value, word[i].at, differs);
			if (value != word[i].value)
				goto differs;
		}
	}
	user_read_access_end();
	pagefault_enable();
	return axv_memory_is_same(vm, words->seq);

differs:
	user_read_access_end();
out:
	pagefault_enable();
	return false;
}

/**
 * axv_guest_peek() - read a word
 * @peek:	begun
 * @gpa:	guest physical address; all of the word is in one page
 * @size:	4 or 8 bytes
 * @value:	result; a single access if it is aligned
 *
 * Context: see axv_guest_peek_begin().
 * Return: false: the peek has ended, there is no region, the host does not have the page at
 * hand, or memory has changed since the peek began.  axv_guest_read(), after the end of the
 * peek, tells which.
 */
static inline bool axv_guest_peek(struct axv_guest_peek *peek, u64 gpa,
				  unsigned int size, u64 *value)
{
	const void __user *user;
	u64 offset;
	u32 half;

	if (unlikely(!peek->held))
		return false;
	if (unlikely(gpa - peek->gpa >= peek->size) &&
	    !axv_guest_peek_find(peek, gpa))
		return false;

	/*
	 * The guest chooses the address.  Without the mask a processor that only speculates
	 * that the address is in the region reads other memory of the VMM, and goes on with
	 * what is there as if it were the guest's table.
	 */
	offset = gpa - peek->gpa;
	offset = array_index_nospec(offset, peek->size);
	user = (const void __user *)(peek->hva + offset);
	if (likely(size == sizeof(*value))) {
		if (get_user(*value, (const u64 __user *)user))
			return false;
	} else {
		if (get_user(half, (const u32 __user *)user))
			return false;
		*value = half;
	}
	if (peek->words)
		axv_guest_words_note(peek->words, user, size, *value);
	/* The region is still there: what was read is what the guest has. */
	return axv_memory_is_same(peek->vm, peek->seq);
}

int axv_guest_read(struct axv_vm *vm, u64 gpa, void *data, size_t size);
int axv_guest_write(struct axv_vm *vm, u64 gpa, const void *data, size_t size);
int axv_guest_cmpxchg64(struct axv_vm *vm, u64 gpa, u64 *old, u64 new,
			unsigned int size);
int axv_guest_look(struct axv_vm *vm, u64 gpa, bool write);
bool axv_gpa_is_ram(struct axv_vm *vm, u64 gpa, bool write);
bool axv_memory_settled(struct axv_vm *vm, unsigned long seq);

#endif /* _AXVCPU_VM_H */
