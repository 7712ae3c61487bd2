// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * KVM_SET_GUEST_DEBUG and KVM_EXIT_DEBUG: breakpoints and single step of a debugger that the
 * VMM serves.
 */
#include <errno.h>
#include <string.h>

#include "debug.h"
#include "vcpu.h"

#define VECTOR_DB	1
#define VECTOR_BP	3
#define DR7_FIXED	0x400u
/* Bits of DR7 that the module takes; KVM ignores the others. */
#define DR7_TAKEN	0xffff27ffu
/* Bits of DR6 that are 1 without a cause. */
#define DR6_NO_CAUSE	0xffff0ff0u

static const struct {
	__u32 kvm;
	__u32 axv;
} flags[] = {
	{ KVM_GUESTDBG_SINGLESTEP, AXV_DEBUG_STEP },
	{ KVM_GUESTDBG_USE_SW_BP, AXV_DEBUG_SW_BREAK },
	{ KVM_GUESTDBG_USE_HW_BP, AXV_DEBUG_HW_BREAK },
	{ KVM_GUESTDBG_BLOCKIRQ, AXV_DEBUG_BLOCK_EVENTS },
};

#define NR_FLAGS	(sizeof(flags) / sizeof(flags[0]))
#define INJECT		(KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)

__u32 guestdbg_flags(struct axv_host *host)
{
	__u32 offered = KVM_GUESTDBG_ENABLE | INJECT;
	unsigned int i;
	__u64 value;

	if (axv_query(host, AXV_QUERY_DEBUG_FLAGS, &value))
		return 0;
	for (i = 0; i < NR_FLAGS; i++) {
		/*
		 * KVM_CAP_SET_GUEST_DEBUG promises all of these, so without one of them it is not
		 * offered.
		 */
		if (!(value & flags[i].axv))
			return 0;
		offered |= flags[i].kvm;
	}
	return offered;
}

/* Inject #DB or #BP, beside the events that KVM_SET_VCPU_EVENTS has set. */
static int inject(struct vcpu *v, __u32 control)
{
	__u8 vector = control & KVM_GUESTDBG_INJECT_DB ? VECTOR_DB : VECTOR_BP;
	int err = axv_vcpu_inject_exception(v->axv, vector, 0, 0);

	return err == -EAGAIN ? -EBUSY : err;
}

int guestdbg_set(struct vcpu *v, const struct kvm_guest_debug *dbg)
{
	struct axv_debug set = {};
	__u32 control = dbg->control;
	unsigned int i;
	int err;

	if (control & ~guestdbg_flags(v->vm->host))
		return -EINVAL;
	if (control & INJECT) {
		err = inject(v, control);
		if (err)
			return err;
	}
	for (i = 0; control & KVM_GUESTDBG_ENABLE && i < NR_FLAGS; i++)
		if (control & flags[i].kvm)
			set.flags |= flags[i].axv;
	if (set.flags & AXV_DEBUG_HW_BREAK) {
		memcpy(set.addr, dbg->arch.debugreg, sizeof(set.addr));
		set.control = dbg->arch.debugreg[7] & DR7_TAKEN;
	}
	err = axv_vcpu_set_debug(v->axv, &set);
	if (err)
		debug("%s", axv_error());
	else
		v->debug_dr7 = set.control | DR7_FIXED;
	return err;
}

void guestdbg_show(struct vcpu *v)
{
	const struct axv_exit_debug *exit = &v->page->exit.debug;
	struct kvm_debug_exit_arch *arch = &v->run->debug.arch;

	memset(arch, 0, sizeof(*arch));
	arch->exception = exit->vector;
	arch->pc = exit->linear;
	arch->dr6 = DR6_NO_CAUSE | exit->causes;
	arch->dr7 = v->debug_dr7;
	if (exit->vector == VECTOR_BP) {
		v->int3_len = v->page->insn_len;
		v->int3_rip = v->page->ip;
	}
}

static bool is_breakpoint(__u64 event)
{
	return event == (AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | VECTOR_BP);
}

int guestdbg_pass_int3(struct vcpu *v)
{
	struct axv_reg r[] = {
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT) },
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION) },
	};
	__u8 len = v->int3_len;
	struct kvm_regs regs;

	v->int3_len = 0;
	if (axv_vcpu_get_regs(v->axv, r, 2) || regs_get(v, &regs))
		return -EIO;
	if (regs.rip != v->int3_rip || (!is_breakpoint(r[0].value) && !is_breakpoint(r[1].value)))
		return 0;
	v->page->regs.gprs.rip = regs.rip + len;
	v->page->dirty |= AXV_RUN_SET_GPRS;
	return 0;
}
