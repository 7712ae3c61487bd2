/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * axvcpu on x86: registers, tables and the register sets of the run page.
 * Included by <linux/axvcpu.h>.
 */
#ifndef _UAPI_ASM_X86_AXVCPU_H
#define _UAPI_ASM_X86_AXVCPU_H

#include <linux/types.h>

/* Modes of AXV_VCPU_SETUP. */
/* 16 bit; CS.base + IP = entry, with CS.base = entry & ~0xffff */
#define AXV_X86_MODE_REAL	0
/* 32 bit, flat segments, no paging */
#define AXV_X86_MODE_PROTECTED	1

/* Register classes; each register is 8 bytes wide, log2 = 3. */
#define AXV_X86_CLASS_GPR	0	/* enum axv_x86_gpr */
#define AXV_X86_CLASS_SEG	1	/* AXV_X86_SEG_INDEX() */
#define AXV_X86_CLASS_CR	2	/* CR number: 0, 2, 3, 4, 8 */
#define AXV_X86_CLASS_DR	3	/* DR number: 0 to 3, 6, 7 */
#define AXV_X86_CLASS_MSR	4	/* MSR number */
#define AXV_X86_CLASS_XCR	5	/* XCR number: 0 */
#define AXV_X86_CLASS_EVENT	6	/* enum axv_x86_event_reg */
#define AXV_X86_CLASS_PDPTE	7	/* VMX: 0 to 3, AXV_X86_PDPTES_LOADED */
#define AXV_X86_CLASS_LAPIC	8	/* LAPIC: offset in the xAPIC page, or AXV_X86_LAPIC_* */

/*
 * Another index of class PDPTE.  1: the four registers are valid.  0: the next run reads
 * them from the guest's memory.  If the VMM sets CR0, CR3, CR4 or EFER, this becomes 0, so
 * set it last.
 */
#define AXV_X86_PDPTES_LOADED	4

/*
 * Indices of class LAPIC for what a local APIC has beside the registers of its page.  ICR is one
 * register of 64 bits, with the destination in the upper half.  To restore an APIC, set
 * IA32_APIC_BASE and then these, in the order of AXV_TABLE_REGS.  The tick is set after count and
 * deadline: if a count has ended meanwhile, 0 does not take back its tick.
 */
#define AXV_X86_LAPIC_DEADLINE	0x400	/* IA32_TSC_DEADLINE; after LVT timer */
#define AXV_X86_LAPIC_TICK	0x410	/* 1: a count has ended, and is not in IRR yet */
#define AXV_X86_LAPIC_ERRORS	0x420	/* what ESR shows after its next write */

/* General registers in the order of the instruction encoding. */
enum axv_x86_gpr {
	AXV_X86_RAX = 0,
	AXV_X86_RCX,
	AXV_X86_RDX,
	AXV_X86_RBX,
	AXV_X86_RSP,
	AXV_X86_RBP,
	AXV_X86_RSI,
	AXV_X86_RDI,
	AXV_X86_R8,
	AXV_X86_R9,
	AXV_X86_R10,
	AXV_X86_R11,
	AXV_X86_R12,
	AXV_X86_R13,
	AXV_X86_R14,
	AXV_X86_R15,
	AXV_X86_RIP,
	AXV_X86_RFLAGS,
	AXV_X86_GPRS,		/* number of them */
};

enum axv_x86_seg {
	AXV_X86_ES = 0,		/* ES to GS as instructions encode them */
	AXV_X86_CS,
	AXV_X86_SS,
	AXV_X86_DS,
	AXV_X86_FS,
	AXV_X86_GS,
	AXV_X86_TR,
	AXV_X86_LDTR,
	AXV_X86_SEGS,		/* number of those with a selector */
	AXV_X86_GDTR = AXV_X86_SEGS,	/* base and limit only */
	AXV_X86_IDTR,
};

enum axv_x86_seg_field {
	AXV_X86_SEG_SELECTOR = 0,
	AXV_X86_SEG_BASE,
	AXV_X86_SEG_LIMIT,	/* in bytes: the granularity bit is applied */
	AXV_X86_SEG_ATTR,	/* AXV_X86_ATTR_* */
};

#define AXV_X86_SEG_INDEX(seg, field)	((__u64)(seg) * 4 + (field))

