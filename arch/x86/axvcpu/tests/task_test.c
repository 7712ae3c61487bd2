// SPDX-License-Identifier: GPL-2.0
/*
 * Task switches: what is saved and loaded, what refuses them, and whose fault
 * it is.
 */
#include "guest.h"

static enum axv_x86_next test_task_switch(struct axv_x86_vcpu *x, u16 selector,
					  enum axv_x86_task_source source,
					  unsigned int len);
static enum axv_x86_next test_access_failed(struct axv_x86_vcpu *x, int err,
					    const struct axv_x86_fault *fault,
					    bool write);

#include "../task.c"

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
	(AXV_X86_EVENT_ERROR_VALID | (u64)(error) << AXV_X86_EVENT_ERROR_SHIFT)

#define OLD_IP		0x401000u
#define NEW_IP		0x1234u

/* Memory that the module says is missing goes to the VMM. */
static enum axv_x86_next test_access_failed(struct axv_x86_vcpu *x, int err,
					    const struct axv_x86_fault *fault,
					    bool write)
{
	struct axv_run *run = x->base.run;

	if (err != -EFAULT)
		return AXV_RESUME;
	if (fault->vector) {
		guest_raise(x, fault->vector, true, fault->error_code,
			    fault->address);
		return AXV_RESUME;
	}
	run->exit.fault.addr = fault->gpa;
	run->exit.fault.access = write ? AXV_ACCESS_WRITE : AXV_ACCESS_READ;
	return AXV_EXIT;
}

static void set_descriptor(struct guest *g, u64 table, u16 selector, u32 base,
			   u32 limit, u16 attr)
{
	u64 raw = (limit & 0xffff) | (u64)(base & 0xffffff) << 16 |
		  (u64)(attr & 0xff) << 40 | (u64)(limit & 0xf0000) << 32 |
		  (u64)(attr & 0xf00) << 44 | (u64)(base >> 24) << 56;

	guest_poke(g, table + (selector & SELECTOR_INDEX), raw, 8);
}

static u8 access_byte(struct guest *g, u16 selector)
{
	return guest_peek(g, GDT + (selector & SELECTOR_INDEX) + ACCESS_BYTE, 1);
}

static u32 at(struct guest *g, u64 gpa, unsigned int size)
{
	return guest_peek(g, gpa, size);
}

static void fill_gdt(struct guest *g)
{
	set_descriptor(g, GDT, CODE0, 0, 0xfffff, 0xc9b);
	set_descriptor(g, GDT, DATA0, 0, 0xfffff, 0xc93);
	set_descriptor(g, GDT, CODE3, 0, 0xfffff, 0xcfb);
	set_descriptor(g, GDT, DATA3, 0, 0xfffff, 0xcf3);
	set_descriptor(g, GDT, LDT_SELECTOR, LDT, LDT_LIMIT, 0x082);
	set_descriptor(g, GDT, CONFORMING, 0, 0xfffff, 0xc9f);
	set_descriptor(g, GDT, ABSENT_CODE, 0, 0xfffff, 0xc1b);
	set_descriptor(g, GDT, ABSENT_DATA, 0, 0xfffff, 0xc13);
	set_descriptor(g, GDT, READ_ONLY, 0, 0xfffff, 0xc91);
	set_descriptor(g, GDT, EXEC_ONLY, 0, 0xfffff, 0xc99);
	set_descriptor(g, GDT, FRESH, 0x12345678, 0xfffff, 0xc92);
	set_descriptor(g, GDT, SMALL_CODE, 0, 0xff, 0x49b);
	set_descriptor(g, GDT, STACK16, 0, 0xffff, 0x093);
	set_descriptor(g, GDT, SMALL_STACK, 0, 0xff, 0x093);
	set_descriptor(g, GDT, ABSENT_LDT, LDT, LDT_LIMIT, 0x002);
	set_descriptor(g, GDT, CONFORMING3, 0, 0xfffff, 0xcff);
	set_descriptor(g, LDT, IN_LDT, 0x1000, 0xfff, 0x493);
}

/* A register of the new TSS, where both formats have it. */
static void set_new(struct guest *g, unsigned int at16, unsigned int at32,
		    u32 value, unsigned int size)
{
	bool wide = access_byte(g, NEW) & BIT(3);

	if (wide || at16)
		guest_poke(g, NEW_TSS + (wide ? at32 : at16), value,
			   wide ? size : 2);
}

static void set_new_selector(struct guest *g, unsigned int seg, u16 selector)
{
	bool wide = access_byte(g, NEW) & BIT(3);

	guest_poke(g, NEW_TSS + (wide ? 0x48 + 4 * seg : 0x22 + 2 * seg),
		   selector, 2);
}

static void fill_new_tss(struct guest *g)
{
	unsigned int i;

	set_new(g, 0, 0x1c, 0x7000, 4);
	set_new(g, 0x0e, 0x20, NEW_IP, 4);
	set_new(g, 0x10, 0x24, X86_EFLAGS_CF | 0x8, 4);
	for (i = 0; i < 8; i++)
		set_new(g, 0x12 + 2 * i, 0x28 + 4 * i, 0xa0b0c000 + i, 4);
	set_new(g, 0x1a, 0x38, STACK, 4);
	set_new_selector(g, AXV_X86_ES, IN_LDT);
	set_new_selector(g, AXV_X86_CS, CODE0);
	set_new_selector(g, AXV_X86_SS, DATA0);
	set_new_selector(g, AXV_X86_DS, FRESH);
	if (access_byte(g, NEW) & BIT(3)) {
		set_new_selector(g, AXV_X86_FS, DATA3);
		set_new_selector(g, AXV_X86_GS, 0);
	}
	set_new(g, 0x2a, 0x60, LDT_SELECTOR, 2);
}

