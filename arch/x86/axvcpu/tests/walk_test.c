// SPDX-License-Identifier: GPL-2.0
/*
 * The walker: segments, page tables of every format, rights, accessed and
 * dirty bits, and tables that change under the walk.
 */
#include "../walk.h"
#include "guest.h"

#define ROOT		0x1000ull
#define TABLES		0x2000ull	/* tables below the root, one page each */
#define PAGE		0x10000ull	/* a page of memory to map */

#define P		PTE_P
#define RW		PTE_RW
#define US		PTE_US
#define NX		PTE_NX
#define A		PTE_A
#define D		PTE_D
#define PS		PTE_PS
#define ALL		(P | RW | US)

#define PF_P		X86_PF_PROT
#define PF_WR		X86_PF_WRITE
#define PF_U		X86_PF_USER
#define PF_RSVD		X86_PF_RSVD
#define PF_ID		X86_PF_INSTR

/**
 * struct format - a format of page tables
 * @name:	for messages
 * @levels:	levels of tables
 * @entry:	bytes of an entry
 * @cr4:	CR4 that selects it
 * @efer:	EFER that selects it
 * @large:	level of the largest pages
 * @linear:	an address that exercises each level's index
 */
struct format {
	const char *name;
	unsigned int levels;
	unsigned int entry;
	u64 cr4;
	u64 efer;
	unsigned int large;
	u64 linear;
};

static const struct format formats[] = {
	{ "2-level", 2, 4, X86_CR4_PSE, 0, 1, 0xc0523456 },
	{ "PAE", 3, 8, X86_CR4_PAE, EFER_NX, 1, 0xc0523456 },
	{ "4-level", 4, 8, X86_CR4_PAE, EFER_NX | EFER_LME | EFER_LMA, 2,
	  0xffff8880c0523456 },
	{ "5-level", 5, 8, X86_CR4_PAE | X86_CR4_LA57,
	  EFER_NX | EFER_LME | EFER_LMA, 2, 0xff018880c0523456 },
};

static struct guest *new_guest(struct kunit *test, const struct format *f)
{
	struct guest *g = guest_new(test, f->levels > 3 ? 64 : 32);

	g->x.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP;
	g->cr[3] = ROOT;
	g->x.cr4 = f->cr4;
	g->x.efer = f->efer;
	return g;
}

static u64 entry_at(const struct format *f, u64 linear, unsigned int level)
{
	unsigned int bits = f->entry == 4 ? 10 : 9;
	u64 table = level == f->levels - 1 ? ROOT :
					     TABLES + level * PAGE_SIZE;

	return table + ((linear >> (12 + bits * level)) & ((1 << bits) - 1)) *
		       f->entry;
}

static bool has_rights(const struct format *f, unsigned int level)
{
	return f->levels != 3 || level != 2;
}

/* Maps @linear to @page by an entry of @level; those above have all rights. */
static void map(struct guest *g, const struct format *f, u64 linear,
		unsigned int level, u64 entry)
{
	unsigned int i;

	for (i = f->levels - 1; i > level; i--)
		guest_poke(g, entry_at(f, linear, i),
			   (TABLES + (i - 1) * PAGE_SIZE) |
			   (has_rights(f, i) ? ALL : P), f->entry);
	guest_poke(g, entry_at(f, linear, level),
		   entry | (level ? PS : 0), f->entry);
}

static void no_paging_test(struct kunit *test)
{
	struct guest *g = guest_new(test, 32);
	struct axv_x86_fault fault;
	u64 gpa;

	KUNIT_EXPECT_EQ(test, test_translate(&g->x, 0xfffff123,
					     AXV_ACCESS_WRITE, &gpa, &fault),
			0);
	KUNIT_EXPECT_EQ(test, gpa, 0xfffff123ull);
}

/* One page: its address, and what is marked as used. */
static void check_page(struct kunit *test, const struct format *f,
		       unsigned int level, bool write)
{
	unsigned int l, bits = f->entry == 4 ? 10 : 9;
	u64 in_page = BIT_ULL(12 + bits * level) - 1;
	u64 page = 0x3fc0000000 & ~in_page, gpa = 0;
	struct guest *g = new_guest(test, f);
	struct axv_x86_fault fault;

	/* Addresses of the 2-level format have 32 bits, or 40 with PSE-36. */
	if (f->entry == 4)
		page = 0x3fc00000;
	map(g, f, f->linear, level, page | ALL);
	KUNIT_EXPECT_EQ(test,
			test_translate(&g->x, f->linear,
				       write ? AXV_ACCESS_WRITE :
					       AXV_ACCESS_READ, &gpa, &fault),
			0);
	KUNIT_EXPECT_EQ_MSG(test, gpa, page | (f->linear & in_page),
			    "%s, level %u", f->name, level);
	for (l = level; l < f->levels; l++) {
		u64 e = guest_peek(g, entry_at(f, f->linear, l), f->entry);

		KUNIT_EXPECT_EQ_MSG(test, !!(e & A), has_rights(f, l),
				    "%s, level %u of %u", f->name, l, level);
		KUNIT_EXPECT_EQ_MSG(test, !!(e & D), write && l == level,
				    "%s, level %u of %u", f->name, l, level);
	}

	/* Once marked, nothing has to be written any more. */
	g->swaps = 0;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), 0);
	KUNIT_EXPECT_EQ(test, g->swaps, 0u);
}