/* Segment attributes: as in a descriptor, bits 40 to 47 and 52 to 55. */
#define AXV_X86_ATTR_TYPE	0x000f
#define AXV_X86_ATTR_S		0x0010
#define AXV_X86_ATTR_DPL	0x0060
#define AXV_X86_ATTR_P		0x0080
#define AXV_X86_ATTR_AVL	0x0100
#define AXV_X86_ATTR_L		0x0200
#define AXV_X86_ATTR_DB		0x0400
#define AXV_X86_ATTR_G		0x0800
#define AXV_X86_ATTR_MASK	0x0fff

/**
 * enum axv_x86_event_reg - what is under way between two instructions
 * @AXV_X86_EVENT_SHADOW:	an interrupt shadow, AXV_X86_SHADOW_*
 * @AXV_X86_EVENT_NMI_MASKED:	1: an NMI handler runs; NMIs wait for IRET
 * @AXV_X86_EVENT_NMI_PENDING:	NMIs waiting, 0 to 2
 * @AXV_X86_EVENT_EXCEPTION:	pending exception, AXV_X86_EVENT_* below; 0: none
 * @AXV_X86_EVENT_EXCEPTION_ADDR: CR2 value or DR6 bits that go with it
 * @AXV_X86_EVENT_REINJECT:	event whose delivery was cut short, AXV_X86_EVENT_*
 * @AXV_X86_EVENT_HALTED:	1: waits for an interrupt (HLT)
 * @AXV_X86_EVENT_EXIT_MASK:	bit n: exception n, raised by the processor in the
 *				guest, exits with AXV_EXIT_EXCEPTION instead of
 *				being delivered.  Not 2; 18 has no effect.
 * @AXV_X86_EVENT_EXTINT_COUNT:	external interrupts waiting, up to
 *				AXV_QUERY_INJECT_DEPTH, and one that was put back
 * @AXV_X86_EVENT_EXTINT_0:	vectors of the first eight, a byte each, the next one
 *				lowest; bytes beyond the count mean nothing
 * @AXV_X86_EVENT_EXTINT_1:	vectors of the ninth to the sixteenth
 * @AXV_X86_EVENT_EXTINT_2:	vector of the seventeenth
 * @AXV_X86_EVENT_EXCEPTION_RAISED: 1: the guest caused the pending exception, so
 *				that EXIT_MASK applies to it; 0: it was injected
 * @AXV_X86_EVENT_PENDING_DEBUG: causes of a #DB that comes when the shadow ends:
 *				0xf breakpoints, 1 << 12 one of them is enabled,
 *				1 << 14 single step.  SVM keeps none: 0
 * @AXV_X86_EVENT_SHUTDOWN:	1: shut down by a triple fault
 * @AXV_X86_EVENT_WAIT_SIPI:	LAPIC, 1: waits for a SIPI, and is halted
 * @AXV_X86_EVENT_INIT:		LAPIC, 1: an INIT has come and is not taken yet
 * @AXV_X86_EVENT_SIPI:		LAPIC, 1 << 8 and a vector: a SIPI has come and is
 *				not taken yet; 0: none
 * @AXV_X86_EVENT_REGS:		number of them
 */
enum axv_x86_event_reg {
	AXV_X86_EVENT_SHADOW = 0,
	AXV_X86_EVENT_NMI_MASKED,
	AXV_X86_EVENT_NMI_PENDING,
	AXV_X86_EVENT_EXCEPTION,
	AXV_X86_EVENT_EXCEPTION_ADDR,
	AXV_X86_EVENT_REINJECT,
	AXV_X86_EVENT_HALTED,
	AXV_X86_EVENT_EXIT_MASK,
	AXV_X86_EVENT_EXTINT_COUNT,
	AXV_X86_EVENT_EXTINT_0,
	AXV_X86_EVENT_EXTINT_1,
	AXV_X86_EVENT_EXTINT_2,
	AXV_X86_EVENT_EXCEPTION_RAISED,
	AXV_X86_EVENT_PENDING_DEBUG,
	AXV_X86_EVENT_SHUTDOWN,
	AXV_X86_EVENT_WAIT_SIPI,
	AXV_X86_EVENT_INIT,
	AXV_X86_EVENT_SIPI,
	AXV_X86_EVENT_REGS,
};

/*
 * SVM does not tell the two shadows apart.  There a shadow reads as MOV_SS if
 * RFLAGS.IF is 0, because STI leaves none then, and as STI otherwise.
 */
#define AXV_X86_SHADOW_NONE	0
#define AXV_X86_SHADOW_STI	1
#define AXV_X86_SHADOW_MOV_SS	2

