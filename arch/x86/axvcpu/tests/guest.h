/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that is an array: registers and memory for the tests of walk.c, code.c
 * and access.c.
 *
 * The tests include these files once more, with the functions that they call for
 * guest memory replaced by the ones here.  So the files themselves need nothing for
 * their tests.
 */
#ifndef _AXVCPU_TESTS_GUEST_H
#define _AXVCPU_TESTS_GUEST_H

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include <axvcpu/kunit.h>

#include "../access.h"
#include "../asid.h"
#include "../code.h"
#include "../decode.h"
#include "../events.h"
#include "../exit.h"
#include "../regs.h"
#include "../walk.h"
#include "../x86.h"

#define GUEST_SIZE	0x40000ull	/* memory from 0 */
#define GUEST_HOLE	0x20000ull	/* a page in it that is none */
#define GUEST_ROM	0x30000ull	/* a page in it that is read-only */
#define GUEST_DEVICE	0xfee00000ull	/* far from any memory */

/**
 * struct guest - a vCPU and its memory
 * @x:		the vCPU
 * @vm:		its VM, of which only the address and @mmu_seq are used
 * @ops:	its back end, of which only the number is used
 * @run:	its run page
 * @seg:	segment registers
 * @cr:		control registers by number; CR0 and CR4 are in @x
 * @cpl:	privilege level
 * @table:	GDTR and IDTR
 * @dr7:	DR7
 * @shadow:	interrupt shadow
 * @nmi_masked:	NMIs are blocked
 * @pdpte:	what the hardware has loaded of PAE tables, if @pdptes_loaded
 * @pdptes_loaded: see @pdpte
 * @memory:	GUEST_SIZE bytes
 * @device_is_ram: a region has appeared at GUEST_DEVICE
 * @hole_is_ram: a region has appeared at GUEST_HOLE
 * @hole_fills:	the first look at GUEST_HOLE finds no memory, and sets @hole_is_ram
 * @races:	how many more compare-and-exchange operations find another value
 * @race_value:	the value that they find; 0: the old one with bit 9 changed
 * @swaps:	compare-and-exchange operations that succeeded
 * @host_refuses: a page of memory that the host's mapping refuses
 * @signal_in:	how many accesses to memory are made before one has to wait and finds a
 *		signal pending; -1: none does
 * @peeks:	words that were read without waiting
 * @hits:	comparisons of remembered words that found all of them the same
 * @absent:	when @peeks is this, the next word cannot be read without waiting; -1: all can
 * @raised:	exceptions raised
 * @vector:	vector of the last exception
 * @has_error:	the last exception has an error code
 * @error:	error code of the last exception
 * @address:	address of the last exception
 */
struct guest {
	struct axv_x86_vcpu x;
	struct axv_vm vm;
	struct axv_arch_ops ops;
	struct axv_run run;
	struct axv_x86_segment seg[AXV_X86_SEGS];
	u64 cr[9];
	unsigned int cpl;
	struct axv_x86_dtable table[2];
	u64 dr7;
	unsigned int shadow;
	bool nmi_masked;
	u64 pdpte[4];
	bool pdptes_loaded;
	u8 *memory;
	bool device_is_ram;
	bool hole_is_ram;
	bool hole_fills;
	unsigned int races;
	u64 race_value;
	unsigned int swaps;
	u64 host_refuses;
	int signal_in;
	int peeks;
	unsigned int hits;
	int absent;
	unsigned int raised;
	u8 vector;
	bool has_error;
	u32 error;
	u64 address;
};

static struct axv_x86_host guest_host = { .phys_bits = 40 };
static bool guest_gbpages = true;

static struct guest *to_guest(struct axv_x86_vcpu *x)
{
	return container_of(x, struct guest, x);
}

static void guest_get_segment(struct axv_x86_vcpu *x, unsigned int seg,
			      struct axv_x86_segment *value)
{
	*value = to_guest(x)->seg[seg];
}

static u64 guest_get_cr(struct axv_x86_vcpu *x, unsigned int cr)
{
	return cr == 0 ? x->cr0 : cr == 4 ? x->cr4 : to_guest(x)->cr[cr];
}

static u64 guest_get_pdpte(struct axv_x86_vcpu *x, unsigned int index)
{
	if (index == AXV_X86_PDPTES_LOADED)
		return to_guest(x)->pdptes_loaded;
	return to_guest(x)->pdpte[index];
}

static unsigned int guest_cpl(struct axv_x86_vcpu *x)
{
	return to_guest(x)->cpl;
}

