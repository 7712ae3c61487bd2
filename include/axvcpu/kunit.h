/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What files of KUnit tests share: the suite, and claiming a vCPU for an operation.
 */
#ifndef _AXVCPU_KUNIT_H
#define _AXVCPU_KUNIT_H

#include <kunit/test.h>
#include <linux/bug.h>
#include <linux/preempt.h>

#include <axvcpu/current.h>

/**
 * axv_test_suite() - the one suite of a file
 * @suite_name:	as KUnit prints it
 * @suite_cases: array of &struct kunit_case, with an empty one at its end
 * @...:	further members of &struct kunit_suite: .init and .exit, which frame each
 *		test, .suite_init and .suite_exit, which frame all
 */
#define axv_test_suite(suite_name, suite_cases, ...)			\
	static struct kunit_suite suite = {				\
		.name = suite_name,					\
		.test_cases = suite_cases,				\
		__VA_ARGS__						\
	};								\
	kunit_test_suite(suite)

/**
 * AXV_CLAIMED() - call an operation of a back end with the claim; what it returns
 * @vcpu:	vCPU that no thread has claimed; the current one during @call
 * @call:	the operation, which asserts that its caller has the claim
 */
#define AXV_CLAIMED(vcpu, call)						\
({									\
	struct axv_vcpu *__claimed = (vcpu);				\
	typeof(call) __result;						\
									\
	axv_test_claim(__claimed);					\
	__result = (call);						\
	axv_test_unclaim(__claimed);					\
	__result;							\
})

static inline void axv_test_claim(struct axv_vcpu *vcpu)
{
	axv_current_enable();
	axv_current_init(vcpu);
	preempt_disable();
	WARN_ON_ONCE(axv_set_current_vcpu(vcpu));
	preempt_enable();
}

static inline void axv_test_unclaim(struct axv_vcpu *vcpu)
{
	preempt_disable();
	axv_clear_current_vcpu(vcpu);
	preempt_enable();
}

#endif /* _AXVCPU_KUNIT_H */
