/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The EL2 back end for arm64 hosts, whether their kernel runs at EL2 (VHE) or at
 * EL1.  "Arm ARM" is the Arm Architecture Reference Manual for A-profile, DDI 0487.
 */
#ifndef _AXVCPU_ARM64_H
#define _AXVCPU_ARM64_H

#include <linux/hrtimer.h>
#include <linux/jump_label.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/esr.h>
#include <asm/kvm_arm.h>
#include <asm/ptrace.h>

#include <linux/axvcpu.h>
#include <axvcpu/arch.h>
#include <axvcpu/next.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "gic.h"
#include "sysregs.h"

/* A system register by its encoding, as a class of register ids numbers them. */
#define AXV_SYSREG(op0, op1, crn, crm, op2)	\
	((u32)AXV_ARM64_SYSREG_INDEX(op0, op1, crn, crm, op2))

/**
 * struct axv_arm64_host - what this host's processors have in common
 * @vhe:	the kernel runs at EL2
 * @phys_bits:	width of physical addresses, at most 48
 * @vmid_bits:	width of the VMIDs that the module hands out; 0: none, all guests share
 *		VMID 0
 * @hcr:	bits of HCR_EL2 that every guest has on every CPU
 * @fwb:	stage 2 can force write-back (FEAT_S2FWB): data caches need no maintenance
 * @ras:	RAS extension: SErrors have a syndrome
 * @dit:	PSTATE.DIT (FEAT_DIT)
 * @mte:	memory tagging (FEAT_MTE2)
 * @gicv3:	the GIC's CPU interface is a set of system registers
 * @vgic:	guests can have a virtual CPU interface (AXV_IRQCHIP_GICV3)
 * @el0_32:	guests can use AArch32 at EL0
 * @trap_stage1: a guest's writes to registers of stage 1 have to trap: otherwise they can
 *		cause aborts in other hardware threads (ThunderX2 erratum 219)
 *
 * Constant once the module is loaded.
 */
struct axv_arm64_host {
	bool vhe;
	u32 phys_bits;
	u32 vmid_bits;
	u64 hcr;
	bool fwb;
	bool ras;
	bool dit;
	bool mte;
	bool gicv3;
	bool vgic;
	bool el0_32;
	bool trap_stage1;
};

extern struct axv_arm64_host axv_arm64_host;

/* &axv_arm64_host.vhe as a static key, for the run path. */
DECLARE_STATIC_KEY_FALSE(axv_arm64_vhe);
/* The host has PSTATE.DIT or PSTATE.TCO, which axv_arm64_switch() restores after an exit. */
DECLARE_STATIC_KEY_FALSE(axv_arm64_dit_or_mte);

/* Bits AXV_OPTIONAL_*: features that the CPU has and others may lack. */
DECLARE_PER_CPU(u64, axv_arm64_optional);
/* HCR_EL2 of every guest on the CPU: &axv_arm64_host.hcr and axv_arm64_cpu_traps() */
DECLARE_PER_CPU(u64, axv_arm64_hcr);

/**
 * struct axv_arm64_vm - a VM on arm64
 * @base:	the core's part
 * @vtcr:	VTCR_EL2.  Constant.
 * @cntvoff:	the guest's counter is the host's minus this; one for all its
 *		vCPUs.  Read without a lock at every run.
 * @vmid:	VMID and its generation, see vmid.c; 0: none yet
 * @tlb:	what the TLB of each CPU may hold of the VM, see tlb.c
 */
struct axv_arm64_vm {
	struct axv_vm base;
	u64 vtcr;
	u64 cntvoff;
	u64 vmid;
	struct axv_arm64_tlb __percpu *tlb;
};

