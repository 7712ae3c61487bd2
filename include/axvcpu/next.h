/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What comes after an exit of the hardware, and beginning an exit that the VMM sees.
 */
#ifndef _AXVCPU_NEXT_H
#define _AXVCPU_NEXT_H

#include <linux/axvcpu.h>
#include <axvcpu/vcpu.h>

/**
 * enum axv_next - what comes after an exit, or instead of an entry
 * @AXV_RESUME:	answered; enter the guest again
 * @AXV_EXIT:	the run ends; the exit is in the run page
 * @AXV_SLOW:	the outer loop has to answer it, which may sleep
 * @AXV_INTERRUPT: an interrupt of the host waits, or other work of the host
 * @AXV_AGAIN:	nothing was done; enter the guest again, but not for ever.  x86:
 *		axv_x86_again()
 *
 * Functions of the outer loop return AXV_RESUME, AXV_EXIT or AXV_AGAIN; those of the inner
 * loop return all but AXV_AGAIN.
 */
enum axv_next {
	AXV_RESUME,
	AXV_EXIT,
	AXV_SLOW,
	AXV_INTERRUPT,
	AXV_AGAIN,
};

/**
 * axv_exit() - begin to describe an exit
 * @vcpu:	vCPU whose claim the caller holds
 * @reason:	an enum axv_exit_reason
 * @len:	length of the instruction, 0 if there is none
 *
 * Return: the run page; the caller writes &axv_run.exit, and reads nothing back, since the
 * VMM may write there.
 */
static inline struct axv_run *axv_exit(struct axv_vcpu *vcpu, u32 reason, u8 len)
{
	struct axv_run *run = vcpu->run;

	run->exit_reason = reason;
	run->insn_len = len;
	axv_count(&vcpu->stats.exits[reason], 1);
	return run;
}

#endif /* _AXVCPU_NEXT_H */
