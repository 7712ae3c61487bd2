/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exit reasons of the hardware by name, for the tracepoint axv_exit.
 */
#ifndef _AXVCPU_X86_HW_REASON_H
#define _AXVCPU_X86_HW_REASON_H

/* Vectors by name, which the lists below use. */
#include <uapi/asm/kvm.h>
#include <uapi/asm/svm.h>
#include <uapi/asm/vmx.h>

/* Above bit 15 VMX has flags (SDM vol. 3C, "Basic VM-Exit Information"). */
#define axv_show_hw_reason(backend, reason, info)			\
	((backend) == AXV_BACKEND_VMX) ?				\
	__print_symbolic((reason) & 0xffff, VMX_EXIT_REASONS) :		\
	__print_symbolic(reason, SVM_EXIT_REASONS)

#endif /* _AXVCPU_X86_HW_REASON_H */
