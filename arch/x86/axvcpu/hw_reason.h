/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exit reasons of the hardware by name, for the tracepoint axv_exit.
 */
#ifndef _AXVCPU_X86_HW_REASON_H
#define _AXVCPU_X86_HW_REASON_H

/* <uapi/asm/kvm.h> names the vectors, which the lists of the other two headers use. */
#include <uapi/asm/kvm.h>
#include <uapi/asm/svm.h>
#include <uapi/asm/vmx.h>

/* The exit reason of VMX has flags above bit 15 (SDM vol. 3C, "Basic VM-Exit Information"). */
#define axv_show_hw_reason(backend, reason, info)			\
	((backend) == AXV_BACKEND_VMX) ?				\
	__print_symbolic((reason) & 0xffff, VMX_EXIT_REASONS) :		\
	__print_symbolic(reason, SVM_EXIT_REASONS)

#endif /* _AXVCPU_X86_HW_REASON_H */
