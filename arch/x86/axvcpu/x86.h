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
 * struct axv_x86_code_state - registers that decide where a vCPU reads its instructions
 * @cr3:	CR3
 * @attr:	attributes of CS
 * @cpl:	current privilege level
 *
 * The others are RIP, CR0, CR4 and EFER, which are in struct axv_x86_vcpu, and, outside
 * 64-bit mode, the rest of CS.
 */
struct axv_x86_code_state {
	u64 cr3;
	u16 attr;
	u16 cpl;
};

/**
 * struct axv_x86_hw - access to state that the VMCB or VMCS holds
 *
 * The paths that are not hot use it: the VMM's access to registers, and emulation.  The
 * caller holds the vCPU's claim; no function sleeps.  Setters take values that the common
 * code (regs.c, sregs.c) has checked.  They add the bits on which the hardware insists
 * (EFER.SVME, bits of CR0), and getters leave those out.
 *
 * @get_segment: read a segment register, by enum axv_x86_seg, up to LDTR
 * @set_segment: write it
 * @get_dtable:	read AXV_X86_GDTR or AXV_X86_IDTR
 * @set_dtable:	write it
 * @get_cr:	read CR 0, 2, 3, 4 or 8, as the guest sees it
 * @set_cr:	write it
 * @get_dr:	read the guest's DR 0 to 3, 6 or 7
 * @set_dr:	write a debug register; where the VMM has a DR6 or DR7 of its own, the hardware
 *		gets that one
 * @set_efer:	write EFER as the guest sees it (without SVME); &axv_x86_vcpu.efer has it
 *		for readers
 * @get_msr:	read an MSR that the back end switches; -ENOENT for any other
 * @set_msr:	write it; the value is canonical where it has to be; -ENOENT as @get_msr
 * @code_state:	read struct axv_x86_code_state
 * @cpl:	read the current privilege level
 * @get_shadow:	read the interrupt shadow, AXV_X86_SHADOW_*
 * @set_shadow:	write it
 * @get_nmi_masked: are NMIs blocked until IRET?
 * @set_nmi_masked: block or unblock them
 * @get_pending_debug: read AXV_X86_EVENT_PENDING_DEBUG
 * @set_pending_debug: write it; -EINVAL if the hardware does not keep it
 * @get_pdpte:	read PDPTE 0 to 3, or AXV_X86_PDPTES_LOADED.  NULL where the processor has
 *		no registers for the PDPTEs
 * @set_pdpte:	write it; -EINVAL for a value that the hardware would refuse
 * @cpuid_changed: update the intercepts: the CPUID table, the mask of exceptions that
 *		exit, or what the VMM debugs was replaced
 * @watch_cr8:	have the hardware report a CR8 below &axv_x86_vcpu.cr8_below, which the
 *		caller has just changed
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
 * struct axv_x86_caps - what the CPUID table lets the guest do
 * @cr4:	CR4 bits the guest may set
 * @efer:	EFER bits the guest may set
 * @xcr0:	XCR0 bits the guest may set
 * @phys_bits:	width of guest physical addresses
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
 * @spec_ctrl:	SPEC_CTRL bits the guest may set; 0: the guest has no SPEC_CTRL
 *
 * axv_x86_cpuid_derive() fills it in when the table is set.
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

/* Numbers of basic and extended leaves that axv_x86_cpuid() finds without a search. */
#define AXV_CPUID_BASIC		0x18
#define AXV_CPUID_EXTENDED	0x28
#define AXV_CPUID_SLOTS		(AXV_CPUID_BASIC + AXV_CPUID_EXTENDED)
/* Limits: entries of one CPUID table, and ranges of one MSR policy. */
#define AXV_CPUID_MAX		256
#define AXV_MSR_POLICY_MAX	1024

/**
 * struct axv_x86_answer - what CPUID returns
 * @eax:	EAX
 * @ebx:	EBX
 * @ecx:	ECX
 * @edx:	EDX
 */
struct axv_x86_answer {
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
};

#define AXV_EXTINT_DEPTH	16
#define AXV_NMI_MAX		2

/* All ones is no vCPU's id: as a destination it means all of them. */
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

/* The bits by which an event that the hardware reports is compared with the injected one. */
#define AXV_X86_EVENT_IDENTITY	(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE | \
				 AXV_X86_EVENT_VECTOR)

/* IA32_PAT after RESET (AMD APM vol. 2, 7.8.2). */
#define AXV_X86_PAT_RESET	0x0007040600070406ull

