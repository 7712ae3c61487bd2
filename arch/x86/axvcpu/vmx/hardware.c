// SPDX-License-Identifier: GPL-2.0
/*
 * VMX on the host's CPUs: find out what it can do, switch it on and off.
 *
 * VMX has to be off when the kernel hands the machine on, even after a panic: in
 * VMX operation a CPU takes no INIT, and a kexec faults where it clears CR4.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/processor-flags.h>
#include <asm/reboot.h>
#include <asm/tlbflush.h>

#include <axvcpu/compat.h>

#include "hardware.h"
#include "insn.h"
#include "vmx.h"

/* CPUID 1, ECX */
#define CPUID_VMX	BIT(5)

/* CR4.FRED; 6.1 does not name it. */
#define CR4_FRED	BIT_ULL(32)

/* VMXON region of each CPU (SDM vol. 3C, "VMXON Region"): it begins with the revision. */
static DEFINE_PER_CPU(u32 *, vmxon_region);

static void free_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		free_page((unsigned long)per_cpu(vmxon_region, cpu));
		per_cpu(vmxon_region, cpu) = NULL;
	}
}

static int alloc_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct page *page = alloc_pages_node(cpu_to_node(cpu),
						     GFP_KERNEL | __GFP_ZERO, 0);

		if (!page) {
			free_regions();
			return -ENOMEM;
		}
		per_cpu(vmxon_region, cpu) = page_address(page);
		*per_cpu(vmxon_region, cpu) = axv_vmx_caps.revision;
	}
	return 0;
}

/* Is there VMX, and did the firmware leave it on? */
static bool vmx_is_there(void)
{
	u64 control = 0;

	if (!(cpuid_ecx(1) & CPUID_VMX))
		return false;
	rdmsrl_safe(MSR_IA32_FEAT_CTL, &control);
	if (boot_cpu_has(X86_FEATURE_VMX) &&
	    (!(control & FEAT_CTL_LOCKED) ||
	     (control & (FEAT_CTL_VMX_ENABLED_INSIDE_SMX |
			 FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))))
		return true;
	pr_err("VMX is switched off (IA32_FEATURE_CONTROL is %llx); enable it in the firmware's setup, and use a kernel built with kvm_intel\n",
	       control);
	return false;
}

/**
 * axv_vmx_hardware_init() - look for VMX and choose what is used of it
 *
 * Context: module load; may sleep.
 * Return: 0; -EOPNOTSUPP without VMX, without what is required of it, or where
 * the firmware switched it off; -ENOMEM.
 */
int axv_vmx_hardware_init(void)
{
	struct axv_vmx_msrs msrs;
	const char *missing;
	int err;

	if (!vmx_is_there())
		return -EOPNOTSUPP;
	/*
	 * With FRED the kernel has no IDT entry for the NMI that axv_vmx_host_nmi()
	 * calls, and an exit loads none of FRED's MSRs (Intel's "Flexible Return and
	 * Event Delivery (FRED) Specification").
	 */
	if (__read_cr4() & CR4_FRED) {
		pr_err("this kernel uses FRED, which is not supported; boot with fred=off\n");
		return -EOPNOTSUPP;
	}
	axv_vmx_read_msrs(&msrs);
	err = axv_vmx_choose(&msrs, &axv_vmx_caps, &missing);
	if (err) {
		pr_err("this processor's VMX lacks %s, which is required\n",
		       missing);
		return err;
	}
	return alloc_regions();
}

/** axv_vmx_hardware_exit() - release what axv_vmx_hardware_init() took */
void axv_vmx_hardware_exit(void)
{
	free_regions();
}

/*
 * The kernel's emergency path: this CPU is about to be stopped, reset, or given
 * to another kernel.
 *
 * Context: any, NMI too, in the middle of whatever this file does.
 */
static void emergency_disable(void)
{
	if (!(__read_cr4() & X86_CR4_VMXE))
		return;
	axv_vmx_clear_held();
	axv_vmxoff();
	cr4_clear_bits(X86_CR4_VMXE);
}

static bool kvm_intel_is_loaded(void)
{
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset,
					     "kvm_intel");

	kobject_put(kobj);
	return kobj;
}

/**
 * axv_vmx_hardware_prepare() - prepare before VMX is switched on, on any CPU
 *
 * Registers emergency_disable() with the kernel's emergency path, which has room for
 * one callback.  There is no way to ask whether the place is taken, and the kernel only
 * warns of a second callback.  So look for KVM, which would be the first.
 *
 * Context: may sleep.
 * Return: 0, or -EBUSY if KVM is there.
 */
int axv_vmx_hardware_prepare(void)
{
	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	if (AXV_KVM_HOOKED_WHILE_LOADED && kvm_intel_is_loaded())
		return -EBUSY;
	cpu_emergency_register_virt_callback(emergency_disable);
	return 0;
}

/**
 * axv_vmx_hardware_unprepare() - clean up after VMX was switched off, on all CPUs
 *
 * Context: may sleep.
 */
void axv_vmx_hardware_unprepare(void)
{
	cpu_emergency_unregister_virt_callback(emergency_disable);
}

/*
 * Firmware or kernel usually locked IA32_FEATURE_CONTROL.  Where neither did, any
 * kernel may use VMX, and VMXON faults until the lock is set (SDM vol. 3C, "Enabling
 * and Entering VMX Operation").
 */
static int lock_feature_control(void)
{
	u64 control;
	int err = rdmsrl_safe(MSR_IA32_FEAT_CTL, &control);

	if (err || (control & FEAT_CTL_LOCKED))
		return err;
	return wrmsrl_safe(MSR_IA32_FEAT_CTL,
			   control | FEAT_CTL_LOCKED |
			   FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX);
}

/* Does this CPU have the same VMX as the others?  A VMCS has to work on every CPU. */
static bool has_same_caps(void)
{
	struct axv_vmx_msrs msrs;
	struct axv_vmx_caps caps;
	const char *missing;

	axv_vmx_read_msrs(&msrs);
	return !axv_vmx_choose(&msrs, &caps, &missing) &&
	       !memcmp(&caps, &axv_vmx_caps, sizeof(caps));
}

/**
 * axv_vmx_hardware_enable() - switch VMX on, on this CPU
 *
 * Context: interrupts off.
 * Return: 0; -EBUSY if another module (KVM) has VMX on; -EIO if this CPU refuses, or
 * is not like the one the module was loaded on.
 */
int axv_vmx_hardware_enable(void)
{
	int cpu = smp_processor_id();

	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	if (!has_same_caps()) {
		pr_err("CPU %d has not the same VMX as the others\n", cpu);
		return -EIO;
	}

	/* On some processors Processor Trace must not be on in VMX operation. */
	intel_pt_handle_vmx(1);
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	if (lock_feature_control() ||
	    axv_vmxon(virt_to_phys(__this_cpu_read(vmxon_region)))) {
		pr_err("CPU %d refuses VMXON\n", cpu);
		goto off;
	}

	/* Another user of VMX may have left translations of any kind. */
	if (axv_invept(AXV_VMX_INV_ALL, 0) || axv_invvpid(AXV_VMX_INV_ALL, 0)) {
		pr_err("CPU %d refuses INVEPT or INVVPID\n", cpu);
		axv_vmxoff();
		goto off;
	}
	return 0;

off:
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
	return -EIO;
}

/**
 * axv_vmx_hardware_disable() - switch VMX off, on this CPU; no VMCS is active
 *
 * Context: interrupts off.
 */
void axv_vmx_hardware_disable(void)
{
	if (!(cr4_read_shadow() & X86_CR4_VMXE))
		return;
	axv_vmxoff();
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}
