// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped system registers (ESR_EL2.EC 0x18).
 *
 * The kernel answers for registers that describe the processor, for those of its caches
 * and its counter, and for debug registers.  The VMM answers for those of the interrupt
 * controller, those that an implementation defines and the physical timer.  Everything
 * else belongs to a feature that the guest does not have, and is undefined.
 */
#include <linux/irqflags.h>
#include <asm/arch_timer.h>
#include <asm/barrier.h>
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "arm64.h"

#define ISS_READ		BIT(0)
#define ISS_REG(iss)		(((iss) >> 5) & 0x1f)

#define OSLSR_OSLM		BIT(3)
#define OSLSR_OSLK		BIT(1)

/* SRE, and no bypass of IRQ and FIQ */
#define ICC_SRE_BITS		7

#define OP0(sysreg)		((sysreg) >> 14)
#define OP1(sysreg)		(((sysreg) >> 11) & 7)
#define CRN(sysreg)		(((sysreg) >> 7) & 0xf)
#define CRM(sysreg)		(((sysreg) >> 3) & 0xf)

#define DC_ISW			AXV_SYSREG(1, 0, 7, 6, 2)
#define DC_CSW			AXV_SYSREG(1, 0, 7, 10, 2)
#define DC_CISW			AXV_SYSREG(1, 0, 7, 14, 2)
#define MDSCR			AXV_SYSREG(2, 0, 0, 2, 2)
#define OSLAR			AXV_SYSREG(2, 0, 1, 0, 4)
#define OSLSR			AXV_SYSREG(2, 0, 1, 1, 4)
#define ACTLR			AXV_SYSREG(3, 0, 1, 0, 1)
#define REVIDR			AXV_SYSREG(3, 0, 0, 0, 6)
#define CCSIDR			AXV_SYSREG(3, 1, 0, 0, 0)
#define CLIDR			AXV_SYSREG(3, 1, 0, 0, 1)
#define AIDR			AXV_SYSREG(3, 1, 0, 0, 7)
#define CSSELR			AXV_SYSREG(3, 2, 0, 0, 0)
#define CTR			AXV_SYSREG(3, 3, 0, 0, 1)
#define ICC_DIR			AXV_SYSREG(3, 0, 12, 11, 1)
#define ICC_SGI1R		AXV_SYSREG(3, 0, 12, 11, 5)
#define ICC_ASGI1R		AXV_SYSREG(3, 0, 12, 11, 6)
#define ICC_SGI0R		AXV_SYSREG(3, 0, 12, 11, 7)
#define ICC_SRE			AXV_SYSREG(3, 0, 12, 12, 5)
#define ICC_PMR			AXV_SYSREG(3, 0, 4, 6, 0)
#define CNTPCT			AXV_SYSREG(3, 3, 14, 0, 1)
#define CNTPCTSS		AXV_SYSREG(3, 3, 14, 0, 5)
#define CNTP_TVAL		AXV_SYSREG(3, 3, 14, 2, 0)
#define CNTP_CTL		AXV_SYSREG(3, 3, 14, 2, 1)
#define CNTP_CVAL		AXV_SYSREG(3, 3, 14, 2, 2)

/*
 * CSSELR_EL1 has a level and a bit for instructions; CLIDR_EL1 tells which caches a level
 * has.
 */
#define CSSELR_BITS		GENMASK(3, 0)
#define CSSELR_INSTRUCTION	BIT(0)
#define CTYPE_NONE		0
#define CTYPE_INSTRUCTION	1
#define CTYPE_DATA		2
#define CTYPE_SEPARATE		3

/* The encoding of the register, which ISS has in several fields (Arm ARM, ESR_ELx, EC 0x18) */
static u32 sysreg_of(u64 iss)
{
	return AXV_SYSREG((iss >> 20) & 3, (iss >> 14) & 7, (iss >> 10) & 0xf,
			  (iss >> 1) & 0xf, (iss >> 17) & 7);
}

/*
 * CCSIDR_EL1 for a value of CSSELR_EL1, as this CPU has it; no other CPU is asked.  For a
 * cache that is not there the register may have any value, or be undefined (Arm ARM,
 * CCSIDR_EL1), so 0 is returned.  The guest's CSSELR_EL1 is in memory, so the register
 * may be written.
 */
static u64 read_ccsidr(u64 select)
{
	unsigned int level = (select >> 1) & 7;
	unsigned long flags;
	u64 ccsidr;
	u64 type = level < 7 ? (read_sysreg(clidr_el1) >> (3 * level)) & 7 : CTYPE_NONE;
	bool there = select & CSSELR_INSTRUCTION ?
		     type == CTYPE_INSTRUCTION || type == CTYPE_SEPARATE :
		     type >= CTYPE_DATA;

	if (!there || select & ~CSSELR_BITS)
		return 0;
	local_irq_save(flags);
	write_sysreg(select, csselr_el1);
	isb();
	ccsidr = read_sysreg(ccsidr_el1);
	local_irq_restore(flags);
	return ccsidr;
}