static void guest_code_state(struct axv_x86_vcpu *x,
			     struct axv_x86_code_state *state)
{
	state->cr3 = to_guest(x)->cr[3];
	state->attr = to_guest(x)->seg[AXV_X86_CS].attr;
	state->cpl = to_guest(x)->cpl;
}

/* The privilege level is in SS, as under VMX. */
static void guest_set_segment(struct axv_x86_vcpu *x, unsigned int seg,
			      const struct axv_x86_segment *value)
{
	to_guest(x)->seg[seg] = *value;
	if (seg == AXV_X86_SS)
		to_guest(x)->cpl = (value->attr & AXV_X86_ATTR_DPL) >> 5;
}

static void guest_get_dtable(struct axv_x86_vcpu *x, unsigned int table,
			     struct axv_x86_dtable *value)
{
	*value = to_guest(x)->table[table - AXV_X86_GDTR];
}

static void guest_set_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value)
{
	if (cr == 0)
		x->cr0 = value;
	else if (cr == 4)
		x->cr4 = value;
	else
		to_guest(x)->cr[cr] = value;
}

static u64 guest_get_dr(struct axv_x86_vcpu *x, unsigned int dr)
{
	return dr == 7 ? to_guest(x)->dr7 : 0;
}

static void guest_set_dr(struct axv_x86_vcpu *x, unsigned int dr, u64 value)
{
	if (dr == 7)
		to_guest(x)->dr7 = value;
}

static void guest_set_shadow(struct axv_x86_vcpu *x, unsigned int shadow)
{
	to_guest(x)->shadow = shadow;
}

static void guest_set_nmi_masked(struct axv_x86_vcpu *x, bool masked)
{
	to_guest(x)->nmi_masked = masked;
}

static const struct axv_x86_hw guest_hw = {
	.get_segment = guest_get_segment,
	.set_segment = guest_set_segment,
	.get_dtable = guest_get_dtable,
	.get_cr = guest_get_cr,
	.set_cr = guest_set_cr,
	.get_dr = guest_get_dr,
	.set_dr = guest_set_dr,
	.get_pdpte = guest_get_pdpte,
	.code_state = guest_code_state,
	.cpl = guest_cpl,
	.set_shadow = guest_set_shadow,
	.set_nmi_masked = guest_set_nmi_masked,
};

static int guest_look(struct axv_vm *vm, u64 gpa, bool write)
{
	struct guest *g = container_of(vm, struct guest, vm);

	if (gpa >> PAGE_SHIFT == GUEST_DEVICE >> PAGE_SHIFT)
		return g->device_is_ram ? 0 : -ENOENT;
	if (gpa >> PAGE_SHIFT == GUEST_HOLE >> PAGE_SHIFT && !g->hole_is_ram) {
		g->hole_is_ram = g->hole_fills;
		return -ENOENT;
	}
	if (gpa >= GUEST_SIZE)
		return -ENOENT;
	return write && gpa >> PAGE_SHIFT == GUEST_ROM >> PAGE_SHIFT ? -EACCES : 0;
}

static bool __maybe_unused guest_is_ram(struct axv_vm *vm, u64 gpa, bool write)
{
	return !guest_look(vm, gpa, write);
}

/* Where @gpa is in @memory, or an error. */
static u8 *guest_at(struct axv_vm *vm, u64 gpa, size_t size, bool write)
{
	struct guest *g = container_of(vm, struct guest, vm);
	int err;

	err = guest_look(vm, gpa, write) ?: guest_look(vm, gpa + size - 1, write);
	if (err)
		return ERR_PTR(err);
	if (gpa >= GUEST_SIZE || (g->host_refuses && (gpa ^ g->host_refuses) < PAGE_SIZE))
		return ERR_PTR(-EFAULT);
	return g->memory + gpa;
}

static bool guest_interrupted(struct axv_vm *vm)
{
	struct guest *g = container_of(vm, struct guest, vm);

	return g->signal_in >= 0 && !g->signal_in--;
}

static int guest_read(struct axv_vm *vm, u64 gpa, void *data, size_t size)
{
	u8 *at = guest_at(vm, gpa, size, false);

	if (guest_interrupted(vm))
		return -EINTR;
	if (IS_ERR(at))
		return PTR_ERR(at);
	memcpy(data, at, size);
	return 0;
}

static void guest_peek_begin(struct axv_guest_peek *peek, struct axv_vm *vm)
{
	*peek = (struct axv_guest_peek){
		.vm = vm, .seq = vm->mmu_seq, .held = true,
	};
}

