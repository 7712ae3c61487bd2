// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC: what the guest reads and writes of it, and which interrupt is next
 * (Intel SDM vol. 3A, "Local APIC", "Handling Interrupts", "Extended xAPIC (x2APIC)").
 *
 * The holder of the vCPU's claim does all of this.  When it looks for interrupts, it merges
 * what other threads have sent into IRR; if the APIC is off then, that is lost.
 *
 * TPR is in two places: its upper half is CR8, which the hardware holds.  A MOV to CR8
 * clears the lower half as well; that is noticed only if the MOV changed the upper half.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include <axvcpu/route.h>
#include <axvcpu/vm.h>

#include "events.h"
#include "exit.h"
#include "lapic.h"
#include "x86.h"

/* Version of an integrated APIC, with 6 entries in its LVT and no directed EOI. */
#define VERSION			(0x14 | 5 << 16)

#define DFR_FIXED		0x0fffffffu

/* Bits that only the hardware writes: delivery status and remote IRR. */
#define LVT_STATUS		(APIC_SEND_PENDING | APIC_LVT_REMOTE_IRR)

static const u16 lvts[] = {
	APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
};

/* The most urgent vector of a bank, or -1. */
static int highest(const struct axv_lapic *lapic, unsigned int bank)
{
	u8 used = lapic->used[axv_lapic_used(bank)];
	unsigned int i;

	if (!used)
		return -1;
	i = __fls(used);
	return 32 * i + __fls(lapic->regs[(bank + i * 0x10) / 4]);
}

/**
 * axv_lapic_reset_regs() - reset all but the mode and the ids
 * @lapic:	APIC of a vCPU whose claim the caller holds
 */
void axv_lapic_reset_regs(struct axv_lapic *lapic)
{
	unsigned int i;

	axv_lapic_timer_stop(lapic);
	/* Not memset(): senders read LDR, DFR and SVR meanwhile. */
	for (i = 0; i < ARRAY_SIZE(lapic->regs); i++)
		WRITE_ONCE(lapic->regs[i], 0);
	memset(lapic->used, 0, sizeof(lapic->used));
	WRITE_ONCE(*axv_lapic_reg(lapic, APIC_DFR), APIC_DFR_FLAT);
	WRITE_ONCE(*axv_lapic_reg(lapic, APIC_SPIV), 0xff);
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		*axv_lapic_reg(lapic, lvts[i]) = APIC_LVT_MASKED;
	for (i = 0; i < ARRAY_SIZE(lapic->incoming); i++) {
		xchg(&lapic->incoming[i], 0);
		xchg(&lapic->direct[i], 0);
	}
	xchg(&lapic->errors, 0);
	lapic->errors_told = 0;
}

/**
 * axv_lapic_init() - create the APIC of a new vCPU
 * @x:		vCPU of a VM with irqchip LAPIC
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int axv_lapic_init(struct axv_x86_vcpu *x)
{
	struct axv_lapic *lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);

	if (!lapic)
		return -ENOMEM;
	lapic->x = x;
	axv_lapic_timer_init(lapic);
	x->lapic = lapic;
	return 0;
}

/**
 * axv_lapic_destroy() - destroy the APIC of a vCPU
 * @x:		vCPU that no sender can find any more; one may have found it before
 *
 * Context: may sleep.
 */
void axv_lapic_destroy(struct axv_x86_vcpu *x)
{
	if (!x->lapic)
		return;
	axv_lapic_timer_stop(x->lapic);
	/* A sender that has found it before is in an RCU read-side section. */
	kfree_rcu(x->lapic, rcu);
}

/**
 * axv_lapic_reset() - put the APIC into the state after RESET
 * @x:		vCPU whose claim the caller holds; its events are reset already
 *
 * All vCPUs but the bootstrap processor wait for a SIPI, as if they had got their INIT.
 */
void axv_lapic_reset(struct axv_x86_vcpu *x)
{
	struct axv_lapic *lapic = x->lapic;
	u64 base = AXV_LAPIC_PAGE | MSR_IA32_APICBASE_ENABLE;

	if (axv_vcpu_is_bsp(&x->base))
		base |= MSR_IA32_APICBASE_BSP;
	WRITE_ONCE(lapic->base, base);
	atomic_set(&lapic->latched, 0);
	axv_lapic_reset_regs(lapic);
	lapic->wait_sipi = !axv_vcpu_is_bsp(&x->base);
	x->events.halted = lapic->wait_sipi;
}

