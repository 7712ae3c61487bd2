// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of a guest state that the processor enters: one case for each.
 */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "../vmx/check.h"

#define STATE	struct axv_vmx_guest_state

#define NON_CANONICAL	0x0000800000000000ull

/* Injected events */
#define EXTINT		(INTR_INFO_VALID_MASK | INTR_TYPE_EXT_INTR | 0x20)
#define NMI		(INTR_INFO_VALID_MASK | INTR_TYPE_NMI_INTR | X86_TRAP_NMI)
#define EXCEPTION(v)	(INTR_INFO_VALID_MASK | INTR_TYPE_HARD_EXCEPTION | (v))
#define SOFTINT		(INTR_INFO_VALID_MASK | INTR_TYPE_SOFT_INTR | 0x20)
#define MTF		(INTR_INFO_VALID_MASK | INTR_TYPE_OTHER_EVENT)

static const struct axv_vmx_segment unusable = { .access = 0x10000 };

/* 64-bit mode at privilege level 0 */
static STATE long_state(void)
{
	STATE s = {
		.cr0 = 0x80050033,
		.cr3 = 0x1000,
		.cr4 = 0x2020,
		.dr7 = 0x400,
		.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX,
		.pat = 0x0007040600070406,
		.gdtr_base = 0xfffffe0000001000,
		.gdtr_limit = 0x7f,
		.idtr_base = 0xfffffe0000000000,
		.idtr_limit = 0xfff,
		.sysenter_esp = 0xfffffe0000003000,
		.sysenter_eip = 0xffffffff81000000,
		.rip = 0xffffffff81001000,
		.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF,
		.link = U64_MAX,
		.entry = VM_ENTRY_LOAD_DEBUG_CONTROLS | VM_ENTRY_IA32E_MODE |
			 VM_ENTRY_LOAD_IA32_PAT | VM_ENTRY_LOAD_IA32_EFER,
		.unrestricted = true,
		.ept = true,
		.virtual_nmis = true,
		.phys_bits = 39,
		.linear_bits = 48,
		.activities = 0xf,
		.cr0_fixed0 = 0x80000021,
		.cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = 0x2000,
		.cr4_fixed1 = 0xf767ff,
	};

	s.seg[AXV_X86_CS] = (struct axv_vmx_segment){
		.selector = 0x10, .limit = 0xffffffff, .access = 0xa09b,
	};
	s.seg[AXV_X86_SS] = (struct axv_vmx_segment){
		.selector = 0x18, .limit = 0xffffffff, .access = 0xc093,
	};
	s.seg[AXV_X86_DS] = s.seg[AXV_X86_SS];
	s.seg[AXV_X86_ES] = unusable;
	s.seg[AXV_X86_FS] = unusable;
	s.seg[AXV_X86_GS] = unusable;
	s.seg[AXV_X86_GS].base = 0xffff888000000000;
	s.seg[AXV_X86_TR] = (struct axv_vmx_segment){
		.selector = 0x40, .base = 0xfffffe0000003000, .limit = 0x206f,
		.access = 0x8b,
	};
	s.seg[AXV_X86_LDTR] = (struct axv_vmx_segment){
		.selector = 0x50, .base = 0xffff888000001000, .limit = 0xffff,
		.access = 0x82,
	};
	return s;
}

/* Protected mode with PAE paging */
static STATE protected_state(void)
{
	STATE s = long_state();

	s.entry &= ~VM_ENTRY_IA32E_MODE;
	s.efer = 0;
	s.rip = 0x1000;
	s.pdpte[0] = 0x2001;
	s.pdpte[1] = 0x1e6;
	s.seg[AXV_X86_CS].access = 0xc09b;
	return s;
}

static STATE user_state(void)
{
	STATE s = long_state();
	unsigned int i;

	s.rip = 0x401000;
	s.seg[AXV_X86_CS].selector = 0x33;
	s.seg[AXV_X86_CS].access = 0xa0fb;
	s.seg[AXV_X86_SS].selector = 0x2b;
	s.seg[AXV_X86_SS].access = 0xc0f3;
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		if (i != AXV_X86_CS)
			s.seg[i] = s.seg[AXV_X86_SS];
	return s;
}

