// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The hardware's task switch (Intel SDM vol. 3A, "Task Management", section "Task
 * Switching"; vol. 2, CALL, INT n, IRET and JMP; AMD APM vol. 2, chapter 12).
 *
 * It has three parts, as in the manual.  Up to the commit point everything is checked and
 * translated, and a fault is raised in the old task, which is unchanged.  Then the new
 * task's state is loaded without checks.  Then its segment registers are loaded, and a
 * fault is raised in the new task.
 */
#include <errno.h>
#include <string.h>

#include "exec.h"

#define SELECTOR_RPL	0x3
#define SELECTOR_TI	0x4
#define SELECTOR_INDEX	0xfff8
#define LAST_BYTE	0x7		/* offset of a descriptor's last byte */

/* Types of segments (SDM vol. 3A, tables 3-1 and 3-2) */
#define TYPE_ACCESSED	0x1
#define TYPE_RW		0x2		/* readable code, writable data */
#define TYPE_CONFORMING	0x4
#define TYPE_CODE	0x8
#define TYPE_LDT	2
#define TYPE_TSS16	1
#define TYPE_TSS32	9
#define TYPE_BUSY	0x2

/* Where the access byte is in a descriptor */
#define ACCESS_BYTE	5
#define DESCRIPTOR	8

/* Offsets in a 32-bit TSS; a 16-bit one does not have these */
#define TSS_CR3		0x1c
#define TSS_TRAP	0x64
#define TSS_MAX		0x68

#define VECTOR_BP	3
#define VECTOR_OF	4
#define VECTOR_TS	10
#define VECTOR_NP	11

#define FLAG_FIXED	(1ull << 1)
#define FLAG_NT		(1ull << 14)
#define FLAGS_KNOWN	0x3f7fd7ull

/* Bits of an entry of a page-directory-pointer table */
#define PDPTE_P		1ull
#define PDPTE_RESERVED	0x6ull		/* bits 1 and 2 */
#define PDPTE_RESERVED_VMX 0x1e0ull	/* bits 5 to 8 */

/**
 * struct tss_format - offsets in a TSS
 * @size:	bytes that the processor reads
 * @width:	bytes of a register
 * @ip:		offset of the instruction pointer; what is saved begins here
 * @flags:	offset of the flags
 * @gpr:	offset of the general registers, in the order of the instruction encoding
 * @seg:	offset of the selectors, each as wide as a register, ES first
 * @segs:	number of selectors; what is saved ends after them
 * @ldt:	offset of the selector of the LDT
 */
struct tss_format {
	__u8 size;
	__u8 width;
	__u8 ip;
	__u8 flags;
	__u8 gpr;
	__u8 seg;
	__u8 segs;
	__u8 ldt;
};

static const struct tss_format tss16 = {
	.size = 0x2c, .width = 2, .ip = 0x0e, .flags = 0x10, .gpr = 0x12,
	.seg = 0x22, .segs = 4, .ldt = 0x2a,
};

static const struct tss_format tss32 = {
	.size = 0x68, .width = 4, .ip = 0x20, .flags = 0x24, .gpr = 0x28,
	.seg = 0x48, .segs = 6, .ldt = 0x60,
};

/**
 * struct task_switch - a task switch under way
 * @e:		the CPU; in the new task from the commit point on
 * @task:	what the exit told
 * @ext:	EXT for error codes: an event from outside the program causes the switch
 * @old:	the old task's TSS
 * @new:	the new task's TSS, marked busy
 * @tss:	contents of the new TSS
 * @format:	format of the new TSS
 * @cpl:	the new privilege level
 * @save:	memory for the old task's registers
 * @load:	memory of the new TSS
 * @link:	memory of the new TSS's link to the old task, if the tasks nest
 * @new_descriptor: memory of the descriptor that becomes busy, if one does
 * @old_descriptor: memory of the descriptor that becomes available, if one does
 */
struct task_switch {
	struct axv_emul *e;
	const struct axv_task *task;
	bool ext;
	struct axv_x86_segment old;
	struct axv_x86_segment new;
	__u8 tss[TSS_MAX];
	const struct tss_format *format;
	__u8 cpl;
	struct axv_span save;
	struct axv_span load;
	struct axv_span link;
	struct axv_span new_descriptor;
	struct axv_span old_descriptor;
};

