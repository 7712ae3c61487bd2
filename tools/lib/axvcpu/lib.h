/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * What the files of libaxvcpu share: the objects, and functions that they call in each
 * other.  Nothing here is visible to the library's users.
 */
#ifndef AXV_LIB_H
#define AXV_LIB_H

#include <pthread.h>
#include <stdint.h>

#include <axvcpu.h>

#define AXV_PAGE_SIZE	4096ull

/**
 * struct axv_host - an open device
 * @fd: the descriptor
 */
struct axv_host {
	int fd;
};

/**
 * struct axv_lib_region - one memory region, as the kernel has it
 * @id: names it
 * @flags: AXV_REGION_*
 * @gpa: guest physical address
 * @size: bytes
 * @hva: address in this process
 * @owned: the memory was mapped by axv_vm_add_ram() or axv_vm_map_ram()
 * @dirty: with AXV_REGION_LOG_DIRTY: pages that this process has written, one
 *	bit each, set with atomic operations under the read lock; else NULL
 */
struct axv_lib_region {
	__u32 id;
	__u32 flags;
	__u64 gpa;
	__u64 size;
	unsigned char *hva;
	bool owned;
	__u64 *dirty;
};

/**
 * struct axv_vm - a virtual machine
 * @fd: the descriptor
 * @id: identity, from the kernel
 * @host: the device it came from
 * @irqchip: an &enum axv_irqchip
 * @lock: guards the regions; held for reading while guest memory is touched
 * @regions: the regions, sorted by their addresses; no two overlap
 * @nr_regions: number of @regions
 */
struct axv_vm {
	int fd;
	__u32 id;
	struct axv_host *host;
	__u32 irqchip;
	pthread_rwlock_t lock;
	struct axv_lib_region *regions;
	unsigned int nr_regions;
};

/**
 * struct axv_vcpu - a virtual CPU
 * @fd: the descriptor
 * @id: identity within the VM
 * @vm: its VM
 * @run: the run page
 * @run_size: bytes mapped at @run
 * @fpu_size: bytes of the vector state
 * @favor_phys_cpu: host CPU it prefers; -1: none
 * @cpu_set: host CPUs it may run on; NULL: all
 * @cpu_set_size: bytes at @cpu_set
 * @finish_tries: accesses in a row that axv_vcpu_finish() left to the processor
 */
struct axv_vcpu {
	int fd;
	__u32 id;
	struct axv_vm *vm;
	struct axv_run *run;
	size_t run_size;
	size_t fpu_size;
	__s32 favor_phys_cpu;
	void *cpu_set;
	size_t cpu_set_size;
	unsigned int finish_tries;
};

/**
 * axv_fail() - set the error text of the calling thread
 * @err: a positive errno
 * @fmt: the text, as for printf; the error's own name is not added
 *
 * Return: -@err
 */
int axv_fail(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/**
 * axv_fail_call() - set the error text for a system call that failed with errno
 * @hint: what to do about it; NULL: nothing to add
 * @fmt: what was being done, as for printf
 *
 * Return: -errno
 */
int axv_fail_call(const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/**
 * axv_get_table() - read a table (AXV_GET_TABLE) into an array of the right size
 * @fd: any descriptor of the interface
 * @kind: an &enum axv_table_kind
 * @entry_size: bytes of one entry
 * @entries: where to store the array, which the caller frees with free(); NULL if it is
 *	empty
 *
 * Return: the number of entries, or a negative errno with the text set.
 */
int axv_get_table(int fd, __u32 kind, size_t entry_size, void **entries);

/**
 * axv_set_table() - replace a table (AXV_SET_TABLE)
 * @fd: any descriptor of the interface
 * @kind: an &enum axv_table_kind
 * @entry_size: bytes of one entry
 * @entries: the array; becomes what the kernel made of it
 * @count: how many entries
 *
 * Return: 0, or a negative errno with the text set.
 */
int axv_set_table(int fd, __u32 kind, size_t entry_size, void *entries,
		  unsigned int count);

/**
 * axv_ram_read() - read guest memory that is inside one page
 * @vm: the VM
 * @gpa: guest physical address
 * @data: where to store it
 * @size: bytes
 *
 * Context: takes the VM's lock.
 * Return: 0; -ENOENT if there is no region.
 */
int axv_ram_read(struct axv_vm *vm, __u64 gpa, void *data, size_t size);

/**
 * axv_ram_write() - write guest memory that is inside one page
 * @vm: the VM
 * @gpa: guest physical address
 * @data: what to write
 * @size: bytes
 *
 * Context: takes the VM's lock.
 * Return: 0; -ENOENT if there is no region, -EROFS if it is read-only.
 */
int axv_ram_write(struct axv_vm *vm, __u64 gpa, const void *data, size_t size);

/**
 * axv_ram_cmpxchg() - replace guest memory atomically, if it is as expected
 * @vm: the VM
 * @gpa: guest physical address, a multiple of @size
 * @old: what the memory should hold
 * @new: what it gets then
 * @size: 1, 2, 4 or 8
 *
 * Context: takes the VM's lock.
 * Return: 0; -EAGAIN if it held something else, -ENOENT, -EROFS.
 */
int axv_ram_cmpxchg(struct axv_vm *vm, __u64 gpa, __u64 old, __u64 new,
		    size_t size);

/**
 * axv_get_all_regs() - read registers; one that fails is an error of the call
 * @vcpu: the vCPU, not running
 * @regs: ids in, values out
 * @count: entries
 *
 * Return: 0, or the error of the first that failed, with the text set.
 */
int axv_get_all_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, unsigned int count);

/**
 * axv_set_all_regs() - write registers in their order; one that fails is an error of the
 * call
 * @vcpu: the vCPU
 * @regs: ids and values
 * @count: entries
 *
 * Return: 0, or the error of the first that failed, with the text set.
 */
int axv_set_all_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, unsigned int count);

