// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The guest's page tables: every mode, page size, right and error code.
 */
#include <errno.h>
#include <string.h>

#include "lib.h"
#include "tests/tap.h"
#include "world.h"

#define R	AXV_ACCESS_READ
#define W	AXV_ACCESS_WRITE
#define X	AXV_ACCESS_FETCH
#define RIGHTS	(PTE_P | PTE_W | PTE_U)

static const struct {
	const char *name;
	enum world_mode mode;
	__u64 linear;
	unsigned int level;
	__u64 entry;
	__u64 gpa;
} pages[] = {
	{ "32-bit, 4 KiB", WORLD_LEGACY, 0xc0123456, 1, 0x5000, 0x5456 },
	{ "32-bit, 4 MiB", WORLD_LEGACY, 0xc0123456, 2, 0x800000 | PTE_PS, 0x923456 },
	{ "32-bit, 4 MiB above 4 GiB", WORLD_LEGACY, 0xc0123456, 2,
	  0x800000 | PTE_PS | 0x12u << 13, 0x1200923456 },
	{ "PAE, 4 KiB", WORLD_PAE, 0xc0123456, 1, 0x5000, 0x5456 },
	{ "PAE, 4 KiB above 4 GiB", WORLD_PAE, 0x40123456, 1, 0x7700005000, 0x7700005456 },
	{ "PAE, 2 MiB", WORLD_PAE, 0xc0123456, 2, 0x800000 | PTE_PS, 0x923456 },
	{ "4 levels, 4 KiB", WORLD_LONG4, 0xffff888000123456, 1, 0x5000, 0x5456 },
	{ "4 levels, 2 MiB", WORLD_LONG4, 0xffff888000123456, 2, 0x800000 | PTE_PS, 0x923456 },
	{ "4 levels, 1 GiB", WORLD_LONG4, 0xffff888012345678, 3, 0x80000000 | PTE_PS, 0x92345678 },
	{ "4 levels, PAT bit in a 4 KiB page", WORLD_LONG4, 0x7000, 1, 0x5000 | PTE_PS, 0x5000 },
	{ "4 levels, PAT bit in a 2 MiB page", WORLD_LONG4, 0x201000, 2,
	  0x800000 | PTE_PS | 1 << 12, 0x801000 },
	{ "5 levels, 4 KiB", WORLD_LONG5, 0xff11000000123456, 1, 0x5000, 0x5456 },
	{ "5 levels, 2 MiB", WORLD_LONG5, 0xff11000000123456, 2, 0x800000 | PTE_PS, 0x923456 },
	{ "5 levels, 1 GiB", WORLD_LONG5, 0xff11000012345678, 3, 0x80000000 | PTE_PS, 0x92345678 },
};

static void test_pages(void)
{
	struct axv_emul e;
	unsigned int i;
	unsigned int size;
	__u64 entry;
	__u64 gpa;
	int ret;

	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		world_init(&e, pages[i].mode);
		size = pages[i].mode == WORLD_LEGACY ? 4 : 8;
		world_map(&e, pages[i].linear, pages[i].level, pages[i].entry | RIGHTS);
		gpa = 0;
		ret = axv_emul_walk(&e, pages[i].linear, R, 0, &gpa);
		entry = world_peek(world_entry(&e, pages[i].linear, pages[i].level), size);
		if (!tap(!ret && gpa == pages[i].gpa, "%s", pages[i].name))
			tap_note("returned %d, %#llx", ret, (unsigned long long)gpa);
		tap((entry & (PTE_A | PTE_D)) == PTE_A, "%s: a read marks it accessed",
		    pages[i].name);
		ret = axv_emul_walk(&e, pages[i].linear, W, 0, &gpa);
		entry = world_peek(world_entry(&e, pages[i].linear, pages[i].level), size);
		tap(!ret && (entry & PTE_D), "%s: a write marks it dirty", pages[i].name);
	}
}

