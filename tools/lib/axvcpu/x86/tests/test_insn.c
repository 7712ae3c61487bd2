// SPDX-License-Identifier: GPL-2.0
/*
 * Every instruction form beside the real CPU: the same registers and memory
 * before, the same registers, flags and memory after.
 *
 * The core works on this process's own addresses: paging is off for it, and
 * guest physical is host virtual.  Each of the three places in memory (RDI's,
 * RSI's, the stack) is RAM in some runs and a device in others.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "x86/emul.h"
#include "lib.h"
#include "cases.h"
#include "native.h"
#include "tests/tap.h"

#define AREA		0x2000u		/* two pages each */
#define AREAS		3
#define RUNS		400u
#define STATUS		0x8d5ull

/* The places, one behind the other, and a copy of each state. */
static unsigned char *memory;
static unsigned char before[AREAS * AREA];
static unsigned char expected[AREAS * AREA];

/* Areas that are devices in this run, and what was asked of them. */
static unsigned int devices;
static unsigned int device_accesses;
static unsigned char xsave[576];

static bool is_device(__u64 gpa)
{
	return devices >> ((gpa - (uintptr_t)memory) / AREA) & 1;
}

static bool in_memory(__u64 gpa, size_t size)
{
	return gpa >= (uintptr_t)memory &&
	       gpa + size <= (uintptr_t)memory + AREAS * AREA;
}

static int ram_read(void *opaque, __u64 gpa, void *data, size_t size)
{
	(void)opaque;
	if (!in_memory(gpa, size) || is_device(gpa))
		return -ENOENT;
	memcpy(data, (void *)gpa, size);
	return 0;
}

static int ram_write(void *opaque, __u64 gpa, const void *data, size_t size)
{
	(void)opaque;
	if (!in_memory(gpa, size) || is_device(gpa))
		return -ENOENT;
	memcpy((void *)gpa, data, size);
	return 0;
}

static int ram_cmpxchg(void *opaque, __u64 gpa, __u64 old, __u64 new, size_t size)
{
	(void)opaque;
	if (!in_memory(gpa, size) || is_device(gpa))
		return -ENOENT;
	if (memcmp((void *)gpa, &old, size))
		return -EAGAIN;
	memcpy((void *)gpa, &new, size);
	return 0;
}

static int device_read(void *opaque, __u64 gpa, unsigned int width, __u64 *data)
{
	(void)opaque;
	device_accesses++;
	if (!in_memory(gpa, width))
		return -ENXIO;
	memcpy(data, (void *)gpa, width);
	return 0;
}

static int device_write(void *opaque, __u64 gpa, unsigned int width, __u64 data)
{
	(void)opaque;
	device_accesses++;
	if (!in_memory(gpa, width))
		return -ENXIO;
	memcpy((void *)gpa, &data, width);
	return 0;
}

static int fpu(void *opaque, bool dirty, unsigned char **block)
{
	(void)opaque;
	(void)dirty;
	*block = xsave;
	return 0;
}

static const struct axv_space space = {
	.read = ram_read,
	.write = ram_write,
	.cmpxchg = ram_cmpxchg,
	.mmio_read = device_read,
	.mmio_write = device_write,
	.fpu = fpu,
};

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

		memcpy(memory + i, &word, 8);
	}
	if (c->traits & CASE_REP) {
		/* Few values, so that comparing goes on for a while. */
		for (i = 0; i < AREAS * AREA; i++)
			memory[i] = random64() % 16 ? 0x41 : 0x42;
		gpr[AXV_X86_RAX] = 0x4141414141414141ull;
		if (random64() & 1)
			gpr[AXV_X86_RAX]++;
	}
	if (c->traits & CASE_BRANCH) {
		memcpy(at, &landing, c->traits & CASE_32 ? 4 : 8);
		memcpy((void *)(uintptr_t)gpr[AXV_X86_RSP], &landing,
		       c->traits & CASE_32 ? 4 : 8);
	}
	if (random64() & 1) {	/* so that a compare and exchange succeeds */
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
	__u64 middle = (uintptr_t)memory + AREA / 2;
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
	if (code32) {
		for (i = 0; i < 16; i++)
			n->gprs.gpr[i] = (__u32)n->gprs.gpr[i];
	}
	put_memory(c, n, native_landing(code32));
	if (code32) {
		for (i = 0; i < 8; i++)
			n->gprs.gpr[i] = (__u32)n->gprs.gpr[i];
	}

	memset(n->fx, 0, sizeof(n->fx));
	n->fx[0] = 0x7f;	/* FCW 037fh */
	n->fx[1] = 0x03;
	n->fx[24] = 0x80;	/* MXCSR 1f80h */
	n->fx[25] = 0x1f;
	for (i = 0; i < 8; i++) {
		__u64 word = random64();

		memcpy(n->fx + 32 + 16 * i, &word, 8);
	}
	for (i = 160; i < 416; i++)
		n->fx[i] = random64();
}