static STATE segments_of_8086(STATE s)
{
	unsigned int i;

	s.entry &= ~VM_ENTRY_IA32E_MODE;
	s.efer = 0;
	s.rip = 0xfff0;
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s.seg[i] = (struct axv_vmx_segment){
			.selector = 0x1234, .base = 0x12340, .limit = 0xffff,
			.access = 0xf3,
		};
	return s;
}

/* Virtual-8086 mode */
static STATE v8086_state(void)
{
	STATE s = segments_of_8086(long_state());

	s.rflags |= X86_EFLAGS_VM;
	return s;
}

/* Real mode */
static STATE real_state(void)
{
	STATE s = segments_of_8086(long_state());
	unsigned int i;

	s.cr0 = 0x30;
	s.cr4 = 0x2000;
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s.seg[i].access = 0x93;
	s.seg[AXV_X86_LDTR] = unusable;
	return s;
}

/**
 * struct change - a field that breaks a rule
 * @offset:	where it is
 * @size:	and how large; 0: no further change
 * @value:	what it becomes
 */
struct change {
	u16 offset;
	u16 size;
	u64 value;
};

#define SET(field, value)	{ offsetof(STATE, field), sizeof_field(STATE, field), value }
#define SEG(name, field, value)	SET(seg[AXV_X86_##name].field, value)

/**
 * struct rule - one rule and a state that breaks it
 * @state:	a state that keeps all
 * @change:	what to change
 * @message:	the answer; NULL: this is allowed
 * @why:	for those allowed: a name
 */
struct rule {
	STATE (*state)(void);
	struct change change[4];
	const char *message;
	const char *why;
};

#define BROKEN(state, message, ...)	{ state, { __VA_ARGS__ }, message, NULL }
#define ALLOWED(state, why, ...)	{ state, { __VA_ARGS__ }, NULL, why }

