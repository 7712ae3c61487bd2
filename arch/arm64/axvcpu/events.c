// SPDX-License-Identifier: GPL-2.0
/*
 * Events that wait to be delivered to the guest: its interrupt inputs, SErrors, and
 * synchronous exceptions that EL2 has to take to EL1 on the guest's behalf.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/lockdep.h>
#include <linux/panic.h>
#include <asm/esr.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>

#include "arm64.h"

#define ISS_MASK		GENMASK(24, 0)
#define VSESR_MASK		GENMASK(24, 0)

/* Offsets in the vector table (Arm ARM, VBAR_EL1) */
#define VECTOR_SP_EL0		0x000
#define VECTOR_SP_ELX		0x200
#define VECTOR_LOWER_64		0x400
#define VECTOR_LOWER_32		0x600

#define PSTATE_KEPT		(PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | \
				 PSR_V_BIT | PSR_DIT_BIT | PSR_PAN_BIT)

#define SCTLR_SPAN		BIT(23)
#define SCTLR_DSSBS		BIT_ULL(44)

/* Has the event only flags, and a priority, that go with its type? */
static bool is_plain(const struct axv_arm64_vcpu *v, const struct axv_inject *event)
{
	u32 flags = 0, priority = 0;

	if (event->type == AXV_INJECT_EXCEPTION) {
		flags = AXV_INJECT_HAS_ERROR_CODE;
	} else if (axv_arm64_has_gic(v)) {
		priority = U8_MAX;
		if (event->type == AXV_INJECT_EXTINT)
			flags = AXV_INJECT_RETRACT;
		else if (event->type == AXV_INJECT_WIRED)
			flags = AXV_EVENT_ROUTED;
	}
	return !(event->flags & ~flags) && event->priority <= priority;
}

/**
 * axv_arm64_inject() - queue an event
 * @vcpu:	any vCPU
 * @event:	WIRED: a level of one of the two inputs; EXCEPTION: class, syndrome
 *		and address, or an SError; or what the interrupt controller takes
 *
 * Context: under &axv_vcpu.lock, interrupts off.
 * Return: 0; -EAGAIN: an event of the kind waits already; -EINVAL; or as
 * axv_arm64_gic_inject().
 */
int axv_arm64_inject(struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	struct axv_arm64_events *events = &to_arm64(vcpu)->events;

	lockdep_assert_held(&vcpu->lock);
	if (!is_plain(to_arm64(vcpu), event))
		return -EINVAL;
	if (event->type != AXV_INJECT_EXCEPTION && axv_arm64_has_gic(to_arm64(vcpu)))
		return axv_arm64_gic_inject(to_arm64(vcpu), event);
	if (event->type == AXV_INJECT_WIRED) {
		if (event->vector > AXV_ARM64_INPUT_FIQ || event->data > 1)
			return -EINVAL;
		axv_arm64_set_line(events, event->vector == AXV_ARM64_INPUT_IRQ ? HCR_VI : HCR_VF,
				   event->data);
		return 0;
	}

	if (event->vector > ESR_ELx_EC_MAX || event->error_code & ~ISS_MASK)
		return -EINVAL;
	if (event->vector == AXV_ARM64_EC_SERROR) {
		if (events->lines & HCR_VSE)
			return -EAGAIN;
		events->serror_iss = event->error_code;
		axv_arm64_set_line(events, HCR_VSE, true);
		return 0;
	}
	if (events->exception)
		return -EAGAIN;
	events->exception = (u64)event->vector << ESR_ELx_EC_SHIFT | ESR_ELx_IL |
			    event->error_code;
	events->exception_addr = event->address;
	WRITE_ONCE(events->any, true);
	return 0;
}

/**
 * axv_arm64_has_event() - does an event end the halt of a vCPU?
 * @vcpu:	vCPU whose claim the caller holds
 *
 * It does even if PSTATE masks it (Arm ARM, WFI).  Where the VMM has the interrupt
 * controller, a rise of the timer that it has to be told ends the halt as well.
 *
 * Context: under &axv_vcpu.lock.
 */
bool axv_arm64_has_event(struct axv_vcpu *vcpu)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	const struct axv_arm64_events *events = &v->events;

	lockdep_assert_held(&vcpu->lock);
	if (events->lines || events->exception)
		return true;
	return axv_arm64_has_gic(v) ? axv_arm64_gic_has_event(v) : axv_arm64_timer_rises(v);
}

/*
 * Is an SError nothing that the guest has to know of (Arm ARM, ESR_ELx, ISS of an SError,
 * "AET"; DISR_EL1 has AET in the same place)?  An uncontained error may have spread
 * anywhere: panic, as the kernel does for an SError of its own.
 */
