/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMX back end on a processor without VMX.
 *
 * Its files are compiled once more into the test, under other names, with the
 * VMX instructions replaced by functions on an array.  So the files themselves
 * need nothing for their test, and the test says what the guest did until the
 * exit.
 */
#ifndef _AXVCPU_TESTS_FAKE_VMCS_H
#define _AXVCPU_TESTS_FAKE_VMCS_H

#include <linux/slab.h>
#include <linux/string.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include <axvcpu/kunit.h>

#include "../run.h"

/* Other names for what the files export. */
#define axv_vmx_fetch			test_vmx_fetch
#define axv_vmx_write_dirty		test_vmx_write_dirty
#define axv_vmx_write_constants		test_vmx_write_constants
#define axv_vmx_vpids			test_vmx_vpids
#define axv_vmx_load			test_vmx_load
#define axv_vmx_unload			test_vmx_unload
#define axv_vmx_clear_held		test_vmx_clear_all_held
#define axv_vmx_vmcs_reset		test_vmx_vmcs_reset
#define axv_vmx_hw			test_vmx_hw
#define axv_vmx_intercept_dr		test_vmx_intercept_dr
#define axv_vmx_load_pdptes		test_vmx_load_pdptes
#define axv_vmx_clear_pdptes		test_vmx_clear_pdptes
#define axv_vmx_fit_shadow		test_vmx_fit_shadow
#define axv_vmx_msr_bitmap_create	test_vmx_msr_bitmap_create
#define axv_vmx_msr_bitmap_destroy	test_vmx_msr_bitmap_destroy
#define axv_vmx_msr_bitmap_update	test_vmx_msr_bitmap_update
#define axv_vmx_syscall_init		test_vmx_syscall_init
#define axv_vmx_syscall_reset		test_vmx_syscall_reset
#define axv_vmx_syscall_load		test_vmx_syscall_load
#define axv_vmx_syscall_unload		test_vmx_syscall_unload
#define axv_vmx_run			test_vmx_run
#define axv_vmx_handle_fast		test_vmx_handle_fast
#define axv_vmx_handle_slow		test_vmx_handle_slow
#define axv_vmx_inject_events		test_vmx_inject_events
#define axv_vmx_take_back_event		test_vmx_take_back_event
#define axv_vmx_is_soft			test_vmx_is_soft
#define axv_vmx_event			test_vmx_event
#define axv_vmx_save_interrupted_event	test_vmx_save_interrupted_event
#define axv_vmx_close_irq_window	test_vmx_close_irq_window
#define axv_vmx_close_nmi_window	test_vmx_close_nmi_window

#include "../vmx/vmx.h"

/**
 * struct fake_exit - what the guest did until the exit, and the exit
 * @reason:	exit reason
 * @error:	VM-instruction error: the entry fails before it looks at the guest
 * @qual:	exit qualification
 * @gpa:	guest physical address
 * @len:	length of the instruction
 * @info:	VM-exit interruption information
 * @code:	VM-exit interruption error code
 * @idt:	IDT-vectoring information
 * @idt_code:	IDT-vectoring error code
 * @insn_info:	VM-exit instruction information
 * @cr3:	the guest has set CR3 to this; 0: it has not
 * @dr7:	the guest has set DR7 to this; 0: it has not
 */
struct fake_exit {
	u32 reason;
	u32 error;
	u64 qual;
	u64 gpa;
	u32 len;
	u32 info;
	u32 code;
	u32 idt;
	u32 idt_code;
	u32 insn_info;
	u64 cr3;
	u64 dr7;
};

/**
 * struct fake_entry - what the entry found in the VMCS
 * @info:	VM-entry interruption information
 * @code:	VM-entry exception error code
 * @len:	VM-entry instruction length
 * @cpu:	processor-based controls
 * @rip:	instruction pointer
 * @state:	interruptibility
 * @debug:	pending debug exceptions
 */
struct fake_entry {
	u32 info;
	u32 code;
	u32 len;
	u32 cpu;
	u64 rip;
	u32 state;
	u64 debug;
};

/**
 * struct fake_vmcs - a VMCS, as the processor has it
 * @pa:		its address
 * @launched:	it is entered by VMRESUME, not VMLAUNCH
 * @field:	fields, by width and type, and by index
 */
struct fake_vmcs {
	u64 pa;
	bool launched;
	u64 field[16][64];
};

/**
 * struct vmx_fixture - one vCPU on a processor that is an array
 * @vm:		its VM, with as much as the back end looks at
 * @vmx:	the vCPU
 * @fmt:	the form of its second stage
 * @run:	its run page
 * @saved:	what is used of the host's VMX, put back afterwards
 * @vmcs:	its VMCS, and one for another vCPU
 * @current_vmcs: the current one, or NULL
 * @vmclears:	how often VMCLEAR was executed
 * @host_loads:	how often the host's state was written to a VMCS
 * @exit:	the next exit
 * @entry:	the last entry
 * @mistakes:	accesses that a processor refuses
 * @host_nmis:	NMIs given to the host
 * @machine_checks: machine checks given to the host
 * @invepts:	how often INVEPT was executed
 * @invvpids:	how often INVVPID of all VPIDs was executed
 * @eptp:	operand of the last INVEPT
 * @pdpt:	where the guest has a page-directory-pointer table; 0: nowhere
 * @pdpte:	entries of that table
 * @gone:	how many more reads of the table find that the host has taken the page away
 * @reads:	reads of guest memory
 * @faults:	second-stage faults
 * @gpa:	address of the last fault
 * @access:	AXV_ACCESS_* of the last fault
 * @star:	STAR in the processor
 * @lstar:	LSTAR in the processor
 * @sfmask:	SFMASK in the processor
 * @wrmsrs:	how often WRMSR was executed
 */
