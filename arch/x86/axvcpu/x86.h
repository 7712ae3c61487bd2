/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the x86 back ends have in common: the vCPU's architectural state
 * outside the VMCB or VMCS, and the code that works on it.
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

struct axv_x86_vcpu;

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
 * @get_efer:	EFER as the guest sees it (without SVME)
 * @set_efer:	likewise
 * @get_msr:	MSR the hardware switches: -ENOENT if it is not one
 * @set_msr:	likewise; the value is canonical where it has to be
 * @cpl:	current privilege level
 * @get_shadow:	is there an interrupt shadow?
 * @set_shadow:	set or clear it
 * @get_nmi_masked: are NMIs blocked until IRET?
 * @set_nmi_masked: set or clear that
 * @cpuid_changed: the CPUID table or the mask of exceptions that exit was
 *		replaced: intercepts may follow
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
	u64 (*get_efer)(struct axv_x86_vcpu *x);
	void (*set_efer)(struct axv_x86_vcpu *x, u64 value);
	int (*get_msr)(struct axv_x86_vcpu *x, u32 msr, u64 *value);
	int (*set_msr)(struct axv_x86_vcpu *x, u32 msr, u64 value);
	unsigned int (*cpl)(struct axv_x86_vcpu *x);
	bool (*get_shadow)(struct axv_x86_vcpu *x);
	void (*set_shadow)(struct axv_x86_vcpu *x, bool shadow);
	bool (*get_nmi_masked)(struct axv_x86_vcpu *x);
	void (*set_nmi_masked)(struct axv_x86_vcpu *x, bool masked);
	void (*cpuid_changed)(struct axv_x86_vcpu *x);
};

/**
 * struct axv_x86_host - what the host's processor and kernel can do
 * @phys_bits:	width of physical addresses
 * @xcr0:	state components a guest may use
 * @cr4:	CR4 bits a guest may ever set
 * @efer:	EFER bits a guest may ever set
 * @fpu_size:	bytes of the non-compacted XSAVE area
 * @tsc_aux:	a guest can have TSC_AUX
 * @invpcid:	a guest can have INVPCID
 * @arch_caps:	ARCH_CAPABILITIES, as far as it holds for a guest
 * @kernel_xcr0: XCR0 of the host's kernel
 * @kernel_xss:	IA32_XSS of the host's kernel
 *
 * Constant once the module is loaded.
 */
struct axv_x86_host {
	u32 phys_bits;
	u64 xcr0;
	u64 cr4;
	u64 efer;
	u32 fpu_size;
	bool tsc_aux;
	bool invpcid;
	u64 arch_caps;
	u64 kernel_xcr0;
	u64 kernel_xss;
};

extern struct axv_x86_host axv_x86_host;

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
	bool any;

	u64 reinject;
	u8 reinject_len;
	bool halted;
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
 *
 * Kept here, not in the run page: what the VMM may change is only the data.
 */
struct axv_x86_pending {
	u8 kind;
	u8 width;
	u64 addr;
	u64 rip;
};

/**
 * struct axv_x86_tag - the ASID or VPID of a vCPU
 * @cpu:	host CPU it is from; -1: none
 * @generation:	of that CPU's tags
 * @value:	the tag itself
 * @stale:	what it marks is no longer true: a register was set from outside
 * @tlb_gen:	&axv_vm.tlb_gen at the last flush
 */
struct axv_x86_tag {
	int cpu;
	u64 generation;
	u32 value;
	bool stale;
	u64 tlb_gen;
};

/**
 * struct axv_x86_tags - the ASIDs or VPIDs of a host CPU
 * @count:	how many there are; 0 is the host's
 * @next:	next one to hand out
 * @generation:	counts full flushes; a tag of an older one is stale
 *
 * Touched on that CPU with interrupts off.
 */
