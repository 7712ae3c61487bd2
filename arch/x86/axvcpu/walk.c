// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's own address translation, in software: segmentation, then the
 * guest's page tables (AMD APM vol. 2, chapters 4 and 5).
 *
 * For accesses that the kernel makes on the guest's behalf.  Everything in
 * guest memory may change at any time under these functions.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/page.h>
#include <asm/processor-flags.h>
#include <asm/trap_pf.h>
#include <asm/trapnr.h>

#include "decode.h"
#include "walk.h"
#include "x86.h"

/* Page-table entries, in all three formats (AMD APM vol. 2, 5.4). */
#define PTE_P		BIT_ULL(0)
#define PTE_RW		BIT_ULL(1)
#define PTE_US		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_G		BIT_ULL(8)
#define PTE_KEY_SHIFT	59
#define PTE_NX		BIT_ULL(63)

#define MAX_LEVELS	5

/* Tables that change this often during one walk are left to the processor. */
#define MAX_WALKS	8

/**
 * struct paging - how the guest's page tables are read
 * @root:	guest physical address of the topmost table
 * @levels:	2 to 5; 0: paging is off
 * @entry_size:	bytes of an entry
 * @index_bits:	bits of an address that one level consumes
 * @rsvd:	bits that are reserved in every entry
 * @amd:	bit 8 of entries that lead to tables is reserved in long mode
 * @pse:	2-level tables may hold pages of 4 MiB
 * @user:	the access comes from CPL 3
 * @wp:		supervisor writes respect read-only pages
 * @nx:		NX is in force
 * @smep:	no supervisor fetches from user pages
 * @smap:	no supervisor data accesses to user pages; false if RFLAGS.AC allows them
 * @pkru:	what protection keys forbid; 0: nothing, or there are none
 * @loaded:	the hardware has loaded the entry of the topmost PAE table
 * @pdpte:	that entry, if @loaded
 */
struct paging {
	u64 root;
	u8 levels;
	u8 entry_size;
	u8 index_bits;
	u64 rsvd;
	bool amd;
	bool pse;
	bool user;
	bool wp;
	bool nx;
	bool smep;
	bool smap;
	u32 pkru;
	bool loaded;
	u64 pdpte;
};

/**
 * struct walk - page-table entries that one translation used, the topmost first
 * @gpa:	guest physical address of each entry
 * @old:	what each entry was
 * @new:	@old with the accessed and dirty bits that the access sets
 * @count:	how many entries
 * @changes:	some of @new differ from @old
 */
struct walk {
	u64 gpa[MAX_LEVELS];
	u64 old[MAX_LEVELS];
	u64 new[MAX_LEVELS];
	unsigned int count;
	bool changes;
};

/**
 * axv_x86_code_bits() - the size of instructions that the code segment asks for
 * @x:		vCPU
 *
 * Context: the claim is held.
 * Return: 16, 32 or 64.
 */
unsigned int axv_x86_code_bits(struct axv_x86_vcpu *x)
{
	struct axv_x86_code_state state;

	x->hw->code_state(x, &state);
	if ((state.attr & AXV_X86_ATTR_L) && (x->efer & EFER_LMA))
		return 64;
	return state.attr & AXV_X86_ATTR_DB ? 32 : 16;
}

/* Fill in @fault: an access to @gpa failed with @err in a function of guestmem.c. */
static int hole(int err, struct axv_x86_fault *fault, u64 gpa)
{
	*fault = (struct axv_x86_fault){
		.gpa = gpa,
		.cause = err == -ENOENT ? AXV_FAULT_NO_REGION :
			 err == -EACCES ? AXV_FAULT_READONLY : AXV_FAULT_HOST,
	};
	return -EFAULT;
}

static int segment_fault(struct axv_x86_fault *fault, unsigned int seg)
{
	*fault = (struct axv_x86_fault){
		.vector = seg == AXV_X86_SS ? X86_TRAP_SS : X86_TRAP_GP,
	};
	return -EFAULT;
}

