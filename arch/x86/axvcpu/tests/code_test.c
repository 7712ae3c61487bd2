// SPDX-License-Identifier: GPL-2.0
/*
 * The instructions that code.c remembers: one is used as long as nothing has changed on
 * which its fetch depends, and never otherwise.
 */
#include "guest.h"

#define CODE		0x400800ull
#define ROOT		0x1000ull
#define TOP		(ROOT + 0x800)
#define TABLE(level)	(ROOT + 0x1000 * (level))
#define PAGE		0x10000ull
#define OTHER		0x11000ull	/* another page of code */
#define ALL		(PTE_P | PTE_RW | PTE_US | PTE_A)

static const u64 levels = 4;

static u64 entry_at(unsigned int level)
{
	return TABLE(level) + ((CODE >> (12 + 9 * level)) & 511) * 8;
}

static void put(struct guest *g, u64 page, const char *hex)
{
	u8 *at = g->memory + page + (CODE & ~PAGE_MASK);

	memset(at, 0x90, 16);
	if (hex2bin(at, hex, strlen(hex) / 2))
		WARN_ON(1);
}

/* IN %dx, %eax in 64-bit mode, at supervisor level, on a page of its own. */
static struct guest *new_guest(struct kunit *test)
{
	struct guest *g = guest_new(test, 64);
	unsigned int i;

	g->cr[3] = TABLE(levels - 1);
	for (i = levels - 1; i; i--)
		guest_poke(g, entry_at(i), TABLE(i - 1) | ALL, 8);
	guest_poke(g, entry_at(0), PAGE | (ALL & ~PTE_US), 8);
	g->x.regs.rip = CODE;
	put(g, PAGE, "ed");
	put(g, OTHER, "ef");
	return g;
}

/* The operation at the instruction pointer now, and whether code.c remembered it. */
static u8 op_now(struct guest *g, bool *known)
{
	unsigned int hits = g->hits;
	struct axv_x86_code *code = test_get_code(&g->x);

	*known = g->hits != hits;
	return axv_x86_code_insn(code)->op;
}