static bool is_harmless(u64 iss)
{
	if (!axv_arm64_host.ras || iss & ESR_ELx_IDS ||
	    (iss & ESR_ELx_FSC) != ESR_ELx_FSC_SERROR)
		return false;
	switch (iss & ESR_ELx_AET) {
	case ESR_ELx_AET_CE:
	case ESR_ELx_AET_UEO:
		return true;
	case ESR_ELx_AET_UEU:
	case ESR_ELx_AET_UER:
		return false;
	}
	panic("axvcpu: uncontained SError %#llx\n", iss);
}

/**
 * axv_arm64_serror() - give the guest a virtual SError for one that it caused
 * @v:		vCPU whose claim the caller holds
 * @iss:	its syndrome
 *
 * Context: interrupts off.
 */
void axv_arm64_serror(struct axv_arm64_vcpu *v, u64 iss)
{
	if (is_harmless(iss))
		return;
	raw_spin_lock(&v->base.lock);
	v->events.serror_iss = iss & VSESR_MASK;
	axv_arm64_set_line(&v->events, HCR_VSE, true);
	raw_spin_unlock(&v->base.lock);
}

static unsigned int vector_offset(u64 pstate)
{
	if (pstate & PSR_MODE32_BIT)
		return VECTOR_LOWER_32;
	switch (pstate & PSR_MODE_MASK) {
	case PSR_MODE_EL0t:
		return VECTOR_LOWER_64;
	case PSR_MODE_EL1t:
		return VECTOR_SP_EL0;
	default:
		return VECTOR_SP_ELX;
	}
}

/*
 * PSTATE at the vector (Arm ARM, AArch64.TakeException): the flags stay, which are in the
 * same places after AArch32 state; SCTLR_EL1 tells whether PAN and SSBS are set.
 */
static u64 pstate_at_vector(u64 pstate, u64 sctlr)
{
	u64 new = PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT;

	new |= pstate & PSTATE_KEPT;
	if (!(sctlr & SCTLR_SPAN))
		new |= PSR_PAN_BIT;
	if (sctlr & SCTLR_DSSBS)
		new |= PSR_SSBS_BIT;
	return new;
}

/**
 * axv_arm64_raise() - take a synchronous exception to EL1
 * @v:		vCPU whose system registers are not loaded
 * @esr:	its ESR_EL1
 * @far:	its FAR_EL1, if the class has one
 */
void axv_arm64_raise(struct axv_arm64_vcpu *v, u64 esr, u64 far)
{
	struct axv_arm64_gprs *regs = &v->regs;
	u64 sctlr = v->sys[AXV_SYS_SCTLR_EL1];

	v->sys[AXV_SYS_ELR_EL1] = regs->pc;
	v->sys[AXV_SYS_SPSR_EL1] = regs->pstate;
	v->sys[AXV_SYS_ESR_EL1] = esr;
	switch (ESR_ELx_EC(esr)) {
	case ESR_ELx_EC_IABT_LOW:
	case ESR_ELx_EC_IABT_CUR:
	case ESR_ELx_EC_PC_ALIGN:
	case ESR_ELx_EC_DABT_LOW:
	case ESR_ELx_EC_DABT_CUR:
	case ESR_ELx_EC_WATCHPT_LOW:
	case ESR_ELx_EC_WATCHPT_CUR:
		v->sys[AXV_SYS_FAR_EL1] = far;
		break;
	}
	regs->pc = v->sys[AXV_SYS_VBAR_EL1] + vector_offset(regs->pstate);
	regs->pstate = pstate_at_vector(regs->pstate, sctlr);
	axv_count(&v->base.stats.injections, 1);
}

/**
 * axv_arm64_undefined() - take an undefined-instruction exception to EL1
 * @v:		vCPU whose system registers are not loaded
 *
 * ESR_EL1.IL, the length of the instruction, is that of the trap (ESR_EL2.IL).
 */
void axv_arm64_undefined(struct axv_arm64_vcpu *v)
{
	axv_arm64_raise(v, (ESR_ELx_EC_UNKNOWN << ESR_ELx_EC_SHIFT) |
			   (v->last.esr & ESR_ELx_IL), 0);
}

/*
 * The class of an abort tells whether it comes from a lower exception level.  The VMM
 * that injects an abort cannot know that, so the class is set right here.
 */
static u64 from_where(u64 esr, u64 pstate)
{
	bool same = !(pstate & PSR_MODE32_BIT) &&
		    (pstate & PSR_MODE_MASK) != PSR_MODE_EL0t;

	switch (ESR_ELx_EC(esr)) {
	case ESR_ELx_EC_IABT_LOW:
	case ESR_ELx_EC_DABT_LOW:
		return same ? esr | BIT(ESR_ELx_EC_SHIFT) : esr;
	case ESR_ELx_EC_IABT_CUR:
	case ESR_ELx_EC_DABT_CUR:
		return same ? esr : esr & ~BIT(ESR_ELx_EC_SHIFT);
	}
	return esr;
}

