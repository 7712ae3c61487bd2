/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that takes ticks of its virtual timer while it computes.  Included once per
 * program, by the file with the tests.
 */
#ifndef AXV_TICKS_H
#define AXV_TICKS_H

#include "arm64.h"

#define TIMER_INTID	27

/*
 * Sets the timer to X20 counts from now, X22 times: the handler sets it anew.  Meanwhile spins,
 * and counts the rounds in X25, or halts if X23 is not zero.  Then calls with the number of
 * interrupts, again and again.
 */
GUEST_CODE(guest_ticks,
	"mov	x19, #0\n"
	"mov	x9, #0xff\n"
	"msr	icc_pmr_el1, x9\n"
	"mov	x9, #1\n"
	"msr	icc_igrpen1_el1, x9\n"
	"isb\n"
	"mov	x25, #0\n"
	"mrs	x9, cntvct_el0\n"
	"add	x9, x9, x20\n"
	"msr	cntv_cval_el0, x9\n"
	"mov	x9, #1\n"
	"msr	cntv_ctl_el0, x9\n"
	"isb\n"
	"msr	daifclr, #2\n"
	"1:	add	x25, x25, #1\n"
	"cmp	x19, x22\n"
	"b.hs	3f\n"
	"cbz	x23, 1b\n"
	"wfi\n"
	"b	1b\n"
	"3:	mrs	x2, cntv_ctl_el0\n"
	"mov	x0, #1\n"
	"mov	x1, x19\n"
	"hvc	#0\n"
	"b	3b\n");

/* The handler; at the last interrupt it masks the timer. */
GUEST_CODE(handler_ticks,
	"stp	x0, x1, [sp, #-16]!\n"
	"stp	x2, x3, [sp, #-16]!\n"
	"mrs	x0, icc_iar1_el1\n"
	"cmp	x0, #27\n"
	"b.ne	2f\n"
	"add	x19, x19, #1\n"
	"cmp	x19, x22\n"
	"mov	x2, #1\n"
	"mov	x1, #3\n"
	"csel	x2, x2, x1, lo\n"
	"msr	cntv_ctl_el0, x2\n"
	"mrs	x1, cntvct_el0\n"
	"add	x1, x1, x20\n"
	"msr	cntv_cval_el0, x1\n"
	"isb\n"
	"2:	msr	icc_eoir1_el1, x0\n"
	"isb\n"
	"ldp	x2, x3, [sp], #16\n"
	"ldp	x0, x1, [sp], #16\n"
	"eret\n");

static inline __u64 microseconds(struct axv_vm *vm, __u64 us)
{
	return axv_query(vm->dev, AXV_QUERY_COUNTER_KHZ) * us / 1000;
}

/* Make the next run begin a guest that takes so many ticks, @us apart. */
static inline void start_guest(struct axv_vm *vm, struct axv_vcpu *v, __u64 ticks, __u64 us)
{
	arm64_start(v, GUEST_CODE_ADDR);
	v->run->regs.gprs.pstate |= PSTATE_I;
	*arm64_x(v, 20) = microseconds(vm, us);
	*arm64_x(v, 22) = ticks;
}

/* Enable the timer's interrupt, as the distributor does. */
static inline int enable(struct axv_vcpu *v)
{
	return reg_set(v, AXV_REG_ARM64(GIC, AXV_ARM64_GIC_VTIMER),
		       AXV_ARM64_VTIMER(TIMER_INTID, 0x80));
}

/* Make a VM with one vCPU, whose next run begins that guest, with ticks 200 us apart. */
static inline void new_guest(struct axv_vm *vm, struct axv_vcpu *v)
{
	vm_new_irqchip(vm, AXV_VM_HALT_IN_KERNEL, AXV_IRQCHIP_GICV3);
	vcpu_ready(vm, v, 0);
	arm64_load(vm, guest_ticks);
	arm64_load_handler(vm, handler_ticks);
	start_guest(vm, v, 20, 200);
	must(!enable(v));
}

#endif
