/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * axvcpu: virtual CPUs as file descriptors.
 *
 * Three kinds of file descriptor carry this interface:
 *
 *   /dev/axvcpu   what the host offers, and the creation of VMs
 *   VM            memory, tables, time, and the creation of vCPUs
 *   vCPU          one virtual CPU: its lifecycle, its registers, its run page
 *
 * Every structure has fixed-width fields and explicit padding.  A command is
 * found by its number; the size in it is the caller's, so a structure may grow
 * at its end: a shorter one is extended by zeroes (-EINVAL if it is too short for
 * the command to make sense), and in a longer one the bytes this kernel does not
 * know have to be zero (-E2BIG).  Unknown flags, unknown enumerators and non-zero
 * padding are refused with -EINVAL.
 *
 * The ioctls, their errors and the states they are legal in are described in
 * Documentation/axvcpu/api.rst.
 */
#ifndef _UAPI_LINUX_AXVCPU_H
#define _UAPI_LINUX_AXVCPU_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* 0: the interface may still change where it is wrong.  From 1 on it only grows. */
#define AXV_ABI_VERSION		0

#define AXV_IOCTL		0xBC

/* ---- /dev/axvcpu -------------------------------------------------------- */

/**
 * enum axv_query_id - what AXV_QUERY answers
 * @AXV_QUERY_ABI_VERSION:	AXV_ABI_VERSION of the running module
 * @AXV_QUERY_BACKEND:		an &enum axv_backend
 * @AXV_QUERY_MAX_VCPUS:	vCPUs of one VM; ids are below this number
 * @AXV_QUERY_MAX_REGIONS:	memory regions of one VM; ids are below this number
 * @AXV_QUERY_IPA_BITS:		widest guest physical address, in bits
 * @AXV_QUERY_RUN_SIZE:		bytes to map at AXV_MMAP_RUN
 * @AXV_QUERY_IRQCHIPS:		bit n set: &enum axv_irqchip n is implemented
 * @AXV_QUERY_VM_FLAGS:		the AXV_VM_* flags that are implemented
 * @AXV_QUERY_REGION_FLAGS:	the AXV_REGION_* flags that are implemented
 * @AXV_QUERY_INJECT_TYPES:	bit n set: irqchip NONE takes &enum axv_inject_type n
 * @AXV_QUERY_INJECT_DEPTH:	external interrupts that one vCPU queues; arm64: with
 *				GICV3
 * @AXV_QUERY_FPU_SIZE:		bytes of AXV_VCPU_GET_FPU
 * @AXV_QUERY_COUNTER_KHZ:	frequency of the guest's counter (TSC), in kHz; 0 if the
 *				host's kernel does not know it
 * @AXV_QUERY_RUN_SETS:		the AXV_RUN_SET_* register sets of the run page
 * @AXV_QUERY_STATS_SIZE:	sizeof(struct axv_stats) of the running module
 * @AXV_QUERY_MAX_DIRTY_PAGES:	pages in one AXV_VM_GET_DIRTY or _CLEAR_DIRTY, at most
 * @AXV_QUERY_DIRTY_FLAGS:	the AXV_DIRTY_* flags that are implemented
 * @AXV_QUERY_MAX_DOORBELLS:	doorbells of one VM
 * @AXV_QUERY_DOORBELL_FLAGS:	the AXV_DOORBELL_* flags that are implemented
 * @AXV_QUERY_MAX_ROUTES:	routes of one VM; 0: no irqchip has any
 * @AXV_QUERY_DEBUG_FLAGS:	the AXV_DEBUG_* flags that are implemented; 0: none, and
 *				AXV_VCPU_SET_DEBUG is -EOPNOTSUPP
 */
enum axv_query_id {
	AXV_QUERY_ABI_VERSION = 0,
	AXV_QUERY_BACKEND,
	AXV_QUERY_MAX_VCPUS,
	AXV_QUERY_MAX_REGIONS,
	AXV_QUERY_IPA_BITS,
	AXV_QUERY_RUN_SIZE,
	AXV_QUERY_IRQCHIPS,
	AXV_QUERY_VM_FLAGS,
	AXV_QUERY_REGION_FLAGS,
	AXV_QUERY_INJECT_TYPES,
	AXV_QUERY_INJECT_DEPTH,
	AXV_QUERY_FPU_SIZE,
	AXV_QUERY_COUNTER_KHZ,
	AXV_QUERY_RUN_SETS,
	AXV_QUERY_STATS_SIZE,
	AXV_QUERY_MAX_DIRTY_PAGES,
	AXV_QUERY_DIRTY_FLAGS,
	AXV_QUERY_MAX_DOORBELLS,
	AXV_QUERY_DOORBELL_FLAGS,
	AXV_QUERY_MAX_ROUTES,
	AXV_QUERY_DEBUG_FLAGS,
};

enum axv_backend {
	AXV_BACKEND_FAKE = 0,	/* KUnit only, never offered to userspace */
	AXV_BACKEND_SVM = 1,
	AXV_BACKEND_VMX = 2,
	AXV_BACKEND_EL2 = 3,
};

/**
 * struct axv_query - AXV_QUERY: one fact about the host
 * @id:		in: an &enum axv_query_id; an unknown one is -EINVAL
 * @flags:	in: zero
 * @value:	out: the answer
 */
struct axv_query {
	__u32 id;
	__u32 flags;
	__u64 value;
};

enum axv_vm_type {
	AXV_VM_TYPE_DEFAULT = 0,
};

enum axv_irqchip {
	/* the VMM emulates all of it; AXV_QUERY_INJECT_TYPES has what it can inject */
	AXV_IRQCHIP_NONE = 0,
	/* x86: the kernel emulates the local APIC, the VMM IOAPIC, PIC and PIT.
	 * Needs AXV_VM_HALT_IN_KERNEL
	 */
	AXV_IRQCHIP_LAPIC = 1,
	/* arm64: the kernel has the CPU interface, the VMM emulates distributor and
	 * redistributors
	 */
	AXV_IRQCHIP_GICV3 = 2,
	AXV_IRQCHIP_AIA = 3,	/* not implemented */
};

