/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The local APIC of a vCPU, with irqchip LAPIC (Intel SDM vol. 3A, "Advanced
 * Programmable Interrupt Controller (APIC)"; AMD APM vol. 2, chapter 16).
 *
 * Any thread may send to an APIC: it sets a bit of @incoming, or latches an INIT, a SIPI
 * or an error, and requests AXV_REQ_EVENT.  lapic_ipi.c finds the APICs that a message is
 * for.  Everything else is done by the holder of the vCPU's claim, who also decides what
 * becomes of a message that was sent (lapic.c).
 */
#ifndef _AXVCPU_X86_LAPIC_H
#define _AXVCPU_X86_LAPIC_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/page.h>

#include "x86.h"

/* Address of the APIC's page; the guest may not move it. */
#define AXV_LAPIC_PAGE		0xfee00000ull
/* Bytes of the page that have registers. */
#define AXV_LAPIC_BYTES		0x400

#define AXV_X2APIC_EOI		(APIC_BASE_MSR + (APIC_EOI >> 4))
#define AXV_X2APIC_ICR		(APIC_BASE_MSR + (APIC_ICR >> 4))

/* The first legal vector (SDM vol. 3A, "Valid Interrupt Vectors"). */
#define AXV_LAPIC_LEGAL		16

/* Bits of ESR: illegal vector sent, illegal vector received, no such register. */
#define AXV_ESR_SENT		5
#define AXV_ESR_RECEIVED	6
#define AXV_ESR_REGISTER	7

/* &axv_lapic.latched: two bits, and where the SIPI's vector begins. */
#define AXV_LATCHED_INIT	BIT(0)
#define AXV_LATCHED_SIPI	BIT(1)
#define AXV_LATCHED_VECTOR	8

/**
 * struct axv_lapic_timer - the APIC's timer
 * @hrtimer:	host timer that runs while the APIC's timer does
 * @lock:	guards @deadline and the start of @hrtimer against a change of the VM's
 *		clock.  Raw; no other lock is taken under it, and @hrtimer's callback is
 *		not waited for under it.
 * @deadline:	TSC deadline, in the guest's TSC; 0: none.  Written under @lock by the
 *		holder of the claim.
 * @cpu:	host CPU on which @hrtimer was started last
 * @expiry:	one-shot and periodic mode: when the count reaches 0
 * @period:	one-shot and periodic mode: ns of the whole count; 0: the timer does not run
 * @tick:	the timer has expired, and the interrupt is not in IRR yet.  Set by the
 *		callback, cleared by the holder of the claim.
 */
struct axv_lapic_timer {
	struct hrtimer hrtimer;
	raw_spinlock_t lock;
	u64 deadline;
	int cpu;
	ktime_t expiry;
	u64 period;
	bool tick;
};

/**
 * struct axv_lapic - a local APIC
 * @incoming:	interrupts that were sent, by vector.  Any thread sets a bit, without a
 *		lock; the holder of the claim moves it to IRR
 * @level:	which of @incoming are level-triggered; written before @incoming
 * @direct:	level-triggered vectors of which the VMM is told when they end: since the
 *		vector ended last, an interrupt came by AXV_INJECT and not by a route, or
 *		the VMM restored it.  Any thread sets a bit, without a lock
 * @latched:	AXV_LATCHED_*; any thread sets it, the holder of the claim takes it
 * @errors:	bits of ESR that came up since the guest wrote ESR last; any thread sets
 *		them, the holder of the claim takes them
 * @base:	IA32_APIC_BASE.  Senders read the mode without a lock.
 * @regs:	registers of the page, by offset / 4.  Senders read LDR, DFR and SVR
 *		without a lock
 * @used:	bit n: word n of ISR (in the first byte) or IRR (in the second) is not 0.
 *		Always exact, since only the holder of the claim accesses it and the words
 * @wait_sipi:	the vCPU waits for a SIPI
 * @errors_told: those of @errors for which LVT error has raised its interrupt
 * @timer:	the APIC's timer
 * @x:		vCPU whose APIC it is
 * @rcu:	frees the APIC when no sender can have a pointer to it any more
 */
struct axv_lapic {
	unsigned long incoming[256 / BITS_PER_LONG];
	unsigned long level[256 / BITS_PER_LONG];
	unsigned long direct[256 / BITS_PER_LONG];
	atomic_t latched;
	unsigned long errors;

	u64 base;
	u32 regs[AXV_LAPIC_BYTES / 4];
	u8 used[2];
	bool wait_sipi;
	unsigned long errors_told;
	struct axv_lapic_timer timer;
	struct axv_x86_vcpu *x;
	struct rcu_head rcu;
};

static inline u32 *axv_lapic_reg(struct axv_lapic *lapic, unsigned int offset)
{
	return &lapic->regs[offset / 4];
}

static inline u32 *axv_lapic_word(struct axv_lapic *lapic, unsigned int bank, u8 vector)
{
	return axv_lapic_reg(lapic, bank + (vector / 32) * 0x10);
}

static inline bool axv_lapic_is_set(struct axv_lapic *lapic, unsigned int bank, u8 vector)
{
	return *axv_lapic_word(lapic, bank, vector) & BIT(vector % 32);
}

/* Index of APIC_ISR or APIC_IRR in &axv_lapic.used. */
static inline unsigned int axv_lapic_used(unsigned int bank)
{
	return bank == APIC_IRR;
}

/**
 * axv_lapic_put_word() - write a word of ISR or IRR
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @bank:	APIC_ISR or APIC_IRR
 * @i:		which of its 8 words
 * @value:	its new value
 */
static inline void axv_lapic_put_word(struct axv_lapic *lapic, unsigned int bank, unsigned int i,
				      u32 value)
{
	u8 *used = &lapic->used[axv_lapic_used(bank)];

	*axv_lapic_reg(lapic, bank + i * 0x10) = value;
	if (value)
		*used |= BIT(i);
	else
		*used &= ~BIT(i);
}

/* Set or clear a bit of ISR or IRR: @bank is APIC_ISR or APIC_IRR. */
static inline void axv_lapic_set(struct axv_lapic *lapic, unsigned int bank, u8 vector)
{
	axv_lapic_put_word(lapic, bank, vector / 32,
			   *axv_lapic_word(lapic, bank, vector) | BIT(vector % 32));
}

static inline void axv_lapic_clear(struct axv_lapic *lapic, unsigned int bank, u8 vector)
{
	axv_lapic_put_word(lapic, bank, vector / 32,
			   *axv_lapic_word(lapic, bank, vector) & ~BIT(vector % 32));
}

static inline bool axv_lapic_is_on(const struct axv_lapic *lapic)
{
	return READ_ONCE(lapic->base) & MSR_IA32_APICBASE_ENABLE;
}

/* Do IA32_APIC_BASE and SVR let the APIC accept interrupts?  Senders ask without a lock. */
static inline bool axv_lapic_is_enabled(struct axv_lapic *lapic)
{
	return axv_lapic_is_on(lapic) &&
	       (READ_ONCE(*axv_lapic_reg(lapic, APIC_SPIV)) & APIC_SPIV_APIC_ENABLED);
}

static inline bool axv_lapic_is_x2apic(const struct axv_lapic *lapic)
{
	return READ_ONCE(lapic->base) & X2APIC_ENABLE;
}

/**
 * axv_lapic_has() - is a guest physical address the APIC's?
 * @x:		vCPU whose claim the caller holds
 * @gpa:	address
 *
 * In x2APIC mode the APIC has no page.
 */
static __always_inline bool axv_lapic_has(const struct axv_x86_vcpu *x, u64 gpa)
{
	return unlikely(x->lapic) && (gpa & PAGE_MASK) == AXV_LAPIC_PAGE &&
	       (x->lapic->base & (MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE)) ==
	       MSR_IA32_APICBASE_ENABLE;
}

/* Is an MSR in the x2APIC's range? (SDM, "x2APIC Register Address Space") */
static inline bool axv_lapic_is_x2apic_msr(u32 msr)
{
	return (msr & ~0xffu) == APIC_BASE_MSR;
}

/**
 * axv_lapic_latched() - does an INIT or a SIPI wait to be taken?
 * @x:		any vCPU
 */
static __always_inline bool axv_lapic_latched(const struct axv_x86_vcpu *x)
{
	return x->lapic && atomic_read(&x->lapic->latched);
}

/* lapic_local.c */
void axv_lapic_local(struct axv_lapic *lapic, unsigned int lvt);
void axv_lapic_error(struct axv_lapic *lapic, unsigned int bit);
void axv_lapic_tell_errors(struct axv_lapic *lapic);

/* lapic.c */
int axv_lapic_init(struct axv_x86_vcpu *x);
void axv_lapic_destroy(struct axv_x86_vcpu *x);
void axv_lapic_reset(struct axv_x86_vcpu *x);
void axv_lapic_reset_regs(struct axv_lapic *lapic);
bool axv_lapic_ends_level(const struct axv_x86_vcpu *x);
enum axv_next axv_lapic_ended(struct axv_x86_vcpu *x, int vector, unsigned int len);
int axv_lapic_pending(struct axv_x86_vcpu *x);
void axv_lapic_take(struct axv_x86_vcpu *x, u8 vector);
bool axv_lapic_put_back(struct axv_x86_vcpu *x, u8 vector);
bool axv_lapic_pic_open(const struct axv_x86_vcpu *x);
u32 axv_lapic_writable(const struct axv_x86_vcpu *x, unsigned int offset);
u64 axv_lapic_mmio_read(struct axv_x86_vcpu *x, unsigned int offset, unsigned int width);
int axv_lapic_mmio_write(struct axv_x86_vcpu *x, unsigned int offset, unsigned int width,
			 u64 value);
int axv_lapic_rdmsr(struct axv_x86_vcpu *x, u32 msr, u64 *value);
int axv_lapic_wrmsr(struct axv_x86_vcpu *x, u32 msr, u64 value, int *ended);
int axv_lapic_set_base(struct axv_x86_vcpu *x, u64 value, bool host);

/* lapic_regs.c */
int axv_lapic_list(struct axv_x86_vcpu *x, unsigned int index, u64 *reg);
int axv_lapic_get_reg(struct axv_x86_vcpu *x, u64 index, u64 *value);
int axv_lapic_set_reg(struct axv_x86_vcpu *x, u64 index, u64 value);
u64 axv_lapic_get_event_reg(const struct axv_x86_vcpu *x, u64 index);
int axv_lapic_set_event_reg(struct axv_x86_vcpu *x, u64 index, u64 value);

/* lapic_ipi.c */
bool axv_lapic_ipi_is_wide(u64 icr);
u32 axv_lapic_logical_id(const struct axv_x86_vcpu *x);
void axv_lapic_ipi(struct axv_x86_vcpu *x, u32 icr, u32 dest);
int axv_x86_msi(struct axv_vm *vm, const struct axv_inject *event);
int axv_x86_route(const struct axv_vm *vm, const struct axv_route *route,
		  struct axv_inject *event);

/* lapic_timer.c */
void axv_lapic_timer_init(struct axv_lapic *lapic);
void axv_lapic_timer_stop(struct axv_lapic *lapic);
void axv_lapic_timer_take(struct axv_lapic *lapic);
void axv_lapic_timer_set_mode(struct axv_lapic *lapic, u32 lvtt);
void axv_lapic_timer_set_count(struct axv_lapic *lapic, u32 count);
void axv_lapic_timer_set_divide(struct axv_lapic *lapic, u32 tdcr);
void axv_lapic_timer_go_on(struct axv_lapic *lapic, u32 count);
u32 axv_lapic_timer_count(struct axv_lapic *lapic);
u32 axv_lapic_timer_read_count(struct axv_lapic *lapic);
ktime_t axv_lapic_timer_settle(struct axv_lapic *lapic);
bool axv_lapic_timer_ticked(struct axv_lapic *lapic);
u64 axv_lapic_timer_deadline(struct axv_lapic *lapic);
void axv_lapic_timer_set_deadline(struct axv_lapic *lapic, u64 deadline);
void axv_lapic_timer_put_deadline(struct axv_lapic *lapic, u64 deadline);
void axv_lapic_timer_put_tick(struct axv_lapic *lapic, bool ticked);
void axv_lapic_timer_move(struct axv_lapic *lapic);
void axv_lapic_timer_clock_changed(struct axv_lapic *lapic);
void axv_lapic_set_counter(struct axv_vm *vm, u64 value);

#endif /* _AXVCPU_X86_LAPIC_H */
