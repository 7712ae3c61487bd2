// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Task switches: what is saved and loaded, what refuses them, and in which task a fault
 * is raised.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib.h"
#include "tests/tap.h"
#include "world.h"

#define VECTOR_NMI	2
#define VECTOR_BP	3
#define VECTOR_TS	10
#define VECTOR_NP	11

#define FLAG_FIXED	(1ull << 1)
#define FLAG_IF		(1ull << 9)
#define FLAG_NT		(1ull << 14)

#define SELECTOR_INDEX	0xfff8
#define ACCESS_BYTE	5

#define GDT		0x1000ull
#define OLD_TSS		0x2000ull
#define NEW_TSS		0x3000ull
#define LDT		0x6000ull
#define STACK		0x8000ull	/* of the new task, grows down */

/* Selectors */
#define CODE0		0x08
#define DATA0		0x10
#define CODE3		(0x18 | 3)
#define DATA3		(0x20 | 3)
#define OLD		0x28
#define NEW		0x30
#define LDT_SELECTOR	0x38
#define CONFORMING	0x40
#define ABSENT_CODE	0x48
#define ABSENT_DATA	0x50
#define READ_ONLY	0x58
#define EXEC_ONLY	0x60
#define FRESH		0x68		/* data, not accessed yet */
#define SMALL_CODE	0x70		/* 0x100 bytes of it */
#define STACK16		0x78		/* a stack with a 16-bit pointer */
#define SMALL_STACK	0x80		/* 0x100 bytes of it, 16-bit */
#define ABSENT_LDT	0x88
#define CONFORMING3	(0x90 | 3)
#define GDT_LIMIT	0x97
#define IN_LDT		(0x08 | 4)	/* data, in the new task's LDT */
#define LDT_LIMIT	0x0f

#define CALL		AXV_X86_TASK_CALL
#define IRET		AXV_X86_TASK_IRET
#define JMP		AXV_X86_TASK_JMP
#define GATE		AXV_X86_TASK_GATE

#define EVENT(type, vector)	\
	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_##type | (vector))
#define WITH_ERROR(error)	\
	(AXV_X86_EVENT_ERROR_VALID | (__u64)(error) << AXV_X86_EVENT_ERROR_SHIFT)

#define OLD_IP		0x401000u
#define NEW_IP		0x1234u

/* Each test is one line; the failed checks of a test are reported before it. */
static bool good;

#define EXPECT(condition) do {						\
	if (!(condition)) {						\
		good = false;						\
		tap_note("line %d: %s", __LINE__, #condition);		\
	}								\
} while (0)

static struct axv_emul e;
static struct axv_task task;

static void set_descriptor(__u64 table, __u16 selector, __u32 base, __u32 limit, __u16 attr)
{
	__u64 raw = (limit & 0xffff) | (__u64)(base & 0xffffff) << 16 |
		    (__u64)(attr & 0xff) << 40 | (__u64)(limit & 0xf0000) << 32 |
		    (__u64)(attr & 0xf00) << 44 | (__u64)(base >> 24) << 56;

	world_poke(table + (selector & SELECTOR_INDEX), raw, 8);
}

static __u8 access_byte(__u16 selector)
{
	return world_peek(GDT + (selector & SELECTOR_INDEX) + ACCESS_BYTE, 1);
}

static void fill_gdt(void)
{
	set_descriptor(GDT, CODE0, 0, 0xfffff, 0xc9b);
	set_descriptor(GDT, DATA0, 0, 0xfffff, 0xc93);
	set_descriptor(GDT, CODE3, 0, 0xfffff, 0xcfb);
	set_descriptor(GDT, DATA3, 0, 0xfffff, 0xcf3);
	set_descriptor(GDT, LDT_SELECTOR, LDT, LDT_LIMIT, 0x082);
	set_descriptor(GDT, CONFORMING, 0, 0xfffff, 0xc9f);
	set_descriptor(GDT, ABSENT_CODE, 0, 0xfffff, 0xc1b);
	set_descriptor(GDT, ABSENT_DATA, 0, 0xfffff, 0xc13);
	set_descriptor(GDT, READ_ONLY, 0, 0xfffff, 0xc91);
	set_descriptor(GDT, EXEC_ONLY, 0, 0xfffff, 0xc99);
	set_descriptor(GDT, FRESH, 0x12345678, 0xfffff, 0xc92);
	set_descriptor(GDT, SMALL_CODE, 0, 0xff, 0x49b);
	set_descriptor(GDT, STACK16, 0, 0xffff, 0x093);
	set_descriptor(GDT, SMALL_STACK, 0, 0xff, 0x093);
	set_descriptor(GDT, ABSENT_LDT, LDT, LDT_LIMIT, 0x002);
	set_descriptor(GDT, CONFORMING3, 0, 0xfffff, 0xcff);
	set_descriptor(LDT, IN_LDT, 0x1000, 0xfff, 0x493);
}

/* Set a register of the new TSS, at its offset in the format that TSS has. */
static void set_new(unsigned int at16, unsigned int at32, __u32 value, unsigned int size)
{
	bool wide = access_byte(NEW) & 8;

	if (wide || at16)
		world_poke(NEW_TSS + (wide ? at32 : at16), value, wide ? size : 2);
}

static void set_new_selector(unsigned int seg, __u16 selector)
{
	bool wide = access_byte(NEW) & 8;

	world_poke(NEW_TSS + (wide ? 0x48 + 4 * seg : 0x22 + 2 * seg), selector, 2);
}

