// SPDX-License-Identifier: GPL-2.0
/*
 * The life of the part of a vCPU that SVM and VMX have in common, its tables, and
 * what a VMM can ask about the host.
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/msr-index.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/processor-flags.h>
#include <asm/tsc.h>

#include <axvcpu/current.h>

#include "cpuid.h"
#include "events.h"
#include "fpu.h"
#include "lapic.h"
#include "msr.h"
#include "regs.h"
#include "x86.h"

/**
 * axv_x86_vcpu_init() - initialize the common part of a new vCPU
 * @x:		zeroed except @x->base
 * @hw:		the back end's; its functions can be called already
 *
 * The vCPU is reset, and has the host's CPUID table until it is given another.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int axv_x86_vcpu_init(struct axv_x86_vcpu *x, const struct axv_x86_hw *hw)
{
	x->hw = hw;
	x->cpuid = kcalloc(AXV_CPUID_MAX, sizeof(*x->cpuid),
			   GFP_KERNEL_ACCOUNT);
	if (!x->cpuid)
		return -ENOMEM;
	if (axv_x86_fpu_init(x)) {
		kfree(x->cpuid);
		x->cpuid = NULL;
		return -ENOMEM;
	}
	if (x->base.vm->irqchip == AXV_IRQCHIP_LAPIC && axv_lapic_init(x)) {
		axv_x86_vcpu_destroy(x);
		return -ENOMEM;
	}
	axv_x86_cpuid_default(x);
	axv_x86_vcpu_reset(x);
	return 0;
}

/**
 * axv_x86_vcpu_destroy() - release what axv_x86_vcpu_init() took
 * @x:		vCPU; axv_x86_vcpu_init() may have failed on it
 *
 * Context: may sleep.
 */
void axv_x86_vcpu_destroy(struct axv_x86_vcpu *x)
{
	axv_lapic_destroy(x);
	axv_x86_fpu_destroy(x);
	kfree(x->cpuid);
	x->cpuid = NULL;
}

/* See AMD APM vol. 2, table 14-1. */
static void reset_segments(struct axv_x86_vcpu *x)
{
	static const struct axv_x86_segment data = {
		.limit = 0xffff, .attr = AXV_X86_ATTR_P | AXV_X86_ATTR_S | 0x3,
	};
	static const struct axv_x86_segment code = {
		.base = 0xffff0000, .limit = 0xffff, .selector = 0xf000,
		.attr = AXV_X86_ATTR_P | AXV_X86_ATTR_S | 0xb,
	};
	static const struct axv_x86_segment ldt = {
		.limit = 0xffff, .attr = AXV_X86_ATTR_P | 0x2,
	};
	static const struct axv_x86_segment task = {
		.limit = 0xffff, .attr = AXV_X86_ATTR_P | 0xb,
	};
	static const struct axv_x86_dtable table = { .limit = 0xffff };
	unsigned int i;

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		x->hw->set_segment(x, i, i == AXV_X86_CS ? &code : &data);
	x->hw->set_segment(x, AXV_X86_LDTR, &ldt);
	x->hw->set_segment(x, AXV_X86_TR, &task);
	x->hw->set_dtable(x, AXV_X86_GDTR, &table);
	x->hw->set_dtable(x, AXV_X86_IDTR, &table);
}

static void reset_msrs(struct axv_x86_vcpu *x)
{
	static const u32 zero[] = {
		MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
		MSR_KERNEL_GS_BASE, MSR_IA32_SYSENTER_CS,
		MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
		MSR_IA32_SPEC_CTRL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(zero); i++)
		x->hw->set_msr(x, zero[i], 0);
	x->hw->set_msr(x, MSR_IA32_CR_PAT, AXV_X86_PAT_RESET);
	x->tsc_aux = 0;
	WRITE_ONCE(x->tsc_adjust, 0);
	x->mcg_status = 0;
	x->misc_enable = 0;
	x->mtrr_def_type = 0;
	memset(x->mtrr_fixed, 0, sizeof(x->mtrr_fixed));
	memset(x->mtrr_var, 0, sizeof(x->mtrr_var));
}

