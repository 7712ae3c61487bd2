// SPDX-License-Identifier: GPL-2.0
/*
 * The host's state: what an exit has to load (SDM vol. 3C, "Host-State Area"),
 * and what it does not give back.
 *
 * In the inner loop, between axv_vmx_hold_host() and axv_vmx_release_host(),
 * registers at which only user mode and the scheduler look may be the guest's.
 */
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/thread_info.h>
#include <asm/cpu_entry_area.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "insn.h"
#include "vmx.h"

/* PAT and EFER of the host's kernel, which does not change them after boot. */
static u64 host_pat __ro_after_init;
static u64 host_efer __ro_after_init;

/* The GDT that the kernel uses on this CPU once it is up: see load_fixmap_gdt(). */
static DEFINE_PER_CPU(struct desc_ptr, host_gdt);

/*
 * rdmsrl() and wrmsrl() are calls in a kernel that may be a paravirtualized guest of
 * Xen, where there is no VMX.  These are inline, and traced like those.
 */
static __always_inline u64 read_msr(u32 msr)
{
	return native_read_msr(msr);
}

static __always_inline void write_msr(u32 msr, u64 value)
{
	native_write_msr(msr, (u32)value, value >> 32);
}

/** axv_vmx_host_init() - note what stays the same, on each CPU */
void axv_vmx_host_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(host_gdt, cpu) = (struct desc_ptr){
			.size = GDT_SIZE - 1,
			.address = (unsigned long)get_cpu_gdt_ro(cpu),
		};
	axv_vmx_syscall_init();
	rdmsrl(MSR_IA32_CR_PAT, host_pat);
	rdmsrl(MSR_EFER, host_efer);
}

