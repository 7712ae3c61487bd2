/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Vector state.  fpu.c
 */
#ifndef _AXVCPU_X86_FPU_H
#define _AXVCPU_X86_FPU_H

#include "x86.h"

int axv_x86_fpu_init(struct axv_x86_vcpu *x);
void axv_x86_fpu_destroy(struct axv_x86_vcpu *x);
void axv_x86_fpu_reset(struct axv_x86_vcpu *x);
int axv_x86_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size);
int axv_x86_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size);

#endif /* _AXVCPU_X86_FPU_H */