static void fill_new_tss(void)
{
	unsigned int i;

	set_new(0, 0x1c, 0x7000, 4);
	set_new(0x0e, 0x20, NEW_IP, 4);
	set_new(0x10, 0x24, FLAG_CF | 0x8, 4);
	for (i = 0; i < 8; i++)
		set_new(0x12 + 2 * i, 0x28 + 4 * i, 0xa0b0c000 + i, 4);
	set_new(0x1a, 0x38, STACK, 4);
	set_new_selector(AXV_X86_ES, IN_LDT);
	set_new_selector(AXV_X86_CS, CODE0);
	set_new_selector(AXV_X86_SS, DATA0);
	set_new_selector(AXV_X86_DS, FRESH);
	if (access_byte(NEW) & 8) {
		set_new_selector(AXV_X86_FS, DATA3);
		set_new_selector(AXV_X86_GS, 0);
	}
	set_new(0x2a, 0x60, LDT_SELECTOR, 2);
}

/*
 * Make an old task at privilege level 3 that has all registers in use, and a new one to
 * switch to.
 */
static void new_guest(bool old32, bool new32, __u8 source)
{
	unsigned int i;

	world_init(&e, WORLD_PROT32);
	good = true;
	fill_gdt();
	set_descriptor(GDT, OLD, OLD_TSS, 0x67, old32 ? 0x08b : 0x083);
	set_descriptor(GDT, NEW, NEW_TSS, 0x67,
		       (new32 ? 0x089 : 0x081) | (source == IRET) << 1);
	fill_new_tss();
	memset(world_ram + OLD_TSS, 0x55, 0x68);

	e.sregs.gdtr.base = GDT;
	e.sregs.gdtr.limit = GDT_LIMIT;
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		e.sregs.seg[i].selector = i == AXV_X86_CS ? CODE3 : DATA3;
	world_set_cpl(&e, 3);
	e.sregs.seg[AXV_X86_TR] = (struct axv_x86_segment) {
		.base = OLD_TSS, .limit = 0x67, .selector = OLD,
		.attr = old32 ? 0x08b : 0x083,
	};
	for (i = 0; i < 8; i++)
		e.gprs.gpr[i] = 0x01020300 + i;
	e.gprs.gpr[AXV_X86_R8] = 0x8888;
	e.gprs.rip = OLD_IP;
	e.gprs.rflags = FLAG_FIXED | FLAG_ZF | FLAG_IF | FLAG_NT;
}

static int switch_to(__u16 selector, __u8 source, __u64 event, unsigned int length)
{
	task = (struct axv_task) {
		.event = source == GATE ? event : 0,
		.selector = selector,
		.source = source,
		.length = length,
	};
	memset(&e.exception, 0, sizeof(e.exception));
	return axv_emul_task(&e, &task);
}

static int task_switch(__u8 source)
{
	return switch_to(NEW, source, EVENT(EXTINT, 0x20), source == GATE ? 0 : 7);
}

static void expect_saved32(__u32 ip, __u32 flags)
{
	unsigned int i;

	/* What is before and after the saved registers is not changed. */
	for (i = 0; i < 0x20; i += 4)
		EXPECT(world_peek(OLD_TSS + i, 4) == 0x55555555);
	EXPECT(world_peek(OLD_TSS + 0x20, 4) == ip);
	EXPECT(world_peek(OLD_TSS + 0x24, 4) == flags);
	for (i = 0; i < 8; i++)
		EXPECT(world_peek(OLD_TSS + 0x28 + 4 * i, 4) == 0x01020300 + i);
	for (i = 0; i < 6; i++)
		EXPECT(world_peek(OLD_TSS + 0x48 + 4 * i, 4) ==
		       (0x55550000u | (i == AXV_X86_CS ? CODE3 : DATA3)));
	EXPECT(world_peek(OLD_TSS + 0x60, 4) == 0x55555555);
	EXPECT(world_peek(OLD_TSS + 0x64, 4) == 0x55555555);
}

static void expect_saved16(__u16 ip, __u16 flags)
{
	unsigned int i;

	for (i = 0; i < 0x0e; i += 2)
		EXPECT(world_peek(OLD_TSS + i, 2) == 0x5555);
	EXPECT(world_peek(OLD_TSS + 0x0e, 2) == ip);
	EXPECT(world_peek(OLD_TSS + 0x10, 2) == flags);
	for (i = 0; i < 8; i++)
		EXPECT(world_peek(OLD_TSS + 0x12 + 2 * i, 2) == 0x0300 + i);
	for (i = 0; i < 4; i++)
		EXPECT(world_peek(OLD_TSS + 0x22 + 2 * i, 2) ==
		       (i == AXV_X86_CS ? CODE3 : DATA3));
	EXPECT(world_peek(OLD_TSS + 0x2a, 2) == 0x5555);
}

static bool segment_is(unsigned int seg, __u16 selector, __u64 base, __u32 limit, __u16 attr)
{
	const struct axv_x86_segment *s = &e.sregs.seg[seg];

	return s->selector == selector && s->base == base && s->limit == limit &&
	       s->attr == attr;
}

static void expect_new(bool wide, __u64 flags)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		if (i != AXV_X86_RSP)
			EXPECT(e.gprs.gpr[i] == (wide ? 0xa0b0c000 : 0xc000) + i);
	}
	EXPECT(e.gprs.gpr[AXV_X86_R8] == 0x8888);
	EXPECT(e.gprs.rip == NEW_IP);
	EXPECT(e.gprs.rflags == flags);
	EXPECT(segment_is(AXV_X86_CS, CODE0, 0, ~0u, 0xc9b));
	EXPECT(segment_is(AXV_X86_SS, DATA0, 0, ~0u, 0xc93));
	EXPECT(segment_is(AXV_X86_DS, FRESH, 0x12345678, ~0u, 0xc93));
	EXPECT(segment_is(AXV_X86_ES, IN_LDT, 0x1000, 0xfff, 0x493));
	if (wide)
		EXPECT(segment_is(AXV_X86_FS, DATA3, 0, ~0u, 0xcf3));
	else
		EXPECT(segment_is(AXV_X86_FS, 0, 0, 0, 0));
	EXPECT(segment_is(AXV_X86_GS, 0, 0, 0, 0));
	EXPECT(segment_is(AXV_X86_LDTR, LDT_SELECTOR, LDT, LDT_LIMIT, 0x082));
	EXPECT(segment_is(AXV_X86_TR, NEW, NEW_TSS, 0x67, wide ? 0x08b : 0x083));
	EXPECT(access_byte(FRESH) == 0x93);
	EXPECT(e.sregs.cr0 & CR0_TS);
	EXPECT(task.entered && !e.trap);
}

