/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface between the core and a back end.
 *
 * The operations are coarse: the whole enter-and-exit loop lives behind run(),
 * so an exit costs no indirect call.  Arrows point down: a back end may call
 * the core's helpers (state, memory, current vCPU), never the front end.
 */
#ifndef _AXVCPU_ARCH_H
#define _AXVCPU_ARCH_H

#include <linux/bits.h>
#include <linux/types.h>

#include <linux/axvcpu.h>

struct axv_s2_format;
struct axv_vcpu;
struct axv_vm;

/*
 * Flags for &axv_arch_ops.sync_memory: until now the guest could not access, or not execute, the
 * memory
 */
#define AXV_SYNC_NEW	BIT(0)
#define AXV_SYNC_FETCH	BIT(1)

/*
 * In &axv_inject.flags, of a WIRED event that is high, or of an MSI: the event came by a
 * route, and the core knows what waits for the end of a level, axv_routes_ended().
 * Userspace cannot set it.
 */
#define AXV_EVENT_ROUTED	BIT(31)

/**
 * struct axv_arch_ops - what a back end does
 * @name:	for messages: "svm"
 * @rivals:	for a message: modules that may have the hardware, "kvm_amd"
 * @backend:	an &enum axv_backend
 * @vm_size:	bytes of its VM type, whose first member is struct axv_vm
 * @vcpu_size:	bytes of its vCPU type, whose first member is struct axv_vcpu
 * @max_hw_id:	largest &axv_vcpu.hw_id
 * @has_ports:	guests have ports beside memory
 * @inject_types: by &enum axv_irqchip, bit n: &enum axv_inject_type n works on a
 *		vCPU with it; zero: there is no such irqchip
 * @vm_flags:	by &enum axv_irqchip: the AXV_VM_* that a VM with it may have beside those
 *		of every VM
 * @debug_flags: the AXV_DEBUG_* that @set_debug takes; 0: it is not called
 *
 * @hardware_prepare: called before the first CPU is switched on.  -EBUSY if another
 *		hypervisor has the hardware.  May sleep.  NULL: there is nothing to prepare.
 * @hardware_unprepare: called after the last CPU was switched off.  May sleep.  NULL: there
 *		is nothing to undo.
 * @hardware_enable: turn virtualization on, on this CPU.  -EBUSY if another hypervisor has
 *		the hardware.  Interrupts off.  NULL: there is nothing to turn on.
 * @hardware_disable: turn virtualization off again, on this CPU.  Interrupts off.  Does nothing
 *		where virtualization is not on.
 *
 * @query:	answer an &enum axv_query_id that the core does not know; -EINVAL: unknown
 * @get_table:	fill @buf with up to *@count entries and set *@count to how many
 *		there are (-E2BIG if more than fit).  The table is that of the vCPU; with a
 *		VM alone, that of the VM; with neither, that of the host.  -EINVAL for a
 *		kind that is not there.  A vCPU is claimed for a read: preemption off,
 *		interrupts on, does not sleep.  With a VM alone, its lock is held.
 * @set_table:	replace a table, or change nothing and fail.  @buf is kernel
 *		memory; where the table that is set differs from what was asked
 *		for, @buf is changed to what was set, which the caller of
 *		AXV_SET_TABLE gets back.  The vCPU, if one is given, is claimed
 *		in Created or Free; otherwise the VM's lock is held.  May sleep.
 * @table_entry_size: bytes of one entry of a kind, 0 if there is none
 *
 * @s2_format:	page-table format for guest physical addresses of so many bits
 * @flush_stage2: second-stage mappings of the VM were removed or lost rights:
 *		when it returns, no CPU uses them any more.  May be called with
 *		spinlocks held, interrupts on; does not sleep.
 * @sync_memory: the guest is about to get host memory, @nr places of @size bytes, that
 *		perhaps it could not access (AXV_SYNC_NEW) or execute (AXV_SYNC_FETCH):
 *		what its caches and instruction fetches need is done.  No lock is held,
 *		but a reference to the memory.  NULL: nothing is needed.
 * @clean_memory: host memory is not the guest's any more, and no CPU has a
 *		translation of it left: what the guest wrote past the caches is what
 *		the host reads from now on.  Perhaps under a spinlock.  NULL: nothing is
 *		needed.
 *
 * @vm_create:	set up the back end's part of a zeroed VM.  May sleep.
 * @vm_destroy:	release what @vm_create has set up.  May sleep.
 * @get_counter: read the guest's counter as it is now
 * @set_counter: make the guest's counter read @value now
 *
 * @vcpu_create: set up the back end's part of a zeroed vCPU.  May sleep.
 * @vcpu_destroy: release what @vcpu_create has set up; the vCPU is loaded nowhere.  May sleep.
 * @vcpu_setup:	Created to Free: entry, second-stage root and registers.  Called
 *		only after @check_setup agreed.
 * @check_setup: would @vcpu_setup accept these arguments?  Changes nothing.
 * @vcpu_reset:	make the vCPU what @vcpu_create left, but keep its tables.  Takes
 *		&axv_vcpu.lock where it empties the queue of events.
 * @load:	prepare this CPU to enter the vCPU next.  Either the hardware holds it from
 *		now on; or it does already (&axv_vcpu.loaded_cpu), and another vCPU was
 *		loaded since.  Preemption and interrupts off; virtualization is on.
 * @unload:	save what only this CPU's hardware holds of the vCPU, whether it was loaded
 *		last or not.  Interrupts off.
 * @prepare_run: read and check what the run page asks to load (its dirty sets),
 *		before the transition: claimed, and still Ready.  Fails without a
 *		change.  May sleep.  Not called for a run that asks for nothing.
 * @store_run:	store the register sets that the run page wants
 * @sync_gprs:	(vcpu, dirty, want): of AXV_RUN_SET_GPRS alone, do what @prepare_run does if
 *		it is in dirty, and what @store_run does if it is in want.  -EINVAL without
 *		a change.  Under &axv_vcpu.lock, as if claimed.
 * @run:	enter the guest until something ends the run; fills in the exit.
 *		Preemption on.  0, or an error, which makes the vCPU Invalid.
 * @inject:	queue an event of a type in @inject_types; checks all else that is in it.
 *		Under &axv_vcpu.lock, interrupts off.  -EAGAIN if there is no room,
 *		-EINVAL for an impossible event.
 * @route:	fill in the event of a route, which is zeroed; -EINVAL if there is no such
 *		event.  The vCPU need not be there.  Does not sleep; the result for a route
 *		is the same each time.  NULL: no irqchip has routes.  With AXV_ROUTE_LEVEL
 *		the event is a WIRED one with its level high, or an MSI, and its vector is
 *		the one that axv_routes_ended() is told.
 * @msi:	deliver a message to the vCPUs that it is for; -EINVAL: no such message.
 *		Under RCU, any context but NMI; does not sleep.  NULL: -EOPNOTSUPP.
 * @set_sgis:	interrupts between vCPUs: which are enabled, and how urgent each is.  Any
 *		state, any context but NMI.  NULL: each one is an exit to the VMM.
 * @set_debug:	what the VMM debugs; flags are among @debug_flags, padding is zero.
 *		-EINVAL without a change.  The vCPU is claimed by its owner, and set up.  May
 *		sleep.
 * @has_event:	is there an event that ends a halt?  Under &axv_vcpu.lock.
 * @get_reg:	read one register.  The vCPU is claimed for a read: preemption off,
 *		interrupts on.  Does not sleep; may wait for the CPU that holds it.
 * @set_reg:	write one register; checks the value.  May sleep.
 * @get_fpu:	store the vector state in a buffer of AXV_QUERY_FPU_SIZE bytes.  Context as
 *		that of @get_reg.
 * @set_fpu:	load the vector state; -EINVAL if the hardware would refuse it.  May sleep.
 */
