// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory as the kernel itself touches it, for instructions it decodes.
 *
 * The kernel uses the VMM's own addresses, so the host's page tables decide what is
 * allowed.  Once AXV_VM_SET_REGION has returned, the VMM may use the old memory for
 * something else, and nothing of the guest's ends up there: a store is made under
 * &axv_vm.mmu_lock, shared, with the region that is there then.  A read takes no lock; it
 * looks afterwards whether the region was there until then, and starts anew if not.  If the
 * host does not have the page at hand, the page is got without the lock, and the access
 * starts anew.
 */
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <axvcpu/compat.h>

#include "memory.h"

/* A copy of the region of @gpa; -ENOENT: there is none; -EACCES: it is read-only. */
static int axv_guest_region(struct axv_vm *vm, u64 gpa, bool write,
			    struct axv_mem_region *region)
{
	if (!axv_find_region(vm, gpa, region))
		return -ENOENT;
	if (write && region->flags & AXV_REGION_READONLY)
		return -EACCES;
	return 0;
}

/**
 * struct axv_touch - an access to guest memory, within a page
 * @fn:		makes the access, at a kernel address, under &axv_vm.mmu_lock
 * @write:	it is a write, or a compare and exchange
 * @from:	what a write writes
 * @to:		where a read reads to
 * @len:	bytes
 * @old:	in: what a compare and exchange expects; out: what it found.  NULL: it is
 *		none
 * @new:	what a compare and exchange stores
 * @swapped:	out: a compare and exchange has stored @new
 */
struct axv_touch {
	void (*fn)(void *at, struct axv_touch *touch);
	bool write;
	const void *from;
	void *to;
	size_t len;
	u64 *old;
	u64 new;
	bool swapped;
};

/*
 * Make an access to a page that was got without the lock.  -EAGAIN: it may no longer be the
 * page that the VMM has there.
 */
static int axv_touch_page(struct axv_vm *vm, const struct axv_mem_region *region,
			  u64 gpa, unsigned long seq, struct page *page,
			  struct axv_touch *touch)
{
	int err = -EAGAIN;
	void *map;

	read_lock(&vm->mmu_lock);
	if (vm->mmu_seq == seq) {
		map = kmap_local_page(page);
		touch->fn(map + offset_in_page(gpa), touch);
		kunmap_local(map);
		/* Since the number is unchanged, the region is still there. */
		if (touch->write)
			axv_mark_dirty(vm, region, gpa);
		err = 0;
	}
	read_unlock(&vm->mmu_lock);
	return err;
}

/*
 * Get the host's page, which may take as long as the VMM likes (userfaultfd): 0, -EINTR or
 * -EFAULT.  pin_user_pages_fast() does not know of AXV_FOLL_WAIT.
 */
static int axv_touch_pin(unsigned long hva, bool write, struct page **page)
{
	unsigned int flags = write ? FOLL_WRITE : 0;
	long got;

	/*
	 * Tried first: a page that is there needs no mmap_lock, and the wait for that is
	 * uninterruptible.
	 */
	if (pin_user_pages_fast(hva & PAGE_MASK, 1, flags | FOLL_NOFAULT, page) == 1)
		return 0;
	got = pin_user_pages_unlocked(hva & PAGE_MASK, 1, page, flags | AXV_FOLL_WAIT);
	if (got == 1)
		return 0;
	return got == -EINTR || got == -EAGAIN ? -EINTR : -EFAULT;
}

/* One try: 0; -EAGAIN: try again; -EINTR, -EFAULT, -ENOENT or -EACCES. */
static int axv_touch_try(struct axv_vm *vm, u64 gpa, struct axv_touch *touch)
{
	struct axv_log *lacking = NULL;
	struct axv_mem_region region;
	unsigned long hva, seq;
	struct page *page;
	bool wait;
	int err;

	read_lock(&vm->mmu_lock);
	err = axv_guest_region(vm, gpa, touch->write, &region);
	if (err) {
		read_unlock(&vm->mmu_lock);
		return err;
	}
	hva = axv_region_hva(&region, gpa);
	seq = vm->mmu_seq;
	if (touch->write)
		lacking = axv_log_lacking(vm, &region, gpa);
	wait = axv_invalidating(vm, hva);
	read_unlock(&vm->mmu_lock);

	if (lacking)
		return axv_log_extend(lacking, axv_region_page(&region, gpa)) ?
		       -EFAULT : -EAGAIN;
	if (wait)
		return wait_event_interruptible(vm->invalidate_wait,
						axv_invalidation_ended(vm, hva)) ?
		       -EINTR : -EAGAIN;

	err = axv_touch_pin(hva, touch->write, &page);
	if (err)
		return err;
	err = axv_touch_page(vm, &region, gpa, seq, page, touch);
	unpin_user_pages_dirty_lock(&page, 1, touch->write && !err);
	return err;
}

