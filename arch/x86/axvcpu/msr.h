/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Model-specific registers: emulation and policy; RDMSR and WRMSR.  msr.c
 */
#ifndef _AXVCPU_X86_MSR_H
#define _AXVCPU_X86_MSR_H

#include <axvcpu/next.h>

#include "x86.h"

enum axv_next axv_x86_rdmsr(struct axv_x86_vcpu *x, unsigned int len);
enum axv_next axv_x86_wrmsr(struct axv_x86_vcpu *x, unsigned int len);
int axv_x86_get_msr(struct axv_x86_vcpu *x, u32 msr, u64 *value);
int axv_x86_set_msr(struct axv_x86_vcpu *x, u32 msr, u64 value, bool host);
int axv_x86_get_policy(struct axv_x86_vm *vm, struct axv_x86_msr_policy *buf,
		       u32 *count);
int axv_x86_set_policy(struct axv_x86_vm *vm,
		       const struct axv_x86_msr_policy *buf, u32 count);
bool axv_x86_policy_has(struct axv_x86_vm *vm, u32 msr);
u32 axv_x86_msr_action(struct axv_x86_vm *vm, u32 msr, bool write);
int axv_x86_msr_list(struct axv_x86_vcpu *x, u32 index, u32 *msr);

#endif /* _AXVCPU_X86_MSR_H */
