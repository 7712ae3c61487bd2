// SPDX-License-Identifier: GPL-2.0
/*
 * Which VMX controls are used on this processor.
 *
 * Every control has a place in the tables below.  A control that is in none of
 * them, or is there to be off, is off.  A processor on which it cannot be off is
 * refused: otherwise the control would do to the guest what this module does not
 * expect.
 */
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "caps.h"

struct axv_vmx_caps axv_vmx_caps __ro_after_init;

/* IA32_VMX_BASIC (SDM vol. 3D, A.1); not all kernels have names for these. */
#define BASIC_REVISION		GENMASK_ULL(30, 0)
#define BASIC_MEMORY_TYPE	GENMASK_ULL(53, 50)
#define BASIC_WRITE_BACK	(6ull << 50)
#define BASIC_STRING_INFO	BIT_ULL(54)
#define BASIC_TRUE_CONTROLS	BIT_ULL(55)

/* IA32_VMX_EPT_VPID_CAP (A.10) */
#define CAP_EXEC_ONLY		BIT_ULL(0)
#define CAP_WALK_4		BIT_ULL(6)
#define CAP_WALK_5		BIT_ULL(7)
#define CAP_WRITE_BACK		BIT_ULL(14)
#define CAP_2M			BIT_ULL(16)
#define CAP_1G			BIT_ULL(17)
#define CAP_INVEPT		BIT_ULL(20)
#define CAP_ACCESSED_DIRTY	BIT_ULL(21)
#define CAP_INVEPT_SINGLE	BIT_ULL(25)
#define CAP_INVEPT_ALL		BIT_ULL(26)
#define CAP_INVVPID		BIT_ULL(32)
#define CAP_INVVPID_SINGLE	BIT_ULL(41)
#define CAP_INVVPID_ALL		BIT_ULL(42)

/*
 * Reserved controls of the "default1" class: processors want them set, and
 * they mean what VMX did before there were controls for it (A.2).
 */
#define PIN_DEFAULT1		0x00000016u
#define CPU_DEFAULT1		0x04006172u
#define EXIT_DEFAULT1		0x00036dfbu
#define ENTRY_DEFAULT1		0x000011fbu

/**
 * enum use - how a control is used
 * @ON:		on
 * @ON_AND_OFF:	on, and turned off at times
 * @OFF_AND_ON:	off, and turned on at times
 * @ON_IF_THERE: on where there is such a control
 * @OFF:	off
 */
enum use {
	ON,
	ON_AND_OFF,
	OFF_AND_ON,
	ON_IF_THERE,
	OFF,
};

/**
 * struct control - one VMX control
 * @bit:	its number
 * @use:	how it is used
 * @name:	its name in the SDM, for a message
 * @off:	what is missing if it cannot be off
 */
struct control {
	u8 bit;
	u8 use;
	const char *name;
	const char *off;
};

#define CONTROL(bit, use, name)	{ bit, use, name, "a way to turn off " name }

/* SDM vol. 3C, "Pin-Based VM-Execution Controls" */
static const struct control pin_controls[] = {
	CONTROL(0, ON, "external-interrupt exiting"),
	CONTROL(3, ON, "NMI exiting"),
	CONTROL(5, ON, "virtual NMIs"),
	CONTROL(6, OFF, "activate VMX-preemption timer"),
	CONTROL(7, OFF, "process posted interrupts"),
};

/* SDM vol. 3C, "Processor-Based VM-Execution Controls" */
static const struct control cpu_controls[] = {
	CONTROL(2, OFF_AND_ON, "interrupt-window exiting"),
	CONTROL(3, ON, "use TSC offsetting"),
	CONTROL(7, ON, "HLT exiting"),
	CONTROL(9, OFF, "INVLPG exiting"),
	CONTROL(10, ON, "MWAIT exiting"),
	CONTROL(11, ON, "RDPMC exiting"),
	CONTROL(12, OFF, "RDTSC exiting"),
	CONTROL(15, OFF, "CR3-load exiting"),
	CONTROL(16, OFF, "CR3-store exiting"),
	CONTROL(17, OFF, "activate tertiary controls"),
	CONTROL(19, OFF, "CR8-load exiting"),
	CONTROL(20, OFF, "CR8-store exiting"),
	CONTROL(21, ON, "use TPR shadow"),
	CONTROL(22, OFF_AND_ON, "NMI-window exiting"),
	CONTROL(23, ON_AND_OFF, "MOV-DR exiting"),
	CONTROL(24, ON, "unconditional I/O exiting"),
	CONTROL(25, OFF, "use I/O bitmaps"),
	CONTROL(27, OFF, "monitor trap flag"),
	CONTROL(28, ON, "use MSR bitmaps"),
	CONTROL(29, ON, "MONITOR exiting"),
	CONTROL(30, OFF, "PAUSE exiting"),
	CONTROL(31, ON, "activate secondary controls"),
};