/* EDX holds the processor's signature. */
static void set_signature(struct axv_x86_vcpu *x)
{
	u32 eax, ebx, ecx, edx;

	axv_x86_cpuid(x, 1, 0, &eax, &ebx, &ecx, &edx);
	x->regs.gpr[AXV_X86_RDX] = eax;
}

/* What RESET and INIT do alike; @cr0: CR0 after it. */
static void reset_registers(struct axv_x86_vcpu *x, u64 cr0)
{
	unsigned int i;

	axv_x86_events_reset(x);
	memset(&x->pending, 0, sizeof(x->pending));
	x->injected = 0;
	x->hw->set_shadow(x, AXV_X86_SHADOW_NONE);
	x->hw->set_nmi_masked(x, false);
	x->hw->set_pending_debug(x, 0);

	x->hw->set_efer(x, 0);
	x->hw->set_cr(x, 0, cr0);
	x->hw->set_cr(x, 2, 0);
	x->hw->set_cr(x, 3, 0);
	x->hw->set_cr(x, 4, 0);
	x->hw->set_cr(x, 8, 0);
	for (i = 0; i < 4; i++)
		x->hw->set_dr(x, i, 0);
	x->hw->set_dr(x, 6, 0xffff0ff0);
	x->hw->set_dr(x, 7, 0x400);
	reset_segments(x);

	memset(&x->regs, 0, sizeof(x->regs));
	set_signature(x);
	x->regs.rip = 0xfff0;
	x->regs.rflags = X86_EFLAGS_FIXED;
}

/*
 * Do what INIT does.  RESET changes, and INIT keeps: the vector state and XCR0, CD and NW
 * of CR0, the TSC and all MSRs but EFER (AMD APM vol. 2, table 14-1; Intel SDM vol. 3A,
 * table "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT").  The
 * VMM's choice of exceptions that exit stays, too.
 */
static void init(struct axv_x86_vcpu *x)
{
	u32 exit_mask = x->events.exit_mask;

	reset_registers(x, (x->cr0 & (X86_CR0_CD | X86_CR0_NW)) | X86_CR0_ET);
	x->events.exit_mask = exit_mask;
	x->asid.stale = true;
	/*
	 * With @any set the next entry disarms an interrupt window, and stops to watch
	 * CR8: VMX refuses an entry with a threshold above the guest's CR8.
	 */
	WRITE_ONCE(x->events.any, true);
}

/* The vector of a SIPI is the page of the first instruction. */
static void startup(struct axv_x86_vcpu *x, u8 vector)
{
	struct axv_x86_segment cs;

	x->hw->get_segment(x, AXV_X86_CS, &cs);
	cs.selector = vector << 8;
	cs.base = (u64)vector << 12;
	x->hw->set_segment(x, AXV_X86_CS, &cs);
	x->regs.rip = 0;
}

/**
 * axv_x86_take_latched() - do what a latched INIT or SIPI asks for
 * @x:		vCPU with a local APIC, whose claim the caller holds
 *
 * A SIPI is lost if the vCPU does not wait for one (Intel SDM vol. 3A, "MP
 * Initialization Protocol").
 *
 * Context: process context, outside the inner loop.
 */
void axv_x86_take_latched(struct axv_x86_vcpu *x)
{
	struct axv_lapic *lapic = x->lapic;
	int latched = atomic_xchg(&lapic->latched, 0);

	if (latched & AXV_LATCHED_INIT) {
		init(x);
		axv_lapic_reset_regs(lapic);
		lapic->wait_sipi = !axv_vcpu_is_bsp(&x->base);
		x->events.halted = lapic->wait_sipi;
	}
	if ((latched & AXV_LATCHED_SIPI) && lapic->wait_sipi) {
		startup(x, latched >> AXV_LATCHED_VECTOR);
		lapic->wait_sipi = false;
		x->events.halted = false;
	}
}