static bool read_debug(const struct axv_arm64_vcpu *v, u32 sysreg, u64 *value)
{
	switch (sysreg) {
	case MDSCR:
		*value = v->sys[AXV_SYS_MDSCR_EL1];
		return true;
	case OSLSR:
		*value = OSLSR_OSLM | (v->os_locked ? OSLSR_OSLK : 0);
		return true;
	}
	/*
	 * Registers of breakpoints and of the debugger's channel are there, and do
	 * nothing; those with op1 = 1 are of trace, which is not there.
	 */
	*value = 0;
	return OP1(sysreg) != 1;
}

/* Read a register that the kernel answers for; false: it does not. */
static bool read_known(const struct axv_arm64_vcpu *v, u32 sysreg, u64 *value)
{
	if (OP0(sysreg) == 2)
		return read_debug(v, sysreg, value);
	if (OP0(sysreg) != 3)
		return false;
	if (axv_arm64_id_reg(v, sysreg, value))
		return true;
	switch (sysreg) {
	case CTR:
		*value = read_sanitised_ftr_reg(SYS_CTR_EL0);
		return true;
	case CLIDR:
		*value = read_sysreg(clidr_el1);
		return true;
	case REVIDR:
		*value = read_sysreg_s(SYS_REVIDR_EL1);
		return true;
	case AIDR:
		*value = read_sysreg_s(SYS_AIDR_EL1);
		return true;
	case ACTLR:
		*value = 0;
		return true;
	case CNTPCT:
	case CNTPCTSS:
		/* A guest has one counter: the physical one reads as the virtual one. */
		*value = arch_timer_read_counter() -
			 READ_ONCE(to_arm64_vm(v->base.vm)->cntvoff);
		return true;
	case ICC_SRE:
		/*
		 * There is no interface but system registers, and no bypass (GIC,
		 * ICC_SRE_EL1).
		 */
		*value = ICC_SRE_BITS;
		return axv_arm64_has_gic(v);
	}
	return false;
}

static bool write_known(struct axv_arm64_vcpu *v, u32 sysreg, u64 value)
{
	switch (sysreg) {
	case MDSCR:
		v->sys[AXV_SYS_MDSCR_EL1] = (u32)value;
		return true;
	case OSLAR:
		v->os_locked = value & 1;
		return true;
	case ACTLR:
		return true;
	case ICC_SRE:
		return axv_arm64_has_gic(v);
	case ICC_SGI1R:
		return axv_arm64_has_sgis(v) && axv_arm64_sgi_to_list(v, value);
	}
	return OP0(sysreg) == 2 && OP1(sysreg) != 1;
}

/* Is the register one of GICv3's CPU interface for which the VMM has to answer? */
static bool is_vmms_gic(const struct axv_arm64_vcpu *v, u32 sysreg)
{
	if (axv_arm64_has_gic(v))
		return (sysreg == ICC_SGI1R && !axv_arm64_has_sgis(v)) ||
		       sysreg == ICC_ASGI1R || sysreg == ICC_SGI0R;
	return sysreg == ICC_PMR ||
	       (OP1(sysreg) == 0 && CRN(sysreg) == 12 && CRM(sysreg) >= 8);
}

/* Does the VMM have to answer for the register? */
static bool is_vmms(const struct axv_arm64_vcpu *v, u32 sysreg)
{
	if (OP0(sysreg) != 3)
		return false;
	switch (sysreg) {
	case CNTP_TVAL:
	case CNTP_CTL:
	case CNTP_CVAL:
		return true;
	}
	/* Those that are implementation defined (Arm ARM, HCR_EL2.TIDCP), but not for EL0 */
	if (CRN(sysreg) == 11 || CRN(sysreg) == 15)
		return (v->regs.pstate & PSR_MODE_MASK) != PSR_MODE_EL0t;
	return is_vmms_gic(v, sysreg);
}

static void send_ipi(struct axv_arm64_vcpu *v, u64 value)
{
	struct axv_run *run = axv_arm64_exit(v, AXV_EXIT_SEND_IPI, 4);

	run->exit.send_ipi = axv_arm64_decode_sgi(value);
}

static enum axv_next ask_vmm(struct axv_arm64_vcpu *v, u32 sysreg)
{
	u64 iss = ESR_ELx_ISS(v->last.esr);
	unsigned int reg = ISS_REG(iss);
	u64 value = axv_arm64_reg(v, reg);
	struct axv_run *run;
	u32 name = iss & ~(GENMASK(9, 5) | ISS_READ);