/*
 * Most controls that enable an instruction are off: the instruction is #UD then,
 * and the guest's CPUID does not have it.
 */
static const struct control cpu2_controls[] = {
	CONTROL(0, OFF, "virtualize APIC accesses"),
	CONTROL(1, ON, "enable EPT"),
	CONTROL(2, OFF, "descriptor-table exiting"),
	CONTROL(3, OFF, "enable RDTSCP"),
	CONTROL(4, OFF, "virtualize x2APIC mode"),
	CONTROL(5, ON, "enable VPID"),
	CONTROL(6, ON, "WBINVD exiting"),
	CONTROL(7, ON, "unrestricted guest"),
	CONTROL(8, OFF, "APIC-register virtualization"),
	CONTROL(9, OFF, "virtual-interrupt delivery"),
	CONTROL(10, OFF, "PAUSE-loop exiting"),
	CONTROL(11, OFF, "RDRAND exiting"),
	CONTROL(12, OFF, "enable INVPCID"),
	CONTROL(13, OFF, "enable VM functions"),
	CONTROL(14, OFF, "VMCS shadowing"),
	CONTROL(15, ON_IF_THERE, "enable ENCLS exiting"),
	CONTROL(16, OFF, "RDSEED exiting"),
	CONTROL(17, OFF, "enable PML"),
	CONTROL(18, OFF, "EPT-violation #VE"),
	CONTROL(19, OFF, "conceal VMX from PT"),
	CONTROL(20, OFF, "enable XSAVES/XRSTORS"),
	CONTROL(22, OFF, "mode-based execute control for EPT"),
	CONTROL(23, OFF, "sub-page write permissions for EPT"),
	CONTROL(24, OFF, "Intel PT uses guest physical addresses"),
	CONTROL(25, OFF, "use TSC scaling"),
	CONTROL(26, OFF, "enable user wait and pause"),
	CONTROL(27, OFF, "enable PCONFIG"),
	CONTROL(28, ON_IF_THERE, "enable ENCLV exiting"),
	CONTROL(30, OFF, "VMM bus-lock detection"),
	CONTROL(31, OFF, "instruction timeout"),
};

/* SDM vol. 3C, "VM-Exit Controls" */
static const struct control exit_controls[] = {
	CONTROL(2, ON, "save debug controls"),
	CONTROL(9, ON, "host address-space size"),
	CONTROL(12, OFF, "load IA32_PERF_GLOBAL_CTRL on VM exit"),
	CONTROL(15, OFF, "acknowledge interrupt on exit"),
	CONTROL(18, ON, "save IA32_PAT"),
	CONTROL(19, ON, "load IA32_PAT on VM exit"),
	CONTROL(20, ON, "save IA32_EFER"),
	CONTROL(21, ON, "load IA32_EFER on VM exit"),
	CONTROL(22, OFF, "save VMX-preemption timer value"),
	CONTROL(23, OFF, "clear IA32_BNDCFGS"),
	CONTROL(24, OFF, "conceal VMX from PT on VM exit"),
	CONTROL(25, OFF, "clear IA32_RTIT_CTL"),
	CONTROL(26, OFF, "clear IA32_LBR_CTL"),
	CONTROL(27, OFF, "clear UINV"),
	CONTROL(28, OFF, "load CET state on VM exit"),
	CONTROL(29, OFF, "load PKRS on VM exit"),
	CONTROL(30, OFF, "save IA32_PERF_GLOBAL_CTL"),
	CONTROL(31, OFF, "activate secondary controls for VM exits"),
};

