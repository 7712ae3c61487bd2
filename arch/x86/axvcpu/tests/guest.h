/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that is an array: registers and memory for the tests of walk.c,
 * access.c and task.c.
 *
 * These are compiled once more into the tests, with the functions they
 * call for guest memory replaced by the ones here.  So the code that runs in
 * earnest needs no seam for its tests.
 */
#ifndef _AXVCPU_TESTS_GUEST_H
#define _AXVCPU_TESTS_GUEST_H

#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "../decode.h"
#include "../x86.h"

#define GUEST_SIZE	0x40000ull	/* memory from 0 */
#define GUEST_HOLE	0x20000ull	/* a page in it that is none */
#define GUEST_ROM	0x30000ull	/* a page in it that is read-only */
#define GUEST_DEVICE	0xfee00000ull	/* far from any memory */

/**
 * struct guest - a vCPU and its memory
 * @x:		the vCPU
 * @vm:		its VM, used for its address only
 * @ops:	its back end, likewise but for the number
 * @run:	its run page
 * @seg:	what &axv_x86_hw answers
 * @cr:		likewise
 * @efer:	likewise
 * @cpl:	likewise
 * @table:	likewise: GDTR and IDTR
 * @dr7:	likewise
 * @shadow:	likewise
 * @nmi_masked:	likewise
 * @memory:	GUEST_SIZE bytes
 * @device_is_ram: a region has appeared at GUEST_DEVICE
 * @races:	so many more compare-and-exchange operations find another value
 * @race_value:	which one, if it is not 0
 * @swaps:	compare-and-exchange operations that succeeded
 * @host_refuses: a page of memory that the host's mapping refuses
 * @peeks:	words that were read without waiting
 * @absent:	the word after so many of them is not at hand; -1: none
 * @raised:	exceptions raised
 * @vector:	the last of them
 * @has_error:	likewise
 * @error:	likewise
 * @address:	likewise
 */
struct guest {
	struct axv_x86_vcpu x;
	struct axv_vm vm;
	struct axv_arch_ops ops;
	struct axv_run run;
	struct axv_x86_segment seg[AXV_X86_SEGS];
	u64 cr[9];
	u64 efer;
	unsigned int cpl;
	struct axv_x86_dtable table[2];
	u64 dr7;
	bool shadow;
	bool nmi_masked;
	u8 *memory;
	bool device_is_ram;
	unsigned int races;
	u64 race_value;
	unsigned int swaps;
	u64 host_refuses;
	int peeks;
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
	return to_guest(x)->cr[cr];
}

static u64 guest_get_efer(struct axv_x86_vcpu *x)
{
	return to_guest(x)->efer;
}

static unsigned int guest_cpl(struct axv_x86_vcpu *x)
{
	return to_guest(x)->cpl;
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

static void guest_set_shadow(struct axv_x86_vcpu *x, bool shadow)
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
	.get_efer = guest_get_efer,
	.cpl = guest_cpl,
	.set_shadow = guest_set_shadow,
	.set_nmi_masked = guest_set_nmi_masked,
};

static bool guest_is_ram(struct axv_vm *vm, u64 gpa, bool write)
{
	struct guest *g = container_of(vm, struct guest, vm);

	if (gpa >> PAGE_SHIFT == GUEST_DEVICE >> PAGE_SHIFT)
		return g->device_is_ram;
	return gpa < GUEST_SIZE &&
	       gpa >> PAGE_SHIFT != GUEST_HOLE >> PAGE_SHIFT &&
	       !(write && gpa >> PAGE_SHIFT == GUEST_ROM >> PAGE_SHIFT);
}

static u8 *guest_at(struct axv_vm *vm, u64 gpa, size_t size, bool write)
{
	struct guest *g = container_of(vm, struct guest, vm);

	if (!guest_is_ram(vm, gpa, write) ||
	    !guest_is_ram(vm, gpa + size - 1, write) || gpa >= GUEST_SIZE)
		return NULL;
	if (g->host_refuses && (gpa ^ g->host_refuses) < PAGE_SIZE)
		return NULL;
	return g->memory + gpa;
}

static int guest_read(struct axv_vm *vm, u64 gpa, void *data, size_t size)
{
	u8 *at = guest_at(vm, gpa, size, false);

	if (!at)
		return -EFAULT;
	memcpy(data, at, size);
	return 0;
}

static void guest_peek_begin(struct axv_guest_peek *peek, struct axv_vm *vm)
{
	*peek = (struct axv_guest_peek){ .vm = vm, .held = true };
}

static void guest_peek_end(struct axv_guest_peek *peek)
{
	peek->held = false;
}

