// SPDX-License-Identifier: GPL-2.0
/*
 * Which vCPU gets the CPU of one that spins, and when a vCPU waits for a CPU.
 */
#include <linux/kthread.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include <axvcpu/state.h>

#include "../yield.h"
#include "fake.h"

#define NR	4

/* As if a thread ran the vCPU and the scheduler had taken its CPU away. */
static void pretend(struct axv_fake *fake, enum axv_vcpu_state state, bool wants_cpu)
{
	raw_spin_lock_irq(&fake->vcpu.lock);
	fake->vcpu.state = state;
	raw_spin_unlock_irq(&fake->vcpu.lock);
	WRITE_ONCE(fake->vcpu.wants_cpu, wants_cpu);
}

static void expect_found(struct kunit *test, struct axv_fake *spins, u32 behind, int expected)
{
	struct task_struct *task;
	u32 id = behind;

	task = axv_yield_find(&spins->vcpu, &id);
	KUNIT_EXPECT_EQ_MSG(test, expected >= 0, !!task, "behind %u", behind);
	if (!task)
		return;
	KUNIT_EXPECT_EQ_MSG(test, (u32)expected, id, "behind %u", behind);
	KUNIT_EXPECT_PTR_EQ(test, current, task);
	put_task_struct(task);
}

static void the_next_one_in_a_circle(struct kunit *test)
{
	struct axv_fake *fake[NR];
	u32 i;

	for (i = 0; i < NR; i++)
		fake[i] = axv_fake_in_state(test, i, AXV_STATE_READY);
	expect_found(test, fake[0], 0, -1);

	pretend(fake[1], AXV_STATE_RUNNING, true);
	pretend(fake[3], AXV_STATE_RUNNING, true);
	expect_found(test, fake[0], 0, 1);
	expect_found(test, fake[0], 1, 3);
	expect_found(test, fake[0], 2, 3);
	expect_found(test, fake[0], 3, 1);
	/* Ids that do not exist, and the last there can be. */
	expect_found(test, fake[0], NR, 1);
	expect_found(test, fake[0], U32_MAX, 1);
	/* Not the one that spins. */
	expect_found(test, fake[1], 0, 3);
	expect_found(test, fake[1], 3, 3);

	/* One that was woken and waits for its CPU */
	pretend(fake[1], AXV_STATE_BLOCKED, true);
	expect_found(test, fake[0], 0, 1);

	/* Not one that runs, sleeps, or is between two runs. */
	pretend(fake[3], AXV_STATE_RUNNING, false);
	expect_found(test, fake[0], 2, 1);
	pretend(fake[1], AXV_STATE_BLOCKED, false);
	expect_found(test, fake[0], 0, -1);
	pretend(fake[1], AXV_STATE_READY, true);
	expect_found(test, fake[0], 0, -1);
	pretend(fake[3], AXV_STATE_READY, false);
}

/* A guest whose thread looks at wants_cpu while it runs itself. */
static int give_way(struct axv_fake *fake)
{
	bool *seen = fake->arg;

	cond_resched();
	*seen |= READ_ONCE(fake->vcpu.wants_cpu);
	return AXV_EXIT_NONE;
}

static int look(void *arg)
{
	struct axv_fake *fake = arg;

	/* Both threads have the same CPU: while this one runs, the other one does not. */
	while (!kthread_should_stop() && !READ_ONCE(fake->vcpu.wants_cpu))
		cond_resched();
	return READ_ONCE(fake->vcpu.wants_cpu);
}

static void a_thread_that_would_run_wants_a_cpu(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_fake_thread runs, looks;
	bool seen = false;

	fake->arg = &seen;
	fake->guest = give_way;
	axv_fake_start(test, &looks, 0, look, fake);
	axv_fake_start(test, &runs, 0, axv_fake_run_fn, &fake->vcpu);
	KUNIT_EXPECT_EQ(test, 1, axv_fake_wait(test, &looks));
	axv_vcpu_kick(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &runs));
	KUNIT_EXPECT_FALSE(test, seen);
	axv_fake_stop(&looks);
	axv_fake_stop(&runs);
}

static int wake_and_look(void *arg)
{
	struct axv_vcpu *vcpu = arg;
	bool wants_cpu;

	preempt_disable();
	axv_vcpu_kick(vcpu);
	/* Its thread may run on no other CPU than this one. */
	wants_cpu = READ_ONCE(vcpu->wants_cpu);
	preempt_enable();
	return wants_cpu;
}

static void a_thread_that_is_woken_wants_a_cpu(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_fake_thread thread;

	fake->guest = axv_fake_guest_halt;
	axv_fake_start(test, &thread, 0, axv_fake_run_fn, &fake->vcpu);
	axv_fake_await_state(test, &fake->vcpu, AXV_STATE_BLOCKED);
	while (task_is_running(thread.task))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, 1, axv_fake_call(test, 0, wake_and_look, &fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &thread));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(fake->vcpu.wants_cpu));
	axv_fake_stop(&thread);
}

static void a_thread_that_sleeps_wants_none(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_fake_thread thread;

	fake->guest = axv_fake_guest_halt;
	axv_fake_start(test, &thread, -1, axv_fake_run_fn, &fake->vcpu);
	axv_fake_await_state(test, &fake->vcpu, AXV_STATE_BLOCKED);
	while (task_is_running(thread.task))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(fake->vcpu.wants_cpu));
	axv_vcpu_kick(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &thread));
	axv_fake_stop(&thread);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(the_next_one_in_a_circle),
	KUNIT_CASE(a_thread_that_would_run_wants_a_cpu),
	KUNIT_CASE(a_thread_that_sleeps_wants_none),
	KUNIT_CASE(a_thread_that_is_woken_wants_a_cpu),
	{}
};

axv_test_suite("axvcpu-yield", cases, AXV_FAKE_FRAME);