/* Walk the tables of every format, with every size of page. */
static void formats_test(struct kunit *test)
{
	unsigned int i, level;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		for (level = 0; level <= formats[i].large; level++) {
			check_page(test, &formats[i], level, false);
			check_page(test, &formats[i], level, true);
		}
	}
}

static void pse_test(struct kunit *test)
{
	const struct format *f = &formats[0];
	struct guest *g = new_guest(test, f);
	struct axv_x86_fault fault;
	u64 gpa;

	/* Bits 13 to 20 of the entry are address bits 32 to 39. */
	map(g, f, f->linear, 1, 0x3fc00000 | (0xa5 << 13) | ALL);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), 0);
	KUNIT_EXPECT_EQ(test, gpa, 0xa53fc00000 | (f->linear & 0x3fffff));

	guest_host.phys_bits = 36;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.error_code, PF_P | PF_RSVD);

	/* Without CR4.PSE bit PS means nothing. */
	g->x.cr4 = 0;
	map(g, f, f->linear, 0, PAGE | ALL);
	guest_poke(g, entry_at(f, f->linear, 1), TABLES | ALL | PS, 4);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), 0);
	KUNIT_EXPECT_EQ(test, gpa, PAGE | (f->linear & 0xfff));
}

static void expect_fault(struct kunit *test, struct guest *g, u64 linear,
			 u32 access, u32 code, const char *what)
{
	struct axv_x86_fault fault = {};
	u64 gpa;

	g->swaps = 0;
	KUNIT_EXPECT_EQ_MSG(test, test_translate(&g->x, linear, access, &gpa,
						 &fault), -EFAULT, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, fault.vector, X86_TRAP_PF, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, fault.error_code, code, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, fault.address, linear, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, g->swaps, 0u, "%s", what);
}

static void not_present_test(struct kunit *test)
{
	unsigned int i, level;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		const struct format *f = &formats[i];

		for (level = 0; level < f->levels; level++) {
			struct guest *g = new_guest(test, f);
			u32 id = f->entry == 8 ? PF_ID : 0;
			u64 at = entry_at(f, f->linear, level);

			map(g, f, f->linear, 0, PAGE | ALL);
			/* Without P the entry's other bits do not matter. */
			guest_poke(g, at, ~P, f->entry);
			expect_fault(test, g, f->linear, AXV_ACCESS_READ, 0,
				     f->name);
			expect_fault(test, g, f->linear, AXV_ACCESS_WRITE, PF_WR,
				     f->name);
			expect_fault(test, g, f->linear, AXV_ACCESS_FETCH, id,
				     f->name);
			g->cpl = 3;
			expect_fault(test, g, f->linear, AXV_ACCESS_WRITE,
				     PF_WR | PF_U, f->name);
			g->x.cr4 |= X86_CR4_SMEP;
			expect_fault(test, g, f->linear, AXV_ACCESS_FETCH,
				     PF_U | PF_ID, f->name);
		}
	}
}

/**
 * struct reserved_bit - a bit that must not be set in an entry
 * @format:	index in formats
 * @level:	level of the entry
 * @page:	the entry maps a page
 * @bit:	number of the bit
 * @fault:	is it reserved?
 */
struct reserved_bit {
	unsigned int format;
	unsigned int level;
	bool page;
	unsigned int bit;
	bool fault;
};