/* A halt parks the vCPU in state Blocked instead of ending the run. */
#define AXV_VM_HALT_IN_KERNEL	(1u << 0)
/* A host interrupt ends the run with AXV_EXIT_EXTERNAL_INTERRUPT. */
#define AXV_VM_EXIT_ON_EXTINT	(1u << 1)
/* GICV3, with HALT_IN_KERNEL: a vCPU interrupts another one (an SGI) without an exit. */
#define AXV_VM_SGI_IN_KERNEL	(1u << 2)
/* x86: a vCPU that spins yields its host CPU to a vCPU of the VM that waits for one. */
#define AXV_VM_YIELD_ON_SPIN	(1u << 3)

/**
 * struct axv_create_vm - AXV_CREATE_VM: returns a VM file descriptor
 * @type:	in: AXV_VM_TYPE_DEFAULT
 * @irqchip:	in: an &enum axv_irqchip; -EOPNOTSUPP if not implemented
 * @ipa_bits:	in: width of guest physical addresses; 0: the host's widest
 * @flags:	in: AXV_VM_*
 * @vm_id:	out: identity of the VM, unique while the module is loaded
 * @pad:	in: zero
 */
struct axv_create_vm {
	__u32 type;
	__u32 irqchip;
	__u32 ipa_bits;
	__u32 flags;
	__u32 vm_id;
	__u32 pad;
};

/**
 * enum axv_table_kind - arrays of facts or settings, of one type each
 * @AXV_TABLE_REGS:	__u64 ids of registers.  Get on a vCPU: the registers that make up
 *		its state.
 * @AXV_TABLE_X86_CPUID: &struct axv_x86_cpuid.  Get on /dev/axvcpu: the most
 *			that the host can honour.  Get and set on a vCPU.
 * @AXV_TABLE_X86_MSR_POLICY: &struct axv_x86_msr_policy.  Get and set on a VM.
 */
enum axv_table_kind {
	AXV_TABLE_REGS = 0,
	AXV_TABLE_X86_CPUID = 0x100,
	AXV_TABLE_X86_MSR_POLICY = 0x101,
};

/**
 * struct axv_table - AXV_GET_TABLE, AXV_SET_TABLE
 * @kind:	in: an &enum axv_table_kind; -EINVAL if this descriptor has none
 * @count:	in: entries at @entries, or room for them (get); out (get): entries of the
 *		table.  If there are more than fit, nothing is stored and the call is
 *		-E2BIG.
 * @entry_size:	in: size of one entry, as the caller knows it; must match
 * @flags:	in: zero
 * @entries:	in: user address of the array.  Get stores the entries there.  Set reads
 *		them and, when the table was set, stores them as the kernel has them now,
 *		with what it cleared or added
 *
 * Setting replaces the whole table, or, on an error, nothing of it; but -EFAULT
 * may mean that the table was set and cannot be stored back.
 */
struct axv_table {
	__u32 kind;
	__u32 count;
	__u32 entry_size;
	__u32 flags;
	__u64 entries;
};

/* ---- VM ----------------------------------------------------------------- */

/**
 * struct axv_create_vcpu - AXV_VM_CREATE_VCPU: returns a vCPU file descriptor
 * @id:		in: identity within the VM; 0 is the bootstrap processor
 * @flags:	in: zero
 * @hw_id:	in: number by which the guest knows it: APIC id, MPIDR affinity, hart id;
 *		unique in the VM.  x86: the VMM's CPUID table tells it to the guest.
 * @favor_phys_cpu: in: host CPU it prefers, advice to the VMM; -1: none
 * @cpu_set_size: in: bytes at @cpu_set; 0: it may run anywhere
 * @cpu_set:	in: user address of a cpu_set_t-like mask of host CPUs
 */
struct axv_create_vcpu {
	__u32 id;
	__u32 flags;
	__u64 hw_id;
	__s32 favor_phys_cpu;
	__u32 cpu_set_size;
	__u64 cpu_set;
};

#define AXV_REGION_READONLY	(1u << 0)	/* guest writes exit */
#define AXV_REGION_LOG_DIRTY	(1u << 1)	/* AXV_VM_GET_DIRTY works */

/**
 * struct axv_region - AXV_VM_SET_REGION: guest memory, from the VMM's own
 * @id:		in: names the region; below AXV_QUERY_MAX_REGIONS
 * @flags:	in: AXV_REGION_*
 * @address_space: in: zero
 * @fd:		in: -1 (reserved for memory that the VMM does not map)
 * @fd_offset:	in: zero
 * @gpa:	in: guest physical address, page aligned
 * @size:	in: bytes, page aligned; 0 deletes the region
 * @hva:	in: address in the VMM, page aligned
 *
 * Setting a region that exists moves it or changes its flags.  vCPUs may run
 * meanwhile; when the call returns, none sees the old mapping.
 */
struct axv_region {
	__u32 id;
	__u32 flags;
	__u32 address_space;
	__s32 fd;
	__u64 fd_offset;
	__u64 gpa;
	__u64 size;
	__u64 hva;
};

#define AXV_DIRTY_KEEP		(1u << 0)	/* GET_DIRTY: report, clear nothing */

/**
 * struct axv_dirty - AXV_VM_GET_DIRTY, AXV_VM_CLEAR_DIRTY: pages that were written
 * @region:	in: id of a region with AXV_REGION_LOG_DIRTY
 * @flags:	in: AXV_DIRTY_*; CLEAR: zero
 * @first_page:	in: number of the first page within the region, a multiple of 64
 * @nr_pages:	in: how many, a multiple of 64 or up to the region's end; at most
 *		AXV_QUERY_MAX_DIRTY_PAGES
 * @bitmap:	in: user address of nr_pages / 64 (rounded up) __u64 words; bit 0 of the
 *		first one is @first_page.  GET stores them, CLEAR reads them.
 *
 * GET reports pages and makes them clean: later writes to them are caught anew.
 * Nothing is cleared when the call fails.  With AXV_DIRTY_KEEP they stay dirty.
 *
 * CLEAR makes those pages clean whose bits are set in @bitmap, and no other ones;
 * those that are clean already stay so.  A bit beyond @nr_pages is -EINVAL.
 *
 * The VMM's own writes are not logged.
 */
struct axv_dirty {
	__u32 region;
	__u32 flags;
	__u64 first_page;
	__u64 nr_pages;
	__u64 bitmap;
};

#define AXV_DOORBELL_PORT	(1u << 0)	/* a port; otherwise guest memory */
#define AXV_DOORBELL_DATA	(1u << 1)	/* only if @data is written */
#define AXV_DOORBELL_REMOVE	(1u << 2)

