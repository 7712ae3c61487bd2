// SPDX-License-Identifier: GPL-2.0
/*
 * All CPUs have virtualization on, or none has.
 *
 * The tests have a hardware object of their own, which notes what is switched: the real
 * hardware is not touched.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include <axvcpu/arch.h>
#include <axvcpu/hardware.h>
#include <axvcpu/kunit.h>

#include "fake.h"

/**
 * struct switch_state - one CPU's virtualization
 * @on:		it is on
 * @faults:	how often it was switched twice, unprepared or with interrupts on
 */
struct switch_state {
	bool on;
	unsigned int faults;
};

static DEFINE_PER_CPU(struct switch_state, switches);
static DEFINE_PER_CPU(struct axv_percpu, flags);

/* CPU on which switching on fails, or -1; and its error. */
static int failing_cpu;
static int failure;

/*
 * The machine is prepared; the error of prepare(); how often prepare() or unprepare() came in the
 * wrong state.
 */
static bool prepared;
static int unready;
static unsigned int misprepared;

static int prepare(void)
{
	misprepared += prepared;
	prepared = !unready;
	return unready;
}

static void unprepare(void)
{
	int cpu;

	for_each_online_cpu(cpu)
		misprepared += per_cpu_ptr(&switches, cpu)->on;
	misprepared += !prepared;
	prepared = false;
}

static int switch_on(void)
{
	struct switch_state *this = this_cpu_ptr(&switches);

	if (smp_processor_id() == failing_cpu)
		return failure;
	this->faults += this->on || !prepared || !irqs_disabled();
	this->on = true;
	return 0;
}

static void switch_off(void)
{
	struct switch_state *this = this_cpu_ptr(&switches);

	this->faults += !this->on || !irqs_disabled();
	this->on = false;
}

static const struct axv_arch_ops ops = {
	.name = "switch",
	.hardware_prepare = prepare,
	.hardware_unprepare = unprepare,
	.hardware_enable = switch_on,
	.hardware_disable = switch_off,
};

static struct axv_hardware hw;

static int init(struct kunit *test)
{
	int cpu;

	failing_cpu = -1;
	prepared = false;
	unready = 0;
	misprepared = 0;
	for_each_possible_cpu(cpu) {
		*per_cpu_ptr(&switches, cpu) = (struct switch_state){};
		per_cpu_ptr(&flags, cpu)->enabled = false;
	}
	__axv_hardware_init(&hw, &ops, &flags);
	return 0;
}

static void expect(struct kunit *test, bool on)
{
	int cpu;

	for_each_online_cpu(cpu) {
		KUNIT_EXPECT_EQ_MSG(test, on, per_cpu_ptr(&switches, cpu)->on,
				    "CPU %d", cpu);
		KUNIT_EXPECT_EQ_MSG(test, on, per_cpu_ptr(&flags, cpu)->enabled,
				    "flag of CPU %d", cpu);
		KUNIT_EXPECT_EQ_MSG(test, 0u, per_cpu_ptr(&switches, cpu)->faults,
				    "CPU %d", cpu);
	}
}

static void on_with_the_first_off_with_the_last(struct kunit *test)
{
	expect(test, false);
	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	expect(test, true);
	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	__axv_hardware_put(&hw);
	expect(test, true);
	__axv_hardware_put(&hw);
	expect(test, false);
	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	expect(test, true);
	__axv_hardware_put(&hw);
}

static void one_cpu_that_fails_fails_all(struct kunit *test)
{
	for_each_online_cpu(failing_cpu) {
		failure = -EBUSY;
		KUNIT_EXPECT_EQ(test, -EBUSY, __axv_hardware_get(&hw));
		expect(test, false);
		KUNIT_EXPECT_EQ(test, 0u, hw.users);
	}
	failing_cpu = -1;
	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	expect(test, true);
	__axv_hardware_put(&hw);
	expect(test, false);
}

