/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * libaxvcpu: virtual CPUs for userspace VMMs.
 *
 * A thin wrapper of the ABI in <linux/axvcpu.h>, and three things that the
 * kernel leaves to its users: pinning threads to the host CPUs a vCPU belongs
 * to, finishing the memory accesses that the kernel does not decode, and
 * telling a person what to do when something fails.
 *
 * Conventions
 *   - A function that returns int returns 0 (or a count, where it says so) on
 *     success and a negative errno on failure.  axv_error() then has one line
 *     of text for a person.
 *   - Objects are created through a pointer to a pointer, which is written on
 *     success only.
 *   - All addresses are in bytes.  "gpa" is a guest physical address, "hva" an
 *     address in this process.
 *   - Threads: a vCPU is driven by the thread that has bound it.  Any thread
 *     may call axv_vcpu_kick(), axv_vcpu_inject*(), axv_vcpu_set_sgis(),
 *     axv_vcpu_get_state() and axv_vcpu_get_stats() at any time, and everything
 *     on a VM or the host.
 *     Objects may be destroyed when no other thread is in a call on them:
 *     vCPUs first, then the VM, then the host.
 *   - After fork() only the parent may use the objects: the child must use none
 *     of them.  exec() closes the descriptors that the child inherited.
 */
#ifndef AXVCPU_H
#define AXVCPU_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/axvcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct axv_host;
struct axv_vm;
struct axv_vcpu;

/* ---- errors and names --------------------------------------------------- */

/**
 * axv_error() - text of the last failure in the calling thread
 *
 * Says what failed, why, and what to do about it where the library knows: for
 * example which module to unload when virtualization is in use.  One line,
 * no newline at its end.
 *
 * Return: a string that stays valid until the next failing call of this thread;
 * empty before the first failure.
 */
const char *axv_error(void);

/**
 * axv_exit_name() - name of an &enum axv_exit_reason, as in "MmioRead"
 * @reason: the reason; "?" is returned for one the library does not know
 */
const char *axv_exit_name(__u32 reason);

/**
 * axv_state_name() - name of an &enum axv_vcpu_state, as in "Ready"
 * @state: the state; "?" is returned for one the library does not know
 */
const char *axv_state_name(__u32 state);

/**
 * axv_backend_name() - name of an &enum axv_backend, as in "SVM"
 * @backend: the back end; "?" is returned for one the library does not know
 */
const char *axv_backend_name(__u64 backend);

/* ---- the host ----------------------------------------------------------- */

/**
 * axv_open() - open the device and check that its ABI is the library's
 * @path: device file; NULL: "/dev/axvcpu"
 * @host: where to store the host object
 *
 * Return: 0; -ENOENT (module not loaded), -EACCES (no permission), -EPROTO
 * (another ABI version), or another negative errno.
 */
int axv_open(const char *path, struct axv_host **host);

/** axv_close() - close the device; NULL is allowed */
void axv_close(struct axv_host *host);

/** axv_host_fd() - the descriptor of the device, which the library closes */
int axv_host_fd(const struct axv_host *host);

/**
 * axv_query() - ask for one fact about the host
 * @host: the host
 * @id: an &enum axv_query_id
 * @value: where to store the answer
 *
 * Return: 0; -EINVAL if this kernel does not know @id.
 */
int axv_query(struct axv_host *host, enum axv_query_id id, __u64 *value);

/* ---- virtual machines --------------------------------------------------- */

/**
 * struct axv_vm_config - what axv_vm_create() needs to know
 * @type:	AXV_VM_TYPE_DEFAULT
 * @irqchip:	an &enum axv_irqchip
 * @ipa_bits:	width of guest physical addresses; 0: the host's widest
 * @flags:	AXV_VM_*
 */
struct axv_vm_config {
	__u32 type;
	__u32 irqchip;
	__u32 ipa_bits;
	__u32 flags;
};

/**
 * axv_vm_create() - create a virtual machine
 * @host: the host; it must stay open as long as the VM exists
 * @config: its properties; NULL: all zero
 * @vm: where to store the VM object
 *
 * Return: 0; -EBUSY (another hypervisor holds the hardware: axv_error() names
 * the module), -EOPNOTSUPP, -EINVAL, -ENOMEM.
 */