/**
 * struct axv_doorbell - AXV_VM_SET_DOORBELL: a guest's write signals an eventfd
 * @flags:	in: AXV_DOORBELL_*; PORT only if AXV_QUERY_DOORBELL_FLAGS has it
 * @width:	in: bytes of the write: 1, 2, 4 or 8, of a port up to 4; 0: any of them
 * @addr:	in: port, or guest physical address
 * @data:	in: with DATA: what is written, no wider than @width; otherwise zero
 * @fd:		in: the eventfd.  REMOVE: the same eventfd, or -1 for any
 * @pad:	in: zero
 *
 * Such a write does nothing else, and the vCPU goes on in the guest.  A doorbell at a guest
 * physical address rings only where there is no region.  If several match a write, one
 * rings: one with DATA before one without, and of these one with a width before one of any
 * width.  Writes that the kernel does not decode, and OUTS, are exits in any case.
 *
 * Once the call has removed a doorbell, that doorbell signals no more.  All doorbells end
 * when the VM's descriptor is closed, or when the VMM's address space goes.
 */
struct axv_doorbell {
	__u32 flags;
	__u32 width;
	__u64 addr;
	__u64 data;
	__s32 fd;
	__u32 pad;
};

/**
 * struct axv_clock - AXV_VM_SET_CLOCK, AXV_VM_GET_CLOCK
 * @flags:	in: zero
 * @pad:	in: zero
 * @counter:	in (set) or out (get): what the guest's counter (CNTVCT; TSC less
 *		TSC_ADJUST) reads now, in its ticks.  vCPUs in the guest see a change at
 *		their next entry.
 *
 * Time belongs to the VM: one offset for all of its vCPUs.
 */
struct axv_clock {
	__u32 flags;
	__u32 pad;
	__u64 counter;
};

/* ---- injection (vCPU: all types; VM: MSI and WIRED) --------------------- */

enum axv_inject_type {
	AXV_INJECT_EXTINT = 0,		/* vector: an acknowledged interrupt; GICV3:
					 * the INTID of an edge
					 */
	AXV_INJECT_NMI = 1,
	AXV_INJECT_EXCEPTION = 2,	/* vector, error_code, address */
	AXV_INJECT_MSI = 3,		/* address, data */
	AXV_INJECT_WIRED = 4,		/* gsi (GICV3: INTID), level */
	AXV_INJECT_PPI = 5,		/* vector: the INTID */
};

#define AXV_INJECT_HAS_ERROR_CODE	(1u << 0)
#define AXV_INJECT_RETRACT		(1u << 1)
#define AXV_INJECT_RAISED		(1u << 2)

/**
 * struct axv_inject - AXV_INJECT: an event for a guest, from any thread.  Members that
 * a type has no use for are not looked at.
 * @type:	in: an &enum axv_inject_type; -EOPNOTSUPP if the irqchip has none
 * @flags:	in: AXV_INJECT_HAS_ERROR_CODE with EXCEPTION.  x86, with EXCEPTION,
 *		AXV_INJECT_RAISED: the guest caused the exception, by an instruction or an
 *		event that the VMM carries out in the processor's place.  So
 *		AXV_X86_EVENT_EXIT_MASK applies to it; and if an event is in
 *		AXV_X86_EVENT_REINJECT, delivering that event caused the exception: the two
 *		make a double fault, or the exception is delivered first.  With EXTINT on a
 *		vCPU with GICV3, AXV_INJECT_RETRACT takes back an interrupt that is pending
 *		and not acknowledged yet; -ENOENT if there is none
 * @vector:	in: vector, INTID or gsi
 * @error_code:	in: pushed with an exception that has one
 * @address:	in: MSI address, of which bits 63 to 40 are bits 31 to 8 of the
 *		destination; EXCEPTION, x86: CR2 with 14 (#PF), bits to set in DR6
 *		with 1 (#DB); arm64: FAR_EL1
 * @data:	in: MSI data, or WIRED level (0 or 1)
 * @priority:	in: EXTINT and WIRED with GICV3: 0 (most urgent) to 255; otherwise
 *		zero
 */
struct axv_inject {
	__u32 type;
	__u32 flags;
	__u32 vector;
	__u32 error_code;
	__u64 address;
	__u32 data;
	__u32 priority;
};

/**
 * struct axv_sgis - AXV_VCPU_SET_SGIS: a vCPU's software-generated interrupts, with
 * AXV_VM_SGI_IN_KERNEL; from any thread, also while the vCPU runs
 * @enabled:	in: bit n: SGI n is delivered, 0 to 15.  An SGI that is sent while its bit
 *		is 0 stays pending
 * @pad:	in: zero
 * @priority:	in: priority of each SGI, 0 (most urgent) to 255
 */
struct axv_sgis {
	__u32 enabled;
	__u32 pad;
	__u8 priority[16];
};

/* ---- VM: routes, from a number to an interrupt --------------------------- */

#define AXV_ROUTE_MASKED	(1u << 0)
#define AXV_ROUTE_REMOVE	(1u << 1)
#define AXV_ROUTE_LEVEL		(1u << 2)
#define AXV_ROUTE_PENDING	(1u << 3)
#define AXV_ROUTE_IN_FLIGHT	(1u << 4)

/**
 * struct axv_route - what becomes of the events of a number
 * @gsi:	in: the number, any
 * @flags:	in, and out with AXV_VM_GET_ROUTES.  AXV_ROUTE_MASKED: nothing is delivered;
 *		if events come meanwhile, one is kept until the route is set without this
 *		flag.  AXV_ROUTE_REMOVE: remove the route, or, out, there is no such route;
 *		the other members are not looked at.  AXV_ROUTE_LEVEL: the route is a wire
 *		with a level, not edges.  AXV_ROUTE_PENDING: an event waits to be delivered;
 *		setting a route without this flag takes no event away.  AXV_ROUTE_IN_FLIGHT,
 *		with LEVEL: the level was delivered, and its interrupt has not ended;
 *		setting a route without this flag does not end the interrupt
 * @vcpu:	in: id of the vCPU that gets the interrupt; if there is none with it, an
 *		edge is lost, and a level waits until there is one.  x86: zero
 * @vector:	in: GICV3: the INTID.  x86: zero
 * @priority:	in: GICV3: 0 (most urgent) to 255.  x86: zero
 * @data:	in: x86: data of the message.  GICV3: zero
 * @address:	in: x86: address of the message, as &axv_inject.address; a message to
 *		another address than an MSI's reaches no vCPU.  GICV3: zero
 */
