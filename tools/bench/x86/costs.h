/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Part of costs.c for x86: recognizes costly instructions and markers by their bytes.
 */
#ifndef COSTS_H
#define COSTS_H

#include "arch.h"

enum cost {
	COST_NONE,
	COST_WRMSR, COST_RDMSR,
	COST_XSAVE, COST_XRSTOR, COST_XSETBV, COST_XGETBV, COST_WRPKRU,
	COST_VMRUN, COST_VMLOAD, COST_VMSAVE, COST_STGI, COST_CLGI,
	COST_CR_WRITE, COST_CR_READ, COST_DR_WRITE, COST_DR_READ,
	COST_LOCKED, COST_LFENCE, COST_MFENCE, COST_VERW,
	COST_INVLPG, COST_INVPCID, COST_INVLPGA, COST_CLFLUSH, COST_WBINVD,
	COSTS,
};

static const char * const cost_names[COSTS] = {
	[COST_WRMSR] = "wrmsr", [COST_RDMSR] = "rdmsr",
	[COST_XSAVE] = "xsave", [COST_XRSTOR] = "xrstor",
	[COST_XSETBV] = "xsetbv", [COST_XGETBV] = "xgetbv",
	[COST_WRPKRU] = "wrpkru",
	[COST_VMRUN] = "vmrun", [COST_VMLOAD] = "vmload",
	[COST_VMSAVE] = "vmsave", [COST_STGI] = "stgi", [COST_CLGI] = "clgi",
	[COST_CR_WRITE] = "cr_write", [COST_CR_READ] = "cr_read",
	[COST_DR_WRITE] = "dr_write", [COST_DR_READ] = "dr_read",
	[COST_LOCKED] = "locked", [COST_LFENCE] = "lfence",
	[COST_MFENCE] = "mfence", [COST_VERW] = "verw",
	[COST_INVLPG] = "invlpg", [COST_INVPCID] = "invpcid",
	[COST_INVLPGA] = "invlpga", [COST_CLFLUSH] = "clflush",
	[COST_WBINVD] = "wbinvd",
};

static enum cost cost_of_0f01(uint8_t modrm)
{
	switch (modrm) {
	case 0xd0:
		return COST_XGETBV;
	case 0xd1:
		return COST_XSETBV;
	case 0xd8:
		return COST_VMRUN;
	case 0xda:
		return COST_VMLOAD;
	case 0xdb:
		return COST_VMSAVE;
	case 0xdc:
		return COST_STGI;
	case 0xdd:
		return COST_CLGI;
	case 0xdf:
		return COST_INVLPGA;
	case 0xef:
		return COST_WRPKRU;
	}
	return (modrm >> 3 & 7) == 7 && modrm < 0xc0 ? COST_INVLPG : COST_NONE;
}

static enum cost cost_of_0f(const uint8_t *op, size_t size)
{
	uint8_t modrm = size > 1 ? op[1] : 0;
	uint8_t reg = modrm >> 3 & 7;

	switch (op[0]) {
	case 0x00:
		return reg == 5 ? COST_VERW : COST_NONE;
	case 0x01:
		return cost_of_0f01(modrm);
	case 0x08:
	case 0x09:
		return COST_WBINVD;
	case 0x20:
		return COST_CR_READ;
	case 0x21:
		return COST_DR_READ;
	case 0x22:
		return COST_CR_WRITE;
	case 0x23:
		return COST_DR_WRITE;
	case 0x30:
		return COST_WRMSR;
	case 0x32:
		return COST_RDMSR;
	case 0x38:
		return modrm == 0x82 ? COST_INVPCID : COST_NONE;
	case 0xae:
		if (modrm == 0xe8)
			return COST_LFENCE;
		if (modrm == 0xf0)
			return COST_MFENCE;
		if (modrm >= 0xc0)
			return COST_NONE;
		return reg == 0 || reg == 4 || reg == 6 ? COST_XSAVE :
		       reg == 1 || reg == 5 ? COST_XRSTOR :
		       reg == 7 ? COST_CLFLUSH : COST_NONE;
	case 0xc7:
		if (modrm >= 0xc0)
			return COST_NONE;
		return reg == 4 || reg == 5 ? COST_XSAVE :
		       reg == 3 ? COST_XRSTOR : COST_NONE;
	}
	return COST_NONE;
}

static enum cost cost_of(const uint8_t *bytes, size_t size)
{
	bool lock = false;
	size_t i;

	for (i = 0; i < size; i++) {
		if (bytes[i] == 0xf0)
			lock = true;
		else if (bytes[i] != 0x66 && bytes[i] != 0xf2 &&
			 bytes[i] != 0xf3 && bytes[i] != 0x65 &&
			 bytes[i] != 0x64 && bytes[i] != 0x3e &&
			 (bytes[i] & 0xf0) != 0x40)
			break;
	}
	if (lock)
		return COST_LOCKED;
	if (i + 1 < size && bytes[i] == 0x0f)
		return cost_of_0f(bytes + i + 1, size - i - 1);
	/* XCHG with memory is locked even without a prefix. */
	if (i + 1 < size && (bytes[i] & 0xfe) == 0x86 && bytes[i + 1] < 0xc0)
		return COST_LOCKED;
	return COST_NONE;
}

static bool is_marker(const uint8_t *bytes, size_t size, uintptr_t *what)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x84, 0x00 };
	uint32_t value;

	if (size != 8 || memcmp(bytes, nop, sizeof(nop)))
		return false;
	memcpy(&value, bytes + 4, sizeof(value));
	*what = value & 0xffff;
	return (value & 0xffff0000u) == MARKER_BASE;
}

#endif /* COSTS_H */
