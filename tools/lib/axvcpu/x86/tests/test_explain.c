// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The rules for a guest state that the processor can enter, one case for each; and the
 * texts for exits and registers.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/fixture.h"
#include "x86/explain.h"

#define STATE	struct axv_vmx_state

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT_ULL(n)	(1ull << (n))

#define EFER_SCE	BIT_ULL(0)
#define EFER_LME	BIT_ULL(8)
#define FLAG_FIXED	BIT_ULL(1)
#define FLAG_IF		BIT_ULL(9)

#define NON_CANONICAL	0x0000800000000000ull

/* Injected events */
#define EXTINT		(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXTINT | 0x20)
#define NMI		(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_NMI | 2)
#define EXCEPTION(v)	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | (v))

static const struct axv_vmx_segment unusable = { .access = 0x10000 };

/* 64-bit mode at privilege level 0 */
static STATE long_state(void)
{
	STATE s = {
		.cr0 = 0x80050033,
		.cr3 = 0x1000,
		.cr4 = 0x2020,
		.dr7 = 0x400,
		.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE,
		.pat = 0x0007040600070406,
		.gdtr_base = 0xfffffe0000001000,
		.gdtr_limit = 0x7f,
		.idtr_base = 0xfffffe0000000000,
		.idtr_limit = 0xfff,
		.sysenter_esp = 0xfffffe0000003000,
		.sysenter_eip = 0xffffffff81000000,
		.rip = 0xffffffff81001000,
		.rflags = FLAG_FIXED | FLAG_IF,
		.phys_bits = 39,
		.linear_bits = 48,
	};

	s.seg[AXV_X86_CS] = (struct axv_vmx_segment) {
		.selector = 0x10, .limit = 0xffffffff, .access = 0xa09b,
	};
	s.seg[AXV_X86_SS] = (struct axv_vmx_segment) {
		.selector = 0x18, .limit = 0xffffffff, .access = 0xc093,
	};
	s.seg[AXV_X86_DS] = s.seg[AXV_X86_SS];
	s.seg[AXV_X86_ES] = unusable;
	s.seg[AXV_X86_FS] = unusable;
	s.seg[AXV_X86_GS] = unusable;
	s.seg[AXV_X86_GS].base = 0xffff888000000000;
	s.seg[AXV_X86_TR] = (struct axv_vmx_segment) {
		.selector = 0x40, .base = 0xfffffe0000003000, .limit = 0x206f,
		.access = 0x8b,
	};
	s.seg[AXV_X86_LDTR] = (struct axv_vmx_segment) {
		.selector = 0x50, .base = 0xffff888000001000, .limit = 0xffff,
		.access = 0x82,
	};
	return s;
}

/* Protected mode with PAE paging */
static STATE protected_state(void)
{
	STATE s = long_state();

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

	s.efer = 0;
	s.rip = 0xfff0;
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s.seg[i] = (struct axv_vmx_segment) {
			.selector = 0x1234, .base = 0x12340, .limit = 0xffff,
			.access = 0xf3,
		};
	return s;
}