struct axv_route {
	__u32 gsi;
	__u32 flags;
	__u32 vcpu;
	__u32 vector;
	__u32 priority;
	__u32 data;
	__u64 address;
};

#define AXV_ROUTES_ALL		(1u << 0)

/**
 * struct axv_set_routes - AXV_VM_SET_ROUTES, AXV_VM_GET_ROUTES
 * @count:	in: how many, at most AXV_QUERY_MAX_ROUTES
 * @flags:	in: SET: AXV_ROUTES_ALL: remove all other routes.  GET: zero
 * @routes:	in: user address of the array of &struct axv_route.  GET: in: each gsi; out:
 *		the other members, as they were set, with AXV_ROUTE_PENDING and
 *		AXV_ROUTE_IN_FLIGHT.  A route that is not there has AXV_ROUTE_REMOVE.
 *
 * SET sets all of them, or, on an error, none.  It takes an array that GET has stored.
 */
struct axv_set_routes {
	__u32 count;
	__u32 flags;
	__u64 routes;
};

#define AXV_IRQFD_REMOVE	(1u << 0)
#define AXV_IRQFD_RESAMPLE	(1u << 1)

/**
 * struct axv_set_irqfd - AXV_VM_SET_IRQFD: an eventfd's signals become a route's events
 * @fd:		in: the eventfd
 * @gsi:	in: number of the route, which may be set later; until then events are lost
 * @flags:	in: AXV_IRQFD_REMOVE: end that.  AXV_IRQFD_RESAMPLE: @resample_fd is
 *		signalled when the interrupt of a level route ends, and when the route is
 *		added
 * @resample_fd: in: with RESAMPLE another eventfd; otherwise zero
 */
struct axv_set_irqfd {
	__s32 fd;
	__u32 gsi;
	__u32 flags;
	__s32 resample_fd;
};

/* ---- vCPU: lifecycle ---------------------------------------------------- */

enum axv_vcpu_state {
	AXV_STATE_INVALID = 0,
	AXV_STATE_CREATED = 1,
	AXV_STATE_FREE = 2,
	AXV_STATE_READY = 3,
	AXV_STATE_RUNNING = 4,
	AXV_STATE_BLOCKED = 5,
};

/**
 * struct axv_state - AXV_VCPU_GET_STATE: legal at any time, never waits
 * @state:	out: an &enum axv_vcpu_state
 * @vcpu_id:	out: as given at creation
 * @vm_id:	out: &axv_create_vm.vm_id of its VM
 * @owner:	out: thread id of the owner as the caller sees it; 0: none, or one
 *		that has exited, whose Ready vCPU any thread may bind
 * @cpu:	out: host CPU whose hardware holds the vCPU; -1: none
 * @favor_phys_cpu: out: as given at creation
 * @hw_id:	out: as given at creation
 * @flags:	out: AXV_STATE_*
 * @pad:	out: zero
 */
struct axv_state {
	__u32 state;
	__u32 vcpu_id;
	__u32 vm_id;
	__u32 owner;
	__s32 cpu;
	__s32 favor_phys_cpu;
	__u64 hw_id;
	__u32 flags;
	__u32 pad;
};

#define AXV_STATE_BSP		(1u << 0)	/* the bootstrap processor */
#define AXV_STATE_KICKED	(1u << 1)	/* a kick is pending */
#define AXV_STATE_CPU_SET	(1u << 2)	/* it has a set of host CPUs */

/**
 * struct axv_setup - AXV_VCPU_SETUP: Created -> Free
 * @entry:	in: guest physical address of the first instruction
 * @mode:	in: an architecture's AXV_*_MODE_*, 0: as after power-on
 * @flags:	in: zero
 */
struct axv_setup {
	__u64 entry;
	__u32 mode;
	__u32 flags;
};

#define AXV_BIND_ADOPT		(1u << 0)	/* take it from a living owner */

/**
 * struct axv_bind - AXV_VCPU_BIND: Free -> Ready, owned by the caller
 * @flags:	in: AXV_BIND_ADOPT; with it, a Ready vCPU of another thread
 *		becomes the caller's
 * @pad:	in: zero
 */
struct axv_bind {
	__u32 flags;
	__u32 pad;
};

/* ---- vCPU: registers ---------------------------------------------------- */

/*
 * A register id: architecture, class, log2 of the size in bytes, index.
 * Every register here is at most 8 bytes; the vector state is a block of its
 * own (AXV_VCPU_GET_FPU).
 */
#define AXV_REG_ARCH_X86	0x1ull
#define AXV_REG_ARCH_ARM64	0x2ull
#define AXV_REG_ARCH_RISCV	0x3ull

#define AXV_REG_ID(arch, class, size_log2, index)	\
	(((arch) << 56) | ((__u64)(class) << 48) |	\
	 ((__u64)(size_log2) << 40) | (__u64)(index))
#define AXV_REG_ARCH(id)	((__u64)(id) >> 56)
#define AXV_REG_CLASS(id)	(((__u64)(id) >> 48) & 0xff)
#define AXV_REG_SIZE_LOG2(id)	(((__u64)(id) >> 40) & 0xff)
#define AXV_REG_INDEX(id)	((__u64)(id) & 0xffffffffffull)

/**
 * struct axv_reg - one register of AXV_VCPU_GET_REGS, AXV_VCPU_SET_REGS
 * @id:		in: AXV_REG_ID()
 * @value:	in or out
 * @status:	out: 0 or a negative error: -ENOENT, -EINVAL (a value the
 *		hardware would refuse), -EPERM (cannot be written), -EAGAIN (arm64's
 *		GIC: no room)
 * @pad:	in: zero
 */
struct axv_reg {
	__u64 id;
	__u64 value;
	__s32 status;
	__u32 pad;
};

/**
 * struct axv_regs - a list of registers
 * @count:	in: entries at @regs, at most 1024
 * @flags:	in: zero
 * @regs:	in: user address of an array of &struct axv_reg
 *
 * Every entry is attempted and gets its own status; the call returns how many
 * failed.  What AXV_VCPU_GET_REGS reads is of one moment, or the call is -EBUSY.
 */
struct axv_regs {
	__u32 count;
	__u32 flags;
	__u64 regs;
};

