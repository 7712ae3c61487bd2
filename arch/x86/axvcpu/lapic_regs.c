// SPDX-License-Identifier: GPL-2.0
/*
 * The state of a local APIC as registers, for a VMM that saves and restores it.
 *
 * Unlike the guest's own accesses, reading and writing them here sends no interrupt and
 * ends none.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <asm/apicdef.h>

#include "lapic.h"

/*
 * In the order in which a VMM sets them: what the timer needs comes before its count and
 * its deadline.
 */
static const u16 singles[] = {
	APIC_TASKPRI, APIC_LDR, APIC_DFR, APIC_SPIV, APIC_ESR, APIC_ICR,
	APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
	APIC_TDCR, APIC_TMICT, APIC_TMCCT,
	AXV_X86_LAPIC_DEADLINE, AXV_X86_LAPIC_TICK, AXV_X86_LAPIC_ERRORS,
};

/* ISR, TMR and IRR, of 8 words each. */
#define BANK_WORDS	24

/* No register has this index, or a higher one. */
#define PAST_LAST	(AXV_X86_LAPIC_ERRORS + 1)

/* AXV_X86_EVENT_SIPI: a SIPI is latched. */
#define SIPI_VALID	BIT_ULL(8)

static bool is_bank(u64 index)
{
	return index >= APIC_ISR && index < APIC_ESR && !(index & 0xf);
}

/**
 * axv_lapic_list() - list the registers of a local APIC
 * @x:		any vCPU
 * @index:	from 0
 * @reg:	out: index in class LAPIC
 *
 * Return: 0, or -ENOENT past the last one.
 */
int axv_lapic_list(struct axv_x86_vcpu *x, unsigned int index, u64 *reg)
{
	if (!x->lapic || index >= BANK_WORDS + ARRAY_SIZE(singles))
		return -ENOENT;
	if (index < BANK_WORDS)
		*reg = APIC_ISR + index * 0x10;
	else
		*reg = singles[index - BANK_WORDS];
	return 0;
}

static bool exists(u64 index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(singles); i++)
		if (singles[i] == index)
			return true;
	return is_bank(index);
}

/**
 * axv_lapic_get_reg() - read a register of class LAPIC
 * @x:		vCPU whose claim the caller holds
 * @index:	index in the class
 * @value:	out: its value
 *
 * Return: 0 or -ENOENT.
 */
int axv_lapic_get_reg(struct axv_x86_vcpu *x, u64 index, u64 *value)
{
	struct axv_lapic *lapic = x->lapic;

	if (!lapic || !exists(index))
		return -ENOENT;
	index = array_index_nospec(index, PAST_LAST);
	switch (index) {
	case APIC_ICR:
		*value = *axv_lapic_reg(lapic, APIC_ICR) |
			 (u64)*axv_lapic_reg(lapic, APIC_ICR2) << 32;
		return 0;
	case AXV_X86_LAPIC_DEADLINE:
		*value = axv_lapic_timer_deadline(lapic);
		return 0;
	case AXV_X86_LAPIC_TICK:
		*value = axv_lapic_timer_ticked(lapic);
		return 0;
	case AXV_X86_LAPIC_ERRORS:
		*value = READ_ONCE(lapic->errors);
		return 0;
	case APIC_ESR:
		*value = *axv_lapic_reg(lapic, APIC_ESR);
		return 0;
	case APIC_TMCCT:
		/* Unlike a guest's read, this does not raise the timer's interrupt. */
		*value = axv_lapic_timer_count(lapic);
		return 0;
	}
	*value = axv_lapic_mmio_read(x, index, 4);
	return 0;
}

/* Can a register have this value? */
static bool is_valid(struct axv_x86_vcpu *x, u64 index, u64 value)
{
	if (is_bank(index))
		return !(value >> 32) &&
		       ((index & 0x70) || !(value & (BIT(AXV_LAPIC_LEGAL) - 1)));
	switch (index) {
	case APIC_LDR:
		if (axv_lapic_is_x2apic(x->lapic))
			return value == axv_lapic_logical_id(x);
		break;
	case APIC_DFR:
		return !(~value & 0x0fffffff) && !(value >> 32);
	case APIC_ICR:
		return !((u32)value & ~axv_lapic_writable(x, index));
	case APIC_ESR:
	case AXV_X86_LAPIC_ERRORS:
		return !(value & ~0xffull);
	case APIC_TMCCT:
		return !(value >> 32);
	case AXV_X86_LAPIC_TICK:
		return value <= 1;
	case AXV_X86_LAPIC_DEADLINE:
		return !value || x->caps.tsc_deadline;
	}
	return !(value & ~(u64)axv_lapic_writable(x, index));
}

/**
 * axv_lapic_set_reg() - write a register of class LAPIC
 * @x:		vCPU whose claim the caller holds
 * @index:	index in the class
 * @value:	its new value
 *
 * Return: 0, -ENOENT, or -EINVAL for a value that the register cannot have.
 */
