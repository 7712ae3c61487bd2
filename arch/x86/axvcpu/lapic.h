/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The local APIC of a vCPU, with irqchip LAPIC (Intel SDM vol. 3A, "Advanced
 * Programmable Interrupt Controller (APIC)"; AMD APM vol. 2, chapter 16).
 *
 * Others send: they set a bit of @incoming, or latch an INIT, SIPI or error, and ask
 * for AXV_REQ_EVENT.  All else belongs to the holder of the vCPU's claim, who decides
 * what becomes of it: lapic.c.  Whom a message is for: lapic_ipi.c.
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

/* Where its page is; the guest may not move it. */
#define AXV_LAPIC_PAGE		0xfee00000ull
/* Bytes of the page that have registers. */
#define AXV_LAPIC_BYTES		0x400

#define AXV_X2APIC_EOI		(APIC_BASE_MSR + (APIC_EOI >> 4))
#define AXV_X2APIC_ICR		(APIC_BASE_MSR + (APIC_ICR >> 4))

/* Vectors that no interrupt has (SDM vol. 3A, "Valid Interrupt Vectors"). */
#define AXV_LAPIC_LEGAL		16

/* Bits of ESR: an illegal vector, or a register that is not there. */
#define AXV_ESR_SENT		5
#define AXV_ESR_RECEIVED	6
#define AXV_ESR_REGISTER	7

/* Bits of &axv_lapic.latched; a SIPI's vector is above. */
#define AXV_LATCHED_INIT	BIT(0)
#define AXV_LATCHED_SIPI	BIT(1)
#define AXV_LATCHED_VECTOR	8

/**
 * struct axv_lapic_timer - the APIC's timer
 * @hrtimer:	runs while the timer does
 * @lock:	guards @deadline and the start of @hrtimer against a change of the VM's
 *		clock.  Raw; nothing is taken inside.  Nobody waits for @hrtimer under it.
 * @deadline:	TSC deadline, in the guest's TSC; 0: none.  Written under @lock by the
 *		holder of the claim.
 * @cpu:	host CPU on which @hrtimer was started last
 * @expiry:	one-shot and periodic: when the count reaches 0
 * @period:	likewise, in ns; 0: it does not run
 * @tick:	it has expired, and the interrupt is not in IRR yet.  Set by the callback,
 *		cleared by the holder of the claim.
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
 * @incoming:	interrupts that were sent, by vector.  Set by anyone, lock-free; taken
 *		by the holder of the claim.
 * @level:	those of them that are level-triggered; written before @incoming
 * @direct:	those that came by AXV_INJECT, and not by a route, since the vector ended
 *		last, or were restored: the VMM hears of the end
 * @latched:	AXV_LATCHED_*, likewise
 * @errors:	bits for ESR, since the guest wrote it last; likewise
 * @base:	IA32_APIC_BASE.  Senders read the mode without a lock.
 * @regs:	as the page has them, by offset / 4.  Senders read LDR, DFR and SVR.
 * @used:	words of ISR, and of IRR, that are not 0: a bit each.  Exact, and plain as
 *		the words are: only the holder of the claim touches either.
 * @wait_sipi:	it waits for a SIPI
 * @errors_told: those of @errors of which LVT error has told
 * @timer:	its timer
 * @x:		whose it is
 * @rcu:	frees it after those who send
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

/* Where &axv_lapic.used has APIC_ISR or APIC_IRR. */
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

/* These two: @bank is APIC_ISR or APIC_IRR. */
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

/* By IA32_APIC_BASE and by SVR: does it accept interrupts?  Senders ask, too. */
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
 * In x2APIC mode it has no page.
 */
static __always_inline bool axv_lapic_has(const struct axv_x86_vcpu *x, u64 gpa)
{
	return unlikely(x->lapic) && (gpa & PAGE_MASK) == AXV_LAPIC_PAGE &&
	       (x->lapic->base & (MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE)) ==
	       MSR_IA32_APICBASE_ENABLE;
}

/* What does the guest's x2APIC have MSRs for? (SDM, "x2APIC Register Address Space") */
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