int axv_vm_create(struct axv_host *host, const struct axv_vm_config *config,
		  struct axv_vm **vm);

/**
 * axv_vm_destroy() - close a VM and unmap the memory that axv_vm_add_ram() and
 * axv_vm_map_ram() made
 * @vm: the VM, whose vCPUs have been destroyed; NULL is allowed
 */
void axv_vm_destroy(struct axv_vm *vm);

/** axv_vm_fd() - the VM's descriptor, which the library closes */
int axv_vm_fd(const struct axv_vm *vm);

/** axv_vm_id() - identity of the VM, unique while the module is loaded */
__u32 axv_vm_id(const struct axv_vm *vm);

/**
 * axv_vm_set_region() - give, move, change or delete guest memory
 * @vm: the VM
 * @id: names the region; below AXV_QUERY_MAX_REGIONS
 * @flags: AXV_REGION_*
 * @gpa: guest physical address, page aligned
 * @size: bytes, page aligned; 0 deletes the region
 * @hva: the memory, page aligned; it must stay mapped while the region exists
 *
 * The library keeps the list of regions, for axv_vcpu_finish() and
 * axv_vm_hva(): set regions through it only.
 *
 * Return: 0; -EINVAL, -EEXIST (overlaps another region), -ENOMEM.
 */
int axv_vm_set_region(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa,
		      __u64 size, void *hva);

/**
 * axv_vm_add_ram() - allocate zeroed memory and make it a region
 * @vm: the VM
 * @id: names the region, which must not exist yet
 * @flags: AXV_REGION_*
 * @gpa: guest physical address, page aligned
 * @size: bytes, page aligned
 * @hva: where to store the address of the memory; NULL: not wanted
 *
 * The memory is private and anonymous, takes huge pages where the host has
 * them, is not inherited over fork(), and is freed when the region is deleted or
 * given other memory, or with the VM.
 *
 * Return: 0, -EEXIST if the region exists, or a negative errno.
 */
int axv_vm_add_ram(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa,
		   __u64 size, void **hva);

/**
 * axv_vm_map_ram() - map a file, such as a memfd, and make it a region
 * @vm: the VM
 * @id: names the region, which must not exist yet
 * @flags: AXV_REGION_*
 * @gpa: guest physical address, page aligned
 * @size: bytes, page aligned
 * @fd: the file, which has to be long enough; the caller keeps it, and may close it
 * @offset: where the memory begins in the file, page aligned
 * @hva: where to store the address of the memory; NULL: not wanted
 *
 * For memory that another process maps, too.  The mapping is shared, not inherited over
 * fork(), and is removed with the region, or with the VM.  If the file is made shorter,
 * an access of the memory ends this process: seal a memfd (F_SEAL_SHRINK).
 *
 * Return: 0, -EEXIST if the region exists, or a negative errno.
 */
int axv_vm_map_ram(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa, __u64 size, int fd,
		   __u64 offset, void **hva);

/**
 * axv_vm_hva() - find guest memory in this process
 * @vm: the VM
 * @gpa: guest physical address
 * @size: bytes that are needed
 *
 * Return: the address, or NULL if [gpa, gpa + size) is not inside one region
 * (axv_error() says so).  The pointer is good as long as the region is.
 */
void *axv_vm_hva(struct axv_vm *vm, __u64 gpa, __u64 size);

/**
 * axv_vm_get_dirty() - read which pages of a region were written
 * @vm: the VM
 * @id: a region with AXV_REGION_LOG_DIRTY
 * @flags: 0: those that are reported are clean afterwards; AXV_DIRTY_KEEP: they
 *	stay dirty
 * @first_page: first page of the region to report, a multiple of 64
 * @nr_pages: how many, a multiple of 64 or up to the region's end; at most
 *	AXV_QUERY_MAX_DIRTY_PAGES
 * @bitmap: one bit per page, in words of 64
 *
 * Reports writes by the guest, by axv_vcpu_finish() and those that axv_vm_mark_dirty()
 * was told.
 *
 * Return: 0 or a negative errno.
 */
