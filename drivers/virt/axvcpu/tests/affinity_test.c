// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's set of CPUs: bind and run check it, and no thread is ever moved.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>

#include <axvcpu/state.h>

#include "fake.h"

static struct axv_fake *free_one(struct kunit *test, u32 id,
				 const struct cpumask *set)
{
	struct axv_fake *fake = axv_fake_new(test, id, set);
	const struct axv_setup setup = {};

	KUNIT_ASSERT_EQ(test, 0, axv_vcpu_setup(&fake->vcpu, &setup));
	return fake;
}

static int bind_fn(void *arg)
{
	return axv_vcpu_bind(arg, false);
}

static int not_here(void)
{
	int next = cpumask_next(0, cpu_online_mask);

	return next < nr_cpu_ids ? next : -1;
}

static void no_set_allows_any_cpu(struct kunit *test)
{
	struct axv_fake *fake = free_one(test, 0, NULL);
	struct axv_state state;

	KUNIT_EXPECT_TRUE(test, !axv_vcpu_phys_cpu_set(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&fake->vcpu, false));
	axv_vcpu_get_state(&fake->vcpu, &state);
	KUNIT_EXPECT_EQ(test, 0u, state.flags & AXV_STATE_CPU_SET);
}

static void an_empty_set_allows_any_cpu(struct kunit *test)
{
	struct axv_fake *fake = free_one(test, 0, cpu_none_mask);

	KUNIT_EXPECT_TRUE(test, !axv_vcpu_phys_cpu_set(&fake->vcpu));
	KUNIT_EXPECT_TRUE(test, axv_vcpu_may_run_on(&fake->vcpu, nr_cpu_ids - 1));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&fake->vcpu, false));
}

static void bind_outside_changes_nothing(struct kunit *test)
{
	struct axv_fake *fake = free_one(test, 0, cpumask_of(0));
	struct axv_vcpu *vcpu = &fake->vcpu;
	struct axv_state state;
	int cpu = not_here();

	KUNIT_ASSERT_GE_MSG(test, cpu, 0, "boot with two CPUs");
	KUNIT_EXPECT_EQ(test, -EXDEV, axv_fake_call(test, cpu, bind_fn, vcpu));
	axv_vcpu_get_state(vcpu, &state);
	KUNIT_EXPECT_EQ(test, AXV_STATE_FREE, state.state);
	KUNIT_EXPECT_EQ(test, 0u, state.owner);
	KUNIT_EXPECT_EQ(test, -1, state.cpu);
	KUNIT_EXPECT_EQ(test, (u32)AXV_STATE_CPU_SET,
			state.flags & AXV_STATE_CPU_SET);
	KUNIT_EXPECT_EQ(test, 0u, fake->loads);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, 0, bind_fn, vcpu));

	/* A wrong CPU makes no vCPU Invalid, even in a wrong state. */
	KUNIT_EXPECT_EQ(test, -EXDEV, axv_fake_call(test, cpu, bind_fn, vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(vcpu));
}

/**
 * struct stray - a run on the wrong CPU
 * @vcpu:	vCPU whose set is CPU 0
 * @cpu:	another CPU
 * @reason:	exit of the run there
 * @where:	CPU that the exit tells
 * @state:	state after it
 */
struct stray {
	struct axv_vcpu *vcpu;
	int cpu;
	u32 reason;
	u32 where;
	u8 state;
};

static int stray_fn(void *arg)
{
	struct stray *stray = arg;
	int err;

	err = axv_vcpu_bind(stray->vcpu, false);
	if (err)
		return err;
	set_cpus_allowed_ptr(current, cpumask_of(stray->cpu));
	err = axv_vcpu_run(stray->vcpu);
	if (err)
		return err;
	stray->reason = stray->vcpu->run->exit_reason;
	stray->where = stray->vcpu->run->exit.wrong_cpu.cpu;
	stray->state = axv_vcpu_state(stray->vcpu);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	return axv_vcpu_run(stray->vcpu);
}

static void run_outside_is_an_exit(struct kunit *test)
{
	struct axv_fake *fake = free_one(test, 0, cpumask_of(0));
	struct stray stray = { .vcpu = &fake->vcpu, .cpu = not_here() };

	KUNIT_ASSERT_GE_MSG(test, stray.cpu, 0, "boot with two CPUs");
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, 0, stray_fn, &stray));
	KUNIT_EXPECT_EQ(test, (u32)AXV_EXIT_WRONG_CPU, stray.reason);
	KUNIT_EXPECT_EQ(test, (u32)stray.cpu, stray.where);
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, stray.state);

	/* Back on its own CPU it runs. */
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_EQ(test, 1u, fake->loads);
}

