// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * A guest for the execution core, without a kernel.
 */
#include <errno.h>
#include <string.h>

#include "world.h"

#define TABLES		0x1000u		/* page tables are taken from here */

unsigned char world_ram[WORLD_RAM];
struct world_access world_log[64];
unsigned int world_accesses;
int world_device_error;
int world_port_error;
unsigned int world_contention;
unsigned char world_xsave[4096];

static __u64 next_table;

static int ram_read(void *opaque, __u64 gpa, void *data, size_t size)
{
	(void)opaque;
	if (gpa >= WORLD_RAM)
		return -ENOENT;
	memcpy(data, world_ram + gpa, size);
	return 0;
}

static int ram_write(void *opaque, __u64 gpa, const void *data, size_t size)
{
	(void)opaque;
	if (gpa >= WORLD_RAM)
		return -ENOENT;
	if (gpa >= WORLD_ROM)
		return -EROFS;
	memcpy(world_ram + gpa, data, size);
	return 0;
}

static int ram_cmpxchg(void *opaque, __u64 gpa, __u64 old, __u64 new, size_t size)
{
	(void)opaque;
	if (gpa >= WORLD_RAM)
		return -ENOENT;
	if (gpa >= WORLD_ROM)
		return -EROFS;
	if (world_contention) {	/* another CPU has added 16 before */
		world_contention--;
		world_poke(gpa, world_peek(gpa, size) + 16, size);
	}
	if (memcmp(world_ram + gpa, &old, size))
		return -EAGAIN;
	memcpy(world_ram + gpa, &new, size);
	return 0;
}

static void record(bool write, __u64 gpa, unsigned int width, __u64 data)
{
	if (world_accesses < sizeof(world_log) / sizeof(world_log[0]))
		world_log[world_accesses] = (struct world_access) {
			.write = write, .gpa = gpa, .width = width, .data = data,
		};
	world_accesses++;
}

/* A device answers with its address, so that pieces can be told apart. */
static int device_read(void *opaque, __u64 gpa, unsigned int width, __u64 *data)
{
	unsigned int i;

	(void)opaque;
	*data = 0;
	for (i = 0; i < width; i++)
		*data |= ((gpa + i) & 0xff) << i * 8;
	record(false, gpa, width, *data);
	return world_device_error;
}

static int device_write(void *opaque, __u64 gpa, unsigned int width, __u64 data)
{
	(void)opaque;
	record(true, gpa, width, data);
	return world_device_error;
}

/* A port answers 0x11 for each byte, and is recorded as a device at its number. */
static int port_read(void *opaque, __u16 port, unsigned int width, void *data,
		     unsigned int count)
{
	(void)opaque;
	memset(data, 0x11, width * count);
	record(false, port, width * count, width);
	return world_port_error;
}

static int port_write(void *opaque, __u16 port, unsigned int width, const void *data,
		      unsigned int count)
{
	__u64 first = 0;

	(void)opaque;
	memcpy(&first, data, width);
	record(true, port, width * count, first);
	return world_port_error;
}

static int fpu(void *opaque, bool dirty, unsigned char **xsave)
{
	(void)opaque;
	(void)dirty;
	*xsave = world_xsave;
	return 0;
}

static const struct axv_space space = {
	.read = ram_read,
	.write = ram_write,
	.cmpxchg = ram_cmpxchg,
	.mmio_read = device_read,
	.mmio_write = device_write,
	.port_read = port_read,
	.port_write = port_write,
	.fpu = fpu,
};

static void flat_segments(struct axv_emul *e, __u16 code, __u16 data, __u32 limit)
{
	unsigned int i;

	for (i = 0; i < AXV_X86_SEGS; i++) {
		e->sregs.seg[i].limit = limit;
		e->sregs.seg[i].attr = data;
	}
	e->sregs.seg[AXV_X86_CS].attr = code;
}