static void take_incoming(struct axv_lapic *lapic)
{
	bool accept = axv_lapic_is_enabled(lapic) && !lapic->wait_sipi;
	unsigned int i, half;

	for (i = 0; i < ARRAY_SIZE(lapic->incoming); i++) {
		unsigned long new, level;

		if (likely(!READ_ONCE(lapic->incoming[i])))
			continue;
		/*
		 * xchg() is a full barrier: @level is read after @incoming.  A sender writes
		 * @level first, so this reads what the sender wrote, or something newer.
		 */
		new = xchg(&lapic->incoming[i], 0);
		level = READ_ONCE(lapic->level[i]);
		if (!accept)
			continue;
		for (half = 0; half < 2; half++) {
			unsigned int word = 2 * i + half;
			u32 *irr = axv_lapic_reg(lapic, APIC_IRR + word * 0x10);
			u32 *tmr = axv_lapic_reg(lapic, APIC_TMR + word * 0x10);
			u32 bits = new >> 32 * half;

			if (!bits)
				continue;
			axv_lapic_put_word(lapic, APIC_IRR, word, *irr | bits);
			*tmr = (*tmr & ~bits) | (bits & (u32)(level >> 32 * half));
		}
	}
}

/*
 * Four plain reads, mostly of 0.  If a sender sets a bit after them, its request, which
 * follows, makes the vCPU look again.
 */
static __always_inline void merge_incoming(struct axv_lapic *lapic)
{
	unsigned long any = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lapic->incoming); i++)
		any |= READ_ONCE(lapic->incoming[i]);
	if (unlikely(any))
		take_incoming(lapic);
}

static u32 tpr(struct axv_x86_vcpu *x)
{
	u32 *reg = axv_lapic_reg(x->lapic, APIC_TASKPRI);
	u32 cr8 = x->hw->get_cr(x, 8);

	if (*reg >> 4 != cr8)
		*reg = cr8 << 4;
	return *reg;
}

/* SDM, "Task and Processor Priorities". */
static u32 ppr(struct axv_x86_vcpu *x)
{
	int service = highest(x->lapic, APIC_ISR);
	u32 task = tpr(x);

	if (service < 0 || task >> 4 >= service >> 4)
		return task;
	return service & 0xf0;
}

/* If nothing but CR8 holds an interrupt back, the hardware reports when CR8 falls. */
static void watch_cr8(struct axv_x86_vcpu *x, u8 below)
{
	if (likely(x->cr8_below == below))
		return;
	x->cr8_below = below;
	x->hw->watch_cr8(x);
}

/**
 * axv_lapic_pending() - find the interrupt that is next
 * @x:		vCPU whose claim the caller holds
 *
 * Context: &axv_vcpu.lock.
 * Return: its vector, or -1 if there is none that the priorities let pass.
 */
int axv_lapic_pending(struct axv_x86_vcpu *x)
{
	struct axv_lapic *lapic = x->lapic;
	int request, service;

	lockdep_assert_held(&x->base.lock);
	merge_incoming(lapic);
	axv_lapic_timer_take(lapic);
	axv_lapic_tell_errors(lapic);

	request = highest(lapic, APIC_IRR);
	service = highest(lapic, APIC_ISR);
	if (request < 0 || (service >= 0 && request >> 4 <= service >> 4) ||
	    !axv_lapic_is_on(lapic) || lapic->wait_sipi) {
		watch_cr8(x, 0);
		return -1;
	}
	if (request >> 4 <= tpr(x) >> 4) {
		watch_cr8(x, request >> 4);
		return -1;
	}
	watch_cr8(x, 0);
	return request;
}

/**
 * axv_lapic_take() - the processor takes the interrupt that is next
 * @x:		vCPU whose claim the caller holds
 * @vector:	what axv_lapic_pending() returned
 */
void axv_lapic_take(struct axv_x86_vcpu *x, u8 vector)
{
	axv_lapic_clear(x->lapic, APIC_IRR, vector);
	axv_lapic_set(x->lapic, APIC_ISR, vector);
}