#define NEW_FLAGS	(FLAG_FIXED | FLAG_CF)
#define OLD_FLAGS	(FLAG_FIXED | FLAG_ZF | FLAG_IF)

static void test_call(void)
{
	new_guest(true, true, CALL);
	EXPECT(!task_switch(CALL));
	expect_saved32(OLD_IP + 7, OLD_FLAGS | FLAG_NT);
	expect_new(true, NEW_FLAGS | FLAG_NT);
	EXPECT(access_byte(OLD) == 0x8b);
	EXPECT(access_byte(NEW) == 0x8b);
	EXPECT(world_peek(NEW_TSS, 2) == OLD);
	/* Without paging there is nothing to load. */
	EXPECT(e.sregs.cr3 == 0);
	tap(good, "CALL");
}

static void test_jmp(void)
{
	new_guest(true, true, JMP);
	EXPECT(!task_switch(JMP));
	expect_saved32(OLD_IP + 7, OLD_FLAGS | FLAG_NT);
	expect_new(true, NEW_FLAGS);
	EXPECT(access_byte(OLD) == 0x89);
	EXPECT(access_byte(NEW) == 0x8b);
	EXPECT(world_peek(NEW_TSS, 2) == 0);
	tap(good, "JMP");
}

static void test_iret(void)
{
	new_guest(true, true, IRET);
	EXPECT(!task_switch(IRET));
	expect_saved32(OLD_IP + 7, OLD_FLAGS);
	expect_new(true, NEW_FLAGS);
	EXPECT(access_byte(OLD) == 0x89);
	EXPECT(access_byte(NEW) == 0x8b);
	EXPECT(world_peek(NEW_TSS, 2) == 0);
	tap(good, "IRET");

	/* A task that returns to itself finds what it just saved. */
	new_guest(true, true, IRET);
	e.sregs.seg[AXV_X86_TR].base = NEW_TSS;
	e.sregs.seg[AXV_X86_TR].selector = NEW;
	EXPECT(!task_switch(IRET));
	EXPECT(e.gprs.rip == OLD_IP + 7);
	EXPECT(e.gprs.gpr[AXV_X86_RBX] == 0x01020303);
	EXPECT(e.gprs.rflags == OLD_FLAGS);
	EXPECT(axv_emul_cpl(&e) == 3);
	tap(good, "IRET to the same task");
}

static void test_16_bits(void)
{
	new_guest(true, false, CALL);
	EXPECT(!task_switch(CALL));
	expect_saved32(OLD_IP + 7, OLD_FLAGS | FLAG_NT);
	/* A 16-bit TSS has no flags above bit 15. */
	expect_new(false, NEW_FLAGS | FLAG_NT);
	EXPECT(access_byte(NEW) == 0x83);
	EXPECT(world_peek(NEW_TSS, 2) == OLD);
	tap(good, "to a TSS of 16 bits");

	new_guest(false, true, JMP);
	EXPECT(!task_switch(JMP));
	expect_saved16((__u16)(OLD_IP + 7), OLD_FLAGS | FLAG_NT);
	expect_new(true, NEW_FLAGS);
	EXPECT(access_byte(OLD) == 0x81);
	EXPECT(access_byte(NEW) == 0x8b);
	tap(good, "from a TSS of 16 bits");
}

static void test_events(void)
{
	new_guest(true, true, GATE);
	EXPECT(!task_switch(GATE));
	/* An interrupt comes between two instructions, so RIP needs no length. */
	expect_saved32(OLD_IP, OLD_FLAGS | FLAG_NT);
	expect_new(true, NEW_FLAGS | FLAG_NT);
	EXPECT(access_byte(OLD) == 0x8b);
	EXPECT(world_peek(NEW_TSS, 2) == OLD);
	EXPECT(e.gprs.gpr[AXV_X86_RSP] == STACK);
	tap(good, "an interrupt");

	new_guest(true, true, GATE);
	EXPECT(!switch_to(NEW, GATE, EVENT(SOFT, 0x80), 2));
	expect_saved32(OLD_IP + 2, OLD_FLAGS | FLAG_NT);
	EXPECT(e.gprs.gpr[AXV_X86_RSP] == STACK);
	tap(good, "INT n");
}

/* The error code is as wide as the TSS, the stack pointer as its segment. */
static void test_error_code(void)
{
	static const struct {
		bool wide;
		__u16 ss;
		__u32 esp;
		__u32 esp_after;
		__u64 where;
	} stacks[] = {
		{ true, DATA0, STACK, STACK - 4, STACK - 4 },
		{ false, DATA0, STACK, STACK - 2, STACK - 2 },
		{ true, STACK16, 0x10008000, 0x10007ffc, 0x7ffc },
		{ true, STACK16, 0x10000000, 0x1000fffc, 0xfffc },
		{ false, STACK16, 0x8000, 0x7ffe, 0x7ffe },
	};
	unsigned int i;

	for (i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		new_guest(true, stacks[i].wide, GATE);
		set_new(0x1a, 0x38, stacks[i].esp, 4);
		set_new_selector(AXV_X86_SS, stacks[i].ss);
		world_poke(stacks[i].where, 0xeeeeeeee, 4);
		EXPECT(!switch_to(NEW, GATE, EVENT(EXCEPTION, VECTOR_GP) |
				  WITH_ERROR(0x12345678), 0));
		EXPECT(e.gprs.gpr[AXV_X86_RSP] == stacks[i].esp_after);
		EXPECT(world_peek(stacks[i].where, 4) ==
		       (stacks[i].wide ? 0x12345678 : 0xeeee5678));
		tap(good, "error code on stack %u", i);
	}
}

