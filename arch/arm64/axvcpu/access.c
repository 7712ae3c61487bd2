// SPDX-License-Identifier: GPL-2.0
/*
 * Aborts of the second stage: guest memory on demand, and device accesses.
 *
 * The processor itself decodes a plain load or store of one register (Arm ARM, ESR_EL2,
 * "ISV").  Where there is no memory that becomes a device access, unless it crosses a
 * page.  A write leaves as an exit with the state after the instruction.  A read leaves
 * with the state before it; the VMM puts the data into the run page and runs again, and
 * axv_arm64_complete() finishes it, if the guest still stands at the instruction.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/jump_label.h>
#include <linux/swab.h>
#include <asm/esr.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>

#include <axvcpu/doorbell.h>

#include "arm64.h"

#define SCTLR_EE		BIT(25)
#define SCTLR_E0E		BIT(24)

#define FSC_TLB_CONFLICT	0x30
#define FSC_FAULT_MINUS_1	0x2b	/* translation fault, level -1 (FEAT_LPA2) */

/*
 * If the same exit comes so often in a row, each answered by entering again, it is no race any
 * more.
 */
#define AGAIN_MAX	64

static u64 low_bytes(u64 value, unsigned int width)
{
	return width < 8 ? value & (BIT_ULL(8 * width) - 1) : value;
}

/*
 * Does the guest access data as big-endian?  A device sees bytes in the order of their
 * addresses.
 */
static bool is_big_endian(const struct axv_arm64_vcpu *v, u64 sctlr)
{
	if (axv_arm64_is_aarch32(v))
		return v->regs.pstate & PSR_AA32_E_BIT;
	if ((v->regs.pstate & PSR_MODE_MASK) == PSR_MODE_EL0t)
		return sctlr & SCTLR_E0E;
	return sctlr & SCTLR_EE;
}

static u64 bus_order(const struct axv_arm64_vcpu *v, u64 sctlr, u64 value,
		     unsigned int width)
{
	if (!is_big_endian(v, sctlr))
		return value;
	return swab64(value) >> (64 - 8 * width);
}

static unsigned int access_width(u64 esr)
{
	return BIT((esr & ESR_ELx_SAS) >> ESR_ELx_SAS_SHIFT);
}

/*
 * May the access cross a page?  ISV describes all of an access, even if only one of its
 * two pages faulted, and FAR_EL2 is the lowest address that did (Arm ARM, FAR_EL2).  If
 * it were taken for a plain access, one that ends in memory would lose half of its data,
 * and one that begins in memory would send all of its data to the device.
 *
 * An access to the beginning of a page may always be of the latter kind.  It counts as
 * such only if memory that allows the access lies directly before that page.
 */
static bool may_cross_page(const struct axv_arm64_vcpu *v)
{
	const struct axv_arm64_syndrome *last = &v->last;

	if ((last->far & ~PAGE_MASK) + access_width(last->esr) > PAGE_SIZE)
		return true;
	return last->before_valid &&
	       axv_gpa_is_ram(v->base.vm, last->before, last->esr & ESR_ELx_WNR);
}

static unsigned int access_reg(u64 esr)
{
	return (esr & ESR_ELx_SRT_MASK) >> ESR_ELx_SRT_SHIFT;
}

/* The data of a plain store. */
static u64 stored_data(const struct axv_arm64_vcpu *v, u64 sctlr)
{
	unsigned int width = access_width(v->last.esr);
	u64 value = axv_arm64_reg(v, access_reg(v->last.esr));

	return bus_order(v, sctlr, low_bytes(value, width), width);
}

/**
 * axv_arm64_ring() - ring a doorbell in the inner loop
 * @v:		vCPU that just left the guest by a data abort, of a VM with doorbells
 *
 * Nothing but a plain store to a place without memory rings here: axv_arm64_abort() does
 * the rest.
 *
 * Context: interrupts and preemption off.  With VHE the guest's EL1 registers are in the
 * hardware.
 * Return: AXV_RESUME: a doorbell has rung, and the guest is past the store; AXV_SLOW.
 */