static void an_offline_cpu_can_be_named(struct kunit *test)
{
	struct axv_fake *fake;
	cpumask_var_t mask;
	int cpu;

	KUNIT_ASSERT_TRUE(test, alloc_cpumask_var(&mask, GFP_KERNEL));
	cpumask_andnot(mask, cpu_possible_mask, cpu_online_mask);
	cpu = cpumask_first(mask);
	free_cpumask_var(mask);
	KUNIT_ASSERT_LT_MSG(test, cpu, (int)nr_cpu_ids,
			    "boot with possible_cpus= above the CPUs there are");

	/* The CPU may come online; until then the vCPU cannot be bound. */
	fake = free_one(test, 0, cpumask_of(cpu));
	KUNIT_EXPECT_EQ(test, -EXDEV, axv_vcpu_bind(&fake->vcpu, false));
	KUNIT_EXPECT_EQ(test, AXV_STATE_FREE, axv_vcpu_state(&fake->vcpu));
}

static void more_than_64_cpus(struct kunit *test)
{
	struct axv_fake *fake;
	cpumask_var_t mask;

	KUNIT_ASSERT_GT_MSG(test, (int)nr_cpu_ids, 65,
			    "boot with possible_cpus=80 or more");
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&mask, GFP_KERNEL));
	cpumask_set_cpu(1, mask);
	cpumask_set_cpu(65, mask);
	fake = free_one(test, 0, mask);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(mask, axv_vcpu_phys_cpu_set(&fake->vcpu)));
	free_cpumask_var(mask);
	KUNIT_EXPECT_FALSE(test, axv_vcpu_may_run_on(&fake->vcpu, 0));
	KUNIT_EXPECT_TRUE(test, axv_vcpu_may_run_on(&fake->vcpu, 1));
	KUNIT_EXPECT_FALSE(test, axv_vcpu_may_run_on(&fake->vcpu, 64));
	KUNIT_EXPECT_TRUE(test, axv_vcpu_may_run_on(&fake->vcpu, 65));
	KUNIT_EXPECT_EQ(test, -EXDEV, axv_fake_call(test, 0, bind_fn, &fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, 1, bind_fn, &fake->vcpu));
}

static void a_set_without_a_possible_cpu_is_refused(struct kunit *test)
{
	struct axv_vcpu_config config = { .favor_phys_cpu = -1 };
	cpumask_var_t mask;

	/* Bits that no CPU can have; the mask has room for them. */
	KUNIT_ASSERT_TRUE(test, zalloc_cpumask_var(&mask, GFP_KERNEL));
	cpumask_andnot(mask, cpu_all_mask, cpu_possible_mask);
	config.phys_cpu_set = mask;
	if (!cpumask_empty(mask))
		KUNIT_EXPECT_EQ(test, -EINVAL,
				(int)PTR_ERR(axv_vcpu_new(test->priv, &config)));
	free_cpumask_var(mask);
}

static void the_driver_moves_no_task(struct kunit *test)
{
	struct axv_fake *fake = free_one(test, 0, cpumask_of(0));
	cpumask_var_t before;

	KUNIT_ASSERT_TRUE(test, alloc_cpumask_var(&before, GFP_KERNEL));
	cpumask_copy(before, current->cpus_ptr);
	axv_vcpu_bind(&fake->vcpu, false);
	KUNIT_EXPECT_TRUE(test, cpumask_equal(before, current->cpus_ptr));
	free_cpumask_var(before);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(no_set_allows_any_cpu),
	KUNIT_CASE(an_empty_set_allows_any_cpu),
	KUNIT_CASE(bind_outside_changes_nothing),
	KUNIT_CASE(run_outside_is_an_exit),
	KUNIT_CASE(an_offline_cpu_can_be_named),
	KUNIT_CASE(more_than_64_cpus),
	KUNIT_CASE(a_set_without_a_possible_cpu_is_refused),
	KUNIT_CASE(the_driver_moves_no_task),
	{}
};

axv_test_suite("axvcpu-affinity", cases, AXV_FAKE_FRAME);