/**
 * axv_lapic_put_back() - undo axv_lapic_take()
 * @x:		vCPU whose claim the caller holds
 * @vector:	vector of an external interrupt whose delivery was cut short
 *
 * Return: true; false: the interrupt did not come from the APIC.
 */
bool axv_lapic_put_back(struct axv_x86_vcpu *x, u8 vector)
{
	if (!x->lapic || highest(x->lapic, APIC_ISR) != vector)
		return false;
	axv_lapic_clear(x->lapic, APIC_ISR, vector);
	axv_lapic_set(x->lapic, APIC_IRR, vector);
	return true;
}

/**
 * axv_lapic_pic_open() - does an interrupt of a PIC get through?
 * @x:		any vCPU
 *
 * It does by LINT0, if its mode is ExtINT, and where the APIC is off.
 */
bool axv_lapic_pic_open(const struct axv_x86_vcpu *x)
{
	u32 lint0;

	if (!x->lapic || !axv_lapic_is_on(x->lapic))
		return true;
	lint0 = *axv_lapic_reg(x->lapic, APIC_LVT0);
	return !(lint0 & APIC_LVT_MASKED) &&
	       (lint0 & APIC_MODE_MASK) == APIC_DM_EXTINT && !x->lapic->wait_sipi;
}

/* End the interrupt in service.  Return: its vector if it is a level's, otherwise -1. */
static int end_of_interrupt(struct axv_lapic *lapic)
{
	int vector = highest(lapic, APIC_ISR);

	if (vector < 0)
		return -1;
	axv_lapic_clear(lapic, APIC_ISR, vector);
	if (highest(lapic, APIC_IRR) >= 0)
		WRITE_ONCE(lapic->x->events.any, true);
	return axv_lapic_is_set(lapic, APIC_TMR, vector) ? vector : -1;
}

/**
 * axv_lapic_ends_level() - would an EOI now end a level-triggered interrupt?
 * @x:		vCPU whose claim the caller holds
 */
bool axv_lapic_ends_level(const struct axv_x86_vcpu *x)
{
	int vector = highest(x->lapic, APIC_ISR);

	return vector >= 0 && axv_lapic_is_set(x->lapic, APIC_TMR, vector);
}

/**
 * axv_lapic_ended() - tell the routes and the VMM that an interrupt ended
 * @x:		vCPU whose claim the caller holds, past the instruction that ended it
 * @vector:	vector of a level-triggered interrupt; -1: none of these ended
 * @len:	length of the instruction
 *
 * Context: the outer loop, unless @vector is -1.
 * Return: AXV_RESUME; AXV_EXIT if the VMM has to be told.
 */
enum axv_next axv_lapic_ended(struct axv_x86_vcpu *x, int vector, unsigned int len)
{
	struct axv_exit_eoi *eoi;
	bool direct;

	if (likely(vector < 0))
		return AXV_RESUME;
	direct = test_and_clear_bit(vector, x->lapic->direct);
	if (!axv_routes_ended(&x->base, vector) && !direct)
		return AXV_RESUME;
	eoi = &axv_x86_exit(x, AXV_EXIT_EOI, len)->exit.eoi;
	eoi->vector = vector;
	eoi->pad = 0;
	return AXV_EXIT;
}

static bool is_bank(unsigned int offset)
{
	return offset >= APIC_ISR && offset < APIC_ESR;
}

/* Registers that read as they were written. */
static bool is_plain(unsigned int offset)
{
	switch (offset) {
	case APIC_LDR:
	case APIC_DFR:
	case APIC_SPIV:
	case APIC_ESR:
	case APIC_ICR:
	case APIC_ICR2:
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVT0:
	case APIC_LVT1:
	case APIC_LVTERR:
	case APIC_TMICT:
	case APIC_TDCR:
		return true;
	}
	return false;
}

