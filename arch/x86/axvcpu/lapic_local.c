// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts that a local APIC raises itself, by the entries of its LVT (Intel SDM vol. 3A,
 * "Local Vector Table", "Error Handling").
 */
#include <linux/bitops.h>
#include <asm/apicdef.h>

#include "lapic.h"

/**
 * axv_lapic_local() - raise an interrupt of the APIC's own
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @lvt:	its entry in the LVT: timer or error
 */
void axv_lapic_local(struct axv_lapic *lapic, unsigned int lvt)
{
	u32 entry = *axv_lapic_reg(lapic, lvt);
	u8 vector = entry & APIC_VECTOR_MASK;

	if ((entry & APIC_LVT_MASKED) || !axv_lapic_is_enabled(lapic))
		return;
	if (vector < AXV_LAPIC_LEGAL) {
		set_bit(AXV_ESR_RECEIVED, &lapic->errors);
		return;
	}
	axv_lapic_set(lapic, APIC_IRR, vector);
	*axv_lapic_word(lapic, APIC_TMR, vector) &= ~BIT(vector % 32);
	WRITE_ONCE(lapic->x->events.any, true);
}

/**
 * axv_lapic_tell_errors() - raise the error interrupt, if there are new errors
 * @lapic:	APIC of a vCPU whose claim the caller holds
 */
void axv_lapic_tell_errors(struct axv_lapic *lapic)
{
	unsigned long errors = READ_ONCE(lapic->errors);

	if (likely(!(errors & ~lapic->errors_told)))
		return;
	lapic->errors_told = errors;
	axv_lapic_local(lapic, APIC_LVTERR);
}

/**
 * axv_lapic_error() - note an error that the guest made
 * @lapic:	APIC of a vCPU whose claim the caller holds
 * @bit:	AXV_ESR_*
 */
void axv_lapic_error(struct axv_lapic *lapic, unsigned int bit)
{
	set_bit(bit, &lapic->errors);
	axv_lapic_tell_errors(lapic);
}
