// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Finishing a task switch: from the exit to the execution core, and then writing the new
 * task's registers, among them those of events that are under way.
 */
#include <errno.h>
#include <string.h>

#include "exec.h"

#define VECTOR_DB	1
#define DR6_BT		(1ull << 15)

/* DR7: the bits of breakpoints that are local to a task */
#define DR7_LOCAL	0x155ull

/**
 * struct reg_list - registers that are to be set together
 * @regs: the list, short enough for one call of the kernel
 * @count: number of @regs in use
 */
struct reg_list {
	struct axv_reg regs[64];
	unsigned int count;
};

static void add(struct reg_list *list, __u64 id, __u64 value)
{
	list->regs[list->count].id = id;
	list->regs[list->count++].value = value;
}

static void add_gprs(struct reg_list *list, const struct axv_x86_gprs *gprs)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		add(list, AXV_REG_X86(GPR, i), gprs->gpr[i]);
	add(list, AXV_REG_X86(GPR, AXV_X86_RIP), gprs->rip);
	add(list, AXV_REG_X86(GPR, AXV_X86_RFLAGS), gprs->rflags);
}

static void add_segment(struct reg_list *list, unsigned int seg,
			const struct axv_x86_segment *s)
{
	add(list, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_SELECTOR)), s->selector);
	add(list, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_BASE)), s->base);
	add(list, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_LIMIT)), s->limit);
	add(list, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_ATTR)), s->attr);
}

/*
 * The event that led to the new task has been delivered.  But if that event is an exception and
 * the new task faults, the two may make a double fault.  Then the event stays in its register, so
 * that the kernel can combine the two.
 */
static void add_events(struct reg_list *list, const struct axv_exit_task_switch *told,
		       bool faulted)
{
	__u64 type = told->event & AXV_X86_EVENT_TYPE;

	add(list, AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), AXV_X86_SHADOW_NONE);
	if (told->source == AXV_X86_TASK_IRET)
		add(list, AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_MASKED), 0);
	if (told->source == AXV_X86_TASK_GATE && type == AXV_X86_EVENT_TYPE_NMI)
		add(list, AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_MASKED), 1);
	if (told->pending && !(faulted && type == AXV_X86_EVENT_TYPE_EXCEPTION))
		add(list, AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), 0);
}

/*
 * Write the new task's registers.  CR3 is written only if it changes, since that drops
 * translations, and VMX's PDPTEs.
 */
static int store(struct axv_vcpu *vcpu, const struct axv_emul *e, struct reg_list *list,
		 __u64 old_cr3)
{
	struct axv_run *run = vcpu->run;
	unsigned int seg;

	for (seg = 0; seg < AXV_X86_SEGS; seg++)
		add_segment(list, seg, &e->sregs.seg[seg]);
	add(list, AXV_REG_X86(CR, 0), e->sregs.cr0);
	if (e->sregs.cr3 != old_cr3)
		add(list, AXV_REG_X86(CR, 3), e->sregs.cr3);

	/* Sets that are in the run page have to be the same as the registers. */
	if (axv_in_run_page(run, AXV_RUN_SET_GPRS))
		run->regs.gprs = e->gprs;
	if (axv_in_run_page(run, AXV_RUN_SET_SREGS))
		run->regs.sregs = e->sregs;
	return axv_set_all_regs(vcpu, list->regs, list->count);
}

/*
 * Inject an exception that the task switch raises.  An exception that the VMM has injected
 * meanwhile goes before it.
 */
static int raise(struct axv_vcpu *vcpu, const struct axv_emul_exception *x)
{
	const struct axv_inject event = {
		.type = AXV_INJECT_EXCEPTION,
		.flags = AXV_INJECT_RAISED |
			 (x->has_error_code ? AXV_INJECT_HAS_ERROR_CODE : 0),
		.vector = x->vector,
		.error_code = x->error_code,
		.address = x->address,
	};
	int ret = axv_vcpu_inject(vcpu, &event);

	return ret && ret != -EAGAIN ? ret : AXV_FINISH_EXCEPTION;
}

int axv_finish_task(struct axv_vcpu *vcpu, struct axv_emul *e)
{
	const struct axv_exit_task_switch told = vcpu->run->exit.task_switch;
	struct axv_task task = {
		.event = told.event,
		.selector = told.selector,
		.source = told.source,
		.length = told.pending ? 0 : vcpu->run->insn_len,
	};
	struct reg_list list = { .count = 0 };
	__u64 cr3 = e->sregs.cr3;
	__u64 backend;
	__u64 dr7;
	int done;
	int ret;

	if (!told.pending && !task.length) {
		task.length = axv_emul_task_length(e, &task);
		if (!task.length)
			return AXV_EMUL_CHANGED;
	}
	ret = axv_vcpu_get_reg(vcpu, AXV_REG_X86(DR, 7), &dr7);
	if (ret)
		return ret;
	e->vmx = !axv_query(vcpu->vm->host, AXV_QUERY_BACKEND, &backend) &&
		 backend == AXV_BACKEND_VMX;

	done = axv_emul_task(e, &task);
	if (done < 0)
		return done;
	if (task.entered) {
		add_gprs(&list, &e->gprs);
		add(&list, AXV_REG_X86(DR, 7), dr7 & ~DR7_LOCAL);
		add_events(&list, &told, done);
		ret = store(vcpu, e, &list, cr3);
		if (ret)
			return ret;
	}
	if (e->trap)
		e->exception = (struct axv_emul_exception) {
			.vector = VECTOR_DB,
			.address = DR6_BT,
		};
	return done || e->trap ? raise(vcpu, &e->exception) : AXV_FINISH_DONE;
}