struct axv_x86_tags {
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
 * @caps:	what its CPUID table allows
 * @cpuid:	the table, with room for AXV_CPUID_MAX.  It stays where it is, so
 *		a reader without the claim sees a mixture at worst.
 * @nr_cpuid:	its entries
 * @answers:	those that need no search, by slot
 * @cpuid_search: bit n: the answer in slot n is not all, search @cpuid
 * @cr0:	CR0 as the guest sees it; the VMCB or VMCS may have more or less
 * @cr4:	CR4, likewise
 * @efer:	EFER, likewise
 * @spec_ctrl:	the guest's SPEC_CTRL; read by entry.S
 * @xcr0:	the guest's XCR0
 * @pkru:	the guest's PKRU, which the host's FPU code leaves to us
 * @host_pkru:	PKRU of the thread that runs it, during a run
 * @tsc_aux:	the guest's TSC_AUX
 * @misc_enable: the guest's IA32_MISC_ENABLE
 * @mtrr_def_type: the guest's MTRRs, which only it reads
 * @mtrr_fixed: likewise
 * @mtrr_var:	likewise; base and mask alternate
 * @dr:		DR0 to DR3
 * @dr_live:	the guest uses DR0 to DR3: no intercepts, loaded at entry
 * @dr_loaded:	they are in the registers now
 * @irq_window:	the VMM asked for the interrupt window; during one run
 * @irq_armed:	the hardware reports the interrupt window
 * @injected:	event handed to the hardware at the last entry, in the form of
 *		AXV_X86_EVENT_*; 0: none
 * @tag:	marks its translations in the TLB
 * @fpu:	vector state; the task's while it runs the guest
 * @events:	on their way to the guest
 * @pending:	a read exit that waits for its data
 *
 * All guarded by the claim, but for @events.
 */
struct axv_x86_vcpu {
	struct axv_vcpu base;
	struct axv_x86_gprs regs;
	const struct axv_x86_hw *hw;
	struct axv_x86_caps caps;
	struct axv_x86_cpuid *cpuid;
	u32 nr_cpuid;
	struct axv_x86_answer answers[AXV_CPUID_SLOTS];
	u64 cpuid_search;
	u64 cr0;
	u64 cr4;
	u64 efer;
	u64 spec_ctrl;
	u64 xcr0;
	u32 pkru;
	u32 host_pkru;
	u64 tsc_aux;
	u64 misc_enable;
	u64 mtrr_def_type;
	u64 mtrr_fixed[11];
	u64 mtrr_var[16];
	u64 dr[4];
	bool dr_live;
	bool dr_loaded;
	bool irq_window;
	bool irq_armed;
	u64 injected;
	struct axv_x86_tag tag;
	struct fpu_guest fpu;
	struct axv_x86_events events;
	struct axv_x86_pending pending;
};

/**
 * struct axv_x86_vm - a VM on x86
 * @base:	the core's part
 * @tsc_offset:	guest TSC minus host TSC; one for all its vCPUs.  Read without a
 *		lock at every entry.
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

/**
 * enum axv_x86_next - what comes after an exit, or instead of an entry
 * @AXV_RESUME:	answered; enter the guest again
 * @AXV_EXIT:	the run ends; the exit is in the run page
 * @AXV_SLOW:	to be answered by the outer loop, which may sleep
 * @AXV_INTERRUPT: an interrupt of the host waits, or other work of its own
 *
 * What runs in the outer loop returns only the first two.
 */
enum axv_x86_next {
	AXV_RESUME,
	AXV_EXIT,
	AXV_SLOW,
	AXV_INTERRUPT,
};

/*
 * The two back ends: the operations, or an error pointer with -EOPNOTSUPP where
 * the hardware is not there.  They lower what &axv_x86_host promises.
 */
const struct axv_arch_ops *axv_svm_init(void);
void axv_svm_exit(void);
const struct axv_arch_ops *axv_vmx_init(void);
void axv_vmx_exit(void);

/* x86.c: host facts, life of the common part */
void axv_x86_host_init(void);
int axv_x86_vcpu_init(struct axv_x86_vcpu *x, const struct axv_x86_hw *hw);
void axv_x86_vcpu_destroy(struct axv_x86_vcpu *x);
void axv_x86_vcpu_reset(struct axv_x86_vcpu *x);
int axv_x86_check_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup);
int axv_x86_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup);
int axv_x86_query(u32 id, u64 *value);
int axv_x86_get_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
		      void *buf, u32 *count);
int axv_x86_set_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
		      const void *buf, u32 count);
u32 axv_x86_table_entry_size(u32 kind);
u64 axv_x86_get_counter(struct axv_vm *vm);
void axv_x86_set_counter(struct axv_vm *vm, u64 value);

/* tag.c: ASIDs and VPIDs */

/**
 * enum axv_x86_flush - what an entry has to flush
 * @AXV_FLUSH_NONE:	nothing
 * @AXV_FLUSH_STAGE2:	second-stage mappings were removed; the tag is kept
 * @AXV_FLUSH_NEW:	nothing, but the tag is a new one
 * @AXV_FLUSH_ARRIVED:	likewise, and what this CPU knows of the second stage may
 *			be from the vCPU's last visit, or another VM's
 * @AXV_FLUSH_ALL:	everything under any tag; and the tag is a new one
 */
