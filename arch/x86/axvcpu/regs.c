// SPDX-License-Identifier: GPL-2.0
/*
 * Registers by id.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>

#include <asm/processor-flags.h>

#include <axvcpu/current.h>

#include "events.h"
#include "lapic.h"
#include "msr.h"
#include "regs.h"
#include "walk.h"
#include "x86.h"

/* Fixed bits of DR6 and DR7 (AMD APM vol. 2, 13.1.1). */
#define DR6_SETTABLE	0xe00full
#define DR6_FIXED	0xffff0ff0ull
#define DR7_SETTABLE	0xffff23ffull
#define DR7_FIXED	0x400ull

#define SEG_FIELDS	4

static int get_gpr(struct axv_x86_vcpu *x, u64 index, u64 *value)
{
	if (index < ARRAY_SIZE(x->regs.gpr))
		*value = x->regs.gpr[array_index_nospec(index, ARRAY_SIZE(x->regs.gpr))];
	else if (index == AXV_X86_RIP)
		*value = x->regs.rip;
	else if (index == AXV_X86_RFLAGS)
		*value = x->regs.rflags;
	else
		return -ENOENT;
	return 0;
}

static int set_gpr(struct axv_x86_vcpu *x, u64 index, u64 value)
{
	if (index < ARRAY_SIZE(x->regs.gpr)) {
		x->regs.gpr[array_index_nospec(index, ARRAY_SIZE(x->regs.gpr))] = value;
	} else if (index == AXV_X86_RIP) {
		x->regs.rip = value;
	} else if (index == AXV_X86_RFLAGS) {
		if (axv_x86_check_rflags(value))
			return -EINVAL;
		x->regs.rflags = value | X86_EFLAGS_FIXED;
	} else {
		return -ENOENT;
	}
	return 0;
}

static int get_dtable(struct axv_x86_vcpu *x, unsigned int seg,
		      unsigned int field, u64 *value)
{
	struct axv_x86_dtable table;

	x->hw->get_dtable(x, seg, &table);
	switch (field) {
	case AXV_X86_SEG_BASE:
		*value = table.base;
		return 0;
	case AXV_X86_SEG_LIMIT:
		*value = table.limit;
		return 0;
	}
	return -ENOENT;
}

static int get_seg(struct axv_x86_vcpu *x, u64 index, u64 *value)
{
	struct axv_x86_segment segment;

	if (index >= (AXV_X86_IDTR + 1) * SEG_FIELDS)
		return -ENOENT;
	if (index >= AXV_X86_SEGS * SEG_FIELDS)
		return get_dtable(x, index / SEG_FIELDS, index % SEG_FIELDS,
				  value);

	x->hw->get_segment(x, index / SEG_FIELDS, &segment);
	switch (index % SEG_FIELDS) {
	case AXV_X86_SEG_SELECTOR:
		*value = segment.selector;
		break;
	case AXV_X86_SEG_BASE:
		*value = segment.base;
		break;
	case AXV_X86_SEG_LIMIT:
		*value = segment.limit;
		break;
	case AXV_X86_SEG_ATTR:
		*value = segment.attr;
		break;
	}
	return 0;
}

static int set_dtable(struct axv_x86_vcpu *x, unsigned int seg,
		      unsigned int field, u64 value)
{
	struct axv_x86_dtable table;

	x->hw->get_dtable(x, seg, &table);
	table.pad = 0;
	switch (field) {
	case AXV_X86_SEG_BASE:
		table.base = value;
		break;
	case AXV_X86_SEG_LIMIT:
		if (value > 0xffff)
			return -EINVAL;
		table.limit = value;
		break;
	default:
		return -ENOENT;
	}
	if (axv_x86_check_dtable(x, &table))
		return -EINVAL;
	x->hw->set_dtable(x, seg, &table);
	return 0;
}