/* SDM vol. 3C, "VM-Entry Controls" */
static const struct control entry_controls[] = {
	CONTROL(2, ON, "load debug controls"),
	CONTROL(9, OFF_AND_ON, "IA-32e mode guest"),
	CONTROL(10, OFF, "entry to SMM"),
	CONTROL(11, OFF, "deactivate dual-monitor treatment"),
	CONTROL(13, OFF, "load IA32_PERF_GLOBAL_CTRL on VM entry"),
	CONTROL(14, ON, "load IA32_PAT on VM entry"),
	CONTROL(15, ON, "load IA32_EFER on VM entry"),
	CONTROL(16, OFF, "load IA32_BNDCFGS"),
	CONTROL(17, OFF, "conceal VMX from PT on VM entry"),
	CONTROL(18, OFF, "load IA32_RTIT_CTL"),
	CONTROL(19, OFF, "load UINV"),
	CONTROL(20, OFF, "load CET state on VM entry"),
	CONTROL(21, OFF, "load guest IA32_LBR_CTL"),
	CONTROL(22, OFF, "load PKRS on VM entry"),
};

/**
 * struct control_word - the controls of one field of the VMCS
 * @list:	those that have a name
 * @count:	how many
 * @default1:	reserved ones that are on if the processor wants it
 * @unknown:	what is missing if a control without a name cannot be off
 */
struct control_word {
	const struct control *list;
	unsigned int count;
	u32 default1;
	const char *unknown;
};

#define CONTROL_WORD(controls, default1, what)				\
	{ controls, ARRAY_SIZE(controls), default1,			\
	  "a way to turn off an unknown " what " control" }

static const struct control_word pin_word =
	CONTROL_WORD(pin_controls, PIN_DEFAULT1, "pin-based");
static const struct control_word cpu_word =
	CONTROL_WORD(cpu_controls, CPU_DEFAULT1, "processor-based");
static const struct control_word cpu2_word =
	CONTROL_WORD(cpu2_controls, 0, "secondary processor-based");
static const struct control_word exit_word =
	CONTROL_WORD(exit_controls, EXIT_DEFAULT1, "VM-exit");
static const struct control_word entry_word =
	CONTROL_WORD(entry_controls, ENTRY_DEFAULT1, "VM-entry");

/*
 * Choose one word of controls by its capability MSR: a control may be 0 if its bit is
 * clear in the low half, and may be 1 if its bit is set in the high half (A.2).
 * Returns what is missing, or NULL.
 */
static const char *choose_word(u64 msr, const struct control_word *word,
			       u32 *value)
{
	u32 forced = lower_32_bits(msr), possible = upper_32_bits(msr);
	u32 named = 0;
	unsigned int i;

	*value = forced & word->default1;
	for (i = 0; i < word->count; i++) {
		const struct control *c = &word->list[i];
		u32 bit = BIT(c->bit);
		bool on = c->use == ON || c->use == ON_AND_OFF ||
			  (c->use == ON_IF_THERE && (possible & bit));

		if (!(possible & bit) && (on || c->use == OFF_AND_ON))
			return c->name;
		if ((forced & bit) && (!on || c->use == ON_AND_OFF))
			return c->off;
		if (on)
			*value |= bit;
		named |= bit;
	}
	return forced & ~(word->default1 | named) ? word->unknown : NULL;
}

static const char *choose_controls(const struct axv_vmx_msrs *msrs,
				   struct axv_vmx_caps *caps)
{
	const char *missing;

	missing = choose_word(msrs->pin, &pin_word, &caps->pin);
	if (!missing)
		missing = choose_word(msrs->cpu, &cpu_word, &caps->cpu);
	if (!missing)
		missing = choose_word(msrs->cpu2, &cpu2_word, &caps->cpu2);
	if (!missing)
		missing = choose_word(msrs->exit, &exit_word, &caps->exit);
	if (!missing)
		missing = choose_word(msrs->entry, &entry_word, &caps->entry);
	return missing;
}

/*
 * The all-context types are required, though flushes would do without: another user
 * of VMX may have left translations under EPTPs and VPIDs that are not known.
 */