struct axv_arch_ops {
	const char *name;
	const char *rivals;
	u32 backend;
	size_t vm_size;
	size_t vcpu_size;
	u64 max_hw_id;
	bool has_ports;
	u32 inject_types[AXV_IRQCHIP_AIA + 1];
	u32 vm_flags[AXV_IRQCHIP_AIA + 1];
	u32 debug_flags;

	int (*hardware_prepare)(void);
	void (*hardware_unprepare)(void);
	int (*hardware_enable)(void);
	void (*hardware_disable)(void);

	int (*query)(u32 id, u64 *value);
	int (*get_table)(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
			 void *buf, u32 *count);
	int (*set_table)(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
			 void *buf, u32 count);
	u32 (*table_entry_size)(u32 kind);

	const struct axv_s2_format *(*s2_format)(unsigned int ipa_bits);
	void (*flush_stage2)(struct axv_vm *vm);
	void (*sync_memory)(const phys_addr_t *pa, unsigned int nr, u64 size, u32 what);
	void (*clean_memory)(phys_addr_t pa, u64 size);

	int (*vm_create)(struct axv_vm *vm);
	void (*vm_destroy)(struct axv_vm *vm);
	u64 (*get_counter)(struct axv_vm *vm);
	void (*set_counter)(struct axv_vm *vm, u64 value);

	int (*vcpu_create)(struct axv_vcpu *vcpu);
	void (*vcpu_destroy)(struct axv_vcpu *vcpu);
	int (*check_setup)(struct axv_vcpu *vcpu, const struct axv_setup *setup);
	int (*vcpu_setup)(struct axv_vcpu *vcpu, const struct axv_setup *setup);
	void (*vcpu_reset)(struct axv_vcpu *vcpu);
	void (*load)(struct axv_vcpu *vcpu, int cpu);
	void (*unload)(struct axv_vcpu *vcpu);
	int (*prepare_run)(struct axv_vcpu *vcpu);
	void (*store_run)(struct axv_vcpu *vcpu);
	int (*sync_gprs)(struct axv_vcpu *vcpu, u32 dirty, u32 want);
	int (*run)(struct axv_vcpu *vcpu);
	int (*inject)(struct axv_vcpu *vcpu, const struct axv_inject *event);
	int (*route)(const struct axv_vm *vm, const struct axv_route *route,
		     struct axv_inject *event);
	int (*msi)(struct axv_vm *vm, const struct axv_inject *event);
	int (*set_sgis)(struct axv_vcpu *vcpu, const struct axv_sgis *sgis);
	int (*set_debug)(struct axv_vcpu *vcpu, const struct axv_debug *debug);
	bool (*has_event)(struct axv_vcpu *vcpu);
	int (*get_reg)(struct axv_vcpu *vcpu, u64 id, u64 *value);
	int (*set_reg)(struct axv_vcpu *vcpu, u64 id, u64 value);
	int (*get_fpu)(struct axv_vcpu *vcpu, void *data, size_t size);
	int (*set_fpu)(struct axv_vcpu *vcpu, const void *data, size_t size);
};

/*
 * What an architecture offers to main.c.  axv_arch_init() looks for the hardware and
 * returns the back end, or -EOPNOTSUPP as an error pointer; axv_arch_exit() undoes that.
 */
const struct axv_arch_ops *axv_arch_init(void);
void axv_arch_exit(void);

#endif /* _AXVCPU_ARCH_H */
