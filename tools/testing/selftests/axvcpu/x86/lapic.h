/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guests with a local APIC in the kernel.  Each vCPU runs the same program, in 64-bit mode:
 * it asks the test by a hypercall what to do, does that, and asks again.  So a test is a
 * sequence of things that guests do.  Unless the test uses threads, one thread runs all vCPUs,
 * one after the other, and nothing happens between two of these things.
 *
 * "SDM" is Intel's Software Developer's Manual, vol. 3A, chapter "Advanced Programmable
 * Interrupt Controller (APIC)"; "APM" is AMD's Architecture Programmer's Manual, vol. 2,
 * chapter 16.
 */
#ifndef AXV_LAPIC_H
#define AXV_LAPIC_H

#include <stdbool.h>

#include "apic.h"
#include "x86.h"

#define MSR_TSC_DEADLINE	0x6e0

/* CPUID leaf 1, ECX and EDX */
#define CPUID_X2APIC		(1u << 21)
#define CPUID_TSC_DEADLINE	(1u << 24)
#define CPUID_APIC		(1u << 9)

#define ESR_SENT_ILLEGAL	(1u << 5)
#define ESR_RECEIVED_ILLEGAL	(1u << 6)
#define ESR_ILLEGAL_REGISTER	(1u << 7)

/* Delivery modes: of the ICR, and of an MSI's data. */
#define APIC_FIXED		(0u << 8)
#define APIC_LOWEST		(1u << 8)
#define APIC_NMI		(4u << 8)
#define APIC_INIT		(5u << 8)
#define APIC_SIPI		(6u << 8)

#define ICR_LOGICAL		(1u << 11)
#define ICR_ASSERT		(1u << 14)
#define ICR_LEVEL		(1u << 15)
#define ICR_SELF		(1u << 18)
#define ICR_ALL			(2u << 18)
#define ICR_OTHERS		(3u << 18)

/* How a run ends: the guest asks what to do next, has taken an interrupt, or another exit. */
#define DONE			0x2000ull
#define TAKEN(vector)		(0x1000ull + (vector))
#define EXIT(reason)		(0x10000ull + (reason))
/* The guest calls from the code in real mode of lapic_real_mode(). */
#define REAL_MODE		0x3000ull

/**
 * struct lapic_guest - what a vCPU's program and the test share, in the guest's memory
 * @flags: GUEST_*, read by the guest's interrupt handlers
 * @fault: not zero: the last operation caused a #GP
 * @fixup: where the handler of #GP goes on; only the guest uses this
 * @taken: how many interrupts and NMIs the vCPU has taken
 * @rounds: counter of the vCPU's loops
 * @limit: if not 0, handlers do not end interrupts once @taken has this value, so that no
 *		more come
 * @log: the vectors taken, at @taken modulo the size
 */
struct lapic_guest {
	volatile __u64 flags;
	volatile __u64 fault;
	volatile __u64 fixup;
	volatile __u64 taken;
	volatile __u64 rounds;
	volatile __u64 limit;
	__u64 pad[2];
	volatile __u8 log[256];
};

#define GUEST_CALLS	(1u << 0)	/* handlers ask the test what to do, too */
#define GUEST_EOI	(1u << 1)	/* handlers end their interrupt */
#define GUEST_X2APIC	(1u << 2)	/* the APIC is accessed by MSRs */

/**
 * struct lapic_cpu - a vCPU with a local APIC
 * @v: the vCPU
 * @guest: what its program shares with the test
 * @hw_id: its APIC id
 * @x2apic: it is in x2APIC mode, so the functions below use MSRs
 * @seen: how many of &lapic_guest.taken lapic_taken() has returned
 */
struct lapic_cpu {
	struct axv_vcpu v;
	struct lapic_guest *guest;
	__u32 hw_id;
	bool x2apic;
	__u64 seen;
};

/**
 * LAPIC_OPS() - what a guest can do, with arguments a and b; the result is argument 0 of the
 * next hypercall
 *
 * read, write: memory, 32 bits at a (of b). rdmsr, wrmsr: a (b). get_cr8, set_cr8: (a).
 * send: writes b, 64 bits, to the ICR, in the mode's format.  sti, cli: switch interrupts on
 * or off for good.  open: switches interrupts on for a moment.  halt: HLT with interrupts on,
 * which are off afterwards.  hang: HLT with interrupts off.  doze: HLT with interrupts on until
 * &lapic_guest.taken is b.  spin: counts &lapic_guest.rounds with interrupts on until
 * &lapic_guest.taken is b.  cpuid: leaf a, subleaf b; the result is RBX, RCX, RDX, and RAX as
 * argument 3.  rdtsc: reads the TSC.  deadline: sets the TSC deadline to the TSC plus b.  ping:
 * a times, sends b and halts until an interrupt is taken; pong: halts first, and then sends.
 * ping_spin, pong_spin: the same, but spin instead of halting.  storm: sends b a times, with
 * interrupts on, or for ever if a is 0.
 */
#define LAPIC_OPS(X)							\
	X(read) X(write) X(rdmsr) X(wrmsr) X(get_cr8) X(set_cr8) X(send)	\
	X(sti) X(cli) X(open) X(halt) X(hang) X(doze) X(spin) X(cpuid)	\
	X(rdtsc) X(deadline) X(ping) X(pong) X(ping_spin) X(pong_spin)	\
	X(storm)

enum lapic_op {
#define LAPIC_ENUM(name)	OP_##name,
	LAPIC_OPS(LAPIC_ENUM)
#undef LAPIC_ENUM
};

/* For FIXTURE_SETUP() and TEST().  _exit(), since after a return the harness would go on. */
#define NEED_LAPIC() do {						\
	if (!irqchip_offered(AXV_IRQCHIP_LAPIC))				\
		SKIP(_exit(255), "the module has no local APIC");	\
} while (0)

