/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a #VMEXIT means.  The most frequent ones are answered in line, before the others
 * are told apart.  exit.c
 */
#ifndef _AXVCPU_SVM_EXIT_H
#define _AXVCPU_SVM_EXIT_H

#include <linux/compiler.h>

#include "../access.h"
#include "../exit.h"
#include "svm.h"

/* EXITINFO1 of a port access (APM 15.10.2). */
#define IOIO_IN		BIT(0)
#define IOIO_STRING	BIT(2)
#define IOIO_REP	BIT(3)
#define IOIO_WIDTH(info)	(((info) >> 4) & 7)
#define IOIO_ADDRESS(info)	(((info) >> 7) & 7)
#define IOIO_SEGMENT(info)	(((info) >> 10) & 7)
#define IOIO_PORT(info)	((u16)((info) >> 16))

enum axv_next axv_svm_out(struct axv_svm_vcpu *svm);
enum axv_next axv_svm_port_string(struct axv_svm_vcpu *svm, u32 info, unsigned int len);
enum axv_next axv_svm_handle_other(struct axv_x86_vcpu *x);
enum axv_next axv_svm_handle_slow(struct axv_x86_vcpu *x);

/* The processor tells port, width and next RIP of a port access (APM 15.10.2). */
static __always_inline enum axv_next axv_svm_handle_port(struct axv_svm_vcpu *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u32 info = control->exit_info_1;
	u64 len = control->exit_info_2 - svm->x.regs.rip;

	if (info & IOIO_STRING)
		return axv_svm_port_string(svm, info, len);
	if (info & IOIO_IN)
		return axv_x86_io_in(&svm->x, IOIO_PORT(info),
				     IOIO_WIDTH(info), len);
	if (axv_has_doorbells(svm->x.base.vm, AXV_SPACE_PORTS))
		return axv_ringing_is_slow(svm->x.base.vm) ? AXV_SLOW : axv_svm_out(svm);

	axv_x86_exit_io_out(&svm->x, IOIO_PORT(info), IOIO_WIDTH(info), len);
	axv_svm_advance(svm, len);
	return AXV_EXIT;
}

/**
 * axv_svm_handle_fast() - answer an exit on the spot, if that is possible
 * @x:		vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
static __always_inline enum axv_next axv_svm_handle_fast(struct axv_x86_vcpu *x)
{
	struct axv_svm_vcpu *svm = x86_to_svm(x);
	u32 code = svm->vmcb->control.exit_code;

	if (unlikely(svm->after_exit) && axv_svm_after_step(svm))
		return AXV_RESUME;
	if (code == SVM_EXIT_IOIO)
		return axv_svm_handle_port(svm);
	if (code == SVM_EXIT_NPF)
		return AXV_SLOW;
	return axv_svm_handle_other(x);
}

#endif /* _AXVCPU_SVM_EXIT_H */