int axv_lapic_set_reg(struct axv_x86_vcpu *x, u64 index, u64 value)
{
	struct axv_lapic *lapic = x->lapic;
	unsigned long bits = value;
	unsigned int bit;

	if (!lapic || !exists(index))
		return -ENOENT;
	index = array_index_nospec(index, PAST_LAST);
	if (!is_valid(x, index, value))
		return -EINVAL;
	WRITE_ONCE(x->events.any, true);
	switch (index) {
	case APIC_TASKPRI:
		*axv_lapic_reg(lapic, APIC_TASKPRI) = value;
		x->hw->set_cr(x, 8, value >> 4);
		return 0;
	case APIC_ICR:
		*axv_lapic_reg(lapic, APIC_ICR) = value & ~APIC_ICR_BUSY;
		*axv_lapic_reg(lapic, APIC_ICR2) = value >> 32;
		return 0;
	case APIC_LVTT:
	case APIC_TDCR:
	case APIC_TMICT:
		/* Otherwise a tick of the old timer becomes an interrupt in the new IRR. */
		axv_lapic_timer_stop(lapic);
		*axv_lapic_reg(lapic, index) = value;
		return 0;
	case APIC_TMCCT:
		axv_lapic_timer_go_on(lapic, value);
		return 0;
	case AXV_X86_LAPIC_DEADLINE:
		axv_lapic_timer_put_deadline(lapic, value);
		return 0;
	case AXV_X86_LAPIC_TICK:
		axv_lapic_timer_put_tick(lapic, value);
		return 0;
	case AXV_X86_LAPIC_ERRORS:
		WRITE_ONCE(lapic->errors, value);
		/* The error interrupt for these has been raised already; IRR has it. */
		lapic->errors_told = value;
		return 0;
	}
	/* The sender of a restored level is not known, so the VMM is told of its end. */
	if (index >= APIC_TMR && index < APIC_IRR)
		for_each_set_bit(bit, &bits, 32)
			set_bit((index - APIC_TMR) * 2 + bit, lapic->direct);
	if (index >= APIC_ISR && index < APIC_TMR)
		axv_lapic_put_word(lapic, APIC_ISR, (index - APIC_ISR) / 0x10, value);
	else if (index >= APIC_IRR && index < APIC_ESR)
		axv_lapic_put_word(lapic, APIC_IRR, (index - APIC_IRR) / 0x10, value);
	else
		WRITE_ONCE(*axv_lapic_reg(lapic, index), value);
	return 0;
}

/**
 * axv_lapic_get_event_reg() - read WAIT_SIPI, INIT or SIPI of class EVENT
 * @x:		vCPU whose claim the caller holds
 * @index:	which
 *
 * Return: its value, 0 without an APIC.
 */
u64 axv_lapic_get_event_reg(const struct axv_x86_vcpu *x, u64 index)
{
	u32 latched;

	if (!x->lapic)
		return 0;
	latched = atomic_read(&x->lapic->latched);
	switch (index) {
	case AXV_X86_EVENT_WAIT_SIPI:
		return x->lapic->wait_sipi;
	case AXV_X86_EVENT_INIT:
		return !!(latched & AXV_LATCHED_INIT);
	}
	return latched & AXV_LATCHED_SIPI ? SIPI_VALID | latched >> AXV_LATCHED_VECTOR : 0;
}

/**
 * axv_lapic_set_event_reg() - write WAIT_SIPI, INIT or SIPI of class EVENT
 * @x:		vCPU whose claim the caller holds
 * @index:	which
 * @value:	its new value
 *
 * Return: 0, or -EINVAL for a value that the register cannot have.
 */
int axv_lapic_set_event_reg(struct axv_x86_vcpu *x, u64 index, u64 value)
{
	struct axv_lapic *lapic = x->lapic;

	if (!lapic)
		return value ? -EINVAL : 0;
	switch (index) {
	case AXV_X86_EVENT_WAIT_SIPI:
		if (value > 1)
			return -EINVAL;
		lapic->wait_sipi = value;
		if (value)
			x->events.halted = true;
		break;
	case AXV_X86_EVENT_INIT:
		if (value > 1)
			return -EINVAL;
		atomic_andnot(AXV_LATCHED_INIT, &lapic->latched);
		atomic_or(value ? AXV_LATCHED_INIT : 0, &lapic->latched);
		break;
	default:
		if (value && (value < SIPI_VALID || value > SIPI_VALID + 0xff))
			return -EINVAL;
		atomic_and(AXV_LATCHED_INIT, &lapic->latched);
		if (value)
			atomic_or(AXV_LATCHED_SIPI | (value & 0xff) << AXV_LATCHED_VECTOR,
				  &lapic->latched);
		break;
	}
	WRITE_ONCE(x->events.any, true);
	return 0;
}