/* Virtual-8086 mode */
static STATE v8086_state(void)
{
	STATE s = segments_of_8086(long_state());

	s.rflags |= FLAG_VM;
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
 * @offset:	offset of the field
 * @size:	bytes of the field; 0: no further change
 * @value:	its new value
 */
struct change {
	__u16 offset;
	__u16 size;
	__u64 value;
};

#define SET(field, value)	{ offsetof(STATE, field), sizeof(((STATE *)0)->field), value }
#define SEG(name, field, value)	SET(seg[AXV_X86_##name].field, value)

/**
 * struct rule - one rule and a state that breaks it
 * @state:	makes a state that keeps all rules
 * @change:	changes of that state
 * @message:	the expected answer; NULL: the state is allowed
 * @why:	name of the test, if the state is allowed
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
	BROKEN(real_state, "CR0: PG without PE", SET(cr0, 0x80000030)),
	BROKEN(long_state, "CR4: CET without CR0.WP",
	       SET(cr4, 0x802020), SET(cr0, 0x80040033)),
	ALLOWED(long_state, "CR4: CET with CR0.WP", SET(cr4, 0x802020)),
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
	BROKEN(real_state,
	       "SS: the DPL is not 0, in real mode or with data in CS",
	       SEG(SS, access, 0xf3)),
	BROKEN(protected_state,
	       "SS: the DPL is not 0, in real mode or with data in CS",
	       SEG(CS, access, 0xc093), SEG(SS, access, 0xc0f3)),
	BROKEN(real_state,
	       "SS: the DPL is not 0, in real mode or with data in CS",
	       SEG(SS, access, 0x10060)),
	BROKEN(user_state, "CS: P is 0", SEG(CS, access, 0xa07b)),
	BROKEN(user_state, "SS: P is 0", SEG(SS, access, 0xc073)),
	BROKEN(user_state, "DS: P is 0", SEG(DS, access, 0xc073)),
	BROKEN(user_state, "ES: P is 0", SEG(ES, access, 0xc073)),
	BROKEN(user_state, "FS: P is 0", SEG(FS, access, 0xc073)),
	BROKEN(user_state, "GS: P is 0", SEG(GS, access, 0xc073)),
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
	BROKEN(long_state, "TR: G does not go with the limit",
	       SEG(TR, access, 0x808b)),
	BROKEN(long_state, "LDTR: the type is not that of an LDT",
	       SEG(LDTR, access, 0x83)),
	BROKEN(long_state, "LDTR: S is 1", SEG(LDTR, access, 0x92)),
	BROKEN(long_state, "LDTR: P is 0", SEG(LDTR, access, 0x02)),
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
	BROKEN(v8086_state, "RFLAGS: VM is 1 in real mode", SET(cr0, 0x30)),
	BROKEN(long_state,
	       "RFLAGS: IF is 0 while an external interrupt is injected",
	       SET(rflags, 0x2), SET(event, EXTINT)),
	ALLOWED(long_state, "RFLAGS: an external interrupt with IF",
		SET(event, EXTINT)),
	ALLOWED(long_state, "RFLAGS: an NMI without IF",
		SET(rflags, 0x2), SET(event, NMI)),
	ALLOWED(long_state, "RFLAGS: an event that is not valid",
		SET(rflags, 0x2), SET(event, EXTINT & ~AXV_X86_EVENT_VALID)),

	/* Interruptibility state */
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
	       "interruptibility state: blocking by NMI while a virtual NMI is injected",
	       SET(interruptibility, 0x8), SET(event, NMI)),
	ALLOWED(long_state, "interruptibility state: an exception after STI",
		SET(interruptibility, 0x1),
		SET(event, EXCEPTION(14))),

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
	ALLOWED(long_state, "pending debug exceptions: single-stepped over STI",
		SET(rflags, 0x302), SET(interruptibility, 0x1),
		SET(pending_debug, 0x4000)),
	BROKEN(long_state,
	       "pending debug exceptions: BS is 1 while the guest is not single-stepped",
	       SET(interruptibility, 0x1), SET(pending_debug, 0x4000)),
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

	/* PDPTEs */
	BROKEN(protected_state, "PDPTE: a reserved bit is 1",
	       SET(pdpte[0], 0x2003)),
	BROKEN(protected_state, "PDPTE: a reserved bit is 1",
	       SET(pdpte[3], BIT_ULL(39) | 1)),
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

static bool is_rule(const STATE *s, const char *message)
{
	const char *rule = axv_vmx_broken_rule(s);

	if (!rule || !message)
		return rule == message;
	if (strcmp(rule, message))
		tap_note("%s", rule);
	return !strcmp(rule, message);
}

static void test_rules(void)
{
	unsigned int i;
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(rules); n++) {
		const struct rule *rule = &rules[n];
		STATE s = rule->state();

		for (i = 0; i < ARRAY_SIZE(rule->change); i++)
			memcpy((char *)&s + rule->change[i].offset,
			       &rule->change[i].value, rule->change[i].size);
		tap(is_rule(&s, rule->message), "%s%s", rule->message ? "" : "allowed: ",
		    rule->message ? rule->message : rule->why);
	}
}