/**
 * struct axv_fpu - AXV_VCPU_GET_FPU, AXV_VCPU_SET_FPU: the vector state
 * @size:	in: bytes at @data; AXV_QUERY_FPU_SIZE of them
 * @flags:	in: zero
 * @data:	in: user address; x86: the standard (non-compacted) XSAVE format
 */
struct axv_fpu {
	__u32 size;
	__u32 flags;
	__u64 data;
};

/* ---- vCPU: debugging the guest ------------------------------------------ */

#define AXV_DEBUG_STEP		(1u << 0)	/* a run ends after one instruction */
#define AXV_DEBUG_SW_BREAK	(1u << 1)	/* breakpoint instructions (INT3) exit */
#define AXV_DEBUG_HW_BREAK	(1u << 2)	/* the breakpoints in @addr and @control */
#define AXV_DEBUG_BLOCK_EVENTS	(1u << 3)	/* interrupts and NMIs wait */

/**
 * struct axv_debug - AXV_VCPU_SET_DEBUG: the VMM debugs the guest; AXV_EXIT_DEBUG reports
 * @flags:	in: AXV_DEBUG_*, of those in AXV_QUERY_DEBUG_FLAGS; 0: nothing any more
 * @pad:	in: zero
 * @control:	in: with HW_BREAK, x86: DR7: bits 0 to 7 enable breakpoints, 16 to 31 tell kind
 *		and length, 13 is for accesses to debug registers; 8, 9 and 10 have no
 *		effect; otherwise zero
 * @addr:	in: with HW_BREAK, x86: DR0 to DR3, linear addresses; otherwise zero
 *
 * These are the VMM's.  The guest reads and writes DR0 to DR7 and RFLAGS.TF as if there
 * were none, but its own breakpoints do not hit meanwhile (HW_BREAK).  Reset and INIT change
 * nothing here.
 */
struct axv_debug {
	__u32 flags;
	__u32 pad;
	__u64 control;
	__u64 addr[4];
};

/* ---- vCPU: the run page ------------------------------------------------- */

enum axv_exit_reason {
	AXV_EXIT_NONE = 0,		/* no run has ended yet */
	AXV_EXIT_HYPERCALL = 1,
	AXV_EXIT_MMIO_READ = 2,
	AXV_EXIT_MMIO_WRITE = 3,
	AXV_EXIT_SYSREG_READ = 4,
	AXV_EXIT_SYSREG_WRITE = 5,
	AXV_EXIT_IO_READ = 6,
	AXV_EXIT_IO_WRITE = 7,
	AXV_EXIT_EXTERNAL_INTERRUPT = 8,
	AXV_EXIT_NESTED_PAGE_FAULT = 9,
	AXV_EXIT_HALT = 10,
	AXV_EXIT_CPU_UP = 11,
	AXV_EXIT_CPU_DOWN = 12,
	AXV_EXIT_SYSTEM_DOWN = 13,
	AXV_EXIT_NOTHING = 14,
	AXV_EXIT_FAIL_ENTRY = 15,
	AXV_EXIT_SEND_IPI = 16,
	AXV_EXIT_KICKED = 17,
	AXV_EXIT_WRONG_CPU = 18,
	AXV_EXIT_SHUTDOWN = 19,
	AXV_EXIT_EXCEPTION = 20,
	AXV_EXIT_IRQ_WINDOW = 21,
	AXV_EXIT_CR8 = 22,		/* x86: CR8 is below &axv_run.cr8_below */
	AXV_EXIT_IO_STRING = 23,	/* x86: INS or OUTS */
	AXV_EXIT_MSW = 24,		/* x86: LMSW or SMSW */
	AXV_EXIT_TASK_SWITCH = 25,	/* x86 */
	AXV_EXIT_EOI = 26,		/* x86, LAPIC: a level-triggered interrupt ended */
	AXV_EXIT_TIMER = 27,		/* arm64: &axv_run.timer_level has risen */
	AXV_EXIT_DEBUG = 28,		/* x86: what AXV_VCPU_SET_DEBUG asked for */
	AXV_EXIT_REASONS,		/* number of them */
};

/* Access bits of AXV_EXIT_NESTED_PAGE_FAULT. */
#define AXV_ACCESS_READ		(1u << 0)
#define AXV_ACCESS_WRITE	(1u << 1)
#define AXV_ACCESS_FETCH	(1u << 2)
#define AXV_ACCESS_PAGE_TABLE	(1u << 3)	/* the guest's page-table walk */
/* x86: the processor was delivering an event.  The next run delivers it anew: it is in
 * AXV_X86_EVENT_REINJECT, or is the INT n, INT1, INT3 or INTO at the instruction pointer
 */
#define AXV_ACCESS_EVENT	(1u << 4)

/* Why a nested page fault could not be resolved. */
enum axv_fault_cause {
	/* no memory there: a device access that the kernel does not decode */
	AXV_FAULT_NO_REGION = 0,
	AXV_FAULT_READONLY = 1,		/* a write to a read-only region */
	AXV_FAULT_HOST = 2,		/* the VMM's mapping refuses: axv_exit_fault.status */
	AXV_FAULT_CODE = 3,		/* x86: the code cannot be read; @addr is 0 */
};

#define AXV_INSN_MAX		16

/*
 * The exits.  "After": the instruction is done, and the instruction pointer is behind it.
 * "Before": nothing of the instruction has happened, and the next run begins with it.
 */

/**
 * struct axv_exit_hypercall - AXV_EXIT_HYPERCALL; state: after
 * @nr:		x86: RAX; arm64: X0
 * @args:	x86: RBX, RCX, RDX, RSI, RDI, RBP; arm64: X1 to X6
 */
struct axv_exit_hypercall {
	__u64 nr;
	__u64 args[6];
};

/**
 * struct axv_exit_mmio - AXV_EXIT_MMIO_READ (before), AXV_EXIT_MMIO_WRITE (after)
 * @addr:	guest physical address
 * @data:	the value; on a read the VMM puts it here, @width bytes of it
 * @width:	1, 2, 4 or 8 bytes
 * @signed_ext:	read: the register is sign-extended
 * @reg:	read: register that takes the value; 0xff: none (a string move)
 * @reg_width:	read: bytes of that register
 * @pad:	zero
 */
struct axv_exit_mmio {
	__u64 addr;
	__u64 data;
	__u8 width;
	__u8 signed_ext;
	__u8 reg;
	__u8 reg_width;
	__u32 pad;
};