/*
 * An old task at privilege level 3 that has all registers in use, and a new one
 * that waits.
 */
static struct guest *new_guest(struct kunit *test, bool old32, bool new32,
			       enum axv_x86_task_source source)
{
	struct guest *g = guest_new(test, 32);
	unsigned int i;

	fill_gdt(g);
	set_descriptor(g, GDT, OLD, OLD_TSS, 0x67, old32 ? 0x08b : 0x083);
	set_descriptor(g, GDT, NEW, NEW_TSS, 0x67,
		       (new32 ? 0x089 : 0x081) | (source == IRET) << 1);
	fill_new_tss(g);
	memset(g->memory + OLD_TSS, 0x55, 0x68);

	g->table[0] = (struct axv_x86_dtable){ .base = GDT, .limit = GDT_LIMIT };
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++) {
		g->seg[i] = guest_flat(i == AXV_X86_CS ? 0xcfb : 0xcf3);
		g->seg[i].selector = i == AXV_X86_CS ? CODE3 : DATA3;
	}
	g->cpl = 3;
	g->seg[AXV_X86_TR] = (struct axv_x86_segment){
		.base = OLD_TSS, .limit = 0x67, .selector = OLD,
		.attr = old32 ? 0x08b : 0x083,
	};
	for (i = 0; i < 8; i++)
		g->x.regs.gpr[i] = 0x01020300 + i;
	g->x.regs.gpr[AXV_X86_R8] = 0x8888;
	g->x.regs.rip = OLD_IP;
	g->x.regs.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_ZF | X86_EFLAGS_IF |
			   X86_EFLAGS_NT;
	g->dr7 = 0x7ff;
	g->shadow = true;
	g->nmi_masked = source == IRET;
	return g;
}

static void task_switch(struct kunit *test, struct guest *g,
			enum axv_x86_task_source source)
{
	KUNIT_EXPECT_EQ(test, test_task_switch(&g->x, NEW, source,
					       source == GATE ? 0 : 7),
			AXV_RESUME);
}

static void expect_saved32(struct kunit *test, struct guest *g, u32 ip,
			   u32 flags)
{
	unsigned int i;

	/* What is before and behind is not touched. */
	for (i = 0; i < 0x20; i += 4)
		KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + i, 4), 0x55555555u);
	KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x20, 4), ip);
	KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x24, 4), flags);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x28 + 4 * i, 4),
				0x01020300u + i);
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x48 + 4 * i, 4),
				0x55550000u |
				(i == AXV_X86_CS ? CODE3 : DATA3));
	KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x60, 4), 0x55555555u);
	KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x64, 4), 0x55555555u);
}

static void expect_saved16(struct kunit *test, struct guest *g, u16 ip,
			   u16 flags)
{
	unsigned int i;

	for (i = 0; i < 0x0e; i += 2)
		KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + i, 2), 0x5555u);
	KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x0e, 2), ip);
	KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x10, 2), flags);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x12 + 2 * i, 2),
				0x0300u + i);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x22 + 2 * i, 2),
				(u32)(i == AXV_X86_CS ? CODE3 : DATA3));
	KUNIT_EXPECT_EQ(test, at(g, OLD_TSS + 0x2a, 2), 0x5555u);
}

static void expect_segment(struct kunit *test, struct guest *g,
			   unsigned int seg, u16 selector, u64 base, u32 limit,
			   u16 attr)
{
	const struct axv_x86_segment *s = &g->seg[seg];

	KUNIT_EXPECT_EQ_MSG(test, s->selector, selector, "segment %u", seg);
	KUNIT_EXPECT_EQ_MSG(test, s->base, base, "segment %u", seg);
	KUNIT_EXPECT_EQ_MSG(test, s->limit, limit, "segment %u", seg);
	KUNIT_EXPECT_EQ_MSG(test, s->attr, attr, "segment %u", seg);
}

static void expect_new(struct kunit *test, struct guest *g, bool wide, u64 flags)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (i != AXV_X86_RSP)
			KUNIT_EXPECT_EQ(test, g->x.regs.gpr[i],
					(wide ? 0xa0b0c000ull : 0xc000) + i);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_R8], 0x8888ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)NEW_IP);
	KUNIT_EXPECT_EQ(test, g->x.regs.rflags, flags);
	expect_segment(test, g, AXV_X86_CS, CODE0, 0, U32_MAX, 0xc9b);
	expect_segment(test, g, AXV_X86_SS, DATA0, 0, U32_MAX, 0xc93);
	expect_segment(test, g, AXV_X86_DS, FRESH, 0x12345678, U32_MAX, 0xc93);
	expect_segment(test, g, AXV_X86_ES, IN_LDT, 0x1000, 0xfff, 0x493);
	if (wide)
		expect_segment(test, g, AXV_X86_FS, DATA3, 0, U32_MAX, 0xcf3);
	else
		expect_segment(test, g, AXV_X86_FS, 0, 0, 0, 0);
	expect_segment(test, g, AXV_X86_GS, 0, 0, 0, 0);
	expect_segment(test, g, AXV_X86_LDTR, LDT_SELECTOR, LDT, LDT_LIMIT,
		       0x082);
	expect_segment(test, g, AXV_X86_TR, NEW, NEW_TSS, 0x67,
		       wide ? 0x08b : 0x083);
	KUNIT_EXPECT_EQ(test, access_byte(g, FRESH), 0x93);
	KUNIT_EXPECT_TRUE(test, g->cr[0] & X86_CR0_TS);
	/* L0 to L3 and LE; the global ones stay. */
	KUNIT_EXPECT_EQ(test, g->dr7, 0x6aaull);
	KUNIT_EXPECT_FALSE(test, g->shadow);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
}