static int set_seg(struct axv_x86_vcpu *x, u64 index, u64 value)
{
	struct axv_x86_segment segment;

	if (index >= (AXV_X86_IDTR + 1) * SEG_FIELDS)
		return -ENOENT;
	if (index >= AXV_X86_SEGS * SEG_FIELDS)
		return set_dtable(x, index / SEG_FIELDS, index % SEG_FIELDS,
				  value);

	x->hw->get_segment(x, index / SEG_FIELDS, &segment);
	switch (index % SEG_FIELDS) {
	case AXV_X86_SEG_SELECTOR:
		if (value > 0xffff)
			return -EINVAL;
		segment.selector = value;
		break;
	case AXV_X86_SEG_BASE:
		segment.base = value;
		break;
	case AXV_X86_SEG_LIMIT:
		if (value > 0xffffffff)
			return -EINVAL;
		segment.limit = value;
		break;
	case AXV_X86_SEG_ATTR:
		if (value > AXV_X86_ATTR_MASK)
			return -EINVAL;
		segment.attr = value;
		break;
	}
	if (axv_x86_check_segment(x, index / SEG_FIELDS, &segment))
		return -EINVAL;
	x->hw->set_segment(x, index / SEG_FIELDS, &segment);
	return 0;
}

static bool is_cr(u64 index)
{
	return index == 0 || index == 8 || (index >= 2 && index <= 4);
}

static bool is_dr(u64 index)
{
	return index <= 7 && index != 4 && index != 5;
}

/**
 * axv_x86_set_dr() - write one of the guest's debug registers
 * @x:		vCPU whose claim the caller holds
 * @index:	number of the register
 * @value:	its new value; bits that are fixed are ignored
 *
 * Return: 0, -ENOENT if there is no such register, -EINVAL for bits that no processor sets.
 */
int axv_x86_set_dr(struct axv_x86_vcpu *x, u64 index, u64 value)
{
	if (!is_dr(index))
		return -ENOENT;
	if (index >= 6 && value >> 32)
		return -EINVAL;
	if (index == 6)
		value = (value & DR6_SETTABLE) | DR6_FIXED;
	if (index == 7)
		value = (value & DR7_SETTABLE) | DR7_FIXED;
	x->hw->set_dr(x, index, value);
	return 0;
}

static int set_xcr(struct axv_x86_vcpu *x, u64 index, u64 value)
{
	if (index)
		return -ENOENT;
	if (!axv_x86_xcr0_valid(x, value))
		return -EINVAL;
	x->xcr0 = value;
	return 0;
}

static bool is_pdpte(struct axv_x86_vcpu *x, u64 index)
{
	return x->hw->get_pdpte && index <= AXV_X86_PDPTES_LOADED;
}

/* Is this an id of an x86 register?  All have 8 bytes. */
static bool id_valid(u64 id)
{
	return AXV_REG_ARCH(id) == AXV_REG_ARCH_X86 &&
	       AXV_REG_SIZE_LOG2(id) == 3;
}

/**
 * axv_x86_get_reg() - read one register
 * @vcpu:	vCPU whose claim the caller holds
 * @id:		AXV_REG_X86()
 * @value:	its value
 *
 * Return: 0, or -ENOENT if there is no such register, or the vCPU does not have it
 * with its CPUID table.
 */
int axv_x86_get_reg(struct axv_vcpu *vcpu, u64 id, u64 *value)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	u64 index = AXV_REG_INDEX(id);

	axv_assert_claimed(vcpu);
	if (!id_valid(id))
		return -ENOENT;
	switch (AXV_REG_CLASS(id)) {
	case AXV_X86_CLASS_GPR:
		return get_gpr(x, index, value);
	case AXV_X86_CLASS_SEG:
		return get_seg(x, index, value);
	case AXV_X86_CLASS_CR:
		if (!is_cr(index))
			return -ENOENT;
		*value = x->hw->get_cr(x, index);
		return 0;
	case AXV_X86_CLASS_DR:
		if (!is_dr(index))
			return -ENOENT;
		*value = x->hw->get_dr(x, index);
		return 0;
	case AXV_X86_CLASS_MSR:
		if (index >> 32)
			return -ENOENT;
		return axv_x86_get_msr(x, index, value);
	case AXV_X86_CLASS_XCR:
		if (index)
			return -ENOENT;
		*value = x->xcr0;
		return 0;
	case AXV_X86_CLASS_EVENT:
		return axv_x86_get_event_reg(x, index, value);
	case AXV_X86_CLASS_PDPTE:
		if (!is_pdpte(x, index))
			return -ENOENT;
		*value = x->hw->get_pdpte(x, index);
		return 0;
	case AXV_X86_CLASS_LAPIC:
		return axv_lapic_get_reg(x, index, value);
	}
	return -ENOENT;
}

/**
 * axv_x86_set_reg() - write one register
 * @vcpu:	vCPU whose claim the caller holds
 * @id:		AXV_REG_X86()
 * @value:	its new value
 *
 * Return: 0, -ENOENT as for reading, -EINVAL for a value that the hardware
 * would refuse, -EPERM for what can only be read.
 */
