/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * A stand-in for the module: it answers the library's ioctl() calls inside the
 * test program, where this ioctl() comes before the C library's.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/axvcpu.h>

#ifdef __x86_64__
#define KERNEL_FPU_SIZE	2696
#else
#define KERNEL_FPU_SIZE	sizeof(struct axv_arm64_fpu)
#endif

#define KERNEL_QUERIES	32

/**
 * struct kernel - what the stand-in has been told, and how it is to answer
 * @abi_version: answer to AXV_QUERY_ABI_VERSION
 * @backend: answer to AXV_QUERY_BACKEND
 * @answers: to other queries, by id; 0: not known
 * @fail_command: the ioctl that fails with @fail_errno; 0: none
 * @fail_errno: see @fail_command
 * @signal_in_run: signal that each run raises; 0: none
 * @calls: ioctls so far, by number
 * @region: the last region set
 * @doorbell: the last doorbell added or removed
 * @routes: the last routes set, or asked for
 * @routes_call: the last call for routes: their number, and the flags
 * @irqfd: the last irqfd added or removed
 * @vm: the last VM created
 * @vcpu: the last vCPU created
 * @event: the last event injected
 * @events: events injected so far
 * @debug: what the last AXV_VCPU_SET_DEBUG set
 * @sgis: what the last AXV_VCPU_SET_SGIS set
 * @table: the last table set, with @table_data
 * @table_data: its entries
 * @table_count: entries that AXV_GET_TABLE has to give, each filled with its
 *	index in the first four bytes
 * @regs: registers that were written or preset
 * @nr_regs: number of @regs in use
 * @no_reg: a register that does not exist
 * @fixed_reg: a register that cannot be written
 * @largest_list: longest register list in one call
 * @dirty: words of the log that AXV_VM_GET_DIRTY and _CLEAR_DIRTY are about
 * @dirty_call: the last of these calls
 * @fpu: the vector state
 */
struct kernel {
	__u64 abi_version;
	__u64 backend;
	__u64 answers[KERNEL_QUERIES];
	unsigned long fail_command;
	int fail_errno;
	int signal_in_run;
	unsigned int calls[256];
	struct axv_region region;
	struct axv_doorbell doorbell;
	struct axv_route routes[4];
	struct axv_set_routes routes_call;
	struct axv_set_irqfd irqfd;
	struct axv_create_vm vm;
	struct axv_create_vcpu vcpu;
	struct axv_inject event;
	struct axv_debug debug;
	struct axv_sgis sgis;
	unsigned int events;
	struct axv_table table;
	unsigned char table_data[4096];
	unsigned int table_count;
	struct axv_reg regs[4096];
	unsigned int nr_regs;
	__u64 no_reg;
	__u64 fixed_reg;
	unsigned int largest_list;
	__u64 dirty[4];
	struct axv_dirty dirty_call;
	unsigned char fpu[KERNEL_FPU_SIZE];
};

extern struct kernel kernel;

/** kernel_reset() - forget everything */
void kernel_reset(void);

/** kernel_get() - read a register; 0 if it was never written */
__u64 kernel_get(__u64 id);

/** kernel_set() - preset a register */
void kernel_set(__u64 id, __u64 value);

#endif /* KERNEL_H */