int axv_vm_get_dirty(struct axv_vm *vm, __u32 id, __u32 flags, __u64 first_page,
		     __u64 nr_pages, __u64 *bitmap);

/**
 * axv_vm_clear_dirty() - make pages clean that axv_vm_get_dirty() kept dirty
 * @vm: the VM
 * @id: a region with AXV_REGION_LOG_DIRTY
 * @first_page: as for axv_vm_get_dirty()
 * @nr_pages: as for axv_vm_get_dirty()
 * @bitmap: the pages to make clean; others are left alone
 *
 * Clear a page before it is copied: writes after that are reported again.
 *
 * Return: 0 or a negative errno; among others -EINVAL if a bit beyond @nr_pages is set.
 */
int axv_vm_clear_dirty(struct axv_vm *vm, __u32 id, __u64 first_page,
		       __u64 nr_pages, const __u64 *bitmap);

/**
 * axv_vm_mark_dirty() - tell that the VMM itself has written guest memory
 * @vm: the VM
 * @gpa: guest physical address
 * @size: bytes; parts outside regions that log are ignored
 */
void axv_vm_mark_dirty(struct axv_vm *vm, __u64 gpa, __u64 size);

/**
 * axv_vm_add_doorbell() - have a guest's write signal an eventfd
 * @vm: the VM
 * @flags: AXV_DOORBELL_PORT: @addr is a port; AXV_DOORBELL_DATA: only @data rings it
 * @addr: port, or guest physical address, where no region may be: writes to memory ring
 *	nothing
 * @width: bytes of the write: 1, 2, 4 or 8 (not at a port); 0: any of them
 * @data: with AXV_DOORBELL_DATA what is written, otherwise 0
 * @fd: the eventfd; the caller keeps it, and may close it
 *
 * Such a write does not end the run.  But a write that the kernel does not decode ends
 * the run as any other does, and axv_vcpu_finish() hands it to the VMM, which then has to
 * signal the eventfd.
 *
 * Return: 0; -EEXIST (there is a doorbell with the same flags, address, width and data),
 * -ENOSPC (see AXV_QUERY_MAX_DOORBELLS), -EINVAL, -EBADF, -ENOMEM.
 */
int axv_vm_add_doorbell(struct axv_vm *vm, __u32 flags, __u64 addr, __u32 width,
			__u64 data, int fd);

/**
 * axv_vm_remove_doorbell() - undo axv_vm_add_doorbell()
 * @vm: the VM
 * @flags: as it was added
 * @addr: as it was added
 * @width: as it was added
 * @data: as it was added
 * @fd: the eventfd; -1: any
 *
 * When this returns, the doorbell signals nothing any more.
 *
 * Return: 0; -ENOENT, -EINVAL, -EBADF.
 */
int axv_vm_remove_doorbell(struct axv_vm *vm, __u32 flags, __u64 addr, __u32 width,
			   __u64 data, int fd);

/* ---- virtual machines: interrupts --------------------------------------- */

/**
 * axv_vm_set_routes() - set which interrupt each number (gsi) stands for
 * @vm: the VM, with an interrupt controller in the kernel
 * @routes: the routes.  Of several for one gsi the last counts; but if one of them has
 *	AXV_ROUTE_REMOVE, the route is removed
 * @count: number of routes, at most AXV_QUERY_MAX_ROUTES
 * @flags: AXV_ROUTES_ALL: remove all routes that are not in @routes
 *
 * All of them are set, or, on an error, none.  vCPUs may run meanwhile.
 *
 * Return: 0; -EOPNOTSUPP (no routes with this irqchip), -EINVAL, -ENOSPC (see
 * AXV_QUERY_MAX_ROUTES), -ENOMEM.
 */
int axv_vm_set_routes(struct axv_vm *vm, const struct axv_route *routes,
		      unsigned int count, __u32 flags);