struct vmx_fixture {
	struct axv_vmx_vm vm;
	struct axv_vmx_vcpu vmx;
	struct axv_s2_format fmt;
	struct axv_run run;
	struct axv_vmx_caps saved;
	struct fake_vmcs vmcs[2];
	struct fake_vmcs *current_vmcs;
	unsigned int vmclears;
	unsigned int host_loads;
	struct fake_exit exit;
	struct fake_entry entry;
	unsigned int mistakes;
	unsigned int host_nmis;
	unsigned int machine_checks;
	unsigned int invepts;
	unsigned int invvpids;
	u64 eptp;
	u64 pdpt;
	u64 pdpte[4];
	unsigned int gone;
	unsigned int reads;
	unsigned int faults;
	u64 gpa;
	u32 access;
	u64 star;
	u64 lstar;
	u64 sfmask;
	unsigned int wrmsrs;
};

/* The processor of the test: VMREAD and others have no operand that leads to it. */
static struct vmx_fixture *fake_cpu;

/* An encoding has a width, a type and an index (SDM vol. 3D, appendix B). */
#define FIELD_WIDTH(field)	((field) >> 13 & 3)
#define FIELD_TYPE(field)	((field) >> 10 & 3)
#define FIELD_INDEX(field)	((field) >> 1 & 0x1ff)
#define FIELD_READ_ONLY		1

/* A field of the current VMCS, or of the first one if none is current. */
static u64 *fake_field(struct vmx_fixture *f, unsigned long field)
{
	struct fake_vmcs *vmcs = f->current_vmcs ?: &f->vmcs[0];

	if (FIELD_INDEX(field) >= ARRAY_SIZE(vmcs->field[0])) {
		f->mistakes++;
		return &vmcs->field[0][0];
	}
	return &vmcs->field[FIELD_WIDTH(field) * 4 + FIELD_TYPE(field)]
			   [FIELD_INDEX(field)];
}

static struct fake_vmcs *fake_vmcs_at(struct vmx_fixture *f, u64 pa)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(f->vmcs); i++)
		if (f->vmcs[i].pa == pa)
			return &f->vmcs[i];
	f->mistakes++;
	return &f->vmcs[0];
}

/* What follows stands in for <vmx/insn.h>, which is left out. */
#define _AXVCPU_VMX_INSN_H

#define AXV_VMX_INV_SINGLE	1ul
#define AXV_VMX_INV_ALL		2ul

static u64 axv_vmread(unsigned long field)
{
	if (!fake_cpu->current_vmcs)
		fake_cpu->mistakes++;
	return *fake_field(fake_cpu, field);
}

static void axv_vmwrite(unsigned long field, u64 value)
{
	static const u64 mask[] = { U16_MAX, U64_MAX, U32_MAX, U64_MAX };

	if (!fake_cpu->current_vmcs || FIELD_TYPE(field) == FIELD_READ_ONLY)
		fake_cpu->mistakes++;
	*fake_field(fake_cpu, field) = value & mask[FIELD_WIDTH(field)];
}

static int axv_vmclear(u64 pa)
{
	struct fake_vmcs *vmcs = fake_vmcs_at(fake_cpu, pa);

	vmcs->launched = false;
	if (fake_cpu->current_vmcs == vmcs)
		fake_cpu->current_vmcs = NULL;
	fake_cpu->vmclears++;
	return 0;
}

static int axv_vmptrld(u64 pa)
{
	fake_cpu->current_vmcs = fake_vmcs_at(fake_cpu, pa);
	return 0;
}

static int axv_invept(unsigned long type, u64 eptp)
{
	if (type != AXV_VMX_INV_SINGLE)
		fake_cpu->mistakes++;
	fake_cpu->invepts++;
	fake_cpu->eptp = eptp;
	return 0;
}

static int axv_invvpid(unsigned long type, u16 vpid)
{
	if (type != AXV_VMX_INV_ALL)
		fake_cpu->mistakes++;
	fake_cpu->invvpids++;
	return 0;
}

/*
 * Entry and exit.  An exit clears the valid bit of the event to inject, a
 * failed entry does not; an NMI that is injected blocks NMIs (SDM, "VM-Entry
 * Controls for Event Injection", "Virtual-NMI Blocking").
 */
