// SPDX-License-Identifier: GPL-2.0
/*
 * Reads beside operations: an operation waits for a read to end, a read fails if an
 * operation acts or waits, and a read never sleeps.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <axvcpu/current.h>
#include <axvcpu/state.h>

#include "fake.h"
#include "../claim.h"

#define LONG_LIST	(2 * AXV_READ_BATCH + 1)
#define ROUNDS		500
#define WAIT_LIMIT	1000000		/* times 5 microseconds */

static bool operation_waits(struct axv_vcpu *vcpu)
{
	bool waits;

	raw_spin_lock_irq(&vcpu->lock);
	waits = vcpu->awaited;
	raw_spin_unlock_irq(&vcpu->lock);
	return waits;
}

/* Called in the middle of a read, preemption off: stays until an operation waits. */
static int until_an_operation_waits(struct axv_fake *fake)
{
	unsigned int left = WAIT_LIMIT;

	complete(&fake->entered);
	fake->on_read = NULL;
	while (!operation_waits(&fake->vcpu) && --left)
		udelay(5);
	return left ? 0 : -ETIMEDOUT;
}

static int read_list(struct axv_vcpu *vcpu, u32 count)
{
	struct axv_reg *regs = kcalloc(count, sizeof(*regs), GFP_KERNEL);
	int ret = -ENOMEM;

	if (regs)
		ret = axv_get_regs(vcpu, regs, count);
	kfree(regs);
	return ret;
}

static int read_few_fn(void *arg)
{
	return read_list(arg, AXV_READ_BATCH);
}

static int read_many_fn(void *arg)
{
	return read_list(arg, LONG_LIST);
}

static void await_entered(struct kunit *test, struct axv_fake *fake)
{
	axv_fake_await(test, &fake->entered);
	reinit_completion(&fake->entered);
}

/* Begins a read in a thread of its own.  It goes on when an operation waits for its end. */
static void begin_on(struct kunit *test, struct axv_fake *fake,
		     struct axv_fake_thread *reader, int (*fn)(void *arg))
{
	KUNIT_ASSERT_GE_MSG(test, num_online_cpus(), 2u, "boot with two CPUs");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	fake->on_read = until_an_operation_waits;
	axv_fake_start(test, reader, 1, fn, &fake->vcpu);
	await_entered(test, fake);
}

static struct axv_fake *begin(struct kunit *test, struct axv_fake_thread *reader,
			      int (*fn)(void *arg))
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	begin_on(test, fake, reader, fn);
	return fake;
}

static void finish(struct axv_fake_thread *reader)
{
	axv_fake_stop(reader);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void an_operation_waits_for_a_read(struct kunit *test)
{
	struct axv_fake_thread reader;
	struct axv_fake *fake = begin(test, &reader, read_few_fn);

	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &reader));
	finish(&reader);
	KUNIT_EXPECT_EQ(test, 0, fake->vcpu.awaited);
}

static int run_fn(void *arg)
{
	return axv_vcpu_run(arg);
}

/* A thread that is refused anyway does not wait for a read either. */
static void a_stranger_does_not_end_a_read(struct kunit *test)
{
	struct axv_fake_thread reader;
	struct axv_fake *fake = begin(test, &reader, read_few_fn);

	KUNIT_EXPECT_EQ(test, -EPERM, axv_fake_call(test, 0, run_fn, &fake->vcpu));
	KUNIT_EXPECT_FALSE(test, operation_waits(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_reset(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &reader));
	finish(&reader);
}

static int bind_fn(void *arg)
{
	return axv_vcpu_bind(arg, false);
}

static void the_successor_of_a_dead_owner_waits(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_fake_thread reader;

	KUNIT_ASSERT_EQ(test, 0, axv_fake_call(test, 0, bind_fn, &fake->vcpu));
	begin_on(test, fake, &reader, read_few_fn);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_bind(&fake->vcpu, false));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &reader));
	finish(&reader);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
}

/* After the operation the rest of a long list is of another moment, so the read fails. */
static void no_read_gets_in_before_an_operation(struct kunit *test)
{
	struct axv_fake_thread reader;
	struct axv_fake *fake = begin(test, &reader, read_many_fn);
	unsigned int reads = fake->reads;

	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, -EBUSY, axv_fake_wait(test, &reader));
	KUNIT_EXPECT_EQ(test, reads + AXV_READ_BATCH - 1, fake->reads);
	finish(&reader);

	/* Without an operation in between, the list is read to its end. */
	KUNIT_EXPECT_EQ(test, 0, read_many_fn(&fake->vcpu));
}