/* Does the type of a protected-mode segment allow the access? (AMD APM vol. 2, 4.12) */
static bool type_allows(const struct axv_x86_segment *s, bool write)
{
	bool code = s->attr & BIT(3);
	bool bit1 = s->attr & BIT(1);	/* readable code, writable data */

	if (!(s->attr & AXV_X86_ATTR_P))
		return false;
	if (write)
		return !code && bit1;
	return !code || bit1;
}

static bool within_limit(const struct axv_x86_segment *s, u64 offset,
			 unsigned int size)
{
	bool code = s->attr & BIT(3);
	bool expand_down = s->attr & BIT(2);
	u64 last = offset + size - 1;

	if (!code && expand_down)
		return offset > s->limit &&
		       last <= (s->attr & AXV_X86_ATTR_DB ? U32_MAX : U16_MAX);
	return last <= s->limit;
}

/* axv_x86_linear() in 64-bit mode. */
static int linear_64(struct axv_x86_vcpu *x, unsigned int seg, u64 offset,
		     unsigned int size, u64 *linear, struct axv_x86_fault *fault)
{
	unsigned int shift = x->cr4 & X86_CR4_LA57 ? 64 - 57 : 64 - 48;
	u64 first = offset, last;
	struct axv_x86_segment s;

	if (seg == AXV_X86_FS || seg == AXV_X86_GS) {
		x->hw->get_segment(x, seg, &s);
		first += s.base;
	}
	last = first + size - 1;
	if ((u64)((s64)(first << shift) >> shift) != first ||
	    (u64)((s64)(last << shift) >> shift) != last)
		return segment_fault(fault, seg);
	*linear = first;
	return 0;
}

/**
 * axv_x86_linear() - linear address of a segment and an offset, with the segment's checks
 * @x:		vCPU
 * @seg:	segment register, by enum axv_x86_seg
 * @offset:	already cut to the address size
 * @size:	bytes of the access, not 0
 * @write:	it is a write
 * @linear:	result
 * @fault:	#GP or #SS, if the segment does not allow it
 *
 * Context: the claim is held.
 * Return: 0, or -EFAULT with @fault filled in.
 */
int axv_x86_linear(struct axv_x86_vcpu *x, unsigned int seg, u64 offset,
		   unsigned int size, bool write, u64 *linear,
		   struct axv_x86_fault *fault)
{
	struct axv_x86_segment s;

	if (axv_x86_code_bits(x) == 64)
		return linear_64(x, seg, offset, size, linear, fault);

	x->hw->get_segment(x, seg, &s);
	/* Real and virtual-8086 mode have limits, but no types. */
	if ((x->cr0 & X86_CR0_PE) &&
	    !(x->regs.rflags & X86_EFLAGS_VM) && !type_allows(&s, write))
		return segment_fault(fault, seg);
	if (!within_limit(&s, offset, size))
		return segment_fault(fault, seg);
	*linear = (u32)(s.base + offset);
	return 0;
}

static void get_paging(struct axv_x86_vcpu *x, u64 linear, u32 access,
		       struct paging *p)
{
	u64 cr0 = x->cr0, cr3, cr4 = x->cr4, efer = x->efer;
	struct axv_x86_code_state state;
	bool pae;

	*p = (struct paging){};
	if (!(cr0 & X86_CR0_PG))
		return;

	x->hw->code_state(x, &state);
	cr3 = state.cr3;
	pae = cr4 & X86_CR4_PAE;

	p->user = state.cpl == 3;
	p->wp = cr0 & X86_CR0_WP;
	p->nx = pae && (efer & EFER_NX);
	p->smep = cr4 & X86_CR4_SMEP;
	p->smap = (cr4 & X86_CR4_SMAP) && !(access & AXV_ACCESS_FETCH) &&
		  !(x->regs.rflags & X86_EFLAGS_AC);
	p->pse = cr4 & X86_CR4_PSE;

