// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The local APIC of the module as KVM_GET_LAPIC has it: its page, 32 bits of each register.
 */
#include <errno.h>
#include <string.h>

#include "apic.h"
#include "debug.h"
#include "vcpu.h"

#define BANK_WORDS	24		/* ISR, TMR and IRR */

/* Version 0x14, six LVT entries: as the module's. */
#define VERSION		0x50014u

/*
 * The registers that are set after ISR, TMR and IRR, in this order.  The mask has the bits
 * that the module lets be set; KVM ignores the others.
 */
static const struct {
	__u16 offset;
	__u32 mask;
} singles[] = {
	{ APIC_TPR, 0xff },
	{ APIC_LDR, 0xff000000 },
	{ APIC_DFR, ~0u },
	{ APIC_SVR, 0x3ff },
	{ APIC_ESR, 0xff },
	{ APIC_ICR, ~0u },
	{ APIC_LVT_TIMER, 0x710ff },
	{ APIC_LVT_THERMAL, 0x117ff },
	{ APIC_LVT_PERF, 0x117ff },
	{ APIC_LVT_LINT0, 0x1f7ff },
	{ APIC_LVT_LINT1, 0x1f7ff },
	{ APIC_LVT_ERROR, 0x110ff },
	{ APIC_TIMER_DIVIDE, 0xb },
	{ APIC_TIMER_INITIAL, ~0u },
	{ APIC_TIMER_CURRENT, ~0u },
};

#define NR_SINGLES	(sizeof(singles) / sizeof(singles[0]))
#define NR_LAPIC	(BANK_WORDS + NR_SINGLES)

static __u16 offset_of(unsigned int i)
{
	return i < BANK_WORDS ? APIC_ISR + 0x10 * i : singles[i - BANK_WORDS].offset;
}

static __u32 word(const struct kvm_lapic_state *state, unsigned int offset)
{
	__u32 value;

	memcpy(&value, &state->regs[offset], sizeof(value));
	return value;
}

static void set_word(struct kvm_lapic_state *state, unsigned int offset, __u32 value)
{
	memcpy(&state->regs[offset], &value, sizeof(value));
}

int lapic_get(struct vcpu *v, struct kvm_lapic_state *state)
{
	struct axv_reg r[NR_LAPIC] = {};
	unsigned int i;

	if (!v->vm->lapic)
		return -EINVAL;
	for (i = 0; i < NR_LAPIC; i++)
		r[i].id = AXV_REG_X86(LAPIC, offset_of(i));
	if (axv_vcpu_get_regs(v->axv, r, NR_LAPIC)) {
		debug("%s", axv_error());
		return -EIO;
	}
	memset(state, 0, sizeof(*state));
	for (i = 0; i < NR_LAPIC; i++)
		set_word(state, offset_of(i), r[i].value);
	/* The module's ICR has 64 bits, KVM's is two registers. */
	for (i = BANK_WORDS; i < NR_LAPIC; i++) {
		if (offset_of(i) == APIC_ICR)
			set_word(state, APIC_ICR_HIGH, r[i].value >> 32);
	}
	/* KVM_CAP_X2APIC_API is not offered, so the id is in the upper byte in x2APIC mode, too. */
	set_word(state, APIC_ID, axv_vcpu_id(v->axv) << 24);
	set_word(state, APIC_VERSION, VERSION);
	return 0;
}

/*
 * The count from which the timer goes on.  VMMs that save a state have it in the page; QEMU
 * leaves it 0, and KVM begins a periodic timer's period anew then.
 */
static __u32 timer_now(const struct kvm_lapic_state *state)
{
	__u32 now = word(state, APIC_TIMER_CURRENT);

	return !now && word(state, APIC_LVT_TIMER) & LVT_PERIODIC ?
	       word(state, APIC_TIMER_INITIAL) : now;
}

static __u64 value_to_set(const struct kvm_lapic_state *state, unsigned int i)
{
	__u16 offset = offset_of(i);

	if (i < BANK_WORDS)
		return word(state, offset);
	switch (offset) {
	case APIC_ICR:
		return word(state, APIC_ICR) | (__u64)word(state, APIC_ICR_HIGH) << 32;
	case APIC_DFR:
		return word(state, APIC_DFR) | 0x0fffffff;
	case APIC_TIMER_CURRENT:
		return timer_now(state);
	default:
		return word(state, offset) & singles[i - BANK_WORDS].mask;
	}
}

int lapic_set(struct vcpu *v, const struct kvm_lapic_state *state)
{
	struct axv_reg r[NR_LAPIC] = {};
	unsigned int i, n = 0;
	int err;

	if (!v->vm->lapic)
		return -EINVAL;
	err = lapic_read_base(v);
	if (err)
		return err;
	for (i = 0; i < NR_LAPIC; i++) {
		/* In x2APIC mode LDR follows from the id, whatever the VMM has there. */
		if (offset_of(i) == APIC_LDR && v->apic_base & APIC_BASE_X2APIC)
			continue;
		r[n].id = AXV_REG_X86(LAPIC, offset_of(i));
		r[n++].value = value_to_set(state, i);
	}
	if (!axv_vcpu_set_regs(v->axv, r, n))
		return 0;
	for (i = 0; i < n; i++) {
		if (r[i].status)
			debug("local APIC: register %#llx cannot be %#llx",
			      AXV_REG_INDEX(r[i].id), r[i].value);
	}
	return -EINVAL;
}

int lapic_read_base(struct vcpu *v)
{
	__u64 base;

	if (!v->vm->lapic)
		return 0;
	if (axv_vcpu_get_reg(v->axv, AXV_REG_X86(MSR, MSR_APIC_BASE), &base)) {
		debug("%s", axv_error());
		return -EIO;
	}
	v->apic_base = base;
	return 0;
}

int lapic_set_base(struct vcpu *v, uint64_t base)
{
	if (v->vm->lapic &&
	    axv_vcpu_set_reg(v->axv, AXV_REG_X86(MSR, MSR_APIC_BASE), base)) {
		debug("%s", axv_error());
		return -EINVAL;
	}
	v->apic_base = base;
	return 0;
}
