// SPDX-License-Identifier: GPL-2.0
/*
 * The VM object: its creation, its death with the VMM, and its end.
 *
 * Death and end are two things.  A VM dies with the address space it belongs to, even if
 * descriptors are still open somewhere: memory and hardware are given back at that moment.
 * It ends with the last descriptor.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/kcsan-checks.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <axvcpu/current.h>
#include <axvcpu/doorbell.h>
#include <axvcpu/hardware.h>
#include <axvcpu/request.h>
#include <axvcpu/route.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "debugfs.h"

#define VM_FLAGS	(AXV_VM_HALT_IN_KERNEL | AXV_VM_EXIT_ON_EXTINT)
#define REGION_FLAGS	(AXV_REGION_READONLY | AXV_REGION_LOG_DIRTY)

/* Ids are handed out in a circle, so that none is soon used again. */
static DEFINE_XARRAY_ALLOC1(ids);
static u32 next_id;

static u64 irqchips(const struct axv_arch_ops *ops)
{
	u64 chips = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops->inject_types); i++)
		if (ops->inject_types[i])
			chips |= BIT(i);
	return chips;
}

/* The flags of every VM, and those that one of the irqchips allows beside them. */
static u32 vm_flags(const struct axv_arch_ops *ops)
{
	u32 flags = VM_FLAGS;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops->vm_flags); i++)
		if (ops->inject_types[i])
			flags |= ops->vm_flags[i];
	return flags;
}

/**
 * axv_query() - one fact about the host
 * @ops:	the back end
 * @id:		an &enum axv_query_id
 * @value:	the answer
 *
 * Context: may sleep.
 * Return: 0, or -EINVAL for an unknown @id.
 */
int axv_query(const struct axv_arch_ops *ops, u32 id, u64 *value)
{
	switch (id) {
	case AXV_QUERY_ABI_VERSION:
		*value = AXV_ABI_VERSION;
		return 0;
	case AXV_QUERY_BACKEND:
		*value = ops->backend;
		return 0;
	case AXV_QUERY_MAX_VCPUS:
		*value = axv_max_vcpus(ops);
		return 0;
	case AXV_QUERY_MAX_REGIONS:
		*value = AXV_MAX_REGIONS;
		return 0;
	case AXV_QUERY_MAX_DIRTY_PAGES:
		*value = AXV_MAX_DIRTY_PAGES;
		return 0;
	case AXV_QUERY_MAX_ROUTES:
		*value = ops->route ? AXV_MAX_ROUTES : 0;
		return 0;
	case AXV_QUERY_DEBUG_FLAGS:
		*value = ops->debug_flags;
		return 0;
	case AXV_QUERY_DIRTY_FLAGS:
		*value = AXV_DIRTY_KEEP;
		return 0;
	case AXV_QUERY_MAX_DOORBELLS:
		*value = AXV_MAX_DOORBELLS;
		return 0;
	case AXV_QUERY_DOORBELL_FLAGS:
		*value = axv_doorbell_flags(ops);
		return 0;
	case AXV_QUERY_RUN_SIZE:
		*value = PAGE_SIZE;
		return 0;
	case AXV_QUERY_IRQCHIPS:
		*value = irqchips(ops);
		return 0;
	case AXV_QUERY_VM_FLAGS:
		*value = vm_flags(ops);
		return 0;
	case AXV_QUERY_REGION_FLAGS:
		*value = REGION_FLAGS;
		return 0;
	case AXV_QUERY_INJECT_TYPES:
		*value = ops->inject_types[AXV_IRQCHIP_NONE];
		return 0;
	case AXV_QUERY_STATS_SIZE:
		*value = sizeof(struct axv_stats);
		return 0;
	default:
		return ops->query(id, value);
	}
}

