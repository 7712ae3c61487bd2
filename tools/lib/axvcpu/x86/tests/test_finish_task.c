// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Task switches from their exit to the registers of the new task, over a stand-in for
 * the module.
 */
#include <errno.h>
#include <string.h>

#include "tests/fixture.h"

#define GDT		0x1000u
#define OLD_TSS		0x2000u
#define NEW_TSS		0x3000u
#define CODE		0x5000u
#define OLD_CODE	0x4000u

#define SEL_CODE	0x08
#define SEL_DATA	0x10
#define SEL_OLD		0x18
#define SEL_NEW		0x20

#define EVENT(type, vector)	\
	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_##type | (vector))
#define GP_EVENT	(EVENT(EXCEPTION, 13) | AXV_X86_EVENT_ERROR_VALID | 0x18ull << 32)

#define FLAG_NT		0x4000u
#define CR0_PE		1u
#define CR0_TS		8u

static void poke(__u32 at, __u64 value, unsigned int size)
{
	memcpy(ram + at, &value, size);
}

static void set_segment(unsigned int seg, __u16 selector, __u64 base, __u32 limit, __u16 attr)
{
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_SELECTOR)), selector);
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_BASE)), base);
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_LIMIT)), limit);
	kernel_set(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_ATTR)), attr);
}

/* Make an exit: a guest with flat segments switches to a task whose registers are mostly 0. */
static void make_switch(__u8 source, __u64 event, bool pending)
{
	unsigned int seg;

	kernel_reset();
	memset(run, 0, sizeof(*run));
	memset(ram, 0, 0x10000);
	poke(GDT + SEL_CODE, 0x00cf9b000000ffff, 8);
	poke(GDT + SEL_DATA, 0x00cf93000000ffff, 8);
	poke(GDT + SEL_OLD, 0x00008b0020000067, 8);
	poke(GDT + SEL_NEW, source == AXV_X86_TASK_IRET ? 0x00008b0030000067 :
							  0x0000890030000067, 8);
	poke(NEW_TSS + 0x20, CODE, 4);
	poke(NEW_TSS + 0x38, 0x8000, 4);
	for (seg = AXV_X86_ES; seg <= AXV_X86_GS; seg++) {
		poke(NEW_TSS + 0x48 + 4 * seg, seg == AXV_X86_CS ? SEL_CODE : SEL_DATA, 2);
		set_segment(seg, seg == AXV_X86_CS ? SEL_CODE : SEL_DATA, 0, ~0u,
			    seg == AXV_X86_CS ? 0xc9b : 0xc93);
	}
	set_segment(AXV_X86_TR, SEL_OLD, OLD_TSS, 0x67, 0x8b);
	set_segment(AXV_X86_GDTR, 0, GDT, 0x27, 0);
	kernel_set(AXV_REG_X86(GPR, AXV_X86_RIP), OLD_CODE);
	kernel_set(AXV_REG_X86(GPR, AXV_X86_RFLAGS), 2);
	kernel_set(AXV_REG_X86(CR, 0), CR0_PE);
	kernel_set(AXV_REG_X86(DR, 7), 0x7ff);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), AXV_X86_SHADOW_STI);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_MASKED), source == AXV_X86_TASK_IRET);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), pending ? event : 0);

	run->exit_reason = AXV_EXIT_TASK_SWITCH;
	run->ip = OLD_CODE;
	run->insn_len = pending ? 0 : 7;
	run->exit.task_switch.event = event;
	run->exit.task_switch.selector = SEL_NEW;
	run->exit.task_switch.source = source;
	run->exit.task_switch.pending = pending;
}

static int finish(void)
{
	return axv_vcpu_finish(vcpu, &ops, NULL);
}

static __u64 event_reg(unsigned int index)
{
	return kernel_get(AXV_REG_X86(EVENT, index));
}

