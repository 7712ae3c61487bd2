// SPDX-License-Identifier: GPL-2.0
/*
 * ID registers as the guest sees them: what all CPUs of the host have in common,
 * as the kernel knows it, less the features that are not switched.
 */
#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>

#include "arm64.h"

/* A field of four bits, by its lowest bit. */
#define F(shift)	(0xfull << (shift))

/* ID_AA64PFR0_EL1: the GIC's CPU interface is a set of system registers */
#define PFR0_GIC	BIT_ULL(24)

/* The registers lie at op0 = 3, op1 = 0, CRn = 0, by CRm and op2. */
#define SLOTS		(8 * 8)
#define SLOT(crm, op2)	((crm) * 8 + (op2))

static u64 id_values[SLOTS] __ro_after_init;

/**
 * struct id_reg - an ID register that is not all zero
 * @slot:	its SLOT()
 * @keep:	fields that are as the host's
 * @set:	other fields, which are the same for all guests
 */
struct id_reg {
	u8 slot;
	u64 keep;
	u64 set;
};

static const struct id_reg id_regs[] = {
	/*
	 * ID_AA64PFR0_EL1: EL0, floating point, DIT, CSV2, CSV3; EL1 is AArch64.
	 * No EL2, EL3, GIC registers, RAS, SVE, MPAM, AMU, RME.
	 */
	{ SLOT(4, 0), F(0) | F(16) | F(20) | F(48) | F(56) | F(60), 1 << 4 },
	/* ID_AA64PFR1_EL1: BT, SSBS.  No MTE, SME. */
	{ SLOT(4, 1), F(0) | F(4), 0 },
	/* ID_AA64DFR0_EL1: Armv8 debug with the least number of everything */
	{ SLOT(5, 0), 0, 6 | 1 << 12 | 1 << 20 | F(36) },
	/* ID_AA64ISAR0_EL1: instructions need no switching.  No TME. */
	{ SLOT(6, 0), ~F(24), 0 },
	/* ID_AA64ISAR1_EL1: no pointer authentication, XS, LS64 */
	{ SLOT(6, 1), ~(F(4) | F(8) | F(24) | F(28) | F(56) | F(60)), 0 },
	/* ID_AA64ISAR2_EL1: RPRES, BC, CLRBHB */
	{ SLOT(6, 2), F(4) | F(20) | F(28), 0 },
	/* ID_AA64MMFR0_EL1: PARange, ASIDs, endianness, granules of stage 1 */
	{ SLOT(7, 0), F(0) | F(4) | F(8) | F(16) | F(20) | F(24) | F(28), 0 },
	/* ID_AA64MMFR1_EL1: HAFDBS, HPDS, PAN, ETS, AFP, nTLBPA */
	{ SLOT(7, 1), F(0) | F(12) | F(20) | F(36) | F(44) | F(48), 0 },
	/*
	 * ID_AA64MMFR2_EL1: UAO, LSM, VARange, CCIDX, ST, AT, IDS, TTL, BBM, E0PD.
	 * No CnP: VMs may have the same VMID, and then their ASIDs mean different
	 * things on different CPUs.
	 */
	{ SLOT(7, 2), F(4) | F(8) | F(16) | F(20) | F(28) | F(32) |
		      F(36) | F(48) | F(52) | F(60), 0 },
};

/* Larger values of these fields promise registers that are not switched. */
static const struct {
	u8 slot;
	u8 shift;
	u8 max;
} limits[] = {
	{ SLOT(4, 0), 56, 1 },	/* CSV2: SCXTNUM_EL1 */
	{ SLOT(7, 1), 0, 2 },	/* HAFDBS: TCR2_EL1 */
	{ SLOT(7, 2), 16, 1 },	/* VARange: TCR2_EL1 */
};

static void limit_fields(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		u64 *value = &id_values[limits[i].slot];
		unsigned int shift = limits[i].shift;
		u64 field = min_t(u64, (*value >> shift) & 0xf, limits[i].max);

		*value = (*value & ~F(shift)) | field << shift;
	}
}

/* The ID registers of AArch32, which a guest may have at EL0, are the host's. */
static void add_aarch32(void)
{
	static const u8 slots[] = {
		SLOT(1, 0), SLOT(1, 1), SLOT(1, 4), SLOT(1, 5), SLOT(1, 6),
		SLOT(1, 7), SLOT(2, 0), SLOT(2, 1), SLOT(2, 2), SLOT(2, 3),
		SLOT(2, 4), SLOT(2, 5), SLOT(2, 6), SLOT(2, 7), SLOT(3, 0),
		SLOT(3, 1), SLOT(3, 2), SLOT(3, 4),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		id_values[slots[i]] =
			read_sanitised_ftr_reg(sys_reg(3, 0, 0, slots[i] / 8,
						       slots[i] % 8));
}

/** axv_arm64_idregs_init() - compute the ID registers of all guests */
void __init axv_arm64_idregs_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(id_regs); i++) {
		const struct id_reg *reg = &id_regs[i];
		u64 host = read_sanitised_ftr_reg(sys_reg(3, 0, 0, reg->slot / 8,
							  reg->slot % 8));

		id_values[reg->slot] = (host & reg->keep) | reg->set;
	}
	limit_fields();
	if (axv_arm64_host.el0_32)
		add_aarch32();
}

/* The smallest PARange that is enough for the VM's guest physical addresses. */
static u64 pa_range(u64 host, unsigned int ipa_bits)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48 };
	u64 range = 0;

	while (range < min_t(u64, host, ARRAY_SIZE(bits) - 1) &&
	       bits[range] < ipa_bits)
		range++;
	return range;
}

/**
 * axv_arm64_id_reg() - read an ID register as the guest sees it
 * @v:		any vCPU
 * @sysreg:	AXV_SYSREG()
 * @value:	what the guest reads
 *
 * Return: false if @sysreg is none of the ID registers that HCR_EL2.TID3 traps.
 */
bool axv_arm64_id_reg(const struct axv_arm64_vcpu *v, u32 sysreg, u64 *value)
{
	u32 first = AXV_SYSREG(3, 0, 0, 1, 0);
	u32 slot = sysreg - AXV_SYSREG(3, 0, 0, 0, 0);

	if (sysreg < first || slot >= SLOTS)
		return false;
	slot = array_index_nospec(slot, SLOTS);
	*value = id_values[slot];
	if (slot == SLOT(4, 0) && axv_arm64_has_gic(v))
		*value |= PFR0_GIC;
	if (slot == SLOT(7, 0))
		*value = (*value & ~F(0)) |
			 pa_range(*value & F(0), v->base.vm->ipa_bits);
	return true;
}
