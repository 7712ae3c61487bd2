/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Which rule a guest's state breaks, when the hardware refuses an entry.
 */
#ifndef AXV_EXPLAIN_H
#define AXV_EXPLAIN_H

#include "emul.h"

#define AXV_VMX_AR_UNUSABLE	0x10000u

/* Bits of the interruptibility state */
#define AXV_VMX_BY_STI		1u
#define AXV_VMX_BY_MOV_SS	2u
#define AXV_VMX_BY_NMI		8u

/**
 * struct axv_vmx_segment - a segment register, as the VMCS has it
 * @base:	base
 * @limit:	limit in bytes
 * @access:	access rights (SDM vol. 3C, table "Format of Access Rights")
 * @selector:	selector
 */
struct axv_vmx_segment {
	__u64 base;
	__u32 limit;
	__u32 access;
	__u16 selector;
};

/**
 * struct axv_vmx_state - the guest-state area, and what its checks depend on
 * @cr0:	and so on: the registers
 * @cr3:	likewise
 * @cr4:	likewise
 * @dr7:	likewise
 * @efer:	likewise
 * @pat:	likewise
 * @sysenter_esp: likewise
 * @sysenter_eip: likewise
 * @seg:	by &enum axv_x86_seg
 * @gdtr_base:	likewise
 * @idtr_base:	likewise
 * @gdtr_limit:	likewise
 * @idtr_limit:	likewise
 * @rip:	likewise
 * @rflags:	likewise
 * @interruptibility: AXV_VMX_BY_*
 * @pending_debug: pending debug exceptions
 * @pdpte:	the page-directory-pointer-table entries
 * @event:	what the entry was to deliver, AXV_X86_EVENT_*
 * @phys_bits:	the processor's physical-address width
 * @linear_bits: its linear-address width
 */
struct axv_vmx_state {
	__u64 cr0;
	__u64 cr3;
	__u64 cr4;
	__u64 dr7;
	__u64 efer;
	__u64 pat;
	__u64 sysenter_esp;
	__u64 sysenter_eip;
	struct axv_vmx_segment seg[AXV_X86_SEGS];
	__u64 gdtr_base;
	__u64 idtr_base;
	__u32 gdtr_limit;
	__u32 idtr_limit;
	__u64 rip;
	__u64 rflags;
	__u32 interruptibility;
	__u64 pending_debug;
	__u64 pdpte[4];
	__u64 event;
	unsigned int phys_bits;
	unsigned int linear_bits;
};

/**
 * axv_vmx_broken_rule() - why a processor of Intel's refuses this guest state
 * @s: the state
 *
 * For a message, after an entry failed: it looks at nothing but its argument, and the
 * hardware has the last word.
 *
 * Return: the first rule that is broken; NULL if there is none.
 */
const char *axv_vmx_broken_rule(const struct axv_vmx_state *s);

/**
 * axv_svm_broken_rule() - why VMRUN refuses this guest state
 * @s: segments and control registers
 * @event: what the entry was to deliver, AXV_X86_EVENT_*
 * @phys_bits: the processor's physical-address width
 *
 * Return: as axv_vmx_broken_rule()
 */
const char *axv_svm_broken_rule(const struct axv_x86_sregs *s, __u64 event,
				unsigned int phys_bits);

#endif /* AXV_EXPLAIN_H */