static void test_virtual_8086(void)
{
	unsigned int i;

	new_guest(true, true, IRET);
	set_new(0, 0x24, FLAG_VM | FLAG_IF, 4);
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		set_new_selector(i, 0x1110 + i);
	EXPECT(!task_switch(IRET));
	EXPECT(e.gprs.rflags == (FLAG_FIXED | FLAG_VM | FLAG_IF));
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		EXPECT(segment_is(i, 0x1110 + i, 0x11100 + 16 * i, 0xffff, 0xf3));
	EXPECT(axv_emul_cpl(&e) == 3);
	EXPECT(segment_is(AXV_X86_LDTR, LDT_SELECTOR, LDT, LDT_LIMIT, 0x082));
	tap(good, "virtual-8086 mode");
}

static void test_trap_flag(void)
{
	new_guest(true, true, CALL);
	world_poke(NEW_TSS + 0x64, 1, 1);
	EXPECT(!task_switch(CALL));
	EXPECT(e.trap);
	EXPECT(e.gprs.rip == NEW_IP);
	tap(good, "T in a TSS");

	new_guest(true, false, CALL);
	world_poke(NEW_TSS + 0x64, 1, 1);
	EXPECT(!task_switch(CALL));
	EXPECT(!e.trap);
	tap(good, "a TSS of 16 bits has no T");
}

/**
 * struct refusal - a task switch that raises an exception
 * @what:	name of the test
 * @source:	source of the switch
 * @event:	event, with GATE
 * @at:		address of memory that is changed before
 * @value:	value that is written there
 * @size:	bytes that are written; 0: none
 * @vector:	vector of the exception
 * @error:	its error code
 */
struct refusal {
	const char *what;
	__u8 source;
	__u64 event;
	__u64 at;
	__u64 value;
	unsigned int size;
	__u8 vector;
	__u32 error;
};

#define NEW_ACCESS	(GDT + NEW + 5)
#define NEW_LIMIT	(GDT + NEW)
#define NEW_SEG(seg)	(NEW_TSS + 0x48 + 4 * AXV_X86_##seg)
#define NEW_LDT		(NEW_TSS + 0x60)

/* Exceptions in the old task, which is unchanged */
static const struct refusal before[] = {
	{ "busy", CALL, 0, NEW_ACCESS, 0x8b, 1, VECTOR_GP, NEW },
	{ "busy", JMP, 0, NEW_ACCESS, 0x8b, 1, VECTOR_GP, NEW },
	{ "busy", GATE, EVENT(EXTINT, 0x20), NEW_ACCESS, 0x8b, 1, VECTOR_GP,
	  NEW | 1 },
	{ "busy", GATE, EVENT(SOFT, 0x80), NEW_ACCESS, 0x8b, 1, VECTOR_GP,
	  NEW },
	{ "busy", GATE, EVENT(EXCEPTION, VECTOR_BP), NEW_ACCESS, 0x8b, 1,
	  VECTOR_GP, NEW },
	{ "busy", GATE, EVENT(EXCEPTION, VECTOR_UD), NEW_ACCESS, 0x8b, 1,
	  VECTOR_GP, NEW | 1 },
	{ "not busy", IRET, 0, NEW_ACCESS, 0x89, 1, VECTOR_TS, NEW },
	{ "no TSS", CALL, 0, NEW_ACCESS, 0x82, 1, VECTOR_GP, NEW },
	{ "no TSS", IRET, 0, NEW_ACCESS, 0x9b, 1, VECTOR_TS, NEW },
	{ "absent", JMP, 0, NEW_ACCESS, 0x09, 1, VECTOR_NP, NEW },
	{ "absent", IRET, 0, NEW_ACCESS, 0x0b, 1, VECTOR_NP, NEW },
	{ "short", CALL, 0, NEW_LIMIT, 0x66, 2, VECTOR_TS, NEW },
	{ "short", IRET, 0, NEW_LIMIT, 0x66, 2, VECTOR_TS, NEW },
	{ "short", GATE, EVENT(NMI, 2), NEW_LIMIT, 0x66, 2, VECTOR_TS,
	  NEW | 1 },
};

