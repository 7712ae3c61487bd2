// SPDX-License-Identifier: GPL-2.0
/*
 * The SVM back end's operations, and the life of its VMs and vCPUs.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/slab.h>
#include <asm/tlbflush.h>

#include <axvcpu/current.h>

#include "../debug.h"
#include "../events.h"
#include "../fpu.h"
#include "../lapic.h"
#include "../regs.h"
#include "../tsc.h"
#include "svm.h"

/*
 * Nested page tables: the format of the host's own, whose depth and width the
 * processor takes over from the host's CR4 and EFER (APM 15.25.3).  Accesses
 * count as the user's (APM 15.25.5).
 */
#define NPT_FORMAT(n, bits)				\
	{						\
		.levels = (n),				\
		.ipa_bits = (bits),			\
		.max_leaf_level = 3,			\
		.table = BIT_ULL(0) | BIT_ULL(1) | BIT_ULL(2) | BIT_ULL(5), \
		.leaf = BIT_ULL(0) | BIT_ULL(2),	\
		.leaf_block = BIT_ULL(7),		\
		.present_mask = BIT_ULL(0),		\
		.table_mask = BIT_ULL(7),		\
		.table_value = 0,			\
		.writable = BIT_ULL(1),			\
		.not_executable = BIT_ULL(63),		\
		.accessed = BIT_ULL(5),			\
		.dirty = BIT_ULL(6),			\
		.addr_mask = GENMASK_ULL(51, 12),	\
	}

static struct axv_s2_format npt4 __ro_after_init = NPT_FORMAT(4, 48);
static struct axv_s2_format npt5 __ro_after_init = NPT_FORMAT(5, 52);

static const struct axv_s2_format *svm_s2_format(unsigned int ipa_bits)
{
	return boot_cpu_has(X86_FEATURE_LA57) && (cr4_read_shadow() & X86_CR4_LA57) ?
	       &npt5 : &npt4;
}

/* Where memory is encrypted, entries have a bit for that, as the host's (APM 7.10.4). */
static void init_format(struct axv_s2_format *fmt)
{
	fmt->ipa_bits = min(fmt->ipa_bits, axv_x86_host.phys_bits);
	fmt->table = __sme_set(fmt->table);
	fmt->leaf = __sme_set(fmt->leaf);
	fmt->addr_mask &= ~__sme_set(0ull);
}

static int svm_vm_create(struct axv_vm *vm)
{
	/* A guest's counter starts at 0. */
	axv_x86_set_counter(vm, 0);
	return axv_svm_msrpm_create(to_svm_vm(vm));
}

static void svm_vm_destroy(struct axv_vm *vm)
{
	axv_svm_msrpm_destroy(to_svm_vm(vm));
	axv_x86_vm_destroy(to_x86_vm(vm));
}

static int svm_set_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
			 void *buf, u32 count)
{
	int err = axv_x86_set_table(vm, vcpu, kind, buf, count);

	if (!err && kind == AXV_TABLE_X86_MSR_POLICY)
		axv_svm_msrpm_update(to_svm_vm(vm));
	return err;
}

static void svm_vcpu_reset(struct axv_vcpu *vcpu)
{
	struct axv_svm_vcpu *svm = to_svm(vcpu);

	axv_assert_claimed(vcpu);
	axv_svm_vmcb_init(svm);
	axv_x86_vcpu_reset(&svm->x);
}

static int svm_vcpu_create(struct axv_vcpu *vcpu)
{
	struct axv_svm_vcpu *svm = to_svm(vcpu);
	int err;

	svm->vmcb = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb)
		return -ENOMEM;
	svm->vmcb_pa = __sme_pa(svm->vmcb);
	axv_svm_nmi_init(svm);
	axv_svm_vmcb_init(svm);

	err = axv_x86_vcpu_init(&svm->x, &axv_svm_hw);
	if (err)
		free_page((unsigned long)svm->vmcb);
	return err;
}

static void svm_vcpu_destroy(struct axv_vcpu *vcpu)
{
	struct axv_svm_vcpu *svm = to_svm(vcpu);

	axv_svm_nmi_exit(svm);
	axv_x86_vcpu_destroy(&svm->x);
	free_page((unsigned long)svm->vmcb);
}

static struct axv_arch_ops svm_ops __ro_after_init = {
	.name = "svm",
	.rivals = "kvm_amd",
	.backend = AXV_BACKEND_SVM,
	.vm_size = sizeof(struct axv_svm_vm),
	.vcpu_size = sizeof(struct axv_svm_vcpu),
	.max_hw_id = AXV_X86_MAX_APIC_ID,
	.has_ports = true,
	.inject_types[AXV_IRQCHIP_NONE] = AXV_X86_INJECT_TYPES,
	.inject_types[AXV_IRQCHIP_LAPIC] = AXV_X86_INJECT_TYPES,
	.debug_flags = AXV_X86_DEBUG_FLAGS | AXV_DEBUG_STEP,

	.hardware_enable = axv_svm_hardware_enable,
	.hardware_disable = axv_svm_hardware_disable,

	.query = axv_x86_query,
	.get_table = axv_x86_get_table,
	.set_table = svm_set_table,
	.table_entry_size = axv_x86_table_entry_size,

	.s2_format = svm_s2_format,
	.flush_stage2 = axv_vm_flush_on_entry,

	.vm_create = svm_vm_create,
	.vm_destroy = svm_vm_destroy,
	.get_counter = axv_x86_get_counter,
	.set_counter = axv_lapic_set_counter,

	.vcpu_create = svm_vcpu_create,
	.vcpu_destroy = svm_vcpu_destroy,
	.check_setup = axv_x86_check_setup,
	.vcpu_setup = axv_x86_setup,
	.vcpu_reset = svm_vcpu_reset,
	.load = axv_svm_load,
	.unload = axv_svm_unload,
	.prepare_run = axv_x86_prepare_run,
	.store_run = axv_x86_store_run,
	.sync_gprs = axv_x86_sync_gprs,
	.run = axv_svm_run,
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
 * axv_svm_init() - make SVM the back end of a host that has it
 *
 * Context: module load; axv_x86_host_init() was called.
 * Return: its operations, or an error pointer: -EOPNOTSUPP if SVM lacks what is
 * needed or is switched off, -ENOMEM.
 */
const struct axv_arch_ops *axv_svm_init(void)
{
	int err;

	err = axv_svm_hardware_init();
	if (err)
		return ERR_PTR(err);
	err = axv_svm_iopm_init();
	if (err) {
		axv_svm_hardware_exit();
		return ERR_PTR(err);
	}
	if (axv_svm.pause_filter)
		axv_x86_offer_yield(&svm_ops);
	init_format(&npt4);
	init_format(&npt5);
	return &svm_ops;
}

/** axv_svm_exit() - release what axv_svm_init() took */
void axv_svm_exit(void)
{
	axv_svm_iopm_exit();
	axv_svm_hardware_exit();
}
