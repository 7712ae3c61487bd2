// SPDX-License-Identifier: GPL-2.0
/*
 * The checks of the guest state at VM entry, in the order of SDM vol. 3C,
 * "Checking and Loading Guest State", "Checks on the Guest State Area" (27.3.1
 * in editions of 2023), one function per section.  What VM-entry controls that
 * are never used would load is not looked at.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "check.h"

/* Access rights; bits 8 to 11 and 17 to 31 are reserved. */
#define AR_TYPE		VMX_AR_TYPE_MASK
#define AR_RESERVED	VMX_AR_RESERVD_MASK
#define AR_UNUSABLE	VMX_AR_UNUSABLE_MASK
#define AR_VIRTUAL_8086	0xf3u

/* Bits of the interruptibility state */
#define BY_STI		GUEST_INTR_STATE_STI
#define BY_MOV_SS	GUEST_INTR_STATE_MOV_SS
#define BY_SMI		GUEST_INTR_STATE_SMI
#define BY_NMI		GUEST_INTR_STATE_NMI
#define BY_ENCLAVE	GUEST_INTR_STATE_ENCLAVE_INTR

/* Bits of the pending debug exceptions, and those that are reserved */
#define PENDING_ENABLED	BIT_ULL(12)
#define PENDING_BS	BIT_ULL(14)
#define PENDING_RTM	BIT_ULL(16)
#define PENDING_RESERVED (GENMASK_ULL(63, 17) | BIT_ULL(15) | BIT_ULL(13) | GENMASK_ULL(10, 4))

/* IA32_DEBUGCTL has bits 0 to 2 and 6 to 15, IA32_EFER has these. */
#define DEBUGCTL_RESERVED (GENMASK_ULL(63, 16) | GENMASK_ULL(5, 3))
#define EFER_RESERVED	(~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))

#define RFLAGS_RESERVED	(GENMASK_ULL(63, 22) | BIT_ULL(15) | BIT_ULL(5) | BIT_ULL(3))

/* A message about one of the segment registers. */
#define ABOUT(seg, text) ({						\
	static const char *const message[AXV_X86_SEGS] = {		\
		[AXV_X86_ES] = "ES: " text, [AXV_X86_CS] = "CS: " text,	\
		[AXV_X86_SS] = "SS: " text, [AXV_X86_DS] = "DS: " text,	\
		[AXV_X86_FS] = "FS: " text, [AXV_X86_GS] = "GS: " text,	\
		[AXV_X86_TR] = "TR: " text, [AXV_X86_LDTR] = "LDTR: " text, \
	};								\
	message[seg]; })

static bool long_mode(const struct axv_vmx_guest_state *s)
{
	return s->entry & VM_ENTRY_IA32E_MODE;
}

static bool canonical(const struct axv_vmx_guest_state *s, u64 address)
{
	unsigned int unused = 64 - s->linear_bits;

	return (u64)((s64)(address << unused) >> unused) == address;
}

static bool beyond_phys(const struct axv_vmx_guest_state *s, u64 address)
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
	return VMX_AR_DPL(seg->access);
}

/* The event that is injected, if it is one of a type; any vector with -1. */
static bool injects(const struct axv_vmx_guest_state *s, u32 type, int vector)
{
	return (s->event & INTR_INFO_VALID_MASK) &&
	       (s->event & INTR_INFO_INTR_TYPE_MASK) == type &&
	       (vector < 0 || (s->event & INTR_INFO_VECTOR_MASK) == vector);
}

static bool pat_valid(u64 pat)
{
	unsigned int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((u8)pat > 7 || (u8)pat == 2 || (u8)pat == 3)
			return false;
	return true;
}

