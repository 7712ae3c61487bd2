// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The guest's page tables: 32-bit, PAE, four and five levels (AMD APM vol. 2,
 * chapter 5).
 */
#include <errno.h>

#include "emul.h"
#include "lib.h"

#define PTE_P		(1ull << 0)
#define PTE_W		(1ull << 1)
#define PTE_U		(1ull << 2)
#define PTE_A		(1ull << 5)
#define PTE_D		(1ull << 6)
#define PTE_PS		(1ull << 7)
#define PTE_NX		(1ull << 63)

#define PKRU_ACCESS_DISABLE	1u
#define PKRU_WRITE_DISABLE	2u

#define LEVELS_MAX	5

/**
 * struct walk - one walk of the guest's page tables
 * @e: the CPU
 * @linear: the address
 * @access: AXV_ACCESS_*
 * @user: the access is made at privilege level 3
 * @ac: RFLAGS.AC is set, and counts for this access
 * @levels: levels of the table
 * @entry_size: 4 or 8 bytes
 * @nr: entries read so far
 * @where: physical address of each
 * @entry: value of each
 * @leaf_level: level of the last entry; 1: a 4 KiB page
 */
struct walk {
	struct axv_emul *e;
	__u64 linear;
	__u32 access;
	bool user;
	bool ac;
	unsigned int levels;
	unsigned int entry_size;
	unsigned int nr;
	__u64 where[LEVELS_MAX];
	__u64 entry[LEVELS_MAX];
	unsigned int leaf_level;
};

static int walk_fault(struct walk *w, __u32 error_code)
{
	struct axv_emul *e = w->e;

	if (w->access & AXV_ACCESS_WRITE)
		error_code |= PF_WRITE;
	if (w->user)
		error_code |= PF_USER;
	if ((w->access & AXV_ACCESS_FETCH) &&
	    ((e->sregs.efer & EFER_NXE) || (e->sregs.cr4 & CR4_SMEP)))
		error_code |= PF_FETCH;
	e->exception = (struct axv_emul_exception) {
		.vector = VECTOR_PF,
		.has_error_code = true,
		.error_code = error_code,
		.address = w->linear,
	};
	return AXV_EMUL_EXCEPTION;
}

/* A number with the bits from @low to @high set */
static __u64 bits(unsigned int high, unsigned int low)
{
	return low > high ? 0 : (~0ull >> (63 - high)) & (~0ull << low);
}

static bool is_large(const struct walk *w, __u64 entry, unsigned int level)
{
	if (!(entry & PTE_PS))
		return false;
	if (w->levels == 2)
		return level == 2 && (w->e->sregs.cr4 & CR4_PSE);
	if (w->levels == 3)
		return level == 2;
	return level == 2 || level == 3;
}

/* Bits that have to be zero in a present entry. */
static __u64 reserved_bits(const struct walk *w, __u64 entry, unsigned int level)
{
	unsigned int phys_bits = w->e->phys_bits;
	__u64 mask;

	if (w->levels == 2)	/* a 4 MiB page reaches 40 bits (PSE-36) */
		return is_large(w, entry, level) ? bits(21, 21) : 0;
	mask = bits(51, phys_bits);
	if (!(w->e->sregs.efer & EFER_NXE))
		mask |= PTE_NX;
	if (w->levels == 3) {
		mask |= bits(62, 52);
		/*
		 * AMD's processors ignore bits 5 to 8, and one in emulation sets the
		 * accessed bit; Intel's check them when they load the entry.
		 */
		if (level == 3)
			return mask | PTE_NX | bits(2, 1);
	}
	if (is_large(w, entry, level))
		mask |= bits(level * 9 + 2, 13);
	else if (level > 3)
		mask |= PTE_PS;
	return mask;
}

static unsigned int index_shift(const struct walk *w, unsigned int level)
{
	return w->levels == 2 ? 12 + 10 * (level - 1) : 12 + 9 * (level - 1);
}

static __u64 entry_address(const struct walk *w, __u64 table, unsigned int level)
{
	unsigned int mask = w->levels == 2 ? 0x3ff : 0x1ff;

	if (w->levels == 3 && level == 3)
		mask = 3;
	return table + ((w->linear >> index_shift(w, level)) & mask) * w->entry_size;
}

/*
 * Load the PDPTEs before the first walk that needs them.  With VMX a walk begins with the
 * entries that the last MOV to CR3 has loaded; memory may have others by now (SDM vol.
 * 3A, "PDPTE Registers").
 */
static int ask_for_pdptes(struct walk *w)
{
	struct axv_emul *e = w->e;

	if (w->levels != 3 || e->pdptes_asked)
		return 0;
	e->pdptes_asked = true;
	return e->space->load_pdptes ? e->space->load_pdptes(e->opaque) : 0;
}

static int read_entry(struct walk *w, unsigned int level, __u64 *entry)
{
	struct axv_emul *e = w->e;

	*entry = 0;
	if (w->levels == 3 && level == 3 && e->pdptes) {
		*entry = e->pdpte[(w->linear >> 30) & 3];
		return 0;
	}
	if (e->space->read(e->opaque, w->where[w->nr], entry, w->entry_size))
		return axv_fail(EOPNOTSUPP,
				"the guest's page table for linear %#llx is at physical %#llx, where it has no memory",
				(unsigned long long)w->linear,
				(unsigned long long)w->where[w->nr]);
	return 0;
}

