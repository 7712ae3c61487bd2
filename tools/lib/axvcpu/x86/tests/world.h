/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * A guest for the execution core, without a kernel: flat RAM at 0, a read-only
 * part in it, devices everywhere else, and page tables that are built here.
 */
#ifndef WORLD_H
#define WORLD_H

#include "x86/emul.h"

#define WORLD_RAM	0x200000u	/* bytes of RAM, from 0 */
#define WORLD_ROM	0x1f0000u	/* the last 64 KiB are read-only */
#define WORLD_CODE	0x80000u	/* where world_code() puts instructions */
#define WORLD_DEVICE	0xd0000000u

#define PTE_P		0x1ull
#define PTE_W		0x2ull
#define PTE_U		0x4ull
#define PTE_A		0x20ull
#define PTE_D		0x40ull
#define PTE_PS		0x80ull
#define PTE_NX		(1ull << 63)

enum world_mode {
	WORLD_REAL,
	WORLD_PROT16,		/* 16-bit segments, no paging */
	WORLD_PROT32,		/* 32-bit segments, no paging */
	WORLD_LEGACY,		/* 32-bit tables, two levels */
	WORLD_PAE,		/* three levels */
	WORLD_LONG4,
	WORLD_LONG5,
};

/**
 * struct world_access - one access of a device
 * @write: a write
 * @gpa: its address
 * @width: bytes
 * @data: what was written, or what the read was answered with
 */
struct world_access {
	bool write;
	__u64 gpa;
	unsigned int width;
	__u64 data;
};

extern unsigned char world_ram[WORLD_RAM];
extern struct world_access world_log[64];	/* ports by their number */
extern unsigned int world_accesses;
extern int world_device_error;		/* what devices return, 0 or negative */
extern int world_port_error;		/* what ports return, 0 or negative */
extern unsigned int world_contention;	/* number of exchanges that find other data */
extern unsigned char world_xsave[4096];

/** world_init() - make a CPU in @mode, at privilege level 0, with empty tables */
void world_init(struct axv_emul *e, enum world_mode mode);

/** world_set_cpl() - give CS and SS a privilege level */
void world_set_cpl(struct axv_emul *e, unsigned int cpl);

/**
 * world_map() - put an entry into the page tables
 * @e: the CPU
 * @linear: linear address
 * @level: 1: a 4 KiB page; 2, 3: a large one
 * @entry: the entry: address and PTE_*; tables above get P, W and U
 */
void world_map(struct axv_emul *e, __u64 linear, unsigned int level, __u64 entry);

/** world_entry() - guest physical address of the page-table entry of a level */
__u64 world_entry(struct axv_emul *e, __u64 linear, unsigned int level);

/** world_code() - put an instruction at WORLD_CODE, and into the CPU's @insn */
void world_code(struct axv_emul *e, const void *bytes, unsigned int size);

/** world_peek() - read @size bytes of RAM */
__u64 world_peek(__u64 gpa, unsigned int size);

/** world_poke() - write @size bytes of RAM */
void world_poke(__u64 gpa, __u64 value, unsigned int size);

#endif /* WORLD_H */