#define NEW_FLAGS	(X86_EFLAGS_FIXED | X86_EFLAGS_CF)
#define OLD_FLAGS	(X86_EFLAGS_FIXED | X86_EFLAGS_ZF | X86_EFLAGS_IF)

static void call_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, CALL);

	task_switch(test, g, CALL);
	expect_saved32(test, g, OLD_IP + 7, OLD_FLAGS | X86_EFLAGS_NT);
	expect_new(test, g, true, NEW_FLAGS | X86_EFLAGS_NT);
	KUNIT_EXPECT_EQ(test, access_byte(g, OLD), 0x8b);
	KUNIT_EXPECT_EQ(test, access_byte(g, NEW), 0x8b);
	KUNIT_EXPECT_EQ(test, at(g, NEW_TSS, 2), (u32)OLD);
	/* Without paging there is nothing to load. */
	KUNIT_EXPECT_EQ(test, g->cr[3], 0ull);
}

static void jmp_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, JMP);

	task_switch(test, g, JMP);
	expect_saved32(test, g, OLD_IP + 7, OLD_FLAGS | X86_EFLAGS_NT);
	expect_new(test, g, true, NEW_FLAGS);
	KUNIT_EXPECT_EQ(test, access_byte(g, OLD), 0x89);
	KUNIT_EXPECT_EQ(test, access_byte(g, NEW), 0x8b);
	KUNIT_EXPECT_EQ(test, at(g, NEW_TSS, 2), 0u);
}

static void iret_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, IRET);

	task_switch(test, g, IRET);
	expect_saved32(test, g, OLD_IP + 7, OLD_FLAGS);
	expect_new(test, g, true, NEW_FLAGS);
	KUNIT_EXPECT_EQ(test, access_byte(g, OLD), 0x89);
	KUNIT_EXPECT_EQ(test, access_byte(g, NEW), 0x8b);
	KUNIT_EXPECT_EQ(test, at(g, NEW_TSS, 2), 0u);
	KUNIT_EXPECT_FALSE(test, g->nmi_masked);
}

/* A task that returns to itself finds what it just saved. */
static void iret_to_itself_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, IRET);

	fill_new_tss(g);
	g->seg[AXV_X86_TR].base = NEW_TSS;
	g->seg[AXV_X86_TR].selector = NEW;
	task_switch(test, g, IRET);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, OLD_IP + 7ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RBX], 0x01020303ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rflags, (u64)OLD_FLAGS);
	KUNIT_EXPECT_EQ(test, g->cpl, 3u);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
}

static void to_16_bits_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, false, CALL);

	task_switch(test, g, CALL);
	expect_saved32(test, g, OLD_IP + 7, OLD_FLAGS | X86_EFLAGS_NT);
	/* EFLAGS above 16 bits are not there. */
	expect_new(test, g, false, NEW_FLAGS | X86_EFLAGS_NT);
	KUNIT_EXPECT_EQ(test, access_byte(g, NEW), 0x83);
	KUNIT_EXPECT_EQ(test, at(g, NEW_TSS, 2), (u32)OLD);
}

static void from_16_bits_test(struct kunit *test)
{
	struct guest *g = new_guest(test, false, true, JMP);

	task_switch(test, g, JMP);
	expect_saved16(test, g, (u16)(OLD_IP + 7), OLD_FLAGS | X86_EFLAGS_NT);
	expect_new(test, g, true, NEW_FLAGS);
	KUNIT_EXPECT_EQ(test, access_byte(g, OLD), 0x81);
	KUNIT_EXPECT_EQ(test, access_byte(g, NEW), 0x8b);
}

static void interrupt_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, GATE);

	g->x.events.reinject = EVENT(EXTINT, 0x20);
	task_switch(test, g, GATE);
	/* It comes between two instructions. */
	expect_saved32(test, g, OLD_IP, OLD_FLAGS | X86_EFLAGS_NT);
	expect_new(test, g, true, NEW_FLAGS | X86_EFLAGS_NT);
	KUNIT_EXPECT_EQ(test, access_byte(g, OLD), 0x8b);
	KUNIT_EXPECT_EQ(test, at(g, NEW_TSS, 2), (u32)OLD);
	KUNIT_EXPECT_EQ(test, g->x.events.reinject, 0ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RSP], STACK);
	KUNIT_EXPECT_FALSE(test, g->nmi_masked);
}

static void nmi_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, GATE);

	g->x.events.reinject = EVENT(NMI, 2);
	task_switch(test, g, GATE);
	KUNIT_EXPECT_TRUE(test, g->nmi_masked);
	KUNIT_EXPECT_EQ(test, g->x.events.reinject, 0ull);
}

static void software_interrupt_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, GATE);

	g->x.events.reinject = EVENT(SOFT, 0x80);
	KUNIT_EXPECT_EQ(test, test_task_switch(&g->x, NEW, GATE, 2), AXV_RESUME);
	expect_saved32(test, g, OLD_IP + 2, OLD_FLAGS | X86_EFLAGS_NT);
	KUNIT_EXPECT_EQ(test, g->x.events.reinject, 0ull);
}

