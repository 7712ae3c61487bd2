/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Part of costs.c for arm64: recognizes costly instructions (Arm ARM C4.1) and markers.
 */
#ifndef COSTS_H
#define COSTS_H

enum cost {
	COST_NONE,
	COST_MSR, COST_MRS, COST_DAIF, COST_ISB, COST_DSB, COST_DMB,
	COST_TLBI, COST_AT, COST_CACHE, COST_ERET, COST_CALL,
	COST_ATOMIC, COST_ORDERED, COST_VECTOR,
	COSTS,
};

static const char * const cost_names[COSTS] = {
	[COST_MSR] = "msr", [COST_MRS] = "mrs", [COST_DAIF] = "daif",
	[COST_ISB] = "isb", [COST_DSB] = "dsb", [COST_DMB] = "dmb",
	[COST_TLBI] = "tlbi", [COST_AT] = "at", [COST_CACHE] = "cache",
	[COST_ERET] = "eret", [COST_CALL] = "svc_hvc_smc",
	[COST_ATOMIC] = "atomic", [COST_ORDERED] = "ordered", [COST_VECTOR] = "vector",
};

/* Registers that are as fast as general ones are not counted. */
static int is_cheap(uint32_t word)
{
	switch (word >> 5 & 0x7fff) {
	case 0x4208:		/* SP_EL0, the kernel's "current" */
	case 0x5a10:		/* NZCV */
	case 0x6682:		/* TPIDR_EL2, the kernel's per-CPU base */
		return 1;
	}
	return 0;
}

static enum cost cost_of_barrier(uint32_t word)
{
	switch (word >> 5 & 7) {
	case 4:
		return COST_DSB;
	case 5:
		return COST_DMB;
	case 6:
		return COST_ISB;
	}
	return COST_NONE;
}

/* SYS: CRn tells the kind, and for CRn = 7 CRm does. */
static enum cost cost_of_sys(uint32_t word)
{
	if ((word >> 12 & 0xf) == 8)
		return COST_TLBI;
	if ((word >> 12 & 0xf) == 7)
		return (word >> 8 & 0xe) == 8 ? COST_AT : COST_CACHE;
	return COST_NONE;
}

static enum cost cost_of(const uint8_t *bytes, size_t size)
{
	uint32_t word;

	if (size != sizeof(word))
		return COST_NONE;
	memcpy(&word, bytes, sizeof(word));
	if ((word & 0xfff00000u) == 0xd5100000u)
		return is_cheap(word) ? COST_NONE : COST_MSR;
	if ((word & 0xfff00000u) == 0xd5300000u)
		return is_cheap(word) ? COST_NONE : COST_MRS;
	if ((word & 0xfffff0dfu) == 0xd50340dfu)
		return COST_DAIF;
	if ((word & 0xfffff01fu) == 0xd503301fu)
		return cost_of_barrier(word);
	if ((word & 0xfff80000u) == 0xd5080000u)
		return cost_of_sys(word);
	if ((word & 0xfffff3ffu) == 0xd69f03e0u)
		return COST_ERET;
	if ((word & 0xffe0001cu) == 0xd4000000u && word & 3)
		return COST_CALL;
	/* Atomic operations on memory, compare and swap, exclusives */
	if ((word & 0x3f200c00u) == 0x38200000u ||
	    (word & 0x3fa07c00u) == 0x08a07c00u || (word & 0x3f800000u) == 0x08000000u)
		return COST_ATOMIC;
	/* LDAR, STLR, LDAPR */
	if ((word & 0x3fa08000u) == 0x08808000u || (word & 0x3ffffc00u) == 0x38bfc000u)
		return COST_ORDERED;
	/* Pairs of vector registers */
	if ((word & 0xfe000000u) == 0xac000000u)
		return COST_VECTOR;
	return COST_NONE;
}

/* MOVZ XZR, #what */
static bool is_marker(const uint8_t *bytes, size_t size, uintptr_t *what)
{
	uint32_t word;

	if (size != sizeof(word))
		return false;
	memcpy(&word, bytes, sizeof(word));
	*what = word >> 5 & 0xffff;
	return (word & 0xffe0001fu) == 0xd280001fu;
}

#endif /* COSTS_H */