static const struct reserved_bit reserved_bits[] = {
	{ 0, 1, true, 21, true }, { 0, 1, true, 12, false },
	{ 0, 1, false, 9, false }, { 0, 0, true, 7, false },
	{ 0, 0, true, 9, false },
	/* Topmost entries of PAE tables: bits 1, 2 and all above the address are reserved. */
	{ 1, 2, false, 1, true }, { 1, 2, false, 2, true },
	{ 1, 2, false, 3, false }, { 1, 2, false, 4, false },
	{ 1, 2, false, 5, false }, { 1, 2, false, 6, false },
	{ 1, 2, false, 7, false }, { 1, 2, false, 8, false },
	{ 1, 2, false, 9, false }, { 1, 2, false, 63, true },
	{ 1, 2, false, 40, true }, { 1, 2, false, 52, true },
	{ 1, 1, false, 62, true }, { 1, 1, false, 8, false },
	{ 1, 1, true, 13, true }, { 1, 1, true, 20, true },
	{ 1, 1, true, 12, false }, { 1, 0, true, 52, true },
	{ 1, 0, true, 40, true }, { 1, 0, true, 39, false },
	{ 1, 0, true, 7, false }, { 1, 0, true, 11, false },
	/* Long mode: bits 52 to 62 are ignored. */
	{ 2, 3, false, 7, true }, { 2, 3, false, 8, true },
	{ 2, 3, false, 6, false }, { 2, 3, false, 40, true },
	{ 2, 3, false, 51, true }, { 2, 3, false, 52, false },
	{ 2, 3, false, 62, false }, { 2, 2, false, 8, true },
	{ 2, 2, true, 8, false }, { 2, 2, true, 13, true },
	{ 2, 2, true, 29, true }, { 2, 2, true, 12, false },
	{ 2, 1, false, 8, false }, { 2, 1, true, 13, true },
	{ 2, 1, true, 20, true }, { 2, 1, true, 12, false },
	{ 2, 1, true, 51, true }, { 2, 0, true, 40, true },
	{ 2, 0, true, 51, true }, { 2, 0, true, 7, false },
	{ 2, 0, true, 58, false },
	{ 3, 4, false, 7, true }, { 3, 4, false, 8, true },
	{ 3, 4, false, 45, true }, { 3, 3, false, 7, true },
};

/* VMX has the topmost entries of PAE tables in registers, and their bits 5 to 8 must be 0. */
static void pdpte_test(struct kunit *test)
{
	const struct format *f = &formats[1];
	struct guest *g = new_guest(test, f);
	u64 top = entry_at(f, f->linear, 2), gpa = 0;
	struct axv_x86_fault fault = {};

	map(g, f, f->linear, 0, 0x5000 | ALL);
	g->pdpte[f->linear >> 30] = guest_peek(g, top, 8);
	guest_poke(g, top, 0, 8);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.error_code, 0u);

	g->pdptes_loaded = true;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), 0);
	KUNIT_EXPECT_EQ(test, gpa, 0x5000 | (f->linear & ~PAGE_MASK));
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear ^ BIT(30),
					     AXV_ACCESS_READ, &gpa, &fault),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, fault.error_code, 0u);

	/* Under SVM an accessed bit there has no effect; VMX refuses to load the entry. */
	g->pdptes_loaded = false;
	guest_poke(g, top, g->pdpte[f->linear >> 30] | PTE_A, 8);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), 0);
	g->ops.backend = AXV_BACKEND_VMX;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.error_code,
			(u32)(X86_PF_PROT | X86_PF_RSVD));
}

static void reserved_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reserved_bits); i++) {
		const struct reserved_bit *r = &reserved_bits[i];
		const struct format *f = &formats[r->format];
		struct guest *g = new_guest(test, f);
		u64 at = entry_at(f, f->linear, r->level);
		struct axv_x86_fault fault = {};
		u64 gpa;
		int err;

		map(g, f, f->linear, r->page ? r->level : 0, ALL);
		guest_poke(g, at, guest_peek(g, at, f->entry) ^
			   BIT_ULL(r->bit), f->entry);
		err = test_translate(&g->x, f->linear, AXV_ACCESS_READ, &gpa,
				     &fault);
		KUNIT_EXPECT_EQ_MSG(test, err, r->fault ? -EFAULT : 0,
				    "%s, level %u, bit %u", f->name, r->level,
				    r->bit);
		KUNIT_EXPECT_EQ_MSG(test, fault.error_code,
				    r->fault ? PF_P | PF_RSVD : 0,
				    "%s, level %u, bit %u", f->name, r->level,
				    r->bit);
	}
}

/* Bits that a feature makes valid. */
static void reserved_feature_test(struct kunit *test)
{
	const struct format *f = &formats[2];
	struct guest *g = new_guest(test, f);
	struct axv_x86_fault fault;
	u64 gpa;

	map(g, f, f->linear, 0, PAGE | ALL | NX);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), 0);
	g->x.efer &= ~(u64)EFER_NX;
	expect_fault(test, g, f->linear, AXV_ACCESS_READ, PF_P | PF_RSVD,
		     "NX without EFER.NXE");
	expect_fault(test, g, f->linear, AXV_ACCESS_FETCH, PF_P | PF_RSVD,
		     "NX without EFER.NXE");

	g = new_guest(test, f);
	map(g, f, f->linear, 2, ALL);
	guest_gbpages = false;
	expect_fault(test, g, f->linear, AXV_ACCESS_READ, PF_P | PF_RSVD,
		     "1G page");

	/* Bit 8 of the topmost entries is reserved on AMD's processors only. */
	g = new_guest(test, f);
	g->ops.backend = AXV_BACKEND_VMX;
	map(g, f, f->linear, 0, PAGE | ALL);
	guest_poke(g, entry_at(f, f->linear, 3),
		   guest_peek(g, entry_at(f, f->linear, 3), 8) | BIT(8), 8);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), 0);
}