static const struct rule rules[] = {
	/* Control registers, debug registers, MSRs */
	BROKEN(long_state, "CR0: a bit is 0 that is 1 in VMX operation",
	       SET(cr0, 0x80050013)),
	BROKEN(real_state, "CR0: a bit is 0 that is 1 in VMX operation",
	       SET(unrestricted, false)),
	BROKEN(long_state, "CR0: a bit is 1 that is 0 in VMX operation",
	       SET(cr0, 0x180050033)),
	ALLOWED(long_state, "CR0: NW and CD are not looked at",
		SET(cr0, 0xe0050033), SET(cr0_fixed1, 0x9fffffff)),
	BROKEN(real_state, "CR0: PG without PE", SET(cr0, 0x80000030)),
	BROKEN(long_state, "CR4: a bit is 0 that is 1 in VMX operation",
	       SET(cr4, 0x20)),
	BROKEN(long_state, "CR4: a bit is 1 that is 0 in VMX operation",
	       SET(cr4, 0x1002020)),
	BROKEN(long_state, "CR4: CET without CR0.WP",
	       SET(cr4, 0x802020), SET(cr0, 0x80040033)),
	ALLOWED(long_state, "CR4: CET with CR0.WP", SET(cr4, 0x802020)),
	BROKEN(long_state, "IA32_DEBUGCTL: a reserved bit is 1",
	       SET(debugctl, 0x8)),
	BROKEN(long_state, "IA32_DEBUGCTL: a reserved bit is 1",
	       SET(debugctl, 0x10000)),
	ALLOWED(long_state, "IA32_DEBUGCTL is not loaded",
		SET(debugctl, 0x8), SET(entry, 0xc200)),
	BROKEN(long_state, "CR0: IA-32e mode without PG", SET(cr0, 0x50033)),
	BROKEN(long_state, "CR4: IA-32e mode without PAE", SET(cr4, 0x2000)),
	BROKEN(protected_state, "CR4: PCIDE outside IA-32e mode",
	       SET(cr4, 0x22020)),
	ALLOWED(long_state, "CR4: PCIDE in IA-32e mode", SET(cr4, 0x22020)),
	BROKEN(long_state,
	       "CR3: a bit beyond the physical-address width is 1",
	       SET(cr3, BIT_ULL(39))),
	ALLOWED(long_state, "CR3: the last bit of the physical-address width",
		SET(cr3, BIT_ULL(38))),
	BROKEN(long_state, "DR7: a bit of 63:32 is 1", SET(dr7, 0x100000400)),
	ALLOWED(long_state, "DR7 is not loaded",
		SET(dr7, 0x100000400), SET(entry, 0xc200)),
	BROKEN(long_state, "IA32_SYSENTER_ESP: not canonical",
	       SET(sysenter_esp, NON_CANONICAL)),
	BROKEN(long_state, "IA32_SYSENTER_EIP: not canonical",
	       SET(sysenter_eip, NON_CANONICAL)),
	ALLOWED(long_state, "canonical with 57 bits",
		SET(sysenter_eip, NON_CANONICAL), SET(linear_bits, 57)),
	BROKEN(long_state, "IA32_PAT: a reserved memory type",
	       SET(pat, 0x0207040600070406)),
	BROKEN(long_state, "IA32_PAT: a reserved memory type",
	       SET(pat, 0x0007040600070403)),
	BROKEN(long_state, "IA32_PAT: a reserved memory type",
	       SET(pat, 0x0008040600070406)),
	ALLOWED(long_state, "IA32_PAT: all types there are",
		SET(pat, 0x0001040506070000)),
	BROKEN(long_state, "IA32_EFER: a reserved bit is 1",
	       SET(efer, 0x1d01)),
	BROKEN(long_state,
	       "IA32_EFER: LMA is not the control \"IA-32e mode guest\"",
	       SET(efer, 0x101)),
	BROKEN(protected_state,
	       "IA32_EFER: LMA is not the control \"IA-32e mode guest\"",
	       SET(efer, 0x500)),
	BROKEN(long_state, "IA32_EFER: LMA is not LME, with paging",
	       SET(efer, 0x400)),
	BROKEN(protected_state, "IA32_EFER: LMA is not LME, with paging",
	       SET(efer, 0x100)),
	ALLOWED(real_state, "IA32_EFER: LME before paging", SET(efer, 0x100)),

	/* Segment registers: selectors, bases, limits */
	BROKEN(long_state, "TR: the selector's TI flag is 1",
	       SEG(TR, selector, 0x44)),
	BROKEN(long_state, "LDTR: the selector's TI flag is 1",
	       SEG(LDTR, selector, 0x54)),
	ALLOWED(real_state, "LDTR: any selector, unusable",
		SEG(LDTR, selector, 0x54)),
	BROKEN(long_state, "SS: the selector's RPL is not that of CS",
	       SET(unrestricted, false), SEG(SS, selector, 0x19)),
	ALLOWED(long_state, "SS: any RPL, unrestricted",
		SEG(SS, selector, 0x19)),
	BROKEN(long_state, "TR: the base is not canonical",
	       SEG(TR, base, NON_CANONICAL)),
	BROKEN(long_state, "FS: the base is not canonical",
	       SEG(FS, base, NON_CANONICAL)),
	BROKEN(long_state, "GS: the base is not canonical",
	       SEG(GS, base, NON_CANONICAL)),
	BROKEN(long_state, "LDTR: the base is not canonical",
	       SEG(LDTR, base, NON_CANONICAL)),
	ALLOWED(real_state, "LDTR: any base, unusable",
		SEG(LDTR, base, NON_CANONICAL)),
	BROKEN(long_state, "CS: a bit of 63:32 of the base is 1",
	       SEG(CS, base, 0x100000000)),
	BROKEN(long_state, "SS: a bit of 63:32 of the base is 1",
	       SEG(SS, base, 0x100000000)),
	BROKEN(long_state, "DS: a bit of 63:32 of the base is 1",
	       SEG(DS, base, 0x100000000)),
	BROKEN(user_state, "ES: a bit of 63:32 of the base is 1",
	       SEG(ES, base, 0x100000000)),
	ALLOWED(long_state, "ES: any base, unusable",
		SEG(ES, base, 0x100000000)),

	/* Segment registers: access rights */
	BROKEN(long_state, "CS: the type is not that of accessed code",
	       SEG(CS, access, 0xa09a)),
	BROKEN(long_state, "CS: the type is not that of accessed code",
	       SEG(CS, access, 0xa097)),
	BROKEN(real_state, "CS: the type is not that of accessed code",
	       SET(unrestricted, false), SET(cr0_fixed0, 0)),
	BROKEN(long_state,
	       "SS: the type is not that of accessed, writable data",
	       SEG(SS, access, 0xc091)),
	BROKEN(long_state,
	       "SS: the type is not that of accessed, writable data",
	       SEG(SS, access, 0xc09b)),
	ALLOWED(long_state, "SS: expands down", SEG(SS, access, 0xc097)),
	BROKEN(user_state, "DS: the type is not an accessed one",
	       SEG(DS, access, 0xc0f2)),
	BROKEN(user_state, "ES: the type is not an accessed one",
	       SEG(ES, access, 0xc0f2)),
	BROKEN(user_state, "FS: the type is not an accessed one",
	       SEG(FS, access, 0xc0f2)),
	BROKEN(user_state, "GS: the type is not an accessed one",
	       SEG(GS, access, 0xc0f2)),
	BROKEN(user_state, "GS: the type is that of code that cannot be read",
	       SEG(GS, access, 0xc0f9)),
	BROKEN(real_state, "CS: the DPL of data is not 0",
	       SEG(CS, access, 0xb3)),
	BROKEN(long_state, "CS: the DPL is not that of SS",
	       SEG(CS, access, 0xa0fb)),
	BROKEN(long_state, "CS: the DPL of conforming code is above that of SS",
	       SEG(CS, access, 0xa0ff)),
	ALLOWED(user_state, "CS: conforming code of a lower DPL",
		SEG(CS, access, 0xa09f)),
	BROKEN(long_state, "SS: the DPL is not the selector's RPL",
	       SET(unrestricted, false), SEG(SS, selector, 0x1b),
	       SEG(CS, selector, 0x13)),
	BROKEN(real_state,
	       "SS: the DPL is not 0, in real mode or with data in CS",
	       SEG(SS, access, 0xf3)),
	BROKEN(protected_state,
	       "SS: the DPL is not 0, in real mode or with data in CS",
	       SEG(CS, access, 0xc093), SEG(SS, access, 0xc0f3)),
	BROKEN(real_state,
	       "SS: the DPL is not 0, in real mode or with data in CS",
	       SEG(SS, access, 0x10060)),
	BROKEN(user_state, "DS: the DPL is below the selector's RPL",
	       SET(unrestricted, false), SEG(DS, access, 0xc093)),
	ALLOWED(user_state, "DS: conforming code of a lower DPL",
		SET(unrestricted, false), SEG(DS, access, 0xc09f)),
	ALLOWED(user_state, "DS: any DPL, unrestricted",
		SEG(DS, access, 0xc093)),
	BROKEN(user_state, "CS: P is 0", SEG(CS, access, 0xa07b)),
	BROKEN(user_state, "SS: P is 0", SEG(SS, access, 0xc073)),
	BROKEN(user_state, "DS: P is 0", SEG(DS, access, 0xc073)),
	BROKEN(user_state, "ES: P is 0", SEG(ES, access, 0xc073)),
	BROKEN(user_state, "FS: P is 0", SEG(FS, access, 0xc073)),
	BROKEN(user_state, "GS: P is 0", SEG(GS, access, 0xc073)),
	BROKEN(user_state, "CS: a reserved bit of the access rights is 1",
	       SEG(CS, access, 0xa1fb)),
	BROKEN(user_state, "SS: a reserved bit of the access rights is 1",
	       SEG(SS, access, 0x2c0f3)),
	BROKEN(user_state, "DS: a reserved bit of the access rights is 1",
	       SEG(DS, access, 0xc8f3)),
	BROKEN(long_state, "CS: L and D/B are 1, in IA-32e mode",
	       SEG(CS, access, 0xe09b)),
	ALLOWED(protected_state, "CS: L and D/B, outside IA-32e mode",
		SEG(CS, access, 0xe09b)),
	BROKEN(long_state, "CS: G does not go with the limit",
	       SEG(CS, limit, 0xfffffffe)),
	BROKEN(long_state, "CS: G does not go with the limit",
	       SEG(CS, access, 0x209b)),
	BROKEN(long_state, "SS: G does not go with the limit",
	       SEG(SS, limit, 0x0)),
	BROKEN(long_state, "DS: G does not go with the limit",
	       SEG(DS, access, 0x4093)),
	ALLOWED(long_state, "DS: a limit that is right with and without G",
		SEG(DS, access, 0x4093), SEG(DS, limit, 0xfffff)),
	ALLOWED(long_state, "ES: anything, unusable",
		SEG(ES, access, 0xffffffff)),
	BROKEN(long_state, "TR: unusable", SEG(TR, access, 0x1008b)),
	BROKEN(long_state, "TR: the type is not that of a busy TSS of the mode",
	       SEG(TR, access, 0x89)),
	BROKEN(long_state, "TR: the type is not that of a busy TSS of the mode",
	       SEG(TR, access, 0x83)),
	ALLOWED(protected_state, "TR: a 16-bit TSS", SEG(TR, access, 0x83)),
	BROKEN(protected_state,
	       "TR: the type is not that of a busy TSS of the mode",
	       SEG(TR, access, 0x81)),
	BROKEN(long_state, "TR: S is 1", SEG(TR, access, 0x9b)),
	BROKEN(long_state, "TR: P is 0", SEG(TR, access, 0x0b)),
	BROKEN(long_state, "TR: a reserved bit of the access rights is 1",
	       SEG(TR, access, 0x18b)),
	BROKEN(long_state, "TR: a reserved bit of the access rights is 1",
	       SEG(TR, access, 0x2008b)),
	BROKEN(long_state, "TR: G does not go with the limit",
	       SEG(TR, access, 0x808b)),
	BROKEN(long_state, "LDTR: the type is not that of an LDT",
	       SEG(LDTR, access, 0x83)),
	BROKEN(long_state, "LDTR: S is 1", SEG(LDTR, access, 0x92)),
	BROKEN(long_state, "LDTR: P is 0", SEG(LDTR, access, 0x02)),
	BROKEN(long_state, "LDTR: a reserved bit of the access rights is 1",
	       SEG(LDTR, access, 0x482)),
	BROKEN(long_state, "LDTR: G does not go with the limit",
	       SEG(LDTR, limit, 0x1fffff)),
	ALLOWED(long_state, "LDTR: anything, unusable",
		SEG(LDTR, access, 0xffffffff)),

	/* Descriptor tables */
	BROKEN(long_state, "GDTR: the base is not canonical",
	       SET(gdtr_base, NON_CANONICAL)),
	BROKEN(long_state, "IDTR: the base is not canonical",
	       SET(idtr_base, NON_CANONICAL)),
	BROKEN(long_state, "GDTR: the limit has more than 16 bits",
	       SET(gdtr_limit, 0x10000)),
	BROKEN(long_state, "IDTR: the limit has more than 16 bits",
	       SET(idtr_limit, 0x10000)),

	/* RIP and RFLAGS */
	BROKEN(protected_state, "RIP: a bit of 63:32 is 1, outside 64-bit mode",
	       SET(rip, 0x100000000)),
	BROKEN(long_state, "RIP: a bit of 63:32 is 1, outside 64-bit mode",
	       SEG(CS, access, 0xc09b)),
	BROKEN(long_state, "RIP: the bits beyond the linear-address width differ",
	       SET(rip, 0x0001000000000000)),
	ALLOWED(long_state, "RIP: not canonical by its highest bit alone",
		SET(rip, NON_CANONICAL)),
	BROKEN(long_state, "RFLAGS: a reserved bit is 1", SET(rflags, 0x20a)),
	BROKEN(long_state, "RFLAGS: a reserved bit is 1", SET(rflags, 0x222)),
	BROKEN(long_state, "RFLAGS: a reserved bit is 1", SET(rflags, 0x8202)),
	BROKEN(long_state, "RFLAGS: a reserved bit is 1", SET(rflags, 0x400202)),
	BROKEN(long_state, "RFLAGS: bit 1 is 0", SET(rflags, 0x200)),
	BROKEN(v8086_state, "RFLAGS: VM is 1 in IA-32e mode",
	       SET(efer, 0xd01), SET(entry, 0xc204)),
	BROKEN(v8086_state, "RFLAGS: VM is 1 in real mode", SET(cr0, 0x30)),
	BROKEN(long_state,
	       "RFLAGS: IF is 0 while an external interrupt is injected",
	       SET(rflags, 0x2), SET(event, EXTINT)),
	ALLOWED(long_state, "RFLAGS: an external interrupt with IF",
		SET(event, EXTINT)),
	ALLOWED(long_state, "RFLAGS: an NMI without IF",
		SET(rflags, 0x2), SET(event, NMI)),
	ALLOWED(long_state, "RFLAGS: an event that is not valid",
		SET(rflags, 0x2), SET(event, EXTINT & ~INTR_INFO_VALID_MASK)),

	/* Activity state */
	BROKEN(long_state, "activity state: not supported", SET(activity, 4)),
	BROKEN(long_state, "activity state: not supported",
	       SET(activity, GUEST_ACTIVITY_SHUTDOWN), SET(activities, 0x3)),
	BROKEN(user_state, "activity state: HLT outside privilege level 0",
	       SET(activity, GUEST_ACTIVITY_HLT)),
	BROKEN(long_state,
	       "activity state: not active, with blocking by STI or MOV SS",
	       SET(activity, GUEST_ACTIVITY_HLT),
	       SET(interruptibility, GUEST_INTR_STATE_STI)),
	BROKEN(long_state,
	       "activity state: not active, with blocking by STI or MOV SS",
	       SET(activity, GUEST_ACTIVITY_SHUTDOWN),
	       SET(interruptibility, GUEST_INTR_STATE_MOV_SS)),
	BROKEN(long_state,
	       "activity state: not one that takes the injected event",
	       SET(activity, GUEST_ACTIVITY_HLT),
	       SET(event, EXCEPTION(X86_TRAP_UD))),
	BROKEN(long_state,
	       "activity state: not one that takes the injected event",
	       SET(activity, GUEST_ACTIVITY_HLT), SET(event, SOFTINT)),
	BROKEN(long_state,
	       "activity state: not one that takes the injected event",
	       SET(activity, GUEST_ACTIVITY_SHUTDOWN), SET(event, EXTINT)),
	BROKEN(long_state,
	       "activity state: not one that takes the injected event",
	       SET(activity, GUEST_ACTIVITY_WAIT_SIPI), SET(event, NMI)),
	ALLOWED(long_state, "activity state: HLT takes an interrupt",
		SET(activity, GUEST_ACTIVITY_HLT), SET(event, EXTINT)),
	ALLOWED(long_state, "activity state: HLT takes an NMI",
		SET(activity, GUEST_ACTIVITY_HLT), SET(event, NMI)),
	ALLOWED(long_state, "activity state: HLT takes a #DB",
		SET(activity, GUEST_ACTIVITY_HLT),
		SET(event, EXCEPTION(X86_TRAP_DB))),
	ALLOWED(long_state, "activity state: HLT takes a pending MTF exit",
		SET(activity, GUEST_ACTIVITY_HLT), SET(event, MTF)),
	ALLOWED(long_state, "activity state: shutdown takes a #MC",
		SET(activity, GUEST_ACTIVITY_SHUTDOWN),
		SET(event, EXCEPTION(X86_TRAP_MC))),
	ALLOWED(long_state, "activity state: shutdown takes an NMI",
		SET(activity, GUEST_ACTIVITY_SHUTDOWN), SET(event, NMI)),
	ALLOWED(long_state, "activity state: active takes anything",
		SET(event, SOFTINT)),

	/* Interruptibility state */
	BROKEN(long_state, "interruptibility state: a reserved bit is 1",
	       SET(interruptibility, 0x20)),
	BROKEN(long_state,
	       "interruptibility state: blocking by STI and by MOV SS",
	       SET(interruptibility, 0x3)),
	BROKEN(long_state,
	       "interruptibility state: blocking by STI without RFLAGS.IF",
	       SET(interruptibility, 0x1), SET(rflags, 0x2)),
	BROKEN(long_state,
	       "interruptibility state: blocking while an external interrupt is injected",
	       SET(interruptibility, 0x1), SET(event, EXTINT)),
	BROKEN(long_state,
	       "interruptibility state: blocking while an external interrupt is injected",
	       SET(interruptibility, 0x2), SET(event, EXTINT)),
	BROKEN(long_state,
	       "interruptibility state: blocking by MOV SS while an NMI is injected",
	       SET(interruptibility, 0x2), SET(event, NMI)),
	BROKEN(long_state,
	       "interruptibility state: blocking by STI while an NMI is injected",
	       SET(interruptibility, 0x1), SET(event, NMI)),
	BROKEN(long_state,
	       "interruptibility state: blocking by SMI outside SMM",
	       SET(interruptibility, 0x4)),
	BROKEN(long_state,
	       "interruptibility state: blocking by NMI while a virtual NMI is injected",
	       SET(interruptibility, 0x8), SET(event, NMI)),
	ALLOWED(long_state, "interruptibility state: an NMI that is not virtual",
		SET(interruptibility, 0x8), SET(event, NMI),
		SET(virtual_nmis, false)),
	BROKEN(long_state,
	       "interruptibility state: enclave interruption with blocking by MOV SS",
	       SET(interruptibility, 0x12)),
	ALLOWED(long_state, "interruptibility state: an exception after STI",
		SET(interruptibility, 0x1),
		SET(event, EXCEPTION(X86_TRAP_PF))),

	/* Pending debug exceptions */
	BROKEN(long_state, "pending debug exceptions: a reserved bit is 1",
	       SET(pending_debug, 0x10)),
	BROKEN(long_state, "pending debug exceptions: a reserved bit is 1",
	       SET(pending_debug, 0x2000)),
	BROKEN(long_state, "pending debug exceptions: a reserved bit is 1",
	       SET(pending_debug, 0x20000)),
	BROKEN(long_state,
	       "pending debug exceptions: BS is 0 while the guest is single-stepped",
	       SET(rflags, 0x302), SET(interruptibility, 0x1)),
	BROKEN(long_state,
	       "pending debug exceptions: BS is 0 while the guest is single-stepped",
	       SET(rflags, 0x302), SET(interruptibility, 0x2)),
	BROKEN(long_state,
	       "pending debug exceptions: BS is 0 while the guest is single-stepped",
	       SET(rflags, 0x302), SET(activity, GUEST_ACTIVITY_HLT)),
	ALLOWED(long_state, "pending debug exceptions: single-stepped over STI",
		SET(rflags, 0x302), SET(interruptibility, 0x1),
		SET(pending_debug, 0x4000)),
	ALLOWED(long_state, "pending debug exceptions: TF steps over branches",
		SET(rflags, 0x302), SET(interruptibility, 0x1),
		SET(debugctl, 0x2)),
	BROKEN(long_state,
	       "pending debug exceptions: BS is 1 while the guest is not single-stepped",
	       SET(interruptibility, 0x1), SET(pending_debug, 0x4000)),
	BROKEN(long_state,
	       "pending debug exceptions: BS is 1 while the guest is not single-stepped",
	       SET(rflags, 0x302), SET(interruptibility, 0x1),
	       SET(debugctl, 0x2), SET(pending_debug, 0x4000)),
	ALLOWED(long_state, "pending debug exceptions: BS without blocking",
		SET(pending_debug, 0x4000)),
	BROKEN(long_state,
	       "pending debug exceptions: RTM with more than an enabled breakpoint",
	       SET(pending_debug, 0x11001)),
	BROKEN(long_state,
	       "pending debug exceptions: RTM with more than an enabled breakpoint",
	       SET(pending_debug, 0x10000)),
	BROKEN(long_state,
	       "pending debug exceptions: RTM with blocking by MOV SS",
	       SET(pending_debug, 0x11000), SET(interruptibility, 0x2)),
	ALLOWED(long_state, "pending debug exceptions: RTM",
		SET(pending_debug, 0x11000)),

	/* VMCS link pointer */
	BROKEN(long_state, "VMCS link pointer: not aligned", SET(link, 0x1008)),
	BROKEN(long_state,
	       "VMCS link pointer: a bit beyond the physical-address width is 1",
	       SET(link, BIT_ULL(39))),

	/* PDPTEs */
	BROKEN(protected_state, "PDPTE: a reserved bit is 1",
	       SET(pdpte[0], 0x2003)),
	BROKEN(protected_state, "PDPTE: a reserved bit is 1",
	       SET(pdpte[3], BIT_ULL(39) | 1)),
	ALLOWED(protected_state, "PDPTE: without EPT they are in memory",
		SET(pdpte[0], 0x2003), SET(ept, false)),
	ALLOWED(long_state, "PDPTE: not in IA-32e mode",
		SET(pdpte[0], 0x2003)),
	ALLOWED(protected_state, "PDPTE: not with other formats",
		SET(pdpte[0], 0x2003), SET(cr4, 0x2000)),

	/* The states themselves */
	ALLOWED(long_state, "64-bit mode"),
	ALLOWED(user_state, "64-bit mode, privilege level 3"),
	ALLOWED(protected_state, "protected mode"),
	ALLOWED(v8086_state, "virtual-8086 mode"),
	ALLOWED(real_state, "real mode"),
	ALLOWED(real_state, "real mode with segments of protected mode",
		SEG(DS, limit, 0xffffffff), SEG(DS, access, 0x8093)),
};