/**
 * axv_device_read() - read a device by the VMM's callback
 * @vcpu: whose access it is
 * @ops: the devices
 * @opaque: for @ops
 * @gpa: guest physical address
 * @width: 1, 2, 4 or 8
 * @data: where to store what was read, zero extended
 *
 * Return: 0, or the callback's error with the text set.
 */
int axv_device_read(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
		    void *opaque, __u64 gpa, unsigned int width, __u64 *data);

/** axv_device_write() - write a device by the VMM's callback; see axv_device_read() */
int axv_device_write(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
		     void *opaque, __u64 gpa, unsigned int width, __u64 data);

/** axv_in_run_page() - are the registers of a set in the run page? */
static inline bool axv_in_run_page(const struct axv_run *run, __u32 set)
{
	return (run->valid | run->dirty) & set;
}

/** axv_is_fetch() - did the guest fetch an instruction that is not in its memory? */
static inline bool axv_is_fetch(const struct axv_exit_fault *fault)
{
	return (fault->access & AXV_ACCESS_FETCH) &&
	       (fault->cause == AXV_FAULT_NO_REGION ||
		fault->cause == AXV_FAULT_CODE) &&
	       !(fault->access & AXV_ACCESS_PAGE_TABLE);
}

/** axv_fail_fetch() - set the error text for axv_is_fetch(); returns -EOPNOTSUPP */
int axv_fail_fetch(struct axv_vcpu *vcpu, const struct axv_exit_fault *fault);

/* ---- the architecture ---- */

/**
 * axv_reg_name() - name a register, for an error text
 * @id: its id
 * @name: room for the text
 * @size: bytes at @name
 *
 * Return: @name
 */
const char *axv_reg_name(__u64 id, char *name, size_t size);

/**
 * axv_arch_finish() - axv_vcpu_finish() for a nested page fault that the host did not
 * cause
 * @vcpu: the vCPU
 * @fault: the exit
 * @ops: the devices
 * @opaque: for @ops
 *
 * Return: as axv_vcpu_finish()
 */
int axv_arch_finish(struct axv_vcpu *vcpu, const struct axv_exit_fault *fault,
		    const struct axv_mmio_ops *ops, void *opaque);

/**
 * axv_arch_finish_exit() - axv_vcpu_finish() for an exit that is no nested page fault
 * @vcpu: the vCPU
 * @ops: the devices
 * @opaque: for @ops
 *
 * Return: as axv_vcpu_finish(); -ENOENT, without a text, for an exit that it does not
 * know.
 */
int axv_arch_finish_exit(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops, void *opaque);

/**
 * axv_arch_explain() - axv_vcpu_explain() for an entry that the hardware refused
 * @vcpu: the vCPU
 * @fail: the exit
 * @text: where to store the text
 * @size: bytes at @text
 *
 * Return: as axv_vcpu_explain()
 */
int axv_arch_explain(struct axv_vcpu *vcpu, const struct axv_exit_fail_entry *fail,
		     char *text, size_t size);

/** axv_regions_init() - prepare a new VM's list of regions */
void axv_regions_init(struct axv_vm *vm);

/** axv_regions_free() - free the list of regions, and unmap those that are owned */
void axv_regions_free(struct axv_vm *vm);

#endif /* AXV_LIB_H */
