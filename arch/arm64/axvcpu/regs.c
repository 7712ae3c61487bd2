// SPDX-License-Identifier: GPL-2.0
/*
 * Registers by their ids, and the register sets of the run page.
 */
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <asm/ptrace.h>

#include <axvcpu/current.h>

#include "arm64.h"

#define CPSR_MODE_USR	0x10

#define OSLSR		AXV_SYSREG(2, 0, 1, 1, 4)
#define MPIDR		AXV_SYSREG(3, 0, 0, 0, 5)

#define MPIDR_RES1	BIT(31)
#define CNTV_CTL_BITS	GENMASK(2, 0)
#define CNTV_CTL_KEPT	GENMASK(1, 0)

/*
 * Can a guest have this PSTATE?  An exception return to a mode that is not there would
 * not leave EL2, so PSTATE is checked wherever it comes from.
 */
static bool pstate_valid(u64 pstate)
{
	if (axv_arm64_known_pstate(pstate) != pstate)
		return false;
	if (pstate & PSR_MODE32_BIT)
		return axv_arm64_host.el0_32 &&
		       (pstate & PSR_MODE_MASK) == CPSR_MODE_USR - PSR_MODE32_BIT;
	switch (pstate & PSR_MODE_MASK) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return true;
	}
	return false;
}

static int get_gpr(const struct axv_arm64_vcpu *v, u64 index, u64 *value)
{
	switch (index) {
	case AXV_ARM64_X0 ... AXV_ARM64_X30:
		*value = v->regs.x[array_index_nospec(index, ARRAY_SIZE(v->regs.x))];
		return 0;
	case AXV_ARM64_SP_EL0:
		*value = v->regs.sp_el0;
		return 0;
	case AXV_ARM64_PC:
		*value = v->regs.pc;
		return 0;
	case AXV_ARM64_PSTATE:
		*value = v->regs.pstate;
		return 0;
	}
	return -ENOENT;
}

static int set_gpr(struct axv_arm64_vcpu *v, u64 index, u64 value)
{
	switch (index) {
	case AXV_ARM64_X0 ... AXV_ARM64_X30:
		v->regs.x[array_index_nospec(index, ARRAY_SIZE(v->regs.x))] = value;
		return 0;
	case AXV_ARM64_SP_EL0:
		v->regs.sp_el0 = value;
		return 0;
	case AXV_ARM64_PC:
		v->regs.pc = value;
		return 0;
	case AXV_ARM64_PSTATE:
		if (!pstate_valid(value))
			return -EINVAL;
		v->regs.pstate = value;
		return 0;
	}
	return -ENOENT;
}

