// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Guest memory: the regions of a VM, access to it from this process, and the
 * log of pages written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib.h"

static struct axv_lib_region *find_region(struct axv_vm *vm, __u32 id)
{
	unsigned int i;

	for (i = 0; i < vm->nr_regions; i++) {
		if (vm->regions[i].id == id)
			return &vm->regions[i];
	}
	return NULL;
}

/* Index of the first region that ends above @gpa; nr_regions: there is none. */
static unsigned int region_above(const struct axv_vm *vm, __u64 gpa)
{
	unsigned int low = 0, high = vm->nr_regions;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		const struct axv_lib_region *r = &vm->regions[middle];

		if (gpa < r->gpa || gpa - r->gpa < r->size)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static struct axv_lib_region *find_gpa(struct axv_vm *vm, __u64 gpa, __u64 size)
{
	unsigned int i = region_above(vm, gpa);
	struct axv_lib_region *r;

	if (i == vm->nr_regions)
		return NULL;
	r = &vm->regions[i];
	return gpa >= r->gpa && size <= r->size - (gpa - r->gpa) ? r : NULL;
}

static void list_remove(struct axv_vm *vm, struct axv_lib_region *r)
{
	unsigned int after = &vm->regions[vm->nr_regions] - (r + 1);

	memmove(r, r + 1, after * sizeof(*r));
	vm->nr_regions--;
}

/* Insert a region.  The caller has made room for it; it overlaps no other. */
static void list_insert(struct axv_vm *vm, const struct axv_lib_region *new)
{
	unsigned int i = region_above(vm, new->gpa);
	struct axv_lib_region *r = &vm->regions[i];

	memmove(r + 1, r, (vm->nr_regions - i) * sizeof(*r));
	*r = *new;
	vm->nr_regions++;
}

static void region_release(struct axv_lib_region *r)
{
	if (r->owned)
		munmap(r->hva, r->size);
	free(r->dirty);
}

static const char *region_hint(int err)
{
	switch (err) {
	case EINVAL:
		return "it must be whole pages; see AXV_QUERY_MAX_REGIONS and _REGION_FLAGS";
	case EEXIST:
		return "it overlaps another region";
	default:
		return NULL;
	}
}

/* Tell the kernel and the list about a region; size 0 deletes it. */
static int region_set(struct axv_vm *vm, const struct axv_lib_region *want)
{
	struct axv_region arg = {
		.id = want->id,
		.flags = want->flags,
		.fd = -1,
		.gpa = want->gpa,
		.size = want->size,
		.hva = (uintptr_t)want->hva,
	};
	struct axv_lib_region new = *want;
	struct axv_lib_region *r;
	struct axv_lib_region *grown;

	if (new.size && (new.flags & AXV_REGION_LOG_DIRTY)) {
		new.dirty = calloc((new.size / AXV_PAGE_SIZE + 63) / 64,
				   sizeof(__u64));
		if (!new.dirty)
			return axv_fail(ENOMEM, "memory region %u: out of memory",
					new.id);
	}
	r = find_region(vm, new.id);
	if (!r && new.size) {
		/* Make room for the entry now, so that nothing can fail after the ioctl. */
		grown = realloc(vm->regions,
				(vm->nr_regions + 1) * sizeof(*grown));
		if (!grown) {
			free(new.dirty);
			return axv_fail(ENOMEM, "memory region %u: out of memory",
					new.id);
		}
		vm->regions = grown;
	}
	if (ioctl(vm->fd, AXV_VM_SET_REGION, &arg)) {
		free(new.dirty);
		return axv_fail_call(region_hint(errno),
				     "memory region %u: %llu bytes at %#llx",
				     new.id, (unsigned long long)new.size,
				     (unsigned long long)new.gpa);
	}
	if (r && new.size && r->hva == new.hva && r->size == new.size) {
		/* The same memory, moved or with other flags. */
		new.owned |= r->owned;
		r->owned = false;
		if (new.dirty && r->dirty)
			memcpy(new.dirty, r->dirty,
			       (new.size / AXV_PAGE_SIZE + 63) / 64 * sizeof(__u64));
	}
	if (r) {
		region_release(r);
		list_remove(vm, r);
	}
	if (new.size)
		list_insert(vm, &new);
	return 0;
}

int axv_vm_set_region(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa,
		      __u64 size, void *hva)
{
	struct axv_lib_region region = {
		.id = id,
		.flags = flags,
		.gpa = gpa,
		.size = size,
		.hva = hva,
	};
	int ret;

	pthread_rwlock_wrlock(&vm->lock);
	ret = region_set(vm, &region);
	pthread_rwlock_unlock(&vm->lock);
	return ret;
}

/* Map memory and make it a region: that of @fd from @offset on; with -1 private memory. */
static int add_ram(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa, __u64 size, int fd,
		   __u64 offset, void **hva)
{
	struct axv_lib_region region = {
		.id = id,
		.flags = flags,
		.gpa = gpa,
		.size = size,
		.owned = true,
	};
	const int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	const __u64 huge = 2ull << 20;
	unsigned char *map;
	__u64 head;
	int ret;

	if (!size || size % AXV_PAGE_SIZE || size + huge < size)
		return axv_fail(EINVAL, "memory region %u: %llu bytes is not a number of pages",
				id, (unsigned long long)size);
	/* Choose the address so that huge pages of guest and host coincide. */
	map = mmap(NULL, size + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		   -1, 0);
	if (map == MAP_FAILED)
		return axv_fail_call("use less guest memory", "map %llu bytes",
				     (unsigned long long)size);
	head = (gpa - (uintptr_t)map) % huge;
	head -= head % AXV_PAGE_SIZE;
	region.hva = mmap(map + head, size, PROT_READ | PROT_WRITE,
			  kind | MAP_FIXED | MAP_NORESERVE, fd, offset);
	if (region.hva == MAP_FAILED) {
		ret = axv_fail_call(errno == ENOMEM ? "use less guest memory" : NULL,
				    "map %llu bytes", (unsigned long long)size);
		munmap(map, size + huge);
		return ret;
	}
	if (head)
		munmap(map, head);
	if (huge - head)
		munmap(map + head + size, huge - head);
	/* If the kernel refuses this advice, memory is slower, but all works. */
	madvise(region.hva, size, MADV_HUGEPAGE);
	madvise(region.hva, size, MADV_DONTFORK);

	pthread_rwlock_wrlock(&vm->lock);
	if (find_region(vm, id))
		ret = axv_fail(EEXIST, "memory region %u exists already", id);
	else
		ret = region_set(vm, &region);
	pthread_rwlock_unlock(&vm->lock);
	if (ret) {
		munmap(region.hva, size);
		return ret;
	}
	if (hva)
		*hva = region.hva;
	return 0;
}

int axv_vm_add_ram(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa,
		   __u64 size, void **hva)
{
	return add_ram(vm, id, flags, gpa, size, -1, 0, hva);
}

int axv_vm_map_ram(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa, __u64 size, int fd,
		   __u64 offset, void **hva)
{
	if (fd < 0)
		return axv_fail(EBADF, "memory region %u: %d is no descriptor", id, fd);
	return add_ram(vm, id, flags, gpa, size, fd, offset, hva);
}

void *axv_vm_hva(struct axv_vm *vm, __u64 gpa, __u64 size)
{
	struct axv_lib_region *r;
	void *hva = NULL;

	pthread_rwlock_rdlock(&vm->lock);
	r = find_gpa(vm, gpa, size);
	if (r)
		hva = r->hva + (gpa - r->gpa);
	pthread_rwlock_unlock(&vm->lock);
	if (!hva)
		axv_fail(ENOENT, "guest physical %#llx, %llu bytes: not inside one memory region",
			 (unsigned long long)gpa, (unsigned long long)size);
	return hva;
}

static void mark(struct axv_lib_region *r, __u64 page)
{
	if (r->dirty)
		__atomic_fetch_or(&r->dirty[page / 64], 1ull << page % 64,
				  __ATOMIC_RELAXED);
}

void axv_vm_mark_dirty(struct axv_vm *vm, __u64 gpa, __u64 size)
{
	__u64 end = gpa + size - 1;	/* the last byte */
	struct axv_lib_region *r;
	unsigned int i;
	__u64 first;
	__u64 last;
	__u64 page;

	if (!size || end < gpa)
		return;
	pthread_rwlock_rdlock(&vm->lock);
	for (i = region_above(vm, gpa); i < vm->nr_regions; i++) {
		r = &vm->regions[i];
		if (r->gpa > end)
			break;
		if (!r->dirty)
			continue;
		first = gpa > r->gpa ? gpa : r->gpa;
		last = r->gpa + (r->size - 1);
		if (last > end)
			last = end;
		for (page = (first - r->gpa) / AXV_PAGE_SIZE;
		     page <= (last - r->gpa) / AXV_PAGE_SIZE; page++)
			mark(r, page);
	}
	pthread_rwlock_unlock(&vm->lock);
}

static int dirty_call(struct axv_vm *vm, unsigned long request, const struct axv_dirty *arg)
{
	const char *hint = NULL;

	if (!ioctl(vm->fd, request, arg))
		return 0;
	if (errno == EINVAL)
		hint = "the region needs a log; ask by 64 pages, at most AXV_QUERY_MAX_DIRTY_PAGES";
	return axv_fail_call(hint, "dirty pages of region %u", arg->region);
}

int axv_vm_get_dirty(struct axv_vm *vm, __u32 id, __u32 flags, __u64 first_page,
		     __u64 nr_pages, __u64 *bitmap)
{
	struct axv_dirty arg = {
		.region = id,
		.flags = flags,
		.first_page = first_page,
		.nr_pages = nr_pages,
		.bitmap = (uintptr_t)bitmap,
	};
	struct axv_lib_region *r;
	__u64 *own;
	__u64 i;
	int ret;

	pthread_rwlock_rdlock(&vm->lock);
	ret = dirty_call(vm, AXV_VM_GET_DIRTY, &arg);
	r = ret ? NULL : find_region(vm, id);
	for (i = 0; r && r->dirty && i < (nr_pages + 63) / 64; i++) {
		own = &r->dirty[first_page / 64 + i];
		bitmap[i] |= flags & AXV_DIRTY_KEEP ?
			     __atomic_load_n(own, __ATOMIC_RELAXED) :
			     __atomic_exchange_n(own, 0, __ATOMIC_RELAXED);
	}
	pthread_rwlock_unlock(&vm->lock);
	return ret;
}

int axv_vm_clear_dirty(struct axv_vm *vm, __u32 id, __u64 first_page,
		       __u64 nr_pages, const __u64 *bitmap)
{
	struct axv_dirty arg = {
		.region = id,
		.first_page = first_page,
		.nr_pages = nr_pages,
		.bitmap = (uintptr_t)bitmap,
	};
	struct axv_lib_region *r;
	__u64 i;
	int ret;

	pthread_rwlock_rdlock(&vm->lock);
	ret = dirty_call(vm, AXV_VM_CLEAR_DIRTY, &arg);
	r = ret ? NULL : find_region(vm, id);
	for (i = 0; r && r->dirty && i < (nr_pages + 63) / 64; i++)
		__atomic_fetch_and(&r->dirty[first_page / 64 + i], ~bitmap[i],
				   __ATOMIC_RELAXED);
	pthread_rwlock_unlock(&vm->lock);
	return ret;
}

int axv_ram_read(struct axv_vm *vm, __u64 gpa, void *data, size_t size)
{
	struct axv_lib_region *r;

	pthread_rwlock_rdlock(&vm->lock);
	r = find_gpa(vm, gpa, size);
	if (r)
		memcpy(data, r->hva + (gpa - r->gpa), size);
	pthread_rwlock_unlock(&vm->lock);
	return r ? 0 : -ENOENT;
}

int axv_ram_write(struct axv_vm *vm, __u64 gpa, const void *data, size_t size)
{
	struct axv_lib_region *r;
	int ret = 0;

	pthread_rwlock_rdlock(&vm->lock);
	r = find_gpa(vm, gpa, size);
	if (!r) {
		ret = -ENOENT;
	} else if (r->flags & AXV_REGION_READONLY) {
		ret = -EROFS;
	} else {
		memcpy(r->hva + (gpa - r->gpa), data, size);
		mark(r, (gpa - r->gpa) / AXV_PAGE_SIZE);
	}
	pthread_rwlock_unlock(&vm->lock);
	return ret;
}

#define CMPXCHG(type, p, old, new) ({					\
	type expected = (old);						\
	__atomic_compare_exchange_n((type *)(p), &expected, (type)(new),\
				    false, __ATOMIC_SEQ_CST,		\
				    __ATOMIC_SEQ_CST);			\
})

