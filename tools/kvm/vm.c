// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * A VM: its ioctls, its beginning and its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "caps.h"
#include "chips.h"
#include "debug.h"
#include "vcpu.h"
#include "vm.h"

/* KVM refuses fewer. */
#define MIN_MMU_PAGES	64

/* The VMM promises, once and before the first vCPU, that ids of vCPUs are less than @max. */
static int limit_ids(struct vm *vm, __u64 max)
{
	int err = 0;

	if (max > (__u64)caps_check(vm->host, KVM_CAP_MAX_VCPU_ID))
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	if (!vm->max_ids)
		vm->max_ids = max;
	else if (vm->max_ids != max)
		err = -EINVAL;
	pthread_mutex_unlock(&vm->lock);
	return err;
}

static int enable_cap(struct vm *vm, const struct kvm_enable_cap *cap)
{
	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVM_CAP_SPLIT_IRQCHIP:
		return irqchip_split(vm, cap->args[0]);
	case KVM_CAP_MAX_VCPU_ID:
		return limit_ids(vm, cap->args[0]);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return memory_set_manual(vm, cap->args[0]);
	default:
		debug("capability %u cannot be enabled", cap->cap);
		return -EINVAL;
	}
}

static int set_boot_cpu(struct vm *vm, unsigned long id)
{
	int err = 0;

	pthread_mutex_lock(&vm->lock);
	if (vm->nr_vcpus)
		err = -EBUSY;
	else
		vm->boot_id = id;
	pthread_mutex_unlock(&vm->lock);
	return err;
}

static int irq_line(struct vm *vm, struct kvm_irq_level *line, bool tell)
{
	const struct kvm_irq_level copy = *line;
	__s32 status = 0;
	int err = irqchip_line(vm, &copy, &status);

	if (!err && tell)
		line->status = status;
	return err;
}

static long chips_ioctl(struct vm *vm, unsigned long command, unsigned long arg)
{
	switch (command) {
	case KVM_CREATE_IRQCHIP:
		return irqchip_create(vm);
	case KVM_GET_IRQCHIP:
		return chips_get_irqchip(vm, (struct kvm_irqchip *)arg);
	case KVM_SET_IRQCHIP:
		return chips_set_irqchip(vm, (struct kvm_irqchip *)arg);
	case KVM_CREATE_PIT:
		return chips_create_pit(vm, KVM_PIT_SPEAKER_DUMMY);
	case KVM_CREATE_PIT2:
		return chips_create_pit(vm, ((struct kvm_pit_config *)arg)->flags);
	case KVM_GET_PIT:
		return chips_get_pit(vm, (struct kvm_pit_state *)arg);
	case KVM_SET_PIT:
		return chips_set_pit(vm, (struct kvm_pit_state *)arg);
	case KVM_GET_PIT2:
		return chips_get_pit2(vm, (struct kvm_pit_state2 *)arg);
	case KVM_SET_PIT2:
		return chips_set_pit2(vm, (struct kvm_pit_state2 *)arg);
	case KVM_REINJECT_CONTROL:
		return chips_reinject(vm, (struct kvm_reinject_control *)arg);
	default:
		return -ENOTTY;
	}
}

static long vm_ioctl(void *data, unsigned long command, unsigned long arg)
{
	struct vm *vm = data;

	switch (command) {
	case KVM_CHECK_EXTENSION:
		return caps_check(vm->host, arg);
	case KVM_ENABLE_CAP:
		return enable_cap(vm, (struct kvm_enable_cap *)arg);
	case KVM_CREATE_VCPU:
		return vcpu_create(vm->self, vm, arg);
	case KVM_SET_BOOT_CPU_ID:
		return set_boot_cpu(vm, arg);
	case KVM_SET_USER_MEMORY_REGION:
		return memory_set(vm, (struct kvm_userspace_memory_region *)arg);
	case KVM_GET_DIRTY_LOG:
		return memory_get_dirty(vm, (struct kvm_dirty_log *)arg);
	case KVM_CLEAR_DIRTY_LOG:
		return memory_clear_dirty(vm, (struct kvm_clear_dirty_log *)arg);
	/*
	 * Where KVM keeps what it needs to run real mode on old Intel processors.  The
	 * module needs no memory of the guest's for that.
	 */
	case KVM_SET_TSS_ADDR:
	case KVM_SET_IDENTITY_MAP_ADDR:
		return 0;
	/* How many pages KVM may use for page tables.  The module has no such limit. */
	case KVM_SET_NR_MMU_PAGES:
		return arg < MIN_MMU_PAGES ? -EINVAL : 0;
	case KVM_SET_GSI_ROUTING:
		return irqchip_set_routing(vm, (struct kvm_irq_routing *)arg);
	case KVM_IRQ_LINE:
		return irq_line(vm, (struct kvm_irq_level *)arg, false);
	case KVM_IRQ_LINE_STATUS:
		return irq_line(vm, (struct kvm_irq_level *)arg, true);
	case KVM_SIGNAL_MSI:
		return irqchip_signal_msi(vm, (struct kvm_msi *)arg);
	case KVM_IRQFD:
		return eventfd_irqfd(vm, (struct kvm_irqfd *)arg);
	case KVM_IOEVENTFD:
		return eventfd_ioeventfd(vm, (struct kvm_ioeventfd *)arg);
	case KVM_GET_CLOCK:
		return clock_get(vm, (struct kvm_clock_data *)arg);
	case KVM_SET_CLOCK:
		return clock_set(vm, (struct kvm_clock_data *)arg);
	default:
		return chips_ioctl(vm, command, arg);
	}
}

static void vm_free(void *data)
{
	struct vm *vm = data;

	/* The chips first: their thread uses the module's VM. */
	chips_free(vm->chips);
	axv_vm_destroy(vm->axv);
	eventfd_free(vm);
	irqchip_free(vm);
	memory_free(vm);
	object_put(vm->system);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

static const struct object_ops vm_ops = {
	.name = "VM",
	.ioctl = vm_ioctl,
	.free = vm_free,
};

int vm_create(struct object *system, struct axv_host *host)
{
	const struct axv_vm_config config = { .flags = irqchip_yield(host) };
	struct vm *vm = calloc(1, sizeof(*vm));
	int fd, err;

	if (!vm)
		return -ENOMEM;
	vm->host = host;
	pthread_mutex_init(&vm->lock, NULL);
	clock_init(vm);
	/*
	 * The VM has no irqchip until the VMM asks for one. -EBUSY: KVM uses the virtualization
	 * hardware.
	 */
	err = axv_vm_create(host, &config, &vm->axv);
	if (err) {
		debug("%s", axv_error());
		free(vm);
		return err;
	}
	vm->system = object_get(system);
	vm->self = object_create(&vm_ops, vm);
	if (!vm->self) {
		vm_free(vm);
		return -ENOMEM;
	}
	/* KVM's own descriptors of VMs and vCPUs are closed on exec(). */
	fd = memfd_create("kvm-vm", MFD_CLOEXEC);
	err = fd < 0 ? -errno : object_attach(fd, vm->self);
	object_put(vm->self);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}
