/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU that never enters a guest: its registers are memory, and its last exit is
 * what a test says it was.
 *
 * A suite for code that asks for guest memory, or for what the host has, compiles that
 * code once more, with the functions it calls replaced by the suite's own.  So the
 * module's code has no hooks for its tests.
 */
#ifndef _AXVCPU_ARM64_TESTS_SUBJECT_H
#define _AXVCPU_ARM64_TESTS_SUBJECT_H

#include <axvcpu/kunit.h>

#include "../arm64.h"

#define SUBJECT_PC	0x40001000ull
#define SUBJECT_VBAR	0xffff800012340800ull

/**
 * struct subject - a vCPU and what belongs to it
 * @v:		the vCPU
 * @vm:		its VM
 * @run:	its run page
 */
struct subject {
	struct axv_arm64_vcpu v;
	struct axv_arm64_vm vm;
	struct axv_run run;
};

/* A new subject at EL1 at SUBJECT_PC, where X0 to X30 have different values. */
static inline struct subject *subject_new(struct kunit *test)
{
	struct subject *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	raw_spin_lock_init(&s->v.base.lock);
	s->v.base.vm = &s->vm.base;
	s->v.base.run = &s->run;
	s->v.base.hw_id = 0x0300020001ull;
	s->vm.base.ipa_bits = 39;
	axv_arm64_timer_init(&s->v);
	axv_arm64_reset(&s->v);
	s->v.regs.pc = SUBJECT_PC;
	for (i = 0; i < ARRAY_SIZE(s->v.regs.x); i++)
		s->v.regs.x[i] = 0x1122334455667700ull + i;
	s->v.sys[AXV_SYS_VBAR_EL1] = SUBJECT_VBAR;
	return s;
}

static inline int subject_init(struct kunit *test)
{
	test->priv = subject_new(test);
	return 0;
}

/* ESR_EL2 of an exception by an instruction of 4 bytes */
#define ESR(class, iss)	((u64)ESR_ELx_EC_##class << ESR_ELx_EC_SHIFT | ESR_ELx_IL | (iss))

/* The guest took a synchronous exception, and this is its ESR_EL1. */
#define EXPECT_RAISED(test, s, esr, offset)					\
	do {									\
		KUNIT_EXPECT_EQ(test, (u64)(esr), (s)->v.sys[AXV_SYS_ESR_EL1]);	\
		KUNIT_EXPECT_EQ(test, SUBJECT_PC, (s)->v.sys[AXV_SYS_ELR_EL1]);	\
		KUNIT_EXPECT_EQ(test, SUBJECT_VBAR + (offset), (s)->v.regs.pc);	\
	} while (0)

#define EXPECT_UNDEFINED(test, s)	\
	EXPECT_RAISED(test, s, ESR(UNKNOWN, 0), 0x200)

#endif /* _AXVCPU_ARM64_TESTS_SUBJECT_H */
