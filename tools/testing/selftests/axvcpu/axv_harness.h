/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's test harness, as the axvcpu tests use it. Included once per
 * program, by the file with the tests: the harness defines functions.
 */
#ifndef AXV_HARNESS_H
#define AXV_HARNESS_H

#include <kselftest_harness.h>

#include "guest.h"

/*
 * The deadline of one test. It ends a hang and measures nothing: an emulator on
 * a busy machine may be very slow.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

/* For ASSERT_EXIT(): run, and if it did not end as it should, tell all about it. */
static inline int vcpu_run_to(struct axv_vcpu *v, int reason)
{
	int ret = vcpu_run(v);

	if (ret != reason)
		vcpu_dump(v);
	return ret;
}

/**
 * ASSERT_EXIT() - run a vCPU and assert why that ended
 * @reason: an &enum axv_exit_reason
 * @v: the vCPU
 */
#define ASSERT_EXIT(reason, v)						\
	ASSERT_EQ((int)(reason), vcpu_run_to(v, reason))

/* The hardware is free for a new VM, and its guest runs. */
static inline void a_new_vm_runs(struct __test_metadata *_metadata)
{
	struct axv_vm vm;
	struct axv_vcpu v;

	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	vcpu_free(&v);
	vm_free(&vm);
}

#endif