void world_init(struct axv_emul *e, enum world_mode mode)
{
	memset(e, 0, sizeof(*e));
	memset(world_ram, 0, sizeof(world_ram));
	memset(world_xsave, 0, sizeof(world_xsave));
	world_accesses = 0;
	world_device_error = 0;
	world_port_error = 0;
	world_contention = 0;
	next_table = TABLES;
	e->space = &space;
	e->phys_bits = 48;
	e->gprs.rflags = 2;
	e->sregs.cr4 = CR4_OSFXSR;
	e->sregs.cr0 = CR0_PE;
	switch (mode) {
	case WORLD_REAL:
		e->sregs.cr0 = 0;
		flat_segments(e, 0x093, 0x093, 0xffff);
		break;
	case WORLD_PROT16:
		flat_segments(e, 0x09b, 0x093, 0xffff);
		break;
	case WORLD_PROT32:
		flat_segments(e, 0xc9b, 0xc93, 0xffffffff);
		break;
	case WORLD_LEGACY:
		flat_segments(e, 0xc9b, 0xc93, 0xffffffff);
		e->sregs.cr0 |= CR0_PG | CR0_WP;
		e->sregs.cr4 |= CR4_PSE;
		break;
	case WORLD_PAE:
		flat_segments(e, 0xc9b, 0xc93, 0xffffffff);
		e->sregs.cr0 |= CR0_PG | CR0_WP;
		e->sregs.cr4 |= CR4_PAE;
		e->sregs.efer = EFER_NXE;
		break;
	case WORLD_LONG5:
		e->sregs.cr4 |= CR4_LA57;
		/* fall through */
	case WORLD_LONG4:
		flat_segments(e, 0xa9b, 0xc93, 0xffffffff);
		e->sregs.cr0 |= CR0_PG | CR0_WP;
		e->sregs.cr4 |= CR4_PAE;
		e->sregs.efer = EFER_LMA | EFER_NXE;
		break;
	}
	if (e->sregs.cr0 & CR0_PG) {
		e->sregs.cr3 = next_table;
		next_table += 0x1000;
	}
}

void world_set_cpl(struct axv_emul *e, unsigned int cpl)
{
	e->sregs.seg[AXV_X86_CS].attr &= ~AXV_X86_ATTR_DPL;
	e->sregs.seg[AXV_X86_SS].attr &= ~AXV_X86_ATTR_DPL;
	e->sregs.seg[AXV_X86_CS].attr |= cpl << 5;
	e->sregs.seg[AXV_X86_SS].attr |= cpl << 5;
}

static unsigned int top_level(const struct axv_emul *e)
{
	if (e->sregs.efer & EFER_LMA)
		return e->sregs.cr4 & CR4_LA57 ? 5 : 4;
	return e->sregs.cr4 & CR4_PAE ? 3 : 2;
}

__u64 world_entry(struct axv_emul *e, __u64 linear, unsigned int level)
{
	unsigned int top = top_level(e);
	unsigned int bits = top == 2 ? 10 : 9;
	unsigned int size = top == 2 ? 4 : 8;
	__u64 table = e->sregs.cr3;
	__u64 where;
	unsigned int l;

	for (l = top; ; l--) {
		where = (linear >> (12 + bits * (l - 1))) & ((1u << bits) - 1);
		where = table + where * size;
		if (l == level)
			return where;
		if (!(world_peek(where, size) & PTE_P)) {
			/* PDPTEs of PAE have neither W nor U. */
			world_poke(where, next_table |
				   (top == 3 && l == 3 ? PTE_P : PTE_P | PTE_W | PTE_U),
				   size);
			next_table += 0x1000;
		}
		table = world_peek(where, size) & 0xffffffffff000ull;
	}
}

void world_map(struct axv_emul *e, __u64 linear, unsigned int level, __u64 entry)
{
	world_poke(world_entry(e, linear, level), entry, top_level(e) == 2 ? 4 : 8);
}

void world_code(struct axv_emul *e, const void *bytes, unsigned int size)
{
	memcpy(world_ram + WORLD_CODE, bytes, size);
	memcpy(e->insn, bytes, size);
	e->insn_bytes = size;
	e->gprs.rip = WORLD_CODE;
}

__u64 world_peek(__u64 gpa, unsigned int size)
{
	__u64 value = 0;

	memcpy(&value, world_ram + gpa, size);
	return value;
}

void world_poke(__u64 gpa, __u64 value, unsigned int size)
{
	memcpy(world_ram + gpa, &value, size);
}
