/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The execution core: one x86 instruction, on registers and memory that the
 * caller hands in.  It knows nothing of descriptors and ioctls, so that a test
 * can run it beside the real CPU.
 */
#ifndef AXV_EMUL_H
#define AXV_EMUL_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/axvcpu.h>

/* What executing did; negative numbers are errors with axv_error() set. */
#define AXV_EMUL_DONE		0	/* registers are those after */
#define AXV_EMUL_EXCEPTION	1	/* @exception; registers are those before */

/* Control bits the core looks at (AMD APM vol. 2, 3.1). */
#define CR0_PE		(1ull << 0)
#define CR0_EM		(1ull << 2)
#define CR0_TS		(1ull << 3)
#define CR0_WP		(1ull << 16)
#define CR0_AM		(1ull << 18)
#define CR0_PG		(1ull << 31)
#define CR4_PSE		(1ull << 4)
#define CR4_PAE		(1ull << 5)
#define CR4_OSFXSR	(1ull << 9)
#define CR4_LA57	(1ull << 12)
#define CR4_SMEP	(1ull << 20)
#define CR4_SMAP	(1ull << 21)
#define CR4_PKE		(1ull << 22)
#define EFER_LMA	(1ull << 10)
#define EFER_NXE	(1ull << 11)
#define FLAG_CF		(1ull << 0)
#define FLAG_PF		(1ull << 2)
#define FLAG_AF		(1ull << 4)
#define FLAG_ZF		(1ull << 6)
#define FLAG_SF		(1ull << 7)
#define FLAG_TF		(1ull << 8)
#define FLAG_DF		(1ull << 10)
#define FLAG_OF		(1ull << 11)
#define FLAG_RF		(1ull << 16)
#define FLAG_VM		(1ull << 17)
#define FLAG_AC		(1ull << 18)
#define FLAGS_STATUS	(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define VECTOR_UD	6
#define VECTOR_NM	7
#define VECTOR_SS	12
#define VECTOR_GP	13
#define VECTOR_PF	14
#define VECTOR_AC	17

#define INSN_LENGTH_MAX	15

/**
 * struct axv_space - guest physical memory, as the caller has it
 * @read:	read RAM; 0, or -ENOENT if there is none at that address
 * @write:	write RAM; 0, -ENOENT, or -EROFS if it is read-only
 * @cmpxchg:	replace @size (1, 2, 4, 8) naturally aligned bytes of RAM if
 *		they are @old; 0, -EAGAIN if they are not, -ENOENT, -EROFS
 * @mmio_read:	read a device; 0 or a negative errno
 * @mmio_write:	write a device; 0 or a negative errno
 * @fpu:	the vector state in the standard XSAVE format, to read and, with
 *		@dirty, to change: the caller then loads it back
 *
 * No access crosses a page.  The first argument is &struct axv_emul's @opaque.
 */
struct axv_space {
	int (*read)(void *opaque, __u64 gpa, void *data, size_t size);
	int (*write)(void *opaque, __u64 gpa, const void *data, size_t size);
	int (*cmpxchg)(void *opaque, __u64 gpa, __u64 old, __u64 new, size_t size);
	int (*mmio_read)(void *opaque, __u64 gpa, unsigned int width, __u64 *data);
	int (*mmio_write)(void *opaque, __u64 gpa, unsigned int width, __u64 data);
	int (*fpu)(void *opaque, bool dirty, unsigned char **xsave);
};

/**
 * struct axv_emul_exception - an exception of the guest
 * @vector: its number
 * @has_error_code: @error_code is pushed
 * @error_code: the error code
 * @address: #PF: the linear address
 */
struct axv_emul_exception {
	__u8 vector;
	bool has_error_code;
	__u32 error_code;
	__u64 address;
};

/**
 * struct axv_emul - the CPU, as the core sees it
 * @gprs:	in and out: general registers
 * @sregs:	in: segments and control registers
 * @phys_bits:	in: width of a physical address in the guest's page tables
 * @pkru:	in: protection keys, if CR4.PKE
 * @space:	in: memory
 * @opaque:	in: for @space
 * @insn:	in: bytes of the instruction that are known; the rest is read
 *		through the guest's page tables
 * @insn_bytes:	in: how many
 * @peek:	in: fetching ignores the page's rights and marks nothing
 * @exception:	out: with AXV_EMUL_EXCEPTION
 * @trap:	out: the guest single-steps: #DB is due after the instruction
 */
struct axv_emul {
	struct axv_x86_gprs gprs;
	struct axv_x86_sregs sregs;
	unsigned int phys_bits;
	__u32 pkru;
	const struct axv_space *space;
	void *opaque;
	__u8 insn[INSN_LENGTH_MAX];
	unsigned int insn_bytes;
	bool peek;
	struct axv_emul_exception exception;
	bool trap;
};

/**
 * axv_emul_step() - execute the instruction at the instruction pointer
 * @e: the CPU
 *
 * A repeated string instruction may stop before its end, with the instruction
 * pointer still on it; with an error or an exception, the registers show the
 * elements that were done.
 *
 * Return: AXV_EMUL_*, -EOPNOTSUPP for an instruction or a place that is not
 * supported, or an error of the memory's callbacks.
 */
int axv_emul_step(struct axv_emul *e);

/**
 * axv_emul_text() - disassemble the instruction at the instruction pointer
 * @e: the CPU
 * @text: where to store the text
 * @size: bytes at @text
 *
 * Return: the length of the instruction, AXV_EMUL_EXCEPTION never, or a
 * negative errno.
 */
int axv_emul_text(struct axv_emul *e, char *text, size_t size);

/* How a walk differs from an access of the guest's own. */
#define AXV_WALK_ANY		(1u << 0)	/* permissions do not matter */
#define AXV_WALK_NO_MARK	(1u << 1)	/* leave accessed and dirty bits */

/**
 * axv_emul_walk() - linear to physical address, as the guest's tables say
 * @e: the CPU
 * @linear: linear address, canonical
 * @access: AXV_ACCESS_READ, _WRITE or _FETCH
 * @flags: AXV_WALK_*
 * @gpa: where to store the physical address
 *
 * Return: 0, AXV_EMUL_EXCEPTION (a #PF), or -EOPNOTSUPP if a page table is not
 * in the guest's memory.
 */
int axv_emul_walk(struct axv_emul *e, __u64 linear, __u32 access, __u32 flags,
		  __u64 *gpa);

/** axv_emul_long64() - whether the CPU executes 64-bit code */
static inline bool axv_emul_long64(const struct axv_emul *e)
{
	return (e->sregs.efer & EFER_LMA) &&
	       (e->sregs.seg[AXV_X86_CS].attr & AXV_X86_ATTR_L);
}

/** axv_emul_real() - whether segments are as in real or virtual-8086 mode */
static inline bool axv_emul_real(const struct axv_emul *e)
{
	return !(e->sregs.cr0 & CR0_PE) || (e->gprs.rflags & FLAG_VM);
}

/** axv_emul_cpl() - the current privilege level */
static inline unsigned int axv_emul_cpl(const struct axv_emul *e)
{
	if (!(e->sregs.cr0 & CR0_PE))
		return 0;
	if (e->gprs.rflags & FLAG_VM)
		return 3;
	return (e->sregs.seg[AXV_X86_SS].attr & AXV_X86_ATTR_DPL) >> 5;
}

#endif /* AXV_EMUL_H */
