// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Compares the core with the processor.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "beside.h"
#include "lib.h"
#include "tests/tap.h"

unsigned char *beside_memory;
unsigned int beside_devices;

static unsigned char xsave[NATIVE_XSAVE];

bool beside_init(void)
{
	beside_memory = mmap(NULL, AREAS * AREA, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	return beside_memory != MAP_FAILED && native_init();
}

static bool is_device(__u64 gpa)
{
	return beside_devices >> ((gpa - (uintptr_t)beside_memory) / AREA) & 1;
}

static bool in_memory(__u64 gpa, size_t size)
{
	__u64 offset = gpa - (uintptr_t)beside_memory;

	return offset < AREAS * AREA && size <= AREAS * AREA - offset;
}

static bool is_ram(__u64 gpa, size_t size)
{
	return in_memory(gpa, size) && !is_device(gpa);
}

static int ram_read(void *opaque, __u64 gpa, void *data, size_t size)
{
	(void)opaque;
	if (!is_ram(gpa, size))
		return -ENOENT;
	memcpy(data, (void *)gpa, size);
	return 0;
}

static int ram_write(void *opaque, __u64 gpa, const void *data, size_t size)
{
	(void)opaque;
	if (!is_ram(gpa, size))
		return -ENOENT;
	memcpy((void *)gpa, data, size);
	return 0;
}

static int ram_cmpxchg(void *opaque, __u64 gpa, __u64 old, __u64 new, size_t size)
{
	(void)opaque;
	if (!is_ram(gpa, size))
		return -ENOENT;
	if (memcmp((void *)gpa, &old, size))
		return -EAGAIN;
	memcpy((void *)gpa, &new, size);
	return 0;
}

static int device_read(void *opaque, __u64 gpa, unsigned int width, __u64 *data)
{
	(void)opaque;
	if (!in_memory(gpa, width))
		return -ENXIO;
	memcpy(data, (void *)gpa, width);
	return 0;
}

static int device_write(void *opaque, __u64 gpa, unsigned int width, __u64 data)
{
	(void)opaque;
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

void beside_cpu(struct axv_emul *e, const void *insn, unsigned int size, bool code32,
		const struct native *n)
{
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
	e->sregs.cr4 = CR4_OSFXSR | CR4_OSXSAVE;
	e->sregs.efer = code32 ? 0 : EFER_LMA;
	e->phys_bits = 48;
	e->space = &space;
	memcpy(e->insn, insn, size);
	e->insn_bytes = size;
	memcpy(xsave, n->xsave, sizeof(xsave));
	e->xsave_ymm = native_has_avx() ? 576 : 0;
	if (!native_has_avx512(&e->xsave_zmm, &e->xsave_hi16)) {
		e->xsave_zmm = 0;
		e->xsave_hi16 = 0;
	}
}

static bool same_gprs(bool code32, const struct axv_x86_gprs *cpu,
		      const struct axv_x86_gprs *core)
{
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
		static const unsigned char zero[16];
		const unsigned char *high = core[512] & 4 ? core + 576 + 16 * i : zero;

		if (memcmp(cpu + 160 + 16 * i, core + 160 + 16 * i, 16)) {
			tap_note("xmm%u differs", i);
			return false;
		}
		if (native_has_avx() && memcmp(cpu + 576 + 16 * i, high, 16)) {
			tap_note("upper half of ymm%u differs", i);
			return false;
		}
	}
	return true;
}

/* Compare a component of AVX-512; the core's counts only if it is valid. */
static bool same_component(const char *name, const unsigned char *cpu,
			   const unsigned char *core, bool valid, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		if (cpu[i] == (valid ? core[i] : 0))
			continue;
		tap_note("%s, byte %#x: CPU %02x, core %02x", name, i, cpu[i],
			 valid ? core[i] : 0);
		return false;
	}
	return true;
}

static bool same_avx512(const unsigned char *cpu, const unsigned char *core)
{
	unsigned int zmm, hi16;

	return !native_has_avx512(&zmm, &hi16) ||
	       (same_component("upper halves of zmm0 to zmm15", cpu + zmm, core + zmm,
			       core[512] & 0x40, 16 * 32) &&
		same_component("zmm16 to zmm31", cpu + hi16, core + hi16,
			       core[512] & 0x80, 16 * 64));
}

static bool same_memory(const unsigned char *expected)
{
	unsigned int i;

	if (!memcmp(beside_memory, expected, AREAS * AREA))
		return true;
	for (i = 0; i < AREAS * AREA; i++) {
		if (beside_memory[i] == expected[i])
			continue;
		tap_note("memory at area %u + %#x: CPU %02x, core %02x", i / AREA,
			 i % AREA, expected[i], beside_memory[i]);
		return false;
	}
	return true;
}

bool beside_same(const struct native *n, const struct axv_emul *e,
		 const unsigned char *expected, bool code32, __u64 undefined)
{
	if (!same_gprs(code32, &n->gprs, &e->gprs) || !same_memory(expected) ||
	    !same_vector(n->xsave, xsave) || !same_avx512(n->xsave, xsave))
		return false;
	if ((n->gprs.rflags ^ e->gprs.rflags) & STATUS & ~undefined) {
		tap_note("flags: CPU %#llx, core %#llx",
			 (unsigned long long)n->gprs.rflags & STATUS,
			 (unsigned long long)e->gprs.rflags & STATUS);
		return false;
	}
	return true;
}