/*
 * Read at the VMM's own address, if the host has the page at hand: 0, -EAGAIN, -ENOENT or
 * -EACCES.
 */
static int axv_read_at_hand(struct axv_vm *vm, u64 gpa, struct axv_touch *touch)
{
	unsigned long seq = axv_memory_seq(vm);
	struct axv_mem_region region;
	const void __user *user;
	unsigned long left;
	int err;

	err = axv_guest_region(vm, gpa, false, &region);
	if (err)
		return err;
	user = (const void __user *)axv_region_hva(&region, gpa);
	pagefault_disable();
	left = __copy_from_user_inatomic(touch->to, user, touch->len);
	pagefault_enable();
	return likely(!left && axv_memory_is_same(vm, seq)) ? 0 : -EAGAIN;
}

/*
 * Write at the VMM's own address, if the host has the page at hand; returns as
 * axv_read_at_hand().  Under the lock the region does not change.
 */
static int axv_write_at_hand(struct axv_vm *vm, u64 gpa, struct axv_touch *touch)
{
	unsigned long left = touch->len;
	struct axv_log *lacking = NULL;
	struct axv_mem_region region;
	int err;

	read_lock(&vm->mmu_lock);
	err = axv_guest_region(vm, gpa, true, &region);
	if (err)
		goto out;
	lacking = axv_log_lacking(vm, &region, gpa);
	if (!lacking) {
		pagefault_disable();
		left = __copy_to_user_inatomic((void __user *)axv_region_hva(&region, gpa),
					       touch->from, touch->len);
		pagefault_enable();
	}
	if (left != touch->len)
		axv_mark_dirty(vm, &region, gpa);
	err = likely(!left) ? 0 : -EAGAIN;
out:
	read_unlock(&vm->mmu_lock);
	axv_log_put(lacking);
	return err;
}

static int axv_touch_at_hand(struct axv_vm *vm, u64 gpa, struct axv_touch *touch)
{
	if (touch->old)
		return -EAGAIN;
	return touch->write ? axv_write_at_hand(vm, gpa, touch) :
			      axv_read_at_hand(vm, gpa, touch);
}

/*
 * Make an access, and get the page if the host does not have it at hand: 0, -EFAULT,
 * -ENOENT or -EACCES; -EINTR: a signal, or the host takes the page away again and again.  A
 * page at hand is accessed even if a signal is pending.
 */