/**
 * axv_x86_vcpu_reset() - put the vCPU into the state after RESET
 * @x:		vCPU whose claim the caller holds
 *
 * AMD APM vol. 2, 14.1.3.  The CPUID table stays.
 *
 * Context: takes &axv_vcpu.lock.
 */
void axv_x86_vcpu_reset(struct axv_x86_vcpu *x)
{
	x->dr_live = false;
	x->irq_armed = false;
	x->asid.cpu = -1;
	reset_registers(x, X86_CR0_CD | X86_CR0_NW | X86_CR0_ET);
	reset_msrs(x);
	x->xcr0 = XFEATURE_MASK_FP;
	axv_x86_fpu_reset(x);
	if (x->lapic)
		axv_lapic_reset(x);
	x->hw->cpuid_changed(x);
}

/**
 * axv_x86_check_setup() - would axv_x86_setup() be possible?
 * @vcpu:	vCPU
 * @setup:	entry point and mode
 *
 * Return: 0, or -EINVAL for an unknown mode, flags, or an entry point outside
 * the VM's addresses or the 4 GiB that both modes reach.
 */
int axv_x86_check_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	unsigned int bits = min(vcpu->vm->ipa_bits, 32u);

	if (setup->mode > AXV_X86_MODE_PROTECTED || setup->flags)
		return -EINVAL;
	return setup->entry >> bits ? -EINVAL : 0;
}

static void setup_real(struct axv_x86_vcpu *x, u64 entry)
{
	struct axv_x86_segment cs;

	x->hw->get_segment(x, AXV_X86_CS, &cs);
	cs.base = entry & ~0xffffull;
	/* Selector and base agree if the base is one that real mode can load. */
	cs.selector = (entry >> 4) & 0xf000;
	x->hw->set_segment(x, AXV_X86_CS, &cs);
	x->regs.rip = entry & 0xffff;
}

/* The selectors are those of Linux's 32-bit boot protocol. */
static void setup_protected(struct axv_x86_vcpu *x, u64 entry)
{
	static const struct axv_x86_segment code = {
		.limit = 0xffffffff, .selector = 0x10,
		.attr = AXV_X86_ATTR_G | AXV_X86_ATTR_DB | AXV_X86_ATTR_P |
			AXV_X86_ATTR_S | 0xb,
	};
	static const struct axv_x86_segment data = {
		.limit = 0xffffffff, .selector = 0x18,
		.attr = AXV_X86_ATTR_G | AXV_X86_ATTR_DB | AXV_X86_ATTR_P |
			AXV_X86_ATTR_S | 0x3,
	};
	unsigned int i;

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		x->hw->set_segment(x, i, i == AXV_X86_CS ? &code : &data);
	x->hw->set_cr(x, 0, X86_CR0_PE | X86_CR0_ET);
	x->regs.rip = entry;
}

/**
 * axv_x86_setup() - set where the guest begins, and in which mode
 * @vcpu:	reset vCPU whose claim the caller holds
 * @setup:	what axv_x86_check_setup() agreed to
 *
 * Everything else is as after RESET.  Real mode at 0xfffffff0 is the state after RESET.
 * For a vCPU that waits for a SIPI the entry point has no effect: it begins where the SIPI
 * says, in real mode.
 *
 * Return: 0.
 */
int axv_x86_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	struct axv_x86_vcpu *x = to_x86(vcpu);

	axv_assert_claimed(vcpu);
	/* The table may have been set since the reset. */
	set_signature(x);
	if (x->lapic && x->lapic->wait_sipi)
		return 0;
	if (setup->mode == AXV_X86_MODE_PROTECTED)
		setup_protected(x, setup->entry);
	else
		setup_real(x, setup->entry);
	return 0;
}

