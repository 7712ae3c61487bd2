/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exits that mean the same on all hardware.  exit.c
 */
#ifndef _AXVCPU_X86_EXIT_H
#define _AXVCPU_X86_EXIT_H

#include <linux/string.h>

#include <axvcpu/doorbell.h>
#include <axvcpu/next.h>

#include "cpuid.h"
#include "x86.h"

enum axv_next axv_x86_hypercall(struct axv_x86_vcpu *x, unsigned int cpl,
				unsigned int len);
enum axv_next axv_x86_io_string(struct axv_x86_vcpu *x,
				const struct axv_exit_io_string *told,
				unsigned int len);
enum axv_next axv_x86_stage2_fault(struct axv_x86_vcpu *x, u64 gpa,
				   u32 access);
enum axv_next axv_x86_halt(struct axv_x86_vcpu *x, unsigned int len);
enum axv_next axv_x86_shutdown(struct axv_x86_vcpu *x);
enum axv_next axv_x86_guest_exception(struct axv_x86_vcpu *x, u8 vector,
				      u32 error, u64 address);
enum axv_next axv_x86_task_switch(struct axv_x86_vcpu *x, u16 selector,
				  enum axv_x86_task_source source, u64 event,
				  unsigned int len);
bool axv_x86_is_split_lock(struct axv_x86_vcpu *x);
enum axv_next axv_x86_split_lock(struct axv_x86_vcpu *x);
enum axv_next axv_x86_fail_entry(struct axv_x86_vcpu *x, u64 reason, u64 qualification);
enum axv_next axv_x86_hardware_is_off(struct axv_x86_vcpu *x);
void axv_x86_exit_exception(struct axv_x86_vcpu *x, u8 vector, bool has_error,
			    u32 error, u64 address);
void axv_x86_machine_check(void);
enum axv_next axv_x86_next_event(struct axv_x86_vcpu *x, u64 *event,
				 bool *irq_window, bool *nmi_window);
void axv_x86_repeat_soft(struct axv_x86_vcpu *x);
void axv_x86_event_cut_short(struct axv_x86_vcpu *x, u64 event, bool soft);

/**
 * axv_x86_answer_cpuid() - put the answer to CPUID into the registers, but leave RIP
 * @x:		vCPU whose claim the caller holds
 */
static __always_inline void axv_x86_answer_cpuid(struct axv_x86_vcpu *x)
{
	u64 *gpr = x->regs.gpr;
	const struct axv_x86_answer *answer;
	u32 eax, ebx, ecx, edx;

	answer = axv_x86_cpuid_plain(x, gpr[AXV_X86_RAX]);
	if (likely(answer)) {
		eax = answer->eax;
		ebx = answer->ebx;
		ecx = answer->ecx;
		edx = answer->edx;
	} else {
		axv_x86_cpuid(x, gpr[AXV_X86_RAX], gpr[AXV_X86_RCX],
			      &eax, &ebx, &ecx, &edx);
	}
	gpr[AXV_X86_RAX] = eax;
	gpr[AXV_X86_RBX] = ebx;
	gpr[AXV_X86_RCX] = ecx;
	gpr[AXV_X86_RDX] = edx;
}

/**
 * axv_x86_exit() - begin to describe an exit
 * @x:		vCPU
 * @reason:	an enum axv_exit_reason
 * @len:	length of the instruction, 0 if there is none
 *
 * Return: the run page; the caller writes the union, and reads nothing back.
 */
static inline struct axv_run *axv_x86_exit(struct axv_x86_vcpu *x, u32 reason,
					   u8 len)
{
	return axv_exit(&x->base, reason, len);
}

/**
 * axv_x86_exit_io_out() - describe an exit for OUT
 * @x:		vCPU whose claim the caller holds
 * @port:	the port
 * @width:	1, 2 or 4
 * @len:	length of the instruction; the caller moves RIP past it
 */
static __always_inline void axv_x86_exit_io_out(struct axv_x86_vcpu *x, u16 port,
						unsigned int width,
						unsigned int len)
{
	struct axv_exit_io *io = &axv_x86_exit(x, AXV_EXIT_IO_WRITE,
					       len)->exit.io;

	io->port = port;
	io->width = width;
	memset(io->pad, 0, sizeof(io->pad));
	io->data = axv_x86_mask(x->regs.gpr[AXV_X86_RAX], width);
}

/**
 * axv_x86_out() - the guest executed OUT, in a VM that has doorbells
 * @x:		vCPU whose claim the caller holds
 * @port:	port
 * @width:	1, 2 or 4 bytes
 * @len:	length of the instruction; the back end moves RIP past it
 *
 * Context: as axv_ring_doorbell().
 * Return: AXV_RESUME if a doorbell has rung, otherwise AXV_EXIT.
 */
static __always_inline enum axv_next axv_x86_out(struct axv_x86_vcpu *x, u16 port,
						 unsigned int width, unsigned int len)
{
	u64 data = axv_x86_mask(x->regs.gpr[AXV_X86_RAX], width);

	if (axv_ring_doorbell(&x->base, AXV_SPACE_PORTS, port, width, data))
		return AXV_RESUME;
	axv_x86_exit_io_out(x, port, width, len);
	return AXV_EXIT;
}

#endif /* _AXVCPU_X86_EXIT_H */