/**
 * struct axv_arm64_events - events that wait to be delivered to the guest
 *
 * Under &axv_vcpu.lock, since any thread may inject:
 * @lines:	HCR_EL2's VI and VF: the IRQ and the FIQ input are asserted; VSE: an SError
 *		interrupt is pending.  Read at each entry, without the lock: see
 *		axv_arm64_set_line().
 * @serror_iss:	the syndrome of the SError
 * @exception:	ESR_EL1 of a pending synchronous exception; 0: none
 * @exception_addr: FAR_EL1 that goes with it
 * @any:	@exception is pending.  The holder of the claim clears it under the lock,
 *		and may read it without.
 *
 * Only the holder of the claim touches this:
 * @halted:	the vCPU is halted until an interrupt comes
 *
 * The holder of the claim reads @any and @halted at once by:
 * @not_yet:	not zero if @any or @halted is set: the guest is not entered
 */
struct axv_arm64_events {
	u64 lines;
	u32 serror_iss;
	u64 exception;
	u64 exception_addr;
	union {
		struct {
			bool any;
			bool halted;
		};
		u16 not_yet;
	};
};

/**
 * struct axv_arm64_timer - the virtual timer, for a vCPU that is not in the guest
 * @hrtimer:	the host's timer, which wakes a halted vCPU when the guest's fires
 * @armed:	@hrtimer is started; its callback clears this
 * @cval:	value of the guest's counter for which @hrtimer was started
 * @offset:	value of &axv_arm64_vm.cntvoff for which @hrtimer was started
 * @told:	without irqchip: the output as the VMM knows it, &axv_run.timer_level of
 *		the last exit
 * @rose:	the output was found high while @told is low: the VMM has to be told
 *
 * All but @armed belong to the holder of the claim.
 */
struct axv_arm64_timer {
	struct hrtimer hrtimer;
	bool armed;
	u64 cval;
	u64 offset;
	bool told;
	bool rose;
};

enum axv_pending_kind {
	AXV_PENDING_NONE = 0,
	AXV_PENDING_MMIO,
	AXV_PENDING_SYSREG,
};

/**
 * struct axv_arm64_pending - a read exit that waits for the VMM's data
 * @kind:	an enum axv_pending_kind
 * @width:	bytes of the access
 * @sign_extend: fill the register with copies of the uppermost bit
 * @wide:	the register is 64 bits wide, not 32
 * @reg:	general register that takes the data; 31: none
 * @pc:		address of the instruction
 *
 * This is kept here and not in the run page, so that the VMM can change nothing but the
 * data.  The length of the instruction is that of &axv_arm64_vcpu.last, since no other
 * exit came after this one.
 */
struct axv_arm64_pending {
	u8 kind;
	u8 width;
	bool sign_extend;
	bool wide;
	u8 reg;
	u64 pc;
};

/**
 * struct axv_arm64_syndrome - what the registers of EL2 told of the last exit
 * @code:	AXV_EL2_* in the lowest 8 bits, DISR_EL1 above them, and
 *		AXV_EL2_SERROR_TAKEN.  0: a synchronous exception, and no SError
 * @esr:	ESR_EL2; 0 for an interrupt, which has none
 * @far:	FAR_EL2
 * @ipa:	page of the guest physical address, if @ipa_valid
 * @ipa_valid:	@ipa is known
 * @before:	page of the guest physical address of the byte before @far, if
 *		@before_valid
 * @before_valid: @before is known, and the access may have begun there: for the guest the
 *		page is Normal memory
 *
 * All but @code and @esr are valid after an abort only.
 */
struct axv_arm64_syndrome {
	u64 code;
	u64 esr;
	u64 far;
	u64 ipa;
	bool ipa_valid;
	u64 before;
	bool before_valid;
};

/* axv_arm64_syndrome.code: the vector by which the guest left; shared with entry.S */
#define AXV_EL2_SYNC		0
#define AXV_EL2_IRQ		1
#define AXV_EL2_SERROR		2
#define AXV_EL2_FAULT		3	/* the guest was not entered, see axv_nvhe_report() */
#define AXV_EL2_VECTOR(code)	((code) & 0xff)
#define AXV_EL2_DISR(code)	((code) >> 8 & AXV_DISR_BITS)
/* The guest took the virtual SError. */
#define AXV_EL2_SERROR_TAKEN	BIT_ULL(63)
#define AXV_DISR_A		BIT_ULL(31)
/* All that DISR_EL1 and VDISR_EL2 have: A, IDS and the syndrome */
#define AXV_DISR_BITS		(AXV_DISR_A | GENMASK_ULL(24, 0))

