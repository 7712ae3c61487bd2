/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * The instructions that are compared with the real CPU: assembled into a table of their
 * bytes, text and traits.
 */
#ifndef CASES_H
#define CASES_H

#ifndef __ASSEMBLER__
#include <linux/types.h>

/**
 * struct insn_case - one instruction
 * @start: its bytes
 * @end: end of its bytes
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

/* Bits of undefined flags, as in RFLAGS */
#define CASE_UNDEF	0xffff
#define CASE_REP	0x10000		/* small RCX, few different values in memory */
#define CASE_BRANCH	0x20000		/* memory holds the landing's address */
#define CASE_ALIGNED	0x40000		/* operands must be aligned */
#define CASE_BITS	0x80000		/* RBX and R9: bit numbers, signed */
#define CASE_32		0x100000	/* 32-bit code */
#define CASE_OF1	0x200000	/* OF is undefined unless the count is 1 */
#define CASE_AVX	0x400000	/* needs a processor with AVX */
#define CASE_DIVIDE	0x800000	/* a dividend that fits, mostly */
#define CASE_AVX512	0x1000000	/* needs a processor with AVX-512 BW and VL */

/* The flags that each family leaves undefined (AMD APM vol. 3) */
#define U_NONE		0
#define U_AF		0x10
#define U_SHIFT		0x10			/* AF; OF by CASE_OF1 */
#define U_BT		0x894			/* OF SF AF PF */
#define U_MUL		0xd4			/* SF ZF AF PF */
#define U_DIV		0x8d5			/* all */
#define U_SCAN		0x895			/* all but ZF */
#define U_COUNT		0x894			/* all but ZF and CF */

#endif /* CASES_H */
