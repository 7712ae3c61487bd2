// SPDX-License-Identifier: GPL-2.0
/*
 * The hardware's task switch, in software: for processors that leave it to the
 * hypervisor (SDM vol. 3A, chapter "Task Management", section "Task Switching";
 * vol. 2, CALL, INT n, IRET and JMP; vol. 3C, "Treatment of Task Switches").
 *
 * In three parts, as the manual has it.  Up to the commit point everything is
 * checked, and a fault finds the old task as it was.  Then the new task's state
 * is loaded as it is.  Then its segment registers are filled, and a fault is
 * the new task's.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <asm/page.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "x86.h"

#define SELECTOR_RPL	0x3
#define SELECTOR_TI	0x4
#define SELECTOR_INDEX	0xfff8
#define LAST_BYTE	0x7		/* of the descriptor */

/* Types of segments (SDM vol. 3A, tables 3-1 and 3-2) */
#define TYPE_ACCESSED	BIT(0)
#define TYPE_RW		BIT(1)		/* readable code, writable data */
#define TYPE_CONFORMING	BIT(2)
#define TYPE_CODE	BIT(3)
#define TYPE_LDT	2
#define TYPE_TSS16	1
#define TYPE_TSS32	9
#define TYPE_BUSY	BIT(1)

/* Where the access byte is in a descriptor */
#define ACCESS_BYTE	5

/* In a 32-bit TSS alone */
#define TSS_CR3		0x1c
#define TSS_TRAP	0x64

/* DR7: the breakpoints of one task; DR6: the TSS's T flag */
#define DR7_LOCAL	0x155ull
#define DR6_BT		BIT(15)

/* An access byte that changes this often is left to another attempt. */
#define MAX_TRIES	8

/**
 * struct tss_format - where things are in a TSS
 * @size:	bytes that the processor reads
 * @width:	bytes of a register
 * @ip:	the instruction pointer; what is saved begins here
 * @flags:	the flags
 * @gpr:	general registers, in the order of the instruction encoding
 * @seg:	selectors, each as wide as a register, ES first
 * @segs:	how many; what is saved ends behind them
 * @ldt:	the selector of the LDT
 */