static bool in_new_task(void)
{
	return kernel_get(AXV_REG_X86(GPR, AXV_X86_RIP)) == CODE &&
	       kernel_get(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_TR, AXV_X86_SEG_SELECTOR))) ==
	       SEL_NEW &&
	       (kernel_get(AXV_REG_X86(CR, 0)) & CR0_TS) &&
	       kernel_get(AXV_REG_X86(DR, 7)) == 0x6aa &&
	       event_reg(AXV_X86_EVENT_SHADOW) == AXV_X86_SHADOW_NONE;
}

static bool in_old_task(void)
{
	return kernel_get(AXV_REG_X86(GPR, AXV_X86_RIP)) == OLD_CODE &&
	       !(kernel_get(AXV_REG_X86(CR, 0)) & CR0_TS) &&
	       kernel_get(AXV_REG_X86(DR, 7)) == 0x7ff &&
	       event_reg(AXV_X86_EVENT_SHADOW) == AXV_X86_SHADOW_STI && !ram[NEW_TSS];
}

static bool raised(unsigned int vector, __u32 error, __u64 address)
{
	bool has_error = vector != 1;

	return kernel.events == 1 && kernel.event.type == AXV_INJECT_EXCEPTION &&
	       kernel.event.vector == vector && kernel.event.error_code == error &&
	       kernel.event.address == address &&
	       kernel.event.flags == (AXV_INJECT_RAISED |
				      (has_error ? AXV_INJECT_HAS_ERROR_CODE : 0));
}

static void test_done(void)
{
	make_switch(AXV_X86_TASK_JMP, 0, false);
	tap(finish() == AXV_FINISH_DONE && in_new_task() && !kernel.events, "JMP");
	tap(ram[OLD_TSS + 0x20] == 7 && ram[OLD_TSS + 0x21] == OLD_CODE >> 8,
	    "the new task goes on behind the instruction");
	tap(kernel.calls[_IOC_NR(AXV_VCPU_SET_REGS)] == 1 && kernel.largest_list <= 64,
	    "all registers change in one call, and under one claim");

	make_switch(AXV_X86_TASK_IRET, 0, false);
	tap(finish() == AXV_FINISH_DONE && in_new_task() &&
	    !event_reg(AXV_X86_EVENT_NMI_MASKED), "IRET ends the masking of NMIs");

	make_switch(AXV_X86_TASK_GATE, EVENT(EXTINT, 0x20), true);
	tap(finish() == AXV_FINISH_DONE && in_new_task() &&
	    !event_reg(AXV_X86_EVENT_REINJECT) && !event_reg(AXV_X86_EVENT_NMI_MASKED) &&
	    ram[OLD_TSS + 0x20] == 0, "an interrupt is taken");

	make_switch(AXV_X86_TASK_GATE, EVENT(NMI, 2), true);
	tap(finish() == AXV_FINISH_DONE && in_new_task() &&
	    !event_reg(AXV_X86_EVENT_REINJECT) && event_reg(AXV_X86_EVENT_NMI_MASKED),
	    "an NMI masks NMIs");

	make_switch(AXV_X86_TASK_GATE, GP_EVENT, true);
	tap(finish() == AXV_FINISH_DONE && in_new_task() &&
	    !event_reg(AXV_X86_EVENT_REINJECT) && ram[0x7ffc] == 0x18, "#GP is taken");

	make_switch(AXV_X86_TASK_GATE, EVENT(SOFT, 0x80), false);
	run->insn_len = 2;
	tap(finish() == AXV_FINISH_DONE && in_new_task() && ram[OLD_TSS + 0x20] == 2,
	    "INT n saves the address of the next instruction");
}

