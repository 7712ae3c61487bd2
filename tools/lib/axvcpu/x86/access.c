// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Memory accesses of an instruction: segment and page checks first, for the
 * whole operand, then RAM or devices, piece by piece.
 */
#include <errno.h>
#include <string.h>

#include "exec.h"

#define PAGE_MASK	(AXV_PAGE_SIZE - 1)

/* Bits of a segment's type, for code or data (AMD APM vol. 2, 4.7.2, 4.7.3) */
#define TYPE_CODE	0x8
#define TYPE_DOWN	0x4	/* data: expands down */
#define TYPE_ALLOW	0x2	/* data: writable; code: readable */

int axv_raise(struct axv_emul *e, __u8 vector, __u32 error_code)
{
	e->exception = (struct axv_emul_exception) {
		.vector = vector,
		/* In real mode no error code is pushed. */
		.has_error_code = (e->sregs.cr0 & CR0_PE) &&
				  (vector == VECTOR_GP || vector == VECTOR_SS ||
				   vector == VECTOR_AC),
		.error_code = error_code,
	};
	return AXV_EMUL_EXCEPTION;
}

static int segment_fault(struct axv_emul *e, unsigned int seg)
{
	return axv_raise(e, seg == AXV_X86_SS ? VECTOR_SS : VECTOR_GP, 0);
}

static bool canonical(const struct axv_emul *e, __u64 linear)
{
	unsigned int shift = e->sregs.cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

	return (__u64)((__s64)(linear << shift) >> shift) == linear;
}

static int linear_long(struct axv_emul *e, unsigned int seg, __u64 offset,
		       unsigned int size, __u64 *linear)
{
	*linear = offset;
	if (seg == AXV_X86_FS || seg == AXV_X86_GS)
		*linear += e->sregs.seg[seg].base;
	if (!canonical(e, *linear) || !canonical(e, *linear + size - 1))
		return segment_fault(e, seg);
	return 0;
}

static int linear_legacy(struct axv_emul *e, unsigned int seg, __u64 offset,
			 unsigned int size, __u32 access, __u64 *linear)
{
	const struct axv_x86_segment *s = &e->sregs.seg[seg];
	unsigned int type = s->attr & AXV_X86_ATTR_TYPE;
	__u64 last = offset + size - 1;
	__u64 limit = s->limit;
	bool down = false;

	if (!axv_emul_real(e)) {
		if (!(s->attr & AXV_X86_ATTR_P))
			return segment_fault(e, seg);
		if ((access & AXV_ACCESS_WRITE) &&
		    ((type & TYPE_CODE) || !(type & TYPE_ALLOW)))
			return segment_fault(e, seg);
		if ((access & AXV_ACCESS_READ) &&
		    (type & TYPE_CODE) && !(type & TYPE_ALLOW))
			return segment_fault(e, seg);
		down = !(type & TYPE_CODE) && (type & TYPE_DOWN);
	}
	if (down) {
		__u64 top = s->attr & AXV_X86_ATTR_DB ? 0xffffffff : 0xffff;

		if (offset <= limit || last > top)
			return segment_fault(e, seg);
	} else if (last > limit) {
		return segment_fault(e, seg);
	}
	*linear = (__u32)(s->base + offset);
	return 0;
}

/* The address @bytes above @linear: outside 64-bit code 4 GiB wraps to 0. */
static __u64 advance(const struct axv_emul *e, __u64 linear, unsigned int bytes)
{
	linear += bytes;
	return axv_emul_long64(e) ? linear : (__u32)linear;
}

