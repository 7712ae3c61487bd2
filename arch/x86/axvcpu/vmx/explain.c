// SPDX-License-Identifier: GPL-2.0
/*
 * Why an entry failed: the processor tells that it refused the guest's state,
 * not which rule was broken.
 */
#include <linux/string.h>

#include "../../../../drivers/virt/axvcpu/trace.h"
#include "check.h"
#include "insn.h"
#include "vmx.h"

static void read_segments(struct axv_vmx_vcpu *vmx,
			  struct axv_vmx_guest_state *s)
{
	unsigned int i;

	for (i = 0; i < AXV_X86_SEGS; i++) {
		struct axv_vmx_segment *seg = &s->seg[i];

		seg->base = axv_vmx_get(vmx, AXV_VMX_SEG(i, AXV_X86_SEG_BASE));
		seg->limit = axv_vmx_get(vmx, AXV_VMX_SEG(i, AXV_X86_SEG_LIMIT));
		seg->access = axv_vmx_get(vmx, AXV_VMX_SEG(i, AXV_X86_SEG_ATTR));
		seg->selector = axv_vmx_get(vmx, AXV_VMX_SEG(i, AXV_X86_SEG_SELECTOR));
	}
	s->gdtr_base = axv_vmx_get(vmx, AXV_VMX_GDTR_BASE);
	s->gdtr_limit = axv_vmx_get(vmx, AXV_VMX_GDTR_LIMIT);
	s->idtr_base = axv_vmx_get(vmx, AXV_VMX_IDTR_BASE);
	s->idtr_limit = axv_vmx_get(vmx, AXV_VMX_IDTR_LIMIT);
}

static void read_registers(struct axv_vmx_vcpu *vmx,
			   struct axv_vmx_guest_state *s)
{
	unsigned int i;

	s->cr0 = axv_vmx_get(vmx, AXV_VMX_CR0);
	s->cr3 = axv_vmx_get(vmx, AXV_VMX_CR3);
	s->cr4 = axv_vmx_get(vmx, AXV_VMX_CR4);
	s->dr7 = axv_vmx_get(vmx, AXV_VMX_DR7);
	s->efer = axv_vmx_get(vmx, AXV_VMX_EFER);
	s->pat = axv_vmx_get(vmx, AXV_VMX_PAT);
	s->sysenter_esp = axv_vmx_get(vmx, AXV_VMX_SYSENTER_ESP);
	s->sysenter_eip = axv_vmx_get(vmx, AXV_VMX_SYSENTER_EIP);
	s->rip = vmx->x.regs.rip;
	s->rflags = vmx->x.regs.rflags;
	s->interruptibility = axv_vmx_get(vmx, AXV_VMX_INTERRUPTIBILITY);
	s->pending_debug = axv_vmx_get(vmx, AXV_VMX_PENDING_DEBUG);
	for (i = 0; i < ARRAY_SIZE(s->pdpte); i++)
		s->pdpte[i] = axv_vmx_get(vmx, AXV_VMX_PDPTE0 + i);
	s->activity = axv_vmread(GUEST_ACTIVITY_STATE);
	s->debugctl = axv_vmread(GUEST_IA32_DEBUGCTL);
	s->link = axv_vmread(VMCS_LINK_POINTER);
}

static const char *broken_rule(struct axv_vmx_vcpu *vmx)
{
	const struct axv_vmx_caps *caps = &axv_vmx_caps;
	struct axv_vmx_guest_state s = {
		.entry = axv_vmx_get(vmx, AXV_VMX_ENTRY_CONTROLS),
		.event = vmx->x.injected,
		.unrestricted = true,
		.ept = true,
		.virtual_nmis = true,
		.phys_bits = boot_cpu_data.x86_phys_bits,
		.linear_bits = boot_cpu_data.x86_virt_bits,
		.activities = BIT(GUEST_ACTIVITY_ACTIVE),
		.cr0_fixed0 = caps->cr0_fixed0,
		.cr0_fixed1 = caps->cr0_fixed1,
		.cr4_fixed0 = caps->cr4_fixed0,
		.cr4_fixed1 = caps->cr4_fixed1,
	};
	const char *rule;

	read_registers(vmx, &s);
	read_segments(vmx, &s);
	rule = axv_vmx_check_guest_state(&s);
	return rule ?: "no rule that is known";
}

/**
 * axv_vmx_explain() - trace why an entry failed
 * @vmx:	vCPU whose last exit is a failed entry, on this CPU
 *
 * Context: interrupts off.
 */
void axv_vmx_explain(struct axv_vmx_vcpu *vmx)
{
	const char *rule;

	if (!trace_axv_fail_entry_enabled())
		return;
	switch (vmx->exit.reason) {
	case VMX_EXIT_REASONS_FAILED_VMENTRY | EXIT_REASON_INVALID_STATE:
		rule = broken_rule(vmx);
		break;
	case VMX_EXIT_REASONS_FAILED_VMENTRY | EXIT_REASON_MSR_LOAD_FAIL:
		rule = "an MSR of the VM-entry MSR-load area was refused";
		break;
	case VMX_EXIT_REASONS_FAILED_VMENTRY | EXIT_REASON_MCE_DURING_VMENTRY:
		rule = "a machine check";
		break;
	default:
		rule = vmx->exit.reason & AXV_VMX_VMFAIL ?
		       "a VM instruction error" : "an exit nobody asked for";
		break;
	}
	trace_axv_fail_entry(&vmx->x.base, vmx->exit.reason, rule);
}