static void the_machine_is_prepared_once(struct kunit *test)
{
	unready = -EBUSY;
	KUNIT_EXPECT_EQ(test, -EBUSY, __axv_hardware_get(&hw));
	KUNIT_EXPECT_EQ(test, 0u, hw.users);
	expect(test, false);

	/* If a CPU fails, the preparation is undone. */
	unready = 0;
	failing_cpu = cpumask_first(cpu_online_mask);
	failure = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, __axv_hardware_get(&hw));
	KUNIT_EXPECT_FALSE(test, prepared);

	failing_cpu = -1;
	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	__axv_hardware_put(&hw);
	KUNIT_EXPECT_TRUE(test, prepared);
	expect(test, true);
	__axv_hardware_put(&hw);
	KUNIT_EXPECT_FALSE(test, prepared);
	KUNIT_EXPECT_EQ(test, 0u, misprepared);
}

static int offline_fn(void *arg)
{
	__axv_hardware_offline(&hw);
	return 0;
}

static int online_fn(void *arg)
{
	return __axv_hardware_online(&hw);
}

static void a_cpu_goes_and_comes(struct kunit *test)
{
	int cpu = cpumask_last(cpu_online_mask);

	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, offline_fn, NULL));
	KUNIT_EXPECT_FALSE(test, per_cpu_ptr(&switches, cpu)->on);
	KUNIT_EXPECT_FALSE(test, per_cpu_ptr(&flags, cpu)->enabled);

	/* If virtualization cannot be switched on, the CPU stays offline. */
	failing_cpu = cpu;
	failure = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, axv_fake_call(test, cpu, online_fn, NULL));
	KUNIT_EXPECT_FALSE(test, per_cpu_ptr(&flags, cpu)->enabled);
	failing_cpu = -1;
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, online_fn, NULL));
	expect(test, true);

	/* Without a user nothing is switched. */
	__axv_hardware_put(&hw);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, offline_fn, NULL));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, online_fn, NULL));
	expect(test, false);
}

static void a_cpu_gone_is_not_switched_twice(struct kunit *test)
{
	int cpu = cpumask_last(cpu_online_mask);

	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, offline_fn, NULL));
	__axv_hardware_put(&hw);
	expect(test, false);
}

static void suspend_and_resume(struct kunit *test)
{
	int cpu;

	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	local_irq_disable();
	cpu = smp_processor_id();
	__axv_hardware_suspend(&hw);
	local_irq_enable();
	KUNIT_EXPECT_FALSE(test, per_cpu_ptr(&switches, cpu)->on);
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	local_irq_disable();
	__axv_hardware_resume(&hw);
	local_irq_enable();
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	expect(test, true);
	__axv_hardware_put(&hw);

	/* Without a user the resume switches nothing on. */
	local_irq_disable();
	__axv_hardware_suspend(&hw);
	__axv_hardware_resume(&hw);
	local_irq_enable();
	expect(test, false);
}

static void shutdown_is_final(struct kunit *test)
{
	int cpu = cpumask_last(cpu_online_mask);

	KUNIT_EXPECT_EQ(test, 0, __axv_hardware_get(&hw));
	__axv_hardware_shutdown(&hw);
	expect(test, false);
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, __axv_hardware_get(&hw));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, online_fn, NULL));
	local_irq_disable();
	__axv_hardware_resume(&hw);
	local_irq_enable();
	expect(test, false);
	__axv_hardware_put(&hw);
	expect(test, false);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(on_with_the_first_off_with_the_last),
	KUNIT_CASE(one_cpu_that_fails_fails_all),
	KUNIT_CASE(the_machine_is_prepared_once),
	KUNIT_CASE(a_cpu_goes_and_comes),
	KUNIT_CASE(a_cpu_gone_is_not_switched_twice),
	KUNIT_CASE(suspend_and_resume),
	KUNIT_CASE(shutdown_is_final),
	{}
};

axv_test_suite("axvcpu-hardware", cases, .init = init);