static void make_cpu(struct axv_emul *e, const struct insn_case *c,
		     const struct native *n)
{
	bool code32 = c->traits & CASE_32;
	unsigned short data = 0xcf3;	/* flat, writable, DPL 3 */
	unsigned int i;

	memset(e, 0, sizeof(*e));
	e->gprs = n->gprs;
	e->gprs.rip = native_code(code32);
	for (i = 0; i < AXV_X86_SEGS; i++) {
		e->sregs.seg[i].limit = 0xffffffff;
		e->sregs.seg[i].attr = data;
	}
	asm("mov %%ds, %0" : "=r"(e->sregs.seg[AXV_X86_DS].selector));
	e->sregs.seg[AXV_X86_CS].attr = code32 ? 0xcfb : 0xafb;
	e->sregs.cr0 = CR0_PE;
	e->sregs.cr4 = CR4_OSFXSR;
	e->sregs.efer = code32 ? 0 : EFER_LMA;
	e->phys_bits = 48;
	e->space = &space;
	memcpy(e->insn, c->start, c->end - c->start);
	e->insn_bytes = c->end - c->start;
	memcpy(xsave, n->fx, 512);
	memset(xsave + 512, 0, 64);
	xsave[512] = 3;
}

static bool same_gprs(const struct insn_case *c, const struct axv_x86_gprs *cpu,
		      const struct axv_x86_gprs *core)
{
	bool code32 = c->traits & CASE_32;
	unsigned int i;

	for (i = 0; i < (code32 ? 8 : 16); i++) {
		__u64 mask = code32 ? 0xffffffff : ~0ull;

		if ((cpu->gpr[i] & mask) == (core->gpr[i] & mask))
			continue;
		tap_note("register %u: CPU %#llx, core %#llx", i,
			 (unsigned long long)cpu->gpr[i],
			 (unsigned long long)core->gpr[i]);
		return false;
	}
	if (cpu->rip != core->rip) {
		tap_note("rip: CPU %#llx, core %#llx", (unsigned long long)cpu->rip,
			 (unsigned long long)core->rip);
		return false;
	}
	return true;
}

static bool same_vector(const unsigned char *cpu, const unsigned char *core)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {	/* mantissa, exponent and sign */
		if (memcmp(cpu + 32 + 16 * i, core + 32 + 16 * i, 10)) {
			tap_note("mm%u differs", i);
			return false;
		}
	}
	if (cpu[4] != core[4] || (cpu[3] & 0x38) != (core[3] & 0x38)) {
		tap_note("x87 tags or top of stack differ");
		return false;
	}
	for (i = 0; i < 16; i++) {
		if (memcmp(cpu + 160 + 16 * i, core + 160 + 16 * i, 16)) {
			tap_note("xmm%u differs", i);
			return false;
		}
	}
	return true;
}

static bool same_memory(void)
{
	unsigned int i;

	for (i = 0; i < AREAS * AREA; i++) {
		if (memory[i] == expected[i])
			continue;
		tap_note("memory at area %u + %#x: CPU %02x, core %02x", i / AREA,
			 i % AREA, expected[i], memory[i]);
		return false;
	}
	return true;
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
	memcpy(before, memory, sizeof(before));
	native_run(&n, c->start, c->end - c->start, c->traits & CASE_32);
	memcpy(expected, memory, sizeof(expected));
	memcpy(memory, before, sizeof(before));

	devices = run % 8;
	device_accesses = 0;
	make_cpu(&e, c, &input);
	ret = axv_emul_step(&e);
	if (ret) {
		tap_note("step returned %d: %s", ret, ret < 0 ? axv_error() :
			 "an exception");
		return false;
	}
	if (!same_gprs(c, &n.gprs, &e.gprs) || !same_memory() ||
	    !same_vector(n.fx, xsave))
		return false;
	if (((n.gprs.rflags ^ e.gprs.rflags) & STATUS & ~undef)) {
		tap_note("flags: before %#llx, CPU %#llx, core %#llx",
			 (unsigned long long)input.gprs.rflags & STATUS,
			 (unsigned long long)n.gprs.rflags & STATUS,
			 (unsigned long long)e.gprs.rflags & STATUS);
		return false;
	}
	return true;
}

int main(void)
{
	const struct insn_case *c;
	unsigned int run;

	memory = mmap(NULL, AREAS * AREA, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (memory == MAP_FAILED || !native_init()) {
		tap(false, "memory below 4 GiB");
		return tap_done();
	}
	for (c = __start_insn_cases; c < __stop_insn_cases; c++) {
		random_state = 88172645463325252ull;
		for (run = 0; run < RUNS; run++) {
			if (!one_run(c, run))
				break;
		}
		if (!tap(run == RUNS, "%s%s", c->text,
			 c->traits & CASE_32 ? " (32 bit)" : ""))
			tap_note("in run %u, devices %#x", run, devices);
	}
	return tap_done();
}
