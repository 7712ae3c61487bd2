/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM of guest memory and nothing else, for the suites of regions and faults.
 */
#ifndef _AXVCPU_TESTS_MEMORY_VM_H
#define _AXVCPU_TESTS_MEMORY_VM_H

#include <axvcpu/kunit.h>

#include "../memory.h"

/**
 * struct memory_vm - the VM of a test, and its vCPUs
 * @vm:		the VM
 * @ops:	a back end that can do nothing but flush
 * @flushes:	calls of flush_stage2(), under &axv_vm.mmu_lock
 * @on_flush:	called by flush_stage2(), or NULL
 * @vcpu:	for faults of the thread of the test
 * @vcpus:	for other threads, given out by memory_vm_vcpu()
 * @nr_vcpus:	how many of @vcpus were given out
 * @area:	user addresses, if memory_vm_map() was asked for some
 * @area_size:	bytes at @area
 */
struct memory_vm {
	struct axv_vm vm;
	struct axv_arch_ops ops;
	unsigned int flushes;
	void (*on_flush)(struct memory_vm *m);
	struct axv_vcpu vcpu;
	struct axv_vcpu vcpus[2];
	unsigned int nr_vcpus;
	unsigned long area;
	unsigned long area_size;
};

int memory_vm_suite_init(struct kunit_suite *suite);
void memory_vm_suite_exit(struct kunit_suite *suite);
int memory_vm_init(struct kunit *test);
void memory_vm_exit(struct kunit *test);

/* For axv_test_suite(). */
#define MEMORY_VM_FRAME							\
	.suite_init = memory_vm_suite_init, .suite_exit = memory_vm_suite_exit, \
	.init = memory_vm_init, .exit = memory_vm_exit

void memory_vm_enter(void);
void memory_vm_leave(void);
unsigned long memory_vm_map(struct kunit *test, unsigned long size,
			    unsigned long prot);

int memory_vm_set(struct kunit *test, u32 id, u32 flags, u64 gpa, u64 size,
		  u64 hva);
struct axv_vcpu *memory_vm_vcpu(struct kunit *test);
struct axv_s2_leaf memory_vm_leaf(struct memory_vm *m, u64 gpa);

#endif /* _AXVCPU_TESTS_MEMORY_VM_H */