	if (iss & ISS_READ) {
		v->pending = (struct axv_arm64_pending){
			.kind = AXV_PENDING_SYSREG,
			.reg = reg,
			.pc = v->regs.pc,
		};
		run = axv_arm64_exit(v, AXV_EXIT_SYSREG_READ, 4);
		run->exit.sysreg = (struct axv_exit_sysreg){
			.addr = name,
			.reg = reg,
		};
		return AXV_EXIT;
	}
	if (sysreg == ICC_SGI1R) {
		send_ipi(v, value);
	} else {
		run = axv_arm64_exit(v, AXV_EXIT_SYSREG_WRITE, 4);
		run->exit.sysreg = (struct axv_exit_sysreg){
			.addr = name,
			.value = value,
			.reg = reg,
		};
	}
	axv_arm64_skip(v);
	return AXV_EXIT;
}

/**
 * axv_arm64_sysreg() - handle a trapped MRS, MSR or system instruction
 * @v:		vCPU that just left the guest
 *
 * Context: interrupts and preemption off.
 * Return: what the inner loop does next.
 */
enum axv_next axv_arm64_sysreg(struct axv_arm64_vcpu *v)
{
	u64 iss = ESR_ELx_ISS(v->last.esr);
	u32 sysreg = sysreg_of(iss);
	bool known;
	u64 value;

	if (iss & ISS_READ) {
		known = read_known(v, sysreg, &value);
		if (known)
			axv_arm64_set_reg_value(v, ISS_REG(iss), value);
	} else {
		known = write_known(v, sysreg, axv_arm64_reg(v, ISS_REG(iss)));
	}
	if (known) {
		axv_arm64_skip(v);
		return AXV_RESUME;
	}
	return is_vmms(v, sysreg) ? ask_vmm(v, sysreg) : AXV_SLOW;
}

/* Write a register of stage 1 for the guest, whose write was trapped. */
static bool write_stage1(struct axv_arm64_vcpu *v, u32 sysreg, u64 value)
{
	enum axv_arm64_sysreg place = axv_arm64_sysreg_place(sysreg);

	if (place == AXV_SYSREG_COUNT)
		return false;
	if (place == AXV_SYS_SCTLR_EL1)
		axv_arm64_caches_changed(v, v->sys[place], value);
	v->sys[place] = value;
	return true;
}

/* Access CSSELR_EL1 or CCSIDR_EL1 for the guest, where HCR_EL2.TID2 traps that. */
static bool select_cache(struct axv_arm64_vcpu *v, u32 sysreg, u64 iss)
{
	unsigned int reg = ISS_REG(iss);
	u64 *select = &v->sys[AXV_SYS_CSSELR_EL1];

	if (sysreg == CSSELR && iss & ISS_READ)
		axv_arm64_set_reg_value(v, reg, *select);
	else if (sysreg == CSSELR)
		*select = axv_arm64_reg(v, reg) & CSSELR_BITS;
	else if (sysreg == CCSIDR && iss & ISS_READ)
		axv_arm64_set_reg_value(v, reg, read_ccsidr(*select));
	else
		return false;
	return true;
}

/**
 * axv_arm64_sysreg_slow() - handle a trap that axv_arm64_sysreg() could not handle
 * @v:		vCPU whose last exit is a trap, its system registers in memory
 *
 * Context: process context.
 * Return: AXV_RESUME.
 */
enum axv_next axv_arm64_sysreg_slow(struct axv_arm64_vcpu *v)
{
	u64 iss = ESR_ELx_ISS(v->last.esr);
	u32 sysreg = sysreg_of(iss);
	bool write = !(iss & ISS_READ);

	switch (sysreg) {
	case DC_ISW:
	case DC_CSW:
	case DC_CISW:
		axv_arm64_set_way(v);
		axv_arm64_skip(v);
		return AXV_RESUME;
	}
	if (select_cache(v, sysreg, iss)) {
		axv_arm64_skip(v);
		return AXV_RESUME;
	}
	if (write && sysreg == ICC_DIR && axv_arm64_has_gic(v)) {
		axv_arm64_gic_dir(v, axv_arm64_reg(v, ISS_REG(iss)));
		axv_arm64_skip(v);
		return AXV_RESUME;
	}
	if (write && sysreg == ICC_SGI1R && axv_arm64_has_sgis(v)) {
		axv_arm64_sgi_to_others(v, axv_arm64_reg(v, ISS_REG(iss)));
		axv_arm64_skip(v);
		return AXV_RESUME;
	}
	if (write && axv_arm64_traps_stage1(v) &&
	    write_stage1(v, sysreg, axv_arm64_reg(v, ISS_REG(iss))))
		axv_arm64_skip(v);
	else
		axv_arm64_undefined(v);
	return AXV_RESUME;
}