/* "Checks on Guest Control Registers, Debug Registers, and MSRs" */
static const char *check_registers(const struct axv_vmx_guest_state *s)
{
	u64 fixed0 = s->cr0_fixed0 & ~(u64)(X86_CR0_NW | X86_CR0_CD);

	if (s->unrestricted)
		fixed0 &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	if (fixed0 & ~s->cr0)
		return "CR0: a bit is 0 that is 1 in VMX operation";
	if (s->cr0 & ~s->cr0_fixed1 & ~(u64)(X86_CR0_NW | X86_CR0_CD))
		return "CR0: a bit is 1 that is 0 in VMX operation";
	if ((s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE))
		return "CR0: PG without PE";
	if (s->cr4_fixed0 & ~s->cr4)
		return "CR4: a bit is 0 that is 1 in VMX operation";
	if (s->cr4 & ~s->cr4_fixed1)
		return "CR4: a bit is 1 that is 0 in VMX operation";
	if ((s->cr4 & BIT_ULL(23)) && !(s->cr0 & X86_CR0_WP))
		return "CR4: CET without CR0.WP";
	if ((s->entry & VM_ENTRY_LOAD_DEBUG_CONTROLS) &&
	    (s->debugctl & DEBUGCTL_RESERVED))
		return "IA32_DEBUGCTL: a reserved bit is 1";
	if (long_mode(s) && !(s->cr0 & X86_CR0_PG))
		return "CR0: IA-32e mode without PG";
	if (long_mode(s) && !(s->cr4 & X86_CR4_PAE))
		return "CR4: IA-32e mode without PAE";
	if (!long_mode(s) && (s->cr4 & X86_CR4_PCIDE))
		return "CR4: PCIDE outside IA-32e mode";
	if (beyond_phys(s, s->cr3))
		return "CR3: a bit beyond the physical-address width is 1";
	if ((s->entry & VM_ENTRY_LOAD_DEBUG_CONTROLS) && s->dr7 >> 32)
		return "DR7: a bit of 63:32 is 1";
	if (!canonical(s, s->sysenter_esp))
		return "IA32_SYSENTER_ESP: not canonical";
	if (!canonical(s, s->sysenter_eip))
		return "IA32_SYSENTER_EIP: not canonical";
	if ((s->entry & VM_ENTRY_LOAD_IA32_PAT) && !pat_valid(s->pat))
		return "IA32_PAT: a reserved memory type";
	if (!(s->entry & VM_ENTRY_LOAD_IA32_EFER))
		return NULL;
	if (s->efer & EFER_RESERVED)
		return "IA32_EFER: a reserved bit is 1";
	if (!!(s->efer & EFER_LMA) != long_mode(s))
		return "IA32_EFER: LMA is not the control \"IA-32e mode guest\"";
	if ((s->cr0 & X86_CR0_PG) &&
	    !(s->efer & EFER_LMA) != !(s->efer & EFER_LME))
		return "IA32_EFER: LMA is not LME, with paging";
	return NULL;
}

/* Selectors, bases and limits */
static const char *check_segment_values(const struct axv_vmx_guest_state *s)
{
	const struct axv_vmx_segment *seg = s->seg;
	bool v8086 = s->rflags & X86_EFLAGS_VM;
	unsigned int i;

	if (seg[AXV_X86_TR].selector & 4)
		return "TR: the selector's TI flag is 1";
	if (usable(&seg[AXV_X86_LDTR]) && (seg[AXV_X86_LDTR].selector & 4))
		return "LDTR: the selector's TI flag is 1";
	if (!v8086 && !s->unrestricted &&
	    (seg[AXV_X86_SS].selector ^ seg[AXV_X86_CS].selector) & 3)
		return "SS: the selector's RPL is not that of CS";

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		if (v8086 && seg[i].base != (u32)seg[i].selector << 4)
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
	bool g = seg->access & VMX_AR_G_MASK;

	if (g)
		return (seg->limit & 0xfff) == 0xfff;
	return !(seg->limit >> 20);
}

