/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The answers to CPUID.  cpuid.c and cpuid_host.c
 */
#ifndef _AXVCPU_X86_CPUID_H
#define _AXVCPU_X86_CPUID_H

#include <linux/nospec.h>

#include "x86.h"

void axv_x86_cpuid_init(void);
void axv_x86_cpuid_default(struct axv_x86_vcpu *x);
int axv_x86_supported_cpuid(struct axv_x86_cpuid *entries, u32 *count);
int axv_x86_set_cpuid(struct axv_x86_vcpu *x,
		      const struct axv_x86_cpuid *entries, u32 count);
int axv_x86_get_cpuid(struct axv_x86_vcpu *x, struct axv_x86_cpuid *buf,
		      u32 *count);
void axv_x86_cpuid(struct axv_x86_vcpu *x, u32 leaf, u32 subleaf, u32 *eax,
		   u32 *ebx, u32 *ecx, u32 *edx);

/* Index of a leaf in &axv_x86_vcpu.answers; AXV_CPUID_SLOTS if it has no place there. */
static inline u32 axv_x86_cpuid_slot(u32 leaf)
{
	u32 extended = leaf - 0x80000000;

	if (leaf < AXV_CPUID_BASIC)
		return leaf;
	if (extended < AXV_CPUID_EXTENDED)
		return AXV_CPUID_BASIC + extended;
	return AXV_CPUID_SLOTS;
}

/**
 * axv_x86_cpuid_plain() - the answer to CPUID, if it depends on nothing but the leaf
 * @x:		vCPU whose claim the caller holds
 * @leaf:	EAX
 *
 * The short way of axv_x86_cpuid(), for the inner loop.
 *
 * Return: the answer, or NULL: call axv_x86_cpuid().
 */
static inline const struct axv_x86_answer *
axv_x86_cpuid_plain(const struct axv_x86_vcpu *x, u32 leaf)
{
	u32 slot = axv_x86_cpuid_slot(leaf);

	if (slot == AXV_CPUID_SLOTS || (x->cpuid_search & BIT_ULL(slot)))
		return NULL;
	return &x->answers[array_index_nospec(slot, AXV_CPUID_SLOTS)];
}

#endif /* _AXVCPU_X86_CPUID_H */
