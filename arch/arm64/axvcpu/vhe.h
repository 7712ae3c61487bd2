/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hosts whose kernel runs at EL2.
 */
#ifndef _AXVCPU_ARM64_VHE_H
#define _AXVCPU_ARM64_VHE_H

#include "arm64.h"

/**
 * struct axv_vhe_host - the host's state while a guest's is loaded
 * @ctl:	what it runs under
 * @tpidr_el0:	the thread's
 * @tpidrro_el0: likewise
 */
struct axv_vhe_host {
	u64 ctl[AXV_CTL_COUNT];
	u64 tpidr_el0;
	u64 tpidrro_el0;
};

/* vhe.c */
void axv_vhe_load(struct axv_arm64_vcpu *v, struct axv_vhe_host *host);
void axv_vhe_put(struct axv_arm64_vcpu *v, struct axv_vhe_host *host);
void axv_vhe_switch(struct axv_arm64_vcpu *v);

#endif /* _AXVCPU_ARM64_VHE_H */