static bool nests(const struct task_switch *t)
{
	return t->task->source == AXV_X86_TASK_CALL || t->task->source == AXV_X86_TASK_GATE;
}

static const struct tss_format *format_of(const struct axv_x86_segment *tss)
{
	return (tss->attr & AXV_X86_ATTR_TYPE & ~TYPE_BUSY) == TYPE_TSS16 ? &tss16 : &tss32;
}

static __u32 tss_get(const struct task_switch *t, unsigned int at, unsigned int width)
{
	__u32 value = 0;

	memcpy(&value, t->tss + at, width);
	return value;
}

static __u16 tss_selector(const struct task_switch *t, unsigned int seg)
{
	const struct tss_format *f = t->format;

	return seg < f->segs ? tss_get(t, f->seg + seg * f->width, 2) : 0;
}

static bool is_null(__u16 selector)
{
	return !(selector & ~SELECTOR_RPL);
}

/* Note an exception whose error code is a selector, or 0. */
static int refuse(struct task_switch *t, __u8 vector, __u16 selector)
{
	t->e->exception = (struct axv_emul_exception) {
		.vector = vector,
		.has_error_code = true,
		.error_code = (selector & ~SELECTOR_RPL) | t->ext,
	};
	return AXV_EMUL_EXCEPTION;
}

static int missing(const struct task_switch *t, __u64 gpa, bool write)
{
	return axv_fail(EOPNOTSUPP,
			"a task switch to selector %#x at rip %#llx needs guest physical %#llx, where it has no memory to %s",
			t->task->selector, (unsigned long long)t->e->gprs.rip,
			(unsigned long long)gpa, write ? "write" : "read");
}

/* ---- memory, with the processor's own rights --------------------------------------- */

static int translate(struct task_switch *t, __u64 linear, unsigned int size, __u32 access,
		     struct axv_span *span)
{
	unsigned int room;
	int ret;

	linear = (__u32)linear;
	room = AXV_PAGE_SIZE - linear % AXV_PAGE_SIZE;
	span->nr = size > room ? 2 : 1;
	span->size[0] = span->nr == 2 ? room : size;
	span->size[1] = size - span->size[0];
	ret = axv_emul_walk(t->e, linear, access, AXV_WALK_SYSTEM, &span->gpa[0]);
	if (!ret && span->nr == 2)
		ret = axv_emul_walk(t->e, (__u32)(linear + room), access, AXV_WALK_SYSTEM,
				    &span->gpa[1]);
	return ret;
}

static int read_span(const struct task_switch *t, const struct axv_span *span, void *data)
{
	__u8 *p = data;
	unsigned int i;

	for (i = 0; i < span->nr; p += span->size[i], i++) {
		if (t->e->space->read(t->e->opaque, span->gpa[i], p, span->size[i]))
			return missing(t, span->gpa[i], false);
	}
	return 0;
}

static int write_span(const struct task_switch *t, const struct axv_span *span,
		      const void *data)
{
	const __u8 *p = data;
	unsigned int i;

	for (i = 0; i < span->nr; p += span->size[i], i++) {
		if (t->e->space->write(t->e->opaque, span->gpa[i], p, span->size[i]))
			return missing(t, span->gpa[i], true);
	}
	return 0;
}

static int read_linear(struct task_switch *t, __u64 linear, void *data, unsigned int size)
{
	struct axv_span span;
	int ret = translate(t, linear, size, AXV_ACCESS_READ, &span);

	return ret ? ret : read_span(t, &span, data);
}

/*
 * Translate memory that will be written, and check that it can be: replacing 0 by 0 shows
 * that, and changes nothing.
 */
static int prepare_write(struct task_switch *t, __u64 linear, unsigned int size,
			 struct axv_span *span)
{
	unsigned int i;
	int ret;

	ret = translate(t, linear, size, AXV_ACCESS_WRITE, span);
	for (i = 0; !ret && i < span->nr; i++) {
		ret = t->e->space->cmpxchg(t->e->opaque, span->gpa[i], 0, 0, 1);
		ret = ret && ret != -EAGAIN ? missing(t, span->gpa[i], true) : 0;
	}
	return ret;
}

/*
 * Change the access byte of a descriptor, atomically as processors do.  With @busy it is
 * an error if the bits are set already.
 */
