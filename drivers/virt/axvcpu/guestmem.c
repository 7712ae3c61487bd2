// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory as the kernel itself touches it, for instructions it decodes.
 *
 * It goes through the VMM's own addresses, so the host's page tables decide
 * what is allowed.  Finding the region and touching its memory are one step
 * under &axv_vm.mmu_lock: once AXV_VM_SET_REGION has returned, the VMM may use
 * the old memory for something else, and nothing of the guest's ends up there.
 * A page that is not there is had without the lock; then all begins again.
 */
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "memory.h"

/* The region of @gpa; -EFAULT: there is none; -EACCES: it is read-only. */
static struct axv_memslot *axv_guest_slot(struct axv_vm *vm, u64 gpa, bool write)
{
	struct axv_memslot *slot = axv_find_slot(vm, gpa);

	if (!slot)
		return ERR_PTR(-EFAULT);
	if (write && slot->flags & AXV_REGION_READONLY)
		return ERR_PTR(-EACCES);
	return slot;
}

/**
 * struct axv_store - something to be done to guest memory, within a page
 * @fn:		does it, at a kernel address, under &axv_vm.mmu_lock
 * @data:	what to write, and how much
 * @len:	likewise
 * @old:	of a compare and exchange
 * @new:	likewise
 * @swapped:	out: it was replaced
 */
struct axv_store {
	void (*fn)(void *at, struct axv_store *store);
	const void *data;
	size_t len;
	u64 *old;
	u64 new;
	bool swapped;
};

/*
 * Do it to the page itself, if that is still the one that the VMM has there
 * when the lock is held: -EAGAIN: it is not.
 */
static int axv_store_to(struct axv_vm *vm, struct axv_memslot *slot, u64 gpa,
			unsigned long seq, struct page *page,
			struct axv_store *store)
{
	int err = -EAGAIN;
	void *map;

	spin_lock(&vm->mmu_lock);
	if (vm->mmu_seq == seq) {
		map = kmap_local_page(page);
		store->fn(map + offset_in_page(gpa), store);
		kunmap_local(map);
		/* An unchanged sequence means that the region is there yet. */
		axv_mark_dirty(slot, gpa);
		err = 0;
	}
	spin_unlock(&vm->mmu_lock);
	return err;
}

/* 0, -EFAULT or -EACCES. */
static int axv_guest_store(struct axv_vm *vm, u64 gpa, struct axv_store *store)
{
	struct axv_memslot *slot;
	unsigned long hva, seq;
	struct page *page;
	bool wait;
	int err;

	do {
		spin_lock(&vm->mmu_lock);
		slot = axv_guest_slot(vm, gpa, true);
		if (IS_ERR(slot)) {
			spin_unlock(&vm->mmu_lock);
			return PTR_ERR(slot);
		}
		hva = axv_slot_hva(slot, gpa);
		seq = vm->mmu_seq;
		wait = axv_invalidating(vm, hva);
		spin_unlock(&vm->mmu_lock);

		err = -EAGAIN;
		if (wait) {
			wait_event_killable(vm->invalidate_wait,
					    axv_invalidation_ended(vm, hva));
		} else {
			if (pin_user_pages_fast(hva & PAGE_MASK, 1, FOLL_WRITE,
						&page) != 1)
				return -EFAULT;
			err = axv_store_to(vm, slot, gpa, seq, page, store);
			unpin_user_pages_dirty_lock(&page, 1, !err);
		}
		cond_resched();
	} while (err && !fatal_signal_pending(current));
	return err ? -EFAULT : 0;
}

static void axv_store_data(void *at, struct axv_store *store)
{
	memcpy(at, store->data, store->len);
}

/* Within a page. */
static int axv_guest_read_page(struct axv_vm *vm, u64 gpa, void *data, size_t len)
{
	struct axv_memslot *slot;
	void __user *user;
	unsigned long left;

	for (;;) {
		spin_lock(&vm->mmu_lock);
		slot = axv_guest_slot(vm, gpa, false);
		if (IS_ERR(slot)) {
			spin_unlock(&vm->mmu_lock);
			return PTR_ERR(slot);
		}
		user = (void __user *)axv_slot_hva(slot, gpa);
		pagefault_disable();
		left = __copy_from_user_inatomic(data, user, len);
		pagefault_enable();
		spin_unlock(&vm->mmu_lock);

		if (likely(!left))
			return 0;
		if (fault_in_readable(user, len) || fatal_signal_pending(current))
			return -EFAULT;
		cond_resched();
	}
}

static int axv_guest_write_page(struct axv_vm *vm, u64 gpa, const void *data,
				size_t len)
{
	struct axv_store store = {
		.fn = axv_store_data, .data = data, .len = len,
	};
	struct axv_memslot *slot;
	unsigned long left;

	spin_lock(&vm->mmu_lock);
	slot = axv_guest_slot(vm, gpa, true);
	if (IS_ERR(slot)) {
		spin_unlock(&vm->mmu_lock);
		return PTR_ERR(slot);
	}
	pagefault_disable();
	left = __copy_to_user_inatomic((void __user *)axv_slot_hva(slot, gpa),
				       data, len);
	pagefault_enable();
	if (left != len)
		axv_mark_dirty(slot, gpa);
	spin_unlock(&vm->mmu_lock);
	return likely(!left) ? 0 : axv_guest_store(vm, gpa, &store);
}