/**
 * axv_vm_get_routes() - read routes, with interrupts that are pending on them
 * @vm: the VM
 * @routes: in: a gsi each; out: the rest.  A route that does not exist has
 *	AXV_ROUTE_REMOVE
 * @count: number of routes, at most AXV_QUERY_MAX_ROUTES
 *
 * This is for saving a VM: axv_vm_set_routes() takes the result, once the vCPUs exist.
 *
 * Return: 0 or a negative errno.
 */
int axv_vm_get_routes(struct axv_vm *vm, struct axv_route *routes, unsigned int count);

/**
 * axv_vm_add_irqfd() - have an eventfd's signals interrupt the guest
 * @vm: the VM
 * @gsi: number of the route, which may be set later
 * @fd: the eventfd; the caller keeps it
 * @resample_fd: with a level route: an eventfd that the kernel signals when the guest has
 *	ended the interrupt, which also lets the level fall, and when the route is added.
 *	A device whose level is still high then signals @fd again.  -1: none; then
 *	axv_vm_inject_gsi() lets the level fall
 *
 * Nothing else should read @fd.  It interrupts the guest until it is removed, until its
 * last descriptor is closed, or until the VM is destroyed.
 *
 * Return: 0; -EEXIST (@fd is an irqfd of this VM already), -EOPNOTSUPP (no routes with this
 * irqchip), -EINVAL, -EBADF, -ENOSPC, -ENOMEM.
 */
int axv_vm_add_irqfd(struct axv_vm *vm, __u32 gsi, int fd, int resample_fd);

/**
 * axv_vm_remove_irqfd() - undo axv_vm_add_irqfd()
 * @vm: the VM
 * @gsi: as it was added
 * @fd: as it was added
 *
 * When this returns, @fd counts its signals for readers again, and its resample eventfd
 * is not signalled any more.
 *
 * Return: 0; -ENOENT, -EINVAL, -EBADF.
 */
int axv_vm_remove_irqfd(struct axv_vm *vm, __u32 gsi, int fd);

/**
 * axv_vm_inject_gsi() - set the level of the wire that leads to a route
 * @vm: the VM
 * @gsi: number of the route
 * @level: true: high.  A route of edges takes true as one edge, and ignores false
 *
 * Return: 0; -ENOENT (there is no such route), -EOPNOTSUPP.
 */
int axv_vm_inject_gsi(struct axv_vm *vm, __u32 gsi, bool level);

/**
 * axv_vm_inject_msi() - send a message-signalled interrupt, as a device does by a write
 * @vm: the VM
 * @address: where the device writes
 * @data: what it writes
 *
 * Return: 0; -EINVAL, -EOPNOTSUPP (no messages with this irqchip).
 */
int axv_vm_inject_msi(struct axv_vm *vm, __u64 address, __u32 data);

/* ---- virtual machines: time --------------------------------------------- */

/** axv_vm_set_clock() - set what the guest's counter (TSC, CNTVCT) reads now */
int axv_vm_set_clock(struct axv_vm *vm, __u64 counter);

/** axv_vm_get_clock() - read what the guest's counter (TSC, CNTVCT) reads now */
int axv_vm_get_clock(struct axv_vm *vm, __u64 *counter);

/* ---- vCPUs: creation and lifecycle -------------------------------------- */

/**
 * struct axv_vcpu_config - what axv_vcpu_create() needs to know
 * @id:		identity within the VM; 0 is the bootstrap processor
 * @hw_id:	the id that the guest sees: APIC id or MPIDR
 * @favor_phys_cpu: host CPU it prefers; -1: none
 * @cpu_set_size: bytes at @cpu_set; 0: it may run anywhere
 * @cpu_set:	a cpu_set_t of that size (CPU_ALLOC(), CPU_ALLOC_SIZE(),
 *		axv_parse_cpus()); copied
 */
struct axv_vcpu_config {
	__u32 id;
	__u64 hw_id;
	__s32 favor_phys_cpu;
	size_t cpu_set_size;
	const void *cpu_set;
};