/* @offset: a multiple of 16.  Return: 0, or -ENOENT: there is no such register. */
static int read_reg(struct axv_x86_vcpu *x, unsigned int offset, u32 *value)
{
	struct axv_lapic *lapic = x->lapic;
	bool x2apic = axv_lapic_is_x2apic(lapic);
	u32 id = x->base.hw_id;

	if (is_bank(offset)) {
		merge_incoming(lapic);
		axv_lapic_tell_errors(lapic);
		*value = *axv_lapic_reg(lapic, offset);
		return 0;
	}
	switch (offset) {
	case APIC_ID:
		*value = x2apic ? id : id << 24;
		return 0;
	case APIC_LVR:
		*value = VERSION;
		return 0;
	case APIC_TASKPRI:
		*value = tpr(x);
		return 0;
	case APIC_PROCPRI:
		*value = ppr(x);
		return 0;
	case APIC_TMCCT:
		*value = axv_lapic_timer_read_count(lapic);
		return 0;
	case APIC_LDR:
		*value = x2apic ? axv_lapic_logical_id(x) : *axv_lapic_reg(lapic, offset);
		return 0;
	}
	if (!is_plain(offset))
		return -ENOENT;
	*value = *axv_lapic_reg(lapic, offset);
	return 0;
}

/**
 * axv_lapic_writable() - bits of a register that may be set
 * @x:		vCPU with an APIC
 * @offset:	offset of the register in the page
 *
 * The other bits are reserved, in xAPIC and x2APIC mode alike.
 */
u32 axv_lapic_writable(const struct axv_x86_vcpu *x, unsigned int offset)
{
	switch (offset) {
	case APIC_TASKPRI:
	case APIC_SELF_IPI:
		return 0xff;
	case APIC_LDR:
		return APIC_LDR_MASK;
	case APIC_DFR:
		return ~DFR_FIXED;
	case APIC_SPIV:
		return APIC_VECTOR_MASK | APIC_SPIV_APIC_ENABLED |
		       APIC_SPIV_FOCUS_DISABLED;
	case APIC_ICR:
		return APIC_VECTOR_MASK | APIC_MODE_MASK | APIC_DEST_LOGICAL |
		       APIC_ICR_BUSY | APIC_INT_ASSERT | APIC_INT_LEVELTRIG |
		       APIC_DEST_ALLBUT;
	case APIC_ICR2:
		return 0xff000000;
	case APIC_LVTT:
		return APIC_VECTOR_MASK | APIC_SEND_PENDING | APIC_LVT_MASKED |
		       APIC_LVT_TIMER_PERIODIC |
		       (x->caps.tsc_deadline ? APIC_LVT_TIMER_TSCDEADLINE : 0);
	case APIC_LVTTHMR:
	case APIC_LVTPC:
		return APIC_VECTOR_MASK | APIC_MODE_MASK | APIC_SEND_PENDING |
		       APIC_LVT_MASKED;
	case APIC_LVT0:
	case APIC_LVT1:
		return APIC_VECTOR_MASK | APIC_MODE_MASK | LVT_STATUS |
		       APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER | APIC_LVT_MASKED;
	case APIC_LVTERR:
		return APIC_VECTOR_MASK | APIC_SEND_PENDING | APIC_LVT_MASKED;
	case APIC_TMICT:
		return ~0u;
	case APIC_TDCR:
		return 0xb;
	}
	return 0;
}

