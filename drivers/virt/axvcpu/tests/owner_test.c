// SPDX-License-Identifier: GPL-2.0
/*
 * Ownership: another thread, a dead owner, adoption, and races for the claim.
 */
#include <linux/atomic.h>
#include <linux/sched.h>

#include <axvcpu/state.h>

#include "fake.h"
#include "../claim.h"

#define ROUNDS	500
#define TRIES	10000

static int bind_fn(void *arg)
{
	return axv_vcpu_bind(arg, false);
}

static int adopt_fn(void *arg)
{
	return axv_vcpu_bind(arg, true);
}

static int run_fn(void *arg)
{
	return axv_vcpu_run(arg);
}

static int unbind_fn(void *arg)
{
	return axv_vcpu_unbind(arg);
}

static int reset_fn(void *arg)
{
	return axv_vcpu_reset(arg);
}

static u32 owner_of(struct axv_vcpu *vcpu)
{
	struct axv_state state;

	axv_vcpu_get_state(vcpu, &state);
	return state.owner;
}

static void a_living_owner_keeps_it(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_vcpu *vcpu = &fake->vcpu;
	struct axv_fake_thread owner;

	axv_fake_start(test, &owner, -1, bind_fn, vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &owner));
	KUNIT_EXPECT_EQ(test, (u32)task_pid_nr(owner.task), owner_of(vcpu));
	KUNIT_EXPECT_EQ(test, -EPERM, axv_vcpu_bind(vcpu, false));
	KUNIT_EXPECT_EQ(test, -EPERM, axv_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, -EPERM, axv_vcpu_unbind(vcpu));
	KUNIT_EXPECT_EQ(test, -EPERM, axv_vcpu_reset(vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(vcpu));
	KUNIT_EXPECT_EQ(test, (u32)task_pid_nr(owner.task), owner_of(vcpu));
	axv_fake_stop(&owner);
}

static void a_dead_owner_is_succeeded(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_vcpu *vcpu = &fake->vcpu;

	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, -1, bind_fn, vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(vcpu));
	KUNIT_EXPECT_EQ(test, 0u, owner_of(vcpu));

	/*
	 * A bind succeeds a dead owner; a run and the like do not, although the state is
	 * Ready.
	 */
	KUNIT_EXPECT_EQ(test, -EPERM, axv_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, -EPERM, axv_vcpu_unbind(vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(vcpu, false));
	KUNIT_EXPECT_EQ(test, (u32)task_pid_nr(current), owner_of(vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(vcpu));
}

static void a_dead_owner_does_not_stop_a_reset(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_vcpu *vcpu = &fake->vcpu;

	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, -1, bind_fn, vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_reset(vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_CREATED, axv_vcpu_state(vcpu));
	KUNIT_EXPECT_EQ(test, 0u, owner_of(vcpu));
}

static void adopt(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_vcpu *vcpu = &fake->vcpu;
	struct axv_fake_thread owner;

	axv_fake_start(test, &owner, -1, bind_fn, vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &owner));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(vcpu, true));
	KUNIT_EXPECT_EQ(test, (u32)task_pid_nr(current), owner_of(vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(vcpu));
	axv_fake_stop(&owner);

	/* A thread that does not own the vCPU is refused, as the old owner would be. */
	KUNIT_EXPECT_EQ(test, -EPERM, axv_fake_call(test, -1, run_fn, vcpu));
	KUNIT_EXPECT_EQ(test, -EPERM, axv_fake_call(test, -1, unbind_fn, vcpu));
	KUNIT_EXPECT_EQ(test, -EPERM, axv_fake_call(test, -1, reset_fn, vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, -1, adopt_fn, vcpu));
}

static void adopt_is_a_bind_otherwise(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);

	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&fake->vcpu, true));

	/* The owner itself cannot adopt: to bind a Ready vCPU of its own is the wrong state. */
	KUNIT_EXPECT_EQ(test, -EBADFD, axv_vcpu_bind(&fake->vcpu, true));
	KUNIT_EXPECT_EQ(test, AXV_STATE_INVALID, axv_vcpu_state(&fake->vcpu));
}

static void unbound_belongs_to_nobody(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_vcpu *vcpu = &fake->vcpu;

	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_unbind(vcpu));
	KUNIT_EXPECT_EQ(test, 0u, owner_of(vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, -1, axv_fake_run_fn, vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(vcpu, false));
}

static void busy_while_another_thread_runs(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_vcpu *vcpu = &fake->vcpu;
	struct axv_fake_thread runner;
	struct axv_reg reg = {};

	fake->guest = axv_fake_guest_spin;
	axv_fake_start(test, &runner, -1, axv_fake_run_fn, vcpu);
	axv_fake_await(test, &fake->entered);
	KUNIT_EXPECT_EQ(test, AXV_STATE_RUNNING, axv_vcpu_state(vcpu));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_run(vcpu));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_bind(vcpu, false));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_bind(vcpu, true));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_unbind(vcpu));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_reset(vcpu));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_get_regs(vcpu, &reg, 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_vcpu_sync(vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_inject(vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_RUNNING, axv_vcpu_state(vcpu));
	axv_vcpu_kick(vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &runner));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_KICKED, vcpu->run->exit_reason);
	axv_fake_stop(&runner);
	KUNIT_EXPECT_EQ(test, AXV_STATE_FREE, axv_vcpu_state(vcpu));
}