/**
 * axv_vcpu_create() - create a vCPU and map its run page; state Created
 * @vm: its VM
 * @config: its identity
 * @vcpu: where to store the vCPU object
 *
 * Return: 0; -EEXIST (the id is taken), -EINVAL, -ENOMEM.
 */
int axv_vcpu_create(struct axv_vm *vm, const struct axv_vcpu_config *config,
		    struct axv_vcpu **vcpu);

/** axv_vcpu_destroy() - close a vCPU, in whatever state; NULL is allowed */
void axv_vcpu_destroy(struct axv_vcpu *vcpu);

/** axv_vcpu_fd() - the vCPU's descriptor, which the library closes */
int axv_vcpu_fd(const struct axv_vcpu *vcpu);

/** axv_vcpu_id() - the id that the vCPU was created with */
__u32 axv_vcpu_id(const struct axv_vcpu *vcpu);

/** axv_vcpu_vm() - the VM that the vCPU belongs to */
struct axv_vm *axv_vcpu_vm(const struct axv_vcpu *vcpu);

/** axv_vcpu_run_page() - the run page, mapped for the life of the vCPU */
struct axv_run *axv_vcpu_run_page(const struct axv_vcpu *vcpu);

/**
 * axv_vcpu_setup() - Created -> Free: give the vCPU an entry point
 * @vcpu: the vCPU
 * @entry: guest physical address of the first instruction
 * @mode: an AXV_*_MODE_* of the architecture
 *
 * Return: 0; -EBADFD in another state, which makes the vCPU Invalid.
 */
int axv_vcpu_setup(struct axv_vcpu *vcpu, __u64 entry, __u32 mode);

/**
 * axv_vcpu_bind() - Free -> Ready: make the calling thread the owner
 * @vcpu: the vCPU
 * @flags: AXV_BIND_*
 *
 * Call axv_pin_thread() first: the kernel verifies where the thread runs and
 * never moves it.
 *
 * Return: 0; -EXDEV (this CPU is outside the vCPU's set), -EPERM (another thread owns the
 * vCPU), -EBADFD (another state; the vCPU is Invalid now), -EBUSY.
 */
int axv_vcpu_bind(struct axv_vcpu *vcpu, __u32 flags);

/** axv_vcpu_unbind() - Ready -> Free: give up ownership and hardware */
int axv_vcpu_unbind(struct axv_vcpu *vcpu);

/**
 * axv_vcpu_run() - run the guest until there is something for the VMM to do
 * @vcpu: the vCPU, Ready and owned by the calling thread
 *
 * Return: 0 with the exit in the run page; -EPERM (another thread owns the vCPU), -EBADFD
 * (not Ready; the vCPU is Invalid now), -EINVAL (a value in a dirty register set would be
 * refused by the hardware), -EBUSY.
 */
int axv_vcpu_run(struct axv_vcpu *vcpu);

/**
 * axv_vcpu_sync() - load and store register sets of the run page, as a run does, but
 * without running
 * @vcpu: the vCPU, Free, or Ready and owned by the calling thread
 *
 * The sets named in the run page's @dirty are loaded together, so that a mode can change
 * whatever the order of its registers; those named in @want are in the page afterwards.
 *
 * Return: 0; -EINVAL (a value in a dirty set would be refused by the hardware: nothing
 * has changed), -EBADFD (another state), -EPERM (another thread owns the vCPU), -EBUSY.
 */
int axv_vcpu_sync(struct axv_vcpu *vcpu);

/** axv_vcpu_kick() - end the current run, or else the next one, at once */
int axv_vcpu_kick(struct axv_vcpu *vcpu);

/** axv_vcpu_reset() - put a vCPU back into state Created, also from Invalid */
int axv_vcpu_reset(struct axv_vcpu *vcpu);

/** axv_vcpu_get_state() - read state and identity; never waits */
int axv_vcpu_get_state(struct axv_vcpu *vcpu, struct axv_state *state);

/** axv_vcpu_get_stats() - read the counters since creation */
int axv_vcpu_get_stats(struct axv_vcpu *vcpu, struct axv_stats *stats);

/* ---- vCPUs: placement --------------------------------------------------- */

