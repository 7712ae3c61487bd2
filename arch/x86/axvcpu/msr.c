// SPDX-License-Identifier: GPL-2.0
/*
 * Model-specific registers: what the kernel answers for them, and the VMM's
 * policy, which says whether the kernel or the VMM answers.
 *
 * Default deny: an MSR that is not named here does not exist.  Only PRED_CMD, and
 * MSRs that are switched around the guest, reach a register of the processor.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include <asm/trapnr.h>

#include "events.h"
#include "exit.h"
#include "lapic.h"
#include "msr.h"
#include "regs.h"
#include "tsc.h"
#include "x86.h"

/* Memory types (AMD APM vol. 2, 7.7.1): UC, WC, WT, WP, WB; PAT has UC- too. */
#define MTRR_TYPES		(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6))
#define PAT_TYPES		(MTRR_TYPES | BIT(7))

/* MTRRs (AMD APM vol. 2, appendix A). */
#define MTRR_CAPABILITY		0xfe
#define MTRR_DEF_TYPE		0x2ff
#define MTRR_VAR_FIRST		0x200
#define MTRR_VARIABLE		8
#define MTRR_VAR_LAST		(MTRR_VAR_FIRST + 2 * MTRR_VARIABLE - 1)

#define MTRR_CAP		(MTRR_VARIABLE | BIT(8) | BIT(10))
#define MTRR_DEF_TYPE_BITS	(0xffull | BIT(10) | BIT(11))

/* HWCR: TscFreqSel reads as one; the rest has no effect here. */
#define HWCR_TSC_FREQ_SEL	BIT_ULL(24)
#define HWCR_IGNORED		(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8) |	\
				 HWCR_TSC_FREQ_SEL)

#define MISC_ENABLE_SETTABLE	MSR_IA32_MISC_ENABLE_FAST_STRING
#define MISC_ENABLE_FIXED	(MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |	\
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)

static const u16 mtrr_fixed_msr[] = {
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e,
	0x26f,
};

/* RIPV, EIPV, MCIP (SDM vol. 3B, "IA32_MCG_STATUS MSR"). */
#define MCG_STATUS_SETTABLE	GENMASK_ULL(2, 0)

#define MSR_K8_INT_PENDING	0xc0010055
#define NB_CFG_CF8_EXT		BIT_ULL(46)
#define DE_CFG_LFENCE		BIT_ULL(1)

/*
 * What a VMM saves and restores, apart from the MTRRs.  The TSC is not among them: the VM
 * has the counter, and TSC_ADJUST tells how far a vCPU is ahead of it.
 */
static const u32 saved_msr[] = {
	MSR_EFER, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_IA32_CR_PAT, MSR_TSC_AUX, MSR_IA32_MISC_ENABLE,
	MSR_IA32_DEBUGCTLMSR, MSR_IA32_SPEC_CTRL, MTRR_DEF_TYPE,
	MSR_IA32_TSC_ADJUST, MSR_IA32_MCG_STATUS, MSR_IA32_APICBASE,
};

/* Is each byte of @value one of the memory types in @types? */
static bool types_valid(u64 value, u32 types)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = value >> i;

		if (type > 7 || !(types & BIT(type)))
			return false;
	}
	return true;
}

/*
 * MTRRs: kept for the guest to read back.  They choose no memory type: that of
 * the second stage is the host's.
 */
static u64 *mtrr(struct axv_x86_vcpu *x, u32 msr)
{
	unsigned int i;

	if (!x->caps.mtrr)
		return NULL;
	if (msr == MTRR_DEF_TYPE)
		return &x->mtrr_def_type;
	if (msr >= MTRR_VAR_FIRST && msr <= MTRR_VAR_LAST)
		return &x->mtrr_var[array_index_nospec(msr - MTRR_VAR_FIRST,
						       ARRAY_SIZE(x->mtrr_var))];
	for (i = 0; i < ARRAY_SIZE(mtrr_fixed_msr); i++) {
		if (msr == mtrr_fixed_msr[i])
			return &x->mtrr_fixed[i];
	}
	return NULL;
}