#define EL1_ID(name, crn, crm, op2)					\
	[AXV_SYS_##name] = AXV_SYSREG(3, 0, crn, crm, op2),
#define SHARED_ID(name, op1, crn, crm, op2)				\
	[AXV_SYS_##name] = AXV_SYSREG(3, op1, crn, crm, op2),

/* The encodings, by place */
static const u32 sysregs[AXV_SYSREG_COUNT] = {
	AXV_EL1_WALK_REGS(EL1_ID)
	AXV_EL1_REGS(EL1_ID)
	AXV_EL1_SHARED_REGS(SHARED_ID)
	[AXV_SYS_CNTV_CVAL_EL0] = AXV_SYSREG(3, 3, 14, 3, 2),
	[AXV_SYS_CNTV_CTL_EL0] = AXV_SYSREG(3, 3, 14, 3, 1),
	[AXV_SYS_DISR_EL1] = AXV_SYSREG(3, 0, 12, 1, 1),
	[AXV_SYS_MDSCR_EL1] = AXV_SYSREG(2, 0, 0, 2, 2),
};

/**
 * axv_arm64_sysreg_place() - where a system register is kept
 * @sysreg:	AXV_SYSREG()
 *
 * Return: its place, or AXV_SYSREG_COUNT: nowhere.
 */
enum axv_arm64_sysreg axv_arm64_sysreg_place(u64 sysreg)
{
	unsigned int i;

	for (i = 0; i < AXV_SYSREG_COUNT; i++)
		if (sysregs[i] == sysreg)
			break;
	return i;
}

static int get_sysreg(const struct axv_arm64_vcpu *v, u64 index, u64 *value)
{
	enum axv_arm64_sysreg place = axv_arm64_sysreg_place(index);

	if (place != AXV_SYSREG_COUNT)
		*value = v->sys[place];
	else if (index == OSLSR)
		*value = v->os_locked;
	else if (index == MPIDR)
		*value = MPIDR_RES1 | v->base.hw_id;
	else if (index >> 16 || !axv_arm64_id_reg(v, index, value))
		return -ENOENT;
	return 0;
}

static int set_sysreg(struct axv_arm64_vcpu *v, u64 index, u64 value)
{
	enum axv_arm64_sysreg place = axv_arm64_sysreg_place(index);
	u64 old;

	if (index == OSLSR) {
		if (value > 1)
			return -EINVAL;
		v->os_locked = value;
		return 0;
	}
	if (place == AXV_SYSREG_COUNT)
		return get_sysreg(v, index, &old) ?: -EPERM;

	switch (place) {
	case AXV_SYS_CNTV_CTL_EL0:
		if (value & ~CNTV_CTL_BITS)
			return -EINVAL;
		value &= CNTV_CTL_KEPT;
		v->gic.check_timer = true;
		break;
	case AXV_SYS_CNTV_CVAL_EL0:
		v->gic.check_timer = true;
		break;
	case AXV_SYS_DISR_EL1:
		if (value & ~AXV_DISR_BITS)
			return -EINVAL;
		break;
	case AXV_SYS_SCTLR_EL1:
		/* As if the guest had written it: this may switch its caches on. */
		axv_arm64_caches_changed(v, v->sys[place], value);
		break;
	default:
		break;
	}
	v->sys[place] = value;
	return 0;
}

static bool id_valid(u64 id)
{
	return AXV_REG_ARCH(id) == AXV_REG_ARCH_ARM64 && AXV_REG_SIZE_LOG2(id) == 3;
}

/**
 * axv_arm64_get_reg() - read one register
 * @vcpu:	vCPU whose claim the caller holds
 * @id:		AXV_REG_ARM64()
 * @value:	its value
 *
 * Return: 0, or -ENOENT if there is no such register.
 */
int axv_arm64_get_reg(struct axv_vcpu *vcpu, u64 id, u64 *value)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	u64 index = AXV_REG_INDEX(id);

	axv_assert_claimed(vcpu);
	if (!id_valid(id))
		return -ENOENT;
	switch (AXV_REG_CLASS(id)) {
	case AXV_ARM64_CLASS_GPR:
		return get_gpr(v, index, value);
	case AXV_ARM64_CLASS_SYSREG:
		return get_sysreg(v, index, value);
	case AXV_ARM64_CLASS_EVENT:
		return axv_arm64_get_event(v, index, value);
	case AXV_ARM64_CLASS_GIC:
		return axv_arm64_get_gic(v, index, value);
	}
	return -ENOENT;
}

/**
 * axv_arm64_set_reg() - write one register
 * @vcpu:	vCPU whose claim the caller holds
 * @id:		AXV_REG_ARM64()
 * @value:	its new value
 *
 * Context: may sleep.
 * Return: 0, -ENOENT if there is no such register, -EINVAL for a value it cannot
 * have, -EPERM for what can only be read, -EAGAIN where there is no room.
 */
int axv_arm64_set_reg(struct axv_vcpu *vcpu, u64 id, u64 value)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	u64 index = AXV_REG_INDEX(id);

	axv_assert_claimed(vcpu);
	if (!id_valid(id))
		return -ENOENT;
	switch (AXV_REG_CLASS(id)) {
	case AXV_ARM64_CLASS_GPR:
		return set_gpr(v, index, value);
	case AXV_ARM64_CLASS_SYSREG:
		return set_sysreg(v, index, value);
	case AXV_ARM64_CLASS_EVENT:
		return axv_arm64_set_event(v, index, value);
	case AXV_ARM64_CLASS_GIC:
		return axv_arm64_set_gic(v, index, value);
	}
	return -ENOENT;
}

/**
 * axv_arm64_reg_list() - the ids of all registers a vCPU has
 * @v:		vCPU
 * @ids:	room for *@count of them
 * @count:	in: room; out: how many there are
 *
 * Return: 0, or -E2BIG if they do not fit.
 */
int axv_arm64_reg_list(const struct axv_arm64_vcpu *v, u64 *ids, u32 *count)
{
	u32 room = *count;
	unsigned int i;

	*count = AXV_ARM64_GPRS + AXV_SYSREG_COUNT + 1 + AXV_ARM64_EVENT_REGS +
		 axv_arm64_gic_list(v, NULL);
	if (*count > room)
		return -E2BIG;
	for (i = 0; i < AXV_ARM64_GPRS; i++)
		*ids++ = AXV_REG_ARM64(GPR, i);
	for (i = 0; i < AXV_SYSREG_COUNT; i++)
		*ids++ = AXV_REG_ARM64(SYSREG, sysregs[i]);
	*ids++ = AXV_REG_ARM64(SYSREG, OSLSR);
	for (i = 0; i < AXV_ARM64_EVENT_REGS; i++)
		*ids++ = AXV_REG_ARM64(EVENT, i);
	axv_arm64_gic_list(v, ids);
	return 0;
}

