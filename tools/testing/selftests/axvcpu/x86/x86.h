/* SPDX-License-Identifier: GPL-2.0 */
/*
 * x86 guests: code blobs, tables, and the three modes that guests are started in.
 *
 * A test's guest code is next to the test: GUEST_CODE() puts it into the program's
 * read-only data, and x86_load() copies it to GUEST_CODE_ADDR in the guest, which every
 * mode maps one to one.
 */
#ifndef AXV_X86_H
#define AXV_X86_H

#include "guest.h"

#define GUEST_CODE_ADDR		0x1000ul
#define GUEST_CODE_TEXT		"0x1000"
#define GUEST_STACK		0x8000ul	/* top; 16-bit code can reach it */
#define GUEST_USER_STACK	0x9000ul
#define GUEST_PML4		0x90000ul
#define GUEST_PDPT		0x91000ul
#define GUEST_PD		0x92000ul
#define GUEST_PT		0x93000ul	/* for the first 2 MiB */
#define GUEST_GDT		0x94000ul
#define GUEST_IDT		0x95000ul
#define GUEST_TSS		0x96000ul
#define GUEST_PROGRAMS_ADDR	0x98000ul	/* the programs of guest.h */

/* Selectors of the GDT that x86_tables() builds. */
#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define SEL_CODE16	0x20
#define SEL_USER_DATA	0x2b
#define SEL_USER_CODE64	0x33
#define SEL_USER_CODE32	0x3b
#define SEL_TSS		0x40
#define SEL_DATA16	0x50

#define CR0_PE		(1ull << 0)
#define CR0_MP		(1ull << 1)
#define CR0_TS		(1ull << 3)
#define CR0_ET		(1ull << 4)
#define CR0_NE		(1ull << 5)
#define CR0_WP		(1ull << 16)
#define CR0_AM		(1ull << 18)
#define CR0_CD		(1ull << 30)
#define CR0_PG		(1ull << 31)
#define CR4_DE		(1ull << 3)
#define CR4_PAE		(1ull << 5)
#define CR4_OSFXSR	(1ull << 9)
#define CR4_OSXMMEXCPT	(1ull << 10)
#define CR4_FSGSBASE	(1ull << 16)
#define CR4_OSXSAVE	(1ull << 18)
#define EFER_SCE	(1ull << 0)
#define EFER_LME	(1ull << 8)
#define EFER_LMA	(1ull << 10)
#define EFER_NXE	(1ull << 11)
#define EFER_SVME	(1ull << 12)

#define FLAG_FIXED	(1ull << 1)
#define FLAG_CF		(1ull << 0)
#define FLAG_TF		(1ull << 8)
#define FLAG_IF		(1ull << 9)
#define FLAG_RF		(1ull << 16)
#define FLAG_AC		(1ull << 18)

#define PTE_P		(1ull << 0)
#define PTE_W		(1ull << 1)
#define PTE_U		(1ull << 2)
#define PTE_PS		(1ull << 7)

#define VEC_DB		1
#define VEC_NMI		2
#define VEC_BP		3
#define VEC_UD		6
#define VEC_DF		8
#define VEC_GP		13
#define VEC_PF		14
#define VEC_AC		17

/* An interrupt that the programs of guest.h take and return from. */
#define GUEST_VECTOR	0x40

#define MSR_TSC			0x10
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_PAT			0x277
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SFMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103

/* A hypercall, VMMCALL; on Intel processors x86_load() changes it to VMCALL. */
#define HYPERCALL	"\n\t.byte 0x0f, 0x01, 0xd9\n\t"

/**
 * GUEST_CODE() - guest code as a blob
 * @name: symbol of its beginning; name_end is that of its end
 * @bits: 16, 32 or 64
 * @text: assembly; a label L in it is at "L - name + " GUEST_CODE_TEXT
 */
#define GUEST_CODE(name, bits, text)	__GUEST_CODE(name, bits, text)
#define __GUEST_CODE(name, bits, text)					\
	asm(".pushsection .rodata\n\t.balign 16\n\t.code" #bits "\n"	\
	    #name ":\n\t" text "\n" #name "_end:\n\t.code64\n\t.popsection"); \
	extern const __u8 name[], name##_end[]

/* A further label in a blob, and where it is in the guest. */
#define GUEST_LABEL(label)	extern const __u8 label[]
#define GUEST_ADDR(name, label)	(GUEST_CODE_ADDR + ((label) - (name)))

#define x86_load(vm, name)						\
	x86_load_at(vm, GUEST_CODE_ADDR, name, name##_end)

void x86_load_at(struct axv_vm *vm, __u64 gpa, const __u8 *start, const __u8 *end);

/* Make the next run begin at @ip in a mode, with the registers that the tests expect. */
void x86_start_real(struct axv_vcpu *v, __u64 ip);
void x86_start_prot(struct axv_vcpu *v, __u64 ip);
void x86_start_long(struct axv_vcpu *v, __u64 ip);

/* Load a blob, and make the next run begin there in 64-bit mode, with these flags set. */
#define x86_begin_long(v, name, flags) do {				\
	x86_load((v)->vm, name);					\
	x86_start_long(v, GUEST_CODE_ADDR);				\
	(v)->run->regs.gprs.rflags |= (flags);				\
} while (0)

/* Set an interrupt gate to ring 0 code at @ip. */
void x86_gate_real(struct axv_vm *vm, int vector, __u64 ip);
void x86_gate_prot(struct axv_vm *vm, int vector, __u64 ip, int dpl);
void x86_gate_long(struct axv_vm *vm, int vector, __u64 ip, int dpl);

/* Whether the host runs in QEMU's TCG, whose SVM lacks some details. */
int x86_in_qemu(void);
int x86_in_bochs_svm(void);

/*
 * QEMU's VMRUN does not load the interrupt shadow (APM vol. 2, 15.21.5): if an interrupt of
 * the host ends the guest behind STI, the guest takes its own interrupt one instruction early.
 * A test that checks where it is taken makes so many attempts, since on a slow machine most
 * of them meet an interrupt of the host.
 */
#define QEMU_SHADOW_TRIES	200

/*
 * x86_cpuid_all(): give a vCPU, Created or Free, every CPU feature that the host offers, and its
 * APIC id.  x86_cpuid_with(): also features of leaf 1 that the kernel or the VMM emulates.
 */
void x86_cpuid_all(struct axv_vcpu *v);
void x86_cpuid_with(struct axv_vcpu *v, __u32 ecx, __u32 edx);

/* Copy all registers that a vCPU has into another one, Free. */
void x86_regs_copy(struct axv_vcpu *from, struct axv_vcpu *to);

/* Get the page table entry of a page below 2 MiB, which is mapped present, rwx, user. */
__u64 *x86_pte(struct axv_vm *vm, __u64 addr);

/* A general register in the run page: as the last exit stored it, or for the next run. */
static inline __u64 *x86_gpr(struct axv_vcpu *v, int gpr)
{
	return &v->run->regs.gprs.gpr[gpr];
}

static inline void x86_touch_gprs(struct axv_vcpu *v)
{
	v->run->dirty |= AXV_RUN_SET_GPRS;
}

#endif
