/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * The registers of an x86 local APIC (Intel SDM vol. 3A, "Local APIC Register Address Map" and
 * "IA32_APIC_BASE MSR"), for all programs in tools/ and for assembly.  The kernel has names of
 * its own.
 */
#ifndef APIC_H
#define APIC_H

#define MSR_APIC_BASE		0x1b
#define APIC_BASE_BSP		(1ull << 8)
#define APIC_BASE_X2APIC	(1ull << 10)
#define APIC_BASE_ENABLE	(1ull << 11)

/* Where the page is, unless the guest moves it. */
#define APIC_PAGE		0xfee00000ull

/* The MSRs of x2APIC mode begin here: plus the offset in the page, divided by 16. */
#define MSR_X2APIC		0x800

/* Offsets in the page. */
#define APIC_ID			0x020
#define APIC_VERSION		0x030
#define APIC_TPR		0x080
#define APIC_PPR		0x0a0
#define APIC_EOI		0x0b0
#define APIC_LDR		0x0d0
#define APIC_DFR		0x0e0
#define APIC_SVR		0x0f0
#define APIC_ISR		0x100	/* eight registers, 0x10 apart; TMR and IRR as well */
#define APIC_TMR		0x180
#define APIC_IRR		0x200
#define APIC_ESR		0x280
#define APIC_ICR		0x300
#define APIC_ICR_HIGH		0x310	/* with x2APIC it is the upper half of APIC_ICR */
#define APIC_LVT_TIMER		0x320
#define APIC_LVT_THERMAL	0x330
#define APIC_LVT_PERF		0x340
#define APIC_LVT_LINT0		0x350
#define APIC_LVT_LINT1		0x360
#define APIC_LVT_ERROR		0x370
#define APIC_TIMER_INITIAL	0x380
#define APIC_TIMER_CURRENT	0x390
#define APIC_TIMER_DIVIDE	0x3e0
#define APIC_SELF_IPI		0x3f0	/* x2APIC only */

/* In the spurious vector register. */
#define SVR_ENABLE		(1u << 8)

/* In entries of the local vector table. */
#define LVT_MASKED		(1u << 16)
#define LVT_NMI			(4u << 8)
#define LVT_EXTINT		(7u << 8)
#define LVT_PERIODIC		(1u << 17)
#define LVT_DEADLINE		(2u << 17)

#endif /* APIC_H */