static void guest_peek_end(struct axv_guest_peek *peek)
{
	peek->held = false;
}

static bool guest_peek_word(struct axv_guest_peek *peek, u64 gpa,
			    unsigned int size, u64 *value)
{
	struct guest *g = container_of(peek->vm, struct guest, vm);
	u8 *at = guest_at(peek->vm, gpa, size, false);

	*value = 0;
	if (!peek->held || g->absent == g->peeks || IS_ERR(at))
		return false;
	g->peeks++;
	memcpy(value, at, size);
	if (peek->words)
		axv_guest_words_note(peek->words, (void __force __user *)at, size, *value);
	return true;
}

static bool guest_words_same(struct axv_vm *vm, const struct axv_guest_words *words)
{
	struct guest *g = container_of(vm, struct guest, vm);
	unsigned int i;

	if (!words->count || vm->mmu_seq != words->seq)
		return false;
	for (i = 0; i < words->count; i++) {
		if (*(u64 __force *)words->word[i].at != words->word[i].value)
			return false;
	}
	g->hits++;
	return true;
}

static int guest_write(struct axv_vm *vm, u64 gpa, const void *data,
		       size_t size)
{
	u8 *at = guest_at(vm, gpa, size, true);

	if (guest_interrupted(vm))
		return -EINTR;
	if (IS_ERR(at))
		return PTR_ERR(at);
	memcpy(at, data, size);
	return 0;
}

static int guest_cmpxchg64(struct axv_vm *vm, u64 gpa, u64 *old, u64 new,
			   unsigned int size)
{
	struct guest *g = container_of(vm, struct guest, vm);
	u8 *at = guest_at(vm, gpa, size, true);
	u64 found = 0;

	if (guest_interrupted(vm))
		return -EINTR;
	if (IS_ERR(at))
		return PTR_ERR(at);
	if (gpa & (size - 1))
		return -EINVAL;
	memcpy(&found, at, size);
	if (g->races) {
		g->races--;
		found = g->race_value ?: found ^ BIT_ULL(9);
		memcpy(at, &found, size);
	}
	if (found != *old) {
		*old = found;
		return -EAGAIN;
	}
	memcpy(at, &new, size);
	g->swaps++;
	return 0;
}

static void __maybe_unused guest_raise(struct axv_x86_vcpu *x, u8 vector,
				       bool has_error, u32 error, u64 address)
{
	struct guest *g = to_guest(x);

	g->raised++;
	g->vector = vector;
	g->has_error = has_error;
	g->error = error;
	g->address = address;
}

static void __maybe_unused guest_advance(struct axv_x86_vcpu *x,
					 unsigned int len)
{
	x->regs.rip += len;
}

/* A flat segment of the kind that 32- and 64-bit systems use. */
static struct axv_x86_segment guest_flat(u16 attr)
{
	return (struct axv_x86_segment){
		.limit = U32_MAX,
		.selector = 8,
		.attr = attr,
	};
}

#define ATTR_DATA	0xc93	/* present, writable, 32 bit */
#define ATTR_CODE32	0xc9b	/* present, readable, 32 bit */
#define ATTR_CODE64	0xa9b	/* present, readable, 64 bit */

/* Paging is off in 16 and 32 bits; in 64 bits it is on, and the test makes the tables. */
static struct guest *guest_new(struct kunit *test, unsigned int bits)
{
	struct guest *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, g);
	g->memory = kunit_kzalloc(test, GUEST_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, g->memory);
	g->absent = -1;
	g->signal_in = -1;
	g->ops.backend = AXV_BACKEND_SVM;
	g->x.base.vm = &g->vm;
	g->x.base.ops = &g->ops;
	g->x.base.run = &g->run;
	g->x.hw = &guest_hw;
	g->x.regs.rflags = X86_EFLAGS_FIXED;

	for (i = 0; i < AXV_X86_SEGS; i++) {
		if (bits == 16)
			g->seg[i] = (struct axv_x86_segment){
				.limit = 0xffff,
				.attr = 0x93,
			};
		else
			g->seg[i] = guest_flat(ATTR_DATA);
	}
	if (bits == 32)
		g->seg[AXV_X86_CS] = guest_flat(ATTR_CODE32);
	else if (bits == 64)
		g->seg[AXV_X86_CS] = guest_flat(ATTR_CODE64);
	if (bits != 16)
		g->x.cr0 = X86_CR0_PE;
	if (bits == 64) {
		g->x.cr0 |= X86_CR0_PG | X86_CR0_WP;
		g->x.cr4 = X86_CR4_PAE;
		g->x.efer = EFER_LME | EFER_LMA | EFER_NX;
	}
	guest_host.phys_bits = 40;
	guest_gbpages = true;
	return g;
}

