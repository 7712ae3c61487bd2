/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control registers that exit.  cr.c
 */
#ifndef _AXVCPU_X86_CR_H
#define _AXVCPU_X86_CR_H

#include <axvcpu/next.h>

#include "x86.h"

bool axv_x86_write_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value);
bool axv_x86_lmsw(struct axv_x86_vcpu *x, u16 value);
void axv_x86_clts(struct axv_x86_vcpu *x);
enum axv_next axv_x86_xsetbv(struct axv_x86_vcpu *x, unsigned int len);

#endif /* _AXVCPU_X86_CR_H */