/**
 * axv_pin_thread() - move the calling thread to a host CPU where a vCPU belongs
 * @vcpu: the vCPU
 *
 * The thread moves to the vCPU's favor_phys_cpu if it has one, to its CPU set otherwise;
 * with neither the thread stays as it is.
 *
 * Return: 0; -EINVAL if none of these CPUs is online or allowed to this
 * thread, and other errors of sched_setaffinity(2).
 */
int axv_pin_thread(struct axv_vcpu *vcpu);

/**
 * axv_parse_cpus() - make a CPU set from a list such as "0-3,8,128"
 * @list: the list
 * @set: where to store the set; the caller frees it with free()
 * @size: where to store its size in bytes
 *
 * Return: 0; -EINVAL for something that is no list of CPUs; -ENOMEM.
 */
int axv_parse_cpus(const char *list, void **set, size_t *size);

/* ---- vCPUs: registers and tables ---------------------------------------- */

/**
 * axv_vcpu_get_regs() - read a list of registers
 * @vcpu: the vCPU, not running
 * @regs: ids in, values and status out
 * @count: entries, any number
 *
 * Return: how many of them failed (see their status), or a negative errno.
 */
int axv_vcpu_get_regs(struct axv_vcpu *vcpu, struct axv_reg *regs,
		      unsigned int count);

/**
 * axv_vcpu_set_regs() - write a list of registers
 * @vcpu: the vCPU, Free, or Ready and owned by the calling thread
 * @regs: ids and values in, status out
 * @count: entries, any number
 *
 * Return: how many of them failed (see their status), or a negative errno.
 */
int axv_vcpu_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs,
		      unsigned int count);

/**
 * axv_vcpu_get_reg() - read one register
 * @vcpu: the vCPU, not running
 * @id: AXV_REG_X86(class, index), AXV_REG_ARM64(class, index)
 * @value: where to store it
 */
int axv_vcpu_get_reg(struct axv_vcpu *vcpu, __u64 id, __u64 *value);

/**
 * axv_vcpu_set_reg() - write one register
 * @vcpu: the vCPU, Free, or Ready and owned by the calling thread
 * @id: AXV_REG_X86(class, index), AXV_REG_ARM64(class, index)
 * @value: its new value
 */
int axv_vcpu_set_reg(struct axv_vcpu *vcpu, __u64 id, __u64 value);

/**
 * axv_vcpu_set_debug() - set what of the guest is debugged: breakpoints, single step
 * @vcpu: the vCPU, Free, or Ready and owned by the calling thread
 * @debug: what is debugged; with flags 0 debugging ends
 *
 * Runs end with AXV_EXIT_DEBUG.
 *
 * Return: 0; -EOPNOTSUPP (see AXV_QUERY_DEBUG_FLAGS), -EINVAL.
 */
int axv_vcpu_set_debug(struct axv_vcpu *vcpu, const struct axv_debug *debug);

/**
 * axv_vcpu_list_regs() - read the ids of all registers a vCPU has
 * @vcpu: the vCPU
 * @ids: where to store the array; the caller frees it with free()
 *
 * Return: how many, or a negative errno.
 */
int axv_vcpu_list_regs(struct axv_vcpu *vcpu, __u64 **ids);

/** axv_vcpu_fpu_size() - bytes of the vector state, AXV_QUERY_FPU_SIZE */
size_t axv_vcpu_fpu_size(const struct axv_vcpu *vcpu);

/** axv_vcpu_get_fpu() - read the vector state, axv_vcpu_fpu_size() bytes */
int axv_vcpu_get_fpu(struct axv_vcpu *vcpu, void *data);

/** axv_vcpu_set_fpu() - write the vector state, axv_vcpu_fpu_size() bytes */
int axv_vcpu_set_fpu(struct axv_vcpu *vcpu, const void *data);

/* ---- vCPUs: events ------------------------------------------------------ */

/**
 * axv_vcpu_inject() - inject an event into the guest, from any thread
 * @vcpu: the vCPU
 * @event: the event
 *
 * Return: 0; -EAGAIN (the queue is full), -EBADFD (the vCPU is Invalid),
 * -EOPNOTSUPP (not with this irqchip), -EINVAL.
 */