struct tss_format {
	u8 size;
	u8 width;
	u8 ip;
	u8 flags;
	u8 gpr;
	u8 seg;
	u8 segs;
	u8 ldt;
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
 * struct task_switch - one of them, on its way
 * @x:		vCPU
 * @source:	what causes it
 * @selector:	of the new task's TSS
 * @next_ip:	where the old task goes on
 * @ext:	EXT for error codes: an event from outside the program causes it
 * @write:	the access that did not work was a write
 * @old:	the old task's TSS
 * @new:	the new one's, busy
 * @tss:	what it holds
 * @format:	its format
 * @cpl:	the new privilege level
 * @fault:	what is in the way
 */
struct task_switch {
	struct axv_x86_vcpu *x;
	enum axv_x86_task_source source;
	u16 selector;
	u64 next_ip;
	bool ext;
	bool write;
	struct axv_x86_segment old;
	struct axv_x86_segment new;
	u8 tss[0x68];
	const struct tss_format *format;
	u8 cpl;
	struct axv_x86_fault fault;
};

static bool nests(const struct task_switch *t)
{
	return t->source == AXV_X86_TASK_CALL || t->source == AXV_X86_TASK_GATE;
}

static const struct tss_format *format_of(const struct axv_x86_segment *tss)
{
	return (tss->attr & AXV_X86_ATTR_TYPE & ~TYPE_BUSY) == TYPE_TSS16 ?
	       &tss16 : &tss32;
}

static u32 tss_get(const struct task_switch *t, unsigned int at,
		   unsigned int width)
{
	u32 value = 0;

	memcpy(&value, t->tss + at, width);
	return value;
}

static u16 tss_selector(const struct task_switch *t, unsigned int seg)
{
	const struct tss_format *f = t->format;

	return seg < f->segs ? tss_get(t, f->seg + seg * f->width, 2) : 0;
}

static bool is_null(u16 selector)
{
	return !(selector & ~SELECTOR_RPL);
}

/* An exception whose error code is a selector, or 0. */
static int refuse(struct task_switch *t, u8 vector, u16 selector)
{
	t->fault = (struct axv_x86_fault){
		.vector = vector,
		.error_code = (selector & ~SELECTOR_RPL) | t->ext,
	};
	return -EFAULT;
}

static int read_memory(struct task_switch *t, u64 linear, void *data,
		       size_t size)
{
	t->write = false;
	return axv_x86_read_system(t->x, linear, data, size, &t->fault);
}

static int write_memory(struct task_switch *t, u64 linear, const void *data,
			size_t size)
{
	t->write = true;
	return axv_x86_write_system(t->x, linear, data, size, &t->fault);
}

/* Could it be written? */
static int probe_memory(struct task_switch *t, u64 linear, size_t size)
{
	t->write = true;
	return axv_x86_probe_system(t->x, linear, size, AXV_ACCESS_WRITE,
				    &t->fault);
}

static u64 gdt_entry(struct axv_x86_vcpu *x, u16 selector)
{
	struct axv_x86_dtable gdt;

	x->hw->get_dtable(x, AXV_X86_GDTR, &gdt);
	return (u32)(gdt.base + (selector & SELECTOR_INDEX));
}

/*
 * Change a descriptor's access byte, as atomically as processors do.  @busy:
 * that the bits are set already is an error.
 */
static int change_access(struct task_switch *t, u64 descriptor, u8 clear,
			 u8 set, bool busy)
{
	u64 linear = (u32)(descriptor + ACCESS_BYTE);
	unsigned int shift = (linear & 3) * 8, i;
	struct axv_vm *vm = t->x->base.vm;
	u64 old = 0, new, gpa;
	int err;

	t->write = true;
	err = axv_x86_translate(t->x, linear & ~3ull,
				AXV_ACCESS_WRITE | AXV_X86_ACCESS_SYSTEM, &gpa,
				&t->fault);
	if (err)
		return err;
	if (axv_guest_read(vm, gpa, &old, sizeof(u32)))
		goto hole;
	for (i = 0; i < MAX_TRIES; i++) {
		if (busy && ((old >> shift) & set))
			return refuse(t, X86_TRAP_GP, t->selector);
		new = (old & ~((u64)clear << shift)) | (u64)set << shift;
		err = axv_guest_cmpxchg64(vm, gpa, &old, new, sizeof(u32));
		if (err != -EAGAIN)
			break;
	}
	if (!err || err == -EAGAIN)
		return err;
hole:
	t->fault = (struct axv_x86_fault){ .gpa = gpa };
	return -EFAULT;
}

static struct axv_x86_segment decode(u64 raw, u16 selector)
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

/*
 * The new TSS: its selector, type, presence and limit.  The processor looked
 * before it left this to us; the guest's memory may have changed since.
 */
static int check_new_tss(struct task_switch *t)
{
	bool back = t->source == AXV_X86_TASK_IRET;
	u8 wrong = back ? X86_TRAP_TS : X86_TRAP_GP;
	struct axv_x86_dtable gdt;
	u8 type;
	u64 raw;
	int err;

	t->x->hw->get_dtable(t->x, AXV_X86_GDTR, &gdt);
	if (is_null(t->selector) || (t->selector & SELECTOR_TI) ||
	    (t->selector | LAST_BYTE) > gdt.limit)
		return refuse(t, wrong, t->selector);
	err = read_memory(t, gdt_entry(t->x, t->selector), &raw, sizeof(raw));
	if (err)
		return err;

	t->new = decode(raw, t->selector);
	type = t->new.attr & (AXV_X86_ATTR_TYPE | AXV_X86_ATTR_S);
	if (type != (back ? TYPE_TSS16 | TYPE_BUSY : TYPE_TSS16) &&
	    type != (back ? TYPE_TSS32 | TYPE_BUSY : TYPE_TSS32))
		return refuse(t, wrong, t->selector);
	if (!(t->new.attr & AXV_X86_ATTR_P))
		return refuse(t, X86_TRAP_NP, t->selector);
	t->new.attr |= TYPE_BUSY;
	t->format = format_of(&t->new);
	if (t->new.limit < t->format->size - 1)
		return refuse(t, X86_TRAP_TS, t->selector);
	return 0;
}

static unsigned int saved_size(const struct tss_format *f)
{
	return f->seg + f->segs * f->width - f->ip;
}

/* Both TSSs and their descriptors are in memory, as far as they are touched. */
static int check_memory(struct task_switch *t)
{
	const struct tss_format *f = format_of(&t->old);
	int err;

	if (t->old.limit < f->ip + saved_size(f) - 1)
		return refuse(t, X86_TRAP_TS, t->old.selector);
	err = probe_memory(t, (u32)(t->old.base + f->ip), saved_size(f));
	if (!err)
		err = read_memory(t, t->new.base, t->tss, t->format->size);
	if (!err && nests(t))
		err = probe_memory(t, t->new.base, sizeof(u16));
	if (!err && t->source != AXV_X86_TASK_IRET)
		err = probe_memory(t, gdt_entry(t->x, t->selector), 8);
	if (!err && !nests(t))
		err = probe_memory(t, gdt_entry(t->x, t->old.selector), 8);
	return err;
}

static int save_old_task(struct task_switch *t)
{
	const struct tss_format *f = format_of(&t->old);
	u64 linear = (u32)(t->old.base + f->ip), flags = t->x->regs.rflags;
	u8 image[0x68];
	unsigned int i;
	int err;

	/* A 32-bit TSS keeps what is beside its selectors. */
	err = read_memory(t, linear, image + f->ip, saved_size(f));
	if (err)
		return err;

	if (t->source == AXV_X86_TASK_IRET)
		flags &= ~(u64)X86_EFLAGS_NT;
	memcpy(image + f->ip, &t->next_ip, f->width);
	memcpy(image + f->flags, &flags, f->width);
	for (i = 0; i < 8; i++)
		memcpy(image + f->gpr + i * f->width, &t->x->regs.gpr[i],
		       f->width);
	for (i = 0; i < f->segs; i++) {
		struct axv_x86_segment s;

		t->x->hw->get_segment(t->x, i, &s);
		memcpy(image + f->seg + i * f->width, &s.selector, 2);
	}
	return write_memory(t, linear, image + f->ip, saved_size(f));
}

/* With PAE paging these four are loaded with CR3 (SDM vol. 3A, 4.4.1). */
static int check_pdptes(struct task_switch *t, u32 cr3)
{
	struct axv_x86_vcpu *x = t->x;
	u64 pdpte[4], gpa = cr3 & ~31u;
	unsigned int i;

	if (!(x->hw->get_cr(x, 4) & X86_CR4_PAE) || cr3 == x->hw->get_cr(x, 3))
		return 0;
	if (axv_guest_read(x->base.vm, gpa, pdpte, sizeof(pdpte))) {
		t->write = false;
		t->fault = (struct axv_x86_fault){ .gpa = gpa };
		return -EFAULT;
	}
	for (i = 0; i < 4; i++)
		if ((pdpte[i] & 1) && ((pdpte[i] & 0x1e6) ||
				       pdpte[i] >> axv_x86_host.phys_bits))
			return refuse(t, X86_TRAP_GP, 0);
	return 0;
}

static bool loads_cr3(const struct task_switch *t)
{
	return t->format == &tss32 &&
	       (t->x->hw->get_cr(t->x, 0) & X86_CR0_PG);
}

/* Take the new task over, and let go of the old one if it is not to wait. */
static int change_tasks(struct task_switch *t)
{
	int err = 0;

	if (nests(t))
		err = write_memory(t, t->new.base, &t->old.selector,
				   sizeof(u16));
	/* Again: a task that returns to itself loads what it saved. */
	if (!err)
		err = read_memory(t, t->new.base, t->tss, t->format->size);
	if (!err && loads_cr3(t))
		err = check_pdptes(t, tss_get(t, TSS_CR3, 4));
	if (!err && !nests(t))
		err = change_access(t, gdt_entry(t->x, t->old.selector),
				    TYPE_BUSY, 0, false);
	return err;
}

/* What fails in here was possible a moment ago, but for the PDPTEs. */
static int leave_old_task(struct task_switch *t)
{
	u64 descriptor = gdt_entry(t->x, t->selector);
	bool take = t->source != AXV_X86_TASK_IRET;
	struct axv_x86_fault fault;
	int err;

	err = save_old_task(t);
	if (!err && take)
		err = change_access(t, descriptor, 0, TYPE_BUSY, true);
	if (err)
		return err;
	err = change_tasks(t);
	if (err && take) {
		fault = t->fault;
		change_access(t, descriptor, TYPE_BUSY, 0, false);
		t->fault = fault;
	}
	return err;
}

/* Whatever an exception needs of the new task before its segments are loaded. */
static void load_selectors(struct task_switch *t)
{
	struct axv_x86_vcpu *x = t->x;
	unsigned int seg;

	for (seg = AXV_X86_ES; seg <= AXV_X86_GS; seg++) {
		struct axv_x86_segment s = { .selector = tss_selector(t, seg) };

		if (x->regs.rflags & X86_EFLAGS_VM) {
			s.base = s.selector << 4;
			s.limit = 0xffff;
			s.attr = 0xf3;
		} else if (seg == AXV_X86_CS) {
			/* Accessed, readable, 32 bits: any that can be entered */
			s.limit = U32_MAX;
			s.attr = 0xc9b | t->cpl << 5;
		} else if (seg == AXV_X86_SS) {
			s.attr = t->cpl << 5;
		}
		x->hw->set_segment(x, seg, &s);
	}
	x->hw->set_segment(x, AXV_X86_LDTR, &(struct axv_x86_segment){
		.selector = tss_get(t, t->format->ldt, 2),
	});
}

/* The commit point: the state of the new task, as it is. */
static void enter_new_task(struct task_switch *t)
{
	const struct tss_format *f = t->format;
	struct axv_x86_vcpu *x = t->x;
	u64 event = x->events.reinject;
	unsigned int i;

	x->hw->set_segment(x, AXV_X86_TR, &t->new);
	if (loads_cr3(t))
		x->hw->set_cr(x, 3, tss_get(t, TSS_CR3, 4));

	x->regs.rip = tss_get(t, f->ip, f->width);
	x->regs.rflags = (tss_get(t, f->flags, f->width) &
			  AXV_X86_RFLAGS_KNOWN) | X86_EFLAGS_FIXED;
	if (nests(t))
		x->regs.rflags |= X86_EFLAGS_NT;
	for (i = 0; i < 8; i++)
		x->regs.gpr[i] = tss_get(t, f->gpr + i * f->width, f->width);

	t->cpl = x->regs.rflags & X86_EFLAGS_VM ? 3 :
		 tss_selector(t, AXV_X86_CS) & SELECTOR_RPL;
	load_selectors(t);

	x->hw->set_cr(x, 0, x->hw->get_cr(x, 0) | X86_CR0_TS);
	x->hw->set_dr(x, 7, x->hw->get_dr(x, 7) & ~DR7_LOCAL);
	x->hw->set_shadow(x, false);
	if (t->source == AXV_X86_TASK_IRET)
		x->hw->set_nmi_masked(x, false);
	if (t->source != AXV_X86_TASK_GATE)
		return;

	/* An interrupt has been taken; an exception may yet become a double fault. */
	if ((event & AXV_X86_EVENT_TYPE) == AXV_X86_EVENT_TYPE_NMI)
		x->hw->set_nmi_masked(x, true);
	if ((event & AXV_X86_EVENT_TYPE) != AXV_X86_EVENT_TYPE_EXCEPTION)
		x->events.reinject = 0;
}

/* A descriptor of the new task: the table has it, and it is read. */
static int read_descriptor(struct task_switch *t, u16 selector, u64 *linear,
			   struct axv_x86_segment *s)
{
	struct axv_x86_vcpu *x = t->x;
	struct axv_x86_segment ldt;
	struct axv_x86_dtable gdt;
	u64 raw, base;
	u32 limit;
	int err;

