// SPDX-License-Identifier: GPL-2.0
/*
 * Software-generated interrupts (SGIs) from vCPU to vCPU, with AXV_VM_SGI_IN_KERNEL.
 *
 * A sender sets a bit of the target, without a lock, and asks the target to look.
 * The target takes the bits of SGIs that are enabled into its queue, before it
 * enters or sleeps (gic.c).  An SGI that is disabled, or finds the queue full, stays a
 * bit: none is lost, and one that is sent again and again is pending once.
 */
#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include <axvcpu/request.h>
#include <axvcpu/trace.h>

#include "arm64.h"

/* ICC_SGI1R_EL1 (GIC, "ICC_SGI1R_EL1") */
#define SGI1R_TARGETS	GENMASK_ULL(15, 0)
#define SGI1R_AFF1	GENMASK_ULL(23, 16)
#define SGI1R_INTID	GENMASK_ULL(27, 24)
#define SGI1R_AFF2	GENMASK_ULL(39, 32)
#define SGI1R_IRM	BIT_ULL(40)
#define SGI1R_RS	GENMASK_ULL(47, 44)
#define SGI1R_AFF3	GENMASK_ULL(55, 48)

/**
 * axv_arm64_send_sgi() - make an SGI pending
 * @v:		any vCPU of a VM with AXV_VM_SGI_IN_KERNEL
 * @sgi:	0 to 15
 *
 * Context: any but NMI.
 */
void axv_arm64_send_sgi(struct axv_arm64_vcpu *v, unsigned int sgi)
{
	/*
	 * Another sender that finds the bit set relies on this thread to make the
	 * request, so this thread must not be preempted between the two.
	 */
	preempt_disable();
	if (!test_and_set_bit(sgi, &v->gic.sgis.pending))
		axv_request(&v->base, AXV_REQ_EVENT);
	preempt_enable();
}

static void send(struct axv_vcpu *target, unsigned int sgi)
{
	axv_arm64_send_sgi(to_arm64(target), sgi);
	trace_axv_inject(target, AXV_INJECT_EXTINT, sgi, 0);
}

/**
 * axv_arm64_decode_sgi() - decode what a guest writes to ICC_SGI1R_EL1
 * @value:	what was written
 *
 * Return: its fields, with the range selector as a part of the affinity.
 */
struct axv_exit_send_ipi axv_arm64_decode_sgi(u64 value)
{
	return (struct axv_exit_send_ipi){
		.target_cpu = FIELD_GET(SGI1R_AFF3, value) << 32 |
			      FIELD_GET(SGI1R_AFF2, value) << 16 |
			      FIELD_GET(SGI1R_AFF1, value) << 8 |
			      FIELD_GET(SGI1R_RS, value) << 4,
		.target_cpu_aux = FIELD_GET(SGI1R_TARGETS, value),
		.vector = FIELD_GET(SGI1R_INTID, value),
		.send_to_all = FIELD_GET(SGI1R_IRM, value),
	};
}

/**
 * axv_arm64_sgi_to_list() - send the guest's SGI to the vCPUs of a list
 * @v:		the sender, of a VM with AXV_VM_SGI_IN_KERNEL
 * @value:	what it has written to ICC_SGI1R_EL1
 *
 * Targets that are not there are skipped (GIC, ICC_SGI1R_EL1).
 *
 * Context: interrupts off.
 * Return: true; false if the SGI is for all others, see axv_arm64_sgi_to_others(), and
 * nothing was sent.
 */
bool axv_arm64_sgi_to_list(struct axv_arm64_vcpu *v, u64 value)
{
	const struct axv_exit_send_ipi ipi = axv_arm64_decode_sgi(value);
	unsigned long left = ipi.target_cpu_aux;
	struct axv_vcpu *target;

	if (ipi.send_to_all)
		return false;
	rcu_read_lock();
	for (; left; left &= left - 1) {
		target = axv_vcpu_by_hw_id(v->base.vm, ipi.target_cpu + __ffs(left));
		if (target)
			send(target, ipi.vector);
	}
	rcu_read_unlock();
	return true;
}

/**
 * axv_arm64_sgi_to_others() - send the guest's SGI to all vCPUs but the sender
 * @v:		the sender, of a VM with AXV_VM_SGI_IN_KERNEL
 * @value:	what it has written to ICC_SGI1R_EL1
 *
 * There may be very many, and each may need an interrupt to its CPU: this takes too long
 * with interrupts off.
 *
 * Context: process context, interrupts and preemption on.
 */
void axv_arm64_sgi_to_others(struct axv_arm64_vcpu *v, u64 value)
{
	const struct axv_exit_send_ipi ipi = axv_arm64_decode_sgi(value);
	struct axv_vcpu *target;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&v->base.vm->vcpus, id, target)
		if (target != &v->base)
			send(target, ipi.vector);
	rcu_read_unlock();
}