enum axv_x86_flush {
	AXV_FLUSH_NONE,
	AXV_FLUSH_STAGE2,
	AXV_FLUSH_NEW,
	AXV_FLUSH_ARRIVED,
	AXV_FLUSH_ALL,
};

void axv_x86_tags_reset(struct axv_x86_tags *tags);
enum axv_x86_flush axv_x86_tag_next(struct axv_x86_vcpu *x,
				    struct axv_x86_tags *tags, int cpu);

/**
 * axv_x86_tag_is_good() - may the guest be entered with its tag, unflushed?
 * @x:		vCPU loaded on this CPU
 * @tags:	this CPU's
 * @cpu:	this CPU
 *
 * Reads &axv_vm.tlb_gen after &axv_vcpu.mode says AXV_IN_GUEST: a removal that
 * this misses finds the vCPU in the guest and interrupts it.
 *
 * Context: interrupts off.
 * Return: false: ask axv_x86_tag_next().
 */
static __always_inline bool axv_x86_tag_is_good(const struct axv_x86_vcpu *x,
						const struct axv_x86_tags *tags,
						int cpu)
{
	const struct axv_x86_tag *tag = &x->tag;

	return tag->cpu == cpu && tag->generation == tags->generation &&
	       !tag->stale &&
	       tag->tlb_gen == atomic64_read(&x->base.vm->tlb_gen);
}

/**
 * axv_x86_cr_changes() - a control register is about to be set, not by hardware
 * @x:		vCPU whose claim the caller holds
 * @cr:		which
 * @value:	the new value
 *
 * The TLB may hold translations made under the old one: the guest's own MOV to
 * CR flushes them, a value set from outside has to (AMD APM vol. 2, 5.5.2 and
 * 15.16.1; Intel SDM vol. 3A, "Invalidation of TLBs and Paging-Structure
 * Caches").  WP, too, decides what a cached translation allows.
 */
static inline void axv_x86_cr_changes(struct axv_x86_vcpu *x, unsigned int cr,
				      u64 value)
{
	if (cr == 3 || cr == 4 ||
	    (cr == 0 && ((value ^ x->cr0) & (X86_CR0_PE | X86_CR0_WP |
					     X86_CR0_PG))))
		x->tag.stale = true;
}

/* The same for EFER: NXE and LMA change what a cached translation means. */
static inline void axv_x86_efer_changes(struct axv_x86_vcpu *x, u64 value)
{
	if (value != x->efer)
		x->tag.stale = true;
}

/* cpuid.c */
void axv_x86_cpuid_init(void);
void axv_x86_cpuid_default(struct axv_x86_vcpu *x);
int axv_x86_supported_cpuid(struct axv_x86_cpuid *entries, u32 *count);
int axv_x86_set_cpuid(struct axv_x86_vcpu *x,
		      const struct axv_x86_cpuid *entries, u32 count);
void axv_x86_cpuid(struct axv_x86_vcpu *x, u32 leaf, u32 subleaf, u32 *eax,
		   u32 *ebx, u32 *ecx, u32 *edx);

/* Where the answer to a leaf is kept, or AXV_CPUID_SLOTS. */
static inline u32 axv_x86_cpuid_slot(u32 leaf)
{
	u32 extended = leaf - 0x80000000;

	if (leaf < AXV_CPUID_BASIC)
		return leaf;
	if (extended < AXV_CPUID_EXTENDED)
		return AXV_CPUID_BASIC + extended;
	return AXV_CPUID_SLOTS;
}

/**
 * axv_x86_cpuid_plain() - the answer to CPUID, if nothing else goes into it
 * @x:		vCPU whose claim the caller holds
 * @leaf:	EAX
 *
 * The short way of axv_x86_cpuid(), for the inner loop.
 *
 * Return: the answer, or NULL: ask axv_x86_cpuid().
 */
static inline const struct axv_x86_answer *
axv_x86_cpuid_plain(const struct axv_x86_vcpu *x, u32 leaf)
{
	u32 slot = axv_x86_cpuid_slot(leaf);

	if (slot == AXV_CPUID_SLOTS || (x->cpuid_search & BIT_ULL(slot)))
		return NULL;
	return &x->answers[slot];
}