static bool replace(void *p, __u64 old, __u64 new, size_t size)
{
	switch (size) {
	case 1:
		return CMPXCHG(__u8, p, old, new);
	case 2:
		return CMPXCHG(__u16, p, old, new);
	case 4:
		return CMPXCHG(__u32, p, old, new);
	default:
		return CMPXCHG(__u64, p, old, new);
	}
}

int axv_ram_cmpxchg(struct axv_vm *vm, __u64 gpa, __u64 old, __u64 new,
		    size_t size)
{
	struct axv_lib_region *r;
	int ret = 0;

	pthread_rwlock_rdlock(&vm->lock);
	r = find_gpa(vm, gpa, size);
	if (!r)
		ret = -ENOENT;
	else if (r->flags & AXV_REGION_READONLY)
		ret = -EROFS;
	else if (!replace(r->hva + (gpa - r->gpa), old, new, size))
		ret = -EAGAIN;
	else
		mark(r, (gpa - r->gpa) / AXV_PAGE_SIZE);
	pthread_rwlock_unlock(&vm->lock);
	return ret;
}

void axv_regions_init(struct axv_vm *vm)
{
	pthread_rwlockattr_t attr;

	/*
	 * A waiting writer goes before new readers, otherwise threads whose accesses overlap in
	 * time keep out a thread that changes regions.
	 */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&vm->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}

void axv_regions_free(struct axv_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_regions; i++)
		region_release(&vm->regions[i]);
	free(vm->regions);
	pthread_rwlock_destroy(&vm->lock);
}