/**
 * axv_arm64_retract_sgi() - take back an SGI that was not acknowledged
 * @v:		any vCPU of a VM with AXV_VM_SGI_IN_KERNEL
 * @sgi:	0 to 15
 *
 * Context: under &axv_vcpu.lock.
 * Return: 0, or -ENOENT if it was not pending.
 */
int axv_arm64_retract_sgi(struct axv_arm64_vcpu *v, unsigned int sgi)
{
	bool waited = test_and_clear_bit(sgi, &v->gic.sgis.pending);
	int err = axv_gic_retract(&v->gic, sgi);

	return waited ? 0 : err;
}

/**
 * axv_arm64_set_sgis() - set which SGIs are enabled, and how urgent each is
 * @vcpu:	any vCPU, in any state
 * @sgis:	from userspace
 *
 * A vCPU in the guest is brought out and goes by the new values; until it is out it may
 * take what was enabled before.
 *
 * Context: any but NMI.
 * Return: 0; -EOPNOTSUPP: the VM has no AXV_VM_SGI_IN_KERNEL; -EINVAL.
 */
int axv_arm64_set_sgis(struct axv_vcpu *vcpu, const struct axv_sgis *sgis)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	struct axv_gic_sgis *own = &v->gic.sgis;
	unsigned long flags;
	unsigned int i;

	if (!axv_arm64_has_sgis(v))
		return -EOPNOTSUPP;
	if (sgis->enabled & ~AXV_GIC_SGI_MASK || sgis->pad)
		return -EINVAL;
	raw_spin_lock_irqsave(&vcpu->lock, flags);
	own->enabled = sgis->enabled;
	for (i = 0; i < AXV_GIC_SGIS; i++)
		own->priority[i] = sgis->priority[i] & axv_gic_host.pri_mask;
	own->changed = true;
	raw_spin_unlock_irqrestore(&vcpu->lock, flags);
	axv_request(vcpu, AXV_REQ_EVENT);
	return 0;
}

/* ---- registers ------------------------------------------------------------------ */

/* The priorities of eight SGIs, the first in the lowest byte */
static u64 get_priorities(const u8 *priority)
{
	u64 value = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		value |= (u64)priority[i] << (8 * i);
	return value;
}

static void set_priorities(u8 *priority, u64 value)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		priority[i] = value >> (8 * i) & axv_gic_host.pri_mask;
}

/**
 * axv_arm64_get_sgi_reg() - read a register of class GIC that is about SGIs
 * @v:		vCPU whose claim the caller holds
 * @index:	an &enum axv_arm64_gic_reg
 * @value:	its value
 *
 * Context: under &axv_vcpu.lock.
 * Return: 0, or -ENOENT if it is none of these.
 */
int axv_arm64_get_sgi_reg(const struct axv_arm64_vcpu *v, u64 index, u64 *value)
{
	const struct axv_gic_sgis *sgis = &v->gic.sgis;

	if (!axv_arm64_has_sgis(v))
		return -ENOENT;
	switch (index) {
	case AXV_ARM64_GIC_SGI_ENABLED:
		*value = sgis->enabled;
		return 0;
	case AXV_ARM64_GIC_SGI_PENDING:
		*value = READ_ONCE(sgis->pending);
		return 0;
	case AXV_ARM64_GIC_SGI_PRIORITY0:
		*value = get_priorities(sgis->priority);
		return 0;
	case AXV_ARM64_GIC_SGI_PRIORITY1:
		*value = get_priorities(sgis->priority + 8);
		return 0;
	}
	return -ENOENT;
}

/**
 * axv_arm64_set_sgi_reg() - write a register of class GIC that is about SGIs
 * @v:		vCPU whose claim the caller holds
 * @index:	an &enum axv_arm64_gic_reg
 * @value:	its new value
 *
 * Context: under &axv_vcpu.lock.
 * Return: 0; -ENOENT: it is none of these; -EINVAL.
 */
int axv_arm64_set_sgi_reg(struct axv_arm64_vcpu *v, u64 index, u64 value)
{
	struct axv_gic_sgis *sgis = &v->gic.sgis;

	if (!axv_arm64_has_sgis(v))
		return -ENOENT;
	switch (index) {
	case AXV_ARM64_GIC_SGI_ENABLED:
	case AXV_ARM64_GIC_SGI_PENDING:
		if (value & ~(u64)AXV_GIC_SGI_MASK)
			return -EINVAL;
		if (index == AXV_ARM64_GIC_SGI_ENABLED)
			sgis->enabled = value;
		else
			WRITE_ONCE(sgis->pending, value);
		break;
	case AXV_ARM64_GIC_SGI_PRIORITY0:
		set_priorities(sgis->priority, value);
		break;
	case AXV_ARM64_GIC_SGI_PRIORITY1:
		set_priorities(sgis->priority + 8, value);
		break;
	default:
		return -ENOENT;
	}
	sgis->changed = true;
	return 0;
}
