/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which vCPU gets the CPU of one that spins.
 */
#ifndef _AXVCPU_YIELD_H
#define _AXVCPU_YIELD_H

#include <linux/types.h>

struct axv_vcpu;
struct task_struct;

struct task_struct *axv_yield_find(struct axv_vcpu *vcpu, u32 *id);

#endif /* _AXVCPU_YIELD_H */
