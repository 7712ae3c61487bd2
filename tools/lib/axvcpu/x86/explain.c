// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Explaining why the hardware refused an entry: by what it tells, and where it tells
 * nothing, by the guest's registers.
 */
#include <cpuid.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "lib.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define MSR_PAT			0x277
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176

/* &axv_exit_fail_entry.hardware_reason of VMX */
#define VMX_INSN_ERROR		(1ull << 32)
#define VMX_FAILED_ENTRY	(1ull << 31)
#define VMX_INVALID_STATE	(VMX_FAILED_ENTRY | 33)
#define VMX_MSR_LOAD		(VMX_FAILED_ENTRY | 34)
#define VMX_MACHINE_CHECK	(VMX_FAILED_ENTRY | 41)

/* &axv_exit_fail_entry.hardware_reason of SVM */
#define SVM_INVALID		(~0ull)

/* SDM vol. 3C, "Exit Qualification" of "VM-Entry Failures During or After Loading ..." */
static const char *const vmx_qualifications[] = {
	[2] = "the PDPTEs could not be loaded",
	[3] = "interruptibility state: blocking by STI while an NMI is injected",
	[4] = "VMCS link pointer: the VMCS is not valid",
};

/* Errors of VMLAUNCH and VMRESUME (SDM vol. 3C, "VM Instruction Error Numbers") */
static const char *const vmx_errors[] = {
	[4] = "VMLAUNCH with a VMCS that is not clear",
	[5] = "VMRESUME with a VMCS that was not launched",
	[6] = "VMRESUME after VMXOFF and VMXON",
	[7] = "an invalid control field",
	[8] = "an invalid field of the host's state",
	[25] = "an invalid VM-execution control field in the executive VMCS",
	[26] = "events are blocked by MOV SS",
};

static const char *name_of(const char *const *names, size_t count, __u64 n)
{
	return n < count ? names[n] : NULL;
}

static void address_widths(unsigned int *phys, unsigned int *linear)
{
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;

	*phys = 36;
	*linear = 48;
	if (__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx)) {
		*phys = eax & 0xff;
		*linear = eax >> 8 & 0xff;
	}
}

/*
 * Access rights in VMX's format.  A segment register that is not present is unusable; TR
 * never is.
 */
static __u32 access_of(unsigned int seg, __u16 attr)
{
	__u32 access = (attr & 0xff) | (__u32)(attr & 0xf00) << 4;

	if (seg != AXV_X86_TR && !(attr & AXV_X86_ATTR_P))
		access |= AXV_VMX_AR_UNUSABLE;
	return access;
}

static __u32 interruptibility(__u64 shadow, __u64 nmi_masked)
{
	__u32 state = nmi_masked ? AXV_VMX_BY_NMI : 0;

	if (shadow == AXV_X86_SHADOW_STI)
		state |= AXV_VMX_BY_STI;
	if (shadow == AXV_X86_SHADOW_MOV_SS)
		state |= AXV_VMX_BY_MOV_SS;
	return state;
}

static int vmx_state(struct axv_vcpu *vcpu, const struct axv_x86_sregs *sregs, __u64 event,
		     struct axv_vmx_state *s)
{
	struct axv_reg regs[] = {
		{ .id = AXV_REG_X86(DR, 7) },
		{ .id = AXV_REG_X86(MSR, MSR_PAT) },
		{ .id = AXV_REG_X86(MSR, MSR_SYSENTER_ESP) },
		{ .id = AXV_REG_X86(MSR, MSR_SYSENTER_EIP) },
		{ .id = AXV_REG_X86(GPR, AXV_X86_RIP) },
		{ .id = AXV_REG_X86(GPR, AXV_X86_RFLAGS) },
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW) },
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_MASKED) },
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_PENDING_DEBUG) },
		{ .id = AXV_REG_X86(PDPTE, 0) },
		{ .id = AXV_REG_X86(PDPTE, 1) },
		{ .id = AXV_REG_X86(PDPTE, 2) },
		{ .id = AXV_REG_X86(PDPTE, 3) },
	};
	unsigned int i;
	int ret;

	ret = axv_get_all_regs(vcpu, regs, ARRAY_SIZE(regs));
	if (ret)
		return ret;
	*s = (struct axv_vmx_state) {
		.cr0 = sregs->cr0,
		.cr3 = sregs->cr3,
		.cr4 = sregs->cr4,
		.dr7 = regs[0].value,
		.efer = sregs->efer,
		.pat = regs[1].value,
		.sysenter_esp = regs[2].value,
		.sysenter_eip = regs[3].value,
		.gdtr_base = sregs->gdtr.base,
		.idtr_base = sregs->idtr.base,
		.gdtr_limit = sregs->gdtr.limit,
		.idtr_limit = sregs->idtr.limit,
		.rip = regs[4].value,
		.rflags = regs[5].value,
		.interruptibility = interruptibility(regs[6].value, regs[7].value),
		.pending_debug = regs[8].value,
		.event = event,
	};
	for (i = 0; i < 4; i++)
		s->pdpte[i] = regs[9 + i].value;
	for (i = 0; i < AXV_X86_SEGS; i++) {
		s->seg[i].base = sregs->seg[i].base;
		s->seg[i].limit = sregs->seg[i].limit;
		s->seg[i].access = access_of(i, sregs->seg[i].attr);
		s->seg[i].selector = sregs->seg[i].selector;
	}
	address_widths(&s->phys_bits, &s->linear_bits);
	return 0;
}