static void name_of(const struct rule *rule, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s%s",
		 rule->message ? "" : "allowed: ",
		 rule->message ?: rule->why);
}

KUNIT_ARRAY_PARAM(rule, rules, name_of);

static void rule_test(struct kunit *test)
{
	const struct rule *rule = test->param_value;
	STATE s = rule->state();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rule->change); i++)
		memcpy((void *)&s + rule->change[i].offset,
		       &rule->change[i].value, rule->change[i].size);
	KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s) ?: "",
			   rule->message ?: "");
}

/* Rules that are the same for ES to GS */
static void every_segment_test(struct kunit *test)
{
	static const char *const names[] = { "ES", "CS", "SS", "DS", "FS", "GS" };
	unsigned int i;

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++) {
		STATE s = v8086_state();
		char message[80];

		s.seg[i].access = 0x93;
		snprintf(message, sizeof(message),
			 "%s: the access rights are not 0xf3, in virtual-8086 mode",
			 names[i]);
		KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s) ?: "",
				   message);
		s.seg[i].limit = 0xfffff;
		snprintf(message, sizeof(message),
			 "%s: the limit is not 0xffff, in virtual-8086 mode",
			 names[i]);
		KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s) ?: "",
				   message);
		s.seg[i].base = 0x12350;
		snprintf(message, sizeof(message),
			 "%s: the base is not the selector's, in virtual-8086 mode",
			 names[i]);
		KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s) ?: "",
				   message);

		s = user_state();
		s.seg[i].access &= ~0x18;
		snprintf(message, sizeof(message), "%s: S is 0", names[i]);
		KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s) ?: "",
				   message);
	}
}

/* Of several broken rules the first in the manual's order is told. */
static void order_test(struct kunit *test)
{
	STATE s = long_state();

	s.pdpte[0] = 0x2003;
	s.activity = 4;
	s.rflags = 0;
	s.gdtr_limit = 0x10000;
	s.seg[AXV_X86_TR].selector = 4;
	s.cr3 = BIT_ULL(39);
	KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s),
			   "CR3: a bit beyond the physical-address width is 1");
	s.cr3 = 0;
	KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s),
			   "TR: the selector's TI flag is 1");
	s.seg[AXV_X86_TR].selector = 0;
	KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s),
			   "GDTR: the limit has more than 16 bits");
	s.gdtr_limit = 0;
	KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s),
			   "RFLAGS: bit 1 is 0");
	s.rflags = X86_EFLAGS_FIXED;
	KUNIT_EXPECT_STREQ(test, axv_vmx_check_guest_state(&s),
			   "activity state: not supported");
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(rule_test, rule_gen_params),
	KUNIT_CASE(every_segment_test),
	KUNIT_CASE(order_test),
	{}
};

static struct kunit_suite suite = {
	.name = "axvcpu-vmx-check",
	.test_cases = cases,
};

kunit_test_suite(suite);