static int check_config(const struct axv_arch_ops *ops,
			const struct axv_create_vm *config, u32 *ipa_bits)
{
	u64 widest;
	int err;

	if (config->type != AXV_VM_TYPE_DEFAULT || config->pad ||
	    config->irqchip > AXV_IRQCHIP_AIA ||
	    config->flags & ~(VM_FLAGS | ops->vm_flags[config->irqchip]))
		return -EINVAL;
	/* If a halt ended the run, the vCPU would wait in the VMM, and an SGI wake no thread. */
	if (config->flags & AXV_VM_SGI_IN_KERNEL && !(config->flags & AXV_VM_HALT_IN_KERNEL))
		return -EINVAL;
	if (!ops->inject_types[config->irqchip])
		return -EOPNOTSUPP;
	/* A vCPU waits in the kernel for its SIPI, and for interrupts of the local APIC. */
	if (config->irqchip == AXV_IRQCHIP_LAPIC && !(config->flags & AXV_VM_HALT_IN_KERNEL))
		return -EINVAL;

	err = axv_query(ops, AXV_QUERY_IPA_BITS, &widest);
	if (err)
		return err;
	*ipa_bits = config->ipa_bits ?: widest;
	/* At least one page has to fit. */
	if (*ipa_bits > widest || *ipa_bits < PAGE_SHIFT || !ops->s2_format(*ipa_bits))
		return -EINVAL;
	return 0;
}

/* A back end without hardware of its own needs none to be switched on. */
static int get_hardware(struct axv_vm *vm)
{
	int err;

	if (!vm->ops->hardware_enable)
		return 0;
	err = axv_hardware_get();
	if (!err)
		vm->has_hardware = true;
	return err;
}

/**
 * axv_vm_new() - create a VM that belongs to this thread's address space
 * @ops:	the back end
 * @config:	what userspace wants
 *
 * Context: may sleep.
 * Return: the VM with one reference, or an error pointer: -EINVAL: unknown
 * values in @config; -EOPNOTSUPP: known but not implemented; -EBUSY: another
 * hypervisor has the hardware; -ENOMEM.
 */
