/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guests with a local APIC in the kernel. Each vCPU runs the same program, in 64-bit mode:
 * it asks the test what to do, by a hypercall, does that, and asks again. So a test reads
 * as a sequence of things that guests do, and, unless it wants threads, nothing happens
 * between two of them: one thread runs all vCPUs, one after the other.
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

/* What a run ends with: asks for the next thing, has taken an interrupt, any other exit. */
#define DONE			0x2000ull
#define TAKEN(vector)		(0x1000ull + (vector))
#define EXIT(reason)		(0x10000ull + (reason))
/* From the code in real mode that lapic_real_mode() puts somewhere. */
#define REAL_MODE		0x3000ull

/**
 * struct lapic_guest - what guest and test share of a vCPU, in the guest's memory
 * @flags: GUEST_*, read by the guest's interrupt handlers
 * @fault: not zero: the last thing to do was a #GP
 * @fixup: where the handler of #GP goes on; for the guest itself
 * @taken: interrupts and NMIs it has taken
 * @rounds: of its loops
 * @limit: not 0: with so many taken, handlers end no more of them, and so no more come
 * @log: the vectors, at @taken modulo the size
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

#define GUEST_CALLS	(1u << 0)	/* handlers ask for things to do, too */
#define GUEST_EOI	(1u << 1)	/* handlers end their interrupt */
#define GUEST_X2APIC	(1u << 2)	/* by MSR */

/**
 * struct lapic_cpu - a vCPU with a local APIC
 * @v: the vCPU
 * @guest: what it shares with the test
 * @hw_id: its APIC id
 * @x2apic: it is in x2APIC mode, and the functions below go by MSR
 * @seen: how many of &lapic_guest.taken lapic_taken() has told
 */
struct lapic_cpu {
	struct axv_vcpu v;
	struct lapic_guest *guest;
	__u32 hw_id;
	bool x2apic;
	__u64 seen;
};

/**
 * LAPIC_OPS() - what a guest can do, with arguments a and b; the result is argument 0
 *
 * read, write: memory, 32 bits at a (of b). rdmsr, wrmsr: a (b). get_cr8, set_cr8: (a).
 * send: an ICR of 64 bits b, as the mode wants it. sti, cli: so it stays. open: interrupts
 * are on for a moment. halt: HLT with interrupts on, and they are off afterwards. hang: HLT
 * with them off. doze: HLT with them on until &lapic_guest.taken is b. spin: counts
 * &lapic_guest.rounds with interrupts on until &lapic_guest.taken is b. cpuid: a, b; RBX to
 * RDX, and RAX as argument 3. rdtsc: that. deadline: the TSC and b more goes to the TSC
 * deadline. ping, pong: a times send b and halt until an interrupt is taken, or the other
 * way round. ping_spin, pong_spin: they do not halt meanwhile. storm: sends b, a times, or
 * for ever with 0, with interrupts on.
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

/* For FIXTURE_SETUP() and TEST(): the harness would run what follows a mere return. */
#define NEED_LAPIC() do {						\
	if (!irqchip_offered(AXV_IRQCHIP_LAPIC))				\
		SKIP(_exit(255), "the module has no local APIC");	\
} while (0)

/* A VM with LAPIC, whose memory has the guest's program; it halts in the kernel. */
void lapic_vm_new_flags(struct axv_vm *vm, __u32 flags);
void lapic_vm_new(struct axv_vm *vm);

/*
 * _new: a vCPU that is set up. _start: one that is bound, in whatever mode, runs the program
 * until that asks what to do; its APIC is enabled, by SVR as well. _begin: a new one that is
 * bound does so; if it is not the BSP, it waits for no SIPI. _reset: it is as one that was
 * bound just now.
 */
void lapic_new(struct axv_vm *vm, struct lapic_cpu *c, __u32 id, __u32 hw_id);
void lapic_start(struct lapic_cpu *c);
void lapic_begin(struct axv_vm *vm, struct lapic_cpu *c, __u32 id, __u32 hw_id);
void lapic_reset(struct lapic_cpu *c);
void lapic_free(struct lapic_cpu *c);

/*
 * LAPIC_CPUS of them, all begun, in xAPIC or x2APIC mode. They are in two clusters of x2APIC
 * and one more; the last has an xAPIC id of 2.
 */