/* Faults, which the kernel may combine with the event that was being delivered */
static void test_faults(void)
{
	make_switch(AXV_X86_TASK_GATE, EVENT(EXTINT, 0x20), true);
	poke(GDT + SEL_NEW + 5, 0x8b, 1);
	tap(finish() == AXV_FINISH_EXCEPTION && in_old_task() && raised(13, SEL_NEW | 1, 0) &&
	    event_reg(AXV_X86_EVENT_REINJECT) == EVENT(EXTINT, 0x20),
	    "the old task's fault leaves the interrupt where it is");

	make_switch(AXV_X86_TASK_GATE, EVENT(EXTINT, 0x20), true);
	poke(NEW_TSS + 0x54, 0x28, 2);
	tap(finish() == AXV_FINISH_EXCEPTION && in_new_task() && raised(10, 0x28 | 1, 0) &&
	    !event_reg(AXV_X86_EVENT_REINJECT), "the new task's fault: the interrupt is taken");

	make_switch(AXV_X86_TASK_GATE, GP_EVENT, true);
	poke(NEW_TSS + 0x54, 0x28, 2);
	tap(finish() == AXV_FINISH_EXCEPTION && in_new_task() && raised(10, 0x28 | 1, 0) &&
	    event_reg(AXV_X86_EVENT_REINJECT) == GP_EVENT,
	    "the new task's fault: an exception may become a double fault");

	make_switch(AXV_X86_TASK_CALL, 0, false);
	poke(NEW_TSS + 0x64, 1, 1);
	tap(finish() == AXV_FINISH_EXCEPTION && in_new_task() && raised(1, 0, 0x8000),
	    "T in the TSS is a #DB of the new task");

	make_switch(AXV_X86_TASK_CALL, 0, false);
	kernel.fail_command = AXV_INJECT;
	kernel.fail_errno = EAGAIN;
	poke(NEW_TSS + 0x64, 1, 1);
	tap(finish() == AXV_FINISH_EXCEPTION && in_new_task(),
	    "an exception that the VMM has injected goes before the task's");

	make_switch(AXV_X86_TASK_CALL, 0, false);
	poke(GDT + SEL_NEW + 7, 0xd0, 1);
	tap(finish() == -EOPNOTSUPP && in_old_task() && !kernel.events &&
	    error_has("0xd0003000"), "a TSS where there is no memory is an error");
}

static void test_run_page(void)
{
	make_switch(AXV_X86_TASK_CALL, 0, false);
	axv_vcpu_get_gprs(vcpu, &run->regs.gprs);
	axv_vcpu_get_sregs(vcpu, &run->regs.sregs);
	run->regs.gprs.rip = OLD_CODE + 0x100;
	run->valid = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	run->dirty = AXV_RUN_SET_GPRS;
	tap(finish() == AXV_FINISH_DONE && in_new_task() &&
	    ram[OLD_TSS + 0x20] == 7 && ram[OLD_TSS + 0x21] == (OLD_CODE + 0x100) >> 8 &&
	    run->regs.gprs.rip == CODE && (run->regs.gprs.rflags & FLAG_NT) &&
	    (run->regs.sregs.cr0 & CR0_TS) && run->dirty == AXV_RUN_SET_GPRS,
	    "sets of the run page are used, and get the new registers");
}

/* The hardware does not tell the length. */
static void test_length(void)
{
	unsigned int tries;
	int ret;

	make_switch(AXV_X86_TASK_JMP, 0, false);
	run->insn_len = 0;
	poke(OLD_CODE, 0x002000000000eaull, 7);
	tap(finish() == AXV_FINISH_DONE && in_new_task() && ram[OLD_TSS + 0x20] == 7,
	    "the length is that of the instruction");

	make_switch(AXV_X86_TASK_JMP, 0, false);
	run->insn_len = 0;
	poke(OLD_CODE, 0x90, 1);
	kernel_set(AXV_REG_X86(CR, 3), 0x1234);
	tap(finish() == AXV_FINISH_DONE && in_old_task() && !kernel.events &&
	    kernel.calls[_IOC_NR(AXV_VCPU_SET_REGS)] == 1,
	    "another instruction by now runs again");
	for (tries = 1, ret = 0; !ret && tries < 1000; tries++)
		ret = finish();
	tap(ret == -EOPNOTSUPP && tries < 1000 && in_old_task(),
	    "another instruction again and again is an error");
}

int main(void)
{
	if (fixture_open()) {
		test_done();
		test_faults();
		test_run_page();
		test_length();
		fixture_close();
	}
	return tap_done();
}