/**
 * axv_arm64_deliver() - take the pending exception to EL1
 * @v:		vCPU whose system registers are not loaded
 *
 * Context: interrupts on.
 */
void axv_arm64_deliver(struct axv_arm64_vcpu *v)
{
	struct axv_arm64_events *events = &v->events;
	u64 esr, far;

	raw_spin_lock_irq(&v->base.lock);
	esr = events->exception;
	far = events->exception_addr;
	events->exception = 0;
	events->exception_addr = 0;
	WRITE_ONCE(events->any, false);
	raw_spin_unlock_irq(&v->base.lock);
	if (esr)
		axv_arm64_raise(v, from_where(esr, v->regs.pstate), far);
}

/**
 * axv_arm64_get_event() - read a register of class EVENT
 * @v:		vCPU whose claim the caller holds
 * @index:	an &enum axv_arm64_event_reg
 * @value:	its value
 *
 * Return: 0 or -ENOENT.
 */
int axv_arm64_get_event(struct axv_arm64_vcpu *v, u64 index, u64 *value)
{
	const struct axv_arm64_events *events = &v->events;
	int err = 0;

	raw_spin_lock_irq(&v->base.lock);
	switch (index) {
	case AXV_ARM64_EVENT_IRQ:
		*value = !!(events->lines & HCR_VI);
		break;
	case AXV_ARM64_EVENT_FIQ:
		*value = !!(events->lines & HCR_VF);
		break;
	case AXV_ARM64_EVENT_SERROR:
		*value = !!(events->lines & HCR_VSE);
		break;
	case AXV_ARM64_EVENT_SERROR_ISS:
		*value = events->serror_iss;
		break;
	case AXV_ARM64_EVENT_EXCEPTION:
		*value = events->exception;
		break;
	case AXV_ARM64_EVENT_EXCEPTION_ADDR:
		*value = events->exception_addr;
		break;
	case AXV_ARM64_EVENT_HALTED:
		*value = events->halted;
		break;
	case AXV_ARM64_EVENT_CACHE_WATCH:
		*value = v->trap_caches;
		break;
	case AXV_ARM64_EVENT_TIMER:
		*value = v->timer.told;
		break;
	default:
		err = -ENOENT;
	}
	raw_spin_unlock_irq(&v->base.lock);
	return err;
}

/*
 * Can a synchronous exception have this ESR_EL1?  It is 32 bits wide here, and of all
 * classes only the SError is not synchronous.
 */
static bool exception_valid(u64 esr)
{
	return !(esr >> 32) && ESR_ELx_EC(esr) != AXV_ARM64_EC_SERROR;
}

/**
 * axv_arm64_set_event() - write a register of class EVENT
 * @v:		vCPU whose claim the caller holds
 * @index:	an &enum axv_arm64_event_reg
 * @value:	its new value
 *
 * Return: 0, -ENOENT, or -EINVAL for a value it cannot have.
 */
int axv_arm64_set_event(struct axv_arm64_vcpu *v, u64 index, u64 value)
{
	struct axv_arm64_events *events = &v->events;
	bool is_flag = index != AXV_ARM64_EVENT_SERROR_ISS &&
		       index != AXV_ARM64_EVENT_EXCEPTION &&
		       index != AXV_ARM64_EVENT_EXCEPTION_ADDR;

	if (index >= AXV_ARM64_EVENT_REGS)
		return -ENOENT;
	if ((is_flag && value > 1) ||
	    (index == AXV_ARM64_EVENT_SERROR_ISS && value & ~VSESR_MASK) ||
	    (index == AXV_ARM64_EVENT_EXCEPTION && !exception_valid(value)) ||
	    (index == AXV_ARM64_EVENT_TIMER && value && axv_arm64_has_gic(v)))
		return -EINVAL;

	raw_spin_lock_irq(&v->base.lock);
	switch (index) {
	case AXV_ARM64_EVENT_IRQ:
		axv_arm64_set_line(events, HCR_VI, value);
		break;
	case AXV_ARM64_EVENT_FIQ:
		axv_arm64_set_line(events, HCR_VF, value);
		break;
	case AXV_ARM64_EVENT_SERROR:
		axv_arm64_set_line(events, HCR_VSE, value);
		break;
	case AXV_ARM64_EVENT_SERROR_ISS:
		events->serror_iss = value;
		break;
	case AXV_ARM64_EVENT_EXCEPTION:
		events->exception = value;
		events->any = value;
		break;
	case AXV_ARM64_EVENT_EXCEPTION_ADDR:
		events->exception_addr = value;
		break;
	case AXV_ARM64_EVENT_HALTED:
		events->halted = value;
		break;
	case AXV_ARM64_EVENT_CACHE_WATCH:
		axv_arm64_watch_caches(v, value);
		break;
	case AXV_ARM64_EVENT_TIMER:
		v->timer.told = value;
		break;
	}
	raw_spin_unlock_irq(&v->base.lock);
	return 0;
}