/**
 * struct axv_exit_sysreg - AXV_EXIT_SYSREG_READ (before), _WRITE (after)
 * @addr:	x86: the MSR number; arm64: the ISS form of ESR_EL2
 * @value:	the value; on a read the VMM puts it here
 * @reg:	arm64: the register of the instruction; x86: 0
 * @fail:	in, on a read: not zero: the guest gets its fault (#GP) instead
 */
struct axv_exit_sysreg {
	__u64 addr;
	__u64 value;
	__u32 reg;
	__u32 fail;
};

/**
 * struct axv_exit_io - AXV_EXIT_IO_READ (before), AXV_EXIT_IO_WRITE (after)
 * @data:	the value; on a read the VMM puts it here
 * @port:	port number
 * @width:	1, 2 or 4 bytes
 * @pad:	zero
 */
struct axv_exit_io {
	__u64 data;
	__u16 port;
	__u8 width;
	__u8 pad[5];
};

/* The value of a member of which the hardware tells nothing. */
#define AXV_IO_STRING_UNTOLD	0xff

/**
 * struct axv_exit_io_string - AXV_EXIT_IO_STRING: x86, INS or OUTS; state: before
 * @count:	elements to do: rCX, as wide as an address, if @rep, otherwise 1
 * @port:	port number; the guest is allowed to use the port with this width
 * @width:	bytes of an element: 1, 2 or 4
 * @in:		not zero: INS, from the port to ES:rDI; 0: OUTS, from @seg:rSI to the port
 * @rep:	not zero: repeated, rCX counts
 * @addr_width:	bytes of rCX, rSI and rDI that count: 2, 4 or 8.  AXV_IO_STRING_UNTOLD: the
 *		code at the instruction pointer tells; @count is all of rCX then
 * @seg:	an &enum axv_x86_seg.  AXV_IO_STRING_UNTOLD: the code at the instruction
 *		pointer tells
 * @pad:	zero
 *
 * The VMM moves the elements, and with each of them the registers on; with the last one it
 * moves the instruction pointer on by &axv_run.insn_len.  axv_vcpu_finish() of libaxvcpu
 * does that.
 */
struct axv_exit_io_string {
	__u64 count;
	__u16 port;
	__u8 width;
	__u8 in;
	__u8 rep;
	__u8 addr_width;
	__u8 seg;
	__u8 pad;
};

/**
 * struct axv_exit_msw - AXV_EXIT_MSW: x86, LMSW or SMSW with its operand in memory;
 * state: before
 * @load:	not zero: LMSW, at privilege level 0; 0: SMSW
 * @pad:	zero
 *
 * The code at the instruction pointer tells where the operand is; axv_vcpu_finish() of
 * libaxvcpu decodes it.  SVM only.
 */
struct axv_exit_msw {
	__u32 load;
	__u32 pad;
};

/**
 * struct axv_exit_interrupt - AXV_EXIT_EXTERNAL_INTERRUPT
 * @vector:	with @known: vector of the host's interrupt, which the host has handled already;
 *   otherwise 0
 * @known:	not zero: @vector is known.  No back end knows it so far, so this is 0
 */
struct axv_exit_interrupt {
	__u32 vector;
	__u32 known;
};

/**
 * struct axv_exit_fault - AXV_EXIT_NESTED_PAGE_FAULT; state: before
 * @addr:	guest physical address
 * @access:	AXV_ACCESS_*
 * @cause:	an &enum axv_fault_cause
 * @linear:	the guest's own address of the access, if @linear_valid
 * @linear_valid: not zero: the hardware or the decoder told @linear
 * @status:	with AXV_FAULT_HOST: the negative error of the host
 * @insn:	bytes at the instruction pointer
 * @insn_bytes:	how many of them are valid (0: they could not be read, or it was
 *		no instruction that made the access)
 * @pad:	zero
 */
struct axv_exit_fault {
	__u64 addr;
	__u32 access;
	__u32 cause;
	__u64 linear;
	__u32 linear_valid;
	__s32 status;
	__u8 insn[AXV_INSN_MAX];
	__u32 insn_bytes;
	__u32 pad;
};

/**
 * struct axv_exit_cpu_up - AXV_EXIT_CPU_UP; state: after
 * @target_cpu:	&axv_create_vcpu.hw_id of the vCPU that is to start
 * @entry_point: guest physical address
 * @arg:	value for the first argument register of that vCPU
 */
struct axv_exit_cpu_up {
	__u64 target_cpu;
	__u64 entry_point;
	__u64 arg;
};

/**
 * struct axv_exit_cpu_down - AXV_EXIT_CPU_DOWN; state: after
 * @state:	the power state asked for
 */
struct axv_exit_cpu_down {
	__u64 state;
};

/* Values of &axv_exit_system_down.type. */
#define AXV_SYSTEM_DOWN_OFF	0
#define AXV_SYSTEM_DOWN_RESET	1

/**
 * struct axv_exit_system_down - AXV_EXIT_SYSTEM_DOWN; state: after
 * @type:	AXV_SYSTEM_DOWN_*
 * @pad:	zero
 */
struct axv_exit_system_down {
	__u32 type;
	__u32 pad;
};

/* Why the guest could not be entered. */
enum axv_fail_cause {
	AXV_FAIL_HARDWARE = 0,		/* the hardware refused: hardware_reason */
	/* virtualization is off on this CPU: it did not come back after a
	 * suspend, or the machine is going down
	 */
	AXV_FAIL_OFF = 1,
};

/**
 * struct axv_exit_fail_entry - AXV_EXIT_FAIL_ENTRY: the guest was not entered
 * @hardware_reason: with AXV_FAIL_HARDWARE the hardware's own code, otherwise 0.  SVM: exit
 *		code.  VMX: exit reason, or bit 32 and the number of a VM-instruction
 *		error.  arm64: a PSTATE that this CPU cannot have; or, if the module's code
 *		at EL2 is gone, the answer of what is there instead, or ESR_EL2 of a fault
 *		there.
 * @cpu:	host CPU on which it was tried
 * @cause:	an &enum axv_fail_cause
 * @qualification: VMX: the exit qualification, or 0 with a VM-instruction error; SVM,
 *		arm64: 0
 */
struct axv_exit_fail_entry {
	__u64 hardware_reason;
	__u32 cpu;
	__u32 cause;
	__u64 qualification;
};