/* The error code is as wide as the TSS, the stack pointer as its segment. */
static void error_code_test(struct kunit *test)
{
	static const struct {
		bool wide;
		u16 ss;
		u32 esp;
		u32 esp_after;
		u64 where;
	} stacks[] = {
		{ true, DATA0, STACK, STACK - 4, STACK - 4 },
		{ false, DATA0, STACK, STACK - 2, STACK - 2 },
		{ true, STACK16, 0x10008000, 0x10007ffc, 0x7ffc },
		{ true, STACK16, 0x10000000, 0x1000fffc, 0xfffc },
		{ false, STACK16, 0x8000, 0x7ffe, 0x7ffe },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stacks); i++) {
		struct guest *g = new_guest(test, true, stacks[i].wide, GATE);

		set_new(g, 0x1a, 0x38, stacks[i].esp, 4);
		set_new_selector(g, AXV_X86_SS, stacks[i].ss);
		guest_poke(g, stacks[i].where, 0xeeeeeeee, 4);
		g->x.events.reinject = EVENT(EXCEPTION, X86_TRAP_GP) |
				       WITH_ERROR(0x12345678);
		task_switch(test, g, GATE);
		KUNIT_EXPECT_EQ(test, g->raised, 0u);
		KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RSP],
				(u64)stacks[i].esp_after);
		KUNIT_EXPECT_EQ(test, at(g, stacks[i].where, 4),
				stacks[i].wide ? 0x12345678u : 0xeeee5678u);
		KUNIT_EXPECT_EQ(test, g->x.events.reinject, 0ull);
	}
}

static void virtual_8086_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, IRET);
	unsigned int i;

	set_new(g, 0, 0x24, X86_EFLAGS_VM | X86_EFLAGS_IF, 4);
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		set_new_selector(g, i, 0x1110 + i);
	task_switch(test, g, IRET);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
	KUNIT_EXPECT_EQ(test, g->x.regs.rflags, (u64)(X86_EFLAGS_FIXED |
			X86_EFLAGS_VM | X86_EFLAGS_IF));
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		expect_segment(test, g, i, 0x1110 + i, 0x11100 + 16 * i, 0xffff,
			       0xf3);
	KUNIT_EXPECT_EQ(test, g->cpl, 3u);
	expect_segment(test, g, AXV_X86_LDTR, LDT_SELECTOR, LDT, LDT_LIMIT,
		       0x082);
}

static void trap_flag_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, CALL);

	guest_poke(g, NEW_TSS + 0x64, 1, 1);
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->raised, 1u);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_DB);
	KUNIT_EXPECT_FALSE(test, g->has_error);
	KUNIT_EXPECT_EQ(test, g->address, 0x8000ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)NEW_IP);

	/* A 16-bit TSS has none. */
	g = new_guest(test, true, false, CALL);
	guest_poke(g, NEW_TSS + 0x64, 1, 1);
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
}

/**
 * struct refusal - a switch that does not take place
 * @what:	for messages
 * @source:	of the switch
 * @event:	with GATE
 * @at:		where memory is changed
 * @value:	to what
 * @size:	how many bytes; 0: it is not
 * @vector:	the exception
 * @error:	its error code
 */
struct refusal {
	const char *what;
	enum axv_x86_task_source source;
	u64 event;
	u64 at;
	u64 value;
	unsigned int size;
	u8 vector;
	u32 error;
};

#define NEW_ACCESS	(GDT + NEW + 5)
#define NEW_LIMIT	(GDT + NEW)
#define NEW_SEG(seg)	(NEW_TSS + 0x48 + 4 * AXV_X86_##seg)
#define NEW_LDT		(NEW_TSS + 0x60)

/* In the old task, which is as it was. */
static const struct refusal before[] = {
	{ "busy", CALL, 0, NEW_ACCESS, 0x8b, 1, X86_TRAP_GP, NEW },
	{ "busy", JMP, 0, NEW_ACCESS, 0x8b, 1, X86_TRAP_GP, NEW },
	{ "busy", GATE, EVENT(EXTINT, 0x20), NEW_ACCESS, 0x8b, 1, X86_TRAP_GP,
	  NEW | 1 },
	{ "busy", GATE, EVENT(SOFT, 0x80), NEW_ACCESS, 0x8b, 1, X86_TRAP_GP,
	  NEW },
	{ "busy", GATE, EVENT(EXCEPTION, X86_TRAP_BP), NEW_ACCESS, 0x8b, 1,
	  X86_TRAP_GP, NEW },
	{ "busy", GATE, EVENT(EXCEPTION, X86_TRAP_UD), NEW_ACCESS, 0x8b, 1,
	  X86_TRAP_GP, NEW | 1 },
	{ "not busy", IRET, 0, NEW_ACCESS, 0x89, 1, X86_TRAP_TS, NEW },
	{ "no TSS", CALL, 0, NEW_ACCESS, 0x82, 1, X86_TRAP_GP, NEW },
	{ "no TSS", IRET, 0, NEW_ACCESS, 0x9b, 1, X86_TRAP_TS, NEW },
	{ "absent", JMP, 0, NEW_ACCESS, 0x09, 1, X86_TRAP_NP, NEW },
	{ "absent", IRET, 0, NEW_ACCESS, 0x0b, 1, X86_TRAP_NP, NEW },
	{ "short", CALL, 0, NEW_LIMIT, 0x66, 2, X86_TRAP_TS, NEW },
	{ "short", IRET, 0, NEW_LIMIT, 0x66, 2, X86_TRAP_TS, NEW },
	{ "short", GATE, EVENT(NMI, 2), NEW_LIMIT, 0x66, 2, X86_TRAP_TS,
	  NEW | 1 },
};