static int change_access(struct task_switch *t, const struct axv_span *descriptor,
			 __u8 clear, __u8 set, bool busy)
{
	unsigned int part = descriptor->size[0] > ACCESS_BYTE ? 0 : 1;
	__u64 gpa = descriptor->gpa[part] + ACCESS_BYTE - (part ? descriptor->size[0] : 0);
	__u8 old;
	int ret;

	do {
		if (t->e->space->read(t->e->opaque, gpa, &old, 1))
			return missing(t, gpa, false);
		if (busy && (old & set))
			return refuse(t, VECTOR_GP, t->task->selector);
		ret = t->e->space->cmpxchg(t->e->opaque, gpa, old, (old & ~clear) | set, 1);
	} while (ret == -EAGAIN);
	return ret ? missing(t, gpa, true) : 0;
}

/* ---- the old task ----------------------------------------------------------- */

static struct axv_x86_segment decode(__u64 raw, __u16 selector)
{
	struct axv_x86_segment s = {
		.base = ((raw >> 16) & 0xffffff) | ((raw >> 56) << 24),
		.limit = (raw & 0xffff) | ((raw >> 32) & 0xf0000),
		.selector = selector,
		.attr = ((raw >> 40) & 0xff) | ((raw >> 44) & 0xf00),
	};

	if (s.attr & AXV_X86_ATTR_G)
		s.limit = s.limit << 12 | 0xfff;
	return s;
}

static __u64 gdt_entry(const struct task_switch *t, __u16 selector)
{
	return t->e->sregs.gdtr.base + (selector & SELECTOR_INDEX);
}

/*
 * Check the new TSS: its selector, type, presence and limit.  The processor has checked
 * these before it exited, but the guest's memory may have changed since.
 */
static int check_new_tss(struct task_switch *t)
{
	bool back = t->task->source == AXV_X86_TASK_IRET;
	__u8 wrong = back ? VECTOR_TS : VECTOR_GP;
	__u16 selector = t->task->selector;
	unsigned int type;
	__u64 raw;
	int ret;

	if (is_null(selector) || (selector & SELECTOR_TI) ||
	    (__u32)(selector | LAST_BYTE) > t->e->sregs.gdtr.limit)
		return refuse(t, wrong, selector);
	ret = read_linear(t, gdt_entry(t, selector), &raw, sizeof(raw));
	if (ret)
		return ret;

	t->new = decode(raw, selector);
	type = t->new.attr & (AXV_X86_ATTR_TYPE | AXV_X86_ATTR_S);
	if (type != (back ? TYPE_TSS16 | TYPE_BUSY : TYPE_TSS16) &&
	    type != (back ? TYPE_TSS32 | TYPE_BUSY : TYPE_TSS32))
		return refuse(t, wrong, selector);
	if (!(t->new.attr & AXV_X86_ATTR_P))
		return refuse(t, VECTOR_NP, selector);
	t->new.attr |= TYPE_BUSY;
	t->format = format_of(&t->new);
	if (t->new.limit < t->format->size - 1u)
		return refuse(t, VECTOR_TS, selector);
	return 0;
}

static unsigned int saved_size(const struct tss_format *f)
{
	return f->seg + f->segs * f->width - f->ip;
}

/* Check that both TSSs and their descriptors are in memory, as far as they are accessed. */
static int check_memory(struct task_switch *t)
{
	const struct tss_format *f = format_of(&t->old);
	int ret;

	if (t->old.limit < f->ip + saved_size(f) - 1)
		return refuse(t, VECTOR_TS, t->old.selector);
	ret = prepare_write(t, t->old.base + f->ip, saved_size(f), &t->save);
	if (!ret)
		ret = translate(t, t->new.base, t->format->size, AXV_ACCESS_READ, &t->load);
	if (!ret)
		ret = read_span(t, &t->load, t->tss);
	if (!ret && nests(t))
		ret = prepare_write(t, t->new.base, sizeof(__u16), &t->link);
	if (!ret && t->task->source != AXV_X86_TASK_IRET)
		ret = prepare_write(t, gdt_entry(t, t->task->selector), DESCRIPTOR,
				    &t->new_descriptor);
	if (!ret && !nests(t))
		ret = prepare_write(t, gdt_entry(t, t->old.selector), DESCRIPTOR,
				    &t->old_descriptor);
	return ret;
}

static bool loads_cr3(const struct task_switch *t)
{
	return t->format == &tss32 && (t->e->sregs.cr0 & CR0_PG);
}

