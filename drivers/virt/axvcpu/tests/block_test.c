// SPDX-License-Identifier: GPL-2.0
/*
 * State Blocked: no wake-up is lost, and a kick ends one run.
 */
#include <linux/atomic.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include <axvcpu/request.h>
#include <axvcpu/state.h>
#include <axvcpu/work.h>

#include "fake.h"

#define ROUNDS	1000

static struct axv_fake *halted(struct kunit *test, struct axv_fake_thread *thread)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);

	fake->guest = axv_fake_guest_halt;
	axv_fake_start(test, thread, -1, axv_fake_run_fn, &fake->vcpu);
	axv_fake_await_state(test, &fake->vcpu, AXV_STATE_BLOCKED);
	return fake;
}

static void expect_end(struct kunit *test, struct axv_fake *fake,
		       struct axv_fake_thread *thread, u32 reason)
{
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, thread));
	axv_fake_stop(thread);
	KUNIT_EXPECT_EQ(test, reason, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_EQ(test, AXV_STATE_FREE, axv_vcpu_state(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 1ull, fake->vcpu.stats.blocks);
}

static void an_injection_wakes(struct kunit *test)
{
	struct axv_fake_thread thread;
	struct axv_fake *fake = halted(test, &thread);

	KUNIT_EXPECT_EQ(test, 0, axv_fake_inject(&fake->vcpu));
	expect_end(test, fake, &thread, AXV_EXIT_HYPERCALL);
}

static void a_kick_wakes(struct kunit *test)
{
	struct axv_fake_thread thread;
	struct axv_fake *fake = halted(test, &thread);

	axv_vcpu_kick(&fake->vcpu);
	expect_end(test, fake, &thread, AXV_EXIT_KICKED);
	KUNIT_EXPECT_EQ(test, 0ul, fake->vcpu.requests);
}

static void a_signal_wakes(struct kunit *test)
{
	struct axv_fake_thread thread;
	struct axv_fake *fake = halted(test, &thread);

	send_sig(SIGUSR1, thread.task, 1);
	expect_end(test, fake, &thread, AXV_EXIT_NOTHING);
}

/*
 * Work that is queued by TWA_RESUME sets this flag and wakes nobody, and the
 * thread of a test has no restartable sequences.
 */
static void work_ends_the_halt_at_the_next_look(struct kunit *test)
{
	struct axv_fake_thread thread;
	struct axv_fake *fake = halted(test, &thread);

	set_tsk_thread_flag(thread.task, TIF_NOTIFY_RESUME);
	axv_request(&fake->vcpu, AXV_REQ_EVENT);
	expect_end(test, fake, &thread, AXV_EXIT_NOTHING);
}

/* Looking at the work of this thread does not clear it. */
static void the_look_at_work_changes_nothing(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	fake->guest = axv_fake_guest_halt;
	set_thread_flag(TIF_NOTIFY_RESUME);
	KUNIT_EXPECT_TRUE(test, axv_has_user_work(read_thread_flags()));
	KUNIT_EXPECT_TRUE(test, axv_has_user_work(read_thread_flags()));
	KUNIT_EXPECT_EQ(test, -EINTR, axv_vcpu_block(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, -EINTR, axv_vcpu_block(&fake->vcpu));
	KUNIT_EXPECT_FALSE(test, fake->vcpu.notify_resume);

	/* The flag is put off before an entry, and set again when the run ends. */
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NOTHING, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_FALSE(test, fake->vcpu.notify_resume);
	KUNIT_EXPECT_TRUE(test, test_thread_flag(TIF_NOTIFY_RESUME));
	clear_thread_flag(TIF_NOTIFY_RESUME);

	/* The vCPU never slept. */
	KUNIT_EXPECT_EQ(test, 0ull, fake->vcpu.stats.blocks);
}

static void the_end_of_the_vm_wakes(struct kunit *test)
{
	struct axv_fake_thread thread;
	struct axv_fake *fake = halted(test, &thread);

	axv_request(&fake->vcpu, AXV_REQ_DEAD);
	expect_end(test, fake, &thread, AXV_EXIT_NOTHING);
}

static void an_earlier_reason_prevents_the_sleep(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	fake->guest = axv_fake_guest_halt;
	KUNIT_EXPECT_EQ(test, 0, axv_fake_inject(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_EQ(test, 0ull, fake->vcpu.stats.blocks);

	/* After a kick the vCPU does not even enter the guest. */
	reinit_completion(&fake->entered);
	axv_vcpu_kick(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_KICKED, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_FALSE(test, try_wait_for_completion(&fake->entered));
}

/*
 * With both an event and a kick, axv_vcpu_block() reports the event: its caller does not look for
 * events once more.
 */
static void the_reason_to_wake_is_told(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_vcpu *vcpu = &fake->vcpu;

	axv_vcpu_kick(vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_block(vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_inject(vcpu));
	KUNIT_EXPECT_EQ(test, 1, axv_vcpu_block(vcpu));
	clear_bit(AXV_REQ_KICK, &vcpu->requests);
	KUNIT_EXPECT_EQ(test, 1, axv_vcpu_block(vcpu));
	/* The vCPU never slept. */
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(vcpu));
	KUNIT_EXPECT_EQ(test, 0ull, vcpu->stats.blocks);
}

static void busy_while_blocked(struct kunit *test)
{
	struct axv_fake_thread thread;
	struct axv_fake *fake = halted(test, &thread);
	struct axv_vcpu *vcpu = &fake->vcpu;
	struct axv_state state;
	struct axv_reg reg = {};

	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_bind(vcpu, true));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_unbind(vcpu));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_reset(vcpu));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_get_regs(vcpu, &reg, 1));
	axv_vcpu_get_state(vcpu, &state);
	KUNIT_EXPECT_EQ(test, (u32)AXV_STATE_BLOCKED, state.state);
	KUNIT_EXPECT_EQ(test, (u32)task_pid_nr(thread.task), state.owner);
	axv_vcpu_kick(vcpu);
	expect_end(test, fake, &thread, AXV_EXIT_KICKED);
}

static void many_kicks_are_one(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	unsigned int i;

	for (i = 0; i < 100; i++)
		axv_vcpu_kick(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_KICKED, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_EQ(test, 100ull, fake->vcpu.stats.kicks);
}

static void a_kick_outlives_the_states(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_CREATED);
	const struct axv_setup setup = {};
	struct axv_state state;

	axv_vcpu_kick(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_setup(&fake->vcpu, &setup));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&fake->vcpu, false));
	axv_vcpu_get_state(&fake->vcpu, &state);
	KUNIT_EXPECT_TRUE(test, state.flags & AXV_STATE_KICKED);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_KICKED, fake->vcpu.run->exit_reason);
}

