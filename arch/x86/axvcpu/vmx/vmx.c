// SPDX-License-Identifier: GPL-2.0
/*
 * The VMX back end's operations, and the life of its VMs and vCPUs.
 */
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>

#include <axvcpu/current.h>

#include "../asid.h"
#include "../debug.h"
#include "../events.h"
#include "../fpu.h"
#include "../lapic.h"
#include "../regs.h"
#include "../tsc.h"
#include "vmx.h"

/*
 * Extended page tables (SDM vol. 3C, "The Extended Page Table Mechanism (EPT)").
 * Memory is write-back whatever the guest's PAT says, so that its caches agree
 * with the host's.
 */
#define EPT_WRITE_BACK	(6 << 3)
#define EPT_IGNORE_PAT	BIT_ULL(6)
#define EPT_ACCESSED	BIT_ULL(8)
#define EPT_DIRTY	BIT_ULL(9)

#define EPT_FORMAT(n, bits)						\
	{								\
		.levels = (n),						\
		.ipa_bits = (bits),					\
		.max_leaf_level = 1,					\
		.table = BIT_ULL(0) | BIT_ULL(1) | BIT_ULL(2),		\
		.leaf = EPT_WRITE_BACK | EPT_IGNORE_PAT,		\
		.leaf_block = BIT_ULL(7),				\
		.present_mask = BIT_ULL(0) | BIT_ULL(1) | BIT_ULL(2),	\
		.table_mask = BIT_ULL(7),				\
		.table_value = 0,					\
		.readable = BIT_ULL(0),					\
		.writable = BIT_ULL(1),					\
		.executable = BIT_ULL(2),				\
		.addr_mask = GENMASK_ULL(51, 12),			\
	}

static struct axv_s2_format ept4 __ro_after_init = EPT_FORMAT(4, 48);
static struct axv_s2_format ept5 __ro_after_init = EPT_FORMAT(5, 52);

/*
 * A guest that changes the size of a page it fetches from causes a machine check of the
 * host, unless the second stage maps it in 4 KiB pages anyway
 * (Documentation/admin-guide/hw-vuln/multihit.rst).
 */
static bool has_multihit(void)
{
	return boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) &&
	       !cpu_mitigations_off();
}

/* Add to the format what this processor's EPT has besides 4 KiB pages. */
static void init_format(struct axv_s2_format *fmt)
{
	fmt->ipa_bits = min(fmt->ipa_bits, axv_x86_host.phys_bits);
	if (axv_vmx_caps.ept_2m && !has_multihit())
		fmt->max_leaf_level = axv_vmx_caps.ept_1g ? 3 : 2;
	if (axv_vmx_caps.ept_ad) {
		fmt->accessed = EPT_ACCESSED;
		fmt->dirty = EPT_DIRTY;
		fmt->table |= EPT_ACCESSED;
	}
}

/* No more levels than the guest's addresses need. */
static const struct axv_s2_format *vmx_s2_format(unsigned int ipa_bits)
{
	return ipa_bits > 48 && axv_vmx_caps.ept_5levels ? &ept5 : &ept4;
}

static int vmx_vm_create(struct axv_vm *vm)
{
	/* A guest's counter starts at 0. */
	axv_x86_set_counter(vm, 0);
	return axv_vmx_msr_bitmap_create(to_vmx_vm(vm));
}

static void vmx_vm_destroy(struct axv_vm *vm)
{
	axv_vmx_msr_bitmap_destroy(to_vmx_vm(vm));
	axv_x86_vm_destroy(to_x86_vm(vm));
}

static int vmx_query(u32 id, u64 *value)
{
	int err = axv_x86_query(id, value);

	/* The depth of EPT does not depend on the host's paging. */
	if (!err && id == AXV_QUERY_IPA_BITS)
		*value = min(axv_x86_host.phys_bits,
			     axv_vmx_caps.ept_5levels ? 52u : 48u);
	return err;
}

static int vmx_set_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
			 void *buf, u32 count)
{
	int err = axv_x86_set_table(vm, vcpu, kind, buf, count);

	if (!err && kind == AXV_TABLE_X86_MSR_POLICY)
		axv_vmx_msr_bitmap_update(to_vmx_vm(vm));
	return err;
}

static void vmx_vcpu_reset(struct axv_vcpu *vcpu)
{
	struct axv_vmx_vcpu *vmx = to_vmx(vcpu);

	axv_assert_claimed(vcpu);
	axv_vmx_vmcs_reset(vmx);
	axv_x86_vcpu_reset(&vmx->x);
	vmx->pdptes_stale = false;
}

static void vmx_vcpu_destroy(struct axv_vcpu *vcpu)
{
	struct axv_vmx_vcpu *vmx = to_vmx(vcpu);

	axv_x86_vcpu_destroy(&vmx->x);
	if (vmx->areas)
		free_pages((unsigned long)vmx->areas,
			   get_order(sizeof(*vmx->areas)));
	free_page((unsigned long)vmx->vmcs);
}