/**
 * struct axv_x86_events - events on their way to the guest
 *
 * &axv_vcpu.lock guards these, since any thread may inject.  The holder of the claim looks
 * without it whether there is an @exception, and at @extint_count and @nmi_pending, where a
 * stale answer does no harm; so other threads write these whole, by WRITE_ONCE():
 * @extint:	ring of queued external interrupts.  It has one place more than may be
 *		queued, for an interrupt that goes back because its delivery was cut short
 * @extint_head: index of the interrupt that is delivered next
 * @extint_count: how many are queued
 * @nmi_pending: NMIs that wait, at most AXV_NMI_MAX
 * @exception:	pending exception, in the form of AXV_X86_EVENT_*; 0: none
 * @exception_addr: CR2 value (#PF) or DR6 bits (#DB) that go with it
 * @raised:	the guest caused @exception, so @exit_mask applies to it
 * @any:	false: nothing waits for axv_x86_pick_event().  Any thread may set it; the
 *		holder of the claim clears it under the lock, and may read it without the lock
 * @any_or_halted: @any and @halted as one word: one read tells whether either is set
 *
 * Only the holder of the claim touches these:
 * @reinject:	event whose delivery was cut short by an exit, in the same form
 * @reinject_len: instruction length of a software event in @reinject
 * @halted:	the vCPU waits for an interrupt
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
 * @rip:	RIP of the instruction
 * @answered:	the VMM has answered, and a signal ended the run before the instruction
 *		could be finished; false if @kind is AXV_PENDING_NONE
 * @fail:	if @answered, the answer: see &axv_exit_sysreg.fail
 * @data:	if @answered, the answer: what was read
 *
 * It is kept here and not in the run page, where the VMM could change more than the data.
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

/**
 * struct axv_x86_debug - what the VMM debugs, and where a step is; see debug.c
 * @flags:	AXV_DEBUG_*
 * @stepping:	a step has begun
 * @watch_dr:	with AXV_DEBUG_HW_BREAK: the guest's MOV DR ends the run
 * @by_tf:	SVM: the last entry set RFLAGS.TF for the step
 * @guest_tf:	with @by_tf: the guest's own TF was set
 * @rip:	with @stepping: RIP when the step began
 * @dr7:	with AXV_DEBUG_HW_BREAK: DR7 in the guest
 * @addr:	with AXV_DEBUG_HW_BREAK: DR0 to DR3 in the guest
 * @guest_dr6:	SVM, with axv_x86_owns_dr(): the guest's own DR6
 * @guest_dr7:	with AXV_DEBUG_HW_BREAK: the guest's own DR7
 */
struct axv_x86_debug {
	u32 flags;
	bool stepping;
	bool watch_dr;
	bool by_tf;
	bool guest_tf;
	u64 rip;
	u64 dr7;
	u64 addr[4];
	u64 guest_dr6;
	u64 guest_dr7;
};

struct axv_x86_code;

/**
 * struct axv_x86_operand - a remembered translation of a memory operand; see code.c
 * @code:	instruction that has the operand
 * @linear:	linear address of the operand
 * @gpa:	guest physical address that a read of @linear was translated to
 * @pkru:	PKRU at that time
 * @ac:		RFLAGS.AC at that time
 * @words:	page-table entries that the translation used.  Empty if the translation
 *		depends on more than these, the fields above and what @code depends on
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
 * struct axv_x86_code - a remembered instruction, and what its fetch depends on; see code.c
 * @rip:	address of the instruction
 * @state:	struct axv_x86_code_state when it was fetched
 * @cr0:	CR0 at that time
 * @cr4:	CR4 at that time
 * @efer:	EFER at that time
 * @words:	words of guest memory that the fetch read: page-table entries and code.
 *		Empty if the fetch depends on more than these and the registers above
 * @bytes:	the instruction and what follows it; zeros behind @count
 * @count:	how many of @bytes were fetched
 * @bits:	what axv_x86_code_bits() returned
 * @decoded:	@insn is valid
 * @measured:	@length and @opcode are valid
 * @length:	what axv_x86_insn_length() returned
 * @opcode:	opcode that axv_x86_insn_length() found
 * @insn:	what axv_x86_decode() found
 * @operand:	place for the memory operand that the instruction reads.  Other instructions
 *		use the same place: &axv_x86_operand.code tells whose operand it holds
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
 * How many instructions are remembered.  A loop that polls has one to three, and so has a
 * guest that is woken by an interrupt, rings a doorbell and halts: those must not share a
 * place, or each fetch drives out another that is still needed.
 */
#define AXV_X86_CODES_SHIFT	3
#define AXV_X86_CODES		BIT(AXV_X86_CODES_SHIFT)
#define AXV_X86_OPERANDS	2