/* Count an operation after each batch, as if it had come between two of them. */
static int count_an_operation(struct axv_fake *fake)
{
	struct axv_vcpu *vcpu = &fake->vcpu;

	raw_spin_lock_irq(&vcpu->lock);
	vcpu->operations += fake->reads % AXV_READ_BATCH == 0;
	raw_spin_unlock_irq(&vcpu->lock);
	return 0;
}

static void a_list_is_of_one_moment(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	fake->on_read = count_an_operation;
	KUNIT_EXPECT_EQ(test, -EBUSY, read_many_fn(&fake->vcpu));
	fake->reads = 0;
	KUNIT_EXPECT_EQ(test, 0, read_few_fn(&fake->vcpu));
}

static int operate_in_a_read(struct axv_fake *fake)
{
	struct axv_vcpu *vcpu = &fake->vcpu;
	struct axv_reg reg = {};

	axv_nesting_expected = 3;
	if (axv_vcpu_run(vcpu) != -EDEADLK || axv_vcpu_reset(vcpu) != -EDEADLK ||
	    axv_get_regs(vcpu, &reg, 1) != -EDEADLK || axv_nesting_expected)
		fake->current_was_wrong++;
	axv_nesting_expected = 0;
	return 0;
}

static void nothing_nests_in_a_read(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_reg reg = {};

	fake->on_read = operate_in_a_read;
	KUNIT_EXPECT_EQ(test, 0, axv_get_regs(&fake->vcpu, &reg, 1));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
}

/**
 * struct mix - threads that read, and an owner that goes through all states meanwhile
 * @vcpu:	the vCPU
 * @done:	the owner is through
 * @refused:	operations of the owner that were refused
 * @strange:	results of reads that are neither success nor -EBUSY
 * @reads:	reads that succeeded
 */
struct mix {
	struct axv_vcpu *vcpu;
	bool done;
	unsigned int refused;
	atomic_t strange;
	atomic_t reads;
};

static int reader_fn(void *arg)
{
	struct mix *mix = arg;
	unsigned int i;

	for (i = 0; !READ_ONCE(mix->done); i++) {
		int ret = read_list(mix->vcpu, i % 2 ? 1 : LONG_LIST);

		if (!ret)
			atomic_inc(&mix->reads);
		else if (ret != -EBUSY)
			atomic_inc(&mix->strange);
		cond_resched();
	}
	return 0;
}

static int owner_fn(void *arg)
{
	const struct axv_setup setup = {};
	struct mix *mix = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		mix->refused += axv_vcpu_setup(mix->vcpu, &setup) != 0;
		mix->refused += axv_vcpu_bind(mix->vcpu, false) != 0;
		mix->refused += axv_vcpu_run(mix->vcpu) != 0;
		mix->refused += axv_vcpu_unbind(mix->vcpu) != 0;
		mix->refused += axv_vcpu_bind(mix->vcpu, false) != 0;
		mix->refused += axv_vcpu_reset(mix->vcpu) != 0;
		cond_resched();
	}
	WRITE_ONCE(mix->done, true);
	return 0;
}

static void readers_beside_an_owner(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_CREATED);
	struct mix mix = { .vcpu = &fake->vcpu };
	struct axv_fake_thread threads[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		axv_fake_start(test, &threads[i], i % num_online_cpus(),
			       i ? reader_fn : owner_fn, &mix);
	for (i = 0; i < 3; i++) {
		axv_fake_wait(test, &threads[i]);
		axv_fake_stop(&threads[i]);
	}
	KUNIT_EXPECT_EQ(test, 0u, mix.refused);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&mix.strange));
	KUNIT_EXPECT_GT(test, atomic_read(&mix.reads), 0);
	KUNIT_EXPECT_EQ(test, 0, fake->vcpu.awaited);
	KUNIT_EXPECT_EQ(test, AXV_CLAIM_NONE, fake->vcpu.claim);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(an_operation_waits_for_a_read),
	KUNIT_CASE(a_stranger_does_not_end_a_read),
	KUNIT_CASE(the_successor_of_a_dead_owner_waits),
	KUNIT_CASE(no_read_gets_in_before_an_operation),
	KUNIT_CASE(a_list_is_of_one_moment),
	KUNIT_CASE(nothing_nests_in_a_read),
	KUNIT_CASE(readers_beside_an_owner),
	{}
};

axv_test_suite("axvcpu-read", cases, AXV_FAKE_FRAME);
