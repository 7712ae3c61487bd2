/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device accesses by memory and by port.  access.c
 */
#ifndef _AXVCPU_X86_ACCESS_H
#define _AXVCPU_X86_ACCESS_H

#include <axvcpu/next.h>

#include "x86.h"

enum axv_next axv_x86_mmio(struct axv_x86_vcpu *x, u64 gpa, u32 access,
			   u32 cause);
enum axv_next axv_x86_io_in(struct axv_x86_vcpu *x, u16 port,
			    unsigned int width, unsigned int len);
enum axv_next axv_x86_complete(struct axv_x86_vcpu *x);
enum axv_next axv_x86_again(struct axv_x86_vcpu *x);

#endif /* _AXVCPU_X86_ACCESS_H */
