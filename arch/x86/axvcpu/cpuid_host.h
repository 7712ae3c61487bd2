/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What cpuid_host.c (the host's features) and cpuid.c (a vCPU's table) share.
 */
#ifndef _AXVCPU_X86_CPUID_HOST_H
#define _AXVCPU_X86_CPUID_HOST_H

#include <linux/bits.h>

#include <asm/cpufeature.h>

#include "cpuid.h"
#include "x86.h"

enum axv_x86_answer_reg { EAX, EBX, ECX, EDX };

/* The bit of a feature, in the register that has it. */
#define F(name)		BIT(X86_FEATURE_##name & 31)

/**
 * axv_x86_entry_reg() - one register of an entry
 * @e:		entry
 * @reg:	an &enum axv_x86_answer_reg
 */
static inline u32 *axv_x86_entry_reg(struct axv_x86_cpuid *e, unsigned int reg)
{
	u32 *regs[] = { &e->eax, &e->ebx, &e->ecx, &e->edx };

	return regs[reg];
}

/**
 * axv_x86_cpuid_find() - the entry of a table that answers a question
 * @entries:	the table
 * @count:	its length
 * @leaf:	EAX of the question
 * @subleaf:	ECX of the question; a leaf without subleaves answers any
 *
 * Return: the entry, or NULL.
 */
static inline struct axv_x86_cpuid *
axv_x86_cpuid_find(struct axv_x86_cpuid *entries, u32 count, u32 leaf,
		   u32 subleaf)
{
	u32 i;

	for (i = 0; i < count; i++) {
		struct axv_x86_cpuid *e = &entries[i];

		if (e->leaf == leaf && (!(e->flags & AXV_X86_CPUID_SUBLEAF) ||
					e->subleaf == subleaf))
			return e;
	}
	return NULL;
}

/* cpuid_host.c */
void axv_x86_host_table_init(void);
struct axv_x86_cpuid *axv_x86_host_table(u32 *count);
void axv_x86_cpuid_bound(struct axv_x86_cpuid *e);

/* cpuid.c */
void axv_x86_cpuid_derive(struct axv_x86_cpuid *entries, u32 count,
			  struct axv_x86_caps *caps);

#endif /* _AXVCPU_X86_CPUID_HOST_H */