int axv_span_get(struct axv_emul *e, unsigned int seg, __u64 offset,
		 unsigned int size, __u32 access, struct axv_span *span)
{
	unsigned int room;
	__u64 linear = 0;
	int ret;

	if (axv_emul_long64(e))
		ret = linear_long(e, seg, offset, size, &linear);
	else
		ret = linear_legacy(e, seg, offset, size, access, &linear);
	if (ret)
		return ret;

	/*
	 * One walk per page serves reading and writing: a page that may be
	 * written may be read.
	 */
	if (access & AXV_ACCESS_WRITE)
		access = AXV_ACCESS_WRITE;
	room = AXV_PAGE_SIZE - (linear & PAGE_MASK);
	span->nr = size > room ? 2 : 1;
	span->size[0] = span->nr == 2 ? room : size;
	span->size[1] = size - span->size[0];
	ret = axv_emul_walk(e, linear, access, 0, &span->gpa[0]);
	if (!ret && span->nr == 2)
		ret = axv_emul_walk(e, advance(e, linear, room), access, 0,
				    &span->gpa[1]);
	if (ret)
		return ret;

	if ((e->sregs.cr0 & CR0_AM) && (e->gprs.rflags & FLAG_AC) &&
	    axv_emul_cpl(e) == 3 && size <= 8 && linear % size &&
	    !(access & AXV_ACCESS_FETCH))
		return axv_raise(e, VECTOR_AC, 0);
	return 0;
}

/* The width of the next access of a device, for @size bytes at @gpa */
static unsigned int piece(__u64 gpa, unsigned int size)
{
	unsigned int width = 8;

	if (size == 1 || size == 2 || size == 4 || size == 8)
		return size;
	while (width > size || gpa % width)
		width /= 2;
	return width;
}

static int device_read(struct axv_emul *e, __u64 gpa, unsigned char *data,
		       unsigned int size)
{
	unsigned int width;
	__u64 value;
	int ret;

	for (; size; size -= width, gpa += width, data += width) {
		width = piece(gpa, size);
		value = 0;
		ret = e->space->mmio_read(e->opaque, gpa, width, &value);
		if (ret)
			return ret;
		memcpy(data, &value, width);
	}
	return 0;
}

static int device_write(struct axv_emul *e, __u64 gpa, const unsigned char *data,
			unsigned int size)
{
	unsigned int width;
	__u64 value;
	int ret;

	for (; size; size -= width, gpa += width, data += width) {
		width = piece(gpa, size);
		value = 0;
		memcpy(&value, data, width);
		ret = e->space->mmio_write(e->opaque, gpa, width, value);
		if (ret)
			return ret;
	}
	return 0;
}

int axv_span_read(struct axv_emul *e, const struct axv_span *span, void *data)
{
	unsigned char *p = data;
	unsigned int i;
	int ret;

	for (i = 0; i < span->nr; p += span->size[i], i++) {
		ret = e->space->read(e->opaque, span->gpa[i], p, span->size[i]);
		if (ret == -ENOENT)
			ret = device_read(e, span->gpa[i], p, span->size[i]);
		if (ret)
			return ret;
	}
	return 0;
}

int axv_span_write(struct axv_emul *e, const struct axv_span *span,
		   const void *data)
{
	const unsigned char *p = data;
	unsigned int i;
	int ret;

	for (i = 0; i < span->nr; p += span->size[i], i++) {
		ret = e->space->write(e->opaque, span->gpa[i], p, span->size[i]);
		if (ret == -ENOENT || ret == -EROFS)
			ret = device_write(e, span->gpa[i], p, span->size[i]);
		if (ret)
			return ret;
	}
	return 0;
}

int axv_span_update(struct axv_emul *e, const struct axv_span *span, __u64 old,
		    __u64 new)
{
	unsigned int size = span->size[0];
	int ret;

	if (span->nr == 2 || span->gpa[0] % size)
		return axv_span_write(e, span, &new);
	ret = e->space->cmpxchg(e->opaque, span->gpa[0], old, new, size);
	if (ret == -EAGAIN)
		return EXEC_RETRY;
	if (ret == -ENOENT || ret == -EROFS)
		ret = device_write(e, span->gpa[0], (unsigned char *)&new, size);
	return ret;
}