static int axv_guest_touch(struct axv_vm *vm, u64 gpa, struct axv_touch *touch)
{
	unsigned int i;
	int err;

	for (i = 0; i < AXV_MEMORY_TRIES; i++) {
		err = axv_touch_at_hand(vm, gpa, touch);
		if (err == -EAGAIN)
			err = axv_touch_try(vm, gpa, touch);
		if (likely(err != -EAGAIN))
			return err;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return -EINTR;
}

static void axv_touch_read(void *at, struct axv_touch *touch)
{
	memcpy(touch->to, at, touch->len);
}

static void axv_touch_write(void *at, struct axv_touch *touch)
{
	memcpy(at, touch->from, touch->len);
}

/* All of it is in one page. */
static int axv_guest_read_page(struct axv_vm *vm, u64 gpa, void *data, size_t len)
{
	struct axv_touch touch = {
		.fn = axv_touch_read, .to = data, .len = len,
	};

	return axv_guest_touch(vm, gpa, &touch);
}

static int axv_guest_write_page(struct axv_vm *vm, u64 gpa, const void *data,
				size_t len)
{
	struct axv_touch touch = {
		.fn = axv_touch_write, .write = true, .from = data, .len = len,
	};

	return axv_guest_touch(vm, gpa, &touch);
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
 * Return: 0; -ENOENT where there is no region; -EFAULT: the host's mapping refuses;
 * -EINTR: a signal, or the host takes the page away again and again: the access has
 * to be made again, by the caller or the guest.  @data may hold a part then.
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
 * Return: 0; -EACCES: a read-only region; or as axv_guest_read().  A part may
 * have been written then.
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

static void axv_touch_cmpxchg(void *at, struct axv_touch *touch)
{
	u64 found;

	if (touch->len == sizeof(u64))
		found = cmpxchg((u64 *)at, *touch->old, touch->new);
	else
		found = cmpxchg((u32 *)at, (u32)*touch->old, (u32)touch->new);
	touch->swapped = found == *touch->old;
	*touch->old = found;
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
 * Return: 0: replaced; -EAGAIN: it was another value; -ENOENT, -EFAULT, -EACCES, -EINTR
 * as axv_guest_write(); -EINVAL: misaligned or of another size.
 */
int axv_guest_cmpxchg64(struct axv_vm *vm, u64 gpa, u64 *old, u64 new,
			unsigned int size)
{
	struct axv_touch touch = {
		.fn = axv_touch_cmpxchg, .write = true, .len = size,
		.old = old, .new = new,
	};
	int err;

	if ((size != 4 && size != 8) || gpa & (size - 1))
		return -EINVAL;
	err = axv_guest_touch(vm, gpa, &touch);
	if (err)
		return err;
	return touch.swapped ? 0 : -EAGAIN;
}

/**
 * axv_guest_look() - would an access find a region that allows it?
 * @vm:		any VM
 * @gpa:	guest physical address
 * @write:	it writes
 *
 * The answer may be outdated when this returns.
 *
 * Context: does not sleep.
 * Return: 0: a region; -ENOENT or -EACCES as axv_guest_write().
 */
int axv_guest_look(struct axv_vm *vm, u64 gpa, bool write)
{
	struct axv_mem_region region;

	return axv_guest_region(vm, gpa, write, &region);
}

/**
 * axv_gpa_is_ram() - is there memory at an address?
 * @vm:		any VM
 * @gpa:	guest physical address
 * @write:	it has to be writable
 *
 * The answer may be outdated when this returns.
 *
 * Context: does not sleep.
 */
bool axv_gpa_is_ram(struct axv_vm *vm, u64 gpa, bool write)
{
	return !axv_guest_look(vm, gpa, write);
}

/**
 * axv_memory_settled() - do look-ups of several addresses belong together?
 * @vm:		any VM
 * @seq:	what axv_memory_seq() returned before the first of them
 *
 * axv_memory_is_same() holds for one address.  A change is visible before its number,
 * so of two addresses one may be as before the change and the other as after it.
 * This waits for a change that is in progress.
 *
 * Context: takes &axv_vm.mmu_lock for reading.
 * Return: true: no region has changed from the first look-up to the last.
 */
bool axv_memory_settled(struct axv_vm *vm, unsigned long seq)
{
	bool same;

	read_lock(&vm->mmu_lock);
	same = vm->mmu_seq == seq;
	read_unlock(&vm->mmu_lock);
	return same;
}

/**
 * axv_guest_peek_begin() - begin to read words of guest memory
 * @peek:	lives until axv_guest_peek_end()
 * @vm:		VM of the calling thread
 *
 * For a few words that belong together, as in a walk of page tables: a region is looked for
 * once.  Each word is checked by itself: when it was read, the region in which it was
 * looked for was still there.
 *
 * Context: process context; until the end, with page faults off.
 */
void axv_guest_peek_begin(struct axv_guest_peek *peek, struct axv_vm *vm)
{
	peek->vm = vm;
	peek->seq = axv_memory_seq(vm);
	peek->size = 0;
	peek->held = true;
	peek->words = NULL;
	pagefault_disable();
}

/**
 * axv_guest_peek_end() - end what axv_guest_peek_begin() began
 * @peek:	may have ended before
 */
void axv_guest_peek_end(struct axv_guest_peek *peek)
{
	if (!peek->held)
		return;
	peek->held = false;
	pagefault_enable();
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
	struct axv_mem_region region;

	if (!axv_find_region(peek->vm, gpa, &region))
		return false;
	peek->gpa = region.gpa;
	peek->size = region.size;
	peek->hva = region.hva;
	return true;
}