/**
 * struct axv_exit_send_ipi - AXV_EXIT_SEND_IPI; state: after
 * @target_cpu:	&axv_create_vcpu.hw_id of the receiver
 * @target_cpu_aux: the rest of a destination that is more than a number
 * @vector:	vector or INTID
 * @send_to_all: not zero: to all but the sender
 * @send_to_self: not zero: to the sender
 * @pad:	zero
 */
struct axv_exit_send_ipi {
	__u64 target_cpu;
	__u64 target_cpu_aux;
	__u32 vector;
	__u8 send_to_all;
	__u8 send_to_self;
	__u8 pad[2];
};

/**
 * struct axv_exit_wrong_cpu - AXV_EXIT_WRONG_CPU: outside the vCPU's set
 * @cpu:	host CPU on which the run was asked for
 * @pad:	zero
 */
struct axv_exit_wrong_cpu {
	__u32 cpu;
	__u32 pad;
};

/**
 * struct axv_exit_exception - AXV_EXIT_EXCEPTION: the VMM asked to see it; state: before
 * @vector:	0 to 31; it has not been delivered to the guest
 * @error_code:	valid if @has_error_code
 * @has_error_code: not zero: the exception has an error code
 * @pad:	zero
 * @address:	#PF: the faulting linear address; #DB: what DR6 tells, as set
 *		bits
 */
struct axv_exit_exception {
	__u32 vector;
	__u32 error_code;
	__u32 has_error_code;
	__u32 pad;
	__u64 address;
};

/**
 * struct axv_exit_task_switch - AXV_EXIT_TASK_SWITCH: x86; state: before
 * @event:	with AXV_X86_TASK_GATE the event that leads through the gate, laid out as
 *		in AXV_X86_EVENT_REINJECT, with its error code; otherwise 0
 * @selector:	of the new task's TSS
 * @source:	an &enum axv_x86_task_source
 * @pending:	not zero: @event is in AXV_X86_EVENT_REINJECT, too, and the next run
 *		delivers it again: no instruction caused it, or one that is done
 * @pad:	zero
 *
 * The processor has checked the gate, and the privilege to use it.  &axv_run.insn_len is
 * the length of the CALL, JMP or IRET, or of the INT n (INT3, INTO, INT1) whose event is
 * not pending; 0: the hardware does not tell it.  If the VMM does nothing, the instruction
 * runs, or the event is delivered, once more, and the exit comes again.  If the VMM
 * switches tasks, it sets the registers of the new task, and, if @pending,
 * AXV_X86_EVENT_REINJECT to 0.
 */
struct axv_exit_task_switch {
	__u64 event;
	__u16 selector;
	__u8 source;
	__u8 pending;
	__u32 pad;
};

/**
 * struct axv_exit_eoi - AXV_EXIT_EOI: x86 with irqchip LAPIC; state: after
 * @vector:	vector of a level-triggered interrupt that the guest has ended.  If a pin
 *		with this vector is still high, the VMM sends the interrupt again.
 * @pad:	zero
 */
struct axv_exit_eoi {
	__u32 vector;
	__u32 pad;
};

/**
 * struct axv_exit_debug - AXV_EXIT_DEBUG
 * @vector:	x86: 3 (#BP): INT3, state: before; &axv_run.insn_len is its length.  1 (#DB):
 *		a breakpoint or a step, by @causes
 * @pad:	zero
 * @causes:	x86, with 1: as in DR6, set bits: 0xf the VMM's breakpoints that hit, bit 13 an
 *		access to a debug register, bit 14 a step.  The access, and a breakpoint on an
 *		instruction, come before the instruction, all others after it
 * @linear:	linear address of the instruction that the next run begins with
 *
 * A step is over when an instruction is done, or when an event was delivered: then the
 * next instruction is the first one of its handler.
 */
struct axv_exit_debug {
	__u32 vector;
	__u32 pad;
	__u64 causes;
	__u64 linear;
};

/* Register sets that the run page carries; contents in asm-<arch>/axvcpu.h. */
#define AXV_RUN_SET_GPRS	(1u << 0)	/* GPRs, ip, flags */
#define AXV_RUN_SET_SREGS	(1u << 1)	/* segments, control registers */

#if defined(__x86_64__)
#include <asm-x86/axvcpu.h>
#elif defined(__aarch64__)
#include <asm-arm64/axvcpu.h>
#else
#error "axvcpu: no such architecture"
#endif

/**
 * struct axv_run - the run page, one per vCPU, shared with the kernel
 * @want:	in: AXV_RUN_SET_* to store at the exit
 * @dirty:	in: AXV_RUN_SET_* to load at the entry; cleared by the kernel
 *		once loaded.  A set with a value the hardware would refuse
 *		fails the run with -EINVAL before it begins.
 * @irq_window:	in: x86; not zero: end the run with AXV_EXIT_IRQ_WINDOW as soon as
 *		the guest can take an external interrupt
 * @cr8_below:	in: x86; end the run with AXV_EXIT_CR8 when CR8 is below this; 0:
 *		never.  Not looked at with irqchip LAPIC
 * @pad0:	zero
 * @valid:	out: AXV_RUN_SET_* that were stored at this exit
 * @exit_reason: out: an &enum axv_exit_reason
 * @ip:		out: instruction pointer at the exit (x86: RIP, not linear)
 * @insn_len:	out: length of the instruction that caused the exit; 0: no instruction did,
 *		or a repeated one that goes on
 * @ready_for_interrupt: out: an EXTINT injected now would be taken at entry
 * @state:	out: the &enum axv_vcpu_state in which the last run ended
 * @cr8:	out: x86: CR8 at the exit
 * @timer_level: out: arm64 without irqchip: not zero: the output of the virtual timer was
 *		high at the exit; otherwise 0
 * @pad1:	zero
 * @apic_base:	out: x86 with irqchip LAPIC: bits 15:0 of IA32_APIC_BASE at the exit, which tell the
 *		APIC's mode; otherwise 0
 * @hw_reason:	out: the hardware's own code for its last exit, which is another exit than
 *		this if the kernel ended the run
 * @exit:	the exit's own data; written by the kernel, which reads only the data that
 *		the VMM supplies for a read
 * @regs:	the register sets
 *
 * AXV_VCPU_SYNC loads and stores the sets as a run does, without one.
 *
 * The kernel trusts nothing in the run page: it reads a member once and checks the value,
 * and what it needs to complete an access it keeps to itself.
 */
struct axv_run {
	__u32 want;
	__u32 dirty;
	__u8 irq_window;
	__u8 cr8_below;
	__u8 pad0[6];

