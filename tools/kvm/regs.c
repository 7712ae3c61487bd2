// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * General registers, segments and control registers, which the run page has, and debug
 * registers.
 *
 * Each exit stores the general registers in the run page.  The VMM's calls read and change them
 * there, and the next run takes them from there.
 */
#include <errno.h>
#include <string.h>

#include "debug.h"
#include "vcpu.h"

#define RFLAGS_FIXED	2u

/* Where each of the module's segments is in struct kvm_sregs. */
static const struct {
	unsigned int seg;
	size_t offset;
} segments[] = {
	{ AXV_X86_ES, offsetof(struct kvm_sregs, es) },
	{ AXV_X86_CS, offsetof(struct kvm_sregs, cs) },
	{ AXV_X86_SS, offsetof(struct kvm_sregs, ss) },
	{ AXV_X86_DS, offsetof(struct kvm_sregs, ds) },
	{ AXV_X86_FS, offsetof(struct kvm_sregs, fs) },
	{ AXV_X86_GS, offsetof(struct kvm_sregs, gs) },
	{ AXV_X86_TR, offsetof(struct kvm_sregs, tr) },
	{ AXV_X86_LDTR, offsetof(struct kvm_sregs, ldt) },
};

#define NR_SEGMENTS	(sizeof(segments) / sizeof(segments[0]))

/* Where each general register is in struct kvm_regs, in the module's order. */
static const size_t gprs_in_kvm[AXV_X86_RIP] = {
	[AXV_X86_RAX] = offsetof(struct kvm_regs, rax),
	[AXV_X86_RCX] = offsetof(struct kvm_regs, rcx),
	[AXV_X86_RDX] = offsetof(struct kvm_regs, rdx),
	[AXV_X86_RBX] = offsetof(struct kvm_regs, rbx),
	[AXV_X86_RSP] = offsetof(struct kvm_regs, rsp),
	[AXV_X86_RBP] = offsetof(struct kvm_regs, rbp),
	[AXV_X86_RSI] = offsetof(struct kvm_regs, rsi),
	[AXV_X86_RDI] = offsetof(struct kvm_regs, rdi),
	[AXV_X86_R8] = offsetof(struct kvm_regs, r8),
	[AXV_X86_R9] = offsetof(struct kvm_regs, r9),
	[AXV_X86_R10] = offsetof(struct kvm_regs, r10),
	[AXV_X86_R11] = offsetof(struct kvm_regs, r11),
	[AXV_X86_R12] = offsetof(struct kvm_regs, r12),
	[AXV_X86_R13] = offsetof(struct kvm_regs, r13),
	[AXV_X86_R14] = offsetof(struct kvm_regs, r14),
	[AXV_X86_R15] = offsetof(struct kvm_regs, r15),
};

void regs_to_kvm(const struct axv_x86_gprs *gprs, struct kvm_regs *regs)
{
	unsigned int i;

	for (i = 0; i < AXV_X86_RIP; i++)
		*(__u64 *)((char *)regs + gprs_in_kvm[i]) = gprs->gpr[i];
	regs->rip = gprs->rip;
	regs->rflags = gprs->rflags;
}

void regs_from_kvm(const struct kvm_regs *regs, struct axv_x86_gprs *gprs)
{
	unsigned int i;

	for (i = 0; i < AXV_X86_RIP; i++)
		gprs->gpr[i] = *(const __u64 *)((const char *)regs + gprs_in_kvm[i]);
	gprs->rip = regs->rip;
	/* KVM sets the bit that is always set. */
	gprs->rflags = regs->rflags | RFLAGS_FIXED;
}

/* Make sure that the run page has these sets of registers, AXV_RUN_SET_*. */
static int sync_sets(struct vcpu *v, __u32 sets)
{
	int err;

	if (((v->page->valid | v->page->dirty) & sets) == sets)
		return 0;
	v->page->want = AXV_RUN_SET_GPRS | sets;
	err = axv_vcpu_sync(v->axv);
	v->page->want = AXV_RUN_SET_GPRS;
	if (err)
		debug("%s", axv_error());
	return err;
}