enum axv_next axv_arm64_ring(struct axv_arm64_vcpu *v)
{
	u64 gpa = v->last.ipa | (v->last.far & ~PAGE_MASK);
	const u64 plain = ESR_ELx_ISV | ESR_ELx_WNR;
	struct axv_vm *vm = v->base.vm;
	u64 esr = v->last.esr, sctlr;

	if (axv_ringing_is_slow(vm) ||
	    (esr & (plain | ESR_ELx_S1PTW | ESR_ELx_CM)) != plain ||
	    (esr & ESR_ELx_FSC_TYPE) != ESR_ELx_FSC_FAULT || !v->last.ipa_valid)
		return AXV_SLOW;
	if (may_cross_page(v) || axv_gpa_is_ram(vm, gpa, false))
		return AXV_SLOW;

	if (static_branch_likely(&axv_arm64_vhe))
		sctlr = read_sysreg_s(SYS_SCTLR_EL12);
	else
		sctlr = v->sys[AXV_SYS_SCTLR_EL1];
	if (!axv_ring_doorbell(&v->base, AXV_SPACE_MEMORY, gpa, access_width(esr),
			       stored_data(v, sctlr)))
		return AXV_SLOW;
	axv_arm64_skip(v);
	return AXV_RESUME;
}

static enum axv_next mmio(struct axv_arm64_vcpu *v, u64 gpa, u32 cause)
{
	u64 esr = v->last.esr;
	unsigned int width = access_width(esr);
	unsigned int reg = access_reg(esr);
	u8 len = esr & ESR_ELx_IL ? 4 : 2;
	bool wide = esr & ESR_ELx_SF;
	struct axv_run *run;

	if (esr & ESR_ELx_WNR) {
		u64 data = stored_data(v, v->sys[AXV_SYS_SCTLR_EL1]);

		if (cause == AXV_FAULT_NO_REGION &&
		    axv_ring_doorbell(&v->base, AXV_SPACE_MEMORY, gpa, width, data)) {
			axv_arm64_skip(v);
			return AXV_RESUME;
		}
		run = axv_arm64_exit(v, AXV_EXIT_MMIO_WRITE, len);
		run->exit.mmio = (struct axv_exit_mmio){
			.addr = gpa,
			.data = data,
			.width = width,
			.reg = reg,
			.reg_width = wide ? 8 : 4,
		};
		axv_arm64_skip(v);
		return AXV_EXIT;
	}

	v->pending = (struct axv_arm64_pending){
		.kind = AXV_PENDING_MMIO,
		.width = width,
		.sign_extend = esr & ESR_ELx_SSE,
		.wide = wide,
		.reg = reg,
		.pc = v->regs.pc,
	};
	run = axv_arm64_exit(v, AXV_EXIT_MMIO_READ, len);
	run->exit.mmio = (struct axv_exit_mmio){
		.addr = gpa,
		.width = width,
		.signed_ext = v->pending.sign_extend,
		.reg = reg,
		.reg_width = wide ? 8 : 4,
	};
	return AXV_EXIT;
}

static enum axv_next fault_exit(struct axv_arm64_vcpu *v, u64 gpa,
				u32 access, u32 cause, int status)
{
	struct axv_run *run = axv_arm64_exit(v, AXV_EXIT_NESTED_PAGE_FAULT, 0);

	run->exit.fault = (struct axv_exit_fault){
		.addr = gpa,
		.access = access,
		.cause = cause,
		.linear = v->last.far,
		.linear_valid = !(v->last.esr & ESR_ELx_FnV),
		.status = status,
	};
	return AXV_EXIT;
}