/**
 * axv_x86_query() - answer a question about the host that the core cannot answer
 * @id:		an &enum axv_query_id
 * @value:	the answer
 *
 * Return: 0 or -EINVAL.
 */
int axv_x86_query(u32 id, u64 *value)
{
	switch (id) {
	case AXV_QUERY_IPA_BITS:
		/* Nested tables have as many levels as the host's (AMD APM vol. 2, 15.25.3). */
		*value = min(axv_x86_host.phys_bits,
			     pgtable_l5_enabled() ? 52u : 48u);
		return 0;
	case AXV_QUERY_INJECT_DEPTH:
		*value = AXV_EXTINT_DEPTH;
		return 0;
	case AXV_QUERY_FPU_SIZE:
		*value = axv_x86_host.fpu_size;
		return 0;
	case AXV_QUERY_COUNTER_KHZ:
		*value = tsc_khz;
		return 0;
	case AXV_QUERY_RUN_SETS:
		*value = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
		return 0;
	}
	return -EINVAL;
}

/**
 * axv_x86_get_table() - read one of the tables of x86
 * @vm:		VM, or NULL
 * @vcpu:	vCPU, or NULL: the VM's or the host's
 * @kind:	an &enum axv_table_kind
 * @buf:	room for *@count entries
 * @count:	in: room; out: how many there are
 *
 * Return: 0, -E2BIG if they do not fit, -EINVAL if there is no such table.
 */
int axv_x86_get_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
		      void *buf, u32 *count)
{
	if (vcpu)
		axv_assert_claimed(vcpu);
	switch (kind) {
	case AXV_TABLE_REGS:
		if (vcpu)
			return axv_x86_reg_list(to_x86(vcpu), buf, count);
		break;
	case AXV_TABLE_X86_CPUID:
		if (vcpu)
			return axv_x86_get_cpuid(to_x86(vcpu), buf, count);
		if (!vm)
			return axv_x86_supported_cpuid(buf, count);
		break;
	case AXV_TABLE_X86_MSR_POLICY:
		if (vm && !vcpu)
			return axv_x86_get_policy(to_x86_vm(vm), buf, count);
		break;
	}
	return -EINVAL;
}

/**
 * axv_x86_set_table() - replace one of the tables of x86
 * @vm:		VM, or NULL
 * @vcpu:	vCPU, claimed in Created or Free, or NULL: the VM's
 * @kind:	an &enum axv_table_kind
 * @buf:	entries, in kernel memory; out: the table as axv_x86_get_table() shows it now
 * @count:	how many
 *
 * Context: may sleep; &axv_vm.lock for a table of the VM's.
 * Return: 0; an error of the table's own, after which nothing has changed; -EINVAL if
 * there is no such table, or it cannot be set.
 */
int axv_x86_set_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
		      void *buf, u32 count)
{
	int err = -EINVAL;

	if (vcpu)
		axv_assert_claimed(vcpu);
	switch (kind) {
	case AXV_TABLE_X86_CPUID:
		if (vcpu)
			err = axv_x86_set_cpuid(to_x86(vcpu), buf, count);
		break;
	case AXV_TABLE_X86_MSR_POLICY:
		if (vm && !vcpu)
			err = axv_x86_set_policy(to_x86_vm(vm), buf, count);
		break;
	}
	return err ?: axv_x86_get_table(vm, vcpu, kind, buf, &count);
}

/**
 * axv_x86_table_entry_size() - size of one entry of a table
 * @kind:	an &enum axv_table_kind
 *
 * Return: bytes; 0: there is no such table.
 */
u32 axv_x86_table_entry_size(u32 kind)
{
	switch (kind) {
	case AXV_TABLE_REGS:
		return sizeof(u64);
	case AXV_TABLE_X86_CPUID:
		return sizeof(struct axv_x86_cpuid);
	case AXV_TABLE_X86_MSR_POLICY:
		return sizeof(struct axv_x86_msr_policy);
	}
	return 0;
}