/* Rights: one page, one access, and the error code or success */
#define OK	(~0u)
static const struct {
	const char *name;
	enum world_mode mode;
	unsigned int cpl;
	__u32 access;
	__u64 entry;		/* of the page */
	__u64 upper;		/* bits that are inverted in the entry above */
	__u64 cr0;		/* bits cleared */
	__u64 cr4;		/* bits set */
	__u64 rflags;		/* bits set */
	__u32 pkru;
	__u32 error;
} rights[] = {
	{ "not present", WORLD_LONG4, 0, R, 0, .error = 0 },
	{ "not present, write", WORLD_LONG4, 0, W, 0, .error = 2 },
	{ "not present, user fetch", WORLD_LONG4, 3, X, 0, .error = 0x14 },
	{ "upper level not present", WORLD_LONG4, 0, R, RIGHTS, .upper = PTE_P, .error = 0 },
	{ "user reads a supervisor page", WORLD_LONG4, 3, R, PTE_P | PTE_W, .error = 5 },
	{ "user writes a supervisor page", WORLD_LONG4, 3, W, PTE_P | PTE_W, .error = 7 },
	{ "user reads under a supervisor table", WORLD_LONG4, 3, R, RIGHTS,
	  .upper = PTE_U, .error = 5 },
	{ "user writes a read-only page", WORLD_LONG4, 3, W, PTE_P | PTE_U, .error = 7 },
	{ "user writes under a read-only table", WORLD_LONG4, 3, W, RIGHTS,
	  .upper = PTE_W, .error = 7 },
	{ "user reads a read-only page", WORLD_LONG4, 3, R, PTE_P | PTE_U, .error = OK },
	{ "kernel writes a read-only page, WP", WORLD_LONG4, 0, W, PTE_P, .error = 3 },
	{ "kernel writes a read-only page, no WP", WORLD_LONG4, 0, W, PTE_P,
	  .cr0 = CR0_WP, .error = OK },
	{ "user writes a read-only page, no WP", WORLD_LONG4, 3, W, PTE_P | PTE_U,
	  .cr0 = CR0_WP, .error = 7 },
	{ "fetch from a no-execute page", WORLD_LONG4, 0, X, PTE_P | PTE_NX, .error = 0x11 },
	{ "fetch under a no-execute table", WORLD_LONG4, 0, X, RIGHTS, .upper = PTE_NX,
	  .error = 0x11 },
	{ "read from a no-execute page", WORLD_LONG4, 0, R, PTE_P | PTE_NX, .error = OK },
	{ "kernel fetches from a user page", WORLD_LONG4, 0, X, RIGHTS, .error = OK },
	{ "kernel fetches from a user page, SMEP", WORLD_LONG4, 0, X, RIGHTS,
	  .cr4 = CR4_SMEP, .error = 0x11 },
	{ "user fetches from a user page, SMEP", WORLD_LONG4, 3, X, RIGHTS,
	  .cr4 = CR4_SMEP, .error = OK },
	{ "kernel reads a user page, SMAP", WORLD_LONG4, 0, R, RIGHTS,
	  .cr4 = CR4_SMAP, .error = 1 },
	{ "kernel writes a user page, SMAP", WORLD_LONG4, 0, W, RIGHTS,
	  .cr4 = CR4_SMAP, .error = 3 },
	{ "kernel reads a user page, SMAP and AC", WORLD_LONG4, 0, R, RIGHTS,
	  .cr4 = CR4_SMAP, .rflags = FLAG_AC, .error = OK },
	{ "kernel reads a kernel page, SMAP", WORLD_LONG4, 0, R, PTE_P,
	  .cr4 = CR4_SMAP, .error = OK },
	{ "key 3, access disabled", WORLD_LONG4, 3, R, RIGHTS | 3ull << 59,
	  .cr4 = CR4_PKE, .pkru = 1u << 6, .error = 0x25 },
	{ "key 3, write disabled, read", WORLD_LONG4, 3, R, RIGHTS | 3ull << 59,
	  .cr4 = CR4_PKE, .pkru = 2u << 6, .error = OK },
	{ "key 3, write disabled, write", WORLD_LONG4, 3, W, RIGHTS | 3ull << 59,
	  .cr4 = CR4_PKE, .pkru = 2u << 6, .error = 0x27 },
	{ "key 3, write disabled, kernel without WP", WORLD_LONG4, 0, W, RIGHTS | 3ull << 59,
	  .cr0 = CR0_WP, .cr4 = CR4_PKE, .pkru = 2u << 6, .error = OK },
	{ "another key", WORLD_LONG4, 3, W, RIGHTS | 2ull << 59,
	  .cr4 = CR4_PKE, .pkru = 3u << 6, .error = OK },
	{ "key, but a fetch", WORLD_LONG4, 3, X, RIGHTS | 3ull << 59,
	  .cr4 = CR4_PKE, .pkru = 3u << 6, .error = OK },
	{ "key, but a kernel page", WORLD_LONG4, 0, W, PTE_P | PTE_W | 3ull << 59,
	  .cr4 = CR4_PKE, .pkru = 3u << 6, .error = OK },
	{ "reserved address bit", WORLD_LONG4, 0, R, RIGHTS | 1ull << 50, .error = 9 },
	{ "reserved address bit, PAE, user write", WORLD_PAE, 3, W, RIGHTS | 1ull << 51,
	  .error = 0xf },
	{ "reserved bit 52, PAE", WORLD_PAE, 0, R, RIGHTS | 1ull << 52, .error = 9 },
	{ "ignored bit 52, 4 levels", WORLD_LONG4, 0, R, RIGHTS | 1ull << 52, .error = OK },
	{ "PAE, no execute", WORLD_PAE, 0, X, RIGHTS | PTE_NX, .error = 0x11 },
	{ "PAE, user writes", WORLD_PAE, 3, W, RIGHTS, .error = OK },
	{ "32-bit, user reads a supervisor page", WORLD_LEGACY, 3, R, PTE_P, .error = 5 },
	{ "32-bit, user fetch, no error bit for it", WORLD_LEGACY, 3, X, PTE_P, .error = 5 },
	{ "5 levels, user writes a read-only page", WORLD_LONG5, 3, W, PTE_P | PTE_U, .error = 7 },
};

