/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's own page tables, and guest memory by linear address.  walk.c
 */
#ifndef _AXVCPU_X86_WALK_H
#define _AXVCPU_X86_WALK_H

#include "x86.h"

/**
 * struct axv_x86_fault - exception that an access of the guest earned
 * @vector:	14 (#PF), 13 (#GP), 12 (#SS); 0: the access ran into a
 *		second-stage hole at @gpa instead
 * @error_code:	goes with it
 * @address:	linear address
 * @gpa:	guest physical address that is no memory
 * @cause:	why it is none, an &enum axv_fault_cause, as of the one look that the
 *		access took: a region may have come since
 */
struct axv_x86_fault {
	u8 vector;
	u32 error_code;
	u64 address;
	u64 gpa;
	u32 cause;
};

unsigned int axv_x86_code_bits(struct axv_x86_vcpu *x);
int axv_x86_linear(struct axv_x86_vcpu *x, unsigned int seg, u64 offset,
		   unsigned int size, bool write, u64 *linear,
		   struct axv_x86_fault *fault);
int axv_x86_translate_noting(struct axv_x86_vcpu *x, u64 linear, u32 access, u64 *gpa,
			     struct axv_x86_fault *fault, struct axv_guest_words *words);
int axv_x86_translate(struct axv_x86_vcpu *x, u64 linear, u32 access, u64 *gpa,
		      struct axv_x86_fault *fault);
int axv_x86_read_linear(struct axv_x86_vcpu *x, u64 linear, void *data,
			size_t size, struct axv_x86_fault *fault);
int axv_x86_write_linear(struct axv_x86_vcpu *x, u64 linear, const void *data,
			 size_t size, struct axv_x86_fault *fault);
int axv_x86_probe(struct axv_x86_vcpu *x, u64 linear, size_t size, u32 access,
		  struct axv_x86_fault *fault);
int axv_x86_fetch(struct axv_x86_vcpu *x, u8 *bytes, unsigned int size);
int axv_x86_fetch_code(struct axv_x86_vcpu *x, u8 *bytes, unsigned int size,
		       unsigned int bits, struct axv_guest_words *words);

#endif /* _AXVCPU_X86_WALK_H */