static void write_lvt(struct axv_lapic *lapic, unsigned int offset, u32 value)
{
	value &= ~LVT_STATUS;
	/*
	 * While software has the APIC disabled, all LVT entries are masked (SDM, "Local APIC
	 * State After It Has Been Software Disabled").
	 */
	if (!(*axv_lapic_reg(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED))
		value |= APIC_LVT_MASKED;
	if (offset == APIC_LVTT)
		axv_lapic_timer_set_mode(lapic, value);
	else
		*axv_lapic_reg(lapic, offset) = value;
	/* LINT0 may let a PIC's interrupt through now. */
	WRITE_ONCE(lapic->x->events.any, true);
}

static void write_spiv(struct axv_lapic *lapic, u32 value)
{
	unsigned int i;

	/* The old value decides whether what was sent before is accepted or lost. */
	merge_incoming(lapic);
	axv_lapic_timer_settle(lapic);
	WRITE_ONCE(*axv_lapic_reg(lapic, APIC_SPIV), value);
	if (value & APIC_SPIV_APIC_ENABLED)
		return;
	for (i = 0; i < ARRAY_SIZE(lvts); i++)
		*axv_lapic_reg(lapic, lvts[i]) |= APIC_LVT_MASKED;
}

/* The errors since the last write become visible. */
static void write_esr(struct axv_lapic *lapic)
{
	*axv_lapic_reg(lapic, APIC_ESR) = xchg(&lapic->errors, 0);
	lapic->errors_told = 0;
}

/*
 * @offset: a multiple of 16.  @value: without reserved bits.  *@ended: the vector of a
 * level-triggered interrupt that ended; unchanged if none did.
 */
static void write_reg(struct axv_x86_vcpu *x, unsigned int offset, u32 value, u32 dest,
		      int *ended)
{
	struct axv_lapic *lapic = x->lapic;

	switch (offset) {
	case APIC_TASKPRI:
		*axv_lapic_reg(lapic, offset) = value;
		x->hw->set_cr(x, 8, value >> 4);
		WRITE_ONCE(x->events.any, true);
		break;
	case APIC_EOI:
		*ended = end_of_interrupt(lapic);
		break;
	case APIC_LDR:
		WRITE_ONCE(*axv_lapic_reg(lapic, offset), value);
		break;
	case APIC_DFR:
		WRITE_ONCE(*axv_lapic_reg(lapic, offset), value | DFR_FIXED);
		break;
	case APIC_SPIV:
		write_spiv(lapic, value);
		break;
	case APIC_ESR:
		write_esr(lapic);
		break;
	case APIC_ICR:
		*axv_lapic_reg(lapic, offset) = value & ~APIC_ICR_BUSY;
		axv_lapic_ipi(x, value, dest);
		break;
	case APIC_ICR2:
		*axv_lapic_reg(lapic, offset) = value;
		break;
	case APIC_SELF_IPI:
		axv_lapic_ipi(x, value | APIC_DEST_SELF, 0);
		break;
	case APIC_TMICT:
		axv_lapic_timer_set_count(lapic, value);
		break;
	case APIC_TDCR:
		axv_lapic_timer_set_divide(lapic, value);
		break;
	default:
		write_lvt(lapic, offset, value);
		break;
	}
}

/* Registers of the page that can be written. */
static bool is_written(unsigned int offset)
{
	switch (offset) {
	case APIC_TASKPRI:
	case APIC_EOI:
	case APIC_ICR2:
	case APIC_LDR:
	case APIC_DFR:
		return true;
	}
	return is_plain(offset);
}

static void illegal_register(struct axv_lapic *lapic)
{
	axv_lapic_error(lapic, AXV_ESR_REGISTER);
}

/**
 * axv_lapic_mmio_read() - the guest reads from the APIC's page
 * @x:		vCPU whose claim the caller holds
 * @offset:	offset in the page
 * @width:	bytes
 *
 * A register has the first four of 16 bytes; the others read as 0.  What happens at an
 * access that is not to an aligned word differs between processors (SDM, "The Local APIC
 * Block Diagram").
 */
u64 axv_lapic_mmio_read(struct axv_x86_vcpu *x, unsigned int offset, unsigned int width)
{
	unsigned int start = offset & 0xf;
	u32 value;

	if (start >= 4)
		return 0;
	switch (offset & ~0xf) {
	case APIC_ARBPRI:
	case APIC_EOI:
	case APIC_RRR:
		return 0;
	}
	if (read_reg(x, offset & ~0xf, &value)) {
		illegal_register(x->lapic);
		return 0;
	}
	return axv_x86_mask(value >> 8 * start, width);
}

/**
 * axv_lapic_mmio_write() - the guest writes to the APIC's page
 * @x:		vCPU whose claim the caller holds
 * @offset:	offset in the page
 * @width:	bytes
 * @value:	what the guest writes
 *
 * A write that is not to an aligned word has no effect.  Reserved bits are ignored, and
 * so are writes to registers that can only be read.
 *
 * Return: the vector of a level-triggered interrupt that ended; -1: there is none.
 */
int axv_lapic_mmio_write(struct axv_x86_vcpu *x, unsigned int offset, unsigned int width,
			 u64 value)
{
	u32 ignored, dest = *axv_lapic_reg(x->lapic, APIC_ICR2) >> 24;
	int ended = -1;

	if (width != 4 || (offset & 0xf))
		return -1;
	if (is_written(offset))
		write_reg(x, offset, value & axv_lapic_writable(x, offset), dest, &ended);
	else if (offset != APIC_ID && read_reg(x, offset, &ignored))
		illegal_register(x->lapic);
	return ended;
}

/**
 * axv_lapic_rdmsr() - the guest reads an MSR of the x2APIC
 * @x:		vCPU whose claim the caller holds
 * @msr:	MSR in the range of axv_lapic_is_x2apic_msr()
 * @value:	out: its value
 *
 * Return: 0, or -ENOENT: #GP.
 */
int axv_lapic_rdmsr(struct axv_x86_vcpu *x, u32 msr, u64 *value)
{
	unsigned int offset = (msr - APIC_BASE_MSR) << 4;
	u32 low;

	if (!axv_lapic_is_x2apic(x->lapic) || offset == APIC_DFR || offset == APIC_ICR2 ||
	    read_reg(x, offset, &low))
		return -ENOENT;
	*value = low;
	if (offset == APIC_ICR)
		*value |= (u64)*axv_lapic_reg(x->lapic, APIC_ICR2) << 32;
	return 0;
}

/**
 * axv_lapic_wrmsr() - the guest writes an MSR of the x2APIC
 * @x:		vCPU whose claim the caller holds
 * @msr:	MSR in the range of axv_lapic_is_x2apic_msr()
 * @value:	what the guest writes
 * @ended:	out: the vector of a level-triggered interrupt that ended; -1: none
 *
 * Return: 0; -ENOENT or -EINVAL: #GP (SDM, "Reserved Bit Checking", table "Local APIC
 * Register Address Map Supported by x2APIC").
 */
int axv_lapic_wrmsr(struct axv_x86_vcpu *x, u32 msr, u64 value, int *ended)
{
	unsigned int offset = (msr - APIC_BASE_MSR) << 4;

	*ended = -1;
	if (!axv_lapic_is_x2apic(x->lapic) || offset == APIC_DFR || offset == APIC_ICR2 ||
	    offset == APIC_LDR ||
	    !(is_written(offset) || offset == APIC_SELF_IPI))
		return -ENOENT;
	if (offset == APIC_ICR) {
		if ((u32)value & ~axv_lapic_writable(x, offset))
			return -EINVAL;
		*axv_lapic_reg(x->lapic, APIC_ICR2) = value >> 32;
	} else if (value & ~(u64)axv_lapic_writable(x, offset)) {
		return -EINVAL;
	}
	write_reg(x, offset, value, value >> 32, ended);
	return 0;
}

/* May the guest go from one mode to another?  (SDM, "x2APIC State Transitions") */
static bool may_become(u64 old, u64 new)
{
	u64 modes = MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE;

	old &= modes;
	new &= modes;
	if (old == modes)
		return new != MSR_IA32_APICBASE_ENABLE;
	return old || new != modes;
}

/**
 * axv_lapic_set_base() - write IA32_APIC_BASE
 * @x:		vCPU whose claim the caller holds
 * @value:	its new value
 * @host:	the VMM writes: any legal mode may follow any other
 *
 * An APIC that is switched off forgets all but its id.
 *
 * Return: 0; -EINVAL: reserved bits, another address, a mode that there is not, or one
 * that the guest cannot reach from the present mode.
 */
int axv_lapic_set_base(struct axv_x86_vcpu *x, u64 value, bool host)
{
	struct axv_lapic *lapic = x->lapic;
	bool on = value & MSR_IA32_APICBASE_ENABLE, x2apic = value & X2APIC_ENABLE;

	if ((value & ~(u64)(MSR_IA32_APICBASE_BSP | X2APIC_ENABLE |
			    MSR_IA32_APICBASE_ENABLE)) != AXV_LAPIC_PAGE)
		return -EINVAL;
	if (x2apic && (!on || !x->caps.x2apic))
		return -EINVAL;
	if (!host && !may_become(lapic->base, value))
		return -EINVAL;
	if (!on && axv_lapic_is_on(lapic)) {
		axv_lapic_reset_regs(lapic);
		x->hw->set_cr(x, 8, 0);
	}
	WRITE_ONCE(lapic->base, value);
	WRITE_ONCE(x->events.any, true);
	return 0;
}