/*
 * Rights: all combinations of a page, an access and the control bits, against
 * the rules as the manual's text has them (AMD APM vol. 2, 5.6).
 */
static bool manual_allows(unsigned int c, u32 access)
{
	bool rw = c & 1, us = c & 2, nx = c & 4, user = c & 8, wp = c & 16;
	bool smep = c & 32, smap = c & 64, ac = c & 128, nxe = c & 256;

	if (access == AXV_ACCESS_FETCH) {
		if (nx && nxe)
			return false;
		return user ? us : !(us && smep);
	}
	if (user)
		return us && (rw || access == AXV_ACCESS_READ);
	if (us && smap && !ac)
		return false;
	return access == AXV_ACCESS_READ || rw || !wp;
}

/* Rights that are taken away at one level are gone, whatever the others say. */
static void check_rights(struct kunit *test, struct guest *g, unsigned int c,
			 u32 access, unsigned int level)
{
	const struct format *f = &formats[2];
	u64 at = entry_at(f, f->linear, level), gpa;
	struct axv_x86_fault fault;
	u32 code = PF_P;
	int err;

	map(g, f, f->linear, 0, PAGE | ALL);
	guest_poke(g, at, (guest_peek(g, at, 8) & ~(RW | US)) |
		   (c & 1 ? RW : 0) | (c & 2 ? US : 0) | (c & 4 ? NX : 0), 8);
	g->cpl = c & 8 ? 3 : 0;
	g->x.cr0 = X86_CR0_PE | X86_CR0_PG | (c & 16 ? X86_CR0_WP : 0);
	g->x.cr4 = f->cr4 | (c & 32 ? X86_CR4_SMEP : 0) |
		   (c & 64 ? X86_CR4_SMAP : 0);
	g->x.regs.rflags = c & 128 ? X86_EFLAGS_AC : 0;
	g->x.efer = EFER_LME | EFER_LMA | (c & 256 ? EFER_NX : 0);

	err = test_translate(&g->x, f->linear, access, &gpa, &fault);
	KUNIT_EXPECT_EQ_MSG(test, !err, manual_allows(c, access),
			    "case %x, access %u, level %u", c, access, level);
	if (!err)
		return;
	if (access == AXV_ACCESS_WRITE)
		code |= PF_WR;
	if (c & 8)
		code |= PF_U;
	if (access == AXV_ACCESS_FETCH && (c & (32 | 256)))
		code |= PF_ID;
	KUNIT_EXPECT_EQ_MSG(test, fault.error_code, code,
			    "case %x, access %u, level %u", c, access, level);
}

static void rights_test(struct kunit *test)
{
	struct guest *g = new_guest(test, &formats[2]);
	unsigned int c, level;

	for (c = 0; c < 512; c++) {
		/* Without EFER.NXE bit NX is reserved: see reserved_feature_test(). */
		if (!(c & 256) && (c & 4))
			continue;
		for (level = 0; level < formats[2].levels; level++) {
			check_rights(test, g, c, AXV_ACCESS_READ, level);
			check_rights(test, g, c, AXV_ACCESS_WRITE, level);
			check_rights(test, g, c, AXV_ACCESS_FETCH, level);
		}
	}
}

/* Protection keys: what bits 2n and 2n + 1 of PKRU forbid to key n. */
static void key_test(struct kunit *test)
{
	static const u32 accesses[] = {
		AXV_ACCESS_READ, AXV_ACCESS_WRITE, AXV_ACCESS_FETCH,
	};
	const struct format *f = &formats[3];
	struct guest *g = new_guest(test, f);
	struct axv_x86_fault fault;
	unsigned int c, i;

	for (c = 0; c < 64; c++) {
		bool ad = c & 1, wd = c & 2, user = c & 4, wp = c & 8;
		bool us = c & 16, pke = c & 32;

		map(g, f, f->linear, 0, PAGE | P | RW | (us ? US : 0) |
		    (11ull << 59));
		g->x.pkru = (ad ? 1u << 22 : 0) | (wd ? 1u << 23 : 0) |
			    (pke ? 0 : 3u << 22);
		g->cpl = user ? 3 : 0;
		g->x.cr0 = X86_CR0_PE | X86_CR0_PG | (wp ? X86_CR0_WP : 0);
		g->x.cr4 = f->cr4 | (pke ? X86_CR4_PKE : 0);
		for (i = 0; i < 3; i++) {
			bool write = accesses[i] == AXV_ACCESS_WRITE;
			bool key = pke && us && i < 2 &&
				   (ad || (write && wd && (user || wp)));
			bool right = us || !user;
			u64 gpa;
			int err;

			err = test_translate(&g->x, f->linear, accesses[i],
					     &gpa, &fault);
			KUNIT_EXPECT_EQ_MSG(test, !err, right && !key,
					    "case %x, access %u", c, i);
			if (err)
				KUNIT_EXPECT_EQ_MSG(test, fault.error_code &
						    (PF_P | X86_PF_PK),
						    PF_P |
						    (key ? X86_PF_PK : 0),
						    "case %x, access %u", c, i);
		}
	}
}