/* See AMD APM vol. 2, 7.7.2 and 7.7.3. */
static bool mtrr_valid(struct axv_x86_vcpu *x, u32 msr, u64 value)
{
	u64 address = GENMASK_ULL(x->caps.phys_bits - 1, 12);

	if (msr == MTRR_DEF_TYPE)
		return !(value & ~MTRR_DEF_TYPE_BITS) &&
		       (value & 0xff) < 8 && (MTRR_TYPES & BIT(value & 7));
	if (msr >= MTRR_VAR_FIRST && msr <= MTRR_VAR_LAST) {
		if (msr & 1)
			return !(value & ~(address | BIT_ULL(11)));
		return !(value & ~(address | 0xff)) && (value & 0xff) < 8 &&
		       (MTRR_TYPES & BIT(value & 7));
	}
	return types_valid(value, MTRR_TYPES);
}

/* Does the back end switch this MSR, and has the guest the CPUID bit for it? */
static bool has_hw_msr(struct axv_x86_vcpu *x, u32 msr)
{
	switch (msr) {
	case MSR_STAR:
	case MSR_SYSCALL_MASK:
		return x->caps.efer & EFER_SCE;
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		return x->caps.efer & EFER_LME;
	case MSR_IA32_SPEC_CTRL:
		return x->caps.spec_ctrl;
	case MSR_IA32_CR_PAT:
	case MSR_IA32_SYSENTER_CS:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		return true;
	}
	return false;
}

static bool hw_msr_valid(struct axv_x86_vcpu *x, u32 msr, u64 value)
{
	switch (msr) {
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		return axv_x86_canonical(x, value);
	case MSR_SYSCALL_MASK:
	case MSR_IA32_SYSENTER_CS:
		return !(value >> 32);
	case MSR_IA32_CR_PAT:
		return types_valid(value, PAT_TYPES);
	case MSR_IA32_SPEC_CTRL:
		return !(value & ~x->caps.spec_ctrl);
	}
	return true;
}

static bool is_intel(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_INTEL;
}

/*
 * MSR 0x8b: the revision of the microcode.  Intel has it in the upper half (SDM
 * vol. 3A, "Update Signature and Verification").
 */
static u64 microcode(void)
{
	return (u64)boot_cpu_data.microcode << (is_intel() ? 32 : 0);
}

/* MSRs of AMD at which every kernel looks on AMD's processors. */
static bool is_amd_msr(u32 msr)
{
	switch (msr) {
	case MSR_K7_HWCR:
	case MSR_AMD64_DE_CFG:
	case MSR_AMD64_SYSCFG:
	case MSR_AMD64_NB_CFG:
	case MSR_K8_INT_PENDING:
		return true;
	}
	return false;
}

/* The host chooses whether LFENCE serialises; the guest can read what it has chosen. */
static u64 de_cfg(void)
{
	return boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? DE_CFG_LFENCE : 0;
}

/**
 * axv_x86_get_msr() - read an MSR that the kernel emulates
 * @x:		vCPU whose claim the caller holds
 * @msr:	number
 * @value:	its value
 *
 * Return: 0, or -ENOENT if the vCPU does not have the MSR with its CPUID table.
 */