struct axv_vm *axv_vm_new(const struct axv_arch_ops *ops,
			  const struct axv_create_vm *config)
{
	struct axv_vm *vm;
	u32 ipa_bits;
	int err;

	if (!current->mm)
		return ERR_PTR(-EINVAL);
	err = check_config(ops, config, &ipa_bits);
	if (err)
		return ERR_PTR(err);
	axv_current_enable();

	vm = kvzalloc(ops->vm_size, GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	err = -ENOMEM;
	if (!zalloc_cpumask_var(&vm->flush_cpus, GFP_KERNEL_ACCOUNT))
		goto err_free;
	if (!zalloc_cpumask_var(&vm->held_cpus, GFP_KERNEL_ACCOUNT))
		goto err_mask;
	vm->held = alloc_percpu_gfp(unsigned int, GFP_KERNEL_ACCOUNT);
	if (!vm->held)
		goto err_held;
	kref_init(&vm->ref);
	vm->ops = ops;
	vm->irqchip = config->irqchip;
	vm->ipa_bits = ipa_bits;
	vm->flags = config->flags;
	vm->mm = current->mm;
	mutex_init(&vm->lock);
	xa_init(&vm->vcpus);
	xa_init_flags(&vm->by_hw_id, XA_FLAGS_ACCOUNT);
	axv_doorbells_init(vm);
	xa_init_flags(&vm->routes, XA_FLAGS_ACCOUNT);
	spin_lock_init(&vm->irqfd_lock);
	INIT_LIST_HEAD(&vm->irqfds);
	xa_init_flags(&vm->resamplers, XA_FLAGS_ACCOUNT);

	err = xa_alloc_cyclic(&ids, &vm->id, vm, xa_limit_32b, &next_id,
			      GFP_KERNEL_ACCOUNT);
	if (err < 0)
		goto err_percpu;
	err = get_hardware(vm);
	if (err)
		goto err_id;
	err = ops->vm_create(vm);
	if (err)
		goto err_hardware;

	mmgrab(vm->mm);
	err = axv_memory_init(vm);
	if (err)
		goto err_memory;
	vm->pid = get_task_pid(current, PIDTYPE_TGID);
	axv_debugfs_add_vm(vm);
	return vm;

err_memory:
	mmdrop(vm->mm);
	ops->vm_destroy(vm);
err_hardware:
	axv_vm_put_hardware(vm);
err_id:
	xa_erase(&ids, vm->id);
err_percpu:
	free_percpu(vm->held);
err_held:
	free_cpumask_var(vm->held_cpus);
err_mask:
	free_cpumask_var(vm->flush_cpus);
err_free:
	kvfree(vm);
	return ERR_PTR(err);
}

static void vm_free(struct kref *ref)
{
	struct axv_vm *vm = container_of(ref, struct axv_vm, ref);

	/* debugfs first: a file there looks at the guest's memory when it is opened. */
	debugfs_remove(vm->debugfs);
	/* This unregisters the notifier, by which the VM dies now unless it has died before. */
	axv_memory_destroy(vm);
	axv_doorbells_destroy(vm);
	axv_vm_put_hardware(vm);
	vm->ops->vm_destroy(vm);
	xa_erase(&ids, vm->id);
	xa_destroy(&vm->vcpus);
	xa_destroy(&vm->by_hw_id);
	xa_destroy(&vm->routes);
	xa_destroy(&vm->resamplers);
	mmdrop(vm->mm);
	put_pid(vm->pid);
	free_percpu(vm->held);
	free_cpumask_var(vm->held_cpus);
	free_cpumask_var(vm->flush_cpus);
	kvfree(vm);
}

/**
 * axv_vm_get() - take a reference
 * @vm:		VM the caller has a reference to
 */
void axv_vm_get(struct axv_vm *vm)
{
	kref_get(&vm->ref);
}

/**
 * axv_vm_put() - give a reference back
 * @vm:		VM; the last one ends it
 *
 * Context: may sleep.
 */
void axv_vm_put(struct axv_vm *vm)
{
	kref_put(&vm->ref, vm_free);
}

static void nothing(void *info)
{
}

/*
 * Is a vCPU of the VM in the guest on a CPU?  Only the vCPU that the CPU has loaded last
 * can be, and no other is loaded while it is.  Under RCU, since the vCPU may be closed
 * meanwhile.
 */
static bool runs_on(const struct axv_vm *vm, int cpu)
{
	const struct axv_vcpu *vcpu;
	union axv_where where;

	/*
	 * Pairs with set_loaded(): if our vCPU is not there any more, what its guest stored
	 * is seen.
	 */
	vcpu = smp_load_acquire(per_cpu_ptr(&axv_loaded, cpu));
	if (!vcpu || vcpu->vm != vm)
		return false;
	where = axv_where(vcpu);
	return where.mode == AXV_IN_GUEST && where.loaded_cpu == cpu;
}

/**
 * axv_vm_flush_on_entry() - no vCPU uses old translations when this returns
 * @vm:		VM whose second-stage mappings were removed or lost rights
 *
 * For back ends that flush a guest's translations at its entry, by comparing
 * &axv_vm.tlb_gen.  vCPUs outside the guest find the new generation when they
 * enter; those inside are brought out.
 *
 * Context: under &axv_vm.mmu_lock, interrupts on; waits for other CPUs, does not
 * sleep.
 */
void axv_vm_flush_on_entry(struct axv_vm *vm)
{
	int cpu;

	lockdep_assert_held_write(&vm->mmu_lock);
	atomic64_inc(&vm->tlb_gen);

	/*
	 * Pairs with the barrier of an entry, between writing where the vCPU is
	 * (@held_cpus, axv_loaded, the mode) and reading the generation.
	 */
	smp_mb__after_atomic();

	cpumask_clear(vm->flush_cpus);
	rcu_read_lock();
	/* Bits change meanwhile, atomically: to KCSAN, too, the loop's plain loads are atomic. */
	kcsan_nestable_atomic_begin();
	for_each_cpu(cpu, vm->held_cpus)
		if (runs_on(vm, cpu))
			cpumask_set_cpu(cpu, vm->flush_cpus);
	kcsan_nestable_atomic_end();
	rcu_read_unlock();
	/*
	 * Pairs with hold_no_more(): what the guest stored on a CPU whose bit is clear is
	 * seen.
	 */
	smp_acquire__after_ctrl_dep();

	/* The local CPU is left out by the call: it runs this code, not a guest. */
	preempt_disable();
	smp_call_function_many(vm->flush_cpus, nothing, NULL, true);
	preempt_enable();
}
