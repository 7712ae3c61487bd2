// SPDX-License-Identifier: GPL-2.0
/*
 * The current vCPU: set around calls of the back end, following its thread, never nested;
 * and the loaded vCPU, which stays on its CPU.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include <axvcpu/current.h>
#include <axvcpu/request.h>
#include <axvcpu/state.h>

#include "fake.h"
#include "../claim.h"

#define SWITCHES	500
#define PROBES		500
#define PROBE_PERIOD	(100 * NSEC_PER_USEC)
#define PROBE_LIMIT	3000000		/* times 5 microseconds: less than a soft lockup */

static void no_vcpu_is_current_outside_calls(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	KUNIT_EXPECT_TRUE(test, !axv_get_current_vcpu());
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_TRUE(test, !axv_get_current_vcpu());

	/* The fake back end checks the current vCPU at every call. */
	KUNIT_EXPECT_EQ(test, 0u, fake->current_was_wrong);
	KUNIT_EXPECT_EQ(test, 1u, fake->runs);
}

static int nest(struct axv_fake *fake)
{
	struct axv_vcpu *inner = fake->arg;
	const struct axv_setup setup = {};
	struct axv_reg reg = {};
	u8 state = axv_vcpu_state(inner);
	int failures = 0;

	axv_nesting_expected = 5;
	failures += axv_vcpu_run(inner) != -EDEADLK;
	failures += axv_vcpu_reset(inner) != -EDEADLK;
	failures += axv_vcpu_unbind(inner) != -EDEADLK;
	failures += axv_vcpu_setup(inner, &setup) != -EDEADLK;
	failures += axv_get_regs(inner, &reg, 1) != -EDEADLK;
	failures += axv_nesting_expected != 0;
	axv_nesting_expected = 0;
	failures += axv_vcpu_state(inner) != state;
	failures += inner->claim != AXV_CLAIM_NONE;
	failures += axv_get_current_vcpu() != &fake->vcpu;
	return failures ? -EDOM : AXV_EXIT_HYPERCALL;
}

static void nesting_is_refused(struct kunit *test)
{
	struct axv_fake *outer = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_fake *inner = axv_fake_in_state(test, 1, AXV_STATE_READY);

	outer->guest = nest;
	outer->arg = &inner->vcpu;
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&outer->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(&outer->vcpu));

	/* The refused calls have changed nothing. */
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&inner->vcpu));
}

/* Two threads that run this share a CPU, and hand it to each other. */
static int switch_often(struct axv_fake *fake)
{
	unsigned int i;

	for (i = 0; i < SWITCHES; i++) {
		schedule_timeout_interruptible(i % 8 == 0);
		schedule();
		if (axv_get_current_vcpu() != &fake->vcpu)
			return -ESRCH;
	}
	return AXV_EXIT_HYPERCALL;
}

static void current_follows_preemption(struct kunit *test)
{
	struct axv_fake_thread threads[2];
	struct axv_fake *fakes[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fakes[i] = axv_fake_in_state(test, i, AXV_STATE_FREE);
		fakes[i]->guest = switch_often;
		axv_fake_start(test, &threads[i], 0, axv_fake_run_fn,
			       &fakes[i]->vcpu);
	}
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &threads[i]));
		axv_fake_stop(&threads[i]);
	}
}

static int another_cpu(int cpu)
{
	int next = cpumask_next(cpu, cpu_online_mask);

	return next < nr_cpu_ids ? next : cpumask_first(cpu_online_mask);
}

static int hop(struct axv_fake *fake)
{
	unsigned int *left = fake->arg;
	int cpu = another_cpu(raw_smp_processor_id());

	if (fake->vcpu.loaded_cpu != raw_smp_processor_id())
		return -ESRCH;
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	if (raw_smp_processor_id() != cpu)
		return -EXDEV;
	if (axv_get_current_vcpu() != &fake->vcpu)
		return -ESRCH;
	return --*left ? AXV_EXIT_NONE : AXV_EXIT_HYPERCALL;
}

static int hop_fn(void *arg)
{
	set_cpus_allowed_ptr(current, cpumask_of(0));
	return axv_fake_run_fn(arg);
}

static void current_follows_migration(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	unsigned int left = 100;

	KUNIT_ASSERT_GE_MSG(test, num_online_cpus(), 2u, "boot with two CPUs");
	fake->guest = hop;
	fake->arg = &left;
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, -1, hop_fn, &fake->vcpu));
	KUNIT_EXPECT_EQ(test, 100u, fake->loads);
}