static bool is_permission_fault(u64 esr)
{
	return (esr & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM;
}

/*
 * The kind of an access, AXV_ACCESS_*.  A walk of the guest's own tables reads, unless a
 * permission was missing: then it wanted to set an accessed or dirty flag (Arm ARM, FEAT_HAFDBS).
 */
static u32 access_of(u64 esr)
{
	if (esr & ESR_ELx_S1PTW)
		return AXV_ACCESS_PAGE_TABLE |
		       (is_permission_fault(esr) ? AXV_ACCESS_WRITE : AXV_ACCESS_READ);
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_IABT_LOW)
		return AXV_ACCESS_FETCH;
	if (!(esr & ESR_ELx_WNR))
		return AXV_ACCESS_READ;
	/* Cache maintenance sets WnR, too, but is a write only if a permission was missing. */
	return esr & ESR_ELx_CM && !is_permission_fault(esr) ? AXV_ACCESS_READ :
							       AXV_ACCESS_WRITE;
}

/*
 * Answer an abort by entering again, since something has changed meanwhile, or the TLB
 * was wrong: the guest repeats the access.  If the same abort comes AGAIN_MAX times in a
 * row, the VMM is told; otherwise the guest could exit for ever.  Interrupts of the host
 * in between do not count.
 */
static enum axv_next again(struct axv_arm64_vcpu *v, u64 gpa, u32 access)
{
	const struct axv_stats *stats = &v->base.stats;
	struct axv_arm64_again *last = &v->again;
	u64 exit = stats->hw_exits - stats->interrupts;

	if (last->exit + 1 != exit || last->pc != v->regs.pc ||
	    last->esr != v->last.esr || last->far != v->last.far)
		last->count = 0;
	last->exit = exit;
	last->pc = v->regs.pc;
	last->esr = v->last.esr;
	last->far = v->last.far;
	if (++last->count < AGAIN_MAX)
		return AXV_RESUME;
	/* If the VMM runs the vCPU again, there are AGAIN_MAX tries once more. */
	last->count = 0;
	return fault_exit(v, gpa, access, AXV_FAULT_HOST, -ELOOP);
}

/*
 * Is an abort a fault of the second stage?  Only these can be resolved.
 *
 * The second stage here has no level -1.  But QEMU before 8.2 reports that level if a
 * guest's walk of 52 bits begins with a table that is not mapped: it gives the level of
 * the guest's walk instead of the second stage's (Arm ARM, ESR_ELx, "S1PTW").  If that
 * were taken for an external abort, the walk to the guest's handler would begin with the
 * same table, and fault for ever.
 */
static bool is_stage2_fault(u64 esr)
{
	if ((esr & ESR_ELx_FSC) == FSC_FAULT_MINUS_1)
		return true;
	switch (esr & ESR_ELx_FSC_TYPE) {
	case ESR_ELx_FSC_FAULT:
	case ESR_ELx_FSC_ACCESS:
	case ESR_ELx_FSC_PERM:
		return true;
	}
	return false;
}

/* An access of memory failed in hardware: pass the abort on to the guest. */
static enum axv_next external_abort(struct axv_arm64_vcpu *v)
{
	bool same = !axv_arm64_is_aarch32(v) &&
		    (v->regs.pstate & PSR_MODE_MASK) != PSR_MODE_EL0t;
	u64 esr = v->last.esr & (ESR_ELx_IL | ESR_ELx_FnV | ESR_ELx_EA);
	u64 class = ESR_ELx_EC(v->last.esr);

	esr |= (class + same) << ESR_ELx_EC_SHIFT;
	axv_arm64_raise(v, esr | ESR_ELx_FSC_EXTABT, v->last.far);
	return AXV_RESUME;
}

/**
 * axv_arm64_abort() - handle an access that the second stage refused
 * @v:		vCPU whose last exit is an abort, its system registers in memory
 *
 * Context: may sleep for guest memory.
 * Return: AXV_RESUME or AXV_EXIT.
 */