/* ---- the run page ---------------------------------------------------------- */

static void get_sregs(const struct axv_arm64_vcpu *v, struct axv_arm64_sregs *sregs)
{
	*sregs = (struct axv_arm64_sregs){
		.sp_el1 = v->sys[AXV_SYS_SP_EL1],
		.elr_el1 = v->sys[AXV_SYS_ELR_EL1],
		.spsr_el1 = v->sys[AXV_SYS_SPSR_EL1],
		.sctlr_el1 = v->sys[AXV_SYS_SCTLR_EL1],
		.cpacr_el1 = v->sys[AXV_SYS_CPACR_EL1],
		.ttbr0_el1 = v->sys[AXV_SYS_TTBR0_EL1],
		.ttbr1_el1 = v->sys[AXV_SYS_TTBR1_EL1],
		.tcr_el1 = v->sys[AXV_SYS_TCR_EL1],
		.mair_el1 = v->sys[AXV_SYS_MAIR_EL1],
		.vbar_el1 = v->sys[AXV_SYS_VBAR_EL1],
		.esr_el1 = v->sys[AXV_SYS_ESR_EL1],
		.far_el1 = v->sys[AXV_SYS_FAR_EL1],
		.tpidr_el1 = v->sys[AXV_SYS_TPIDR_EL1],
		.tpidr_el0 = v->sys[AXV_SYS_TPIDR_EL0],
		.tpidrro_el0 = v->sys[AXV_SYS_TPIDRRO_EL0],
		.contextidr_el1 = v->sys[AXV_SYS_CONTEXTIDR_EL1],
	};
}

static void set_sregs(struct axv_arm64_vcpu *v, const struct axv_arm64_sregs *sregs)
{
	axv_arm64_caches_changed(v, v->sys[AXV_SYS_SCTLR_EL1], sregs->sctlr_el1);
	v->sys[AXV_SYS_SP_EL1] = sregs->sp_el1;
	v->sys[AXV_SYS_ELR_EL1] = sregs->elr_el1;
	v->sys[AXV_SYS_SPSR_EL1] = sregs->spsr_el1;
	v->sys[AXV_SYS_SCTLR_EL1] = sregs->sctlr_el1;
	v->sys[AXV_SYS_CPACR_EL1] = sregs->cpacr_el1;
	v->sys[AXV_SYS_TTBR0_EL1] = sregs->ttbr0_el1;
	v->sys[AXV_SYS_TTBR1_EL1] = sregs->ttbr1_el1;
	v->sys[AXV_SYS_TCR_EL1] = sregs->tcr_el1;
	v->sys[AXV_SYS_MAIR_EL1] = sregs->mair_el1;
	v->sys[AXV_SYS_VBAR_EL1] = sregs->vbar_el1;
	v->sys[AXV_SYS_ESR_EL1] = sregs->esr_el1;
	v->sys[AXV_SYS_FAR_EL1] = sregs->far_el1;
	v->sys[AXV_SYS_TPIDR_EL1] = sregs->tpidr_el1;
	v->sys[AXV_SYS_TPIDR_EL0] = sregs->tpidr_el0;
	v->sys[AXV_SYS_TPIDRRO_EL0] = sregs->tpidrro_el0;
	v->sys[AXV_SYS_CONTEXTIDR_EL1] = sregs->contextidr_el1;
}

/* Copy in parts that the compiler copies without a call: memcpy() takes a third longer. */
static __always_inline void copy_gprs(struct axv_arm64_gprs *to,
				      const struct axv_arm64_gprs *from)
{
	struct part {
		u64 words[8];
	};
	const size_t parts = sizeof(*to) / sizeof(struct part);
	const struct part *f = (const void *)from;
	struct part *t = (void *)to;

	BUILD_BUG_ON(sizeof(*to) != 4 * sizeof(struct part) + 2 * sizeof(u64));
	t[0] = f[0];
	t[1] = f[1];
	t[2] = f[2];
	t[3] = f[3];
	t[parts].words[0] = f[parts].words[0];
	t[parts].words[1] = f[parts].words[1];
}

/*
 * PSTATE is read once, and the value that was checked is used: the VMM may write to the
 * page meanwhile.
 */
