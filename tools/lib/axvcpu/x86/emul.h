/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * The execution core: executes one x86 instruction, on registers and memory that the
 * caller hands in.  It knows nothing of descriptors and ioctls, so that a test can
 * compare it with the real CPU.
 */
#ifndef AXV_EMUL_H
#define AXV_EMUL_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/axvcpu.h>

/* Results of executing; negative numbers are errors with axv_error() set. */
#define AXV_EMUL_DONE		0	/* the registers are those after the instruction */
#define AXV_EMUL_EXCEPTION	1	/* see @exception; the registers are unchanged */
#define AXV_EMUL_CHANGED	2	/* the code has changed since: nothing was done */

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
#define CR4_OSXSAVE	(1ull << 18)
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

#define VECTOR_DE	0
#define VECTOR_BR	5
#define VECTOR_UD	6
#define VECTOR_NM	7
#define VECTOR_SS	12
#define VECTOR_GP	13
#define VECTOR_PF	14
#define VECTOR_AC	17

/* Error code of a page fault (AMD APM vol. 2, 8.4.2). */
#define PF_PRESENT	(1u << 0)
#define PF_WRITE	(1u << 1)
#define PF_USER		(1u << 2)
#define PF_RESERVED	(1u << 3)
#define PF_FETCH	(1u << 4)
#define PF_KEY		(1u << 5)

#define INSN_LENGTH_MAX	15

/**
 * struct axv_space - guest physical memory, as the caller has it
 * @read:	read RAM; 0, or -ENOENT if there is none at that address
 * @write:	write RAM; 0, -ENOENT, or -EROFS if it is read-only
 * @cmpxchg:	replace @size (1, 2, 4, 8) naturally aligned bytes of RAM if
 *		they are @old; 0, -EAGAIN if they are not, -ENOENT, -EROFS
 * @mmio_read:	read a device; 0 or a negative errno
 * @mmio_write:	write a device; 0 or a negative errno
 * @port_read:	read @count times @width bytes from a port into @data; 0 or a negative errno
 * @port_write:	write @count times @width bytes from @data to a port; 0 or a negative
 *		errno
 * @fpu:	get the vector state in the standard XSAVE format.  With @dirty the core
 *		will change it, and the caller has to load it back
 * @load_pkru:	fill in &struct axv_emul's @pkru, when it is needed for the first
 *		time; 0 or a negative errno.  NULL: it is filled in already.
 * @load_pdptes: fill in @pdptes, and @pdpte if these count, when they are needed for the
 *		first time; 0 or a negative errno.  NULL: they are filled in already.
 *
 * No access crosses a page.  The first argument is &struct axv_emul's @opaque.
 */