	if (!pae) {
		p->root = cr3 & GENMASK_ULL(31, 12);
		p->levels = 2;
		p->entry_size = 4;
		p->index_bits = 10;
		return;
	}

	/*
	 * The processor checks reserved bits by its own width of physical
	 * addresses: it knows nothing of the guest's CPUID.
	 */
	p->entry_size = 8;
	p->index_bits = 9;
	if (axv_x86_host.phys_bits < 52)
		p->rsvd = GENMASK_ULL(51, axv_x86_host.phys_bits);
	if (!p->nx)
		p->rsvd |= PTE_NX;

	p->amd = x->base.ops->backend == AXV_BACKEND_SVM;
	if (efer & EFER_LMA) {
		p->root = cr3 & GENMASK_ULL(51, 12);
		p->levels = cr4 & X86_CR4_LA57 ? 5 : 4;
		if ((cr4 & X86_CR4_PKE) && !(access & AXV_ACCESS_FETCH))
			p->pkru = x->pkru;
	} else {
		p->root = cr3 & GENMASK_ULL(31, 5);
		p->levels = 3;
		p->rsvd |= GENMASK_ULL(62, 52);
		/*
		 * VMX walks from the four PDPTEs that the last MOV to CR3 has
		 * loaded; memory may have others by now (SDM vol. 3A, "PDPTE
		 * Registers").  SVM reads memory (AMD APM vol. 2, 15.25.10).
		 */
		p->loaded = x->hw->get_pdpte &&
			    x->hw->get_pdpte(x, AXV_X86_PDPTES_LOADED);
		if (p->loaded)
			p->pdpte = x->hw->get_pdpte(x, (linear >> 30) & 3);
	}
}

/* Does this entry, @level levels above the lowest, map a page? */
static bool is_page(const struct paging *p, unsigned int level, u64 entry)
{
	if (level == 0)
		return true;
	if (!(entry & PTE_PS))
		return false;
	if (p->levels == 2)
		return p->pse;
	return level == 1 ||
	       (level == 2 && p->levels > 3 && boot_cpu_has(X86_FEATURE_GBPAGES));
}

/* Reserved bits of an entry (AMD APM vol. 2, 5.3 and 5.4); @page: it maps a page. */
static u64 reserved(const struct paging *p, unsigned int level, bool page)
{
	if (p->levels == 2) {
		/* Bits 13 to 20 of a 4 MiB page are address bits 32 to 39. */
		if (level == 0 || !page)
			return 0;
		return BIT_ULL(21) |
		       (axv_x86_host.phys_bits < 40 ?
			GENMASK_ULL(20, axv_x86_host.phys_bits - 32 + 13) : 0);
	}

	if (level == 0)
		return p->rsvd;
	/*
	 * The four entries at the top of PAE tables have no rights of their own.
	 * Under SVM their bits 5 to 8 are not looked at: there are
	 * implementations that set the accessed bit.
	 */
	if (p->levels == 3 && level == 2)
		return p->rsvd | PTE_NX | GENMASK_ULL(2, 1) |
		       (p->amd ? 0 : GENMASK_ULL(8, 5));
	if (page)
		return p->rsvd | GENMASK_ULL(12 + 9 * level - 1, 13);
	return p->rsvd | (level >= 2 ? PTE_PS : 0) |
	       (level >= 2 && p->amd ? PTE_G : 0);
}

static u64 leaf_address(const struct paging *p, unsigned int level, u64 entry,
			u64 linear)
{
	unsigned int shift = 12 + p->index_bits * level;
	u64 page = entry & GENMASK_ULL(51, shift);

	if (p->levels == 2 && level == 1)
		page |= (entry & GENMASK_ULL(20, 13)) << (32 - 13);
	return page | (linear & (BIT_ULL(shift) - 1));
}