/* In the new task. */
static const struct refusal after[] = {
	{ "LDT in itself", CALL, 0, NEW_LDT, 0xc, 2, X86_TRAP_TS, 0xc },
	{ "LDT beyond", CALL, 0, NEW_LDT, 0x98, 2, X86_TRAP_TS, 0x98 },
	{ "LDT is none", CALL, 0, NEW_LDT, DATA0, 2, X86_TRAP_TS, DATA0 },
	{ "LDT absent", CALL, 0, NEW_LDT, ABSENT_LDT, 2, X86_TRAP_TS,
	  ABSENT_LDT },
	{ "LDT is none", GATE, EVENT(EXTINT, 0x20), NEW_LDT, DATA0, 2,
	  X86_TRAP_TS, DATA0 | 1 },
	{ "CS null", CALL, 0, NEW_SEG(CS), 0, 2, X86_TRAP_TS, 0 },
	{ "CS beyond", CALL, 0, NEW_SEG(CS), 0x98, 2, X86_TRAP_TS, 0x98 },
	{ "CS beyond the LDT", CALL, 0, NEW_SEG(CS), 0x14, 2, X86_TRAP_TS,
	  0x14 },
	{ "CS is data", CALL, 0, NEW_SEG(CS), DATA0, 2, X86_TRAP_TS, DATA0 },
	{ "CS is a TSS", CALL, 0, NEW_SEG(CS), OLD, 2, X86_TRAP_TS, OLD },
	{ "CS of another level", CALL, 0, NEW_SEG(CS), CODE3 & ~3, 2,
	  X86_TRAP_TS, CODE3 & ~3 },
	{ "CS conforming, above", CALL, 0, NEW_SEG(CS), CONFORMING3 & ~3, 2,
	  X86_TRAP_TS, CONFORMING3 & ~3 },
	{ "CS absent", CALL, 0, NEW_SEG(CS), ABSENT_CODE, 2, X86_TRAP_NP,
	  ABSENT_CODE },
	{ "SS null", CALL, 0, NEW_SEG(SS), 0, 2, X86_TRAP_TS, 0 },
	{ "SS beyond", CALL, 0, NEW_SEG(SS), 0x98, 2, X86_TRAP_TS, 0x98 },
	{ "SS read-only", CALL, 0, NEW_SEG(SS), READ_ONLY, 2, X86_TRAP_TS,
	  READ_ONLY },
	{ "SS is code", CALL, 0, NEW_SEG(SS), CODE0, 2, X86_TRAP_TS, CODE0 },
	{ "SS of another RPL", CALL, 0, NEW_SEG(SS), DATA0 | 3, 2, X86_TRAP_TS,
	  DATA0 },
	{ "SS of another DPL", CALL, 0, NEW_SEG(SS), DATA3 & ~3, 2,
	  X86_TRAP_TS, DATA3 & ~3 },
	{ "SS absent", CALL, 0, NEW_SEG(SS), ABSENT_DATA, 2, X86_TRAP_SS,
	  ABSENT_DATA },
	{ "DS beyond", CALL, 0, NEW_SEG(DS), 0x98, 2, X86_TRAP_TS, 0x98 },
	{ "DS execute-only", CALL, 0, NEW_SEG(DS), EXEC_ONLY, 2, X86_TRAP_TS,
	  EXEC_ONLY },
	{ "DS is a TSS", CALL, 0, NEW_SEG(DS), OLD, 2, X86_TRAP_TS, OLD },
	{ "DS with an RPL above", CALL, 0, NEW_SEG(DS), DATA0 | 3, 2,
	  X86_TRAP_TS, DATA0 },
	{ "DS absent", CALL, 0, NEW_SEG(DS), ABSENT_DATA, 2, X86_TRAP_NP,
	  ABSENT_DATA },
	{ "ES absent", CALL, 0, NEW_SEG(ES), ABSENT_DATA, 2, X86_TRAP_NP,
	  ABSENT_DATA },
	{ "FS absent", CALL, 0, NEW_SEG(FS), ABSENT_DATA, 2, X86_TRAP_NP,
	  ABSENT_DATA },
	{ "GS absent", GATE, EVENT(NMI, 2), NEW_SEG(GS), ABSENT_DATA, 2,
	  X86_TRAP_NP, ABSENT_DATA | 1 },
	{ "EIP beyond", CALL, 0, NEW_SEG(CS), SMALL_CODE, 2, X86_TRAP_GP, 0 },
	{ "EIP beyond", GATE, EVENT(EXTINT, 0x20), NEW_SEG(CS), SMALL_CODE, 2,
	  X86_TRAP_GP, 1 },
	{ "no room for the error code", GATE,
	  EVENT(EXCEPTION, X86_TRAP_NP) | WITH_ERROR(0), NEW_SEG(SS),
	  SMALL_STACK, 2, X86_TRAP_SS, 1 },
};

/* Which are none. */
static const struct refusal allowed[] = {
	{ "CS conforming", CALL, 0, NEW_SEG(CS), CONFORMING, 2, 0, 0 },
	{ "DS is readable code", CALL, 0, NEW_SEG(DS), CODE0, 2, 0, 0 },
	{ "DS conforming, with any RPL", CALL, 0, NEW_SEG(DS), CONFORMING | 3,
	  2, 0, 0 },
	{ "DS null, with any RPL", CALL, 0, NEW_SEG(DS), 3, 2, 0, 0 },
};