struct axv_space {
	int (*read)(void *opaque, __u64 gpa, void *data, size_t size);
	int (*write)(void *opaque, __u64 gpa, const void *data, size_t size);
	int (*cmpxchg)(void *opaque, __u64 gpa, __u64 old, __u64 new, size_t size);
	int (*mmio_read)(void *opaque, __u64 gpa, unsigned int width, __u64 *data);
	int (*mmio_write)(void *opaque, __u64 gpa, unsigned int width, __u64 data);
	int (*port_read)(void *opaque, __u16 port, unsigned int width, void *data,
			 unsigned int count);
	int (*port_write)(void *opaque, __u16 port, unsigned int width, const void *data,
			  unsigned int count);
	int (*fpu)(void *opaque, bool dirty, unsigned char **xsave);
	int (*load_pkru)(void *opaque);
	int (*load_pdptes)(void *opaque);
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
 * @sregs:	in: segments and control registers; out: CR0 after LMSW
 * @phys_bits:	in: width of a physical address in the guest's page tables
 * @xsave_ymm:	in: offset of the upper halves of YMM registers in an XSAVE block; 0: the
 *		processor has none
 * @xsave_zmm:	in: offset of the upper halves of ZMM registers; 0: none
 * @xsave_hi16:	in: offset of ZMM registers 16 to 31; 0: none
 * @no_lzcnt:	in: the processor executes LZCNT as BSR
 * @no_tzcnt:	in: the processor executes TZCNT as BSF
 * @pkru:	in: protection keys, if CR4.PKE; see @load_pkru
 * @pkru_loaded: @load_pkru was called
 * @pdptes:	in: the processor has loaded the four entries at the top of PAE tables,
 *		and does not look at those in memory; see @load_pdptes
 * @pdpte:	in: these entries, if @pdptes
 * @pdptes_asked: @load_pdptes was called
 * @vmx:	in: the processor is Intel's, which matters for the reserved bits of these
 *		entries
 * @space:	in: memory
 * @opaque:	in: for @space
 * @insn:	in: bytes of the instruction that are known; the rest is read
 *		through the guest's page tables
 * @insn_bytes:	in: number of bytes in @insn
 * @peek:	in: fetching ignores the page's rights and marks nothing
 * @exception:	out: the exception, with AXV_EMUL_EXCEPTION
 * @trap:	out: the guest single-steps, or its new task's TSS has T set: #DB is due
 */
struct axv_emul {
	struct axv_x86_gprs gprs;
	struct axv_x86_sregs sregs;
	unsigned int phys_bits;
	unsigned int xsave_ymm;
	unsigned int xsave_zmm;
	unsigned int xsave_hi16;
	bool no_lzcnt;
	bool no_tzcnt;
	__u32 pkru;
	bool pkru_loaded;
	bool pdptes;
	bool pdptes_asked;
	bool vmx;
	__u64 pdpte[4];
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
 * Return: AXV_EMUL_*, -EOPNOTSUPP for an instruction or an address that is not supported,
 * or an error of @space.
 */
int axv_emul_step(struct axv_emul *e);

/**
 * axv_emul_io_string() - execute INS or OUTS; a long one is executed in parts
 * @e: the CPU
 * @told: what the exit told
 * @length: length of the instruction
 *
 * As with axv_emul_step(), the instruction pointer moves with the last element.
 *
 * Return: AXV_EMUL_*; -EOPNOTSUPP if there are no ports, or an error of @space.
 */
int axv_emul_io_string(struct axv_emul *e, const struct axv_exit_io_string *told,
		       unsigned int length);

/**
 * axv_emul_msw() - execute LMSW or SMSW, whose operand is in memory
 * @e: the CPU; LMSW changes @sregs
 * @load: true for LMSW
 *
 * Return: AXV_EMUL_*, or an error of @space.
 */
int axv_emul_msw(struct axv_emul *e, bool load);

/**
 * struct axv_task - a task switch
 * @event:	in: with AXV_X86_TASK_GATE the event, as in AXV_X86_EVENT_REINJECT
 * @selector:	in: selector of the new task's TSS
 * @source:	in: an &enum axv_x86_task_source
 * @length:	in: length of the instruction, 0 if there is none
 * @entered:	out: the guest is in the new task; an exception is then raised in the new
 *		task
 */
struct axv_task {
	__u64 event;
	__u16 selector;
	__u8 source;
	__u8 length;
	bool entered;
};

/**
 * axv_emul_task() - switch to another task
 * @e: the CPU, at the instruction or before the event; besides @gprs, CR0, CR3 and all
 *	segment registers may change, but not GDTR and IDTR
 * @task: what the processor told
 *
 * The processor has checked the privilege.  The caller handles the NMI mask, DR7, the
 * interrupt shadow and the event.
 *
 * Return: AXV_EMUL_*, -EOPNOTSUPP if guest memory is missing.  If @task->entered is
 * false, nothing has changed but accessed and dirty bits in the guest's page tables.
 */
int axv_emul_task(struct axv_emul *e, struct axv_task *task);

/**
 * axv_emul_task_length() - length of the instruction that switches tasks
 * @e: the CPU
 * @task: what the processor told
 *
 * Return: bytes; 0 if the code has another instruction by now, or none.
 */
unsigned int axv_emul_task_length(struct axv_emul *e, const struct axv_task *task);

/**
 * axv_emul_text() - disassemble the instruction at the instruction pointer
 * @e: the CPU
 * @text: where to store the text
 * @size: bytes at @text
 *
 * Return: the length of the instruction, or a negative errno; never AXV_EMUL_EXCEPTION.
 */
int axv_emul_text(struct axv_emul *e, char *text, size_t size);

/* Flags of a walk: how it differs from an access of the guest's own */
#define AXV_WALK_ANY		(1u << 0)	/* permissions do not matter */
#define AXV_WALK_NO_MARK	(1u << 1)	/* leave accessed and dirty bits */
#define AXV_WALK_SYSTEM		(1u << 2)	/* by the processor, of a system table */

/**
 * axv_emul_walk() - translate a linear to a physical address by the guest's page tables
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

/** axv_emul_long64() - does the CPU execute 64-bit code? */
static inline bool axv_emul_long64(const struct axv_emul *e)
{
	return (e->sregs.efer & EFER_LMA) &&
	       (e->sregs.seg[AXV_X86_CS].attr & AXV_X86_ATTR_L);
}

/** axv_emul_real() - are segments as in real or virtual-8086 mode? */
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
