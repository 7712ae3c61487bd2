/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the x86 back ends have in common: the vCPU's architectural state
 * outside the VMCB or VMCS.  The code that works on it has headers of its own.
 */
#ifndef _AXVCPU_X86_H
#define _AXVCPU_X86_H

#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <asm/page.h>
#include <asm/processor-flags.h>
#include <asm/fpu/types.h>

#include <linux/axvcpu.h>
#include <axvcpu/arch.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "decode.h"
#include "host.h"

struct axv_lapic;
struct axv_x86_vcpu;

/**
 * struct axv_x86_code_state - what decides where a vCPU reads its instructions
 * @cr3:	CR3
 * @attr:	attributes of CS
 * @cpl:	current privilege level
 *
 * With these, all in struct axv_x86_vcpu: RIP, CR0, CR4, EFER and, outside 64-bit
 * mode, the rest of CS.
 */
struct axv_x86_code_state {
	u64 cr3;
	u16 attr;
	u16 cpl;
};

/**
 * struct axv_x86_hw - access to state that the VMCB or VMCS holds
 *
 * For the paths that are not hot: registers, emulation.  Every call is made by
 * the holder of the vCPU's claim; none sleeps.  Setters take values that
 * regs.c has checked, and keep the hardware's own invariants (EFER.SVME, CR0
 * bits) to themselves.
 *
 * @get_segment: segment register by enum axv_x86_seg, up to LDTR
 * @set_segment: likewise
 * @get_dtable:	AXV_X86_GDTR or AXV_X86_IDTR
 * @set_dtable:	likewise
 * @get_cr:	CR 0, 2, 3, 4 or 8, as the guest sees it
 * @set_cr:	likewise
 * @get_dr:	DR 0 to 3, 6 or 7
 * @set_dr:	likewise
 * @set_efer:	EFER as the guest sees it (without SVME); reading: &axv_x86_vcpu.efer
 * @get_msr:	MSR the hardware switches: -ENOENT if it is not one
 * @set_msr:	likewise; the value is canonical where it has to be
 * @code_state:	what decides where instructions are read
 * @cpl:	current privilege level
 * @get_shadow:	interrupt shadow, AXV_X86_SHADOW_*
 * @set_shadow:	likewise
 * @get_nmi_masked: are NMIs blocked until IRET?
 * @set_nmi_masked: set or clear that
 * @get_pending_debug: AXV_X86_EVENT_PENDING_DEBUG
 * @set_pending_debug: likewise; -EINVAL if the hardware does not keep it
 * @get_pdpte:	PDPTE 0 to 3, or AXV_X86_PDPTES_LOADED; NULL: they are no registers
 * @set_pdpte:	likewise; -EINVAL for a value that the hardware would refuse
 * @cpuid_changed: the CPUID table or the mask of exceptions that exit was
 *		replaced: intercepts may follow
 * @watch_cr8:	report a CR8 below &axv_x86_vcpu.cr8_below, which has changed
 */
struct axv_x86_hw {
	void (*get_segment)(struct axv_x86_vcpu *x, unsigned int seg,
			    struct axv_x86_segment *value);
	void (*set_segment)(struct axv_x86_vcpu *x, unsigned int seg,
			    const struct axv_x86_segment *value);
	void (*get_dtable)(struct axv_x86_vcpu *x, unsigned int table,
			   struct axv_x86_dtable *value);
	void (*set_dtable)(struct axv_x86_vcpu *x, unsigned int table,
			   const struct axv_x86_dtable *value);
	u64 (*get_cr)(struct axv_x86_vcpu *x, unsigned int cr);
	void (*set_cr)(struct axv_x86_vcpu *x, unsigned int cr, u64 value);
	u64 (*get_dr)(struct axv_x86_vcpu *x, unsigned int dr);
	void (*set_dr)(struct axv_x86_vcpu *x, unsigned int dr, u64 value);
	void (*set_efer)(struct axv_x86_vcpu *x, u64 value);
	int (*get_msr)(struct axv_x86_vcpu *x, u32 msr, u64 *value);
	int (*set_msr)(struct axv_x86_vcpu *x, u32 msr, u64 value);
	void (*code_state)(struct axv_x86_vcpu *x, struct axv_x86_code_state *state);
	unsigned int (*cpl)(struct axv_x86_vcpu *x);
	unsigned int (*get_shadow)(struct axv_x86_vcpu *x);
	void (*set_shadow)(struct axv_x86_vcpu *x, unsigned int shadow);
	bool (*get_nmi_masked)(struct axv_x86_vcpu *x);
	void (*set_nmi_masked)(struct axv_x86_vcpu *x, bool masked);
	u64 (*get_pending_debug)(struct axv_x86_vcpu *x);
	int (*set_pending_debug)(struct axv_x86_vcpu *x, u64 value);
	u64 (*get_pdpte)(struct axv_x86_vcpu *x, unsigned int index);
	int (*set_pdpte)(struct axv_x86_vcpu *x, unsigned int index, u64 value);
	void (*cpuid_changed)(struct axv_x86_vcpu *x);
	void (*watch_cr8)(struct axv_x86_vcpu *x);
};