/**
 * struct axv_arm64_again - the last abort that was answered by entering the guest again
 * @exit:	number of the exit among those of the vCPU, not counting exits by the
 *		host's interrupts
 * @pc:		address of the instruction
 * @esr:	ESR_EL2
 * @far:	FAR_EL2
 * @count:	how often in a row it came
 */
struct axv_arm64_again {
	u64 exit;
	u64 pc;
	u64 esr;
	u64 far;
	unsigned int count;
};

/**
 * struct axv_vhe_host - the host's state while a guest's is loaded, with VHE
 * @ctl:	the host's values of the registers in &enum axv_arm64_ctl
 * @tpidr_el0:	TPIDR_EL0 of the host's thread
 * @tpidrro_el0: TPIDRRO_EL0 of the host's thread
 */
struct axv_vhe_host {
	u64 ctl[AXV_CTL_COUNT];
	u64 tpidr_el0;
	u64 tpidrro_el0;
};

/**
 * struct axv_arm64_vcpu - a vCPU on arm64
 * @base:	the core's part
 * @regs:	general registers, PC and PSTATE; authoritative whenever the guest
 *		is not entered.  Read and written by entry.S.
 * @sys:	system registers; authoritative whenever they are not loaded, see run.c
 * @ctl:	registers that control the guest, by &enum axv_arm64_ctl.  Some of them
 *		never change; axv_arm64_controls() sets the others when the guest's
 *		registers are loaded, and before that they mean nothing.
 * @fpu:	vector registers; authoritative whenever they are not loaded
 * @host_fpu:	the host's vector registers, from axv_arm64_fpu_begin() until they are
 *		loaded again
 * @host:	the host's registers, from axv_vhe_load() to axv_vhe_put().  @host_fpu and
 *		@host are not on the stack, since the compiler would guard it on every
 *		run.
 * @last:	the last exit
 * @again:	the last abort that was answered by entering the guest again
 * @fault_error: why the host could not give memory, the last time it could not
 * @trap_caches: writes to registers of stage 1 trap (HCR_EL2.TVM), to notice when the
 *		guest switches its caches on or off
 * @dit:	PSTATE.DIT of the host while the guest runs, if the host has it
 * @tco:	PSTATE.TCO of the host while the guest runs, if the host has it
 * @serial:	number that no other vCPU ever has
 * @os_locked:	the OS lock of the debug registers is set
 * @events:	events that wait to be delivered to the guest
 * @pending:	a read exit that waits for its data
 * @has_gic:	the VM's irqchip is AXV_IRQCHIP_GICV3.  Constant.
 * @ich:	the virtual CPU interface
 * @gic:	the queue of interrupts, with AXV_IRQCHIP_GICV3
 * @timer:	the virtual timer
 *
 * The claim guards all but @events and @gic.
 */
struct axv_arm64_vcpu {
	struct axv_vcpu base;
	struct axv_arm64_gprs regs;
	u64 sys[AXV_SYSREG_COUNT];
	u64 ctl[AXV_CTL_COUNT];
	struct axv_arm64_fpu fpu __aligned(16);
	struct axv_arm64_fpu host_fpu __aligned(16);
	struct axv_vhe_host host;
	struct axv_arm64_syndrome last;
	struct axv_arm64_again again;
	int fault_error;
	bool trap_caches;
	u64 dit;
	u64 tco;
	u64 serial;
	bool os_locked;
	struct axv_arm64_events events;
	struct axv_arm64_pending pending;
	bool has_gic;
	struct axv_arm64_ich ich;
	struct axv_arm64_gic gic;
	struct axv_arm64_timer timer;
};