static const char *check_type(const struct axv_vmx_guest_state *s,
			      unsigned int i)
{
	const struct axv_vmx_segment *seg = &s->seg[i];
	unsigned int type = type_of(seg);
	bool code = type & VMX_AR_TYPE_CODE_MASK;

	switch (i) {
	case AXV_X86_CS:
		if (code && (type & VMX_AR_TYPE_ACCESSES_MASK))
			return NULL;
		return s->unrestricted && type == 3 ? NULL :
		       "CS: the type is not that of accessed code";
	case AXV_X86_SS:
		return type == 3 || type == 7 ? NULL :
		       "SS: the type is not that of accessed, writable data";
	default:
		if (!(type & VMX_AR_TYPE_ACCESSES_MASK))
			return ABOUT(i, "the type is not an accessed one");
		if (code && !(type & VMX_AR_TYPE_READABLE_MASK))
			return ABOUT(i, "the type is that of code that cannot be read");
		return NULL;
	}
}

static const char *check_dpl(const struct axv_vmx_guest_state *s,
			     unsigned int i)
{
	const struct axv_vmx_segment *cs = &s->seg[AXV_X86_CS];
	const struct axv_vmx_segment *ss = &s->seg[AXV_X86_SS];
	const struct axv_vmx_segment *seg = &s->seg[i];
	unsigned int type = type_of(seg);

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
		if (!s->unrestricted && dpl_of(ss) != (ss->selector & 3))
			return "SS: the DPL is not the selector's RPL";
		if ((type_of(cs) == 3 || !(s->cr0 & X86_CR0_PE)) && dpl_of(ss))
			return "SS: the DPL is not 0, in real mode or with data in CS";
		return NULL;
	default:
		if (!s->unrestricted && type <= 11 &&
		    dpl_of(seg) < (seg->selector & 3))
			return ABOUT(i, "the DPL is below the selector's RPL");
		return NULL;
	}
}

/*
 * Access rights of ES to GS.  What is said of a usable register holds for CS
 * in any case; SS.DPL counts even if SS is unusable.
 */
static const char *check_access(const struct axv_vmx_guest_state *s,
				unsigned int i)
{
	const struct axv_vmx_segment *seg = &s->seg[i];
	const char *broken;

	if (s->rflags & X86_EFLAGS_VM)
		return seg->access == AR_VIRTUAL_8086 ? NULL :
		       ABOUT(i, "the access rights are not 0xf3, in virtual-8086 mode");
	if (i != AXV_X86_CS && !usable(seg))
		return i == AXV_X86_SS ? check_dpl(s, i) : NULL;

	broken = check_type(s, i);
	if (broken)
		return broken;
	if (!(seg->access & VMX_AR_S_MASK))
		return ABOUT(i, "S is 0");
	broken = check_dpl(s, i);
	if (broken)
		return broken;
	if (!(seg->access & VMX_AR_P_MASK))
		return ABOUT(i, "P is 0");
	if (seg->access & AR_RESERVED)
		return ABOUT(i, "a reserved bit of the access rights is 1");
	if (i == AXV_X86_CS && long_mode(s) && (seg->access & VMX_AR_L_MASK) &&
	    (seg->access & VMX_AR_DB_MASK))
		return "CS: L and D/B are 1, in IA-32e mode";
	if (!granularity_valid(seg))
		return ABOUT(i, "G does not go with the limit");
	return NULL;
}

/* Access rights of TR and LDTR */
static const char *check_system_access(const struct axv_vmx_guest_state *s,
				       unsigned int i)
{
	const struct axv_vmx_segment *seg = &s->seg[i];
	unsigned int type = type_of(seg);

	if (i == AXV_X86_TR && type != VMX_AR_TYPE_BUSY_32_TSS &&
	    (long_mode(s) || type != VMX_AR_TYPE_BUSY_16_TSS))
		return "TR: the type is not that of a busy TSS of the mode";
	if (i == AXV_X86_LDTR && type != VMX_AR_TYPE_LDT)
		return "LDTR: the type is not that of an LDT";
	if (seg->access & VMX_AR_S_MASK)
		return ABOUT(i, "S is 1");
	if (!(seg->access & VMX_AR_P_MASK))
		return ABOUT(i, "P is 0");
	if (seg->access & AR_RESERVED)
		return ABOUT(i, "a reserved bit of the access rights is 1");
	if (!granularity_valid(seg))
		return ABOUT(i, "G does not go with the limit");
	return NULL;
}