static u64 __maybe_unused guest_peek(struct guest *g, u64 gpa,
				     unsigned int size)
{
	u64 value = 0;

	memcpy(&value, g->memory + gpa, size);
	return value;
}

static void guest_poke(struct guest *g, u64 gpa, u64 value, unsigned int size)
{
	memcpy(g->memory + gpa, &value, size);
}

/* Other names for what the files below call and export: those are for this file alone. */
#define axv_guest_read		guest_read
#define axv_guest_peek_begin	guest_peek_begin
/* A macro with arguments leaves the name of struct axv_guest_peek alone. */
#define axv_guest_peek(...)	guest_peek_word(__VA_ARGS__)
#define axv_guest_peek_end	guest_peek_end
#define axv_guest_words_same	guest_words_same
#define axv_guest_write		guest_write
#define axv_guest_cmpxchg64	guest_cmpxchg64
#define axv_guest_look		guest_look
#define axv_gpa_is_ram		guest_is_ram
#define axv_x86_raise		guest_raise
#define axv_x86_advance		guest_advance
#define axv_x86_host		guest_host

#define axv_x86_code_bits	test_code_bits
#define axv_x86_linear		test_linear
#define axv_x86_translate	test_translate
#define axv_x86_translate_noting	test_translate_noting
#define axv_x86_read_linear	test_read_linear
#define axv_x86_write_linear	test_write_linear
#define axv_x86_probe		test_probe
#define axv_x86_fetch		test_fetch
#define axv_x86_fetch_code	test_fetch_code
#define axv_x86_get_code	test_get_code
#define axv_x86_known_code	test_known_code
#define axv_x86_code_operand	test_code_operand
#define axv_x86_code_length	test_code_length
#define __axv_x86_code_insn	test_decode_code
#define axv_x86_mmio		test_mmio
#define axv_x86_io_in		test_io_in
#define axv_x86_complete	test_complete
#define axv_x86_again		test_again

static unsigned int test_code_bits(struct axv_x86_vcpu *x);
static int __maybe_unused test_linear(struct axv_x86_vcpu *x, unsigned int seg,
				      u64 offset, unsigned int size, bool write,
				      u64 *linear, struct axv_x86_fault *fault);
static int test_translate_noting(struct axv_x86_vcpu *x, u64 linear, u32 access,
				 u64 *gpa, struct axv_x86_fault *fault,
				 struct axv_guest_words *words);
static int test_translate(struct axv_x86_vcpu *x, u64 linear, u32 access,
			  u64 *gpa, struct axv_x86_fault *fault);
static int __maybe_unused test_read_linear(struct axv_x86_vcpu *x, u64 linear,
					   void *data, size_t size,
					   struct axv_x86_fault *fault);
static int __maybe_unused test_write_linear(struct axv_x86_vcpu *x, u64 linear,
					    const void *data, size_t size,
					    struct axv_x86_fault *fault);
static int __maybe_unused test_probe(struct axv_x86_vcpu *x, u64 linear,
				     size_t size, u32 access,
				     struct axv_x86_fault *fault);
static int __maybe_unused test_fetch(struct axv_x86_vcpu *x, u8 *bytes,
				     unsigned int size);
static int __maybe_unused test_fetch_code(struct axv_x86_vcpu *x, u8 *bytes,
					  unsigned int size, unsigned int bits,
					  struct axv_guest_words *words);
static __maybe_unused struct axv_x86_code *test_get_code(struct axv_x86_vcpu *x);
static __maybe_unused struct axv_x86_code *test_known_code(struct axv_x86_vcpu *x);
static int __maybe_unused test_code_operand(struct axv_x86_vcpu *x,
					    struct axv_x86_code *code, u64 linear);
static void __maybe_unused test_decode_code(struct axv_x86_code *code);
static unsigned int __maybe_unused test_code_length(struct axv_x86_code *code,
						    u32 *opcode);

#undef boot_cpu_has
#define boot_cpu_has(feature)	\
	((feature) == X86_FEATURE_GBPAGES && guest_gbpages)

#include "../walk.c"
#include "../code.c"

#endif /* _AXVCPU_TESTS_GUEST_H */