int axv_x86_set_reg(struct axv_vcpu *vcpu, u64 id, u64 value)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);
	u64 index = AXV_REG_INDEX(id);

	axv_assert_claimed(vcpu);
	if (!id_valid(id))
		return -ENOENT;
	switch (AXV_REG_CLASS(id)) {
	case AXV_X86_CLASS_GPR:
		return set_gpr(x, index, value);
	case AXV_X86_CLASS_SEG:
		return set_seg(x, index, value);
	case AXV_X86_CLASS_CR:
		if (!is_cr(index))
			return -ENOENT;
		return axv_x86_set_cr(x, index, value);
	case AXV_X86_CLASS_DR:
		return axv_x86_set_dr(x, index, value);
	case AXV_X86_CLASS_MSR:
		if (index >> 32)
			return -ENOENT;
		return axv_x86_set_msr(x, index, value, true);
	case AXV_X86_CLASS_XCR:
		return set_xcr(x, index, value);
	case AXV_X86_CLASS_EVENT:
		return axv_x86_set_event_reg(x, index, value);
	case AXV_X86_CLASS_PDPTE:
		if (!is_pdpte(x, index))
			return -ENOENT;
		return x->hw->set_pdpte(x, index, value);
	case AXV_X86_CLASS_LAPIC:
		return axv_lapic_set_reg(x, index, value);
	}
	return -ENOENT;
}

/**
 * struct id_list - a list of register ids, which may be longer than there is room
 * @ids:	the ids that fit
 * @room:	how many fit
 * @count:	how many there are
 */
struct id_list {
	u64 *ids;
	u32 room;
	u32 count;
};

static void add_id(struct id_list *list, unsigned int class, u64 index)
{
	if (list->count < list->room)
		list->ids[list->count] = AXV_REG_ID(AXV_REG_ARCH_X86, class, 3,
						    index);
	list->count++;
}

/**
 * axv_x86_reg_list() - list the ids of all registers a vCPU has
 * @x:		vCPU whose CPUID table does not change meanwhile
 * @ids:	room for *@count of them
 * @count:	in: room; out: how many there are
 *
 * Return: 0, or -E2BIG if they do not fit.
 */
int axv_x86_reg_list(struct axv_x86_vcpu *x, u64 *ids, u32 *count)
{
	struct id_list list = { .ids = ids, .room = *count };
	unsigned int i;
	u64 index;
	u32 msr;

	for (i = 0; i < AXV_X86_GPRS; i++)
		add_id(&list, AXV_X86_CLASS_GPR, i);
	for (i = 0; i < AXV_X86_SEGS * SEG_FIELDS; i++)
		add_id(&list, AXV_X86_CLASS_SEG, i);
	for (i = AXV_X86_GDTR; i <= AXV_X86_IDTR; i++) {
		add_id(&list, AXV_X86_CLASS_SEG,
		       AXV_X86_SEG_INDEX(i, AXV_X86_SEG_BASE));
		add_id(&list, AXV_X86_CLASS_SEG,
		       AXV_X86_SEG_INDEX(i, AXV_X86_SEG_LIMIT));
	}
	for (i = 0; i <= 8; i++) {
		if (is_cr(i))
			add_id(&list, AXV_X86_CLASS_CR, i);
	}
	for (i = 0; i <= 7; i++) {
		if (is_dr(i))
			add_id(&list, AXV_X86_CLASS_DR, i);
	}
	for (i = 0; !axv_x86_msr_list(x, i, &msr); i++)
		add_id(&list, AXV_X86_CLASS_MSR, msr);
	add_id(&list, AXV_X86_CLASS_XCR, 0);
	for (i = 0; i < AXV_X86_EVENT_REGS; i++)
		add_id(&list, AXV_X86_CLASS_EVENT, i);
	/* PDPTEs follow the control registers, since setting those makes them stale. */
	for (i = 0; is_pdpte(x, i); i++)
		add_id(&list, AXV_X86_CLASS_PDPTE, i);
	/* The APIC follows IA32_APIC_BASE, which resets it. */
	for (i = 0; !axv_lapic_list(x, i, &index); i++)
		add_id(&list, AXV_X86_CLASS_LAPIC, index);

	*count = list.count;
	return list.count > list.room ? -E2BIG : 0;
}
