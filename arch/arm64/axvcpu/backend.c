// SPDX-License-Identifier: GPL-2.0
/*
 * The EL2 back end's operations, and the life of its VMs and vCPUs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpu_pm.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/arch_timer.h>
#include <asm/sysreg.h>

#include <axvcpu/current.h>
#include <axvcpu/hardware.h>

#include "arm64.h"
#include "ich.h"
#include "nvhe.h"

/* Affinity levels of MPIDR_EL1; between them are other bits. */
#define HW_ID_BITS	0xff00ffffffull

/* Bits of SCTLR_EL1 that were one before they had a meaning (Arm ARM, SCTLR_EL1) */
#define SCTLR_RESET	0x30d00800

static atomic64_t next_serial;

/* A guest has no counter but the virtual one, which begins at 0. */
static u64 get_counter(struct axv_vm *vm)
{
	return arch_timer_read_counter() - READ_ONCE(to_arm64_vm(vm)->cntvoff);
}

static void set_counter(struct axv_vm *vm, u64 value)
{
	WRITE_ONCE(to_arm64_vm(vm)->cntvoff, arch_timer_read_counter() - value);
	axv_arm64_timers_changed(vm);
}

static int vm_create(struct axv_vm *vm)
{
	set_counter(vm, 0);
	to_arm64_vm(vm)->vtcr = axv_arm64_vtcr(axv_arm64_s2_format(vm->ipa_bits));
	return axv_arm64_tlb_create(to_arm64_vm(vm));
}

static void vm_destroy(struct axv_vm *vm)
{
	axv_arm64_tlb_destroy(to_arm64_vm(vm));
}

/**
 * axv_arm64_reset() - put a vCPU into the state of a CPU that PSCI turns on
 * @v:		vCPU whose claim the caller holds
 *
 * EL1 in AArch64 state, MMU and caches off, everything masked (DEN 0022, CPU_ON).
 * Registers whose reset value is unknown are zero.
 *
 * Context: may sleep; takes &axv_vcpu.lock.
 */
void axv_arm64_reset(struct axv_arm64_vcpu *v)
{
	memset(&v->regs, 0, sizeof(v->regs));
	memset(v->sys, 0, sizeof(v->sys));
	memset(&v->fpu, 0, sizeof(v->fpu));
	memset(&v->pending, 0, sizeof(v->pending));
	memset(&v->last, 0, sizeof(v->last));
	memset(&v->again, 0, sizeof(v->again));
	v->regs.pstate = PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT |
			 PSR_F_BIT;
	v->sys[AXV_SYS_SCTLR_EL1] = SCTLR_RESET;
	v->os_locked = true;
	v->trap_caches = !axv_arm64_host.fwb;
	axv_arm64_timer_stop(v);
	v->timer.told = false;

	raw_spin_lock_irq(&v->base.lock);
	memset(&v->events, 0, sizeof(v->events));
	axv_arm64_gic_reset(v);
	raw_spin_unlock_irq(&v->base.lock);
}

static void vcpu_reset(struct axv_vcpu *vcpu)
{
	axv_assert_claimed(vcpu);
	axv_arm64_reset(to_arm64(vcpu));
	axv_arm64_memory_reset(vcpu->vm);
}

static int vcpu_create(struct axv_vcpu *vcpu)
{
	struct axv_arm64_vcpu *v = to_arm64(vcpu);

	if (vcpu->hw_id & ~HW_ID_BITS)
		return -EINVAL;
	v->serial = atomic64_inc_return(&next_serial);
	v->has_gic = vcpu->vm->irqchip == AXV_IRQCHIP_GICV3;
	axv_arm64_controls_init(v);
	axv_arm64_timer_init(v);
	axv_arm64_reset(v);
	return 0;
}

static void vcpu_destroy(struct axv_vcpu *vcpu)
{
	axv_arm64_timer_stop(to_arm64(vcpu));
}