/* Tables that are not in memory, or not in memory that can be written. */
static void hole_test(struct kunit *test)
{
	const struct format *f = &formats[2];
	struct guest *g = new_guest(test, f);
	struct axv_x86_fault fault;
	u64 gpa, at = entry_at(f, f->linear, 2);

	map(g, f, f->linear, 0, PAGE | ALL);
	guest_poke(g, at, GUEST_HOLE | ALL, 8);
	fault.vector = 99;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.vector, 0);
	KUNIT_EXPECT_EQ(test, fault.gpa,
			GUEST_HOLE | (entry_at(f, f->linear, 1) & 0xfff));
	KUNIT_EXPECT_EQ(test, fault.cause, (u32)AXV_FAULT_NO_REGION);

	/* A table in ROM works as long as nothing has to be marked. */
	at = GUEST_ROM | (entry_at(f, f->linear, 0) & 0xfff);
	map(g, f, f->linear, 0, PAGE | ALL);
	guest_poke(g, entry_at(f, f->linear, 1), GUEST_ROM | ALL, 8);
	guest_poke(g, at, PAGE | ALL | A, 8);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), 0);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_WRITE,
					     &gpa, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.vector, 0);
	KUNIT_EXPECT_EQ(test, fault.gpa, at);
	KUNIT_EXPECT_EQ(test, fault.cause, (u32)AXV_FAULT_READONLY);

	/* The host refuses access to a table. */
	g->host_refuses = GUEST_ROM;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_READ,
					     &gpa, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.gpa, at);
	KUNIT_EXPECT_EQ(test, fault.cause, (u32)AXV_FAULT_HOST);
}

/* Any word that the walk reads may be one that has to be waited for. */
static void absent_test(struct kunit *test)
{
	unsigned int i;
	int absent;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		const struct format *f = &formats[i];

		for (absent = -1; absent <= (int)f->levels + 2; absent++) {
			struct guest *g = new_guest(test, f);
			u64 page = f->linear & PAGE_MASK;
			u8 bytes[AXV_X86_INSN_MAX] = {};
			unsigned int n;

			map(g, f, page, 0, PAGE | ALL | A);
			for (n = 0; n < 16; n++)
				g->memory[PAGE + n] = 0xa0 + n;
			g->x.regs.rip = page;
			/* The walk that marks entries is not the one under test. */
			KUNIT_ASSERT_EQ(test, sizeof(bytes),
					test_fetch(&g->x, bytes, sizeof(bytes)));
			memset(bytes, 0, sizeof(bytes));
			g->peeks = 0;
			g->absent = absent;
			KUNIT_EXPECT_EQ(test, sizeof(bytes),
					test_fetch(&g->x, bytes, sizeof(bytes)));
			KUNIT_EXPECT_EQ(test, 0xa0, bytes[0]);
			KUNIT_EXPECT_EQ(test, 0xae, bytes[14]);
			/* After the word that has to be waited for, nothing is peeked at. */
			KUNIT_EXPECT_EQ_MSG(test, g->peeks,
					    absent < 0 ? (int)f->levels + 2 :
					    min(absent, (int)f->levels + 2),
					    "%s, %d", f->name, absent);
		}
	}
}

/* Another CPU of the guest changes an entry between the walk and the mark. */
static void race_test(struct kunit *test)
{
	const struct format *f = &formats[2];
	struct guest *g = new_guest(test, f);
	struct axv_x86_fault fault;
	u64 gpa, at = entry_at(f, f->linear, 0);

	map(g, f, f->linear, 0, PAGE | ALL);
	g->races = 3;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_WRITE,
					     &gpa, &fault), 0);
	KUNIT_EXPECT_EQ(test, g->races, 0u);
	KUNIT_EXPECT_EQ(test, guest_peek(g, at, 8) & (A | D), A | D);

	/* The entry maps another page now: that is the result. */
	g = new_guest(test, f);
	map(g, f, f->linear, 0, PAGE | ALL);
	for (at = f->levels - 1; at; at--)
		guest_poke(g, entry_at(f, f->linear, at),
			   guest_peek(g, entry_at(f, f->linear, at), 8) | A, 8);
	g->races = 1;
	g->race_value = (PAGE + PAGE_SIZE) | ALL;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_WRITE,
					     &gpa, &fault), 0);
	KUNIT_EXPECT_EQ(test, gpa, (PAGE + PAGE_SIZE) | (f->linear & 0xfff));

	/* The entry is not present any more: the guest gets its page fault. */
	g->races = 1;
	g->race_value = 2;
	guest_poke(g, entry_at(f, f->linear, 0), PAGE | ALL, 8);
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_WRITE,
					     &gpa, &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.error_code, (u32)PF_WR);

	/* The entry changes all the time: the walk gives up. */
	map(g, f, f->linear, 0, PAGE | ALL);
	g->races = UINT_MAX;
	g->race_value = 0;
	KUNIT_EXPECT_EQ(test, test_translate(&g->x, f->linear, AXV_ACCESS_WRITE,
					     &gpa, &fault), -EAGAIN);
}

