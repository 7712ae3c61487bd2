// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The checks of the guest state at VM entry, in the order of Intel SDM vol. 3C, "Checking
 * and Loading Guest State", "Checks on the Guest State Area" (27.3.1 in editions of
 * 2023), one function per section.  State that the module sets by itself (fixed bits of
 * CR0 and CR4, the activity state, IA32_DEBUGCTL, the link pointer), and controls that it
 * never uses, are not checked.
 */
#include <stddef.h>

#include "explain.h"

/* Access rights; bits 8 to 11 and 17 to 31 are reserved. */
#define AR_TYPE		0xfu
#define AR_S		0x10u
#define AR_P		0x80u
#define AR_L		0x2000u
#define AR_DB		0x4000u
#define AR_G		0x8000u
#define AR_UNUSABLE	AXV_VMX_AR_UNUSABLE
#define AR_VIRTUAL_8086	0xf3u

/* Types of segments, and bits of these */
#define TYPE_ACCESSED	1u
#define TYPE_READABLE	2u
#define TYPE_CODE	8u
#define TYPE_LDT	2u
#define TYPE_BUSY_TSS16	3u
#define TYPE_BUSY_TSS32	11u

/* Bits of the interruptibility state */
#define BY_STI		AXV_VMX_BY_STI
#define BY_MOV_SS	AXV_VMX_BY_MOV_SS
#define BY_NMI		AXV_VMX_BY_NMI

/* Bits of the pending debug exceptions, and those that are reserved */
#define PENDING_ENABLED	(1ull << 12)
#define PENDING_BS	(1ull << 14)
#define PENDING_RTM	(1ull << 16)
#define PENDING_RESERVED (~0ull << 17 | 1ull << 15 | 1ull << 13 | 0x7f0)

#define CR4_PCIDE	(1ull << 17)
#define CR4_CET		(1ull << 23)
#define EFER_SCE	(1ull << 0)
#define EFER_LME	(1ull << 8)
#define EFER_RESERVED	(~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
#define FLAG_FIXED	(1ull << 1)
#define FLAG_IF		(1ull << 9)
#define FLAGS_RESERVED	(~0ull << 22 | 1ull << 15 | 1ull << 5 | 1ull << 3)

#define PDPTE_P		1ull
#define PDPTE_RESERVED	0x1e6ull

/* A message about one of the segment registers. */
#define ABOUT(seg, text) ({						\
	static const char *const message[AXV_X86_SEGS] = {		\
		[AXV_X86_ES] = "ES: " text, [AXV_X86_CS] = "CS: " text,	\
		[AXV_X86_SS] = "SS: " text, [AXV_X86_DS] = "DS: " text,	\
		[AXV_X86_FS] = "FS: " text, [AXV_X86_GS] = "GS: " text,	\
		[AXV_X86_TR] = "TR: " text, [AXV_X86_LDTR] = "LDTR: " text, \
	};								\
	message[seg]; })

static bool long_mode(const struct axv_vmx_state *s)
{
	return s->efer & EFER_LMA;
}

static bool canonical(const struct axv_vmx_state *s, __u64 address)
{
	unsigned int unused = 64 - s->linear_bits;

	return (__u64)((__s64)(address << unused) >> unused) == address;
}

static bool beyond_phys(const struct axv_vmx_state *s, __u64 address)
{
	return s->phys_bits < 64 && address >> s->phys_bits;
}

static bool usable(const struct axv_vmx_segment *seg)
{
	return !(seg->access & AR_UNUSABLE);
}

static unsigned int type_of(const struct axv_vmx_segment *seg)
{
	return seg->access & AR_TYPE;
}

static unsigned int dpl_of(const struct axv_vmx_segment *seg)
{
	return seg->access >> 5 & 3;
}

/* Is an event of this type injected? */
static bool injects(const struct axv_vmx_state *s, __u64 type)
{
	return (s->event & AXV_X86_EVENT_VALID) && (s->event & AXV_X86_EVENT_TYPE) == type;
}

static bool pat_valid(__u64 pat)
{
	unsigned int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((__u8)pat > 7 || (__u8)pat == 2 || (__u8)pat == 3)
			return false;
	return true;
}