static void loaded_is_sticky(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	const struct axv_setup setup = {};
	int cpu = get_cpu();
	int i;

	/* Without a change of CPU, bind loads it once and for all. */
	put_cpu();
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_setup(&fake->vcpu, &setup));
	KUNIT_EXPECT_EQ(test, -1, fake->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&fake->vcpu, false));
	KUNIT_EXPECT_EQ(test, cpu, fake->vcpu.loaded_cpu);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 1u, fake->loads);
	KUNIT_EXPECT_EQ(test, 0u, fake->unloads);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_unbind(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, -1, fake->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, 1u, fake->unloads);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void loading_another_evicts_none(struct kunit *test)
{
	struct axv_fake *a = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_fake *b = axv_fake_in_state(test, 1, AXV_STATE_FREE);
	int cpu = get_cpu();

	put_cpu();
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&a->vcpu, false));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&b->vcpu, false));
	KUNIT_EXPECT_EQ(test, cpu, a->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, cpu, b->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, 0u, a->unloads);

	/* The first run makes the vCPU the loaded one; the second finds it loaded. */
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&a->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&a->vcpu));
	KUNIT_EXPECT_EQ(test, 1u, a->loads);
	KUNIT_EXPECT_EQ(test, 1u, a->returns);

	/* The CPU lets go of the loaded one; then of one that is not loaded. */
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_unbind(&a->vcpu));
	KUNIT_EXPECT_EQ(test, -1, a->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, cpu, b->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&b->vcpu));
	KUNIT_EXPECT_EQ(test, 1u, b->loads);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&a->vcpu, false));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_unbind(&b->vcpu));
	KUNIT_EXPECT_EQ(test, -1, b->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&a->vcpu));
	KUNIT_EXPECT_EQ(test, 2u, a->loads);
	KUNIT_EXPECT_EQ(test, 1u, a->returns);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void evict_this_cpu(void *info)
{
	axv_evict_this_cpu();
}

static void a_cpu_lets_go_of_all(struct kunit *test)
{
	struct axv_fake *fakes[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fakes); i++)
		fakes[i] = axv_fake_in_state(test, i, AXV_STATE_READY);
	on_each_cpu(evict_this_cpu, NULL, 1);
	for (i = 0; i < ARRAY_SIZE(fakes); i++) {
		KUNIT_EXPECT_EQ(test, -1, fakes[i]->vcpu.loaded_cpu);
		KUNIT_EXPECT_EQ(test, 1u, fakes[i]->unloads);
	}
}

static void an_evicted_vcpu_is_loaded_again(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	on_each_cpu(evict_this_cpu, NULL, 1);
	KUNIT_EXPECT_EQ(test, -1, fake->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 2u, fake->loads);
}

static void nothing_is_loaded_on_a_cpu_that_is_off(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	on_each_cpu(evict_this_cpu, NULL, 1);
	axv_fake_enable_cpus(false);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_FAIL_ENTRY, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_EQ(test, -1, fake->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, 1u, fake->loads);
	axv_fake_enable_cpus(true);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 2u, fake->loads);
}

/**
 * struct prober - a timer that kicks a CPU, and interrupts another kick of that CPU
 * @timer:	the timer
 * @cpu:	the CPU
 * @probes:	how often the timer has fired
 * @lost:	the timer's kick did not arrive while the interrupted sender had to wait
 */
struct prober {
	struct hrtimer timer;
	int cpu;
	unsigned int probes;
	bool lost;
};

static enum hrtimer_restart probe(struct hrtimer *timer)
{
	struct prober *p = container_of(timer, struct prober, timer);
	unsigned int left = PROBE_LIMIT;

	/* Wait by counting: a clock may need this CPU's interrupts to go on. */
	axv_kick_cpu(p->cpu);
	while (axv_kick_in_flight(p->cpu) && --left)
		udelay(5);
	p->lost = !left;
	WRITE_ONCE(p->probes, p->probes + 1);
	if (p->probes == PROBES || p->lost)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(PROBE_PERIOD));
	return HRTIMER_RESTART;
}

/*
 * This thread calls axv_kick_cpu() all the time.  The timer interrupts the thread anywhere in the
 * call, as a preemption would; meanwhile the timer's own kick has to arrive.
 */
static void a_kick_needs_no_other_sender(struct kunit *test)
{
	struct prober p = {};

	KUNIT_ASSERT_GE_MSG(test, num_online_cpus(), 2u, "boot with two CPUs");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	p.cpu = another_cpu(0);
	hrtimer_init_on_stack(&p.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	p.timer.function = probe;
	hrtimer_start(&p.timer, ns_to_ktime(PROBE_PERIOD), HRTIMER_MODE_REL_PINNED_HARD);
	while (READ_ONCE(p.probes) < PROBES && !READ_ONCE(p.lost)) {
		axv_kick_cpu(p.cpu);
		cond_resched();
	}
	hrtimer_cancel(&p.timer);
	destroy_hrtimer_on_stack(&p.timer);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	KUNIT_EXPECT_FALSE_MSG(test, p.lost, "probe %u", p.probes);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(a_kick_needs_no_other_sender),
	KUNIT_CASE(no_vcpu_is_current_outside_calls),
	KUNIT_CASE(nesting_is_refused),
	KUNIT_CASE(current_follows_preemption),
	KUNIT_CASE(current_follows_migration),
	KUNIT_CASE(loaded_is_sticky),
	KUNIT_CASE(loading_another_evicts_none),
	KUNIT_CASE(a_cpu_lets_go_of_all),
	KUNIT_CASE(an_evicted_vcpu_is_loaded_again),
	KUNIT_CASE(nothing_is_loaded_on_a_cpu_that_is_off),
	{}
};

axv_test_suite("axvcpu-current", cases, AXV_FAKE_FRAME);
