// SPDX-License-Identifier: GPL-2.0
/* Offsets that entry.S needs, turned into a header by the build. */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>

#include "vmx.h"

static void __used axv_vmx_offsets(void)
{
	OFFSET(AXV_VMX_HOST_RSP, axv_vmx_vcpu, host_rsp);
	OFFSET(AXV_VMX_LAUNCHED, axv_vmx_vcpu, launched);
	OFFSET(AXV_VMX_SPEC_CTRL, axv_vmx_vcpu, x.spec_ctrl);
	OFFSET(AXV_VMX_GPRS, axv_vmx_vcpu, x.regs.gpr);
}