/*
 * Check the four PDPTEs, which are loaded when CR3 changes with PAE paging (SDM vol. 3A,
 * "PDPTE Registers").
 */
static int check_pdptes(struct task_switch *t)
{
	const struct axv_emul *e = t->e;
	__u64 reserved = PDPTE_RESERVED | (e->vmx ? PDPTE_RESERVED_VMX : 0);
	__u32 cr3 = tss_get(t, TSS_CR3, 4);
	__u64 pdpte[4];
	unsigned int i;

	if (!loads_cr3(t) || !(e->sregs.cr4 & CR4_PAE) || cr3 == e->sregs.cr3)
		return 0;
	if (e->space->read(e->opaque, cr3 & ~31u, pdpte, sizeof(pdpte)))
		return missing(t, cr3 & ~31u, false);
	for (i = 0; i < 4; i++) {
		if ((pdpte[i] & PDPTE_P) &&
		    ((pdpte[i] & reserved) || pdpte[i] >> e->phys_bits))
			return refuse(t, VECTOR_GP, 0);
	}
	return 0;
}

static int save_old_task(const struct task_switch *t)
{
	const struct tss_format *f = format_of(&t->old);
	const struct axv_x86_gprs *gprs = &t->e->gprs;
	__u64 next_ip = (__u32)(gprs->rip + t->task->length);
	__u64 flags = gprs->rflags;
	__u8 image[TSS_MAX];
	unsigned int i;
	int ret;

	/* In a 32-bit TSS the upper halves beside the selectors stay as they are. */
	ret = read_span(t, &t->save, image + f->ip);
	if (ret)
		return ret;

	if (t->task->source == AXV_X86_TASK_IRET)
		flags &= ~FLAG_NT;
	memcpy(image + f->ip, &next_ip, f->width);
	memcpy(image + f->flags, &flags, f->width);
	for (i = 0; i < 8; i++)
		memcpy(image + f->gpr + i * f->width, &gprs->gpr[i], f->width);
	for (i = 0; i < f->segs; i++)
		memcpy(image + f->seg + i * f->width, &t->e->sregs.seg[i].selector, 2);
	return write_span(t, &t->save, image + f->ip);
}

/*
 * The new TSS becomes busy first: if two CPUs switch to one task, one of them gets the
 * fault, before anything of its own has changed.  After that, an access fails only if the
 * VMM takes the memory away.
 */
static int leave_old_task(struct task_switch *t)
{
	int ret = 0;

	if (t->task->source != AXV_X86_TASK_IRET)
		ret = change_access(t, &t->new_descriptor, 0, TYPE_BUSY, true);
	if (!ret)
		ret = save_old_task(t);
	if (!ret && nests(t))
		ret = write_span(t, &t->link, &t->old.selector);
	/* Read the new TSS again: a task that returns to itself loads what it has saved. */
	if (!ret)
		ret = read_span(t, &t->load, t->tss);
	if (!ret && !nests(t))
		ret = change_access(t, &t->old_descriptor, TYPE_BUSY, 0, false);
	return ret;
}

/* ---- the new task ----------------------------------------------------------- */

/* Load what the delivery of an exception needs before the new task's segments are loaded. */
static void load_selectors(struct task_switch *t)
{
	struct axv_emul *e = t->e;
	unsigned int seg;

	for (seg = AXV_X86_ES; seg <= AXV_X86_GS; seg++) {
		struct axv_x86_segment *s = &e->sregs.seg[seg];

		*s = (struct axv_x86_segment) { .selector = tss_selector(t, seg) };
		if (e->gprs.rflags & FLAG_VM) {
			s->base = s->selector << 4;
			s->limit = 0xffff;
			s->attr = 0xf3;
		} else if (seg == AXV_X86_CS) {
			/* Accessed, readable, 32 bits: code that can be entered */
			s->limit = ~0u;
			s->attr = 0xc9b | t->cpl << 5;
		} else if (seg == AXV_X86_SS) {
			s->attr = t->cpl << 5;
		}
	}
	e->sregs.seg[AXV_X86_LDTR] = (struct axv_x86_segment) {
		.selector = tss_get(t, t->format->ldt, 2),
	};
}