static int vmx_vcpu_create(struct axv_vcpu *vcpu)
{
	struct axv_vmx_vcpu *vmx = to_vmx(vcpu);
	int err = -ENOMEM;

	vmx->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vmx->areas = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO,
					      get_order(sizeof(*vmx->areas)));
	if (vmx->vmcs && vmx->areas) {
		*(u32 *)vmx->vmcs = axv_vmx_caps.revision;
		vmx->vmcs_pa = virt_to_phys(vmx->vmcs);
		/* Nothing is in the hardware yet: the copy is all there is. */
		vmx->known = AXV_VMX_ALL_FIELDS;
		vmx->hw_rflags = X86_EFLAGS_FIXED;
		axv_vmx_vmcs_reset(vmx);
		err = axv_x86_vcpu_init(&vmx->x, &axv_vmx_hw);
	}
	if (err)
		vmx_vcpu_destroy(vcpu);
	return err;
}

static int vmx_hardware_enable(void)
{
	struct axv_x86_asids *vpids = this_cpu_ptr(&axv_vmx_vpids);
	int err = axv_vmx_hardware_enable();

	if (err)
		return err;
	vpids->count = VMX_NR_VPIDS;
	axv_x86_asids_reset(vpids);
	return 0;
}

static struct axv_arch_ops vmx_ops __ro_after_init = {
	.name = "vmx",
	.rivals = "kvm_intel",
	.backend = AXV_BACKEND_VMX,
	.vm_size = sizeof(struct axv_vmx_vm),
	.vcpu_size = sizeof(struct axv_vmx_vcpu),
	.max_hw_id = AXV_X86_MAX_APIC_ID,
	.has_ports = true,
	.inject_types[AXV_IRQCHIP_NONE] = AXV_X86_INJECT_TYPES,
	.inject_types[AXV_IRQCHIP_LAPIC] = AXV_X86_INJECT_TYPES,
	.debug_flags = AXV_X86_DEBUG_FLAGS,

	.hardware_prepare = axv_vmx_hardware_prepare,
	.hardware_unprepare = axv_vmx_hardware_unprepare,
	.hardware_enable = vmx_hardware_enable,
	.hardware_disable = axv_vmx_hardware_disable,

	.query = vmx_query,
	.get_table = axv_x86_get_table,
	.set_table = vmx_set_table,
	.table_entry_size = axv_x86_table_entry_size,

	.s2_format = vmx_s2_format,
	.flush_stage2 = axv_vm_flush_on_entry,

	.vm_create = vmx_vm_create,
	.vm_destroy = vmx_vm_destroy,
	.get_counter = axv_x86_get_counter,
	.set_counter = axv_lapic_set_counter,

	.vcpu_create = vmx_vcpu_create,
	.vcpu_destroy = vmx_vcpu_destroy,
	.check_setup = axv_x86_check_setup,
	.vcpu_setup = axv_x86_setup,
	.vcpu_reset = vmx_vcpu_reset,
	.load = axv_vmx_load,
	.unload = axv_vmx_unload,
	.prepare_run = axv_x86_prepare_run,
	.store_run = axv_x86_store_run,
	.sync_gprs = axv_x86_sync_gprs,
	.run = axv_vmx_run,
	.inject = axv_x86_inject,
	.route = axv_x86_route,
	.msi = axv_x86_msi,
	.set_debug = axv_x86_set_debug,
	.has_event = axv_x86_has_event,
	.get_reg = axv_x86_get_reg,
	.set_reg = axv_x86_set_reg,
	.get_fpu = axv_x86_get_fpu,
	.set_fpu = axv_x86_set_fpu,
};

/**
 * axv_vmx_init() - make VMX the back end of a host that has it
 *
 * Context: module load; axv_x86_host_init() was called.
 * Return: its operations, or an error pointer: -EOPNOTSUPP if VMX lacks what is
 * needed or is switched off, -ENOMEM.
 */
const struct axv_arch_ops *axv_vmx_init(void)
{
	int err = axv_vmx_hardware_init();

	if (err)
		return ERR_PTR(err);
	err = axv_vmx_l1d_init();
	if (err) {
		axv_vmx_hardware_exit();
		return ERR_PTR(err);
	}
	axv_vmx_host_init();
	if (!axv_vmx_caps.rdtscp)
		axv_x86_host.tsc_aux = false;
	if (!axv_vmx_caps.invpcid)
		axv_x86_host.invpcid = false;
	if (axv_vmx_caps.pause_loop)
		axv_x86_offer_yield(&vmx_ops);
	if (axv_vmx_caps.trap_flag)
		vmx_ops.debug_flags |= AXV_DEBUG_STEP;
	init_format(&ept4);
	init_format(&ept5);
	return &vmx_ops;
}

/** axv_vmx_exit() - release what axv_vmx_init() took */
void axv_vmx_exit(void)
{
	axv_vmx_l1d_exit();
	axv_vmx_hardware_exit();
}