static inline struct axv_arm64_vcpu *to_arm64(struct axv_vcpu *vcpu)
{
	return container_of(vcpu, struct axv_arm64_vcpu, base);
}

static inline struct axv_arm64_vm *to_arm64_vm(struct axv_vm *vm)
{
	return container_of(vm, struct axv_arm64_vm, base);
}

static inline bool axv_arm64_has_gic(const struct axv_arm64_vcpu *v)
{
	return v->has_gic;
}

/* Does the kernel send the guest's SGIs, without the VMM? */
static inline bool axv_arm64_has_sgis(const struct axv_arm64_vcpu *v)
{
	return v->base.vm->flags & AXV_VM_SGI_IN_KERNEL;
}

/**
 * axv_arm64_exit() - begin to describe an exit
 * @v:		vCPU
 * @reason:	an enum axv_exit_reason
 * @len:	length of the instruction, 0 if there is none
 *
 * Return: the run page; the caller fills in its union and must read nothing back, since
 * the VMM may write to the page.
 */
static inline struct axv_run *axv_arm64_exit(struct axv_arm64_vcpu *v,
					     u32 reason, u8 len)
{
	return axv_exit(&v->base, reason, len);
}

/* Number 31 is the zero register: it reads as zero and ignores writes. */
static inline u64 axv_arm64_reg(const struct axv_arm64_vcpu *v, unsigned int reg)
{
	return reg < 31 ? v->regs.x[reg] : 0;
}

static inline void axv_arm64_set_reg_value(struct axv_arm64_vcpu *v,
					   unsigned int reg, u64 value)
{
	if (reg < 31)
		v->regs.x[reg] = value;
}

static inline bool axv_arm64_is_aarch32(const struct axv_arm64_vcpu *v)
{
	return v->regs.pstate & PSR_MODE32_BIT;
}

/* Do writes to registers of stage 1 exit: to watch the caches, or for erratum 219? */
static inline bool axv_arm64_traps_stage1(const struct axv_arm64_vcpu *v)
{
	return v->trap_caches || axv_arm64_host.trap_stage1;
}

/* Bits of PSTATE that a guest may have in AArch64 state */
#define AXV_PSTATE_64	(PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | PSR_V_BIT |	\
			 PSR_DIT_BIT | PSR_UAO_BIT | PSR_PAN_BIT |		\
			 PSR_SSBS_BIT | PSR_BTYPE_MASK | PSR_D_BIT |		\
			 PSR_A_BIT | PSR_I_BIT | PSR_F_BIT | PSR_IL_BIT |	\
			 DBG_SPSR_SS | PSR_MODE_MASK)

/*
 * An exception stores PSTATE with bits of features that the processor has and the guest
 * has not (TCO, ALLINT).  They are cleared here: otherwise the VMM could not write back
 * the PSTATE that it has read.
 */
static inline u64 axv_arm64_known_pstate(u64 pstate)
{
	return pstate & PSR_MODE32_BIT ? (u32)pstate : pstate & AXV_PSTATE_64;
}

/*
 * Bits of MDSCR_EL1 that the guest has: single steps work, but breakpoint registers are
 * not the guest's.
 */
#define AXV_MDSCR_SS		BIT(0)
#define AXV_MDSCR_KDE		BIT(13)

static inline u64 axv_arm64_mdscr(const struct axv_arm64_vcpu *v)
{
	return v->sys[AXV_SYS_MDSCR_EL1] & (AXV_MDSCR_SS | AXV_MDSCR_KDE);
}

/* backend.c */
void axv_arm64_reset(struct axv_arm64_vcpu *v);

/* host.c: what the host has */
int axv_arm64_host_init(void);
u64 axv_arm64_cpu_traps(u64 pfr0, u64 pfr1);
u64 axv_arm64_pa_size(void);
bool axv_arm64_kvm_is_there(void);
void axv_arm64_look_at_cpu(void);
void axv_arm64_harden_cpu(void);

