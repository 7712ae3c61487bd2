/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a processor's VMX can do, and what of it is used (SDM vol. 3D,
 * appendix A, "VMX Capability Reporting Facility").
 */
#ifndef _AXVCPU_VMX_CAPS_H
#define _AXVCPU_VMX_CAPS_H

#include <linux/types.h>

/**
 * struct axv_vmx_msrs - the capability MSRs, as they are
 * @basic:	IA32_VMX_BASIC
 * @pin:	IA32_VMX_TRUE_PINBASED_CTLS
 * @cpu:	IA32_VMX_TRUE_PROCBASED_CTLS
 * @cpu2:	IA32_VMX_PROCBASED_CTLS2
 * @exit:	IA32_VMX_TRUE_EXIT_CTLS
 * @entry:	IA32_VMX_TRUE_ENTRY_CTLS
 * @misc:	IA32_VMX_MISC
 * @ept_vpid:	IA32_VMX_EPT_VPID_CAP
 * @cr0_fixed0:	IA32_VMX_CR0_FIXED0
 * @cr0_fixed1:	IA32_VMX_CR0_FIXED1
 * @cr4_fixed0:	IA32_VMX_CR4_FIXED0
 * @cr4_fixed1:	IA32_VMX_CR4_FIXED1
 *
 * An MSR that the processor does not have is 0.
 */
struct axv_vmx_msrs {
	u64 basic;
	u64 pin;
	u64 cpu;
	u64 cpu2;
	u64 exit;
	u64 entry;
	u64 misc;
	u64 ept_vpid;
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
};

/**
 * struct axv_vmx_caps - what is used of a processor's VMX
 * @revision:	VMCS revision identifier
 * @pin:	pin-based VM-execution controls
 * @cpu:	primary processor-based ones.  MOV-DR exiting is on, interrupt-window
 *		and NMI-window exiting are off; these three may be toggled, and with
 *		@trap_flag the monitor trap flag, which is off.
 * @cpu2:	secondary processor-based ones, without those that follow the
 *		guest's CPUID or the VM's flags: see @rdtscp, @invpcid, @pause_loop
 * @exit:	VM-exit controls
 * @entry:	VM-entry controls.  IA-32e mode guest is off and may be toggled.
 * @cr0_fixed0:	CR0 bits that have to be 1 in VMX operation; without PE and PG, which
 *		may be 0 in an unrestricted guest
 * @cr0_fixed1:	CR0 bits that may be 1
 * @cr4_fixed0:	CR4 bits that have to be 1 in VMX operation
 * @cr4_fixed1:	CR4 bits that may be 1
 * @rdtscp:	"enable RDTSCP" may be set
 * @invpcid:	"enable INVPCID" may be set
 * @pause_loop:	"PAUSE-loop exiting" may be set
 * @trap_flag:	"monitor trap flag" may be set
 * @encls:	ENCLS exiting is on: the VMCS has an ENCLS-exiting bitmap
 * @enclv:	ENCLV exiting is on: the VMCS has an ENCLV-exiting bitmap
 * @ept_5levels: EPT may have 5 levels; 4 are always possible
 * @ept_ad:	EPT can have accessed and dirty flags
 * @ept_exec_only: EPT entries may allow fetches alone
 * @ept_2m:	EPT can map 2-MByte pages
 * @ept_1g:	EPT can map 1-GByte pages
 * @invept_single: INVEPT has the single-context type, besides all-context
 * @invvpid_single: INVVPID has the single-context type, besides all-context
 * @string_info: exits of INS and OUTS come with instruction information
 * @inject_len_0: a software event of instruction length 0 may be injected
 */
struct axv_vmx_caps {
	u32 revision;
	u32 pin;
	u32 cpu;
	u32 cpu2;
	u32 exit;
	u32 entry;
	u64 cr0_fixed0;
	u64 cr0_fixed1;
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	bool rdtscp;
	bool invpcid;
	bool pause_loop;
	bool trap_flag;
	bool encls;
	bool enclv;
	bool ept_5levels;
	bool ept_ad;
	bool ept_exec_only;
	bool ept_2m;
	bool ept_1g;
	bool invept_single;
	bool invvpid_single;
	bool string_info;
	bool inject_len_0;
};

/*
 * What is used of this host's VMX; all its CPUs have the same.  Constant once
 * the module is loaded.
 */
extern struct axv_vmx_caps axv_vmx_caps;

void axv_vmx_read_msrs(struct axv_vmx_msrs *msrs);
int axv_vmx_choose(const struct axv_vmx_msrs *msrs, struct axv_vmx_caps *caps,
		   const char **missing);

#endif /* _AXVCPU_VMX_CAPS_H */