/* msr.c: emulation and policy; RDMSR and WRMSR of the guest */
enum axv_x86_next axv_x86_rdmsr(struct axv_x86_vcpu *x, unsigned int len);
enum axv_x86_next axv_x86_wrmsr(struct axv_x86_vcpu *x, unsigned int len);
int axv_x86_get_msr(struct axv_x86_vcpu *x, u32 msr, u64 *value);
int axv_x86_set_msr(struct axv_x86_vcpu *x, u32 msr, u64 value, bool host);
int axv_x86_get_policy(struct axv_x86_vm *vm, struct axv_x86_msr_policy *buf,
		       u32 *count);
int axv_x86_set_policy(struct axv_x86_vm *vm,
		       const struct axv_x86_msr_policy *buf, u32 count);
bool axv_x86_policy_has(struct axv_x86_vm *vm, u32 msr);
u32 axv_x86_msr_action(struct axv_x86_vm *vm, u32 msr, bool write);
int axv_x86_msr_list(struct axv_x86_vcpu *x, u32 index, u32 *msr);
u64 axv_x86_host_arch_caps(void);

/* regs.c: register ids */
int axv_x86_get_reg(struct axv_vcpu *vcpu, u64 id, u64 *value);
int axv_x86_set_reg(struct axv_vcpu *vcpu, u64 id, u64 value);
int axv_x86_reg_list(struct axv_x86_vcpu *x, u64 *ids, u32 *count);

/* sregs.c: run-page sets, and what values are legal */
#define AXV_X86_RFLAGS_KNOWN						\
	(X86_EFLAGS_CF | X86_EFLAGS_FIXED | X86_EFLAGS_PF | X86_EFLAGS_AF | \
	 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_IF |    \
	 X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_IOPL | X86_EFLAGS_NT |  \
	 X86_EFLAGS_RF | X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF |   \
	 X86_EFLAGS_VIP | X86_EFLAGS_ID)
bool axv_x86_canonical(const struct axv_x86_vcpu *x, u64 address);
bool axv_x86_cr0_valid(const struct axv_x86_vcpu *x, u64 cr0);
bool axv_x86_cr4_valid(const struct axv_x86_vcpu *x, u64 cr4);
bool axv_x86_efer_valid(const struct axv_x86_vcpu *x, u64 efer);
bool axv_x86_xcr0_valid(const struct axv_x86_vcpu *x, u64 xcr0);
int axv_x86_set_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value);
int axv_x86_set_efer(struct axv_x86_vcpu *x, u64 efer);
int axv_x86_check_rflags(u64 rflags);
int axv_x86_check_segment(const struct axv_x86_vcpu *x, unsigned int seg,
			  const struct axv_x86_segment *value);
int axv_x86_check_dtable(const struct axv_x86_vcpu *x,
			 const struct axv_x86_dtable *value);
void axv_x86_get_sregs(struct axv_x86_vcpu *x, struct axv_x86_sregs *sregs);
int axv_x86_set_sregs(struct axv_x86_vcpu *x, const struct axv_x86_sregs *sregs);
int axv_x86_prepare_run(struct axv_vcpu *vcpu);
void axv_x86_store_run(struct axv_vcpu *vcpu);
int axv_x86_set_entry(struct axv_vcpu *vcpu, u64 entry);
int axv_x86_set_gpr(struct axv_vcpu *vcpu, unsigned int reg, u64 value);
void axv_x86_set_return_value(struct axv_vcpu *vcpu, u64 value);

/* fpu.c: vector state */
int axv_x86_fpu_init(struct axv_x86_vcpu *x);
void axv_x86_fpu_destroy(struct axv_x86_vcpu *x);
void axv_x86_fpu_reset(struct axv_x86_vcpu *x);
u32 axv_x86_fpu_size(u64 xcr0);
int axv_x86_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size);
int axv_x86_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size);

/* events.c: the queue, and exceptions raised by emulation */
int axv_x86_inject(struct axv_vcpu *vcpu, const struct axv_inject *event);
bool axv_x86_has_event(struct axv_vcpu *vcpu);
bool axv_x86_event_valid(u64 event);
bool axv_x86_has_error_code(u8 vector);
u64 axv_x86_take_intercepted(struct axv_x86_vcpu *x, u64 *address);
u64 axv_x86_pick_event(struct axv_x86_vcpu *x, bool *irq_window,
		       bool *nmi_window);