/**
 * struct axv_x86_asid - the ASID or VPID of a vCPU
 * @cpu:	host CPU that handed it out; -1: the vCPU has none
 * @generation:	&axv_x86_asids.generation of that CPU at that time
 * @value:	the ASID itself
 * @stale:	translations under it are no longer valid, because a register was set that
 *		decides about them: the next entry takes a fresh ASID
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
 * @count:	how many there are, with ASID 0, which is the host's
 * @next:	next ASID to hand out
 * @generation:	counts full flushes; an ASID of an older generation is not valid any more
 *
 * Only that CPU accesses it, with interrupts off.
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
 * @cr0:	CR0 as the guest sees it, except TS, for which @hw is asked.  The VMCB or VMCS
 *		may have other bits set or clear
 * @cr4:	CR4 as the guest sees it; the VMCB or VMCS may have other bits set
 * @efer:	EFER as the guest sees it; the VMCB may have SVME besides
 * @spec_ctrl:	the guest's SPEC_CTRL; read by entry.S
 * @xcr0:	the guest's XCR0
 * @pkru:	the guest's PKRU, which is not in @fpu
 * @host_pkru:	PKRU of the thread that runs it, during a run
 * @tsc_aux:	the guest's TSC_AUX
 * @tsc_adjust:	the guest's TSC_ADJUST: how far the vCPU's TSC is ahead of the VM's counter
 * @dr_live:	the guest or the VMM uses DR0 to DR3: they are loaded before an entry.  The
 *		guest's accesses to debug registers do not exit, unless axv_x86_owns_dr()
 * @dr_loaded:	these DR0 to DR3 are in the registers now
 * @irq_window:	the VMM wants the run to end when the guest can take an interrupt; copied
 *		from the run page when a run begins
 * @irq_armed:	the hardware exits when the guest can take an interrupt
 * @step:	the VMM has set AXV_DEBUG_STEP
 * @irq_or_step: @irq_window, @irq_armed and @step as one word: one read tells whether any
 *		of them is set
 * @cr8_below:	the hardware reports a CR8 below this; 0: none.  The VMM sets it, or, with
 *		irqchip LAPIC, the APIC
 * @injected:	event handed to the hardware at the last entry, in the form of
 *		AXV_X86_EVENT_*; 0: none
 * @asid:	ASID or VPID, which marks the vCPU's translations in the TLB
 * @fpu:	vector state; during a run the thread has it in its registers
 * @events:	events on their way to the guest
 * @lapic:	the local APIC; NULL: irqchip NONE.  Constant.
 * @pending:	a read exit that waits for its data
 * @debug:	what the VMM debugs
 * @code_state:	what @hw->code_state() said last; code.c compares it with that of @codes
 * @codes:	remembered instructions, by a hash of their addresses
 * @code:	the one of @codes that was asked for last, or NULL
 * @operands:	memory operands of some of @codes
 * @again:	how often in a row axv_x86_again() was called at @again_rip
 * @again_rip:	instruction pointer at its last call
 * @dr:		DR0 to DR3
 * @caps:	what its CPUID table allows
 * @cpuid:	the CPUID table, with room for AXV_CPUID_MAX entries.  It is never moved, so
 *		a reader without the claim sees a mixture of two tables at worst
 * @nr_cpuid:	entries of @cpuid
 * @answers:	answers to leaves that need no search, by axv_x86_cpuid_slot()
 * @cpuid_search: bit n: @answers[n] is not the whole answer, search @cpuid
 * @mcg_status:	the guest's MCG_STATUS
 * @misc_enable: the guest's IA32_MISC_ENABLE
 * @mtrr_def_type: the guest's MTRRdefType.  MTRRs have no effect but that the guest reads
 *		them back
 * @mtrr_fixed:	the guest's fixed-range MTRRs
 * @mtrr_var:	the guest's variable-range MTRRs; base and mask alternate
 *
 * The claim guards all of it but @events and @lapic, whose structs tell what guards them.
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
			bool step;
		};
		u32 irq_or_step;
	};
	u8 cr8_below;
	u64 injected;
	struct axv_x86_asid asid;
	struct fpu_guest fpu;
	struct axv_x86_events events;
	struct axv_lapic *lapic;
	struct axv_x86_pending pending;
	struct axv_x86_debug debug;
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
 * The two back ends.  Their init functions return the operations, or an error pointer:
 * -EOPNOTSUPP where the hardware cannot be used, -ENOMEM.  They clear what the back end
 * cannot offer in &axv_x86_host.
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