/* "Checks on Guest Control Registers, Debug Registers, and MSRs" */
static const char *check_registers(const struct axv_vmx_state *s)
{
	if ((s->cr0 & CR0_PG) && !(s->cr0 & CR0_PE))
		return "CR0: PG without PE";
	if ((s->cr4 & CR4_CET) && !(s->cr0 & CR0_WP))
		return "CR4: CET without CR0.WP";
	if (long_mode(s) && !(s->cr0 & CR0_PG))
		return "CR0: IA-32e mode without PG";
	if (long_mode(s) && !(s->cr4 & CR4_PAE))
		return "CR4: IA-32e mode without PAE";
	if (!long_mode(s) && (s->cr4 & CR4_PCIDE))
		return "CR4: PCIDE outside IA-32e mode";
	if (beyond_phys(s, s->cr3))
		return "CR3: a bit beyond the physical-address width is 1";
	if (s->dr7 >> 32)
		return "DR7: a bit of 63:32 is 1";
	if (!canonical(s, s->sysenter_esp))
		return "IA32_SYSENTER_ESP: not canonical";
	if (!canonical(s, s->sysenter_eip))
		return "IA32_SYSENTER_EIP: not canonical";
	if (!pat_valid(s->pat))
		return "IA32_PAT: a reserved memory type";
	if (s->efer & EFER_RESERVED)
		return "IA32_EFER: a reserved bit is 1";
	if ((s->cr0 & CR0_PG) &&
	    !(s->efer & EFER_LMA) != !(s->efer & EFER_LME))
		return "IA32_EFER: LMA is not LME, with paging";
	return NULL;
}

/* Selectors, bases and limits */
static const char *check_segment_values(const struct axv_vmx_state *s)
{
	const struct axv_vmx_segment *seg = s->seg;
	bool v8086 = s->rflags & FLAG_VM;
	unsigned int i;

	if (seg[AXV_X86_TR].selector & 4)
		return "TR: the selector's TI flag is 1";
	if (usable(&seg[AXV_X86_LDTR]) && (seg[AXV_X86_LDTR].selector & 4))
		return "LDTR: the selector's TI flag is 1";

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		if (v8086 && seg[i].base != (__u32)seg[i].selector << 4)
			return ABOUT(i, "the base is not the selector's, in virtual-8086 mode");
	for (i = AXV_X86_ES; i < AXV_X86_SEGS; i++) {
		bool wide = i > AXV_X86_DS;
		bool always = wide ? i != AXV_X86_LDTR : i == AXV_X86_CS;

		if (!always && !usable(&seg[i]))
			continue;
		if (wide && !canonical(s, seg[i].base))
			return ABOUT(i, "the base is not canonical");
		if (!wide && seg[i].base >> 32)
			return ABOUT(i, "a bit of 63:32 of the base is 1");
	}

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		if (v8086 && seg[i].limit != 0xffff)
			return ABOUT(i, "the limit is not 0xffff, in virtual-8086 mode");
	return NULL;
}

/* Does the limit go with the G flag? */
static bool granularity_valid(const struct axv_vmx_segment *seg)
{
	bool g = seg->access & AR_G;

	if (g)
		return (seg->limit & 0xfff) == 0xfff;
	return !(seg->limit >> 20);
}

static const char *check_type(const struct axv_vmx_state *s,
			      unsigned int i)
{
	const struct axv_vmx_segment *seg = &s->seg[i];
	unsigned int type = type_of(seg);
	bool code = type & TYPE_CODE;

	switch (i) {
	case AXV_X86_CS:
		if (code && (type & TYPE_ACCESSED))
			return NULL;
		return type == 3 ? NULL :
		       "CS: the type is not that of accessed code";
	case AXV_X86_SS:
		return type == 3 || type == 7 ? NULL :
		       "SS: the type is not that of accessed, writable data";
	default:
		if (!(type & TYPE_ACCESSED))
			return ABOUT(i, "the type is not an accessed one");
		if (code && !(type & TYPE_READABLE))
			return ABOUT(i, "the type is that of code that cannot be read");
		return NULL;
	}
}

static const char *check_dpl(const struct axv_vmx_state *s,
			     unsigned int i)
{
	const struct axv_vmx_segment *cs = &s->seg[AXV_X86_CS];
	const struct axv_vmx_segment *ss = &s->seg[AXV_X86_SS];
	unsigned int type = type_of(cs);

	switch (i) {
	case AXV_X86_CS:
		if (type == 3 && dpl_of(cs))
			return "CS: the DPL of data is not 0";
		if ((type == 9 || type == 11) && dpl_of(cs) != dpl_of(ss))
			return "CS: the DPL is not that of SS";
		if ((type == 13 || type == 15) && dpl_of(cs) > dpl_of(ss))
			return "CS: the DPL of conforming code is above that of SS";
		return NULL;
	case AXV_X86_SS:
		if ((type == 3 || !(s->cr0 & CR0_PE)) && dpl_of(ss))
			return "SS: the DPL is not 0, in real mode or with data in CS";
		return NULL;
	default:
		return NULL;
	}
}

