// SPDX-License-Identifier: GPL-2.0
/*
 * Tags of translations: ASIDs (AMD APM vol. 2, 15.16) and VPIDs (Intel SDM
 * vol. 3C, "VPIDs"), and the flushes they need.
 *
 * A tag belongs to a vCPU on one host CPU for one generation of that CPU.
 * When a CPU has handed out all of its tags, the generation ends with a flush
 * of everything.  A vCPU whose translations are no longer true takes a fresh
 * tag, and leaves what the old one marks to be forgotten.
 */
#include <linux/atomic.h>

#include "x86.h"

/**
 * axv_x86_tags_reset() - forget all tags of a CPU
 * @tags:	this CPU's
 *
 * The next entry on this CPU begins a generation, and so flushes everything;
 * also that of a vCPU which was here before.
 *
 * Context: on that CPU with interrupts off.
 */
void axv_x86_tags_reset(struct axv_x86_tags *tags)
{
	tags->generation++;
	tags->next = tags->count;
}

/* Return: whether a new generation begins. */
static bool take_tag(struct axv_x86_tag *tag, struct axv_x86_tags *tags, int cpu)
{
	bool first = tags->next >= tags->count;

	if (first) {
		tags->generation++;
		tags->next = 1;
	}
	tag->cpu = cpu;
	tag->generation = tags->generation;
	tag->value = tags->next++;
	tag->stale = false;
	return first;
}

/**
 * axv_x86_tag_next() - tag and flush for the entry that comes next
 * @x:		vCPU loaded on this CPU
 * @tags:	this CPU's
 * @cpu:	this CPU
 *
 * Context: interrupts off.
 */
enum axv_x86_flush axv_x86_tag_next(struct axv_x86_vcpu *x,
				    struct axv_x86_tags *tags, int cpu)
{
	struct axv_x86_tag *tag = &x->tag;
	u64 tlb_gen = atomic64_read(&x->base.vm->tlb_gen);
	bool arrived = tag->cpu != cpu || tag->generation != tags->generation;
	bool removed = tag->tlb_gen != tlb_gen;

	tag->tlb_gen = tlb_gen;
	if (!arrived && !tag->stale)
		return removed ? AXV_FLUSH_STAGE2 : AXV_FLUSH_NONE;
	if (take_tag(tag, tags, cpu))
		return AXV_FLUSH_ALL;
	return arrived || removed ? AXV_FLUSH_ARRIVED : AXV_FLUSH_NEW;
}