/* The error code is that of AMD APM vol. 2, 8.4.2. */
static int page_fault(const struct paging *p, u64 linear, u32 access, u32 code,
		      struct axv_x86_fault *fault)
{
	if (access & AXV_ACCESS_WRITE)
		code |= X86_PF_WRITE;
	if (p->user)
		code |= X86_PF_USER;
	if ((access & AXV_ACCESS_FETCH) && (p->nx || p->smep))
		code |= X86_PF_INSTR;
	*fault = (struct axv_x86_fault){
		.vector = X86_TRAP_PF,
		.error_code = code,
		.address = linear,
	};
	return -EFAULT;
}

/* @rights: PTE_RW, PTE_US and PTE_NX of all levels together. */
static bool rights_allow(const struct paging *p, u64 rights, u32 access)
{
	bool user_page = rights & PTE_US;

	if (p->user && !user_page)
		return false;
	if (!p->user && user_page &&
	    (access & AXV_ACCESS_FETCH ? p->smep : p->smap))
		return false;
	if ((access & AXV_ACCESS_WRITE) && !(rights & PTE_RW) &&
	    (p->user || p->wp))
		return false;
	return !(access & AXV_ACCESS_FETCH) || !(rights & PTE_NX);
}

/* Protection keys guard user pages (AMD APM vol. 2, 5.6.7). */
static bool key_allows(const struct paging *p, u64 rights, u64 page, u32 access)
{
	u32 forbidden = p->pkru >> (2 * ((page >> PTE_KEY_SHIFT) & 15));

	if (!(rights & PTE_US))
		return true;
	return !(forbidden & 1) &&
	       !((forbidden & 2) && (access & AXV_ACCESS_WRITE) &&
		 (p->user || p->wp));
}

/* Read an entry of a table.  Return: 0 or an error of axv_guest_read(). */
static int read_entry(struct axv_guest_peek *peek, u64 at, unsigned int size,
		      u64 *entry)
{
	if (likely(axv_guest_peek(peek, at, size, entry)))
		return 0;
	axv_guest_peek_end(peek);
	*entry = 0;
	return axv_guest_read(peek->vm, at, entry, size);
}

/* Error for an access to @gpa that returned @err: a signal does not make it a hole. */
static int not_done(int err, struct axv_x86_fault *fault, u64 gpa)
{
	return err == -EINTR ? -EAGAIN : hole(err, fault, gpa);
}

/* Read the tables, and change nothing; @w tells which entries have to be changed. */
static int walk_tables(struct axv_guest_peek *peek, const struct paging *p,
		       u64 linear, u32 access, struct walk *w, u64 *gpa,
		       struct axv_x86_fault *fault)
{
	u64 table = p->root, rights = PTE_RW | PTE_US, entry, used;
	unsigned int level = p->levels;
	u32 code = X86_PF_PROT;
	bool page;

	w->count = 0;
	w->changes = false;
	do {
		unsigned int shift;
		u64 at;
		int err;

		level--;
		shift = 12 + p->index_bits * level;
		at = table + ((linear >> shift) & (BIT(p->index_bits) - 1)) *
		     p->entry_size;
		if (p->loaded && level == 2) {
			entry = p->pdpte;
		} else {
			err = read_entry(peek, at, p->entry_size, &entry);
			if (err)
				return not_done(err, fault, at);
		}
		if (!(entry & PTE_P))
			return page_fault(p, linear, access, 0, fault);
		page = is_page(p, level, entry);
		if (entry & reserved(p, level, page))
			return page_fault(p, linear, access,
					  X86_PF_PROT | X86_PF_RSVD, fault);

		if (p->levels != 3 || level != 2) {
			rights &= entry | PTE_NX;
			rights |= p->nx ? entry & PTE_NX : 0;
			used = entry | PTE_A;
			if (page && (access & AXV_ACCESS_WRITE))
				used |= PTE_D;
			w->changes |= used != entry;
			w->gpa[w->count] = at;
			w->old[w->count] = entry;
			w->new[w->count++] = used;
		}
		table = entry & (p->entry_size == 8 ? GENMASK_ULL(51, 12) :
						      GENMASK_ULL(31, 12));
	} while (!page);