/* idregs.c: ID registers as the guest sees them */
void axv_arm64_idregs_init(void);
bool axv_arm64_id_reg(const struct axv_arm64_vcpu *v, u32 sysreg, u64 *value);

/* controls.c: registers of EL2 that control a guest */
void axv_arm64_controls_init(struct axv_arm64_vcpu *v);

/* tlb.c: what a CPU's TLB has to forget before an entry; shared with el2.S */
#define AXV_TLB_NOTHING		0
#define AXV_TLB_STAGE1		1	/* the VM's translations by its stage 1 */
#define AXV_TLB_VM		2	/* all translations of the VM */
#define AXV_TLB_OTHER		3	/* those of another VM, which had the same VMID */
#define AXV_TLB_ALL		4	/* those of all guests */

int axv_arm64_tlb_init(void);
void axv_arm64_tlb_exit(void);
void axv_arm64_tlb_reset_cpu(void);
int axv_arm64_tlb_create(struct axv_arm64_vm *vm);
void axv_arm64_tlb_destroy(struct axv_arm64_vm *vm);
void axv_arm64_flush_stage2(struct axv_vm *vm);

/* run.c: entry and exit */
int axv_arm64_run(struct axv_vcpu *vcpu);

/* exit.c: handlers of exits */
enum axv_next axv_arm64_wfx(struct axv_arm64_vcpu *v);
enum axv_next axv_arm64_handle_slow(struct axv_arm64_vcpu *v);

/* insn.c: the instruction that exited */
/**
 * axv_arm64_insn_len() - bytes of the instruction that exited
 * @v:		vCPU whose claim the caller holds
 */
static inline u8 axv_arm64_insn_len(const struct axv_arm64_vcpu *v)
{
	return v->last.esr & ESR_ELx_IL ? 4 : 2;
}

bool axv_arm64_condition_holds(const struct axv_arm64_vcpu *v);
u64 axv_arm64_advance_it(u64 pstate);

/**
 * axv_arm64_skip() - move the guest past the instruction that exited
 * @v:		vCPU whose claim the caller holds
 */
static inline void axv_arm64_skip(struct axv_arm64_vcpu *v)
{
	u64 pstate = v->regs.pstate;

	v->regs.pc += axv_arm64_insn_len(v);
	if (likely(!axv_arm64_is_aarch32(v)))
		pstate &= ~(u64)PSR_BTYPE_MASK;
	else if (pstate & PSR_AA32_T_BIT)
		pstate = axv_arm64_advance_it(pstate);
	/* A single step of a debugger inside the guest is complete. */
	v->regs.pstate = pstate & ~(u64)DBG_SPSR_SS;
}

/* access.c: aborts of the second stage, and the data of reads */
enum axv_next axv_arm64_ring(struct axv_arm64_vcpu *v);
enum axv_next axv_arm64_abort(struct axv_arm64_vcpu *v);
void axv_arm64_complete(struct axv_arm64_vcpu *v);

/* trap.c: trapped system registers */
enum axv_next axv_arm64_sysreg(struct axv_arm64_vcpu *v);
enum axv_next axv_arm64_sysreg_slow(struct axv_arm64_vcpu *v);

/* psci.c: SMCCC and PSCI */
void axv_arm64_smccc_init(void);
enum axv_next axv_arm64_smccc(struct axv_arm64_vcpu *v, u8 len);

/* events.c: the interrupt inputs, and exceptions to EL1 */
/**
 * axv_arm64_set_line() - set or clear a bit of HCR_EL2 for all entries from now on
 * @events:	events of a vCPU
 * @bit:	HCR_VI, HCR_VF or HCR_VSE
 * @level:	asserted
 *
 * The caller has written the syndrome before it sets HCR_VSE; otherwise an entry could
 * see the bit with an old syndrome.
 *
 * Context: under &axv_vcpu.lock.
 */