int axv_vcpu_inject(struct axv_vcpu *vcpu, const struct axv_inject *event);

/* ---- vCPUs: device accesses --------------------------------------------- */

/**
 * struct axv_mmio_ops - devices in guest physical memory
 * @read:	read @width bytes (1, 2, 4 or 8) at @addr into *@data, zero
 *		extended; returns 0, or a negative errno, which ends the access
 * @write:	write the low @width bytes of @data to @addr; returns as @read does.
 *		Writes to read-only regions come here too.
 * @port_read:	x86, for INS: read a port @count times, @width bytes (1, 2 or 4) each,
 *		into @data, one after the other; returns as @read does.  NULL: INS is not
 *		supported.
 * @port_write:	x86, for OUTS: write a port @count times from @data; otherwise as
 *		@port_read.
 *
 * @opaque is what the caller passed beside the table.  An access that crosses a page or
 * is wider than 8 bytes comes in pieces, lowest address first; all pieces but those of
 * unaligned accesses inside a page are naturally aligned.  The library holds none of its
 * locks during a call.
 */
struct axv_mmio_ops {
	int (*read)(void *opaque, __u64 addr, unsigned int width, __u64 *data);
	int (*write)(void *opaque, __u64 addr, unsigned int width, __u64 data);
	int (*port_read)(void *opaque, __u16 port, unsigned int width, void *data,
			 unsigned int count);
	int (*port_write)(void *opaque, __u16 port, unsigned int width, const void *data,
			  unsigned int count);
};

/* What axv_vcpu_finish() and axv_vcpu_handle_mmio() did. */
#define AXV_FINISH_DONE		0	/* run again */
#define AXV_FINISH_EXCEPTION	1	/* the guest got an exception; run again */

/**
 * axv_vcpu_finish() - execute an instruction that the kernel leaves to the VMM
 * @vcpu: the vCPU, Ready and owned by the calling thread, whose run page holds
 *	AXV_EXIT_NESTED_PAGE_FAULT with cause NO_REGION, READONLY or CODE; or, on x86,
 *	AXV_EXIT_IO_STRING, AXV_EXIT_MSW or AXV_EXIT_TASK_SWITCH
 * @ops: the devices
 * @opaque: for @ops
 *
 * Decodes the instruction, executes it with its memory operands in the regions of the VM
 * or in @ops, and moves the instruction pointer past it.  A long repeated string
 * instruction is executed in parts: the next run exits again for the rest.  If the
 * guest's own page tables or segments forbid the access, the guest gets the exception its
 * CPU would have raised.  With cause CODE nothing is executed: user mode of the guest
 * gets #UD, and for its kernel -EOPNOTSUPP is returned.
 *
 * INS and OUTS are executed as their exit describes them, by the guest's page tables and
 * segments as they are now.  Elements that lie in one page of RAM, with ascending
 * addresses, go to the device in one call of @port_read or @port_write.  What the exit
 * does not tell is read from the guest's code; if another instruction is there by now,
 * nothing is done, and the guest executes that one.
 *
 * A task switch is done with all the checks that the processor makes.  A fault is
 * delivered in the task in which the processor would raise it, also a fault in the
 * delivery of an event.  The memory that a task switch accesses has to be RAM: otherwise
 * nothing changes, and -EOPNOTSUPP is returned.  @ops and @opaque are not used.
 *
 * On x86, an instruction that is not supported raises #UD in a program of the guest
 * (privilege level 3), which could end the VM otherwise; in the guest's kernel it is an
 * error, -EOPNOTSUPP.  CLFLUSH and its like do nothing to a device.  Supported are
 * integer and string instructions, near branches, the stack, and moves of MMX, SSE, AVX
 * and AVX-512 registers without a mask; not supported are loads of segment registers and
 * far pointers (LDS to LGS, far CALL and JMP through memory), x87, FXSAVE and XSAVE, and
 * arithmetic on vector registers.  With a local APIC in the kernel (irqchip LAPIC), an
 * access of its page does not reach @ops, which would answer for another APIC: reads get
 * the vCPU's registers, and writes are not supported.
 *
 * On arm64, the processor decodes plain accesses; this function is for the others: pairs,
 * accesses that change their base register, those of vector registers, and those that
 * cross a page.  The instruction at the program counter is executed if the guest's tables
 * allow its access; if they do not (any more), nothing is done, and the guest gets its
 * own fault when it runs again.  An instruction that cannot be finished is an error in
 * the guest's kernel, and an external abort in its user mode.
 *
 * Registers are taken from the run page if it has them (@valid or @dirty), and go back
 * there, marked dirty; otherwise they are read and written by ioctl.  A VMM that handles
 * many such exits sets run->want to AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS; it then does
 * not change registers by ioctl between an exit and this call.
 *
 * Return: AXV_FINISH_*; -EINVAL (the exit is another one), -EOPNOTSUPP (an instruction or
 * an address that it cannot handle: axv_error() has its text), -EFAULT (cause HOST:
 * axv_error() tells the address and the host's error), or the error of a callback.  On an
 * error the instruction pointer is still on the instruction and the registers are
 * unchanged (after a repeated string instruction they show the elements that were done);
 * effects on devices and memory may have happened.
 */