/**
 * struct axv_x86_caps - what the guest's CPUID table lets it do
 * @cr4:	CR4 bits it may set
 * @efer:	EFER bits it may set
 * @xcr0:	XCR0 bits it may set
 * @phys_bits:	width of its physical addresses
 * @la57:	5-level paging
 * @tsc_aux:	RDTSCP or RDPID
 * @invpcid:	INVPCID
 * @xsave:	XSAVE
 * @mtrr:	MTRRs
 * @arch_caps:	ARCH_CAPABILITIES
 * @ibpb:	PRED_CMD
 * @tsc_adjust:	TSC_ADJUST
 * @mce:	machine-check exceptions
 * @mca:	the MSRs of the machine-check architecture
 * @x2apic:	x2APIC
 * @tsc_deadline: the APIC timer's TSC deadline
 * @spec_ctrl:	SPEC_CTRL bits it may set; 0: it has no SPEC_CTRL
 *
 * Derived by axv_x86_set_cpuid(); read on every path.
 */
struct axv_x86_caps {
	u64 cr4;
	u64 efer;
	u64 xcr0;
	u32 phys_bits;
	bool la57;
	bool tsc_aux;
	bool invpcid;
	bool xsave;
	bool mtrr;
	bool arch_caps;
	bool ibpb;
	bool tsc_adjust;
	bool mce;
	bool mca;
	bool x2apic;
	bool tsc_deadline;
	u64 spec_ctrl;
};

/* Leaves that axv_x86_cpuid() finds without a search. */
#define AXV_CPUID_BASIC		0x18
#define AXV_CPUID_EXTENDED	0x28
#define AXV_CPUID_SLOTS		(AXV_CPUID_BASIC + AXV_CPUID_EXTENDED)
/* Entries of one CPUID table, and ranges of one MSR policy. */
#define AXV_CPUID_MAX		256
#define AXV_MSR_POLICY_MAX	1024

/**
 * struct axv_x86_answer - what CPUID returns
 * @eax:	and so on
 * @ebx:	likewise
 * @ecx:	likewise
 * @edx:	likewise
 */
struct axv_x86_answer {
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
};

#define AXV_EXTINT_DEPTH	16
#define AXV_NMI_MAX		2

/* All ones is everybody. */
#define AXV_X86_MAX_APIC_ID	(U32_MAX - 1)

/* What may be injected into a vCPU. */
#define AXV_X86_INJECT_TYPES	(BIT(AXV_INJECT_EXTINT) | BIT(AXV_INJECT_NMI) |	\
				 BIT(AXV_INJECT_EXCEPTION))

/* VMs may have AXV_VM_YIELD_ON_SPIN: the processor tells that a guest spins. */
static inline void axv_x86_offer_yield(struct axv_arch_ops *ops)
{
	ops->vm_flags[AXV_IRQCHIP_NONE] |= AXV_VM_YIELD_ON_SPIN;
	ops->vm_flags[AXV_IRQCHIP_LAPIC] |= AXV_VM_YIELD_ON_SPIN;
}

/* Vector and type: what tells whether an event is the one injected. */
#define AXV_X86_EVENT_IDENTITY	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE | \
				 AXV_X86_EVENT_VECTOR)