static int kick_self(struct axv_fake *fake)
{
	axv_vcpu_kick(&fake->vcpu);
	return AXV_EXIT_HYPERCALL;
}

static void a_kick_is_an_exit_of_its_own(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	fake->guest = kick_self;
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_KICKED, fake->vcpu.run->exit_reason);
}

/* Halts again and again: each event that wakes it is a round. */
static int halt_often(struct axv_fake *fake)
{
	unsigned int *rounds = fake->arg;
	int reason = axv_fake_guest_halt(fake);

	if (reason != AXV_EXIT_HYPERCALL)
		return reason;
	WRITE_ONCE(*rounds, *rounds + 1);
	return *rounds == ROUNDS ? AXV_EXIT_HYPERCALL : AXV_EXIT_NONE;
}

/* Wait until @rounds is not @i any more.  Returns false if that takes too long. */
static bool passed(const unsigned int *rounds, unsigned int i)
{
	unsigned long end = jiffies + 60 * HZ;

	while (READ_ONCE(*rounds) == i && time_before(jiffies, end))
		cond_resched();
	return READ_ONCE(*rounds) != i;
}

/*
 * Every event is injected as soon as the one before was seen, that is, while
 * the vCPU is on its way back to sleep: a wake-up that gets lost there ends
 * the test.
 */