static void expect_raised(struct kunit *test, const struct guest *g,
			  const struct refusal *r)
{
	KUNIT_EXPECT_EQ_MSG(test, g->raised, r->vector ? 1u : 0u, "%s", r->what);
	KUNIT_EXPECT_EQ_MSG(test, g->vector, r->vector, "%s", r->what);
	KUNIT_EXPECT_EQ_MSG(test, g->error, r->error, "%s", r->what);
	KUNIT_EXPECT_EQ_MSG(test, g->has_error, !!r->vector, "%s", r->what);
}

/* The guest, and a copy of its memory, to see that neither changes. */
static void expect_nothing(struct kunit *test, struct guest *g,
			   const struct guest *copy, const u8 *memory,
			   const char *what)
{
	KUNIT_EXPECT_EQ_MSG(test, memcmp(&g->x.regs, &copy->x.regs,
					 sizeof(g->x.regs)), 0, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, memcmp(g->seg, copy->seg, sizeof(g->seg)), 0,
			    "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, memcmp(g->cr, copy->cr, sizeof(g->cr)), 0,
			    "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, g->dr7, copy->dr7, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, g->x.events.reinject, copy->x.events.reinject,
			    "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, memcmp(g->memory, memory, GUEST_SIZE), 0,
			    "%s", what);
}

static void refused_before_test(struct kunit *test)
{
	u8 *memory = kunit_kzalloc(test, GUEST_SIZE, GFP_KERNEL);
	struct guest *copy = kunit_kzalloc(test, sizeof(*copy), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	for (i = 0; i < ARRAY_SIZE(before); i++) {
		const struct refusal *r = &before[i];
		struct guest *g = new_guest(test, true, true, r->source);

		guest_poke(g, r->at, r->value, r->size);
		g->x.events.reinject = r->event;
		memcpy(copy, g, sizeof(*copy));
		memcpy(memory, g->memory, GUEST_SIZE);
		task_switch(test, g, r->source);
		expect_raised(test, g, r);
		expect_nothing(test, g, copy, memory, r->what);
		kunit_kfree(test, g->memory);
	}
}

/* What is not in memory that a table could change */
static void refused_selector_test(struct kunit *test)
{
	static const struct {
		u16 selector;
		enum axv_x86_task_source source;
		u8 vector;
		u32 error;
	} selectors[] = {
		{ 0, CALL, X86_TRAP_GP, 0 },
		{ 3, IRET, X86_TRAP_TS, 0 },
		{ NEW | 4, JMP, X86_TRAP_GP, NEW | 4 },
		{ NEW | 4, IRET, X86_TRAP_TS, NEW | 4 },
		{ GDT_LIMIT + 1, GATE, X86_TRAP_GP, (GDT_LIMIT + 1) | 1 },
		{ GDT_LIMIT + 1, IRET, X86_TRAP_TS, GDT_LIMIT + 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(selectors); i++) {
		struct guest *g = new_guest(test, true, true, selectors[i].source);

		g->x.events.reinject = selectors[i].source == GATE ?
				       EVENT(EXTINT, 0x20) : 0;
		test_task_switch(&g->x, selectors[i].selector, selectors[i].source, 0);
		KUNIT_EXPECT_EQ(test, g->raised, 1u);
		KUNIT_EXPECT_EQ(test, g->vector, selectors[i].vector);
		KUNIT_EXPECT_EQ(test, g->error, selectors[i].error);
		KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)OLD_IP);
		kunit_kfree(test, g->memory);
	}
}

static void short_old_tss_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, CALL);

	g->seg[AXV_X86_TR].limit = 0x5e;
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_TS);
	KUNIT_EXPECT_EQ(test, g->error, (u32)OLD);
	KUNIT_EXPECT_EQ(test, access_byte(g, NEW), 0x89);

	g = new_guest(test, true, true, CALL);
	g->seg[AXV_X86_TR].limit = 0x5f;
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
}

static void refused_after_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(after); i++) {
		const struct refusal *r = &after[i];
		struct guest *g = new_guest(test, true, true, r->source);

		guest_poke(g, r->at, r->value, r->size);
		set_new(g, 0, 0x38, 2, 4);
		g->x.events.reinject = r->event;
		task_switch(test, g, r->source);
		expect_raised(test, g, r);
		/* The new task it is, with a code segment that can be entered. */
		KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)NEW_IP);
		KUNIT_EXPECT_EQ(test, g->seg[AXV_X86_TR].selector, NEW);
		KUNIT_EXPECT_EQ(test, access_byte(g, NEW), 0x8b);
		KUNIT_EXPECT_EQ(test, g->seg[AXV_X86_CS].selector,
				at(g, NEW_SEG(CS), 2));
		KUNIT_EXPECT_EQ(test, g->seg[AXV_X86_CS].attr & 0x99, 0x99);
		KUNIT_EXPECT_EQ(test, g->cpl, 0u);
		/* An exception may yet become a double fault. */
		KUNIT_EXPECT_EQ(test, !!g->x.events.reinject,
				(r->event & AXV_X86_EVENT_TYPE) ==
				AXV_X86_EVENT_TYPE_EXCEPTION);
		kunit_kfree(test, g->memory);
	}
}

static void allowed_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(allowed); i++) {
		const struct refusal *r = &allowed[i];
		struct guest *g = new_guest(test, true, true, r->source);

		guest_poke(g, r->at, r->value, r->size);
		task_switch(test, g, r->source);
		expect_raised(test, g, r);
		KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)NEW_IP);
		kunit_kfree(test, g->memory);
	}
}