static int check_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	if (setup->mode != AXV_ARM64_MODE_EL1 || setup->flags)
		return -EINVAL;
	return setup->entry & 3 || setup->entry >> vcpu->vm->ipa_bits ? -EINVAL : 0;
}

static int vcpu_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	axv_assert_claimed(vcpu);
	to_arm64(vcpu)->regs.pc = setup->entry;
	return 0;
}

/* Between two runs all state of a vCPU is in memory, so there is nothing to load or unload. */
static void load(struct axv_vcpu *vcpu, int cpu)
{
}

static void unload(struct axv_vcpu *vcpu)
{
}

static int query(u32 id, u64 *value)
{
	switch (id) {
	case AXV_QUERY_IPA_BITS:
		*value = axv_arm64_ipa_bits();
		return 0;
	case AXV_QUERY_INJECT_DEPTH:
		/* Without a GICv3, the interrupt inputs have a level, not a queue. */
		*value = axv_arm64_host.vgic ? AXV_GIC_DEPTH : 0;
		return 0;
	case AXV_QUERY_FPU_SIZE:
		*value = sizeof(struct axv_arm64_fpu);
		return 0;
	case AXV_QUERY_COUNTER_KHZ:
		*value = arch_timer_get_cntfrq() / 1000;
		return 0;
	case AXV_QUERY_RUN_SETS:
		*value = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
		return 0;
	}
	return -EINVAL;
}

static int get_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
		     void *buf, u32 *count)
{
	if (kind != AXV_TABLE_REGS || !vcpu)
		return -EINVAL;
	axv_assert_claimed(vcpu);
	return axv_arm64_reg_list(to_arm64(vcpu), buf, count);
}

static int set_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
		     void *buf, u32 count)
{
	return -EINVAL;
}

static u32 table_entry_size(u32 kind)
{
	return kind == AXV_TABLE_REGS ? sizeof(u64) : 0;
}

/* Begin to use this CPU, of whose TLB, list registers and GIC nothing is known. */
static int begin_on_cpu(void)
{
	int err = 0;

	axv_arm64_tlb_reset_cpu();
	if (!axv_arm64_host.vhe)
		err = axv_nvhe_enable();
	else if (axv_arm64_host.vgic)
		axv_ich_clear(axv_gic_host.nr_lrs);
	if (!err)
		axv_arm64_ppi_enable_cpu();
	return err;
}

/*
 * With VHE, EL2 is the kernel's own and always on; still it is not known what guests have
 * left in this CPU's TLB.
 */
static int hardware_enable(void)
{
	axv_arm64_harden_cpu();
	axv_arm64_look_at_cpu();
	return begin_on_cpu();
}

/*
 * A CPU that was idle may have lost its power, and with it the TLB, the list registers
 * and what is active in its GIC; without VHE, EL2 as well.
 */
static int cpu_pm(struct notifier_block *notifier, unsigned long event, void *unused)
{
	if (!axv_hardware_is_enabled())
		return NOTIFY_DONE;
	if (event == CPU_PM_ENTER && !axv_arm64_host.vhe)
		axv_nvhe_disable();
	else if (event == CPU_PM_ENTER_FAILED || event == CPU_PM_EXIT)
		if (begin_on_cpu())
			pr_err("EL2 of CPU %d cannot be taken again\n", smp_processor_id());
	return NOTIFY_OK;
}

static struct notifier_block pm_notifier = { .notifier_call = cpu_pm };

static void hardware_disable(void)
{
	axv_arm64_ppi_disable_cpu();
	if (!axv_arm64_host.vhe)
		axv_nvhe_disable();
}

static struct axv_arch_ops arm64_ops __ro_after_init = {
	.name = "el2",
	.rivals = "kvm",
	.backend = AXV_BACKEND_EL2,
	.vm_size = sizeof(struct axv_arm64_vm),
	.vcpu_size = sizeof(struct axv_arm64_vcpu),
	.max_hw_id = HW_ID_BITS,
	.inject_types[AXV_IRQCHIP_NONE] = BIT(AXV_INJECT_WIRED) | BIT(AXV_INJECT_EXCEPTION),
	.vm_flags[AXV_IRQCHIP_GICV3] = AXV_VM_SGI_IN_KERNEL,