/* Selectors of user mode are not allowed here: axv_vmx_release_host() restores those. */
static void write_selectors(void)
{
	axv_vmwrite(HOST_CS_SELECTOR, __KERNEL_CS);
	axv_vmwrite(HOST_SS_SELECTOR, __KERNEL_DS);
	axv_vmwrite(HOST_DS_SELECTOR, 0);
	axv_vmwrite(HOST_ES_SELECTOR, 0);
	axv_vmwrite(HOST_FS_SELECTOR, 0);
	axv_vmwrite(HOST_GS_SELECTOR, 0);
	axv_vmwrite(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
}

/**
 * axv_vmx_host_load() - write the host's state on this CPU to the VMCS
 * @vmx:	vCPU that is being loaded; its VMCS is current
 * @cpu:	this CPU
 *
 * Context: interrupts off.
 */
void axv_vmx_host_load(struct axv_vmx_vcpu *vmx, int cpu)
{
	struct axv_vmx_host *host = &vmx->host;
	struct desc_ptr idt;
	u64 value;

	write_selectors();
	store_idt(&idt);
	axv_vmwrite(HOST_IDTR_BASE, idt.address);
	axv_vmwrite(HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu));
	axv_vmwrite(HOST_TR_BASE,
		    (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	rdmsrl(MSR_GS_BASE, value);
	axv_vmwrite(HOST_GS_BASE, value);

	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	axv_vmwrite(HOST_IA32_SYSENTER_CS, value);
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	axv_vmwrite(HOST_IA32_SYSENTER_ESP, value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	axv_vmwrite(HOST_IA32_SYSENTER_EIP, value);
	axv_vmwrite(HOST_IA32_PAT, host_pat);
	axv_vmwrite(HOST_IA32_EFER, host_efer);
	/* TS is never set: FPU state is switched eagerly. */
	axv_vmwrite(HOST_CR0, read_cr0());
	axv_vmwrite(HOST_RIP, (unsigned long)axv_vmx_exit_point);

	host->tsc_aux = 0;
	if (axv_x86_host.tsc_aux)
		rdmsrl(MSR_TSC_AUX, host->tsc_aux);

	/* axv_vmx_hold_host() compares with these. */
	host->cr3 = __read_cr3();
	axv_vmwrite(HOST_CR3, host->cr3);
	host->cr4 = cr4_read_shadow();
	axv_vmwrite(HOST_CR4, host->cr4);
	host->fs_base = 0;
	axv_vmwrite(HOST_FS_BASE, 0);
	/* Have axv_vmx_enter() write HOST_RSP: the VMCS may have that of another stack. */
	vmx->host_rsp = 0;
}

/*
 * Performance counters that count the host only, and PEBS, which would write
 * its records through the guest's page tables, are off in the guest: perf says
 * which MSRs that takes.
 */
static noinline void update_perf_msrs(struct axv_vmx_vcpu *vmx,
				      const struct perf_guest_switch_msr *msrs)
{
	unsigned int used = 0;
	int i;

	vmx->host.pebs = 0;
	for (i = 0; msrs && i < vmx->host.nr_perf && used < AXV_VMX_MSRS; i++) {
		if (msrs[i].host == msrs[i].guest)
			continue;
		if (msrs[i].msr == MSR_IA32_PEBS_ENABLE)
			vmx->host.pebs = msrs[i].host;
		vmx->areas->entry_msrs[used].index = msrs[i].msr;
		vmx->areas->entry_msrs[used].value = msrs[i].guest;
		vmx->areas->exit_msrs[used].index = msrs[i].msr;
		vmx->areas->exit_msrs[used].value = msrs[i].host;
		used++;
	}
	if (likely(used == vmx->host.nr_msrs))
		return;
	vmx->host.nr_msrs = used;
	axv_vmwrite(VM_ENTRY_MSR_LOAD_COUNT, used);
	axv_vmwrite(VM_EXIT_MSR_LOAD_COUNT, used);
}

/* store_ldt(), but into a register instead of memory. */
static __always_inline u32 read_ldt(void)
{
	u32 ldt;

	asm volatile("sldt %0" : "=r" (ldt));
	return ldt;
}

static __always_inline void refresh_host(struct axv_vmx_vcpu *vmx)
{
	struct axv_vmx_host *host = &vmx->host;
	const struct perf_guest_switch_msr *msrs;
	unsigned long cr3, cr4;
	u16 ldt;

	axv_vmx_l1d_note(vmx);
	host->debugctl = read_msr(MSR_IA32_DEBUGCTLMSR);

	/* An exit leaves no LDT: if there is one, it was loaded since. */
	ldt = read_ldt();
	if (unlikely(ldt))
		host->ldt = ldt;

	if (unlikely(READ_ONCE(vmx->x.base.loaded_cpu) < 0))
		return;
	cr3 = __read_cr3();
	if (unlikely(cr3 != host->cr3)) {
		axv_vmwrite(HOST_CR3, cr3);
		host->cr3 = cr3;
	}
	cr4 = cr4_read_shadow();
	if (unlikely(cr4 != host->cr4)) {
		axv_vmwrite(HOST_CR4, cr4);
		host->cr4 = cr4;
	}

	/* Nothing to do if perf names no MSRs, and named none before. */
	host->nr_perf = 0;
	msrs = perf_guest_get_msrs(&host->nr_perf, NULL);
	if (msrs || host->nr_msrs)
		update_perf_msrs(vmx, msrs);
}

/**
 * axv_vmx_refresh_host() - save what interrupts may have changed of the host's state
 * @x:		vCPU in the inner loop
 *
 * If an interrupt switched virtualization off, the vCPU is loaded nowhere any more,
 * and axv_x86_before_entry() refuses the entry.
 *
 * Context: interrupts off.
 */
void axv_vmx_refresh_host(struct axv_x86_vcpu *x)
{
	refresh_host(x86_to_vmx(x));
}

static u64 read_fs_base(void)
{
	return static_cpu_has(X86_FEATURE_FSGSBASE) ? rdfsbase() : read_msr(MSR_FS_BASE);
}

/**
 * axv_vmx_hold_host() - the inner loop begins: save the host's state
 * @x:		vCPU that is loaded on this CPU, if virtualization is on
 *
 * Context: interrupts off.
 */
void axv_vmx_hold_host(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	struct axv_vmx_host *host = &vmx->host;
	u64 fs_base = read_fs_base();

	savesegment(ds, host->ds);
	savesegment(es, host->es);
	savesegment(fs, host->fs);
	savesegment(gs, host->gs);
	host->ldt = 0;
	refresh_host(vmx);
	if (unlikely(fs_base != host->fs_base) &&
	    likely(READ_ONCE(x->base.loaded_cpu) >= 0)) {
		axv_vmwrite(HOST_FS_BASE, fs_base);
		host->fs_base = fs_base;
	}

	host->kernel_gs_base = read_msr(MSR_KERNEL_GS_BASE);
	if (vmx->kernel_gs_base != host->kernel_gs_base)
		write_msr(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
	vmx->host_held = true;
}

/*
 * An exit has loaded null selectors instead (SDM, "Loading Host Segment and
 * Descriptor-Table Registers").
 */
static void restore_selectors(const struct axv_vmx_host *host)
{
	if (unlikely(host->ldt))
		asm volatile("lldt %0" : : "r" (host->ldt));
	if (unlikely(host->ds))
		loadsegment(ds, host->ds);
	if (unlikely(host->es))
		loadsegment(es, host->es);
	if (unlikely(host->fs)) {
		loadsegment(fs, host->fs);
		wrmsrl(MSR_FS_BASE, host->fs_base);
	}
	/* This changes the inactive base, which the caller restores afterwards. */
	if (unlikely(host->gs))
		load_gs_index(host->gs);
}

static noinline void reload_tr(void)
{
	force_reload_TR();
}

/**
 * axv_vmx_release_host() - the inner loop ends: give the host its state back
 * @x:		vCPU; there may have been no entry at all
 *
 * Also the limits of GDTR and TR, which an exit sets to other values than the kernel
 * (SDM, "Loading Host Segment and Descriptor-Table Registers").
 *
 * Context: interrupts off.
 */
void axv_vmx_release_host(struct axv_x86_vcpu *x)
{
	struct axv_vmx_vcpu *vmx = x86_to_vmx(x);
	const struct axv_vmx_host *host = &vmx->host;

	vmx->host_held = false;
	vmx->kernel_gs_base = read_msr(MSR_KERNEL_GS_BASE);
	if (vmx->syscall_loaded)
		axv_vmx_syscall_unload(vmx);
	restore_selectors(host);
	if (vmx->kernel_gs_base != host->kernel_gs_base || unlikely(host->gs))
		write_msr(MSR_KERNEL_GS_BASE, host->kernel_gs_base);
	native_load_gdt(this_cpu_ptr(&host_gdt));
	/* invalidate_tss_limit(), with its rare part out of line. */
	lockdep_assert_irqs_disabled();
	if (unlikely(test_thread_flag(TIF_IO_BITMAP)))
		reload_tr();
	else
		this_cpu_write(__tss_limit_invalid, true);
}