static const char *missing_ept_vpid(u64 cap)
{
	static const struct {
		u64 bits;
		const char *name;
	} required[] = {
		{ CAP_WALK_4, "EPT page-walk length 4" },
		{ CAP_WRITE_BACK, "write-back memory type for EPT structures" },
		{ CAP_INVEPT, "INVEPT" },
		{ CAP_INVEPT_ALL, "all-context INVEPT" },
		{ CAP_INVVPID, "INVVPID" },
		{ CAP_INVVPID_ALL, "all-context INVVPID" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(required); i++)
		if (!(cap & required[i].bits))
			return required[i].name;
	return NULL;
}

/**
 * axv_vmx_choose() - choose what of a processor's VMX is used
 * @msrs:	its capability MSRs
 * @caps:	filled in on success
 * @missing:	set to what is missing otherwise, to go into a message
 *
 * Looks at nothing but its argument.
 *
 * Return: 0, or -EOPNOTSUPP.
 */
int axv_vmx_choose(const struct axv_vmx_msrs *msrs, struct axv_vmx_caps *caps,
		   const char **missing)
{
	u32 cpu2 = upper_32_bits(msrs->cpu2);
	u64 ept_vpid = msrs->ept_vpid;

	/* Padding, too, since callers compare two of these by memcmp(). */
	memset(caps, 0, sizeof(*caps));
	*missing = NULL;
	if (!(msrs->basic & BASIC_TRUE_CONTROLS))
		*missing = "TRUE capability MSRs";
	else if ((msrs->basic & BASIC_MEMORY_TYPE) != BASIC_WRITE_BACK)
		*missing = "write-back memory type for the VMCS";
	if (!*missing)
		*missing = choose_controls(msrs, caps);
	if (!*missing)
		*missing = missing_ept_vpid(ept_vpid);
	if (*missing)
		return -EOPNOTSUPP;

	caps->revision = msrs->basic & BASIC_REVISION;
	caps->string_info = msrs->basic & BASIC_STRING_INFO;
	caps->cr0_fixed0 = msrs->cr0_fixed0 & ~(u64)(X86_CR0_PE | X86_CR0_PG);
	caps->cr0_fixed1 = msrs->cr0_fixed1;
	caps->cr4_fixed0 = msrs->cr4_fixed0;
	caps->cr4_fixed1 = msrs->cr4_fixed1;
	caps->rdtscp = cpu2 & SECONDARY_EXEC_ENABLE_RDTSCP;
	caps->invpcid = cpu2 & SECONDARY_EXEC_ENABLE_INVPCID;
	caps->pause_loop = cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	caps->trap_flag = upper_32_bits(msrs->cpu) & CPU_BASED_MONITOR_TRAP_FLAG;
	caps->encls = cpu2 & VMCS_CONTROL_BIT(ENCLS_EXITING);
	caps->enclv = cpu2 & VMCS_CONTROL_BIT(ENCLV_EXITING);
	caps->ept_5levels = ept_vpid & CAP_WALK_5;
	caps->ept_ad = ept_vpid & CAP_ACCESSED_DIRTY;
	caps->ept_exec_only = ept_vpid & CAP_EXEC_ONLY;
	caps->ept_2m = ept_vpid & CAP_2M;
	caps->ept_1g = ept_vpid & CAP_1G;
	caps->invept_single = ept_vpid & CAP_INVEPT_SINGLE;
	caps->invvpid_single = ept_vpid & CAP_INVVPID_SINGLE;
	caps->inject_len_0 = msrs->misc & VMX_MISC_ZERO_LEN_INS;
	return 0;
}

static u64 read_msr(u32 msr)
{
	u64 value;

	return rdmsrl_safe(msr, &value) ? 0 : value;
}

/**
 * axv_vmx_read_msrs() - read this CPU's capability MSRs
 * @msrs:	filled in
 *
 * Context: any, on a processor with VMX.
 */
void axv_vmx_read_msrs(struct axv_vmx_msrs *msrs)
{
	*msrs = (struct axv_vmx_msrs) {
		.basic = read_msr(MSR_IA32_VMX_BASIC),
		.pin = read_msr(MSR_IA32_VMX_TRUE_PINBASED_CTLS),
		.cpu = read_msr(MSR_IA32_VMX_TRUE_PROCBASED_CTLS),
		.cpu2 = read_msr(MSR_IA32_VMX_PROCBASED_CTLS2),
		.exit = read_msr(MSR_IA32_VMX_TRUE_EXIT_CTLS),
		.entry = read_msr(MSR_IA32_VMX_TRUE_ENTRY_CTLS),
		.misc = read_msr(MSR_IA32_VMX_MISC),
		.ept_vpid = read_msr(MSR_IA32_VMX_EPT_VPID_CAP),
		.cr0_fixed0 = read_msr(MSR_IA32_VMX_CR0_FIXED0),
		.cr0_fixed1 = read_msr(MSR_IA32_VMX_CR0_FIXED1),
		.cr4_fixed0 = read_msr(MSR_IA32_VMX_CR4_FIXED0),
		.cr4_fixed1 = read_msr(MSR_IA32_VMX_CR4_FIXED1),
	};
}