static __always_inline int load_gprs(struct axv_arm64_vcpu *v)
{
	const struct axv_arm64_gprs *gprs = &v->base.run->regs.gprs;
	u64 pstate = READ_ONCE(gprs->pstate);

	if (!pstate_valid(pstate))
		return -EINVAL;
	copy_gprs(&v->regs, gprs);
	v->regs.pstate = pstate;
	return 0;
}

static noinline int load_sets(struct axv_arm64_vcpu *v, u32 dirty)
{
	struct axv_arm64_sregs sregs __uninitialized;
	struct axv_run *run = v->base.run;

	if (dirty & ~(AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS))
		return -EINVAL;
	if (dirty & AXV_RUN_SET_GPRS && load_gprs(v))
		return -EINVAL;
	if (dirty & AXV_RUN_SET_SREGS) {
		memcpy(&sregs, &run->regs.sregs, sizeof(sregs));
		barrier_data(&sregs);
		set_sregs(v, &sregs);
	}
	WRITE_ONCE(run->dirty, 0);
	return 0;
}

/**
 * axv_arm64_prepare_run() - load what the run page has for the entry
 * @vcpu:	vCPU whose claim the caller holds
 *
 * Context: may sleep.
 * Return: 0, or -EINVAL if a set is unknown or holds a PSTATE the guest cannot
 * have; then nothing has changed.
 */
int axv_arm64_prepare_run(struct axv_vcpu *vcpu)
{
	u32 dirty = READ_ONCE(vcpu->run->dirty);

	axv_assert_claimed(vcpu);
	if (likely(!dirty))
		return 0;
	return load_sets(to_arm64(vcpu), dirty);
}

/**
 * axv_arm64_store_run() - store the register sets that the run page wants
 * @vcpu:	vCPU whose claim the caller holds
 */
void axv_arm64_store_run(struct axv_vcpu *vcpu)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	struct axv_run *run = vcpu->run;
	u32 want = READ_ONCE(run->want);
	u32 valid = 0;

	axv_assert_claimed(vcpu);
	if (want & AXV_RUN_SET_GPRS) {
		copy_gprs(&run->regs.gprs, &v->regs);
		valid |= AXV_RUN_SET_GPRS;
	}
	if (want & AXV_RUN_SET_SREGS) {
		get_sregs(v, &run->regs.sregs);
		valid |= AXV_RUN_SET_SREGS;
	}
	run->valid = valid;
}

/**
 * axv_arm64_sync_gprs() - load and store the general registers only
 * @vcpu:	vCPU whose claim the caller holds
 * @dirty:	AXV_RUN_SET_GPRS: load them
 * @want:	AXV_RUN_SET_GPRS: store them
 *
 * Context: under &axv_vcpu.lock.
 * Return: 0, or -EINVAL for a PSTATE the guest cannot have; then nothing has changed.
 */
int axv_arm64_sync_gprs(struct axv_vcpu *vcpu, u32 dirty, u32 want)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	struct axv_run *run = vcpu->run;

	axv_assert_claimed(vcpu);
	if (dirty & AXV_RUN_SET_GPRS) {
		if (load_gprs(v))
			return -EINVAL;
		WRITE_ONCE(run->dirty, 0);
	}
	if (want & AXV_RUN_SET_GPRS)
		copy_gprs(&run->regs.gprs, &v->regs);
	run->valid = want & AXV_RUN_SET_GPRS;
	return 0;
}

/* ---- vector state ------------------------------------------------------------ */

/**
 * axv_arm64_get_fpu() - read the vector state
 * @vcpu:	vCPU whose claim the caller holds
 * @data:	struct axv_arm64_fpu
 * @size:	bytes at @data
 *
 * Return: 0, or -EINVAL if @size is not what AXV_QUERY_FPU_SIZE tells.
 */
int axv_arm64_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size)
{
	const struct axv_arm64_vcpu *v = to_arm64(vcpu);

	axv_assert_claimed(vcpu);
	if (size != sizeof(v->fpu))
		return -EINVAL;
	memcpy(data, &v->fpu, size);
	return 0;
}

/**
 * axv_arm64_set_fpu() - replace the vector state
 * @vcpu:	vCPU whose claim the caller holds
 * @data:	struct axv_arm64_fpu
 * @size:	bytes at @data
 *
 * Bits of FPSR and FPCR that the processor does not have stay zero.
 *
 * Return: 0, or -EINVAL for a wrong @size or padding that is not zero.
 */
int axv_arm64_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);
	const struct axv_arm64_fpu *fpu = data;

	axv_assert_claimed(vcpu);
	if (size != sizeof(*fpu) || fpu->pad)
		return -EINVAL;
	memcpy(&v->fpu, fpu, size);
	return 0;
}
