// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Stage 1 of EL1 and EL0, as the hardware walks it (Arm ARM, VMSAv8-64), for 48-bit
 * physical addresses, which are the widest that a guest has.  Linear ones may have 52
 * (FEAT_LVA, FEAT_LPA2).
 */
#include <endian.h>
#include <errno.h>

#include "arm64/insn.h"
#include "lib.h"

#define TCR_HA		(1ull << 39)
#define TCR_DS		(1ull << 59)	/* FEAT_LPA2 */

#define DESC_VALID	(1ull << 0)
#define DESC_TABLE	(1ull << 1)	/* at level 3: a page */
#define DESC_EL0	(1ull << 6)	/* AP[1] */
#define DESC_READONLY	(1ull << 7)	/* AP[2] */
#define DESC_AF		(1ull << 10)
#define DESC_PXN	(1ull << 53)
#define DESC_UXN	(1ull << 54)
#define DESC_PXN_TABLE	(1ull << 59)
#define DESC_UXN_TABLE	(1ull << 60)
#define DESC_NO_EL0_TABLE (1ull << 61)
#define DESC_READONLY_TABLE (1ull << 62)
/*
 * With TCR_DS these are bits 51 to 48 of the address; without it, two of them are
 * shareability.
 */
#define DESC_BEYOND_48	(3ull << 8 | 3ull << 48)

#define PA_MASK		((1ull << 48) - 1)

/**
 * struct half - one of the two halves of the address space
 * @base:	physical address of the first table
 * @bits:	number of bits of an address
 * @granule:	log2 of the size of a page
 * @disabled:	no walk is done
 * @top_byte:	the uppermost byte is no part of the address
 * @flat:	permissions in tables are ignored
 * @lpa2:	TCR_DS is set and means something: with pages of 64 KiB it does not
 */
struct half {
	__u64 base;
	unsigned int bits;
	unsigned int granule;
	bool disabled;
	bool top_byte;
	bool flat;
	bool lpa2;
};

static struct half choose_half(const struct axv_arm64_sregs *s, bool upper)
{
	/* The granules that TCR_EL1.TG0 and TG1 encode */
	static const unsigned char granules[2][4] = { { 12, 16, 14, 0 }, { 0, 14, 12, 16 } };
	__u64 tcr = s->tcr_el1;
	struct half h = {
		.base = (upper ? s->ttbr1_el1 : s->ttbr0_el1) & PA_MASK,
		.bits = 64 - (tcr >> (upper ? 16 : 0) & 0x3f),
		.granule = granules[upper][tcr >> (upper ? 30 : 14) & 3],
		.disabled = tcr >> (upper ? 23 : 7) & 1,
		.top_byte = tcr >> (upper ? 38 : 37) & 1,
		.flat = tcr >> (upper ? 42 : 41) & 1,
	};

	h.lpa2 = tcr & TCR_DS && h.granule != 16;
	h.base &= h.lpa2 ? ~0x3full : ~1ull;
	return h;
}

static unsigned int widest(const struct half *h)
{
	return h->lpa2 || h->granule == 16 ? 52 : 48;
}

/*
 * The first level at which a block may be.  Without FEAT_LPA2 a block maps at most 1 GiB
 * with pages of 4 KiB, and with other pages as much as one table of pages; with FEAT_LPA2
 * it may be one level higher.
 */
static int first_block_level(const struct half *h)
{
	return (h->granule == 12 ? 1 : 2) - h->lpa2;
}

static bool is_canonical(const struct half *h, __u64 linear, bool upper)
{
	unsigned int top = h->top_byte ? 56 : 64;
	__u64 high = linear << (64 - top) >> (64 - top + h->bits);

	return high == (upper ? ~0ull << (64 - top) >> (64 - top + h->bits) : 0);
}

static bool allowed(const struct axv_run_regs *regs, __u64 desc, __u32 access)
{
	bool el0 = (regs->gprs.pstate & PSTATE_MODE) == PSTATE_EL0T;
	bool writable = !(desc & DESC_READONLY);

	if (!access)
		return true;
	if (access & AXV_ACCESS_FETCH) {
		if (writable && (regs->sregs.sctlr_el1 & SCTLR_WXN))
			return false;
		if (el0)
			return !(desc & DESC_UXN);
		/* EL1 never executes what EL0 can write. */
		return !(desc & DESC_PXN) && !(writable && (desc & DESC_EL0));
	}
	if ((access & AXV_ACCESS_WRITE) && !writable)
		return false;
	if (el0)
		return desc & DESC_EL0;
	return !(desc & DESC_EL0) || !(regs->gprs.pstate & PSTATE_PAN);
}

/* Restrictions by a table hold for all below it, as if each entry had them itself. */
static __u64 restrict_by(__u64 table)
{
	__u64 set = 0;

	if (table & DESC_PXN_TABLE)
		set |= DESC_PXN;
	if (table & DESC_UXN_TABLE)
		set |= DESC_UXN;
	if (table & DESC_READONLY_TABLE)
		set |= DESC_READONLY;
	return set;
}

int axv_arm64_walk(struct axv_vcpu *vcpu, const struct axv_run_regs *regs, __u64 linear,
		   __u32 access, __u64 *gpa)
{
	const struct axv_arm64_sregs *s = &regs->sregs;
	bool upper = linear >> 55 & 1;
	struct half h = choose_half(s, upper);
	unsigned int stride = h.granule - 3;
	__u64 set = 0, clear = 0;
	__u64 desc, table = h.base;
	unsigned int shift;
	int level;

	if (!(s->sctlr_el1 & SCTLR_M)) {
		*gpa = linear & PA_MASK;
		return linear >> 48 ? AXV_WALK_FAULT : AXV_WALK_FOUND;
	}
	if (h.disabled || !h.granule || h.bits > widest(&h) || h.bits < 16 ||
	    h.bits <= h.granule || !is_canonical(&h, linear, upper))
		return AXV_WALK_FAULT;

	/* The first table may have fewer entries than fill a page. */
	level = 4 - (int)((h.bits - h.granule + stride - 1) / stride);
	linear &= (1ull << h.bits) - 1;
	for (;; level++) {
		shift = h.granule + stride * (3 - level);
		table += (linear >> shift & ((1ull << stride) - 1)) * sizeof(desc);
		if (axv_ram_read(vcpu->vm, table, &desc, sizeof(desc)))
			return axv_fail(EOPNOTSUPP,
					"vCPU %u: its page table at guest physical %#llx is not in memory",
					vcpu->id, (unsigned long long)table);
		desc = s->sctlr_el1 & SCTLR_EE ? be64toh(desc) : le64toh(desc);
		if (!(desc & DESC_VALID) || (h.lpa2 && desc & DESC_BEYOND_48))
			return AXV_WALK_FAULT;
		if (level == 3 || !(desc & DESC_TABLE))
			break;
		table = desc & PA_MASK & ~((1ull << h.granule) - 1);
		if (h.flat)
			continue;
		set |= restrict_by(desc);
		if (desc & DESC_NO_EL0_TABLE)
			clear = DESC_EL0;
	}
	if (level == 3 ? !(desc & DESC_TABLE) : level < first_block_level(&h))
		return AXV_WALK_FAULT;
	if (!(desc & DESC_AF) && !(s->tcr_el1 & TCR_HA))
		return AXV_WALK_FAULT;
	if (!allowed(regs, (desc | set) & ~clear, access))
		return AXV_WALK_FAULT;
	*gpa = (desc & PA_MASK & ~((1ull << shift) - 1)) | (linear & ((1ull << shift) - 1));
	return AXV_WALK_FOUND;
}