int regs_get(struct vcpu *v, struct kvm_regs *regs)
{
	int err = sync_sets(v, AXV_RUN_SET_GPRS);

	if (!err)
		regs_to_kvm(&v->page->regs.gprs, regs);
	return err;
}

int regs_set(struct vcpu *v, const struct kvm_regs *regs)
{
	struct axv_x86_gprs gprs;
	int err;

	regs_from_kvm(regs, &gprs);
	/*
	 * A VMM may set what it has read while a string instruction waits for data.  If that gave
	 * the instruction up, it would ask for the same data for ever.
	 */
	if (v->pending == PENDING_FINISH && v->page->valid & AXV_RUN_SET_GPRS &&
	    !memcmp(&gprs, &v->page->regs.gprs, sizeof(gprs)))
		return 0;
	run_forget(v);
	v->page->regs.gprs = gprs;
	v->page->dirty |= AXV_RUN_SET_GPRS;
	/*
	 * Set them at once: otherwise a value that the module refuses would be an error of the
	 * next run.
	 */
	err = axv_vcpu_sync(v->axv);
	if (err) {
		debug("%s", axv_error());
		v->page->dirty = 0;
		v->page->valid = 0;
	}
	return err;
}

struct kvm_segment regs_segment_to_kvm(const struct axv_x86_segment *segment)
{
	return (struct kvm_segment){
		.base = segment->base,
		.limit = segment->limit,
		.selector = segment->selector,
		.type = segment->attr & AXV_X86_ATTR_TYPE,
		.s = !!(segment->attr & AXV_X86_ATTR_S),
		.dpl = (segment->attr & AXV_X86_ATTR_DPL) >> 5,
		.present = !!(segment->attr & AXV_X86_ATTR_P),
		.avl = !!(segment->attr & AXV_X86_ATTR_AVL),
		.l = !!(segment->attr & AXV_X86_ATTR_L),
		.db = !!(segment->attr & AXV_X86_ATTR_DB),
		.g = !!(segment->attr & AXV_X86_ATTR_G),
		.unusable = !(segment->attr & AXV_X86_ATTR_P),
	};
}

struct axv_x86_segment regs_segment_from_kvm(const struct kvm_segment *segment)
{
	__u16 attr = segment->type & AXV_X86_ATTR_TYPE;

	attr |= segment->s ? AXV_X86_ATTR_S : 0;
	attr |= segment->dpl << 5 & AXV_X86_ATTR_DPL;
	/* A segment that is unusable is not present, whatever the other bit says. */
	attr |= segment->present && !segment->unusable ? AXV_X86_ATTR_P : 0;
	attr |= segment->avl ? AXV_X86_ATTR_AVL : 0;
	attr |= segment->l ? AXV_X86_ATTR_L : 0;
	attr |= segment->db ? AXV_X86_ATTR_DB : 0;
	attr |= segment->g ? AXV_X86_ATTR_G : 0;
	return (struct axv_x86_segment){
		.base = segment->base,
		.limit = segment->limit,
		.selector = segment->selector,
		.attr = attr,
	};
}

int regs_get_sregs(struct vcpu *v, struct kvm_sregs *sregs)
{
	const struct axv_x86_sregs *s = &v->page->regs.sregs;
	unsigned int i;
	int vector, err;

	/*
	 * Unlike general registers, these also change behind the run page: EFER by a write of its
	 * MSR.
	 */
	v->page->valid &= ~AXV_RUN_SET_SREGS;
	err = sync_sets(v, AXV_RUN_SET_SREGS);
	if (!err)
		err = lapic_read_base(v);
	if (err)
		return err;
	memset(sregs, 0, sizeof(*sregs));
	for (i = 0; i < NR_SEGMENTS; i++)
		*(struct kvm_segment *)((char *)sregs + segments[i].offset) =
			regs_segment_to_kvm(&s->seg[segments[i].seg]);
	sregs->gdt.base = s->gdtr.base;
	sregs->gdt.limit = s->gdtr.limit;
	sregs->idt.base = s->idtr.base;
	sregs->idt.limit = s->idtr.limit;
	sregs->cr0 = s->cr0;
	sregs->cr2 = s->cr2;
	sregs->cr3 = s->cr3;
	sregs->cr4 = s->cr4;
	sregs->cr8 = s->cr8;
	sregs->efer = s->efer;
	sregs->apic_base = v->apic_base;
	vector = events_next_interrupt(v);
	if (vector >= 0)
		sregs->interrupt_bitmap[vector / 64] = 1ull << vector % 64;
	return vector == -ENOENT || vector >= 0 ? 0 : vector;
}

