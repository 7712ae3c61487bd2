/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's time.  tsc.c
 */
#ifndef _AXVCPU_X86_TSC_H
#define _AXVCPU_X86_TSC_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "x86.h"

extern u64 axv_x86_tsc_lost;
void axv_x86_tsc_resumed(u64 before, u64 after);
void axv_x86_tsc_init(void);
void axv_x86_tsc_exit(void);
u64 axv_x86_get_counter(struct axv_vm *vm);
void axv_x86_set_counter(struct axv_vm *vm, u64 value);

/**
 * axv_x86_guest_tsc() - what the guest's TSC reads now
 * @x:		vCPU
 */
static inline u64 axv_x86_guest_tsc(const struct axv_x86_vcpu *x)
{
	return axv_x86_get_counter(x->base.vm) + READ_ONCE(x->tsc_adjust);
}

/**
 * axv_x86_tsc_offset() - guest TSC minus host TSC
 * @x:		vCPU
 */
static inline u64 axv_x86_tsc_offset(const struct axv_x86_vcpu *x)
{
	return READ_ONCE(to_x86_vm(x->base.vm)->tsc_offset) +
	       axv_x86_tsc_lost + x->tsc_adjust;
}

#endif /* _AXVCPU_X86_TSC_H */
