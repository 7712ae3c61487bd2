// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory as the kernel itself touches it, for instructions it decodes.
 *
 * It goes through the VMM's own addresses, so the host's page tables decide
 * what is allowed, and nothing has to be kept out meanwhile.
 */
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "memory.h"

/*
 * User address of @gpa, good for *@len bytes of the @size asked for.
 * 0; -EFAULT: no region; -EACCES: it is read-only.
 */
static int axv_guest_span(struct axv_vm *vm, u64 gpa, size_t size, bool write,
			  unsigned long *hva, size_t *len)
{
	struct axv_memslot *slot;
	int err = 0;

	spin_lock(&vm->mmu_lock);
	slot = axv_find_slot(vm, gpa);
	if (!slot) {
		err = -EFAULT;
	} else if (write && slot->flags & AXV_REGION_READONLY) {
		err = -EACCES;
	} else {
		*hva = axv_slot_hva(slot, gpa);
		*len = min_t(u64, size, slot->gpa + slot->size - gpa);
	}
	spin_unlock(&vm->mmu_lock);
	return err;
}

/* After the write: a log that is read in between reports it next time. */
static void axv_guest_written(struct axv_vm *vm, u64 gpa, size_t len)
{
	struct axv_memslot *slot;
	u64 page;

	for (page = gpa & PAGE_MASK; page < gpa + len; page += PAGE_SIZE) {
		spin_lock(&vm->mmu_lock);
		slot = axv_find_slot(vm, page);
		if (slot)
			axv_mark_dirty(slot, page);
		spin_unlock(&vm->mmu_lock);
	}
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
	unsigned long hva;
	size_t len;
	int err;

	for (; size; gpa += len, data += len, size -= len) {
		err = axv_guest_span(vm, gpa, size, false, &hva, &len);
		if (err)
			return err;
		if (copy_from_user(data, (void __user *)hva, len))
			return -EFAULT;
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
	unsigned long hva, left;
	size_t len;
	int err;

	for (; size; gpa += len, data += len, size -= len) {
		err = axv_guest_span(vm, gpa, size, true, &hva, &len);
		if (err)
			return err;
		left = copy_to_user((void __user *)hva, data, len);
		axv_guest_written(vm, gpa, len);
		if (left)
			return -EFAULT;
	}
	return 0;
}

static bool axv_cmpxchg_at(void *where, u64 *old, u64 new, unsigned int size)
{
	u64 found;

	if (size == sizeof(u64))
		found = cmpxchg((u64 *)where, *old, new);
	else
		found = cmpxchg((u32 *)where, (u32)*old, (u32)new);
	if (found == *old)
		return true;
	*old = found;
	return false;
}

/**
 * axv_guest_cmpxchg64() - replace a word of guest memory, if it is still the same
 * @vm:		VM of the calling thread
 * @gpa:	guest physical address, aligned to @size
 * @old:	in: what it has to be; out, with -EAGAIN: what it is
 * @new:	what it is to be
 * @size:	4 or 8 bytes; with 4, the upper half of @old and @new is zero
 *
 * Atomic to the guest and to the VMM.
 *
 * Context: may sleep.
 * Return: 0: replaced; -EAGAIN: it was another value; -EFAULT, -EACCES as
 * axv_guest_write(); -EINVAL: misaligned or of another size.
 */
int axv_guest_cmpxchg64(struct axv_vm *vm, u64 gpa, u64 *old, u64 new,
			unsigned int size)
{
	struct page *page;
	unsigned long hva;
	bool swapped;
	void *map;
	size_t len;
	int err;

	if ((size != 4 && size != 8) || gpa & (size - 1))
		return -EINVAL;
	err = axv_guest_span(vm, gpa, size, true, &hva, &len);
	if (err)
		return err;
	if (pin_user_pages_fast(hva & PAGE_MASK, 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;

	map = kmap_local_page(page);
	swapped = axv_cmpxchg_at(map + offset_in_page(hva), old, new, size);
	kunmap_local(map);

	unpin_user_pages_dirty_lock(&page, 1, swapped);
	if (!swapped)
		return -EAGAIN;
	axv_guest_written(vm, gpa, size);
	return 0;
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
	unsigned long hva;
	size_t len;

	return !axv_guest_span(vm, gpa, 1, write, &hva, &len);
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