int axv_vcpu_finish(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
		    void *opaque);

/**
 * axv_vcpu_handle_mmio() - handle any exit that is a memory access
 * @vcpu: as for axv_vcpu_finish()
 * @ops: the devices
 * @opaque: for @ops
 *
 * AXV_EXIT_MMIO_READ and AXV_EXIT_MMIO_WRITE call @ops with the access that
 * the kernel has decoded; AXV_EXIT_NESTED_PAGE_FAULT, AXV_EXIT_IO_STRING and
 * AXV_EXIT_MSW go to axv_vcpu_finish().
 *
 * Return: as axv_vcpu_finish(); -EINVAL for any other exit.
 */
int axv_vcpu_handle_mmio(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
			 void *opaque);

/**
 * axv_vcpu_translate() - translate a guest linear to a guest physical address
 * @vcpu: the vCPU, not running
 * @linear: linear address
 * @access: AXV_ACCESS_READ, _WRITE or _FETCH, at the current privilege level;
 *	0: ignore permissions.  Accessed and dirty bits are left alone.
 * @gpa: where to store the physical address
 *
 * Registers are taken from where axv_vcpu_finish() takes them.
 *
 * Return: 0, -EFAULT if the guest's page tables have no such mapping.
 */
int axv_vcpu_translate(struct axv_vcpu *vcpu, __u64 linear, __u32 access,
		       __u64 *gpa);

/**
 * axv_vcpu_explain() - explain why the guest could not be entered
 * @vcpu: the vCPU, not running, whose run page holds AXV_EXIT_FAIL_ENTRY
 * @text: where to store the text
 * @size: bytes at @text; 160 is plenty
 *
 * The hardware tells little.  On x86, if it refuses the guest's state, the text names the
 * first rule of the manual that the registers break: with VMX in the order of Intel SDM
 * vol. 3C, "Checks on the Guest State Area", with SVM in that of AMD APM vol. 2,
 * 15.5.1.  So call this before registers are changed.
 *
 * Return: 0; -EINVAL if the exit is another one.
 */
int axv_vcpu_explain(struct axv_vcpu *vcpu, char *text, size_t size);

/**
 * axv_vcpu_disassemble() - disassemble the instruction at the instruction pointer
 * @vcpu: the vCPU, not running
 * @text: where to store the text: Intel syntax; on arm64 the bare word
 * @size: bytes at @text; 128 is plenty
 *
 * Return: the length of the instruction, or a negative errno.
 */
int axv_vcpu_disassemble(struct axv_vcpu *vcpu, char *text, size_t size);

#pragma GCC visibility pop

#if defined(__x86_64__)
#include <axvcpu-x86.h>
#elif defined(__aarch64__)
#include <axvcpu-arm64.h>
#endif

#ifdef __cplusplus
}
#endif

#endif /* AXVCPU_H */
