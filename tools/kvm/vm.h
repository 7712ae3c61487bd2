/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * A VM of KVM's, and what its files share.
 */
#ifndef VM_H
#define VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <axvcpu.h>
#include <linux/kvm.h>

#include "object.h"

struct chips;
struct memory;
struct doorbell;

/**
 * struct vm - a VM
 * @self: its object, which lives longer
 * @system: the device it came from, a reference
 * @host: of @system
 * @axv: the VM of the module
 * @lock: guards all that follows, and the choice of @axv
 * @lapic: the local APICs are in the module.  Read without @lock as well, and before @chips
 * @chips: PIC, IOAPIC and PIT (chips.c); NULL: they are the VMM's.  Set once, with @lock held and
 *	before there are vCPUs
 * @nr_vcpus: vCPUs that there are; goes up with @lock held, and down without it, since a handler
 *	may have left a call by longjmp() that holds @lock
 * @max_ids: vCPUs have smaller ids; 0: the VMM has not said yet
 * @boot_id: id of the bootstrap processor; set before there are vCPUs
 * @memory: its slots (memory.c)
 * @manual_dirty_log: KVM_GET_DIRTY_LOG leaves the log as it is, for KVM_CLEAR_DIRTY_LOG
 * @routes: the VMM's table, as the module has it (irqchip.c)
 * @nr_routes: how many
 * @doorbells: ioeventfds (eventfd.c)
 * @clock_offset: how far the VM's clock is ahead of the host's, in ns (clock.c)
 */
struct vm {
	struct object *self;
	struct object *system;
	struct axv_host *host;
	struct axv_vm *axv;
	pthread_mutex_t lock;
	atomic_bool lapic;
	struct chips *_Atomic chips;
	atomic_uint nr_vcpus;
	unsigned int max_ids;
	unsigned long boot_id;
	struct memory *memory;
	bool manual_dirty_log;
	struct axv_route *routes;
	unsigned int nr_routes;
	struct doorbell *doorbells;
	int64_t clock_offset;
};

/**
 * vm_create() - KVM_CREATE_VM
 * @system: the device
 * @host: of @system
 *
 * Return: a descriptor or a negative errno.
 */
int vm_create(struct object *system, struct axv_host *host);

/* ---- memory.c ---- */

/** memory_set() - KVM_SET_USER_MEMORY_REGION */
int memory_set(struct vm *vm, const struct kvm_userspace_memory_region *region);

/* Options of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
#define MEMORY_MANUAL_OPTIONS	KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE

/** memory_set_manual() - KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 is enabled, with @options */
int memory_set_manual(struct vm *vm, __u64 options);

/** memory_get_dirty() - KVM_GET_DIRTY_LOG */
int memory_get_dirty(struct vm *vm, const struct kvm_dirty_log *log);

/** memory_clear_dirty() - KVM_CLEAR_DIRTY_LOG */
int memory_clear_dirty(struct vm *vm, const struct kvm_clear_dirty_log *log);

/** memory_repeat() - give all slots to another VM of the module; @vm->lock held */
int memory_repeat(struct vm *vm, struct axv_vm *axv);

/** memory_free() - the VM ends */
void memory_free(struct vm *vm);

/* ---- irqchip.c ---- */

/**
 * irqchip_yield() - the VM's flag that makes vCPUs yield when they spin, or 0 if not offered
 *
 * KVM has pause-loop exiting on unless it is told otherwise.
 */
__u32 irqchip_yield(struct axv_host *host);

/** irqchip_split() - KVM_CAP_SPLIT_IRQCHIP, with as many pins of IOAPICs */
int irqchip_split(struct vm *vm, uint64_t pins);

/** irqchip_create() - KVM_CREATE_IRQCHIP */
int irqchip_create(struct vm *vm);

/** irqchip_set_routing() - KVM_SET_GSI_ROUTING */
int irqchip_set_routing(struct vm *vm, const struct kvm_irq_routing *routing);

/**
 * irqchip_line() - KVM_IRQ_LINE and KVM_IRQ_LINE_STATUS
 * @vm: the VM
 * @line: which gsi, and its level
 * @status: out: how many interrupts were sent; 0: an earlier one still waits; negative: none
 */
int irqchip_line(struct vm *vm, const struct kvm_irq_level *line, __s32 *status);

/** irqchip_signal_msi() - KVM_SIGNAL_MSI; returns 1 if it was sent, 0 if it reaches no vCPU */
int irqchip_signal_msi(struct vm *vm, const struct kvm_msi *msi);

/**
 * irqchip_route() - an entry of KVM's table as a route of the module's
 * @entry: the entry
 * @route: out
 *
 * Return: 0; -EINVAL: the entry is no message.
 */
int irqchip_route(const struct kvm_irq_routing_entry *entry, struct axv_route *route);

/** irqchip_free() - the VM ends */
void irqchip_free(struct vm *vm);

/* ---- eventfd.c ---- */

/** eventfd_irqfd() - KVM_IRQFD */
int eventfd_irqfd(struct vm *vm, const struct kvm_irqfd *irqfd);

/** eventfd_ioeventfd() - KVM_IOEVENTFD */
int eventfd_ioeventfd(struct vm *vm, const struct kvm_ioeventfd *ioeventfd);

/**
 * eventfd_ring() - signal the ioeventfd for a write that the module did not decode
 * @vm: the VM
 * @port: the write is to a port, otherwise to guest physical memory
 * @addr: of the write
 * @width: its bytes
 * @data: its data
 *
 * Return: whether there is such an ioeventfd.
 */
bool eventfd_ring(struct vm *vm, bool port, uint64_t addr, unsigned int width, uint64_t data);

/** eventfd_repeat() - give all ioeventfds to another VM of the module; @vm->lock held */
int eventfd_repeat(struct vm *vm, struct axv_vm *axv);

/** eventfd_free() - the VM ends */
void eventfd_free(struct vm *vm);

/* ---- clock.c ---- */

/** clock_init() - the clock begins at 0 */
void clock_init(struct vm *vm);

/** clock_get() - KVM_GET_CLOCK */
int clock_get(struct vm *vm, struct kvm_clock_data *clock);

/** clock_set() - KVM_SET_CLOCK */
int clock_set(struct vm *vm, const struct kvm_clock_data *clock);

#endif /* VM_H */
