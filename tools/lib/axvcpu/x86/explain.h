/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Finding the rule that a guest's state breaks, when the hardware refuses an entry.
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
 * @cr0:	CR0
 * @cr3:	CR3
 * @cr4:	CR4
 * @dr7:	DR7
 * @efer:	IA32_EFER
 * @pat:	IA32_PAT
 * @sysenter_esp: IA32_SYSENTER_ESP
 * @sysenter_eip: IA32_SYSENTER_EIP
 * @seg:	segment registers, by &enum axv_x86_seg
 * @gdtr_base:	base of GDTR
 * @idtr_base:	base of IDTR
 * @gdtr_limit:	limit of GDTR
 * @idtr_limit:	limit of IDTR
 * @rip:	RIP
 * @rflags:	RFLAGS
 * @interruptibility: AXV_VMX_BY_*
 * @pending_debug: pending debug exceptions
 * @pdpte:	the page-directory-pointer-table entries
 * @event:	the event that the entry was to deliver, AXV_X86_EVENT_*
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
 * axv_vmx_broken_rule() - find out why VM entry refuses this guest state
 * @s: the state
 *
 * This is for a message after an entry has failed.  It looks at nothing but its argument;
 * the hardware may have refused the entry for another reason.
 *
 * Return: the first rule that is broken; NULL if there is none.
 */
const char *axv_vmx_broken_rule(const struct axv_vmx_state *s);

/**
 * axv_svm_broken_rule() - find out why VMRUN refuses this guest state
 * @s: segments and control registers
 * @event: the event that the entry was to deliver, AXV_X86_EVENT_*
 * @phys_bits: the processor's physical-address width
 *
 * Return: as axv_vmx_broken_rule()
 */
const char *axv_svm_broken_rule(const struct axv_x86_sregs *s, __u64 event,
				unsigned int phys_bits);

#endif /* AXV_EXPLAIN_H */