static int read_entries(struct walk *w)
{
	struct axv_emul *e = w->e;
	unsigned int level;
	__u64 table;
	__u64 entry;
	int ret;

	if (w->levels == 3)
		table = e->sregs.cr3 & bits(31, 5);
	else if (w->levels == 2)
		table = e->sregs.cr3 & bits(31, 12);
	else
		table = e->sregs.cr3 & bits(51, 12);

	w->nr = 0;
	for (level = w->levels; ; level--) {
		w->where[w->nr] = entry_address(w, table, level);
		ret = read_entry(w, level, &entry);
		if (ret)
			return ret;
		if (!(entry & PTE_P))
			return walk_fault(w, 0);
		if (entry & reserved_bits(w, entry, level))
			return walk_fault(w, PF_PRESENT | PF_RESERVED);
		w->entry[w->nr++] = entry;
		w->leaf_level = level;
		if (level == 1 || is_large(w, entry, level))
			return 0;
		table = entry & (w->levels == 2 ? bits(31, 12) : bits(51, 12));
	}
}

/*
 * Protection keys apply to data in user pages under long mode only.  PKRU is loaded only
 * when it is needed: that is expensive, and most device pages are the kernel's.
 */
static int check_key(struct walk *w)
{
	struct axv_emul *e = w->e;
	unsigned int key = (w->entry[w->nr - 1] >> 59) & 15;
	unsigned int rights;
	int ret;

	if (w->levels < 4 || !(e->sregs.cr4 & CR4_PKE) ||
	    (w->access & AXV_ACCESS_FETCH))
		return 0;
	if (e->space->load_pkru && !e->pkru_loaded) {
		ret = e->space->load_pkru(e->opaque);
		if (ret)
			return ret;
		e->pkru_loaded = true;
	}
	rights = e->pkru >> (key * 2) & 3;
	if ((rights & PKRU_ACCESS_DISABLE) ||
	    ((rights & PKRU_WRITE_DISABLE) && (w->access & AXV_ACCESS_WRITE) &&
	     (w->user || (e->sregs.cr0 & CR0_WP))))
		return walk_fault(w, PF_PRESENT | PF_KEY);
	return 0;
}

static int check_rights(struct walk *w)
{
	struct axv_emul *e = w->e;
	bool page_user = true;
	bool page_write = true;
	bool page_nx = false;
	unsigned int i;

	for (i = 0; i < w->nr; i++) {
		if (w->levels == 3 && i == 0)	/* PDPTEs of PAE have no rights */
			continue;
		page_user &= !!(w->entry[i] & PTE_U);
		page_write &= !!(w->entry[i] & PTE_W);
		page_nx |= w->entry_size == 8 && (w->entry[i] & PTE_NX);
	}
	if (w->user && !page_user)
		return walk_fault(w, PF_PRESENT);
	if ((w->access & AXV_ACCESS_WRITE) && !page_write &&
	    (w->user || (e->sregs.cr0 & CR0_WP)))
		return walk_fault(w, PF_PRESENT);
	if (w->access & AXV_ACCESS_FETCH) {
		if (page_nx || (!w->user && page_user && (e->sregs.cr4 & CR4_SMEP)))
			return walk_fault(w, PF_PRESENT);
	} else if (!w->user && page_user && (e->sregs.cr4 & CR4_SMAP) &&
		   !w->ac) {
		return walk_fault(w, PF_PRESENT);
	}
	return page_user ? check_key(w) : 0;
}

/*
 * Set the accessed bits and, for a write, the dirty bit of the page.  A table in
 * read-only memory cannot be marked, which is ignored.
 *
 * Return: 0, or -EAGAIN if an entry has changed since it was read.
 */
static int mark_entries(struct walk *w)
{
	struct axv_emul *e = w->e;
	unsigned int i;
	__u64 marked;
	int ret;

	for (i = 0; i < w->nr; i++) {
		if (w->levels == 3 && i == 0)
			continue;
		marked = w->entry[i] | PTE_A;
		if (i == w->nr - 1 && (w->access & AXV_ACCESS_WRITE))
			marked |= PTE_D;
		if (marked == w->entry[i])
			continue;
		ret = e->space->cmpxchg(e->opaque, w->where[i], w->entry[i],
					marked, w->entry_size);
		if (ret == -EAGAIN)
			return ret;
	}
	return 0;
}

static __u64 page_address(const struct walk *w)
{
	unsigned int shift = index_shift(w, w->leaf_level);
	__u64 entry = w->entry[w->nr - 1];
	__u64 offset = w->linear & bits(shift - 1, 0);

	if (w->levels == 2 && w->leaf_level == 2)
		return (entry & bits(31, 22)) | ((entry & bits(20, 13)) << 19) |
		       offset;
	return (entry & bits(51, shift)) | offset;
}

int axv_emul_walk(struct axv_emul *e, __u64 linear, __u32 access, __u32 flags,
		  __u64 *gpa)
{
	struct walk w = {
		.e = e,
		.linear = linear,
		.access = access,
		.user = !(flags & AXV_WALK_SYSTEM) && axv_emul_cpl(e) == 3,
		.ac = !(flags & AXV_WALK_SYSTEM) && (e->gprs.rflags & FLAG_AC),
	};
	int ret;

	if (!(e->sregs.cr0 & CR0_PG)) {
		*gpa = linear;
		return 0;
	}
	if (e->sregs.efer & EFER_LMA)
		w.levels = e->sregs.cr4 & CR4_LA57 ? 5 : 4;
	else
		w.levels = e->sregs.cr4 & CR4_PAE ? 3 : 2;
	w.entry_size = w.levels == 2 ? 4 : 8;
	ret = ask_for_pdptes(&w);
	if (ret)
		return ret;

	do {
		ret = read_entries(&w);
		if (!ret && !(flags & AXV_WALK_ANY))
			ret = check_rights(&w);
		if (ret)
			return ret;
	} while (!(flags & AXV_WALK_NO_MARK) && mark_entries(&w));

	*gpa = page_address(&w);
	return 0;
}