/*
 * Make a VM with local APICs and halts in the kernel, whose memory has the program.
 * lapic_vm_new_flags(): with more flags of the VM.
 */
void lapic_vm_new_flags(struct axv_vm *vm, __u32 flags);
void lapic_vm_new(struct axv_vm *vm);

/*
 * lapic_new(): make a vCPU and set it up.  lapic_start(): let a bound vCPU, in any mode, run
 * the program until that asks what to do; its APIC is enabled, also by SVR.  lapic_begin(): make
 * a new vCPU, bind it, and start it; it does not wait for a SIPI, even if it is not the BSP.
 * lapic_reset(): reset a vCPU, set it up and bind it.
 */
void lapic_new(struct axv_vm *vm, struct lapic_cpu *c, __u32 id, __u32 hw_id);
void lapic_start(struct lapic_cpu *c);
void lapic_begin(struct axv_vm *vm, struct lapic_cpu *c, __u32 id, __u32 hw_id);
void lapic_reset(struct lapic_cpu *c);
void lapic_free(struct lapic_cpu *c);

/*
 * Begin LAPIC_CPUS vCPUs, in xAPIC or x2APIC mode.  The first two are in one cluster of x2APIC,
 * each other one in a cluster of its own; the last one has 2 as its xAPIC id.
 */
#define LAPIC_CPUS	4
void lapic_four_new(struct axv_vm *vm, struct lapic_cpu *c, bool x2apic);
void lapic_four_free(struct axv_vm *vm, struct lapic_cpu *c);

/* The physical destination that means a vCPU. */
static inline __u32 lapic_id(const struct lapic_cpu *c)
{
	return c->x2apic ? c->hw_id : c->hw_id & 0xff;
}

/*
 * Put code for real mode at a page below 1 MiB, where a SIPI can lead to: it makes a hypercall
 * with CS and flags as arguments, then counts, with interrupts on.
 */
void lapic_real_mode(struct axv_vm *vm, __u8 page);
volatile __u32 *lapic_real_count(struct axv_vm *vm);

/*
 * lapic_order(): say what the next run is to do.  lapic_go(): run; returns how the run ends.
 * lapic_do(): both.  lapic_leave(): let a handler that has called end.
 */
void lapic_order(struct lapic_cpu *c, enum lapic_op op, __u64 a, __u64 b);
__u64 lapic_go(struct lapic_cpu *c);
__u64 lapic_do(struct lapic_cpu *c, enum lapic_op op, __u64 a, __u64 b);
__u64 lapic_leave(struct lapic_cpu *c);

/* Run an unbound vCPU in a thread of its own; see axv_runner. */
void lapic_runner_start(struct axv_runner *r, struct lapic_cpu *c);

static inline __u64 lapic_result(struct lapic_cpu *c)
{
	return c->v.run->exit.hypercall.args[0];
}

/* Registers of the APIC, as the guest sees them. */
__u32 lapic_read(struct lapic_cpu *c, __u32 reg);
void lapic_write(struct lapic_cpu *c, __u32 reg, __u32 value);
/* MSRs, as the guest accesses them; return 0, or -1 if there was a #GP. */
int lapic_rdmsr(struct lapic_cpu *c, __u32 msr, __u64 *value);
int lapic_wrmsr(struct lapic_cpu *c, __u32 msr, __u64 value);
/* Go to x2APIC mode; tell the functions here which mode the APIC is in. */
void lapic_to_x2apic(struct lapic_cpu *c);
void lapic_mode_is(struct lapic_cpu *c, bool x2apic);
/* Make an ICR in the mode's format, for OP_send and the like; send one. */
__u64 lapic_icr(struct lapic_cpu *c, __u32 destination, __u32 low);
void lapic_send(struct lapic_cpu *c, __u32 destination, __u32 low);
/* Read the error register, and clear it. */
__u32 lapic_errors(struct lapic_cpu *c);
/* Whether a bit of IRR, ISR or TMR is set. */
bool lapic_bit(struct lapic_cpu *c, __u32 reg, __u8 vector);
/* The vector whose bit is set in IRR, ISR or TMR; 0 if none is, -1 if several are. */
int lapic_only(struct lapic_cpu *c, __u32 reg);

/*
 * Switch interrupts on for a moment, with GUEST_EOI and without GUEST_CALLS, and return the
 * vectors taken.  Each is a byte, the first one highest: 0x6141 is 0x61 and then 0x41.
 */
__u64 lapic_taken(struct lapic_cpu *c);

/* For a fixture with LAPIC_CPUS vCPUs: check what each has taken since the last check. */
#define EXPECT_TAKEN(a, b, c2, d) do {					\
	EXPECT_EQ((__u64)(a), lapic_taken(&self->c[0]));		\
	EXPECT_EQ((__u64)(b), lapic_taken(&self->c[1]));		\
	EXPECT_EQ((__u64)(c2), lapic_taken(&self->c[2]));		\
	EXPECT_EQ((__u64)(d), lapic_taken(&self->c[3]));		\
} while (0)

/* A register of the APIC as the VMM sees it. */
__u64 lapic_reg(struct lapic_cpu *c, __u32 reg);

/* Inject the MSI of a device; returns 0, or the error. */
int lapic_msi(struct axv_vm *vm, __u64 address, __u32 data);

#define MSI_ADDRESS(destination)	(0xfee00000ull | ((destination) & 0xffull) << 12 |	\
					 ((destination) & ~0xffull) << 32)
#define MSI_REDIRECT	(1u << 3)
#define MSI_LOGICAL	(1u << 2)
#define MSI_ASSERT	(1u << 14)
#define MSI_LEVEL	(1u << 15 | MSI_ASSERT)

#endif