	.hardware_prepare = axv_arm64_ppi_prepare,
	.hardware_unprepare = axv_arm64_ppi_unprepare,
	.hardware_enable = hardware_enable,
	.hardware_disable = hardware_disable,

	.query = query,
	.get_table = get_table,
	.set_table = set_table,
	.table_entry_size = table_entry_size,

	.s2_format = axv_arm64_s2_format,
	.flush_stage2 = axv_arm64_flush_stage2,
	.sync_memory = axv_arm64_sync_memory,

	.vm_create = vm_create,
	.vm_destroy = vm_destroy,
	.get_counter = get_counter,
	.set_counter = set_counter,

	.vcpu_create = vcpu_create,
	.vcpu_destroy = vcpu_destroy,
	.check_setup = check_setup,
	.vcpu_setup = vcpu_setup,
	.vcpu_reset = vcpu_reset,
	.load = load,
	.unload = unload,
	.prepare_run = axv_arm64_prepare_run,
	.store_run = axv_arm64_store_run,
	.sync_gprs = axv_arm64_sync_gprs,
	.run = axv_arm64_run,
	.inject = axv_arm64_inject,
	.route = axv_arm64_route,
	.set_sgis = axv_arm64_set_sgis,
	.has_event = axv_arm64_has_event,
	.get_reg = axv_arm64_get_reg,
	.set_reg = axv_arm64_set_reg,
	.get_fpu = axv_arm64_get_fpu,
	.set_fpu = axv_arm64_set_fpu,
};

static bool __init find_gic(void)
{
	u32 timer_intid = axv_arm64_ppi_init();

	u64 vtr;

	if (axv_arm64_host.gicv3) {
		vtr = axv_arm64_host.vhe ? read_sysreg_s(SYS_ICH_VTR_EL2) :
					   axv_nvhe_ich_vtr();
		axv_arm64_host.vgic = axv_arm64_gic_init(vtr, timer_intid);
	}
	return axv_arm64_host.vgic;
}

static void free_all(void)
{
	if (!axv_arm64_host.vhe)
		axv_nvhe_exit();
	axv_arm64_tlb_exit();
}

/**
 * axv_arch_init() - look for hardware virtualization
 *
 * Context: module load.
 * Return: the back end's operations, or an error pointer: -EOPNOTSUPP; -EBUSY if KVM has
 * EL2 and it cannot be shared.
 */
const struct axv_arch_ops * __init axv_arch_init(void)
{
	int err = axv_arm64_host_init() ?: axv_arm64_tlb_init();

	if (err)
		return ERR_PTR(err);
	if (!axv_arm64_host.vhe) {
		err = axv_nvhe_init();
		if (err) {
			axv_arm64_tlb_exit();
			return ERR_PTR(err);
		}
	}
	err = cpu_pm_register_notifier(&pm_notifier);
	if (err) {
		free_all();
		return ERR_PTR(err);
	}
	axv_arm64_idregs_init();
	axv_arm64_smccc_init();
	axv_arm64_s2_init();
	if (!axv_arm64_host.fwb)
		arm64_ops.clean_memory = axv_arm64_clean_memory;
	if (find_gic())
		arm64_ops.inject_types[AXV_IRQCHIP_GICV3] =
			BIT(AXV_INJECT_EXTINT) | BIT(AXV_INJECT_WIRED) |
			BIT(AXV_INJECT_EXCEPTION);
	return &arm64_ops;
}

/** axv_arch_exit() - release what axv_arch_init() took */
void axv_arch_exit(void)
{
	cpu_pm_unregister_notifier(&pm_notifier);
	free_all();
}
