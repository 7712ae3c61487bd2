/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's test harness, as the axvcpu tests use it. Included once per
 * program, by the file with the tests: the harness defines functions.
 */
#ifndef AXV_HARNESS_H
#define AXV_HARNESS_H

#include <stdlib.h>
#include <unistd.h>

/*
 * Seconds after which a test has failed.  The deadline only ends a hang: an emulator on a
 * busy machine may be very slow, so AXV_TEST_TIMEOUT in the environment can lengthen it.
 * 0 stays 0: alarm(0) sets no alarm.
 */
static inline unsigned int axv_deadline(unsigned int seconds)
{
	const char *env = getenv("AXV_TEST_TIMEOUT");
	unsigned int given = env ? strtoul(env, NULL, 10) : 0;

	return seconds && given > seconds ? given : seconds;
}

/* Replaces the constants that the harness itself passes to alarm(). */
#define alarm(seconds)	(alarm)(axv_deadline(seconds))
#include <kselftest_harness.h>
#undef alarm

#include "guest.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

/**
 * FIXTURE_ONE_VCPU() - define a fixture with one VM and one vCPU, which end with the test
 * @name: name of the fixture
 *
 * Stands for FIXTURE(), FIXTURE_TEARDOWN() and the head of FIXTURE_SETUP(), whose body
 * follows and makes &self->vm and &self->v.
 */
#define FIXTURE_ONE_VCPU(name)						\
	FIXTURE(name) {							\
		struct axv_vm vm;					\
		struct axv_vcpu v;					\
	};								\
	FIXTURE_TEARDOWN(name)						\
	{								\
		vcpu_free(&self->v);					\
		vm_free(&self->vm);					\
	}								\
	FIXTURE_SETUP(name)

/* For ASSERT_EXIT(): run, and print the vCPU's state if the run did not end as expected. */
static inline int vcpu_run_to(struct axv_vcpu *v, int reason)
{
	int ret = vcpu_run(v);

	if (ret != reason)
		vcpu_dump(v);
	return ret;
}

/**
 * ASSERT_EXIT() - run a vCPU and assert for which reason the run ended
 * @reason: an &enum axv_exit_reason
 * @v: the vCPU
 */
#define ASSERT_EXIT(reason, v)						\
	ASSERT_EQ((int)(reason), vcpu_run_to(v, reason))

/* Check that a new VM can be created, and that its guest runs: the hardware is free. */
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