/*
 * KVM's interrupt_bitmap has at most one bit: the interrupt to be delivered next.  A VMM sets the
 * bitmap that it got, so an interrupt that waits already must not be queued again.  Without a bit
 * KVM leaves the interrupts that wait.
 */
static int set_interrupt(struct vcpu *v, const struct kvm_sregs *sregs)
{
	unsigned int i, vector;

	for (i = 0; i < sizeof(sregs->interrupt_bitmap) / sizeof(__u64); i++) {
		if (!sregs->interrupt_bitmap[i])
			continue;
		vector = 64 * i + __builtin_ctzll(sregs->interrupt_bitmap[i]);
		if (events_next_interrupt(v) == (int)vector)
			return 0;
		return events_place_interrupt(v, vector);
	}
	return 0;
}

int regs_set_sregs(struct vcpu *v, const struct kvm_sregs *sregs)
{
	struct axv_x86_sregs *s = &v->page->regs.sregs;
	unsigned int i;
	int err;

	run_forget(v);
	err = lapic_set_base(v, sregs->apic_base);
	if (err)
		return err;
	memset(s, 0, sizeof(*s));
	for (i = 0; i < NR_SEGMENTS; i++) {
		const void *segment = (const char *)sregs + segments[i].offset;

		s->seg[segments[i].seg] = regs_segment_from_kvm(segment);
	}
	s->gdtr.base = sregs->gdt.base;
	s->gdtr.limit = sregs->gdt.limit;
	s->idtr.base = sregs->idt.base;
	s->idtr.limit = sregs->idt.limit;
	s->cr0 = sregs->cr0;
	s->cr2 = sregs->cr2;
	s->cr3 = sregs->cr3;
	s->cr4 = sregs->cr4;
	s->cr8 = sregs->cr8;
	s->efer = sregs->efer;
	v->page->dirty |= AXV_RUN_SET_SREGS;
	err = axv_vcpu_sync(v->axv);
	v->page->dirty &= ~AXV_RUN_SET_SREGS;
	if (err) {
		debug("%s", axv_error());
		return err;
	}
	return set_interrupt(v, sregs);
}

/* DR0 to DR3, DR6, DR7. */
#define NR_DEBUG	6

static void debug_ids(struct axv_reg *regs)
{
	unsigned int i;

	for (i = 0; i < NR_DEBUG; i++)
		regs[i] = (struct axv_reg){ .id = AXV_REG_X86(DR, i < 4 ? i : i + 2) };
}

int regs_get_debug(struct vcpu *v, struct kvm_debugregs *debugregs)
{
	struct axv_reg regs[NR_DEBUG];
	unsigned int i;

	debug_ids(regs);
	if (axv_vcpu_get_regs(v->axv, regs, NR_DEBUG))
		return -EIO;
	memset(debugregs, 0, sizeof(*debugregs));
	for (i = 0; i < 4; i++)
		debugregs->db[i] = regs[i].value;
	debugregs->dr6 = regs[4].value;
	debugregs->dr7 = regs[5].value;
	return 0;
}

int regs_set_debug(struct vcpu *v, const struct kvm_debugregs *debugregs)
{
	struct axv_reg regs[NR_DEBUG];
	unsigned int i;

	if (debugregs->flags)
		return -EINVAL;
	debug_ids(regs);
	for (i = 0; i < 4; i++)
		regs[i].value = debugregs->db[i];
	regs[4].value = debugregs->dr6;
	regs[5].value = debugregs->dr7;
	return axv_vcpu_set_regs(v->axv, regs, NR_DEBUG) ? -EINVAL : 0;
}
