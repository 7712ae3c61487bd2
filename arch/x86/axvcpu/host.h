/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host offers to guests.  host.c
 */
#ifndef _AXVCPU_X86_HOST_H
#define _AXVCPU_X86_HOST_H

#include <linux/types.h>

/**
 * struct axv_x86_host - what the host's processor and kernel can do
 * @phys_bits:	width of physical addresses
 * @xcr0:	state components a guest may use
 * @cr4:	CR4 bits a guest may ever set
 * @efer:	EFER bits a guest may ever set
 * @fpu_size:	bytes of the non-compacted XSAVE area
 * @tsc_aux:	a guest can have TSC_AUX
 * @invpcid:	a guest can have INVPCID
 * @arch_caps:	ARCH_CAPABILITIES as a guest may see it
 * @kernel_xcr0: XCR0 of the host's kernel
 * @kernel_xss:	IA32_XSS of the host's kernel
 *
 * Constant once the module is loaded.
 */
struct axv_x86_host {
	u32 phys_bits;
	u64 xcr0;
	u64 cr4;
	u64 efer;
	u32 fpu_size;
	bool tsc_aux;
	bool invpcid;
	u64 arch_caps;
	u64 kernel_xcr0;
	u64 kernel_xss;
};

extern struct axv_x86_host axv_x86_host;

u32 axv_x86_fpu_size(u64 xcr0);
void axv_x86_host_init(void);

#endif /* _AXVCPU_X86_HOST_H */