static void no_ldt_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, CALL);

	guest_poke(g, NEW_LDT, 0, 2);
	set_new_selector(g, AXV_X86_ES, 0);
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
	expect_segment(test, g, AXV_X86_LDTR, 0, 0, 0, 0);

	g = new_guest(test, true, true, CALL);
	guest_poke(g, NEW_LDT, 0, 2);
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_TS);
	KUNIT_EXPECT_EQ(test, g->error, (u32)IN_LDT);
}

/* A task of privilege level 3. */
static void user_task_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, IRET);

	set_new_selector(g, AXV_X86_CS, CODE3);
	set_new_selector(g, AXV_X86_SS, DATA3);
	set_new_selector(g, AXV_X86_DS, DATA3);
	set_new_selector(g, AXV_X86_ES, DATA3);
	task_switch(test, g, IRET);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
	KUNIT_EXPECT_EQ(test, g->cpl, 3u);

	/* Its data may not be the supervisor's. */
	g = new_guest(test, true, true, IRET);
	set_new_selector(g, AXV_X86_CS, CODE3);
	set_new_selector(g, AXV_X86_SS, DATA3);
	set_new_selector(g, AXV_X86_DS, DATA0);
	task_switch(test, g, IRET);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_TS);
	KUNIT_EXPECT_EQ(test, g->error, (u32)DATA0);
	KUNIT_EXPECT_EQ(test, g->cpl, 3u);
}

/* Two CPUs switch to one task: the other one was first. */
static void race_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, CALL);

	g->races = 1;
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->raised, 1u);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_GP);
	KUNIT_EXPECT_EQ(test, g->error, (u32)NEW);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)OLD_IP);
	KUNIT_EXPECT_EQ(test, at(g, NEW_TSS, 2), 0u);
}

/* With paging: pages of the first 4 MiB, all of them the supervisor's. */
static void map_all(struct guest *g, u64 root)
{
	unsigned int i;

	guest_poke(g, root, (root + 0x1000) | PTE_P | PTE_RW, 4);
	for (i = 0; i < GUEST_SIZE >> PAGE_SHIFT; i++)
		guest_poke(g, root + 0x1000 + 4 * i,
			   i << PAGE_SHIFT | PTE_P | PTE_RW | PTE_A | PTE_D, 4);
}

#define OLD_ROOT	0x10000ull
#define NEW_ROOT	0x12000ull

static struct guest *new_paging_guest(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, CALL);

	map_all(g, OLD_ROOT);
	map_all(g, NEW_ROOT);
	g->cr[0] |= X86_CR0_PG | X86_CR0_WP;
	g->cr[3] = OLD_ROOT;
	guest_poke(g, NEW_TSS + 0x1c, NEW_ROOT, 4);
	return g;
}

static u64 old_pte(u64 linear)
{
	return OLD_ROOT + 0x1000 + 4 * (linear >> PAGE_SHIFT);
}

static u64 new_pte(u64 linear)
{
	return NEW_ROOT + 0x1000 + 4 * (linear >> PAGE_SHIFT);
}

/* System tables are the supervisor's, whatever the privilege level. */
static void paging_test(struct kunit *test)
{
	struct guest *g = new_paging_guest(test);

	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
	KUNIT_EXPECT_EQ(test, g->cr[3], NEW_ROOT);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)NEW_IP);
}

static void page_fault_test(struct kunit *test)
{
	static const struct {
		u64 page;
		u64 entry;
		u64 address;
		u32 error;
	} cases[] = {
		{ GDT, 0, GDT + NEW, 0 },
		{ OLD_TSS, 0, OLD_TSS + 0x20, X86_PF_WRITE },
		{ OLD_TSS, OLD_TSS | PTE_P, OLD_TSS + 0x20,
		  X86_PF_PROT | X86_PF_WRITE },
		{ NEW_TSS, 0, NEW_TSS, 0 },
		/* The back link. */
		{ NEW_TSS, NEW_TSS | PTE_P | PTE_A, NEW_TSS,
		  X86_PF_PROT | X86_PF_WRITE },
		/* The busy flag. */
		{ GDT, GDT | PTE_P | PTE_A, GDT + NEW,
		  X86_PF_PROT | X86_PF_WRITE },
	};
	u8 *memory = kunit_kzalloc(test, GUEST_SIZE, GFP_KERNEL);
	struct guest *copy = kunit_kzalloc(test, sizeof(*copy), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guest *g = new_paging_guest(test);

		guest_poke(g, old_pte(cases[i].page), cases[i].entry, 4);
		/* Marks in the tables above are no change. */
		guest_poke(g, OLD_ROOT, (OLD_ROOT + 0x1000) | PTE_P | PTE_RW |
			   PTE_A, 4);
		memcpy(copy, g, sizeof(*copy));
		memcpy(memory, g->memory, GUEST_SIZE);
		task_switch(test, g, CALL);
		KUNIT_EXPECT_EQ(test, g->raised, 1u);
		KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_PF);
		KUNIT_EXPECT_EQ(test, g->error, cases[i].error);
		KUNIT_EXPECT_EQ(test, g->address, cases[i].address);
		expect_nothing(test, g, copy, memory, "page fault");
		kunit_kfree(test, g->memory);
	}
}

/* A page fault of the new task, in its own tables. */
static void new_page_fault_test(struct kunit *test)
{
	struct guest *g = new_paging_guest(test);

	guest_poke(g, new_pte(LDT), 0, 4);
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->raised, 1u);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_PF);
	KUNIT_EXPECT_EQ(test, g->address, LDT + 8);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)NEW_IP);
	KUNIT_EXPECT_EQ(test, g->cr[3], NEW_ROOT);
}