/* The commit point: load the state of the new task, without checks. */
static void enter_new_task(struct task_switch *t)
{
	const struct tss_format *f = t->format;
	struct axv_emul *e = t->e;
	unsigned int i;

	e->sregs.seg[AXV_X86_TR] = t->new;
	if (loads_cr3(t) && e->sregs.cr3 != tss_get(t, TSS_CR3, 4)) {
		e->sregs.cr3 = tss_get(t, TSS_CR3, 4);
		/* The entries in memory count from now on; they have been checked. */
		e->pdptes = false;
		e->pdptes_asked = true;
	}
	e->sregs.cr0 |= CR0_TS;

	e->gprs.rip = tss_get(t, f->ip, f->width);
	e->gprs.rflags = (tss_get(t, f->flags, f->width) & FLAGS_KNOWN) | FLAG_FIXED;
	if (nests(t))
		e->gprs.rflags |= FLAG_NT;
	for (i = 0; i < 8; i++)
		e->gprs.gpr[i] = tss_get(t, f->gpr + i * f->width, f->width);

	t->cpl = e->gprs.rflags & FLAG_VM ? 3 : tss_selector(t, AXV_X86_CS) & SELECTOR_RPL;
	load_selectors(t);
}

/* Read a descriptor of the new task, if its table has it. */
static int read_descriptor(struct task_switch *t, __u16 selector, __u64 *linear,
			   struct axv_x86_segment *s)
{
	const struct axv_x86_segment *ldt = &t->e->sregs.seg[AXV_X86_LDTR];
	__u64 base = t->e->sregs.gdtr.base;
	__u32 limit = t->e->sregs.gdtr.limit;
	__u64 raw;
	int ret;

	if (selector & SELECTOR_TI) {
		if (!(ldt->attr & AXV_X86_ATTR_P))
			return refuse(t, VECTOR_TS, selector);
		base = ldt->base;
		limit = ldt->limit;
	}
	if ((__u32)(selector | LAST_BYTE) > limit)
		return refuse(t, VECTOR_TS, selector);

	*linear = base + (selector & SELECTOR_INDEX);
	ret = read_linear(t, *linear, &raw, sizeof(raw));
	if (!ret)
		*s = decode(raw, selector);
	return ret;
}

static int load_ldtr(struct task_switch *t)
{
	__u16 selector = tss_get(t, t->format->ldt, 2);
	struct axv_x86_segment s;
	__u64 linear;
	int ret;

	if (is_null(selector))
		return 0;
	if (selector & SELECTOR_TI)
		return refuse(t, VECTOR_TS, selector);
	ret = read_descriptor(t, selector, &linear, &s);
	if (ret)
		return ret;
	if ((s.attr & (AXV_X86_ATTR_TYPE | AXV_X86_ATTR_S)) != TYPE_LDT ||
	    !(s.attr & AXV_X86_ATTR_P))
		return refuse(t, VECTOR_TS, selector);
	t->e->sregs.seg[AXV_X86_LDTR] = s;
	return 0;
}

/*
 * May a segment register be loaded with this (SDM vol. 3A, table "Exception Conditions
 * Checked During a Task Switch")?  Returns the vector of the exception, or 0.
 */
static __u8 check_segment(const struct task_switch *t, unsigned int seg,
			  const struct axv_x86_segment *s)
{
	bool code = s->attr & TYPE_CODE;
	bool rw = s->attr & TYPE_RW;
	bool conforming = code && (s->attr & TYPE_CONFORMING);
	unsigned int dpl = (s->attr & AXV_X86_ATTR_DPL) >> 5;
	unsigned int rpl = s->selector & SELECTOR_RPL;
	__u8 absent = VECTOR_NP;
	bool fits;

	switch (seg) {
	case AXV_X86_CS:
		fits = code && (conforming ? dpl <= t->cpl : dpl == t->cpl);
		break;
	case AXV_X86_SS:
		fits = !code && rw && dpl == t->cpl && rpl == t->cpl;
		absent = VECTOR_SS;
		break;
	default:
		fits = (!code || rw) && (conforming || (dpl >= t->cpl && dpl >= rpl));
	}
	if (!fits || !(s->attr & AXV_X86_ATTR_S))
		return VECTOR_TS;
	return s->attr & AXV_X86_ATTR_P ? 0 : absent;
}

