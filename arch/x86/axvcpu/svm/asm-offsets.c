// SPDX-License-Identifier: GPL-2.0
/* Offsets that entry.S needs, turned into a header by the build. */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>

#include "svm.h"

static void __used axv_svm_offsets(void)
{
	OFFSET(AXV_SVM_VMCB_PA, axv_svm_vcpu, vmcb_pa);
	OFFSET(AXV_SVM_SPEC_CTRL, axv_svm_vcpu, x.spec_ctrl);
	OFFSET(AXV_SVM_GPRS, axv_svm_vcpu, x.regs.gpr);
}