static inline void axv_arm64_set_line(struct axv_arm64_events *events, u64 bit, bool level)
{
	/* Pairs with axv_arm64_guest_hcr(). */
	smp_store_release(&events->lines, level ? events->lines | bit : events->lines & ~bit);
}

int axv_arm64_inject(struct axv_vcpu *vcpu, const struct axv_inject *event);
bool axv_arm64_has_event(struct axv_vcpu *vcpu);
void axv_arm64_raise(struct axv_arm64_vcpu *v, u64 esr, u64 far);
void axv_arm64_undefined(struct axv_arm64_vcpu *v);
void axv_arm64_serror(struct axv_arm64_vcpu *v, u64 iss);
void axv_arm64_deliver(struct axv_arm64_vcpu *v);
int axv_arm64_get_event(struct axv_arm64_vcpu *v, u64 index, u64 *value);
int axv_arm64_set_event(struct axv_arm64_vcpu *v, u64 index, u64 value);

/* regs.c: registers by their ids, and the run page's sets of registers */
int axv_arm64_get_reg(struct axv_vcpu *vcpu, u64 id, u64 *value);
int axv_arm64_set_reg(struct axv_vcpu *vcpu, u64 id, u64 value);
int axv_arm64_reg_list(const struct axv_arm64_vcpu *v, u64 *ids, u32 *count);
enum axv_arm64_sysreg axv_arm64_sysreg_place(u64 sysreg);
int axv_arm64_prepare_run(struct axv_vcpu *vcpu);
void axv_arm64_store_run(struct axv_vcpu *vcpu);
int axv_arm64_sync_gprs(struct axv_vcpu *vcpu, u32 dirty, u32 want);
int axv_arm64_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size);
int axv_arm64_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size);

/* stage2.c: the format of the second stage, and its caches */
void axv_arm64_s2_init(void);
unsigned int axv_arm64_ipa_bits(void);
const struct axv_s2_format *axv_arm64_s2_format(unsigned int ipa_bits);
u64 axv_arm64_vtcr(const struct axv_s2_format *fmt);
void axv_arm64_clean(const void *start, size_t size);
void axv_arm64_sync_memory(const phys_addr_t *pa, unsigned int nr, u64 size, u32 what);
void axv_arm64_clean_memory(phys_addr_t pa, u64 size);
void axv_arm64_memory_reset(struct axv_vm *vm);
void axv_arm64_set_way(struct axv_arm64_vcpu *v);
void axv_arm64_watch_caches(struct axv_arm64_vcpu *v, bool watch);
void axv_arm64_caches_changed(struct axv_arm64_vcpu *v, u64 old, u64 new);

/* gic_vcpu.c: the interrupt controller of a vCPU that has one */
bool axv_arm64_gic_init(u64 vtr, u32 timer_intid);
void axv_arm64_gic_reset(struct axv_arm64_vcpu *v);
void axv_arm64_gic_enter(struct axv_arm64_vcpu *v);
void axv_arm64_gic_leave(struct axv_arm64_vcpu *v);
int axv_arm64_gic_inject(struct axv_arm64_vcpu *v, const struct axv_inject *event);
int axv_arm64_route(const struct axv_vm *vm, const struct axv_route *route,
		    struct axv_inject *event);
void __axv_arm64_gic_ended(struct axv_arm64_vcpu *v);

/**
 * axv_arm64_gic_ended() - tell level routes of the interrupts that the guest has ended
 * @v:		vCPU whose claim the caller holds
 *
 * Called before an entry, since the wire of a route may fall then, and at the end of a
 * run, since no register of the vCPU shows this: otherwise a vCPU that is saved then
 * loses it.
 *
 * Context: as axv_routes_ended().
 */
static inline void axv_arm64_gic_ended(struct axv_arm64_vcpu *v)
{
	if (unlikely(READ_ONCE(v->gic.ended)))
		__axv_arm64_gic_ended(v);
}