int axv_x86_get_msr(struct axv_x86_vcpu *x, u32 msr, u64 *value)
{
	u64 *stored;

	if (has_hw_msr(x, msr))
		return x->hw->get_msr(x, msr, value);
	if (is_amd_msr(msr) && is_intel())
		return -ENOENT;

	switch (msr) {
	case MSR_EFER:
		*value = x->efer;
		return 0;
	case MSR_IA32_TSC:
		*value = axv_x86_guest_tsc(x);
		return 0;
	case MSR_TSC_AUX:
		if (!x->caps.tsc_aux)
			return -ENOENT;
		*value = x->tsc_aux;
		return 0;
	case MSR_IA32_MISC_ENABLE:
		*value = x->misc_enable | MISC_ENABLE_FIXED;
		return 0;
	case MTRR_CAPABILITY:
		if (!x->caps.mtrr)
			return -ENOENT;
		*value = MTRR_CAP;
		return 0;
	case MSR_IA32_TSC_ADJUST:
		*value = x->tsc_adjust;
		return 0;
	case MSR_IA32_P5_MC_ADDR:
	case MSR_IA32_P5_MC_TYPE:
		if (!x->caps.mce)
			return -ENOENT;
		*value = 0;
		return 0;
	case MSR_IA32_MCG_CAP:
		/* No banks: the host's machine checks are the host's. */
		if (!x->caps.mca)
			return -ENOENT;
		*value = 0;
		return 0;
	case MSR_IA32_MCG_STATUS:
		if (!x->caps.mca)
			return -ENOENT;
		*value = x->mcg_status;
		return 0;
	case MSR_IA32_APICBASE:
		if (!x->lapic)
			return -ENOENT;
		*value = x->lapic->base;
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		if (!x->lapic || !x->caps.tsc_deadline)
			return -ENOENT;
		*value = axv_lapic_timer_deadline(x->lapic);
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		if (!x->caps.arch_caps)
			return -ENOENT;
		*value = axv_x86_host.arch_caps;
		return 0;
	case MSR_AMD64_PATCH_LEVEL:
		*value = microcode();
		return 0;
	case MSR_K7_HWCR:
		*value = HWCR_TSC_FREQ_SEL;
		return 0;
	case MSR_AMD64_DE_CFG:
		*value = de_cfg();
		return 0;
	case MSR_IA32_DEBUGCTLMSR:
	case MSR_AMD64_SYSCFG:
	case MSR_AMD64_NB_CFG:
	case MSR_K8_INT_PENDING:
		*value = 0;
		return 0;
	}
	stored = mtrr(x, msr);
	if (!stored)
		return -ENOENT;
	*value = *stored;
	return 0;
}

/* The guest's WRMSR of EFER (AMD APM vol. 2, 3.1.7): LMA is read only. */
static int guest_set_efer(struct axv_x86_vcpu *x, u64 value)
{
	u64 old = x->efer;

	value = (value & ~(u64)EFER_LMA) | (old & EFER_LMA);
	if (((value ^ old) & EFER_LME) && (x->hw->get_cr(x, 0) & X86_CR0_PG))
		return -EINVAL;
	if (value & ~x->caps.efer)
		return -EINVAL;
	x->hw->set_efer(x, value);
	return 0;
}

/* Issue the barrier at once, on the CPU that goes on with the guest. */
static int set_pred_cmd(struct axv_x86_vcpu *x, u64 value)
{
	if (!x->caps.ibpb)
		return -ENOENT;
	if (value & ~PRED_CMD_IBPB)
		return -EINVAL;
	if (value)
		wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	return 0;
}

static void set_tsc_adjust(struct axv_x86_vcpu *x, u64 value)
{
	WRITE_ONCE(x->tsc_adjust, value);
	if (x->lapic)
		axv_lapic_timer_clock_changed(x->lapic);
}

static int only(bool good)
{
	return good ? 0 : -EINVAL;
}

/**
 * axv_x86_set_msr() - write an MSR that the kernel emulates
 * @x:		vCPU whose claim the caller holds
 * @msr:	number
 * @value:	new value
 * @host:	the VMM writes, not the guest: it may set the VM's counter, and EFER
 *		whatever CR0.PG is
 *
 * TSC_ADJUST tells how far the vCPU's TSC is ahead of the VM's counter, so a guest
 * that writes its TSC changes TSC_ADJUST, and the other way round (SDM vol. 3B,
 * "IA32_TSC_ADJUST Register Support").  The VMM can access TSC_ADJUST whether the
 * guest has it or not.  A write of the TSC by the VMM sets the VM's counter.
 *
 * Return: 0, -ENOENT if the vCPU does not have the MSR with its CPUID table, -EINVAL
 * for a value the hardware would refuse, -EPERM for an MSR that can only be read.
 */
