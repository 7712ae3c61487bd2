/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers by their ids, the register sets of the run page, and which values are
 * legal.  regs.c and sregs.c
 */
#ifndef _AXVCPU_X86_REGS_H
#define _AXVCPU_X86_REGS_H

#include <asm/processor-flags.h>

#include "x86.h"

int axv_x86_get_reg(struct axv_vcpu *vcpu, u64 id, u64 *value);
int axv_x86_set_reg(struct axv_vcpu *vcpu, u64 id, u64 value);
int axv_x86_set_dr(struct axv_x86_vcpu *x, u64 index, u64 value);
int axv_x86_reg_list(struct axv_x86_vcpu *x, u64 *ids, u32 *count);

/* sregs.c: run-page sets, and what values are legal */
#define AXV_X86_RFLAGS_KNOWN						\
	(X86_EFLAGS_CF | X86_EFLAGS_FIXED | X86_EFLAGS_PF | X86_EFLAGS_AF | \
	 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_IF |    \
	 X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_IOPL | X86_EFLAGS_NT |  \
	 X86_EFLAGS_RF | X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF |   \
	 X86_EFLAGS_VIP | X86_EFLAGS_ID)
bool axv_x86_canonical(const struct axv_x86_vcpu *x, u64 address);
bool axv_x86_cr0_valid(const struct axv_x86_vcpu *x, u64 cr0);
bool axv_x86_cr4_valid(const struct axv_x86_vcpu *x, u64 cr4);
bool axv_x86_efer_valid(const struct axv_x86_vcpu *x, u64 efer);
bool axv_x86_xcr0_valid(const struct axv_x86_vcpu *x, u64 xcr0);
int axv_x86_set_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value);
int axv_x86_set_efer(struct axv_x86_vcpu *x, u64 efer);
int axv_x86_check_rflags(u64 rflags);
int axv_x86_check_segment(const struct axv_x86_vcpu *x, unsigned int seg,
			  const struct axv_x86_segment *value);
int axv_x86_check_dtable(const struct axv_x86_vcpu *x,
			 const struct axv_x86_dtable *value);
void axv_x86_get_sregs(struct axv_x86_vcpu *x, struct axv_x86_sregs *sregs);
int axv_x86_set_sregs(struct axv_x86_vcpu *x, const struct axv_x86_sregs *sregs);
int axv_x86_prepare_run(struct axv_vcpu *vcpu);
void axv_x86_store_run(struct axv_vcpu *vcpu);
int axv_x86_sync_gprs(struct axv_vcpu *vcpu, u32 dirty, u32 want);

#endif /* _AXVCPU_X86_REGS_H */
