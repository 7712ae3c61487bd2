/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which rule the guest state breaks, when the processor refuses an entry.
 */
#ifndef _AXVCPU_VMX_CHECK_H
#define _AXVCPU_VMX_CHECK_H

#include <linux/types.h>

#include <linux/axvcpu.h>

/**
 * struct axv_vmx_segment - a segment register, as the VMCS has it
 * @base:	base
 * @limit:	limit in bytes
 * @access:	access rights (SDM vol. 3C, table "Format of Access Rights")
 * @selector:	selector
 */
struct axv_vmx_segment {
	u64 base;
	u32 limit;
	u32 access;
	u16 selector;
};

/**
 * struct axv_vmx_guest_state - the guest-state area, and what it depends on
 * @cr0:	and so on: the fields of the VMCS
 * @cr3:	likewise
 * @cr4:	likewise
 * @dr7:	likewise
 * @debugctl:	likewise
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
 * @activity:	activity state
 * @interruptibility: interruptibility state
 * @pending_debug: pending debug exceptions
 * @link:	VMCS link pointer
 * @pdpte:	the page-directory-pointer-table entries
 * @entry:	VM-entry controls
 * @event:	VM-entry interruption information
 * @unrestricted: the control "unrestricted guest" is 1
 * @ept:	the control "enable EPT" is 1
 * @virtual_nmis: the control "virtual NMIs" is 1
 * @phys_bits:	the processor's physical-address width
 * @linear_bits: its linear-address width
 * @activities:	bit n: it supports activity state n
 * @cr0_fixed0:	CR0 bits that are 1 in VMX operation
 * @cr0_fixed1:	CR0 bits that may be 1
 * @cr4_fixed0:	CR4 bits that are 1 in VMX operation
 * @cr4_fixed1:	CR4 bits that may be 1
 */
struct axv_vmx_guest_state {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 dr7;
	u64 debugctl;
	u64 efer;
	u64 pat;
	u64 sysenter_esp;
	u64 sysenter_eip;
	struct axv_vmx_segment seg[AXV_X86_SEGS];
	u64 gdtr_base;
	u64 idtr_base;
	u32 gdtr_limit;
	u32 idtr_limit;
	u64 rip;
	u64 rflags;
	u32 activity;
	u32 interruptibility;
	u64 pending_debug;
	u64 link;
	u64 pdpte[4];

	u32 entry;
	u32 event;
	bool unrestricted;
	bool ept;
	bool virtual_nmis;
	u8 phys_bits;
	u8 linear_bits;
	u8 activities;
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
};

const char *axv_vmx_check_guest_state(const struct axv_vmx_guest_state *s);

#endif /* _AXVCPU_VMX_CHECK_H */