	if (!key_allows(p, rights, entry, access))
		code |= X86_PF_PK;
	if (code != X86_PF_PROT || !rights_allow(p, rights, access))
		return page_fault(p, linear, access, code, fault);
	*gpa = leaf_address(p, level, entry, linear);
	return 0;
}

/*
 * Set accessed and dirty bits, if each entry that gets some is still the one
 * that was used; otherwise -EAGAIN.
 */
static int mark_used(struct axv_x86_vcpu *x, const struct paging *p,
		     const struct walk *w, struct axv_x86_fault *fault)
{
	unsigned int i;

	for (i = 0; i < w->count; i++) {
		u64 old = w->old[i];
		int err;

		if (w->new[i] == old)
			continue;
		err = axv_guest_cmpxchg64(x->base.vm, w->gpa[i], &old,
					  w->new[i], p->entry_size);
		if (err < 0 && err != -EAGAIN)
			return not_done(err, fault, w->gpa[i]);
		if (err || old != w->old[i])
			return -EAGAIN;
	}
	return 0;
}

/*
 * axv_x86_translate() with a peek that has begun.  The peek goes on afterwards,
 * unless memory had to be waited for or written.
 */
static int translate(struct axv_x86_vcpu *x, struct axv_guest_peek *peek,
		     u64 linear, u32 access, u64 *gpa,
		     struct axv_x86_fault *fault)
{
	struct paging p;
	struct walk w;
	unsigned int i;
	int err;

	get_paging(x, linear, access, &p);
	if (!p.levels) {
		*gpa = linear;
		return 0;
	}
	for (i = 0; i < MAX_WALKS; i++) {
		err = walk_tables(peek, &p, linear, access, &w, gpa, fault);
		if (err || !w.changes)
			return err;
		axv_guest_peek_end(peek);
		err = mark_used(x, &p, &w, fault);
		if (err != -EAGAIN)
			return err;
	}
	return -EAGAIN;
}

/**
 * axv_x86_translate_noting() - translate a linear to a guest physical address
 * @x:		vCPU
 * @linear:	address; the result holds for its page only
 * @access:	one of AXV_ACCESS_READ, _WRITE, _FETCH, at the current privilege
 *		level
 * @gpa:	result
 * @fault:	out: the exception, or the table that is not in memory
 * @words:	NULL, or out, in 64-bit mode: all words of guest memory on which the result
 *		depends.  Empty if they are too many, if accessed or dirty bits had to be
 *		written, or after an error
 *
 * Sets accessed and dirty bits as the processor would.
 *
 * Context: the claim is held; may sleep.
 * Return: 0; -EFAULT with @fault filled in; -EAGAIN: a signal, or the guest changes
 * its tables all the time: enter it again and let the processor try.
 */
int axv_x86_translate_noting(struct axv_x86_vcpu *x, u64 linear, u32 access, u64 *gpa,
			     struct axv_x86_fault *fault, struct axv_guest_words *words)
{
	struct axv_guest_peek peek;
	int err;

	axv_guest_peek_begin(&peek, x->base.vm);
	if (words)
		axv_guest_words_begin(&peek, words);
	err = translate(x, &peek, linear, access, gpa, fault);
	if (words)
		axv_guest_words_end(&peek);
	axv_guest_peek_end(&peek);
	if (words && err)
		words->count = 0;
	return err;
}

/**
 * axv_x86_translate() - axv_x86_translate_noting() without @words
 * @x:		vCPU
 * @linear:	address
 * @access:	AXV_ACCESS_*
 * @gpa:	result
 * @fault:	out: why the translation failed
 *
 * Context: the claim is held; may sleep.
 * Return: 0 or an error as axv_x86_translate_noting().
 */
int axv_x86_translate(struct axv_x86_vcpu *x, u64 linear, u32 access, u64 *gpa,
		      struct axv_x86_fault *fault)
{
	return axv_x86_translate_noting(x, linear, access, gpa, fault, NULL);
}

static size_t left_in_page(u64 linear)
{
	return PAGE_SIZE - (linear & ~PAGE_MASK);
}