/* Rules that are the same for ES to GS */
static void test_every_segment(void)
{
	static const char *const names[] = { "ES", "CS", "SS", "DS", "FS", "GS" };
	char message[80];
	unsigned int i;
	bool good;

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++) {
		STATE s = v8086_state();

		s.seg[i].access = 0x93;
		snprintf(message, sizeof(message),
			 "%s: the access rights are not 0xf3, in virtual-8086 mode", names[i]);
		good = is_rule(&s, message);
		s.seg[i].limit = 0xfffff;
		snprintf(message, sizeof(message),
			 "%s: the limit is not 0xffff, in virtual-8086 mode", names[i]);
		good &= is_rule(&s, message);
		s.seg[i].base = 0x12350;
		snprintf(message, sizeof(message),
			 "%s: the base is not the selector's, in virtual-8086 mode", names[i]);
		good &= is_rule(&s, message);

		s = user_state();
		s.seg[i].access &= ~0x18u;
		snprintf(message, sizeof(message), "%s: S is 0", names[i]);
		good &= is_rule(&s, message);
		tap(good, "the rules of %s", names[i]);
	}
}

/* Of several broken rules the first in the manual's order is told. */
static void test_order(void)
{
	STATE s = protected_state();
	bool good;

	s.pdpte[0] = 0x2003;
	s.pending_debug = 0x10;
	s.rflags = 0;
	s.gdtr_limit = 0x10000;
	s.seg[AXV_X86_TR].selector = 4;
	s.cr3 = BIT_ULL(39);
	good = is_rule(&s, "CR3: a bit beyond the physical-address width is 1");
	s.cr3 = 0;
	good &= is_rule(&s, "TR: the selector's TI flag is 1");
	s.seg[AXV_X86_TR].selector = 0;
	good &= is_rule(&s, "GDTR: the limit has more than 16 bits");
	s.gdtr_limit = 0;
	good &= is_rule(&s, "RFLAGS: bit 1 is 0");
	s.rflags = FLAG_FIXED;
	good &= is_rule(&s, "pending debug exceptions: a reserved bit is 1");
	s.pending_debug = 0;
	good &= is_rule(&s, "PDPTE: a reserved bit is 1");
	tap(good, "the first rule in the manual's order");
}

static void test_svm(void)
{
	static const struct axv_x86_sregs good = {
		.cr0 = 0x80050033, .cr4 = 0x20, .efer = EFER_LME | EFER_LMA,
		.seg[AXV_X86_CS].attr = 0xa9b,
	};
	struct axv_x86_sregs s = good;

	tap(!axv_svm_broken_rule(&s, EXCEPTION(14), 48), "SVM: a state that is entered");
	s.cr0 |= BIT_ULL(29);
	tap(!strcmp(axv_svm_broken_rule(&s, 0, 48), "CR0: NW without CD"), "SVM: NW");
	s.cr0 |= BIT_ULL(30);
	tap(!axv_svm_broken_rule(&s, 0, 48), "SVM: NW with CD");
	s = good;
	s.cr3 = BIT_ULL(48);
	tap(!strncmp(axv_svm_broken_rule(&s, 0, 48), "CR3:", 4) &&
	    !axv_svm_broken_rule(&s, 0, 52), "SVM: CR3");
	s = good;
	s.cr4 = 0;
	tap(!strcmp(axv_svm_broken_rule(&s, 0, 48), "EFER: LME with CR0.PG and without CR4.PAE"),
	    "SVM: long mode without PAE");
	s = good;
	s.cr0 &= ~1ull;
	tap(!strcmp(axv_svm_broken_rule(&s, 0, 48), "EFER: LME with CR0.PG and without CR0.PE"),
	    "SVM: long mode without PE");
	s = good;
	s.seg[AXV_X86_CS].attr |= AXV_X86_ATTR_DB;
	tap(!strcmp(axv_svm_broken_rule(&s, 0, 48), "CS: L and D are 1, in long mode"),
	    "SVM: L and D");
	tap(!strncmp(axv_svm_broken_rule(&good, EXCEPTION(21), 48), "EVENTINJ:", 9),
	    "SVM: an exception that few processors have");
}