/* Supervisor-mode access prevention holds for the processor, too. */
static void smap_test(struct kunit *test)
{
	struct guest *g = new_paging_guest(test);

	g->cr[4] |= X86_CR4_SMAP;
	g->x.regs.rflags |= X86_EFLAGS_AC;
	guest_poke(g, OLD_ROOT, (OLD_ROOT + 0x1000) | PTE_P | PTE_RW | PTE_US, 4);
	guest_poke(g, old_pte(NEW_TSS),
		   NEW_TSS | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D, 4);
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_PF);
	KUNIT_EXPECT_EQ(test, g->error, (u32)X86_PF_PROT);
	KUNIT_EXPECT_EQ(test, g->address, NEW_TSS);
}

static void pdpte_test(struct kunit *test)
{
	struct guest *g = new_guest(test, true, true, JMP);

	/* The old task's tables map the first 2 MiB, the new one's are broken. */
	g->cr[0] |= X86_CR0_PG;
	g->cr[4] |= X86_CR4_PAE;
	g->cr[3] = OLD_ROOT;
	guest_poke(g, OLD_ROOT, (OLD_ROOT + 0x1000) | PTE_P, 8);
	guest_poke(g, OLD_ROOT + 0x1000, PTE_P | PTE_RW | PTE_PS, 8);
	guest_poke(g, NEW_ROOT, (OLD_ROOT + 0x1000) | PTE_P | PTE_RW, 8);
	guest_poke(g, NEW_TSS + 0x1c, NEW_ROOT, 4);
	task_switch(test, g, JMP);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_GP);
	KUNIT_EXPECT_EQ(test, g->error, 0u);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)OLD_IP);
	KUNIT_EXPECT_EQ(test, g->cr[3], OLD_ROOT);
	/* Neither task changed hands. */
	KUNIT_EXPECT_EQ(test, access_byte(g, OLD), 0x8b);
	KUNIT_EXPECT_EQ(test, access_byte(g, NEW), 0x89);

	g->raised = 0;
	guest_poke(g, NEW_ROOT, (OLD_ROOT + 0x1000) | PTE_P, 8);
	task_switch(test, g, JMP);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
	KUNIT_EXPECT_EQ(test, g->cr[3], NEW_ROOT);
}

/* Memory that is not there is the VMM's, and the switch comes again. */
static void hole_test(struct kunit *test)
{
	u8 *memory = kunit_kzalloc(test, GUEST_SIZE, GFP_KERNEL);
	struct guest *copy = kunit_kzalloc(test, sizeof(*copy), GFP_KERNEL);
	struct guest *g = new_guest(test, true, true, CALL);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	set_descriptor(g, GDT, NEW, GUEST_HOLE, 0x67, 0x089);
	memcpy(copy, g, sizeof(*copy));
	memcpy(memory, g->memory, GUEST_SIZE);
	KUNIT_EXPECT_EQ(test, test_task_switch(&g->x, NEW, CALL, 7), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.addr, GUEST_HOLE);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.access, AXV_ACCESS_READ);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
	expect_nothing(test, g, copy, memory, "hole");

	/* Read-only memory cannot take what is saved. */
	g = new_guest(test, true, true, CALL);
	g->seg[AXV_X86_TR].base = GUEST_ROM;
	memcpy(copy, g, sizeof(*copy));
	memcpy(memory, g->memory, GUEST_SIZE);
	KUNIT_EXPECT_EQ(test, test_task_switch(&g->x, NEW, CALL, 7), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.addr, GUEST_ROM + 0x20);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.access, AXV_ACCESS_WRITE);
	expect_nothing(test, g, copy, memory, "read-only");

	/* After the commit point there is no way back. */
	g = new_guest(test, true, true, CALL);
	set_descriptor(g, GDT, LDT_SELECTOR, GUEST_HOLE, LDT_LIMIT, 0x082);
	task_switch(test, g, CALL);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_TS);
	KUNIT_EXPECT_EQ(test, g->error, (u32)NEW);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, (u64)NEW_IP);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(call_test),
	KUNIT_CASE(jmp_test),
	KUNIT_CASE(iret_test),
	KUNIT_CASE(iret_to_itself_test),
	KUNIT_CASE(to_16_bits_test),
	KUNIT_CASE(from_16_bits_test),
	KUNIT_CASE(interrupt_test),
	KUNIT_CASE(nmi_test),
	KUNIT_CASE(software_interrupt_test),
	KUNIT_CASE(error_code_test),
	KUNIT_CASE(virtual_8086_test),
	KUNIT_CASE(trap_flag_test),
	KUNIT_CASE(refused_before_test),
	KUNIT_CASE(refused_selector_test),
	KUNIT_CASE(short_old_tss_test),
	KUNIT_CASE(refused_after_test),
	KUNIT_CASE(allowed_test),
	KUNIT_CASE(no_ldt_test),
	KUNIT_CASE(user_task_test),
	KUNIT_CASE(race_test),
	KUNIT_CASE(paging_test),
	KUNIT_CASE(page_fault_test),
	KUNIT_CASE(new_page_fault_test),
	KUNIT_CASE(smap_test),
	KUNIT_CASE(pdpte_test),
	KUNIT_CASE(hole_test),
	{}
};

static struct kunit_suite suite = {
	.name = "axvcpu-task",
	.test_cases = cases,
};

kunit_test_suite(suite);