static int load_segment(struct task_switch *t, unsigned int seg)
{
	__u16 selector = tss_selector(t, seg);
	struct axv_span descriptor;
	struct axv_x86_segment s;
	__u64 linear;
	__u8 vector;
	int ret;

	if (is_null(selector)) {
		if (seg == AXV_X86_CS || seg == AXV_X86_SS)
			return refuse(t, VECTOR_TS, selector);
		return 0;
	}
	ret = read_descriptor(t, selector, &linear, &s);
	if (ret)
		return ret;
	vector = check_segment(t, seg, &s);
	if (vector)
		return refuse(t, vector, selector);
	if (!(s.attr & TYPE_ACCESSED)) {
		ret = translate(t, linear, DESCRIPTOR, AXV_ACCESS_WRITE, &descriptor);
		if (!ret)
			ret = change_access(t, &descriptor, 0, TYPE_ACCESSED, false);
		if (ret)
			return ret;
		s.attr |= TYPE_ACCESSED;
	}
	t->e->sregs.seg[seg] = s;
	return 0;
}

static int load_segments(struct task_switch *t)
{
	static const __u8 order[] = {
		AXV_X86_CS, AXV_X86_SS, AXV_X86_DS, AXV_X86_ES, AXV_X86_FS, AXV_X86_GS,
	};
	unsigned int i;
	int ret;

	ret = load_ldtr(t);
	if (t->e->gprs.rflags & FLAG_VM)
		return ret;
	for (i = 0; !ret && i < sizeof(order); i++)
		ret = load_segment(t, order[i]);
	return ret;
}

/* Push the error code of an exception on the new task's stack. */
static int push_error(struct task_switch *t)
{
	__u32 error = t->task->event >> AXV_X86_EVENT_ERROR_SHIFT;
	__u64 *rsp = &t->e->gprs.gpr[AXV_X86_RSP];
	struct axv_span span;
	__u64 mask;
	__u64 sp;
	int ret;

	if (t->task->source != AXV_X86_TASK_GATE ||
	    !(t->task->event & AXV_X86_EVENT_ERROR_VALID))
		return 0;
	mask = t->e->sregs.seg[AXV_X86_SS].attr & AXV_X86_ATTR_DB ? 0xffffffff : 0xffff;
	sp = (*rsp - t->format->width) & mask;
	ret = axv_span_get(t->e, AXV_X86_SS, sp, t->format->width, AXV_ACCESS_WRITE, &span);
	if (ret == AXV_EMUL_EXCEPTION && t->e->exception.vector == VECTOR_SS)
		t->e->exception.error_code = t->ext;
	if (!ret)
		ret = write_span(t, &span, &error);
	if (!ret)
		*rsp = (*rsp & ~mask) | sp;
	return ret;
}

static int finish_new_task(struct task_switch *t)
{
	int ret;

	ret = load_segments(t);
	if (!ret)
		ret = push_error(t);
	if (!ret && t->e->gprs.rip > t->e->sregs.seg[AXV_X86_CS].limit)
		ret = refuse(t, VECTOR_GP, 0);
	/*
	 * There is no way back to the old task: a table that is not in memory is treated
	 * as a bad one.
	 */
	return ret < 0 ? refuse(t, VECTOR_TS, t->task->selector) : ret;
}

/* Is the event an interrupt, or an exception that no instruction asks for? */
static bool is_external(__u64 event)
{
	unsigned int vector = event & AXV_X86_EVENT_VECTOR;

	switch (event & AXV_X86_EVENT_TYPE) {
	case AXV_X86_EVENT_TYPE_SOFT:
		return false;
	case AXV_X86_EVENT_TYPE_EXCEPTION:
		return vector != VECTOR_BP && vector != VECTOR_OF;
	default:
		return true;
	}
}

int axv_emul_task(struct axv_emul *e, struct axv_task *task)
{
	struct task_switch t = {
		.e = e,
		.task = task,
		.ext = task->source == AXV_X86_TASK_GATE && is_external(task->event),
		.old = e->sregs.seg[AXV_X86_TR],
	};
	int ret;

	task->entered = false;
	e->trap = false;
	ret = check_new_tss(&t);
	if (!ret)
		ret = check_memory(&t);
	if (!ret)
		ret = check_pdptes(&t);
	if (!ret)
		ret = leave_old_task(&t);
	if (ret)
		return ret;
	enter_new_task(&t);
	task->entered = true;
	ret = finish_new_task(&t);
	e->trap = !ret && t.format == &tss32 && (t.tss[TSS_TRAP] & 1);
	return ret;
}