static void data_test(struct kunit *test)
{
	const struct format *f = &formats[2];
	struct guest *g = new_guest(test, f);
	u64 first = 0x400000, second = first + PAGE_SIZE;
	struct axv_x86_fault fault;
	u64 value = 0x8877665544332211;

	map(g, f, first, 0, PAGE | ALL);
	/* The pages are not neighbours in memory. */
	guest_poke(g, entry_at(f, second, 0), (PAGE + 4 * PAGE_SIZE) | ALL, 8);
	KUNIT_EXPECT_EQ(test, test_write_linear(&g->x, second - 3, &value, 8,
						&fault), 0);
	KUNIT_EXPECT_EQ(test, guest_peek(g, PAGE + 0xffd, 3), 0x332211ull);
	KUNIT_EXPECT_EQ(test, guest_peek(g, PAGE + 4 * PAGE_SIZE, 5),
			0x8877665544ull);
	value = 0;
	KUNIT_EXPECT_EQ(test, test_read_linear(&g->x, second - 3, &value, 8,
					       &fault), 0);
	KUNIT_EXPECT_EQ(test, value, 0x8877665544332211);

	/* If the second page refuses, the first is not touched either. */
	guest_poke(g, entry_at(f, second, 0), PAGE | P | US, 8);
	value = 0;
	KUNIT_EXPECT_EQ(test, test_write_linear(&g->x, second - 3, &value, 8,
						&fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.vector, X86_TRAP_PF);
	KUNIT_EXPECT_EQ(test, fault.address, second);
	KUNIT_EXPECT_EQ(test, guest_peek(g, PAGE + 0xffd, 3), 0x332211ull);

	/* The address is translated, but to one without memory. */
	guest_poke(g, entry_at(f, second, 0), GUEST_HOLE | ALL, 8);
	KUNIT_EXPECT_EQ(test, test_read_linear(&g->x, second + 8, &value, 8,
					       &fault), -EFAULT);
	KUNIT_EXPECT_EQ(test, fault.vector, 0);
	KUNIT_EXPECT_EQ(test, fault.gpa, GUEST_HOLE + 8);
	KUNIT_EXPECT_EQ(test, test_read_linear(&g->x, first, g->memory,
					       PAGE_SIZE + 1, &fault), -EINVAL);
}

/* Outside of 64-bit mode, linear addresses go on with 0 after 4 GiB. */
static void wrap_test(struct kunit *test)
{
	const struct format *f = &formats[1];
	struct guest *g = new_guest(test, f);
	struct axv_x86_fault fault;
	u64 value = 0x1122334455667788, at;

	map(g, f, 0xfffff000, 0, PAGE | ALL);
	map(g, f, 0, 0, (PAGE + PAGE_SIZE) | ALL);
	KUNIT_EXPECT_EQ(test, test_write_linear(&g->x, 0xfffffffc, &value, 8,
						&fault), 0);
	at = PAGE + 0xffc;
	KUNIT_EXPECT_EQ(test, guest_peek(g, at, 8), value);
}

static void fetch_test(struct kunit *test)
{
	const struct format *f = &formats[2];
	struct guest *g = new_guest(test, f);
	u64 first = 0x400000, second = first + PAGE_SIZE;
	u8 bytes[16] = {};

	map(g, f, first, 0, PAGE | ALL);
	guest_poke(g, PAGE + 0xff8, 0x0807060504030201, 8);
	g->x.regs.rip = second - 8;
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 15), 8);
	KUNIT_EXPECT_EQ(test, bytes[7], 8);
	KUNIT_EXPECT_EQ(test, bytes[8], 0);
	g->x.regs.rip = first;
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 16), 15);

	/* A page that may not be executed ends the fetch, and so does a hole. */
	g->x.regs.rip = second - 8;
	guest_poke(g, entry_at(f, second, 0), PAGE | ALL | NX, 8);
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 15), 8);
	guest_poke(g, entry_at(f, second, 0), GUEST_HOLE | ALL, 8);
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 15), 8);
	guest_poke(g, entry_at(f, second, 0), GUEST_ROM | ALL, 8);
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 15), 15);
	g->x.regs.rip = 0x800000;
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 15), 0);

	/* 16-bit code: the base is added, and the limit ends the fetch. */
	g = guest_new(test, 16);
	g->seg[AXV_X86_CS].base = 0xff0;
	g->x.regs.rip = 0xfffa;
	guest_poke(g, 0xff0 + 0xfffa, 0x060504030201, 6);
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 15), 6);
	KUNIT_EXPECT_EQ(test, bytes[5], 6);
	g->x.regs.rip = 0x10000;
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 15), 0);
	g->x.regs.rip = 0x10005;
	KUNIT_EXPECT_EQ(test, test_fetch(&g->x, bytes, 15), 0);
	KUNIT_EXPECT_EQ(test, test_code_bits(&g->x), 16u);

	/* Compatibility mode: 32-bit code in long mode. */
	g = guest_new(test, 64);
	KUNIT_EXPECT_EQ(test, test_code_bits(&g->x), 64u);
	g->seg[AXV_X86_CS] = guest_flat(ATTR_CODE32);
	KUNIT_EXPECT_EQ(test, test_code_bits(&g->x), 32u);
	/* L means nothing outside of long mode. */
	g->seg[AXV_X86_CS] = guest_flat(ATTR_CODE64);
	g->x.efer = 0;
	KUNIT_EXPECT_EQ(test, test_code_bits(&g->x), 16u);
}