/* Explain an exit of the stand-in. */
static const char *explain(__u64 backend, __u64 reason, __u64 qualification)
{
	static char text[160];

	kernel.backend = backend;
	run->exit_reason = AXV_EXIT_FAIL_ENTRY;
	run->exit.fail_entry = (struct axv_exit_fail_entry) {
		.hardware_reason = reason, .qualification = qualification, .cpu = 3,
	};
	return axv_vcpu_explain(vcpu, text, sizeof(text)) ? axv_error() : text;
}

static bool tells(const char *text, const char *part)
{
	if (strstr(text, part))
		return true;
	tap_note("%s", text);
	return false;
}

#define INVALID_STATE	(BIT_ULL(31) | 33)

static void test_explain(void)
{
	char text[160];

	kernel_reset();
	kernel_set(AXV_REG_X86(MSR, 0x277), 0x0007040600070406);
	tap(tells(explain(AXV_BACKEND_VMX, INVALID_STATE, 0), "CS: the type"),
	    "VMX: a state that is refused");
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_CS, AXV_X86_SEG_ATTR)), 0x9b);
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_SS, AXV_X86_SEG_ATTR)), 0x93);
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_TR, AXV_X86_SEG_ATTR)), 0x8b);
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_LDTR, AXV_X86_SEG_ATTR)), 0x83);
	kernel_set(AXV_REG_X86(GPR, AXV_X86_RFLAGS), FLAG_FIXED);
	tap(tells(explain(AXV_BACKEND_VMX, INVALID_STATE, 0),
		  "LDTR: the type is not that of an LDT"), "VMX: an LDT with another type");
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_LDTR, AXV_X86_SEG_ATTR)), 2);
	tap(tells(explain(AXV_BACKEND_VMX, INVALID_STATE, 0), "no rule that is known"),
	    "VMX: rules of an LDT do not apply if it is unusable");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), EXTINT);
	tap(tells(explain(AXV_BACKEND_VMX, INVALID_STATE, 0), "RFLAGS: IF is 0"),
	    "VMX: rules of an injected event");
	kernel_set(AXV_REG_X86(GPR, AXV_X86_RFLAGS), FLAG_FIXED | FLAG_IF);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), AXV_X86_SHADOW_MOV_SS);
	tap(tells(explain(AXV_BACKEND_VMX, INVALID_STATE, 0), "blocking while an external"),
	    "VMX: rules of the interrupt shadow");
	tap(tells(explain(AXV_BACKEND_VMX, INVALID_STATE, 2), "PDPTEs"),
	    "VMX: a rule by the exit qualification");
	tap(tells(explain(AXV_BACKEND_VMX, BIT_ULL(31) | 34, 5), "entry 5"), "VMX: an MSR");
	tap(tells(explain(AXV_BACKEND_VMX, BIT_ULL(31) | 41, 0), "machine check"),
	    "VMX: a machine check");
	tap(tells(explain(AXV_BACKEND_VMX, BIT_ULL(32) | 7, 0),
		  "error 7: an invalid control field"), "VMX: a VM-instruction error");
	tap(tells(explain(AXV_BACKEND_VMX, BIT_ULL(32) | 99, 0), "error 99"),
	    "VMX: an error without a name");
	tap(tells(explain(AXV_BACKEND_VMX, 52, 0), "exit reason 0x34"), "VMX: another exit");
	kernel_set(AXV_REG_X86(CR, 0), BIT_ULL(29));
	tap(tells(explain(AXV_BACKEND_SVM, ~0ull, 0), "CR0: NW without CD"),
	    "SVM: a state that is refused");
	tap(tells(explain(AXV_BACKEND_SVM, 0x61, 0), "exit code 0x61"), "SVM: another exit");

	run->exit.fail_entry.cause = AXV_FAIL_OFF;
	tap(!axv_vcpu_explain(vcpu, text, sizeof(text)) && tells(text, "off on host CPU 3"),
	    "virtualization is off");
	run->exit_reason = AXV_EXIT_HALT;
	tap(axv_vcpu_explain(vcpu, text, sizeof(text)) == -EINVAL && error_has("Halt"),
	    "an exit that is no failed entry");
}

int main(void)
{
	test_rules();
	test_every_segment();
	test_order();
	test_svm();
	if (fixture_open()) {
		test_explain();
		fixture_close();
	}
	return tap_done();
}