/* Exceptions in the new task */
static const struct refusal after[] = {
	{ "LDT in itself", CALL, 0, NEW_LDT, 0xc, 2, VECTOR_TS, 0xc },
	{ "LDT beyond", CALL, 0, NEW_LDT, 0x98, 2, VECTOR_TS, 0x98 },
	{ "LDT is none", CALL, 0, NEW_LDT, DATA0, 2, VECTOR_TS, DATA0 },
	{ "LDT absent", CALL, 0, NEW_LDT, ABSENT_LDT, 2, VECTOR_TS,
	  ABSENT_LDT },
	{ "LDT is none", GATE, EVENT(EXTINT, 0x20), NEW_LDT, DATA0, 2,
	  VECTOR_TS, DATA0 | 1 },
	{ "CS null", CALL, 0, NEW_SEG(CS), 0, 2, VECTOR_TS, 0 },
	{ "CS beyond", CALL, 0, NEW_SEG(CS), 0x98, 2, VECTOR_TS, 0x98 },
	{ "CS beyond the LDT", CALL, 0, NEW_SEG(CS), 0x14, 2, VECTOR_TS,
	  0x14 },
	{ "CS is data", CALL, 0, NEW_SEG(CS), DATA0, 2, VECTOR_TS, DATA0 },
	{ "CS is a TSS", CALL, 0, NEW_SEG(CS), OLD, 2, VECTOR_TS, OLD },
	{ "CS of another level", CALL, 0, NEW_SEG(CS), CODE3 & ~3, 2,
	  VECTOR_TS, CODE3 & ~3 },
	{ "CS conforming, above", CALL, 0, NEW_SEG(CS), CONFORMING3 & ~3, 2,
	  VECTOR_TS, CONFORMING3 & ~3 },
	{ "CS absent", CALL, 0, NEW_SEG(CS), ABSENT_CODE, 2, VECTOR_NP,
	  ABSENT_CODE },
	{ "SS null", CALL, 0, NEW_SEG(SS), 0, 2, VECTOR_TS, 0 },
	{ "SS beyond", CALL, 0, NEW_SEG(SS), 0x98, 2, VECTOR_TS, 0x98 },
	{ "SS read-only", CALL, 0, NEW_SEG(SS), READ_ONLY, 2, VECTOR_TS,
	  READ_ONLY },
	{ "SS is code", CALL, 0, NEW_SEG(SS), CODE0, 2, VECTOR_TS, CODE0 },
	{ "SS of another RPL", CALL, 0, NEW_SEG(SS), DATA0 | 3, 2, VECTOR_TS,
	  DATA0 },
	{ "SS of another DPL", CALL, 0, NEW_SEG(SS), DATA3 & ~3, 2,
	  VECTOR_TS, DATA3 & ~3 },
	{ "SS absent", CALL, 0, NEW_SEG(SS), ABSENT_DATA, 2, VECTOR_SS,
	  ABSENT_DATA },
	{ "DS beyond", CALL, 0, NEW_SEG(DS), 0x98, 2, VECTOR_TS, 0x98 },
	{ "DS execute-only", CALL, 0, NEW_SEG(DS), EXEC_ONLY, 2, VECTOR_TS,
	  EXEC_ONLY },
	{ "DS is a TSS", CALL, 0, NEW_SEG(DS), OLD, 2, VECTOR_TS, OLD },
	{ "DS with an RPL above", CALL, 0, NEW_SEG(DS), DATA0 | 3, 2,
	  VECTOR_TS, DATA0 },
	{ "DS absent", CALL, 0, NEW_SEG(DS), ABSENT_DATA, 2, VECTOR_NP,
	  ABSENT_DATA },
	{ "ES absent", CALL, 0, NEW_SEG(ES), ABSENT_DATA, 2, VECTOR_NP,
	  ABSENT_DATA },
	{ "FS absent", CALL, 0, NEW_SEG(FS), ABSENT_DATA, 2, VECTOR_NP,
	  ABSENT_DATA },
	{ "GS absent", GATE, EVENT(NMI, 2), NEW_SEG(GS), ABSENT_DATA, 2,
	  VECTOR_NP, ABSENT_DATA | 1 },
	{ "EIP beyond", CALL, 0, NEW_SEG(CS), SMALL_CODE, 2, VECTOR_GP, 0 },
	{ "EIP beyond", GATE, EVENT(EXTINT, 0x20), NEW_SEG(CS), SMALL_CODE, 2,
	  VECTOR_GP, 1 },
	{ "no room for the error code", GATE,
	  EVENT(EXCEPTION, VECTOR_NP) | WITH_ERROR(0), NEW_SEG(SS),
	  SMALL_STACK, 2, VECTOR_SS, 1 },
};

/* Switches that are allowed */
static const struct refusal allowed[] = {
	{ "CS conforming", CALL, 0, NEW_SEG(CS), CONFORMING, 2, 0, 0 },
	{ "DS is readable code", CALL, 0, NEW_SEG(DS), CODE0, 2, 0, 0 },
	{ "DS conforming, with any RPL", CALL, 0, NEW_SEG(DS), CONFORMING | 3,
	  2, 0, 0 },
	{ "DS null, with any RPL", CALL, 0, NEW_SEG(DS), 3, 2, 0, 0 },
};

static bool raised(int ret, const struct refusal *r)
{
	return ret == (r->vector ? AXV_EMUL_EXCEPTION : 0) &&
	       e.exception.vector == r->vector && e.exception.error_code == r->error &&
	       e.exception.has_error_code == !!r->vector;
}

/* Copies of the CPU and its memory, to see that neither changes */
static struct axv_emul copy;
static unsigned char memory[WORLD_RAM];

static void take_copy(void)
{
	copy = e;
	memcpy(memory, world_ram, sizeof(memory));
}

static bool unchanged(void)
{
	return !memcmp(&copy.gprs, &e.gprs, sizeof(copy.gprs)) &&
	       !memcmp(&copy.sregs, &e.sregs, sizeof(copy.sregs)) &&
	       !memcmp(memory, world_ram, sizeof(memory)) && !task.entered;
}

static void test_refused_before(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		const struct refusal *r = &before[i];

		new_guest(true, true, r->source);
		world_poke(r->at, r->value, r->size);
		take_copy();
		EXPECT(raised(switch_to(NEW, r->source, r->event, 7), r));
		EXPECT(unchanged());
		tap(good, "the old task's fault: %s", r->what);
	}
}