static void test_rights(void)
{
	const __u64 linear = 0x40005123;
	struct axv_emul e;
	unsigned int i;
	unsigned int size;
	__u64 where;
	__u64 gpa;
	int ret;

	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		world_init(&e, rights[i].mode);
		world_set_cpl(&e, rights[i].cpl);
		size = rights[i].mode == WORLD_LEGACY ? 4 : 8;
		world_map(&e, linear, 1, 0x90000 | rights[i].entry);
		where = world_entry(&e, linear, 2);
		world_poke(where, world_peek(where, size) ^ rights[i].upper, size);
		e.sregs.cr0 &= ~rights[i].cr0;
		e.sregs.cr4 |= rights[i].cr4;
		e.gprs.rflags |= rights[i].rflags;
		e.pkru = rights[i].pkru;
		ret = axv_emul_walk(&e, linear, rights[i].access, 0, &gpa);
		if (rights[i].error == OK) {
			tap(!ret && gpa == 0x90123, "%s: allowed", rights[i].name);
			continue;
		}
		if (!tap(ret == AXV_EMUL_EXCEPTION && e.exception.vector == VECTOR_PF &&
			 e.exception.has_error_code &&
			 e.exception.error_code == rights[i].error &&
			 e.exception.address == linear,
			 "%s: #PF(%#x)", rights[i].name, rights[i].error))
			tap_note("returned %d, error code %#x", ret, e.exception.error_code);
		if (!(rights[i].upper & PTE_P))
			tap(!(world_peek(world_entry(&e, linear, 1), size) & (PTE_A | PTE_D)),
			    "%s: nothing marked", rights[i].name);
	}
}

/* Reserved bits of large pages and of the upper levels. */
static const struct {
	const char *name;
	enum world_mode mode;
	unsigned int level;
	__u64 entry;
	__u64 efer;		/* bits cleared */
	bool reserved;
} reserved[] = {
	{ "2 MiB page, bit 13", WORLD_LONG4, 2, PTE_PS | 1 << 13, 0, true },
	{ "2 MiB page, bit 20", WORLD_LONG4, 2, PTE_PS | 1 << 20, 0, true },
	{ "1 GiB page, bit 29", WORLD_LONG4, 3, PTE_PS | 1 << 29, 0, true },
	{ "4 MiB page, bit 21", WORLD_LEGACY, 2, PTE_PS | 1 << 21, 0, true },
	{ "PS in level 4", WORLD_LONG4, 4, PTE_PS, 0, true },
	{ "PS in level 5", WORLD_LONG5, 5, PTE_PS, 0, true },
	{ "NX without NXE", WORLD_LONG4, 1, PTE_NX, EFER_NXE, true },
	{ "PAE top, W", WORLD_PAE, 3, PTE_W, 0, true },
	{ "PAE top, bits 5, 6 and 8", WORLD_PAE, 3, 0x160, 0, false },
	{ "PAE top, PWT and PCD", WORLD_PAE, 3, 3 << 3, 0, false },
};

static void test_reserved(void)
{
	const __u64 linear = 0x40005123;
	struct axv_emul e;
	unsigned int size;
	unsigned int i;
	__u64 where;
	__u64 gpa;
	int ret;

	for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		world_init(&e, reserved[i].mode);
		size = reserved[i].mode == WORLD_LEGACY ? 4 : 8;
		world_map(&e, linear, 1, 0x90000 | RIGHTS);
		where = world_entry(&e, linear, reserved[i].level);
		if (reserved[i].entry & PTE_PS && reserved[i].level < 4)
			world_poke(where, reserved[i].entry | RIGHTS, size);
		else
			world_poke(where, world_peek(where, size) | reserved[i].entry, size);
		e.sregs.efer &= ~reserved[i].efer;
		ret = axv_emul_walk(&e, linear, R, 0, &gpa);
		if (reserved[i].reserved)
			tap(ret == AXV_EMUL_EXCEPTION && e.exception.error_code == 9,
			    "%s is reserved", reserved[i].name);
		else
			tap(!ret && gpa == 0x90123, "%s is not reserved", reserved[i].name);
	}
}