void axv_x86_events_reset(struct axv_x86_vcpu *x);
int axv_x86_get_event_reg(struct axv_x86_vcpu *x, u64 index, u64 *value);
int axv_x86_set_event_reg(struct axv_x86_vcpu *x, u64 index, u64 value);
void axv_x86_raise(struct axv_x86_vcpu *x, u8 vector, bool has_error, u32 error,
		   u64 address);

/**
 * axv_x86_cut_short() - an exit came in the middle of an event's delivery
 * @x:		vCPU whose claim the caller holds
 * @event:	the event, in the form of AXV_X86_EVENT_*
 * @len:	instruction length of a software event
 *
 * axv_x86_pick_event() gives it again, before any other.
 */
static inline void axv_x86_cut_short(struct axv_x86_vcpu *x, u64 event, u8 len)
{
	x->events.reinject = event;
	x->events.reinject_len = len;
	WRITE_ONCE(x->events.any, true);
}

/* exit.c: exits that mean the same on all hardware */
enum axv_x86_next axv_x86_hypercall(struct axv_x86_vcpu *x, unsigned int cpl,
				    unsigned int len);
enum axv_x86_next axv_x86_stage2_fault(struct axv_x86_vcpu *x, u64 gpa,
				       u32 access);
enum axv_x86_next axv_x86_halt(struct axv_x86_vcpu *x, unsigned int len);
enum axv_x86_next axv_x86_shutdown(struct axv_x86_vcpu *x);
enum axv_x86_next axv_x86_exception(struct axv_x86_vcpu *x, u8 vector,
				    u32 error, u64 address);
enum axv_x86_next axv_x86_fail_entry(struct axv_x86_vcpu *x, u64 reason);
void axv_x86_exit_exception(struct axv_x86_vcpu *x, u8 vector, bool has_error,
			    u32 error, u64 address);
void axv_x86_machine_check(void);
enum axv_x86_next axv_x86_next_event(struct axv_x86_vcpu *x, u64 *event,
				     bool *irq_window, bool *nmi_window);
void axv_x86_event_cut_short(struct axv_x86_vcpu *x, u64 event, bool soft);

/**
 * axv_x86_answer_cpuid() - CPUID, without the way past the instruction
 * @x:		vCPU whose claim the caller holds
 */
static __always_inline void axv_x86_answer_cpuid(struct axv_x86_vcpu *x)
{
	u64 *gpr = x->regs.gpr;
	const struct axv_x86_answer *answer;
	u32 eax, ebx, ecx, edx;

	answer = axv_x86_cpuid_plain(x, gpr[AXV_X86_RAX]);
	if (likely(answer)) {
		eax = answer->eax;
		ebx = answer->ebx;
		ecx = answer->ecx;
		edx = answer->edx;
	} else {
		axv_x86_cpuid(x, gpr[AXV_X86_RAX], gpr[AXV_X86_RCX],
			      &eax, &ebx, &ecx, &edx);
	}
	gpr[AXV_X86_RAX] = eax;
	gpr[AXV_X86_RBX] = ebx;
	gpr[AXV_X86_RCX] = ecx;
	gpr[AXV_X86_RDX] = edx;
}

/* cr.c: control registers that exit */
bool axv_x86_write_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value);
bool axv_x86_lmsw(struct axv_x86_vcpu *x, u16 value);
void axv_x86_clts(struct axv_x86_vcpu *x);
enum axv_x86_next axv_x86_xsetbv(struct axv_x86_vcpu *x, unsigned int len);

/**
 * axv_x86_advance() - the guest is past an instruction
 * @x:		vCPU
 * @len:	its length
 *
 * The next instruction begins without an interrupt shadow, and a set TF makes
 * a single-step trap of it (AMD APM vol. 2, 13.1.4).
 */
void axv_x86_advance(struct axv_x86_vcpu *x, unsigned int len);

/* walk.c: the guest's own page tables; guest memory by linear address */

/*
 * With AXV_ACCESS_*: the processor makes the access by itself, to a system
 * table, as supervisor at any privilege level.
 */
#define AXV_X86_ACCESS_SYSTEM	BIT(31)

/**
 * struct axv_x86_fault - exception that an access of the guest earned
 * @vector:	14 (#PF), 13 (#GP), 12 (#SS); 0: the access ran into a
 *		second-stage hole at @gpa instead
 * @error_code:	goes with it
 * @address:	linear address
 * @gpa:	guest physical address that is no memory
 */