#define LAPIC_CPUS	4
void lapic_four_new(struct axv_vm *vm, struct lapic_cpu *c, bool x2apic);
void lapic_four_free(struct axv_vm *vm, struct lapic_cpu *c);

/* The physical destination of a vCPU. */
static inline __u32 lapic_id(const struct lapic_cpu *c)
{
	return c->x2apic ? c->hw_id : c->hw_id & 0xff;
}

/*
 * Put code for a SIPI at a page below 1 MiB, in real mode: it calls with CS and flags as
 * arguments, then counts, with interrupts on.
 */
void lapic_real_mode(struct axv_vm *vm, __u8 page);
volatile __u32 *lapic_real_count(struct axv_vm *vm);

/*
 * _order: the next run does that. _go: run; what it ends with. _do: both. _leave: a handler
 * that has called ends.
 */
void lapic_order(struct lapic_cpu *c, enum lapic_op op, __u64 a, __u64 b);
__u64 lapic_go(struct lapic_cpu *c);
__u64 lapic_do(struct lapic_cpu *c, enum lapic_op op, __u64 a, __u64 b);
__u64 lapic_leave(struct lapic_cpu *c);

/* The same in a thread of its own, for one that is not bound; see axv_runner. */
void lapic_runner_start(struct axv_runner *r, struct lapic_cpu *c);

static inline __u64 lapic_result(struct lapic_cpu *c)
{
	return c->v.run->exit.hypercall.args[0];
}

/* Registers of the APIC, as the guest sees them. */
__u32 lapic_read(struct lapic_cpu *c, __u32 reg);
void lapic_write(struct lapic_cpu *c, __u32 reg, __u32 value);
/* 0, or -1 if it was #GP. */
int lapic_rdmsr(struct lapic_cpu *c, __u32 msr, __u64 *value);
int lapic_wrmsr(struct lapic_cpu *c, __u32 msr, __u64 value);
/* Go to x2APIC mode; be told that the APIC is in it, or in the other one. */
void lapic_to_x2apic(struct lapic_cpu *c);
void lapic_mode_is(struct lapic_cpu *c, bool x2apic);
/* An ICR as the mode wants it, for OP_send and its like; send one. */
__u64 lapic_icr(struct lapic_cpu *c, __u32 destination, __u32 low);
void lapic_send(struct lapic_cpu *c, __u32 destination, __u32 low);
/* What the error register holds; it is empty afterwards. */
__u32 lapic_errors(struct lapic_cpu *c);
/* A bit of IRR, ISR or TMR. */
bool lapic_bit(struct lapic_cpu *c, __u32 reg, __u8 vector);
/* The only one that is set of these, 0 if none, and -1 if it is not alone. */
int lapic_only(struct lapic_cpu *c, __u32 reg);

/*
 * Open interrupts for a moment: what was taken, with GUEST_EOI and without GUEST_CALLS. Each
 * vector is a byte, the first one highest: 0x6141 is 0x61 and then 0x41.
 */
__u64 lapic_taken(struct lapic_cpu *c);

/* For a fixture with LAPIC_CPUS of them: what each has taken since it was asked last. */
#define EXPECT_TAKEN(a, b, c2, d) do {					\
	EXPECT_EQ((__u64)(a), lapic_taken(&self->c[0]));		\
	EXPECT_EQ((__u64)(b), lapic_taken(&self->c[1]));		\
	EXPECT_EQ((__u64)(c2), lapic_taken(&self->c[2]));		\
	EXPECT_EQ((__u64)(d), lapic_taken(&self->c[3]));		\
} while (0)

/* The register as the VMM sees it. */
__u64 lapic_reg(struct lapic_cpu *c, __u32 reg);

/* An MSI of a device: 0, or the error. */
int lapic_msi(struct axv_vm *vm, __u64 address, __u32 data);

#define MSI_ADDRESS(destination)	(0xfee00000ull | ((destination) & 0xffull) << 12 |	\
					 ((destination) & ~0xffull) << 32)
#define MSI_REDIRECT	(1u << 3)
#define MSI_LOGICAL	(1u << 2)
#define MSI_ASSERT	(1u << 14)
#define MSI_LEVEL	(1u << 15 | MSI_ASSERT)

#endif