enum axv_next axv_arm64_abort(struct axv_arm64_vcpu *v)
{
	u64 gpa = v->last.ipa | (v->last.far & ~PAGE_MASK);
	u64 esr = v->last.esr;
	u32 access = access_of(esr);
	unsigned long seq = axv_memory_seq(v->base.vm);
	enum axv_fault_result result;
	bool decoded;
	u32 cause;

	if ((esr & ESR_ELx_FSC) == FSC_TLB_CONFLICT || !is_stage2_fault(esr)) {
		if ((esr & ESR_ELx_FSC) != FSC_TLB_CONFLICT)
			return external_abort(v);
		atomic64_inc(&v->base.vm->tlb_gen);
		return again(v, 0, access);
	}
	if (!v->last.ipa_valid)
		return again(v, 0, access);
	/* If the access was by a walk of the guest's tables, only its page is known. */
	if (access & AXV_ACCESS_PAGE_TABLE)
		gpa = v->last.ipa;

	result = axv_vcpu_fault(&v->base, gpa, access, &v->fault_error);
	switch (result) {
	case AXV_FAULT_RESOLVED:
	case AXV_FAULT_AGAIN:
		return AXV_RESUME;
	case AXV_FAULT_FAILED:
		return fault_exit(v, gpa, access, AXV_FAULT_HOST, v->fault_error);
	case AXV_FAULT_PROTECTED:
		cause = AXV_FAULT_READONLY;
		break;
	default:
		/*
		 * A permission fault, but no region: the mapping or the guest's table has
		 * changed meanwhile.
		 */
		if (is_permission_fault(esr))
			return again(v, gpa, access);
		cause = AXV_FAULT_NO_REGION;
		break;
	}

	decoded = ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW &&
		  !(esr & ESR_ELx_S1PTW);
	if (decoded && esr & ESR_ELx_CM) {
		/* Cache maintenance: a device has no cache. */
		axv_arm64_skip(v);
		return AXV_RESUME;
	}
	if (decoded && esr & ESR_ELx_ISV && !may_cross_page(v))
		return mmio(v, gpa, cause);
	/*
	 * The page of the access and the one before it were looked up one after the
	 * other.  If a region comes or goes in between, the two answers do not belong
	 * together, and the access is repeated: otherwise a store to a device could be
	 * taken for one that begins in memory.
	 */
	if (!axv_memory_settled(v->base.vm, seq))
		return again(v, gpa, access);
	return fault_exit(v, gpa, access, cause, 0);
}

static void complete_mmio(struct axv_arm64_vcpu *v,
			  const struct axv_arm64_pending *p, u64 data)
{
	unsigned int shift = 64 - 8 * p->width;

	data = bus_order(v, v->sys[AXV_SYS_SCTLR_EL1], low_bytes(data, p->width), p->width);
	if (p->sign_extend)
		data = (s64)(data << shift) >> shift;
	if (!p->wide)
		data = (u32)data;
	axv_arm64_set_reg_value(v, p->reg, data);
}

/**
 * axv_arm64_complete() - finish a read that the VMM has answered
 * @v:		vCPU whose pending access is not AXV_PENDING_NONE
 *
 * If the guest does not stand at the instruction any more, because the VMM moved
 * it, the data is dropped.
 *
 * Context: the claim is held.
 */
void axv_arm64_complete(struct axv_arm64_vcpu *v)
{
	struct axv_run *run = v->base.run;
	struct axv_arm64_pending p = v->pending;

	v->pending.kind = AXV_PENDING_NONE;
	if (v->regs.pc != p.pc)
		return;
	if (p.kind == AXV_PENDING_SYSREG && READ_ONCE(run->exit.sysreg.fail)) {
		axv_arm64_undefined(v);
		return;
	}
	if (p.kind == AXV_PENDING_MMIO)
		complete_mmio(v, &p, READ_ONCE(run->exit.mmio.data));
	else
		axv_arm64_set_reg_value(v, p.reg, READ_ONCE(run->exit.sysreg.value));
	axv_arm64_skip(v);
}