static void expect(struct kunit *test, struct guest *g, const char *what, u8 op,
		   bool known)
{
	bool knew;

	KUNIT_EXPECT_EQ_MSG(test, op, op_now(g, &knew), "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, known, knew, "%s", what);
}

#define IN	AXV_X86_OP_IN
#define OUT	AXV_X86_OP_OUT
#define NONE	AXV_X86_OP_NONE

static void code_test_known(struct kunit *test)
{
	struct guest *g = new_guest(test);
	unsigned int i;
	int peeks;
	u32 opcode;

	expect(test, g, "first", IN, false);
	peeks = g->peeks;
	expect(test, g, "again", IN, true);
	KUNIT_EXPECT_EQ(test, peeks, g->peeks);
	KUNIT_EXPECT_EQ(test, 15u, test_get_code(&g->x)->count);

	/* An instruction at another address does not drive it out. */
	g->x.regs.rip = CODE + 1;
	expect(test, g, "behind", NONE, false);
	expect(test, g, "behind, again", NONE, true);
	g->x.regs.rip = CODE;
	expect(test, g, "back", IN, true);

	/* CPUID: the length is found out once. */
	put(g, PAGE, "0fa2");
	for (i = 0; i < 2; i++) {
		opcode = 0;
		KUNIT_EXPECT_EQ(test, 2u, test_code_length(test_get_code(&g->x), &opcode));
		KUNIT_EXPECT_EQ(test, 0x0fa2u, opcode);
	}
}

/* Whatever the guest changes in memory is seen, and so is the change back. */
static void code_test_memory(struct kunit *test)
{
	struct guest *g = new_guest(test);
	unsigned int level;
	u64 entry;

	expect(test, g, "first", IN, false);
	put(g, PAGE, "ef");
	expect(test, g, "code", OUT, false);
	put(g, PAGE, "ed");
	expect(test, g, "code, back", IN, false);
	/* The last byte that is read, far behind the instruction. */
	g->memory[PAGE + (CODE & ~PAGE_MASK) + 14] = 0xcc;
	expect(test, g, "last byte", IN, false);
	expect(test, g, "last byte, again", IN, true);

	guest_poke(g, entry_at(0), OTHER | ALL, 8);
	expect(test, g, "page", OUT, false);
	guest_poke(g, entry_at(0), PAGE | ALL, 8);
	expect(test, g, "page, back", IN, false);

	for (level = 0; level < levels; level++) {
		entry = guest_peek(g, entry_at(level), 8);
		guest_poke(g, entry_at(level), entry & ~PTE_P, 8);
		expect(test, g, "not present", NONE, false);
		guest_poke(g, entry_at(level), entry | PTE_NX, 8);
		expect(test, g, "NX", NONE, false);
		guest_poke(g, entry_at(level), entry, 8);
		expect(test, g, "present", IN, false);
		expect(test, g, "present, again", IN, true);
	}
}

static void code_test_registers(struct kunit *test)
{
	struct guest *g = new_guest(test);
	struct axv_x86_vcpu *x = &g->x;

	/* Each of these registers changes where code is, or whether it may run. */
	expect(test, g, "first", IN, false);
	g->cpl = 3;
	expect(test, g, "supervisor's page", NONE, false);
	g->cpl = 0;
	expect(test, g, "CPL", IN, false);

	g->seg[AXV_X86_CS] = guest_flat(ATTR_CODE32);
	expect(test, g, "CS", IN, false);
	KUNIT_EXPECT_EQ(test, 32u, axv_x86_code_insn(test_get_code(x))->bits);
	g->seg[AXV_X86_CS] = guest_flat(ATTR_CODE64);
	expect(test, g, "CS, back", IN, false);

	g->cr[3] = TABLE(8);
	expect(test, g, "CR3", NONE, false);
	g->cr[3] = TABLE(levels - 1);
	expect(test, g, "CR3, back", IN, false);

	guest_poke(g, entry_at(0), PAGE | ALL, 8);
	expect(test, g, "user page", IN, false);
	x->cr4 |= X86_CR4_SMEP;
	expect(test, g, "SMEP", NONE, false);
	x->cr4 |= X86_CR4_LA57;
	expect(test, g, "LA57", NONE, false);
	x->cr4 &= ~(u64)(X86_CR4_SMEP | X86_CR4_LA57);
	expect(test, g, "CR4, back", IN, false);

	guest_poke(g, entry_at(0), PAGE | ALL | PTE_NX, 8);
	expect(test, g, "NX page", NONE, false);
	x->efer &= ~(u64)EFER_NX;
	guest_poke(g, entry_at(0), PAGE | ALL, 8);
	expect(test, g, "EFER", IN, false);
	guest_poke(g, entry_at(0), PAGE | ALL | PTE_NX, 8);
	expect(test, g, "reserved", NONE, false);
	x->efer |= EFER_NX;
	guest_poke(g, entry_at(0), PAGE | ALL, 8);
	expect(test, g, "EFER, back", IN, false);

	x->cr0 &= ~(u64)X86_CR0_PG;
	expect(test, g, "CR0", NONE, false);
	x->cr0 |= X86_CR0_PG;
	expect(test, g, "CR0, back", IN, false);
	expect(test, g, "all back", IN, true);
}

/* After a change of the regions the words may be elsewhere. */
static void code_test_regions(struct kunit *test)
{
	struct guest *g = new_guest(test);

	expect(test, g, "first", IN, false);
	g->vm.mmu_seq++;
	expect(test, g, "regions", IN, false);
	expect(test, g, "regions, again", IN, true);
}

/* A fetch whose walk writes, or does not read four words, is not remembered. */
static void code_test_never_known(struct kunit *test)
{
	struct guest *g = new_guest(test);
	unsigned int level;

	for (level = 0; level < levels; level++) {
		u64 entry = guest_peek(g, entry_at(level), 8);

		guest_poke(g, entry_at(level), entry & ~PTE_A, 8);
		expect(test, g, "not accessed", IN, false);
		KUNIT_EXPECT_EQ(test, entry, guest_peek(g, entry_at(level), 8));
		expect(test, g, "accessed", IN, false);
		expect(test, g, "accessed, again", IN, true);
	}

	/* One of the words has to be waited for. */
	g->absent = g->peeks + 2;
	g->vm.mmu_seq++;
	expect(test, g, "absent", IN, false);
	g->absent = -1;
	expect(test, g, "at hand", IN, false);
	expect(test, g, "at hand, again", IN, true);

	/* An instruction at the end of its page may go on in the next. */
	g->x.regs.rip = (CODE & PAGE_MASK) + PAGE_SIZE - 1;
	g->memory[PAGE + PAGE_SIZE - 1] = 0xed;
	expect(test, g, "end of page", IN, false);
	expect(test, g, "end of page, again", IN, false);

	/* Only 64-bit code is remembered, not the 32-bit code of long mode. */
	g->x.regs.rip = CODE;
	g->seg[AXV_X86_CS] = guest_flat(ATTR_CODE32);
	expect(test, g, "compatibility mode", IN, false);
	expect(test, g, "compatibility mode, again", IN, false);
}

static struct kunit_case code_cases[] = {
	KUNIT_CASE(code_test_known),
	KUNIT_CASE(code_test_memory),
	KUNIT_CASE(code_test_registers),
	KUNIT_CASE(code_test_regions),
	KUNIT_CASE(code_test_never_known),
	{}
};

axv_test_suite("axvcpu-x86-code", code_cases);