/* An event in a register, laid out as in the VMCB (AMD APM vol. 2, 15.20). */
#define AXV_X86_EVENT_VECTOR		0xffull
#define AXV_X86_EVENT_TYPE		(7ull << 8)
#define AXV_X86_EVENT_TYPE_EXTINT	(0ull << 8)
#define AXV_X86_EVENT_TYPE_NMI		(2ull << 8)
#define AXV_X86_EVENT_TYPE_EXCEPTION	(3ull << 8)
#define AXV_X86_EVENT_TYPE_SOFT		(4ull << 8)
#define AXV_X86_EVENT_ERROR_VALID	(1ull << 11)
#define AXV_X86_EVENT_VALID		(1ull << 31)
#define AXV_X86_EVENT_ERROR_SHIFT	32

/**
 * enum axv_x86_task_source - what causes a task switch
 * @AXV_X86_TASK_CALL:	CALL
 * @AXV_X86_TASK_IRET:	IRET with NT set
 * @AXV_X86_TASK_JMP:	JMP
 * @AXV_X86_TASK_GATE:	an event, through a task gate in the IDT
 *
 * The values are VMX's (Intel SDM vol. 3C, "Exit Qualification for Task Switches").
 */
enum axv_x86_task_source {
	AXV_X86_TASK_CALL = 0,
	AXV_X86_TASK_IRET,
	AXV_X86_TASK_JMP,
	AXV_X86_TASK_GATE,
};

#define AXV_REG_X86(class, index)	\
	AXV_REG_ID(AXV_REG_ARCH_X86, AXV_X86_CLASS_##class, 3, index)

/**
 * struct axv_x86_cpuid - one leaf of a CPUID table
 * @leaf:	EAX of the question
 * @subleaf:	ECX of the question, if AXV_X86_CPUID_SUBLEAF
 * @flags:	AXV_X86_CPUID_SUBLEAF: the answer depends on ECX
 * @eax:	EAX of the answer
 * @ebx:	EBX of the answer
 * @ecx:	ECX of the answer
 * @edx:	EDX of the answer
 * @pad:	zero
 *
 * A leaf that is not in the table answers zeroes.  Bits that follow the
 * guest's state (OSXSAVE, OSPKE, XSAVE sizes) are filled in by the kernel.
 * What the module cannot honour is cleared when the table is set.  APIC, x2APIC
 * and TSC deadline may be offered: with irqchip NONE the VMM emulates them, with
 * LAPIC the kernel has them, and APIC follows IA32_APIC_BASE.
 */
struct axv_x86_cpuid {
	__u32 leaf;
	__u32 subleaf;
	__u32 flags;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 pad;
};

#define AXV_X86_CPUID_SUBLEAF	(1u << 0)

/**
 * struct axv_x86_msr_policy - who answers for a range of MSRs
 * @first:	first MSR number
 * @last:	last one, included
 * @read:	AXV_X86_MSR_*
 * @write:	AXV_X86_MSR_*
 *
 * Ranges may not overlap.  An MSR in no range is KERNEL if the kernel emulates it, and
 * FAULT otherwise.  If a range makes an MSR KERNEL that the kernel does not emulate, the
 * guest gets #GP.
 */
struct axv_x86_msr_policy {
	__u32 first;
	__u32 last;
	__u32 read;
	__u32 write;
};

#define AXV_X86_MSR_KERNEL	0	/* emulated by the kernel, or #GP */
#define AXV_X86_MSR_EXIT	1	/* AXV_EXIT_SYSREG_READ or _WRITE */
#define AXV_X86_MSR_FAULT	2	/* #GP */

struct axv_x86_segment {
	__u64 base;
	__u32 limit;
	__u16 selector;
	__u16 attr;
};

struct axv_x86_dtable {
	__u64 base;
	__u32 limit;
	__u32 pad;
};

/* AXV_RUN_SET_GPRS */
struct axv_x86_gprs {
	__u64 gpr[16];		/* by enum axv_x86_gpr */
	__u64 rip;
	__u64 rflags;
};

/* AXV_RUN_SET_SREGS */
struct axv_x86_sregs {
	struct axv_x86_segment seg[8];	/* by enum axv_x86_seg */
	struct axv_x86_dtable gdtr;
	struct axv_x86_dtable idtr;
	__u64 cr0;
	__u64 cr2;
	__u64 cr3;
	__u64 cr4;
	__u64 cr8;
	__u64 efer;
};

struct axv_run_regs {
	struct axv_x86_gprs gprs;
	struct axv_x86_sregs sregs;
};

#endif /* _UAPI_ASM_X86_AXVCPU_H */