/*
 * Access rights of ES to GS.  Rules for a usable register always hold for CS; SS.DPL
 * counts even if SS is unusable.
 */
static const char *check_access(const struct axv_vmx_state *s,
				unsigned int i)
{
	const struct axv_vmx_segment *seg = &s->seg[i];
	const char *broken;

	if (s->rflags & FLAG_VM)
		return seg->access == AR_VIRTUAL_8086 ? NULL :
		       ABOUT(i, "the access rights are not 0xf3, in virtual-8086 mode");
	if (i != AXV_X86_CS && !usable(seg))
		return i == AXV_X86_SS ? check_dpl(s, i) : NULL;

	broken = check_type(s, i);
	if (broken)
		return broken;
	if (!(seg->access & AR_S))
		return ABOUT(i, "S is 0");
	broken = check_dpl(s, i);
	if (broken)
		return broken;
	if (!(seg->access & AR_P))
		return ABOUT(i, "P is 0");
	if (i == AXV_X86_CS && long_mode(s) && (seg->access & AR_L) &&
	    (seg->access & AR_DB))
		return "CS: L and D/B are 1, in IA-32e mode";
	if (!granularity_valid(seg))
		return ABOUT(i, "G does not go with the limit");
	return NULL;
}

/* Access rights of TR and LDTR */
static const char *check_system_access(const struct axv_vmx_state *s,
				       unsigned int i)
{
	const struct axv_vmx_segment *seg = &s->seg[i];
	unsigned int type = type_of(seg);

	if (i == AXV_X86_TR && type != TYPE_BUSY_TSS32 &&
	    (long_mode(s) || type != TYPE_BUSY_TSS16))
		return "TR: the type is not that of a busy TSS of the mode";
	if (i == AXV_X86_LDTR && type != TYPE_LDT)
		return "LDTR: the type is not that of an LDT";
	if (seg->access & AR_S)
		return ABOUT(i, "S is 1");
	if (!(seg->access & AR_P))
		return ABOUT(i, "P is 0");
	if (!granularity_valid(seg))
		return ABOUT(i, "G does not go with the limit");
	return NULL;
}

/* "Checks on Guest Segment Registers" */
static const char *check_segments(const struct axv_vmx_state *s)
{
	static const __u8 order[] = {
		AXV_X86_CS, AXV_X86_SS, AXV_X86_DS, AXV_X86_ES, AXV_X86_FS,
		AXV_X86_GS,
	};
	const char *broken = check_segment_values(s);
	unsigned int i;

	for (i = 0; !broken && i < sizeof(order); i++)
		broken = check_access(s, order[i]);
	if (broken)
		return broken;

	if (!usable(&s->seg[AXV_X86_TR]))
		return "TR: unusable";
	broken = check_system_access(s, AXV_X86_TR);
	if (!broken && usable(&s->seg[AXV_X86_LDTR]))
		broken = check_system_access(s, AXV_X86_LDTR);
	return broken;
}

/* "Checks on Guest Descriptor-Table Registers" */
static const char *check_tables(const struct axv_vmx_state *s)
{
	if (!canonical(s, s->gdtr_base))
		return "GDTR: the base is not canonical";
	if (!canonical(s, s->idtr_base))
		return "IDTR: the base is not canonical";
	if (s->gdtr_limit >> 16)
		return "GDTR: the limit has more than 16 bits";
	if (s->idtr_limit >> 16)
		return "IDTR: the limit has more than 16 bits";
	return NULL;
}