/* Where the next page begins.  Outside 64-bit mode addresses wrap at 4 GiB. */
static u64 next_page(struct axv_x86_vcpu *x, u64 linear)
{
	linear = (linear | ~PAGE_MASK) + 1;
	return axv_x86_code_bits(x) == 64 ? linear : (u32)linear;
}

/**
 * struct span - an access, cut in two where a page ends
 * @gpa:	guest physical address of each part
 * @size:	bytes of each part; 0 for the second if there is none
 */
struct span {
	u64 gpa[2];
	size_t size[2];
};

static int translate_span(struct axv_x86_vcpu *x, u64 linear, size_t size,
			  u32 access, struct span *span,
			  struct axv_x86_fault *fault)
{
	int i, err;

	if (size > PAGE_SIZE)
		return -EINVAL;
	span->size[0] = min(size, left_in_page(linear));
	span->size[1] = size - span->size[0];
	for (i = 0; i < 2 && span->size[i]; i++) {
		if (i)
			linear = next_page(x, linear);
		err = axv_x86_translate(x, linear, access, &span->gpa[i],
					fault);
		if (err)
			return err;
	}
	return 0;
}

static int read_span(struct axv_x86_vcpu *x, u64 linear, void *data,
		     size_t size, u32 access, struct axv_x86_fault *fault)
{
	struct span span;
	int i, err;

	err = translate_span(x, linear, size, access, &span, fault);
	if (err)
		return err;
	for (i = 0; i < 2 && span.size[i]; i++) {
		err = axv_guest_read(x->base.vm, span.gpa[i], data, span.size[i]);
		if (err)
			return not_done(err, fault, span.gpa[i]);
		data += span.size[i];
	}
	return 0;
}

static int write_span(struct axv_x86_vcpu *x, u64 linear, const void *data,
		      size_t size, u32 access, struct axv_x86_fault *fault)
{
	struct span span;
	int i, err;

	err = translate_span(x, linear, size, access, &span, fault);
	if (err)
		return err;
	for (i = 0; i < 2 && span.size[i]; i++) {
		err = axv_guest_write(x->base.vm, span.gpa[i], data, span.size[i]);
		if (err)
			return not_done(err, fault, span.gpa[i]);
		data += span.size[i];
	}
	return 0;
}

/**
 * axv_x86_read_linear() - read what the guest would read
 * @x:		vCPU
 * @linear:	address
 * @data:	where to
 * @size:	at most PAGE_SIZE
 * @fault:	out: why the access failed
 *
 * Context: the claim is held; may sleep.
 * Return: 0 or an error as axv_x86_translate().
 */
int axv_x86_read_linear(struct axv_x86_vcpu *x, u64 linear, void *data,
			size_t size, struct axv_x86_fault *fault)
{
	return read_span(x, linear, data, size, AXV_ACCESS_READ, fault);
}

/**
 * axv_x86_write_linear() - write what the guest would write
 * @x:		vCPU
 * @linear:	address
 * @data:	what to write
 * @size:	at most PAGE_SIZE
 * @fault:	out: why the access failed
 *
 * Nothing is written if the guest's tables do not allow all of it.
 *
 * Context: the claim is held; may sleep.
 * Return: 0 or an error as axv_x86_translate().
 */
int axv_x86_write_linear(struct axv_x86_vcpu *x, u64 linear, const void *data,
			 size_t size, struct axv_x86_fault *fault)
{
	return write_span(x, linear, data, size, AXV_ACCESS_WRITE, fault);
}

/**
 * axv_x86_probe() - could the guest make an access?
 * @x:		vCPU
 * @linear:	address
 * @size:	at most PAGE_SIZE
 * @access:	AXV_ACCESS_READ or _WRITE
 * @fault:	out: why the access would fail
 *
 * Context: the claim is held; may sleep.
 * Return: 0 or an error as axv_x86_translate(); -EFAULT also if there is no memory.
 */