	__u32 valid;
	__u32 exit_reason;
	__u64 ip;
	__u8 insn_len;
	__u8 ready_for_interrupt;
	__u8 state;
	__u8 cr8;
	__u8 timer_level;
	__u8 pad1;
	__u16 apic_base;
	__u64 hw_reason;

	union {
		struct axv_exit_hypercall hypercall;
		struct axv_exit_mmio mmio;
		struct axv_exit_sysreg sysreg;
		struct axv_exit_io io;
		struct axv_exit_io_string io_string;
		struct axv_exit_msw msw;
		struct axv_exit_interrupt interrupt;
		struct axv_exit_fault fault;
		struct axv_exit_cpu_up cpu_up;
		struct axv_exit_cpu_down cpu_down;
		struct axv_exit_system_down system_down;
		struct axv_exit_fail_entry fail_entry;
		struct axv_exit_send_ipi send_ipi;
		struct axv_exit_wrong_cpu wrong_cpu;
		struct axv_exit_exception exception;
		struct axv_exit_task_switch task_switch;
		struct axv_exit_eoi eoi;
		struct axv_exit_debug debug;
		__u8 bytes[256];
	} exit;

	struct axv_run_regs regs;
};

/* Offsets for mmap() of a vCPU descriptor. */
#define AXV_MMAP_RUN		0x0ull		/* the run page */
#define AXV_MMAP_RING		0x100000ull	/* reserved for rings */

/**
 * struct axv_stats - AXV_VCPU_GET_STATS: counters since creation
 * @entries:	guest entries
 * @exits:	ends of a run, by &enum axv_exit_reason
 * @hw_exits:	exits of the hardware, with those the kernel answered
 * @faults:	second-stage faults that were resolved
 * @kicks:	kicks asked for
 * @blocks:	times in state Blocked
 * @injections:	events delivered to the guest
 * @interrupts:	host interrupts taken while in the guest
 * @flushes:	TLB flushes asked of the hardware
 * @loads:	times that a CPU's hardware took hold of the vCPU
 * @doorbells:	writes that rang a doorbell
 * @yields:	times it spun and the scheduler agreed to run another vCPU of the VM, with
 *		AXV_VM_YIELD_ON_SPIN
 * @pad:	zero
 */
struct axv_stats {
	__u64 entries;
	__u64 hw_exits;
	__u64 faults;
	__u64 kicks;
	__u64 blocks;
	__u64 injections;
	__u64 interrupts;
	__u64 flushes;
	__u64 loads;
	__u64 doorbells;
	__u64 yields;
	__u64 pad[5];
	__u64 exits[32];
};

/* ---- commands ----------------------------------------------------------- */

/*
 * The direction is that of the structure itself.  What a structure points to
 * may go the other way: AXV_VCPU_GET_REGS reads a list and stores values.
 */

/* /dev/axvcpu */
#define AXV_QUERY		_IOWR(AXV_IOCTL, 0x00, struct axv_query)
#define AXV_CREATE_VM		_IOWR(AXV_IOCTL, 0x01, struct axv_create_vm)

/* any descriptor, as the kind of table allows */
#define AXV_GET_TABLE		_IOWR(AXV_IOCTL, 0x08, struct axv_table)
#define AXV_SET_TABLE		_IOW(AXV_IOCTL, 0x09, struct axv_table)

/* VM */
#define AXV_VM_CREATE_VCPU	_IOW(AXV_IOCTL, 0x10, struct axv_create_vcpu)
#define AXV_VM_SET_REGION	_IOW(AXV_IOCTL, 0x11, struct axv_region)
#define AXV_VM_GET_DIRTY	_IOW(AXV_IOCTL, 0x12, struct axv_dirty)
#define AXV_VM_SET_CLOCK	_IOW(AXV_IOCTL, 0x13, struct axv_clock)
#define AXV_VM_GET_CLOCK	_IOWR(AXV_IOCTL, 0x14, struct axv_clock)
#define AXV_VM_CLEAR_DIRTY	_IOW(AXV_IOCTL, 0x15, struct axv_dirty)
#define AXV_VM_SET_DOORBELL	_IOW(AXV_IOCTL, 0x16, struct axv_doorbell)
#define AXV_VM_SET_ROUTES	_IOW(AXV_IOCTL, 0x1a, struct axv_set_routes)
#define AXV_VM_SET_IRQFD	_IOW(AXV_IOCTL, 0x1b, struct axv_set_irqfd)
#define AXV_VM_GET_ROUTES	_IOW(AXV_IOCTL, 0x1c, struct axv_set_routes)

/* VM and vCPU */
#define AXV_INJECT		_IOW(AXV_IOCTL, 0x18, struct axv_inject)

/* vCPU */
#define AXV_VCPU_SETUP		_IOW(AXV_IOCTL, 0x20, struct axv_setup)
#define AXV_VCPU_BIND		_IOW(AXV_IOCTL, 0x21, struct axv_bind)
#define AXV_VCPU_UNBIND		_IO(AXV_IOCTL, 0x22)
#define AXV_VCPU_RUN		_IO(AXV_IOCTL, 0x23)
#define AXV_VCPU_KICK		_IO(AXV_IOCTL, 0x24)
#define AXV_VCPU_RESET		_IO(AXV_IOCTL, 0x25)
#define AXV_VCPU_GET_STATE	_IOR(AXV_IOCTL, 0x26, struct axv_state)
#define AXV_VCPU_GET_REGS	_IOW(AXV_IOCTL, 0x27, struct axv_regs)
#define AXV_VCPU_SET_REGS	_IOW(AXV_IOCTL, 0x28, struct axv_regs)
#define AXV_VCPU_GET_FPU	_IOW(AXV_IOCTL, 0x29, struct axv_fpu)
#define AXV_VCPU_SET_FPU	_IOW(AXV_IOCTL, 0x2a, struct axv_fpu)
#define AXV_VCPU_GET_STATS	_IOR(AXV_IOCTL, 0x2b, struct axv_stats)
#define AXV_VCPU_SYNC		_IO(AXV_IOCTL, 0x2c)
#define AXV_VCPU_SET_SGIS	_IOW(AXV_IOCTL, 0x2d, struct axv_sgis)
#define AXV_VCPU_SET_DEBUG	_IOW(AXV_IOCTL, 0x2e, struct axv_debug)

#endif /* _UAPI_LINUX_AXVCPU_H */