/* IA32_PAT after RESET (AMD APM vol. 2, 7.8.2). */
#define AXV_X86_PAT_RESET	0x0007040600070406ull

/**
 * struct axv_x86_events - events on their way to the guest
 *
 * Under &axv_vcpu.lock, since any thread may inject.
 *
 * @extint:	ring of queued external interrupts; one more than may be queued,
 *		so that one whose delivery was cut short can go back
 * @extint_head: next one to deliver
 * @extint_count: how many are queued
 * @nmi_pending: 0 to 2
 * @exception:	pending exception, in the form of AXV_X86_EVENT_*; 0: none
 * @exception_addr: CR2 value (#PF) or DR6 bits (#DB) that go with it
 * @raised:	the guest earned @exception: @exit_mask applies to it
 * @any:	something below or above waits for axv_x86_pick_event().  Set by
 *		anyone, cleared under the lock by the holder of the claim, who
 *		may read it without.
 * @any_or_halted: @any and @halted, to be read at once
 *
 * Only the holder of the claim touches these:
 * @reinject:	event whose delivery was cut short by an exit, in the same form
 * @reinject_len: instruction length of a software event in @reinject
 * @halted:	waits for an interrupt
 * @shutdown:	a triple fault: the run ends with AXV_EXIT_SHUTDOWN
 * @exit_mask:	exceptions that exit
 */
struct axv_x86_events {
	u8 extint[AXV_EXTINT_DEPTH + 1];
	u8 extint_head;
	u8 extint_count;
	u8 nmi_pending;
	u64 exception;
	u64 exception_addr;
	bool raised;
	union {
		struct {
			bool any;
			bool halted;
		};
		u16 any_or_halted;
	};

	u64 reinject;
	u8 reinject_len;
	bool shutdown;
	u32 exit_mask;
};

enum axv_pending_kind {
	AXV_PENDING_NONE = 0,
	AXV_PENDING_IO,
	AXV_PENDING_MMIO,
	AXV_PENDING_SYSREG,
};

/**
 * struct axv_x86_pending - a read exit that waits for the VMM's data
 * @kind:	an enum axv_pending_kind
 * @width:	bytes
 * @addr:	port, guest physical address or MSR number
 * @rip:	of the instruction
 * @answered:	the VMM gave its answer, and a signal ended the run before the
 *		instruction could be finished; false if @kind is AXV_PENDING_NONE
 * @fail:	the answer: see &axv_exit_sysreg.fail
 * @data:	the answer: what was read
 *
 * Kept here, not in the run page: what the VMM may change is only the data.
 */
struct axv_x86_pending {
	u8 kind;
	u8 width;
	u64 addr;
	u64 rip;
	bool answered;
	bool fail;
	u64 data;
};

struct axv_x86_code;

/**
 * struct axv_x86_operand - where an instruction's operand in memory is; see code.c
 * @code:	whose operand it is
 * @linear:	its linear address
 * @gpa:	what a read of it was translated to
 * @pkru:	PKRU then
 * @ac:		RFLAGS.AC then
 * @words:	page-table entries it was translated by; nothing is known unless they, the
 *		above and what decides about the instruction are all that it depends on
 */
struct axv_x86_operand {
	const struct axv_x86_code *code;
	u64 linear;
	u64 gpa;
	u32 pkru;
	bool ac;
	struct axv_guest_words words;
};

/**
 * struct axv_x86_code - an instruction, and what it was fetched by; see code.c
 * @rip:	where it is
 * @state:	when it was fetched
 * @cr0:	likewise
 * @cr4:	likewise
 * @efer:	likewise
 * @words:	page-table entries and code it was fetched from; nothing is known of
 *		them unless they and the registers above are all that it depends on
 * @bytes:	the instruction and what follows it; zeros behind @count
 * @count:	how many
 * @bits:	as axv_x86_code_bits() said
 * @decoded:	@insn is valid
 * @measured:	@length and @opcode are
 * @length:	as axv_x86_insn_length() said
 * @opcode:	likewise
 * @insn:	as axv_x86_decode() said
 * @operand:	what it reads is there, if axv_x86_code_operand() was asked and no other
 *		instruction had the place since
 */