int axv_x86_probe(struct axv_x86_vcpu *x, u64 linear, size_t size, u32 access,
		  struct axv_x86_fault *fault)
{
	struct span span;
	int i, err;

	err = translate_span(x, linear, size, access, &span, fault);
	for (i = 0; !err && i < 2 && span.size[i]; i++) {
		err = axv_guest_look(x->base.vm, span.gpa[i], access & AXV_ACCESS_WRITE);
		if (err)
			err = hole(err, fault, span.gpa[i]);
	}
	return err;
}

/* Nearly always 16 bytes are left in the page: two words are read then. */
static int read_code(struct axv_guest_peek *peek, u64 gpa, u8 *bytes,
		     unsigned int size)
{
	u64 words[2];

	BUILD_BUG_ON(AXV_X86_INSN_MAX > sizeof(words));
	if (size == AXV_X86_INSN_MAX && left_in_page(gpa) >= sizeof(words) &&
	    axv_guest_peek(peek, gpa, 8, &words[0]) &&
	    axv_guest_peek(peek, gpa + 8, 8, &words[1])) {
		memcpy(bytes, words, AXV_X86_INSN_MAX);
		return 0;
	}
	axv_guest_peek_end(peek);
	return axv_guest_read(peek->vm, gpa, bytes, size);
}

/**
 * axv_x86_fetch_code() - read the bytes at the instruction pointer
 * @x:		vCPU
 * @bytes:	result
 * @size:	how many are wanted; never more than AXV_X86_INSN_MAX are read
 * @bits:	what axv_x86_code_bits() returns
 * @words:	NULL, or out: all words of guest memory on which the result depends.  Empty
 *		if they are too many, if accessed bits had to be written, or if the bytes
 *		are not in one page
 *
 * Stops at the end of the segment, and at a page that the guest may not execute or that
 * is no memory: the bytes before may be a whole instruction all the same.  Stops also at
 * a page that would have to be waited for while a signal is pending: the caller asks
 * signal_pending().
 *
 * Context: the claim is held; may sleep.
 * Return: how many bytes were read.
 */
int axv_x86_fetch_code(struct axv_x86_vcpu *x, u8 *bytes, unsigned int size,
		       unsigned int bits, struct axv_guest_words *words)
{
	struct axv_x86_fault fault;
	struct axv_x86_segment cs;
	u64 linear = x->regs.rip;
	unsigned int done = 0;

	size = min_t(unsigned int, size, AXV_X86_INSN_MAX);
	if (bits != 64) {
		x->hw->get_segment(x, AXV_X86_CS, &cs);
		linear = (u32)linear;
		if (linear > cs.limit)
			return 0;
		size = min_t(u64, size, (u64)cs.limit - linear + 1);
		linear = (u32)(linear + cs.base);
	}

	while (done < size) {
		unsigned int chunk = min_t(size_t, size - done,
					   left_in_page(linear));
		struct axv_guest_peek peek;
		u64 gpa;
		int err;

		axv_guest_peek_begin(&peek, x->base.vm);
		if (words)
			axv_guest_words_begin(&peek, words);
		err = translate(x, &peek, linear, AXV_ACCESS_FETCH, &gpa,
				&fault) ?:
		      read_code(&peek, gpa, bytes + done, chunk);
		if (words)
			axv_guest_words_end(&peek);
		axv_guest_peek_end(&peek);
		if (words && (err || chunk < size))
			words->count = 0;
		if (err)
			break;
		done += chunk;
		if (done < size)
			linear = next_page(x, linear);
	}
	return done;
}

/**
 * axv_x86_fetch() - axv_x86_fetch_code() without @bits and @words
 * @x:		vCPU
 * @bytes:	result
 * @size:	how many are wanted
 *
 * Context: the claim is held; may sleep.
 * Return: how many bytes were read.
 */
int axv_x86_fetch(struct axv_x86_vcpu *x, u8 *bytes, unsigned int size)
{
	return axv_x86_fetch_code(x, bytes, size, axv_x86_code_bits(x), NULL);
}