/* Refusals that do not depend on memory, so the table above cannot make them */
static void test_refused_selector(void)
{
	static const struct {
		__u16 selector;
		__u8 source;
		__u8 vector;
		__u32 error;
	} selectors[] = {
		{ 0, CALL, VECTOR_GP, 0 },
		{ 3, IRET, VECTOR_TS, 0 },
		{ NEW | 4, JMP, VECTOR_GP, NEW | 4 },
		{ NEW | 4, IRET, VECTOR_TS, NEW | 4 },
		{ GDT_LIMIT + 1, GATE, VECTOR_GP, (GDT_LIMIT + 1) | 1 },
		{ GDT_LIMIT + 1, IRET, VECTOR_TS, GDT_LIMIT + 1 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
		new_guest(true, true, selectors[i].source);
		take_copy();
		EXPECT(switch_to(selectors[i].selector, selectors[i].source,
				 EVENT(EXTINT, 0x20), 0) == AXV_EMUL_EXCEPTION);
		EXPECT(e.exception.vector == selectors[i].vector);
		EXPECT(e.exception.error_code == selectors[i].error);
		EXPECT(unchanged());
		tap(good, "selector %#x", selectors[i].selector);
	}
}

static void test_short_old_tss(void)
{
	new_guest(true, true, CALL);
	e.sregs.seg[AXV_X86_TR].limit = 0x5e;
	take_copy();
	EXPECT(task_switch(CALL) == AXV_EMUL_EXCEPTION);
	EXPECT(e.exception.vector == VECTOR_TS && e.exception.error_code == OLD);
	EXPECT(unchanged());
	tap(good, "an old TSS that is too short");

	new_guest(true, true, CALL);
	e.sregs.seg[AXV_X86_TR].limit = 0x5f;
	EXPECT(!task_switch(CALL));
	tap(good, "an old TSS that is just long enough");
}

static void test_refused_after(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		const struct refusal *r = &after[i];

		new_guest(true, true, r->source);
		world_poke(r->at, r->value, r->size);
		set_new(0, 0x38, 2, 4);
		EXPECT(raised(switch_to(NEW, r->source, r->event, 0), r));
		/* The guest is in the new task, with a code segment that can be entered. */
		EXPECT(task.entered);
		EXPECT(e.gprs.rip == NEW_IP);
		EXPECT(e.sregs.seg[AXV_X86_TR].selector == NEW);
		EXPECT(access_byte(NEW) == 0x8b);
		EXPECT(e.sregs.seg[AXV_X86_CS].selector == world_peek(NEW_SEG(CS), 2));
		EXPECT((e.sregs.seg[AXV_X86_CS].attr & 0x99) == 0x99);
		EXPECT(axv_emul_cpl(&e) == 0);
		tap(good, "the new task's fault: %s", r->what);
	}
}

static void test_allowed(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		const struct refusal *r = &allowed[i];

		new_guest(true, true, r->source);
		world_poke(r->at, r->value, r->size);
		EXPECT(raised(switch_to(NEW, r->source, r->event, 7), r));
		EXPECT(e.gprs.rip == NEW_IP);
		tap(good, "no fault: %s", r->what);
	}
}

static void test_ldt(void)
{
	new_guest(true, true, CALL);
	world_poke(NEW_LDT, 0, 2);
	set_new_selector(AXV_X86_ES, 0);
	EXPECT(!task_switch(CALL));
	EXPECT(segment_is(AXV_X86_LDTR, 0, 0, 0, 0));
	tap(good, "a task without an LDT");

	new_guest(true, true, CALL);
	world_poke(NEW_LDT, 0, 2);
	EXPECT(task_switch(CALL) == AXV_EMUL_EXCEPTION);
	EXPECT(e.exception.vector == VECTOR_TS && e.exception.error_code == IN_LDT);
	tap(good, "a selector in an LDT that is not there");
}

/* A task of privilege level 3. */
static void test_user_task(void)
{
	new_guest(true, true, IRET);
	set_new_selector(AXV_X86_CS, CODE3);
	set_new_selector(AXV_X86_SS, DATA3);
	set_new_selector(AXV_X86_DS, DATA3);
	set_new_selector(AXV_X86_ES, DATA3);
	EXPECT(!task_switch(IRET));
	EXPECT(axv_emul_cpl(&e) == 3);
	tap(good, "a user's task");

	new_guest(true, true, IRET);
	set_new_selector(AXV_X86_CS, CODE3);
	set_new_selector(AXV_X86_SS, DATA3);
	set_new_selector(AXV_X86_DS, DATA0);
	EXPECT(task_switch(IRET) == AXV_EMUL_EXCEPTION);
	EXPECT(e.exception.vector == VECTOR_TS && e.exception.error_code == DATA0);
	EXPECT(axv_emul_cpl(&e) == 3);
	tap(good, "a user's task may not have the supervisor's data");
}

/* Two CPUs switch to one task: the other CPU is first, at the last moment. */
static int busy_cmpxchg(void *opaque, __u64 gpa, __u64 old, __u64 new, size_t size)
{
	(void)opaque;
	if (old == new)
		return 0;
	if (gpa == GDT + NEW + ACCESS_BYTE && old == 0x89 &&
	    world_peek(gpa, 1) == 0x89)
		world_poke(gpa, 0x8b, 1);
	if (world_peek(gpa, size) != old)
		return -EAGAIN;
	world_poke(gpa, new, size);
	return 0;
}

static void test_race(void)
{
	struct axv_space space;

	new_guest(true, true, CALL);
	space = *e.space;
	space.cmpxchg = busy_cmpxchg;
	e.space = &space;
	take_copy();
	memory[GDT + NEW + ACCESS_BYTE] = 0x8b;
	EXPECT(task_switch(CALL) == AXV_EMUL_EXCEPTION);
	EXPECT(e.exception.vector == VECTOR_GP && e.exception.error_code == NEW);
	EXPECT(unchanged());
	tap(good, "another CPU takes the task first");

	/* A change of other bits in the descriptor does not matter. */
	new_guest(true, true, CALL);
	world_contention = 1;
	EXPECT(!task_switch(CALL));
	EXPECT(!world_contention && task.entered);
	tap(good, "another CPU changes the descriptor");
}

/* Tests with paging: the tables map the first 4 MiB, all of it for the supervisor. */
#define OLD_ROOT	0x10000ull
#define NEW_ROOT	0x12000ull