/**
 * struct segment_case - an access through a segment
 * @bits:	mode
 * @seg:	which segment
 * @attr:	its attributes
 * @base:	its base
 * @limit:	its limit
 * @offset:	offset of the access
 * @size:	bytes of the access
 * @write:	the access is a write
 * @vector:	exception, 0: none
 * @linear:	result
 */
struct segment_case {
	unsigned int bits;
	unsigned int seg;
	u16 attr;
	u64 base;
	u32 limit;
	u64 offset;
	unsigned int size;
	bool write;
	u8 vector;
	u64 linear;
};

#define GP	X86_TRAP_GP
#define SS	X86_TRAP_SS

static const struct segment_case segment_cases[] = {
	/* Real mode: limits, no types */
	{ 16, AXV_X86_DS, 0x93, 0x12340, 0xffff, 0x10, 4, true, 0, 0x12350 },
	{ 16, AXV_X86_DS, 0x93, 0, 0xffff, 0xffff, 1, true, 0, 0xffff },
	{ 16, AXV_X86_DS, 0x93, 0, 0xffff, 0xffff, 2, true, GP, 0 },
	{ 16, AXV_X86_SS, 0x93, 0, 0xffff, 0xfffe, 4, false, SS, 0 },
	{ 16, AXV_X86_CS, 0x9b, 0xf0000, 0xffff, 0, 1, true, 0, 0xf0000 },
	{ 16, AXV_X86_DS, 0x93, 0xffff0, 0xffff, 0x10, 1, false, 0, 0x100000 },
	{ 16, AXV_X86_DS, 0x93, 0, U32_MAX, 0xfee00000, 4, true, 0, 0xfee00000 },
	/* 32 bit: data */
	{ 32, AXV_X86_DS, 0xc93, 0, U32_MAX, 0xfffffffc, 4, true, 0, 0xfffffffc },
	{ 32, AXV_X86_DS, 0xc93, 0, U32_MAX, 0xfffffffd, 4, true, GP, 0 },
	{ 32, AXV_X86_DS, 0xc93, 0x1000, U32_MAX, 0xfffff010, 4, false, 0, 0x10 },
	{ 32, AXV_X86_DS, 0xc91, 0, U32_MAX, 0, 4, false, 0, 0 },
	{ 32, AXV_X86_DS, 0xc91, 0, U32_MAX, 0, 4, true, GP, 0 },
	{ 32, AXV_X86_SS, 0xc91, 0, U32_MAX, 0, 4, true, SS, 0 },
	{ 32, AXV_X86_DS, 0x493, 0x100, 0xfff, 0xffc, 4, true, 0, 0x10fc },
	{ 32, AXV_X86_DS, 0x493, 0x100, 0xfff, 0xffd, 4, true, GP, 0 },
	/* not present, or a null selector */
	{ 32, AXV_X86_ES, 0xc13, 0, U32_MAX, 0, 1, false, GP, 0 },
	{ 32, AXV_X86_FS, 0, 0, 0, 0, 1, false, GP, 0 },
	/* code */
	{ 32, AXV_X86_CS, 0xc9b, 0, U32_MAX, 0, 4, false, 0, 0 },
	{ 32, AXV_X86_CS, 0xc9b, 0, U32_MAX, 0, 4, true, GP, 0 },
	{ 32, AXV_X86_CS, 0xc99, 0, U32_MAX, 0, 4, false, GP, 0 },
	{ 32, AXV_X86_DS, 0xc9e, 0, U32_MAX, 0, 4, false, 0, 0 },
	/* expanding down: what is above the limit, up to 64 KiB or 4 GiB */
	{ 32, AXV_X86_DS, 0x497, 0, 0xfff, 0x1000, 4, true, 0, 0x1000 },
	{ 32, AXV_X86_DS, 0x497, 0, 0xfff, 0xfff, 4, true, GP, 0 },
	{ 32, AXV_X86_DS, 0x497, 0, 0xfff, 0xfffffffc, 4, true, 0, 0xfffffffc },
	{ 32, AXV_X86_DS, 0x497, 0, 0xfff, 0xfffffffe, 4, true, GP, 0 },
	{ 32, AXV_X86_SS, 0x097, 0, 0xfff, 0xfffc, 4, true, 0, 0xfffc },
	{ 32, AXV_X86_SS, 0x097, 0, 0xfff, 0xfffd, 4, true, SS, 0 },
	/* 64 bit: canonical addresses, FS and GS have a base */
	{ 64, AXV_X86_DS, 0, 0x1000, 0, 0x7fffffffeff8, 8, true, 0,
	  0x7fffffffeff8 },
	{ 64, AXV_X86_DS, 0, 0, 0, 0x7ffffffffffc, 8, true, GP, 0 },
	{ 64, AXV_X86_DS, 0, 0, 0, 0x800000000000, 1, false, GP, 0 },
	{ 64, AXV_X86_SS, 0, 0, 0, 0x800000000000, 1, false, SS, 0 },
	{ 64, AXV_X86_DS, 0, 0, 0, 0xffff7fffffffffff, 1, false, GP, 0 },
	{ 64, AXV_X86_DS, 0, 0, 0, 0xffff800000000000, 1, false, 0,
	  0xffff800000000000 },
	{ 64, AXV_X86_GS, 0, 0xffff888000000000, 0, 0x28, 8, true, 0,
	  0xffff888000000028 },
	{ 64, AXV_X86_FS, 0, 0x7fffffffffff, 0, 1, 1, true, GP, 0 },
	{ 64, AXV_X86_ES, 0xc91, 0x1000, 0, 0x28, 8, true, 0, 0x28 },
};