	if (selector & SELECTOR_TI) {
		x->hw->get_segment(x, AXV_X86_LDTR, &ldt);
		if (!(ldt.attr & AXV_X86_ATTR_P))
			return refuse(t, X86_TRAP_TS, selector);
		base = ldt.base;
		limit = ldt.limit;
	} else {
		x->hw->get_dtable(x, AXV_X86_GDTR, &gdt);
		base = gdt.base;
		limit = gdt.limit;
	}
	if ((selector | LAST_BYTE) > limit)
		return refuse(t, X86_TRAP_TS, selector);

	*linear = (u32)(base + (selector & SELECTOR_INDEX));
	err = read_memory(t, *linear, &raw, sizeof(raw));
	if (!err)
		*s = decode(raw, selector);
	return err;
}

static int load_ldtr(struct task_switch *t)
{
	u16 selector = tss_get(t, t->format->ldt, 2);
	struct axv_x86_segment s;
	u64 linear;
	int err;

	if (is_null(selector))
		return 0;
	if (selector & SELECTOR_TI)
		return refuse(t, X86_TRAP_TS, selector);
	err = read_descriptor(t, selector, &linear, &s);
	if (err)
		return err;
	if ((s.attr & (AXV_X86_ATTR_TYPE | AXV_X86_ATTR_S)) != TYPE_LDT ||
	    !(s.attr & AXV_X86_ATTR_P))
		return refuse(t, X86_TRAP_TS, selector);
	t->x->hw->set_segment(t->x, AXV_X86_LDTR, &s);
	return 0;
}

/*
 * What a segment register takes (SDM vol. 3A, table "Exception Conditions
 * Checked During a Task Switch").  Returns the exception, or 0.
 */
static u8 check_segment(const struct task_switch *t, unsigned int seg,
			const struct axv_x86_segment *s)
{
	bool code = s->attr & TYPE_CODE, rw = s->attr & TYPE_RW;
	bool conforming = code && (s->attr & TYPE_CONFORMING);
	u8 dpl = (s->attr & AXV_X86_ATTR_DPL) >> 5;
	u8 rpl = s->selector & SELECTOR_RPL;
	u8 absent = X86_TRAP_NP;
	bool fits;

	switch (seg) {
	case AXV_X86_CS:
		fits = code && (conforming ? dpl <= t->cpl : dpl == t->cpl);
		break;
	case AXV_X86_SS:
		fits = !code && rw && dpl == t->cpl && rpl == t->cpl;
		absent = X86_TRAP_SS;
		break;
	default:
		fits = (!code || rw) &&
		       (conforming || (dpl >= t->cpl && dpl >= rpl));
	}
	if (!fits || !(s->attr & AXV_X86_ATTR_S))
		return X86_TRAP_TS;
	return s->attr & AXV_X86_ATTR_P ? 0 : absent;
}

static int load_segment(struct task_switch *t, unsigned int seg)
{
	u16 selector = tss_selector(t, seg);
	struct axv_x86_segment s;
	u64 linear;
	u8 vector;
	int err;

	if (is_null(selector)) {
		if (seg == AXV_X86_CS || seg == AXV_X86_SS)
			return refuse(t, X86_TRAP_TS, selector);
		return 0;
	}
	err = read_descriptor(t, selector, &linear, &s);
	if (err)
		return err;
	vector = check_segment(t, seg, &s);
	if (vector)
		return refuse(t, vector, selector);
	if (!(s.attr & TYPE_ACCESSED)) {
		err = change_access(t, linear, 0, TYPE_ACCESSED, false);
		if (err)
			return err;
		s.attr |= TYPE_ACCESSED;
	}
	t->x->hw->set_segment(t->x, seg, &s);
	return 0;
}

static int load_segments(struct task_switch *t)
{
	static const u8 order[] = {
		AXV_X86_CS, AXV_X86_SS, AXV_X86_DS, AXV_X86_ES, AXV_X86_FS,
		AXV_X86_GS,
	};
	unsigned int i;
	int err;

	err = load_ldtr(t);
	if (t->x->regs.rflags & X86_EFLAGS_VM)
		return err;
	for (i = 0; !err && i < sizeof(order); i++)
		err = load_segment(t, order[i]);
	return err;
}

/* The error code of an exception, on the new task's stack. */
static int push_error(struct task_switch *t)
{
	u64 event = t->x->events.reinject, *rsp = &t->x->regs.gpr[AXV_X86_RSP];
	u32 error = event >> AXV_X86_EVENT_ERROR_SHIFT;
	struct axv_x86_segment ss;
	u64 linear, mask, sp;
	int err;

	if (t->source != AXV_X86_TASK_GATE ||
	    !(event & AXV_X86_EVENT_ERROR_VALID))
		return 0;
	t->x->hw->get_segment(t->x, AXV_X86_SS, &ss);
	mask = ss.attr & AXV_X86_ATTR_DB ? U32_MAX : U16_MAX;
	sp = (*rsp - t->format->width) & mask;
	err = axv_x86_linear(t->x, AXV_X86_SS, sp, t->format->width, true,
			     &linear, &t->fault);
	if (err) {
		t->fault.error_code = t->ext;
		return err;
	}
	t->write = true;
	err = axv_x86_write_linear(t->x, linear, &error, t->format->width,
				   &t->fault);
	if (!err)
		*rsp = (*rsp & ~mask) | sp;
	return err;
}

static int check_ip(struct task_switch *t)
{
	struct axv_x86_segment cs;

	t->x->hw->get_segment(t->x, AXV_X86_CS, &cs);
	return t->x->regs.rip > cs.limit ? refuse(t, X86_TRAP_GP, 0) : 0;
}

static void finish_new_task(struct task_switch *t)
{
	int err = load_segments(t);

	if (!err)
		err = push_error(t);
	if (!err)
		err = check_ip(t);
	/* There is no way back: tables that cannot be read are bad tables. */
	if (err && (err != -EFAULT || !t->fault.vector))
		refuse(t, X86_TRAP_TS, t->selector);
	if (err) {
		axv_x86_raise(t->x, t->fault.vector, true, t->fault.error_code,
			      t->fault.address);
		return;
	}
	if (t->source == AXV_X86_TASK_GATE)
		t->x->events.reinject = 0;
	if (t->format == &tss32 && (t->tss[TSS_TRAP] & 1))
		axv_x86_raise(t->x, X86_TRAP_DB, false, 0, DR6_BT);
}

/* Interrupts, and exceptions that no instruction asks for. */
static bool is_external(u64 event)
{
	u8 vector = event & AXV_X86_EVENT_VECTOR;

	switch (event & AXV_X86_EVENT_TYPE) {
	case AXV_X86_EVENT_TYPE_SOFT:
		return false;
	case AXV_X86_EVENT_TYPE_EXCEPTION:
		return vector != X86_TRAP_BP && vector != X86_TRAP_OF;
	default:
		return true;
	}
}

/**
 * axv_x86_task_switch() - switch the guest to another task
 * @x:		vCPU; &axv_x86_vcpu.regs are those of the instruction or event
 * @selector:	of the new task's TSS
 * @source:	what causes it; with AXV_X86_TASK_GATE the event is in
 *		&axv_x86_events.reinject, with its error code
 * @len:	length of the instruction; 0 if an event causes it that is none
 *
 * The processor has checked the privilege level.  Afterwards the guest is in
 * the new task and the event has been delivered; or it has earned an exception,
 * in the old task or the new one; or memory is missing, and nothing has changed
 * but for marks in its page tables.
 *
 * @x->hw->set_cr() is relied on to drop translations, and PDPTEs, with CR3.
 *
 * Context: the claim is held; may sleep.
 */
enum axv_x86_next axv_x86_task_switch(struct axv_x86_vcpu *x, u16 selector,
				      enum axv_x86_task_source source,
				      unsigned int len)
{
	struct task_switch t = {
		.x = x,
		.source = source,
		.selector = selector,
		.next_ip = (u32)(x->regs.rip + len),
		.ext = source == AXV_X86_TASK_GATE &&
		       is_external(x->events.reinject),
	};
	int err;

	x->hw->get_segment(x, AXV_X86_TR, &t.old);
	err = check_new_tss(&t);
	if (!err)
		err = check_memory(&t);
	if (!err)
		err = leave_old_task(&t);
	if (err)
		return axv_x86_access_failed(x, err, &t.fault, t.write);
	enter_new_task(&t);
	finish_new_task(&t);
	return AXV_RESUME;
}