struct axv_x86_code {
	u64 rip;
	struct axv_x86_code_state state;
	u64 cr0;
	u64 cr4;
	u64 efer;
	struct axv_guest_words words;
	u8 bytes[AXV_INSN_MAX];
	u8 count;
	u8 bits;
	bool decoded;
	bool measured;
	u8 length;
	u32 opcode;
	struct axv_x86_insn insn;
	struct axv_x86_operand *operand;
};

/*
 * How many are remembered: a loop that polls has one to three, and a guest that is woken by
 * an interrupt, rings a doorbell and halts has as many, which must not share a place.
 */
#define AXV_X86_CODES_SHIFT	3
#define AXV_X86_CODES		BIT(AXV_X86_CODES_SHIFT)
#define AXV_X86_OPERANDS	2

/**
 * struct axv_x86_asid - the ASID or VPID of a vCPU
 * @cpu:	host CPU it is from; -1: none
 * @generation:	of that CPU's ASIDs
 * @value:	the ASID itself
 * @stale:	what it marks is no longer true: a register was set from outside
 * @tlb_gen:	&axv_vm.tlb_gen at the last flush
 */
struct axv_x86_asid {
	int cpu;
	u64 generation;
	u32 value;
	bool stale;
	u64 tlb_gen;
};

/**
 * struct axv_x86_asids - the ASIDs or VPIDs of a host CPU
 * @count:	how many there are; 0 is the host's
 * @next:	next one to hand out
 * @generation:	counts full flushes; an ASID of an older one is stale
 *
 * Touched on that CPU with interrupts off.
 */
struct axv_x86_asids {
	u32 count;
	u32 next;
	u64 generation;
};

/**
 * struct axv_x86_vcpu - a vCPU on x86
 * @base:	the core's part
 * @regs:	general registers, instruction pointer and flags; authoritative
 *		whenever the guest is not entered
 * @hw:		access to what the VMCB or VMCS holds.  Constant.
 * @cr0:	CR0 as the guest sees it, but for TS, which @hw knows; the VMCB or VMCS
 *		may have more or less
 * @cr4:	CR4, likewise
 * @efer:	EFER, likewise
 * @spec_ctrl:	the guest's SPEC_CTRL; read by entry.S
 * @xcr0:	the guest's XCR0
 * @pkru:	the guest's PKRU, which the host's FPU code leaves to us
 * @host_pkru:	PKRU of the thread that runs it, during a run
 * @tsc_aux:	the guest's TSC_AUX
 * @tsc_adjust:	the guest's TSC_ADJUST: what its own TSC is ahead of the VM's
 * @dr_live:	the guest uses DR0 to DR3: no intercepts, loaded at entry
 * @dr_loaded:	they are in the registers now
 * @irq_window:	the VMM asked for the interrupt window; during one run
 * @irq_armed:	the hardware reports the interrupt window
 * @irq_window_or_armed: both, to be read at once
 * @cr8_below:	the hardware reports a CR8 below this; 0: none.  The VMM's choice, or,
 *		with irqchip LAPIC, that of the APIC
 * @injected:	event handed to the hardware at the last entry, in the form of
 *		AXV_X86_EVENT_*; 0: none
 * @asid:	marks its translations in the TLB
 * @fpu:	vector state; the task's while it runs the guest
 * @events:	on their way to the guest
 * @lapic:	its local APIC; NULL: irqchip NONE.  Constant.
 * @pending:	a read exit that waits for its data
 * @code_state:	as @hw said last; code.c compares it with that of @codes
 * @codes:	instructions fetched before, by a hash of where they are
 * @code:	the one of @codes that was asked for last, or NULL
 * @operands:	of some of @codes
 * @again:	exits in a row that axv_x86_again() was asked about
 * @again_rip:	at which instruction pointer
 * @dr:		DR0 to DR3
 * @caps:	what its CPUID table allows
 * @cpuid:	the table, with room for AXV_CPUID_MAX.  It stays where it is, so
 *		a reader without the claim sees a mixture at worst.
 * @nr_cpuid:	its entries
 * @answers:	those that need no search, by slot
 * @cpuid_search: bit n: the answer in slot n is not all, search @cpuid
 * @mcg_status:	the guest's MCG_STATUS
 * @misc_enable: the guest's IA32_MISC_ENABLE
 * @mtrr_def_type: the guest's MTRRs, which only it reads
 * @mtrr_fixed: likewise
 * @mtrr_var:	likewise; base and mask alternate
 *
 * All guarded by the claim, but for @events and @lapic, which say it themselves.
 */