static void no_injection_is_lost(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	unsigned int rounds = 0, i;
	struct axv_fake_thread thread;

	fake->guest = halt_often;
	fake->arg = &rounds;
	axv_fake_start(test, &thread, -1, axv_fake_run_fn, &fake->vcpu);
	for (i = 0; i < ROUNDS; i++) {
		KUNIT_EXPECT_EQ(test, 0, axv_fake_inject(&fake->vcpu));
		if (!passed(&rounds, i))
			break;
	}
	KUNIT_EXPECT_EQ(test, (unsigned int)ROUNDS, READ_ONCE(rounds));
	axv_vcpu_kick(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &thread));
	axv_fake_stop(&thread);
}

/**
 * struct storm - a vCPU that is kicked as fast as it runs
 * @vcpu:	the vCPU
 * @runs:	runs that ended
 */
struct storm {
	struct axv_vcpu *vcpu;
	unsigned int runs;
};

static int storm_fn(void *arg)
{
	struct storm *storm = arg;
	int err;

	err = axv_vcpu_bind(storm->vcpu, false);
	while (!err && storm->runs < ROUNDS) {
		err = axv_vcpu_run(storm->vcpu);
		if (!err && storm->vcpu->run->exit_reason != AXV_EXIT_KICKED)
			err = -EDOM;
		WRITE_ONCE(storm->runs, storm->runs + 1);
	}
	return err ?: axv_vcpu_unbind(storm->vcpu);
}

/* A guest that spins in one run and halts in the next; a kick ends each run. */
static int spin_or_halt(struct axv_fake *fake)
{
	return fake->runs & 1 ? axv_fake_guest_halt(fake) : AXV_EXIT_NONE;
}

static void no_kick_is_lost(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct storm storm = { .vcpu = &fake->vcpu };
	struct axv_fake_thread thread;
	unsigned int i;

	fake->guest = spin_or_halt;
	axv_fake_start(test, &thread, -1, storm_fn, &storm);
	for (i = 0; i < ROUNDS; i++) {
		axv_vcpu_kick(&fake->vcpu);
		if (!passed(&storm.runs, i))
			break;
	}
	KUNIT_EXPECT_EQ(test, (unsigned int)ROUNDS, i);
	/* After a failure: kick the thread through its ROUNDS runs, or it never ends. */
	for (; i < ROUNDS && !completion_done(&thread.done); schedule_timeout_uninterruptible(1))
		axv_vcpu_kick(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &thread));
	axv_fake_stop(&thread);
	KUNIT_EXPECT_EQ(test, (u64)ROUNDS, fake->vcpu.stats.kicks);
}

static void inject_here(void *info)
{
	struct axv_vcpu *vcpu = info;

	axv_fake_inject(vcpu);
}

static void from_a_hard_interrupt(struct kunit *test)
{
	struct axv_fake_thread thread;
	struct axv_fake *fake = halted(test, &thread);
	int cpu = cpumask_last(cpu_online_mask);

	KUNIT_EXPECT_EQ(test, 0,
			smp_call_function_single(cpu, inject_here, &fake->vcpu, 1));
	expect_end(test, fake, &thread, AXV_EXIT_HYPERCALL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(an_injection_wakes),
	KUNIT_CASE(a_kick_wakes),
	KUNIT_CASE(a_signal_wakes),
	KUNIT_CASE(work_ends_the_halt_at_the_next_look),
	KUNIT_CASE(the_look_at_work_changes_nothing),
	KUNIT_CASE(the_end_of_the_vm_wakes),
	KUNIT_CASE(an_earlier_reason_prevents_the_sleep),
	KUNIT_CASE(the_reason_to_wake_is_told),
	KUNIT_CASE(busy_while_blocked),
	KUNIT_CASE(many_kicks_are_one),
	KUNIT_CASE(a_kick_outlives_the_states),
	KUNIT_CASE(a_kick_is_an_exit_of_its_own),
	KUNIT_CASE(no_injection_is_lost),
	KUNIT_CASE(no_kick_is_lost),
	KUNIT_CASE(from_a_hard_interrupt),
	{}
};

axv_test_suite("axvcpu-block", cases, AXV_FAKE_FRAME);