struct axv_x86_fault {
	u8 vector;
	u32 error_code;
	u64 address;
	u64 gpa;
};

unsigned int axv_x86_code_bits(struct axv_x86_vcpu *x);
int axv_x86_linear(struct axv_x86_vcpu *x, unsigned int seg, u64 offset,
		   unsigned int size, bool write, u64 *linear,
		   struct axv_x86_fault *fault);
int axv_x86_translate(struct axv_x86_vcpu *x, u64 linear, u32 access, u64 *gpa,
		      struct axv_x86_fault *fault);
int axv_x86_read_linear(struct axv_x86_vcpu *x, u64 linear, void *data,
			size_t size, struct axv_x86_fault *fault);
int axv_x86_write_linear(struct axv_x86_vcpu *x, u64 linear, const void *data,
			 size_t size, struct axv_x86_fault *fault);
int axv_x86_read_system(struct axv_x86_vcpu *x, u64 linear, void *data,
			size_t size, struct axv_x86_fault *fault);
int axv_x86_write_system(struct axv_x86_vcpu *x, u64 linear, const void *data,
			 size_t size, struct axv_x86_fault *fault);
int axv_x86_probe_system(struct axv_x86_vcpu *x, u64 linear, size_t size,
			 u32 access, struct axv_x86_fault *fault);
int axv_x86_fetch(struct axv_x86_vcpu *x, u8 *bytes, unsigned int size);
int axv_x86_fetch_code(struct axv_x86_vcpu *x, u8 *bytes, unsigned int size,
		       unsigned int bits);

/* access.c: device accesses by memory and by port */
enum axv_x86_next axv_x86_mmio(struct axv_x86_vcpu *x, u64 gpa, u32 access,
			       u32 cause);
enum axv_x86_next axv_x86_io_in(struct axv_x86_vcpu *x, u16 port,
				unsigned int width, unsigned int len);
enum axv_x86_next axv_x86_io_string(struct axv_x86_vcpu *x, bool in);
enum axv_x86_next axv_x86_complete(struct axv_x86_vcpu *x);
enum axv_x86_next axv_x86_access_failed(struct axv_x86_vcpu *x, int err,
					const struct axv_x86_fault *fault,
					bool write);

/* task.c: the hardware's task switch */

/**
 * enum axv_x86_task_source - what causes a task switch
 * @AXV_X86_TASK_CALL:	CALL
 * @AXV_X86_TASK_IRET:	IRET with NT set
 * @AXV_X86_TASK_JMP:	JMP
 * @AXV_X86_TASK_GATE:	an event, through a task gate in the IDT
 *
 * The values are VMX's (SDM vol. 3C, "Exit Qualification for Task Switches").
 */
enum axv_x86_task_source {
	AXV_X86_TASK_CALL = 0,
	AXV_X86_TASK_IRET,
	AXV_X86_TASK_JMP,
	AXV_X86_TASK_GATE,
};

enum axv_x86_next axv_x86_task_switch(struct axv_x86_vcpu *x, u16 selector,
				      enum axv_x86_task_source source,
				      unsigned int len);

/**
 * axv_x86_exit() - begin to describe an exit
 * @x:		vCPU
 * @reason:	an enum axv_exit_reason
 * @len:	length of the instruction, 0 if there is none
 *
 * Return: the run page; the caller writes the union, and reads nothing back.
 */
static inline struct axv_run *axv_x86_exit(struct axv_x86_vcpu *x, u32 reason,
					   u8 len)
{
	struct axv_run *run = x->base.run;

	run->exit_reason = reason;
	run->insn_len = len;
	x->base.stats.exits[reason]++;
	return run;
}

/**
 * axv_x86_exit_io_out() - OUT
 * @x:		vCPU whose claim the caller holds
 * @port:	the port
 * @width:	1, 2 or 4
 * @len:	length of the instruction; the guest has yet to be put past it
 */
static __always_inline void axv_x86_exit_io_out(struct axv_x86_vcpu *x, u16 port,
						unsigned int width,
						unsigned int len)
{
	struct axv_exit_io *io = &axv_x86_exit(x, AXV_EXIT_IO_WRITE,
					       len)->exit.io;

	io->port = port;
	io->width = width;
	io->string = 0;
	io->pad = 0;
	io->data = axv_x86_mask(x->regs.gpr[AXV_X86_RAX], width);
}

#endif /* _AXVCPU_X86_H */