static void map_all(__u64 root)
{
	unsigned int i;

	world_poke(root, (root + 0x1000) | PTE_P | PTE_W, 4);
	for (i = 0; i < WORLD_RAM >> 12; i++)
		world_poke(root + 0x1000 + 4 * i, i << 12 | PTE_P | PTE_W | PTE_A | PTE_D, 4);
}

static void new_paging_guest(void)
{
	new_guest(true, true, CALL);
	map_all(OLD_ROOT);
	map_all(NEW_ROOT);
	e.sregs.cr0 |= CR0_PG | CR0_WP;
	e.sregs.cr3 = OLD_ROOT;
	world_poke(NEW_TSS + 0x1c, NEW_ROOT, 4);
	/* Accessed bits in the upper tables do not count as changes. */
	world_poke(OLD_ROOT, (OLD_ROOT + 0x1000) | PTE_P | PTE_W | PTE_A, 4);
}

static __u64 old_pte(__u64 linear)
{
	return OLD_ROOT + 0x1000 + 4 * (linear >> 12);
}

static __u64 new_pte(__u64 linear)
{
	return NEW_ROOT + 0x1000 + 4 * (linear >> 12);
}

static void test_paging(void)
{
	/* System tables are the supervisor's, whatever the privilege level. */
	new_paging_guest();
	EXPECT(!task_switch(CALL));
	EXPECT(e.sregs.cr3 == NEW_ROOT);
	EXPECT(e.gprs.rip == NEW_IP);
	tap(good, "paging");

	/* A page fault of the new task, in its own tables. */
	new_paging_guest();
	world_poke(new_pte(LDT), 0, 4);
	EXPECT(task_switch(CALL) == AXV_EMUL_EXCEPTION);
	EXPECT(e.exception.vector == VECTOR_PF && e.exception.address == LDT + 8);
	EXPECT(e.gprs.rip == NEW_IP);
	EXPECT(e.sregs.cr3 == NEW_ROOT);
	tap(good, "a page fault of the new task");

	/* Supervisor-mode access prevention holds for the processor, too. */
	new_paging_guest();
	e.sregs.cr4 |= CR4_SMAP;
	e.gprs.rflags |= FLAG_AC;
	world_poke(OLD_ROOT, (OLD_ROOT + 0x1000) | PTE_P | PTE_W | PTE_U | PTE_A, 4);
	world_poke(old_pte(NEW_TSS), NEW_TSS | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D, 4);
	EXPECT(task_switch(CALL) == AXV_EMUL_EXCEPTION);
	EXPECT(e.exception.vector == VECTOR_PF && e.exception.error_code == PF_PRESENT);
	EXPECT(e.exception.address == NEW_TSS);
	tap(good, "SMAP");

	/* A GDT and a TSS cross into a linear page that is elsewhere in memory. */
	new_paging_guest();
	memmove(world_ram + 0x21000, world_ram + GDT + NEW + 4, 0x80);
	memmove(world_ram + 0x20000 + 0xffc - NEW, world_ram + GDT, NEW + 4);
	world_poke(old_pte(0x41000), 0x21000 | PTE_P | PTE_W | PTE_A | PTE_D, 4);
	world_poke(old_pte(0x40000), 0x20000 | PTE_P | PTE_W | PTE_A | PTE_D, 4);
	world_poke(new_pte(0x41000), 0x21000 | PTE_P | PTE_W | PTE_A | PTE_D, 4);
	world_poke(new_pte(0x40000), 0x20000 | PTE_P | PTE_W | PTE_A | PTE_D, 4);
	e.sregs.gdtr.base = 0x40000 + 0xffc - NEW;
	EXPECT(!task_switch(CALL));
	EXPECT(world_peek(0x21001, 1) == 0x8b);
	tap(good, "a descriptor in two pages");
}

static void test_page_fault(void)
{
	static const struct {
		const char *what;
		__u64 page;
		__u64 entry;
		__u64 address;
		__u32 error;
	} cases[] = {
		{ "GDT", GDT, 0, GDT + NEW, 0 },
		{ "old TSS", OLD_TSS, 0, OLD_TSS + 0x20, PF_WRITE },
		{ "old TSS, read-only", OLD_TSS, OLD_TSS | PTE_P, OLD_TSS + 0x20,
		  PF_PRESENT | PF_WRITE },
		{ "new TSS", NEW_TSS, 0, NEW_TSS, 0 },
		{ "link", NEW_TSS, NEW_TSS | PTE_P | PTE_A, NEW_TSS, PF_PRESENT | PF_WRITE },
		{ "busy flag", GDT, GDT | PTE_P | PTE_A, GDT + NEW, PF_PRESENT | PF_WRITE },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		new_paging_guest();
		world_poke(old_pte(cases[i].page), cases[i].entry, 4);
		take_copy();
		EXPECT(task_switch(CALL) == AXV_EMUL_EXCEPTION);
		EXPECT(e.exception.vector == VECTOR_PF);
		EXPECT(e.exception.error_code == cases[i].error);
		EXPECT(e.exception.address == cases[i].address);
		EXPECT(unchanged());
		tap(good, "page fault: %s", cases[i].what);
	}
}