/* "Checks on Guest RIP, RFLAGS, and SSP" */
static const char *check_rip_rflags(const struct axv_vmx_state *s)
{
	bool mode_64 = long_mode(s) &&
		       (s->seg[AXV_X86_CS].access & AR_L);
	__s64 high = (__s64)s->rip >> (s->linear_bits < 64 ? s->linear_bits : 63);

	if (!mode_64 && s->rip >> 32)
		return "RIP: a bit of 63:32 is 1, outside 64-bit mode";
	/*
	 * This is not the same as canonical: the highest bit of the linear address may
	 * differ from those beyond.
	 */
	if (mode_64 && high != 0 && high != -1)
		return "RIP: the bits beyond the linear-address width differ";
	if (s->rflags & FLAGS_RESERVED)
		return "RFLAGS: a reserved bit is 1";
	if (!(s->rflags & FLAG_FIXED))
		return "RFLAGS: bit 1 is 0";
	if ((s->rflags & FLAG_VM) && long_mode(s))
		return "RFLAGS: VM is 1 in IA-32e mode";
	if ((s->rflags & FLAG_VM) && !(s->cr0 & CR0_PE))
		return "RFLAGS: VM is 1 in real mode";
	if (!(s->rflags & FLAG_IF) && injects(s, AXV_X86_EVENT_TYPE_EXTINT))
		return "RFLAGS: IF is 0 while an external interrupt is injected";
	return NULL;
}

static const char *check_interruptibility(const struct axv_vmx_state *s)
{
	__u32 blocking = s->interruptibility;

	if ((blocking & BY_STI) && (blocking & BY_MOV_SS))
		return "interruptibility state: blocking by STI and by MOV SS";
	if ((blocking & BY_STI) && !(s->rflags & FLAG_IF))
		return "interruptibility state: blocking by STI without RFLAGS.IF";
	if ((blocking & (BY_STI | BY_MOV_SS)) &&
	    injects(s, AXV_X86_EVENT_TYPE_EXTINT))
		return "interruptibility state: blocking while an external interrupt is injected";
	if ((blocking & BY_MOV_SS) && injects(s, AXV_X86_EVENT_TYPE_NMI))
		return "interruptibility state: blocking by MOV SS while an NMI is injected";
	if ((blocking & BY_NMI) && injects(s, AXV_X86_EVENT_TYPE_NMI))
		return "interruptibility state: blocking by NMI while a virtual NMI is injected";
	return NULL;
}

static const char *check_pending_debug(const struct axv_vmx_state *s)
{
	bool waits = s->interruptibility & (BY_STI | BY_MOV_SS);
	bool steps = s->rflags & FLAG_TF;
	__u64 pending = s->pending_debug;

	if (pending & PENDING_RESERVED)
		return "pending debug exceptions: a reserved bit is 1";
	if (waits && steps && !(pending & PENDING_BS))
		return "pending debug exceptions: BS is 0 while the guest is single-stepped";
	if (waits && !steps && (pending & PENDING_BS))
		return "pending debug exceptions: BS is 1 while the guest is not single-stepped";
	if ((pending & PENDING_RTM) &&
	    pending != (PENDING_RTM | PENDING_ENABLED))
		return "pending debug exceptions: RTM with more than an enabled breakpoint";
	if ((pending & PENDING_RTM) && (s->interruptibility & BY_MOV_SS))
		return "pending debug exceptions: RTM with blocking by MOV SS";
	return NULL;
}

/* "Checks on Guest Page-Directory-Pointer-Table Entries" */
static const char *check_pdptes(const struct axv_vmx_state *s)
{
	unsigned int i;

	if (!(s->cr0 & CR0_PG) || !(s->cr4 & CR4_PAE) || long_mode(s))
		return NULL;
	for (i = 0; i < 4; i++)
		if ((s->pdpte[i] & PDPTE_P) &&
		    ((s->pdpte[i] & PDPTE_RESERVED) || beyond_phys(s, s->pdpte[i])))
			return "PDPTE: a reserved bit is 1";
	return NULL;
}

const char *axv_vmx_broken_rule(const struct axv_vmx_state *s)
{
	const char *broken = check_registers(s);

	if (!broken)
		broken = check_segments(s);
	if (!broken)
		broken = check_tables(s);
	if (!broken)
		broken = check_rip_rflags(s);
	if (!broken)
		broken = check_interruptibility(s);
	if (!broken)
		broken = check_pending_debug(s);
	if (!broken)
		broken = check_pdptes(s);
	if (broken)
		return broken;

	/*
	 * Some processors have one more rule.  It is checked last, since it may not be
	 * the reason.
	 */
	if ((s->interruptibility & BY_STI) && injects(s, AXV_X86_EVENT_TYPE_NMI))
		return "interruptibility state: blocking by STI while an NMI is injected";
	return NULL;
}