static int fake_enter(struct axv_vmx_vcpu *vmx)
{
	struct vmx_fixture *f = fake_cpu;
	const struct fake_exit *exit = &f->exit;
	u64 *info = fake_field(f, VM_ENTRY_INTR_INFO_FIELD);
	u64 *state = fake_field(f, GUEST_INTERRUPTIBILITY_INFO);

	f->entry = (struct fake_entry){
		.info = *info,
		.code = *fake_field(f, VM_ENTRY_EXCEPTION_ERROR_CODE),
		.len = *fake_field(f, VM_ENTRY_INSTRUCTION_LEN),
		.cpu = *fake_field(f, CPU_BASED_VM_EXEC_CONTROL),
		.rip = *fake_field(f, GUEST_RIP),
		.state = *state,
		.debug = *fake_field(f, GUEST_PENDING_DBG_EXCEPTIONS),
	};
	if (vmx->dirty || !f->current_vmcs ||
	    f->current_vmcs->pa != vmx->vmcs_pa ||
	    f->current_vmcs->launched != vmx->launched)
		f->mistakes++;
	if (exit->error) {
		*fake_field(f, VM_INSTRUCTION_ERROR) = exit->error;
		return 1;
	}

	*fake_field(f, VM_EXIT_REASON) = exit->reason;
	*fake_field(f, EXIT_QUALIFICATION) = exit->qual;
	*fake_field(f, GUEST_PHYSICAL_ADDRESS) = exit->gpa;
	*fake_field(f, VM_EXIT_INSTRUCTION_LEN) = exit->len;
	*fake_field(f, VMX_INSTRUCTION_INFO) = exit->insn_info;
	*fake_field(f, VM_EXIT_INTR_INFO) = exit->info;
	*fake_field(f, VM_EXIT_INTR_ERROR_CODE) = exit->code;
	*fake_field(f, IDT_VECTORING_INFO_FIELD) = exit->idt;
	*fake_field(f, IDT_VECTORING_ERROR_CODE) = exit->idt_code;
	if (exit->reason & VMX_EXIT_REASONS_FAILED_VMENTRY)
		return 0;

	vmx->launched = true;
	if (f->current_vmcs)
		f->current_vmcs->launched = true;
	if ((*info & INTR_INFO_VALID_MASK) &&
	    (*info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		*state |= GUEST_INTR_STATE_NMI;
	*info &= ~(u64)INTR_INFO_VALID_MASK;
	if (exit->cr3)
		*fake_field(f, GUEST_CR3) = exit->cr3;
	if (exit->dr7)
		*fake_field(f, GUEST_DR7) = exit->dr7;
	return 0;
}

static void fake_host_nmi(void)
{
	fake_cpu->host_nmis++;
}

static void fake_host_load(struct axv_vmx_vcpu *vmx, int cpu)
{
	fake_cpu->host_loads++;
}

/* The MSRs of SYSCALL; every other is a mistake. */
static u64 *fake_msr(u32 msr)
{
	switch (msr) {
	case MSR_STAR:
		return &fake_cpu->star;
	case MSR_LSTAR:
		return &fake_cpu->lstar;
	case MSR_SYSCALL_MASK:
		return &fake_cpu->sfmask;
	}
	fake_cpu->mistakes++;
	return &fake_cpu->star;
}

static u64 fake_read_msr(u32 msr)
{
	return *fake_msr(msr);
}

static void fake_write_msr(u32 msr, u32 low, u32 high)
{
	*fake_msr(msr) = (u64)high << 32 | low;
	fake_cpu->wrmsrs++;
}

static void fake_machine_check(void)
{
	fake_cpu->machine_checks++;
}

static int fake_guest_read(struct axv_vm *vm, u64 gpa, void *data, size_t size)
{
	fake_cpu->reads++;
	if (fake_cpu->gone) {
		fake_cpu->gone--;
		return -EINTR;
	}
	if (!fake_cpu->pdpt || gpa != fake_cpu->pdpt ||
	    size != sizeof(fake_cpu->pdpte))
		return -EFAULT;
	memcpy(data, fake_cpu->pdpte, size);
	return 0;
}

static enum axv_next fake_stage2_fault(struct axv_x86_vcpu *x, u64 gpa,
				       u32 access)
{
	fake_cpu->faults++;
	fake_cpu->gpa = gpa;
	fake_cpu->access = access;
	return AXV_RESUME;
}

/* Stand-ins for what needs a host with VMX, or a guest with memory. */
#define axv_vmx_enter			fake_enter
#define axv_vmx_host_nmi		fake_host_nmi
#define axv_vmx_host_load		fake_host_load
#define axv_x86_machine_check		fake_machine_check
#define axv_guest_read			fake_guest_read
#define axv_x86_stage2_fault		fake_stage2_fault
#define native_read_msr			fake_read_msr
#define native_write_msr		fake_write_msr

/* Each test sets what the files note of the host once: that must not be read-only. */
#undef __ro_after_init
#define __ro_after_init

#include "../vmx/vmcs.c"
#include "../vmx/state.c"
#include "../vmx/permissions.c"
#include "../vmx/inject.c"
#include "../vmx/syscall.c"
#include "../vmx/exit.c"
#include "../vmx/run.c"

#endif /* _AXVCPU_TESTS_FAKE_VMCS_H */
