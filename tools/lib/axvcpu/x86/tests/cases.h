/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instructions that are compared with the real CPU: assembled into a table
 * of bytes, text and what is special about each.
 */
#ifndef CASES_H
#define CASES_H

#ifndef __ASSEMBLER__
#include <linux/types.h>

/**
 * struct insn_case - one instruction
 * @start: its bytes
 * @end: behind them
 * @text: as written for the assembler
 * @traits: CASE_*, and in the low bits the flags that it leaves undefined
 */
struct insn_case {
	const unsigned char *start;
	const unsigned char *end;
	const char *text;
	__u64 traits;
};

extern const struct insn_case __start_insn_cases[];
extern const struct insn_case __stop_insn_cases[];
#endif

/* Undefined flags, as in RFLAGS. */
#define CASE_UNDEF	0xffff
#define CASE_REP	0x10000		/* small RCX, memory of few values */
#define CASE_BRANCH	0x20000		/* memory holds the landing's address */
#define CASE_ALIGNED	0x40000		/* operands must be aligned to 16 */
#define CASE_BITS	0x80000		/* RBX and R9: bit numbers, signed */
#define CASE_32		0x100000	/* 32-bit code */
#define CASE_OF1	0x200000	/* OF is undefined unless the count is 1 */

/* Which families leave which flags undefined (AMD APM vol. 3). */
#define U_NONE		0
#define U_AF		0x10
#define U_SHIFT		0x10			/* AF; OF by CASE_OF1 */
#define U_BT		0x894			/* OF SF AF PF */

#endif /* CASES_H */