static void test_pdptes(void)
{
	static const struct {
		const char *what;
		__u64 entry;
		bool vmx;
		bool fault;
	} cases[] = {
		{ "broken PDPTEs", PTE_P | PTE_W, false, true },
		{ "VMX refuses an accessed bit in them", PTE_P | PTE_A, true, true },
		{ "SVM does not look at it", PTE_P | PTE_A, false, false },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		new_guest(true, true, JMP);
		/* The old task's tables map the first 2 MiB. */
		e.sregs.cr0 |= CR0_PG;
		e.sregs.cr4 |= CR4_PAE;
		e.sregs.cr3 = OLD_ROOT;
		e.vmx = cases[i].vmx;
		world_poke(OLD_ROOT, (OLD_ROOT + 0x1000) | PTE_P, 8);
		world_poke(OLD_ROOT + 0x1000, PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS, 8);
		world_poke(NEW_ROOT, (OLD_ROOT + 0x1000) | cases[i].entry, 8);
		world_poke(NEW_TSS + 0x1c, NEW_ROOT, 4);
		take_copy();
		if (cases[i].fault) {
			EXPECT(task_switch(JMP) == AXV_EMUL_EXCEPTION);
			EXPECT(e.exception.vector == VECTOR_GP && !e.exception.error_code);
			/* Neither task has changed. */
			EXPECT(unchanged());
		} else {
			EXPECT(!task_switch(JMP));
			EXPECT(e.sregs.cr3 == NEW_ROOT);
		}
		tap(good, "%s", cases[i].what);
	}

	/* Entries that the processor has loaded serve the old task; the new one has others. */
	new_guest(true, true, JMP);
	e.sregs.cr0 |= CR0_PG;
	e.sregs.cr4 |= CR4_PAE;
	e.sregs.cr3 = OLD_ROOT;
	e.vmx = true;
	e.pdptes = true;
	e.pdpte[0] = (OLD_ROOT + 0x1000) | PTE_P;
	world_poke(OLD_ROOT + 0x1000, PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS, 8);
	world_poke(NEW_ROOT, (OLD_ROOT + 0x1000) | PTE_P, 8);
	world_poke(NEW_TSS + 0x1c, NEW_ROOT, 4);
	EXPECT(!task_switch(JMP));
	EXPECT(!e.pdptes);
	tap(good, "PDPTEs that are loaded");
}

/* Memory that is not there is an error that says so, and the guest is as it was. */
static void test_hole(void)
{
	new_guest(true, true, CALL);
	set_descriptor(GDT, NEW, WORLD_DEVICE, 0x67, 0x089);
	take_copy();
	EXPECT(task_switch(CALL) == -EOPNOTSUPP);
	EXPECT(strstr(axv_error(), "0xd0000000") && strstr(axv_error(), "0x30"));
	EXPECT(unchanged() && !world_accesses);
	tap(good, "a TSS in a device");

	/* Read-only memory cannot take what is saved. */
	new_guest(true, true, CALL);
	e.sregs.seg[AXV_X86_TR].base = WORLD_ROM;
	take_copy();
	EXPECT(task_switch(CALL) == -EOPNOTSUPP);
	EXPECT(strstr(axv_error(), "0x1f0020"));
	EXPECT(unchanged() && !world_accesses);
	tap(good, "an old TSS in read-only memory");

	/* After the commit point there is no way back. */
	new_guest(true, true, CALL);
	set_descriptor(GDT, LDT_SELECTOR, WORLD_DEVICE, LDT_LIMIT, 0x082);
	EXPECT(task_switch(CALL) == AXV_EMUL_EXCEPTION);
	EXPECT(e.exception.vector == VECTOR_TS && e.exception.error_code == NEW);
	EXPECT(e.gprs.rip == NEW_IP && !world_accesses);
	tap(good, "an LDT in a device");
}

static unsigned int length_of(const char *code, unsigned int size, __u8 source, __u64 event)
{
	world_init(&e, WORLD_PROT32);
	memcpy(world_ram + WORLD_CODE, code, size);
	e.gprs.rip = WORLD_CODE;
	task = (struct axv_task) { .event = event, .source = source };
	return axv_emul_task_length(&e, &task);
}

/*
 * The length of the instruction where the processor does not tell it; the code has to
 * have an instruction that fits the exit.
 */
static void test_length(void)
{
	good = true;
	EXPECT(length_of("\x9a\0\0\0\0\x30\0", 7, CALL, 0) == 7);
	EXPECT(length_of("\xff\x1d\0\0\x04\0", 6, CALL, 0) == 6);
	EXPECT(length_of("\x66\xea\0\0\x30\0", 6, JMP, 0) == 6);
	EXPECT(length_of("\xff\x2b", 2, JMP, 0) == 2);
	EXPECT(length_of("\xcf", 1, IRET, 0) == 1);
	EXPECT(length_of("\x66\xcf", 2, IRET, 0) == 2);
	EXPECT(length_of("\xcd\x80", 2, GATE, EVENT(SOFT, 0x80)) == 2);
	EXPECT(length_of("\xcc", 1, GATE, EVENT(EXCEPTION, VECTOR_BP)) == 1);
	EXPECT(length_of("\xce", 1, GATE, EVENT(EXCEPTION, 4)) == 1);
	tap(good, "lengths");

	EXPECT(!length_of("\xe8\0\0\0\0", 5, CALL, 0));
	EXPECT(!length_of("\x9a\0\0\0\0\x30\0", 7, JMP, 0));
	EXPECT(!length_of("\xff\x23", 2, JMP, 0));
	EXPECT(!length_of("\x90", 1, IRET, 0));
	EXPECT(!length_of("\xcd\x81", 2, GATE, EVENT(SOFT, 0x80)));
	EXPECT(!length_of("\x90", 1, GATE, EVENT(SOFT, 0x80)));
	EXPECT(!length_of("\x0f\xff", 2, CALL, 0));
	tap(good, "instructions that switch no task");
}

int main(void)
{
	test_call();
	test_jmp();
	test_iret();
	test_16_bits();
	test_events();
	test_error_code();
	test_virtual_8086();
	test_trap_flag();
	test_refused_before();
	test_refused_selector();
	test_short_old_tss();
	test_refused_after();
	test_allowed();
	test_ldt();
	test_user_task();
	test_race();
	test_paging();
	test_page_fault();
	test_pdptes();
	test_hole();
	test_length();
	return tap_done();
}