int axv_x86_set_msr(struct axv_x86_vcpu *x, u32 msr, u64 value, bool host)
{
	u64 *stored;

	if (has_hw_msr(x, msr)) {
		if (!hw_msr_valid(x, msr, value))
			return -EINVAL;
		return x->hw->set_msr(x, msr, value);
	}
	if (is_amd_msr(msr) && is_intel())
		return -ENOENT;

	switch (msr) {
	case MSR_EFER:
		return host ? axv_x86_set_efer(x, value) :
			      guest_set_efer(x, value);
	case MSR_IA32_TSC:
		if (host)
			axv_lapic_set_counter(x->base.vm, value - x->tsc_adjust);
		else
			set_tsc_adjust(x, x->tsc_adjust + value - axv_x86_guest_tsc(x));
		return 0;
	case MSR_IA32_TSC_ADJUST:
		if (!host && !x->caps.tsc_adjust)
			return -ENOENT;
		set_tsc_adjust(x, value);
		return 0;
	case MSR_IA32_APICBASE:
		return x->lapic ? axv_lapic_set_base(x, value, host) : -ENOENT;
	case MSR_IA32_TSC_DEADLINE:
		if (!x->lapic || !x->caps.tsc_deadline)
			return -ENOENT;
		axv_lapic_timer_set_deadline(x->lapic, value);
		return 0;
	case MSR_IA32_P5_MC_ADDR:
	case MSR_IA32_P5_MC_TYPE:
		return x->caps.mce ? only(!value) : -ENOENT;
	case MSR_IA32_MCG_CAP:
		return x->caps.mca ? -EPERM : -ENOENT;
	case MSR_IA32_MCG_STATUS:
		if (!x->caps.mca)
			return -ENOENT;
		if (value & ~MCG_STATUS_SETTABLE)
			return -EINVAL;
		x->mcg_status = value;
		return 0;
	case MSR_TSC_AUX:
		if (!x->caps.tsc_aux)
			return -ENOENT;
		if (value >> 32)
			return -EINVAL;
		x->tsc_aux = value;
		return 0;
	case MSR_IA32_MISC_ENABLE:
		value &= ~(u64)MISC_ENABLE_FIXED;
		if (value & ~(u64)MISC_ENABLE_SETTABLE)
			return -EINVAL;
		x->misc_enable = value;
		return 0;
	case MTRR_CAPABILITY:
		return x->caps.mtrr ? -EPERM : -ENOENT;
	case MSR_IA32_ARCH_CAPABILITIES:
		return x->caps.arch_caps ? -EPERM : -ENOENT;
	case MSR_IA32_PRED_CMD:
		return set_pred_cmd(x, value);
	case MSR_K7_HWCR:
		return only(!(value & ~HWCR_IGNORED));
	case MSR_AMD64_DE_CFG:
		return only(value == de_cfg());
	case MSR_AMD64_NB_CFG:
		return only(!(value & ~NB_CFG_CF8_EXT));
	case MSR_AMD64_PATCH_LEVEL:
	case MSR_IA32_DEBUGCTLMSR:
	case MSR_AMD64_SYSCFG:
	case MSR_K8_INT_PENDING:
		return only(!value);
	}
	stored = mtrr(x, msr);
	if (!stored)
		return -ENOENT;
	if (!mtrr_valid(x, msr, value))
		return -EINVAL;
	*stored = value;
	return 0;
}

/**
 * axv_x86_msr_list() - list the MSRs a VMM saves and restores
 * @x:		vCPU
 * @index:	from 0
 * @msr:	number of the MSR
 *
 * Only those that the vCPU's CPUID table gives it.
 *
 * Return: 0, or -ENOENT past the last one.
 */
int axv_x86_msr_list(struct axv_x86_vcpu *x, u32 index, u32 *msr)
{
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(saved_msr); i++) {
		if (axv_x86_get_msr(x, saved_msr[i], &value) || index--)
			continue;
		*msr = saved_msr[i];
		return 0;
	}
	if (!x->caps.mtrr)
		return -ENOENT;
	if (index < ARRAY_SIZE(mtrr_fixed_msr)) {
		*msr = mtrr_fixed_msr[index];
		return 0;
	}
	index -= ARRAY_SIZE(mtrr_fixed_msr);
	if (index >= 2 * MTRR_VARIABLE)
		return -ENOENT;
	*msr = MTRR_VAR_FIRST + index;
	return 0;
}

/*
 * The policy: who answers an access to an MSR.
 */

static const struct axv_x86_msr_policy *
find_range(const struct axv_x86_policy *policy, u32 msr)
{
	u32 low = 0, high = policy->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		const struct axv_x86_msr_policy *range = &policy->range[middle];

		if (msr < range->first)
			high = middle;
		else if (msr > range->last)
			low = middle + 1;
		else
			return range;
	}
	return NULL;
}

