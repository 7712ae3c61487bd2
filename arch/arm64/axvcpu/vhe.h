/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of vhe.c, for hosts whose kernel runs at EL2.
 */
#ifndef _AXVCPU_ARM64_VHE_H
#define _AXVCPU_ARM64_VHE_H

#include "arm64.h"

/* vhe.c */
void axv_vhe_load(struct axv_arm64_vcpu *v);
void axv_vhe_put(struct axv_arm64_vcpu *v);
void axv_vhe_switch(struct axv_arm64_vcpu *v);

#endif /* _AXVCPU_ARM64_VHE_H */