static size_t axv_left_in_page(u64 gpa, size_t size)
{
	return min_t(size_t, size, PAGE_SIZE - offset_in_page(gpa));
}

/**
 * axv_guest_read() - copy from guest memory
 * @vm:		VM of the calling thread
 * @gpa:	guest physical address, of any alignment
 * @data:	where to
 * @size:	bytes; may cross pages and regions
 *
 * Context: may sleep.
 * Return: 0, or -EFAULT where there is no memory or the host's mapping refuses;
 * @data may hold a part then.
 */
int axv_guest_read(struct axv_vm *vm, u64 gpa, void *data, size_t size)
{
	size_t len;
	int err;

	for (; size; gpa += len, data += len, size -= len) {
		len = axv_left_in_page(gpa, size);
		err = axv_guest_read_page(vm, gpa, data, len);
		if (err)
			return err;
	}
	return 0;
}

/**
 * axv_guest_write() - copy to guest memory
 * @vm:		VM of the calling thread
 * @gpa:	guest physical address, of any alignment
 * @data:	where from
 * @size:	bytes; may cross pages and regions
 *
 * Context: may sleep.
 * Return: 0; -EFAULT where there is no memory or the host's mapping refuses;
 * -EACCES: a read-only region.  A part may have been written then.
 */
int axv_guest_write(struct axv_vm *vm, u64 gpa, const void *data, size_t size)
{
	size_t len;
	int err;

	for (; size; gpa += len, data += len, size -= len) {
		len = axv_left_in_page(gpa, size);
		err = axv_guest_write_page(vm, gpa, data, len);
		if (err)
			return err;
	}
	return 0;
}

static void axv_store_cmpxchg(void *at, struct axv_store *store)
{
	u64 found;

	if (store->len == sizeof(u64))
		found = cmpxchg((u64 *)at, *store->old, store->new);
	else
		found = cmpxchg((u32 *)at, (u32)*store->old, (u32)store->new);
	store->swapped = found == *store->old;
	*store->old = found;
}

/**
 * axv_guest_cmpxchg64() - replace a word of guest memory, if it is still the same
 * @vm:		VM of the calling thread
 * @gpa:	guest physical address, aligned to @size
 * @old:	in: what it has to be; out, with -EAGAIN: what it is
 * @new:	what it is to be
 * @size:	4 or 8 bytes; with 4, the upper half of @old and @new is zero
 *
 * Atomic to the guest and to the VMM.  Counts as a write in either case, as it
 * does to the processor.
 *
 * Context: may sleep.
 * Return: 0: replaced; -EAGAIN: it was another value; -EFAULT, -EACCES as
 * axv_guest_write(); -EINVAL: misaligned or of another size.
 */
int axv_guest_cmpxchg64(struct axv_vm *vm, u64 gpa, u64 *old, u64 new,
			unsigned int size)
{
	struct axv_store store = {
		.fn = axv_store_cmpxchg, .len = size, .old = old, .new = new,
	};
	int err;

	if ((size != 4 && size != 8) || gpa & (size - 1))
		return -EINVAL;
	err = axv_guest_store(vm, gpa, &store);
	if (err)
		return err;
	return store.swapped ? 0 : -EAGAIN;
}

/**
 * axv_gpa_is_ram() - is there memory at an address?
 * @vm:		any VM
 * @gpa:	guest physical address
 * @write:	it has to be writable
 *
 * The answer may be outdated when it arrives.
 *
 * Context: does not sleep.
 */
bool axv_gpa_is_ram(struct axv_vm *vm, u64 gpa, bool write)
{
	bool is_ram;

	spin_lock(&vm->mmu_lock);
	is_ram = !IS_ERR(axv_guest_slot(vm, gpa, write));
	spin_unlock(&vm->mmu_lock);
	return is_ram;
}

/**
 * axv_guest_peek_begin() - begin to read words of guest memory
 * @peek:	lives until axv_guest_peek_end()
 * @vm:		VM of the calling thread
 *
 * For a few words that belong together, as a walk of page tables: regions are
 * looked for once and stay what they are.
 *
 * Context: process context; until the end, with &axv_vm.mmu_lock held and page
 * faults off.
 */
void axv_guest_peek_begin(struct axv_guest_peek *peek, struct axv_vm *vm)
{
	peek->vm = vm;
	peek->size = 0;
	peek->held = true;
	spin_lock(&vm->mmu_lock);
	/* Sparse does not see that axv_guest_peek_end() gives it back. */
	__release(&vm->mmu_lock);
	pagefault_disable();
}

/**
 * axv_guest_peek_end() - and the end of it
 * @peek:	may have ended before
 */
void axv_guest_peek_end(struct axv_guest_peek *peek)
{
	if (!peek->held)
		return;
	peek->held = false;
	pagefault_enable();
	__acquire(&peek->vm->mmu_lock);
	spin_unlock(&peek->vm->mmu_lock);
}

/**
 * axv_guest_peek_find() - look for the region of the next word
 * @peek:	begun
 * @gpa:	guest physical address
 *
 * Context: see axv_guest_peek_begin().
 * Return: false: there is none.
 */
bool axv_guest_peek_find(struct axv_guest_peek *peek, u64 gpa)
{
	struct axv_memslot *slot = axv_find_slot(peek->vm, gpa);

	if (!slot)
		return false;
	peek->gpa = slot->gpa;
	peek->size = slot->size;
	peek->hva = slot->hva;
	return true;
}