/**
 * axv_x86_msr_action() - what the policy says about an access to an MSR
 * @vm:		VM
 * @msr:	number
 * @write:	WRMSR, not RDMSR
 *
 * Context: any.
 * Return: AXV_X86_MSR_*.
 */
u32 axv_x86_msr_action(struct axv_x86_vm *vm, u32 msr, bool write)
{
	const struct axv_x86_msr_policy *range = NULL;
	const struct axv_x86_policy *policy;
	u32 action = AXV_X86_MSR_KERNEL;

	rcu_read_lock();
	policy = rcu_dereference(vm->policy);
	if (policy)
		range = find_range(policy, msr);
	if (range)
		action = write ? range->write : range->read;
	rcu_read_unlock();
	return action;
}

/**
 * axv_x86_policy_has() - does the policy take an MSR away from the kernel?
 * @vm:		VM
 * @msr:	number
 *
 * Context: &axv_vm.lock held.
 */
bool axv_x86_policy_has(struct axv_x86_vm *vm, u32 msr)
{
	lockdep_assert_held(&vm->base.lock);
	return axv_x86_msr_action(vm, msr, false) != AXV_X86_MSR_KERNEL ||
	       axv_x86_msr_action(vm, msr, true) != AXV_X86_MSR_KERNEL;
}

/**
 * axv_x86_get_policy() - read the VMM's MSR policy
 * @vm:		VM
 * @buf:	room for *@count ranges
 * @count:	in: room; out: how many there are
 *
 * Return: 0, or -E2BIG if they do not fit.
 */