/* With VMX the PDPTEs that are loaded count, whatever memory has by now. */
static void test_pdptes(void)
{
	const __u64 linear = 0x40005123;
	struct axv_emul e;
	__u64 gpa;
	int ret;

	world_init(&e, WORLD_PAE);
	world_map(&e, linear, 1, 0x90000 | RIGHTS);
	e.pdptes = true;
	e.pdpte[1] = world_peek(world_entry(&e, linear, 3), 8);
	world_poke(world_entry(&e, linear, 3), 0, 8);
	ret = axv_emul_walk(&e, linear, R, 0, &gpa);
	tap(!ret && gpa == 0x90123, "a PDPTE that is loaded, and gone from memory");

	world_poke(world_entry(&e, linear, 3), e.pdpte[1], 8);
	e.pdpte[1] = 0;
	ret = axv_emul_walk(&e, linear, R, 0, &gpa);
	tap(ret == AXV_EMUL_EXCEPTION && e.exception.error_code == 0,
	    "a PDPTE in memory that is not loaded");

	/* Only PAE has PDPTEs that are loaded. */
	world_init(&e, WORLD_LONG4);
	world_map(&e, linear, 1, 0x90000 | RIGHTS);
	e.pdptes = true;
	ret = axv_emul_walk(&e, linear, R, 0, &gpa);
	tap(!ret && gpa == 0x90123, "four levels know no PDPTE registers");
}

static void test_marking(void)
{
	const __u64 linear = 0x40005123;
	struct axv_emul e;
	unsigned int level;
	__u64 gpa;
	int ret;

	world_init(&e, WORLD_LONG4);
	world_map(&e, linear, 1, 0x90000 | RIGHTS);
	ret = axv_emul_walk(&e, linear, W, AXV_WALK_NO_MARK, &gpa);
	tap(!ret && gpa == 0x90123 &&
	    !(world_peek(world_entry(&e, linear, 1), 8) & (PTE_A | PTE_D)),
	    "a walk that marks nothing");
	ret = axv_emul_walk(&e, linear, R, 0, &gpa);
	tap(!ret && (world_peek(world_entry(&e, linear, 4), 8) & PTE_A) &&
	    (world_peek(world_entry(&e, linear, 2), 8) & PTE_A) &&
	    !(world_peek(world_entry(&e, linear, 2), 8) & PTE_D),
	    "tables on the way are marked accessed, never dirty");

	world_init(&e, WORLD_LONG4);
	world_set_cpl(&e, 3);
	world_map(&e, linear, 1, 0x90000 | PTE_P);
	ret = axv_emul_walk(&e, linear, W, AXV_WALK_ANY | AXV_WALK_NO_MARK, &gpa);
	tap(!ret && gpa == 0x90123, "a walk that ignores rights");

	/* The 16 that the other CPU adds is bit 4 (PCD). */
	world_init(&e, WORLD_LONG4);
	world_map(&e, linear, 1, 0x90000 | RIGHTS);
	world_contention = 3;
	ret = axv_emul_walk(&e, linear, W, 0, &gpa);
	for (level = 1; level <= 4; level++) {
		if (!(world_peek(world_entry(&e, linear, level), 8) & PTE_A))
			break;
	}
	tap(!ret && !world_contention && level == 5 &&
	    (world_peek(world_entry(&e, linear, 1), 8) & PTE_D),
	    "an entry that changes meanwhile is read again");

	world_init(&e, WORLD_LONG4);
	e.sregs.cr3 = WORLD_ROM;
	world_poke(WORLD_ROM, 0x90000 | RIGHTS, 8);
	world_poke(0x90000, 0x91000 | RIGHTS, 8);
	world_poke(0x91000, 0x92000 | RIGHTS, 8);
	world_poke(0x92000, 0x93000 | RIGHTS, 8);
	ret = axv_emul_walk(&e, 0x123, W, 0, &gpa);
	tap(!ret && gpa == 0x93123 && (world_peek(0x92000, 8) & PTE_D),
	    "a table in read-only memory does without marks");

	world_init(&e, WORLD_LONG4);
	e.sregs.cr3 = WORLD_DEVICE;
	ret = axv_emul_walk(&e, linear, R, 0, &gpa);
	tap(ret == -EOPNOTSUPP && strstr(axv_error(), "0xd0000000"),
	    "a table outside memory is an error that names its address");
}

int main(void)
{
	test_pages();
	test_rights();
	test_reserved();
	test_pdptes();
	test_marking();
	return tap_done();
}
