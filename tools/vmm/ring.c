// SPDX-License-Identifier: GPL-2.0
/* A virtio ring on which axvmm works itself. */
#include <errno.h>
#include <string.h>

#include <linux/virtio_ring.h>

#include "ring.h"

#define DESCRIPTOR_ALIGN	16
#define AVAILABLE_ALIGN		2
#define USED_ALIGN		4

/* Get guest memory that a device may write; NULL: there is none, or @gpa is not aligned. */
static void *writable_at(const struct memory *mem, u64 gpa, u64 size, u64 align)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		const struct memory_area *area = &mem->areas[i];

		if (gpa >= area->gpa && gpa - area->gpa < area->size)
			return !(area->flags & AXV_REGION_READONLY) && gpa % align == 0 ?
			       memory_at(mem, gpa, size) : NULL;
	}
	return NULL;
}

bool ring_start(struct ring *r, const struct memory *mem, const struct virtio_queue *q,
		bool writes)
{
	const unsigned int size = q->size;

	*r = (struct ring){
		.mem = mem,
		.size = size,
		.writes = writes,
		.descriptors = writable_at(mem, q->descriptors, size * sizeof(struct vring_desc),
					   DESCRIPTOR_ALIGN),
		.available = writable_at(mem, q->available, 6 + 2 * size, AVAILABLE_ALIGN),
		.used = writable_at(mem, q->used, 6 + 8 * size, USED_ALIGN),
	};
	return r->descriptors && r->available && r->used;
}

/* Add a descriptor's buffer.  Returns whether the descriptor is valid. */
static bool add_buffer(const struct ring *r, struct ring_request *request, u64 gpa, u32 size,
		       u16 flags)
{
	struct ring_buffer *buffer = &request->buffers[request->nr];

	if (flags & ~(VRING_DESC_F_NEXT | VRING_DESC_F_WRITE))
		return false;
	if (!(flags & VRING_DESC_F_WRITE) == r->writes || !size)
		return true;
	buffer->data = r->writes ? writable_at(r->mem, gpa, size, 1) :
				   memory_at(r->mem, gpa, size);
	buffer->gpa = gpa;
	buffer->size = size;
	request->nr++;
	return buffer->data;
}

int ring_get(struct ring *r, struct ring_request *request)
{
	u16 last = __atomic_load_n(&r->available->idx, __ATOMIC_ACQUIRE);
	unsigned int i;
	u16 at, flags;

	if (last == r->next)
		return 0;
	if ((u16)(last - r->next) > r->size)
		return -EPROTO;
	at = __atomic_load_n(&r->available->ring[r->next % r->size], __ATOMIC_RELAXED);
	request->head = at;
	request->nr = 0;
	/* A chain that is longer than the table has a loop. */
	for (i = 0; i < r->size; i++) {
		const struct vring_desc *d = &r->descriptors[at];

		if (at >= r->size)
			return -EPROTO;
		flags = __atomic_load_n(&d->flags, __ATOMIC_RELAXED);
		if (!add_buffer(r, request, __atomic_load_n(&d->addr, __ATOMIC_RELAXED),
				__atomic_load_n(&d->len, __ATOMIC_RELAXED), flags))
			return -EPROTO;
		if (!(flags & VRING_DESC_F_NEXT)) {
			r->next++;
			return 1;
		}
		at = __atomic_load_n(&d->next, __ATOMIC_RELAXED);
	}
	return -EPROTO;
}

void ring_add(struct ring *r, u16 head, u32 written)
{
	struct vring_used_elem *used = &r->used->ring[r->put % r->size];

	__atomic_store_n(&used->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&used->len, written, __ATOMIC_RELAXED);
	r->put++;
}

void ring_publish(struct ring *r)
{
	r->shown = r->put;
	/* The driver must not see the index before the entries. */
	__atomic_store_n(&r->used->idx, r->put, __ATOMIC_RELEASE);
}

void ring_put(struct ring *r, u16 head, u32 written)
{
	ring_add(r, head, written);
	ring_publish(r);
}

void ring_undo(struct ring *r)
{
	r->next -= r->put - r->shown;
	r->put = r->shown;
}

u32 ring_write(const struct ring_request *request, u32 offset, const void *data, u32 size)
{
	u32 done = 0;
	unsigned int i;

	for (i = 0; i < request->nr && done < size; i++) {
		const struct ring_buffer *buffer = &request->buffers[i];
		u32 n;

		if (offset >= buffer->size) {
			offset -= buffer->size;
			continue;
		}
		n = buffer->size - offset < size - done ? buffer->size - offset : size - done;
		memcpy((u8 *)buffer->data + offset, (const u8 *)data + done, n);
		done += n;
		offset = 0;
	}
	return done;
}

u64 ring_read(const struct ring_request *request, u32 offset, void *data, u32 size)
{
	u64 there = 0;
	unsigned int i;

	for (i = 0; i < request->nr; i++) {
		const struct ring_buffer *buffer = &request->buffers[i];
		u32 n, room = there < size ? size - there : 0;

		if (offset >= buffer->size) {
			offset -= buffer->size;
			continue;
		}
		n = buffer->size - offset;
		memcpy((u8 *)data + there, (const u8 *)buffer->data + offset, n < room ? n : room);
		there += n;
		offset = 0;
	}
	return there;
}

bool ring_listen(struct ring *r, bool on, u16 seen)
{
	__atomic_store_n(&r->used->flags, on ? 0 : VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
	if (!on)
		return false;
	/* The driver writes the index, then reads the flag; here it is the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&r->available->idx, __ATOMIC_RELAXED) != seen;
}

bool ring_interrupts(const struct ring *r)
{
	/* The driver sets the flag, then reads the index; here it is the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !(__atomic_load_n(&r->available->flags, __ATOMIC_RELAXED) &
		 VRING_AVAIL_F_NO_INTERRUPT);
}
