/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registers by which EL2 controls the virtual CPU interface (GIC, ICH_*_EL2).  All
 * of this has to run at EL2.
 */
#ifndef _AXVCPU_ARM64_ICH_H
#define _AXVCPU_ARM64_ICH_H

#include <asm/sysreg.h>

#include "gic.h"

#define ICH_LR(n)	sys_reg(3, 4, 12, 12 + ((n) >> 3), (n) & 7)
#define ICH_AP0R(n)	sys_reg(3, 4, 12, 8, (n))
#define ICH_AP1R(n)	sys_reg(3, 4, 12, 9, (n))

/* Few processors have more than four list registers. */
#define FIRST_LRS(X) do {						\
	X(0); X(1); X(2); X(3);						\
} while (0)

#define OTHER_LRS(X) do {						\
	X(4); X(5); X(6); X(7); X(8); X(9); X(10); X(11);		\
	X(12); X(13); X(14); X(15);					\
} while (0)

#define LOAD_LR(n) do {							\
	if (nr_lrs > (n))						\
		write_sysreg_s(ich->lr[n], ICH_LR(n));			\
} while (0)

#define READ_LR(n) do {							\
	if (nr_lrs > (n))						\
		ich->lr[n] = read_sysreg_s(ICH_LR(n));			\
} while (0)

#define CLEAR_LR(n) do {						\
	if (nr_lrs > (n))						\
		write_sysreg_s(0, ICH_LR(n));				\
} while (0)

/**
 * axv_ich_clear() - zero list registers, as they always are while not in use
 * @nr_lrs:	how many
 */
static inline void axv_ich_clear(unsigned int nr_lrs)
{
	FIRST_LRS(CLEAR_LR);
	if (nr_lrs > 4)
		OTHER_LRS(CLEAR_LR);
}

/**
 * axv_ich_load() - load the guest's virtual CPU interface
 * @ich:	what it holds
 * @nr_lrs:	list registers in use
 * @nr_aprs:	registers of active priorities, for each group: 1, 2 or 4
 */
static __always_inline void axv_ich_load(const struct axv_arm64_ich *ich,
					 unsigned int nr_lrs, unsigned int nr_aprs)
{
	write_sysreg_s(ich->vmcr, SYS_ICH_VMCR_EL2);
	write_sysreg_s(ich->ap0r[0], ICH_AP0R(0));
	write_sysreg_s(ich->ap1r[0], ICH_AP1R(0));
	if (unlikely(nr_aprs > 1)) {
		write_sysreg_s(ich->ap0r[1], ICH_AP0R(1));
		write_sysreg_s(ich->ap1r[1], ICH_AP1R(1));
		if (nr_aprs > 2) {
			write_sysreg_s(ich->ap0r[2], ICH_AP0R(2));
			write_sysreg_s(ich->ap1r[2], ICH_AP1R(2));
			write_sysreg_s(ich->ap0r[3], ICH_AP0R(3));
			write_sysreg_s(ich->ap1r[3], ICH_AP1R(3));
		}
	}
	if (likely(!nr_lrs))
		return;
	FIRST_LRS(LOAD_LR);
	if (nr_lrs > 4)
		OTHER_LRS(LOAD_LR);
}

/**
 * axv_ich_save() - save the guest's virtual CPU interface, and zero the list registers
 * @ich:	gets what the guest left
 * @nr_lrs:	as for axv_ich_load()
 * @nr_aprs:	as for axv_ich_load()
 */
static __always_inline void axv_ich_save(struct axv_arm64_ich *ich,
					 unsigned int nr_lrs, unsigned int nr_aprs)
{
	ich->vmcr = read_sysreg_s(SYS_ICH_VMCR_EL2);
	ich->ap0r[0] = read_sysreg_s(ICH_AP0R(0));
	ich->ap1r[0] = read_sysreg_s(ICH_AP1R(0));
	if (unlikely(nr_aprs > 1)) {
		ich->ap0r[1] = read_sysreg_s(ICH_AP0R(1));
		ich->ap1r[1] = read_sysreg_s(ICH_AP1R(1));
		if (nr_aprs > 2) {
			ich->ap0r[2] = read_sysreg_s(ICH_AP0R(2));
			ich->ap1r[2] = read_sysreg_s(ICH_AP1R(2));
			ich->ap0r[3] = read_sysreg_s(ICH_AP0R(3));
			ich->ap1r[3] = read_sysreg_s(ICH_AP1R(3));
		}
	}
	if (likely(!nr_lrs))
		return;
	ich->hcr = read_sysreg_s(SYS_ICH_HCR_EL2);
	FIRST_LRS(READ_LR);
	if (nr_lrs > 4)
		OTHER_LRS(READ_LR);
	axv_ich_clear(nr_lrs);
}

#endif /* _AXVCPU_ARM64_ICH_H */