struct axv_x86_vcpu {
	struct axv_vcpu base;
	struct axv_x86_gprs regs;
	const struct axv_x86_hw *hw;
	u64 cr0;
	u64 cr4;
	u64 efer;
	u64 spec_ctrl;
	u64 xcr0;
	u32 pkru;
	u32 host_pkru;
	u64 tsc_aux;
	u64 tsc_adjust;
	bool dr_live;
	bool dr_loaded;
	union {
		struct {
			bool irq_window;
			bool irq_armed;
		};
		u16 irq_window_or_armed;
	};
	u8 cr8_below;
	u64 injected;
	struct axv_x86_asid asid;
	struct fpu_guest fpu;
	struct axv_x86_events events;
	struct axv_lapic *lapic;
	struct axv_x86_pending pending;
	struct axv_x86_code_state code_state;
	struct axv_x86_code codes[AXV_X86_CODES];
	struct axv_x86_code *code;
	struct axv_x86_operand operands[AXV_X86_OPERANDS];
	unsigned int again;
	u64 again_rip;
	u64 dr[4];
	struct axv_x86_caps caps;
	struct axv_x86_cpuid *cpuid;
	u32 nr_cpuid;
	struct axv_x86_answer answers[AXV_CPUID_SLOTS];
	u64 cpuid_search;
	u64 mcg_status;
	u64 misc_enable;
	u64 mtrr_def_type;
	u64 mtrr_fixed[11];
	u64 mtrr_var[16];
};

/**
 * struct axv_x86_vm - a VM on x86
 * @base:	the core's part
 * @tsc_offset:	the VM's counter minus the host's TSC.  Read without a lock at
 *		every entry.  See axv_x86_tsc_offset().
 * @policy:	MSR policy, sorted; under &axv_vm.lock, replaced as a whole (RCU)
 */
struct axv_x86_vm {
	struct axv_vm base;
	u64 tsc_offset;
	struct axv_x86_policy __rcu *policy;
};

/**
 * struct axv_x86_policy - the VMM's MSR policy
 * @rcu:	freed after a grace period
 * @count:	ranges
 * @range:	sorted by first, without overlap
 */
struct axv_x86_policy {
	struct rcu_head rcu;
	u32 count;
	struct axv_x86_msr_policy range[];
};

static inline struct axv_x86_vcpu *to_x86(struct axv_vcpu *vcpu)
{
	return container_of(vcpu, struct axv_x86_vcpu, base);
}

static inline struct axv_x86_vm *to_x86_vm(struct axv_vm *vm)
{
	return container_of(vm, struct axv_x86_vm, base);
}

/**
 * axv_x86_vm_destroy() - release the common part of a VM
 * @vm:		VM that no vCPU runs in any more
 */
static inline void axv_x86_vm_destroy(struct axv_x86_vm *vm)
{
	kfree(rcu_dereference_protected(vm->policy, true));
}

/*
 * The two back ends: the operations, or an error pointer with -EOPNOTSUPP where
 * the hardware is not there.  They lower what &axv_x86_host promises.
 */
const struct axv_arch_ops *axv_svm_init(void);
void axv_svm_exit(void);
const struct axv_arch_ops *axv_vmx_init(void);
void axv_vmx_exit(void);

/* x86.c: the life of a vCPU, and the tables */
int axv_x86_vcpu_init(struct axv_x86_vcpu *x, const struct axv_x86_hw *hw);
void axv_x86_vcpu_destroy(struct axv_x86_vcpu *x);
void axv_x86_vcpu_reset(struct axv_x86_vcpu *x);
void axv_x86_take_latched(struct axv_x86_vcpu *x);
int axv_x86_check_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup);
int axv_x86_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup);
int axv_x86_query(u32 id, u64 *value);
int axv_x86_get_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
		      void *buf, u32 *count);
int axv_x86_set_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
		      void *buf, u32 count);
u32 axv_x86_table_entry_size(u32 kind);

#endif /* _AXVCPU_X86_H */