static void tell(char *text, size_t size, const char *rule)
{
	snprintf(text, size, "the guest's state is refused: %s",
		 rule ? rule : "no rule that is known is broken");
}

static int explain_vmx(struct axv_vcpu *vcpu, const struct axv_exit_fail_entry *fail,
		       const struct axv_x86_sregs *sregs, __u64 event, char *text, size_t size)
{
	__u64 reason = fail->hardware_reason;
	struct axv_vmx_state s;
	const char *rule;
	int ret = 0;

	if (reason & VMX_INSN_ERROR) {
		rule = name_of(vmx_errors, ARRAY_SIZE(vmx_errors), (__u32)reason);
		snprintf(text, size, "VM-instruction error %u%s%s", (__u32)reason,
			 rule ? ": " : "", rule ? rule : "");
		return 0;
	}
	switch (reason) {
	case VMX_INVALID_STATE:
		rule = name_of(vmx_qualifications, ARRAY_SIZE(vmx_qualifications),
			       fail->qualification);
		if (!rule) {
			ret = vmx_state(vcpu, sregs, event, &s);
			rule = ret ? NULL : axv_vmx_broken_rule(&s);
		}
		tell(text, size, rule);
		break;
	case VMX_MSR_LOAD:
		snprintf(text, size, "an MSR is refused: entry %llu of those loaded at entry",
			 (unsigned long long)fail->qualification);
		break;
	case VMX_MACHINE_CHECK:
		snprintf(text, size, "a machine check during the entry");
		break;
	default:
		snprintf(text, size, "exit reason %#llx, which is not expected",
			 (unsigned long long)reason);
		break;
	}
	return ret;
}

static int explain_svm(const struct axv_exit_fail_entry *fail,
		       const struct axv_x86_sregs *sregs, __u64 event, char *text, size_t size)
{
	unsigned int phys_bits;
	unsigned int linear_bits;

	if (fail->hardware_reason != SVM_INVALID) {
		snprintf(text, size, "exit code %#llx, which is not expected",
			 (unsigned long long)fail->hardware_reason);
		return 0;
	}
	address_widths(&phys_bits, &linear_bits);
	tell(text, size, axv_svm_broken_rule(sregs, event, phys_bits));
	return 0;
}

int axv_arch_explain(struct axv_vcpu *vcpu, const struct axv_exit_fail_entry *fail,
		     char *text, size_t size)
{
	struct axv_x86_sregs sregs;
	__u64 backend;
	__u64 event;
	int ret;

	/*
	 * Registers are read from the kernel, not from the run page: the kernel has those
	 * of the entry.
	 */
	ret = axv_query(vcpu->vm->host, AXV_QUERY_BACKEND, &backend);
	if (!ret)
		ret = axv_vcpu_get_sregs(vcpu, &sregs);
	if (!ret)
		ret = axv_vcpu_get_reg(vcpu, AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), &event);
	if (ret)
		return ret;
	if (backend == AXV_BACKEND_VMX)
		return explain_vmx(vcpu, fail, &sregs, event, text, size);
	return explain_svm(fail, &sregs, event, text, size);
}
