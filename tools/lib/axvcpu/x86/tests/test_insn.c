// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Compares every form of instruction with the real CPU: with the same registers and
 * memory before, registers, flags and memory have to be the same after.  Each of the
 * three places in memory (RDI's, RSI's, the stack) is RAM in some runs and a device in
 * others.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "beside.h"
#include "lib.h"
#include "cases.h"
#include "tests/tap.h"

#define RUNS		400u

/* A copy of each state of the memory. */
static unsigned char before[AREAS * AREA];
static unsigned char expected[AREAS * AREA];

/* Numbers that repeat from run to run, many of them near the edges. */
static __u64 random_state;

static __u64 random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static __u64 value(void)
{
	static const __u64 edges[] = {
		0, 1, ~0ull, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, ~0ull >> 1, 1ull << 63, 0xf, 0x10,
	};

	if (random64() & 1)
		return random64();
	return edges[random64() % (sizeof(edges) / sizeof(edges[0]))];
}

/* Status flags that @c leaves undefined with this count. */
static __u64 undefined(const struct insn_case *c, const struct native *n)
{
	unsigned int bits = strstr(c->text, "q ") ? 63 : 31;
	unsigned int width = strstr(c->text, "b ") ? 8 : strstr(c->text, "w ") ? 16 : 64;
	__u64 mask = c->traits & CASE_UNDEF;
	unsigned int count = 0;
	const char *immediate = strchr(c->text, '$');

	if (!(c->traits & CASE_OF1))
		return mask;
	if (immediate)
		count = strtoul(immediate + 1, NULL, 0);
	else
		count = n->gprs.gpr[AXV_X86_RCX];
	count &= bits;
	if (!count)
		return 0;
	if (count > 1)
		mask |= 0x800;
	/* A narrow operand shifted out altogether has no defined carry. */
	if (count >= width)
		mask |= 1;
	return mask;
}

static void put_memory(const struct insn_case *c, struct native *n, __u64 landing)
{
	__u64 *gpr = n->gprs.gpr;
	__u64 *at = (void *)(uintptr_t)gpr[AXV_X86_RDI];
	unsigned int i;

	for (i = 0; i < AREAS * AREA; i += 8) {
		__u64 word = value();

		memcpy(beside_memory + i, &word, 8);
	}
	if (c->traits & CASE_REP) {
		/* Few different values, so that a repeated comparison goes on for a while. */
		for (i = 0; i < AREAS * AREA; i++)
			beside_memory[i] = random64() % 16 ? 0x41 : 0x42;
		gpr[AXV_X86_RAX] = 0x4141414141414141ull;
		if (random64() & 1)
			gpr[AXV_X86_RAX]++;
	}
	if (c->traits & CASE_BRANCH) {
		memcpy(at, &landing, c->traits & CASE_32 ? 4 : 8);
		memcpy((void *)(uintptr_t)gpr[AXV_X86_RSP], &landing,
		       c->traits & CASE_32 ? 4 : 8);
	}
	if (random64() & 1) {	/* the memory's own value, so that CMPXCHG succeeds */
		memcpy(&gpr[AXV_X86_RAX], at, 8);
		if (strstr(c->text, "cmpxchg8b")) {
			gpr[AXV_X86_RDX] = gpr[AXV_X86_RAX] >> 32;
			gpr[AXV_X86_RAX] = (__u32)gpr[AXV_X86_RAX];
		} else if (strstr(c->text, "cmpxchg16b")) {
			memcpy(&gpr[AXV_X86_RDX], at + 1, 8);
		}
	}
}