bool axv_arm64_gic_has_event(struct axv_arm64_vcpu *v);
void axv_arm64_gic_dir(struct axv_arm64_vcpu *v, u64 value);
int axv_arm64_get_gic(struct axv_arm64_vcpu *v, u64 index, u64 *value);
int axv_arm64_set_gic(struct axv_arm64_vcpu *v, u64 index, u64 value);
unsigned int axv_arm64_gic_list(const struct axv_arm64_vcpu *v, u64 *ids);

/* sgi.c: interrupts from vCPU to vCPU */
void axv_arm64_send_sgi(struct axv_arm64_vcpu *v, unsigned int sgi);
struct axv_exit_send_ipi axv_arm64_decode_sgi(u64 value);
bool axv_arm64_sgi_to_list(struct axv_arm64_vcpu *v, u64 value);
void axv_arm64_sgi_to_others(struct axv_arm64_vcpu *v, u64 value);
int axv_arm64_retract_sgi(struct axv_arm64_vcpu *v, unsigned int sgi);
int axv_arm64_set_sgis(struct axv_vcpu *vcpu, const struct axv_sgis *sgis);
int axv_arm64_get_sgi_reg(const struct axv_arm64_vcpu *v, u64 index, u64 *value);
int axv_arm64_set_sgi_reg(struct axv_arm64_vcpu *v, u64 index, u64 value);

/* timer.c: the virtual timer while its vCPU is not in the guest */
void axv_arm64_timer_init(struct axv_arm64_vcpu *v);
void axv_arm64_timer_stop(struct axv_arm64_vcpu *v);
bool axv_arm64_timer_line(const struct axv_arm64_vcpu *v);
void axv_arm64_timer_wait(struct axv_arm64_vcpu *v);
bool axv_arm64_timer_rises(struct axv_arm64_vcpu *v);
enum axv_next axv_arm64_timer_tell(struct axv_arm64_vcpu *v);
void axv_arm64_timers_changed(struct axv_vm *vm);

/* ppi.c: the host's interrupts that make a guest exit */
u32 axv_arm64_ppi_init(void);
int axv_arm64_ppi_prepare(void);
void axv_arm64_ppi_unprepare(void);
void axv_arm64_ppi_enable_cpu(void);
void axv_arm64_ppi_disable_cpu(void);
void axv_arm64_ppi_hold(bool active);
void axv_arm64_ppi_released(void);

/* What an exit does about branch prediction; shared with entry.S */
#define AXV_HARDEN_NOTHING	0
#define AXV_HARDEN_MAX_LOOPS	0xff	/* 1 to this: that many branches replace the history */
#define AXV_HARDEN_CLRBHB	0x100	/* CLRBHB; above: a function of the firmware */

/**
 * struct axv_arm64_speculation - what a CPU does about branches that another level trained
 * @model:	MIDR_EL1 without variant and revision
 * @csv2:	ID_AA64PFR0_EL1.CSV2.  0: a branch in one context can train targets of
 *		another; 3: neither targets nor the history of branches matter across
 *		contexts
 * @ecbhb:	the history from before an exception does not matter after it
 *		(ID_AA64MMFR1_EL1.ECBHB)
 * @clrbhb:	there is an instruction that clears the history
 * @call1:	the firmware has SMCCC_ARCH_WORKAROUND_1, which makes the CPU forget
 *		targets
 * @call3:	the firmware has SMCCC_ARCH_WORKAROUND_3, which makes it forget targets
 *		and history
 */
struct axv_arm64_speculation {
	u32 model;
	unsigned int csv2;
	bool ecbhb;
	bool clrbhb;
	bool call1;
	bool call3;
};

u64 axv_arm64_choose_hardening(const struct axv_arm64_speculation *s);

DECLARE_PER_CPU(u64, axv_arm64_harden);
DECLARE_PER_CPU(u32, axv_arm64_forget_call);

/* entry.S */
asmlinkage u64 axv_arm64_enter(struct axv_arm64_gprs *regs, u64 harden);
asmlinkage u64 axv_arm64_translate(u64 va);

#endif /* _AXVCPU_ARM64_H */
