/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exit reasons of the hardware by name, for the tracepoint axv_exit.
 */
#ifndef _AXVCPU_ARM64_HW_REASON_H
#define _AXVCPU_ARM64_HW_REASON_H

#include <asm/esr.h>

/* Classes of exceptions that come to EL2 (Arm ARM, ESR_EL2, "EC"). */
#define AXV_ESR_CLASSES				\
	{ ESR_ELx_EC_UNKNOWN, "UNKNOWN" },	\
	{ ESR_ELx_EC_WFx, "WFx" },		\
	{ ESR_ELx_EC_CP15_32, "CP15_32" },	\
	{ ESR_ELx_EC_CP15_64, "CP15_64" },	\
	{ ESR_ELx_EC_CP14_MR, "CP14_MR" },	\
	{ ESR_ELx_EC_CP14_LS, "CP14_LS" },	\
	{ ESR_ELx_EC_FP_ASIMD, "FP_ASIMD" },	\
	{ ESR_ELx_EC_CP10_ID, "CP10_ID" },	\
	{ ESR_ELx_EC_PAC, "PAC" },		\
	{ ESR_ELx_EC_CP14_64, "CP14_64" },	\
	{ ESR_ELx_EC_ILL, "ILL" },		\
	{ ESR_ELx_EC_SVC32, "SVC32" },		\
	{ ESR_ELx_EC_HVC32, "HVC32" },		\
	{ ESR_ELx_EC_SMC32, "SMC32" },		\
	{ ESR_ELx_EC_SVC64, "SVC64" },		\
	{ ESR_ELx_EC_HVC64, "HVC64" },		\
	{ ESR_ELx_EC_SMC64, "SMC64" },		\
	{ ESR_ELx_EC_SYS64, "SYS64" },		\
	{ ESR_ELx_EC_SVE, "SVE" },		\
	{ ESR_ELx_EC_ERET, "ERET" },		\
	{ ESR_ELx_EC_SME, "SME" },		\
	{ ESR_ELx_EC_IABT_LOW, "IABT_LOW" },	\
	{ ESR_ELx_EC_PC_ALIGN, "PC_ALIGN" },	\
	{ ESR_ELx_EC_DABT_LOW, "DABT_LOW" },	\
	{ ESR_ELx_EC_SP_ALIGN, "SP_ALIGN" },	\
	{ ESR_ELx_EC_FP_EXC32, "FP_EXC32" },	\
	{ ESR_ELx_EC_FP_EXC64, "FP_EXC64" },	\
	{ ESR_ELx_EC_SERROR, "SERROR" },	\
	{ ESR_ELx_EC_BREAKPT_LOW, "BREAKPT_LOW" },	\
	{ ESR_ELx_EC_SOFTSTP_LOW, "SOFTSTP_LOW" },	\
	{ ESR_ELx_EC_WATCHPT_LOW, "WATCHPT_LOW" },	\
	{ ESR_ELx_EC_BKPT32, "BKPT32" },	\
	{ ESR_ELx_EC_VECTOR32, "VECTOR32" },	\
	{ ESR_ELx_EC_BRK64, "BRK64" }

/* The vector by which the guest left, AXV_EL2_*; only AXV_EL2_SYNC, 0, has a class. */
#define AXV_EL2_VECTORS		\
	{ 1, "IRQ" },		\
	{ 2, "SERROR" },	\
	{ 3, "NOT_ENTERED" }

#define axv_show_hw_reason(backend, reason, info)			\
	((info) & 0xff) ?						\
	__print_symbolic((info) & 0xff, AXV_EL2_VECTORS) :		\
	__print_symbolic(((reason) >> ESR_ELx_EC_SHIFT) & ESR_ELx_EC_MAX, AXV_ESR_CLASSES)

#endif /* _AXVCPU_ARM64_HW_REASON_H */