static void make_input(const struct insn_case *c, struct native *n, unsigned int run)
{
	bool code32 = c->traits & CASE_32;
	bool crossing = run % 4 == 3 && !(c->traits & CASE_ALIGNED);
	__u64 middle = (uintptr_t)beside_memory + AREA / 2;
	unsigned int zmm, hi16;
	unsigned int i;

	for (i = 0; i < 16; i++)
		n->gprs.gpr[i] = value();
	n->gprs.rflags = (random64() & STATUS) | 0x202;
	n->gprs.gpr[AXV_X86_RBX] = random64() % 16;
	n->gprs.gpr[AXV_X86_RDI] = middle + 64 + (run % 3) * 16;
	n->gprs.gpr[AXV_X86_RSI] = middle + AREA + 32 + run % 8;
	n->gprs.gpr[AXV_X86_RSP] = middle + 2 * AREA + 64;
	if (crossing) {
		n->gprs.gpr[AXV_X86_RDI] = middle - 1 - random64() % 8;
		n->gprs.gpr[AXV_X86_RSI] = middle + AREA - 1 - random64() % 8;
		n->gprs.gpr[AXV_X86_RSP] = middle + 2 * AREA - 2;
	}
	if (c->traits & CASE_REP) {
		n->gprs.gpr[AXV_X86_RCX] = random64() % 40;
		n->gprs.rflags |= random64() & FLAG_DF;
	}
	if (c->traits & CASE_BITS) {
		n->gprs.gpr[AXV_X86_RBX] = random64() % 600 - 300;
		n->gprs.gpr[AXV_X86_R9] = random64() % 600 - 300;
	}
	if ((c->traits & CASE_DIVIDE) && run % 4) {
		n->gprs.gpr[AXV_X86_RAX] = random64() % 0x80;
		n->gprs.gpr[AXV_X86_RDX] = 0;
		if (random64() & 1) {
			n->gprs.gpr[AXV_X86_RAX] = -n->gprs.gpr[AXV_X86_RAX];
			n->gprs.gpr[AXV_X86_RDX] = -(__u64)!!n->gprs.gpr[AXV_X86_RAX];
		}
	}
	if (strstr(c->text, "leave"))
		n->gprs.gpr[AXV_X86_RBP] = n->gprs.gpr[AXV_X86_RSP];
	if (strstr(c->text, "xlat"))
		n->gprs.gpr[AXV_X86_RBX] = n->gprs.gpr[AXV_X86_RDI];
	if (code32) {
		for (i = 0; i < 16; i++)
			n->gprs.gpr[i] = (__u32)n->gprs.gpr[i];
	}
	put_memory(c, n, native_landing(code32));
	if (code32) {
		for (i = 0; i < 8; i++)
			n->gprs.gpr[i] = (__u32)n->gprs.gpr[i];
	}

	memset(n->xsave, 0, sizeof(n->xsave));
	n->xsave[0] = 0x7f;	/* FCW 037fh */
	n->xsave[1] = 0x03;
	n->xsave[24] = 0x80;	/* MXCSR 1f80h */
	n->xsave[25] = 0x1f;
	for (i = 0; i < 8; i++) {
		__u64 word = random64();

		memcpy(n->xsave + 32 + 16 * i, &word, 8);
	}
	for (i = 160; i < 416; i++)
		n->xsave[i] = random64();
	/* The upper halves of YMM registers are in use, or all zero; so are ZMM registers. */
	n->xsave[512] = run % 2 ? 7 : 3;
	if (run % 4 > 1 && native_has_avx512(&zmm, &hi16)) {
		n->xsave[512] |= 0xc0;
		for (i = 0; i < 16 * 32; i++)
			n->xsave[zmm + i] = random64();
		for (i = 0; i < 16 * 64; i++)
			n->xsave[hi16 + i] = random64();
	}
	for (i = 576; run % 2 && i < 832; i++)
		n->xsave[i] = random64();
}

static bool one_run(const struct insn_case *c, unsigned int run)
{
	struct native n;
	struct native input;
	struct axv_emul e;
	__u64 undef;
	int ret;

	make_input(c, &n, run);
	input = n;
	undef = undefined(c, &n);
	memcpy(before, beside_memory, sizeof(before));
	native_run(&n, c->start, c->end - c->start, c->traits & CASE_32);
	memcpy(expected, beside_memory, sizeof(expected));
	memcpy(beside_memory, before, sizeof(before));

	beside_devices = run % 8;
	beside_cpu(&e, c->start, c->end - c->start, c->traits & CASE_32, &input);
	ret = axv_emul_step(&e);
	if (ret < 0 || (ret ? e.exception.vector : -1) != n.fault) {
		tap_note("CPU: exception %d, step returned %d: %s", n.fault, ret,
			 ret < 0 ? axv_error() : "an exception");
		return false;
	}
	return beside_same(&n, &e, expected, c->traits & CASE_32, undef);
}

int main(void)
{
	const struct insn_case *c;
	unsigned int zmm, hi16;
	unsigned int run;

	if (!beside_init()) {
		tap(false, "memory below 4 GiB");
		return tap_done();
	}
	for (c = __start_insn_cases; c < __stop_insn_cases; c++) {
		if ((c->traits & CASE_32) && !native_has_code32()) {
			tap(true, "%s (32 bit) # SKIP this machine runs no 32-bit code", c->text);
			continue;
		}
		if ((c->traits & CASE_AVX) && !native_has_avx()) {
			tap(true, "%s # SKIP this processor has no AVX", c->text);
			continue;
		}
		if ((c->traits & CASE_AVX512) && !native_has_avx512(&zmm, &hi16)) {
			tap(true, "%s # SKIP this processor has no AVX-512", c->text);
			continue;
		}
		random_state = 88172645463325252ull;
		for (run = 0; run < RUNS; run++) {
			if (!one_run(c, run))
				break;
		}
		if (!tap(run == RUNS, "%s%s", c->text,
			 c->traits & CASE_32 ? " (32 bit)" : ""))
			tap_note("in run %u, devices %#x", run, beside_devices);
	}
	return tap_done();
}
