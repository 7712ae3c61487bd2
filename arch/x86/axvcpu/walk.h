/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's own page tables, and guest memory by linear address.  walk.c
 */
#ifndef _AXVCPU_X86_WALK_H
#define _AXVCPU_X86_WALK_H

#include "x86.h"

/**
 * struct axv_x86_fault - why an access on the guest's behalf failed
 * @vector:	exception for the guest: 14 (#PF), 13 (#GP), 12 (#SS), 17 (#AC); 0: none,
 *		there is no memory at @gpa
 * @error_code:	error code of the exception
 * @address:	linear address, for #PF
 * @gpa:	without an exception: guest physical address that is not memory
 * @cause:	without an exception: why it is not, an &enum axv_fault_cause.  It was true
 *		when the access looked: a region may have been added since
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