/**
 * struct race - two threads that ask for one transition
 * @vcpu:	the vCPU
 * @round:	the round that both may begin
 * @arrived:	2 when both have tried, 4 when both are through with the round
 * @won:	what bind returned to thread 0 and 1 in this round
 */
struct race {
	struct axv_vcpu *vcpu;
	atomic_t round;
	atomic_t arrived;
	int won[2];
};

struct racer {
	struct race *race;
	unsigned int number;
};

static int racer_fn(void *arg)
{
	struct racer *racer = arg;
	struct race *race = racer->race;
	int round;

	for (round = 1; round <= ROUNDS; round++) {
		int ret;

		while (atomic_read_acquire(&race->round) != round)
			cond_resched();
		ret = axv_vcpu_bind(race->vcpu, false);
		race->won[racer->number] = ret;
		atomic_inc_return_release(&race->arrived);
		/* Unbind only when the other thread has tried as well. */
		while (atomic_read_acquire(&race->arrived) < 2)
			cond_resched();
		if (!ret)
			ret = axv_vcpu_unbind(race->vcpu);
		atomic_inc_return_release(&race->arrived);
	}
	return 0;
}

static void one_of_two_gets_the_claim(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct race race = { .vcpu = &fake->vcpu };
	struct racer racers[2] = { { &race, 0 }, { &race, 1 } };
	struct axv_fake_thread threads[2];
	unsigned int wins = 0, strange = 0, round, i;

	for (i = 0; i < 2; i++)
		axv_fake_start(test, &threads[i], i % num_online_cpus(), racer_fn,
			       &racers[i]);
	for (round = 1; round <= ROUNDS; round++) {
		atomic_set(&race.arrived, 0);
		atomic_set_release(&race.round, round);
		while (atomic_read_acquire(&race.arrived) < 4)
			cond_resched();
		for (i = 0; i < 2; i++) {
			int ret = race.won[i];

			wins += !ret;
			strange += ret && ret != -EBUSY && ret != -EPERM;
		}
	}
	for (i = 0; i < 2; i++) {
		axv_fake_wait(test, &threads[i]);
		axv_fake_stop(&threads[i]);
	}
	KUNIT_EXPECT_EQ(test, (unsigned int)ROUNDS, wins);
	KUNIT_EXPECT_EQ(test, 0u, strange);
	KUNIT_EXPECT_EQ(test, AXV_STATE_FREE, axv_vcpu_state(&fake->vcpu));
}

/**
 * struct contest - two threads that want a claim as often as they can have it
 * @vcpu:	the vCPU
 * @ready:	threads that are about to begin
 * @inside:	threads that have the claim
 * @overlaps:	how often more than one had it
 */
struct contest {
	struct axv_vcpu *vcpu;
	atomic_t ready;
	atomic_t inside;
	atomic_t overlaps;
};

static int contest_fn(void *arg)
{
	struct contest *contest = arg;
	unsigned int i;

	atomic_inc(&contest->ready);
	while (atomic_read(&contest->ready) < 2)
		cond_resched();
	for (i = 0; i < TRIES; i++) {
		if (axv_begin_transition(contest->vcpu, AXV_STATE_FREE,
					 AXV_STATE_FREE))
			continue;
		if (atomic_inc_return(&contest->inside) != 1)
			atomic_inc(&contest->overlaps);
		atomic_dec(&contest->inside);
		axv_unclaim(contest->vcpu);
		cond_resched();
	}
	return 0;
}

/* Without rounds, both threads often meet between looking at the claim and taking it. */
static void a_claim_excludes(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct contest contest = { .vcpu = &fake->vcpu };
	struct axv_fake_thread threads[2];
	unsigned int i;

	KUNIT_ASSERT_GE_MSG(test, num_online_cpus(), 2u, "boot with two CPUs");
	for (i = 0; i < 2; i++)
		axv_fake_start(test, &threads[i], i, contest_fn, &contest);
	for (i = 0; i < 2; i++) {
		axv_fake_wait(test, &threads[i]);
		axv_fake_stop(&threads[i]);
	}
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&contest.overlaps));
	KUNIT_EXPECT_EQ(test, AXV_STATE_FREE, axv_vcpu_state(&fake->vcpu));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(a_living_owner_keeps_it),
	KUNIT_CASE(a_dead_owner_is_succeeded),
	KUNIT_CASE(a_dead_owner_does_not_stop_a_reset),
	KUNIT_CASE(adopt),
	KUNIT_CASE(adopt_is_a_bind_otherwise),
	KUNIT_CASE(unbound_belongs_to_nobody),
	KUNIT_CASE(busy_while_another_thread_runs),
	KUNIT_CASE(one_of_two_gets_the_claim),
	KUNIT_CASE(a_claim_excludes),
	{}
};

axv_test_suite("axvcpu-owner", cases, AXV_FAKE_FRAME);
