// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * INS and OUTS, as the exit describes them.  Elements in one page of RAM go to the
 * device, or come from it, in one call; all others one by one.
 */
#include <errno.h>
#include <string.h>

#include "exec.h"

/*
 * Elements executed in one call: enough to make the call's cost small, few enough that
 * the guest takes its interrupts in time.
 */
#define ELEMENTS_MAX	1024

/**
 * struct string - INS or OUTS under way
 * @e:		the CPU
 * @told:	what the exit told; the rest is from the guest's code
 * @offset:	offset of the next element in its segment
 * @span:	memory of the next element
 * @data:	elements between memory and port
 */
struct string {
	struct axv_emul *e;
	struct axv_exit_io_string told;
	__u64 offset;
	struct axv_span span;
	unsigned char data[ELEMENTS_MAX * 4];
};

/*
 * Ask the code for the size of addresses and for the segment.  The hardware has checked
 * the port for the instruction that has exited.  Any other instruction is refused, since
 * another CPU of the guest may have written it meanwhile.
 */
static int ask_code(struct string *s, unsigned int length)
{
	struct axv_exit_io_string *told = &s->told;
	struct axv_exec x = { .e = s->e };
	unsigned int mem = told->in ? 0 : 1;

	s->e->insn_bytes = 0;
	if (axv_exec_decode(&x) || x.insn.meta.category != ZYDIS_CATEGORY_IOSTRINGOP ||
	    !axv_is_mem(&x, mem) || axv_size(&x, mem) != told->width ||
	    !axv_repeat_prefix(&x) != !told->rep || x.insn.length != length ||
	    (told->addr_width != AXV_IO_STRING_UNTOLD &&
	     told->addr_width != x.insn.address_width / 8))
		return AXV_EMUL_CHANGED;
	told->addr_width = x.insn.address_width / 8;
	if (told->seg == AXV_IO_STRING_UNTOLD)
		told->seg = axv_op_segment(&x, mem);
	return 0;
}

/* How many of @n elements follow each other in the page of the first one? */
static unsigned int in_page(struct string *s, unsigned int n, __u32 access)
{
	unsigned int width = s->told.width;
	struct axv_span all;
	unsigned int room;

	if (n == 1 || s->span.nr == 2 || (s->e->gprs.rflags & FLAG_DF))
		return 1;
	room = (AXV_PAGE_SIZE - s->span.gpa[0] % AXV_PAGE_SIZE) / width;
	if (n > room)
		n = room;
	if (axv_mask(s->told.addr_width) - s->offset < n * width - 1)
		return 1;
	/*
	 * The segment may end before the page; then the elements are done one by one
	 * until one fails.
	 */
	if (axv_span_get(s->e, s->told.seg, s->offset, n * width, access, &all) ||
	    all.nr != 1 || all.gpa[0] != s->span.gpa[0])
		return 1;
	return n;
}

/*
 * Write the elements in @s->data to memory that may not be RAM; *@done becomes how many
 * were written.
 */
static int store_each(struct string *s, unsigned int n, unsigned int *done)
{
	unsigned int width = s->told.width;
	int ret;

	for (*done = 0; *done < n; ++*done) {
		ret = axv_span_write(s->e, &s->span, s->data + *done * width);
		if (ret)
			return ret;
		s->span.gpa[0] += width;
	}
	return 0;
}

/*
 * Execute at most @n elements of INS; *@done becomes how many were done, also on an
 * error.  The memory is checked before the port is read, so that no data of the device is
 * lost.
 */
static int ins(struct string *s, unsigned int n, unsigned int *done)
{
	const struct axv_space *space = s->e->space;
	unsigned int width = s->told.width;
	int ret;

	n = in_page(s, n, AXV_ACCESS_WRITE);
	/* A device in memory gets each element before the next one is read from the port. */
	if (space->read(s->e->opaque, s->span.gpa[0], s->data, 1))
		n = 1;
	ret = space->port_read(s->e->opaque, s->told.port, width, s->data, n);
	if (ret)
		return ret;
	if (s->span.nr == 1)
		ret = space->write(s->e->opaque, s->span.gpa[0], s->data, n * width);
	if (s->span.nr == 2 || ret == -ENOENT || ret == -EROFS)
		return store_each(s, n, done);
	if (!ret)
		*done = n;
	return ret;
}

static int outs(struct string *s, unsigned int n, unsigned int *done)
{
	const struct axv_space *space = s->e->space;
	unsigned int width = s->told.width;
	int ret;

	n = in_page(s, n, AXV_ACCESS_READ);
	if (s->span.nr == 2 ||
	    space->read(s->e->opaque, s->span.gpa[0], s->data, n * width)) {
		n = 1;
		ret = axv_span_read(s->e, &s->span, s->data);
		if (ret)
			return ret;
	}
	ret = space->port_write(s->e->opaque, s->told.port, width, s->data, n);
	if (!ret)
		*done = n;
	return ret;
}

/* Execute some elements, at most @n, and advance the registers by those that were done. */
static int move_some(struct string *s, unsigned int n, unsigned int *done)
{
	unsigned int width = s->told.width;
	unsigned int bytes = s->told.addr_width;
	unsigned int reg = s->told.in ? AXV_X86_RDI : AXV_X86_RSI;
	struct axv_emul *e = s->e;
	__u64 moved;
	int ret;

	*done = 0;
	s->offset = axv_index_get(e, reg, bytes);
	ret = axv_span_get(e, s->told.seg, s->offset, width,
			   s->told.in ? AXV_ACCESS_WRITE : AXV_ACCESS_READ, &s->span);
	if (ret)
		return ret;
	ret = s->told.in ? ins(s, n, done) : outs(s, n, done);
	if (!*done)
		return ret;
	moved = (__u64)*done * width;
	axv_index_set(e, reg, bytes, s->offset + (e->gprs.rflags & FLAG_DF ? -moved : moved));
	if (s->told.rep)
		axv_index_set(e, AXV_X86_RCX, bytes,
			      axv_index_get(e, AXV_X86_RCX, bytes) - *done);
	return ret;
}

static bool is_valid(const struct axv_exit_io_string *told)
{
	return (told->width == 1 || told->width == 2 || told->width == 4) &&
	       (told->addr_width == 2 || told->addr_width == 4 || told->addr_width == 8) &&
	       told->seg <= AXV_X86_GS;
}

int axv_emul_io_string(struct axv_emul *e, const struct axv_exit_io_string *told,
		       unsigned int length)
{
	unsigned int left = e->gprs.rflags & FLAG_TF ? 1 : ELEMENTS_MAX;
	struct string s = { .e = e, .told = *told };
	__u64 count = 1;
	unsigned int done;
	int ret = 0;

	e->trap = false;
	if (told->in ? !e->space->port_read : !e->space->port_write)
		return axv_fail(EOPNOTSUPP, "%s of port %#x: this VMM has no ports for it",
				told->in ? "INS" : "OUTS", told->port);
	if (s.told.addr_width == AXV_IO_STRING_UNTOLD || s.told.seg == AXV_IO_STRING_UNTOLD)
		ret = ask_code(&s, length);
	if (ret)
		return ret;
	if (!is_valid(&s.told))
		return axv_fail(EINVAL, "no such INS or OUTS");

	for (;;) {
		if (s.told.rep)
			count = axv_index_get(e, AXV_X86_RCX, s.told.addr_width);
		if (!count || !left)
			break;
		ret = move_some(&s, count < left ? count : left, &done);
		if (ret)
			return ret;
		left -= done;
		count -= done;
	}
	axv_emul_end(e, count ? 0 : length);
	return AXV_EMUL_DONE;
}