int axv_x86_get_policy(struct axv_x86_vm *vm, struct axv_x86_msr_policy *buf,
		       u32 *count)
{
	const struct axv_x86_policy *policy;
	u32 room = *count;

	rcu_read_lock();
	policy = rcu_dereference(vm->policy);
	*count = policy ? policy->count : 0;
	if (*count && *count <= room)
		memcpy(buf, policy->range, *count * sizeof(*buf));
	rcu_read_unlock();
	return *count > room ? -E2BIG : 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct axv_x86_msr_policy *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int check_ranges(const struct axv_x86_policy *policy)
{
	const struct axv_x86_msr_policy *range = policy->range;
	u32 i;

	for (i = 0; i < policy->count; i++) {
		if (range[i].first > range[i].last ||
		    range[i].read > AXV_X86_MSR_FAULT ||
		    range[i].write > AXV_X86_MSR_FAULT)
			return -EINVAL;
		if (i && range[i].first <= range[i - 1].last)
			return -EINVAL;
	}
	return 0;
}

/**
 * axv_x86_set_policy() - replace the VMM's MSR policy
 * @vm:		VM; its vCPUs may run
 * @buf:	ranges, in any order
 * @count:	how many; 0: no policy
 *
 * Context: may sleep.
 * Return: 0, -EINVAL if a range is reversed, overlaps another or names an
 * unknown action, -E2BIG, -ENOMEM.  Then nothing has changed.
 */
int axv_x86_set_policy(struct axv_x86_vm *vm,
		       const struct axv_x86_msr_policy *buf, u32 count)
{
	struct axv_x86_policy *policy = NULL, *old;

	if (count > AXV_MSR_POLICY_MAX)
		return -E2BIG;
	if (count) {
		policy = kmalloc(struct_size(policy, range, count),
				 GFP_KERNEL_ACCOUNT);
		if (!policy)
			return -ENOMEM;
		policy->count = count;
		memcpy(policy->range, buf, count * sizeof(*buf));
		sort(policy->range, count, sizeof(*buf), compare_ranges, NULL);
		if (check_ranges(policy)) {
			kfree(policy);
			return -EINVAL;
		}
	}
	old = unrcu_pointer(xchg(&vm->policy, RCU_INITIALIZER(policy)));
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/*
 * The guest's own accesses.
 */

static enum axv_next refuse(struct axv_x86_vcpu *x)
{
	axv_x86_raise(x, X86_TRAP_GP, true, 0, 0);
	return AXV_RESUME;
}

static enum axv_next exit_sysreg(struct axv_x86_vcpu *x, u32 reason,
				 unsigned int len, u32 msr, u64 value)
{
	struct axv_run *run = axv_x86_exit(x, reason, len);

	run->exit.sysreg.addr = msr;
	run->exit.sysreg.value = value;
	run->exit.sysreg.reg = 0;
	run->exit.sysreg.fail = 0;
	return AXV_EXIT;
}

static int guest_get_msr(struct axv_x86_vcpu *x, u32 msr, u64 *value)
{
	if (x->lapic && axv_lapic_is_x2apic_msr(msr))
		return axv_lapic_rdmsr(x, msr, value);
	return axv_x86_get_msr(x, msr, value);
}

static enum axv_next write_x2apic(struct axv_x86_vcpu *x, u32 msr, u64 value,
				  unsigned int len)
{
	int ended;

	/*
	 * An EOI of a level tells the routes, which may sleep; and an IPI to all vCPUs takes
	 * too long with interrupts off.
	 */
	if (irqs_disabled() &&
	    ((msr == AXV_X2APIC_EOI && axv_lapic_ends_level(x)) ||
	     (msr == AXV_X2APIC_ICR && axv_lapic_ipi_is_wide(value))))
		return AXV_SLOW;
	if (axv_lapic_wrmsr(x, msr, value, &ended))
		return refuse(x);
	axv_x86_advance(x, len);
	return axv_lapic_ended(x, ended, len);
}

/**
 * axv_x86_rdmsr() - answer the guest's RDMSR
 * @x:		vCPU whose claim the caller holds; CPL is 0
 * @len:	length of the instruction
 *
 * Return: AXV_RESUME, or AXV_EXIT if the VMM answers; the state is then the
 * one before the instruction, and axv_x86_complete() finishes it.
 */
enum axv_next axv_x86_rdmsr(struct axv_x86_vcpu *x, unsigned int len)
{
	u32 msr = x->regs.gpr[AXV_X86_RCX];
	u64 value;

	switch (axv_x86_msr_action(to_x86_vm(x->base.vm), msr, false)) {
	case AXV_X86_MSR_EXIT:
		x->pending.kind = AXV_PENDING_SYSREG;
		x->pending.width = 8;
		x->pending.addr = msr;
		x->pending.rip = x->regs.rip;
		return exit_sysreg(x, AXV_EXIT_SYSREG_READ, len, msr, 0);
	case AXV_X86_MSR_KERNEL:
		if (msr == MSR_IA32_TSC_ADJUST && !x->caps.tsc_adjust)
			return refuse(x);
		if (guest_get_msr(x, msr, &value))
			return refuse(x);
		x->regs.gpr[AXV_X86_RAX] = (u32)value;
		x->regs.gpr[AXV_X86_RDX] = value >> 32;
		axv_x86_advance(x, len);
		return AXV_RESUME;
	}
	return refuse(x);
}

/**
 * axv_x86_wrmsr() - answer the guest's WRMSR
 * @x:		vCPU whose claim the caller holds; CPL is 0
 * @len:	length of the instruction
 *
 * Return: AXV_RESUME; AXV_EXIT if the VMM answers, with the state after the instruction;
 * AXV_SLOW, with interrupts off only: call it again with interrupts on.
 */
enum axv_next axv_x86_wrmsr(struct axv_x86_vcpu *x, unsigned int len)
{
	u32 msr = x->regs.gpr[AXV_X86_RCX];
	u64 value = (u32)x->regs.gpr[AXV_X86_RAX] |
		    x->regs.gpr[AXV_X86_RDX] << 32;

	switch (axv_x86_msr_action(to_x86_vm(x->base.vm), msr, true)) {
	case AXV_X86_MSR_EXIT:
		axv_x86_advance(x, len);
		return exit_sysreg(x, AXV_EXIT_SYSREG_WRITE, len, msr, value);
	case AXV_X86_MSR_KERNEL:
		if (x->lapic && axv_lapic_is_x2apic_msr(msr))
			return write_x2apic(x, msr, value, len);
		if (axv_x86_set_msr(x, msr, value, false))
			return refuse(x);
		axv_x86_advance(x, len);
		return AXV_RESUME;
	}
	return refuse(x);
}