/* "Checks on Guest Segment Registers" */
static const char *check_segments(const struct axv_vmx_guest_state *s)
{
	static const u8 order[] = {
		AXV_X86_CS, AXV_X86_SS, AXV_X86_DS, AXV_X86_ES, AXV_X86_FS,
		AXV_X86_GS,
	};
	const char *broken = check_segment_values(s);
	unsigned int i;

	for (i = 0; !broken && i < ARRAY_SIZE(order); i++)
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
static const char *check_tables(const struct axv_vmx_guest_state *s)
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
static const char *check_rip_rflags(const struct axv_vmx_guest_state *s)
{
	bool mode_64 = long_mode(s) &&
		       (s->seg[AXV_X86_CS].access & VMX_AR_L_MASK);
	s64 high = (s64)s->rip >> (s->linear_bits < 64 ? s->linear_bits : 63);

	if (!mode_64 && s->rip >> 32)
		return "RIP: a bit of 63:32 is 1, outside 64-bit mode";
	/* Not the same as canonical: the highest bit of an address may differ. */
	if (mode_64 && high != 0 && high != -1)
		return "RIP: the bits beyond the linear-address width differ";
	if (s->rflags & RFLAGS_RESERVED)
		return "RFLAGS: a reserved bit is 1";
	if (!(s->rflags & X86_EFLAGS_FIXED))
		return "RFLAGS: bit 1 is 0";
	if ((s->rflags & X86_EFLAGS_VM) && long_mode(s))
		return "RFLAGS: VM is 1 in IA-32e mode";
	if ((s->rflags & X86_EFLAGS_VM) && !(s->cr0 & X86_CR0_PE))
		return "RFLAGS: VM is 1 in real mode";
	if (!(s->rflags & X86_EFLAGS_IF) && injects(s, INTR_TYPE_EXT_INTR, -1))
		return "RFLAGS: IF is 0 while an external interrupt is injected";
	return NULL;
}

/* May the event be injected in the activity state? */
static bool activity_takes_event(const struct axv_vmx_guest_state *s)
{
	bool machine_check = injects(s, INTR_TYPE_HARD_EXCEPTION, X86_TRAP_MC);
	bool nmi = injects(s, INTR_TYPE_NMI_INTR, -1);

	if (!(s->event & INTR_INFO_VALID_MASK))
		return true;
	switch (s->activity) {
	case GUEST_ACTIVITY_ACTIVE:
		return true;
	case GUEST_ACTIVITY_HLT:
		return nmi || machine_check ||
		       injects(s, INTR_TYPE_EXT_INTR, -1) ||
		       injects(s, INTR_TYPE_HARD_EXCEPTION, X86_TRAP_DB) ||
		       injects(s, INTR_TYPE_OTHER_EVENT, 0);
	case GUEST_ACTIVITY_SHUTDOWN:
		return nmi || machine_check;
	default:
		return false;
	}
}

static const char *check_activity(const struct axv_vmx_guest_state *s)
{
	if (s->activity > GUEST_ACTIVITY_WAIT_SIPI ||
	    !(s->activities & BIT(s->activity)))
		return "activity state: not supported";
	if (s->activity == GUEST_ACTIVITY_HLT && dpl_of(&s->seg[AXV_X86_SS]))
		return "activity state: HLT outside privilege level 0";
	if (s->activity && (s->interruptibility & (BY_STI | BY_MOV_SS)))
		return "activity state: not active, with blocking by STI or MOV SS";
	if (!activity_takes_event(s))
		return "activity state: not one that takes the injected event";
	return NULL;
}

static const char *check_interruptibility(const struct axv_vmx_guest_state *s)
{
	u32 blocking = s->interruptibility;

	if (blocking & ~(BY_STI | BY_MOV_SS | BY_SMI | BY_NMI | BY_ENCLAVE))
		return "interruptibility state: a reserved bit is 1";
	if ((blocking & BY_STI) && (blocking & BY_MOV_SS))
		return "interruptibility state: blocking by STI and by MOV SS";
	if ((blocking & BY_STI) && !(s->rflags & X86_EFLAGS_IF))
		return "interruptibility state: blocking by STI without RFLAGS.IF";
	if ((blocking & (BY_STI | BY_MOV_SS)) &&
	    injects(s, INTR_TYPE_EXT_INTR, -1))
		return "interruptibility state: blocking while an external interrupt is injected";
	if ((blocking & BY_MOV_SS) && injects(s, INTR_TYPE_NMI_INTR, -1))
		return "interruptibility state: blocking by MOV SS while an NMI is injected";
	if (blocking & BY_SMI)
		return "interruptibility state: blocking by SMI outside SMM";
	if ((blocking & BY_NMI) && s->virtual_nmis &&
	    injects(s, INTR_TYPE_NMI_INTR, -1))
		return "interruptibility state: blocking by NMI while a virtual NMI is injected";
	if ((blocking & BY_ENCLAVE) && (blocking & BY_MOV_SS))
		return "interruptibility state: enclave interruption with blocking by MOV SS";
	return NULL;
}

static const char *check_pending_debug(const struct axv_vmx_guest_state *s)
{
	bool waits = (s->interruptibility & (BY_STI | BY_MOV_SS)) ||
		     s->activity == GUEST_ACTIVITY_HLT;
	bool steps = (s->rflags & X86_EFLAGS_TF) &&
		     !(s->debugctl & DEBUGCTLMSR_BTF);
	u64 pending = s->pending_debug;

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

/* "Checks on Guest Non-Register State" */
static const char *check_non_register(const struct axv_vmx_guest_state *s)
{
	const char *broken = check_activity(s);

	if (!broken)
		broken = check_interruptibility(s);
	if (!broken)
		broken = check_pending_debug(s);
	if (broken || s->link == U64_MAX)
		return broken;
	if (s->link & 0xfff)
		return "VMCS link pointer: not aligned";
	if (beyond_phys(s, s->link))
		return "VMCS link pointer: a bit beyond the physical-address width is 1";
	return NULL;
}

/* "Checks on Guest Page-Directory-Pointer-Table Entries" */
static const char *check_pdptes(const struct axv_vmx_guest_state *s)
{
	unsigned int i;

	if (!s->ept || !(s->cr0 & X86_CR0_PG) || !(s->cr4 & X86_CR4_PAE) ||
	    long_mode(s))
		return NULL;
	for (i = 0; i < ARRAY_SIZE(s->pdpte); i++)
		if ((s->pdpte[i] & 1) &&
		    ((s->pdpte[i] & 0x1e6) || beyond_phys(s, s->pdpte[i])))
			return "PDPTE: a reserved bit is 1";
	return NULL;
}

/**
 * axv_vmx_check_guest_state() - why the processor refuses this guest state
 * @s:		the state, and what its checks depend on
 *
 * For a message, after an entry failed: it looks at nothing but its argument,
 * and the hardware has the last word.
 *
 * Return: the first rule that is broken; NULL if there is none.
 */
const char *axv_vmx_check_guest_state(const struct axv_vmx_guest_state *s)
{
	const char *broken = check_registers(s);

	if (!broken)
		broken = check_segments(s);
	if (!broken)
		broken = check_tables(s);
	if (!broken)
		broken = check_rip_rflags(s);
	if (!broken)
		broken = check_non_register(s);
	if (!broken)
		broken = check_pdptes(s);
	if (broken)
		return broken;

	/* Some processors have one more: last, for it may not be the reason. */
	if ((s->interruptibility & BY_STI) && injects(s, INTR_TYPE_NMI_INTR, -1))
		return "interruptibility state: blocking by STI while an NMI is injected";
	return NULL;
}