static void segment_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(segment_cases); i++) {
		const struct segment_case *c = &segment_cases[i];
		struct guest *g = guest_new(test, c->bits);
		struct axv_x86_fault fault = {};
		u64 linear = 0;
		int err;

		/* In 64-bit mode only the base is set: the attributes of CS make the mode. */
		if (c->bits != 64)
			g->seg[c->seg] = (struct axv_x86_segment){
				.base = c->base,
				.limit = c->limit,
				.attr = c->attr,
			};
		else
			g->seg[c->seg].base = c->base;
		err = test_linear(&g->x, c->seg, c->offset, c->size, c->write,
				  &linear, &fault);
		KUNIT_EXPECT_EQ_MSG(test, err, c->vector ? -EFAULT : 0,
				    "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, fault.vector, c->vector, "case %u",
				    i);
		KUNIT_EXPECT_EQ_MSG(test, fault.error_code, 0u, "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, linear, c->linear, "case %u", i);
	}
}

static void segment_mode_test(struct kunit *test)
{
	struct guest *g = guest_new(test, 64);
	struct axv_x86_fault fault;
	u64 linear;

	/* 57 bits are canonical with 5 levels. */
	g->x.cr4 |= X86_CR4_LA57;
	KUNIT_EXPECT_EQ(test, test_linear(&g->x, AXV_X86_DS, 0x800000000000, 1,
					  false, &linear, &fault), 0);
	KUNIT_EXPECT_EQ(test, test_linear(&g->x, AXV_X86_DS, 1ull << 56, 1,
					  false, &linear, &fault), -EFAULT);

	/* Virtual-8086 mode knows no types, as real mode. */
	g = guest_new(test, 32);
	g->seg[AXV_X86_CS] = (struct axv_x86_segment){
		.base = 0x10000, .limit = 0xffff, .attr = 0xf3,
	};
	g->seg[AXV_X86_DS] = (struct axv_x86_segment){
		.base = 0x20000, .limit = 0xffff, .attr = 0xf1,
	};
	KUNIT_EXPECT_EQ(test, test_linear(&g->x, AXV_X86_DS, 0x10, 1, true,
					  &linear, &fault), -EFAULT);
	g->x.regs.rflags |= X86_EFLAGS_VM;
	KUNIT_EXPECT_EQ(test, test_linear(&g->x, AXV_X86_DS, 0x10, 1, true,
					  &linear, &fault), 0);
	KUNIT_EXPECT_EQ(test, linear, 0x20010ull);
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(no_paging_test),
	KUNIT_CASE(formats_test),
	KUNIT_CASE(pse_test),
	KUNIT_CASE(not_present_test),
	KUNIT_CASE(reserved_test),
	KUNIT_CASE(pdpte_test),
	KUNIT_CASE(reserved_feature_test),
	KUNIT_CASE(rights_test),
	KUNIT_CASE(key_test),
	KUNIT_CASE(hole_test),
	KUNIT_CASE(absent_test),
	KUNIT_CASE(race_test),
	KUNIT_CASE(data_test),
	KUNIT_CASE(wrap_test),
	KUNIT_CASE(fetch_test),
	KUNIT_CASE(segment_test),
	KUNIT_CASE(segment_mode_test),
	{}
};

axv_test_suite("axvcpu-x86-walk", walk_cases);