static bool guest_peek_word(struct axv_guest_peek *peek, u64 gpa,
			    unsigned int size, u64 *value)
{
	struct guest *g = container_of(peek->vm, struct guest, vm);

	*value = 0;
	if (!peek->held || g->absent == g->peeks)
		return false;
	g->peeks++;
	return !guest_read(peek->vm, gpa, value, size);
}

static int guest_write(struct axv_vm *vm, u64 gpa, const void *data,
		       size_t size)
{
	u8 *at = guest_at(vm, gpa, size, true);

	if (!at)
		return -EFAULT;
	memcpy(at, data, size);
	return 0;
}

static int guest_cmpxchg64(struct axv_vm *vm, u64 gpa, u64 *old, u64 new,
			   unsigned int size)
{
	struct guest *g = container_of(vm, struct guest, vm);
	u8 *at = guest_at(vm, gpa, size, true);
	u64 found = 0;

	if (!at)
		return -EFAULT;
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
#define ATTR_CODE64	0xa9b	/* likewise, 64 bit */

/* Paging is off in 16 and 32 bits; in 64 bits it is the test that maps. */
static struct guest *guest_new(struct kunit *test, unsigned int bits)
{
	struct guest *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, g);
	g->memory = kunit_kzalloc(test, GUEST_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, g->memory);
	g->absent = -1;
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
		g->cr[0] = X86_CR0_PE;
	if (bits == 64) {
		g->cr[0] |= X86_CR0_PG | X86_CR0_WP;
		g->cr[4] = X86_CR4_PAE;
		g->efer = EFER_LME | EFER_LMA | EFER_NX;
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

/* What these files export, for this file alone. */
#define axv_guest_read		guest_read
#define axv_guest_peek_begin	guest_peek_begin
/* Not the structure of the same name. */
#define axv_guest_peek(...)	guest_peek_word(__VA_ARGS__)
#define axv_guest_peek_end	guest_peek_end
#define axv_guest_write		guest_write
#define axv_guest_cmpxchg64	guest_cmpxchg64
#define axv_gpa_is_ram		guest_is_ram
#define axv_x86_raise		guest_raise
#define axv_x86_advance		guest_advance
#define axv_x86_host		guest_host

#define axv_x86_code_bits	test_code_bits
#define axv_x86_linear		test_linear
#define axv_x86_translate	test_translate
#define axv_x86_read_linear	test_read_linear
#define axv_x86_write_linear	test_write_linear
#define axv_x86_read_system	test_read_system
#define axv_x86_write_system	test_write_system
#define axv_x86_probe_system	test_probe_system
#define axv_x86_fetch		test_fetch
#define axv_x86_fetch_code	test_fetch_code
#define axv_x86_access_failed	test_access_failed
#define axv_x86_task_switch	test_task_switch
#define axv_x86_mmio		test_mmio
#define axv_x86_io_in		test_io_in
#define axv_x86_io_string	test_io_string
#define axv_x86_complete	test_complete

static unsigned int test_code_bits(struct axv_x86_vcpu *x);
static int test_linear(struct axv_x86_vcpu *x, unsigned int seg, u64 offset,
		       unsigned int size, bool write, u64 *linear,
		       struct axv_x86_fault *fault);
static int test_translate(struct axv_x86_vcpu *x, u64 linear, u32 access,
			  u64 *gpa, struct axv_x86_fault *fault);
static int __maybe_unused test_read_linear(struct axv_x86_vcpu *x, u64 linear,
					   void *data, size_t size,
					   struct axv_x86_fault *fault);
static int test_write_linear(struct axv_x86_vcpu *x, u64 linear,
			     const void *data, size_t size,
			     struct axv_x86_fault *fault);
static int __maybe_unused test_read_system(struct axv_x86_vcpu *x, u64 linear,
					   void *data, size_t size,
					   struct axv_x86_fault *fault);
static int __maybe_unused test_write_system(struct axv_x86_vcpu *x, u64 linear,
					    const void *data, size_t size,
					    struct axv_x86_fault *fault);
static int __maybe_unused test_probe_system(struct axv_x86_vcpu *x, u64 linear,
					    size_t size, u32 access,
					    struct axv_x86_fault *fault);
static int __maybe_unused test_fetch(struct axv_x86_vcpu *x, u8 *bytes,
				     unsigned int size);
static int __maybe_unused test_fetch_code(struct axv_x86_vcpu *x, u8 *bytes,
					  unsigned int size, unsigned int bits);

#undef boot_cpu_has
#define boot_cpu_has(feature)	\
	((feature) == X86_FEATURE_GBPAGES && guest_gbpages)

#include "../walk.c"

#endif /* _AXVCPU_TESTS_GUEST_H */
