/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMX on the host's CPUs.
 */
#ifndef _AXVCPU_VMX_HARDWARE_H
#define _AXVCPU_VMX_HARDWARE_H

#include "caps.h"

int axv_vmx_hardware_init(void);
void axv_vmx_hardware_exit(void);
int axv_vmx_hardware_prepare(void);
void axv_vmx_hardware_unprepare(void);
int axv_vmx_hardware_enable(void);
void axv_vmx_hardware_disable(void);

#endif /* _AXVCPU_VMX_HARDWARE_H */
